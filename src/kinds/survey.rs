//! Reads what is there: in bulk where AWS allows it, all accounts at once.
//!
//! | what           | calls                                                                |
//! |----------------|----------------------------------------------------------------------|
//! | roles, managed policies | `GetAccountAuthorizationDetails`, and `ListRoles` when there are ours: pages of 1,000 an account |
//! | tags           | `GetResources`: pages of 100 an account and region                   |
//! | topics         | `GetTopicAttributes` each, `ListSubscriptionsByTopic` pages of 100   |
//! | queues         | `GetQueueAttributes` each that is there; `ListQueues` tells which are, when several may not be |
//! | subscriptions  | `GetSubscriptionAttributes` each that is listed                      |
//! | KMS keys       | `GetKeyPolicy` each, and `DescribeKey` where it is named by an alias |
//! | REST APIs      | `GetRestApis` once; `GetResources` and three calls for the stage each |
//!
//! The tag index lags behind, so it proves nothing absent, and a mark it shows
//! out of date is read again at the resource itself.

pub mod ceilings;
pub mod census;
mod common;
mod doubt;
pub mod endpoints;
mod keys;
mod left;
mod messaging;
pub mod organization;
mod parts;
mod regarding;
mod roles;
mod subscriptions;
mod unread;
mod visits;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::{Context, Extra, Have, Ids, Resource, Want, rest_api, stage};
use crate::cloud::apigateway::{GetStages, RestApiRecord};
use crate::cloud::{self, CallError, Cloud, Fault, tagging};
use crate::model::{AccountId, Address, Arn, KindName, Mark, Place, Tags};
use crate::policy::Document;
use crate::policy::size::Quotas;

pub use doubt::Doubt;
use endpoints::Endpoints;
use organization::Organization;
use visits::Visits;

pub use keys::{KeyReading, Keys};
pub use parts::add_parts;

/// A resource that is ours by its mark and that the stack does not want.
#[derive(Clone, Debug, PartialEq)]
pub struct Orphan {
    /// Where its mark says it stands.
    pub address: Address,
    /// Its account and region.
    pub place: Place,
    /// What is there.
    pub have: Have,
}

/// What is there of a stack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// What is wanted and there.
    pub have: BTreeMap<Address, Have>,
    /// What is ours and not wanted.
    pub orphans: Vec<Orphan>,
    /// What is left of wanted roles that are gone: an apply takes it up again, a destruction removes it.
    pub remains: Vec<Orphan>,
    /// Subscriptions of others to our topics.
    pub guests: Vec<Guest>,
    /// Of the managed policies that our roles have or are bounded by, those that were read.
    pub policies: ManagedPolicies,
    /// What accounts allow of their roles, where more than the default may be needed.
    pub quotas: BTreeMap<AccountId, Quotas>,
    /// The KMS keys that topics and queues of the stack are encrypted with.
    pub keys: Keys,
    /// The policies over the stack's accesses that belong to none of its resources.
    pub above: Above,
    /// Whether a run held the stack's lease while this was read.
    pub leased: bool,
    /// Where the tag index lacks what is there: it may lack as well what left the stack.
    pub doubts: Vec<Doubt>,
}

/// The policies over the accesses of a stack that belong to none of its resources.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Above {
    /// Those of the organization over the accounts of the stack.
    pub organization: Organization,
    /// Those of the VPC endpoints that the stack names.
    pub endpoints: Endpoints,
}

impl Above {
    /// Returns what is known of them where no cloud is asked and the stack names these endpoints.
    #[must_use]
    pub fn not_asked(endpoints: impl Iterator<Item = String>) -> Self {
        let unread = endpoints.map(|it| format!("{it}: AWS was not asked"));
        Self {
            endpoints: Endpoints {
                unread: unread.collect(),
                ..Endpoints::default()
            },
            ..Self::default()
        }
    }
}

/// What managed policies say that the stack did not make, by ARN.
pub type ManagedPolicies = BTreeMap<String, Document>;

