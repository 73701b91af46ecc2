//! `drift --revert` asks what apply asks: it opens nothing over a guardrail, and leaves no claim broken that held.

use super::Folder;

const WORLD: &str = ".provision/sandbox.json";

/// Changes the sandbox behind the program's back.
fn change(folder: &Folder, change: impl FnOnce(&mut serde_json::Value)) {
    let mut world = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    change(&mut world);
    folder.write(WORLD, &world.to_string());
}

/// The same without what time and reading leave behind.
fn accounts(folder: &Folder) -> serde_json::Value {
    let world: serde_json::Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    world["accounts"].clone()
}

/// Takes statements out of the topic's policy.
fn take_out(folder: &Folder, words: &str) {
    change(folder, |world| {
        let region = &mut world["accounts"]["333333333333"]["regions"]["eu-west-1"];
        let policy = &mut region["topics"]["order-events"]["policy"];
        let mut document: serde_json::Value =
            serde_json::from_str(policy.as_str().expect("a policy")).expect("JSON");
        let statements = document["Statement"].as_array_mut().expect("statements");
        let before = statements.len();
        statements.retain(|it| !it.to_string().contains(words));
        assert_ne!(statements.len(), before, "no statement with `{words}`");
        *policy = document.to_string().into();
    });
}

/// Changes an attribute of the marketplace's queue.
fn hide_for_longer(folder: &Folder) {
    change(folder, |world| {
        let region = &mut world["accounts"]["222222222222"]["regions"]["eu-west-1"];
        region["queues"]["billing-inbox"]["attributes"]["VisibilityTimeout"] = "77".into();
    });
}

const OPEN: &str = r#"[stack]
name   = "s"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[roles.r]
trust_policy = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = "*" }, Action = "sts:AssumeRole" }] }
"#;

