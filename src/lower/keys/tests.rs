use std::collections::BTreeMap;

use crate::kinds::Resource;
use crate::kinds::survey::{KeyReading, Keys, Live};
use crate::lower::{Desired, lower, lower_over};
use crate::model::{Arn, KmsKey};
use crate::policy::Document;
use crate::stack::{self, Source, Stack};

const ACCOUNTS: &str = r#"
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
"#;

const KEY: &str = "arn:aws:kms:eu-west-1:111111111111:key/k1";
const FAR: &str = "arn:aws:iam::222222222222:role/provision/s/far";

fn parsed(text: &str) -> Stack {
    let source = Source {
        name: "s.toml".to_owned(),
        text: format!("{ACCOUNTS}{text}"),
    };
    stack::check(&source, &[], &|_| Err(String::new()))
        .unwrap_or_else(|it| panic!("{}", it.render(false)))
}

fn wanted(text: &str) -> Desired {
    lower(&parsed(text)).expect("it fits")
}

/// The statements about KMS keys of a role's own policies, without `Sid`s.
fn of_role(desired: &Desired, role: &str) -> Vec<String> {
    let want = &desired.wants[&role.parse().expect("an address")];
    let Resource::Role(role) = &want.resource else {
        panic!("{role} is no role");
    };
    let statements = role.inline.values().flat_map(|it| &it.statements);
    about_keys(statements.cloned())
}

fn about_keys(statements: impl Iterator<Item = crate::policy::Statement>) -> Vec<String> {
    let statements =
        statements.filter(|it| it.action.values.iter().any(|it| it.starts_with("kms:")));
    let text = |mut it: crate::policy::Statement| {
        it.sid = None;
        it.to_value().to_string()
    };
    statements.map(text).collect()
}

/// What is handed over to the owners of keys: the key, what for, and the statements without `Sid`s.
fn handed(desired: &Desired, keys: &Keys) -> Vec<(String, String, Vec<String>)> {
    let handovers = desired.key_handovers(keys).into_iter();
    let texts = handovers.map(|it| {
        (
            it.principal,
            it.why,
            about_keys(it.document.statements.into_iter()),
        )
    });
    texts.collect()
}

fn with_policy(key: &str, statements: &str) -> Keys {
    let key = KmsKey::of(key, &Arn::parse(KEY).expect("an ARN")).expect("a key");
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let reading = KeyReading::Read {
        arn: KEY.to_owned(),
        policy: Document::parse(&text).expect("a policy"),
    };
    BTreeMap::from([(key, reading)])
}

const SENDS: &str = r#"{"Action":["kms:Decrypt","kms:GenerateDataKey"],"Effect":"Allow","Resource":"arn:aws:kms:eu-west-1:111111111111:key/k1"}"#;

fn published(key: &str, from: &str, via: &str) -> Desired {
    wanted(&format!(
        "[topics.t]\naccount = \"a\"\nkms_key = \"{key}\"\n[[access]]\nfrom = {from}\nto = \"topics.t\"\nvia = \"{via}\"\n"
    ))
}

#[test]
fn whoever_publishes_may_use_the_topics_key() {
    for key in ["k1", KEY] {
        let desired = published(key, "\"roles.near\"", "resource-policy");
        assert_eq!(of_role(&desired, "roles.near"), [SENDS]);
    }
    let desired = published("k1", "\"roles.far\"", "assume-role");
    assert_eq!(of_role(&desired, "roles.far"), [""; 0]);
    assert_eq!(of_role(&desired, "roles.t-for-far"), [SENDS]);

    let desired = published(
        "k1",
        "{ account = \"333333333333\", role_prefix = \"x-\" }",
        "resource-policy",
    );
    let statements = desired
        .handovers
        .iter()
        .flat_map(|it| &it.document.statements);
    assert_eq!(about_keys(statements.cloned()), [SENDS]);
}

