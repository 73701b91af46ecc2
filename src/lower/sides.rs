//! Each side of an access, as it is written: a condition or a side that is forgotten is missed here.

use crate::kinds::Resource;
use crate::lower;
use crate::stack::{self, Source};

const STACK: &str = r#"
[stack]
name   = "s"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[roles.near]
account    = "a"
trusted_by = "lambda.amazonaws.com"
[roles.far]
account    = "a"
trusted_by = "lambda.amazonaws.com"
[topics.t]
account = "b"
[queues.q]
account   = "a"
subscribe = "t"
[apis.private]
account       = "b"
endpoint      = "private"
vpc_endpoints = ["vpce-0123456789abcdef0"]
[apis.private.routes]
"GET /x" = { mock = 200 }
[apis.open]
account = "b"
[apis.open.routes]
"GET /orders/{id}"         = { mock = 200 }
"GET /orders/{id}/items"   = { mock = 200 }
"GET /pages/{name}"        = { mock = 200, public = true }
"GET /pages/{name}/drafts" = { mock = 200 }
[[access]]
from = "roles.near"
to   = "topics.t"
via  = "resource-policy"
[[access]]
from = "roles.far"
to   = "topics.t"
via  = "assume-role"
[[access]]
from        = { account = "333333333333" }
to          = "topics.t"
via         = "assume-role"
external_id = "as-agreed"
[[access]]
from = { account = "444444444444", role_prefix = "billing-" }
to   = "topics.t"
via  = "resource-policy"
[[access]]
from  = "roles.near"
to    = "apis.private"
allow = "GET /x"
[[access]]
from  = "roles.near"
to    = "apis.open"
allow = "GET /orders/{id}"
via   = "resource-policy"
"#;

/// The documents of a resource, one after another, as text without `Sid`s.
fn documents(of: &str) -> String {
    let source = Source {
        name: "s.toml".to_owned(),
        text: STACK.to_owned(),
    };
    let stack = stack::check(&source, &[], &|_| Err(String::new()))
        .unwrap_or_else(|it| panic!("{}", it.render(false)));
    let desired = lower::lower(&stack).expect("it fits");
    let want = &desired.wants[&of.parse().expect("an address")];
    let mut all: Vec<_> = match &want.resource {
        Resource::Role(it) => std::iter::once(&it.trust)
            .chain(it.inline.values())
            .cloned()
            .collect(),
        other => other.policy().cloned().into_iter().collect(),
    };
    for statement in all.iter_mut().flat_map(|it| &mut it.statements) {
        statement.sid = None;
    }
    let texts: Vec<String> = all.iter().map(crate::policy::Document::to_text).collect();
    texts.join("\n")
}

