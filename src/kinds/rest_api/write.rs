//! What is written to an API, in as few calls as AWS has for it.

use std::collections::BTreeSet;

use super::closing::{self, policy_patch};
use super::{REDEPLOY, RestApi, SOURCE, UPDATING, arn, is_updating, method, openapi, owes_key};
use crate::cloud::apigateway::{
    CreateRestApi, GetApiResources, GetStages, Patch, PutRestApi, RestApiRecord, TagApi, UntagApi,
    UpdateMethod, UpdateRestApi,
};
use crate::cloud::{self, CallError, Fault};
use crate::kinds::{Context, Have, Want, mark_keys, policy_details, stage, stale_tags};
use crate::model::tags::LONGEST_VALUE;
use crate::model::{Mark, Place, Tags};
use crate::policy::{Document, own};
use crate::stack::{Endpoint, RouteKey};

/// The type of endpoint of a private API.
///
/// See <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-api-migration.html>: a private API
/// becomes a regional one only.
const TYPES_PRIVATE: &str = "/endpointConfiguration/types/PRIVATE";

/// The value of the tag that names the stages which are still to be deployed.
fn owed(stages: &BTreeSet<String>) -> String {
    let names = stages.iter().map(String::as_str).collect::<Vec<_>>();
    let named = names.join(" ");
    if named.len() <= LONGEST_VALUE {
        named
    } else {
        stage::ANY.to_owned()
    }
}

impl RestApi {
    /// Makes the API without methods. Its mark is in the call that makes it, for the name would not find it again.
    pub(super) async fn create(&self, want: &Want, cx: &Context<'_>) -> Result<String, CallError> {
        let call = CreateRestApi {
            name: self.name.clone(),
            description: Some(self.description.clone()).filter(|it| !it.is_empty()),
            // It comes with the methods: it may name roles that do not exist yet.
            policy: None,
            endpoint_type: self.endpoint.as_str().to_owned(),
            vpc_endpoints: self.vpc_endpoints.iter().cloned().collect(),
            binary_media_types: self.binary_media_types.iter().cloned().collect(),
            minimum_compression: self.minimum_compression,
            api_key_source: self.api_key_source.clone(),
            disable_execute_api: self.disable_execute_api,
            tags: cx.marked(want),
        };
        Ok(cloud::call(cx.cloud, &want.place, call).await?.id)
    }

    /// Brings methods and policy to an API that has just been made.
    pub(super) async fn import_first(
        &self,
        want: &Want,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        let id = cx.id(cx.address)?;
        let mut policy = own::join(None, Vec::new(), self.policy.statements.clone());
        if let (Some(closed), Some(stage)) = (cx.closed, &self.closed_stage) {
            closed
                .borrow_mut()
                .insert(cx.address.clone(), policy.clone());
            policy = closing::closed(
                policy,
                &want.place,
                &id,
                (cx.stack, stage, want.quotas.api_policy),
            );
        }
        self.import(&want.place, cx, &id, None, &policy).await?;
        if let Some(digest) = &self.source_digest {
            // Not before the import: the tag says that this document has arrived.
            let tags = Tags::from([(SOURCE.to_owned(), digest.clone())]);
            let call = TagApi {
                arn: arn(&want.place, &id),
                tags,
            };
            cloud::call(cx.cloud, &want.place, call).await?;
        }
        Ok(())
    }

    /// Imports the whole API, over what is there if it is there already, and sees to it that the policy arrived.
    async fn import(
        &self,
        place: &Place,
        cx: &Context<'_>,
        id: &str,
        over: Option<&Self>,
        policy: &Document,
    ) -> Result<(), CallError> {
        let version = over.and_then(|it| it.version.as_deref());
        let body = openapi::encode(self, policy, version).to_string();
        let call = PutRestApi {
            id: id.to_owned(),
            overwrite: over.is_some(),
            // What we generate must arrive whole; what the author wrote may have parts that AWS leaves out, and the
            // run reports those.
            fail_on_warnings: self.source.is_none(),
            body,
        };
        let record = cloud::call(cx.cloud, place, call).await?;
        if self.arrived(place, cx, &record)? {
            return Ok(());
        }
        let patches = vec![policy_patch(policy)];
        let call = UpdateRestApi {
            id: id.to_owned(),
            patches,
        };
        let record = cloud::call(cx.cloud, place, call).await?;
        if self.arrived(place, cx, &record)? {
            return Ok(());
        }
        let message =
            format!("the API {id} did not take its resource policy; nothing was deployed");
        Err(CallError::new(Fault::Broken, "PolicyNotTaken", message))
    }

