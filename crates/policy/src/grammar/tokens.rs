//! What IAM asks of the trust in providers that many organizations share.

use serde_json::{Map, Value};

use super::{Judge, items};
use crate::issuers::{is_any, telling_claims};
use crate::operator::{Base, Operator, Set};
use crate::patterns::Pattern;

/// The action by which a provider's token is traded for a session.
const TRADE: &str = "assumerolewithwebidentity";

impl Judge {
    /// Refuses a statement that lets everybody's tokens of a shared provider be traded.
    ///
    /// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html>.
    pub(super) fn tokens(&mut self, statement: &Map<String, Value>, at: &str) {
        let trades = |it: &Value| {
            let action = it.as_str().unwrap_or_default().to_ascii_lowercase();
            let name = action.strip_prefix("sts:").unwrap_or(&action);
            Pattern::of(name).matches(TRADE)
        };
        if statement.get("Effect") != Some(&Value::from("Allow"))
            || !items(statement.get("Action")).iter().any(trades)
        {
            return;
        }
        let principal = statement.get("Principal");
        let providers = items(principal.and_then(|it| it.get("Federated")));
        for provider in providers.iter().filter_map(Value::as_str) {
            let Some(claims) = telling_claims(provider) else {
                continue;
            };
            let address = provider
                .rsplit_once(":oidc-provider/")
                .map_or(provider, |it| it.1);
            if compares(statement.get("Condition"), address, claims) {
                continue;
            }
            let claims: Vec<String> = claims.iter().map(|it| format!("{address}:{it}")).collect();
            self.refuse(
                &format!("{at}.Condition"),
                format!("Missing required condition {} of a shared provider", claims.join(" or ")),
                format!(
                    "many organizations have tokens of {address}: compare {} by StringEquals or StringLike with values \
                     that are yours, and not with `*` alone",
                    claims.join(" or ")
                ),
            );
        }
    }
}

/// Returns whether a condition compares one of a token's claims with texts that say something.
fn compares(condition: Option<&Value>, address: &str, claims: &[&str]) -> bool {
    let operators = condition.and_then(Value::as_object).into_iter().flatten();
    operators
        .filter(|(name, _)| {
            Operator::parse(name).is_some_and(|it| {
                let by_text = matches!(
                    it.base,
                    Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike
                );
                by_text && !it.negated && !it.if_exists && it.set != Set::All
            })
        })
        .filter_map(|(_, keys)| keys.as_object())
        .flatten()
        .any(|(key, values)| {
            let is_claim = claims
                .iter()
                .any(|it| key.eq_ignore_ascii_case(&format!("{address}:{it}")));
            let says = |it: &Value| it.as_str().is_some_and(|it| !is_any(it));
            is_claim && items(Some(values)).iter().all(says)
        })
}
