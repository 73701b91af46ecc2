//! The stack changes: what is renamed, moved or turned over is planned, done once, and then over.

use provision::plan::Action;

use crate::sweep::difference;
use crate::world::{
    Command, apply, assert_in_step, count, destroy, plan, run, sandbox_for, spoken, text_of, wanted,
};

/// Applies one text, then another; gives what the second did. The end must be that of the second alone.
fn from_to(from: &str, to: &str) -> Vec<String> {
    let (from, to) = (wanted(&[from]), wanted(&[to]));
    run(async {
        let sandbox = sandbox_for([&from, &to]);
        apply(&from, &sandbox).await;
        let ran = apply(&to, &sandbox).await;
        assert_in_step(&to, &sandbox, "after the change").await;
        let alone = sandbox_for([&from, &to]);
        apply(&to, &alone).await;
        assert_eq!(difference(&alone.picture(), &sandbox.picture()), None);
        destroy(&to, &sandbox).await;
        assert!(sandbox.is_empty(), "{:#}", sandbox.picture());
        spoken(ran.plan())
    })
}

fn market() -> String {
    text_of("marketplace.toml")
}

/// The marketplace with words replaced; they must be in it.
fn market_with(words: &[(&str, &str)]) -> String {
    words.iter().fold(market(), |text, (old, new)| {
        assert!(text.contains(old), "`{old}` is not in the stack");
        text.replace(old, new)
    })
}

#[test]
fn a_renamed_role_is_made_and_the_old_one_goes_last() {
    let to = market_with(&[("roles.checkout", "roles.till")]);
    assert_eq!(
        from_to(&market(), &to),
        [
            "+ roles.till",
            "~ topics.order-events policy",
            "~ apis.orders policy",
            "~ stages.orders.live deployment",
            "- roles.checkout",
        ]
    );
}

#[test]
fn a_role_on_another_path_is_replaced() {
    let to = market_with(&[(
        "account     = \"shop\"\n",
        "account     = \"shop\"\npath = \"/shop/\"\n",
    )]);
    assert_eq!(
        from_to(&market(), &to),
        [
            "-/+ roles.checkout path",
            "~ topics.order-events policy",
            "~ apis.orders policy",
            "~ stages.orders.live deployment",
        ]
    );
}

#[test]
fn a_topic_turned_fifo_is_another_topic() {
    let from = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
                [topics.t]\naccount = \"a\"\n[queues.q]\naccount = \"a\"\nsubscribe = [{ topic = \"t\" }]\n";
    let to = from
        .replace("[topics.t]\n", "[topics.t]\nfifo = true\n")
        .replace("[queues.q]\n", "[queues.q]\nfifo = true\n");
    assert_eq!(
        from_to(from, &to),
        [
            "+ topics.t",
            "+ queues.q",
            "+ subscriptions.q.t",
            "- topics.t",
            "- queues.q",
            "- subscriptions.q.t",
        ]
    );
}

#[test]
fn a_queue_that_moves_to_another_account_is_made_there_and_leaves_here() {
    let to = market_with(&[
        (
            "[queues.billing-inbox]\naccount            = \"billing\"",
            "[queues.billing-inbox]\naccount            = \"orders\"",
        ),
        (
            "[queues.billing-dead-letters]\naccount   = \"billing\"",
            "[queues.billing-dead-letters]\naccount   = \"orders\"",
        ),
    ]);
    from_to(&market(), &to);
}

#[test]
fn a_topic_that_moves_to_another_account_is_subscribed_to_there() {
    let to = market_with(&[(
        "[topics.order-events]\naccount = \"orders\"",
        "[topics.order-events]\naccount = \"shop\"",
    )]);
    from_to(&market(), &to);
}

#[test]
fn a_role_that_moves_to_another_account_is_made_there_and_leaves_here() {
    let to = market_with(&[("account     = \"shop\"\n", "account     = \"orders\"\n")]);
    from_to(&market(), &to);
}

#[test]
fn an_api_that_moves_to_another_account_is_made_there_and_leaves_here() {
    let to = market_with(&[(
        "[apis.orders]\naccount = \"orders\"",
        "[apis.orders]\naccount = \"billing\"",
    )]);
    from_to(&market(), &to);
}

#[test]
fn a_renamed_stage_is_made_and_the_old_one_goes_with_its_deployment() {
    let to = market_with(&[("name = \"live\"", "name = \"prod\"")]);
    let plan = from_to(&market(), &to);
    assert!(
        plan.contains(&"+ stages.orders.prod".to_owned()),
        "{plan:?}"
    );
    assert!(
        plan.contains(&"- stages.orders.live".to_owned()),
        "{plan:?}"
    );
}

