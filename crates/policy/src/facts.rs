//! What is known of a request: each condition key's value.
//!
//! A condition key is in one of four states. Its values are *given*, by the context or
//! by the request itself (a role's ARN tells `aws:PrincipalArn`). Or it is *absent*: AWS
//! sets it only in some requests, and this one does not say so. Or it is *present* with a value
//! nobody told us: every request has a time, an address and a transport. Or it is *unknown*:
//! no key we know of, so it may be anything. Only the first two decide.
//!
//! | key | is in |
//! |---|---|
//! | `aws:CurrentTime`, `aws:EpochTime`, `aws:SecureTransport`, `aws:UserAgent`, `aws:RequestedRegion`, `aws:ResourceAccount`, `aws:ViaAWSService`, `aws:PrincipalAccount`, `aws:PrincipalType`, `aws:userid` | every request |
//! | `aws:PrincipalArn`, `aws:PrincipalIsAWSService` | every signed one |
//! | `aws:SourceIp`, or else `aws:VpcSourceIp` | every request |
//! | `aws:TokenIssueTime`, `aws:MultiFactorAuthPresent` | every one of a role or of another session, few of a user |
//! | `aws:username` | those of users |
//! | `aws:SourceArn`, `aws:SourceAccount` and their like | only those that a service makes in its own name |
//! | `aws:SourceOwner`, and `aws:SourceAccount` on a topic | every signed one that SNS gets: the caller's own account |
//! | `aws:PrincipalOrgID`, `aws:PrincipalTag/…`, `aws:ResourceTag/…` | by what the account, the principal or the resource is |
//! | `kms:CallerAccount`, `s3:ResourceAccount`, `s3:TlsVersion`, `sts:RoleSessionName`, `sns:Protocol`, `iam:PassedToService` and their like | every request of their service, or of the actions in the tables below |
//! | `HOST:aud`, `HOST:sub` of an identity provider | every request that trades one of its tokens |
//! | `aws:TagKeys`, `aws:RequestTag/…`, `aws:SourceVpce`, `aws:CalledVia` and a service's own keys | by what the call is |
//!
//! What a request is silent about depends on who tells it. One that somebody wrote out to have it
//! decided is taken at its word: what only some requests have, it has not. A proof about the requests of
//! others must not do that, and says so by [`Silence`].
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.

use std::borrow::Cow;

use super::keys::{
    ALWAYS_PRESENT, GRANTS, MAYBE_IN, PRESENT_IN, is_of_signer, is_of_who_or_what, may_be_absent,
};
use super::request::{Caller, Request, Who};
use super::three::Three;

/// What is known of a condition key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// These values.
    Given(&'a [String]),
    /// This value, which follows from the rest of the request.
    Told(Cow<'a, str>),
    /// The ARN of a session's role: right if the role has no path, and its path is not known.
    RoleOfSession(String),
    /// It is not in the request.
    Absent,
    /// It is in the request, with a value that nobody told.
    Present,
    /// Nothing.
    Unknown,
}

/// What it means that a request does not name a key that only some requests have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It does not have the key: it is written out in full.
    Absence,
    /// It is a plain call, by TLS: it has no key that comes of how a call is made. What comes of who
    /// asks and of what is asked (an organization, tags) was not told.
    Plain,
    /// It is any call of this principal: whatever AWS may set, it may have.
    Anything,
}

/// A request with what follows from it, ready to be asked for its keys.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The request.
    pub request: &'a Request,
    /// What its principal is.
    pub caller: Caller<'a>,
    /// The account that owns the resource.
    pub owner: Option<&'a str>,
    /// What it means that a key is not named.
    pub silence: Silence,
    /// Whether a federated session may have been opened by a user whom a statement names.
    pub opener_is_open: bool,
    /// The caller's partition, where a statement that names an account of another does not mean the caller.
    pub partition: Option<&'a str>,
}

