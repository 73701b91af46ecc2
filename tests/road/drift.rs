//! What another operator did is told by its class, planned by its field, mended once, and then over.

use std::collections::BTreeMap;

use provision::cloud::{Sandbox, iam, sns, sqs};
use serde_json::{Value, json};

use crate::operator::{
    BILLING, ORDERS, QUEUE, SHOP, TOPIC, anybody, crown, delete_api, delete_deployment,
    delete_role, delete_stage, deploy, deployments, make_queue, remake_role, rewrite_topic, send,
    set_api_policy, stages, subscriptions, unsign,
};
use crate::sweep::difference;
use crate::world::{
    apply, assert_in_step, coded, drift, plan, run, sandbox_for, spoken, text_of, wanted,
};

/// What a stack over the marketplace finds after `tamper`, and what an apply makes of it.
struct Found {
    /// Class and address of every finding.
    drift: Vec<String>,
    /// Everything that was said of the findings.
    lines: String,
    /// What the plan does.
    plan: Vec<String>,
    /// Where the world is not as before once it was applied.
    other_world: Option<String>,
}

/// Applies, tampers, looks, applies again; the plan after that must be empty.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a closure is written at the call"
)]
fn after(overlay: &str, tamper: impl AsyncFn(&Sandbox)) -> Found {
    let desired = wanted(&[&text_of("marketplace.toml"), overlay]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        let before = sandbox.picture();
        tamper(&sandbox).await;
        let found = drift(&desired, &sandbox).await;
        let planned = plan(&desired, &sandbox).await;
        assert_eq!(planned.refusals, []);
        apply(&desired, &sandbox).await;
        assert_in_step(&desired, &sandbox, "once it was mended").await;
        // A deployment of another's is not ours to delete, also when no stage serves it.
        let stages = stages(&sandbox).await;
        for it in deployments(&sandbox).await {
            let served = stages.iter().any(|stage| stage.deployment == it.id);
            if !served && it.description.as_deref() == Some("by hand") {
                delete_deployment(&sandbox, &it.id).await;
            }
        }
        let after = sandbox.picture();
        let lines: Vec<String> = found
            .findings
            .iter()
            .flat_map(|it| it.lines.clone())
            .collect();
        Found {
            drift: sorted(found.findings.iter().map(coded).collect()),
            lines: lines.join("\n"),
            plan: spoken(&planned),
            other_world: difference(&before, &after),
        }
    })
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|it| (*it).to_owned()).collect()
}

impl Found {
    /// Asserts the drift and the plan, and that all is as before.
    #[track_caller]
    fn is(self, drift: &[&str], plan: &[&str]) {
        assert_eq!(
            (self.drift, self.plan),
            (sorted(owned(drift)), owned(plan)),
            "{}",
            self.lines
        );
        assert_eq!(self.other_world, None, "another world than before");
    }

    /// Asserts that it is told of, that nothing is done about it, and that it stays.
    #[track_caller]
    fn shows_only(self, drift: &[&str], line: &str) {
        assert_eq!(self.drift, drift);
        assert!(self.lines.contains(line), "{}", self.lines);
        assert_eq!(self.plan, Vec::<String>::new());
    }
}

const EXCLUSIVE: &str = "[topics.order-events]\nexclusive = true\n";

#[test]
fn a_weakened_statement_of_a_topic_is_put_right() {
    let weaken = |statements: &mut Vec<Value>| {
        let publish = statements
            .iter_mut()
            .find(|it| it["Action"] == "sns:Publish" || it["Action"] == "SNS:Publish");
        publish.expect("ours")["Principal"] = json!({"AWS": "*"});
    };
    after("", async |it| rewrite_topic(it, weaken).await).is(
        &["PD001 topics.order-events"],
        &["~ topics.order-events policy"],
    );
}

#[test]
fn a_removed_statement_of_a_topic_is_put_back() {
    after("", async |it| {
        rewrite_topic(it, |it| {
            it.retain(|it| !it.to_string().contains("Subscribe\""));
        })
        .await;
    })
    .is(
        &["PD001 topics.order-events"],
        &["~ topics.order-events policy"],
    );
}

#[test]
fn a_foreign_statement_is_shown_and_kept() {
    after("", async |it| {
        rewrite_topic(it, |it| it.push(anybody("theirs"))).await;
    })
    .shows_only(&["PD004 topics.order-events"], "theirs");
}

