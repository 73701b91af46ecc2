//! Topics, queues and subscriptions, with the policies between them.

use std::collections::{BTreeMap, BTreeSet};

use super::keys;
use super::names::sns_principal;
use super::trust::{Who, statements_for};
use super::{Draft, role_address};
use crate::kinds::queue::RedriveAllow;
use crate::kinds::{Queue, Resource, Subscription, Topic};
use crate::model::{Address, Arn, KindName};
use crate::policy::{Clause, Document, PrincipalClause, Statement};
use crate::stack::{self, QueueRef, RoleRef, Subscribing, TopicRef};

/// What a topic's policy may allow or refuse: all that SNS's first policy names, for SNS takes no `sns:*`. The
/// owner's account may do all of it with its own topic, when its identity policies say so too.
///
/// SNS's first policy lets everyone in the account do all this without any
/// identity policy; ours delegates to the account and no further.
pub(super) const OWNER_ACTIONS: [&str; 8] = [
    "sns:AddPermission",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:Publish",
    "sns:RemovePermission",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
];

/// Wants the topics, queues and subscriptions.
pub(super) fn compile(draft: &mut Draft<'_>) {
    let links = links(draft);
    compile_topics(draft, &links);
    compile_queues(draft, &links);
    compile_subscriptions(draft, &links);
}

/// A subscription, with its ends as ARNs.
struct Link<'a> {
    queue_name: &'a str,
    queue: &'a stack::Queue,
    subscribe: &'a stack::Subscribe,
    topic: Arn,
    topic_name: String,
    dead_letter: Option<Arn>,
}

fn links<'a>(draft: &Draft<'a>) -> Vec<Link<'a>> {
    let mut found = Vec::new();
    for (queue_name, queue) in &draft.stack.queues {
        for subscribe in &queue.subscribe {
            let (topic, topic_name) = match &subscribe.topic {
                TopicRef::Stack(name) => (draft.stack.topics[name].arn.clone(), name.clone()),
                TopicRef::Arn(arn) | TopicRef::Contract { arn, .. } => {
                    (arn.clone(), arn.name().to_owned())
                }
            };
            found.push(Link {
                queue_name,
                queue,
                subscribe,
                topic,
                topic_name,
                dead_letter: subscribe.dead_letter.as_ref().map(|it| draft.queue_arn(it)),
            });
        }
    }
    found
}

/// Lets one account subscribe its queues, and nothing else, to a topic.
fn may_subscribe(sid: String, topic: &Arn, account: &str, queues: &BTreeSet<String>) -> Statement {
    Statement::allow(sid, Clause::of(["sns:Subscribe"]))
        .to(PrincipalClause::aws([format!(
            "arn:{}:iam::{account}:root",
            topic.partition()
        )]))
        .on([topic.as_str()])
        .when("StringEquals", "sns:Protocol", ["sqs"])
        .when("StringEquals", "sns:Endpoint", queues.iter().cloned())
}

/// Lets one account subscribe whichever of its queues it likes.
fn any_may_subscribe(sid: String, topic: &Arn, account: &str) -> Statement {
    let partition = topic.partition();
    Statement::allow(sid, Clause::of(["sns:Subscribe"]))
        .to(PrincipalClause::aws([format!(
            "arn:{partition}:iam::{account}:root"
        )]))
        .on([topic.as_str()])
        .when("StringEquals", "sns:Protocol", ["sqs"])
        .when(
            "StringLike",
            "sns:Endpoint",
            [format!("arn:{partition}:sqs:*:{account}:*")],
        )
}

