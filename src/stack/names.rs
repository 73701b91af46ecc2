//! Names and tags that AWS takes, and what is wrong with those it refuses.
//!
//! See the service pages:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>,
//! <https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html>,
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>.

use std::collections::BTreeMap;

use crate::model::Tags;
use crate::model::tags::{LONGEST_KEY, LONGEST_VALUE, is_of_aws, refused_character};

use super::checker::{Checker, Declared};
use super::diagnostic::{Code, Diagnostic, Span};
use super::fields::Item;
use super::syntax::Spanned;

/// What a kind of name may hold.
pub(super) struct Rule {
    what: &'static str,
    shortest: usize,
    longest: usize,
    allows: fn(char) -> bool,
    words: &'static str,
}

/// Why a name is refused.
pub(super) struct Refusal {
    what: &'static str,
    name: String,
    label: String,
    help: String,
}

fn word(it: char) -> bool {
    it.is_ascii_alphanumeric() || matches!(it, '_' | '-')
}

fn iam(it: char) -> bool {
    it.is_ascii_alphanumeric() || "_+=,.@-".contains(it)
}

/// A resource's name in the stack.
pub(super) const KEY: Rule = Rule {
    what: "name",
    shortest: 1,
    longest: 64,
    allows: word,
    words: "letters, digits, `-` and `_`",
};
/// A stack's name.
pub(super) const STACK: Rule = Rule {
    what: "name",
    shortest: 1,
    longest: 64,
    allows: |it| word(it) || it == '.',
    words: "letters, digits, `-`, `_` and `.`",
};
/// A role's name.
pub(super) const ROLE: Rule = Rule {
    what: "role name",
    shortest: 1,
    longest: 64,
    allows: iam,
    words: "letters, digits and `_+=,.@-`",
};
/// An inline policy's name.
pub(super) const POLICY: Rule = Rule {
    what: "policy name",
    shortest: 1,
    longest: 128,
    allows: iam,
    words: "letters, digits and `_+=,.@-`",
};
/// A topic's name, without `.fifo`.
pub(super) const TOPIC: Rule = Rule {
    what: "topic name",
    shortest: 1,
    longest: 256,
    allows: word,
    words: "letters, digits, `-` and `_`",
};
/// A queue's name, without `.fifo`.
pub(super) const QUEUE: Rule = Rule {
    what: "queue name",
    shortest: 1,
    longest: 80,
    allows: word,
    words: "letters, digits, `-` and `_`",
};
/// An API's name.
pub(super) const API: Rule = Rule {
    what: "API name",
    shortest: 1,
    longest: 1024,
    allows: |it| !it.is_control(),
    words: "characters that can be printed",
};
/// A REST API's id, which API Gateway chooses.
pub(super) const API_ID: Rule = Rule {
    what: "API id",
    shortest: 1,
    longest: 64,
    allows: |it| it.is_ascii_lowercase() || it.is_ascii_digit(),
    words: "lower-case letters and digits",
};
/// A stage's name.
pub(super) const STAGE: Rule = Rule {
    what: "stage name",
    shortest: 1,
    longest: 128,
    allows: word,
    words: "letters, digits, `-` and `_`",
};
/// A stage variable's name.
pub(super) const VARIABLE: Rule = Rule {
    what: "stage variable name",
    shortest: 1,
    longest: 64,
    allows: |it| it.is_ascii_alphanumeric() || it == '_',
    words: "letters, digits and `_`",
};
/// A stage variable's value.
pub(super) const VARIABLE_VALUE: Rule = Rule {
    what: "stage variable value",
    shortest: 0,
    longest: 512,
    allows: |it| it.is_ascii_alphanumeric() || "-._~:/?#&=,".contains(it),
    words: "letters, digits and `-._~:/?#&=,`",
};
/// An external id.
pub(super) const EXTERNAL_ID: Rule = Rule {
    what: "external id",
    shortest: 2,
    longest: 1224,
    allows: |it| it.is_ascii_alphanumeric() || "_+=,.@:/-".contains(it),
    words: "letters, digits and `_+=,.@:/-`",
};
/// An IAM path.
pub(super) const PATH: Rule = Rule {
    what: "path",
    shortest: 1,
    longest: 512,
    allows: |it| it.is_ascii_graphic(),
    words: "characters of printable ASCII",
};
/// A role's description.
pub(super) const DESCRIPTION: Rule = Rule {
    what: "description",
    shortest: 0,
    longest: 1000,
    allows: |it| matches!(it, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}'),
    words: "characters of Latin-1",
};

