//! Roles.

use super::*;
use crate::cloud::iam::{
    AttachRolePolicy, DeleteRole, DeleteRolePermissionsBoundary, DeleteRolePolicy,
    DetachRolePolicy, ListRoles, PutRolePermissionsBoundary, PutRolePolicy, TagRole, UntagRole,
    UpdateAssumeRolePolicy, UpdateRole,
};

fn inline(policy: &str, document: String) -> PutRolePolicy {
    PutRolePolicy {
        name: "worker".to_owned(),
        policy: policy.to_owned(),
        document,
    }
}

fn identity(resource: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": "sns:Publish", "Resource": resource }],
    })
    .to_string()
}

fn delete(name: &str) -> DeleteRole {
    DeleteRole {
        name: name.to_owned(),
    }
}

#[test]
fn a_role_reads_back_as_it_was_made_in_two_calls() {
    run(async {
        let bench = Bench::quick();
        let made = bench
            .ok(
                SHOP,
                CreateRole {
                    path: "/team/".to_owned(),
                    description: Some("does work".to_owned()),
                    max_session: 7200,
                    boundary: Some(format!("arn:aws:iam::{SHOP}:policy/edge")),
                    tags: tags([("team", "a")]),
                    ..role("worker")
                },
            )
            .await;
        assert_eq!(made.arn, format!("arn:aws:iam::{SHOP}:role/team/worker"));
        assert!(made.id.starts_with("AROA") && made.id.len() == 21);
        let details = bench.details(SHOP).await;
        assert_eq!(details[0].arn, made.arn);
        assert_eq!(details[0].tags, tags([("team", "a")]));
        assert!(details[0].boundary.is_some());
        let list = |prefix: &str| ListRoles {
            path_prefix: prefix.to_owned(),
            marker: None,
        };
        let listed = bench.ok(SHOP, list("/team/")).await.items;
        assert_eq!(listed[0].description.as_deref(), Some("does work"));
        assert_eq!(listed[0].max_session, 7200);
        assert!(bench.ok(SHOP, list("/other/")).await.items.is_empty());
    });
}

#[test]
fn a_role_name_is_unique_whatever_its_case_and_path() {
    run(async {
        let bench = Bench::quick();
        bench.role(SHOP, "worker").await;
        let again = CreateRole {
            path: "/team/".to_owned(),
            ..role("Worker")
        };
        let error = bench.refused(SHOP, again).await;
        assert_fault(
            &error,
            Fault::Exists,
            "EntityAlreadyExists",
            "Role with name Worker already exists.",
        );
        bench.role(BILLING, "worker").await;
    });
}

#[test]
fn documents_come_back_url_encoded() {
    run(async {
        let bench = Bench::quick();
        bench.role(SHOP, "worker").await;
        let document = identity("arn:aws:sns:eu-west-1:111111111111:a%3Ab*");
        bench.ok(SHOP, inline("publish", document.clone())).await;
        let details = bench.details(SHOP).await;
        let shown = &details[0].inline["publish"];
        assert!(shown.starts_with("%7B%22Statement"));
        assert!(shown.contains("a%253Ab%2A"));
        assert_eq!(decoded(shown), read(&document));
        assert!(details[0].trust.starts_with("%7B"));
    });
}

