use crate::kinds::Resource;
use crate::lower;
use crate::policy::{Decision, Document, Policies, Request, decide};
use crate::stack::{self, Source};
use crate::verify::{Outcome, Promise, World, prove};

const STACK: &str = r#"
[stack]
name   = "shop"
region = "eu-west-1"
[accounts.orders]
id = "333333333333"
[roles.checkout]
trusted_by = "lambda.amazonaws.com"
[roles.stray]
trusted_by = "lambda.amazonaws.com"
[topics.events]
[[access]]
from = "roles.checkout"
to   = "topics.events"
"#;

const TOPIC: &str = "arn:aws:sns:eu-west-1:333333333333:events";

/// The claims of one kind about the topic, in a world in which `roles.stray` has these statements
/// as its own and the topic these beside the stack's.
fn told(promise: Promise, own: &str, theirs: &str) -> String {
    told_of(STACK, promise, own, theirs)
}

/// The same of another stack.
fn told_of(text: &str, promise: Promise, own: &str, theirs: &str) -> String {
    let source = Source {
        name: "shop.toml".to_owned(),
        text: text.to_owned(),
    };
    let stack = stack::check(&source, &[], &|_| Err(String::new()))
        .unwrap_or_else(|it| panic!("{}", it.render(false)));
    let mut desired = lower::lower(&stack).expect("it fits");
    let read = |statements: &str| {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        Document::parse(&text).expect("a policy")
    };
    for (address, want) in &mut desired.wants {
        match &mut want.resource {
            Resource::Role(it) if address.name == "stray" && !own.is_empty() => {
                it.inline.insert("own".to_owned(), read(own));
            }
            Resource::Topic(it) if !theirs.is_empty() => {
                it.policy.statements.extend(read(theirs).statements);
            }
            _ => {}
        }
    }
    let proof = prove(&stack, &desired, &World::wanted(&desired));
    let of_topic = proof
        .findings
        .iter()
        .filter(|it| it.promise == promise && it.subject.name == "events");
    let lines: Vec<String> = of_topic
        .flat_map(|it| match &it.outcome {
            Outcome::Proved => vec!["proved".to_owned()],
            Outcome::Known(parts) => panic!("nothing is accepted here: {parts:?}"),
            Outcome::Unproven(reasons) => {
                reasons.iter().map(|it| format!("unproven: {it}")).collect()
            }
            Outcome::Failed(evidence) => evidence
                .iter()
                .map(|it| {
                    let request = it.request.as_ref().expect("a request");
                    if request.principal.to_string().ends_with("/stray") {
                        assert_eq!(again(request, own, theirs), Decision::Allow, "{request:?}");
                    }
                    let context: Vec<String> = request
                        .context
                        .iter()
                        .map(|(key, values)| format!(" {key}={}", values.join(",")))
                        .collect();
                    format!("{}{}", it.says, context.concat())
                })
                .collect(),
        })
        .collect();
    lines.join("\n")
}

/// The decision on a request that is told in full.
fn again(request: &Request, own: &str, theirs: &str) -> Decision {
    let read = |statements: &str| {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        Document::parse(&text).expect("a policy")
    };
    let policies = Policies {
        identity: vec![read(own)],
        resource: (!theirs.is_empty()).then(|| read(theirs)),
        ..Policies::default()
    };
    decide(request, &policies).decision
}

fn allow(condition: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Action":"sns:Publish","Resource":"{TOPIC}","Condition":{{{condition}}}}}"#
    )
}

fn deny(condition: &str) -> String {
    format!(
        r#"{{"Sid":"Fence","Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"{TOPIC}","Condition":{{{condition}}}}}"#
    )
}

const SAYS: &str = "roles.stray may sns:Publish on topics.events, and nobody declared it";

