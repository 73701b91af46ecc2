//! Topics and queues, with what the queues receive from.

use super::Scene;
use super::text::{Section, inline, key, list, of_json, quoted};
use crate::kinds::queue::{DEFAULT_KEY_REUSE, DEFAULT_MAX_MESSAGE_SIZE, RedriveAllow};
use crate::kinds::survey::census::Found;
use crate::kinds::{Key, Queue, Resource, Subscription, Topic};
use crate::model::change::seconds;
use crate::model::{Address, Arn, KindName, KmsKey};
use crate::policy::own;
use crate::stack::{Encryption, OPTIONAL_OF_TOPICS};

/// What SQS takes when nothing is said, in seconds.
const VISIBILITY: u32 = 30;
const RETENTION: u32 = 345_600;

/// The name in AWS, unless it is the one that follows from the table's.
fn name_field(section: &mut Section, arn: &Arn, name: &str, fifo: bool) {
    let usual = if fifo {
        format!("{name}.fifo")
    } else {
        name.to_owned()
    };
    if arn.name() != usual {
        section.text("name", arn.name());
    }
}

fn bytes(count: u32) -> String {
    match count {
        it if it % 1_048_576 == 0 => quoted(&format!("{}MiB", it / 1_048_576)),
        it if it % 1024 == 0 => quoted(&format!("{}KiB", it / 1024)),
        it => it.to_string(),
    }
}

impl<'a> Scene<'a> {
    /// A key's table, and what others put into its policy as known.
    pub(super) fn key(&mut self, found: &'a Found, it: &Key) -> Vec<Section> {
        let name = self.name_of(it.arn.as_str()).unwrap_or_default().to_owned();
        self.know(found, &Address::new(KindName::Key, &name));
        let mut section = Section::new(format!("[keys.{}]", key(&name)));
        section.text("existing", it.arn.as_str());
        vec![section]
    }

    /// The key that a topic or queue names: by its table, where it has one.
    fn key_of(&self, text: &str, owner: &Arn) -> String {
        let key = KmsKey::of(text, owner);
        let name = key.and_then(|it| Some(format!("keys.{}", self.name_of(it.arn().as_str())?)));
        name.unwrap_or_else(|| text.to_owned())
    }

    /// A topic's table; with its address, when it has to be taken over.
    pub(super) fn topic(
        &mut self,
        found: &'a Found,
        topic: &'a Topic,
    ) -> (Option<Address>, Vec<Section>) {
        let name = self
            .name_of(topic.arn.as_str())
            .unwrap_or_default()
            .to_owned();
        let address = Address::new(KindName::Topic, &name);
        let ours = self.is_ours(found);
        let mut section = Section::new(format!("[topics.{}]", key(&name)));
        section.text("account", &found.place.account);
        if self.is_lent(found, &address) {
            section.text("existing", topic.arn.as_str());
            section.flag("tls_only", self.is_tls_only(found));
            return (None, vec![section]);
        }
        name_field(&mut section, &topic.arn, &name, topic.fifo);
        section.flag("fifo", topic.fifo);
        section.flag(
            "content_based_deduplication",
            topic.content_based_deduplication,
        );
        section.flag("message_group_throughput", topic.message_group_throughput);
        section.some_text("display_name", &topic.display_name);
        section.some_text("kms_key", &self.key_of(&topic.kms_key, &topic.arn));
        if let Some(policy) = topic.delivery_policy.as_ref().and_then(of_json) {
            section.raw("delivery_policy", policy);
        }
        if topic.signature_version != 1 {
            section.raw("signature_version", topic.signature_version.to_string());
        }
        section.flag("tracing", topic.tracing);
        for (field, attribute) in OPTIONAL_OF_TOPICS {
            let Some(value) = topic.optional.get(attribute) else {
                continue;
            };
            let json = serde_json::from_str(value).ok();
            match json.as_ref().and_then(of_json) {
                Some(value) => section.raw(field, value),
                None => section.text(field, value),
            }
        }
        let owner = own::sid(self.stack, Topic::OWNER);
        let mut statements = topic.policy.statements.iter();
        if !statements.any(|it| it.sid.as_deref() == Some(&*owner)) {
            section.raw("owner_statement", "false");
        }
        section.flag("tls_only", self.is_tls_only(found));
        if let Some(tags) = self.own_tags(found) {
            section.raw("tags", tags);
        }
        for it in &found.have.foreign {
            let sid = it.sid.as_deref().unwrap_or("without Sid");
            section.comments.push(format!(
                "Statement `{sid}` of its policy is not this stack's, and kept as it is."
            ));
        }
        for (protocol, endpoint, _) in self.census.others.iter().filter(|it| it.2 == topic.arn) {
            self.left_out.insert(super::LeftOut {
                what: address.to_string(),
                why: format!("its subscription of {protocol} {endpoint} is not of a queue in the file, and stays"),
            });
        }
        ((!ours).then_some(address), vec![section])
    }

