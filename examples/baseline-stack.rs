//! Prints the stack on which calls are counted: `cargo run --example baseline-stack 50 11`.

#[path = "../tests/baseline/stack.rs"]
mod stack;

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|it| it.parse().ok())
        .collect();
    let [consumers, accounts] = numbers[..] else {
        let _ = writeln!(
            std::io::stderr(),
            "usage: baseline-stack CONSUMERS ACCOUNTS"
        );
        return ExitCode::FAILURE;
    };
    match std::io::stdout().write_all(stack::text(consumers, accounts).as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
