//! Twelve faults that Terraform 1.15 with its AWS provider 3.39 showed on stacks like ours, each
//! tried here: it is caught, and what is printed of it is in the table, or it cannot happen.

use std::time::Duration;

use provision::cloud::Service;
use provision::cloud::sandbox::Habits;
use provision::cloud::seam::{FaultRule, Trouble};
use provision::drift::Drift;
use provision::report;
use serde_json::json;
use tokio::time::Instant;

use crate::drift::subscribe_stranger;
use crate::operator::{
    SHOP, anybody, crown, deploy, remake_role, rewrite_topic, set_api_policy, unsign,
};
use crate::sweep::difference;
use crate::world::{
    Command, Ran, apply, assert_in_step, destroy, drift, run, sandbox_for, text_of, wanted,
};

fn market() -> String {
    text_of("marketplace.toml")
}

fn slow(seconds: u64) -> Habits {
    Habits {
        propagation: Duration::from_secs(seconds),
        ..Habits::default()
    }
}

/// How an apply ended, as it is told.
fn told(ran: &Ran) -> String {
    let text = report::human::outcomes(ran.plan(), &ran.outcomes, "provision apply");
    report::style::plain(&text)
}

/// How the program is called.
fn commands() -> report::drift::Commands {
    report::drift::Commands {
        drift: "provision drift".to_owned(),
        apply: "provision apply".to_owned(),
    }
}

/// What drift says, without its colours.
fn said(drift: &Drift) -> String {
    report::style::plain(&report::drift::human(drift, &commands()))
}

/// Asserts that a text says each of these.
fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "`{word}` is not in\n{text}");
    }
}

/// A stack with this many roles of one account, each let into the API by an access role of its own.
fn many(count: usize) -> String {
    let mut text = "[stack]\nname = \"many\"\nregion = \"eu-west-1\"\n\
                    [accounts.a]\nid = \"111111111111\"\n[accounts.b]\nid = \"222222222222\"\n\
                    [queues.alone]\naccount = \"b\"\n[apis.shop]\naccount = \"b\"\n[apis.shop.routes]\n"
        .to_owned();
    for number in 0..16 {
        text += &format!(
            "\"GET /r{number}\" = {{ mock = 200 }}\n\"POST /r{number}\" = {{ mock = 201 }}\n"
        );
    }
    for number in 0..count {
        text += &format!(
            "[roles.c{number}]\naccount = \"a\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
             [[access]]\nfrom = \"roles.c{number}\"\nto = \"apis.shop\"\nallow = [\"GET /r0\"]\nvia = \"assume-role\"\n"
        );
    }
    text
}

#[test]
fn fault_1_a_new_role_that_is_not_seen_yet_does_not_fail_the_first_apply() {
    let desired = wanted(&[&market()]);
    run(async {
        let sandbox = sandbox_for([&desired]).with(slow(8));
        let ran = apply(&desired, &sandbox).await;
        says(&told(&ran), &["Applied 12 changes in 3 accounts"]);
    });
}

#[test]
fn faults_2_and_3_ten_roles_that_wait_stop_nothing_else_and_no_wait_overshoots() {
    let desired = wanted(&[&many(10)]);
    run(async {
        let sandbox = sandbox_for([&desired]).with(slow(12));
        let began = Instant::now();
        let ran = apply(&desired, &sandbox).await;
        let took = began.elapsed();
        assert!(took < Duration::from_secs(20), "{took:?}: {}", ran.story());
        // What waits for no role was not held up by those that do.
        let sent = |action: &str| {
            let found = ran.records.iter().find(|it| it.action == action);
            found.expect("it is called").sent
        };
        assert!(
            sent("CreateQueue") < Duration::from_secs(2),
            "{}",
            ran.story()
        );
        assert!(
            sent("CreateRestApi") < Duration::from_secs(2),
            "{}",
            ran.story()
        );
    });
}

#[test]
fn fault_4_a_role_made_anew_is_seen_and_pinned_again_in_every_document() {
    let desired = wanted(&[&market()]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        remake_role(&sandbox, SHOP, "checkout").await;
        says(
            &said(&drift(&desired, &sandbox).await),
            &["deleted", "checkout", "AROA"],
        );
        apply(&desired, &sandbox).await;
        assert_in_step(&desired, &sandbox, "pinned again").await;
    });
}

