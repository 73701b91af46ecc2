//! KMS keys: their policies are read and replaced, by the key's ARN.

use provision::cloud::Fault;
use provision::cloud::iam::{CreateRole, DeleteRole};
use provision::cloud::kms::{DescribeKey, GetKeyPolicy, PutKeyPolicy};
use provision::model::Arn;
use provision::policy::Document;

use crate::adoption::apply;
use crate::iam::trust_of;
use crate::world::{drift, plan, spoken, wanted};
use crate::{World, map};

crate::scenarios! {
    a_keys_policy_is_read_by_its_arn,
    an_alias_stands_for_a_key_and_has_no_policy,
    a_key_that_is_not_there_is_missing,
    a_keys_policy_is_replaced_whole,
    a_policy_that_kms_does_not_take_leaves_the_old_one,
    a_principal_that_does_not_exist_is_refused_and_one_that_is_deleted_shows_as_its_id,
    a_declared_keys_policy_reads_back_as_the_stack_says,
}

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Owner","Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}]}"#;

async fn a_keys_policy_is_read_by_its_arn(w: &World<'_>) {
    let key = w.key(&w.a, "alias/read", POLICY);
    let text = w.ok(&w.a, GetKeyPolicy { key }).await;
    let sent = Document::parse(POLICY).expect("a policy");
    assert_eq!(Document::parse(&text).expect("a policy"), sent);
}

async fn an_alias_stands_for_a_key_and_has_no_policy(w: &World<'_>) {
    let key = w.key(&w.a, "alias/named", POLICY);
    let alias = Arn::regional(&w.a, "kms", "alias/named").to_string();
    let found = w.ok(&w.a, DescribeKey { key: alias.clone() }).await;
    assert_eq!(found, key);
    w.refused(&w.a, Fault::Missing, GetKeyPolicy { key: alias })
        .await;
}

async fn a_key_that_is_not_there_is_missing(w: &World<'_>) {
    let of = |resource: &str| Arn::regional(&w.a, "kms", resource).to_string();
    let key = of("key/11111111-2222-3333-4444-555555555555");
    w.refused(&w.a, Fault::Missing, GetKeyPolicy { key }).await;
    let key = of("alias/nothing");
    w.refused(&w.a, Fault::Missing, DescribeKey { key }).await;
}

/// The policy with another statement.
fn with(statement: &serde_json::Value) -> String {
    let mut policy = crate::json(POLICY);
    let all = policy["Statement"].as_array_mut().expect("statements");
    all.push(statement.clone());
    policy.to_string()
}

fn let_in(who: &str) -> serde_json::Value {
    serde_json::json!({
        "Sid": "More", "Effect": "Allow", "Principal": { "AWS": who }, "Action": "kms:Decrypt", "Resource": "*",
    })
}

async fn put(w: &World<'_>, key: &str, policy: String) {
    let key = key.to_owned();
    w.ok(&w.a, PutKeyPolicy { key, policy }).await;
}

async fn policy_of(w: &World<'_>, key: &str) -> Document {
    let key = key.to_owned();
    let text = w.ok(&w.a, GetKeyPolicy { key }).await;
    Document::parse(&text).expect("a policy")
}

async fn a_keys_policy_is_replaced_whole(w: &World<'_>) {
    let key = w.key(&w.a, "alias/replaced", POLICY);
    put(w, &key, with(&let_in(w.b.id.as_str()))).await;
    assert_eq!(policy_of(w, &key).await.statements.len(), 2);
    put(w, &key, POLICY.to_owned()).await;
    assert_eq!(
        policy_of(w, &key).await,
        Document::parse(POLICY).expect("a policy")
    );
    let key = Arn::regional(&w.a, "kms", "alias/replaced").to_string();
    let policy = POLICY.to_owned();
    w.refused(&w.a, Fault::Missing, PutKeyPolicy { key, policy })
        .await;
}

