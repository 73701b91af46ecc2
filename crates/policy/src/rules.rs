//! Statements made ready to be asked: patterns compiled, principals told apart.
//!
//! A statement speaks of a request when its principal, action, resource and every
//! condition do; each of these may be open.
//!
//! How a resource policy names a principal decides what its word is worth in the
//! principal's own account, so a match comes with its [`Level`].
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>.

use super::condition::Test;
use super::document::{Clause, Document, Effect, PrincipalClause, Principals, Statement, VERSION};
use super::facts::Facts;
use super::normal::root_account;
use super::own::is_ghost;
use super::patterns::Pattern;
use super::request::{Caller, partition_of};
use super::template::{Template, Unfilled};
use super::three::Three;

/// What a document is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A principal, or a ceiling over principals: identity policy, boundary, session policy, SCP.
    Identity,
    /// A resource: it names its principals.
    Resource,
    /// An organization's ceiling over resources.
    ResourceControl,
}

/// How a resource policy names a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Its account: access is handed to that account's own policies to give.
    Account,
    /// Its role: boundary and session policy still cut what is given.
    Role,
    /// Itself, everyone, or a service: nothing but a denial cuts what is given.
    Direct,
}

/// Whether a statement speaks of a request, by how it names the principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applies([Three; 3]);

impl Applies {
    const NOT: Self = Self([Three::No; 3]);

    fn directly(is: Three) -> Self {
        let mut found = Self::NOT;
        found.0[Level::Direct as usize] = is;
        found
    }

    /// Every level with whether it speaks at it.
    pub fn iter(self) -> impl Iterator<Item = (Level, Three)> {
        [Level::Account, Level::Role, Level::Direct]
            .into_iter()
            .zip(self.0)
    }

    /// Whether it matches the request at this level or a stronger one.
    #[must_use]
    pub fn at_least(self, least: Level) -> Three {
        Three::any(self.0[least as usize..].iter().copied())
    }

    /// Whether it speaks of the request at any level.
    #[must_use]
    pub fn any(self) -> Three {
        Three::any(self.0)
    }
}

/// A document made ready.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What it is called in a reason: `identity policy 1`.
    pub name: String,
    /// Its statements.
    pub rules: Vec<Rule>,
}

/// A statement made ready.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it is called in a reason: `` statement `Publish` `` or `statement 2`.
    pub label: String,
    /// Allow or deny.
    pub effect: Effect,
    pub(super) kind: Kind,
    pub(super) principal: Option<Named>,
    pub(super) action: Actions,
    pub(super) resource: Option<Resources>,
    pub(super) tests: Vec<Test>,
}

/// `Action` or `NotAction`, in lower case.
#[derive(Clone, Debug)]
pub(super) struct Actions {
    negated: bool,
    pub(super) patterns: Vec<Pattern>,
}

/// `Resource` or `NotResource`.
#[derive(Clone, Debug)]
pub(super) struct Resources {
    pub(super) negated: bool,
    pub(super) templates: Vec<Template>,
}

/// `Principal` or `NotPrincipal`.
#[derive(Clone, Debug)]
pub(super) enum Named {
    /// All but these, which we do not judge.
    AllBut(Vec<Name>),
    /// These.
    These(Vec<Name>),
}

/// A principal as a statement names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Anyone,
    Account {
        id: String,
        /// Of an ARN.
        partition: Option<String>,
    },
    Role(String),
    /// A session or a user, or any other ARN.
    Exact(String),
    Service(String),
    Provider(String),
    /// An S3 canonical user, whose account only S3 knows.
    Canonical,
    /// The id of a deleted principal: nobody.
    Ghost,
}

impl Rules {
    /// A document made ready, under the name that reasons give it.
    #[must_use]
    pub fn of(document: &Document, kind: Kind, name: impl Into<String>) -> Self {
        let variables = document.version == VERSION;
        let statements = document.statements.iter().enumerate();
        Self {
            name: name.into(),
            rules: statements
                .map(|(index, it)| Rule::of(it, kind, variables, index))
                .collect(),
        }
    }
}

