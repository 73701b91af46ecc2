//! Stages on the sandbox.

use proptest::prelude::*;

use super::*;
use crate::cloud::apigateway::{CreateDeployment, MethodSettings, Patch};
use crate::cloud::seam::{FaultRule, Trouble};
use crate::cloud::{Sandbox, Seam, Service, call};
use crate::kinds::rest_api::testing::*;

async fn applied(stage: Stage) -> (Sandbox, Wanted) {
    let cloud = sandbox();
    let wanted = Wanted::with(&api(), stage, false);
    wanted.apply(&cloud).await.expect("applied");
    (cloud, wanted)
}

fn plain() -> Stage {
    stage_of(&api(), false)
}

async fn read(cloud: &dyn Cloud, stage: &Stage) -> Have {
    let records = rest_api::read_all(cloud, &place())
        .await
        .expect("a listing");
    let record = rest_api::marked(&records, STACK, &address()).expect("ours");
    let stages = read_all(cloud, &place(), STACK, record, &address(), Some(stage)).await;
    stages.expect("stages").into_iter().next().expect("one")
}

async fn deployments(cloud: &dyn Cloud, api: &str) -> Vec<DeploymentRecord> {
    let ask = |position| GetDeployments {
        id: api.to_owned(),
        position,
    };
    let found = cloud::all_pages(cloud, &place(), ask).await;
    found.expect("a listing")
}

#[test]
fn a_stage_with_settings_takes_one_call_more() {
    run(async {
        let cloud = sandbox();
        let wanted = Wanted::with(&api(), full(plain()), false);
        assert_eq!(
            wanted.writes(&cloud).await,
            [
                "CreateRestApi",
                "PutRestApi",
                "CreateDeployment",
                "UpdateStage",
                "TagResource"
            ]
        );
        assert_eq!(wanted.writes(&cloud).await, [""; 0]);
    });
}

#[test]
fn changed_settings_are_one_call_and_no_deployment() {
    run(async {
        let (cloud, _) = applied(full(plain())).await;
        let mut changed = plain();
        changed.variables = BTreeMap::from([("size".to_owned(), "2".to_owned())]);
        let wanted = Wanted::with(&api(), changed, false);
        let plan = wanted.plan(&cloud).await.expect("a plan");
        assert_eq!(
            plan,
            [
                "description",
                "tracing",
                "rate",
                "burst",
                "log_level",
                "metrics",
                "access_log",
                "variables: + size = 2",
                "variables: - colour = blue",
            ]
        );
        assert_eq!(wanted.writes(&cloud).await, ["UpdateStage", "TagResource"]);
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
    });
}

#[test]
fn a_throttle_that_leaves_the_stack_is_removed_and_the_rest_stays() {
    run(async {
        let (cloud, _) = applied(full(plain())).await;
        let mut lifted = full(plain());
        (lifted.rate, lifted.burst) = (None, None);
        let wanted = Wanted::with(&api(), lifted.clone(), false);
        let seam = Seam::around(&cloud);
        wanted.apply(&seam).await.expect("applied");
        let live = read(&cloud, &plain()).await;
        let live = Stage::live(&live);
        let patches = settings::patches(&lifted, Some(&full(plain())));
        assert_eq!(patches[0], Patch::remove("/*/*", None));
        assert_eq!(
            (live.rate, live.burst, live.log_level, live.metrics),
            (None, None, LogLevel::Error, true)
        );
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
        // Nothing else was set: nothing is left of the entry, the account's limits are not pinned.
        let bare = Stage {
            rate: Some(5.0),
            ..plain()
        };
        let (cloud, _) = applied(bare).await;
        let wanted = Wanted::with(&api(), plain(), false);
        wanted.apply(&cloud).await.expect("applied");
        let id = read(&cloud, &plain()).await.id;
        let call = GetStages {
            id: api_of(&id).to_owned(),
        };
        let stages = cloud::call(&cloud, &place(), call).await.expect("stages");
        assert!(stages[0].methods.is_empty(), "{:?}", stages[0].methods);
    });
}

