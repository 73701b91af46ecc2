//! Guardrails: what no document should say without a reason.
//!
//! Each has a code that stays. What is judged here is one document alone, statement by
//! statement, by what it says and not by what it would decide: an opening must be seen by a
//! reader too. A condition counts as *binding* when a stranger cannot make it true: it names a
//! principal, an organization, a source or a network, by an operator that fails where the key
//! is missing, with no value that everybody has.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html>.

use super::actions::services;
use super::document::{Document, Effect, Principals, Statement};
use super::issuers::telling_claims;
use super::normal::root_account;
use super::patterns::Pattern;

/// A rule that a stack keeps unless it gives a reason not to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guardrail {
    /// Anyone is let in, under no binding condition.
    OpenPrincipal,
    /// A method asks nobody who they are.
    OpenMethod,
    /// A wildcard in an ARN before the resource's own part.
    WideArn,
    /// Everyone but somebody.
    NotPrincipal,
    /// A service is let in for whoever uses it.
    NoSource,
    /// SNS cannot use the key of a queue that is to receive from it.
    ManagedKey,
    /// A private API that every VPC reaches.
    EveryVpc,
    /// A whole account where a role would do.
    WholeAccount,
    /// An action that no service has.
    UnknownAction,
    /// A prefix of roles that misses one by its path.
    MissedRole,
    /// Everyone of an organization, and with it the whole of the holder's own account.
    OwnAccount,
}

/// How much a breach weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Access is open to the world: nothing is applied.
    Error,
    /// Wider than it need be, or without effect.
    Warning,
}

impl Severity {
    /// As it is printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Guardrail {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::OpenPrincipal,
        Self::OpenMethod,
        Self::WideArn,
        Self::NotPrincipal,
        Self::NoSource,
        Self::ManagedKey,
        Self::EveryVpc,
        Self::WholeAccount,
        Self::UnknownAction,
        Self::MissedRole,
        Self::OwnAccount,
    ];

    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::OpenPrincipal => "PG001",
            Self::OpenMethod => "PG002",
            Self::WideArn => "PG003",
            Self::NotPrincipal => "PG004",
            Self::NoSource => "PG005",
            Self::ManagedKey => "PG006",
            Self::EveryVpc => "PG007",
            Self::WholeAccount => "PG008",
            Self::UnknownAction => "PG009",
            Self::MissedRole => "PG010",
            Self::OwnAccount => "PG011",
        }
    }

    /// The guardrail of a code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }
}

/// A statement that goes over a guardrail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub guardrail: Guardrail,
    /// How much it weighs.
    pub severity: Severity,
    /// The statement, by its place in the document.
    pub statement: usize,
    /// What the statement does, after the document's name: `lets anyone …`.
    pub says: String,
}

/// What a document is the policy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// An identity: its own policy.
    Identity,
    /// A role: who may assume it.
    Trust,
    /// A topic.
    Topic,
    /// A queue.
    Queue,
    /// A KMS key.
    Key,
    /// A REST API.
    Api {
        /// Only VPC endpoints reach it.
        private: bool,
    },
}

/// Every breach of a document that is held in this account.
#[must_use]
pub fn judge(document: &Document, holder: Holder, account: &str) -> Vec<Breach> {
    let mut found = Vec::new();
    for (index, statement) in document.statements.iter().enumerate() {
        let mut add = |guardrail, severity, says: String| {
            found.push(Breach {
                guardrail,
                severity,
                statement: index,
                says,
            });
        };
        for says in unknown_actions(statement) {
            add(Guardrail::UnknownAction, Severity::Warning, says);
        }
        let allows = statement.effect == Effect::Allow;
        if holder == Holder::Identity {
            if allows && let Some(says) = wide_arn(statement) {
                add(Guardrail::WideArn, Severity::Warning, says);
            }
            continue;
        }
        let Some(clause) = &statement.principal else {
            continue;
        };
        let does = statement.action.values.join(", ");
        let does = if statement.action.negated {
            format!("use all but {does}")
        } else {
            format!("use {does}")
        };
        if clause.negated {
            let (severity, verb) = if allows {
                (Severity::Error, "allows")
            } else {
                (Severity::Warning, "denies")
            };
            let says = format!("{verb} everyone but those it names to {does}");
            add(Guardrail::NotPrincipal, severity, says);
            continue;
        }
        if !allows {
            continue;
        }
        let private = holder == Holder::Api { private: true };
        let through = binds(statement, &NETWORKS) || is_fenced(document, statement, &NETWORKS);
        let anyone = is_anyone(&clause.principals);
        let of_organization =
            binds(statement, &ORGANIZATIONS) || is_fenced(document, statement, &ORGANIZATIONS);
        if anyone && of_organization && !leaves_out(statement, account) {
            let says = format!(
                "lets every role and user of its own account {account} {does}, without a policy of theirs"
            );
            add(Guardrail::OwnAccount, Severity::Warning, says);
        }
        let callers = binds(statement, &CALLERS) || is_fenced(document, statement, &CALLERS);
        if anyone && !(private && !through && callers) {
            if private && !through {
                let says = format!("lets whoever is in any VPC, of anyone, {does}");
                add(Guardrail::EveryVpc, Severity::Error, says);
            } else if !private
                && !binds(statement, &BINDING)
                && !is_fenced(document, statement, &BINDING)
            {
                let says = if only_services(statement) {
                    format!("lets every AWS service {does}, for whichever account it acts")
                } else {
                    format!("lets anyone {does}, under no condition that binds who asks")
                };
                add(Guardrail::OpenPrincipal, Severity::Error, says);
            }
            continue;
        }
        if private && !through {
            let says = "lets its callers in through the VPC endpoints of anyone".to_owned();
            add(Guardrail::EveryVpc, Severity::Warning, says);
        }
        let Principals::Of(types) = &clause.principals else {
            continue;
        };
        for provider in types.get("Federated").into_iter().flatten() {
            if holder == Holder::Trust && is_every_token(statement, provider) {
                let says = format!("lets whoever has a token of {provider} {does}");
                add(Guardrail::OpenPrincipal, Severity::Error, says);
            }
        }
        if let Some(services) = types.get("Service")
            && matches!(holder, Holder::Queue | Holder::Topic)
        {
            let says = |what: &str| format!("lets {} {does} {what}", services.join(" and "));
            let exact = binds(statement, &["aws:sourcearn"]);
            if !binds(statement, &SOURCES) && !is_fenced(document, statement, &SOURCES) {
                add(
                    Guardrail::NoSource,
                    Severity::Error,
                    says("on behalf of any account, without `aws:SourceArn`"),
                );
            } else if holder == Holder::Queue
                && !exact
                && !is_fenced(document, statement, &["aws:sourcearn"])
            {
                add(
                    Guardrail::NoSource,
                    Severity::Warning,
                    says("without `aws:SourceArn`: for whatever the account has"),
                );
            }
        }
        for whole in types.get("AWS").into_iter().flatten() {
            let Some(id) = root_account(whole) else {
                continue;
            };
            let theirs = holder == Holder::Trust || id != account;
            if theirs && !binds(statement, &PERSONS) {
                let says = format!("lets the whole account {id} {does}");
                add(Guardrail::WholeAccount, Severity::Warning, says);
            }
        }
    }
    found
}

