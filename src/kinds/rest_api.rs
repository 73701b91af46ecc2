//! REST APIs (API Gateway v1) with their methods and resource policy.
//!
//! An API's id is AWS's choice and its name is not unique, so an API is found by
//! the mark that it got in the call that made it, never by its name. It exists
//! first, without methods; then one import brings methods, authorizers and policy.
//! Nothing of that is served until a stage gets a new deployment ([`super::Stage`]).
//!
//! | field                 | patch                                    | change |
//! |-----------------------|------------------------------------------|--------|
//! | `name`, `description` | `/name`, `/description`                  | update |
//! | `endpoint`            | `/endpointConfiguration/types/{old}`     | update; private to edge by way of regional |
//! | `vpc_endpoints`       | `/endpointConfiguration/vpcEndpointIds`  | update |
//! | `binary_media_types`  | `/binaryMediaTypes/{type}`               | update |
//! | `minimum_compression` | `/minimumCompressionSize`                | update |
//! | `disable_execute_api` | `/disableExecuteApiEndpoint`             | update |
//! | `policy`              | `/policy`                                | update |
//! | `routes`, `document`  | none: one import of the whole API        | update |
//!
//! What differs goes in one `UpdateRestApi`, or, once a method differs, in one
//! `PutRestApi`. That one overwrites, and erases what the document leaves out: it
//! is always the whole API, foreign statements of the policy included.
//!
//! Of an API that something else deploys, our statements and the authorizers of
//! its methods are ours, and nothing else.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/api/API_RestApi.html>.

pub mod closing;
pub mod method;
pub mod openapi;
mod parts;
mod write;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Context, Have, Kind, Resource, Want, or_none, policy_details, release_details, tag_details,
};
use crate::cloud::apigateway::{
    DeleteRestApi, GetApiResources, GetRestApis, ResourceRecord, RestApiRecord,
};
use crate::cloud::{self, CallError, Cloud, Fault};
use crate::model::tags::{short_hash, unmarked};
use crate::model::{Address, Change, Cost, Detail, Differences, Mark, Place, Tags};
use crate::policy::{ApiName, Document, Statement, normal, own};
use crate::stack::{Endpoint, RouteKey};

pub use method::{Method, Methods};
pub use parts::ApiPart;
pub(crate) use parts::{add as with_parts, read as read_parts};

/// The tag that remembers which document of the author's was imported last.
///
/// `GetResources` shows less than a document may say (models, parameters, gateway
/// responses); a change of the rest is seen by this.
pub const SOURCE: &str = "provision:source";

/// The tag of an API whose policy was written anew because it named a principal that was
/// deleted. The text is as before, so nothing else would tell that the stage still serves
/// the old one; the stage takes the tag away once it has a deployment of the new.
pub const REDEPLOY: &str = "provision:redeploy";

/// What the tag of an API begins with that names the stages which are still to be deployed without a stack's statements;
/// the stack's short hash follows. It is there from before the policy is mended until the last of them is deployed, where
/// somebody else deployed them, and what they serve does not tell whose statements it holds.
const OWES: &str = "provision:redeploy:";

/// The key of that tag.
fn owes_key(stack: &str) -> String {
    format!("{OWES}{}", short_hash(stack))
}

/// What that tag of an API says.
fn owes(record: &RestApiRecord, stack: &str) -> BTreeSet<String> {
    let value = record.tags.get(&owes_key(stack));
    let names = value.into_iter().flat_map(|it| it.split(' '));
    names.map(str::to_owned).collect()
}

/// The code of the error that stands for a change which AWS has begun and not ended.
pub const UPDATING: &str = "ApiUpdating";

