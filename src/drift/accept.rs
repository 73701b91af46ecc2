//! Writing what AWS has into the stack file, comments and order kept.
//!
//! Only what a stack can say: a field of a resource, a tag, a managed policy, a resource that is
//! gone. Who may do what is said by `[[access]]`, and nobody's edit of a policy turns into one: with
//! a reason, what others put there is written as `[[known]]`, and stays.
//! Whoever calls this checks the new text as any other and looks for drift again, so that nothing
//! is written that would not be in step.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::known::know;
use super::{Class, Drift, Finding};
use crate::escape::toml::{self, edited};
use crate::kinds::queue::RedriveAllow;
use crate::kinds::rest_api::{RestApi, method};
use crate::kinds::survey::Reading;
use crate::kinds::{Extra, Queue, Resource, Role, Stage, Stranger, Subscription, Topic};
use crate::lower::Desired;
use crate::model::change::seconds;
use crate::model::{Address, Arn, KindName, Tags};
use crate::stack::{
    Encryption, LogLevel, OPTIONAL_OF_TOPICS, Source, Written, format as format_stack,
};

/// Why something cannot be accepted.
type Reason = String;

/// A field that a stack does not say.
struct Unsaid;

/// What is edited, and what it is edited by.
#[derive(Clone, Copy, Debug)]
pub struct Accepting<'a> {
    /// What the stack wants.
    pub desired: &'a Desired,
    /// What AWS has.
    pub reading: &'a Reading,
    /// What was found.
    pub drift: &'a Drift,
    /// Where the stack says it.
    pub written: &'a Written,
    /// Why what others put there may stay.
    pub reason: Option<&'a str>,
    /// The last day on which it may.
    pub until: Option<&'a str>,
}

/// The files with what AWS has of these resources written in, or why that cannot be said.
pub fn accept(
    sources: &[Source],
    these: &[Address],
    with: &Accepting<'_>,
) -> Result<Vec<Source>, Reason> {
    let mut documents = Vec::new();
    for source in sources {
        let parsed: Result<DocumentMut, _> = source.text.parse();
        documents.push(parsed.map_err(|error| format!("{}: {error}", source.name))?);
    }
    for address in these {
        let found: Vec<&Finding> = with.drift.of_address(address).collect();
        if found.is_empty()
            && these
                .iter()
                .all(|it| with.drift.of_address(it).next().is_none())
        {
            return Err(format!(
                "`{address}` is in step: there is nothing to accept"
            ));
        }
        // Beside others, what is in step is what a run that was stopped has written already.
        for finding in found {
            with.finding(&mut documents, address, finding)?;
        }
    }
    Ok(sources
        .iter()
        .zip(documents)
        .map(|(source, document)| Source {
            name: source.name.clone(),
            text: in_layout_of(&source.text, document.to_string()),
        })
        .collect())
}

/// Returns an edited text in the layout of `provision fmt`, where it had it before.
fn in_layout_of(before: &str, edited: String) -> String {
    let had_it = format_stack(before).is_ok_and(|it| it == before);
    match format_stack(&edited) {
        Ok(text) if had_it => text,
        _ => edited,
    }
}

/// Says where the stack writes what a policy says: an edit of AWS is not taken for the author's word.
fn by_the_author(address: &Address, field: &str, is_written: bool) -> Reason {
    let says = match field {
        "trust" if is_written => {
            "whom a role trusts is said by its `trusted_by`, or by its `trust_policy` as a whole; write it there"
        }
        "policy" => "who may do what is said by `[[access]]`, or by a `[[statement]]`; write one",
        "deployment" => "a stage serves what its API is; accept or put back the API's changes",
        _ if is_written => {
            "what a role may do is said by `[[access]]`, or by the role's `policies`; write it there"
        }
        _ => "who may do what is said by `[[access]]`; write one",
    };
    format!(
        "{address}: `{field}` cannot be accepted: {says}, or put it back with `--revert {address}`"
    )
}

