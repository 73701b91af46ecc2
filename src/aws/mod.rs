//! AWS, through its SDK: the one room that says `aws_sdk_`.
//!
//! A phrasebook. Each call of [`crate::cloud`] is one function here: build the
//! request, send it, say what an error means, return plain types. Nothing is
//! retried, ordered or decided.
//!
//! Always true here:
//! - a request is on the wire once: the SDK's own retries are off, for the seam
//!   counts and repeats every request;
//! - every account has clients and a retry partition of its own, so one that is
//!   throttled does not slow another down;
//! - all of them share one HTTP client, so a hundred accounts use the same few
//!   TLS connections.

mod account;
mod apigateway;
mod cloudcontrol;
mod endpoints;
mod fault;
#[cfg(test)]
mod fields;
mod iam;
mod kms;
mod nulls;
mod organizations;
mod profile;
mod sns;
mod sqs;
mod sts;
mod tagging;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sdk_sts::config::retry::RetryPartition;
use aws_sdk_sts::config::{IdentityCache, SharedHttpClient};
use futures::future::LocalBoxFuture;

use self::account::{Base, Counter, Entrance};
pub use self::endpoints::again_without_empty;
use self::nulls::WithoutNulls;
pub use self::profile::Ask;
use crate::cloud::{Answer, CallError, Cloud, Fault, Request, Service};
use crate::model::{AccountId, Place, Region};
use crate::policy::Document;
use crate::stack::Account;

/// What is known of the way to AWS beside profiles and environment.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Where every call goes instead of AWS; `AWS_ENDPOINT_URL` says the same.
    pub endpoint: Option<String>,
    /// Keys to begin with, by the account's name in the stack.
    pub keys: BTreeMap<String, Keys>,
    /// Who is asked for the code of an MFA device.
    pub ask: Option<Ask>,
}

/// Keys of a user or session.
#[derive(Clone)]
pub struct Keys {
    /// The key's id.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: String,
    /// The session's token; `None` for a user's keys.
    pub session_token: Option<String>,
}

impl Keys {
    fn credentials(&self) -> Credentials {
        Credentials::new(
            &self.access_key_id,
            &self.secret_access_key,
            self.session_token.clone(),
            None,
            "Keys",
        )
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Keys({})", self.access_key_id)
    }
}

/// Accounts that begin with the same credentials share them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Begin {
    /// A profile, or the default chain.
    Chain(Option<String>),
    /// Keys of this account alone.
    Keys(String),
}

/// AWS, as the accounts of a stack see it.
#[derive(Debug)]
pub struct Aws {
    entrances: BTreeMap<String, Entrance>,
    clients: RefCell<BTreeMap<(String, Region), Rc<Clients>>>,
    counter: Counter,
}