/// Whether the documents of a resource are just these.
#[track_caller]
fn are(of: &str, expected: &[&str]) {
    let found = documents(of);
    let found: Vec<&str> = found.lines().collect();
    let whole = |it: &&str| format!(r#"{{"Statement":[{it}],"Version":"2012-10-17"}}"#);
    let expected: Vec<String> = expected.iter().map(whole).collect();
    assert_eq!(found, expected, "{of}");
}

#[test]
fn a_topic_lets_in_its_publishers_and_the_queues_that_subscribe() {
    are(
        "topics.t",
        &[concat!(
            r#"{"Action":["sns:AddPermission","sns:DeleteTopic","sns:GetTopicAttributes","sns:ListSubscriptionsByTopic","sns:Publish","sns:RemovePermission","sns:SetTopicAttributes","sns:Subscribe"],"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Resource":"arn:aws:sns:eu-west-1:222222222222:t"},"#,
            r#"{"Action":"sns:Publish","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/provision/s/near"},"Resource":"arn:aws:sns:eu-west-1:222222222222:t"},"#,
            r#"{"Action":"sns:Publish","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::444444444444:role/billing-*"}},"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444444444444:root"},"Resource":"arn:aws:sns:eu-west-1:222222222222:t"},"#,
            r#"{"Action":"sns:Subscribe","Condition":{"StringEquals":{"sns:Endpoint":"arn:aws:sqs:eu-west-1:111111111111:q","sns:Protocol":"sqs"}},"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Resource":"arn:aws:sns:eu-west-1:222222222222:t"}"#
        )],
    );
}

#[test]
fn a_queue_lets_its_topic_deliver() {
    are(
        "queues.q",
        &[
            r#"{"Action":"sqs:SendMessage","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:eu-west-1:222222222222:t"}},"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Resource":"arn:aws:sqs:eu-west-1:111111111111:q"}"#,
        ],
    );
}

#[test]
fn a_caller_is_allowed_what_it_calls_and_to_assume_what_it_calls_by() {
    are(
        "roles.near",
        &[
            r#"{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"}}"#,
            concat!(
                r#"{"Action":"execute-api:Invoke","Effect":"Allow","Resource":["arn:aws:execute-api:eu-west-1:222222222222:${provision:apis.open}/live/GET/orders/*","arn:aws:execute-api:eu-west-1:222222222222:${provision:apis.private}/live/GET/x"]},"#,
                r#"{"Action":"sns:Publish","Effect":"Allow","Resource":"arn:aws:sns:eu-west-1:222222222222:t"}"#
            ),
        ],
    );
    are(
        "roles.far",
        &[
            r#"{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"}}"#,
            r#"{"Action":"sts:AssumeRole","Effect":"Allow","Resource":"arn:aws:iam::222222222222:role/provision/s/s-t-for-far"}"#,
        ],
    );
}

#[test]
fn an_access_role_trusts_its_consumer_under_what_was_agreed_and_may_do_one_thing() {
    are(
        "roles.t-for-333333333333",
        &[
            r#"{"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"as-agreed"}},"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::333333333333:root"}}"#,
            r#"{"Action":"sns:Publish","Effect":"Allow","Resource":"arn:aws:sns:eu-west-1:222222222222:t"}"#,
        ],
    );
}

#[test]
fn a_private_api_lets_its_caller_in_and_nobody_by_another_endpoint() {
    are(
        "apis.private",
        &[concat!(
            r#"{"Action":"execute-api:Invoke","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/provision/s/near"},"Resource":"execute-api:/live/GET/x"},"#,
            r#"{"Action":"execute-api:Invoke","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-0123456789abcdef0"}},"Effect":"Deny","Principal":"*","Resource":"execute-api:/*"}"#
        )],
    );
}

#[test]
fn a_star_is_fenced_off_from_routes_that_nobody_allowed_and_from_whoever_signs() {
    are(
        "apis.open",
        &[concat!(
            r#"{"Action":"execute-api:Invoke","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/provision/s/near"},"Resource":"execute-api:/live/GET/orders/*"},"#,
            r#"{"Action":"execute-api:Invoke","Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111111111111:role/provision/s/near"},"Resource":"execute-api:/live/GET/orders/*/items"},"#,
            r#"{"Action":"execute-api:Invoke","Condition":{"Null":{"aws:PrincipalArn":"true"}},"Effect":"Allow","Principal":"*","Resource":"execute-api:/live/GET/pages/*"}"#
        )],
    );
}

fn lowered(rest: &str) -> Result<lower::Desired, Vec<lower::LowerFault>> {
    let head = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
                [roles.near]\ntrusted_by = \"lambda.amazonaws.com\"\n[topics.t]\n\
                [apis.x.routes]\n\"GET /a\" = { mock = 200 }\n\"GET /b\" = { mock = 200 }\n";
    let source = Source {
        name: "s.toml".to_owned(),
        text: format!("{head}{rest}"),
    };
    let stack = stack::check(&source, &[], &|_| Err(String::new()))
        .unwrap_or_else(|it| panic!("{}", it.render(false)));
    lower::lower(&stack)
}

#[test]
fn two_accesses_of_one_outsider_to_one_api_are_one_statement_of_one_policy() {
    let access = |route: &str, via: &str| {
        format!(
            "[[access]]\nfrom = \"arn:aws:iam::999999999999:role/them\"\nto = \"apis.x\"\nallow = \"GET /{route}\"\nvia = \"{via}\"\n"
        )
    };
    let direct = access("a", "resource-policy");
    let twice = lowered(&format!("{direct}{}", access("b", "resource-policy"))).expect("it fits");
    let [handover] = twice.handovers.as_slice() else {
        panic!("{:?}", twice.handovers);
    };
    let [statement] = handover.document.statements.as_slice() else {
        panic!("{}", handover.document.to_text());
    };
    let resources = statement.resource.as_ref().map(|it| it.values.len());
    assert_eq!(resources, Some(2));

    // By two mechanisms they are two statements, and each has a `Sid` of its own.
    let both = lowered(&format!("{direct}{}", access("b", "assume-role"))).expect("it fits");
    let statements = both.handovers[0].document.statements.iter();
    let sids: std::collections::BTreeSet<_> = statements.map(|it| it.sid.clone()).collect();
    assert_eq!(sids.len(), 2, "{sids:?}");
}

#[test]
fn an_access_roles_name_that_is_taken_is_changed_by_a_field_that_there_is() {
    let rest = "[roles.t-for-near]\ntrusted_by = \"lambda.amazonaws.com\"\n\
                [[access]]\nfrom = \"roles.near\"\nto = \"topics.t\"\nvia = \"assume-role\"\n";
    let faults = lowered(rest).expect_err("the name is taken");
    assert!(
        faults[0].message.ends_with(
            "give that access a `role_name = \"…\"` of its own, which needs `via = \"assume-role\"`"
        ),
        "{}",
        faults[0].message
    );
    // What it says to write is taken.
    let mended = format!("{rest}role_name = \"others\"\n");
    assert!(lowered(&mended).is_ok());
}

#[test]
fn a_sid_tells_actions_of_like_names_apart() {
    let mut identity = super::identity::Identity::default();
    for action in ["sns:Publish", "iot:Publish"] {
        identity.allow(&[action], ["*".to_owned()]);
    }
    let statements = identity.statements(|it| crate::policy::own::sid("s", it));
    assert_ne!(statements[0].sid, statements[1].sid);
}
