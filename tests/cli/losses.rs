//! What a change cuts off is listed, and a plan that takes a statement away says what stands in its place.

use serde_json::{Value, json};

use super::Folder;

const WORLD: &str = ".provision/sandbox.json";
const OUTSIDE: &str = "arn:aws:iam::888888888888:role/theirs";

fn stack(body: &str) -> String {
    format!(
        "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts]\na = {{ id = \"111111111111\" }}\n\
         b = {{ id = \"222222222222\" }}\n{body}"
    )
}

/// A folder with a stack that is applied, and then says something else.
fn changed(from: &str, to: &str) -> Folder {
    let folder = Folder::new();
    folder.write("s.toml", &stack(from));
    folder.run("apply s.toml --sandbox --yes").ends(0);
    folder.write("s.toml", &stack(to));
    folder
}

fn topic(folder: &Folder, edit: impl FnOnce(&mut Value)) {
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    edit(&mut world["accounts"]["111111111111"]["regions"]["eu-west-1"]["topics"]["t"]);
    folder.write(WORLD, &world.to_string());
}

fn policy(folder: &Folder) -> String {
    let mut found = String::new();
    topic(folder, |it| {
        it["policy"]
            .as_str()
            .expect("a text")
            .clone_into(&mut found);
    });
    found
}

const TOPIC: &str = "[topics.t]\naccount = \"a\"\n";
const BARE: &str = "[topics.t]\naccount = \"a\"\nowner_statement = false\n";

/// SNS takes no empty policy, and its first one opens a topic to its whole account.
#[test]
fn a_topic_without_a_statement_lets_nobody_in_and_stays_so() {
    for folder in [changed(TOPIC, BARE), changed(BARE, BARE)] {
        folder.run("apply s.toml --sandbox --yes").ends(0);
        assert!(
            !policy(&folder).contains("SourceOwner"),
            "{}",
            policy(&folder)
        );
        folder
            .run("plan s.toml --sandbox")
            .ends(0)
            .says("Nothing to do");
        folder.run("drift s.toml --sandbox").ends(0);
        folder.run("verify s.toml --sandbox --live").ends(0);
        // A statement takes the placeholder's place, and gives it back.
        folder.write("s.toml", &stack(TOPIC));
        folder.run("apply s.toml --sandbox --yes").ends(0);
        assert!(
            policy(&folder).contains("sns:Publish"),
            "{}",
            policy(&folder)
        );
        assert!(
            !policy(&folder).contains("nostatement"),
            "{}",
            policy(&folder)
        );
    }
}