impl<'a> Facts<'a> {
    /// What follows from a request.
    #[must_use]
    pub fn of(request: &'a Request) -> Self {
        Self {
            request,
            caller: Caller::of(request),
            owner: request.owner(),
            silence: Silence::Absence,
            opener_is_open: true,
            partition: None,
        }
    }

    /// The same, of a caller who is named only by statements that name its partition, or none.
    #[must_use]
    pub fn of_one_partition(self) -> Self {
        Self {
            partition: self.request.partition(),
            ..self
        }
    }

    /// The values the request's context gives for a key in lower case.
    #[must_use]
    pub fn given(&self, key: &str) -> Option<&'a [String]> {
        let context = &self.request.context;
        context
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, values)| values.as_slice())
    }

    /// What is known of a key in lower case.
    #[must_use]
    pub fn key(&self, key: &str) -> Key<'a> {
        match self.given(key) {
            // Whoever signed: a method without authorization does not learn it.
            Some(_) if self.caller == Caller::Anonymous && is_of_signer(key) => self.implied(key),
            Some([]) => Key::Absent,
            Some(values) => Key::Given(values),
            None => self.implied(key),
        }
    }

    fn implied(&self, key: &str) -> Key<'a> {
        let caller = &self.caller;
        let told = |it: Option<&'a str>| it.map_or(Key::Absent, |it| Key::Told(Cow::Borrowed(it)));
        match key {
            "aws:principalarn" => match *caller {
                Caller::Role { arn, .. } | Caller::User { arn, .. } | Caller::Other { arn, .. } => {
                    told(Some(arn))
                }
                Caller::Session {
                    partition,
                    account,
                    role,
                    ..
                } => Key::RoleOfSession(format!("arn:{partition}:iam::{account}:role/{role}")),
                Caller::Root { account } => match &self.request.principal {
                    Who::Arn(arn) if arn.starts_with("arn:") => told(Some(arn)),
                    _ => Key::Told(Cow::Owned(format!("arn:aws:iam::{account}:root"))),
                },
                Caller::Provider { .. } | Caller::Service { .. } | Caller::Anonymous => Key::Absent,
            },
            "aws:principalaccount" if *caller == Caller::Anonymous => told(Some("anonymous")),
            // AWS's page says that every request has it, and not what it is in a service's own.
            "aws:principalaccount" if matches!(caller, Caller::Service { .. }) => Key::Present,
            "aws:principalaccount" => told(caller.account()),
            "aws:principaltype" => told(match caller {
                Caller::Role { .. } | Caller::Session { .. } => Some("AssumedRole"),
                Caller::User { .. } => Some("User"),
                Caller::Root { .. } => Some("Account"),
                Caller::Anonymous => Some("Anonymous"),
                Caller::Other { .. } if caller.federated().is_some() => Some("FederatedUser"),
                Caller::Other { .. } => return Key::Present,
                Caller::Provider { .. } | Caller::Service { .. } => return Key::Unknown,
            }),
            "aws:username" => told(match *caller {
                Caller::User { name, .. } => Some(name),
                _ => None,
            }),
            "aws:userid" => match caller {
                Caller::Anonymous => told(Some("anonymous")),
                Caller::Root { account } => told(Some(account)),
                Caller::Provider { .. } | Caller::Service { .. } => Key::Absent,
                _ => match caller.account().zip(caller.federated()) {
                    Some((account, name)) => Key::Told(Cow::Owned(format!("{account}:{name}"))),
                    None => Key::Present,
                },
            },
            "aws:principalisawsservice" => told(match caller {
                Caller::Service { .. } => Some("true"),
                // Neither signs with credentials of AWS's.
                Caller::Provider { .. } | Caller::Anonymous => None,
                _ => Some("false"),
            }),
            "aws:principalservicename" => told(match *caller {
                Caller::Service { name } => Some(name),
                _ => None,
            }),
            // All names of the service, of which the request tells one.
            "aws:principalservicenameslist" if matches!(caller, Caller::Service { .. }) => {
                Key::Present
            }
            "aws:viaawsservice"
                if self.silence == Silence::Anything && caller.account().is_some() =>
            {
                Key::Unknown
            }
            "aws:viaawsservice" => told(Some("false")),
            "aws:federatedprovider" => match *caller {
                Caller::Provider { name } => told(Some(name)),
                // Of a session, whoever it was opened for.
                Caller::Role { .. } | Caller::Session { .. } => self.untold(Silence::Plain),
                _ => Key::Absent,
            },
            "aws:tokenissuetime" | "aws:multifactorauthpresent"
                if self.has_temporary_credentials() =>
            {
                Key::Present
            }
            "aws:resourceaccount" => match self.owner {
                Some(owner) => told(Some(owner)),
                None => Key::Unknown,
            },
            // SNS sets both for every signed caller: to the caller's own account, or to the one
            // on whose behalf a service publishes. It names them in no unsigned request.
            "aws:sourceowner" | "aws:sourceaccount" if self.is_of_topic() => match *caller {
                Caller::Service { .. } => self.untold(Silence::Anything),
                Caller::Provider { .. } | Caller::Anonymous => Key::Absent,
                _ => told(caller.account()),
            },
            "aws:requestedregion" => {
                match self
                    .request
                    .resource
                    .split(':')
                    .nth(3)
                    .filter(|it| !it.is_empty())
                {
                    Some(region) if self.request.resource.starts_with("arn:") => told(Some(region)),
                    _ => Key::Present,
                }
            }
            // A request through a VPC endpoint has `aws:VpcSourceIp` in its place.
            "aws:sourceip" if self.through_endpoint() => Key::Absent,
            "aws:vpcsourceip" if self.through_endpoint() => Key::Present,
            "aws:sourceip" if self.silence == Silence::Anything => Key::Unknown,
            "aws:securetransport" if self.silence == Silence::Plain => told(Some("true")),
            "kms:calleraccount" if self.asks("kms:") => match caller.account() {
                Some(own) => told(Some(own)),
                None => Key::Unknown,
            },
            "s3:resourceaccount" if self.asks("s3:") => match self.owner {
                Some(owner) => told(Some(owner)),
                None => Key::Unknown,
            },
            // A caller that asks for a grant asks in its own name, unless the request says otherwise.
            "kms:grantisforawsresource"
                if caller.account().is_some() && GRANTS.iter().any(|it| self.asks(it)) =>
            {
                match self.silence {
                    Silence::Absence | Silence::Plain => told(Some("false")),
                    Silence::Anything => Key::Unknown,
                }
            }
            _ if ALWAYS_PRESENT.contains(&key) => Key::Present,
            _ if self.is_in(&PRESENT_IN, key) || self.is_of_token(key) => Key::Present,
            _ if self.is_in(&MAYBE_IN, key) => Key::Unknown,
            _ if self.is_never_set(key) => Key::Absent,
            _ if is_of_who_or_what(key) => self.untold(Silence::Plain),
            _ if may_be_absent(key) => self.untold(Silence::Anything),
            _ => Key::Unknown,
        }
    }

    /// What is known of a key that only some requests have, and that is open from this silence on.
    fn untold(&self, from: Silence) -> Key<'a> {
        match self.silence {
            Silence::Absence => Key::Absent,
            Silence::Plain if from == Silence::Anything => Key::Absent,
            Silence::Plain | Silence::Anything => Key::Unknown,
        }
    }

    /// Whether the request's action begins so, in lower case.
    fn asks(&self, head: &str) -> bool {
        let action = &self.request.action;
        action
            .get(..head.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(head))
    }

    /// Whether a table has a row for a key and the request's action.
    fn is_in(&self, rows: &[(&str, &str, &str)], key: &str) -> bool {
        let action = &self.request.action;
        let is_asked = |own: &str| match own.strip_suffix('*') {
            Some(head) => self.asks(head),
            None => action.eq_ignore_ascii_case(own),
        };
        let is_key = |own: &str| match own.strip_suffix('*') {
            Some(head) => key.starts_with(head),
            None => key == own,
        };
        let mut rows = rows.iter();
        rows.any(|(own, actions, _)| is_key(own) && actions.split(' ').any(is_asked))
    }

    /// Whether a key is a claim that each token of the provider has which is traded by the request.
    ///
    /// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>, "Available keys
    /// for AWS OIDC federation", and <https://openid.net/specs/openid-connect-core-1_0.html#IDToken>.
    fn is_of_token(&self, key: &str) -> bool {
        matches!(self.caller, Caller::Provider { name } if has_every_token_of(name, key))
    }

    /// Whether the caller has temporary credentials: a session, or a user or root user who got them of STS.
    #[must_use]
    pub fn has_temporary_credentials(&self) -> bool {
        let is_given = |key: &&str| self.given(key).is_some_and(|it| !it.is_empty());
        let keys = ["aws:tokenissuetime", "aws:multifactorauthpresent"];
        let may_have = matches!(self.caller, Caller::User { .. } | Caller::Root { .. });
        self.caller.is_temporary() || may_have && keys.iter().any(is_given)
    }

    /// Whether the caller is a service's own role, in a path that only AWS writes to.
    ///
    /// A session's ARN leaves out the path: it is one if its `aws:PrincipalArn` says so.
    #[must_use]
    pub fn is_service_linked(&self) -> Three {
        match self.caller {
            Caller::Role { service_linked, .. } => Three::from(service_linked),
            Caller::Session { role, .. } => match self.given("aws:principalarn") {
                Some([arn]) => Three::from(arn.contains(":role/aws-service-role/")),
                _ => Three::maybe_if(role.starts_with("AWSServiceRoleFor")),
            },
            _ => Three::No,
        }
    }

    /// Whether AWS sets a key in no request of this principal, or in none for this action.
    fn is_never_set(&self, key: &str) -> bool {
        let own = self.caller.account().is_some();
        match key {
            "aws:sourcearn"
            | "aws:sourceaccount"
            | "aws:sourceorgid"
            | "aws:sourceorgpaths"
            | "aws:sourceowner"
            | "aws:principalservicenameslist" => !matches!(self.caller, Caller::Service { .. }),
            "aws:principalorgid"
            | "aws:principalorgpaths"
            | "aws:multifactorauthpresent"
            | "aws:multifactorauthage"
            | "aws:tokenissuetime"
            | "aws:sourceidentity" => !own,
            "sns:endpoint" | "sns:protocol" => {
                self.request.action.contains(':')
                    && !["sns:subscribe", "sns:receive"]
                        .iter()
                        .any(|it| self.asks(it))
            }
            _ => key.starts_with("aws:principaltag/") && !own,
        }
    }

    /// Whether a topic is asked for something.
    fn is_of_topic(&self) -> bool {
        let of_sns = |text: &str| {
            text.get(..4)
                .is_some_and(|it| it.eq_ignore_ascii_case("sns:"))
        };
        of_sns(&self.request.action) || self.request.resource.split(':').nth(2) == Some("sns")
    }

    /// Whether the request came through a VPC endpoint.
    #[must_use]
    pub fn through_endpoint(&self) -> bool {
        ["aws:sourcevpce", "aws:sourcevpc", "aws:vpcsourceip"]
            .iter()
            .any(|it| self.given(it).is_some_and(|values| !values.is_empty()))
    }
}

