//! A sandbox that holds what another cloud answered.
//!
//! Each answer of a call that reads becomes what the sandbox would have to hold to give that answer. What was never
//! asked is not known: principals of accounts whose roles were not read, users, and topics and queues that no call
//! asked for are taken as given, where the sandbox otherwise refuses what is not in it.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use serde_json::json;

use super::apigateway::fresh_api;
use super::state::{Account, Deployment, Part, Policy, Resource, Role, Subscription, Topic, World};
use super::{Habits, Sandbox, Turn};
use crate::cloud::apigateway::{DeploymentRecord, MethodRecord, ResourceRecord, RestApiRecord};
use crate::cloud::iam::{AccountDetail, PolicyDetail, RoleDetail};
use crate::cloud::sns::{Attributes, SubscriptionListing};
use crate::cloud::{Answer, CallError, Fault, Request};
use crate::model::{AccountId, Arn, Place, Tags, lease};

/// A call, where it was sent, and its answer.
pub type Heard = (Place, Request, Result<Answer, CallError>);

/// What SNS works out for a topic, and what is kept beside its attributes here.
const OF_TOPIC: [&str; 6] = [
    "TopicArn",
    "Owner",
    "Policy",
    "SubscriptionsConfirmed",
    "SubscriptionsPending",
    "SubscriptionsDeleted",
];
/// The same for a subscription.
const OF_SUBSCRIPTION: [&str; 8] = [
    "SubscriptionArn",
    "TopicArn",
    "Owner",
    "Protocol",
    "Endpoint",
    "SubscriptionPrincipal",
    "PendingConfirmation",
    "ConfirmationWasAuthenticated",
];
/// The same for a queue.
const OF_QUEUE: [&str; 3] = ["QueueArn", "CreatedTimestamp", "LastModifiedTimestamp"];

/// How long a role's sessions are where nothing was said.
const SESSION: u32 = 3600;

impl Sandbox {
    /// A sandbox in memory that holds what a cloud answered, at that cloud's time in seconds since 1970.
    ///
    /// The leases of stacks are left out: they are held while a run writes, and say nothing of the next run.
    #[must_use]
    pub fn learned(heard: &[Heard], now: i64, habits: Habits) -> Self {
        let mut world = World::learned(now.saturating_mul(1000));
        // What belongs to another thing comes after it: the account's roles before what only a listing says of them, topics
        // before their subscriptions, APIs before what is in them.
        for rank in 0..=2 {
            for (at, request, answer) in heard {
                if rank_of(request) == rank {
                    world.hear(at, request, answer);
                }
            }
        }
        let places: BTreeSet<&Place> = heard.iter().map(|(at, ..)| at).collect();
        for at in places {
            let now = world.now;
            let mut turn = Turn {
                world: &mut world,
                at,
                now,
                habits: &habits,
            };
            turn.regional();
            turn.index_tags();
            turn.tidy();
        }
        Self::of(world, None).with(habits)
    }
}

/// After how many others a call's answer is taken in.
fn rank_of(request: &Request) -> u8 {
    match request {
        Request::GetAccountAuthorizationDetails(_)
        | Request::GetTopicAttributes(_)
        | Request::GetQueueAttributes(_)
        | Request::GetRestApis(_)
        | Request::GetKeyPolicy(_) => 0,
        Request::GetSubscriptionAttributes(_) | Request::GetDeployment(_) => 2,
        _ => 1,
    }
}

fn decoded(document: &str) -> String {
    percent_decode_str(document)
        .decode_utf8_lossy()
        .into_owned()
}

/// The attributes without those that the sandbox computes by itself.
fn without(attributes: &Attributes, computed: &[&str]) -> Attributes {
    let mut kept = attributes.clone();
    kept.retain(|name, _| !computed.contains(&name.as_str()));
    kept
}

fn number_of(version: &str) -> u32 {
    let number = version.strip_prefix('v').and_then(|it| it.parse().ok());
    number.unwrap_or(1)
}

