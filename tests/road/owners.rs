//! What another account owns, and what AWS does not show: it is reported, and the rest goes on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use provision::cloud::seam::{FaultRule, Trouble};
use provision::cloud::{Sandbox, Seam};
use provision::kinds::survey;
use provision::lower::Desired;
use provision::model::AccountId;
use provision::plan::{Consent, Plan};
use serde_json::Value;

use crate::world::{Command, address, apply, plan, run, spoken, wanted};

const STACK: &str = r#"
[stack]
name = "s"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[topics.events]
account = "a"
[queues.inbox]
account = "b"
subscribe = [{ topic = "events" }]
[queues.other]
account = "b"
"#;

const SUBSCRIPTION: &str = "subscriptions.inbox.events";

/// A folder with nothing in it.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("owners-{name}"));
    let _ = fs::remove_dir_all(&path);
    path
}

/// A sandbox with the stack applied, whose subscription this account made: SNS shows it as its owner.
async fn made_by(owner: &str, folder: &Path) -> Sandbox {
    let accounts = ["111111111111", "222222222222", "333333333333"];
    let accounts = accounts.map(|it| AccountId::parse(it).expect("an account"));
    let open = || Sandbox::open(folder, &accounts).expect("opened");
    let sandbox = open();
    apply(&wanted(&[STACK]), &sandbox).await;
    drop(sandbox);
    let file = folder.join("sandbox.json");
    let mut world: Value =
        serde_json::from_slice(&fs::read(&file).expect("a world")).expect("JSON");
    let topics = &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"]["topics"];
    let subscription = &mut topics["events"]["subscriptions"][0];
    subscription["owner"] = owner.into();
    subscription["principal"] = format!("arn:aws:sts::{owner}:assumed-role/x/y").into();
    fs::write(&file, world.to_string()).expect("written");
    open()
}

fn owner(sandbox: &Sandbox) -> String {
    let picture = sandbox.picture();
    let topics = &picture["111111111111"]["regions"]["eu-west-1"]["topics"];
    let owner = &topics["events"]["subscriptions"][0]["owner"];
    owner.as_str().unwrap_or_default().to_owned()
}

fn says(plan: &Plan) -> String {
    plan.halves.iter().map(|it| it.says.clone()).collect()
}

fn adopting() -> Consent {
    Consent {
        adopt: BTreeSet::from([address(SUBSCRIPTION)]),
        ..Consent::default()
    }
}

#[test]
fn a_subscription_that_the_topics_account_made_is_managed_there_and_taken_over_when_asked() {
    run(async {
        let folder = folder("1");
        let sandbox = made_by("111111111111", &folder).await;
        let same = wanted(&[STACK]);
        let found = plan(&same, &sandbox).await;
        assert_eq!(spoken(&found), Vec::<String>::new());
        assert!(
            says(&found).contains("account 111111111111 made this subscription"),
            "{}",
            says(&found)
        );

        let raw = STACK.replace("topic = \"events\"", "topic = \"events\", raw = true");
        let raw = wanted(&[&raw]);
        assert_eq!(
            spoken(apply(&raw, &sandbox).await.plan()),
            ["~ subscriptions.inbox.events raw"]
        );
        assert_eq!(owner(&sandbox), "111111111111");

        let ran = Command::Apply(&raw)
            .consenting(&sandbox, [], &adopting())
            .await;
        assert!(ran.came_off(), "{}", ran.story());
        assert_eq!(spoken(ran.plan()), ["-/+ subscriptions.inbox.events owner"]);
        assert_eq!(owner(&sandbox), "222222222222");
        let found = plan(&raw, &sandbox).await;
        assert_eq!((spoken(&found), says(&found)), (Vec::new(), String::new()));
    });
}

#[test]
fn a_subscription_that_the_topics_account_made_goes_with_the_stack() {
    run(async {
        let folder = folder("2");
        let sandbox = made_by("111111111111", &folder).await;
        Command::Destroy(&wanted(&[STACK])).done(&sandbox).await;
        assert!(sandbox.is_empty(), "{:#}", sandbox.picture());
    });
    // The same when it leaves the stack alone.
    run(async {
        let folder = folder("3");
        let sandbox = made_by("111111111111", &folder).await;
        let without = wanted(&[&STACK.replace("subscribe = [{ topic = \"events\" }]", "")]);
        apply(&without, &sandbox).await;
        assert_eq!(owner(&sandbox), "");
    });
}

