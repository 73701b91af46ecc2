//! What stands below the options of `provision --help`.

/// The codes that every command ends with.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0    done, or nothing to do; 2 differences (`plan --detailed-exitcode`; `drift` always)
  1    error, or 5 another run holds the stack's lease: nothing was changed
  3    a guardrail, budget, proof or rehearsal failed: nothing was changed
  4    applied in part, or 130 interrupted: the same command goes on
`--json` prints one document on each of them; what failed is in its `errors`.";

/// What takes time, and how long at most. `docs/limits.md` says what happens then.
const LIMITS: [(&str, &str); 13] = [
    ("a connection", "3.1 s"),
    ("one attempt of a call", "30 s; STS 5 s"),
    ("a request for credentials, sent again twice", "20 s"),
    (
        "another process that edits the same file or sandbox",
        "1 minute",
    ),
    ("a read that gets no answer, or half of one", "5 attempts"),
    ("a call that is throttled", "8 attempts, up to 20 s apart"),
    ("what a service asks for with `Retry-After`", "1 minute"),
    ("a role that a service does not know yet", "2 minutes"),
    ("another change of the same resource or API", "2 minutes"),
    ("the name of a queue that was just deleted", "75 s"),
    (
        "the removal of an API that two runs made at once",
        "10 minutes",
    ),
    ("the lease of a stack, unless it is renewed", "15 minutes"),
    ("a whole run", "`--deadline`"),
];

/// Returns what stands below the options of `provision --help`.
pub(super) fn exit_codes_and_limits() -> String {
    let rows = LIMITS.map(|(what, most)| format!("  {what:<53}{most}\n"));
    format!(
        "{}\n\nLimits on time; every wait of more than ten seconds is shown, and ctrl-c ends it:\n{}",
        EXIT_CODES,
        rows.concat().trim_end()
    )
}

#[cfg(test)]
mod tests {
    use super::LIMITS;

    #[test]
    fn the_page_has_the_same_table() {
        let page = include_str!("../../../docs/limits.md");
        let rows = page.lines().filter(|it| it.starts_with("| "));
        let rows: Vec<&str> = rows.skip(1).collect();
        assert_eq!(rows.len(), LIMITS.len());
        for (row, (what, most)) in rows.into_iter().zip(LIMITS) {
            assert!(row.starts_with(&format!("| {what} | {most} | ")), "{row}");
        }
    }
}
