//! What is let go of is nobody's: no command of the stack touches it again, and whatever works goes on.

use super::{Folder, Ran};

/// A folder with the marketplace in `shop.toml`, applied.
fn market() -> Folder {
    let folder = Folder::with_stacks();
    let text = folder.read("stacks/marketplace.toml");
    folder.write("shop.toml", &text);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    folder
}

fn forget(folder: &Folder, words: &str) -> Ran {
    folder.run(&format!("forget {words} --stack shop.toml --sandbox"))
}

/// Asserts that the stack has nothing to do with what it let go of.
#[track_caller]
fn at_rest(folder: &Folder) {
    folder
        .run("plan shop.toml --sandbox --detailed-exitcode")
        .ends(0);
    folder.run("drift shop.toml --sandbox").ends(0);
    folder.run("verify shop.toml --live --sandbox").ends(0);
}

#[test]
fn a_topic_that_others_use_stays_in_the_file_as_anothers() {
    let folder = market();
    forget(&folder, "topics.order-events --yes")
        .ends(0)
        .says("+existing = \"arn:aws:sns:eu-west-1:333333333333:order-events\"")
        .says("Access changes   0 gained  0 lost  broadened: no")
        .says("~ stays, as `Forgottendfd76b3eOwner`")
        .says("Calls   4 to make")
        .says("Plan: 0 to add, 1 to change, 0 to destroy.")
        .tells("Something in the stack speaks of `topics.order-events`: it stays there as `existing`")
        .tells("(22 reads, 4 writes)")
        .tells("Let go of topics.order-events: this stack does not touch it again; `shop.toml` written.");
    at_rest(&folder);
    forget(&folder, "topics.order-events")
        .ends(0)
        .tells("`topics.order-events` is `existing`: it is not this stack's")
        .tells("0 writes");
    folder.run("fmt --check shop.toml").ends(0);
    folder.run("destroy shop.toml --sandbox --yes").ends(0);
    let left = folder.read(".provision/sandbox.json");
    assert!(
        left.contains("Forgottendfd76b3eOwner"),
        "the topic is there"
    );
    assert!(
        !left.contains("Provisiondfd76b3e"),
        "its consumers' statements went"
    );
}

#[test]
fn all_of_a_stack_is_let_go_of_and_can_be_taken_back() {
    let folder = market();
    let all = "apis.orders topics.order-events queues.billing-inbox queues.billing-dead-letters \
               roles.checkout roles.invoicer roles.refunds";
    let told = forget(&folder, &format!("{all} --yes --json"))
        .ends(0)
        .document();
    assert_eq!(told["schema"], "provision.forget/1");
    assert_eq!(told["written"], true);
    let forgotten = told["forgotten"].as_array().expect("a list");
    assert_eq!(forgotten.len(), 7);
    assert!(
        forgotten.iter().all(|it| it["in_stack"] == "gone"),
        "{told:#}"
    );
    let steps = told["apply"]["steps"].as_array().expect("steps");
    assert!(steps.iter().all(|it| it["outcome"] == "done"), "{told:#}");
    let text = folder.read("shop.toml");
    assert!(
        !text.contains("\n[[access") && !text.contains("\n[roles"),
        "{text}"
    );
    at_rest(&folder);
    let world = folder.read(".provision/sandbox.json");
    folder
        .run("destroy shop.toml --sandbox --yes")
        .ends(0)
        .says("Nothing to do");
    assert_eq!(folder.read(".provision/sandbox.json"), world);

    // The old file does not take it back by itself; `import` and `--adopt` do.
    folder
        .run("apply stacks/marketplace.toml --sandbox --yes --prune")
        .ends(1)
        .tells("carries no mark of this stack");
    let accounts = "--account shop=111111111111:provision --account billing=222222222222:provision \
                    --account orders=333333333333:provision --region eu-west-1 --sandbox";
    let ran = folder
        .run(&format!(
            "import --stack marketplace {accounts} --name order* --name checkout --out back.toml"
        ))
        .ends(0);
    let (_, rest) = ran
        .out
        .split_once("Next: provision ")
        .expect("what is next");
    let next = rest.lines().next().expect("a command").replace(" \\", "");
    let adopt: String = next
        .split(" --adopt ")
        .skip(1)
        .map(|it| format!(" --adopt {it}"))
        .collect();
    folder
        .run(&format!(
            "apply back.toml --sandbox --yes{}",
            adopt.split("    ").next().unwrap_or_default()
        ))
        .ends(0);
    folder
        .run("plan back.toml --sandbox --detailed-exitcode")
        .ends(0);
}

