//! What the callers of the sandbox are allowed, where somebody says so: each call is decided as IAM would.
//!
//! An account in which nothing is said allows everything, as for an administrator. Resource policies have their own
//! judges, where the calls are answered; only the side of the caller is decided here.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::Sandbox;
use super::refusal::{Answered, refuse};
use super::state::World;
use crate::cloud::permission::{Asked, RESOURCE_ALIASES};
use crate::cloud::{Fault, Request};
use crate::model::{AccountId, Arn, Partition, Place, Tags};
use crate::policy::{
    Clause, Decision, Document, Grammar, Policies, Prepared, PrincipalClause, Statement, Who,
};

/// How many characters a session policy may have.
const SESSION_POLICY: usize = 2048;

/// What the caller in an account is allowed.
#[derive(Clone, Debug, Default)]
pub(super) struct Deployer {
    /// The policies of the role; `None` allows everything.
    identity: Option<Prepared>,
    /// The policy of the role's session.
    session: Option<Prepared>,
    /// What was asked.
    asked: RefCell<BTreeSet<crate::policy::Request>>,
}

impl Sandbox {
    /// Lets the calls in an account be made by a role with these policies and no others; `None` lifts that.
    pub fn limit(&self, account: &AccountId, policies: Option<Vec<Document>>) {
        let mut deployers = self.deployers.borrow_mut();
        let policies = policies.map(prepared);
        deployers.entry(account.clone()).or_default().identity = policies;
    }

    /// Enters accounts with session policies, as STS takes them: by their characters, and by IAM's grammar.
    pub(super) fn enter_with(&self, policies: &BTreeMap<AccountId, Document>) -> Answered<()> {
        let mut deployers = self.deployers.borrow_mut();
        for (account, policy) in policies {
            let text = policy.to_value().to_string();
            if text.len() > SESSION_POLICY {
                let message = format!(
                    "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less \
                     than or equal to {SESSION_POLICY}"
                );
                return refuse(Fault::Invalid, "ValidationError", message);
            }
            let arns = policy.statements.iter().flat_map(|it| &it.resource);
            let arn = arns
                .flat_map(|it| &it.values)
                .find_map(|it| Arn::parse(it).ok());
            let all = ["cn-north-1", "us-gov-west-1", "eusc-de-east-1"].map(Partition::of_region);
            let named = |it: &Partition| {
                arn.as_ref()
                    .is_some_and(|arn| arn.partition() == it.as_str())
            };
            let partition = all.into_iter().find(named).unwrap_or(Partition::Aws);
            Grammar::Identity
                .read(partition, &text)
                .or_else(super::iam::malformed)?;
            let deployer = deployers.entry(account.clone()).or_default();
            deployer.session = Some(prepared(vec![policy.clone()]));
        }
        Ok(())
    }

    /// Returns what IAM was asked so far in accounts whose callers are limited.
    #[must_use]
    pub fn asked(&self) -> BTreeSet<(AccountId, crate::policy::Request)> {
        let deployers = self.deployers.borrow();
        let asked = deployers.iter().flat_map(|(id, it)| {
            let asked = it.asked.borrow();
            asked
                .iter()
                .map(|it| (id.clone(), it.clone()))
                .collect::<Vec<_>>()
        });
        asked.collect()
    }

    /// Refuses what the caller is not allowed.
    pub(super) fn authorize(&self, world: &World, at: &Place, request: &Request) -> Answered<()> {
        let deployers = self.deployers.borrow();
        let limited = |it: &&Deployer| it.identity.is_some() || it.session.is_some();
        let Some(deployer) = deployers.get(&at.id).filter(limited) else {
            return Ok(());
        };
        let account = world.accounts.get(&at.id);
        let path = |name: &str| Some(account?.roles.get(name)?.path.clone());
        for asked in request.asks(at, &path) {
            if let Some(why) = deployer.refuses(world, at, &asked) {
                let Asked {
                    action, resource, ..
                } = asked;
                return refuse(
                    Fault::Denied,
                    "AccessDenied",
                    format!(
                        "User: {} is not authorized to perform: {action} on resource: {resource} because no {why} allows \
                         the {action} action",
                        super::caller(at)
                    ),
                );
            }
        }
        Ok(())
    }
}