/// A subscription of another's queue to a topic of the stack.
#[derive(Clone, Debug, PartialEq)]
pub struct Guest {
    /// The topic.
    pub topic: Address,
    /// The queue's ARN, or another endpoint.
    pub queue: String,
    /// The subscription's ARN.
    pub arn: String,
    /// Whether nobody has confirmed it yet.
    pub pending: bool,
    /// Whether the stack lets it subscribe.
    pub offered: bool,
}

impl Live {
    /// The ids that AWS chose, by address.
    #[must_use]
    pub fn ids(&self) -> BTreeMap<Address, String> {
        let apis = self
            .have
            .iter()
            .filter(|(address, _)| address.kind == KindName::RestApi);
        apis.map(|(address, have)| (address.clone(), have.id.clone()))
            .collect()
    }
}

/// A read that failed, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("account `{}` ({}), {}: {source}", place.account, place.id, place.region)]
pub struct SurveyError {
    /// The account and region.
    pub place: Place,
    /// What the cloud said.
    pub source: CallError,
}

impl SurveyErrors {
    /// Returns the errors, each cause once: the caller's own missing login, and an address where nothing listens, fail
    /// every account alike.
    pub fn causes(&self) -> impl Iterator<Item = &SurveyError> {
        let again = |at: usize| {
            let cause = &self.0[at].source;
            let same = |it: &SurveyError| it.source.message == cause.message;
            is_shared(cause) && self.0[..at].iter().any(same)
        };
        let kept = self.0.iter().enumerate().filter(move |(at, _)| !again(*at));
        kept.map(|(_, error)| error)
    }

    /// Returns the accounts that failed for the same cause as `error`, as a sentence names them.
    #[must_use]
    pub fn sharing(&self, error: &SurveyError) -> String {
        const NAMED: usize = 5;
        let same = |it: &&SurveyError| it.source.message == error.source.message;
        let names: BTreeSet<&str> = self
            .0
            .iter()
            .filter(same)
            .map(|it| it.place.account.as_str())
            .collect();
        let shown: Vec<String> = names
            .iter()
            .take(NAMED)
            .map(|it| format!("`{it}`"))
            .collect();
        match names.len() {
            1 => format!("account {}", shown[0]),
            count if count <= NAMED => format!("accounts {}", shown.join(", ")),
            count => format!("{count} accounts: {}, …", shown.join(", ")),
        }
    }

    /// The names of accounts that could not be entered at all.
    #[must_use]
    pub fn not_entered(&self) -> BTreeSet<&str> {
        let closed = self.0.iter().filter(|it| is_not_entered(&it.source));
        closed.map(|it| it.place.account.as_str()).collect()
    }
}

/// Whether an error says that an account cannot be entered, and not only that nothing answered.
#[must_use]
pub fn is_not_entered(error: &CallError) -> bool {
    const UNANSWERED: [&str; 4] = ["NoAnswer", "NoConnection", "RequestTimeout", "Timeout"];
    error.fault == Fault::Credentials && !UNANSWERED.contains(&error.code.as_str())
}

/// Whether an error is of no account: it would be the same in each.
#[must_use]
pub fn is_shared(error: &CallError) -> bool {
    error.fault == Fault::NoLogin || error.code == "NoConnection"
}

type Wants = BTreeMap<Address, Want>;

/// Everything that could not be read: every account that cannot be entered is said at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct SurveyErrors(pub Vec<SurveyError>);

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Where, and what the cloud said.
    pub error: SurveyError,
    /// What of the stack cannot be told for it.
    pub addresses: BTreeSet<Address>,
    /// Whether it is another's, which the stack only uses or stands beside.
    pub foreign: bool,
}

/// What was read of a stack, and what could not be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// What is there.
    pub live: Live,
    /// What could not be read: of it, neither presence nor absence is known.
    pub unread: Vec<Unread>,
}

