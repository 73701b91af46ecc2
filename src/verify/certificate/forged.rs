//! Forgeries: a real certificate that was edited to let somebody in, with digests and seal of what it says now.

use serde_json::{Value, json};

use super::super::check::{check, digest};
use super::tests::{made, sealed, text_of};

const TOPIC: &str = "arn:aws:sns:eu-west-1:222222222222:events";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:222222222222:jobs";
const CALLER: &str = "arn:aws:iam::111111111111:role/provision/c/caller";
const EVIL: &str = "arn:aws:iam::999999999998:role/evil";
const PUBLISH: &str = "sns:Publish";

/// Adds a document under its digest.
fn add(it: &mut Value, document: Value) -> String {
    let name = digest(&document);
    it["documents"][&name] = document;
    name
}

/// Adds a statement to a document, wherever it is named.
fn put_into(it: &mut Value, name: &str, statement: &Value) -> usize {
    let mut document = it["documents"][name].clone();
    let all = document["Statement"].as_array_mut().expect("statements");
    all.push(statement.clone());
    let last = all.len() - 1;
    let new = add(it, document);
    let documents = it["documents"].take();
    *it = serde_json::from_str(&it.to_string().replace(name, &new)).expect("JSON");
    it["documents"] = documents;
    last
}

fn claims(it: &mut Value) -> &mut Vec<Value> {
    it["claims"].as_array_mut().expect("claims")
}

fn find<'a>(it: &'a mut Value, sentence: &str) -> &'a mut Value {
    let mut all = claims(it).iter_mut();
    all.find(|it| text_of(&it["claim"]).contains(sentence))
        .expect("such a claim")
}

fn only(thing: &str) -> String {
    let (kind, _) = thing.split_once('.').expect("an address");
    let deed = match kind {
        "topics" => "publish to",
        "queues" => "send to",
        _ => "assume",
    };
    format!("nobody else may {deed} {thing}")
}

/// Adds a statement to a thing's policy, and to what is declared of it: all that is left to explain it are claims and
/// refusals.
fn opened(thing: &str, statement: &Value) -> Value {
    let mut it = made();
    let policy = text_of(&it["things"][thing]["policy"]).to_owned();
    let at = put_into(&mut it, &policy, statement);
    let sentence = only(thing);
    let within = text_of(&find(&mut it, &sentence)["steps"][0]["within"]).to_owned();
    let by = put_into(&mut it, &within, statement);
    let principal = match &statement["Principal"] {
        Value::String(_) => "AWS *".to_owned(),
        names => {
            let (kind, name) = names
                .as_object()
                .and_then(|it| it.iter().next())
                .expect("one");
            format!("{kind} {}", text_of(name))
        }
    };
    let action = text_of(&statement["Action"]).to_ascii_lowercase();
    let of = [principal.as_str(), &action, text_of(&statement["Resource"])];
    let pieces = &mut find(&mut it, &sentence)["steps"][0]["pieces"];
    let pieces = pieces.as_array_mut().expect("pieces");
    pieces.push(json!({"statement": at, "by": by, "of": of}));
    it
}

/// The step of a request, with the documents that a certificate states for it.
fn step(it: &Value, works: bool, request: &Value) -> Value {
    let of_arn = |arn: &Value, field: &str| {
        let mut things = it["things"].as_object().into_iter().flatten();
        things
            .find(|it| it.1["arn"] == *arn)
            .map(|it| it.1[field].clone())
    };
    let policy = of_arn(&request["resource"], "policy");
    let identity = of_arn(&request["principal"], "identity");
    json!({
        "silence": if works { "plain" } else { "anything" },
        "decision": if works { "allow" } else { "deny" },
        "identity": identity, "boundary": Value::Null, "endpoint": Value::Null,
        "resource": policy.unwrap_or(json!("unread")),
        "scps": [], "rcps": [], "by": [], "request": request,
    })
}

fn request(principal: &str, action: &str, resource: &str) -> Value {
    json!({"principal": principal, "action": action, "resource": resource})
}

fn allow(principal: &Value, action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource})
}

fn push_step(it: &mut Value, sentence: &str, step: Value) {
    let steps = find(it, sentence)["steps"].as_array_mut();
    steps.expect("steps").push(step);
}

