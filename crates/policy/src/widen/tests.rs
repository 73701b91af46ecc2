//! What counts as wider, a sentence each, and the laws.

use super::super::decide::{Decision, Policies, decide};
use super::super::losses::cut_off;
use super::*;

fn document(statements: &str) -> Document {
    Document::parse(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#
    ))
    .expect("a policy")
}

/// A statement of a topic's policy.
fn topic(fields: &str) -> String {
    let mut text = r#""Effect":"Allow","Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:222222222222:t""#.to_owned();
    if !fields.contains("Principal") {
        text.push_str(r#","Principal":{"AWS":"arn:aws:iam::111111111111:role/a"}"#);
    }
    if !fields.is_empty() {
        text.push(',');
        text.push_str(fields);
    }
    format!("{{{text}}}")
}

fn identity(action: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":{action},"Resource":{resource}}}"#)
}

fn check(expected: Change, old: &str, new: &str) -> Comparison {
    let (old, new) = (document(old), document(new));
    let found = compare(&old, &new);
    assert_eq!(found.verdict, expected, "{found:?}");
    for (witnesses, yes, no) in [(&found.gains, &new, &old), (&found.loses, &old, &new)] {
        for witness in witnesses {
            let kind = kind_of(&[&old, &new]);
            let ask = |it: &Document| match (kind, witness.caller_policies) {
                (Kind::Resource, Some(own)) => effective(it, witness, own),
                _ => says(&Rules::of(it, kind, ""), witness, Some(Level::Account)),
            };
            assert_eq!(ask(yes), Three::Yes, "{witness:?}");
            assert_eq!(ask(no), Three::No, "{witness:?}");
        }
    }
    let wide = matches!(expected, Change::Widened | Change::Both);
    let narrow = matches!(expected, Change::Narrowed | Change::Both);
    assert_eq!(!found.gains.is_empty(), wide);
    assert_eq!(!found.loses.is_empty(), narrow);
    // The other way round, the same is said the other way round.
    let back = compare(&new, &old).verdict;
    let mirrored = match expected {
        Change::Widened => Change::Narrowed,
        Change::Narrowed => Change::Widened,
        other => other,
    };
    assert_eq!(back, mirrored);
    found
}

/// Whether a resource policy lets a request through, of a caller with such policies of its own.
fn effective(document: &Document, witness: &Request, own: CallerPolicies) -> Three {
    let policies = Policies {
        resource: Some(document.clone()),
        ..Policies::of_caller(own)
    };
    match decide(witness, &policies).decision {
        Decision::Allow => Three::Yes,
        Decision::Deny => Three::No,
        Decision::Unproven => Three::Maybe,
    }
}

use Change::{Both, Cosmetic, Equal, Narrowed, Unproven, Widened};

#[test]
fn a_document_equals_itself_and_its_rewriting() {
    check(Equal, &topic(""), &topic(""));
    check(
        Equal,
        &topic(""),
        &topic("").replace("sns:Publish", "SNS:publish"),
    );
    check(Cosmetic, &topic(""), &topic(r#""Sid":"A""#));
}

#[test]
fn statements_merged_or_split_or_repeated_say_the_same() {
    let (a, b) = (
        identity(r#""sns:Publish""#, r#""arn:aws:sns:eu-west-1:1:a""#),
        identity(r#""sns:Publish""#, r#""arn:aws:sns:eu-west-1:1:b""#),
    );
    let both = identity(
        r#""sns:Publish""#,
        r#"["arn:aws:sns:eu-west-1:1:a","arn:aws:sns:eu-west-1:1:b"]"#,
    );
    check(Cosmetic, &format!("{a},{b}"), &both);
    check(Cosmetic, &format!("{a},{a}"), &a);
    let covered = identity(r#""sns:*""#, r#""*""#);
    check(Cosmetic, &format!("{covered},{a}"), &covered);
    check(
        Cosmetic,
        &identity(r#""*""#, r#""*""#),
        &identity(r#""*:*""#, r#""*""#),
    );
}

#[test]
fn another_principal_action_or_resource_is_wider() {
    let found = check(
        Widened,
        &topic(""),
        &topic(
            r#""Principal":{"AWS":["arn:aws:iam::111111111111:role/a","arn:aws:iam::111111111111:role/b"]}"#,
        ),
    );
    assert_eq!(
        found.gains[0].principal.to_string(),
        "arn:aws:iam::111111111111:role/b"
    );
    let found = check(
        Widened,
        &identity(r#""sns:Publish""#, r#""*""#),
        &identity(r#"["sns:Publish","sns:Subscribe"]"#, r#""*""#),
    );
    assert_eq!(found.gains[0].action, "sns:Subscribe");
    check(
        Widened,
        &identity(
            r#""sns:Publish""#,
            r#""arn:aws:sns:eu-west-1:111111111111:a""#,
        ),
        &identity(
            r#""sns:Publish""#,
            r#""arn:aws:sns:eu-west-1:111111111111:a*""#,
        ),
    );
}

#[test]
fn a_role_is_wider_than_one_of_its_sessions() {
    let found = check(
        Widened,
        &topic(r#""Principal":{"AWS":"arn:aws:sts::111111111111:assumed-role/a/s"}"#),
        &topic(""),
    );
    assert_eq!(
        found.gains[0].principal.to_string(),
        "arn:aws:sts::111111111111:assumed-role/a/another-session"
    );
}

#[test]
fn everyone_is_shown_as_a_stranger() {
    let found = check(Widened, &topic(""), &topic(r#""Principal":"*""#));
    assert_eq!(
        found.gains[0].principal,
        super::super::request::Who::Anonymous
    );
}

#[test]
fn a_whole_account_is_wider_than_its_role() {
    check(
        Widened,
        &topic(""),
        &topic(r#""Principal":{"AWS":"111111111111"}"#),
    );
    check(
        Both,
        &topic(""),
        &topic(r#""Principal":{"AWS":"333333333333"}"#),
    );
    // The account and a role in it are the account.
    check(
        Cosmetic,
        &topic(r#""Principal":{"AWS":["111111111111","arn:aws:iam::111111111111:role/a"]}"#),
        &topic(r#""Principal":{"AWS":"111111111111"}"#),
    );
}

#[test]
fn a_condition_dropped_or_loosened_is_wider() {
    let with = |condition: &str| {
        topic(&format!(
            r#""Principal":{{"Service":"sns.amazonaws.com"}},"Condition":{{{condition}}}"#
        ))
    };
    let bare = topic(r#""Principal":{"Service":"sns.amazonaws.com"}"#);
    let equals = with(r#""ArnEquals":{"aws:SourceArn":"arn:aws:sns:eu-west-1:111111111111:t"}"#);
    let like = with(r#""ArnLike":{"aws:SourceArn":"arn:aws:sns:eu-west-1:111111111111:*"}"#);
    check(Widened, &equals, &bare);
    check(Widened, &equals, &like);
    check(Narrowed, &bare, &like);
    check(
        Widened,
        &equals,
        &equals.replace("ArnEquals", "ArnEqualsIfExists"),
    );
    check(Both, &equals, &equals.replace("ArnEquals", "ArnNotEquals"));
}

#[test]
fn a_string_star_crosses_colons_and_an_arns_does_not() {
    let with = |operator: &str| {
        topic(&format!(
            r#""Principal":"*","Condition":{{"{operator}":{{"aws:SourceArn":"arn:aws:sns:*:111111111111:t"}}}}"#
        ))
    };
    check(Widened, &with("ArnLike"), &with("StringLike"));
}

#[test]
fn the_sources_account_follows_from_its_arn() {
    let with = |condition: &str| {
        topic(&format!(
            r#""Principal":{{"Service":"sns.amazonaws.com"}},"Condition":{{{condition}}}"#
        ))
    };
    let arn = r#""ArnLike":{"aws:SourceArn":"arn:aws:sns:eu-west-1:111111111111:t"}"#;
    check(
        Cosmetic,
        &with(&format!(
            r#"{arn},"StringEqualsIfExists":{{"aws:SourceAccount":"111111111111"}}"#
        )),
        &with(arn),
    );
}

#[test]
fn a_role_prefix_follows_from_the_principal() {
    let everyone =
        |condition: &str| topic(&format!(r#""Principal":"*","Condition":{{{condition}}}"#));
    let prefix = everyone(r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/a*"}"#);
    check(Widened, &topic(""), &prefix);
    check(
        Cosmetic,
        &prefix,
        &everyone(
            r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/a*"},"StringEquals":{"aws:PrincipalAccount":"111111111111"}"#,
        ),
    );
    check(
        Cosmetic,
        &topic(r#""Principal":{"AWS":"111111111111"}"#),
        &everyone(r#""StringEquals":{"aws:PrincipalAccount":"111111111111"}"#),
    );
}

#[test]
fn a_denial_taken_away_is_wider() {
    let open = identity(r#""*""#, r#""*""#);
    let deny = r#"{"Effect":"Deny","Action":"iam:*","Resource":"*"}"#;
    let found = check(Widened, &format!("{open},{deny}"), &open);
    assert_eq!(found.gains[0].action, "iam:PassRole");
    // Alone, a denial of what is not allowed changes nothing.
    let sns = identity(r#""sns:*""#, r#""*""#);
    check(Cosmetic, &format!("{sns},{deny}"), &sns);
    check(
        Cosmetic,
        &format!("{open},{deny}"),
        r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#,
    );
    // All but something, denied in two ways.
    check(
        Cosmetic,
        r#"{"Effect":"Deny","NotResource":"*","Action":"*"}"#,
        r#"{"Effect":"Deny","Resource":"arn:aws:s3:::b","NotAction":"*"}"#,
    );
}

#[test]
fn some_more_and_some_less_is_both() {
    check(
        Both,
        &identity(r#""sns:Publish""#, r#""*""#),
        &identity(r#""sqs:SendMessage""#, r#""*""#),
    );
}

#[test]
fn numbers_dates_and_addresses_are_compared_by_their_bounds() {
    let with = |condition: &str| {
        format!(
            r#"{{"Effect":"Allow","Action":"sns:Publish","Resource":"*","Condition":{{{condition}}}}}"#
        )
    };
    check(
        Widened,
        &with(r#""IpAddress":{"aws:SourceIp":"10.1.0.0/16"}"#),
        &with(r#""IpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#),
    );
    check(
        Cosmetic,
        &with(r#""IpAddress":{"aws:SourceIp":["10.0.0.0/9","10.128.0.0/9"]}"#),
        &with(r#""IpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#),
    );
    check(
        Narrowed,
        &with(r#""DateLessThan":{"aws:CurrentTime":"2027-01-01"}"#),
        &with(r#""DateLessThan":{"aws:CurrentTime":"2026-06-01"}"#),
    );
    check(
        Widened,
        &with(r#""NumericLessThan":{"aws:MultiFactorAuthAge":"100"}"#),
        &with(r#""NumericLessThanEquals":{"aws:MultiFactorAuthAge":"100"}"#),
    );
    check(
        Cosmetic,
        &with(r#""Bool":{"aws:SecureTransport":"true"}"#),
        &with(r#""StringNotEquals":{"aws:SecureTransport":"false"}"#),
    );
}

#[test]
fn sets_of_values_are_compared_as_sets() {
    let with = |condition: &str| {
        format!(
            r#"{{"Effect":"Allow","Action":"sns:Publish","Resource":"*","Condition":{{{condition}}}}}"#
        )
    };
    let all = with(r#""ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}"#);
    check(
        Widened,
        &with(r#""ForAllValues:StringEquals":{"aws:TagKeys":"a"}"#),
        &all,
    );
    let found = check(
        Both,
        &with(r#""ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}"#),
        &all,
    );
    assert!(found.gains[0].context.is_empty(), "{found:?}");
    check(
        Narrowed,
        &all,
        &with(
            r#""ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]},"Null":{"aws:TagKeys":"false"}"#,
        ),
    );
}

#[test]
fn a_trust_policy_is_compared_without_a_resource() {
    let trust = |principal: &str| {
        format!(r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{principal}}}"#)
    };
    let found = check(
        Widened,
        &trust(r#"{"AWS":"arn:aws:iam::111111111111:role/a"}"#),
        &trust(r#"{"AWS":["arn:aws:iam::111111111111:role/a","222222222222"]}"#),
    );
    assert_eq!(found.gains[0].action, "sts:AssumeRole");
    assert_eq!(
        found.gains[0].resource,
        "arn:aws:iam::222222222222:role/target"
    );
    check(
        Both,
        &trust(r#"{"Service":"lambda.amazonaws.com"}"#),
        &trust(r#"{"Service":"ec2.amazonaws.com"}"#),
    );
}

#[test]
fn nothing_at_all_is_narrower_than_something() {
    check(Widened, "", &identity(r#""sns:Publish""#, r#""*""#));
    check(Narrowed, &topic(""), "");
    let of_nobody = r#"{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}"#;
    // Beside a statement with a principal, one without speaks of nobody.
    check(Cosmetic, &topic(""), &format!("{},{of_nobody}", topic("")));
}

#[test]
fn what_is_not_judged_is_unproven_only_where_it_matters() {
    let not_principal = topic(r#""NotPrincipal":{"AWS":"arn:aws:iam::111111111111:role/a"}"#);
    let odd = compare(&document(&topic("")), &document(&not_principal));
    assert_eq!(odd.verdict, Unproven);
    // The same statement on both sides says the same, whatever it says.
    check(
        Widened,
        &not_principal,
        &format!(
            "{not_principal},{}",
            topic(r#""Principal":"*""#).replace("sns:Publish", "sns:Subscribe")
        ),
    );
    let tagged = |resource: &str| {
        identity(
            r#""sns:Publish""#,
            &format!(r#""arn:aws:sns:eu-west-1:111111111111:{resource}""#),
        )
    };
    let variable = tagged("${aws:PrincipalTag/team}");
    let other = tagged("${aws:PrincipalTag/unit}");
    check(Cosmetic, &variable, &format!("{variable},{variable}"));
    let odd = compare(&document(&variable), &document(&other));
    assert_eq!(odd.verdict, Unproven);
}

#[test]
fn short_resources_of_an_api_are_compared_too() {
    let with = |resource: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"111111111111"}},"Action":"execute-api:Invoke","Resource":"{resource}"}}"#
        )
    };
    check(
        Widened,
        &with("execute-api:/prod/GET/orders"),
        &with("execute-api:/prod/*/orders"),
    );
    check(
        Cosmetic,
        &format!(
            "{},{}",
            with("execute-api:/*"),
            with("execute-api:/prod/GET/a")
        ),
        &with("execute-api:/*"),
    );
}

#[test]
fn five_hundred_principals_are_compared_at_once() {
    let roles = |count: usize| {
        let names: Vec<String> = (0..count)
            .map(|it| format!(r#""arn:aws:iam::111111111111:role/consumer-{it}""#))
            .collect();
        topic(&format!(r#""Principal":{{"AWS":[{}]}}"#, names.join(",")))
    };
    let found = check(Widened, &roles(499), &roles(500));
    assert_eq!(
        found.gains[0].principal.to_string(),
        "arn:aws:iam::111111111111:role/consumer-499"
    );
}

#[test]
fn a_deleted_principal_is_nobody_and_a_condition_of_sessions_is_every_roles() {
    let aws = |names: &str| topic(&format!(r#""Principal":{{"AWS":[{names}]}}"#));
    let role = r#""arn:aws:iam::111111111111:role/a""#;
    check(
        Change::Cosmetic,
        &aws(role),
        &aws(&format!(r#"{role},"AROAEXAMPLEEXAMPLE123""#)),
    );
    // A role always has temporary credentials, a user need not.
    let issued = |who: &str| {
        topic(&format!(
            r#""Principal":{{"AWS":"{who}"}},"Condition":{{"Null":{{"aws:TokenIssueTime":"false"}}}}"#
        ))
    };
    let role = "arn:aws:iam::111111111111:role/a";
    let user = "arn:aws:iam::111111111111:user/a";
    check(Change::Cosmetic, &issued(role), &aws(&format!("{role:?}")));
    check(Change::Widened, &issued(user), &aws(&format!("{user:?}")));
}

#[test]
fn who_has_no_account_has_no_session_either() {
    let anyone = |more: &str| {
        topic(&format!(
            r#""Principal":"*","Condition":{{"Null":{{"aws:PrincipalArn":"true","aws:PrincipalAccount":"false"{more}}}}}"#
        ))
    };
    for key in [
        "aws:MultiFactorAuthPresent",
        "aws:MultiFactorAuthAge",
        "aws:TokenIssueTime",
    ] {
        let absent = anyone(&format!(r#","{key}":"true""#));
        check(Change::Cosmetic, &anyone(""), &absent);
    }
}

/// A request as a line.
fn shown(it: &Request) -> String {
    let context = it.context.iter();
    let context: Vec<String> = context
        .map(|(key, values)| format!(" {key}={}", values.join(",")))
        .collect();
    let owner = it.resource_account.iter().map(|it| format!(" of {it}"));
    let owner: String = owner.collect();
    format!(
        "{} {} {}{owner}{}",
        it.principal,
        it.action,
        it.resource,
        context.concat()
    )
}

#[test]
fn a_witness_is_the_plainest_request_that_a_person_could_try() {
    for (old, new, witness) in [
        (
            "",
            r#"{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:222222222222:t"}"#,
            "anonymous sns:Publish arn:aws:sns:eu-west-1:222222222222:t",
        ),
        (
            "",
            r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"*","Resource":"*","Condition":{"Null":{"aws:PrincipalArn":"false"}}}"#,
            "arn:aws:iam::999999999999:role/someone sns:Publish arn:aws:sns:eu-west-1:333333333333:example",
        ),
        (
            "",
            r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sns:*","Resource":"arn:aws:sns:*:222222222222:t*"}"#,
            "arn:aws:iam::111111111111:role/someone sns:Publish arn:aws:sns:eu-west-1:222222222222:t",
        ),
        (
            "",
            r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sns:Publish","Resource":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:user/*"}}}"#,
            "arn:aws:iam::111111111111:user/someone sns:Publish arn:aws:sns:eu-west-1:333333333333:example",
        ),
        (
            "",
            r#"{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-west-1:222222222222:q","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:t"}}}"#,
            "sns.amazonaws.com sqs:SendMessage arn:aws:sqs:eu-west-1:222222222222:q aws:SourceArn=arn:aws:sns:eu-west-1:333333333333:t",
        ),
        (
            "",
            r#"{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-west-1:222222222222:q","Condition":{"StringLike":{"aws:SourceAccount":"*"},"ArnLike":{"aws:SourceArn":"arn:aws:sns:eu-west-1:222222222222:t"}}}"#,
            "sns.amazonaws.com sqs:SendMessage arn:aws:sqs:eu-west-1:222222222222:q aws:SourceAccount=222222222222 aws:SourceArn=arn:aws:sns:eu-west-1:222222222222:t",
        ),
        (
            "",
            r#"{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"}"#,
            "anonymous execute-api:Invoke arn:aws:execute-api:eu-west-1:333333333333:a1b2c3d4e5/prod/GET/example",
        ),
        (
            "",
            r#"{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/prod/GET/*","Condition":{"StringLike":{"aws:SourceVpce":"vpce-*"}}}"#,
            "anonymous execute-api:Invoke arn:aws:execute-api:eu-west-1:333333333333:a1b2c3d4e5/prod/GET/example aws:SourceVpce=vpce-0other",
        ),
        (
            "",
            r#"{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/prod/GET/*","Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"},"Null":{"aws:SourceVpc":"false"}}}"#,
            "anonymous execute-api:Invoke arn:aws:execute-api:eu-west-1:333333333333:a1b2c3d4e5/prod/GET/example aws:SourceVpc=vpc-0other",
        ),
        (
            "",
            r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sns:Subscribe","Resource":"*","Condition":{"StringNotEquals":{"sns:Protocol":"sqs","sns:Endpoint":"x"},"Null":{"sns:Protocol":"false","sns:Endpoint":"false"}}}"#,
            "arn:aws:iam::111111111111:role/someone sns:Subscribe arn:aws:sns:eu-west-1:333333333333:example sns:Endpoint=https://example.com/ sns:Protocol=https",
        ),
        (
            "",
            r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sns:Publish","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-1","aws:RequestedRegion":"eu-west-1","aws:PrincipalAccount":"222222222222"},"Null":{"aws:PrincipalOrgID":"false"}}}"#,
            "arn:aws:iam::111111111111:role/someone sns:Publish arn:aws:sns:us-east-1:333333333333:example aws:PrincipalOrgID=o-other aws:RequestedRegion=us-east-1",
        ),
        (
            r#"{"Effect":"Allow","Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:222222222222:t"}"#,
            r#"{"Effect":"Allow","Action":["sns:Publish","sns:Subscribe"],"Resource":"arn:aws:sns:eu-west-1:222222222222:t"}"#,
            "arn:aws:iam::222222222222:role/someone sns:Subscribe arn:aws:sns:eu-west-1:222222222222:t",
        ),
        (
            "",
            r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#,
            "arn:aws:iam::333333333333:role/someone sns:Publish arn:aws:sns:eu-west-1:333333333333:example",
        ),
        (
            "",
            r#"{"Effect":"Allow","Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:222222222222:*","Condition":{"StringNotEquals":{"aws:ResourceAccount":"111111111111"}}}"#,
            "arn:aws:iam::222222222222:role/someone sns:Publish arn:aws:sns:eu-west-1:222222222222:example aws:ResourceAccount=222222222222",
        ),
        (
            r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole","Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/a"}}}"#,
            r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}"#,
            "arn:aws:iam::111111111111:role/someone sts:AssumeRole arn:aws:iam::111111111111:role/target",
        ),
        (
            "",
            r#"{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":"111111111111","aws:PrincipalTag/team":"x"}}}"#,
            "arn:aws:iam::111111111111:role/someone sqs:SendMessage arn:aws:sqs:eu-west-1:333333333333:example aws:PrincipalTag/team=x",
        ),
        (
            "",
            r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sns:Publish","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"0.0.0.0/0"}}}"#,
            "anonymous sns:Publish arn:aws:sns:eu-west-1:333333333333:example aws:VpcSourceIp=10.0.0.1",
        ),
    ] {
        let found = check(Change::Widened, old, new);
        let shown: Vec<String> = found.gains.iter().map(shown).collect();
        assert_eq!(shown, [witness], "{new}");
    }
}

#[test]
fn too_many_statements_are_not_compared_and_say_so() {
    let many = |count: usize| vec![identity(r#""sns:Publish""#, r#""*""#); count].join(",");
    let found = check(Change::Unproven, "", &many(MOST_STATEMENTS + 1));
    assert_eq!(
        found.because,
        ["more than 2000 statements are not compared"]
    );
    let found = compare(&document(""), &document(&many(MOST_STATEMENTS)));
    assert_ne!(
        found.because,
        ["more than 2000 statements are not compared"]
    );
}

#[test]
fn what_is_unproven_says_why() {
    let on = |resource: &str| identity(r#""sns:Publish""#, &format!("{resource:?}"));
    let (old, new) = (on("arn:aws:sns:*:222222222222:t"), on("arn:aws:sns:*:t"));
    let found = compare(&document(&old), &document(&new));
    assert_eq!(found.verdict, Change::Unproven);
    assert_eq!(
        found.because,
        ["the documents differ in what cannot be decided offline"]
    );
    let many: Vec<String> = (0..40).map(|it| format!("\"*{it}*\"")).collect();
    let found = check(
        Change::Unproven,
        "",
        &identity(&format!("[{}]", many.join(",")), r#""*""#),
    );
    assert_eq!(
        found.because,
        ["the patterns of actions can be met in too many ways"]
    );
}

#[test]
fn a_statement_is_to_blame_and_a_denial_first() {
    let ask = |action: &str| {
        Request::new(
            crate::Who::of("arn:aws:iam::111111111111:role/a"),
            action,
            "arn:aws:sns:eu-west-1:222222222222:t",
        )
    };
    let read = document(
        r#"{"Sid":"All","Effect":"Allow","Action":"sns:*","Resource":"*"},
           {"Effect":"Deny","Action":"sns:Subscribe","Resource":"*"},
           {"Sid":"Open","Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"StringEquals":{"acme:team":"x"}}}"#,
    );
    let of = |action: &str| blame(&read, &ask(action));
    assert_eq!(of("SNS:Publish").as_deref(), Some("statement `All`"));
    assert_eq!(of("sns:Subscribe").as_deref(), Some("statement 2"));
    assert_eq!(of("sqs:SendMessage"), None);
    assert_eq!(of("s3:GetObject"), None);
}

#[test]
fn a_member_of_an_organization_is_somebody_and_a_stranger_is_not_one() {
    let of = |principal: &str| {
        topic(&format!(
            r#""Principal":{principal},"Condition":{{"StringEquals":{{"aws:PrincipalOrgID":"o-1"}}}}"#
        ))
    };
    check(Change::Widened, "", &of(r#"{"AWS":"111111111111"}"#));
    check(
        Change::Cosmetic,
        "",
        &of(r#"{"Service":"sns.amazonaws.com"}"#),
    );
}

#[test]
fn a_comparison_that_is_given_up_says_where() {
    let names: Vec<String> = (0..9).map(|it| format!("\"{it}\"")).collect();
    let many = topic(&format!(
        r#""Condition":{{"ForAnyValue:StringEquals":{{"aws:TagKeys":[{}]}}}}"#,
        names.join(",")
    ));
    let found = check(Unproven, "", &many);
    assert_eq!(
        found.because,
        ["the patterns of `aws:tagkeys` can be met in too many ways"]
    );
}

#[test]
fn a_difference_that_only_one_reading_shows_is_told_from_one_that_nobody_can_decide() {
    let on = |condition: &str| {
        format!(
            r#"{{"Effect":"Allow","Action":"sns:Publish","Resource":"arn:aws:sns:*:222222222222:t"{condition}}}"#
        )
    };
    let owned = on(r#","Condition":{"StringEquals":{"aws:ResourceAccount":"222222222222"}}"#);
    let found = check(Unproven, &owned, &on(""));
    assert_eq!(
        found.because,
        ["the documents differ only if a `*` in a resource runs over a `:`; write the ARN out"]
    );
    let odd = topic(r#""Condition":{"StringSounds":{"a:b":"c"}}"#);
    for (old, new) in [(&odd, &topic("")), (&topic(""), &odd)] {
        let found = check(Unproven, old, new);
        assert_eq!(
            found.because,
            ["the documents differ in what cannot be decided offline"]
        );
    }
}

#[test]
fn a_providers_tokens_are_let_in_by_name() {
    let trust = |provider: &str| {
        format!(
            r#"{{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{{"Federated":"{provider}"}}}}"#
        )
    };
    for provider in [
        "arn:aws:iam::111111111111:oidc-provider/example.org",
        "accounts.google.com",
    ] {
        let found = check(Widened, "", &trust(provider));
        assert_eq!(found.gains[0].principal.to_string(), provider);
        assert_eq!(found.gains[0].action, "sts:AssumeRoleWithWebIdentity");
        let other = trust("arn:aws:iam::222222222222:oidc-provider/example.com");
        check(Both, &trust(provider), &other);
    }
}

/// The witnesses of a document that lets in what nothing else does.
fn witnesses_of(statement: &str) -> Vec<String> {
    let found = check(Widened, "", statement);
    found.gains.iter().map(shown).collect()
}

#[test]
fn a_witness_is_a_role_before_a_user_a_service_and_an_account_itself() {
    let of = |principal: &str, but: &str| {
        let found = witnesses_of(&topic(&format!(
            r#""Principal":{principal},"Condition":{{"ArnNotLike":{{"aws:PrincipalArn":[{but}]}}}}"#
        )));
        assert_eq!(found.len(), 1);
        found[0].split(' ').next().expect("a principal").to_owned()
    };
    let account = r#"{"AWS":"111111111111"}"#;
    let (role, user) = (r#""arn:*:iam::*:role/*""#, r#""arn:*:iam::*:user/*""#);
    let topics = r#""arn:*:sns:*:*:*""#;
    assert_eq!(
        of(account, topics),
        "arn:aws:iam::111111111111:role/someone"
    );
    assert_eq!(of(account, role), "arn:aws:iam::111111111111:user/someone");
    let both = format!("{role},{user}");
    assert_eq!(of(account, &both), "arn:aws:iam::111111111111:root");
    let service = r#"{"AWS":"111111111111","Service":"sns.amazonaws.com"}"#;
    assert_eq!(of(service, role), "arn:aws:iam::111111111111:user/someone");
    assert_eq!(of(service, &both), "sns.amazonaws.com");
}

#[test]
fn a_role_is_assumed_by_somebody_rather_than_by_nobody() {
    // Whoever assumes a role has signed.
    assert_eq!(
        witnesses_of(r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}"#),
        [
            "arn:aws:iam::999999999999:role/someone sts:AssumeRole arn:aws:iam::999999999999:role/target"
        ]
    );
}

#[test]
fn an_identity_policy_is_asked_in_the_resources_partition_and_of_its_own_account() {
    assert_eq!(
        witnesses_of(&identity(
            r#""sns:Publish""#,
            r#""arn:aws-cn:sns:cn-north-1:222222222222:t""#
        )),
        [
            "arn:aws-cn:iam::222222222222:role/someone sns:Publish arn:aws-cn:sns:cn-north-1:222222222222:t"
        ]
    );
    assert_eq!(
        witnesses_of(&identity(
            r#""s3:GetObject""#,
            r#""arn:aws:s3:::bucket/key""#
        )),
        [
            "arn:aws:iam::333333333333:role/someone s3:GetObject arn:aws:s3:::bucket/key of 333333333333"
        ]
    );
}

#[test]
fn a_keys_value_reads_as_what_the_key_is_of() {
    let signed = "arn:aws:iam::999999999999:role/someone";
    for (who, key, value) in [
        // No unsigned request has it.
        (signed, "aws:SourceOwner", "999999999999"),
        ("anonymous", "aws:VpceAccount", "999999999999"),
        ("anonymous", "aws:VpceOrgID", "o-other"),
        ("anonymous", "aws:Referer", "other"),
    ] {
        let found = witnesses_of(&topic(&format!(
            r#""Principal":"*","Condition":{{"StringLike":{{"{key}":"*"}}}}"#
        )));
        let asks = |who: &str, value: &str| {
            format!("{who} sns:Publish arn:aws:sns:eu-west-1:222222222222:t {key}={value}")
        };
        let mut expected = vec![asks(who, value)];
        if who == signed {
            // In the topic's own account, the statement lets in whoever has no policy of its own.
            let own = "222222222222";
            expected.push(asks(&format!("arn:aws:iam::{own}:role/someone"), own));
        }
        assert_eq!(found, expected);
    }
    // Nothing else tells the region, where a role is assumed.
    let found = witnesses_of(
        r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole","Condition":{"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}}}"#,
    );
    assert_eq!(
        found,
        [
            "arn:aws:iam::111111111111:role/someone sts:AssumeRole arn:aws:iam::111111111111:role/target aws:RequestedRegion=us-east-1"
        ]
    );
}

const OWN: &str = "arn:aws:iam::111111111111:";
const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/pub/job";

/// How a statement may name a principal of the resource's own account.
fn names() -> [(&'static str, String); 7] {
    let pub_role = format!("{OWN}role/pub");
    let limited = |operator: &str, key: &str, value: &str| {
        format!(r#""Principal":"*","Condition":{{"{operator}":{{"{key}":"{value}"}}}}"#)
    };
    let aws = |name: &str| format!(r#""Principal":{{"AWS":"{name}"}}"#);
    [
        ("nothing", String::new()),
        ("account", aws(&format!("{OWN}root"))),
        ("role", aws(&pub_role)),
        ("user", aws(&format!("{OWN}user/ann"))),
        ("session", aws(SESSION)),
        ("arn", limited("ArnEquals", "aws:PrincipalArn", &pub_role)),
        (
            "of account",
            limited("StringEquals", "aws:PrincipalAccount", "111111111111"),
        ),
    ]
}

/// A topic's, queue's, API's, trust and key policy's action and resource, in the account of the callers.
const HOLDERS: [(&str, &str); 5] = [
    ("sns:Publish", "arn:aws:sns:eu-west-1:111111111111:t"),
    ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111111111111:q"),
    (
        "execute-api:Invoke",
        "arn:aws:execute-api:eu-west-1:111111111111:a1/prod/GET/x",
    ),
    ("sts:AssumeRole", ""),
    ("kms:Decrypt", "*"),
];

fn named(holder: (&str, &str), names: &[&String]) -> Document {
    let resource = match holder.1 {
        "" => String::new(),
        it => format!(r#","Resource":"{it}""#),
    };
    let statements = names.iter().filter(|it| !it.is_empty()).map(|it| {
        format!(
            r#"{{"Effect":"Allow","Action":"{}"{resource},{it}}}"#,
            holder.0
        )
    });
    document(&statements.collect::<Vec<_>>().join(","))
}

/// What a caller of the account may do, by how it is named and what its own policies allow, as AWS's
/// table has it.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>
fn may(caller: &str, name: &str, own: CallerPolicies, guarded: bool) -> bool {
    let is_named = match name {
        "nothing" => false,
        "account" | "of account" => true,
        "role" | "arn" => caller == "role" || caller == "session",
        other => other == caller,
    };
    let by_policy = is_named
        && match name {
            "account" => own == CallerPolicies::Allow,
            "role" => own != CallerPolicies::Limited,
            _ => true,
        };
    by_policy || own == CallerPolicies::Allow && !guarded
}

#[test]
fn how_a_principal_of_the_own_account_is_named_is_part_of_what_is_granted() {
    let standings = [
        CallerPolicies::Allow,
        CallerPolicies::None,
        CallerPolicies::Limited,
    ];
    let names = names();
    for holder in HOLDERS {
        let guarded = ["sts:", "kms:"].iter().any(|it| holder.0.starts_with(it));
        for (old_name, old) in &names {
            for (beside, (new_name, new)) in [false, true]
                .into_iter()
                .flat_map(|it| names.iter().map(move |name| (it, name)))
            {
                let before = named(holder, &[old]);
                let after = if beside {
                    named(holder, &[old, new])
                } else {
                    named(holder, &[new])
                };
                let cells = ["role", "session", "user", "another role"]
                    .into_iter()
                    .flat_map(|caller| standings.map(|own| (caller, own)));
                let (mut more, mut less) = (false, false);
                for (caller, own) in cells {
                    let was = may(caller, old_name, own, guarded);
                    let is = may(caller, new_name, own, guarded) || beside && was;
                    more |= is && !was;
                    less |= was && !is;
                }
                let found = compare_in("111111111111", &before, &after);
                let expected = match (more, less) {
                    (false, false) => [Equal, Cosmetic],
                    (true, false) => [Widened; 2],
                    (false, true) => [Narrowed; 2],
                    (true, true) => [Both; 2],
                };
                assert!(
                    expected.contains(&found.verdict),
                    "{} {old_name} to {new_name}, beside {beside}: {found:?}",
                    holder.0
                );
                for (witnesses, yes, no) in [
                    (&found.gains, &after, &before),
                    (&found.loses, &before, &after),
                ] {
                    for witness in witnesses {
                        let own = witness.caller_policies.expect("a caller of an account");
                        let found = (effective(yes, witness, own), effective(no, witness, own));
                        assert_eq!(found, (Three::Yes, Three::No), "{witness:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn across_accounts_it_does_not_matter_how_a_principal_is_named() {
    let names = names();
    let of = |name: &str| &names.iter().find(|it| it.0 == name).expect("a name").1;
    for holder in HOLDERS {
        let holder = (holder.0, holder.1.replace("111111111111", "222222222222"));
        let holder = (holder.0, holder.1.as_str());
        for name in ["role", "session", "user", "arn", "of account"] {
            let before = named(holder, &[of("account")]);
            let after = named(holder, &[of("account"), of(name)]);
            let found = compare_in("222222222222", &before, &after);
            assert_eq!(found.verdict, Cosmetic, "{name} {found:?}");
        }
    }
}

#[test]
fn what_is_no_longer_denied_is_gained_by_whom_an_identity_policy_lets() {
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:222222222222:t"}"#;
    let found = check(Widened, deny, "");
    assert_eq!(found.gains[0].caller_policies, Some(CallerPolicies::Allow));
    // A key's policy must allow as well.
    check(
        Cosmetic,
        &deny
            .replace("sns:Publish", "kms:*")
            .replace(":sns:", ":kms:"),
        "",
    );
}

#[test]
fn what_a_callers_policy_no_longer_denies_another_may_allow() {
    let policy = |statements: &str| document(statements);
    let beside_others =
        |old: &Document, new: &Document| compare_beside_others("222222222222", old, new);
    let deny = r#"{"Effect":"Deny","Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:222222222222:t"}"#;
    let read = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}"#;
    for beside in ["", read] {
        let with = policy(
            &[beside, deny]
                .iter()
                .filter(|it| !it.is_empty())
                .copied()
                .collect::<Vec<_>>()
                .join(","),
        );
        let without = policy(beside);
        let found = beside_others(&with, &without);
        assert_eq!(found.verdict, Widened, "{beside} {found:?}");
        assert_eq!(found.gains[0].caller_policies, Some(CallerPolicies::Allow));
        assert_eq!(beside_others(&without, &with).verdict, Narrowed, "{beside}");
        assert_eq!(compare(&with, &without).verdict, Cosmetic, "{beside}");
    }
    // A denial under a condition that becomes narrower, and one that names what it is not about.
    let under = |values: &str| {
        policy(&format!(
            r#"{{"Effect":"Deny","NotAction":"sts:*","Resource":"*","Condition":{{"StringEquals":{{"aws:RequestedRegion":[{values}]}}}}}}"#
        ))
    };
    let (two, one) = (under(r#""eu-west-1","us-east-1""#), under(r#""eu-west-1""#));
    assert_eq!(beside_others(&two, &one).verdict, Widened);
    assert_eq!(beside_others(&one, &two).verdict, Narrowed);
}

#[test]
fn what_only_the_owners_account_may_call_is_given_to_no_other() {
    let key = |account: &str, actions: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{account}"}},"Action":[{actions}],"Resource":"arn:aws:kms:eu-west-1:222222222222:key/k"}}"#
        )
    };
    let put = r#""kms:PutKeyPolicy""#;
    check(Cosmetic, "", &key("111111111111", put));
    check(Widened, "", &key("222222222222", put));
    for actions in [r#""kms:*""#, r#""kms:D*""#] {
        check(Widened, "", &key("111111111111", actions));
    }
}

/// The processor time of this thread, which does not pass while others are at work; elsewhere than on Linux, the time.
fn spent() -> std::time::Duration {
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let counted = counted.and_then(|it| it.split(' ').next()?.parse().ok());
    counted.map_or_else(
        || {
            let now = std::time::SystemTime::now();
            now.duration_since(std::time::UNIX_EPOCH)
                .expect("a time after 1970")
        },
        std::time::Duration::from_nanos,
    )
}

#[test]
fn documents_without_measure_are_answered_soon_or_unproven() {
    let statements = |count: usize, of: &dyn Fn(usize) -> String| {
        let all: Vec<String> = (0..count).map(of).collect();
        document(&all.join(","))
    };
    let on = |head: &'static str| {
        move |it: usize| {
            format!(
                r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::111111111111:role/{it}"}},"Action":"sns:A{it}","Resource":"arn:aws:sns:eu-west-1:111111111111:{head}{it}"}}"#
            )
        }
    };
    let wild = |it: usize| {
        format!(r#"{{"Effect":"Allow","Action":"*","Resource":"arn:aws:sns:*:*:*{it}*"}}"#)
    };
    let stars = |letter: &str| {
        let name = format!("{letter}*").repeat(3000);
        let arn = format!(r#""arn:aws:sns:eu-west-1:111111111111:{name}""#);
        document(&identity(r#""sns:*""#, &arn))
    };
    for (old, new) in [
        (statements(2000, &on("a")), statements(2000, &on("b"))),
        (statements(2000, &on("a")), statements(1999, &on("a"))),
        (statements(2000, &wild), statements(1999, &wild)),
        (stars("a"), stars("b")),
        (stars("?"), stars("a")),
    ] {
        let begun = spent();
        let found = compare(&old, &new);
        // A debug build is slow; without the bounds it would take minutes.
        let took = spent().abs_diff(begun);
        assert!(took.as_secs() < 30, "{took:?}");
        assert!(!matches!(found.verdict, Equal | Cosmetic), "{found:?}");
    }
}

#[test]
fn a_document_that_only_denies_more_lets_nothing_new_through() {
    let (publish, subscribe) = (topic(""), topic("").replace("Publish", "Subscribe"));
    let deny = |statement: &str| statement.replace("Allow", "Deny");
    for (old, new, expected) in [
        (publish.clone(), publish.clone(), true),
        (format!("{publish},{subscribe}"), publish.clone(), true),
        (publish.clone(), format!("{publish},{subscribe}"), false),
        (
            publish.clone(),
            format!("{publish},{}", deny(&subscribe)),
            true,
        ),
        (
            format!("{publish},{}", deny(&subscribe)),
            publish.clone(),
            false,
        ),
        (publish.clone(), subscribe.clone(), false),
        (deny(&publish), deny(&subscribe), false),
        (publish.clone(), deny(&publish), true),
        (deny(&publish), publish, false),
    ] {
        let found = only_refuses_more(&document(&old), &document(&new));
        assert_eq!(found, expected, "{old} {new}");
    }
}

#[test]
fn the_statement_that_decides_names_a_caller_without_policies_of_its_own_directly_enough() {
    let caller = "arn:aws:iam::222222222222:role/a";
    let to =
        |sid: &str, who: &str| topic(&format!(r#""Sid":"{sid}","Principal":{{"AWS":"{who}"}}"#));
    let read = document(&format!(
        "{},{},{},{}",
        to("Account", "222222222222"),
        to("Role", caller),
        to("All", "*"),
        to("No", "222222222222").replace("Allow", "Deny"),
    ));
    let of = |own, effect| {
        let mut request = Request::new(
            crate::Who::of(caller),
            "sns:Publish",
            "arn:aws:sns:eu-west-1:222222222222:t",
        );
        request.caller_policies = own;
        deciding(&read, &request, effect).and_then(|it| it.sid.clone())
    };
    for (own, sid) in [
        (None, "Account"),
        (Some(CallerPolicies::Allow), "Account"),
        (Some(CallerPolicies::None), "Role"),
        (Some(CallerPolicies::Limited), "All"),
    ] {
        assert_eq!(of(own, Effect::Allow).as_deref(), Some(sid), "{own:?}");
        // A denial holds however it names the caller.
        assert_eq!(of(own, Effect::Deny).as_deref(), Some("No"), "{own:?}");
    }
}

#[test]
fn a_witness_of_an_identity_policy_is_no_session_where_another_action_shows_it() {
    for actions in [
        r#"["sts:AssumeRole","xray:GetGroup"]"#,
        r#"["sts:AssumeRole","sqs:SendMessage"]"#,
    ] {
        for found in witnesses_of(&identity(actions, r#""*""#)) {
            assert!(!found.contains(" sts:"), "{found}");
        }
    }
}

/// The policy of a key must let in its own account too, and that of a topic need not:
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html>
#[test]
fn a_key_that_lets_in_its_own_account_lets_in_more_and_a_topic_does_not() {
    let to = |action: &str, resource: &str| {
        document(&format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"222222222222"}},"Action":"{action}","Resource":[{resource}]}}"#
        ))
    };
    let key = r#""arn:aws:kms:eu-west-1:222222222222:key/k""#;
    let topic = r#""arn:aws:sns:eu-west-1:222222222222:t""#;
    let both = format!("{key},{topic}");
    for (action, resource, expected) in [
        ("*", key, Widened),
        ("*", topic, Cosmetic),
        ("kms:Decrypt", both.as_str(), Widened),
        ("sns:Publish", both.as_str(), Cosmetic),
    ] {
        let found = compare_in("222222222222", &document(""), &to(action, resource));
        assert_eq!(found.verdict, expected, "{action} {resource} {found:?}");
    }
}

#[test]
fn a_stranger_hides_no_witness_of_another_action() {
    let publish = topic(r#""Principal":"*""#);
    let subscribe = topic("").replace("Publish", "Subscribe");
    let found = check(Widened, "", &format!("{publish},{subscribe}"));
    let actions: Vec<&str> = found.gains.iter().map(|it| it.action.as_str()).collect();
    assert!(actions.contains(&"sns:Publish"), "{actions:?}");
    assert!(actions.contains(&"sns:Subscribe"), "{actions:?}");
}

/// What a statement for an account under a condition adds to a topic's policy, and to a role's trust policy.
fn added(operator: &str, key: &str, value: &str) -> [Change; 2] {
    let fields = |principal: &str, rest: &str| {
        format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},{rest}}}"#)
    };
    let condition = format!(r#""Condition":{{"{operator}":{{"{key}":"{value}"}}}}"#);
    let topic = r#""Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:222222222222:t""#;
    [topic, r#""Action":"sts:AssumeRole""#].map(|of| {
        let ours = fields("arn:aws:iam::111111111111:role/a", of);
        let root = "arn:aws:iam::888888888888:root";
        let theirs = fields(root, &format!("{of},{condition}"));
        let (old, new) = (document(&ours), document(&format!("{ours},{theirs}")));
        let found = compare_in("222222222222", &old, &new);
        assert_eq!(
            found.gains.is_empty(),
            found.verdict != Change::Widened,
            "{found:?}"
        );
        found.verdict
    })
}

/// A condition on who asks adds nothing only where no request can meet it.
///
/// The pages are of the IAM User Guide, and `API_…` of the STS API Reference.
#[test]
fn a_condition_on_who_asks_opens_access_to_all_who_can_meet_it() {
    use Change::{Cosmetic, Unproven, Widened};
    let keys = "reference_policies_condition-keys";
    // A root user assumes no role, and a federated user's session asks STS for nothing but `GetCallerIdentity`.
    let (assumes, federates) = ("API_AssumeRole", "API_GetFederationToken");
    for (operator, key, value, on_topic, on_trust, page) in [
        (
            "StringLike",
            "aws:PrincipalArn",
            "arn:aws:sts::888888888888:federated-user/*",
            Widened,
            Cosmetic,
            federates,
        ),
        (
            "ArnLike",
            "aws:PrincipalArn",
            "arn:aws:sts::888888888888:federated-user/*",
            Widened,
            Cosmetic,
            federates,
        ),
        (
            "ArnLike",
            "aws:PrincipalArn",
            "arn:aws:sts::*:federated-user/ann",
            Widened,
            Cosmetic,
            federates,
        ),
        (
            "StringEquals",
            "aws:PrincipalArn",
            "arn:aws:sts::888888888888:federated-user/ann",
            Widened,
            Cosmetic,
            federates,
        ),
        (
            "ArnEquals",
            "aws:PrincipalArn",
            "arn:aws:sts::888888888888:federated-user/ann",
            Widened,
            Cosmetic,
            federates,
        ),
        (
            "StringEqualsIgnoreCase",
            "aws:PrincipalArn",
            "ARN:aws:sts::888888888888:federated-user/ann",
            Widened,
            Cosmetic,
            federates,
        ),
        (
            "StringLike",
            "aws:PrincipalArn",
            "arn:aws:sts::*",
            Widened,
            Cosmetic,
            federates,
        ),
        (
            "StringLike",
            "aws:PrincipalArn",
            "arn:aws:sts::777777777777:federated-user/*",
            Cosmetic,
            Cosmetic,
            keys,
        ),
        (
            "StringLike",
            "aws:PrincipalArn",
            "arn:aws:iam::888888888888:root",
            Widened,
            Cosmetic,
            assumes,
        ),
        (
            "ArnEquals",
            "aws:PrincipalArn",
            "arn:aws:iam::888888888888:root",
            Widened,
            Cosmetic,
            assumes,
        ),
        (
            "StringLike",
            "aws:PrincipalArn",
            "*:root",
            Widened,
            Cosmetic,
            assumes,
        ),
        // The key has the ARN of a session's role.
        (
            "StringLike",
            "aws:PrincipalArn",
            "arn:aws:sts::888888888888:assumed-role/*",
            Cosmetic,
            Cosmetic,
            keys,
        ),
        (
            "ArnLike",
            "aws:PrincipalArn",
            "arn:aws:sts::888888888888:assumed-role/a/s",
            Cosmetic,
            Cosmetic,
            keys,
        ),
        (
            "StringLike",
            "aws:PrincipalArn",
            "arn:aws:iam::888888888888:role/*",
            Widened,
            Widened,
            keys,
        ),
        (
            "StringLike",
            "aws:PrincipalArn",
            "arn:aws:iam::888888888888:user/*",
            Widened,
            Widened,
            keys,
        ),
        (
            "StringLike",
            "aws:PrincipalArn",
            "arn:aws:iam::888888888888:group/*",
            Cosmetic,
            Cosmetic,
            keys,
        ),
        (
            "StringEquals",
            "aws:PrincipalType",
            "FederatedUser",
            Widened,
            Cosmetic,
            federates,
        ),
        (
            "StringEquals",
            "aws:PrincipalType",
            "Account",
            Widened,
            Cosmetic,
            assumes,
        ),
        (
            "StringEquals",
            "aws:PrincipalType",
            "AssumedRole",
            Widened,
            Widened,
            keys,
        ),
        (
            "StringEquals",
            "aws:PrincipalType",
            "User",
            Widened,
            Widened,
            keys,
        ),
        (
            "StringEquals",
            "aws:PrincipalType",
            "Anonymous",
            Cosmetic,
            Cosmetic,
            keys,
        ),
        (
            "StringEquals",
            "aws:PrincipalAccount",
            "888888888888",
            Widened,
            Widened,
            keys,
        ),
        (
            "StringLike",
            "aws:PrincipalAccount",
            "888*",
            Widened,
            Widened,
            keys,
        ),
        (
            "StringEquals",
            "aws:PrincipalAccount",
            "777777777777",
            Cosmetic,
            Cosmetic,
            keys,
        ),
        (
            "StringEquals",
            "aws:PrincipalTag/team",
            "x",
            Widened,
            Widened,
            keys,
        ),
        (
            "StringEquals",
            "aws:PrincipalOrgID",
            "o-1",
            Widened,
            Widened,
            keys,
        ),
        (
            "StringLike",
            "aws:username",
            "*",
            Widened,
            Widened,
            "reference_policies_variables",
        ),
        // Of a role's session or a user, the id is not known here.
        (
            "StringLike",
            "aws:userid",
            "AROA*",
            Unproven,
            Unproven,
            "reference_policies_variables",
        ),
        (
            "StringLike",
            "aws:userid",
            "888888888888:*",
            Widened,
            Unproven,
            "reference_policies_variables",
        ),
        (
            "StringEquals",
            "aws:userid",
            "888888888888",
            Widened,
            Unproven,
            "reference_policies_variables",
        ),
        (
            "Bool",
            "aws:PrincipalIsAWSService",
            "true",
            Cosmetic,
            Cosmetic,
            keys,
        ),
        (
            "Bool",
            "aws:PrincipalIsAWSService",
            "false",
            Widened,
            Widened,
            keys,
        ),
        (
            "StringEquals",
            "aws:PrincipalServiceName",
            "s3.amazonaws.com",
            Cosmetic,
            Cosmetic,
            keys,
        ),
        ("Null", "aws:PrincipalArn", "true", Cosmetic, Cosmetic, keys),
        ("Null", "aws:TokenIssueTime", "true", Widened, Widened, keys),
        (
            "Bool",
            "aws:MultiFactorAuthPresent",
            "true",
            Widened,
            Widened,
            keys,
        ),
    ] {
        let found = added(operator, key, value);
        assert_eq!(
            found,
            [on_topic, on_trust],
            "{operator} {key} {value}, by {page}"
        );
    }
}

#[test]
fn a_user_who_is_named_may_open_a_federated_session_that_a_condition_asks_for() {
    let of = |user: &str, condition: &str| {
        let old = document(&topic(""));
        let new = topic(&format!(
            r#""Principal":{{"AWS":"arn:aws:iam::222222222222:user/{user}"}},"Condition":{{{condition}}}"#
        ));
        compare(&old, &document(&format!("{},{new}", topic("")))).verdict
    };
    let federated = |account: &str| {
        format!(r#""ArnLike":{{"aws:PrincipalArn":"arn:aws:sts::{account}:federated-user/*"}}"#)
    };
    assert_eq!(of("ann", &federated("222222222222")), Change::Unproven);
    assert_eq!(of("ann", &federated("111111111111")), Change::Cosmetic);
    let own = r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/ann"}"#;
    assert_eq!(of("ann", own), Change::Widened);
    assert_eq!(of("bob", own), Change::Cosmetic);
}

/// AWS says that every request has `aws:PrincipalAccount`, and not what it is in a service's own.
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.
#[test]
fn the_account_of_a_services_own_request_is_not_known() {
    let of = |condition: &str| {
        let condition = match condition {
            "" => String::new(),
            it => format!(r#","Condition":{{{it}}}"#),
        };
        topic(&format!(
            r#""Principal":{{"Service":"s3.amazonaws.com"}}{condition}"#
        ))
    };
    let equals = r#""StringEquals":{"aws:PrincipalAccount":"111111111111"}"#;
    let verdict = |old: &str, new: &str| compare(&document(old), &document(new)).verdict;
    for (condition, expected) in [
        (equals, Change::Unproven),
        (&equals.replace("Equals", "NotEquals"), Change::Unproven),
        (
            &equals.replace("Equals", "EqualsIfExists"),
            Change::Unproven,
        ),
        (
            r#""Null":{"aws:PrincipalAccount":"true"}"#,
            Change::Cosmetic,
        ),
        (
            r#""Null":{"aws:PrincipalAccount":"false"}"#,
            Change::Widened,
        ),
        (
            r#""StringLike":{"aws:PrincipalAccount":"*"}"#,
            Change::Unproven,
        ),
        (
            r#""StringEquals":{"aws:PrincipalOrgID":"o-1"}"#,
            Change::Cosmetic,
        ),
    ] {
        assert_eq!(
            verdict(&topic(""), &format!("{},{}", topic(""), of(condition))),
            expected,
            "{condition}"
        );
    }
    // Without the condition it is let through whatever its account is.
    assert_eq!(verdict(&of(equals), &of("")), Change::Widened);
    // Of everyone, those whose account is known decide.
    let everyone = of(equals).replace(r#"{"Service":"s3.amazonaws.com"}"#, r#""*""#);
    assert_eq!(
        verdict(&topic(""), &format!("{},{everyone}", topic(""))),
        Change::Widened
    );
}

/// What a policy says of times long gone is certain: no request is made then.
#[test]
fn a_bound_in_the_past_is_certain() {
    let under = |effect: &str, condition: &str| {
        topic(&format!(r#""Condition":{{{condition}}}"#)).replace("Allow", effect)
    };
    for (condition, allowed, denied) in [
        (
            r#""DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}"#,
            Widened,
            Narrowed,
        ),
        (
            r#""DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}"#,
            Cosmetic,
            Cosmetic,
        ),
        (
            r#""DateNotEquals":{"aws:EpochTime":"2020-01-01T00:00:00Z"}"#,
            Widened,
            Narrowed,
        ),
        (
            r#""NumericLessThan":{"aws:EpochTime":"1"}"#,
            Cosmetic,
            Cosmetic,
        ),
        (
            r#""NumericGreaterThan":{"aws:EpochTime":"1"}"#,
            Widened,
            Narrowed,
        ),
        (
            r#""DateGreaterThan":{"aws:CurrentTime":"2099-01-01T00:00:00Z"}"#,
            Widened,
            Narrowed,
        ),
        (
            r#""DateLessThan":{"aws:CurrentTime":"2099-01-01T00:00:00Z"}"#,
            Widened,
            Narrowed,
        ),
        // A token may be as old as its session, but a past date of anything else is not judged by the clock.
        (
            r#""DateLessThan":{"aws:TokenIssueTime":"2020-01-01T00:00:00Z"}"#,
            Widened,
            Narrowed,
        ),
    ] {
        check(allowed, "", &under("Allow", condition));
        check(
            denied,
            &topic(""),
            &format!("{},{}", topic(""), under("Deny", condition)),
        );
    }
    let says = |condition: &str| {
        let role = Who::Arn("arn:aws:iam::111111111111:role/a".to_owned());
        let request = Request::new(role, "sns:Publish", "arn:aws:sns:eu-west-1:222222222222:t");
        alone(&document(&under("Allow", condition)), &request)
    };
    assert_eq!(
        says(r#""DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}"#),
        Three::Yes
    );
    assert_eq!(
        says(r#""DateLessThan":{"aws:EpochTime":"1500000000"}"#),
        Three::No
    );
    assert_eq!(
        says(r#""DateLessThan":{"aws:CurrentTime":"2099-01-01T00:00:00Z"}"#),
        Three::Maybe
    );
    assert_eq!(
        says(r#""DateLessThan":{"aws:CurrentTime":["2020-01-01","2099-01-01"]}"#),
        Three::Maybe
    );
}

#[test]
fn an_example_of_a_service_names_a_resource_of_its() {
    for (action, resource) in [
        ("s3:GetObject", "arn:aws:s3:::example"),
        ("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:"),
        ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:"),
    ] {
        let found = check(Widened, "", &identity(&format!(r#""{action}""#), r#""*""#));
        let shown = &found.gains[0].resource;
        assert!(shown.starts_with(resource), "{action} {shown}");
    }
}

/// A trust policy names no resource, so whose role it is must be told: else its own account's principals were meant.
#[test]
fn a_caller_of_another_account_needs_a_policy_of_its_own_to_assume_a_role() {
    let of = |account: &str| {
        let role = format!("arn:aws:iam::{account}:role/x");
        let trust = format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{role}"}},"Action":"sts:AssumeRole"}}"#
        );
        let found = cut_off(&document(&trust), &document(""), Some("222222222222"));
        found[0].1.caller_policies
    };
    assert_eq!(of("111111111111"), Some(CallerPolicies::Allow));
    assert_eq!(of("222222222222"), Some(CallerPolicies::None));
}
