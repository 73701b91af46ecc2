//! `[roles.NAME]`: an IAM role.
//!
//! A role's name is unique in its account, whatever its path and whatever the
//! case of its letters.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Arn, KindName, Partition, Region};
use crate::policy::{Document, Grammar, sessions};

use super::accept::{ACCEPT, accept};
use super::checker::{Checker, Declared, Noun, Standing, texts};
use super::diagnostic::{Code, Diagnostic, Span};
use super::fields::Fields;
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;
use super::{Account, Network, Principal, Role, documents, names, principals};

pub(super) const ROLE: Shape = Shape {
    noun: "role",
    doc: "An IAM role that a service works under. What an `[[access]]` lets it do is added by itself.",
    fields: &[
        Field::new("account", Kind::Text, "The account, by its name in the stack; may be left out when there is only one.").with_existing(),
        Field::new("trusted_by", Kind::OneOrMany(&principals::KIND), "Who may assume it.").alias(&["trust", "assume_role_policy", "principals", "trusts"]),
        Field::new("trust_policy", Kind::Either(&[Kind::Json, Kind::Text]), "The trust policy itself, in place of `trusted_by`: as a table, or the path of a JSON file. For what `trusted_by` has no words for."),
        Field::new("existing", Kind::Text, "The ARN of a role that something else makes: then only the statements that `[[access]]` needs, and `policies`, are managed on it.").with_existing().alias(&["arn"]),
        Field::new("name", Kind::Text, "The name in IAM; without it, the table's."),
        Field::new("path", Kind::Text, "The IAM path; without it, `/provision/STACK/`. Changing it replaces the role."),
        Field::new("description", Kind::Text, "What the role is for."),
        Field::new("policies", Kind::Map(&Kind::Either(&[Kind::Json, Kind::Text])), "Further inline policies by name: the policy as a table, or the path of a JSON file. `${queues.NAME.arn}` in one, and the same of topics and roles, stands for an ARN of the stack.").with_existing().alias(&["inline_policies", "inline", "policy"]),
        Field::new("attach", Kind::OneOrMany(&Kind::Text), "ARNs of managed policies.").alias(&["managed_policies", "managed_policy_arns", "attached"]),
        Field::new("boundary", Kind::Text, "ARN of the policy that is its permissions boundary.").alias(&["permissions_boundary"]),
        Field::new("max_session", Kind::Seconds(3600, 43_200), "The longest session.").default("\"1h\"").alias(&["max_session_duration", "session_length"]),
        Field::new("tags", Kind::Map(&Kind::Text), "Its tags."),
        Field::new("exclusive", Kind::Flag, "Remove inline and attached policies that this stack does not declare.").default("false"),
        ACCEPT,
    ],
    one_of: &[],
};

/// Finds where each role stands, and reports names that are taken.
pub(super) fn place(checker: &mut Checker<'_>, declared: &[Declared<'_>]) {
    let mut taken: BTreeMap<(String, String), (String, Span)> = BTreeMap::new();
    for it in declared {
        let Some((standing, at)) = standing(checker, it) else {
            continue;
        };
        if let Some(arn) = &standing.arn {
            let unique = (standing.id.to_string(), arn.name().to_lowercase());
            if let Some((first, span)) = taken.get(&unique) {
                checker.report(
                    Diagnostic::new(
                        Code::Duplicate,
                        at,
                        format!(
                            "roles `{first}` and `{}` are both called `{}` in account {}",
                            it.name,
                            arn.name(),
                            standing.id
                        ),
                        "the name is taken",
                    )
                    .and(*span, format!("by role `{first}`"))
                    .help("IAM keeps one role of a name in an account, whatever its path and the case of its letters: give one another `name`"),
                );
            } else {
                taken.insert(unique, (it.name.to_owned(), at));
            }
        }
        checker
            .standings
            .insert((Noun::Role, it.name.to_owned()), standing);
    }
}

