//! What `drift` says of changes by hand: it names what the stack has or the statement as written,
//! and never a principal or resource that an example made up.

use serde_json::{Value, json};

use super::Folder;

const WORLD: &str = ".provision/sandbox.json";

const STACK: &str = r#"[stack]
name = "s"
region = "eu-west-1"
[accounts]
a = { id = "111111111111" }
b = { id = "222222222222" }
[apis.x]
account = "a"
routes = { "GET /s" = { mock = 200 } }
[roles.w]
account = "a"
trusted_by = "lambda.amazonaws.com"
[roles.p]
account = "b"
trusted_by = "lambda.amazonaws.com"
[topics.t]
account = "a"
[queues.q]
account = "a"
subscribe = [{ topic = "t" }]
[[access]]
from = "roles.w"
to = "apis.x"
allow = ["GET /s"]
via = "resource-policy"
[[access]]
from = "roles.p"
to = "topics.t"
"#;

const TOPIC: &str = "arn:aws:sns:eu-west-1:111111111111:t";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:111111111111:q";

/// What no report may hold: names that only examples have.
const MADE_UP: [&str; 6] = [
    "333333333333:example",
    ":example",
    "role/someone",
    "user/someone",
    "another.amazonaws.com",
    "${provision:",
];

fn applied(stack: &str) -> Folder {
    let folder = Folder::new();
    folder.write("s.toml", stack);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    folder
}

fn tamper(folder: &Folder, deed: impl FnOnce(&mut Value)) {
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    deed(&mut world["accounts"]["111111111111"]);
    folder.write(WORLD, &world.to_string());
}

fn region(account: &mut Value) -> &mut Value {
    &mut account["regions"]["eu-west-1"]
}

/// Adds a statement to a policy that is kept as text.
fn add(policy: &mut Value, statement: Value) {
    let mut document: Value = serde_json::from_str(policy.as_str().expect("a text")).expect("JSON");
    let statements = document["Statement"].as_array_mut().expect("a list");
    statements.push(statement);
    *policy = json!(document.to_string());
}

fn topic(account: &mut Value) -> &mut Value {
    &mut region(account)["topics"]["t"]
}

fn queue(account: &mut Value) -> &mut Value {
    &mut region(account)["queues"]["q"]["attributes"]
}

/// The only API, with its id.
fn api(account: &mut Value) -> (String, &mut Value) {
    let apis = region(account)["apis"].as_object_mut().expect("APIs");
    let (id, api) = apis.iter_mut().next().expect("an API");
    (id.clone(), api)
}

/// The report of a stack after something was done by hand.
fn report(stack: &str, deed: impl FnOnce(&mut Value)) -> String {
    let folder = applied(stack);
    tamper(&folder, deed);
    let ran = folder.run("drift s.toml --sandbox").ends(2);
    for made_up in MADE_UP {
        assert!(!ran.out.contains(made_up), "{made_up}: {}", ran.out);
    }
    ran.out.clone()
}

fn says(report: &str, text: &str) {
    assert!(report.contains(text), "{text}\n{report}");
}

/// An inline policy of others on the role `w`.
fn inline(statement: Value) -> impl FnOnce(&mut Value) {
    move |account| {
        let document = json!({"Version": "2012-10-17", "Statement": [statement]});
        account["roles"]["w"]["inline"]["theirs"] = json!(document.to_string());
    }
}

#[test]
fn a_pattern_of_apis_names_the_routes_of_the_stack_that_it_reaches() {
    let allow = |resource: &str| {
        inline(json!({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}))
    };
    says(
        &report(STACK, allow("*")),
        "roles.w may call anything, GET /s of apis.x among it",
    );
    for pattern in [
        "arn:aws:execute-api:*:*:*",
        "arn:aws:execute-api:eu-west-1:111111111111:*",
    ] {
        let expected = format!("roles.w may call {pattern}, GET /s of apis.x among it");
        says(&report(STACK, allow(pattern)), &expected);
    }
    // What reaches nothing of the stack is shown as it is written.
    let elsewhere = "arn:aws:execute-api:eu-west-1:222222222222:*";
    says(
        &report(STACK, allow(elsewhere)),
        &format!("roles.w may call {elsewhere}\n"),
    );
    let gov = STACK.replace("eu-west-1", "us-gov-west-1");
    let folder = applied(&gov);
    tamper(&folder, allow("arn:aws-us-gov:execute-api:*:*:*"));
    folder
        .run("drift s.toml --sandbox")
        .ends(2)
        .says("may call arn:aws-us-gov:execute-api:*:*:*, GET /s of apis.x among it");
}

