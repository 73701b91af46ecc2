//! Two stacks that share a contract and nothing else: an owner and a consumer, applied in either order.
//!
//! What works is decided from the documents that the cloud has of both sides.

use std::collections::{BTreeMap, BTreeSet};

use provision::execute::Outcome;
use provision::graph;
use provision::kinds::Resource;
use provision::kinds::survey::{self, Live};
use provision::lower::{self, Desired};
use provision::model::{Arn, Place};
use provision::plan::{Consent, Standing};
use provision::policy::{
    ApiName, Clause, Decision, Document, MethodAuth, Policies, Request, Statement, Who, decide,
};
use provision::stack::{self, Source, Stack};

use super::world::{Command, address, drift, folder, plan, run, sandbox_for, spoken};
use provision::cloud::{Cloud, Sandbox};

const QUEUE: &str = "arn:aws:sqs:eu-west-1:222222222222:billing-inbox";
const ROLES: &str = "arn:aws:iam::222222222222:role/provision/billing";

fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join("contracts").join(name)).expect("the stack is there")
}

/// A stack beside which only this file lies.
fn stack_beside(text: &str, file: &str) -> Result<Stack, stack::Faults> {
    let source = Source {
        name: "provision.toml".to_owned(),
        text: text.to_owned(),
    };
    let read = |_: &str| match file {
        "" => Err("no such file".to_owned()),
        file => Ok(file.to_owned()),
    };
    stack::check(&source, &[], &read)
}

fn lowered(stack: &Stack) -> Desired {
    let mut desired = lower::lower(stack).expect("it fits together");
    graph::untie(&mut desired.wants).expect("no ring");
    desired
}

/// A stack of one side, as it stands.
struct Side {
    stack: Stack,
    desired: Desired,
}

impl Side {
    fn of(text: &str, file: &str) -> Self {
        let stack = match stack_beside(text, file) {
            Ok(stack) => stack,
            Err(faults) => panic!("{}", faults.render(false)),
        };
        let desired = lowered(&stack);
        Self { stack, desired }
    }

    async fn live(&self, cloud: &dyn Cloud) -> Live {
        let it = &self.desired;
        let live = survey::survey(&it.stack, &it.wants, &it.places, cloud).await;
        live.expect("read")
    }

    async fn export(&self, cloud: &dyn Cloud) -> String {
        let live = self.live(cloud).await;
        let there: BTreeSet<_> = live.have.keys().cloned().collect();
        lower::contract(&self.stack, &self.desired, &live.ids(), &there, "digest").to_text()
    }

    fn claims(&self) -> String {
        let contract = &self.stack.contracts["orders"];
        let of_roles = self.stack.claims.iter().map(|it| stack::Claimed {
            stack: self.stack.name.clone(),
            to: it.to.clone(),
            leave: it.leave.clone(),
            by: self.stack.roles[&it.from].arn.clone(),
            written_at: String::new(),
        });
        let of_queue = stack::Claimed {
            stack: self.stack.name.clone(),
            to: address("topics.order-events"),
            leave: stack::Leave::Subscribe,
            by: Arn::parse(QUEUE).expect("an ARN"),
            written_at: String::new(),
        };
        let all: Vec<_> = of_roles.chain([of_queue]).collect();
        stack::claims_text(&self.stack.name, contract, &all)
    }
}

async fn apply(side: &Side, cloud: &dyn Cloud) {
    Command::Apply(&side.desired).done(cloud).await;
}

fn resource<'a>(live: &'a Live, name: &str) -> Option<&'a Resource> {
    live.have.get(&address(name)).map(|it| &it.resource)
}

fn inline(resource: Option<&Resource>) -> Vec<Document> {
    match resource {
        Some(Resource::Role(role)) => role.inline.values().cloned().collect(),
        _ => Vec::new(),
    }
}

fn allowed(request: &Request, identity: Vec<Document>, resource: Option<Document>) -> bool {
    let policies = Policies {
        identity,
        resource,
        ..Policies::default()
    };
    decide(request, &policies).decision == Decision::Allow
}

