//! What the stack's own checks refuse of a written file, and what stands in its place.
//!
//! What is live exists, whether or not a stack may say it. So a refused resource is written as
//! `existing`, and left out if that is refused too. `existing` takes the mark off a resource of
//! the stack's own; of those only the refused field is left out, as long as that is enough.

use std::collections::{BTreeMap, BTreeSet};

use super::text::Section;
use crate::stack::{Diagnostic, Faults};

/// What is not written as it was found, and why.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Unfit {
    /// Resources written as `existing`, by ARN or API id.
    pub(super) lent: BTreeMap<String, String>,
    /// Resources left out, by ARN or API id.
    pub(super) omitted: BTreeMap<String, String>,
    /// Fields left out, by the header of their table and their name.
    pub(super) fields: BTreeMap<(String, String), String>,
    /// Tables left out, by their text.
    pub(super) tables: BTreeMap<String, String>,
    /// Statements of the stack written as AWS has them, by their resource's ARN or API id and their `Sid`.
    pub(super) statements: BTreeSet<(String, String)>,
    /// Roles whose trust policy is written out, by ARN.
    pub(super) trusts: BTreeSet<String>,
    /// Roles of which is written out what accesses let them do, by ARN.
    pub(super) plain: BTreeSet<String>,
}

/// What stands between two tables.
pub(super) const BETWEEN: &str = "\n";

/// Fields without which a table means something else.
const KEPT: [&str; 4] = ["account", "existing", "name", "path"];

impl Unfit {
    /// Takes in the faults of a file that consists of these tables; false if nothing can be done about one of them.
    ///
    /// Each time it takes in less of the file, so repeating it comes to an end.
    pub(super) fn learn(
        &mut self,
        sections: &[Section],
        is_ours: impl Fn(&str) -> bool,
        faults: &Faults,
    ) -> bool {
        let mut touched = BTreeSet::new();
        faults.iter().all(|fault| {
            let Some((index, at)) = place(sections, fault) else {
                return false;
            };
            let section = &sections[index];
            let field = section.field_at(at).filter(|it| !KEPT.contains(it));
            let why = reason(fault);
            let field_key = |field: &str| (section.header.clone(), field.to_owned());
            let Some(id) = &section.of else {
                match field {
                    _ if section.header.starts_with("[[") => {
                        self.tables.insert(section.to_text(), why);
                    }
                    Some(field) if section.header == "[stack]" => {
                        self.fields.insert(field_key(field), why);
                    }
                    _ => return false,
                }
                return true;
            };
            let is_first = sections[..index].iter().all(|it| it.of != section.of);
            match field {
                // Tables of one header are told apart by their text only.
                _ if section.header.starts_with("[[") => {
                    self.tables.insert(section.to_text(), why);
                    return true;
                }
                _ if touched.contains(id) || self.omitted.contains_key(id) => {}
                _ if self.lent.contains_key(id) => {
                    self.omitted.insert(id.clone(), why);
                }
                Some(field) if is_ours(id) => {
                    self.fields.insert(field_key(field), why);
                    return true;
                }
                None if is_ours(id) && !is_first => {
                    self.tables.insert(section.to_text(), why);
                }
                _ => {
                    // What was left out before it may be why it is not whole now.
                    let of_it = |header: &str| {
                        let mut all = sections.iter();
                        all.any(|it| it.header == header && it.of == section.of)
                    };
                    let mut left = self.fields.iter();
                    let left = left.find(|((header, _), _)| of_it(header));
                    let why = left.map_or(why, |it| it.1.clone());
                    self.lent.insert(id.clone(), why);
                }
            }
            touched.insert(id.clone());
            true
        })
    }

    /// Leaves out what was refused; what that was, by its table's header, comes back.
    pub(super) fn leave_out(&self, sections: &mut Vec<Section>) -> Vec<(String, String)> {
        let mut told = Vec::new();
        for ((header, field), why) in &self.fields {
            for section in sections.iter_mut().filter(|it| it.header == *header) {
                section.remove(field);
                told.push((header.clone(), format!("`{field}` is left out: {why}")));
            }
        }
        sections.retain(|it| match self.tables.get(&it.to_text()) {
            Some(why) => {
                let what = it.value("to").unwrap_or(&it.header);
                told.push((what.to_owned(), format!("a table is left out: {why}")));
                false
            }
            None => true,
        });
        told
    }
}

/// Returns the table at whose words a fault stands, and the byte within it.
fn place(sections: &[Section], fault: &Diagnostic) -> Option<(usize, usize)> {
    let mut at = fault.labels.first()?.span.start;
    for (index, section) in sections.iter().enumerate() {
        let end = section.to_text().len() + BETWEEN.len();
        if at < end {
            return Some((index, at));
        }
        at -= end;
    }
    None
}

/// Says in one line what is wrong.
pub(super) fn reason(fault: &Diagnostic) -> String {
    match fault.labels.first() {
        Some(label) => format!("{} ({})", fault.message, label.text),
        None => fault.message.clone(),
    }
}
