//! Whole conversations with the sandbox, and laws.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::method::{AWS_IAM, NONE, key};
use super::testing::*;
use super::*;
use crate::cloud::apigateway::{
    CreateDeployment, CreateRestApi, GetStages, IntegrationRecord, IntegrationResponseRecord,
    Patch, PutRestApi, UpdateRestApi,
};
use crate::cloud::seam::{FaultRule, Trouble};
use crate::cloud::{Sandbox, Seam, call, iam};
use crate::kinds::{Kind, Want};
use crate::policy::{Clause, PrincipalClause, Statement};

async fn record(cloud: &dyn Cloud) -> RestApiRecord {
    let records = read_all(cloud, &place()).await.expect("a listing");
    assert_eq!(records.len(), 1, "{records:?}");
    records.into_iter().next().expect("one")
}

async fn policy_of(cloud: &dyn Cloud) -> Document {
    let record = record(cloud).await;
    document(&record)
        .expect("readable")
        .unwrap_or_else(|| Document::of(Vec::new()))
}

fn foreign() -> Statement {
    Statement::allow("TheirOwn", Clause::of(["execute-api:Invoke"]))
        .to(PrincipalClause::aws(["arn:aws:iam::111111111111:root"]))
        .on(["execute-api:/prod/GET/theirs"])
}

/// Somebody else adds a statement to the policy.
async fn add_foreign(cloud: &dyn Cloud) {
    let mut policy = policy_of(cloud).await;
    policy.statements.push(foreign());
    patch(cloud, Patch::replace("/policy", policy.to_text())).await;
}

async fn patch(cloud: &dyn Cloud, patch: Patch) {
    let id = record(cloud).await.id;
    let it = UpdateRestApi {
        id,
        patches: vec![patch],
    };
    call(cloud, &place(), it).await.expect("patched");
}

async fn applied(api: RestApi) -> (Sandbox, Wanted) {
    let cloud = sandbox();
    let wanted = Wanted::of(api);
    wanted.apply(&cloud).await.expect("applied");
    (cloud, wanted)
}

#[test]
fn an_api_with_its_stage_is_made_in_four_calls() {
    run(async {
        let cloud = sandbox();
        let wanted = Wanted::of(api());
        assert_eq!(
            wanted.writes(&cloud).await,
            [
                "CreateRestApi",
                "PutRestApi",
                "CreateDeployment",
                "TagResource"
            ]
        );
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
        assert_eq!(wanted.writes(&cloud).await, [""; 0]);
    });
}

#[test]
fn reading_it_takes_five_calls() {
    run(async {
        let (cloud, wanted) = applied(api()).await;
        let seam = Seam::around(&cloud);
        let records = read_all(&seam, &place()).await.expect("a listing");
        let record = marked(&records, STACK, &address()).expect("ours");
        let have = fill(&seam, &place(), STACK, record, true)
            .await
            .expect("all of it");
        assert!(
            wanted
                .api
                .resource
                .differences(&wanted.api, &have)
                .is_empty()
        );
        let Resource::Stage(stage) = &wanted.stage.resource else {
            panic!("a stage")
        };
        let (at, api) = (place(), address());
        let stages =
            crate::kinds::stage::read_all(&seam, &at, STACK, record, &api, Some(stage)).await;
        assert_eq!(stages.expect("stages").len(), 1);
        let actions: Vec<_> = seam.records().iter().map(|it| it.action).collect();
        assert_eq!(
            actions,
            [
                "GetRestApis",
                "GetResources",
                "GetStages",
                "GetDeployments",
                "GetDeployment"
            ]
        );
    });
}

#[test]
fn a_changed_policy_is_one_patch_and_a_deployment() {
    run(async {
        let (cloud, _) = applied(api()).await;
        let mut changed = api();
        changed.policy.statements.push(invoke(
            STACK,
            "111111111111",
            "execute-api:/prod/GET/orders/*",
        ));
        let wanted = Wanted::of(changed);
        assert_eq!(
            wanted.writes(&cloud).await,
            [
                "UpdateRestApi",
                "TagResource",
                "CreateDeployment",
                "DeleteDeployment",
                "TagResource"
            ]
        );
        assert_eq!(wanted.writes(&cloud).await, [""; 0]);
    });
}

