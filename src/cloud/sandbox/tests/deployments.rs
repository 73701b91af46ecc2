//! Deployments and stages.

use super::apigateway::{create_api, document, put, signed};
use super::*;
use crate::cloud::apigateway::{
    CreateDeployment, CreateRestApi, DeleteDeployment, DeleteStage, GetDeployment, GetDeployments,
    GetStages, Patch, StageRecord, TagApi, UpdateRestApi, UpdateStage,
};

fn deploy(id: &str, description: &str) -> CreateDeployment {
    CreateDeployment {
        id: id.to_owned(),
        stage: "prod".to_owned(),
        description: description.to_owned(),
        variables: tags([("backend", "blue")]),
    }
}

/// Makes an API with one signed method and deploys it to `prod`; gives its id.
pub(super) async fn deployed(bench: &Bench, api: CreateRestApi) -> String {
    let id = bench.ok(ORDERS, api).await.id;
    let body = document(json!({ "/a": { "get": signed() } }));
    bench.ok(ORDERS, put(&id, false, &body)).await;
    bench.ok(ORDERS, deploy(&id, "first")).await;
    id
}

async fn stages(bench: &Bench, id: &str) -> Vec<StageRecord> {
    bench.ok(ORDERS, GetStages { id: id.to_owned() }).await
}

fn update(id: &str, patches: Vec<Patch>) -> UpdateStage {
    UpdateStage {
        id: id.to_owned(),
        stage: "prod".to_owned(),
        patches,
    }
}

#[test]
fn an_api_has_ten_stages_at_most() {
    run(async {
        let bench = Bench::quick();
        let id = deployed(&bench, create_api("x")).await;
        let stage = |number: usize| CreateDeployment {
            stage: format!("s{number}"),
            ..deploy(&id, "more")
        };
        for number in 1..10 {
            bench.ok(ORDERS, stage(number)).await;
        }
        let error = bench.refused(ORDERS, stage(10)).await;
        assert_eq!(error.fault, Fault::Quota);
        // A stage that is there gets another deployment.
        bench.ok(ORDERS, stage(9)).await;
        assert_eq!(stages(&bench, &id).await.len(), 10);
    });
}

#[test]
fn an_api_without_methods_or_with_one_that_does_nothing_is_not_deployed() {
    run(async {
        let bench = Bench::quick();
        let id = bench.ok(ORDERS, create_api("orders")).await.id;
        let error = bench.refused(ORDERS, deploy(&id, "")).await;
        assert_eq!(error.message, "The REST API doesn't contain any methods");
        let idle = document(json!({ "/a": { "get": {} } }));
        bench.ok(ORDERS, put(&id, false, &idle)).await;
        let error = bench.refused(ORDERS, deploy(&id, "")).await;
        assert_eq!(error.message, "No integration defined for method");
        assert!(stages(&bench, &id).await.is_empty());
    });
}

#[test]
fn a_private_api_is_not_deployed_without_a_policy() {
    run(async {
        let bench = Bench::quick();
        let private = CreateRestApi {
            endpoint_type: "PRIVATE".to_owned(),
            ..create_api("orders")
        };
        let id = bench.ok(ORDERS, private).await.id;
        let body = document(json!({ "/a": { "get": signed() } }));
        bench.ok(ORDERS, put(&id, false, &body)).await;
        let error = bench.refused(ORDERS, deploy(&id, "")).await;
        assert!(error.message.contains("doesn't have a resource policy"));
    });
}

#[test]
fn a_change_is_inert_until_it_is_deployed_again() {
    run(async {
        let bench = Bench::quick();
        let id = deployed(&bench, create_api("orders")).await;
        let first = stages(&bench, &id).await.remove(0);
        assert_eq!(first.variables, tags([("backend", "blue")]));
        let body = document(json!({ "/b": { "get": signed() } }));
        bench.ok(ORDERS, put(&id, true, &body)).await;
        let served = || async {
            let stage = stages(&bench, &id).await.remove(0);
            let get = GetDeployment {
                id: id.clone(),
                deployment: stage.deployment,
            };
            let summary = bench.ok(ORDERS, get).await.summary;
            summary.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(served().await, ["/a"]);
        let second = bench.ok(ORDERS, deploy(&id, "second")).await;
        assert_eq!(served().await, ["/b"]);
        assert_eq!(stages(&bench, &id).await[0].deployment, second.id);
        assert_ne!(first.deployment, second.id);
    });
}

#[test]
fn a_deployment_says_how_each_of_its_methods_is_authorized() {
    run(async {
        let bench = Bench::quick();
        let id = deployed(&bench, create_api("orders")).await;
        let all = GetDeployments {
            id: id.clone(),
            position: None,
        };
        let listed = bench.ok(ORDERS, all).await.items;
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].description.as_deref(), Some("first"));
        assert!(listed[0].summary.is_empty());
        let get = GetDeployment {
            id,
            deployment: listed[0].id.clone(),
        };
        let summary = bench.ok(ORDERS, get).await.summary;
        assert_eq!(summary["/a"], tags([("GET", "AWS_IAM")]));
    });
}

