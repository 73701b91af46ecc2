//! Would these policies let that principal do this?
//!
//! The answer is yes, no, or *unproven*, always with the statements that settle it.
//! A denial anywhere wins. Then:
//!
//! - in one account, the principal's own side (identity policies, cut by boundary, session
//!   policy and SCPs) or the resource policy is enough. The account's root in a resource
//!   policy only hands the question to the account's own policies; a role's ARN gives, and
//!   boundary and session policy still cut; a session, a user or everyone is cut by nothing
//!   but a denial and SCPs. A role's trust and a key's policy must always say yes;
//! - across accounts both sides must say yes, each on its own;
//! - a service, an identity provider or a stranger has no side of its own;
//! - a private API without a resource policy lets nobody in, and a method without
//!   authorization sees every caller as a stranger.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html> and
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html>.

use super::document::{Document, Effect};
use super::request::{Caller, Facts, MethodAuth, Request};
use super::rules::{Kind, Level, Rule, Rules};
use super::three::Three;

/// Everything that bears on a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// The principal's own policies, its groups' included.
    pub identity: Vec<Document>,
    /// The resource's own policy; of `sts:AssumeRole`, the role's trust policy.
    pub resource: Option<Document>,
    /// The principal's permissions boundary.
    pub boundary: Option<Document>,
    /// The session's policy.
    pub session: Option<Document>,
    /// Service control policies over the principal's account, by level, the root's first.
    pub scps: Vec<Vec<Document>>,
    /// Resource control policies over the resource's account, by level, the root's first.
    pub rcps: Vec<Vec<Document>>,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// It is let through.
    Allow,
    /// It is refused.
    Deny,
    /// What we know does not settle it.
    Unproven,
}

impl Decision {
    /// As the command line prints it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Unproven => "unproven",
        }
    }
}

/// A decision with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What becomes of the request.
    pub decision: Decision,
    /// The statement that settles each side, or what is missing, or what is not known.
    pub because: Vec<String>,
}

/// Decides one request.
#[must_use]
pub fn decide(request: &Request, policies: &Policies) -> Verdict {
    Prepared::of(policies).decide(request)
}

/// Policies made ready for many requests.
#[derive(Clone, Debug)]
pub struct Prepared {
    identity: Vec<Rules>,
    resource: Option<Rules>,
    boundary: Option<Rules>,
    session: Option<Rules>,
    scps: Vec<Vec<Rules>>,
    rcps: Vec<Vec<Rules>>,
}

/// What one side says of a request.
#[derive(Clone, Debug)]
struct Side<'a> {
    /// By level; a side that names no principals has the last only.
    allows: [Said<'a>; 3],
    denies: Said<'a>,
    open: Vec<String>,
}

/// Whether a side says something, and where.
#[derive(Clone, Copy, Debug)]
struct Said<'a> {
    is: Three,
    by: Option<(&'a Rules, &'a Rule)>,
}

impl<'a> Said<'a> {
    const NOTHING: Self = Self {
        is: Three::No,
        by: None,
    };

    fn or(self, other: Self) -> Self {
        if other.is > self.is { other } else { self }
    }

    fn hear(&mut self, is: Three, rules: &'a Rules, rule: &'a Rule) {
        *self = self.or(Self {
            is,
            by: Some((rules, rule)),
        });
    }

    fn cite(&self, verb: &str) -> Option<String> {
        self.by
            .map(|(rules, rule)| format!("{}, {}, {verb} it", rules.name, rule.label))
    }
}

impl<'a> Side<'a> {
    const SILENT: Self = Self {
        allows: [Said::NOTHING; 3],
        denies: Said::NOTHING,
        open: Vec::new(),
    };

    fn hear(&mut self, rules: &'a Rules, facts: &Facts<'_>, action: &str) {
        for rule in &rules.rules {
            let known = match rule.effect {
                Effect::Allow => self.allows[Level::Direct as usize].is,
                Effect::Deny => self.denies.is,
            };
            if known == Three::Yes {
                continue;
            }
            let mut why = Vec::new();
            for (level, is) in rule.applies(facts, action, &mut why) {
                match rule.effect {
                    Effect::Allow => self.allows[level as usize].hear(is, rules, rule),
                    Effect::Deny => self.denies.hear(is, rules, rule),
                }
            }
            let reasons = why.into_iter();
            self.open
                .extend(reasons.map(|it| format!("{}, {}: {it}", rules.name, rule.label)));
        }
    }

    fn of(documents: &'a [Rules], facts: &Facts<'_>, action: &str) -> Self {
        let mut side = Self::SILENT;
        for rules in documents {
            side.hear(rules, facts, action);
        }
        side
    }

