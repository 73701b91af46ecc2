//! How a plan begins: who gains and who loses, whether anything is broadened, then the statements.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::names::{names, real_names, title};
use super::page::{Row, names_in_a_row, rows, wrapped};
use super::style::{BAD, CHANGE, GOOD, LOUD, NAME, QUIET, counted, of_sign, styled};
use crate::model::{Address, KindName};
use crate::plan::administrators::administrators;
use crate::plan::narrowed::{Narrowing, narrowings};
use crate::plan::{AccessChange, Broadened, Plan, StatementChange, Turn, Widening};
use crate::policy::Request;
use crate::policy::stand_in::RealNames;

/// More statements of new documents than this are not shown, but counted.
const MOST_STATEMENTS: usize = 40;
/// More examples than this of what is broadened tell nobody more.
const MOST_EXAMPLES: usize = 5;
/// Up to this many documents that differ in nothing but names are shown each by itself.
const FEW_ALIKE: usize = 3;
/// More sentences than this are told by what they say, not by whom they are of.
const MOST_SENTENCES: usize = 8;

/// The access changes of a plan that does something, in sentences.
#[must_use]
pub(super) fn lead(plan: &Plan, width: usize) -> String {
    if plan.is_empty() {
        return String::new();
    }
    let beside: BTreeSet<&Address> = plan.gained_beside().map(|it| &it.address).collect();
    let gained = plan.access.iter().filter(|it| it.turn.gains()).count();
    let gained = gained + beside.len();
    let narrowed = narrowings(plan);
    let lost = plan.access.iter().filter(|it| it.turn.loses()).count();
    let lost = lost + narrowed.len() + plan.cuts.len();
    let verdict = plan.broadened();
    let style = match verdict {
        Broadened::No => GOOD,
        Broadened::Unknown => CHANGE,
        Broadened::Yes => BAD,
    };
    let again = plan
        .access
        .iter()
        .filter(|it| it.turn == Turn::Restored)
        .count();
    let again = match again {
        0 => String::new(),
        count => format!(" ({count} again)"),
    };
    let mut text = format!(
        "{}   {gained} gained{again}  {lost} lost  broadened: {}\n",
        styled(LOUD, "Access changes"),
        styled(style, verdict.as_str())
    );
    let told = |it: &&AccessChange| it.turn != Turn::Restored;
    text += &sentences(plan.access.iter().filter(told), width);
    text += &less(plan, &narrowed, width);
    text += &cut_off(plan, width);
    text += &other_ways(plan, width);
    text += &publishing(plan, width);
    text += &super::reborn::human(plan, width);
    text += &nobody_known(plan, width);
    text += &examples(plan, &beside, width);
    text.push('\n');
    text
}

/// What a change says of somebody: several routes of one API are one sentence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sentence {
    sign: &'static str,
    who: String,
    may: String,
    how: String,
}

fn sentences<'a>(changes: impl Iterator<Item = &'a AccessChange>, width: usize) -> String {
    let mut told: Vec<(Sentence, Vec<&str>)> = Vec::new();
    for change in changes {
        let (sign, how) = turn(change);
        let (may, route) = match change.edge.route() {
            Some(route) => ("call", Some(route)),
            None => (change.edge.may.as_str(), None),
        };
        let may = match (&change.turn, route) {
            (Turn::Lost, _) => format!("may no longer {may}"),
            _ => format!("may {may}"),
        };
        let sentence = Sentence {
            sign,
            who: change.edge.who.clone(),
            may: match route {
                Some(_) => format!("{may} {{}} of {}", change.edge.target),
                None => format!("{may} {}", change.edge.target),
            },
            how,
        };
        match told.iter_mut().find(|(it, _)| *it == sentence) {
            Some((_, routes)) => routes.extend(route),
            None => told.push((sentence, route.into_iter().collect())),
        }
    }
    let told = told.into_iter().map(|(it, routes)| Sentence {
        may: it.may.replace("{}", &routes.join(", ")),
        ..it
    });
    let told: Vec<Sentence> = told.collect();
    if told.len() > MOST_SENTENCES {
        return by_deed(&told, width);
    }
    let lines: Vec<Row> = told
        .iter()
        .map(|it| row(it, format!("{} {}", it.who, it.may)))
        .collect();
    rows(&lines, 2, width)
}

