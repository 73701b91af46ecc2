//! Requests put to a world.

use std::sync::Arc;

use super::paper::Paper;
use super::voice::MADE_UP;
use super::world::{Boundary, Caller, Thing, What, World};
use crate::kinds::survey::ceilings::Extent;
use crate::model::KindName;
use crate::policy::context::contexts;
use crate::policy::rules::{Kind, Rules};
use crate::policy::{
    Clause, Decision, Document, Prepared, Request, Silence, Statement, Verdict, Who,
};

impl World {
    /// What becomes of a plain request that should be let through. An unread document might refuse it.
    #[must_use]
    pub fn should_pass(&self, request: &Request, caller: Caller<'_>, target: &Thing) -> Verdict {
        let extent = of_example(request);
        let decide = |caller| self.decide(request, caller, target, Silence::Plain, extent);
        let verdict = decide(caller);
        let Some(unread) = unread(caller) else {
            return verdict;
        };
        match verdict.decision {
            Decision::Allow => Verdict {
                decision: Decision::Unproven,
                because: unread
                    .iter()
                    .map(|it| format!("{it} is not read, and may deny it"))
                    .collect(),
            },
            Decision::Deny
                if lacks_policies(caller) && decide(Caller::Mighty).decision != Decision::Deny =>
            {
                Verdict {
                    decision: Decision::Unproven,
                    because: unread
                        .iter()
                        .map(|it| format!("{it} is not read, and may allow it"))
                        .collect(),
                }
            }
            Decision::Deny | Decision::Unproven => verdict,
        }
    }

    /// What becomes of a request that nobody declared, whatever AWS says of it beside what is named in it.
    /// An unread document might let it through.
    #[must_use]
    pub fn should_fail(&self, request: &Request, caller: Caller<'_>, target: &Thing) -> Verdict {
        let decide =
            |caller, silence| self.decide(request, caller, target, silence, closed(caller, target));
        let mut verdict = decide(caller, Silence::Absence);
        if verdict.decision == Decision::Deny {
            verdict = decide(caller, Silence::Anything);
        }
        if verdict.decision == Decision::Deny
            && let Some(unread) = unread(caller)
            && lacks_policies(caller)
            && decide(Caller::Mighty, Silence::Anything).decision != Decision::Deny
        {
            return Verdict {
                decision: Decision::Unproven,
                because: unread
                    .iter()
                    .map(|it| format!("{it} is not read, and may allow it"))
                    .collect(),
            };
        }
        verdict
    }

    /// Where [`World::should_fail`] finds a request open: the same request in a context in which it is let through.
    #[must_use]
    pub fn in_context(
        &self,
        request: &Request,
        caller: Caller<'_>,
        target: &Thing,
    ) -> Option<(Request, Verdict)> {
        let prepared = self.prepared(request, caller, target, closed(caller, target));
        let rules: Vec<&Rules> = prepared
            .identity
            .iter()
            .chain(&prepared.resource)
            .chain(&prepared.boundary)
            .chain(prepared.scps.iter().chain(&prepared.rcps).flatten())
            .map(AsRef::as_ref)
            .collect();
        contexts(&rules, &self.ceilings.carried(request, &target.place.id))
            .into_iter()
            .find_map(|request| {
                let verdict = prepared.decide(&request);
                (verdict.decision == Decision::Allow).then_some((request, verdict))
            })
    }

    /// Whether a call of a private API comes through no VPC endpoint today: the policy of each that the stack names
    /// refuses it, and the API's own policy refuses all others.
    #[must_use]
    pub fn no_endpoint_lets(&self, request: &Request, caller: Caller<'_>, target: &Thing) -> bool {
        let What::Api(surface) = &target.what else {
            return false;
        };
        let through = |id: &str| request.clone().with("aws:SourceVpce", [id]);
        let closed = |id: &String| {
            self.ceilings
                .closes_endpoint(&through(id), Silence::Anything)
        };
        let is_shut =
            |id| self.should_fail(&through(id), caller, target).decision == Decision::Deny;
        surface.private
            && !surface.endpoints.is_empty()
            && surface.endpoints.iter().all(closed)
            && is_shut(UNKNOWN_ENDPOINT)
    }

