//! A role that may do more than its inline policies can say: the rest stands in managed policies of
//! the stack's own, which come, change and go with the role.

mod tampered;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use provision::cloud::sandbox::Habits;
use provision::cloud::{Cloud, Sandbox, all_pages, iam};
use provision::kinds::{Resource, survey};
use provision::lower::{Desired, lower};
use provision::plan::Plan;
use provision::policy::Document;
use provision::stack::{self, Source};
use provision::verify::{World, prove};

use crate::moves::never_without;
use crate::operator::send;
use crate::sweep::{conclude, sweep};
use crate::world::{
    Command, Ran, address, apply, assert_in_step, destroy, place, plan, run, sandbox_for, spoken,
    wanted,
};

const SERVICES: &str = "111111111111";
const OWNER: &str = "333333333333";

/// A role that publishes to this many topics, with names this long, and beside that has a policy of
/// its author's.
fn hub(topics: usize, longest: usize, own: usize) -> String {
    let mut text = format!(
        "[stack]\nname = \"fleet\"\nregion = \"eu-west-1\"\n\
         [accounts.services]\nid = \"{SERVICES}\"\n[accounts.owner]\nid = \"{OWNER}\"\n\
         [roles.hub]\naccount = \"services\"\ntrusted_by = \"lambda.amazonaws.com\"\n"
    );
    if own > 0 {
        text.push_str(&self::own(own));
    }
    for it in 0..topics {
        let name = format!("{}-{it:03}", "t".repeat(longest - 4));
        let _ = write!(
            text,
            "[topics.t-{it:03}]\naccount = \"owner\"\nname = \"{name}\"\n\
             [[access]]\nfrom = \"roles.hub\"\nto = \"topics.t-{it:03}\"\nallow = [\"publish\"]\nvia = \"resource-policy\"\n"
        );
    }
    text
}

/// A policy of the author's, about this long.
fn own(length: usize) -> String {
    format!(
        "[roles.hub.policies.own]\nVersion = \"2012-10-17\"\n\
         Statement = [{{ Effect = \"Allow\", Action = \"s3:GetObject\", Resource = \"arn:aws:s3:::{}\" }}]\n",
        "x".repeat(length)
    )
}

fn of(topics: usize) -> Desired {
    wanted(&[&hub(topics, 40, 0)])
}

/// A cloud for these, which takes any number of calls a second.
pub(crate) fn quick(desired: &Desired) -> Sandbox {
    let habits = Habits {
        rates: false,
        ..Habits::default()
    };
    sandbox_for([desired]).with(habits)
}

/// A role that overflows with its twelfth topic.
pub(crate) fn small(topics: usize) -> Desired {
    wanted(&[&small_text(topics)])
}

/// The text of such a stack.
pub(crate) fn small_text(topics: usize) -> String {
    hub(topics, 256, 6_700)
}

/// The same, with a role beside it.
fn beside(topics: usize) -> Desired {
    let other = "[roles.other]\naccount = \"services\"\ntrusted_by = \"lambda.amazonaws.com\"\n";
    wanted(&[&hub(topics, 256, 6_700), other])
}

/// Documents of the role by their names: inline ones, and managed ones that are attached.
async fn documents(cloud: &dyn Cloud) -> BTreeMap<String, Document> {
    let ask = |marker| iam::GetAccountAuthorizationDetails { marker };
    let all = all_pages(cloud, &place(SERVICES), ask)
        .await
        .expect("details");
    let (mut roles, mut policies) = (Vec::new(), Vec::new());
    for it in all {
        match it {
            iam::AccountDetail::Role(it) => roles.push(it),
            iam::AccountDetail::Policy(it) => policies.push(it),
        }
    }
    let role = roles.iter().find(|it| it.name.contains("hub"));
    let role = role.expect("the role");
    let parsed = |it: &String| Document::parse_encoded(it).expect("a document");
    let inline = role
        .inline
        .iter()
        .map(|(name, it)| (name.clone(), parsed(it)));
    let mut found: BTreeMap<String, Document> = inline.collect();
    for policy in policies.iter().filter(|it| role.attached.contains(&it.arn)) {
        let mut versions = policy.versions.iter();
        let version = versions.find(|it| it.id == policy.default_version);
        found.insert(
            policy.name.clone(),
            parsed(&version.expect("a version").document),
        );
    }
    found
}