#[test]
fn a_role_with_policies_is_not_deleted() {
    run(async {
        let bench = Bench::quick();
        bench.role(SHOP, "worker").await;
        bench.ok(SHOP, inline("publish", identity("*"))).await;
        let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned();
        let attach = AttachRolePolicy {
            name: "worker".to_owned(),
            policy: arn.clone(),
        };
        bench.ok(SHOP, attach.clone()).await;
        bench.ok(SHOP, attach).await;
        assert_fault(
            &bench.refused(SHOP, delete("worker")).await,
            Fault::Conflict,
            "DeleteConflict",
            "Cannot delete entity, must detach all policies first.",
        );
        let detach = DetachRolePolicy {
            name: "worker".to_owned(),
            policy: arn,
        };
        bench.ok(SHOP, detach.clone()).await;
        assert_eq!(bench.refused(SHOP, detach).await.code, "NoSuchEntity");
        assert_fault(
            &bench.refused(SHOP, delete("worker")).await,
            Fault::Conflict,
            "DeleteConflict",
            "Cannot delete entity, must delete policies first.",
        );
        let gone = DeleteRolePolicy {
            name: "worker".to_owned(),
            policy: "publish".to_owned(),
        };
        bench.ok(SHOP, gone.clone()).await;
        assert_eq!(bench.refused(SHOP, gone).await.fault, Fault::Missing);
        bench.ok(SHOP, delete("worker")).await;
        assert_eq!(
            bench.refused(SHOP, delete("worker")).await.fault,
            Fault::Missing
        );
        assert!(bench.cloud.is_empty());
    });
}

#[test]
fn a_malformed_document_is_refused_in_iams_words() {
    run(async {
        let bench = Bench::quick();
        let broken = CreateRole {
            trust: "{".to_owned(),
            ..role("worker")
        };
        assert_fault(
            &bench.refused(SHOP, broken).await,
            Fault::Invalid,
            "MalformedPolicyDocument",
            "This policy contains invalid Json",
        );
        bench.role(SHOP, "worker").await;
        let with_principal = policy(&json!("*"), "sns:Publish", "*");
        assert_fault(
            &bench.refused(SHOP, inline("a", with_principal)).await,
            Fault::Invalid,
            "MalformedPolicyDocument",
            "Policy document should not specify a principal.",
        );
    });
}

#[test]
fn a_trust_policy_has_two_thousand_and_forty_eight_characters_but_for_white_space() {
    run(async {
        let bench = Bench::quick();
        let of = |condition: String| CreateRole {
            trust: json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Service": "lambda.amazonaws.com" },
                    "Action": "sts:AssumeRole",
                    "Condition": { "StringEquals": { "aws:SourceArn": condition } },
                }],
            })
            .to_string(),
            ..role("worker")
        };
        let error = bench.refused(SHOP, of("x".repeat(2048))).await;
        assert_fault(
            &error,
            Fault::Quota,
            "LimitExceeded",
            "Cannot exceed quota for ACLSizePerRole: 2048",
        );
        bench.ok(SHOP, of(" ".repeat(4000))).await;
    });
}

#[test]
fn all_inline_policies_of_a_role_share_one_quota() {
    run(async {
        let bench = Bench::quick();
        bench.role(SHOP, "worker").await;
        let half = identity(&format!("arn:aws:sns:::{}", "x".repeat(5050)));
        bench.ok(SHOP, inline("a", half.clone())).await;
        bench.ok(SHOP, inline("a", half.clone())).await;
        assert_fault(
            &bench.refused(SHOP, inline("b", half)).await,
            Fault::Quota,
            "LimitExceeded",
            "Maximum policy size of 10240 bytes exceeded for role worker",
        );
    });
}

#[test]
fn a_managed_policy_is_aws_s_or_the_accounts_own() {
    run(async {
        let bench = Bench::quick();
        bench.role(SHOP, "worker").await;
        let attach = |arn: &str| AttachRolePolicy {
            name: "worker".to_owned(),
            policy: arn.to_owned(),
        };
        let own = format!("arn:aws:iam::{SHOP}:policy/own");
        bench.ok(SHOP, attach(&own)).await;
        let foreign = format!("arn:aws:iam::{BILLING}:policy/theirs");
        assert_fault(
            &bench.refused(SHOP, attach(&foreign)).await,
            Fault::Missing,
            "NoSuchEntity",
            &format!("Policy {foreign} does not exist or is not attachable."),
        );
        assert_eq!(
            bench.refused(SHOP, attach("own")).await.code,
            "ValidationError"
        );
        for number in 0..9 {
            let more = format!("arn:aws:iam::aws:policy/Number{number}");
            bench.ok(SHOP, attach(&more)).await;
        }
        let error = bench
            .refused(SHOP, attach("arn:aws:iam::aws:policy/Eleventh"))
            .await;
        assert_eq!(error.fault, Fault::Quota);
    });
}