/// A claim of one step, before all others.
fn claimed(it: &mut Value, sentence: &str, subject: &str, step: &Value) {
    let claim = json!({
        "claim": sentence, "promise": "may", "verdict": "proved", "subject": subject, "steps": [step],
    });
    claims(it).insert(0, claim);
}

fn refused(what: &str, it: Value) {
    assert!(check(&sealed(it)).is_err(), "{what}");
}

#[test]
fn a_statement_that_changes_nothing_is_accepted_and_one_that_lets_others_in_is_not() {
    let own = json!({"AWS": "arn:aws:iam::222222222222:root"});
    let harmless = opened(
        "topics.events",
        &allow(&own, "sns:GetTopicAttributes", TOPIC),
    );
    check(&sealed(harmless)).expect("it lets in whom the account lets in");
    for (thing, action, on) in [
        ("topics.events", PUBLISH, TOPIC),
        ("queues.jobs", "sqs:ReceiveMessage", QUEUE),
    ] {
        for principal in [
            json!({"AWS": EVIL}),
            json!({"AWS": "arn:aws:iam::999999999998:root"}),
            json!({"AWS": "arn:aws:iam::222222222222:user/eve"}),
            json!({"AWS": "arn:aws:sts::222222222222:assumed-role/x/s"}),
            json!({"Service": "events.amazonaws.com"}),
            json!("*"),
        ] {
            let it = opened(thing, &allow(&principal, action, on));
            refused(&format!("{principal} {action}"), it);
        }
    }
}