#[test]
fn the_settings_of_a_cache_stay_when_a_throttle_is_lifted() {
    run(async {
        let (cloud, _) = applied(full(plain())).await;
        let id = read(&cloud, &plain()).await.id;
        let of_cache = [
            ("enabled", "true"),
            ("ttlInSeconds", "60"),
            ("dataEncrypted", "true"),
            ("requireAuthorizationForCacheControl", "false"),
            ("unauthorizedCacheControlHeaderStrategy", "FAIL_WITH_403"),
        ];
        let set = UpdateStage {
            id: api_of(&id).to_owned(),
            stage: plain().name,
            patches: of_cache
                .map(|(name, value)| Patch::replace(format!("/*/*/caching/{name}"), value))
                .to_vec(),
        };
        call(&cloud, &place(), set).await.expect("set by hand");
        let mut lifted = full(plain());
        (lifted.rate, lifted.burst) = (None, None);
        let wanted = Wanted::with(&api(), lifted, false);
        wanted.apply(&cloud).await.expect("applied");
        let live = read(&cloud, &plain()).await;
        let live = Stage::live(&live);
        assert_eq!((live.rate, live.burst), (None, None));
        let kept = live.cache.iter().map(|(name, value)| {
            let name = name
                .strip_prefix("caching/")
                .expect("a setting of the cache");
            (name, value.as_str())
        });
        let sorted = |mut it: Vec<_>| {
            it.sort_unstable();
            it
        };
        assert_eq!(sorted(kept.collect()), sorted(of_cache.to_vec()));
    });
}

#[test]
fn a_stage_has_its_settings_before_it_serves_a_new_deployment() {
    run(async {
        let (cloud, _) = applied(plain()).await;
        let mut api = api();
        api.methods.pop_last();
        let wanted = Wanted::with(&api, full(stage_of(&api, false)), false);
        let writes = wanted.writes(&cloud).await;
        let at = |name| writes.iter().position(|it| *it == name).expect(name);
        assert!(at("UpdateStage") < at("CreateDeployment"), "{writes:?}");
    });
}

#[test]
fn tags_of_a_stage_are_added_and_taken_away_and_a_strangers_tag_stays() {
    run(async {
        let mut first = plain();
        first.tags = Tags::from([("team".to_owned(), "a".to_owned())]);
        let (cloud, _) = applied(first).await;
        let handle = read(&cloud, &plain()).await.id;
        let arn = arn(&place(), api_of(&handle), "prod");
        let tags = Tags::from([("theirs".to_owned(), "1".to_owned())]);
        call(&cloud, &place(), TagApi { arn, tags })
            .await
            .expect("tagged");
        let wanted = Wanted::with(&api(), plain(), false);
        assert_eq!(
            wanted.plan(&cloud).await.expect("a plan"),
            ["tags: - team = a"]
        );
        assert_eq!(
            wanted.writes(&cloud).await,
            ["UntagResource", "TagResource"]
        );
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
        let have = read(&cloud, &plain()).await;
        assert_eq!(have.resource.tags().keys().collect::<Vec<_>>(), ["theirs"]);
    });
}

#[test]
fn a_stage_that_was_never_tagged_is_ours_by_its_deployment() {
    run(async {
        let cloud = sandbox();
        let wanted = Wanted::with(&api(), plain(), false);
        let rule = FaultRule::new(Trouble::StopAfter).on(Service::ApiGateway, "CreateDeployment");
        let seam = Seam::around(&cloud).failing([rule]);
        wanted.apply(&seam).await.expect_err("stopped dead");
        let mark = read(&cloud, &plain()).await.mark.expect("a mark");
        assert_eq!((mark.address, mark.digest), (stage_address(), None));
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), ["mark"]);
        assert_eq!(wanted.writes(&cloud).await, ["TagResource"]);
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
    });
}

#[test]
fn once_deployed_the_api_owes_no_deployment_however_the_plan_came_about() {
    run(async {
        let (cloud, wanted) = applied(plain()).await;
        let mut have = read(&cloud, &plain()).await;
        let id = api_of(&have.id).to_owned();
        let arn = rest_api::arn(&place(), &id);
        let tags = Tags::from([(REDEPLOY.to_owned(), "policy".to_owned())]);
        call(&cloud, &place(), TagApi { arn, tags })
            .await
            .expect("tagged");
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), ["deployment"]);
        // A plan that changes the API as well believes nothing of the stage's surface.
        let Resource::Stage(live) = &mut have.resource else {
            panic!("a stage")
        };
        live.outdated = true;
        live.surface.clear();
        let (stage_address, ids) = (stage_address(), crate::kinds::Ids::default());
        ids.borrow_mut().insert(address(), id);
        let cx = Context {
            cloud: &cloud,
            stack: STACK,
            address: &stage_address,
            ids: &ids,
            closed: None,
        };
        let want = &wanted.stage;
        want.resource
            .exist(want, Some(&have), &cx)
            .await
            .expect("deployed");
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
    });
}

