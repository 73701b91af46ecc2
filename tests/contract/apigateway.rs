//! REST APIs, their deployments and stages.

use provision::cloud::Fault;
use provision::cloud::apigateway::{
    CreateDeployment, CreateRestApi, DeleteDeployment, DeleteRestApi, DeleteStage, GetApiResources,
    GetDeployment, GetDeployments, GetRestApis, GetStages, Patch, PutRestApi, ResourceRecord,
    RestApiRecord, StageRecord, TagApi, UntagApi, UpdateMethod, UpdateRestApi, UpdateStage,
};
use provision::cloud::iam::DeleteRole;
use provision::model::{Arn, Place};
use provision::policy::Document;
use serde_json::{Value, json};

use crate::iam::{role, trust_of};
use crate::{World, map};

crate::scenarios! {
    an_api_reads_back_as_it_was_made,
    a_bare_api_has_its_defaults,
    two_apis_may_share_a_name,
    an_api_policy_reads_back_escaped_with_its_resources_written_out,
    an_api_policy_cannot_name_a_role_that_is_not_there,
    a_deleted_principal_shows_its_id_in_the_api_policy,
    merging_a_document_keeps_what_it_does_not_name,
    overwriting_with_a_document_erases_what_it_does_not_carry,
    a_document_that_is_wrong_changes_nothing,
    a_method_has_the_authorizer_of_the_root_unless_it_has_its_own,
    an_import_leaves_out_what_it_cannot_read_and_says_so,
    a_method_reads_back_as_the_document_has_it,
    an_empty_mapping_template_is_an_empty_text,
    patches_of_an_api_all_apply_or_none,
    a_deployment_is_what_the_api_was_when_it_was_made,
    a_deployment_needs_methods_with_integrations,
    a_deployment_that_a_stage_serves_cannot_be_deleted,
    a_deployment_that_a_canary_serves_cannot_be_deleted,
    a_stage_takes_its_settings_and_reads_them_back_filled,
    a_stage_keeps_its_variables_when_it_is_deployed_again,
    api_and_stage_tags_are_added_replaced_and_removed,
    an_api_that_is_not_there_is_missing,
}

pub(crate) fn api(name: &str) -> CreateRestApi {
    CreateRestApi {
        name: name.to_owned(),
        description: None,
        policy: None,
        endpoint_type: "REGIONAL".to_owned(),
        vpc_endpoints: vec![],
        binary_media_types: vec![],
        minimum_compression: None,
        api_key_source: "HEADER".to_owned(),
        disable_execute_api: false,
        tags: map([]),
    }
}

/// An operation that answers by itself, for callers that sign.
fn mock(authorized: bool) -> Value {
    let mut operation = json!({
        "responses": { "200": { "description": "ok" } },
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": { "application/json": "{\"statusCode\": 200}" },
            "responses": { "default": { "statusCode": "200" } },
        },
    });
    if authorized {
        operation["x-amazon-apigateway-auth"] = json!({ "type": "AWS_IAM" });
    }
    operation
}

fn document(name: &str, paths: &Value) -> Value {
    json!({
        "openapi": "3.0.1",
        "info": { "title": name, "version": "1" },
        "paths": paths,
    })
}

fn put(id: &str, overwrite: bool, document: &Value) -> PutRestApi {
    PutRestApi {
        id: id.to_owned(),
        overwrite,
        fail_on_warnings: false,
        body: document.to_string(),
    }
}

fn policy(principal: &Value, resource: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "one",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "execute-api:Invoke",
            "Resource": resource,
        }],
    })
    .to_string()
}

async fn find(w: &World<'_>, at: &Place, id: &str) -> RestApiRecord {
    let apis = w.all(at, |position| GetRestApis { position }).await;
    let mut found = apis.into_iter().filter(|it| it.id == id);
    found.next().expect("the API is listed")
}