/// No refusal explains a statement but that of a caller whose policies the certificate has, of this action on this thing.
#[test]
fn a_refusal_that_is_made_up_explains_nothing() {
    let user = "arn:aws:iam::222222222222:user/eve";
    let session = "arn:aws:sts::222222222222:assumed-role/other/s";
    let elsewhere = format!("{TOPIC}2");
    let names = |who: &str| match who {
        "*" => json!("*"),
        _ if who.contains(':') => json!({"AWS": who}),
        _ => json!({"Service": who}),
    };
    let with = |who: &str, on: &str, change: &dyn Fn(&mut Value, &mut Value)| {
        let mut it = opened("topics.events", &allow(&names(who), PUBLISH, TOPIC));
        let mut shown = step(&it, false, &request(who, PUBLISH, on));
        change(&mut it, &mut shown);
        push_step(&mut it, &only("topics.events"), shown);
        it
    };
    let deny = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]});
    for who in [EVIL, user, session, "events.amazonaws.com", "*"] {
        refused(who, with(who, TOPIC, &|_, _| {}));
        refused(
            &format!("{who} on another"),
            with(who, &elsewhere, &|_, _| {}),
        );
        refused(
            &format!("{who} with no policies"),
            with(who, TOPIC, &|_, step| step["identity"] = json!([])),
        );
        refused(
            &format!("{who} under a policy"),
            with(who, TOPIC, &|it, step| {
                step["identity"] = json!([add(it, deny.clone())]);
            }),
        );
        refused(
            &format!("{who} under an SCP of the step"),
            with(who, TOPIC, &|it, step| {
                step["scps"] = json!([[add(it, deny.clone())]]);
            }),
        );
        refused(
            &format!("{who} under an SCP of an account"),
            with(who, TOPIC, &|it, step| {
                let scps = json!([[add(it, deny.clone())]]);
                let account = who.split(':').nth(4).unwrap_or("999999999998");
                it["accounts"][account] = json!({"scps": scps, "rcps": []});
                step["scps"] = scps;
            }),
        );
        refused(
            &format!("{who} with another owner"),
            with(who, TOPIC, &|_, step| {
                step["request"]["resourceAccount"] = json!("111111111111");
            }),
        );
        refused(
            &format!("{who} through an endpoint"),
            with(who, TOPIC, &|it, step| {
                step["endpoint"] = json!(add(it, deny.clone()));
            }),
        );
    }
    for condition in [
        json!({"StringEquals": {"aws:PrincipalOrgID": "o-evil"}}),
        json!({"StringEquals": {"aws:PrincipalTag/x": "y"}}),
        json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::999999999998:*"}}),
        json!({"StringEquals": {"aws:PrincipalAccount": "999999999998"}}),
        json!({"StringEquals": {"aws:SourceVpce": "v"}}),
        json!({"ArnLike": {"aws:PrincipalArn": [CALLER, EVIL]}}),
        json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/*"}}),
        json!({"ArnLikeIfExists": {"aws:PrincipalArn": CALLER}}),
    ] {
        let mut statement = allow(&json!("*"), PUBLISH, TOPIC);
        statement["Condition"] = condition.clone();
        for silence in ["anything", "plain"] {
            let mut it = opened("topics.events", &statement);
            let mut shown = step(&it, false, &request("*", PUBLISH, TOPIC));
            shown["silence"] = json!(silence);
            push_step(&mut it, &only("topics.events"), shown);
            refused(&format!("{condition}"), it);
        }
        refused(
            &format!("{condition} alone"),
            opened("topics.events", &statement),
        );
    }
    // By the caller's own name it lets in the caller alone.
    let mut statement = allow(&json!("*"), PUBLISH, TOPIC);
    statement["Condition"] = json!({"ArnEquals": {"aws:PrincipalArn": CALLER}});
    check(&sealed(opened("topics.events", &statement))).expect("a claim says so");
}

#[test]
fn a_trust_policy_is_closed_alike() {
    let arn = text_of(&made()["things"]["roles.other"]["arn"]).to_owned();
    for (who, name) in [
        (EVIL, json!({"AWS": EVIL})),
        (
            "arn:aws:iam::999999999998:root",
            json!({"AWS": "arn:aws:iam::999999999998:root"}),
        ),
        ("*", json!("*")),
    ] {
        let statement = json!({"Effect": "Allow", "Principal": name, "Action": "sts:AssumeRole"});
        for on in [arn.clone(), format!("{arn}2")] {
            for scps in [json!([]), json!([[]])] {
                let mut it = opened("roles.other", &statement);
                let mut shown = step(&it, false, &request(who, "sts:AssumeRole", &on));
                shown["scps"] = scps;
                push_step(&mut it, &only("roles.other"), shown);
                refused(&format!("{who} {on}"), it);
            }
        }
    }
}

/// A sentence is about the one it names, and each step is what the sentence says.
#[test]
fn a_claim_that_is_made_up_explains_nothing() {
    let root = json!({"AWS": "arn:aws:iam::999999999998:root"});
    let example = "arn:aws:iam::999999999998:role/provision-verify";
    for who in [
        "banana",
        "roles.ghost",
        "roles.caller",
        "sns.amazonaws.com",
        "account 111111111111",
        "organization o-1",
        "callers in vpc-1",
        "roles a* of account 999999999998",
        "x of token.example.com",
    ] {
        let mut it = opened("topics.events", &allow(&root, PUBLISH, TOPIC));
        let shown = step(&it, true, &request(example, PUBLISH, TOPIC));
        let sentence = format!("{who} may publish to topics.events");
        claimed(&mut it, &sentence, "topics.events", &shown);
        refused(who, it);
    }
    // The account itself may be said to publish: that is a claim, for all to read.
    let mut it = opened("topics.events", &allow(&root, PUBLISH, TOPIC));
    let shown = step(&it, true, &request(example, PUBLISH, TOPIC));
    let sentence = "account 999999999998 may publish to topics.events";
    claimed(&mut it, sentence, "topics.events", &shown);
    check(&sealed(it)).expect("it says so");

    // Whoever is shown beside whom a sentence names.
    let evil = allow(&json!({"AWS": EVIL}), "sns:Subscribe", TOPIC);
    for context in [
        json!({}),
        json!({"aws:SourceArn": [TOPIC]}),
        json!({"sns:Endpoint": [QUEUE]}),
    ] {
        let mut it = opened("topics.events", &evil);
        let mut shown = step(&it, true, &request(EVIL, "sns:Subscribe", TOPIC));
        shown["request"]["context"] = context;
        push_step(&mut it, "receives from", shown);
        refused("a subscription of another", it);
    }
    // A role that the one it names assumes, and that is none of the certificate's.
    let mut it = opened(
        "topics.events",
        &allow(&json!({"AWS": EVIL}), PUBLISH, TOPIC),
    );
    let own = text_of(&it["things"]["roles.caller"]["identity"][0]).to_owned();
    put_into(
        &mut it,
        &own,
        &json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": EVIL}),
    );
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": CALLER}, "Action": "sts:AssumeRole"}
    ]});
    let mut assumed = step(&it, true, &request(CALLER, "sts:AssumeRole", EVIL));
    assumed["resource"] = json!(add(&mut it, trust));
    push_step(&mut it, "roles.caller may publish", assumed);
    let published = step(&it, true, &request(EVIL, PUBLISH, TOPIC));
    push_step(&mut it, "roles.caller may publish", published);
    refused("a role of nobody's", it);
    // More than the sentence says, which the role may.
    let mut it = made();
    let own = text_of(&it["things"]["roles.other"]["identity"][0]).to_owned();
    let more = json!({"Effect": "Allow", "Action": "sns:SetTopicAttributes", "Resource": TOPIC});
    put_into(&mut it, &own, &more);
    let other = text_of(&it["things"]["roles.other"]["arn"]).to_owned();
    let shown = step(&it, true, &request(&other, "sns:SetTopicAttributes", TOPIC));
    push_step(&mut it, "roles.other may publish", shown);
    refused("another deed", it);
    // A tag that the sentence does not say that it has.
    let mut tagged = allow(&json!({"AWS": EVIL}), PUBLISH, TOPIC);
    tagged["Condition"] = json!({"StringEquals": {"aws:PrincipalTag/x": "y"}});
    let mut it = opened("topics.events", &tagged);
    let mut shown = step(&it, true, &request(EVIL, PUBLISH, TOPIC));
    shown["request"]["context"] = json!({"aws:PrincipalTag/x": ["y"]});
    let sentence = format!("{EVIL} may publish to topics.events");
    claimed(&mut it, &sentence, "topics.events", &shown);
    refused("a tag", it);
}

/// What a role's own policies reach is explained too, by whatever spelling they reach it.
#[test]
fn a_role_that_may_more_by_its_own_policies_is_seen() {
    let statement = |action: (&str, Value), resource: (&str, Value)| {
        let mut it = json!({"Effect": "Allow"});
        it[action.0] = action.1;
        it[resource.0] = resource.1;
        it
    };
    let on = |pattern: &str| {
        statement(
            ("Action", json!("sns:Subscribe")),
            ("Resource", json!(pattern)),
        )
    };
    for more in [
        on("arn:aws:sns"),
        on("arn:aws:sns:eu-west-1:222222222222"),
        on("arn:aws:sns:*:222222222222:events"),
        on("arn:aws:sns:eu-west-?:222222222222:events"),
        on("arn:aws:sns:eu-west-1:222222222222:${aws:PrincipalTag/x}"),
        on("arn:*"),
        statement(
            ("Action", json!("sns:Subscribe")),
            ("NotResource", json!("arn:aws:sns:eu-west-1:222222222222:z")),
        ),
        statement(("NotAction", json!("sqs:*")), ("Resource", json!(TOPIC))),
        statement(
            ("Action", json!("SNS:subscrib?")),
            ("Resource", json!(TOPIC)),
        ),
        statement(("Action", json!("*")), ("Resource", json!(TOPIC))),
    ] {
        let mut it = made();
        let own = text_of(&it["things"]["roles.other"]["identity"][0]).to_owned();
        put_into(&mut it, &own, &more);
        refused(&more.to_string(), it);
    }
    // What does not reach the topic changes nothing.
    let mut it = made();
    let own = text_of(&it["things"]["roles.other"]["identity"][0]).to_owned();
    put_into(
        &mut it,
        &own,
        &on("arn:aws:sns:eu-west-1:222222222222:events2"),
    );
    check(&sealed(it)).expect("it is another topic");
}

#[test]
fn a_thing_is_what_its_name_says_and_has_a_name_of_its_own() {
    let mut it = made();
    it["things"]["topics.events"]["arn"] = json!(QUEUE);
    refused("the ARN of another", it);
    let mut it = made();
    let text = it
        .to_string()
        .replace(TOPIC, "arn:aws:sqs:eu-west-1:222222222222:events");
    it = serde_json::from_str(&text).expect("JSON");
    let documents = it["documents"].as_object().expect("documents").clone();
    for (name, document) in documents {
        let text = it.to_string().replace(&name, &digest(&document));
        it = serde_json::from_str(&text).expect("JSON");
    }
    refused("a topic that is a queue", it);
}