/// A REST API, as the stack wants it or as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct RestApi {
    /// The name; not unique.
    pub name: String,
    /// The id, when something else made the API.
    pub existing: Option<String>,
    /// The description; empty for none.
    pub description: String,
    /// Who can reach it.
    pub endpoint: Endpoint,
    /// VPC endpoints of a private API.
    pub vpc_endpoints: BTreeSet<String>,
    /// Media types passed on as bytes.
    pub binary_media_types: BTreeSet<String>,
    /// Smallest body that is compressed, in bytes.
    pub minimum_compression: Option<u32>,
    /// `HEADER` or `AUTHORIZER`.
    pub api_key_source: String,
    /// Whether `execute-api` host names are switched off.
    pub disable_execute_api: bool,
    /// Our statements of the resource policy, resources in the form `execute-api:/STAGE/METHOD/path`.
    pub policy: Document,
    /// Methods by route. Of an existing API none is wanted.
    pub methods: Methods,
    /// The version that its last document gave it. Only read, never wanted.
    pub version: Option<String>,
    /// AWS still carries out an earlier change of it. Only read, never wanted.
    pub updating: bool,
    /// The stages of another's API that are still to be deployed without the stack's statements. Only read, never wanted.
    pub owes: BTreeSet<String>,
    /// Routes of an existing API whose authorizers stay as they are. Only wanted, never read.
    pub public: BTreeSet<RouteKey>,
    /// The author's document, ready to be imported. Only wanted, never read.
    pub source: Option<Value>,
    /// The digest of that document.
    pub source_digest: Option<String>,
    /// The stage that must not serve before it has its settings. Only wanted, never read.
    pub closed_stage: Option<String>,
    /// The author's tags.
    pub tags: Tags,
}

/// `arn:P:apigateway:REGION::/restapis/ID`, which tags are written by.
#[must_use]
pub fn arn(place: &Place, id: &str) -> String {
    format!(
        "arn:{}:apigateway:{}::/restapis/{id}",
        place.partition(),
        place.region
    )
}

/// The id of the API that an ARN names; `None` of anything else, and of what belongs to an API.
#[must_use]
pub fn id_in(arn: &str) -> Option<&str> {
    let (head, id) = arn.split_once("::/restapis/")?;
    (head.contains(":apigateway:") && !id.contains('/')).then_some(id)
}

/// The REST APIs of an account in a region: one call for five hundred.
pub async fn read_all(cloud: &dyn Cloud, at: &Place) -> Result<Vec<RestApiRecord>, CallError> {
    cloud::all_pages(cloud, at, |position| GetRestApis { position }).await
}

/// The API that bears this mark; the oldest one, should there be several.
///
/// A second one is what a lost answer leaves where the listing lagged behind.
#[must_use]
pub fn marked<'a>(
    records: &'a [RestApiRecord],
    stack: &str,
    address: &Address,
) -> Option<&'a RestApiRecord> {
    records
        .iter()
        .filter(|it| {
            Mark::read(&it.tags).is_some_and(|it| it.stack == stack && it.address == *address)
        })
        .min_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)))
}

/// The API that bears the mark of this want, or of an address that it had, or else the one that is to
/// be taken over by its id.
#[must_use]
pub fn found<'a>(
    records: &'a [RestApiRecord],
    stack: &str,
    address: &Address,
    want: &Want,
) -> Option<&'a RestApiRecord> {
    let adopts = want.adopts.as_deref();
    let moved = || want.was.iter().find_map(|it| marked(records, stack, it));
    let named = || records.iter().find(|it| adopts == Some(it.id.as_str()));
    marked(records, stack, address)
        .or_else(moved)
        .or_else(named)
}

/// Whether an API's policy holds statements of the stack.
#[must_use]
pub fn has_statements(record: &RestApiRecord, stack: &str) -> bool {
    document(record).is_ok_and(|it| it.is_some_and(|it| !own::split(&it, stack).0.is_empty()))
}

/// Whether another's API has statements of the stack, or a stage that may serve them still.
#[must_use]
pub fn is_lent(record: &RestApiRecord, stack: &str) -> bool {
    has_statements(record, stack) || record.tags.contains_key(&owes_key(stack))
}

