//! What a refused or lost call means: [`CallError`] out of what the SDK gives.
//!
//! Services spell the same trouble differently, and some under two codes: SQS
//! answers `AWS.SimpleQueueService.NonExistentQueue` in a header and
//! `QueueDoesNotExist` in the body, and the SDK shows whichever it found. So
//! the table below is by code and message as they came, not by the SDK's types.

use std::error::Error;
use std::io;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::cloud::{CallError, Fault, Service};
use crate::disk;

/// An answer of the SDK, its error put into the cloud's terms.
pub(super) trait Sent<T> {
    /// The answer, or what the error means coming from `service`.
    fn sent(self, service: Service) -> Result<T, CallError>;
}

impl<T, E> Sent<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn sent(self, service: Service) -> Result<T, CallError> {
        self.map_err(|error| call_error(service, &error))
    }
}

/// An answer that leaves out what it is for.
pub(super) fn incomplete(action: &str, what: &str) -> CallError {
    CallError::new(
        Fault::Broken,
        "IncompleteAnswer",
        format!("the answer to {action} has no {what}"),
    )
}

/// A request that the SDK would not build.
pub(super) fn refused(error: &(dyn Error + 'static)) -> CallError {
    CallError::new(Fault::Invalid, "InvalidRequest", chain(error))
}

fn call_error<E>(service: Service, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match error {
        SdkError::ConstructionFailure(_) => refused(error),
        SdkError::TimeoutError(_) => CallError::new(Fault::Lost, "Timeout", chain(error)),
        SdkError::ServiceError(refusal) if refusal.raw().status().as_u16() < 400 => {
            unreadable(service, refusal.raw(), error)
        }
        SdkError::ServiceError(refusal) => {
            let meta = refusal.err().meta();
            from_answer(
                service,
                refusal.raw(),
                meta.code().unwrap_or_default(),
                meta.message().unwrap_or_default(),
            )
        }
        SdkError::ResponseError(answer) => {
            let status = answer.raw().status().as_u16();
            // A gateway's page instead of the service's answer still has a status to go by.
            if status >= 400 {
                from_answer(service, answer.raw(), "", "")
            } else {
                unreadable(service, answer.raw(), error)
            }
        }
        SdkError::DispatchFailure(_) if is_refused(error) => {
            CallError::new(Fault::Lost, NO_CONNECTION, "the connection was refused")
        }
        _ => CallError::new(Fault::Lost, "NoAnswer", chain(error)),
    }
}

/// The code of a call that nothing took: the port is closed.
pub(super) const NO_CONNECTION: &str = "NoConnection";

/// Returns whether a connection was refused, which is where nothing listens.
pub(super) fn is_refused(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(it) = next {
        let kind = it.downcast_ref::<io::Error>().map(io::Error::kind);
        if kind == Some(io::ErrorKind::ConnectionRefused) {
            return true;
        }
        next = it.source();
    }
    false
}

/// An answer that the SDK could not read: what it was to do is done.
fn unreadable(service: Service, answer: &HttpResponse, error: &(dyn Error + 'static)) -> CallError {
    let message = format!(
        "{} answered {}, and the answer cannot be read: {}",
        service.prefix(),
        answer.status().as_u16(),
        chain(error)
    );
    CallError::new(Fault::Lost, UNREADABLE, message)
}

const UNREADABLE: &str = "UnreadableAnswer";

/// The same error of a call that only reads, if it `writes` not: an answer that cannot be read
/// stays so when it is asked for again.
pub(super) fn of_read(mut error: CallError, writes: bool) -> CallError {
    if !writes && error.code == UNREADABLE {
        error.fault = Fault::Invalid;
    }
    error
}

fn from_answer(service: Service, answer: &HttpResponse, code: &str, message: &str) -> CallError {
    let status = answer.status().as_u16();
    let header = |name: &str| answer.headers().get(name);
    let code = if code.is_empty() {
        format!("Http{status}")
    } else {
        code.to_owned()
    };
    let message = if message.is_empty() {
        format!("{} answered {status} and said nothing", service.prefix())
    } else {
        said(message).to_owned()
    };
    CallError {
        fault: fault(service, &code, &message, status),
        retry_after: header("retry-after")
            .and_then(|it| it.trim().parse().ok())
            .map(Duration::from_secs)
            .or_else(|| {
                header("x-amz-retry-after")
                    .and_then(|it| it.trim().parse().ok())
                    .map(Duration::from_millis)
            }),
        request_id: header("x-amzn-requestid")
            .or_else(|| header("x-amz-request-id"))
            .map(str::to_owned),
        code,
        message,
        action: None,
    }
}

/// The errors of the whole chain, outermost first, without what an inner one repeats.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let words_of = |error: &(dyn Error + 'static)| match error.downcast_ref::<io::Error>() {
        Some(error) => disk::why(error),
        None => disk::without_number(&error.to_string()),
    };
    let mut text = words_of(error);
    let mut next = error.source();
    while let Some(inner) = next {
        let words = words_of(inner);
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = inner.source();
    }
    said(&text).to_owned()
}