#[test]
fn a_foreign_statement_is_removed_from_what_is_exclusive() {
    after(EXCLUSIVE, async |it| {
        rewrite_topic(it, |it| it.push(anybody("theirs"))).await;
    })
    .is(
        &["PD001 topics.order-events"],
        &["~ topics.order-events policy"],
    );
}

#[test]
fn a_foreign_statement_survives_an_unrelated_write_of_the_policy() {
    let text = text_of("marketplace.toml");
    let with = "[[access]]\nfrom = \"roles.invoicer\"\nto = \"topics.order-events\"\nvia = \"resource-policy\"\n";
    let (without, with) = (wanted(&[&text]), wanted(&[&text, with]));
    run(async {
        let sandbox = sandbox_for([&without]);
        apply(&without, &sandbox).await;
        rewrite_topic(&sandbox, |it| it.insert(0, anybody("theirs"))).await;
        let read = async || {
            let arn = TOPIC.to_owned();
            let attributes = send(&sandbox, ORDERS, sns::GetTopicAttributes { arn }).await;
            attributes["Policy"].clone()
        };
        apply(&with, &sandbox).await;
        let policy = read().await;
        assert!(
            policy.contains("theirs") && policy.contains("invoicer"),
            "{policy}"
        );
        assert_in_step(&with, &sandbox, "with").await;
        apply(&without, &sandbox).await;
        let policy = read().await;
        assert!(
            policy.contains("theirs") && !policy.contains("invoicer"),
            "{policy}"
        );
        assert_in_step(&without, &sandbox, "without").await;
    });
}

#[test]
fn a_role_made_anew_by_hand_is_pinned_again_wherever_it_is_named() {
    after("", async |it| remake_role(it, SHOP, "checkout").await).is(
        &[
            "PD001 roles.checkout",
            "PD005 topics.order-events",
            "PD005 apis.orders",
            "PD005 stages.orders.live",
        ],
        &[
            "~ roles.checkout description",
            "~ topics.order-events policy",
            "~ apis.orders policy",
            "~ stages.orders.live deployment",
        ],
    );
}

#[test]
fn a_role_made_anew_by_hand_is_pinned_again_in_trust_policies() {
    after("", async |it| remake_role(it, BILLING, "refunds").await).is(
        &[
            "PD005 roles.order-events-for-refunds",
            "PD005 roles.orders-for-refunds",
            "PD001 roles.refunds",
        ],
        &[
            "~ roles.order-events-for-refunds trust",
            "~ roles.orders-for-refunds trust",
            "~ roles.refunds description",
        ],
    );
}

#[test]
fn a_deleted_role_is_made_and_pinned_again_wherever_it_is_named() {
    after("", async |it| drop(delete_role(it, SHOP, "checkout").await)).is(
        // That documents name its dead id only follows from that.
        &["PD002 roles.checkout"],
        &[
            "+ roles.checkout",
            "~ topics.order-events policy",
            "~ apis.orders policy",
            "~ stages.orders.live deployment",
        ],
    );
}

#[test]
fn a_deleted_access_role_is_made_again_and_nothing_else() {
    after("", async |it| {
        drop(delete_role(it, ORDERS, "marketplace-orders-for-invoicer").await);
    })
    .is(
        &["PD002 roles.orders-for-invoicer"],
        &["+ roles.orders-for-invoicer"],
    );
}

#[test]
fn a_deleted_queue_is_made_again_with_its_subscription() {
    after("", async |it| {
        let name = "billing-inbox".to_owned();
        send(it, BILLING, sqs::DeleteQueue { name }).await;
    })
    .is(&["PD002 queues.billing-inbox"], &["+ queues.billing-inbox"]);
}

#[test]
fn a_deleted_topic_is_made_again_with_its_subscriptions() {
    after("", async |it| {
        let arn = TOPIC.to_owned();
        send(it, ORDERS, sns::DeleteTopic { arn }).await;
    })
    .is(
        // The subscription is missing only because the topic is: it is told with it.
        &["PD002 topics.order-events"],
        &[
            "+ topics.order-events",
            "+ subscriptions.billing-inbox.order-events",
        ],
    );
}

#[test]
fn a_deleted_subscription_is_made_again() {
    after("", async |it| {
        let arn = subscriptions(it).await.remove(0).arn;
        send(it, BILLING, sns::Unsubscribe { arn }).await;
    })
    .is(
        &["PD002 subscriptions.billing-inbox.order-events"],
        &["+ subscriptions.billing-inbox.order-events"],
    );
}

