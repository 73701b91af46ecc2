//! How full each document would be, before anything is touched, and what to do about one that is too full.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::role::inline_prefix;
use crate::kinds::{Resource, RestApi, Role, Want, full_length};
use crate::lower::Desired;
use crate::model::Address;
use crate::policy::normal::ApiName;
use crate::policy::size::{self, Budget};
use crate::policy::{Document, Effect, Principals};

use super::{Action, Refusal, Step};

/// A document's fullest budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gauge {
    /// The resource.
    pub address: Address,
    /// Which of its documents.
    pub document: String,
    /// What is used of what there is.
    pub budget: Budget,
    /// How many more like those there fit; `None` where they do not fill it.
    pub room: Option<usize>,
    /// What fills it: `consumers`, `topics`.
    pub of: &'static str,
    /// What to do when it is full, what costs least precision first.
    pub ways_out: Vec<WayOut>,
}

/// Something to do about a document that is too full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayOut {
    /// What to do.
    pub does: String,
    /// What that costs, in precision and otherwise.
    pub costs: &'static str,
}

fn way(does: impl Into<String>, costs: &'static str) -> WayOut {
    WayOut {
        does: does.into(),
        costs,
    }
}

impl Gauge {
    /// Returns by how much it is over its limit, as a sentence.
    #[must_use]
    pub fn excess(&self) -> String {
        format!(
            "its {} would take {} of {} {}",
            self.document, self.budget.used, self.budget.limit, self.budget.what
        )
    }
}

/// Returns every document that AWS would refuse for its size, whatever is there already.
#[must_use]
pub fn oversized(desired: &Desired) -> Vec<Gauge> {
    let step = |(address, want): (&Address, &Want)| Step {
        address: address.clone(),
        place: want.place.clone(),
        action: Action::Create,
        changes: Vec::new(),
        want: Some(want.clone()),
        have: None,
        because: None,
        drifted: false,
        publishes: Vec::new(),
        bridge: None,
    };
    let steps: Vec<Step> = desired.wants.iter().map(step).collect();
    let mut found = gauges(&steps);
    found.retain(|it| it.budget.is_over());
    found
}

/// Foreign statements count too: they are written back with ours.
fn whole(step: &Step, want: &Want, ours: &Document) -> Document {
    step.have
        .as_ref()
        .map_or_else(|| ours.clone(), |it| it.policy_for(want, ours))
}

/// The gauges of every document that is wanted.
pub(super) fn gauges(steps: &[Step]) -> Vec<Gauge> {
    let mut found = Vec::new();
    for step in steps {
        let Some(want) = &step.want else { continue };
        match &want.resource {
            Resource::Role(role) => of_role(step, want, role, &mut found),
            Resource::Key(key) => {
                let document = whole(step, want, &key.policy);
                let fill = Fill::of(&document, size::key);
                let ways = consumers_out("users", "topic or queue", &fill, false);
                found.extend(fill.gauge(step, "policy", "users of the key", ways));
            }
            Resource::Topic(topic) => {
                let document = whole(step, want, &topic.policy);
                let fill = Fill::of(&document, size::topic);
                let ways = consumers_out("publishers", "topic", &fill, false);
                found.extend(fill.gauge(step, "policy", "consumers", ways));
            }
            Resource::Queue(queue) => {
                let document = whole(step, want, &queue.policy);
                if document.statements.is_empty() {
                    continue;
                }
                let fill = Fill::of(&document, size::queue);
                found.extend(fill.gauge(step, "policy", "topics", queue_out()));
            }
            Resource::RestApi(api) if !api.policy.statements.is_empty() => {
                found.extend(of_resources(step, want, api));
                // The id has ten characters, chosen or not.
                let name = ApiName {
                    partition: want.place.partition().as_str(),
                    region: want.place.region.as_str(),
                    account: want.place.id.as_str(),
                    api: "0123456789",
                };
                let document = whole(step, want, &api.policy);
                let live = step.have.as_ref().and_then(|it| it.document.as_ref());
                let there = live.map_or(0, |it| size::api(it, &name).used);
                let budget = |it: &Document| {
                    let found = size::api(it, &name);
                    Budget::new(found.what, found.used, want.quotas.api_policy.max(there))
                };
                let fill = Fill::of(&document, |it| vec![budget(it)]);
                let ways = consumers_out("consumers", "API", &fill, true);
                found.extend(fill.gauge(step, "policy", "consumers", ways));
            }
            Resource::RestApi(api) => found.extend(of_resources(step, want, api)),
            Resource::Subscription(_) | Resource::Stage(_) => {}
        }
    }
    found
}