fn without_reason(address: &Address, what: &Extra) -> Reason {
    format!(
        "{address}: {what} is not this stack's, and who may do what is said by `[[access]]`; put it back with `--revert {address}`, or say why it may stay as it is: `--accept {address} --reason TEXT`"
    )
}

impl Accepting<'_> {
    fn finding(
        &self,
        documents: &mut [DocumentMut],
        address: &Address,
        finding: &Finding,
    ) -> Result<(), Reason> {
        match finding.class {
            Class::Missing => self.remove(documents, address),
            Class::Changed | Class::NotDeployed | Class::NotApplied => {
                for change in &finding.changes {
                    self.field(documents, address, &change.field)?;
                }
                Ok(())
            }
            Class::Added => self.added(documents, address),
            Class::Ghost => Err(format!(
                "{address}: a role that was deleted cannot be let in; `--revert {address}` names the one that is there now"
            )),
            Class::Unwanted => Err(format!(
                "{address}: it is not in the stack, so there is nothing to write it to; declare it, or `--revert {address}` deletes it"
            )),
            Class::Withdrawn => Err(format!(
                "{address}: a claim that is not offered is taken out of the stack by hand"
            )),
            Class::Unreadable => Err(format!("{address}: what cannot be read cannot be accepted")),
            Class::Disowned => Err(format!(
                "{address}: it is not marked as this stack's; declare it `existing` to leave it to its owner, or `--revert {address}` marks it again"
            )),
        }
    }

    /// The table of a resource in the file that says a field of it, or else that names it last.
    fn table<'d>(
        &self,
        documents: &'d mut [DocumentMut],
        address: &Address,
        field: &str,
    ) -> Result<&'d mut dyn TableLike, Reason> {
        let not_written = || {
            format!(
                "{address}: it is not written as such in the stack, but made for an `[[access]]` or a route; change that"
            )
        };
        let file = self.written.file(address, field).ok_or_else(not_written)?;
        let document = documents.get_mut(file).ok_or_else(not_written)?;
        let (kind, name) = match address.kind {
            KindName::Stage => (
                KindName::RestApi,
                address.name.rsplit_once('.').map_or("", |it| it.0),
            ),
            KindName::Subscription => (
                KindName::Queue,
                self.queue_of(address).ok_or_else(not_written)?,
            ),
            other => (other, address.name.as_str()),
        };
        let table = document
            .get_mut(kind.table())
            .and_then(|it| it.as_table_like_mut())
            .and_then(|it| it.get_mut(name))
            .and_then(Item::as_table_like_mut)
            .ok_or_else(not_written)?;
        match address.kind {
            KindName::Stage => stage_table(table, address),
            KindName::Subscription => {
                let topic = &address.name[name.len() + 1..];
                subscription_table(table, topic).ok_or_else(not_written)
            }
            _ => Ok(table),
        }
    }

    /// The queue's name in a subscription's address.
    fn queue_of<'a>(&self, address: &'a Address) -> Option<&'a str> {
        let queues = self
            .desired
            .wants
            .keys()
            .filter(|it| it.kind == KindName::Queue);
        let mut names = queues.filter_map(|it| {
            let rest = address.name.strip_prefix(&it.name)?;
            rest.starts_with('.').then_some(it.name.len())
        });
        names.next().map(|it| &address.name[..it])
    }

    fn remove(&self, documents: &mut [DocumentMut], address: &Address) -> Result<(), Reason> {
        if matches!(address.kind, KindName::Stage) {
            return Err(format!(
                "{address}: an API without its stage answers nobody; take the API out of the stack, or `--revert {address}`"
            ));
        }
        self.table(documents, address, "")?;
        for document in documents {
            if address.kind == KindName::Subscription {
                let Some(queue) = self.queue_of(address) else {
                    continue;
                };
                let topic = &address.name[queue.len() + 1..];
                if let Some(table) = document
                    .get_mut(KindName::Queue.table())
                    .and_then(|it| it.as_table_like_mut())
                    .and_then(|it| it.get_mut(queue))
                    .and_then(Item::as_table_like_mut)
                {
                    remove_subscription(table, topic);
                }
            } else if let Some(tables) = document
                .get_mut(address.kind.table())
                .and_then(Item::as_table_like_mut)
            {
                tables.remove(&address.name);
            }
        }
        Ok(())
    }

    fn added(&self, documents: &mut [DocumentMut], address: &Address) -> Result<(), Reason> {
        let have = self.reading.live.have.get(address);
        let want = self.desired.wants.get(address);
        let is_new = |it: &&Extra| want.is_none_or(|want| !want.declares(it) && !want.knows(it));
        for extra in have.iter().flat_map(|it| &it.extras).filter(is_new) {
            if let Some(reason) = self.reason {
                let file = self.written.file(address, "").unwrap_or_default();
                if let Some(document) = documents.get_mut(file) {
                    know(document, address, extra, (reason, self.until))?;
                }
                continue;
            }
            match &extra.what {
                Stranger::Managed(arn) => {
                    let table = self.table(documents, address, "attach")?;
                    add_to_list(table, "attach", arn);
                }
                Stranger::Boundary { arn, .. } => {
                    set(
                        self.table(documents, address, "boundary")?,
                        "boundary",
                        edited(arn),
                    );
                }
                Stranger::Inline(_)
                | Stranger::Holder { .. }
                | Stranger::Statement
                | Stranger::Subscription { .. }
                | Stranger::Stage { .. }
                | Stranger::MethodSettings { .. }
                | Stranger::Canary { .. }
                | Stranger::Part { .. }
                | Stranger::Messages => {
                    return Err(without_reason(address, extra));
                }
            }
        }
        Ok(())
    }

    fn field(
        &self,
        documents: &mut [DocumentMut],
        address: &Address,
        field: &str,
    ) -> Result<(), Reason> {
        if matches!(field, "mark" | "superseded deployments") {
            return Ok(());
        }
        let no = || {
            format!(
                "{address}: `{field}` as AWS has it cannot be said in a stack; put it back with `--revert {address}`"
            )
        };
        let Some(have) = self.reading.live.have.get(address) else {
            return Err(no());
        };
        let policies = [
            "policy",
            "trust",
            "inline policies",
            crate::kinds::role::MANAGED,
            "deployment",
        ];
        if policies.contains(&field) {
            let is_written = self.table(documents, address, field).is_ok();
            return Err(by_the_author(address, field, is_written));
        }
        let spelt = match field {
            "managed policies" => "attach",
            "message_group_deduplication" => "message_group_throughput",
            other => other,
        };
        let table = self.table(documents, address, spelt)?;
        if field == "tags" {
            let wanted = self.desired.wants.get(address).map(|it| it.resource.tags());
            tags(table, have.resource.tags(), wanted, |key| {
                have.mark.as_ref().is_some_and(|it| it.owns(key))
            });
            return Ok(());
        }
        let value = match &have.resource {
            Resource::Topic(it) => topic(it, field),
            Resource::Queue(it) => self.queue(it, field),
            Resource::Subscription(it) => self.subscription(it, field),
            Resource::Role(it) => role(it, field),
            Resource::RestApi(it) => {
                if field == "routes" {
                    return routes(
                        table,
                        it,
                        self.desired.wants.get(address).map(|it| &it.resource),
                    )
                    .map_err(|route| {
                        format!("{address}: {route}; put it back with `--revert {address}`")
                    });
                }
                api(it, field)
            }
            Resource::Stage(it) => stage(it, field),
            Resource::Key(_) => Err(Unsaid),
        };
        match value.map_err(|Unsaid| no())? {
            Some(value) => set(table, spelt, value),
            None => drop(table.remove(spelt)),
        }
        Ok(())
    }

    /// A queue as a stack speaks of it.
    fn queue_name(&self, arn: &Arn) -> String {
        let found = self
            .desired
            .wants
            .iter()
            .find(|(_, want)| matches!(&want.resource, Resource::Queue(it) if it.arn == *arn));
        found.map_or_else(|| arn.to_string(), |(address, _)| address.name.clone())
    }

    fn queue(&self, it: &Queue, field: &str) -> Result<Option<Value>, Unsaid> {
        let span = |count: u32| Some(seconds(count).into());
        Ok(match field {
            "content_based_deduplication" => Some(it.content_based_deduplication.into()),
            // The stack says both as one.
            "message_group_deduplication" | "message_group_throughput"
                if it.message_group_deduplication == it.message_group_throughput =>
            {
                Some(it.message_group_throughput.into())
            }
            "delay" => span(it.delay),
            "max_message_size" => Some(i64::from(it.max_message_size).into()),
            "retention" => span(it.retention),
            "receive_wait" => span(it.receive_wait),
            "visibility_timeout" => span(it.visibility_timeout),
            "encryption" => Some(match &it.encryption {
                Encryption::Sqs => "sqs".into(),
                Encryption::Off => "off".into(),
                Encryption::Kms { key, reuse } => {
                    inline([("kms", edited(key)), ("reuse", seconds(*reuse).into())])
                }
            }),
            "dead_letter" => it.dead_letter.as_ref().map(|(arn, count)| {
                inline([
                    ("queue", edited(&self.queue_name(arn))),
                    ("max_receives", i64::from(*count).into()),
                ])
            }),
            "redrive_allow" => match &it.redrive_allow {
                RedriveAllow::All => None,
                RedriveAllow::Deny => Some("none".into()),
                RedriveAllow::Queues(arns) => Some(
                    arns.iter()
                        .map(|it| edited(&self.queue_name(it)))
                        .collect::<Array>()
                        .into(),
                ),
            },
            _ => return Err(Unsaid),
        })
    }

    fn subscription(&self, it: &Subscription, field: &str) -> Result<Option<Value>, Unsaid> {
        Ok(match field {
            "raw" => Some(it.raw.into()),
            "filter" => match &it.filter {
                Some(filter) => Some(value_of(filter).ok_or(Unsaid)?),
                None => None,
            },
            "filter_on_body" => it.filter_on_body.then(|| true.into()),
            "dead_letter" => it
                .dead_letter
                .as_ref()
                .map(|it| edited(&self.queue_name(it))),
            _ => return Err(Unsaid),
        })
    }
}