impl Reading {
    fn lacks(&mut self, place: &Place, source: CallError, addresses: BTreeSet<Address>) {
        let error = SurveyError {
            place: place.clone(),
            source,
        };
        self.unread.push(Unread {
            error,
            addresses,
            foreign: false,
        });
    }

    fn take(&mut self, other: Self) {
        self.live.have.extend(other.live.have);
        self.live.orphans.extend(other.live.orphans);
        self.live.remains.extend(other.live.remains);
        self.live.guests.extend(other.live.guests);
        self.live.policies.extend(other.live.policies);
        self.live.quotas.extend(other.live.quotas);
        self.live.keys.extend(other.live.keys);
        self.live.leased |= other.live.leased;
        self.live.doubts.extend(other.live.doubts);
        self.unread.extend(other.unread);
    }

    /// What is there; an error when anything could not be read.
    pub fn whole(self) -> Result<Live, SurveyErrors> {
        if self.unread.is_empty() {
            return Ok(self.live);
        }
        let mut errors: Vec<SurveyError> = self.unread.into_iter().map(|it| it.error).collect();
        // An account that cannot be entered fails every read in the same way: once is enough.
        errors.sort_by(|a, b| a.place.cmp(&b.place));
        errors.dedup_by(|a, b| a.place == b.place && a.source.code == b.source.code);
        Err(SurveyErrors(errors))
    }

    /// Returns the errors where nothing was read at all because the caller has no credentials.
    #[must_use]
    pub fn without_login(&self) -> Option<SurveyErrors> {
        let no_login = |it: &Unread| it.error.source.fault == Fault::NoLogin;
        let all = self.live.have.is_empty()
            && !self.unread.is_empty()
            && self.unread.iter().all(no_login);
        let errors = self.unread.iter().map(|it| it.error.clone());
        all.then(|| SurveyErrors(errors.collect()))
    }

    /// Every address that could not be read, or not wholly.
    #[must_use]
    pub fn unread_addresses(&self) -> BTreeSet<&Address> {
        self.unread.iter().flat_map(|it| &it.addresses).collect()
    }
}

/// Reads everything of a stack; an error when anything could not be read.
pub async fn survey(
    stack: &str,
    wants: &Wants,
    places: &BTreeSet<Place>,
    cloud: &dyn Cloud,
) -> Result<Live, SurveyErrors> {
    read(stack, wants, places, cloud).await.whole()
}

/// Reads what can be read of a stack in these accounts and regions, and says what cannot; nothing anywhere else.
pub async fn read(
    stack: &str,
    wants: &Wants,
    places: &BTreeSet<Place>,
    cloud: &dyn Cloud,
) -> Reading {
    let survey = Survey {
        stack,
        wants,
        entered: places.iter().map(|it| (&it.id, it)).collect(),
        cloud,
    };
    let visits = Visits::of(places);
    let roles = survey.all_roles(&visits);
    let rest = join_all(visits.regions.values().map(|place| survey.region(place)));
    let (roles, rest) = futures::future::join(roles, rest).await;
    let mut reading = roles;
    for part in rest {
        reading.take(part);
    }
    survey.keys(&visits, &mut reading).await;
    survey.subscriptions(&visits, &mut reading).await;
    survey.left_over(&visits, &mut reading).await;
    for it in &mut reading.unread {
        let ours = |it: &Address| wants.get(it).is_none_or(|want| want.owned);
        it.foreign |= !it.addresses.is_empty() && !it.addresses.iter().any(ours);
    }
    let live = &mut reading.live;
    for (address, have) in &mut live.have {
        if wants.get(address).is_some_and(|it| !it.owned) {
            *have = have.clone().of_another(stack);
        }
    }
    live.orphans
        .sort_by(|a, b| (&a.address, &a.have.id).cmp(&(&b.address, &b.have.id)));
    reading
}

struct Survey<'a> {
    stack: &'a str,
    wants: &'a Wants,
    /// The accounts that are read, each with one of its places.
    entered: BTreeMap<&'a AccountId, &'a Place>,
    cloud: &'a dyn Cloud,
}