/// What AWS or the SDK said, ready for a sentence of ours: they end theirs with a full stop, and ours go on.
fn said(message: &str) -> &str {
    let message = message.trim();
    match message.strip_suffix('.') {
        Some(rest) if !rest.ends_with('.') => rest,
        Some(_) | None => message,
    }
}

/// What an error means.
///
/// Codes that all services share come first, then the service's own, then the
/// status, for answers that have no code or one that is new.
pub(super) fn fault(service: Service, code: &str, message: &str, status: u16) -> Fault {
    let code = code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code);
    unsettled(service, code, message)
        .or_else(|| shared(code, message))
        .or_else(|| match service {
            Service::Iam => iam(code),
            Service::Sts => sts(code),
            Service::Sns => sns(code, message),
            Service::Sqs => sqs(code, message),
            Service::ApiGateway => apigateway(code, message),
            // `NotFoundException` comes with status 400.
            Service::Kms if code.starts_with("NotFound") => Some(Fault::Missing),
            // What is not there comes with status 400 as well.
            Service::Organizations if code.contains("NotFound") || code.contains("NotInUse") => {
                Some(Fault::Missing)
            }
            // So it does here, also where a handler says it of the service behind it.
            Service::CloudControl if code == "ResourceNotFoundException" => Some(Fault::Missing),
            Service::CloudControl if code == "HandlerInternalFailureException" => {
                Some(Fault::Broken)
            }
            Service::Tagging | Service::Kms | Service::Organizations | Service::CloudControl => {
                None
            }
        })
        .unwrap_or(match status {
            401 | 403 => Fault::Denied,
            404 => Fault::Missing,
            408 => Fault::Lost,
            409 => Fault::Conflict,
            429 => Fault::Throttled,
            500.. => Fault::Broken,
            _ => Fault::Invalid,
        })
}

/// A principal that the service cannot find, as each of the four words it.
fn unsettled(service: Service, code: &str, message: &str) -> Option<Fault> {
    let said = |words: &str| message.contains(words);
    let unsettled = match service {
        Service::Iam => code == "MalformedPolicyDocument" && said("Invalid principal in policy"),
        Service::Sns => code.starts_with("InvalidParameter") && said("PrincipalNotFound"),
        // SQS says this of every fault of a policy; ours are right but for the principal.
        Service::Sqs => {
            code.starts_with("InvalidAttributeValue")
                && said("Invalid value for the parameter Policy")
        }
        Service::ApiGateway => {
            code.starts_with("BadRequest") && said("ensure that Principals are valid")
        }
        Service::Kms => code.starts_with("MalformedPolicyDocument") && said("invalid principals"),
        Service::Sts | Service::Tagging | Service::Organizations | Service::CloudControl => false,
    };
    unsettled.then_some(Fault::Unsettled)
}

fn shared(code: &str, message: &str) -> Option<Fault> {
    Some(match code.strip_suffix("Exception").unwrap_or(code) {
        "Throttling"
        | "Throttled"
        | "RequestThrottled"
        | "TooManyRequests"
        | "SlowDown"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "PriorRequestNotComplete"
        | "KmsThrottled"
        | "KMSThrottling" => Fault::Throttled,
        "AccessDenied"
        | "AuthorizationError"
        | "UnauthorizedOperation"
        | "Unauthorized"
        | "Forbidden"
        | "NotAuthorized"
        | "KmsAccessDenied"
        | "KMSAccessDenied" => Fault::Denied,
        "ExpiredToken"
        | "InvalidClientTokenId"
        | "UnrecognizedClient"
        | "InvalidAccessKeyId"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenFault"
        | "IncompleteSignature"
        | "SignatureDoesNotMatch"
        | "InvalidSignature"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "AuthFailure"
        | "NotSignedUp"
        | "InvalidSecurity" => {
            // SNS and SQS name an unreachable KMS key the same way.
            if code == "InvalidSecurity" && message.to_lowercase().contains("kms") {
                Fault::Denied
            } else {
                Fault::Credentials
            }
        }
        "OptInRequired" | "RegionDisabled" => Fault::Region,
        "InternalFailure"
        | "InternalError"
        | "InternalServerError"
        | "InternalService"
        | "InternalServiceError"
        | "ServiceFailure"
        | "ServiceUnavailable" => Fault::Broken,
        "RequestTimeout" => Fault::Lost,
        _ => return None,
    })
}