fn text(it: &str) -> Option<Value> {
    (!it.is_empty()).then(|| edited(it))
}

fn topic(it: &Topic, field: &str) -> Result<Option<Value>, Unsaid> {
    Ok(match field {
        "content_based_deduplication" => Some(it.content_based_deduplication.into()),
        "message_group_throughput" => Some(it.message_group_throughput.into()),
        "display_name" => text(&it.display_name),
        "kms_key" => text(&it.kms_key),
        "delivery_policy" => match &it.delivery_policy {
            Some(policy) => Some(value_of(policy).ok_or(Unsaid)?),
            None => None,
        },
        "signature_version" => Some(i64::from(it.signature_version).into()),
        "tracing" => Some(it.tracing.into()),
        _ => {
            let mut optional = OPTIONAL_OF_TOPICS.iter();
            let (_, attribute) = optional.find(|it| it.0 == field).ok_or(Unsaid)?;
            match it.optional.get(*attribute) {
                Some(value) => match serde_json::from_str(value) {
                    Ok(json) => Some(value_of(&json).ok_or(Unsaid)?),
                    Err(_) => text(value),
                },
                None => None,
            }
        }
    })
}

fn role(it: &Role, field: &str) -> Result<Option<Value>, Unsaid> {
    Ok(match field {
        "description" => text(&it.description),
        "max_session" => Some(seconds(it.max_session).into()),
        "managed policies" => {
            let list: Array = it.attached.iter().map(|it| edited(it)).collect();
            (!list.is_empty()).then(|| list.into())
        }
        "boundary" => it.boundary.as_deref().and_then(text),
        _ => return Err(Unsaid),
    })
}

