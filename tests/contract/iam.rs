//! Roles.

use provision::cloud::Fault;
use provision::cloud::iam::*;
use provision::model::{Arn, Place};
use provision::policy::Document;
use serde_json::json;

use crate::{World, map};

crate::scenarios! {
    a_role_reads_back_with_every_field,
    a_role_without_description_has_none,
    listing_shows_the_roles_below_a_path,
    a_name_is_taken_whatever_its_case_and_path,
    a_trust_policy_cannot_name_a_role_that_is_not_there,
    a_deleted_principal_reads_back_as_its_id_until_its_arn_is_sent_again,
    an_account_as_principal_reads_back_as_its_root,
    description_and_session_length_change_together,
    an_inline_policy_is_put_over_the_old_one,
    attaching_twice_is_no_error_and_detaching_twice_is,
    a_role_with_policies_cannot_be_deleted,
    tags_are_added_replaced_and_removed,
    a_boundary_is_set_and_removed,
    documents_have_their_limits,
    documents_that_are_wrong_are_refused,
    a_role_that_is_not_there_is_missing,
    an_account_tells_what_it_allows_of_roles,
}

/// A policy of AWS's own that every account can attach.
const MANAGED: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

pub(crate) fn trust_of(principal: &serde_json::Value) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": principal,
            "Action": "sts:AssumeRole",
        }],
    })
    .to_string()
}

fn lambda() -> String {
    trust_of(&json!({ "Service": "lambda.amazonaws.com" }))
}

fn allowing(action: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": [action], "Resource": "*" }],
    })
    .to_string()
}

pub(crate) fn role(name: &str, trust: String) -> CreateRole {
    CreateRole {
        name: name.to_owned(),
        path: "/".to_owned(),
        trust,
        description: None,
        max_session: 3600,
        boundary: None,
        tags: map([]),
    }
}

async fn details(w: &World<'_>, at: &Place, name: &str) -> RoleDetail {
    let all = w
        .all(at, |marker| GetAccountAuthorizationDetails { marker })
        .await;
    let roles = all.into_iter().filter_map(AccountDetail::role);
    let mut found = roles.filter(|it| it.name == name);
    found.next().expect("the role is among the details")
}

async fn listed(w: &World<'_>, at: &Place, path: &str) -> Vec<RoleListing> {
    w.all(at, |marker| ListRoles {
        path_prefix: path.to_owned(),
        marker,
    })
    .await
}

/// The AWS principals of a trust policy as it reads back.
async fn trusted(w: &World<'_>, at: &Place, name: &str) -> Vec<String> {
    let trust = details(w, at, name).await.trust;
    let document = Document::parse_encoded(&trust).expect("a document");
    let principal = document.statements[0].principal.as_ref();
    principal.expect("a principal").aws_values().to_vec()
}

async fn a_role_reads_back_with_every_field(w: &World<'_>) {
    let made = w
        .ok(
            &w.a,
            CreateRole {
                path: "/provision/shop/".to_owned(),
                description: Some("checks out".to_owned()),
                max_session: 7200,
                boundary: Some(MANAGED.to_owned()),
                tags: map([("team", "shop"), ("provision:stack", "shop")]),
                ..role("checkout", lambda())
            },
        )
        .await;
    let arn = Arn::role(&w.a, "/provision/shop/", "checkout");
    assert_eq!(made.arn, arn.as_str());
    assert!(made.id.starts_with("AROA"), "{}", made.id);
    w.ok(
        &w.a,
        PutRolePolicy {
            name: "checkout".to_owned(),
            policy: "access".to_owned(),
            document: allowing("sns:Publish"),
        },
    )
    .await;
    w.ok(
        &w.a,
        AttachRolePolicy {
            name: "checkout".to_owned(),
            policy: MANAGED.to_owned(),
        },
    )
    .await;

    let role = details(w, &w.a, "checkout").await;
    assert_eq!(role.path, "/provision/shop/");
    assert_eq!(role.arn, made.arn);
    assert_eq!(role.id, made.id);
    assert!(role.created > 0);
    assert!(role.trust.starts_with("%7B"), "URL-encoded: {}", role.trust);
    assert_eq!(
        Document::parse_encoded(&role.trust),
        Document::parse(&lambda())
    );
    assert_eq!(role.inline.len(), 1);
    assert_eq!(
        Document::parse_encoded(&role.inline["access"]),
        Document::parse(&allowing("sns:Publish"))
    );
    assert_eq!(role.attached, [MANAGED]);
    assert_eq!(role.boundary.as_deref(), Some(MANAGED));
    assert_eq!(
        role.tags,
        map([("team", "shop"), ("provision:stack", "shop")])
    );
    assert!(role.instance_profiles.is_empty());

    let listing = &listed(w, &w.a, "/provision/shop/").await[0];
    assert_eq!(listing.name, "checkout");
    assert_eq!(listing.description.as_deref(), Some("checks out"));
    assert_eq!(listing.max_session, 7200);
}