#[test]
fn every_part_of_a_role_but_its_name_and_path_changes_in_place() {
    run(async {
        let bench = Bench::quick();
        let made = bench.role(SHOP, "worker").await;
        let name = || "worker".to_owned();
        let update = UpdateRole {
            name: name(),
            description: "new".to_owned(),
            max_session: 3600,
        };
        bench.ok(SHOP, update.clone()).await;
        let cleared = UpdateRole {
            description: String::new(),
            ..update.clone()
        };
        bench.ok(SHOP, cleared).await;
        let wrong = UpdateRole {
            max_session: 60,
            ..update
        };
        assert_eq!(bench.refused(SHOP, wrong).await.code, "ValidationError");
        let document = trust(&json!({ "AWS": BILLING }));
        let call = UpdateAssumeRolePolicy {
            name: name(),
            document,
        };
        bench.ok(SHOP, call).await;
        let boundary = PutRolePermissionsBoundary {
            name: name(),
            boundary: "arn:aws:iam::aws:policy/PowerUserAccess".to_owned(),
        };
        bench.ok(SHOP, boundary).await;
        let unbound = DeleteRolePermissionsBoundary { name: name() };
        bench.ok(SHOP, unbound.clone()).await;
        assert_eq!(bench.refused(SHOP, unbound).await.fault, Fault::Missing);
        let tag = TagRole {
            name: name(),
            tags: tags([("a", "1"), ("b", "2")]),
        };
        bench.ok(SHOP, tag).await;
        let untag = UntagRole {
            name: name(),
            keys: vec!["a".to_owned()],
        };
        bench.ok(SHOP, untag).await;
        let details = bench.details(SHOP).await;
        assert_eq!(details[0].id, made.id);
        assert_eq!(details[0].tags, tags([("b", "2")]));
        assert_eq!(
            principal_of(&decoded(&details[0].trust)),
            &json!({ "AWS": format!("arn:aws:iam::{BILLING}:root") })
        );
    });
}

#[test]
fn case_does_not_tell_two_tag_keys_of_a_role_apart() {
    run(async {
        let bench = Bench::quick();
        let twice = CreateRole {
            tags: tags([("team", "a"), ("Team", "b")]),
            ..role("worker")
        };
        assert_eq!(bench.refused(SHOP, twice).await.code, "InvalidInput");
    });
}

#[test]
fn roles_come_in_pages() {
    run(async {
        let bench = Bench::with(Habits {
            page: Some(2),
            ..Habits::default()
        });
        for name in ["a", "b", "c", "d", "e"] {
            bench.role(SHOP, name).await;
        }
        let first = bench
            .ok(SHOP, GetAccountAuthorizationDetails { marker: None })
            .await;
        assert_eq!(first.items.len(), 2);
        assert!(first.next.is_some());
        assert_eq!(bench.details(SHOP).await.len(), 5);
        let marker = Some("elsewhere".to_owned());
        let error = bench
            .refused(SHOP, GetAccountAuthorizationDetails { marker })
            .await;
        assert_eq!(error.fault, Fault::Invalid);
    });
}

#[test]
fn an_account_that_is_not_there_cannot_be_entered() {
    run(async {
        let bench = Bench::quick();
        let error = bench.refused(ELSEWHERE, role("worker")).await;
        assert_eq!(error.fault, Fault::Credentials);
        assert!(error.message.contains(ELSEWHERE));
        let caller = bench
            .ok(SHOP, crate::cloud::sts::GetCallerIdentity {})
            .await;
        assert_eq!(caller.account, SHOP);
    });
}