#[test]
fn what_left_the_file_is_let_go_of_and_prune_leaves_it() {
    let folder = market();
    let text = folder.read("shop.toml");
    let (head, rest) = text.split_once("# ---- Billing").expect("billing's part");
    let (_, rest) = rest.split_once("# ---- Who may").expect("accesses");
    folder.write("shop.toml", &format!("{head}# ---- Who may{rest}"));
    folder
        .run("plan shop.toml --sandbox")
        .ends(0)
        .says("- queue billing-inbox");
    let ran = forget(
        &folder,
        "queues.billing-inbox queues.billing-dead-letters --yes",
    )
    .ends(0);
    ran.says("it left the stack, and stays")
        .tells("The next apply has this to do all the same: ~ topics.order-events");
    folder
        .run("apply shop.toml --sandbox --yes --prune")
        .ends(0)
        .says("0 to destroy");
    let world = folder.read(".provision/sandbox.json");
    assert!(world.contains("\"billing-inbox\"") && world.contains("\"billing-dead-letters\""));
    forget(&folder, "queues.billing-inbox --yes")
        .ends(1)
        .tells("nothing of the stack `marketplace` is called `queues.billing-inbox`");
}

#[test]
fn what_cannot_be_let_go_of_is_said_and_nothing_is_touched() {
    let folder = market();
    let before = (
        folder.read("shop.toml"),
        folder.read(".provision/sandbox.json"),
    );
    for (words, told) in [
        ("topics.order-event", "did you mean `topics.order-events`?"),
        (
            "subscriptions.billing-inbox.order-events",
            "let go of `queues.billing-inbox`",
        ),
        ("stages.orders.live", "let go of `apis.orders`"),
        (
            "roles.orders-for-refunds",
            "is made because roles.refunds uses apis.orders",
        ),
        (
            "topics.order-events --unreachable orders",
            "is in account `orders`, which is not entered",
        ),
    ] {
        forget(&folder, &format!("{words} --yes"))
            .ends(1)
            .tells(told);
    }
    forget(&folder, "orders")
        .ends(1)
        .tells("`orders` is not an address");
    let ran = forget(&folder, "apis.orders roles.checkout").ends(1);
    let (_, command) = ran
        .err
        .split_once("To go on without asking: provision ")
        .expect("the command");
    assert_eq!(
        before,
        (
            folder.read("shop.toml"),
            folder.read(".provision/sandbox.json")
        )
    );
    folder.run(command.trim()).ends(0);
    at_rest(&folder);
}

#[test]
fn an_api_that_was_changed_by_hand_is_not_deployed_on_the_way() {
    let folder = market();
    let world = folder.read(".provision/sandbox.json");
    assert!(world.contains("\"AWS_IAM\""));
    let changed = world.replacen("\"AWS_IAM\"", "\"NONE\"", 1);
    folder.write(".provision/sandbox.json", &changed);
    forget(&folder, "apis.orders --yes")
        .ends(1)
        .tells("letting go of `apis.orders` deploys it as it is now");
}

#[test]
fn what_is_left_of_a_stack_goes_after_its_api_was_let_go_of() {
    let folder = market();
    let apis = folder.read("shop.toml");
    let name = apis
        .lines()
        .find_map(|it| it.strip_prefix("[apis.")?.strip_suffix(']'));
    let name = name.expect("an API").to_owned();
    forget(&folder, &format!("apis.{name} --yes")).ends(0);
    at_rest(&folder);
    folder.run("destroy shop.toml --sandbox --yes").ends(0);
}

/// The stage serves what letting go has deployed, and the API's mark is there still: what a run leaves that was killed.
#[test]
fn letting_go_of_an_api_goes_on_from_a_stage_that_it_has_deployed() {
    let stack = "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[apis.web]\n\
        [apis.web.routes]\n\"GET /x\" = { mock = 200 }\n[roles.r]\ntrusted_by = \"lambda.amazonaws.com\"\n\
        [[access]]\nfrom = \"roles.r\"\nto = \"apis.web\"\nallow = [\"GET /x\"]\n";
    let folder = Folder::new();
    folder.write("shop.toml", stack);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    let world = |folder: &Folder| -> serde_json::Value {
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON")
    };
    let mut killed = world(&folder);
    forget(&folder, "apis.web --yes").ends(0);
    let done = world(&folder);
    let apis = |world: &serde_json::Value| {
        let region = &world["accounts"]["111111111111"]["regions"]["eu-west-1"];
        let apis = region["apis"].as_object().expect("APIs");
        apis.iter()
            .next()
            .map(|(id, it)| (id.clone(), it.clone()))
            .expect("an API")
    };
    let (id, after) = apis(&done);
    let api = &mut killed["accounts"]["111111111111"]["regions"]["eu-west-1"]["apis"][&id];
    api["stages"]["live"]["deployment"] = after["stages"]["live"]["deployment"].clone();
    for (id, it) in after["deployments"].as_object().expect("deployments") {
        api["deployments"][id] = it.clone();
    }
    assert_eq!(
        api["deployments"].as_object().map(serde_json::Map::len),
        Some(2)
    );
    folder.write(".provision/sandbox.json", &killed.to_string());
    folder.write("shop.toml", stack);
    forget(&folder, "apis.web --yes")
        .ends(0)
        .tells("`shop.toml` written");
    at_rest(&folder);
    let (_, api) = apis(&world(&folder));
    assert_eq!(
        api["deployments"].as_object().map(serde_json::Map::len),
        Some(1)
    );
    assert!(!api["about"].to_string().contains("provision:stack"));
}
