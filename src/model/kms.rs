//! KMS keys, as topics and queues name them.
//!
//! See <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id>.

use super::Arn;

/// A KMS key: the ARN of the key itself, or of an alias.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KmsKey(Arn);

impl KmsKey {
    /// Returns the key that a topic or queue of this ARN names: by an id, an alias, or the ARN of either.
    /// `None` of an empty text.
    #[must_use]
    pub fn of(text: &str, owner: &Arn) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        if let Ok(arn) = Arn::parse(text) {
            return Some(Self(arn));
        }
        let resource = if text.starts_with("alias/") {
            text.to_owned()
        } else {
            format!("key/{text}")
        };
        let (partition, region, account) = (owner.partition(), owner.region(), owner.account());
        let arn = Arn::parse(&format!(
            "arn:{partition}:kms:{region}:{account}:{resource}"
        ));
        arn.ok().map(Self)
    }

    /// Its ARN, or that of the alias.
    #[must_use]
    pub fn arn(&self) -> &Arn {
        &self.0
    }

    /// `alias/NAME`, where it is named by an alias.
    #[must_use]
    pub fn alias(&self) -> Option<&str> {
        Some(self.0.resource()).filter(|it| it.starts_with("alias/"))
    }

    /// Whether it is a key that AWS manages: its policy cannot be changed.
    #[must_use]
    pub fn is_managed_by_aws(&self) -> bool {
        self.0.resource().starts_with("alias/aws/")
    }

    /// Returns the key's own ARN as far as its name tells: an alias may stand for any key of its account and region.
    #[must_use]
    pub fn pattern(&self) -> String {
        if self.alias().is_none() {
            return self.0.to_string();
        }
        let it = &self.0;
        let (partition, region, account) = (it.partition(), it.region(), it.account());
        format!("arn:{partition}:kms:{region}:{account}:key/*")
    }
}

impl From<Arn> for KmsKey {
    fn from(arn: Arn) -> Self {
        Self(arn)
    }
}

impl std::fmt::Display for KmsKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_id_alias_or_arn() {
        let owner = Arn::parse("arn:aws-cn:sqs:cn-north-1:111111111111:q").expect("an ARN");
        let seen = |text: &str| {
            let key = KmsKey::of(text, &owner).expect("a key");
            let managed = key.is_managed_by_aws();
            (key.to_string(), key.pattern(), managed)
        };
        let head = "arn:aws-cn:kms:cn-north-1:111111111111:";
        assert_eq!(
            seen("mrk-1"),
            (
                format!("{head}key/mrk-1"),
                format!("{head}key/mrk-1"),
                false
            )
        );
        assert_eq!(
            seen("alias/mine"),
            (format!("{head}alias/mine"), format!("{head}key/*"), false)
        );
        assert!(seen("alias/aws/sqs").2);
        let other = "arn:aws-cn:kms:cn-north-1:222222222222:alias/aws/sqs";
        assert_eq!(seen(other).0, other);
        assert!(seen(other).2);
        assert_eq!(KmsKey::of("", &owner), None);
    }
}
