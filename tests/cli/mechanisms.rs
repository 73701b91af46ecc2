//! `via = "auto"` keeps the mechanism that a consumer has; another one takes a flag that names it.

use std::fmt::Write as _;

use serde_json::Value;

use super::Folder;

/// An API and a topic with this many consumers each; `extra` stands among the API's routes.
fn stack(consumers: usize, extra: &str) -> String {
    let mut text = "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n[accounts.owner]\nid = \"333333333333\"\n\
                    [accounts.team]\nid = \"111111111111\"\n[topics.events]\naccount = \"owner\"\n\
                    [apis.orders]\naccount = \"owner\"\n[apis.orders.routes]\n\"GET /orders\" = { mock = 200 }\n"
        .to_owned();
    text += extra;
    for it in 1..=consumers {
        let _ = write!(
            text,
            "\n[roles.r{it}]\naccount = \"team\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
             [[access]]\nfrom = \"roles.r{it}\"\nto = \"apis.orders\"\nallow = \"GET /orders\"\n\
             [[access]]\nfrom = \"roles.r{it}\"\nto = \"topics.events\"\n"
        );
    }
    text
}

const HEALTH: &str = "\"GET /health\" = { mock = 200, public = true }\n";

fn applied(folder: &Folder, text: &str) {
    folder.write("shop.toml", text);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    settled(folder);
}

/// Nothing is due, nothing drifted, and every access works.
fn settled(folder: &Folder) {
    folder
        .run("plan shop.toml --sandbox --detailed-exitcode")
        .ends(0);
    folder.run("drift shop.toml --sandbox").ends(0);
}

/// Whether the API's policy in the sandbox names each of these consumers.
fn named(folder: &Folder, consumers: std::ops::RangeInclusive<usize>) -> Vec<bool> {
    let world: Value = serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let apis = world["accounts"]["333333333333"]["regions"]["eu-west-1"]["apis"].to_string();
    let names = |it| apis.contains(&format!("role/provision/shop/r{it}\\"));
    consumers.map(names).collect()
}

#[test]
fn an_eleventh_consumer_gets_an_access_role_and_ten_keep_their_statements() {
    let folder = Folder::new();
    applied(&folder, &stack(10, ""));
    assert_eq!(named(&folder, 1..=10), [true; 10]);
    folder.write("shop.toml", &stack(11, ""));
    folder
        .run("apply shop.toml --sandbox --yes")
        .ends(0)
        .says("roles.r11 may call GET /orders of apis.orders  by assuming roles.orders-for-r11 (many consumers (11)")
        .says("by resource policy (kept, because its clients use it)");
    settled(&folder);
    assert_eq!(named(&folder, 1..=11)[..10], [true; 10]);
    folder.run("verify shop.toml --live --sandbox").ends(0);
    // Offline nobody knows what AWS has, and it says so.
    for command in ["verify", "graph"] {
        folder
            .run(&format!("{command} shop.toml"))
            .ends(0)
            .tells("11 consumers of apis.orders are shown as a first apply would let them in");
    }
    // One that goes does not bring the eleventh into the policy.
    let text = stack(11, "");
    let gone = text.find("\n[roles.r1]").expect("r1");
    let next = text.find("\n[roles.r2]").expect("r2");
    let ten = format!("{}{}", &text[..gone], &text[next..]);
    folder.write("shop.toml", &ten);
    let said = folder
        .run("apply shop.toml --sandbox --yes --prune")
        .ends(0);
    assert!(!said.out.contains("go another way"), "{}", said.out);
    settled(&folder);
    assert_eq!(named(&folder, 11..=11), [false]);
}

#[test]
fn a_consumer_keeps_its_mechanism_though_one_side_of_it_was_taken_away() {
    let folder = Folder::new();
    applied(&folder, &stack(10, ""));
    let there = folder.read(".provision/sandbox.json");
    folder.write("shop.toml", &stack(11, ""));
    // The statement that lets `r3` in is gone, and its own policy still says how it calls.
    let arn = "\\\"arn:aws:iam::111111111111:role/provision/shop/r3\\\",";
    assert!(there.contains(arn));
    folder.write(".provision/sandbox.json", &there.replace(arn, ""));
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    settled(&folder);
    assert_eq!(named(&folder, 1..=10), [true; 10]);
}

#[test]
fn a_consumer_that_gets_another_path_or_name_keeps_its_mechanism() {
    for (change, now) in [
        ("path = \"/moved/\"", "role/moved/r1"),
        ("name = \"renamed\"", "role/provision/shop/renamed"),
    ] {
        let folder = Folder::new();
        applied(&folder, &stack(10, ""));
        applied(&folder, &stack(11, ""));
        let head = "[roles.r1]\n";
        let moved = stack(11, "").replace(head, &format!("{head}{change}\n"));
        folder.write("shop.toml", &moved);
        let said = folder
            .run("apply shop.toml --sandbox --yes --prune --allow-delete roles.r1")
            .ends(0);
        let world = folder.read(".provision/sandbox.json");
        let world: Value = serde_json::from_str(&world).expect("JSON");
        let there = &world["accounts"]["333333333333"]["regions"]["eu-west-1"]["apis"];
        assert!(there.to_string().contains(now), "{}", said.out);
        assert!(!said.out.contains("orders-for-r1 "), "{}", said.out);
        settled(&folder);
    }
}