#[test]
fn a_changed_route_is_one_import_that_keeps_everything_else() {
    run(async {
        let mut first = api();
        first.binary_media_types = BTreeSet::from(["image/png".to_owned()]);
        first.minimum_compression = Some(1024);
        first.disable_execute_api = true;
        let (cloud, _) = applied(first.clone()).await;
        add_foreign(&cloud).await;
        let mut changed = first;
        changed.methods.insert(
            key("POST", "/orders"),
            method(AWS_IAM, "https://b.example.com/new"),
        );
        changed.methods.remove(&key("ANY", "/orders/{id}"));
        let wanted = Wanted::of(changed);
        assert_eq!(
            wanted.plan(&cloud).await.expect("a plan"),
            [
                "routes: + POST /orders (AWS_IAM)",
                "routes: - ANY /orders/{id} (AWS_IAM)",
                "deployment: - ANY /orders/{id} as deployed (AWS_IAM)",
                "deployment: + POST /orders as deployed (AWS_IAM)",
            ]
        );
        assert_eq!(
            wanted.writes(&cloud).await,
            [
                "PutRestApi",
                "TagResource",
                "CreateDeployment",
                "DeleteDeployment",
                "TagResource"
            ]
        );
        assert_eq!(wanted.writes(&cloud).await, [""; 0]);
        let sids: Vec<_> = policy_of(&cloud)
            .await
            .statements
            .into_iter()
            .filter_map(|it| it.sid)
            .collect();
        assert_eq!(sids.len(), 2);
        assert_eq!(sids[0], "TheirOwn");
        let record = record(&cloud).await;
        assert_eq!(record.description.as_deref(), Some("Orders."));
        assert_eq!(record.minimum_compression, Some(1024));
    });
}

#[test]
fn a_foreign_statement_is_kept_unless_the_api_is_exclusive() {
    run(async {
        let (cloud, wanted) = applied(api()).await;
        add_foreign(&cloud).await;
        assert_eq!(wanted.writes(&cloud).await, [""; 0]);
        let exclusive = Wanted::exclusive(api());
        let plan = exclusive.plan(&cloud).await.expect("a plan");
        assert!(
            plan[0].starts_with("policy: - foreign statement `TheirOwn`"),
            "{plan:?}"
        );
        // The deployment may hold it too.
        assert_eq!(
            exclusive.writes(&cloud).await,
            [
                "UpdateRestApi",
                "CreateDeployment",
                "DeleteDeployment",
                "TagResource"
            ]
        );
        assert_eq!(policy_of(&cloud).await.statements.len(), 1);
        assert_eq!(exclusive.writes(&cloud).await, [""; 0]);
    });
}

#[test]
fn what_a_stranger_opened_is_closed_in_the_api_and_in_the_stage() {
    run(async {
        let (cloud, wanted) = applied(api()).await;
        let record = record(&cloud).await;
        let mut tampered = api();
        tampered.methods.insert(
            key("POST", "/admin"),
            method(NONE, "https://evil.example.com/"),
        );
        tampered.methods.insert(
            key("GET", "/orders"),
            method(NONE, "https://b.example.com/orders"),
        );
        let body = openapi::encode(&tampered, &tampered.policy).to_string();
        let it = PutRestApi {
            id: record.id.clone(),
            overwrite: true,
            body,
        };
        call(&cloud, &place(), it).await.expect("imported");
        // Under our own description: AWS's summary tells all the same.
        let Resource::Stage(stage) = &wanted.stage.resource else {
            panic!("a stage")
        };
        let it = CreateDeployment {
            id: record.id,
            stage: "prod".to_owned(),
            description: format!("provision {}", stage.surface),
            variables: BTreeMap::new(),
        };
        call(&cloud, &place(), it).await.expect("deployed");
        let plan = wanted.plan(&cloud).await.expect("a plan");
        assert_eq!(
            plan[..4],
            [
                "routes: ~ GET /orders OPEN TO ANYONE (no authorizer) -> AWS_IAM",
                "routes: - POST /admin (no authorizer)",
                "deployment: ~ GET /orders as deployed: OPEN TO ANYONE (no authorizer) -> AWS_IAM",
                "deployment: - POST /admin as deployed (no authorizer)",
            ]
        );
        assert!(
            plan[4].starts_with("superseded deployments: - "),
            "{plan:?}"
        );
        assert_eq!(
            wanted.writes(&cloud).await,
            [
                "PutRestApi",
                "CreateDeployment",
                "DeleteDeployment",
                "DeleteDeployment"
            ]
        );
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
    });
}

