//! Key Management Service.
//!
//! See <https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html>.

use aws_sdk_kms::Client;

use super::fault::{Sent, incomplete};
use crate::cloud::kms::{DescribeKey, GetKeyPolicy, PutKeyPolicy};
use crate::cloud::{CallError, Service};

pub(super) async fn describe_key(client: &Client, call: DescribeKey) -> Result<String, CallError> {
    let answer = client
        .describe_key()
        .key_id(call.key)
        .send()
        .await
        .sent(Service::Kms)?;
    answer
        .key_metadata
        .and_then(|it| it.arn)
        .ok_or_else(|| incomplete("DescribeKey", "ARN"))
}

pub(super) async fn get_key_policy(
    client: &Client,
    call: GetKeyPolicy,
) -> Result<String, CallError> {
    let answer = client
        .get_key_policy()
        .key_id(call.key)
        .send()
        .await
        .sent(Service::Kms)?;
    answer
        .policy
        .ok_or_else(|| incomplete("GetKeyPolicy", "policy"))
}

pub(super) async fn put_key_policy(client: &Client, call: PutKeyPolicy) -> Result<(), CallError> {
    client
        .put_key_policy()
        .key_id(call.key)
        .policy(call.policy)
        .send()
        .await
        .sent(Service::Kms)
        .map(drop)
}
