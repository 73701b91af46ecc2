//! Principals in policies: who may be named, and what becomes of them.

use super::apigateway::create_api;
use super::deployments::deployed;
use super::sns::{create_topic, topic_arn};
use super::sqs::create_queue;
use super::*;
use crate::cloud::apigateway::GetRestApis;
use crate::cloud::iam::{DeleteRole, UpdateAssumeRolePolicy};
use crate::cloud::sns::{GetTopicAttributes, SetTopicAttributes};
use crate::cloud::sqs::{GetQueueAttributes, SetQueueAttributes};

fn arn_of(account: &str, role: &str) -> String {
    format!("arn:aws:iam::{account}:role/{role}")
}

fn trusting(name: &str, principal: &str) -> CreateRole {
    CreateRole {
        trust: trust(&json!({ "AWS": [principal] })),
        ..role(name)
    }
}

fn with_policy(mut attributes: Tags, policy: String) -> Tags {
    attributes.insert("Policy".to_owned(), policy);
    attributes
}

async fn trust_of(bench: &Bench, account: &str, name: &str) -> Value {
    let details = bench.details(account).await;
    let role = details.iter().find(|it| it.name == name).expect("the role");
    decoded(&role.trust)
}

#[test]
fn a_principal_that_does_not_exist_is_refused_by_each_service_in_its_own_words() {
    run(async {
        let bench = Bench::quick();
        let nobody = arn_of(SHOP, "nobody");
        let who = json!({ "AWS": nobody });
        assert_fault(
            &bench.refused(ORDERS, trusting("access", &nobody)).await,
            Fault::Unsettled,
            "MalformedPolicyDocument",
            &format!("Invalid principal in policy: \"AWS\":\"{nobody}\""),
        );
        let document = policy(&who, "sns:Publish", &topic_arn(ORDERS, "events"));
        let topic = create_topic("events", with_policy(Tags::new(), document));
        assert_fault(
            &bench.refused(ORDERS, topic).await,
            Fault::Unsettled,
            "InvalidParameter",
            "Invalid parameter: Policy Error: PrincipalNotFound",
        );
        let document = policy(&who, "sqs:SendMessage", "*");
        let queue = create_queue("inbox", with_policy(Tags::new(), document));
        assert_fault(
            &bench.refused(ORDERS, queue).await,
            Fault::Unsettled,
            "InvalidAttributeValue",
            "Invalid value for the parameter Policy.",
        );
        let mut api = create_api("orders");
        api.policy = Some(policy(&who, "execute-api:Invoke", "execute-api:/*"));
        assert_fault(
            &bench.refused(ORDERS, api).await,
            Fault::Unsettled,
            "BadRequestException",
            "Invalid policy document. Please check the policy syntax and ensure that Principals \
             are valid.",
        );
        assert!(bench.cloud.is_empty());
    });
}

#[test]
fn a_role_s_path_is_part_of_its_name_as_a_principal() {
    run(async {
        let bench = Bench::quick();
        let team = CreateRole {
            path: "/team/".to_owned(),
            ..role("caller")
        };
        bench.ok(SHOP, team).await;
        let error = bench
            .refused(ORDERS, trusting("access", &arn_of(SHOP, "caller")))
            .await;
        assert_eq!(error.fault, Fault::Unsettled);
        bench
            .ok(ORDERS, trusting("access", &arn_of(SHOP, "team/caller")))
            .await;
    });
}

#[test]
fn a_role_made_a_moment_ago_is_not_yet_a_principal() {
    run(async {
        let bench = Bench::new();
        let caller = bench.role(SHOP, "caller").await;
        let error = bench.refused(ORDERS, trusting("access", &caller.arn)).await;
        assert_eq!(error.fault, Fault::Unsettled);
        seconds_pass(4).await;
        bench.ok(ORDERS, trusting("access", &caller.arn)).await;
    });
}

#[test]
fn an_account_reads_as_its_root() {
    run(async {
        let bench = Bench::quick();
        let document = trust(&json!({ "AWS": [SHOP] }));
        let access = CreateRole {
            trust: document,
            ..role("access")
        };
        bench.ok(ORDERS, access).await;
        // The one name that had to be rewritten stands alone, without its list.
        assert_eq!(
            principal_of(&trust_of(&bench, ORDERS, "access").await),
            &json!({ "AWS": format!("arn:aws:iam::{SHOP}:root") })
        );
    });
}

#[test]
fn a_list_that_needed_no_rewriting_stays_one() {
    run(async {
        let bench = Bench::quick();
        let caller = bench.role(SHOP, "caller").await;
        bench.ok(ORDERS, trusting("access", &caller.arn)).await;
        assert_eq!(
            principal_of(&trust_of(&bench, ORDERS, "access").await),
            &json!({ "AWS": [caller.arn] })
        );
    });
}

#[test]
fn several_principals_of_a_trust_policy_come_back_in_another_order() {
    run(async {
        let bench = Bench::quick();
        let a = bench.role(SHOP, "a").await.arn;
        let b = bench.role(SHOP, "b").await.arn;
        let both = CreateRole {
            trust: trust(&json!({ "AWS": [a, b] })),
            ..role("access")
        };
        bench.ok(ORDERS, both).await;
        assert_eq!(
            principal_of(&trust_of(&bench, ORDERS, "access").await),
            &json!({ "AWS": [b, a] })
        );
    });
}

