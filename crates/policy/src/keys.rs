//! Which condition keys AWS puts into which requests, by its pages.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.

/// Actions whose requests say whether a service asks for a grant on the caller's behalf.
///
/// See <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-grant-is-for-aws-resource>.
pub(super) const GRANTS: [&str; 3] = ["kms:creategrant", "kms:listgrants", "kms:revokegrant"];

/// Keys that every request has: not being told them is not their absence.
pub(super) const ALWAYS_PRESENT: [&str; 5] = [
    "aws:currenttime",
    "aws:epochtime",
    "aws:securetransport",
    "aws:sourceip",
    "aws:useragent",
];

/// Keys that every request of some actions has, with the actions (`*` ends the beginning of a name), and the AWS page that says
/// so: where the key is a required parameter of the call, that of the call.
pub(super) const PRESENT_IN: [(&str, &str, &str); 49] = [
    (
        "dynamodb:leadingkeys",
        "dynamodb:getitem dynamodb:putitem dynamodb:updateitem dynamodb:deleteitem dynamodb:query dynamodb:batchgetitem dynamodb:batchwriteitem dynamodb:conditioncheckitem",
        "amazondynamodb specifying-conditions",
    ),
    (
        "ec2:region",
        "ec2:*",
        "service-authorization list_amazonec2",
    ),
    (
        "events:detail-type",
        "events:putevents",
        "EventBridge API_PutEventsRequestEntry",
    ),
    (
        "events:source",
        "events:putevents",
        "EventBridge API_PutEventsRequestEntry",
    ),
    (
        "events:targetarn",
        "events:puttargets",
        "EventBridge API_PutTargets",
    ),
    (
        "iam:awsservicename",
        "iam:createservicelinkedrole",
        "IAM API_CreateServiceLinkedRole",
    ),
    (
        "iam:passedtoservice",
        "iam:passrole",
        "service-authorization list_awsidentityandaccessmanagementiam",
    ),
    (
        "iam:permissionsboundary",
        "iam:putrolepermissionsboundary iam:putuserpermissionsboundary",
        "IAM API_PutRolePermissionsBoundary",
    ),
    (
        "iam:policyarn",
        "iam:attachgrouppolicy iam:attachrolepolicy iam:attachuserpolicy",
        "IAM API_AttachRolePolicy",
    ),
    (
        "iam:policyarn",
        "iam:detachgrouppolicy iam:detachrolepolicy iam:detachuserpolicy",
        "IAM API_DetachRolePolicy",
    ),
    (
        "kms:datakeypairspec",
        "kms:generatedatakeypair kms:generatedatakeypairwithoutplaintext",
        "kms conditions-kms",
    ),
    (
        "kms:encryptionalgorithm",
        "kms:decrypt kms:encrypt kms:generatedatakey* kms:reencrypt*",
        "kms conditions-kms",
    ),
    (
        "kms:grantoperations",
        "kms:creategrant",
        "kms conditions-kms",
    ),
    (
        "kms:granteeprincipal",
        "kms:creategrant",
        "kms conditions-kms",
    ),
    (
        "kms:keyagreementalgorithm",
        "kms:derivesharedsecret",
        "kms conditions-kms",
    ),
    ("kms:keyorigin", "kms:*", "kms conditions-kms"),
    ("kms:keyspec", "kms:*", "kms conditions-kms"),
    ("kms:keyusage", "kms:*", "kms conditions-kms"),
    (
        "kms:macalgorithm",
        "kms:generatemac kms:verifymac",
        "kms conditions-kms",
    ),
    ("kms:multiregion", "kms:*", "kms conditions-kms"),
    (
        "kms:primaryregion",
        "kms:updateprimaryregion",
        "kms conditions-kms",
    ),
    (
        "kms:reencryptonsamekey",
        "kms:reencrypt*",
        "kms conditions-kms",
    ),
    (
        "kms:replicaregion",
        "kms:replicatekey",
        "kms conditions-kms",
    ),
    (
        "kms:signingalgorithm",
        "kms:sign kms:verify",
        "kms conditions-kms",
    ),
    (
        "kms:wrappingalgorithm",
        "kms:getparametersforimport",
        "kms conditions-kms",
    ),
    (
        "kms:wrappingkeyspec",
        "kms:getparametersforimport",
        "kms conditions-kms",
    ),
    (
        "lambda:functionarn",
        "lambda:createeventsourcemapping",
        "Lambda API_CreateEventSourceMapping",
    ),
    (
        "lambda:functionurlauthtype",
        "lambda:createfunctionurlconfig lambda:invokefunctionurl",
        "Lambda urls-auth",
    ),
    (
        "lambda:principal",
        "lambda:addpermission",
        "Lambda API_AddPermission",
    ),
    (
        "organizations:serviceprincipal",
        "organizations:enableawsserviceaccess organizations:disableawsserviceaccess organizations:registerdelegatedadministrator organizations:deregisterdelegatedadministrator",
        "service-authorization list_awsorganizations",
    ),
    (
        "s3:authtype",
        "s3:*",
        "AmazonS3 bucket-policy-s3-sigv4-conditions",
    ),
    (
        "s3:signatureversion",
        "s3:*",
        "AmazonS3 bucket-policy-s3-sigv4-conditions",
    ),
    ("s3:tlsversion", "s3:*", "AmazonS3 amazon-s3-policy-keys"),
    (
        "s3:versionid",
        "s3:getobjectversion* s3:deleteobjectversion* s3:putobjectversion*",
        "AmazonS3 amazon-s3-policy-keys",
    ),
    (
        "saml:aud",
        "sts:assumerolewithsaml",
        "IAM reference_policies_iam-condition-keys",
    ),
    (
        "saml:iss",
        "sts:assumerolewithsaml",
        "IAM reference_policies_iam-condition-keys",
    ),
    (
        "saml:namequalifier",
        "sts:assumerolewithsaml",
        "IAM reference_policies_iam-condition-keys",
    ),
    (
        "saml:sub",
        "sts:assumerolewithsaml",
        "IAM reference_policies_iam-condition-keys",
    ),
    (
        "saml:sub_type",
        "sts:assumerolewithsaml",
        "IAM reference_policies_iam-condition-keys",
    ),
    (
        "secretsmanager:name",
        "secretsmanager:createsecret",
        "Secrets Manager API_CreateSecret",
    ),
    (
        "secretsmanager:secretid",
        "secretsmanager:cancelrotatesecret secretsmanager:deleteresourcepolicy secretsmanager:deletesecret secretsmanager:describesecret secretsmanager:getresourcepolicy secretsmanager:getsecretvalue secretsmanager:listsecretversionids secretsmanager:putresourcepolicy secretsmanager:putsecretvalue secretsmanager:removeregionsfromreplication secretsmanager:replicatesecrettoregions secretsmanager:restoresecret secretsmanager:rotatesecret secretsmanager:stopreplicationtoreplica secretsmanager:tagresource secretsmanager:untagresource secretsmanager:updatesecret secretsmanager:updatesecretversionstage",
        "service-authorization list_awssecretsmanager",
    ),
    ("sns:protocol", "sns:subscribe", "sns API_Subscribe"),
    (
        "sts:awsservicename",
        "sts:getservicebearertoken",
        "service-authorization list_awssecuritytokenservice",
    ),
    (
        "sts:identitytokenaudience",
        "sts:getwebidentitytoken",
        "STS API_GetWebIdentityToken",
    ),
    (
        "sts:rolesessionname",
        "sts:assumerole",
        "STS API_AssumeRole",
    ),
    (
        "sts:rolesessionname",
        "sts:assumerolewithsaml",
        "STS API_AssumeRoleWithSAML",
    ),
    (
        "sts:rolesessionname",
        "sts:assumerolewithwebidentity",
        "STS API_AssumeRoleWithWebIdentity",
    ),
    (
        "sts:signingalgorithm",
        "sts:getwebidentitytoken",
        "STS API_GetWebIdentityToken",
    ),
    ("sts:taskpolicyarn", "sts:assumeroot", "STS API_AssumeRoot"),
];

