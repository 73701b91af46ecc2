//! Security Token Service.
//!
//! See <https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html>.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::IdentityCache;
use aws_smithy_types::retry::RetryConfig;

use super::fault::Sent;
use crate::cloud::sts::Caller;
use crate::cloud::{CallError, Service};

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
/// Here the SDK retries by itself: the seam does not see these calls.
pub(super) fn client(config: &SdkConfig, credentials: Credentials) -> Client {
    let config = config
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .identity_cache(IdentityCache::no_cache())
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .build();
    Client::new(&config)
}
