//! Proofs of what AWS has: other stages, other subscribers, narrowed filters, roles that services work under.

use serde_json::{Value, json};

use super::Folder;

const WORLD: &str = ".provision/sandbox.json";

const STACK: &str = "\
[stack]
name   = \"shop\"
region = \"eu-west-1\"

[accounts.events]
id = \"111111111111\"

[topics.orders]
account = \"events\"

[queues.inbox]
account   = \"events\"
subscribe = { topic = \"orders\", filter = { kind = [\"made\", \"sent\"] } }

[apis.desk]
account = \"events\"
routes  = { \"GET /x\" = { mock = 200 } }
";

const VERIFY: &str = "verify shop.toml --sandbox --live";

/// A folder with the stack applied, and this done to the resources of its account behind its back.
fn tampered(deed: impl FnOnce(&mut Value)) -> Folder {
    let folder = Folder::new();
    folder.write("shop.toml", STACK);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    folder.run(VERIFY).ends(0).says("Proved  6 of 6 claims\n");
    tamper(&folder, deed);
    folder
}

fn tamper(folder: &Folder, deed: impl FnOnce(&mut Value)) {
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    deed(&mut world["accounts"]["111111111111"]["regions"]["eu-west-1"]);
    folder.write(WORLD, &world.to_string());
}

/// Adds a stage that somebody made by hand, with a deployment of its own.
fn with_stage(region: &mut Value, deployed: impl FnOnce(&mut Value)) {
    let apis = region["apis"].as_object_mut().expect("APIs");
    let api = apis.values_mut().next().expect("an API");
    let mut deployment = api["deployments"]
        .as_object()
        .and_then(|it| it.values().next())
        .expect("a deployment")
        .clone();
    deployed(&mut deployment);
    api["deployments"]["byhand"] = deployment;
    let mut stage = api["stages"]["live"].clone();
    stage["name"] = json!("old");
    stage["tags"] = json!({});
    stage["deployment"] = json!("byhand");
    api["stages"]["old"] = stage;
}

fn open(deployment: &mut Value) {
    deployment["methods"]["/x"]["GET"]["authorization"] = json!("NONE");
}

const ACCEPT: &str = "drift shop.toml --sandbox --accept apis.desk --reason spring";

#[test]
fn every_stage_of_an_api_is_judged_by_what_it_serves() {
    let folder = tampered(|it| with_stage(it, open));
    folder
        .run(VERIFY)
        .ends(3)
        .says("Failed apis.desk answers no unsigned call\n")
        .says("  ! GET /x of apis.desk has no authorizer in stage `old`: anyone may call it\n")
        .says("Failed nobody else may call apis.desk or change it\n");
    folder
        .run("who-can call apis.desk --stack shop.toml --sandbox --live")
        .ends(0)
        .says("anyone, unsigned")
        .says("in stage `old`");
    // A plan says it too, and is carried out: the stage is somebody else's.
    let more = "[topics.more]\naccount = \"events\"\n";
    folder.write("more.toml", &format!("{STACK}{more}"));
    folder
        .run("plan more.toml --sandbox")
        .ends(0)
        .says("GET /x of apis.desk has no authorizer in stage `old`: anyone may call it");
    folder.run(ACCEPT).ends(0);
    folder
        .run(VERIFY)
        .ends(0)
        .says("Known apis.desk answers no unsigned call\n")
        .says("spring  shop.toml:19\n")
        .says("Proved  4 of 6 claims, 2 but for what is known\n");
}

#[test]
fn a_known_stage_is_known_until_it_serves_something_else() {
    let changes: [fn(&mut Value); 4] = [
        |api| {
            let mut other = api["deployments"]["byhand"].clone();
            other["description"] = json!("once more");
            let deployments = api["deployments"].as_object_mut().expect("some");
            deployments.remove("byhand");
            deployments.insert("later".to_owned(), other);
            api["stages"]["old"]["deployment"] = json!("later");
        },
        |api| api["stages"]["old"]["variables"] = json!({"to": "elsewhere"}),
        |api| api["stages"]["old"]["canary"] = json!({"deployment": "byhand", "percent": 5.0}),
        |api| {
            api["stages"]["old"]["methods"] = json!({"*/*": {
                "logging": "INFO", "data_trace": true, "metrics": true, "rate": 1.0, "burst": 2,
            }});
        },
    ];
    for change in changes {
        let folder = tampered(|it| with_stage(it, open));
        folder.run("drift shop.toml --sandbox").ends(2);
        folder.run(ACCEPT).ends(0);
        folder.run("drift shop.toml --sandbox").ends(0);
        folder.run(VERIFY).ends(0);
        // What no call meets may change.
        tamper(&folder, |region| {
            only_api(region)["stages"]["old"]["description"] = json!("the old site");
        });
        folder.run("drift shop.toml --sandbox").ends(0);
        tamper(&folder, |region| change(only_api(region)));
        folder
            .run("drift shop.toml --sandbox")
            .ends(2)
            .says("stage `old`, which serves this API too");
        folder.run(VERIFY).ends(3);
        // Accepted again it takes the place of what was known before.
        folder.run(ACCEPT).ends(0);
        folder.run("drift shop.toml --sandbox").ends(0);
        assert_eq!(folder.read("shop.toml").matches("[[known]]").count(), 1);
    }
}

#[test]
fn a_stage_is_not_known_by_its_name_alone() {
    let folder = Folder::new();
    let known = "\n[[known]]\non = \"apis.desk\"\nstage = \"old\"\nreason = \"spring\"\n";
    folder.write("shop.toml", &format!("{STACK}{known}"));
    folder
        .run("validate shop.toml")
        .ends(1)
        .tells("stage `old` is known by its name alone")
        .tells("shop.toml:21:9")
        .tells("`provision drift --accept apis.desk --reason TEXT`");
}

fn only_api(region: &mut Value) -> &mut Value {
    let apis = region["apis"].as_object_mut().expect("APIs");
    apis.values_mut().next().expect("an API")
}

#[test]
fn a_stage_whose_policy_cannot_be_read_leaves_the_claim_unproven() {
    let folder = tampered(|it| with_stage(it, |it| it["description"] = json!("by hand")));
    folder
        .run(VERIFY)
        .ends(0)
        .says("Unproven nobody else may call apis.desk or change it\n")
        .says("the policy that stage `old` serves cannot be read");
    folder.run(&format!("{VERIFY} --strict")).ends(3);
    folder.run(ACCEPT).ends(0);
    folder.run(&format!("{VERIFY} --strict")).ends(0);
    // One that serves the stack's own deployment is known to its last statement.
    let same = tampered(|it| with_stage(it, |_| {}));
    same.run(&format!("{VERIFY} --strict"))
        .ends(0)
        .says("Proved  6 of 6 claims\n");
}

#[test]
fn a_never_holds_for_every_stage() {
    let folder = tampered(|it| with_stage(it, open));
    let never = "\n[[never]]\nwho    = \"unsigned callers\"\nto     = \"apis.desk\"\nreason = \"staff only\"\n";
    folder.run(ACCEPT).ends(0);
    let known = folder.read("shop.toml");
    folder.write("shop.toml", &format!("{known}{never}"));
    folder.run(VERIFY).ends(3).says(
        "anyone, unsigned may call GET /x of apis.desk in stage `old`, and never may: staff only",
    );
}

#[test]
fn a_subscriber_that_the_stack_does_not_have_fails_the_topics_claim() {
    let folder = tampered(|region| {
        let topic = &mut region["topics"]["orders"];
        let mut spy = topic["subscriptions"][0].clone();
        spy["endpoint"] = json!("arn:aws:sqs:eu-west-1:444444444444:spy");
        spy["owner"] = json!("444444444444");
        spy["arn"] =
            json!("arn:aws:sns:eu-west-1:111111111111:orders:00000000-0000-0000-0000-000000000000");
        topic["subscriptions"]
            .as_array_mut()
            .expect("a list")
            .push(spy);
    });
    folder
        .run(VERIFY)
        .ends(3)
        .says("Failed nobody else may publish to topics.orders, subscribe to it or change it\n")
        .says("  ! arn:aws:sqs:eu-west-1:444444444444:spy receives from topics.orders, and nothing in the stack says so\n");
    folder
        .run("drift shop.toml --sandbox --accept topics.orders --reason audit --until 2099-12-31")
        .ends(0);
    folder
        .run(VERIFY)
        .ends(0)
        .says("audit, until 2099-12-31  shop.toml:");
    let known = folder.run(&format!("{VERIFY} --json")).ends(0).document();
    assert_eq!(known["summary"]["known"], 1);
    let claims = known["claims"].as_array().expect("claims");
    let claim = claims.iter().find(|it| it["outcome"] == "known");
    let part = &claim.expect("a known claim")["known"][0];
    assert_eq!(part["on"], "topics.orders");
    assert_eq!(part["reason"], "audit");
    // When its time is over, it fails again.
    let ended = folder.read("shop.toml").replace("2099-", "2019-");
    folder.write("shop.toml", &ended);
    folder.run(VERIFY).ends(3);
}

#[test]
fn a_subscription_must_let_through_what_the_stack_says() {
    let says = [
        (
            json!({"FilterPolicy": "{\"never\":[\"x\"]}"}),
            "leaves out messages whose `never` is not x",
        ),
        (
            json!({"FilterPolicy": "{\"kind\":[\"made\"]}"}),
            "leaves out messages whose `kind` is sent",
        ),
        (
            json!({"FilterPolicyScope": "MessageBody"}),
            "leaves out messages that carry `kind` in their attributes and not in their body",
        ),
        (
            json!({"RawMessageDelivery": "true"}),
            "gets the messages of topics.orders raw, and not in SNS's envelope",
        ),
    ];
    for (attributes, expected) in says {
        let folder = tampered(|region| narrow(region, &attributes));
        folder
            .run(VERIFY)
            .ends(3)
            .says("Failed queues.inbox receives from topics.orders\n")
            .says(expected);
    }
    // One that lets more through leaves out nothing; one that is compared by its text is not certain.
    let folder = tampered(|it| {
        narrow(
            it,
            &json!({"FilterPolicy": "{\"kind\":[{\"exists\":true}]}"}),
        );
    });
    folder.run(VERIFY).ends(0).says("Proved  6 of 6 claims\n");
    let folder = tampered(|it| {
        narrow(
            it,
            &json!({"FilterPolicy": "{\"kind\":[{\"wildcard\":\"*e*\"}]}"}),
        );
    });
    folder
        .run(VERIFY)
        .ends(0)
        .says("Unproven queues.inbox receives from topics.orders\n");
}

fn narrow(region: &mut Value, attributes: &Value) {
    let subscription = &mut region["topics"]["orders"]["subscriptions"][0];
    for (name, value) in attributes.as_object().expect("attributes") {
        subscription["attributes"][name] = value.clone();
    }
}

#[test]
fn a_known_statement_does_not_fail_a_claim_until_it_changes() {
    let statement = |action: &str| {
        json!({
            "Sid": "Partner", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444444444444:root"},
            "Action": action, "Resource": "arn:aws:sqs:eu-west-1:111111111111:inbox",
        })
    };
    let put = |region: &mut Value, statement: Value| {
        let policy = &mut region["queues"]["inbox"]["attributes"]["Policy"];
        let mut document: Value =
            serde_json::from_str(policy.as_str().expect("a policy")).expect("JSON");
        let statements = document["Statement"].as_array_mut().expect("a list");
        statements.retain(|it| it["Sid"] != "Partner");
        statements.push(statement);
        *policy = json!(document.to_string());
    };
    let folder = tampered(|it| put(it, statement("sqs:SendMessage")));
    folder
        .run(VERIFY)
        .ends(3)
        .says("Failed nobody else may send to queues.inbox, receive from it or change it");
    folder
        .run("drift shop.toml --sandbox --accept queues.inbox --reason partner")
        .ends(0);
    folder
        .run(VERIFY)
        .ends(0)
        .says("Known nobody else may send to queues.inbox, receive from it or change it\n")
        .says("  = queues.inbox: statement `Partner`: ")
        .says("    partner  shop.toml:")
        .says("Proved  5 of 6 claims, 1 but for what is known\n");
    // A plan that does something says it too.
    let text = format!(
        "{}[topics.more]\naccount = \"events\"\n",
        folder.read("shop.toml")
    );
    folder.write("more.toml", &text);
    folder
        .run("plan more.toml --sandbox")
        .ends(0)
        .says("nothing else is allowed but what is known");
    tamper(&folder, |it| put(it, statement("sqs:*")));
    folder
        .run(VERIFY)
        .ends(3)
        .says("Failed nobody else may send to queues.inbox, receive from it or change it");
}

/// A stack with an API and a topic that name a role, and what the role says.
fn with_role(api: &str, topic: &str, role: &str) -> Folder {
    let folder = Folder::new();
    folder.write(
        "shop.toml",
        &format!(
            "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n[accounts.events]\nid = \"111111111111\"\n{api}{topic}{role}"
        ),
    );
    folder
}

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111111111111:function:f";

fn role(trusted_by: &str, allow: &str) -> String {
    format!(
        "[roles.c]\naccount = \"events\"\ntrusted_by = \"{trusted_by}\"\n[roles.c.policies.p]\nVersion = \"2012-10-17\"\nStatement = [{{ Effect = \"Allow\", Action = {allow}, Resource = \"*\" }}]\n"
    )
}

#[test]
fn a_route_reaches_what_is_behind_it_under_the_role_that_it_names() {
    let api = |credentials: &str| {
        format!(
            "[apis.desk]\naccount = \"events\"\nroutes = {{ \"POST /x\" = {{ lambda = \"{FUNCTION}\", credentials = \"{credentials}\" }} }}\n"
        )
    };
    let claim = format!("apis.desk reaches {FUNCTION} for POST /x");
    let invokes = "\"lambda:InvokeFunction\"";
    with_role(&api("c"), "", &role("lambda.amazonaws.com", invokes))
        .run("verify shop.toml")
        .ends(3)
        .says(&format!("Failed {claim}\n"))
        .says("the trust policy of roles.c does not name apigateway.amazonaws.com");
    with_role(
        &api("c"),
        "",
        &role("apigateway.amazonaws.com", "\"sqs:SendMessage\""),
    )
    .run("verify shop.toml")
    .ends(3)
    .says(&format!(
        "  ! roles.c lacks lambda:InvokeFunction on {FUNCTION}\n"
    ));
    with_role(&api("c"), "", &role("apigateway.amazonaws.com", invokes))
        .run("verify shop.toml")
        .ends(0)
        .says("Proved  5 of 5 claims\n");
    with_role(&api("arn:aws:iam::111111111111:role/other"), "", "")
        .run("verify shop.toml")
        .ends(0)
        .says(&format!("Unproven {claim}\n"))
        .says("arn:aws:iam::111111111111:role/other is no role of this stack: its owner must let apigateway.amazonaws.com assume it");
    // The same role for all routes of the API.
    let of_api = format!(
        "[apis.desk]\naccount = \"events\"\ncredentials = \"c\"\nroutes = {{ \"POST /x\" = {{ lambda = \"{FUNCTION}\" }} }}\n"
    );
    with_role(
        &of_api,
        "",
        &role("apigateway.amazonaws.com", "\"sqs:SendMessage\""),
    )
    .run("verify shop.toml")
    .ends(3)
    .says(&format!("Failed {claim}\n"));
}

#[test]
fn sns_logs_deliveries_under_the_role_that_a_topic_names() {
    let topic = "[topics.orders]\naccount = \"events\"\nsqs_success_feedback_role = \"c\"\nsqs_failure_feedback_role = \"c\"\n";
    let logs = "[\"logs:CreateLogGroup\", \"logs:CreateLogStream\", \"logs:PutLogEvents\"]";
    with_role("", topic, &role("lambda.amazonaws.com", logs))
        .run("verify shop.toml")
        .ends(3)
        .says("Failed topics.orders logs its deliveries as roles.c\n")
        .says("the trust policy of roles.c does not name sns.amazonaws.com");
    with_role(
        "",
        topic,
        &role("sns.amazonaws.com", "\"logs:PutLogEvents\""),
    )
    .run("verify shop.toml")
    .ends(3)
    .says("roles.c lacks logs:CreateLogGroup");
    with_role("", topic, &role("sns.amazonaws.com", logs))
        .run("verify shop.toml")
        .ends(0)
        .says("Proved  4 of 4 claims\n");
}

/// An API whose route sends to a queue of another account.
fn far_queue(credentials: &str, rest: &str) -> Folder {
    let folder = Folder::new();
    folder.write(
        "shop.toml",
        &format!(
            "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n[accounts.events]\nid = \"111111111111\"\n[accounts.billing]\nid = \"222222222222\"\n\
             [queues.inbox]\naccount = \"billing\"\n\
             [apis.desk]\naccount = \"events\"\nroutes = {{ \"POST /x\" = {{ sqs = \"inbox\"{credentials} }} }}\n{rest}"
        ),
    );
    folder
}

#[test]
fn a_queue_of_another_account_lets_the_role_in_under_which_a_route_sends_to_it() {
    let made = far_queue("", "");
    made.run("apply shop.toml --sandbox --yes").ends(0);
    made.run(VERIFY).ends(0).says("Proved  6 of 6 claims\n");
    made.run("plan shop.toml --sandbox")
        .ends(0)
        .says("Nothing to do");
    let sends = role("apigateway.amazonaws.com", "\"sqs:SendMessage\"");
    let own = far_queue(", credentials = \"c\"", &sends);
    own.run("apply shop.toml --sandbox --yes").ends(0);
    own.run(VERIFY).ends(0).says("Proved  7 of 7 claims\n");
    // What the role itself may do is the author's.
    let lacks = role("apigateway.amazonaws.com", "\"sqs:ReceiveMessage\"");
    far_queue(", credentials = \"c\"", &lacks)
        .run("verify shop.toml")
        .ends(3)
        .says("roles.c lacks sqs:SendMessage on queues.inbox");
}

#[test]
fn an_organization_may_call_a_private_api() {
    let folder = Folder::new();
    let stack = |from: &str| {
        format!(
            "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n[accounts.events]\nid = \"111111111111\"\n\
             [apis.desk]\naccount = \"events\"\nendpoint = \"private\"\nroutes = {{ \"GET /x\" = {{ mock = 200 }} }}\n\
             [[access]]\nfrom = {from}\nto = \"apis.desk\"\nallow = \"GET /x\"\n"
        )
    };
    folder.write("shop.toml", &stack("{ org = \"o-a1b2c3d4e5\" }"));
    folder
        .run("plan shop.toml --sandbox")
        .ends(0)
        .says("warning[PG007]");
    folder.write("shop.toml", &stack("{ ip = \"10.0.0.0/8\" }"));
    folder
        .run("plan shop.toml --sandbox")
        .ends(3)
        .says("error[PG007]");
}

#[test]
fn a_route_that_asks_for_an_api_key_is_not_proved_to_be_called() {
    let document = |security: &str| {
        format!(
            "openapi: \"3.0.1\"\ninfo: {{title: t, version: \"1\"}}\n\
             components: {{securitySchemes: {{key: {{type: apiKey, name: x-api-key, in: header}}}}}}\n\
             paths:\n  /x:\n    get:\n{security}      responses: {{\"200\": {{description: ok}}}}\n\
             \u{20}     x-amazon-apigateway-integration: {{type: http_proxy, httpMethod: GET, uri: 'https://example.com'}}\n"
        )
    };
    let folder = Folder::new();
    folder.write(
        "shop.toml",
        "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
         [apis.desk]\naccount = \"a\"\nopenapi = \"desk.yaml\"\n\
         [roles.w]\naccount = \"a\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [[access]]\nfrom = \"roles.w\"\nto = \"apis.desk\"\nallow = \"GET /x\"\n",
    );
    // From the second on, callers without a key are cut off.
    for (security, said) in [
        ("", "Proved  6 of 6 claims"),
        (
            "      security: [{key: []}]\n",
            "? GET /x asks for an API key as well",
        ),
    ] {
        folder.write("desk.yaml", &document(security));
        folder
            .run("apply shop.toml --sandbox --yes --close apis.desk")
            .ends(0);
        folder.run(VERIFY).ends(0).says(said);
    }
}

/// A stack of two roles, and a topic, a queue and an API that only one of them uses.
const SHARED: &str = "\
[stack]
name   = \"shop\"
region = \"eu-west-1\"
[accounts.a]
id = \"111111111111\"
[roles.maker]
trusted_by = \"lambda.amazonaws.com\"
[roles.stray]
trusted_by = \"lambda.amazonaws.com\"
[topics.orders]
[queues.inbox]
subscribe = \"orders\"
[apis.desk]
routes = { \"GET /x\" = { mock = 200 } }
[[access]]
from  = \"roles.maker\"
to    = \"queues.inbox\"
allow = \"receive\"
[[access]]
from = \"roles.maker\"
to   = \"topics.orders\"
";

#[test]
fn what_a_role_may_do_by_a_policy_of_its_own_fails_the_claim() {
    let folder = Folder::new();
    folder.write("shop.toml", SHARED);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    folder.run(VERIFY).ends(0);
    let clean: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    for (action, fails) in [
        (
            "sns:SetTopicAttributes",
            "nobody else may publish to topics.orders, subscribe to it or change it",
        ),
        (
            "sqs:SendMessage",
            "nobody else may send to queues.inbox, receive from it or change it",
        ),
        (
            "sqs:PurgeQueue",
            "nobody else may send to queues.inbox, receive from it or change it",
        ),
        (
            "apigateway:PATCH",
            "nobody else may call apis.desk or change it",
        ),
        (
            "iam:PutRolePolicy",
            "nobody else may assume roles.maker, pass it to a service or change it",
        ),
    ] {
        let mut world = clean.clone();
        let role = &mut world["accounts"]["111111111111"]["roles"]["stray"];
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]});
        role["inline"]["byhand"] = json!(policy.to_string());
        folder.write(WORLD, &world.to_string());
        folder
            .run(VERIFY)
            .ends(3)
            .says(&format!("Failed {fails}\n"))
            .says(&format!("  ! roles.stray may {action} on "))
            .says("by the inline policy `byhand` of roles.stray, statement 1\n");
    }
    let who = "--stack shop.toml --sandbox --live";
    folder
        .run(&format!("who-can iam:PutRolePolicy roles.maker {who}"))
        .ends(0)
        .says("roles.stray");
}

