//! How much of its limit a document uses, counted as its service counts.
//!
//! IAM leaves white space out of the count; SNS and SQS count bytes and also
//! statements and principals; API Gateway counts characters, and to be safe each
//! short `execute-api` resource is counted as the whole ARN it becomes.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>,
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html>,
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-key-concepts.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>.

use std::collections::BTreeMap;

use super::document::{Document, Principals};
use super::normal::ApiName;

/// The default length of a role's trust policy, and the only one that is safe to count on.
pub const TRUST: usize = 2048;
/// All inline policies of a role together.
pub const INLINE: usize = 10_240;
/// Managed policies attached to one role, unless the account's quota was raised.
pub const ATTACHED: usize = 10;
/// What an account allows of each of its roles and APIs: the defaults, until they were raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// The length of a trust policy.
    pub trust: usize,
    /// How many managed policies may be attached.
    pub attached: usize,
    /// The length of an API's resource policy.
    pub api_policy: usize,
    /// How many resources an API may have.
    pub api_resources: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            trust: TRUST,
            attached: ATTACHED,
            api_policy: API,
            api_resources: RESOURCES,
        }
    }
}

/// A managed policy.
pub const MANAGED: usize = 6144;
/// A topic's policy in bytes.
pub const TOPIC_BYTES: usize = 30 * 1024;
/// Bytes of a KMS key's policy.
///
/// See <https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>.
pub const KEY_BYTES: usize = 32 * 1024;
/// Statements of a topic's policy.
pub const TOPIC_STATEMENTS: usize = 100;
/// Principals of a topic's policy.
pub const TOPIC_PRINCIPALS: usize = 200;
/// A queue's policy in bytes.
pub const QUEUE_BYTES: usize = 8192;
/// Statements of a queue's policy.
pub const QUEUE_STATEMENTS: usize = 20;
/// Principals of a queue's policy.
pub const QUEUE_PRINCIPALS: usize = 50;
/// Actions in one statement of a queue's policy.
pub const QUEUE_ACTIONS: usize = 7;
/// Conditions in one statement of a queue's policy.
pub const QUEUE_CONDITIONS: usize = 10;
/// A REST API's resource policy.
pub const API: usize = 8192;
/// Resources of one REST API, which AWS raises on request.
pub const RESOURCES: usize = 300;

/// One thing that is limited, and how much of it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What is counted, as a sentence says it: `bytes of queue policy`.
    pub what: &'static str,
    /// How much there is.
    pub used: usize,
    /// How much there may be.
    pub limit: usize,
}

impl Budget {
    /// A budget that has this much used.
    #[must_use]
    pub fn new(what: &'static str, used: usize, limit: usize) -> Self {
        Self { what, used, limit }
    }

    /// Whether AWS would refuse it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.used > self.limit
    }

    /// What is used of the limit in percent, rounded up: 100 is full, more is too much.
    #[must_use]
    pub fn percent(&self) -> usize {
        (self.used * 100).div_ceil(self.limit.max(1))
    }

    /// How many more consumers fit, when each costs this much; `None` when they cost nothing.
    #[must_use]
    pub fn room_for(&self, consumer_cost: usize) -> Option<usize> {
        self.limit
            .saturating_sub(self.used)
            .checked_div(consumer_cost)
    }
}

/// The budget that is nearest to its limit.
#[must_use]
pub fn tightest(budgets: &[Budget]) -> Option<&Budget> {
    // Compared as fractions: a / b < c / d is a d < c b.
    budgets
        .iter()
        .max_by(|a, b| (a.used * b.limit).cmp(&(b.used * a.limit)))
}

/// How many more consumers fit after `with`, when the last one made `without` into `with`.
///
/// The two are budgets of one document, in the same order. `None` when a consumer costs nothing.
#[must_use]
pub fn room(without: &[Budget], with: &[Budget]) -> Option<usize> {
    without
        .iter()
        .zip(with)
        .filter_map(|(before, after)| after.room_for(after.used.saturating_sub(before.used)))
        .min()
}

/// Characters that IAM counts: all but white space.
fn dense(document: &Document) -> usize {
    document
        .to_text()
        .chars()
        .filter(|it| !it.is_whitespace())
        .count()
}

/// A trust policy; `limit` is the account's own where it is known, else [`TRUST`].
#[must_use]
pub fn trust(document: &Document, limit: usize) -> Budget {
    Budget::new("characters of trust policy", dense(document), limit)
}

/// All inline policies of one role.
#[must_use]
pub fn inline<'a>(documents: impl IntoIterator<Item = &'a Document>) -> Budget {
    let used = documents.into_iter().map(dense).sum();
    Budget::new("characters of inline policies", used, INLINE)
}

/// A managed policy.
#[must_use]
pub fn managed(document: &Document) -> Budget {
    Budget::new("characters of managed policy", dense(document), MANAGED)
}