/// What bears a stack's mark in an account and region, by ARN, as far as the tag index knows.
async fn tagged(
    cloud: &dyn Cloud,
    place: &Place,
    stack: &str,
) -> Result<BTreeMap<String, Tags>, CallError> {
    let ask = |token| tagging::GetTagged {
        key: crate::model::tags::STACK.to_owned(),
        value: stack.to_owned(),
        token,
    };
    let tagged = cloud::all_pages(cloud, place, ask).await?;
    Ok(tagged.into_iter().map(|it| (it.arn, it.tags)).collect())
}

impl Survey<'_> {
    fn is_ours(&self, mark: Option<&Mark>) -> bool {
        mark.is_some_and(|it| it.stack == self.stack)
    }

    /// The wants of one kind in an account, or in one region of it.
    fn wanted(&self, kind: KindName, place: &Place) -> impl Iterator<Item = (&Address, &Want)> {
        self.wants.iter().filter(move |(address, want)| {
            address.kind == kind
                && want.place.id == place.id
                && (kind == KindName::Role || want.place.region == place.region)
        })
    }

    /// The addresses of these kinds in an account, or in one region of it.
    fn addresses(&self, kinds: &[KindName], place: &Place) -> BTreeSet<Address> {
        let found = kinds.iter().flat_map(|it| self.wanted(*it, place));
        found.map(|(address, _)| address.clone()).collect()
    }

    async fn region(&self, place: &Place) -> Reading {
        let mut reading = Reading::default();
        let index = match tagged(self.cloud, place, self.stack).await {
            Ok(index) => index,
            Err(error) => {
                // Without the index nobody knows what is ours, and what is not in the stack any more.
                let kinds = [
                    KindName::Topic,
                    KindName::Queue,
                    KindName::RestApi,
                    KindName::Stage,
                ];
                let all = self.addresses(&kinds, place);
                reading.lacks(place, error, all);
                return reading;
            }
        };
        let listed = self.lists_apis(place, &index);
        let parts = futures::future::join3(
            self.topics(place, &index),
            self.queues(place, &index),
            self.apis(place, &index, listed),
        )
        .await;
        reading.take(parts.0);
        let of_kinds: [(Result<Reading, CallError>, &[KindName]); 2] = [
            (parts.1, &[KindName::Queue]),
            (parts.2, &[KindName::RestApi, KindName::Stage]),
        ];
        for (part, kinds) in of_kinds {
            match part {
                Ok(part) => reading.take(part),
                Err(error) => reading.lacks(place, error, self.addresses(kinds, place)),
            }
        }
        self.confirm(place, &index, listed, &mut reading).await;
        reading
    }

    /// Whether tags of the index say less than the wanted mark: they may be old.
    fn looks_stale(&self, address: &Address, want: &Want, have: &Have) -> bool {
        let expected = Mark::read(&self.context(address, &Ids::default()).marked(want));
        have.mark != expected
            || !super::tag_details(want.resource.tags(), have.resource.tags(), None).is_empty()
    }

    /// Whether tags of the index have to be read at the resource itself: what is removed, or has its
    /// mark taken off, for being marked, must be marked now.
    fn to_be_read_again(&self, wanted: Option<(&Address, &Want)>, have: &Have) -> bool {
        match wanted {
            Some((address, want)) if want.owned => self.looks_stale(address, want, have),
            Some(_) | None => self.is_ours(have.mark.as_ref()),
        }
    }

    /// The same, unless it is neither wanted nor, whatever the index shows, marked any more.
    fn still_ours(&self, wanted: bool, have: Have) -> Option<Have> {
        (wanted || self.is_ours(have.mark.as_ref())).then_some(have)
    }

    fn context<'b>(&'b self, address: &'b Address, ids: &'b Ids) -> Context<'b> {
        Context {
            cloud: self.cloud,
            stack: self.stack,
            address,
            ids,
            closed: None,
        }
    }

    async fn apis(
        &self,
        place: &Place,
        index: &BTreeMap<String, Tags>,
        listed: bool,
    ) -> Result<Reading, CallError> {
        let wanted: Vec<(&Address, &Want)> = self.wanted(KindName::RestApi, place).collect();
        let mut reading = Reading::default();
        if !listed {
            return Ok(reading);
        }
        let mut records = rest_api::read_all(self.cloud, place).await?;
        // Of two that carry one mark, the one of the wanted name is the API, for tags may have been copied; of two of
        // one name the older, and the other was left by a lost answer.
        let names: BTreeSet<&str> = wanted
            .iter()
            .filter_map(|(_, it)| match &it.resource {
                Resource::RestApi(api) => Some(api.name.as_str()),
                _ => None,
            })
            .collect();
        let order = |it: &RestApiRecord| (!names.contains(it.name.as_str()), it.created);
        records.sort_by(|a, b| (order(a), &a.id).cmp(&(order(b), &b.id)));
        self.unlisted(place, index, &records, &mut reading).await?;
        let bare = self.without_mark(place, &records, &wanted).await?;
        let mut reads = Vec::new();
        let mut taken: BTreeSet<&Address> = BTreeSet::new();
        let adopted = |address: &Address, want: &Want, record: &RestApiRecord| {
            rest_api::found(&records, self.stack, address, want)
                .is_some_and(|it| it.id == record.id)
        };
        for record in &records {
            let mark = Mark::read(&record.tags).filter(|it| it.stack == self.stack);
            let claimed = wanted.iter().find(|(address, want)| match &want.resource {
                Resource::RestApi(api) => match &api.existing {
                    Some(id) => *id == record.id,
                    None => {
                        mark.as_ref().is_some_and(|it| it.address == **address)
                            || adopted(address, want, record)
                            || bare.get(*address) == Some(&record.id)
                    }
                },
                _ => false,
            });
            let claimed = claimed
                .copied()
                .filter(|(address, _)| taken.insert(address));
            if claimed.is_some() || mark.is_some() || self.is_lent(place, record) {
                reads.push((record, claimed, claimed.is_none() && mark.is_none()));
            }
        }
        let read = join_all(reads.into_iter().map(|(record, claimed, lent)| async move {
            let owned = !lent && claimed.is_none_or(|(_, want)| want.owned);
            let have = rest_api::fill(self.cloud, place, self.stack, record, owned).await;
            let Some((address, want)) = claimed else {
                return (None, have, Ok(Vec::new()));
            };
            let have = rest_api::with_parts(have, want, self.cloud).await;
            let stage = self
                .stage_of(address)
                .and_then(|(_, want)| match &want.resource {
                    Resource::Stage(it) => Some(it),
                    _ => None,
                });
            let stages =
                stage::read_all(self.cloud, place, self.stack, record, address, stage).await;
            (Some(address), have, stages)
        }))
        .await;
        for (claimed, have, stages) in read {
            let stage = claimed
                .and_then(|it| self.stage_of(it))
                .map(|(address, _)| address.clone());
            let mut have = match have {
                Ok(have) => have,
                Err(error) => {
                    let api = claimed.cloned();
                    reading.lacks(place, error, api.into_iter().chain(stage).collect());
                    continue;
                }
            };
            let Some(address) = claimed else {
                let id = have.id.clone();
                let left = self.left(place, KindName::RestApi, &id, have);
                reading.live.orphans.extend(left);
                continue;
            };
            match stages {
                Ok(stages) => {
                    for mut found in stages {
                        let wants = self.stage_of(address).zip(self.wants.get(address));
                        stage::Stage::recognize(&mut found, wants, &have);
                        let foreign = self.sort_stage(place, address, found, &mut reading.live);
                        if let Some((extra, stage)) = foreign {
                            have.extras.push(extra);
                            have.stages.push(stage);
                        }
                    }
                }
                Err(error) => reading.lacks(place, error, stage.into_iter().collect()),
            }
            reading.live.have.insert(address.clone(), have);
        }
        Ok(reading)
    }

    /// Notes APIs of the stack that the tag index shows and the listing does not: if one is there all the
    /// same, it must not be made a second time.
    async fn unlisted(
        &self,
        place: &Place,
        index: &BTreeMap<String, Tags>,
        records: &[RestApiRecord],
        reading: &mut Reading,
    ) -> Result<(), CallError> {
        for (arn, tags) in index {
            let (Some(id), Some(mark)) = (rest_api::id_in(arn), Mark::read(tags)) else {
                continue;
            };
            let wanted = self.wants.get(&mark.address);
            let is_listed = records.iter().any(|it| it.id == id)
                || rest_api::marked(records, self.stack, &mark.address).is_some();
            if is_listed || !wanted.is_some_and(|it| it.owned && it.place == *place) {
                continue;
            }
            // The index shows what was deleted for a while: asked by its id, the API itself answers.
            let call = GetStages { id: id.to_owned() };
            if super::or_none(cloud::call(self.cloud, place, call).await)?.is_some() {
                let message = format!(
                    "the tag index shows API {id} as `{}`, and it answers, but the listing of APIs lacks it still",
                    mark.address
                );
                let error = CallError::new(Fault::Conflict, "NotListed", message);
                let stage = self.stage_of(&mark.address).map(|(it, _)| it.clone());
                let all = stage.into_iter().chain([mark.address]).collect();
                reading.lacks(place, error, all);
            }
        }
        Ok(())
    }

    /// The stage of an API.
    fn stage_of(&self, api: &Address) -> Option<(&Address, &Want)> {
        self.wants
            .iter()
            .find(|(_, want)| matches!(&want.resource, Resource::Stage(it) if it.api == *api))
    }

    /// A stage of a wanted API: wanted itself, or ours and left over, or somebody else's: that is told.
    fn sort_stage(
        &self,
        place: &Place,
        api: &Address,
        found: Have,
        live: &mut Live,
    ) -> Option<(Extra, Have)> {
        let Resource::Stage(stage) = &found.resource else {
            return None;
        };
        let wanted = self.wants.iter().find(|(_, want)| match &want.resource {
            Resource::Stage(it) => it.name == stage.name && it.api == *api,
            _ => false,
        });
        match wanted {
            Some((address, _)) => {
                live.have.insert(address.clone(), found);
            }
            None if self.is_ours(found.mark.as_ref()) => live.orphans.extend(orphan(place, found)),
            None => return Some((stage::beside(&found)?, found)),
        }
        None
    }
}