impl Aws {
    /// The ways into these accounts, by profile and environment. Nothing is asked
    /// of anyone until the first call.
    ///
    /// `session` is the name that sessions carry in the accounts' logs: the stack's.
    pub fn connect<'a>(accounts: impl IntoIterator<Item = &'a Account>, session: &str) -> Self {
        Self::reach(accounts, session, &Reach::default())
    }

    /// The ways into these accounts, where it is not the environment alone that says them.
    pub fn reach<'a>(
        accounts: impl IntoIterator<Item = &'a Account>,
        session: &str,
        reach: &Reach,
    ) -> Self {
        let http = http_client();
        let counter = Counter::default();
        let mut bases: BTreeMap<Begin, Arc<Base>> = BTreeMap::new();
        let entrances = accounts
            .into_iter()
            .map(|account| {
                let name = &account.place.account;
                let keys = reach.keys.get(name);
                let begin = match keys {
                    Some(_) => Begin::Keys(name.clone()),
                    None => Begin::Chain(account.credentials.profile.clone()),
                };
                let base = bases.entry(begin).or_insert_with(|| {
                    Arc::new(Base::new(
                        account,
                        reach.endpoint.clone(),
                        keys.map(Keys::credentials),
                        http.clone(),
                        counter.clone(),
                        reach.ask,
                    ))
                });
                let entrance = Entrance::new(account.clone(), session, Arc::clone(base));
                (name.clone(), entrance)
            })
            .collect();
        Self {
            entrances,
            clients: RefCell::default(),
            counter,
        }
    }

    /// How many calls were made only to get credentials: `AssumeRole`, and
    /// `GetCallerIdentity` where credentials are used as they are.
    #[must_use]
    pub fn credential_calls(&self) -> u64 {
        self.counter.get()
    }

    async fn clients(&self, at: &Place, entrance: &Entrance) -> Rc<Clients> {
        let key = (at.account.clone(), at.region.clone());
        if let Some(clients) = self.clients.borrow().get(&key) {
            return Rc::clone(clients);
        }
        let config = entrance
            .base()
            .config()
            .await
            .to_builder()
            .region(aws_config::Region::new(at.region.to_string()))
            .credentials_provider(entrance.lent())
            // The credentials are kept in `account`; a second cache would hold on to old ones.
            .identity_cache(IdentityCache::no_cache())
            .build();
        let clients = Rc::new(Clients::new(config, at));
        self.clients
            .borrow_mut()
            .entry(key)
            .or_insert(clients)
            .clone()
    }

    async fn perform(&self, at: &Place, request: Request) -> Result<Answer, CallError> {
        let entrance = self.entrances.get(&at.account).ok_or_else(|| {
            CallError::new(
                Fault::Credentials,
                "UnknownAccount",
                format!(
                    "nothing says how to get into account `{}` ({}): add it to `[accounts]`",
                    at.account, at.id
                ),
            )
        })?;
        if let Err(error) = entrance.enter().await {
            let config = entrance.base().config().await;
            return Err(unreached(error, config, Service::Sts));
        }
        let clients = self.clients(at, entrance).await;
        let (writes, service) = (request.writes(), request.service());
        let answer = Box::pin(clients.perform(at, request)).await;
        answer.map_err(|error| {
            let error = unreached(error, &clients.config, service);
            fault::of_read(entrance.explain(error), writes)
        })
    }
}

/// The same error, with the address where nothing listens and where that address is written.
fn unreached(error: CallError, config: &SdkConfig, service: Service) -> CallError {
    if error.code != fault::NO_CONNECTION || error.fault == Fault::NoLogin {
        return error;
    }
    let name = service.prefix();
    let message = match endpoints::instead_of_aws(config, name) {
        Some(it) => format!(
            "nothing listens at {} ({}); start what is to answer there, or take the setting away",
            it.url, it.from
        ),
        None => format!(
            "{name} refused the connection; look at the network, and at HTTPS_PROXY where it is set"
        ),
    };
    CallError { message, ..error }
}

impl Cloud for Aws {
    fn send<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(self.perform(at, request))
    }

    fn restrict(&self, policies: &BTreeMap<AccountId, Document>) -> Result<(), CallError> {
        for entrance in self.entrances.values() {
            if let Some(policy) = policies.get(entrance.account_id()) {
                entrance.restrict(policy.to_value().to_string())?;
            }
        }
        Ok(())
    }
}

/// The HTTP client that the SDK would make for each client, made once.
fn http_client() -> SharedHttpClient {
    use aws_smithy_http_client::proxy::ProxyConfig;
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
    use aws_smithy_http_client::{Builder, ConnectorBuilder};

    let client = Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector =
            ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    });
    SharedHttpClient::new(WithoutNulls(client))
}

/// The clients of one account in one region, each made when it is first asked for.
#[derive(Debug)]
struct Clients {
    config: SdkConfig,
    at: Place,
    iam: OnceLock<aws_sdk_iam::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
    sns: OnceLock<aws_sdk_sns::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    apigateway: OnceLock<aws_sdk_apigateway::Client>,
    tagging: OnceLock<aws_sdk_resourcegroupstagging::Client>,
    kms: OnceLock<aws_sdk_kms::Client>,
    organizations: OnceLock<aws_sdk_organizations::Client>,
    cloudcontrol: OnceLock<aws_sdk_cloudcontrol::Client>,
}

