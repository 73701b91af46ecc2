//! Cloud Control.
//!
//! See <https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_Operations.html>.

use aws_sdk_cloudcontrol::Client;

use super::fault::{Sent, incomplete};
use crate::cloud::cloudcontrol::{GetVpcEndpoint, VPC_ENDPOINT, endpoint_policy};
use crate::cloud::{CallError, Service};

pub(super) async fn get_vpc_endpoint(
    client: &Client,
    call: GetVpcEndpoint,
) -> Result<String, CallError> {
    let answer = client
        .get_resource()
        .type_name(VPC_ENDPOINT)
        .identifier(call.id)
        .send()
        .await
        .sent(Service::CloudControl)?;
    let properties = answer.resource_description.and_then(|it| it.properties);
    properties
        .as_deref()
        .and_then(endpoint_policy)
        .ok_or_else(|| incomplete("GetResource", "properties"))
}