#[test]
fn a_changed_subscription_is_put_right() {
    after("", async |it| {
        let arn = subscriptions(it).await.remove(0).arn;
        for (name, value) in [
            ("RawMessageDelivery", "false"),
            ("FilterPolicy", r#"{"type":["created"]}"#),
        ] {
            let call = sns::SetSubscriptionAttributes {
                arn: arn.clone(),
                name: name.to_owned(),
                value: Some(value.to_owned()),
            };
            send(it, BILLING, call).await;
        }
    })
    .is(
        &["PD001 subscriptions.billing-inbox.order-events"],
        &["~ subscriptions.billing-inbox.order-events raw, filter"],
    );
}

#[test]
fn a_deleted_api_is_made_again_and_the_roles_name_the_new_one() {
    after("", async |it| delete_api(it).await).is(
        &["PD002 apis.orders"],
        &[
            "~ roles.checkout inline policies",
            "~ roles.orders-for-invoicer inline policies",
            "~ roles.orders-for-refunds inline policies",
            "+ apis.orders",
            "+ stages.orders.live",
        ],
    );
}

#[test]
fn a_deleted_stage_is_made_again() {
    after("", async |it| delete_stage(it).await)
        .is(&["PD002 stages.orders.live"], &["+ stages.orders.live"]);
}

#[test]
fn a_stage_pointed_at_another_deployment_is_pointed_back() {
    after("", async |it| {
        let ours = deployments(it).await.remove(0).id;
        deploy(it, "by hand").await;
        delete_deployment(it, &ours).await;
    })
    .is(
        &["PD001 stages.orders.live"],
        &["~ stages.orders.live deployment"],
    );
}

#[test]
fn changed_attributes_of_a_queue_are_put_right() {
    after("", async |it| {
        let attributes = [
            ("VisibilityTimeout", "7"),
            ("MessageRetentionPeriod", "60"),
            ("SqsManagedSseEnabled", "false"),
            ("RedrivePolicy", ""),
        ];
        let call = sqs::SetQueueAttributes {
            name: "billing-inbox".to_owned(),
            attributes: attributes
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        send(it, BILLING, call).await;
    })
    .is(
        &["PD001 queues.billing-inbox"],
        &["~ queues.billing-inbox retention, visibility_timeout, encryption, dead_letter"],
    );
}

#[test]
fn a_method_without_authorizer_is_signed_again_and_deployed() {
    after("", async |it| {
        unsign(it, "DELETE", "/orders/{id}").await;
        deploy(it, "by hand").await;
    })
    .is(
        &["PD001 apis.orders", "PD001 stages.orders.live"],
        &[
            "~ apis.orders routes",
            "~ stages.orders.live deployment, superseded deployments",
        ],
    );
}

#[test]
fn a_method_without_authorizer_in_a_deployment_that_claims_to_be_ours_is_found() {
    after("", async |it| {
        let description = deployments(it).await.remove(0).description;
        unsign(it, "DELETE", "/orders/{id}").await;
        deploy(it, &description.expect("ours")).await;
        let call = provision::cloud::apigateway::UpdateMethod {
            id: crate::operator::api_id(it).await,
            resource: crate::operator::resources(it)
                .await
                .into_iter()
                .find(|it| it.path == "/orders/{id}")
                .expect("the path")
                .id,
            verb: "DELETE".to_owned(),
            patches: vec![provision::cloud::apigateway::Patch::replace(
                "/authorizationType",
                "AWS_IAM",
            )],
        };
        // The API itself looks right again; only what is served does not.
        send(it, ORDERS, call).await;
    })
    .is(
        &["PD001 stages.orders.live"],
        &["~ stages.orders.live deployment, superseded deployments"],
    );
}

#[test]
fn an_opened_policy_of_an_api_is_closed_and_deployed() {
    let tamper = async |it: &Sandbox| {
        let open = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*",
            }],
        });
        set_api_policy(it, &open.to_string()).await;
        deploy(it, "by hand").await;
    };
    let plan = [
        "~ apis.orders policy",
        "~ stages.orders.live deployment, superseded deployments",
    ];
    after("[apis.orders]\nexclusive = true\n", tamper)
        .is(&["PD001 apis.orders", "PD001 stages.orders.live"], &plan);
    // Else the statement is theirs: our own come back beside it, and it is shown.
    let found = after("", tamper);
    assert_eq!(
        (found.drift, found.plan),
        (
            sorted(owned(&[
                "PD001 apis.orders",
                "PD004 apis.orders",
                "PD001 stages.orders.live"
            ])),
            owned(&plan)
        )
    );
}

