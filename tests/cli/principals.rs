//! Each form of principal and each kind of target, as a person applies them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use provision::lower::lower;
use provision::stack::{Source, check};

use super::Folder;

/// Applies a stack on a new sandbox, verifies what is there, and applies again: nothing is left to do.
#[track_caller]
pub(super) fn holds(folder: &Folder, stack: &str) {
    folder.write("stack.toml", stack);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    folder.run("verify stack.toml --sandbox sb --live").ends(0);
    folder
        .run("plan stack.toml --sandbox sb")
        .ends(0)
        .says("Nothing to do");
    comes_back(folder, stack);
}

/// Loses the file of an applied stack and writes it anew from what is live: no account sees a write, nothing has
/// drifted, and the accesses are those of the lost file, in its words.
#[track_caller]
pub(super) fn comes_back(folder: &Folder, stack: &str) {
    let found = imported(folder, stack);
    assert_eq!(accesses(&found), accesses(stack), "{found}");
    for words in ["[[statement]]", "trust_policy", "written out", "[[known]]"] {
        let (now, before) = (found.matches(words).count(), stack.matches(words).count());
        assert_eq!(
            now, before,
            "{words} of {stack}\n--- comes back as:\n{found}"
        );
    }
}

/// The file that is written from what is live of a stack: a plan on it is empty, drift has nothing to report, and an
/// apply writes nothing.
#[track_caller]
pub(super) fn imported(folder: &Folder, stack: &str) -> String {
    let parsed: toml::Table = stack.parse().expect("TOML");
    let text = |it: &toml::Value| it.as_str().expect("a text").to_owned();
    let name = text(&parsed["stack"]["name"]);
    let whole = parsed["stack"].get("region").map(text);
    let mut accounts = String::new();
    let mut region = whole.clone();
    for (account, it) in parsed["accounts"].as_table().expect("accounts") {
        let own = it.get("region").map(text).or_else(|| whole.clone());
        let own = own.expect("a region");
        let _ = write!(accounts, " --account {account}={}@{own}", text(&it["id"]));
        region.get_or_insert(own);
    }
    let region = region.expect("a region");
    let flags = format!("--stack {name} --region {region} --sandbox sb --out found.toml{accounts}");
    folder
        .run(&format!("import --force {flags}"))
        .ends(0)
        .says("which has nothing to do");
    let found = folder.read("found.toml");
    let plan = folder.run("plan found.toml --sandbox sb --detailed-exitcode");
    assert_eq!(
        plan.code, 0,
        "{stack}\n--- comes back as:\n{found}\n{}{}",
        plan.out, plan.err
    );
    let drift = folder.run("drift found.toml --sandbox sb");
    assert_eq!(drift.code, 0, "{found}\n{}", drift.out);
    let applied = folder.run("apply found.toml --sandbox sb --yes").ends(0);
    assert!(applied.err.contains(" 0 writes)"), "{}", applied.err);
    folder.run("fmt --check found.toml").ends(0);
    found
}

/// Who may do what by which mechanism, as a stack says it.
fn accesses(text: &str) -> BTreeSet<String> {
    let source = Source {
        name: "stack.toml".to_owned(),
        text: text.to_owned(),
    };
    let stack = check(&source, &[], &|_| Err(String::new()));
    let stack = stack.unwrap_or_else(|faults| panic!("{}\n{text}", faults.render(false)));
    let grants = lower(&stack).expect("it fits").grants;
    let said = |it: &provision::lower::Grant| {
        // Routes may be listed in any order.
        let mut may: Vec<&str> = it.may.split([' ', ',']).collect();
        may.sort_unstable();
        let (who, may) = (&it.who, may.join(" "));
        format!(
            "{who} may {may} {} by {:?} {:?}",
            it.target, it.via, it.role
        )
    };
    grants.iter().map(said).collect()
}

