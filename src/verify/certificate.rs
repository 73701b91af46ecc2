//! A proof as a document that others can check without this prover.
//!
//! Each claim has the steps that it rests on, and each step the digests of its documents, the statements that decide
//! it, and for an inclusion the pieces that cover it. A claim that the checker ([`super::check`]) cannot decide
//! by itself is written with the reason, and counts as the prover's word.

use serde_json::{Map, Value, json};

use super::check::{FORMAT, FORMAT_VERSION, Grounds, UNREAD, digest, lies_within, parts};
use super::claim::{Finding, Outcome, Promise, Proof};
use super::steps::{Asked, Step};
use super::world::{Boundary, Thing, What, World};
use crate::kinds::survey::ceilings::Ceilings;
use crate::model::Arn;
use crate::policy::interchange::marked_value;
use crate::policy::stand_in::RealNames;
use crate::policy::widen::deciding;
use crate::policy::{Decision, Document, Effect};

/// The certificate of a proof.
#[must_use]
pub fn certificate(proof: &Proof, world: &World) -> Value {
    let mut documents = Documents {
        names: &proof.names,
        texts: Map::new(),
        grounds: Grounds::default(),
        fresh: Vec::new(),
    };
    for thing in world.things.values() {
        let it = documents.thing(thing, world);
        let things = &mut documents.grounds.things;
        things.insert(thing.address.to_string(), it);
    }
    documents.above(&world.ceilings);
    let claims: Vec<Value> = proof
        .findings
        .iter()
        .map(|it| documents.claim(it))
        .collect();
    let mut whole = json!({
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "stack": world.stack,
        "things": documents.grounds.things,
        "accounts": documents.grounds.accounts,
        "endpoints": documents.grounds.endpoints,
        "documents": documents.texts,
        "claims": claims,
    });
    whole["seal"] = Value::String(digest(&whole));
    whole
}

/// Documents by their digests.
struct Documents<'a> {
    names: &'a RealNames,
    texts: Map<String, Value>,
    grounds: Grounds,
    /// The documents that the claim at hand brought.
    fresh: Vec<String>,
}