#[test]
fn a_deployment_that_a_stage_serves_is_not_deleted() {
    run(async {
        let bench = Bench::quick();
        let id = deployed(&bench, create_api("orders")).await;
        let first = stages(&bench, &id).await[0].deployment.clone();
        let delete = || DeleteDeployment {
            id: id.clone(),
            deployment: first.clone(),
        };
        assert_fault(
            &bench.refused(ORDERS, delete()).await,
            Fault::Conflict,
            "BadRequestException",
            "Active stages pointing to this deployment must be moved or deleted",
        );
        bench.ok(ORDERS, deploy(&id, "second")).await;
        bench.ok(ORDERS, delete()).await;
        assert_eq!(bench.refused(ORDERS, delete()).await.fault, Fault::Missing);
        let back = update(&id, vec![Patch::replace("/deploymentId", &first)]);
        let error = bench.refused(ORDERS, back).await;
        assert_fault(
            &error,
            Fault::Missing,
            "BadRequestException",
            "Deployment id does not exist",
        );
    });
}

#[test]
fn a_setting_is_filled_with_the_accounts_limits_when_any_of_it_is_set() {
    run(async {
        let bench = Bench::quick();
        let id = deployed(&bench, create_api("orders")).await;
        assert!(stages(&bench, &id).await[0].methods.is_empty());
        let level = Patch::replace("/*/*/logging/loglevel", "ERROR");
        bench.ok(ORDERS, update(&id, vec![level])).await;
        let settings = stages(&bench, &id).await[0].methods["*/*"].clone();
        assert_eq!(settings.logging.as_deref(), Some("ERROR"));
        assert_eq!(settings.rate, Some(10_000.0));
        assert_eq!(settings.burst, Some(5000));
        assert!(!settings.data_trace && !settings.metrics);
        let more = vec![
            Patch::replace("/~1a/GET/throttling/rateLimit", "2.5"),
            Patch::replace("/~1a/GET/throttling/burstLimit", "5"),
        ];
        bench.ok(ORDERS, update(&id, more)).await;
        let stage = stages(&bench, &id).await.remove(0);
        assert_eq!(stage.methods["~1a/GET"].rate, Some(2.5));
        let none = Patch::remove("/*/*", None);
        bench.ok(ORDERS, update(&id, vec![none.clone()])).await;
        assert_eq!(
            bench.refused(ORDERS, update(&id, vec![none])).await.fault,
            Fault::Invalid
        );
        assert_eq!(stages(&bench, &id).await[0].methods.len(), 1);
    });
}

#[test]
fn a_stage_is_patched_whole_or_not_at_all() {
    run(async {
        let bench = Bench::quick();
        let id = deployed(&bench, create_api("orders")).await;
        let logs = "arn:aws:logs:eu-west-1:333333333333:log-group:orders";
        let right = vec![
            Patch::replace("/description", "the real one"),
            Patch::replace("/variables/backend", "green"),
            Patch::replace("/tracingEnabled", "true"),
            Patch::replace("/accessLogSettings/destinationArn", logs),
            Patch::replace("/accessLogSettings/format", "$context.requestId"),
        ];
        bench.ok(ORDERS, update(&id, right)).await;
        let stage = stages(&bench, &id).await.remove(0);
        assert_eq!(stage.description.as_deref(), Some("the real one"));
        assert_eq!(stage.variables, tags([("backend", "green")]));
        assert!(stage.tracing);
        assert_eq!(
            stage.access_log.as_ref().map(|it| it.destination.as_str()),
            Some(logs)
        );
        for wrong in [
            Patch::replace("/tags/a", "b"),
            Patch::replace("/variables/backend", "no spaces"),
            Patch::replace("/*/*/logging/loglevel", "LOUD"),
            Patch::replace("/accessLogSettings/destinationArn", "logs"),
            Patch::add("/description", Some("x".to_owned())),
        ] {
            let patches = vec![Patch::replace("/description", "half"), wrong];
            let error = bench.refused(ORDERS, update(&id, patches)).await;
            assert_eq!(error.fault, Fault::Invalid);
        }
        assert_eq!(stages(&bench, &id).await[0], stage);
        let none = vec![
            Patch::replace("/description", ""),
            Patch::remove("/variables/backend", None),
            Patch::remove("/accessLogSettings", None),
        ];
        bench.ok(ORDERS, update(&id, none)).await;
        let stage = stages(&bench, &id).await.remove(0);
        assert_eq!((stage.description, stage.access_log), (None, None));
    });
}

#[test]
fn a_stage_has_tags_of_its_own_and_goes_alone() {
    run(async {
        let bench = Bench::quick();
        let id = deployed(&bench, create_api("orders")).await;
        let tag = TagApi {
            arn: format!("arn:aws:apigateway:eu-west-1::/restapis/{id}/stages/prod"),
            tags: tags([("a", "1")]),
        };
        bench.ok(ORDERS, tag).await;
        assert_eq!(stages(&bench, &id).await[0].tags, tags([("a", "1")]));
        // Deploying again touches neither tags nor variables.
        let again = CreateDeployment {
            variables: Tags::new(),
            ..deploy(&id, "second")
        };
        bench.ok(ORDERS, again).await;
        let stage = stages(&bench, &id).await.remove(0);
        assert_eq!(stage.tags, tags([("a", "1")]));
        assert_eq!(stage.variables, tags([("backend", "blue")]));
        let delete = || DeleteStage {
            id: id.clone(),
            stage: "prod".to_owned(),
        };
        bench.ok(ORDERS, delete()).await;
        assert_eq!(bench.refused(ORDERS, delete()).await.fault, Fault::Missing);
        let rename = UpdateRestApi {
            id,
            patches: vec![Patch::replace("/name", "still-there")],
        };
        bench.ok(ORDERS, rename).await;
    });
}