impl Rule {
    fn of(statement: &Statement, kind: Kind, variables: bool, index: usize) -> Self {
        let label = match &statement.sid {
            Some(sid) => format!("statement `{sid}`"),
            None => format!("statement {}", index + 1),
        };
        let tests = statement.conditions.iter().flat_map(|(operator, keys)| {
            keys.iter()
                .map(move |(key, values)| Test::of(operator, key, values, variables))
        });
        Self {
            label,
            effect: statement.effect,
            kind,
            principal: statement.principal.as_ref().map(named),
            action: Actions {
                negated: statement.action.negated,
                patterns: lower_patterns(&statement.action),
            },
            resource: statement.resource.as_ref().map(|it| Resources {
                negated: it.negated,
                templates: it
                    .values
                    .iter()
                    .map(|it| Template::parse(it, true, variables))
                    .collect(),
            }),
            tests: tests.collect(),
        }
    }

    /// Whether the statement speaks of a request, and how it names the principal.
    ///
    /// `action` is the request's, in lower case. Where the answer is open, `why` gets the reasons.
    pub fn applies(&self, facts: &Facts<'_>, action: &str, why: &mut Vec<String>) -> Applies {
        let before = why.len();
        if !self.action.takes(action) {
            return Applies::NOT;
        }
        let named = self.names(facts, why);
        if named == Applies::NOT {
            return named;
        }
        let mut rest = self.touches(facts, why);
        for test in &self.tests {
            if rest == Three::No {
                break;
            }
            rest = rest & test.holds(facts, why);
        }
        let found = Applies(named.0.map(|it| it & rest));
        if !found.0.contains(&Three::Maybe) {
            why.truncate(before);
        }
        found
    }

    fn names(&self, facts: &Facts<'_>, why: &mut Vec<String>) -> Applies {
        let names = match (&self.principal, self.kind) {
            (None, Kind::Identity | Kind::ResourceControl) => {
                return Applies::directly(Three::Yes);
            }
            (Some(_), Kind::Identity) => {
                why.push("it names a principal, as no policy of its kind can".to_owned());
                return Applies::directly(Three::Maybe);
            }
            // An absent principal is nobody, never everyone. A denial of nobody could not be stored.
            (None, Kind::Resource) => {
                if self.effect == Effect::Allow {
                    return Applies::NOT;
                }
                why.push("it denies, and names no principal".to_owned());
                return Applies::directly(Three::Maybe);
            }
            (Some(Named::AllBut(_)), _) => {
                why.push("it has a `NotPrincipal`".to_owned());
                return Applies::directly(Three::Maybe);
            }
            (Some(Named::These(names)), _) => names,
        };
        let mut best = Applies::NOT;
        for name in names {
            let (level, found) = name.matches(facts);
            if !found.possible() {
                continue;
            }
            if found == Three::Maybe {
                why.push(match name {
                    Name::Canonical => "it names a canonical user".to_owned(),
                    Name::Exact(user) if facts.caller.federated().is_some() => {
                        format!("it names {user}, who may have opened the federated session")
                    }
                    _ => format!("it names one session of {}", facts.request.principal),
                });
            }
            let known = &mut best.0[level as usize];
            *known = *known | found;
        }
        best
    }

    fn touches(&self, facts: &Facts<'_>, why: &mut Vec<String>) -> Three {
        let Some(resources) = &self.resource else {
            // A trust policy speaks of its own role.
            if self.kind == Kind::Resource {
                return Three::Yes;
            }
            why.push("it names no resource".to_owned());
            return Three::Maybe;
        };
        let before = why.len();
        let mut found = Three::No;
        for template in &resources.templates {
            let one = match template.fill(facts) {
                Ok(pattern) => {
                    let one = self.matches_resource(&pattern, &facts.request.resource);
                    if one == Three::Maybe {
                        why.push(format!(
                            "a `*` in its resources would have to run over a `:` to match {}; write the ARN out",
                            facts.request.resource
                        ));
                    }
                    one
                }
                Err(Unfilled::Gone) => Three::No,
                Err(Unfilled::Open(key)) => {
                    why.push(format!("the variable `${{{key}}}` has no known value"));
                    Three::Maybe
                }
            };
            found = found | one;
            if found == Three::Yes {
                why.truncate(before);
                break;
            }
        }
        if resources.negated { !found } else { found }
    }

