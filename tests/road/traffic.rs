//! Topics, queues, roles and APIs are renamed and moved under traffic: wherever the change stops, it flows.
//!
//! Traffic is told by addresses, for the ARNs change: a role publishes to a topic that delivers to a queue,
//! or calls a stage of an API. Who may do so is decided by the evaluator over what the cloud has at that moment.

use std::collections::{BTreeMap, BTreeSet};

use provision::cloud::Sandbox;
use provision::cloud::seam::{FaultRule, Trouble};
use provision::lower::Desired;
use provision::policy::{Decision, Document, Policies, Request, Who, decide};
use serde_json::Value;

use crate::reached::{Snapshot, fields};
use crate::world::{Command, apply, assert_in_step, run, sandbox_for, wanted};

/// From where to where something flows, by the addresses that the marks say.
type Flow = (String, String);
/// What flows, with the ways by which it does: ARNs of what asks and of what is asked.
type Flows = BTreeMap<Flow, BTreeSet<String>>;

fn address(of: &Value) -> String {
    of["tags"]["provision:address"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// A queue: its ARN, address and policy.
fn queues(picture: &Value) -> Vec<(String, String, Option<Document>)> {
    let mut found = Vec::new();
    for (account, it) in fields(picture) {
        for (region, it) in fields(&it["regions"]) {
            for (name, queue) in fields(&it["queues"]) {
                let policy = queue["attributes"]["Policy"].as_str();
                let policy = policy.filter(|it| !it.is_empty());
                let policy = policy.map(|it| Document::parse(it).expect("a policy"));
                let arn = format!("arn:aws:sqs:{region}:{account}:{name}");
                found.push((arn, address(queue), policy));
            }
        }
    }
    found
}

/// Whether a queue's policy lets a topic deliver.
fn takes(queue: &str, policy: Option<&Document>, topic: &str) -> bool {
    let request = Request::new(
        Who::Service("sns.amazonaws.com".to_owned()),
        "sqs:SendMessage",
        queue,
    )
    .with("aws:SourceArn", [topic]);
    let policies = Policies {
        resource: policy.cloned(),
        ..Policies::default()
    };
    decide(&request, &policies).decision == Decision::Allow
}

/// The routes of an API's stages that do their work: the role that the deployed integration works as is there, may do
/// it, and the queue is there too. Functions are another's.
fn works(picture: &Value, account: &str, api: &Value) -> Vec<Flow> {
    let from = address(&api["about"]);
    let mut found = Vec::new();
    for (_, stage) in fields(&api["stages"]) {
        let deployed = &api["deployments"][stage["deployment"].as_str().expect("an id")];
        for (path, methods) in fields(&deployed["methods"]) {
            for (verb, method) in fields(methods) {
                let integration = &method["integration"];
                let Some(uri) = integration["uri"].as_str() else {
                    continue;
                };
                let request = if let Some((head, queue)) = uri.split_once(":sqs:path/") {
                    let region = head.rsplit(':').next().expect("a region");
                    let (owner, name) = queue.split_once('/').expect("a queue");
                    let there = &picture[owner]["regions"][region]["queues"][name];
                    let arn = format!("arn:aws:sqs:{region}:{owner}:{name}");
                    (!there.is_null()).then_some(("sqs:SendMessage", arn))
                } else {
                    let function = uri.split_once("/functions/").expect("a function").1;
                    let arn = function.strip_suffix("/invocations").expect("a call");
                    Some(("lambda:InvokeFunction", arn.to_owned()))
                };
                let may = match integration["credentials"].as_str() {
                    None => true,
                    Some(role) => request.is_some_and(|(action, resource)| {
                        let roles = &picture[account]["roles"];
                        let role = fields(roles).into_iter().find(|(_, it)| it["arn"] == role);
                        role.is_some_and(|(_, it)| {
                            let inline = fields(&it["inline"]);
                            let documents = inline.into_iter().map(|(_, it)| {
                                Document::parse(it.as_str().expect("a text")).expect("a policy")
                            });
                            let who = Who::Arn(it["arn"].as_str().expect("an ARN").to_owned());
                            let policies = Policies {
                                identity: documents.collect(),
                                ..Policies::default()
                            };
                            let request = Request::new(who, action, resource);
                            decide(&request, &policies).decision == Decision::Allow
                        })
                    }),
                };
                if may {
                    found.push((from.clone(), format!("{verb} {path}")));
                }
            }
        }
    }
    found
}

/// Everything that flows: topic to queue, role through topic to queue, and role to API.
fn flows(sandbox: &Sandbox) -> Flows {
    let picture = sandbox.picture();
    let snapshot = Snapshot::of(sandbox);
    let reached = snapshot.reached();
    let queues = queues(&picture);
    let mut roles = Vec::new();
    for (_, it) in fields(&picture) {
        for (_, role) in fields(&it["roles"]) {
            roles.push((
                role["arn"].as_str().expect("an ARN").to_owned(),
                address(role),
            ));
        }
    }
    let who = |arn: &str| {
        let of = roles.iter().find(|(it, _)| it == arn);
        of.map(|(_, it)| it.clone()).unwrap_or_default()
    };
    let mut found = Flows::new();
    let mut flow = |from: String, to: String, ways: BTreeSet<String>| {
        found.entry((from, to)).or_default().extend(ways);
    };
    for (account, it) in fields(&picture) {
        for (region, it) in fields(&it["regions"]) {
            for (name, topic) in fields(&it["topics"]) {
                let arn = format!("arn:aws:sns:{region}:{account}:{name}");
                let subscriptions = topic["subscriptions"].as_array().expect("a list");
                for it in subscriptions.iter().filter(|it| it["confirmed"] == true) {
                    let endpoint = it["endpoint"].as_str().expect("an endpoint");
                    let queue = queues.iter().find(|(it, _, _)| it == endpoint);
                    let Some((queue, to, policy)) = queue else {
                        continue;
                    };
                    if !takes(queue, policy.as_ref(), &arn) {
                        continue;
                    }
                    let way = BTreeSet::from([format!("{arn} {queue}")]);
                    flow(address(topic), to.clone(), way);
                    for (from, what) in reached.iter().filter(|(_, (_, it))| *it == arn) {
                        let ways = snapshot.ways(from, what).into_iter();
                        let ways = ways.map(|it| format!("{it} {arn} {queue}"));
                        flow(who(from), to.clone(), ways.collect());
                    }
                }
            }
            for (_, api) in fields(&it["apis"]) {
                // A deployment takes one integration's place by another's in one call.
                for (from, to) in works(&picture, account, api) {
                    flow(from, to, BTreeSet::from([String::new()]));
                }
                let id = api["about"]["id"].as_str().expect("an id");
                let to = api["about"]["tags"]["provision:address"]
                    .as_str()
                    .unwrap_or_default();
                let head = format!(":{id}/");
                for (from, what) in reached.iter().filter(|(_, (_, it))| it.contains(&head)) {
                    let ways = snapshot.ways(from, what).into_iter();
                    let ways = ways.map(|it| format!("{it} {}", what.1));
                    let method = what.1.splitn(3, '/').nth(2).unwrap_or_default();
                    flow(who(from), format!("{to} {method}"), ways.collect());
                }
            }
            for (name, queue) in fields(&it["queues"]) {
                let arn = format!("arn:aws:sqs:{region}:{account}:{name}");
                for (from, what) in reached.iter().filter(|(_, (_, it))| *it == arn) {
                    let ways = snapshot.ways(from, what).into_iter();
                    let ways = ways.map(|it| format!("{it} {arn}"));
                    let to = format!("{} {}", address(queue), what.0);
                    flow(who(from), to, ways.collect());
                }
            }
        }
    }
    // Access roles come and go.
    found.retain(|(from, to), _| {
        let is_steady = matches!(from.as_str(), "topics.events" | "roles.shop");
        (is_steady || from.starts_with("apis.")) && !to.is_empty()
    });
    found
}

/// Changes one stack into another, stopping dead after each call; what flows before and after flows all the time, and
/// what one call changes has a way that is there before and after it.
fn keeps_flowing(from: &str, to: &str) {
    let (from, to): (Desired, Desired) = (wanted(&[from]), wanted(&[to]));
    run(async {
        let base = sandbox_for([&from, &to]);
        apply(&from, &base).await;
        let before = flows(&base);
        let undisturbed = base.fork();
        let ran = apply(&to, &undisturbed).await;
        assert_in_step(&to, &undisturbed, "after the change").await;
        let after = flows(&undisturbed);
        let ends: Vec<&Flow> = before.keys().filter(|it| !after.contains_key(it)).collect();
        assert!(ends.is_empty(), "nothing of it is meant to end: {ends:?}");
        assert!(!before.is_empty());
        let mut wrong = Vec::new();
        let mut records: Vec<_> = ran.records.iter().filter(|it| it.writes).collect();
        records.sort_by_key(|it| it.number);
        let none = BTreeSet::new();
        let mut earlier = before.clone();
        for record in records {
            let sandbox = base.fork();
            let rule = FaultRule::at(record.number, Trouble::StopAfter);
            Command::Apply(&to).with(&sandbox, [rule]).await;
            let now = flows(&sandbox);
            for it in before.keys() {
                let (old, new) = (&earlier[it], now.get(it).unwrap_or(&none));
                if old.is_disjoint(new) {
                    wrong.push(format!("{record}: {it:?} by {old:?}, then {new:?}"));
                }
            }
            earlier = before
                .keys()
                .map(|it| (it.clone(), now.get(it).unwrap_or(&none).clone()))
                .collect();
            apply(&to, &sandbox).await;
            assert_in_step(&to, &sandbox, "after the second run").await;
        }
        let calls: Vec<String> = ran.records.iter().map(ToString::to_string).collect();
        assert!(wrong.is_empty(), "{wrong:#?}\ncalls: {calls:#?}");
    });
}

/// A publisher in one account, a topic and an API in another, a queue with dead letters in a third.
const STACK: &str = r#"
[stack]
name = "s"
region = "eu-west-1"

[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[accounts.c]
id = "333333333333"
[accounts.d]
id = "222222222222"
region = "eu-central-1"

[roles.shop]
account = "a"
trusted_by = "ec2.amazonaws.com"

[topics.events]
account = "b"

[queues.inbox]
account = "c"
subscribe = [{ topic = "events", dead_letter = "lost" }]
dead_letter = { queue = "dead", max_receives = 3 }
[queues.dead]
account = "c"
[queues.lost]
account = "c"

[apis.orders]
account = "b"
[apis.orders.routes]
"GET /x" = { mock = 200 }

[[access]]
from = "roles.shop"
to = "topics.events"

[[access]]
from = "roles.shop"
to = "apis.orders"
allow = ["GET /x"]
"#;

/// The stack with words replaced, which must be in it; there and back again.
fn there_and_back(words: &[(&str, &str)]) {
    let to = words.iter().fold(STACK.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "`{old}` is not in the stack");
        text.replace(old, new)
    });
    keeps_flowing(STACK, &to);
    keeps_flowing(&to, STACK);
}

#[test]
fn a_renamed_queue_is_subscribed_before_the_old_one_is_not() {
    there_and_back(&[("[queues.inbox]\n", "[queues.inbox]\nname = \"inbox-v2\"\n")]);
}

#[test]
fn a_queue_that_moves_is_subscribed_before_the_old_one_is_not() {
    let moved = |name: &str| {
        (
            format!("[queues.{name}]\naccount = \"c\""),
            format!("[queues.{name}]\naccount = \"a\""),
        )
    };
    let all = ["inbox", "dead", "lost"].map(moved);
    let words: Vec<(&str, &str)> = all.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    there_and_back(&words);
    there_and_back(&[("region = \"eu-west-1\"", "region = \"eu-central-1\"")]);
}

#[test]
fn who_uses_a_queue_uses_both_while_it_is_renamed_or_moves_and_the_mechanism_changes() {
    let way = |via: &str| {
        format!(
            "\n[[access]]\nfrom = \"roles.shop\"\nto = \"queues.jobs\"\nallow = [\"send\", \"receive\"]\nvia = \"{via}\"\n"
        )
    };
    let jobs = |queue: &str, via: &str| format!("{STACK}\n[queues.jobs]\n{queue}\n{}", way(via));
    let from = jobs("account = \"c\"", "resource-policy");
    for (queue, via) in [
        ("account = \"c\"\nname = \"jobs-v2\"", "resource-policy"),
        ("account = \"b\"", "assume-role"),
        ("account = \"a\"", "resource-policy"),
    ] {
        let to = jobs(queue, via);
        keeps_flowing(&from, &to);
        keeps_flowing(&to, &from);
    }
}

#[test]
fn topic_and_queues_that_become_fifo_are_made_before_the_old_ones_go() {
    there_and_back(&[
        ("[topics.events]\n", "[topics.events]\nfifo = true\n"),
        ("[queues.inbox]\n", "[queues.inbox]\nfifo = true\n"),
        ("[queues.dead]\n", "[queues.dead]\nfifo = true\n"),
        ("[queues.lost]\n", "[queues.lost]\nfifo = true\n"),
    ]);
}

#[test]
fn a_queue_that_stays_takes_from_both_topics_while_one_is_renamed_or_moved() {
    there_and_back(&[(
        "[topics.events]\n",
        "[topics.events]\nname = \"events-v2\"\n",
    )]);
    there_and_back(&[(
        "[topics.events]\naccount = \"b\"",
        "[topics.events]\naccount = \"c\"",
    )]);
}

#[test]
fn a_queue_takes_from_both_topics_while_the_role_that_uses_it_is_made_again() {
    let used = format!(
        "{STACK}\n[roles.worker]\naccount = \"c\"\ntrusted_by = \"ec2.amazonaws.com\"\n\
         [[access]]\nfrom = \"roles.worker\"\nto = \"queues.inbox\"\nallow = [\"send\", \"receive\"]\n"
    );
    let to = used
        .replace("[roles.worker]\n", "[roles.worker]\npath = \"/z/\"\n")
        .replace(
            "[topics.events]\naccount = \"b\"",
            "[topics.events]\naccount = \"c\"",
        );
    keeps_flowing(&used, &to);
    keeps_flowing(&to, &used);
}

#[test]
fn everything_is_renamed_at_once() {
    there_and_back(&[
        (
            "[topics.events]\n",
            "[topics.events]\nname = \"events-v2\"\n",
        ),
        ("[queues.inbox]\n", "[queues.inbox]\nname = \"inbox-v2\"\n"),
        ("[queues.dead]\n", "[queues.dead]\nname = \"dead-v2\"\n"),
        ("[queues.lost]\n", "[queues.lost]\nname = \"lost-v2\"\n"),
    ]);
}

#[test]
fn an_api_serves_where_it_moves_to_before_it_goes() {
    there_and_back(&[(
        "[apis.orders]\naccount = \"b\"",
        "[apis.orders]\naccount = \"d\"",
    )]);
    there_and_back(&[(
        "[apis.orders]\naccount = \"b\"",
        "[apis.orders]\naccount = \"c\"",
    )]);
}

#[test]
fn a_stage_with_another_name_serves_before_the_old_one_goes() {
    there_and_back(&[(
        "[apis.orders]\naccount = \"b\"",
        "[apis.orders]\naccount = \"b\"\nstage = \"next\"",
    )]);
}

#[test]
fn an_access_role_with_another_name_lets_in_before_the_old_one_goes() {
    let named = |name: &str| {
        format!("to = \"topics.events\"\nvia = \"assume-role\"\nrole_name = \"{name}\"")
    };
    let from = STACK.replace("to = \"topics.events\"", &named("one"));
    let to = STACK.replace("to = \"topics.events\"", &named("two"));
    keeps_flowing(&from, &to);
    let moved = from.replace(
        "[topics.events]\naccount = \"b\"",
        "[topics.events]\naccount = \"c\"",
    );
    keeps_flowing(&from, &moved);
}

#[test]
fn a_filter_is_never_read_against_the_other_scope() {
    let on_attributes = STACK.replace(
        "topic = \"events\", dead_letter",
        "topic = \"events\", filter = { kind = [\"a\"] }, dead_letter",
    );
    let on_body = on_attributes.replace(
        "filter = { kind = [\"a\"] }",
        "filter = { order = { kind = [\"a\"] } }, filter_on_body = true",
    );
    for (from, to) in [(&on_attributes, &on_body), (&on_body, &on_attributes)] {
        let (from, to) = (wanted(&[from]), wanted(&[to]));
        run(async {
            let base = sandbox_for([&from, &to]);
            apply(&from, &base).await;
            let ends = base.fork();
            let ran = apply(&to, &ends).await;
            assert_in_step(&to, &ends, "after the change").await;
            let whole = [filtered(&base), filtered(&ends)];
            assert_ne!(whole[0], whole[1]);
            for record in ran.records.iter().filter(|it| it.writes) {
                let sandbox = base.fork();
                let rule = FaultRule::at(record.number, Trouble::StopAfter);
                Command::Apply(&to).with(&sandbox, [rule]).await;
                let now = filtered(&sandbox);
                assert!(
                    now.0.is_none() || whole.contains(&now),
                    "after {record}: {now:?}"
                );
                apply(&to, &sandbox).await;
                assert_in_step(&to, &sandbox, "after the second run").await;
            }
        });
    }
}

/// The filter of the subscription, and its scope.
fn filtered(sandbox: &Sandbox) -> (Option<String>, Option<String>) {
    let picture = sandbox.picture();
    let topic = &picture["222222222222"]["regions"]["eu-west-1"]["topics"]["events"];
    let attributes = &topic["subscriptions"][0]["attributes"];
    let text = |name: &str| attributes[name].as_str().map(str::to_owned);
    assert!(attributes.is_object(), "{topic}");
    let filter = text("FilterPolicy").filter(|it| it != "{}");
    (filter, text("FilterPolicyScope"))
}

/// An API whose routes put messages on a queue and call a function.
const WORKING: &str = r#"
[stack]
name = "s"
region = "eu-west-1"

[accounts.b]
id = "222222222222"

[queues.jobs]
account = "b"

[roles.one]
account = "b"
trusted_by = "apigateway.amazonaws.com"
[roles.one.policies.work]
Version = "2012-10-17"
Statement = [{ Effect = "Allow", Action = "sqs:SendMessage", Resource = "*" }]

[apis.orders]
account = "b"
[apis.orders.routes]
"POST /jobs" = { sqs = "jobs" }
"POST /call" = { lambda = "arn:aws:lambda:eu-west-1:222222222222:function:first" }
"#;

/// The working stack with words replaced; there and back again.
fn works_there_and_back(words: &[(&str, &str)]) {
    let to = words.iter().fold(WORKING.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "`{old}` is not in the stack");
        text.replace(old, new)
    });
    keeps_flowing(WORKING, &to);
    keeps_flowing(&to, WORKING);
}

