//! What the tests of APIs and stages share: a small engine on the sandbox.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use crate::cloud::apigateway::{AccessLog, IntegrationRecord};
use crate::cloud::sandbox::Habits;
use crate::cloud::{CallError, Cloud, Sandbox, Seam, Service};
use crate::kinds::rest_api::method::{AWS_IAM, Method, key, normal};
use crate::kinds::{Context, Have, Ids, Resource, RestApi, Stage, Want};
use crate::model::tags::short_hash;
use crate::model::{AccountId, Address, KindName, Place, Region, Tags};
use crate::policy::{Clause, Document, PrincipalClause, Statement, own};
use crate::stack::{Endpoint, LogLevel};

pub(crate) const STACK: &str = "shop";

pub(crate) fn place() -> Place {
    Place {
        account: "orders".to_owned(),
        id: AccountId::parse("333333333333").expect("an id"),
        region: Region::parse("eu-west-1").expect("a region"),
    }
}

pub(crate) fn address() -> Address {
    Address::new(KindName::RestApi, "orders")
}

pub(crate) fn stage_address() -> Address {
    Address::new(KindName::Stage, "orders.prod")
}

/// Runs on a paused clock.
pub(crate) fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(test)
}

pub(crate) fn sandbox() -> Sandbox {
    let ids = ["111111111111", "333333333333"].map(|it| AccountId::parse(it).expect("an id"));
    Sandbox::in_memory(&ids).with(Habits {
        propagation: std::time::Duration::ZERO,
        rates: false,
        ..Habits::default()
    })
}

pub(crate) fn method(authorization: &str, uri: &str) -> Method {
    Method {
        more: BTreeMap::new(),
        authorization: authorization.to_owned(),
        api_key_required: false,
        integration: Some(normal(IntegrationRecord {
            kind: "HTTP_PROXY".to_owned(),
            http_method: Some("GET".to_owned()),
            uri: Some(uri.to_owned()),
            ..IntegrationRecord::default()
        })),
    }
}

/// A statement of a stack: `principal` may call one route.
pub(crate) fn invoke(stack: &str, principal: &str, resource: &str) -> Statement {
    Statement::allow(
        own::sid(
            stack,
            &format!("invoke {} {principal}", short_hash(resource)),
        ),
        Clause::of(["execute-api:Invoke"]),
    )
    .to(PrincipalClause::aws([principal]))
    .on([resource])
}

pub(crate) fn api() -> RestApi {
    RestApi {
        version: None,
        updating: false,
        owes: BTreeSet::new(),
        name: "orders".to_owned(),
        existing: None,
        description: "Orders.".to_owned(),
        endpoint: Endpoint::Regional,
        vpc_endpoints: BTreeSet::new(),
        binary_media_types: BTreeSet::new(),
        minimum_compression: None,
        api_key_source: "HEADER".to_owned(),
        disable_execute_api: false,
        policy: Document::of(vec![invoke(
            STACK,
            "111111111111",
            "execute-api:/prod/GET/orders",
        )]),
        methods: BTreeMap::from([
            (
                key("GET", "/orders"),
                method(AWS_IAM, "https://b.example.com/orders"),
            ),
            (
                key("ANY", "/orders/{id}"),
                method(AWS_IAM, "https://b.example.com/order"),
            ),
        ]),
        public: BTreeSet::new(),
        source: None,
        source_digest: None,
        closed_stage: None,
        tags: Tags::from([("team".to_owned(), "orders".to_owned())]),
    }
}

pub(crate) fn stage_of(api: &RestApi, exclusive: bool) -> Stage {
    Stage {
        api: address(),
        existing: api.existing.is_some(),
        name: "prod".to_owned(),
        description: String::new(),
        variables: BTreeMap::from([("colour".to_owned(), "blue".to_owned())]),
        tracing: false,
        rate: None,
        burst: None,
        log_level: LogLevel::Off,
        data_trace: false,
        metrics: false,
        access_log: None,
        cache: BTreeMap::new(),
        surface: api.surface_digest(exclusive),
        methods: RestApi::digest_of_methods(&api.methods),
        policy: String::new(),
        deployed: api
            .methods
            .iter()
            .map(|(key, it)| (key.clone(), it.authorization.clone()))
            .collect(),
        public: api.public.clone(),
        superseded: BTreeSet::new(),
        outdated: false,
        current: false,
        serves: None,
        listed: String::new(),
        tags: Tags::new(),
    }
}

/// A stage with every setting.
pub(crate) fn full(mut stage: Stage) -> Stage {
    "The one.".clone_into(&mut stage.description);
    stage.tracing = true;
    stage.rate = Some(50.5);
    stage.burst = Some(20);
    stage.log_level = LogLevel::Error;
    stage.metrics = true;
    stage.access_log = Some(AccessLog {
        destination: "arn:aws:logs:eu-west-1:333333333333:log-group:calls".to_owned(),
        format: "$context.requestId".to_owned(),
    });
    stage
}

