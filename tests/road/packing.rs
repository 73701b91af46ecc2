//! Documents that many consumers fill: what fits, what is split, and what one more changes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use provision::execute::Rehearsal;
use provision::kinds::Resource;
use provision::lower::Desired;
use provision::model::KindName;
use provision::plan::{Action, Plan, Step};
use provision::report::human;
use provision::report::style::plain;
use provision::stack::Via;

use crate::moves::never_without;
use crate::world::{address, apply, assert_in_step, count, plan, run, sandbox_for, spoken, wanted};

/// This many consumers in an account of their own, of an API or a topic in another.
pub(crate) fn consumers(count: usize, target: &str, how: &str) -> String {
    let mut text = "[stack]\nname = \"fleet\"\nregion = \"eu-west-1\"\n\
                    [accounts.services]\nid = \"111111111111\"\n[accounts.owner]\nid = \"333333333333\"\n\
                    [topics.events]\naccount = \"owner\"\n\
                    [apis.orders]\naccount = \"owner\"\n\
                    [apis.orders.routes]\n\"GET /orders\" = { mock = 200 }\n\"POST /orders\" = { mock = 201 }\n"
        .to_owned();
    let allow = if target.starts_with("apis.") {
        "allow = [\"GET /orders\"]\n"
    } else {
        ""
    };
    for it in 0..count {
        let _ = write!(
            text,
            "[roles.service-{it:03}]\naccount = \"services\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
             [[access]]\nfrom = \"roles.service-{it:03}\"\nto = \"{target}\"\n{allow}{how}\n"
        );
    }
    text
}

fn of(count: usize, target: &str, how: &str) -> Desired {
    wanted(&[&consumers(count, target, how)])
}

const POLICY: &str = "via = \"resource-policy\"";
const ROLE: &str = "via = \"assume-role\"";
const SHARED: &str = "via = \"assume-role\"\nrole_name = \"orders-readers\"";

/// Access roles of a stack: the names of those that no author declared.
fn access_roles(desired: &Desired) -> BTreeSet<String> {
    let roles = desired.wants.keys().filter(|it| it.kind == KindName::Role);
    let made = roles.filter(|it| !it.name.starts_with("service-"));
    made.map(|it| it.name.clone()).collect()
}

/// Plans one stack over another.
fn change(from: &Desired, to: &Desired) -> Plan {
    run(async {
        let sandbox = sandbox_for([from, to]);
        apply(from, &sandbox).await;
        assert_in_step(from, &sandbox, "after the first").await;
        let planned = plan(to, &sandbox).await;
        apply(to, &sandbox).await;
        assert_in_step(to, &sandbox, "after the change").await;
        planned
    })
}

#[test]
fn three_hundred_consumers_do_not_fit_into_an_apis_policy_and_the_plan_says_what_does() {
    let desired = of(300, "apis.orders", POLICY);
    let planned = run(async { plan(&desired, &sandbox_for([&desired])).await });
    let [refusal] = planned.refusals.as_slice() else {
        panic!("{:?}", planned.refusals);
    };
    assert_eq!(refusal.address, address("apis.orders"));
    assert!(refusal.budget, "a budget: exit code 3");
    assert!(refusal.message.contains("of 8192 characters of API policy"));
    let ways: Vec<&str> = refusal.ways_out.iter().map(|it| it.does.as_str()).collect();
    let order = [
        "assume-role",
        "the same routes",
        "role_prefix",
        "whole account",
    ];
    assert_eq!(ways.len(), order.len(), "{ways:?}");
    for (way, word) in ways.iter().zip(order) {
        assert!(way.contains(word), "{way}: {word}");
    }
    // As many as it says have to go, and no fewer.
    let words: Vec<&str> = ways[0].split(' ').collect();
    let at = words
        .iter()
        .position(|it| *it == "least")
        .expect("at least");
    let many: usize = words[at + 1].parse().expect("a number");
    for (leave, fits) in [(many, true), (many - 1, false)] {
        let fewer = of(300 - leave, "apis.orders", POLICY);
        let planned = run(async { plan(&fewer, &sandbox_for([&fewer])).await });
        assert_eq!(planned.refusals.is_empty(), fits, "{leave} leave");
    }
}

