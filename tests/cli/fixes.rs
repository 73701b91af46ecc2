//! The last line of each finding is the one command that ends it, or what to do elsewhere where no command can.

use serde_json::{Value, json};

use super::Folder;

const WORLD: &str = ".provision/sandbox.json";

const STACK: &str = r#"[stack]
name = "s"
region = "eu-west-1"
[accounts]
a = { id = "111111111111" }
b = { id = "222222222222" }
[topics.t]
account = "a"
[queues.q]
account = "a"
subscribe = "t"
[roles.w]
account = "b"
trusted_by = "lambda.amazonaws.com"
[apis.x]
account = "a"
routes = { "GET /s" = { mock = 200 } }
[[access]]
from = "roles.w"
to = "topics.t"
via = "resource-policy"
"#;

/// A folder with the stack applied.
fn applied() -> Folder {
    let folder = Folder::new();
    folder.write("s.toml", STACK);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    folder
}

fn tamper(folder: &Folder, account: &str, deed: impl FnOnce(&mut Value)) {
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    deed(&mut world["accounts"][account]);
    folder.write(WORLD, &world.to_string());
}

/// What is done by hand in an account.
type Change = (&'static str, fn(&mut Value));

/// The last lines of the findings.
fn fixes(folder: &Folder) -> Vec<String> {
    let ran = folder.run("drift s.toml --sandbox");
    let lines = ran.out.lines();
    let fixes = lines.filter_map(|it| it.trim().strip_prefix("fix: "));
    fixes.map(str::to_owned).collect()
}

/// Runs the first finding's command and looks again, until there is nothing left.
#[track_caller]
fn each_ends_its_finding(folder: &Folder) {
    for _ in 0..8 {
        let Some(fix) = fixes(folder).first().cloned() else {
            folder.run("drift s.toml --sandbox").ends(0);
            return;
        };
        let command = fix.strip_prefix("provision ");
        let command = command.unwrap_or_else(|| panic!("no command: {fix}"));
        folder.run(&format!("{command} --yes")).ends(0);
        assert_ne!(fixes(folder).first(), Some(&fix), "it ended nothing");
    }
    panic!("there is always another finding");
}

#[test]
fn what_a_changed_stack_needs_is_applied_with_all_that_it_must_agree_to() {
    for (old, new, flags) in [
        (
            "via = \"resource-policy\"",
            "via = \"assume-role\"",
            " --move roles.w",
        ),
        (
            "[roles.w]\n",
            "[roles.w]\npath = \"/p/\"\n",
            " --allow-delete roles.w",
        ),
        ("[topics.t]\n", "[topics.t]\ndisplay_name = \"new\"\n", ""),
    ] {
        let folder = applied();
        folder.write("s.toml", &STACK.replace(old, new));
        let fix = format!("provision apply s.toml --sandbox{flags}");
        let found = fixes(&folder);
        assert!(
            !found.is_empty() && found.iter().all(|it| *it == fix),
            "{found:?}"
        );
        each_ends_its_finding(&folder);
    }
}

#[test]
fn what_left_the_stack_goes_with_what_it_cannot_be_without() {
    let folder = applied();
    let queue = "[queues.q]\naccount = \"a\"\nsubscribe = \"t\"\n";
    folder.write("s.toml", &STACK.replace(queue, ""));
    folder
        .run("drift s.toml --sandbox")
        .ends(2)
        .says("queue q  OPENS ACCESS  PD003")
        .says("with it: subscriptions.q.t\n")
        .says("gains: queues.q receives from topics.t\n");
    each_ends_its_finding(&folder);
}

#[test]
fn what_no_command_ends_says_what_to_do_elsewhere() {
    let folder = applied();
    tamper(&folder, "111111111111", |account| {
        let apis = account["regions"]["eu-west-1"]["apis"].as_object_mut();
        let api = apis.and_then(|it| it.values_mut().next()).expect("an API");
        api["parts"]["models"] = json!(["M"]);
    });
    let again = "then provision drift s.toml --sandbox";
    let part = "delete it in API Gateway, or take it into the API's `openapi` document";
    assert_eq!(fixes(&folder), [format!("{part}, {again}")]);

    let folder = applied();
    let lent = "[roles.lent]\nexisting = \"arn:aws:iam::111111111111:role/lent\"\n";
    folder.write("s.toml", &format!("{STACK}{lent}"));
    let owner = "have its owner make it, or take it out of the stack";
    assert_eq!(fixes(&folder), [format!("{owner}, {again}")]);

    let folder = applied();
    tamper(&folder, "222222222222", |account| {
        account["roles"]["w"]["trust"] = json!("no policy");
    });
    assert_eq!(
        fixes(&folder),
        [format!("write a valid policy there, {again}")]
    );
}

#[test]
fn what_was_changed_taken_or_added_by_hand_is_put_back() {
    let changes: [Change; 5] = [
        ("111111111111", |account| {
            account["regions"]["eu-west-1"]["topics"]["t"]["attributes"]["DisplayName"] =
                json!("x");
        }),
        ("111111111111", |account| {
            let region = &mut account["regions"]["eu-west-1"];
            region["topics"]
                .as_object_mut()
                .expect("topics")
                .remove("t");
        }),
        ("111111111111", |account| {
            let apis = account["regions"]["eu-west-1"]["apis"].as_object_mut();
            let api = apis.and_then(|it| it.values_mut().next()).expect("an API");
            api["resources"]["/s"]["methods"]["GET"]["authorization"] = json!("NONE");
        }),
        ("222222222222", |account| {
            account["roles"]["w"]["tags"] = json!({});
        }),
        ("222222222222", |account| {
            let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
            let text = json!({"Version": "2012-10-17", "Statement": [all]}).to_string();
            account["roles"]["w"]["inline"]["theirs"] = json!(text);
        }),
    ];
    for (account, change) in changes {
        let folder = applied();
        tamper(&folder, account, change);
        let found = fixes(&folder);
        let reverts = |it: &String| it.starts_with("provision drift s.toml --sandbox --revert ");
        assert!(!found.is_empty() && found.iter().all(reverts), "{found:?}");
        each_ends_its_finding(&folder);
    }
}

#[test]
fn a_revert_proves_no_more_than_what_it_changes() {
    let folder = applied();
    let stranger =
        json!({"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"});
    tamper(&folder, "111111111111", |account| {
        let region = &mut account["regions"]["eu-west-1"];
        let queue = &mut region["queues"]["q"];
        let mut policy: Value =
            serde_json::from_str(queue["attributes"]["Policy"].as_str().expect("a policy"))
                .expect("JSON");
        policy["Statement"]
            .as_array_mut()
            .expect("statements")
            .push(stranger);
        queue["attributes"]["Policy"] = json!(policy.to_string());
    });
    tamper(&folder, "222222222222", |account| {
        account["roles"]["w"]["inline"] = json!({});
    });
    let ran = folder
        .run("drift s.toml --sandbox --revert roles.w --yes")
        .ends(0);
    assert!(ran.out.contains("Proved"), "{}", ran.out);
    assert!(!ran.out.contains("nothing else is allowed"), "{}", ran.out);
    let ran = folder
        .run("drift s.toml --sandbox --revert queues.q --yes")
        .ends(0);
    assert!(ran.out.contains("nothing else is allowed"), "{}", ran.out);
}
