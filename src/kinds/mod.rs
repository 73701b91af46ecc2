//! AWS's nouns, one file each: model, differences, read, write.
//!
//! What we want and what AWS has are one type: `decode` spells every default
//! out, so that two values differ only where a person would say so. A resource
//! is made in two parts, so that policies may name one another:
//!
//! | part     | a role                | a REST API                     | the others |
//! |----------|-----------------------|--------------------------------|------------|
//! | `Exists` | the role, its trust   | the API's shell, with its tags | everything |
//! | `Settled`| its policies          | methods, policy, settings      |            |
//!
//! A KMS key is never made: its policy carries statements of ours, and nothing else of it is the stack's.
//!
//! Every write is safe to repeat, for an answer may be lost: the engine reads again before it repeats one.

pub mod cutoffs;
pub mod extra;
mod ids;
pub mod key;
#[cfg(test)]
mod laws;
pub mod queue;
pub mod release;
pub mod rest_api;
pub mod role;
pub mod stage;
pub mod statements;
pub mod subscription;
pub mod survey;
pub mod topic;
mod want;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::cloud::{CallError, Cloud, Fault};
use crate::model::tags::{self, OWNED};
use crate::model::{Address, Arn, Differences, KindName, Mark, Place, Tags};
use crate::policy::stand_in::RealNames;
use crate::policy::{Document, Principals, Statement, own};

pub use extra::{Extra, Stranger};
pub use ids::{full_length, pending_id, pending_in, with_ids};
pub use key::Key;
pub use queue::Queue;
pub use rest_api::RestApi;
pub use role::Role;
pub use stage::Stage;
pub use subscription::Subscription;
pub use topic::Topic;
pub use want::Want;

/// A resource of any kind, as the stack wants it or as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Resource {
    /// An IAM role.
    Role(Role),
    /// A KMS key.
    Key(Key),
    /// An SNS topic.
    Topic(Topic),
    /// An SQS queue.
    Queue(Queue),
    /// A topic's subscription of a queue.
    Subscription(Subscription),
    /// A REST API.
    RestApi(RestApi),
    /// A stage of a REST API.
    Stage(Stage),
}

/// Does `$body` with `$it` bound to the kind's own value.
macro_rules! each_kind {
    ($resource:expr, $it:ident => $body:expr) => {
        match $resource {
            Resource::Role($it) => $body,
            Resource::Key($it) => $body,
            Resource::Topic($it) => $body,
            Resource::Queue($it) => $body,
            Resource::Subscription($it) => $body,
            Resource::RestApi($it) => $body,
            Resource::Stage($it) => $body,
        }
    };
}

/// A resource that a cloud has.
#[derive(Clone, Debug, PartialEq)]
pub struct Have {
    /// What is there and ours.
    pub resource: Resource,
    /// The cloud's own handle: a role's unique id, an API's id, a subscription's or other ARN.
    pub id: String,
    /// The mark on it.
    pub mark: Option<Mark>,
    /// When it was made, in seconds since 1970, where the cloud says so.
    pub created: Option<i64>,
    /// Its policy as it stands, foreign statements included.
    pub document: Option<Document>,
    /// Statements of its policy that are not ours, in their order.
    pub foreign: Vec<Statement>,
    /// What else is on it and not ours.
    pub extras: Vec<Extra>,
    /// Stages of an API of ours that somebody else made, with what they serve.
    pub stages: Vec<Have>,
    /// Ids of deleted principals (`AROA…`) that its documents still name.
    pub ghosts: Vec<String>,
    /// The data that is in it and goes with it, in words: a queue's messages.
    pub holds: Option<String>,
    /// What else holds on to it, so that AWS will not delete it.
    pub held_by: Vec<String>,
    /// A role's managed policies of ours: what AWS keeps of them beside the documents in force.
    pub policies: BTreeMap<String, role::Versions>,
    /// What stands in an API of nobody's beside its resources; of one that bears a mark it is not read.
    pub parts: Vec<rest_api::ApiPart>,
    /// It bears this stack's mark, and the stack says that something else owns it: the mark goes.
    pub released: bool,
    /// The account that owns a subscription, when it is not the queue's.
    pub keeper: Option<subscription::Keeper>,
}

