//! Guardrails: what is refused, by which code, and how it is accepted.

use super::Folder;

const HEAD: &str = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[roles.r]\ntrusted_by = \"lambda.amazonaws.com\"\n[[access]]\nfrom = \"roles.r\"\nto = \"topics.t\"\n[queues.q]\nsubscribe = \"t\"\n[topics.t]\n";

/// Puts a statement into the policy of the sandbox's topic `t` or queue `q`.
pub(super) fn tamper(folder: &Folder, statement: &str, queue: bool) {
    let name = ".provision/sandbox.json";
    let mut world: serde_json::Value = serde_json::from_str(&folder.read(name)).expect("JSON");
    let region = &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"];
    let policy = if queue {
        &mut region["queues"]["q"]["attributes"]["Policy"]
    } else {
        &mut region["topics"]["t"]["policy"]
    };
    let mut document: serde_json::Value =
        serde_json::from_str(policy.as_str().expect("a policy")).expect("JSON");
    let statement = serde_json::from_str(statement).expect("JSON");
    document["Statement"]
        .as_array_mut()
        .expect("statements")
        .push(statement);
    *policy = document.to_string().into();
    folder.write(name, &world.to_string());
}

const OPEN: &str = r#"{"Sid":"Theirs","Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:111111111111:t"}"#;

#[test]
fn a_foreign_statement_that_opens_a_topic_to_the_world_stops_everything_until_it_is_accepted() {
    let folder = Folder::new();
    folder.write("s.toml", HEAD);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    tamper(&folder, OPEN, false);
    let says = "error[PG001]: the policy of topics.t lets anyone use sns:Publish, under no condition that binds who asks";
    folder
        .run("plan s.toml --sandbox")
        .ends(3)
        .says(says)
        .says("put there by somebody else")
        .tells("PG001 of topics.t keeps this from being applied; nothing was changed");
    // A change of the stack's own is held back, too.
    folder.write("s.toml", &format!("{HEAD}display_name = \"T\"\n"));
    let before = folder.read(".provision/sandbox.json");
    folder
        .run("apply s.toml --sandbox --yes")
        .ends(3)
        .says(says);
    let plan = folder
        .run("apply s.toml --sandbox --yes --json")
        .ends(3)
        .document();
    let finding = &plan["guardrails"]["findings"][0];
    assert_eq!(finding["code"], "PG001");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["origin"], "foreign");
    assert_eq!(finding["accepted"], serde_json::Value::Null);
    let after = folder.read(".provision/sandbox.json");
    let topics = |text: &str| -> serde_json::Value {
        let world: serde_json::Value = serde_json::from_str(text).expect("JSON");
        world["accounts"]["111111111111"]["regions"]["eu-west-1"]["topics"].clone()
    };
    assert_eq!(topics(&before), topics(&after), "nothing is changed");
    folder
        .run("verify s.toml --sandbox")
        .ends(3)
        .says("error[PG001]");
    folder.run("validate s.toml").ends(0);
    folder.write(
        "s.toml",
        &format!("{HEAD}display_name = \"T\"\naccept = {{ PG001 = \"a public feed\" }}\n"),
    );
    folder
        .run("apply s.toml --sandbox --yes")
        .ends(0)
        .says("accepted[PG001]: the policy of topics.t")
        .says("because: a public feed");
}

#[test]
fn an_acceptance_that_nothing_needs_is_told() {
    let folder = Folder::new();
    folder.write(
        "s.toml",
        &format!("{HEAD}accept = {{ PG004 = \"once\" }}\n"),
    );
    folder
        .run("plan s.toml --sandbox")
        .ends(0)
        .says("topics.t accepts PG004, and nothing there goes over it: take it out");
    let plan = folder
        .run("plan s.toml --sandbox --json")
        .ends(0)
        .document();
    assert_eq!(plan["guardrails"]["unneeded"][0]["code"], "PG004");
    // Without a cloud nobody knows: it may be for what others have put there.
    let said = folder.run("validate s.toml --json").ends(0).document();
    assert_eq!(said["guardrails"]["unneeded"], serde_json::json!([]));
}

#[test]
fn a_queue_that_takes_messages_on_behalf_of_anybody_is_refused() {
    let folder = Folder::new();
    folder.write("s.toml", HEAD);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    let deputy = r#"{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-west-1:111111111111:q"}"#;
    tamper(&folder, deputy, true);
    folder
        .run("plan s.toml --sandbox")
        .ends(3)
        .says("error[PG005]: the policy of queues.q lets sns.amazonaws.com use sqs:SendMessage on behalf of any account, without `aws:SourceArn`");
    // What the stack takes out is judged as it will stand: gone.
    folder.write(
        "s.toml",
        &HEAD.replace(
            "subscribe = \"t\"\n",
            "subscribe = \"t\"\nexclusive = true\n",
        ),
    );
    folder.run("apply s.toml --sandbox --yes").ends(0);
}

#[test]
fn what_the_author_writes_is_judged_without_a_cloud() {
    let folder = Folder::new();
    folder.write(
        "s.toml",
        &HEAD.replace(
            "trusted_by = \"lambda.amazonaws.com\"\n",
            "trusted_by = { account = \"222222222222\" }\npolicies.p = { Statement = [{ Effect = \"Allow\", Action = \"sns:Publsh\", Resource = \"arn:aws:sns:*:*:t\" }] }\n",
        ),
    );
    folder
        .run("validate s.toml")
        .ends(0)
        .says("warning[PG008]: the trust policy of roles.r lets the whole account 222222222222 use sts:AssumeRole")
        .says("is `sns:Publish` meant?")
        .says("warning[PG003]");
}