/// The resources with their paths, sorted by them.
async fn resources(w: &World<'_>, at: &Place, id: &str) -> Vec<ResourceRecord> {
    let mut all = w
        .all(at, |position| GetApiResources {
            id: id.to_owned(),
            position,
        })
        .await;
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

async fn paths(w: &World<'_>, at: &Place, id: &str) -> Vec<String> {
    let all = resources(w, at, id).await;
    all.into_iter().map(|it| it.path).collect()
}

async fn stages(w: &World<'_>, at: &Place, id: &str) -> Vec<StageRecord> {
    let id = id.to_owned();
    w.ok(at, GetStages { id }).await
}

fn deploy(id: &str, description: &str) -> CreateDeployment {
    CreateDeployment {
        id: id.to_owned(),
        stage: "prod".to_owned(),
        description: description.to_owned(),
        variables: map([]),
    }
}

/// An API of one method, deployed to `prod`; its id and the deployment's.
async fn deployed(w: &World<'_>) -> (String, String) {
    let id = w.ok(&w.a, api("orders")).await.id;
    let document = document("orders", &json!({ "/orders": { "get": mock(true) } }));
    w.ok(&w.a, put(&id, false, &document)).await;
    let deployment = w.ok(&w.a, deploy(&id, "first")).await;
    (id, deployment.id)
}

async fn an_api_reads_back_as_it_was_made(w: &World<'_>) {
    let made = w
        .ok(
            &w.a,
            CreateRestApi {
                description: Some("takes orders".to_owned()),
                policy: Some(policy(&json!("*"), "execute-api:/*")),
                endpoint_type: "PRIVATE".to_owned(),
                vpc_endpoints: vec!["vpce-0123456789abcdef0".to_owned()],
                binary_media_types: vec!["image/png".to_owned()],
                minimum_compression: Some(1024),
                api_key_source: "AUTHORIZER".to_owned(),
                disable_execute_api: true,
                tags: map([("provision:stack", "shop")]),
                ..api("whole")
            },
        )
        .await;
    let found = find(w, &w.a, &made.id).await;
    assert_eq!(found, made);
    assert_eq!(found.name, "whole");
    assert_eq!(found.description.as_deref(), Some("takes orders"));
    assert_eq!(found.endpoint_type, "PRIVATE");
    assert_eq!(found.vpc_endpoints, ["vpce-0123456789abcdef0"]);
    assert_eq!(found.binary_media_types, ["image/png"]);
    assert_eq!(found.minimum_compression, Some(1024));
    assert_eq!(found.api_key_source, "AUTHORIZER");
    assert!(found.disable_execute_api);
    assert_eq!(found.tags, map([("provision:stack", "shop")]));
    assert!(found.policy.is_some());
    assert!(found.created > 0);
}

async fn a_bare_api_has_its_defaults(w: &World<'_>) {
    let id = w.ok(&w.a, api("bare")).await.id;
    let found = find(w, &w.a, &id).await;
    let expected = RestApiRecord {
        id: id.clone(),
        name: "bare".to_owned(),
        created: found.created,
        endpoint_type: "REGIONAL".to_owned(),
        api_key_source: "HEADER".to_owned(),
        status: Some("AVAILABLE".to_owned()),
        ..RestApiRecord::default()
    };
    assert_eq!(found, expected);
    assert_eq!(paths(w, &w.a, &id).await, ["/"]);
    assert!(stages(w, &w.a, &id).await.is_empty());
}

async fn two_apis_may_share_a_name(w: &World<'_>) {
    let one = w.ok(&w.a, api("twin")).await.id;
    let two = w.ok(&w.a, api("twin")).await.id;
    assert_ne!(one, two);
    let listed = w.all(&w.a, |position| GetRestApis { position }).await;
    assert_eq!(listed.len(), 2);
    w.ok(&w.a, DeleteRestApi { id: one }).await;
    let listed = w.all(&w.a, |position| GetRestApis { position }).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].id, two);
}

