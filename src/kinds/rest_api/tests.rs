//! Whole conversations with the sandbox.

mod document;
mod drift;
mod existing;
mod interrupted;
mod laws;

use std::collections::{BTreeMap, BTreeSet};

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

async fn applied(api: &RestApi) -> (Sandbox, Wanted) {
    let cloud = sandbox();
    let wanted = Wanted::of(api);
    wanted.apply(&cloud).await.expect("applied");
    (cloud, wanted)
}

#[test]
fn an_api_with_its_stage_is_made_in_four_calls() {
    run(async {
        let cloud = sandbox();
        let wanted = Wanted::of(&api());
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
        let (cloud, wanted) = applied(&api()).await;
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
        let (cloud, _) = applied(&api()).await;
        let mut changed = api();
        changed.policy.statements.push(invoke(
            STACK,
            "111111111111",
            "execute-api:/prod/GET/orders/*",
        ));
        let wanted = Wanted::of(&changed);
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
        let (cloud, _) = applied(&first).await;
        add_foreign(&cloud).await;
        let mut changed = first;
        changed.methods.insert(
            key("POST", "/orders"),
            method(AWS_IAM, "https://b.example.com/new"),
        );
        changed.methods.remove(&key("ANY", "/orders/{id}"));
        let wanted = Wanted::of(&changed);
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
        let (cloud, wanted) = applied(&api()).await;
        add_foreign(&cloud).await;
        assert_eq!(wanted.writes(&cloud).await, [""; 0]);
        let exclusive = Wanted::exclusive(&api());
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
        let wanted = Wanted::of(&api());
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
        let (cloud, _) = applied(&first).await;
        let mut changed = api();
        changed.description = String::new();
        changed.name = "orders-2".to_owned();
        changed.endpoint = Endpoint::Private;
        changed.vpc_endpoints = BTreeSet::from(["vpce-1".to_owned(), "vpce-2".to_owned()]);
        changed.binary_media_types = BTreeSet::from(["application/zip".to_owned()]);
        changed.minimum_compression = Some(0);
        changed.disable_execute_api = true;
        let wanted = Wanted::of(&changed);
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
        let wanted = Wanted::of(&api());
        wanted.apply(&cloud).await.expect("applied");
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
    });
}

#[test]
fn a_description_alone_deploys_nothing() {
    run(async {
        let (cloud, _) = applied(&api()).await;
        let mut changed = api();
        changed.description = "All orders.".to_owned();
        assert_eq!(
            Wanted::of(&changed).writes(&cloud).await,
            ["UpdateRestApi", "TagResource"]
        );
    });
}

#[test]
fn an_api_keeps_its_id_whatever_its_endpoint_becomes() {
    use Endpoint::{Edge, Private, Regional};
    for (from, to) in [
        (Edge, Regional),
        (Edge, Private),
        (Regional, Edge),
        (Regional, Private),
        (Private, Regional),
        (Private, Edge),
    ] {
        run(async {
            let of = |endpoint: Endpoint| {
                let mut api = api();
                api.endpoint = endpoint;
                if endpoint == Private {
                    api.vpc_endpoints = BTreeSet::from(["vpce-1".to_owned()]);
                }
                api
            };
            let (cloud, _) = applied(&of(from)).await;
            let old = record(&cloud).await.id;
            let wanted = Wanted::of(&of(to));
            wanted.apply(&cloud).await.expect("applied");
            let now = record(&cloud).await;
            assert_eq!(
                (now.id, now.endpoint_type.as_str()),
                (old, to.as_str()),
                "{from:?} to {to:?}"
            );
            assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
        });
    }
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
