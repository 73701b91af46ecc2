//! An API that something else made is taken over with all that it has, or not at all.

use serde_json::{Value, json};

use super::Folder;

const STACK: &str = r#"
[stack]
name   = "shop"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[apis.orders]
account = "a"
[apis.orders.routes]
"GET /orders" = { mock = 200 }
"#;

/// Every setting of a method that a route of a stack has no words for.
const SETTINGS: [&str; 17] = [
    "authorizerId",
    "authorizationScopes",
    "requestValidatorId",
    "operationName",
    "requestParameters",
    "requestModels",
    "methodResponses.200.responseParameters",
    "methodResponses.200.responseModels",
    "integration.connectionType",
    "integration.connectionId",
    "integration.contentHandling",
    "integration.responseTransferMode",
    "integration.cacheNamespace",
    "integration.cacheKeyParameters",
    "integration.tlsConfig",
    "integration.responses.200.responseParameters",
    "integration.responses.200.contentHandling",
];

/// A value that a setting does not have by itself.
fn value_of(setting: &str) -> Value {
    match setting.rsplit('.').next() {
        Some("authorizationScopes" | "cacheKeyParameters") => json!(["a"]),
        Some("requestParameters" | "responseParameters") => {
            json!({"method.request.querystring.q": true})
        }
        Some("requestModels" | "responseModels") => json!({"application/json": "Order"}),
        Some("tlsConfig") => json!({"insecureSkipVerification": true}),
        Some("connectionType") => json!("VPC_LINK"),
        Some("responseTransferMode") => json!("STREAM"),
        _ => json!("a"),
    }
}

/// A folder with an API in its sandbox that bears no mark, after a change of it; and its id.
fn made(change: impl Fn(&mut Value)) -> (Folder, String) {
    let folder = Folder::new();
    folder.write("shop.toml", STACK);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    let id = folder
        .run("output shop.toml --sandbox --raw apis.orders.id")
        .ends(0);
    edited(&folder, |api| {
        api["about"]["tags"] = json!({});
        for stage in api["stages"].as_object_mut().expect("stages").values_mut() {
            stage["tags"] = json!({});
        }
        change(api);
    });
    (folder, id.out.trim().to_owned())
}

fn edited(folder: &Folder, edit: impl Fn(&mut Value)) {
    let text = folder.read(".provision/sandbox.json");
    let mut world: Value = serde_json::from_str(&text).expect("JSON");
    let apis = &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"]["apis"];
    let api = apis.as_object_mut().expect("APIs").values_mut().next();
    edit(api.expect("one"));
    folder.write(".provision/sandbox.json", &format!("{world:#}"));
}

#[test]
fn a_setting_that_no_route_says_is_kept_or_the_api_is_not_taken_over() {
    for setting in SETTINGS {
        let (folder, id) = made(|api| {
            let method = &mut api["resources"]["/orders"]["methods"]["GET"];
            method["more"] = json!({setting: value_of(setting)});
        });
        folder
            .run(&format!(
                "apply shop.toml --sandbox --yes --adopt apis.orders={id}"
            ))
            .ends(1)
            .tells(&format!("`GET /orders`: {setting} "))
            .tells("existing = ");
        let kept = folder.read(".provision/sandbox.json");
        assert!(kept.contains(setting), "{setting} is lost");
    }
    let (folder, id) = made(|_| ());
    folder
        .run(&format!(
            "apply shop.toml --sandbox --yes --adopt apis.orders={id}"
        ))
        .ends(0);
}

#[test]
fn a_part_that_is_added_after_an_api_was_taken_over_is_not_lost_by_the_next_import() {
    for part in [
        "authorizers",
        "models",
        "request_validators",
        "gateway_responses",
        "documentation_parts",
    ] {
        let folder = Folder::new();
        folder.write("shop.toml", STACK);
        folder.run("apply shop.toml --sandbox --yes").ends(0);
        edited(&folder, |api| api["parts"] = json!({part: ["theirs"]}));
        // What imports nothing loses nothing.
        folder
            .run("plan shop.toml --sandbox --detailed-exitcode")
            .ends(0);
        let changed = STACK.replace("mock = 200", "mock = 201");
        folder.write("shop.toml", &changed);
        folder
            .run("apply shop.toml --sandbox --yes")
            .ends(1)
            .tells("`theirs`")
            .tells("exclusive = true");
        let exclusive = changed.replace("[apis.orders]\n", "[apis.orders]\nexclusive = true\n");
        folder.write("shop.toml", &exclusive);
        folder.run("apply shop.toml --sandbox --yes").ends(0);
    }
}

/// The stack, with a consumer whose statement stands in the API's policy.
const CONSUMED: &str = r#"
[accounts.b]
id = "222222222222"
[roles.caller]
account    = "b"
trusted_by = "lambda.amazonaws.com"
[[access]]
from  = "roles.caller"
to    = "apis.orders"
allow = ["GET /orders"]
"#;

#[test]
fn an_api_that_lost_its_tags_is_refused_by_its_id_and_not_made_again() {
    let by_statements = |api: &mut Value| {
        api["deployments"] = json!({});
        for stage in api["stages"].as_object_mut().expect("stages").values_mut() {
            stage["tags"] = json!({});
        }
    };
    let by_stage = |api: &mut Value| api["about"]["policy"] = Value::Null;
    for (stack, left) in [
        (
            format!("{STACK}{CONSUMED}"),
            by_statements as fn(&mut Value),
        ),
        (format!("{STACK}{CONSUMED}"), by_stage),
        (STACK.to_owned(), |_: &mut Value| ()),
    ] {
        let folder = Folder::new();
        folder.write("shop.toml", &stack);
        folder.run("apply shop.toml --sandbox --yes").ends(0);
        let id = folder.run("output shop.toml --sandbox --raw apis.orders.id");
        let id = id.ends(0).out.trim().to_owned();
        edited(&folder, |api| {
            api["about"]["tags"] = json!({});
            left(api);
        });
        let before = folder.read(".provision/sandbox.json");
        let gone = "its tags `provision:stack` and `provision:address` are gone";
        let fix = format!("`--adopt apis.orders={id}`");
        for command in [
            "plan shop.toml --sandbox",
            "apply shop.toml --sandbox --yes",
            "apply shop.toml --sandbox --yes --adopt apis.orders",
        ] {
            folder.run(command).ends(1).tells(gone).tells(&fix);
        }
        folder
            .run("apply shop.toml --sandbox --yes --adopt apis.orders=other1")
            .ends(1)
            .tells("there is no REST API `other1`");
        let drift = folder.run("drift shop.toml --sandbox").ends(2);
        let drift = drift.says("PD010").says(gone).says(&fix);
        assert!(!drift.out.contains("missing in AWS"), "{}", drift.out);
        assert_eq!(folder.read(".provision/sandbox.json"), before);
        folder
            .run("drift shop.toml --sandbox --revert apis.orders --yes")
            .ends(0);
        folder
            .run("plan shop.toml --sandbox --detailed-exitcode")
            .ends(0);
        let after = folder.run("output shop.toml --sandbox --raw apis.orders.id");
        assert_eq!(after.ends(0).out.trim(), id, "it is the same API");
    }
}

#[test]
fn an_api_of_the_name_that_is_nobodys_or_lent_does_not_stand_in_the_way() {
    let folder = Folder::new();
    folder.write("shop.toml", STACK);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    edited(&folder, |api| {
        api["about"]["tags"] = json!({});
        api["stages"] = json!({});
        api["deployments"] = json!({});
    });
    folder.run("apply shop.toml --sandbox --yes").ends(0);
}