    /// Whether one of its resource patterns matches.
    pub(super) fn matches_resource(&self, pattern: &Pattern, resource: &str) -> Three {
        if self.kind == Kind::Resource
            && let Some(short) = short_form(pattern)
            && let Some(path) = path_of_api(resource)
        {
            return Three::from(short.matches(path));
        }
        pattern.matches_resource(resource)
    }
}

/// What follows `execute-api:/` in a resource of the short form, which stands for the API it is written at.
pub(super) fn short_form(pattern: &Pattern) -> Option<Pattern> {
    use super::patterns::Token;
    let head = "execute-api:/";
    let tokens = pattern.tokens();
    let starts = head.chars().count() <= tokens.len()
        && head
            .chars()
            .zip(tokens)
            .all(|(letter, token)| *token == Token::Char(letter));
    starts.then(|| Pattern::from_tokens(tokens[head.len()..].to_vec()))
}

/// `stage/METHOD/path` of a call to a REST API.
fn path_of_api(resource: &str) -> Option<&str> {
    let mut parts = resource.splitn(6, ':');
    let is_api = parts.next() == Some("arn") && parts.nth(1) == Some("execute-api");
    let (_, path) = parts.nth(2)?.split_once('/')?;
    is_api.then_some(path)
}

fn lower_patterns(clause: &Clause) -> Vec<Pattern> {
    clause
        .values
        .iter()
        .map(|it| Pattern::of(&it.to_ascii_lowercase()))
        .collect()
}

impl Actions {
    /// Whether the clause speaks of an action in lower case.
    pub(super) fn takes(&self, action: &str) -> bool {
        self.patterns.iter().any(|it| it.matches(action)) != self.negated
    }
}

fn named(clause: &PrincipalClause) -> Named {
    let names = match &clause.principals {
        Principals::Anyone => vec![Name::Anyone],
        Principals::Of(types) => types
            .iter()
            .flat_map(|(kind, names)| names.iter().map(move |it| name(kind, it)))
            .collect(),
    };
    if clause.negated {
        Named::AllBut(names)
    } else {
        Named::These(names)
    }
}

fn name(kind: &str, text: &str) -> Name {
    match kind {
        "AWS" if text == "*" => Name::Anyone,
        "AWS" if is_ghost(text) => Name::Ghost,
        "AWS" => match root_account(text) {
            Some(account) => Name::Account {
                id: account.to_owned(),
                partition: partition_of(text).map(str::to_owned),
            },
            None if text.contains(":iam::") && text.contains(":role/") => {
                Name::Role(text.to_owned())
            }
            None => Name::Exact(text.to_owned()),
        },
        "Service" => Name::Service(text.to_owned()),
        "Federated" => Name::Provider(text.to_owned()),
        _ => Name::Canonical,
    }
}

impl Named {
    /// Whether it names an account or a role, whose policies still count in their own account.
    pub(super) fn delegates(&self) -> bool {
        match self {
            Self::These(names) => names
                .iter()
                .any(|it| matches!(it, Name::Account { .. } | Name::Role(_))),
            Self::AllBut(_) => false,
        }
    }
}

impl Name {
    /// The account of the principals that it names, where a name tells.
    pub(super) fn account(&self) -> Option<&str> {
        match self {
            Self::Account { id, .. } => Some(id),
            Self::Role(arn) | Self::Exact(arn) => arn.split(':').nth(4),
            Self::Anyone | Self::Service(_) | Self::Provider(_) | Self::Canonical | Self::Ghost => {
                None
            }
        }
    }