fn row(sentence: &Sentence, says: String) -> Row {
    Row {
        sign: styled(of_sign(sentence.sign), sentence.sign),
        says,
        beside: styled(QUIET, &sentence.how),
    }
}

/// The same, where there are many: what is said of several is said once, with their names below.
fn by_deed(told: &[Sentence], width: usize) -> String {
    let mut groups: Vec<(Sentence, Vec<&str>)> = Vec::new();
    for it in told {
        let (table, name) = match it.who.split_once('.') {
            Some((table, name)) if !it.who.contains(':') => (table, name),
            _ => ("principals", it.who.as_str()),
        };
        let key = Sentence {
            who: table.to_owned(),
            ..it.clone()
        };
        match groups.iter_mut().find(|(it, _)| *it == key) {
            Some((_, names)) => names.push(name),
            None => groups.push((key, vec![name])),
        }
    }
    let mut text = String::new();
    for (it, names) in groups {
        if let [name] = names.as_slice() {
            let who = match it.who.as_str() {
                "principals" => (*name).to_owned(),
                table => format!("{table}.{name}"),
            };
            text += &rows(&[row(&it, format!("{who} {}", it.may))], 2, width);
            continue;
        }
        let says = format!("{} {} {}", names.len(), it.who, it.may);
        text += &rows(&[row(&it, says)], 2, width);
        let names = wrapped(&names_in_a_row(&names), 6, 6, width);
        let _ = writeln!(text, "      {names}");
    }
    text
}

/// What others have not deployed of their APIs, and a deployment of this plan would.
fn publishing(plan: &Plan, width: usize) -> String {
    let mut text = String::new();
    for (api, details) in plan.publishing() {
        let details: Vec<String> = details
            .iter()
            .map(|it| format!("{} {}", it.sign, it.text))
            .collect();
        let says = format!(
            "this plan deploys {api}, and would publish what its owner has changed and not deployed: {}; that needs \
             `--publish {api}`, or let its owner deploy first",
            details.join(", ")
        );
        let sign = styled(BAD, "!");
        let _ = writeln!(text, "  {sign} {}", wrapped(&says, 4, 6, width));
    }
    text
}

/// Whose clients have to call by another way from now on: nothing that a policy can do for them.
fn other_ways(plan: &Plan, width: usize) -> String {
    let mut groups: BTreeMap<(&Address, bool, bool), BTreeSet<String>> = BTreeMap::new();
    for it in &plan.moves {
        let assumed = |it: &Address| it.kind == KindName::Role;
        let key = (&it.target, assumed(&it.from.address), assumed(&it.to));
        groups.entry(key).or_default().insert(it.caller.to_string());
    }
    let mut text = String::new();
    for ((target, assumed, assumes), who) in groups {
        let verb = match target.kind {
            KindName::Topic => "publish to",
            KindName::Queue => "use",
            _ => "call",
        };
        let how = match (assumed, assumes) {
            (false, true) => format!("must assume a role before they {verb} it"),
            (true, false) => format!("must {verb} it as themselves, and assume no role"),
            (true, true) => format!("must assume another role before they {verb} it"),
            (false, false) => continue,
        };
        let names: Vec<&str> = who.iter().map(String::as_str).collect();
        let says = format!(
            "{} of {target} {} another way from now on ({}): their clients {how}, and the old way is closed by this \
             apply as soon as the new one is proved; apply needs `--move` with the name of each",
            counted(names.len(), "consumer"),
            if names.len() == 1 { "goes" } else { "go" },
            names_in_a_row(&names),
        );
        let sign = styled(BAD, "!");
        let _ = writeln!(text, "  {sign} {}", wrapped(&says, 4, 6, width));
        let why = plan.access.iter().find_map(|it| {
            let of = it.edge.target == target.to_string() && who.contains(&it.edge.who);
            it.why.as_ref().filter(|_| of)
        });
        if let Some(why) = why {
            let pin = if assumes {
                "resource-policy"
            } else {
                "assume-role"
            };
            let mut says = format!(
                "`auto` chose it: {why}. To leave them as they are, write `via = \"{pin}\"` in their [[access]]"
            );
            if assumes && !assumed {
                says +=
                    ", or `via = \"assume-role\"` for whoever comes new: then they do not count";
            }
            let _ = writeln!(text, "    {}", wrapped(&says, 4, 6, width));
        }
    }
    text
}