#[test]
fn three_hundred_consumers_share_as_many_access_roles_as_their_trust_needs() {
    let (desired, more) = (
        of(300, "apis.orders", SHARED),
        of(301, "apis.orders", SHARED),
    );
    let roles = access_roles(&desired);
    assert!((11..=20).contains(&roles.len()), "{roles:?}");
    assert!(
        roles.iter().all(|it| it.starts_with("orders-readers")),
        "{roles:?}"
    );
    let planned = change(&desired, &more);
    let steps = spoken(&planned);
    assert_eq!(
        steps.len(),
        2,
        "its own role and one trust policy: {steps:#?}"
    );
    assert!(steps[0].starts_with("~ roles.orders-readers"), "{steps:#?}");
    assert!(steps[0].ends_with(" trust"), "{steps:#?}");
    assert_eq!(steps[1], "+ roles.service-300");
    assert_eq!(details(&planned), 1, "one line of one statement");
}

/// How many lines the changes of a plan take.
fn details(plan: &Plan) -> usize {
    let of = |it: &Step| it.changes.iter().map(|it| it.details.len()).sum::<usize>();
    plan.to_do().map(of).sum()
}

#[test]
fn consumers_with_access_roles_of_their_own_do_not_touch_each_other() {
    let planned = change(&of(300, "apis.orders", ROLE), &of(301, "apis.orders", ROLE));
    assert_eq!(count(&planned, Action::Create), 2, "{:?}", spoken(&planned));
    assert_eq!(planned.to_do().count(), 2, "{:?}", spoken(&planned));
}

#[test]
fn a_hundred_and_fifty_consumers_fit_into_a_topics_policy_and_one_more_is_one_line() {
    let desired = of(150, "topics.events", POLICY);
    let planned = change(&desired, &of(151, "topics.events", POLICY));
    assert_eq!(
        spoken(&planned),
        ["+ roles.service-150", "~ topics.events policy"]
    );
    assert_eq!(details(&planned), 1);
    let gauge = planned
        .gauges
        .iter()
        .find(|it| it.address == address("topics.events"));
    let gauge = gauge.expect("its gauge");
    let Some(Resource::Topic(topic)) = desired.wants.get(&gauge.address).map(|it| &it.resource)
    else {
        panic!("a topic");
    };
    assert_eq!(
        topic.policy.statements.len(),
        2,
        "folded: the owner's and the publishers'"
    );
    // What it says is so: that many more fit, and not one more than those.
    let room = gauge.room.expect("room");
    for (count, fits) in [(151 + room, true), (152 + room, false)] {
        let more = of(count, "topics.events", POLICY);
        let planned = run(async { plan(&more, &sandbox_for([&more])).await });
        assert_eq!(planned.refusals.is_empty(), fits, "{count}");
    }
}

#[test]
fn the_order_of_consumers_in_the_file_means_nothing() {
    for (target, how) in [("apis.orders", SHARED), ("topics.events", POLICY)] {
        let text = consumers(60, target, how);
        let (head, rest) = text.split_once("[roles.").expect("roles");
        let mut parts: Vec<&str> = rest.split("[roles.").collect();
        parts.reverse();
        let turned = format!("{head}[roles.{}", parts.join("[roles."));
        let (one, other) = (wanted(&[&text]).wants, wanted(&[&turned]).wants);
        assert!(one == other, "{target}");
    }
}