    /// What the documents that we have say of a request.
    fn decide(
        &self,
        request: &Request,
        caller: Caller<'_>,
        target: &Thing,
        silence: Silence,
        extent: Extent,
    ) -> Verdict {
        let request = self.ceilings.carried(request, &target.place.id);
        let mut prepared = self.prepared(&request, caller, target, extent);
        if silence == Silence::Plain {
            let endpoint = self.ceilings.endpoint_of(&request);
            prepared.endpoint = endpoint.map(|it| Arc::clone(&it.1));
        }
        prepared.decide_by(&request, silence)
    }

    /// The documents that we have of a caller and of what it calls.
    fn prepared(
        &self,
        request: &Request,
        caller: Caller<'_>,
        target: &Thing,
        extent: Extent,
    ) -> Prepared {
        let identity = match caller {
            Caller::Role(thing) => match &thing.what {
                What::Role { identity, .. } => {
                    identity.iter().map(|it| Arc::clone(&it.rules)).collect()
                }
                _ => Vec::new(),
            },
            Caller::With(paper) => vec![Arc::clone(&paper.rules)],
            Caller::Mighty => vec![mighty()],
            Caller::Bare => Vec::new(),
        };
        let mut prepared = Prepared {
            identity,
            resource: target.policy.as_ref().map(|it| Arc::clone(&it.rules)),
            boundary: bounding(caller).map(|it| Arc::clone(&it.rules)),
            ..Prepared::default()
        };
        let ceilings = &self.ceilings;
        ceilings.put_over(&mut prepared, request, &target.place.id, extent);
        prepared
    }
}

/// An endpoint that no stack names.
pub(super) const UNKNOWN_ENDPOINT: &str = "vpce-00000000000000000";

/// What a denial must hold for to count against a request that should be let through: one under a condition may
/// spare others of an account than the example that stands for them.
pub(super) fn of_example(request: &Request) -> Extent {
    let made_up = |it: &String| it.ends_with(":root") || it.ends_with(MADE_UP);
    Extent {
        any_caller: matches!(&request.principal, Who::Arn(it) if made_up(it)),
        any_resource: false,
    }
}

/// What a denial must hold for before nothing like a request is let through: one of a role of the world stands for
/// itself, any other for many callers, and a call of an API for others beside it.
pub(super) fn closed(caller: Caller<'_>, target: &Thing) -> Extent {
    Extent {
        any_caller: !matches!(caller, Caller::Role(_)),
        any_resource: target.address.kind == KindName::RestApi,
    }
}

/// The permissions boundary of a caller, where it was read.
pub(super) fn bounding(caller: Caller<'_>) -> Option<&Paper> {
    match caller {
        Caller::Role(Thing {
            what:
                What::Role {
                    boundary: Some(Boundary::Read(paper)),
                    ..
                },
            ..
        }) => Some(paper),
        _ => None,
    }
}

/// Whether policies of a caller were not read, which may allow more.
fn lacks_policies(caller: Caller<'_>) -> bool {
    matches!(caller, Caller::Role(Thing { what: What::Role { unread, .. }, .. }) if !unread.is_empty())
}

/// What the policies of those are called of whom nothing is known but that they may allow everything.
pub(super) const MIGHTY: &str = "a policy that allows everything";

/// An identity policy that allows everything.
fn mighty() -> Arc<Rules> {
    static RULES: std::sync::OnceLock<Arc<Rules>> = std::sync::OnceLock::new();
    let all = || {
        let statement = Statement::allow("All", Clause::of(["*"])).on(["*"]);
        Arc::new(Rules::of(
            &Document::of(vec![statement]),
            Kind::Identity,
            MIGHTY,
        ))
    };
    Arc::clone(RULES.get_or_init(all))
}

/// The documents of a caller that nobody read.
fn unread(caller: Caller<'_>) -> Option<Vec<String>> {
    let Caller::Role(Thing {
        address,
        what: What::Role {
            unread, boundary, ..
        },
        ..
    }) = caller
    else {
        return None;
    };
    let managed = unread
        .iter()
        .map(|it| format!("the managed policy {it} of {address}"));
    let boundary = boundary.iter().filter_map(|it| match it {
        Boundary::Read(_) => None,
        Boundary::Unread(arn) => Some(format!("the permissions boundary {arn} of {address}")),
    });
    let found: Vec<String> = managed.chain(boundary).collect();
    (!found.is_empty()).then_some(found)
}