fn iam(code: &str) -> Option<Fault> {
    Some(match code.strip_suffix("Exception").unwrap_or(code) {
        "NoSuchEntity" => Fault::Missing,
        "EntityAlreadyExists" => Fault::Exists,
        "DeleteConflict" | "ConcurrentModification" | "EntityTemporarilyUnmodifiable" => {
            Fault::Conflict
        }
        "LimitExceeded" => Fault::Quota,
        "UnmodifiableEntity" => Fault::Denied,
        "InvalidInput"
        | "ValidationError"
        | "MalformedPolicyDocument"
        | "PolicyNotAttachable"
        | "PolicyEvaluation"
        | "InvalidParameterValue" => Fault::Invalid,
        _ => return None,
    })
}

fn sts(code: &str) -> Option<Fault> {
    Some(match code.strip_suffix("Exception").unwrap_or(code) {
        "MalformedPolicyDocument" | "PackedPolicyTooLarge" | "ValidationError" => Fault::Invalid,
        _ => return None,
    })
}

fn sns(code: &str, message: &str) -> Option<Fault> {
    Some(match code.strip_suffix("Exception").unwrap_or(code) {
        "NotFound" | "ResourceNotFound" => Fault::Missing,
        "InvalidParameter" if message.contains("already exists with different") => Fault::Exists,
        "InvalidParameter" | "InvalidParameterValue" | "ValidationError" | "TagPolicy" => {
            Fault::Invalid
        }
        "TopicLimitExceeded"
        | "SubscriptionLimitExceeded"
        | "FilterPolicyLimitExceeded"
        | "TagLimitExceeded" => Fault::Quota,
        "StaleTag" | "ConcurrentAccess" => Fault::Conflict,
        _ => return None,
    })
}

fn sqs(code: &str, message: &str) -> Option<Fault> {
    Some(match code.strip_suffix("Exception").unwrap_or(code) {
        "NonExistentQueue" | "QueueDoesNotExist" => Fault::Missing,
        "QueueNameExists" | "QueueAlreadyExists" => Fault::Exists,
        "QueueDeletedRecently" => Fault::TooSoon,
        "OverLimit" => Fault::Quota,
        "InvalidParameterValue" | "InvalidAttributeValue"
            if message.contains("Dead letter target does not exist") =>
        {
            Fault::Missing
        }
        "InvalidAttributeName"
        | "InvalidAttributeValue"
        | "InvalidParameterValue"
        | "InvalidAddress"
        | "UnsupportedOperation" => Fault::Invalid,
        _ => return None,
    })
}

