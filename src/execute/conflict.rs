//! Changes that AWS has begun and not ended: what is waited for, and how long.

use std::time::Duration;

use crate::cloud::CallError;
use crate::kinds::rest_api::UPDATING;

/// How long another change may take.
const CHANGE: Duration = Duration::from_mins(2);
/// How long API Gateway may take to change an API's type of endpoint: "a few minutes" by its guide.
///
/// See <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-api-migration.html>.
const ENDPOINT: Duration = Duration::from_mins(10);

/// Returns how long a change that is in the way is waited for.
pub(super) fn patience(error: &CallError) -> Duration {
    if error.code == UPDATING {
        ENDPOINT
    } else {
        CHANGE
    }
}

/// Returns what is waited for, as a sentence says it.
pub(super) fn ending(error: &CallError) -> &'static str {
    if error.code == UPDATING {
        "for API Gateway to finish the change of the API's endpoint (status UPDATING)"
    } else {
        "for another change to end"
    }
}
