//! Stack files written from what is live, and what is no ground for one.

use serde_json::{Value, json};

use super::Folder;

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
    let folder = applied();
    unmarked(&folder);
    let before = documents(&folder);
    assert!(before.len() > 10, "{before:?}");
    let said = folder
        .run(&format!(
            "import --stack shop {ACCOUNTS} --name * --out shop.toml"
        ))
        .ends(0)
        .says("REST API `orders`: not taken over: PG001 keeps it from being applied")
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
        for change in changes.filter(|it| it["field"] != "mark") {
            // A subscription's statements come beside those that are there.
            assert_eq!(change["field"], "policy", "{step}");
            let mut details = change["details"].as_array().expect("details").iter();
            assert!(details.all(|it| it["sign"] == "+"), "{step}");
        }
    }
    assert_eq!(
        plan["summary"],
        json!({"add": 0, "change": 9, "destroy": 0})
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
        .says("aws_sqs_queue.gone: it is named by the file and not there");
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
    folder
        .run("drift shop.toml --sandbox")
        .ends(2)
        .says("PD004");
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
            "is a Terraform state of the form \"2.0\"; 1.x is read",
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