#[test]
fn a_key_that_is_named_by_its_alias_is_allowed_by_its_alias() {
    let desired = published("alias/events", "\"roles.near\"", "resource-policy");
    assert_eq!(
        of_role(&desired, "roles.near"),
        [
            r#"{"Action":["kms:Decrypt","kms:GenerateDataKey"],"Condition":{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/events"}},"Effect":"Allow","Resource":"arn:aws:kms:eu-west-1:111111111111:key/*"}"#
        ]
    );
}

#[test]
fn two_topics_with_one_key_are_one_statement_and_two_aliases_are_two() {
    let stack = |one: &str, two: &str| {
        let desired = wanted(&format!(
            "[topics.t]\naccount = \"a\"\nkms_key = \"{one}\"\n[topics.u]\naccount = \"a\"\nkms_key = \"{two}\"\n\
             [[access]]\nfrom = \"roles.near\"\nto = \"topics.t\"\n[[access]]\nfrom = \"roles.near\"\nto = \"topics.u\"\n"
        ));
        let want = &desired.wants[&"roles.near".parse().expect("an address")];
        let Resource::Role(role) = &want.resource else {
            panic!("no role");
        };
        let statements = role.inline.values().flat_map(|it| it.statements.clone());
        let sids: std::collections::BTreeSet<_> = statements.clone().map(|it| it.sid).collect();
        assert_eq!(sids.len(), statements.clone().count(), "{sids:?}");
        about_keys(statements).len()
    };
    assert_eq!(stack("k1", "k1"), 1);
    assert_eq!(stack("k1", "k2"), 1);
    assert_eq!(stack("alias/one", "alias/two"), 2);
}

#[test]
fn the_owner_of_a_key_is_handed_what_its_policy_needs_for_other_accounts() {
    let desired = published(KEY, "\"roles.far\"", "resource-policy");
    let statement = format!(
        r#"{{"Action":["kms:Decrypt","kms:GenerateDataKey"],"Condition":{{"ArnLike":{{"aws:PrincipalArn":"{FAR}"}}}},"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::222222222222:root"}},"Resource":"*"}}"#
    );
    let expected = (
        KEY.to_owned(),
        "so that roles.far can publish to topics.t".to_owned(),
        vec![statement.clone()],
    );
    assert_eq!(
        handed(&desired, &Keys::new()),
        std::slice::from_ref(&expected)
    );

    // A policy that was read and does not allow it changes nothing, one that does takes it away.
    let first = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"}"#;
    assert_eq!(handed(&desired, &with_policy("k1", first)), [expected]);
    let enough = with_policy("k1", &format!("{first},{statement}"));
    assert_eq!(handed(&desired, &enough), []);
    let whole_account =
        r#"{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"kms:*","Resource":"*"}"#;
    assert_eq!(handed(&desired, &with_policy("k1", whole_account)), []);
}

#[test]
fn in_the_keys_own_account_its_policy_is_asked_for_more_only_where_it_was_read() {
    let desired = published(KEY, "\"roles.near\"", "resource-policy");
    assert_eq!(handed(&desired, &Keys::new()), []);
    let first = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"}"#;
    assert_eq!(handed(&desired, &with_policy("k1", first)), []);
    let admins = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/admin"},"Action":"kms:*","Resource":"*"}"#;
    let found = handed(&desired, &with_policy("k1", admins));
    assert_eq!(found.len(), 1, "{found:?}");
    // The access role is in the key's account, whoever uses it.
    let desired = published(KEY, "\"roles.far\"", "assume-role");
    assert_eq!(handed(&desired, &Keys::new()), []);
}

