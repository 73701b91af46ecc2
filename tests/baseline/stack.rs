//! The stack whose calls are counted: one owner, any number of consumers.
//!
//! It is the stack that Terraform was measured on. The owner has one API with
//! four resources of two methods each, and a topic. Each consumer has a role, a
//! queue that is subscribed to the topic, and three ways in: four routes by the
//! API's policy, four by an access role of its own, and the topic by its policy.

use std::fmt::Write as _;

/// Paths of the owner's API; each has a `GET` and a `POST`.
pub(crate) const RESOURCES: [&str; 4] = ["/orders", "/items", "/carts", "/refunds"];

/// The stack's text, for this many consumers in this many accounts, the owner's included.
///
/// Consumers are dealt out to the accounts one by one, so that a stack with one
/// more differs in that one alone. With one account, everything is in it.
pub(crate) fn text(consumers: usize, accounts: usize) -> String {
    let mut text = "[stack]\nname   = \"baseline\"\nregion = \"eu-west-1\"\n".to_owned();
    let mut add = |part: &str| text += part;
    add(&account("owner", 0));
    for number in 1..accounts {
        add(&account(&format!("team-{number}"), number));
    }
    add("\n[apis.shop]\naccount = \"owner\"\nstage   = \"live\"\n\n[apis.shop.routes]\n");
    for path in RESOURCES {
        add(&format!("\"GET {path}\"  = {{ mock = 200 }}\n"));
        add(&format!("\"POST {path}\" = {{ mock = 201 }}\n"));
    }
    add("\n[topics.events]\naccount = \"owner\"\n");
    for number in 0..consumers {
        let home = match accounts {
            0 | 1 => "owner".to_owned(),
            _ => format!("team-{}", 1 + number % (accounts - 1)),
        };
        add(&consumer(&format!("consumer-{number:03}"), &home));
    }
    text
}

fn account(name: &str, number: usize) -> String {
    format!(
        "\n[accounts.{name}]\nid   = \"{}\"\nrole = \"provision\"\n",
        100_000_000_000 + number
    )
}

fn consumer(name: &str, home: &str) -> String {
    let routes = |method: &str| {
        let routes: Vec<String> = RESOURCES
            .iter()
            .map(|it| format!("\"{method} {it}\""))
            .collect();
        routes.join(", ")
    };
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "\n[roles.{name}]\naccount    = \"{home}\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
         \n[queues.{name}]\naccount   = \"{home}\"\nsubscribe = \"events\"\n"
    );
    for (to, allow, via) in [
        ("apis.shop", routes("GET"), "resource-policy"),
        ("apis.shop", routes("POST"), "assume-role"),
        ("topics.events", String::new(), "resource-policy"),
    ] {
        let _ = write!(
            text,
            "\n[[access]]\nfrom  = \"roles.{name}\"\nto    = \"{to}\"\n"
        );
        if !allow.is_empty() {
            let _ = writeln!(text, "allow = [{allow}]");
        }
        let _ = writeln!(text, "via   = \"{via}\"");
    }
    text
}