/// Keys that AWS sets by a default, by what is asked of or only in one way of signing: a request that does not name them may have
/// them. With actions and page as above.
pub(super) const MAYBE_IN: [(&str, &str, &str); 16] = [
    (
        "apigateway:request/*",
        "apigateway:patch apigateway:post apigateway:put",
        "API Gateway security_iam_service-with-iam",
    ),
    (
        "apigateway:resource/*",
        "apigateway:*",
        "API Gateway security_iam_service-with-iam",
    ),
    (
        "dynamodb:attributes",
        "dynamodb:getitem dynamodb:putitem dynamodb:updateitem dynamodb:deleteitem dynamodb:query dynamodb:scan dynamodb:batchgetitem dynamodb:batchwriteitem dynamodb:conditioncheckitem",
        "amazondynamodb specifying-conditions",
    ),
    (
        "dynamodb:returnvalues",
        "dynamodb:putitem dynamodb:updateitem dynamodb:deleteitem",
        "amazondynamodb specifying-conditions",
    ),
    (
        "dynamodb:select",
        "dynamodb:getitem dynamodb:batchgetitem dynamodb:query dynamodb:scan",
        "amazondynamodb specifying-conditions",
    ),
    (
        "kms:bypasspolicylockoutsafetycheck",
        "kms:createkey kms:putkeypolicy",
        "kms conditions-kms",
    ),
    (
        "kms:expirationmodel",
        "kms:importkeymaterial",
        "kms conditions-kms",
    ),
    (
        "kms:messagetype",
        "kms:sign kms:verify",
        "kms conditions-kms",
    ),
    (
        "kms:rotationperiodindays",
        "kms:enablekeyrotation",
        "kms conditions-kms",
    ),
    (
        "kms:schedulekeydeletionpendingwindowindays",
        "kms:schedulekeydeletion",
        "kms conditions-kms",
    ),
    (
        "lambda:functionarn",
        "lambda:deleteeventsourcemapping lambda:geteventsourcemapping lambda:updateeventsourcemapping",
        "service-authorization list_awslambda",
    ),
    (
        "lambda:functionurlauthtype",
        "lambda:deletefunctionurlconfig lambda:getfunctionurlconfig lambda:updatefunctionurlconfig",
        "service-authorization list_awslambda",
    ),
    (
        "lambda:principal",
        "lambda:removepermission",
        "service-authorization list_awslambda",
    ),
    (
        "s3:signatureage",
        "s3:*",
        "AmazonS3 bucket-policy-s3-sigv4-conditions",
    ),
    (
        "s3:x-amz-content-sha256",
        "s3:*",
        "AmazonS3 bucket-policy-s3-sigv4-conditions",
    ),
    (
        "sts:durationseconds",
        "sts:getservicebearertoken sts:getwebidentitytoken",
        "service-authorization list_awssecuritytokenservice",
    ),
];

