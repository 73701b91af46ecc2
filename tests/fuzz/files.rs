//! Files that others hand over, or that an earlier run left: contracts, claims, plans, the sandbox, other tools' lists.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use provision::cloud::Sandbox;
use provision::import::sources;
use provision::model::AccountId;
use provision::stack::{self, Source};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const CONSUMER: &str = "[stack]\nname = \"billing\"\nregion = \"eu-west-1\"\n[accounts.b]\nid = \"222222222222\"\n[contracts.orders]\nfile = \"given.toml\"\n[roles.invoicer]\ntrusted_by = \"ec2.amazonaws.com\"\n[[access]]\nfrom = \"roles.invoicer\"\nto = \"contracts.orders.apis.orders\"\nallow = [\"GET /orders/{id}\"]\n";
const OWNER: &str = "[stack]\nname = \"orders\"\nregion = \"eu-west-1\"\nclaims = [\"given.toml\"]\n[accounts.o]\nid = \"333333333333\"\n[apis.orders]\n[apis.orders.routes]\n\"GET /orders/{id}\" = { mock = 200 }\n[topics.order-events]\n[[offer]]\nto = \"apis.orders\"\nallow = [\"GET /orders/{id}\"]\nfor = \"anyone\"\n";

/// The text with the digest that it should have: one that was only damaged is refused at its seal.
fn resealed(text: &str, head: &str) -> String {
    let Ok(mut value) = toml::from_str::<Value>(text) else {
        return text.to_owned();
    };
    if let Some(head) = value.get_mut(head).and_then(Value::as_object_mut) {
        head.remove("digest");
    }
    let hash = Sha256::digest(value.to_string().as_bytes());
    let hash: String = hash.iter().map(|it| format!("{it:02x}")).collect();
    let lines = text.lines().map(|it| {
        if it.starts_with("digest ") {
            format!("digest = \"sha256:{hash}\"\n")
        } else {
            format!("{it}\n")
        }
    });
    lines.collect()
}

fn told(stack: &str, given: &str) -> String {
    let source = Source {
        name: "stack.toml".to_owned(),
        text: stack.to_owned(),
    };
    match stack::check(&source, &[], &|_| Ok(given.to_owned())) {
        Ok(stack) => format!(
            "{} contracts {} claims",
            stack.contracts.len(),
            stack.claims.len()
        ),
        Err(faults) => {
            assert!(faults.render(true).len() >= faults.render(false).len());
            let said: Vec<&str> = faults.iter().map(|it| it.message.as_str()).collect();
            said.join("\n")
        }
    }
}

/// A contract that a stack names. What passes writes nothing of patterns or of other accounts.
pub(crate) fn contract(text: &str) -> String {
    let sealed = resealed(text, "contract");
    let source = Source {
        name: "stack.toml".to_owned(),
        text: CONSUMER.to_owned(),
    };
    if let Ok(stack) = stack::check(&source, &[], &|_| Ok(sealed.clone())) {
        for contract in stack.contracts.values() {
            let again = contract.to_text();
            assert!(toml::from_str::<Value>(&again).is_ok(), "{again}");
            for it in &contract.offers {
                let role = it
                    .role
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                assert!(!role.contains(['*', '?', '$']), "{role}");
            }
        }
    }
    told(CONSUMER, &sealed)
}

/// A claims file that an owner's stack lists.
pub(crate) fn claims(text: &str) -> String {
    told(OWNER, &resealed(text, "claims"))
}

/// A list of another tool's, in JSON or YAML.
pub(crate) fn listed(text: &str) -> String {
    match sources::read(&[("list".to_owned(), text.to_owned())]) {
        Ok(found) => format!("{} left out", found.left_out.len()),
        Err(error) => error.to_string(),
    }
}

/// A folder of this process for one target.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let folder = folder.join(format!("fuzz-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// The sandbox's file.
pub(crate) fn sandbox(text: &str) -> String {
    let folder = folder("sandbox");
    std::fs::write(folder.join("sandbox.json"), text).expect("written");
    let account = AccountId::parse("111111111111").expect("an account");
    match Sandbox::open(&folder, &[account]) {
        Ok(sandbox) => {
            let _ = (sandbox.picture(), sandbox.documents(), sandbox.is_empty());
            "a world".to_owned()
        }
        Err(error) => error.to_string(),
    }
}

/// A saved plan. Only the program reads one, so it is run: an end by a signal or a panic is no answer.
pub(crate) fn plan(text: &str) -> String {
    let folder = folder("plan");
    let plan = folder.join("plan.json");
    std::fs::write(&plan, text).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_provision"))
        .arg("apply")
        .arg(&plan)
        .args(["--sandbox", "cloud", "--yes"])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // None of them has its stack beside it, so none may be carried out.
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}
