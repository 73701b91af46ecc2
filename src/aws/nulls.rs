//! Answers that the SDK would misread: with `null` where it takes none, and without anything where there must be something.
//!
//! API Gateway writes an empty mapping template back as `null`, and for one `null` in a map of texts the
//! SDK refuses the whole answer. So every JSON answer passes here before the SDK reads it: an empty
//! template is written as the empty text it is, and any other `null` is left out, which means the same.
//!
//! An answer to a read whose body is lost would be taken for one in which every list is empty. It counts as a lost connection.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/api/API_IntegrationResponse.html>.

use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::Value;

/// A client whose JSON answers hold no `null`.
#[derive(Debug)]
pub(super) struct WithoutNulls(pub(super) SharedHttpClient);

impl HttpClient for WithoutNulls {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector(self.0.http_connector(settings, components)))
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

#[derive(Debug)]
struct Connector(SharedHttpConnector);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let reads = is_read(&request);
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let mut answer = answer.await?;
            if is_json(&answer) || reads {
                let body = ByteStream::new(answer.take_body());
                let body = body.collect().await;
                let bytes = body
                    .map_err(|error| ConnectorError::io(error.into()))?
                    .to_vec();
                if reads && answer.status().is_success() && bytes.is_empty() {
                    return Err(ConnectorError::io("the answer has no body".into()));
                }
                let cleared = without_nulls(&bytes);
                if cleared.is_some() {
                    // The SDK checks that the body is as long as this says.
                    answer.headers_mut().remove("content-length");
                }
                *answer.body_mut() = SdkBody::from(cleared.unwrap_or(bytes));
            }
            Ok(answer)
        })
    }
}

/// Whether a request in JSON reads: its answer has a body, be it `{}`.
fn is_read(request: &HttpRequest) -> bool {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let action = target.rsplit('.').next().unwrap_or_default();
    let reads = ["Describe", "Get", "List"];
    request.method() == "GET" || reads.iter().any(|it| action.starts_with(it))
}

fn is_json(answer: &HttpResponse) -> bool {
    let kind = answer.headers().get("content-type");
    kind.is_some_and(|it| it.contains("json"))
}

/// The same answer without a `null`; `None` when it has none, or is no JSON.
fn without_nulls(body: &[u8]) -> Option<Vec<u8>> {
    if !body.windows(4).any(|it| it == b"null") {
        return None;
    }
    let mut answer: Value = serde_json::from_slice(body).ok()?;
    clear(&mut answer, false);
    serde_json::to_vec(&answer).ok()
}

fn clear(value: &mut Value, of_templates: bool) {
    match value {
        Value::Object(members) => {
            if of_templates {
                for template in members.values_mut().filter(|it| it.is_null()) {
                    *template = "".into();
                }
            }
            members.retain(|_, it| !it.is_null());
            for (name, member) in members.iter_mut() {
                clear(
                    member,
                    matches!(name.as_str(), "requestTemplates" | "responseTemplates"),
                );
            }
        }
        Value::Array(items) => {
            items.retain(|it| !it.is_null());
            for it in items {
                clear(it, false);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_template_is_an_empty_text_and_any_other_null_is_left_out() {
        let cleared = |text: &str| {
            let bytes = without_nulls(text.as_bytes())?;
            Some(String::from_utf8(bytes).expect("text"))
        };
        let answer = r#"{"item":[{"resourceMethods":{"GET":{"methodIntegration":{"requestTemplates":{"application/json":null},"requestParameters":{"a":null},"integrationResponses":{"200":{"responseTemplates":{"application/json":null}}}}}}}, null]}"#;
        let readable = r#"{"item":[{"resourceMethods":{"GET":{"methodIntegration":{"integrationResponses":{"200":{"responseTemplates":{"application/json":""}}},"requestParameters":{},"requestTemplates":{"application/json":""}}}}}]}"#;
        assert_eq!(cleared(answer).as_deref(), Some(readable));
        assert_eq!(
            cleared(r#"{"tags":{"a":null},"variables":null}"#).as_deref(),
            Some(r#"{"tags":{}}"#)
        );
        assert_eq!(
            cleared(r#"{"description":"annulled"}"#),
            Some(r#"{"description":"annulled"}"#.to_owned())
        );
        assert_eq!(cleared(r#"{"a":1}"#), None);
        assert_eq!(cleared("null of no JSON"), None);
    }
}
