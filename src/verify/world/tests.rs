use crate::kinds::survey::Live;
use crate::lower;
use crate::policy::Document;
use crate::stack::{self, Source};
use crate::verify::{Finding, Outcome, Promise, World, prove};

const STACK: &str = r#"
[stack]
name   = "shop"
region = "eu-west-1"
[accounts.orders]
id = "333333333333"
[accounts.shop]
id = "111111111111"
[roles.checkout]
account    = "shop"
trusted_by = "lambda.amazonaws.com"
boundary   = "arn:aws:iam::111111111111:policy/fence"
[roles.stray]
account    = "orders"
trusted_by = "lambda.amazonaws.com"
attach     = "arn:aws:iam::333333333333:policy/tools"
boundary   = "arn:aws:iam::333333333333:policy/fence"
[topics.events]
account = "orders"
[[access]]
from = "roles.checkout"
to   = "topics.events"
"#;

const SHOPS_FENCE: &str = "arn:aws:iam::111111111111:policy/fence";
const FENCE: &str = "arn:aws:iam::333333333333:policy/fence";
const TOOLS: &str = "arn:aws:iam::333333333333:policy/tools";
const TOPIC: &str = "arn:aws:sns:eu-west-1:333333333333:events";

fn policy(statements: &str) -> Document {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    Document::parse(&text).expect("a policy")
}

fn allow(action: &str) -> String {
    format!(r#"{{"Sid":"Work","Effect":"Allow","Action":"{action}","Resource":"*"}}"#)
}

/// What comes of the claims of one kind about the topic, where these managed policies were read.
fn told(promise: Promise, read: &[(&str, String)]) -> String {
    let source = Source {
        name: "shop.toml".to_owned(),
        text: STACK.to_owned(),
    };
    let stack = stack::check(&source, &[], &|_| Err(String::new()))
        .unwrap_or_else(|it| panic!("{}", it.render(false)));
    let desired = lower::lower(&stack).expect("it fits");
    let live = Live {
        policies: read
            .iter()
            .map(|(arn, statements)| ((*arn).to_owned(), policy(statements)))
            .collect(),
        ..Live::default()
    };
    let proof = prove(&stack, &desired, &World::planned(&desired, &live));
    let of_topic = |it: &&Finding| it.promise == promise && it.claim.contains("topics.events");
    let lines: Vec<String> = proof
        .findings
        .iter()
        .filter(of_topic)
        .flat_map(|it| match &it.outcome {
            Outcome::Proved => vec!["proved".to_owned()],
            Outcome::Known(parts) => panic!("nothing is accepted here: {parts:?}"),
            Outcome::Unproven(reasons) => {
                reasons.iter().map(|it| format!("unproven: {it}")).collect()
            }
            Outcome::Failed(evidence) => evidence
                .iter()
                .map(|it| format!("{} [{}]", it.says, it.blame.join("; ")))
                .collect(),
        })
        .collect();
    lines.join("\n")
}

#[test]
fn a_boundary_that_nobody_read_may_deny() {
    assert_eq!(
        told(Promise::May, &[]),
        format!(
            "unproven: the permissions boundary {SHOPS_FENCE} of roles.checkout is not read, and may deny it"
        )
    );
}

#[test]
fn a_boundary_that_was_read_settles_what_its_role_may_do() {
    let within = |statements: &str| told(Promise::May, &[(SHOPS_FENCE, statements.to_owned())]);
    assert_eq!(within(&allow("sns:*")), "proved");
    assert_eq!(
        within(&allow("s3:*")),
        format!(
            "the permissions boundary {SHOPS_FENCE} of roles.checkout leaves no room for sns:Publish on topics.events []"
        )
    );
    let denial = r#"{"Sid":"Quiet","Effect":"Deny","Action":"sns:Publish","Resource":"*"}"#;
    assert_eq!(
        within(&format!("{},{denial}", allow("*"))),
        format!(
            "roles.checkout is refused sns:Publish on topics.events [the permissions boundary {SHOPS_FENCE} of \
             roles.checkout, statement `Quiet`, denies it]"
        )
    );
}

#[test]
fn a_managed_policy_that_was_read_is_an_identity_policy_like_any_other() {
    let only = |tools: Option<&str>, fence: Option<&str>| {
        let read: Vec<(&str, String)> = [(TOOLS, tools), (FENCE, fence)]
            .into_iter()
            .filter_map(|(arn, statements)| Some((arn, statements?.to_owned())))
            .collect();
        told(Promise::Only, &read)
    };
    let unread = format!(
        "unproven: the managed policy {TOOLS} of roles.stray is not read, and may allow it\n\
         unproven: the permissions boundary {FENCE} of roles.stray is not read, and may allow it"
    );
    assert_eq!(only(None, None), unread);
    let (all, s3) = (allow("*"), allow("s3:*"));
    let publish = "roles.stray may sns:Publish on topics.events, and nobody declared it";
    let blamed = format!("the managed policy {TOOLS} of roles.stray, statement `Work`");
    let found = only(Some(&allow("sns:Publish")), Some(&all));
    assert_eq!(found, format!("{publish} [{blamed}]"));
    assert_eq!(only(Some(&s3), Some(&all)), "proved");
    // What the boundary leaves no room for is not allowed, whatever the policies say.
    assert_eq!(only(Some(&all), Some(&s3)), "proved");
    let elsewhere =
        format!(r#"{{"Effect":"Allow","Action":"sns:Publish","NotResource":"{TOPIC}"}}"#);
    assert_eq!(only(Some(&elsewhere), Some(&all)), "proved");
}