/// Ids of which nothing tells who they were.
fn nobody_known(plan: &Plan, width: usize) -> String {
    let mut text = String::new();
    for it in plan.ghosts.iter().filter(|it| it.was.is_empty()) {
        let says = format!(
            "{} in the {} of {} is the id of somebody who was deleted, and nothing tells who: whoever that was has no \
             access by it",
            it.id, it.document, it.address,
        );
        let _ = writeln!(
            text,
            "  {} {}",
            styled(BAD, "!"),
            wrapped(&says, 4, 6, width)
        );
    }
    text
}

/// A change's sign, and by which mechanism.
fn turn(change: &AccessChange) -> (&'static str, String) {
    let via = match &change.why {
        Some(why) => format!("{} ({why})", change.edge.via),
        None => change.edge.via.to_owned(),
    };
    match &change.turn {
        Turn::Gained => ("+", format!("by {via}")),
        Turn::Restored => ("+", format!("by {via}, again")),
        Turn::Widened(from) => ("+", format!("by {via}, before only {from}")),
        Turn::Narrowed(from) => ("-", format!("by {via}, and no longer {from}")),
        Turn::Moved(from) => ("~", format!("by {via}, before by {from}")),
        Turn::Lost => ("-", format!("by {via}")),
    }
}

/// What is broadened, where no sentence says it; and what cannot be told.
fn examples(plan: &Plan, beside: &BTreeSet<&Address>, width: usize) -> String {
    let (names, real) = (names(plan), real_names(plan));
    let mut lines = Vec::new();
    let told = plan.access.iter().any(|it| it.turn.gains());
    let administrators = administrators(&plan.steps);
    let is_administrator = |it: &Widening| {
        it.document != "trust policy" && administrators.iter().any(|of| of.address == it.address)
    };
    for it in &plan.widenings {
        // Of an administrator the first line says all.
        let is_told = told && !beside.contains(&it.address);
        if is_told && it.verdict == Broadened::Yes || is_administrator(it) {
            continue;
        }
        let what = format!("the {} of {}", it.document, it.address);
        let verb = match it.verdict {
            Broadened::Yes if are_several(it.document) => "let through what they did not",
            Broadened::Yes => "lets through what it did not",
            Broadened::Unknown | Broadened::No => "may let more through",
        };
        for request in &it.gains {
            lines.push(format!("{what} {verb}: {}", asked(request, &real)));
        }
        lines.extend(it.why.iter().map(|why| format!("{what} {verb}: {why}")));
    }
    let more = lines.len().saturating_sub(MOST_EXAMPLES);
    let mut text = String::new();
    for line in lines.iter().take(MOST_EXAMPLES) {
        let line = wrapped(&names.spell(line), 4, 6, width);
        let _ = writeln!(text, "  {} {line}", styled(BAD, "!"));
    }
    if more > 0 {
        let _ = writeln!(
            text,
            "  {} and {more} more; all with --json",
            styled(BAD, "!")
        );
    }
    text
}

/// Whether the name of a document is that of several.
fn are_several(document: &str) -> bool {
    document.ends_with('s')
}

