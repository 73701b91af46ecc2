//! What the services answer when they refuse, with AWS's codes and texts.

use std::time::Duration;

use crate::cloud::{CallError, Fault, Service};

pub(super) type Answered<T> = Result<T, CallError>;

pub(super) fn refuse<T>(fault: Fault, code: &str, message: impl Into<String>) -> Answered<T> {
    Err(CallError::new(fault, code, message))
}

/// IAM: a parameter that breaks a constraint of its shape.
pub(super) fn constraint<T>(field: &str, rule: &str) -> Answered<T> {
    refuse(
        Fault::Invalid,
        "ValidationError",
        format!(
            "1 validation error detected: Value at '{field}' failed to satisfy constraint: {rule}"
        ),
    )
}

/// SNS: a wrong parameter.
pub(super) fn invalid_parameter(message: &str) -> CallError {
    CallError::new(
        Fault::Invalid,
        "InvalidParameter",
        format!("Invalid parameter: {message}"),
    )
}

/// API Gateway: a request that will stay wrong.
pub(super) fn bad_request(message: impl Into<String>) -> CallError {
    CallError::new(Fault::Invalid, "BadRequestException", message)
}

/// API Gateway: something that is not there.
pub(super) fn not_found(message: impl Into<String>) -> CallError {
    CallError::new(Fault::Missing, "NotFoundException", message)
}

/// Too many calls; `wait` is how long until there is room for one.
pub(super) fn throttled(service: Service, wait: Duration) -> CallError {
    let code = match service {
        Service::ApiGateway | Service::Organizations => "TooManyRequestsException",
        Service::Sqs => "RequestThrottled",
        Service::Iam | Service::Sts => "Throttling",
        Service::Sns | Service::Tagging | Service::Kms | Service::CloudControl => {
            "ThrottlingException"
        }
    };
    let mut error = CallError::new(Fault::Throttled, code, "Rate exceeded");
    // Only API Gateway says when to come back, in whole seconds.
    if service == Service::ApiGateway {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        error.retry_after = Some(Duration::from_secs(seconds));
    }
    error
}