#[test]
fn nobody_is_without_a_way_when_a_shared_access_role_is_split_or_made_one_again() {
    let roles = |count| access_roles(&of(count, "apis.orders", SHARED)).len();
    let full = (2..60).find(|it| roles(*it) > 1).expect("a split");
    let (one, two) = (
        of(full - 1, "apis.orders", SHARED),
        of(full, "apis.orders", SHARED),
    );
    never_without(&one, &two);
    never_without(&two, &one);
}

#[test]
fn who_shares_an_access_role_is_allowed_what_the_others_are() {
    let text = consumers(2, "apis.orders", SHARED);
    let at = text.rfind("GET /orders").expect("a route");
    let text = format!(
        "{}POST /orders{}",
        &text[..at],
        &text[at + "GET /orders".len()..]
    );
    let source = provision::stack::Source {
        name: "s.toml".to_owned(),
        text,
    };
    let stack = provision::stack::check(&source, &[], &|_| Err(String::new())).expect("a stack");
    let faults = provision::lower::lower(&stack).expect_err("a fault");
    let said = faults[0].to_string();
    assert!(
        said.contains("share the access role `orders-readers`"),
        "{said}"
    );
    assert!(said.contains("POST /orders"), "{said}");
}

#[test]
fn auto_takes_a_resource_policy_for_few_and_access_roles_for_many_and_says_why() {
    for (count, via, why) in [
        (10, Via::ResourcePolicy, "few consumers"),
        (11, Via::AssumeRole, "many consumers"),
    ] {
        let desired = of(count, "topics.events", "via = \"auto\"");
        for grant in &desired.grants {
            assert_eq!(grant.via, via, "{count}");
            assert!(
                grant.why.as_ref().is_some_and(|it| it.contains(why)),
                "{grant:?}"
            );
        }
    }
}

#[test]
fn who_is_let_in_by_an_access_role_in_so_many_words_does_not_make_many_of_few() {
    let ten = consumers(10, "topics.events", "via = \"auto\"");
    let more = "[roles.late]\naccount = \"services\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
                [[access]]\nfrom = \"roles.late\"\nto = \"topics.events\"\nvia = \"assume-role\"\n";
    let (before, after) = (wanted(&[&ten]), wanted(&[&ten, more]));
    for grant in &after.grants {
        let via = match grant.who.as_str() {
            "roles.late" => Via::AssumeRole,
            _ => Via::ResourcePolicy,
        };
        assert_eq!(grant.via, via, "{grant:?}");
    }
    let planned = change(&before, &after);
    assert_eq!(
        spoken(&planned),
        ["+ roles.events-for-late", "+ roles.late"],
        "nothing of the others is written"
    );
}

#[test]
fn a_way_that_changes_names_everybody_whose_client_has_to() {
    let (before, after) = (
        of(10, "apis.orders", "via = \"auto\""),
        of(11, "apis.orders", "via = \"auto\""),
    );
    let planned = change(&before, &after);
    assert_eq!(planned.moves.len(), 10);
    let text = plain(&human::plan(&planned, None, &Rehearsal::default(), 400));
    for line in [
        "! 10 consumers of apis.orders go another way from now on (roles.service-000 … roles.service-009): their clients \
         must assume a role before they call it, and the old way is closed by this apply as soon as the new one is proved; \
         apply needs `--move` with the name of each\n",
        "`auto` chose it: many consumers (11): the target's policy need not grow with them. To leave them as they \
         are, write `via = \"resource-policy\"` in their [[access]], or",
    ] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    // As the advice says, so it is.
    let mut texts = consumers(10, "apis.orders", POLICY);
    texts += "[roles.late]\naccount = \"services\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
              [[access]]\nfrom = \"roles.late\"\nto = \"apis.orders\"\nallow = [\"GET /orders\"]\n";
    assert_eq!(change(&before, &wanted(&[&texts])).moves, []);
    let back = change(&after, &before);
    let text = plain(&human::plan(&back, None, &Rehearsal::default(), 400));
    assert!(
        text.contains("must call it as themselves, and assume no role"),
        "{text}"
    );
}
