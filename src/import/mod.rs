//! A stack file, written from what is live.
//!
//! What bears a stack's mark is written as the stack had it: addresses from the marks,
//! accesses from our statements. What bears none is written under names made from
//! AWS's; its policies stay foreign and are kept as they are, so that taking it over
//! marks it and changes nothing else. Whatever a stack cannot say is told, never lost.
//!
//! Accesses are read off statements as proposals. Each draft is lowered and compared with what is live, and what
//! lowering would write otherwise is written as AWS has it: as a `[[statement]]`, a trust policy, or a role's own policies.
//!
//! The text is right only if a plan on it is empty, or adopts: who calls this asks
//! for that plan, and [`amiss`] reads it.

mod access;
mod apis;
mod compare;
mod messaging;
mod naming;
mod principals;
mod roles;
pub mod selection;
pub mod sources;
mod text;
mod unfit;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::kinds::rest_api::ApiPart;
use crate::kinds::survey::Live;
use crate::kinds::survey::census::{Census, Found};
use crate::kinds::{Have, Resource, Stranger, stage};
use crate::lower::reading;
use crate::model::{AccountId, Address, Arn, Change, KindName, Mark, Place, Tags};
use crate::plan::adopt::Adopt;
use crate::plan::{Action, Plan, Step};
use crate::stack::{self, KnownContent, Subscribing};
use text::{Section, quoted};
use unfit::Unfit;

/// An account to read, as the stack is to call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEntry {
    /// Name, id and region.
    pub place: Place,
    /// The role to assume there, by name or ARN.
    pub role: Option<String>,
}

/// What is to be written.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The accounts.
    pub accounts: &'a [AccountEntry],
    /// Names for what bears no mark, by ARN or API id.
    pub names: &'a BTreeMap<String, String>,
    /// What stays another's, by ARN or API id, and why: taking it over would change more than its mark.
    pub lent: &'a BTreeMap<String, String>,
}

/// Something that is live and not in the file as it is in AWS, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// What: an address, or its name in AWS.
    pub what: String,
    /// Why, and what that means.
    pub why: String,
}

/// A stack file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The text, laid out.
    pub text: String,
    /// What has to be taken over by name.
    pub adopt: Vec<Adopt>,
    /// What is not in it.
    pub left_out: Vec<LeftOut>,
}

/// Why no file can be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Nothing that was asked for is there.
    #[error("{0}")]
    Nothing(String),
    /// Two things would have one name.
    #[error("{0}")]
    Clash(String),
    /// What was written is not a stack: ours to mend.
    #[error("what was found makes no stack that holds: {0}")]
    NotAStack(String),
}

/// What the parts of a file are written from.
struct Scene<'a> {
    stack: &'a str,
    accounts: &'a [AccountEntry],
    census: &'a Census,
    lent: &'a BTreeMap<String, String>,
    unfit: &'a Unfit,
    /// Names in the stack, by ARN; of APIs, by id.
    names: BTreeMap<String, String>,
    /// Tags that every resource has: the stack's own.
    tags: Tags,
    left_out: BTreeSet<LeftOut>,
    /// What others put on what is taken over: it stays, and is written as known.
    known: Vec<Section>,
    /// Tables that would make the stack's own what works by others' statements now.
    suggested: Vec<Section>,
}

/// Whom this stack's statements let subscribe to a topic.
fn subscribing(found: &Found) -> Vec<Subscribing> {
    let policy = found.have.resource.policy();
    let statements = policy.into_iter().flat_map(|it| &it.statements);
    let found = statements.filter_map(reading::subscribers);
    found.flatten().collect()
}

/// What a resource is called by in AWS: its ARN, or an API's id.
fn id_of(found: &Found) -> String {
    let arn = found.have.resource.arn().map(ToString::to_string);
    arn.unwrap_or_else(|| found.have.id.clone())
}

impl<'a> Scene<'a> {
    /// The mark of the stack on something.
    fn mark(&self, found: &'a Found) -> Option<&'a Mark> {
        let mark = found.have.mark.as_ref();
        mark.filter(|it| it.stack == self.stack && !found.existing)
    }

    fn is_ours(&self, found: &'a Found) -> bool {
        self.mark(found).is_some()
    }

    /// The name in the stack of what has this ARN or id.
    fn name_of(&self, id: &str) -> Option<&str> {
        self.names.get(id).map(String::as_str)
    }

    /// The address of something in the file.
    fn address(&self, found: &Found) -> Option<Address> {
        let name = self.name_of(&id_of(found))?;
        Some(Address::new(found.have.resource.kind(), name))
    }

    fn found_at(&self, address: &Address) -> Option<&'a Found> {
        let mut found = self.census.found.iter();
        found.find(|it| self.address(it).as_ref() == Some(address))
    }

