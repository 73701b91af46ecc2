//! What an element of a policy may reach, by whatever spelling: no proof holds over a role that it lets in.

use serde_json::{Value, json};

use super::Folder;

const WORLD: &str = ".provision/sandbox.json";

const STACK: &str = r#"
[stack]
name   = "shop"
region = "eu-west-1"
[accounts.events]
id = "111111111111"
[topics.orders]
[queues.inbox]
[apis.desk]
routes = { "GET /x" = { mock = 200 } }
[roles.maker]
trusted_by = "lambda.amazonaws.com"
[roles.stray]
trusted_by = "lambda.amazonaws.com"
"#;

const VERIFY: &str = "verify shop.toml --sandbox --live";

/// Gives a role a policy by hand that allows this.
fn allow(folder: &Folder, clean: &Value, statement: &Value) {
    let mut world = clean.clone();
    let role = &mut world["accounts"]["111111111111"]["roles"]["stray"];
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
    role["inline"]["byhand"] = json!(policy.to_string());
    folder.write(WORLD, &world.to_string());
}

#[test]
fn no_claim_holds_over_a_role_whose_policy_reaches_a_resource_by_another_spelling() {
    let folder = Folder::new();
    folder.write("shop.toml", STACK);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    let clean: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    folder.run(VERIFY).ends(0).says("Proved  9 of 9 claims");
    for (action, thing, elements) in [
        (
            "sns:Publish",
            "topics.orders",
            &[
                "arn:aws:sns",
                "arn:aws:sns:eu-west-1",
                "arn:aws:sns:eu-west-?:111111111111",
                "arn:aws:sns:*:orders",
                "arn:*:sns:eu-west-1:*:order?",
                "arn:aws:sns:eu-west-1:111111111111:${aws:PrincipalTag/topic}",
                "arn:aws:sns:${aws:RequestedRegion, 'eu-west-1'}",
            ][..],
        ),
        (
            "SQS:sendmessage",
            "queues.inbox",
            &["arn:aws:sqs", "arn:aws:sqs:eu-west-1:111111111111"],
        ),
        ("sqs:SetQueueAttribute?", "queues.inbox", &["arn:aws:sqs"]),
        (
            "execute-api:Invoke",
            "apis.desk",
            &[
                "arn:aws:execute-api",
                "arn:aws:execute-api:eu-west-1:111111111111",
                "arn:aws:execute-api:eu-west-1:111111111111:${aws:PrincipalTag/api}/*",
            ],
        ),
        (
            "apigateway:PATCH",
            "apis.desk",
            &["arn:aws:apigateway", "arn:aws:apigateway:eu-west-1"],
        ),
        (
            "iam:PassRole",
            "roles.maker",
            &["arn:aws:iam", "arn:aws:iam::111111111111"],
        ),
        (
            "iam:UpdateAssumeRolePolicy",
            "roles.maker",
            &["arn:aws:iam::111111111111"],
        ),
    ] {
        for element in elements {
            let statement = json!({"Effect": "Allow", "Action": action, "Resource": element});
            allow(&folder, &clean, &statement);
            let ran = folder.run(VERIFY);
            let proved = ran.out.contains("Proved  9 of 9 claims");
            assert!(!proved, "{action} on {element}: {}", ran.out);
            let asked = action.replace('?', "s");
            let who = format!("who-can {asked} {thing} --stack shop.toml --sandbox --live");
            assert!(
                folder.run(&who).out.contains("roles.stray"),
                "{who}: {element}"
            );
        }
    }
    for element in ["NotResource", "NotAction"] {
        let mut statement =
            json!({"Effect": "Allow", "Action": "sns:Publish", "Resource": "arn:aws:sns"});
        let fields = statement.as_object_mut().expect("fields");
        fields.remove(element.trim_start_matches("Not"));
        fields.insert(
            element.to_owned(),
            json!(if element == "NotAction" {
                "sqs:*"
            } else {
                "arn:aws:sqs"
            }),
        );
        allow(&folder, &clean, &statement);
        folder
            .run(VERIFY)
            .ends(3)
            .says("roles.stray may sns:Publish on topics.orders");
    }
}

#[test]
fn a_never_and_a_certificate_see_a_short_arn() {
    let folder = Folder::new();
    let never = "[[never]]\nwho = \"roles.stray\"\nto = \"topics.orders\"\ndo = \"publish\"\nreason = \"not theirs\"\n";
    folder.write("shop.toml", &format!("{STACK}{never}"));
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    let clean: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    let statement = json!({"Effect": "Allow", "Action": "sns:Publish", "Resource": "arn:aws:sns"});
    allow(&folder, &clean, &statement);
    folder
        .run(&format!("{VERIFY} --certificate c.json"))
        .ends(3)
        .says("never may: not theirs")
        .says("Failed nobody else may publish to topics.orders");
    let made: Value = serde_json::from_str(&folder.read("c.json")).expect("JSON");
    let claims = made["claims"].as_array().expect("claims").iter();
    let failed = claims.filter(|it| it["verdict"] == "failed");
    assert_eq!(failed.count(), 2, "{made:#}");
}