/// Keys that tell who is behind a request.
const PERSONS: [&str; 4] = [
    "aws:principalarn",
    "aws:userid",
    "aws:sourcearn",
    "sns:endpoint",
];
/// Keys that tell of which organization a caller is.
const ORGANIZATIONS: [&str; 2] = ["aws:principalorgid", "aws:principalorgpaths"];
/// Keys that tell on whose behalf a service asks.
const SOURCES: [&str; 5] = [
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceowner",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
];
/// Keys that tell who calls, by a signature; a call without one has none of them.
const CALLERS: [&str; 5] = [
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:userid",
];
/// Keys that tell through which network a request came.
const NETWORKS: [&str; 6] = [
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourcevpcarn",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
];
/// Keys whose value a stranger cannot choose.
const BINDING: [&str; 18] = [
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:userid",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceowner",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourcevpcarn",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "aws:sourceip",
    "sns:endpoint",
];

/// Whether the conditions of a statement for everyone leave out an account, or name who of it is meant.
fn leaves_out(statement: &Statement, account: &str) -> bool {
    let names_others = statement.conditions.iter().any(|(name, tests)| {
        let Some((bare, if_exists)) = operator(name) else {
            return false;
        };
        let is_listed = |values: &Vec<String>| values.iter().any(|it| it == account);
        let of_account = tests
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case("aws:PrincipalAccount"));
        of_account
            .into_iter()
            .any(|(_, values)| match bare.as_str() {
                "stringequals" => !if_exists && !is_listed(values),
                "stringnotequals" => is_listed(values),
                _ => false,
            })
    });
    names_others || binds(statement, &PERSONS)
}

/// Whether the principals are everyone.
fn is_anyone(principals: &Principals) -> bool {
    match principals {
        Principals::Anyone => true,
        Principals::Of(types) => types.values().flatten().any(|it| it == "*"),
    }
}

/// An operator: what it does, and whether a missing key satisfies it.
fn operator(name: &str) -> Option<(String, bool)> {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("foranyvalue:").unwrap_or(&name);
    // Of no value at all, every one is as it should be.
    if name.starts_with("forallvalues:") {
        return None;
    }
    match name.strip_suffix("ifexists") {
        Some(bare) => Some((bare.to_owned(), true)),
        None => Some((name.to_owned(), false)),
    }
}

/// Whether a statement holds for AWS services alone.
fn only_services(statement: &Statement) -> bool {
    let mut conditions = statement.conditions.iter();
    conditions.any(|(name, tests)| {
        let is_bool = operator(name).is_some_and(|(bare, if_exists)| bare == "bool" && !if_exists);
        let true_of_services = |(key, values): (&String, &Vec<String>)| {
            key.eq_ignore_ascii_case("aws:PrincipalIsAWSService") && values == &["true"]
        };
        is_bool && tests.iter().any(true_of_services)
    })
}

/// Whether a condition on one of these keys holds for no stranger.
fn binds(statement: &Statement, keys: &[&str]) -> bool {
    statement.conditions.iter().any(|(name, tests)| {
        let positive = [
            "stringequals",
            "stringequalsignorecase",
            "stringlike",
            "arnequals",
            "arnlike",
            "ipaddress",
        ];
        let Some((bare, false)) = operator(name) else {
            return false;
        };
        positive.contains(&bare.as_str())
            && tests
                .iter()
                .any(|(key, values)| are_narrow(&bare, key, values, keys))
    })
}