/// What is narrowed where no sentence says it.
fn less(plan: &Plan, narrowed: &[Narrowing], width: usize) -> String {
    let (names, real) = (names(plan), real_names(plan));
    let asked = |it: &Request| asked(it, &real);
    let mut text = String::new();
    for it in narrowed {
        let mut lost: Vec<String> = it.loses.iter().map(asked).chain(it.why.clone()).collect();
        let more = lost.len().saturating_sub(MOST_EXAMPLES);
        lost.truncate(MOST_EXAMPLES);
        if more > 0 {
            lost.push(format!("and {more} more; all with --json"));
        }
        let verb = if are_several(it.document) {
            "let"
        } else {
            "lets"
        };
        let says = format!(
            "the {} of {} {verb} through no longer: {}",
            it.document,
            it.address,
            lost.join("; ")
        );
        let says = wrapped(&names.spell(&says), 4, 6, width);
        let _ = writeln!(text, "  {} {says}", styled(of_sign("-"), "-"));
    }
    text
}

/// Whom other changes than those of their access cut off, and whose access role asks for another external id.
fn cut_off(plan: &Plan, width: usize) -> String {
    let mut text = String::new();
    let mut line = |says: &str| {
        let says = wrapped(says, 4, 6, width);
        let _ = writeln!(text, "  {} {says}", styled(of_sign("-"), "-"));
    };
    let names = names(plan);
    for it in &plan.cuts {
        let says = names.spell(&it.says);
        let instead = it.instead.iter().map(|it| format!("; {it}"));
        let instead: String = instead.collect();
        line(&format!(
            "{says}{instead}; {}",
            agreed_to_close(plan, &it.address)
        ));
    }
    for (api, _) in plan.closing() {
        let says = "callers of some of its routes are cut off, as said above";
        line(&format!("{api}: {says}; {}", agreed_to_close(plan, api)));
    }
    if !plan.identified.is_empty() {
        let who: Vec<&str> = plan.identified.iter().map(String::as_str).collect();
        line(&format!(
            "{} must send another external id from now on: apply needs `--move` with the name of each",
            who.join(", ")
        ));
    }
    text
}

/// Says whether callers may be cut off by the change of a resource, or what agrees to it.
fn agreed_to_close(plan: &Plan, address: &Address) -> String {
    if plan.closed.contains(address) {
        format!("agreed to by `--close {address}`")
    } else {
        format!("apply needs `--close {address}`")
    }
}

fn asked(request: &Request, names: &RealNames) -> String {
    let stand_ins = names.stand_ins(request);
    let says = |field: &str| stand_ins.get(field).cloned();
    let who = says("principal").unwrap_or_else(|| request.principal.to_string());
    let resource = says("resource").unwrap_or_else(|| request.resource.clone());
    let mut text = format!("{who} {} on {resource}", request.action);
    for (key, values) in &request.context {
        let values = says(key).unwrap_or_else(|| values.join(", "));
        let _ = write!(text, " with {key} = {values}");
    }
    if let Some(own) = request.assumed() {
        let _ = write!(text, ", {}", own.phrase());
    }
    text
}

/// Whether the statements of a plan tell what differs in this document.
pub(super) fn is_told(plan: &Plan, address: &Address, document: &str) -> bool {
    let mut all = plan.statements.iter();
    all.any(|it| it.address == *address && it.document == document)
}

/// Signs and statements.
type Lines = Vec<(char, String)>;

/// What differs in documents, the same in all of them but for their names.
struct Block<'a> {
    kind: KindName,
    document: &'static str,
    names: Vec<&'a str>,
    details: Lines,
}

/// What stands for a resource's own name where several are told at once.
const NAMED: &str = "<name>";

/// A text with a stand-in for a resource's own name, or for whom an access role is for.
fn impersonal(text: &str, name: &str) -> String {
    let stem = name.rsplit("-for-").next().unwrap_or(name);
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(stem).filter(|_| !stem.is_empty()) {
        let (head, tail) = (&rest[..at], &rest[at + stem.len()..]);
        let begins = ["roles.", "queues.", "topics.", "apis.", "-for-"];
        let begins = begins.iter().any(|it| head.ends_with(it));
        let goes_on = |it: char| it.is_alphanumeric() || matches!(it, '-' | '_' | '.');
        let whole = begins && !tail.starts_with(goes_on);
        out.push_str(head);
        out.push_str(if whole { NAMED } else { stem });
        rest = tail;
    }
    out + rest
}