/// What a stack wants of one API and its stage.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) stack: &'static str,
    pub(crate) api: Want,
    pub(crate) stage: Want,
}

impl Wanted {
    pub(crate) fn of(api: &RestApi) -> Self {
        let stage = stage_of(api, false);
        Self::with(api, stage, false)
    }

    pub(crate) fn exclusive(api: &RestApi) -> Self {
        let stage = stage_of(api, true);
        Self::with(api, stage, true)
    }

    pub(crate) fn with(api: &RestApi, stage: Stage, exclusive: bool) -> Self {
        let want = |resource: Resource| Want {
            owned: api.existing.is_none(),
            exclusive,
            ..Want::of(STACK, place(), resource)
        };
        Self {
            stack: STACK,
            stage: want(Resource::Stage(stage)),
            api: want(Resource::RestApi(api.clone())),
        }
    }

    async fn read(&self, cloud: &dyn Cloud, ids: &Ids) -> Result<[Option<Have>; 2], CallError> {
        let (address, stage_address) = (address(), stage_address());
        let cx = self.context(cloud, &address, ids);
        let api = self.api.resource.read(&self.api, &cx).await?;
        if let Some(have) = &api {
            ids.borrow_mut().insert(address.clone(), have.id.clone());
        }
        let cx = self.context(cloud, &stage_address, ids);
        let stage = self.stage.resource.read(&self.stage, &cx).await?;
        Ok([api, stage])
    }

    fn context<'a>(
        &'a self,
        cloud: &'a dyn Cloud,
        address: &'a Address,
        ids: &'a Ids,
    ) -> Context<'a> {
        Context {
            cloud,
            stack: self.stack,
            address,
            ids,
            closed: None,
        }
    }

    /// What differs, as `field: detail` or `field`.
    pub(crate) async fn plan(&self, cloud: &dyn Cloud) -> Result<Vec<String>, CallError> {
        let ids = Ids::default();
        let haves = self.read(cloud, &ids).await?;
        let mut lines = Vec::new();
        for (want, have) in [&self.api, &self.stage].into_iter().zip(haves) {
            let Some(have) = have else {
                lines.push(format!("+ {}", want.resource.kind().singular()));
                continue;
            };
            for change in want.resource.differences(want, &have).into_changes() {
                if change.details.is_empty() {
                    lines.push(change.field.clone());
                }
                let details = change.details.iter();
                lines
                    .extend(details.map(|it| format!("{}: {} {}", change.field, it.sign, it.text)));
            }
        }
        Ok(lines)
    }

    /// Makes it so, as the engine does: reads everything first, then writes what differs.
    pub(crate) async fn apply(&self, cloud: &dyn Cloud) -> Result<(), CallError> {
        let ids = Ids::default();
        let haves = self.read(cloud, &ids).await?;
        let steps = [
            (&self.api, address(), &haves[0]),
            (&self.stage, stage_address(), &haves[1]),
        ];
        for (want, address, have) in steps {
            let cx = self.context(cloud, &address, &ids);
            let mut have = have.as_ref();
            if let Some(there) = have {
                let differences = want.resource.differences(want, there);
                if differences.is_empty() {
                    continue;
                }
                if differences.replaces() {
                    there.resource.remove(&want.place, there, &cx).await?;
                    have = None;
                }
            }
            let id = want.resource.exist(want, have, &cx).await?;
            ids.borrow_mut().insert(address.clone(), id);
            want.resource.settle(want, have, &cx).await?;
        }
        Ok(())
    }

    /// Removes what is there: the stage first.
    pub(crate) async fn destroy(&self, cloud: &dyn Cloud) -> Result<(), CallError> {
        let ids = Ids::default();
        let [api, stage] = self.read(cloud, &ids).await?;
        let (address, stage_address) = (address(), stage_address());
        for (have, address) in [(stage, &stage_address), (api, &address)] {
            if let Some(have) = have {
                let cx = self.context(cloud, address, &ids);
                have.resource.remove(&place(), &have, &cx).await?;
            }
        }
        Ok(())
    }

    /// Applies, and gives the actions of the writes that took.
    pub(crate) async fn writes(&self, cloud: &dyn Cloud) -> Vec<&'static str> {
        let seam = Seam::around(cloud);
        self.apply(&seam).await.expect("applied");
        let writes = seam.records().into_iter().filter(|it| it.writes);
        writes
            .inspect(|it| assert_eq!(it.service, Service::ApiGateway))
            .map(|it| it.action)
            .collect()
    }
}