    /// Whether an answer shows our statements: by their `Sid`s, for AWS may write the rest of
    /// one in other words. An import that fails inside may leave half of it behind.
    fn arrived(
        &self,
        place: &Place,
        cx: &Context<'_>,
        record: &RestApiRecord,
    ) -> Result<bool, CallError> {
        let have = super::decode(place, cx.stack, record, &[], true)?;
        let there = &Self::live(&have).policy.statements;
        let mut wanted = self.policy.statements.iter();
        Ok(wanted.all(|it| there.iter().any(|other| other.sid == it.sid)))
    }

    pub(super) async fn settle_owned(
        &self,
        want: &Want,
        have: &Have,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        let live = Self::live(have);
        if live.updating {
            return Err(updating(&have.id));
        }
        let place = &want.place;
        if live.endpoint == Endpoint::Private && self.endpoint == Endpoint::Edge {
            // AWS changes a private API into a regional one, and that one into an edge-optimized one.
            let patch = Patch::replace(TYPES_PRIVATE, Endpoint::Regional.as_str());
            self.update(place, cx, &have.id, vec![patch]).await?;
        }
        let policy = have.policy_for(want, &self.policy);
        let mut patches = self.patches(live);
        if !policy_details(want, &self.policy, &live.policy, have).is_empty() {
            patches.push(policy_patch(&policy));
            self.announce(want, have, cx).await?;
        }
        if self.comparable(live) != self.methods || live.source_digest != self.source_digest {
            // All but the type of the endpoint is in the document. That goes first: VPC endpoints need it.
            patches.retain(|it| it.path.starts_with("/endpointConfiguration/types/"));
            self.update(place, cx, &have.id, patches).await?;
            self.import(place, cx, &have.id, Some(live), &policy)
                .await?;
        } else {
            self.update(place, cx, &have.id, patches).await?;
        }
        self.tag(want, have, cx).await
    }

    pub(super) async fn settle_existing(
        &self,
        want: &Want,
        have: &Have,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        let live = Self::live(have);
        let place = &want.place;
        if !policy_details(want, &self.policy, &live.policy, have).is_empty() {
            let policy = have.policy_for(want, &self.policy);
            self.update(place, cx, &have.id, vec![policy_patch(&policy)])
                .await?;
            if !live.owes.is_empty() {
                self.owe_nothing(place, &have.id, cx).await?;
            }
        }
        let unsigned: BTreeSet<_> = self.unsigned(live).map(|(key, _)| key.clone()).collect();
        if !unsigned.is_empty() {
            self.sign(place, have, &unsigned, cx).await?;
        }
        // What else is let go of comes first: without its mark an API can only be found by its id.
        if have.released && !want.letting_go {
            self.release(place, have, cx).await?;
        }
        Ok(())
    }

    /// Asks for signatures where the API's owner left methods without our authorizer.
    async fn sign(
        &self,
        place: &Place,
        have: &Have,
        unsigned: &BTreeSet<RouteKey>,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        let ask = |position| GetApiResources {
            id: have.id.clone(),
            position,
        };
        for resource in cloud::all_pages(cx.cloud, place, ask).await? {
            for verb in resource.methods.keys() {
                if !unsigned.contains(&method::key(verb, &resource.path)) {
                    continue;
                }
                let call = UpdateMethod {
                    id: have.id.clone(),
                    resource: resource.id.clone(),
                    verb: verb.clone(),
                    patches: vec![Patch::replace("/authorizationType", method::AWS_IAM)],
                };
                cloud::call(cx.cloud, place, call).await?;
            }
        }
        Ok(())
    }