/// What of all that could be tried between the two works, by what the cloud has of both.
async fn works(owner: &Side, consumer: &Side, cloud: &Sandbox) -> BTreeSet<String> {
    let (owners, consumers) = (owner.live(cloud).await, consumer.live(cloud).await);
    let place: Place = owner.stack.accounts["orders"].place.clone();
    let api = owners.have.get(&address("apis.orders")).expect("the API");
    let name = ApiName {
        partition: "aws",
        region: "eu-west-1",
        account: "333333333333",
        api: &api.id,
    };
    let Resource::RestApi(rest) = &api.resource else {
        panic!("an API")
    };
    let policy = (!rest.policy.statements.is_empty()).then(|| name.expand(&rest.policy));
    let topic = match resource(&owners, "topics.order-events") {
        Some(Resource::Topic(topic)) => topic.clone(),
        _ => panic!("a topic"),
    };
    let mut found = BTreeSet::new();
    for role in ["invoicer", "importer", "stranger"] {
        // The stranger stands in the consumers' account, and its own policies let it do anything at all:
        // whatever is refused to it, the owner's side refuses.
        let own = if role == "stranger" {
            let anything = Statement::allow("Anything", Clause::of(["*"])).on(["*"]);
            vec![Document::of(vec![anything])]
        } else {
            inline(resource(&consumers, &format!("roles.{role}")))
        };
        let arn = format!("{ROLES}/{role}");
        // As itself, and as every access role that it can assume.
        let mut speakers = vec![(arn.clone(), own.clone())];
        for have in owners.have.values() {
            let Resource::Role(access) = &have.resource else {
                continue;
            };
            let who = Who::Arn(arn.clone());
            let request = Request::new(who, "sts:AssumeRole", access.arn.to_string());
            if allowed(&request, own.clone(), Some(access.trust.clone())) {
                let documents = access.inline.values().cloned().collect();
                speakers.push((access.arn.to_string(), documents));
            }
        }
        for (arn, documents) in speakers {
            for call in ["GET/orders/17", "POST/orders", "GET/orders/17/refunds"] {
                let on = format!("{}live/{call}", name.head());
                let mut request = Request::new(Who::Arn(arn.clone()), "execute-api:Invoke", on);
                request.method_auth = Some(MethodAuth::Iam);
                if allowed(&request, documents.clone(), policy.clone()) {
                    found.insert(format!("{role} calls {call}"));
                }
            }
            let on = topic.arn.to_string();
            let request = Request::new(Who::Arn(arn), "sns:Publish", on);
            if allowed(&request, documents, Some(topic.policy.clone())) {
                found.insert(format!("{role} publishes"));
            }
        }
    }
    let call = provision::cloud::sns::ListSubscriptionsByTopic {
        topic: topic.arn.to_string(),
        token: None,
    };
    let listed = provision::cloud::call(cloud, &place, call).await;
    for it in listed.expect("listed").items {
        assert!(it.arn.starts_with("arn:"), "{} is pending", it.endpoint);
        found.insert(format!("{} receives", it.endpoint));
    }
    found
}

fn all() -> BTreeSet<String> {
    [
        "invoicer calls GET/orders/17",
        "importer calls POST/orders",
        "importer publishes",
        "arn:aws:sqs:eu-west-1:222222222222:billing-inbox receives",
    ]
    .map(str::to_owned)
    .into()
}

/// The accounts of both, with nothing in them.
fn cloud() -> Sandbox {
    let owner = Side::of(&text("owner.toml"), "");
    let consumer = Side::of(&text("consumer.toml"), &text("orders.toml"));
    sandbox_for([&owner.desired, &consumer.desired])
}

/// Both applied, whole.
async fn joined(cloud: &Sandbox) -> (Side, Side) {
    let owner = Side::of(&text("owner.toml"), "");
    apply(&owner, cloud).await;
    let consumer = Side::of(&text("consumer.toml"), &owner.export(cloud).await);
    apply(&consumer, cloud).await;
    (owner, consumer)
}

