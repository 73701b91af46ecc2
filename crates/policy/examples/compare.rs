//! Shows what a change of a topic's policy lets through that it did not.
//!
//! ```sh
//! cargo run -p provision-policy --example compare
//! ```

#![allow(clippy::print_stdout, reason = "an example prints what it finds")]

use provision_policy::{Document, PolicyError, compare_in};

fn main() -> Result<(), PolicyError> {
    let policy = |principal: &str, rest: &str| {
        Document::parse(&format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {principal},
                "Action": "sns:Publish", "Resource": "arn:aws:sns:eu-west-1:222222222222:orders"{rest}}}]}}"#
        ))
    };
    let one_role = policy(r#"{"AWS": "arn:aws:iam::111111111111:role/shop"}"#, "")?;
    let a_pattern = policy(
        r#"{"AWS": "arn:aws:iam::111111111111:root"}"#,
        r#", "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/shop*"}}"#,
    )?;
    let found = compare_in("222222222222", &one_role, &a_pattern);
    println!("{}", found.verdict.as_str());
    for gain in found.gains {
        println!(
            "  + {} may {} on {}",
            gain.principal, gain.action, gain.resource
        );
    }
    for loss in found.loses {
        println!(
            "  - {} may no longer {} on {}",
            loss.principal, loss.action, loss.resource
        );
    }
    Ok(())
}
