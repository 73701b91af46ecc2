//! Tags, and the mark that says "this one is ours".
//!
//! The mark is three tags, of characters that every service takes: ASCII letters, digits and `-._:/`.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::Address;

/// A resource's tags, in order of their keys.
pub type Tags = BTreeMap<String, String>;

/// The tag that names the stack a resource belongs to.
pub const STACK: &str = "provision:stack";
/// The tag that says where in its stack a resource stands.
pub const ADDRESS: &str = "provision:address";
/// The tag that holds a digest of what was last applied.
pub const DIGEST: &str = "provision:digest";

/// The tag that remembers which tag keys and managed policies were ours, as short hashes.
///
/// Neither can carry a mark of its own. With this, one that left the stack is
/// taken away, and one that somebody else added is left alone.
pub const OWNED: &str = "provision:owned";

/// What the mark on a resource says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The stack that owns the resource.
    pub stack: String,
    /// Where in that stack it stands.
    pub address: Address,
    /// The digest of what was last applied, when it is there.
    pub digest: Option<String>,
    /// Short hashes of the tag keys and managed policies that were ours.
    pub owned: BTreeSet<String>,
}

/// The longest key of a tag, in characters.
pub const LONGEST_KEY: usize = 128;
/// The longest value of a tag, in characters.
pub const LONGEST_VALUE: usize = 256;

/// Returns the first character of a tag's key or value that AWS refuses there.
///
/// IAM, SNS, SQS and API Gateway take the same: letters, digits and spaces of any script, and `_.:/=+-@`. See
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules> and
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-supported-resources.html>.
#[must_use]
pub fn refused_character(text: &str) -> Option<char> {
    let is_space = |it: char| it.is_whitespace() && !it.is_control();
    text.chars()
        .find(|it| !it.is_alphanumeric() && !is_space(*it) && !"_.:/=+-@".contains(*it))
}

/// Returns whether a tag is one of those that AWS sets itself, by its key.
#[must_use]
pub fn is_of_aws(key: &str) -> bool {
    key.to_ascii_lowercase().starts_with("aws:")
}

impl Mark {
    /// The mark among `tags`, when they carry a whole one.
    #[must_use]
    pub fn read(tags: &Tags) -> Option<Self> {
        Some(Self {
            stack: tags.get(STACK)?.clone(),
            address: tags.get(ADDRESS)?.parse().ok()?,
            digest: tags.get(DIGEST).cloned(),
            owned: tags
                .get(OWNED)
                .map(|it| it.split('.').map(str::to_owned).collect())
                .unwrap_or_default(),
        })
    }

    /// `tags` with this mark written over them.
    #[must_use]
    pub fn write(&self, mut tags: Tags) -> Tags {
        tags.insert(STACK.to_owned(), self.stack.clone());
        tags.insert(ADDRESS.to_owned(), self.address.to_string());
        if let Some(digest) = &self.digest {
            tags.insert(DIGEST.to_owned(), digest.clone());
        }
        if !self.owned.is_empty() {
            // A tag's value holds 256 characters: 36 hashes of six digits and their dots.
            let hashes: Vec<&str> = self.owned.iter().map(String::as_str).take(36).collect();
            tags.insert(OWNED.to_owned(), hashes.join("."));
        }
        tags
    }

    /// Whether the tag key or managed policy `name` was ours when this mark was written.
    #[must_use]
    pub fn owns(&self, name: &str) -> bool {
        self.owned.contains(&short_hash(name))
    }
}

/// The six hexadecimal digits a name is remembered by.
#[must_use]
pub fn short_hash(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    format!("{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2])
}

/// `tags` without the mark: what an author wrote.
#[must_use]
pub fn unmarked(tags: &Tags) -> Tags {
    tags.iter()
        .filter(|(key, _)| !matches!(key.as_str(), STACK | ADDRESS | DIGEST | OWNED))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// What the names of a stack's inline policies begin with.
#[must_use]
pub fn inline_prefix(stack: &str) -> String {
    format!("provision-{stack}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KindName;

    #[test]
    fn a_mark_reads_back_as_it_was_written() {
        let mark = Mark {
            stack: "shop".to_owned(),
            address: Address::new(KindName::Topic, "orders"),
            digest: Some("0123abcd".to_owned()),
            owned: BTreeSet::from([short_hash("team")]),
        };
        let tags = mark.write(Tags::from([("team".to_owned(), "a".to_owned())]));
        assert!(mark.owns("team") && !mark.owns("other"));
        assert_eq!(Mark::read(&tags), Some(mark));
        assert_eq!(unmarked(&tags).len(), 1);
        assert_eq!(Mark::read(&unmarked(&tags)), None);
    }
}
