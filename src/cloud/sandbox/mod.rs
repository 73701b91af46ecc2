//! The embedded cloud: many AWS accounts in memory, their oddities included.
//!
//! It is not a yes-man. It answers as AWS does, with AWS's error codes: names
//! are taken, principals must exist and be old enough to be seen, documents
//! have a grammar and a size, policies come back rewritten, rates are enforced.
//! What it cannot know it takes as given, and these are all such things: roles
//! and roots of accounts that are not in it, managed policies, KMS keys, the
//! targets of integrations, and the account's `CloudWatch` role.
//!
//! Its time is virtual: the time kept with the world, and what passes on
//! tokio's clock since it was opened. On a paused clock waiting costs nothing.
//!
//! A call is judged when it arrives (rates, two changes of one API at once) and
//! carried out, whole or not at all, when its latency has passed.

mod access;
mod apigateway;
mod deployer;
mod deployments;
mod documents;
mod elements;
mod endpoints;
mod iam;
mod kms;
mod learned;
mod managed;
mod openapi;
mod organizations;
mod picture;
mod principals;
mod rates;
mod refusal;
mod sns;
mod sqs;
mod state;
mod subscriptions;
mod tagging;
#[cfg(test)]
mod tests;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::sts::Caller;
use super::{Answer, CallError, Cloud, FRESH, Fault, Page, Request, Service};
use crate::model::{AccountId, Place, Region};
use crate::policy::Document;

use principals::Sight;
use rates::Rates;
use refusal::{Answered, refuse};
use state::{Account, Part, Regional, Store, World};

pub use documents::{Held, HeldApi, HeldAs};
pub use learned::Heard;
pub use state::SandboxError;

/// How the sandbox behaves where AWS's behaviour differs from day to day, or a
/// test wants it otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Habits {
    /// How old a role must be before policies may name it.
    pub propagation: Duration,
    /// How old a role or queue must be before calls that name it find it. IAM's own listing shows a
    /// younger role by its unique id.
    pub visibility: Duration,
    /// How long SNS does not act by a topic's new policy yet when another account subscribes.
    pub hearsay: Duration,
    /// How long an API has the status `UPDATING` after its type of endpoint was changed.
    pub migration: Duration,
    /// How long an API's policy may be.
    pub api_policy: usize,
    /// How many resources an API may have.
    pub api_resources: usize,
    /// Whether the published rates of API Gateway and SNS are enforced.
    pub rates: bool,
    /// Whether a change of an API is refused while another change of it is under way.
    pub collisions: bool,
    /// How long a call takes that reads.
    pub read_latency: Duration,
    /// How long a call takes that writes.
    pub write_latency: Duration,
    /// How long a call of API Gateway takes.
    pub api_latency: Duration,
    /// How late the tagging API hears of tags: AWS names no figure, seconds to minutes are usual.
    pub index_lag: Duration,
    /// The longest page of any listing; `None` for each service's own.
    pub page: Option<usize>,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            propagation: Duration::from_secs(4),
            visibility: Duration::ZERO,
            hearsay: Duration::ZERO,
            migration: Duration::ZERO,
            api_policy: crate::policy::size::API,
            api_resources: crate::policy::size::RESOURCES,
            rates: true,
            collisions: true,
            read_latency: Duration::from_millis(40),
            write_latency: Duration::from_millis(80),
            api_latency: Duration::from_millis(150),
            index_lag: Duration::ZERO,
            page: None,
        }
    }
}

/// A cloud in this process.
#[derive(Debug)]
pub struct Sandbox {
    habits: Habits,
    world: RefCell<World>,
    store: Option<Store>,
    opened: OnceCell<(Instant, i64)>,
    /// How far the time of another process was ahead of this one's when its writes were taken over.
    ahead: Cell<i64>,
    /// When writes of another process were taken over last.
    taken_over: Cell<Option<Instant>>,
    rates: RefCell<Rates>,
    /// APIs that a change is under way of.
    changing: RefCell<BTreeSet<(AccountId, Region, String)>>,
    /// What the callers are allowed, where somebody says so.
    deployers: RefCell<BTreeMap<AccountId, deployer::Deployer>>,
}

impl Sandbox {
    /// The names of the files that a directory keeps a world in.
    pub const FILES: [&str; 2] = [state::FILE, state::LOCK];

    /// Opens the sandbox kept in a directory, or begins one there, and adds these accounts to it.
    pub fn open(directory: &Path, accounts: &[AccountId]) -> Result<Self, SandboxError> {
        let (store, world) = Store::open(directory, accounts)?;
        Ok(Self::of(world, Some(store)))
    }