impl Rule {
    /// Why AWS refuses a name; `None` when it does not.
    pub(super) fn refuses(&self, name: &str) -> Option<Refusal> {
        let length = name.chars().count();
        let label = if let Some(bad) = name.chars().find(|it| !(self.allows)(*it)) {
            match bad {
                ' ' => "a space cannot stand here".to_owned(),
                it if it.is_control() => "a control character cannot stand here".to_owned(),
                it => format!("`{it}` cannot stand here"),
            }
        } else if length > self.longest {
            format!("{length} characters long")
        } else if length < self.shortest {
            if length == 0 {
                "empty".to_owned()
            } else {
                "too short".to_owned()
            }
        } else {
            return None;
        };
        Some(Refusal {
            what: self.what,
            name: name.to_owned(),
            label,
            help: format!(
                "{} {} {}",
                if self.shortest == 0 {
                    "at most".to_owned()
                } else {
                    format!("{} to", self.shortest)
                },
                self.longest,
                self.words
            ),
        })
    }
}

impl Refusal {
    /// Why, and what would do.
    pub(super) fn reason(self) -> String {
        format!("{}; a name has {}", self.label, self.help)
    }

    /// The fault, at the words.
    pub(super) fn at(self, owner: &str, span: Span) -> Diagnostic {
        Diagnostic::new(
            Code::Name,
            span,
            format!("{owner} cannot have the {} `{}`", self.what, self.name),
            self.label,
        )
        .help(self.help)
    }
}

/// How many tags an author may give: AWS takes 50, and up to six of them are our mark.
const MOST_TAGS: usize = 44;

/// A resource's tags with the stack's, checked.
pub(super) fn tags_of(checker: &mut Checker<'_>, it: &Declared<'_>) -> Tags {
    let own = it.fields.map("tags");
    let inherited = checker
        .tags
        .iter()
        .filter(|(key, _)| !own.iter().any(|(own, _)| own.value == key.value))
        .count();
    check_tags(checker, &it.fields.owner, own, inherited);
    let mut tags: Tags = checker
        .tags
        .iter()
        .map(|(key, value)| (key.value.clone(), value.clone()))
        .collect();
    tags.extend(
        own.iter()
            .filter_map(|(key, value)| Some((key.value.clone(), value.text()?.to_owned()))),
    );
    tags
}

/// Checks the tags of a table; `inherited` more come from the stack.
pub(super) fn check_tags(
    checker: &mut Checker<'_>,
    owner: &str,
    tags: &[(Spanned<String>, Spanned<Item>)],
    inherited: usize,
) {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    for (key, value) in tags {
        let fault = |span, message: String, label: String, help: &str| {
            Diagnostic::new(Code::Name, span, message, label).help(help)
        };
        let lower = key.value.to_lowercase();
        let another = "choose another name for the tag";
        let wrong = if is_of_aws(&key.value) {
            Some((
                "tags that begin with `aws:` are AWS's own".to_owned(),
                another,
            ))
        } else if lower.starts_with("provision:") {
            let why = "tags that begin with `provision:` are the mark of ownership";
            Some((why.to_owned(), another))
        } else if key.value.is_empty() || key.value.chars().count() > LONGEST_KEY {
            let why = format!("a tag's name has 1 to {LONGEST_KEY} characters");
            Some((why, another))
        } else {
            refused_character(&key.value).map(|it| {
                (
                    format!("{} cannot stand in a tag's name", shown(it)),
                    "write letters, digits, spaces and `_.:/=+-@`",
                )
            })
        };
        if let Some((why, help)) = wrong {
            let message = format!("{owner} cannot have the tag `{}`", key.value);
            checker.report(fault(key.span, message, why, help));
        }
        if let Some(first) = seen.insert(lower, key.span) {
            checker.report(same_but_case(owner, &key.value, key.span, first));
        }
        let text = value.text().unwrap_or_default();
        let wrong = if text.chars().count() > LONGEST_VALUE {
            Some(format!("more than {LONGEST_VALUE} characters"))
        } else {
            refused_character(text).map(|it| format!("{} cannot stand in a tag's value", shown(it)))
        };
        if let Some(why) = wrong {
            let message = format!("tag `{}` of {owner} cannot have this value", key.value);
            let help =
                format!("write at most {LONGEST_VALUE} letters, digits, spaces and `_.:/=+-@`");
            checker.report(fault(value.span, message, why, &help));
        }
    }
    if tags.len() + inherited > MOST_TAGS
        && let Some((last, _)) = tags.last()
    {
        let from_stack = if inherited == 0 {
            String::new()
        } else {
            format!(", {inherited} of them the stack's")
        };
        checker.report(
            Diagnostic::new(
                Code::OutOfRange,
                last.span,
                format!("{owner} has {} tags{from_stack}", tags.len() + inherited),
                format!("more than {MOST_TAGS}"),
            )
            .help(format!(
                "AWS takes 50, and up to six are the mark of ownership: keep {MOST_TAGS}"
            )),
        );
    }
}

