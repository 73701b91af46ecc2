//! The text without what is let go of, or with it as another's.
//!
//! What something else in the stack speaks of stays, as `existing`: the other's side of each access is
//! still this stack's. What nothing speaks of leaves. An access between two that both leave goes
//! with them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Candidate, Read, Unfit, candidate};
use crate::model::{Address, KindName};
use crate::stack::edit::{Edit, Fields, Written};
use crate::stack::{self, Source, Stack, Surface};

/// A stack that has let go of something.
#[derive(Clone, Debug)]
pub struct Released {
    /// What stays in the text, as `existing`.
    pub lasting: BTreeSet<Address>,
    /// The stack as it is to be.
    pub after: Candidate,
}

/// Fields that may stand beside `existing`, and go on meaning what they mean: `exclusive` would
/// take out what is let go of.
const BESIDE: [&str; 8] = [
    "account",
    "policies",
    "subscribe",
    "public",
    "endpoint",
    "vpc_endpoints",
    "type",
    "accept",
];

/// The stack without these, as far as nothing else speaks of them. `ids` are those of its APIs.
///
/// That something stays tells which accesses do, and that what else stays: until nothing more does.
pub fn released(
    before: &Candidate,
    named: &BTreeSet<Address>,
    ids: &BTreeMap<Address, String>,
    read: Read<'_>,
) -> Result<Released, Unfit> {
    let mut going = named.clone();
    loop {
        let found = taken_out(before, named, &going, ids, read)?;
        if !going.is_empty() && !others_stay(before, &found.after, named, ids) {
            // An access among them is a part of something that stays, such as a shared access role.
            going.clear();
            continue;
        }
        let rest: BTreeSet<Address> = going.difference(&found.lasting).cloned().collect();
        if rest == going {
            return Ok(found);
        }
        going = rest;
    }
}

fn taken_out(
    before: &Candidate,
    named: &BTreeSet<Address>,
    going: &BTreeSet<Address>,
    ids: &BTreeMap<Address, String>,
    read: Read<'_>,
) -> Result<Released, Unfit> {
    let mut edits = Vec::new();
    for source in &before.sources {
        let edit = Edit::of(&source.text)
            .ok_or_else(|| Unfit::Parts(vec![format!("`{}` is not TOML", source.name)]))?;
        edits.push(edit);
    }
    let texts_of: Vec<String> = going.iter().map(ToString::to_string).collect();
    for edit in &mut edits {
        edit.remove_between("access", "from", "to", &texts_of);
        for queue in going.iter().filter(|it| it.kind == KindName::Queue) {
            edit.unsubscribe(&queue.name, &topics(going));
        }
    }
    for address in named {
        let fields = existing(&before.stack, address, ids);
        if fields.iter().any(|(key, _)| *key == "existing") {
            lend(&mut edits, address, &fields);
        } else {
            // An API that is not there, or not any more: nothing can name it.
            for edit in &mut edits {
                edit.remove(address.kind.table(), &address.name);
            }
        }
    }
    let mut best = candidate(texts(before, &edits), read)?;
    let in_it = |it: &&Address| best.desired.wants.contains_key(*it);
    let mut lasting: BTreeSet<Address> = named.iter().filter(in_it).cloned().collect();
    // What goes may have been all that spoke of another.
    loop {
        let mut moved = false;
        for address in named {
            let receives = best
                .stack
                .queues
                .get(&address.name)
                .is_some_and(|it| !it.subscribe.is_empty());
            let stays = address.kind == KindName::Queue && receives;
            if stays || !lasting.contains(address) {
                continue;
            }
            let mut without = edits.clone();
            for edit in &mut without {
                edit.remove(address.kind.table(), &address.name);
            }
            if let Ok(it) = candidate(texts(before, &without), read) {
                (best, edits) = (it, without);
                lasting.remove(address);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    Ok(Released {
        lasting,
        after: best,
    })
}

/// Whether what is not let go of is wanted as before.
fn others_stay(
    before: &Candidate,
    after: &Candidate,
    named: &BTreeSet<Address>,
    ids: &BTreeMap<Address, String>,
) -> bool {
    let mut both = before.desired.wants.iter().filter_map(|(address, want)| {
        let after = after.desired.wants.get(address)?;
        let of_one = named
            .iter()
            .any(|it| address == it || address.name.starts_with(&format!("{}.", it.name)));
        (!of_one).then_some((want, after))
    });
    both.all(|(before, after)| before.resource.with_ids(ids) == after.resource.with_ids(ids))
}

/// What a queue may call these topics by.
fn topics(named: &BTreeSet<Address>) -> Vec<String> {
    named
        .iter()
        .filter(|it| it.kind == KindName::Topic)
        .flat_map(|it| [it.name.clone(), it.to_string()])
        .collect()
}

fn texts(before: &Candidate, edits: &[Edit]) -> Vec<Source> {
    let pairs = before.sources.iter().zip(edits);
    pairs
        .map(|(source, edit)| {
            let text = edit.text();
            // A file that was laid out stays laid out.
            let tidy = stack::format(&source.text).is_ok_and(|it| it == source.text);
            let text = if tidy && text != source.text {
                stack::format(&text).unwrap_or(text)
            } else {
                text
            };
            Source {
                text,
                ..source.clone()
            }
        })
        .collect()
}

/// Makes of a table what is said of another's: in the first text that has it, and nowhere else.
fn lend(edits: &mut [Edit], address: &Address, fields: &Fields) {
    let (table, name) = (address.kind.table(), &address.name);
    let mut written = false;
    for edit in edits.iter_mut().filter(|it| it.has(table, name)) {
        if written {
            edit.remove(table, name);
        } else {
            edit.reduce(table, name, &BESIDE, fields);
            written = true;
        }
    }
}

/// What says of something that it is another's, and all that must then be said.
fn existing(stack: &Stack, address: &Address, ids: &BTreeMap<Address, String>) -> Fields {
    let name = &address.name;
    let text = |it: &dyn ToString| Written::Text(it.to_string());
    let existing = match address.kind {
        KindName::Role => stack.roles.get(name).map(|it| text(&it.arn)),
        KindName::Topic => stack.topics.get(name).map(|it| text(&it.arn)),
        KindName::Queue => stack.queues.get(name).map(|it| text(&it.arn)),
        KindName::Key => stack.keys.get(name).map(|it| text(&it.arn)),
        KindName::RestApi => ids.get(address).map(|it| text(it)),
        KindName::Subscription | KindName::Stage => None,
    };
    let mut fields: Fields = existing.into_iter().map(|it| ("existing", it)).collect();
    if let (KindName::RestApi, Some(api)) = (address.kind, stack.apis.get(name)) {
        fields.push(("stage", text(&api.stage.name)));
        let public: Vec<String> = match &api.surface {
            Surface::Routes(routes) => routes
                .iter()
                .filter(|it| it.public)
                .map(|it| it.key.to_string())
                .collect(),
            Surface::OpenApi { .. } | Surface::Existing { .. } => Vec::new(),
        };
        if !public.is_empty() {
            fields.push(("public", Written::one_or_many(&public)));
        }
    }
    fields
}
