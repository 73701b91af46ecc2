//! One request: who asks, and for what.

use std::collections::BTreeMap;
use std::fmt;

use super::normal::root_account;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// A role, a role's session, a user, a federated user, an account's root, or an identity provider.
    Arn(String),
    /// An AWS service, such as `sns.amazonaws.com`, or an identity provider without an ARN.
    Service(String),
    /// Nobody in particular: the request is not signed.
    Anonymous,
}

impl Who {
    /// The principal that a text names: an ARN, an account's id, or a service.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.starts_with("arn:") || root_account(text).is_some() {
            Self::Arn(text.to_owned())
        } else {
            Self::Service(text.to_owned())
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arn(name) | Self::Service(name) => out.write_str(name),
            Self::Anonymous => out.write_str("anonymous"),
        }
    }
}

/// What API Gateway asks of a method's callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MethodAuth {
    /// `NONE`: nothing.
    None,
    /// `AWS_IAM`: a signature.
    Iam,
}

/// The policies of a caller in the resource's own account, which a witness of a comparison assumes.
///
/// How a resource policy names a caller decides which of these still count there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallerPolicies {
    /// An identity policy allows the request, and no boundary or session policy limits it.
    Allow,
    /// No identity policy allows the request, and no boundary or session policy limits it.
    None,
    /// No identity policy allows the request, nor does a permissions boundary or a session policy.
    Limited,
}

impl CallerPolicies {
    /// As it is written in a line of JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::None => "none",
            Self::Limited => "limited",
        }
    }

    /// As a part of a sentence, after the request.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Allow => "with an identity policy that allows it",
            Self::None => "with no identity policy that allows it",
            Self::Limited => {
                "with no identity policy that allows it, whatever its permissions boundary and session policy leave out"
            }
        }
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// Who asks.
    pub principal: Who,
    /// `sns:Publish`
    pub action: String,
    /// The ARN, or `*` where an action has no resource.
    pub resource: String,
    /// The account that owns the resource, where its ARN does not say.
    pub resource_account: Option<String>,
    /// The method's authorization, of a call to a REST API, where it is known.
    pub method_auth: Option<MethodAuth>,
    /// The caller's own policies, in a witness that depends on them.
    pub caller_policies: Option<CallerPolicies>,
    /// Condition keys and their values. Case means nothing in a key.
    pub context: BTreeMap<String, Vec<String>>,
}

impl Request {
    /// A request without context.
    pub fn new(principal: Who, action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            principal,
            action: action.into(),
            resource: resource.into(),
            resource_account: None,
            method_auth: None,
            caller_policies: None,
            context: BTreeMap::new(),
        }
    }

    /// The same with this key in its context.
    #[must_use]
    pub fn with<T: Into<String>>(mut self, key: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.context.insert(key.to_owned(), values);
        self
    }

    /// The policies of the caller, where it needs none that allows the request.
    #[must_use]
    pub fn assumed(&self) -> Option<CallerPolicies> {
        self.caller_policies
            .filter(|it| *it != CallerPolicies::Allow)
    }

    /// The account that owns the resource, when the request tells.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.resource_account.as_deref().or_else(|| {
            let account = self.resource.split(':').nth(4)?;
            (self.resource.starts_with("arn:") && !account.is_empty()).then_some(account)
        })
    }
}

impl Request {
    /// The partition of the caller; of an account without an ARN, that of the resource.
    #[must_use]
    pub fn partition(&self) -> Option<&str> {
        match &self.principal {
            Who::Arn(arn) => partition_of(arn).or_else(|| partition_of(&self.resource)),
            Who::Service(_) | Who::Anonymous => None,
        }
    }
}

/// The partition that an ARN is of.
pub(super) fn partition_of(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').next()
}