    /// An account by its name in the stack, or by its id.
    fn account_called<'b>(&'b self, id: &'b AccountId) -> &'b str {
        let entry = self.accounts.iter().find(|it| it.place.id == *id);
        entry.map_or(id.as_str(), |it| &it.place.account)
    }

    /// Whether something stays another's; why is told where it is not plain.
    fn is_lent(&mut self, found: &Found, address: &Address) -> bool {
        let why = self.lent.get(&id_of(found)).cloned();
        if let Some(why) = &why {
            self.leave_out(
                address,
                format!("written as `existing`, not taken over: {why}"),
            );
        }
        found.existing || why.is_some()
    }

    /// Writes what others put on something as known: the first drift has nothing to report, and what changes
    /// later is reported.
    fn know(&mut self, found: &'a Found, address: &Address) {
        let ours = self.is_ours(found);
        let reason = if ours {
            "there when this file was written from what is live"
        } else {
            "there when it was taken over"
        };
        let subscriptions = self.census.others.iter();
        let subscriptions = subscriptions.filter(|(.., topic)| topic.as_str() == found.have.id);
        // What the stack offers is not another's doing.
        let offered: Vec<Subscribing> = if ours { subscribing(found) } else { Vec::new() };
        let is_offered = |endpoint: &str| {
            let queue = Arn::parse(endpoint).ok();
            offered.iter().any(|it| match it {
                Subscribing::Queue(arn) => arn.as_str() == endpoint,
                Subscribing::Account(id) => {
                    let account = queue.as_ref().and_then(Arn::account_id);
                    account.as_ref() == Some(id)
                }
            })
        };
        let subscriptions = subscriptions.filter(|(_, endpoint, _)| !is_offered(endpoint));
        let subscriptions = subscriptions.map(|(_, endpoint, _)| {
            (
                KnownContent::Subscription(endpoint.clone()),
                None,
                String::new(),
            )
        });
        let stages = self.stages_beside(found).filter_map(stage::beside);
        let stages = stages.map(|it| (it.known_as(), None, it.text.clone()));
        let mut all: Vec<_> = subscriptions.chain(stages).collect();
        let stage = self.written_stage(found);
        for have in std::iter::once(&found.have).chain(stage) {
            all.extend(Self::extras(have, ours));
        }
        all.sort_by(|(a, ..), (b, ..)| a.field().cmp(&b.field()));
        all.dedup_by(|(a, ..), (b, ..)| a == b);
        for (content, document, text) in all {
            let (field, name) = content.field();
            let mut section = Section::new("[[known]]");
            section.text("on", &address.to_string());
            section.text(field, name);
            section.some_text("document", &document.unwrap_or_default());
            section.some_text("what", &text);
            section.text("reason", reason);
            self.known.push(section.about(&id_of(found)));
        }
    }

    /// What others put on something, and an apply keeps. What is attached to a role that is taken over is written as
    /// its own.
    fn extras(
        have: &Have,
        ours: bool,
    ) -> impl Iterator<Item = (KnownContent, Option<String>, String)> {
        let extras = have.extras.iter().filter(move |it| match &it.what {
            Stranger::Managed(_) | Stranger::Boundary { .. } => ours,
            Stranger::Part { .. } | Stranger::Messages => false,
            Stranger::Statement
            | Stranger::Inline(_)
            | Stranger::Holder { .. }
            | Stranger::Subscription { .. }
            | Stranger::Stage { .. }
            | Stranger::MethodSettings { .. }
            | Stranger::Canary { .. } => true,
        });
        extras.map(|it| (it.known_as(), it.document.clone(), it.text.clone()))
    }

    fn leave_out(&mut self, what: &dyn std::fmt::Display, why: impl Into<String>) {
        self.left_out.insert(LeftOut {
            what: what.to_string(),
            why: why.into(),
        });
    }

    /// Tags as an author would write them: without the stack's, and without those of others.
    fn own_tags(&self, found: &'a Found) -> Option<String> {
        let mark = self.mark(found);
        let tags: Vec<(String, String)> = found
            .have
            .resource
            .tags()
            .iter()
            .filter(|(key, value)| self.tags.get(*key) != Some(value))
            .filter(|(key, _)| mark.is_none_or(|it| it.owns(key)) && !key.starts_with("aws:"))
            .map(|(key, value)| (key.clone(), quoted(value)))
            .collect();
        (!tags.is_empty()).then(|| text::inline(&tags))
    }
}