impl World {
    /// Takes in what a cloud answered to one call.
    fn hear(&mut self, at: &Place, request: &Request, answer: &Result<Answer, CallError>) {
        let answer = match answer {
            Ok(it) => it,
            Err(error) if error.fault == Fault::Missing => {
                let absent = self.absent.get_or_insert_default();
                absent.extend(named_by(at, request));
                return;
            }
            Err(_) => return,
        };
        match (request, answer) {
            (_, Answer::GetAccountAuthorizationDetails(page)) => {
                let account = self.accounts.entry(at.id.clone()).or_default();
                account.unread = false;
                page.items.iter().for_each(|it| account.hear(at, it));
            }
            (_, Answer::ListRoles(page)) => {
                let account = self.account_at(&at.id);
                for it in &page.items {
                    if let Some(role) = account.roles.get_mut(&it.name) {
                        role.description.clone_from(&it.description);
                        role.max_session = it.max_session;
                    }
                }
            }
            (_, Answer::GetAccountSummary(quotas)) => {
                self.account_at(&at.id).quotas.clone_from(quotas);
            }
            (Request::GetTopicAttributes(it), Answer::GetTopicAttributes(attributes)) => {
                self.hear_of_topic(&it.arn, attributes);
            }
            (Request::ListTopicTags(it), Answer::ListTopicTags(tags)) => {
                self.put_tags(at, &it.arn, tags);
            }
            (Request::GetSubscriptionAttributes(it), Answer::GetSubscriptionAttributes(all)) => {
                self.hear_of_subscription(&it.arn, all);
            }
            (_, Answer::ListSubscriptions(page) | Answer::ListSubscriptionsByTopic(page)) => {
                page.items.iter().for_each(|it| self.hear_listed(it));
            }
            (Request::GetQueueAttributes(it), Answer::GetQueueAttributes(attributes)) => {
                self.hear_of_queue(at, &it.name, attributes);
            }
            (Request::ListQueueTags(it), Answer::ListQueueTags(tags)) => {
                let arn = Arn::regional(at, "sqs", &it.name);
                self.put_tags(at, arn.as_str(), tags);
            }
            (_, Answer::GetTagged(page)) => {
                for it in &page.items {
                    self.put_tags(at, &it.arn, &it.tags);
                }
            }
            (Request::GetKeyPolicy(it), Answer::GetKeyPolicy(policy)) => {
                self.key_at(at, &it.key).policy.clone_from(policy);
            }
            (Request::DescribeKey(it), Answer::DescribeKey(arn)) => {
                if let Some((_, alias)) = it.key.split_once(":alias/") {
                    let alias = format!("alias/{alias}");
                    self.key_at(at, arn).aliases.insert(alias);
                }
            }
            (_, Answer::GetRestApis(page)) => {
                for it in &page.items {
                    let root = self.fresh_resource(&it.id, "/");
                    let apis = &mut self.regional_at(at).apis;
                    let api = apis.entry(it.id.clone());
                    api.or_insert_with(|| fresh_api(plain(it), root));
                }
            }
            (request, answer) => self.hear_of_api(at, request, answer),
        }
    }

    /// The same of a call for what is in an API.
    fn hear_of_api(&mut self, at: &Place, request: &Request, answer: &Answer) {
        let (id, part) = match request {
            Request::GetApiResources(it) => (&it.id, None),
            Request::GetAuthorizers(it) => (&it.id, Some(Part::Authorizers)),
            Request::GetModels(it) => (&it.id, Some(Part::Models)),
            Request::GetRequestValidators(it) => (&it.id, Some(Part::RequestValidators)),
            Request::GetGatewayResponses(it) => (&it.id, Some(Part::GatewayResponses)),
            Request::GetDocumentationParts(it) => (&it.id, Some(Part::DocumentationParts)),
            Request::GetStages(it) => (&it.id, None),
            Request::GetDeployments(it) => (&it.id, None),
            Request::GetDeployment(it) => (&it.id, None),
            _ => return,
        };
        let Some(api) = self.regional_at(at).apis.get_mut(id) else {
            return;
        };
        match (answer, part) {
            (Answer::GetApiResources(page), _) => {
                api.resources
                    .extend(page.items.iter().map(|it| (it.path.clone(), resource(it))));
            }
            (
                Answer::GetAuthorizers(page)
                | Answer::GetModels(page)
                | Answer::GetRequestValidators(page)
                | Answer::GetGatewayResponses(page)
                | Answer::GetDocumentationParts(page),
                Some(part),
            ) => {
                let names = api.parts.entry(part).or_default();
                names.extend(page.items.iter().cloned());
            }
            (Answer::GetStages(stages), _) => {
                for stage in stages {
                    let canary = stage.canary.iter().map(|it| it.deployment.as_str());
                    for id in canary.chain([stage.deployment.as_str()]) {
                        let served = DeploymentRecord::default();
                        let policy = api.about.policy.clone();
                        let deployments = api.deployments.entry(id.to_owned());
                        deployments.or_insert_with(|| deployment(&served, policy));
                    }
                    api.stages.insert(stage.name.clone(), stage.clone());
                }
            }
            (Answer::GetDeployments(page), _) => {
                for it in &page.items {
                    let policy = api.about.policy.clone();
                    api.deployments
                        .insert(it.id.clone(), deployment(it, policy));
                }
            }
            (Answer::GetDeployment(it), _) => {
                let policy = api.about.policy.clone();
                api.deployments
                    .insert(it.id.clone(), deployment(it, policy));
            }
            _ => {}
        }
    }

