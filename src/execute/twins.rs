//! Resources whose name is not unique, so that two runs may each make one.
//!
//! A REST API is found by its mark, and nothing keeps two runs from making two with the same mark at
//! once. Each run therefore lists the APIs again after it has made one, and all settle by one rule:
//! the oldest stays, and of two that are as old the one whose id comes first. A run that made another
//! one removes it, which was never deployed, and goes on with the one that stays. AWS counts an
//! API's age in seconds; the pause before the listing is longer, so whatever is made after the
//! listing is younger.

use std::time::Duration;

use tokio::time::sleep;

use crate::cloud::apigateway::DeleteRestApi;
use crate::cloud::{self, CallError, Fault};
use crate::kinds::{Context, Want, rest_api};

/// How long after an API was made the APIs are listed: longer than the unit in which their age is counted.
const APPEARS: Duration = Duration::from_millis(1100);
/// How often the listing is read while it does not show the API that was just made.
const LISTINGS: u32 = 5;
/// How long the removal of a superfluous API may wait: AWS takes one every 30 seconds.
const REMOVALS: Duration = Duration::from_mins(10);

/// Returns the id of the API that stays, now that this run has made the one with this id.
///
/// Not `careful` when nothing was really made, and no time needs to pass.
pub(super) async fn settle(
    id: String,
    want: &Want,
    cx: &Context<'_>,
    careful: bool,
) -> Result<String, CallError> {
    for _ in 0..LISTINGS {
        if careful {
            sleep(APPEARS).await;
        }
        let records = rest_api::read_all(cx.cloud, &want.place).await?;
        if !records.iter().any(|it| it.id == id) {
            continue;
        }
        let first = rest_api::marked(&records, cx.stack, cx.address);
        let Some(first) = first.filter(|it| it.id != id) else {
            break;
        };
        remove(&id, want, cx).await?;
        return Ok(first.id.clone());
    }
    Ok(id)
}

/// Removes the API that this run made and that another one takes the place of.
async fn remove(id: &str, want: &Want, cx: &Context<'_>) -> Result<(), CallError> {
    let mut waited = Duration::ZERO;
    loop {
        let call = DeleteRestApi { id: id.to_owned() };
        match cloud::call(cx.cloud, &want.place, call).await {
            Ok(()) => return Ok(()),
            Err(error) if error.fault == Fault::Missing => return Ok(()),
            Err(error)
                if matches!(
                    error.fault,
                    Fault::Throttled | Fault::Conflict | Fault::Lost | Fault::Broken
                ) && waited < REMOVALS => {}
            Err(error) => return Err(error),
        }
        let pause = Duration::from_secs(5);
        sleep(pause).await;
        waited += pause;
    }
}