#[test]
fn a_policy_in_the_authors_openapi_document_is_judged_and_a_public_route_is_not() {
    let folder = Folder::new();
    let api = |policy: &str| {
        format!(
            "openapi: 3.0.1\n{policy}paths:\n  /a:\n    get:\n      x-amazon-apigateway-integration: {{type: mock}}\n  /open:\n    get:\n      x-amazon-apigateway-integration: {{type: mock}}\n"
        )
    };
    folder.write(
        "s.toml",
        "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[apis.a]\nopenapi = \"a.yaml\"\npublic = [\"GET /open\"]\n",
    );
    folder.write("a.yaml", &api(""));
    folder.run("validate s.toml").ends(0);
    let open = "x-amazon-apigateway-policy: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Principal: \"*\", Action: \"execute-api:Invoke\", Resource: \"execute-api:/*\"}]}\n";
    folder.write("a.yaml", &api(open));
    folder
        .run("validate s.toml")
        .ends(3)
        .says("error[PG001]: the policy of apis.a lets anyone use execute-api:Invoke")
        .says("written in the stack");
}

#[test]
fn a_private_api_with_endpoints_stands_open_to_no_other_vpc() {
    let folder = Folder::new();
    let api = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[roles.r]\ntrusted_by = \"lambda.amazonaws.com\"\n[[access]]\nfrom = \"roles.r\"\nto = \"apis.a\"\nallow = [\"GET /x\"]\n[apis.a]\nroutes = { \"GET /x\" = { mock = 200 } }\nendpoint = \"private\"\n";
    folder.write(
        "s.toml",
        &format!("{api}vpc_endpoints = [\"vpce-0123456789abcdef0\"]\n"),
    );
    let said = folder.run("validate s.toml --json").ends(0).document();
    assert_eq!(said["guardrails"]["findings"], serde_json::json!([]));
}

#[test]
fn an_organization_lets_in_the_own_account_whole_which_is_told() {
    let folder = Folder::new();
    let stack = |accept: &str, via: &str| {
        format!(
            "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
             [keys.k]\nexisting = \"arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab\"\n{accept}\
             [topics.t]\nkms_key = \"keys.k\"\n{accept}\
             [[access]]\nfrom = {{ org = \"o-abcdefghij\" }}\nto = \"topics.t\"\nvia = \"{via}\"\n"
        )
    };
    folder.write("s.toml", &stack("", "resource-policy"));
    let says = "lets every role and user of its own account 111111111111 use";
    folder
        .run("validate s.toml")
        .ends(0)
        .says(&format!(
            "warning[PG011]: the policy of topics.t {says} sns:Publish, without a policy of theirs"
        ))
        .says(&format!("warning[PG011]: the policy of keys.k {says} kms:"));
    folder.write("s.toml", &stack("", "assume-role"));
    folder.run("validate s.toml").ends(0).says(&format!(
        "warning[PG011]: the trust policy of roles.t-for-o-abcdefghij {says} sts:AssumeRole"
    ));
    let accepted = stack(
        "accept = { PG011 = \"it is all ours\" }\n",
        "resource-policy",
    );
    folder.write("s.toml", &accepted);
    let ran = folder
        .run("validate s.toml")
        .ends(0)
        .says("accepted[PG011]: the policy of topics.t");
    assert!(!ran.out.contains("warning[PG011]"), "{}", ran.out);
}

#[test]
fn a_code_is_explained_and_a_like_one_is_offered() {
    let folder = Folder::new();
    folder
        .run("explain")
        .ends(0)
        .says("PG001   anyone is let in")
        .says("E0401")
        .says("PD004");
    folder.run("explain pg005").ends(0).says("aws:SourceArn");
    folder
        .run("explain PG01")
        .ends(1)
        .tells("nothing printed here has the code `PG01`: did you mean `PG010`?");
    let read = folder.run("explain E0201 --json").ends(0).document();
    assert_eq!(read["schema"], "provision.explain/1");
    assert_eq!(read["code"], "E0201");
}

#[test]
fn nobody_is_onboarded_over_a_guardrail() {
    let folder = Folder::new();
    folder.write("s.toml", HEAD);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    tamper(&folder, OPEN, false);
    folder
        .run("onboard s.toml --sandbox --consumer x --account a --trusted-by lambda.amazonaws.com --publishes t --yes")
        .ends(3)
        .says("error[PG001]: the policy of topics.t")
        .tells("`s.toml` is as it was");
    assert_eq!(folder.read("s.toml"), HEAD);
}

#[test]
fn what_others_put_on_something_that_goes_stands_under_its_step() {
    let folder = Folder::new();
    folder.write("s.toml", HEAD);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    let theirs = OPEN.replace("\"*\",\"Action\"", "{\"AWS\":\"111111111111\"},\"Action\"");
    tamper(&folder, &theirs, false);
    let without = HEAD
        .replace("[[access]]\nfrom = \"roles.r\"\nto = \"topics.t\"\n", "")
        .replace("[queues.q]\nsubscribe = \"t\"\n[topics.t]\n", "");
    folder.write("s.toml", &without);
    folder
        .run("plan s.toml --sandbox")
        .ends(0)
        .says("\n      ! statement `Theirs`: allow 111111111111 sns:Publish");
}