    /// A queue's table; with its address, when it has to be taken over.
    pub(super) fn queue(
        &mut self,
        found: &'a Found,
        queue: &'a Queue,
    ) -> (Option<Address>, Vec<Section>) {
        let name = self
            .name_of(queue.arn.as_str())
            .unwrap_or_default()
            .to_owned();
        let address = Address::new(KindName::Queue, &name);
        let ours = self.is_ours(found);
        let mut section = Section::new(format!("[queues.{}]", key(&name)));
        section.text("account", &found.place.account);
        let lent = self.is_lent(found, &address);
        section.flag("tls_only", self.is_tls_only(found));
        if lent {
            section.text("existing", queue.arn.as_str());
        } else {
            name_field(&mut section, &queue.arn, &name, queue.fifo);
            self.queue_settings(queue, &mut section);
            if let Some(tags) = self.own_tags(found) {
                section.raw("tags", tags);
            }
        }
        let own = self.census.subscriptions.iter();
        let own = own.filter_map(|(_, have)| match &have.resource {
            Resource::Subscription(it) if it.queue == queue.arn => Some((it, &have.id)),
            _ => None,
        });
        let mut subscriptions = Vec::new();
        for (it, arn) in own {
            subscriptions.push(self.subscription(it));
            if let Some(why) = self.census.unread_subscriptions.get(arn) {
                let topic = self.name_of(it.topic.as_str());
                let topic = topic.unwrap_or(it.topic.as_str());
                self.leave_out(
                    &format!("subscriptions.{name}.{topic}"),
                    format!(
                        "its settings could not be read: {why}; it is written without `raw`, `filter` and \
                         `dead_letter`: add those it has before an apply, and let the account that owns it, or the \
                         topic's, read it (`aws sns get-subscription-attributes --subscription-arn {arn}`)"
                    ),
                );
            }
        }
        if ours || !lent || found.existing {
            section.one_or_many("subscribe", &subscriptions);
        } else if !subscriptions.is_empty() {
            let mut suggested = Section::new(format!("[queues.{}]", key(&name)));
            suggested.one_or_many("subscribe", &subscriptions);
            self.suggested.push(suggested);
        }
        for it in &found.have.foreign {
            let sid = it.sid.as_deref().unwrap_or("without Sid");
            section.comments.push(format!(
                "Statement `{sid}` of its policy is not this stack's, and kept as it is."
            ));
        }
        ((!ours && !lent).then_some(address), vec![section])
    }

    fn queue_settings(&self, queue: &Queue, section: &mut Section) {
        section.flag("fifo", queue.fifo);
        section.flag(
            "content_based_deduplication",
            queue.content_based_deduplication,
        );
        section.flag("message_group_throughput", queue.message_group_throughput);
        let mut duration = |name: &str, value: u32, usual: u32| {
            if value != usual {
                section.text(name, &seconds(value));
            }
        };
        duration("visibility_timeout", queue.visibility_timeout, VISIBILITY);
        duration("retention", queue.retention, RETENTION);
        duration("delay", queue.delay, 0);
        duration("receive_wait", queue.receive_wait, 0);
        if queue.max_message_size != DEFAULT_MAX_MESSAGE_SIZE {
            section.raw("max_message_size", bytes(queue.max_message_size));
        }
        match &queue.encryption {
            Encryption::Sqs => {}
            Encryption::Off => section.text("encryption", "off"),
            Encryption::Kms { key, reuse } => {
                let key = self.key_of(key, &queue.arn);
                let mut fields = vec![("kms".to_owned(), quoted(&key))];
                if *reuse != DEFAULT_KEY_REUSE {
                    fields.push(("reuse".to_owned(), quoted(&seconds(*reuse))));
                }
                section.raw("encryption", inline(&fields));
            }
        }
        if let Some((arn, receives)) = &queue.dead_letter {
            section.raw(
                "dead_letter",
                inline(&[
                    ("queue".to_owned(), self.named(arn)),
                    ("max_receives".to_owned(), receives.to_string()),
                ]),
            );
        }
        match &queue.redrive_allow {
            RedriveAllow::All => {}
            RedriveAllow::Deny => section.text("redrive_allow", "none"),
            RedriveAllow::Queues(arns) => {
                let names: Vec<String> = arns.iter().map(|it| self.named(it)).collect();
                section.raw("redrive_allow", list(&names));
            }
        }
    }

    /// A topic or queue by its name in the stack, or its ARN.
    fn named(&self, arn: &Arn) -> String {
        quoted(self.name_of(arn.as_str()).unwrap_or(arn.as_str()))
    }

    fn subscription(&self, it: &Subscription) -> String {
        let topic = self.named(&it.topic);
        let mut fields = vec![("topic".to_owned(), topic.clone())];
        if it.raw {
            fields.push(("raw".to_owned(), "true".to_owned()));
        }
        if let Some(filter) = it.filter.as_ref().and_then(of_json) {
            fields.push(("filter".to_owned(), filter));
        }
        if it.filter_on_body {
            fields.push(("filter_on_body".to_owned(), "true".to_owned()));
        }
        if let Some(arn) = &it.dead_letter {
            fields.push(("dead_letter".to_owned(), self.named(arn)));
        }
        if fields.len() == 1 {
            topic
        } else {
            inline(&fields)
        }
    }
}
