//! What others put on resources of a stack and may stay, and what AWS itself puts there.

use serde_json::{Value, json};

use super::Folder;

const WORLD: &str = ".provision/sandbox.json";

const STACK: &str = "\
[stack]
name   = \"shop\"
region = \"eu-west-1\"

[accounts.events]
id = \"111111111111\"

[accounts.billing]
id = \"222222222222\"

[topics.orders]
account = \"events\"

# What billing receives.
[queues.inbox]
account   = \"billing\"
subscribe = \"orders\"

[roles.worker]
account    = \"billing\"
trusted_by = \"lambda.amazonaws.com\"
";

/// A folder with the stack applied, and this done behind its back to the policies of its topic and its queue.
fn applied(text: &str) -> Folder {
    let folder = Folder::new();
    folder.write("shop.toml", text);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    folder
}

fn tamper(folder: &Folder, deed: impl FnOnce(&mut Value)) {
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    deed(&mut world);
    folder.write(WORLD, &world.to_string());
}

/// Edits a policy that is stored as a text.
fn edit(policy: &mut Value, deed: impl FnOnce(&mut Vec<Value>)) {
    let text = policy.as_str().expect("a text");
    let mut document: Value = serde_json::from_str(text).expect("JSON");
    deed(document["Statement"].as_array_mut().expect("a list"));
    *policy = json!(document.to_string());
}

fn queue_policy(world: &mut Value) -> &mut Value {
    let queues = &mut world["accounts"]["222222222222"]["regions"]["eu-west-1"]["queues"];
    &mut queues["inbox"]["attributes"]["Policy"]
}

fn only_tls(effect: &str) -> Value {
    json!({
        "Sid": "TlsOnly", "Effect": effect, "Principal": "*", "Action": "sqs:*",
        "Resource": "arn:aws:sqs:eu-west-1:222222222222:inbox",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    })
}

#[test]
fn a_file_in_the_layout_of_fmt_is_in_it_after_something_is_accepted() {
    let folder = applied(STACK);
    folder.run("fmt shop.toml").ends(0);
    tamper(&folder, |world| {
        edit(queue_policy(world), |it| it.push(only_tls("Deny")));
    });
    folder
        .run("drift shop.toml --sandbox --accept queues.inbox --reason audit")
        .ends(0);
    assert!(folder.read("shop.toml").contains("[[known]]"));
    folder.run("fmt shop.toml --check").ends(0);
}

#[test]
fn a_known_statement_is_no_drift_until_it_changes() {
    let folder = applied(STACK);
    tamper(&folder, |world| {
        edit(queue_policy(world), |it| it.push(only_tls("Deny")));
    });
    folder
        .run("drift shop.toml --sandbox")
        .ends(2)
        .says("cuts access  PD004")
        .says("fix: provision drift shop.toml --sandbox --revert queues.inbox");
    // Without a reason nothing is accepted.
    folder
        .run("drift shop.toml --sandbox --accept queues.inbox")
        .ends(1)
        .tells("--accept queues.inbox --reason TEXT");
    folder
        .run("drift shop.toml --sandbox --accept queues.inbox --reason asked_for_by_security --until 2026-13-01")
        .ends(1);
    assert_eq!(folder.read("shop.toml"), STACK);
    folder
        .run("drift shop.toml --sandbox --accept queues.inbox --reason asked_for_by_security")
        .ends(0)
        .says("+[[known]]")
        .says("+reason = \"asked_for_by_security\"");
    assert!(folder.read("shop.toml").starts_with(STACK));
    folder
        .run("drift shop.toml --sandbox")
        .ends(0)
        .says("No drift: 4 resources in step with the stack. 1 addition of others is known.");
    let document = folder
        .run("drift shop.toml --sandbox --json")
        .ends(0)
        .document();
    assert_eq!(document["known"][0]["on"], "queues.inbox");
    assert_eq!(document["known"][0]["reason"], "asked_for_by_security");
    // An apply and a revert of something else leave it alone.
    folder
        .run("plan shop.toml --sandbox")
        .ends(0)
        .says("  known");
    tamper(&folder, |world| {
        edit(queue_policy(world), |it| {
            it.push(json!({
                "Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage",
                "Resource": "arn:aws:sqs:eu-west-1:222222222222:inbox",
            }));
        });
    });
    folder
        .run("drift shop.toml --sandbox --revert queues.inbox --yes")
        .ends(0);
    let kept = folder.read(WORLD);
    assert!(
        kept.contains("TlsOnly") && !kept.contains("Open\\"),
        "{kept}"
    );
    folder.run("drift shop.toml --sandbox").ends(0);
    // The same Sid with another content is another statement, and what was known is not there any more.
    tamper(&folder, |world| {
        edit(queue_policy(world), |it| {
            it.retain(|it| it["Sid"] != "TlsOnly");
            it.push(only_tls("Allow"));
        });
    });
    folder
        .run("drift shop.toml --sandbox")
        .ends(2)
        .says("PD004")
        .says("what is known of queues.inbox is not there: take the `[[known]]` out");
}

