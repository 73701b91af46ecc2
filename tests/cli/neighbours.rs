//! Two stacks with statements on one API: each comes to rest, and neither publishes the other's unfinished work unasked.

use serde_json::{Value, json};

use super::Folder;

const OWNER: &str = r#"
[stack]
name   = "owner"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[apis.orders]
account = "a"
[apis.orders.routes]
"GET /orders" = { mock = 200 }
"GET /health" = { mock = 200, public = true }
[roles.web]
account    = "b"
trusted_by = "lambda.amazonaws.com"
[[access]]
from  = "roles.web"
to    = "apis.orders"
allow = "GET /orders"
via   = "resource-policy"
"#;

const GUEST: &str = r#"
[stack]
name   = "guest"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[apis.orders]
account  = "a"
existing = "APIID"
public   = "GET /health"
[roles.batch]
account    = "b"
trusted_by = "lambda.amazonaws.com"
[[access]]
from  = "roles.batch"
to    = "apis.orders"
allow = "GET /orders"
via   = "resource-policy"
"#;

/// The owner's API, and a guest of it that is not applied yet.
fn shared() -> Folder {
    let folder = Folder::new();
    folder.write("owner.toml", OWNER);
    folder.run("apply owner.toml --sandbox --yes").ends(0);
    let id = folder
        .run("output owner.toml --sandbox --raw apis.orders.id")
        .ends(0);
    folder.write("guest.toml", &GUEST.replace("APIID", id.out.trim()));
    folder
}

fn at_rest(folder: &Folder) {
    for stack in ["owner", "guest"] {
        folder
            .run(&format!("plan {stack}.toml --sandbox --detailed-exitcode"))
            .ends(0);
        // The other's statements are shown; nothing says that the stage serves anything else.
        let drift = folder.run(&format!("drift {stack}.toml --sandbox"));
        assert!(!drift.out.contains("stage orders.live"), "{}", drift.out);
        assert!(!drift.out.contains("PD001"), "{}", drift.out);
    }
}

#[test]
fn a_neighbours_statement_that_is_deployed_lets_in_now() {
    let folder = shared();
    folder.run("apply guest.toml --sandbox --yes").ends(0);
    let drift = folder
        .run("drift owner.toml --sandbox")
        .ends(2)
        .says("may call GET /orders of apis.orders\n");
    assert!(!drift.out.contains("next deployment"), "{}", drift.out);
    // One that nobody deployed lets in from the next deployment on, and leaves the guest's as it is.
    edited(&folder, |api| {
        let policy = api["about"]["policy"].as_str().expect("a policy");
        let mut document: Value = serde_json::from_str(policy).expect("JSON");
        let id = api["about"]["id"].as_str().expect("an id");
        let statements = document["Statement"].as_array_mut().expect("a list");
        statements.push(json!({
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
            "Action": "execute-api:Invoke",
            "Resource": format!("arn:aws:execute-api:eu-west-1:111111111111:{id}/live/GET/orders"),
        }));
        api["about"]["policy"] = json!(document.to_string());
    });
    folder
        .run("drift owner.toml --sandbox")
        .ends(2)
        .says("may call GET /orders of apis.orders\n")
        .says("account b (222222222222) may call GET /orders of apis.orders, from the next deployment of apis.orders on\n");
    // The owner's next deployment publishes it.
    folder.write("owner.toml", &OWNER.replace("mock = 200 }", "mock = 201 }"));
    folder.run("apply owner.toml --sandbox --yes").ends(0);
    let drift = folder
        .run("drift owner.toml --sandbox")
        .ends(2)
        .says("account b (222222222222) may call GET /orders of apis.orders\n");
    assert!(!drift.out.contains("next deployment"), "{}", drift.out);
    // What a deployment by hand holds is not told.
    edited(&folder, |api| {
        for deployment in api["deployments"]
            .as_object_mut()
            .expect("some")
            .values_mut()
        {
            let description = deployment["description"].as_str().expect("a text");
            let kept = description
                .split(' ')
                .filter(|it| !it.starts_with("policy:"));
            deployment["description"] = json!(kept.collect::<Vec<_>>().join(" "));
        }
    });
    folder
        .run("drift owner.toml --sandbox")
        .ends(2)
        .says("account b (222222222222) may call GET /orders of apis.orders, now or from the next deployment of apis.orders on\n")
        .says("the deployment that it serves does not tell whether it holds this");
}