    /// What a side allows that names no principals.
    fn allow(&self) -> Said<'a> {
        self.allows[Level::Direct as usize]
    }

    fn at(&self, level: Level) -> Said<'a> {
        self.allows[level as usize]
    }
}

/// One thing that must be so for a request to be let through, and what to say of it.
struct Need {
    is: Three,
    /// What makes it so; nothing where it goes without saying.
    met: Option<String>,
    /// What is missing.
    unmet: String,
}

/// The needs of one way in; it is open when all are met.
struct Way {
    needs: Vec<Need>,
}

impl Way {
    fn is(&self) -> Three {
        Three::all(self.needs.iter().map(|it| it.is))
    }
}

impl Prepared {
    /// Policies made ready.
    #[must_use]
    pub fn of(policies: &Policies) -> Self {
        let one = |document: &Option<Document>, kind, name: &str| {
            document.as_ref().map(|it| Rules::of(it, kind, name))
        };
        let levels = |levels: &[Vec<Document>], kind, name: &str| {
            let level = |(index, documents): (usize, &Vec<Document>)| {
                let name = format!("{name} at level {}", index + 1);
                documents
                    .iter()
                    .map(|it| Rules::of(it, kind, name.clone()))
                    .collect()
            };
            levels.iter().enumerate().map(level).collect()
        };
        let many = policies.identity.len() > 1;
        let identity = policies.identity.iter().enumerate().map(|(index, it)| {
            let name = if many {
                format!("identity policy {}", index + 1)
            } else {
                "identity policy".to_owned()
            };
            Rules::of(it, Kind::Identity, name)
        });
        Self {
            identity: identity.collect(),
            resource: one(&policies.resource, Kind::Resource, "resource policy"),
            boundary: one(&policies.boundary, Kind::Identity, "permissions boundary"),
            session: one(&policies.session, Kind::Identity, "session policy"),
            scps: levels(&policies.scps, Kind::Identity, "service control policy"),
            rcps: levels(
                &policies.rcps,
                Kind::ResourceControl,
                "resource control policy",
            ),
        }
    }

    /// Decides one request.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Verdict {
        let mut facts = Facts::of(request);
        let action = request.action.to_ascii_lowercase();
        let is_api = action.starts_with("execute-api:");
        if is_api && request.method_auth == Some(MethodAuth::None) {
            facts.caller = Caller::Anonymous;
        }
        let heard = Heard::of(self, &facts, &action);
        if let Some(refused) = heard.denied() {
            return refused;
        }
        let same = match (facts.caller.account(), owner(&facts)) {
            (Some(own), Some(owner)) => Some(own == owner),
            (Some(_), None) => None,
            (None, _) => Some(false),
        };
        let decide = |same| heard.decide(&facts, &action, same);
        let Some(same) = same else {
            let (near, far) = (decide(true), decide(false));
            if near.decision == far.decision {
                return far;
            }
            return Verdict {
                decision: Decision::Unproven,
                because: vec![format!(
                    "the account that owns {} is not given",
                    request.resource
                )],
            };
        };
        decide(same)
    }
}

/// The account that owns the resource. What has no owner of its own, such as a list of
/// all topics, is the caller's.
fn owner<'a>(facts: &Facts<'a>) -> Option<&'a str> {
    match facts.owner {
        Some("aws") => facts.caller.account(),
        Some(owner) => Some(owner),
        None if facts.request.resource == "*" => facts.caller.account(),
        None => None,
    }
}

/// Whether the resource's own policy has the last word in its own account too.
fn is_guarded(request: &Request, action: &str) -> bool {
    let of = |service: &str, kind: &str| {
        let mut parts = request.resource.splitn(6, ':').skip(2);
        parts.next() == Some(service) && parts.nth(2).is_some_and(|it| it.starts_with(kind))
    };
    action.starts_with("sts:") && of("iam", "role/") || action.starts_with("kms:") && of("kms", "")
}

/// Calls on a queue that no queue policy can allow to another account.
const OWNERS_ONLY: [&str; 9] = [
    "sqs:addpermission",
    "sqs:createqueue",
    "sqs:deletequeue",
    "sqs:listqueues",
    "sqs:listqueuetags",
    "sqs:removepermission",
    "sqs:setqueueattributes",
    "sqs:tagqueue",
    "sqs:untagqueue",
];

/// What every side says of one request.
struct Heard<'a> {
    identity: Side<'a>,
    resource: Side<'a>,
    has_resource_policy: bool,
    boundary: Option<Side<'a>>,
    session: Option<Side<'a>>,
    scps: Vec<Side<'a>>,
    /// With whether the level says yes of its own accord, having no `Allow` to be read.
    rcps: Vec<(Side<'a>, bool)>,
}

