//! Cloud Control: what a VPC endpoint's policy says. It is read and never written.
//!
//! Endpoints are EC2's. EC2's own client is many times larger than all others together, and one call of it would be
//! used.
//!
//! See <https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_GetResource.html> and
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpcendpoint.html>.

/// `GetResource` of type `AWS::EC2::VPCEndpoint`: answers with the endpoint's policy, as JSON.
///
/// In the endpoint's own account and region only. It asks for `cloudformation:GetResource` and
/// `ec2:DescribeVpcEndpoints`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetVpcEndpoint {
    /// The endpoint's id, such as `vpce-0123456789abcdef0`.
    pub id: String,
}

/// The type's name in Cloud Control.
pub const VPC_ENDPOINT: &str = "AWS::EC2::VPCEndpoint";

/// Returns the policy in an endpoint's properties, as JSON; nothing where they are not an endpoint's.
///
/// An endpoint that was made without one has the policy that AWS puts there, which allows everything.
#[must_use]
pub fn endpoint_policy(properties: &str) -> Option<String> {
    let properties: serde_json::Value = serde_json::from_str(properties).ok()?;
    match properties.as_object()?.get("PolicyDocument") {
        None | Some(serde_json::Value::Null) => Some(FULL_ACCESS.to_owned()),
        Some(serde_json::Value::String(text)) => Some(text.clone()),
        Some(document) => Some(document.to_string()),
    }
}

/// The policy of an endpoint that was made without one.
///
/// See <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html#default-endpoint-policy>.
const FULL_ACCESS: &str =
    r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

#[cfg(test)]
mod tests {
    use super::{FULL_ACCESS, endpoint_policy};

    #[test]
    fn the_policy_comes_as_an_object_as_a_text_or_not_at_all() {
        let read = |it: &str| endpoint_policy(it);
        let some = r#"{"Statement":[]}"#;
        assert_eq!(
            read(r#"{"Id":"vpce-1","PolicyDocument":{"Statement":[]}}"#).as_deref(),
            Some(some)
        );
        assert_eq!(
            read(r#"{"PolicyDocument":"{\"Statement\":[]}"}"#).as_deref(),
            Some(some)
        );
        assert_eq!(read(r#"{"Id":"vpce-1"}"#).as_deref(), Some(FULL_ACCESS));
        assert_eq!(read("[]"), None);
        assert_eq!(read("<html>"), None);
    }
}
