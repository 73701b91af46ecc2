//! What stands on a resource of ours and is not ours.
//!
//! An apply keeps it and shows it. `drift --revert` takes it away where it is named; what
//! no policy of ours can push out (a stage, a subscription) has a call of its own for that.

use std::fmt;

use serde_json::{Value, json};

use super::role::{Holder, gone_is_fine};
use super::statements::describe;
use super::{Key, Resource, Want};
use crate::cloud::apigateway::{DeleteStage, Patch, UpdateStage};
use crate::cloud::{self, CallError, Cloud, Fault, iam, sns};
use crate::model::{Address, Place};
use crate::policy::normal::{self, normal_statement};
use crate::policy::{Document, Statement, own};
use crate::stack::{Known, KnownContent};

/// Something on a resource of ours that is not ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Extra {
    /// What it is.
    pub what: Stranger,
    /// The same in a sentence.
    pub text: String,
    /// Sixteen hexadecimal digits that stand for it and its content, by which a stack knows it.
    pub digest: String,
    /// The digest of what a managed policy says, where the account wrote it and it was read.
    pub document: Option<String>,
}

/// The digest of something that is told by a name, or by its content.
fn digest_of(kind: &str, content: &Value) -> String {
    super::digest(&json!([kind, content]))
}

/// The digest of a statement: of its normal form, since services write statements anew.
#[must_use]
pub fn statement_digest(statement: &Statement) -> String {
    let plain = Document::of(vec![normal_statement(statement).to_statement()]);
    digest_of("statement", &plain.to_value())
}

/// The digest of an inline policy.
#[must_use]
pub fn inline_digest(name: &str, document: &Document) -> String {
    let plain = normal::normal(document).to_document().to_value();
    digest_of("inline policy", &json!([name, plain]))
}

/// The digest of what a stack says it knows.
#[must_use]
pub fn known_digest(known: &KnownContent) -> String {
    match known {
        KnownContent::Digest(it) => it.clone(),
        KnownContent::AttachedPolicy(arn) => digest_of("attached policy", &json!(arn)),
        KnownContent::Boundary(arn) => digest_of("boundary", &json!(arn)),
        KnownContent::Subscription(endpoint) => digest_of("subscription", &json!(endpoint)),
    }
}

/// Stands for whatever a policy says that is known by its ARN.
fn any_document(digest: &str) -> String {
    digest_of("any document", &json!(digest))
}

/// The digests by which a resource's extras are known: of what it is, and of a policy also of what it says.
#[must_use]
pub fn known_digests(known: &Known) -> Vec<String> {
    let digest = known_digest(&known.content);
    let document = match known.content {
        KnownContent::AttachedPolicy(_) | KnownContent::Boundary(_) => {
            let document = known.document.clone();
            Some(document.unwrap_or_else(|| any_document(&digest)))
        }
        KnownContent::Digest(_) | KnownContent::Subscription(_) => None,
    };
    std::iter::once(digest).chain(document).collect()
}

/// Whether a stack means something that others put on a resource, as it is now.
#[must_use]
pub fn is_meant(known: &Known, on: &Address, extra: &Extra) -> bool {
    let same = extra.document.as_ref().zip(known.document.as_ref());
    known.on == on.of_table()
        && known_digest(&known.content) == extra.digest
        && same.is_none_or(|(it, known)| it == known)
}

