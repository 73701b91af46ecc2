use crate::kinds::Resource;
use crate::lower;
use crate::policy::{Decision, Document, Policies, Request, decide};
use crate::stack::{self, Source};
use crate::verify::{Outcome, Promise, World, prove};

const STACK: &str = r#"
[stack]
name   = "shop"
region = "eu-west-1"
[accounts.orders]
id = "333333333333"
[roles.checkout]
trusted_by = "lambda.amazonaws.com"
[roles.stray]
trusted_by = "lambda.amazonaws.com"
[topics.events]
[[access]]
from = "roles.checkout"
to   = "topics.events"
"#;

const TOPIC: &str = "arn:aws:sns:eu-west-1:333333333333:events";

/// The claims of one kind about the topic, in a world in which `roles.stray` has these statements
/// as its own and the topic these beside the stack's.
fn told(promise: Promise, own: &str, theirs: &str) -> String {
    let source = Source {
        name: "shop.toml".to_owned(),
        text: STACK.to_owned(),
    };
    let stack = stack::check(&source, &[], &|_| Err(String::new()))
        .unwrap_or_else(|it| panic!("{}", it.render(false)));
    let mut desired = lower::lower(&stack).expect("it fits");
    let read = |statements: &str| {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        Document::parse(&text).expect("a policy")
    };
    for (address, want) in &mut desired.wants {
        match &mut want.resource {
            Resource::Role(it) if address.name == "stray" && !own.is_empty() => {
                it.inline.insert("own".to_owned(), read(own));
            }
            Resource::Topic(it) if !theirs.is_empty() => {
                it.policy.statements.extend(read(theirs).statements);
            }
            _ => {}
        }
    }
    let proof = prove(&stack, &desired, &World::wanted(&desired));
    let of_topic = proof
        .findings
        .iter()
        .filter(|it| it.promise == promise && it.subject.name == "events");
    let lines: Vec<String> = of_topic
        .flat_map(|it| match &it.outcome {
            Outcome::Proved => vec!["proved".to_owned()],
            Outcome::Known(parts) => panic!("nothing is accepted here: {parts:?}"),
            Outcome::Unproven(reasons) => {
                reasons.iter().map(|it| format!("unproven: {it}")).collect()
            }
            Outcome::Failed(evidence) => evidence
                .iter()
                .map(|it| {
                    let request = it.request.as_ref().expect("a request");
                    if request.principal.to_string().ends_with("/stray") {
                        assert_eq!(again(request, own, theirs), Decision::Allow, "{request:?}");
                    }
                    let context: Vec<String> = request
                        .context
                        .iter()
                        .map(|(key, values)| format!(" {key}={}", values.join(",")))
                        .collect();
                    format!("{}{}", it.says, context.concat())
                })
                .collect(),
        })
        .collect();
    lines.join("\n")
}

/// The decision on a request that is told in full.
fn again(request: &Request, own: &str, theirs: &str) -> Decision {
    let read = |statements: &str| {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        Document::parse(&text).expect("a policy")
    };
    let policies = Policies {
        identity: vec![read(own)],
        resource: (!theirs.is_empty()).then(|| read(theirs)),
        ..Policies::default()
    };
    decide(request, &policies).decision
}

fn allow(condition: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Action":"sns:Publish","Resource":"{TOPIC}","Condition":{{{condition}}}}}"#
    )
}

fn deny(condition: &str) -> String {
    format!(
        r#"{{"Sid":"Fence","Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"{TOPIC}","Condition":{{{condition}}}}}"#
    )
}

const SAYS: &str = "roles.stray may sns:Publish on topics.events, and nobody declared it";

