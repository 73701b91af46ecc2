//! `[keys.NAME]`: a KMS key that encrypts topics and queues, and whose policy this stack writes into.
//!
//! See <https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html>.

use std::collections::BTreeMap;

use crate::model::{Arn, KindName, Region};

use super::accept::{ACCEPT, accept};
use super::checker::{Checker, Declared, Noun, Standing};
use super::diagnostic::{Code, Diagnostic, Span};
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;
use super::{Key, roles};

pub(super) const KEY: Shape = Shape {
    noun: "key",
    doc: "A KMS key that topics and queues are encrypted with, in an account of the stack. This stack writes its own statements into the key's policy, which let those use the key who use what it encrypts; every other statement stays as it is. Nothing else of the key is managed.",
    fields: &[
        Field::new(
            "existing",
            Kind::Text,
            "The key's own ARN: `arn:aws:kms:REGION:ACCOUNT:key/ID`, not that of an alias.",
        )
        .with_existing()
        .required()
        .alias(&["arn", "key_arn"]),
        Field::new(
            "account",
            Kind::Text,
            "The account, by its name in the stack: needed only where several have the key's account id and region.",
        )
        .with_existing(),
        ACCEPT,
    ],
    one_of: &[],
};

/// Finds where each key stands, and reports keys that are declared twice.
pub(super) fn place(checker: &mut Checker<'_>, declared: &[Declared<'_>]) {
    let mut taken: BTreeMap<Arn, (&str, Span)> = BTreeMap::new();
    for it in declared {
        accept(checker, it, KindName::Key);
        let Some((arn, standing)) = standing(checker, it) else {
            continue;
        };
        if let Some((first, span)) = taken.get(&arn.value) {
            checker.report(
                Diagnostic::new(
                    Code::Duplicate,
                    arn.span,
                    format!("keys `{first}` and `{}` are one key", it.name),
                    "declared twice",
                )
                .and(*span, format!("as key `{first}`"))
                .help("keep one of them, and let both refer to it"),
            );
        }
        taken.insert(arn.value, (it.name, arn.span));
        let place = (Noun::Key, it.name.to_owned());
        checker.standings.insert(place, standing);
    }
}

fn standing(checker: &mut Checker<'_>, it: &Declared<'_>) -> Option<(Spanned<Arn>, Standing)> {
    let text = it.fields.text("existing")?;
    let span = text.span;
    let arn = checker.arn(text, "kms", "a KMS key's ARN")?;
    let region = Region::parse(arn.region());
    let is_key = arn.resource().strip_prefix("key/").is_some_and(|id| {
        !id.is_empty()
            && id
                .bytes()
                .all(|it| it == b'-' || it.is_ascii_alphanumeric())
    });
    let wrong = match &region {
        _ if arn.resource().starts_with("alias/") => Some((
            "an alias",
            "write the key's own ARN: an alias has no policy, and may stand for another key tomorrow; \
             `aws kms describe-key --key-id ALIAS` shows it",
        )),
        None => Some(("has no region", "write `arn:aws:kms:REGION:ACCOUNT:key/ID`")),
        Some(it) if it.partition().as_str() != arn.partition() => Some((
            "its region is in another partition",
            "write `arn:aws:kms:REGION:ACCOUNT:key/ID`",
        )),
        _ if arn.account_id().is_none() => Some((
            "its account is not twelve digits",
            "write `arn:aws:kms:REGION:ACCOUNT:key/ID`",
        )),
        _ if !is_key => Some(("names no key", "write `arn:aws:kms:REGION:ACCOUNT:key/ID`")),
        _ => None,
    };
    if let Some((label, help)) = wrong {
        let message = format!("`{arn}` is not a KMS key's ARN");
        checker.report(Diagnostic::new(Code::WrongType, span, message, label).help(help));
        return None;
    }
    let (region, id) = (region?, arn.account_id()?);
    let arn = Spanned::new(arn, span);
    let account = roles::account_of_existing(checker, it, &arn, Some(&region))?.account()?;
    let standing = Standing {
        account: Some(account.place.account),
        id,
        partition: region.partition(),
        region,
        arn: Some(arn.value.clone()),
        fifo: false,
        existing: true,
        key: it.key,
    };
    Some((arn, standing))
}

/// The keys that have no fault.
pub(super) fn keys(checker: &Checker<'_>, declared: &[Declared<'_>]) -> BTreeMap<String, Key> {
    let key = |it: &Declared<'_>| {
        let standing = checker.standing(Noun::Key, it.name)?.clone();
        let key = Key {
            account: standing.account?,
            arn: standing.arn?,
        };
        Some((it.name.to_owned(), key))
    };
    declared.iter().filter_map(key).collect()
}

/// Reports an ARN that is of no key in the region of what it is to encrypt: services use keys of their own region alone.
///
/// See <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-ARN>.
fn by_arn(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    text: Spanned<&str>,
    noun: Noun,
) -> Option<()> {
    let arn = checker.arn(text, "kms", "a KMS key's ARN")?;
    let region = checker.standing(noun, it.name).map(|it| it.region.clone());
    let is_key = ["key/", "alias/"]
        .iter()
        .any(|it| arn.resource().starts_with(it));
    let wrong = match &region {
        _ if !is_key => Some("names no key and no alias".to_owned()),
        Some(region) if region.as_str() != arn.region() => Some(format!("not of {region}")),
        _ => None,
    };
    let Some(label) = wrong else {
        return Some(());
    };
    let message = format!("{} cannot be encrypted by `{arn}`", it.fields.owner);
    checker.report(
        Diagnostic::new(Code::Place, text.span, message, label)
            .help("write the ARN of a key of its own region, `arn:aws:kms:REGION:ACCOUNT:key/ID`, or its id or alias"),
    );
    None
}