fn apigateway(code: &str, message: &str) -> Option<Fault> {
    Some(match code.strip_suffix("Exception").unwrap_or(code) {
        "NotFound" => Fault::Missing,
        "Conflict"
            if message.contains("already exists") || message.contains("already has this name") =>
        {
            Fault::Exists
        }
        "Conflict" => Fault::Conflict,
        // One code for a full quota and for a rate; only the rate is lifted by waiting.
        "LimitExceeded" => {
            let message = message.to_lowercase();
            if message.contains("too many requests") || message.contains("rate exceeded") {
                Fault::Throttled
            } else {
                Fault::Quota
            }
        }
        // Of a stage itself, or of its canary ("Active stages with canary settings pointing to …").
        "BadRequest"
            if message.starts_with("Active stages")
                && message.contains("pointing to this deployment") =>
        {
            Fault::Conflict
        }
        "BadRequest" if message.contains("Deployment id does not exist") => Fault::Missing,
        "BadRequest" | "Validation" => Fault::Invalid,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (service, code, message, status, meaning), as AWS is known to answer.
    const ANSWERS: &[(Service, &str, &str, u16, Fault)] = &[
        (
            Service::ApiGateway,
            "ConflictException",
            "Another resource with the same parent already has this name: pets",
            409,
            Fault::Exists,
        ),
        (
            Service::Iam,
            "MalformedPolicyDocument",
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:role/a\"",
            400,
            Fault::Unsettled,
        ),
        (
            Service::Iam,
            "MalformedPolicyDocument",
            "This policy contains invalid Json",
            400,
            Fault::Invalid,
        ),
        (
            Service::Sns,
            "InvalidParameter",
            "Invalid parameter: Policy Error: PrincipalNotFound",
            400,
            Fault::Unsettled,
        ),
        (
            Service::Sqs,
            "InvalidAttributeValue",
            "Invalid value for the parameter Policy.",
            400,
            Fault::Unsettled,
        ),
        (
            Service::Sqs,
            "InvalidAttributeValue",
            "Invalid value for the parameter DelaySeconds.",
            400,
            Fault::Invalid,
        ),
        (
            Service::ApiGateway,
            "BadRequestException",
            "Invalid policy document. Please check the policy syntax and ensure that Principals \
             are valid.",
            400,
            Fault::Unsettled,
        ),
        (
            Service::ApiGateway,
            "BadRequestException",
            "Invalid OpenAPI input.",
            400,
            Fault::Invalid,
        ),
        (
            Service::ApiGateway,
            "BadRequestException",
            "Active stages pointing to this deployment must be moved or deleted",
            400,
            Fault::Conflict,
        ),
        (
            Service::ApiGateway,
            "BadRequestException",
            "Active stages with canary settings pointing to this deployment must be moved or deleted",
            400,
            Fault::Conflict,
        ),
        (
            Service::Iam,
            "EntityAlreadyExists",
            "Role with name a already exists.",
            409,
            Fault::Exists,
        ),
        (Service::Iam, "NoSuchEntity", "", 404, Fault::Missing),
        (
            Service::Iam,
            "NoSuchEntityException",
            "",
            404,
            Fault::Missing,
        ),
        (Service::Iam, "DeleteConflict", "", 409, Fault::Conflict),
        (
            Service::Iam,
            "ConcurrentModification",
            "",
            409,
            Fault::Conflict,
        ),
        (
            Service::Iam,
            "LimitExceeded",
            "Cannot exceed quota for ACLSizePerRole: 2048",
            409,
            Fault::Quota,
        ),
        (
            Service::Iam,
            "Throttling",
            "Rate exceeded",
            400,
            Fault::Throttled,
        ),
        (Service::Iam, "ServiceFailure", "", 500, Fault::Broken),
        (Service::Iam, "AccessDenied", "", 403, Fault::Denied),
        (
            Service::Iam,
            "InvalidClientTokenId",
            "",
            403,
            Fault::Credentials,
        ),
        (Service::Iam, "ExpiredToken", "", 403, Fault::Credentials),
        (Service::Iam, "OptInRequired", "", 403, Fault::Region),
        (
            Service::Sts,
            "RegionDisabledException",
            "",
            403,
            Fault::Region,
        ),
        (
            Service::Sns,
            "NotFound",
            "Topic does not exist",
            404,
            Fault::Missing,
        ),
        (
            Service::Sns,
            "InvalidParameter",
            "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
            400,
            Fault::Exists,
        ),
        (
            Service::Sns,
            "InvalidParameter",
            "Invalid parameter: Attributes Reason: Subscription already exists with different \
             attributes",
            400,
            Fault::Exists,
        ),
        (Service::Sns, "AuthorizationError", "", 403, Fault::Denied),
        (Service::Sns, "Throttled", "", 429, Fault::Throttled),
        (
            Service::Sns,
            "ThrottlingException",
            "",
            400,
            Fault::Throttled,
        ),
        (Service::Sns, "StaleTag", "", 400, Fault::Conflict),
        (Service::Sns, "TopicLimitExceeded", "", 403, Fault::Quota),
        (
            Service::Sqs,
            "AWS.SimpleQueueService.NonExistentQueue",
            "",
            400,
            Fault::Missing,
        ),
        (Service::Sqs, "QueueDoesNotExist", "", 400, Fault::Missing),
        (Service::Sqs, "QueueAlreadyExists", "", 400, Fault::Exists),
        (Service::Sqs, "QueueNameExists", "", 400, Fault::Exists),
        (
            Service::Sqs,
            "AWS.SimpleQueueService.QueueDeletedRecently",
            "",
            400,
            Fault::TooSoon,
        ),
        (
            Service::Sqs,
            "QueueDeletedRecently",
            "",
            400,
            Fault::TooSoon,
        ),
        (Service::Sqs, "RequestThrottled", "", 403, Fault::Throttled),
        (Service::Sqs, "OverLimit", "", 403, Fault::Quota),
        (
            Service::Sqs,
            "UnrecognizedClientException",
            "",
            403,
            Fault::Credentials,
        ),
        (
            Service::ApiGateway,
            "NotFoundException",
            "Invalid API identifier specified",
            404,
            Fault::Missing,
        ),
        (
            Service::ApiGateway,
            "ConflictException",
            "Unable to complete operation due to concurrent modification. Please try again later.",
            409,
            Fault::Conflict,
        ),
        (
            Service::ApiGateway,
            "ConflictException",
            "Stage already exists",
            409,
            Fault::Exists,
        ),
        (
            Service::ApiGateway,
            "TooManyRequestsException",
            "Too Many Requests",
            429,
            Fault::Throttled,
        ),
        (
            Service::ApiGateway,
            "LimitExceededException",
            "Too Many Requests",
            429,
            Fault::Throttled,
        ),
        (
            Service::ApiGateway,
            "LimitExceededException",
            "Maximum number of integrations reached",
            429,
            Fault::Quota,
        ),
        (
            Service::ApiGateway,
            "AccessDeniedException",
            "",
            403,
            Fault::Denied,
        ),
        (
            Service::Tagging,
            "ThrottledException",
            "",
            400,
            Fault::Throttled,
        ),
        (
            Service::Tagging,
            "InternalServiceException",
            "",
            500,
            Fault::Broken,
        ),
        (Service::Kms, "NotFoundException", "", 400, Fault::Missing),
        (
            Service::Organizations,
            "AWSOrganizationsNotInUseException",
            "",
            400,
            Fault::Missing,
        ),
        (
            Service::Organizations,
            "ChildNotFoundException",
            "",
            400,
            Fault::Missing,
        ),
        (
            Service::Organizations,
            "AccessDeniedException",
            "",
            400,
            Fault::Denied,
        ),
        (
            Service::Organizations,
            "TooManyRequestsException",
            "",
            400,
            Fault::Throttled,
        ),
        (
            Service::Kms,
            "AccessDeniedException",
            "",
            400,
            Fault::Denied,
        ),
        (Service::Sqs, "Http503", "", 503, Fault::Broken),
        (Service::Sqs, "Http429", "", 429, Fault::Throttled),
        (Service::Sqs, "SomethingNew", "", 400, Fault::Invalid),
    ];

    #[test]
    fn every_known_answer_means_what_the_table_says() {
        for (service, code, message, status, meaning) in ANSWERS {
            assert_eq!(
                fault(*service, code, message, *status),
                *meaning,
                "{service} {code} {message} {status}"
            );
        }
    }

    #[derive(serde::Deserialize)]
    struct Refusals {
        refusal: Vec<Refusal>,
    }

    /// A refusal that was recorded from AWS, or reported of it.
    #[derive(serde::Deserialize)]
    struct Refusal {
        call: String,
        when: String,
        code: String,
        status: u16,
        message: String,
        means: String,
    }

    #[test]
    fn every_recorded_refusal_means_what_it_must() {
        let text = include_str!("../../tests/recorded/refusals.toml");
        let rows = toml::from_str::<Refusals>(text).expect("the recorded refusals");
        assert!(rows.refusal.len() > 80);
        let service = |call: &str| match call.split(':').next() {
            Some("iam") => Service::Iam,
            Some("sts") => Service::Sts,
            Some("sns") => Service::Sns,
            Some("sqs") => Service::Sqs,
            Some("apigateway") => Service::ApiGateway,
            _ => panic!("{call}"),
        };
        let wrong: Vec<String> = rows
            .refusal
            .iter()
            .filter_map(|it| {
                let found = fault(service(&it.call), &it.code, &it.message, it.status);
                let found = format!("{found:?}");
                (found != it.means)
                    .then(|| format!("{} ({}): {found}, not {}", it.call, it.when, it.means))
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn what_aws_says_ends_without_its_full_stop() {
        let message = "Unable to assume the role in this region.";
        assert_eq!(said(message), "Unable to assume the role in this region");
        assert_eq!(said(" wait... "), "wait...");
        assert_eq!(said("no stop"), "no stop");
        let error = std::io::Error::other("It is over.");
        assert_eq!(chain(&error), "It is over");
    }

    #[test]
    fn a_principal_that_is_named_in_another_error_is_not_waited_for() {
        let words = "Invalid principal in policy";
        assert_eq!(
            fault(Service::Iam, "InvalidInput", words, 400),
            Fault::Invalid
        );
        assert_eq!(
            fault(Service::Sns, "InvalidParameter", words, 400),
            Fault::Invalid
        );
    }
}
