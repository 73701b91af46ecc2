//! Changes that cut callers off though no access of theirs is taken away: each is listed as lost, and asked for.

use super::Folder;

const HEAD: &str = r#"[stack]
name = "s"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[roles.w]
account = "b"
trusted_by = "lambda.amazonaws.com"
"#;

const CALLS: &str = "[[access]]\nfrom = \"roles.w\"\nto = \"apis.o\"\nallow = \"GET /x\"\n";

fn stack(api: &str, rest: &str) -> String {
    format!("{HEAD}[apis.o]\naccount = \"a\"\n{api}{rest}")
}

fn applied(text: &str) -> Folder {
    let folder = Folder::new();
    folder.write("s.toml", text);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    folder
}

const ROUTES: &str = "routes = { \"GET /x\" = { mock = 200 }, \"POST /x\" = { mock = 200 } }\n";

#[test]
fn an_endpoint_that_shuts_callers_out_needs_consent() {
    let of = |settings: &str| stack(&format!("{settings}{ROUTES}"), CALLS);
    let private = "endpoint = \"private\"\n";
    let (one, both) = (
        "endpoint = \"private\"\nvpc_endpoints = [\"vpce-0123456789abcdef0\"]\n",
        "endpoint = \"private\"\nvpc_endpoints = [\"vpce-0123456789abcdef0\", \"vpce-0123456789abcdef1\"]\n",
    );
    let changes = [
        (
            "",
            private,
            "callers from outside a VPC endpoint for `execute-api` may no longer call any route of apis.o",
        ),
        (
            private,
            one,
            "callers through other VPC endpoints than vpce-0123456789abcdef0 may no longer call any route of apis.o",
        ),
        (
            both,
            one,
            "callers through vpce-0123456789abcdef1 may no longer call any route of apis.o",
        ),
        (
            private,
            "",
            "callers through a VPC endpoint may no longer call any route of apis.o",
        ),
        (
            "",
            "disable_execute_api = true\n",
            "callers by the `execute-api` host name may no longer call any route of apis.o",
        ),
    ];
    for (from, to, lost) in changes {
        let folder = applied(&of(from));
        folder.write("s.toml", &of(to));
        folder
            .run("apply s.toml --sandbox --yes")
            .ends(1)
            .says(" 1 lost")
            .tells(lost)
            .tells("--close apis.o --yes");
        folder
            .run("apply s.toml --sandbox --yes --close apis.o")
            .ends(0);
        folder.run("plan s.toml --sandbox").says("Nothing to do");
    }
    // What lets in more asks nothing.
    let folder = applied(&of(one));
    folder.write("s.toml", &of(both));
    folder.run("apply s.toml --sandbox --yes").ends(0);
}

#[test]
fn a_route_that_becomes_public_is_gained_by_anyone() {
    let public = ROUTES.replace(
        "\"GET /x\" = { mock = 200 }",
        "\"GET /x\" = { mock = 200, public = true }",
    );
    let folder = applied(&stack(ROUTES, CALLS));
    folder.write("s.toml", &stack(&public, ""));
    folder
        .run("plan s.toml --sandbox")
        .says("1 gained  0 lost  broadened: yes")
        .says("+ anyone may call GET /x of apis.o  by public route");
    folder.run("apply s.toml --sandbox --yes").ends(0);
    // The API gets a policy for another route; the public one stays so.
    let other = CALLS.replace("GET /x", "POST /x") + "via = \"resource-policy\"\n";
    folder.write("s.toml", &stack(&public, &other));
    folder
        .run("plan s.toml --sandbox")
        .says("1 gained  0 lost")
        .says("+ roles.w may call POST /x of apis.o");
    folder.write(
        "s.toml",
        &stack("routes = { \"POST /x\" = { mock = 200 } }\n", ""),
    );
    folder
        .run("plan s.toml --sandbox")
        .says("0 gained  1 lost")
        .says("- anyone may no longer call GET /x of apis.o");
}

#[test]
fn a_policy_that_goes_opens_the_routes_without_an_authorizer() {
    let public = "routes = { \"GET /x/{id}\" = { mock = 200, public = true } }\n";
    let limited = "[[access]]\nfrom = { ip = \"203.0.113.0/24\" }\nto = \"apis.o\"\nallow = \"GET /x/{id}\"\n";
    let folder = applied(&stack(public, limited));
    folder.write("s.toml", &stack(public, ""));
    folder
        .run("plan s.toml --sandbox")
        .says("1 gained  0 lost  broadened: yes")
        .says("+ anyone may call GET /x/* of apis.o  by public route");
    folder
        .run("plan s.toml --sandbox --fail-on broadened")
        .ends(3);
    // The other way round, whoever calls from elsewhere is cut off.
    folder.run("apply s.toml --sandbox --yes").ends(0);
    folder.write("s.toml", &stack(public, limited));
    folder
        .run("plan s.toml --sandbox")
        .says("0 gained  1 lost  broadened: no")
        .says("- callers from 203.0.113.0/24 may call GET /x/* of apis.o");
}