/// The resources of an API, a path and each path above it, where they are more than half of what API Gateway takes.
fn of_resources(step: &Step, want: &Want, api: &RestApi) -> Option<Gauge> {
    let live = match step.have.as_ref().map(|it| &it.resource) {
        Some(Resource::RestApi(live)) => resources(live),
        _ => 0,
    };
    let used = resources(api);
    // An account whose quota was raised shows it by having more, and the stack may say so.
    let limit = want.quotas.api_resources.max(live);
    let budget = Budget::new("resources of one API", used, limit);
    (want.owned && used * 2 > budget.limit).then(|| Gauge {
        address: step.address.clone(),
        document: "routes".to_owned(),
        budget,
        room: None,
        of: "routes",
        ways_out: vec![
            way(
                "serve what lies below a path by one route, `ANY /files/{proxy+}`",
                "who may call one of those paths may call all of them",
            ),
            way(
                "divide the routes over two APIs",
                "just as exact; callers have two addresses",
            ),
            raised("api_resources", "Resources per API"),
        ],
    })
}

/// How many resources an API has: one for each of its paths and the paths above them.
fn resources(api: &RestApi) -> usize {
    let mut found = BTreeSet::from([String::new()]);
    for key in api.methods.keys() {
        let mut path = String::new();
        for part in key.path.split('/').filter(|it| !it.is_empty()) {
            path = format!("{path}/{part}");
            found.insert(path.clone());
        }
    }
    found.len()
}

fn of_role(step: &Step, want: &Want, role: &Role, found: &mut Vec<Gauge>) {
    if want.owned {
        // An account whose quota was raised shows it by a trust policy that is longer.
        let there = match step.have.as_ref().map(|it| &it.resource) {
            Some(Resource::Role(live)) => size::trust(&live.trust, 0).used,
            _ => 0,
        };
        let limit = want.quotas.trust.max(there);
        let fill = Fill::of(&role.trust, |it| vec![size::trust(it, limit)]);
        found.extend(fill.gauge(step, "trust policy", "consumers", trust_out()));
    }
    // Others' inline policies count as well, as long as they stay.
    let ours = inline_prefix(&want.stack);
    let live = match step.have.as_ref().map(|it| &it.resource) {
        Some(Resource::Role(live)) => Some(&live.inline),
        _ => None,
    };
    let theirs = live.into_iter().flatten();
    let theirs =
        theirs.filter(|(name, it)| !name.starts_with(&ours) && !want.drops_inline(name, it));
    let all = role.inline.values().chain(theirs.map(|(_, it)| it));
    found.push(Gauge {
        address: step.address.clone(),
        document: "inline policies".to_owned(),
        budget: size::inline(&all.map(full_length).collect::<Vec<_>>()),
        room: None,
        of: "consumers",
        ways_out: inline_out(),
    });
    let gauge = |document: String, budget, ways_out| Gauge {
        address: step.address.clone(),
        document,
        budget,
        room: None,
        of: "targets",
        ways_out,
    };
    for (name, it) in &role.managed {
        let document = format!("managed policy {name}");
        let budget = size::managed(&full_length(&it.document));
        found.push(gauge(document, budget, inline_out()));
    }
    if role.managed.is_empty() && role.attached.is_empty() {
        return;
    }
    let (count, limit) = attachments(step, want, role);
    found.push(gauge(
        "managed policies".to_owned(),
        size::attached(count, limit),
        attached_out(),
    ));
}