async fn assert_in_step(side: &Side, cloud: &Sandbox) {
    assert_eq!(
        spoken(&plan(&side.desired, cloud).await),
        Vec::<String>::new(),
        "{}",
        side.stack.name
    );
}

#[test]
fn nobody_else_of_the_consumers_account_gets_in() {
    run(async {
        let cloud = cloud();
        let (owner, consumer) = joined(&cloud).await;
        let found = works(&owner, &consumer, &cloud).await;
        let strangers: Vec<_> = found.iter().filter(|it| it.contains("stranger")).collect();
        assert_eq!(strangers, Vec::<&String>::new());
        // What is offered to all of the account lets it in, so that it can be seen to be tried.
        let open = text("owner.toml").replace(
            "for   = { stack = \"billing\", account = \"222222222222\", role = \"invoicer\" }",
            "for   = { account = \"222222222222\" }",
        );
        assert_ne!(open, text("owner.toml"));
        let owner = Side::of(&open, "");
        apply(&owner, &cloud).await;
        let found = works(&owner, &consumer, &cloud).await;
        assert!(found.contains("stranger calls GET/orders/17"), "{found:?}");
        assert!(!found.contains("stranger calls POST/orders"), "{found:?}");
    });
}

#[test]
fn the_owner_first() {
    run(async {
        let cloud = cloud();
        let (owner, consumer) = joined(&cloud).await;
        assert_eq!(works(&owner, &consumer, &cloud).await, all());
        assert_in_step(&owner, &cloud).await;
        assert_in_step(&consumer, &cloud).await;
    });
}

#[test]
fn the_consumer_first_does_its_half_and_says_what_it_waits_for() {
    run(async {
        let cloud = cloud();
        let owner = Side::of(&text("owner.toml"), "");
        let early = owner.export(&cloud).await;
        assert_eq!(early.matches("pending = true").count(), 2, "{early}");
        let consumer = Side::of(&text("consumer.toml"), &early);
        let ran = Command::Apply(&consumer.desired).with(&cloud, []).await;
        let awaits: Vec<String> = ran
            .outcomes
            .steps
            .iter()
            .filter(|(_, it)| **it != Outcome::Done)
            .map(|((address, _), it)| format!("{address}: {it:?}"))
            .collect();
        assert_eq!(
            awaits,
            ["subscriptions.billing-inbox.order-events: Awaits(\"orders\")"],
            "{}",
            ran.story()
        );
        let halves = &ran.plan().halves;
        assert_eq!(halves.len(), 4, "{halves:?}");
        assert!(
            halves
                .iter()
                .all(|it| it.standing == Standing::Lacks && it.stack.as_deref() == Some("orders"))
        );

        apply(&owner, &cloud).await;
        // The same command goes on with the same contract: only what needs the API's id waits on.
        apply(&consumer, &cloud).await;
        let mut without_id = all();
        without_id.remove("importer calls POST/orders");
        assert_eq!(works(&owner, &consumer, &cloud).await, without_id);

        let consumer = Side::of(&text("consumer.toml"), &owner.export(&cloud).await);
        apply(&consumer, &cloud).await;
        assert_eq!(works(&owner, &consumer, &cloud).await, all());
        assert_in_step(&owner, &cloud).await;
        assert_in_step(&consumer, &cloud).await;
    });
}

/// The owner's stack without its offer of this number.
fn without(offer: usize) -> String {
    let owner = text("owner.toml");
    let parts: Vec<&str> = owner.split("[[offer]]").collect();
    let kept = parts
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != offer + 1)
        .map(|(_, it)| *it);
    kept.collect::<Vec<_>>().join("[[offer]]")
}

