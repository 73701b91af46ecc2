//! What one side says of a request, and what a request needs of the sides.
//!
//! What there is to say of a need is put into words only when it is said: most requests are asked for their
//! decision alone.

use std::sync::Arc;

use super::document::Effect;
use super::facts::Facts;
use super::rules::{Level, Rule, Rules};
use super::three::Three;

/// Why a call to a REST API may be open: a method without authorization looks at no signature.
pub(super) const AUTHORIZATION: &str = "the authorization of the method is not given";

/// What one side says of a request.
#[derive(Clone, Debug)]
pub(super) struct Side<'a> {
    /// By level; a side that names no principals has the last only.
    pub(super) allows: [Said<'a>; 3],
    pub(super) denies: Said<'a>,
    pub(super) open: Vec<String>,
}

/// Whether a side says something, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) is: Three,
    pub(super) by: Option<(&'a Rules, &'a Rule)>,
}

impl<'a> Said<'a> {
    pub(super) const NOTHING: Self = Self {
        is: Three::No,
        by: None,
    };

    pub(super) fn or(self, other: Self) -> Self {
        if other.is > self.is { other } else { self }
    }

    pub(super) fn hear(&mut self, is: Three, rules: &'a Rules, rule: &'a Rule) {
        *self = self.or(Self {
            is,
            by: Some((rules, rule)),
        });
    }

    pub(super) fn cite(&self, verb: &str) -> Option<String> {
        self.by
            .map(|(rules, rule)| format!("{}, {}, {verb} it", rules.name, rule.label))
    }
}

impl<'a> Side<'a> {
    pub(super) const SILENT: Self = Self {
        allows: [Said::NOTHING; 3],
        denies: Said::NOTHING,
        open: Vec::new(),
    };

    pub(super) fn hear(&mut self, rules: &'a Rules, facts: &Facts<'_>, action: &str) {
        for rule in &rules.rules {
            let known = match rule.effect {
                Effect::Allow => self.allows[Level::Direct as usize].is,
                Effect::Deny => self.denies.is,
            };
            if known == Three::Yes {
                continue;
            }
            let mut why = Vec::new();
            let found = rule.applies(facts, action, &mut why);
            for (level, is) in found.iter().filter(|(_, is)| is.possible()) {
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

    pub(super) fn of(documents: &'a [Arc<Rules>], facts: &Facts<'_>, action: &str) -> Self {
        let mut side = Self::SILENT;
        for rules in documents {
            side.hear(rules, facts, action);
        }
        side
    }

    /// What is sure whichever of two callers it is: this side hears the one, and the other side the other.
    pub(super) fn unless(mut self, other: &Self) -> Self {
        let sure = |mut one: Said<'a>, other: Three| {
            if one.is != other {
                one.is = Three::Maybe;
            }
            one
        };
        for (one, other) in self.allows.iter_mut().zip(&other.allows) {
            *one = sure(*one, other.is);
        }
        self.denies = sure(self.denies, other.denies.is);
        self
    }

    /// What a side allows that names no principals.
    pub(super) fn allow(&self) -> Said<'a> {
        self.allows[Level::Direct as usize]
    }

    pub(super) fn at(&self, level: Level) -> Said<'a> {
        self.allows[level as usize]
    }
}

/// One thing that must be so for a request to be let through.
///
/// What there is to say of it is put into words only when it is said.
#[derive(Clone, Copy)]
pub(super) struct Need<'a> {
    pub(super) is: Three,
    pub(super) met: Met<'a>,
    pub(super) unmet: Unmet,
}

/// What makes a need met.
#[derive(Clone, Copy)]
pub(super) enum Met<'a> {
    /// It goes without saying.
    Silently,
    /// A statement, which does this.
    By(&'static str, Said<'a>),
    /// The principal is an account's root user.
    Root,
    /// Nothing guards the resource.
    Unguarded,
}

/// What is missing for a need to be met.
#[derive(Clone, Copy)]
pub(super) enum Unmet {
    Nothing,
    Identity,
    Ceiling(&'static str),
    Level(&'static str, usize),
    ResourcePolicy,
    NoResourcePolicy,
    PrivatePolicy,
    Signature,
    Authorization,
    Never(&'static str),
}

impl Need<'_> {
    /// A need that is never met, and why.
    pub(super) fn never(why: &'static str) -> Self {
        Self {
            is: Three::No,
            met: Met::Silently,
            unmet: Unmet::Never(why),
        }
    }

    pub(super) fn say_met(&self, facts: &Facts<'_>) -> Option<String> {
        match self.met {
            Met::Silently => None,
            Met::By(verb, said) => said.cite(verb),
            Met::Root => Some(format!("{} needs no policy", facts.request.principal)),
            Met::Unguarded => {
                Some("the method has no authorization and the API no resource policy".to_owned())
            }
        }
    }

    pub(super) fn say_unmet(&self, facts: &Facts<'_>) -> String {
        let request = facts.request;
        match self.unmet {
            Unmet::Nothing => String::new(),
            Unmet::Identity => format!(
                "no identity policy of {} allows {} on {}",
                request.principal, request.action, request.resource
            ),
            Unmet::Ceiling(name) => format!("the {name} does not allow it"),
            Unmet::Level(name, level) => format!("no {name} at level {level} allows it"),
            Unmet::ResourcePolicy => {
                format!("the resource policy does not let {} in", request.principal)
            }
            Unmet::NoResourcePolicy => "there is no resource policy".to_owned(),
            Unmet::PrivatePolicy => {
                "a private API's policy may have to let its callers in".to_owned()
            }
            Unmet::Signature => "the method asks for a signature".to_owned(),
            Unmet::Authorization => AUTHORIZATION.to_owned(),
            Unmet::Never(why) => why.to_owned(),
        }
    }
}

/// The needs of one way in; it is open when all are met.
pub(super) struct Way<'a> {
    pub(super) needs: Vec<Need<'a>>,
}

impl Way<'_> {
    pub(super) fn is(&self) -> Three {
        Three::all(self.needs.iter().map(|it| it.is))
    }
}