async fn a_role_without_description_has_none(w: &World<'_>) {
    w.ok(&w.a, role("plain", lambda())).await;
    let listing = &listed(w, &w.a, "/").await[0];
    assert_eq!(listing.description, None);
    assert_eq!(listing.max_session, 3600);
    let role = details(w, &w.a, "plain").await;
    assert_eq!(role.boundary, None);
    assert!(role.tags.is_empty() && role.inline.is_empty() && role.attached.is_empty());
}

async fn listing_shows_the_roles_below_a_path(w: &World<'_>) {
    for (name, path) in [
        ("one", "/provision/shop/"),
        ("two", "/provision/shop/deep/"),
        ("three", "/provision/other/"),
        ("four", "/"),
    ] {
        let path = path.to_owned();
        w.ok(
            &w.a,
            CreateRole {
                path,
                ..role(name, lambda())
            },
        )
        .await;
    }
    let mut names: Vec<String> = listed(w, &w.a, "/provision/shop/")
        .await
        .into_iter()
        .map(|it| it.name)
        .collect();
    names.sort();
    assert_eq!(names, ["one", "two"]);
    assert!(listed(w, &w.b, "/").await.is_empty());
}

async fn a_name_is_taken_whatever_its_case_and_path(w: &World<'_>) {
    w.ok(&w.a, role("taken", lambda())).await;
    w.refused(&w.a, Fault::Exists, role("taken", lambda()))
        .await;
    w.refused(&w.a, Fault::Exists, role("Taken", lambda()))
        .await;
    w.refused(
        &w.a,
        Fault::Exists,
        CreateRole {
            path: "/elsewhere/".to_owned(),
            ..role("taken", lambda())
        },
    )
    .await;
    w.ok(&w.b, role("taken", lambda())).await;
}

async fn a_trust_policy_cannot_name_a_role_that_is_not_there(w: &World<'_>) {
    let absent = trust_of(&json!({ "AWS": Arn::role(&w.b, "/", "absent").as_str() }));
    w.refused(&w.a, Fault::Unsettled, role("waiting", absent.clone()))
        .await;
    assert!(listed(w, &w.a, "/").await.is_empty());

    w.ok(&w.a, role("waiting", lambda())).await;
    w.refused(
        &w.a,
        Fault::Unsettled,
        UpdateAssumeRolePolicy {
            name: "waiting".to_owned(),
            document: absent.clone(),
        },
    )
    .await;
    // The path is part of the ARN.
    w.ok(
        &w.b,
        CreateRole {
            path: "/deep/".to_owned(),
            ..role("absent", lambda())
        },
    )
    .await;
    w.settle().await;
    let update = UpdateAssumeRolePolicy {
        name: "waiting".to_owned(),
        document: absent,
    };
    w.refused(&w.a, Fault::Unsettled, update).await;
    let arn = Arn::role(&w.b, "/deep/", "absent");
    w.ok(
        &w.a,
        UpdateAssumeRolePolicy {
            name: "waiting".to_owned(),
            document: trust_of(&json!({ "AWS": arn.as_str() })),
        },
    )
    .await;
    assert_eq!(trusted(w, &w.a, "waiting").await, [arn.as_str()]);
}

async fn a_deleted_principal_reads_back_as_its_id_until_its_arn_is_sent_again(w: &World<'_>) {
    let first = w.ok(&w.a, role("caller", lambda())).await;
    w.settle().await;
    let trust = trust_of(&json!({ "AWS": first.arn }));
    w.ok(&w.b, role("access", trust.clone())).await;
    assert_eq!(trusted(w, &w.b, "access").await, [first.arn.as_str()]);

    let name = "caller".to_owned();
    w.ok(&w.a, DeleteRole { name }).await;
    assert_eq!(trusted(w, &w.b, "access").await, [first.id.as_str()]);

    let second = w.ok(&w.a, role("caller", lambda())).await;
    assert_eq!(second.arn, first.arn);
    assert_ne!(second.id, first.id);
    w.settle().await;
    assert_eq!(trusted(w, &w.b, "access").await, [first.id.as_str()]);

    w.ok(
        &w.b,
        UpdateAssumeRolePolicy {
            name: "access".to_owned(),
            document: trust,
        },
    )
    .await;
    assert_eq!(trusted(w, &w.b, "access").await, [second.arn.as_str()]);
}

