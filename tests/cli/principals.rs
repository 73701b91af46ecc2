//! Each form of principal and each kind of target, as a person applies them.

use super::Folder;

/// Applies a stack on a new sandbox, verifies what is there, and applies again: nothing is left to do.
#[track_caller]
pub(super) fn holds(folder: &Folder, stack: &str) {
    folder.write("stack.toml", stack);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    folder.run("verify stack.toml --sandbox sb --live").ends(0);
    folder
        .run("plan stack.toml --sandbox sb")
        .ends(0)
        .says("Nothing to do");
}

/// A stack of four accounts, each in a region of its own.
const REGIONS: &str = r#"
[stack]
name = "regions"
[accounts]
home  = { id = "111111111111", region = "eu-west-1" }
cape  = { id = "222222222222", region = "af-south-1" }
milan = { id = "333333333333", region = "eu-south-1" }
osaka = { id = "444444444444", region = "ap-northeast-3" }
[topics.orders]
account = "home"
[topics.cape]
account = "cape"
[queues.in-cape]
account   = "cape"
subscribe = "orders"
[queues.in-milan]
account   = "milan"
subscribe = ["cape", { topic = "orders", dead_letter = "lost" }]
[queues.in-home]
account   = "home"
subscribe = "cape"
[queues.in-osaka]
account   = "osaka"
subscribe = "orders"
[accounts.milan-home]
id     = "333333333333"
region = "eu-west-1"
[queues.lost]
account = "milan-home"
"#;

#[test]
fn a_topic_delivers_into_opt_in_regions_and_out_of_them() {
    let folder = Folder::new();
    holds(&folder, REGIONS);
    let world = folder.read("sb/sandbox.json");
    let world: serde_json::Value = serde_json::from_str(&world).expect("JSON");
    for (account, region, queue, services) in [
        (
            "222222222222",
            "af-south-1",
            "in-cape",
            &["sns.af-south-1.amazonaws.com"][..],
        ),
        (
            "333333333333",
            "eu-south-1",
            "in-milan",
            &["sns.eu-south-1.amazonaws.com"],
        ),
        (
            "111111111111",
            "eu-west-1",
            "in-home",
            &["sns.af-south-1.amazonaws.com"],
        ),
        (
            "444444444444",
            "ap-northeast-3",
            "in-osaka",
            &["sns.ap-northeast-3.amazonaws.com"],
        ),
        ("333333333333", "eu-west-1", "lost", &["sns.amazonaws.com"]),
    ] {
        let queue = &world["accounts"][account]["regions"][region]["queues"][queue];
        let policy = queue["attributes"]["Policy"].as_str().expect("a policy");
        let policy: serde_json::Value = serde_json::from_str(policy).expect("JSON");
        let statements = policy["Statement"].as_array().expect("statements").iter();
        let found: Vec<&str> = statements
            .filter_map(|it| it["Principal"]["Service"].as_str())
            .collect();
        assert_eq!(found, services, "{policy}");
    }
}

#[test]
fn a_queue_that_lets_in_sns_of_another_region_receives_nothing() {
    let folder = Folder::new();
    holds(&folder, REGIONS);
    let world = folder.read("sb/sandbox.json");
    // What AWS's documentation of one region has, in a policy of an opt-in region.
    folder.write(
        "sb/sandbox.json",
        &world.replace("sns.eu-south-1.amazonaws.com", "sns.amazonaws.com"),
    );
    folder
        .run("verify stack.toml --sandbox sb --live")
        .ends(3)
        .says("the policy of queues.in-milan does not name sns.eu-south-1.amazonaws.com");
    folder
        .run("drift stack.toml --sandbox sb")
        .ends(2)
        .says("queues.in-milan");
}
