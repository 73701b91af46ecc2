//! How an operation of an `OpenAPI` document is authorized, as API Gateway reads it.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authtype.html>.

use serde_json::{Map, Value};

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
        for name in required(document, operation) {
            let scheme = scheme(document, name);
            if is_api_key(scheme) {
                found.api_key = true;
            } else if let Some(kind) = kind_of(scheme) {
                kind.clone_into(&mut found.kind);
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

/// The type of authorization that a security scheme gives to the operations that require it.
///
/// API Gateway reads schemes of the type `apiKey` only, whatever extensions the others have. An authorizer's own `type`
/// decides; `x-amazon-apigateway-authtype` beside it is free text, `awsSigv4` aside. See
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authorizer.html>.
fn kind_of(scheme: &Value) -> Option<&'static str> {
    let lower = |it: &Value| it.as_str().unwrap_or_default().to_ascii_lowercase();
    if scheme["type"] != "apiKey" {
        return None;
    }
    if lower(&scheme["x-amazon-apigateway-authtype"]) == "awssigv4" {
        return Some("AWS_IAM");
    }
    match lower(&scheme["x-amazon-apigateway-authorizer"]["type"]).as_str() {
        "cognito_user_pools" => Some("COGNITO_USER_POOLS"),
        "token" | "request" => Some("CUSTOM"),
        _ => None,
    }
}

/// Whether API Gateway makes an authorizer of a security scheme.
#[must_use]
pub fn makes_authorizer(scheme: &Value) -> bool {
    matches!(kind_of(scheme), Some("CUSTOM" | "COGNITO_USER_POOLS"))
}

/// What keeps an operation without an authorizer though it asks for one, and what to write; `None` where it asks for none.
#[must_use]
pub fn without_authorizer(
    document: &Value,
    operation: &Map<String, Value>,
) -> Option<(String, String)> {
    let name = required(document, operation).next()?;
    let scheme = scheme(document, name);
    let authorizer = &scheme["x-amazon-apigateway-authorizer"];
    let said = |it: &Value| match it.as_str() {
        Some(it) => format!("is `{it}`"),
        None => "is missing".to_owned(),
    };
    let (wrong, instead) = if let Some(own) = operation.get("x-amazon-apigateway-auth") {
        let wrong = format!(
            "`type` of its `x-amazon-apigateway-auth` {}",
            said(&own["type"])
        );
        (
            wrong,
            "remove `x-amazon-apigateway-auth` from the operation".to_owned(),
        )
    } else if scheme.is_null() {
        let wrong = format!("its document has no security scheme `{name}`");
        (wrong, "define the scheme".to_owned())
    } else if scheme["type"] != "apiKey" {
        (
            format!(
                "`type` of its security scheme `{name}` {}, and API Gateway reads `apiKey` only",
                said(&scheme["type"])
            ),
            format!("write `type: apiKey`, `name: Authorization`, `in: header` in `{name}`"),
        )
    } else if !authorizer.is_object() {
        (
            format!("its security scheme `{name}` has no `x-amazon-apigateway-authorizer`"),
            "write one there".to_owned(),
        )
    } else {
        (
            format!(
                "`type` of the authorizer of its security scheme `{name}` {}",
                said(&authorizer["type"])
            ),
            "write `token`, `request` or `cognito_user_pools` there".to_owned(),
        )
    };
    Some((wrong, instead))
}

/// The names of the security schemes that an operation requires: its own, or else the root's.
fn required<'a>(
    document: &'a Value,
    operation: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a String> {
    let own = operation.get("security");
    let requirements = own.or_else(|| document.get("security"));
    let requirements = requirements.and_then(Value::as_array).into_iter().flatten();
    requirements
        .filter_map(Value::as_object)
        .flat_map(Map::keys)
}

/// The security scheme of a document that has this name; null where there is none.
#[must_use]
pub fn scheme<'a>(document: &'a Value, name: &str) -> &'a Value {
    match document.get("securityDefinitions") {
        Some(definitions) => &definitions[name],
        None => &document["components"]["securitySchemes"][name],
    }
}

/// Whether this is a type of authorization.
#[must_use]
pub fn is_authorization(kind: &str) -> bool {
    matches!(kind, "NONE" | "AWS_IAM" | "CUSTOM" | "COGNITO_USER_POOLS")
}

/// Whether a security scheme is the one by which API Gateway asks for an API key.
///
/// A key in any other header is a header like any other to it.
#[must_use]
pub fn is_api_key(scheme: &Value) -> bool {
    scheme["type"] == "apiKey"
        && scheme["in"] == "header"
        && scheme["name"]
            .as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case("x-api-key"))
        && scheme.get("x-amazon-apigateway-authtype").is_none()
        && scheme.get("x-amazon-apigateway-authorizer").is_none()
}

/// Whether an operation that says `CUSTOM` or `COGNITO_USER_POOLS` itself has an authorizer of that type in its schemes.
#[must_use]
pub(super) fn has_authorizer(document: &Value, operation: &Map<String, Value>) -> bool {
    let declared = Authorization::of(document, operation);
    let brought = required(document, operation).filter_map(|it| kind_of(scheme(document, it)));
    !declared.is_of_authorizer() || brought.last() == Some(declared.kind.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_header_x_api_key_asks_for_a_key_of_api_gateway() {
        let scheme = |name: &str, place: &str| json!({"type": "apiKey", "name": name, "in": place});
        for name in ["x-api-key", "X-API-Key"] {
            assert!(is_api_key(&scheme(name, "header")), "{name}");
        }
        assert!(!is_api_key(&scheme("api_key", "header")));
        assert!(!is_api_key(&scheme("x-api-key", "query")));
    }

    /// What an operation has whose security scheme is this.
    fn of(scheme: &Value) -> String {
        let document =
            json!({"components": {"securitySchemes": {"o": scheme}}, "security": [{"o": []}]});
        Authorization::of(&document, &Map::new()).kind
    }

    #[test]
    fn an_authorizers_own_type_decides_in_a_scheme_of_the_type_api_key() {
        let scheme = |authtype: Value, authorizer: &str| {
            json!({"type": "apiKey", "name": "Authorization", "in": "header",
                "x-amazon-apigateway-authtype": authtype, "x-amazon-apigateway-authorizer": {"type": authorizer}})
        };
        for (authtype, authorizer, kind) in [
            (json!("custom"), "token", "CUSTOM"),
            (json!("oauth2"), "token", "CUSTOM"),
            (
                json!("Custom scheme with corporate claims"),
                "request",
                "CUSTOM",
            ),
            (Value::Null, "REQUEST", "CUSTOM"),
            (
                json!("cognito_user_pools"),
                "cognito_user_pools",
                "COGNITO_USER_POOLS",
            ),
            (json!("oauth2"), "cognito_user_pools", "COGNITO_USER_POOLS"),
            (Value::Null, "cognito_user_pools", "COGNITO_USER_POOLS"),
            (json!("cognito_user_pools"), "token", "CUSTOM"),
            (json!("awsSigv4"), "", "AWS_IAM"),
            (json!("custom"), "jwt", "NONE"),
        ] {
            let scheme = scheme(authtype, authorizer);
            assert_eq!(of(&scheme), kind, "{scheme}");
            for other in ["oauth2", "http", "openIdConnect"] {
                let mut scheme = scheme.clone();
                scheme["type"] = other.into();
                assert_eq!(of(&scheme), "NONE", "{scheme}");
            }
        }
        let alone = json!({"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "custom"});
        assert_eq!(of(&alone), "NONE", "an authorizer is defined nowhere");
    }
}