fn standing(checker: &mut Checker<'_>, it: &Declared<'_>) -> Option<(Standing, Span)> {
    let fields = it.fields;
    let existing = match fields.text("existing") {
        Some(text) => {
            let arn = checker.arn(text, "iam", "a role's ARN")?;
            if !arn.resource().starts_with("role/") || arn.account_id().is_none() {
                checker.report(
                    Diagnostic::new(
                        Code::WrongType,
                        text.span,
                        format!("`{arn}` is not a role's ARN"),
                        "not a role",
                    )
                    .help("write `arn:aws:iam::ACCOUNT:role/NAME`"),
                );
                return None;
            }
            Some(Spanned::new(arn, text.span))
        }
        None if fields.is_written("existing") => return None,
        None => None,
    };
    let (account, arn, at) = if let Some(existing) = existing {
        let account = account_of_existing(checker, it, &existing, None)?.account()?;
        let span = existing.span;
        (account, existing.value, span)
    } else {
        let account = checker.account_of(it);
        let name = fields.text("name");
        let at = name.as_ref().map_or(it.key, |it| it.span);
        let name = name.map_or(it.name, |it| it.value);
        let mut refused = false;
        if (at != it.key || names::KEY.refuses(name).is_none())
            && let Some(refusal) = names::ROLE.refuses(name)
        {
            checker.report(refusal.at(&fields.owner, at));
            refused = true;
        }
        let path = path(checker, fields);
        if refused {
            return None;
        }
        let account = account?;
        let arn = Arn::role(&account.place, &path?, name);
        (account, arn, at)
    };
    let standing = Standing {
        account: Some(account.place.account.clone()),
        id: account.place.id.clone(),
        region: account.place.region.clone(),
        partition: account.place.partition(),
        arn: Some(arn),
        fifo: false,
        existing: fields.is_written("existing"),
        key: it.key,
    };
    Some((standing, at))
}

fn path(checker: &mut Checker<'_>, fields: &Fields) -> Option<String> {
    let Some(text) = fields.text("path") else {
        return (!fields.is_written("path")).then(|| format!("/provision/{}/", checker.stack));
    };
    if !text.value.starts_with('/') || !text.value.ends_with('/') {
        let trimmed = text.value.trim_matches('/');
        checker.report(
            Diagnostic::new(
                Code::Name,
                text.span,
                format!("{} cannot have the path `{}`", fields.owner, text.value),
                "`/` must stand at both ends",
            )
            .fix("write it so", text.span, format!("\"/{trimmed}/\"")),
        );
        return None;
    }
    if text.value == "//" {
        checker.report(
            Diagnostic::new(
                Code::Name,
                text.span,
                format!("{} cannot have the path `//`", fields.owner),
                "nothing stands between the two `/`",
            )
            .fix("for no path, write", text.span, "\"/\"".to_owned()),
        );
        return None;
    }
    if let Some(refusal) = names::PATH.refuses(text.value) {
        checker.report(refusal.at(&fields.owner, text.span));
        return None;
    }
    Some(text.value.to_owned())
}

/// Where a resource that something else made is found.
pub(super) enum Home {
    /// In an account of the stack.
    Within(Account),
    /// In no account of the stack.
    Outside,
}

impl Home {
    pub(super) fn account(self) -> Option<Account> {
        match self {
            Self::Within(account) => Some(account),
            Self::Outside => None,
        }
    }
}

/// The account of a resource that something else made, from `account` or by its ARN.
///
/// `None`: a fault was reported. With a `region`, the account's must be that one.
pub(super) fn account_of_existing(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    arn: &Spanned<Arn>,
    region: Option<&Region>,
) -> Option<Home> {
    let id = arn.value.account_id()?;
    let fits = |account: &Account| {
        account.place.id == id && region.is_none_or(|it| account.place.region == *it)
    };
    let account = if let Some(text) = it.fields.text("account") {
        let name = checker.reference(Noun::Account, text, &it.fields.owner)?;
        let account = checker.accounts.get(&name).cloned()?;
        if !fits(&account) {
            let place = account.place;
            checker.report(
                Diagnostic::new(
                    Code::Place,
                    arn.span,
                    format!("`{}` is not in account `{name}`", arn.value),
                    match region {
                        Some(region) => format!("in account {id}, region {region}"),
                        None => format!("in account {id}"),
                    },
                )
                .and(
                    text.span,
                    format!("`{name}` is {} in {}", place.id, place.region),
                )
                .help("correct one of them; or leave `account` out, for the ARN says where it is"),
            );
            return None;
        }
        account
    } else if it.fields.is_written("account") {
        return None;
    } else {
        let found: Vec<Account> = checker
            .accounts
            .values()
            .filter(|it| fits(it))
            .cloned()
            .collect();
        match found.as_slice() {
            [] => return outside(checker, it, arn, region),
            [one] => one.clone(),
            [first, second, ..] => {
                checker.report(
                    Diagnostic::new(
                        Code::Missing,
                        it.key,
                        format!("{} has no `account`", it.fields.owner),
                        format!("`{}` or `{}`?", first.place.account, second.place.account),
                    )
                    .help("several accounts of the stack have this id: add `account = …`"),
                );
                return None;
            }
        }
    };
    let whole = Spanned::new(&arn.value, arn.span);
    let owner = format!("account `{}`", account.place.account);
    checker
        .check_partition(whole, account.place.partition(), &owner)
        .then_some(Home::Within(account))
}