#[test]
fn an_api_that_somebody_else_deployed_is_deployed_again() {
    run(async {
        let (cloud, wanted) = applied(api()).await;
        let it = CreateDeployment {
            id: record(&cloud).await.id,
            stage: "prod".to_owned(),
            description: String::new(),
            variables: BTreeMap::new(),
        };
        call(&cloud, &place(), it).await.expect("deployed");
        let plan = wanted.plan(&cloud).await.expect("a plan");
        assert_eq!(plan[0], "deployment");
        wanted.apply(&cloud).await.expect("applied");
        assert_eq!(wanted.writes(&cloud).await, [""; 0]);
    });
}

const ROLE: &str = "arn:aws:iam::333333333333:role/caller";

async fn make_role(cloud: &dyn Cloud) {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let it = iam::CreateRole {
        name: "caller".to_owned(),
        path: "/".to_owned(),
        trust: trust.to_owned(),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: Tags::new(),
    };
    call(cloud, &place(), it).await.expect("a role");
}

async fn remake_role(cloud: &dyn Cloud) {
    let it = iam::DeleteRole {
        name: "caller".to_owned(),
    };
    call(cloud, &place(), it).await.expect("no role");
    make_role(cloud).await;
}

fn api_for_role() -> RestApi {
    let mut api = api();
    api.policy = Document::of(vec![invoke(STACK, ROLE, "execute-api:/prod/GET/orders")]);
    api
}

#[test]
fn a_role_made_anew_gets_its_access_back_in_the_policy_and_in_the_stage() {
    run(async {
        let cloud = sandbox();
        make_role(&cloud).await;
        let wanted = Wanted::of(api_for_role());
        wanted.apply(&cloud).await.expect("applied");
        remake_role(&cloud).await;
        let plan = wanted.plan(&cloud).await.expect("a plan");
        assert_eq!(plan.len(), 3, "{plan:?}");
        assert_eq!(plan[2], "deployment");
        assert_eq!(
            wanted.writes(&cloud).await,
            [
                "TagResource",
                "UpdateRestApi",
                "CreateDeployment",
                "DeleteDeployment",
                "UntagResource"
            ]
        );
        assert_eq!(wanted.writes(&cloud).await, [""; 0]);
    });
}

#[test]
fn a_mended_policy_is_deployed_even_if_we_die_in_between() {
    run(async {
        let writes = 5;
        for k in 1..=writes {
            let cloud = sandbox();
            make_role(&cloud).await;
            let wanted = Wanted::of(api_for_role());
            wanted.apply(&cloud).await.expect("applied");
            remake_role(&cloud).await;
            let mut rule = FaultRule::new(Trouble::StopAfter).nth([k]);
            rule.writes = Some(true);
            let seam = Seam::around(&cloud).failing([rule]);
            wanted.apply(&seam).await.expect_err("stopped dead");
            let again = wanted.writes(&cloud).await;
            let deployed = again.contains(&"CreateDeployment");
            // A deployment too many does no harm; one too few would.
            assert_eq!(deployed, k < 5, "after {k}: {again:?}");
            assert_eq!(
                wanted.plan(&cloud).await.expect("a plan"),
                [""; 0],
                "after {k}"
            );
        }
    });
}

