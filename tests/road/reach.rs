//! Accounts that cannot be entered any more: left out by name, and everything else goes on.

use std::collections::BTreeSet;

use provision::cloud::Sandbox;
use provision::lower::Desired;
use provision::model::AccountId;

use crate::operator::{BILLING, ORDERS};
use crate::world::{
    Command, Ran, address, apply, assert_in_step, destroy, plan, run, sandbox_for, spoken, text_of,
    wanted,
};

/// The same stack, without entering an account.
fn without(desired: &Desired, id: &str) -> Desired {
    let id = AccountId::parse(id).expect("an account");
    Desired {
        unreachable: BTreeSet::from([id]),
        ..desired.clone()
    }
}

fn assert_not_entered(ran: &Ran, id: &str) {
    assert!(ran.came_off(), "{}", ran.story());
    let there = ran.records.iter().filter(|it| it.at.id.as_str() == id);
    assert_eq!(there.count(), 0, "{}", ran.story());
}

/// All that one account of a sandbox holds.
fn held(sandbox: &Sandbox, id: &str) -> String {
    let picture = sandbox.picture();
    let held = &picture[id];
    assert!(held.is_object(), "{picture:#}");
    format!("{held:#}")
}

#[test]
fn an_account_that_is_not_entered_leaves_the_rest_in_step() {
    run(async {
        let desired = wanted(&[&text_of("marketplace.toml")]);
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        // Whichever account it is: what stands elsewhere is as the stack says, API ids included.
        for place in &desired.places {
            let partial = without(&desired, place.id.as_str());
            assert_in_step(&partial, &sandbox, &place.account).await;
            let ran = apply(&partial, &sandbox).await;
            assert_not_entered(&ran, place.id.as_str());
            let left = &ran.plan().left;
            assert_eq!(left.len(), 1);
            assert_eq!(left[0].account, place.account);
            let there = desired.wants.iter().filter(|(_, it)| it.place == *place);
            let there: Vec<_> = there.map(|(address, _)| address.clone()).collect();
            assert_eq!(left[0].addresses, there);
            assert_eq!(left[0].waiting, []);
        }
    });
}

#[test]
fn a_consumer_goes_in_one_run_though_its_account_is_gone() {
    run(async {
        let text = text_of("marketplace.toml");
        let desired = wanted(&[&text]);
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        let before = held(&sandbox, BILLING);

        // Everything of billing leaves the stack, and nobody gets in there any more.
        let rest = text.split("[roles.invoicer]").next().expect("a head");
        let rest = format!(
            "{rest}\n[apis.orders]\naccount = \"orders\"\nstage = {{ name = \"live\", rate = 100, burst = 200 }}\n{}\n\
             [topics.order-events]\naccount = \"orders\"\n\
             [[access]]\nfrom = \"roles.checkout\"\nto = \"apis.orders\"\nallow = [\"POST /orders\", \"GET /orders/{{id}}\"]\n\
             via = \"resource-policy\"\n[[access]]\nfrom = \"roles.checkout\"\nto = \"topics.order-events\"\nvia = \"resource-policy\"\n",
            routes(&text)
        );
        let offboarded = without(&wanted(&[&rest]), BILLING);
        let ran = apply(&offboarded, &sandbox).await;
        assert_not_entered(&ran, BILLING);
        assert_eq!(
            spoken(ran.plan()),
            [
                "~ topics.order-events policy",
                "- roles.order-events-for-refunds",
                "- roles.orders-for-invoicer",
                "- roles.orders-for-refunds",
            ]
        );
        assert_eq!(held(&sandbox, BILLING), before);
        assert_in_step(&offboarded, &sandbox, "after it").await;
    });
}

/// The table of routes, as the stack has it.
fn routes(text: &str) -> &str {
    let from = text.find("[apis.orders.routes]").expect("routes");
    let rest = &text[from..];
    &rest[..rest.find("\n\n").expect("their end")]
}

#[test]
fn what_is_destroyed_without_an_account_is_finished_with_it() {
    run(async {
        let desired = wanted(&[&text_of("marketplace.toml")]);
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        let before = held(&sandbox, BILLING);

        let partial = without(&desired, BILLING);
        let ran = Command::Destroy(&partial).done(&sandbox).await;
        assert_not_entered(&ran, BILLING);
        assert!(ran.plan().left[0].holds(&address("queues.billing-inbox")));
        assert_eq!(held(&sandbox, BILLING), before);

        // The account is found again: the rest goes.
        destroy(&desired, &sandbox).await;
        assert!(sandbox.is_empty(), "{:#}", sandbox.picture());
    });
}

#[test]
fn what_waits_for_an_id_from_there_is_left_and_told() {
    run(async {
        let text = text_of("sync-assume-role.toml");
        let desired = wanted(&[&text]);
        let sandbox = sandbox_for([&desired]);
        let first =
            wanted(&[&text.replace("via   = \"assume-role\"", "via   = \"resource-policy\"")]);
        // Nothing is there yet: the caller's policy would name an API that nobody has seen.
        let partial = without(&first, ORDERS);
        let plan = plan(&partial, &sandbox).await;
        assert_eq!(plan.refusals, []);
        assert_eq!(spoken(&plan), Vec::<String>::new());
        assert_eq!(plan.left[0].waiting, [address("roles.invoicer")]);
    });
}
