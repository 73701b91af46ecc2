//! Security Token Service.
//!
//! See <https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html>.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::IdentityCache;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use super::fault::Sent;
use crate::cloud::sts::Caller;
use crate::cloud::{CallError, Service};

/// How long STS may take to answer one attempt: it answers in less than a second or not at all.
const ATTEMPT: Duration = Duration::from_secs(5);
/// How long all attempts may take together.
const OPERATION: Duration = Duration::from_secs(20);
/// How long a connection to STS may take to come about.
const CONNECT: Duration = Duration::from_millis(3100);

pub(super) async fn get_caller_identity(client: &Client) -> Result<Caller, CallError> {
    let answer = client
        .get_caller_identity()
        .send()
        .await
        .sent(Service::Sts)?;
    Ok(Caller {
        account: answer.account.unwrap_or_default(),
        arn: answer.arn.unwrap_or_default(),
    })
}

/// Returns STS, asked with these credentials.
///
/// Here the SDK retries by itself: the seam does not see these calls, and their failure is final for it.
pub(super) fn client(config: &SdkConfig, credentials: Credentials) -> Client {
    let config = config
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .identity_cache(IdentityCache::no_cache())
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT)
                .operation_attempt_timeout(ATTEMPT)
                .operation_timeout(OPERATION)
                .build(),
        )
        .build();
    Client::new(&config)
}
