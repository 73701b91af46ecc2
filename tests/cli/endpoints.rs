//! The policies of VPC endpoints that a stack names: read where the endpoint is, and held against every access.

use serde_json::{Value, json};

use super::Folder;

const WORLD: &str = ".provision/sandbox.json";
const NEAR: &str = "vpce-0123456789abcdef0";
const FAR: &str = "vpce-0fedcba9876543210";

/// A private API behind two endpoints with one consumer here and one elsewhere, and a route for all behind one of them.
const STACK: &str = r#"[stack]
name = "s"
region = "eu-west-1"
[accounts]
a = { id = "111111111111" }
b = { id = "222222222222" }
[roles.near]
account = "a"
trusted_by = "lambda.amazonaws.com"
[roles.far]
account = "b"
trusted_by = "lambda.amazonaws.com"
[apis.inner]
account = "a"
stage = "live"
endpoint = "private"
vpc_endpoints = ["vpce-0123456789abcdef0", "vpce-0fedcba9876543210"]
[apis.inner.routes]
"GET /orders" = { mock = 200 }
"GET /stock" = { mock = 200 }
[[access]]
from = "roles.near"
to = "apis.inner"
allow = "GET /orders"
[[access]]
from = "roles.far"
to = "apis.inner"
allow = "GET /orders"
[[access]]
from = { vpc_endpoint = "vpce-0123456789abcdef0" }
to = "apis.inner"
allow = "GET /stock"
"#;

fn applied() -> Folder {
    let folder = Folder::new();
    folder.write("s.toml", STACK);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    folder
}

fn put(folder: &Folder, account: &str, id: &str, statement: &Value) {
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    world["accounts"][account]["regions"]["eu-west-1"]["endpoints"][id] = json!(policy);
    folder.write(WORLD, &world.to_string());
}

fn allow(principal: &Value, action: &str) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"})
}

fn open() -> Value {
    allow(&json!("*"), "*")
}

#[test]
fn an_endpoint_is_looked_for_where_it_is_used_and_where_its_callers_are() {
    let folder = applied();
    let missing = folder.run("verify s.toml --sandbox --live").ends(0);
    missing.tells(
        "Not read of the policies of VPC endpoints: vpce-0123456789abcdef0: it is in none of the accounts 111111111111, \
         222222222222; vpce-0fedcba9876543210: it is in none of the accounts 111111111111, 222222222222. They can deny \
         what is allowed here.",
    );
    put(&folder, "111111111111", NEAR, &open());
    put(&folder, "222222222222", FAR, &open());
    for command in [
        "verify s.toml --sandbox --live",
        "plan s.toml --sandbox",
        "drift s.toml --sandbox",
        "apply s.toml --sandbox --yes",
        "who-can invoke apis.inner --stack s.toml --sandbox --live",
    ] {
        folder.run(command).ends(0).tells(
            "Read: the policies of VPC endpoints vpce-0123456789abcdef0, vpce-0fedcba9876543210.",
        );
    }
    let document = folder
        .run("verify s.toml --sandbox --live --json")
        .ends(0)
        .document();
    assert_eq!(document["vpc_endpoint_policies"], "read");
    // The endpoint is in the API's account, or in that of a caller: three calls, and each once in a run.
    let calls = &folder
        .run("apply s.toml --sandbox --yes --json")
        .ends(0)
        .document()["calls"];
    assert_eq!(calls["by_action"]["cloudformation:GetResource"], 3);

    folder
        .run("verify s.toml")
        .ends(0)
        .tells("vpce-0123456789abcdef0: AWS was not asked");
}

#[test]
fn what_no_endpoint_lets_through_is_not_proved() {
    let folder = applied();
    put(
        &folder,
        "111111111111",
        NEAR,
        &allow(&json!("*"), "s3:GetObject"),
    );
    put(
        &folder,
        "222222222222",
        FAR,
        &allow(&json!("*"), "s3:GetObject"),
    );
    let failed = folder.run("verify s.toml --sandbox --live").ends(3);
    let failed = failed.says(
        "the policy of VPC endpoint vpce-0123456789abcdef0 leaves no room for execute-api:Invoke",
    );
    failed.says("the policy of VPC endpoint vpce-0123456789abcdef0 leaves no room for execute-api:Invoke on apis.inner/live/GET/stock");
    let holders = folder
        .run("who-can invoke apis.inner --stack s.toml --sandbox --live")
        .ends(0);
    assert!(!holders.out.contains("roles.near"), "{}", holders.out);
    folder
        .run("plan s.toml --sandbox")
        .says("leaves no room for execute-api:Invoke");

    // One endpoint is enough: a consumer uses its own.
    put(
        &folder,
        "222222222222",
        FAR,
        &allow(&json!("*"), "execute-api:Invoke"),
    );
    put(
        &folder,
        "111111111111",
        NEAR,
        &allow(&json!("*"), "s3:GetObject"),
    );
    let failed = folder.run("verify s.toml --sandbox --live").ends(3);
    assert!(!failed.out.contains("Failed roles."), "{}", failed.out);
    folder
        .run("who-can invoke apis.inner --stack s.toml --sandbox --live")
        .ends(0)
        .says("roles.near");
}