#[test]
fn a_statement_on_a_whole_api_names_its_routes_and_takes_effect_with_a_deployment() {
    let statement = |effect: &'static str, condition: Value| {
        move |account: &mut Value| {
            let (id, api) = api(account);
            let resource = format!("arn:aws:execute-api:eu-west-1:111111111111:{id}/*");
            let mut statement = json!({"Effect": effect, "Principal": "*", "Action": "execute-api:Invoke", "Resource": resource});
            if !condition.is_null() {
                statement["Condition"] = condition;
            }
            add(&mut api["about"]["policy"], statement);
        }
    };
    let open = report(STACK, statement("Allow", Value::Null));
    says(&open, "takes effect with the next deployment");
    says(
        &open,
        "anyone with credentials of AWS may call GET /s of apis.x",
    );
    says(&open, "from the next deployment of apis.x on");
    assert!(!open.contains("without signing"), "{open}");
    let tls = json!({"Bool": {"aws:SecureTransport": "false"}});
    let shut = report(STACK, statement("Deny", tls));
    says(
        &shut,
        "anyone may no longer call GET /s of apis.x in requests without TLS",
    );
}

#[test]
fn a_refusal_of_plain_requests_is_that_and_names_nobody_who_is_not_there() {
    let tls = |action: &str, resource: &str| {
        json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource,
               "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    };
    let on_topic = report(STACK, |it| {
        add(&mut topic(it)["policy"], tls("sns:Publish", TOPIC));
    });
    says(
        &on_topic,
        "roles.p may no longer publish to topics.t in requests without TLS",
    );
    says(
        &on_topic,
        "anyone may no longer publish to topics.t in requests without TLS",
    );
    let on_queue = report(STACK, |it| {
        add(&mut queue(it)["Policy"], tls("sqs:*", QUEUE));
    });
    says(
        &on_queue,
        "anyone may no longer do `sqs:*` on queues.q in requests without TLS",
    );
}

#[test]
fn services_that_no_statement_names_are_no_example() {
    let of_account =
        "any principal of account a (111111111111), and any AWS service on its behalf,";
    for (condition, who) in [
        (
            json!({"StringEquals": {"AWS:SourceOwner": "111111111111"}}),
            of_account,
        ),
        (
            json!({"Bool": {"aws:PrincipalIsAWSService": "true"}}),
            "any AWS service",
        ),
    ] {
        let found = report(STACK, |it| {
            let statement = json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["SNS:Publish", "SNS:Subscribe"], "Resource": TOPIC, "Condition": condition});
            add(&mut topic(it)["policy"], statement);
        });
        says(&found, &format!("{who} may publish to topics.t"));
    }
}

#[test]
fn all_but_some_actions_are_the_actions_of_the_resource() {
    let statement = |resource: &str, but: &str| json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::333333333333:root"}, "NotAction": but, "Resource": resource});
    let on_topic = report(STACK, |it| {
        add(&mut topic(it)["policy"], statement(TOPIC, "sns:Publish"));
    });
    says(
        &on_topic,
        "account 333333333333 may do everything but sns:Publish on topics.t, sns:Subscribe, sns:SetTopicAttributes, sns:DeleteTopic",
    );
    assert!(!on_topic.contains("sqs:"), "{on_topic}");
    assert!(!on_topic.contains("CheckIfPhoneNumber"), "{on_topic}");
    let on_queue = report(STACK, |it| {
        add(
            &mut queue(it)["Policy"],
            statement(QUEUE, "sqs:SendMessage"),
        );
    });
    says(
        &on_queue,
        "may do everything but sqs:SendMessage on queues.q, sqs:ReceiveMessage",
    );
}