/// The tags that all the stack's own resources have.
fn shared_tags(census: &Census, stack: &str) -> Tags {
    let marked = census.found.iter().filter_map(|it| {
        let mark = it.have.mark.as_ref()?;
        (mark.stack == stack && !it.existing).then_some((mark, it.have.resource.tags()))
    });
    let own = marked.map(|(mark, tags)| -> Tags {
        let own = tags.iter().filter(|(key, _)| mark.owns(key));
        own.map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    });
    let all: Vec<Tags> = own.collect();
    let Some((first, rest)) = all.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return Tags::new();
    };
    let shared = first
        .iter()
        .filter(|(key, value)| rest.iter().all(|it| it.get(*key) == Some(value)));
    shared
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Writes a stack file: as much of what was found as a stack can say.
pub fn write(order: &Order<'_>, census: &Census) -> Result<Written, ImportError> {
    if census.found.is_empty() {
        return Err(ImportError::Nothing(format!(
            "nothing in these accounts bears the mark of the stack `{0}`; to begin a stack of that name, say what it \
             takes over: `--name 'orders-*'`, `--tag team=orders`, or `--name '*'` for all",
            order.stack
        )));
    }
    let mut unfit = Unfit {
        lent: order.lent.clone(),
        ..Unfit::default()
    };
    loop {
        let draft = Draft::of(order, census, &unfit)?;
        let before = unfit.clone();
        let faults = match draft.lowered(census) {
            Ok(desired) => {
                if let Some(desired) = desired {
                    draft.compare(order.stack, census, &desired, &mut unfit);
                }
                if unfit == before {
                    return draft.written();
                }
                continue;
            }
            Err(faults) => faults,
        };
        if !unfit.learn(&draft.sections, |id| draft.ours.contains(id), &faults) || unfit == before {
            let why: Vec<String> = faults.iter().map(unfit::reason).collect();
            return Err(ImportError::NotAStack(why.join("; ")));
        }
    }
}

/// A file that may not pass the stack's own checks.
struct Draft {
    sections: Vec<Section>,
    suggested: Vec<Section>,
    adopt: Vec<Adopt>,
    left_out: BTreeSet<LeftOut>,
    /// What bears the stack's mark, by ARN or API id.
    ours: BTreeSet<String>,
    /// Names in the stack, by ARN; of APIs, by id.
    names: BTreeMap<String, String>,
}

impl Draft {
    fn of(order: &Order<'_>, census: &Census, unfit: &Unfit) -> Result<Self, ImportError> {
        let mut names = naming::names(order, census)?;
        names.retain(|id, _| !unfit.omitted.contains_key(id));
        let mut scene = Scene {
            stack: order.stack,
            accounts: order.accounts,
            census,
            lent: &unfit.lent,
            unfit,
            names,
            tags: shared_tags(census, order.stack),
            left_out: census
                .unread
                .iter()
                .cloned()
                .map(|(what, why)| LeftOut { what, why })
                .collect(),
            known: Vec::new(),
            suggested: Vec::new(),
        };
        let mut sections = vec![head(&scene)];
        let region = order.accounts.first().map(|it| &it.place.region);
        let own_region = |it: &AccountEntry| Some(&it.place.region) != region;
        sections.extend(order.accounts.iter().map(|it| {
            let mut section = account(it, own_region(it));
            section.some_text(
                "boundary",
                scene.boundary_of(&it.place).map_or("", String::as_str),
            );
            section
        }));
        let mut adopt = Vec::new();
        let mut ours = BTreeSet::new();
        for found in &census.found {
            let id = id_of(found);
            if scene.is_ours(found) {
                ours.insert(id.clone());
            }
            if let Some(why) = unfit.omitted.get(&id) {
                let kind = found.have.resource.kind().singular();
                scene.leave_out(
                    &format!("{kind} `{}`", naming::aws_name(found)),
                    format!("not in the file: {why}"),
                );
                continue;
            }
            let (address, more) = match &found.have.resource {
                Resource::Role(role) => scene.role(found, role),
                Resource::Topic(topic) => scene.topic(found, topic),
                Resource::Queue(queue) => scene.queue(found, queue),
                Resource::RestApi(api) => scene.api(found, api),
                Resource::Key(it) => (None, scene.key(found, it)),
                Resource::Subscription(_) | Resource::Stage(_) => continue,
            };
            sections.extend(more.into_iter().map(|it| it.about(&id)));
            let statements = scene.statements(found);
            sections.extend(statements.into_iter().map(|it| it.about(&id)));
            if scene.is_ours(found) && !scene.is_made(&id) {
                scene.know(
                    found,
                    &Address::new(
                        found.have.resource.kind(),
                        scene.name_of(&id).unwrap_or_default(),
                    ),
                );
            }
            if let Some(address) = address {
                scene.know(found, &address);
                let id = (address.kind == KindName::RestApi).then(|| found.have.id.clone());
                adopt.push(Adopt { address, id });
            }
        }
        let (topics, accesses) = scene.outside();
        sections.extend(topics);
        sections.extend(scene.accesses(&sections));
        sections.extend(accesses);
        sections.append(&mut scene.known);
        for (what, why) in unfit.leave_out(&mut sections) {
            scene.leave_out(&what, why);
        }
        scene.suggest_edges();
        Ok(Self {
            sections,
            suggested: scene.suggested,
            adopt,
            left_out: scene.left_out,
            ours,
            names: scene.names,
        })
    }

