//! Drift as its users have it: a file that takes over what AWS has, a resident process that is
//! stopped, accounts that nobody can read, and documents for pull requests and machines.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use serde_json::{Value, json};

use super::{Folder, PROGRAM};

const WORLD: &str = ".provision/sandbox.json";

/// A folder with the marketplace in `shop.toml`, applied.
fn market() -> Folder {
    let folder = Folder::with_stacks();
    let text = folder.read("stacks/marketplace.toml");
    folder.write("shop.toml", &text);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    folder.run("drift shop.toml --sandbox").ends(0);
    folder
}

/// Does something to the sandbox behind the stack's back.
fn tamper(folder: &Folder, deed: impl FnOnce(&mut Value)) {
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    deed(&mut world["accounts"]);
    folder.write(WORLD, &world.to_string());
}

/// Something cosmetic, something that works differently, and something that opens access.
fn tampered() -> Folder {
    let folder = market();
    tamper(&folder, |accounts| {
        accounts["111111111111"]["roles"]["checkout"]["description"] = json!("Theirs");
        let queues = &mut accounts["222222222222"]["regions"]["eu-west-1"]["queues"];
        queues["billing-inbox"]["attributes"]["VisibilityTimeout"] = json!("7");
        let topics = &mut accounts["333333333333"]["regions"]["eu-west-1"]["topics"];
        let policy = &mut topics["order-events"]["policy"];
        let mut document: Value =
            serde_json::from_str(policy.as_str().expect("a text")).expect("JSON");
        let statements = document["Statement"].as_array_mut().expect("a list");
        statements.push(json!({
            "Sid": "theirs", "Effect": "Allow", "Principal": "*", "Action": "sns:Publish",
            "Resource": "arn:aws:sns:eu-west-1:333333333333:order-events",
        }));
        *policy = json!(document.to_string());
    });
    folder
}

/// Makes a role's trust unreadable: nobody can tell whether it is in step.
fn unreadable(folder: &Folder, account: &str, role: &str) {
    tamper(folder, |accounts| {
        accounts[account]["roles"][role]["trust"] = json!("no policy");
    });
}

#[test]
fn what_is_accepted_is_in_the_file_and_in_step_and_comments_stay() {
    let folder = tampered();
    let before = folder.read("shop.toml");
    let ran = folder
        .run("drift shop.toml --sandbox --accept roles.checkout queues.billing-inbox")
        .ends(0)
        .says("-description = \"The shop's checkout, on Lambda\"\n+description = \"Theirs\"\n")
        .says("-visibility_timeout = \"2m\"\n+visibility_timeout = \"7s\"\n");
    // Two places of one file are shown apart, and not all that lies between them.
    assert!(ran.out.lines().count() < 20, "{}", ran.out);
    assert_eq!(
        folder.read("shop.toml"),
        before
            .replace("The shop's checkout, on Lambda", "Theirs")
            .replace("visibility_timeout = \"2m\"", "visibility_timeout = \"7s\""),
        "nothing else is touched"
    );
    // What was not accepted is drift as before; put back, nothing is left, and nothing to do.
    folder
        .run("drift shop.toml --sandbox")
        .ends(2)
        .says("1 finding (1 opens access), 11 in step");
    folder
        .run("drift shop.toml --sandbox --revert PD004 --yes")
        .ends(0);
    folder.run("drift shop.toml --sandbox").ends(0);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    folder
        .run("drift shop.toml --sandbox")
        .ends(0)
        .says("No drift: 12 resources in step with the stack.");
    folder
        .run("drift shop.toml --sandbox --accept roles.checkout")
        .ends(1)
        .tells("`roles.checkout` is in step: there is nothing to accept");
}

#[test]
fn what_cannot_be_accepted_leaves_the_file_as_it_is() {
    let folder = tampered();
    let before = folder.read("shop.toml");
    // With one that could be: all or nothing.
    folder
        .run("drift shop.toml --sandbox --accept roles.checkout topics.order-events")
        .ends(1)
        .tells("who may do what is said by `[[access]]`")
        .tells("no file was touched");
    unreadable(&folder, "222222222222", "invoicer");
    folder
        .run("drift shop.toml --sandbox --accept roles.invoicer")
        .ends(1)
        .tells("what cannot be read cannot be accepted");
    assert_eq!(folder.read("shop.toml"), before);
}