impl Documents<'_> {
    fn add(&mut self, document: &Document) -> String {
        let value = document.to_value();
        let name = digest(&value);
        if self.texts.contains_key(&name) {
            return name;
        }
        self.fresh.push(name.clone());
        self.texts.insert(name.clone(), value);
        let read = &mut self.grounds.documents;
        read.entry(name.clone()).or_insert_with(|| document.clone());
        name
    }

    /// A resource or a role, with the documents that it has.
    fn thing(&mut self, thing: &Thing, world: &World) -> Value {
        let policy = thing.policy.as_ref().map(|it| self.add(&it.document));
        let mut found = json!({"arn": thing.arn, "policy": policy});
        if let What::Role {
            identity,
            unread,
            boundary,
        } = &thing.what
        {
            let own: Vec<String> = identity.iter().map(|it| self.add(&it.document)).collect();
            found["identity"] = json!(own);
            found["unread"] = json!(unread);
            found["boundary"] = match boundary {
                Some(Boundary::Read(paper)) => json!(self.add(&paper.document)),
                Some(Boundary::Unread(_)) => json!(UNREAD),
                None => Value::Null,
            };
        }
        let subscriptions = world.subscriptions.values();
        let own = subscriptions.filter(|it| it.queue.as_str() == thing.arn);
        let letters: Vec<&str> = own
            .filter_map(|it| it.dead_letter.as_ref())
            .map(Arn::as_str)
            .collect();
        if !letters.is_empty() {
            found["letters"] = json!(letters);
        }
        found
    }

    /// The policies of the organization and of VPC endpoints.
    fn above(&mut self, ceilings: &Ceilings) {
        for (account, over) in ceilings.over_accounts() {
            let organization = ceilings.organization_of(account);
            let [scps, rcps] = over.map(|levels| -> Value {
                let levels = levels.into_iter();
                let level = |it: Vec<&Document>| -> Vec<String> {
                    it.into_iter().map(|it| self.add(it)).collect()
                };
                levels.map(level).collect()
            });
            let it = json!({
                "organization": organization.map(|it| it.0),
                "path": organization.and_then(|it| it.1),
                "scps": scps,
                "rcps": rcps,
            });
            self.grounds.accounts.insert(account.to_owned(), it);
        }
        for (id, document) in ceilings.over_endpoints() {
            let it = json!(self.add(document));
            self.grounds.endpoints.insert(id.to_owned(), it);
        }
    }

    fn claim(&mut self, finding: &Finding) -> Value {
        let (verdict, because) = match &finding.outcome {
            Outcome::Proved => ("proved", Vec::new()),
            Outcome::Failed(evidence) => (
                "failed",
                evidence.iter().map(|it| it.says.clone()).collect(),
            ),
            Outcome::Unproven(reasons) => ("unproven", reasons.clone()),
            Outcome::Known(parts) => ("known", parts.iter().map(|it| it.text.clone()).collect()),
        };
        let mut claim = json!({
            "claim": finding.claim,
            "promise": finding.promise.as_str(),
            "subject": finding.subject.to_string(),
            "verdict": verdict,
        });
        if verdict != "proved" {
            claim["because"] = json!(because);
            return claim;
        }
        // What the checker does not accept leaves no documents behind.
        self.fresh.clear();
        let mut steps: Vec<Value> = finding.steps.iter().map(|it| self.step(it)).collect();
        if finding.promise == Promise::Only {
            // What was tried with a part of a policy shows nothing of the whole.
            steps.retain(|it| self.grounds.step(it, false).is_ok());
        }
        claim["steps"] = Value::Array(steps);
        if let Err(reason) = self.grounds.accept(&claim) {
            for name in &self.fresh {
                self.texts.remove(name);
                self.grounds.documents.remove(name);
            }
            claim["uncertified"] = Value::String(reason);
            if let Some(fields) = claim.as_object_mut() {
                fields.remove("steps");
            }
        }
        claim
    }

    fn step(&mut self, step: &Step) -> Value {
        match step {
            Step::Asked(asked) => self.asked(asked),
            Step::Within { document, declared } => json!({
                "document": self.add(document),
                "within": self.add(declared),
                "pieces": pieces(document, declared),
            }),
        }
    }

    /// A request with every document that bears on it, and the statements that decide it.
    fn asked(&self, asked: &Asked) -> Value {
        let effect = if asked.decision == Decision::Allow {
            Effect::Allow
        } else {
            Effect::Deny
        };
        let mut step = json!({
            "request": marked_value(&asked.request, self.names),
            "silence": if asked.plain { "plain" } else { "anything" },
            "decision": asked.decision.as_str(),
        });
        let bearing = self.grounds.bearing(&step).unwrap_or_default();
        let mut by = Vec::new();
        for name in bearing.values().flat_map(digests) {
            let deciding = |it: &Document| {
                let found = deciding(it, &asked.request, effect)?;
                let mut all = it.statements.iter();
                all.position(|it| std::ptr::eq(it, found))
            };
            let index = self.grounds.documents.get(name).and_then(deciding);
            by.extend(index.map(|it| json!({"document": name, "statement": it})));
        }
        step["by"] = Value::Array(by);
        for (field, it) in bearing {
            step[field] = it;
        }
        step
    }
}

/// The texts in a value.
fn digests(value: &Value) -> Vec<&str> {
    match value {
        Value::String(it) => vec![it],
        Value::Array(all) => all.iter().flat_map(digests).collect(),
        _ => Vec::new(),
    }
}

/// For each principal, action and resource that a document allows, the statement that takes it in.
fn pieces(document: &Document, declared: &Document) -> Vec<Value> {
    let statements = document.statements.iter().enumerate();
    let mut found = Vec::new();
    for (at, statement) in statements.filter(|(_, it)| it.effect == Effect::Allow) {
        for piece in parts(statement).unwrap_or_default() {
            let mut all = declared.statements.iter();
            let Some(by) = all.position(|it| lies_within(&piece, statement, it)) else {
                continue;
            };
            found.push(json!({
                "statement": at,
                "of": piece,
                "by": by,
            }));
        }
    }
    found
}

#[cfg(test)]
mod forged;
#[cfg(test)]
mod tests;
