use crate::kinds::Resource;
use crate::lower;
use crate::policy::{Clause, Document, PrincipalClause, Statement};
use crate::stack::{self, Source};
use crate::verify::{Outcome, Promise, World, prove};

const BASE: &str = r#"
[stack]
name   = "shop"
region = "eu-west-1"
[accounts.shop]
id = "111111111111"
[accounts.orders]
id = "333333333333"
[roles.checkout]
account    = "shop"
trusted_by = "lambda.amazonaws.com"
[roles.refunds]
account    = "orders"
trusted_by = "lambda.amazonaws.com"
[topics.events]
account = "orders"
[queues.inbox]
account   = "shop"
subscribe = "events"
[apis.orders]
account = "orders"
[apis.orders.routes]
"GET /orders/{id}" = { mock = 200 }
"POST /refunds"    = { mock = 200 }
[[access]]
from  = "roles.checkout"
to    = "topics.events"
[[access]]
from  = "roles.checkout"
to    = "apis.orders"
allow = "GET /orders/{id}"
[[access]]
from  = "roles.refunds"
to    = "apis.orders"
allow = "POST /refunds"
"#;

const OUTSIDE: &str = "[[never]]\nwho = \"outside accounts\"\n";

/// What is said of a stack's nevers, of a world in which one document has a statement more.
fn told(text: &str, more: Option<(&str, Statement)>) -> String {
    let more: Vec<(&str, Statement)> = more.into_iter().collect();
    told_with(text, &more)
}

/// The same of a world in which documents have these statements more.
fn told_with(text: &str, more: &[(&str, Statement)]) -> String {
    let source = Source {
        name: "shop.toml".to_owned(),
        text: format!("{BASE}{text}"),
    };
    let stack = match stack::check(&source, &[], &|_| Err(String::new())) {
        Ok(stack) => stack,
        Err(faults) => panic!("{}", faults.render(false)),
    };
    let mut desired = lower::lower(&stack).expect("it fits");
    for (address, statement) in more {
        let address = address.parse().expect("an address");
        let want = desired.wants.get_mut(&address).expect("it is wanted");
        let policy: &mut Document = match &mut want.resource {
            Resource::Role(it) => &mut it.trust,
            other => other.policy_mut().expect("a policy"),
        };
        policy.statements.push(statement.clone());
    }
    let proof = prove(&stack, &desired, &World::wanted(&desired));
    let mut lines = Vec::new();
    for it in proof
        .findings
        .iter()
        .filter(|it| it.promise == Promise::Never)
    {
        match &it.outcome {
            Outcome::Proved => {}
            Outcome::Known(parts) => panic!("a never accepts nothing: {parts:?}"),
            Outcome::Failed(evidence) => {
                for it in evidence {
                    assert!(it.request.is_some(), "{it:?}");
                    assert!(!it.blame.is_empty(), "{it:?}");
                    lines.push(it.says.clone());
                }
            }
            Outcome::Unproven(reasons) => lines.push(format!("unproven: {}", reasons.join("; "))),
        }
    }
    assert!(proof.findings.iter().any(|it| it.promise == Promise::Never));
    lines.join("\n")
}

fn foreign(principal: PrincipalClause, action: &str) -> Statement {
    Statement::allow("Theirs", Clause::of([action]))
        .to(principal)
        .on(["*"])
}

#[test]
fn what_is_kept_among_the_stacks_accounts_lets_nobody_else_in() {
    assert_eq!(told(OUTSIDE, None), "");
}

#[test]
fn an_account_that_is_let_in_is_outside() {
    let access = "[[access]]\nfrom = { account = \"999999999999\" }\nto = \"topics.events\"\nvia = \"resource-policy\"\n";
    assert_eq!(
        told(&format!("{access}{OUTSIDE}"), None),
        "account 999999999999 may publish to topics.events"
    );
    let assumed = access.replace("resource-policy", "assume-role");
    assert_eq!(
        told(&format!("{assumed}{OUTSIDE}"), None),
        "account 999999999999 may publish to topics.events by assuming roles.events-for-999999999999"
    );
    assert_eq!(
        told(
            &format!("{assumed}{OUTSIDE}except = {{ account = \"999999999999\" }}\n"),
            None
        ),
        ""
    );
}