#[test]
fn what_cannot_be_read_is_never_in_step_and_the_rest_is_told() {
    let folder = tampered();
    unreadable(&folder, "222222222222", "invoicer");
    folder
        .run("drift shop.toml --sandbox")
        .ends(1)
        .says("OPENS ACCESS  PD004")
        .says("role invoicer  UNKNOWN  PD008 cannot be read, so nobody knows")
        .says("role checkout  cosmetic  PD001")
        .says("Drift: 4 findings (1 opens access, 1 unknown, 1 changes behaviour, 1 cosmetic), 8 in step.")
        .tells("1 part could not be read: roles.invoicer; whether they are in step is not known");
    let document = folder
        .run("drift shop.toml --sandbox --json")
        .ends(1)
        .document();
    assert_eq!(document["complete"], false);
    assert_eq!(document["in_step"], 8);
    let markdown = folder
        .run("drift shop.toml --sandbox --format markdown")
        .ends(1);
    markdown.says("| UNKNOWN | `roles.invoicer` | PD008 cannot be read, so nobody knows |");
    // Alone it is enough: nothing else has drifted, and still nobody says so.
    let folder = market();
    unreadable(&folder, "111111111111", "checkout");
    let ran = folder.run("drift shop.toml --sandbox").ends(1);
    assert!(!ran.out.contains("No drift"), "{}", ran.out);
    // An apply does not guess either.
    folder
        .run("apply shop.toml --sandbox --yes")
        .ends(4)
        .says("Not read  PD008")
        .says("the trust policy of role checkout cannot be read")
        .says("role checkout: it stays as it is");
}

const MARKDOWN: &str = "\
<!-- provision:marketplace -->
## Drift of `marketplace`

Drift: 3 findings (1 opens access, 1 changes behaviour, 1 cosmetic), 9 in step.

| severity | what | finding | stack |
| --- | --- | --- | --- |
| **OPENS ACCESS** | `topics.order-events` | PD004 added in AWS beside what the stack says | `shop.toml:62` |
| changes behaviour | `queues.billing-inbox` | PD001 changed in AWS | `shop.toml:69` |
| cosmetic | `roles.checkout` | PD001 changed in AWS | `shop.toml:34` |

<details><summary>orders 333333333333 eu-west-1: 1 finding</summary>

- `topics.order-events` PD004
  - `statement 'theirs': allow * sns:Publish on arn:aws:sns:eu-west-1:333333333333:order-events`
  - gains: `anyone, without signing, may publish to topics.order-events`
  - fix: `provision drift shop.toml --sandbox --revert topics.order-events`
</details>

<details><summary>billing 222222222222 eu-west-1: 1 finding</summary>

- `queues.billing-inbox` PD001
  - `visibility_timeout stack 2m   live 7s`
  - fix: `provision drift shop.toml --sandbox --revert queues.billing-inbox`
</details>

<details><summary>shop 111111111111 eu-west-1: 1 finding</summary>

- `roles.checkout` PD001
  - `description        stack The shop's checkout, on Lambda   live Theirs`
  - fix: `provision drift shop.toml --sandbox --revert roles.checkout`
</details>

";

#[test]
fn a_pull_request_is_told_in_markdown() {
    let folder = tampered();
    let ran = folder
        .run("drift shop.toml --sandbox --format markdown")
        .ends(2);
    assert_eq!(ran.out, MARKDOWN);
    let folder = market();
    let ran = folder
        .run("drift shop.toml --sandbox --format markdown")
        .ends(0);
    assert_eq!(
        ran.out,
        "<!-- provision:marketplace -->\n## Drift of `marketplace`\n\nNo drift: 12 resources in step with the stack.\n\n"
    );
}

#[test]
fn a_watch_that_is_stopped_ends_its_line_and_with_130() {
    for signal in ["-INT", "-TERM"] {
        watch_stopped_by(signal);
    }
}