#[test]
fn what_opens_access_over_a_guardrail_is_not_put_back_until_it_is_accepted() {
    let folder = Folder::new();
    let accepting = format!("{OPEN}accept = {{ PG001 = \"a sandbox for all\" }}\n");
    folder.write("s.toml", &accepting);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    change(&folder, |world| {
        let role = &mut world["accounts"]["111111111111"]["roles"]["r"];
        let shut = role["trust"]
            .as_str()
            .expect("a policy")
            .replace(r#""AWS":"*""#, r#""AWS":"arn:aws:iam::111111111111:root""#);
        role["trust"] = shut.into();
    });
    folder.run("drift s.toml --sandbox").ends(2).says("roles");
    folder.write("s.toml", OPEN);
    let before = accounts(&folder);
    folder
        .run("drift s.toml --sandbox --revert roles.r --yes")
        .ends(3)
        .says("error[PG001]")
        .tells("PG001 of roles.r keeps this from being applied; nothing was changed");
    let document = folder
        .run("drift s.toml --sandbox --revert roles.r --yes --json")
        .ends(3)
        .document();
    assert_eq!(document["guardrails"]["findings"][0]["code"], "PG001");
    assert_eq!(accounts(&folder), before, "nothing was changed");
    folder.write("s.toml", &accepting);
    folder
        .run("drift s.toml --sandbox --revert roles.r --yes")
        .ends(0);
    folder.run("drift s.toml --sandbox").ends(0);
}

const PARTNER: &str = "[[access]]\nfrom = { account = \"444444444444\" }\nto   = \"topics.order-events\"\nvia  = \"resource-policy\"\n";
const NEVER: &str = "[[never]]\nwho = \"outside accounts\"\nto = \"topics.order-events\"\ndo = \"publish\"\nreason = \"orders are ours\"\n";
const STACK: &str = "stacks/marketplace.toml --sandbox";

#[test]
fn what_breaks_a_claim_of_the_stack_is_not_put_back() {
    let folder = Folder::with_stacks();
    folder.write("partner.toml", PARTNER);
    folder.write("never.toml", NEVER);
    folder
        .run(&format!("apply {STACK} --with partner.toml --yes"))
        .ends(0);
    take_out(&folder, "444444444444");
    let before = accounts(&folder);
    folder
        .run(&format!(
            "drift {STACK} --with partner.toml --with never.toml --revert topics.order-events --yes"
        ))
        .ends(3)
        .says("account 444444444444 may publish to topics.order-events, and never may: orders are ours")
        .says("1 claim would not hold after this plan, so it is not carried out");
    assert_eq!(accounts(&folder), before, "nothing was changed");
    folder
        .run(&format!(
            "drift {STACK} --with partner.toml --revert topics.order-events --yes"
        ))
        .ends(0);
    folder
        .run(&format!("drift {STACK} --with partner.toml"))
        .ends(0);
}

#[test]
fn one_finding_is_put_back_whatever_the_others_break() {
    let folder = Folder::with_stacks();
    folder.write("never.toml", NEVER);
    let stack = format!("{STACK} --with never.toml");
    folder.run(&format!("apply {stack} --yes")).ends(0);
    // A claim that fails, a guardrail that is gone over, an edge that is broken, and a queue that is changed.
    super::proof::put_in_topic_policy(
        &folder,
        r#"{"Sid":"Theirs","Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:333333333333:order-events"}"#,
    );
    take_out(&folder, "Subscribe\"");
    hide_for_longer(&folder);
    folder.run(&format!("apply {stack} --yes")).ends(3);
    folder
        .run(&format!(
            "drift {stack} --revert queues.billing-inbox --yes"
        ))
        .ends(0)
        .says("~ queue billing-inbox");
    let left = folder.run(&format!("drift {stack}")).ends(2);
    assert!(!left.out.contains("queue billing-inbox"), "{}", left.out);
    // Taking the stranger's statement away makes nothing worse either.
    folder
        .run(&format!("drift {stack} --revert topics.order-events --yes"))
        .ends(0);
    folder.run(&format!("drift {stack}")).ends(0);
    folder.run(&format!("verify {stack} --live")).ends(0);
}

/// A resource, words of what stands on it, and how that got there.
type Touch = (&'static str, &'static str, fn(&mut serde_json::Value));

/// A stack of which others touched a topic, a role and a stage.
const TOUCHED: &str = r#"[stack]
name = "s"
region = "eu-west-1"
[accounts]
a = { id = "111111111111" }
[topics.t]
account = "a"
[queues.q]
account = "a"
subscribe = "t"
[roles.w]
account = "a"
trusted_by = "lambda.amazonaws.com"
[apis.x]
account = "a"
routes = { "GET /s" = { mock = 200 } }
"#;

#[test]
fn a_revert_lists_what_it_takes_away_and_calls_none_of_it_kept() {
    let touch: [Touch; 4] = [
        ("roles.w", "boundary", |account| {
            account["roles"]["w"]["boundary"] = "arn:aws:iam::aws:policy/ReadOnlyAccess".into();
        }),
        ("stages.x.live", "a canary of stage `live`", |account| {
            let apis = account["regions"]["eu-west-1"]["apis"].as_object_mut();
            let api = apis.and_then(|it| it.values_mut().next()).expect("an API");
            let deployment = api["stages"]["live"]["deployment"].clone();
            api["stages"]["live"]["canary"] =
                serde_json::json!({"deployment": deployment, "percent": 10.0});
        }),
        ("apis.x", "stage `old`", |account| {
            let apis = account["regions"]["eu-west-1"]["apis"].as_object_mut();
            let api = apis.and_then(|it| it.values_mut().next()).expect("an API");
            let mut stage = api["stages"]["live"].clone();
            stage["name"] = "old".into();
            stage["tags"] = serde_json::json!({});
            api["stages"]["old"] = stage;
        }),
        ("topics.t", ":spy", |account| {
            let topic = &mut account["regions"]["eu-west-1"]["topics"]["t"];
            let all = topic["subscriptions"]
                .as_array_mut()
                .expect("subscriptions");
            let mut spy = all[0].clone();
            spy["endpoint"] = "arn:aws:sqs:eu-west-1:222222222222:spy".into();
            spy["owner"] = "222222222222".into();
            let arn = spy["arn"].as_str().expect("an ARN");
            spy["arn"] = format!("{}abcd", &arn[..arn.len() - 4]).into();
            all.push(spy);
        }),
    ];
    for (address, what, touch) in touch {
        let folder = Folder::new();
        folder.write("s.toml", TOUCHED);
        folder.run("apply s.toml --sandbox --yes").ends(0);
        change(&folder, |world| {
            touch(&mut world["accounts"]["111111111111"]);
        });
        folder.run("drift s.toml --sandbox").ends(2).says(what);
        // An apply keeps it, and says so.
        folder
            .run("plan s.toml --sandbox")
            .ends(0)
            .says("not this stack's, and kept");
        let revert = format!("drift s.toml --sandbox --revert {address}");
        let asked = folder.run(&revert).ends(1);
        for ran in [&asked, &folder.run(&format!("{revert} --yes")).ends(0)] {
            let out = &ran.out;
            assert!(!out.contains("and kept"), "{out}");
            assert!(!out.contains("Nothing to do"), "{out}");
            assert!(
                out.contains("Taken away  not this stack's, and named by `--revert`"),
                "{out}"
            );
            assert!(out.contains(what), "{out}");
            assert!(out.contains("0 to change, 1 to destroy."), "{out}");
        }
        asked.tells("nobody to ask; nothing was changed");
        folder.run("drift s.toml --sandbox").ends(0);
    }
}

/// What left the stack and was deleted by somebody else meanwhile is what the revert wanted: there is nothing to do.
#[test]
fn a_revert_of_an_orphan_that_is_gone_has_nothing_to_do() {
    let folder = Folder::new();
    folder.write("s.toml", TOUCHED);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    let without = TOUCHED.replace(
        "[roles.w]\naccount = \"a\"\ntrusted_by = \"lambda.amazonaws.com\"\n",
        "",
    );
    folder.write("s.toml", &without);
    let revert = "drift s.toml --sandbox --revert roles.w --yes";
    folder.run("drift s.toml --sandbox").ends(2).says("roles.w");
    let orphaned = folder.read(WORLD);
    change(&folder, |world| {
        let roles = world["accounts"]["111111111111"]["roles"].as_object_mut();
        roles.and_then(|it| it.remove("w")).expect("the role");
    });
    let before = accounts(&folder);
    folder
        .run(revert)
        .ends(0)
        .tells("`roles.w` is neither in the stack nor among the findings: nothing is left of it")
        .tells("0 writes");
    assert_eq!(accounts(&folder), before);
    // While it is there, the same words delete it, and said again they find it gone.
    folder.write(WORLD, &orphaned);
    folder.run(revert).ends(0);
    assert!(!folder.read(WORLD).contains("role/w\""));
    folder.run(revert).ends(0).tells("nothing is left of it");
    // A name that is only mistyped is not taken for one that is gone.
    folder
        .run("drift s.toml --sandbox --revert topics.tt --yes")
        .ends(1)
        .tells("did you mean `topics.t`?");
}

/// What a run leaves that was killed after its last deployment: the one that was replaced.
#[test]
fn what_was_put_back_and_not_tidied_up_is_tidied_up_by_the_same_command() {
    let stack = "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[apis.web]\n\
        [apis.web.routes]\n\"GET /x\" = { mock = 200 }\n";
    for named in ["apis.web", "stages.web.live", "PD006"] {
        let folder = Folder::new();
        folder.write("shop.toml", stack);
        folder.run("apply shop.toml --sandbox --yes").ends(0);
        let file = ".provision/sandbox.json";
        let mut world: serde_json::Value = serde_json::from_str(&folder.read(file)).expect("JSON");
        let region = &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"];
        let apis = region["apis"].as_object_mut().expect("APIs");
        let api = apis.values_mut().next().expect("an API");
        let deployments = api["deployments"].as_object_mut().expect("deployments");
        let (_, served) = deployments.iter().next().expect("one");
        let served = served.clone();
        deployments.insert("zzzzzz".to_owned(), served);
        folder.write(file, &world.to_string());
        let revert = format!("drift shop.toml --sandbox --revert {named} --yes");
        folder.run(&revert).ends(0);
        assert!(!folder.read(file).contains("zzzzzz"), "{named}");
        folder.run(&revert).ends(0);
        folder
            .run("drift shop.toml --sandbox")
            .ends(0)
            .says("No drift");
    }
}

#[test]
fn a_revert_is_not_refused_for_what_did_not_work_before_it() {
    let stack = r#"
[stack]
name   = "shop"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[apis.desk]
account = "a"
routes  = { "GET /orders/{id}" = { mock = 200 }, "POST /orders" = { mock = 200 } }
[topics.orders]
account  = "a"
tls_only = true
[queues.local]
account = "b"
[roles.caller]
account    = "b"
trusted_by = "lambda.amazonaws.com"
[[access]]
from  = "roles.caller"
to    = "apis.desk"
allow = ["GET /orders/*", "POST /orders"]
[[access]]
from = "roles.caller"
to   = "topics.orders"
[[access]]
from  = "roles.caller"
to    = "queues.local"
allow = "receive"
"#;
    let world = ".provision/sandbox.json";
    let folder = Folder::new();
    folder.write("shop.toml", stack);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    let made = folder.read(world);
    let tamper = |deed: &dyn Fn(&mut serde_json::Value)| {
        let mut it: serde_json::Value = serde_json::from_str(&made).expect("JSON");
        deed(&mut it["accounts"]);
        folder.write(world, &it.to_string());
    };
    let none = || serde_json::json!({});
    for gone in ["apis", "topics"] {
        for order in [["gone", "roles.caller"], ["roles.caller", "gone"]] {
            tamper(&|all| {
                all["111111111111"]["regions"]["eu-west-1"][gone] = none();
                all["222222222222"]["roles"]["caller"]["inline"] = none();
            });
            for it in order {
                let it = match (it, gone) {
                    ("gone", "apis") => "apis.desk",
                    ("gone", _) => "topics.orders",
                    (it, _) => it,
                };
                folder
                    .run(&format!("drift shop.toml --sandbox --revert {it} --yes"))
                    .ends(0);
            }
            folder.run("drift shop.toml --sandbox").ends(0);
        }
    }
    // What the target's own policy lets in in the same account is not lost with the role's.
    tamper(&|all| all["222222222222"]["roles"]["caller"]["inline"] = none());
    let drift = folder.run("drift shop.toml --sandbox").ends(2);
    let drift = drift.says("loses: roles.caller may no longer publish to topics.orders");
    assert!(!drift.out.contains("queues.local"), "{}", drift.out);
    // A refusal that is gone lets in nobody whom nothing lets in.
    tamper(&|all| {
        let policy = &mut all["111111111111"]["regions"]["eu-west-1"]["topics"]["orders"]["policy"];
        let text = policy.as_str().expect("a policy");
        let mut it: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let statements = it["Statement"].as_array_mut().expect("statements");
        statements.retain(|it| it["Effect"] == "Allow");
        *policy = serde_json::json!(it.to_string());
    });
    let says =
        "gains: whoever its policies let in may publish to topics.orders in requests without TLS";
    let drift = folder.run("drift shop.toml --sandbox").ends(2).says(says);
    assert!(!drift.out.contains("anyone"), "{}", drift.out);
}
