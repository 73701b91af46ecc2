//! Every field that AWS shows of an API or a role is read, or stands here with why it is not.
//!
//! An import of a whole API takes away what its document does not carry: a field that nobody read would be lost
//! without a word. So the SDK's types are taken apart: a field that a later version adds fails the test.

use aws_sdk_apigateway::types::{
    AccessLogSettings, CanarySettings, EndpointConfiguration, Integration, IntegrationResponse,
    Method, MethodResponse, MethodSetting, Resource, RestApi, Stage, TlsConfig,
};

/// Returns the names of a struct's fields, as its debugging form has them.
fn fields(debugged: &str) -> Vec<String> {
    let inner = debugged.split_once('{').map_or("", |(_, it)| it);
    let (mut depth, mut found, mut name) = (0, Vec::new(), String::new());
    let mut is_name = true;
    for it in inner.chars() {
        match it {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            ':' if depth == 0 && is_name => {
                found.push(name.trim().to_owned());
                is_name = false;
            }
            ',' if depth == 0 => {
                name.clear();
                is_name = true;
            }
            it if is_name && depth == 0 => name.push(it),
            _ => {}
        }
    }
    found
}

/// A type, the fields of it that are read, and those that are not with the reason.
type Row = (
    String,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

fn rows() -> Vec<Row> {
    let api = RestApi::builder().build();
    let resource = Resource::builder().build();
    let method = Method::builder().build();
    let answer = MethodResponse::builder().build();
    let integration = Integration::builder().build();
    let response = IntegrationResponse::builder().build();
    let stage = Stage::builder().build();
    let setting = MethodSetting::builder().build();
    vec![
        (
            format!("{:?}", aws_sdk_iam::types::RoleDetail::builder().build()),
            &[
                "path",
                "role_name",
                "role_id",
                "arn",
                "create_date",
                "assume_role_policy_document",
                "instance_profile_list",
                "role_policy_list",
                "attached_managed_policies",
                "permissions_boundary",
                "tags",
            ],
            &[("role_last_used", "AWS's own")],
        ),
        (
            format!("{api:?}"),
            &[
                "id",
                "name",
                "description",
                "created_date",
                "version",
                "warnings",
                "binary_media_types",
                "minimum_compression_size",
                "api_key_source",
                "endpoint_configuration",
                "policy",
                "tags",
                "disable_execute_api_endpoint",
                "api_status",
            ],
            &[
                (
                    "root_resource_id",
                    "the resource `/` is listed with the others",
                ),
                (
                    "security_policy",
                    "no import changes it; COVERAGE.md says that it is not compared",
                ),
                (
                    "endpoint_access_mode",
                    "no import changes it; COVERAGE.md says that it is not compared",
                ),
                (
                    "api_status_message",
                    "the status is waited for, and the next call says what failed",
                ),
            ],
        ),
        (
            format!("{:?}", EndpointConfiguration::builder().build()),
            &["types", "vpc_endpoint_ids"],
            &[(
                "ip_address_type",
                "no import changes it; COVERAGE.md says that it is not compared",
            )],
        ),
        (
            format!("{resource:?}"),
            &["id", "path", "resource_methods"],
            &[
                ("parent_id", "the path says it"),
                ("path_part", "the path says it"),
            ],
        ),
        (
            format!("{method:?}"),
            &[
                "authorization_type",
                "authorizer_id",
                "api_key_required",
                "request_validator_id",
                "operation_name",
                "request_parameters",
                "request_models",
                "method_responses",
                "method_integration",
                "authorization_scopes",
            ],
            &[("http_method", "it is the key of the method")],
        ),
        (
            format!("{answer:?}"),
            &["response_parameters", "response_models"],
            &[("status_code", "it is the key of the answer")],
        ),
        (
            format!("{integration:?}"),
            &[
                "r#type",
                "http_method",
                "uri",
                "connection_type",
                "connection_id",
                "credentials",
                "request_parameters",
                "request_templates",
                "passthrough_behavior",
                "content_handling",
                "timeout_in_millis",
                "cache_namespace",
                "cache_key_parameters",
                "integration_responses",
                "tls_config",
                "response_transfer_mode",
                "integration_target",
            ],
            &[],
        ),
        (
            format!("{response:?}"),
            &[
                "selection_pattern",
                "response_parameters",
                "response_templates",
                "content_handling",
            ],
            &[("status_code", "it is the key of the answer")],
        ),
        (
            format!("{:?}", TlsConfig::builder().build()),
            &["insecure_skip_verification"],
            &[],
        ),
        (
            format!("{stage:?}"),
            &[
                "deployment_id",
                "stage_name",
                "description",
                "method_settings",
                "variables",
                "access_log_settings",
                "canary_settings",
                "tracing_enabled",
                "tags",
            ],
            &[
                (
                    "client_certificate_id",
                    "no call of ours changes it; COVERAGE.md says that it is not compared",
                ),
                (
                    "cache_cluster_enabled",
                    "no call of ours changes it; COVERAGE.md says that it is not compared",
                ),
                (
                    "cache_cluster_size",
                    "no call of ours changes it; COVERAGE.md says that it is not compared",
                ),
                ("cache_cluster_status", "AWS changes it by itself"),
                (
                    "documentation_version",
                    "no call of ours changes it; COVERAGE.md says that it is not compared",
                ),
                (
                    "web_acl_arn",
                    "no call of ours changes it; COVERAGE.md says that it is not compared",
                ),
                ("created_date", "AWS's own"),
                ("last_updated_date", "AWS's own"),
            ],
        ),
        (
            format!("{setting:?}"),
            &[
                "metrics_enabled",
                "logging_level",
                "data_trace_enabled",
                "throttling_burst_limit",
                "throttling_rate_limit",
                "caching_enabled",
                "cache_ttl_in_seconds",
                "cache_data_encrypted",
                "require_authorization_for_cache_control",
                "unauthorized_cache_control_header_strategy",
            ],
            &[],
        ),
        (
            format!("{:?}", AccessLogSettings::builder().build()),
            &["format", "destination_arn"],
            &[],
        ),
        (
            format!("{:?}", CanarySettings::builder().build()),
            &["percent_traffic", "deployment_id"],
            &[
                (
                    "stage_variable_overrides",
                    "a canary is told as such, whatever it overrides",
                ),
                ("use_stage_cache", "a canary is told as such"),
            ],
        ),
    ]
}

#[test]
fn every_field_that_aws_shows_of_an_api_is_read_or_has_a_reason() {
    for (debugged, read, not_read) in rows() {
        let name = debugged.split_whitespace().next().unwrap_or_default();
        let mut known: Vec<&str> = read.to_vec();
        known.extend(not_read.iter().map(|(field, _)| *field));
        let mut shown: Vec<String> = fields(&debugged);
        shown.retain(|it| !it.starts_with('_'));
        let plain = |it: &str| it.trim_start_matches("r#").to_owned();
        let known: std::collections::BTreeSet<String> = known.into_iter().map(plain).collect();
        let shown: std::collections::BTreeSet<String> = shown.iter().map(|it| plain(it)).collect();
        assert_eq!(shown, known, "{name}");
    }
}

/// What the page reads is in its code by the name of the field.
#[test]
fn what_is_said_to_be_read_is_read() {
    let code = concat!(include_str!("apigateway.rs"), include_str!("iam.rs"));
    for (debugged, read, _) in rows() {
        let name = debugged
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned();
        let missing: Vec<&&str> = read
            .iter()
            .filter(|it| !code.contains(&format!(".{it}")))
            .collect();
        assert!(missing.is_empty(), "{name}: {missing:?}");
    }
}