#[test]
fn a_deny_opens_nothing_whomever_it_leaves_out() {
    let deny = |action: &str, resource: &str| json!({"Effect": "Deny", "NotPrincipal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": action, "Resource": resource});
    let on_topic = report(STACK, |it| {
        add(&mut topic(it)["policy"], deny("sns:Publish", TOPIC));
    });
    says(&on_topic, "topic t  cuts access");
    says(
        &on_topic,
        "anyone but account a (111111111111) may no longer publish to topics.t",
    );
    let on_queue = report(STACK, |it| {
        add(&mut queue(it)["Policy"], deny("sqs:SendMessage", QUEUE));
    });
    says(&on_queue, "queue q  cuts access");
    // An Allow that leaves somebody out may open everything.
    let allows = report(STACK, |it| {
        let mut statement = deny("sns:Publish", TOPIC);
        statement["Effect"] = json!("Allow");
        add(&mut topic(it)["policy"], statement);
    });
    says(&allows, "OPEN");
}

#[test]
fn a_key_that_shuts_somebody_out_cuts_access() {
    let on_queue = report(STACK, |it| {
        let queue = queue(it);
        queue["KmsMasterKeyId"] = json!("alias/aws/sqs");
        queue["SqsManagedSseEnabled"] = json!("false");
    });
    says(&on_queue, "queue q  cuts access");
    says(
        &on_queue,
        "loses: queues.q may no longer receive from topics.t",
    );
    let with_key =
        |it: &mut Value| topic(it)["attributes"]["KmsMasterKeyId"] = json!("alias/aws/sns");
    let on_topic = report(STACK, with_key);
    says(&on_topic, "topic t  cuts access");
    says(
        &on_topic,
        "loses: roles.p may no longer publish to topics.t",
    );
    // A publisher in the key's own account keeps its access.
    let home = STACK.replace("[roles.p]\naccount = \"b\"", "[roles.p]\naccount = \"a\"");
    let at_home = report(&home, with_key);
    says(&at_home, "topic t  changes behaviour");
}

#[test]
fn gains_say_all_that_a_wildcard_reaches() {
    let queues = report(
        STACK,
        inline(json!({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})),
    );
    says(
        &queues,
        "roles.w may do `sqs:*` on anything, queues.q among it: send to it, receive from it, delete its messages, \
         purge it, change its attributes, let others use it, delete it\n",
    );
    let several = report(
        STACK,
        inline(
            json!({"Effect": "Allow", "Action": ["s3:*", "dynamodb:GetItem", "sns:Publish"], "Resource": "*"}),
        ),
    );
    says(&several, "roles.w may do `s3:*` on anything\n");
    says(&several, "roles.w may do `dynamodb:GetItem` on anything\n");
    says(
        &several,
        "roles.w may publish to anything, topics.t among it\n",
    );
    // A part that the stack allows is no gain.
    let known = report(
        STACK,
        inline(
            json!({"Effect": "Allow", "Action": ["execute-api:Invoke", "sqs:PurgeQueue"], "Resource": "*"}),
        ),
    );
    says(
        &known,
        "roles.w may do `sqs:PurgeQueue` on anything, queues.q among it\n",
    );
    let of_queue = report(STACK, |account: &mut Value| {
        let statement = json!({
            "Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": ["sqs:Receive*", "sqs:Delete*"],
            "Resource": QUEUE,
        });
        add(&mut queue(account)["Policy"], statement);
    });
    says(
        &of_queue,
        "account b (222222222222) may receive from queues.q\n",
    );
    says(
        &of_queue,
        "may do `sqs:Delete*` on queues.q: delete its messages, delete it\n",
    );
}