    /// Takes our mark off, off the stages first: without the API's nobody finds them again.
    async fn release(&self, place: &Place, have: &Have, cx: &Context<'_>) -> Result<(), CallError> {
        let id = &have.id;
        let stages = cloud::call(cx.cloud, place, GetStages { id: id.clone() }).await?;
        let ours = |tags: &Tags| Mark::read(tags).is_some_and(|it| it.stack == cx.stack);
        for stage in stages.iter().filter(|it| ours(&it.tags)) {
            let call = UntagApi {
                arn: stage::arn(place, id, &stage.name),
                keys: mark_keys(),
            };
            cloud::call(cx.cloud, place, call).await?;
        }
        let mut keys = mark_keys();
        keys.extend([SOURCE, REDEPLOY].map(str::to_owned));
        let arn = arn(place, id);
        cloud::call(cx.cloud, place, UntagApi { arn, keys }).await
    }

    /// Takes our statements out of another's API, and out of the stages that serve them.
    pub(super) async fn withdraw(
        &self,
        place: &Place,
        have: &Have,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        let stages = &self.named_stages() | &self.owes;
        let Some(served) = stage::Served::read(cx.cloud, place, &have.id).await? else {
            return Ok(());
        };
        let untold = &served.untold(cx.stack, &stages) | &self.owes;
        let mut noted = !self.owes.is_empty();
        if !self.policy.statements.is_empty() {
            if !untold.is_empty() {
                // Once the statements are out of the policy nothing else would say what the stages serve still.
                let tags = Tags::from([(owes_key(cx.stack), owed(&untold))]);
                let arn = arn(place, &have.id);
                cloud::call(cx.cloud, place, TagApi { arn, tags }).await?;
                noted = true;
            }
            let policy = have.policy_with(&Document::of(Vec::new()), |_| true);
            let patches = vec![policy_patch(&policy)];
            let call = UpdateRestApi {
                id: have.id.clone(),
                patches,
            };
            match cloud::call(cx.cloud, place, call).await {
                Err(error) if error.fault == Fault::Missing => return Ok(()),
                other => other?,
            };
        }
        let names = (cx.stack, have.id.as_str());
        served.withdraw(cx.cloud, place, names, &stages).await?;
        if noted {
            self.owe_nothing(place, &have.id, cx).await?;
        }
        Ok(())
    }

    /// The stages that the stack's statements name; [`stage::ANY`] where one may name any.
    fn named_stages(&self) -> BTreeSet<String> {
        let statements = self.policy.statements.iter();
        let resources = statements.flat_map(|it| it.resource.iter().flat_map(|it| &it.values));
        let stage_of = |it: &String| {
            let path = it.split_once('/').map_or("", |(_, path)| path);
            let stage = path.split('/').next().unwrap_or_default();
            let is_exact = !stage.is_empty() && !stage.contains(['*', '?']);
            if is_exact { stage } else { stage::ANY }.to_owned()
        };
        resources.map(stage_of).collect()
    }

    /// Takes off the API the tag that says which stages are to be deployed without the stack's statements.
    async fn owe_nothing(
        &self,
        place: &Place,
        id: &str,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        let call = UntagApi {
            arn: arn(place, id),
            keys: vec![owes_key(cx.stack)],
        };
        cloud::call(cx.cloud, place, call).await
    }

    async fn update(
        &self,
        at: &Place,
        cx: &Context<'_>,
        id: &str,
        patches: Vec<Patch>,
    ) -> Result<(), CallError> {
        if patches.is_empty() {
            return Ok(());
        }
        let call = UpdateRestApi {
            id: id.to_owned(),
            patches,
        };
        let record = cloud::call(cx.cloud, at, call).await?;
        if is_updating(&record) {
            return Err(updating(id));
        }
        Ok(())
    }

    /// Says on the API that its stage needs a deployment, where nothing else would say so.
    ///
    /// Before the policy is mended, since after it the evidence is gone.
    async fn announce(&self, want: &Want, have: &Have, cx: &Context<'_>) -> Result<(), CallError> {
        // Where the text changes too, the deployment's digest says so.
        if want.renames || !Self::announces(have) {
            return Ok(());
        }
        let tags = Tags::from([(REDEPLOY.to_owned(), "policy".to_owned())]);
        let call = TagApi {
            arn: arn(&want.place, &have.id),
            tags,
        };
        cloud::call(cx.cloud, &want.place, call).await
    }

