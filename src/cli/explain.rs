//! `provision explain`

use std::fmt::Write as _;

use super::args;
use super::screen::Screen;
use super::{Ending, Failure};
use crate::explain::{Entry, FAMILIES, explain as entry, meant};
use crate::report::style::{LOUD, QUIET, styled};

/// Says what a code means; without one, lists them all.
pub(super) fn explain(args: &args::Explain, screen: &Screen) -> Result<Ending, Failure> {
    let Some(code) = &args.code else {
        screen.result(&list());
        return Ok(Ending::Done);
    };
    let Some(found) = entry(code) else {
        let hint = meant(code).map_or_else(String::new, |it| format!(": did you mean `{it}`?"));
        return Err(Failure::Plain(format!(
            "nothing printed here has the code `{code}`{hint}; `provision explain` lists all"
        )));
    };
    if args.json {
        let document = serde_json::json!({
            "schema": "provision.explain/1", "code": found.code, "title": found.title, "means": found.means,
            "why": found.why, "example": found.example, "mend": found.mend, "page": found.page,
        });
        screen.result(&format!("{document:#}\n"));
    } else {
        screen.result(&human(found));
    }
    Ok(Ending::Done)
}

fn list() -> String {
    let mut text = String::new();
    for family in FAMILIES {
        let _ = writeln!(text, "{}", styled(LOUD, family.name));
        for it in family.entries {
            let _ = writeln!(text, "  {:6}  {}", it.code, it.title);
        }
    }
    text
}

fn human(it: &Entry) -> String {
    let code = styled(LOUD, it.code);
    format!(
        "{code}  {}\n\n{}\n{}\n\nExample  {}\nMend     {}\nPage     {}\n",
        it.title,
        it.means,
        it.why,
        it.example,
        it.mend,
        styled(QUIET, it.page)
    )
}