#[test]
fn a_stage_works_while_its_queue_is_renamed() {
    let renamed = ("[queues.jobs]\n", "[queues.jobs]\nname = \"jobs-v2\"\n");
    works_there_and_back(&[renamed]);
    works_there_and_back(&[renamed, ("function:first", "function:second")]);
}

#[test]
fn a_stage_works_while_its_function_is_another() {
    works_there_and_back(&[("function:first", "function:second")]);
}

#[test]
fn a_stage_works_while_its_routes_get_another_role() {
    let other = (
        "{ sqs = \"jobs\" }",
        "{ sqs = \"jobs\", credentials = \"one\" }",
    );
    works_there_and_back(&[other]);
    works_there_and_back(&[
        other,
        ("[queues.jobs]\n", "[queues.jobs]\nname = \"jobs-v2\"\n"),
    ]);
    let function = "function:first\" }";
    works_there_and_back(&[(function, "function:first\", credentials = false }")]);
}

#[test]
fn a_stage_works_while_its_role_is_renamed_or_goes() {
    let under = WORKING.replace(
        "{ sqs = \"jobs\" }",
        "{ sqs = \"jobs\", credentials = \"one\" }",
    );
    keeps_flowing(
        &under,
        &under.replace("[roles.one]\n", "[roles.one]\nname = \"two\"\n"),
    );
    let two = under
        .replace("[roles.one", "[roles.two")
        .replace("credentials = \"one\"", "credentials = \"two\"");
    keeps_flowing(&under, &two);
    keeps_flowing(&two, &under);
}