fn api(it: &RestApi, field: &str) -> Result<Option<Value>, Unsaid> {
    let list = |items: &std::collections::BTreeSet<String>| {
        let list: Array = items.iter().map(|it| edited(it)).collect();
        (!list.is_empty()).then(|| list.into())
    };
    Ok(match field {
        "name" => text(&it.name),
        "description" => text(&it.description),
        "endpoint" => Some(it.endpoint.as_str().to_lowercase().into()),
        "vpc_endpoints" => list(&it.vpc_endpoints),
        "binary_media_types" => list(&it.binary_media_types),
        "minimum_compression" => it.minimum_compression.map(|it| i64::from(it).into()),
        "disable_execute_api" => Some(it.disable_execute_api.into()),
        _ => return Err(Unsaid),
    })
}

fn stage(it: &Stage, field: &str) -> Result<Option<Value>, Unsaid> {
    Ok(match field {
        "description" => text(&it.description),
        "variables" => {
            let table: InlineTable = it
                .variables
                .iter()
                .map(|(key, value)| (toml::edited_key(key), edited(value)))
                .collect();
            (!table.is_empty()).then(|| table.into())
        }
        "tracing" => Some(it.tracing.into()),
        "rate" => it.rate.map(Value::from),
        "burst" => it.burst.map(|it| i64::from(it).into()),
        "log_level" => Some(match it.log_level {
            LogLevel::Off => "off".into(),
            LogLevel::Error => "error".into(),
            LogLevel::Info => "info".into(),
        }),
        "data_trace" => Some(it.data_trace.into()),
        "metrics" => Some(it.metrics.into()),
        "access_log" => it.access_log.as_ref().map(|it| {
            inline([
                ("destination", edited(&it.destination)),
                ("format", edited(&it.format)),
            ])
        }),
        _ => return Err(Unsaid),
    })
}

