//! Who: the principals of `trusted_by` and `from`.

use std::collections::BTreeMap;

use crate::model::{AccountId, Arn, Partition};

use super::checker::{Checker, Noun, texts};
use super::diagnostic::{Code, Diagnostic, Span, nearest};
use super::fields::{Fields, Item};
use super::names;
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;
use super::{Network, Principal, callers, networks};
use crate::policy::patterns::Pattern;

pub(super) const PRINCIPAL: Shape = Shape {
    noun: "principal",
    doc: "Who may assume a role, or is let in by an access. A text is a role of the stack (`\"roles.checkout\"`), the ARN of a role this stack does not own, or an AWS service (`\"lambda.amazonaws.com\"`); the others are tables.",
    fields: &[
        Field::new(
            "account",
            Kind::Text,
            "A whole account, by its name in the stack or its id: whoever its own policies let.",
        ),
        Field::new(
            "role_prefix",
            Kind::Text,
            "With `account`: only its roles whose path and name begin so: `billing-` takes in `billing-api`, and not `team/billing-api`, which `team/billing-` does. A role of a stack without a `path` of its own has the path `provision/STACK/`.",
        )
        .alias(&["prefix"]),
        Field::new(
            "oidc",
            Kind::Text,
            "Tokens of an OIDC provider known to the account, by its host and path: `token.actions.githubusercontent.com`.",
        )
        .alias(&["federated", "provider"]),
        Field::new(
            "subjects",
            Kind::OneOrMany(&Kind::Text),
            "With `oidc`: whose tokens, such as `repo:org/name:ref:refs/heads/main`; `*` and `?` match as in `StringLike`.",
        )
        .alias(&["subject", "sub"]),
        Field::new(
            "audience",
            Kind::Text,
            "With `oidc`: the audience tokens must carry.",
        )
        .default("\"sts.amazonaws.com\"")
        .alias(&["aud"]),
        Field::new(
            "vpc_endpoint",
            Kind::Pattern("^vpce-[0-9a-f]+$"),
            "A VPC endpoint, for private APIs: whoever comes through it.",
        )
        .alias(&["vpce"]),
        Field::new(
            "vpc",
            Kind::Pattern("^vpc-[0-9a-f]+$"),
            "A VPC, for private APIs: whoever comes from it.",
        )
        .alias(&["source_vpc"]),
        Field::new(
            "ip",
            Kind::OneOrMany(&Kind::Text),
            "Ranges of addresses, such as `203.0.113.0/24`: whoever calls from one of them. For private APIs they are addresses in the VPC. A route that is `public` and named by such an access answers them only.",
        )
        .alias(&["source_ip", "addresses", "cidr", "ips"]),
        Field::new(
            "service",
            Kind::Text,
            "An AWS service in its own name, such as `s3.amazonaws.com`; with `source`, `source_account` or both.",
        ),
        Field::new(
            "source",
            Kind::OneOrMany(&Kind::Text),
            "With `service`: the ARN of what it acts for, such as a bucket; `*` and `?` match after the account.",
        )
        .alias(&["source_arn"]),
        Field::new(
            "source_account",
            Kind::Text,
            "With `service`: the account that it acts for, by its name in the stack or its id.",
        ),
        Field::new(
            "org",
            Kind::Pattern("^o-[a-z0-9]{10,32}$"),
            "Every account of an organization, by the organization's id: whoever their own policies let; in the target's own account, every role and user (PG011).",
        )
        .alias(&["organization", "org_id"]),
        Field::new(
            "unit",
            Kind::Text,
            "With `org`: only the accounts below this organizational unit, by its path from the root, such as `r-ab12/ou-ab12-11111111`.",
        )
        .alias(&["ou", "org_path"]),
    ],
    one_of: &["account", "oidc", "vpc_endpoint", "vpc", "ip", "service", "org"],
};

/// A principal as it is written.
pub(super) const KIND: Kind = Kind::Either(&[Kind::Text, Kind::Table(&PRINCIPAL)]);

/// The principal in an item; `who` says who speaks of it.
pub(super) fn principal(
    checker: &mut Checker<'_>,
    item: &Spanned<Item>,
    who: &str,
) -> Option<Spanned<Principal>> {
    let found = match &item.value {
        Item::Text(text) => named(checker, Spanned::new(text, item.span), who),
        Item::Fields(fields) => described(checker, fields, who),
        _ => None,
    };
    found.map(|it| Spanned::new(it, item.span))
}

