//! Two folders, an owner's and a consumer's, joined by a contract alone.

use std::fs;
use std::path::Path;

use super::{Folder, ROOT, Ran};

/// Both folders in one, as a person has two checkouts, with one cloud between them.
struct Teams(Folder);

impl Teams {
    fn new() -> Self {
        let folder = Folder::new();
        for (side, name) in [("owner", "owner.toml"), ("consumer", "consumer.toml")] {
            fs::create_dir_all(folder.path(side)).expect("a folder");
            let stack = Path::new(ROOT).join("stacks/contracts").join(name);
            fs::copy(stack, folder.path(&format!("{side}/{name}"))).expect("a copy");
        }
        Self(folder)
    }

    fn owner(&self, words: &str) -> Ran {
        self.run("owner", words)
    }

    fn consumer(&self, words: &str) -> Ran {
        self.run("consumer", words)
    }

    fn run(&self, side: &str, words: &str) -> Ran {
        let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
        let place = match verb {
            "validate" | "graph" => "",
            _ => "--sandbox cloud",
        };
        self.0
            .run(&format!("{verb} {side}/{side}.toml {place} {rest}"))
    }

    /// The contract goes from one folder to the other.
    fn hand_over(&self) {
        self.owner("export --out owner/orders.toml").ends(0);
        fs::copy(
            self.0.path("owner/orders.toml"),
            self.0.path("consumer/orders.toml"),
        )
        .expect("a copy");
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.0.read(file);
        assert!(text.contains(from), "no `{from}` in {file}");
        self.0.write(file, &text.replacen(from, to, 1));
    }

    /// Takes the last offer out: that of the subscription.
    fn withdraw(&self) {
        let text = self.0.read("owner/owner.toml");
        let (kept, _) = text.rsplit_once("[[offer]]").expect("an offer");
        self.0.write("owner/owner.toml", kept);
    }

    fn joined() -> Self {
        let teams = Self::new();
        teams.owner("apply --yes").ends(0);
        teams.hand_over();
        teams.consumer("apply --yes").ends(0);
        teams
    }
}

#[test]
fn the_owner_first_and_all_is_there() {
    let teams = Teams::joined();
    for side in ["owner", "consumer"] {
        teams
            .run(side, "plan --detailed-exitcode")
            .ends(0)
            .says("Nothing to do");
        teams.run(side, "verify").ends(0).says("Proved");
        teams.run(side, "drift").ends(0);
    }
    let output = teams.consumer("output --json").document();
    let role = "contracts.orders.apis.orders.for.invoicer.role";
    let role = output["values"][role].as_str().expect("a role");
    assert!(
        role.starts_with("arn:aws:iam::333333333333:role/"),
        "{role}"
    );
    let url = &output["values"]["contracts.orders.apis.orders.url"];
    let own = teams.owner("output --raw apis.orders.url").ends(0).out;
    assert_eq!(url.as_str(), Some(own.trim()));
    teams
        .consumer("graph")
        .ends(0)
        .says("contracts.orders.apis.orders");
}

#[test]
fn the_example_contract_is_what_the_owner_exports() {
    let teams = Teams::joined();
    let example = Path::new(ROOT).join("stacks/contracts/orders.toml");
    assert_eq!(
        teams.0.read("owner/orders.toml"),
        fs::read_to_string(example).expect("the example"),
        "apply stacks/contracts/owner.toml to an empty sandbox and export it there"
    );
    teams
        .owner("export --out owner/orders.toml")
        .ends(0)
        .tells("says so already");
}

#[test]
fn the_consumer_first_says_what_it_waits_for_and_goes_on() {
    let teams = Teams::new();
    teams.hand_over();
    assert!(
        teams
            .0
            .read("consumer/orders.toml")
            .contains("pending = true")
    );
    let first = teams.consumer("apply --yes").ends(4);
    let first = first
        .says("stack `orders` had not made `apis.orders`")
        .tells("waits for the half of stack `orders`")
        .tells("To go on: provision apply consumer/consumer.toml");
    assert!(!first.err.contains("error"), "{}", first.err);
    teams.owner("apply --yes").ends(0);
    teams.hand_over();
    teams.consumer("apply --yes").ends(0);
    teams.consumer("verify --strict").ends(0);
    teams.consumer("plan").ends(0).says("Nothing to do");
}