/// What somebody else put on a resource of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stranger {
    /// A statement of its policy.
    Statement,
    /// An inline policy of a role, by its name.
    Inline(String),
    /// A managed policy attached to a role, by its ARN.
    Managed(String),
    /// Somebody else who holds a managed policy of ours.
    Holder {
        /// The policy's ARN.
        policy: String,
        /// Who, and how.
        holder: Holder,
    },
    /// A role's permissions boundary.
    Boundary {
        /// The role's name.
        role: String,
        /// The boundary's ARN.
        arn: String,
    },
    /// A subscription to a topic.
    Subscription {
        /// Its ARN, or that it waits for confirmation.
        arn: String,
        /// Where it delivers.
        endpoint: String,
    },
    /// A stage of an API.
    Stage {
        /// The API's id.
        api: String,
        /// The stage's name.
        name: String,
    },
    /// Settings of one method of a stage.
    MethodSettings {
        /// The API's id.
        api: String,
        /// The stage's name.
        stage: String,
        /// The method, as API Gateway writes it: `~1orders/GET`.
        method: String,
        /// Whether their throttle refuses every call.
        closed: bool,
    },
    /// A canary of a stage: a second deployment that some of the calls meet.
    Canary {
        /// The API's id.
        api: String,
        /// The stage's name.
        stage: String,
    },
    /// Something in an API beside its resources: a model, a request validator, a gateway response.
    Part {
        /// The API's id.
        api: String,
    },
    /// Messages in a queue that is to go.
    Messages,
}

impl Extra {
    /// Something with its sentence, which says all that there is to it.
    pub fn new(what: Stranger, text: impl Into<String>) -> Self {
        let text = text.into();
        let digest = what
            .known_as()
            .map_or_else(|| digest_of("text", &json!(text)), |it| known_digest(&it));
        Self {
            what,
            text,
            digest,
            document: None,
        }
    }

    /// Something whose sentence does not say all: its content is in the digest too.
    pub fn with_content(what: Stranger, text: impl Into<String>, content: &Value) -> Self {
        let text = text.into();
        let digest = digest_of("content", &json!([text, content]));
        Self {
            what,
            text,
            digest,
            document: None,
        }
    }

    /// A statement of a policy.
    #[must_use]
    pub fn statement(it: &Statement) -> Self {
        let sid = it.sid.as_deref().unwrap_or("without Sid");
        Self {
            what: Stranger::Statement,
            text: format!("statement `{sid}`: {}", describe(it)),
            digest: statement_digest(it),
            document: None,
        }
    }

    /// An inline policy of a role.
    #[must_use]
    pub fn inline(name: &str, document: &Document) -> Self {
        let grants: Vec<_> = document.statements.iter().map(describe).collect();
        Self {
            what: Stranger::Inline(name.to_owned()),
            text: format!("inline policy `{name}`: {}", grants.join("; ")),
            digest: inline_digest(name, document),
            document: None,
        }
    }

    /// The same, known by what a policy says beside its ARN; of what was not read, by its ARN alone.
    #[must_use]
    pub(super) fn saying(mut self, document: Option<&Document>) -> Self {
        let says = |it| normal::normal(it).to_document().to_value();
        self.document = document.map(|it| digest_of("document", &json!([self.digest, says(it)])));
        self
    }

    /// How a stack says that it knows it.
    #[must_use]
    pub fn known_as(&self) -> KnownContent {
        let named = self.what.known_as();
        named.unwrap_or_else(|| KnownContent::Digest(self.digest.clone()))
    }
}

impl Want {
    /// Whether the stack knows something that others put on its resource, as it is now.
    #[must_use]
    pub fn knows(&self, extra: &Extra) -> bool {
        let says = |it: &String| {
            let any = any_document(&extra.digest);
            self.known.contains(it) || self.known.contains(&any)
        };
        self.known.contains(&extra.digest) && extra.document.as_ref().is_none_or(says)
    }

    /// Whether an apply takes something of others away, which is told by its digest; `of_policies`
    /// says that it is a statement or a policy.
    pub(super) fn drops(&self, of_policies: bool, digest: &str) -> bool {
        self.exclusive && of_policies && !self.known.contains(digest)
    }

    /// Whether an apply takes a statement of others away; never that by which a key's account keeps the key.
    #[must_use]
    pub fn drops_statement(&self, statement: &Statement) -> bool {
        let keeps = |it: &Key| own::is_default_key_statement(statement, it.arn.account());
        self.exclusive
            && !matches!(&self.resource, Resource::Key(it) if keeps(it))
            && self.drops(true, &statement_digest(statement))
    }