fn named(checker: &mut Checker<'_>, text: Spanned<&str>, who: &str) -> Option<Principal> {
    let it = text.value;
    if it.starts_with("roles.") {
        return checker
            .reference(Noun::Role, text, who)
            .map(Principal::Role);
    }
    if it.starts_with("arn:") {
        return role_arn(checker, text, who);
    }
    if callers::is_service(it) {
        return Some(Principal::Service(it.to_owned()));
    }
    let fault = not_a_principal(checker, text, who);
    checker.report(fault);
    None
}

/// What a text that is no principal was probably meant to be.
fn not_a_principal(checker: &Checker<'_>, text: Spanned<&str>, who: &str) -> Diagnostic {
    let (it, span) = (text.value, text.span);
    let fault = |label: &str| {
        Diagnostic::new(
            Code::Principal,
            span,
            format!("{who} speaks of `{it}`, which is no principal"),
            label,
        )
    };
    let account = it.strip_prefix("accounts.").unwrap_or(it);
    if it == "*" {
        return fault("anyone at all")
            .help("say who: a role (`\"roles.x\"` or its ARN), or a whole account (`{ account = \"…\" }`)");
    }
    if AccountId::parse(it).is_some() || account != it {
        return fault("an account").fix(
            "a whole account is written so",
            span,
            format!("{{ account = \"{account}\" }}"),
        );
    }
    if it.starts_with("vpce-") {
        return fault("a VPC endpoint").fix(
            "a VPC endpoint is written so",
            span,
            format!("{{ vpc_endpoint = \"{it}\" }}"),
        );
    }
    if checker.is_declared(Noun::Role, it) {
        return fault("a role's name alone").fix(
            "a role of the stack is written so",
            span,
            format!("\"roles.{it}\""),
        );
    }
    if checker.is_declared(Noun::Account, it) {
        return fault("an account's name alone").fix(
            "a whole account is written so",
            span,
            format!("{{ account = \"{it}\" }}"),
        );
    }
    if let Some((table @ ("apis" | "topics" | "queues"), _)) = it.split_once('.') {
        return fault(&format!("one of the stack's {table}"))
            .help("only a role calls or assumes: name the role that it works under");
    }
    if let Some((table, name)) = it.split_once('.')
        && let Some("roles") = nearest(table, ["roles"])
    {
        return fault("no such table").fix(
            "a role of the stack is written so",
            span,
            format!("\"roles.{name}\""),
        );
    }
    if let Some(meant) = nearest(it, checker.names(Noun::Role).keys().map(String::as_str)) {
        return fault("no role has this name").fix(
            "a role has a like name",
            span,
            format!("\"roles.{meant}\""),
        );
    }
    fault("not a role, an ARN, a service or a table")
        .help("write `\"roles.NAME\"`, a role's ARN, `\"SERVICE.amazonaws.com\"`, or a table such as `{ account = \"…\" }`")
}

/// A role by its ARN: one of the stack's own, or another.
fn role_arn(checker: &mut Checker<'_>, text: Spanned<&str>, who: &str) -> Option<Principal> {
    let fault = |label: &str| {
        Diagnostic::new(
            Code::Principal,
            text.span,
            format!("{who} speaks of `{}`, which is no role", text.value),
            label,
        )
    };
    let Ok(arn) = Arn::parse(text.value) else {
        checker
            .report(fault("not an ARN").help("a role's ARN is `arn:aws:iam::ACCOUNT:role/NAME`"));
        return None;
    };
    let resource = arn.resource();
    let wrong = match (arn.service(), resource) {
        ("iam", "root") => Some(fault("a whole account").fix(
            "a whole account is written so",
            text.span,
            format!("{{ account = \"{}\" }}", arn.account()),
        )),
        ("iam", it) if it.starts_with("user/") => Some(fault("a user").help(
            "a user's long-lived keys are no service: let it assume a role, and name the role",
        )),
        ("sts", it) if it.starts_with("assumed-role/") => {
            let name = it.split('/').nth(1).unwrap_or_default();
            Some(fault("a role's session").fix(
                "name the role itself (with its path, if it has one)",
                text.span,
                format!(
                    "\"arn:{}:iam::{}:role/{name}\"",
                    arn.partition(),
                    arn.account()
                ),
            ))
        }
        ("iam", it) if it.starts_with("role/") => {
            if arn.account_id().is_none() {
                Some(fault("its account is not twelve digits"))
            } else if resource.contains(['*', '?']) {
                Some(
                    fault("an ARN with wildcards")
                        .help("roles by the beginning of their path and name are written `{ account = \"…\", role_prefix = \"…\" }`"),
                )
            } else if names::ROLE.refuses(arn.name()).is_some() {
                Some(fault("no role can be called so"))
            } else {
                None
            }
        }
        _ => Some(
            fault("not a role's ARN")
                .help("only a role calls or assumes: name the role that it works under"),
        ),
    };
    if let Some(fault) = wrong {
        checker.report(fault);
        return None;
    }
    let own = checker
        .standings
        .iter()
        .find(|((noun, _), it)| *noun == Noun::Role && it.arn.as_ref() == Some(&arn))
        .map(|((_, name), _)| name.clone());
    Some(own.map_or(Principal::RoleArn(arn), Principal::Role))
}