/// Changes the API as its owner would by hand, without a deployment.
fn edited(folder: &Folder, edit: impl Fn(&mut Value)) {
    let text = folder.read(".provision/sandbox.json");
    let mut world: Value = serde_json::from_str(&text).expect("JSON");
    let apis = &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"]["apis"];
    let api = apis.as_object_mut().expect("APIs").values_mut().next();
    edit(api.expect("one"));
    folder.write(".provision/sandbox.json", &format!("{world:#}"));
}

#[test]
fn two_stacks_on_one_api_come_to_rest() {
    let folder = shared();
    folder.run("apply guest.toml --sandbox --yes").ends(0);
    at_rest(&folder);
    // Whoever deploys keeps what is told of the other.
    folder.write("owner.toml", &OWNER.replace("mock = 200 }", "mock = 201 }"));
    folder.run("apply owner.toml --sandbox --yes").ends(0);
    at_rest(&folder);
    folder.write(
        "guest.toml",
        &folder
            .read("guest.toml")
            .replace("\"GET /orders\"", "\"GET /*\""),
    );
    folder.run("apply guest.toml --sandbox --yes").ends(0);
    at_rest(&folder);
    // A guest that goes leaves the owner as it is.
    folder.run("destroy guest.toml --sandbox --yes").ends(0);
    folder
        .run("plan owner.toml --sandbox --detailed-exitcode")
        .ends(0);
    folder.run("drift owner.toml --sandbox").ends(0);
}