#[test]
fn a_dead_principal_of_a_foreign_statement_does_not_stop_us() {
    run(async {
        let cloud = sandbox();
        make_role(&cloud).await;
        let wanted = Wanted::of(api());
        wanted.apply(&cloud).await.expect("applied");
        let mut policy = policy_of(&cloud).await;
        let mut statement = foreign();
        statement.principal = Some(PrincipalClause::aws([
            ROLE,
            "arn:aws:iam::111111111111:root",
        ]));
        policy.statements.push(statement);
        patch(&cloud, Patch::replace("/policy", policy.to_text())).await;
        remake_role(&cloud).await;
        assert_eq!(wanted.writes(&cloud).await, [""; 0]);
        let mut changed = api();
        changed.policy.statements.push(invoke(
            STACK,
            "111111111111",
            "execute-api:/prod/GET/orders/*",
        ));
        Wanted::of(changed).apply(&cloud).await.expect("applied");
        let kept = policy_of(&cloud).await.statements.remove(0);
        let principal = kept.principal.expect("somebody");
        assert_eq!(principal.aws_values(), ["arn:aws:iam::111111111111:root"]);
    });
}

#[test]
fn every_interrupted_first_apply_arrives_at_the_same_end() {
    run(async {
        let first = Wanted::with(api(), full(stage_of(&api(), false)), false);
        let undisturbed = sandbox();
        let seam = Seam::around(&undisturbed);
        first.apply(&seam).await.expect("applied");
        let calls = seam.sent();
        for trouble in [
            Trouble::StopAfter,
            Trouble::LoseAnswer,
            Trouble::LoseRequest,
            Trouble::BreakAfter,
        ] {
            for k in 1..=calls {
                let cloud = sandbox();
                let seam = Seam::around(&cloud).failing([FaultRule::at(k, trouble)]);
                let _ = first.apply(&seam).await;
                first.apply(&cloud).await.expect("applied");
                assert_eq!(cloud.picture(), undisturbed.picture(), "{trouble:?} at {k}");
                assert_eq!(first.writes(&cloud).await, [""; 0]);
            }
        }
    });
}

#[test]
fn every_interrupted_change_arrives() {
    run(async {
        let before = Wanted::of(api());
        let mut changed = api();
        changed.methods.insert(
            key("POST", "/orders"),
            method(AWS_IAM, "https://b.example.com/new"),
        );
        changed.tags.insert("tier".to_owned(), "1".to_owned());
        changed.policy.statements.push(invoke(
            STACK,
            "111111111111",
            "execute-api:/prod/POST/orders",
        ));
        let after = Wanted::with(changed.clone(), full(stage_of(&changed, false)), false);
        let undisturbed = sandbox();
        before.apply(&undisturbed).await.expect("applied");
        let seam = Seam::around(&undisturbed);
        after.apply(&seam).await.expect("applied");
        for k in 1..=seam.sent() {
            let cloud = sandbox();
            before.apply(&cloud).await.expect("applied");
            let seam = Seam::around(&cloud).failing([FaultRule::at(k, Trouble::StopAfter)]);
            let _ = after.apply(&seam).await;
            after.apply(&cloud).await.expect("applied");
            assert_eq!(after.plan(&cloud).await.expect("a plan"), [""; 0], "at {k}");
            let stages = call(
                &cloud,
                &place(),
                GetStages {
                    id: record(&cloud).await.id,
                },
            )
            .await
            .expect("stages");
            assert_eq!(stages.len(), 1);
        }
    });
}