/// Whether every token of a provider brings a key.
pub(super) fn has_every_token_of(provider: &str, key: &str) -> bool {
    let host = provider
        .split_once(":oidc-provider/")
        .map_or(provider, |it| it.1);
    let of_host = key
        .get(..host.len())
        .filter(|it| it.eq_ignore_ascii_case(host));
    let claim = of_host.and_then(|_| key[host.len()..].strip_prefix(':'));
    claim.is_some_and(|it| match host {
        "www.amazon.com" => ["app_id", "user_id"].contains(&it),
        "graph.facebook.com" => ["app_id", "id"].contains(&it),
        _ => ["aud", "sub"].contains(&it),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(principal: &str, key: &str) -> Key<'static> {
        let request = Request::new(
            Who::of(principal),
            "sns:Publish",
            "arn:aws:sns:eu-west-1:111111111111:t",
        );
        match Facts::of(&request).key(key) {
            Key::Told(it) => Key::Told(Cow::Owned(it.into_owned())),
            Key::RoleOfSession(it) => Key::RoleOfSession(it),
            Key::Absent => Key::Absent,
            Key::Present => Key::Present,
            Key::Unknown => Key::Unknown,
            Key::Given(_) => unreachable!("nothing is given"),
        }
    }

    #[test]
    fn a_principals_name_tells_what_it_is() {
        let role = "arn:aws:iam::111111111111:role/team/a";
        assert_eq!(
            key_of(role, "aws:principalarn"),
            Key::Told(Cow::Borrowed(role))
        );
        assert_eq!(
            key_of(role, "aws:principalaccount"),
            Key::Told(Cow::Borrowed("111111111111"))
        );
        assert_eq!(key_of(role, "aws:username"), Key::Absent);
        assert_eq!(
            key_of("arn:aws:iam::111111111111:user/team/ann", "aws:username"),
            Key::Told(Cow::Borrowed("ann"))
        );
        assert_eq!(key_of("sns.amazonaws.com", "aws:principalarn"), Key::Absent);
        assert_eq!(
            key_of("sns.amazonaws.com", "aws:principalisawsservice"),
            Key::Told(Cow::Borrowed("true"))
        );
    }

    #[test]
    fn the_arn_of_a_sessions_role_is_the_roles_and_its_path_is_open() {
        assert_eq!(
            key_of(
                "arn:aws:sts::111111111111:assumed-role/a/s",
                "aws:principalarn"
            ),
            Key::RoleOfSession("arn:aws:iam::111111111111:role/a".to_owned())
        );
    }

    #[test]
    fn what_every_request_has_is_not_absent_and_what_some_have_is() {
        let role = "arn:aws:iam::111111111111:role/a";
        assert_eq!(key_of(role, "aws:sourceip"), Key::Present);
        assert_eq!(key_of(role, "aws:currenttime"), Key::Present);
        assert_eq!(key_of(role, "aws:sourcevpce"), Key::Absent);
        assert_eq!(key_of(role, "aws:principaltag/team"), Key::Absent);
        assert_eq!(key_of(role, "sts:externalid"), Key::Absent);
        assert_eq!(
            key_of(role, "token.actions.githubusercontent.com:sub"),
            Key::Absent
        );
        assert_eq!(key_of(role, "aws:madeup"), Key::Unknown);
        assert_eq!(key_of(role, "acme:team"), Key::Unknown);
        assert_eq!(key_of(role, "sns:madeup"), Key::Unknown);
    }

    const WAYS: [Silence; 3] = [Silence::Absence, Silence::Plain, Silence::Anything];

    /// What is known of a key, by each way of being silent about it.
    fn known(principal: &Who, action: &str, key: &str) -> String {
        let request = Request::new(
            principal.clone(),
            action,
            "arn:aws:sns:eu-west-1:111111111111:t",
        );
        let one = |silence| {
            let facts = Facts {
                silence,
                ..Facts::of(&request)
            };
            match facts.key(key) {
                Key::Told(it) => it.into_owned(),
                Key::RoleOfSession(it) => format!("{it}?"),
                Key::Absent => "absent".to_owned(),
                Key::Present => "present".to_owned(),
                Key::Unknown => "open".to_owned(),
                Key::Given(_) => unreachable!("nothing is given"),
            }
        };
        let all = WAYS.map(one);
        if all.iter().all(|it| *it == all[0]) {
            all[0].clone()
        } else {
            all.join(", ")
        }
    }

    #[test]
    fn what_a_request_is_silent_about_is_absent_only_where_it_is_told_in_full() {
        let role = Who::of("arn:aws:iam::111111111111:role/a");
        let session = Who::of("arn:aws:sts::111111111111:assumed-role/a/s");
        let federated = Who::of("arn:aws:sts::111111111111:federated-user/f");
        let user = Who::of("arn:aws:iam::111111111111:user/ann");
        let group = Who::of("arn:aws:iam::111111111111:group/admins");
        let root = Who::of("111111111111");
        let sns = Who::of("sns.amazonaws.com");
        let anyone = Who::Anonymous;
        let sometimes = "absent, absent, open";
        let by_who = "absent, open, open";
        for (who, key, expected) in [
            // Every request has these; their values are what nobody told.
            (&anyone, "aws:currenttime", "present"),
            (&anyone, "aws:epochtime", "present"),
            (&anyone, "aws:useragent", "present"),
            (&role, "aws:securetransport", "present, true, present"),
            (&role, "aws:requestedregion", "eu-west-1"),
            (&role, "aws:resourceaccount", "111111111111"),
            (&anyone, "aws:principalaccount", "anonymous"),
            (&sns, "aws:principalaccount", "present"),
            (&sns, "aws:principalorgid", "absent"),
            (&anyone, "aws:principaltype", "Anonymous"),
            (&anyone, "aws:userid", "anonymous"),
            (&root, "aws:principalaccount", "111111111111"),
            (&role, "aws:principaltype", "AssumedRole"),
            (&session, "aws:principaltype", "AssumedRole"),
            (&user, "aws:principaltype", "User"),
            (&root, "aws:principaltype", "Account"),
            (&federated, "aws:principaltype", "FederatedUser"),
            (&federated, "aws:userid", "111111111111:f"),
            (&root, "aws:userid", "111111111111"),
            (&group, "aws:principaltype", "present"),
            (&sns, "aws:principalservicenameslist", "present"),
            (&role, "aws:principalservicenameslist", "absent"),
            (&role, "kms:calleraccount", sometimes),
            (&role, "s3:resourceaccount", sometimes),
            (&sns, "aws:principaltype", "open"),
            // Every request has an address, of one kind or the other.
            (&role, "aws:sourceip", "present, present, open"),
            (&role, "aws:vpcsourceip", sometimes),
            // Every signed one.
            (&anyone, "aws:principalarn", "absent"),
            (&anyone, "aws:principalisawsservice", "absent"),
            (&role, "aws:principalisawsservice", "false"),
            (&sns, "aws:principalisawsservice", "true"),
            // Every one with temporary credentials.
            (&role, "aws:tokenissuetime", "present"),
            (&session, "aws:multifactorauthpresent", "present"),
            (&federated, "aws:tokenissuetime", "present"),
            (&user, "aws:multifactorauthpresent", sometimes),
            (&root, "aws:tokenissuetime", sometimes),
            (&sns, "aws:tokenissuetime", "absent"),
            (&anyone, "aws:multifactorauthpresent", "absent"),
            (&anyone, "aws:multifactorauthage", "absent"),
            // Whoever acts in another's name.
            (&role, "aws:viaawsservice", "false, false, open"),
            (&sns, "aws:viaawsservice", "false"),
            (&role, "aws:calledvia", sometimes),
            (&role, "aws:federatedprovider", by_who),
            (&user, "aws:federatedprovider", "absent"),
            // In its own name, only a service says for what.
            (&role, "aws:sourcearn", "absent"),
            // SNS tells the account that a signed caller is of.
            (&role, "aws:sourceaccount", "111111111111"),
            (&user, "aws:sourceowner", "111111111111"),
            (&anyone, "aws:sourceowner", "absent"),
            (&anyone, "aws:sourceaccount", "absent"),
            (&anyone, "aws:sourceorgid", "absent"),
            (&sns, "aws:sourcearn", sometimes),
            (&sns, "aws:sourceaccount", sometimes),
            // What comes of who asks and what is asked.
            (&role, "aws:principalorgid", by_who),
            (&role, "aws:principalorgpaths", by_who),
            (&role, "aws:principaltag/team", by_who),
            (&role, "aws:resourcetag/team", by_who),
            (&role, "aws:resourceorgid", by_who),
            (&sns, "aws:principalorgid", "absent"),
            (&anyone, "aws:principaltag/team", "absent"),
            // What comes of how it is asked.
            (&role, "aws:tagkeys", sometimes),
            (&role, "aws:requesttag/team", sometimes),
            (&role, "aws:sourcevpce", sometimes),
            (&anyone, "aws:referer", sometimes),
            (&role, "aws:signinsessionarn", sometimes),
            (&role, "aws:viaawsmcpservice", sometimes),
            (&role, "glue:roleassumedby", sometimes),
            (&role, "sts:externalid", sometimes),
            (&role, "aws:sourceidentity", sometimes),
            (&anyone, "aws:sourceidentity", "absent"),
            // Nobody knows these.
            (&role, "aws:madeup", "open"),
            (&role, "acme:team", "open"),
        ] {
            assert_eq!(known(who, "sns:Publish", key), expected, "{key} of {who}");
        }
        let trader = Who::of("accounts.google.com");
        let trade = |key| known(&trader, "sts:assumerolewithWEBidentity", key);
        assert_eq!(trade("aws:federatedprovider"), "accounts.google.com");
        assert_eq!(trade("aws:principalservicename"), "absent");
        assert_eq!(trade("aws:principalisawsservice"), "absent");
        assert_eq!(trade("aws:userid"), "absent");
        let service = |key| known(&sns, "sns:Publish", key);
        assert_eq!(service("aws:principalservicename"), "sns.amazonaws.com");
        assert_eq!(service("aws:federatedprovider"), "absent");
        assert_eq!(service("aws:userid"), "absent");
        let endpoint = |action| known(&role, action, "sns:endpoint");
        assert_eq!(endpoint("sns:Publish"), "absent");
        assert_eq!(endpoint("SNS:subscribe"), sometimes);
        assert_eq!(endpoint("sns:Receive"), sometimes);
        assert_eq!(endpoint("*"), sometimes);
    }

    #[test]
    fn keys_follow_from_who_asks_and_what_is_asked() {
        let told = |it: &str| Key::Told(Cow::Owned(it.to_owned()));
        let role = "arn:aws:iam::111111111111:role/a";
        let china = "arn:aws-cn:iam::111111111111:root";
        for (who, key, expected) in [
            (china, "aws:principalarn", told(china)),
            (
                "111111111111",
                "aws:principalarn",
                told("arn:aws:iam::111111111111:root"),
            ),
            (role, "aws:userid", Key::Present),
            (role, "aws:principalservicename", Key::Absent),
            (role, "aws:sourceowner", told("111111111111")),
            ("222222222222", "aws:sourceowner", told("222222222222")),
            ("sns.amazonaws.com", "aws:sourceowner", Key::Absent),
        ] {
            assert_eq!(key_of(who, key), expected, "{key} of {who}");
        }
        let on = |resource: &str, key: &str| {
            let request = Request::new(Who::Anonymous, "sns:Publish", resource);
            match Facts::of(&request).key(key) {
                Key::Told(it) => Some(it.into_owned()),
                Key::Absent => None,
                other => Some(format!("{other:?}")),
            }
        };
        let topic = "arn:aws:sns:eu-west-1:111111111111:t";
        assert_eq!(on(topic, "aws:sourceowner"), None);
        for (resource, region) in [
            (topic, "eu-west-1"),
            ("*", "Present"),
            ("urn:aws:sns:eu-west-1:111111111111:t", "Present"),
            ("arn:aws:iam::111111111111:role/a", "Present"),
        ] {
            assert_eq!(on(resource, "aws:requestedregion").as_deref(), Some(region));
        }
        assert_eq!(
            on("arn:aws:s3:::bucket", "aws:resourceaccount").as_deref(),
            Some("Unknown")
        );
    }

    #[test]
    fn an_endpoint_takes_the_place_of_the_address() {
        let request = Request::new(Who::Anonymous, "execute-api:Invoke", "*")
            .with("aws:SourceVpce", ["vpce-1"]);
        let facts = Facts::of(&request);
        assert_eq!(facts.key("aws:sourceip"), Key::Absent);
        assert_eq!(facts.key("aws:vpcsourceip"), Key::Present);
        assert_eq!(
            facts.key("aws:sourcevpce"),
            Key::Given(&["vpce-1".to_owned()])
        );
    }

    #[test]
    fn the_owner_of_a_resource_is_in_its_arn_unless_it_is_told() {
        let mut request = Request::new(Who::Anonymous, "s3:GetObject", "arn:aws:s3:::b/k");
        assert_eq!(request.owner(), None);
        request.resource_account = Some("111111111111".to_owned());
        assert_eq!(request.owner(), Some("111111111111"));
        let topic = Request::new(
            Who::Anonymous,
            "sns:Publish",
            "arn:aws:sns:r:222222222222:t",
        );
        assert_eq!(topic.owner(), Some("222222222222"));
    }

    /// <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-grant-is-for-aws-resource>
    #[test]
    fn only_a_call_about_grants_says_whether_a_service_asks_for_one() {
        let role = Who::of("arn:aws:iam::111111111111:role/a");
        let service = Who::of("dynamodb.amazonaws.com");
        let sometimes = "absent, absent, open";
        for (who, action, expected) in [
            (&role, "kms:CreateGrant", "false, false, open"),
            (&role, "KMS:ListGrants", "false, false, open"),
            (&role, "kms:RevokeGrant", "false, false, open"),
            (&role, "kms:Decrypt", sometimes),
            (&service, "kms:CreateGrant", sometimes),
            (&Who::Anonymous, "kms:CreateGrant", sometimes),
        ] {
            let found = known(who, action, "kms:grantisforawsresource");
            assert_eq!(found, expected, "{action} by {who}");
        }
    }

    /// <https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html>
    #[test]
    fn the_source_of_a_signed_request_is_told_of_topics_only() {
        let role = Who::of("arn:aws:iam::111111111111:role/a");
        let topic = "arn:aws:sns:eu-west-1:222222222222:t";
        let queue = "arn:aws:sqs:eu-west-1:222222222222:q";
        for (action, resource, told) in [
            ("sns:Publish", topic, true),
            ("SNS:ListTopics", "*", true),
            ("*", topic, true),
            ("sqs:SendMessage", queue, false),
            ("s3:GetObject", "*", false),
        ] {
            let request = Request::new(role.clone(), action, resource);
            for key in ["aws:sourceaccount", "aws:sourceowner"] {
                let expected = if told {
                    Key::Told(Cow::Borrowed("111111111111"))
                } else {
                    Key::Absent
                };
                assert_eq!(
                    Facts::of(&request).key(key),
                    expected,
                    "{action} {resource}"
                );
            }
        }
    }

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principal-properties>
    #[test]
    fn a_method_without_authorization_learns_nothing_of_a_signer() {
        for (key, is_of_signer) in [
            ("aws:FederatedProvider", true),
            ("aws:MultiFactorAuthAge", true),
            ("aws:MultiFactorAuthPresent", true),
            ("aws:PrincipalArn", true),
            ("aws:PrincipalOrgID", true),
            ("aws:PrincipalTag/team", true),
            ("aws:SourceIdentity", true),
            ("aws:TokenIssueTime", true),
            ("aws:username", true),
            ("aws:Referer", false),
            ("aws:SourceVpce", false),
        ] {
            let request = Request::new(Who::Anonymous, "execute-api:Invoke", "*").with(key, ["x"]);
            let values = ["x".to_owned()];
            let expected = if is_of_signer {
                Key::Absent
            } else {
                Key::Given(&values)
            };
            assert_eq!(
                Facts::of(&request).key(&key.to_ascii_lowercase()),
                expected,
                "{key}"
            );
        }
    }
}
