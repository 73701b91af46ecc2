//! Combinations of values that no request has.
//!
//! Coordinates are counted as if they were independent. Where AWS's keys are not, as a
//! source's account and the account in the source's ARN, the combinations that cannot be
//! are cubes to be left out of every difference.

use std::collections::{BTreeMap, BTreeSet};

use super::automaton::{Atlas, Language, Universe};
use super::condition::Test;
use super::coordinate::{Coordinate, Link, Value, What, index, links, text_of};
use super::coordinates::{
    FEDERATED, PROVIDER_KEY, TRADES, is_provider, is_service, provider_of, texts_of,
};
use super::cubes::{Cube, Shape};
use super::facts::has_every_token_of;
use super::request::Who;

/// Keys that only principals of accounts have: what is known of their credentials, and by which services they call.
pub(super) fn is_of_account(key: &str) -> bool {
    [
        "aws:assumedroot",
        "aws:calledvia",
        "aws:calledviafirst",
        "aws:calledvialast",
        "aws:chatbotsourcearn",
        "aws:ec2instancesourceprivateipv4",
        "aws:ec2instancesourcevpc",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:signinsessionarn",
        "aws:tokenissuetime",
        "ec2:sourceinstancearn",
    ]
    .contains(&key)
        || key.starts_with("aws:principaltag/")
}

/// Keys that every request with temporary credentials has.
const OF_SESSIONS: [&str; 2] = ["aws:multifactorauthpresent", "aws:tokenissuetime"];

/// Keys that only a service's own request has, made for a resource of an organization's account, or as one of its names.
const OF_SERVICES: [&str; 3] = [
    "aws:principalservicenameslist",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
];

/// Keys of which a request has both or neither.
const TOGETHER: [[&str; 2]; 5] = [
    ["aws:calledvia", "aws:calledviafirst"],
    ["aws:calledvia", "aws:calledvialast"],
    ["aws:calledviafirst", "aws:calledvialast"],
    ["aws:principalorgid", "aws:principalorgpaths"],
    ["aws:sourceorgid", "aws:sourceorgpaths"],
];

/// Keys that are there only where another key is true: that the call is made by a service for its caller, and that it
/// has been authenticated by a second factor.
const ONLY_WHERE: [(&str, &str); 4] = [
    ("aws:calledvia", "aws:viaawsservice"),
    ("aws:calledviafirst", "aws:viaawsservice"),
    ("aws:calledvialast", "aws:viaawsservice"),
    ("aws:multifactorauthage", "aws:multifactorauthpresent"),
];

/// Whether it is a role, or a session of one.
fn is_in_session(value: &Value) -> bool {
    matches!(value, Value::Who(Who::Arn(arn)) if arn.contains(":role/") || arn.contains(":assumed-role/"))
}

/// Whether it has temporary credentials only: as a session of a role, so a federated user's.
fn is_temporary(value: &Value) -> bool {
    is_in_session(value) || matches!(value, Value::Who(Who::Arn(arn)) if arn.contains(FEDERATED))
}

pub(super) fn is_of_an_account(value: &Value) -> bool {
    matches!(value, Value::Who(Who::Arn(_))) && !is_provider(value)
}

/// What whoever assumes a role is asked for.
const ASSUMING: [&str; 3] = ["sts:assumerole", "sts:setsourceidentity", "sts:tagsession"];

/// What a token that is traded for a role may ask for beside it: session tags and a source identity.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html> and
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>.
const WITH_TOKENS: [&str; 2] = ["sts:setsourceidentity", "sts:tagsession"];

/// A coordinate, and which of its values are meant.
type Part<'a> = (usize, &'a dyn Fn(&Value) -> bool);