/// Whether the stage serves a policy that names principals which are gone.
///
/// It does while our statements name one, and after they were mended until the
/// stage is deployed.
#[must_use]
pub fn owes_deployment(record: &RestApiRecord, stack: &str) -> bool {
    let names_ghosts =
        |it: Document| !own::ghosts(&Document::of(own::split(&it, stack).0)).is_empty();
    record.tags.contains_key(REDEPLOY)
        || document(record).is_ok_and(|it| it.is_some_and(names_ghosts))
}

/// Takes our statements out of another's API, and out of the stages that serve them.
pub(crate) async fn withdraw(at: &Place, id: &str, cx: &Context<'_>) -> Result<(), CallError> {
    let records = read_all(cx.cloud, at).await?;
    let Some(record) = records.iter().find(|it| it.id == id) else {
        return Ok(());
    };
    let have = decode(at, cx.stack, record, &[], false)?;
    RestApi::live(&have).withdraw(at, &have, cx).await
}

/// The digest of what a deployment takes of an API besides its methods.
pub(super) fn listed(record: &RestApiRecord) -> String {
    let policy = document(record).ok().flatten();
    super::digest(&json!({
        "policy": policy.map(|it| normal(&it).to_document().to_value()),
        "endpoint": record.endpoint_type,
        "vpc_endpoints": record.vpc_endpoints.iter().collect::<BTreeSet<_>>(),
        "binary_media_types": record.binary_media_types.iter().collect::<BTreeSet<_>>(),
        "minimum_compression": record.minimum_compression,
        "api_key_source": record.api_key_source,
        "disable_execute_api": record.disable_execute_api,
    }))
}

/// The same of an API as AWS has it at this moment; empty when it is gone.
pub(super) async fn listed_now(
    cloud: &dyn Cloud,
    at: &Place,
    id: &str,
) -> Result<String, CallError> {
    let records = read_all(cloud, at).await?;
    let record = records.iter().find(|it| it.id == id);
    Ok(record.map(listed).unwrap_or_default())
}

/// All of an API that a listing has: one call for its methods.
pub async fn fill(
    cloud: &dyn Cloud,
    at: &Place,
    stack: &str,
    record: &RestApiRecord,
    owned: bool,
) -> Result<Have, CallError> {
    let resources = resources(cloud, at, &record.id).await?;
    decode(at, stack, record, &resources, owned)
}

/// The resources of an API, with their methods.
async fn resources(
    cloud: &dyn Cloud,
    at: &Place,
    id: &str,
) -> Result<Vec<ResourceRecord>, CallError> {
    let ask = |position| GetApiResources {
        id: id.to_owned(),
        position,
    };
    cloud::all_pages(cloud, at, ask).await
}

/// What AWS's answers say.
pub fn decode(
    at: &Place,
    stack: &str,
    record: &RestApiRecord,
    resources: &[ResourceRecord],
    owned: bool,
) -> Result<Have, CallError> {
    let mut tags = unmarked(&record.tags);
    let source_digest = tags.remove(SOURCE);
    tags.remove(REDEPLOY);
    tags.retain(|key, _| !key.starts_with(OWES));
    let mut api = RestApi {
        name: record.name.clone(),
        existing: (!owned).then(|| record.id.clone()),
        description: record.description.clone().unwrap_or_default(),
        endpoint: match record.endpoint_type.as_str() {
            "REGIONAL" => Endpoint::Regional,
            "PRIVATE" => Endpoint::Private,
            _ => Endpoint::Edge,
        },
        vpc_endpoints: record.vpc_endpoints.iter().cloned().collect(),
        binary_media_types: record.binary_media_types.iter().cloned().collect(),
        minimum_compression: record.minimum_compression,
        api_key_source: match record.api_key_source.as_str() {
            "" => "HEADER".to_owned(),
            other => other.to_owned(),
        },
        disable_execute_api: record.disable_execute_api,
        policy: Document::of(Vec::new()),
        methods: method::of_resources(resources),
        version: record.version.clone(),
        updating: is_updating(record),
        owes: owes(record, stack),
        public: BTreeSet::new(),
        source: None,
        source_digest,
        closed_stage: None,
        tags,
    };
    let mut have = Have::of(Resource::RestApi(api.clone()), &record.id, &record.tags);
    have.created = Some(record.created);
    if !owned {
        // A mark on another's API is that other's; ours comes off.
        have = have.of_another(stack);
    }
    if let Some(document) = document(record)? {
        let account = at.id.as_str();
        let name = ApiName {
            partition: at.partition().as_str(),
            region: at.region.as_str(),
            account,
            api: &record.id,
        };
        api.policy = name.shorten(&have.take_policy(document, stack, |_| false));
    }
    have.resource = Resource::RestApi(api);
    Ok(have)
}