#[test]
fn whoever_may_assume_a_role_that_may_is_let_in() {
    let role = "[roles.door]\naccount = \"shop\"\ntrusted_by = [\"arn:aws:iam::999999999999:role/x\", { account = \"888888888888\", role_prefix = \"ci-\" }]\n[[access]]\nfrom = \"roles.door\"\nto = \"topics.events\"\n";
    assert_eq!(
        told(&format!("{role}{OUTSIDE}to = \"topics.events\"\n"), None),
        "arn:aws:iam::999999999999:role/x may publish to topics.events by assuming roles.door\n\
         roles ci-* of account 888888888888 may publish to topics.events by assuming roles.door"
    );
    assert_eq!(
        told(&format!("{role}{OUTSIDE}except = \"roles.door\"\n"), None),
        ""
    );
}

#[test]
fn a_strangers_statement_counts() {
    let stranger = PrincipalClause::aws(["arn:aws:iam::999999999999:role/x"]);
    assert_eq!(
        told(OUTSIDE, Some(("topics.events", foreign(stranger, "sns:*")))),
        "arn:aws:iam::999999999999:role/x may publish to topics.events\n\
         arn:aws:iam::999999999999:role/x may subscribe to topics.events"
    );
    let conditioned = foreign(PrincipalClause::anyone(), "sns:Publish").when(
        "StringEquals",
        "aws:PrincipalOrgID",
        ["o-1"],
    );
    let says = told(OUTSIDE, Some(("topics.events", conditioned)));
    assert!(
        says.contains("anyone of any account may publish to topics.events"),
        "{says}"
    );
    let fenced = foreign(PrincipalClause::anyone(), "sns:Publish").when(
        "StringEquals",
        "aws:PrincipalAccount",
        ["111111111111"],
    );
    assert_eq!(told(OUTSIDE, Some(("topics.events", fenced))), "");
}

#[test]
fn another_accounts_topic_that_delivers_is_outside() {
    let open = foreign(
        PrincipalClause::service(["sns.amazonaws.com"]),
        "sqs:SendMessage",
    );
    let theirs = open.clone().when(
        "ArnEquals",
        "aws:SourceArn",
        ["arn:aws:sns:eu-west-1:999999999999:x"],
    );
    let only = "[[never]]\nwho = \"outside accounts\"\nto = \"queues.inbox\"\n";
    assert_eq!(
        told(only, Some(("queues.inbox", theirs))),
        "sns.amazonaws.com may send to queues.inbox"
    );
    assert_eq!(
        told(only, Some(("queues.inbox", open))),
        "sns.amazonaws.com may send to queues.inbox"
    );
}

#[test]
fn nobody_but_one_may_call_a_route() {
    let claim = |except: &str| {
        format!(
            "[[never]]\nwho = \"anyone\"\nto = \"apis.orders\"\ndo = \"POST /refunds\"\nexcept = \"{except}\"\n"
        )
    };
    assert_eq!(told(&claim("roles.refunds"), None), "");
    assert_eq!(
        told(&claim("roles.checkout"), None),
        "roles.refunds may call POST /refunds of apis.orders"
    );
    let theirs = PrincipalClause::aws(["arn:aws:iam::333333333333:role/other"]);
    let statement = foreign(theirs, "execute-api:Invoke").on(["execute-api:/*"]);
    assert_eq!(
        told(&claim("roles.refunds"), Some(("apis.orders", statement))),
        "arn:aws:iam::333333333333:role/other may call POST /refunds of apis.orders"
    );
}

