//! A checker of certificates that trusts nothing of the prover.
//!
//! It shares the reader of documents with the prover, and no more: what lets a request through is decided here
//! again (`asked`), from the documents that the certificate states once for everyone (`stated`), and what a claim's
//! sentence means is held against its steps (`meaning`). What it cannot decide, it does not accept.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::policy::document::{Document, Effect, Principals, Statement};
use asked::Asked;
use meaning::Work;
pub use stated::UNREAD;
use stated::{list, text_of};

mod asked;
mod meaning;
mod stated;

/// What a certificate calls itself.
pub const FORMAT: &str = "provision certificate";
/// The version of the format that is written and read.
pub const FORMAT_VERSION: u64 = 3;

/// What an accepted certificate proves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Proved claims that were decided here again.
    pub certified: usize,
    /// Proved claims that rest on the prover's word.
    pub uncertified: usize,
    /// Claims that are not proved.
    pub open: usize,
}

/// What the claims of a certificate rest on.
#[derive(Clone, Debug, Default)]
pub struct Grounds {
    /// Documents by their digests.
    pub documents: BTreeMap<String, Document>,
    /// Resources and roles by their addresses: the `arn`, and the digests of the documents of each.
    pub things: BTreeMap<String, Value>,
    /// The policies of the organization over each account, by its id.
    pub accounts: BTreeMap<String, Value>,
    /// The digests of the policies of VPC endpoints, by their ids.
    pub endpoints: BTreeMap<String, Value>,
    /// What was found to work.
    works: Vec<Work>,
}

/// Accepts a certificate, or says what is wrong with it.
pub fn check(text: &str) -> Result<Accepted, String> {
    let whole: Value = serde_json::from_str(text).map_err(|it| format!("this is no JSON: {it}"))?;
    if whole["format"] != FORMAT || whole["version"] != FORMAT_VERSION {
        return Err(format!("this is no `{FORMAT}` of version {FORMAT_VERSION}"));
    }
    let mut sealed = whole.clone();
    let seal = sealed.as_object_mut().and_then(|it| it.remove("seal"));
    if seal != Some(Value::String(digest(&sealed))) {
        return Err("the seal does not fit: something in it was changed".to_owned());
    }
    let mut grounds = Grounds::default();
    for (name, value) in whole["documents"].as_object().into_iter().flatten() {
        if *name != digest(value) {
            return Err(format!("document {name} is not the one of this digest"));
        }
        let read = Document::from_value(value).map_err(|it| format!("document {name}: {it}"))?;
        grounds.documents.insert(name.clone(), read);
    }
    grounds.state(&whole)?;
    let mut accepted = Accepted::default();
    for claim in list(&whole["claims"]) {
        let name = text_of(&claim["claim"]);
        match text_of(&claim["verdict"]) {
            "proved" if claim.get("uncertified").is_some() => accepted.uncertified += 1,
            "proved" => {
                grounds
                    .accept(claim)
                    .map_err(|it| format!("`{name}`: {it}"))?;
                accepted.certified += 1;
            }
            "failed" | "unproven" | "known" => accepted.open += 1,
            _ => return Err(format!("`{name}` has no verdict")),
        }
    }
    Ok(accepted)
}

impl Grounds {
    /// Checks the steps of one proved claim, and that they amount to it; what it found to work counts from then on.
    pub fn accept(&mut self, claim: &Value) -> Result<(), String> {
        let works = match text_of(&claim["promise"]) {
            "may" => true,
            "only" => false,
            _ => return Err("only requests and inclusions are decided here".to_owned()),
        };
        let steps = list(&claim["steps"]);
        if steps.is_empty() {
            return Err("it has no steps".to_owned());
        }
        for (at, step) in (1..).zip(steps) {
            let it = self.step(step, works);
            it.map_err(|it| format!("step {at}: {it}"))?;
        }
        if works {
            self.works.extend(self.amounts_to(claim, steps)?);
            return Ok(());
        }
        self.bounds(claim, steps)
    }

    fn document(&self, name: &Value) -> Result<&Document, String> {
        let known = name.as_str().and_then(|it| self.documents.get(it));
        known.ok_or_else(|| format!("there is no document {name}"))
    }

