//! KMS: the policies of keys. They are read and never written.
//!
//! See <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html>.

/// `DescribeKey`: answers with the key's own ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeKey {
    /// The key: its ARN, or that of an alias.
    pub key: String,
}

/// `GetKeyPolicy`: answers with the key's policy, as JSON. In the key's own account only, and not by an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetKeyPolicy {
    /// The key's ARN.
    pub key: String,
}
