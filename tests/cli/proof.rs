//! Proofs: no plan is carried out that would not do what its stack claims.

use super::Folder;

const MARKETPLACE: &str = "stacks/marketplace.toml --sandbox";

const NEVER: &str = r#"
[[never]]
who    = "outside accounts"
to     = "topics.order-events"
do     = "publish"
reason = "orders are ours"
"#;

const PARTNER: &str = r#"
[[access]]
from = { account = "444444444444" }
to   = "topics.order-events"
via  = "resource-policy"
"#;

#[test]
fn a_plan_that_breaks_a_never_is_shown_and_not_carried_out() {
    let folder = Folder::with_stacks();
    folder.write("never.toml", NEVER);
    folder.write("partner.toml", PARTNER);
    folder
        .run(&format!("plan {MARKETPLACE} --with never.toml"))
        .ends(0)
        .says("10 edges, 1 never-claim; nothing else is allowed");
    let both = format!("{MARKETPLACE} --with never.toml --with partner.toml");
    folder
        .run(&format!("plan {both}"))
        .ends(3)
        .says("account 444444444444 may publish to topics.order-events, and never may: orders are ours")
        .says("never.toml:2")
        .says("by the policy of topics.order-events, statement `")
        .says(r#"try {"action":"sns:Publish","callerPolicies":"allow","principal":"any principal of account 444444444444 that the stack does not name""#)
        .says("1 claim would not hold after this plan, so it is not carried out");
    let applied = folder
        .run(&format!("apply {both} --yes --json"))
        .ends(3)
        .document();
    assert_eq!(applied["proof"]["refuses"], true);
    assert_eq!(applied["proof"]["open"][0]["promise"], "never");
    let world = std::fs::read_to_string(folder.path(".provision/sandbox.json"));
    assert!(
        !world.unwrap_or_default().contains("order-events"),
        "nothing was made"
    );
    folder
        .run("verify stacks/marketplace.toml --with never.toml --with partner.toml")
        .ends(3);
    folder
        .run("verify stacks/marketplace.toml --with never.toml")
        .ends(0);
}

#[test]
fn what_a_stranger_wrote_is_found_live_and_refused_when_it_breaks_a_claim() {
    let folder = Folder::with_stacks();
    folder.write("never.toml", NEVER);
    folder
        .run(&format!("apply {MARKETPLACE} --with never.toml --yes"))
        .ends(0);
    folder
        .run(&format!("verify {MARKETPLACE} --with never.toml --live"))
        .ends(0);
    let allow = r#"{"Sid":"Theirs","Effect":"Allow","Principal":{"AWS":"444444444444"},"Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:333333333333:order-events"}"#;
    put_in_topic_policy(&folder, allow);
    folder
        .run(&format!("verify {MARKETPLACE} --with never.toml --live"))
        .ends(3)
        .says("account 444444444444 may publish to topics.order-events")
        .says("statement `Theirs`");
    // Nothing to do, and still not as the stack claims.
    folder
        .run(&format!("apply {MARKETPLACE} --with never.toml --yes"))
        .ends(3)
        .says("statement `Theirs`");
    // Where the author did not say never, it is theirs to answer for.
    folder.run(&format!("apply {MARKETPLACE} --yes")).ends(0);
}

#[test]
fn a_denial_that_breaks_an_edge_is_named_before_anything_is_changed() {
    let folder = Folder::with_stacks();
    folder.run(&format!("apply {MARKETPLACE} --yes")).ends(0);
    let deny = r#"{"Sid":"Stop","Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:333333333333:order-events"}"#;
    put_in_topic_policy(&folder, deny);
    folder
        .run(&format!("apply {MARKETPLACE} --yes"))
        .ends(3)
        .says("roles.checkout is refused sns:Publish on topics.order-events")
        .says("statement `Stop`, denies it");
    folder.run(&format!("plan {MARKETPLACE}")).ends(3);
}

/// Adds a statement to the topic's policy, behind the program's back.
pub(super) fn put_in_topic_policy(folder: &Folder, statement: &str) {
    let mut world: serde_json::Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let topics = &mut world["accounts"]["333333333333"]["regions"]["eu-west-1"]["topics"];
    let topic = topics
        .as_object_mut()
        .expect("topics")
        .values_mut()
        .next()
        .expect("a topic");
    let policy = &mut topic["policy"];
    let mut document: serde_json::Value = match policy.as_str() {
        Some(text) => serde_json::from_str(text).expect("JSON"),
        None => policy.clone(),
    };
    let statement: serde_json::Value = serde_json::from_str(statement).expect("JSON");
    document["Statement"]
        .as_array_mut()
        .expect("statements")
        .push(statement);
    *policy = match policy.as_str() {
        Some(_) => serde_json::Value::String(document.to_string()),
        None => document,
    };
    folder.write(".provision/sandbox.json", &format!("{world:#}"));
}

/// A stack of one caller and what it calls.
fn one_caller(allow: &str, via: &str) -> String {
    format!(
        "[stack]\nname = \"one\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
         [accounts.b]\nid = \"222222222222\"\n\
         [roles.caller]\naccount = \"a\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [apis.orders]\naccount = \"b\"\n[apis.orders.routes]\n\"GET /orders/new\" = {{ mock = 200 }}\n\
         \"GET /orders/old\" = {{ mock = 200 }}\n[topics.events]\naccount = \"b\"\n\
         [[access]]\nfrom = \"roles.caller\"\nto = \"apis.orders\"\nallow = \"{allow}\"\nvia = \"resource-policy\"\n\
         [[access]]\nfrom = \"roles.caller\"\nto = \"topics.events\"\nvia = \"{via}\"\n"
    )
}

#[test]
fn a_public_route_beside_a_policy_that_names_roles_is_unproven() {
    let folder = Folder::new();
    let public = "\"GET /health\" = { mock = 200, public = true }\n[topics.events]";
    let stack =
        |allow: &str| one_caller("GET /orders/new", allow).replace("[topics.events]", public);
    let said = "GET /health of apis.orders can be called without a signature  s.toml:16";
    let unproven = |text: &str| {
        folder.write("s.toml", text);
        for command in ["validate", "verify", "plan"] {
            let flag = if command == "plan" { " --sandbox" } else { "" };
            let ran = folder.run(&format!("{command} s.toml{flag}")).ends(0);
            assert!(ran.out.contains(said), "{command}: {}", ran.out);
            assert!(
                ran.out.contains("User: anonymous is not authorized"),
                "{}",
                ran.out
            );
        }
        folder.run("verify s.toml --strict").ends(3);
    };
    let direct = stack("assume-role");
    unproven(&direct);
    // An account's root is an AWS principal, too, and a condition beside it changes nothing.
    let access = "from = \"roles.caller\"\nto = \"apis.orders\"";
    let prefix =
        "from = { account = \"333333333333\", role_prefix = \"batch-\" }\nto = \"apis.orders\"";
    unproven(&direct.replace(access, prefix));
    // By access roles nothing stands in the way, and `auto` chooses them.
    for via in ["assume-role", "auto"] {
        let text = direct.replacen("via = \"resource-policy\"", &format!("via = \"{via}\""), 1);
        folder.write("s.toml", &text);
        let ran = folder.run("verify s.toml --strict").ends(0);
        assert!(!ran.out.contains("without a signature"), "{}", ran.out);
    }
}

#[test]
fn a_plan_leads_with_who_gains_and_who_loses() {
    let folder = Folder::new();
    folder.write(
        "provision.toml",
        &one_caller("GET /orders/*", "resource-policy"),
    );
    folder
        .run("plan --sandbox --fail-on broadened")
        .ends(3)
        .says("Access changes   2 gained  0 lost  broadened: yes\n  + roles.caller may call GET /orders/*")
        .tells("lets somebody do more");
    folder.run("apply --sandbox --yes").ends(0);
    folder
        .run("plan --sandbox --fail-on broadened")
        .ends(0)
        .says("Nothing to do");

    // A part of what was allowed is no gain.
    folder.write(
        "provision.toml",
        &one_caller("GET /orders/new", "resource-policy"),
    );
    folder
        .run("plan --sandbox --fail-on broadened")
        .ends(0)
        .says("Access changes   0 gained  1 lost  broadened: no\n  - roles.caller may call GET /orders/new of apis.orders\n        by resource policy, and no longer GET /orders/*\n");
    folder.run("apply --sandbox --yes").ends(0);
    folder.write(
        "provision.toml",
        &one_caller("GET /orders/*", "resource-policy"),
    );
    let plan = folder
        .run("plan --sandbox --json --fail-on broadened")
        .ends(3)
        .document();
    assert_eq!(plan["broadened"], "yes");
    assert_eq!(plan["access"][0]["change"], "widened");
    assert_eq!(plan["access"][0]["before"], "GET /orders/new");
    let gains = plan["widenings"].as_array().expect("a list");
    assert!(
        gains
            .iter()
            .any(|it| it["gains"][0]["action"] == "execute-api:Invoke"),
        "{gains:?}"
    );

    // Another mechanism is neither.
    folder.write(
        "provision.toml",
        &one_caller("GET /orders/new", "assume-role"),
    );
    folder
        .run("plan --sandbox")
        .ends(0)
        .says("Access changes   0 gained  0 lost  ")
        .says("  ~ roles.caller may publish to topics.events  by assume role, before by resource policy");
}

#[test]
fn what_a_stranger_put_into_our_statement_is_told_as_lost() {
    let folder = Folder::new();
    folder.write(
        "provision.toml",
        &one_caller("GET /orders/*", "resource-policy"),
    );
    folder.run("apply --sandbox --yes").ends(0);
    let world = folder.read(".provision/sandbox.json");
    let ours = r#"\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:role/provision/one/caller\"},\"Resource\":\"arn:aws:sns"#;
    assert!(world.contains(ours), "{world}");
    let theirs = r#"\"Principal\":{\"AWS\":[\"arn:aws:iam::111111111111:role/provision/one/caller\",\"444444444444\"]},\"Resource\":\"arn:aws:sns"#;
    folder.write(".provision/sandbox.json", &world.replace(ours, theirs));
    folder
        .run("plan --sandbox --fail-on broadened")
        .ends(0)
        .says("Access changes   0 gained  1 lost  broadened: no")
        .says("444444444444")
        .says("may no longer publish to topics.events");
}

#[test]
fn a_role_that_is_made_anew_gets_back_what_it_had() {
    let folder = Folder::new();
    folder.write(
        "provision.toml",
        &one_caller("GET /orders/*", "resource-policy"),
    );
    folder.run("apply --sandbox --yes").ends(0);
    let mut world: serde_json::Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let roles = world["accounts"]["111111111111"]["roles"]
        .as_object_mut()
        .expect("roles");
    let role = roles.remove("caller").expect("the role");
    let (id, arn) = (
        role["id"].as_str().expect("an id").to_owned(),
        "arn:aws:iam::111111111111:role/provision/one/caller",
    );
    let text = world.to_string().replace(arn, &id);
    folder.write(".provision/sandbox.json", &text);
    folder
        .run("plan --sandbox")
        .ends(0)
        .says("Access changes   2 gained (2 again)  0 lost  broadened: yes")
        .says(&format!(
            "! roles.caller (a 111111111111) was deleted, and is made again: its id was {id}"
        ))
        .says("+ may publish to topics.events           policy of topics.events, b 222222222222")
        .says("+ may call GET /orders/* of apis.orders  policy of apis.orders, b 222222222222");
}

const FENCED: &str = "[stack]\nname = \"one\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
     [accounts.b]\nid = \"222222222222\"\n[roles.caller]\naccount = \"a\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
     boundary = \"arn:aws:iam::111111111111:policy/fence\"\n[topics.events]\naccount = \"b\"\n\
     [[access]]\nfrom = \"roles.caller\"\nto = \"topics.events\"\n";

/// What the platform's team has made in the caller's account: a boundary that says this.
fn fence(folder: &Folder, statement: &str) {
    let mut world: serde_json::Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    world["accounts"]["111111111111"]["policies"]["fence"] = serde_json::json!({
        "arn": "arn:aws:iam::111111111111:policy/fence", "path": "/", "description": "",
        "versions": {"1": document}, "default": 1, "made": 1,
    });
    folder.write(".provision/sandbox.json", &format!("{world:#}"));
}

#[test]
fn a_boundary_that_leaves_no_room_for_an_edge_is_found_before_the_role_is_made() {
    let folder = Folder::new();
    folder.write("one.toml", FENCED);
    let unread = "the permissions boundary arn:aws:iam::111111111111:policy/fence of roles.caller is not read";
    folder.run("verify one.toml").ends(0).says(unread);
    // Somebody else's stack, so that there is an account.
    folder.write(
        "other.toml",
        "[stack]\nname = \"other\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[topics.t]\n",
    );
    folder.run("apply other.toml --sandbox --yes").ends(0);
    fence(
        &folder,
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#,
    );
    let says = "the permissions boundary arn:aws:iam::111111111111:policy/fence of roles.caller leaves no room for \
         sns:Publish on topics.events";
    folder.run("plan one.toml --sandbox").ends(3).says(says);
    folder
        .run("apply one.toml --sandbox --yes")
        .ends(3)
        .says("so it is not carried out");
    fence(
        &folder,
        r#"{"Effect":"Allow","Action":"sns:*","Resource":"*"}"#,
    );
    let applied = folder.run("apply one.toml --sandbox --yes").ends(0);
    assert!(!applied.out.contains("is not read"), "{}", applied.out);
    folder.run("verify one.toml --sandbox --live").ends(0);
    // Its owners close it later: nothing of ours has drifted, and the edge is dead.
    fence(
        &folder,
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#,
    );
    folder
        .run("verify one.toml --sandbox --live")
        .ends(3)
        .says(says);
    folder
        .run("who-can publish topics.events --stack one.toml --sandbox --live")
        .ends(0)
        .says("nobody");
}

#[test]
fn a_managed_policy_is_read_before_it_is_attached() {
    let folder = Folder::new();
    let stack = |more: &str| {
        format!(
            "[stack]\nname = \"one\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
             [topics.events]\n[roles.other]\ntrusted_by = \"lambda.amazonaws.com\"\n{more}"
        )
    };
    let fence = |deed: &str| {
        format!(r#"{{"Sid":"Work","Effect":"{deed}","Action":"sns:Publish","Resource":"*"}}"#)
    };
    folder.write("one.toml", &stack(""));
    folder.run("apply one.toml --sandbox --yes").ends(0);
    let attached = "attach = \"arn:aws:iam::111111111111:policy/fence\"\n";
    folder.write("one.toml", &stack(attached));
    folder
        .run("plan one.toml --sandbox")
        .ends(0)
        .says("broadened: unknown")
        .says("of roles.other is not read, and may allow it");
    self::fence(&folder, &fence("Deny"));
    folder
        .run("plan one.toml --sandbox --fail-on broadened")
        .ends(0)
        .says("broadened: no");
    self::fence(&folder, &fence("Allow"));
    folder
        .run("plan one.toml --sandbox")
        .ends(3)
        .says("broadened: yes")
        .says("the managed policies of roles.other let through what they did not:")
        .says("roles.other may sns:Publish on topics.events, and nobody declared it");
    // What somebody attached meanwhile is told by what it says.
    folder.write("one.toml", &stack(""));
    let name = ".provision/sandbox.json";
    let mut world: serde_json::Value = serde_json::from_str(&folder.read(name)).expect("JSON");
    let mut attach = |arn: &str| {
        let roles = &mut world["accounts"]["111111111111"]["roles"];
        roles["other"]["attached"] = serde_json::json!([arn]);
        folder.write(name, &world.to_string());
    };
    attach("arn:aws:iam::111111111111:policy/fence");
    folder
        .run("drift one.toml --sandbox")
        .ends(2)
        .says("roles.other may publish to");
    attach("arn:aws:iam::aws:policy/NobodyKnows");
    folder
        .run("drift one.toml --sandbox --json")
        .ends(2)
        .says("\"severity\": \"may_open_access\"")
        .says("the document of arn:aws:iam::aws:policy/NobodyKnows is not read");
}

#[test]
fn policies_of_awss_own_are_read_once_for_all_roles() {
    let folder = Folder::new();
    let stack = |attached: &str| {
        let attach = match attached {
            "" => String::new(),
            name => format!("attach = \"arn:aws:iam::aws:policy/{name}\"\n"),
        };
        format!(
            "[stack]\nname = \"one\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
             [accounts.b]\nid = \"222222222222\"\n[topics.events]\naccount = \"a\"\n\
             [roles.one]\naccount = \"a\"\ntrusted_by = \"lambda.amazonaws.com\"\n{attach}\
             [roles.two]\naccount = \"b\"\ntrusted_by = \"lambda.amazonaws.com\"\n{attach}"
        )
    };
    let reads = |attached: &str, code: i32| {
        folder.write("one.toml", &stack(attached));
        let plan = folder
            .run("plan one.toml --sandbox --json")
            .ends(code)
            .document();
        (
            plan["calls"]["reads"].as_u64().expect("a count"),
            plan["proof"].to_string(),
        )
    };
    let (without, proof) = reads("", 0);
    assert!(!proof.contains("not read"), "{proof}");
    let (with, proof) = reads("service-role/AWSLambdaBasicExecutionRole", 0);
    assert!(!proof.contains("not read"), "{proof}");
    assert_eq!(with, without + 2);
    let (_, proof) = reads("AdministratorAccess", 3);
    assert!(
        proof.contains("roles.one may sns:Publish on topics.events"),
        "{proof}"
    );
    assert!(
        !proof.contains("roles.two may"),
        "another account's topic says who may: {proof}"
    );
    let (_, proof) = reads("NobodyKnows", 0);
    assert!(
        proof.contains("policy/NobodyKnows of roles.one is not read, and may allow it"),
        "{proof}"
    );
}

#[test]
fn a_boundary_that_somebody_else_has_put_stays_and_counts() {
    let folder = Folder::new();
    let text = FENCED.replace(
        "boundary = \"arn:aws:iam::111111111111:policy/fence\"\n",
        "",
    );
    folder.write("one.toml", &text);
    folder.run("apply one.toml --sandbox --yes").ends(0);
    fence(
        &folder,
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#,
    );
    let name = ".provision/sandbox.json";
    let mut world: serde_json::Value = serde_json::from_str(&folder.read(name)).expect("JSON");
    world["accounts"]["111111111111"]["roles"]["caller"]["boundary"] =
        serde_json::json!("arn:aws:iam::111111111111:policy/fence");
    folder.write(name, &world.to_string());
    let says = "of roles.caller leaves no room for sns:Publish on topics.events";
    folder
        .run("verify one.toml --sandbox --live")
        .ends(3)
        .says(says);
    folder.run("plan one.toml --sandbox").ends(3).says(says);
    folder
        .run("apply one.toml --sandbox --yes")
        .ends(3)
        .says(says);
    // It is not the stack's to take away: a plan that writes the role broadens nothing.
    fence(
        &folder,
        r#"{"Effect":"Allow","Action":"sns:*","Resource":"*"}"#,
    );
    let described = text.replace(
        "[roles.caller]\n",
        "[roles.caller]\ndescription = \"new\"\n",
    );
    folder.write("one.toml", &described);
    folder
        .run("plan one.toml --sandbox --fail-on broadened")
        .ends(0)
        .says("broadened: no");
}

const MIXED: &str = r#"
openapi: 3.0.1
info: { title: mixed, version: "1" }
security: [{ users: [] }]
paths:
  /me:
    get:
      security: [{ users: [] }]
      responses: { "200": { description: ok } }
      x-amazon-apigateway-integration: { type: mock, requestTemplates: { application/json: '{"statusCode":200}' }, responses: { default: { statusCode: "200" } } }
  /mine:
    get:
      responses: { "200": { description: ok } }
      x-amazon-apigateway-integration: { type: mock, requestTemplates: { application/json: '{"statusCode":200}' }, responses: { default: { statusCode: "200" } } }
  /orders:
    get:
      security: []
      responses: { "200": { description: ok } }
      x-amazon-apigateway-integration: { type: mock, requestTemplates: { application/json: '{"statusCode":200}' }, responses: { default: { statusCode: "200" } } }
components:
  securitySchemes:
    users:
      type: apiKey
      name: Authorization
      in: header
      x-amazon-apigateway-authtype: cognito_user_pools
      x-amazon-apigateway-authorizer: { type: cognito_user_pools, providerARNs: ["arn:aws:cognito-idp:eu-west-1:111111111111:userpool/eu-west-1_Example01"] }
"#;

#[test]
fn an_authorizer_of_the_document_is_kept_where_the_stack_says_so_and_told_where_it_is_replaced() {
    let folder = Folder::new();
    folder.write("api.yaml", MIXED);
    let stack = "[stack]\nname = \"mixed\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
                 [apis.mixed]\naccount = \"a\"\nopenapi = \"api.yaml\"\n";
    folder.write("s.toml", stack);
    for command in ["validate s.toml", "plan s.toml --sandbox"] {
        folder
            .run(command)
            .ends(0)
            .tells("GET /me of apis.mixed: its document's authorizer (COGNITO_USER_POOLS) is replaced by AWS_IAM (s.toml:8)")
            .tells("GET /mine of apis.mixed: its document's authorizer")
            .tells("keep_authorizer = [\"GET /me\"]");
    }
    folder.write(
        "s.toml",
        &format!("{stack}keep_authorizer = [\"GET /me\", \"GET /mine\"]\n"),
    );
    let kept = folder.run("apply s.toml --sandbox --yes").ends(0);
    assert!(!kept.err.contains("is replaced"), "{}", kept.err);
    folder
        .run("plan s.toml --sandbox --detailed-exitcode")
        .ends(0);
    let world: serde_json::Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let apis = &world["accounts"]["111111111111"]["regions"]["eu-west-1"]["apis"];
    let api = apis
        .as_object()
        .and_then(|it| it.values().next())
        .expect("one");
    let of = |path: &str| &api["resources"][path]["methods"]["GET"]["authorization"];
    assert_eq!(of("/me"), "COGNITO_USER_POOLS");
    assert_eq!(of("/mine"), "COGNITO_USER_POOLS");
    assert_eq!(of("/orders"), "AWS_IAM");
    folder.write(
        "s.toml",
        &format!("{stack}keep_authorizer = \"GET /orders\"\n"),
    );
    folder
        .run("validate s.toml")
        .ends(1)
        .tells("names `GET /orders`, to which its document gives no Cognito or Lambda authorizer");
}

#[test]
fn a_certificate_is_checked_offline_and_one_that_was_changed_is_refused() {
    let folder = Folder::with_stacks();
    folder.run(&format!("apply {MARKETPLACE} --yes")).ends(0);
    folder
        .run(&format!(
            "verify {MARKETPLACE} --live --certificate proof.json"
        ))
        .ends(0)
        .says("Proved  ");
    // Neither the stack nor a cloud is asked.
    let elsewhere = Folder::new();
    let text = folder.read("proof.json");
    elsewhere.write("proof.json", &text);
    elsewhere
        .run("verify --check proof.json")
        .ends(0)
        .says("Accepted  ")
        .says(", 0 not proved");
    let changed = text.replacen("roles.checkout may", "roles.refunds may", 1);
    assert_ne!(changed, text);
    elsewhere.write("proof.json", &changed);
    elsewhere
        .run("verify --check proof.json")
        .ends(3)
        .says("Refused  the seal does not fit");
    // For machines too.
    let refused = elsewhere.run("verify --check proof.json --json").ends(3);
    let document: serde_json::Value = serde_json::from_str(&refused.out).expect("JSON");
    assert_eq!(document["accepted"], false);
    assert!(
        document["because"]
            .as_str()
            .is_some_and(|it| it.contains("seal"))
    );
    elsewhere.write("proof.json", &text);
    let accepted = elsewhere.run("verify --check proof.json --json").ends(0);
    let document: serde_json::Value = serde_json::from_str(&accepted.out).expect("JSON");
    assert_eq!(document["accepted"], true);
    assert!(
        document["summary"]["certified"]
            .as_u64()
            .is_some_and(|it| it > 0)
    );
    let missing = elsewhere.run("verify --check missing.json --json").ends(1);
    let document: serde_json::Value = serde_json::from_str(&missing.out).expect("JSON");
    assert_eq!(document["schema"], "provision.error/1");
    elsewhere.write("proof.json", "{");
    elsewhere
        .run("verify --check proof.json")
        .ends(3)
        .says("Refused  this is no JSON");
    elsewhere
        .run("verify --check missing.json")
        .ends(1)
        .tells("cannot read `missing.json`");
    elsewhere
        .run("verify stack.toml --check proof.json")
        .ends(1)
        .tells("cannot be used");
}

#[test]
fn what_the_files_own_policies_let_a_role_do_to_a_queue_is_the_stacks_and_refuses_its_plan() {
    let folder = Folder::new();
    let head = "[stack]\nname = \"one\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
                [queues.q]\n[roles.r]\ntrusted_by = \"lambda.amazonaws.com\"\n";
    let statement =
        r#"{ Effect = "Allow", Action = "sqs:ReceiveMessage", Resource = "${queues.q.arn}" }"#;
    let policies =
        format!("policies = {{ p = {{ Version = \"2012-10-17\", Statement = [{statement}] }} }}\n");
    let receives = "roles.r may sqs:ReceiveMessage on queues.q, and nobody declared it";
    let own = "written in the stack, or attached by it: an `[[access]]` declares it";
    folder.write("one.toml", &format!("{head}{policies}"));
    for command in [
        "verify one.toml",
        "plan one.toml --sandbox",
        "apply one.toml --sandbox --yes",
    ] {
        let said = folder.run(command).ends(3).says(receives).says(own);
        assert!(!said.out.contains("somebody else"), "{}", said.out);
    }
    // The same of a managed policy that the file attaches.
    folder.write("one.toml", head);
    folder.run("apply one.toml --sandbox --yes").ends(0);
    fence(
        &folder,
        r#"{"Effect":"Allow","Action":"sqs:ReceiveMessage","Resource":"*"}"#,
    );
    let attach = "attach = \"arn:aws:iam::111111111111:policy/fence\"\n";
    folder.write("one.toml", &format!("{head}{attach}"));
    let plan = folder.run("plan one.toml --sandbox").ends(3);
    plan.says(receives).says(own);
    // Declared, it is carried out.
    let access = "[[access]]\nfrom = \"roles.r\"\nto = \"queues.q\"\nallow = \"receive\"\n";
    for more in [attach, &*policies] {
        folder.write("one.toml", &format!("{head}{more}{access}"));
        folder.run("apply one.toml --sandbox --yes").ends(0);
        folder.run("verify one.toml --sandbox").ends(0);
    }
}

#[test]
fn a_stranger_is_let_in_by_what_is_there_and_by_nothing_made_up() {
    let folder = Folder::new();
    folder.write(
        "one.toml",
        "[stack]\nname = \"one\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
         [roles.r]\ntrusted_by = \"lambda.amazonaws.com\"\n[topics.t]\n",
    );
    folder.run("apply one.toml --sandbox --yes").ends(0);
    let name = ".provision/sandbox.json";
    let mut world: serde_json::Value = serde_json::from_str(&folder.read(name)).expect("JSON");
    let trust = &mut world["accounts"]["111111111111"]["roles"]["r"]["trust"];
    let mut document: serde_json::Value =
        serde_json::from_str(trust.as_str().expect("a policy")).expect("JSON");
    let statements = document["Statement"].as_array_mut().expect("statements");
    statements.push(serde_json::json!({
        "Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "999999999999"}, "Action": "sts:AssumeRole",
    }));
    *trust = serde_json::json!(document.to_string());
    folder.write(name, &world.to_string());
    let said = folder
        .run("verify one.toml --sandbox --live")
        .ends(3)
        .says("by the trust policy of roles.r, statement `Theirs`");
    assert!(
        !said.out.contains("a policy that allows everything"),
        "{}",
        said.out
    );
    // An account of the stack may have that id, and a policy may let it in.
    folder.write(
        "two.toml",
        "[stack]\nname = \"two\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[accounts.b]\nid = \"999999999999\"\n\
         [roles.r]\naccount = \"b\"\ntrusted_by = \"lambda.amazonaws.com\"\n[topics.t]\naccount = \"a\"\n[queues.q]\naccount = \"b\"\nsubscribe = \"t\"\n\
         [[access]]\nfrom = { account = \"b\" }\nto = \"topics.t\"\nvia = \"resource-policy\"\n",
    );
    folder
        .run("verify two.toml")
        .ends(0)
        .says("Proved  6 of 6 claims");
}
