//! How long it takes to decide, and to prove.
//!
//! ```sh
//! cargo bench --no-default-features --bench access
//! ```
//!
//! The stacks are made up, with as many consumers for each target however large they are: a fifth of the
//! edges call an API by its policy, a fifth by an access role; a fifth publish by a topic's policy, a
//! fifth by an access role; a fifth are subscriptions.

use std::fmt::Write as _;

use divan::Bencher;
use divan::counter::ItemsCount;
use provision::lower::{self, Desired};
use provision::model::KindName;
use provision::policy::{Decision, Request, Who};
use provision::stack::Whom;
use provision::stack::{self, Source, Stack};
use provision::verify::holders::{Circle, Open, Search};
use provision::verify::question::questions;
use provision::verify::world::{Caller, Thing};
use provision::verify::{World, prove};

fn main() {
    divan::main();
}

/// A stack of so many edges, with this in its file beside them.
fn stack_with(edges: usize, more: &str) -> (Stack, Desired) {
    let consumers = edges / 5;
    let targets = consumers.div_ceil(20);
    let mut text = "[stack]\nname = \"bench\"\nregion = \"eu-west-1\"\n".to_owned();
    for number in 0..10 {
        let _ = writeln!(text, "[accounts.a{number}]\nid = \"{number:012}\"");
    }
    for number in 0..targets {
        let account = number % 10;
        let _ = writeln!(
            text,
            "[topics.t{number}]\naccount = \"a{account}\"\n[apis.g{number}]\naccount = \"a{account}\"\n\
             [apis.g{number}.routes]\n\"GET /orders/{{id}}\" = {{ mock = 200 }}\n\"POST /orders\" = {{ mock = 201 }}\n\
             \"DELETE /orders/{{id}}\" = {{ mock = 204 }}"
        );
    }
    for number in 0..consumers {
        let (account, target) = ((number + 3) % 10, number % targets);
        let other = (number + 1) % targets;
        let _ = writeln!(
            text,
            "[roles.r{number}]\naccount = \"a{account}\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
             [queues.q{number}]\naccount = \"a{account}\"\nsubscribe = \"t{target}\"\n\
             [[access]]\nfrom = \"roles.r{number}\"\nto = \"topics.t{target}\"\nvia = \"resource-policy\"\n\
             [[access]]\nfrom = \"roles.r{number}\"\nto = \"apis.g{target}\"\nallow = \"GET /orders/{{id}}\"\nvia = \"resource-policy\""
        );
        if targets > 1 {
            let _ = writeln!(
                text,
                "[[access]]\nfrom = \"roles.r{number}\"\nto = \"topics.t{other}\"\nvia = \"assume-role\"\n\
                 [[access]]\nfrom = \"roles.r{number}\"\nto = \"apis.g{other}\"\nallow = \"POST /orders\"\nvia = \"assume-role\""
            );
        }
    }
    text += more;
    let source = Source {
        name: "bench.toml".to_owned(),
        text,
    };
    let stack = stack::check(&source, &[], &|_| Err(String::new()))
        .unwrap_or_else(|it| panic!("{}", it.render(false)));
    let desired = lower::lower(&stack).expect("it fits");
    (stack, desired)
}

fn stack_of(edges: usize) -> (Stack, Desired) {
    stack_with(edges, "")
}

/// For each role that publishes by a topic's policy, that call, which is allowed, and the same to
/// another topic, which is not.
fn calls<'a>(world: &'a World, desired: &Desired) -> Vec<(Request, &'a Thing, &'a Thing)> {
    let topics: Vec<&Thing> = world.of_kind(KindName::Topic).collect();
    let mut found = Vec::new();
    for grant in desired.grants.iter().filter(|it| it.role.is_none()) {
        let (Ok(who), Some(topic)) = (grant.who.parse(), world.thing(&grant.target)) else {
            continue;
        };
        let Some(role) = world
            .thing(&who)
            .filter(|_| topic.address.kind == KindName::Topic)
        else {
            continue;
        };
        let other = topics.iter().find(|it| it.address != topic.address);
        for topic in [Some(topic), other.copied()].into_iter().flatten() {
            let request =
                Request::new(Who::Arn(role.arn.clone()), "sns:Publish", topic.arn.clone());
            found.push((request, role, topic));
        }
    }
    found
}

