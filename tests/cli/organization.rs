//! An organization's policies: read where `[organization]` says how, and held against every access.

use provision::verify::check::digest;
use serde_json::{Value, json};

use super::Folder;

const WORLD: &str = ".provision/sandbox.json";

const STACK: &str = r#"[stack]
name = "s"
region = "eu-west-1"
[accounts]
a = { id = "111111111111" }
b = { id = "222222222222" }
[roles.p]
account = "b"
trusted_by = "lambda.amazonaws.com"
[roles.near]
account = "a"
trusted_by = "lambda.amazonaws.com"
[topics.t]
account = "a"
[queues.q]
account = "a"
[[access]]
from = "roles.p"
to = "topics.t"
[[access]]
from = "roles.near"
to = "queues.q"
allow = "send"
"#;

const READ: &str = "[organization]\nid = \"999999999999\"\nrole = \"reader\"\n";

/// The management account, two units one below the other, and the stack's accounts in them.
fn organization(policies: Value) -> Value {
    let mut organization = json!({
        "id": "o-a1b2c3d4e5", "management": "999999999999", "root": "r-ab12",
        "enabled": ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"],
        "parents": {
            "111111111111": "ou-ab12-11111111", "222222222222": "ou-ab12-22222222",
            "ou-ab12-22222222": "ou-ab12-11111111", "ou-ab12-11111111": "r-ab12",
        },
    });
    organization["policies"] = policies;
    organization
}

fn policy(kind: &str, target: &str, statement: Value) -> Value {
    let statements = Value::Array(vec![statement]);
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    json!({"p-12345678": {
        "name": "Guard", "type": kind, "targets": [target], "document": document.to_string(),
    }})
}

fn scp(target: &str, statement: Value) -> Value {
    policy("SERVICE_CONTROL_POLICY", target, statement)
}

fn deny(action: &str) -> Value {
    json!({"Sid": "Never", "Effect": "Deny", "Action": action, "Resource": "*"})
}

/// An applied stack, read beside this organization.
fn under(organization: &Value) -> Folder {
    let folder = Folder::new();
    folder.write("s.toml", STACK);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    folder.write("s.toml", &format!("{STACK}{READ}"));
    put(&folder, organization);
    folder
}

fn put(folder: &Folder, organization: &Value) {
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    world["organization"] = organization.clone();
    folder.write(WORLD, &world.to_string());
}

/// The claims of a proof that do not hold, each with its evidence.
fn failed(document: &Value) -> Vec<String> {
    let claims = document["claims"].as_array().expect("claims").iter();
    claims
        .filter(|it| it["outcome"] == "failed")
        .map(Value::to_string)
        .collect()
}

#[test]
fn policies_that_leave_room_change_nothing_and_are_said_to_be_read() {
    let folder = under(&organization(json!({})));
    let who_can = "who-can sns:Publish topics.t --stack";
    for command in ["plan", "verify", "drift", who_can] {
        let line = format!("{command} s.toml --sandbox");
        let ran = folder.run(&line).ends(0);
        let said =
            "Read: the policies (SCPs and RCPs) of organization o-a1b2c3d4e5 over 2 accounts.";
        assert_eq!(ran.err.matches(said).count(), 1, "{line}: {}", ran.err);
        let document = folder.run(&format!("{line} --json")).ends(0).document();
        assert_eq!(document["organization_policies"], "read", "{line}");
    }
}

#[test]
fn an_access_that_a_service_control_policy_denies_does_not_hold() {
    for target in [
        "222222222222",
        "ou-ab12-22222222",
        "ou-ab12-11111111",
        "r-ab12",
    ] {
        let folder = under(&organization(scp(target, deny("sns:Publish"))));
        let document = folder
            .run("verify s.toml --sandbox --json")
            .ends(3)
            .document();
        let failed = failed(&document);
        assert_eq!(failed.len(), 1, "{target}: {failed:?}");
        for said in ["`Guard` (p-12345678)", target, "roles.p", "Never"] {
            assert!(failed[0].contains(said), "{said}: {}", failed[0]);
        }
        folder
            .run("plan s.toml --sandbox")
            .ends(3)
            .says("`Guard` (p-12345678)");
        let who = folder
            .run("who-can sns:Publish topics.t --stack s.toml --sandbox")
            .ends(0);
        assert!(!who.out.contains("roles.p"), "{}", who.out);
    }
}

