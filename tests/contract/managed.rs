//! Managed policies.

use provision::cloud::Fault;
use provision::cloud::iam::*;
use provision::model::{Arn, Place};
use provision::policy::Document;
use serde_json::json;

use crate::iam::{role, trust_of};
use crate::{World, map};

crate::scenarios! {
    a_policy_reads_back_with_its_versions,
    a_policys_name_is_taken_whatever_its_path,
    a_policy_has_five_versions_and_the_one_in_force_stays,
    any_version_can_be_put_in_force,
    a_policy_is_deleted_once_it_is_detached_and_has_one_version,
    a_managed_policy_has_its_limit,
    a_policy_that_is_not_there_is_missing,
    the_version_in_force_is_read_by_itself,
    a_policy_of_awss_own_is_read_like_any_other,
}

const PATH: &str = "/provision/shop/";

fn allowing(action: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": [action], "Resource": "*" }],
    })
    .to_string()
}

fn policy(name: &str) -> CreatePolicy {
    CreatePolicy {
        name: name.to_owned(),
        path: PATH.to_owned(),
        document: allowing("sns:Publish"),
        description: "What checkout may do".to_owned(),
    }
}

fn version(arn: &str, action: &str) -> CreatePolicyVersion {
    CreatePolicyVersion {
        arn: arn.to_owned(),
        document: allowing(action),
    }
}

fn lambda() -> String {
    trust_of(&json!({ "Service": "lambda.amazonaws.com" }))
}

async fn details(w: &World<'_>, at: &Place, name: &str) -> Option<PolicyDetail> {
    let all = w
        .all(at, |marker| GetAccountAuthorizationDetails { marker })
        .await;
    let mut found = all.into_iter().filter_map(AccountDetail::policy);
    found.find(|it| it.name == name)
}

/// The document that is in force.
fn in_force(detail: &PolicyDetail) -> Document {
    let mut versions = detail.versions.iter();
    let version = versions.find(|it| it.id == detail.default_version);
    let version = version.expect("the default is among the versions");
    Document::parse_encoded(&version.document).expect("a document")
}

async fn a_policy_reads_back_with_its_versions(w: &World<'_>) {
    let arn = w.ok(&w.a, policy("reads-back")).await;
    assert_eq!(arn, Arn::policy(&w.a, PATH, "reads-back").as_str());
    let found = details(w, &w.a, "reads-back").await.expect("the policy");
    assert_eq!((found.path.as_str(), &found.arn), (PATH, &arn));
    assert_eq!(
        (found.default_version.as_str(), found.versions.len()),
        ("v1", 1)
    );
    assert_eq!(found.attachments, 0);
    let text = &found.versions[0].document;
    assert!(text.starts_with("%7B"), "URL-encoded: {text}");
    assert_eq!(
        Ok(in_force(&found)),
        Document::parse(&allowing("sns:Publish"))
    );

    w.ok(&w.a, role("reader", lambda())).await;
    let attach = AttachRolePolicy {
        name: "reader".to_owned(),
        policy: arn.clone(),
    };
    w.ok(&w.a, attach).await;
    let made = w.ok(&w.a, version(&arn, "sqs:SendMessage")).await;
    assert_eq!(made, "v2");
    let found = details(w, &w.a, "reads-back").await.expect("the policy");
    assert_eq!(
        (found.default_version.as_str(), found.versions.len()),
        ("v2", 2)
    );
    assert_eq!(found.attachments, 1);
    assert_eq!(
        Ok(in_force(&found)),
        Document::parse(&allowing("sqs:SendMessage"))
    );
    assert!(details(w, &w.b, "reads-back").await.is_none());
}

async fn read(w: &World<'_>, at: &Place, arn: &str) -> Document {
    let arn = arn.to_owned();
    let version = w.ok(at, GetPolicy { arn: arn.clone() }).await;
    let text = w.ok(at, GetPolicyVersion { arn, version }).await;
    assert!(text.starts_with("%7B"), "URL-encoded: {text}");
    Document::parse_encoded(&text).expect("a document")
}

async fn the_version_in_force_is_read_by_itself(w: &World<'_>) {
    let arn = w.ok(&w.a, policy("alone")).await;
    assert_eq!(
        Ok(read(w, &w.a, &arn).await),
        Document::parse(&allowing("sns:Publish"))
    );
    w.ok(&w.a, version(&arn, "sqs:SendMessage")).await;
    assert_eq!(
        Ok(read(w, &w.a, &arn).await),
        Document::parse(&allowing("sqs:SendMessage"))
    );
    let older = GetPolicyVersion {
        arn: arn.clone(),
        version: "v1".to_owned(),
    };
    let text = w.ok(&w.a, older).await;
    assert_eq!(
        Document::parse_encoded(&text),
        Document::parse(&allowing("sns:Publish"))
    );
    let none = GetPolicyVersion {
        arn: arn.clone(),
        version: "v3".to_owned(),
    };
    w.refused(&w.a, Fault::Missing, none).await;
    let arn = Arn::policy(&w.a, PATH, "nobody").to_string();
    w.refused(&w.a, Fault::Missing, GetPolicy { arn }).await;
}