#[test]
fn sns_and_receivers_need_the_key_of_an_encrypted_queue() {
    let desired = wanted(&format!(
        "[topics.t]\naccount = \"b\"\n[queues.q]\naccount = \"a\"\nsubscribe = {{ topic = \"t\", dead_letter = \"d\" }}\n\
         encryption = {{ kms = \"{KEY}\" }}\n[queues.d]\naccount = \"a\"\nencryption = {{ kms = \"alias/dead\" }}\n"
    ));
    let found = handed(&desired, &Keys::new());
    let delivers = r#"{"Action":["kms:Decrypt","kms:GenerateDataKey"],"Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:eu-west-1:222222222222:t"}},"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Resource":"*"}"#;
    let seen: Vec<_> = found
        .iter()
        .map(|(key, why, it)| (key.as_str(), why.as_str(), it.join(" ")))
        .collect();
    assert_eq!(
        seen,
        [
            (
                "arn:aws:kms:eu-west-1:111111111111:alias/dead",
                "so that SNS can deliver to queues.d",
                delivers.to_owned()
            ),
            (
                KEY,
                "so that SNS can deliver to queues.q",
                delivers.to_owned()
            ),
        ]
    );
    let receives = desired.receiving_by_key(&"queues.q".parse().expect("an address"), "It");
    assert_eq!(
        receives[0].to_value().to_string(),
        r#"{"Action":"kms:Decrypt","Effect":"Allow","Resource":"arn:aws:kms:eu-west-1:111111111111:key/k1","Sid":"It"}"#
    );
}

#[test]
fn a_queue_whose_key_is_in_another_account_has_receivers_that_the_key_must_let_in() {
    let desired = wanted(&format!(
        "[queues.q]\naccount = \"b\"\nencryption = {{ kms = \"{KEY}\" }}\n"
    ));
    let found = handed(&desired, &Keys::new());
    assert_eq!(
        found[0].1,
        "so that account 222222222222 can receive from queues.q"
    );
    assert!(
        found[0].2[0].contains(r#""Action":"kms:Decrypt""#),
        "{found:?}"
    );
}

#[test]
fn the_role_of_an_apis_integrations_may_use_the_key_of_the_queue_it_sends_to() {
    let desired = wanted(&format!(
        "[queues.q]\naccount = \"a\"\nencryption = {{ kms = \"{KEY}\" }}\n[apis.x]\naccount = \"a\"\n\
         [apis.x.routes]\n\"POST /a\" = {{ sqs = \"q\" }}\n"
    ));
    assert_eq!(of_role(&desired, "roles.x-integration"), [SENDS]);
}

#[test]
fn a_key_that_aws_manages_is_for_its_own_account_and_needs_no_statement() {
    for key in [
        "alias/aws/sns",
        "arn:aws:kms:eu-west-1:111111111111:alias/aws/sns",
    ] {
        let desired = published(key, "\"roles.near\"", "resource-policy");
        assert_eq!(of_role(&desired, "roles.near"), [""; 0]);
        assert_eq!(handed(&desired, &Keys::new()), []);
    }
    // From another account only an access role can publish, and `auto` makes one.
    let desired = published("alias/aws/sns", "\"roles.far\"", "auto");
    assert!(
        desired
            .wants
            .contains_key(&"roles.t-for-far".parse().expect("an address"))
    );
}

#[test]
fn an_existing_topic_has_the_key_that_aws_has_for_it() {
    let text = "[topics.t]\nexisting = \"arn:aws:sns:eu-west-1:111111111111:t\"\n\
                [[access]]\nfrom = \"roles.near\"\nto = \"topics.t\"\n";
    let stack = parsed(text);
    let desired = lower(&stack).expect("it fits");
    assert_eq!(of_role(&desired, "roles.near"), [""; 0]);
    let address = "topics.t".parse().expect("an address");
    let mut topic = desired.wants[&address].resource.clone();
    if let Resource::Topic(topic) = &mut topic {
        topic.kms_key = KEY.to_owned();
    }
    let have = crate::kinds::Have::of(topic, "t", &crate::model::Tags::new());
    let live = Live {
        have: BTreeMap::from([(address, have)]),
        ..Live::default()
    };
    let desired =
        lower_over(&stack, Some(&live), &std::collections::BTreeSet::new()).expect("it fits");
    assert_eq!(of_role(&desired, "roles.near"), [SENDS]);
}

/// The statements of the declared key's policy, without their `Sid`s.
fn of_key(text: &str) -> Vec<String> {
    let desired = wanted(&format!("[keys.k]\nexisting = \"{KEY}\"\n{text}"));
    let policy = desired.wants[&"keys.k".parse().expect("an address")]
        .resource
        .policy()
        .cloned();
    let policy = policy.expect("a policy");
    let all = policy.statements.into_iter().map(|mut it| {
        it.sid = None;
        Document::of(vec![it]).to_text()
    });
    all.collect()
}

#[test]
fn uses_of_a_declared_key_that_differ_in_one_list_are_one_statement() {
    let found = of_key(
        "[topics.t]\naccount = \"a\"\nkms_key = \"keys.k\"\n[topics.u]\naccount = \"a\"\nkms_key = \"keys.k\"\n\
         [roles.other]\naccount = \"b\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [[access]]\nfrom = [\"roles.far\", \"roles.other\", { account = \"333333333333\" }, { account = \"444444444444\" }]\nto = \"topics.t\"\n\
         [[access]]\nfrom = \"roles.far\"\nto = \"topics.u\"\n",
    );
    assert_eq!(found.len(), 2, "{found:#?}");
    for list in [
        "role/provision/s/far\",\"arn:aws:iam::222222222222:role/provision/s/other\"",
        "s-t-for-333333333333\",\"arn:aws:iam::111111111111:role/provision/s/s-t-for-444444444444\"",
    ] {
        assert!(found.iter().any(|it| it.contains(list)), "{found:#?}");
    }
}

#[test]
fn a_declared_key_of_a_queue_lets_nobody_receive_whom_no_access_lets() {
    let queue = |account: &str| {
        format!(
            "[topics.t]\naccount = \"a\"\n[queues.q]\naccount = \"{account}\"\nsubscribe = \"t\"\nencryption = {{ kms = \"keys.k\" }}\n"
        )
    };
    for account in ["a", "b"] {
        let found = of_key(&queue(account));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("sns.amazonaws.com"), "{found:?}");
        let access = "[[access]]\nfrom = { account = \"a\" }\nto = \"queues.q\"\nallow = \"receive\"\nvia = \"resource-policy\"\n";
        let found = of_key(&format!("{}{access}", queue(account)));
        let root = "arn:aws:iam::111111111111:root";
        assert!(found.iter().any(|it| it.contains(root)), "{found:?}");
    }
}