fn described(checker: &mut Checker<'_>, fields: &Fields, who: &str) -> Option<Principal> {
    let goes_with = [
        ("role_prefix", "account"),
        ("subjects", "oidc"),
        ("audience", "oidc"),
        ("source", "service"),
        ("source_account", "service"),
        ("unit", "org"),
    ];
    for (field, with) in goes_with {
        if let Some(key) = fields.key_of(field)
            && !fields.is_written(with)
        {
            checker.report(
                Diagnostic::new(
                    Code::Conflict,
                    key,
                    format!("`{field}` in {} goes with `{with}` only", fields.owner),
                    format!("no `{with}` here"),
                )
                .help(format!("add `{with} = \"…\"`, or remove `{field}`")),
            );
        }
    }
    if let Some(text) = fields.text("account") {
        let account = account(checker, text, who)?;
        let Some(prefix) = fields.text("role_prefix") else {
            return (!fields.is_written("role_prefix")).then_some(Principal::Account(account));
        };
        return role_prefix(checker, account, prefix);
    }
    if let Some(provider) = fields.text("oidc") {
        return oidc(checker, provider, fields);
    }
    if let Some(service) = fields.text("service") {
        let id = fields
            .text("source_account")
            .and_then(|it| account(checker, it, who));
        return callers::service_for(checker, service, fields, id);
    }
    if let Some(id) = fields.text("org") {
        return callers::organization(checker, id, fields);
    }
    if fields.is_written("ip") {
        return networks::addresses(checker, fields).map(Principal::Network);
    }
    if let Some(id) = fields.text("vpc") {
        return networks::is_id(checker, id, "vpc-", "a VPC's id")
            .then(|| Principal::Network(Network::Vpc(id.value.to_owned())));
    }
    let endpoint = fields.text("vpc_endpoint")?;
    vpc_endpoint(checker, endpoint)
        .then(|| Principal::Network(Network::VpcEndpoint(endpoint.value.to_owned())))
}

pub(super) fn account(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    who: &str,
) -> Option<AccountId> {
    if let Some(id) = AccountId::parse(text.value) {
        return Some(id);
    }
    if text.value.bytes().all(|it| it.is_ascii_digit()) {
        checker.report(
            Diagnostic::new(
                Code::Name,
                text.span,
                format!("`{}` is not an account id", text.value),
                format!("{} digits", text.value.len()),
            )
            .help("an account id is twelve digits; or write an account's name in the stack"),
        );
        return None;
    }
    let name = checker.reference(Noun::Account, text, who)?;
    checker.accounts.get(&name).map(|it| it.place.id.clone())
}

pub(super) fn role_prefix(
    checker: &mut Checker<'_>,
    account: AccountId,
    prefix: Spanned<&str>,
) -> Option<Principal> {
    let trimmed = prefix.value.trim_start_matches('/');
    let fault = if trimmed.is_empty() {
        Diagnostic::new(
            Code::Principal,
            prefix.span,
            "an empty role prefix would be every role of the account",
            "empty",
        )
        .help("say how the roles begin; or remove `role_prefix`, if the whole account is meant")
    } else if trimmed.ends_with('*') && !trimmed.trim_end_matches('*').is_empty() {
        Diagnostic::new(
            Code::Principal,
            prefix.span,
            format!("the role prefix `{}` has a `*`", prefix.value),
            "a prefix needs none",
        )
        .fix(
            "it stands for whatever follows by itself",
            prefix.span,
            format!("\"{}\"", trimmed.trim_end_matches('*')),
        )
    } else if let Some(bad) = trimmed
        .chars()
        .find(|it| !it.is_ascii_alphanumeric() && !"_+=,.@-/".contains(*it))
    {
        Diagnostic::new(
            Code::Name,
            prefix.span,
            format!("no role's path and name begin with `{}`", prefix.value),
            format!("`{bad}` cannot stand here"),
        )
        .help("letters, digits and `_+=,.@-`, with `/` between the parts of a path")
    } else {
        return Some(Principal::RolePrefix {
            account,
            prefix: trimmed.to_owned(),
        });
    };
    checker.report(fault);
    None
}