#[test]
fn a_removed_policy_of_an_api_is_put_back() {
    after("", async |it| set_api_policy(it, "").await).is(
        &["PD009 apis.orders"],
        &["~ apis.orders policy", "~ stages.orders.live deployment"],
    );
}

#[test]
fn an_inline_policy_on_a_service_role_is_shown_and_kept() {
    after("", async |it| crown(it, SHOP, "checkout", "god").await)
        .shows_only(&["PD004 roles.checkout"], "god");
}

#[test]
fn an_inline_policy_on_an_access_role_is_removed() {
    after("", async |it| {
        crown(it, ORDERS, "marketplace-orders-for-invoicer", "god").await;
    })
    .is(
        &["PD001 roles.orders-for-invoicer"],
        &["~ roles.orders-for-invoicer inline policies"],
    );
}

#[test]
fn a_managed_policy_on_a_service_role_is_shown_and_kept_and_goes_from_an_access_role() {
    let attach = async |it: &Sandbox, account: &str, name: &str| {
        let call = iam::AttachRolePolicy {
            name: name.to_owned(),
            policy: "arn:aws:iam::aws:policy/AdministratorAccess".to_owned(),
        };
        send(it, account, call).await;
    };
    after("", async |it| attach(it, SHOP, "checkout").await)
        .shows_only(&["PD004 roles.checkout"], "AdministratorAccess");
    after("", async |it| {
        attach(it, ORDERS, "marketplace-orders-for-invoicer").await;
    })
    .is(
        &["PD001 roles.orders-for-invoicer"],
        &["~ roles.orders-for-invoicer managed policies"],
    );
}

#[test]
fn an_inline_policy_under_one_of_our_names_is_put_right() {
    after("", async |it| {
        crown(it, SHOP, "checkout", "provision-marketplace.access").await;
        crown(it, SHOP, "checkout", "provision-marketplace.more").await;
    })
    .is(
        &["PD001 roles.checkout"],
        &["~ roles.checkout inline policies"],
    );
}

pub(crate) async fn subscribe_stranger(cloud: &Sandbox) {
    make_queue(cloud, ORDERS, "spy").await;
    let call = sns::Subscribe {
        topic: TOPIC.to_owned(),
        protocol: "sqs".to_owned(),
        endpoint: QUEUE
            .replace(BILLING, ORDERS)
            .replace("billing-inbox", "spy"),
        attributes: BTreeMap::new(),
    };
    send(cloud, ORDERS, call).await;
}

/// To a topic of somebody else's, hundreds may be subscribed: none of them is the stack's business.
#[test]
fn the_subscribers_of_anothers_topic_cost_no_call() {
    run(async {
        let topic = format!("arn:aws:sns:eu-west-1:{ORDERS}:news");
        let text = format!(
            "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.orders]\nid = \"{ORDERS}\"\n\
             [roles.r]\naccount = \"orders\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
             [topics.news]\nexisting = \"{topic}\"\n[[access]]\nfrom = \"roles.r\"\nto = \"topics.news\"\n"
        );
        let desired = wanted(&[&text]);
        let mut reads = Vec::new();
        for subscribers in [0, 5] {
            let sandbox = sandbox_for([&desired]);
            crate::operator::make_topic(&sandbox, ORDERS, "news").await;
            for number in 0..subscribers {
                let name = format!("other-{number}");
                make_queue(&sandbox, ORDERS, &name).await;
                let call = sns::Subscribe {
                    topic: topic.clone(),
                    protocol: "sqs".to_owned(),
                    endpoint: format!("arn:aws:sqs:eu-west-1:{ORDERS}:{name}"),
                    attributes: BTreeMap::new(),
                };
                send(&sandbox, ORDERS, call).await;
            }
            let ran = apply(&desired, &sandbox).await;
            assert!(ran.came_off(), "{}", ran.story());
            reads.push(ran.records.len());
        }
        assert_eq!(reads[0], reads[1]);
    });
}

#[test]
fn a_strangers_subscription_is_shown_and_kept() {
    after("", async |it| subscribe_stranger(it).await)
        .shows_only(&["PD004 topics.order-events"], "spy");
}

#[test]
fn a_strangers_subscription_of_an_exclusive_topic_is_shown() {
    after(EXCLUSIVE, async |it| subscribe_stranger(it).await)
        .shows_only(&["PD004 topics.order-events"], "spy");
}