    /// Whether it names the caller, and how.
    pub(super) fn matches(&self, facts: &Facts<'_>) -> (Level, Three) {
        let caller = &facts.caller;
        match self {
            Self::Anyone => (Level::Direct, Three::Yes),
            Self::Account { id, partition } => {
                let asks = facts.partition.zip(partition.as_deref());
                let is_here = asks.is_none_or(|(own, named)| own == named);
                (
                    Level::Account,
                    Three::from(is_here && caller.account() == Some(id.as_str())),
                )
            }
            Self::Role(own) => (Level::Role, Three::from(is_role(own, facts))),
            // What is given to a user is given to the sessions that it opens, as far as their
            // policies go.
            Self::Exact(own) if opens(own, facts) => {
                (Level::Role, Three::maybe_if(facts.opener_is_open))
            }
            Self::Exact(own) => (
                Level::Direct,
                match *caller {
                    Caller::Session { arn, .. }
                    | Caller::User { arn, .. }
                    | Caller::Other { arn, .. } => Three::from(own == arn),
                    Caller::Role { arn, .. } => Three::maybe_if(is_session_of(own, arn)),
                    Caller::Root { .. }
                    | Caller::Provider { .. }
                    | Caller::Service { .. }
                    | Caller::Anonymous => Three::No,
                },
            ),
            Self::Service(own) => (
                Level::Direct,
                Three::from(matches!(*caller, Caller::Service { name } if name == own)),
            ),
            Self::Provider(own) => (
                Level::Direct,
                Three::from(matches!(*caller, Caller::Provider { name } if name == own)),
            ),
            Self::Canonical => (Level::Direct, Three::maybe_if(caller.account().is_some())),
            Self::Ghost => (Level::Direct, Three::No),
        }
    }
}

/// Whether the caller is a federated session that this user may have opened.
fn opens(user: &str, facts: &Facts<'_>) -> bool {
    let account = |it: &str| {
        let mut parts = it.split(':').skip(1);
        (
            parts.next().map(str::to_owned),
            parts.nth(2).map(str::to_owned),
        )
    };
    match facts.caller {
        Caller::Other { arn, .. } => {
            facts.caller.federated().is_some()
                && user.contains(":user/")
                && account(user) == account(arn)
        }
        _ => false,
    }
}

/// Whether the caller is this role, or a session of it.
fn is_role(own: &str, facts: &Facts<'_>) -> bool {
    match facts.caller {
        Caller::Role { arn, .. } => own == arn,
        Caller::Session {
            partition,
            account,
            role,
            ..
        } => {
            if let Some([arn]) = facts.given("aws:principalarn") {
                return own == arn;
            }
            // A role's name is its account's only one, whatever its path.
            let mut parts = own.splitn(6, ':').skip(1);
            parts.next() == Some(partition)
                && parts.nth(2) == Some(account)
                && own.rsplit('/').next() == Some(role)
        }
        Caller::User { .. }
        | Caller::Root { .. }
        | Caller::Other { .. }
        | Caller::Provider { .. }
        | Caller::Service { .. }
        | Caller::Anonymous => false,
    }
}

/// Whether an ARN names a session of a role.
#[must_use]
pub fn is_session_of(session: &str, role: &str) -> bool {
    let Some((head, rest)) = session.split_once(":assumed-role/") else {
        return false;
    };
    let Some((role_head, path)) = role.split_once(":role/") else {
        return false;
    };
    head.replacen(":sts:", ":iam:", 1) == role_head
        && rest.split('/').next() == path.rsplit('/').next()
}

#[cfg(test)]
mod tests {
    use super::super::request::{Request, Who};
    use super::*;

    const ROLE: &str = "arn:aws:iam::111111111111:role/team/a";
    const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/a/s";
    const USER: &str = "arn:aws:iam::111111111111:user/ann";
    const TOPIC: &str = "arn:aws:sns:eu-west-1:111111111111:t";