/// Whether a `Deny` for everyone takes out whoever is a stranger to one of these keys.
fn is_fenced(document: &Document, statement: &Statement, keys: &[&str]) -> bool {
    let negative = [
        ("stringnotequals", "stringequals"),
        ("stringnotlike", "stringlike"),
        ("arnnotequals", "arnequals"),
        ("arnnotlike", "arnlike"),
        ("notipaddress", "ipaddress"),
    ];
    document.statements.iter().any(|it| {
        let all = it.effect == Effect::Deny
            && it
                .principal
                .as_ref()
                .is_some_and(|it| !it.negated && is_anyone(&it.principals));
        let covers = |fence: &super::document::Clause, of: &super::document::Clause| {
            !fence.negated
                && (fence.values.iter().any(|it| is_everything(it))
                    || (!of.negated && of.values.iter().all(|it| fence.values.contains(it))))
        };
        let reaches = covers(&it.action, &statement.action)
            && match (&it.resource, &statement.resource) {
                (Some(fence), Some(of)) => covers(fence, of),
                (None, None) => true,
                _ => false,
            };
        // Another condition beside it would let strangers past.
        let alone = it.conditions.len() == 1 && it.conditions.values().all(|it| it.len() == 1);
        all && reaches
            && alone
            && it.conditions.iter().any(|(name, tests)| {
                // `ForAnyValue:` lets past whoever has no value at all.
                let name = name.to_ascii_lowercase();
                let bare = name.strip_suffix("ifexists").unwrap_or(&name);
                let bare = negative.iter().find(|it| it.0 == bare).map(|it| it.1);
                bare.is_some_and(|bare| {
                    tests
                        .iter()
                        .any(|(key, values)| are_narrow(bare, key, values, keys))
                })
            })
    })
}

/// Whether a pattern takes in all that one document could be about.
fn is_everything(pattern: &str) -> bool {
    let api = |it: &str| {
        it.starts_with("arn:")
            && it.contains(":execute-api:")
            && it.ends_with("/*")
            && it.matches('/').count() == 1
    };
    matches!(
        pattern,
        "*" | "execute-api:/*" | "execute-api:*" | "sqs:*" | "sns:*" | "sts:*"
    ) || (pattern.eq_ignore_ascii_case("execute-api:Invoke"))
        || api(pattern)
}

/// Whether a key is one of these and none of its values is everybody's.
fn are_narrow(operator: &str, key: &str, values: &[String], keys: &[&str]) -> bool {
    let key = key.to_ascii_lowercase();
    let patterns = matches!(operator, "stringlike" | "arnlike" | "arnequals");
    keys.contains(&key.as_str())
        && !values.is_empty()
        && values.iter().all(|it| is_narrow(&key, it, patterns))
}

fn is_narrow(key: &str, value: &str, patterns: bool) -> bool {
    let wild = |it: &str| patterns && it.contains(['*', '?']);
    if value.contains("${") {
        // Whatever a variable stands for, the one who asks has it.
        return false;
    }
    match key {
        "aws:sourceip" => is_network(value),
        "aws:principalarn" | "aws:sourcearn" | "aws:sourcevpcarn" => is_narrow_arn(value, patterns),
        "sns:endpoint" if value.starts_with("arn:") => is_narrow_arn(value, patterns),
        "aws:userid" | "aws:principalorgpaths" | "aws:sourceorgpaths" | "aws:vpceorgpaths" => {
            let fixed = value.split(['*', '?']).next().unwrap_or_default();
            // `AROA` is what the id of every role begins with.
            !patterns || fixed.len() > 4
        }
        "sns:endpoint" => {
            // Of a URL the host is fixed, of any other address its end.
            let fixed = match value.split_once("://") {
                Some((_, rest)) => rest.split(['*', '?']).next(),
                None => value.rsplit(['*', '?']).next(),
            };
            fixed.is_some_and(|it| it.len() >= 4) || !wild(value)
        }
        _ => !wild(value) && !value.is_empty(),
    }
}

fn is_narrow_arn(value: &str, patterns: bool) -> bool {
    let wild = |it: &str| patterns && it.contains(['*', '?']);
    let parts: Vec<&str> = value.splitn(6, ':').collect();
    match parts.as_slice() {
        // A bucket has no account in its ARN, and its name is nobody else's.
        [_, _, service, _, "", name] => {
            let open = name.is_empty() || (patterns && name.starts_with(['*', '?']));
            !open && !wild(service)
        }
        [_, _, _, _, account, _] => !wild(account),
        _ => !wild(value),
    }
}

/// Whether a range of addresses is less than a good part of the internet.
fn is_network(value: &str) -> bool {
    let (address, length) = match value.split_once('/') {
        Some((address, length)) => (address, length.parse::<u8>().ok()),
        None => (value, Some(u8::MAX)),
    };
    let least = if address.contains(':') { 32 } else { 8 };
    length.is_some_and(|it| it >= least)
}

/// Whether a trust in a provider's tokens takes anyone's.
fn is_every_token(statement: &Statement, provider: &str) -> bool {
    if provider.contains(":saml-provider/") {
        return false; // It is set up for one organization.
    }
    let host = provider
        .split_once("oidc-provider/")
        .map_or(provider, |(_, host)| host);
    let of_everyone = |it: &str| {
        // `repo:` is what every subject of GitHub begins with.
        let name = it.strip_prefix("repo:").unwrap_or(it);
        name.is_empty() || name.starts_with(['*', '?'])
    };
    let shared = telling_claims(provider).is_some_and(|it| !it.contains(&"aud"));
    let bound = statement.conditions.iter().any(|(name, tests)| {
        let positive = matches!(
            operator(name),
            Some((it, false)) if matches!(it.as_str(), "stringequals" | "stringlike" | "stringequalsignorecase")
        );
        positive
            && tests.iter().any(|(key, values)| {
                // What the caller chooses, as the session's name, is no claim of the token.
                let key = key.to_ascii_lowercase();
                let own = |it: &(&str, &str)| it.0.eq_ignore_ascii_case(host);
                let Some((_, claim)) = key.rsplit_once(':').filter(own) else {
                    return false;
                };
                // Where all the world has tokens, all of them have the same audience, and
                // how somebody signed in is not who it is.
                (claim != "aud" || !shared)
                    && claim != "amr"
                    && !values.is_empty()
                    && values.iter().all(|it| !of_everyone(it))
            })
    });
    !bound
}