/// Managed policies attached to one role; `limit` is the account's own where it is known, else [`ATTACHED`].
#[must_use]
pub fn attached(count: usize, limit: usize) -> Budget {
    Budget::new("managed policies of one role", count, limit)
}

/// A topic's policy.
#[must_use]
pub fn topic(document: &Document) -> Vec<Budget> {
    vec![
        Budget::new(
            "bytes of topic policy",
            document.to_text().len(),
            TOPIC_BYTES,
        ),
        Budget::new(
            "statements of topic policy",
            document.statements.len(),
            TOPIC_STATEMENTS,
        ),
        Budget::new(
            "principals of topic policy",
            principals(document),
            TOPIC_PRINCIPALS,
        ),
    ]
}

/// A KMS key's policy.
#[must_use]
pub fn key(document: &Document) -> Vec<Budget> {
    let used = document.to_text().len();
    vec![Budget::new("bytes of key policy", used, KEY_BYTES)]
}

/// A queue's policy.
#[must_use]
pub fn queue(document: &Document) -> Vec<Budget> {
    let statements = &document.statements;
    let actions = statements.iter().map(|it| it.action.values.len()).max();
    // AWS says "conditions: 10" without saying of what. Documents of twenty statements with
    // a condition each are accepted, so it is of a statement.
    let conditions = statements
        .iter()
        .map(|it| it.conditions.values().map(BTreeMap::len).sum())
        .max();
    vec![
        Budget::new(
            "bytes of queue policy",
            document.to_text().len(),
            QUEUE_BYTES,
        ),
        Budget::new(
            "statements of queue policy",
            statements.len(),
            QUEUE_STATEMENTS,
        ),
        Budget::new(
            "principals of queue policy",
            principals(document),
            QUEUE_PRINCIPALS,
        ),
        Budget::new(
            "actions of one queue policy statement",
            actions.unwrap_or(0),
            QUEUE_ACTIONS,
        ),
        Budget::new(
            "conditions of one queue policy statement",
            conditions.unwrap_or(0),
            QUEUE_CONDITIONS,
        ),
    ]
}

/// A REST API's resource policy, its short resources counted as the ARNs they become.
#[must_use]
pub fn api(document: &Document, name: &ApiName<'_>) -> Budget {
    let used = name.expand(document).to_text().chars().count();
    Budget::new("characters of API policy", used, API)
}

fn principals(document: &Document) -> usize {
    document
        .statements
        .iter()
        .filter_map(|it| it.principal.as_ref())
        .map(|it| match &it.principals {
            Principals::Anyone => 1,
            Principals::Of(types) => types.values().map(Vec::len).sum(),
        })
        .sum()
}

/// The first character that no policy may hold: IAM takes tab, line ends and U+0020 to U+00FF.
#[must_use]
pub fn forbidden(document: &Document) -> Option<char> {
    // JSON escapes tabs and line ends, so what is left of them here is plain text.
    document
        .to_text()
        .chars()
        .find(|it| !('\u{20}'..='\u{ff}').contains(it))
}

/// The first character that no topic policy may hold: SNS takes ASCII only.
#[must_use]
pub fn forbidden_in_topic(document: &Document) -> Option<char> {
    forbidden(document).or_else(|| document.to_text().chars().find(|it| !it.is_ascii()))
}

#[cfg(test)]
mod tests {
    use super::super::document::{Clause, PrincipalClause, Statement};
    use super::*;

    fn document(statements: usize) -> Document {
        Document::of(
            (0..statements)
                .map(|it| {
                    Statement::allow(format!("S{it}"), Clause::of(["sqs:SendMessage"]))
                        .to(PrincipalClause::service(["sns.amazonaws.com"]))
                        .on(["arn:aws:sqs:eu-west-1:111111111111:q"])
                        .when("ArnLike", "aws:SourceArn", ["arn:aws:sns:x"])
                })
                .collect(),
        )
    }

    #[test]
    fn iam_leaves_white_space_out() {
        let spaced = Document::of(vec![Statement::allow("A", Clause::of(["a:b"])).when(
            "StringEquals",
            "k",
            ["a b\tc"],
        )]);
        let text = spaced.to_text();
        // The tab is written as the two characters `\t`, so only the space goes.
        assert_eq!(trust(&spaced, TRUST).used, text.len() - 1);
        assert_eq!(managed(&spaced).used, text.len() - 1);
    }

    #[test]
    fn inline_policies_share_one_budget() {
        let one = document(1);
        let alone = inline([&one]).used;
        assert_eq!(inline([&one, &one]).used, 2 * alone);
        assert_eq!(inline([]).used, 0);
    }

    #[test]
    fn a_twenty_first_statement_is_too_much_for_a_queue() {
        assert!(!queue(&document(20)).iter().any(Budget::is_over));
        let over: Vec<_> = queue(&document(21))
            .into_iter()
            .filter(Budget::is_over)
            .collect();
        assert_eq!(over, [Budget::new("statements of queue policy", 21, 20)]);
    }