    /// A sandbox with these accounts that is gone when it is dropped.
    #[must_use]
    pub fn in_memory(accounts: &[AccountId]) -> Self {
        Self::of(World::of(accounts), None)
    }

    fn of(world: World, store: Option<Store>) -> Self {
        Self {
            habits: Habits::default(),
            world: RefCell::new(world),
            store,
            opened: OnceCell::new(),
            ahead: Cell::default(),
            taken_over: Cell::default(),
            rates: RefCell::default(),
            changing: RefCell::default(),
            deployers: RefCell::default(),
        }
    }

    /// The same, with other habits.
    #[must_use]
    pub fn with(mut self, habits: Habits) -> Self {
        self.habits = habits;
        self
    }

    /// The same, with a quota of an account raised: by IAM's name, such as `AssumeRolePolicySizeQuota`.
    #[must_use]
    pub fn with_quota(self, account: &AccountId, name: &str, limit: i32) -> Self {
        if let Some(account) = self.world.borrow_mut().accounts.get_mut(account) {
            account.quotas.insert(name.to_owned(), limit);
        }
        self
    }

    /// A sandbox of its own that goes on from where this one is: in memory, with the same habits.
    #[must_use]
    pub fn fork(&self) -> Self {
        let mut world = self.world.borrow().clone();
        world.now = self.now();
        Self::of(world, None).with(self.habits.clone())
    }

    /// Whether no account holds anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.world.borrow().accounts.values().all(|account| {
            account.roles.is_empty()
                && account.policies.is_empty()
                && account
                    .regions
                    .values()
                    .all(|it| it.topics.is_empty() && it.queues.is_empty() && it.apis.is_empty())
        })
    }

    /// The whole world, with ids that the server chose replaced by stable names and times left out.
    ///
    /// Two runs that arrive at the same end have equal pictures.
    #[must_use]
    pub fn picture(&self) -> Value {
        picture::of(&self.world.borrow())
    }

    /// Every policy document there is.
    #[must_use]
    pub fn documents(&self) -> Vec<Held> {
        documents::of(&self.world.borrow())
    }

    /// Every REST API there is, and what its stages serve.
    #[must_use]
    pub fn apis(&self) -> Vec<HeldApi> {
        documents::apis_of(&self.world.borrow())
    }

    /// What passed on the clock since the first call.
    fn elapsed(&self) -> Duration {
        self.opened().0.elapsed()
    }

    // The first call starts the clock: a sandbox may be opened before its runtime is.
    fn opened(&self) -> &(Instant, i64) {
        self.opened
            .get_or_init(|| (Instant::now(), self.world.borrow().now))
    }

    /// The world's time, in milliseconds since 1970.
    fn now(&self) -> i64 {
        let passed = i64::try_from(self.elapsed().as_millis()).unwrap_or(i64::MAX);
        let opened = self.opened().1.saturating_add(self.ahead.get());
        opened.saturating_add(passed)
    }

    fn latency(&self, request: &Request) -> Duration {
        match request.service() {
            Service::ApiGateway => self.habits.api_latency,
            _ if request.writes() => self.habits.write_latency,
            _ => self.habits.read_latency,
        }
    }

    async fn carry(
        &self,
        at: &Place,
        request: Request,
        latest: Option<Instant>,
    ) -> Answered<Answer> {
        let elapsed = self.elapsed();
        let latency = self.latency(&request);
        if self.habits.rates {
            let admitted = self.rates.borrow_mut().admit(at, &request, elapsed);
            if let Err(error) = admitted {
                sleep(latency).await;
                return Err(error);
            }
        }
        let change = Change::begin(self, at, &request);
        sleep(latency).await;
        let _change = change?;
        let mut world = self.world.borrow_mut();
        let _locked = match &self.store {
            Some(store) => {
                let known = store.known();
                let locked = match store.lock(&mut world) {
                    Ok(locked) => locked,
                    Err(error) => return not_written(&error),
                };
                if store.known() != known {
                    self.taken_over.set(Some(Instant::now()));
                }
                Some(locked)
            }
            None => None,
        };
        // Each process has a clock of its own, so none of them tells how old the read is for the others.
        let since_read = |it: Instant| latest.is_some_and(|latest| it + FRESH >= latest);
        if self.taken_over.get().is_some_and(since_read) {
            return refuse(
                Fault::Conflict,
                "StaleRead",
                "another process has written to the sandbox since the read that this rests on",
            );
        }
        let behind = world.now - self.now();
        self.ahead.set(self.ahead.get() + behind.max(0));
        if !world.accounts.contains_key(&at.id) {
            return refuse(
                Fault::Credentials,
                "AccessDenied",
                format!(
                    "no role can be assumed in account {}: the sandbox has no such account",
                    at.id
                ),
            );
        }
        self.authorize(&world, at, &request)?;
        let writes = request.writes();
        let now = self.now();
        let before = (writes && self.store.is_some()).then(|| world.clone());
        let mut turn = Turn {
            world: &mut world,
            at,
            now,
            habits: &self.habits,
        };
        let answer = turn.answer(request);
        turn.tidy();
        let answer = answer?;
        if writes {
            turn.index_tags();
            world.now = now;
            if let (Some(store), Some(before)) = (&self.store, before)
                && let Err(error) = store.save(&world)
            {
                // What is not on the disk did not happen.
                *world = before;
                return not_written(&error);
            }
        }
        Ok(answer)
    }
}