    async fn tag(&self, want: &Want, have: &Have, cx: &Context<'_>) -> Result<(), CallError> {
        let live = Self::live(have);
        let arn = arn(&want.place, &have.id);
        let mut keys = stale_tags(want, have);
        if self.source_digest.is_none() && live.source_digest.is_some() {
            keys.push(SOURCE.to_owned());
        }
        if !keys.is_empty() {
            cloud::call(
                cx.cloud,
                &want.place,
                UntagApi {
                    arn: arn.clone(),
                    keys,
                },
            )
            .await?;
        }
        let mut tags = cx.marked(want);
        let differs = crate::model::Mark::read(&tags) != have.mark
            || self
                .tags
                .iter()
                .any(|(key, value)| live.tags.get(key) != Some(value))
            || (self.source_digest.is_some() && self.source_digest != live.source_digest);
        if differs {
            if let Some(digest) = &self.source_digest {
                tags.insert(SOURCE.to_owned(), digest.clone());
            }
            cloud::call(cx.cloud, &want.place, TagApi { arn, tags }).await?;
        }
        Ok(())
    }

    /// The patches for the settings that differ.
    fn patches(&self, live: &Self) -> Vec<Patch> {
        let mut patches = Vec::new();
        if live.name != self.name {
            patches.push(Patch::replace("/name", &self.name));
        }
        if live.description != self.description {
            // AWS refuses an empty description.
            patches.push(if self.description.is_empty() {
                Patch::remove("/description", None)
            } else {
                Patch::replace("/description", &self.description)
            });
        }
        if live.endpoint != self.endpoint {
            let by_regional = (live.endpoint, self.endpoint) == (Endpoint::Private, Endpoint::Edge);
            let from = if by_regional {
                Endpoint::Regional
            } else {
                live.endpoint
            };
            let path = format!("/endpointConfiguration/types/{}", from.as_str());
            patches.push(Patch::replace(path, self.endpoint.as_str()));
        }
        let vpc_endpoints = "/endpointConfiguration/vpcEndpointIds";
        // An API that is private no longer has lost its VPC endpoints by that.
        let gone = live.vpc_endpoints.difference(&self.vpc_endpoints);
        let gone = gone.filter(|_| self.endpoint.as_str() == "PRIVATE");
        patches.extend(gone.map(|it| Patch::remove(vpc_endpoints, Some(it.clone()))));
        let new = self.vpc_endpoints.difference(&live.vpc_endpoints);
        patches.extend(new.map(|it| Patch::add(vpc_endpoints, Some(it.clone()))));
        let media_type = |it: &String| {
            format!(
                "/binaryMediaTypes/{}",
                it.replace('~', "~0").replace('/', "~1")
            )
        };
        let gone = live.binary_media_types.difference(&self.binary_media_types);
        patches.extend(gone.map(|it| Patch::remove(media_type(it), None)));
        let new = self.binary_media_types.difference(&live.binary_media_types);
        patches.extend(new.map(|it| Patch::add(media_type(it), None)));
        if live.minimum_compression != self.minimum_compression {
            let mut patch = Patch::replace("/minimumCompressionSize", "");
            patch.value = self.minimum_compression.map(|it| it.to_string());
            patches.push(patch);
        }
        if live.api_key_source != self.api_key_source {
            patches.push(Patch::replace("/apiKeySource", &self.api_key_source));
        }
        if live.disable_execute_api != self.disable_execute_api {
            let value = self.disable_execute_api.to_string();
            patches.push(Patch::replace("/disableExecuteApiEndpoint", value));
        }
        patches
    }
}

/// The engine asks again until AWS has carried out an earlier change: it refuses another one, and may refuse an import.
fn updating(id: &str) -> CallError {
    let message = format!("the API {id} has the status UPDATING: AWS still changes its endpoint");
    CallError::new(Fault::Conflict, UPDATING, message)
}