async fn an_api_policy_reads_back_escaped_with_its_resources_written_out(w: &World<'_>) {
    let made = w
        .ok(
            &w.a,
            CreateRestApi {
                policy: Some(policy(
                    &json!({ "AWS": w.b.id.as_str() }),
                    "execute-api:/prod/GET/orders",
                )),
                ..api("guarded")
            },
        )
        .await;
    let text = find(w, &w.a, &made.id).await.policy.expect("a policy");
    assert!(text.starts_with(r#"{\""#), "escaped: {text}");
    let whole = policy(
        &json!({ "AWS": Arn::root("aws", &w.b.id).as_str() }),
        &Arn::regional(&w.a, "execute-api", &format!("{}/prod/GET/orders", made.id)).to_string(),
    );
    assert_eq!(Document::parse_escaped(&text), Document::parse(&whole));

    // An empty one takes it away.
    let update = UpdateRestApi {
        id: made.id.clone(),
        patches: vec![Patch::replace("/policy", "")],
    };
    w.ok(&w.a, update).await;
    assert_eq!(find(w, &w.a, &made.id).await.policy, None);
}

async fn an_api_policy_cannot_name_a_role_that_is_not_there(w: &World<'_>) {
    let caller = Arn::role(&w.b, "/", "caller");
    let policy = policy(&json!({ "AWS": caller.as_str() }), "execute-api:/*");
    let with_policy = CreateRestApi {
        policy: Some(policy.clone()),
        ..api("early")
    };
    w.refused(&w.a, Fault::Unsettled, with_policy.clone()).await;
    let listed = w.all(&w.a, |position| GetRestApis { position }).await;
    assert!(listed.is_empty(), "{listed:?}");

    let id = w.ok(&w.a, api("later")).await.id;
    let update = UpdateRestApi {
        id: id.clone(),
        patches: vec![Patch::replace("/policy", &policy)],
    };
    w.refused(&w.a, Fault::Unsettled, update.clone()).await;
    let mut whole = document("later", &json!({ "/orders": { "get": mock(true) } }));
    whole["x-amazon-apigateway-policy"] = serde_json::from_str(&policy).expect("a policy is JSON");
    w.refused(&w.a, Fault::Unsettled, put(&id, true, &whole))
        .await;
    assert_eq!(paths(w, &w.a, &id).await, ["/"]);

    let service = trust_of(&json!({ "Service": "lambda.amazonaws.com" }));
    w.ok(&w.b, role("caller", service)).await;
    w.settle().await;
    w.ok(&w.a, with_policy).await;
    w.ok(&w.a, update).await;
    let answer = w.ok(&w.a, put(&id, true, &whole)).await;
    assert!(answer.policy.is_some());
}

async fn a_deleted_principal_shows_its_id_in_the_api_policy(w: &World<'_>) {
    let service = trust_of(&json!({ "Service": "lambda.amazonaws.com" }));
    let caller = w.ok(&w.b, role("caller", service)).await;
    w.settle().await;
    let made = CreateRestApi {
        policy: Some(policy(&json!({ "AWS": caller.arn }), "execute-api:/*")),
        ..api("haunted")
    };
    let id = w.ok(&w.a, made).await.id;
    let name = "caller".to_owned();
    w.ok(&w.b, DeleteRole { name }).await;
    let text = find(w, &w.a, &id).await.policy.expect("a policy");
    let document = Document::parse_escaped(&text).expect("a document");
    let principal = document.statements[0].principal.clone();
    assert_eq!(
        principal.expect("a principal").aws_values(),
        [caller.id.as_str()]
    );
}

async fn merging_a_document_keeps_what_it_does_not_name(w: &World<'_>) {
    let made = CreateRestApi {
        description: Some("kept".to_owned()),
        policy: Some(policy(&json!("*"), "execute-api:/*")),
        binary_media_types: vec!["image/png".to_owned()],
        tags: map([("kept", "1")]),
        ..api("first")
    };
    let id = w.ok(&w.a, made).await.id;
    let one = document("first", &json!({ "/one": { "get": mock(true) } }));
    w.ok(&w.a, put(&id, false, &one)).await;
    let two = document("second", &json!({ "/two": { "get": mock(true) } }));
    w.ok(&w.a, put(&id, false, &two)).await;
    assert_eq!(paths(w, &w.a, &id).await, ["/", "/one", "/two"]);
    let found = find(w, &w.a, &id).await;
    // The title is the name, also when merging.
    assert_eq!(found.name, "second");
    assert_eq!(found.description.as_deref(), Some("kept"));
    assert!(found.policy.is_some());
    assert_eq!(found.binary_media_types, ["image/png"]);
    assert_eq!(found.tags, map([("kept", "1")]));
    assert_eq!(found.endpoint_type, "REGIONAL");
}

async fn overwriting_with_a_document_erases_what_it_does_not_carry(w: &World<'_>) {
    let made = CreateRestApi {
        description: Some("lost".to_owned()),
        policy: Some(policy(&json!("*"), "execute-api:/*")),
        endpoint_type: "PRIVATE".to_owned(),
        vpc_endpoints: vec!["vpce-0123456789abcdef0".to_owned()],
        binary_media_types: vec!["image/png".to_owned()],
        minimum_compression: Some(1024),
        api_key_source: "AUTHORIZER".to_owned(),
        tags: map([("kept", "1")]),
        ..api("first")
    };
    let id = w.ok(&w.a, made).await.id;
    let one = document("first", &json!({ "/one": { "get": mock(true) } }));
    w.ok(&w.a, put(&id, false, &one)).await;
    let two = document("second", &json!({ "/two": { "get": mock(true) } }));
    w.ok(&w.a, put(&id, true, &two)).await;
    assert_eq!(paths(w, &w.a, &id).await, ["/", "/two"]);
    let found = find(w, &w.a, &id).await;
    let expected = RestApiRecord {
        id: id.clone(),
        name: "second".to_owned(),
        version: Some("1".to_owned()),
        created: found.created,
        endpoint_type: "PRIVATE".to_owned(),
        api_key_source: "HEADER".to_owned(),
        tags: map([("kept", "1")]),
        status: Some("AVAILABLE".to_owned()),
        ..RestApiRecord::default()
    };
    assert_eq!(found, expected);

    let mut whole = document("third", &json!({ "/two": { "get": mock(true) } }));
    whole["info"]["description"] = json!("carried");
    whole["x-amazon-apigateway-policy"] =
        serde_json::from_str(&policy(&json!("*"), "execute-api:/*")).expect("a policy is JSON");
    whole["x-amazon-apigateway-binary-media-types"] = json!(["image/gif"]);
    whole["x-amazon-apigateway-minimum-compression-size"] = json!(10);
    whole["x-amazon-apigateway-api-key-source"] = json!("AUTHORIZER");
    whole["servers"] = json!([{
        "x-amazon-apigateway-endpoint-configuration": {
            "vpcEndpointIds": ["vpce-0123456789abcdef1"],
        },
    }]);
    let answer = w.ok(&w.a, put(&id, true, &whole)).await;
    assert_eq!(answer.description.as_deref(), Some("carried"));
    assert_eq!(answer.vpc_endpoints, ["vpce-0123456789abcdef1"]);
    assert_eq!(answer.binary_media_types, ["image/gif"]);
    assert_eq!(answer.minimum_compression, Some(10));
    assert_eq!(answer.api_key_source, "AUTHORIZER");
    assert!(answer.policy.is_some());
}

async fn a_document_that_is_wrong_changes_nothing(w: &World<'_>) {
    let (id, _) = deployed(w).await;
    let wrong = PutRestApi {
        id: id.clone(),
        overwrite: true,
        fail_on_warnings: false,
        body: "{".to_owned(),
    };
    w.refused(&w.a, Fault::Invalid, wrong).await;
    let two_variables = json!({ "/{a}": { "get": mock(true) }, "/{b}": { "get": mock(true) } });
    let siblings = document("orders", &two_variables);
    w.refused(&w.a, Fault::Invalid, put(&id, true, &siblings))
        .await;
    let validator = "x-amazon-apigateway-request-validator";
    for parameter in ["parts.yaml#/id", "#/components/parameters/id"] {
        let mut whole = document("orders", &json!({ "/a": { "get": mock(true) } }));
        whole["components"]["parameters"] = json!({ "id": { "$ref": parameter } });
        w.refused(&w.a, Fault::Invalid, put(&id, true, &whole))
            .await;
    }
    let mut whole = document("orders", &json!({ "/a": { "get": mock(true) } }));
    whole[validator] = json!("nowhere");
    w.refused(&w.a, Fault::Invalid, put(&id, true, &whole))
        .await;
    assert_eq!(paths(w, &w.a, &id).await, ["/", "/orders"]);
}

async fn an_import_leaves_out_what_it_cannot_read_and_says_so(w: &World<'_>) {
    let id = w.ok(&w.a, api("careless")).await.id;
    let mut whole = document("careless", &json!({ "/orders": { "get": mock(true) } }));
    whole["paths"]["/orders"]["get"]["x-amazon-apigateway-integration"]["requestParameters"] =
        json!({ "integration.request.header.nothing": true });
    let answer = w.ok(&w.a, put(&id, true, &whole)).await;
    let left_out = answer.warnings.join("\n");
    assert!(
        left_out.contains(
            "'integration.request.header.nothing' of resource '/orders' and method 'GET'"
        ),
        "{left_out}"
    );
    let strict = PutRestApi {
        fail_on_warnings: true,
        ..put(&id, true, &whole)
    };
    w.refused(&w.a, Fault::Invalid, strict).await;
}

async fn a_method_has_the_authorizer_of_the_root_unless_it_has_its_own(w: &World<'_>) {
    let id = w.ok(&w.a, api("careless")).await.id;
    let mut whole = document(
        "careless",
        &json!({ "/open": { "get": mock(false) }, "/closed": { "get": mock(true) }, "/rooted": { "get": mock(false) } }),
    );
    // The root's counts where an operation has none of its own, and an empty list is one.
    whole["paths"]["/open"]["get"]["security"] = json!([]);
    whole["security"] = json!([{ "sigv4": [] }]);
    whole["components"] = json!({ "securitySchemes": { "sigv4": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    }}});
    w.ok(&w.a, put(&id, true, &whole)).await;
    let all = resources(w, &w.a, &id).await;
    let authorization = |path: &str| {
        let resource = all.iter().find(|it| it.path == path).expect("the path");
        resource.methods["GET"].authorization.clone()
    };
    assert_eq!(authorization("/open"), "NONE");
    assert_eq!(authorization("/closed"), "AWS_IAM");
    assert_eq!(authorization("/rooted"), "AWS_IAM");

    let open = all.iter().find(|it| it.path == "/open").expect("the path");
    let close = UpdateMethod {
        id: id.clone(),
        resource: open.id.clone(),
        verb: "GET".to_owned(),
        patches: vec![Patch::replace("/authorizationType", "AWS_IAM")],
    };
    w.ok(&w.a, close).await;
    let all = resources(w, &w.a, &id).await;
    let open = all.iter().find(|it| it.path == "/open").expect("the path");
    assert_eq!(open.methods["GET"].authorization, "AWS_IAM");
}

async fn a_method_reads_back_as_the_document_has_it(w: &World<'_>) {
    let id = w.ok(&w.a, api("whole")).await.id;
    let operation = json!({
        "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
        "responses": {},
        "x-amazon-apigateway-auth": { "type": "AWS_IAM" },
        "x-amazon-apigateway-integration": {
            "type": "http_proxy",
            "httpMethod": "POST",
            "uri": "https://backend.example.com/orders/{id}",
            "passthroughBehavior": "when_no_match",
            "timeoutInMillis": 5000,
            "requestParameters": { "integration.request.path.id": "method.request.path.id" },
        },
    });
    let document = document(
        "whole",
        &json!({ "/orders/{id}": { "x-amazon-apigateway-any-method": operation } }),
    );
    w.ok(&w.a, put(&id, true, &document)).await;
    let all = resources(w, &w.a, &id).await;
    let paths: Vec<&str> = all.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["/", "/orders", "/orders/{id}"]);
    let method = &all[2].methods["ANY"];
    assert_eq!(method.authorization, "AWS_IAM");
    assert!(!method.api_key_required);
    let integration = method.integration.as_ref().expect("an integration");
    assert_eq!(integration.kind, "HTTP_PROXY");
    assert_eq!(integration.http_method.as_deref(), Some("POST"));
    assert_eq!(
        integration.uri.as_deref(),
        Some("https://backend.example.com/orders/{id}")
    );
    assert_eq!(integration.timeout_ms, Some(5000));
    assert_eq!(integration.passthrough.as_deref(), Some("WHEN_NO_MATCH"));
    assert_eq!(
        integration.request_parameters,
        map([("integration.request.path.id", "method.request.path.id")])
    );
}