/// A stack of four accounts, each in a region of its own.
const REGIONS: &str = r#"
[stack]
name = "regions"
[accounts]
home  = { id = "111111111111", region = "eu-west-1" }
cape  = { id = "222222222222", region = "af-south-1" }
milan = { id = "333333333333", region = "eu-south-1" }
osaka = { id = "444444444444", region = "ap-northeast-3" }
[topics.orders]
account = "home"
[topics.cape]
account = "cape"
[queues.in-cape]
account   = "cape"
subscribe = "orders"
[queues.in-milan]
account   = "milan"
subscribe = ["cape", { topic = "orders", dead_letter = "lost" }]
[queues.in-home]
account   = "home"
subscribe = "cape"
[queues.in-osaka]
account   = "osaka"
subscribe = "orders"
[accounts.milan-home]
id     = "333333333333"
region = "eu-west-1"
[queues.lost]
account = "milan-home"
"#;

#[test]
fn a_topic_delivers_into_opt_in_regions_and_out_of_them() {
    let folder = Folder::new();
    holds(&folder, REGIONS);
    let world = folder.read("sb/sandbox.json");
    let world: serde_json::Value = serde_json::from_str(&world).expect("JSON");
    for (account, region, queue, services) in [
        (
            "222222222222",
            "af-south-1",
            "in-cape",
            &["sns.af-south-1.amazonaws.com"][..],
        ),
        (
            "333333333333",
            "eu-south-1",
            "in-milan",
            &["sns.eu-south-1.amazonaws.com"],
        ),
        (
            "111111111111",
            "eu-west-1",
            "in-home",
            &["sns.af-south-1.amazonaws.com"],
        ),
        (
            "444444444444",
            "ap-northeast-3",
            "in-osaka",
            &["sns.ap-northeast-3.amazonaws.com"],
        ),
        ("333333333333", "eu-west-1", "lost", &["sns.amazonaws.com"]),
    ] {
        let queue = &world["accounts"][account]["regions"][region]["queues"][queue];
        let policy = queue["attributes"]["Policy"].as_str().expect("a policy");
        let policy: serde_json::Value = serde_json::from_str(policy).expect("JSON");
        let statements = policy["Statement"].as_array().expect("statements").iter();
        let found: Vec<&str> = statements
            .filter_map(|it| it["Principal"]["Service"].as_str())
            .collect();
        assert_eq!(found, services, "{policy}");
    }
}

#[test]
fn a_queue_that_lets_in_sns_of_another_region_receives_nothing() {
    let folder = Folder::new();
    holds(&folder, REGIONS);
    let world = folder.read("sb/sandbox.json");
    // What AWS's documentation of one region has, in a policy of an opt-in region.
    folder.write(
        "sb/sandbox.json",
        &world.replace("sns.eu-south-1.amazonaws.com", "sns.amazonaws.com"),
    );
    folder
        .run("verify stack.toml --sandbox sb --live")
        .ends(3)
        .says("the policy of queues.in-milan does not name sns.eu-south-1.amazonaws.com");
    folder
        .run("drift stack.toml --sandbox sb")
        .ends(2)
        .says("queues.in-milan");
}

const ACCOUNTS: &str = r#"
[stack]
name   = "forms"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[roles.near]
account    = "a"
trusted_by = "lambda.amazonaws.com"
[roles.far]
account    = "b"
trusted_by = "lambda.amazonaws.com"
"#;

/// `from`, once for each form that a topic, a queue and an API with signatures take.
const SOMEBODY: [&str; 5] = [
    r#""roles.near""#,
    r#""roles.far""#,
    r#""arn:aws:iam::444444444444:role/team/reports""#,
    r#"{ account = "555555555555" }"#,
    r#"{ org = "o-exampleorg1" }"#,
];

/// A stack with this target, and one access to it for each form and mechanism.
fn each(target: &str, to: &str, forms: &[(&str, &str)]) -> String {
    let mut text = format!("{ACCOUNTS}{target}");
    for (from, more) in forms {
        text += &format!("[[access]]\nfrom = {from}\nto = \"{to}\"\n{more}\n");
    }
    text
}