/// The statements that come, go and change: first in documents that are there, then those of new ones,
/// targets before roles.
#[must_use]
pub(super) fn statements(plan: &Plan, width: usize) -> String {
    if plan.statements.is_empty() {
        return String::new();
    }
    let there: BTreeSet<&Address> = plan
        .steps
        .iter()
        .filter(|it| it.have.is_some())
        .map(|it| &it.address)
        .collect();
    let mut by_document: BTreeMap<_, Vec<&StatementChange>> = BTreeMap::new();
    for it in &plan.statements {
        let new = !there.contains(&it.address);
        let key = (
            new,
            it.address.kind == KindName::Role,
            &it.address,
            it.document,
        );
        by_document.entry(key).or_default().push(it);
    }
    let names = names(plan);
    let told = by_document.into_iter().map(|(key, changes)| {
        let details = changes.iter();
        let details = details.map(|it| (it.detail.sign, names.spell(&it.detail.text)));
        let details: Lines = details.collect();
        let alike = details.iter();
        let alike = alike.map(|(sign, text)| (*sign, impersonal(text, &key.2.name)));
        let alike: Lines = alike.collect();
        (key, details, alike)
    });
    let told: Vec<_> = told.collect();
    let mut counts: BTreeMap<(KindName, &str, &Lines), usize> = BTreeMap::new();
    for ((_, _, address, document), _, alike) in &told {
        *counts.entry((address.kind, document, alike)).or_default() += 1;
    }
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let (mut shown, mut left) = (0, 0);
    for ((new, _, address, document), details, alike) in &told {
        let many = counts.get(&(address.kind, *document, alike)) > Some(&FEW_ALIKE);
        let details = if many { alike } else { details };
        let same = |it: &&mut Block<'_>| {
            it.kind == address.kind && it.document == *document && it.details == *details
        };
        if let Some(block) = blocks.iter_mut().find(same) {
            block.names.push(&address.name);
        } else if *new && shown + details.len() > MOST_STATEMENTS {
            left += details.len();
        } else {
            shown += details.len();
            blocks.push(Block {
                kind: address.kind,
                document,
                names: vec![&address.name],
                details: details.clone(),
            });
        }
    }
    let mut text = format!("{}\n", styled(LOUD, "Statements"));
    for block in blocks {
        text += &self::block(&block, width);
    }
    if left > 0 {
        let more = counted(left, "statement");
        let _ = writeln!(text, "  and {more} of other new resources; all with --json");
    }
    text.push('\n');
    text
}

fn block(block: &Block<'_>, width: usize) -> String {
    let title = match block.names.as_slice() {
        [name] => title(&Address::new(block.kind, *name)),
        names => {
            let all = styled(NAME, names_in_a_row(names));
            format!("{} {}s  {all}", names.len(), block.kind.singular())
        }
    };
    let head = format!("{title}  {}", styled(QUIET, block.document));
    let mut text = format!("  {}\n", wrapped(&head, 2, 6, width));
    for (sign, line) in &block.details {
        let sign = sign.to_string();
        let line = wrapped(line, 6, 8, width);
        let _ = writeln!(text, "    {} {line}", styled(of_sign(&sign), &sign));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_name_is_left_out() {
        let text = "allow roles.a sts:AssumeRole on roles.shop-for-a, roles.a-b, queues.a";
        assert_eq!(
            impersonal(text, "shop-for-a"),
            "allow roles.<name> sts:AssumeRole on roles.shop-for-<name>, roles.a-b, queues.<name>"
        );
        assert_eq!(impersonal("roles.a", ""), "roles.a");
    }
}