fn oidc(checker: &mut Checker<'_>, provider: Spanned<&str>, fields: &Fields) -> Option<Principal> {
    let mut whole = true;
    let bare = provider
        .value
        .rsplit_once("oidc-provider/")
        .map_or(provider.value, |it| it.1)
        .trim_start_matches("https://")
        .trim_end_matches('/');
    let shaped = bare.contains('.')
        && bare
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || "-._/:".contains(it));
    if !shaped || bare != provider.value {
        let fault = Diagnostic::new(
            Code::Name,
            provider.span,
            format!(
                "`{}` is not an OIDC provider's host and path",
                provider.value
            ),
            "its host and path alone, as IAM names it",
        );
        checker.report(if shaped {
            fault.fix("without the rest", provider.span, format!("\"{bare}\""))
        } else {
            fault.help("write it as `token.actions.githubusercontent.com`")
        });
        whole = false;
    }
    let subjects: Vec<Spanned<&str>> = texts(fields.list("subjects")).collect();
    if subjects.is_empty() {
        if !fields.is_written("subjects") || fields.is_empty_list("subjects") {
            checker.report(
                Diagnostic::new(
                    Code::Missing,
                    fields.key_of("subjects").unwrap_or(provider.span),
                    format!("anyone with a token of `{bare}` could assume the role"),
                    "no subjects",
                )
                .help("add `subjects = [\"repo:org/name:ref:refs/heads/main\"]`: whose tokens are let in"),
            );
        }
        whole = false;
    }
    for subject in &subjects {
        if let Some(why) = too_wide(bare, subject.value) {
            checker.report(
                Diagnostic::new(
                    Code::Principal,
                    subject.span,
                    format!("the subject `{}` lets strangers in", subject.value),
                    why,
                )
                .help("name whose tokens are let in, as in `repo:org/name:ref:refs/heads/main` or `repo:org/name:*`"),
            );
            whole = false;
        } else if let Some(example) = never_matches(bare, subject.value) {
            checker.report(
                Diagnostic::new(
                    Code::Principal,
                    subject.span,
                    format!("no token of `{bare}` has the subject `{}`", subject.value),
                    "matches nothing",
                )
                .help(format!(
                    "its subjects are as `{example}`; `*` stands for any part"
                )),
            );
            whole = false;
        }
    }
    if let Some(empty) = fields.text("audience").filter(|it| it.value.is_empty()) {
        let what = format!("no token of `{bare}` is for an empty audience");
        checker.report(
            Diagnostic::new(Code::Principal, empty.span, what, "empty")
                .help("write the audience of its tokens, or leave it out for `sts.amazonaws.com`"),
        );
        whole = false;
    }
    whole.then(|| Principal::Oidc {
        provider: bare.to_owned(),
        audience: fields.text_or_default("audience").to_owned(),
        subjects: subjects.iter().map(|it| it.value.to_owned()).collect(),
    })
}

