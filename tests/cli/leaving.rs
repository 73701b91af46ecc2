//! Accounts that are left out, and saved plans that remember it.

use super::Folder;

const MARKETPLACE: &str = "stacks/marketplace.toml --sandbox";

#[test]
fn an_account_is_left_out_by_its_name_or_its_id_and_by_no_other_word() {
    let folder = Folder::with_stacks();
    folder
        .run(&format!("plan {MARKETPLACE} --unreachable bilingual"))
        .ends(1)
        .tells("the stack has no account `bilingual`: did you mean `billing`?");
    let apply = format!("apply {MARKETPLACE} --yes");
    folder
        .run(&format!("{apply} --unreachable 111111111111 --verbose"))
        .ends(4)
        .says("Left  shop  111111111111")
        .tells("--unreachable 111111111111");
    folder.run(&apply).ends(0);
    let drift = folder
        .run(&format!("drift {MARKETPLACE} --unreachable shop --json"))
        .ends(0)
        .document();
    assert_eq!(drift["left"][0]["addresses"][0], "roles.checkout");
}

#[test]
fn a_saved_plan_remembers_which_accounts_were_not_entered() {
    let folder = Folder::with_stacks();
    folder.run(&format!("apply {MARKETPLACE} --yes")).ends(0);
    let text = folder.read("stacks/marketplace.toml");
    folder.write(
        "stacks/marketplace.toml",
        &text.replace("rate = 100", "rate = 50"),
    );
    folder
        .run(&format!(
            "plan {MARKETPLACE} --unreachable billing --out plan.json"
        ))
        .ends(0);
    folder
        .run("apply plan.json --sandbox --yes")
        .ends(0)
        .says("Left  billing")
        .says("Plan: 0 to add, 1 to change, 0 to destroy.");
}

/// A folder with the marketplace in `shop.toml`, applied, and then without all that is billing's.
fn without_billing() -> Folder {
    let folder = Folder::with_stacks();
    let text = folder.read("stacks/marketplace.toml");
    folder.write("shop.toml", &text);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    let mut kept = Vec::new();
    for block in text.split("\n\n") {
        let of_billing = [
            "[accounts.billing]",
            "[roles.invoicer]",
            "[roles.refunds]",
            "[queues.",
            "roles.invoicer",
            "roles.refunds",
            "[[queues.",
        ];
        if !of_billing.iter().any(|it| block.contains(it)) {
            kept.push(block);
        }
    }
    let rest = kept.join("\n\n");
    // The account stands among the others, without a blank line between.
    let rest = match rest.split_once("[accounts.billing]") {
        Some((head, tail)) => {
            let (_, tail) = tail.split_once('[').expect("another table");
            format!("{head}[{tail}")
        }
        None => rest,
    };
    folder.write("shop.toml", &rest);
    folder
}

#[test]
fn an_account_that_left_the_file_altogether_is_found_and_emptied() {
    let folder = without_billing();
    assert!(!folder.read("shop.toml").contains("222222222222"));
    let found = "account 222222222222 left the stack, and roles of the stack stand there";
    folder
        .run("plan shop.toml --sandbox")
        .ends(0)
        .tells(found)
        .says("- role invoicer")
        .says("- queue billing-inbox");
    folder.run("drift shop.toml --sandbox").ends(2).tells(found);
    // Both looks are calls, and both are counted.
    let ran = folder.run("plan shop.toml --sandbox --verbose").ends(0);
    let sent = ran.err.lines().filter(|it| it.ends_with(" ms")).count();
    ran.tells(&format!("{sent} calls ({sent} reads, 0 writes)"));
    // Nobody gets in there any more: it is dropped by its id.
    folder
        .run("plan shop.toml --sandbox --unreachable 222222222222")
        .ends(0)
        .says("Left  222222222222");
    folder
        .run("apply shop.toml --sandbox --yes --prune")
        .ends(0);
    let world: serde_json::Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let billing = &world["accounts"]["222222222222"];
    assert_eq!(billing["roles"], serde_json::json!({}));
    let region = &billing["regions"]["eu-west-1"];
    assert_eq!(
        region["queues"].as_object().map_or(0, serde_json::Map::len),
        0
    );
    folder
        .run("plan shop.toml --sandbox --detailed-exitcode")
        .ends(0);
}

#[test]
fn an_account_that_nothing_names_any_more_is_named_by_hand() {
    let folder = without_billing();
    folder
        .run("apply shop.toml --sandbox --yes --prune --unreachable 222222222222")
        .ends(0);
    folder
        .run("plan shop.toml --sandbox --detailed-exitcode")
        .ends(0);
    let also = "--also-account 222222222222=arn:aws:iam::222222222222:role/provision";
    folder
        .run(&format!(
            "plan shop.toml --sandbox --detailed-exitcode {also}"
        ))
        .ends(2)
        .says("- role invoicer");
    folder
        .run(&format!("apply shop.toml --sandbox --yes --prune {also}"))
        .ends(0);
    folder
        .run(&format!(
            "plan shop.toml --sandbox --detailed-exitcode {also}"
        ))
        .ends(0);
    folder
        .run("plan shop.toml --sandbox --also-account 2222")
        .ends(1)
        .tells("is not an account's id");
    folder
        .run(
            "plan shop.toml --sandbox --also-account 222222222222=arn:aws:iam::333333333333:role/x",
        )
        .ends(1)
        .tells("is not the ARN of a role in account 222222222222");
}