#[test]
fn apply_changes_nothing_where_an_access_could_not_work() {
    let folder = Folder::new();
    folder.write("s.toml", &format!("{STACK}{READ}"));
    folder.run("drift s.toml --sandbox");
    folder.write("s.toml", "[stack]\nname = \"other\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[queues.other]\n");
    folder.run("apply s.toml --sandbox --yes").ends(0);
    put(&folder, &organization(scp("222222222222", deny("sns:*"))));
    folder.write("s.toml", &format!("{STACK}{READ}"));
    folder
        .run("apply s.toml --sandbox --yes")
        .ends(3)
        .says("`Guard` (p-12345678)");
    let world = folder.read(WORLD);
    assert!(
        !world.contains("topic/t") && !world.contains("\"p\": {"),
        "{world}"
    );
}

#[test]
fn a_level_at_which_no_policy_allows_is_named() {
    let allow = json!({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"});
    let mut world = organization(scp("ou-ab12-22222222", allow));
    world["without_full_access"] = json!(["ou-ab12-22222222"]);
    let folder = under(&world);
    let document = folder
        .run("verify s.toml --sandbox --json")
        .ends(3)
        .document();
    let failed = failed(&document);
    assert_eq!(failed.len(), 1, "{failed:?}");
    let said = "the service control policies at organizational unit ou-ab12-22222222 leave no room for sns:Publish";
    assert!(failed[0].contains(said), "{}", failed[0]);
}

#[test]
fn a_resource_control_policy_stands_over_the_resource_and_not_over_the_caller() {
    let statement = json!({
        "Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*",
    });
    let of = |target| policy("RESOURCE_CONTROL_POLICY", target, statement.clone());
    let folder = under(&organization(of("111111111111")));
    let document = folder
        .run("verify s.toml --sandbox --json")
        .ends(3)
        .document();
    let found = failed(&document);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("the resource control policy `Guard`"),
        "{}",
        found[0]
    );
    under(&organization(of("222222222222")))
        .run("verify s.toml --sandbox")
        .ends(0);
}

#[test]
fn a_perimeter_around_the_organization_lets_its_own_accounts_in() {
    let perimeter = |org: &str| {
        json!({
            "Effect": "Deny", "Principal": "*", "Action": ["sqs:*", "sts:AssumeRole"], "Resource": "*",
            "Condition": {
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": org},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        })
    };
    for (org, code) in [("o-a1b2c3d4e5", 0), ("o-zzzzzzzzzz", 3)] {
        let of = policy("RESOURCE_CONTROL_POLICY", "r-ab12", perimeter(org));
        under(&organization(of))
            .run("verify s.toml --sandbox --strict")
            .ends(code);
    }
}

#[test]
fn regions_that_are_closed_close_accesses_there_alone() {
    for (region, code) in [("eu-west-1", 0), ("eu-central-1", 3)] {
        let closed = json!({
            "Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": [region]}},
        });
        under(&organization(scp("r-ab12", closed)))
            .run("verify s.toml --sandbox --strict")
            .ends(code);
    }
}

#[test]
fn the_management_account_is_under_no_policy() {
    let mut world = organization(scp("r-ab12", deny("sns:Publish")));
    world["management"] = json!("222222222222");
    world["parents"]["222222222222"] = json!("r-ab12");
    let folder = under(&world);
    let stack = format!("{STACK}[organization]\nid = \"222222222222\"\n");
    folder.write("s.toml", &stack);
    folder.run("verify s.toml --sandbox").ends(0);
}

#[test]
fn what_cannot_be_read_is_said_once_with_the_action() {
    let guarded = organization(scp("222222222222", deny("sns:Publish")));
    let folder = under(&guarded);
    // A member account that is no delegated administrator sees the organization and not its tree.
    let member = format!("{STACK}[organization]\nid = \"111111111111\"\n");
    folder.write("s.toml", &member);
    let ran = folder.run("verify s.toml --sandbox").ends(0);
    let said = "organizations:ListRoots is denied";
    assert_eq!(ran.err.matches(said).count(), 1, "{}", ran.err);
    let document = folder
        .run("verify s.toml --sandbox --json")
        .ends(0)
        .document();
    assert_eq!(document["organization_policies"], "not_read");
    let unread = document["organization_policies_not_read"].to_string();
    assert!(unread.contains(said), "{unread}");
    // As a delegated administrator it sees all.
    let mut delegated = guarded;
    delegated["delegated"] = json!(["111111111111"]);
    put(&folder, &delegated);
    folder.run("verify s.toml --sandbox").ends(3);
}

#[test]
fn an_account_of_no_organization_or_of_another_is_said_to_be_so() {
    let folder = under(&Value::Null);
    folder.run("verify s.toml --sandbox").ends(0).tells(
        "account 999999999999 is in no organization, so it shows none of the other accounts",
    );
    let document = folder
        .run("plan s.toml --sandbox --json")
        .ends(0)
        .document();
    assert_eq!(document["organization_policies"], "not_read");
    // What is in none, and is all there is, has no such policies.
    folder.write(
        "alone.toml",
        "[stack]\nname = \"alone\"\nregion = \"eu-west-1\"\n[organization]\nid = \"111111111111\"\n\
         [accounts.a]\nid = \"111111111111\"\n[topics.events]\naccount = \"a\"\n",
    );
    let document = folder
        .run("plan alone.toml --sandbox alone --json")
        .ends(0)
        .document();
    assert_eq!(document["organization_policies"], "none");
    let mut other = organization(scp("r-ab12", deny("sns:Publish")));
    other["parents"]
        .as_object_mut()
        .expect("a table")
        .remove("222222222222");
    put(&folder, &other);
    let document = folder
        .run("verify s.toml --sandbox --json")
        .ends(0)
        .document();
    assert_eq!(document["organization_policies"], "in_part");
    let unread = document["organization_policies_not_read"].to_string();
    assert!(
        unread.contains("account 222222222222 is not in organization o-a1b2c3d4e5"),
        "{unread}"
    );
}

#[test]
fn a_type_that_is_not_enabled_takes_nothing_away() {
    let mut world = organization(scp("r-ab12", deny("sns:Publish")));
    world["enabled"] = json!(["RESOURCE_CONTROL_POLICY"]);
    under(&world).run("verify s.toml --sandbox").ends(0);
}

#[test]
fn what_accounts_stand_under_is_asked_once_and_nothing_without_the_table() {
    let folder = under(&organization(scp("r-ab12", deny("sqs:PurgeQueue"))));
    let calls = |folder: &Folder| {
        let document = folder
            .run("plan s.toml --sandbox --json")
            .ends(0)
            .document();
        document["calls"].to_string()
    };
    let with = calls(&folder);
    assert!(with.contains("organizations"), "{with}");
    folder.write("s.toml", STACK);
    let without = calls(&folder);
    assert!(!without.contains("organizations"), "{without}");
}

#[test]
fn a_certificate_carries_the_policies_and_is_accepted_with_no_claim_left_out_for_them() {
    let certified = |organization: &Value| {
        let folder = under(organization);
        folder
            .run("verify s.toml --sandbox --certificate c.json")
            .ends(0);
        folder.run("verify --check c.json").ends(0);
        let text = folder.read("c.json");
        let made: Value = serde_json::from_str(&text).expect("JSON");
        let claims = made["claims"].as_array().expect("claims").clone();
        let left: Vec<String> = claims
            .iter()
            .filter_map(|it| it["uncertified"].as_str().map(str::to_owned))
            .collect();
        (text, claims.len() - left.len(), left)
    };
    let (plain, count, left) = certified(&organization(json!({})));
    assert!(count > 3 && left.is_empty(), "{left:?}");
    assert!(!plain.contains("s3:*"), "{plain}");
    for of in [
        scp("222222222222", deny("s3:*")),
        rcp("111111111111", "sqs:DeleteQueue"),
    ] {
        let (text, found, left) = certified(&organization(of.clone()));
        assert_eq!((found, left), (count, Vec::new()), "{of}");
        assert!(
            text.contains("s3:*") || text.contains("sqs:DeleteQueue"),
            "{text}"
        );
    }
}

/// A certificate whose text was changed, with every digest and the seal as they are for what it says now.
fn sealed_again(made: &str, from: &str, to: &str) -> String {
    let mut text = made.replace(from, to);
    let changed: Value = serde_json::from_str(&text).expect("JSON");
    for (name, document) in changed["documents"].as_object().expect("documents") {
        text = text.replace(name, &digest(document));
    }
    let mut changed: Value = serde_json::from_str(&text).expect("JSON");
    changed.as_object_mut().expect("an object").remove("seal");
    changed["seal"] = digest(&changed).into();
    changed.to_string()
}

#[test]
fn a_certificate_under_a_policy_that_would_deny_is_refused() {
    let denied =
        |it: &str| json!({"Effect": "Deny", "Action": [it, "s3:GetObject"], "Resource": "*"});
    for (of, kept, changed) in [
        (
            scp("222222222222", denied("sqs:PurgeQueue")),
            "sqs:ListQueues",
            "sns:Publish",
        ),
        (
            rcp("111111111111", "sqs:PurgeQueue"),
            "sqs:DeleteQueue",
            "sqs:SendMessage",
        ),
    ] {
        let folder = under(&organization(of));
        folder
            .run("verify s.toml --sandbox --certificate c.json")
            .ends(0);
        let made = folder.read("c.json");
        for (to, code) in [(kept, 0), (changed, 3)] {
            folder.write("d.json", &sealed_again(&made, "sqs:PurgeQueue", to));
            folder.run("verify --check d.json").ends(code);
        }
    }
}

#[test]
fn a_claim_that_fails_names_what_refuses_its_example_today() {
    let statement = |condition: Value| {
        let mut it = deny("sns:*");
        it["Condition"] = condition;
        it
    };
    let of_some = statement(json!({"StringEquals": {"aws:PrincipalTag/team": "blue"}}));
    let other = json!({"AWS": "arn:aws:iam::222222222222:role/other"});
    for (of, is_said) in [
        (scp("222222222222", deny("sns:Subscribe")), false),
        (scp("222222222222", of_some), false),
        (scp("222222222222", deny("sns:*")), true),
    ] {
        let folder = under(&organization(of.clone()));
        let_in(&folder, &other);
        let document = folder
            .run("verify s.toml --sandbox --json")
            .ends(3)
            .document();
        let failed = failed(&document);
        let said = failed.iter().any(|it| {
            it.contains("role/other sns:Publish")
                && it.contains("; today the service control policy")
        });
        assert_eq!(said, is_said, "{of}: {failed:?}");
    }
}

fn rcp(target: &str, action: &str) -> Value {
    let statement = json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"});
    policy("RESOURCE_CONTROL_POLICY", target, statement)
}

/// Lets in somebody by hand, on the topic.
fn let_in(folder: &Folder, principal: &Value) {
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    let topic = &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"]["topics"]["t"];
    let text = topic["policy"].as_str().expect("a policy");
    let mut policy: Value = serde_json::from_str(text).expect("JSON");
    let statements = policy["Statement"].as_array_mut().expect("statements");
    statements.push(json!({
        "Sid": "ByHand", "Effect": "Allow", "Principal": principal, "Action": "sns:Publish",
        "Resource": "arn:aws:sns:eu-west-1:111111111111:t",
    }));
    topic["policy"] = Value::String(policy.to_string());
    folder.write(WORLD, &world.to_string());
}

#[test]
fn what_drift_lets_in_is_as_severe_under_a_policy_that_refuses_it_and_says_so() {
    let role = json!({"AWS": "arn:aws:iam::222222222222:role/p"});
    let denied = scp("222222222222", deny("sns:*"));
    let allow = json!({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"});
    let silent = scp("ou-ab12-22222222", allow);
    let tagged = json!({
        "Effect": "Deny", "Action": "sns:*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}},
    });
    let elsewhere = scp("111111111111", deny("sns:*"));
    for (policies, principal, said) in [
        (
            denied.clone(),
            &role,
            "; today the service control policy `Guard` (p-12345678) at account 222222222222, statement `Never`, denies it",
        ),
        (
            silent,
            &role,
            "; today none of the service control policies at organizational unit ou-ab12-22222222 allows it",
        ),
        // An account's principals are all under the policy; those of an account without a place in the tree are not.
        (
            denied.clone(),
            &json!({"AWS": "arn:aws:iam::222222222222:root"}),
            "; today the service control policy",
        ),
        (
            denied.clone(),
            &json!({"AWS": "arn:aws:iam::333333333333:root"}),
            "",
        ),
        (denied, &json!("*"), ""),
        // Some callers of the account have the tag and some have not.
        (
            scp("222222222222", tagged),
            &json!({"AWS": "arn:aws:iam::222222222222:root"}),
            "",
        ),
        (elsewhere, &role, ""),
    ] {
        let mut world = organization(policies.clone());
        if said.contains("none of") {
            world["without_full_access"] = json!(["ou-ab12-22222222"]);
        }
        let folder = under(&world);
        let_in(&folder, principal);
        let ran = folder.run("drift s.toml --sandbox").ends(2);
        assert!(ran.out.contains("OPENS ACCESS"), "{policies}: {}", ran.out);
        let ran = folder.run("drift s.toml --sandbox --json").ends(2);
        let text = ran.document().to_string();
        assert_eq!(
            text.contains("; today"),
            !said.is_empty(),
            "{policies}: {text}"
        );
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn what_accounts_share_is_read_once_in_a_run() {
    let folder = under(&organization(scp("r-ab12", deny("sqs:DeleteQueue"))));
    let count = |stack: &str, command: &str| {
        folder.write("s.toml", stack);
        let document = folder.run(command).ends(0).document();
        let by = &document["calls"]["by_action"];
        let of = |it: &str| by[it].as_u64().unwrap_or_default();
        [
            of("organizations:DescribeOrganization"),
            of("organizations:ListRoots"),
            of("organizations:ListParents"),
            of("organizations:ListPoliciesForTarget"),
            of("organizations:DescribePolicy"),
        ]
    };
    let read = format!("{STACK}{READ}");
    // Two accounts and two units have parents; these and the root have policies of two types.
    let expected = [1, 1, 4, 10, 1];
    for command in [
        "plan s.toml --sandbox --json",
        "drift s.toml --sandbox --json",
    ] {
        assert_eq!(count(&read, command), expected, "{command}");
    }
}

/// Trust, a subscription, and an account that is let in: each with a stand-in for who asks.
const TRUSTING: &str = r#"[stack]
name = "s"
region = "eu-west-1"
[accounts]
a = { id = "111111111111" }
[roles.job]
account = "a"
trusted_by = { oidc = "token.actions.githubusercontent.com", subjects = ["repo:o/r:*"] }
[roles.p]
account = "a"
trusted_by = "lambda.amazonaws.com"
[topics.t]
account = "a"
[queues.q]
account = "a"
subscribe = "t"
[[access]]
from = { account = "222222222222" }
to = "topics.t"
[organization]
id = "999999999999"
role = "reader"
"#;

fn trusting(policies: Value) -> Folder {
    let folder = Folder::new();
    folder.write("s.toml", TRUSTING);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    put(&folder, &organization(policies));
    folder
}

#[test]
fn a_role_is_not_trusted_by_whom_a_resource_control_policy_refuses() {
    let rcp = |action: &str, condition: Value| {
        let mut statement = json!({
            "Sid": "Never", "Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*",
        });
        statement["Condition"] = condition;
        policy("RESOURCE_CONTROL_POLICY", "r-ab12", statement)
    };
    let job = "repo:o/r:* of token.actions.githubusercontent.com is trusted by roles.job";
    let lambda = "lambda.amazonaws.com is trusted by roles.p";
    let others =
        json!({"StringNotLike": {"token.actions.githubusercontent.com:sub": "repo:other/*"}});
    let not_services = json!({"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}});
    for (action, condition, failed, proved) in [
        (
            "sts:AssumeRoleWithWebIdentity",
            json!({}),
            vec![job],
            vec![lambda],
        ),
        (
            "sts:AssumeRoleWithWebIdentity",
            others,
            vec![job],
            vec![lambda],
        ),
        ("sts:*", json!({}), vec![job, lambda], vec![]),
        ("sts:*", not_services, vec![job], vec![lambda]),
    ] {
        let folder = trusting(rcp(action, condition));
        let ran = folder.run("verify s.toml --sandbox --live").ends(3);
        for it in failed {
            assert!(
                ran.out.contains(&format!("Failed {it}")),
                "{action} {it}: {}",
                ran.out
            );
        }
        for it in proved {
            assert!(
                !ran.out.contains(&format!("Failed {it}")),
                "{action} {it}: {}",
                ran.out
            );
        }
    }
}

#[test]
fn a_policy_against_some_of_an_account_says_nothing_of_an_example() {
    let under = |operator: &str, values: &str| {
        let mut statement = deny("*");
        statement["Condition"][operator] = json!({"aws:PrincipalArn": values});
        scp("r-ab12", statement)
    };
    for policies in [
        under("StringLike", "arn:aws:iam::*:root"),
        under("ArnNotLike", "arn:aws:iam::*:role/provision/*"),
    ] {
        let folder = trusting(policies);
        folder.run("verify s.toml --sandbox --live").ends(0);
        folder
            .run("plan s.toml --sandbox --detailed-exitcode")
            .ends(0);
    }
    // A denial for all of an account is one for the example too.
    let folder = trusting(scp("r-ab12", deny("sns:Subscribe")));
    folder
        .run("verify s.toml --sandbox --live")
        .ends(3)
        .says("Failed queues.q receives from topics.t");
}
