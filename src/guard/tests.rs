//! Each guardrail: where it speaks, where it rightly does not, and whom an acceptance reaches.

use super::*;
use crate::lower;
use crate::policy::Document;
use crate::stack::{self, Source};

const STACK: &str = r#"
[stack]
name   = "s"
region = "eu-west-1"
[accounts.a]
id = "111111111111"

[roles.r]
trusted_by = "lambda.amazonaws.com"
[topics.t]
[queues.q]
subscribe = "t"
[queues.alone]
[apis.a]
[apis.a.routes]
"GET /x"    = { mock = 200 }
"GET /open" = { mock = 200, public = true }
[apis.p]
endpoint      = "private"
vpc_endpoints = ["vpce-0123456789abcdef0"]
[apis.p.routes]
"GET /x" = { mock = 200 }

[[access]]
from = "roles.r"
to   = "topics.t"
[[access]]
from  = "roles.r"
to    = "apis.p"
allow = "GET /x"
"#;

/// What is done to a world.
type Deed = fn(&mut World);

/// A guardrail, what goes over it, what is like that and does not, and how much it weighs.
struct Case {
    code: &'static str,
    address: &'static str,
    severity: &'static str,
    breach: Deed,
    harmless: Deed,
}

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn document(statement: &str) -> Document {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    Document::parse(&text).expect("a policy")
}

fn thing<'a>(world: &'a mut World, of: &str) -> &'a mut Thing {
    world.things.get_mut(&address(of)).expect("it is there")
}

/// Puts a statement beside those of a resource's policy.
fn beside(world: &mut World, of: &str, statement: &str) {
    let paper = thing(world, of).policy.as_mut().expect("a policy");
    paper
        .document
        .statements
        .extend(document(statement).statements);
}

fn says(world: &mut World, statement: &str) {
    thing(world, "apis.p").policy =
        Some(Paper::resource("the policy of apis.p", document(statement)));
}

fn owns(world: &mut World, statement: &str) {
    if let What::Role { identity, .. } = &mut thing(world, "roles.r").what {
        identity.push(Paper::identity(
            "a policy of roles.r",
            document(statement),
            Origin::Foreign,
        ));
    }
}

fn authorizer(world: &mut World, route: &str, name: &str) {
    if let What::Api(surface) = &mut thing(world, "apis.a").what {
        let mut methods = surface.methods.iter_mut();
        let (_, method) = methods
            .find(|it| it.0.to_string() == route)
            .expect("a route");
        name.clone_into(method);
    }
}

fn key_of(world: &mut World, of: &str, key: &str) {
    if let What::Queue { encryption } = &mut thing(world, of).what {
        *encryption = Encryption::Kms {
            key: key.to_owned(),
            reuse: 300,
        };
    }
}

