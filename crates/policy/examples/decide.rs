//! Asks whether a role may publish to a topic of another account, before and after its own policy allows it.
//!
//! ```sh
//! cargo run -p provision-policy --example decide
//! ```

#![allow(clippy::print_stdout, reason = "an example prints what it finds")]

use provision_policy::{Document, Policies, PolicyError, Request, Who, decide};

fn main() -> Result<(), PolicyError> {
    let role = "arn:aws:iam::111111111111:role/shop";
    let topic = "arn:aws:sns:eu-west-1:222222222222:orders";
    let of_topic = Document::parse(&format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"AWS": "{role}"}},
            "Action": "sns:Publish", "Resource": "{topic}"}}]}}"#
    ))?;
    let of_role = Document::parse(&format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "sns:Publish", "Resource": "{topic}"}}]}}"#
    ))?;
    let request = Request::new(Who::of(role), "sns:Publish", topic);
    for identity in [Vec::new(), vec![of_role]] {
        let policies = Policies {
            identity,
            resource: Some(of_topic.clone()),
            ..Policies::default()
        };
        let verdict = decide(&request, &policies);
        println!("{}", verdict.decision.as_str());
        for reason in verdict.because {
            println!("  {reason}");
        }
    }
    Ok(())
}
