//! A proof as a document that others can check without this prover.
//!
//! Each claim has the steps that it rests on, and each step the digests of its documents, the statements that decide
//! it, and for an inclusion the pieces that cover it. A claim that the checker ([`super::check`]) cannot decide
//! by itself is written with the reason, and counts as the prover's word.

use serde_json::{Map, Value, json};

use super::check::{FORMAT, FORMAT_VERSION, Grounds, digest, lies_within, parts};
use super::claim::{Finding, Outcome, Promise, Proof};
use super::steps::{Asked, Step};
use super::world::{Boundary, Thing, What, World};
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
        let it = documents.thing(thing);
        let things = &mut documents.grounds.things;
        things.insert(thing.address.to_string(), it);
    }
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
    fn thing(&mut self, thing: &Thing) -> Value {
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
                Some(Boundary::Unread(_)) | None => Value::Null,
            };
        }
        found
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

    fn asked(&mut self, asked: &Asked) -> Value {
        let effect = if asked.decision == Decision::Allow {
            Effect::Allow
        } else {
            Effect::Deny
        };
        let all = asked
            .identity
            .iter()
            .chain(&asked.resource)
            .chain(&asked.boundary)
            .chain(&asked.endpoint)
            .chain(asked.scps.iter().chain(&asked.rcps).flatten());
        let mut by = Vec::new();
        for document in all {
            let Some(found) = deciding(document, &asked.request, effect) else {
                continue;
            };
            let index = document
                .statements
                .iter()
                .position(|it| std::ptr::eq(it, found));
            by.push(json!({"document": self.add(document), "statement": index}));
        }
        let identity: Vec<String> = asked.identity.iter().map(|it| self.add(it)).collect();
        let mut levels = |levels: &[Vec<Document>]| -> Value {
            let level = |it: &Vec<Document>| it.iter().map(|it| self.add(it)).collect::<Vec<_>>();
            levels.iter().map(level).collect()
        };
        let (scps, rcps) = (levels(&asked.scps), levels(&asked.rcps));
        json!({
            "request": marked_value(&asked.request, self.names),
            "silence": if asked.plain { "plain" } else { "anything" },
            "decision": asked.decision.as_str(),
            "identity": identity,
            "boundary": asked.boundary.as_ref().map(|it| self.add(it)),
            "resource": asked.resource.as_ref().map(|it| self.add(it)),
            "scps": scps,
            "rcps": rcps,
            "endpoint": asked.endpoint.as_ref().map(|it| self.add(it)),
            "by": by,
        })
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
mod tests;