    /// Whether an apply takes an inline policy of others away.
    #[must_use]
    pub fn drops_inline(&self, name: &str, document: &Document) -> bool {
        self.exclusive && self.drops(true, &inline_digest(name, document))
    }

    /// Whether an apply takes a managed policy away that others attached.
    #[must_use]
    pub fn drops_attached(&self, arn: &str) -> bool {
        let known = KnownContent::AttachedPolicy(arn.to_owned());
        self.exclusive && self.drops(true, &known_digest(&known))
    }

    /// Whether what looks like another's is what the stack says, though no mark remembers it.
    #[must_use]
    pub fn declares(&self, extra: &Extra) -> bool {
        match (&self.resource, &extra.what) {
            (Resource::Role(role), Stranger::Managed(arn)) => role.attached.contains(arn),
            // With a boundary of its own the stack replaces any other.
            (Resource::Role(role), Stranger::Boundary { .. }) => role.boundary.is_some(),
            _ => false,
        }
    }
}

impl fmt::Display for Extra {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// Takes a block of settings off a stage; no error when the stage is gone.
async fn without(
    cloud: &dyn Cloud,
    place: &Place,
    (api, stage): (&str, &str),
    path: &str,
) -> Result<(), CallError> {
    let call = UpdateStage {
        id: api.to_owned(),
        stage: stage.to_owned(),
        patches: vec![Patch::remove(path, None)],
    };
    match cloud::call(cloud, place, call).await {
        Err(error) if error.fault == Fault::Missing => Ok(()),
        other => other.map(drop),
    }
}

impl Stranger {
    /// How a stack says that it knows it, where its name says all.
    fn known_as(&self) -> Option<KnownContent> {
        match self {
            Self::Managed(arn) => Some(KnownContent::AttachedPolicy(arn.clone())),
            Self::Boundary { arn, .. } => Some(KnownContent::Boundary(arn.clone())),
            Self::Subscription { endpoint, .. } => {
                Some(KnownContent::Subscription(endpoint.clone()))
            }
            Self::Statement
            | Self::Inline(_)
            | Self::Holder { .. }
            | Self::Stage { .. }
            | Self::MethodSettings { .. }
            | Self::Canary { .. }
            | Self::Part { .. }
            | Self::Messages => None,
        }
    }

    /// Whether an apply that takes its resource for exclusive pushes it out.
    #[must_use]
    pub fn goes_with_exclusive(&self) -> bool {
        match self {
            Self::Statement | Self::Inline(_) | Self::Managed(_) => true,
            Self::Holder { .. }
            | Self::Boundary { .. }
            | Self::Subscription { .. }
            | Self::Stage { .. }
            | Self::MethodSettings { .. }
            | Self::Canary { .. }
            | Self::Part { .. }
            | Self::Messages => false,
        }
    }

    /// Why nobody but its maker can take it away; `None` where we can.
    #[must_use]
    pub fn stays_because(&self) -> Option<&'static str> {
        match self {
            Self::Subscription { arn, .. } if !arn.starts_with("arn:") => Some(
                "SNS deletes a subscription that was never confirmed by itself, within three days; nobody else can",
            ),
            Self::Holder {
                holder: Holder::Bounded(_) | Holder::Unnamed(_),
                ..
            } => Some("who it is, or what bounds them instead, is not known here: detach it there"),
            Self::Messages => Some("messages are nobody's to revert"),
            Self::Part { .. } => Some(
                "API Gateway has a call for each kind of part: delete it there, or take it into the API's `openapi` document",
            ),
            Self::Statement
            | Self::Inline(_)
            | Self::Managed(_)
            | Self::Holder {
                holder: Holder::Role(..),
                ..
            }
            | Self::Boundary { .. }
            | Self::Subscription { .. }
            | Self::Stage { .. }
            | Self::MethodSettings { .. }
            | Self::Canary { .. } => None,
        }
    }