    fn hear_of_topic(&mut self, arn: &str, attributes: &Attributes) {
        let Some(topic) = self.topic_at(arn) else {
            return;
        };
        let policy = attributes.get("Policy").cloned();
        topic.policy = policy.unwrap_or_default();
        topic.attributes = without(attributes, &OF_TOPIC);
    }

    fn hear_of_subscription(&mut self, arn: &str, attributes: &Attributes) {
        let of = |name: &str| attributes.get(name).cloned().unwrap_or_default();
        let Some(owner) = AccountId::parse(&of("Owner")) else {
            return;
        };
        let found = Subscription {
            arn: arn.to_owned(),
            owner,
            protocol: of("Protocol"),
            endpoint: of("Endpoint"),
            confirmed: of("PendingConfirmation") != "true",
            principal: of("SubscriptionPrincipal"),
            attributes: without(attributes, &OF_SUBSCRIPTION),
        };
        self.put_subscription(&of("TopicArn"), found);
    }

    /// A subscription of a listing, of which the listing does not say the attributes.
    fn hear_listed(&mut self, listed: &SubscriptionListing) {
        let Some(owner) = AccountId::parse(&listed.owner) else {
            return;
        };
        let confirmed = listed.arn.starts_with("arn:");
        let found = Subscription {
            arn: if confirmed {
                listed.arn.clone()
            } else {
                format!(
                    "{}:pending-{}-{}",
                    listed.topic, listed.owner, listed.endpoint
                )
            },
            owner,
            protocol: listed.protocol.clone(),
            endpoint: listed.endpoint.clone(),
            confirmed,
            principal: String::new(),
            attributes: BTreeMap::new(),
        };
        self.put_subscription(&listed.topic, found);
    }

    fn put_subscription(&mut self, topic: &str, found: Subscription) {
        let Some(topic) = self.topic_at(topic) else {
            return;
        };
        let same = |it: &Subscription| {
            it.arn == found.arn || (it.protocol == found.protocol && it.endpoint == found.endpoint)
        };
        match topic.subscriptions.iter().position(same) {
            Some(at) => topic.subscriptions[at] = found,
            None => topic.subscriptions.push(found),
        }
    }

    fn hear_of_queue(&mut self, at: &Place, name: &str, attributes: &Attributes) {
        let time = |name: &str| {
            let seconds = attributes.get(name).and_then(|it| it.parse::<i64>().ok());
            seconds.unwrap_or_default().saturating_mul(1000)
        };
        let queue = super::state::Queue {
            created: time("CreatedTimestamp"),
            modified: time("LastModifiedTimestamp"),
            attributes: without(attributes, &OF_QUEUE),
            tags: Tags::new(),
        };
        self.regional_at(at).queues.insert(name.to_owned(), queue);
    }

    /// Gives what an ARN names these tags, where it is there.
    fn put_tags(&mut self, at: &Place, arn: &str, tags: &Tags) {
        let Ok(parsed) = Arn::parse(arn) else { return };
        let region = self.regional_at(at);
        let found = match parsed.service() {
            "sns" => region.topics.get_mut(parsed.name()).map(|it| &mut it.tags),
            "sqs" => region.queues.get_mut(parsed.name()).map(|it| &mut it.tags),
            "apigateway" => {
                let path: Vec<&str> = parsed.resource().split('/').skip(2).collect();
                let api = path.first().and_then(|id| region.apis.get_mut(*id));
                match path.as_slice() {
                    [_] => api.map(|it| &mut it.about.tags),
                    [_, "stages", name] => api
                        .and_then(|it| it.stages.get_mut(*name))
                        .map(|it| &mut it.tags),
                    _ => None,
                }
            }
            _ => None,
        };
        if let Some(found) = found {
            found.clone_from(tags);
        }
    }