#[test]
fn an_administrator_is_the_first_line_of_drift_plan_and_apply() {
    let attach = |account: &mut Value| {
        account["roles"]["w"]["attached"] = json!(["arn:aws:iam::aws:policy/AdministratorAccess"]);
    };
    let says_first = |out: &str, words: &str| {
        let gains = out
            .lines()
            .find(|it| it.contains("gains:"))
            .expect("a gain");
        assert!(gains.contains(words), "{out}");
    };
    let now = "roles.w is now administrator of account a (111111111111)";
    says_first(&report(STACK, attach), now);
    let folder = applied(STACK);
    tamper(&folder, attach);
    for command in ["plan s.toml --sandbox", "apply s.toml --sandbox --yes"] {
        let ran = folder.run(command).ends(0);
        let first = ran.out.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("ADMINISTRATOR  roles.w is now administrator of account a"),
            "{}",
            ran.out
        );
    }
    for action in [
        json!({"Action": "*"}),
        json!({"NotAction": "s3:Foo"}),
        json!({"Action": "iam:*"}),
    ] {
        let mut statement = json!({"Effect": "Allow", "Resource": "*"});
        statement
            .as_object_mut()
            .expect("a table")
            .extend(action.as_object().expect("one").clone());
        let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let by_hand = text.clone();
        says_first(
            &report(STACK, move |account| {
                account["roles"]["w"]["inline"]["theirs"] = json!(by_hand);
            }),
            now,
        );
        let folder = applied(STACK);
        folder.write("p.json", &text);
        let own = "[roles.w]\naccount = \"a\"\npolicies = { p = \"p.json\" }\n";
        folder.write(
            "s.toml",
            &STACK.replace("[roles.w]\naccount = \"a\"\n", own),
        );
        for command in ["plan s.toml --sandbox", "apply s.toml --sandbox --yes"] {
            // What breaks a claim of the stack is not carried out.
            let ran = folder.run(command);
            assert!([0, 3].contains(&ran.code), "{}", ran.err);
            let first = ran.out.lines().next().unwrap_or_default();
            let says = "ADMINISTRATOR  roles.w becomes administrator of account a (111111111111)";
            assert!(first.starts_with(says), "{}", ran.out);
            assert!(
                !ran.out.contains("let through what they did not"),
                "{}",
                ran.out
            );
        }
    }
}

#[test]
fn all_but_what_keeps_nobody_from_the_rest_makes_an_administrator() {
    let all_but =
        |but: Value| inline(json!({"Effect": "Allow", "NotAction": but, "Resource": "*"}));
    says(
        &report(STACK, all_but(json!(["s3:Foo"]))),
        "roles.w is now administrator of account a (111111111111)",
    );
    for action in ["iam:*", "iam:PutRolePolicy", "IAM:Attach*", "iam:putrole*"] {
        for resource in ["*", "arn:aws:iam::*:role/*"] {
            says(
                &report(
                    STACK,
                    inline(json!({"Effect": "Allow", "Action": [action], "Resource": resource})),
                ),
                "roles.w is now administrator of account a (111111111111)",
            );
        }
    }
    for (action, resource) in [
        ("iam:PassRole", "*"),
        ("iam:Get*", "*"),
        ("iam:PutRolePolicy", "arn:aws:iam::111111111111:role/other"),
        ("s3:*", "*"),
    ] {
        let found = report(
            STACK,
            inline(json!({"Effect": "Allow", "Action": action, "Resource": resource})),
        );
        assert!(!found.contains("administrator"), "{action}: {found}");
    }
    let power_user = report(STACK, all_but(json!(["iam:*", "organizations:*"])));
    assert!(!power_user.contains("administrator"), "{power_user}");
}

#[test]
fn a_filter_by_hand_says_which_messages_no_longer_arrive() {
    let found = report(STACK, |it| {
        let filter = json!({"type": ["a", {"prefix": "b"}], "n": [{"numeric": [">", 3]}]});
        topic(it)["subscriptions"][0]["attributes"]["FilterPolicy"] = json!(filter.to_string());
    });
    for what in [
        "`n` is not > 3",
        "`type` is not a or a text that begins with b",
    ] {
        let text = format!("queues.q no longer receives messages whose {what} from topics.t");
        says(&found, &text);
    }
    assert!(!found.contains("what passes"), "{found}");
}

#[test]
fn what_waits_for_a_deleted_api_follows_from_it_and_no_placeholder_is_written() {
    let assumed = STACK.replace("via = \"resource-policy\"", "via = \"assume-role\"");
    for stack in [STACK, assumed.as_str()] {
        let folder = applied(stack);
        tamper(&folder, |it| {
            region(it)["apis"] = json!({});
        });
        let found = folder.run("drift s.toml --sandbox").ends(2);
        assert!(!found.out.contains("${provision:"), "{}", found.out);
        says(&found.out, "Drift: 1 finding (1 cuts access)");
        says(&found.out, "--revert apis.x\n");
        // Either of them brings back both.
        let role = if stack == STACK { "roles.w" } else { "apis.x" };
        let command = format!("drift s.toml --sandbox --revert {role} --yes");
        let reverted = folder.run(&command).ends(0);
        assert!(!reverted.out.contains("${provision:"), "{}", reverted.out);
        assert!(
            !reverted.out.contains("AWS was changed"),
            "{}",
            reverted.out
        );
        assert!(!folder.read(WORLD).contains("${provision:"));
        folder.run("drift s.toml --sandbox").ends(0);
    }
}