#[test]
fn every_form_is_let_in_to_a_topic() {
    let topic = "[topics.t]\naccount = \"a\"\n";
    let mut forms: Vec<(&str, &str)> = Vec::new();
    for via in ["via = \"resource-policy\"", "via = \"assume-role\""] {
        forms.extend(SOMEBODY.map(|it| (it, via)));
        forms.extend([
            (
                r#"{ account = "666666666666", role_prefix = "team/reports-" }"#,
                via,
            ),
            (
                r#"{ org = "o-exampleorg1", unit = "r-ab12/ou-ab12-11111111" }"#,
                via,
            ),
        ]);
        holds(&Folder::new(), &each(topic, "topics.t", &forms));
        forms.clear();
    }
    let services = [
        (
            r#"{ service = "s3.amazonaws.com", source = "arn:aws:s3:::uploads", source_account = "a" }"#,
            "",
        ),
        (
            r#"{ service = "cloudwatch.amazonaws.com", source = "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:*" }"#,
            "",
        ),
        (
            r#"{ service = "budgets.amazonaws.com", source_account = "111111111111" }"#,
            "via = \"resource-policy\"",
        ),
        (
            r#"{ service = "ses.amazonaws.com", source_account = "a" }"#,
            "",
        ),
    ];
    holds(&Folder::new(), &each(topic, "topics.t", &services));
}

#[test]
fn a_service_that_acts_for_any_account_is_let_in_only_with_a_reason() {
    for (target, to) in [("[topics.x]\n", "topics.x"), ("[queues.x]\n", "queues.x")] {
        for service in ["s3", "events"] {
            let from = format!("\"{service}.amazonaws.com\"");
            let text = each(&format!("{target}account = \"a\"\n"), to, &[(&from, "")]);
            let folder = Folder::new();
            folder.write("s.toml", &text);
            for command in [
                "plan s.toml --sandbox sb",
                "apply s.toml --sandbox sb --yes",
            ] {
                folder.run(command).ends(3).says("PG005");
            }
            let reason = "accept = { PG005 = \"a public drop box\" }\n[[access]]";
            folder.write("s.toml", &text.replacen("[[access]]", reason, 1));
            folder.run("apply s.toml --sandbox sb --yes").ends(0);
            folder.run("verify s.toml --sandbox sb --live").ends(0);
        }
    }
}

#[test]
fn a_delivery_that_never_comes_about_is_refused_at_its_word() {
    let targets = "[topics.t]\naccount = \"a\"\n[topics.f]\naccount = \"a\"\nfifo = true\n\
                   [queues.q]\naccount = \"a\"\n[queues.g]\naccount = \"a\"\nfifo = true\n";
    for (service, source, to, why) in [
        (
            "events",
            "arn:aws:events:eu-west-1:222222222222:rule/x",
            "queues.q",
            "arn:aws:iam::222222222222:role/NAME",
        ),
        (
            "events",
            "arn:aws:events:us-east-1:111111111111:rule/x",
            "topics.t",
            "in us-east-1, and the topic is in eu-west-1",
        ),
        (
            "events",
            "arn:aws:s3:::b",
            "queues.q",
            "arn:aws:events:REGION:ACCOUNT:rule/NAME",
        ),
        (
            "events",
            "arn:aws:events:eu-west-1:111111111111:rule/x",
            "topics.f",
            "no FIFO topic",
        ),
        (
            "cloudwatch",
            "arn:aws:cloudwatch:us-east-1:111111111111:alarm:x",
            "topics.t",
            "within one region",
        ),
        (
            "cloudwatch",
            "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:x",
            "queues.q",
            "sends to no queue",
        ),
        (
            "cloudwatch",
            "arn:aws:events:eu-west-1:111111111111:rule/x",
            "topics.t",
            "alarm:NAME",
        ),
        (
            "s3",
            "arn:aws:s3:::B_UPPER",
            "queues.q",
            "no bucket's name has `B`",
        ),
        ("s3", "arn:aws:s3:::uploads", "queues.g", "no FIFO queue"),
        (
            "sns",
            "arn:aws:sqs:eu-west-1:111111111111:x",
            "queues.q",
            "arn:aws:sns:REGION:ACCOUNT:NAME",
        ),
        ("ses", "", "queues.q", "sends to no queue"),
        ("budgets", "", "queues.q", "sends to no queue"),
        ("sns", "", "topics.t", "publishes to no topic"),
        ("sqs", "", "topics.t", "dead_letter"),
        ("kms", "", "topics.t", "events.amazonaws.com"),
        ("guardduty", "", "topics.t", "events.amazonaws.com"),
        ("rds", "", "topics.t", "events.rds.amazonaws.com"),
        ("autoscaling", "", "topics.t", "works under a role"),
    ] {
        let source = match source {
            "" => "source_account = \"a\"".to_owned(),
            it => format!("source = \"{it}\""),
        };
        let from = format!("{{ service = \"{service}.amazonaws.com\", {source} }}");
        let folder = Folder::new();
        folder.write("s.toml", &each(targets, to, &[(&from, "")]));
        folder
            .run("validate s.toml")
            .ends(1)
            .tells(why)
            .tells("s.toml:");
    }
}