#[test]
fn an_unmarked_api_of_the_same_name_is_somebody_elses() {
    run(async {
        let cloud = sandbox();
        let it = CreateRestApi {
            name: "orders".to_owned(),
            description: None,
            policy: None,
            endpoint_type: "EDGE".to_owned(),
            vpc_endpoints: Vec::new(),
            binary_media_types: Vec::new(),
            minimum_compression: None,
            api_key_source: "HEADER".to_owned(),
            disable_execute_api: false,
            tags: Tags::new(),
        };
        let theirs = call(&cloud, &place(), it).await.expect("an API").id;
        let wanted = Wanted::of(api());
        wanted.apply(&cloud).await.expect("applied");
        assert_eq!(wanted.writes(&cloud).await, [""; 0]);
        wanted.destroy(&cloud).await.expect("destroyed");
        assert_eq!(record(&cloud).await.id, theirs);
    });
}

#[test]
fn settings_of_the_api_go_in_one_patch() {
    run(async {
        let mut first = api();
        first.binary_media_types = BTreeSet::from(["image/png".to_owned()]);
        let (cloud, _) = applied(first).await;
        let mut changed = api();
        changed.description = String::new();
        changed.name = "orders-2".to_owned();
        changed.endpoint = Endpoint::Private;
        changed.vpc_endpoints = BTreeSet::from(["vpce-1".to_owned(), "vpce-2".to_owned()]);
        changed.binary_media_types = BTreeSet::from(["application/zip".to_owned()]);
        changed.minimum_compression = Some(0);
        changed.disable_execute_api = true;
        let wanted = Wanted::of(changed.clone());
        assert_eq!(
            wanted.writes(&cloud).await,
            [
                "UpdateRestApi",
                "TagResource",
                "CreateDeployment",
                "DeleteDeployment",
                "TagResource"
            ]
        );
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
        let wanted = Wanted::of(api());
        wanted.apply(&cloud).await.expect("applied");
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
    });
}

#[test]
fn a_description_alone_deploys_nothing() {
    run(async {
        let (cloud, _) = applied(api()).await;
        let mut changed = api();
        changed.description = "All orders.".to_owned();
        assert_eq!(
            Wanted::of(changed).writes(&cloud).await,
            ["UpdateRestApi", "TagResource"]
        );
    });
}

#[test]
fn only_from_private_to_edge_takes_a_new_api() {
    use Endpoint::{Edge, Private, Regional};
    for (from, to, replaces) in [
        (Edge, Regional, false),
        (Edge, Private, false),
        (Regional, Edge, false),
        (Regional, Private, false),
        (Private, Regional, false),
        (Private, Edge, true),
    ] {
        let mut live = api();
        live.endpoint = from;
        let mut want = api();
        want.endpoint = to;
        assert_eq!(
            want.settings(&live).replaces(),
            replaces,
            "{from:?} to {to:?}"
        );
    }
}

#[test]
fn a_private_api_that_becomes_edge_is_made_anew_with_its_stage() {
    run(async {
        let mut first = api();
        first.endpoint = Endpoint::Private;
        first.vpc_endpoints = BTreeSet::from(["vpce-1".to_owned()]);
        let (cloud, _) = applied(first).await;
        let old = record(&cloud).await.id;
        let mut changed = api();
        changed.endpoint = Endpoint::Edge;
        let wanted = Wanted::of(changed);
        wanted.apply(&cloud).await.expect("applied");
        assert_ne!(record(&cloud).await.id, old);
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
    });
}

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
    let source = openapi::secured(&document_of_the_author(limit), &public);
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
        let (cloud, wanted) = applied(api_of_document(1)).await;
        assert_eq!(wanted.writes(&cloud).await, [""; 0]);
        assert_eq!(record(&cloud).await.name, "orders");
        let changed = Wanted::of(api_of_document(2));
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
        let routes = Wanted::of(api());
        routes.apply(&cloud).await.expect("applied");
        assert_eq!(routes.plan(&cloud).await.expect("a plan"), [""; 0]);
        assert!(!record(&cloud).await.tags.contains_key(SOURCE));
    });
}