/// What a principal is, read from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller<'a> {
    /// A role, in a session that the request does not name.
    Role {
        /// `arn:P:iam::ACCOUNT:role/path/name`
        arn: &'a str,
        /// The account.
        account: &'a str,
        /// Whether it is a service's own role, in a path that only AWS writes to.
        service_linked: bool,
    },
    /// A role's session: its ARN leaves out the role's path.
    Session {
        /// `arn:P:sts::ACCOUNT:assumed-role/name/session`
        arn: &'a str,
        /// The partition.
        partition: &'a str,
        /// The account.
        account: &'a str,
        /// The role's name.
        role: &'a str,
    },
    /// An IAM user.
    User {
        /// `arn:P:iam::ACCOUNT:user/path/name`
        arn: &'a str,
        /// The account.
        account: &'a str,
        /// The user's name.
        name: &'a str,
    },
    /// An account's root user.
    Root {
        /// The account.
        account: &'a str,
    },
    /// A federated user's session, or another principal of an account.
    Other {
        /// The ARN.
        arn: &'a str,
        /// The account.
        account: &'a str,
    },
    /// An identity provider, which lets tokens be traded for a role.
    Provider {
        /// Its ARN or its name.
        name: &'a str,
    },
    /// An AWS service.
    Service {
        /// Its name.
        name: &'a str,
    },
    /// Not signed.
    Anonymous,
}

impl<'a> Caller<'a> {
    /// What the request's principal is.
    #[must_use]
    pub fn of(request: &'a Request) -> Self {
        let arn = match &request.principal {
            Who::Anonymous => return Self::Anonymous,
            Who::Service(name) => {
                return if trades_a_token(&request.action) {
                    Self::Provider { name }
                } else {
                    Self::Service { name }
                };
            }
            Who::Arn(arn) => arn.as_str(),
        };
        if let Some(account) = root_account(arn) {
            return Self::Root { account };
        }
        let mut parts = arn.splitn(6, ':').skip(1);
        let mut next = || parts.next().unwrap_or_default();
        let (partition, service, _, account, resource) = (next(), next(), next(), next(), next());
        match (service, resource.split_once('/')) {
            ("iam", Some(("role", rest))) => Self::Role {
                arn,
                account,
                service_linked: rest.starts_with("aws-service-role/"),
            },
            ("iam", Some(("user", rest))) => Self::User {
                arn,
                account,
                name: rest.rsplit('/').next().unwrap_or_default(),
            },
            ("iam", Some(("oidc-provider" | "saml-provider", _))) => Self::Provider { name: arn },
            ("sts", Some(("assumed-role", rest))) => Self::Session {
                arn,
                partition,
                account,
                role: rest.split('/').next().unwrap_or_default(),
            },
            _ => Self::Other { arn, account },
        }
    }

    /// The account the caller belongs to; services and strangers belong to none.
    #[must_use]
    pub fn account(&self) -> Option<&'a str> {
        match *self {
            Self::Role { account, .. }
            | Self::Session { account, .. }
            | Self::User { account, .. }
            | Self::Root { account }
            | Self::Other { account, .. } => Some(account),
            Self::Provider { .. } | Self::Service { .. } | Self::Anonymous => None,
        }
    }
}

impl<'a> Caller<'a> {
    /// The name of a federated user's session, which whoever opened it chose.
    pub(super) fn federated(&self) -> Option<&'a str> {
        match *self {
            Self::Other { arn, .. } => Some(arn.split_once(":federated-user/")?.1),
            _ => None,
        }
    }

    /// Whether it has temporary credentials, and no others.
    pub(super) fn is_temporary(&self) -> bool {
        match self {
            Self::Role { .. } | Self::Session { .. } => true,
            Self::Other { .. } => self.federated().is_some(),
            Self::User { .. }
            | Self::Root { .. }
            | Self::Provider { .. }
            | Self::Service { .. }
            | Self::Anonymous => false,
        }
    }
}

/// Whether an action trades an identity provider's token for a role.
fn trades_a_token(action: &str) -> bool {
    ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"]
        .iter()
        .any(|it| it.eq_ignore_ascii_case(action))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_caller_without_an_allow_of_its_own_is_assumed() {
        let (none, limited) = (CallerPolicies::None, CallerPolicies::Limited);
        for (own, assumed) in [
            (None, None),
            (Some(CallerPolicies::Allow), None),
            (Some(none), Some(none)),
            (Some(limited), Some(limited)),
        ] {
            let mut request = Request::new(Who::Anonymous, "sns:Publish", "*");
            request.caller_policies = own;
            assert_eq!(request.assumed(), assumed, "{own:?}");
        }
    }
}