#[test]
fn what_is_known_until_a_day_is_drift_from_the_next() {
    let folder = applied(STACK);
    tamper(&folder, |world| {
        let roles = &mut world["accounts"]["222222222222"]["roles"];
        roles["worker"]["attached"] = json!(["arn:aws:iam::aws:policy/ReadOnlyAccess"]);
    });
    folder.run("drift shop.toml --sandbox").ends(2);
    let known = |until: &str| {
        format!(
            "{STACK}\n[[known]]\non = \"roles.worker\"\nattached_policy = \"arn:aws:iam::aws:policy/ReadOnlyAccess\"\nreason = \"an audit\"\nuntil = \"{until}\"\n"
        )
    };
    folder.write("shop.toml", &known("2999-01-01"));
    folder.run("drift shop.toml --sandbox").ends(0);
    folder.write("shop.toml", &known("2020-01-01"));
    folder.run("drift shop.toml --sandbox").ends(2).says(
        "managed policy arn:aws:iam::aws:policy/ReadOnlyAccess (known until 2020-01-01: an audit)",
    );
}

#[test]
fn a_queue_and_a_topic_that_are_for_tls_only_say_so_themselves() {
    let text = STACK
        .replace(
            "subscribe = \"orders\"\n",
            "subscribe = \"orders\"\ntls_only  = true\n",
        )
        .replace(
            "account = \"events\"\n",
            "account = \"events\"\ntls_only = true\n",
        );
    let folder = applied(&text);
    let world = folder.read(WORLD);
    assert_eq!(world.matches("aws:SecureTransport").count(), 2, "{world}");
    folder.run("verify shop.toml --sandbox --live").ends(0);
    folder
        .run("apply shop.toml --sandbox --yes")
        .ends(0)
        .says("Nothing to do");
    // What another tool adds with the same words changes nothing.
    tamper(&folder, |world| {
        edit(queue_policy(world), |it| it.push(only_tls("Deny")));
    });
    folder.run("drift shop.toml --sandbox").ends(0);
    // Without it, the stack's own statement goes.
    folder.write("shop.toml", STACK);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    let world = folder.read(WORLD);
    assert_eq!(world.matches("aws:SecureTransport").count(), 1, "{world}");
}

#[test]
fn a_statement_that_the_author_writes_out_is_the_stacks_own() {
    let text = format!(
        "{STACK}\n[[statement]]\non = \"queues.inbox\"\nstatement = {{ Sid = \"Bucket\", Effect = \"Allow\", Principal = {{ Service = \"s3.amazonaws.com\" }}, Action = \"sqs:SendMessage\", Condition = {{ ArnEquals = {{ \"aws:SourceArn\" = \"arn:aws:s3:::uploads-example\" }} }} }}\n"
    );
    let folder = applied(&text);
    folder.run("drift shop.toml --sandbox").ends(0);
    folder.run("verify shop.toml --sandbox --live").ends(0);
    // Somebody takes it out: the bucket may no longer send.
    tamper(&folder, |world| {
        edit(queue_policy(world), |it| {
            it.retain(|it| it["Principal"]["Service"] != "s3.amazonaws.com");
        });
    });
    folder
        .run("drift shop.toml --sandbox")
        .ends(2)
        .says("loses: s3.amazonaws.com may no longer send to queues.inbox");
    folder
        .run("drift shop.toml --sandbox --revert queues.inbox --yes")
        .ends(0);
    folder.run("drift shop.toml --sandbox").ends(0);
}