/// Reports a role's tag whose name differs from one of the stack's in case alone.
pub(super) fn check_case(checker: &mut Checker<'_>, it: &Declared<'_>) {
    for (key, _) in it.fields.map("tags") {
        let lower = key.value.to_lowercase();
        let same = checker.tags.iter().find(|(of_stack, _)| {
            of_stack.value != key.value && of_stack.value.to_lowercase() == lower
        });
        if let Some(first) = same.map(|(of_stack, _)| of_stack.span) {
            checker.report(same_but_case(&it.fields.owner, &key.value, key.span, first));
        }
    }
}

/// The fault of a tag whose name differs from another's in case alone.
fn same_but_case(owner: &str, name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(
        Code::Duplicate,
        span,
        format!("{owner} has the tag `{name}` twice"),
        "differs only in case",
    )
    .and(first, "the first")
    .help("IAM does not tell names of tags apart by case; keep one")
}

/// A character as a message shows it.
fn shown(it: char) -> String {
    if it.is_control() {
        format!("the control character U+{:04X}", u32::from(it))
    } else {
        format!("`{it}`")
    }
}

/// A topic's or queue's name in AWS and whether it is FIFO.
pub(super) struct NameAndFifo {
    pub(super) name: String,
    pub(super) fifo: bool,
}

/// The name of a topic or queue from its `name`, or from its table's name with
/// `.fifo` added where it belongs.
pub(super) fn name_and_fifo(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    rule: &Rule,
) -> Option<NameAndFifo> {
    let fifo = it.fields.flag("fifo");
    let fifo_at = it.fields.get("fifo").map(|it| it.span);
    let Some(written) = it.fields.text("name") else {
        if it.fields.is_written("name") {
            return None;
        }
        let name = if fifo {
            format!("{}.fifo", it.name)
        } else {
            it.name.to_owned()
        };
        return usable(checker, it, rule, &name, it.key).then_some(NameAndFifo { name, fifo });
    };
    let name = written.value.to_owned();
    match (name.strip_suffix(".fifo"), fifo) {
        (None, true) => {
            let mut fault = Diagnostic::new(
                Code::Name,
                written.span,
                format!(
                    "{} is FIFO, and its name does not end in `.fifo`",
                    it.fields.owner
                ),
                "without `.fifo`",
            )
            .fix(
                "AWS wants the ending",
                written.span,
                format!("\"{name}.fifo\""),
            );
            if let Some(at) = fifo_at {
                fault = fault.and(at, "FIFO here");
            }
            checker.report(fault);
            return None;
        }
        (Some(_), false) => {
            checker.report(
                Diagnostic::new(
                    Code::Name,
                    written.span,
                    format!(
                        "{} is not FIFO, and its name ends in `.fifo`",
                        it.fields.owner
                    ),
                    "only FIFO names end so",
                )
                .help("add `fifo = true`, or take `.fifo` from the name"),
            );
            return None;
        }
        (Some(_), true) | (None, false) => {}
    }
    usable(checker, it, rule, &name, written.span).then_some(NameAndFifo { name, fifo })
}