/// Another stack's topic, which one of a guest's roles publishes to.
#[test]
fn a_guest_answers_for_its_own_statements_of_a_topic_and_no_others() {
    let folder = Folder::new();
    folder.write("shop.toml", SHARED);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    let guest = "[stack]\nname = \"guest\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
                 [accounts.b]\nid = \"222222222222\"\n[roles.far]\naccount = \"b\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
                 [roles.near]\naccount = \"a\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
                 [topics.theirs]\nexisting = \"arn:aws:sns:eu-west-1:111111111111:orders\"\n\
                 [[access]]\nfrom = \"roles.far\"\nto = \"topics.theirs\"\nvia = \"resource-policy\"\n";
    folder.write("guest.toml", guest);
    folder.run("apply guest.toml --sandbox --yes").ends(0);
    let verify = "verify guest.toml --sandbox --live";
    folder.run(verify).ends(0);
    // A role of the guest's own that may change the topic is the guest's to answer for.
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    let role = &mut world["accounts"]["111111111111"]["roles"]["near"];
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sns:DeleteTopic", "Resource": "*"}]});
    role["inline"]["byhand"] = json!(policy.to_string());
    folder.write(WORLD, &world.to_string());
    folder
        .run(verify)
        .ends(3)
        .says("Failed this stack lets no other principal publish to topics.theirs, subscribe to it or change it\n")
        .says("  ! roles.near may sns:DeleteTopic on topics.theirs, and nobody declared it\n");
}