#[test]
fn one_principal_alone_may_be_forbidden() {
    let claim = |who: &str| {
        format!(
            "[[never]]\nwho = {who}\nto = [\"topics.events\", \"apis.orders\"]\ndo = [\"publish\", \"POST /refunds\"]\nreason = \"r\"\n"
        )
    };
    assert_eq!(
        told(&claim("\"roles.checkout\""), None),
        "roles.checkout may publish to topics.events, and never may: r"
    );
    assert_eq!(
        told(&claim("{ account = \"orders\" }"), None),
        "roles.refunds may call POST /refunds of apis.orders, and never may: r"
    );
    assert_eq!(
        told(
            &claim("{ account = \"shop\", role_prefix = \"other\" }"),
            None
        ),
        ""
    );
}

#[test]
fn no_unsigned_call() {
    let claim = "[[never]]\nwho = \"unsigned callers\"\n";
    assert_eq!(told(claim, None), "");
    let public = "[apis.open]\naccount = \"shop\"\n[apis.open.routes]\n\"GET /\" = { mock = 200, public = true }\n";
    assert_eq!(
        told(&format!("{public}{claim}"), None),
        "anyone, unsigned may call GET / of apis.open"
    );
    let open = foreign(PrincipalClause::anyone(), "sns:Publish");
    assert_eq!(
        told(claim, Some(("topics.events", open))),
        "anyone, unsigned may publish to topics.events"
    );
}

const GITHUB: &str = "token.actions.githubusercontent.com";

/// A role for GitHub's tokens, and what it and those outside the stack may never do.
fn by_token() -> String {
    format!(
        "[roles.ci]\naccount = \"orders\"\ntrusted_by = {{ oidc = \"{GITHUB}\", subjects = \"repo:o/r:*\" }}\n\
         [roles.door]\naccount = \"orders\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [[never]]\nwho = \"roles.ci\"\nto = \"topics.events\"\ndo = \"publish\"\n\
         [[never]]\nwho = \"outside accounts\"\nto = \"topics.events\"\ndo = \"publish\"\n\
         [[never]]\nwho = \"roles.door\"\nto = \"topics.events\"\ndo = \"publish\"\n"
    )
}

#[test]
fn a_session_is_a_way_in_for_whoever_may_assume_its_role() {
    let session = |name: &str| {
        PrincipalClause::aws([format!("arn:aws:sts::333333333333:assumed-role/{name}/job")])
    };
    let says = told(
        &by_token(),
        Some(("topics.events", foreign(session("ci"), "sns:Publish"))),
    );
    assert_eq!(
        says,
        format!(
            "the session `job` of roles.ci may publish to topics.events\n\
             arn:aws:iam::333333333333:oidc-provider/{GITHUB} may publish to topics.events by assuming roles.ci"
        )
    );
    // A role that its session may assume lets it in, too.
    let assume = Statement::allow("Theirs", Clause::of(["sts:AssumeRole"])).to(session("ci"));
    let publishes = "[[access]]\nfrom = \"roles.door\"\nto = \"topics.events\"\n[[never]]\nwho = \"roles.ci\"\nto = \"topics.events\"\ndo = \"publish\"\n";
    let role = by_token();
    let role = role.split("[[never]]").next().expect("the roles");
    assert_eq!(
        told(&format!("{role}{publishes}"), Some(("roles.door", assume))),
        "the session `job` of roles.ci may publish to topics.events by assuming roles.door"
    );
    // Of a role that nobody declared, the name is what is known.
    let claim = "[[never]]\nwho = { account = \"orders\", role_prefix = \"team/x-\" }\nto = \"topics.events\"\ndo = \"publish\"\n";
    for (name, says) in [
        (
            "x-1",
            "arn:aws:sts::333333333333:assumed-role/x-1/job may publish to topics.events",
        ),
        ("y-1", ""),
    ] {
        let statement = foreign(session(name), "sns:Publish");
        assert_eq!(told(claim, Some(("topics.events", statement))), says);
    }
}

