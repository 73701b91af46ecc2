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
