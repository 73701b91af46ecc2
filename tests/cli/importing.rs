//! Stack files written from what is live, and what is no ground for one.

use serde_json::{Value, json};

use super::Folder;
use super::principals::{comes_back, holds, imported};

const ACCOUNTS: &str = "--account shop=111111111111:provision --account billing=222222222222:provision \
                        --account orders=333333333333:provision --region eu-west-1 --sandbox";

/// A folder with the marketplace applied.
fn applied() -> Folder {
    let folder = Folder::with_stacks();
    folder
        .run("apply stacks/marketplace.toml --sandbox --yes")
        .ends(0);
    folder
}

/// Takes every mark of ours out of the sandbox: what is there is another tool's now.
fn unmarked(folder: &Folder) {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|key, _| !key.starts_with("provision:"));
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut world: Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    strip(&mut world);
    folder.write(".provision/sandbox.json", &world.to_string());
}

/// The policies that the sandbox holds.
fn documents(folder: &Folder) -> Vec<String> {
    fn gather(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, it) in fields {
                    let policy = ["trust", "policy", "Policy", "inline", "attached"];
                    if policy.contains(&key.as_str()) {
                        found.push(it.to_string());
                    } else {
                        gather(it, found);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|it| gather(it, found)),
            _ => {}
        }
    }
    let world: Value = serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let mut found = Vec::new();
    gather(&world["accounts"], &mut found);
    found
}

/// The flags that take over what was written.
fn adopting(said: &str) -> String {
    let next = said.split("Next: ").nth(1).expect("what comes next");
    let words = next.split("    ").next().expect("a command");
    words
        .split_once("--sandbox")
        .expect("a sandbox")
        .1
        .to_owned()
}

#[test]
fn a_lost_file_is_written_anew_and_destroys_all() {
    let folder = applied();
    let import = format!("import --stack marketplace {ACCOUNTS} --out found.toml");
    folder
        .run(&import)
        .ends(0)
        .says("Wrote found.toml: 12 resources of stack marketplace in 3 accounts")
        .tells("0 writes");
    folder.run("validate found.toml").ends(0);
    folder.run("fmt --check found.toml").ends(0);
    folder
        .run("plan found.toml --sandbox --detailed-exitcode")
        .ends(0)
        .says("Nothing to do");
    folder.run("destroy found.toml --sandbox --yes").ends(0);
    folder
        .run(&format!("{import} --force"))
        .ends(1)
        .tells("nothing in these accounts bears the mark of the stack `marketplace`");
}

#[test]
fn what_another_tool_made_is_only_marked_by_taking_it_over() {
    let folder = Folder::with_stacks();
    // Another tool's API may have a public route beside a policy that names roles.
    let open = folder
        .read("stacks/marketplace.toml")
        .replace("= { mock = 200 }", "= { mock = 200, public = true }");
    folder.write("stacks/marketplace.toml", &open);
    folder
        .run("apply stacks/marketplace.toml --sandbox --yes")
        .ends(0);
    unmarked(&folder);
    let before = documents(&folder);
    assert!(before.len() > 10, "{before:?}");
    let said = folder
        .run(&format!(
            "import --stack shop {ACCOUNTS} --name * --out shop.toml"
        ))
        .ends(0)
        .says("writes this stack's statements for subscriptions beside those by which they work");
    let text = folder.read("shop.toml");
    assert!(
        text.contains("# [[access]]\n# from = \"roles.checkout\""),
        "{text}"
    );
    folder.run("fmt --check shop.toml").ends(0);
    folder
        .run("plan shop.toml --sandbox")
        .ends(1)
        .says("take it over with `--adopt topics.order-events`");

    let adopt = adopting(&said.out);
    let plan = folder
        .run(&format!("plan shop.toml --sandbox --json {adopt}"))
        .ends(0)
        .document();
    for step in plan["steps"].as_array().expect("steps") {
        let changes = step["changes"].as_array().expect("changes").iter();
        // Whether the other tool has deployed what the API has now, its deployment does not say.
        for change in changes.filter(|it| it["field"] != "mark" && it["field"] != "deployment") {
            // A subscription's statements come beside those that are there.
            assert_eq!(change["field"], "policy", "{step}");
            let mut details = change["details"].as_array().expect("details").iter();
            assert!(details.all(|it| it["sign"] == "+"), "{step}");
        }
    }
    assert_eq!(
        plan["summary"],
        json!({"add": 0, "change": 11, "destroy": 0})
    );
    assert_eq!(plan["access"], json!([]));
    folder
        .run(&format!("apply shop.toml --sandbox --yes {adopt}"))
        .ends(0);
    let after = documents(&folder);
    let same = before.iter().filter(|it| after.contains(it)).count();
    assert_eq!((before.len(), before.len() - same), (after.len(), 2));
    folder
        .run("plan shop.toml --sandbox --detailed-exitcode")
        .ends(0)
        .says("Nothing to do");
}

#[test]
fn a_terraform_state_says_what_to_take_and_what_to_call_it() {
    let folder = applied();
    unmarked(&folder);
    let resource = |kind: &str, name: &str, values: Value| json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "name": name, "values": values});
    let role = "arn:aws:iam::111111111111:role/provision/marketplace/checkout";
    let state = json!({
        "format_version": "1.0", "terraform_version": "1.9.0",
        "values": {"root_module": {
            "resources": [
                resource("aws_iam_role", "buyer", json!({"arn": role, "name": "checkout"})),
                resource("aws_iam_role_policy", "buyer", json!({"id": "checkout:access"})),
                resource("aws_lambda_function", "checkout", json!({"arn": "arn:aws:lambda:x"})),
                resource("aws_sqs_queue", "gone", json!({"arn": "arn:aws:sqs:eu-west-1:222222222222:gone"})),
            ],
            "child_modules": [{"resources": [resource(
                "aws_sns_topic", "events", json!({"arn": "arn:aws:sns:eu-west-1:333333333333:order-events"}),
            )]}],
        }},
    });
    folder.write("state.json", &state.to_string());
    let said = folder
        .run(&format!(
            "import --stack shop {ACCOUNTS} --from state.json --out shop.toml"
        ))
        .ends(0)
        .says("aws_lambda_function: 1 resource (aws_lambda_function.checkout), no kind of a stack's: left to Terraform")
        .says("aws_sqs_queue.gone: it is named by the file, and there is no queue `gone`");
    let text = folder.read("shop.toml");
    assert!(
        text.contains("[roles.buyer]") && text.contains("[topics.events]"),
        "{text}"
    );
    let adopt = adopting(&said.out);
    assert_eq!(adopt.trim(), "--adopt topics.events --adopt roles.buyer");
    folder
        .run(&format!("plan shop.toml --sandbox {adopt}"))
        .ends(0)
        .says("Plan: 0 to add, 2 to change, 0 to destroy.");
    adopts_and_destroys(&folder, &adopt);
}

