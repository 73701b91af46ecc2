//! Checks of small stacks, for the tables of tests beside each noun.

use std::fmt::Write as _;

use super::{Faults, Source, Stack, check};

/// What every small stack begins with.
const BASE: &str = "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n";
/// One account, so that none needs to be named.
const ACCOUNT: &str = "[accounts.shop]\nid = \"111111111111\"\n";

/// Files beside the stack.
fn read(name: &str) -> Result<String, String> {
    match name {
        "policy.json" => Ok(r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#.to_owned()),
        "trust.json" => Ok(r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#.to_owned()),
        "broken.json" => Ok("{".to_owned()),
        "orders.yaml" => Ok("openapi: 3.0.1\npaths:\n  /orders/{id}:\n    get:\n      x-amazon-apigateway-integration: {type: mock}\n  /health:\n    get:\n      x-amazon-apigateway-integration: {type: mock}\n".to_owned()),
        "bare.yaml" => Ok("openapi: 3.0.1\npaths:\n  /orders:\n    get: {}\n".to_owned()),
        "authorized.yaml" => Ok("openapi: 3.0.1\ncomponents: {securitySchemes: {users: {type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: cognito_user_pools, x-amazon-apigateway-authorizer: {type: cognito_user_pools}}, tokens: {type: http, scheme: bearer, x-amazon-apigateway-authorizer: {type: token}}, typo: {type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authorizer: {type: jwt}}, bare: {type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: custom}}}\npaths:\n  /me:\n    get:\n      security: [{users: []}]\n      x-amazon-apigateway-integration: {type: mock}\n  /open:\n    get:\n      x-amazon-apigateway-integration: {type: mock}\n    put:\n      security: [{tokens: []}]\n      x-amazon-apigateway-integration: {type: mock}\n    post:\n      security: [{typo: []}]\n      x-amazon-apigateway-integration: {type: mock}\n    patch:\n      security: [{bare: []}]\n      x-amazon-apigateway-integration: {type: mock}\n    delete:\n      security: [{none: []}]\n      x-amazon-apigateway-integration: {type: mock}\n    head:\n      security: [{users: []}]\n      x-amazon-apigateway-auth: {type: NONE}\n      x-amazon-apigateway-integration: {type: mock}\n".to_owned()),
        "slow.yaml" => Ok("openapi: 3.0.1\npaths:\n  /slow:\n    get:\n      x-amazon-apigateway-integration: {type: mock, timeoutInMillis: 60000}\n".to_owned()),
        _ => Err("no such file".to_owned()),
    }
}

fn checked(text: String) -> Result<Stack, Faults> {
    let source = Source {
        name: "shop.toml".to_owned(),
        text,
    };
    check(&source, &[], &read)
}

/// The stack of a text with one account in it.
pub(super) fn stack(text: &str) -> Stack {
    match checked(format!("{BASE}{ACCOUNT}{text}")) {
        Ok(stack) => stack,
        Err(faults) => panic!("{}", faults.render(false)),
    }
}

/// The stack of a text that brings its accounts.
pub(super) fn stack_of(text: &str) -> Stack {
    match checked(format!("{BASE}{text}")) {
        Ok(stack) => stack,
        Err(faults) => panic!("{}", faults.render(false)),
    }
}

/// What is said of a text with one account in it, a fault each line.
pub(super) fn faults(text: &str) -> String {
    told(checked(format!("{BASE}{ACCOUNT}{text}")))
}

/// What is said of a text that brings its accounts.
pub(super) fn faults_of(text: &str) -> String {
    told(checked(format!("{BASE}{text}")))
}

/// What is said of a whole text.
pub(super) fn faults_in(text: &str) -> String {
    told(checked(text.to_owned()))
}

/// The words of a text, with one account in it, at which its faults are.
pub(super) fn faulty_words(text: &str) -> Vec<String> {
    let whole = format!("{BASE}{ACCOUNT}{text}");
    let Err(faults) = checked(whole.clone()) else {
        return Vec::new();
    };
    let spans = faults.iter().map(|it| it.labels[0].span);
    spans.map(|it| whole[it.start..it.end].to_owned()).collect()
}

fn told(found: Result<Stack, Faults>) -> String {
    let Err(faults) = found else {
        return "no fault\n".to_owned();
    };
    let mut text = String::new();
    for it in &faults {
        let labels: Vec<&str> = it.labels.iter().map(|it| it.text.as_str()).collect();
        let _ = write!(
            text,
            "{}: {} [{}]",
            it.code.as_str(),
            it.message,
            labels.join(" | ")
        );
        if let Some(help) = &it.help {
            let _ = write!(text, " help: {help}");
        }
        if let Some(fix) = &it.fix {
            let _ = write!(text, " {}: {}", fix.reason, fix.replacement);
        }
        text.push('\n');
    }
    text
}
