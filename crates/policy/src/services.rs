//! Rules of single services that no policy can change, each with the AWS page that states it.
//!
//! A row is one rule; what is not listed follows IAM's general logic.

use super::facts::{Facts, Key};
use super::request::{Caller, partition_of};
use super::rules::is_session_of;
use super::three::Three;

/// Actions that only principals of the resource's own account may call, whatever a resource policy says.
///
/// See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-limitations-of-custom-policies.html>.
const SQS_OWNER_ONLY: [&str; 12] = [
    "sqs:addpermission",
    "sqs:cancelmessagemovetask",
    "sqs:createqueue",
    "sqs:deletequeue",
    "sqs:listmessagemovetasks",
    "sqs:listqueues",
    "sqs:listqueuetags",
    "sqs:removepermission",
    "sqs:setqueueattributes",
    "sqs:startmessagemovetask",
    "sqs:tagqueue",
    "sqs:untagqueue",
];

/// KMS actions that principals of another account may call; all others are for the key's own account.
///
/// See <https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html>, column
/// "Cross-account use".
const KMS_CROSS_ACCOUNT: [&str; 20] = [
    "kms:creategrant",
    "kms:decrypt",
    "kms:derivesharedsecret",
    "kms:describekey",
    "kms:encrypt",
    "kms:generatedatakey",
    "kms:generatedatakeypair",
    "kms:generatedatakeypairwithoutplaintext",
    "kms:generatedatakeywithoutplaintext",
    "kms:generatemac",
    "kms:getkeyrotationstatus",
    "kms:getpublickey",
    "kms:listgrants",
    "kms:reencryptfrom",
    "kms:reencryptto",
    "kms:retiregrant",
    "kms:revokegrant",
    "kms:sign",
    "kms:verify",
    "kms:verifymac",
];

/// Calls about a bucket's policy, which S3 takes of the owner's account only, and of its root user whatever that policy denies.
///
/// See <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>, and alike `GetBucketPolicy` and
/// `DeleteBucketPolicy`.
const OF_BUCKET_POLICY: [&str; 3] = [
    "s3:deletebucketpolicy",
    "s3:getbucketpolicy",
    "s3:putbucketpolicy",
];

/// Whether the caller is a root user whom the bucket's policy cannot keep from itself; open where nobody told the bucket's owner.
pub(super) fn is_beyond_denial(facts: &Facts<'_>, action: &str) -> Three {
    let Caller::Root { account } = facts.caller else {
        return Three::No;
    };
    if !OF_BUCKET_POLICY.contains(&action) {
        return Three::No;
    }
    facts
        .owner
        .map_or(Three::Maybe, |it| Three::from(it == account))
}

/// Services that accept requests without a signature.
///
/// API Gateway does so at methods without an authorizer. See
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>, "Principal key
/// values", and <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html>.
const UNSIGNED: [&str; 4] = ["execute-api:", "s3:", "sns:", "sqs:"];

/// Calls that a service accepts without a signature where the resource is set up so, which no request tells: function URLs
/// without authorization, and domains that are let in by address.
///
/// See <https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html> and
/// <https://docs.aws.amazon.com/opensearch-service/latest/developerguide/ac.html#ac-types-ip>.
const MAYBE_UNSIGNED: [&str; 2] = ["es:eshttp", "lambda:invokefunctionurl"];

/// Services whose resources resource control policies apply to.
///
/// See <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html#rcp-supported-services>.
const UNDER_RESOURCE_CONTROL: [&str; 62] = [
    "aoss",
    "appconfig",
    "appstream",
    "autoscaling",
    "autoscaling-plans",
    "budgets",
    "clouddirectory",
    "cloudfront",
    "cloudsearch",
    "cloudtrail-data",
    "codeartifact",
    "codebuild",
    "codecommit",
    "codepipeline",
    "cognito-identity",
    "cognito-idp",
    "comprehend",
    "comprehendmedical",
    "compute-optimizer",
    "cost-optimization-hub",
    "dax",
    "dsql",
    "dynamodb",
    "ecr",
    "ecr-public",
    "events",
    "firehose",
    "fis",
    "fms",
    "gamelift",
    "health",
    "inspector-scan",
    "kendra",
    "kinesisvideo",
    "kms",
    "logs",
    "memorydb",
    "networkmonitor",
    "notifications",
    "opensearch",
    "pca-connector-ad",
    "personalize",
    "polly",
    "pricing",
    "resource-groups",
    "rolesanywhere",
    "s3",
    "secretsmanager",
    "servicediscovery",
    "signin",
    "sqs",
    "sts",
    "support",
    "swf",
    "textract",
    "timestream-influxdb",
    "transcribe",
    "transfer",
    "translate",
    "wafv2",
    "workspaces",
    "xray",
];