#[test]
fn a_session_has_the_name_that_the_trust_policy_asks_for() {
    let mut statement = Statement::allow("Theirs", Clause::of(["sts:AssumeRole"]))
        .to(PrincipalClause::aws(["arn:aws:iam::999999999999:role/x"]));
    let session = PrincipalClause::aws(["arn:aws:sts::333333333333:assumed-role/door/job"]);
    let role = "[roles.door]\naccount = \"orders\"\ntrusted_by = \"lambda.amazonaws.com\"\n";
    let claim = "[[never]]\nwho = \"outside accounts\"\nto = \"topics.events\"\ndo = \"publish\"\n";
    for (name, is_open) in [("job", true), ("j*", true), ("other", false)] {
        statement.conditions.clear();
        let trust = statement
            .clone()
            .when("StringLike", "sts:RoleSessionName", [name]);
        let topic = foreign(session.clone(), "sns:Publish");
        let says = told_with(
            &format!("{role}{claim}"),
            &[("roles.door", trust), ("topics.events", topic)],
        );
        assert_eq!(
            says.contains("role/x may publish"),
            is_open,
            "{name}: {says}"
        );
    }
}

#[test]
fn a_provider_that_is_asked_for_lets_in_the_roles_that_trust_it() {
    let provider = |name: &str| format!("arn:aws:iam::333333333333:oidc-provider/{name}");
    let open = |name: &str| {
        let statement = foreign(PrincipalClause::anyone(), "sns:Publish");
        let statement = statement.when("StringEquals", "aws:FederatedProvider", [provider(name)]);
        told(&by_token(), Some(("topics.events", statement)))
    };
    assert_eq!(
        open(GITHUB),
        format!(
            "roles.ci may publish to topics.events\n\
             {} may publish to topics.events by assuming roles.ci",
            provider(GITHUB)
        )
    );
    // No role of the stack trusts it.
    assert_eq!(open("example.com"), "");
}

#[test]
fn a_user_may_be_forbidden() {
    let bob = "arn:aws:iam::999999999999:user/team/bob";
    let claim = format!("[[never]]\nwho = \"{bob}\"\nto = \"topics.events\"\ndo = \"publish\"\n");
    assert_eq!(told(&claim, None), "");
    let named = |arn: &str| foreign(PrincipalClause::aws([arn]), "sns:Publish");
    let says = format!("{bob} may publish to topics.events");
    assert_eq!(told(&claim, Some(("topics.events", named(bob)))), says);
    let other = named("arn:aws:iam::999999999999:user/team/ann");
    assert_eq!(told(&claim, Some(("topics.events", other))), "");
    let account = told(&claim, Some(("topics.events", named("999999999999"))));
    assert!(
        account.contains("may publish to topics.events"),
        "{account}"
    );
    let except = format!("{OUTSIDE}to = \"topics.events\"\ndo = \"publish\"\nexcept = \"{bob}\"\n");
    assert_eq!(told(&except, Some(("topics.events", named(bob)))), "");
}