#[test]
fn a_role_on_another_path_says_who_is_cut_off_and_for_how_long_and_needs_consent() {
    // One that no document names is cut off as well.
    let folder = applied(&format!(
        "{STACK}[roles.idle]\naccount = \"a\"\ntrusted_by = \"lambda.amazonaws.com\"\n"
    ));
    for role in ["w", "idle"] {
        let table = format!("[roles.{role}]\n");
        let moved = folder
            .read("s.toml")
            .replace(&table, &format!("{table}path = \"/team/\"\n"));
        folder.write("moved.toml", &moved);
        let said = folder.run("plan moved.toml --sandbox").ends(0);
        let words = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
        for says in [
            format!(
                "! roles.{role}: what runs as it is cut off from when it is deleted until it is made again"
            ),
            "seconds, two minutes at most".to_owned(),
            "under another `name` it can".to_owned(),
        ] {
            assert!(words.contains(&says), "no `{says}` in {}", said.out);
        }
        let before = folder.read(WORLD);
        folder
            .run("apply moved.toml --sandbox --yes")
            .ends(1)
            .tells(&format!("--allow-delete roles.{role}"));
        assert_eq!(folder.read(WORLD), before);
        folder
            .run(&format!(
                "apply moved.toml --sandbox --yes --allow-delete roles.{role}"
            ))
            .ends(0);
        folder.run("drift moved.toml --sandbox").ends(0);
        folder
            .run(&format!(
                "apply s.toml --sandbox --yes --allow-delete roles.{role}"
            ))
            .ends(0);
    }
}

#[test]
fn what_a_queue_holds_that_is_renamed_is_said_before_it_goes() {
    let folder = applied(STACK);
    let renamed = STACK.replace("[queues.q]\n", "[queues.q]\nname = \"jobs\"\n");
    folder.write("renamed.toml", &renamed);
    for (counter, says) in [
        (
            "",
            "it holds about 4 messages (4 waiting, 0 received and not deleted, 0 delayed)",
        ),
        (
            "NotVisible",
            "it holds about 4 messages (0 waiting, 4 received and not deleted, 0 delayed)",
        ),
        (
            "Delayed",
            "it holds about 4 messages (0 waiting, 0 received and not deleted, 4 delayed)",
        ),
    ] {
        tamper(&folder, |account| {
            let attributes = &mut account["regions"]["eu-west-1"]["queues"]["q"]["attributes"];
            for it in ["", "NotVisible", "Delayed"] {
                let count = if it == counter { "4" } else { "0" };
                attributes[format!("ApproximateNumberOfMessages{it}")] = json!(count);
            }
        });
        let said = folder.run("plan renamed.toml --sandbox").ends(0);
        let words = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(says), "no `{says}` in {}", said.out);
        assert!(words.contains("let its consumers empty it first"));
        folder
            .run("apply renamed.toml --sandbox --yes")
            .ends(1)
            .tells("--allow-delete");
    }
}