async fn a_policy_that_kms_does_not_take_leaves_the_old_one(w: &World<'_>) {
    let key = w.key(&w.a, "alias/refusing", POLICY);
    let of = |who: &str, action: &str| {
        let statement = serde_json::json!({
            "Effect": "Allow", "Principal": { "AWS": who }, "Action": action, "Resource": "*",
        });
        serde_json::json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
    };
    let mut long = let_in("*");
    long["Condition"] =
        serde_json::json!({ "StringLike": { "aws:PrincipalArn": "x".repeat(32 * 1024) } });
    for policy in [
        // Nobody could put the policy again.
        of(&format!("arn:aws:iam::{}:root", w.a.id), "kms:Decrypt"),
        of(&format!("arn:aws:iam::{}:root", w.b.id), "kms:*"),
        with(&long),
        with(&serde_json::json!({ "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*" })),
        "{".to_owned(),
    ] {
        let key = key.clone();
        w.refused(&w.a, Fault::Invalid, PutKeyPolicy { key, policy })
            .await;
    }
    assert_eq!(
        policy_of(w, &key).await,
        Document::parse(POLICY).expect("a policy")
    );
}

async fn a_principal_that_does_not_exist_is_refused_and_one_that_is_deleted_shows_as_its_id(
    w: &World<'_>,
) {
    let key = w.key(&w.a, "alias/named-role", POLICY);
    let role = CreateRole {
        name: "key-user".to_owned(),
        path: "/".to_owned(),
        trust: trust_of(&serde_json::json!({ "Service": "ec2.amazonaws.com" })),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: map([]),
    };
    let policy = with(&let_in(&format!("arn:aws:iam::{}:role/key-user", w.a.id)));
    let call = PutKeyPolicy {
        key: key.clone(),
        policy: policy.clone(),
    };
    w.refused(&w.a, Fault::Unsettled, call).await;
    let made = w.ok(&w.a, role).await;
    w.settle().await;
    put(w, &key, policy).await;
    let name = "key-user".to_owned();
    w.ok(&w.a, DeleteRole { name }).await;
    let policy = policy_of(w, &key).await.to_text();
    assert!(policy.contains(&made.id), "{policy}");
}

async fn a_declared_keys_policy_reads_back_as_the_stack_says(w: &World<'_>) {
    let root = format!(r#"{{"AWS":"arn:aws:iam::{}:root"}}"#, w.a.id);
    let first = POLICY.replace(r#"{"AWS":"*"}"#, &root);
    let key = w.key(&w.a, "alias/declared", &first);
    let text = format!(
        "[stack]\nname = \"keys\"\nregion = \"{}\"\n[accounts.a]\nid = \"{}\"\n[accounts.b]\nid = \"{}\"\n\
         [keys.k]\nexisting = \"{key}\"\n[topics.t]\naccount = \"a\"\nkms_key = \"keys.k\"\n\
         [queues.q]\naccount = \"a\"\nsubscribe = \"t\"\nencryption = {{ kms = \"keys.k\" }}\n\
         [roles.r]\naccount = \"b\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [[access]]\nfrom = \"roles.r\"\nto = \"topics.t\"\n\
         [[access]]\nfrom = {{ service = \"s3.amazonaws.com\", source = \"arn:aws:s3:::uploads\", source_account = \"a\" }}\nto = \"queues.q\"\nallow = \"send\"\n",
        w.a.region, w.a.id, w.b.id
    );
    let desired = wanted(&[&text]);
    apply(w.cloud, &desired, &[]).await;
    let again = plan(&desired, w.cloud).await;
    assert_eq!((spoken(&again), again.refusals), (vec![], vec![]));
    assert_eq!(drift(&desired, w.cloud).await.findings, []);
    let there = policy_of(w, &key).await;
    let owners = Document::parse(&first).expect("a policy");
    assert_eq!(there.statements[..1], owners.statements[..]);
    assert!(there.statements.len() > 3, "{}", there.to_text());
}
