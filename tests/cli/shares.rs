//! An access role that many share is split; whoever uses one of the roles is told which, and keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::Folder;

/// An owner who offers an API to this many consumers of other stacks, by a role that they share.
fn owner(consumers: &[String]) -> String {
    let mut text = "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n[accounts.owner]\nid = \"333333333333\"\n\
                    [apis.orders]\n[apis.orders.routes]\n\"GET /orders\" = { mock = 200 }\n\
                    [[offer]]\nto = \"apis.orders\"\nallow = [\"GET /orders\"]\nrole_name = \"readers\"\nfor = [\n"
        .to_owned();
    for it in consumers {
        let _ = writeln!(text, "    \"{it}\",");
    }
    text + "]\n"
}

fn consumers(count: usize) -> Vec<String> {
    let arn = |it| format!("arn:aws:iam::111111111111:role/provision/team-{it:03}/service-{it:03}");
    (0..count).map(arn).collect()
}

/// The role that the contract names for each consumer.
fn told(folder: &Folder) -> BTreeMap<String, String> {
    folder
        .run("export owner.toml --sandbox --out orders.contract.toml")
        .ends(0);
    let text = folder.read("orders.contract.toml");
    let value = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
    let mut found = BTreeMap::new();
    let mut who = String::new();
    for line in text.lines() {
        if line.starts_with("for ") {
            who = value(line);
        } else if line.starts_with("role ") {
            found.insert(who.clone(), value(line));
        }
    }
    found
}

/// The role that trusts each consumer, in the sandbox.
fn trusting(folder: &Folder) -> BTreeMap<String, BTreeSet<String>> {
    let world: serde_json::Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let roles = world["accounts"]["333333333333"]["roles"].as_object();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for role in roles.expect("roles").values() {
        let (arn, trust) = (role["arn"].as_str(), role["trust"].as_str());
        let words = trust.expect("a policy").split('"');
        for who in words.filter(|it| it.contains(":role/")) {
            let arn = arn.expect("an ARN").to_owned();
            found.entry(who.to_owned()).or_default().insert(arn);
        }
    }
    found
}

/// Applies the owner's stack for these, and gives the role of each, which the contract and AWS agree on.
fn applied(folder: &Folder, all: &[String]) -> BTreeMap<String, String> {
    folder.write("owner.toml", &owner(all));
    folder
        .run("apply owner.toml --sandbox --yes --prune")
        .ends(0);
    folder
        .run("plan owner.toml --sandbox --detailed-exitcode")
        .ends(0);
    folder.run("drift owner.toml --sandbox").ends(0);
    folder.run("verify owner.toml --sandbox --live").ends(0);
    let told = told(folder);
    let trusting = trusting(folder);
    assert_eq!(told.len(), all.len());
    for (who, role) in &told {
        assert_eq!(trusting[who], BTreeSet::from([role.clone()]), "{who}");
    }
    told
}

fn roles_of(told: &BTreeMap<String, String>) -> BTreeSet<&String> {
    told.values().collect()
}

#[test]
fn three_hundred_consumers_are_each_told_the_role_that_trusts_them_and_keep_it() {
    let folder = Folder::new();
    let before = applied(&folder, &consumers(300));
    assert!(roles_of(&before).len() > 10, "{:?}", roles_of(&before));
    // Whoever comes touches one trust policy, or has a role made.
    let many = consumers(303);
    for count in [301, 302, 303] {
        folder.write("owner.toml", &owner(&many[..count]));
        let plan = folder
            .run("plan owner.toml --sandbox --json")
            .ends(0)
            .document();
        let summary = &plan["summary"];
        let touched = summary["add"].as_u64().expect("a number")
            + summary["change"].as_u64().expect("a number");
        assert_eq!((touched, summary["destroy"].as_u64()), (1, Some(0)));
        let after = applied(&folder, &many[..count]);
        for (who, role) in &before {
            assert_eq!(after[who], *role, "{who}");
        }
    }
    // Whoever goes takes nobody along.
    let fewer: Vec<String> = many.iter().step_by(2).cloned().collect();
    let after = applied(&folder, &fewer);
    for (who, role) in &after {
        assert!(before.get(who).is_none_or(|it| it == role), "{who}");
    }
}

#[test]
fn the_consumer_for_whom_a_shared_role_has_no_room_moves_nobody() {
    let folder = Folder::new();
    let all = consumers(40);
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    let mut counts = Vec::new();
    for count in [8, 14, 15, 16, 17, 18, 19, 20, 30, 40] {
        let now = applied(&folder, &all[..count]);
        for (who, role) in &last {
            assert_eq!(now[who], *role, "{who}, when there were {count}");
        }
        counts.push(roles_of(&now).len());
        last = now;
    }
    assert_eq!(counts.first(), Some(&1));
    assert!(counts.last() > Some(&2), "{counts:?}");
    // The consumer's own stack gets it by the contract.
    folder.write(
        "consumer.toml",
        "[stack]\nname = \"team-039\"\nregion = \"eu-west-1\"\n\
         [contracts.shop]\nfile = \"orders.contract.toml\"\n\
         [accounts.mine]\nid = \"111111111111\"\n[roles.service-039]\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [[access]]\nfrom = \"roles.service-039\"\nto = \"contracts.shop.apis.orders\"\nallow = [\"GET /orders\"]\n",
    );
    let role = &last[&all[39]];
    folder
        .run("plan consumer.toml --sandbox --json")
        .ends(0)
        .says(role);
}

