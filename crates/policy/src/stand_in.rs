//! What in an example request only stands for others, in words.
//!
//! An example has one caller, one resource and one value for each condition key. Where a policy names none, they are
//! made up. A made-up ARN must not be shown as if it were there: [`RealNames`] tells it from the names of policies,
//! of a stack's resources and of its accounts, and says what it stands for.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Document, Principals};
use super::normal::root_account;
use super::request::{Request, Who};

/// Made-up values of condition keys, and what they stand for.
pub(super) const OTHERS: [(&str, &str, &str); 6] = [
    ("sourcevpce", "vpce-0other", "another VPC endpoint"),
    ("sourcevpc", "vpc-0other", "another VPC"),
    ("orgid", "o-other", "another organization"),
    ("orgpaths", "o-other/r-other/", "another organization"),
    ("calledvia", "other.amazonaws.com", "any other service"),
    ("", "other", "any other value"),
];

/// The account of a stranger, if no policy or stack has it.
const STRANGER: u64 = 999_999_999_999;

/// Names that are there: those of a stack's accounts and resources, and those that policies name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealNames {
    /// Accounts by their ids, with the stack's name of each.
    accounts: BTreeMap<String, Option<String>>,
    /// ARNs, services, and values of condition keys.
    names: BTreeSet<String>,
    /// Whether a policy names principals: one that names none is its holder's.
    names_principals: bool,
    /// Whether the accounts are those of a stack.
    of_stack: bool,
}