/// Writes of a run that IAM got, by their names.
fn iam_writes(ran: &Ran) -> Vec<String> {
    let mut records: Vec<_> = ran.records.iter().filter(|it| it.writes).collect();
    records.sort_by_key(|it| it.number);
    let at_services = records.iter().filter(|it| it.at.id.as_str() == SERVICES);
    at_services.map(|it| it.action.to_owned()).collect()
}

/// Whether every access that the stack declares works by what the cloud has, and nothing else does.
async fn assert_proved(text: &str, sandbox: &Sandbox) {
    let source = Source {
        name: "0.toml".to_owned(),
        text: text.to_owned(),
    };
    let stack = stack::check(&source, &[], &|_| Err(String::new())).expect("a stack");
    let desired = lower(&stack).expect("lowered");
    let live = survey::survey(&desired.stack, &desired.wants, &desired.reached(), sandbox).await;
    let live = live.expect("read");
    let proof = prove(&stack, &desired, &World::live(&desired, &live));
    let (proved, failed, unproven) = proof.counts();
    assert_eq!((failed, unproven), (0, 0));
    assert!(proved >= desired.grants.len(), "{proved}");
}

#[test]
fn a_role_with_hundreds_of_targets_is_applied_kept_proved_and_destroyed() {
    run(async {
        let text = hub(300, 40, 0);
        let desired = wanted(&[&text]);
        let sandbox = quick(&desired);
        let first = apply(&desired, &sandbox).await;
        assert_eq!(first.ledger.again(), 0, "{}", first.story());
        let found = documents(&sandbox).await;
        assert!(found.len() >= 3, "{:?}", found.keys());
        assert_proved(&text, &sandbox).await;

        let second = apply(&desired, &sandbox).await;
        assert_eq!(second.ledger.writes(), 0, "{}", second.story());
        assert_in_step(&desired, &sandbox, "after the second").await;

        // One more topic: one document of the role, and it is one call, or one and what is attached.
        let text = hub(301, 40, 0);
        let more = wanted(&[&text]);
        let planned = plan(&more, &sandbox).await;
        assert_eq!(spoken(&planned).len(), 2, "{:#?}", spoken(&planned));
        let ran = apply(&more, &sandbox).await;
        let after = documents(&sandbox).await;
        let changed: Vec<&String> = after
            .iter()
            .filter(|(name, it)| found.get(*name) != Some(it))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(changed.len(), 1, "{changed:?}");
        assert_eq!(
            iam_writes(&ran).len(),
            2,
            "a document and the mark: {}",
            ran.story()
        );
        assert_proved(&text, &sandbox).await;

        destroy(&more, &sandbox).await;
        assert!(sandbox.is_empty(), "{:#}", sandbox.picture());
    });
}

#[test]
fn a_role_that_fits_has_inline_policies_only_and_costs_no_other_call() {
    run(async {
        let desired = small(10);
        let sandbox = quick(&desired);
        let ran = apply(&desired, &sandbox).await;
        assert_eq!(
            iam_writes(&ran),
            ["CreateRole", "PutRolePolicy", "PutRolePolicy"]
        );
    });
}

#[test]
fn what_moves_is_where_it_goes_before_it_is_gone_from_where_it_was() {
    run(async {
        let (fits, over) = (small(11), small(12));
        let sandbox = quick(&over);
        apply(&fits, &sandbox).await;
        let ran = apply(&over, &sandbox).await;
        assert_eq!(
            iam_writes(&ran),
            [
                "CreatePolicy",
                "AttachRolePolicy",
                "PutRolePolicy",
                "TagRole"
            ]
        );
        let planned = plan(&fits, &sandbox).await;
        // What moves back is no change of access.
        let statements = planned.statements.iter();
        let of_hub = statements.filter(|it| it.address == address("roles.hub"));
        assert_eq!(of_hub.count(), 1, "{:#?}", planned.statements);
        assert_eq!(
            spoken(&planned),
            [
                "~ roles.hub inline policies, overflow policies",
                "- topics.t-011"
            ]
        );
        let ran = apply(&fits, &sandbox).await;
        assert_eq!(
            iam_writes(&ran),
            [
                "PutRolePolicy",
                "DetachRolePolicy",
                "DeletePolicy",
                "TagRole"
            ]
        );
    });
}

#[test]
fn nobody_is_without_access_while_documents_move() {
    never_without(&small(11), &small(12));
    never_without(&small(12), &small(11));
    let (few, many) = (caller(12, "assume-role"), caller(70, "assume-role"));
    never_without(&few, &many);
    never_without(&many, &few);
}