#[test]
fn sessions_that_may_carry_tags_cannot_go_on_to_an_access_role() {
    let folder = Folder::new();
    let oidc = "trusted_by = { oidc = \"token.actions.githubusercontent.com\", subjects = \"repo:o/r:*\" }\n";
    let text = SHARED
        .replacen("trusted_by = \"lambda.amazonaws.com\"\n", oidc, 1)
        .replacen(
            "to   = \"topics.orders\"",
            "to   = \"topics.orders\"\nvia  = \"assume-role\"",
            1,
        );
    folder.write("shop.toml", &text);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    folder.run("drift shop.toml --sandbox").ends(0);
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    let trust = &mut world["accounts"]["111111111111"]["roles"]["maker"]["trust"];
    let text = trust.as_str().expect("a trust policy").to_owned();
    let mut document: Value = serde_json::from_str(&text).expect("JSON");
    document["Statement"][0]["Action"] = json!(["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]);
    *trust = json!(document.to_string());
    folder.write(WORLD, &world.to_string());
    folder
        .run("drift shop.toml --sandbox")
        .ends(2)
        .says("roles.maker may no longer assume roles.")
        .says("in sessions with transitive tags");
    folder
        .run(VERIFY)
        .ends(3)
        .says("Failed roles.maker may publish to topics.orders");
}

/// An API whose routes ask their callers for a token, for nothing, and for a signature.
const OWNER: &str = "\
[stack]
name   = \"owner\"
region = \"eu-west-1\"
[accounts.a]
id = \"111111111111\"
[apis.o]
openapi         = \"o.yaml\"
keep_authorizer = \"GET /token\"
public          = \"GET /open\"
";

const DOCUMENT: &str = "\
openapi: 3.0.1
info: {title: o, version: '1'}
components:
  securitySchemes:
    pool:
      type: apiKey
      name: Authorization
      in: header
      x-amazon-apigateway-authtype: cognito_user_pools
      x-amazon-apigateway-authorizer:
        type: cognito_user_pools
        providerARNs: ['arn:aws:cognito-idp:eu-west-1:111111111111:userpool/eu-west-1_abc']
paths:
  /token: {get: {security: [{pool: []}], responses: {'200': {description: ok}}, x-amazon-apigateway-integration: {type: mock}}}
  /open: {get: {responses: {'200': {description: ok}}, x-amazon-apigateway-integration: {type: mock}}}
  /signed: {get: {responses: {'200': {description: ok}}, x-amazon-apigateway-integration: {type: mock}}}
";

#[test]
fn a_guests_statement_for_a_role_leaves_routes_without_signatures_unproven() {
    let folder = Folder::new();
    folder.write("owner.toml", OWNER);
    folder.write("o.yaml", DOCUMENT);
    folder.run("apply owner.toml --sandbox --yes").ends(0);
    let world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    let apis = &world["accounts"]["111111111111"]["regions"]["eu-west-1"]["apis"];
    let id = apis
        .as_object()
        .and_then(|it| it.keys().next())
        .expect("an API");
    let guest = format!(
        "[stack]\nname = \"guest\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
         [accounts.b]\nid = \"222222222222\"\n[roles.far]\naccount = \"b\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [apis.theirs]\naccount = \"a\"\nexisting = \"{id}\"\n\
         [[access]]\nfrom = \"roles.far\"\nto = \"apis.theirs\"\nallow = \"GET /signed\"\nvia = \"resource-policy\"\n"
    );
    folder.write("guest.toml", &guest);
    folder
        .run("plan guest.toml --sandbox")
        .says("Unproven GET /open, GET /token of apis.theirs can be called without a signature")
        .says("names an AWS principal (roles.far)");
    folder.run("apply guest.toml --sandbox --yes").ends(0);
    // What the guest's statement lets through of a route with an authorizer, the authorizer decides.
    let verified = folder.run("verify owner.toml --sandbox --live").out;
    assert!(
        verified.contains("GET /token is left to the authorizer COGNITO_USER_POOLS"),
        "{verified}"
    );
    assert!(
        !verified.contains("unsigned, execute-api:Invoke on apis.o/live/GET/token"),
        "{verified}"
    );
}

#[test]
fn a_throttle_of_zero_lets_no_call_through_whatever_the_policies_say() {
    let caller = "[roles.caller]\naccount = \"events\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
                  [[access]]\nfrom = \"roles.caller\"\nto = \"apis.desk\"\nallow = [\"GET /x\"]\n";
    let folder = Folder::new();
    folder.write("shop.toml", &format!("{STACK}{caller}"));
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    folder.run(VERIFY).ends(0);
    let set = |settings: Value| {
        tamper(&folder, |region| {
            let apis = region["apis"].as_object_mut().expect("APIs");
            let api = apis.values_mut().next().expect("an API");
            api["stages"]["live"]["methods"] = settings;
        });
    };
    let fails = |says: &str| {
        let claim = "Failed roles.caller may call GET /x of apis.desk";
        folder.run(VERIFY).ends(3).says(claim).says(says);
        folder.run("drift shop.toml --sandbox").ends(2).says(says);
    };
    let limits = |rate: f64, burst: u32| json!({"rate": rate, "burst": burst, "data_trace": false, "metrics": false});
    for closed in [limits(0.0, 5), limits(5.0, 0)] {
        set(json!({"*/*": closed}));
        fails(
            "no route may be called any longer through stage `live` of apis.desk: with a rate or burst of 0",
        );
        set(json!({"~1x/GET": closed}));
        fails("GET /x may no longer be called through stage `live`: with a rate or burst of 0");
        // The settings of a method stand in place of the stage's.
        set(json!({"*/*": closed, "~1x/GET": limits(5.0, 5)}));
        folder.run(VERIFY).ends(0);
        set(json!({"~1y/GET": closed}));
        folder.run(VERIFY).ends(0);
    }
}