#[test]
fn eventbridge_names_no_source_to_kms() {
    let from = |service: &str| {
        format!("[[access]]\nfrom = {{ service = \"{service}\", source_account = \"a\" }}\n")
    };
    let topic = "[topics.t]\naccount = \"a\"\nkms_key = \"keys.k\"\n";
    let events = of_key(&format!(
        "{topic}{}to = \"topics.t\"\n",
        from("events.amazonaws.com")
    ));
    assert!(!events[0].contains("Condition"), "{events:?}");
    let alarms = of_key(&format!(
        "{topic}{}to = \"topics.t\"\n",
        from("cloudwatch.amazonaws.com")
    ));
    assert!(alarms[0].contains("aws:SourceAccount"), "{alarms:?}");
    // To a queue it says for which rule it sends.
    let queue = "[queues.q]\naccount = \"a\"\nencryption = { kms = \"keys.k\" }\n";
    let events = of_key(&format!(
        "{queue}{}to = \"queues.q\"\nallow = \"send\"\n",
        from("events.amazonaws.com")
    ));
    assert!(
        events.iter().any(|it| it.contains("aws:SourceAccount")),
        "{events:?}"
    );
}

#[test]
fn who_receives_may_use_the_earlier_keys_of_a_queue() {
    let far =
        "[[access]]\nfrom = \"roles.far\"\nto = \"queues.q\"\nallow = [\"send\", \"receive\"]\n";
    let earlier = format!(
        "[queues.q]\naccount = \"a\"\nencryption = \"off\"\nearlier_keys = [\"{KEY}\", \"alias/old\", \"alias/aws/sqs\"]\n{far}"
    );
    let decrypts = [
        r#"{"Action":"kms:Decrypt","Effect":"Allow","Resource":"arn:aws:kms:eu-west-1:111111111111:key/k1"}"#,
        r#"{"Action":"kms:Decrypt","Condition":{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/old"}},"Effect":"Allow","Resource":"arn:aws:kms:eu-west-1:111111111111:key/*"}"#,
    ];
    let desired = wanted(&earlier);
    assert_eq!(of_role(&desired, "roles.far"), decrypts);
    let assumed = wanted(&format!("{earlier}via = \"assume-role\"\n"));
    assert_eq!(of_role(&assumed, "roles.q-for-far"), decrypts);
    // Who only sends needs none of them.
    let sender = wanted(&earlier.replace(", \"receive\"]", "]"));
    assert_eq!(of_role(&sender, "roles.far"), [""; 0]);
}

