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
//! - the policy of a VPC endpoint that the request comes through must let it through, and
//!   gives nothing;
//! - some services have rules that no policy changes (`services.rs`);
//! - a private API without a resource policy lets nobody in, and a method without
//!   authorization sees every caller as a stranger.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html> and
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html>.

use std::sync::Arc;

use super::document::{Clause, Document, Effect, Statement};
use super::facts::{Facts, Silence};
use super::needs::{AUTHORIZATION, Met, Need, Said, Side, Unmet, Way};
use super::request::{Caller, CallerPolicies, MethodAuth, Request};
use super::rules::{Kind, Level, Rules};
use super::services;
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
    /// The policy of the VPC endpoint that the request comes through.
    pub endpoint: Option<Document>,
}

impl Policies {
    /// The own policies of a caller that a witness assumes.
    #[must_use]
    pub fn of_caller(own: CallerPolicies) -> Self {
        let everything = Statement::allow("", Clause::of(["*"])).on(["*"]);
        let nothing = || Some(Document::of(Vec::new()));
        match own {
            CallerPolicies::Allow => Self {
                identity: vec![Document::of(vec![everything.clone()])],
                // A federated user's session has no permissions of its own without one.
                session: Some(Document::of(vec![everything])),
                ..Self::default()
            },
            CallerPolicies::None => Self::default(),
            CallerPolicies::Limited => Self {
                boundary: nothing(),
                session: nothing(),
                ..Self::default()
            },
        }
    }
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
///
/// Its documents can be shared: one topic's policy bears on the requests of all its callers.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    /// As [`Policies::identity`].
    pub identity: Vec<Arc<Rules>>,
    /// As [`Policies::resource`].
    pub resource: Option<Arc<Rules>>,
    /// As [`Policies::boundary`].
    pub boundary: Option<Arc<Rules>>,
    /// As [`Policies::session`].
    pub session: Option<Arc<Rules>>,
    /// As [`Policies::scps`].
    pub scps: Vec<Vec<Arc<Rules>>>,
    /// As [`Policies::rcps`].
    pub rcps: Vec<Vec<Arc<Rules>>>,
    /// As [`Policies::endpoint`].
    pub endpoint: Option<Arc<Rules>>,
}

/// What a document is among those that bear on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// An identity policy; of several, which one, from 1.
    Identity(Option<usize>),
    Resource,
    Boundary,
    Session,
    /// Of this level, from 1.
    ServiceControl(usize),
    ResourceControl(usize),
    Endpoint,
}

impl Part {
    /// The identity policy at an index, of so many.
    pub(super) fn identity(index: usize, count: usize) -> Self {
        Self::Identity((count > 1).then_some(index + 1))
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Resource | Self::Endpoint => Kind::Resource,
            Self::ResourceControl(_) => Kind::ResourceControl,
            Self::Identity(_) | Self::Boundary | Self::Session | Self::ServiceControl(_) => {
                Kind::Identity
            }
        }
    }

    /// What a reason calls it.
    pub(super) fn name(self) -> String {
        match self {
            Self::Identity(None) => "identity policy".to_owned(),
            Self::Identity(Some(number)) => format!("identity policy {number}"),
            Self::Resource => "resource policy".to_owned(),
            Self::Boundary => "permissions boundary".to_owned(),
            Self::Session => "session policy".to_owned(),
            Self::ServiceControl(level) => format!("service control policy at level {level}"),
            Self::ResourceControl(level) => format!("resource control policy at level {level}"),
            Self::Endpoint => "VPC endpoint policy".to_owned(),
        }
    }
}

impl Prepared {
    /// Policies made ready.
    #[must_use]
    pub fn of(policies: &Policies) -> Self {
        let of = |part: Part, it: &Document| Arc::new(Rules::of(it, part.kind(), part.name()));
        let one = |document: &Option<Document>, part| document.as_ref().map(|it| of(part, it));
        let levels = |levels: &[Vec<Document>], part: fn(usize) -> Part| {
            let level = |(level, documents): (usize, &Vec<Document>)| {
                documents.iter().map(|it| of(part(level), it)).collect()
            };
            (1..).zip(levels).map(level).collect()
        };
        let count = policies.identity.len();
        let identity = policies.identity.iter().enumerate();
        let identity = identity.map(|(index, it)| of(Part::identity(index, count), it));
        Self {
            identity: identity.collect(),
            resource: one(&policies.resource, Part::Resource),
            boundary: one(&policies.boundary, Part::Boundary),
            session: one(&policies.session, Part::Session),
            scps: levels(&policies.scps, Part::ServiceControl),
            rcps: levels(&policies.rcps, Part::ResourceControl),
            endpoint: one(&policies.endpoint, Part::Endpoint),
        }
    }