/// Routes that are gone, and those that ask for no signature any more. The rest a stack says otherwise.
fn routes(
    table: &mut dyn TableLike,
    live: &RestApi,
    want: Option<&Resource>,
) -> Result<(), String> {
    let Some(Resource::RestApi(want)) = want else {
        return Ok(());
    };
    let Some(written) = table.get_mut("routes").and_then(Item::as_table_like_mut) else {
        return Err("its routes come from a document; change that".to_owned());
    };
    for key in live.methods.keys() {
        if !want.methods.contains_key(key) {
            return Err(format!(
                "the route {key} cannot be accepted: write what it is for under `routes`"
            ));
        }
    }
    for (key, wanted) in &want.methods {
        let name = key.to_string();
        match live.methods.get(key) {
            None => drop(written.remove(&name)),
            Some(found) if found == wanted => {}
            Some(found) => {
                let mut same = found.clone();
                same.authorization.clone_from(&wanted.authorization);
                let route = written.get_mut(&name).and_then(Item::as_table_like_mut);
                let Some(route) = route.filter(|_| same == *wanted) else {
                    return Err(format!(
                        "the route {key} does something else, which is not read back into a stack"
                    ));
                };
                if found.authorization == method::NONE {
                    set(route, "public", true.into());
                } else {
                    route.remove("public");
                }
            }
        }
    }
    Ok(())
}

/// Sets a value where it is written, its comment kept, or adds it.
fn set(table: &mut dyn TableLike, key: &str, mut value: Value) {
    if let Some(Item::Value(old)) = table.get_mut(key) {
        *value.decor_mut() = old.decor().clone();
        *old = value;
        return;
    }
    let key = toml::edited_key(key);
    table.entry_format(&key).or_insert(Item::Value(value));
}

fn inline<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    InlineTable::from_iter(pairs).into()
}

fn add_to_list(table: &mut dyn TableLike, key: &str, item: &str) {
    let mut list = match table.get(key).and_then(Item::as_value) {
        Some(Value::Array(list)) => list.clone(),
        Some(Value::String(one)) => Array::from_iter([one.value().as_str()]),
        _ => Array::new(),
    };
    if !list.iter().any(|it| it.as_str() == Some(item)) {
        list.push(edited(item));
    }
    set(table, key, list.into());
}

