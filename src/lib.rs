//! Service-to-service access on AWS, declared once and kept true in every account.
//!
//! A stack of TOML becomes documents, a plan and calls. Where to look:
//!
//! | question | room |
//! |---|---|
//! | What may a stack say, and what is wrong with this one? | [`stack`] |
//! | What does an access become, on which side? | [`lower`] |
//! | What does a document allow? | [`policy`] |
//! | What does a resource consist of, and how does it change? | [`kinds`] |
//! | What is asked of AWS, and what does the sandbox answer? | [`cloud`] |
//! | What would an apply do, in which order? | [`graph`], [`plan`] |
//! | How is it carried out, repeated and stopped? | [`execute`] |
//! | What changed in AWS, and does it matter? | [`drift`] |
//! | Does it work, and is nothing else allowed? | [`verify`], [`guard`] |
//! | How does a stack begin, grow and go on to other teams? | [`import`], [`onboard`], [`handover`] |
//! | How is it shown? | [`report`], [`explain`], [`cli`] |
//!
//! The modules below stand in the order in which data visits them; a room uses only rooms above it.
//!
//! From a text to a proof, without a call:
//!
//! ```
//! use provision::stack::{Source, check};
//! use provision::verify::{World, prove};
//!
//! let text = r#"
//! [stack]
//! name   = "shop"
//! region = "eu-west-1"
//! [accounts]
//! shop   = { id = "111111111111" }
//! orders = { id = "333333333333" }
//! [topics.order-events]
//! account = "orders"
//! [roles.checkout]
//! account    = "shop"
//! trusted_by = "lambda.amazonaws.com"
//! [[access]]
//! from = "roles.checkout"
//! to   = "topics.order-events"
//! "#;
//! let main = Source { name: "shop.toml".to_owned(), text: text.to_owned() };
//! let stack = check(&main, &[], &|name| Err(format!("{name} is not read"))).expect("a stack");
//! let desired = provision::lower::lower(&stack).expect("documents for both sides");
//! let proof = prove(&stack, &desired, &World::wanted(&desired));
//! assert_eq!(proof.failed().count(), 0);
//! ```

// The order of these lines is the order of the rooms, not the alphabet's.
#![cfg_attr(rustfmt, rustfmt_skip)]

pub use provision_policy as policy;
pub mod escape;
pub mod disk;
pub mod model;
pub mod stack;
pub mod cloud;
pub mod kinds;
pub mod lower;
pub mod graph;
pub mod plan;
pub mod execute;
pub mod permissions;
pub mod drift;
pub mod onboard;
pub mod import;
pub mod verify;
pub mod handover;
pub mod guard;
pub mod explain;
pub mod report;
#[cfg(feature = "aws")]
pub mod aws;
pub mod cli;