async fn an_account_as_principal_reads_back_as_its_root(w: &World<'_>) {
    let trust = trust_of(&json!({ "AWS": w.b.id.as_str() }));
    w.ok(&w.a, role("open", trust)).await;
    let root = Arn::root("aws", &w.b.id);
    assert_eq!(trusted(w, &w.a, "open").await, [root.as_str()]);
}

async fn description_and_session_length_change_together(w: &World<'_>) {
    w.ok(&w.a, role("changing", lambda())).await;
    let update = |description: &str, max_session| UpdateRole {
        name: "changing".to_owned(),
        description: description.to_owned(),
        max_session,
    };
    w.ok(&w.a, update("says more", 10800)).await;
    let listing = listed(w, &w.a, "/").await.remove(0);
    assert_eq!(listing.description.as_deref(), Some("says more"));
    assert_eq!(listing.max_session, 10800);

    w.ok(&w.a, update("", 3600)).await;
    let listing = listed(w, &w.a, "/").await.remove(0);
    assert_eq!(listing.description.unwrap_or_default(), "");
    assert_eq!(listing.max_session, 3600);
    w.refused(&w.a, Fault::Invalid, update("", 60)).await;
}

async fn an_inline_policy_is_put_over_the_old_one(w: &World<'_>) {
    w.ok(&w.a, role("inline", lambda())).await;
    for action in ["sns:Publish", "sqs:SendMessage"] {
        let put = PutRolePolicy {
            name: "inline".to_owned(),
            policy: "access".to_owned(),
            document: allowing(action),
        };
        w.ok(&w.a, put).await;
    }
    let inline = details(w, &w.a, "inline").await.inline;
    assert_eq!(inline.len(), 1);
    assert_eq!(
        Document::parse_encoded(&inline["access"]),
        Document::parse(&allowing("sqs:SendMessage"))
    );
    let delete = DeleteRolePolicy {
        name: "inline".to_owned(),
        policy: "access".to_owned(),
    };
    w.ok(&w.a, delete.clone()).await;
    assert!(details(w, &w.a, "inline").await.inline.is_empty());
    w.refused(&w.a, Fault::Missing, delete).await;
}

async fn attaching_twice_is_no_error_and_detaching_twice_is(w: &World<'_>) {
    w.ok(&w.a, role("attached", lambda())).await;
    let attach = |policy: &str| AttachRolePolicy {
        name: "attached".to_owned(),
        policy: policy.to_owned(),
    };
    w.ok(&w.a, attach(MANAGED)).await;
    w.ok(&w.a, attach(MANAGED)).await;
    assert_eq!(details(w, &w.a, "attached").await.attached, [MANAGED]);
    let detach = DetachRolePolicy {
        name: "attached".to_owned(),
        policy: MANAGED.to_owned(),
    };
    w.ok(&w.a, detach.clone()).await;
    w.refused(&w.a, Fault::Missing, detach).await;
}

async fn a_role_with_policies_cannot_be_deleted(w: &World<'_>) {
    w.ok(&w.a, role("held", lambda())).await;
    let delete = || DeleteRole {
        name: "held".to_owned(),
    };
    w.ok(
        &w.a,
        PutRolePolicy {
            name: "held".to_owned(),
            policy: "access".to_owned(),
            document: allowing("sns:Publish"),
        },
    )
    .await;
    w.refused(&w.a, Fault::Conflict, delete()).await;
    w.ok(
        &w.a,
        DeleteRolePolicy {
            name: "held".to_owned(),
            policy: "access".to_owned(),
        },
    )
    .await;
    w.ok(
        &w.a,
        AttachRolePolicy {
            name: "held".to_owned(),
            policy: MANAGED.to_owned(),
        },
    )
    .await;
    w.refused(&w.a, Fault::Conflict, delete()).await;
    w.ok(
        &w.a,
        DetachRolePolicy {
            name: "held".to_owned(),
            policy: MANAGED.to_owned(),
        },
    )
    .await;
    w.ok(&w.a, delete()).await;
    w.refused(&w.a, Fault::Missing, delete()).await;
}

