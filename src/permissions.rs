//! What the role that enters an account must be allowed, by the calls that the program makes there.
//!
//! Nothing is listed by hand: each type of call says the actions that it needs ([`CallType::needs`]) and the kind of resource
//! that each is on; the stack says which resources of that kind there are. An action gets `*` only where the service
//! authorization reference has no resource for it. What AWS names by an id of its own choice is named by its mark.

pub mod session;

use std::collections::{BTreeMap, BTreeSet};

use crate::cloud::permission::{
    BOUNDARY, Need, On, PASSED_TO, POLICY_ARN, REQUEST_ALIAS, RESOURCE_ALIASES, passed_by, role_in,
};
use crate::cloud::{CallType, Service};
use crate::kinds::key::encrypting;
use crate::kinds::rest_api::method;
use crate::kinds::{Resource, RestApi, Role, Want};
use crate::lower::Desired;
use crate::model::{AccountId, Arn, KmsKey, Place, lease, tags};
use crate::policy::document::Conditions;
use crate::policy::size::{self, Budget};
use crate::policy::{Clause, Document, PrincipalClause, Statement};
use crate::stack::{Account, Stack};

/// What the role is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Every command: first apply, update, drift, `verify --live` and destroy.
    Apply,
    /// Commands that only read.
    Read,
}

/// Returns the place at which the lease of a stack is: in its account with the lowest id that is entered.
#[must_use]
pub fn lease_place<'a>(stack: &'a Stack, unreachable: &BTreeSet<AccountId>) -> Option<&'a Place> {
    let places = stack.accounts.values().map(|it| &it.place);
    let entered = places.filter(|it| !unreachable.contains(&it.id));
    entered.min_by_key(|it| (&it.id, &it.region))
}

/// Returns the policy that the role in an account needs for a stack.
#[must_use]
pub fn policy(stack: &Stack, desired: &Desired, id: &AccountId, purpose: Purpose) -> Document {
    let ground = Ground::of(stack, desired, id);
    let mut granted = Granted::new();
    for call in CallType::ALL {
        if call.writes && purpose == Purpose::Read {
            continue;
        }
        for need in call.needs {
            for (conditions, resources) in ground.on(*need, call) {
                if !resources.is_empty() {
                    let known = granted.entry((conditions, need.action)).or_default();
                    known.extend(resources);
                }
            }
        }
    }
    document_of(granted)
}

/// What is allowed: resources by the conditions and the action.
type Granted = BTreeMap<(Conditions, &'static str), BTreeSet<String>>;

/// Returns the policy that allows this: actions on the same resources under the same conditions make a statement.
fn document_of(granted: Granted) -> Document {
    let mut statements: BTreeMap<(Conditions, BTreeSet<String>), Vec<&str>> = BTreeMap::new();
    for ((conditions, action), resources) in granted {
        let actions = statements.entry((conditions, resources)).or_default();
        actions.push(action);
    }
    let statements = statements
        .into_iter()
        .map(|((conditions, resources), actions)| Statement {
            sid: None,
            conditions,
            ..Statement::allow("", Clause::of(actions)).on(resources)
        });
    Document::of(statements.collect())
}

/// Returns a policy as policies that IAM takes, none longer than a managed policy may be.
#[must_use]
pub fn fitting(policy: &Document) -> Vec<Document> {
    let fits =
        |statements: &[Statement]| !size::managed(&Document::of(statements.to_vec())).is_over();
    let mut whole: Vec<Statement> = policy.statements.iter().rev().cloned().collect();
    let (mut full, mut last) = (Vec::new(), Vec::new());
    while let Some(mut statement) = whole.pop() {
        if !fits(std::slice::from_ref(&statement))
            && let Some(resources) = statement.resource.as_mut().filter(|it| it.values.len() > 1)
        {
            let half = resources.values.split_off(resources.values.len() / 2);
            whole.push(Statement {
                resource: Some(Clause::of(half)),
                ..statement.clone()
            });
            whole.push(statement);
            continue;
        }
        last.push(statement);
        if last.len() > 1 && !fits(&last) {
            let over = last.split_off(last.len() - 1);
            full.push(std::mem::replace(&mut last, over));
        }
    }
    full.push(last);
    full.into_iter().map(Document::of).collect()
}

/// Returns how long a policy is, against what a managed policy may be.
#[must_use]
pub fn length(policy: &Document) -> Budget {
    size::managed(policy)
}

/// Returns the trust policy of the role that enters an account: these principals may assume it, with the external id that
/// the stack says.
#[must_use]
pub fn trust(account: &Account, principals: &[Arn]) -> Document {
    let statement = Statement::allow("", Clause::of(["sts:AssumeRole"]));
    let mut statement = statement.to(PrincipalClause::aws(principals.iter().map(Arn::as_str)));
    statement.sid = None;
    if let Some(id) = &account.credentials.external_id {
        statement = statement.when("StringEquals", "sts:ExternalId", [id]);
    }
    Document::of(vec![statement])
}

/// A condition of one key.
fn when<T: Into<String>>(
    operator: &str,
    key: &str,
    values: impl IntoIterator<Item = T>,
) -> Conditions {
    let values = values.into_iter().map(Into::into).collect();
    Conditions::from([(
        operator.to_owned(),
        BTreeMap::from([(key.to_owned(), values)]),
    )])
}

/// Resources under the conditions by which they are allowed.
type Allowed = Vec<(Conditions, BTreeSet<String>)>;

/// An account, and what the stack has there.
struct Ground<'a> {
    stack: &'a Stack,
    desired: &'a Desired,
    id: &'a AccountId,
    /// The places of the account; none where only the organization is read there.
    places: Vec<&'a Place>,
}

