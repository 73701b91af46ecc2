//! REST APIs.

use super::*;
use crate::cloud::apigateway::{
    CreateRestApi, DeleteRestApi, GetApiResources, GetRestApis, Patch, PutRestApi, ResourceRecord,
    RestApiRecord, TagApi, UntagApi, UpdateMethod, UpdateRestApi,
};

pub(super) fn create_api(name: &str) -> CreateRestApi {
    CreateRestApi {
        name: name.to_owned(),
        description: None,
        policy: None,
        endpoint_type: "REGIONAL".to_owned(),
        vpc_endpoints: Vec::new(),
        binary_media_types: Vec::new(),
        minimum_compression: None,
        api_key_source: "HEADER".to_owned(),
        disable_execute_api: false,
        tags: Tags::new(),
    }
}

pub(super) fn mock() -> Value {
    json!({ "type": "mock", "requestTemplates": { "application/json": "{\"statusCode\":200}" } })
}

/// A document with these paths.
#[expect(
    clippy::needless_pass_by_value,
    reason = "so that tests can write `json!` in place"
)]
pub(super) fn document(paths: Value) -> Value {
    json!({ "openapi": "3.0.1", "info": { "title": "orders", "version": "1" }, "paths": paths })
}

pub(super) fn signed() -> Value {
    json!({
        "x-amazon-apigateway-auth": { "type": "aws_iam" },
        "x-amazon-apigateway-integration": mock(),
    })
}

pub(super) fn put(id: &str, overwrite: bool, body: &Value) -> PutRestApi {
    PutRestApi {
        id: id.to_owned(),
        overwrite,
        fail_on_warnings: false,
        body: body.to_string(),
    }
}

async fn resources(bench: &Bench, id: &str) -> Vec<ResourceRecord> {
    let get = GetApiResources {
        id: id.to_owned(),
        position: None,
    };
    bench.ok(ORDERS, get).await.items
}

async fn paths(bench: &Bench, id: &str) -> Vec<String> {
    let resources = resources(bench, id).await;
    resources.into_iter().map(|it| it.path).collect()
}

async fn only(bench: &Bench) -> RestApiRecord {
    let mut apis = bench.ok(ORDERS, GetRestApis { position: None }).await.items;
    assert_eq!(apis.len(), 1);
    apis.remove(0)
}

fn update(id: &str, patches: Vec<Patch>) -> UpdateRestApi {
    UpdateRestApi {
        id: id.to_owned(),
        patches,
    }
}

fn unescaped(policy: Option<&str>) -> Value {
    let text: String =
        serde_json::from_str(&format!("\"{}\"", policy.expect("a policy"))).expect("a string");
    read(&text)
}

#[test]
fn a_second_api_of_the_same_name_is_made_without_a_word() {
    run(async {
        let bench = Bench::quick();
        let first = bench.ok(ORDERS, create_api("orders")).await;
        let second = bench.ok(ORDERS, create_api("orders")).await;
        assert_eq!(first.name, second.name);
        assert_ne!(first.id, second.id);
        assert_eq!(first.id.len(), 10);
    });
}

#[test]
fn an_api_has_a_root_and_what_it_was_made_with() {
    run(async {
        let bench = Bench::quick();
        let asked = CreateRestApi {
            description: Some("takes orders".to_owned()),
            endpoint_type: "PRIVATE".to_owned(),
            vpc_endpoints: vec!["vpce-1".to_owned()],
            binary_media_types: vec!["image/png".to_owned()],
            minimum_compression: Some(0),
            disable_execute_api: true,
            tags: tags([("a", "1")]),
            ..create_api("orders")
        };
        let made = bench.ok(ORDERS, asked).await;
        assert_eq!(only(&bench).await, made);
        assert_eq!(paths(&bench, &made.id).await, ["/"]);
        for wrong in [
            CreateRestApi {
                vpc_endpoints: vec!["vpce-1".to_owned()],
                ..create_api("orders")
            },
            CreateRestApi {
                endpoint_type: "LOCAL".to_owned(),
                ..create_api("orders")
            },
            CreateRestApi {
                description: Some(String::new()),
                ..create_api("orders")
            },
            CreateRestApi {
                tags: tags([("with&sign", "1")]),
                ..create_api("orders")
            },
            create_api(""),
        ] {
            assert_eq!(bench.refused(ORDERS, wrong).await.fault, Fault::Invalid);
        }
        assert_eq!(only(&bench).await.id, made.id);
    });
}

