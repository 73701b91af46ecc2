//! Which statements of a shared document are ours.
//!
//! A topic, queue or API has one policy document, and others write to it too. We own
//! statements, never the document: ours bear a `Sid` that begins with `Provision` and
//! eight hex digits made from the stack's name. The digits have a fixed length, so the
//! stack `order` can never take a statement of `orders` for its own.
//!
//! Every generated `Sid` is letters and digits only, since IAM allows no others.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html>.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::document::{
    Clause, Document, OLD_VERSION, PrincipalClause, Principals, Statement, VERSION,
};
use super::normal::normal_statement;

/// What every generated `Sid` begins with, whatever the stack.
pub const RESERVED: &str = "Provision";

/// The longest `Sid` that is generated: budgets count every character of it.
pub const LONGEST: usize = 64;

/// The reserved `Sid`s of one stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnSid {
    prefix: String,
}

impl OwnSid {
    /// Those of the stack with this name.
    #[must_use]
    pub fn of(stack: &str) -> Self {
        Self {
            prefix: format!("{RESERVED}{}", digits(stack)),
        }
    }

    /// What all of them begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether a statement is this stack's.
    #[must_use]
    pub fn owns(&self, statement: &Statement) -> bool {
        statement
            .sid
            .as_deref()
            .is_some_and(|it| it.starts_with(&self.prefix))
    }

    /// The `Sid` for a purpose such as `publish billing`: its words run together, each
    /// with a capital. One that would be too long ends in digits made from the whole purpose.
    #[must_use]
    pub fn sid(&self, purpose: &str) -> String {
        let mut words = String::new();
        for word in purpose.split(|it: char| !it.is_ascii_alphanumeric()) {
            let mut letters = word.chars();
            if let Some(first) = letters.next() {
                words.push(first.to_ascii_uppercase());
                words.push_str(letters.as_str());
            }
        }
        let room = LONGEST - self.prefix.len();
        if words.len() > room {
            words.truncate(room - 8);
            words.push_str(&digits(purpose));
        }
        format!("{}{words}", self.prefix)
    }
}

