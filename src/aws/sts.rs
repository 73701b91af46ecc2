//! Security Token Service.
//!
//! See <https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html>.

use aws_sdk_sts::Client;

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
