//! What a trust policy must allow beside `sts:AssumeRole` for a session to begin.

use std::collections::BTreeMap;

use super::document::{Document, Effect, PrincipalClause, Principals, Statement};
use super::patterns::Pattern;

/// The action that sessions with tags need, in the role's trust policy and in the caller's own policies.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>.
pub const TAG_SESSION: &str = "sts:TagSession";

/// The action that sessions with a source identity need, in the role's trust policy and in the caller's own policies.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>.
pub const SET_SOURCE_IDENTITY: &str = "sts:SetSourceIdentity";

/// Returns what a service needs of the roles it assumes, beyond `sts:AssumeRole`.
///
/// | service | why | see |
/// |---|---|---|
/// | `pods.eks` | tags each session with cluster, namespace and pod | <https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html> |
/// | `eks` | EKS Auto Mode tags the sessions of the cluster's role | <https://docs.aws.amazon.com/eks/latest/userguide/auto-cluster-iam-role.html> |
/// | `rolesanywhere` | puts the certificate's names into tags and the source identity | <https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html> |
/// | `datazone` | tags the sessions of a domain's role | <https://docs.aws.amazon.com/datazone/latest/userguide/AmazonDataZoneDomainExecutionRole.html> |
/// | `access-grants.s3` | names the grantee in the source identity | <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-location.html> |
#[must_use]
pub fn beyond_assuming(service: &str) -> &'static [&'static str] {
    match service.split(".amazonaws").next().unwrap_or_default() {
        "pods.eks" | "eks" | "datazone" => &[TAG_SESSION],
        "rolesanywhere" => &[SET_SOURCE_IDENTITY, TAG_SESSION],
        "access-grants.s3" => &[SET_SOURCE_IDENTITY],
        _ => &[],
    }
}

/// Returns what each principal that the trust policy of a role of an account names must be allowed there and is not.
///
/// A principal without these gets no session, so it has no credentials of the role. EKS tags sessions in Auto Mode
/// only: a cluster's role works without [`TAG_SESSION`] too.
#[must_use]
pub fn cannot_begin(trust: &Document, account: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let is_of_account = |it: &(&str, &str)| it.0 == "AWS";
    // One that is named for its session's tags may be let in by another name, its account's.
    let lets_accounts = trust.statements.iter().any(|it| {
        let names_one = named(it).any(|it| is_of_account(&it)) || names_all(it);
        names_one && takes(it, ASSUME)
    });
    for (kind, name) in trust.statements.iter().flat_map(named) {
        if kind == "AWS" && lets_accounts {
            continue;
        }
        let mut needs = match kind {
            "Federated" => vec![trade_of(name)],
            _ => vec![ASSUME],
        };
        if kind == "Service" && name.split(".amazonaws").next() != Some("eks") {
            needs.extend(beyond_assuming(name));
        }
        let statements = naming(trust, (kind, name));
        needs.retain(|it| !statements.iter().any(|statement| takes(statement, it)));
        let mut needs: Vec<String> = needs.into_iter().map(str::to_owned).collect();
        if kind == "Service"
            && needs.is_empty()
            && let Some(key) = barred_by(&statements, is_of_principals)
        {
            needs.push(format!(
                "{ASSUME} without a condition on {key}, which services do not send"
            ));
        }
        if kind == "Federated" && needs.is_empty() {
            // STS looks for the provider of a token in the role's account.
            let of_arn = name.split(':').nth(4).filter(|it| !it.is_empty());
            if of_arn.is_some_and(|it| !account.is_empty() && it != account) {
                needs.push(format!(
                    "{} by a provider of account {account}, the role's own",
                    trade_of(name)
                ));
            } else if let Some(key) = barred_by_a_wildcard(&statements, name)
                && has_plain_subjects(name)
            {
                needs.push(format!(
                    "{} under StringLike on {key}: StringEquals compares `*` and `?` letter by letter, and no subject has them",
                    trade_of(name)
                ));
            }
        }
        if !needs.is_empty() {
            found.insert(name.to_owned(), needs);
        }
    }
    found
}