#[test]
fn what_is_outside_the_sandbox_is_taken_as_it_is() {
    run(async {
        let bench = Bench::quick();
        for principal in [
            arn_of(ELSEWHERE, "anyone"),
            format!("arn:aws:iam::{ELSEWHERE}:root"),
            format!("arn:aws:sts::{ELSEWHERE}:assumed-role/anyone/session"),
        ] {
            let update = trusting("access", &principal);
            bench.ok(ORDERS, update).await;
            let gone = DeleteRole {
                name: "access".to_owned(),
            };
            bench.ok(ORDERS, gone).await;
        }
        for principal in [
            "nonsense",
            "arn:aws:iam::999999999999:group/people",
            "arn:aws-cn:iam::999999999999:root",
            "arn:aws:sns:eu-west-1:999999999999:topic",
            "AROAAAAAAAAAAAAAAAAAA",
        ] {
            let error = bench.refused(ORDERS, trusting("access", principal)).await;
            assert_eq!(error.fault, Fault::Unsettled, "{principal}");
        }
    });
}

#[test]
fn a_service_principal_is_checked_for_its_form() {
    run(async {
        let bench = Bench::quick();
        let of = |service: &str| CreateRole {
            trust: trust(&json!({ "Service": service })),
            ..role("access")
        };
        let error = bench.refused(ORDERS, of("lambda")).await;
        assert_eq!(
            error.message,
            "Invalid principal in policy: \"SERVICE\":\"lambda\""
        );
        bench.ok(ORDERS, of("sns.eu-south-1.amazonaws.com")).await;
    });
}

#[test]
fn a_deleted_role_shows_as_its_id_in_every_policy_that_named_it() {
    run(async {
        let bench = Bench::quick();
        let caller = bench.role(SHOP, "caller").await;
        let who = json!({ "AWS": caller.arn });
        bench.ok(ORDERS, trusting("access", &caller.arn)).await;
        let arn = topic_arn(ORDERS, "events");
        let document = policy(&who, "sns:Publish", &arn);
        let topic = create_topic("events", with_policy(Tags::new(), document.clone()));
        bench.ok(ORDERS, topic).await;
        let queue_document = policy(&who, "sqs:SendMessage", "*");
        let queue = create_queue("inbox", with_policy(Tags::new(), queue_document));
        bench.ok(ORDERS, queue).await;
        let mut api = create_api("orders");
        api.policy = Some(policy(&who, "execute-api:Invoke", "execute-api:/*"));
        let api = deployed(&bench, api).await;

        let gone = DeleteRole {
            name: "caller".to_owned(),
        };
        bench.ok(SHOP, gone).await;
        let ghosts = || async {
            let topic = bench
                .ok(ORDERS, GetTopicAttributes { arn: arn.clone() })
                .await;
            let inbox = GetQueueAttributes {
                name: "inbox".to_owned(),
            };
            let queue = bench.ok(ORDERS, inbox).await;
            let apis = bench.ok(ORDERS, GetRestApis { position: None }).await.items;
            let escaped = apis[0].policy.clone().expect("a policy");
            let unescaped: String =
                serde_json::from_str(&format!("\"{escaped}\"")).expect("a string");
            let held = bench.cloud.documents();
            let live = held
                .iter()
                .find(|it| it.by.ends_with(&format!("{api}/prod")))
                .expect("the deployed policy");
            [
                trust_of(&bench, ORDERS, "access").await,
                read(&topic["Policy"]),
                read(&queue["Policy"]),
                read(&unescaped),
                read(&live.text),
            ]
            .map(|it| principal_of(&it).clone())
        };
        let dead = json!({ "AWS": caller.id });
        assert_eq!(ghosts().await, [(); 5].map(|()| dead.clone()));

        // A new role of the same name is another one.
        let again = bench.role(SHOP, "caller").await;
        assert_eq!(again.arn, caller.arn);
        assert_ne!(again.id, caller.id);
        assert_eq!(ghosts().await, [(); 5].map(|()| dead.clone()));

        // Sending the ARN again repairs it; sending the dead id does not.
        let repair = |document: String| UpdateAssumeRolePolicy {
            name: "access".to_owned(),
            document,
        };
        let error = bench
            .refused(ORDERS, repair(trust(&json!({ "AWS": caller.id }))))
            .await;
        assert_eq!(error.fault, Fault::Unsettled);
        bench.ok(ORDERS, repair(trust(&who))).await;
        assert_eq!(
            principal_of(&trust_of(&bench, ORDERS, "access").await),
            &who
        );
        let set = SetTopicAttributes {
            arn: arn.clone(),
            name: "Policy".to_owned(),
            value: document,
        };
        bench.ok(ORDERS, set).await;
        let set = SetQueueAttributes {
            name: "inbox".to_owned(),
            attributes: with_policy(Tags::new(), policy(&who, "sqs:SendMessage", "*")),
        };
        bench.ok(ORDERS, set).await;
        assert_eq!(ghosts().await[..3], [(); 3].map(|()| who.clone()));
    });
}

#[test]
fn a_living_role_s_id_reads_as_its_arn_and_its_session_dies_with_it() {
    run(async {
        let bench = Bench::quick();
        let caller = bench.role(SHOP, "caller").await;
        bench.ok(ORDERS, trusting("by-id", &caller.id)).await;
        assert_eq!(
            principal_of(&trust_of(&bench, ORDERS, "by-id").await),
            &json!({ "AWS": caller.arn })
        );
        let session = format!("arn:aws:sts::{SHOP}:assumed-role/caller/night");
        bench.ok(ORDERS, trusting("by-session", &session)).await;
        let gone = DeleteRole {
            name: "caller".to_owned(),
        };
        bench.ok(SHOP, gone).await;
        assert_eq!(
            principal_of(&trust_of(&bench, ORDERS, "by-session").await),
            &json!({ "AWS": format!("{}:night", caller.id) })
        );
    });
}