async fn an_empty_mapping_template_is_an_empty_text(w: &World<'_>) {
    let id = w.ok(&w.a, api("silent")).await.id;
    let mut operation = mock(true);
    let integration = &mut operation["x-amazon-apigateway-integration"];
    integration["requestTemplates"]["text/plain"] = json!("");
    integration["responses"]["default"]["responseTemplates"] =
        json!({ "application/json": "", "text/plain": null });
    let document = document("silent", &json!({ "/x": { "get": operation } }));
    w.ok(&w.a, put(&id, true, &document)).await;
    let all = resources(w, &w.a, &id).await;
    let resource = all.iter().find(|it| it.path == "/x").expect("the path");
    let integration = resource.methods["GET"].integration.as_ref();
    let integration = integration.expect("an integration");
    let asked = map([
        ("application/json", "{\"statusCode\": 200}"),
        ("text/plain", ""),
    ]);
    assert_eq!(integration.request_templates, asked);
    let answered = map([("application/json", ""), ("text/plain", "")]);
    assert_eq!(integration.responses["200"].templates, answered);
}

async fn patches_of_an_api_all_apply_or_none(w: &World<'_>) {
    let made = CreateRestApi {
        description: Some("old".to_owned()),
        ..api("patched")
    };
    let id = w.ok(&w.a, made).await.id;
    let update = |patches| UpdateRestApi {
        id: id.clone(),
        patches,
    };
    let half_wrong = update(vec![
        Patch::replace("/description", "new"),
        Patch::replace("/noSuchPath", "x"),
    ]);
    w.refused(&w.a, Fault::Invalid, half_wrong).await;
    let found = find(w, &w.a, &id).await;
    assert_eq!(found.description.as_deref(), Some("old"));

    let all_right = update(vec![
        Patch::remove("/description", None),
        Patch::replace("/name", "renamed"),
        Patch::add("/binaryMediaTypes/image~1png", None),
        Patch::replace("/minimumCompressionSize", "512"),
        Patch::replace("/disableExecuteApiEndpoint", "true"),
    ]);
    let answer = w.ok(&w.a, all_right).await;
    assert_eq!(answer.description, None);
    assert_eq!(answer.name, "renamed");
    assert_eq!(answer.binary_media_types, ["image/png"]);
    assert_eq!(answer.minimum_compression, Some(512));
    assert!(answer.disable_execute_api);
    assert_eq!(find(w, &w.a, &id).await, answer);
}