/// The call by which a provider's token is traded for a session.
fn trade_of(provider: &str) -> &'static str {
    if provider.contains(":saml-provider/") {
        "sts:AssumeRoleWithSAML"
    } else {
        "sts:AssumeRoleWithWebIdentity"
    }
}

/// Whether the subjects of a provider's tokens hold no `*` and no `?`: they are made of the names of repositories and of Git's
/// references, or of Kubernetes.
///
/// See <https://git-scm.com/docs/git-check-ref-format> and
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>.
fn has_plain_subjects(provider: &str) -> bool {
    let host = provider
        .rsplit_once(":oidc-provider/")
        .map_or(provider, |it| it.1);
    host.starts_with("token.actions.githubusercontent.com")
        || host.starts_with("gitlab.")
        || host.starts_with("oidc.eks")
}

/// Returns the key of a token's subject, where each statement that lets a provider's token be traded compares it with texts that
/// hold a wildcard, by an operator that knows none.
fn barred_by_a_wildcard<'a>(statements: &[&'a Statement], provider: &str) -> Option<&'a str> {
    let trading = statements.iter().filter(|it| takes(it, trade_of(provider)));
    let keys: Option<Vec<&str>> = trading
        .map(|it| {
            let exact = it.conditions.iter().filter(|(operator, _)| {
                let operator = operator.to_ascii_lowercase();
                let name = operator.rsplit(':').next().unwrap_or_default();
                name.trim_end_matches("ifexists") == "stringequals"
            });
            let keys = exact.flat_map(|it| it.1);
            let mut subjects = keys.filter(|(key, values)| {
                let is_literal = |it: &String| it.contains(['*', '?']);
                key.to_ascii_lowercase().ends_with(":sub") && values.iter().all(is_literal)
            });
            subjects.next().map(|it| it.0.as_str())
        })
        .collect();
    keys?.first().copied()
}

const ASSUME: &str = "sts:AssumeRole";

/// Returns the services that a trust policy lets in only under a condition on a key of which no page says that they
/// send it, each with the key; and the identity providers whose tokens would have to have a `*` in their subject.
///
/// | key | is sent by | see |
/// |---|---|---|
/// | `sts:ExternalId` | `cognito-idp`, `pinpoint` | <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-settings-email-phone-verification.html> |
/// | `aws:SourceIp`, `aws:SourceVpc` and their like | by nobody else: a service calls from its own network | <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html> |
/// | `aws:SourceArn` and its like | not by `ec2`, for instances | <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2.html> |
#[must_use]
pub fn may_not_begin(trust: &Document) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let services = trust.statements.iter().flat_map(named);
    for (_, name) in services.filter(|(kind, _)| *kind == "Service") {
        let own = name.split(".amazonaws").next().unwrap_or_default();
        let is_doubtful = |key: &str| match key {
            "sts:externalid" => !["cognito-idp", "pinpoint"].contains(&own),
            "aws:sourcearn" | "aws:sourceaccount" | "aws:sourceorgid" | "aws:sourceorgpaths" => {
                own == "ec2"
            }
            // Every request has its account; what it is in those of services, no page says.
            "aws:sourceip"
            | "aws:vpcsourceip"
            | "aws:sourcevpc"
            | "aws:sourcevpce"
            | "aws:principalaccount" => true,
            key => is_of_principals(key),
        };
        let statements = naming(trust, ("Service", name));
        if let Some(key) = barred_by(&statements, is_doubtful) {
            found.insert(name.to_owned(), key.to_owned());
        }
    }
    let providers = trust.statements.iter().flat_map(named);
    for (kind, name) in providers.filter(|(kind, _)| *kind == "Federated") {
        if let Some(key) = barred_by_a_wildcard(&naming(trust, (kind, name)), name) {
            found.insert(name.to_owned(), format!("{key} with a literal `*` or `?`"));
        }
    }
    found
}

/// The statements that allow something to a principal by its name, or to everyone.
fn naming<'a>(trust: &'a Document, who: (&str, &str)) -> Vec<&'a Statement> {
    let allows = |it: &&Statement| named(it).any(|it| it == who) || names_all(it);
    trust.statements.iter().filter(allows).collect()
}