impl Deployer {
    /// Which kind of policy does not allow it.
    fn refuses(&self, world: &World, at: &Place, asked: &Asked) -> Option<&'static str> {
        // The policy is the caller's side of a call alone, so it is asked as in the account of what the call is on: there it is enough.
        let owner = Arn::parse(&asked.resource).ok();
        let owner = owner.and_then(|it| it.account_id());
        let owner = Place {
            id: owner.unwrap_or_else(|| at.id.clone()),
            ..at.clone()
        };
        let role = Arn::role(&owner, "/", "sandbox").to_string();
        let mut request =
            crate::policy::Request::new(Who::Arn(role), asked.action, asked.resource.clone());
        request.resource_account = Some(owner.id.to_string());
        request.context.clone_from(&asked.context);
        request
            .context
            .extend(of_resource(world, at, &asked.resource));
        self.asked.borrow_mut().insert(request.clone());
        let allows = |policies: &Prepared| {
            // The policy of a key must say yes in any case: it hands over to the account, as KMS writes it first.
            let resource = asked.action.starts_with("kms:").then(|| {
                let root = Arn::root(owner.partition().as_str(), &owner.id).to_string();
                let own = Statement::allow("", Clause::of(["kms:*"])).on(["*"]);
                Document::of(vec![own.to(PrincipalClause::aws([root]))])
            });
            let keys = Prepared::of(&Policies {
                resource,
                ..Policies::default()
            });
            let policies = Prepared {
                resource: keys.resource,
                ..policies.clone()
            };
            policies.decide(&request).decision == Decision::Allow
        };
        if self.session.as_ref().is_some_and(|it| !allows(it)) {
            return Some("session policy");
        }
        let refuses = self.identity.as_ref().is_some_and(|it| !allows(it));
        refuses.then_some("identity-based policy")
    }
}

/// Policies of a caller, made ready for many requests.
fn prepared(identity: Vec<Document>) -> Prepared {
    Prepared::of(&Policies {
        identity,
        ..Policies::default()
    })
}

/// The condition keys of what an ARN names.
fn of_resource(world: &World, at: &Place, resource: &str) -> BTreeMap<String, Vec<String>> {
    let mut context = BTreeMap::new();
    let Ok(arn) = Arn::parse(resource) else {
        return context;
    };
    let Some(account) = world
        .accounts
        .get(&arn.account_id().unwrap_or_else(|| at.id.clone()))
    else {
        return context;
    };
    let regional = account.regions.get(&at.region);
    let tags: Option<&Tags> = match arn.service() {
        "iam" => account.roles.get(arn.name()).map(|it| &it.tags),
        "sns" => regional
            .and_then(|it| it.topics.get(arn.name()))
            .map(|it| &it.tags),
        "sqs" => regional
            .and_then(|it| it.queues.get(arn.name()))
            .map(|it| &it.tags),
        "apigateway" => {
            // What is in an API inherits the API's tags.
            let id = arn.resource().strip_prefix("/restapis/");
            let id = id.and_then(|it| it.split('/').next()).unwrap_or_default();
            regional
                .and_then(|it| it.apis.get(id))
                .map(|it| &it.about.tags)
        }
        "kms" => {
            let key = regional.and_then(|it| it.keys.get(arn.name()));
            let aliases = key.map(|it| it.aliases.iter().cloned().collect());
            context.insert(RESOURCE_ALIASES.to_owned(), aliases.unwrap_or_default());
            None
        }
        _ => None,
    };
    for (key, value) in tags.into_iter().flatten() {
        context.insert(format!("aws:ResourceTag/{key}"), vec![value.clone()]);
    }
    context
}