/// What a plan says of what it takes away, where no access of the stack changes.
#[test]
fn a_plan_lists_what_it_cuts_off_beside_the_accesses() {
    const STACK: &str = r#"[stack]
name = "s"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[topics.t]
account = "a"
[queues.q]
account = "a"
subscribe = { topic = "t" }
[roles.w]
account = "a"
trusted_by = ["lambda.amazonaws.com", "ec2.amazonaws.com"]
[roles.w.policies.p]
Version = "2012-10-17"
Statement = [{ Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject"], Resource = "*" }]
[roles.far]
account = "b"
trusted_by = "lambda.amazonaws.com"
[[access]]
from = "roles.far"
to = "topics.t"
via = "assume-role"
"#;
    for (from, to, lost) in [
        (
            "[\"lambda.amazonaws.com\", \"ec2.amazonaws.com\"]",
            "\"lambda.amazonaws.com\"",
            "the trust policy of roles.w lets through no longer: ec2.amazonaws.com sts:AssumeRole on roles.w",
        ),
        (
            "[\"s3:GetObject\", \"s3:PutObject\"]",
            "\"s3:PutObject\"",
            "the inline policies of roles.w let through no longer: s3:GetObject on *",
        ),
        (
            "{ topic = \"t\" }",
            "{ topic = \"t\", filter = { kind = [\"x\"] } }",
            "the filter of subscriptions.q.t lets through no longer: messages whose `kind` is not x",
        ),
        (
            "[topics.t]\n",
            "[topics.t]\ntls_only = true\n",
            "with aws:SecureTransport = false",
        ),
        (
            "via = \"assume-role\"\n",
            "via = \"assume-role\"\nexternal_id = \"abc\"\n",
            "lets through no longer: roles.far sts:AssumeRole on roles.t-for-far",
        ),
    ] {
        let folder = Folder::new();
        folder.write("s.toml", STACK);
        folder.run("apply s.toml --sandbox --yes").ends(0);
        assert!(STACK.contains(from), "{from}");
        folder.write("s.toml", &STACK.replace(from, to));
        let plan = folder.run("plan s.toml --sandbox").ends(0);
        let text = plan.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.starts_with("Access changes 0 gained 1 lost"), "{text}");
        assert!(text.contains(lost), "{lost}: {text}");
        assert!(
            !text.contains("role/target") && !text.contains("333333333333"),
            "{text}"
        );
        let document = folder
            .run("plan s.toml --sandbox --json")
            .ends(0)
            .document();
        let narrowings = document["narrowings"].as_array().expect("a list");
        assert_eq!(narrowings.len(), 1, "{narrowings:?}");
    }
}

/// Something that is done by hand.
type Deed = fn(&mut Value);

#[test]
fn a_setting_that_refuses_or_deletes_cuts_access() {
    let fifo = STACK
        .replace(
            "[topics.t]\n",
            "[topics.t]\nfifo = true\ncontent_based_deduplication = true\n",
        )
        .replace(
            "[queues.q]\n",
            "[queues.q]\nfifo = true\ncontent_based_deduplication = true\n",
        );
    let deeds: [(&str, Deed, &str, &str); 8] = [
        (
            STACK,
            |it| queue(it)["MessageRetentionPeriod"] = json!("60"),
            "queue q  cuts access",
            "messages older than 1m in queues.q are deleted",
        ),
        (
            STACK,
            |it| queue(it)["MaximumMessageSize"] = json!("1024"),
            "queue q  cuts access",
            "messages of more than 1024 bytes may no longer be sent to queues.q",
        ),
        (
            &fifo,
            |it| {
                region(it)["queues"]["q.fifo"]["attributes"]["ContentBasedDeduplication"] =
                    json!("false");
            },
            "queue q  cuts access",
            "messages without a `MessageDeduplicationId` may no longer be sent to queues.q",
        ),
        (
            &fifo,
            |it| {
                region(it)["topics"]["t.fifo"]["attributes"]["ContentBasedDeduplication"] =
                    json!("false");
            },
            "topic t  cuts access",
            "messages without a `MessageDeduplicationId` may no longer be published to topics.t",
        ),
        (
            STACK,
            |it| {
                let (_, api) = api(it);
                api["stages"]["live"]["methods"] = json!({"*/*": {"data_trace": false, "metrics": false, "rate": 0.0, "burst": 5}});
            },
            "stage x.live  cuts access",
            "with a rate or burst of 0 each call gets status 429",
        ),
        (
            STACK,
            |it| {
                let (_, api) = api(it);
                api["stages"]["live"]["methods"] = json!({"~1s/GET": {"data_trace": false, "metrics": false, "rate": 5.0, "burst": 0}});
            },
            "stage x.live  cuts access",
            "GET /s may no longer be called through stage `live`",
        ),
        (
            STACK,
            |it| api(it).1["about"]["disable_execute_api"] = json!(true),
            "api x  cuts access",
            "callers by the `execute-api` host name may no longer call any route of apis.x",
        ),
        (
            STACK,
            |it| api(it).1["resources"]["/s"]["methods"]["GET"]["api_key_required"] = json!(true),
            "api x  cuts access",
            "callers without an API key may no longer call GET /s of apis.x",
        ),
    ];
    for (stack, deed, head, effect) in deeds {
        let found = report(stack, deed);
        let text = found.split_whitespace().collect::<Vec<_>>().join(" ");
        let head = head.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(&head), "{head}: {found}");
        assert!(text.contains(effect), "{effect}: {found}");
    }
}