async fn a_deployment_is_what_the_api_was_when_it_was_made(w: &World<'_>) {
    let (id, first) = deployed(w).await;
    let stage = &stages(w, &w.a, &id).await[0];
    assert_eq!(stage.name, "prod");
    assert_eq!(stage.deployment, first);

    let open = document(
        "orders",
        &json!({ "/orders": { "get": mock(false), "post": mock(true) } }),
    );
    w.ok(&w.a, put(&id, true, &open)).await;
    let summary = async |deployment: &str| {
        let get = GetDeployment {
            id: id.clone(),
            deployment: deployment.to_owned(),
        };
        w.ok(&w.a, get).await
    };
    let before = summary(&first).await;
    assert_eq!(before.description.as_deref(), Some("first"));
    assert_eq!(before.summary["/orders"], map([("GET", "AWS_IAM")]));
    assert_eq!(stages(w, &w.a, &id).await[0].deployment, first);

    let second = w.ok(&w.a, deploy(&id, "second")).await.id;
    assert_eq!(stages(w, &w.a, &id).await[0].deployment, second);
    assert_eq!(
        summary(&second).await.summary["/orders"],
        map([("GET", "NONE"), ("POST", "AWS_IAM")])
    );
    assert_eq!(
        summary(&first).await.summary["/orders"],
        map([("GET", "AWS_IAM")])
    );
    let mut listed: Vec<Option<String>> = w
        .all(&w.a, |position| GetDeployments {
            id: id.clone(),
            position,
        })
        .await
        .into_iter()
        .map(|it| it.description)
        .collect();
    listed.sort();
    assert_eq!(
        listed,
        [Some("first".to_owned()), Some("second".to_owned())]
    );
}

