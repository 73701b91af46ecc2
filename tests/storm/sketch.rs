//! The stacks of a storm, and who reaches what once one of them is applied.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use provision::onboard::{Answers, Calls, Home, RoleOf};
use provision::stack::Via;

use crate::chance::Chance;
use crate::operator::{BILLING, ORDERS, SHOP};
use crate::sight::called;

/// The topic and the API that belong to somebody else, and that every stack may write statements into.
pub(crate) const LENT_TOPIC: &str = "news";
pub(crate) const LENT_API: &str = "partner";

/// Who reaches what: a role's ARN, an action and a resource, an API by its name.
pub(crate) type Edge = (String, (String, String));

/// Something that a role may be let into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    OwnTopic,
    OwnApi,
    LentTopic,
    LentApi,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Role {
    account: usize,
    /// Into what, and whether by a role that it assumes.
    into: Vec<(Target, bool)>,
}

/// The queue that is subscribed to a stack's topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    None,
    Own,
    /// Let go of, and still named as `existing`.
    Lent,
    /// Let go of, and no longer named.
    Gone,
}

/// A stack, before it is text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sketch {
    pub(crate) name: String,
    /// Whether it has a topic and an API of its own.
    owns: bool,
    queue: Queue,
    display: u64,
    roles: Vec<Option<Role>>,
}

const ACCOUNTS: [(&str, &str); 3] = [("shop", SHOP), ("billing", BILLING), ("orders", ORDERS)];
const MOST_ROLES: usize = 3;

impl Sketch {
    /// The stack that has nothing in it.
    pub(crate) fn nothing(&self) -> Self {
        Self {
            owns: false,
            queue: if matches!(self.queue, Queue::None | Queue::Own) {
                Queue::None
            } else {
                Queue::Gone
            },
            roles: vec![None; MOST_ROLES],
            ..self.clone()
        }
    }

    /// A stack of this name.
    pub(crate) fn draw(name: &str, owns: bool, chance: &Chance) -> Self {
        let mut sketch = Self {
            name: name.to_owned(),
            owns,
            queue: Queue::None,
            display: 0,
            roles: vec![None; MOST_ROLES],
        };
        for _ in 0..4 {
            sketch = sketch.changed(chance);
        }
        sketch
    }

    /// The same with one thing or two changed.
    pub(crate) fn changed(&self, chance: &Chance) -> Self {
        let mut sketch = self.clone();
        for _ in 0..=chance.below(2) {
            match chance.below(5) {
                0 if sketch.owns => {
                    sketch.queue = match sketch.queue {
                        Queue::None => Queue::Own,
                        Queue::Own => Queue::None,
                        Queue::Lent | Queue::Gone => Queue::Gone,
                    }
                }
                1 if sketch.owns => sketch.display = chance.below(3),
                _ => {
                    let at = usize::try_from(chance.below(MOST_ROLES as u64)).expect("small");
                    sketch.roles[at] = if chance.one_in(4) {
                        None
                    } else {
                        Some(sketch.role(sketch.roles[at].as_ref(), chance))
                    };
                }
            }
        }
        sketch
    }

    fn role(&self, before: Option<&Role>, chance: &Chance) -> Role {
        let account = usize::try_from(chance.below(3)).expect("small");
        let mut role = before.cloned().unwrap_or(Role {
            account,
            into: Vec::new(),
        });
        let targets: &[Target] = if self.owns {
            &[
                Target::OwnTopic,
                Target::OwnApi,
                Target::LentTopic,
                Target::LentApi,
            ]
        } else {
            &[Target::LentTopic, Target::LentApi]
        };
        let target = *chance.pick(targets);
        // What is somebody else's can only be opened in its own policy.
        let assumes = matches!(target, Target::OwnTopic | Target::OwnApi) && chance.one_in(3);
        role.into.retain(|(it, _)| *it != target);
        if before.is_none() || !chance.one_in(3) {
            role.into.push((target, assumes));
        }
        role.into.sort();
        role
    }

    /// Its text; `partner` is the id of the API that belongs to somebody else.
    pub(crate) fn text(&self, partner: &str) -> String {
        let name = &self.name;
        let mut text = format!("[stack]\nname = \"{name}\"\nregion = \"eu-west-1\"\n");
        for (account, id) in ACCOUNTS {
            let _ = write!(text, "[accounts.{account}]\nid = \"{id}\"\n");
        }
        if self.owns {
            let display = ["", "News", "Orders"][usize::try_from(self.display).expect("small")];
            let _ = write!(
                text,
                "[topics.{name}-events]\naccount = \"orders\"\ndisplay_name = \"{display}\"\n\
                 [apis.{name}-api]\naccount = \"orders\"\nstage = \"live\"\n[apis.{name}-api.routes]\n\
                 \"GET /orders\" = {{ mock = 200 }}\n"
            );
        }
        if matches!(self.queue, Queue::Own | Queue::Lent) {
            let existing = match self.queue {
                Queue::Lent => format!("existing = \"{}\"\n", self.queue_arn()),
                _ => String::new(),
            };
            let _ = write!(
                text,
                "[queues.{name}-inbox]\naccount = \"billing\"\n{existing}subscribe = [{{ topic = \"{name}-events\" }}]\n"
            );
        }
        // What is lent stays declared while nothing of it is used: a topic that left the file is not read.
        let mut accesses = String::new();
        for (number, role) in self.roles.iter().enumerate() {
            let Some(role) = role else { continue };
            let (account, _) = ACCOUNTS[role.account];
            let _ = write!(
                text,
                "[roles.{name}-r{number}]\naccount = \"{account}\"\ntrusted_by = \"lambda.amazonaws.com\"\n"
            );
            for (target, assumes) in &role.into {
                let (to, allow) = match target {
                    Target::OwnTopic => (format!("topics.{name}-events"), "publish"),
                    Target::OwnApi => (format!("apis.{name}-api"), "GET /orders"),
                    Target::LentTopic => (format!("topics.{LENT_TOPIC}"), "publish"),
                    Target::LentApi => (format!("apis.{LENT_API}"), "GET /orders"),
                };
                let via = if *assumes {
                    "assume-role"
                } else {
                    "resource-policy"
                };
                let _ = write!(
                    accesses,
                    "[[access]]\nfrom = \"roles.{name}-r{number}\"\nto = \"{to}\"\nallow = [\"{allow}\"]\nvia = \"{via}\"\n"
                );
            }
        }
        let _ = write!(
            text,
            "[topics.{LENT_TOPIC}]\nexisting = \"arn:aws:sns:eu-west-1:{ORDERS}:{LENT_TOPIC}\"\n\
             [apis.{LENT_API}]\naccount = \"orders\"\nexisting = \"{partner}\"\nstage = \"live\"\n"
        );
        text + &accesses
    }

