//! What lowering a draft writes otherwise than AWS has it, and what is written as it is there.

use std::collections::{BTreeMap, BTreeSet};

use super::roles::derived;
use super::text::{Section, of_json};
use super::unfit::Unfit;
use super::{Draft, Scene, id_of, text_of};
use crate::kinds::role::inline_prefix;
use crate::kinds::survey::Live;
use crate::kinds::survey::census::{Census, Found};
use crate::kinds::{Resource, Role, Want};
use crate::lower::{Desired, TLS_ONLY, lower_over, written_statement};
use crate::model::{Address, KindName, Place};
use crate::policy::normal::{Normal, normal, same, same_statement};
use crate::policy::own::{self, OwnSid};
use crate::policy::{Clause, Document, Statement};
use crate::stack::{self, Faults, Source, WrittenStatement};

/// Returns what the tables of a file want over what is live; `None` where names do not fit together, which whoever
/// lowers the file reports.
fn lowered(
    sections: &[Section],
    census: &Census,
    names: &BTreeMap<String, String>,
) -> Result<Option<Desired>, Faults> {
    let source = Source {
        name: "what was found".to_owned(),
        text: text_of(sections),
    };
    let read = |name: &str| Err(format!("`{name}` is not read"));
    let stack = stack::check(&source, &[], &read)?;
    let named = census.found.iter().filter_map(|it| {
        let name = names.get(&id_of(it))?;
        let address = Address::new(it.have.resource.kind(), name);
        Some((address, it.have.clone()))
    });
    let live = Live {
        have: named.collect(),
        ..Live::default()
    };
    Ok(lower_over(&stack, Some(&live), &BTreeSet::new()).ok())
}

/// Whether a statement is one that the `OpenAPI` document of an API brings: naming the document brings it back.
fn is_of_document(stack: &str, found: &Found, statement: &Statement) -> bool {
    let from_document =
        |it: &Resource| matches!(it, Resource::RestApi(it) if it.source_digest.is_some());
    let prefix = own::sid(stack, "document");
    let sid = statement.sid.as_deref().unwrap_or_default();
    from_document(&found.have.resource) && sid.starts_with(&prefix)
}

/// What a role may do by what this stack wrote, by the name of the policy.
fn written_by<'a>(role: &'a Role, stack: &str) -> BTreeMap<&'a str, Normal> {
    let prefix = inline_prefix(stack);
    let inline = role
        .inline
        .iter()
        .filter(|(name, _)| name.starts_with(&prefix));
    let inline = inline.map(|(name, it)| (name.as_str(), normal(it)));
    let managed = role.managed.iter();
    let managed = managed.map(|(name, it)| (name.as_str(), normal(&it.document)));
    inline.chain(managed).collect()
}

impl Draft {
    /// Returns what the draft wants, or what the stack's own checks refuse of it.
    pub(super) fn lowered(&self, census: &Census) -> Result<Option<Desired>, Faults> {
        lowered(&self.sections, census, &self.names)
    }

    /// Adds to `unfit` what the draft says otherwise than AWS has it, and can say as it is there.
    ///
    /// Statements come first: what roles are then, the next draft tells.
    pub(super) fn compare(
        &self,
        stack: &str,
        census: &Census,
        desired: &Desired,
        unfit: &mut Unfit,
    ) {
        let of = |found: &Found| -> Option<Want> {
            let name = self.names.get(&id_of(found))?;
            let address = Address::new(found.have.resource.kind(), name);
            desired.wants.get(&address).cloned()
        };
        let owner = OwnSid::of(stack);
        let mut otherwise = BTreeSet::new();
        for found in &census.found {
            let (Some(want), Some(live)) = (of(found), found.have.resource.policy()) else {
                continue;
            };
            let wanted = want.resource.policy().map_or(&[][..], |it| &it.statements);
            let ours = live.statements.iter().filter(|it| owner.owns(it));
            let ours = ours.filter(|it| !is_of_document(stack, found, it));
            let lost = ours.filter(|it| !wanted.iter().any(|other| same_statement(it, other)));
            let sids = lost.filter_map(|it| it.sid.clone());
            otherwise.extend(sids.map(|sid| (id_of(found), sid)));
        }
        let before = unfit.statements.len();
        unfit.statements.extend(otherwise);
        if unfit.statements.len() > before {
            return;
        }
        let ids: BTreeMap<Address, String> = census
            .found
            .iter()
            .filter(|it| it.have.resource.kind() == KindName::RestApi)
            .filter_map(|it| {
                let name = self.names.get(&it.have.id)?;
                Some((Address::new(KindName::RestApi, name), it.have.id.clone()))
            })
            .collect();
        for found in &census.found {
            let Resource::Role(live) = &found.have.resource else {
                continue;
            };
            let arn = live.arn.to_string();
            let made = self.ours.contains(&arn)
                && !unfit.plain.contains(&arn)
                && derived(live, stack).is_some();
            let want = of(found).map(|it| it.with_ids(&ids));
            let Some(Resource::Role(wanted)) = want.as_ref().map(|it| &it.resource) else {
                if made && self.names.contains_key(&arn) {
                    unfit.plain.insert(arn);
                }
                continue;
            };
            let trusts = !self.ours.contains(&arn) || same(&wanted.trust, &live.trust);
            let may = written_by(wanted, stack) == written_by(live, stack);
            if !may || (made && !(trusts && wanted.arn == live.arn)) {
                unfit.plain.insert(arn);
            } else if !trusts {
                unfit.trusts.insert(arn);
            }
        }
    }
}