impl RealNames {
    /// Returns the names of a stack's accounts, each an id and what the stack calls it.
    #[must_use]
    pub fn of_accounts(accounts: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            accounts: accounts
                .into_iter()
                .map(|(id, name)| (id, Some(name)))
                .collect(),
            names_principals: true,
            of_stack: true,
            ..Self::default()
        }
    }

    /// Returns the names that policies give.
    #[must_use]
    pub fn of_policies<'a>(documents: impl IntoIterator<Item = &'a Document>) -> Self {
        let mut names = Self::default();
        for document in documents {
            names.add_policy(document);
        }
        names
    }

    /// Adds every name of a policy that holds no wildcard.
    pub fn add_policy(&mut self, document: &Document) {
        for statement in &document.statements {
            let clause = statement.principal.as_ref();
            self.names_principals |= clause.is_some();
            let principals = match clause.map(|it| &it.principals) {
                Some(Principals::Of(types)) => Some(types.values().flatten()),
                Some(Principals::Anyone) | None => None,
            };
            let resources = statement.resource.iter().flat_map(|it| &it.values);
            let conditions = statement.conditions.values().flat_map(BTreeMap::values);
            let all = principals.into_iter().flatten().chain(resources);
            for name in all.chain(conditions.flatten()) {
                self.add(name);
            }
        }
    }

    /// Adds a name that is there, such as an ARN or an account's id. One with a wildcard names at most an account.
    pub fn add(&mut self, name: &str) {
        let of_arn = name.split(':').nth(4).filter(|_| name.starts_with("arn:"));
        let account = of_arn.map_or_else(|| root_account(name), root_account);
        if let Some(account) = account {
            self.accounts.entry(account.to_owned()).or_default();
        }
        if !name.contains(['*', '?', '$']) {
            self.names.insert(name.to_owned());
        }
    }

    /// Returns an account that is not there, for the caller of an example who is from elsewhere.
    #[must_use]
    pub fn stranger(&self) -> String {
        let ids = (0..STRANGER).map(|it| format!("{:012}", STRANGER - it));
        let mut free = ids.filter(|it| !self.accounts.contains_key(it));
        free.next().unwrap_or_default()
    }

    /// Whether an ARN is there, or is a part of one that is, as a route is of an API.
    fn holds(&self, arn: &str) -> bool {
        let parts = arn.match_indices(['/', ':']).map(|(at, _)| &arn[..at]);
        let is_long = |it: &&str| it.split(':').count() >= 6;
        self.names.contains(arn) || parts.filter(is_long).any(|it| self.names.contains(it))
    }

    /// `account prod (111111111111)`, of an account that is there.
    fn account(&self, id: &str) -> Option<String> {
        let name = self.accounts.get(id)?;
        Some(match name {
            Some(name) => format!("account {name} ({id})"),
            None => format!("account {id}"),
        })
    }

    fn outside(&self) -> &'static str {
        if self.of_stack {
            "outside the stack"
        } else {
            "that the policies do not name"
        }
    }

    /// Returns whom the caller of an example stands for; nothing of a caller that is there.
    #[must_use]
    pub fn caller(&self, who: &Who) -> Option<String> {
        let Who::Arn(arn) = who else {
            return None;
        };
        if self.holds(arn) {
            return None;
        }
        if !self.names_principals {
            return Some("the role or user that has the policy".to_owned());
        }
        let mut parts = arn.splitn(6, ':').skip(4);
        let (id, name) = (parts.next()?, parts.next()?);
        let of_account = self.account(id);
        if name == "root" {
            return match of_account {
                Some(_) => None,
                None => Some(format!("any AWS account {}", self.outside())),
            };
        }
        let by = if self.of_stack {
            "that the stack does not name"
        } else {
            "that the policies do not name"
        };
        Some(match of_account {
            Some(account) => format!("any principal of {account} {by}"),
            None => format!("any role or user of an AWS account {}", self.outside()),
        })
    }

    /// Returns what the resource of an example stands for; nothing of a resource that is there, and of `*`.
    #[must_use]
    pub fn resource(&self, arn: &str) -> Option<String> {
        if !arn.starts_with("arn:") || self.holds(arn) {
            return None;
        }
        let mut parts = arn.splitn(6, ':').skip(2);
        let (service, _, id) = (parts.next()?, parts.next(), parts.next()?);
        let any = any_of(service, parts.next().unwrap_or_default());
        Some(match self.account(id) {
            Some(account) => format!("{any} of {account}"),
            None => any,
        })
    }

    /// Returns what a value of a condition key stands for; nothing of one that is there.
    fn value(&self, key: &str, value: &str) -> Option<String> {
        if self.names.contains(value) {
            return None;
        }
        let key = key.to_ascii_lowercase();
        if value.starts_with("arn:") {
            return if key.ends_with("principalarn") {
                self.caller(&Who::of(value))
            } else {
                self.resource(value)
            };
        }
        let is_account = key.ends_with("account") || key.ends_with("owner");
        if is_account && root_account(value).is_some() {
            let stands = self.account(value).is_none();
            return stands.then(|| format!("any AWS account {}", self.outside()));
        }
        let mut others = OTHERS.iter();
        let other = others.find(|(of, made_up, _)| key.contains(of) && *made_up == value);
        other.map(|(_, _, says)| (*says).to_owned())
    }

    /// Returns what of a request stands for others, in words, by the request's fields: `principal`, `resource`,
    /// `resourceAccount`, and each condition key.
    #[must_use]
    pub fn stand_ins(&self, request: &Request) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut add = |field: &str, says: Option<String>| {
            found.extend(says.map(|it| (field.to_owned(), it)));
        };
        add("principal", self.caller(&request.principal));
        add("resource", self.resource(&request.resource));
        let owner = request.resource_account.as_deref();
        let owner = owner.filter(|it| self.account(it).is_none());
        add(
            "resourceAccount",
            owner.map(|_| format!("any AWS account {}", self.outside())),
        );
        for (key, values) in &request.context {
            add(key, values.iter().find_map(|it| self.value(key, it)));
        }
        found
    }
}