#[test]
fn an_api_without_its_policy_opens_its_public_routes() {
    const PUBLIC: &str = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
        [apis.x]\nroutes = { \"GET /s\" = { mock = 200, public = true } }\n\
        [[access]]\nfrom = { ip = \"203.0.113.0/24\" }\nto = \"apis.x\"\nallow = \"GET /s\"\n";
    let open = report(PUBLIC, |it| {
        let (_, api) = api(it);
        api["about"]["policy"] = Value::Null;
        for deployment in api["deployments"]
            .as_object_mut()
            .expect("deployments")
            .values_mut()
        {
            deployment["policy"] = Value::Null;
        }
    });
    says(&open, "api x  OPENS ACCESS");
    says(
        &open,
        "gains: anyone, without signing, may call GET /s of apis.x",
    );
    // Where each route asks for a signature, only those that the policy named lose something.
    let shut = report(STACK, |it| api(it).1["about"]["policy"] = Value::Null);
    assert!(!shut.contains("OPENS"), "{shut}");
}

#[test]
fn a_statement_for_a_role_that_its_own_policy_lets_in_cuts_nobody_off() {
    let home = STACK.replace("[roles.p]\naccount = \"b\"", "[roles.p]\naccount = \"a\"");
    let without = |text: &str| {
        let mut document: Value = serde_json::from_str(text).expect("JSON");
        let statements = document["Statement"].as_array_mut().expect("a list");
        statements.retain(|it| !it.to_string().contains("role/provision/s/p"));
        json!(document.to_string())
    };
    let gone = |it: &mut Value| {
        let topic = topic(it);
        topic["policy"] = without(topic["policy"].as_str().expect("a text"));
    };
    let at_home = report(&home, gone);
    says(&at_home, "topic t  changes behaviour");
    assert!(!at_home.contains("may no longer publish"), "{at_home}");
    // A role of another account needs both.
    let elsewhere = report(STACK, gone);
    says(&elsewhere, "topic t  cuts access");
    // So does one whose own policy does not allow it.
    let neither = report(&home, |it| {
        gone(it);
        it["roles"]["p"]["inline"] = json!({});
    });
    says(&neither, "topic t  cuts access");
}

#[test]
fn what_names_a_deleted_role_follows_from_it() {
    let home = STACK.replace("[roles.p]\naccount = \"b\"", "[roles.p]\naccount = \"a\"")
        + "[[access]]\nfrom = \"roles.p\"\nto = \"queues.q\"\nallow = \"receive\"\n";
    let folder = applied(&home);
    tamper(&folder, |it| {
        drop(it["roles"].as_object_mut().expect("roles").remove("p"));
    });
    let found = folder.run("drift s.toml --sandbox").ends(2);
    says(&found.out, "1 finding");
    says(&found.out, "with it: topics.t");
    says(&found.out, "with it: queues.q");
    let before: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    folder
        .run("drift s.toml --sandbox --revert roles.p --yes")
        .ends(0);
    folder.run("drift s.toml --sandbox").ends(0);
    // What follows can be named as well: the role comes first.
    folder.write(WORLD, &before.to_string());
    folder
        .run("drift s.toml --sandbox --revert queues.q --yes")
        .ends(0);
    folder.run("drift s.toml --sandbox").ends(0);
}

#[test]
fn a_trust_policy_is_accepted_where_the_stack_says_it() {
    let folder = applied(STACK);
    tamper(&folder, |it| {
        let trust = &mut it["roles"]["w"]["trust"];
        add(
            trust,
            json!({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}),
        );
    });
    folder
        .run("drift s.toml --sandbox --accept roles.w --reason ok")
        .ends(1)
        .tells("`trusted_by`")
        .tells("`trust_policy`");
    let both = STACK.replacen(
        "trusted_by = \"lambda.amazonaws.com\"",
        "trusted_by = [\"lambda.amazonaws.com\", \"ec2.amazonaws.com\"]",
        1,
    );
    folder.write("s.toml", &both);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    folder.run("drift s.toml --sandbox").ends(0);
}

#[test]
fn a_setting_of_an_api_is_accepted_and_then_deployed() {
    let folder = applied(STACK);
    tamper(&folder, |it| {
        let about = &mut api(it).1["about"];
        about["disable_execute_api"] = json!(true);
        about["minimum_compression"] = json!(100);
    });
    folder.run("drift s.toml --sandbox").ends(2);
    folder
        .run("drift s.toml --sandbox --accept apis.x")
        .ends(0)
        .says("disable_execute_api = true")
        .tells("provision apply s.toml --sandbox");
    folder.run("apply s.toml --sandbox --yes").ends(0);
    folder.run("drift s.toml --sandbox").ends(0);
}

#[test]
fn an_api_that_is_closed_to_the_callers_of_its_url_cuts_their_access() {
    for (field, value, who) in [
        (
            "disable_execute_api",
            json!(true),
            "callers by the `execute-api` host name",
        ),
        (
            "endpoint_type",
            json!("PRIVATE"),
            "callers from outside a VPC endpoint for `execute-api`",
        ),
    ] {
        let folder = applied(STACK);
        tamper(&folder, |account| api(account).1["about"][field] = value);
        folder
            .run("drift s.toml --sandbox")
            .ends(2)
            .says("~ api x  cuts access  PD001")
            .says(&format!(
                "loses: {who} may no longer call any route of apis.x"
            ));
        folder
            .run("verify s.toml --sandbox --live")
            .ends(3)
            .says("Failed roles.w may call GET /s of apis.x")
            .says(&format!("{who} do not reach apis.x"));
        folder
            .run("drift s.toml --sandbox --revert apis.x --yes")
            .ends(0);
        folder.run("verify s.toml --sandbox --live").ends(0);
    }
}

#[test]
fn a_topic_that_goes_takes_others_subscriptions_with_it_and_says_whose() {
    const GUEST: &str = "arn:aws:sqs:eu-west-1:444444444444:theirs";
    let renamed = STACK.replace("[topics.t]\n", "[topics.t]\nname = \"t2\"\n");
    let fifo = STACK
        .replace("[topics.t]\n", "[topics.t]\nfifo = true\n")
        .replace("[queues.q]\n", "[queues.q]\nfifo = true\n");
    let without = STACK.replace("topics.t", "topics.other").replace(
        "subscribe = [{ topic = \"t\" }]",
        "subscribe = [{ topic = \"other\" }]",
    );
    for changed in [renamed, fifo, without] {
        let folder = applied(STACK);
        tamper(&folder, |account| {
            let all = &mut topic(account)["subscriptions"];
            let mut one = all[0].clone();
            let arn = one["arn"].as_str().expect("an ARN");
            one["arn"] = json!(format!("{}beef", &arn[..arn.len() - 4]));
            one["endpoint"] = json!(GUEST);
            one["owner"] = json!("444444444444");
            all.as_array_mut().expect("a list").push(one);
        });
        folder.write("s.toml", &changed);
        let said = folder.run("plan s.toml --sandbox").ends(0).out;
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            flat.contains(&format!("{GUEST} may no longer receive from")),
            "{said}"
        );
        assert!(
            flat.contains(&format!(
                "! subscription of sqs {GUEST} by account 444444444444"
            )),
            "{said}"
        );
    }
}

#[test]
fn a_subscriptions_dead_letter_queue_goes_after_it() {
    let stack = |fifo: &str| {
        format!(
            "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts]\na = {{ id = \"111111111111\" }}\n\
             [topics.t]\n{fifo}[queues.q]\n{fifo}subscribe = {{ topic = \"t\", dead_letter = \"left\" }}\n[queues.left]\n{fifo}"
        )
    };
    let folder = applied(&stack(""));
    folder.write("s.toml", &stack("fifo = true\n"));
    folder
        .run("apply s.toml --sandbox --yes --prune --log calls.jsonl")
        .ends(0);
    let log = folder.read("calls.jsonl");
    let at = |words: [&str; 2]| {
        let mut lines = log.lines();
        let found = lines.position(|it| words.iter().all(|word| it.contains(word)));
        found.unwrap_or_else(|| panic!("{words:?}\n{log}"))
    };
    let ended = at(["Unsubscribe", ":t"]);
    let gone = at(["DeleteQueue", "left\""]);
    assert!(ended < gone, "{log}");
}