#[test]
fn what_is_allowed_in_some_requests_only_is_allowed() {
    for (condition, context) in [
        (
            r#""StringEquals":{"aws:PrincipalTag/team":"x"}"#,
            " aws:PrincipalTag/team=x",
        ),
        (
            r#""Bool":{"aws:MultiFactorAuthPresent":"true"}"#,
            " aws:MultiFactorAuthPresent=true",
        ),
        (
            r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::333333333333:role/*/stray"},"StringLike":{"aws:SourceVpce":"vpce-*"}"#,
            " aws:SourceVpce=vpce-",
        ),
        (
            r#""ForAnyValue:StringEquals":{"aws:CalledVia":"cloudformation.amazonaws.com"}"#,
            " aws:CalledVia=cloudformation.amazonaws.com",
        ),
        (
            r#""NumericLessThan":{"aws:MultiFactorAuthAge":"300"}"#,
            " aws:MultiFactorAuthAge=0",
        ),
        (
            r#""StringEquals":{"aws:PrincipalOrgID":"o-1"},"Null":{"aws:SourceVpc":"true"}"#,
            " aws:PrincipalOrgID=o-1",
        ),
    ] {
        assert_eq!(
            told(Promise::Only, &allow(condition), ""),
            format!("{SAYS}{context}"),
            "{condition}"
        );
    }
    let range = told(
        Promise::Only,
        &allow(r#""IpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#),
        "",
    );
    assert!(
        range.starts_with(&format!("{SAYS} aws:SourceIp=203.0.113.")),
        "{range}"
    );
}

#[test]
fn a_denial_that_some_requests_escape_clears_nobody() {
    let all = format!(r#"{{"Effect":"Allow","Action":"sns:*","Resource":"{TOPIC}"}}"#);
    let told = |condition: &str| told(Promise::Only, &all, &deny(condition));
    let publish = |condition: &str| {
        let lines = told(condition);
        let line = lines.lines().find(|it| it.contains("sns:Publish"));
        line.unwrap_or_default().to_owned()
    };
    assert_eq!(
        publish(r#""StringNotEquals":{"aws:PrincipalTag/team":"x"}"#),
        format!("{SAYS} aws:PrincipalTag/team=x")
    );
    assert_eq!(
        publish(r#""Null":{"aws:SourceVpce":"true"}"#)
            .split('=')
            .next(),
        Some(format!("{SAYS} aws:SourceVpce").as_str())
    );
    assert_eq!(
        publish(r#""BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}"#),
        format!("{SAYS} aws:MultiFactorAuthPresent=true")
    );
    // This one nobody escapes.
    assert_eq!(
        publish(r#""StringLike":{"aws:PrincipalArn":"arn:aws:iam::333333333333:role/*"}"#),
        ""
    );
}

#[test]
fn what_no_request_can_have_lets_nobody_in() {
    for condition in [
        r#""StringEquals":{"aws:PrincipalAccount":"111111111111"}"#,
        r#""ArnLike":{"aws:SourceArn":"arn:aws:s3:::bucket"}"#,
        r#""StringEquals":{"aws:username":"ann"}"#,
        r#""Bool":{"aws:PrincipalIsAWSService":"true"}"#,
        r#""Null":{"aws:TokenIssueTime":"true"}"#,
        r#""StringEquals":{"aws:PrincipalTag/team":"x"},"Null":{"aws:PrincipalTag/team":"true"}"#,
        r#""StringEquals":{"sns:Protocol":"sqs"}"#,
    ] {
        let found = told(Promise::Only, &allow(condition), "");
        assert!(!found.contains("may sns:Publish"), "{condition}: {found}");
        assert!(
            found == "proved" || condition.contains("PrincipalTag"),
            "{condition}: {found}"
        );
    }
}

#[test]
fn what_nobody_can_know_is_unproven_with_its_reason() {
    for (condition, reason) in [
        (
            r#""StringEquals":{"acme:team":"x"}"#,
            "`acme:team` is not known",
        ),
        (
            r#""StringEquals":{"aws:PrincipalTag/team":"${aws:PrincipalTag/other}"}"#,
            "`aws:PrincipalTag/team` is not known",
        ),
        (
            r#""StringRoughlyEquals":{"aws:SourceVpce":"x"}"#,
            "`StringRoughlyEquals` is no operator that we know",
        ),
    ] {
        let found = told(Promise::Only, &allow(condition), "");
        assert!(found.starts_with("unproven: "), "{condition}: {found}");
        assert!(found.contains(reason), "{condition}: {found}");
    }
}

#[test]
fn a_plain_call_works_unless_it_depends_on_who_asks() {
    let may = |condition: &str| told(Promise::May, "", &deny(condition));
    for harmless in [
        r#""Bool":{"aws:SecureTransport":"false"}"#,
        r#""StringEquals":{"aws:SourceVpce":"vpce-1"}"#,
        r#""Bool":{"aws:ViaAWSService":"true"}"#,
        r#""StringNotEquals":{"aws:PrincipalAccount":"333333333333"}"#,
    ] {
        assert_eq!(may(harmless), "proved", "{harmless}");
    }
    for (condition, key) in [
        (
            r#""StringNotEquals":{"aws:PrincipalOrgID":"o-1"}"#,
            "`aws:PrincipalOrgID` is not known",
        ),
        (
            r#""StringEquals":{"aws:PrincipalTag/team":"x"}"#,
            "`aws:PrincipalTag/team` is not known",
        ),
        (
            r#""DateLessThan":{"aws:TokenIssueTime":"2026-01-01T00:00:00Z"}"#,
            "the value of `aws:TokenIssueTime` is not given",
        ),
        (
            r#""NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#,
            "the value of `aws:SourceIp` is not given",
        ),
    ] {
        let found = may(condition);
        assert!(found.starts_with("unproven: "), "{condition}: {found}");
        assert!(found.contains(key), "{condition}: {found}");
    }
    assert_eq!(
        may(r#""StringNotEquals":{"aws:SourceVpce":"vpce-1"}"#),
        "roles.checkout is refused sns:Publish on topics.events"
    );
}