#[test]
fn a_deployment_that_a_crash_left_behind_is_removed() {
    run(async {
        let (cloud, wanted) = applied(plain()).await;
        let have = read(&cloud, &plain()).await;
        let again = |description: &str| CreateDeployment {
            id: api_of(&have.id).to_owned(),
            stage: "prod".to_owned(),
            description: description.to_owned(),
            variables: BTreeMap::new(),
        };
        // One of somebody else's between two of ours.
        call(&cloud, &place(), again("by hand"))
            .await
            .expect("deployed");
        let ours = format!("provision {}", plain().surface);
        call(&cloud, &place(), again(&ours))
            .await
            .expect("deployed");
        let plan = wanted.plan(&cloud).await.expect("a plan");
        assert_eq!(plan.len(), 1);
        assert!(
            plan[0].starts_with("superseded deployments: - "),
            "{plan:?}"
        );
        assert_eq!(wanted.writes(&cloud).await, ["DeleteDeployment"]);
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
        let left = deployments(&cloud, api_of(&have.id)).await;
        assert_eq!(left.len(), 2);
    });
}

#[test]
fn a_deployment_that_another_stage_serves_stays() {
    run(async {
        let (cloud, _) = applied(plain()).await;
        let have = read(&cloud, &plain()).await;
        let api_id = api_of(&have.id).to_owned();
        // Somebody makes a stage of their own, and points it at our deployment.
        let it = CreateDeployment {
            id: api_id.clone(),
            stage: "theirs".to_owned(),
            description: "by hand".to_owned(),
            variables: BTreeMap::new(),
        };
        call(&cloud, &place(), it).await.expect("deployed");
        let serves = Stage::live(&have).serves.clone().expect("a deployment").id;
        let it = UpdateStage {
            id: api_id,
            stage: "theirs".to_owned(),
            patches: vec![Patch::replace("/deploymentId", serves)],
        };
        call(&cloud, &place(), it).await.expect("pointed");
        let mut changed = api();
        changed.minimum_compression = Some(1);
        let writes = Wanted::of(&changed).writes(&cloud).await;
        assert_eq!(
            writes,
            [
                "UpdateRestApi",
                "TagResource",
                "CreateDeployment",
                "TagResource"
            ]
        );
    });
}

#[test]
fn a_stage_under_its_old_name_is_found_and_goes_with_its_deployment() {
    run(async {
        let (cloud, _) = applied(plain()).await;
        let mut renamed = plain();
        "live".clone_into(&mut renamed.name);
        let records = rest_api::read_all(&cloud, &place())
            .await
            .expect("a listing");
        let found = read_all(
            &cloud,
            &place(),
            STACK,
            &records[0],
            &address(),
            Some(&renamed),
        )
        .await;
        let found = found.expect("stages");
        assert_eq!(found.len(), 1);
        let (stage_address, ids) = (stage_address(), crate::kinds::Ids::default());
        let cx = Context {
            cloud: &cloud,
            stack: STACK,
            address: &stage_address,
            ids: &ids,
            closed: None,
        };
        for _ in 0..2 {
            // The second time it is gone, and that is no error.
            found[0]
                .resource
                .remove(&place(), &found[0], &cx)
                .await
                .expect("removed");
        }
        let left = deployments(&cloud, &records[0].id).await;
        assert!(left.is_empty());
    });
}

#[test]
fn settings_for_one_method_are_shown_and_left_alone() {
    run(async {
        let (cloud, wanted) = applied(plain()).await;
        let handle = read(&cloud, &plain()).await.id;
        let it = UpdateStage {
            id: api_of(&handle).to_owned(),
            stage: "prod".to_owned(),
            patches: vec![Patch::replace("/~1orders/GET/throttling/rateLimit", "1")],
        };
        call(&cloud, &place(), it).await.expect("set");
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
        let extras = read(&cloud, &plain()).await.extras;
        assert_eq!(
            extras.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["settings for the method `~1orders/GET` of stage `prod`"]
        );
    });
}