async fn a_policy_of_awss_own_is_read_like_any_other(w: &World<'_>) {
    let all = Document::parse(
        &json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }],
        })
        .to_string(),
    );
    let arn = "arn:aws:iam::aws:policy/AdministratorAccess";
    assert_eq!(Ok(read(w, &w.a, arn).await), all);
    assert_eq!(Ok(read(w, &w.b, arn).await), all);
}

async fn a_policys_name_is_taken_whatever_its_path(w: &World<'_>) {
    w.ok(&w.a, policy("taken")).await;
    w.refused(&w.a, Fault::Exists, policy("taken")).await;
    w.ok(&w.b, policy("taken")).await;
}

async fn a_policy_has_five_versions_and_the_one_in_force_stays(w: &World<'_>) {
    let arn = w.ok(&w.a, policy("versions")).await;
    for _ in 0..4 {
        w.ok(&w.a, version(&arn, "sns:Publish")).await;
    }
    w.refused(&w.a, Fault::Quota, version(&arn, "sqs:SendMessage"))
        .await;
    let delete = |version: &str| DeletePolicyVersion {
        arn: arn.clone(),
        version: version.to_owned(),
    };
    w.refused(&w.a, Fault::Conflict, delete("v5")).await;
    w.ok(&w.a, delete("v1")).await;
    w.refused(&w.a, Fault::Missing, delete("v1")).await;
    // A number is not given out twice.
    assert_eq!(w.ok(&w.a, version(&arn, "sqs:SendMessage")).await, "v6");
}

async fn any_version_can_be_put_in_force(w: &World<'_>) {
    let arn = w.ok(&w.a, policy("back")).await;
    w.ok(&w.a, version(&arn, "sqs:SendMessage")).await;
    let set = |version: &str| SetDefaultPolicyVersion {
        arn: arn.clone(),
        version: version.to_owned(),
    };
    w.ok(&w.a, set("v1")).await;
    let found = details(w, &w.a, "back").await.expect("the policy");
    assert_eq!(found.default_version, "v1");
    assert_eq!(
        Ok(in_force(&found)),
        Document::parse(&allowing("sns:Publish"))
    );
    w.refused(&w.a, Fault::Missing, set("v7")).await;
}

async fn a_policy_is_deleted_once_it_is_detached_and_has_one_version(w: &World<'_>) {
    let arn = w.ok(&w.a, policy("going")).await;
    w.ok(&w.a, role("holder", lambda())).await;
    let attach = AttachRolePolicy {
        name: "holder".to_owned(),
        policy: arn.clone(),
    };
    w.ok(&w.a, attach.clone()).await;
    w.ok(&w.a, version(&arn, "sqs:SendMessage")).await;
    let delete = || DeletePolicy { arn: arn.clone() };
    w.refused(&w.a, Fault::Conflict, delete()).await;
    let detach = DetachRolePolicy {
        name: "holder".to_owned(),
        policy: arn.clone(),
    };
    w.ok(&w.a, detach).await;
    w.refused(&w.a, Fault::Conflict, delete()).await;
    let old = DeletePolicyVersion {
        arn: arn.clone(),
        version: "v1".to_owned(),
    };
    w.ok(&w.a, old).await;
    w.ok(&w.a, delete()).await;
    w.refused(&w.a, Fault::Missing, delete()).await;
    w.refused(&w.a, Fault::Missing, attach).await;
    assert!(details(w, &w.a, "going").await.is_none());
    w.ok(&w.a, policy("going")).await;
}

async fn a_managed_policy_has_its_limit(w: &World<'_>) {
    let long = |length: usize| {
        let topic = format!("arn:aws:sns:eu-west-1:111111111111:{}", "x".repeat(length));
        allowing("sns:Publish").replace("\"*\"", &format!("\"{topic}\""))
    };
    let empty = long(0).len();
    let of = |length: usize| CreatePolicy {
        // White space does not count.
        document: long(length - empty).replace(',', &format!(",{}", " ".repeat(1000))),
        ..policy("limits")
    };
    w.refused(&w.a, Fault::Quota, of(6145)).await;
    let arn = w.ok(&w.a, of(6144)).await;
    let more = |length| CreatePolicyVersion {
        arn: arn.clone(),
        document: of(length).document,
    };
    w.refused(&w.a, Fault::Quota, more(6145)).await;
    let wrong = CreatePolicyVersion {
        arn: arn.clone(),
        document: lambda(),
    };
    w.refused(&w.a, Fault::Invalid, wrong).await;
    w.ok(&w.a, more(6144)).await;
}

async fn a_policy_that_is_not_there_is_missing(w: &World<'_>) {
    let arn = Arn::policy(&w.a, PATH, "absent").to_string();
    w.refused(&w.a, Fault::Missing, version(&arn, "sns:Publish"))
        .await;
    let delete = DeletePolicy { arn: arn.clone() };
    w.refused(&w.a, Fault::Missing, delete).await;
    w.ok(
        &w.a,
        CreateRole {
            tags: map([("team", "shop")]),
            ..role("lonely", lambda())
        },
    )
    .await;
    let attach = AttachRolePolicy {
        name: "lonely".to_owned(),
        policy: arn,
    };
    w.refused(&w.a, Fault::Missing, attach).await;
}