fn usable(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    rule: &Rule,
    name: &str,
    span: Span,
) -> bool {
    let bare = name.strip_suffix(".fifo").unwrap_or(name);
    let refusal = rule.refuses(bare).or_else(|| {
        (name.len() > rule.longest).then(|| Refusal {
            what: rule.what,
            name: name.to_owned(),
            label: format!("{} characters long", name.len()),
            help: format!("at most {}, `.fifo` included", rule.longest),
        })
    });
    // A key that is no name at all was reported as a key.
    let reported = span == it.key && (KEY.refuses(it.name).is_some());
    match refusal {
        Some(_) if reported => false,
        Some(refusal) => {
            checker.report(refusal.at(&it.fields.owner, span));
            false
        }
        None => !reported,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::faults;
    use super::{API, POLICY, QUEUE, ROLE, STAGE, TOPIC};

    #[test]
    fn a_name_is_as_long_as_aws_takes_it_and_no_longer() {
        for (rule, longest) in [
            (&ROLE, 64),
            (&POLICY, 128),
            (&TOPIC, 256),
            (&QUEUE, 80),
            (&STAGE, 128),
            (&API, 1024),
        ] {
            assert!(
                rule.refuses(&"x".repeat(longest)).is_none(),
                "{}",
                rule.what
            );
            assert!(
                rule.refuses(&"x".repeat(longest + 1)).is_some(),
                "{}",
                rule.what
            );
            assert!(rule.refuses("").is_some(), "{}", rule.what);
        }
    }

    #[test]
    fn tags_are_ones_aws_takes() {
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\ntags = { \"aws:x\" = \"a\", \"Provision:stack\" = \"b\", \"a!\" = \"c\", a = \"d!\", b = \"e\", B = \"f\" }\n"
            ),
            snapbox::str![[r#"
E0203: topic `t` cannot have the tag `aws:x` [tags that begin with `aws:` are AWS's own] help: choose another name for the tag
E0203: topic `t` cannot have the tag `Provision:stack` [tags that begin with `provision:` are the mark of ownership] help: choose another name for the tag
E0203: topic `t` cannot have the tag `a!` [`!` cannot stand in a tag's name] help: write letters, digits, spaces and `_.:/=+-@`
E0203: tag `a` of topic `t` cannot have this value [`!` cannot stand in a tag's value] help: write at most 256 letters, digits, spaces and `_.:/=+-@`
E0202: topic `t` has the tag `B` twice [differs only in case | the first] help: IAM does not tell names of tags apart by case; keep one

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\ntags = { k0 = \"v\", k1 = \"v\", k2 = \"v\", k3 = \"v\", k4 = \"v\", k5 = \"v\", k6 = \"v\", k7 = \"v\", k8 = \"v\", k9 = \"v\", k10 = \"v\", k11 = \"v\", k12 = \"v\", k13 = \"v\", k14 = \"v\", k15 = \"v\", k16 = \"v\", k17 = \"v\", k18 = \"v\", k19 = \"v\", k20 = \"v\", k21 = \"v\", k22 = \"v\", k23 = \"v\", k24 = \"v\", k25 = \"v\", k26 = \"v\", k27 = \"v\", k28 = \"v\", k29 = \"v\", k30 = \"v\", k31 = \"v\", k32 = \"v\", k33 = \"v\", k34 = \"v\", k35 = \"v\", k36 = \"v\", k37 = \"v\", k38 = \"v\", k39 = \"v\", k40 = \"v\", k41 = \"v\", k42 = \"v\", k43 = \"v\", k44 = \"v\", k45 = \"v\", k46 = \"v\", k47 = \"v\" }\n"
            ),
            snapbox::str![[r#"
E0104: topic `t` has 48 tags [more than 44] help: AWS takes 50, and up to six are the mark of ownership: keep 44

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.t]\ntags = { a = 5 }\n"),
            snapbox::str![[r#"
E0102: `a` of `tags` of topic `t` has the wrong type [this is a whole number] write it in quotes: "5"

"#]]
        );
        let trusted = "trusted_by = \"ec2.amazonaws.com\"\n";
        let text = format!(
            "[stack.tags]\nTeam = \"a\"\n[topics.t]\ntags = {{ team = \"a\" }}\n[roles.r]\n{trusted}tags = {{ team = \"a\" }}\n[roles.s]\n{trusted}tags = {{ Team = \"b\" }}\n"
        );
        snapbox::assert_data_eq!(
            faults(&text),
            snapbox::str![[r#"
E0202: role `r` has the tag `team` twice [differs only in case | the first] help: IAM does not tell names of tags apart by case; keep one

"#]]
        );
    }

    #[test]
    fn every_kind_takes_the_same_characters_in_its_tags() {
        let held = "tags = { \"Cost centre\" = \"R&D\" }\n";
        let kinds = [
            "[topics.x]\n",
            "[queues.x]\n",
            "[roles.x]\ntrusted_by = \"ec2.amazonaws.com\"\n",
            "[apis.x]\nroutes = { \"GET /\" = { mock = 200 } }\n",
        ];
        for kind in kinds {
            let found = faults(&format!("{kind}{held}"));
            assert!(
                found.contains("`&` cannot stand in a tag's value"),
                "{found}"
            );
            assert_eq!(found.matches("E0203").count(), 1, "{found}");
            let good = held.replace("R&D", "Größe 1/2 @ home\u{a0}+ Co.");
            assert_eq!(faults(&format!("{kind}{good}")), "no fault\n", "{kind}");
        }
        let found = faults("[topics.x]\ntags = { a = \"b\\tc\" }\n");
        assert!(
            found.contains("the control character U+0009 cannot stand"),
            "{found}"
        );
    }
}
