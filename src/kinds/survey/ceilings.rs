//! The policies of the organization and of VPC endpoints over a world: they take away, and give nothing.
//!
//! That something *works* is held against them as they are. That something is *not* allowed may rest on them only
//! where they take away more than the one request that is tried. So a denial under a condition counts against a known
//! role alone, for an example of many callers says nothing of the others; and one on single resources does not
//! count where a call of an API stands for others. A VPC endpoint's policy bears on what comes through that endpoint
//! alone, so nothing that is not allowed rests on it but a call that every way leads through one.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Above;
use super::organization::OrganizationLevel;
use crate::cloud::organizations::PolicyType;
use crate::model::{AccountId, Arn};
use crate::policy::request::MethodAuth;
use crate::policy::rules::{Kind, Rules};
use crate::policy::three::Three;
use crate::policy::widen::alone;
use crate::policy::{
    Clause, Decision, Document, Effect, Policies, Prepared, PrincipalClause, Request, Silence,
    Statement, Who,
};

/// The policies over the accounts of a world.
#[derive(Clone, Debug, Default)]
pub struct Ceilings {
    id: Option<String>,
    paths: BTreeMap<String, Option<String>>,
    levels: BTreeMap<(String, PolicyType), Vec<Level>>,
    /// The policies of VPC endpoints, by id.
    endpoints: BTreeMap<String, (Document, Arc<Rules>)>,
}

/// The policies at one level.
#[derive(Clone, Debug)]
struct Level {
    at: String,
    policies: Vec<Ceiling>,
}

/// A policy, and what of it holds beyond one request.
#[derive(Clone, Debug)]
struct Ceiling {
    document: Document,
    exact: Arc<Rules>,
    for_any_caller: Arc<Rules>,
    for_any_resource: Arc<Rules>,
    for_any: Arc<Rules>,
}

impl Ceiling {
    fn of(of: PolicyType, name: &str, at: &str, document: &Document) -> Self {
        let (kind, name) = (kind(of), format!("the {} {name} at {at}", of.noun()));
        let rules = |it: &Document| Arc::new(Rules::of(it, kind, name.clone()));
        let certain = |caller, resource| rules(&certain(document, caller, resource));
        Self {
            exact: rules(document),
            for_any_caller: certain(true, false),
            for_any_resource: certain(false, true),
            for_any: certain(true, true),
            document: document.clone(),
        }
    }
}

fn kind(of: PolicyType) -> Kind {
    match of {
        PolicyType::ServiceControlPolicy => Kind::Identity,
        PolicyType::ResourceControlPolicy => Kind::ResourceControl,
    }
}

/// What a policy takes away from any caller, or of any resource, whatever is known of them.
fn certain(document: &Document, any_caller: bool, any_resource: bool) -> Document {
    let is_whole = |it: &Option<Clause>| {
        let all = |it: &Clause| !it.negated && it.values.iter().any(|it| it == "*");
        it.as_ref().is_none_or(all)
    };
    let mut certain = document.clone();
    certain.statements.retain(|it| {
        it.effect == Effect::Allow
            || (!any_caller || it.conditions.is_empty())
                && (!any_resource || is_whole(&it.resource))
    });
    for it in &mut certain.statements {
        if it.effect == Effect::Allow && any_caller {
            it.conditions.clear();
        }
        if it.effect == Effect::Allow && any_resource && it.resource.is_some() {
            it.resource = Some(Clause::of(["*"]));
        }
    }
    certain
}

/// What a denial is concluded for: this request alone, or requests of any caller, and on any resource below one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extent {
    /// Requests of any caller.
    pub any_caller: bool,
    /// Requests for anything that the one requested stands for.
    pub any_resource: bool,
}

impl Ceilings {
    /// Returns the policies that were read, ready to be put over requests.
    #[must_use]
    pub fn of(above: &Above) -> Self {
        let Above {
            organization,
            endpoints,
        } = above;
        let paths = organization.paths.iter();
        let levels = organization.levels.iter();
        let level = |of: PolicyType, level: &OrganizationLevel| {
            let policies = level.policies.iter();
            Level {
                at: level.at.clone(),
                policies: policies
                    .map(|(name, it)| Ceiling::of(of, name, &level.at, it))
                    .collect(),
            }
        };
        let endpoint = |(id, document): (&String, &Document)| {
            let name = format!("the policy of VPC endpoint {id}");
            let rules = Arc::new(Rules::of(document, Kind::Resource, name));
            (id.clone(), (document.clone(), rules))
        };
        Self {
            endpoints: endpoints.policies.iter().map(endpoint).collect(),
            id: organization.id().map(str::to_owned),
            paths: paths
                .map(|(account, it)| (account.to_string(), it.clone()))
                .collect(),
            levels: levels
                .map(|((account, of), levels)| {
                    let levels = levels.iter().map(|it| level(*of, it)).collect();
                    ((account.to_string(), *of), levels)
                })
                .collect(),
        }
    }

