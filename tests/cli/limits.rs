//! What is larger than AWS takes is found by `validate`, at its place in the file, as `plan` finds it.

use std::fmt::Write as _;

use serde_json::Value;

use super::Folder;

const BASE: &str =
    "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n\n[accounts.a]\nid = \"111111111111\"\n";

/// Statements on a resource, one for each of these actions.
fn statements(on: &str, count: usize, action: &str) -> String {
    let mut text = String::new();
    for it in 0..count {
        let _ = writeln!(
            text,
            "[[statement]]\non = \"{on}\"\nstatement = {{ Sid = \"S{it}\", Effect = \"Deny\", Principal = \"*\", Action = \"{action}\", Condition = {{ Bool = {{ \"aws:SecureTransport\" = \"false\" }} }} }}"
        );
    }
    text
}

fn trust(count: usize) -> String {
    let names: Vec<String> = (0..count)
        .map(|it| {
            format!("\"arn:aws:iam::222222222222:role/a-role-with-a-rather-long-name-{it:03}\"")
        })
        .collect();
    format!(
        "[roles.r]\ntrust_policy = {{ Version = \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Principal = {{ AWS = [{}] }}, Action = \"sts:AssumeRole\" }}] }}\n",
        names.join(", ")
    )
}

fn routes(count: usize) -> String {
    let mut text = "[apis.x.routes]\n".to_owned();
    for it in 0..count {
        let _ = writeln!(text, "\"GET /r{it}\" = {{ mock = 200 }}");
    }
    text
}

/// Runs both commands on a stack that is too much: both refuse it, in the same words, and `validate` at this line.
fn refused(stack: &str, line: u64, words: &str) {
    let folder = Folder::new();
    folder.write("s.toml", &format!("{BASE}{stack}"));
    folder.run("plan s.toml --sandbox").ends(3).says(words);
    let ran = folder.run("validate s.toml --json").ends(3);
    let document: Value = serde_json::from_str(&ran.out).expect("JSON");
    let error = &document["errors"][0];
    assert_eq!(error["code"], "E0306", "{document:#}");
    assert_eq!(error["line"], line, "{document:#}");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains(words), "{message}");
    assert_eq!(document["valid"], false);
}

#[test]
fn what_is_too_much_for_aws_is_found_at_its_place() {
    refused(
        &format!("[queues.q]\n{}", statements("queues.q", 21, "sqs:*")),
        7,
        "21 of 20 statements of queue policy",
    );
    refused(
        &format!("[topics.t]\n{}", statements("topics.t", 101, "sns:Publish")),
        7,
        "of 100 statements of topic policy",
    );
    refused(
        &format!(
            "[apis.x.routes]\n\"GET /a\" = {{ mock = 200 }}\n{}",
            statements("apis.x", 60, "execute-api:Invoke")
        ),
        7,
        "of 8192 characters of API policy",
    );
    refused(&trust(40), 8, "of 2048 characters of trust policy");
    refused(&routes(300), 7, "301 of 300 resources of one API");
    let arns: Vec<String> = (0..11)
        .map(|it| format!("\"arn:aws:iam::aws:policy/P{it}\""))
        .collect();
    refused(
        &format!(
            "[roles.r]\ntrusted_by = \"lambda.amazonaws.com\"\nattach = [{}]\n",
            arns.join(", ")
        ),
        9,
        "11 of 10 managed policies",
    );
}

#[test]
fn what_just_fits_or_was_raised_is_valid() {
    let folder = Folder::new();
    for stack in [
        format!("[queues.q]\n{}", statements("queues.q", 20, "sqs:*")),
        format!("quotas = {{ trust_policy = 4096 }}\n{}", trust(40)),
        routes(299),
        format!("quotas = {{ api_resources = 301 }}\n{}", routes(300)),
    ] {
        folder.write("s.toml", &format!("{BASE}{stack}"));
        folder.run("validate s.toml").ends(0);
    }
}

#[test]
fn an_access_role_that_is_too_full_is_shown_where_its_access_is_written() {
    let mut stack = format!("{BASE}[topics.t]\n");
    for it in 0..60 {
        let _ = writeln!(
            stack,
            "[[access]]\nfrom = \"arn:aws:iam::222222222222:role/a-role-with-a-rather-long-name-{it:03}\"\nto = \"topics.t\"\nvia = \"assume-role\"\nrole_name = \"shared\""
        );
    }
    let folder = Folder::new();
    folder.write("s.toml", &stack);
    // Shared access roles are divided when they are full.
    folder.run("validate s.toml").ends(0);
}

#[test]
fn a_statement_that_alone_is_too_much_is_shown_at_the_element() {
    let folder = Folder::new();
    let actions = |count: usize| {
        let all = [
            "SendMessage",
            "ReceiveMessage",
            "DeleteMessage",
            "ChangeMessageVisibility",
            "GetQueueAttributes",
            "GetQueueUrl",
            "PurgeQueue",
            "ListDeadLetterSourceQueues",
        ];
        let all: Vec<String> = all[..count]
            .iter()
            .map(|it| format!("\"sqs:{it}\""))
            .collect();
        format!(
            "{BASE}[queues.q]\n[[statement]]\non = \"queues.q\"\n[statement.statement]\nEffect = \"Allow\"\nPrincipal = {{ AWS = \"111111111111\" }}\nAction = [{}]\n",
            all.join(", ")
        )
    };
    folder.write("s.toml", &actions(8));
    folder
        .run("validate s.toml")
        .ends(1)
        .tells("8 of 7 actions of one queue policy statement")
        .tells("s.toml:13:");
    folder.write("s.toml", &actions(7));
    folder.run("validate s.toml").ends(0);
}