#[test]
fn a_policy_comes_back_escaped_and_with_its_resources_written_out() {
    run(async {
        let bench = Bench::quick();
        let made = bench
            .ok(
                ORDERS,
                CreateRestApi {
                    policy: Some(policy(
                        &json!({ "AWS": [SHOP] }),
                        "execute-api:Invoke",
                        "execute-api:/*/GET/orders",
                    )),
                    ..create_api("orders")
                },
            )
            .await;
        let text = made.policy.as_deref().expect("a policy");
        assert!(text.starts_with(r#"{\"Statement\":"#), "{text}");
        assert!(text.contains(r"*\/GET\/orders"), "{text}");
        let shown = unescaped(Some(text));
        assert_eq!(
            shown["Statement"][0]["Resource"],
            format!(
                "arn:aws:execute-api:eu-west-1:{ORDERS}:{}/*/GET/orders",
                made.id
            )
        );
        assert_eq!(
            principal_of(&shown),
            &json!({ "AWS": format!("arn:aws:iam::{SHOP}:root") })
        );
    });
}

#[test]
fn a_policy_has_a_size_and_speaks_of_execute_api_only() {
    run(async {
        let bench = Bench::quick();
        let id = bench.ok(ORDERS, create_api("orders")).await.id;
        for text in [
            policy(&json!("*"), "sns:Publish", "*"),
            policy(
                &json!("*"),
                "execute-api:Invoke",
                &format!("execute-api:/{}", "x".repeat(8192)),
            ),
            "{".to_owned(),
        ] {
            let patch = Patch::replace("/policy", text);
            let error = bench.refused(ORDERS, update(&id, vec![patch])).await;
            assert_eq!(error.fault, Fault::Unsettled);
            assert!(error.message.starts_with("Invalid policy document."));
        }
        assert_eq!(only(&bench).await.policy, None);
    });
}

#[test]
fn merging_keeps_what_a_document_does_not_name_and_overwriting_erases_it() {
    run(async {
        let bench = Bench::quick();
        let asked = CreateRestApi {
            description: Some("takes orders".to_owned()),
            endpoint_type: "PRIVATE".to_owned(),
            vpc_endpoints: vec!["vpce-1".to_owned()],
            binary_media_types: vec!["image/png".to_owned()],
            minimum_compression: Some(10),
            api_key_source: "AUTHORIZER".to_owned(),
            policy: Some(policy(&json!("*"), "execute-api:Invoke", "execute-api:/*")),
            tags: tags([("a", "1")]),
            ..create_api("shop")
        };
        let made = bench.ok(ORDERS, asked).await;
        let first = document(json!({ "/a/b": { "get": signed() }, "/c": { "get": signed() } }));
        let merged = bench.ok(ORDERS, put(&made.id, false, &first)).await;
        // The name follows the title in any case.
        assert_eq!(
            merged,
            RestApiRecord {
                name: "orders".to_owned(),
                version: Some("1".to_owned()),
                ..made.clone()
            }
        );
        assert_eq!(paths(&bench, &made.id).await, ["/", "/a", "/a/b", "/c"]);
        let before = resources(&bench, &made.id).await;
        let second = document(json!({ "/c": { "post": signed() }, "/d": { "get": signed() } }));
        bench.ok(ORDERS, put(&made.id, false, &second)).await;
        assert_eq!(
            paths(&bench, &made.id).await,
            ["/", "/a", "/a/b", "/c", "/d"]
        );
        let overwritten = bench.ok(ORDERS, put(&made.id, true, &second)).await;
        assert_eq!(paths(&bench, &made.id).await, ["/", "/c", "/d"]);
        let after = resources(&bench, &made.id).await;
        assert_eq!(after[1].id, before[3].id);
        assert_eq!(after[1].methods.keys().collect::<Vec<_>>(), ["POST"]);
        assert_eq!(
            overwritten,
            RestApiRecord {
                version: Some("1".to_owned()),
                name: "orders".to_owned(),
                description: None,
                policy: None,
                vpc_endpoints: Vec::new(),
                binary_media_types: Vec::new(),
                minimum_compression: None,
                api_key_source: "HEADER".to_owned(),
                ..made
            }
        );
    });
}

#[test]
fn what_a_document_carries_survives_overwriting() {
    run(async {
        let bench = Bench::quick();
        let private = CreateRestApi {
            endpoint_type: "PRIVATE".to_owned(),
            ..create_api("shop")
        };
        let id = bench.ok(ORDERS, private).await.id;
        let mut body = document(json!({ "/": { "get": signed() } }));
        body["info"]["description"] = json!("takes orders");
        body["x-amazon-apigateway-policy"] =
            read(&policy(&json!("*"), "execute-api:Invoke", "execute-api:/*"));
        body["x-amazon-apigateway-binary-media-types"] = json!(["image/png"]);
        body["x-amazon-apigateway-minimum-compression-size"] = json!(5);
        body["x-amazon-apigateway-api-key-source"] = json!("AUTHORIZER");
        body["servers"] = json!([{
            "url": "/",
            "x-amazon-apigateway-endpoint-configuration": {
                "vpcEndpointIds": ["vpce-1"], "disableExecuteApiEndpoint": true,
            },
        }]);
        let shown = bench.ok(ORDERS, put(&id, true, &body)).await;
        assert_eq!(shown.description.as_deref(), Some("takes orders"));
        assert_eq!(shown.binary_media_types, ["image/png"]);
        assert_eq!(shown.minimum_compression, Some(5));
        assert_eq!(shown.api_key_source, "AUTHORIZER");
        assert_eq!(shown.vpc_endpoints, ["vpce-1"]);
        assert!(shown.disable_execute_api);
        assert_eq!(
            unescaped(shown.policy.as_deref())["Statement"][0]["Resource"],
            format!("arn:aws:execute-api:eu-west-1:{ORDERS}:{id}/*")
        );
    });
}

#[test]
fn the_security_of_the_root_counts_for_operations_without_their_own() {
    run(async {
        let bench = Bench::quick();
        let id = bench.ok(ORDERS, create_api("orders")).await.id;
        let scheme = json!({
            "type": "apiKey", "name": "Authorization", "in": "header",
            "x-amazon-apigateway-authtype": "awsSigv4",
        });
        let mut body = document(json!({
            "/": {
                "get": { "x-amazon-apigateway-integration": mock() },
                "put": { "security": [], "x-amazon-apigateway-integration": mock() },
                "post": { "security": [{ "sigv4": [] }], "x-amazon-apigateway-integration": mock() },
                "x-amazon-apigateway-any-method": signed(),
            },
        }));
        body["components"] = json!({ "securitySchemes": { "sigv4": scheme } });
        body["security"] = json!([{ "sigv4": [] }]);
        bench.ok(ORDERS, put(&id, true, &body)).await;
        let methods = resources(&bench, &id).await.remove(0).methods;
        let found: Vec<(&str, &str)> = methods
            .iter()
            .map(|(verb, it)| (verb.as_str(), it.authorization.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("ANY", "AWS_IAM"),
                ("GET", "AWS_IAM"),
                ("POST", "AWS_IAM"),
                ("PUT", "NONE")
            ]
        );
    });
}

#[test]
fn an_integration_reads_with_its_defaults() {
    run(async {
        let bench = Bench::quick();
        let id = bench.ok(ORDERS, create_api("orders")).await.id;
        let body = document(json!({
            "/orders/{id}": {
                "get": {
                    "parameters": [{ "name": "id", "in": "path", "required": true }],
                    "x-amazon-apigateway-integration": {
                        "type": "http_proxy", "httpMethod": "get",
                        "uri": "https://backend.example.com/{id}",
                        "requestParameters": {
                            "integration.request.path.id": "method.request.path.id",
                        },
                    },
                },
            },
            "/queue": {
                "post": {
                    "responses": { "200": { "description": "taken" } },
                    "x-amazon-apigateway-integration": {
                        "type": "aws", "httpMethod": "POST", "timeoutInMillis": 1000,
                        "uri": "arn:aws:apigateway:eu-west-1:sqs:path/333333333333/inbox",
                        "credentials": "arn:aws:iam::333333333333:role/to-queue",
                        "passthroughBehavior": "never",
                        "responses": {
                            "default": { "statusCode": "200", "responseTemplates": { "a/b": "x" } },
                        },
                    },
                },
            },
        }));
        bench.ok(ORDERS, put(&id, true, &body)).await;
        let all = resources(&bench, &id).await;
        let of = |path: &str, verb: &str| {
            let resource = all.iter().find(|it| it.path == path).expect("the path");
            resource.methods[verb].integration.clone().expect("one")
        };
        let http = of("/orders/{id}", "GET");
        assert_eq!(http.kind, "HTTP_PROXY");
        assert_eq!(http.http_method.as_deref(), Some("GET"));
        assert_eq!(http.timeout_ms, Some(29_000));
        assert_eq!(http.passthrough.as_deref(), Some("WHEN_NO_MATCH"));
        let queue = of("/queue", "POST");
        assert_eq!(queue.timeout_ms, Some(1000));
        assert_eq!(queue.passthrough.as_deref(), Some("NEVER"));
        assert_eq!(queue.responses["200"].selection, None);
        assert_eq!(queue.responses["200"].templates, tags([("a/b", "x")]));
    });
}

#[test]
fn a_refused_document_changes_nothing_and_says_where_it_is_wrong() {
    run(async {
        let bench = Bench::quick();
        let id = bench.ok(ORDERS, create_api("orders")).await.id;
        let good = document(json!({ "/a": { "get": signed() } }));
        bench.ok(ORDERS, put(&id, true, &good)).await;
        let before = bench.cloud.picture();
        let integration = |it: Value| {
            let operation = json!({ "x-amazon-apigateway-integration": it });
            document(json!({ "/b": { "get": operation } }))
        };
        for (wrong, message) in [
            (json!([]), "Invalid OpenAPI input."),
            (
                json!({ "openapi": "3.1.0", "info": { "title": "x" }, "paths": {} }),
                "Invalid OpenAPI input.",
            ),
            (
                json!({ "openapi": "3.0.1", "info": {}, "paths": {} }),
                "Invalid OpenAPI input.",
            ),
            (document(json!({ "b": {} })), "Invalid OpenAPI input."),
            (
                document(json!({ "/b c": {} })),
                "Unable to create resource at path '/b c'",
            ),
            (
                document(json!({ "/{a}": { "get": signed() }, "/{b}": { "get": signed() } })),
                "only one is allowed",
            ),
            (
                integration(json!({ "type": "ftp" })),
                "Unable to put integration on 'GET' for resource at path '/b': Invalid integration type",
            ),
            (
                integration(json!({ "type": "http", "httpMethod": "GET" })),
                "Invalid HTTP endpoint",
            ),
            (
                integration(json!({ "type": "http", "uri": "https://x" })),
                "Integration method must be specified",
            ),
            (
                integration(
                    json!({ "type": "aws_proxy", "httpMethod": "POST", "uri": "arn:aws:lambda:x" }),
                ),
                "must contain path or action",
            ),
            (
                integration(
                    json!({ "type": "mock", "responses": { "default": { "statusCode": "200" } } }),
                ),
                "Invalid response status code",
            ),
            (
                integration(
                    json!({ "type": "mock", "requestParameters": { "integration.request.path.id": "method.request.path.id" } }),
                ),
                "Invalid mapping expression parameter specified: method.request.path.id",
            ),
        ] {
            let error = bench.refused(ORDERS, put(&id, true, &wrong)).await;
            assert_eq!(error.code, "BadRequestException");
            assert!(error.message.contains(message), "{}", error.message);
        }
        assert_eq!(bench.cloud.picture(), before);
    });
}

#[test]
fn patches_come_off_all_or_not_at_all() {
    run(async {
        let bench = Bench::quick();
        let id = bench.ok(ORDERS, create_api("orders")).await.id;
        let wrong = update(
            &id,
            vec![
                Patch::replace("/name", "other"),
                Patch::replace("/colour", "red"),
            ],
        );
        let error = bench.refused(ORDERS, wrong).await;
        assert_eq!(
            error.message,
            "Invalid patch path  '/colour' specified for op 'replace'."
        );
        assert_eq!(only(&bench).await.name, "orders");
        let right = update(
            &id,
            vec![
                Patch::replace("/name", "other"),
                Patch::replace("/description", "new"),
                Patch::add("/binaryMediaTypes/image~1png", None),
                Patch::replace("/minimumCompressionSize", "7"),
                Patch::replace("/apiKeySource", "AUTHORIZER"),
                Patch::replace("/disableExecuteApiEndpoint", "true"),
                Patch::replace("/endpointConfiguration/types/REGIONAL", "PRIVATE"),
                Patch::add(
                    "/endpointConfiguration/vpcEndpointIds",
                    Some("vpce-1".to_owned()),
                ),
                Patch::replace(
                    "/policy",
                    policy(&json!("*"), "execute-api:Invoke", "execute-api:/*"),
                ),
            ],
        );
        let shown = bench.ok(ORDERS, right).await;
        assert_eq!(shown.binary_media_types, ["image/png"]);
        assert_eq!(shown.endpoint_type, "PRIVATE");
        assert_eq!(shown.vpc_endpoints, ["vpce-1"]);
        assert_eq!(shown.minimum_compression, Some(7));
        assert!(shown.policy.is_some());
        let back = update(
            &id,
            vec![
                Patch::remove("/description", None),
                Patch::remove("/binaryMediaTypes/image~1png", None),
                Patch::replace("/minimumCompressionSize", ""),
                Patch::remove(
                    "/endpointConfiguration/vpcEndpointIds",
                    Some("vpce-1".to_owned()),
                ),
                Patch::replace("/policy", ""),
            ],
        );
        let shown = bench.ok(ORDERS, back).await;
        assert_eq!(shown.description, None);
        assert_eq!(shown.policy, None);
        assert!(shown.binary_media_types.is_empty() && shown.vpc_endpoints.is_empty());
        let empty = update(&id, vec![Patch::replace("/description", "")]);
        let error = bench.refused(ORDERS, empty).await;
        assert_eq!(error.message, "Description cannot be an empty string");
    });
}

#[test]
fn a_private_api_never_becomes_an_edge_one() {
    run(async {
        let bench = Bench::quick();
        let id = bench.ok(ORDERS, create_api("orders")).await.id;
        let to = |kind: &str| {
            update(
                &id,
                vec![Patch::replace("/endpointConfiguration/types/0", kind)],
            )
        };
        for kind in ["EDGE", "REGIONAL", "PRIVATE"] {
            bench.ok(ORDERS, to(kind)).await;
        }
        assert_eq!(
            bench.refused(ORDERS, to("EDGE")).await.fault,
            Fault::Invalid
        );
        bench.ok(ORDERS, to("REGIONAL")).await;
    });
}

#[test]
fn a_methods_authorization_is_patched_in_place() {
    run(async {
        let bench = Bench::quick();
        let id = bench.ok(ORDERS, create_api("orders")).await.id;
        let body = document(json!({ "/a": { "get": signed() } }));
        bench.ok(ORDERS, put(&id, true, &body)).await;
        let resource = resources(&bench, &id).await.remove(1);
        let to = |verb: &str, kind: &str| UpdateMethod {
            id: id.clone(),
            resource: resource.id.clone(),
            verb: verb.to_owned(),
            patches: vec![Patch::replace("/authorizationType", kind)],
        };
        bench.ok(ORDERS, to("GET", "NONE")).await;
        assert_eq!(
            resources(&bench, &id).await[1].methods["GET"].authorization,
            "NONE"
        );
        assert_eq!(
            bench.refused(ORDERS, to("GET", "MAYBE")).await.fault,
            Fault::Invalid
        );
        assert_eq!(
            bench.refused(ORDERS, to("PUT", "NONE")).await.fault,
            Fault::Missing
        );
    });
}

#[test]
fn tags_are_set_by_arn_and_an_unknown_api_is_named_with_its_account() {
    run(async {
        let bench = Bench::quick();
        let id = bench.ok(ORDERS, create_api("orders")).await.id;
        let arn = format!("arn:aws:apigateway:eu-west-1::/restapis/{id}");
        let tag = TagApi {
            arn: arn.clone(),
            tags: tags([("a", "1"), ("b", "2")]),
        };
        bench.ok(ORDERS, tag).await;
        let untag = UntagApi {
            arn,
            keys: vec!["b".to_owned()],
        };
        bench.ok(ORDERS, untag).await;
        assert_eq!(only(&bench).await.tags, tags([("a", "1")]));
        let other = TagApi {
            arn: format!("arn:aws:apigateway:us-east-1::/restapis/{id}"),
            tags: Tags::new(),
        };
        assert_eq!(bench.refused(ORDERS, other).await.fault, Fault::Invalid);
        let nowhere = DeleteRestApi {
            id: "nowhere".to_owned(),
        };
        assert_fault(
            &bench.refused(ORDERS, nowhere).await,
            Fault::Missing,
            "NotFoundException",
            &format!("Invalid API identifier specified {ORDERS}:nowhere"),
        );
        bench.ok(ORDERS, DeleteRestApi { id }).await;
        assert!(bench.cloud.is_empty());
    });
}

#[test]
fn two_changes_of_one_api_at_once_are_one_too_many() {
    run(async {
        let bench = Bench::quick();
        let id = bench.ok(ORDERS, create_api("orders")).await.id;
        let rename = |name: &str| update(&id, vec![Patch::replace("/name", name)]);
        let (first, second) = futures::join!(
            bench.call(ORDERS, rename("a")),
            bench.call(ORDERS, rename("b"))
        );
        assert!(first.is_ok());
        let error = second.expect_err("a conflict");
        assert_eq!(error.fault, Fault::Conflict);
        assert!(error.message.ends_with("Please try again later."));
        assert_eq!(only(&bench).await.name, "a");
        bench.ok(ORDERS, rename("b")).await;
    });
}
