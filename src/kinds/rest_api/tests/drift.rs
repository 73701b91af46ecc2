//! What others did to an API.

use super::*;

#[test]
fn what_a_stranger_opened_is_closed_in_the_api_and_in_the_stage() {
    run(async {
        let (cloud, wanted) = applied(&api()).await;
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
        let body = openapi::encode(&tampered, &tampered.policy, None).to_string();
        let it = PutRestApi {
            id: record.id.clone(),
            overwrite: true,
            fail_on_warnings: false,
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
        let (cloud, wanted) = applied(&api()).await;
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

#[test]
fn a_role_made_anew_gets_its_access_back_in_the_policy_and_in_the_stage() {
    run(async {
        let cloud = sandbox();
        make_role(&cloud).await;
        let wanted = Wanted::of(&api_for_role());
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
fn a_dead_principal_of_a_foreign_statement_does_not_stop_us() {
    run(async {
        let cloud = sandbox();
        make_role(&cloud).await;
        let wanted = Wanted::of(&api());
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
        Wanted::of(&changed).apply(&cloud).await.expect("applied");
        let kept = policy_of(&cloud).await.statements.remove(0);
        let principal = kept.principal.expect("somebody");
        assert_eq!(principal.aws_values(), ["arn:aws:iam::111111111111:root"]);
    });
}