impl Have {
    /// A resource with nothing foreign on it.
    #[must_use]
    pub fn of(resource: Resource, id: impl Into<String>, tags: &Tags) -> Self {
        Self {
            resource,
            id: id.into(),
            mark: Mark::read(tags),
            created: None,
            document: None,
            foreign: Vec::new(),
            extras: Vec::new(),
            stages: Vec::new(),
            ghosts: Vec::new(),
            holds: None,
            held_by: Vec::new(),
            policies: BTreeMap::new(),
            parts: Vec::new(),
            released: false,
            keeper: None,
        }
    }
}

impl Have {
    /// What is on it, in no stack's words, and stays when the stack is applied.
    #[must_use]
    pub fn staying(&self, want: &Want) -> Vec<&Extra> {
        let goes = |it: &Extra| want.drops(it.what.goes_with_exclusive(), &it.digest);
        let stays = |it: &&Extra| !goes(it) && !want.declares(it);
        self.extras.iter().filter(stays).collect()
    }
}

/// A half of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// It lets consumers in by their new way, and still by the old one: before both others.
    Opened,
    /// It is there: its ARN or id can be named.
    Exists,
    /// It does what the stack says.
    Settled,
}

/// Ids that a cloud chose, by address.
pub type Ids = RefCell<BTreeMap<Address, String>>;

/// The policies that APIs are to have once a new stage of theirs has its settings, by the API's address: see
/// [`rest_api::closing`].
pub type Closed = RefCell<BTreeMap<Address, Document>>;

/// What a kind needs to do its work.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The cloud, behind the seam.
    pub cloud: &'a dyn Cloud,
    /// The stack's name.
    pub stack: &'a str,
    /// Where the resource stands in the stack.
    pub address: &'a Address,
    /// Ids known so far.
    pub ids: &'a Ids,
    /// What this run has closed and not opened yet; `None` where nothing is made.
    pub closed: Option<&'a Closed>,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Context({} {})", self.stack, self.address)
    }
}

impl Context<'_> {
    /// The id of a resource that must exist by now.
    pub fn id(&self, address: &Address) -> Result<String, CallError> {
        self.ids.borrow().get(address).cloned().ok_or_else(|| {
            CallError::new(
                Fault::Missing,
                "NotMadeYet",
                format!("`{address}` does not exist yet"),
            )
        })
    }

    /// The tags to write: the author's, with the mark of this state over them.
    #[must_use]
    pub fn marked(&self, want: &Want) -> Tags {
        want.mark(self.address).write(want.resource.tags().clone())
    }
}

/// What each kind does. `self` is what is wanted.
///
/// Every method may be called again after any of its calls was carried out and
/// its answer lost.
pub(crate) trait Kind: Sized {
    /// What differs; `have` tells what was ours and what is foreign.
    fn differences(&self, want: &Want, have: &Have) -> Differences;