/// What KMS lets callers do to an alias itself; anything else asked of an alias is asked of its key.
const OF_ALIASES: [&str; 3] = ["kms:createalias", "kms:deletealias", "kms:updatealias"];

/// Actions of STS that no trust policy decides about.
///
/// See <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html>:
/// these have no role as their resource.
const STS_WITHOUT_ROLE: [&str; 8] = [
    "sts:assumeroot",
    "sts:decodeauthorizationmessage",
    "sts:getaccesskeyinfo",
    "sts:getcalleridentity",
    "sts:getfederationtoken",
    "sts:getservicebearertoken",
    "sts:getsessiontoken",
    "sts:getwebidentitytoken",
];

/// What credentials of `GetSessionToken` may call of STS, tags and source identity of the session included.
const BY_SESSION_TOKEN: [&str; 4] = [
    "sts:assumerole",
    "sts:getcalleridentity",
    "sts:setsourceidentity",
    "sts:tagsession",
];

/// Who calls, as far as STS tells callers apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Credentials {
    /// An IAM user's, with or without multi-factor authentication.
    User,
    /// An account's root user's.
    Root,
    /// A role's session.
    Role,
    /// A federated user's session.
    Federated,
    /// None of an account.
    Foreign,
}

/// What STS answers to these callers, whatever the policies say: the action, the callers, whether it
/// is allowed, and why.
///
/// - `GetCallerIdentity`: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
/// - `GetSessionToken`: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>
/// - `AssumeRole`: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
/// - `GetFederationToken`: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>
const STS: [(&str, &[Credentials], bool, &str); 8] = [
    (
        "sts:getcalleridentity",
        &[
            Credentials::User,
            Credentials::Root,
            Credentials::Role,
            Credentials::Federated,
        ],
        true,
        "sts:GetCallerIdentity needs no permission, and no policy can deny it",
    ),
    (
        "sts:getcalleridentity",
        &[Credentials::Foreign],
        false,
        "sts:GetCallerIdentity is asked with an account's credentials",
    ),
    (
        "sts:getsessiontoken",
        &[Credentials::User, Credentials::Root],
        true,
        "sts:GetSessionToken needs no permission, and no policy can deny it",
    ),
    (
        "sts:getsessiontoken",
        &[Credentials::Role, Credentials::Foreign],
        false,
        "sts:GetSessionToken is for a user's own credentials, not for those of a session",
    ),
    (
        "sts:getfederationtoken",
        &[Credentials::Role, Credentials::Foreign],
        false,
        "sts:GetFederationToken is for a user's own credentials, not for those of a session",
    ),
    (
        "sts:assumerole",
        &[Credentials::Root],
        false,
        "an account's root user cannot assume a role",
    ),
    (
        "sts:tagsession",
        &[Credentials::Root],
        false,
        "an account's root user cannot assume a role",
    ),
    (
        "sts:setsourceidentity",
        &[Credentials::Root],
        false,
        "an account's root user cannot assume a role",
    ),
];

/// What a service answers to this caller whatever the policies say: whether it allows it, and why.
///
/// Actions are in lower case, here and below.
pub(super) fn settled(facts: &Facts<'_>, action: &str) -> Option<(bool, &'static str)> {
    if let Some(why) = elsewhere(facts) {
        return Some((false, why));
    }
    let caller = &facts.caller;
    // What is got of `GetSessionToken` and the console is no user's long-term key.
    let needs_keys = ["sts:getfederationtoken", "sts:getsessiontoken"].contains(&action);
    if needs_keys && facts.has_temporary_credentials() {
        return Some((
            false,
            "the call is for a user's long-term credentials, not for temporary ones",
        ));
    }
    let credentials = match caller {
        Caller::User { .. } => Credentials::User,
        Caller::Root { .. } => Credentials::Root,
        Caller::Role { .. } | Caller::Session { .. } => Credentials::Role,
        Caller::Other { .. } => Credentials::Federated,
        Caller::Provider { .. } | Caller::Service { .. } | Caller::Anonymous => {
            Credentials::Foreign
        }
    };
    let known = STS
        .iter()
        .find(|(it, callers, _, _)| *it == action && callers.contains(&credentials))
        .map(|(_, _, allowed, why)| (*allowed, *why));
    // <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html>
    let confined = credentials == Credentials::Federated && action.starts_with("sts:");
    let confined = confined.then_some((
        false,
        "a federated user's session may call nothing of STS but sts:GetCallerIdentity",
    ));
    let not_by_token = not_by_token(caller, action).map(|why| (false, why));
    known.or(not_by_token).or(confined)
}