    fn rule(fields: &str, kind: Kind) -> Rule {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{{{fields}}}]}}"#);
        let document = Document::parse(&text).expect("a policy");
        Rules::of(&document, kind, "").rules.remove(0)
    }

    /// Whether a statement speaks of a request at each level, and why that is open.
    fn applies(rule: &Rule, request: &Request) -> ([Three; 3], Vec<String>) {
        let mut why = Vec::new();
        let action = request.action.to_ascii_lowercase();
        let found = rule.applies(&Facts::of(request), &action, &mut why);
        (found.0, why)
    }

    fn publish(who: &str) -> Request {
        Request::new(Who::of(who), "sns:Publish", TOPIC)
    }

    const NOT: [Three; 3] = [Three::No; 3];
    const DIRECTLY: [Three; 3] = [Three::No, Three::No, Three::Yes];
    const OPEN: [Three; 3] = [Three::No, Three::No, Three::Maybe];

    #[test]
    fn a_statement_that_names_nobody_speaks_of_nobody_or_of_its_own() {
        let bare = |effect: &str, kind| {
            let fields = format!(r#""Effect":"{effect}","Action":"sns:Publish","Resource":"*""#);
            applies(&rule(&fields, kind), &publish(ROLE)).0
        };
        assert_eq!(bare("Allow", Kind::Identity), DIRECTLY);
        assert_eq!(bare("Deny", Kind::ResourceControl), DIRECTLY);
        assert_eq!(bare("Allow", Kind::Resource), NOT);
        // A denial of nobody could not be stored.
        assert_eq!(bare("Deny", Kind::Resource), OPEN);
    }

    #[test]
    fn a_principal_is_named_at_the_level_of_its_account_its_role_or_itself() {
        let of = |principal: &str, who: &str| {
            let fields =
                format!(r#""Effect":"Allow","Principal":{principal},"Action":"*","Resource":"*""#);
            applies(&rule(&fields, Kind::Resource), &publish(who))
        };
        let aws = |names: &[&str]| format!(r#"{{"AWS":{names:?}}}"#);
        let (yes, no) = (Three::Yes, Three::No);
        for (names, who, expected) in [
            (&["111111111111"][..], ROLE, [yes, no, no]),
            (&[ROLE], ROLE, [no, yes, no]),
            (&[ROLE], SESSION, [no, yes, no]),
            (&[SESSION], SESSION, DIRECTLY),
            (&[USER], USER, DIRECTLY),
            (&["*"], USER, DIRECTLY),
            (&["111111111111", ROLE, USER], ROLE, [yes, yes, no]),
            (
                &[ROLE, "arn:aws:iam::111111111111:role/b", ROLE],
                ROLE,
                [no, yes, no],
            ),
            (&["222222222222"], ROLE, NOT),
            (&[USER], ROLE, NOT),
            (&["AROAEXAMPLE123"], ROLE, NOT),
            (&["arn:aws:iam::111111111111:role/b"], SESSION, NOT),
            (&["arn:aws:iam::222222222222:role/a"], SESSION, NOT),
            (&["arn:aws-cn:iam::111111111111:role/a"], SESSION, NOT),
            (&["arn:aws:iam::111111111111:role/other/a"], ROLE, NOT),
        ] {
            let found = of(&aws(names), who);
            assert_eq!(found, (expected, Vec::new()), "{names:?} {who}");
        }
        let (found, why) = of(&aws(&[SESSION]), ROLE);
        assert_eq!(found, OPEN);
        assert_eq!(Applies(found).any(), Three::Maybe);
        assert_eq!(why, [format!("it names one session of {ROLE}")]);
        let (found, why) = of(r#"{"CanonicalUser":"abc"}"#, ROLE);
        assert_eq!(found, OPEN);
        assert_eq!(why, ["it names a canonical user"]);
        let sns = "sns.amazonaws.com";
        assert_eq!(of(r#"{"Service":"sns.amazonaws.com"}"#, sns).0, DIRECTLY);
        assert_eq!(of(r#"{"Service":"sqs.amazonaws.com"}"#, sns).0, NOT);
        assert_eq!(of(r#"{"Federated":"sns.amazonaws.com"}"#, sns).0, NOT);
        // What one name leaves open another may settle.
        let (found, why) = of(&aws(&[SESSION, "*"]), ROLE);
        assert_eq!((found, why), (DIRECTLY, Vec::new()));
    }

    #[test]
    fn a_role_is_named_by_iam_and_anything_else_for_what_it_is() {
        let role = "arn:aws:iam::111111111111:role/a";
        let account = |partition: Option<&str>| Name::Account {
            id: "111111111111".to_owned(),
            partition: partition.map(str::to_owned),
        };
        for (kind, text, expected) in [
            ("AWS", role, Name::Role(role.to_owned())),
            ("AWS", "*", Name::Anyone),
            ("AWS", "111111111111", account(None)),
            (
                "AWS",
                "arn:aws:iam::111111111111:root",
                account(Some("aws")),
            ),
            (
                "AWS",
                "arn:aws-cn:iam::111111111111:root",
                account(Some("aws-cn")),
            ),
            ("AWS", "AROAEXAMPLE123", Name::Ghost),
            ("Service", "*", Name::Service("*".to_owned())),
            ("Federated", "x", Name::Provider("x".to_owned())),
            ("CanonicalUser", "x", Name::Canonical),
        ] {
            assert_eq!(name(kind, text), expected, "{kind} {text}");
        }
        for exact in [USER, SESSION, "arn:aws:x::111111111111:role/a"] {
            assert_eq!(name("AWS", exact), Name::Exact(exact.to_owned()));
        }
    }

    #[test]
    fn the_arn_of_a_sessions_role_decides_where_it_is_told() {
        let fields = format!(
            r#""Effect":"Allow","Principal":{{"AWS":"{ROLE}"}},"Action":"*","Resource":"*""#
        );
        let rule = rule(&fields, Kind::Resource);
        let told = |arn: &str| publish(SESSION).with("aws:PrincipalArn", [arn]);
        assert_eq!(
            applies(&rule, &told(ROLE)).0,
            [Three::No, Three::Yes, Three::No]
        );
        assert_eq!(
            applies(&rule, &told("arn:aws:iam::111111111111:role/a")).0,
            NOT
        );
    }

    #[test]
    fn a_session_is_of_one_role() {
        let role = "arn:aws:iam::111111111111:role/team/a";
        for (session, expected) in [
            (SESSION, true),
            ("arn:aws:sts::111111111111:assumed-role/b/s", false),
            ("arn:aws:sts::222222222222:assumed-role/a/s", false),
            (USER, false),
        ] {
            assert_eq!(is_session_of(session, role), expected, "{session}");
        }
        assert!(!is_session_of(SESSION, USER));
    }

    #[test]
    fn a_resource_matches_or_is_open_with_a_reason() {
        let on = |resource: &str| {
            let fields = format!(r#""Effect":"Allow","Action":"sns:*",{resource}"#);
            applies(&rule(&fields, Kind::Identity), &publish(ROLE))
        };
        let crossing = r#""arn:aws:sns:*:t""#;
        let (found, why) = on(&format!(r#""Resource":{crossing}"#));
        assert_eq!(found, OPEN);
        assert_eq!(why.len(), 1);
        assert!(why[0].contains("run over a `:`"), "{why:?}");
        let settled = on(&format!(r#""Resource":[{crossing},"{TOPIC}"]"#));
        assert_eq!(settled, (DIRECTLY, Vec::new()));
        assert_eq!(on(&format!(r#""Resource":[{crossing},"a"]"#)).0, OPEN);
        assert_eq!(on(r#""Resource":["a","b"]"#), (NOT, Vec::new()));
        assert_eq!(on(r#""NotResource":["a","b"]"#), (DIRECTLY, Vec::new()));
        assert_eq!(
            on(&format!(r#""NotResource":["a","{TOPIC}"]"#)),
            (NOT, Vec::new())
        );
        let (found, why) = on(r#""Resource":"${aws:PrincipalTag/team}""#);
        assert_eq!(found, OPEN);
        assert_eq!(
            why,
            ["the variable `${aws:principaltag/team}` has no known value"]
        );
        assert_eq!(on(r#""Sid":"None""#).0, OPEN);
    }

    #[test]
    fn a_test_that_settles_it_leaves_no_reasons() {
        let under = |condition: &str| {
            let fields = format!(
                r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{{{condition}}}"#
            );
            applies(&rule(&fields, Kind::Identity), &publish(ROLE))
        };
        let (found, why) = under(r#""StringEquals":{"acme:team":"x"}"#);
        assert_eq!(
            (found, why),
            (OPEN, vec!["`acme:team` is not known".to_owned()])
        );
        let both = r#""StringEquals":{"acme:team":"x","aws:PrincipalAccount":"2"}"#;
        assert_eq!(under(both), (NOT, Vec::new()));
        assert_eq!(
            under(r#""StringEquals":{"aws:PrincipalAccount":"111111111111"}"#).0,
            DIRECTLY
        );
    }

    #[test]
    fn an_action_is_taken_or_all_but_it_is() {
        let takes = |clause: &str, action: &str| {
            let fields = format!(r#""Effect":"Allow",{clause},"Resource":"*""#);
            rule(&fields, Kind::Identity).action.takes(action)
        };
        assert!(takes(r#""Action":["SNS:Pub*","a:b"]"#, "sns:publish"));
        assert!(!takes(r#""Action":["SNS:Pub*","a:b"]"#, "sns:subscribe"));
        assert!(takes(r#""NotAction":["SNS:Pub*","a:b"]"#, "sns:subscribe"));
        assert!(!takes(r#""NotAction":["SNS:Pub*","a:b"]"#, "a:b"));
    }

    #[test]
    fn the_short_form_of_an_api_is_of_its_own_policy_only() {
        let call = "arn:aws:execute-api:eu-west-1:111111111111:abc/prod/GET/a";
        let of = |kind| rule(r#""Effect":"Allow","Action":"*","Resource":"*""#, kind);
        let short = Pattern::of("execute-api:/prod/*");
        assert_eq!(
            of(Kind::Resource).matches_resource(&short, call),
            Three::Yes
        );
        assert_eq!(of(Kind::Identity).matches_resource(&short, call), Three::No);
        assert_eq!(
            of(Kind::Resource).matches_resource(&short, TOPIC),
            Three::No
        );
        for (pattern, expected) in [
            ("execute-api:/", Some("")),
            ("execute-api:/a*", Some("a*")),
            ("execute-api:", None),
            ("execute-api", None),
            ("execute-api:*a/b", None),
            ("execute-apix:/a", None),
        ] {
            let found = short_form(&Pattern::of(pattern));
            assert_eq!(found, expected.map(Pattern::of), "{pattern}");
        }
        assert_eq!(path_of_api(call), Some("prod/GET/a"));
        for other in [
            "urn:aws:execute-api:eu-west-1:111111111111:abc/prod/GET/a",
            "arn:aws:s3:::bucket/key",
            "arn:aws:execute-api:eu-west-1:111111111111:abc",
            "*",
        ] {
            assert_eq!(path_of_api(other), None, "{other}");
        }
    }

    #[test]
    fn statements_are_called_by_their_sid_or_place_and_old_ones_have_no_variables() {
        let read = |version: &str| {
            let text = format!(
                r#"{{"Version":"{version}","Statement":[{{"Sid":"A","Effect":"Allow","Action":"a:b","Resource":"${{aws:username}}"}},{{"Effect":"Deny","Action":"a:b"}}]}}"#
            );
            Rules::of(
                &Document::parse(&text).expect("a policy"),
                Kind::Identity,
                "mine",
            )
        };
        for (version, variable) in [(VERSION, true), ("2008-10-17", false)] {
            let rules = read(version);
            assert_eq!(rules.name, "mine");
            let labels: Vec<&str> = rules.rules.iter().map(|it| it.label.as_str()).collect();
            assert_eq!(labels, ["statement `A`", "statement 2"]);
            let resource = rules.rules[0].resource.as_ref().expect("a resource");
            let found = matches!(resource.templates[0], Template::Variable(_));
            assert_eq!(found, variable);
        }
    }

    /// A federated session is opened by a user: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>
    #[test]
    fn a_user_may_have_opened_a_federated_session_of_its_account() {
        let of = |user: &str| {
            let fields = format!(
                r#""Effect":"Allow","Principal":{{"AWS":"{user}"}},"Action":"*","Resource":"*""#
            );
            let session = "arn:aws:sts::111111111111:federated-user/f";
            applies(&rule(&fields, Kind::Resource), &publish(session))
        };
        let (found, why) = of(USER);
        assert_eq!(found, [Three::No, Three::Maybe, Three::No]);
        assert_eq!(
            why,
            [format!(
                "it names {USER}, who may have opened the federated session"
            )]
        );
        for other in [
            "arn:aws:iam::222222222222:user/ann",
            "arn:aws-cn:iam::111111111111:user/ann",
            ROLE,
            SESSION,
        ] {
            assert_eq!(of(other), (NOT, Vec::new()), "{other}");
        }
    }

    #[test]
    fn a_name_tells_the_account_that_its_arn_has() {
        let a = Some("111111111111");
        for (kind, text, account) in [
            ("AWS", "111111111111", a),
            ("AWS", ROLE, a),
            ("AWS", SESSION, a),
            ("AWS", USER, a),
            ("AWS", "*", None),
            ("AWS", "AROAEXAMPLE123", None),
            ("Service", "sns.amazonaws.com", None),
            (
                "Federated",
                "arn:aws:iam::111111111111:oidc-provider/x",
                None,
            ),
            ("CanonicalUser", "x", None),
        ] {
            assert_eq!(name(kind, text).account(), account, "{kind} {text}");
        }
    }
}
