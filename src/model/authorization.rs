//! How an operation of an `OpenAPI` document is authorized, as API Gateway reads it.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authtype.html>.

use serde_json::{Map, Value};

use super::definition::is_api_key;

/// What an operation asks of its callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// `NONE`, `AWS_IAM`, `CUSTOM` or `COGNITO_USER_POOLS`.
    pub kind: String,
    /// Whether it asks for an API key.
    pub api_key: bool,
}

impl Authorization {
    /// The authorization of an operation: its own, or else the root's.
    #[must_use]
    pub fn of(document: &Value, operation: &Map<String, Value>) -> Self {
        let mut found = Self {
            kind: "NONE".to_owned(),
            api_key: false,
        };
        let own = operation.get("security");
        let requirements = own.or_else(|| document.get("security"));
        let requirements = requirements.and_then(Value::as_array).into_iter().flatten();
        for name in requirements
            .filter_map(Value::as_object)
            .flat_map(Map::keys)
        {
            let scheme = scheme(document, name);
            let kind = scheme["x-amazon-apigateway-authtype"]
                .as_str()
                .unwrap_or_default();
            if is_api_key(scheme) {
                found.api_key = true;
            } else if kind.eq_ignore_ascii_case("awssigv4") {
                "AWS_IAM".clone_into(&mut found.kind);
            } else if kind.eq_ignore_ascii_case("cognito_user_pools") {
                "COGNITO_USER_POOLS".clone_into(&mut found.kind);
            } else if scheme.get("x-amazon-apigateway-authorizer").is_some() {
                "CUSTOM".clone_into(&mut found.kind);
            }
        }
        let declared = operation.get("x-amazon-apigateway-auth");
        if let Some(declared) = declared.and_then(|it| it["type"].as_str()) {
            found.kind = declared.to_ascii_uppercase();
        }
        found
    }

    /// Whether a Cognito user pool or a function authorizes callers.
    #[must_use]
    pub fn is_of_authorizer(&self) -> bool {
        !matches!(self.kind.as_str(), "NONE" | "AWS_IAM")
    }
}

/// The security scheme of a document that has this name; null where there is none.
#[must_use]
pub fn scheme<'a>(document: &'a Value, name: &str) -> &'a Value {
    match document.get("securityDefinitions") {
        Some(definitions) => &definitions[name],
        None => &document["components"]["securitySchemes"][name],
    }
}