fn watch_stopped_by(signal: &str) {
    let folder = tampered();
    let mut process = folder
        .command(PROGRAM)
        .args(["drift", "shop.toml", "--sandbox", "--watch", "1h"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut err = BufReader::new(process.stderr.take().expect("its stderr"));
    let mut told = String::new();
    while !told.contains("next look in") {
        let read = err.read_line(&mut told).expect("UTF-8");
        assert_ne!(read, 0, "it ended by itself: {told}");
    }
    let interrupt = folder
        .command("kill")
        .args([signal, &process.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(interrupt.success());
    err.read_to_string(&mut told).expect("UTF-8");
    let mut out = String::new();
    let mut stdout = process.stdout.take().expect("its stdout");
    stdout.read_to_string(&mut out).expect("UTF-8");
    let ended = process.wait().expect("it ends");
    assert_eq!(ended.code(), Some(130), "{told}");
    assert!(told.ends_with("Stopped after 1 look\n"), "{told}");
    let last = "look 1: 3 new, 0 gone. Drift: 3 findings (1 opens access, 1 changes behaviour, 1 cosmetic), 9 in step.\n";
    assert!(out.ends_with(last), "{out}");
}

// ---- machines

/// What a value breaks of a JSON Schema, of which this knows as much as ours say.
fn breaks(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let rules = schema.as_object().expect("a schema is an object");
    let mut broken = |what: &str| found.push(format!("{at}: {what}: {value}"));
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("an unknown type {other}"),
    };
    for (rule, says) in rules {
        let holds = match rule.as_str() {
            "type" => match says.as_array() {
                Some(kinds) => kinds.iter().any(|it| is(it.as_str().expect("a type"))),
                None => is(says.as_str().expect("a type")),
            },
            "enum" => says.as_array().expect("a list").contains(value),
            "const" => says == value,
            "minimum" => value.as_f64() >= says.as_f64(),
            "pattern" => {
                assert_eq!(says, "^[0-9]{12}$", "another pattern than this knows");
                let text = value.as_str().unwrap_or_default();
                text.len() == 12 && text.bytes().all(|it| it.is_ascii_digit())
            }
            "required" => {
                let names = says.as_array().expect("a list").iter();
                let mut names = names.map(|it| it.as_str().expect("a name"));
                names.all(|it| value.get(it).is_some())
            }
            "additionalProperties" => {
                assert_eq!(says, false);
                let known = rules["properties"].as_object().expect("properties");
                let fields = value.as_object().into_iter().flatten();
                fields.into_iter().all(|(name, _)| known.contains_key(name))
            }
            "properties" | "items" | "description" | "title" | "$schema" => true,
            other => panic!("a rule that this does not know: {other}"),
        };
        if !holds {
            broken(rule);
        }
    }
    for (name, schema) in rules
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        if let Some(value) = value.get(name) {
            breaks(schema, value, &format!("{at}/{name}"), found);
        }
    }
    if let (Some(schema), Some(items)) = (rules.get("items"), value.as_array()) {
        for (number, value) in items.iter().enumerate() {
            breaks(schema, value, &format!("{at}/{number}"), found);
        }
    }
}

#[test]
fn every_report_is_as_its_schema_says() {
    let folder = tampered();
    let schema = folder.run("schema drift").ends(0).document();
    let broken = |document: &Value| {
        let mut found = Vec::new();
        breaks(&schema, document, "", &mut found);
        found
    };
    let report = |code: i32, more: &str| {
        let words = format!("drift shop.toml --sandbox --json {more}");
        folder.run(&words).ends(code).document()
    };
    let drifted = report(2, "");
    assert_eq!(broken(&drifted), [""; 0]);
    assert_eq!(broken(&report(2, "--unreachable billing")), [""; 0]);
    unreadable(&folder, "222222222222", "invoicer");
    assert_eq!(broken(&report(1, "")), [""; 0]);
    // Nothing is there any more, and nothing has drifted at all.
    folder.write(WORLD, &json!({}).to_string());
    std::fs::remove_file(folder.path(WORLD)).expect("it was there");
    assert_eq!(broken(&report(2, "")), [""; 0]);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    assert_eq!(broken(&report(0, "")), [""; 0]);

    // And the schema is no formality.
    for (pointer, wrong) in [
        ("/schema", json!("provision.drift/2")),
        ("/findings/0/code", json!("PD999")),
        ("/findings/0/account_id", json!("12")),
        ("/findings/0/effects/0/change", json!("keeps")),
        ("/in_step", json!(-1)),
        ("/complete", Value::Null),
    ] {
        let mut document = drifted.clone();
        *document.pointer_mut(pointer).expect(pointer) = wrong;
        assert_eq!(broken(&document).len(), 1, "{pointer}");
    }
    let mut document = drifted;
    document["findings"][0]["more"] = json!(1);
    document["findings"][1]
        .as_object_mut()
        .expect("a finding")
        .remove("code");
    assert_eq!(broken(&document).len(), 2);
}

#[test]
fn a_part_that_somebody_adds_to_an_api_is_reported() {
    let folder = Folder::with_stacks();
    folder
        .run("apply stacks/marketplace.toml --sandbox --yes")
        .ends(0);
    let name = ".provision/sandbox.json";
    let mut world: serde_json::Value = serde_json::from_str(&folder.read(name)).expect("JSON");
    let accounts = world["accounts"]
        .as_object_mut()
        .expect("accounts")
        .values_mut();
    let regions =
        accounts.flat_map(|it| it["regions"].as_object_mut().expect("regions").values_mut());
    let mut apis = regions.filter_map(|it| it["apis"].as_object_mut()?.values_mut().next());
    let api = apis.next().expect("an API");
    api["parts"]["gateway_responses"] = serde_json::json!(["DEFAULT_4XX"]);
    folder.write(name, &world.to_string());
    let drift = folder
        .run("drift stacks/marketplace.toml --sandbox")
        .ends(2);
    drift
        .says("gateway response `DEFAULT_4XX`, which the next import of the API would take away")
        .says("PD004");
    // A plan does not look for it: nothing of the stack would change.
    folder
        .run("plan stacks/marketplace.toml --sandbox --detailed-exitcode")
        .ends(0);
}