const CASES: [Case; 13] = [
    Case {
        code: "PG001",
        address: "topics.t",
        severity: "error",
        breach: |it| {
            beside(
                it,
                "topics.t",
                r#"{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*"}"#,
            );
        },
        harmless: |it| {
            beside(
                it,
                "topics.t",
                r#"{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":"222222222222"}}}"#,
            );
        },
    },
    Case {
        code: "PG002",
        address: "apis.a",
        severity: "error",
        breach: |it| authorizer(it, "GET /x", "NONE"),
        // The stack says of this one that it is public.
        harmless: |it| authorizer(it, "GET /open", "NONE"),
    },
    Case {
        code: "PG002",
        address: "apis.a",
        severity: "error",
        breach: |it| authorizer(it, "GET /x", ""),
        harmless: |it| authorizer(it, "GET /x", "COGNITO_USER_POOLS"),
    },
    Case {
        code: "PG003",
        address: "roles.r",
        severity: "warning",
        breach: |it| {
            owns(
                it,
                r#"{"Effect":"Allow","Action":"sns:Publish","Resource":"arn:aws:sns:*:*:t"}"#,
            );
        },
        harmless: |it| {
            owns(
                it,
                r#"{"Effect":"Allow","Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:111111111111:*"}"#,
            );
        },
    },
    Case {
        code: "PG004",
        address: "queues.q",
        severity: "error",
        breach: |it| {
            beside(
                it,
                "queues.q",
                r#"{"Effect":"Allow","NotPrincipal":{"AWS":"222222222222"},"Action":"sqs:SendMessage","Resource":"*"}"#,
            );
        },
        harmless: |it| {
            beside(
                it,
                "queues.q",
                r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:role/x"},"Action":"sqs:SendMessage","Resource":"*"}"#,
            );
        },
    },
    Case {
        code: "PG005",
        address: "queues.q",
        severity: "error",
        breach: |it| {
            beside(
                it,
                "queues.q",
                r#"{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}"#,
            );
        },
        harmless: |it| {
            beside(
                it,
                "queues.q",
                r#"{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:eu-west-1:222222222222:u"}}}"#,
            );
        },
    },
    Case {
        code: "PG006",
        address: "queues.q",
        severity: "warning",
        breach: |it| key_of(it, "queues.q", "alias/aws/sqs"),
        harmless: |it| {
            // Nothing is to be delivered into this one; and that key's policy may be changed.
            key_of(it, "queues.alone", "alias/aws/sqs");
            key_of(it, "queues.q", "alias/mine");
        },
    },
    Case {
        code: "PG006",
        address: "queues.q",
        severity: "warning",
        breach: |it| {
            key_of(
                it,
                "queues.q",
                "arn:aws:kms:eu-west-1:111111111111:alias/aws/sqs",
            );
        },
        harmless: |it| {
            key_of(
                it,
                "queues.q",
                "arn:aws:kms:eu-west-1:111111111111:alias/aws/sqs-mine",
            );
        },
    },
    Case {
        code: "PG007",
        address: "apis.p",
        severity: "error",
        breach: |it| {
            says(
                it,
                r#"{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*"}"#,
            );
        },
        harmless: |it| {
            says(
                it,
                r#"{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-0123456789abcdef0"}}}"#,
            );
        },
    },
    Case {
        code: "PG008",
        address: "roles.r",
        severity: "warning",
        breach: |it| {
            beside(
                it,
                "roles.r",
                r#"{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sts:AssumeRole"}"#,
            );
        },
        harmless: |it| {
            beside(
                it,
                "roles.r",
                r#"{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sts:AssumeRole","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::222222222222:role/a-*"}}}"#,
            );
        },
    },
    Case {
        code: "PG009",
        address: "roles.r",
        severity: "warning",
        breach: |it| {
            owns(
                it,
                r#"{"Effect":"Allow","Action":"sns:Publsh","Resource":"arn:aws:sns:eu-west-1:111111111111:t"}"#,
            );
        },
        harmless: |it| {
            owns(
                it,
                r#"{"Effect":"Allow","Action":["sns:publish","s3:GetObjekt"],"Resource":"arn:aws:sns:eu-west-1:111111111111:t"}"#,
            );
        },
    },
    Case {
        code: "PG010",
        address: "topics.t",
        severity: "warning",
        breach: |it| {
            beside(
                it,
                "topics.t",
                r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:111111111111:t","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/r*"}}}"#,
            );
        },
        harmless: |it| {
            beside(
                it,
                "topics.t",
                r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:111111111111:t","Condition":{"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::111111111111:role/provision/s/r*","arn:aws:iam::111111111111:role/x*"]}}}"#,
            );
        },
    },
    Case {
        code: "PG011",
        address: "topics.t",
        severity: "warning",
        breach: |it| {
            beside(
                it,
                "topics.t",
                r#"{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abc"}}}"#,
            );
        },
        harmless: |it| {
            beside(
                it,
                "topics.t",
                r#"{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abc"},"StringNotEquals":{"aws:PrincipalAccount":"111111111111"}}}"#,
            );
        },
    },
];

fn told(deed: Deed, accepts: &[(&str, &str)]) -> Guarded {
    let mut text = STACK.to_owned();
    for (at, code) in accepts {
        let head = format!("[{at}]\n");
        assert!(text.contains(&head), "{at}");
        text = text.replacen(
            &head,
            &format!("{head}accept = {{ {code} = \"as agreed\" }}\n"),
            1,
        );
    }
    let source = Source {
        name: "s.toml".to_owned(),
        text,
    };
    let stack = stack::check(&source, &[], &|_| Err(String::new()))
        .unwrap_or_else(|it| panic!("{}", it.render(false)));
    let desired = lower::lower(&stack).expect("it fits");
    let mut world = World::wanted(&desired);
    deed(&mut world);
    guard(&desired, &world)
}

fn lines(guarded: &Guarded) -> Vec<String> {
    let findings = guarded.findings.iter();
    let findings = findings.map(|it| {
        let accepted = it
            .accepted
            .as_ref()
            .map_or_else(String::new, |why| format!(": {why}"));
        format!(
            "{} {} {}{accepted}",
            it.guardrail.code(),
            it.severity.as_str(),
            it.address
        )
    });
    findings.collect()
}