#[test]
fn what_the_owner_has_not_deployed_is_not_published_unasked() {
    let route: fn(&mut Value) = |it| {
        let methods = &mut it["resources"]["/orders"]["methods"];
        methods["POST"] = methods["GET"].clone();
    };
    let answer: fn(&mut Value) = |it| {
        it["resources"]["/orders"]["methods"]["GET"]["integration"]["request_templates"] =
            json!({"application/json": "{\"statusCode\":503}"});
    };
    let policy: fn(&mut Value) = |it| {
        let id = it["about"]["id"].as_str().expect("an id");
        let resource = format!("arn:aws:execute-api:eu-west-1:111111111111:{id}/live/GET/orders");
        let statement = json!({
            "Sid": "byhand", "Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke",
            "Resource": resource, "Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
        });
        let text = it["about"]["policy"]
            .as_str()
            .unwrap_or(r#"{"Version":"2012-10-17","Statement":[]}"#);
        let mut document: Value = serde_json::from_str(text).expect("a policy");
        document["Statement"]
            .as_array_mut()
            .expect("statements")
            .push(statement);
        it["about"]["policy"] = json!(document.to_string());
    };
    for (edit, shown) in [
        (route, "+ POST /orders"),
        (answer, "~ what its routes do"),
        (
            policy,
            "~ statements of its resource policy that no stack made",
        ),
    ] {
        let folder = shared();
        edited(&folder, edit);
        folder
            .run("apply guest.toml --sandbox --yes")
            .ends(1)
            .says("and would publish what its owner has changed and not deployed:")
            .tells("nothing was changed")
            .tells("--publish apis.orders --yes");
        let plan = folder
            .run("plan guest.toml --sandbox --json")
            .ends(0)
            .document();
        assert_eq!(
            plan["publishes"],
            json!([{"api": "apis.orders", "details": [shown]}])
        );
        folder
            .run("apply guest.toml --sandbox --yes --publish apis.orders")
            .ends(0);
        folder
            .run("plan guest.toml --sandbox --detailed-exitcode")
            .ends(0);
        // What takes the guest's statements away deploys the API, too.
        let edited_again: fn(&mut Value) = |it| {
            let methods = &mut it["resources"]["/orders"]["methods"];
            methods["PUT"] = methods["GET"].clone();
        };
        edited(&folder, edited_again);
        folder
            .run("destroy guest.toml --sandbox --yes")
            .ends(1)
            .says("PUT /orders; that needs `--publish apis.orders`")
            .tells("--publish apis.orders --yes");
        folder
            .run("destroy guest.toml --sandbox --yes --publish apis.orders")
            .ends(0);
    }
}

#[test]
fn what_stands_on_a_stage_is_known_until_it_is_otherwise() {
    let folder = shared();
    let set = |percent: f64, rate: f64| {
        edited(&folder, |api| {
            let deployment = api["stages"]["live"]["deployment"].clone();
            api["stages"]["live"]["canary"] = json!({"deployment": deployment, "percent": percent});
            api["stages"]["live"]["methods"] = json!({"~1orders/GET": {
                "logging": "INFO", "data_trace": false, "metrics": true, "rate": rate, "burst": 2,
            }});
        });
    };
    set(10.0, 5.0);
    folder
        .run("drift owner.toml --sandbox --accept stages.orders.live --reason trial")
        .ends(0);
    folder.run("validate owner.toml").ends(0);
    folder.run("drift owner.toml --sandbox").ends(0);
    for (percent, rate, says) in [
        (20.0, 5.0, "a canary of stage `live`: 20 %"),
        (
            10.0,
            6.0,
            "settings for the method `~1orders/GET` of stage `live`",
        ),
    ] {
        set(percent, rate);
        folder.run("drift owner.toml --sandbox").ends(2).says(says);
    }
    set(10.0, 5.0);
    folder.run("drift owner.toml --sandbox").ends(0);
}

#[test]
fn a_canary_is_judged_by_nothing_and_says_so_until_it_is_gone() {
    let folder = shared();
    edited(&folder, |api| {
        let deployment = api["stages"]["live"]["deployment"].clone();
        api["stages"]["live"]["canary"] = json!({"deployment": deployment, "percent": 10.0});
    });
    folder
        .run("drift owner.toml --sandbox")
        .ends(2)
        .says("a canary of stage `live`: 10 % of its calls meet deployment");
    folder
        .run("verify owner.toml --sandbox --live")
        .ends(3)
        .says("a canary of stage `live`");
    folder
        .run("drift owner.toml --sandbox --revert PD004 --yes")
        .ends(0);
    folder.run("drift owner.toml --sandbox").ends(0);
    folder.run("verify owner.toml --sandbox --live").ends(0);
}

#[test]
fn a_guest_leaves_the_routes_alone_that_it_does_not_name() {
    let folder = shared();
    let guest = folder
        .read("guest.toml")
        .replace("public   = \"GET /health\"\n", "");
    folder.write("guest.toml", &guest);
    let plan = folder.run("plan guest.toml --sandbox");
    let written = plan
        .out
        .split("Also there")
        .next()
        .expect("what is written");
    assert!(!written.contains("/health"), "{}", plan.out);
    folder.run("apply guest.toml --sandbox --yes").ends(0);
    for _ in 0..2 {
        for stack in ["owner", "guest"] {
            folder
                .run(&format!("apply {stack}.toml --sandbox --yes"))
                .ends(0)
                .says("Nothing to do");
        }
    }
    at_rest(&folder);
    // Whatever the owner opens or closes there is no drift of the guest's.
    let owner = folder.read("owner.toml").replace(
        "[roles.web]",
        "\"GET /news\" = { mock = 200, public = true }\n[roles.web]",
    );
    folder.write("owner.toml", &owner);
    folder.run("apply owner.toml --sandbox --yes").ends(0);
    at_rest(&folder);
}

#[test]
fn a_route_that_a_guest_names_is_closed_to_others_by_consent_alone() {
    for authorization in ["NONE", "CUSTOM"] {
        let folder = shared();
        edited(&folder, |api| {
            let open = |methods: &mut Value| {
                methods["GET"]["authorization"] = authorization.into();
            };
            open(&mut api["resources"]["/orders"]["methods"]);
            let deployments = api["deployments"].as_object_mut().expect("deployments");
            deployments
                .values_mut()
                .for_each(|it| open(&mut it["methods"]["/orders"]));
        });
        let lost = match authorization {
            "NONE" => "anyone, without signing, may no longer call GET /orders of apis.orders",
            _ => {
                "whoever the authorizer (CUSTOM) lets in may no longer call GET /orders of apis.orders"
            }
        };
        let plan = folder.run("plan guest.toml --sandbox").ends(0);
        assert!(plan.out.contains("1 gained  1 lost"), "{}", plan.out);
        assert!(plan.out.contains(lost), "{}", plan.out);
        let before = folder.read(".provision/sandbox.json");
        folder
            .run("apply guest.toml --sandbox --yes")
            .ends(1)
            .tells(lost)
            .tells("--close apis.orders");
        assert_eq!(folder.read(".provision/sandbox.json"), before);
        folder
            .run("apply guest.toml --sandbox --yes --close apis.orders --publish apis.orders")
            .ends(0);
        folder
            .run("plan guest.toml --sandbox --detailed-exitcode")
            .ends(0);
    }
}

#[test]
fn a_first_policy_gives_leave_to_the_routes_that_needed_none() {
    let folder = shared();
    // An API whose owner lets its own callers in by access roles has no policy yet.
    let owner = folder
        .read("owner.toml")
        .replace("via   = \"resource-policy\"", "via   = \"assume-role\"");
    folder.write("owner.toml", &owner);
    folder
        .run("apply owner.toml --sandbox --yes --move roles.web --prune")
        .ends(0);
    let guest = folder
        .read("guest.toml")
        .replace("public   = \"GET /health\"\n", "");
    folder.write("guest.toml", &guest);
    let plan = folder.run("plan guest.toml --sandbox").ends(0);
    assert!(plan.out.contains("1 gained  0 lost"), "{}", plan.out);
    folder.run("apply guest.toml --sandbox --yes").ends(0);
    let world = folder.read(".provision/sandbox.json");
    assert!(world.contains("/live/GET/health"), "{world}");
    at_rest(&folder);
}

/// A stack of these tables, with accounts `a` and `b` and a role `roles.ROLE` of account `b`.
fn stack(name: &str, role: &str, tables: &str) -> String {
    format!(
        r#"
[stack]
name   = "{name}"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[roles.{role}]
account    = "b"
trusted_by = "lambda.amazonaws.com"
{tables}
"#
    )
}

#[test]
fn nothing_of_anothers_is_exclusive() {
    let folder = Folder::new();
    for (noun, table) in [
        (
            "topic",
            "[topics.t]\nexisting = \"arn:aws:sns:eu-west-1:111111111111:t\"",
        ),
        (
            "queue",
            "[queues.q]\naccount = \"a\"\nexisting = \"arn:aws:sqs:eu-west-1:111111111111:q\"",
        ),
        ("api", "[apis.o]\naccount = \"a\"\nexisting = \"abc123\""),
    ] {
        let text = stack("guest", "batch", &format!("{table}\nexclusive = true\n"));
        folder.write("guest.toml", &text);
        folder
            .run("validate guest.toml")
            .ends(1)
            .tells(&format!("`exclusive` cannot be set on an existing {noun}"))
            .tells("would remove statements of its owner and of other stacks");
    }
}

const DOCUMENT: &str = r#"
openapi: 3.0.1
info: {title: o, version: "1"}
components:
  securitySchemes:
    pool: {type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: cognito_user_pools, x-amazon-apigateway-authorizer: {type: cognito_user_pools, providerARNs: ["arn:aws:cognito-idp:eu-west-1:111111111111:userpool/eu-west-1_abc"]}}
paths:
  /account: {get: {security: [{pool: []}], responses: {"200": {description: ok}}, x-amazon-apigateway-integration: {type: mock, requestTemplates: {application/json: '{"statusCode":200}'}}}}
  /orders: {get: {responses: {"200": {description: ok}}, x-amazon-apigateway-integration: {type: mock, requestTemplates: {application/json: '{"statusCode":200}'}}}}
  /health: {get: {responses: {"200": {description: ok}}, x-amazon-apigateway-integration: {type: mock, requestTemplates: {application/json: '{"statusCode":200}'}}}}
"#;

const DOCUMENTED: &str = r#"
[apis.orders]
account         = "a"
openapi         = "api.yaml"
keep_authorizer = "GET /account"
public          = "GET /health"
"#;

/// An owner whose API keeps an authorizer of its own on a route and has no policy, and a guest with these tables.
fn documented(guest: &str) -> Folder {
    let folder = Folder::new();
    folder.write("api.yaml", DOCUMENT);
    folder.write("owner.toml", &stack("owner", "web", DOCUMENTED));
    folder.run("apply owner.toml --sandbox --yes").ends(0);
    let id = folder
        .run("output owner.toml --sandbox --raw apis.orders.id")
        .ends(0);
    let api = format!(
        "[apis.orders]\naccount = \"a\"\nexisting = \"{}\"\n{guest}",
        id.out.trim()
    );
    folder.write("guest.toml", &stack("guest", "batch", &api));
    folder
}

#[test]
fn a_guest_is_warned_of_routes_that_a_policy_with_principals_breaks() {
    let folder = documented(
        "[[access]]\nfrom = \"roles.batch\"\nto = \"apis.orders\"\nallow = \"GET /orders\"\nvia = \"resource-policy\"\n",
    );
    let unproven =
        "Unproven GET /account, GET /health of apis.orders can be called without a signature";
    folder
        .run("plan guest.toml --sandbox")
        .ends(0)
        .says("1 gained  0 lost")
        .says(unproven);
    folder.run("apply guest.toml --sandbox --yes").ends(0);
    folder
        .run("verify guest.toml --sandbox --live")
        .ends(0)
        .says(unproven);
}

#[test]
fn leave_for_routes_with_authorizers_stops_no_owner() {
    for guest in [
        "tls_only = true\n",
        "[[access]]\nfrom = \"roles.batch\"\nto = \"apis.orders\"\nallow = \"GET /orders\"\nvia = \"resource-policy\"\n",
    ] {
        let folder = documented(guest);
        folder.run("apply guest.toml --sandbox --yes").ends(0);
        let world = folder.read(".provision/sandbox.json");
        assert!(world.contains("/live/GET/account"), "{world}");
        folder
            .run("plan owner.toml --sandbox --detailed-exitcode")
            .ends(0);
        folder.run("apply owner.toml --sandbox --yes").ends(0);
        let drift = folder.run("drift owner.toml --sandbox").ends(2);
        for untrue in [
            "may call GET /account",
            "may call GET /health",
            "with credentials",
        ] {
            assert!(!drift.out.contains(untrue), "{untrue}: {}", drift.out);
        }
        let verify = folder.run("verify owner.toml --sandbox --live");
        assert!(!verify.out.contains("GET/account"), "{}", verify.out);
    }
}

#[test]
fn an_owners_policy_gives_leave_to_routes_that_keep_their_authorizer() {
    let folder = documented("");
    let owner = folder
        .read("owner.toml")
        .replace("keep_authorizer", "tls_only = true\nkeep_authorizer");
    folder.write("owner.toml", &owner);
    folder.run("apply owner.toml --sandbox --yes").ends(0);
    let world = folder.read(".provision/sandbox.json");
    assert!(world.contains("/live/GET/account"), "{world}");
    folder.run("verify owner.toml --sandbox --live").ends(0);
}

#[test]
fn leave_for_unsigned_callers_of_a_signed_route_stops_no_owner() {
    let folder = shared();
    let guest = folder.read("guest.toml").replace(
        "public   = \"GET /health\"",
        "public   = [\"GET /health\", \"GET /orders\"]",
    );
    folder.write("guest.toml", &guest);
    folder.run("apply guest.toml --sandbox --yes").ends(0);
    let world = folder.read(".provision/sandbox.json");
    assert!(world.contains("aws:PrincipalArn"), "{world}");
    at_rest(&folder);
    folder.run("apply owner.toml --sandbox --yes").ends(0);
    let drift = folder.run("drift owner.toml --sandbox").ends(2);
    assert!(!drift.out.contains("without signing"), "{}", drift.out);
}

#[test]
fn a_guest_that_subscribes_the_owners_queue_to_the_owners_topic_comes_to_rest() {
    let folder = Folder::new();
    let head = |name: &str| {
        format!(
            "[stack]\nname = \"{name}\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n"
        )
    };
    let owner = |subscribe: &str| format!("{}[topics.t]\n[queues.q]\n{subscribe}", head("owner"));
    folder.write("owner.toml", &owner(""));
    folder.write(
        "guest.toml",
        &format!(
            "{}[topics.t]\nexisting = \"arn:aws:sns:eu-west-1:111111111111:t\"\n\
             [queues.q]\nexisting = \"arn:aws:sqs:eu-west-1:111111111111:q\"\nsubscribe = \"t\"\n",
            head("guest")
        ),
    );
    folder.run("apply owner.toml --sandbox --yes").ends(0);
    folder.run("apply guest.toml --sandbox --yes").ends(0);
    for file in ["owner.toml", "guest.toml"] {
        folder
            .run(&format!("plan {file} --sandbox --detailed-exitcode"))
            .ends(0);
    }
    // The owner is told, and may leave it there.
    folder
        .run("drift owner.toml --sandbox")
        .ends(2)
        .says("subscription of sqs arn:aws:sqs:eu-west-1:111111111111:q");
    folder
        .run("drift owner.toml --sandbox --accept topics.t queues.q --reason guests")
        .ends(0);
    folder.run("drift owner.toml --sandbox").ends(0);
    folder.run("destroy guest.toml --sandbox --yes").ends(0);
    // Its own goes with its own statement, as ever.
    folder.write("owner.toml", &owner("subscribe = \"t\"\n"));
    folder.run("apply owner.toml --sandbox --yes").ends(0);
    folder.write("owner.toml", &owner(""));
    folder
        .run("plan owner.toml --sandbox")
        .ends(0)
        .says("- subscription q.t");
}