#[test]
fn a_resource_under_another_address_is_not_taken_for_a_stranger() {
    // The queue keeps its name in AWS and changes its place in the stack.
    let from = market_with(&[(
        "[queues.billing-dead-letters]\n",
        "[queues.billing-dead-letters]\nname = \"dead\"\n",
    )]);
    let to = from.replace("billing-dead-letters", "graveyard");
    let (from, to) = (wanted(&[&from]), wanted(&[&to]));
    run(async {
        let sandbox = sandbox_for([&from]);
        apply(&from, &sandbox).await;
        let before = sandbox.picture();
        let ran = Command::Apply(&to).with(&sandbox, []).await;
        let refusals = &ran.plan().refusals;
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        let said = &refusals[0].message;
        assert!(said.contains("queues.billing-dead-letters"), "{said}");
        assert_eq!(
            difference(&before, &sandbox.picture()),
            None,
            "nothing was done"
        );
    });
}

#[test]
fn a_consumer_leaves_together_with_its_account() {
    let one = market();
    let without = {
        let mut text = String::new();
        let mut keep = true;
        for line in one.lines() {
            if line.starts_with('[') {
                keep = true;
            }
            if line.contains("accounts.shop") || line.contains("roles.checkout]") {
                keep = false;
            }
            if keep {
                text += line;
                text += "\n";
            }
        }
        // The accesses of checkout go with it.
        let parts: Vec<&str> = text.split("[[access]]").collect();
        let kept: Vec<&str> = parts
            .into_iter()
            .filter(|it| !it.contains("\"roles.checkout\""))
            .collect();
        kept.join("[[access]]")
    };
    let (with, without) = (wanted(&[&one]), wanted(&[&without]));
    run(async {
        let sandbox = sandbox_for([&with]);
        apply(&with, &sandbox).await;
        let planned = plan(&without, &sandbox).await;
        assert_eq!(count(&planned, Action::Create), 0);
        apply(&without, &sandbox).await;
        assert_in_step(&without, &sandbox, "without the account").await;
        // The account is not in the stack any more, so what is left in it cannot be seen from there.
        apply(&with, &sandbox).await;
        assert_in_step(&with, &sandbox, "with it again").await;
        destroy(&with, &sandbox).await;
        assert!(sandbox.is_empty());
    });
}

#[test]
fn an_api_that_turns_from_private_to_edge_keeps_its_id() {
    let text = text_of("private-api.toml");
    let desired = wanted(&[&text]);
    let private = desired.wants.values().any(|it| match &it.resource {
        provision::kinds::Resource::RestApi(api) => api.endpoint.as_str() == "PRIVATE",
        _ => false,
    });
    assert!(private, "the stack has a private API");
    let from = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
                [roles.r]\naccount = \"a\"\ntrusted_by = \"ec2.amazonaws.com\"\n\
                [apis.p]\naccount = \"a\"\nstage = \"live\"\nendpoint = \"private\"\nvpc_endpoints = [\"vpce-0123456789abcdef0\"]\n\
                [apis.p.routes]\n\"GET /x\" = { mock = 200 }\n\
                [[access]]\nfrom = \"roles.r\"\nto = \"apis.p\"\nallow = [\"GET /x\"]\nvia = \"resource-policy\"\n";
    let to = from
        .replace("\"private\"", "\"edge\"")
        .replace("vpc_endpoints = [\"vpce-0123456789abcdef0\"]\n", "");
    let plan = from_to(from, &to);
    assert!(plan.iter().any(|it| it.starts_with("~ apis.p")), "{plan:?}");
    assert!(!plan.iter().any(|it| it.starts_with("-/+")), "{plan:?}");
}

#[test]
fn everything_about_a_way_may_change_at_once() {
    // The stage's name is in the caller's policy, so whatever comes first, the old way ends with it.
    let from = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
                [accounts.b]\nid = \"222222222222\"\n\
                [roles.r]\naccount = \"b\"\ntrusted_by = \"ec2.amazonaws.com\"\n\
                [apis.p]\naccount = \"a\"\nstage = \"live\"\nendpoint = \"regional\"\n\
                [apis.p.routes]\n\"GET /x\" = { mock = 200 }\n\
                [[access]]\nfrom = \"roles.r\"\nto = \"apis.p\"\nallow = [\"GET /x\"]\nvia = \"resource-policy\"\n";
    let to = from
        .replace(
            "\"regional\"",
            "\"private\"\nvpc_endpoints = [\"vpce-0123456789abcdef0\"]",
        )
        .replace("\"live\"", "\"prod\"")
        .replace("\"resource-policy\"", "\"assume-role\"");
    from_to(from, &to);
}

#[test]
fn a_role_that_trusts_another_is_no_way_for_it() {
    let from = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
                [accounts.b]\nid = \"222222222222\"\n\
                [roles.r]\naccount = \"b\"\ntrusted_by = \"ec2.amazonaws.com\"\n\
                [apis.p]\naccount = \"b\"\n[apis.p.routes]\n\"GET /x\" = { mock = 200 }\n";
    let access = "[[access]]\nfrom = \"roles.r\"\nto = \"apis.p\"\nallow = [\"GET /x\"]\n";
    let other = "[roles.q]\naccount = \"a\"\ntrusted_by = [\"ec2.amazonaws.com\", \"roles.r\"]\n";
    // Its access ends, and another that trusts it begins to have one.
    let to = format!("{from}{other}{}", access.replace("roles.r", "roles.q"));
    from_to(&format!("{from}{access}"), &to);
}