/// Whether a condition key, in lower case, tells of a principal with an account: a service's own requests have none.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.
fn is_of_principals(key: &str) -> bool {
    matches!(
        key,
        "aws:principalorgid"
            | "aws:principalorgpaths"
            | "aws:principalarn"
            | "aws:multifactorauthpresent"
            | "aws:multifactorauthage"
    ) || key.starts_with("aws:principaltag/")
}

/// Returns the key of a condition for which each statement that allows a role to be assumed refuses requests without it.
fn barred_by<'a>(
    statements: &[&'a Statement],
    is_absent: impl Fn(&str) -> bool,
) -> Option<&'a str> {
    let assuming = statements.iter().filter(|it| takes(it, ASSUME));
    let keys: Option<Vec<&str>> = assuming
        .map(|it| required_keys(it).find(|key| is_absent(&key.to_ascii_lowercase())))
        .collect();
    keys?.first().copied()
}

/// Returns the keys that a request must have to meet the conditions of a statement.
///
/// A negated operator, `…IfExists` and `ForAllValues:` are met by a request without the key.
fn required_keys(statement: &Statement) -> impl Iterator<Item = &str> {
    let needs_key = |operator: &str, values: &[String]| {
        let operator = operator.to_ascii_lowercase();
        let absent_is_right = operator.starts_with("forallvalues:")
            || operator.ends_with("ifexists")
            || operator.contains("not");
        match operator.as_str() {
            "null" => values.iter().all(|it| it == "false"),
            _ => !absent_is_right,
        }
    };
    let conditions = statement.conditions.iter();
    conditions.flat_map(move |(operator, keys)| {
        let keys = keys
            .iter()
            .filter(move |(_, values)| needs_key(operator, values));
        keys.map(|(key, _)| key.as_str())
    })
}

/// The principals that a statement allows something by name.
fn named(statement: &Statement) -> impl Iterator<Item = (&str, &str)> {
    let allowed = statement.effect == Effect::Allow;
    let clause = statement.principal.as_ref();
    let clause = clause.filter(|it| allowed && !it.negated);
    let kinds = clause.into_iter().filter_map(|it| match &it.principals {
        Principals::Anyone => None,
        Principals::Of(kinds) => Some(kinds),
    });
    kinds
        .flatten()
        .filter(|(kind, _)| matches!(kind.as_str(), "AWS" | "Service" | "Federated"))
        .flat_map(|(kind, names)| names.iter().map(|it| (kind.as_str(), it.as_str())))
}

/// Whether a statement allows something to every principal.
fn names_all(statement: &Statement) -> bool {
    statement.effect == Effect::Allow
        && statement
            .principal
            .as_ref()
            .is_some_and(|it| *it == PrincipalClause::anyone())
}

/// Whether the actions of a statement hold one.
fn takes(statement: &Statement, action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let holds = |it: &String| Pattern::of(&it.to_ascii_lowercase()).matches(&action);
    statement.action.values.iter().any(holds) != statement.action.negated
}

/// Returns whether a trust policy allows a service to assume the role, whatever it denies.
#[must_use]
pub fn lets_in(trust: &Document, service: &str) -> bool {
    let names = |it: &Statement| named(it).any(|it| it == ("Service", service)) || names_all(it);
    trust
        .statements
        .iter()
        .any(|it| names(it) && takes(it, ASSUME))
}