#[test]
fn a_policy_is_changed_as_often_as_the_stack_is() {
    run(async {
        let sandbox = quick(&of(0));
        // Two names take turns, so that a version which says the same is there to go back to.
        for round in 0..14 {
            let desired = small(20 + round % 7);
            apply(&desired, &sandbox).await;
            assert_in_step(&desired, &sandbox, &format!("round {round}")).await;
        }
        destroy(&small(20), &sandbox).await;
        assert!(sandbox.is_empty(), "{:#}", sandbox.picture());
    });
}

#[test]
fn whatever_goes_wrong_while_a_role_overflows_and_back_the_next_apply_arrives() {
    let (fits, over) = (caller(14, "resource-policy"), caller(16, "resource-policy"));
    let managed = |it: &Desired| match &it.wants[&address("roles.hub")].resource {
        Resource::Role(role) => role.managed.len(),
        _ => 0,
    };
    assert_eq!((managed(&fits), managed(&over)), (0, 1));
    let mut wrong = Vec::new();
    let runs = run(async {
        let empty = quick(&over);
        let mut runs = sweep("all of it", &empty, Command::Apply(&over), &mut wrong).await;
        Command::Apply(&fits).done(&empty).await;
        let comes = Command::Apply(&over);
        runs += sweep("it overflows", &empty, comes, &mut wrong).await;
        comes.done(&empty).await;
        let goes = Command::Apply(&fits);
        runs += sweep("it fits again", &empty, goes, &mut wrong).await;
        let destroy = Command::Destroy(&over);
        runs += sweep("it is destroyed", &empty, destroy, &mut wrong).await;
        runs
    });
    conclude(runs, &wrong);
}

/// A role that calls this many routes of one API; by the API's policy it overflows with the sixteenth.
fn caller(routes: usize, via: &str) -> Desired {
    let mut text = format!(
        "[stack]\nname = \"fleet\"\nregion = \"eu-west-1\"\n\
         [accounts.services]\nid = \"{SERVICES}\"\n[accounts.owner]\nid = \"{OWNER}\"\n\
         [roles.hub]\naccount = \"services\"\ntrusted_by = \"lambda.amazonaws.com\"\n{}\
         [apis.orders]\naccount = \"owner\"\n[apis.orders.routes]\n",
        own(6_700)
    );
    let route = |it: usize| format!("\"GET /{}/{it:03}\"", "r".repeat(150));
    for it in 0..routes {
        let _ = writeln!(text, "{} = {{ mock = 200 }}", route(it));
    }
    let all: Vec<String> = (0..routes).map(route).collect();
    let _ = write!(
        text,
        "[[access]]\nfrom = \"roles.hub\"\nto = \"apis.orders\"\nallow = [{}]\nvia = \"{via}\"\n",
        all.join(", ")
    );
    wanted(&[&text])
}

fn refused(planned: &Plan) -> Vec<String> {
    let refusals = planned.refusals.iter();
    refusals.map(|it| it.message.clone()).collect()
}

#[test]
fn more_than_ten_managed_policies_are_refused_in_plan_with_the_ways_out() {
    run(async {
        let desired = wanted(&[&hub(400, 256, 0)]);
        let planned = plan(&desired, &quick(&desired)).await;
        let said = refused(&planned);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].starts_with("its managed policies would take ")
                && said[0].ends_with(" of 10 managed policies of one role"),
            "{said:?}"
        );
        assert!(planned.refusals[0].budget && planned.refusals[0].ways_out.len() >= 3);
    });
}

#[test]
fn policies_that_others_attached_count_and_stay() {
    run(async {
        let (fits, over) = (small(11), small(12));
        let sandbox = quick(&over);
        apply(&fits, &sandbox).await;
        let others: BTreeSet<String> = (0..10)
            .map(|it| format!("arn:aws:iam::aws:policy/Theirs{it}"))
            .collect();
        let attach = |policy: &String| iam::AttachRolePolicy {
            name: "hub".to_owned(),
            policy: policy.clone(),
        };
        for it in &others {
            send(&sandbox, SERVICES, attach(it)).await;
        }
        let said = refused(&plan(&over, &sandbox).await);
        assert_eq!(
            said,
            ["its managed policies would take 11 of 10 managed policies of one role"]
        );
        let detach = iam::DetachRolePolicy {
            name: "hub".to_owned(),
            policy: others.first().expect("one").clone(),
        };
        send(&sandbox, SERVICES, detach).await;
        apply(&over, &sandbox).await;
        assert_in_step(&over, &sandbox, "beside others").await;
        let planned = plan(&over, &sandbox).await;
        let gauge = planned
            .gauges
            .iter()
            .find(|it| it.document == "managed policies");
        assert_eq!(gauge.expect("a gauge").budget.used, 10);
    });
}