/// A wildcard before the sixth part of an ARN, or in the place of an ARN that could be named.
fn wide_arn(statement: &Statement) -> Option<String> {
    let resource = statement.resource.as_ref().filter(|it| !it.negated)?;
    let named = [
        "sns:Publish",
        "sqs:SendMessage",
        "sts:AssumeRole",
        "execute-api:Invoke",
        "lambda:InvokeFunction",
        "iam:PassRole",
    ];
    for it in &resource.values {
        if it == "*" {
            let exact = statement.action.values.iter().find(|action| {
                !statement.action.negated && named.iter().any(|it| it.eq_ignore_ascii_case(action))
            });
            if let Some(action) = exact {
                return Some(format!(
                    "allows {action} on `*`, whatever and whosever it is"
                ));
            }
            continue;
        }
        let head: Vec<&str> = it.splitn(6, ':').take(5).collect();
        if it.starts_with("arn:") && head.iter().any(|it| it.contains(['*', '?'])) {
            return Some(format!(
                "names `{it}`, with a wildcard before the resource's own part"
            ));
        }
    }
    None
}

/// What is wrong with the names of a statement's actions.
fn unknown_actions(statement: &Statement) -> impl Iterator<Item = String> {
    statement.action.values.iter().filter_map(|it| {
        let meant = unknown_action(it).err()?;
        let hint = meant.map_or_else(String::new, |it| format!("; is `{it}` meant?"));
        Some(format!("speaks of `{it}`, which is no action{hint}"))
    })
}