#[test]
fn a_withdrawn_offer_is_seen_on_both_sides() {
    let teams = Teams::joined();
    teams
        .consumer("export --claims orders --out owner/billing.toml")
        .ends(0);
    teams.edit(
        "owner/owner.toml",
        "name   = \"orders\"",
        "name   = \"orders\"\nclaims = \"billing.toml\"",
    );
    teams.owner("plan").ends(0).says("Nothing to do");
    teams.withdraw();
    let plan = teams.owner("plan --json").ends(0).document();
    assert_eq!(plan["other_stacks"][0]["standing"], "unoffered");
    assert_eq!(plan["other_stacks"][0]["stack"], "billing");
    teams
        .owner("apply --yes")
        .ends(0)
        .says("stack `billing` still claims to subscribe");
    let queue = "arn:aws:sqs:eu-west-1:222222222222:billing-inbox";
    teams
        .owner(&format!("apply --yes --cut-off {queue}"))
        .ends(0)
        .says("billing-inbox may no longer receive from topics.order-events");
    teams.consumer("drift").ends(2).says("missing in AWS");
    teams.hand_over();
    teams
        .consumer("drift")
        .ends(2)
        .says("consumer/consumer.toml:26");
    let drift = teams.consumer("drift --json").document();
    let codes: Vec<&str> = drift["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it["code"].as_str())
        .collect();
    assert!(codes.contains(&"PD007"), "{drift:#}");
    let refused = teams.consumer("apply --yes").ends(1);
    refused
        .tells("consumer/consumer.toml:26")
        .tells("stack `orders` does not offer `subscribe`");
    // The other edges are as they were.
    teams.owner("verify").ends(0);
}

#[test]
fn an_owner_that_offers_nothing_any_more_says_so() {
    let teams = Teams::joined();
    let text = teams.0.read("owner/owner.toml");
    let (kept, _) = text.split_once("[[offer]]").expect("an offer");
    teams.0.write("owner/owner.toml", kept);
    teams.owner("apply --yes --prune").ends(0);
    teams.hand_over();
    let drift = teams.consumer("drift").ends(2);
    assert_eq!(
        drift
            .out
            .matches(", which stack `orders` does not offer")
            .count(),
        4,
        "{}",
        drift.out
    );
    teams
        .consumer("apply --yes")
        .ends(1)
        .tells("it offers nothing at all");
    // What it claims in vain does not keep it from going.
    teams.consumer("destroy --yes").ends(0);
}

#[test]
fn a_contract_that_cannot_be_believed_changes_nothing() {
    let teams = Teams::joined();
    let before = teams.0.read("cloud/sandbox.json");
    let good = teams.0.read("consumer/orders.toml");
    for (text, says) in [
        (
            good.replace("GET", "DELETE"),
            "is not as `provision export` wrote it",
        ),
        (
            good.replace("version   = 1", "version   = 7"),
            "of version 7",
        ),
        (good[..good.len() / 2].to_owned(), "orders.toml"),
        (String::new(), "is not a contract"),
        ("\u{1}".to_owned(), "not valid TOML"),
        ("\u{0}\u{1}".to_owned(), "not text in UTF-8"),
    ] {
        teams.0.write("consumer/orders.toml", &text);
        for verb in [
            "plan",
            "apply --yes",
            "destroy --yes",
            "drift",
            "export --claims orders",
        ] {
            let ran = teams.consumer(verb).ends(1);
            assert_eq!(ran.out, "", "{verb}");
            ran.tells(says);
        }
    }
    fs::remove_file(teams.0.path("consumer/orders.toml")).expect("it was there");
    teams
        .consumer("apply --yes")
        .ends(1)
        .tells("cannot read `orders.toml`")
        .tells("consumer/consumer.toml:16:9");
    assert_eq!(teams.0.read("cloud/sandbox.json"), before);
}

#[test]
fn what_cannot_be_exported_is_told() {
    let teams = Teams::joined();
    teams
        .consumer("export")
        .ends(0)
        .says("[contract]")
        .tells("the stack `billing` offers nothing")
        .tells("to write what it claims: --claims orders");
    teams
        .consumer("export --claims order")
        .ends(1)
        .tells("did you mean `orders`?");
    teams
        .owner("apply --yes --cut-off billing-inbox")
        .ends(1)
        .tells("not a queue's ARN");
    teams
        .owner("plan --cut-off arn:aws:sqs:eu-west-1:222222222222:nobody")
        .ends(1)
        .tells("subscribes to no topic of this stack");
}

#[test]
fn a_contract_that_is_out_of_date_is_seen_in_a_pipeline() {
    let teams = Teams::joined();
    let check = "export --out owner/orders.toml --check";
    teams.owner(check).ends(0).tells("says so already");
    let good = teams.0.read("owner/orders.toml");
    teams.withdraw();
    teams
        .owner(check)
        .ends(2)
        .says("--- owner/orders.toml")
        .tells("`owner/orders.toml` is not what would be exported");
    assert_eq!(teams.0.read("owner/orders.toml"), good, "it only looks");
    let told = teams.owner(&format!("{check} --json")).ends(2).document();
    assert_eq!(told["schema"], "provision.export/1");
    assert_eq!(
        (&told["same"], &told["written"]),
        (&false.into(), &false.into())
    );
    let told = teams
        .owner("export --out owner/orders.toml --json")
        .ends(0)
        .document();
    assert_eq!(told["written"], true);
    assert_eq!(told["text"], teams.0.read("owner/orders.toml"));
    teams.owner(check).ends(0);
    fs::remove_file(teams.0.path("owner/orders.toml")).expect("it was there");
    teams.owner(check).ends(2).tells("is not there");
    teams.owner("export --check").ends(1).tells("--out");

    let claims = "export --claims orders";
    let told = teams
        .consumer(&format!("{claims} --json"))
        .ends(0)
        .document();
    assert_eq!(
        (&told["of"], &told["contract"]),
        (&"claims".into(), &"orders".into())
    );
    assert_eq!(told["same"], serde_json::Value::Null, "no file was named");
    let file = "--out owner/billing.toml";
    teams.consumer(&format!("{claims} {file} --check")).ends(2);
    teams.consumer(&format!("{claims} {file}")).ends(0);
    teams.consumer(&format!("{claims} {file} --check")).ends(0);
}