macro_rules! client {
    ($self:ident, $field:ident, $sdk:ident) => {
        $self.$field.get_or_init(|| {
            let partition = format!(
                "{}-{}-{}",
                stringify!($field),
                $self.at.region,
                $self.at.account
            );
            let mut config = $sdk::config::Builder::from(&$self.config)
                .retry_partition(RetryPartition::new(partition));
            if let Some(endpoint) = endpoints::of_service(&$self.config, stringify!($field)) {
                config = config.endpoint_url(endpoint);
            }
            $sdk::Client::from_conf(config.build())
        })
    };
}

impl Clients {
    fn new(config: SdkConfig, at: &Place) -> Self {
        Self {
            config,
            at: at.clone(),
            iam: OnceLock::new(),
            sts: OnceLock::new(),
            sns: OnceLock::new(),
            sqs: OnceLock::new(),
            apigateway: OnceLock::new(),
            tagging: OnceLock::new(),
            kms: OnceLock::new(),
            organizations: OnceLock::new(),
            cloudcontrol: OnceLock::new(),
        }
    }

    fn queue_url(&self, name: &str) -> String {
        let own = endpoints::of_service(&self.config, "sqs");
        let endpoint = own.as_deref().or(self.config.endpoint_url());
        sqs::url(&self.at, endpoint, name)
    }

