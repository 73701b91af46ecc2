//! Security Token Service.

/// Who the caller is. See <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetCallerIdentity {}

/// The caller, as STS knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account's twelve digits.
    pub account: String,
    /// The caller's ARN; of a role session, `arn:aws:sts::…:assumed-role/ROLE/SESSION`.
    pub arn: String,
}