#[test]
fn who_takes_dead_letters_may_use_the_keys_of_their_queues() {
    let desired = wanted(&format!(
        "[queues.q]\naccount = \"a\"\nencryption = {{ kms = \"{KEY}\" }}\ndead_letter = \"d\"\n[queues.d]\naccount = \"a\"\n\
         [[access]]\nfrom = \"roles.far\"\nto = \"queues.d\"\nallow = \"receive\"\n"
    ));
    assert_eq!(
        of_role(&desired, "roles.far"),
        [
            r#"{"Action":"kms:Decrypt","Effect":"Allow","Resource":"arn:aws:kms:eu-west-1:111111111111:key/k1"}"#
        ]
    );
    let found = handed(&desired, &Keys::new());
    assert!(
        found[0].1.contains("roles.far can receive from queues.d"),
        "{found:?}"
    );
}

#[test]
fn a_policy_that_lets_in_the_calls_alone_needs_no_statement() {
    let desired = wanted(&format!(
        "[topics.t]\naccount = \"a\"\nkms_key = \"{KEY}\"\n[queues.q]\naccount = \"a\"\nencryption = {{ kms = \"{KEY}\" }}\nsubscribe = \"t\"\n\
         [[access]]\nfrom = \"roles.far\"\nto = \"topics.t\"\nvia = \"resource-policy\"\n"
    ));
    let first = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"}"#;
    let by = |principal: &str, condition: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":["kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*","Condition":{{"StringEquals":{condition}}}}}"#
        )
    };
    let far = r#"{"AWS":"arn:aws:iam::222222222222:root"}"#;
    let sns = r#"{"Service":"sns.amazonaws.com"}"#;
    let why = |statements: &[&str]| {
        let keys = with_policy(KEY, &statements.join(","));
        let found = handed(&desired, &keys);
        found.into_iter().map(|it| it.1).collect::<Vec<_>>()
    };
    let through = by(
        far,
        r#"{"kms:ViaService":["sns.eu-west-1.amazonaws.com","sqs.eu-west-1.amazonaws.com"]}"#,
    );
    let called = by(far, r#"{"kms:CallerAccount":"222222222222"}"#);
    let delivered = by(sns, r#"{"aws:SourceAccount":"111111111111"}"#);
    for lets in [&through, &called] {
        assert_eq!(why(&[first, lets, &delivered]), [""; 0], "{lets}");
    }
    // Through another service, for another account: that is somebody else's call.
    let other = by(far, r#"{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}"#);
    assert_eq!(
        why(&[first, &other, &delivered]),
        ["so that roles.far can publish to topics.t"]
    );
    let other = by(sns, r#"{"aws:SourceAccount":"333333333333"}"#);
    assert_eq!(
        why(&[first, &through, &other]),
        ["so that SNS can deliver to queues.q"]
    );
}