#[test]
fn an_endpoint_that_names_its_callers_is_open_to_them_alone() {
    let folder = applied();
    let near = json!({"AWS": "arn:aws:iam::111111111111:role/provision/s/near"});
    put(
        &folder,
        "222222222222",
        FAR,
        &allow(&near, "execute-api:Invoke"),
    );
    put(
        &folder,
        "111111111111",
        NEAR,
        &allow(&json!("*"), "s3:GetObject"),
    );
    let failed = folder.run("verify s.toml --sandbox --live").ends(3);
    let failed = failed.says("Failed roles.far may call GET /orders of apis.inner");
    assert!(!failed.out.contains("Failed roles.near"), "{}", failed.out);

    // A denial for all that is not of this account.
    let deny = json!({"Sid": "OnlyOurs", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "222222222222"}}});
    put(&folder, "222222222222", FAR, &deny);
    put(&folder, "111111111111", NEAR, &deny);
    let failed = folder.run("verify s.toml --sandbox --live").ends(3);
    failed
        .says("the policy of VPC endpoint vpce-0123456789abcdef0, statement `OnlyOurs`, denies it");
}

#[test]
fn a_certificate_carries_the_policy_of_the_endpoint() {
    let folder = applied();
    put(&folder, "111111111111", NEAR, &open());
    put(&folder, "222222222222", FAR, &open());
    let run = "verify s.toml --sandbox --live --certificate c.json";
    folder.run(run).ends(0);
    let certificate: Value = serde_json::from_str(&folder.read("c.json")).expect("JSON");
    let steps = |it: &Value| it["steps"].as_array().cloned().unwrap_or_default();
    let claims = certificate["claims"].as_array().expect("claims").clone();
    let with = claims
        .iter()
        .flat_map(steps)
        .filter(|it| it["endpoint"].is_string());
    assert_eq!(with.count(), 3);
    folder.run("verify --check c.json").ends(0);
}

/// A private API with AWS's own example of a policy: nobody calls it unless through one endpoint, or from one VPC.
fn only_through(key: &str, value: &str, endpoints: &str, from: &str) -> String {
    format!(
        "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts]\na = {{ id = \"111111111111\" }}\nb = {{ id = \"222222222222\" }}\n\
         [roles.far]\naccount = \"b\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [apis.inner]\naccount = \"a\"\nendpoint = \"private\"\n{endpoints}routes = {{ \"GET /x\" = {{ mock = 200 }} }}\n\
         [[access]]\nfrom = {from}\nto = \"apis.inner\"\nallow = \"GET /x\"\n\
         [[statement]]\non = \"apis.inner\"\n[statement.statement]\nEffect = \"Deny\"\nPrincipal = \"*\"\n\
         Action = \"execute-api:Invoke\"\nCondition = {{ StringNotEquals = {{ \"{key}\" = \"{value}\" }} }}\n"
    )
}

#[test]
fn a_private_api_is_called_the_way_that_its_policy_asks_for() {
    let (vpc, other) = ("vpc-0a1b2c3d4e5f67890", "vpc-0fedcba9876543210");
    let named = format!("vpc_endpoints = [\"{NEAR}\"]\n");
    let folder = Folder::new();
    for (key, value, endpoints) in [
        ("aws:SourceVpce", NEAR, ""),
        ("aws:SourceVpce", NEAR, named.as_str()),
        ("aws:SourceVpc", vpc, ""),
    ] {
        for from in ["\"roles.far\"", "{ account = \"b\" }"] {
            folder.write("s.toml", &only_through(key, value, endpoints, from));
            let ran = folder.run("verify s.toml").ends(0);
            assert!(!ran.out.contains("Unproven"), "{key} {from}: {}", ran.out);
        }
    }
    // Whether the named endpoint is in the VPC, nobody read.
    folder.write(
        "s.toml",
        &only_through("aws:SourceVpc", vpc, &named, "\"roles.far\""),
    );
    folder.run("verify s.toml").says(&format!(
        "which VPC {NEAR} is in is not read: the policy of apis.inner lets in through {vpc} only"
    ));
    folder.run("apply s.toml --sandbox --yes").ends(0);
    // Another endpoint than the named one is refused, and so is another VPC than the one that is let in.
    folder.write(
        "s.toml",
        &only_through("aws:SourceVpce", FAR, &named, "\"roles.far\""),
    );
    folder
        .run("verify s.toml")
        .ends(3)
        .says("Failed roles.far may call GET /x");
    let from = format!("{{ vpc = \"{other}\" }}");
    folder.write("s.toml", &only_through("aws:SourceVpc", vpc, "", &from));
    folder
        .run("verify s.toml")
        .ends(3)
        .says("Failed callers in");
}