#[test]
fn what_is_left_of_a_role_that_somebody_deleted_goes_or_serves_again() {
    run(async {
        let desired = small(12);
        let base = quick(&desired);
        apply(&desired, &base).await;
        let picture = base.picture();
        crate::operator::delete_role(&base, SERVICES, "hub").await;

        let again = base.fork();
        apply(&desired, &again).await;
        assert_eq!(again.picture(), picture);

        let gone = base.fork();
        destroy(&desired, &gone).await;
        assert!(gone.is_empty(), "{:#}", gone.picture());

        // The role left the stack meanwhile.
        let without = wanted(&[hub(12, 256, 0).split("[roles.hub]").next().expect("a head")]);
        let planned = plan(&without, &base).await;
        assert!(
            spoken(&planned).contains(&"- roles.hub".to_owned()),
            "{:#?}",
            spoken(&planned)
        );
        apply(&without, &base).await;
        assert!(base.is_empty(), "{:#}", base.picture());
    });
}

#[test]
fn a_role_of_anothers_overflows_too_and_is_left_as_it_was() {
    run(async {
        let text = |topics| {
            let text = hub(topics, 256, 0);
            text.replace(
                "[roles.hub]\naccount = \"services\"\ntrusted_by = \"lambda.amazonaws.com\"\n",
                "[roles.hub]\nexisting = \"arn:aws:iam::111111111111:role/hub\"\n",
            )
        };
        let (few, many) = (wanted(&[&text(20)]), wanted(&[&text(60)]));
        let sandbox = quick(&many);
        crate::operator::make_role(&sandbox, SERVICES, "hub").await;
        let before = sandbox.picture();
        apply(&few, &sandbox).await;
        apply(&many, &sandbox).await;
        assert_in_step(&many, &sandbox, "many").await;
        assert!(documents(&sandbox).await.len() >= 3);
        assert_proved(&text(60), &sandbox).await;
        apply(&few, &sandbox).await;
        assert_eq!(documents(&sandbox).await.len(), 1);
        apply(&many, &sandbox).await;

        // The stack no longer speaks of it.
        let fork = sandbox.fork();
        let head = text(60);
        let head = head.split("[roles.hub]").next().expect("a head");
        let planned = plan(&wanted(&[head]), &fork).await;
        assert!(
            spoken(&planned).contains(&"~ roles.hub".to_owned()),
            "{:#?}",
            spoken(&planned)
        );
        apply(&wanted(&[head]), &fork).await;
        assert_eq!(fork.picture(), before);

        destroy(&many, &sandbox).await;
        assert_eq!(sandbox.picture(), before);
    });
}

#[test]
fn what_overflows_cannot_be_let_go_of_and_what_fits_can() {
    run(async {
        for (topics, refused) in [(11, false), (12, true)] {
            let text = hub(topics, 256, 6_700);
            let desired = wanted(&[&text]);
            let sandbox = quick(&desired);
            apply(&desired, &sandbox).await;
            let live = survey::survey("fleet", &desired.wants, &desired.reached(), &sandbox).await;
            let rest = wanted(&[text.split("[roles.hub]").next().expect("a head")]);
            let named = BTreeSet::from([address("roles.hub")]);
            let plan = Plan::of_release(&desired, &rest, &live.expect("read"), &named);
            let said: Vec<&str> = plan.refusals.iter().map(|it| it.message.as_str()).collect();
            let told = said.iter().any(|it| {
                it.starts_with("its managed policy `provision-fleet.hub.1` is this stack's")
            });
            assert_eq!(told, refused, "{topics}: {said:?}");
        }
    });
}

#[test]
fn every_document_is_metered() {
    let desired = of(300);
    let planned = run(async { plan(&desired, &quick(&desired)).await });
    let Resource::Role(hub) = &desired.wants[&address("roles.hub")].resource else {
        panic!("a role");
    };
    for name in hub.managed.keys() {
        let gauge = planned
            .gauges
            .iter()
            .find(|it| it.document == format!("managed policy {name}"));
        let budget = &gauge.expect("a gauge").budget;
        assert_eq!(budget.limit, 6144);
        assert!(budget.percent() > 20 && !budget.is_over());
    }
}