#[test]
fn the_accounts_limits_mean_no_limits_of_the_stage() {
    let record = |rate, burst| StageRecord {
        name: "prod".to_owned(),
        methods: BTreeMap::from([(
            settings::ALL_METHODS.to_owned(),
            MethodSettings {
                rate,
                burst,
                ..MethodSettings::default()
            },
        )]),
        ..StageRecord::default()
    };
    let api = RestApiRecord::default();
    let decode = |record: StageRecord| {
        let seen = Seen {
            stack: STACK,
            api: &api,
            address: &address(),
            existing: false,
            stages: &[],
            deployments: &[],
        };
        let have = seen.decode(&record, None);
        let live = Stage::live(&have);
        (live.rate, live.burst)
    };
    assert_eq!(decode(record(Some(10_000.0), Some(5_000))), (None, None));
    assert_eq!(decode(record(Some(10.0), None)), (Some(10.0), None));
    assert_eq!(settings::rate(Some(10_000.0)), None);
}

#[test]
fn a_group_of_logs_is_known_without_its_star() {
    let log = |destination: &str| AccessLog {
        destination: destination.to_owned(),
        format: "$context.requestId".to_owned(),
    };
    let group = "arn:aws:logs:eu-west-1:333333333333:log-group:calls";
    assert_eq!(
        settings::access_log(log(&format!("{group}:*"))),
        Some(log(group))
    );
    assert_eq!(settings::access_log(log("")), None);
}

#[test]
fn without_a_summary_of_aws_the_digest_is_believed() {
    let mut live = plain();
    live.deployed.clear();
    let want = Wanted::with(&api(), plain(), false).stage;
    assert!(!plain().needs_deployment(&want, &live));
    live.surface = "another".to_owned();
    assert!(plain().needs_deployment(&want, &live));
}

#[test]
fn nothing_is_read_beyond_the_stages_where_none_is_ours() {
    run(async {
        let (cloud, _) = applied(plain()).await;
        let records = rest_api::read_all(&cloud, &place())
            .await
            .expect("a listing");
        let seam = Seam::around(&cloud);
        let found = read_all(&seam, &place(), "another", &records[0], &address(), None).await;
        // Another's stage is told of, and no call is made to know what it serves.
        let found = found.expect("stages");
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].mark.as_ref().map(|it| it.stack.as_str()),
            Some(STACK)
        );
        assert_eq!(seam.records().len(), 1);
    });
}

fn some_stage() -> impl Strategy<Value = Stage> {
    let variables = proptest::collection::btree_map("[a-z]{1,4}", "[a-z0-9]{1,6}", 0..3);
    let tags = proptest::collection::btree_map("[a-z]{1,4}", "[a-z0-9]{0,6}", 0..3);
    let level = prop_oneof![
        Just(LogLevel::Off),
        Just(LogLevel::Error),
        Just(LogLevel::Info)
    ];
    let limits = (
        proptest::option::of(1_u32..9_000),
        proptest::option::of(1_u32..4_000),
    );
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let words = "[A-Za-z][ -~]{0,10}";
    (words, variables, tags, level, limits, flags).prop_map(
        |(
            description,
            variables,
            tags,
            log_level,
            (rate, burst),
            (tracing, data_trace, metrics, logs),
        )| Stage {
            description,
            variables,
            tags,
            log_level,
            rate: rate.map(|it| f64::from(it) / 4.0),
            burst,
            tracing,
            data_trace,
            metrics,
            access_log: if logs { full(plain()).access_log } else { None },
            ..plain()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_read_is_what_was_written(first in some_stage(), second in some_stage()) {
        run(async {
            let (cloud, _) = applied(first.clone()).await;
            let have = read(&cloud, &first).await;
            let live = Stage::live(&have);
            assert!(live.serves.is_some());
            let (serves, listed) = (live.serves.clone(), live.listed.clone());
            assert_eq!(live, &Stage { serves, listed, ..first });
            let wanted = Wanted::with(&api(), second, false);
            wanted.apply(&cloud).await.expect("applied");
            assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
        });
    }

    #[test]
    fn a_thing_does_not_differ_from_itself(stage in some_stage()) {
        let want = Wanted::with(&api(), stage.clone(), false).stage;
        let tags = Mark { stack: STACK.to_owned(), address: stage_address(), digest: Some(String::new()), owned: BTreeSet::new() };
        let have = Have::of(Resource::Stage(stage.clone()), "id/prod", &tags.write(Tags::new()));
        prop_assert!(Kind::differences(&stage, &want, &have).is_empty());
    }
}