/// Eight hex digits of a text's SHA-256.
fn digits(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let mut digits = String::with_capacity(8);
    for byte in hash.iter().take(4) {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// The `Sid` of a stack's statement for a purpose. See [`OwnSid::sid`].
#[must_use]
pub fn sid(stack: &str, purpose: &str) -> String {
    OwnSid::of(stack).sid(purpose)
}

/// Whether a statement bears the mark of a stack, whichever it is.
#[must_use]
pub fn is_of_a_stack(statement: &Statement) -> bool {
    let sid = statement.sid.as_deref().unwrap_or_default();
    let digits = sid.strip_prefix(RESERVED).and_then(|it| it.get(..8));
    digits.is_some_and(|it| it.bytes().all(|it| it.is_ascii_hexdigit()))
}

/// A document's statements, ours and foreign ones apart, each in the document's order.
#[must_use]
pub fn split(document: &Document, stack: &str) -> (Vec<Statement>, Vec<Statement>) {
    let own = OwnSid::of(stack);
    document
        .statements
        .iter()
        .cloned()
        .partition(|it| own.owns(it))
}

/// The document to write: foreign statements first, word for word and in their order, then ours by `Sid`.
///
/// `live` is the document that the foreign statements come from. It keeps its `Id` as long as
/// one of them is left. Its version gives way to `2012-10-17` unless a foreign statement holds
/// a `${`: in a document of the old version that is text, and in the new one a variable.
#[must_use]
pub fn join(
    live: Option<&Document>,
    foreign: Vec<Statement>,
    mut ours: Vec<Statement>,
) -> Document {
    let kept = live.filter(|_| !foreign.is_empty());
    let version = match kept {
        Some(it) if it.version == OLD_VERSION && foreign.iter().any(has_variable) => OLD_VERSION,
        _ => VERSION,
    };
    ours.sort_by(|a, b| a.sid.cmp(&b.sid));
    let mut statements = foreign;
    statements.extend(ours);
    Document {
        version: version.to_owned(),
        id: kept.and_then(|it| it.id.clone()),
        statements,
    }
}

fn has_variable(statement: &Statement) -> bool {
    let resources = statement.resource.iter().flat_map(|it| &it.values);
    let tests = statement.conditions.values().flat_map(|it| it.values());
    resources.chain(tests.flatten()).any(|it| it.contains("${"))
}

/// The actions that the policy of a fresh topic allows its owner.
const DEFAULT_ACTIONS: [&str; 8] = [
    "SNS:GetTopicAttributes",
    "SNS:SetTopicAttributes",
    "SNS:AddPermission",
    "SNS:RemovePermission",
    "SNS:DeleteTopic",
    "SNS:Subscribe",
    "SNS:ListSubscriptionsByTopic",
    "SNS:Publish",
];

/// The policy that SNS gives a fresh topic. A topic cannot be without one, so
/// writing this is how a topic's policy is taken away.
#[must_use]
pub fn default_topic_policy(topic: &str, account: &str) -> Document {
    let mut statement =
        Statement::allow("__default_statement_ID", Clause::of(DEFAULT_ACTIONS)).on([topic]);
    statement.principal = Some(PrincipalClause::aws(["*"]));
    Document {
        version: OLD_VERSION.to_owned(),
        id: Some("__default_policy_ID".to_owned()),
        statements: vec![statement.when("StringEquals", "AWS:SourceOwner", [account])],
    }
}

/// Whether a document is what SNS gives a fresh topic of this account: nobody declared it.
#[must_use]
pub fn is_default_topic_policy(document: &Document, account: &str) -> bool {
    let [statement] = document.statements.as_slice() else {
        return false;
    };
    is_default_topic_statement(statement, account)
}

/// Whether a statement is the one that SNS gives a fresh topic of this account, as it writes it now
/// (`AWS:SourceAccount`) or as it wrote it (`AWS:SourceOwner`).
#[must_use]
pub fn is_default_topic_statement(statement: &Statement, account: &str) -> bool {
    let Some([topic]) = statement.resource.as_ref().map(|it| it.values.as_slice()) else {
        return false;
    };
    let of_account = topic.split(':').nth(4) == Some(account);
    let mut default = default_topic_policy(topic, account).statements.remove(0);
    let mut form = normal_statement(statement);
    // Topics made years ago list one action more.
    form.action.values.remove("sns:receive");
    ["AWS:SourceOwner", "AWS:SourceAccount"].iter().any(|key| {
        default.conditions.clear();
        let wanted = normal_statement(&default.clone().when("StringEquals", key, [account]));
        form.sid.clone_from(&wanted.sid);
        of_account && form == wanted
    })
}

/// Whether a statement is the one of a key's first policy: that its account decides by its own policies.
///
/// See <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>.
#[must_use]
pub fn is_default_key_statement(statement: &Statement, account: &str) -> bool {
    let of_account = |it: &String| {
        let arn = it.strip_suffix(&format!("::{account}:root"));
        it == account || arn.is_some_and(|it| it.starts_with("arn:") && it.ends_with(":iam"))
    };
    let names = statement.principal.iter().filter(|it| !it.negated);
    let mut names = names.flat_map(PrincipalClause::aws_values).peekable();
    let mut default = Statement::allow("", Clause::of(["kms:*"])).on(["*"]);
    default.sid.clone_from(&statement.sid);
    default.principal.clone_from(&statement.principal);
    names.peek().is_some()
        && names.all(of_account)
        && normal_statement(&default) == normal_statement(statement)
}

/// The principals of a document that no longer exist: AWS shows a deleted role or user as
/// `AROA…` or `AIDA…`, and making it anew does not bring its access back.
#[must_use]
pub fn ghosts(document: &Document) -> Vec<String> {
    let mut found: Vec<String> = document
        .statements
        .iter()
        .filter_map(|it| it.principal.as_ref())
        .flat_map(|it| match &it.principals {
            Principals::Anyone => &[],
            Principals::Of(_) => it.aws_values(),
        })
        .filter(|it| is_ghost(it))
        .cloned()
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Returns a document without the principals that are gone, and without the statements that name no other.
#[must_use]
pub fn without_principals(mut document: Document, is_gone: impl Fn(&str) -> bool) -> Document {
    document.statements.retain_mut(|it| {
        let Some(clause) = it.principal.as_mut().filter(|it| !it.negated) else {
            return true;
        };
        let Principals::Of(types) = &mut clause.principals else {
            return true;
        };
        for values in types.values_mut() {
            values.retain(|it| !is_gone(it));
        }
        types.retain(|_, values| !values.is_empty());
        !types.is_empty()
    });
    document
}

/// Whether a principal is the id of a deleted role or user.
#[must_use]
pub fn is_ghost(principal: &str) -> bool {
    let rest = principal
        .strip_prefix("AROA")
        .or_else(|| principal.strip_prefix("AIDA"));
    rest.is_some_and(|it| {
        !it.is_empty()
            && it
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_sid(sid: &str) -> Statement {
        Statement::allow(sid, Clause::of(["sns:Publish"]))
    }

    #[test]
    fn a_sid_is_letters_and_digits_and_begins_with_the_stacks_own_prefix() {
        let made = sid("orders", "publish roles.billing-inbox");
        assert!(made.bytes().all(|it| it.is_ascii_alphanumeric()), "{made}");
        let prefix = OwnSid::of("orders").prefix().to_owned();
        assert!(made.starts_with(&prefix));
        assert_eq!(prefix.len(), RESERVED.len() + 8);
        // What just fits is not cut.
        let full = "A".repeat(LONGEST - prefix.len());
        assert_eq!(sid("orders", &full), format!("{prefix}{full}"));
        assert_eq!(sid("orders", &format!("{full}B")).len(), LONGEST);
        assert!(made.ends_with("PublishRolesBillingInbox"), "{made}");
    }

    #[test]
    fn a_long_purpose_is_cut_and_stays_apart_from_its_neighbours() {
        let long = "a".repeat(200);
        let (one, two) = (
            sid("s", &format!("{long} one")),
            sid("s", &format!("{long} two")),
        );
        assert_eq!(one.len(), LONGEST);
        assert_ne!(one, two);
    }

    #[test]
    fn a_stack_never_claims_the_statements_of_a_stack_with_a_longer_name() {
        let document = Document::of(vec![
            with_sid(&sid("orders", "publish a")),
            with_sid(&sid("order", "publish a")),
            with_sid(&sid("order", "s publish a")),
        ]);
        let (ours, foreign) = split(&document, "order");
        assert_eq!(ours, document.statements[1..]);
        assert_eq!(foreign, document.statements[..1]);
    }

    #[test]
    fn a_statement_without_a_sid_is_foreign() {
        let mut bare = with_sid("");
        bare.sid = None;
        let (ours, foreign) = split(&Document::of(vec![bare.clone()]), "s");
        assert!(ours.is_empty());
        assert_eq!(foreign, [bare]);
    }

    #[test]
    fn foreign_statements_come_first_as_they_were_and_ours_by_sid() {
        let live = Document {
            version: OLD_VERSION.to_owned(),
            id: Some("theirs".to_owned()),
            statements: vec![with_sid("Zulu"), with_sid("Alpha")],
        };
        let (ours, foreign) = split(&live, "s");
        assert!(ours.is_empty());
        let (a, b) = (with_sid(&sid("s", "a")), with_sid(&sid("s", "b")));
        let joined = join(Some(&live), foreign, vec![b.clone(), a.clone()]);
        assert_eq!(
            joined.statements,
            [with_sid("Zulu"), with_sid("Alpha"), a, b]
        );
        assert_eq!(joined.id.as_deref(), Some("theirs"));
        assert_eq!(joined.version, VERSION);
    }

    #[test]
    fn a_foreign_text_that_would_become_a_variable_keeps_the_old_version() {
        let statement = with_sid("Theirs").on(["arn:aws:sns:eu-west-1:1:${aws:username}"]);
        let live = Document {
            version: OLD_VERSION.to_owned(),
            id: None,
            statements: vec![statement.clone()],
        };
        assert_eq!(
            join(Some(&live), vec![statement], Vec::new()).version,
            OLD_VERSION
        );
        assert_eq!(join(Some(&live), Vec::new(), Vec::new()).version, VERSION);
    }

    #[test]
    fn a_fresh_topics_policy_is_known_for_what_it_is() {
        let topic = "arn:aws:sns:eu-west-1:111111111111:t";
        let fresh = default_topic_policy(topic, "111111111111");
        assert!(is_default_topic_policy(&fresh, "111111111111"));
        assert!(!is_default_topic_policy(&fresh, "222222222222"));

        let mut old = fresh.clone();
        old.statements[0]
            .action
            .values
            .push("SNS:Receive".to_owned());
        assert!(is_default_topic_policy(&old, "111111111111"));

        let mut newer = fresh.clone();
        newer.statements[0].conditions.clear();
        let statement = newer.statements.remove(0);
        let newer = statement.when("StringEquals", "aws:SourceAccount", ["111111111111"]);
        assert!(is_default_topic_statement(&newer, "111111111111"));
        assert!(!is_default_topic_statement(&newer, "222222222222"));

        let mut wider = fresh.clone();
        wider.statements[0].conditions.clear();
        assert!(!is_default_topic_policy(&wider, "111111111111"));

        let mut more = fresh;
        more.statements.push(with_sid("Other"));
        assert!(!is_default_topic_policy(&more, "111111111111"));
    }

    #[test]
    fn a_deleted_role_is_a_ghost_and_an_arn_is_not() {
        let document = Document::of(vec![
            with_sid("A").to(PrincipalClause::aws([
                "AROAEXAMPLE123",
                "arn:aws:iam::111111111111:role/AROA",
            ])),
            with_sid("B").to(PrincipalClause::aws(["AIDAEXAMPLE", "AROAEXAMPLE123"])),
            with_sid("C").to(PrincipalClause::service(["sns.amazonaws.com"])),
            with_sid("D").to(PrincipalClause::anyone()),
        ]);
        assert_eq!(ghosts(&document), ["AIDAEXAMPLE", "AROAEXAMPLE123"]);
        assert!(!is_ghost("AROA"));
    }

    #[test]
    fn only_the_old_version_is_kept_and_only_for_a_variable() {
        let joined = |version: &str, statement: Statement| {
            let live = Document {
                version: version.to_owned(),
                id: None,
                statements: vec![statement.clone()],
            };
            join(Some(&live), vec![statement], Vec::new()).version
        };
        let on = |resource: &str| with_sid("Theirs").on([resource]);
        let when = |value: &str| with_sid("Theirs").when("StringEquals", "k", [value]);
        for (version, statement, expected) in [
            (OLD_VERSION, on("${aws:username}"), OLD_VERSION),
            (OLD_VERSION, when("${aws:username}"), OLD_VERSION),
            (OLD_VERSION, on("plain"), VERSION),
            (OLD_VERSION, when("plain"), VERSION),
            (VERSION, on("${aws:username}"), VERSION),
        ] {
            assert_eq!(joined(version, statement), expected);
        }
    }

    #[test]
    fn a_fresh_topics_statement_is_about_one_topic_of_its_account() {
        let is = |topics: &[&str], owner: &str| {
            let mut document = default_topic_policy(topics[0], owner);
            document.statements[0].resource = Some(Clause::of(topics.iter().copied()));
            is_default_topic_policy(&document, owner)
        };
        let (mine, other) = (
            "arn:aws:sns:eu-west-1:111111111111:t",
            "arn:aws:sns:eu-west-1:111111111111:u",
        );
        assert!(is(&[mine], "111111111111"));
        assert!(!is(&[mine], "222222222222"));
        assert!(!is(&[mine, other], "111111111111"));
        assert!(!is_default_topic_policy(
            &Document::of(Vec::new()),
            "111111111111"
        ));
    }

    #[test]
    fn a_ghost_is_capitals_and_digits_behind_four_letters() {
        for ghost in ["AROAEXAMPLE", "AROA123", "AIDAE1"] {
            assert!(is_ghost(ghost), "{ghost}");
        }
        for other in [
            "",
            "AROA",
            "AIDA",
            "AROAexample",
            "AROA-1",
            "AGPAEXAMPLE",
            "xAROA1",
        ] {
            assert!(!is_ghost(other), "{other}");
        }
    }

    /// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>
    #[test]
    fn the_statement_of_a_fresh_key_lets_its_own_account_do_everything() {
        let own = "111111111111";
        let root = |partition: &str, account: &str| format!("arn:{partition}:iam::{account}:root");
        let to = |names: &[String]| {
            Statement::allow("Enable IAM User Permissions", Clause::of(["kms:*"]))
                .on(["*"])
                .to(PrincipalClause::aws(names.iter().cloned()))
        };
        let fresh = || to(&[root("aws", own)]);
        let changed = |change: fn(&mut Statement)| {
            let mut statement = fresh();
            change(&mut statement);
            statement
        };
        for (statement, expected) in [
            (fresh(), true),
            (to(&[root("aws-cn", own)]), true),
            (to(&[own.to_owned()]), true),
            (to(&[own.to_owned(), root("aws", own)]), true),
            (changed(|it| it.sid = None), true),
            (changed(|it| it.action = Clause::of(["KMS:*"])), true),
            (to(&[root("aws", "222222222222")]), false),
            (to(&["222222222222".to_owned()]), false),
            (to(&[own.to_owned(), "222222222222".to_owned()]), false),
            (to(&["*".to_owned()]), false),
            (to(&[format!("arn:aws:iam::{own}:role/admin")]), false),
            (to(&[format!("arn:aws:sts::{own}:root")]), false),
            (to(&[format!("urn:aws:iam::{own}:root")]), false),
            (
                changed(|it| it.principal = Some(PrincipalClause::anyone())),
                false,
            ),
            (changed(|it| it.principal = None), false),
            (
                changed(|it| it.principal = Some(PrincipalClause::service(["sns.amazonaws.com"]))),
                false,
            ),
            (
                changed(|it| it.principal.iter_mut().for_each(|it| it.negated = true)),
                false,
            ),
            (changed(|it| it.action = Clause::of(["kms:Decrypt"])), false),
            (changed(|it| it.action.negated = true), false),
            (changed(|it| it.effect = super::super::Effect::Deny), false),
            (fresh().when("Bool", "aws:SecureTransport", ["true"]), false),
        ] {
            assert_eq!(
                is_default_key_statement(&statement, own),
                expected,
                "{statement:?}"
            );
        }
    }

    #[test]
    fn the_mark_of_a_stack_is_eight_hex_digits_behind_the_reserved_word() {
        for (of, expected) in [
            (sid("orders", "publish a"), true),
            ("Provision0123abcd".to_owned(), true),
            ("Provision0123abc".to_owned(), false),
            ("Provisioning123".to_owned(), false),
            ("Provision0123abcgPublish".to_owned(), false),
            ("provision0123abcd".to_owned(), false),
        ] {
            assert_eq!(is_of_a_stack(&with_sid(&of)), expected, "{of}");
        }
        let mut bare = with_sid("");
        bare.sid = None;
        assert!(!is_of_a_stack(&bare));
    }

    #[test]
    fn what_names_only_principals_that_are_gone_goes_with_them() {
        let to = |sid: &str, names: &[&str]| {
            with_sid(sid).to(PrincipalClause::aws(names.iter().copied()))
        };
        let mut but = to("But", &["AROAGONE"]);
        but.principal.iter_mut().for_each(|it| it.negated = true);
        let kept = vec![
            with_sid("Nobody"),
            with_sid("All").to(PrincipalClause::anyone()),
            with_sid("Service").to(PrincipalClause::service(["sns.amazonaws.com"])),
            but,
        ];
        let mut statements = kept.clone();
        statements.push(to("Gone", &["AROAGONE"]));
        statements.push(to("Some", &["AROAGONE", "111111111111"]));
        let found = without_principals(Document::of(statements), |it| it == "AROAGONE");
        let mut expected = kept;
        expected.push(to("Some", &["111111111111"]));
        assert_eq!(found.statements, expected);
    }
}
