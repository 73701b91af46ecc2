//! `accept = { PG001 = "why" }`: a guardrail that a resource may go over, and the reason.

use std::collections::BTreeMap;

use super::checker::{Checker, Declared};
use super::diagnostic::{Code, Diagnostic, nearest};
use super::shape::{Field, Kind};
use crate::model::{Address, KindName};
use crate::policy::Guardrail;

/// The field, the same on every resource that holds a policy.
pub(super) const ACCEPT: Field = Field::new(
    "accept",
    Kind::Map(&Kind::Text),
    "Guardrails that it may go over, each by its code with the reason: `{ PG001 = \"a public feed\" }`. `provision explain` lists the codes.",
)
.with_existing()
.alias(&["allow_guardrail", "allow_guardrails", "guardrails", "suppress"]);

/// Guardrails that a resource may go over, and why.
pub type Accepted = BTreeMap<Guardrail, String>;

/// Takes what a table accepts.
pub(super) fn accept(checker: &mut Checker<'_>, it: &Declared<'_>, kind: KindName) {
    let mut accepted = Accepted::new();
    for (code, reason) in it.fields.map("accept") {
        let Some(guardrail) = Guardrail::parse(&code.value) else {
            let fault = Diagnostic::new(
                Code::Reference,
                code.span,
                format!(
                    "{} accepts `{}`, which is no guardrail",
                    it.fields.owner, code.value
                ),
                "no such code",
            );
            let codes = Guardrail::ALL.map(Guardrail::code);
            checker.report(match nearest(&code.value, codes) {
                Some(meant) => fault.fix("a like code exists", code.span, meant),
                None => fault.help("`provision explain` lists the codes"),
            });
            continue;
        };
        let Some(reason) = reason.text().map(str::trim) else {
            continue;
        };
        if reason.is_empty() {
            checker.report(
                Diagnostic::new(
                    Code::Missing,
                    code.span,
                    format!(
                        "{} accepts `{}` without a reason",
                        it.fields.owner, code.value
                    ),
                    "why?",
                )
                .help("say why it is right here, for whoever reads it in a year"),
            );
        }
        accepted.insert(guardrail, reason.to_owned());
    }
    if !accepted.is_empty() {
        checker
            .accepts
            .insert(Address::new(kind, it.name), accepted);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, stack};
    use super::*;

    #[test]
    fn a_guardrail_is_accepted_by_its_code_and_for_a_reason() {
        let stack = stack("[topics.t]\naccept = { PG001 = \" a public feed \" }\n");
        let accepted = &stack.accepts[&Address::new(KindName::Topic, "t")];
        assert_eq!(accepted[&Guardrail::OpenPrincipal], "a public feed");
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\naccept = { PG01 = \"x\", nonsense = \"y\", PG002 = \"\", PG003 = 5 }\n[queues.q]\naccept = \"PG001\"\n"
            ),
            snapbox::str![[r#"
E0201: topic `t` accepts `PG01`, which is no guardrail [no such code] a like code exists: PG010
E0201: topic `t` accepts `nonsense`, which is no guardrail [no such code] help: `provision explain` lists the codes
E0103: topic `t` accepts `PG002` without a reason [why?] help: say why it is right here, for whoever reads it in a year
E0102: `PG003` of `accept` of topic `t` has the wrong type [this is a whole number] write it in quotes: "5"
E0102: `accept` of queue `q` has the wrong type [this is a text] help: write a table, `{ name = … }`, of a text in quotes

"#]]
        );
    }
}
