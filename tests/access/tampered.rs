//! The tables of tamperings and of rewritings, through the SDK on the emulator.
//!
//! One stack, applied once: each tampering is done to what the one before left behind, so what
//! a revert leaves must be as good as new.

use std::collections::BTreeSet;

use provision::aws::{Aws, Keys, Reach};
use provision::cloud::Seam;
use provision::kinds::Resource;
use provision::lower::Desired;
use provision::model::Place;
use provision::stack::{Account, Credentials};

use serde_json::{Value, json};

use crate::claims::failures;
use crate::emulator::Emulator;
use crate::ground::{Ground, told as printed};
use crate::operator::{BILLING, ORDERS, SHOP};
use crate::rewriting::{self, CONTROL, Respelled, Rewritten, SPELLINGS};
use crate::tamperings::{TABLE, marketplace, put_back, told};
use crate::world::{Command, drift, drift_in, first_policy, place, read};

/// The program and its SDK on an emulator; `None` where there is no Python.
fn over_the_sdk(desired: &Desired, test: impl AsyncFnOnce(&Seam<'_>)) -> Option<()> {
    let emulator = Emulator::start(&[("AUTH", "true"), ("EMULATOR_QUEUE_COOLDOWN_S", "0")])?;
    let aws = as_roots(&emulator.url(), desired);
    for want in desired.wants.values() {
        if let Resource::Key(it) = &want.resource {
            let (id, at) = (it.arn.name(), &want.place);
            let key = json!({"account": at.id, "region": at.region, "key": id, "alias": format!("alias/{id}"), "policy": first_policy(at)});
            emulator.control("POST", "/_emulator/keys", &key.to_string());
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    // The emulator has no rates to wait for.
    runtime.block_on(test(&Seam::around(&aws).unpaced()));
    Some(())
}

/// The stack's accounts by their names, and by their ids as the operator calls them.
fn as_roots(url: &str, desired: &Desired) -> Aws {
    let strangers = [SHOP, BILLING, ORDERS].map(place);
    let places: Vec<Place> = desired.places.iter().cloned().chain(strangers).collect();
    let accounts: Vec<Account> = places
        .iter()
        .map(|place| Account {
            place: place.clone(),
            credentials: Credentials {
                profile: None,
                role: None,
                external_id: None,
            },
            boundary: None,
            quotas: provision::policy::size::Quotas::default(),
        })
        .collect();
    let root = |it: &Place| Keys {
        access_key_id: it.id.to_string(),
        secret_access_key: "any".to_owned(),
        session_token: None,
    };
    let keys = places
        .iter()
        .map(|it| (it.account.clone(), root(it)))
        .collect();
    let endpoint = Some(url.to_owned());
    Aws::reach(
        &accounts,
        "tampered",
        &Reach {
            endpoint,
            keys,
            ask: None,
        },
    )
}

#[test]
fn every_tampering_is_found_for_what_it_means_and_put_back_over_the_sdk() {
    let desired = marketplace();
    over_the_sdk(&desired, async |seam| {
        Command::Apply(&desired).done(seam).await;
        assert_eq!(told(&drift(&desired, seam).await), [""; 0]);
        let mut wrong = Vec::new();
        for row in TABLE {
            let named = format!("{:?}, {}", row.of, row.name);
            (row.deed)(seam).await;
            let reading = read(&desired, seam).await;
            let found = drift_in(&desired, &reading);
            if told(&found) != row.found {
                wrong.push(format!("{named}: {:#?} {found:#?}", told(&found)));
            }
            put_back(&desired, &reading, &found, seam).await;
            let left = drift(&desired, seam).await.findings;
            assert!(left.is_empty(), "{named}: left {left:#?}");
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn nothing_that_aws_rewrites_is_drift_over_the_sdk() {
    let desired = rewriting::stack();
    over_the_sdk(&desired, async |seam| {
        Command::Apply(&desired).done(seam).await;
        assert_eq!(told(&drift(&desired, seam).await), [""; 0]);
        for row in rewriting::TABLE {
            for kept in row.of {
                let cloud = Rewritten::new(seam, *kept, row);
                let found = told(&drift(&desired, &cloud).await);
                assert_eq!(found, [""; 0], "{} of {kept:?}", row.name);
            }
        }
        for (name, how) in SPELLINGS {
            let cloud = Respelled::new(seam, *how);
            assert_eq!(told(&drift(&desired, &cloud).await), [""; 0], "{name}");
            assert_ne!(cloud.changed.get(), 0, "{name}");
        }
        for kept in CONTROL.of {
            let cloud = Rewritten::new(seam, *kept, &CONTROL);
            let found = told(&drift(&desired, &cloud).await);
            assert_ne!(found, [""; 0], "{} of {kept:?}", CONTROL.name);
        }
    });
}

/// Something on every kind of resource, at once; none of it hides another.
const AT_ONCE: [&str; 8] = [
    "administrator attached",
    "anyone may assume an access role",
    "our statement for anybody",
    "no filter",
    "a stranger's subscription",
    "anyone may send",
    "policy opened and deployed",
    "settings of one method",
];

#[test]
fn the_program_finds_all_at_once_and_what_it_puts_back_lets_in_nobody() {
    let file = crate::stack(crate::MARKETPLACE);
    let Some(ground) = Ground::of(&file, &[], 0) else {
        return;
    };
    assert_eq!(failures(&ground), [""; 0]);
    let aws = as_roots(
        &format!("http://127.0.0.1:{}", ground.wire.port),
        &marketplace(),
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut expected = Vec::new();
    for name in AT_ONCE {
        let row = TABLE.iter().find(|it| it.name == name);
        let row = row.expect("a row of that name");
        runtime.block_on((row.deed)(&aws));
        expected.extend(row.found.iter().map(|it| (*it).to_owned()));
    }
    expected.sort();
    // It is no talk: whoever was not to be let in is let in.
    let failures_then = failures(&ground);
    let is_let_in = |it: &String| it.starts_with("may: ");
    assert!(failures_then.iter().any(is_let_in), "{failures_then:?}");

    let file = file.display().to_string();
    let output = ground.provision(&["drift", &file, "--json"]);
    assert_eq!(output.status.code(), Some(2), "{}", printed(&output));
    let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!(document["opens_access"], true);
    let findings = document["findings"].as_array().expect("findings").iter();
    let text = |it: &Value, field: &str| it[field].as_str().expect("a text").to_owned();
    let mut found: Vec<String> = findings
        .clone()
        .map(|it| {
            let (code, address) = (text(it, "code"), text(it, "address"));
            format!("{code} {address} {}", text(it, "severity"))
        })
        .collect();
    found.sort();
    assert_eq!(found, expected);

    let addresses: BTreeSet<String> = findings.map(|it| text(it, "address")).collect();
    let mut words = vec!["drift", &file, "--yes", "--revert"];
    words.extend(addresses.iter().map(String::as_str));
    let output = ground.provision(&words);
    assert_eq!(output.status.code(), Some(0), "{}", printed(&output));
    let output = ground.provision(&["drift", &file]);
    assert_eq!(output.status.code(), Some(0), "{}", printed(&output));
    assert_eq!(failures(&ground), [""; 0]);
}
