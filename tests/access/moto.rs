//! The same program against moto, which was written by others.
//!
//! moto judges nobody, so nothing is tried here: only that what was applied reads
//! back as it was wanted, by another's idea of what AWS answers.

use std::path::Path;

use crate::emulator::Emulator;
use crate::ground::{run_provision, told};

#[test]
fn a_second_apply_to_moto_has_nothing_to_do() {
    let Some(moto) = Emulator::moto() else {
        return;
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/access/moto.toml");
    let file = file.display().to_string();
    let run = |args: &[&str]| run_provision(moto.port(), "testing", args);

    let first = run(&["apply", &file, "--yes"]);
    assert_eq!(first.status.code(), Some(0), "{}", told(&first));
    let again = run(&["apply", &file, "--yes"]);
    assert_eq!(again.status.code(), Some(0), "{}", told(&again));
    assert!(told(&again).contains("Nothing to do"), "{}", told(&again));
    assert!(told(&again).contains(" 0 writes"), "{}", told(&again));
    let plan = run(&["plan", &file, "--detailed-exitcode"]);
    assert_eq!(plan.status.code(), Some(0), "{}", told(&plan));

    let gone = run(&["destroy", &file, "--yes"]);
    assert_eq!(gone.status.code(), Some(0), "{}", told(&gone));
    let plan = run(&["plan", &file, "--detailed-exitcode"]);
    assert_eq!(plan.status.code(), Some(2), "{}", told(&plan));
}
