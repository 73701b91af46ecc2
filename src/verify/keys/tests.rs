use std::collections::BTreeMap;

use crate::kinds::survey::{KeyReading, Live};
use crate::lower;
use crate::model::{Arn, KmsKey};
use crate::policy::Document;
use crate::stack::{self, Source};
use crate::verify::{Outcome, Promise, World, prove};

const KEY: &str = "arn:aws:kms:eu-west-1:111111111111:key/k1";
const FIRST: &str = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"}"#;
const LETS_FAR: &str = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:role/provision/s/far"},"Action":["kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*"}"#;

/// What comes of the claim that `from` may publish to a topic with this key, or a queue with it receives from
/// a topic, where the key's policy has these statements; without any it is not read.
fn outcome(key: &str, rest: &str, statements: &[&str]) -> String {
    let text = format!(
        r#"
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
account    = "b"
trusted_by = "lambda.amazonaws.com"
{rest}"#
    );
    let source = Source {
        name: "s.toml".to_owned(),
        text,
    };
    let stack = stack::check(&source, &[], &|_| Err(String::new()))
        .unwrap_or_else(|it| panic!("{}", it.render(false)));
    let mut live = Live::default();
    if !statements.is_empty() {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
            statements.join(",")
        );
        let named = KmsKey::of(key, &Arn::parse(KEY).expect("an ARN")).expect("a key");
        let reading = KeyReading::Read {
            arn: KEY.to_owned(),
            policy: Document::parse(&text).expect("a policy"),
        };
        live.keys = BTreeMap::from([(named, reading)]);
    }
    let desired = lower::lower_over(&stack, Some(&live), &std::collections::BTreeSet::new())
        .expect("it fits");
    let world = World::planned(&desired, &live);
    let proof = prove(&stack, &desired, &world);
    let finding = proof
        .findings
        .iter()
        .find(|it| {
            it.promise == Promise::May
                && (it.claim.contains("publish") || it.claim.contains("receives"))
        })
        .expect("a claim");
    match &finding.outcome {
        Outcome::Proved => "proved".to_owned(),
        Outcome::Known(parts) => panic!("nothing is accepted here: {parts:?}"),
        Outcome::Failed(evidence) => format!("failed: {}", evidence[0].says),
        Outcome::Unproven(reasons) => format!("unproven: {}", reasons.join("; ")),
    }
}

fn publishing(key: &str, from: &str, via: &str, statements: &[&str]) -> String {
    let rest = format!(
        "[topics.t]\naccount = \"a\"\nkms_key = \"{key}\"\n[[access]]\nfrom = \"{from}\"\nto = \"topics.t\"\nvia = \"{via}\"\n"
    );
    outcome(key, &rest, statements)
}

#[test]
fn a_publisher_is_proved_where_the_keys_policy_lets_it_use_the_key() {
    for key in [KEY, "k1", "alias/events"] {
        assert_eq!(
            publishing(key, "roles.near", "resource-policy", &[FIRST]),
            "proved",
            "{key}"
        );
        assert_eq!(
            publishing(key, "roles.far", "assume-role", &[FIRST]),
            "proved",
            "{key}"
        );
        assert_eq!(
            publishing(key, "roles.far", "resource-policy", &[FIRST, LETS_FAR]),
            "proved",
            "{key}"
        );
    }
}