#[test]
fn what_is_allowed_in_some_requests_only_is_allowed() {
    for (condition, context) in [
        (
            r#""StringEquals":{"aws:PrincipalTag/team":"x"}"#,
            " aws:PrincipalTag/team=x",
        ),
        (
            r#""Bool":{"aws:MultiFactorAuthPresent":"true"}"#,
            " aws:MultiFactorAuthPresent=true",
        ),
        (
            r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::333333333333:role/*/stray"},"StringLike":{"aws:SourceVpce":"vpce-*"}"#,
            " aws:SourceVpce=vpce-x",
        ),
        (
            r#""ForAnyValue:StringEquals":{"aws:CalledVia":"cloudformation.amazonaws.com"}"#,
            " aws:CalledVia=cloudformation.amazonaws.com",
        ),
        (
            r#""NumericLessThan":{"aws:MultiFactorAuthAge":"300"}"#,
            " aws:MultiFactorAuthAge=0",
        ),
        (
            r#""StringEquals":{"aws:PrincipalOrgID":"o-1"},"Null":{"aws:SourceVpc":"true"}"#,
            " aws:PrincipalOrgID=o-1",
        ),
    ] {
        assert_eq!(
            told(Promise::Only, &allow(condition), ""),
            format!("{SAYS}{context}"),
            "{condition}"
        );
    }
    let range = told(
        Promise::Only,
        &allow(r#""IpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#),
        "",
    );
    assert!(
        range.starts_with(&format!("{SAYS} aws:SourceIp=203.0.113.")),
        "{range}"
    );
}

#[test]
fn a_denial_that_some_requests_escape_clears_nobody() {
    let all = format!(r#"{{"Effect":"Allow","Action":"sns:*","Resource":"{TOPIC}"}}"#);
    let told = |condition: &str| told(Promise::Only, &all, &deny(condition));
    let publish = |condition: &str| {
        let lines = told(condition);
        let line = lines.lines().find(|it| it.contains("sns:Publish"));
        line.unwrap_or_default().to_owned()
    };
    assert_eq!(
        publish(r#""StringNotEquals":{"aws:PrincipalTag/team":"x"}"#),
        format!("{SAYS} aws:PrincipalTag/team=x")
    );
    assert_eq!(
        publish(r#""Null":{"aws:SourceVpce":"true"}"#)
            .split('=')
            .next(),
        Some(format!("{SAYS} aws:SourceVpce").as_str())
    );
    assert_eq!(
        publish(r#""BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}"#),
        format!("{SAYS} aws:MultiFactorAuthPresent=true")
    );
    // This one nobody escapes.
    assert_eq!(
        publish(r#""StringLike":{"aws:PrincipalArn":"arn:aws:iam::333333333333:role/*"}"#),
        ""
    );
}

#[test]
fn what_no_request_can_have_lets_nobody_in() {
    for condition in [
        r#""StringEquals":{"aws:PrincipalAccount":"111111111111"}"#,
        r#""ArnLike":{"aws:SourceArn":"arn:aws:s3:::bucket"}"#,
        r#""StringEquals":{"aws:username":"ann"}"#,
        r#""Bool":{"aws:PrincipalIsAWSService":"true"}"#,
        r#""Null":{"aws:TokenIssueTime":"true"}"#,
        r#""StringEquals":{"aws:PrincipalTag/team":"x"},"Null":{"aws:PrincipalTag/team":"true"}"#,
        r#""StringEquals":{"sns:Protocol":"sqs"}"#,
    ] {
        let found = told(Promise::Only, &allow(condition), "");
        assert!(!found.contains("may sns:Publish"), "{condition}: {found}");
        assert!(
            found == "proved" || condition.contains("PrincipalTag"),
            "{condition}: {found}"
        );
    }
}

#[test]
fn what_nobody_can_know_is_unproven_with_its_reason() {
    for (condition, reason) in [
        (
            r#""StringEquals":{"acme:team":"x"}"#,
            "`acme:team` is not known",
        ),
        (
            r#""StringEquals":{"aws:PrincipalTag/team":"${aws:PrincipalTag/other}"}"#,
            "`aws:PrincipalTag/team` is not known",
        ),
        (
            r#""StringRoughlyEquals":{"aws:SourceVpce":"x"}"#,
            "`StringRoughlyEquals` is no operator that we know",
        ),
    ] {
        let found = told(Promise::Only, &allow(condition), "");
        assert!(found.starts_with("unproven: "), "{condition}: {found}");
        assert!(found.contains(reason), "{condition}: {found}");
    }
}

/// A statement of the topic's policy for everyone, or for an account.
fn open_to(principal: &str, condition: &str) -> String {
    format!(
        r#"{{"Sid":"Open","Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sns:Publish","Resource":"{TOPIC}","Condition":{{{condition}}}}}"#
    )
}

#[test]
fn the_source_of_a_topics_request_lets_in_its_whole_account() {
    for key in [
        "AWS:SourceOwner",
        "aws:SourceAccount",
        "aws:PrincipalAccount",
    ] {
        for (account, who) in [
            (
                "333333333333",
                "any principal of account orders (333333333333)",
            ),
            ("444444444444", "any principal of account 444444444444"),
        ] {
            let statement = open_to("*", &format!(r#""StringEquals":{{"{key}":"{account}"}}"#));
            let found = told(Promise::Only, "", &statement);
            assert!(found.contains(who), "{key} {account}: {found}");
        }
    }
    // SNS's first statement says the same, and ours stands in its place.
    let first = r#"{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"arn:aws:sns:eu-west-1:333333333333:events","Condition":{"StringEquals":{"AWS:SourceOwner":"333333333333"}}}"#;
    let found = told(Promise::Only, "", first);
    assert!(found.contains("any principal of account orders"), "{found}");
}

#[test]
fn a_federated_user_and_a_root_user_are_let_in_by_their_arns() {
    let root = "arn:aws:iam::888888888888:root";
    for (arn, who) in [
        (
            "arn:aws:sts::888888888888:federated-user/*",
            "lets any principal of account 888888888888",
        ),
        (root, "lets arn:aws:iam::888888888888:root sns:Publish"),
    ] {
        let condition = format!(r#""ArnLike":{{"aws:PrincipalArn":"{arn}"}}"#);
        let found = told(Promise::Only, "", &open_to(root, &condition));
        assert!(found.contains(who), "{arn}: {found}");
    }
    // The key has the ARN of a session's role.
    let session = r#""ArnLike":{"aws:PrincipalArn":"arn:aws:sts::888888888888:assumed-role/*"}"#;
    assert_eq!(told(Promise::Only, "", &open_to(root, session)), "proved");
}

#[test]
fn a_stranger_is_no_account_that_is_named() {
    let condition = r#""StringEquals":{"aws:PrincipalOrgID":"o-1"}"#;
    let found = told(
        Promise::Only,
        "",
        &open_to("arn:aws:iam::999999999999:root", condition),
    );
    assert!(
        found.contains("lets any principal of account 999999999999"),
        "{found}"
    );
    assert!(!found.contains("allows everything"), "{found}");
}

#[test]
fn a_plain_call_works_unless_it_depends_on_who_asks() {
    let may = |condition: &str| told(Promise::May, "", &deny(condition));
    for harmless in [
        r#""Bool":{"aws:SecureTransport":"false"}"#,
        r#""StringEquals":{"aws:SourceVpce":"vpce-1"}"#,
        r#""Bool":{"aws:ViaAWSService":"true"}"#,
        r#""StringNotEquals":{"aws:PrincipalAccount":"333333333333"}"#,
    ] {
        assert_eq!(may(harmless), "proved", "{harmless}");
    }
    for (condition, key) in [
        (
            r#""StringNotEquals":{"aws:PrincipalOrgID":"o-1"}"#,
            "`aws:PrincipalOrgID` is not known",
        ),
        (
            r#""StringEquals":{"aws:PrincipalTag/team":"x"}"#,
            "`aws:PrincipalTag/team` is not known",
        ),
        (
            r#""DateLessThan":{"aws:TokenIssueTime":"2026-01-01T00:00:00Z"}"#,
            "the value of `aws:TokenIssueTime` is not given",
        ),
        (
            r#""NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#,
            "the value of `aws:SourceIp` is not given",
        ),
    ] {
        let found = may(condition);
        assert!(found.starts_with("unproven: "), "{condition}: {found}");
        assert!(found.contains(key), "{condition}: {found}");
    }
    assert_eq!(
        may(r#""StringNotEquals":{"aws:SourceVpce":"vpce-1"}"#),
        "roles.checkout is refused sns:Publish on topics.events"
    );
}

/// A topic, a queue and an API, of which `roles.stray` has nothing to do with any.
const WHOLE: &str = r#"
[stack]
name   = "shop"
region = "eu-west-1"
[accounts.orders]
id = "333333333333"
[roles.checkout]
trusted_by = "lambda.amazonaws.com"
[roles.stray]
trusted_by = "lambda.amazonaws.com"
[topics.events]
[queues.inbox]
subscribe = "events"
[apis.desk]
routes = { "GET /x" = { mock = 200 } }
[[access]]
from = "roles.checkout"
to   = "topics.events"
[[access]]
from  = "roles.checkout"
to    = "queues.inbox"
allow = "receive"
"#;

/// What of the claims that nothing else is allowed fails where `roles.stray` has a policy of its own with this statement.
fn failing(policy: &str, effect: &str) -> String {
    let source = Source {
        name: "shop.toml".to_owned(),
        text: WHOLE.to_owned(),
    };
    let stack = stack::check(&source, &[], &|_| Err(String::new()))
        .unwrap_or_else(|it| panic!("{}", it.render(false)));
    let mut desired = lower::lower(&stack).expect("it fits");
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{effect}}}]}}"#);
    let document = Document::parse(&text).expect("a policy");
    for (address, want) in &mut desired.wants {
        if let Resource::Role(it) = &mut want.resource
            && address.name == "stray"
        {
            it.inline.insert(policy.to_owned(), document.clone());
        }
    }
    let proof = prove(&stack, &desired, &World::wanted(&desired));
    let mut lines = Vec::new();
    for (finding, evidence) in proof.failed() {
        assert!(
            finding.claim.starts_with("nobody else may "),
            "{}",
            finding.claim
        );
        lines.extend(evidence.iter().map(|it| it.says.clone()));
    }
    lines.join("\n")
}

#[test]
fn a_role_that_may_change_a_resource_by_its_own_policy_fails_the_claim() {
    const QUEUE: &str = "arn:aws:sqs:eu-west-1:333333333333:inbox";
    const APIS: &str = "arn:aws:apigateway:eu-west-1::/restapis/*";
    let stray = "arn:aws:iam::333333333333:role/*checkout";
    for (action, on, of) in [
        ("sns:SetTopicAttributes", TOPIC, "topics.events"),
        ("sns:AddPermission", TOPIC, "topics.events"),
        ("sns:RemovePermission", "*", "topics.events"),
        ("sns:DeleteTopic", TOPIC, "topics.events"),
        ("sns:Subscribe", TOPIC, "topics.events"),
        ("sqs:SendMessage", QUEUE, "queues.inbox"),
        ("sqs:ReceiveMessage", QUEUE, "queues.inbox"),
        ("sqs:DeleteMessage", QUEUE, "queues.inbox"),
        ("sqs:SetQueueAttributes", QUEUE, "queues.inbox"),
        ("sqs:AddPermission", "arn:aws:sqs:*:*:in*", "queues.inbox"),
        ("sqs:PurgeQueue", QUEUE, "queues.inbox"),
        (
            "sqs:DeleteQueue",
            "arn:aws:sqs:eu-west-1:333333333333:${aws:PrincipalTag/queue}",
            "",
        ),
        ("apigateway:PATCH", APIS, "apis.desk"),
        ("apigateway:PUT", "*", "apis.desk"),
        (
            "apigateway:POST",
            "arn:aws:apigateway:*::/restapis/*/deployments",
            "apis.desk",
        ),
        ("iam:UpdateAssumeRolePolicy", stray, "roles.checkout"),
        ("iam:PutRolePolicy", stray, "roles.checkout"),
        ("iam:AttachRolePolicy", stray, "roles.checkout"),
        ("iam:PassRole", stray, "roles.checkout"),
    ] {
        let found = failing("own", &format!(r#""Action":"{action}","Resource":"{on}""#));
        let expected = match of {
            "" => String::new(),
            of => format!("roles.stray may {action} on {of}, and nobody declared it"),
        };
        assert_eq!(found, expected, "{action}");
    }
    // What is only read is nobody's secret, and no claim.
    for (action, on) in [
        ("sns:GetTopicAttributes", TOPIC),
        ("sqs:GetQueueUrl", QUEUE),
        ("apigateway:GET", APIS),
        (
            "apigateway:PATCH",
            "arn:aws:apigateway:us-east-1::/restapis/*",
        ),
        ("iam:GetRole", stray),
        (
            "sqs:SendMessage",
            "arn:aws:sqs:eu-west-1:333333333333:inbox-2",
        ),
    ] {
        let found = failing("own", &format!(r#""Action":"{action}","Resource":"{on}""#));
        assert_eq!(found, "", "{action}");
    }
    // One sentence for all that changes it.
    let all = failing("own", r#""Action":"sqs:*","Resource":"*""#);
    assert!(
        all.contains(
            "roles.stray may sqs:SendMessage, sqs:ReceiveMessage, sqs:ChangeMessageVisibility, sqs:DeleteMessage and 9 more on queues.inbox"
        ),
        "{all}"
    );
    let but = failing("own", r#""NotAction":"s3:*","Resource":"*""#);
    for of in [
        "topics.events",
        "queues.inbox",
        "apis.desk",
        "roles.checkout",
    ] {
        assert!(
            but.contains(&format!(" on {of}, and nobody")),
            "{of}: {but}"
        );
    }
}

#[test]
fn a_policy_of_the_authors_declares_what_an_access_has_no_words_for() {
    let own = |action: &str| {
        failing(
            "provision-shop.own",
            &format!(r#""Action":"{action}","Resource":"*""#),
        )
    };
    for action in [
        "sns:SetTopicAttributes",
        "sqs:PurgeQueue",
        "apigateway:PATCH",
        "iam:PassRole",
    ] {
        assert_eq!(own(action), "", "{action}");
    }
    assert_eq!(
        own("sqs:SendMessage"),
        "roles.stray may sqs:SendMessage on queues.inbox, and nobody declared it"
    );
}

#[test]
fn a_service_that_publishes_for_the_account_is_not_its_owner() {
    let by = |principal: &str, actions: &str, condition: &str| {
        told(
            Promise::Only,
            "",
            &format!(
                r#"{{"Effect":"Allow","Principal":{principal},"Action":{actions},"Resource":"{TOPIC}","Condition":{{{condition}}}}}"#
            ),
        )
    };
    let publish = r#""sns:Publish""#;
    let of_account = r#""StringEquals":{"aws:SourceAccount":"333333333333"}"#;
    for service in ["s3", "ses", "cloudwatch", "events"] {
        let named = format!(r#"{{"Service":"{service}.amazonaws.com"}}"#);
        for condition in [
            of_account.to_owned(),
            of_account.replace("aws:S", "AWS:S"),
            format!(r#"{of_account},"ArnLike":{{"aws:SourceArn":"arn:aws:{service}:*:*:*"}}"#),
            r#""StringEquals":{"aws:SourceOwner":"333333333333"}"#.to_owned(),
        ] {
            let found = by(&named, publish, &condition);
            let says = format!(
                "the policy of topics.events lets {service}.amazonaws.com sns:Publish on topics.events"
            );
            assert!(found.starts_with(&says), "{condition}: {found}");
        }
    }
    for anyone in [r#""*""#, r#"{"AWS":"*"}"#] {
        for rest in ["", r#","ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:b"}"#] {
            let found = by(anyone, publish, &format!("{of_account}{rest}"));
            assert!(
                found.contains("sns:Publish on topics.events"),
                "{anyone} {rest}: {found}"
            );
        }
    }
    // SNS's own statement, as it writes it now and as it wrote it, lets in the owner's account: every principal of it.
    let all = r#"["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"]"#;
    let anyone = r#"{"AWS":"*"}"#;
    let of_owner = r#""StringEquals":{"AWS:SourceOwner":"333333333333"}"#;
    for (actions, condition) in [
        (all, of_owner),
        (all, of_account),
        (r#"["SNS:Publish","SNS:Subscribe"]"#, of_owner),
    ] {
        let found = by(anyone, actions, condition);
        let who = "any principal of account orders (333333333333)";
        assert!(found.contains(who), "{actions} {condition}: {found}");
    }
    // Where the stack leaves it there, it is declared, and it alone.
    let kept = STACK.replace(
        "[topics.events]",
        "[topics.events]\nowner_statement = false",
    );
    let first = |actions: &str, condition: &str| {
        let statement = format!(
            r#"{{"Effect":"Allow","Principal":{anyone},"Action":{actions},"Resource":"{TOPIC}","Condition":{{{condition}}}}}"#
        );
        told_of(&kept, Promise::Only, "", &statement)
    };
    assert_eq!(first(all, of_owner), "proved");
    assert_eq!(first(all, of_account), "proved");
    assert_ne!(first(publish, of_owner), "proved");
    assert_ne!(first(all, &of_owner.replace('3', "4")), "proved");
}

#[test]
fn an_account_that_is_let_in_is_named_and_no_role_of_it_invented() {
    let found = told(
        Promise::Only,
        "",
        &format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"222222222222"}},"Action":"sns:Publish","Resource":"{TOPIC}"}}"#
        ),
    );
    assert_eq!(
        found,
        "the policy of topics.events lets any principal of account 222222222222 that the stack does not name sns:Publish on topics.events"
    );
}

/// The claims that nobody else may use the topic, where the stack has a statement of its own for everyone under a condition.
fn with_feed(condition: &str, theirs: &str) -> Vec<String> {
    let feed = format!(
        "{STACK}[[statement]]\non = \"topics.events\"\n[statement.statement]\nEffect = \"Allow\"\nPrincipal = \"*\"\n\
         Action = \"sns:Publish\"\n{condition}"
    );
    let source = Source {
        name: "shop.toml".to_owned(),
        text: feed,
    };
    let stack = stack::check(&source, &[], &|_| Err(String::new()))
        .unwrap_or_else(|it| panic!("{}", it.render(false)));
    let mut desired = lower::lower(&stack).expect("it fits");
    let address = "topics.events".parse().expect("an address");
    let want = desired.wants.get_mut(&address).expect("it is wanted");
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{theirs}]}}"#);
    let more = Document::parse(&text).expect("a policy").statements;
    let policy = want.resource.policy_mut().expect("a policy");
    policy.statements.extend(more);
    let proof = prove(&stack, &desired, &World::wanted(&desired));
    let failed = proof.failed().filter(|(it, _)| it.promise == Promise::Only);
    let evidence = failed.flat_map(|it| it.1);
    evidence.map(|it| it.says.clone()).collect()
}

#[test]
fn a_statement_of_the_stack_for_everyone_is_declared_and_one_beside_it_is_not() {
    let conditions = [
        "",
        "Condition = { StringEquals = { \"aws:SourceVpce\" = \"vpce-1\" } }\n",
        "Condition = { IpAddress = { \"aws:SourceIp\" = \"203.0.113.0/24\" } }\n",
        "Condition = { StringEquals = { \"aws:PrincipalTag/team\" = \"x\" } }\n",
        "Condition = { Bool = { \"aws:SecureTransport\" = \"true\" } }\n",
    ];
    for condition in conditions {
        assert_eq!(with_feed(condition, ""), [""; 0], "{condition}");
    }
    for beside in [
        r#"{"Sid":"Theirs","Effect":"Allow","Principal":"*","Action":"sns:SetTopicAttributes","Resource":"*"}"#,
        r#"{"Sid":"Theirs","Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-2"}}}"#,
        r#"{"Sid":"Theirs","Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"sns:Subscribe","Resource":"*"}"#,
    ] {
        let found = with_feed(conditions[1], beside);
        assert!(!found.is_empty(), "{beside}");
        for says in found {
            assert!(
                !says.contains("999999999999:role") && !says.contains("provision-verify"),
                "{says}"
            );
        }
    }
}
