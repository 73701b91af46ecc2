//! Whatever is typed, nothing panics, nothing hangs, and a fault says where it is.
//!
//! Each target is given its corpus (`tests/fuzz/corpus/TARGET`) and then what mutation makes
//! of it, for a second, from a fixed seed. `PROVISION_FUZZ_SECONDS=600` goes on for ten
//! minutes, `PROVISION_FUZZ_SEED=7` begins elsewhere, and `PROVISION_FUZZ_KEEP=DIR` writes the inputs
//! that drew an answer of a new form into a folder:
//!
//! ```sh
//! PROVISION_FUZZ_SECONDS=600 cargo test --release --no-default-features --test fuzz policy -- --nocapture
//! ```
//!
//! There is no instrumentation, so that a stable compiler will do: an input is kept when the
//! *answer* to it has a form not seen before. Answers are many here: every fault has its words.

mod driver;
mod files;
mod mutate;
mod targets;

#[test]
fn policy_documents() {
    driver::run("policy", targets::policy);
}

#[test]
fn stacks() {
    driver::run("stack", targets::stack);
}

#[test]
fn questions() {
    driver::run("lines", targets::lines);
}

#[test]
fn openapi_documents() {
    driver::run("openapi", targets::openapi);
}

#[test]
fn contracts() {
    driver::run("contract", files::contract);
}

#[test]
fn claims_files() {
    driver::run("claims", files::claims);
}

#[test]
fn terraform_lists() {
    driver::run("terraform", files::listed);
}

#[test]
fn cloudformation_lists_and_templates() {
    driver::run("cloudformation", files::listed);
}

#[test]
fn sandbox_states() {
    driver::run("sandbox", files::sandbox);
}

#[test]
fn saved_plans() {
    driver::run("plan", files::plan);
}