#[test]
fn a_subscription_of_an_account_outside_the_stack_stays_and_can_be_taken_over() {
    run(async {
        let folder = folder("4");
        let sandbox = made_by("333333333333", &folder).await;
        let raw = STACK.replace("topic = \"events\"", "topic = \"events\", raw = true");
        let raw = wanted(&[&raw]);
        let found = plan(&raw, &sandbox).await;
        assert_eq!(spoken(&found), Vec::<String>::new());
        assert!(
            says(&found).contains("its settings stay as they are"),
            "{}",
            says(&found)
        );
        let ran = Command::Apply(&raw)
            .consenting(&sandbox, [], &adopting())
            .await;
        assert!(ran.came_off(), "{}", ran.story());
        assert_eq!(owner(&sandbox), "222222222222");
    });
}

/// A plan under faults.
async fn plan_with(desired: &Desired, sandbox: &Sandbox, rules: Vec<FaultRule>) -> Plan {
    let seam = Seam::around(sandbox).failing(rules);
    let reading = survey::read(&desired.stack, &desired.wants, &desired.reached(), &seam).await;
    let reading = reading.answered().expect("every account answers");
    Plan::to_apply(desired, reading, &Consent::default())
}

#[test]
fn a_subscription_out_of_reach_stops_nothing_else() {
    run(async {
        let folder = folder("5");
        let sandbox = made_by("333333333333", &folder).await;
        let rule = FaultRule {
            action: Some("GetSubscriptionAttributes".to_owned()),
            ..FaultRule::new(Trouble::Deny)
        };
        let changed = STACK.replace("[queues.other]\n", "[queues.other]\ndelay = \"5s\"\n");
        let found = plan_with(&wanted(&[&changed]), &sandbox, vec![rule]).await;
        assert_eq!(spoken(&found), ["~ queues.other delay"]);
        assert!(!found.lacks_own());
        let error = found.unread[0].error.to_string();
        assert!(
            error.contains("account 333333333333 made this subscription"),
            "{error}"
        );
        assert!(
            error.contains("--adopt subscriptions.inbox.events"),
            "{error}"
        );
    });
}

#[test]
fn what_aws_does_not_show_of_ours_stays_and_the_rest_goes_on() {
    run(async {
        let desired = wanted(&[STACK]);
        let sandbox = crate::world::sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        // A queue is renamed; another queue, which nobody may read, is left as it is.
        let denied = FaultRule {
            action: Some("GetQueueAttributes".to_owned()),
            nth: vec![1],
            ..FaultRule::new(Trouble::Deny)
        };
        let changed = STACK.replace(
            "[topics.events]\n",
            "[topics.events]\ndisplay_name = \"Events\"\n",
        );
        let found = plan_with(&wanted(&[&changed]), &sandbox, vec![denied]).await;
        assert_eq!(spoken(&found), ["~ topics.events display_name"]);
        assert!(found.lacks_own());
        let unread: Vec<_> = found.unread.iter().flat_map(|it| &it.addresses).collect();
        assert_eq!(unread, [&address("queues.inbox")]);
    });
}

#[test]
fn a_topic_that_does_not_list_its_subscriptions_leaves_those_of_our_queues_known() {
    run(async {
        let desired = wanted(&[STACK]);
        let sandbox = crate::world::sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        let denied = FaultRule {
            action: Some("ListSubscriptionsByTopic".to_owned()),
            ..FaultRule::new(Trouble::Deny)
        };
        let raw = STACK.replace("topic = \"events\"", "topic = \"events\", raw = true");
        let found = plan_with(&wanted(&[&raw]), &sandbox, vec![denied]).await;
        assert_eq!(spoken(&found), ["~ subscriptions.inbox.events raw"]);
        let unread: Vec<_> = found.unread.iter().flat_map(|it| &it.addresses).collect();
        assert_eq!(unread, [&address("topics.events")]);
    });
}