    async fn perform(&self, at: &Place, request: Request) -> Result<Answer, CallError> {
        debug_assert_eq!(at, &self.at, "clients belong to one account and region");
        let iam = || client!(self, iam, aws_sdk_iam);
        let sts = || client!(self, sts, aws_sdk_sts);
        let sns = || client!(self, sns, aws_sdk_sns);
        let sqs = || client!(self, sqs, aws_sdk_sqs);
        let api = || client!(self, apigateway, aws_sdk_apigateway);
        let tagging = || client!(self, tagging, aws_sdk_resourcegroupstagging);
        let kms = || client!(self, kms, aws_sdk_kms);
        let organizations = || client!(self, organizations, aws_sdk_organizations);
        let cloudcontrol = || client!(self, cloudcontrol, aws_sdk_cloudcontrol);
        let url = |name: &str| self.queue_url(name);
        /// Sends with the phrasebook's function and names the answer after the call.
        macro_rules! sent {
            ($name:ident, $function:expr $(, $argument:expr)*) => {
                Answer::$name(Box::pin($function($($argument),*)).await?)
            };
        }
        Ok(match request {
            Request::GetCallerIdentity(_) => {
                sent!(GetCallerIdentity, sts::get_caller_identity, sts())
            }

            Request::GetAccountAuthorizationDetails(it) => sent!(
                GetAccountAuthorizationDetails,
                iam::get_account_authorization_details,
                iam(),
                it
            ),
            Request::ListRoles(it) => sent!(ListRoles, iam::list_roles, iam(), it),
            Request::CreateRole(it) => sent!(CreateRole, iam::create_role, iam(), it),
            Request::UpdateRole(it) => sent!(UpdateRole, iam::update_role, iam(), it),
            Request::UpdateAssumeRolePolicy(it) => sent!(
                UpdateAssumeRolePolicy,
                iam::update_assume_role_policy,
                iam(),
                it
            ),
            Request::PutRolePolicy(it) => sent!(PutRolePolicy, iam::put_role_policy, iam(), it),
            Request::DeleteRolePolicy(it) => {
                sent!(DeleteRolePolicy, iam::delete_role_policy, iam(), it)
            }
            Request::AttachRolePolicy(it) => {
                sent!(AttachRolePolicy, iam::attach_role_policy, iam(), it)
            }
            Request::DetachRolePolicy(it) => {
                sent!(DetachRolePolicy, iam::detach_role_policy, iam(), it)
            }
            Request::GetPolicy(it) => sent!(GetPolicy, iam::get_policy, iam(), it),
            Request::GetAccountSummary(_) => {
                sent!(GetAccountSummary, iam::get_account_summary, iam())
            }
            Request::GetPolicyVersion(it) => {
                sent!(GetPolicyVersion, iam::get_policy_version, iam(), it)
            }
            Request::CreatePolicy(it) => sent!(CreatePolicy, iam::create_policy, iam(), it),
            Request::CreatePolicyVersion(it) => {
                sent!(CreatePolicyVersion, iam::create_policy_version, iam(), it)
            }
            Request::SetDefaultPolicyVersion(it) => sent!(
                SetDefaultPolicyVersion,
                iam::set_default_policy_version,
                iam(),
                it
            ),
            Request::DeletePolicyVersion(it) => {
                sent!(DeletePolicyVersion, iam::delete_policy_version, iam(), it)
            }
            Request::DeletePolicy(it) => sent!(DeletePolicy, iam::delete_policy, iam(), it),
            Request::PutRolePermissionsBoundary(it) => sent!(
                PutRolePermissionsBoundary,
                iam::put_role_permissions_boundary,
                iam(),
                it
            ),
            Request::DeleteRolePermissionsBoundary(it) => sent!(
                DeleteRolePermissionsBoundary,
                iam::delete_role_permissions_boundary,
                iam(),
                it
            ),
            Request::TagRole(it) => sent!(TagRole, iam::tag_role, iam(), it),
            Request::UntagRole(it) => sent!(UntagRole, iam::untag_role, iam(), it),
            Request::DeleteRole(it) => sent!(DeleteRole, iam::delete_role, iam(), it),

            Request::CreateTopic(it) => sent!(CreateTopic, sns::create_topic, sns(), it),
            Request::GetTopicAttributes(it) => {
                sent!(GetTopicAttributes, sns::get_topic_attributes, sns(), it)
            }
            Request::SetTopicAttributes(it) => {
                sent!(SetTopicAttributes, sns::set_topic_attributes, sns(), it)
            }
            Request::DeleteTopic(it) => sent!(DeleteTopic, sns::delete_topic, sns(), it),
            Request::ListTopicTags(it) => sent!(ListTopicTags, sns::list_topic_tags, sns(), it),
            Request::TagTopic(it) => sent!(TagTopic, sns::tag_topic, sns(), it),
            Request::UntagTopic(it) => sent!(UntagTopic, sns::untag_topic, sns(), it),
            Request::Subscribe(it) => sent!(Subscribe, sns::subscribe, sns(), it),
            Request::Unsubscribe(it) => sent!(Unsubscribe, sns::unsubscribe, sns(), it),
            Request::GetSubscriptionAttributes(it) => sent!(
                GetSubscriptionAttributes,
                sns::get_subscription_attributes,
                sns(),
                it
            ),
            Request::SetSubscriptionAttributes(it) => sent!(
                SetSubscriptionAttributes,
                sns::set_subscription_attributes,
                sns(),
                it
            ),
            Request::ListTopics(it) => sent!(ListTopics, sns::list_topics, sns(), it),
            Request::ListSubscriptions(it) => {
                sent!(ListSubscriptions, sns::list_subscriptions, sns(), it)
            }
            Request::ListSubscriptionsByTopic(it) => sent!(
                ListSubscriptionsByTopic,
                sns::list_subscriptions_by_topic,
                sns(),
                it
            ),

            Request::CreateQueue(it) => sent!(CreateQueue, sqs::create_queue, sqs(), it),
            Request::GetQueueAttributes(it) => {
                sent!(
                    GetQueueAttributes,
                    sqs::get_queue_attributes,
                    sqs(),
                    url,
                    it
                )
            }
            Request::SetQueueAttributes(it) => {
                sent!(
                    SetQueueAttributes,
                    sqs::set_queue_attributes,
                    sqs(),
                    url,
                    it
                )
            }
            Request::DeleteQueue(it) => sent!(DeleteQueue, sqs::delete_queue, sqs(), url, it),
            Request::ListQueues(it) => sent!(ListQueues, sqs::list_queues, sqs(), it),
            Request::ListQueueTags(it) => {
                sent!(ListQueueTags, sqs::list_queue_tags, sqs(), url, it)
            }
            Request::TagQueue(it) => sent!(TagQueue, sqs::tag_queue, sqs(), url, it),
            Request::UntagQueue(it) => sent!(UntagQueue, sqs::untag_queue, sqs(), url, it),

            Request::GetRestApis(it) => sent!(GetRestApis, apigateway::get_rest_apis, api(), it),
            Request::CreateRestApi(it) => {
                sent!(CreateRestApi, apigateway::create_rest_api, api(), it)
            }
            Request::PutRestApi(it) => sent!(PutRestApi, apigateway::put_rest_api, api(), it),
            Request::UpdateRestApi(it) => {
                sent!(UpdateRestApi, apigateway::update_rest_api, api(), it)
            }
            Request::DeleteRestApi(it) => {
                sent!(DeleteRestApi, apigateway::delete_rest_api, api(), it)
            }
            Request::GetApiResources(it) => {
                sent!(GetApiResources, apigateway::get_resources, api(), it)
            }
            Request::GetAuthorizers(it) => {
                sent!(GetAuthorizers, apigateway::get_authorizers, api(), it)
            }
            Request::GetModels(it) => {
                sent!(GetModels, apigateway::get_models, api(), it)
            }
            Request::GetRequestValidators(it) => {
                sent!(
                    GetRequestValidators,
                    apigateway::get_request_validators,
                    api(),
                    it
                )
            }
            Request::GetGatewayResponses(it) => {
                sent!(
                    GetGatewayResponses,
                    apigateway::get_gateway_responses,
                    api(),
                    it
                )
            }
            Request::GetDocumentationParts(it) => {
                sent!(
                    GetDocumentationParts,
                    apigateway::get_documentation_parts,
                    api(),
                    it
                )
            }
            Request::UpdateMethod(it) => {
                sent!(UpdateMethod, apigateway::update_method, api(), it)
            }
            Request::CreateDeployment(it) => {
                sent!(CreateDeployment, apigateway::create_deployment, api(), it)
            }
            Request::GetDeployment(it) => {
                sent!(GetDeployment, apigateway::get_deployment, api(), it)
            }
            Request::GetDeployments(it) => {
                sent!(GetDeployments, apigateway::get_deployments, api(), it)
            }
            Request::DeleteDeployment(it) => {
                sent!(DeleteDeployment, apigateway::delete_deployment, api(), it)
            }
            Request::GetStages(it) => sent!(GetStages, apigateway::get_stages, api(), it),
            Request::UpdateStage(it) => sent!(UpdateStage, apigateway::update_stage, api(), it),
            Request::DeleteStage(it) => sent!(DeleteStage, apigateway::delete_stage, api(), it),
            Request::TagApi(it) => sent!(TagApi, apigateway::tag_api, api(), it),
            Request::UntagApi(it) => sent!(UntagApi, apigateway::untag_api, api(), it),

            Request::DescribeKey(it) => sent!(DescribeKey, kms::describe_key, kms(), it),
            Request::GetKeyPolicy(it) => sent!(GetKeyPolicy, kms::get_key_policy, kms(), it),
            Request::PutKeyPolicy(it) => sent!(PutKeyPolicy, kms::put_key_policy, kms(), it),

            Request::DescribeOrganization(_) => sent!(
                DescribeOrganization,
                organizations::describe_organization,
                organizations()
            ),
            Request::ListRoots(it) => {
                sent!(ListRoots, organizations::list_roots, organizations(), it)
            }
            Request::ListParents(it) => sent!(
                ListParents,
                organizations::list_parents,
                organizations(),
                it
            ),
            Request::ListPoliciesForTarget(it) => sent!(
                ListPoliciesForTarget,
                organizations::list_policies_for_target,
                organizations(),
                it
            ),
            Request::DescribePolicy(it) => sent!(
                DescribePolicy,
                organizations::describe_policy,
                organizations(),
                it
            ),

            Request::GetVpcEndpoint(it) => sent!(
                GetVpcEndpoint,
                cloudcontrol::get_vpc_endpoint,
                cloudcontrol(),
                it
            ),

            Request::GetTagged(it) => sent!(GetTagged, tagging::get_tagged, tagging(), it),
        })
    }
}
