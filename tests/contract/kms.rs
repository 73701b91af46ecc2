//! KMS keys: their policies are read, by the key's ARN.

use provision::cloud::Fault;
use provision::cloud::kms::{DescribeKey, GetKeyPolicy};
use provision::model::Arn;
use provision::policy::Document;

use crate::World;

crate::scenarios! {
    a_keys_policy_is_read_by_its_arn,
    an_alias_stands_for_a_key_and_has_no_policy,
    a_key_that_is_not_there_is_missing,
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
