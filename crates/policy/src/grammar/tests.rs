//! What each grammar takes and refuses, with the place and IAM's words.

use super::*;

/// The refusals of a document, as `place: words` lines.
fn refused(grammar: Grammar, document: &str) -> String {
    let document = serde_json::from_str(document).expect("JSON");
    let refusals = grammar.refusals(&document);
    let lines = refusals.iter().map(|it| format!("{}: {}", it.at, it.words));
    lines.collect::<Vec<_>>().join("\n")
}

/// The refusals of a statement, whose fields replace those of one that is right.
fn of(grammar: Grammar, fields: &str) -> String {
    let mut statement: Value = match grammar {
        Grammar::Trust => serde_json::json!({"Action": "sts:AssumeRole", "Principal": "*"}),
        Grammar::Resource(_) => {
            serde_json::json!({"Action": "*", "Principal": "*", "Resource": "*"})
        }
        Grammar::ResourceControl => {
            serde_json::json!({"Action": "s3:*", "Principal": "*", "Resource": "*"})
        }
        Grammar::Identity | Grammar::Organization | Grammar::ServiceControl => {
            serde_json::json!({"Action": "*", "Resource": "*"})
        }
    };
    statement["Effect"] = "Allow".into();
    let fields: Map<String, Value> = serde_json::from_str(&format!("{{{fields}}}")).expect("JSON");
    for (name, value) in fields {
        match value {
            Value::Null => drop(statement.as_object_mut().expect("an object").remove(&name)),
            value => statement[name] = value,
        }
    }
    let mut document = serde_json::json!({"Statement": [statement]});
    if let Grammar::Organization | Grammar::ServiceControl | Grammar::ResourceControl = grammar {
        document["Version"] = "2012-10-17".into();
    }
    refused(grammar, &document.to_string())
}

