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
