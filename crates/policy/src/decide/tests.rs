//! AWS's rules of evaluation, a sentence each.

use super::super::request::Who;
use super::*;

const A: &str = "111111111111";
const ROLE: &str = "arn:aws:iam::111111111111:role/team/caller";
const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/caller/s1";
const USER: &str = "arn:aws:iam::111111111111:user/ann";
const NEAR: &str = "arn:aws:sns:eu-west-1:111111111111:orders";
const FAR: &str = "arn:aws:sns:eu-west-1:222222222222:orders";
const API: &str = "arn:aws:execute-api:eu-west-1:111111111111:abc/prod/GET/orders";
const FAR_API: &str = "arn:aws:execute-api:eu-west-1:222222222222:abc/prod/GET/orders";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:222222222222:inbox";
const TRUST: &str = "arn:aws:iam::111111111111:role/target";
const FAR_TRUST: &str = "arn:aws:iam::222222222222:role/target";

/// Statements in JSON made a document.
fn document(statements: &str) -> Document {
    Document::parse(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#
    ))
    .expect("a policy")
}

/// A statement that allows everything, with these further fields.
fn allow(fields: &str) -> Document {
    statement("Allow", fields)
}

fn deny(fields: &str) -> Document {
    statement("Deny", fields)
}

fn statement(effect: &str, fields: &str) -> Document {
    let mut text = format!(r#""Effect":"{effect}""#);
    for (name, default) in [("Action", "*"), ("Resource", "*")] {
        if !fields.contains(&format!(r#"{name}":"#)) {
            text = format!(r#"{text},"{name}":"{default}""#);
        }
    }
    if !fields.is_empty() {
        text.push(',');
        text.push_str(fields);
    }
    document(&format!("{{{text}}}"))
}

/// A resource policy that lets these principals of type `AWS` in.
fn lets(principal: &str) -> Document {
    allow(&format!(r#""Principal":{{"AWS":"{principal}"}}"#))
}

fn publish(who: &str, topic: &str) -> Request {
    Request::new(Who::of(who), "sns:Publish", topic)
}

fn is(expected: Decision, request: &Request, policies: &Policies) -> Vec<String> {
    let verdict = decide(request, policies);
    assert_eq!(verdict.decision, expected, "{request:?} {verdict:?}");
    assert!(!verdict.because.is_empty(), "no reason: {request:?}");
    let mut once = verdict.because.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), verdict.because.len(), "{:?}", verdict.because);
    verdict.because
}

fn identity(document: Document) -> Policies {
    Policies {
        identity: vec![document],
        ..Policies::default()
    }
}

fn resource(document: Document) -> Policies {
    Policies {
        resource: Some(document),
        ..Policies::default()
    }
}

fn both(own: Document, other: Document) -> Policies {
    Policies {
        identity: vec![own],
        resource: Some(other),
        ..Policies::default()
    }
}

use Decision::{Allow, Deny, Unproven};

#[test]
fn nothing_is_allowed_that_no_policy_allows() {
    let because = is(Deny, &publish(ROLE, NEAR), &Policies::default());
    assert!(because.iter().any(|it| it.contains("no identity policy")));
    is(
        Deny,
        &publish(ROLE, NEAR),
        &identity(allow(r#""Action":"sns:Subscribe""#)),
    );
}

#[test]
fn in_one_account_the_principals_own_policy_is_enough() {
    let because = is(
        Allow,
        &publish(ROLE, NEAR),
        &identity(allow(r#""Sid":"Pub","Action":"SNS:pub*""#)),
    );
    assert_eq!(because, ["identity policy, statement `Pub`, allows it"]);
}

#[test]
fn in_one_account_a_resource_policy_that_names_the_role_is_enough() {
    for who in [ROLE, SESSION] {
        is(Allow, &publish(who, NEAR), &resource(lets(ROLE)));
    }
    is(Allow, &publish(SESSION, NEAR), &resource(lets(SESSION)));
    is(Allow, &publish(USER, NEAR), &resource(lets(USER)));
    is(Allow, &publish(ROLE, NEAR), &resource(lets("*")));
}

#[test]
fn the_accounts_root_in_a_resource_policy_delegates_and_does_not_give() {
    for root in [A, "arn:aws:iam::111111111111:root"] {
        is(Deny, &publish(ROLE, NEAR), &resource(lets(root)));
        is(Allow, &publish(ROLE, NEAR), &both(allow(""), lets(root)));
        is(Deny, &publish(ROLE, FAR), &resource(lets(root)));
        is(Allow, &publish(ROLE, FAR), &both(allow(""), lets(root)));
    }
}

#[test]
fn across_accounts_both_sides_must_allow() {
    is(Deny, &publish(ROLE, FAR), &identity(allow("")));
    is(Deny, &publish(ROLE, FAR), &resource(lets(ROLE)));
    is(Deny, &publish(ROLE, FAR), &resource(lets("*")));
    for name in [ROLE, A, "*"] {
        is(Allow, &publish(ROLE, FAR), &both(allow(""), lets(name)));
    }
    is(
        Deny,
        &publish(ROLE, FAR),
        &both(allow(""), lets("arn:aws:iam::111111111111:role/other")),
    );
    let because = is(Allow, &publish(ROLE, FAR), &both(allow(""), lets(A)));
    assert_eq!(because.len(), 2);
}

#[test]
fn a_denial_anywhere_wins() {
    let open = both(allow(""), lets(ROLE));
    let request = publish(ROLE, NEAR);
    is(Allow, &request, &open);
    let no = deny(r#""Sid":"No""#);
    let no_principal = deny(r#""Sid":"No","Principal":"*""#);
    let mut own = open.clone();
    own.identity.push(no.clone());
    let mut resource = open.clone();
    resource
        .resource
        .as_mut()
        .expect("there is one")
        .statements
        .extend(no_principal.statements.clone());
    let full = vec![allow("")];
    for refused in [
        own,
        resource,
        Policies {
            boundary: Some(no.clone()),
            ..open.clone()
        },
        Policies {
            session: Some(no.clone()),
            ..open.clone()
        },
        Policies {
            scps: vec![full.clone(), vec![allow(""), no.clone()]],
            ..open.clone()
        },
    ] {
        let because = is(Deny, &request, &refused);
        assert!(
            because[0].contains("statement `No`, denies it"),
            "{because:?}"
        );
    }
}

#[test]
fn a_boundary_and_a_session_policy_cut_what_identity_policies_give() {
    let request = publish(ROLE, NEAR);
    let other = allow(r#""Action":"sqs:*""#);
    let open = identity(allow(""));
    for (boundary, session, expected) in [
        (Some(allow("")), Some(allow("")), Allow),
        (Some(other.clone()), None, Deny),
        (None, Some(other.clone()), Deny),
    ] {
        let policies = Policies {
            boundary,
            session,
            ..open.clone()
        };
        is(expected, &request, &policies);
    }
    let boundary_alone = Policies {
        boundary: Some(allow("")),
        ..Policies::default()
    };
    is(Deny, &request, &boundary_alone);
}

#[test]
fn a_grant_to_a_role_is_cut_by_boundary_and_session_and_one_to_a_session_or_everyone_is_not() {
    let narrow = allow(r#""Action":"sqs:*""#);
    let under = |policy: Document, boundary: bool| Policies {
        boundary: boundary.then(|| narrow.clone()),
        session: (!boundary).then(|| narrow.clone()),
        ..resource(policy)
    };
    for boundary in [true, false] {
        is(Deny, &publish(SESSION, NEAR), &under(lets(ROLE), boundary));
        is(
            Allow,
            &publish(SESSION, NEAR),
            &under(lets(SESSION), boundary),
        );
        is(Allow, &publish(USER, NEAR), &under(lets(USER), boundary));
        let prefix = allow(
            r#""Principal":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/team/*"}}"#,
        );
        is(Allow, &publish(ROLE, NEAR), &under(prefix, boundary));
    }
}

#[test]
fn across_accounts_a_boundary_cuts_whatever_the_resource_policy_names() {
    for name in [SESSION, ROLE, A, "*"] {
        let policies = Policies {
            boundary: Some(allow(r#""Action":"sqs:*""#)),
            ..both(allow(""), lets(name))
        };
        is(Deny, &publish(SESSION, FAR), &policies);
    }
}

#[test]
fn every_level_of_service_control_policies_must_allow() {
    let request = publish(ROLE, NEAR);
    let with = |scps| Policies {
        scps,
        ..both(allow(""), lets(SESSION))
    };
    let full = || vec![allow("")];
    is(Allow, &request, &with(vec![full(), full()]));
    is(
        Allow,
        &request,
        &with(vec![
            full(),
            vec![allow(r#""Action":"sqs:*""#), allow(r#""Action":"sns:*""#)],
        ]),
    );
    let because = is(
        Deny,
        &request,
        &with(vec![full(), vec![allow(r#""Action":"sqs:*""#)]]),
    );
    assert_eq!(because, ["no service control policy at level 2 allows it"]);
    is(Deny, &request, &with(vec![full(), Vec::new()]));
}

#[test]
fn service_control_policies_bind_neither_services_nor_their_own_roles() {
    let none = vec![vec![deny("")]];
    let queue = Request::new(Who::of("sns.amazonaws.com"), "sqs:SendMessage", QUEUE);
    let policies = Policies {
        scps: none.clone(),
        ..resource(allow(r#""Principal":{"Service":"sns.amazonaws.com"}"#))
    };
    is(Allow, &queue, &policies);
    let linked = "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/R";
    let policies = Policies {
        scps: none,
        ..identity(allow(""))
    };
    is(Allow, &publish(linked, NEAR), &policies);
    is(Deny, &publish(ROLE, NEAR), &policies);
}

#[test]
fn resource_control_policies_that_only_deny_leave_the_rest_allowed() {
    let queue = "arn:aws:sqs:eu-west-1:111111111111:inbox";
    let send = Request::new(Who::of(ROLE), "sqs:SendMessage", queue);
    let with = |rcps| Policies {
        rcps,
        ..identity(allow(""))
    };
    let other = deny(r#""Principal":"*","Action":"kms:*""#);
    let full = allow(r#""Principal":"*""#);
    is(Allow, &send, &with(vec![vec![other.clone()]]));
    is(Allow, &send, &with(vec![vec![full], vec![other]]));
    let kms_only = allow(r#""Principal":"*","Action":"kms:*""#);
    is(Deny, &send, &with(vec![vec![kms_only]]));
}

/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>
#[test]
fn resource_control_policies_bind_neither_all_services_nor_the_services_own_roles() {
    let no = vec![vec![deny(r#""Sid":"No","Principal":"*""#)]];
    let with = |own: Policies| Policies {
        rcps: no.clone(),
        ..own
    };
    let queue = "arn:aws:sqs:eu-west-1:111111111111:inbox";
    let send = |who: &str| Request::new(Who::of(who), "sqs:SendMessage", queue);
    let because = is(Deny, &send(ROLE), &with(identity(allow(""))));
    assert!(because[0].contains("statement `No`, denies it"));
    is(Deny, &send(A), &with(identity(allow(""))));
    is(Allow, &publish(ROLE, NEAR), &with(identity(allow(""))));
    let linked = "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/R";
    is(Allow, &send(linked), &with(identity(allow(""))));
    let session = send("arn:aws:sts::111111111111:assumed-role/R/s");
    is(Deny, &session, &with(identity(allow(""))));
    let session = session.with("aws:PrincipalArn", [linked]);
    is(Allow, &session, &with(identity(allow(""))));
}

#[test]
fn a_service_is_let_in_by_the_resource_policy_alone() {
    let send = Request::new(Who::of("sns.amazonaws.com"), "sqs:SendMessage", QUEUE);
    let from = |topic: &str| send.clone().with("aws:SourceArn", [topic]);
    let policies = resource(allow(&format!(
        r#""Principal":{{"Service":"sns.amazonaws.com"}},"Action":"sqs:SendMessage","Condition":{{"ArnEquals":{{"aws:SourceArn":"{FAR}"}}}}"#
    )));
    is(Allow, &from(FAR), &policies);
    is(Deny, &from(NEAR), &policies);
    is(Deny, &send, &policies);
    is(Deny, &from(FAR), &identity(allow("")));
    let mut other = from(FAR);
    other.principal = Who::of("s3.amazonaws.com");
    is(Deny, &other, &policies);
    let mut role = from(FAR);
    role.principal = Who::of(ROLE);
    is(Deny, &role, &policies);
}

#[test]
fn everyone_includes_services_and_strangers() {
    let policies = resource(allow(r#""Principal":{"AWS":"*"}"#));
    is(Allow, &publish("s3.amazonaws.com", NEAR), &policies);
    let mut stranger = publish(ROLE, NEAR);
    stranger.principal = Who::Anonymous;
    is(Allow, &stranger, &policies);
    is(Deny, &stranger, &resource(lets(A)));
    is(Deny, &stranger, &identity(allow("")));
}

#[test]
fn an_absent_principal_is_nobody() {
    is(Deny, &publish(ROLE, NEAR), &resource(allow("")));
    let mut stranger = publish(ROLE, NEAR);
    stranger.principal = Who::Anonymous;
    is(Deny, &stranger, &resource(allow("")));
}

#[test]
fn a_deleted_role_is_nobody_and_a_wildcard_in_a_principal_is_a_letter() {
    is(
        Deny,
        &publish(ROLE, NEAR),
        &resource(lets("AROAEXAMPLEEXAMPLE123")),
    );
    is(
        Deny,
        &publish(ROLE, NEAR),
        &resource(lets("arn:aws:iam::111111111111:role/team/*")),
    );
    is(
        Deny,
        &publish(ROLE, NEAR),
        &resource(lets("arn:aws:iam::111111111111:role/team/CALLER")),
    );
}

#[test]
fn a_not_principal_is_never_judged() {
    let text = r#""NotPrincipal":{"AWS":"arn:aws:iam::111111111111:role/x"}"#;
    is(Unproven, &publish(ROLE, NEAR), &resource(allow(text)));
    is(Unproven, &publish(ROLE, NEAR), &both(allow(""), deny(text)));
    let because = is(Unproven, &publish(ROLE, FAR), &both(allow(""), allow(text)));
    assert!(because[0].contains("NotPrincipal"), "{because:?}");
    // It matters only where it would speak of the request.
    let elsewhere = format!(r#"{text},"Action":"sqs:*""#);
    is(
        Allow,
        &publish(ROLE, NEAR),
        &both(allow(""), deny(&elsewhere)),
    );
}

#[test]
fn one_session_of_a_role_is_not_the_role() {
    is(Unproven, &publish(ROLE, NEAR), &resource(lets(SESSION)));
    is(
        Deny,
        &publish("arn:aws:sts::111111111111:assumed-role/caller/s2", NEAR),
        &resource(lets(SESSION)),
    );
    // Another role's session, or one of another account or partition, is not even that.
    for other in [
        "arn:aws:sts::111111111111:assumed-role/other/s1",
        "arn:aws:sts::222222222222:assumed-role/caller/s1",
        "arn:aws-cn:sts::111111111111:assumed-role/caller/s1",
    ] {
        is(Deny, &publish(ROLE, NEAR), &resource(lets(other)));
    }
    for other in [
        "arn:aws:iam::222222222222:role/team/caller",
        "arn:aws-cn:iam::111111111111:role/team/caller",
        "arn:aws:iam::111111111111:role/caller/other",
    ] {
        is(Deny, &publish(SESSION, NEAR), &resource(lets(other)));
    }
    let why = is(Unproven, &publish(ROLE, NEAR), &resource(lets(SESSION)));
    assert!(why[0].ends_with(&format!("it names one session of {ROLE}")));
    // A session is its role, whatever the role's path.
    is(Allow, &publish(SESSION, NEAR), &resource(lets(ROLE)));
    let told = publish(SESSION, NEAR).with(
        "aws:PrincipalArn",
        ["arn:aws:iam::111111111111:role/old/caller"],
    );
    is(Deny, &told, &resource(lets(ROLE)));
}

#[test]
fn the_root_user_needs_no_identity_policy_and_obeys_denials_and_organizations() {
    let root = "arn:aws:iam::111111111111:root";
    is(Allow, &publish(root, NEAR), &Policies::default());
    is(Deny, &publish(root, FAR), &Policies::default());
    is(Allow, &publish(root, FAR), &resource(lets(A)));
    is(
        Deny,
        &publish(root, NEAR),
        &resource(deny(r#""Principal":"*""#)),
    );
    let capped = Policies {
        scps: vec![vec![allow(r#""Action":"sqs:*""#)]],
        ..Policies::default()
    };
    is(Deny, &publish(root, NEAR), &capped);
}

fn assume(who: &str, role: &str) -> Request {
    Request::new(Who::of(who), "sts:AssumeRole", role)
}

fn trust(principal: &str) -> Document {
    document(&format!(
        r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#
    ))
}

#[test]
fn a_role_is_assumed_only_by_whom_it_trusts() {
    is(Deny, &assume(ROLE, TRUST), &identity(allow("")));
    let named = trust(&format!(r#"{{"AWS":"{ROLE}"}}"#));
    is(Allow, &assume(ROLE, TRUST), &resource(named.clone()));
    is(Deny, &assume(ROLE, FAR_TRUST), &resource(named.clone()));
    is(Allow, &assume(ROLE, FAR_TRUST), &both(allow(""), named));
}

#[test]
fn trust_of_a_whole_account_asks_for_an_identity_policy_as_well() {
    let account = trust(r#"{"AWS":"111111111111"}"#);
    is(Deny, &assume(ROLE, TRUST), &resource(account.clone()));
    is(
        Allow,
        &assume(ROLE, TRUST),
        &both(allow(""), account.clone()),
    );
    is(Allow, &assume(ROLE, FAR_TRUST), &both(allow(""), account));
}

#[test]
fn trust_of_everyone_lets_the_whole_account_in_without_identity_policies() {
    let everyone = trust(r#""*""#);
    is(Allow, &assume(ROLE, TRUST), &resource(everyone.clone()));
    is(Deny, &assume(ROLE, FAR_TRUST), &resource(everyone));
}

#[test]
fn an_external_id_must_be_the_one_asked_for() {
    let policies = both(
        allow(""),
        document(&format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{ROLE}"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"sts:ExternalId":"x1"}}}}}}"#
        )),
    );
    let request = assume(ROLE, FAR_TRUST);
    is(Deny, &request, &policies);
    is(
        Allow,
        &request.clone().with("sts:ExternalId", ["x1"]),
        &policies,
    );
    is(Deny, &request.with("sts:ExternalId", ["x2"]), &policies);
}

#[test]
fn a_service_and_an_identity_provider_assume_roles_that_trust_them() {
    let lambda = assume("lambda.amazonaws.com", TRUST);
    is(
        Allow,
        &lambda,
        &resource(trust(r#"{"Service":"lambda.amazonaws.com"}"#)),
    );
    is(
        Deny,
        &lambda,
        &resource(trust(r#"{"Service":"ec2.amazonaws.com"}"#)),
    );
    let provider = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com";
    let token = Request::new(Who::of(provider), "sts:AssumeRoleWithWebIdentity", TRUST).with(
        "token.actions.githubusercontent.com:sub",
        ["repo:o/r:ref:x"],
    );
    let policies = resource(document(&format!(
        r#"{{"Effect":"Allow","Principal":{{"Federated":"{provider}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringLike":{{"token.actions.githubusercontent.com:sub":"repo:o/r:*"}}}}}}"#
    )));
    is(Allow, &token, &policies);
    let other = token.with(
        "token.actions.githubusercontent.com:sub",
        ["repo:other/r:ref:x"],
    );
    is(Deny, &other, &policies);
}

#[test]
fn a_key_policy_has_the_last_word_in_its_own_account() {
    let key = "arn:aws:kms:eu-west-1:111111111111:key/k";
    let decrypt = Request::new(Who::of(ROLE), "kms:Decrypt", key);
    is(Deny, &decrypt, &identity(allow("")));
    is(Allow, &decrypt, &both(allow(""), lets(A)));
    is(Allow, &decrypt, &resource(lets(ROLE)));
    is(Deny, &decrypt, &resource(lets(A)));
}

fn invoke(who: Who, api: &str) -> Request {
    let method_auth = (who != Who::Anonymous).then_some(MethodAuth::Iam);
    Request {
        method_auth,
        ..Request::new(who, "execute-api:Invoke", api)
    }
}

/// A method without authorization would not look at who signed.
#[test]
fn a_signed_call_whose_methods_authorization_is_not_given_is_open_where_that_matters() {
    let request = Request::new(Who::of(ROLE), "execute-api:Invoke", API);
    let why = is(Unproven, &request, &resource(lets(ROLE)));
    assert_eq!(why, ["the authorization of the method is not given"]);
    is(Unproven, &request, &Policies::default());
    is(Allow, &request, &identity(allow("")));
    is(Allow, &request, &resource(lets("*")));
    is(Deny, &request, &resource(deny(r#""Principal":"*""#)));
}

#[test]
fn a_signed_call_to_a_rest_api_follows_api_gateways_table() {
    let (yes, no) = (Some(allow("")), None);
    let policy = Some(lets(ROLE));
    let silent = Some(lets("arn:aws:iam::333333333333:role/x"));
    for (own, other, near, far) in [
        (&yes, &policy, Allow, Allow),
        (&yes, &silent, Allow, Deny),
        (&yes, &None, Allow, Deny),
        (&no, &policy, Allow, Deny),
        (&no, &silent, Deny, Deny),
        (&no, &None, Deny, Deny),
    ] {
        let policies = Policies {
            identity: own.iter().cloned().collect(),
            resource: other.clone(),
            ..Policies::default()
        };
        is(near, &invoke(Who::of(ROLE), API), &policies);
        is(far, &invoke(Who::of(ROLE), FAR_API), &policies);
    }
}

#[test]
fn a_stranger_calls_a_rest_api_only_as_far_as_its_policy_says() {
    let everyone = |resource: &str| {
        resource_policy(&format!(
            r#""Principal":"*","Action":"execute-api:Invoke","Resource":"{resource}""#
        ))
    };
    let stranger = invoke(Who::Anonymous, API);
    let because = is(Unproven, &stranger, &everyone("execute-api:/prod/GET/*"));
    assert_eq!(because, ["the authorization of the method is not given"]);
    is(Deny, &stranger, &everyone("execute-api:/prod/POST/*"));
    is(Deny, &stranger, &resource(lets(ROLE)));
    is(Deny, &stranger, &Policies::default());

    let mut open = stranger.clone();
    open.method_auth = Some(MethodAuth::None);
    is(Allow, &open, &everyone("execute-api:/prod/GET/*"));
    is(Allow, &open, &Policies::default());
    is(Deny, &open, &resource(lets(ROLE)));
    let mut signed = stranger;
    signed.method_auth = Some(MethodAuth::Iam);
    is(Deny, &signed, &everyone("execute-api:/*"));
}

fn resource_policy(fields: &str) -> Policies {
    resource(allow(fields))
}

#[test]
fn a_method_without_authorization_does_not_see_who_signed() {
    let mut request = invoke(Who::of(ROLE), API);
    request.method_auth = Some(MethodAuth::None);
    is(Deny, &request, &both(allow(""), lets(ROLE)));
    is(Allow, &request, &resource(allow(r#""Principal":"*""#)));
}

#[test]
fn short_resources_of_an_api_policy_are_this_apis() {
    for (path, expected) in [
        ("execute-api:/prod/GET/orders", Allow),
        ("execute-api:/*", Allow),
        ("execute-api:/*/GET/*", Allow),
        ("execute-api:/prod/GET/order", Deny),
        ("execute-api:/test/*", Deny),
    ] {
        let text = format!(r#""Principal":{{"AWS":"{ROLE}"}},"Resource":"{path}""#);
        is(
            expected,
            &invoke(Who::of(ROLE), API),
            &resource_policy(&text),
        );
    }
    // In an identity policy they stand for nothing.
    is(
        Deny,
        &invoke(Who::of(ROLE), API),
        &identity(allow(r#""Resource":"execute-api:/*""#)),
    );
}

#[test]
fn a_private_api_without_a_policy_lets_nobody_in() {
    let request = invoke(Who::of(ROLE), API).with("aws:SourceVpce", ["vpce-1"]);
    is(Deny, &request, &identity(allow("")));
    let through = |endpoint: &str| {
        allow(&format!(
            r#""Principal":"*","Condition":{{"StringEquals":{{"aws:SourceVpce":"{endpoint}"}}}}"#
        ))
    };
    is(Allow, &request, &both(allow(""), through("vpce-1")));
    is(Unproven, &request, &both(allow(""), through("vpce-2")));
    is(Deny, &request, &resource(through("vpce-2")));
    let mut stranger = request;
    stranger.principal = Who::Anonymous;
    stranger.method_auth = None;
    is(Unproven, &stranger, &resource(through("vpce-1")));
    stranger.method_auth = Some(MethodAuth::None);
    is(Allow, &stranger, &resource(through("vpce-1")));
    is(Deny, &stranger, &Policies::default());
}

#[test]
fn some_calls_on_a_queue_are_its_own_accounts_only() {
    let request = |action: &str| Request::new(Who::of(ROLE), action, QUEUE);
    let open = both(allow(""), lets(ROLE));
    is(Allow, &request("sqs:SendMessage"), &open);
    is(Deny, &request("sqs:SetQueueAttributes"), &open);
    let mut own = request("sqs:SetQueueAttributes");
    own.resource = "arn:aws:sqs:eu-west-1:111111111111:inbox".to_owned();
    is(Allow, &own, &open);
}

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html>
#[test]
fn a_queues_policy_may_ask_about_every_global_key() {
    let send = Request::new(Who::of(ROLE), "sqs:SendMessage", QUEUE);
    let like =
        format!(r#""Principal":"*","Condition":{{"ArnLike":{{"aws:PrincipalArn":"{ROLE}"}}}}"#);
    is(Allow, &send, &both(allow(""), allow(&like)));
}

#[test]
fn who_may_subscribe_is_told_by_protocol_and_endpoint() {
    let policies = both(
        allow(""),
        allow(&format!(
            r#""Principal":{{"AWS":"{A}"}},"Action":"sns:Subscribe","Condition":{{"StringEquals":{{"sns:Protocol":"sqs","sns:Endpoint":"{QUEUE}"}}}}"#
        )),
    );
    let subscribe = |protocol: &str, endpoint: &str| {
        Request::new(Who::of(ROLE), "sns:Subscribe", FAR)
            .with("sns:Protocol", [protocol])
            .with("sns:Endpoint", [endpoint])
    };
    is(Allow, &subscribe("sqs", QUEUE), &policies);
    is(Deny, &subscribe("http", QUEUE), &policies);
    is(
        Deny,
        &subscribe("sqs", "arn:aws:sqs:eu-west-1:1:x"),
        &policies,
    );
}

#[test]
fn not_action_and_not_resource_are_everything_else() {
    let request = publish(ROLE, NEAR);
    let text = |rest: &str| identity(document(&format!(r#"{{"Effect":"Allow",{rest}}}"#)));
    is(
        Allow,
        &request,
        &text(r#""NotAction":"iam:*","Resource":"*""#),
    );
    is(
        Deny,
        &request,
        &text(r#""NotAction":"sns:*","Resource":"*""#),
    );
    is(
        Allow,
        &request,
        &text(&format!(r#""Action":"*","NotResource":"{FAR}""#)),
    );
    is(
        Deny,
        &request,
        &text(&format!(r#""Action":"*","NotResource":"{NEAR}""#)),
    );
}

#[test]
fn an_arn_whose_star_would_cross_a_colon_is_open_both_ways() {
    let request = publish(ROLE, NEAR);
    let loose = r#""Resource":"arn:aws:sns:*:orders""#;
    let because = is(Unproven, &request, &identity(allow(loose)));
    assert!(because[0].contains("write the ARN out"), "{because:?}");
    let mut denied = identity(allow(""));
    denied.identity.push(deny(loose));
    is(Unproven, &request, &denied);
}

#[test]
fn what_is_not_known_is_unproven_unless_something_else_settles_it() {
    let request = publish(ROLE, NEAR);
    let from_home = r#""Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#;
    let because = is(Unproven, &request, &identity(allow(from_home)));
    assert_eq!(
        because,
        ["identity policy, statement 1: the value of `aws:SourceIp` is not given"]
    );
    is(
        Allow,
        &request.clone().with("aws:SourceIp", ["203.0.113.9"]),
        &identity(allow(from_home)),
    );
    // A second statement allows it anyway; a second policy refuses it anyway.
    let mut settled = identity(allow(from_home));
    settled.identity.push(allow(""));
    is(Allow, &request, &settled);
    settled.identity.push(deny(""));
    is(Deny, &request, &settled);
    // And a denial that may hold leaves nothing certain.
    let mut open = identity(allow(""));
    open.identity.push(deny(
        r#""Condition":{"Bool":{"aws:SecureTransport":"false"}}"#,
    ));
    is(Unproven, &request, &open);
    is(
        Allow,
        &request.clone().with("aws:SecureTransport", ["true"]),
        &open,
    );
    is(
        Unproven,
        &request.clone(),
        &identity(allow(
            r#""Condition":{"StringNotEquals":{"acme:Team":"x"}}"#,
        )),
    );
    is(
        Deny,
        &request,
        &identity(allow(
            r#""Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#,
        )),
    );
}

#[test]
fn variables_in_resources_are_filled_in_new_documents_and_text_in_old_ones() {
    let tagged = publish(ROLE, "arn:aws:sns:eu-west-1:111111111111:blue-orders")
        .with("aws:PrincipalTag/team", ["blue"]);
    let text = r#""Resource":"arn:aws:sns:eu-west-1:111111111111:${aws:PrincipalTag/team}-*""#;
    let mut document = allow(text);
    is(Allow, &tagged, &identity(document.clone()));
    is(
        Deny,
        &tagged.clone().with("aws:PrincipalTag/team", ["red"]),
        &identity(document.clone()),
    );
    let mut untold = tagged.clone();
    untold.context.clear();
    is(Unproven, &untold, &identity(document.clone()));
    document.version = super::super::document::OLD_VERSION.to_owned();
    is(Deny, &tagged, &identity(document));
}

#[test]
fn the_policy_of_a_fresh_topic_lets_no_other_account_in() {
    let policy = super::super::own::default_topic_policy(FAR, "222222222222");
    is(Deny, &publish(ROLE, FAR), &both(allow(""), policy.clone()));
    let owner = "arn:aws:iam::222222222222:role/own";
    is(
        Allow,
        &publish(owner, FAR),
        &both(allow(""), policy.clone()),
    );
    is(Allow, &publish(owner, FAR), &resource(policy.clone()));
    let mut unsigned = publish(owner, FAR);
    unsigned.principal = Who::Anonymous;
    is(Deny, &unsigned, &resource(policy));
}

#[test]
fn an_account_that_nobody_told_matters_only_where_the_sides_differ() {
    let get = Request::new(Who::of(ROLE), "s3:GetObject", "arn:aws:s3:::bucket/k");
    is(Unproven, &get, &identity(allow("")));
    is(Deny, &get, &Policies::default());
    is(Allow, &get, &both(allow(""), lets(ROLE)));
    let mut told = get;
    told.resource_account = Some(A.to_owned());
    is(Allow, &told, &identity(allow("")));
    told.resource_account = Some("222222222222".to_owned());
    is(Deny, &told, &identity(allow("")));
}

#[test]
fn for_all_values_alone_allows_a_request_without_the_key() {
    let text = r#""Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}}"#;
    is(Allow, &publish(ROLE, NEAR), &identity(allow(text)));
    is(
        Deny,
        &publish(ROLE, NEAR).with("aws:TagKeys", ["b"]),
        &identity(allow(text)),
    );
    let guarded = r#""Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]},"Null":{"aws:TagKeys":"false"}}"#;
    is(Deny, &publish(ROLE, NEAR), &identity(allow(guarded)));
}

#[test]
fn a_canonical_user_is_somebody_whom_only_s3_knows() {
    let canonical = allow(r#""Principal":{"CanonicalUser":"79a59df900b949e5"}"#);
    let why = is(Unproven, &publish(ROLE, NEAR), &resource(canonical.clone()));
    assert!(why[0].ends_with("it names a canonical user"), "{why:?}");
    let stranger = Request::new(Who::Anonymous, "sns:Publish", NEAR);
    is(Deny, &stranger, &resource(canonical));
}

#[test]
fn only_roles_and_keys_have_the_last_word_in_their_own_account() {
    let ask = |action: &str, target: &str| {
        let request = Request::new(Who::of(ROLE), action, target);
        is(Allow, &request, &identity(allow("")));
    };
    ask("iam:PassRole", TRUST);
    ask("iam:GetRole", TRUST);
    ask("sts:DecodeAuthorizationMessage", "*");
    ask("sts:GetCallerIdentity", "*");
    ask("kms:ListKeys", "*");
    ask("sns:ListTopics", "*");
}

#[test]
fn a_boundary_or_a_session_policy_of_whoever_has_none_says_nothing() {
    let nothing = || Some(deny(""));
    let root = publish("arn:aws:iam::111111111111:root", NEAR);
    let of_root = Policies {
        identity: vec![deny("")],
        boundary: nothing(),
        session: nothing(),
        ..Policies::default()
    };
    is(Allow, &root, &of_root);
    let service = publish("s3.amazonaws.com", NEAR);
    let of_service = Policies {
        resource: Some(allow(r#""Principal":{"Service":"s3.amazonaws.com"}"#)),
        ..of_root
    };
    is(Allow, &service, &of_service);
}

#[test]
fn a_reason_names_the_document_and_the_statement_that_names_the_caller_best() {
    let two = Policies {
        identity: vec![allow(r#""Action":"sqs:*""#), allow(r#""Sid":"All""#)],
        ..Policies::default()
    };
    assert_eq!(
        is(Allow, &publish(ROLE, NEAR), &two),
        ["identity policy 2, statement `All`, allows it"]
    );
    let named = document(&format!(
        r#"{{"Sid":"Account","Effect":"Allow","Principal":{{"AWS":"{A}"}},"Action":"*","Resource":"*"}},
           {{"Sid":"Role","Effect":"Allow","Principal":{{"AWS":"{ROLE}"}},"Action":"*","Resource":"*"}}"#
    ));
    let why = is(Allow, &publish(ROLE, FAR), &both(allow(""), named));
    assert_eq!(why[1], "resource policy, statement `Role`, allows it");
}

#[test]
fn an_api_policy_may_write_its_arns_out() {
    let of =
        |resource: &str| resource_policy(&format!(r#""Principal":"*","Resource":"{resource}""#));
    is(Allow, &invoke(Who::of(ROLE), API), &of(API));
    for other in [
        "arn:aws:execute-api:eu-west-1:111111111111:abc/prod/GET/others",
        "arn:aws:execute-api:eu-west-1:111111111111:other/prod/GET/orders",
        "execute-api",
        "execute-api:prod/GET/orders",
        "xecute-api:/prod/GET/orders",
    ] {
        is(Deny, &invoke(Who::of(ROLE), API), &of(other));
    }
}

#[test]
fn a_role_whose_sessions_were_revoked_is_not_silently_let_in() {
    let revoked = document(
        r#"{"Effect":"Allow","Action":"*","Resource":"*"},
           {"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-01-01T00:00:00Z"}}}"#,
    );
    let policies = identity(revoked);
    is(Unproven, &publish(ROLE, NEAR), &policies);
    let since = |it: &str| publish(ROLE, NEAR).with("aws:TokenIssueTime", [it]);
    is(Deny, &since("2025-06-01T00:00:00Z"), &policies);
    is(Allow, &since("2026-06-01T00:00:00Z"), &policies);
    // A user's keys have no time of issue.
    is(Allow, &publish(USER, NEAR), &policies);
}

#[test]
fn an_unsigned_request_is_of_the_account_anonymous() {
    let stranger = Request::new(Who::Anonymous, "sns:Publish", NEAR);
    let open = |condition: &str| {
        resource(allow(&format!(
            r#""Principal":"*","Condition":{{{condition}}}"#
        )))
    };
    for (expected, condition) in [
        (
            Deny,
            r#""StringEqualsIfExists":{"aws:PrincipalAccount":"111111111111"}"#,
        ),
        (Deny, r#""Null":{"aws:PrincipalAccount":"true"}"#),
        (
            Deny,
            r#""StringNotEquals":{"aws:PrincipalAccount":"anonymous"}"#,
        ),
        (Allow, r#""Null":{"aws:PrincipalArn":"true"}"#),
        (
            Allow,
            r#""BoolIfExists":{"aws:PrincipalIsAWSService":"true"}"#,
        ),
        (Deny, r#""Bool":{"aws:PrincipalIsAWSService":"false"}"#),
    ] {
        is(expected, &stranger, &open(condition));
    }
}

#[test]
fn what_a_request_is_silent_about_is_open_where_it_is_not_told_in_full() {
    use Decision::{Allow, Unproven};

    let outside = allow(r#""Condition":{"Null":{"aws:SourceVpce":"true"}}"#);
    let members = allow(r#""Condition":{"Null":{"aws:PrincipalOrgID":"true"}}"#);
    let decided = |document: &Document, silence| {
        let policies = Prepared::of(&identity(document.clone()));
        policies.decide_by(&publish(ROLE, NEAR), silence).decision
    };
    for (silence, of_the_call, of_the_caller) in [
        (Silence::Absence, Allow, Allow),
        (Silence::Plain, Allow, Unproven),
        (Silence::Anything, Unproven, Unproven),
    ] {
        assert_eq!(decided(&outside, silence), of_the_call, "{silence:?}");
        assert_eq!(decided(&members, silence), of_the_caller, "{silence:?}");
    }
}

#[test]
fn the_first_statement_that_allows_is_named() {
    let both = format!(
        r#"{{"Sid":"A","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}},{{"Sid":"B","Effect":"Allow","Principal":{{"AWS":"{ROLE}"}},"Action":"*","Resource":"*"}}"#
    );
    let policies = Policies {
        identity: vec![allow(r#""Sid":"C""#), allow(r#""Sid":"D""#)],
        ..resource(document(&both))
    };
    let because = is(Decision::Allow, &publish(ROLE, FAR), &policies);
    assert_eq!(
        because,
        [
            "identity policy 1, statement `C`, allows it",
            "resource policy, statement `A`, allows it"
        ]
    );
}

#[test]
fn what_has_no_owner_is_the_callers() {
    let owner_of = |resource: &str| {
        let request = publish(ROLE, resource);
        owner(&Facts::of(&request)).map(str::to_owned)
    };
    for (resource, expected) in [
        (FAR, Some("222222222222")),
        ("*", Some(A)),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", Some(A)),
        ("arn:aws:s3:::bucket", None),
    ] {
        assert_eq!(owner_of(resource).as_deref(), expected, "{resource}");
    }
}

#[test]
fn roles_and_keys_are_guarded_by_their_own_policy() {
    let key = "arn:aws:kms:eu-west-1:111111111111:key/k";
    let alias = "arn:aws:kms:eu-west-1:111111111111:alias/k";
    for (action, resource, expected) in [
        ("sts:assumerole", TRUST, true),
        ("sts:tagsession", TRUST, true),
        ("sts:getfederationtoken", USER, false),
        ("iam:getrole", TRUST, false),
        ("kms:decrypt", key, true),
        ("kms:createalias", key, true),
        ("kms:createalias", alias, false),
        ("kms:listkeys", "*", false),
        ("sns:publish", key, false),
    ] {
        assert_eq!(
            services::is_guarded(action, resource),
            expected,
            "{action} {resource}"
        );
    }
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
#[test]
fn sts_answers_some_calls_whatever_the_policies_say() {
    let federated = "arn:aws:sts::111111111111:federated-user/f";
    let sns = "sns.amazonaws.com";
    let policies = [both(allow(""), lets("*")), identity(deny(""))];
    for (action, who, expected) in [
        ("sts:GetCallerIdentity", ROLE, Allow),
        ("sts:getcalleridentity", USER, Allow),
        ("sts:GetCallerIdentity", A, Allow),
        ("sts:GetCallerIdentity", federated, Allow),
        ("sts:GetCallerIdentity", sns, Deny),
        ("sts:GetSessionToken", USER, Allow),
        ("sts:GetSessionToken", SESSION, Deny),
        ("sts:GetFederationToken", ROLE, Deny),
        ("sts:AssumeRole", A, Deny),
        ("sts:AssumeRole", federated, Deny),
    ] {
        for policies in &policies {
            is(expected, &Request::new(Who::of(who), action, "*"), policies);
        }
    }
    let trusts = both(allow(""), trust(r#"{"AWS":"111111111111"}"#));
    is(
        Deny,
        &assume("arn:aws:iam::111111111111:root", TRUST),
        &trusts,
    );
    is(Allow, &assume(ROLE, TRUST), &trusts);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html>
#[test]
fn a_token_is_traded_by_the_call_of_its_kind() {
    let oidc = "arn:aws:iam::111111111111:oidc-provider/example.com";
    let saml = "arn:aws:iam::111111111111:saml-provider/corp";
    let trusts = |kind: &str, name: &str| {
        let trust =
            format!(r#"{{"Effect":"Allow","Principal":{{"{kind}":"{name}"}},"Action":"sts:*"}}"#);
        both(allow(""), document(&trust))
    };
    for (kind, who, action, expected) in [
        ("Federated", oidc, "sts:AssumeRole", Deny),
        ("Federated", saml, "sts:AssumeRole", Deny),
        ("Federated", oidc, "sts:AssumeRoleWithWebIdentity", Allow),
        ("Federated", oidc, "sts:AssumeRoleWithSAML", Deny),
        ("Federated", saml, "sts:AssumeRoleWithSAML", Allow),
        ("Federated", saml, "sts:AssumeRoleWithWebIdentity", Deny),
        ("AWS", ROLE, "sts:AssumeRoleWithSAML", Deny),
        ("AWS", USER, "sts:AssumeRoleWithWebIdentity", Deny),
        ("AWS", ROLE, "sts:AssumeRole", Allow),
    ] {
        let request = Request::new(Who::of(who), action, TRUST);
        is(expected, &request, &trusts(kind, who));
    }
}

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-limitations-of-custom-policies.html>
/// and <https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html>
#[test]
fn some_calls_are_for_the_owners_account_only() {
    let key = |account: &str| format!("arn:aws:kms:eu-west-1:{account}:key/k");
    let open = both(allow(""), lets(ROLE));
    let of = |action: &str, resource: &str| Request::new(Who::of(ROLE), action, resource);
    for (action, far) in [
        ("kms:PutKeyPolicy", Deny),
        ("kms:ScheduleKeyDeletion", Deny),
        ("kms:Decrypt", Allow),
        ("kms:ReEncryptTo", Allow),
        ("kms:CreateGrant", Allow),
    ] {
        is(far, &of(action, &key("222222222222")), &open);
        is(Allow, &of(action, &key("111111111111")), &open);
    }
    for action in [
        "AddPermission",
        "CancelMessageMoveTask",
        "CreateQueue",
        "DeleteQueue",
        "ListMessageMoveTasks",
        "ListQueues",
        "ListQueueTags",
        "RemovePermission",
        "SetQueueAttributes",
        "StartMessageMoveTask",
        "TagQueue",
        "UntagQueue",
    ] {
        is(Deny, &of(&format!("sqs:{action}"), QUEUE), &open);
    }
    for action in ["SendMessage", "ReceiveMessage", "PurgeQueue", "GetQueueUrl"] {
        is(Allow, &of(&format!("sqs:{action}"), QUEUE), &open);
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>, "Principal key values"
#[test]
fn only_some_services_accept_unsigned_requests() {
    let open = resource(allow(r#""Principal":"*""#));
    for (action, resource, expected) in [
        ("sns:Publish", NEAR, Allow),
        ("sqs:SendMessage", QUEUE, Allow),
        ("s3:GetObject", "arn:aws:s3:::b/x", Allow),
        (
            "kms:Decrypt",
            "arn:aws:kms:eu-west-1:111111111111:key/k",
            Deny,
        ),
        ("sts:AssumeRole", TRUST, Deny),
        (
            "events:PutEvents",
            "arn:aws:events:eu-west-1:111111111111:event-bus/b",
            Deny,
        ),
    ] {
        is(
            expected,
            &Request::new(Who::Anonymous, action, resource),
            &open,
        );
    }
}

/// <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html> and the pages of S3 and STS
#[test]
fn a_key_that_every_request_of_a_service_has_is_never_taken_for_absent() {
    let with = |condition: &str| {
        resource(allow(&format!(
            r#""Principal":"*","Resource":"*","Condition":{{{condition}}}"#
        )))
    };
    let key = "arn:aws:kms:eu-west-1:111111111111:key/k";
    let decrypt = |who: &str| Request::new(Who::of(who), "kms:Decrypt", key);
    let own = r#""StringEquals":{"kms:CallerAccount":"111111111111"}"#;
    is(Allow, &decrypt(ROLE), &with(own));
    is(
        Deny,
        &decrypt(ROLE),
        &with(&own.replace("Equals", "NotEquals")),
    );
    is(Unproven, &decrypt("sns.amazonaws.com"), &with(own));
    let mut read = Request::new(Who::of(ROLE), "s3:GetObject", "arn:aws:s3:::b/x");
    read.resource_account = Some(A.to_owned());
    let owner = r#""StringNotEquals":{"s3:ResourceAccount":"111111111111"}"#;
    is(Deny, &read, &with(owner));
    is(
        Unproven,
        &read,
        &with(r#""NumericLessThanIfExists":{"s3:TlsVersion":"1.2"}"#),
    );
    let session = assume(ROLE, TRUST);
    let named = r#""StringNotEquals":{"sts:RoleSessionName":"root"}"#;
    is(Unproven, &session, &with(named));
    let told = session.with("sts:RoleSessionName", ["job"]);
    is(Allow, &told, &with(named));
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>, "Policy variables with no value"
#[test]
fn a_variable_without_a_value_equals_nothing_and_differs_from_everything() {
    let test = |operator: &str, values: &str| {
        format!(r#""Condition":{{"{operator}":{{"s3:prefix":{values}}}}}"#)
    };
    let mut read =
        Request::new(Who::of(ROLE), "s3:GetObject", "arn:aws:s3:::b/x").with("s3:prefix", ["bob"]);
    read.resource_account = Some(A.to_owned());
    let user = r#""${aws:username}""#;
    for (operator, values, holds) in [
        ("StringEquals", user, false),
        ("StringLike", user, false),
        ("StringEqualsIfExists", user, false),
        ("StringNotEquals", user, true),
        ("StringNotLike", user, true),
        ("StringNotEqualsIfExists", user, true),
        ("StringNotEqualsIgnoreCase", user, true),
        ("ForAnyValue:StringEquals", user, false),
        ("ForAnyValue:StringNotEquals", user, true),
        ("ForAllValues:StringEquals", user, false),
        ("ForAllValues:StringNotEquals", user, true),
        ("StringEquals", r#"["${aws:username}","bob"]"#, true),
        ("StringEquals", r#"["bob","${aws:username}"]"#, true),
        ("StringNotEquals", r#"["${aws:username}","bob"]"#, false),
        ("StringNotEquals", r#"["bob","${aws:username}"]"#, false),
        ("StringEquals", r#""${aws:username, 'bob'}""#, true),
        ("StringNotEquals", r#""${aws:username, 'bob'}""#, false),
        ("StringEquals", r#""${aws:PrincipalTag/team}""#, false),
        ("StringNotEquals", r#""${aws:PrincipalTag/team}""#, true),
    ] {
        let read = read
            .clone()
            .with("aws:PrincipalTag/team", Vec::<String>::new());
        let condition = test(operator, values);
        let allowed = if holds { Allow } else { Deny };
        is(allowed, &read, &identity(allow(&condition)));
        let mut denied = identity(allow(""));
        denied.identity.push(deny(&condition));
        is(if holds { Deny } else { Allow }, &read, &denied);
    }
    // The organization of the resource is not that of a principal who is in none.
    let perimeter =
        deny(r#""Condition":{"StringNotEquals":{"aws:ResourceOrgID":"${aws:PrincipalOrgID}"}}"#);
    let mut policies = identity(allow(""));
    policies.identity.push(perimeter);
    let inside = read.clone().with("aws:ResourceOrgID", ["o-1"]);
    is(Deny, &inside, &policies);
    is(
        Deny,
        &inside
            .clone()
            .with("aws:PrincipalOrgID", Vec::<String>::new()),
        &policies,
    );
    is(
        Allow,
        &inside.with("aws:PrincipalOrgID", ["o-1"]),
        &policies,
    );
    // Without a value, a resource matches nothing, and is left out of nothing.
    let on = |element: &str| {
        identity(allow(&format!(
            r#""{element}":"arn:aws:s3:::b/${{aws:username}}""#
        )))
    };
    is(Deny, &read, &on("Resource"));
    is(Allow, &read, &on("NotResource"));
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn>
#[test]
fn the_path_of_a_sessions_role_is_not_assumed() {
    let like = |operator: &str, pattern: &str| {
        identity(allow(&format!(
            r#""Condition":{{"{operator}":{{"aws:PrincipalArn":"{pattern}"}}}}"#
        )))
    };
    let request = publish("arn:aws:sts::111111111111:assumed-role/a/s", NEAR);
    let role = |rest: &str| format!("arn:aws:iam::111111111111:role/{rest}");
    for (pattern, expected) in [
        ("*", Allow),
        ("*a", Allow),
        ("a", Unproven),
        ("team/a", Unproven),
        ("*/a", Unproven),
        ("?a", Unproven),
        ("b", Deny),
        ("*b", Deny),
    ] {
        is(expected, &request, &like("ArnLike", &role(pattern)));
    }
    is(Unproven, &request, &like("ArnNotLike", &role("a")));
    is(Allow, &request, &like("ArnNotLike", &role("b")));
    let told = request.with("aws:PrincipalArn", [role("a")]);
    is(Allow, &told, &like("ArnEquals", &role("a")));
}

/// See <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html> and
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-vpc-endpoint-policies.html>.
#[test]
fn a_vpc_endpoint_lets_through_and_gives_nothing() {
    let anyone = || allow(r#""Principal":"*""#);
    let far = || Policies {
        identity: vec![allow("")],
        resource: Some(lets(ROLE)),
        ..Policies::default()
    };
    let through = |endpoint: Document, policies: Policies| Policies {
        endpoint: Some(endpoint),
        ..policies
    };
    let request = publish(ROLE, FAR);
    let nothing = through(anyone(), Policies::default());
    is(Decision::Deny, &request, &nothing);
    is(Decision::Allow, &request, &through(anyone(), far()));
    // However it names the caller.
    for who in [ROLE, A, "arn:aws:iam::111111111111:root"] {
        is(Decision::Allow, &request, &through(lets(who), far()));
    }
    let others = is(Decision::Deny, &request, &through(lets(USER), far()));
    assert_eq!(others, ["the VPC endpoint policy does not allow it"]);
    let other_action = allow(r#""Principal":"*","Action":"s3:*""#);
    is(Decision::Deny, &request, &through(other_action, far()));
    let refusing = document(
        r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"*"}"#,
    );
    let refused = is(Decision::Deny, &request, &through(refusing, far()));
    assert_eq!(refused, ["VPC endpoint policy, statement 2, denies it"]);
    // It has a say over the root user, over services and over those that nobody signed for.
    let root = publish("arn:aws:iam::111111111111:root", NEAR);
    is(
        Decision::Deny,
        &root,
        &through(lets(USER), Policies::default()),
    );
    let service = publish("s3.amazonaws.com", NEAR);
    let open = || Policies {
        resource: Some(anyone()),
        ..Policies::default()
    };
    is(Decision::Deny, &service, &through(lets(USER), open()));
    is(Decision::Allow, &service, &through(anyone(), open()));
}

#[test]
fn a_vpc_endpoint_sees_a_signer_that_a_method_does_not() {
    let call = |who: &str, auth| {
        let mut request = Request::new(Who::of(who), "execute-api:Invoke", API);
        request.method_auth = Some(auth);
        request.with("aws:SourceVpce", ["vpce-1"])
    };
    let through = |endpoint: Document| Policies {
        identity: vec![allow("")],
        resource: Some(allow(r#""Principal":"*""#)),
        endpoint: Some(endpoint),
        ..Policies::default()
    };
    let (none, iam) = (MethodAuth::None, MethodAuth::Iam);
    is(Decision::Allow, &call(ROLE, iam), &through(lets(ROLE)));
    // Whether the caller signs where it need not is not known.
    is(Decision::Unproven, &call(ROLE, none), &through(lets(ROLE)));
    is(Decision::Allow, &call(ROLE, none), &through(lets("*")));
    is(Decision::Deny, &call(ROLE, none), &through(lets(USER)));
    is(Decision::Deny, &call("*", none), &through(lets(ROLE)));
}

/// Neither kind limits a service-linked role, and the name of its session leaves out the path that makes it one:
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html>
#[test]
fn a_session_with_the_name_of_a_service_linked_role_is_open_where_an_organization_limits_it() {
    let queue = "arn:aws:sqs:eu-west-1:111111111111:inbox";
    let session = "arn:aws:sts::111111111111:assumed-role/AWSServiceRoleForSupport/s";
    let send = Request::new(Who::of(session), "sqs:SendMessage", queue);
    let under = |scps, rcps| Policies {
        scps,
        rcps,
        ..identity(allow(""))
    };
    let none = Vec::new;
    let refused = || vec![vec![deny(r#""Action":"sqs:*""#)]];
    is(Allow, &send, &under(none(), none()));
    is(Allow, &send, &under(vec![vec![allow("")]], none()));
    let open = "the path of the session's role is not given";
    let because = is(Unproven, &send, &under(refused(), none()));
    assert_eq!(because, [open]);
    let for_all = || vec![vec![deny(r#""Principal":"*""#)]];
    assert_eq!(is(Unproven, &send, &under(none(), for_all())), [open]);
    for (path, expected) in [
        ("aws-service-role/support.amazonaws.com/", Allow),
        ("", Deny),
    ] {
        let role = format!("arn:aws:iam::111111111111:role/{path}AWSServiceRoleForSupport");
        let told = send.clone().with("aws:PrincipalArn", [role]);
        is(expected, &told, &under(refused(), none()));
        is(expected, &told, &under(none(), for_all()));
    }
}

/// The organization of a signer, whom the method does not see and the endpoint does.
#[test]
fn the_condition_of_an_endpoint_on_its_signer_is_open_of_a_request_that_is_not_told_in_full() {
    let mut call = Request::new(Who::of(ROLE), "execute-api:Invoke", API);
    call.method_auth = Some(MethodAuth::None);
    let call = call.with("aws:SourceVpce", ["vpce-1"]);
    let strangers =
        r#""Principal":"*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}"#;
    let policies = Prepared::of(&Policies {
        endpoint: Some(allow(strangers)),
        ..resource(allow(r#""Principal":"*""#))
    });
    let decided = |silence| policies.decide_by(&call, silence).decision;
    assert_eq!(decided(Silence::Absence), Allow);
    assert_eq!(decided(Silence::Plain), Unproven);
    assert_eq!(decided(Silence::Anything), Unproven);
}

#[test]
fn a_limited_caller_has_neither_a_boundary_nor_a_session_policy_that_allows() {
    let of = |own| Policies {
        resource: Some(lets(ROLE)),
        ..Policies::of_caller(own)
    };
    is(Allow, &publish(ROLE, NEAR), &of(CallerPolicies::None));
    let because = is(Deny, &publish(ROLE, NEAR), &of(CallerPolicies::Limited));
    for ceiling in ["permissions boundary", "session policy"] {
        let lacks = format!("the {ceiling} does not allow it");
        assert!(because.contains(&lacks), "{because:?}");
    }
}

#[test]
fn an_unsigned_request_is_of_a_service_by_its_action_or_by_its_resource() {
    for (action, resource, expected) in [
        ("sns:Publish", FAR, Allow),
        ("sns:Publish", "*", Allow),
        ("*", FAR, Allow),
        ("lambda:InvokeFunction", "*", Deny),
        (
            "kms:Decrypt",
            "arn:aws:kms:eu-west-1:222222222222:key/k",
            Deny,
        ),
    ] {
        let request = Request::new(Who::Anonymous, action, resource);
        is(expected, &request, &resource_policy(r#""Principal":"*""#));
    }
}

/// See <https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html> and
/// <https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html>.
#[test]
fn a_grant_and_the_key_of_an_alias_are_not_decided_by_policies_alone() {
    let (key, alias) = (
        "arn:aws:kms:eu-west-1:111111111111:key/k",
        "arn:aws:kms:eu-west-1:111111111111:alias/a",
    );
    let policies = both(allow(""), lets(A));
    for (action, resource, expected) in [
        ("kms:RetireGrant", key, Unproven),
        ("kms:Decrypt", key, Allow),
        ("kms:Decrypt", alias, Unproven),
        ("KMS:encrypt", alias, Unproven),
        ("kms:UpdateAlias", alias, Allow),
        ("sns:Publish", NEAR, Allow),
        // Another service's alias is its own.
        (
            "lambda:InvokeFunction",
            "arn:aws:lambda:eu-west-1:111111111111:alias/a",
            Allow,
        ),
    ] {
        is(
            expected,
            &Request::new(Who::of(ROLE), action, resource),
            &policies,
        );
    }
    // What is denied is denied all the same.
    let request = Request::new(Who::of(ROLE), "kms:RetireGrant", key);
    is(Deny, &request, &both(deny(""), lets(A)));
}

#[test]
fn a_caller_that_is_said_to_have_policies_is_let_in_by_them() {
    let request = publish(ROLE, NEAR);
    is(Allow, &request, &Policies::of_caller(CallerPolicies::Allow));
    is(Deny, &request, &Policies::of_caller(CallerPolicies::None));
    is(
        Deny,
        &request,
        &Policies::of_caller(CallerPolicies::Limited),
    );
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>: accounts are of one partition.
#[test]
fn partitions_share_no_accounts_roles_or_providers() {
    let at_home = |arn: &str| arn.replace("arn:aws:", "arn:aws-cn:");
    let open = both(allow(""), lets("*"));
    for who in [ROLE, SESSION, USER, "arn:aws:iam::111111111111:root"] {
        for topic in [NEAR, FAR, "arn:aws:sns:us-gov-west-1:111111111111:t"] {
            is(Allow, &publish(who, topic), &open);
            is(Deny, &publish(&at_home(who), topic), &open);
            is(Deny, &publish(who, &at_home(topic)), &open);
            is(Allow, &publish(&at_home(who), &at_home(topic)), &open);
        }
    }
    let bucket = |partition: &str| format!("arn:{partition}:s3:::bucket/key");
    for (partition, expected) in [("aws", Allow), ("aws-us-gov", Deny)] {
        let mut request = Request::new(Who::of(ROLE), "s3:GetObject", bucket(partition));
        request.resource_account = Some(A.to_owned());
        is(expected, &request, &open);
    }
    // An account's number stands for an account of the policy's own partition.
    let named = |principal: &str| both(allow(""), lets(principal));
    for (principal, expected) in [
        (A, Allow),
        ("arn:aws:iam::111111111111:root", Allow),
        ("arn:aws-cn:iam::111111111111:root", Deny),
        ("arn:aws-us-gov:iam::111111111111:root", Deny),
    ] {
        for who in [ROLE, A] {
            is(expected, &publish(who, FAR), &named(principal));
        }
    }
    let trusts = both(allow(""), trust(r#"{"AWS":"111111111111"}"#));
    is(Allow, &assume(ROLE, TRUST), &trusts);
    is(Deny, &assume(&at_home(ROLE), TRUST), &trusts);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html>
#[test]
fn a_federated_session_has_no_permissions_without_a_session_policy_but_those_given_to_it_by_name() {
    let session = "arn:aws:sts::111111111111:federated-user/f";
    let with = |policies: &Policies| Policies {
        session: Some(allow("")),
        ..policies.clone()
    };
    for (topic, policies, bare, cut) in [
        (NEAR, identity(allow("")), Deny, Allow),
        (NEAR, both(allow(""), lets(A)), Deny, Allow),
        (NEAR, resource(lets(session)), Allow, Allow),
        (FAR, both(allow(""), lets(session)), Deny, Allow),
        (FAR, both(allow(""), lets("*")), Deny, Allow),
    ] {
        is(bare, &publish(session, topic), &policies);
        is(cut, &publish(session, topic), &with(&policies));
    }
    let because = is(Deny, &publish(session, NEAR), &identity(allow("")));
    assert!(
        because
            .iter()
            .any(|it| it.contains("without a session policy")),
        "{because:?}"
    );
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html>
#[test]
fn temporary_credentials_of_a_user_may_less_than_its_keys() {
    let everything = identity(allow(""));
    let ask = |action: &str| Request::new(Who::of(USER), action, "*");
    let token = |it: Request| it.with("aws:TokenIssueTime", ["2026-01-01T00:00:00Z"]);
    let mfa = |it: Request, value: &str| it.with("aws:MultiFactorAuthPresent", [value]);
    for (action, by_keys, by_token, with_mfa) in [
        ("sts:GetSessionToken", Allow, Deny, Deny),
        ("sts:GetFederationToken", Allow, Deny, Deny),
        ("sts:GetCallerIdentity", Allow, Allow, Allow),
        ("sts:DecodeAuthorizationMessage", Allow, Unproven, Unproven),
        ("iam:ListRoles", Allow, Unproven, Allow),
        ("sns:ListTopics", Allow, Allow, Allow),
    ] {
        is(by_keys, &ask(action), &everything);
        is(by_token, &token(ask(action)), &everything);
        is(by_token, &mfa(token(ask(action)), "false"), &everything);
        is(with_mfa, &mfa(ask(action), "true"), &everything);
    }
    is(Deny, &token(ask("iam:ListRoles")), &Policies::default());
    let trusts = both(allow(""), trust(r#"{"AWS":"111111111111"}"#));
    is(Allow, &token(assume(USER, TRUST)), &trusts);
    // A federated user's session gets at IAM from the console.
    let policies = Policies {
        session: Some(allow("")),
        ..everything.clone()
    };
    let federated = Who::of("arn:aws:sts::111111111111:federated-user/f");
    for (action, expected) in [("iam:ListRoles", Unproven), ("sns:ListTopics", Allow)] {
        is(
            expected,
            &Request::new(federated.clone(), action, "*"),
            &policies,
        );
    }
    // What a session of `AssumeRoot` may is in its task policy.
    let root = Request::new(
        Who::of(A),
        "sqs:SetQueueAttributes",
        "arn:aws:sqs:eu-west-1:111111111111:q",
    );
    is(Allow, &root, &Policies::default());
    for (value, expected) in [("true", Unproven), ("false", Allow)] {
        let root = root.clone().with("aws:AssumedRoot", [value]);
        is(expected, &root, &Policies::default());
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html>
#[test]
fn a_token_is_traded_for_a_role_of_its_providers_account() {
    let call = "sts:AssumeRoleWithWebIdentity";
    for (provider, action, expected) in [
        (
            "arn:aws:iam::111111111111:oidc-provider/example.com",
            call,
            Allow,
        ),
        (
            "arn:aws:iam::222222222222:oidc-provider/example.com",
            call,
            Deny,
        ),
        ("cognito-identity.amazonaws.com", call, Allow),
        (
            "arn:aws:iam::111111111111:saml-provider/corp",
            "sts:AssumeRoleWithSAML",
            Allow,
        ),
        (
            "arn:aws:iam::222222222222:saml-provider/corp",
            "sts:AssumeRoleWithSAML",
            Unproven,
        ),
    ] {
        let trust = format!(
            r#"{{"Effect":"Allow","Principal":{{"Federated":"{provider}"}},"Action":"sts:*"}}"#
        );
        let request = Request::new(Who::of(provider), action, TRUST);
        is(expected, &request, &resource(document(&trust)));
    }
}

/// Each row: a key that every request of an action has, or may have. The pages are in the tables of `facts.rs`.
#[test]
fn a_key_of_every_request_of_an_action_is_not_taken_as_absent() {
    let key = "arn:aws:kms:eu-west-1:111111111111:key/k";
    let secret = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:s";
    let table = "arn:aws:dynamodb:eu-west-1:111111111111:table/t";
    let function = "arn:aws:lambda:eu-west-1:111111111111:function:f";
    let object = "arn:aws:s3:::bucket/key";
    for (name, action, resource, not_in) in [
        (
            "kms:EncryptionAlgorithm",
            "kms:GenerateDataKeyPair",
            key,
            "kms:Sign",
        ),
        (
            "kms:EncryptionAlgorithm",
            "kms:ReEncryptTo",
            key,
            "kms:DescribeKey",
        ),
        ("kms:SigningAlgorithm", "kms:Verify", key, "kms:VerifyMac"),
        ("kms:MacAlgorithm", "kms:VerifyMac", key, "kms:Verify"),
        ("kms:MessageType", "kms:Sign", key, "kms:Decrypt"),
        (
            "kms:KeyAgreementAlgorithm",
            "kms:DeriveSharedSecret",
            key,
            "kms:Sign",
        ),
        (
            "kms:GranteePrincipal",
            "kms:CreateGrant",
            key,
            "kms:ListGrants",
        ),
        (
            "kms:GrantOperations",
            "kms:CreateGrant",
            key,
            "kms:RevokeGrant",
        ),
        ("kms:ReplicaRegion", "kms:ReplicateKey", key, "kms:Sign"),
        (
            "kms:WrappingKeySpec",
            "kms:GetParametersForImport",
            key,
            "kms:Sign",
        ),
        (
            "iam:PolicyARN",
            "iam:AttachGroupPolicy",
            "*",
            "iam:CreatePolicy",
        ),
        ("iam:PolicyARN", "iam:DetachUserPolicy", "*", "iam:GetUser"),
        (
            "iam:AWSServiceName",
            "iam:CreateServiceLinkedRole",
            "*",
            "iam:CreateRole",
        ),
        (
            "sts:TaskPolicyArn",
            "sts:AssumeRoot",
            "*",
            "sts:GetServiceBearerToken",
        ),
        (
            "sts:IdentityTokenAudience",
            "sts:GetWebIdentityToken",
            "*",
            "sts:AssumeRoot",
        ),
        (
            "lambda:Principal",
            "lambda:AddPermission",
            function,
            "lambda:GetFunction",
        ),
        (
            "lambda:FunctionUrlAuthType",
            "lambda:InvokeFunctionUrl",
            function,
            "lambda:GetFunction",
        ),
        ("events:source", "events:PutEvents", "*", "events:ListRules"),
        (
            "secretsmanager:SecretId",
            "secretsmanager:PutSecretValue",
            secret,
            "secretsmanager:ListSecrets",
        ),
        (
            "dynamodb:LeadingKeys",
            "dynamodb:BatchWriteItem",
            table,
            "dynamodb:Scan",
        ),
        (
            "s3:VersionId",
            "s3:GetObjectVersion",
            object,
            "s3:GetObject",
        ),
        ("s3:signatureAge", "s3:GetObject", object, "iam:GetRole"),
        (
            "apigateway:Request/EndpointType",
            "apigateway:PATCH",
            "*",
            "apigateway:DELETE",
        ),
    ] {
        let under = |operator: &str| {
            format!(r#""Action":"*","Resource":"*","Condition":{{"{operator}":{{"{name}":"x"}}}}"#)
        };
        let but = Policies {
            identity: vec![allow(""), deny(&under("StringEquals"))],
            resource: Some(lets(A)),
            ..Policies::default()
        };
        let only = both(allow(&under("StringNotEquals")), lets(A));
        let ask = |action: &str| Request {
            resource_account: Some(A.to_owned()),
            ..Request::new(Who::of(ROLE), action, resource)
        };
        for policies in [&but, &only] {
            is(Unproven, &ask(action), policies);
            is(Unproven, &ask(&action.to_uppercase()), policies);
            is(Allow, &ask(not_in), policies);
            is(Allow, &ask(action).with(name, ["y"]), policies);
            is(Deny, &ask(action).with(name, ["x"]), policies);
        }
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>
#[test]
fn every_token_has_a_subject_and_an_audience() {
    let oidc = "arn:aws:iam::111111111111:oidc-provider/oidc.example.org/id/A1";
    let saml = "arn:aws:iam::111111111111:saml-provider/corp";
    let (web, assertion) = ("sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML");
    for (provider, action, key, expected) in [
        (oidc, web, "oidc.example.org/id/A1:sub", Unproven),
        (oidc, web, "OIDC.example.org/id/A1:aud", Unproven),
        (oidc, web, "oidc.example.org/id/A1:email", Allow),
        (oidc, web, "oidc.example.org/id/B2:sub", Allow),
        ("www.amazon.com", web, "www.amazon.com:user_id", Unproven),
        ("www.amazon.com", web, "www.amazon.com:sub", Allow),
        (saml, assertion, "SAML:aud", Unproven),
        (saml, assertion, "saml:namequalifier", Unproven),
        (saml, assertion, "saml:mail", Allow),
    ] {
        let trust = |operator: &str| {
            resource(document(&format!(
                r#"{{"Effect":"Allow","Principal":{{"Federated":"{provider}"}},"Action":"{action}","Condition":{{"{operator}":{{"{key}":"x"}}}}}}"#
            )))
        };
        let request = Request::new(Who::of(provider), action, TRUST);
        is(expected, &request, &trust("StringNotEquals"));
        is(
            Allow,
            &request.clone().with(key, ["x"]),
            &trust("StringEquals"),
        );
        is(Deny, &request.with(key, ["x"]), &trust("StringNotEquals"));
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>: a default is for a key that is absent.
#[test]
fn the_default_of_a_variable_is_not_taken_for_a_tag_that_nobody_told() {
    let under = |key: &str| {
        let test = format!(r#""aws:PrincipalAccount":"${{{key}, '111111111111'}}""#);
        identity(allow(&format!(
            r#""Action":"*","Resource":"*","Condition":{{"StringEquals":{{{test}}}}}"#
        )))
    };
    for key in [
        "aws:PrincipalTag/team",
        "aws:ResourceTag/team",
        "aws:RequestTag/team",
    ] {
        is(Unproven, &publish(ROLE, NEAR), &under(key));
        is(Allow, &publish(ROLE, NEAR).with(key, [""; 0]), &under(key));
        is(Deny, &publish(ROLE, NEAR).with(key, ["other"]), &under(key));
    }
    is(Allow, &publish(ROLE, NEAR), &under("aws:username"));
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>
#[test]
fn a_buckets_policy_is_its_own_accounts_and_never_closed_to_its_root_user() {
    let everyone = both(allow(""), lets("*"));
    let denied = Policies {
        identity: vec![allow("")],
        resource: Some(deny(r#""Principal":"*""#)),
        ..Policies::default()
    };
    let root = "arn:aws:iam::111111111111:root";
    for call in ["PutBucketPolicy", "GetBucketPolicy", "DeleteBucketPolicy"] {
        let ask = |who: Who, owner: Option<&str>| Request {
            resource_account: owner.map(str::to_owned),
            ..Request::new(who, format!("s3:{call}"), "arn:aws:s3:::b")
        };
        let far = Some("222222222222");
        is(Allow, &ask(Who::of(ROLE), Some(A)), &everyone);
        is(Deny, &ask(Who::of(ROLE), far), &everyone);
        is(Deny, &ask(Who::of(root), far), &everyone);
        is(Deny, &ask(Who::Anonymous, Some(A)), &everyone);
        is(Deny, &ask(Who::of(ROLE), Some(A)), &denied);
        is(Allow, &ask(Who::of(root), Some(A)), &denied);
        is(Deny, &ask(Who::of(root), far), &denied);
        is(Unproven, &ask(Who::of(root), None), &denied);
        let scps = Policies {
            scps: vec![vec![deny("")]],
            ..denied.clone()
        };
        is(Deny, &ask(Who::of(root), Some(A)), &scps);
    }
    let mut read = Request::new(Who::of(root), "s3:GetBucketAcl", "arn:aws:s3:::b");
    read.resource_account = Some(A.to_owned());
    is(Deny, &read, &denied);
}

/// <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html#vpc-endpoint-policies-gateway>
#[test]
fn a_gateway_endpoint_means_the_root_user_by_an_account() {
    let through = |name: &str| Policies {
        endpoint: Some(lets(name)),
        ..identity(allow(""))
    };
    let table = "arn:aws:dynamodb:eu-west-1:111111111111:table/t";
    let root = "arn:aws:iam::111111111111:root";
    for (action, resource, by_account) in [
        ("dynamodb:GetItem", table, Unproven),
        ("s3:GetObject", "arn:aws:s3:::b/k", Unproven),
        ("sns:Publish", NEAR, Allow),
    ] {
        let ask = |who: &str| Request {
            resource_account: Some(A.to_owned()),
            ..Request::new(Who::of(who), action, resource)
        };
        for name in [A, root] {
            is(by_account, &ask(ROLE), &through(name));
            is(by_account, &ask(USER), &through(name));
            is(Allow, &ask(root), &through(name));
        }
        is(Allow, &ask(ROLE), &through("*"));
        is(Allow, &ask(ROLE), &through(ROLE));
        is(Deny, &ask(ROLE), &through("222222222222"));
    }
}

#[test]
fn a_request_that_contradicts_itself_is_not_allowed() {
    let everything = both(allow(""), lets("*"));
    let other = "arn:aws:iam::111111111111:role/other";
    for (who, arn, expected) in [
        (ROLE, &[ROLE][..], Allow),
        (ROLE, &[other], Unproven),
        (ROLE, &[], Unproven),
        (USER, &[ROLE], Unproven),
        (SESSION, &[ROLE], Allow),
        (SESSION, &[other], Unproven),
    ] {
        let request = publish(who, NEAR).with("aws:PrincipalArn", arn.iter().copied());
        is(expected, &request, &everything);
        is(Deny, &request, &Policies::default());
    }
    for (owner, expected) in [(A, Allow), ("222222222222", Unproven)] {
        let mut request = publish(ROLE, NEAR);
        request.resource_account = Some(owner.to_owned());
        is(expected, &request, &everything);
    }
}

/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>,
/// <https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>
#[test]
fn some_calls_are_granted_by_no_policy_and_some_limited_by_none() {
    let role = "arn:aws:iam::222222222222:role/target";
    let get = Request::new(Who::of(ROLE), "iam:GetRole", role);
    is(Deny, &get, &both(allow(""), lets("*")));
    let confirm = |topic| Request::new(Who::of(ROLE), "sns:ConfirmSubscription", topic);
    is(Allow, &confirm(NEAR), &identity(allow("")));
    is(Unproven, &confirm(FAR), &both(allow(""), lets("*")));
    for (action, resource) in [
        (
            "lambda:InvokeFunctionUrl",
            "arn:aws:lambda:eu-west-1:111111111111:function:f",
        ),
        ("es:ESHttpGet", "arn:aws:es:eu-west-1:111111111111:domain/d"),
    ] {
        let request = Request::new(Who::Anonymous, action, resource);
        is(Unproven, &request, &resource_policy(r#""Principal":"*""#));
        is(Deny, &request, &Policies::default());
    }
    let service = "ecs.amazonaws.com";
    let linked =
        "arn:aws:iam::111111111111:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
    for (target, expected) in [(linked, Allow), (TRUST, Deny)] {
        let policies = Policies {
            resource: Some(trust(r#"{"Service":"ecs.amazonaws.com"}"#)),
            rcps: vec![vec![deny(r#""Principal":"*","Action":"sts:*""#)]],
            ..Policies::default()
        };
        is(expected, &assume(service, target), &policies);
    }
}