#[test]
fn whoever_claims_what_is_offered_to_anyone_is_told_its_role_by_name() {
    let folder = Folder::new();
    let all = consumers(40);
    let offer = "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\nclaims = [\"claims.toml\"]\n[accounts.owner]\nid = \"333333333333\"\n\
                 [apis.orders]\n[apis.orders.routes]\n\"GET /orders\" = { mock = 200 }\n\
                 [[offer]]\nto = \"apis.orders\"\nallow = [\"GET /orders\"]\nrole_name = \"readers\"\nfor = \"anyone\"\n";
    folder.write(
        "owner.toml",
        &offer.replace("claims = [\"claims.toml\"]\n", ""),
    );
    folder.run("apply owner.toml --sandbox --yes").ends(0);
    let plain = told(&folder);
    assert_eq!(
        plain,
        BTreeMap::from([(
            "anyone".to_owned(),
            "arn:aws:iam::333333333333:role/provision/shop/readers".to_owned()
        )])
    );
    // Forty roles of one stack claim it.
    let mut consumer = "[stack]\nname = \"team\"\nregion = \"eu-west-1\"\n\
                        [contracts.shop]\nfile = \"orders.contract.toml\"\n\
                        [accounts.mine]\nid = \"111111111111\"\n"
        .to_owned();
    for it in 0..all.len() {
        let _ = write!(
            consumer,
            "[roles.a-service-of-the-team-{it:03}]\ntrusted_by = \"lambda.amazonaws.com\"\n[[access]]\n\
             from = \"roles.a-service-of-the-team-{it:03}\"\nto = \"contracts.shop.apis.orders\"\nallow = [\"GET /orders\"]\n"
        );
    }
    folder.write("consumer.toml", &consumer);
    folder
        .run("export consumer.toml --claims shop --out claims.toml")
        .ends(0);
    folder.write("owner.toml", offer);
    folder.run("apply owner.toml --sandbox --yes").ends(0);
    let told = told(&folder);
    let trusting = trusting(&folder);
    let plain = &told["anyone"];
    let mut others = 0;
    for (who, roles) in &trusting {
        let role = told.get(who).unwrap_or(plain);
        assert_eq!(*roles, BTreeSet::from([role.clone()]), "{who}");
        others += usize::from(role != plain);
    }
    assert_eq!(trusting.len(), all.len());
    assert!(others > 0, "{told:#?}");
    let plan = folder.run("plan consumer.toml --sandbox --json").ends(0);
    for (who, roles) in &trusting {
        let role = roles.first().expect("a role");
        assert!(plan.out.contains(role.as_str()), "{who}");
    }
}

/// Consumers of the stack's own who share an access role in another account.
fn own_consumers(count: usize) -> String {
    let mut text = "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n[accounts.owner]\nid = \"333333333333\"\n\
                    [accounts.mine]\nid = \"111111111111\"\n[apis.orders]\naccount = \"owner\"\n\
                    [apis.orders.routes]\n\"GET /orders\" = { mock = 200 }\n"
        .to_owned();
    for it in 0..count {
        let _ = write!(
            text,
            "[roles.a-service-with-a-long-name-{it:03}]\naccount = \"mine\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
             [[access]]\nfrom = \"roles.a-service-with-a-long-name-{it:03}\"\nto = \"apis.orders\"\n\
             allow = [\"GET /orders\"]\nvia = \"assume-role\"\nrole_name = \"readers\"\n"
        );
    }
    text
}

#[test]
fn a_role_that_is_out_of_sight_or_gone_keeps_its_consumers() {
    let folder = Folder::new();
    // One by one, so that nobody is where the digest alone would have them.
    for count in [10, 18, 19, 20, 21, 22, 30] {
        folder.write("owner.toml", &own_consumers(count));
        folder.run("apply owner.toml --sandbox --yes").ends(0);
    }
    let before = trusting(&folder);
    let all: BTreeSet<String> = before.values().flatten().cloned().collect();
    assert!(all.len() > 1, "{all:?}");
    folder
        .run("plan owner.toml --sandbox --unreachable owner --detailed-exitcode")
        .ends(0);
    let mut world: serde_json::Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let roles = world["accounts"]["333333333333"]["roles"].as_object_mut();
    let roles = roles.expect("roles");
    let last = roles.keys().filter(|it| it.starts_with("readers-")).max();
    let last = last.expect("a second role").clone();
    roles.remove(&last);
    folder.write(".provision/sandbox.json", &world.to_string());
    folder
        .run("plan owner.toml --sandbox")
        .ends(0)
        .says(&format!("+ role {last}"))
        .says("Plan: 1 to add, 0 to change, 0 to destroy.");
    folder.run("apply owner.toml --sandbox --yes").ends(0);
    assert_eq!(trusting(&folder), before);
}