    /// A topic that was named: one of which nothing else was read lets everybody do everything.
    pub(super) fn topic_at(&mut self, arn: &str) -> Option<&mut Topic> {
        let parsed = Arn::parse(arn).ok().filter(|it| it.service() == "sns")?;
        let account = self.account_at(&parsed.account_id()?);
        let region = crate::model::Region::parse(parsed.region())?;
        let topics = &mut account.regions.entry(region).or_default().topics;
        let topic = topics.entry(parsed.name().to_owned());
        Some(topic.or_insert_with(|| {
            let all =
                json!({"Effect": "Allow", "Principal": "*", "Action": "SNS:*", "Resource": arn});
            let fifo = super::sns::is_fifo(arn);
            Topic {
                attributes: fifo
                    .then(|| ("FifoTopic".to_owned(), "true".to_owned()))
                    .into_iter()
                    .collect(),
                policy: json!({"Version": "2012-10-17", "Statement": [all]}).to_string(),
                policy_since: None,
                tags: Tags::new(),
                subscriptions: Vec::new(),
            }
        }))
    }

    fn key_at(&mut self, at: &Place, arn: &str) -> &mut super::state::Key {
        let id = arn.rsplit('/').next().unwrap_or(arn).to_owned();
        let keys = &mut self.regional_at(at).keys;
        keys.entry(id).or_insert_with(|| super::state::Key {
            policy: String::new(),
            aliases: BTreeSet::new(),
        })
    }

    fn account_at(&mut self, id: &AccountId) -> &mut Account {
        let account = self.accounts.entry(id.clone());
        account.or_insert_with(|| Account {
            unread: true,
            ..Account::default()
        })
    }

    fn regional_at(&mut self, at: &Place) -> &mut super::state::Regional {
        let regions = &mut self.account_at(&at.id).regions;
        regions.entry(at.region.clone()).or_default()
    }
}

impl Account {
    fn hear(&mut self, at: &Place, detail: &AccountDetail) {
        match detail {
            AccountDetail::Role(it) => {
                self.roles.insert(it.name.clone(), role(at, it));
            }
            AccountDetail::Policy(it) if it.path == lease::PATH => {}
            AccountDetail::Policy(it) => {
                self.policies.insert(it.name.clone(), policy(it));
            }
        }
    }
}

fn role(at: &Place, it: &RoleDetail) -> Role {
    let inline = it.inline.iter();
    Role {
        // A role that was just made is shown by its unique id.
        arn: Arn::role(at, &it.path, &it.name).to_string(),
        id: it.id.clone(),
        path: it.path.clone(),
        created: it.created.saturating_mul(1000),
        trust: decoded(&it.trust),
        description: None,
        max_session: SESSION,
        boundary: it.boundary.clone(),
        inline: inline
            .map(|(name, document)| (name.clone(), decoded(document)))
            .collect(),
        attached: it.attached.clone(),
        tags: it.tags.clone(),
    }
}

fn policy(it: &PolicyDetail) -> Policy {
    let versions = it.versions.iter();
    let versions: BTreeMap<u32, String> = versions
        .map(|it| (number_of(&it.id), decoded(&it.document)))
        .collect();
    Policy {
        arn: it.arn.clone(),
        path: it.path.clone(),
        description: String::new(),
        default: number_of(&it.default_version),
        made: versions.keys().copied().max().unwrap_or(1),
        versions,
    }
}

/// An API with its policy as plain JSON: API Gateway gives its quotes and slashes escaped.
fn plain(it: &RestApiRecord) -> RestApiRecord {
    let unescaped = |text: &String| {
        let read = serde_json::from_str::<String>(&format!("\"{text}\""));
        read.unwrap_or_else(|_| text.clone())
    };
    RestApiRecord {
        policy: it.policy.as_ref().map(unescaped),
        ..it.clone()
    }
}

fn resource(it: &ResourceRecord) -> Resource {
    Resource {
        id: it.id.clone(),
        methods: it.methods.clone(),
    }
}

/// A deployment, of which AWS shows who may call each method and nothing else of them.
fn deployment(it: &DeploymentRecord, policy: Option<String>) -> Deployment {
    let methods = it.summary.iter().map(|(path, verbs)| {
        let verbs = verbs.iter().map(|(verb, authorization)| {
            let method = MethodRecord {
                authorization: authorization.clone(),
                ..MethodRecord::default()
            };
            (verb.clone(), method)
        });
        (path.clone(), verbs.collect())
    });
    Deployment {
        number: 0,
        description: it.description.clone(),
        created: it.created,
        policy,
        methods: methods.collect(),
    }
}

/// The ARN of the topic or queue that a call asks for.
fn named_by(at: &Place, request: &Request) -> Option<String> {
    match request {
        Request::GetTopicAttributes(it) => Some(it.arn.clone()),
        Request::GetQueueAttributes(it) => Some(Arn::regional(at, "sqs", &it.name).to_string()),
        _ => None,
    }
}