impl<'a> Heard<'a> {
    fn of(policies: &'a Prepared, facts: &Facts<'_>, action: &str) -> Self {
        let one = |rules: &'a Option<Rules>| {
            rules
                .as_ref()
                .map(|it| Side::of(std::slice::from_ref(it), facts, action))
        };
        let has_side = facts.caller.account().is_some();
        let under_scps = has_side
            && !matches!(
                facts.caller,
                Caller::Role {
                    service_linked: true,
                    ..
                }
            );
        // Of a queue's own policy AWS lists few keys; the others are not to be counted on.
        let at_resource = Facts {
            listed_keys_only: action.starts_with("sqs:"),
            ..*facts
        };
        let resource = policies.resource.as_ref().map(|it| {
            let mut side = Side::SILENT;
            side.hear(it, &at_resource, action);
            side
        });
        let is_root = matches!(facts.caller, Caller::Root { .. });
        let of_principal = |rules: &'a Option<Rules>| {
            if has_side && !is_root {
                one(rules)
            } else {
                None
            }
        };
        Self {
            identity: if has_side && !is_root {
                Side::of(&policies.identity, facts, action)
            } else {
                Side::SILENT
            },
            has_resource_policy: resource.is_some(),
            resource: resource.unwrap_or(Side::SILENT),
            boundary: of_principal(&policies.boundary),
            session: of_principal(&policies.session),
            scps: policies
                .scps
                .iter()
                .filter(|_| under_scps)
                .map(|it| Side::of(it, facts, action))
                .collect(),
            rcps: policies
                .rcps
                .iter()
                .map(|level| {
                    let mut rules = level.iter().flat_map(|it| &it.rules);
                    let only_denies = rules.all(|it| it.effect == Effect::Deny);
                    (Side::of(level, facts, action), only_denies)
                })
                .collect(),
        }
    }

    fn sides(&self) -> impl Iterator<Item = &Side<'a>> {
        [&self.identity, &self.resource]
            .into_iter()
            .chain(&self.boundary)
            .chain(&self.session)
            .chain(&self.scps)
            .chain(self.rcps.iter().map(|(side, _)| side))
    }

    /// The refusal, when a statement denies.
    fn denied(&self) -> Option<Verdict> {
        let because: Vec<String> = self
            .sides()
            .filter(|it| it.denies.is == Three::Yes)
            .filter_map(|it| it.denies.cite("denies"))
            .collect();
        (!because.is_empty()).then_some(Verdict {
            decision: Decision::Deny,
            because,
        })
    }

    /// The verdict, where no statement certainly denies.
    fn decide(&self, facts: &Facts<'_>, action: &str, same: bool) -> Verdict {
        let ways = self.ways(facts, action, same);
        let ceilings = self.ceilings();
        let granted = Three::any(ways.iter().map(Way::is));
        let capped = Three::all(ceilings.iter().map(|it| it.is));
        let spared = !Three::any(self.sides().map(|it| it.denies.is));
        match granted & capped & spared {
            Three::Yes => {
                let way = ways.iter().find(|it| it.is() == Three::Yes);
                let needs = way.into_iter().flat_map(|it| &it.needs).chain(&ceilings);
                Verdict {
                    decision: Decision::Allow,
                    because: needs.filter_map(|it| it.met.clone()).collect(),
                }
            }
            Three::No => {
                let blocking = ceilings.iter().filter(|it| it.is == Three::No);
                let mut because: Vec<String> = blocking.map(|it| it.unmet.clone()).collect();
                if granted == Three::No {
                    let needs = ways.iter().flat_map(|it| &it.needs);
                    because.extend(
                        needs
                            .filter(|it| it.is == Three::No)
                            .map(|it| it.unmet.clone()),
                    );
                }
                dedup(&mut because);
                Verdict {
                    decision: Decision::Deny,
                    because,
                }
            }
            Three::Maybe => {
                let mut because: Vec<String> =
                    self.sides().flat_map(|it| it.open.clone()).collect();
                let needs = ways.iter().flat_map(|it| &it.needs).chain(&ceilings);
                if because.is_empty() {
                    because.extend(
                        needs
                            .filter(|it| it.is == Three::Maybe)
                            .map(|it| it.unmet.clone()),
                    );
                }
                dedup(&mut because);
                Verdict {
                    decision: Decision::Unproven,
                    because,
                }
            }
        }
    }

    /// What organizations put over everything.
    fn ceilings(&self) -> Vec<Need> {
        let scps = self.scps.iter().enumerate().map(|(index, side)| Need {
            is: side.allow().is,
            met: side.allow().cite("lets"),
            unmet: format!("no service control policy at level {} allows it", index + 1),
        });
        let rcps = self.rcps.iter().enumerate();
        let rcps = rcps.map(|(index, (side, only_denies))| Need {
            is: side.allow().is | Three::from(*only_denies),
            met: None,
            unmet: format!(
                "no resource control policy at level {} allows it",
                index + 1
            ),
        });
        scps.chain(rcps).collect()
    }

    /// What cuts the principal's own policies, and a grant to its role.
    fn cuts(&self) -> Vec<Need> {
        let cut = |side: &Option<Side<'a>>, name: &str| {
            side.as_ref().map(|side| Need {
                is: side.allow().is,
                met: side.allow().cite("lets"),
                unmet: format!("the {name} does not allow it"),
            })
        };
        let boundary = cut(&self.boundary, "permissions boundary");
        boundary
            .into_iter()
            .chain(cut(&self.session, "session policy"))
            .collect()
    }

    /// The principal's own side.
    fn own_side(&self, facts: &Facts<'_>) -> Vec<Need> {
        let request = facts.request;
        let said = if let Caller::Root { account } = facts.caller {
            return vec![Need {
                is: Three::Yes,
                met: Some(format!("the root user of {account} needs no policy")),
                unmet: String::new(),
            }];
        } else {
            self.identity.allow()
        };
        let identity = Need {
            is: said.is,
            met: said.cite("allows"),
            unmet: format!(
                "no identity policy of {} allows {} on {}",
                request.principal, request.action, request.resource
            ),
        };
        std::iter::once(identity).chain(self.cuts()).collect()
    }

    /// The resource policy's word, given at one of these levels.
    fn word(&self, facts: &Facts<'_>, levels: &[Level]) -> Need {
        let said = levels
            .iter()
            .map(|it| self.resource.at(*it))
            .fold(Said::NOTHING, Said::or);
        let unmet = if self.has_resource_policy {
            format!(
                "the resource policy does not let {} in",
                facts.request.principal
            )
        } else {
            "there is no resource policy".to_owned()
        };
        Need {
            is: said.is,
            met: said.cite("allows"),
            unmet,
        }
    }

    /// Every way in.
    fn ways(&self, facts: &Facts<'_>, action: &str, same: bool) -> Vec<Way> {
        let any = [Level::Direct, Level::Role, Level::Account];
        let is_api = action.starts_with("execute-api:");
        let private = is_api && facts.through_endpoint();
        if facts.caller.account().is_none() {
            let mut needs = vec![self.word(facts, &[Level::Direct])];
            if is_api && facts.caller == Caller::Anonymous {
                needs = self.stranger(facts, private);
            }
            needs.extend(owners_only(action));
            return vec![Way { needs }];
        }
        if !same {
            let mut needs = self.own_side(facts);
            needs.push(self.word(facts, &any));
            needs.extend(owners_only(action));
            return vec![Way { needs }];
        }
        let mut given = vec![self.word(facts, &[Level::Role])];
        given.extend(self.cuts());
        let mut own = self.own_side(facts);
        if is_guarded(facts.request, action) {
            own.push(self.word(facts, &[Level::Account]));
        }
        if private {
            let mut word = self.word(facts, &any);
            if self.has_resource_policy {
                // AWS says both that the policy must exist and that it must let the caller in.
                word.is = word.is | Three::Maybe;
                "a private API's policy may have to let its callers in".clone_into(&mut word.unmet);
            }
            own.push(word);
        }
        let direct = vec![self.word(facts, &[Level::Direct])];
        [direct, given, own]
            .into_iter()
            .map(|needs| Way { needs })
            .collect()
    }

    /// What a call to a REST API needs that nobody signed.
    fn stranger(&self, facts: &Facts<'_>, private: bool) -> Vec<Need> {
        match facts.request.method_auth {
            Some(MethodAuth::Iam) => vec![Need {
                is: Three::No,
                met: None,
                unmet: "the method asks for a signature".to_owned(),
            }],
            Some(MethodAuth::None) if !self.has_resource_policy && !private => vec![Need {
                is: Three::Yes,
                met: Some(
                    "the method has no authorization and the API no resource policy".to_owned(),
                ),
                unmet: String::new(),
            }],
            _ => vec![self.word(facts, &[Level::Direct])],
        }
    }
}

fn owners_only(action: &str) -> Option<Need> {
    OWNERS_ONLY.contains(&action).then(|| Need {
        is: Three::No,
        met: None,
        unmet: "SQS allows this to the queue's own account only".to_owned(),
    })
}

/// Drops what was said before.
fn dedup(lines: &mut Vec<String>) {
    let mut seen = std::collections::BTreeSet::new();
    lines.retain(|it| seen.insert(it.clone()));
}

#[cfg(test)]
mod tests;
