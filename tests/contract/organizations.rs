//! Organizations: the tree and its policies are read from the management account or a delegated administrator.

use provision::cloud::Fault;
use provision::cloud::organizations::{
    DescribeOrganization, DescribePolicy, ListParents, ListPoliciesForTarget, ListRoots, PolicyType,
};
use serde_json::json;

use crate::World;

crate::scenarios! {
    an_account_of_no_organization_has_none_to_describe,
    the_management_account_sees_the_tree,
    policies_are_listed_where_they_are_attached,
    a_member_sees_the_organization_and_not_its_tree,
    a_delegated_administrator_sees_the_tree,
    what_is_not_in_the_organization_is_missing,
}

const DENY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sns:*","Resource":"*"}]}"#;

/// Puts `a` as the management account and `b` in a unit under the root.
fn put(w: &World<'_>, delegated: bool) {
    let delegated: Vec<&str> = delegated.then_some(w.b.id.as_str()).into_iter().collect();
    (w.put_organization)(&json!({
        "id": "o-a1b2c3d4e5", "management": w.a.id, "root": "r-ab12", "delegated": delegated,
        "enabled": ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"],
        "parents": {w.b.id.as_str(): "ou-ab12-11111111", "ou-ab12-11111111": "r-ab12"},
        "policies": {"p-12345678": {
            "name": "NoTopics", "type": "SERVICE_CONTROL_POLICY", "document": DENY,
            "targets": ["ou-ab12-11111111"],
        }},
        "without_full_access": [w.b.id],
    }));
}

async fn parent(w: &World<'_>, child: &str) -> Vec<String> {
    let ask = |token| ListParents {
        child: child.to_owned(),
        token,
    };
    w.all(&w.a, ask).await
}

/// The policies at a target, each with whether AWS made it.
async fn attached(w: &World<'_>, target: &str, filter: PolicyType) -> Vec<(String, bool)> {
    let ask = |token| ListPoliciesForTarget {
        target: target.to_owned(),
        filter,
        token,
    };
    let found = w.all(&w.a, ask).await.into_iter();
    found.map(|it| (it.name, it.aws_managed)).collect()
}

async fn an_account_of_no_organization_has_none_to_describe(w: &World<'_>) {
    let error = w.send(&w.a, DescribeOrganization).await.expect_err("none");
    assert_eq!(error.fault, Fault::Missing);
    assert_eq!(error.code, "AWSOrganizationsNotInUseException");
}

async fn the_management_account_sees_the_tree(w: &World<'_>) {
    put(w, false);
    let about = w.ok(&w.a, DescribeOrganization).await;
    assert_eq!(about.id, "o-a1b2c3d4e5");
    assert_eq!(about.management, w.a.id.as_str());
    let roots = w.all(&w.a, |token| ListRoots { token }).await;
    assert_eq!(roots[0].id, "r-ab12");
    assert_eq!(roots[0].enabled, PolicyType::ALL);
    assert_eq!(parent(w, w.b.id.as_str()).await, ["ou-ab12-11111111"]);
    assert_eq!(parent(w, "ou-ab12-11111111").await, ["r-ab12"]);
}

async fn policies_are_listed_where_they_are_attached(w: &World<'_>) {
    put(w, false);
    let (scp, rcp) = (
        PolicyType::ServiceControlPolicy,
        PolicyType::ResourceControlPolicy,
    );
    let full = ("FullAWSAccess".to_owned(), true);
    let own = ("NoTopics".to_owned(), false);
    assert_eq!(
        attached(w, "r-ab12", scp).await,
        std::slice::from_ref(&full)
    );
    assert_eq!(attached(w, "ou-ab12-11111111", scp).await, [full, own]);
    assert_eq!(attached(w, w.b.id.as_str(), scp).await, []);
    let full = ("RCPFullAWSAccess".to_owned(), true);
    assert_eq!(attached(w, w.b.id.as_str(), rcp).await, [full]);
    let id = "p-12345678".to_owned();
    assert_eq!(w.ok(&w.a, DescribePolicy { id }).await, DENY);
}

async fn a_member_sees_the_organization_and_not_its_tree(w: &World<'_>) {
    put(w, false);
    assert_eq!(w.ok(&w.b, DescribeOrganization).await.id, "o-a1b2c3d4e5");
    w.refused(&w.b, Fault::Denied, ListRoots { token: None })
        .await;
    let child = w.b.id.to_string();
    let call = ListParents { child, token: None };
    w.refused(&w.b, Fault::Denied, call).await;
}

async fn a_delegated_administrator_sees_the_tree(w: &World<'_>) {
    put(w, true);
    let call = ListRoots { token: None };
    assert_eq!(w.ok(&w.b, call).await.items[0].id, "r-ab12");
}

async fn what_is_not_in_the_organization_is_missing(w: &World<'_>) {
    put(w, false);
    let call = ListParents {
        child: "999999999999".to_owned(),
        token: None,
    };
    let error = w.send(&w.a, call).await.expect_err("another account");
    assert_eq!(error.code, "ChildNotFoundException");
    let call = ListPoliciesForTarget {
        target: "ou-ab12-99999999".to_owned(),
        filter: PolicyType::ServiceControlPolicy,
        token: None,
    };
    w.refused(&w.a, Fault::Missing, call).await;
    let id = "p-99999999".to_owned();
    w.refused(&w.a, Fault::Missing, DescribePolicy { id }).await;
}
