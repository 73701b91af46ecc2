//! An API that something else deploys.

use super::*;

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
    let body = openapi::encode(&other, &other.policy, None).to_string();
    let it = PutRestApi {
        id: id.clone(),
        overwrite: true,
        fail_on_warnings: false,
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
    let mut wanted = Wanted::of(&RestApi {
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
fn a_withdrawal_that_was_interrupted_is_finished_by_the_next() {
    run(async {
        let undisturbed = sandbox();
        let id = theirs(&undisturbed).await;
        existing(&id, STACK)
            .apply(&undisturbed)
            .await
            .expect("applied");
        let seam = Seam::around(&undisturbed);
        existing(&id, STACK)
            .destroy(&seam)
            .await
            .expect("destroyed");
        for k in 1..=seam.sent() {
            let cloud = sandbox();
            let id = theirs(&cloud).await;
            let wanted = existing(&id, STACK);
            wanted.apply(&cloud).await.expect("applied");
            let seam = Seam::around(&cloud).failing([FaultRule::at(k, Trouble::StopAfter)]);
            let _ = wanted.destroy(&seam).await;
            wanted.destroy(&cloud).await.expect("destroyed");
            let picture = cloud.picture().to_string();
            let clean = !picture.contains("Provision") && !picture.contains("provision ");
            assert!(clean, "at {k}: {picture}");
        }
    });
}

/// The owner deployed last, with a tool that writes no note: nothing that is served says whose statements it holds.
#[test]
fn statements_that_the_owner_deployed_are_withdrawn_wherever_the_run_is_stopped() {
    run(async {
        let lent = async |cloud: &Sandbox| {
            let id = theirs(cloud).await;
            let wanted = existing(&id, STACK);
            wanted.apply(cloud).await.expect("applied");
            let it = CreateDeployment {
                id,
                stage: "prod".to_owned(),
                description: "by hand".to_owned(),
                variables: BTreeMap::new(),
            };
            call(cloud, &place(), it).await.expect("deployed");
            wanted
        };
        let undisturbed = sandbox();
        let wanted = lent(&undisturbed).await;
        let seam = Seam::around(&undisturbed);
        wanted.destroy(&seam).await.expect("destroyed");
        for k in 1..=seam.sent() {
            let cloud = sandbox();
            let wanted = lent(&cloud).await;
            let seam = Seam::around(&cloud).failing([FaultRule::at(k, Trouble::StopAfter)]);
            let _ = wanted.destroy(&seam).await;
            wanted.destroy(&cloud).await.expect("destroyed");
            let picture = cloud.picture().to_string();
            let served = format!("{:?}", cloud.apis());
            assert!(!served.contains("Provision"), "at {k}: {served}");
            assert!(!picture.contains("provision:"), "at {k}: {picture}");
            let seam = Seam::around(&cloud);
            wanted.destroy(&seam).await.expect("nothing to do");
            assert!(seam.records().iter().all(|it| !it.writes), "at {k}");
        }
    });
}