async fn a_deployment_needs_methods_with_integrations(w: &World<'_>) {
    let id = w.ok(&w.a, api("empty")).await.id;
    w.refused(&w.a, Fault::Invalid, deploy(&id, "nothing"))
        .await;
    let bare = json!({ "/orders": { "get": { "responses": {} } } });
    w.ok(&w.a, put(&id, false, &document("empty", &bare))).await;
    w.refused(&w.a, Fault::Invalid, deploy(&id, "no integration"))
        .await;
    assert!(stages(w, &w.a, &id).await.is_empty());
}

async fn a_deployment_that_a_stage_serves_cannot_be_deleted(w: &World<'_>) {
    let (id, first) = deployed(w).await;
    let delete = |deployment: &str| DeleteDeployment {
        id: id.clone(),
        deployment: deployment.to_owned(),
    };
    w.refused(&w.a, Fault::Conflict, delete(&first)).await;
    let second = w.ok(&w.a, deploy(&id, "second")).await.id;
    w.ok(&w.a, delete(&first)).await;
    w.refused(&w.a, Fault::Missing, delete(&first)).await;
    let stage = DeleteStage {
        id: id.clone(),
        stage: "prod".to_owned(),
    };
    w.ok(&w.a, stage).await;
    w.ok(&w.a, delete(&second)).await;
}