#[test]
fn withdrawing_breaks_that_edge_and_no_other() {
    let edges = [
        "invoicer calls GET/orders/17",
        "importer calls POST/orders",
        "importer publishes",
        "arn:aws:sqs:eu-west-1:222222222222:billing-inbox receives",
    ];
    for (offer, edge) in edges.into_iter().enumerate() {
        run(async {
            let cloud = cloud();
            let (_, consumer) = joined(&cloud).await;
            let owner = Side::of(&without(offer), "");
            let consent = Consent {
                cut_off: [Arn::parse(QUEUE).expect("an ARN")]
                    .into_iter()
                    .filter(|_| edge.ends_with("receives"))
                    .collect(),
                ..Consent::default()
            };
            let ran = Command::Apply(&owner.desired)
                .consenting(&cloud, [], &consent)
                .await;
            // Whoever still lets a queue subscribe does not cut it off in the same breath.
            assert!(ran.came_off(), "{}", ran.story());
            let mut left = all();
            assert!(left.remove(edge));
            assert_eq!(works(&owner, &consumer, &cloud).await, left, "{edge}");
            let renewed = owner.export(&cloud).await;
            let Err(faults) = stack_beside(&text("consumer.toml"), &renewed) else {
                panic!("{edge} is still offered")
            };
            assert_eq!(faults.len(), 1, "{}", faults.render(false));
        });
    }
}

#[test]
fn a_withdrawn_offer_is_drift_at_the_consumer() {
    run(async {
        let cloud = cloud();
        joined(&cloud).await;
        let owner = Side::of(&without(0), "");
        apply(&owner, &cloud).await;
        let source = Source {
            name: "provision.toml".to_owned(),
            text: text("consumer.toml"),
        };
        let renewed = owner.export(&cloud).await;
        let read = |_: &str| Ok(renewed.clone());
        let stack = stack::check_withdrawn(&source, &[], &read);
        let desired = lowered(&stack.expect("it is told, not refused"));
        let found: Vec<String> = drift(&desired, &cloud)
            .await
            .findings
            .iter()
            .map(|it| format!("{} {}", it.class.code(), it.subject()))
            .collect();
        assert_eq!(found, ["PD006 roles.invoicer", "PD007 roles.invoicer"]);
    });
}

#[test]
fn a_subscription_that_was_cut_off_is_missed_at_the_consumer_and_not_made_again() {
    run(async {
        let cloud = cloud();
        let (_, consumer) = joined(&cloud).await;
        let owner = Side::of(&without(3), "");
        apply(&owner, &cloud).await;
        // The subscription stays, and is told.
        let told = drift(&owner.desired, &cloud).await;
        assert_eq!(told.findings.len(), 1, "{told:?}");
        let consent = Consent {
            cut_off: [Arn::parse(QUEUE).expect("an ARN")].into(),
            ..Consent::default()
        };
        let cut = Command::Apply(&owner.desired)
            .consenting(&cloud, [], &consent)
            .await;
        assert!(cut.came_off(), "{}", cut.story());
        assert_eq!(drift(&owner.desired, &cloud).await.findings, []);
        let missed = drift(&consumer.desired, &cloud).await;
        assert_eq!(missed.findings[0].class.code(), "PD002", "{missed:?}");
        let again = Command::Apply(&consumer.desired).with(&cloud, []).await;
        assert!(!again.came_off());
        assert_in_step(&owner, &cloud).await;
    });
}

#[test]
fn whoever_is_still_let_subscribe_is_not_cut_off() {
    run(async {
        let cloud = cloud();
        let (owner, consumer) = joined(&cloud).await;
        for queue in [QUEUE, "arn:aws:sqs:eu-west-1:222222222222:no-guest"] {
            let consent = Consent {
                cut_off: [Arn::parse(queue).expect("an ARN")].into(),
                ..Consent::default()
            };
            let ran = Command::Apply(&owner.desired)
                .consenting(&cloud, [], &consent)
                .await;
            assert_eq!(ran.plan().refusals.len(), 1, "{queue}: {}", ran.story());
        }
        assert_eq!(works(&owner, &consumer, &cloud).await, all());
    });
}