fn orphan(place: &Place, have: Have) -> Option<Orphan> {
    let address = have.mark.as_ref()?.address.clone();
    Some(Orphan {
        address,
        place: place.clone(),
        have,
    })
}

/// The ARNs of the index that are of a service.
fn ours_in<'a>(
    index: &BTreeMap<String, Tags>,
    service: &str,
    prefix: &str,
) -> BTreeMap<Arn, Option<(&'a Address, &'a Want)>> {
    let all = index.keys().filter_map(|it| Arn::parse(it).ok());
    let these = all.filter(|it| it.service() == service && it.resource().starts_with(prefix));
    these.map(|it| (it, None)).collect()
}

/// Something read, with what of the stack it is.
type Found<'a> = (
    Option<(&'a Address, &'a Want)>,
    Result<Option<Have>, CallError>,
);

fn sorted(place: &Place, found: Vec<Found<'_>>) -> Reading {
    let mut reading = Reading::default();
    for (wanted, have) in found {
        match (wanted, have) {
            (Some((address, _)), Ok(Some(have))) => {
                reading.live.have.insert(address.clone(), have);
            }
            (None, Ok(Some(have))) => reading.live.orphans.extend(orphan(place, have)),
            (_, Ok(None)) => {}
            (wanted, Err(error)) => {
                let address = wanted.map(|(address, _)| address.clone());
                reading.lacks(place, error, address.into_iter().collect());
            }
        }
    }
    reading
}
