//! Text that others wrote in AWS, in every field that holds one: it is shown, and steers nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Folder, PROGRAM, Ran};

const WORLD: &str = ".provision/sandbox.json";

/// Ends a line, gives CI a command, sets a title, turns the direction of text, ends code and a table's cell, and calls a person.
const HOSTILE: &str = "\n::error::PWNED\n[[access]]\nPWNED = 1\n\u{1b}]0;PWNED\u{7}\u{1b}[31m\u{9b}2J\u{202e}##[error]PWNED|``<img src=x>@team";

/// A stack with something of each kind in it, and what others put beside it.
fn world() -> Folder {
    let folder = Folder::with_stacks();
    folder
        .run("apply stacks/marketplace.toml --sandbox --yes")
        .ends(0);
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    let statement = |resource: &str, action: &str| {
        json!({"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:role/theirs"},
            "Action": action, "Resource": resource, "Condition": {"StringLike": {"aws:PrincipalTag/team": "them"}}})
    };
    let edit = |policy: &mut Value, statement: Value| {
        let mut document: Value =
            serde_json::from_str(policy.as_str().expect("a text")).expect("JSON");
        document["Statement"]
            .as_array_mut()
            .expect("a list")
            .push(statement);
        *policy = json!(document.to_string());
    };
    let billing = &mut world["accounts"]["222222222222"];
    let inbox = &mut billing["regions"]["eu-west-1"]["queues"]["billing-inbox"];
    inbox["tags"]["theirs"] = json!("theirs");
    edit(
        &mut inbox["attributes"]["Policy"],
        statement(
            "arn:aws:sqs:eu-west-1:222222222222:billing-inbox",
            "sqs:SendMessage",
        ),
    );
    let refunds = &mut billing["roles"]["refunds"];
    refunds["inline"]["theirs"] = json!(
        json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Theirs", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::theirs/*"}]})
        .to_string()
    );
    refunds["attached"] = json!(["arn:aws:iam::aws:policy/ReadOnlyAccess"]);
    refunds["boundary"] = json!("arn:aws:iam::222222222222:policy/theirs");
    refunds["description"] = json!("Changed by others");
    let orders = &mut world["accounts"]["333333333333"]["regions"]["eu-west-1"];
    let topic = &mut orders["topics"]["order-events"];
    topic["attributes"]["DisplayName"] = json!("Changed by others");
    topic["tags"]["team"] = json!("others");
    let theirs = json!({"arn": "arn:aws:sns:eu-west-1:333333333333:order-events:7", "owner": "333333333333",
        "protocol": "email", "endpoint": "them@example.com", "confirmed": true,
        "principal": "arn:aws:iam::333333333333:role/theirs", "attributes": {}});
    topic["subscriptions"]
        .as_array_mut()
        .expect("a list")
        .push(theirs);
    edit(
        &mut topic["policy"],
        statement(
            "arn:aws:sns:eu-west-1:333333333333:order-events",
            "sns:Publish",
        ),
    );
    let apis = orders["apis"].as_object_mut().expect("APIs");
    let api = apis.values_mut().next().expect("an API");
    api["about"]["description"] = json!("Changed by others");
    edit(
        &mut api["about"]["policy"],
        statement("execute-api:/live/GET/health", "execute-api:Invoke"),
    );
    let mut stage = api["stages"]["live"].clone();
    stage["name"] = json!("theirs");
    stage["description"] = json!("Theirs");
    api["stages"]["theirs"] = stage;
    api["parts"] = json!({"models": ["Theirs"], "gateway_responses": ["DEFAULT_4XX"]});
    folder.write(WORLD, &world.to_string());
    folder
}

/// Changes every text of one class: the class is the path to it, without the names of things.
fn visit(value: &mut Value, class: &str, change: &mut dyn FnMut(&str, &mut String)) {
    match value {
        Value::Object(fields) => {
            let mut changed = serde_json::Map::new();
            for (mut key, mut it) in std::mem::take(fields) {
                let field = key.clone();
                change(&format!("{class}/(key)"), &mut key);
                let named = field.starts_with(char::is_uppercase)
                    || field.chars().all(|it| it.is_ascii_lowercase() || it == '_');
                let step = if named { field.as_str() } else { "*" };
                visit(&mut it, &format!("{class}/{step}"), change);
                changed.insert(key, it);
            }
            *fields = changed;
        }
        Value::Array(items) => {
            for it in items {
                visit(it, class, change);
            }
        }
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(mut inner @ Value::Object(_)) => {
                visit(&mut inner, class, change);
                *text = inner.to_string();
            }
            _ => change(class, text),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Takes out the tags that are a stack's mark.
fn unmark(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|key, _| !key.starts_with("provision:"));
            fields.values_mut().for_each(unmark);
        }
        Value::Array(items) => items.iter_mut().for_each(unmark),
        _ => {}
    }
}

/// Returns what is wrong with what was printed.
fn steers(text: &str) -> Option<String> {
    let mut rest = text.to_owned();
    for code in [
        "0", "1", "2", "4", "31", "32", "33", "34", "35", "36", "91", "92", "93", "94", "95", "96",
        "1;91", "1;94",
    ] {
        rest = rest.replace(&format!("\u{1b}[{code}m"), "");
    }
    let control =
        |it: char| it != '\n' && it.is_control() || "\u{202e}\u{2028}\u{200b}".contains(it);
    for line in rest.lines() {
        let trimmed = line.trim_start();
        let is_command = trimmed.starts_with("::") || line.contains("##[");
        if is_command
            || line.contains(control)
            || trimmed.starts_with("PWNED")
            || trimmed == "[[access]]"
        {
            return Some(format!("{line:?}"));
        }
    }
    None
}