/// Whether AWS still carries out an earlier change of an API: of its type of endpoint, for minutes.
fn is_updating(record: &RestApiRecord) -> bool {
    matches!(record.status.as_deref(), Some("UPDATING" | "PENDING"))
}

/// The resource policy, when there is one.
fn document(record: &RestApiRecord) -> Result<Option<Document>, CallError> {
    let Some(text) = record.policy.as_deref().filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    Document::parse_escaped(text).map(Some).map_err(|error| {
        let message = format!(
            "the resource policy of the API {} cannot be read: {error}",
            record.id
        );
        CallError::new(Fault::Invalid, "UnreadablePolicy", message)
    })
}

impl RestApi {
    /// A digest of all that a deployment takes a snapshot of: when it differs, a stage needs a new one.
    ///
    /// Name, description and tags are not served. Whether foreign statements may stay is:
    /// taking them out changes the policy.
    #[must_use]
    pub fn surface_digest(&self, exclusive: bool) -> String {
        super::digest(&json!({
            "methods": method::to_value(&self.methods),
            "policy": normal(&self.policy).to_document().to_value(),
            "endpoint": self.endpoint,
            "vpc_endpoints": self.vpc_endpoints,
            "binary_media_types": self.binary_media_types,
            "minimum_compression": self.minimum_compression,
            "api_key_source": self.api_key_source,
            "disable_execute_api": self.disable_execute_api,
            "source": self.source_digest,
            "exclusive": exclusive,
        }))
    }

    /// Whether what differs in a field is something that a deployment takes with it.
    #[must_use]
    pub fn is_served(field: &str) -> bool {
        !matches!(field, "tags" | "description" | "mark" | "name")
    }

    /// The digest of a document.
    #[must_use]
    pub fn digest_of_source(source: &Value) -> String {
        super::digest(source)
    }

    /// Whether mending its policy leaves no trace, though what the stage serves names principals that are gone.
    #[must_use]
    pub fn announces(have: &Have) -> bool {
        !own::ghosts(&Self::live(have).policy).is_empty()
    }

    /// Whether it has statements of the stack, or a stage that may serve them still.
    #[must_use]
    pub fn has_part(&self) -> bool {
        !self.policy.statements.is_empty() || !self.owes.is_empty()
    }

    fn live(have: &Have) -> &Self {
        match &have.resource {
            Resource::RestApi(it) => it,
            other => unreachable!("an API was compared with a {}", other.kind().singular()),
        }
    }

    /// Returns live methods as far as they are compared: what else a document says is vouched for by its digest.
    fn comparable(&self, live: &Self) -> Methods {
        let mut methods = live.methods.clone();
        if self.source.is_some() {
            for it in methods.values_mut() {
                it.more.clear();
            }
        }
        methods
    }