#[test]
fn a_guest_that_limits_a_public_route_of_another_needs_consent() {
    let public = "routes = { \"GET /h\" = { mock = 200, public = true } }\n";
    let owner = stack(public, "").replace("name = \"s\"", "name = \"own\"");
    let folder = Folder::new();
    folder.write("own.toml", &owner);
    folder.run("apply own.toml --sandbox --yes").ends(0);
    let world: serde_json::Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let apis = &world["accounts"]["111111111111"]["regions"]["eu-west-1"]["apis"];
    let id = apis
        .as_object()
        .and_then(|it| it.keys().next())
        .expect("an API");
    let accounts = HEAD.split("[roles.w]").next().expect("its accounts");
    let guest = format!(
        "{accounts}[apis.o]\naccount = \"a\"\nexisting = \"{id}\"\npublic = \"GET /h\"\n\
         [[access]]\nfrom = {{ ip = \"203.0.113.0/24\" }}\nto = \"apis.o\"\nallow = \"GET /h\"\n"
    );
    folder.write("s.toml", &guest);
    folder
        .run("apply s.toml --sandbox --yes")
        .ends(1)
        .says("0 gained  1 lost")
        .tells("anyone may no longer call GET /h of apis.o")
        .tells("--close apis.o --yes");
}

#[test]
fn a_client_that_must_send_another_external_id_is_named() {
    let topic = |id: &str| {
        format!(
            "{HEAD}[topics.t]\naccount = \"a\"\n[[access]]\nfrom = \"roles.w\"\nto = \"topics.t\"\nvia = \"assume-role\"\n{id}"
        )
    };
    let folder = applied(&topic(""));
    folder.write("s.toml", &topic("external_id = \"one-two\"\n"));
    folder
        .run("apply s.toml --sandbox --yes")
        .ends(1)
        .says("roles.w must send another external id")
        .tells("--move roles.w --yes");
    folder
        .run("apply s.toml --sandbox --yes --move roles.w")
        .ends(0);
    // An id that is asked for no longer refuses no client.
    folder.write("s.toml", &topic(""));
    folder.run("apply s.toml --sandbox --yes").ends(0);
}

/// A topic, queues and an API with settings that a change can make refuse or delete something.
const SETTINGS: &str = r#"[stack]
name = "s"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[topics.t]
fifo = true
content_based_deduplication = true
archive_policy = { MessageRetentionPeriod = "30" }
[queues.q]
fifo = true
content_based_deduplication = true
[apis.o]
stage = { name = "live", rate = 5, burst = 5 }
routes = { "GET /x" = { mock = 200 } }
"#;

#[test]
fn a_setting_that_refuses_or_deletes_needs_consent() {
    let queue = "[queues.q]\n";
    let changes = [
        (
            queue,
            "[queues.q]\nretention = \"1m\"\n",
            "queues.q",
            "messages older than 1m in queues.q are deleted, received or not",
        ),
        (
            queue,
            "[queues.q]\nmax_message_size = \"1KiB\"\n",
            "queues.q",
            "messages of more than 1024 bytes may no longer be sent to queues.q",
        ),
        (
            "[queues.q]\nfifo = true\ncontent_based_deduplication = true\n",
            "[queues.q]\nfifo = true\n",
            "queues.q",
            "messages without a `MessageDeduplicationId` may no longer be sent to queues.q",
        ),
        (
            "content_based_deduplication = true\narchive",
            "archive",
            "topics.t",
            "messages without a `MessageDeduplicationId` may no longer be published to topics.t",
        ),
        (
            "\"30\"",
            "\"2\"",
            "topics.t",
            "archived messages older than 2d of topics.t are deleted",
        ),
        (
            "rate = 5",
            "rate = 0",
            "stages.o.live",
            "no route may be called any longer through stage `live` of apis.o",
        ),
        (
            "burst = 5",
            "burst = 0",
            "stages.o.live",
            "no route may be called any longer through stage `live` of apis.o",
        ),
    ];
    let folder = Folder::new();
    for (from, to, address, says) in changes {
        assert!(SETTINGS.contains(from), "{from}");
        folder.write("s.toml", SETTINGS);
        folder.run("apply s.toml --sandbox --yes").ends(0);
        folder.write("s.toml", &SETTINGS.replacen(from, to, 1));
        let plan = folder.run("plan s.toml --sandbox").ends(0);
        let text = plan.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.starts_with("Access changes 0 gained 1 lost"), "{text}");
        assert!(text.contains(says), "{says}: {text}");
        let needs = format!("apply needs `--close {address}`");
        assert!(text.contains(&needs), "{needs}: {text}");
        folder
            .run("apply s.toml --sandbox --yes")
            .ends(1)
            .tells(says)
            .tells("nothing was changed");
        let close = format!("apply s.toml --sandbox --yes --close {address}");
        folder.run(&close).ends(0);
        // The other way takes nothing from anyone.
        folder.write("s.toml", SETTINGS);
        folder
            .run("plan s.toml --sandbox")
            .ends(0)
            .says("0 gained  0 lost");
    }
}