/// An example of a provider's subjects, where the given one matches none of them.
fn never_matches(provider: &str, subject: &str) -> Option<&'static str> {
    // What an organisation's own template for GitHub's subjects may begin or go on with.
    const CLAIMS: [&str; 24] = [
        "actor",
        "actor_id",
        "base_ref",
        "check_run_id",
        "context",
        "enterprise",
        "enterprise_id",
        "event_name",
        "head_ref",
        "job_workflow_ref",
        "ref_type",
        "repository",
        "repository_id",
        "repository_owner",
        "repository_owner_id",
        "repository_visibility",
        "run_attempt",
        "run_id",
        "run_number",
        "runner_environment",
        "sha",
        "workflow",
        "workflow_ref",
        "workflow_sha",
    ];
    let (text, subject) = (subject, Pattern::of(subject));
    let is_as = |shape: &str| subject.meets(&Pattern::of(shape));
    // Branches, tags and pull requests: GitHub runs nothing of another reference.
    let is_ref = |head: &str| {
        let mut kinds = ["heads", "tags", "pull"].into_iter();
        kinds.any(|it| is_as(&format!("{head}ref:refs/{it}/*")))
    };
    // Kubernetes takes no capital in a name.
    let is_small = !text.contains(|it: char| it.is_ascii_uppercase());
    let (matches, example) = match provider {
        "token.actions.githubusercontent.com" => (
            is_as("repo:*/*:ref:refs/*") && is_ref("repo:*/*:")
                || is_as("repo:*/*:environment:*")
                || is_as("repo:*/*:pull_request")
                || is_as("environment:*")
                || is_as("ref:refs/*") && is_ref("")
                || CLAIMS
                    .into_iter()
                    .any(|it| is_as(&format!("{it}:*")) || is_as(&format!("repo:*/*:{it}:*"))),
            "repo:org/name:ref:refs/heads/main",
        ),
        "gitlab.com" => (
            is_as("project_path:*/*"),
            "project_path:group/name:ref_type:branch:ref:main",
        ),
        "app.terraform.io" => (
            is_as("organization:*:project:*:workspace:*:run_phase:*"),
            "organization:org:project:name:workspace:name:run_phase:apply",
        ),
        it if it.starts_with("oidc.eks.") => (
            is_as("system:serviceaccount:*:*") && is_small,
            "system:serviceaccount:namespace:name",
        ),
        _ => return None,
    };
    (!matches).then_some(example)
}

/// Why a subject would let in tokens of people who have nothing to do with the author.
fn too_wide(provider: &str, subject: &str) -> Option<&'static str> {
    if subject.trim_matches(['*', '?', ':']).is_empty() {
        return Some("matches every token of the provider");
    }
    if provider != "token.actions.githubusercontent.com" {
        return None;
    }
    // GitHub's tokens begin `repo:ORG/NAME:` unless an organisation changed its template.
    let organisation = subject.strip_prefix("repo:")?.split('/').next()?;
    organisation
        .contains(['*', '?'])
        .then_some("matches repositories of any organisation")
}

pub(super) fn vpc_endpoint(checker: &mut Checker<'_>, text: Spanned<&str>) -> bool {
    networks::is_id(checker, text, "vpce-", "a VPC endpoint's id")
}

/// Reports a principal that is in another partition than the place it is used in.
pub(super) fn check_partition(
    checker: &mut Checker<'_>,
    principal: &Spanned<Principal>,
    here: Partition,
    place: &str,
) {
    match &principal.value {
        Principal::RoleArn(arn) | Principal::Named(arn) => {
            checker.check_partition(Spanned::new(arn, principal.span), here, place);
        }
        Principal::Role(name) => {
            let Some(role) = checker.standing(Noun::Role, name) else {
                return;
            };
            if role.partition != here {
                let (there, key) = (role.partition, role.key);
                checker.report(
                    Diagnostic::new(
                        Code::Place,
                        principal.span,
                        format!("role `{name}` is in partition `{there}`, and {place} is in `{here}`"),
                        "in another partition",
                    )
                    .and(key, "declared here")
                    .help("partitions share no accounts and no IAM: nothing in one can be let into another"),
                );
            }
        }
        Principal::Account(id) | Principal::RolePrefix { account: id, .. } => {
            let other = checker
                .accounts
                .values()
                .find(|it| it.place.id == *id)
                .map(|it| it.place.partition());
            if let Some(there) = other.filter(|it| *it != here) {
                checker.report(
                    Diagnostic::new(
                        Code::Place,
                        principal.span,
                        format!("account {id} is in partition `{there}`, and {place} is in `{here}`"),
                        "in another partition",
                    )
                    .help("partitions share no accounts and no IAM: nothing in one can be let into another"),
                );
            }
        }
        Principal::ServiceFor { sources, .. } => {
            for source in sources.iter().filter_map(|it| Arn::parse(it).ok()) {
                checker.check_partition(Spanned::new(&source, principal.span), here, place);
            }
        }
        Principal::Service(_)
        | Principal::Oidc { .. }
        | Principal::Organization { .. }
        | Principal::Network(_) => {}
    }
}