/// Returns a line of Markdown in which foreign text is not code.
fn is_markup(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let mut words = String::new();
        let mut rest = line;
        while let Some(at) = rest.find('`') {
            words += &rest[..at];
            let fence = rest[at..].len() - rest[at..].trim_start_matches('`').len();
            let after = &rest[at + fence..];
            let mut from = 0;
            let end = loop {
                let Some(found) = after[from..].find('`') else {
                    break None;
                };
                let found = from + found;
                let run = after[found..].len() - after[found..].trim_start_matches('`').len();
                if run == fence {
                    break Some(found + run);
                }
                from = found + run;
            };
            match end {
                Some(end) => rest = &after[end..],
                None => rest = after,
            }
        }
        words += rest;
        (words.contains("<img") || words.contains("@team")).then(|| line.to_owned())
    })
}

/// Fields that hold any text, by the ends of their classes.
const FREE: [&str; 11] = [
    "/Sid",
    "/description",
    "/DisplayName",
    "/tags/team",
    "/tags/theirs",
    "/endpoint",
    "/models",
    "/inline/(key)",
    "/Condition/StringLike/*",
    "/about/name",
    "/variables/*",
];

/// What has names of its own below it.
const NAMED: [&str; 10] = [
    "roles",
    "tags",
    "inline",
    "topics",
    "queues",
    "stages",
    "variables",
    "index",
    "Condition",
    "StringLike",
];

const COMMANDS: [&str; 8] = [
    "plan stacks/marketplace.toml --sandbox -v --adopt topics.order-events",
    "import --stack other --account shop=111111111111 --account billing=222222222222 --account orders=333333333333 \
     --region eu-west-1 --sandbox --name * --out found.toml --force",
    "drift stacks/marketplace.toml --sandbox",
    "drift stacks/marketplace.toml --sandbox --format markdown",
    "drift stacks/marketplace.toml --sandbox --json",
    "verify stacks/marketplace.toml --sandbox",
    "who-can sns:Publish topics.order-events --stack stacks/marketplace.toml --sandbox",
    "import --stack marketplace --account shop=111111111111 --account billing=222222222222 --account \
     orders=333333333333 --region eu-west-1 --sandbox --out found.toml --force",
];

/// Commands that show what others wrote.
const SHOWN: [&str; 3] = ["plan", "drift", "import --stack other"];

#[test]
fn nothing_that_others_wrote_steers_a_terminal_a_page_or_a_file() {
    let folder = world();
    let clean: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    let mut classes: BTreeSet<String> = BTreeSet::new();
    visit(&mut clean.clone(), "", &mut |class, _| {
        // Names that are fields of the sandbox's own file are no text of AWS.
        let is_name = NAMED
            .iter()
            .any(|it| class.ends_with(&format!("/{it}/(key)")));
        if is_name || !class.ends_with("(key)") {
            classes.insert(class.to_owned());
        }
    });
    assert!(classes.len() > 60, "{classes:#?}");
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    let mut shown = 0;
    // What stops no command is changed at once; what AWS itself gives a form, by itself.
    let (free, formed): (Vec<&String>, Vec<&String>) = classes
        .iter()
        .partition(|it| FREE.iter().any(|end| it.ends_with(end)));
    assert!(free.len() >= FREE.len(), "{free:#?}");
    let alone = formed.into_iter().map(|it| (vec![it], &COMMANDS[..2]));
    for (these, commands) in std::iter::once((free, &COMMANDS[..])).chain(alone) {
        let mut world = clean.clone();
        visit(&mut world, "", &mut |it, text| {
            if these.iter().any(|class| class.as_str() == it) {
                // IAM keeps no other characters in policies.
                let in_policy = it.contains("/Statement");
                let printed =
                    |it: &char| !in_policy || matches!(it, '\n' | ' '..='~' | '\u{a1}'..='\u{ff}');
                text.extend(HOSTILE.chars().filter(printed));
            }
        });
        let class = these[0];
        for command in commands {
            // What bears another stack's mark is not imported.
            let mut world = world.clone();
            if command.starts_with("import --stack other") {
                unmark(&mut world);
            }
            folder.write(WORLD, &world.to_string());
            let words = command.split_whitespace();
            let output = folder
                .command(PROGRAM)
                .args(["--color", "always"])
                .args(words)
                .output()
                .expect("the program runs");
            let ran = Ran::of(&output);
            shown += usize::from(ran.out.contains("PWNED") || ran.err.contains("PWNED"));
            if these.len() > 1 && SHOWN.iter().any(|it| command.starts_with(it)) {
                assert!(
                    ran.out.contains("PWNED"),
                    "{command}: {}{}",
                    ran.out,
                    ran.err
                );
            }
            let mut found = steers(&ran.out).or_else(|| steers(&ran.err));
            if command.contains("markdown") {
                found = found.or_else(|| is_markup(&ran.out));
            }
            if command.contains("--json") && ran.code != 1 {
                ran.document();
            }
            if command.starts_with("import") && ran.code == 0 {
                let text = folder.read("found.toml");
                let line = text
                    .lines()
                    .find(|it| it.trim() == "PWNED = 1" || it.starts_with("::"));
                found = found.or(line.map(|it| format!("a line of the file: {it}")));
                folder.run("fmt --check found.toml").ends(0);
            }
            if let Some(line) = found {
                wrong.insert(format!("{class}  {command}"), line);
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them: {wrong:#?}", wrong.len());
    assert!(shown > 40, "the text was shown {shown} times");
}