#[test]
fn every_interrupted_import_of_a_document_arrives_at_the_same_end() {
    run(async {
        let wanted = Wanted::of(api_of_document(1));
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

/// An API that something else deploys: `GET /orders` is open, and so is `GET /health`.
async fn theirs(cloud: &dyn Cloud) -> String {
    let mut other = api();
    "theirs".clone_into(&mut other.name);
    other.policy = Document::of(vec![foreign()]);
    other.methods = BTreeMap::from([
        (
            key("GET", "/orders"),
            method(NONE, "https://b.example.com/orders"),
        ),
        (
            key("GET", "/health"),
            method(NONE, "https://b.example.com/health"),
        ),
    ]);
    let it = CreateRestApi {
        name: "theirs".to_owned(),
        description: None,
        policy: None,
        endpoint_type: "REGIONAL".to_owned(),
        vpc_endpoints: Vec::new(),
        binary_media_types: Vec::new(),
        minimum_compression: None,
        api_key_source: "HEADER".to_owned(),
        disable_execute_api: false,
        tags: Tags::from([("made-by".to_owned(), "hand".to_owned())]),
    };
    let id = call(cloud, &place(), it).await.expect("an API").id;
    let body = openapi::encode(&other, &other.policy).to_string();
    let it = PutRestApi {
        id: id.clone(),
        overwrite: true,
        body,
    };
    call(cloud, &place(), it).await.expect("imported");
    let it = CreateDeployment {
        id: id.clone(),
        stage: "prod".to_owned(),
        description: "by hand".to_owned(),
        variables: BTreeMap::from([("colour".to_owned(), "red".to_owned())]),
    };
    call(cloud, &place(), it).await.expect("deployed");
    id
}

fn existing(id: &str, stack: &'static str) -> Wanted {
    let mut wanted = Wanted::of(RestApi {
        existing: Some(id.to_owned()),
        policy: Document::of(vec![invoke(
            stack,
            "111111111111",
            "execute-api:/prod/GET/orders",
        )]),
        methods: Methods::new(),
        public: BTreeSet::from([key("GET", "/health")]),
        tags: Tags::new(),
        ..api()
    });
    wanted.stack = stack;
    stack.clone_into(&mut wanted.api.stack);
    stack.clone_into(&mut wanted.stage.stack);
    wanted
}

#[test]
fn of_anothers_api_only_our_statements_and_the_authorizers_are_written() {
    run(async {
        let cloud = sandbox();
        let id = theirs(&cloud).await;
        let wanted = existing(&id, STACK);
        let plan = wanted.plan(&cloud).await.expect("a plan");
        assert!(plan[0].starts_with("policy: + allow"), "{plan:?}");
        assert_eq!(
            plan[1..],
            [
                "routes: ~ GET /orders OPEN TO ANYONE (no authorizer) -> AWS_IAM",
                "deployment: ~ GET /orders as deployed: OPEN TO ANYONE (no authorizer) -> AWS_IAM",
            ]
        );
        assert_eq!(
            wanted.writes(&cloud).await,
            ["UpdateRestApi", "UpdateMethod", "CreateDeployment"]
        );
        assert_eq!(wanted.writes(&cloud).await, [""; 0]);
        let record = record(&cloud).await;
        assert_eq!(record.name, "theirs");
        assert_eq!(record.tags.len(), 1);
        assert!(has_statements(&record, STACK) && !has_statements(&record, "other"));
        let stages = call(&cloud, &place(), GetStages { id })
            .await
            .expect("stages");
        assert_eq!(stages[0].variables["colour"], "red");
        assert!(stages[0].tags.is_empty());
    });
}

#[test]
fn two_stacks_on_anothers_api_do_not_undo_each_other() {
    run(async {
        let cloud = sandbox();
        let id = theirs(&cloud).await;
        let (one, two) = (existing(&id, STACK), existing(&id, "billing"));
        one.apply(&cloud).await.expect("applied");
        two.apply(&cloud).await.expect("applied");
        for wanted in [&one, &two] {
            assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
        }
        one.destroy(&cloud).await.expect("destroyed");
        assert_eq!(two.plan(&cloud).await.expect("a plan"), [""; 0]);
        assert!(!has_statements(&record(&cloud).await, STACK));
        two.destroy(&cloud).await.expect("destroyed");
        assert_eq!(policy_of(&cloud).await.statements.len(), 1);
        // What is served holds our statements no longer, and nothing of ours is left.
        let picture = cloud.picture().to_string();
        assert!(
            !picture.contains("Provision") && !picture.contains("provision "),
            "{picture}"
        );
    });
}

#[test]
fn an_existing_api_that_is_not_there_is_an_error_that_says_so() {
    run(async {
        let cloud = sandbox();
        let error = existing("nowhere", STACK)
            .apply(&cloud)
            .await
            .expect_err("refused");
        assert_eq!(error.fault, Fault::Missing);
        assert!(
            error.message.contains("there is no REST API `nowhere`"),
            "{error}"
        );
    });
}

#[test]
fn of_two_apis_with_one_mark_the_older_is_ours() {
    let tags = Mark {
        stack: STACK.to_owned(),
        address: address(),
        digest: None,
        owned: BTreeSet::new(),
    }
    .write(Tags::new());
    let record = |id: &str, created| RestApiRecord {
        id: id.to_owned(),
        created,
        tags: tags.clone(),
        ..RestApiRecord::default()
    };
    let records = [record("b", 2), record("a", 1), record("c", 3)];
    assert_eq!(
        marked(&records, STACK, &address()).map(|it| it.id.as_str()),
        Some("a")
    );
    assert_eq!(marked(&records, "other", &address()), None);
}

fn words() -> impl Strategy<Value = String> {
    "[a-z]{1,6}"
}

fn templates() -> impl Strategy<Value = BTreeMap<String, String>> {
    let types = prop_oneof![
        Just("application/json".to_owned()),
        Just("text/plain".to_owned())
    ];
    proptest::collection::btree_map(types, "[ -~]{0,12}", 0..2)
}

fn some_integration() -> impl Strategy<Value = IntegrationRecord> {
    let kind = prop_oneof![
        Just("HTTP_PROXY"),
        Just("HTTP"),
        Just("AWS"),
        Just("AWS_PROXY"),
        Just("MOCK")
    ];
    let responses = proptest::collection::btree_map(
        prop_oneof![
            Just("200".to_owned()),
            Just("404".to_owned()),
            Just("502".to_owned())
        ],
        templates(),
        0..3,
    );
    let passthrough = prop_oneof![
        Just("WHEN_NO_MATCH"),
        Just("NEVER"),
        Just("WHEN_NO_TEMPLATES")
    ];
    (
        kind,
        words(),
        proptest::option::of(50_u32..29_000),
        passthrough,
        templates(),
        responses,
        any::<bool>(),
    )
        .prop_map(
            |(kind, word, timeout_ms, passthrough, request_templates, responses, credentials)| {
                let uri = if kind.starts_with("AWS") {
                    format!("arn:aws:apigateway:eu-west-1:sqs:path/333333333333/{word}")
                } else {
                    format!("https://{word}.example.com/")
                };
                let responses = responses.into_iter().map(|(status, templates)| {
                    // One response may be without a pattern: the default.
                    let selection = (status != "200").then(|| format!("{status}.*"));
                    (
                        status,
                        IntegrationResponseRecord {
                            selection,
                            templates,
                        },
                    )
                });
                method::normal(IntegrationRecord {
                    kind: kind.to_owned(),
                    http_method: Some("POST".to_owned()),
                    uri: Some(uri),
                    credentials: credentials.then(|| "arn:aws:iam::333333333333:role/x".to_owned()),
                    timeout_ms,
                    passthrough: Some(passthrough.to_owned()),
                    request_parameters: BTreeMap::from([(
                        format!("integration.request.header.{word}"),
                        "'x'".to_owned(),
                    )]),
                    request_templates,
                    responses: responses.collect(),
                })
            },
        )
}

fn some_methods() -> impl Strategy<Value = Methods> {
    let path = prop_oneof![
        words().prop_map(|it| format!("/{it}")),
        words().prop_map(|it| format!("/{it}/{{id}}")),
        words().prop_map(|it| format!("/{it}/{{id}}/files/{{rest+}}")),
    ];
    let verb = prop_oneof![
        Just("GET"),
        Just("POST"),
        Just("OPTIONS"),
        Just("ANY"),
        Just("DELETE")
    ];
    let key = (verb, path).prop_map(|(verb, path)| key(verb, &path));
    let authorization = prop_oneof![Just(AWS_IAM), Just(NONE)];
    let method = (authorization, any::<bool>(), some_integration()).prop_map(
        |(authorization, api_key_required, it)| Method {
            authorization: authorization.to_owned(),
            api_key_required,
            integration: Some(it),
        },
    );
    proptest::collection::btree_map(key, method, 1..5)
}

fn some_api() -> impl Strategy<Value = RestApi> {
    let endpoint = prop_oneof![
        Just(Endpoint::Edge),
        Just(Endpoint::Regional),
        Just(Endpoint::Private)
    ];
    let statements = proptest::collection::btree_set("[A-Z]{1,4}/[a-z*]{1,5}", 1..4);
    let types = proptest::collection::btree_set(words().prop_map(|it| format!("image/{it}")), 0..3);
    let vpc_endpoints =
        proptest::collection::btree_set(words().prop_map(|it| format!("vpce-{it}")), 0..3);
    let fields = (words(), "[ -~]{0,20}", endpoint, vpc_endpoints, types);
    let more = (
        proptest::option::of(0_u32..1000),
        any::<bool>(),
        any::<bool>(),
        statements,
        some_methods(),
    );
    (fields, more).prop_map(|(fields, more)| {
        let (name, description, endpoint, vpc_endpoints, binary_media_types) = fields;
        let (minimum_compression, disable_execute_api, by_authorizer, resources, methods) = more;
        let statements = resources
            .iter()
            .map(|it| invoke(STACK, "111111111111", &format!("execute-api:/prod/{it}")));
        RestApi {
            name,
            description: description.trim().to_owned(),
            vpc_endpoints: if endpoint == Endpoint::Private {
                vpc_endpoints
            } else {
                BTreeSet::new()
            },
            endpoint,
            binary_media_types,
            minimum_compression,
            disable_execute_api,
            api_key_source: if by_authorizer {
                "AUTHORIZER"
            } else {
                "HEADER"
            }
            .to_owned(),
            policy: Document::of(statements.collect()),
            methods,
            ..api()
        }
    })
}

async fn have(cloud: &dyn Cloud, wanted: &Wanted) -> Have {
    let record = record(cloud).await;
    let owned = wanted.api.owned;
    fill(cloud, &place(), STACK, &record, owned)
        .await
        .expect("all of it")
}

fn value_of(have: &Have) -> &RestApi {
    RestApi::live(have)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_thing_does_not_differ_from_itself(api in some_api()) {
        let have = Have::of(Resource::RestApi(api.clone()), "id", &Tags::new());
        let want: Want = Wanted::of(api.clone()).api;
        prop_assert!(Kind::differences(&api, &want, &have).is_empty());
    }

    #[test]
    fn a_document_reads_back_as_the_methods_it_was_written_from(api in some_api()) {
        prop_assert_eq!(openapi::methods(&openapi::encode(&api, &api.policy)), api.methods);
    }

    #[test]
    fn what_is_read_is_what_was_written(first in some_api(), second in some_api()) {
        run(async {
            let (cloud, wanted) = applied(first.clone()).await;
            let there = have(&cloud, &wanted).await;
            let live = value_of(&there);
            let policy = normal(&live.policy);
            assert_eq!(policy, normal(&first.policy));
            assert_eq!(live, &RestApi { policy: live.policy.clone(), ..first });
            assert_eq!(wanted.writes(&cloud).await, [""; 0]);
            // And from anything to anything else.
            let wanted = Wanted::of(second);
            wanted.apply(&cloud).await.expect("applied");
            assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
        });
    }
}