#[test]
fn a_widened_trust_policy_is_put_right() {
    after("", async |it| {
        let document = json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
        });
        let call = iam::UpdateAssumeRolePolicy {
            name: "marketplace-orders-for-invoicer".to_owned(),
            document: document.to_string(),
        };
        send(it, ORDERS, call).await;
    })
    .is(
        &["PD001 roles.orders-for-invoicer"],
        &["~ roles.orders-for-invoicer trust"],
    );
}

#[test]
fn a_second_stage_made_by_hand_is_left_alone() {
    after("", async |it| {
        let call = provision::cloud::apigateway::CreateDeployment {
            id: crate::operator::api_id(it).await,
            stage: "theirs".to_owned(),
            description: "by hand".to_owned(),
            variables: BTreeMap::new(),
        };
        send(it, ORDERS, call).await;
        assert_eq!(stages(it).await.len(), 2);
    })
    .shows_only(&["PD004 apis.orders"], "theirs");
}

#[test]
fn whoever_is_cut_off_is_named_and_what_only_follows_is_told_with_its_cause() {
    let desired = wanted(&[&text_of("marketplace.toml")]);
    let effects = |drift: &provision::drift::Drift| -> Vec<String> {
        let all = drift.findings.iter().flat_map(|it| &it.effects);
        all.map(|it| it.says.clone()).collect()
    };
    run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        // A filter takes less: what no longer arrives is said.
        let arn = subscriptions(&sandbox).await.remove(0).arn;
        let call = sns::SetSubscriptionAttributes {
            arn,
            name: "FilterPolicy".to_owned(),
            value: Some(r#"{"type":["created"],"region":["eu"]}"#.to_owned()),
        };
        send(&sandbox, BILLING, call).await;
        let told = effects(&drift(&desired, &sandbox).await).join("\n");
        for what in ["`type` is refunded", "`region` is not eu"] {
            let says = format!("queues.billing-inbox no longer receives messages whose {what}");
            assert!(told.contains(&says), "{told}");
        }
        apply(&desired, &sandbox).await;
        // Somebody becomes administrator: that comes before all else, and names no action.
        let call = iam::PutRolePolicy {
            name: "checkout".to_owned(),
            policy: "theirs".to_owned(),
            document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#.to_owned(),
        };
        send(&sandbox, SHOP, call).await;
        let arn = TOPIC.to_owned();
        send(&sandbox, ORDERS, sns::DeleteTopic { arn }).await;
        let found = drift(&desired, &sandbox).await;
        let first = &found.findings[0];
        assert!(first.administrator, "{first:?}");
        let says: Vec<&str> = first.effects.iter().map(|it| it.says.as_str()).collect();
        assert_eq!(
            says,
            ["roles.checkout is now administrator of account shop (111111111111)"]
        );
        let missing = found.findings.iter().find(|it| it.class.code() == "PD002");
        let missing = missing.expect("the topic");
        assert!(
            missing
                .lines
                .contains(&"with it: subscriptions.billing-inbox.order-events".to_owned()),
            "{missing:?}"
        );
        assert_eq!(missing.with_it.len(), 1);
    });
}

#[test]
fn a_plan_of_some_resources_says_nothing_of_the_others() {
    let desired = wanted(&[&text_of("marketplace.toml")]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        rewrite_topic(&sandbox, |it| it.truncate(1)).await;
        let reading = crate::world::read(&desired, &sandbox).await;
        let consent = provision::plan::Consent::default();
        let plan = provision::plan::Plan::of_reading(&desired, &reading, &consent);
        let topic: std::collections::BTreeSet<_> = plan
            .to_do()
            .map(|it| it.address.clone())
            .filter(|it| it.kind == provision::model::KindName::Topic)
            .collect();
        assert!(!topic.is_empty() && plan.gauges.iter().any(|it| !topic.contains(&it.address)));
        let only = plan.only(&topic, &desired, &reading.live);
        let all = only.gauges.iter().map(|it| &it.address);
        let all = all.chain(only.statements.iter().map(|it| &it.address));
        let all = all.chain(only.widenings.iter().map(|it| &it.address));
        assert!(all.clone().count() > 0);
        for address in all {
            assert!(topic.contains(address), "{address}");
        }
        assert_eq!(
            (only.moves.len(), only.strangers.len(), only.ghosts.len()),
            (0, 0, 0)
        );
    });
}