    /// Methods of an existing API that its owner left without our authorizer.
    fn unsigned<'a>(&'a self, live: &'a Self) -> impl Iterator<Item = (&'a RouteKey, &'a Method)> {
        live.methods.iter().filter(|(key, method)| {
            method.authorization != method::AWS_IAM && !self.public.contains(*key)
        })
    }

    /// The methods that an API has once this is settled on what is there.
    #[must_use]
    pub fn methods_after(&self, have: Option<&Have>) -> Methods {
        let live = have.map(Self::live).filter(|_| self.existing.is_some());
        let Some(live) = live else {
            return self.methods.clone();
        };
        let mut methods = live.methods.clone();
        for (key, _) in self.unsigned(live) {
            if let Some(method) = methods.get_mut(key) {
                method::AWS_IAM.clone_into(&mut method.authorization);
            }
        }
        methods
    }

    /// The digest of methods, as a deployment tells which it holds.
    #[must_use]
    pub fn digest_of_methods(methods: &Methods) -> String {
        super::digest(&method::to_value(methods))
    }

    /// The digest of the statements of an API's policy that no stack made, but for those that a want takes away.
    #[must_use]
    pub fn digest_of_foreign(want: Option<&Want>, have: Option<&Have>) -> String {
        let stays = |it: &&Statement| {
            let of_a_stack = it
                .sid
                .as_ref()
                .is_some_and(|it| it.starts_with(own::RESERVED));
            !of_a_stack && want.is_none_or(|want| !want.drops_statement(it))
        };
        let foreign = have.into_iter().flat_map(|it| &it.foreign).filter(stays);
        Self::digest_of_statements(foreign)
    }

    /// The digest of some statements of an API's policy, as a deployment tells which of others it holds.
    #[must_use]
    pub fn digest_of_statements<'a>(these: impl Iterator<Item = &'a Statement>) -> String {
        let document = Document::of(these.cloned().collect());
        super::digest(&normal(&document).to_document().to_value())
    }

    /// Returns the callers that reach no route of the API any more as it is now, and reached it as it was before.
    ///
    /// See <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html> and
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-disable-default-endpoint.html>.
    #[must_use]
    pub fn closed_to(&self, before: &Self) -> Vec<&'static str> {
        let is_private = |it: &Self| it.endpoint == Endpoint::Private;
        let by_network = match (is_private(before), is_private(self)) {
            (false, true) => Some("callers from outside a VPC endpoint for `execute-api`"),
            (true, false) => Some("callers through a VPC endpoint"),
            (false, false) | (true, true) => None,
        };
        let is_off = self.disable_execute_api && !before.disable_execute_api;
        let by_name = is_off.then_some("callers by the `execute-api` host name");
        by_network.into_iter().chain(by_name).collect()
    }

    fn settings(&self, live: &Self) -> Differences {
        let endpoint = Change {
            field: "endpoint".to_owned(),
            from: Some(live.endpoint.as_str().to_lowercase()),
            to: Some(self.endpoint.as_str().to_lowercase()),
            details: Vec::new(),
            cost: Cost::Update,
        };
        let mut found = Differences::default()
            .field("name", &live.name, &self.name)
            .field("description", &live.description, &self.description);
        if live.endpoint != self.endpoint {
            found.push(endpoint);
        }
        found
            .field("vpc_endpoints", &live.vpc_endpoints, &self.vpc_endpoints)
            .field(
                "binary_media_types",
                &live.binary_media_types,
                &self.binary_media_types,
            )
            .field(
                "minimum_compression",
                &live.minimum_compression,
                &self.minimum_compression,
            )
            .field("api_key_source", &live.api_key_source, &self.api_key_source)
            .field(
                "disable_execute_api",
                &live.disable_execute_api,
                &self.disable_execute_api,
            )
    }
}

