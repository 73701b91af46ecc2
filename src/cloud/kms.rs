//! KMS: the policies of keys.
//!
//! See <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html>.

/// `DescribeKey`: answers with the key's own ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeKey {
    /// The key: its ARN, or that of an alias.
    pub key: String,
}

/// `PutKeyPolicy`: replaces the key's policy, in the key's own account only, and not by an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutKeyPolicy {
    /// The key's ARN.
    pub key: String,
    /// The policy, as JSON.
    pub policy: String,
}

/// `GetKeyPolicy`: answers with the key's policy, as JSON. In the key's own account only, and not by an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetKeyPolicy {
    /// The key's ARN.
    pub key: String,
}