    /// Returns what to do where nobody but its maker can take it away.
    #[must_use]
    pub fn way_out(&self) -> Option<&'static str> {
        self.stays_because()?;
        Some(match self {
            Self::Subscription { .. } => {
                "wait until SNS deletes what was never confirmed, within three days"
            }
            Self::Holder { .. } => "detach the policy there",
            Self::Part { .. } => {
                "delete it in API Gateway, or take it into the API's `openapi` document"
            }
            _ => "take it away there",
        })
    }

    /// Takes away what no apply pushes out; no error when it is gone.
    pub async fn remove(&self, cloud: &dyn Cloud, place: &Place) -> Result<(), CallError> {
        match self {
            Self::Boundary { role, .. } => {
                let name = role.clone();
                gone_is_fine(
                    cloud::call(cloud, place, iam::DeleteRolePermissionsBoundary { name }).await,
                )
            }
            Self::Holder {
                policy,
                holder: Holder::Role(name, _),
            } => {
                let (name, policy) = (name.clone(), policy.clone());
                let call = iam::DetachRolePolicy { name, policy };
                gone_is_fine(cloud::call(cloud, place, call).await)
            }
            Self::Subscription { arn, .. } if arn.starts_with("arn:") => {
                let arn = arn.clone();
                gone_is_fine(cloud::call(cloud, place, sns::Unsubscribe { arn }).await)
            }
            Self::Stage { api, name } => {
                let (id, stage) = (api.clone(), name.clone());
                gone_is_fine(cloud::call(cloud, place, DeleteStage { id, stage }).await)
            }
            Self::MethodSettings {
                api, stage, method, ..
            } => without(cloud, place, (api, stage), &format!("/{method}")).await,
            Self::Canary { api, stage } => {
                without(cloud, place, (api, stage), "/canarySettings").await
            }
            Self::Statement
            | Self::Inline(_)
            | Self::Managed(_)
            | Self::Holder { .. }
            | Self::Subscription { .. }
            | Self::Part { .. }
            | Self::Messages => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(text: &str) -> Statement {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{text}]}}"#);
        Document::parse(&text)
            .expect("a policy")
            .statements
            .remove(0)
    }

    #[test]
    fn a_statement_keeps_its_digest_however_a_service_writes_it() {
        let plain = r#"{"Sid":"A","Effect":"Allow","Principal":{"AWS":["111111111111","222222222222"]},"Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:111111111111:t"}"#;
        let anew = r#"{"Sid":"A","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::222222222222:root","arn:aws:iam::111111111111:root"]},"Action":["SNS:Publish"],"Resource":["arn:aws:sns:eu-west-1:111111111111:t"]}"#;
        let digest = |text: &str| Extra::statement(&statement(text)).digest;
        assert_eq!(digest(plain), digest(anew));
        for other in [
            plain.replace("sns:Publish", "sns:Subscribe"),
            plain.replace(r#""Allow""#, r#""Deny""#),
            plain.replace(r#""111111111111","#, ""),
        ] {
            assert_ne!(digest(plain), digest(&other), "{other}");
        }
    }

    #[test]
    fn what_its_name_says_all_of_is_known_by_its_name() {
        let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned();
        let attached = Extra::new(Stranger::Managed(arn.clone()), "managed policy");
        let known = KnownContent::AttachedPolicy(arn);
        assert_eq!(attached.known_as(), known);
        assert_eq!(attached.digest, known_digest(&known));
        let settings = Stranger::MethodSettings {
            api: "a".to_owned(),
            stage: "s".to_owned(),
            method: "GET".to_owned(),
            closed: false,
        };
        let settings = Extra::new(settings, "settings");
        assert_eq!(
            settings.known_as(),
            KnownContent::Digest(settings.digest.clone())
        );
    }
}