#[test]
fn a_delivery_that_no_page_describes_is_unproven() {
    for (service, source) in [
        ("nosuchservice", "source_account = \"a\""),
        ("dynamodb", "source_account = \"a\""),
        (
            "costalerts",
            "source = \"arn:aws:ce::111111111111:anomalysubscription/x\"",
        ),
    ] {
        let from = format!("{{ service = \"{service}.amazonaws.com\", {source} }}");
        let folder = Folder::new();
        let text = each("[topics.t]\naccount = \"a\"\n", "topics.t", &[(&from, "")]);
        folder.write("s.toml", &text);
        folder
            .run("validate s.toml")
            .ends(0)
            .says("Unproven")
            .says(service);
        folder
            .run("apply s.toml --sandbox sb --yes")
            .ends(0)
            .says("1 unproven");
        folder
            .run("verify s.toml --sandbox sb --live --strict")
            .ends(3);
    }
}

#[test]
fn every_form_is_let_in_to_a_queue() {
    let queue = "[queues.q]\naccount = \"a\"\n";
    for via in ["via = \"resource-policy\"", "via = \"assume-role\""] {
        for allow in [
            "",
            "allow = \"receive\"\n",
            "allow = [\"send\", \"receive\"]\n",
        ] {
            let more = format!("{allow}{via}");
            let forms: Vec<(&str, &str)> = SOMEBODY.iter().map(|it| (*it, more.as_str())).collect();
            holds(&Folder::new(), &each(queue, "queues.q", &forms));
        }
    }
    let forms = [
        (
            r#"{ account = "666666666666", role_prefix = "team/reports-" }"#,
            "allow = \"receive\"",
        ),
        (
            r#"{ account = "777777777777", role_prefix = "team/reports-" }"#,
            "via = \"resource-policy\"",
        ),
        (
            r#"{ org = "o-exampleorg1", unit = "r-ab12/ou-ab12-11111111" }"#,
            "",
        ),
        (
            r#"{ org = "o-exampleorg2", unit = "r-ab12/ou-ab12-11111111" }"#,
            "via = \"resource-policy\"",
        ),
        (
            r#"{ oidc = "token.actions.githubusercontent.com", subjects = "repo:org/name:*" }"#,
            "",
        ),
        (
            r#"{ service = "s3.amazonaws.com", source = "arn:aws:s3:::uploads", source_account = "a" }"#,
            "",
        ),
        (
            r#"{ service = "events.amazonaws.com", source = "arn:aws:events:eu-west-1:111111111111:rule/nightly" }"#,
            "allow = \"send\"",
        ),
    ];
    let folder = Folder::new();
    holds(&folder, &each(queue, "queues.q", &forms));
    let policy = folder.read("sb/sandbox.json");
    for words in ["aws:SourceArn", "arn:aws:s3:::uploads", "aws:SourceAccount"] {
        assert!(policy.contains(words), "{words}");
    }
}