fn unneeded(guarded: &Guarded) -> Vec<String> {
    let all = guarded.unneeded.iter();
    all.map(|it| format!("{} {}", it.guardrail.code(), it.address))
        .collect()
}

#[test]
fn what_the_engine_makes_goes_over_no_guardrail() {
    assert_eq!(told(|_| {}, &[]), Guarded::default());
}

#[test]
fn every_guardrail_speaks_where_it_should_and_nowhere_else() {
    for case in &CASES {
        let found = told(case.breach, &[]);
        let expected = format!("{} {} {}", case.code, case.severity, case.address);
        assert_eq!(lines(&found), [expected], "{}", case.code);
        assert_eq!(found.refuses(), case.severity == "error", "{}", case.code);
        let harmless = told(case.harmless, &[]);
        assert_eq!(lines(&harmless), Vec::<String>::new(), "{}", case.code);
    }
}

#[test]
fn an_acceptance_is_of_one_code_on_one_resource() {
    for case in &CASES {
        let Case {
            code,
            address,
            severity,
            ..
        } = case;
        let right = told(case.breach, &[(address, code)]);
        assert_eq!(
            lines(&right),
            [format!("{code} {severity} {address}: as agreed")]
        );
        assert!(!right.refuses(), "{code}");
        assert_eq!(unneeded(&right), Vec::<String>::new());

        let other_code = if *code == "PG009" { "PG008" } else { "PG009" };
        let wrong = told(case.breach, &[(address, other_code)]);
        assert_eq!(lines(&wrong), [format!("{code} {severity} {address}")]);
        assert_eq!(wrong.refuses(), *severity == "error", "{code}");
        assert_eq!(unneeded(&wrong), [format!("{other_code} {address}")]);

        let elsewhere = if *address == "topics.t" {
            "queues.q"
        } else {
            "topics.t"
        };
        let wrong = told(case.breach, &[(elsewhere, code)]);
        assert_eq!(lines(&wrong), [format!("{code} {severity} {address}")]);
        assert_eq!(wrong.refuses(), *severity == "error", "{code}");
        assert_eq!(unneeded(&wrong), [format!("{code} {elsewhere}")]);
    }
}

#[test]
fn every_guardrail_has_a_case() {
    for guardrail in Guardrail::ALL {
        let code = guardrail.code();
        assert!(CASES.iter().any(|it| it.code == code), "{code}");
    }
}

#[test]
fn an_action_that_nobody_knows_is_told_of_every_author_but_aws() {
    let managed = |world: &mut World, arn: &str| {
        if let What::Role { identity, .. } = &mut thing(world, "roles.r").what {
            identity.push(Paper::identity(
                format!("the managed policy {arn} of roles.r"),
                document(r#"{"Effect":"Allow","Action":"sns:Whisper","Resource":"arn:aws:sns:eu-west-1:111111111111:t"}"#),
                Origin::Author,
            ));
        }
    };
    let found = |arn: &'static str| {
        let source = Source {
            name: "s.toml".to_owned(),
            text: STACK.to_owned(),
        };
        let stack = stack::check(&source, &[], &|_| Err(String::new())).expect("a stack");
        let desired = lower::lower(&stack).expect("it fits");
        let mut world = World::wanted(&desired);
        managed(&mut world, arn);
        lines(&guard(&desired, &world))
    };
    assert_eq!(
        found("arn:aws:iam::111111111111:policy/tools"),
        ["PG009 warning roles.r"]
    );
    assert_eq!(found("arn:aws:iam::aws:policy/Tools"), Vec::<String>::new());
}

#[test]
fn a_trust_policy_that_the_author_wrote_is_the_authors_and_a_statement_beside_it_is_not() {
    let statement = |account: &str| {
        format!(
            r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{{"AWS":"arn:aws:iam::{account}:root"}}}}"#
        )
    };
    let source = Source {
        name: "s.toml".to_owned(),
        text:
            "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
               [roles.r]\ntrust_policy = \"trust.json\"\n"
                .to_owned(),
    };
    let read = |_: &str| Ok(document(&statement("222222222222")).to_text());
    let stack = stack::check(&source, &[], &read).expect("no fault");
    let desired = lower::lower(&stack).expect("it lowers");
    let mut world = World::wanted(&desired);
    let origins = |world: &World| -> Vec<Origin> {
        let found = guard(&desired, world).findings;
        found.iter().map(|it| it.origin).collect()
    };
    assert_eq!(origins(&world), [Origin::Author]);
    beside(&mut world, "roles.r", &statement("333333333333"));
    assert_eq!(origins(&world), [Origin::Author, Origin::Foreign]);
}
