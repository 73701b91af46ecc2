//! An API from a document of the author's.

use super::*;

fn document_of_the_author(limit: u32) -> Value {
    json!({
        "openapi": "3.0.1",
        "info": {"title": "theirs", "version": "7", "description": "By hand."},
        "security": [{"sigv4": []}],
        "servers": [{"url": "https://orders.example.com/v1"}],
        "components": {
            "schemas": {"Order": {"type": "object", "properties": {"limit": {"maximum": limit}}}},
            "securitySchemes": {
                "sigv4": {"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4"},
                "own": {"type": "apiKey", "name": "Authorization", "in": "header",
                    "x-amazon-apigateway-authtype": "custom", "x-amazon-apigateway-authorizer": {"type": "token"}},
                "key": {"type": "apiKey", "name": "x-api-key", "in": "header"}
            }
        },
        "paths": {
            "/health": {"get": {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration":
                {"type": "mock", "requestTemplates": {"application/json": "{\"statusCode\": 200}"},
                 "responses": {"default": {"statusCode": "200"}}}}},
            "/orders/": {
                "options": {"x-amazon-apigateway-integration": {"type": "http_proxy", "httpMethod": "options", "uri": "https://b.example.com/"}},
                "post": {"security": [{"own": [], "key": []}], "x-amazon-apigateway-integration":
                    {"type": "aws_proxy", "httpMethod": "post", "passthroughBehavior": "when_no_match",
                     "uri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:333333333333:function:f/invocations"}},
                "x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": {"type": "http_proxy", "httpMethod": "ANY", "uri": "https://b.example.com/"}}
            }
        }
    })
}

fn api_of_document(limit: u32) -> RestApi {
    let public = BTreeSet::from([key("GET", "/health")]);
    let source = openapi::secured(&document_of_the_author(limit), &public, &BTreeSet::new());
    RestApi {
        methods: openapi::methods(&source),
        source_digest: Some(RestApi::digest_of_source(&source)),
        source: Some(source),
        ..api()
    }
}

#[test]
fn every_operation_of_a_document_is_signed_unless_it_is_public() {
    let api = api_of_document(1);
    let authorizations: Vec<_> = api
        .methods
        .iter()
        .map(|(key, it)| (key.to_string(), it.authorization.as_str()))
        .collect();
    let mut expected = vec![
        ("ANY /orders".to_owned(), AWS_IAM),
        ("GET /health".to_owned(), NONE),
        ("OPTIONS /orders".to_owned(), AWS_IAM),
        ("POST /orders".to_owned(), AWS_IAM),
    ];
    expected.sort();
    assert_eq!(authorizations, expected);
    assert!(api.methods[&key("POST", "/orders")].api_key_required);
}

#[test]
fn a_documents_change_is_seen_where_methods_show_none() {
    run(async {
        let (cloud, wanted) = applied(&api_of_document(1)).await;
        assert_eq!(wanted.writes(&cloud).await, [""; 0]);
        assert_eq!(record(&cloud).await.name, "orders");
        let changed = Wanted::of(&api_of_document(2));
        assert_eq!(
            changed.plan(&cloud).await.expect("a plan"),
            ["document", "deployment"]
        );
        assert_eq!(
            changed.writes(&cloud).await,
            [
                "PutRestApi",
                "TagResource",
                "CreateDeployment",
                "DeleteDeployment",
                "TagResource"
            ]
        );
        assert_eq!(changed.writes(&cloud).await, [""; 0]);
        // From a document to routes.
        let routes = Wanted::of(&api());
        routes.apply(&cloud).await.expect("applied");
        assert_eq!(routes.plan(&cloud).await.expect("a plan"), [""; 0]);
        assert!(!record(&cloud).await.tags.contains_key(SOURCE));
    });
}

#[test]
fn every_interrupted_import_of_a_document_arrives_at_the_same_end() {
    run(async {
        let wanted = Wanted::of(&api_of_document(1));
        let undisturbed = sandbox();
        let seam = Seam::around(&undisturbed);
        wanted.apply(&seam).await.expect("applied");
        for k in 1..=seam.sent() {
            let cloud = sandbox();
            let seam = Seam::around(&cloud).failing([FaultRule::at(k, Trouble::StopAfter)]);
            let _ = wanted.apply(&seam).await;
            wanted.apply(&cloud).await.expect("applied");
            assert_eq!(cloud.picture(), undisturbed.picture(), "at {k}");
        }
    });
}
