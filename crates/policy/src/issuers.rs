//! The OIDC providers that many organizations share, each with the claim that tells one organization's tokens from
//! another's.
//!
//! IAM takes no trust policy that lets tokens of these be traded without a condition on that claim.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html>.

/// Providers whose address is the same for all who use them, with the claims of which one must be compared.
const SHARED: [(&str, &[&str]); 15] = [
    ("agent.buildkite.com", &["sub"]),
    ("api.pulumi.com/oidc", &["aud"]),
    ("app.terraform.io", &["sub"]),
    ("cognito-identity.amazonaws.com", &["aud"]),
    ("gitlab.com", &["sub"]),
    (
        "oidc-configuration.audit-log.githubusercontent.com",
        &["sub"],
    ),
    ("oidc.codefresh.io", &["sub"]),
    ("oidc.vercel.com", &["aud"]),
    ("proidc.upbound.io", &["sub"]),
    ("sandboxes.cloud", &["aud"]),
    ("scalr.io", &["sub"]),
    ("studio.datachain.ai/api", &["sub"]),
    (
        "token.actions.githubusercontent.com",
        &["sub", "job_workflow_ref"],
    ),
    ("tokens.cloud.shisho.dev", &["sub"]),
    ("vstoken.actions.githubusercontent.com", &["sub"]),
];

/// Returns the claims of which a trust policy must compare one, if a provider is shared; none otherwise.
///
/// `provider` is as a `Federated` principal names it, or the host and path alone.
pub(crate) fn telling_claims(provider: &str) -> Option<&'static [&'static str]> {
    let address = provider
        .rsplit_once(":oidc-provider/")
        .map_or(provider, |it| it.1);
    let of = |(host, _): &&(&str, &[&str])| address.eq_ignore_ascii_case(host);
    SHARED.iter().find(of).map(|it| it.1)
}

/// Returns whether a text says nothing: it is made of wildcards, or is empty.
pub(crate) fn is_any(value: &str) -> bool {
    value.chars().all(|it| matches!(it, '*' | '?'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_provider_is_known_by_its_whole_address() {
        let of =
            |host: &str| telling_claims(&format!("arn:aws:iam::111111111111:oidc-provider/{host}"));
        assert_eq!(of("agent.buildkite.com"), Some(&["sub"][..]));
        assert_eq!(of("Oidc.Vercel.com"), Some(&["aud"][..]));
        assert_eq!(telling_claims("gitlab.com"), Some(&["sub"][..]));
        // A team's own: GitHub Enterprise with an address of its own, Vercel in team mode, GitLab on its own host.
        for own in [
            "token.actions.githubusercontent.com/octo-enterprise",
            "oidc.vercel.com/acme",
            "gitlab.example.org",
        ] {
            assert_eq!(of(own), None, "{own}");
        }
    }

    #[test]
    fn wildcards_alone_say_nothing() {
        for (value, any) in [("*", true), ("", true), ("?*", true), ("repo:*", false)] {
            assert_eq!(is_any(value), any, "{value}");
        }
    }
}