async fn tags_are_added_replaced_and_removed(w: &World<'_>) {
    w.ok(
        &w.a,
        CreateRole {
            tags: map([("kept", "1"), ("changed", "1"), ("gone", "1")]),
            ..role("tagged", lambda())
        },
    )
    .await;
    w.ok(
        &w.a,
        TagRole {
            name: "tagged".to_owned(),
            tags: map([("changed", "2"), ("new", "")]),
        },
    )
    .await;
    w.ok(
        &w.a,
        UntagRole {
            name: "tagged".to_owned(),
            keys: vec!["gone".to_owned(), "never".to_owned()],
        },
    )
    .await;
    assert_eq!(
        details(w, &w.a, "tagged").await.tags,
        map([("kept", "1"), ("changed", "2"), ("new", "")])
    );
}

async fn a_boundary_is_set_and_removed(w: &World<'_>) {
    w.ok(&w.a, role("bounded", lambda())).await;
    w.ok(
        &w.a,
        PutRolePermissionsBoundary {
            name: "bounded".to_owned(),
            boundary: MANAGED.to_owned(),
        },
    )
    .await;
    let boundary = details(w, &w.a, "bounded").await.boundary;
    assert_eq!(boundary.as_deref(), Some(MANAGED));
    let delete = DeleteRolePermissionsBoundary {
        name: "bounded".to_owned(),
    };
    w.ok(&w.a, delete.clone()).await;
    assert_eq!(details(w, &w.a, "bounded").await.boundary, None);
    // A boundary does not hold a role back from being deleted.
    let name = "bounded".to_owned();
    w.ok(&w.a, DeleteRole { name }).await;
}

async fn documents_have_their_limits(w: &World<'_>) {
    // White space does not count.
    let pad = |document: String| document.replace(',', &format!(",{}", " ".repeat(1000)));
    w.ok(&w.a, role("limits", pad(lambda()))).await;
    let long = |length: usize| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Action": "sns:Publish",
                "Resource": format!("arn:aws:sns:eu-west-1:111111111111:{}", "x".repeat(length)),
            }],
        })
        .to_string()
    };
    let put = |policy: &str, length| PutRolePolicy {
        name: "limits".to_owned(),
        policy: policy.to_owned(),
        document: long(length),
    };
    w.ok(&w.a, put("one", 6000)).await;
    w.refused(&w.a, Fault::Quota, put("two", 6000)).await;
    w.ok(&w.a, put("one", 6001)).await;

    let services: Vec<String> = (0..60)
        .map(|it| format!("service-number-{it}.amazonaws.com"))
        .collect();
    let update = UpdateAssumeRolePolicy {
        name: "limits".to_owned(),
        document: trust_of(&json!({ "Service": services })),
    };
    w.refused(&w.a, Fault::Quota, update).await;
}

async fn documents_that_are_wrong_are_refused(w: &World<'_>) {
    w.refused(&w.a, Fault::Invalid, role("wrong", "{".to_owned()))
        .await;
    let with_resource = allowing("sts:AssumeRole");
    w.refused(&w.a, Fault::Invalid, role("wrong", with_resource))
        .await;
    w.ok(&w.a, role("wrong", lambda())).await;
    let put = PutRolePolicy {
        name: "wrong".to_owned(),
        policy: "access".to_owned(),
        document: lambda(),
    };
    w.refused(&w.a, Fault::Invalid, put).await;
}

async fn a_role_that_is_not_there_is_missing(w: &World<'_>) {
    let name = || "absent".to_owned();
    w.refused(&w.a, Fault::Missing, DeleteRole { name: name() })
        .await;
    let update = UpdateAssumeRolePolicy {
        name: name(),
        document: lambda(),
    };
    w.refused(&w.a, Fault::Missing, update).await;
    let put = PutRolePolicy {
        name: name(),
        policy: "access".to_owned(),
        document: allowing("sns:Publish"),
    };
    w.refused(&w.a, Fault::Missing, put).await;
    let tag = TagRole {
        name: name(),
        tags: map([("a", "b")]),
    };
    w.refused(&w.a, Fault::Missing, tag).await;
}

async fn an_account_tells_what_it_allows_of_roles(w: &World<'_>) {
    let summary = w.ok(&w.a, GetAccountSummary).await;
    for (name, least) in [
        ("AssumeRolePolicySizeQuota", 2048),
        ("AttachedPoliciesPerRoleQuota", 10),
    ] {
        let quota = summary.get(name).copied().unwrap_or_default();
        assert!(quota >= least, "{name}: {quota}");
    }
}