/// The key by which a topic or queue is encrypted, as its service takes it: the ARN of a key of the stack, or
/// the text as it is.
pub(super) fn named(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    text: Spanned<&str>,
    noun: Noun,
) -> Option<String> {
    if !text.value.starts_with("keys.") {
        if text.value.starts_with("arn:") {
            by_arn(checker, it, text, noun)?;
        }
        return Some(text.value.to_owned());
    }
    let name = checker.reference(Noun::Key, text, &it.fields.owner)?;
    let key = checker.standing(Noun::Key, &name)?.clone();
    let region = &checker.standing(noun, it.name)?.region;
    if key.region != *region {
        let fault = Diagnostic::new(
            Code::Place,
            text.span,
            format!(
                "{} is in {region}, and key `{name}` in {}",
                it.fields.owner, key.region
            ),
            "of another region",
        );
        let arn = key.arn?;
        let help = if arn.resource().starts_with("key/mrk-") {
            format!(
                "a multi-Region key is a key of its own in each region, with a policy of its own: declare its replica, \
                 `{}`, as another key",
                arn.as_str()
                    .replacen(key.region.as_str(), region.as_str(), 1)
            )
        } else {
            "SNS and SQS use keys of their own region only: declare a key of that region".to_owned()
        };
        checker.report(fault.and(key.key, "declared here").help(help));
        return None;
    }
    key.arn.map(|it| it.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::Encryption;
    use super::super::testing::{faults, stack};

    const KEY: &str = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    #[test]
    fn a_topic_and_a_queue_name_a_key_of_the_stack() {
        let found = stack(&format!(
            "[keys.k]\nexisting = \"{KEY}\"\n[topics.t]\nkms_key = \"keys.k\"\n[queues.q]\nencryption = {{ kms = \"keys.k\" }}\n"
        ));
        assert_eq!(found.keys["k"].arn.as_str(), KEY);
        assert_eq!(found.topics["t"].kms_key.as_deref(), Some(KEY));
        let Encryption::Kms { key, .. } = &found.queues["q"].encryption else {
            panic!("{:?}", found.queues["q"].encryption);
        };
        assert_eq!(key, KEY);
    }

    #[test]
    fn a_key_is_named_by_its_own_arn_and_once() {
        let of = |it: &str| format!("[keys.k]\nexisting = \"{it}\"\n");
        let alias = faults(&of(&KEY.replace("key/1234", "alias/1234")));
        assert!(alias.contains("[an alias]"), "{alias}");
        for wrong in [
            KEY.replace("eu-west-1", ""),
            KEY.replace("arn:aws:", "arn:aws-cn:"),
            KEY.replace("111111111111", "1"),
            KEY.replace("key/", "key/*"),
            KEY.replace(":kms:", ":sns:"),
            "alias/mine".to_owned(),
            KEY.replace("1111111", "2222222"),
        ] {
            assert!(!faults(&of(&wrong)).is_empty(), "{wrong}");
        }
        let twice = faults(&format!("{}[keys.l]\nexisting = \"{KEY}\"\n", of(KEY)));
        assert!(twice.contains("keys `k` and `l` are one key"), "{twice}");
        assert!(faults("[keys.k]\n").contains("has no `existing`"));
    }

    #[test]
    fn a_key_of_another_region_encrypts_nothing() {
        let head = "[accounts.far]\nid = \"111111111111\"\nregion = \"us-east-1\"\n[accounts.near]\nid = \"111111111111\"\nregion = \"eu-west-1\"\n";
        let of = |key: &str| {
            faults(&format!(
                "{head}[keys.k]\naccount = \"near\"\nexisting = \"{key}\"\n[topics.t]\naccount = \"far\"\nkms_key = \"keys.k\"\n"
            ))
        };
        let single = of(KEY);
        assert!(single.contains("of another region"), "{single}");
        let multi = of(&KEY.replace("key/1234", "key/mrk-1234"));
        assert!(
            multi.contains("`arn:aws:kms:us-east-1:111111111111:key/mrk-1234"),
            "{multi}"
        );
        for (wrong, said) in [
            (KEY, "not of us-east-1"),
            (&KEY.replace("arn:aws:", "arn:aws-cn:"), "not of us-east-1"),
            (
                "arn:aws:sqs:us-east-1:111111111111:q",
                "not a KMS key's ARN",
            ),
            (
                "arn:aws:kms:us-east-1:111111111111:grant/1",
                "names no key and no alias",
            ),
        ] {
            for of in [
                format!("[topics.t]\naccount = \"far\"\nkms_key = \"{wrong}\"\n"),
                format!("[queues.q]\naccount = \"far\"\nencryption = {{ kms = \"{wrong}\" }}\n"),
            ] {
                let found = faults(&format!("{head}{of}"));
                assert!(found.contains(said), "{of}: {found}");
            }
        }
        let none = faults("[topics.t]\nkms_key = \"keys.none\"\n");
        assert!(none.contains("no key has this name"), "{none}");
    }
}