    #[test]
    fn a_queue_statement_has_seven_actions_at_most() {
        let mut eight = document(1);
        eight.statements[0].action = Clause::of((0..8).map(|it| format!("sqs:A{it}")));
        assert!(queue(&eight).iter().any(Budget::is_over));
    }

    #[test]
    fn a_topic_counts_every_principal_of_every_statement() {
        let mut many = document(2);
        many.statements[0].principal = Some(PrincipalClause::aws(["a", "b", "c"]));
        many.statements[1].principal = Some(PrincipalClause::anyone());
        assert_eq!(topic(&many)[2].used, 4);
        assert_eq!(topic(&many)[1].used, 2);
    }

    #[test]
    fn bytes_are_not_characters() {
        let mut wide = document(1);
        wide.statements[0].sid = Some("é".to_owned());
        let bytes = queue(&wide)[0].used;
        assert_eq!(bytes, wide.to_text().chars().count() + 1);
    }

    #[test]
    fn short_resources_count_as_the_arns_they_become() {
        let name = ApiName {
            partition: "aws",
            region: "eu-west-1",
            account: "111111111111",
            api: "abcdefghij",
        };
        let short = Document::of(vec![
            Statement::allow("A", Clause::of(["execute-api:Invoke"])).on(["execute-api:/p/GET/a"]),
        ]);
        let grown = name.head().len() - "execute-api:/".len();
        assert_eq!(api(&short, &name).used, short.to_text().len() + grown);
    }

    #[test]
    fn room_is_what_the_scarcest_thing_leaves() {
        let (without, with) = (queue(&document(3)), queue(&document(4)));
        assert_eq!(room(&without, &with), Some(16));
        assert_eq!(room(&with, &with), None);
        assert_eq!(Budget::new("x", 90, 100).room_for(4), Some(2));
        assert_eq!(Budget::new("x", 190, 100).room_for(4), Some(0));
    }

    #[test]
    fn limits_are_those_that_aws_names() {
        assert_eq!([TRUST, INLINE, MANAGED], [2048, 10_240, 6144]);
        assert_eq!([TOPIC_BYTES, QUEUE_BYTES, API], [30_720, 8192, 8192]);
    }

    #[test]
    fn the_tightest_budget_is_the_one_nearest_its_limit() {
        let budgets = [Budget::new("a", 50, 100), Budget::new("b", 3, 5)];
        assert_eq!(tightest(&budgets), Some(&budgets[1]));
        let near = [
            Budget::new("a", 1, 10),
            Budget::new("b", 90, 1000),
            Budget::new("c", 0, 1),
        ];
        assert_eq!(tightest(&near), Some(&near[0]));
        let both = [Budget::new("a", 90, 100), Budget::new("b", 80, 100)];
        assert_eq!(tightest(&both), Some(&both[0]));
        assert_eq!(budgets[1].percent(), 60);
        assert_eq!(Budget::new("c", 1, 1000).percent(), 1);
    }

    #[test]
    fn letters_beyond_latin_are_refused_and_topics_take_ascii_only() {
        let with = |sid: &str| {
            let mut document = document(1);
            document.statements[0].sid = Some(sid.to_owned());
            document
        };
        assert_eq!(forbidden(&with("Жук")), Some('Ж'));
        assert_eq!(forbidden(&with("Käse")), None);
        assert_eq!(forbidden_in_topic(&with("Käse")), Some('ä'));
        assert_eq!(forbidden_in_topic(&with("Cheese")), None);
    }

    #[test]
    fn full_is_not_over_and_what_is_attached_is_counted() {
        for (used, over, percent) in [(9, false, 90), (10, false, 100), (11, true, 110)] {
            let budget = attached(used, ATTACHED);
            assert_eq!((budget.is_over(), budget.percent()), (over, percent));
        }
        assert_eq!(Budget::new("x", 1, 0).percent(), 100);
        assert_eq!(
            attached(3, 20),
            Budget::new("managed policies of one role", 3, 20)
        );
        assert_eq!(trust(&document(1), 4096).limit, 4096);
    }

    #[test]
    fn a_queue_counts_the_conditions_of_the_statement_that_has_most() {
        let mut two = document(2);
        two.statements[1] = two.statements[1]
            .clone()
            .when("ArnLike", "aws:PrincipalArn", ["arn:aws:iam::1:role/a"])
            .when("Bool", "aws:SecureTransport", ["true"]);
        let used: Vec<usize> = queue(&two).iter().map(|it| it.used).collect();
        assert_eq!(used[1..], [2, 2, 1, 3]);
        let used: Vec<usize> = queue(&document(0)).iter().map(|it| it.used).collect();
        assert_eq!(used[1..], [0, 0, 0, 0]);
    }
}
