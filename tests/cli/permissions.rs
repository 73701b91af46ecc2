//! `permissions`: what the role that enters an account must be allowed.

use serde_json::Value;

use super::Folder;

#[test]
fn the_documents_are_printed_together_alone_and_for_machines() {
    let folder = Folder::with_stacks();
    let of = |words: &str| {
        folder.run(&format!(
            "permissions stacks/marketplace.toml --account orders {words}"
        ))
    };
    let all = of("").ends(0).out;
    for part in [
        "Policy  ",
        "Trust policy",
        "Not covered",
        "\"apigateway:POST\"",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    let policy: Value = serde_json::from_str(&of("--only policy").ends(0).out).expect("a policy");
    let trust: Value = serde_json::from_str(
        &of("--only trust --trusts arn:aws:iam::111111111111:role/pipeline")
            .ends(0)
            .out,
    )
    .expect("a trust policy");
    assert_eq!(
        trust["Statement"][0]["Principal"]["AWS"],
        "arn:aws:iam::111111111111:role/pipeline"
    );
    let json: Value = serde_json::from_str(&of("--json").ends(0).out).expect("a document");
    assert_eq!(json["schema"], "provision.permissions/1");
    assert_eq!(json["policies"][0]["document"], policy);
    assert_eq!(json["account_id"], "333333333333");
    let reads = of("--read-only --only policy").ends(0).out;
    for write in ["Create", "Delete", "Put", "Set", "POST", "PATCH", "DELETE"] {
        assert!(!reads.contains(write), "{write}: {reads}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_to_write() {
    let folder = Folder::with_stacks();
    folder
        .run("permissions stacks/marketplace.toml --account order")
        .ends(1)
        .tells("did you mean `orders`?");
    folder
        .run("permissions stacks/marketplace.toml --account 999999999999")
        .ends(1)
        .tells("the stack does not enter account 999999999999; it has");
    for wrong in [
        "*",
        "arn:aws:iam::111111111111:role/*",
        "arn:aws:sns:eu-west-1:111111111111:a",
        "arn:aws:iam::111111111111:role/",
        "lambda.amazonaws.com",
    ] {
        let mut command = folder.command(super::PROGRAM);
        let command = command.args([
            "permissions",
            "stacks/marketplace.toml",
            "--account",
            "orders",
            "--trusts",
            wrong,
        ]);
        let ran = super::Ran::of(&command.output().expect("it runs"));
        ran.ends(1)
            .tells("write the ARN of a role, a user or an account's root");
    }
}