#[test]
fn a_pattern_that_overlaps_what_is_let_in_is_let_in() {
    let account = "account = \"888888888888\"";
    let oidc = "oidc = \"token.actions.githubusercontent.com\"";
    let topic = "to = \"topics.events\"";
    for (access, never, to) in [
        (
            format!("{{ {account}, role_prefix = \"deploy-\" }}"),
            format!("{{ {account}, role_prefix = \"dep\" }}"),
            topic,
        ),
        (
            format!("{{ {account}, role_prefix = \"deploy-\" }}"),
            format!("{{ {account}, role_prefix = \"deploy-blue\" }}"),
            topic,
        ),
        (
            format!("{{ {oidc}, subjects = \"repo:o/n:ref:refs/heads/main\" }}"),
            format!("{{ {oidc}, subjects = \"repo:o/*\" }}"),
            topic,
        ),
        (
            format!("{{ {oidc}, subjects = \"repo:o/n:ref:refs/heads/*\" }}"),
            format!("{{ {oidc}, subjects = \"repo:o/*:main\" }}"),
            topic,
        ),
        (
            "{ service = \"s3.amazonaws.com\", source = \"arn:aws:s3:::up*\" }".to_owned(),
            "{ service = \"s3.amazonaws.com\", source = \"arn:aws:s3:::u*\" }".to_owned(),
            topic,
        ),
    ] {
        for via in ["resource-policy", "assume-role"] {
            let takes = match via {
                "resource-policy" => !access.contains("oidc"),
                _ => !access.contains("service"),
            };
            if !takes {
                continue;
            }
            let text = format!(
                "[[access]]\nfrom = {access}\n{to}\nvia = \"{via}\"\n[[never]]\nwho = {never}\n{to}\n"
            );
            let says = told(&text, None);
            assert!(
                says.contains("may publish to topics.events") && !says.contains("unproven"),
                "{text}: {says}"
            );
        }
    }
    let by_end = foreign(PrincipalClause::aws(["888888888888"]), "sns:Publish").when(
        "ArnLike",
        "aws:PrincipalArn",
        ["arn:aws:iam::888888888888:role/*-deploy"],
    );
    let begins = format!(
        "[[never]]\nwho = {{ {account}, role_prefix = \"x-\" }}\n{topic}\ndo = \"publish\"\n"
    );
    let says = told(&begins, Some(("topics.events", by_end)));
    assert!(says.contains("may publish to topics.events"), "{says}");
    // What does not meet stays apart.
    let apart = format!(
        "[[access]]\nfrom = {{ {account}, role_prefix = \"deploy-\" }}\n{topic}\n[[never]]\nwho = {{ {account}, role_prefix = \"build-\" }}\n{topic}\n"
    );
    assert_eq!(told(&apart, None), "");
}

#[test]
fn an_account_may_act_by_its_root_user_alone() {
    let root = PrincipalClause::aws(["arn:aws:iam::888888888888:root"]);
    let only = foreign(root, "sns:Publish").when(
        "ArnEquals",
        "aws:PrincipalArn",
        ["arn:aws:iam::888888888888:root"],
    );
    assert_eq!(
        told(
            &format!("{OUTSIDE}to = \"topics.events\"\ndo = \"publish\"\n"),
            Some(("topics.events", only))
        ),
        "account 888888888888 may publish to topics.events"
    );
}

#[test]
fn whom_a_condition_keeps_to_one_account_is_called_so() {
    let anyone = "[[never]]\nwho = \"anyone\"\nto = \"topics.events\"\ndo = \"publish\"\nexcept = \"roles.checkout\"\n";
    let of_source = foreign(PrincipalClause::anyone(), "sns:Publish").when(
        "StringEquals",
        "AWS:SourceOwner",
        ["333333333333"],
    );
    let found = told(anyone, Some(("topics.events", of_source)));
    assert!(
        found.contains("any principal of account orders (333333333333) may publish"),
        "{found}"
    );
    assert!(found.contains("any AWS service may publish"), "{found}");
    assert!(!found.contains("of any account"), "{found}");
}

#[test]
fn who_may_publish_to_a_topic_sends_to_the_queues_that_it_delivers_to() {
    let claim = |who: &str, more: &str| {
        format!("[[never]]\nwho = {who}\nto = \"queues.inbox\"\ndo = \"send\"\n{more}")
    };
    assert_eq!(
        told(&claim("\"roles.checkout\"", ""), None),
        "roles.checkout may publish to topics.events, which delivers to queues.inbox"
    );
    assert_eq!(told(&claim("\"roles.refunds\"", ""), None), "");
    assert_eq!(told(&claim("\"outside accounts\"", ""), None), "");
    let theirs = foreign(
        PrincipalClause::aws(["arn:aws:iam::888888888888:role/x"]),
        "sns:Publish",
    );
    assert_eq!(
        told(
            &claim("\"outside accounts\"", ""),
            Some(("topics.events", theirs))
        ),
        "arn:aws:iam::888888888888:role/x may publish to topics.events, which delivers to queues.inbox"
    );
    // Of anyone at all, SNS itself is the answer, unless it is accepted.
    assert_eq!(
        told(&claim("\"anyone\"", ""), None),
        "sns.amazonaws.com may send to queues.inbox"
    );
}