    fn queue_arn(&self) -> String {
        format!("arn:aws:sqs:eu-west-1:{BILLING}:{}", self.inbox())
    }

    /// The name of its queue.
    pub(crate) fn inbox(&self) -> String {
        format!("{}-inbox", self.name)
    }

    /// The same with its queue let go of; `None` of a stack that has none.
    pub(crate) fn forgetting(&self) -> Option<Self> {
        (self.queue == Queue::Own).then(|| Self {
            queue: Queue::Lent,
            ..self.clone()
        })
    }

    /// The same without one of its consumers, and the consumer's name; `None` of a stack without any.
    pub(crate) fn parting(&self, chance: &Chance) -> Option<(Self, String)> {
        let there: Vec<usize> = (0..MOST_ROLES)
            .filter(|it| self.roles[*it].is_some())
            .collect();
        let at = *there.get(usize::try_from(chance.below(there.len() as u64)).expect("small"))?;
        let mut sketch = self.clone();
        sketch.roles[at] = None;
        Some((sketch, format!("{}-r{at}", self.name)))
    }

    /// The same with a new consumer, and what `onboard` is answered of it; `None` of a stack that is full.
    pub(crate) fn joining(&self, chance: &Chance) -> Option<(Self, Answers)> {
        let at = self.roles.iter().position(Option::is_none)?;
        let mut role = self.role(None, chance);
        if chance.one_in(2) {
            role = self.role(Some(&role), chance);
        }
        // One consumer is brought in by one mechanism.
        let own = |it: &(Target, bool)| matches!(it.0, Target::OwnTopic | Target::OwnApi);
        let assumes = role.into.iter().all(|it| own(it) && it.1) && !role.into.is_empty();
        role.into.iter_mut().for_each(|it| it.1 = assumes);
        if role.into.is_empty() {
            return None;
        }
        let mut answers = Answers {
            consumer: format!("{}-r{at}", self.name),
            account: Some(Home::Known(ACCOUNTS[role.account].0.to_owned())),
            role: Some(RoleOf::Made {
                trusted_by: vec!["lambda.amazonaws.com".to_owned()],
            }),
            calls: Vec::new(),
            publishes: Vec::new(),
            subscribes: Vec::new(),
            sends: Vec::new(),
            receives: Vec::new(),
            via: if assumes {
                Via::AssumeRole
            } else {
                Via::ResourcePolicy
            },
        };
        for (target, _) in &role.into {
            let routes = vec!["GET /orders".to_owned()];
            match target {
                Target::OwnTopic => answers.publishes.push(format!("{}-events", self.name)),
                Target::LentTopic => answers.publishes.push(LENT_TOPIC.to_owned()),
                Target::OwnApi => answers.calls.push(Calls {
                    api: format!("{}-api", self.name),
                    routes,
                }),
                Target::LentApi => answers.calls.push(Calls {
                    api: LENT_API.to_owned(),
                    routes,
                }),
            }
        }
        let mut sketch = self.clone();
        sketch.roles[at] = Some(role);
        Some((sketch, answers))
    }

    /// The ARNs of the roles that it may ever have.
    pub(crate) fn callers(&self) -> BTreeSet<String> {
        let all = (0..MOST_ROLES)
            .flat_map(|number| ACCOUNTS.iter().map(move |(_, id)| self.caller(number, id)));
        all.collect()
    }

    fn caller(&self, number: usize, account: &str) -> String {
        let name = &self.name;
        format!("arn:aws:iam::{account}:role/provision/{name}/{name}-r{number}")
    }

    /// Who reaches what once it is applied.
    pub(crate) fn edges(&self) -> BTreeSet<Edge> {
        let topic = |name: &str| {
            let arn = format!("arn:aws:sns:eu-west-1:{ORDERS}:{name}");
            ("sns:Publish".to_owned(), arn)
        };
        let api = |name: &str| {
            let arn = format!(
                "arn:aws:execute-api:eu-west-1:{ORDERS}:{}/live/GET/orders",
                called(name)
            );
            ("execute-api:Invoke".to_owned(), arn)
        };
        let mut edges = BTreeSet::new();
        for (number, role) in self.roles.iter().enumerate() {
            let Some(role) = role else { continue };
            let caller = self.caller(number, ACCOUNTS[role.account].1);
            for (target, _) in &role.into {
                let what = match target {
                    Target::OwnTopic => topic(&format!("{}-events", self.name)),
                    Target::OwnApi => api(&format!("{}-api", self.name)),
                    Target::LentTopic => topic(LENT_TOPIC),
                    Target::LentApi => api(LENT_API),
                };
                edges.insert((caller.clone(), what));
            }
        }
        edges
    }
}