#[test]
fn a_keys_policy_that_lacks_the_publisher_leaves_it_unproven_with_what_is_missing() {
    assert_eq!(
        publishing(KEY, "roles.far", "resource-policy", &[FIRST]),
        format!(
            "unproven: the policy of the KMS key {KEY} of topics.t does not let roles.far use kms:Decrypt and \
             kms:GenerateDataKey: its owner adds the statements that are handed over"
        )
    );
    let half = LETS_FAR.replace(r#","kms:GenerateDataKey*""#, "");
    let found = publishing(KEY, "roles.far", "resource-policy", &[FIRST, &half]);
    assert!(
        found.contains("does not let roles.far use kms:GenerateDataKey:"),
        "{found}"
    );
}

#[test]
fn a_key_whose_policy_denies_the_publisher_is_not_mended_by_a_further_statement() {
    let denies = r#"{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"222222222222"}}}"#;
    let found = publishing(
        KEY,
        "roles.far",
        "resource-policy",
        &[FIRST, LETS_FAR, denies],
    );
    assert_eq!(
        found,
        format!(
            "unproven: the policy of the KMS key {KEY} of topics.t does not let roles.far use kms:Decrypt: a `Deny` there \
             refuses it, which its owner has to change"
        )
    );
}

#[test]
fn a_key_that_is_not_read_says_what_it_must_let_through() {
    assert_eq!(
        publishing(KEY, "roles.far", "resource-policy", &[]),
        format!(
            "unproven: the policy of the KMS key {KEY} of topics.t is not read: it must let roles.far use kms:Decrypt \
             and kms:GenerateDataKey"
        )
    );
}

#[test]
fn a_key_that_aws_manages_is_for_its_own_account_only() {
    let near = publishing("alias/aws/sns", "roles.near", "resource-policy", &[]);
    assert_eq!(near, "proved");
    assert_eq!(
        publishing("alias/aws/sns", "roles.far", "assume-role", &[]),
        "proved"
    );
    let far = publishing("alias/aws/sns", "roles.far", "resource-policy", &[]);
    assert!(
        far.starts_with("failed: topics.t is encrypted with arn:aws:kms:"),
        "{far}"
    );
    assert!(
        far.contains("cannot be changed, so roles.far cannot use it"),
        "{far}"
    );
}

#[test]
fn sns_delivers_where_the_keys_policy_names_it() {
    let queue = |key: &str, statements: &[&str]| {
        let rest = format!(
            "[topics.t]\naccount = \"b\"\n[queues.q]\naccount = \"a\"\nsubscribe = \"t\"\nencryption = {{ kms = \"{key}\" }}\n"
        );
        outcome(key, &rest, statements)
    };
    let lets = |topic: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"Service":"sns.amazonaws.com"}},"Action":["kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*","Condition":{{"ArnEquals":{{"aws:SourceArn":"arn:aws:sns:eu-west-1:222222222222:{topic}"}}}}}}"#
        )
    };
    assert_eq!(queue(KEY, &[FIRST, &lets("t")]), "proved");
    let other = queue(KEY, &[FIRST, &lets("other")]);
    assert!(
        other.contains("does not let sns.amazonaws.com use kms:Decrypt"),
        "{other}"
    );
}

/// What comes of the claim that nothing else uses a declared key, of a stack with these queues.
fn only_the_declared(queues: &str) -> String {
    let text = format!(
        r#"
[stack]
name   = "s"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[keys.old]
existing = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
[keys.new]
existing = "arn:aws:kms:eu-west-1:111111111111:key/2234abcd-12ab-34cd-56ef-1234567890ab"
[roles.far]
account    = "b"
trusted_by = "lambda.amazonaws.com"
{queues}
[[access]]
from  = "roles.far"
to    = "queues.inbox"
via   = "resource-policy"
allow = "receive"
"#
    );
    let source = Source {
        name: "s.toml".to_owned(),
        text,
    };
    let stack = stack::check(&source, &[], &|_| Err(String::new()))
        .unwrap_or_else(|it| panic!("{}", it.render(false)));
    let desired = lower::lower(&stack).expect("it fits");
    let proof = prove(&stack, &desired, &World::wanted(&desired));
    let of_old =
        |it: &&crate::verify::Finding| it.promise == Promise::Only && it.subject.name == "old";
    let found = proof.findings.iter().find(of_old).expect("a claim");
    match &found.outcome {
        Outcome::Proved => "proved".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_receiver_of_another_account_is_declared_for_each_key_of_the_queues_messages() {
    for queues in [
        // Encrypted with it since before.
        "[queues.inbox]\naccount = \"a\"\nencryption = { kms = \"keys.new\" }\nearlier_keys = \"keys.old\"\n",
        "[queues.inbox]\naccount = \"a\"\nearlier_keys = \"keys.old\"\n",
        // The dead letters of a queue that is encrypted with it, or was.
        "[queues.inbox]\naccount = \"a\"\n[queues.q]\naccount = \"a\"\ndead_letter = \"inbox\"\nencryption = { kms = \"keys.old\" }\n",
        "[queues.inbox]\naccount = \"a\"\n[queues.q]\naccount = \"a\"\ndead_letter = \"inbox\"\nearlier_keys = \"keys.old\"\n",
    ] {
        assert_eq!(only_the_declared(queues), "proved", "{queues}");
    }
}