    /// Puts the policies over a request for something in an account beside the others.
    pub fn put_over(
        &self,
        prepared: &mut Prepared,
        request: &Request,
        owner: &AccountId,
        extent: Extent,
    ) {
        if self.levels.is_empty() {
            return;
        }
        let chosen = |it: &Ceiling| {
            Arc::clone(match (extent.any_caller, extent.any_resource) {
                (false, false) => &it.exact,
                (true, false) => &it.for_any_caller,
                (false, true) => &it.for_any_resource,
                (true, true) => &it.for_any,
            })
        };
        let rules = |levels: &[Level]| {
            let level = |it: &Level| it.policies.iter().map(chosen).collect();
            levels.iter().map(level).collect()
        };
        prepared.scps = rules(self.over_caller(request));
        prepared.rcps = rules(self.over_owner(owner));
    }

    /// Returns the policy of the VPC endpoint that a request comes through, where it was read.
    #[must_use]
    pub fn endpoint_of(&self, request: &Request) -> Option<&(Document, Arc<Rules>)> {
        let mut context = request.context.iter();
        let (_, values) = context.find(|it| it.0.eq_ignore_ascii_case("aws:SourceVpce"))?;
        match values.as_slice() {
            [id] => self.endpoints.get(id),
            _ => None,
        }
    }

    /// Returns whether the policy of the VPC endpoint that a request comes through leaves it no room.
    #[must_use]
    pub fn closes_endpoint(&self, request: &Request, silence: Silence) -> bool {
        self.endpoint_of(request).is_some_and(|(_, rules)| {
            let mut prepared = allowing_anything();
            prepared.endpoint = Some(Arc::clone(rules));
            let request = request.owner().and_then(AccountId::parse).map_or_else(
                || Cow::Borrowed(request),
                |owner| self.carried(request, &owner),
            );
            prepared.decide_by(&request, silence).decision == Decision::Deny
        })
    }

    /// Returns the policies over each account, level by level: service control policies first.
    pub fn over_accounts(&self) -> impl Iterator<Item = (&str, [Vec<Vec<&Document>>; 2])> {
        let known = self.levels.keys().map(|it| it.0.as_str());
        let all: BTreeSet<&str> = known.chain(self.paths.keys().map(String::as_str)).collect();
        let types = [
            PolicyType::ServiceControlPolicy,
            PolicyType::ResourceControlPolicy,
        ];
        let each = all.into_iter();
        each.map(move |it| {
            let levels = types.map(|of| self.levels(it.to_owned(), of));
            (it, levels.map(documents_of))
        })
    }

    /// Returns the organization of an account, and its path there, as far as they were read.
    #[must_use]
    pub fn organization_of(&self, account: &str) -> Option<(&str, Option<&str>)> {
        let path = self.paths.get(account)?;
        Some((self.id.as_deref()?, path.as_deref()))
    }

    /// Returns the policies of VPC endpoints that were read, by their ids.
    pub fn over_endpoints(&self) -> impl Iterator<Item = (&str, &Document)> {
        let each = self.endpoints.iter();
        each.map(|(id, (document, _))| (id.as_str(), document))
    }

    fn over_caller(&self, request: &Request) -> &[Level] {
        let account = account_of(request).unwrap_or_default();
        self.levels(account, PolicyType::ServiceControlPolicy)
    }

    fn over_owner(&self, owner: &AccountId) -> &[Level] {
        self.levels(owner.to_string(), PolicyType::ResourceControlPolicy)
    }

    fn levels(&self, account: String, of: PolicyType) -> &[Level] {
        self.levels.get(&(account, of)).map_or(&[], Vec::as_slice)
    }

    /// Returns whether any policy over a request does more than allow everything.
    #[must_use]
    pub fn bear_on(&self, request: &Request, owner: &AccountId) -> bool {
        let limits = |it: &Level| it.policies.iter().any(|it| !is_full(&it.document));
        let callers = self.over_caller(request);
        let empty = callers.iter().any(|it| it.policies.is_empty());
        empty || callers.iter().chain(self.over_owner(owner)).any(limits)
    }