    fn text(&self) -> String {
        text_of(&self.sections)
    }

    fn written(self) -> Result<Written, ImportError> {
        let text = self.text() + &suggestions(&self.suggested);
        let text =
            stack::format(&text).map_err(|faults| ImportError::NotAStack(faults.render(false)))?;
        Ok(Written {
            text,
            adopt: self.adopt,
            left_out: self.left_out.into_iter().collect(),
        })
    }
}

fn text_of(sections: &[Section]) -> String {
    let tables = sections.iter().map(Section::to_text);
    tables
        .flat_map(|it| [it, unfit::BETWEEN.to_owned()])
        .collect()
}

/// Tables in comments: what is live by statements that are not the stack's.
fn suggestions(sections: &[Section]) -> String {
    if sections.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "# What follows works by statements that are not this stack's, and goes on working without a word here.\n\
         # Without the `#`, an apply writes this stack's own statements beside them; the old ones can then go.\n",
    );
    for section in sections {
        text += "#\n";
        for line in section.to_text().lines() {
            let _ = writeln!(text, "# {line}");
        }
    }
    text
}

fn head(scene: &Scene<'_>) -> Section {
    let mut section = Section::new("[stack]");
    section.text("name", scene.stack);
    if let Some(first) = scene.accounts.first() {
        section.text("region", first.place.region.as_str());
    }
    if !scene.tags.is_empty() {
        let tags: Vec<_> = scene
            .tags
            .iter()
            .map(|(key, value)| (key.clone(), quoted(value)))
            .collect();
        section.raw("tags", text::inline(&tags));
    }
    section
}

fn account(entry: &AccountEntry, own_region: bool) -> Section {
    let mut section = Section::new(format!("[accounts.{}]", text::key(&entry.place.account)));
    section.text("id", entry.place.id.as_str());
    if own_region {
        section.text("region", entry.place.region.as_str());
    }
    section.some_text("role", entry.role.as_deref().unwrap_or_default());
    section
}

/// What a plan on the written stack would do beyond adopting: each a resource and what differs.
#[must_use]
pub fn amiss(plan: &Plan, adopt: &[Adopt]) -> Vec<(Address, String)> {
    let refused = plan
        .refusals
        .iter()
        .map(|it| (it.address.clone(), it.message.clone()));
    let changed = plan.to_do().filter_map(|step| {
        let fields: Vec<String> = beyond_adopting(step, adopt).map(in_words).collect();
        let verb = match step.action {
            Action::Keep => return None,
            Action::Update if fields.is_empty() => return None,
            Action::Create => "would be made",
            Action::Update => "would be changed",
            Action::Replace => "would be replaced",
            Action::Delete => "would be deleted",
        };
        let fields = if fields.is_empty() {
            String::new()
        } else {
            format!(": {}", fields.join(", "))
        };
        Some((step.address.clone(), format!("{verb}{fields}")))
    });
    refused.chain(changed).collect()
}

fn beyond_adopting<'a>(step: &'a Step, adopt: &'a [Adopt]) -> impl Iterator<Item = &'a Change> {
    let changes = step.changes.iter();
    changes.filter(|it| it.field != "mark" && !comes_with_adopting(&step.address, it, adopt))
}

/// How many details of a change are shown.
const SHOWN: usize = 3;

/// `routes (GET /a timeout 29000 ms -> 3000 ms)`, `description ("a" -> "b")`
fn in_words(change: &Change) -> String {
    let details = change.details.iter().map(|it| match it.sign {
        '~' => it.text.clone(),
        sign => format!("{sign} {}", it.text),
    });
    let mut shown: Vec<String> = details.take(SHOWN).collect();
    match change.details.len().saturating_sub(SHOWN) {
        0 => {}
        more => shown.push(format!("and {more} more")),
    }
    if let (true, Some(from), Some(to)) = (shown.is_empty(), &change.from, &change.to) {
        shown.push(format!("{from} -> {to}"));
    }
    if shown.is_empty() {
        change.field.clone()
    } else {
        format!("{} ({})", change.field, shown.join("; "))
    }
}