/// Combinations that no request has.
pub(super) fn impossibilities(
    coordinates: &[Coordinate],
    shape: &Shape,
    keys: &BTreeMap<&str, Vec<&Test>>,
) -> Vec<Cube> {
    let mut found = Vec::new();
    let mut forbid = |parts: &[Part<'_>]| {
        let mut cube = shape.full();
        for (index, passes) in parts {
            let values = &coordinates[*index].values;
            shape.keep(&mut cube, *index, |it| passes(&values[it]));
        }
        if !shape.is_void(&cube) {
            found.push(cube);
        }
    };
    let key = |name: &str| index(coordinates, &What::Key(name.to_owned()));
    let is_present = |it: &Value| matches!(it, Value::Key(Some(_)));
    let is_absent = |it: &Value| matches!(it, Value::Key(None));

    let principal = index(coordinates, &What::Principal);
    if let Some((who, action)) = principal.zip(index(coordinates, &What::Action)) {
        let is_trade = |it: &Value| matches!(it, Value::Text(it) if TRADES.iter().any(|own| own.eq_ignore_ascii_case(it)));
        let comes_with_one = |it: &Value| matches!(it, Value::Text(it) if WITH_TOKENS.contains(&it.to_ascii_lowercase().as_str()));
        forbid(&[
            (who, &is_provider),
            (action, &|it| !is_trade(it) && !comes_with_one(it)),
        ]);
        forbid(&[(who, &|it| !is_provider(it)), (action, &is_trade)]);
        let is_saml = |it: &Value| provider_of(it).is_some_and(|it| it.contains(":saml-provider/"));
        let is_of_saml =
            |it: &Value| matches!(it, Value::Text(it) if it.eq_ignore_ascii_case(TRADES[1]));
        forbid(&[
            (who, &is_saml),
            (action, &|it| is_trade(it) && !is_of_saml(it)),
        ]);
        forbid(&[
            (who, &|it| is_provider(it) && !is_saml(it)),
            (action, &is_of_saml),
        ]);
    }
    // Neither STS nor KMS accepts a request without a signature.
    if let Some((who, action)) = principal.zip(index(coordinates, &What::Action)) {
        let is_signed = |it: &Value| matches!(it, Value::Text(it) if ["kms:", "sts:"].iter().any(|own| it.starts_with(own)));
        forbid(&[
            (who, &|it| *it == Value::Who(Who::Anonymous)),
            (action, &is_signed),
        ]);
    }
    // No root user assumes a role, and a federated user's session asks STS only who it is.
    if let Some((who, action)) = principal.zip(index(coordinates, &What::Action)) {
        let is_root =
            |it: &Value| matches!(it, Value::Who(Who::Arn(arn)) if arn.ends_with(":root"));
        let assumes = |it: &Value| matches!(it, Value::Text(it) if ASSUMING.contains(&it.as_str()));
        forbid(&[(who, &is_root), (action, &assumes)]);
        let is_federated =
            |it: &Value| matches!(it, Value::Who(Who::Arn(arn)) if arn.contains(FEDERATED));
        let of_sts = |it: &Value| matches!(it, Value::Text(it) if it.starts_with("sts:") && it != "sts:getcalleridentity");
        forbid(&[(who, &is_federated), (action, &of_sts)]);
    }
    if let Some(who) = principal {
        for (index, coordinate) in coordinates.iter().enumerate() {
            if matches!(&coordinate.what, What::Key(it) if is_of_account(it)) {
                forbid(&[(who, &|it| !is_of_an_account(it)), (index, &is_present)]);
            }
            if let What::Key(name) = &coordinate.what {
                let brings =
                    |it: &Value| provider_of(it).is_some_and(|it| has_every_token_of(it, name));
                forbid(&[(who, &brings), (index, &is_absent)]);
            }
            if matches!(&coordinate.what, What::Key(it) if OF_SERVICES.contains(&it.as_str())) {
                forbid(&[(who, &|it| !is_service(it)), (index, &is_present)]);
            }
            if matches!(&coordinate.what, What::Key(it) if OF_SESSIONS.contains(&it.as_str())) {
                forbid(&[(who, &is_temporary), (index, &is_absent)]);
            }
        }
    }
    for [one, other] in TOGETHER {
        if let Some((one, other)) = key(one).zip(key(other)) {
            forbid(&[(one, &is_present), (other, &is_absent)]);
            forbid(&[(one, &is_absent), (other, &is_present)]);
        }
    }
    let is_true = |it: &Value| text_of(it).is_some_and(|it| it.eq_ignore_ascii_case("true"));
    for (some, only) in ONLY_WHERE {
        if let Some((some, only)) = key(some).zip(key(only)) {
            forbid(&[(some, &is_present), (only, &|it| !is_true(it))]);
        }
    }
    // A session may have been opened by a provider of its role's account, and a token is of its own provider.
    if let Some((who, by)) = principal.zip(key(PROVIDER_KEY)) {
        forbid(&[
            (who, &|it| !is_in_session(it) && !is_provider(it)),
            (by, &is_present),
        ]);
        forbid(&[(who, &is_provider), (by, &is_absent)]);
        let account = |it: &Value| match it {
            Value::Who(Who::Arn(arn)) => arn.split(':').nth(4).map(str::to_owned),
            other => text_of(other)?.split(':').nth(4).map(str::to_owned),
        };
        let tests = keys.get(PROVIDER_KEY).into_iter().flatten();
        let languages = tests
            .flat_map(|it| texts_of(it))
            .map(|it| Language(vec![it]));
        let atlas = Atlas::of(Universe::Text, languages);
        for one in &coordinates[by].values {
            let Some(name) = text_of(one) else { continue };
            if let Ok(atlas) = &atlas {
                let other = |it: &Value| {
                    provider_of(it).is_some_and(|it| atlas.class(it) != atlas.class(name))
                };
                forbid(&[(who, &other), (by, &|it| it == one)]);
            }
            let own = account(one).filter(|it| !it.is_empty());
            if own.is_some() {
                let other = |it: &Value| is_in_session(it) && account(it) != own;
                forbid(&[(who, &other), (by, &|it| it == one)]);
            }
        }
    }
    // A request through a VPC endpoint has no public address, and every other one has.
    if let Some(address) = key("aws:sourceip") {
        let ways: Vec<usize> = ["aws:sourcevpce", "aws:sourcevpc", "aws:vpcsourceip"]
            .iter()
            .filter_map(|it| key(it))
            .collect();
        for way in &ways {
            forbid(&[(address, &is_present), (*way, &is_present)]);
        }
        if ways.len() == 3 {
            forbid(&[
                (address, &is_absent),
                (ways[0], &is_absent),
                (ways[1], &is_absent),
                (ways[2], &is_absent),
            ]);
        }
    }
    let sources = ["aws:sourceaccount", "aws:sourceowner"].map(|key| Link {
        key,
        of: What::Principal,
        segment: 4,
    });
    if let Some(who) = principal {
        let is_stranger = |it: &Value| !is_of_an_account(it) && !is_service(it);
        let action = index(coordinates, &What::Action);
        let of_topic = |it: &Value| matches!(it, Value::Text(it) if it.starts_with("sns:"));
        if let Some(source) = key("aws:sourcearn") {
            forbid(&[(who, &is_stranger), (source, &is_present)]);
        }
        for by in sources.iter().filter_map(|it| key(it.key)) {
            forbid(&[(who, &is_stranger), (by, &is_present)]);
            if let Some(action) = action {
                forbid(&[
                    (who, &is_of_an_account),
                    (action, &of_topic),
                    (by, &is_absent),
                ]);
            }
        }
    }
    for link in links().into_iter().chain(sources) {
        let Some((of, by)) = index(coordinates, &link.of).zip(key(link.key)) else {
            continue;
        };
        let tests = keys.get(link.key).into_iter().flatten();
        let languages: Vec<Language> = tests
            .flat_map(|it| texts_of(it))
            .map(|it| Language(vec![it]))
            .collect();
        let Ok(atlas) = Atlas::of(Universe::Text, languages) else {
            continue;
        };
        let segment = |it: &Value| {
            let text = match it {
                Value::Who(Who::Arn(arn)) if is_of_an_account(it) => arn,
                other => text_of(other)?,
            };
            let part = text.splitn(6, ':').nth(link.segment)?;
            (!part.is_empty()).then(|| atlas.class(part))
        };
        let own = |it: &Value| Some(atlas.class(text_of(it)?));
        let classes: BTreeSet<_> = coordinates[by].values.iter().filter_map(own).collect();
        for class in classes {
            forbid(&[
                (of, &|it| segment(it).is_some_and(|it| it != class)),
                (by, &|it| own(it).as_ref() == Some(&class)),
            ]);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::super::widen::{Change, compare};

    /// Whether a statement with these fields lets through any request at all.
    #[track_caller]
    fn possible(fields: &str, expected: bool) {
        let text =
            format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{fields}}}]}}"#);
        let document = Document::parse(&text).expect("a policy");
        let verdict = compare(&Document::of(Vec::new()), &document).verdict;
        let change = if expected {
            Change::Widened
        } else {
            Change::Cosmetic
        };
        assert_eq!(verdict, change, "{fields}");
    }

    fn under(condition: &str) -> String {
        format!(
            r#""Principal":"*","Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:222222222222:t","Condition":{{{condition}}}"#
        )
    }

    /// Where these keys are absent, and those are not.
    fn with(absent: &[&str], present: &[&str]) -> String {
        let absent = absent.iter().map(|it| format!(r#""{it}":"true""#));
        let present = present.iter().map(|it| format!(r#""{it}":"false""#));
        let tests: Vec<String> = absent.chain(present).collect();
        under(&format!(r#""Null":{{{}}}"#, tests.join(",")))
    }

    #[test]
    fn a_request_has_a_public_address_or_comes_through_an_endpoint() {
        let ways = ["aws:SourceVpce", "aws:SourceVpc", "aws:VpcSourceIp"];
        for way in ways {
            possible(&with(&[], &["aws:SourceIp", way]), false);
            possible(&with(&["aws:SourceIp"], &[way]), true);
            possible(&with(&[way], &["aws:SourceIp"]), true);
        }
        let all = ["aws:SourceIp", ways[0], ways[1], ways[2]];
        possible(&with(&all, &[]), false);
        for (index, way) in all.into_iter().enumerate() {
            let mut others = all.to_vec();
            others.remove(index);
            possible(&with(&others, &[way]), true);
        }
    }

    #[test]
    fn only_who_is_of_an_account_is_in_an_organization_or_has_a_session() {
        for key in [
            "aws:MultiFactorAuthAge",
            "aws:MultiFactorAuthPresent",
            "aws:PrincipalOrgID",
            "aws:PrincipalOrgPaths",
            "aws:TokenIssueTime",
            "aws:PrincipalTag/team",
        ] {
            possible(&with(&["aws:PrincipalArn"], &[key]), false);
            possible(&with(&[], &["aws:PrincipalArn", key]), true);
        }
        possible(&with(&["aws:PrincipalArn"], &["aws:Referer"]), true);
    }

    #[test]
    fn what_a_service_says_of_its_source_no_other_caller_says() {
        let of = |principal: &str, key: &str| {
            with(&[], &[key]).replace(r#""Principal":"*""#, &format!(r#""Principal":{principal}"#))
        };
        let (service, role) = (
            r#"{"Service":"s3.amazonaws.com"}"#,
            r#"{"AWS":"arn:aws:iam::111111111111:role/a"}"#,
        );
        for key in ["aws:SourceOrgID", "aws:SourceOrgPaths"] {
            possible(&of(service, key), true);
            possible(&of(role, key), false);
            possible(&of(r#""*""#, key), true);
        }
        for key in ["aws:CalledVia", "aws:CalledViaFirst", "aws:AssumedRoot"] {
            possible(&of(service, key), false);
            possible(&of(role, key), true);
        }
    }

    #[test]
    fn keys_of_one_thing_are_there_together() {
        for [one, other] in super::TOGETHER {
            possible(&with(&[one], &[other]), false);
            possible(&with(&[other], &[one]), false);
            possible(&with(&[], &[one, other]), true);
        }
        let under_bool = |key: &str, only: &str, value: &str| {
            under(&format!(
                r#""Null":{{"{key}":"false"}},"Bool":{{"{only}":"{value}"}}"#
            ))
        };
        for (some, only) in super::ONLY_WHERE {
            possible(&under_bool(some, only, "true"), true);
            possible(&under_bool(some, only, "false"), false);
        }
    }

    /// Whether the value of a key under one pattern can be other than under another.
    #[track_caller]
    fn wider(key: &str, [narrow, wide]: [&str; 2], expected: bool) {
        let of = |pattern: &str| {
            let test = if key.ends_with("Paths") || ["aws:CalledVia"].contains(&key) {
                "ForAnyValue:StringLike"
            } else {
                "StringLike"
            };
            let fields = under(&format!(r#""{test}":{{"{key}":"{pattern}"}}"#));
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{fields}}}]}}"#
            );
            Document::parse(&text).expect("a policy")
        };
        let found = compare(&of(narrow), &of(wide));
        let change = if expected {
            Change::Widened
        } else {
            Change::Cosmetic
        };
        assert_eq!(found.verdict, change, "{key}: {narrow}, {wide}");
    }

    #[test]
    fn a_key_has_values_of_its_form_only() {
        for (key, form, narrower) in [
            ("aws:PrincipalOrgID", "o-*", "o-a*"),
            ("aws:PrincipalOrgPaths", "o-*", "o-a/r-b/*"),
            ("aws:SourceOrgID", "o-?*", "o-a"),
            ("aws:SourceVpce", "vpce-*", "vpce-0*"),
            ("aws:SourceVpc", "vpc-*", "vpc-0"),
            ("aws:SourceAccount", "????????????", "1*"),
            ("aws:CalledVia", "*.amazonaws.com", "a*.amazonaws.com"),
            ("aws:PrincipalServiceName", "*.amazonaws.com", "s3.*"),
            ("aws:SourceArn", "arn:aws:*", "arn:aws:s3:*"),
        ] {
            wider(key, [form, "*"], false);
            wider(key, [narrower, form], true);
        }
        wider("aws:SourceVpc", ["vpc-*", "v*"], false);
        wider("aws:UserAgent", ["o-*", "*"], true);
    }

    #[test]
    fn a_tag_and_a_part_of_a_request_may_be_the_empty_text_and_what_aws_sets_is_not() {
        for (key, expected) in [
            ("aws:PrincipalTag/team", true),
            ("aws:RequestTag/team", true),
            ("aws:ResourceTag/team", true),
            ("aws:UserAgent", true),
            ("s3:prefix", true),
            ("aws:PrincipalOrgID", false),
            ("aws:RequestedRegion", false),
            ("sns:Endpoint", false),
            ("sts:ExternalId", false),
        ] {
            wider(key, ["?*", "*"], expected);
        }
    }

    #[test]
    fn a_role_has_temporary_credentials_and_a_user_may_have_none() {
        let of = |kind: &str, key: &str| {
            under(&format!(
                r#""ArnLike":{{"aws:PrincipalArn":"arn:aws:iam::*:{kind}/*"}},"Null":{{"{key}":"true"}}"#
            ))
        };
        for key in ["aws:TokenIssueTime", "aws:MultiFactorAuthPresent"] {
            possible(&of("role", key), false);
            possible(&of("user", key), true);
        }
        possible(&of("role", "aws:MultiFactorAuthAge"), true);
    }

    #[test]
    fn a_session_has_the_provider_that_opened_it() {
        let of = |principal: &str, provider: &str| {
            under(&format!(
                r#""StringEquals":{{"aws:FederatedProvider":"{provider}"}}"#
            ))
            .replace(r#""Principal":"*""#, &format!(r#""Principal":{principal}"#))
        };
        let provider = "arn:aws:iam::111111111111:oidc-provider/example.org";
        possible(&of(r#""*""#, provider), true);
        possible(&of(r#""*""#, "cognito-identity.amazonaws.com"), true);
        for (arn, expected) in [
            ("arn:aws:iam::111111111111:role/a", true),
            ("arn:aws:sts::111111111111:assumed-role/a/s", true),
            ("arn:aws:iam::999999999999:role/a", false),
            ("arn:aws:iam::111111111111:user/a", false),
        ] {
            possible(&of(&format!(r#"{{"AWS":"{arn}"}}"#), provider), expected);
        }
        possible(&of(r#"{"Service":"s3.amazonaws.com"}"#, provider), false);
        let trade = |own: &str| {
            format!(
                r#""Principal":{{"Federated":"{own}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"aws:FederatedProvider":"{provider}"}}}}"#
            )
        };
        possible(&trade(provider), true);
        possible(
            &trade("arn:aws:iam::111111111111:oidc-provider/example.com"),
            false,
        );
    }

    #[test]
    fn a_token_says_who_it_is_of_and_for_whom() {
        let of = |claim: &str| {
            format!(
                r#""Principal":{{"Federated":"arn:aws:iam::111111111111:oidc-provider/example.org"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"Null":{{"{claim}":"true"}}}}"#
            )
        };
        possible(&of("example.org:aud"), false);
        possible(&of("example.org:sub"), false);
        possible(&of("example.org:email"), true);
        possible(&of("example.com:aud"), true);
    }

    #[test]
    fn a_token_is_traded_by_its_provider_and_by_nobody_else() {
        let of = |kind: &str, name: &str, action: &str| {
            format!(r#""Principal":{{"{kind}":"{name}"}},"Action":"{action}""#)
        };
        let provider = "arn:aws:iam::111111111111:oidc-provider/example.org";
        let lambda = "lambda.amazonaws.com";
        let saml = "arn:aws:iam::111111111111:saml-provider/corp";
        for (trade, own, other) in [
            ("sts:AssumeRoleWithWebIdentity", provider, saml),
            ("sts:AssumeRoleWithSAML", saml, provider),
        ] {
            possible(&of("Federated", own, trade), true);
            possible(&of("Federated", other, trade), false);
            possible(&of("Service", lambda, trade), false);
            possible(&of("AWS", "arn:aws:iam::111111111111:root", trade), false);
            possible(&of("AWS", "arn:aws:iam::111111111111:role/a", trade), false);
        }
        // A token may bring session tags and a source identity.
        for beside in ["sts:TagSession", "sts:SetSourceIdentity"] {
            possible(&of("Federated", provider, beside), true);
        }
        possible(&of("Federated", provider, "sts:AssumeRole"), false);
        possible(&of("Service", lambda, "sts:AssumeRole"), true);
    }

    #[test]
    fn a_source_of_sns_is_the_callers_own_account() {
        let from = |principal: &str, key: &str, more: &str| {
            under(&format!(
                r#""StringEquals":{{"{key}":"111111111111"}}{more}"#
            ))
            .replace(r#""*""#, principal)
        };
        for key in ["AWS:SourceOwner", "aws:SourceAccount"] {
            let of = |account: &str| {
                let role = format!(r#"{{"AWS":"arn:aws:iam::{account}:role/a"}}"#);
                from(&role, key, "")
            };
            possible(&of("111111111111"), true);
            possible(&of("999999999999"), false);
            // It is in every signed request, and in no unsigned one.
            let unsigned =
                r#","Null":{"aws:PrincipalArn":"true","aws:PrincipalServiceName":"true"}"#;
            possible(&from(r#""*""#, key, unsigned), false);
            possible(&from(r#""*""#, key, ""), true);
            possible(&from(r#"{"Service":"s3.amazonaws.com"}"#, key, ""), true);
            let role = r#"{"AWS":"arn:aws:iam::111111111111:role/a"}"#;
            possible(&with(&[key], &[]).replace(r#""*""#, role), false);
        }
    }

    #[test]
    fn a_key_that_names_a_segment_of_an_arn_has_what_stands_there() {
        for (key, own, other) in [
            ("aws:RequestedRegion", "eu-west-1", "us-east-1"),
            ("aws:ResourceAccount", "222222222222", "111111111111"),
        ] {
            let equals = |value: &str| under(&format!(r#""StringEquals":{{"{key}":"{value}"}}"#));
            possible(&equals(own), true);
            possible(&equals(other), false);
        }
        let from = |account: &str| {
            under(&format!(
                r#""ArnLike":{{"aws:SourceArn":"arn:aws:s3:*:111111111111:*"}},"StringEquals":{{"aws:SourceAccount":"{account}"}}"#
            ))
            .replace(r#""Principal":"*""#, r#""Principal":{"Service":"s3.amazonaws.com"}"#)
        };
        possible(&from("111111111111"), true);
        possible(&from("222222222222"), false);
        // A bucket's ARN names no account, so it may be anyone's.
        possible(
            &from("222222222222").replace(":*:111111111111:*", ":::bucket"),
            true,
        );
    }

    /// An alias is no key, and its actions are allowed by identity policies too:
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html>
    #[test]
    fn only_the_policy_of_a_key_or_a_role_is_about_keys_or_roles_alone() {
        let alias =
            r#""Action":"kms:CreateAlias","Resource":"arn:aws:kms:eu-west-1:111111111111:alias/a""#;
        let topic = r#""Action":"kms:Decrypt","Resource":"arn:aws:sns:eu-west-1:111111111111:t""#;
        for fields in [alias, topic] {
            possible(fields, true);
        }
    }
}