#[test]
fn another_mechanism_takes_a_flag_that_names_the_consumers() {
    let folder = Folder::new();
    applied(&folder, &stack(2, ""));
    folder.write(
        "shop.toml",
        &stack(2, "").replace(
            "to = \"apis.orders\"",
            "to = \"apis.orders\"\nvia = \"assume-role\"",
        ),
    );
    folder
        .run("apply shop.toml --sandbox --yes")
        .ends(1)
        .tells("2 consumers would get another mechanism")
        .tells("nothing was changed")
        .tells("provision apply shop.toml --sandbox --move roles.r1 --move roles.r2 --yes");
    folder
        .run("apply shop.toml --sandbox --yes --move roles.r1")
        .ends(1)
        .tells("1 consumer would get another mechanism")
        .tells("roles.r2");
    assert_eq!(named(&folder, 1..=2), [true; 2]);
    folder
        .run("apply shop.toml --sandbox --yes --move roles.r3")
        .ends(1)
        .tells("no access of the stack is from `roles.r3`");
    // A saved plan remembers what was agreed to when it was made.
    folder
        .run("plan shop.toml --sandbox --out plan.json --move roles.r1 --move roles.r2")
        .ends(0);
    folder.run("apply plan.json --sandbox --yes").ends(0);
    settled(&folder);
    assert_eq!(named(&folder, 1..=2), [false; 2]);
    // Without `via`, the access roles stay; a flag lets `auto` choose anew.
    folder.write("shop.toml", &stack(2, ""));
    settled(&folder);
    folder
        .run("apply shop.toml --sandbox --yes --prune --move roles.r2")
        .ends(0);
    settled(&folder);
    assert_eq!(named(&folder, 1..=2), [false, true]);
}

#[test]
fn a_public_route_moves_nobody_and_the_newcomer_gets_an_access_role() {
    let folder = Folder::new();
    applied(&folder, &stack(2, ""));
    folder.write("shop.toml", &stack(3, HEALTH));
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    settled(&folder);
    assert_eq!(named(&folder, 1..=3), [true, true, false]);
}

#[test]
fn a_way_changes_on_what_refuses_requests_without_tls() {
    for (target, allow) in [
        ("topics.t", ""),
        ("queues.q", "allow = \"send\"\n"),
        ("apis.o", "allow = \"GET /x\"\n"),
    ] {
        let stack = |via: &str| {
            format!(
                "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n\
                 [accounts]\na = {{ id = \"111111111111\" }}\nb = {{ id = \"222222222222\" }}\n\
                 [topics.t]\naccount = \"a\"\ntls_only = true\n\
                 [queues.q]\naccount = \"a\"\ntls_only = true\n\
                 [apis.o]\naccount = \"a\"\ntls_only = true\nroutes = {{ \"GET /x\" = {{ mock = 200 }} }}\n\
                 [roles.w]\naccount = \"b\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
                 [[access]]\nfrom = \"roles.w\"\nto = \"{target}\"\n{allow}via = \"{via}\"\n"
            )
        };
        let folder = Folder::new();
        for via in ["assume-role", "resource-policy", "assume-role"] {
            folder.write("s.toml", &stack(via));
            folder
                .run("apply s.toml --sandbox --yes --prune --move roles.w")
                .ends(0);
            folder
                .run("plan s.toml --sandbox --detailed-exitcode")
                .ends(0);
        }
    }
}

#[test]
fn a_role_that_gets_another_name_is_made_anew() {
    let stack = |name: &str| {
        format!(
            "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
             [queues.q]\naccount = \"a\"\n[roles.w]\naccount = \"a\"\n{name}trusted_by = \"lambda.amazonaws.com\"\n\
             [[access]]\nfrom = \"roles.w\"\nto = \"queues.q\"\nallow = \"send\"\n"
        )
    };
    let folder = Folder::new();
    for (name, old, new) in [
        ("", "", "w"),
        ("name = \"w2\"\n", "w", "w2"),
        ("", "w2", "w"),
    ] {
        folder.write("s.toml", &stack(name));
        let plan = folder.run("plan s.toml --sandbox").ends(0);
        if !old.is_empty() {
            let plan = plan.out.split_whitespace().collect::<Vec<_>>().join(" ");
            let said = format!(
                "roles.w: what still runs as the role `{old}` can do nothing from when it is deleted; let it run as `{new}` first"
            );
            assert!(plan.contains(&said), "{plan}");
        }
        folder.run("apply s.toml --sandbox --yes --prune").ends(0);
        folder
            .run("plan s.toml --sandbox --detailed-exitcode")
            .ends(0);
        folder.run("verify s.toml --sandbox --live").ends(0);
        let world: Value =
            serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
        let roles = world["accounts"]["111111111111"]["roles"].as_object();
        assert_eq!(roles.expect("roles").keys().collect::<Vec<_>>(), [new]);
    }
}