    /// Reads the resource alone, as it is now.
    async fn read(&self, want: &Want, cx: &Context<'_>) -> Result<Option<Have>, CallError>;

    /// Reads as much of a resource that is there as tells its policy: one call where AWS has one.
    async fn read_back(
        &self,
        want: &Want,
        _: &Have,
        cx: &Context<'_>,
    ) -> Result<Option<Have>, CallError> {
        self.read(want, cx).await
    }

    /// Makes it exist, and gives the cloud's handle of it.
    async fn exist(
        &self,
        want: &Want,
        have: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<String, CallError>;

    /// Makes the rest of it so.
    async fn settle(
        &self,
        want: &Want,
        have: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<(), CallError>;

    /// Removes it; no error when it is gone. `self` is what is there.
    async fn remove(&self, place: &Place, have: &Have, cx: &Context<'_>) -> Result<(), CallError>;

    /// The documents in it, as canonical JSON of the whole value.
    fn to_value(&self) -> Value;
}

impl Resource {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> KindName {
        match self {
            Self::Role(_) => KindName::Role,
            Self::Key(_) => KindName::Key,
            Self::Topic(_) => KindName::Topic,
            Self::Queue(_) => KindName::Queue,
            Self::Subscription(_) => KindName::Subscription,
            Self::RestApi(_) => KindName::RestApi,
            Self::Stage(_) => KindName::Stage,
        }
    }

    /// What differs from `have`, which is of the same kind.
    #[must_use]
    pub fn differences(&self, want: &Want, have: &Have) -> Differences {
        each_kind!(self, it => Kind::differences(it, want, have))
    }

    /// Reads the resource alone, as it is now.
    pub async fn read(&self, want: &Want, cx: &Context<'_>) -> Result<Option<Have>, CallError> {
        let found = each_kind!(self, it => it.read(want, cx).await)?;
        Ok(found.map(|it| {
            if want.owned {
                it
            } else {
                it.of_another(cx.stack)
            }
        }))
    }

    /// Reads at least the policy of a resource that is there.
    pub async fn read_back(
        &self,
        want: &Want,
        before: &Have,
        cx: &Context<'_>,
    ) -> Result<Option<Have>, CallError> {
        each_kind!(self, it => it.read_back(want, before, cx).await)
    }

    /// Makes it exist, and gives the cloud's handle of it.
    pub async fn exist(
        &self,
        want: &Want,
        have: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<String, CallError> {
        each_kind!(self, it => it.exist(want, have, cx).await)
    }

    /// Makes the rest of it so.
    pub async fn settle(
        &self,
        want: &Want,
        have: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        each_kind!(self, it => it.settle(want, have, cx).await)
    }

    /// Removes it; no error when it is gone.
    pub async fn remove(
        &self,
        place: &Place,
        have: &Have,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        each_kind!(self, it => it.remove(place, have, cx).await)
    }

    /// The whole value as canonical JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        each_kind!(self, it => Kind::to_value(it))
    }

    /// Sixteen hexadecimal digits that stand for the whole value.
    #[must_use]
    pub fn digest(&self) -> String {
        digest(&self.to_value())
    }

    /// The author's tags; keys and subscriptions have none.
    #[must_use]
    pub fn tags(&self) -> &Tags {
        static NONE: Tags = Tags::new();
        match self {
            Self::Role(it) => &it.tags,
            Self::Topic(it) => &it.tags,
            Self::Queue(it) => &it.tags,
            Self::RestApi(it) => &it.tags,
            Self::Stage(it) => &it.tags,
            Self::Key(_) | Self::Subscription(_) => &NONE,
        }
    }

    /// Our statements of its access policy, where it has one.
    #[must_use]
    pub fn policy(&self) -> Option<&Document> {
        match self {
            Self::Key(it) => Some(&it.policy),
            Self::Topic(it) => Some(&it.policy),
            Self::Queue(it) => Some(&it.policy),
            Self::RestApi(it) => Some(&it.policy),
            Self::Role(_) | Self::Subscription(_) | Self::Stage(_) => None,
        }
    }

    /// Adds its ARN and every name that its policies give.
    pub fn add_names(&self, names: &mut RealNames) {
        if let Some(arn) = self.arn() {
            names.add(arn.as_str());
        }
        if let Self::Role(role) = self {
            names.add_policy(&role.trust);
            for document in role.identity() {
                names.add_policy(document);
            }
        }
        if let Some(policy) = self.policy() {
            names.add_policy(policy);
        }
    }

    /// The same, to be changed.
    pub fn policy_mut(&mut self) -> Option<&mut Document> {
        match self {
            Self::Key(it) => Some(&mut it.policy),
            Self::Topic(it) => Some(&mut it.policy),
            Self::Queue(it) => Some(&mut it.policy),
            Self::RestApi(it) => Some(&mut it.policy),
            Self::Role(_) | Self::Subscription(_) | Self::Stage(_) => None,
        }
    }

    /// The ARN of what has one before it is there: AWS chooses the ids of APIs and subscriptions.
    #[must_use]
    pub fn arn(&self) -> Option<&Arn> {
        match self {
            Self::Role(it) => Some(&it.arn),
            Self::Key(it) => Some(&it.arn),
            Self::Topic(it) => Some(&it.arn),
            Self::Queue(it) => Some(&it.arn),
            Self::Subscription(_) | Self::RestApi(_) | Self::Stage(_) => None,
        }
    }

    fn boundary(&self) -> Option<&String> {
        match self {
            Self::Role(it) => it.boundary.as_ref(),
            _ => None,
        }
    }

    fn attached(&self) -> &BTreeSet<String> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        match self {
            Self::Role(it) => &it.attached,
            _ => &NONE,
        }
    }

    /// The documents that name principals, by what a plan calls them.
    #[must_use]
    pub fn principal_documents(&self) -> Vec<(&'static str, &Document)> {
        match self {
            Self::Role(it) => vec![("trust", &it.trust)],
            other => other
                .policy()
                .map(|it| ("policy", it))
                .into_iter()
                .collect(),
        }
    }
}

impl Resource {
    /// The roles that its policies name as principals.
    #[must_use]
    pub fn roles_named(&self) -> BTreeSet<Arn> {
        let documents = self.principal_documents().into_iter();
        documents.flat_map(|(_, it)| roles_named(it)).collect()
    }

    /// The same, with the ids known so far written in.
    #[must_use]
    pub fn with_ids(&self, ids: &BTreeMap<Address, String>) -> Self {
        let mut resource = self.clone();
        if let Self::Role(role) = &mut resource {
            let managed = role.managed.values_mut().map(|it| &mut it.document);
            for document in role.inline.values_mut().chain(managed) {
                *document = with_ids(document, ids);
            }
        }
        resource
    }

    /// The addresses whose ids its documents wait for.
    #[must_use]
    pub fn pending(&self) -> BTreeSet<Address> {
        match self {
            Self::Role(it) => it.identity().flat_map(pending_in).collect(),
            _ => BTreeSet::new(),
        }
    }
}

/// What was read, or `None` where the resource is missing.
pub(crate) fn or_none<T>(result: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match result {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.fault == Fault::Missing => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sixteen hexadecimal digits that stand for a value.
#[must_use]
pub fn digest(value: &Value) -> String {
    use std::fmt::Write as _;
    let hash = Sha256::digest(value.to_string().as_bytes());
    hash.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The keys of the mark, for taking it off.
pub(crate) fn mark_keys() -> Vec<String> {
    [tags::STACK, tags::ADDRESS, tags::DIGEST, tags::OWNED]
        .map(str::to_owned)
        .to_vec()
}

/// What differs in the mark of a resource that the stack says is another's.
pub(crate) fn release_details(have: &Have) -> Vec<crate::model::Detail> {
    let text = "this stack's mark comes off: it is not this stack's own any more".to_owned();
    let gone = crate::model::Detail { sign: '-', text };
    if have.released {
        vec![gone]
    } else {
        Vec::new()
    }
}

/// What differs between tags: a key that is neither wanted nor was ours is somebody else's.
#[must_use]
pub(crate) fn tag_details(
    want: &Tags,
    live: &Tags,
    mark: Option<&Mark>,
) -> Vec<crate::model::Detail> {
    let ours: Tags = live
        .iter()
        .filter(|(key, _)| want.contains_key(*key) || mark.is_some_and(|it| it.owns(key)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    crate::model::change::details_of_maps(&ours, want)
}

impl Have {
    /// The same, of a resource that the stack says is not its own.
    pub(crate) fn of_another(mut self, stack: &str) -> Self {
        self.released |= self.mark.take().is_some_and(|it| it.stack == stack);
        self
    }

    /// Takes in a policy: our statements are given, with those that give way to ours; the others are kept.
    pub(crate) fn take_policy(
        &mut self,
        document: Document,
        stack: &str,
        gives_way: impl Fn(&Statement) -> bool,
    ) -> Document {
        let (mut ours, foreign) = own::split(&document, stack);
        let (yielding, foreign) = foreign.into_iter().partition(gives_way);
        ours.extend::<Vec<Statement>>(yielding);
        self.ghosts.extend(own::ghosts(&document));
        self.extras.extend(foreign.iter().map(Extra::statement));
        self.foreign = foreign;
        self.document = Some(document);
        Document::of(ours)
    }

    /// The policy to write for what is wanted: foreign statements as they are, then ours.
    #[must_use]
    pub fn policy_for(&self, want: &Want, ours: &Document) -> Document {
        if !want.letting_go {
            return self.policy_with(ours, |it| !want.drops_statement(it));
        }
        let live = self.resource.policy().map_or(&[][..], |it| &it.statements);
        let gone = release::let_go(live, &ours.statements, &self.foreign);
        let foreign = self.foreign.iter().cloned().chain(gone).collect();
        living(own::join(
            self.document.as_ref(),
            foreign,
            ours.statements.clone(),
        ))
    }

    /// The policy to write: foreign statements as they are, then ours.
    ///
    /// Principals that are gone are left out of foreign statements: AWS takes no policy
    /// that names one, and an id is never given out twice, so nobody loses anything.
    #[must_use]
    pub fn policy_with(&self, ours: &Document, stays: impl Fn(&Statement) -> bool) -> Document {
        let foreign = self
            .foreign
            .iter()
            .filter(|it| stays(it))
            .cloned()
            .collect();
        living(own::join(
            self.document.as_ref(),
            foreign,
            ours.statements.clone(),
        ))
    }
}

/// A policy without principals that are gone; a statement that spoke of nobody else goes with them.
fn living(mut policy: Document) -> Document {
    policy.statements.retain_mut(|statement| {
        let Some(clause) = statement.principal.as_mut().filter(|it| !it.negated) else {
            return true;
        };
        let Principals::Of(types) = &mut clause.principals else {
            return true;
        };
        let Some(values) = types.get_mut("AWS") else {
            return true;
        };
        values.retain(|it| !own::is_ghost(it));
        if values.is_empty() {
            types.remove("AWS");
        }
        !types.is_empty()
    });
    policy
}

fn sid(statement: &Statement) -> &str {
    statement.sid.as_deref().unwrap_or("without Sid")
}

/// What differs in a policy: our statements, and foreign ones where none may be.
pub(crate) fn policy_details(
    want: &Want,
    ours: &Document,
    live: &Document,
    have: &Have,
) -> Vec<crate::model::Detail> {
    let mut found = statements::details(&live.statements, &ours.statements);
    if want.letting_go {
        found.retain(|it| it.sign == '+');
        found.extend(release::details(ours, live, have));
    }
    let goes = have.foreign.iter().filter(|it| want.drops_statement(it));
    if want.exclusive {
        found.extend(goes.map(|it| crate::model::Detail {
            sign: '-',
            text: format!(
                "foreign statement `{}`: {}",
                sid(it),
                statements::describe(it)
            ),
        }));
    }
    if want.repin && found.is_empty() {
        found.push(crate::model::Detail {
            sign: '~',
            text: "written again: a role it names is made anew, and AWS keeps the old one's id"
                .to_owned(),
        });
    }
    found
}

/// Keys of tags that were ours and are no longer wanted, what remembers them among them.
#[must_use]
pub(crate) fn stale_tags(want: &Want, have: &Have) -> Vec<String> {
    let Some(mark) = &have.mark else {
        return Vec::new();
    };
    let wanted = want.resource.tags();
    let live = have.resource.tags().keys();
    let stale = live.filter(|key| !wanted.contains_key(*key) && mark.owns(key));
    // A mark that has nothing to remember has no tag for it, and writing it leaves the old one.
    let remembers = !mark.owned.is_empty();
    let has_nothing = wanted.is_empty() && want.resource.attached().is_empty();
    stale
        .cloned()
        .chain((remembers && has_nothing).then(|| OWNED.to_owned()))
        .collect()
}

/// The principals of type `AWS` that a document names.
pub fn principals_of(document: &Document) -> impl Iterator<Item = &str> {
    document
        .statements
        .iter()
        .filter_map(|it| it.principal.as_ref())
        .flat_map(|it| it.aws_values().iter().map(String::as_str))
}

/// The role ARNs that a document names as principals.
#[must_use]
pub fn roles_named(document: &Document) -> BTreeSet<Arn> {
    principals_of(document)
        .filter_map(|it| Arn::parse(it).ok())
        .filter(|it| it.service() == "iam" && it.resource().starts_with("role/"))
        .collect()
}