    /// Returns the policy that today refuses a request which its own account and the caller's would let through.
    ///
    /// The answer holds for every caller where the request is an example of many.
    #[must_use]
    pub fn refuses(&self, request: &Request, extent: Extent) -> Option<String> {
        let owner = request.owner().and_then(AccountId::parse)?;
        if !self.bear_on(request, &owner) {
            return None;
        }
        let mut prepared = allowing_anything();
        let mut request = self.carried(request, &owner).into_owned();
        request.method_auth = request.method_auth.or(Some(MethodAuth::Iam));
        self.put_over(&mut prepared, &request, &owner, extent);
        let verdict = prepared.decide(&request);
        if verdict.decision != Decision::Deny {
            return None;
        }
        let named = verdict.because.iter().find(|it| is_of_organization(it));
        let silent = || {
            Some(format!(
                "none of {} allows it",
                self.without_room(&request).first()?
            ))
        };
        named.cloned().or_else(silent)
    }

    /// Returns the levels over the caller at which no policy allows a request, as a sentence names them.
    #[must_use]
    pub fn without_room(&self, request: &Request) -> Vec<String> {
        let silent = |it: &&Level| {
            let mut policies = it.policies.iter();
            policies.all(|it| alone(&it.document, request) == Three::No)
        };
        let levels = self.over_caller(request).iter().filter(silent);
        levels
            .map(|it| format!("the service control policies at {}", it.at))
            .collect()
    }

    /// Returns a request with what it carries of the organization: that of its caller and of what is called.
    #[must_use]
    pub fn carried<'r>(&self, request: &'r Request, owner: &AccountId) -> Cow<'r, Request> {
        let Some(id) = self.id.as_deref().filter(|_| !self.paths.is_empty()) else {
            return Cow::Borrowed(request);
        };
        let mut request = Cow::Borrowed(request);
        let caller = account_of(&request);
        let sides = [
            (caller, "aws:PrincipalOrgID", "aws:PrincipalOrgPaths"),
            (
                Some(owner.to_string()),
                "aws:ResourceOrgID",
                "aws:ResourceOrgPaths",
            ),
        ];
        for (account, of_id, of_path) in sides {
            let Some(path) = account.and_then(|it| self.paths.get(&it)) else {
                continue;
            };
            let values = [(of_id, Some(id)), (of_path, path.as_deref())];
            for (key, value) in values {
                let is_told = request
                    .context
                    .keys()
                    .any(|it| it.eq_ignore_ascii_case(key));
                if let Some(value) = value.filter(|_| !is_told) {
                    request = Cow::Owned(request.into_owned().with(key, [value]));
                }
            }
        }
        request
    }
}

fn documents_of(levels: &[Level]) -> Vec<Vec<&Document>> {
    let policies = levels.iter().map(|it| it.policies.iter());
    policies
        .map(|it| it.map(|it| &it.document).collect())
        .collect()
}

/// A caller and a resource whose own policies allow everything.
fn allowing_anything() -> Prepared {
    let anything = Statement::allow("", Clause::of(["*"])).on(["*"]);
    let anyone = Statement {
        principal: Some(PrincipalClause::anyone()),
        ..anything.clone()
    };
    Prepared::of(&Policies {
        identity: vec![Document::of(vec![anything])],
        resource: Some(Document::of(vec![anyone])),
        ..Policies::default()
    })
}

/// Whether a policy allows everything, and takes nothing away.
fn is_full(document: &Document) -> bool {
    let is_whole = |it: &Clause| !it.negated && it.values.iter().any(|it| it == "*");
    document.statements.iter().all(|it| {
        it.effect == Effect::Allow
            && it.conditions.is_empty()
            && is_whole(&it.action)
            && it.resource.as_ref().is_some_and(is_whole)
    }) && !document.statements.is_empty()
}

/// Returns whether a reason is that a policy of the organization denies.
#[must_use]
pub fn is_of_organization(because: &str) -> bool {
    let mut kinds = PolicyType::ALL.into_iter();
    kinds.any(|it| because.starts_with(&format!("the {} ", it.noun())))
        && because.ends_with(", denies it")
}

/// The account whose principal makes a request; a service has none.
fn account_of(request: &Request) -> Option<String> {
    match &request.principal {
        Who::Arn(arn) => Arn::parse(arn)
            .ok()
            .map(|it| it.account().to_owned())
            .filter(|it| !it.is_empty()),
        Who::Service(_) | Who::Anonymous => None,
    }
}