/// Reports a principal given twice in one list.
pub(super) fn check_twice(checker: &mut Checker<'_>, list: &[Spanned<Principal>], who: &str) {
    let mut named: BTreeMap<&Principal, Span> = BTreeMap::new();
    for later in list {
        let first = named.get(&later.value).copied();
        named.entry(&later.value).or_insert(later.span);
        if let Some(first) = first {
            checker.report(
                Diagnostic::new(
                    Code::Duplicate,
                    later.span,
                    format!("{who} names a principal twice"),
                    "again here",
                )
                .and(first, "first here")
                .help("remove one of them"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, stack};

    #[test]
    fn a_principal_is_a_role_a_service_or_a_table() {
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = [\"roles.a\", \"ec2.amazonaws.com\", \"arn:aws:iam::222222222222:role/x\", { account = \"222222222222\" }, { account = \"shop\", role_prefix = \"team/b-\" }]\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"*\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `*`, which is no principal [anyone at all] help: say who: a role (`"roles.x"` or its ARN), or a whole account (`{ account = "…" }`)

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"222222222222\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `222222222222`, which is no principal [an account] a whole account is written so: { account = "222222222222" }

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"accounts.shop\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `accounts.shop`, which is no principal [an account] a whole account is written so: { account = "shop" }

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"shop\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `shop`, which is no principal [an account's name alone] a whole account is written so: { account = "shop" }

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"a\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `a`, which is no principal [a role's name alone] a role of the stack is written so: "roles.a"

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"role.a\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `role.a`, which is no principal [no such table] a role of the stack is written so: "roles.a"

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"topics.a\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `topics.a`, which is no principal [one of the stack's topics] help: only a role calls or assumes: name the role that it works under

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"something else\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `something else`, which is no principal [not a role, an ARN, a service or a table] help: write `"roles.NAME"`, a role's ARN, `"SERVICE.amazonaws.com"`, or a table such as `{ account = "…" }`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"vpce-0123\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `vpce-0123`, which is no principal [a VPC endpoint] a VPC endpoint is written so: { vpc_endpoint = "vpce-0123" }

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = { vpc_endpoint = \"vpce-0123\" }\n"),
            snapbox::str![[r#"
E0302: role `a` cannot be assumed by the VPC endpoint `vpce-0123` [a way in, not someone] help: a VPC endpoint goes in `from` of an `[[access]]` to a private API; here name who assumes the role

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = [\"ec2.amazonaws.com\", \"ec2.amazonaws.com\"]\n"),
            snapbox::str![[r#"
E0202: role `a` names a principal twice [again here | first here] help: remove one of them

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = 5\n"),
            snapbox::str![[r#"
E0102: `trusted_by` of role `a` has the wrong type [this is a whole number] help: write a text in quotes, or `{ account = … }`, `{ oidc = … }`, `{ vpc_endpoint = … }`, `{ vpc = … }`, `{ ip = … }`, `{ service = … }` or `{ org = … }`, or a list of such

"#]]
        );
    }

    #[test]
    fn an_arn_is_a_roles() {
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"arn:aws:iam::222222222222:root\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `arn:aws:iam::222222222222:root`, which is no role [a whole account] a whole account is written so: { account = "222222222222" }

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"arn:aws:iam::222222222222:user/x\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `arn:aws:iam::222222222222:user/x`, which is no role [a user] help: a user's long-lived keys are no service: let it assume a role, and name the role

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = \"arn:aws:sts::222222222222:assumed-role/x/session\"\n"
            ),
            snapbox::str![[r#"
E0302: role `a` speaks of `arn:aws:sts::222222222222:assumed-role/x/session`, which is no role [a role's session] name the role itself (with its path, if it has one): "arn:aws:iam::222222222222:role/x"

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"arn:aws:iam::222222222222:role/x-*\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `arn:aws:iam::222222222222:role/x-*`, which is no role [an ARN with wildcards] help: roles by the beginning of their path and name are written `{ account = "…", role_prefix = "…" }`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"arn:aws:iam::2222:role/x\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `arn:aws:iam::2222:role/x`, which is no role [its account is not twelve digits]

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"arn:aws:s3:::bucket\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `arn:aws:s3:::bucket`, which is no role [not a role's ARN] help: only a role calls or assumes: name the role that it works under

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"arn:aws\"\n"),
            snapbox::str![[r#"
E0302: role `a` speaks of `arn:aws`, which is no role [not an ARN] help: a role's ARN is `arn:aws:iam::ACCOUNT:role/NAME`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"arn:aws-cn:iam::222222222222:role/x\"\n"),
            snapbox::str![[r#"
E0303: `arn:aws-cn:iam::222222222222:role/x` is in partition `aws-cn`, and role `a` is in `aws` [in another partition] help: partitions share no accounts and no IAM: nothing in one can be let into another

"#]]
        );
    }

    #[test]
    fn a_table_says_one_thing() {
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = {}\n"),
            snapbox::str![[r#"
E0103: a principal of role `a` does not say what it is [needs one of `account`, `oidc`, `vpc_endpoint`, `vpc`, `ip`, `service` or `org`] help: write one of `account`, `oidc`, `vpc_endpoint`, `vpc`, `ip`, `service` or `org`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = { account = \"shop\", oidc = \"a.example.com\" }\n"),
            snapbox::str![[r#"
E0105: a principal of role `a` is two things at once [`oidc` as well | `account` here] help: keep one of `account` or `oidc`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = { role_prefix = \"b-\" }\n"),
            snapbox::str![[r#"
E0103: a principal of role `a` does not say what it is [needs one of `account`, `oidc`, `vpc_endpoint`, `vpc`, `ip`, `service` or `org`] help: write one of `account`, `oidc`, `vpc_endpoint`, `vpc`, `ip`, `service` or `org`
E0105: `role_prefix` in a principal of role `a` goes with `account` only [no `account` here] help: add `account = "…"`, or remove `role_prefix`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = { account = \"shpo\" }\n"),
            snapbox::str![[r#"
E0201: role `a` refers to account `shpo`, which is not declared [no account has this name | a similar account is declared here] a similar name exists: "shop"

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = { account = \"2222\" }\n"),
            snapbox::str![[r#"
E0203: `2222` is not an account id [4 digits] help: an account id is twelve digits; or write an account's name in the stack

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = { account = \"shop\", role_prefix = \"\" }\n"),
            snapbox::str![[r#"
E0302: an empty role prefix would be every role of the account [empty] help: say how the roles begin; or remove `role_prefix`, if the whole account is meant

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = { account = \"shop\", role_prefix = \"b-*\" }\n"),
            snapbox::str![[r#"
E0302: the role prefix `b-*` has a `*` [a prefix needs none] it stands for whatever follows by itself: "b-"

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = { account = \"shop\", role_prefix = \"b c\" }\n"),
            snapbox::str![[r#"
E0203: no role's path and name begin with `b c` [` ` cannot stand here] help: letters, digits and `_+=,.@-`, with `/` between the parts of a path

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = { account = \"shop\", prefix = \"b-\" }\n"),
            snapbox::str![[r#"
E0101: unknown field `prefix` in a principal of role `a` [no such field] a field with a like name exists: role_prefix

"#]]
        );
    }

    #[test]
    fn tokens_are_let_in_by_whose_they_are() {
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = { oidc = \"token.actions.githubusercontent.com\", subjects = \"repo:org/name:ref:refs/heads/main\" }\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = { oidc = \"token.actions.githubusercontent.com\" }\n"),
            snapbox::str![[r#"
E0103: anyone with a token of `token.actions.githubusercontent.com` could assume the role [no subjects] help: add `subjects = ["repo:org/name:ref:refs/heads/main"]`: whose tokens are let in

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = { oidc = \"token.actions.githubusercontent.com\", subjects = [\"*\", \"repo:*\", \"repo:o*/x:*\"] }\n"
            ),
            snapbox::str![[r#"
E0302: the subject `*` lets strangers in [matches every token of the provider] help: name whose tokens are let in, as in `repo:org/name:ref:refs/heads/main` or `repo:org/name:*`
E0302: the subject `repo:*` lets strangers in [matches repositories of any organisation] help: name whose tokens are let in, as in `repo:org/name:ref:refs/heads/main` or `repo:org/name:*`
E0302: the subject `repo:o*/x:*` lets strangers in [matches repositories of any organisation] help: name whose tokens are let in, as in `repo:org/name:ref:refs/heads/main` or `repo:org/name:*`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = { oidc = \"https://token.actions.githubusercontent.com/\", subjects = \"repo:org/name:*\" }\n"
            ),
            snapbox::str![[r#"
E0203: `https://token.actions.githubusercontent.com/` is not an OIDC provider's host and path [its host and path alone, as IAM names it] without the rest: "token.actions.githubusercontent.com"

"#]]
        );
        for head in ["arn:aws:iam::111111111111:oidc-provider/", "oidc-provider/"] {
            let found = faults(&format!(
                "[roles.a]\ntrusted_by = {{ oidc = \"{head}oidc.eks.eu-west-1.amazonaws.com/id/AB\", subjects = \"system:serviceaccount:a:b\" }}\n"
            ));
            let fix = "without the rest: \"oidc.eks.eu-west-1.amazonaws.com/id/AB\"";
            assert!(found.starts_with("E0203") && found.contains(fix), "{found}");
        }
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = { oidc = \"a.example.com\", subjects = \"x\", audience = \"\" }\n"
            ),
            snapbox::str![[r#"
E0302: no token of `a.example.com` is for an empty audience [empty] help: write the audience of its tokens, or leave it out for `sts.amazonaws.com`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = { oidc = \"github\", subjects = [] }\n"),
            snapbox::str![[r#"
E0203: `github` is not an OIDC provider's host and path [its host and path alone, as IAM names it] help: write it as `token.actions.githubusercontent.com`
E0103: anyone with a token of `github` could assume the role [no subjects] help: add `subjects = ["repo:org/name:ref:refs/heads/main"]`: whose tokens are let in

"#]]
        );
    }

    #[test]
    fn each_principal_is_read() {
        use super::super::Principal;
        let stack = stack(
            "[roles.a]\ntrusted_by = [\"arn:aws:iam::111111111111:role/provision/shop/a\", \"arn:aws:iam::222222222222:role/x\", { account = \"shop\" }, { oidc = \"token.actions.githubusercontent.com\", subjects = [\"repo:org/name:*\"] }]\n",
        );
        let told: Vec<String> = stack.roles["a"]
            .trusted_by
            .iter()
            .map(|it| match it {
                Principal::Role(name) => format!("role {name}"),
                Principal::RoleArn(arn) => format!("arn {arn}"),
                Principal::Account(id) => format!("account {id}"),
                Principal::Oidc {
                    provider,
                    audience,
                    subjects,
                } => {
                    format!("{provider} {audience} {subjects:?}")
                }
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(
            told,
            [
                "role a",
                "arn arn:aws:iam::222222222222:role/x",
                "account 111111111111",
                "token.actions.githubusercontent.com sts.amazonaws.com [\"repo:org/name:*\"]",
            ]
        );
    }

    #[test]
    fn a_subject_is_one_that_its_provider_gives() {
        let of = |provider: &str, subject: &str| {
            faults(&format!(
                "[roles.a]\ntrusted_by = {{ oidc = \"{provider}\", subjects = [\"{subject}\"] }}\n"
            ))
        };
        let github = "token.actions.githubusercontent.com";
        let eks = "oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF0123456789";
        for (provider, good) in [
            (github, "repo:org/name:ref:refs/heads/main"),
            (github, "repo:org/name:*"),
            (github, "repo:org/name*"),
            (github, "repo:org/*:environment:prod"),
            (github, "repo:org/name:ref:refs/*"),
            (github, "repo:org/name:ref:refs/pull/*/merge"),
            (github, "repo:org/name:pull_request"),
            (github, "repository_owner:org:*"),
            (
                github,
                "repo:org/name:job_workflow_ref:org/x/.github/workflows/y.yml@refs/heads/main",
            ),
            (eks, "system:serviceaccount:shop:worker"),
            ("gitlab.com", "project_path:group/name:*"),
            ("login.example.com", "anything"),
        ] {
            assert_eq!(of(provider, good), "no fault\n", "{good}");
        }
        for (provider, bad) in [
            (github, "repo:org/name"),
            (github, "repo:org:ref:refs/heads/main"),
            (github, "repo:org/name:ref:main"),
            (github, "repo:org/name:ref:refs/tag/v1"),
            (github, "ref:refs/branch/main"),
            (github, "repo:org/name:branch:main"),
            (github, "org/name:ref:refs/heads/main"),
            (eks, "shop:worker"),
            (eks, "system:serviceaccount:Shop:worker"),
            (eks, "system:serviceaccount:worker"),
            ("gitlab.com", "group/name:*"),
            (
                "app.terraform.io",
                "organization:org:workspace:name:run_phase:apply",
            ),
        ] {
            assert!(of(provider, bad).contains("has the subject"), "{bad}");
        }
    }
}