impl<'a> Ground<'a> {
    fn of(stack: &'a Stack, desired: &'a Desired, id: &'a AccountId) -> Self {
        let places = desired.places.iter().filter(|it| it.id == *id);
        Self {
            stack,
            desired,
            id,
            places: places.collect(),
        }
    }

    fn wants(&self) -> impl Iterator<Item = &'a Want> {
        self.desired
            .wants
            .values()
            .filter(|it| it.place.id == *self.id)
    }

    fn roles(&self) -> impl Iterator<Item = &'a Role> {
        self.wants().filter_map(|it| match &it.resource {
            Resource::Role(role) => Some(role),
            _ => None,
        })
    }

    fn apis(&self) -> impl Iterator<Item = (&'a Want, &'a RestApi)> {
        self.wants().filter_map(|it| match &it.resource {
            Resource::RestApi(api) => Some((it, api)),
            _ => None,
        })
    }

    /// The path of what the stack makes in IAM.
    fn path(&self) -> String {
        format!("/provision/{}/", self.stack.name)
    }

    /// What an action is allowed on, and under which conditions.
    fn on(&self, need: Need, call: &CallType) -> Allowed {
        let mut allowed = vec![self.named(need, call)];
        allowed.extend(self.by_mark(need, call));
        if need.on == On::Key {
            allowed.extend(self.keys_by_alias(RESOURCE_ALIASES, "ForAnyValue:StringEquals"));
        } else if need.on == On::KeyAlias {
            allowed.extend(self.keys_by_alias(REQUEST_ALIAS, "StringEquals"));
        } else if need.on == On::PassedRole {
            allowed.extend(self.passed(call.service));
        }
        allowed
    }

    /// The resources that the stack names, as narrow as their names are known before they are made.
    fn named(&self, need: Need, call: &CallType) -> (Conditions, BTreeSet<String>) {
        let mut conditions = Conditions::new();
        let resources = match need.on {
            On::All => BTreeSet::from_iter(self.calls_for_all(call).then(|| "*".to_owned())),
            On::Role => {
                let (agreed, is_needed) = self.of_roles(need.action);
                conditions = agreed;
                let roles = self.roles().filter(|_| is_needed).map(|role| {
                    if role.path == self.path() {
                        format!(
                            "arn:{}:iam::{}:role{}*",
                            role.arn.partition(),
                            self.id,
                            role.path
                        )
                    } else {
                        role.arn.to_string()
                    }
                });
                roles.collect()
            }
            On::Policy => self.policies(call.writes),
            On::Topic => self.arns(|it| match it {
                Resource::Topic(topic) => Some(&topic.arn),
                _ => None,
            }),
            On::SubscribedTopic => self.arns(|it| match it {
                Resource::Subscription(it) => Some(&it.topic),
                _ => None,
            }),
            On::Queue => self.arns(|it| match it {
                Resource::Queue(queue) => Some(&queue.arn),
                _ => None,
            }),
            On::Apis | On::NewApi | On::Api | On::ApiTags => {
                // An API is made without a policy: it comes with the methods.
                let is_made = need.on == On::NewApi && need.action != "apigateway:POST";
                if is_made {
                    BTreeSet::new()
                } else {
                    return self.of_apis(need.on, call.writes);
                }
            }
            On::Key => {
                let declared = self.desired.wants.values().map(|it| &it.resource);
                let declared = declared.filter_map(|it| match it {
                    Resource::Key(key) => Some(KmsKey::from(key.arn.clone())),
                    _ => None,
                });
                let read = self.keys().filter(|_| !call.writes);
                let keys = declared.chain(read).filter(|it| it.alias().is_none());
                let here = keys.filter(|it| it.arn().account() == self.id.as_str());
                here.map(|it| it.to_string()).collect()
            }
            On::PassedRole | On::KeyAlias => BTreeSet::new(),
            On::OrganizationTarget => self.of_organization(&["account", "ou", "root"]),
            On::OrganizationPolicy => self.of_organization(&["policy"]),
        };
        (conditions, resources)
    }

    fn arns(&self, arn: impl Fn(&'a Resource) -> Option<&'a Arn>) -> BTreeSet<String> {
        let found = self.wants().filter_map(|it| arn(&it.resource));
        found.map(ToString::to_string).collect()
    }

    /// Whether a call that is on no resource is made in the account.
    fn calls_for_all(&self, call: &CallType) -> bool {
        let has = |is: fn(&Resource) -> bool| self.wants().any(|it| is(&it.resource));
        match call.service {
            Service::Organizations => self.organization().is_some(),
            // Only `import` lists topics.
            Service::Sns => {
                call.action != "ListTopics"
                    && has(|it| matches!(it, Resource::Topic(_) | Resource::Subscription(_)))
            }
            Service::Sqs => has(|it| matches!(it, Resource::Queue(_))),
            Service::CloudControl => {
                let asked = self.desired.endpoints_of(self.stack);
                asked.values().flatten().any(|it| it.id == *self.id)
            }
            Service::Iam | Service::Tagging | Service::Sts | Service::ApiGateway | Service::Kms => {
                !self.places.is_empty()
            }
        }
    }

    fn organization(&self) -> Option<&Account> {
        self.stack
            .organization
            .as_ref()
            .filter(|it| it.place.id == *self.id)
    }

    fn of_organization(&self, types: &[&str]) -> BTreeSet<String> {
        let Some(it) = self.organization() else {
            return BTreeSet::new();
        };
        let partition = it.place.partition();
        let arn = |of: &&str| format!("arn:{partition}:organizations::*:{of}/*");
        types.iter().map(arn).collect()
    }

    /// Under which conditions an action on roles is allowed, and whether the stack needs it at all.
    fn of_roles(&self, action: &str) -> (Conditions, bool) {
        let bounds: BTreeSet<&String> =
            self.roles().filter_map(|it| it.boundary.as_ref()).collect();
        let all_bound = self.roles().all(|it| it.boundary.is_some());
        match action {
            "iam:AttachRolePolicy" => {
                let mut attached: BTreeSet<String> = self
                    .roles()
                    .flat_map(|it| it.attached.iter().cloned())
                    .collect();
                attached.extend(self.overflow());
                let is_needed = !attached.is_empty();
                (when("ArnLike", POLICY_ARN, attached), is_needed)
            }
            "iam:CreateRole" if all_bound => (when("StringEquals", BOUNDARY, bounds), true),
            "iam:PutRolePermissionsBoundary" => {
                let is_needed = !bounds.is_empty();
                (when("StringEquals", BOUNDARY, bounds), is_needed)
            }
            // A role that must have one never loses it.
            "iam:DeleteRolePermissionsBoundary" => (Conditions::new(), !all_bound),
            _ => (Conditions::new(), true),
        }
    }

    /// The managed policies that full roles overflow into.
    fn overflow(&self) -> Option<String> {
        let role = self.roles().find(|it| !it.managed.is_empty())?;
        let partition = role.arn.partition();
        Some(format!(
            "arn:{partition}:iam::{}:policy{}*",
            self.id,
            self.path()
        ))
    }

    /// The managed policies that the stack makes, or reads.
    fn policies(&self, writes: bool) -> BTreeSet<String> {
        let mut found: BTreeSet<String> = self.overflow().into_iter().filter(|_| writes).collect();
        let lease = lease_place(self.stack, &self.desired.unreachable);
        found.extend(
            lease
                .filter(|it| it.id == *self.id)
                .map(|it| lease::arn(&self.stack.name, it).to_string()),
        );
        if !writes {
            // Anyone may attach them to a role, and they bear on what it may do.
            let partitions = self.roles().map(|it| it.arn.partition());
            found.extend(partitions.map(|it| format!("arn:{it}:iam::aws:policy/*")));
        }
        found
    }

    /// REST APIs: their ids are AWS's choice, so the stack's own are named by its mark, which what is in an API inherits.
    fn of_apis(&self, on: On, writes: bool) -> (Conditions, BTreeSet<String>) {
        let mut found = BTreeSet::new();
        let mut conditions = Conditions::new();
        for (want, api) in self.apis() {
            let front = format!(
                "arn:{}:apigateway:{}::",
                want.place.partition(),
                want.place.region
            );
            match on {
                On::Apis => found.extend([format!("{front}/restapis")]),
                On::ApiTags => found.extend([format!("{front}/tags/*")]),
                On::NewApi if want.owned => {
                    found.insert(format!("{front}/restapis"));
                    conditions = when(
                        "StringEquals",
                        &format!("aws:RequestTag/{}", tags::STACK),
                        [&self.stack.name],
                    );
                }
                On::Api => match &api.existing {
                    Some(id) => found.extend([
                        format!("{front}/restapis/{id}"),
                        format!("{front}/restapis/{id}/*"),
                    ]),
                    // One that lost its mark is still read.
                    None if !writes => found.extend([format!("{front}/restapis/*")]),
                    None => {}
                },
                _ => {}
            }
        }
        (conditions, found)
    }

    /// What bears the stack's mark: APIs, and what left the stack and is still to be removed.
    fn by_mark(&self, need: Need, call: &CallType) -> Option<(Conditions, BTreeSet<String>)> {
        let removes = ["Delete", "Detach"]
            .iter()
            .any(|it| call.action.starts_with(it))
            // A boundary goes with its role.
            && call.action != "DeleteRolePermissionsBoundary";
        let leaves = !call.writes || removes;
        let found: BTreeSet<String> = match need.on {
            // Together they are one statement.
            On::Topic | On::Queue | On::Role if leaves => {
                let arns = |it: &&Place| {
                    [
                        Arn::regional(it, "sns", "*").to_string(),
                        Arn::regional(it, "sqs", "*").to_string(),
                        Arn::role(it, "/", "*").to_string(),
                    ]
                };
                self.places.iter().flat_map(arns).collect()
            }
            On::Api if call.writes => {
                let owned = self.apis().filter(|(_, it)| it.existing.is_none());
                let arn = |(want, _): (&Want, &RestApi)| {
                    let place = &want.place;
                    format!(
                        "arn:{}:apigateway:{}::/restapis/*",
                        place.partition(),
                        place.region
                    )
                };
                owned.map(arn).collect()
            }
            _ => return None,
        };
        let key = format!("aws:ResourceTag/{}", tags::STACK);
        Some((when("StringEquals", &key, [&self.stack.name]), found))
    }

    /// The keys of the account that topics and queues of the stack are encrypted with, wherever those are.
    fn keys(&self) -> impl Iterator<Item = KmsKey> {
        let all = self
            .desired
            .wants
            .values()
            .filter_map(|it| encrypting(&it.resource));
        all.filter(|it| !it.is_managed_by_aws() && it.arn().account() == self.id.as_str())
    }

    /// Keys that are named by an alias, under a condition on it.
    fn keys_by_alias(&self, key: &str, operator: &str) -> Allowed {
        let named = self
            .keys()
            .filter_map(|it| Some((it.alias()?.to_owned(), it.pattern())));
        named
            .map(|(alias, pattern)| (when(operator, key, [alias]), BTreeSet::from([pattern])))
            .collect()
    }

    /// Roles that a service is given, under the condition that it is that service.
    fn passed(&self, service: Service) -> Option<(Conditions, BTreeSet<String>)> {
        let (to, roles): (_, BTreeSet<String>) = match service {
            Service::ApiGateway => {
                let documents = self.apis().flat_map(|(_, it)| {
                    it.source
                        .clone()
                        .into_iter()
                        .chain([method::to_value(&it.methods)])
                });
                let roles = documents.flat_map(|it| passed_by(&it));
                ("apigateway.amazonaws.com", roles.collect())
            }
            Service::Sns => {
                let topics = self.wants().filter_map(|it| match &it.resource {
                    Resource::Topic(topic) => Some(topic.optional.values()),
                    _ => None,
                });
                (
                    "sns.amazonaws.com",
                    topics.flatten().filter_map(role_in).collect(),
                )
            }
            _ => return None,
        };
        Some((when("StringEquals", PASSED_TO, [to]), roles))
    }
}