/// Returns what the sessions of a role may need, beyond `sts:AssumeRole`, to assume a further role.
///
/// A session that the role's trust policy allows to begin with tags or with a source identity passes them on to each
/// role that it assumes, and STS refuses the call where the further role's trust policy or the role's own policies
/// do not allow that.
#[must_use]
pub fn passed_on(trust: &Document) -> Vec<&'static str> {
    let allowed = || {
        trust
            .statements
            .iter()
            .filter(|it| it.effect == Effect::Allow)
    };
    [SET_SOURCE_IDENTITY, TAG_SESSION]
        .into_iter()
        .filter(|action| allowed().any(|it| takes(it, action)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(statements: &str) -> String {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
        let found = cannot_begin(&Document::parse(&text).expect("a policy"), "111111111111");
        let each = found
            .iter()
            .map(|(who, needs)| format!("{who}: {}", needs.join(", ")));
        each.collect::<Vec<_>>().join("; ")
    }

    fn statement(kind: &str, name: &str, actions: &str) -> String {
        format!(
            r#"{{"Effect": "Allow", "Principal": {{"{kind}": "{name}"}}, "Action": {actions}}}"#
        )
    }

    #[test]
    fn a_service_that_tags_its_sessions_must_be_allowed_to() {
        let of = |name: &str, actions: &str| missing(&statement("Service", name, actions));
        let assume = r#""sts:AssumeRole""#;
        for (service, without) in [
            ("ec2.amazonaws.com", ""),
            ("eks.amazonaws.com", ""),
            (
                "pods.eks.amazonaws.com",
                "pods.eks.amazonaws.com: sts:TagSession",
            ),
            (
                "rolesanywhere.amazonaws.com",
                "rolesanywhere.amazonaws.com: sts:SetSourceIdentity, sts:TagSession",
            ),
            (
                "datazone.amazonaws.com",
                "datazone.amazonaws.com: sts:TagSession",
            ),
            (
                "access-grants.s3.amazonaws.com",
                "access-grants.s3.amazonaws.com: sts:SetSourceIdentity",
            ),
        ] {
            assert_eq!(of(service, assume), without);
            assert_eq!(of(service, r#""sts:*""#), "");
        }
        let eks = "pods.eks.amazonaws.com";
        assert_eq!(of(eks, r#"["sts:assumerole", "STS:TagSession"]"#), "");
        assert_eq!(
            of(eks, r#""sts:TagSession""#),
            format!("{eks}: sts:AssumeRole")
        );
        // Two statements are as good as one.
        let tags = statement("Service", eks, r#""sts:TagSession""#);
        assert_eq!(
            missing(&format!("{},{tags}", statement("Service", eks, assume))),
            ""
        );
        let denied = tags.replace("Allow", "Deny");
        assert_ne!(
            missing(&format!("{},{denied}", statement("Service", eks, assume))),
            ""
        );
    }

    #[test]
    fn a_service_is_not_let_in_under_a_condition_on_what_it_does_not_send() {
        let doubts = |text: &str| {
            let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{text}]}}"#);
            let found = may_not_begin(&Document::parse(&text).expect("a policy"));
            found.into_values().collect::<Vec<_>>().join(", ")
        };
        let of = |service: &str, condition: &str| {
            format!(
                r#"{{"Effect": "Allow", "Principal": {{"Service": "{service}"}}, "Action": "sts:AssumeRole", "Condition": {{{condition}}}}}"#
            )
        };
        let lambda = "lambda.amazonaws.com";
        for key in [
            "aws:PrincipalOrgID",
            "aws:principalArn",
            "aws:PrincipalTag/team",
        ] {
            assert_eq!(
                missing(&of(lambda, &format!(r#""StringEquals": {{"{key}": "x"}}"#))),
                format!(
                    "{lambda}: sts:AssumeRole without a condition on {key}, which services do not send"
                )
            );
        }
        for met in [
            r#""StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}"#,
            r#""StringNotEquals": {"aws:PrincipalOrgID": "o-1"}"#,
            r#""ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-1/*"}"#,
            r#""Null": {"aws:PrincipalOrgID": "true"}"#,
            r#""ArnLike": {"aws:SourceArn": "arn:aws:lambda:eu-west-1:111111111111:function:f"}"#,
        ] {
            assert_eq!(missing(&of(lambda, met)), "", "{met}");
            assert_eq!(doubts(&of(lambda, met)), "", "{met}");
        }
        let account = r#""StringEquals": {"aws:PrincipalAccount": "111111111111"}"#;
        assert_eq!(missing(&of(lambda, account)), "");
        assert_eq!(doubts(&of(lambda, account)), "aws:PrincipalAccount");
        let external = r#""StringEquals": {"sts:ExternalId": "x"}"#;
        assert_eq!(missing(&of(lambda, external)), "");
        assert_eq!(doubts(&of(lambda, external)), "sts:ExternalId");
        assert_eq!(doubts(&of("cognito-idp.amazonaws.com", external)), "");
        let source = r#""StringEquals": {"aws:SourceAccount": "111111111111"}"#;
        assert_eq!(
            doubts(&of("ec2.amazonaws.com", source)),
            "aws:SourceAccount"
        );
        assert_eq!(doubts(&of("states.amazonaws.com", source)), "");
        // Another statement lets it in without.
        let plain = statement("Service", lambda, r#""sts:AssumeRole""#);
        assert_eq!(doubts(&format!("{},{plain}", of(lambda, external))), "");
    }

    #[test]
    fn an_identity_provider_exchanges_tokens() {
        let oidc = "arn:aws:iam::111111111111:oidc-provider/x.example.com";
        let saml = "arn:aws:iam::111111111111:saml-provider/corp";
        let of = |name: &str, actions: &str| missing(&statement("Federated", name, actions));
        let assume = r#""sts:AssumeRole""#;
        assert_eq!(
            of(oidc, assume),
            format!("{oidc}: sts:AssumeRoleWithWebIdentity")
        );
        assert_eq!(of(saml, assume), format!("{saml}: sts:AssumeRoleWithSAML"));
        assert_eq!(of(oidc, r#""sts:AssumeRoleWithWebIdentity""#), "");
    }

    #[test]
    fn a_provider_is_of_the_roles_account_and_its_subjects_hold_no_wildcard() {
        let of = |account: &str, host: &str, operator: &str, subject: &str| {
            format!(
                r#"{{"Effect": "Allow", "Principal": {{"Federated": "arn:aws:iam::{account}:oidc-provider/{host}"}}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {{"{operator}": {{"{host}:sub": "{subject}"}}}}}}"#
            )
        };
        let (own, github) = ("111111111111", "token.actions.githubusercontent.com");
        let missing_of = |text: &str| !missing(text).is_empty();
        let doubts = |text: &str| {
            let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{text}]}}"#);
            !may_not_begin(&Document::parse(&text).expect("a policy")).is_empty()
        };
        for (host, operator, subject, cannot, may_not) in [
            (github, "StringEquals", "repo:o/r:*", true, true),
            (github, "ForAnyValue:StringEquals", "repo:o/r:*", true, true),
            (github, "StringEqualsIfExists", "repo:o/?", true, true),
            (github, "StringLike", "repo:o/r:*", false, false),
            (
                github,
                "StringEquals",
                "repo:o/r:ref:refs/heads/main",
                false,
                false,
            ),
            (
                "oidc.eks.eu-west-1.amazonaws.com/id/X",
                "StringEquals",
                "system:*",
                true,
                true,
            ),
            ("id.example.com", "StringEquals", "a*", false, true),
        ] {
            let text = of(own, host, operator, subject);
            assert_eq!(missing_of(&text), cannot, "{text}");
            assert_eq!(doubts(&text), may_not, "{text}");
        }
        // Another statement lets the token in.
        let both = [
            of(own, github, "StringEquals", "repo:o/r:*"),
            of(own, github, "StringLike", "repo:o/r:*"),
        ];
        assert!(!missing_of(&both.join(",")));
        let far = of("222222222222", github, "StringLike", "repo:o/r:*");
        assert!(missing(&far).contains("by a provider of account 111111111111"));
        let by_name = statement(
            "Federated",
            "cognito-identity.amazonaws.com",
            r#""sts:AssumeRoleWithWebIdentity""#,
        );
        assert_eq!(missing(&by_name), "");
    }

    #[test]
    fn a_principal_of_an_account_assumes_and_trades_no_token() {
        let role = "arn:aws:iam::222222222222:role/x";
        let of = |name: &str, actions: &str| statement("AWS", name, actions);
        for action in [r#""sts:AssumeRoleWithSAML""#, r#""sts:TagSession""#] {
            assert_eq!(
                missing(&of(role, action)),
                format!("{role}: sts:AssumeRole")
            );
        }
        assert_eq!(missing(&of(role, r#""sts:AssumeRole""#)), "");
        // Its account is let in, and it may tag its session.
        let account = of("222222222222", r#""sts:AssumeRole""#);
        assert_eq!(
            missing(&format!("{account},{}", of(role, r#""sts:TagSession""#))),
            ""
        );
    }

    #[test]
    fn a_service_calls_from_its_own_network() {
        for key in ["aws:SourceIp", "aws:SourceVpc"] {
            let text = format!(
                r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"Service": "lambda.amazonaws.com"}}, "Action": "sts:AssumeRole", "Condition": {{"StringEquals": {{"{key}": "x"}}}}}}]}}"#
            );
            let found = may_not_begin(&Document::parse(&text).expect("a policy"));
            assert_eq!(found.into_values().collect::<Vec<_>>(), [key]);
        }
    }

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
    #[test]
    fn a_session_has_tags_where_the_trust_policy_allows_to_tag_it() {
        let role = "arn:aws:iam::222222222222:role/x";
        let tags = |text: &str| {
            let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{text}]}}"#);
            passed_on(&Document::parse(&text).expect("a policy")).contains(&TAG_SESSION)
        };
        let of = |actions: &str| statement("AWS", role, actions);
        assert!(tags(&of(r#"["sts:AssumeRole", "sts:tagsession"]"#)));
        assert!(tags(&of(r#""sts:*""#)));
        assert!(!tags(&of(r#""sts:AssumeRole""#)));
        assert!(!tags(&of(r#""sts:TagSession""#).replace("Allow", "Deny")));
    }

    #[test]
    fn a_trust_policy_lets_a_service_in_by_its_name_or_with_everyone() {
        let lets = |text: &str| {
            let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{text}]}}"#);
            lets_in(
                &Document::parse(&text).expect("a policy"),
                "lambda.amazonaws.com",
            )
        };
        let of = |name: &str, action: &str| statement("Service", name, action);
        let (own, assume) = ("lambda.amazonaws.com", r#""sts:AssumeRole""#);
        let everyone = of(own, assume).replace(r#"{"Service": "lambda.amazonaws.com"}"#, r#""*""#);
        assert!(lets(&of(own, assume)));
        assert!(lets(&of(own, r#""sts:*""#)));
        assert!(lets(&everyone));
        for other in [
            of("ec2.amazonaws.com", assume),
            of(own, r#""sts:TagSession""#),
            of(own, assume).replace("Allow", "Deny"),
            everyone.replace("Allow", "Deny"),
            statement("AWS", "111111111111", assume),
            format!(
                "{},{}",
                of("ec2.amazonaws.com", assume),
                of(own, r#""sts:TagSession""#)
            ),
        ] {
            assert!(!lets(&other), "{other}");
        }
        // One whose sessions have tags may be let in by everyone's statement.
        let pods = of("pods.eks.amazonaws.com", r#""sts:TagSession""#);
        assert_eq!(missing(&format!("{everyone},{pods}")), "");
        let role = statement(
            "AWS",
            "arn:aws:iam::222222222222:role/x",
            r#""sts:TagSession""#,
        );
        assert_eq!(missing(&format!("{everyone},{role}")), "");
        assert_ne!(
            missing(&format!("{},{role}", everyone.replace("Allow", "Deny"))),
            ""
        );
    }

    #[test]
    fn the_first_reason_is_the_action_that_is_not_allowed() {
        let under = |kind: &str, name: &str, action: &str, condition: &str| {
            let end = format!(r#", "Condition": {{{condition}}}}}"#);
            let text = statement(kind, name, action);
            missing(&format!("{}{end}", &text[..text.len() - 1]))
        };
        let member = r#""StringEquals": {"aws:PrincipalOrgID": "o-1"}"#;
        let lambda = "lambda.amazonaws.com";
        assert_eq!(
            under("Service", lambda, r#""sts:TagSession""#, member),
            format!("{lambda}: sts:AssumeRole")
        );
        let role = "arn:aws:iam::222222222222:role/x";
        assert_eq!(under("AWS", role, r#""sts:AssumeRole""#, member), "");
        let far = "arn:aws:iam::222222222222:oidc-provider/id.example.com";
        assert_eq!(
            missing(&statement("Federated", far, r#""sts:AssumeRole""#)),
            format!("{far}: sts:AssumeRoleWithWebIdentity")
        );
        assert_eq!(under("AWS", far, r#""sts:AssumeRole""#, member), "");
    }
}