#[test]
fn an_owner_sees_who_still_claims_what_it_takes_away() {
    run(async {
        let cloud = cloud();
        let (_, consumer) = joined(&cloud).await;
        let listed = |text: &str| {
            text.replace(
                "name   = \"orders\"",
                "name   = \"orders\"\nclaims = \"billing.toml\"",
            )
        };
        let whole = Side::of(&listed(&text("owner.toml")), &consumer.claims());
        assert_eq!(plan(&whole.desired, &cloud).await.halves, []);
        for offer in 0..4 {
            let less = Side::of(&listed(&without(offer)), &consumer.claims());
            let plan = plan(&less.desired, &cloud).await;
            let told: Vec<_> = plan.halves.iter().map(|it| it.standing).collect();
            assert_eq!(told, [Standing::Unoffered], "{:?}", plan.halves);
            assert_eq!(plan.halves[0].stack.as_deref(), Some("billing"));
            assert!(plan.halves[0].written_at.is_some());
        }
    });
}

#[test]
fn what_is_offered_to_anyone_is_for_those_whose_claims_are_listed() {
    run(async {
        let cloud = cloud();
        let to_anyone: Vec<String> = text("owner.toml")
            .lines()
            .map(|it| {
                if it.starts_with("for ") {
                    "for   = \"anyone\"".to_owned()
                } else {
                    it.to_owned()
                }
            })
            .collect();
        let to_anyone = to_anyone.join("\n") + "\n";
        let closed = Side::of(&to_anyone, "");
        apply(&closed, &cloud).await;
        let consumer = Side::of(&text("consumer.toml"), &closed.export(&cloud).await);
        let ran = Command::Apply(&consumer.desired).with(&cloud, []).await;
        assert_eq!(ran.outcomes.count(|it| matches!(it, Outcome::Awaits(_))), 1);
        assert_eq!(works(&closed, &consumer, &cloud).await, BTreeSet::new());

        let listed = to_anyone.replace(
            "name   = \"orders\"",
            "name   = \"orders\"\nclaims = \"billing.toml\"",
        );
        let open = Side::of(&listed, &consumer.claims());
        apply(&open, &cloud).await;
        apply(&consumer, &cloud).await;
        assert_eq!(works(&open, &consumer, &cloud).await, all());
        assert_in_step(&open, &cloud).await;
        assert_in_step(&consumer, &cloud).await;
    });
}

#[test]
fn both_sides_are_proved() {
    run(async {
        let cloud = cloud();
        let (owner, consumer) = joined(&cloud).await;
        for side in [&owner, &consumer] {
            let live = side.live(&cloud).await;
            let world = provision::verify::World::live(&side.desired, &live);
            let proof = provision::verify::prove(&side.stack, &side.desired, &world);
            let (proved, failed, unproven) = proof.counts();
            assert!(proved >= 9, "{proved}");
            assert_eq!((failed, unproven), (0, 0), "{proof:#?}");
        }
        // The caller's half is looked at: with its policy gone, the claims fail.
        let mut live = consumer.live(&cloud).await;
        for have in live.have.values_mut() {
            if let Resource::Role(role) = &mut have.resource {
                role.inline = BTreeMap::new();
            }
        }
        let world = provision::verify::World::live(&consumer.desired, &live);
        let proof = provision::verify::prove(&consumer.stack, &consumer.desired, &world);
        assert_eq!(proof.counts().1, 3, "{proof:#?}");
    });
}

#[test]
fn taking_a_claim_out_takes_its_half_away() {
    run(async {
        let cloud = cloud();
        let (owner, _) = joined(&cloud).await;
        let less = text("consumer.toml");
        let (less, _) = less.rsplit_once("[[access]]").expect("an access");
        let less = Side::of(less, &owner.export(&cloud).await);
        let plan = plan(&less.desired, &cloud).await;
        let lost: Vec<&str> = plan
            .access
            .iter()
            .filter(|it| it.turn.loses())
            .map(|it| it.edge.who.as_str())
            .collect();
        assert_eq!(lost, ["roles.importer"], "{:?}", plan.access);
        apply(&less, &cloud).await;
        let mut left = all();
        left.remove("importer publishes");
        assert_eq!(works(&owner, &less, &cloud).await, left);
    });
}