/// Tags of the resource itself that differ; those that the whole stack gives stay the stack's.
fn tags(
    table: &mut dyn TableLike,
    live: &Tags,
    wanted: Option<&Tags>,
    was_ours: impl Fn(&str) -> bool,
) {
    let differs = |key: &String, value: &String| wanted.is_none_or(|it| it.get(key) != Some(value));
    if table.get("tags").is_none() {
        table.insert("tags", Item::Value(InlineTable::new().into()));
    }
    let Some(written) = table.get_mut("tags").and_then(Item::as_table_like_mut) else {
        return;
    };
    let ours = |key: &String| wanted.is_some_and(|it| it.contains_key(key)) || was_ours(key);
    for (key, value) in live
        .iter()
        .filter(|(key, value)| ours(key) && differs(key, value))
    {
        set(written, key, edited(value));
    }
    let gone = wanted
        .into_iter()
        .flat_map(Tags::keys)
        .filter(|it| !live.contains_key(*it));
    for key in gone {
        written.remove(key);
    }
    if written.is_empty() {
        table.remove("tags");
    }
}

/// The table of a stage's settings; one that is only a name becomes a table.
fn stage_table<'d>(
    api: &'d mut dyn TableLike,
    address: &Address,
) -> Result<&'d mut dyn TableLike, Reason> {
    let name = address
        .name
        .rsplit_once('.')
        .map_or("", |it| it.1)
        .to_owned();
    if api.get("stage").is_none_or(Item::is_str) {
        set(api, "stage", inline([("name", edited(&name))]));
    }
    api.get_mut("stage")
        .and_then(Item::as_table_like_mut)
        .ok_or_else(|| format!("{address}: the stage's settings are not a table"))
}

fn is_for(text: &str, topic: &str) -> bool {
    text == topic || text.rsplit([':', '.']).next() == Some(topic)
}

/// The table of a queue's subscription to a topic; one that is only a name becomes a table.
fn subscription_table<'d>(
    queue: &'d mut dyn TableLike,
    topic: &str,
) -> Option<&'d mut dyn TableLike> {
    let names = |it: &dyn TableLike| {
        it.get("topic")
            .and_then(Item::as_str)
            .is_some_and(|it| is_for(it, topic))
    };
    let tabled = |text: &str| inline([("topic", edited(text))]);
    let item = queue.get_mut("subscribe")?;
    if let Some(text) = item.as_str().map(str::to_owned) {
        *item = Item::Value(tabled(&text));
    }
    match item {
        Item::ArrayOfTables(list) => {
            let found = list.iter_mut().find(|it: &&mut Table| names(*it));
            found.map(|it| it as &mut dyn TableLike)
        }
        Item::Value(Value::Array(list)) => {
            for value in list.iter_mut() {
                if let Some(text) = value
                    .as_str()
                    .filter(|it| is_for(it, topic))
                    .map(str::to_owned)
                {
                    *value = tabled(&text);
                }
            }
            let tables = list.iter_mut().filter_map(Value::as_inline_table_mut);
            let mut found = tables.filter(|it| names(*it));
            found.next().map(|it| it as &mut dyn TableLike)
        }
        other => other.as_table_like_mut(),
    }
}

fn remove_subscription(queue: &mut dyn TableLike, topic: &str) {
    let names = |it: &dyn TableLike| {
        it.get("topic")
            .and_then(Item::as_str)
            .is_some_and(|it| is_for(it, topic))
    };
    let left = match queue.get_mut("subscribe") {
        Some(Item::ArrayOfTables(list)) => {
            list.retain(|it| !names(it));
            list.len()
        }
        Some(Item::Value(Value::Array(list))) => {
            list.retain(|it| match it {
                Value::String(text) => !is_for(text.value(), topic),
                Value::InlineTable(table) => !names(table),
                _ => true,
            });
            list.len()
        }
        _ => 0,
    };
    if left == 0 {
        queue.remove("subscribe");
    }
}

/// JSON as TOML; TOML has no null.
fn value_of(json: &serde_json::Value) -> Option<Value> {
    toml::json(json)?.parse().ok()
}