async fn a_deployment_that_a_canary_serves_cannot_be_deleted(w: &World<'_>) {
    let (id, first) = deployed(w).await;
    let update = |patch| UpdateStage {
        id: id.clone(),
        stage: "prod".to_owned(),
        patches: vec![patch],
    };
    let canary = |percent: &str| Patch::replace("/canarySettings/percentTraffic", percent);
    let serve = |deployment: &str| update(Patch::replace("/deploymentId", deployment));
    let second = w.ok(&w.a, deploy(&id, "second")).await.id;
    w.ok(&w.a, serve(&first)).await;
    w.ok(&w.a, update(canary("10"))).await;
    w.ok(&w.a, serve(&second)).await;
    // A stage with a canary takes no deployment that is none of the canary.
    w.refused(&w.a, Fault::Invalid, deploy(&id, "third")).await;
    w.ok(&w.a, update(canary("25.5"))).await;
    let stage = stages(w, &w.a, &id).await.remove(0);
    let read = stage.canary.as_ref().expect("a canary");
    assert_eq!(
        (read.deployment.as_str(), read.percent),
        (first.as_str(), 25.5)
    );
    assert_eq!(stage.deployment, second);
    let delete = DeleteDeployment {
        id: id.clone(),
        deployment: first,
    };
    w.refused(&w.a, Fault::Conflict, delete.clone()).await;
    let gone = Patch::remove("/canarySettings", None);
    w.ok(&w.a, update(gone)).await;
    assert_eq!(stages(w, &w.a, &id).await[0].canary, None);
    w.ok(&w.a, delete).await;
    w.ok(&w.a, deploy(&id, "third")).await;
}

async fn a_stage_takes_its_settings_and_reads_them_back_filled(w: &World<'_>) {
    let (id, _) = deployed(w).await;
    let bare = stages(w, &w.a, &id).await.remove(0);
    assert!(bare.methods.is_empty() && bare.variables.is_empty());
    assert!(!bare.tracing && bare.access_log.is_none());

    let logs = format!("arn:aws:logs:{}:{}:log-group:access", w.a.region, w.a.id);
    let update = |patches| UpdateStage {
        id: id.clone(),
        stage: "prod".to_owned(),
        patches,
    };
    w.ok(
        &w.a,
        update(vec![
            Patch::replace("/description", "in production"),
            Patch::replace("/tracingEnabled", "true"),
            Patch::replace("/variables/backend", "blue"),
            Patch::replace("/accessLogSettings/destinationArn", logs.as_str()),
            Patch::replace("/accessLogSettings/format", "$context.requestId"),
            Patch::replace("/*/*/metrics/enabled", "true"),
        ]),
    )
    .await;
    let stage = stages(w, &w.a, &id).await.remove(0);
    assert_eq!(stage.description.as_deref(), Some("in production"));
    assert!(stage.tracing);
    assert_eq!(stage.variables, map([("backend", "blue")]));
    let log = stage.access_log.as_ref().expect("an access log");
    assert_eq!(log.destination, logs);
    assert_eq!(log.format, "$context.requestId");
    let settings = &stage.methods["*/*"];
    assert!(settings.metrics && !settings.data_trace);
    // One setting brings the account's limits with it.
    assert_eq!(settings.rate, Some(10_000.0));
    assert_eq!(settings.burst, Some(5_000));

    w.ok(
        &w.a,
        update(vec![
            Patch::replace("/*/*/throttling/rateLimit", "50"),
            Patch::replace("/*/*/throttling/burstLimit", "100"),
            Patch::replace("/*/*/logging/loglevel", "INFO"),
            Patch::remove("/variables/backend", None),
            Patch::remove("/accessLogSettings", None),
            // One method's own settings: its path is escaped, as in every patch.
            Patch::replace("/~1orders/GET/throttling/rateLimit", "1"),
        ]),
    )
    .await;
    let stage = stages(w, &w.a, &id).await.remove(0);
    let own = &stage.methods["~1orders/GET"];
    assert_eq!((own.rate, own.burst), (Some(1.0), Some(5_000)));
    let settings = &stage.methods["*/*"];
    assert_eq!(settings.rate, Some(50.0));
    assert_eq!(settings.burst, Some(100));
    assert_eq!(settings.logging.as_deref(), Some("INFO"));
    assert!(stage.variables.is_empty());
    assert_eq!(stage.access_log, None);

    // They go by the name they are listed under.
    let own = Patch::remove("/~1orders/GET", None);
    w.ok(&w.a, update(vec![own])).await;
    let stage = stages(w, &w.a, &id).await.remove(0);
    assert!(stage.methods.keys().eq(["*/*"]), "{:?}", stage.methods);

    // A limit is not removed alone: its whole entry is, and what stays is written again in the same call.
    for leaf in ["/*/*/throttling/rateLimit", "/description"] {
        let alone = update(vec![Patch::remove(leaf, None)]);
        w.refused(&w.a, Fault::Invalid, alone).await;
    }
    let lifted = vec![
        Patch::remove("/*/*", None),
        Patch::replace("/*/*/logging/loglevel", "INFO"),
        Patch::replace("/description", ""),
    ];
    w.ok(&w.a, update(lifted)).await;
    let stage = stages(w, &w.a, &id).await.remove(0);
    let settings = &stage.methods["*/*"];
    assert_eq!(settings.logging.as_deref(), Some("INFO"));
    assert_eq!(settings.rate, Some(10_000.0));
    assert_eq!(stage.description.unwrap_or_default(), "");
    w.ok(&w.a, update(vec![Patch::remove("/*/*", None)])).await;
    let again = update(vec![Patch::remove("/*/*", None)]);
    w.refused(&w.a, Fault::Invalid, again).await;
}