/// `any queue`, of a resource of SQS.
fn any_of(service: &str, name: &str) -> String {
    let noun = match service {
        "sqs" => "queue",
        "sns" => "topic",
        "kms" => "KMS key",
        "execute-api" => "route of any API",
        "lambda" => "function",
        "iam" | "sts" => {
            let noun = name.split('/').next().filter(|_| name.contains('/'));
            return format!("any {}", noun.unwrap_or("identity"));
        }
        _ => return format!("anything of {service}"),
    };
    format!("any {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> RealNames {
        let mut names = RealNames::of_accounts([("111111111111".to_owned(), "prod".to_owned())]);
        names.add("arn:aws:sqs:eu-west-1:111111111111:orders");
        names.add("arn:aws:execute-api:eu-west-1:111111111111:a1b2c3");
        names
    }

    fn caller(arn: &str) -> Option<String> {
        names().caller(&Who::of(arn))
    }

    #[test]
    fn what_is_there_stands_for_itself() {
        let mut names = names();
        assert_eq!(
            names.resource("arn:aws:sqs:eu-west-1:111111111111:orders"),
            None
        );
        let route = "arn:aws:execute-api:eu-west-1:111111111111:a1b2c3/live/GET/x";
        assert_eq!(names.resource(route), None);
        let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*","Principal":{"AWS":["arn:aws:iam::222222222222:role/them","333333333333"]}}}"#;
        names.add_policy(&Document::parse(text).expect("a policy"));
        let them = Who::of("arn:aws:iam::222222222222:role/them");
        assert_eq!(names.caller(&them), None);
        let root = Who::of("arn:aws:iam::333333333333:root");
        assert_eq!(names.caller(&root), None);
        assert_eq!(
            names
                .caller(&Who::of("arn:aws:iam::333333333333:role/any"))
                .as_deref(),
            Some("any principal of account 333333333333 that the stack does not name")
        );
    }

    #[test]
    fn what_is_made_up_is_said_in_words() {
        assert_eq!(
            caller("arn:aws:iam::111111111111:role/x").as_deref(),
            Some("any principal of account prod (111111111111) that the stack does not name")
        );
        assert_eq!(
            caller("arn:aws:iam::999999999999:user/x").as_deref(),
            Some("any role or user of an AWS account outside the stack")
        );
        assert_eq!(
            caller("arn:aws:iam::999999999999:root").as_deref(),
            Some("any AWS account outside the stack")
        );
        let names = names();
        for (arn, says) in [
            ("arn:aws:sqs:eu-west-1::example", "any queue"),
            (
                "arn:aws:sqs:eu-west-1:111111111111:orders-2",
                "any queue of account prod (111111111111)",
            ),
            (
                "arn:aws:dynamodb:eu-west-1::example",
                "anything of dynamodb",
            ),
            ("arn:aws:iam::999999999999:role/x", "any role"),
        ] {
            assert_eq!(names.resource(arn).as_deref(), Some(says), "{arn}");
        }
        let request = Request::new(
            Who::Service("sns.amazonaws.com".to_owned()),
            "sqs:SendMessage",
            "arn:aws:sqs:eu-west-1:111111111111:orders",
        )
        .with("aws:SourceArn", ["arn:aws:sns:eu-west-1:999999999999:x"])
        .with("aws:SourceAccount", ["999999999999"])
        .with("aws:SourceVpc", ["vpc-0other"])
        .with("aws:PrincipalTag/team", ["other"]);
        let found: Vec<String> = names.stand_ins(&request).into_values().collect();
        assert_eq!(
            found,
            [
                "any other value",
                "any AWS account outside the stack",
                "any topic",
                "another VPC",
            ]
        );
    }

    #[test]
    fn a_stranger_is_of_an_account_that_nothing_names() {
        let mut names = names();
        assert_eq!(names.stranger(), "999999999999");
        names.add("arn:aws:iam::999999999999:role/them-*");
        names.add("999999999998");
        assert_eq!(names.stranger(), "999999999997");
    }

    #[test]
    fn a_policy_without_principals_is_its_holders() {
        let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}"#;
        let names = RealNames::of_policies([&Document::parse(text).expect("a policy")]);
        assert_eq!(
            names
                .caller(&Who::of("arn:aws:iam::333333333333:role/x"))
                .as_deref(),
            Some("the role or user that has the policy")
        );
    }

    #[test]
    fn one_policy_with_principals_is_enough_for_callers_to_be_named() {
        let own = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}"#;
        let shared = own.replace(
            r#""Action""#,
            r#""Principal":{"AWS":"222222222222"},"Action""#,
        );
        let [own, shared] = [own, &shared].map(|it| Document::parse(it).expect("a policy"));
        for documents in [[&shared, &own], [&own, &shared]] {
            let names = RealNames::of_policies(documents);
            let other = Who::of("arn:aws:iam::333333333333:role/x");
            assert_eq!(
                names.caller(&other).as_deref(),
                Some("any role or user of an AWS account that the policies do not name")
            );
        }
    }

    #[test]
    fn what_is_not_there_is_called_by_its_kind() {
        for (service, name, noun) in [
            ("sqs", "q", "any queue"),
            ("sns", "t", "any topic"),
            ("kms", "key/k", "any KMS key"),
            ("execute-api", "abc/prod/GET/a", "any route of any API"),
            ("lambda", "function:f", "any function"),
            ("iam", "role/a", "any role"),
            ("sts", "assumed-role/a/s", "any assumed-role"),
            ("iam", "root", "any identity"),
            ("s3", "b", "anything of s3"),
        ] {
            assert_eq!(any_of(service, name), noun, "{service} {name}");
        }
    }
}