/// Why a caller is nobody where it asks: accounts, roles and identity providers are of one partition, which shares no IAM with
/// another, and STS looks for the provider of a token of OIDC in the role's account.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html> and
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html>.
fn elsewhere(facts: &Facts<'_>) -> Option<&'static str> {
    let request = facts.request;
    let partitions = request.partition().zip(partition_of(&request.resource));
    if partitions.is_some_and(|(own, other)| own != other) {
        return Some(
            "the caller and the resource are of different partitions, which share no accounts",
        );
    }
    is_foreign_provider(facts, ":oidc-provider/")
        .then_some("STS looks for the provider of a token in the role's own account")
}

/// Whether the caller is an identity provider of this kind, of another account than what it asks for.
fn is_foreign_provider(facts: &Facts<'_>, kind: &str) -> bool {
    let Caller::Provider { name } = facts.caller else {
        return false;
    };
    let own = name.split(':').nth(4).filter(|_| name.contains(kind));
    own.zip(facts.owner)
        .is_some_and(|(own, other)| own != other)
}

/// Why a caller cannot make a call that has to do with identity providers: a token of OIDC is traded by
/// `AssumeRoleWithWebIdentity`, one of SAML by `AssumeRoleWithSAML`, and neither by the credentials of an account.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html>.
fn not_by_token(caller: &Caller<'_>, action: &str) -> Option<&'static str> {
    let is_saml = |name: &str| name.contains(":saml-provider/");
    match (caller, action) {
        (Caller::Provider { .. }, "sts:assumerole") => {
            Some("a token of an identity provider is no credential for sts:AssumeRole")
        }
        (Caller::Provider { name }, "sts:assumerolewithwebidentity") if is_saml(name) => {
            Some("a SAML provider's assertion is traded by sts:AssumeRoleWithSAML")
        }
        (Caller::Provider { name }, "sts:assumerolewithsaml") if !is_saml(name) => {
            Some("a token of an OIDC provider is traded by sts:AssumeRoleWithWebIdentity")
        }
        (
            Caller::Role { .. }
            | Caller::Session { .. }
            | Caller::User { .. }
            | Caller::Root { .. }
            | Caller::Other { .. },
            "sts:assumerolewithwebidentity" | "sts:assumerolewithsaml",
        ) => Some("only a token of an identity provider is traded by this call"),
        _ => None,
    }
}

/// Why no policy alone decides about a request, where that is so.
///
/// See <https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html> and
/// <https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html>.
pub(super) fn not_by_policy(facts: &Facts<'_>, action: &str) -> Option<&'static str> {
    if action == "kms:retiregrant" {
        return Some("the grant itself says who may retire it, whatever the policies allow");
    }
    let of_key = action.starts_with("kms:") && !OF_ALIASES.contains(&action);
    if of_key && is_alias(&facts.request.resource) {
        return Some("KMS decides this by the key that the alias stands for; ask about the key");
    }
    contradiction(facts).or_else(|| by_credentials(facts, action))
}

/// What in a request contradicts the rest of it.
fn contradiction(facts: &Facts<'_>) -> Option<&'static str> {
    let request = facts.request;
    let of_arn = request.resource.split(':').nth(4);
    let of_arn = of_arn.filter(|it| !it.is_empty() && *it != "aws");
    let told = request.resource_account.as_deref();
    // A witness of a comparison stands for requests on resources of one account or another.
    let is_told = request.caller_policies.is_none();
    if is_told && told.zip(of_arn).is_some_and(|(told, own)| told != own) {
        return Some("the request names an owner of the resource who is not that of its ARN");
    }
    let values = facts.given("aws:principalarn")?;
    let is_own = match facts.caller {
        Caller::Role { arn, .. } | Caller::User { arn, .. } => values == [arn],
        Caller::Session { arn, .. } => matches!(values, [role] if is_session_of(arn, role)),
        _ => true,
    };
    (!is_own).then_some("the request names an `aws:PrincipalArn` that is not its caller's")
}

/// Why it depends on how the caller got its credentials, or on a token that it has.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html>, which keeps credentials of STS from
/// IAM and lets the console's have it, and
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html>.
fn by_credentials(facts: &Facts<'_>, action: &str) -> Option<&'static str> {
    let given = |key: &str, value: &str| matches!(facts.key(key), Key::Given([one]) if one.eq_ignore_ascii_case(value));
    match facts.caller {
        Caller::Root { .. } if given("aws:assumedroot", "true") => {
            Some("the session's task policy says what a root user may whom sts:AssumeRoot made")
        }
        Caller::Other { .. }
            if facts.caller.federated().is_some() && action.starts_with("iam:") =>
        {
            Some("IAM takes calls of a federated user's session from the console only")
        }
        Caller::User { .. } | Caller::Root { .. } if facts.has_temporary_credentials() => {
            let with_mfa = given("aws:multifactorauthpresent", "true");
            if action.starts_with("iam:") && !with_mfa {
                Some(
                    "IAM takes calls by credentials of sts:GetSessionToken with multi-factor authentication only, and those of the console without",
                )
            } else if action.starts_with("sts:") && !BY_SESSION_TOKEN.contains(&action) {
                Some(
                    "credentials of sts:GetSessionToken may call nothing of STS but sts:AssumeRole and sts:GetCallerIdentity, and those of the console may",
                )
            } else {
                None
            }
        }
        _ if action == "sns:confirmsubscription" && facts.caller.account() != facts.owner => Some(
            "SNS asks for the subscription's token, and a topic's policy cannot name this action",
        ),
        Caller::Provider { .. } if is_foreign_provider(facts, ":saml-provider/") => Some(
            "the SAML provider is of another account than the role, and AWS does not say whether STS finds it there",
        ),
        _ => None,
    }
}

fn is_alias(resource: &str) -> bool {
    let mut parts = resource.splitn(6, ':').skip(2);
    parts.next() == Some("kms") && parts.nth(2).is_some_and(|it| it.starts_with("alias/"))
}

/// Why only the resource's own account may call an action, where that is so.
pub(super) fn owner_only(action: &str) -> Option<&'static str> {
    if SQS_OWNER_ONLY.contains(&action) {
        Some("SQS allows this to the queue's own account only")
    } else if action.starts_with("kms:") && !KMS_CROSS_ACCOUNT.contains(&action) {
        Some("KMS allows this to the key's own account only")
    } else if OF_BUCKET_POLICY.contains(&action) {
        Some("S3 allows this to the bucket's own account only")
    } else if action.starts_with("iam:") {
        // <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html>: no policy of
        // its resources lets another account call IAM.
        Some("IAM takes calls of its own account only")
    } else {
        None
    }
}

/// Whether a service accepts requests without a signature, by the action or by the resource.
pub(super) fn accepts_unsigned(action: &str, resource: &str) -> Three {
    if MAYBE_UNSIGNED.iter().any(|it| action.starts_with(it)) {
        return Three::Maybe;
    }
    let service = resource.split(':').nth(2).unwrap_or_default();
    let of_resource = |it: &str| it.strip_suffix(':') == Some(service);
    let accepts = |it: &&str| action.starts_with(*it) || of_resource(it);
    Three::from(UNSIGNED.iter().any(accepts))
}

/// Whether resource control policies apply to a service's resources. They do not keep a service from its service-linked role.
///
/// See <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>.
pub(super) fn is_under_resource_control(facts: &Facts<'_>, action: &str) -> bool {
    let is_service = matches!(facts.caller, Caller::Service { .. });
    if is_service && facts.request.resource.contains(":role/aws-service-role/") {
        return false;
    }
    let service = action.split(':').next().unwrap_or_default();
    UNDER_RESOURCE_CONTROL.contains(&service)
}

/// Whether a service may be reached by a gateway endpoint, whose policy means the root user only by an account.
///
/// See <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html#vpc-endpoint-policies-gateway>.
pub(super) fn has_gateway_endpoints(action: &str) -> bool {
    ["dynamodb:", "s3:"].iter().any(|it| action.starts_with(it))
}

/// Whether the resource's own policy must allow in the resource's own account as well: a role's trust
/// policy, and a key's. An alias has no policy of its own.
///
/// See <https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html>,
/// <https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html> and
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>.
pub(super) fn is_guarded(action: &str, resource: &str) -> bool {
    action.starts_with("kms:") && resource != "*" && !is_alias(resource)
        || action.starts_with("sts:") && !STS_WITHOUT_ROLE.contains(&action)
}