/// What was only planned, done: adopted, in step, and gone with the file.
fn adopts_and_destroys(folder: &Folder, adopt: &str) {
    let before = documents(folder);
    folder
        .run(&format!("apply shop.toml --sandbox --yes {adopt}"))
        .ends(0);
    assert_eq!(documents(folder), before);
    folder
        .run("plan shop.toml --sandbox --detailed-exitcode")
        .ends(0)
        .says("Nothing to do");
    // What the taking over keeps is written as known.
    folder
        .run("drift shop.toml --sandbox")
        .ends(0)
        .says("additions of others are known");
    let planned = folder
        .run("destroy shop.toml --sandbox --yes --json")
        .ends(0);
    assert!(!planned.out.is_empty());
    folder
        .run("plan shop.toml --sandbox --detailed-exitcode")
        .ends(2)
        .says("0 to change, 0 to destroy.");
}

#[test]
fn an_api_is_taken_over_by_its_id_and_goes_with_the_file() {
    let folder = Folder::with_stacks();
    folder
        .run("apply stacks/sync-assume-role.toml --sandbox --yes")
        .ends(0);
    unmarked(&folder);
    let accounts =
        "--account billing=222222222222 --account orders=333333333333 --region eu-west-1 --sandbox";
    let said = folder
        .run(&format!(
            "import --stack shop {accounts} --name * --out shop.toml"
        ))
        .ends(0)
        .says("--adopt apis.orders=");
    let adopt = adopting(&said.out);
    assert!(adopt.contains("--adopt apis.orders="), "{adopt}");
    let by_name = adopt
        .split_whitespace()
        .map(|it| it.split('=').next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join(" ");
    folder
        .run(&format!("plan shop.toml --sandbox {by_name}"))
        .ends(1)
        .tells("names of APIs are not unique; say which one to take over by its id: `--adopt apis.orders=ID`");
    let elsewhere = adopt.replace("--adopt apis.orders=", "--adopt apis.orders=x");
    folder
        .run(&format!("plan shop.toml --sandbox {elsewhere}"))
        .ends(1)
        .tells("to take over; `aws apigateway get-rest-apis` shows their ids");
    // A plan that is saved remembers which API was meant.
    folder
        .run(&format!(
            "plan shop.toml --sandbox {adopt} --out saved.json"
        ))
        .ends(0);
    folder.run("apply saved.json --sandbox --yes").ends(0);
    folder
        .run("plan shop.toml --sandbox --detailed-exitcode")
        .ends(0)
        .says("Nothing to do");
    folder
        .run(&format!(
            "plan shop.toml --sandbox --detailed-exitcode {adopt}"
        ))
        .ends(0);
    folder.run("destroy shop.toml --sandbox --yes").ends(0);
    let world: Value = serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    for (account, it) in world["accounts"].as_object().expect("accounts") {
        assert_eq!(it["roles"], json!({}), "{account}");
        for region in it["regions"].as_object().into_iter().flatten() {
            assert_eq!(region.1["apis"], json!({}), "{account}");
        }
    }
}

#[test]
fn cloudformations_list_says_it_too_and_a_template_alone_does_not() {
    let folder = applied();
    unmarked(&folder);
    let list = json!({"StackResources": [
        {"LogicalResourceId": "Events", "ResourceType": "AWS::SNS::Topic", "ResourceStatus": "CREATE_COMPLETE",
         "PhysicalResourceId": "arn:aws:sns:eu-west-1:333333333333:order-events"},
        {"LogicalResourceId": "DeadLetters", "ResourceType": "AWS::SQS::Queue", "ResourceStatus": "CREATE_COMPLETE",
         "PhysicalResourceId": "https://sqs.eu-west-1.amazonaws.com/222222222222/billing-dead-letters"},
        {"LogicalResourceId": "Caller", "ResourceType": "AWS::IAM::Role", "ResourceStatus": "CREATE_COMPLETE",
         "PhysicalResourceId": "checkout"},
        {"LogicalResourceId": "Table", "ResourceType": "AWS::DynamoDB::Table", "PhysicalResourceId": "t"},
    ]});
    folder.write("list.json", &list.to_string());
    let template = "Resources:\n  Events:\n    Type: AWS::SNS::Topic\n  Later:\n    Type: AWS::SNS::Topic\n    \
                    Properties: {TopicName: !Ref Events}\n";
    folder.write(
        "template.json",
        &json!({"TemplateBody": template}).to_string(),
    );
    folder
        .run(&format!(
            "import --stack shop {ACCOUNTS} --from template.json"
        ))
        .ends(1)
        .tells("add `--from` with the output of `aws cloudformation describe-stack-resources`");
    let said = folder
        .run(&format!(
            "import --stack shop {ACCOUNTS} --from template.json --from list.json --out shop.toml"
        ))
        .ends(0)
        .says("Later: it is in the template, and not among the stack's resources")
        .says("AWS::DynamoDB::Table: 1 resource (Table), no kind of a stack's: left to CloudFormation");
    let adopt = adopting(&said.out);
    folder
        .run(&format!("plan shop.toml --sandbox {adopt}"))
        .ends(0)
        .says("Plan: 0 to add, 3 to change, 0 to destroy.");
    adopts_and_destroys(&folder, &adopt);
    assert!(folder.read("shop.toml").contains("[queues.DeadLetters]"));
}

#[test]
fn what_is_no_ground_for_a_stack_is_refused_and_nothing_is_written() {
    let folder = applied();
    folder.write("shop.toml", "kept");
    let refused = |flags: &str, why: &str| {
        folder
            .run(&format!("import --stack shop {ACCOUNTS} {flags}"))
            .ends(1)
            .tells(why);
    };
    refused("--out shop.toml --name *", "`shop.toml` is there already");
    assert_eq!(folder.read("shop.toml"), "kept");
    refused(
        "--name nothing-*",
        "nothing in these accounts bears the mark of the stack `shop`",
    );
    refused(
        "--account shop=222222222222",
        "two accounts are called `shop`",
    );
    refused("--account nobody", "`--account nobody` is not an account");
    folder.write("a.json", "not at all");
    refused("--from a.json", "is not JSON");
    folder.write("a.json", "{\"serial\": 4, \"version\": 4}");
    refused("--from a.json", "is a raw Terraform state");
    folder.write(
        "a.json",
        "{\"format_version\": \"1.2\", \"planned_values\": {}}",
    );
    refused("--from a.json", "is a Terraform plan");
    folder.write("a.json", "{\"some\": \"thing\"}");
    refused(
        "--from a.json",
        "is neither Terraform's nor CloudFormation's",
    );
    let states = [
        (
            "{\"format_version\": \"1.0\"}",
            "is a Terraform state with nothing in it",
        ),
        (
            "{\"format_version\": \"2.0\", \"values\": {}}",
            "is a Terraform state of the form \"2.0\"; 0.1, 0.2 and 1.x are read",
        ),
        (
            "{\"format_version\": \"1.0\", \"values\": {\"root_module\": {\"resources\": {}}}}",
            "`values.root_module.resources` is not a list",
        ),
        (
            "{\"format_version\": \"1.0\", \"values\": {\"root_module\": {\"child_modules\": [{\"resources\": [7]}]}}}",
            "`values.root_module.child_modules[0].resources[0]` has no type and address",
        ),
        (
            "{\"format_version\": \"1.0\", \"values\": {\"root_module\": {\"resources\": [\
             {\"type\": \"aws_sns_topic\", \"address\": \"aws_sns_topic.t\", \"values\": {\"arn\": 5}}]}}}",
            "aws_sns_topic.t: the state does not say what it is in AWS",
        ),
        (
            "{\"StackResources\": [7]}",
            "lists 7 among its resources, which is none",
        ),
        (
            "Resources:\n  Events:\n    Type: AWS::SNS::Topic\n",
            "is a template, which does not say what its resources are called",
        ),
    ];
    for (text, why) in states {
        folder.write("a.json", text);
        refused("--from a.json", why);
    }
    folder.write("a.json", "{\"StackResources\": []}");
    refused("--from a.json", "names no role, topic, queue or REST API");
    let elsewhere = json!({"StackResources": [{
        "LogicalResourceId": "T", "ResourceType": "AWS::SNS::Topic",
        "PhysicalResourceId": "arn:aws:sns:eu-west-1:444444444444:t",
    }]});
    folder.write("a.json", &elsewhere.to_string());
    refused("--from a.json", "add `--account NAME=444444444444`");
    // What is another stack's is not taken.
    folder
        .run(&format!("import --stack shop {ACCOUNTS} --name checkout"))
        .ends(1)
        .tells("nothing in these accounts bears the mark");
    assert!(!folder.path("provision.toml").exists());
}

/// A stack of one account with something of every kind in it.
const SHOP: &str = r#"
[stack]
name   = "shop"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[roles.worker]
trust_policy = { Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" }, Condition = { StringEquals = { "aws:SourceAccount" = "111111111111" } } }, { Effect = "Deny", Action = "sts:AssumeRole", Principal = "*", Condition = { BoolIfExists = { "aws:SecureTransport" = "false" } } }] }
[roles.reader]
trusted_by = ["lambda.amazonaws.com", "ec2.amazonaws.com"]
[topics.events]
[queues.failed]
[queues.jobs]
subscribe   = { topic = "events", filter = { kind = ["paid"] } }
dead_letter = { queue = "failed", max_receives = 3 }
[apis.health.routes]
"GET /health" = { mock = 200 }
"GET /version" = { mock = { status = 200, body = "1" } }
[apis.orders.routes]
"GET /orders" = { lambda = "arn:aws:lambda:eu-west-1:111111111111:function:orders", credentials = false }
"#;

const SHOPS: &str = "import --stack shop --account a=111111111111 --region eu-west-1 --sandbox --force --out found.toml";

/// The same as another stack, to which nothing of it belongs.
const STORES: &str = "import --stack store --account a=111111111111 --region eu-west-1 --sandbox --force --out found.toml";

fn shop() -> Folder {
    let folder = Folder::new();
    folder.write("shop.toml", SHOP);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    folder
}

/// Changes the sandbox behind everybody's back.
fn edit(folder: &Folder, change: impl FnOnce(&mut Value)) {
    let mut world: Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    change(&mut world["accounts"]["111111111111"]);
    folder.write(".provision/sandbox.json", &world.to_string());
}

/// What a stack cannot say: a filter of six keys, a route that is reserved.
fn make_unspeakable(account: &mut Value) {
    let region = &mut account["regions"]["eu-west-1"];
    let keys = ["a", "b", "c", "d", "e", "f"];
    let filter: Value = keys
        .iter()
        .map(|it| (it.to_string(), json!(["x"])))
        .collect();
    region["topics"]["events"]["subscriptions"][0]["attributes"]["FilterPolicy"] =
        json!(filter.to_string());
    for api in region["apis"].as_object_mut().expect("APIs").values_mut() {
        let resources = api["resources"].as_object_mut().expect("resources");
        if let Some(health) = resources.remove("/health") {
            resources.insert("/ping".to_owned(), health);
        }
    }
}

#[test]
fn a_trust_policy_of_the_stack_comes_back_with_its_denials() {
    let folder = shop();
    folder.run(SHOPS).ends(0);
    let text = folder.read("found.toml");
    for words in [
        "aws:SourceAccount",
        "aws:SecureTransport",
        "credentials = false",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(
        text.contains(r#"trusted_by = ["ec2.amazonaws.com", "lambda.amazonaws.com"]"#),
        "{text}"
    );
    folder
        .run("plan found.toml --sandbox --detailed-exitcode")
        .ends(0)
        .says("Nothing to do");
    // A Deny that somebody put beside the stack's own statement, and an action that was added to it.
    for action in ["sts:AssumeRole", "sts:TagSession"] {
        edit(&folder, |account| {
            let trust = &mut account["roles"]["reader"]["trust"];
            let mut document: Value =
                serde_json::from_str(trust.as_str().expect("a text")).expect("JSON");
            let statements = document["Statement"].as_array_mut().expect("statements");
            statements[0]["Action"] = json!(["sts:AssumeRole", action]);
            statements.push(
                json!({"Effect": "Deny", "Action": action, "Principal": {"AWS": "111111111111"}}),
            );
            *trust = json!(document.to_string());
        });
        folder.run(SHOPS).ends(0);
        assert!(
            !folder.read("found.toml").contains("trusted_by"),
            "{action}"
        );
        // The statements become the author's own: nobody gains or loses by it.
        let plan = folder
            .run("plan found.toml --sandbox --json")
            .ends(0)
            .document();
        assert_eq!(plan["access"], json!([]), "{plan}");
        assert_eq!(
            plan["summary"],
            json!({"add": 0, "change": 1, "destroy": 0})
        );
    }
}

#[test]
fn what_a_stack_cannot_say_is_named_and_the_rest_is_written() {
    let folder = shop();
    edit(&folder, make_unspeakable);
    unmarked(&folder);
    let said = folder
        .run(&format!("{STORES} --name *"))
        .ends(0)
        .says("REST API `health`: not taken over: `GET /ping` is a route that cannot exist (API Gateway keeps `/ping`")
        .says("queues.jobs: written as `existing`, not taken over: ")
        .says("is not one SNS takes (6 keys)");
    assert!(!said.out.contains("no AWS call"), "{}", said.out);
    folder.run("validate found.toml").ends(0);
    let adopt = adopting(&said.out);
    for it in [
        "topics.events",
        "queues.failed",
        "roles.worker",
        "roles.reader",
        "apis.orders=",
    ] {
        assert!(adopt.contains(&format!("--adopt {it}")), "{adopt}");
    }
    let before = documents(&folder);
    folder
        .run(&format!("apply found.toml --sandbox --yes {adopt}"))
        .ends(0);
    assert_eq!(documents(&folder), before);
    folder
        .run("plan found.toml --sandbox --detailed-exitcode")
        .ends(0)
        .says("Nothing to do");
}

#[test]
fn of_the_stacks_own_only_what_it_cannot_say_is_left_out() {
    let folder = shop();
    edit(&folder, make_unspeakable);
    folder
        .run(SHOPS)
        .ends(0)
        .says("[queues.jobs]: `subscribe` is left out: ")
        .says("[apis.health.routes]: `\"GET /ping\"` is left out: `GET /ping` is a route that cannot exist")
        .says("subscriptions.jobs.events: with this file it would be deleted");
    folder.run("validate found.toml").ends(0);
    let text = folder.read("found.toml");
    // The statements that were for the subscription stay as they are.
    assert!(
        text.contains("Deliver` of its policy: a stack has no other words for it"),
        "{text}"
    );
    for words in ["[queues.jobs]", "[topics.events]", "[apis.orders.routes]"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn a_reason_names_the_route_and_its_setting() {
    let folder = shop();
    edit(&folder, |account| {
        for api in account["regions"]["eu-west-1"]["apis"]
            .as_object_mut()
            .expect("APIs")
            .values_mut()
        {
            for (path, it) in api["resources"].as_object_mut().expect("resources") {
                let Some(method) = it["methods"].get_mut("GET") else {
                    continue;
                };
                match path.as_str() {
                    "/health" => method["integration"]["passthrough"] = json!("NEVER"),
                    "/orders" => method["authorization"] = json!("CUSTOM"),
                    _ => {}
                }
            }
        }
    });
    unmarked(&folder);
    folder
        .run(&format!("{STORES} --name *"))
        .ends(0)
        .says("REST API `health`: not taken over: it would be changed: routes (GET /health passthrough NEVER -> WHEN_NO_MATCH)")
        .says("REST API `orders`: not taken over: a stack has no words for what its route `GET /orders` does (authorizer CUSTOM)");
}

#[test]
fn what_was_asked_for_and_is_not_there_is_named() {
    let folder = shop();
    let state = |version: &str| {
        let queue = json!({"address": "aws_sqs_queue.gone", "mode": "managed", "type": "aws_sqs_queue", "name": "gone",
                           "values": {"arn": "arn:aws:sqs:eu-west-1:111111111111:gone"}});
        json!({"format_version": version, "values": {"root_module": {"resources": [queue]}}})
            .to_string()
    };
    let elsewhere = "import --stack other --account a=111111111111 --region eu-west-1 --sandbox";
    for version in ["0.1", "0.2", "1.0"] {
        folder.write("state.json", &state(version));
        folder
            .run(&format!("{elsewhere} --from state.json"))
            .ends(1)
            .tells("aws_sqs_queue.gone: it is named by the file, and there is no queue `gone` in 111111111111, eu-west-1")
            .tells("are these the right accounts and regions?");
    }
    folder
        .run(&format!("{elsewhere} --name nothing-* --tag team=x"))
        .ends(1)
        .tells("nothing else matches `--name nothing-*` and `--tag team=x`");
    folder
        .run(&format!("{elsewhere} --name jobs"))
        .ends(1)
        .tells("queue `jobs`: it belongs to the stack `shop`: `--stack shop` imports that one");
    assert!(!folder.path("provision.toml").exists());
}

/// A private API without VPC endpoints of its own, as it is reached through those of others.
const INSIDE: &str = r#"
[stack]
name   = "shop"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[roles.caller]
trusted_by = "lambda.amazonaws.com"
[topics.events]
[queues.jobs]
[apis.inside]
endpoint = "private"
[apis.inside.routes]
"GET /orders" = { mock = 200 }
"GET /ready"  = { mock = 204 }
[[access]]
from  = "roles.caller"
to    = "apis.inside"
allow = "GET /orders"
"#;

#[test]
fn a_private_api_needs_no_vpc_endpoint_and_does_need_a_policy() {
    let folder = Folder::new();
    folder.write("shop.toml", INSIDE);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    folder.run(SHOPS).ends(0);
    folder
        .run("plan found.toml --sandbox --detailed-exitcode")
        .ends(0)
        .says("Nothing to do");
    let (alone, _) = INSIDE.split_once("[[access]]").expect("an access");
    folder.write("alone.toml", alone);
    folder
        .run("plan alone.toml --sandbox other")
        .ends(1)
        .tells("warning[E0103]: api `inside` lets no caller in")
        .tells("it is private and has no resource policy, so AWS does not deploy it");
    folder
        .run("validate alone.toml")
        .ends(0)
        .tells("alone.toml:12:12");
    // A public route is let in by a statement of its own, which is too much for a guardrail.
    folder.write(
        "public.toml",
        &alone.replace("mock = 204", "mock = 204, public = true"),
    );
    folder
        .run("plan public.toml --sandbox other")
        .ends(3)
        .tells("PG007 of apis.inside keeps this from being applied");
}

#[test]
fn tags_of_aws_layout_of_mocks_and_a_bare_stage_stand_in_no_ones_way() {
    let folder = Folder::new();
    folder.write("shop.toml", INSIDE);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    edit(&folder, |account| {
        let made = ("aws:cloudformation:stack-name", json!("made"));
        let tag = |tags: &mut Value, more: bool| {
            tags[made.0] = made.1.clone();
            if more {
                tags["team"] = json!("orders");
            }
        };
        tag(&mut account["roles"]["caller"]["tags"], false);
        let region = &mut account["regions"]["eu-west-1"];
        tag(&mut region["topics"]["events"]["tags"], false);
        tag(&mut region["queues"]["jobs"]["tags"], false);
        let mut apis = region["apis"].as_object_mut().expect("APIs").values_mut();
        let api = apis.next().expect("an API");
        tag(&mut api["about"]["tags"], true);
        tag(&mut api["stages"]["live"]["tags"], false);
        let integration = &mut api["resources"]["/orders"]["methods"]["GET"]["integration"];
        integration["request_templates"]["application/json"] = json!("{ \"statusCode\" : 200 }\n");
    });
    unmarked(&folder);
    let said = folder
        .run(&format!("{STORES} --name *"))
        .ends(0)
        .says("and puts the tags of each API on its stage too");
    assert!(!said.out.contains("not taken over"), "{}", said.out);
    let adopt = adopting(&said.out);
    folder
        .run(&format!("apply found.toml --sandbox --yes {adopt}"))
        .ends(0);
    folder
        .run("plan found.toml --sandbox --detailed-exitcode")
        .ends(0)
        .says("Nothing to do");
    let world = folder.read(".provision/sandbox.json");
    // On five resources, and in the index of tags for all but the role.
    assert_eq!(world.matches("aws:cloudformation:stack-name").count(), 9);
    // What stands on the stage otherwise is a change, and the reason says that it is the stage's.
    unmarked(&folder);
    edit(&folder, |account| {
        let apis = &mut account["regions"]["eu-west-1"]["apis"];
        let mut apis = apis.as_object_mut().expect("APIs").values_mut();
        apis.next().expect("an API")["stages"]["live"]["tags"]["team"] = json!("others");
    });
    folder
        .run(&format!("{STORES} --name *"))
        .ends(0)
        .says("not taken over: its stage `live` would be changed: tags (team");
}

/// Settings of every kind that the program has no words for, put there by something else.
fn furnish(account: &mut Value) {
    let region = &mut account["regions"]["eu-west-1"];
    let attributes = &mut region["topics"]["events"]["attributes"];
    attributes["MaximumMessageSize"] = json!("2048");
    attributes["SQSFailureFeedbackRoleArn"] = json!("arn:aws:iam::111111111111:role/reader");
    let subscription = &mut region["topics"]["events"]["subscriptions"][0]["attributes"];
    subscription["DeliveryPolicy"] = json!("{\"healthyRetryPolicy\":{\"numRetries\":5}}");
    subscription["SubscriptionRoleArn"] = json!("arn:aws:iam::111111111111:role/reader");
    let mut apis = region["apis"].as_object_mut().expect("APIs").values_mut();
    let api = apis
        .find(|it| it["about"]["name"] == "health")
        .expect("an API");
    api["about"]["version"] = json!("2024-01-01");
    api["stages"]["live"]["methods"] = json!({"~1health/GET": {"logging": "INFO", "data_trace": false, "metrics": true, "rate": 5.0, "burst": 2}});
    api["resources"]["/health"]["methods"]["GET"]["more"] = json!({
        "authorizerId": "abc123", "authorizationScopes": ["orders/read"], "requestValidatorId": "v1",
        "operationName": "health", "requestParameters": {"method.request.header.x-trace": true},
        "requestModels": {"application/json": "Order"},
        "methodResponses.200.responseParameters": {"method.response.header.Access-Control-Allow-Origin": false},
        "methodResponses.200.responseModels": {"application/json": "Order"},
        "integration.connectionType": "VPC_LINK", "integration.connectionId": "link1",
        "integration.contentHandling": "CONVERT_TO_TEXT", "integration.cacheNamespace": "shared",
        "integration.cacheKeyParameters": ["method.request.header.x-trace"],
        "integration.tlsConfig": {"insecureSkipVerification": true},
        "integration.responses.200.responseParameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"},
    });
}

/// What stands beside the resources of the API that is called this.
fn furnish_api(account: &mut Value, name: &str) {
    let apis = &mut account["regions"]["eu-west-1"]["apis"];
    let mut apis = apis.as_object_mut().expect("APIs").values_mut();
    let api = apis.find(|it| it["about"]["name"] == name).expect("an API");
    api["parts"] = json!({
        "authorizers": ["pool"], "models": ["Empty", "Order"], "request_validators": ["body"],
        "gateway_responses": ["DEFAULT_4XX"], "documentation_parts": ["API /"],
    });
}

/// Every value of the world, by its path, but for marks, the index of tags and what time leaves.
fn leaves(folder: &Folder) -> std::collections::BTreeMap<String, Value> {
    fn walk(path: &str, value: &Value, found: &mut std::collections::BTreeMap<String, Value>) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (key, it) in fields.iter().filter(|it| !it.0.starts_with("provision:")) {
                    walk(&format!("{path}/{key}"), it, found);
                }
            }
            other => {
                found.insert(path.to_owned(), other.clone());
            }
        }
    }
    let world: Value = serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let mut found = std::collections::BTreeMap::new();
    walk("", &world["accounts"]["111111111111"], &mut found);
    found.retain(|path, _| {
        !["/index/", "/modified", "/deployment", "/tags"]
            .iter()
            .any(|it| path.contains(it))
    });
    found
}

#[test]
fn adopting_and_changing_one_thing_leaves_every_other_as_it_is() {
    let folder = shop();
    edit(&folder, furnish);
    edit(&folder, |account| furnish_api(account, "health"));
    unmarked(&folder);
    let said = folder
        .run(&format!("{STORES} --name *"))
        .ends(0)
        .says("REST API `health`: not taken over: a stack has no words for its authorizer `pool`, model `Order`, request validator `body` and 2 more");
    let adopt = adopting(&said.out);
    let api = "[apis.health]\naccount  = \"a\"\nexisting = \"";
    let text = folder.read("found.toml");
    let id = text.split_once("existing = \"").expect("an API").1;
    let id = id.split_once('"').expect("its id").0;
    folder.write("found.toml", &format!("{text}\n{api}{id}\"\n[[access]]\nfrom = \"roles.reader\"\nto = \"apis.health\"\nallow = \"GET /health\"\n"));
    folder
        .run(&format!(
            "apply found.toml --sandbox --yes {adopt} --publish apis.health"
        ))
        .ends(0);
    let before = leaves(&folder);
    let text = folder
        .read("found.toml")
        .replace(
            "[topics.events]",
            "[topics.events]\ndisplay_name = \"Events\"",
        )
        .replace("[queues.jobs]", "[queues.jobs]\ndelay = \"5s\"")
        .replace("[roles.reader]", "[roles.reader]\ndescription = \"Reads\"")
        .replace("raw = true", "raw = false")
        .replace("allow = \"GET /health\"", "allow = \"GET /version\"");
    folder.write("found.toml", &text);
    folder.run("apply found.toml --sandbox --yes").ends(0);
    let after = leaves(&folder);
    let changed: Vec<&str> = before
        .iter()
        .filter(|it| after.get(it.0) != Some(it.1))
        .map(|it| it.0.as_str())
        .chain(
            after
                .keys()
                .filter(|it| !before.contains_key(*it))
                .map(String::as_str),
        )
        .collect();
    let region = "/regions/eu-west-1";
    let mut expected = vec![
        format!("{region}/apis/{id}/about/policy"),
        format!("{region}/queues/jobs/attributes/DelaySeconds"),
        "/roles/reader/description".to_owned(),
        "/roles/reader/inline/provision-store.access".to_owned(),
        format!("{region}/topics/events/attributes/DisplayName"),
    ];
    expected.sort();
    let mut changed: Vec<String> = changed.into_iter().map(str::to_owned).collect();
    changed.sort();
    assert_eq!(changed, expected);
}

#[test]
fn an_api_is_not_taken_over_by_hand_at_a_loss() {
    let folder = shop();
    edit(&folder, furnish);
    edit(&folder, |account| furnish_api(account, "orders"));
    unmarked(&folder);
    folder
        .run(&format!("{STORES} --name *"))
        .ends(0)
        .says("what its route `GET /health` does (authorizationScopes [\"orders/read\"])");
    let world: Value = serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let apis = world["accounts"]["111111111111"]["regions"]["eu-west-1"]["apis"]
        .as_object()
        .expect("APIs");
    let id = |name: &str| {
        apis.iter()
            .find(|it| it.1["about"]["name"] == name)
            .expect("an API")
            .0
    };
    // What stands beside its resources is refused, unless it is given up in so many words.
    let plan = format!(
        "plan shop.toml --sandbox --adopt apis.orders={}",
        id("orders")
    );
    folder
        .run(&plan)
        .ends(1)
        .says("has what no import of this stack would keep: authorizer `pool`, model `Order`");
    folder.write(
        "shop.toml",
        &SHOP.replace(
            "[apis.orders.routes]",
            "[apis.orders]\nexclusive = true\n[apis.orders.routes]",
        ),
    );
    let refused = folder.run(&plan).ends(1);
    assert!(
        !refused.out.contains("no import of this stack"),
        "{}",
        refused.out
    );
    // So is what its methods have and no route says.
    folder
        .run(&format!(
            "plan shop.toml --sandbox --adopt apis.health={}",
            id("health")
        ))
        .ends(1)
        .says("integration.connectionId \"link1\" -> none");
}

const HEAD: &str = r#"
[stack]
name   = "s"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[roles.r]
account    = "b"
trusted_by = "lambda.amazonaws.com"
[topics.t]
account = "a"
[queues.q]
account = "a"
[apis.o]
account = "a"
[apis.o.routes]
"GET /orders/{id}"       = { mock = 200 }
"GET /orders/{id}/items" = { mock = 200 }
"GET /p/{rest+}"         = { mock = 200 }
"GET /p/a"               = { mock = 200 }
"ANY /x"                 = { mock = 200 }
"ANY /orders"            = { mock = 200 }
"#;

#[test]
fn the_routes_of_an_access_come_back_as_they_were_allowed() {
    for (allow, via) in [
        (r#"["ANY /x", "ANY /orders"]"#, "resource-policy"),
        (r#"["GET /orders/*"]"#, "resource-policy"),
        (r#"["GET /orders/{id}", "GET /p/*"]"#, "resource-policy"),
        (
            r#"["GET /orders/{id}", "GET /p/{rest+}", "ANY /x"]"#,
            "assume-role",
        ),
        (r#"["*"]"#, "resource-policy"),
        (r#"["GET /orders/7", "GET /x"]"#, "assume-role"),
    ] {
        let access = format!(
            "[[access]]\nfrom = \"roles.r\"\nto = \"apis.o\"\nallow = {allow}\nvia = \"{via}\"\n"
        );
        holds(&Folder::new(), &format!("{HEAD}{access}"));
    }
}

#[test]
fn who_may_call_the_same_and_not_what_is_beside_it_has_a_statement_of_its_own() {
    // `GET /orders/*` takes in the items, `GET /orders/{id}` does not: IAM writes both with the same `*`.
    let stack = format!(
        r#"{HEAD}
[roles.s]
account    = "b"
trusted_by = "lambda.amazonaws.com"
[[access]]
from  = "roles.r"
to    = "apis.o"
allow = "GET /orders/{{id}}"
[[access]]
from  = "roles.s"
to    = "apis.o"
allow = "GET /orders/*"
"#
    );
    holds(&Folder::new(), &stack);
}

#[test]
fn statements_and_tls_come_back_in_the_words_of_the_lost_file() {
    let stack = HEAD.replace("account = \"a\"\n", "account = \"a\"\ntls_only = true\n");
    let stack = format!(
        r#"{stack}
[[statement]]
on = "topics.t"
[statement.statement]
Sid       = "Theirs"
Effect    = "Deny"
Principal = "*"
Action    = "sns:Publish"
Condition = {{ StringNotEquals = {{ "aws:PrincipalOrgID" = "o-exampleorg1" }} }}
[[statement]]
on = "queues.q"
[statement.statement]
Effect    = "Allow"
Principal = {{ AWS = "arn:aws:iam::444444444444:root" }}
Action    = "sqs:SendMessage"
[[statement]]
on = "queues.q"
[statement.statement]
Sid       = "ASidThatIsLongerThanWhatIsLeftOfOneBesideThePrefixOfTheStack"
Effect    = "Allow"
Principal = {{ AWS = "arn:aws:iam::444444444444:root" }}
Action    = "sqs:ReceiveMessage"
[[statement]]
on = "apis.o"
[statement.statement]
Effect    = "Deny"
Principal = "*"
Action    = "execute-api:Invoke"
Resource  = "execute-api:/live/GET/orders/*"
Condition = {{ IpAddress = {{ "aws:SourceIp" = "203.0.113.0/24" }} }}
[[access]]
from = ["roles.r", {{ account = "555555555555" }}]
to   = "topics.t"
via  = "resource-policy"
"#
    );
    let folder = Folder::new();
    holds(&folder, &stack);
    let found = folder.read("found.toml");
    assert_eq!(found.matches("tls_only = true").count(), 3, "{found}");
}

#[test]
fn what_a_stack_has_no_words_for_is_written_as_aws_has_it() {
    let folder = Folder::new();
    let stack = HEAD.replace("[topics.t]\n", "[topics.t]\ntls_only = true\n");
    folder.write("stack.toml", &stack);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    // The statement as this program wrote it before it refused more than publishing.
    let mut world: Value = serde_json::from_str(&folder.read("sb/sandbox.json")).expect("JSON");
    let topic = &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"]["topics"]["t"];
    let policy = topic["policy"].as_str().expect("a policy");
    let mut policy: Value = serde_json::from_str(policy).expect("JSON");
    let statements = policy["Statement"].as_array_mut().expect("statements");
    for it in statements.iter_mut().filter(|it| it["Effect"] == "Deny") {
        it["Action"] = json!("sns:Publish");
    }
    topic["policy"] = json!(policy.to_string());
    folder.write("sb/sandbox.json", &world.to_string());
    let accounts = "--account a=111111111111 --account b=222222222222 --region eu-west-1";
    folder
        .run(&format!(
            "import --stack s --sandbox sb --out found.toml {accounts}"
        ))
        .ends(0);
    let found = folder.read("found.toml");
    assert!(
        found.contains("a stack has no other words for it"),
        "{found}"
    );
    assert!(!found.contains("tls_only"), "{found}");
    folder.run("drift found.toml --sandbox sb").ends(0);
    let plan = folder.run("plan found.toml --sandbox sb --json").document();
    let steps = plan["steps"].as_array().expect("steps").iter();
    let changes = steps.flat_map(|it| it["changes"].as_array().into_iter().flatten());
    let fields: Vec<&Value> = changes.map(|it| &it["field"]).collect();
    // The mark tells what the last apply said, which this test did not change.
    assert_eq!(fields, ["mark"], "{plan}");
    // With the stack's own word the statement refuses all of it.
    folder
        .run("apply stack.toml --sandbox sb --yes")
        .ends(0)
        .says("sns:Subscribe");
    folder
        .run("plan stack.toml --sandbox sb --detailed-exitcode")
        .ends(0);
}

#[test]
fn a_written_statement_is_not_a_second_one_of_its_sid() {
    let folder = Folder::new();
    let access = "[[access]]\nfrom = \"roles.r\"\nto = \"topics.t\"\nvia = \"resource-policy\"\n";
    let stack = format!("{HEAD}{access}");
    folder.write("stack.toml", &stack);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    let world = folder.read("sb/sandbox.json");
    let sid = world
        .split("\\\"Sid\\\":\\\"")
        .map(|it| it.split('\\').next().unwrap_or_default());
    let sid = sid
        .filter(|it| it.ends_with("Publish") && !it.contains("Sns"))
        .last()
        .expect("a Sid");
    let statement = format!(
        "[[statement]]\non = \"topics.t\"\nstatement = {{ Sid = \"{sid}\", Effect = \"Allow\", Principal = {{ AWS = \"444444444444\" }}, Action = \"sns:Publish\" }}\n"
    );
    folder.write("stack.toml", &format!("{stack}{statement}"));
    folder
        .run("plan stack.toml --sandbox sb")
        .ends(1)
        .tells("write another `Sid` into the `[[statement]]`");
}

#[test]
fn offers_and_names_of_before_come_back() {
    let offers = r#"
[[offer]]
to    = "apis.o"
allow = "GET /orders/{id}"
for   = { account = "444444444444", role = "/team/x" }
[[offer]]
to    = "topics.t"
allow = "publish"
for   = { account = "444444444444", role = "/y" }
via   = "resource-policy"
[[offer]]
to    = "topics.t"
allow = "subscribe"
for   = [{ account = "444444444444", queue = "inbox" }, { account = "555555555555" }]
"#;
    holds(&Folder::new(), &format!("{HEAD}{offers}"));
    let moved = HEAD
        .replace("[topics.t]", "[topics.now]")
        .replace("[roles.r]", "[roles.now]");
    let moved = format!(
        r#"{moved}
[[moved]]
from = "topics.t"
to   = "topics.now"
[[moved]]
from = "roles.r"
to   = "roles.now"
[[access]]
from = "roles.now"
to   = "topics.now"
via  = "assume-role"
"#
    );
    holds(&Folder::new(), &moved);
}

#[test]
fn access_roles_come_back_with_all_that_is_theirs() {
    let stack = HEAD.replace(
        "id = \"111111111111\"\n",
        "id = \"111111111111\"\nboundary = \"arn:aws:iam::aws:policy/PowerUserAccess\"\n",
    );
    let stack = format!(
        r#"{stack}
[roles.pod]
account    = "b"
trusted_by = "pods.eks.amazonaws.com"
[[access]]
from        = ["roles.pod", {{ account = "b" }}, {{ org = "o-exampleorg1", unit = "r-ab12" }}]
to          = "queues.q"
allow       = ["send", "receive"]
via         = "assume-role"
role_name   = "a+b,c@d"
external_id = "as-agreed"
[[access]]
from = {{ oidc = "token.actions.githubusercontent.com", subjects = ["repo:o/r:*", "repo:o/s:*"], audience = "x" }}
to   = "topics.t"
"#
    );
    holds(&Folder::new(), &stack);
}

#[test]
fn what_the_two_sides_tell_together_comes_back() {
    // A queue lets roles send for the routes of an API in another account; one of them may send by itself as well.
    let far = r#"
[roles.i]
account    = "b"
trusted_by = ["apigateway.amazonaws.com", "lambda.amazonaws.com"]
[apis.far]
account     = "b"
credentials = "roles.i"
routes      = { "POST /q" = { sqs = "q" } }
[[access]]
from = ["roles.i", "roles.r"]
to   = "queues.q"
"#;
    holds(&Folder::new(), &format!("{HEAD}{far}"));
    // Of a topic in an account that is not read, only the callers' side shows.
    let outside = r#"
[topics.far]
existing = "arn:aws:sns:eu-west-1:444444444444:far"
[[access]]
from = "roles.r"
to   = "topics.far"
via  = "resource-policy"
"#;
    let folder = Folder::new();
    folder.write("stack.toml", &format!("{HEAD}{outside}"));
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    comes_back(&folder, &format!("{HEAD}{outside}"));
}

#[test]
fn what_others_put_on_the_stacks_own_is_known_after_its_file_was_written_anew() {
    let folder = Folder::new();
    folder.write("stack.toml", HEAD);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    let mut world: Value = serde_json::from_str(&folder.read("sb/sandbox.json")).expect("JSON");
    let role = &mut world["accounts"]["222222222222"]["roles"]["r"];
    let theirs = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]});
    role["inline"]["theirs"] = json!(theirs.to_string());
    folder.write("sb/sandbox.json", &world.to_string());
    folder.run("drift stack.toml --sandbox sb").ends(2);
    let found = imported(&folder, HEAD);
    assert!(
        found.contains("there when this file was written from what is live"),
        "{found}"
    );
}

#[test]
fn accesses_to_what_another_stack_owns_come_back() {
    let folder = Folder::new();
    folder.write(
        "own.toml",
        &HEAD.replace("name   = \"s\"", "name   = \"owner\""),
    );
    folder.run("apply own.toml --sandbox sb --yes").ends(0);
    let world: Value = serde_json::from_str(&folder.read("sb/sandbox.json")).expect("JSON");
    let apis = &world["accounts"]["111111111111"]["regions"]["eu-west-1"]["apis"];
    let api = apis
        .as_object()
        .and_then(|it| it.keys().next())
        .expect("an API");
    let guest = format!(
        r#"
[stack]
name   = "guest"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[roles.caller]
account    = "b"
trusted_by = "lambda.amazonaws.com"
[roles.theirs]
existing = "arn:aws:iam::222222222222:role/provision/owner/r"
[topics.events]
existing = "arn:aws:sns:eu-west-1:111111111111:t"
[queues.inbox]
existing = "arn:aws:sqs:eu-west-1:111111111111:q"
[apis.shop]
account  = "a"
existing = "{api}"
[[access]]
from = ["roles.caller", "roles.theirs"]
to   = "topics.events"
via  = "assume-role"
[[access]]
from  = ["roles.caller", {{ account = "b" }}]
to    = "queues.inbox"
allow = ["send", "receive"]
via   = "resource-policy"
[[access]]
from  = "roles.theirs"
to    = "queues.inbox"
allow = "receive"
via   = "assume-role"
[[access]]
from  = "roles.caller"
to    = "apis.shop"
allow = ["GET /orders/{{id}}", "ANY /x"]
via   = "assume-role"
"#
    );
    folder.write("stack.toml", &guest);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    let found = imported(&folder, &guest);
    for words in ["[[statement]]", "trust_policy", "written out"] {
        assert!(!found.contains(words), "{found}");
    }
    for table in ["[topics.events]", "[queues.inbox]", "[apis.shop]"] {
        assert!(found.contains(table), "{found}");
    }
}

/// A stack whose queue subscribes to a topic of another account.
const SUBSCRIBED: &str = r#"
[stack]
name   = "case"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[topics.events]
account = "a"
[queues.inbox]
account   = "b"
subscribe = { topic = "events", raw = true, filter = { kind = ["paid"] } }
"#;

/// A folder with that stack applied, whose subscription this account made.
fn subscribed_by(owner: &str) -> Folder {
    let folder = Folder::new();
    folder.write("stack.toml", SUBSCRIBED);
    folder.run("apply stack.toml --sandbox --yes").ends(0);
    edit(&folder, |account| {
        let topics = &mut account["regions"]["eu-west-1"]["topics"];
        let subscription = &mut topics["events"]["subscriptions"][0];
        subscription["owner"] = owner.into();
        subscription["principal"] = format!("arn:aws:sts::{owner}:assumed-role/x/y").into();
    });
    folder
}

#[test]
fn a_subscription_of_another_account_than_the_queues_is_read_where_it_may_be() {
    let import = "import --account a=111111111111 --account b=222222222222 --region eu-west-1 --sandbox --force";
    let arns = [
        ("aws_sns_topic", "arn:aws:sns:eu-west-1:111111111111:events"),
        ("aws_sqs_queue", "arn:aws:sqs:eu-west-1:222222222222:inbox"),
    ];
    let resources = arns.map(|(kind, arn)| {
        json!({
            "address": format!("{kind}.it"), "mode": "managed", "type": kind, "name": "it",
            "schema_version": 0, "values": {"arn": arn},
        })
    });
    let state = json!({
        "format_version": "1.0", "terraform_version": "1.5.0",
        "values": {"root_module": {"resources": resources}},
    });
    // The topic's account, and one that the stack does not enter: then the topic's account reads it.
    for owner in ["111111111111", "333333333333"] {
        let folder = subscribed_by(owner);
        folder.write("state.json", &state.to_string());
        let said = folder
            .run(&format!("{import} --stack case --out found.toml"))
            .ends(0)
            .says("which has nothing to do");
        assert!(!said.out.contains("subscription"), "{}", said.out);
        let text = folder.read("found.toml");
        let words = r#"subscribe = { topic = "events", raw = true, filter = { kind = ["paid"] } }"#;
        assert!(text.contains(words), "{text}");
        folder
            .run("plan found.toml --sandbox --detailed-exitcode")
            .ends(0)
            .says("Nothing to do");
        for choice in ["--name *", "--from state.json"] {
            unmarked(&folder);
            folder
                .run(&format!("{import} --stack new {choice} --out new.toml"))
                .ends(0);
            let text = folder.read("new.toml");
            let read = ["raw = true, filter = { kind = [\"paid\"] }"];
            assert!(read.iter().all(|it| text.contains(it)), "{choice}: {text}");
        }
    }
}