async fn a_stage_keeps_its_variables_when_it_is_deployed_again(w: &World<'_>) {
    let id = w.ok(&w.a, api("orders")).await.id;
    let document = document("orders", &json!({ "/orders": { "get": mock(true) } }));
    w.ok(&w.a, put(&id, false, &document)).await;
    let first = CreateDeployment {
        variables: map([("backend", "blue")]),
        ..deploy(&id, "first")
    };
    w.ok(&w.a, first).await;
    assert_eq!(
        stages(w, &w.a, &id).await[0].variables,
        map([("backend", "blue")])
    );
    w.ok(&w.a, deploy(&id, "second")).await;
    assert_eq!(
        stages(w, &w.a, &id).await[0].variables,
        map([("backend", "blue")])
    );
}

async fn api_and_stage_tags_are_added_replaced_and_removed(w: &World<'_>) {
    let (id, _) = deployed(w).await;
    let api = format!("arn:aws:apigateway:{}::/restapis/{id}", w.a.region);
    for arn in [api.clone(), format!("{api}/stages/prod")] {
        let tag = |tags| TagApi {
            arn: arn.clone(),
            tags,
        };
        w.ok(
            &w.a,
            tag(map([("kept", "1"), ("changed", "1"), ("gone", "1")])),
        )
        .await;
        w.ok(&w.a, tag(map([("changed", "2")]))).await;
        let untag = UntagApi {
            arn: arn.clone(),
            keys: vec!["gone".to_owned()],
        };
        w.ok(&w.a, untag).await;
    }
    let expected = map([("kept", "1"), ("changed", "2")]);
    assert_eq!(find(w, &w.a, &id).await.tags, expected);
    assert_eq!(stages(w, &w.a, &id).await[0].tags, expected);
}

async fn an_api_that_is_not_there_is_missing(w: &World<'_>) {
    let id = || "absent0000".to_owned();
    w.refused(&w.a, Fault::Missing, DeleteRestApi { id: id() })
        .await;
    w.refused(&w.a, Fault::Missing, GetStages { id: id() })
        .await;
    let resources = GetApiResources {
        id: id(),
        position: None,
    };
    w.refused(&w.a, Fault::Missing, resources).await;
    let document = document("absent", &json!({}));
    w.refused(&w.a, Fault::Missing, put(&id(), false, &document))
        .await;
    w.refused(&w.a, Fault::Missing, deploy(&id(), "x")).await;
    let (there, _) = deployed(w).await;
    let update = UpdateStage {
        id: there.clone(),
        stage: "absent".to_owned(),
        patches: vec![Patch::replace("/description", "x")],
    };
    w.refused(&w.a, Fault::Missing, update).await;
    let get = GetDeployment {
        id: there,
        deployment: "absent".to_owned(),
    };
    w.refused(&w.a, Fault::Missing, get).await;
}