impl Kind for RestApi {
    fn differences(&self, want: &Want, have: &Have) -> Differences {
        let live = Self::live(have);
        let policy = policy_details(want, &self.policy, &live.policy, have);
        if self.existing.is_some() {
            let authorizers = self.unsigned(live).map(|(key, method)| Detail {
                sign: '~',
                text: format!(
                    "{key} {}",
                    method::authorizer_change(&method.authorization, method::AWS_IAM)
                ),
            });
            return Differences::default()
                .list("policy", policy)
                .list("routes", authorizers.collect())
                .list("mark", release_details(have));
        }
        let mut routes = method::details(&self.comparable(live), &self.methods);
        if self.source.is_some() && have.mark.is_none() {
            routes.extend(method::give_way(&live.methods));
        }
        self.settings(live)
            .list("routes", routes)
            .field("document", &live.source_digest, &self.source_digest)
            .list("policy", policy)
            .list(
                "tags",
                tag_details(&self.tags, &live.tags, have.mark.as_ref()),
            )
    }

    async fn read(&self, want: &Want, cx: &Context<'_>) -> Result<Option<Have>, CallError> {
        let known = cx.ids.borrow().get(cx.address).cloned();
        let known = self.existing.clone().or(known);
        // The policy is in the listing, and comes last: what is written next should rest on as new
        // a read as can be.
        let resources = match &known {
            Some(id) => or_none(resources(cx.cloud, &want.place, id).await)?,
            None => None,
        };
        let records = read_all(cx.cloud, &want.place).await?;
        let record = match &self.existing {
            Some(id) => records.iter().find(|it| it.id == *id),
            None => found(&records, cx.stack, cx.address, want),
        };
        let Some(record) = record else {
            return Ok(None);
        };
        let owned = self.existing.is_none();
        if let Some(resources) = resources.filter(|_| known.as_ref() == Some(&record.id)) {
            return decode(&want.place, cx.stack, record, &resources, owned).map(Some);
        }
        let have = fill(cx.cloud, &want.place, cx.stack, record, owned);
        have.await.map(Some)
    }

    async fn read_back(
        &self,
        want: &Want,
        before: &Have,
        cx: &Context<'_>,
    ) -> Result<Option<Have>, CallError> {
        let records = read_all(cx.cloud, &want.place).await?;
        let record = records.iter().find(|it| it.id == before.id);
        let owned = self.existing.is_none();
        record
            .map(|it| decode(&want.place, cx.stack, it, &[], owned))
            .transpose()
    }

    async fn exist(
        &self,
        want: &Want,
        have: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<String, CallError> {
        match (have, &self.existing) {
            (Some(have), _) => Ok(have.id.clone()),
            (None, Some(id)) => {
                let message = format!("there is no REST API `{id}` in {}", want.place);
                Err(CallError::new(Fault::Missing, "NotFoundException", message))
            }
            (None, None) => self.create(want, cx).await,
        }
    }

    async fn settle(
        &self,
        want: &Want,
        have: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        match have {
            None => self.import_first(want, cx).await,
            Some(have) if self.existing.is_some() => self.settle_existing(want, have, cx).await,
            Some(have) => self.settle_owned(want, have, cx).await,
        }
    }

    async fn remove(&self, place: &Place, have: &Have, cx: &Context<'_>) -> Result<(), CallError> {
        if self.existing.is_some() {
            return self.withdraw(place, have, cx).await;
        }
        super::role::gone_is_fine(
            cloud::call(
                cx.cloud,
                place,
                DeleteRestApi {
                    id: have.id.clone(),
                },
            )
            .await,
        )
    }

    fn to_value(&self) -> Value {
        json!({
            "name": self.name,
            "existing": self.existing,
            "description": self.description,
            "endpoint": self.endpoint,
            "vpc_endpoints": self.vpc_endpoints,
            "binary_media_types": self.binary_media_types,
            "minimum_compression": self.minimum_compression,
            "api_key_source": self.api_key_source,
            "disable_execute_api": self.disable_execute_api,
            "policy": self.policy.to_value(),
            "methods": method::to_value(&self.methods),
            "public": self.public.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "source": self.source_digest,
            "tags": self.tags,
        })
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