fn compile_topics(draft: &mut Draft<'_>, links: &[Link<'_>]) {
    let stack = draft.stack;
    for (name, topic) in &stack.topics {
        let mut statements = Vec::new();
        if !topic.existing && topic.owner_statement {
            let root = format!(
                "arn:{}:iam::{}:root",
                topic.arn.partition(),
                topic.arn.account()
            );
            statements.push(
                Statement::allow(draft.sid(Topic::OWNER), Clause::of(OWNER_ACTIONS))
                    .to(PrincipalClause::aws([root]))
                    .on([topic.arn.as_str()]),
            );
        }
        let publishers: BTreeSet<Who> = draft
            .publishers
            .get(name)
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let base = Statement::allow("", Clause::of(["sns:Publish"])).on([topic.arn.as_str()]);
        statements_for(
            &publishers,
            &base,
            |it| draft.sid(&format!("publish {it}")),
            &mut statements,
        );
        let mut by_account: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for link in links.iter().filter(|it| it.topic == topic.arn) {
            let queues = by_account
                .entry(link.queue.arn.account().to_owned())
                .or_default();
            queues.insert(link.queue.arn.to_string());
        }
        for it in stack.subscribers.iter().filter(|it| it.topic == *name) {
            match &it.who {
                Subscribing::Queue(arn) => {
                    let queues = by_account.entry(arn.account().to_owned()).or_default();
                    queues.insert(arn.to_string());
                }
                Subscribing::Account(id) => {
                    let sid = draft.sid(&format!("subscribe any of {id}"));
                    statements.push(any_may_subscribe(sid, &topic.arn, id.as_str()));
                }
            }
        }
        for (account, queues) in &by_account {
            let sid = draft.sid(&format!("subscribe {account}"));
            statements.push(may_subscribe(sid, &topic.arn, account, queues));
        }
        let address = Address::new(KindName::Topic, name);
        statements.extend(draft.written(&address, topic.arn.as_str(), topic.tls_only));
        let Some(place) = draft.topic_place(topic) else {
            // Somebody else's topic in somebody else's account: its owner has to let us in.
            if !statements.is_empty() {
                draft
                    .topic_policies
                    .entry(topic.arn.clone())
                    .or_default()
                    .extend(statements);
            }
            continue;
        };
        let role_arn = |it: &RoleRef| match it {
            RoleRef::Stack(name) => stack.roles[name].arn.to_string(),
            RoleRef::Arn(arn) => arn.to_string(),
        };
        let roles = topic.feedback_roles.iter();
        let named: Vec<_> = roles
            .clone()
            .map(|(name, it)| (*name, role_arn(it)))
            .collect();
        let plain = topic.optional.iter().map(|(name, it)| (*name, it.clone()));
        let optional = plain
            .chain(named)
            .map(|(name, it)| (name.to_owned(), it))
            .collect();
        let needs = roles.filter_map(|(_, it)| match it {
            RoleRef::Stack(name) => Some(role_address(name)),
            RoleRef::Arn(_) => None,
        });
        let needs: BTreeSet<Address> = needs.collect();
        let resource = Topic {
            arn: topic.arn.clone(),
            fifo: topic.fifo,
            content_based_deduplication: topic.content_based_deduplication,
            message_group_throughput: topic.message_group_throughput,
            display_name: topic.display_name.clone(),
            kms_key: topic.kms_key.clone().unwrap_or_default(),
            delivery_policy: topic.delivery_policy.clone(),
            signature_version: topic.signature_version,
            tracing: topic.tracing,
            optional,
            policy: Document::of(statements),
            tags: topic.tags.clone(),
        };
        let want = draft.want(
            Address::new(KindName::Topic, name),
            place,
            Resource::Topic(resource),
        );
        want.owned = !topic.existing;
        want.needs = needs;
        want.exclusive = topic.exclusive;
    }
    hand_over_foreign_topics(draft, links);
}

/// Topics named by ARN only: their owners have to let our queues subscribe.
fn hand_over_foreign_topics(draft: &mut Draft<'_>, links: &[Link<'_>]) {
    for link in links
        .iter()
        .filter(|it| matches!(it.subscribe.topic, TopicRef::Arn(_)))
    {
        let sid = draft.sid(&format!(
            "subscribe {} {}",
            link.queue.arn.account(),
            link.queue_name
        ));
        let queues = BTreeSet::from([link.queue.arn.to_string()]);
        let statement = may_subscribe(sid, &link.topic, link.queue.arn.account(), &queues);
        draft
            .topic_policies
            .entry(link.topic.clone())
            .or_default()
            .push(statement);
    }
}

/// Lets topics, and nothing else, deliver to a queue.
fn may_deliver(draft: &Draft<'_>, queue: &Arn, links: &[Link<'_>]) -> Vec<Statement> {
    let mut by_principal: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for link in links {
        let delivers = link.queue.arn == *queue || link.dead_letter.as_ref() == Some(queue);
        if delivers {
            let principal = sns_principal(link.topic.region(), queue.region());
            by_principal
                .entry(principal)
                .or_default()
                .insert(link.topic.to_string());
        }
    }
    by_principal
        .into_iter()
        .map(|(principal, topics)| {
            let region = principal
                .strip_prefix("sns.")
                .and_then(|it| it.strip_suffix(".amazonaws.com"));
            Statement::allow(
                draft.sid(&format!("deliver {}", region.unwrap_or_default())),
                Clause::of(["sqs:SendMessage"]),
            )
            .to(PrincipalClause::service([principal]))
            .on([queue.as_str()])
            .when("ArnEquals", "aws:SourceArn", topics)
        })
        .collect()
}