    /// Decides one request, which is told in full.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Verdict {
        self.decide_by(request, Silence::Absence)
    }

    /// Decides one request, by what it means that it does not name a key.
    #[must_use]
    pub fn decide_by(&self, request: &Request, silence: Silence) -> Verdict {
        let mut facts = Facts {
            silence,
            ..Facts::of(request).of_one_partition()
        };
        let action = request.action.to_ascii_lowercase();
        if action.starts_with("execute-api:") {
            match request.method_auth {
                Some(MethodAuth::None) => facts.caller = Caller::Anonymous,
                None if facts.caller.account().is_some() => {
                    let of = |auth| {
                        let method_auth = Some(auth);
                        let request = Request {
                            method_auth,
                            ..request.clone()
                        };
                        self.decide_by(&request, silence)
                    };
                    return agreed(&of(MethodAuth::None), of(MethodAuth::Iam), || {
                        AUTHORIZATION.to_owned()
                    });
                }
                Some(MethodAuth::Iam) | None => {}
            }
        }
        if let Some((allowed, why)) = services::settled(&facts, &action) {
            let decision = if allowed {
                Decision::Allow
            } else {
                Decision::Deny
            };
            return Verdict {
                decision,
                because: vec![why.to_owned()],
            };
        }
        let decide = |linked| Heard::of(self, &facts, &action, linked).verdict(&facts, &action);
        match facts.is_service_linked() {
            Three::Maybe if !self.scps.is_empty() || !self.rcps.is_empty() => {
                agreed(&decide(true), decide(false), || {
                    "the path of the session's role is not given".to_owned()
                })
            }
            linked => decide(linked == Three::Yes),
        }
    }
}