/// How many managed policies a role will have, others' among them, and how many it may.
fn attachments(step: &Step, want: &Want, role: &Role) -> (usize, usize) {
    let have = step.have.as_ref();
    let live = match have.map(|it| &it.resource) {
        Some(Resource::Role(live)) => Some(live),
        _ => None,
    };
    let mark = have.and_then(|it| it.mark.as_ref());
    let stays = |it: &&String| {
        let leaves =
            want.owned && (want.drops_attached(it) || mark.is_some_and(|mark| mark.owns(it)));
        !leaves && !role.attached.contains(*it)
    };
    let theirs = live.map_or(0, |it| it.attached.iter().filter(stays).count());
    // An account whose quota was raised shows it by having more.
    let there = live.map_or(0, |it| {
        let ours = it.managed.values().filter(|it| it.attached);
        it.attached.len() + ours.count()
    });
    let count = role.managed.len() + role.attached.len() + theirs;
    (count, want.quotas.attached.max(there))
}

/// What fills a document.
struct Fill {
    budgets: Vec<Budget>,
    /// What one more like those there costs, of each budget.
    each: Vec<usize>,
}

impl Fill {
    fn of(document: &Document, sizes: impl Fn(&Document) -> Vec<Budget>) -> Self {
        let budgets = sizes(document);
        let more = one_more(document).map_or_else(|| budgets.clone(), |it| sizes(&it));
        let each = budgets
            .iter()
            .zip(&more)
            .map(|(now, more)| more.used.saturating_sub(now.used))
            .collect();
        Self { budgets, each }
    }

    fn room(&self) -> Option<usize> {
        let rooms = self.budgets.iter().zip(&self.each);
        rooms
            .filter_map(|(budget, each)| budget.room_for(*each))
            .min()
    }

    /// How many of those there are too many.
    fn too_many(&self) -> usize {
        let over = self.budgets.iter().zip(&self.each).map(|(budget, each)| {
            let over = budget.used.saturating_sub(budget.limit);
            over.div_ceil((*each).max(1))
        });
        over.max().unwrap_or(0)
    }

    fn gauge(
        &self,
        step: &Step,
        document: &str,
        of: &'static str,
        ways_out: Vec<WayOut>,
    ) -> Option<Gauge> {
        Some(Gauge {
            address: step.address.clone(),
            document: document.to_owned(),
            budget: size::tightest(&self.budgets)?.clone(),
            room: self.room(),
            of,
            ways_out,
        })
    }
}

/// The same document with one more of what fills it: a principal among its likes, a statement
/// where each principal has its own, or a value of the longest condition.
fn one_more(document: &Document) -> Option<Document> {
    let mut more = document.clone();
    let names = |at: usize| {
        document.statements[at]
            .principal
            .as_ref()
            .map_or(&[][..], |it| it.aws_values())
    };
    let named: Vec<usize> = (0..document.statements.len())
        .filter(|at| document.statements[*at].effect == Effect::Allow && !names(*at).is_empty())
        .collect();
    let fullest = named.iter().copied().max_by_key(|at| names(*at).len());
    let Some(fullest) = fullest else {
        // Nobody is named: what fills it stands in a condition.
        let tests = more
            .statements
            .iter_mut()
            .flat_map(|it| it.conditions.values_mut());
        let values = tests
            .flat_map(BTreeMap::values_mut)
            .max_by_key(|it| it.len())?;
        let last = values.last()?.clone();
        values.push(last);
        return Some(more);
    };
    if names(fullest).len() == 1 && named.len() > 2 {
        more.statements.push(document.statements[fullest].clone());
        return Some(more);
    }
    // A statement that denies what a `*` would let through names the same principals.
    let clause = document.statements[fullest].principal.clone();
    for statement in more
        .statements
        .iter_mut()
        .filter(|it| it.principal == clause)
    {
        let Some(Principals::Of(types)) = statement.principal.as_mut().map(|it| &mut it.principals)
        else {
            continue;
        };
        if let Some(names) = types.get_mut("AWS") {
            names.extend(names.last().cloned());
        }
    }
    Some(more)
}