fn not_written<T>(error: &dyn std::fmt::Display) -> Answered<T> {
    let message = format!("the sandbox cannot be written: {error}; the call was not carried out");
    refuse(Fault::Quota, "SandboxNotWritten", message)
}

impl Cloud for Sandbox {
    fn send<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(self.carry(at, request, None))
    }

    fn send_before<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
        latest: Instant,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(self.carry(at, request, Some(latest)))
    }

    fn restrict(&self, policies: &BTreeMap<AccountId, Document>) -> Result<(), CallError> {
        self.enter_with(policies)
    }

    fn now(&self) -> i64 {
        Self::now(self) / 1000
    }
}

/// A change of an API while it is under way: API Gateway refuses a second one meanwhile.
struct Change<'a> {
    sandbox: &'a Sandbox,
    api: Option<(AccountId, Region, String)>,
}

impl<'a> Change<'a> {
    fn begin(sandbox: &'a Sandbox, at: &Place, request: &Request) -> Answered<Self> {
        let api = apigateway::changes(request)
            .filter(|_| sandbox.habits.collisions)
            .map(|id| (at.id.clone(), at.region.clone(), id));
        if let Some(api) = &api
            && !sandbox.changing.borrow_mut().insert(api.clone())
        {
            return refuse(
                Fault::Conflict,
                "ConflictException",
                "Unable to complete operation due to concurrent modification. Please try again later.",
            );
        }
        Ok(Self { sandbox, api })
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if let Some(api) = &self.api {
            self.sandbox.changing.borrow_mut().remove(api);
        }
    }
}

/// The ARN of whoever calls.
fn caller(at: &Place) -> String {
    let partition = at.partition();
    format!(
        "arn:{partition}:sts::{}:assumed-role/sandbox/provision",
        at.id
    )
}

/// One call's turn at the world.
struct Turn<'w> {
    world: &'w mut World,
    at: &'w Place,
    now: i64,
    habits: &'w Habits,
}