fn compile_queues(draft: &mut Draft<'_>, links: &[Link<'_>]) {
    let stack = draft.stack;
    for (name, queue) in &stack.queues {
        let mut statements = may_deliver(draft, &queue.arn, links);
        let address = Address::new(KindName::Queue, name);
        keys::note_queue(draft, &address, &queue.arn, &statements);
        for (it, who) in draft.queue_users.get(name).into_iter().flatten() {
            let actions = it.actions().iter().copied();
            let base = Statement::allow("", Clause::of(actions)).on([queue.arn.as_str()]);
            let sid = |suffix: &str| draft.sid(&format!("{} {suffix}", it.as_str()));
            statements_for(who, &base, sid, &mut statements);
        }
        statements.extend(draft.written(&address, queue.arn.as_str(), queue.tls_only));
        let redrive_allow = match &queue.redrive_allow {
            stack::RedriveAllow::All => RedriveAllow::All,
            stack::RedriveAllow::Deny => RedriveAllow::Deny,
            stack::RedriveAllow::Queues(queues) => {
                RedriveAllow::Queues(queues.iter().map(|it| draft.queue_arn(it)).collect())
            }
        };
        let resource = Queue {
            arn: queue.arn.clone(),
            fifo: queue.fifo,
            content_based_deduplication: queue.content_based_deduplication,
            message_group_deduplication: queue.message_group_throughput,
            message_group_throughput: queue.message_group_throughput,
            delay: queue.delay,
            max_message_size: queue.max_message_size,
            retention: queue.retention,
            receive_wait: queue.receive_wait,
            visibility_timeout: queue.visibility_timeout,
            encryption: queue.encryption.clone(),
            dead_letter: queue
                .dead_letter
                .as_ref()
                .map(|(it, count)| (draft.queue_arn(it), *count)),
            redrive_allow,
            policy: Document::of(statements),
            tags: queue.tags.clone(),
        };
        let place = draft.place(&queue.account);
        let needs = queue.dead_letter.iter().filter_map(|(it, _)| match it {
            QueueRef::Stack(name) => Some(Address::new(KindName::Queue, name)),
            QueueRef::Arn(_) => None,
        });
        let needs = needs.collect();
        let want = draft.want(address, place, Resource::Queue(resource));
        want.owned = !queue.existing;
        want.exclusive = queue.exclusive;
        want.needs = needs;
    }
}

fn compile_subscriptions(draft: &mut Draft<'_>, links: &[Link<'_>]) {
    for link in links {
        let mut place = draft.place(&link.queue.account);
        // SNS answers for a topic in the topic's region only; the account stays the queue's.
        if let Some(region) = crate::model::Region::parse(link.topic.region()) {
            place.region = region;
        }
        let resource = Subscription {
            topic: link.topic.clone(),
            queue: link.queue.arn.clone(),
            raw: link.subscribe.raw,
            filter: link.subscribe.filter.clone(),
            filter_on_body: link.subscribe.filter.is_some() && link.subscribe.filter_on_body,
            dead_letter: link.dead_letter.clone(),
        };
        let mut needs = BTreeSet::from([Address::new(KindName::Queue, link.queue_name)]);
        if let TopicRef::Stack(name) = &link.subscribe.topic {
            needs.insert(Address::new(KindName::Topic, name));
        }
        if let Some(QueueRef::Stack(name)) = &link.subscribe.dead_letter {
            needs.insert(Address::new(KindName::Queue, name));
        }
        let address = Address::new(
            KindName::Subscription,
            format!("{}.{}", link.queue_name, link.topic_name),
        );
        let owner = match &link.subscribe.topic {
            TopicRef::Contract { contract, .. } => {
                Some(draft.stack.contracts[contract].stack.clone())
            }
            TopicRef::Stack(_) | TopicRef::Arn(_) => None,
        };
        let want = draft.want(address, place, Resource::Subscription(resource));
        want.needs = needs;
        want.other_half = owner;
        want.because = Some(format!(
            "queue {} subscribes to topic {}",
            link.queue_name, link.topic_name
        ));
    }
}