/// The second of two verdicts, if something that the request leaves open makes no difference.
fn agreed(one: &Verdict, other: Verdict, open: impl Fn() -> String) -> Verdict {
    if one.decision == other.decision {
        return other;
    }
    Verdict {
        decision: Decision::Unproven,
        because: vec![open()],
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

/// However a statement names the caller.
const LEVELS: [Level; 3] = [Level::Direct, Level::Role, Level::Account];

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
    endpoint: Option<Side<'a>>,
    /// Whether the endpoint's word for the caller's account is open.
    by_gateway: bool,
}

impl<'a> Heard<'a> {
    /// `linked` says whether the caller is a service's own role, which no organization limits.
    fn of(policies: &'a Prepared, facts: &Facts<'_>, action: &str, linked: bool) -> Self {
        let one = |rules: &'a Option<Arc<Rules>>| {
            rules
                .as_ref()
                .map(|it| Side::of(std::slice::from_ref(it), facts, action))
        };
        let has_side = facts.caller.account().is_some();
        let under_scps = has_side && !linked;
        let under_rcps = !linked && services::is_under_resource_control(facts, action);
        let mut resource = one(&policies.resource);
        if let Some(side) = &mut resource {
            side.denies.is = side.denies.is & !services::is_beyond_denial(facts, action);
        }
        let is_root = matches!(facts.caller, Caller::Root { .. });
        let by_gateway = !is_root && services::has_gateway_endpoints(action);
        let of_principal = |rules: &'a Option<Arc<Rules>>| {
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
                .filter(|_| under_rcps)
                .map(|level| {
                    let mut rules = level.iter().flat_map(|it| &it.rules);
                    let only_denies = rules.all(|it| it.effect == Effect::Deny);
                    (Side::of(level, facts, action), only_denies)
                })
                .collect(),
            by_gateway,
            endpoint: policies.endpoint.as_ref().map(|it| {
                let it = std::slice::from_ref(it);
                let mut unsigned = Side::of(it, facts, action);
                // A method without authorization sees a stranger, and an endpoint the one who signed, if anyone did.
                let signed = Facts {
                    silence: facts.silence,
                    ..Facts::of(facts.request).of_one_partition()
                };
                let signed = Side::of(it, &signed, action);
                let of_account = &mut unsigned.allows[Level::Account as usize];
                if by_gateway {
                    of_account.is = of_account.is & Three::Maybe;
                }
                unsigned.unless(&signed)
            }),
        }
    }

    fn sides(&self) -> impl Iterator<Item = &Side<'a>> {
        [&self.identity, &self.resource]
            .into_iter()
            .chain(&self.boundary)
            .chain(&self.session)
            .chain(&self.scps)
            .chain(self.rcps.iter().map(|(side, _)| side))
            .chain(&self.endpoint)
    }

    fn verdict(&self, facts: &Facts<'_>, action: &str) -> Verdict {
        if let Some(refused) = self.denied() {
            return refused;
        }
        let decide = |same| self.decide(facts, action, same);
        match (facts.caller.account(), owner(facts)) {
            (Some(own), Some(owner)) => decide(own == owner),
            (Some(_), None) => agreed(&decide(true), decide(false), || {
                let resource = &facts.request.resource;
                format!("the account that owns {resource} is not given")
            }),
            (None, _) => decide(false),
        }
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
        let mut ceilings = self.ceilings();
        let undecided = services::not_by_policy(facts, action);
        ceilings.extend(undecided.map(|why| Need {
            is: Three::Maybe,
            ..Need::never(why)
        }));
        let granted = Three::any(ways.iter().map(Way::is));
        let capped = Three::all(ceilings.iter().map(|it| it.is));
        let spared = !Three::any(self.sides().map(|it| it.denies.is));
        let needs = || ways.iter().flat_map(|it| &it.needs);
        let unmet = |is| move |it: &&Need<'_>| it.is == is;
        let (decision, mut because): (_, Vec<String>) = match granted & capped & spared {
            Three::Yes => {
                let way = ways.iter().find(|it| it.is() == Three::Yes);
                let needs = way.into_iter().flat_map(|it| &it.needs).chain(&ceilings);
                let said = needs.filter_map(|it| it.say_met(facts));
                (Decision::Allow, said.collect())
            }
            Three::No => {
                let lacking = needs().filter(|_| granted == Three::No);
                let lacking = ceilings.iter().chain(lacking).filter(unmet(Three::No));
                let said = lacking.map(|it| it.say_unmet(facts));
                (Decision::Deny, said.collect())
            }
            Three::Maybe => {
                let open: Vec<String> = self.sides().flat_map(|it| it.open.clone()).collect();
                let lacking = needs().chain(&ceilings).filter(unmet(Three::Maybe));
                let said = lacking.filter(|_| open.is_empty());
                let said: Vec<String> = said.map(|it| it.say_unmet(facts)).collect();
                (Decision::Unproven, open.into_iter().chain(said).collect())
            }
        };
        dedup(&mut because);
        Verdict { decision, because }
    }

    /// What organizations and a VPC endpoint put over everything.
    fn ceilings(&self) -> Vec<Need<'a>> {
        let scps = self.scps.iter().zip(1..).map(|(side, level)| Need {
            is: side.allow().is,
            met: Met::By("lets", side.allow()),
            unmet: Unmet::Level("service control policy", level),
        });
        let rcps = self.rcps.iter().zip(1..);
        let rcps = rcps.map(|((side, only_denies), level)| Need {
            is: side.allow().is | Three::from(*only_denies),
            met: Met::Silently,
            unmet: Unmet::Level("resource control policy", level),
        });
        let endpoint = self.endpoint.iter().map(|side| {
            let said = LEVELS.map(|it| side.at(it)).into_iter();
            let said = said.fold(Said::NOTHING, Said::or);
            Need {
                is: said.is,
                met: Met::By("lets", said),
                unmet: if self.by_gateway && said.is == Three::Maybe {
                    Unmet::Never("the policy of a gateway endpoint means the root user only by an account, and the kind of the endpoint is not given")
                } else {
                    Unmet::Ceiling("VPC endpoint policy")
                },
            }
        });
        scps.chain(rcps).chain(endpoint).collect()
    }

    /// What cuts the principal's own policies, and a grant to its role. A federated user's session has none of them without a
    /// session policy.
    ///
    /// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html>.
    fn cuts(&self, facts: &Facts<'_>) -> impl Iterator<Item = Need<'a>> + '_ {
        let is_federated = facts.caller.federated().is_some();
        let bare = (is_federated && self.session.is_none())
            .then(|| Need::never("a federated user's session without a session policy may nothing but what a resource policy lets it by its own name"));
        let cut = |(side, name): (&Option<Side<'a>>, &'static str)| {
            side.as_ref().map(|side| Need {
                is: side.allow().is,
                met: Met::By("lets", side.allow()),
                unmet: Unmet::Ceiling(name),
            })
        };
        [
            (&self.boundary, "permissions boundary"),
            (&self.session, "session policy"),
        ]
        .into_iter()
        .filter_map(cut)
        .chain(bare)
    }

    /// The principal's own side.
    fn own_side(&self, facts: &Facts<'_>) -> Vec<Need<'a>> {
        if let Caller::Root { .. } = facts.caller {
            return vec![Need {
                is: Three::Yes,
                met: Met::Root,
                unmet: Unmet::Nothing,
            }];
        }
        let said = self.identity.allow();
        let identity = Need {
            is: said.is,
            met: Met::By("allows", said),
            unmet: Unmet::Identity,
        };
        std::iter::once(identity).chain(self.cuts(facts)).collect()
    }

    /// The resource policy's word, given at one of these levels.
    fn word(&self, levels: &[Level]) -> Need<'a> {
        let said = levels
            .iter()
            .map(|it| self.resource.at(*it))
            .fold(Said::NOTHING, Said::or);
        Need {
            is: said.is,
            met: Met::By("allows", said),
            unmet: if self.has_resource_policy {
                Unmet::ResourcePolicy
            } else {
                Unmet::NoResourcePolicy
            },
        }
    }

    /// Every way in.
    fn ways(&self, facts: &Facts<'_>, action: &str, same: bool) -> Vec<Way<'a>> {
        let any = LEVELS;
        let is_api = action.starts_with("execute-api:");
        let private = is_api && facts.through_endpoint();
        if facts.caller.account().is_none() {
            let is_anonymous = facts.caller == Caller::Anonymous;
            let mut needs = vec![if is_api && is_anonymous {
                self.stranger(facts, private)
            } else {
                self.word(&[Level::Direct])
            }];
            match services::accepts_unsigned(action, &facts.request.resource) {
                _ if !is_anonymous => {}
                Three::Yes => {}
                Three::No => needs.push(Need::never("the service accepts no unsigned request")),
                Three::Maybe => needs.push(Need {
                    is: Three::Maybe,
                    ..Need::never(
                        "whether the service accepts it unsigned is a setting of the resource",
                    )
                }),
            }
            needs.extend(owners_only(action));
            return vec![Way { needs }];
        }
        if !same {
            let mut needs = self.own_side(facts);
            needs.push(self.word(&any));
            needs.extend(owners_only(action));
            return vec![Way { needs }];
        }
        let mut given = vec![self.word(&[Level::Role])];
        given.extend(self.cuts(facts));
        let mut own = self.own_side(facts);
        if services::is_guarded(action, &facts.request.resource) {
            own.push(self.word(&[Level::Account]));
        }
        if private {
            let mut word = self.word(&any);
            if self.has_resource_policy {
                // AWS says both that the policy must exist and that it must let the caller in.
                word.is = word.is | Three::Maybe;
                word.unmet = Unmet::PrivatePolicy;
            }
            own.push(word);
        }
        let direct = vec![self.word(&[Level::Direct])];
        [direct, given, own]
            .into_iter()
            .map(|needs| Way { needs })
            .collect()
    }

    /// What a call to a REST API needs that nobody signed.
    fn stranger(&self, facts: &Facts<'_>, private: bool) -> Need<'a> {
        match facts.request.method_auth {
            Some(MethodAuth::Iam) => Need {
                is: Three::No,
                met: Met::Silently,
                unmet: Unmet::Signature,
            },
            Some(MethodAuth::None) if !self.has_resource_policy && !private => Need {
                is: Three::Yes,
                met: Met::Unguarded,
                unmet: Unmet::Nothing,
            },
            Some(MethodAuth::None) => self.word(&[Level::Direct]),
            // With AWS_IAM it would refuse.
            None => {
                let word = self.word(&[Level::Direct]);
                match word.is {
                    Three::No => word,
                    Three::Maybe | Three::Yes => Need {
                        is: Three::Maybe,
                        unmet: Unmet::Authorization,
                        ..word
                    },
                }
            }
        }
    }
}

fn owners_only(action: &str) -> Option<Need<'static>> {
    services::owner_only(action).map(Need::never)
}

/// Drops what was said before.
fn dedup(lines: &mut Vec<String>) {
    let mut seen = std::collections::BTreeSet::new();
    lines.retain(|it| seen.insert(it.clone()));
}

#[cfg(test)]
mod tests;