impl Turn<'_> {
    fn answer(&mut self, request: Request) -> Answered<Answer> {
        let turn = self;
        Ok(match request {
            Request::GetCallerIdentity(_) => Answer::GetCallerIdentity(Caller {
                account: turn.at.id.to_string(),
                arn: turn.caller(),
            }),
            Request::GetAccountAuthorizationDetails(it) => {
                Answer::GetAccountAuthorizationDetails(turn.account_details(&it)?)
            }
            Request::ListRoles(it) => Answer::ListRoles(turn.list_roles(&it)?),
            Request::GetPolicy(it) => Answer::GetPolicy(turn.get_policy(&it)?),
            Request::GetAccountSummary(_) => Answer::GetAccountSummary(turn.quotas()),
            Request::GetPolicyVersion(it) => {
                Answer::GetPolicyVersion(turn.get_policy_version(&it)?)
            }
            Request::CreateRole(it) => Answer::CreateRole(turn.create_role(it)?),
            Request::UpdateRole(it) => Answer::UpdateRole(turn.update_role(it)?),
            Request::UpdateAssumeRolePolicy(it) => {
                Answer::UpdateAssumeRolePolicy(turn.update_trust(&it)?)
            }
            Request::PutRolePolicy(it) => Answer::PutRolePolicy(turn.put_inline(it)?),
            Request::DeleteRolePolicy(it) => Answer::DeleteRolePolicy(turn.delete_inline(&it)?),
            Request::AttachRolePolicy(it) => Answer::AttachRolePolicy(turn.attach(it)?),
            Request::DetachRolePolicy(it) => Answer::DetachRolePolicy(turn.detach(&it)?),
            Request::CreatePolicy(it) => Answer::CreatePolicy(turn.create_policy(it)?),
            Request::CreatePolicyVersion(it) => {
                Answer::CreatePolicyVersion(turn.create_policy_version(it)?)
            }
            Request::SetDefaultPolicyVersion(it) => {
                Answer::SetDefaultPolicyVersion(turn.set_default_policy_version(&it)?)
            }
            Request::DeletePolicyVersion(it) => {
                Answer::DeletePolicyVersion(turn.delete_policy_version(&it)?)
            }
            Request::DeletePolicy(it) => Answer::DeletePolicy(turn.delete_policy(&it)?),
            Request::PutRolePermissionsBoundary(it) => {
                Answer::PutRolePermissionsBoundary(turn.put_boundary(it)?)
            }
            Request::DeleteRolePermissionsBoundary(it) => {
                Answer::DeleteRolePermissionsBoundary(turn.delete_boundary(&it)?)
            }
            Request::TagRole(it) => Answer::TagRole(turn.tag_role(it)?),
            Request::UntagRole(it) => Answer::UntagRole(turn.untag_role(&it)?),
            Request::DeleteRole(it) => Answer::DeleteRole(turn.delete_role(&it)?),

            Request::CreateTopic(it) => Answer::CreateTopic(turn.create_topic(it)?),
            Request::GetTopicAttributes(it) => {
                Answer::GetTopicAttributes(turn.topic_attributes(&it)?)
            }
            Request::SetTopicAttributes(it) => {
                Answer::SetTopicAttributes(turn.set_topic_attribute(it)?)
            }
            Request::DeleteTopic(it) => Answer::DeleteTopic(turn.delete_topic(&it)?),
            Request::ListTopicTags(it) => Answer::ListTopicTags(turn.topic_tags(&it)?),
            Request::TagTopic(it) => Answer::TagTopic(turn.tag_topic(it)?),
            Request::UntagTopic(it) => Answer::UntagTopic(turn.untag_topic(&it)?),
            Request::Subscribe(it) => Answer::Subscribe(turn.subscribe(it)?),
            Request::Unsubscribe(it) => Answer::Unsubscribe(turn.unsubscribe(&it)?),
            Request::GetSubscriptionAttributes(it) => {
                Answer::GetSubscriptionAttributes(turn.subscription_attributes(&it)?)
            }
            Request::SetSubscriptionAttributes(it) => {
                Answer::SetSubscriptionAttributes(turn.set_subscription_attribute(it)?)
            }
            Request::ListTopics(it) => Answer::ListTopics(turn.list_topics(&it)?),
            Request::ListSubscriptions(it) => {
                Answer::ListSubscriptions(turn.list_subscriptions(&it)?)
            }
            Request::ListSubscriptionsByTopic(it) => {
                Answer::ListSubscriptionsByTopic(turn.list_subscriptions_by_topic(&it)?)
            }

            Request::CreateQueue(it) => Answer::CreateQueue(turn.create_queue(it)?),
            Request::GetQueueAttributes(it) => {
                Answer::GetQueueAttributes(turn.queue_attributes(&it)?)
            }
            Request::SetQueueAttributes(it) => {
                Answer::SetQueueAttributes(turn.set_queue_attributes(it)?)
            }
            Request::DeleteQueue(it) => Answer::DeleteQueue(turn.delete_queue(&it)?),
            Request::ListQueues(it) => Answer::ListQueues(turn.list_queues(&it)?),
            Request::ListQueueTags(it) => Answer::ListQueueTags(turn.queue_tags(&it)?),
            Request::TagQueue(it) => Answer::TagQueue(turn.tag_queue(it)?),
            Request::UntagQueue(it) => Answer::UntagQueue(turn.untag_queue(&it)?),

            Request::GetRestApis(it) => Answer::GetRestApis(turn.rest_apis(&it)?),
            Request::CreateRestApi(it) => Answer::CreateRestApi(turn.create_rest_api(it)?),
            Request::PutRestApi(it) => Answer::PutRestApi(turn.put_rest_api(&it)?),
            Request::UpdateRestApi(it) => Answer::UpdateRestApi(turn.update_rest_api(&it)?),
            Request::DeleteRestApi(it) => Answer::DeleteRestApi(turn.delete_rest_api(&it)?),
            Request::GetApiResources(it) => Answer::GetApiResources(turn.api_resources(&it)?),
            Request::GetAuthorizers(it) => Answer::GetAuthorizers(turn.parts(
                &it.id,
                Part::Authorizers,
                it.position.as_deref(),
            )?),
            Request::GetModels(it) => {
                Answer::GetModels(turn.parts(&it.id, Part::Models, it.position.as_deref())?)
            }
            Request::GetRequestValidators(it) => Answer::GetRequestValidators(turn.parts(
                &it.id,
                Part::RequestValidators,
                it.position.as_deref(),
            )?),
            Request::GetGatewayResponses(it) => Answer::GetGatewayResponses(turn.parts(
                &it.id,
                Part::GatewayResponses,
                it.position.as_deref(),
            )?),
            Request::GetDocumentationParts(it) => Answer::GetDocumentationParts(turn.parts(
                &it.id,
                Part::DocumentationParts,
                it.position.as_deref(),
            )?),
            Request::UpdateMethod(it) => Answer::UpdateMethod(turn.update_method(&it)?),
            Request::CreateDeployment(it) => Answer::CreateDeployment(turn.create_deployment(it)?),
            Request::GetDeployment(it) => Answer::GetDeployment(turn.deployment(&it)?),
            Request::GetDeployments(it) => Answer::GetDeployments(turn.deployments(&it)?),
            Request::DeleteDeployment(it) => Answer::DeleteDeployment(turn.delete_deployment(&it)?),
            Request::GetStages(it) => Answer::GetStages(turn.stages(&it)?),
            Request::UpdateStage(it) => Answer::UpdateStage(turn.update_stage(&it)?),
            Request::DeleteStage(it) => Answer::DeleteStage(turn.delete_stage(&it)?),
            Request::TagApi(it) => Answer::TagApi(turn.tag_api(it)?),
            Request::UntagApi(it) => Answer::UntagApi(turn.untag_api(&it)?),

            Request::DescribeKey(it) => Answer::DescribeKey(turn.describe_key(&it)?),
            Request::GetKeyPolicy(it) => Answer::GetKeyPolicy(turn.key_policy(&it)?),
            Request::PutKeyPolicy(it) => Answer::PutKeyPolicy(turn.put_key_policy(&it)?),

            Request::DescribeOrganization(_) => {
                Answer::DescribeOrganization(turn.describe_organization()?)
            }
            Request::ListRoots(it) => Answer::ListRoots(turn.list_roots(&it)?),
            Request::ListParents(it) => Answer::ListParents(turn.list_parents(&it)?),
            Request::ListPoliciesForTarget(it) => {
                Answer::ListPoliciesForTarget(turn.list_policies_for_target(&it)?)
            }
            Request::DescribePolicy(it) => Answer::DescribePolicy(turn.describe_policy(&it)?),
            Request::GetVpcEndpoint(it) => Answer::GetVpcEndpoint(turn.vpc_endpoint(&it)?),

            Request::GetTagged(it) => Answer::GetTagged(turn.tagged(&it)?),
        })
    }

    /// The ARN of whoever calls.
    fn caller(&self) -> String {
        caller(self.at)
    }

    fn account(&mut self) -> &mut Account {
        self.world.accounts.entry(self.at.id.clone()).or_default()
    }

    fn regional(&mut self) -> &mut Regional {
        let region = self.at.region.clone();
        self.account().regions.entry(region).or_default()
    }

    /// A region in which nothing was ever made leaves no trace for having been looked at.
    fn tidy(&mut self) {
        let region = &self.at.region;
        let account = self.world.accounts.get_mut(&self.at.id);
        if let Some(account) = account
            && account.regions.get(region) == Some(&Regional::default())
        {
            account.regions.remove(region);
        }
    }

    fn sight(&self) -> Sight<'_> {
        Sight {
            world: self.world,
            at: self.at,
            now: self.now,
            propagation: self.habits.propagation,
        }
    }

    /// Whether something made then is too young to be found.
    fn is_unseen(&self, created: i64) -> bool {
        let age = self.now.saturating_sub(created);
        u128::try_from(age).is_ok_and(|age| age < self.habits.visibility.as_millis())
    }

    fn seconds(&self) -> i64 {
        self.now.div_euclid(1000)
    }

    /// The page of `items` that a token asks for, of `size` unless tests want shorter ones.
    fn page<T>(&self, items: Vec<T>, token: Option<&str>, size: usize) -> Answered<Page<T>> {
        let size = self.habits.page.unwrap_or(size).max(1);
        let start = match token.map(str::parse::<usize>) {
            None => 0,
            Some(Ok(start)) => start,
            Some(Err(_)) => {
                return refuse(
                    Fault::Invalid,
                    "InvalidParameter",
                    "the token is not one that an earlier page gave",
                );
            }
        };
        let next = (start.saturating_add(size) < items.len()).then(|| (start + size).to_string());
        let items = items.into_iter().skip(start).take(size).collect();
        Ok(Page { items, next })
    }
}