/// A stack of these accounts and nothing in it: what is needed to enter them.
#[must_use]
pub fn skeleton(stack: &str, accounts: &[AccountEntry]) -> String {
    let mut head = Section::new("[stack]");
    head.text("name", stack);
    let region = accounts.first().map(|it| it.place.region.as_str());
    head.some_text("region", region.unwrap_or_default());
    let sections = accounts.iter().map(|it| account(it, true).to_text());
    std::iter::once(head.to_text()).chain(sections).collect()
}

/// What cannot be taken over without changing more than its mark, as far as its kind tells.
#[must_use]
pub fn to_be_lent(census: &Census, stack: &str) -> BTreeMap<String, String> {
    let unmarked = census.found.iter().filter(|it| {
        let mark = it.have.mark.as_ref();
        !it.existing && mark.is_none_or(|it| it.stack != stack)
    });
    let why = |found: &Found| match &found.have.resource {
        Resource::RestApi(_) if found.stages.is_empty() => {
            Some("it has no stage, and a stack's API has one".to_owned())
        }
        Resource::RestApi(_) if !found.have.parts.is_empty() => Some(format!(
            "a stack has no words for its {}",
            in_short(&found.have.parts)
        )),
        _ => None,
    };
    unmarked
        .filter_map(|it| Some((id_of(it), why(it)?)))
        .collect()
}

/// `model Order, gateway response DEFAULT_4XX and 3 more`
fn in_short(parts: &[ApiPart]) -> String {
    let shown = parts.iter().take(SHOWN);
    let shown: Vec<String> = shown
        .map(|it| format!("{} `{}`", it.noun, it.name))
        .collect();
    match parts.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What a taking over does to a resource beside marking it, and may: nobody gains or loses by it.
///
/// A subscription brings this stack's statements, beside those by which it works. A stage is
/// deployed once, for what it serves now is not known to be what the API says, and gets the API's tags.
fn comes_with_adopting(address: &Address, change: &Change, adopt: &[Adopt]) -> bool {
    match (address.kind, change.field.as_str()) {
        (KindName::Stage, field) => {
            let api = address.of_table();
            let comes = match field {
                "mark" | "deployment" => true,
                "tags" => change.details.iter().all(|it| it.sign == '+'),
                _ => false,
            };
            comes && adopt.iter().any(|it| it.address == api)
        }
        (KindName::Topic | KindName::Queue, "policy") => {
            !adopt.is_empty() && change.details.iter().all(|it| it.sign == '+')
        }
        _ => false,
    }
}

/// What a plan on the written stack does beside marking what it takes over, in words.
#[must_use]
pub fn beside_marks(plan: &Plan, adopt: &[Adopt]) -> Vec<&'static str> {
    let does = |field: &str| {
        let changed = |it: &Step| {
            let mut changes = it.changes.iter();
            changes.any(|change| {
                change.field == field && comes_with_adopting(&it.address, change, adopt)
            })
        };
        plan.to_do().any(changed)
    };
    let said = [
        (
            "policy",
            "writes this stack's statements for subscriptions beside those by which they work",
        ),
        (
            "deployment",
            "deploys each API once as it is, for nobody can read what its stage serves now",
        ),
        ("tags", "puts the tags of each API on its stage too"),
    ];
    said.into_iter()
        .filter(|(field, _)| does(field))
        .map(|(_, it)| it)
        .collect()
}

/// What taking over would change beside the mark, by ARN or API id, and what: it is better lent.
#[must_use]
pub fn changed_by_adopting(plan: &Plan, adopt: &[Adopt], live: &Live) -> BTreeMap<String, String> {
    let changed = amiss(plan, adopt).into_iter();
    changed
        .filter_map(|(address, what)| {
            // A stage goes with its API.
            let (address, what) = match (address.kind, address.name.split_once('.')) {
                (KindName::Stage, Some((_, stage))) => {
                    (address.of_table(), format!("its stage `{stage}` {what}"))
                }
                _ => (address, format!("it {what}")),
            };
            adopt.iter().find(|it| it.address == address)?;
            let have = live.have.get(&address)?;
            let id = match (&have.resource, have.resource.arn()) {
                (_, Some(arn)) => arn.to_string(),
                (Resource::RestApi(_), None) => have.id.clone(),
                (_, None) => return None,
            };
            Some((id, what))
        })
        .collect()
}