/// Something in no account of the stack: right for a topic, which others may own.
fn outside(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    arn: &Spanned<Arn>,
    region: Option<&Region>,
) -> Option<Home> {
    // A broken account may well be the one: its own fault says enough.
    if checker.accounts.len() < checker.names(Noun::Account).len() {
        return None;
    }
    if arn.value.service() == "sns" {
        return Some(Home::Outside);
    }
    let place = match region {
        Some(region) => format!("{} in {region}", arn.value.account()),
        None => arn.value.account().to_owned(),
    };
    let here = match region {
        Some(region) => format!(" and `region = \"{region}\"`"),
        None => String::new(),
    };
    let mut help = format!(
        "add `[accounts.NAME]` and under it `id = \"{}\"`{here}",
        arn.value.account()
    );
    if arn.value.service() == "iam" {
        help.push_str("; a role of others needs no table: write its ARN where it is spoken of");
    }
    if arn.value.service() == "kms" {
        help.push_str("; or leave the table out and write the key's ARN where it encrypts: what its policy needs is handed over");
    }
    checker.report(
        Diagnostic::new(
            Code::Place,
            arn.span,
            format!("{} is in no account of the stack", it.fields.owner),
            format!("in account {place}"),
        )
        .help(help),
    );
    None
}

/// The roles that have no fault.
pub(super) fn roles(
    checker: &mut Checker<'_>,
    declared: &[Declared<'_>],
) -> BTreeMap<String, Role> {
    declared
        .iter()
        .filter_map(|it| Some((it.name.to_owned(), role(checker, it)?)))
        .collect()
}

fn role(checker: &mut Checker<'_>, it: &Declared<'_>) -> Option<Role> {
    let fields = it.fields;
    accept(checker, it, KindName::Role);
    fields.check_existing(&mut checker.faults);
    let standing = checker.standing(Noun::Role, it.name).cloned();
    let trusted_by = trusted_by(checker, it, standing.as_ref());
    let here = standing.as_ref().map(|it| it.partition);
    let trust_policy = trust_policy(checker, fields, here);
    if let (Some(trust), Some(key)) = (&trust_policy, fields.key_of("trust_policy")) {
        let arn = standing.as_ref().and_then(|it| it.arn.as_ref());
        let account = arn.map(|it| it.account().to_owned()).unwrap_or_default();
        warn_of_refused(checker, trust, &account, &fields.owner, key);
    }
    let policies = policies(checker, fields, here);
    let mut attach = BTreeSet::new();
    for text in texts(fields.list("attach")) {
        if let Some(arn) = managed_policy(checker, text, standing.as_ref(), &fields.owner) {
            attach.insert(arn);
        }
    }
    let boundary = fields
        .text("boundary")
        .and_then(|it| managed_policy(checker, it, standing.as_ref(), &fields.owner));
    if let Some(text) = fields.text("description")
        && let Some(refusal) = names::DESCRIPTION.refuses(text.value)
    {
        checker.report(refusal.at(&fields.owner, text.span));
    }
    let tags = names::tags_of(checker, it);
    names::check_case(checker, it);
    let standing = standing?;
    let arn = standing.arn?;
    let name = arn.name().to_owned();
    let path = arn
        .resource()
        .strip_prefix("role")
        .and_then(|it| it.strip_suffix(&name))
        .unwrap_or("/")
        .to_owned();
    Some(Role {
        account: standing.account?,
        name,
        path,
        arn,
        existing: standing.existing,
        description: fields.text_or_empty("description"),
        trusted_by,
        trust_policy,
        policies,
        attach,
        boundary,
        max_session: fields.whole_or_default("max_session"),
        tags,
        exclusive: fields.flag("exclusive"),
    })
}

fn trusted_by(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    standing: Option<&Standing>,
) -> Vec<Principal> {
    let owner = &it.fields.owner;
    let mut found = Vec::new();
    let items = it.fields.list("trusted_by");
    let key = it.fields.key_of("trusted_by");
    let policy = it.fields.is_written("trust_policy");
    let nobody = key.is_none() && !it.fields.is_written("trusted_by") && !policy;
    if !it.fields.is_written("existing") && (nobody || it.fields.is_empty_list("trusted_by")) {
        checker.report(
            Diagnostic::new(
                Code::Missing,
                key.unwrap_or(it.key),
                format!("{owner} is trusted by nobody"),
                "no `trusted_by`",
            )
            .help("IAM makes no such role: say who works under it, as in `trusted_by = \"lambda.amazonaws.com\"`"),
        );
    }
    for item in items {
        let Some(principal) = principals::principal(checker, item, owner) else {
            continue;
        };
        if let Principal::Network(network) = &principal.value {
            let (what, goes) = match network {
                Network::VpcEndpoint(id) => (format!("the VPC endpoint `{id}`"), "a VPC endpoint"),
                Network::Vpc(id) => (format!("the VPC `{id}`"), "a VPC"),
                Network::Addresses(ranges) | Network::VpcAddresses(ranges) => (
                    format!("addresses, {}", ranges.join(" and ")),
                    "a range of addresses",
                ),
            };
            checker.report(
                Diagnostic::new(
                    Code::Principal,
                    principal.span,
                    format!("{owner} cannot be assumed by {what}"),
                    "a way in, not someone",
                )
                .help(format!("{goes} goes in `from` of an `[[access]]` to {}; here name who assumes the role", match network {
                    Network::Addresses(_) => "an API",
                    _ => "a private API",
                })),
            );
            continue;
        }
        if let Principal::Service(name) = &principal.value
            && name == "cognito-identity.amazonaws.com"
        {
            checker.report(
                Diagnostic::new(
                    Code::Principal,
                    principal.span,
                    format!("{owner} cannot be assumed by `{name}` as a service"),
                    "an identity provider, whose tokens are exchanged",
                )
                .help("write the trust out in `trust_policy`: `Principal = { Federated = \"cognito-identity.amazonaws.com\" }` and `Action = \"sts:AssumeRoleWithWebIdentity\"`, with a condition on `cognito-identity.amazonaws.com:aud`"),
            );
            continue;
        }
        if let Some(standing) = standing {
            principals::check_partition(checker, &principal, standing.partition, owner);
        }
        found.push(principal);
    }
    principals::check_twice(checker, &found, owner);
    found.into_iter().map(|it| it.value).collect()
}

/// The trust policy that the author wrote out.
fn trust_policy(
    checker: &mut Checker<'_>,
    fields: &Fields,
    here: Option<Partition>,
) -> Option<Document> {
    let key = fields.key_of("trust_policy")?;
    let item = fields.get("trust_policy")?;
    if let Some(other) = fields.key_of("trusted_by") {
        checker.report(
            Diagnostic::new(
                Code::Conflict,
                key,
                format!("{} has both `trusted_by` and `trust_policy`", fields.owner),
                "all of its trust, written out",
            )
            .and(other, "the same in a stack's words")
            .help("keep one of them"),
        );
        return None;
    }
    let name = Spanned::new("trust_policy".to_owned(), key);
    documents::document(checker, &name, item, Grammar::Trust, here)
}

/// Warns of services and identity providers that a trust policy names and that get no credentials by it.
fn warn_of_refused(
    checker: &mut Checker<'_>,
    trust: &Document,
    account: &str,
    owner: &str,
    key: Span,
) {
    let refused = sessions::cannot_begin(trust, account);
    for (who, needs) in &refused {
        checker.warnings.push(
            Diagnostic::new(
                Code::Principal,
                key,
                format!("`{who}` cannot get credentials of {owner}"),
                format!("does not allow {}", needs.join(" and ")),
            )
            .help("allow it in the statement that names it, or name it in `trusted_by`, which brings what it needs"),
        );
    }
    let mut doubtful = sessions::may_not_begin(trust);
    doubtful.retain(|who, _| !refused.contains_key(who));
    for (who, condition) in doubtful {
        checker.warnings.push(
            Diagnostic::new(
                Code::Principal,
                key,
                format!("`{who}` may not get credentials of {owner}"),
                format!("lets it in only under a condition on {condition}"),
            )
            .help(format!(
                "it is not known to send {condition}: leave the condition out for it"
            )),
        );
    }
}

/// Returns whether a role lets a service assume it, as far as the stack says.
pub(super) fn lets_in(role: &Role, service: &str) -> bool {
    let named = |it: &Principal| match it {
        Principal::Service(name) | Principal::ServiceFor { service: name, .. } => name == service,
        _ => false,
    };
    role.existing
        || role.trusted_by.iter().any(named)
        || role
            .trust_policy
            .as_ref()
            .is_some_and(|it| sessions::lets_in(it, service))
}

/// Names of inline policies that begin so are the stack's own.
const RESERVED: &str = "provision";

fn policies(
    checker: &mut Checker<'_>,
    fields: &Fields,
    here: Option<Partition>,
) -> BTreeMap<String, Document> {
    let mut found = BTreeMap::new();
    for (key, item) in fields.map("policies") {
        if let Some(refusal) = names::POLICY.refuses(&key.value) {
            checker.report(refusal.at(&fields.owner, key.span));
        } else if key.value.to_lowercase().starts_with(RESERVED) {
            checker.report(
                Diagnostic::new(
                    Code::Name,
                    key.span,
                    format!(
                        "{} cannot have a policy called `{}`",
                        fields.owner, key.value
                    ),
                    "names that begin so are kept for generated policies",
                )
                .help("choose another name for the policy"),
            );
        }
        let document = documents::document(checker, key, item, Grammar::Identity, here);
        if let Some(document) = document {
            found.insert(key.value.clone(), document);
        }
    }
    found
}

fn managed_policy(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    standing: Option<&Standing>,
    owner: &str,
) -> Option<Arn> {
    let span = text.span;
    let written = text.value;
    let arn = if written.starts_with("arn:") {
        checker.arn(text, "iam", "a managed policy's ARN")?
    } else {
        let partition = standing.map_or("aws", |it| it.partition.as_str());
        checker.report(
            Diagnostic::new(
                Code::WrongType,
                span,
                format!("`{written}` is not a managed policy's ARN"),
                "not an ARN",
            )
            .help(format!(
                "a policy of AWS is `arn:{partition}:iam::aws:policy/{written}`; your own has its account's id in the place of the second `aws`"
            )),
        );
        return None;
    };
    if !arn.resource().starts_with("policy/") {
        checker.report(
            Diagnostic::new(
                Code::WrongType,
                span,
                format!("`{arn}` is not a managed policy's ARN"),
                "not a policy",
            )
            .help("write `arn:aws:iam::ACCOUNT:policy/NAME`"),
        );
        return None;
    }
    let standing = standing?;
    if !checker.check_partition(Spanned::new(&arn, span), standing.partition, owner) {
        return None;
    }
    if arn.account() != "aws" && arn.account() != standing.id.as_str() {
        checker.report(
            Diagnostic::new(
                Code::Place,
                span,
                format!("{owner} cannot use `{arn}`"),
                "in another account",
            )
            .help(format!(
                "a role uses managed policies of its own account ({}) or of AWS",
                standing.id
            )),
        );
        return None;
    }
    Some(arn)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, faults_of, stack};
    use crate::policy::PrincipalClause;

    #[test]
    fn a_role_has_a_name_and_path_that_iam_takes() {
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\nname = \"a b\"\n"),
            snapbox::str![[r#"
E0203: role `a` cannot have the role name `a b` [a space cannot stand here] help: 1 to 64 letters, digits and `_+=,.@-`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\npath = \"//\"\n"),
            snapbox::str![[r#"
E0203: role `a` cannot have the path `//` [nothing stands between the two `/`] for no path, write: "/"

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\npath = \"team\"\n"),
            snapbox::str![[r#"
E0203: role `a` cannot have the path `team` [`/` must stand at both ends] write it so: "/team/"

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.\"a.b\"]\ntrusted_by = \"ec2.amazonaws.com\"\n[roles.c]\n[roles.d]\ntrusted_by = []\n"
            ),
            snapbox::str![[r#"
E0203: a role cannot have the name `a.b` [`.` cannot stand here] help: 1 to 64 letters, digits, `-` and `_`
E0103: role `c` is trusted by nobody [no `trusted_by`] help: IAM makes no such role: say who works under it, as in `trusted_by = "lambda.amazonaws.com"`
E0103: role `d` is trusted by nobody [no `trusted_by`] help: IAM makes no such role: say who works under it, as in `trusted_by = "lambda.amazonaws.com"`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\nname = \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"\n"
            ),
            snapbox::str![[r#"
E0203: role `a` cannot have the role name `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` [65 characters long] help: 1 to 64 letters, digits and `_+=,.@-`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\nmax_session = \"13h\"\n"),
            snapbox::str![[r#"
E0104: `max_session` of role `a` is out of range [must be from 1h to 12h]

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\nmax_session = \"30m\"\n"),
            snapbox::str![[r#"
E0104: `max_session` of role `a` is out of range [must be from 1h to 12h]

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\ndescription = \"Ж\"\n"),
            snapbox::str![[r#"
E0203: role `a` cannot have the description `Ж` [`Ж` cannot stand here] help: at most 1000 characters of Latin-1

"#]]
        );
    }

    #[test]
    fn a_role_name_is_taken_once_whatever_its_case_and_path() {
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\n[accounts.b]\nid = \"111111111111\"\nregion = \"us-east-1\"\n[roles.x]\ntrusted_by = \"ec2.amazonaws.com\"\naccount = \"a\"\nname = \"Checkout\"\n[roles.y]\ntrusted_by = \"ec2.amazonaws.com\"\naccount = \"b\"\nname = \"checkout\"\npath = \"/other/\"\n"
            ),
            snapbox::str![[r#"
E0202: roles `x` and `y` are both called `checkout` in account 111111111111 [the name is taken | by role `x`] help: IAM keeps one role of a name in an account, whatever its path and the case of its letters: give one another `name`

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\n[accounts.b]\nid = \"222222222222\"\n[roles.x]\ntrusted_by = \"ec2.amazonaws.com\"\naccount = \"a\"\nname = \"checkout\"\n[roles.y]\ntrusted_by = \"ec2.amazonaws.com\"\naccount = \"b\"\nname = \"checkout\"\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
    }

    #[test]
    fn policies_are_ones_iam_takes() {
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\n[roles.a.policies]\nread = \"policy.json\"\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\n[roles.a.policies]\nread = \"missing.json\"\n"
            ),
            snapbox::str![[r#"
E0401: cannot read `missing.json`, the policy `read` [no such file] help: the path is seen from the stack's own folder

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\n[roles.a.policies]\nread = \"broken.json\"\n"
            ),
            snapbox::str![[r#"
E0102: policy `read` is not one IAM takes [line 1 column 1: this is not JSON] help: a policy is written as IAM's JSON is: `{ Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = ["…"] }] }`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\n[roles.a.policies]\nread = \"trust.json\"\n"
            ),
            snapbox::str![[r#"
E0102: policy `read` is not one IAM takes [line 1 column 14, Statement[0].Resource: Policy statement must contain resources.] help: name at least one resource, or "*" for all
E0102: policy `read` is not one IAM takes [line 1 column 44, Statement[0].Principal: Policy document should not specify a principal.] help: the policy's principal is the role it stands on; a trust policy names others

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\n[roles.a.policies]\nread = { Statement = [{ Effect = \"allow\", Action = \"s3:*\", Resource = \"*\" }] }\n"
            ),
            snapbox::str![[r#"
E0102: policy `read` is not one IAM takes [Statement[0].Effect: must be "Allow" or "Deny"] help: a policy is written as IAM's JSON is: `{ Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = ["…"] }] }`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\n[roles.a.policies]\nread = { Statement = [{ Effect = \"Allow\", Action = \"s3:*\" }] }\n"
            ),
            snapbox::str![[r#"
E0102: policy `read` is not one IAM takes [Statement[0].Resource: Policy statement must contain resources.] help: name at least one resource, or "*" for all

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\n[roles.a.policies]\nprovision-x = { Statement = [{ Effect = \"Allow\", Action = \"s3:*\", Resource = \"*\" }] }\n"
            ),
            snapbox::str![[r#"
E0203: role `a` cannot have a policy called `provision-x` [names that begin so are kept for generated policies] help: choose another name for the policy

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\nattach = [\"ReadOnlyAccess\", \"arn:aws:iam::222222222222:policy/x\", \"arn:aws:iam::aws:policy/ReadOnlyAccess\"]\n"
            ),
            snapbox::str![[r#"
E0102: `ReadOnlyAccess` is not a managed policy's ARN [not an ARN] help: a policy of AWS is `arn:aws:iam::aws:policy/ReadOnlyAccess`; your own has its account's id in the place of the second `aws`
E0303: role `a` cannot use `arn:aws:iam::222222222222:policy/x` [in another account] help: a role uses managed policies of its own account (111111111111) or of AWS

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\nboundary = \"arn:aws:iam::111111111111:role/x\"\n"
            ),
            snapbox::str![[r#"
E0102: `arn:aws:iam::111111111111:role/x` is not a managed policy's ARN [not a policy] help: write `arn:aws:iam::ACCOUNT:policy/NAME`

"#]]
        );
    }

    #[test]
    fn an_existing_role_is_described_by_its_maker() {
        snapbox::assert_data_eq!(
            faults("[roles.a]\nexisting = \"arn:aws:iam::111111111111:role/x\"\n"),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.a]\nexisting = \"arn:aws:iam::111111111111:role/x\"\nmax_session = \"2h\"\ntrusted_by = \"ec2.amazonaws.com\"\n"
            ),
            snapbox::str![[r#"
E0105: `max_session` cannot be set on an existing role [describes the role itself | something else made it, and keeps it] help: remove `max_session`; or remove `existing`, and the role becomes this stack's own
E0105: `trusted_by` cannot be set on an existing role [describes the role itself | something else made it, and keeps it] help: remove `trusted_by`; or remove `existing`, and the role becomes this stack's own

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\nexisting = \"arn:aws:iam::222222222222:role/x\"\n"),
            snapbox::str![[r#"
E0303: role `a` is in no account of the stack [in account 222222222222] help: add `[accounts.NAME]` and under it `id = "222222222222"`; a role of others needs no table: write its ARN where it is spoken of

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\nexisting = \"arn:aws:iam::111111111111:user/x\"\n"),
            snapbox::str![[r#"
E0102: `arn:aws:iam::111111111111:user/x` is not a role's ARN [not a role] help: write `arn:aws:iam::ACCOUNT:role/NAME`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[roles.a]\nexisting = \"x\"\n"),
            snapbox::str![[r#"
E0102: `x` is not a role's ARN [not an ARN] help: its ARN is `arn:aws:iam::ACCOUNT:role/NAME` or `…:policy/NAME`

"#]]
        );
    }

    #[test]
    fn a_role_is_named_by_its_table_under_the_stacks_path() {
        let stack = stack(
            "[stack.tags]\nteam = \"a\"\nenv = \"dev\"\n[roles.checkout]\ntrusted_by = \"ec2.amazonaws.com\"\ntags = { env = \"prod\" }\n[roles.till]\ntrusted_by = \"ec2.amazonaws.com\"\nname = \"Till\"\npath = \"/shop/\"\n[roles.old]\nexisting = \"arn:aws:iam::111111111111:role/a/b/old\"\n",
        );
        let role = &stack.roles["checkout"];
        assert_eq!(
            role.arn.as_str(),
            "arn:aws:iam::111111111111:role/provision/shop/checkout"
        );
        assert_eq!(
            (role.path.as_str(), role.name.as_str()),
            ("/provision/shop/", "checkout")
        );
        assert_eq!(role.max_session, 3600);
        assert_eq!(
            (role.tags["team"].as_str(), role.tags["env"].as_str()),
            ("a", "prod")
        );
        assert_eq!(
            stack.roles["till"].arn.as_str(),
            "arn:aws:iam::111111111111:role/shop/Till"
        );
        let old = &stack.roles["old"];
        assert_eq!((old.path.as_str(), old.name.as_str()), ("/a/b/", "old"));
        assert!(old.existing && !role.existing);
    }

    /// The faults of a role whose trust policy has this one statement beside `Effect = "Allow"`.
    fn trusting(statement: &str) -> String {
        faults(&format!(
            "[roles.a]\ntrust_policy = {{ Statement = [{{ Effect = \"Allow\", {statement} }}] }}\n"
        ))
    }

    #[test]
    fn a_trust_policy_is_one_iam_takes() {
        snapbox::assert_data_eq!(
            trusting(
                "Principal = { Service = \"ec2.amazonaws.com\" }, Action = \"sts:AssumeRole\""
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            trusting(
                "Principal = { Service = \"ec2.amazonaws.com\" }, Action = \"sts:AssumeRole\", Resource = \"*\""
            ),
            snapbox::str![[r#"
E0102: policy `trust_policy` is not one IAM takes [Statement[0].Resource: Has prohibited field Resource] help: a trust policy stands on its role, so it names no resource: remove it

"#]]
        );
        snapbox::assert_data_eq!(
            trusting(
                "Principal = { Service = \"ec2.amazonaws.com\" }, Action = [\"sts:AssumeRole\", \"s3:GetObject\"]"
            ),
            snapbox::str![[r#"
E0102: policy `trust_policy` is not one IAM takes [Statement[0].Action[1]: AssumeRole policy may only specify STS AssumeRole actions.] help: write `sts:AssumeRole`, `sts:AssumeRoleWithWebIdentity`, `sts:AssumeRoleWithSAML`, `sts:TagSession` or `sts:SetSourceIdentity`

"#]]
        );
        snapbox::assert_data_eq!(
            trusting(
                "Principal = { AWS = \"arn:aws:iam::222222222222:role/ci-*\" }, Action = \"sts:AssumeRole\""
            ),
            snapbox::str![[r#"
E0302: policy `trust_policy` is not one IAM takes [Statement[0].Principal.AWS: Invalid principal in policy: "AWS":"arn:aws:iam::222222222222:role/ci-*"] help: IAM takes no wildcard in a principal's ARN: name the account, with a condition `ArnLike` on `aws:PrincipalArn` for roles by the beginning of their name

"#]]
        );
        snapbox::assert_data_eq!(
            trusting("Action = \"sts:AssumeRole\""),
            snapbox::str![[r#"
E0102: policy `trust_policy` is not one IAM takes [Statement[0]: Missing required field Principal] help: name the principals: `Principal = { Service = "lambda.amazonaws.com" }`

"#]]
        );
    }

    /// The faults of a role whose own policy has one statement, with these fields beside `Effect = "Allow"`.
    fn allowing(statement: &str) -> String {
        faults(&format!(
            "[topics.t]\n[queues.q]\n[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\npolicies = {{ p = {{ Statement = [{{ Effect = \"Allow\", {statement} }}] }} }}\n"
        ))
    }

    #[test]
    fn every_fault_of_a_policy_is_shown_at_its_place() {
        snapbox::assert_data_eq!(
            allowing(
                "Sid = \"read the-queue\", Action = [\"publish\", \"sns:Pub:lish\"], Resource = \"queues.q\", Condition = { StringEqual = { \"aws:SourceVpc\" = \"vpc-1\" }, DateLessThan = { \"aws:CurrentTime\" = \"next week\" } }"
            ),
            snapbox::str![[r#"
E0102: policy `p` is not one IAM takes [Statement[0].Sid: Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*] help: letters and digits only: no spaces, `-` or `_`
E0102: policy `p` is not one IAM takes [Statement[0].Action[0]: Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.] help: write the service before it: `SERVICE:publish`
E0102: policy `p` is not one IAM takes [Statement[0].Action[1]: Actions/Condition can contain only one colon.] help: write `SERVICE:ACTION`; what follows belongs in `Resource` or `Condition`
E0102: policy `p` is not one IAM takes [Statement[0].Resource: Resource queues.q must be in ARN format or "*".] help: an ARN is `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`
E0102: policy `p` is not one IAM takes [Statement[0].Condition.StringEqual: Invalid Condition type : StringEqual.] help: is `StringEquals` meant?
E0102: policy `p` is not one IAM takes [Statement[0].Condition.DateLessThan.aws:CurrentTime: The policy failed legacy parsing] help: write a date as `2026-01-31T00:00:00Z`, or as seconds since 1970

"#]]
        );
        snapbox::assert_data_eq!(
            allowing("Action = [], Resource = []"),
            snapbox::str![[r#"
E0102: policy `p` is not one IAM takes [Statement[0].Action: Policy statement must contain actions.] help: name at least one action
E0102: policy `p` is not one IAM takes [Statement[0].Resource: Policy statement must contain resources.] help: name at least one resource, or "*" for all

"#]]
        );
    }

    #[test]
    fn a_policy_names_arns_of_the_stack_by_their_tables() {
        snapbox::assert_data_eq!(
            allowing(
                "Action = \"sqs:*\", Resource = [\"${queues.q.arn}\", \"${queue.q.arn}\", \"${topics.u.arn}\", \"arn:aws:s3:::${aws:username}/${AWS::Region}\", \"${apis.x.arn}\"]"
            ),
            snapbox::str![[r#"
E0201: `${queue.q.arn}` is not a policy variable, and names nothing of the stack [a statement with it would never match] help: `${queues.NAME.arn}`, `${topics.NAME.arn}` and `${roles.NAME.arn}` stand for ARNs of the stack; variables of IAM are written `${aws:username}`
E0201: `${topics.u.arn}` is not a policy variable, and names nothing of the stack [no such table: `[topics.u]`] help: `${queues.NAME.arn}`, `${topics.NAME.arn}` and `${roles.NAME.arn}` stand for ARNs of the stack; variables of IAM are written `${aws:username}`
E0201: `${AWS::Region}` is not a policy variable, and names nothing of the stack [a parameter of CloudFormation] help: write the value itself
E0201: `${apis.x.arn}` is not a policy variable, and names nothing of the stack [an API's id is known only when it is made] help: let callers in with `[[access]]`, which writes the ARN when it is known

"#]]
        );
        let stack = stack(
            "[topics.t]\n[queues.q]\n[roles.b]\ntrusted_by = \"ec2.amazonaws.com\"\n[roles.a]\ntrust_policy = { Statement = [{ Effect = \"Allow\", Principal = { AWS = \"${roles.b.arn}\" }, Action = \"sts:AssumeRole\" }] }\npolicies = { p = { Statement = [{ Effect = \"Allow\", Action = \"sqs:*\", Resource = [\"${queues.q.arn}\", \"${topics.t.arn}\", \"arn:aws:iam::*:user/${aws:username}\"] }] } }\n",
        );
        let role = &stack.roles["a"];
        assert_eq!(
            role.policies["p"].statements[0]
                .resource
                .as_ref()
                .map(|it| it.values.as_slice()),
            Some(
                &[
                    "arn:aws:sqs:eu-west-1:111111111111:q".to_owned(),
                    "arn:aws:sns:eu-west-1:111111111111:t".to_owned(),
                    "arn:aws:iam::*:user/${aws:username}".to_owned(),
                ][..]
            )
        );
        let trust = role
            .trust_policy
            .as_ref()
            .and_then(|it| it.statements[0].principal.clone());
        assert_eq!(
            trust.as_ref().map(PrincipalClause::aws_values),
            Some(&["arn:aws:iam::111111111111:role/provision/shop/b".to_owned()][..])
        );
    }
}