/// A topic's default policy as SNS writes it, with more statements.
fn default_policy(more: &[Value]) -> String {
    let mut statements = vec![json!({
        "Sid": "__default_statement_ID", "Effect": "Allow", "Principal": {"AWS": "*"},
        "Action": ["SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
                   "SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish"],
        "Resource": "arn:aws:sns:eu-west-1:111111111111:t",
        "Condition": {"StringEquals": {"AWS:SourceOwner": "111111111111"}},
    })];
    statements.extend_from_slice(more);
    json!({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": statements})
        .to_string()
}

#[test]
fn taking_over_a_topic_says_who_loses_sns_first_policy() {
    let other = json!({
        "Sid": "theirs", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
        "Action": "sns:Publish", "Resource": "arn:aws:sns:eu-west-1:111111111111:t",
    });
    for more in [&[][..], &[other]] {
        let folder = changed(TOPIC, TOPIC);
        topic(&folder, |it| {
            it["tags"] = json!({});
            it["policy"] = json!(default_policy(more));
        });
        let plan = folder.run("plan s.toml --sandbox --adopt topics.t").ends(0);
        for may in ["publish to", "subscribe to"] {
            assert!(
                plan.out.contains(&format!(
                    "- every principal of account 111111111111 (SNS's first policy) may no longer {may} topics.t"
                )),
                "{}",
                plan.out
            );
        }
        assert!(plan.out.contains("0 gained  2 lost"), "{}", plan.out);
    }
}

/// An API whose consumer may call every route for reading.
fn reading(routes: &str, via: &str) -> String {
    format!(
        "[apis.x]\naccount = \"a\"\n[apis.x.routes]\n\"GET /s\" = {{ mock = 200 }}\n{routes}\n\
         [roles.r]\naccount = \"b\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [[access]]\nfrom = \"roles.r\"\nto = \"apis.x\"\nallow = \"GET /*\"\nvia = \"{via}\"\n"
    )
}

#[test]
fn a_route_that_goes_is_lost_by_those_who_may_call_all() {
    for via in ["resource-policy", "assume-role"] {
        for (route, lost) in [
            ("\"GET /p\" = { mock = 200 }", "GET /p"),
            ("\"ANY /p/{id}\" = { mock = 200 }", "GET /p/*"),
        ] {
            let folder = changed(&reading(route, via), &reading("", via));
            folder
                .run("plan s.toml --sandbox")
                .ends(0)
                .says("0 gained  1 lost")
                .says(&format!("- roles.r may no longer call {lost} of apis.x"));
        }
        // What another route answers, or they could not call, they do not lose.
        for (from, to) in [
            (
                "\"GET /p/a\" = { mock = 200 }\n\"GET /p/{id}\" = { mock = 200 }",
                "\"GET /p/{id}\" = { mock = 200 }",
            ),
            ("\"POST /p\" = { mock = 200 }", ""),
        ] {
            let folder = changed(&reading(from, via), &reading(to, via));
            folder
                .run("plan s.toml --sandbox")
                .ends(0)
                .says("0 gained  0 lost");
        }
    }
}

#[test]
fn whoever_comes_from_outside_loses_the_old_name() {
    let used = |kind: &str, more: &str, via: &str| {
        let allow = if kind == "queues" {
            "allow = \"send\"\n"
        } else {
            ""
        };
        format!(
            "[{kind}.t]\naccount = \"a\"\n{more}[[access]]\nfrom = \"{OUTSIDE}\"\nto = \"{kind}.t\"\n{allow}via = \"{via}\"\n"
        )
    };
    for (kind, service, may) in [
        ("queues", "sqs", "send to"),
        ("topics", "sns", "publish to"),
    ] {
        for via in ["resource-policy", "assume-role"] {
            let folder = Folder::new();
            folder.write("s.toml", &stack(&used(kind, "", via)));
            folder.run("apply s.toml --sandbox --yes").ends(0);
            folder.write("s.toml", &stack(&used(kind, "name = \"u\"\n", via)));
            let plan = folder.run("plan s.toml --sandbox").ends(0);
            let words: Vec<&str> = plan.out.split_whitespace().collect();
            let words = words.join(" ");
            for says in [
                format!("+ {OUTSIDE} may {may} {kind}.t"),
                format!(
                    "- {OUTSIDE} may no longer {may} arn:aws:{service}:eu-west-1:111111111111:t by"
                ),
            ] {
                assert!(words.contains(&says), "{says}: {}", plan.out);
            }
        }
    }
}

#[test]
fn accepting_what_anyone_may_do_says_the_guardrail_that_it_goes_over() {
    let folder = changed(TOPIC, TOPIC);
    topic(&folder, |it| {
        let mut document: Value =
            serde_json::from_str(it["policy"].as_str().expect("a text")).expect("JSON");
        let open = json!({"Sid": "open", "Effect": "Allow", "Principal": "*", "Action": "sns:Publish",
                          "Resource": "arn:aws:sns:eu-west-1:111111111111:t"});
        document["Statement"]
            .as_array_mut()
            .expect("a list")
            .push(open);
        it["policy"] = json!(document.to_string());
    });
    folder
        .run("drift s.toml --sandbox --accept topics.t --reason feed")
        .ends(0)
        .tells("error[PG001]:")
        .tells("nothing is applied while there is an error");
}

/// API Gateway refuses it: the API would be changed, and its stage would go on serving what it served.
#[test]
fn a_stage_with_a_canary_is_not_deployed_again() {
    let (one, two) = (
        reading("", "resource-policy"),
        reading("\"GET /p\" = { mock = 200 }", "resource-policy"),
    );
    let folder = changed(&one, &two);
    let canary = |folder: &Folder, on: bool| {
        let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
        let apis = &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"]["apis"];
        let api = apis.as_object_mut().expect("APIs").values_mut().next();
        let stage = &mut api.expect("one")["stages"]["live"];
        let deployment = stage["deployment"].clone();
        stage["canary"] = if on {
            json!({"deployment": deployment, "percent": 10.0})
        } else {
            Value::Null
        };
        folder.write(WORLD, &world.to_string());
    };
    canary(&folder, true);
    for command in ["plan s.toml --sandbox", "apply s.toml --sandbox --yes"] {
        let ran = folder.run(command);
        let said = ran.out.clone() + &ran.err;
        assert!(
            said.contains("API Gateway takes no other deployment of such a stage"),
            "{said}"
        );
        assert!(
            said.contains("--patch-operations op=remove,path=/canarySettings"),
            "{said}"
        );
        ran.ends(1);
    }
    // What deploys nothing is not kept back by it.
    folder.write(
        "s.toml",
        &stack(&(one + "[queues.more]\naccount = \"a\"\n")),
    );
    folder.run("apply s.toml --sandbox --yes").ends(0);
    folder.write("s.toml", &stack(&two));
    canary(&folder, false);
    folder
        .run("apply s.toml --sandbox --yes --allow-delete queues.more")
        .ends(0);
}