#[test]
fn what_a_taking_over_keeps_is_known_and_what_comes_later_is_drift() {
    let folder = applied(STACK);
    tamper(&folder, |world| {
        let role = &mut world["accounts"]["222222222222"]["roles"]["worker"];
        role["tags"] = json!({});
        let own = json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::pictures/*"}],
        });
        role["inline"] = json!({"own": own.to_string()});
        edit(queue_policy(world), |it| it.push(only_tls("Deny")));
        let queues = &mut world["accounts"]["222222222222"]["regions"]["eu-west-1"]["queues"];
        queues["inbox"]["tags"] = json!({});
        let region = &mut world["accounts"]["222222222222"]["regions"]["eu-west-1"];
        if let Some(index) = region.get_mut("index") {
            *index = json!({});
        }
    });
    folder
        .run("import --stack house --region eu-west-1 --account b=222222222222 --name worker --name inbox --sandbox --out house.toml")
        .ends(0);
    let found = folder.read("house.toml");
    assert!(found.contains("[[known]]"), "{found}");
    assert!(found.contains("there when it was taken over"), "{found}");
    folder
        .run("apply house.toml --adopt roles.worker --adopt queues.inbox --sandbox --yes")
        .ends(0)
        .says("is taken over");
    folder.run("drift house.toml --sandbox").ends(0);
    tamper(&folder, |world| {
        let role = &mut world["accounts"]["222222222222"]["roles"]["worker"];
        let text = role["inline"]["own"].as_str().expect("a text");
        role["inline"]["own"] = json!(text.replace("pictures/*", "*"));
    });
    folder
        .run("drift house.toml --sandbox")
        .ends(2)
        .says("inline policy `own`: allow s3:GetObject on arn:aws:s3:::*")
        .says("what is known of roles.worker is not there");
}

#[test]
fn the_statement_that_sns_gives_every_topic_is_the_owners_and_gives_way() {
    for key in ["AWS:SourceOwner", "AWS:SourceAccount"] {
        let folder = applied(STACK);
        let first = json!({
            "Sid": "__default_statement_ID", "Effect": "Allow", "Principal": {"AWS": "*"},
            "Action": [
                "SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
                "SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish",
            ],
            "Resource": "arn:aws:sns:eu-west-1:111111111111:orders",
            "Condition": {"StringEquals": {key: "111111111111"}},
        });
        tamper(&folder, |world| {
            let topics = &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"]["topics"];
            edit(&mut topics["orders"]["policy"], |it| it.push(first));
        });
        // It lets in the owner's own people, who need no policy of their own then; nobody else.
        folder
            .run("verify shop.toml --sandbox --live")
            .ends(3)
            .says("lets any principal of account events (111111111111)");
        let ran = folder.run("drift shop.toml --sandbox").ends(2);
        assert!(!ran.out.contains("anyone"), "{}", ran.out);
        let ran = folder.run("plan shop.toml --sandbox").ends(0);
        assert!(!ran.out.contains("anyone"), "{}", ran.out);
        folder.run("apply shop.toml --sandbox --yes").ends(0);
        folder.run("drift shop.toml --sandbox").ends(0);
    }
}

#[test]
fn a_managed_policy_of_the_account_is_known_by_what_it_says() {
    let arn = "arn:aws:iam::222222222222:policy/theirs";
    let version = |action: &str| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}).to_string()
    };
    for field in ["attached", "boundary"] {
        let folder = applied(STACK);
        tamper(&folder, |world| {
            let account = &mut world["accounts"]["222222222222"];
            account["policies"] = json!({"theirs": {
                "arn": arn, "path": "/", "description": "", "default": 1, "made": 1,
                "versions": {"1": version("s3:GetObject")},
            }});
            let role = &mut account["roles"]["worker"];
            role[field] = if field == "attached" {
                json!([arn])
            } else {
                json!(arn)
            };
        });
        folder.run("drift shop.toml --sandbox").ends(2);
        folder
            .run("drift shop.toml --sandbox --accept roles.worker --reason audit")
            .ends(0)
            .says("document");
        folder.run("drift shop.toml --sandbox").ends(0);
        // Whoever writes another version of it changes what the role may do.
        tamper(&folder, |world| {
            let policy = &mut world["accounts"]["222222222222"]["policies"]["theirs"];
            policy["versions"]["2"] = json!(version("sns:*"));
            policy["default"] = json!(2);
            policy["made"] = json!(2);
        });
        folder
            .run("drift shop.toml --sandbox")
            .ends(2)
            .says("PD004")
            .says(arn);
        // Without the digest it is known whatever it says.
        let text = folder.read("shop.toml");
        let lines = text.lines().filter(|it| !it.starts_with("document"));
        folder.write("shop.toml", &(lines.collect::<Vec<_>>().join("\n") + "\n"));
        folder.run("drift shop.toml --sandbox").ends(0);
    }
}