#[test]
fn a_trust_policy_names_sts_actions_and_no_resource() {
    for (fields, expected) in [
        (r#""Action": ["sts:AssumeRole", "sts:TagSession"]"#, ""),
        (r#""Action": "sts:*""#, ""),
        (r#""Action": "STS:AssumeRoleWith*""#, ""),
        (
            r#""Action": "s3:GetObject""#,
            "Statement[0].Action: AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            r#""Action": ["sts:AssumeRole", "sts:TagSessions"]"#,
            "Statement[0].Action[1]: AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            r#""Resource": "*""#,
            "Statement[0].Resource: Has prohibited field Resource",
        ),
        (
            r#""NotResource": "*""#,
            "Statement[0].NotResource: Has prohibited field NotResource",
        ),
        (
            r#""Principal": null"#,
            "Statement[0]: Missing required field Principal",
        ),
        (
            r#""Principal": null, "NotPrincipal": {"AWS": "111111111111"}"#,
            "Statement[0].NotPrincipal: Has prohibited field NotPrincipal",
        ),
        (
            r#""Action": []"#,
            "Statement[0].Action: Missing required field Action",
        ),
    ] {
        assert_eq!(of(Grammar::Trust, fields), expected, "{fields}");
    }
}

#[test]
fn an_identity_policy_names_actions_and_resources_and_no_principal() {
    for (fields, expected) in [
        (
            r#""Action": "s3-s:Get*", "Resource": "arn:aws:s3:::b/*""#,
            "",
        ),
        (r#""Action": "*:*""#, ""),
        (
            r#""Action": null, "NotAction": "s3:*", "Resource": null, "NotResource": ["arn:aws:s3:::b"]"#,
            "",
        ),
        (
            r#""Principal": "*""#,
            "Statement[0].Principal: Policy document should not specify a principal.",
        ),
        (
            r#""Action": "publish""#,
            "Statement[0].Action: Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (
            r#""Action": ["sns:Publish", "sns:Pub:lish"]"#,
            "Statement[0].Action[1]: Actions/Condition can contain only one colon.",
        ),
        (
            r#""Action": "s*:Get""#,
            "Statement[0].Action: Vendor s* is not valid",
        ),
        (
            r#""Action": []"#,
            "Statement[0].Action: Policy statement must contain actions.",
        ),
        (
            r#""Resource": []"#,
            "Statement[0].Resource: Policy statement must contain resources.",
        ),
        (
            r#""Resource": null"#,
            "Statement[0].Resource: Policy statement must contain resources.",
        ),
        (
            r#""Action": null, "NotAction": 5"#,
            "Statement[0].NotAction: Syntax errors in policy.",
        ),
        (
            r#""Sid": "read the-queue""#,
            "Statement[0].Sid: Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        ),
        (
            r#""Effect": "allow""#,
            "Statement[0].Effect: Syntax errors in policy.",
        ),
        (
            r#""Resources": "*""#,
            "Statement[0].Resources: Syntax errors in policy.",
        ),
        (
            r#""NotAction": "a:b""#,
            "Statement[0].NotAction: Syntax errors in policy.",
        ),
    ] {
        assert_eq!(of(Grammar::Identity, fields), expected, "{fields}");
    }
}

#[test]
fn a_resource_is_an_arn_that_iam_reads() {
    for good in [
        "arn:aws:sqs:eu-west-1:111111111111:inbox",
        "arn:*:s3:::bucket/*",
        "arn:aws-cn:sns:*:*:*",
        "arn:aws:iam::aws:policy/*",
        "arn:aws:iam::111111111111:*",
        "arn:aws:iam::*:user/${aws:username}",
        "arn:aws:logs:*",
        "arn:aws:s3:eu-west-1:111111111111:accesspoint/x",
    ] {
        let fields = format!(r#""Resource": ["{good}"]"#);
        assert_eq!(of(Grammar::Identity, &fields), "", "{good}");
    }
    for (bad, words) in [
        (
            "queues.q",
            "Resource queues.q must be in ARN format or \"*\".",
        ),
        ("", "Resource  must be in ARN format or \"*\"."),
        (
            "aws:s3:::bucket",
            "Partition \"s3\" is not valid for resource \"arn:s3:*::bucket:*\".",
        ),
        (
            "arn:error:s3:::bucket",
            "Partition \"error\" is not valid for resource \"arn:error:s3::*:bucket\".",
        ),
        (
            "arn:aws",
            "Resource vendor must be fully qualified and cannot contain regexes.",
        ),
        (
            "arn:aws:s*:::bucket",
            "Resource vendor must be fully qualified and cannot contain regexes.",
        ),
        ("arn:aws::bucket", "The policy failed legacy parsing"),
        ("arn:aws:s3::bucket", "The policy failed legacy parsing"),
        (
            "arn:aws:iam:eu-west-1:111111111111:role/a",
            "IAM resource arn:aws:iam:eu-west-1:111111111111:role/a cannot contain region information.",
        ),
        (
            "arn:aws:s3:us-east-1::bucket",
            "Resource arn:aws:s3:us-east-1::bucket can not contain region information.",
        ),
        (
            "arn:aws:iam::111111111111:bucket",
            "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.",
        ),
    ] {
        let fields = format!(r#""Resource": "{bad}""#);
        let expected = format!("Statement[0].Resource: {words}");
        assert_eq!(of(Grammar::Identity, &fields), expected, "{bad}");
    }
}

#[test]
fn a_principal_is_named_without_wildcards() {
    for good in [
        r#"{"AWS": ["111111111111", "arn:aws:iam::111111111111:root"]}"#,
        r#"{"AWS": "arn:aws:iam::111111111111:role/team/ci"}"#,
        r#"{"AWS": "arn:aws:sts::111111111111:assumed-role/ci/session"}"#,
        r#"{"AWS": "AROAEXAMPLEEXAMPLE01"}"#,
        r#"{"AWS": "*"}"#,
        r#"{"Service": "lambda.amazonaws.com"}"#,
        r#"{"Service": ["sns.eu-south-1.amazonaws.com", "ec2.amazonaws.com.cn"]}"#,
        r#"{"Federated": "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"}"#,
        r#"{"Federated": "arn:aws:iam::111111111111:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123ABCD"}"#,
        r#"{"Federated": "arn:aws-us-gov:iam::111111111111:saml-provider/Corp_Idp-1.x"}"#,
        r#"{"Federated": ["cognito-identity.amazonaws.com", "accounts.google.com", "graph.facebook.com", "www.amazon.com"]}"#,
        r#"{"AWS": "arn:aws:sts::111111111111:federated-user/ann"}"#,
        r#"{"AWS": "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0a"}"#,
    ] {
        let fields = format!(r#""Principal": {good}"#);
        assert_eq!(of(Grammar::Trust, &fields), "", "{good}");
        let on_key = of(Grammar::Resource(Holder::Key), &fields);
        assert_eq!(on_key, "", "{good}");
    }
    for (kind, bad) in [
        ("AWS", "arn:aws:iam::222222222222:role/ci-*"),
        ("AWS", "arn:aws:iam::*:root"),
        ("AWS", "arn:aws:iam::111111111111:group/a"),
        ("AWS", "arn:aws:iam::111111111111:role/"),
        ("AWS", "arn:aws:sqs:eu-west-1:111111111111:q"),
        ("AWS", "11111111111"),
        ("AWS", "lambda.amazonaws.com"),
        ("AWS", "111111111111 "),
        ("AWS", "arn:aws:iam::11111111111:root"),
        ("AWS", "arn:aws:iam::1111111111111:role/a"),
        ("AWS", "arn:aws:iam::aws:role/a"),
        ("AWS", "arn:aws:iam:eu-west-1:111111111111:role/a"),
        ("AWS", "arn:aws:iam::111111111111:role/a b"),
        ("AWS", "arn:aws:iam::111111111111:role//a"),
        ("AWS", "arn:aws:iam::111111111111:root/a"),
        ("AWS", "arn:aws:iam::111111111111:assumed-role/a/b"),
        ("AWS", "arn:aws:sts::111111111111:assumed-role/a"),
        ("AWS", "arn:aws:sts::111111111111:assumed-role/team/a/b"),
        ("AWS", "arn:aws:sts::111111111111:assumed-role/a/*"),
        ("AWS", "arn:aws:sts::111111111111:role/a"),
        ("AWS", "arn:amazon:iam::111111111111:root"),
        ("AWS", ""),
        ("Service", "*"),
        ("Service", "*.amazonaws.com"),
        ("Service", ".amazonaws.com"),
        ("Service", "ec2..amazonaws.com"),
        ("Service", "EC2.amazonaws.com"),
        ("Service", "arn:aws:iam::111111111111:root"),
        ("Federated", "*"),
        ("Federated", ""),
        ("Federated", "token.actions.githubusercontent.com"),
        ("Federated", "cognito-identity"),
        ("Federated", "arn:aws:iam::111111111111:oidc-provider/*"),
        (
            "Federated",
            "arn:aws:iam::111111111111:oidc-provider/https://x.example.com",
        ),
        ("Federated", "arn:aws:iam::111111111111:oidc-provider/"),
        ("Federated", "arn:aws:iam::111111111111:saml-provider/"),
        ("Federated", "arn:aws:iam::11111:saml-provider/corp"),
        ("Federated", "arn:aws:iam::111111111111:role/a"),
        (
            "CanonicalUser",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ),
        ("Service", "lambda"),
        ("Service", "lambda.amazon.com"),
    ] {
        let fields = format!(r#""Principal": {{"{kind}": ["{bad}"]}}"#);
        let upper = kind.to_uppercase();
        let expected = format!(
            "Statement[0].Principal.{kind}[0]: Invalid principal in policy: \"{upper}\":\"{bad}\""
        );
        assert_eq!(of(Grammar::Trust, &fields), expected);
        let on_queue = of(Grammar::Resource(Holder::Queue), &fields);
        assert_eq!(on_queue, expected);
    }
    for bad in ["\"x\"", "{}", "{\"Aws\": \"*\"}", "{\"AWS\": []}", "[]"] {
        let fields = format!(r#""Principal": {bad}"#);
        assert!(of(Grammar::Trust, &fields).ends_with(SYNTAX), "{bad}");
    }
}

#[test]
fn a_canonical_user_is_one_of_a_bucket() {
    let of = |id: &str| {
        let fields = format!(r#""Principal": {{"CanonicalUser": "{id}"}}"#);
        of(Grammar::Resource(Holder::Other), &fields)
    };
    assert_eq!(of(&"0123456789abcdef".repeat(4)), "");
    assert!(of("0123").contains("Invalid principal in policy"));
}

#[test]
fn nothing_in_one_partition_is_let_into_another() {
    let of = |here: Partition, grammar: Grammar, statement: Value| {
        let document = serde_json::json!({"Statement": statement});
        let found = grammar.refusals_in(Some(here), &document);
        found.into_iter().map(|it| it.at).collect::<Vec<_>>()
    };
    let trust = |here: Partition, kind: &str, name: &str| {
        of(
            here,
            Grammar::Trust,
            serde_json::json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {kind: name}}),
        )
    };
    let (aws, china) = (Partition::Aws, Partition::China);
    for (here, kind, name) in [
        (aws, "AWS", "arn:aws:iam::111111111111:root"),
        (china, "AWS", "arn:aws-cn:iam::111111111111:root"),
        (china, "AWS", "111111111111"),
        (china, "Service", "ec2.amazonaws.com.cn"),
        (china, "Service", "lambda.amazonaws.com"),
        (Partition::GovCloud, "Service", "lambda.amazonaws.com"),
        (Partition::Europe, "Service", "lambda.amazonaws.eu"),
        (
            china,
            "Federated",
            "cognito-identity.cn-north-1.amazonaws.com.cn",
        ),
    ] {
        assert_eq!(trust(here, kind, name), [""; 0], "{here} {name}");
    }
    for (here, kind, name) in [
        (aws, "AWS", "arn:aws-cn:iam::111111111111:root"),
        (
            aws,
            "AWS",
            "arn:aws-us-gov:sts::111111111111:assumed-role/a/b",
        ),
        (china, "AWS", "arn:aws:iam::111111111111:role/a"),
        (aws, "Service", "ec2.amazonaws.com.cn"),
        (aws, "Service", "lambda.amazonaws.eu"),
        (
            aws,
            "Federated",
            "arn:aws-cn:iam::111111111111:saml-provider/corp",
        ),
    ] {
        let at = format!("Statement[0].Principal.{kind}");
        assert_eq!(trust(here, kind, name), [at], "{here} {name}");
    }
    let identity = |here: Partition, resource: &str| {
        of(
            here,
            Grammar::Identity,
            serde_json::json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}),
        )
    };
    assert_eq!(identity(aws, "arn:aws:s3:::bucket/*"), [""; 0]);
    assert_eq!(identity(aws, "arn:*:s3:::bucket/*"), [""; 0]);
    assert_eq!(identity(china, "arn:aws-cn:s3:::bucket/*"), [""; 0]);
    assert_eq!(
        identity(aws, "arn:aws-cn:s3:::bucket/*"),
        ["Statement[0].Resource"]
    );
    assert_eq!(
        identity(china, "arn:aws:s3:::bucket/*"),
        ["Statement[0].Resource"]
    );
}

#[test]
fn a_condition_has_an_operator_of_iam_and_dates_that_are_dates() {
    for good in [
        r#"{"ForAnyValue:StringLikeIfExists": {"aws:x": ["a"]}}"#,
        r#"{"Bool": {"aws:SecureTransport": true}}"#,
        r#"{"NumericLessThan": {"aws:MultiFactorAuthAge": 300}}"#,
        r#"{"DateLessThan": {"aws:CurrentTime": ["2026-01-31", "2026-01-31T10:00:00Z", "1767225600", 5]}}"#,
        r#"{"DateGreaterThan": {"aws:CurrentTime": "2016-12-13T21:20:37.593194+00:00"}}"#,
        r#"{"DateGreaterThan": {"aws:CurrentTime": "${aws:TokenIssueTime}"}}"#,
        r#"{"DateGreaterThan": {"aws:CurrentTime": ["01T", "2026-1-5", "2026", "2026-07", "-292275054"]}}"#,
        r#"{"DateGreaterThan": {"aws:CurrentTime": ["2026-12-13t2:00:00.593194+23", "2026-12-13T2", "2026-12-13T02:00z"]}}"#,
        r#"{"DateGreaterThan": {"aws:CurrentTime": ["2026-12-13T02:00:00-05:30", "1767225600.5", "2026-12-13T02:00:00"]}}"#,
        // IAM takes keys without a service, and names of operators that ask nothing.
        r#"{"StringEqualsIfExists": {"a": "asf"}}"#,
        r#"{"DateLessThanEquals": {"a": "2019-07-01T13:20:15Z"}}"#,
        r#"{"x": {}, "y": {}}"#,
        "{}",
    ] {
        let fields = format!(r#""Condition": {good}"#);
        assert_eq!(of(Grammar::Identity, &fields), "", "{good}");
    }
    for (bad, expected) in [
        (
            r#"{"StringEqual": {"aws:x": "a"}}"#,
            "StringEqual: Invalid Condition type : StringEqual.",
        ),
        (
            r#"{"NullIfExists": {"aws:x": "true"}}"#,
            "NullIfExists: Invalid Condition type : NullIfExists.",
        ),
        (
            r#"{"ForAnyValue::StringEquals": {"aws:x": "a"}}"#,
            "ForAnyValue::StringEquals: Invalid Condition type : ForAnyValue::StringEquals.",
        ),
        (
            r#"{"DateLessThan": {"aws:CurrentTime": "next week"}}"#,
            "DateLessThan.aws:CurrentTime: The policy failed legacy parsing",
        ),
        (
            r#"{"DateNotEquals": {"aws:CurrentTime": ["2026-01-31", "2026-13-01"]}}"#,
            "DateNotEquals.aws:CurrentTime[1]: The policy failed legacy parsing",
        ),
        (
            r#"{"DateNotEquals": {"aws:CurrentTime": "2026-+1-01"}}"#,
            "DateNotEquals.aws:CurrentTime: The policy failed legacy parsing",
        ),
        (
            r#"{"Bool": {"aws:x": {}}}"#,
            "Bool.aws:x: Syntax errors in policy.",
        ),
        (r#"{"Bool": []}"#, "Bool: Syntax errors in policy."),
    ] {
        let fields = format!(r#""Condition": {bad}"#);
        let expected = format!("Statement[0].Condition.{expected}");
        assert_eq!(of(Grammar::Trust, &fields), expected, "{bad}");
    }
    let misspelt = serde_json::json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringEqual": {"aws:x": "a"}}}});
    let refusals = Grammar::Identity.refusals(&misspelt);
    assert_eq!(refusals[0].advice, "is `StringEquals` meant?");
}

#[test]
fn a_resources_policy_names_actions_of_its_own_service() {
    let on = |holder: Holder, action: &str| {
        of(
            Grammar::Resource(holder),
            &format!(r#""Action": "{action}""#),
        )
    };
    for (holder, good, bad) in [
        (
            Holder::Topic,
            &["sns:Publish", "SNS:Get*"][..],
            &[
                "sns:*",
                "*",
                "sqs:SendMessage",
                "sns:ListTopics",
                "sns:Publsh",
            ][..],
        ),
        (
            Holder::Queue,
            &["sqs:*", "*", "SQS:SendMessage"],
            &["sns:Publish", "s3:*"],
        ),
        (
            Holder::Api,
            &["execute-api:Invoke", "*"],
            &["lambda:InvokeFunction"],
        ),
        (Holder::Key, &["kms:*"], &["sqs:SendMessage"]),
    ] {
        for action in good {
            assert_eq!(on(holder, action), "", "{holder:?} {action}");
        }
        for action in bad {
            let expected = format!("Statement[0].Action: {OUT_OF_SCOPE}");
            assert_eq!(on(holder, action), expected, "{holder:?} {action}");
        }
    }
    assert_eq!(on(Holder::Other, "s3:GetObject"), "");
    let short = r#""Resource": "execute-api:/*""#;
    assert_eq!(of(Grammar::Resource(Holder::Api), short), "");
    assert!(!of(Grammar::Resource(Holder::Queue), short).is_empty());
    let two =
        r#""Action": "sns:Publish", "Resource": ["arn:aws:sns:eu-west-1:111111111111:a", "*"]"#;
    assert!(of(Grammar::Resource(Holder::Topic), two).starts_with("Statement[0].Resource: "));
    // Outside IAM a statement id may hold any character.
    let sid = r#""Sid": "one-two""#;
    assert_eq!(of(Grammar::Resource(Holder::Queue), sid), "");
}

#[test]
fn an_organizations_policy_names_no_principal_or_denies_everyone() {
    let organization = |fields: &str| of(Grammar::Organization, fields);
    assert_eq!(organization(""), "");
    assert_eq!(organization(r#""Effect": "Deny", "Principal": "*""#), "");
    for bad in [
        r#""Principal": "*", "Action": "s3:*""#,
        r#""Effect": "Deny", "Principal": {"AWS": "111111111111"}"#,
        r#""Effect": "Deny", "NotPrincipal": "*""#,
        r#""Effect": "Deny", "Principal": "*", "Action": null, "NotAction": "s3:*""#,
    ] {
        assert!(organization(bad).contains("policy type"), "{bad}");
    }
}

/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html>
#[test]
fn a_service_control_policy_has_every_element_but_principals() {
    let found = |fields: &str| of(Grammar::ServiceControl, fields);
    for effect in ["Allow", "Deny"] {
        for fields in [
            r#""NotResource": "arn:aws:s3:::b", "Resource": null"#,
            r#""NotAction": "iam:*", "Action": null"#,
            r#""Condition": {"Bool": {"aws:SecureTransport": "true"}}"#,
        ] {
            let fields = format!(r#""Effect": "{effect}", {fields}"#);
            assert_eq!(found(&fields), "", "{fields}");
        }
    }
    for name in ["Principal", "NotPrincipal"] {
        let refused = found(&format!(r#""Effect": "Deny", "{name}": "*""#));
        assert!(refused.contains("policy type"), "{refused}");
    }
}

/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html>
#[test]
fn a_resource_control_policy_denies_everyone_some_actions() {
    let found = |fields: &str| of(Grammar::ResourceControl, fields);
    assert_eq!(found(r#""Effect": "Deny""#), "");
    assert_eq!(
        found(r#""Effect": "Deny", "NotResource": "*", "Resource": null"#),
        ""
    );
    // `RCPFullAWSAccess`.
    assert_eq!(found(r#""Action": "*""#), "");
    for (fields, at) in [
        ("", "Statement[0].Effect"),
        (
            r#""Effect": "Deny", "NotAction": "s3:*", "Action": null"#,
            "Statement[0].NotAction",
        ),
        (
            r#""Effect": "Deny", "Principal": null"#,
            "Statement[0].Principal",
        ),
        (
            r#""Effect": "Deny", "Principal": {"AWS": "*"}"#,
            "Statement[0].Principal",
        ),
        (
            r#""Effect": "Deny", "Principal": null, "NotPrincipal": "*""#,
            "Statement[0].NotPrincipal",
        ),
    ] {
        let refused = found(fields);
        assert!(
            refused.starts_with(&format!("{at}: The provided")),
            "{fields}: {refused}"
        );
    }
}

#[test]
fn a_policy_of_an_organization_is_of_the_current_version() {
    let deny = r#"{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#;
    let everyone = deny.replace(r#""Action""#, r#""Principal": "*", "Action""#);
    for (grammar, statement) in [
        (Grammar::ServiceControl, deny),
        (Grammar::ResourceControl, &everyone),
        (Grammar::Organization, deny),
        (Grammar::Organization, &everyone),
    ] {
        let of = |version: &str| {
            refused(
                grammar,
                &format!(r#"{{{version}"Statement": {statement}}}"#),
            )
        };
        assert_eq!(of(r#""Version": "2012-10-17", "#), "");
        for old in ["", r#""Version": "2008-10-17", "#] {
            assert!(
                of(old).starts_with("Version: The provided"),
                "{grammar:?} {old}"
            );
        }
    }
}

/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>
#[test]
fn a_buckets_arn_names_neither_a_region_nor_an_account() {
    let found = |arn: &str| of(Grammar::Identity, &format!(r#""Resource": "{arn}""#));
    for good in [
        "arn:aws:s3:::bucket/*",
        "arn:aws:s3:*:*:bucket",
        "arn:aws:s3:eu-west-1:111111111111:accesspoint/a",
        "arn:aws:s3::111111111111:accesspoint/a.mrap",
        "arn:aws:s3:eu-west-1:111111111111:job/1",
        "arn:aws:s3:eu-west-1:111111111111:storage-lens/a",
        "arn:aws:s3:eu-west-1:111111111111:access-grants/default",
        "arn:aws:s3:*:111111111111:*",
    ] {
        assert_eq!(found(good), "", "{good}");
    }
    for (bad, what) in [
        ("arn:aws:s3::111111111111:bucket", "account"),
        ("arn:aws:s3:*:111111111111:bucket/*", "account"),
        ("arn:aws:s3:eu-west-1::bucket", "region"),
    ] {
        let refused = found(bad);
        let expected = format!("can not contain {what} information.");
        assert!(refused.ends_with(&expected), "{bad}: {refused}");
    }
}

#[test]
fn a_document_has_a_version_of_two_a_statement_and_unique_sids() {
    let identity = |text: &str| refused(Grammar::Identity, text);
    let one = r#"{"Sid": "A", "Effect": "Allow", "Action": "*", "Resource": "*"}"#;
    assert_eq!(identity(&format!(r#"{{"Statement": {one}}}"#)), "");
    for (bad, expected) in [
        ("[]", ": Syntax errors in policy."),
        (
            r#"{"Version": "2012-10-17"}"#,
            "Statement: Syntax errors in policy.",
        ),
        (
            r#"{"Statement": []}"#,
            "Statement: Syntax errors in policy.",
        ),
        (
            r#"{"Statement": [5]}"#,
            "Statement[0]: Syntax errors in policy.",
        ),
    ] {
        assert_eq!(identity(bad), expected, "{bad}");
    }
    let with = |field: &str| identity(&format!(r#"{{"Statement": {one}, {field}}}"#));
    assert_eq!(
        with(r#""Version": "2020-01-01""#),
        "Version: The policy must contain a valid version string"
    );
    assert_eq!(with(r#""Id": 5"#), "Id: Syntax errors in policy.");
    assert_eq!(
        with(r#""Statements": []"#),
        "Statements: Syntax errors in policy."
    );
    assert_eq!(
        identity(&format!(r#"{{"Statement": [{one}, {one}]}}"#)),
        "Statement[1].Sid: Statement IDs (SID) in a single policy must be unique."
    );
    let text = Grammar::Identity
        .read(Partition::Aws, "{")
        .expect_err("no JSON");
    assert_eq!(text.words, "This policy contains invalid Json");
}

#[test]
fn a_principal_that_is_no_arn_and_no_number_is_asked_for_one() {
    let refused = |name: &str| {
        let statement = serde_json::json!({
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": name },
        });
        let found = Grammar::Trust.refusals(&serde_json::json!({ "Statement": [statement] }));
        assert_eq!(found.len(), 1, "{name}");
        found[0].advice.clone()
    };
    for (name, expected) in [
        ("12345", "an account's id has twelve digits, in quotes"),
        ("prod", "name an account, or a role's ARN"),
        ("AROA", "name an account, or a role's ARN"),
        ("AIDA-1", "name an account, or a role's ARN"),
        ("", "name an account, or a role's ARN"),
    ] {
        let found = refused(name);
        assert!(found.contains(expected), "{name}: {found}");
    }
}

#[test]
fn a_refusal_says_whether_it_is_of_a_principal() {
    let is_of_principal = |name: &str, action: &str| {
        let statement = serde_json::json!({
            "Effect": "Allow", "Action": action, "Principal": { "AWS": name },
        });
        let found = Grammar::Trust.refusals(&serde_json::json!({ "Statement": [statement] }));
        found
            .iter()
            .map(Refusal::is_of_principal)
            .collect::<Vec<_>>()
    };
    assert_eq!(is_of_principal("prod", "sts:AssumeRole"), [true]);
    assert_eq!(is_of_principal("111111111111", "s3:GetObject"), [false]);
}

#[test]
fn a_date_has_a_clock_of_two_hands_or_three_and_a_zone_of_two_digits_each() {
    let taken = |text: &str| {
        let fields = format!(r#""Condition": {{"DateLessThan": {{"aws:CurrentTime": "{text}"}}}}"#);
        of(Grammar::Trust, &fields).is_empty()
    };
    for good in ["", "T", "t23:59:60", "T10Z", "T10:00.5+01", "T1:2:3-23:59"] {
        assert!(taken(&format!("2026-01-31{good}")), "{good}");
    }
    for bad in [
        "Tnoon",
        "T24",
        "T10:60",
        "T10:00:61",
        "T10:00:00:00",
        "T10:00x",
        "T10+1",
        "T10+1:00",
        "T10+01:0",
        "T10+24",
        "T10+01:60",
        "T10-aa:00",
        "T10+01:aa",
        "T10.",
        "T10.x",
        "T24.5Z",
        "T10.5z1",
        "-1",
    ] {
        assert!(!taken(&format!("2026-01-31{bad}")), "{bad}");
    }
}

#[test]
fn an_action_has_a_service_and_a_name_and_a_policy_a_text_for_its_id() {
    for (action, words) in [
        (":Publish", VENDOR),
        ("sns:", VENDOR),
        ("*:Publish", "Vendor * is not valid"),
        ("sn*:*", "Vendor sn* is not valid"),
    ] {
        let fields = format!(r#""Action": "{action}""#);
        let expected = format!("Statement[0].Action: {words}");
        assert_eq!(of(Grammar::Identity, &fields), expected, "{action}");
    }
    assert_eq!(of(Grammar::Identity, r#""Action": "*:*""#), "");
    for (id, expected) in [("\"a\"", String::new()), ("5", format!("Id: {SYNTAX}"))] {
        let text = format!(
            r#"{{"Id": {id}, "Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*"}}}}"#
        );
        assert_eq!(refused(Grammar::Identity, &text), expected, "{id}");
    }
}

#[test]
fn tokens_of_a_shared_provider_are_told_apart_by_a_claim() {
    let trust = |provider: &str, action: &str, condition: &str| {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"Federated":"{provider}"}},"Action":{action},"Condition":{{{condition}}}}}}}"#
        );
        let value = serde_json::from_str(&text).expect("JSON");
        let refusals = Grammar::Trust.refusals(&value);
        refusals
            .into_iter()
            .map(|it| format!("{}: {}", it.at, it.words))
            .collect::<Vec<_>>()
    };
    let trade = r#""sts:AssumeRoleWithWebIdentity""#;
    let github = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com";
    let hosts = [
        ("agent.buildkite.com", "sub"),
        ("api.pulumi.com/oidc", "aud"),
        ("app.terraform.io", "sub"),
        ("gitlab.com", "sub"),
        ("oidc.vercel.com", "aud"),
        ("token.actions.githubusercontent.com", "sub"),
        ("token.actions.githubusercontent.com", "job_workflow_ref"),
        ("vstoken.actions.githubusercontent.com", "sub"),
    ];
    for (host, claim) in hosts {
        let provider = format!("arn:aws:iam::111111111111:oidc-provider/{host}");
        for fits in [
            format!(r#""StringEquals":{{"{host}:{claim}":"mine"}}"#),
            format!(r#""ForAnyValue:StringLike":{{"{host}:{claim}":["org:*", "mine"]}}"#),
        ] {
            assert_eq!(trust(&provider, trade, &fits), [""; 0], "{fits}");
        }
        for misses in [
            String::new(),
            format!(r#""StringEquals":{{"{host}:azp":"mine"}}"#),
            format!(r#""StringLike":{{"{host}:{claim}":"*"}}"#),
            format!(r#""StringLike":{{"{host}:{claim}":["mine", "?*"]}}"#),
            format!(r#""StringNotEquals":{{"{host}:{claim}":"theirs"}}"#),
            format!(r#""StringEqualsIfExists":{{"{host}:{claim}":"mine"}}"#),
            format!(r#""ForAllValues:StringEquals":{{"{host}:{claim}":"mine"}}"#),
            r#""StringEquals":{"example.org:sub":"mine"}"#.to_owned(),
        ] {
            let found = trust(
                &provider,
                r#"["sts:TagSession", "sts:AssumeRoleWith*"]"#,
                &misses,
            );
            assert_eq!(found.len(), 1, "{misses}: {found:?}");
            assert!(
                found[0].starts_with("Statement[0].Condition: Missing required condition"),
                "{found:?}"
            );
        }
    }
    // Nothing is traded, or the provider is an organization's own.
    assert_eq!(trust(github, r#""sts:TagSession""#, ""), [""; 0]);
    let own = "arn:aws:iam::111111111111:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A1";
    assert_eq!(trust(own, trade, ""), [""; 0]);
}