    pub(super) fn step(&self, step: &Value, works: bool) -> Result<(), String> {
        if step.get("within").is_some() {
            let [document, within] = ["document", "within"].map(|it| self.document(&step[it]));
            return covered(step, document?, within?);
        }
        let bearing = self.bearing(step)?;
        if bearing.iter().any(|it| step[it.0] != *it.1) {
            return Err("its documents are not those of who calls and what is called".into());
        }
        let bearing = Value::Object(bearing).to_string();
        let effect = if works { Effect::Allow } else { Effect::Deny };
        for by in list(&step["by"]) {
            let index = by["statement"].as_u64().unwrap_or(u64::MAX);
            let mut all = (0..).zip(&self.document(&by["document"])?.statements);
            let bears = bearing.contains(text_of(&by["document"]));
            if !bears || !all.any(|(at, it)| at == index && it.effect == effect) {
                return Err("no such statement decides it".to_owned());
            }
        }
        let word = if works { "allow" } else { "deny" };
        let found = Asked::of(self, step, works).decide();
        let right = found == Some(works) && step["decision"] == word;
        right
            .then_some(())
            .ok_or_else(|| format!("`{word}` is not what comes of it"))
    }
}

/// The SHA-256 of a value's canonical text.
#[must_use]
pub fn digest(value: &Value) -> String {
    let hash = Sha256::digest(value.to_string().as_bytes());
    hash.iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether the pieces cover whatever a document allows, each within a statement of another.
fn covered(step: &Value, document: &Document, within: &Document) -> Result<(), String> {
    for (at, statement) in allowing(document) {
        let parts = parts(statement).ok_or("a statement says what it is not about")?;
        for part in &parts {
            let fits = |it: &&Value| it["statement"] == at && it["of"] == json!(part);
            let piece = list(&step["pieces"]).iter().find(fits);
            let mut all = allowing(within);
            let by = piece.and_then(|piece| all.find(|it| piece["by"] == it.0));
            if !by.is_some_and(|(_, by)| lies_within(part, statement, by)) {
                return Err(format!("statement {} is not covered: {}", at + 1, part[1]));
            }
        }
    }
    Ok(())
}

fn allowing(it: &Document) -> impl Iterator<Item = (usize, &Statement)> {
    let statements = it.statements.iter().enumerate();
    statements.filter(|(_, it)| it.effect == Effect::Allow)
}

/// A principal (`AWS arn:…`), an action in lower case, and a resource, which is empty in a trust policy.
pub(super) type Piece = [String; 3];

/// Every combination of what a statement names; nothing where it names what is left out.
pub(super) fn parts(statement: &Statement) -> Option<Vec<Piece>> {
    let clause = statement.principal.as_ref()?;
    let of_resource = statement.resource.as_ref();
    if clause.negated || statement.action.negated || of_resource.is_some_and(|it| it.negated) {
        return None;
    }
    let names: Vec<String> = match &clause.principals {
        Principals::Anyone => vec!["AWS *".to_owned()],
        Principals::Of(types) => types
            .iter()
            .flat_map(|(kind, names)| names.iter().map(move |it| principal(kind, it)))
            .collect(),
    };
    let resources = of_resource.map_or(vec![String::new()], |it| it.values.clone());
    let mut found = Vec::new();
    for name in names {
        for action in &statement.action.values {
            let action = action.to_ascii_lowercase();
            let piece = |on: &String| [name.clone(), action.clone(), on.clone()];
            found.extend(resources.iter().map(piece));
        }
    }
    Some(found)
}

fn principal(kind: &str, name: &str) -> String {
    if kind == "AWS" && is_account(name) {
        return format!("AWS arn:aws:iam::{name}:root");
    }
    format!("{kind} {name}")
}

fn is_account(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|it| it.is_ascii_digit())
}

/// Whether a statement that allows takes in a piece of another, with no condition that the other has not.
pub(super) fn lies_within(piece: &Piece, of: &Statement, by: &Statement) -> bool {
    let all = parts(by).filter(|_| by.effect == Effect::Allow);
    // A text is taken in by itself, and by a pattern that ends in the only `*` and begins like it.
    let takes = |pattern: &str, text: &str| {
        let head = pattern.strip_suffix('*');
        let head = head.filter(|it| !it.contains(['*', '?', '$']));
        pattern == text || head.is_some_and(|it| text.starts_with(it))
    };
    let named = all.unwrap_or_default().iter().any(|it| {
        let same_kind = it[0] == piece[0] && it[2].is_empty() == piece[2].is_empty();
        same_kind && takes(&it[1], &piece[1]) && takes(&it[2], &piece[2])
    });
    named
        && by.conditions.iter().all(|(operator, keys)| {
            let mut all = of.conditions.iter();
            let own = all.find(|it| it.0.eq_ignore_ascii_case(operator));
            let positive =
                !operator.to_ascii_lowercase().contains("not") && !operator.contains(':');
            keys.iter().all(|(key, values)| {
                let own = own.and_then(|it| it.1.iter().find(|it| it.0.eq_ignore_ascii_case(key)));
                own.is_some_and(|(_, own)| {
                    own == values
                        || positive && !own.is_empty() && own.iter().all(|it| values.contains(it))
                })
            })
        })
}