/// Ways out of a target's own policy: no second document can take what it has no room for.
fn consumers_out(who: &str, target: &str, fill: &Fill, routes: bool) -> Vec<WayOut> {
    let count = match fill.too_many() {
        0 => "some".to_owned(),
        many => format!("at least {many}"),
    };
    let mut found = vec![way(
        format!(
            "write `via = \"assume-role\"` for {count} of its {who}: each then has a role beside the {target}"
        ),
        "just as exact; an STS call an hour for each",
    )];
    if routes {
        found.push(way(
            "allow the same routes to consumers that need nearly the same: they share a statement",
            "each of them may call the routes of all of them",
        ));
    }
    found.push(way(
        "name roles of one account by what their paths and names begin with: `{ account, role_prefix }`",
        "every role of that account with such a name gets in, those made later too",
    ));
    found.push(way(
        "name a whole account: `{ account }`",
        "every role of it gets in that its own account lets",
    ));
    found
}

/// The way out of a quota that AWS raises: the stack says what the account has.
fn raised(setting: &str, quota: &str) -> WayOut {
    way(
        format!(
            "ask AWS to raise the quota \"{quota}\", and write what the account has as `quotas = {{ {setting} = … }}` of the account"
        ),
        "just as exact; it takes AWS some days",
    )
}

fn queue_out() -> Vec<WayOut> {
    vec![
        way(
            "let a second queue receive from some of the topics",
            "just as exact; whoever reads the queue has two to read",
        ),
        way(
            "let publishers share a topic, and tell their messages apart by `filter`",
            "each of them reaches every queue of that topic",
        ),
    ]
}

fn trust_out() -> Vec<WayOut> {
    vec![
        raised("trust_policy", "Role trust policy length"),
        way(
            "let some of them assume a second role that may do the same",
            "just as exact; one role more to keep",
        ),
        way(
            "name roles of one account by what their paths and names begin with: `{ account, role_prefix }`",
            "every role of that account with such a name gets in, those made later too",
        ),
        way(
            "name a whole account: `{ account }`",
            "every role of it gets in that its own account lets",
        ),
    ]
}

fn inline_out() -> Vec<WayOut> {
    vec![
        way(
            "move inline policies that are on it beside what `[[access]]` grants to managed ones, and `attach` them",
            "just as exact; the documents are kept elsewhere",
        ),
        way(
            "let a second role use some of the targets",
            "just as exact; the service works under two roles",
        ),
        way(
            "write routes as patterns (`GET /orders/*`) instead of one by one",
            "routes that are added below a pattern later are allowed too",
        ),
    ]
}

fn attached_out() -> Vec<WayOut> {
    vec![
        raised(
            "attached_policies",
            "Managed policies attached to an IAM role",
        ),
        way(
            "let a second role use some of the targets",
            "just as exact; the service works under two roles",
        ),
        way(
            "detach managed policies that the role can do without, or put several of them into one",
            "nothing, where they are not needed",
        ),
        way(
            "let access roles stand between: `via = \"assume-role\"` with one `role_name` for many routes",
            "just as exact; an STS call an hour for each access role",
        ),
        way(
            "write routes as patterns (`GET /orders/*`) instead of one by one",
            "routes that are added below a pattern later are allowed too",
        ),
    ]
}

/// The documents AWS would refuse.
pub(super) fn refusals(gauges: &[Gauge]) -> Vec<Refusal> {
    gauges
        .iter()
        .filter(|it| it.budget.is_over())
        .map(|it| Refusal {
            address: it.address.clone(),
            message: it.excess(),
            budget: true,
            ways_out: it.ways_out.clone(),
        })
        .collect()
}

/// What a document that holds two ways for a while would need then.
pub(super) fn of_bridges(steps: &[Step]) -> Vec<Refusal> {
    let bridges: Vec<Step> = steps
        .iter()
        .filter_map(|it| {
            let bridge = it.bridge.as_ref()?;
            Some(Step {
                want: Some((**bridge).clone()),
                ..it.clone()
            })
        })
        .collect();
    let over = gauges(&bridges)
        .into_iter()
        .filter(|it| it.budget.is_over());
    over.map(|it| Refusal {
        address: it.address.clone(),
        message: format!(
            "while consumers change their way, its {} holds both ways, and would take {} of {} {}",
            it.document, it.budget.used, it.budget.limit, it.budget.what
        ),
        budget: true,
        ways_out: vec![way(
            "change the way of fewer consumers at a time: an apply for each part of them",
            "nothing",
        )],
    })
    .collect()
}