#[test]
fn every_form_is_let_in_to_an_api() {
    let open = "[apis.x]\naccount = \"a\"\nroutes = { \"GET /x\" = { mock = 200 }, \"GET /y\" = { mock = 200 } }\n";
    let allow = "allow = \"GET /x\"";
    for via in ["resource-policy", "assume-role"] {
        let more = format!("{allow}\nvia = \"{via}\"");
        let mut forms: Vec<(&str, &str)> = SOMEBODY.iter().map(|it| (*it, more.as_str())).collect();
        let prefix = r#"{ account = "666666666666", role_prefix = "team/reports-" }"#;
        forms.push((prefix, &more));
        holds(&Folder::new(), &each(open, "apis.x", &forms));
    }
    let forms = [
        (r#"{ ip = ["203.0.113.0/24", "2001:db8::/32"] }"#, allow),
        (
            r#"{ oidc = "token.actions.githubusercontent.com", subjects = "repo:org/name:*" }"#,
            allow,
        ),
    ];
    holds(&Folder::new(), &each(open, "apis.x", &forms));
    let private = open.replace(
        "routes",
        "endpoint = \"private\"\nvpc_endpoints = [\"vpce-0a1b\", \"vpce-0c2d\"]\nroutes",
    );
    let forms = [
        (r#"{ vpc_endpoint = "vpce-0a1b" }"#, allow),
        (r#"{ vpc = "vpc-0a1b2c3d" }"#, "allow = \"GET /y\""),
        (r#"{ ip = "10.1.0.0/16" }"#, allow),
        (r#""roles.near""#, "allow = \"GET /y\""),
        (
            r#""roles.far""#,
            "allow = \"GET /y\"\nvia = \"assume-role\"",
        ),
    ];
    holds(&Folder::new(), &each(&private, "apis.x", &forms));
}

#[test]
fn a_public_route_that_is_kept_to_addresses_answers_no_others() {
    let folder = Folder::new();
    let api = "[apis.x]\naccount = \"a\"\nroutes = { \"GET /x\" = { mock = 200, public = true }, \"GET /y\" = { mock = 200, public = true } }\n";
    let stack = each(
        api,
        "apis.x",
        &[(r#"{ ip = "203.0.113.0/24" }"#, "allow = \"GET /x\"")],
    );
    holds(&folder, &stack);
    // Without the condition the route is open, and that is found.
    let world = folder
        .read("sb/sandbox.json")
        .replace("203.0.113.0/24", "0.0.0.0/1");
    folder.write("sb/sandbox.json", &world);
    folder
        .run("verify stack.toml --sandbox sb --live")
        .ends(3)
        .says("the policy of apis.x lets anyone, unsigned, execute-api:Invoke");
}

#[test]
fn every_form_is_trusted_by_a_role() {
    let folder = Folder::new();
    let trusts = r#"
[roles.many]
account    = "a"
trusted_by = [
  "pods.eks.amazonaws.com", "rolesanywhere.amazonaws.com", "ec2.amazonaws.com", "roles.far",
  "arn:aws:iam::444444444444:role/deploy", { account = "555555555555" },
  { account = "666666666666", role_prefix = "team/deploy-" },
  { oidc = "token.actions.githubusercontent.com", subjects = "repo:org/name:*" },
  { service = "access-grants.s3.amazonaws.com", source_account = "111111111111" },
  { org = "o-exampleorg1" },
]
[roles.unit]
account    = "b"
trusted_by = { org = "o-exampleorg1", unit = "r-ab12/ou-ab12-11111111" }
"#;
    holds(&folder, &format!("{ACCOUNTS}{trusts}"));
    let world = folder.read("sb/sandbox.json");
    // Pods get no credentials without their session tags.
    folder.write(
        "sb/sandbox.json",
        &world.replace("sts:TagSession", "sts:SetContext"),
    );
    folder
        .run("verify stack.toml --sandbox sb --live")
        .ends(3)
        .says("the trust policy of roles.many does not allow sts:TagSession to pods.eks.amazonaws.com")
        .says("the trust policy of roles.many does not allow sts:TagSession to rolesanywhere.amazonaws.com");
}

#[test]
fn session_tags_go_along_a_chain_of_roles() {
    let folder = Folder::new();
    let chain = r#"
[roles.pod]
account    = "a"
trusted_by = "pods.eks.amazonaws.com"
[roles.next]
account    = "a"
trusted_by = "roles.pod"
[topics.t]
account = "b"
[[access]]
from = ["roles.pod", "roles.next", "roles.near"]
to   = "topics.t"
via  = "assume-role"
"#;
    holds(&folder, &format!("{ACCOUNTS}{chain}"));
    let world = folder.read("sb/sandbox.json");
    let world: serde_json::Value = serde_json::from_str(&world).expect("JSON");
    let roles = &world["accounts"]["222222222222"]["roles"];
    let trust = |name: &str| {
        roles[name]["trust"]
            .as_str()
            .expect("a trust policy")
            .to_owned()
    };
    assert!(trust("forms-t-for-pod").contains("sts:TagSession"));
    assert!(trust("forms-t-for-next").contains("sts:TagSession"));
    assert!(!trust("forms-t-for-near").contains("sts:TagSession"));
    let whole = trust("forms-t-for-pod");
    let quoted = |it: &str| serde_json::Value::String(it.to_owned()).to_string();
    let world = folder.read("sb/sandbox.json").replace(
        &quoted(&whole),
        &quoted(&whole.replace("sts:TagSession", "sts:SetSourceIdentity")),
    );
    folder.write("sb/sandbox.json", &world);
    folder
        .run("verify stack.toml --sandbox sb --live")
        .ends(3)
        .says("does not allow sts:TagSession on roles.t-for-pod to it");
}

#[test]
fn a_source_identity_goes_along_a_chain_of_roles() {
    for (trust, both) in [
        ("trusted_by = \"rolesanywhere.amazonaws.com\"", true),
        ("trusted_by = \"access-grants.s3.amazonaws.com\"", false),
        (
            "trust_policy = { Statement = [{ Effect = \"Allow\", Principal = { Service = \"lambda.amazonaws.com\" }, Action = \"sts:*\" }] }",
            true,
        ),
        (
            "trust_policy = { Statement = [{ Effect = \"Allow\", Principal = { Service = \"lambda.amazonaws.com\" }, Action = [\"sts:AssumeRole\", \"sts:SetSourceIdentity\"] }] }",
            false,
        ),
    ] {
        let folder = Folder::new();
        let chain = format!(
            "[topics.t]\naccount = \"b\"\n[roles.first]\naccount = \"a\"\n{trust}\n\
             [roles.next]\naccount = \"a\"\ntrusted_by = \"roles.first\"\n\
             [[access]]\nfrom = \"roles.next\"\nto = \"topics.t\"\nvia = \"assume-role\"\n"
        );
        holds(&folder, &format!("{ACCOUNTS}{chain}"));
        let world = folder.read("sb/sandbox.json");
        let read: serde_json::Value = serde_json::from_str(&world).expect("JSON");
        // The trust policy of the access role, and the policy of its caller.
        let of_access_role = read["accounts"]["222222222222"]["roles"]["forms-t-for-next"]["trust"]
            .as_str()
            .expect("a trust policy");
        let of_caller = read["accounts"]["111111111111"]["roles"]["next"]["inline"].to_string();
        for it in [of_access_role, &of_caller] {
            assert!(it.contains("sts:SetSourceIdentity"), "{trust}: {it}");
            assert_eq!(it.contains("sts:TagSession"), both, "{trust}: {it}");
        }
        let quoted = |it: &str| serde_json::Value::String(it.to_owned()).to_string();
        let without = of_access_role.replace("sts:SetSourceIdentity", "sts:SetContext");
        let world = world.replace(&quoted(of_access_role), &quoted(&without));
        folder.write("sb/sandbox.json", &world);
        folder
            .run("verify stack.toml --sandbox sb --live")
            .ends(3)
            .says("does not allow sts:SetSourceIdentity on roles.t-for-next to it");
    }
}

#[test]
fn what_a_target_cannot_take_is_refused_at_its_place() {
    let folder = Folder::new();
    let topic = "[topics.t]\naccount = \"a\"\n";
    let queue = "[queues.q]\naccount = \"a\"\n";
    let api = "[apis.x]\naccount = \"a\"\nroutes = { \"GET /x\" = { mock = 200 } }\n";
    for (target, to, from, more, words) in [
        (
            topic,
            "topics.t",
            r#""lambda.amazonaws.com""#,
            "",
            "works under a role",
        ),
        (
            topic,
            "topics.t",
            r#""s3.amazonaws.com""#,
            "via = \"assume-role\"",
            "would not assume a role to use topic `t`",
        ),
        (
            topic,
            "topics.t",
            r#"{ ip = "203.0.113.0/24" }"#,
            "",
            "name the role that publishes",
        ),
        (
            topic,
            "topics.t",
            r#"{ vpc = "vpc-0a1b" }"#,
            "",
            "only private APIs are reached through one",
        ),
        (
            topic,
            "topics.t",
            r#"{ service = "s3.amazonaws.com", source = "uploads" }"#,
            "",
            "`uploads` is not the ARN of what a service acts for",
        ),
        (
            topic,
            "topics.t",
            r#"{ service = "s3.amazonaws.com", source = "arn:aws:s3:::*" }"#,
            "",
            "stands for the resources of every account",
        ),
        (
            topic,
            "topics.t",
            r#"{ service = "s3.amazonaws.com", source = "arn:aws-cn:s3:::uploads" }"#,
            "",
            "is in partition `aws-cn`",
        ),
        (
            topic,
            "topics.t",
            r#"{ service = "events.amazonaws.com", source = "arn:aws:events:eu-west-1:111111111111:rule/x", source_account = "b" }"#,
            "",
            "of account 111111111111, and `source_account` is 222222222222",
        ),
        (
            topic,
            "topics.t",
            r#"{ source_account = "a", account = "b" }"#,
            "",
            "`source_account` in a principal of this access goes with `service` only",
        ),
        (
            topic,
            "topics.t",
            r#"{ org = "exampleorg1" }"#,
            "",
            "`exampleorg1` is not an organization's id",
        ),
        (
            topic,
            "topics.t",
            r#"{ org = "o-exampleorg1", unit = "ou-ab12-11111111" }"#,
            "",
            "is not the path of an organizational unit",
        ),
        (
            queue,
            "queues.q",
            r#""roles.near""#,
            "allow = \"sqs:ReceiveMessage\"",
            "write it so",
        ),
        (
            queue,
            "queues.q",
            r#""roles.near""#,
            "allow = \"purge\"",
            "`purge` cannot be allowed on a queue",
        ),
        (
            queue,
            "queues.q",
            r#"{ service = "s3.amazonaws.com", source_account = "a" }"#,
            "allow = \"receive\"",
            "services only send in their own name",
        ),
        (
            queue,
            "queues.q",
            r#"{ ip = "203.0.113.0/24" }"#,
            "",
            "name the role that uses the queue",
        ),
        (
            api,
            "apis.x",
            r#""events.amazonaws.com""#,
            "allow = \"*\"",
            "services do not call APIs in their own name",
        ),
        (
            api,
            "apis.x",
            r#"{ vpc = "vpc-0a1b" }"#,
            "allow = \"*\"",
            "only private APIs are reached through one",
        ),
        (
            api,
            "apis.x",
            r#"{ ip = "0.0.0.0/0" }"#,
            "allow = \"*\"",
            "every address there is",
        ),
        (
            api,
            "apis.x",
            r#"{ ip = "203.0.113/24" }"#,
            "allow = \"*\"",
            "`203.0.113/24` is not a range of addresses",
        ),
        (
            api,
            "apis.x",
            r#"{ ip = "203.0.113.0/24" }"#,
            "allow = \"*\"\nvia = \"assume-role\"",
            "a range of addresses cannot assume a role",
        ),
    ] {
        folder.write("stack.toml", &each(target, to, &[(from, more)]));
        let ran = folder.run("validate stack.toml").ends(1).tells(words);
        assert!(ran.err.contains("stack.toml:"), "{}", ran.err);
    }
}

#[test]
fn a_comma_of_a_role_stands_in_no_tag() {
    let folder = Folder::new();
    let stack = each(
        "[topics.t]\naccount = \"a\"\n",
        "topics.t",
        &[
            (
                r#"["arn:aws:iam::444444444444:role/reports,daily", "arn:aws:iam::444444444444:role/reports-daily"]"#,
                "via = \"assume-role\"",
            ),
            (
                r#""arn:aws:iam::444444444444:role/other""#,
                "via = \"assume-role\"\nrole_name = \"publish,news\"",
            ),
        ],
    );
    holds(&folder, &stack);
    let world = folder.read("sb/sandbox.json");
    assert!(
        world.contains("role/provision/forms/publish,news"),
        "its name in IAM stays"
    );
}

#[test]
fn a_prefix_that_misses_a_role_by_its_path_is_told() {
    let folder = Folder::new();
    let stack = |prefix: &str| {
        each(
            "[topics.t]\naccount = \"a\"\n",
            "topics.t",
            &[(
                &format!("{{ account = \"b\", role_prefix = \"{prefix}\" }}"),
                "via = \"resource-policy\"",
            )],
        )
    };
    folder.write("stack.toml", &stack("fa"));
    folder
        .run("validate stack.toml")
        .ends(0)
        .says("warning[PG010]: the policy of topics.t lets in roles whose path and name begin with `fa`, which roles.far does not: write `role_prefix = \"provision/forms/fa\"`");
    folder.write("stack.toml", &stack("provision/forms/fa"));
    let ran = folder.run("validate stack.toml").ends(0);
    assert!(!ran.out.contains("PG010"), "{}", ran.out);
}

#[test]
fn a_written_trust_policy_lets_its_service_begin_a_session() {
    let folder = Folder::new();
    let stack = |service: &str, actions: &str| {
        format!(
            "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[queues.q]\n\
             [roles.w]\ntrust_policy = {{ Statement = [{{ Effect = \"Allow\", Principal = {{ Service = \"{service}\" }}, Action = {actions} }}] }}\n\
             [[access]]\nfrom = \"roles.w\"\nto = \"queues.q\"\nallow = \"receive\"\n"
        )
    };
    for (service, short, lacks, whole) in [
        (
            "pods.eks.amazonaws.com",
            "\"sts:AssumeRole\"",
            "sts:TagSession",
            "[\"sts:AssumeRole\", \"sts:TagSession\"]",
        ),
        (
            "rolesanywhere.amazonaws.com",
            "[\"sts:AssumeRole\", \"sts:TagSession\"]",
            "sts:SetSourceIdentity",
            "[\"sts:AssumeRole\", \"sts:TagSession\", \"sts:SetSourceIdentity\"]",
        ),
        (
            "lambda.amazonaws.com",
            "\"sts:AssumeRoleWithWebIdentity\"",
            "sts:AssumeRole",
            "\"sts:AssumeRole\"",
        ),
    ] {
        let reason = format!(
            "{service} cannot get credentials of roles.w: its trust policy does not allow {lacks}"
        );
        folder.write("s.toml", &stack(service, short));
        folder.run("verify s.toml").ends(3).says(&reason);
        folder
            .run("plan s.toml --sandbox")
            .says("1 claim would not hold")
            .says(&reason);
        folder.write("s.toml", &stack(service, whole));
        folder.run("verify s.toml").ends(0);
    }
}