/// Decisions in a stack of 1,000 edges, half of them allowed.
#[divan::bench]
fn decide(bencher: Bencher) {
    let (_, desired) = stack_of(1_000);
    let world = World::wanted(&desired);
    let calls = calls(&world, &desired);
    assert_eq!(calls.len(), 400);
    assert_eq!(allowed(&world, &calls), 200);
    bencher
        .counter(ItemsCount::new(calls.len()))
        .bench_local(|| allowed(&world, &calls));
}

fn allowed(world: &World, calls: &[(Request, &Thing, &Thing)]) -> usize {
    let decide = |(request, role, topic): &(Request, &Thing, &Thing)| {
        let verdict = world.should_fail(request, Caller::Role(role), topic);
        verdict.decision == Decision::Allow
    };
    calls.iter().filter(|it| decide(it)).count()
}

/// All claims of a stack, its over-grant check among them.
#[divan::bench(args = [1_000, 2_500, 5_000, 10_000], sample_count = 5)]
fn verify(bencher: Bencher, edges: usize) {
    let (stack, desired) = stack_of(edges);
    let world = World::wanted(&desired);
    let proof = prove(&stack, &desired, &world);
    assert_eq!(proof.counts().1, 0, "{:?}", proof.failed().next());
    bencher
        .counter(ItemsCount::new(edges))
        .bench_local(|| prove(&stack, &desired, &world));
}

/// What no stranger may ever do to anything of a stack, and what one role may never publish to.
const NEVERS: &str = "[[never]]\nwho = \"outside accounts\"\n\
     [[never]]\nwho = \"roles.r0\"\ndo = \"publish\"\nto = \"topics.t7\"\n";

/// The claims of [`verify`], and `[[never]]` beside them: of every resource, by whatever way.
#[divan::bench(args = [1_000, 2_500, 5_000, 10_000], sample_count = 5)]
fn nevers(bencher: Bencher, edges: usize) {
    let (stack, desired) = stack_with(edges, NEVERS);
    let world = World::wanted(&desired);
    let proof = prove(&stack, &desired, &world);
    assert_eq!(proof.counts().1, 0, "{:?}", proof.failed().next());
    bencher
        .counter(ItemsCount::new(edges))
        .bench_local(|| prove(&stack, &desired, &world));
}

/// Who may publish to each topic of a stack, directly or by assuming a role: a question a topic.
#[divan::bench(args = [1_000, 2_500, 5_000, 10_000], sample_count = 5)]
fn who_can(bencher: Bencher, edges: usize) {
    let (stack, desired) = stack_of(edges);
    let world = World::wanted(&desired);
    let topics: Vec<String> = world
        .of_kind(KindName::Topic)
        .map(|it| it.address.to_string())
        .collect();
    let ask = || {
        let search = Search::of(&stack, &world);
        let everybody = Circle {
            who: &[Whom::Anyone],
            except: &[],
        };
        let one = |topic: &String| {
            let asked = questions(&world, "publish", topic).expect("a question");
            let holders = asked
                .iter()
                .map(|it| search.holders(&it.ask, &everybody, &mut Open::new()).len());
            holders.sum::<usize>()
        };
        topics.iter().map(one).sum::<usize>()
    };
    // A fifth of the edges publish by themselves, a fifth through an access role; and whoever may be
    // such a role, here a service, may do the same.
    assert_eq!(ask(), edges / 5 * 4);
    bencher
        .counter(ItemsCount::new(topics.len()))
        .bench_local(ask);
}