impl Scene<'_> {
    /// Returns what these tables want.
    pub(super) fn lowered(&self, sections: &[Section]) -> Result<Option<Desired>, Faults> {
        lowered(sections, self.census, &self.names)
    }

    /// Whether a statement of the stack is written as AWS has it.
    pub(super) fn is_verbatim(&self, found: &Found, statement: &Statement) -> bool {
        let sid = statement.sid.clone().unwrap_or_default();
        let written = own::sid(self.stack, "written");
        (sid.starts_with(&written) || self.unfit.statements.contains(&(id_of(found), sid)))
            && OwnSid::of(self.stack).owns(statement)
            && !is_of_document(self.stack, found, statement)
    }

    /// Whether a resource has the statement that refuses requests without TLS.
    pub(super) fn is_tls_only(&self, found: &Found) -> bool {
        let sid = own::sid(self.stack, TLS_ONLY);
        let mut statements = found
            .have
            .resource
            .policy()
            .into_iter()
            .flat_map(|it| &it.statements);
        statements.any(|it| it.sid.as_deref() == Some(&*sid) && !self.is_verbatim(found, it))
    }

    /// The permissions boundary of all the roles that lowering makes in an account: the account's own.
    pub(super) fn boundary_of(&self, place: &Place) -> Option<&String> {
        let roles = self
            .census
            .found
            .iter()
            .filter_map(|it| match &it.have.resource {
                Resource::Role(role) if it.place.id == place.id && self.is_ours(it) => Some(role),
                _ => None,
            });
        let roles: Vec<&Role> = roles.collect();
        let mut made = roles.iter().filter(|it| self.is_made(it.arn.as_str()));
        let first = made.next()?.boundary.as_ref()?;
        let all = roles.iter().all(|it| it.boundary.is_some())
            && made.all(|it| it.boundary.as_ref() == Some(first));
        all.then_some(first)
    }

    /// The statements of a resource's policy that are written as AWS has them.
    pub(super) fn statements(&self, found: &Found) -> Vec<Section> {
        let (Some(address), Some(policy)) = (self.address(found), found.have.resource.policy())
        else {
            return Vec::new();
        };
        let written = policy
            .statements
            .iter()
            .filter(|it| self.is_verbatim(found, it));
        written
            .filter_map(|it| self.written_out(&address, it))
            .collect()
    }

    /// A statement as a `[[statement]]` that lowering writes just so.
    fn written_out(&self, on: &Address, statement: &Statement) -> Option<Section> {
        let sid = statement.sid.as_deref()?;
        // The author's own `Sid`, as far as it can be told: none, the end of the one that AWS has, or all of it.
        let named = |name: Option<&str>| Statement {
            sid: name.map(str::to_owned),
            ..statement.clone()
        };
        let end = sid.strip_prefix(&*own::sid(self.stack, "written"));
        let mut names = [None, end, Some(sid)].into_iter().map(named);
        let mut author = names.find(|it| {
            let written = WrittenStatement {
                on: on.clone(),
                statement: it.clone(),
            };
            same_statement(&written_statement(&written, self.stack), statement)
        })?;
        let whole = match on.kind {
            KindName::RestApi => Some("execute-api:/*"),
            KindName::Key => Some("*"),
            _ => None,
        };
        let is_whole = |it: &Clause| whole.is_none_or(|whole| it.values == [whole]);
        if author.resource.as_ref().is_some_and(is_whole) {
            author.resource = None;
        }
        let document = Document::of(vec![author]).to_value();
        let value = of_json(&document["Statement"][0])?;
        let mut section = Section::new("[[statement]]");
        if end.is_none() {
            section.comments.push(format!(
                "`{sid}` of its policy: a stack has no other words for it, so it is written as AWS has it."
            ));
        }
        section.text("on", &on.to_string());
        section.raw("statement", value);
        Some(section)
    }
}