#[test]
fn a_saved_plan_keeps_the_consent_that_it_was_made_with() {
    let folder = applied(SETTINGS);
    let less = SETTINGS.replace("[queues.q]\n", "[queues.q]\nretention = \"1h\"\n");
    folder.write("s.toml", &less);
    let plan = "plan s.toml --sandbox --out plan.json";
    folder
        .run(plan)
        .ends(0)
        .says("apply needs `--close queues.q`");
    folder
        .run("apply plan.json --sandbox --yes")
        .ends(1)
        .tells("--close queues.q");
    folder
        .run(&format!("{plan} --close queues.q"))
        .ends(0)
        .says("agreed to by `--close queues.q`");
    let saved = folder.read("plan.json");
    folder.write(
        "plan.json",
        &saved.replace("\"queues.q\"\n  ]", "\"topics.t\"\n  ]"),
    );
    assert_ne!(saved, folder.read("plan.json"));
    folder
        .run("apply plan.json --sandbox --yes")
        .ends(1)
        .tells("was changed since");
    folder.write("plan.json", &saved);
    folder.run("apply plan.json --sandbox --yes").ends(0);
}

#[test]
fn a_filter_that_lets_more_through_is_a_gain() {
    let of = |filter: &str| {
        format!(
            "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[topics.t]\n\
             [queues.q]\nsubscribe = {{ topic = \"t\"{filter} }}\n"
        )
    };
    let changes = [
        ("", "messages whose `kind` is not x"),
        (
            ", filter = { kind = [\"x\", \"y\"] }",
            "messages whose `kind` is y",
        ),
    ];
    for (to, gained) in changes {
        let folder = applied(&of(", filter = { kind = [\"x\"] }"));
        folder.write("s.toml", &of(to));
        let plan = folder
            .run("plan s.toml --sandbox --fail-on broadened")
            .ends(3);
        let text = plan.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            text.starts_with("Access changes 1 gained 0 lost broadened: yes"),
            "{text}"
        );
        assert!(text.contains(gained), "{gained}: {text}");
        let back = applied(&of(to));
        back.write("s.toml", &of(", filter = { kind = [\"x\"] }"));
        back.run("plan s.toml --sandbox --fail-on broadened")
            .ends(0)
            .says("0 gained  1 lost");
    }
}

#[test]
fn a_denial_that_goes_is_a_gain_beside_others() {
    let of = |deny: &str, topics: &str| {
        format!(
            "{HEAD}[queues.q]\naccount = \"a\"\n{topics}[[access]]\nfrom = \"roles.w\"\nto = \"queues.q\"\nallow = \"receive\"\n{deny}"
        )
    };
    let deny = "[[statement]]\non = \"queues.q\"\nstatement = { Effect = \"Deny\", Principal = { AWS = \"arn:aws:iam::111111111111:root\" }, Action = \"sqs:SendMessage\" }\n";
    let folder = applied(&of(deny, ""));
    folder.write("s.toml", &of("", ""));
    let text = |ran: &str| ran.split_whitespace().collect::<Vec<_>>().join(" ");
    let plan = folder.run("plan s.toml --sandbox").ends(0);
    let alone = text(&plan.out);
    assert!(
        alone.starts_with("Access changes 1 gained 0 lost broadened: yes"),
        "{alone}"
    );
    let gained = "the policy of queues.q lets through what it did not";
    assert!(alone.contains(gained), "{alone}");
    // What is gained elsewhere does not hide it.
    folder.write(
        "s.toml",
        &of(
            "[[access]]\nfrom = \"roles.w\"\nto = \"topics.t\"\n",
            "[topics.t]\naccount = \"a\"\n",
        ),
    );
    let plan = folder.run("plan s.toml --sandbox").ends(0);
    let beside = text(&plan.out);
    assert!(beside.starts_with("Access changes 2 gained"), "{beside}");
    assert!(beside.contains(gained), "{beside}");
}
