//! What AWS takes and the author should know of is a warning at its place; it keeps nothing from being applied.

use serde_json::Value;

use super::Folder;

const BASE: &str =
    "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n\n[accounts.a]\nid = \"111111111111\"\n";

fn trust(service: &str, condition: &str) -> String {
    format!(
        "[roles.r]\ntrust_policy = {{ Version = \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Principal = {{ Service = \"{service}\" }}, Action = \"sts:AssumeRole\"{condition} }}] }}\n"
    )
}

/// Validates and plans a stack: both warn in these words, and the warning stands at this line.
fn warns(stack: &str, line: u64, words: &[&str]) {
    let folder = Folder::new();
    folder.write("s.toml", &format!("{BASE}{stack}"));
    let mut ran = folder.run("validate s.toml").ends(0);
    ran = ran
        .tells("warning[E0302]")
        .tells(&format!("s.toml:{line}:"));
    for it in words {
        ran = ran.tells(it);
        folder.run("plan s.toml --sandbox").tells(it);
    }
    let json = folder.run("validate s.toml --json").ends(0);
    let document: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(document["warnings"][0]["line"], line, "{document:#}");
}

fn is_silent(stack: &str) {
    let folder = Folder::new();
    folder.write("s.toml", &format!("{BASE}{stack}"));
    let ran = folder.run("validate s.toml").ends(0);
    assert!(!ran.err.contains("warning"), "{}", ran.err);
}

#[test]
fn a_trust_policy_that_gives_its_service_no_credentials() {
    warns(
        &trust("pods.eks.amazonaws.com", ""),
        8,
        &[
            "`pods.eks.amazonaws.com` cannot get credentials of role `r`",
            "sts:TagSession",
        ],
    );
    warns(
        &trust("rolesanywhere.amazonaws.com", ""),
        8,
        &["sts:SetSourceIdentity and sts:TagSession"],
    );
    warns(
        &trust(
            "lambda.amazonaws.com",
            ", Condition = { StringEquals = { \"aws:PrincipalOrgID\" = \"o-a1b2c3d4e5\" } }",
        ),
        8,
        &["a condition on aws:PrincipalOrgID, which services do not send"],
    );
    warns(
        &trust(
            "lambda.amazonaws.com",
            ", Condition = { StringEquals = { \"sts:ExternalId\" = \"x\" } }",
        ),
        8,
        &["only under a condition on sts:ExternalId"],
    );
    is_silent(&trust("lambda.amazonaws.com", ""));
    is_silent("[roles.r]\ntrusted_by = \"pods.eks.amazonaws.com\"\n");
}

#[test]
fn a_role_that_does_not_trust_the_service_that_is_to_work_under_it() {
    let role = "[roles.c]\ntrusted_by = \"lambda.amazonaws.com\"\n";
    for field in ["sqs_success_feedback_role", "http_failure_feedback_role"] {
        warns(
            &format!("[topics.t]\n{field} = \"c\"\n{role}"),
            8,
            &["role `c` does not trust `sns.amazonaws.com`"],
        );
    }
    warns(
        &format!(
            "{role}[apis.x]\ncredentials = \"c\"\nroutes = {{ \"POST /x\" = {{ sqs = \"q\" }} }}\n[queues.q]\n"
        ),
        10,
        &["role `c` does not trust `apigateway.amazonaws.com`"],
    );
    let right = role.replace("lambda", "sns");
    is_silent(&format!(
        "[topics.t]\nsqs_success_feedback_role = \"c\"\n{right}"
    ));
    is_silent(
        "[topics.t]\nsqs_success_feedback_role = \"c\"\n[roles.c]\nexisting = \"arn:aws:iam::111111111111:role/c\"\n",
    );
}

#[test]
fn a_text_that_velocity_would_evaluate_is_answered_as_it_is() {
    let folder = Folder::new();
    let stack = |body: &str| {
        format!(
            "{BASE}[apis.x.routes]\n\"GET /x\" = {{ mock = {{ status = 200, body = {body} }} }}\n"
        )
    };
    folder.write("s.toml", &stack("\"$input.x costs $5 #if(true)\""));
    folder.run("apply s.toml --sandbox --yes").ends(0);
    let world = folder.read(".provision/sandbox.json");
    assert!(
        world.contains("${dollar}input.x costs ${dollar}5 ${hash}if(true)"),
        "{world}"
    );
    assert!(!world.contains("$input.x"), "{world}");
    folder
        .run("plan s.toml --sandbox --detailed-exitcode")
        .ends(0);
    folder
        .run("import --stack shop --region eu-west-1 --sandbox --out found.toml --account a=111111111111")
        .ends(0);
    assert!(
        folder
            .read("found.toml")
            .contains("\"$input.x costs $5 #if(true)\"")
    );
    // A template that somebody else wrote is no text, and not taken for one.
    folder.write(
        ".provision/sandbox.json",
        &world.replace("#set($dollar = '$')", "$context.requestId"),
    );
    folder
        .run("import --stack shop --region eu-west-1 --sandbox --out other.toml --account a=111111111111")
        .ends(0);
    assert!(!folder.read("other.toml").contains("requestId"));
    folder.write("s.toml", &stack("'a\\$input.x'"));
    folder
        .run("validate s.toml")
        .ends(1)
        .tells("a backslash before `$` or `#`");
}

#[test]
fn a_throttle_that_lets_nothing_through() {
    let of = |stage: &str| {
        format!("[apis.o]\nstage = {{ {stage} }}\nroutes = {{ \"GET /x\" = {{ mock = 200 }} }}\n")
    };
    for stage in ["rate = 0", "rate = 0.0", "rate = 5, burst = 0"] {
        let folder = Folder::new();
        folder.write("s.toml", &format!("{BASE}{}", of(stage)));
        folder
            .run("validate s.toml")
            .ends(0)
            .tells("warning[E0104]")
            .tells("lets no call through")
            .tells("each call gets status 429");
    }
    is_silent(&of("rate = 0.1, burst = 1"));
}
