//! Machines are users: documents with a schema, values without anything beside them.

use super::Folder;

const MARKETPLACE: &str = "stacks/marketplace.toml --sandbox";

#[test]
fn every_document_says_what_it_is() {
    let folder = Folder::with_stacks();
    for (words, code, schema) in [
        (
            "validate stacks/marketplace.toml --json".to_owned(),
            0,
            "provision.validate/1",
        ),
        (
            "graph stacks/marketplace.toml --format json".to_owned(),
            0,
            "provision.graph/1",
        ),
        (format!("plan {MARKETPLACE} --json"), 0, "provision.plan/1"),
        (
            format!("drift {MARKETPLACE} --json"),
            2,
            "provision.drift/1",
        ),
        (
            format!("apply {MARKETPLACE} --json --yes"),
            0,
            "provision.apply/1",
        ),
        (
            format!("apply {MARKETPLACE} --json --yes"),
            0,
            "provision.apply/1",
        ),
        (format!("plan {MARKETPLACE} --json"), 0, "provision.plan/1"),
        (
            format!("drift {MARKETPLACE} --json"),
            0,
            "provision.drift/1",
        ),
        (
            format!("output {MARKETPLACE} --json"),
            0,
            "provision.output/1",
        ),
        (
            format!("destroy {MARKETPLACE} --json --yes"),
            0,
            "provision.apply/1",
        ),
    ] {
        let document = folder.run(&words).ends(code).document();
        assert_eq!(document["schema"], schema, "{words}");
        assert_eq!(document["stack"], "marketplace", "{words}");
    }
}

#[test]
fn a_document_counts_its_calls_and_steps() {
    let folder = Folder::with_stacks();
    let plan = folder.run(&format!("plan {MARKETPLACE} --json")).document();
    assert_eq!(plan["summary"]["add"], 12);
    assert_eq!(plan["calls"]["writes"], 0);
    let access = plan["access"].as_array().expect("a list");
    assert!(
        access.iter().all(|it| it["change"] == "gained"),
        "{access:?}"
    );
    let done = folder
        .run(&format!("apply {MARKETPLACE} --json --yes"))
        .document();
    let steps = done["steps"].as_array().expect("a list");
    assert_eq!(steps.len(), 12);
    assert!(steps.iter().all(|it| it["outcome"] == "done"), "{steps:?}");
    let by_action = done["calls"]["by_action"].as_object().expect("a table");
    assert_eq!(by_action["sns:Subscribe"], 1);
    let sum: u64 = by_action
        .values()
        .filter_map(serde_json::Value::as_u64)
        .sum();
    assert_eq!(done["calls"]["total"], sum);
    let again = folder
        .run(&format!("apply {MARKETPLACE} --json"))
        .ends(0)
        .document();
    assert_eq!(again["calls"]["writes"], 0);
    assert_eq!(again["steps"], serde_json::json!([]));
}

#[test]
fn a_document_never_asks() {
    let folder = Folder::with_stacks();
    let ran = folder.run(&format!("apply {MARKETPLACE} --json")).ends(1);
    ran.tells("--yes");
}

#[test]
fn one_value_comes_alone() {
    let folder = Folder::with_stacks();
    folder.run(&format!("apply {MARKETPLACE} --yes")).ends(0);
    let all = folder
        .run(&format!("output {MARKETPLACE} --json"))
        .document();
    let url = all["values"]["apis.orders.url"].as_str().expect("a URL");
    assert!(url.starts_with("https://"), "{url}");
    let raw = folder
        .run(&format!("output {MARKETPLACE} --raw apis.orders.url"))
        .ends(0);
    assert_eq!(
        (raw.out.as_str(), raw.err.as_str()),
        (format!("{url}\n").as_str(), "")
    );
    let wrong = folder
        .run(&format!("output {MARKETPLACE} --raw apis.order.url"))
        .ends(1)
        .tells("did you mean `apis.orders.url`?");
    assert_eq!(wrong.out, "");
}

#[test]
fn a_graph_comes_in_three_languages_with_the_same_arrows() {
    let folder = Folder::with_stacks();
    let graph = |format: &str| {
        let words = format!("graph stacks/marketplace.toml --format {format}");
        folder.run(&words).ends(0)
    };
    let json = graph("json").document();
    let arrows = json["access"].as_array().expect("a list").len();
    assert!(arrows >= 9, "{json}");
    let dot = graph("dot").out;
    assert!(
        dot.starts_with("digraph \"marketplace\" {") && dot.ends_with("}\n"),
        "{dot}"
    );
    assert_eq!(dot.matches(" -> ").count(), arrows, "{dot}");
    let mermaid = graph("mermaid").out;
    assert!(mermaid.starts_with("flowchart LR\n"), "{mermaid}");
    assert_eq!(mermaid.matches(" -->|").count(), arrows, "{mermaid}");
    for format in [dot, mermaid] {
        for account in [
            "billing 222222222222",
            "orders 333333333333",
            "shop 111111111111",
        ] {
            assert!(format.contains(account), "{format}");
        }
    }
}

#[test]
fn the_schema_is_draft_7_and_knows_every_table() {
    let schema = Folder::new().run("schema").ends(0).document();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    for table in [
        "stack",
        "accounts",
        "contracts",
        "roles",
        "apis",
        "topics",
        "queues",
        "access",
        "offer",
    ] {
        assert!(schema["properties"][table].is_object(), "{table}");
    }
}

#[test]
fn fmt_lays_a_file_out_once() {
    let folder = Folder::new();
    folder.write(
        "provision.toml",
        "[stack]\nname='a'   # why\nregion   =\"eu-west-1\"\n",
    );
    folder
        .run("fmt --check")
        .ends(1)
        .tells("provision fmt provision.toml");
    folder.run("fmt").ends(0).says("provision.toml");
    assert!(folder.read("provision.toml").contains("# why"));
    let tidy = folder.read("provision.toml");
    folder.run("fmt --check").ends(0);
    folder.run("fmt").ends(0);
    assert_eq!(folder.read("provision.toml"), tidy);
}

/// Lines are answered on several cores, in the order in which they came, the last one without its end.
#[test]
fn simulate_answers_every_line_in_its_turn() {
    let folder = Folder::new();
    let policy = |action: usize| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"sns:A{action}*","Resource":"*"}}}}"#
        )
    };
    let line = |number: usize| {
        if number % 100 == 7 {
            return format!("{{\"name\":\"{number}\"");
        }
        format!(
            r#"{{"name":"{number}","request":{{"principal":"arn:aws:iam::111111111111:role/a","action":"sns:A{}","resource":"*"}},"identityPolicies":[{}]}}"#,
            number % 10,
            policy(number % 7)
        )
    };
    let lines: Vec<String> = (0..5000).map(line).collect();
    let mut child = folder
        .command(super::PROGRAM)
        .arg("simulate")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut input = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || {
        std::io::Write::write_all(&mut input, lines.join("\n").as_bytes())
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let answers: Vec<serde_json::Value> = text
        .lines()
        .map(|it| serde_json::from_str(it).expect("JSON"))
        .collect();
    assert_eq!(answers.len(), 5000);
    for (number, answer) in answers.iter().enumerate() {
        if number % 100 == 7 {
            assert_eq!(answer["error"], "this is not JSON");
            continue;
        }
        assert_eq!(answer["name"], number.to_string());
        let same = number % 10 == number % 7;
        assert_eq!(answer["decision"], if same { "allow" } else { "deny" });
    }
}
