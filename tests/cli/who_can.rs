//! `who-can`: everybody who may do something, by which way.

use super::Folder;

const STACK: &str = "--stack stacks/marketplace.toml";

#[test]
fn everybody_who_may_is_named_with_the_way_and_the_statements() {
    let folder = Folder::with_stacks();
    let said = folder
        .run(&format!("who-can publish topics.order-events {STACK}"))
        .ends(0)
        .says("Who can sns:Publish on topics.order-events  by the stack\n  + roles.checkout  directly\n")
        .says("  + roles.refunds  by assuming roles.order-events-for-refunds\n")
        .says("  + ecs-tasks.amazonaws.com  by assuming roles.refunds, then roles.order-events-for-refunds\n")
        .says("by the policy of topics.order-events, statement `");
    assert!(!said.out.contains("roles.invoicer"), "{}", said.out);
    let document = folder
        .run(&format!("who-can call apis.orders --json {STACK}"))
        .ends(0)
        .document();
    assert_eq!(document["schema"], "provision.who-can/1");
    let answers = document["answers"].as_array().expect("a list");
    let of = |route: &str| {
        let answer = answers.iter().find(|it| it["route"] == route);
        answer.expect("an answer")["who"]
            .as_array()
            .expect("a list")
            .clone()
    };
    assert!(of("DELETE /orders/{id}").is_empty());
    assert!(of("GET /health").is_empty(), "it asks for a signature");
    let post = of("POST /orders");
    assert_eq!(post[0]["who"], "roles.checkout");
    assert_eq!(post[0]["request"]["action"], "execute-api:Invoke");
}

#[test]
fn what_is_there_may_let_in_more_than_the_stack_says() {
    let folder = Folder::with_stacks();
    folder
        .run("apply stacks/marketplace.toml --sandbox --yes")
        .ends(0);
    let ask = format!("who-can sns:Publish topics.order-events --sandbox {STACK}");
    let before = folder.run(&ask).ends(0).says("by what is there");
    assert!(!before.out.contains("account"), "{}", before.out);
    for (statement, says) in [
        (
            r#""Principal":{"AWS":"444444444444"}"#,
            "account 444444444444  directly: whoever its own policies let",
        ),
        (
            r#""Principal":{"AWS":"arn:aws:iam::444444444444:root"},"Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::444444444444:role/ci-*"}}"#,
            "roles ci-* of account 444444444444  directly",
        ),
        (
            r#""Principal":{"Service":"events.amazonaws.com"}"#,
            "events.amazonaws.com  directly",
        ),
        (r#""Principal":"*""#, "anyone, unsigned  directly"),
    ] {
        let statement = format!(
            r#"{{"Sid":"Theirs","Effect":"Allow","Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:333333333333:order-events",{statement}}}"#
        );
        super::proof::put_in_topic_policy(&folder, &statement);
        folder.run(&ask).ends(0).says(says);
    }
}

#[test]
fn an_unknown_name_or_action_is_met_with_a_like_one() {
    let folder = Folder::with_stacks();
    folder
        .run(&format!("who-can publsh topics.order-events {STACK}"))
        .ends(1)
        .tells("did you mean `publish`?");
    folder
        .run(&format!("who-can publish topics.order-event {STACK}"))
        .ends(1)
        .tells("did you mean `topics.order-events`?");
    folder
        .run("who-can publish topics.order-events --stack nowhere.toml")
        .ends(1)
        .tells("cannot read `nowhere.toml`");
}