/// Refuses an action that is certainly none, with the one it was most likely meant to be.
fn unknown_action(action: &str) -> Result<(), Option<String>> {
    let known = services();
    if matches!(action, "*" | "*:*") {
        return Ok(());
    }
    let Some((service, name)) = action.split_once(':') else {
        let all = known
            .iter()
            .flat_map(|(service, names)| names.iter().map(move |it| (*service, *it)));
        let meant = all.clone().find(|(_, it)| it.eq_ignore_ascii_case(action));
        return Err(meant.map(|(service, it)| format!("{service}:{it}")));
    };
    if service.contains(['*', '?']) {
        return Ok(());
    }
    let Some((service, names)) = known
        .iter()
        .find(|(it, _)| it.eq_ignore_ascii_case(service))
    else {
        // Most services are not listed. One with a name like a listed one's, and an action of it, is a slip.
        let slip = known.iter().find_map(|(listed, names)| {
            let alike = strsim::damerau_levenshtein(listed, &service.to_ascii_lowercase()) == 1;
            let name = names.iter().find(|it| it.eq_ignore_ascii_case(name))?;
            (alike && service.len() >= 3).then(|| format!("{listed}:{name}"))
        });
        return slip.map_or(Ok(()), |it| Err(Some(it)));
    };
    let lower = name.to_ascii_lowercase();
    let pattern = Pattern::of(&lower);
    if names
        .iter()
        .any(|it| pattern.matches(&it.to_ascii_lowercase()))
    {
        return Ok(());
    }
    let alike = |it: &str| strsim::jaro_winkler(&it.to_ascii_lowercase(), &lower);
    let meant = names
        .iter()
        .max_by(|a, b| alike(a).total_cmp(&alike(b)))
        .filter(|it| alike(it) > 0.8);
    Err(meant.map(|it| format!("{service}:{it}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes and severities of a statement's breaches.
    fn found(statement: &str, holder: Holder) -> Vec<String> {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        let document = Document::parse(&text).expect("a policy");
        let breaches = judge(&document, holder, "111111111111");
        breaches
            .iter()
            .map(|it| format!("{} {}", it.guardrail.code(), it.severity.as_str()))
            .collect()
    }

    fn open_to(condition: &str) -> Vec<String> {
        let condition = if condition.is_empty() {
            String::new()
        } else {
            format!(r#","Condition":{{{condition}}}"#)
        };
        found(
            &format!(
                r#"{{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*"{condition}}}"#
            ),
            Holder::Topic,
        )
    }

    #[test]
    fn anyone_is_let_in_only_under_a_binding_condition() {
        for open in [
            "",
            r#""Bool":{"aws:SecureTransport":"true"}"#,
            r#""StringLike":{"aws:PrincipalArn":"*"}"#,
            r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/x"}"#,
            r#""StringLike":{"aws:PrincipalOrgID":"o-*"}"#,
            r#""StringEqualsIfExists":{"aws:PrincipalOrgID":"o-abc"}"#,
            r#""ForAllValues:StringEquals":{"aws:PrincipalOrgID":"o-abc"}"#,
            r#""StringNotEquals":{"aws:PrincipalOrgID":"o-abc"}"#,
            r#""IpAddress":{"aws:SourceIp":"0.0.0.0/0"}"#,
            r#""IpAddress":{"aws:SourceIp":["10.0.0.0/8","0.0.0.0/1"]}"#,
            r#""StringEquals":{"aws:PrincipalAccount":"${aws:PrincipalAccount}"}"#,
            r#""StringEquals":{"aws:UserAgent":"me"}"#,
        ] {
            assert_eq!(open_to(open), ["PG001 error"], "{open}");
        }
        for organization in [
            r#""StringEquals":{"aws:PrincipalOrgID":"o-abc"}"#,
            r#""ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-abc/*"}"#,
        ] {
            assert_eq!(open_to(organization), ["PG011 warning"], "{organization}");
        }
        for bound in [
            r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/*"}"#,
            r#""StringEquals":{"AWS:SourceOwner":"111111111111"}"#,
            r#""ArnLike":{"aws:SourceArn":"arn:aws:s3:::bucket"}"#,
            r#""IpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#,
            r#""StringEquals":{"aws:SourceVpce":"vpce-1"}"#,
        ] {
            assert_eq!(open_to(bound), Vec::<String>::new(), "{bound}");
        }
        let aws =
            r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sns:Publish","Resource":"*"}"#;
        assert_eq!(found(aws, Holder::Topic), ["PG001 error"]);
    }

    #[test]
    fn a_deny_for_strangers_is_a_binding_condition_too() {
        let allow = r#"{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"}"#;
        let fence = r#"{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}}"#;
        let api = |private| Holder::Api { private };
        assert_eq!(found(allow, api(false)), ["PG001 error"]);
        assert_eq!(found(allow, api(true)), ["PG007 error"]);
        let bound = |condition: &str| {
            let allow = allow.replace(r#""Principal":"*""#, r#""Principal":{"AWS":"*"}"#);
            let end = allow.len() - 1;
            found(
                &format!(r#"{},"Condition":{{{condition}}}}}"#, &allow[..end]),
                api(true),
            )
        };
        // Who must be of an organization is not anyone, whichever endpoint the call comes through.
        for (named, more) in [
            (
                r#""StringEquals":{"aws:PrincipalOrgID":"o-abc"}"#,
                Some("PG011 warning"),
            ),
            (
                r#""ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-abc/*/ou-1/*"}"#,
                Some("PG011 warning"),
            ),
            (
                r#""StringEquals":{"aws:PrincipalAccount":"111111111111"}"#,
                None,
            ),
        ] {
            let expected: Vec<&str> = more.into_iter().chain(["PG007 warning"]).collect();
            assert_eq!(bound(named), expected, "{named}");
        }
        // An address of a VPC may be anyone's.
        for open in [
            r#""IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}"#,
            r#""StringEqualsIfExists":{"aws:PrincipalOrgID":"o-abc"}"#,
            r#""StringLike":{"aws:PrincipalOrgID":"*"}"#,
        ] {
            assert_eq!(bound(open), ["PG007 error"], "{open}");
        }
        assert!(found(&format!("{allow},{fence}"), api(false)).is_empty());
        assert!(found(&format!("{allow},{fence}"), api(true)).is_empty());
        let gap = fence.replace(
            r#""StringNotEquals""#,
            r#""Bool":{"aws:SecureTransport":"false"},"StringNotEquals""#,
        );
        assert_eq!(found(&format!("{allow},{gap}"), api(true)), ["PG007 error"]);
        let named = allow.replace("\"*\"", r#"{"AWS":"arn:aws:iam::111111111111:role/a"}"#);
        assert_eq!(found(&named, api(true)), ["PG007 warning"]);
        assert!(found(&named, api(false)).is_empty());
    }

    #[test]
    fn everyone_but_somebody_is_nearly_everyone() {
        let but = r#"{"Effect":"Allow","NotPrincipal":{"AWS":"111111111111"},"Action":"sqs:SendMessage","Resource":"*"}"#;
        assert_eq!(found(but, Holder::Queue), ["PG004 error"]);
        assert_eq!(
            found(&but.replace("Allow", "Deny"), Holder::Queue),
            ["PG004 warning"]
        );
    }

    #[test]
    fn a_service_delivers_for_somebody() {
        let with = |condition: &str| {
            let statement = format!(
                r#"{{"Effect":"Allow","Principal":{{"Service":"sns.amazonaws.com"}},"Action":"sqs:SendMessage","Resource":"*","Condition":{{{condition}}}}}"#
            );
            (
                found(&statement, Holder::Queue),
                found(&statement, Holder::Topic),
            )
        };
        let none = Vec::<String>::new;
        assert_eq!(
            with(""),
            (
                vec!["PG005 error".to_owned()],
                vec!["PG005 error".to_owned()]
            )
        );
        assert_eq!(
            with(r#""StringEquals":{"aws:SourceAccount":"111111111111"}"#),
            (vec!["PG005 warning".to_owned()], none())
        );
        assert_eq!(
            with(r#""ArnEquals":{"aws:SourceArn":"arn:aws:sns:eu-west-1:111111111111:t"}"#),
            (none(), none())
        );
        let wide = with(r#""ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:t"}"#);
        assert_eq!(wide.0, ["PG005 error"]);
        assert_eq!(wide.1, ["PG005 error"]);
    }

    #[test]
    fn a_whole_account_is_told_where_a_role_would_do() {
        let trust = |id: &str| {
            format!(
                r#"{{"Effect":"Allow","Principal":{{"AWS":"{id}"}},"Action":"sts:AssumeRole"}}"#
            )
        };
        assert_eq!(
            found(&trust("222222222222"), Holder::Trust),
            ["PG008 warning"]
        );
        assert_eq!(
            found(&trust("arn:aws:iam::111111111111:root"), Holder::Trust),
            ["PG008 warning"]
        );
        assert!(found(&trust("arn:aws:iam::222222222222:role/a"), Holder::Trust).is_empty());
        let some = trust("222222222222").replace("\"Action\"", r#""Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::222222222222:role/a*"}},"Action""#);
        assert!(found(&some, Holder::Trust).is_empty());
    }

    #[test]
    fn a_token_is_of_somebody() {
        let trust = |condition: &str| {
            found(
                &format!(
                    r#"{{"Effect":"Allow","Principal":{{"Federated":"arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{{condition}}}}}"#
                ),
                Holder::Trust,
            )
        };
        let key = "token.actions.githubusercontent.com";
        for open in [
            String::new(),
            format!(r#""StringEquals":{{"{key}:aud":"sts.amazonaws.com"}}"#),
            format!(r#""StringLike":{{"{key}:sub":"*"}}"#),
            format!(r#""StringLike":{{"{key}:sub":["repo:org/name:*","repo:*"]}}"#),
        ] {
            assert_eq!(trust(&open), ["PG001 error"], "{open}");
        }
        assert!(
            trust(&format!(
                r#""StringLike":{{"{key}:sub":"repo:org/name:*"}}"#
            ))
            .is_empty()
        );
    }

    #[test]
    fn a_wildcard_in_the_head_of_an_arn_is_told() {
        let on = |action: &str, resource: &str| {
            found(
                &format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#),
                Holder::Identity,
            )
        };
        assert_eq!(
            on("sns:Publish", "arn:aws:sns:*:*:orders"),
            ["PG003 warning"]
        );
        assert_eq!(on("sts:AssumeRole", "*"), ["PG003 warning"]);
        assert!(on("sns:Publish", "arn:aws:sns:eu-west-1:111111111111:*").is_empty());
        assert!(on("sqs:ListQueues", "*").is_empty());
        assert!(on("s3:GetObject", "arn:aws:s3:::bucket/*").is_empty());
    }

    #[test]
    fn an_action_that_nobody_has_is_told_with_the_nearest() {
        let told = |action: &str| unknown_action(action).err().map(Option::unwrap_or_default);
        assert_eq!(told("sns:Publsh"), Some("sns:Publish".to_owned()));
        assert_eq!(told("SQS:sendmessage"), None);
        assert_eq!(told("sqs:SendMessages"), Some("sqs:SendMessage".to_owned()));
        assert_eq!(told("sqss:SendMessage"), Some("sqs:SendMessage".to_owned()));
        assert_eq!(told("execute-api:*"), None);
        assert_eq!(told("kms:GenerateDataKey*"), None);
        assert_eq!(
            told("kms:Generated?Key"),
            Some("kms:GenerateDataKey".to_owned())
        );
        assert_eq!(told("apigateway:GET"), None);
        assert_eq!(told("Publish"), Some("sns:Publish".to_owned()));
        assert_eq!(told("s3:GetObjekt"), None, "a service that is not listed");
        assert_eq!(told("ses:SendEmail"), None);
        assert_eq!(services().len(), 8);
        assert!(services().iter().all(|(_, actions)| actions.len() >= 3));
    }

    #[test]
    fn codes_are_told_apart() {
        for it in Guardrail::ALL {
            assert_eq!(Guardrail::parse(it.code()), Some(it));
        }
    }

    /// Whether the second statement fences in the first; each by its effect and its other fields.
    #[track_caller]
    fn fence(allow: &str, deny: &str, expected: bool) {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*",{allow}}},{{"Effect":"Deny",{deny}}}]}}"#
        );
        let document = Document::parse(&text).expect("a policy");
        let found = is_fenced(&document, &document.statements[0], &NETWORKS);
        assert_eq!(found, expected, "{allow} {deny}");
    }

    const OUTSIDE: &str =
        r#""Principal":"*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}"#;

    #[test]
    fn a_fence_covers_every_action_and_resource_that_it_is_to_fence() {
        let on = |actions: &str, resources: &str| {
            format!(r#""Action":[{actions}],"Resource":[{resources}]"#)
        };
        let both = |a: (&str, &str), b: (&str, &str), expected| {
            let deny = format!("{},{OUTSIDE}", on(b.0, b.1));
            fence(&on(a.0, a.1), &deny, expected);
        };
        let one = (r#""sns:Publish""#, r#""arn:aws:sns:eu-west-1:1:t""#);
        let two = (
            r#""sns:Publish","sns:Subscribe""#,
            r#""arn:aws:sns:eu-west-1:1:t","arn:aws:sns:eu-west-1:1:u""#,
        );
        both(one, one, true);
        both(one, two, true);
        both(two, one, false);
        both((two.0, one.1), one, false);
        both((one.0, two.1), one, false);
        both(two, (r#""*""#, r#""*""#), true);
        both(one, (r#""sns:*""#, r#""*""#), true);
        both(one, (r#""sns:Subscribe""#, one.1), false);
        both(one, (one.0, r#""arn:aws:sns:eu-west-1:1:u""#), false);
        // All but something is not what it names.
        let all_but = one.0.replace("sns", "NotAction\":\"sns");
        assert_eq!(all_but, r#""NotAction":"sns:Publish""#);
        let (named, resource) = (
            format!(r#""Action":{}"#, one.0),
            format!(r#""Resource":{}"#, one.1),
        );
        let named = format!("{named},{resource}");
        let all_but = format!("{all_but},{resource}");
        fence(&named, &format!("{all_but},{OUTSIDE}"), false);
        fence(&all_but, &format!("{named},{OUTSIDE}"), false);
    }

    #[test]
    fn a_role_and_its_fence_name_no_resource() {
        let (bare, on) = (
            r#""Action":"sts:AssumeRole""#,
            r#""Action":"sts:AssumeRole","Resource":"*""#,
        );
        fence(bare, &format!("{bare},{OUTSIDE}"), true);
        fence(bare, &format!("{on},{OUTSIDE}"), false);
        fence(on, &format!("{bare},{OUTSIDE}"), false);
    }

    #[test]
    fn a_fence_is_for_everyone_and_lets_nobody_past() {
        let on = r#""Action":"sns:Publish","Resource":"*""#;
        let with = |principal: &str, condition: &str, expected| {
            let deny = format!(r#"{on},"{principal},"Condition":{{{condition}}}"#);
            fence(on, &deny, expected);
        };
        let (anyone, outside) = (
            r#"Principal":"*""#,
            r#""StringNotEquals":{"aws:SourceVpce":"vpce-1"}"#,
        );
        with(anyone, outside, true);
        with(r#"Principal":{"AWS":"*"}"#, outside, true);
        with(r#"Principal":{"AWS":"111111111111"}"#, outside, false);
        with(r#"NotPrincipal":{"AWS":"111111111111"}"#, outside, false);
        with(
            anyone,
            r#""StringNotLike":{"aws:SourceVpce":"vpce-1"}"#,
            true,
        );
        with(
            anyone,
            r#""StringNotEqualsIfExists":{"aws:SourceVpce":"vpce-1"}"#,
            true,
        );
        // Whoever comes through no endpoint has no value that could be another.
        with(
            anyone,
            r#""ForAnyValue:StringNotEquals":{"aws:SourceVpce":"vpce-1"}"#,
            false,
        );
        // To refuse those within is no fence, nor is a gap that everybody fits through.
        with(
            anyone,
            r#""StringEquals":{"aws:SourceVpce":"vpce-1"}"#,
            false,
        );
        with(anyone, r#""StringNotLike":{"aws:SourceVpce":"*"}"#, false);
        with(
            anyone,
            r#""StringNotEquals":{"aws:SourceIp":"10.0.0.1"}"#,
            false,
        );
        with(
            anyone,
            r#""StringNotEquals":{"aws:SourceVpce":"vpce-1","aws:SourceVpc":"vpc-1"}"#,
            false,
        );
    }

    #[test]
    fn everything_is_all_of_a_service_or_of_an_api() {
        for all in [
            "*",
            "execute-api:/*",
            "execute-api:*",
            "execute-api:Invoke",
            "Execute-API:invoke",
            "sqs:*",
            "sns:*",
            "sts:*",
            "arn:aws:execute-api:eu-west-1:111111111111:abc/*",
        ] {
            assert!(is_everything(all), "{all}");
        }
        for some in [
            "",
            "sns:Publish",
            "sns:Publish*",
            "arn:aws:execute-api:eu-west-1:111111111111:abc/prod/*",
            "arn:aws:execute-api:eu-west-1:111111111111:abc/prod",
            "arn:aws:s3:::bucket/*",
            "urn:aws:execute-api:eu-west-1:111111111111:abc/*",
            "bucket/*",
            "a/b",
        ] {
            assert!(!is_everything(some), "{some}");
        }
    }

    #[test]
    fn a_value_is_narrow_that_a_stranger_cannot_have() {
        for (key, value, pattern, expected) in [
            ("aws:sourcevpce", "vpce-1", false, true),
            ("aws:sourcevpce", "vpce-*", true, false),
            // Where nothing is a wildcard, a star is a letter.
            ("aws:sourcevpce", "vpce-*", false, true),
            ("aws:sourcevpce", "", false, false),
            ("aws:sourcevpce", "${aws:SourceVpce}", false, false),
            ("aws:sourcearn", "arn:aws:sns:*:111111111111:*", true, true),
            ("aws:sourcearn", "arn:aws:sns:*:*:t", true, false),
            ("aws:sourcearn", "arn:aws:s3:::bucket", true, true),
            ("aws:sourcearn", "arn:aws:s3:::bucket*", true, true),
            ("aws:sourcearn", "arn:aws:s3:::*", true, false),
            ("aws:sourcearn", "arn:aws:s3:::", false, false),
            ("aws:sourcearn", "arn:aws:*:::bucket", true, false),
            ("aws:sourcearn", "arn:*", true, false),
            ("aws:userid", "AROAEXAMPLE:*", true, true),
            ("aws:userid", "AROAE*", true, true),
            ("aws:userid", "AROA*", true, false),
            ("aws:userid", "AR", false, true),
            ("aws:principalorgpaths", "o-abc/*", true, true),
            ("aws:principalorgpaths", "*", true, false),
            ("sns:endpoint", "*@example.com", true, true),
            ("sns:endpoint", "a@b", true, true),
            ("sns:endpoint", "*", true, false),
            ("sns:endpoint", "*com", true, false),
            ("sns:endpoint", "https://example.com/*", true, true),
            ("sns:endpoint", "https://*", true, false),
            ("sns:endpoint", "https*", true, false),
            ("sns:endpoint", "+4479*", true, false),
            ("sns:endpoint", "arn:aws:sqs:*:111111111111:*", true, true),
            ("sns:endpoint", "arn:aws:sqs:*", true, false),
        ] {
            assert_eq!(is_narrow(key, value, pattern), expected, "{key} {value}");
        }
    }

    #[test]
    fn an_organization_holds_the_holders_own_account() {
        let of = |condition: &str| {
            let text = format!(
                r#"{{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*","Condition":{{{condition}}}}}"#
            );
            found(&text, Holder::Topic)
        };
        let own = ["PG011 warning"];
        assert_eq!(of(r#""StringEquals":{"aws:PrincipalOrgID":"o-abc"}"#), own);
        assert_eq!(
            of(r#""ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-abc/r-1/*"}"#),
            own
        );
        for narrower in [
            r#""StringNotEquals":{"aws:PrincipalAccount":"111111111111"}"#,
            r#""StringEqualsIgnoreCase":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/a"}"#,
            r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/a"}"#,
        ] {
            let both = format!(r#""StringEquals":{{"aws:PrincipalOrgID":"o-abc"}},{narrower}"#);
            assert!(of(&both).is_empty(), "{narrower}");
        }
        let other = |account: &str| {
            of(&format!(
                r#""StringEquals":{{"aws:PrincipalOrgID":"o-abc","aws:PrincipalAccount":"{account}"}}"#
            ))
        };
        assert!(other("222222222222").is_empty());
        assert_eq!(other("111111111111"), own);
    }

    #[test]
    fn a_whole_account_is_told_unless_it_is_the_holders_own() {
        let of = |id: &str, holder: Holder| {
            found(
                &format!(
                    r#"{{"Effect":"Allow","Principal":{{"AWS":"{id}"}},"Action":"sns:Publish","Resource":"*"}}"#
                ),
                holder,
            )
        };
        assert!(of("111111111111", Holder::Topic).is_empty());
        assert_eq!(of("222222222222", Holder::Topic), ["PG008 warning"]);
    }

    #[test]
    fn an_audience_tells_nothing_where_all_the_world_has_tokens() {
        let trust = |host: &str, claim: &str| {
            found(
                &format!(
                    r#"{{"Effect":"Allow","Principal":{{"Federated":"arn:aws:iam::111111111111:oidc-provider/{host}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"{host}:{claim}":"mine"}}}}}}"#
                ),
                Holder::Trust,
            )
        };
        for shared in [
            "token.actions.githubusercontent.com",
            "gitlab.com",
            "app.terraform.io",
        ] {
            assert_eq!(trust(shared, "aud"), ["PG001 error"], "{shared}");
            assert!(trust(shared, "sub").is_empty(), "{shared}");
        }
        assert!(trust("id.example.org", "aud").is_empty());
        // How somebody signed in is not who it is.
        assert_eq!(trust("id.example.org", "amr"), ["PG001 error"]);
    }

    #[test]
    fn only_a_claim_of_the_token_itself_binds_whose_it_is() {
        let trust = |provider: &str, condition: &str| {
            found(
                &format!(
                    r#"{{"Effect":"Allow","Principal":{{"Federated":"{provider}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{{condition}}}}}"#
                ),
                Holder::Trust,
            )
        };
        let own = "arn:aws:iam::111111111111:oidc-provider/id.example.org/a";
        let pools = "cognito-identity.amazonaws.com";
        for (provider, condition) in [
            (own, ""),
            (own, r#""StringEquals":{"sts:RoleSessionName":"me"}"#),
            (own, r#""StringEquals":{"id.example.org:sub":"me"}"#),
            (own, r#""StringEquals":{"aws:RequestTag/a":"me"}"#),
            (own, r#""StringEquals":{"sub":"me"}"#),
            (pools, ""),
            (
                pools,
                r#""StringEquals":{"cognito-identity.amazonaws.com:amr":"authenticated"}"#,
            ),
            ("accounts.google.com", ""),
        ] {
            assert_eq!(
                trust(provider, condition),
                ["PG001 error"],
                "{provider} {condition}"
            );
        }
        for (provider, condition) in [
            (own, r#""StringEquals":{"id.example.org/a:sub":"me"}"#),
            (
                pools,
                r#""StringEquals":{"cognito-identity.amazonaws.com:aud":"pool"}"#,
            ),
            (
                "accounts.google.com",
                r#""StringEquals":{"accounts.google.com:aud":"app"}"#,
            ),
            ("arn:aws:iam::111111111111:saml-provider/x", ""),
        ] {
            assert!(
                trust(provider, condition).is_empty(),
                "{provider} {condition}"
            );
        }
    }

    #[test]
    fn a_slip_in_an_action_is_told_of_the_statement() {
        let text = r#"{"Effect":"Allow","Action":"sns:Publsh","Resource":"*"}"#;
        assert_eq!(found(text, Holder::Identity), ["PG009 warning"]);
        // One letter off makes a listed service of a longer name only.
        assert_eq!(
            unknown_action("ssn:Publish").err(),
            Some(Some("sns:Publish".to_owned()))
        );
        assert_eq!(unknown_action("ss:Publish"), Ok(()));
        assert_eq!(unknown_action("events:Publish"), Ok(()));
    }

    /// Without the key `BoolIfExists` is met, so by whoever does not sign:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalisawsservice>
    #[test]
    fn only_a_plain_bool_says_that_every_caller_is_a_service() {
        let says = |condition: &str| {
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*","Condition":{{{condition}}}}}]}}"#
            );
            let document = Document::parse(&text).expect("a policy");
            let breaches = judge(&document, Holder::Topic, "111111111111");
            breaches.into_iter().map(|it| it.says).collect::<String>()
        };
        let services = says(r#""Bool":{"aws:PrincipalIsAWSService":"true"}"#);
        assert!(
            services.starts_with("lets every AWS service "),
            "{services}"
        );
        for anyone in [
            r#""BoolIfExists":{"aws:PrincipalIsAWSService":"true"}"#,
            r#""Bool":{"aws:PrincipalIsAWSService":"false"}"#,
            r#""Bool":{"aws:SecureTransport":"true"}"#,
            r#""StringLike":{"aws:PrincipalIsAWSService":"true"}"#,
        ] {
            assert!(says(anyone).starts_with("lets anyone "), "{anyone}");
        }
    }
}