/// No request is made before this moment, in the two ways in which a policy writes it: earlier bounds are certain.
pub(super) const EARLIEST: [&str; 2] = ["2025-01-01T00:00:00Z", "1735689600"];

/// Whether a key tells the time of a request.
pub(super) fn is_clock(key: &str) -> bool {
    ["aws:currenttime", "aws:epochtime"].contains(&key)
}

/// Whether a key tells who signed a request.
pub(super) fn is_of_signer(key: &str) -> bool {
    let names = [
        "aws:federatedprovider",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:sourceidentity",
        "aws:tokenissuetime",
        "aws:userid",
        "aws:username",
    ];
    key.starts_with("aws:principal") || names.contains(&key)
}

/// Global keys that AWS sets in some requests only.
pub(super) const SOMETIMES: [&str; 37] = [
    "aws:assumedroot",
    "aws:calledvia",
    "aws:calledviaawsmcp",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:chatbotsourcearn",
    "aws:ec2instancesourceprivateipv4",
    "aws:ec2instancesourcevpc",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:referer",
    "aws:resourceorgid",
    "aws:resourceorgpaths",
    "aws:signinsessionarn",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceidentity",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:tagkeys",
    "aws:tokenissuetime",
    "aws:viaawsmcpservice",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "aws:vpcsourceip",
    "sns:endpoint",
    "sns:protocol",
    "execute-api:viadomainarn",
    "ec2:sourceinstancearn",
];

/// Services whose own keys are set where their calls carry them.
pub(super) const SERVICES: [&str; 21] = [
    "apigateway",
    "codebuild",
    "cognito-identity.amazonaws.com",
    "dynamodb",
    "ec2",
    "ecr",
    "events",
    "glue",
    "iam",
    "identitystore",
    "kms",
    "lambda",
    "logs",
    "organizations",
    "s3",
    "saml",
    "secretsmanager",
    "ssm",
    "states",
    "sts",
    "tag",
];

/// Keys that come of who asks or of what is asked, and not of how the call is made.
pub(super) fn is_of_who_or_what(key: &str) -> bool {
    [
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:resourceorgid",
        "aws:resourceorgpaths",
    ]
    .contains(&key)
        || key.starts_with("aws:principaltag/")
        || key.starts_with("aws:resourcetag/")
}

pub(super) fn may_be_absent(key: &str) -> bool {
    let tagged = ["aws:principaltag/", "aws:requesttag/", "aws:resourcetag/"];
    if SOMETIMES.contains(&key) || tagged.iter().any(|it| key.starts_with(it)) {
        return true;
    }
    // A token's claims: `token.actions.githubusercontent.com:sub`.
    let (prefix, name) = key.split_once(':').unwrap_or_default();
    !name.is_empty() && (SERVICES.contains(&prefix) || prefix.contains('.'))
}