#[test]
fn fault_5_what_was_added_is_as_loud_as_what_is_missing() {
    let desired = wanted(&[&market()]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        crown(&sandbox, SHOP, "checkout", "god").await;
        subscribe_stranger(&sandbox).await;
        unsign(&sandbox, "POST", "/orders").await;
        rewrite_topic(&sandbox, |it| it.push(anybody("theirs"))).await;
        let text = said(&drift(&desired, &sandbox).await);
        says(&text, &["god", "spy", "POST /orders", "theirs"]);
    });
}

#[test]
fn fault_6_a_policy_that_is_put_right_is_deployed() {
    let desired = wanted(&[&market()]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        let open = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"},
        ]});
        set_api_policy(&sandbox, &open.to_string()).await;
        deploy(&sandbox, "by hand").await;
        let ran = apply(&desired, &sandbox).await;
        let deployed = ran
            .records
            .iter()
            .filter(|it| it.action == "CreateDeployment" && it.outcome.is_ok());
        assert_eq!(deployed.count(), 1);
        assert_in_step(&desired, &sandbox, "served as the stack says").await;
    });
}

#[test]
fn fault_7_killed_while_it_makes_an_api_there_is_still_one_api_in_the_end() {
    let desired = wanted(&[&market()]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        let dead = FaultRule::new(Trouble::StopAfter).on(Service::ApiGateway, "CreateRestApi");
        let ran = Command::Apply(&desired).with(&sandbox, [dead]).await;
        assert!(!ran.came_off());
        says(&told(&ran), &["provision apply"]);
        let ran = apply(&desired, &sandbox).await;
        let by_action = ran.ledger.by_action();
        assert_eq!(by_action.get(&(Service::ApiGateway, "CreateRestApi")), None);
        let alone = sandbox_for([&desired]);
        apply(&desired, &alone).await;
        assert_eq!(difference(&alone.picture(), &sandbox.picture()), None);
    });
}

#[test]
fn fault_8_a_consumer_leaves_in_one_run_and_its_account_when_it_is_empty() {
    let (with, without) = (wanted(&[&many(3)]), wanted(&[&many(2)]));
    run(async {
        let sandbox = sandbox_for([&with]);
        apply(&with, &sandbox).await;
        let ran = apply(&without, &sandbox).await;
        says(&told(&ran), &["Removed 2 resources in 2 accounts"]);
        assert_in_step(&without, &sandbox, "without it").await;
    });
}

#[test]
fn fault_9_a_replacement_that_fails_half_way_is_told_and_finished_by_the_same_command() {
    let to = market().replacen(
        "account     = \"shop\"\n",
        "account     = \"shop\"\npath = \"/shop/\"\n",
        1,
    );
    let (from, to) = (wanted(&[&market()]), wanted(&[&to]));
    run(async {
        let sandbox = sandbox_for([&from, &to]);
        apply(&from, &sandbox).await;
        let refused = FaultRule::new(Trouble::Deny).on(Service::Iam, "CreateRole");
        let ran = Command::Apply(&to).with(&sandbox, [refused]).await;
        says(&told(&ran), &["roles.checkout", "provision apply"]);
        apply(&to, &sandbox).await;
        assert_in_step(&to, &sandbox, "finished").await;
    });
}

#[test]
fn fault_10_three_teams_in_three_accounts_take_one_apply_and_no_arn_by_hand() {
    let text = market();
    assert!(
        !text.contains("arn:aws:iam::"),
        "no role's ARN is written by hand"
    );
    let desired = wanted(&[&text]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        assert_in_step(&desired, &sandbox, "after one apply").await;
    });
}

#[test]
fn fault_11_no_call_is_throttled_with_thirty_two_methods_at_awss_own_rates() {
    let desired = wanted(&[&many(10)]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        let made = apply(&desired, &sandbox).await;
        let gone = destroy(&desired, &sandbox).await;
        assert_eq!((made.ledger.throttled(), gone.ledger.throttled()), (0, 0));
    });
}

#[test]
fn fault_12_an_api_goes_in_one_call_with_all_its_methods() {
    let desired = wanted(&[&many(1)]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        let gone = destroy(&desired, &sandbox).await;
        let writes: Vec<&str> = gone
            .records
            .iter()
            .filter(|it| it.writes && it.service == Service::ApiGateway)
            .map(|it| it.action)
            .collect();
        assert_eq!(writes, ["DeleteRestApi"]);
        assert!(sandbox.is_empty());
    });
}
