//! Routes and documents to kinds, and that API Gateway takes what comes out.

use serde_json::Value;

use super::*;
use crate::kinds::rest_api::testing::{Wanted, address, place, run, sandbox};
use crate::model::Tags;
use crate::stack::{Endpoint, LogLevel, RoleRef};

const QUEUE: &str = "arn:aws:sqs:eu-west-1:333333333333:jobs";

fn route(text: &str, integration: Integration) -> Route {
    let (method, path) = text.split_once(' ').expect("a method and a path");
    Route {
        key: RouteKey {
            method: method.to_owned(),
            path: path.to_owned(),
        },
        public: false,
        integration,
        timeout_ms: None,
    }
}

fn http_to(url: &str) -> Integration {
    Integration::Http {
        url: url.to_owned(),
        method: None,
    }
}

fn arn(text: &str) -> Arn {
    Arn::parse(text).expect("an ARN")
}

fn queue(name: &str) -> Integration {
    Integration::Sqs {
        queue: QueueRef::Stack(name.to_owned()),
        credentials: RouteRole::OfApi,
    }
}

fn function() -> Integration {
    Integration::Lambda {
        function: arn("arn:aws:lambda:eu-west-1:333333333333:function:create"),
        credentials: RouteRole::OfApi,
    }
}

fn api(surface: Surface) -> stack::Api {
    stack::Api {
        account: "orders".to_owned(),
        name: "orders".to_owned(),
        existing: None,
        description: String::new(),
        endpoint: Endpoint::Regional,
        vpc_endpoints: BTreeSet::new(),
        surface,
        binary_media_types: BTreeSet::new(),
        minimum_compression: None,
        disable_execute_api: false,
        credentials: None,
        stage: stack::Stage {
            name: "prod".to_owned(),
            description: String::new(),
            variables: BTreeMap::new(),
            tracing: false,
            rate: Some(10_000.0),
            burst: Some(7),
            log_level: LogLevel::Off,
            data_trace: false,
            metrics: false,
            access_log: None,
        },
        tags: Tags::new(),
        tls_only: false,
        exclusive: false,
        written_at: BTreeMap::new(),
        document_at: None,
    }
}

fn queue_arn(queue: &QueueRef) -> Arn {
    match queue {
        QueueRef::Stack(name) => arn(&QUEUE.replace("jobs", name)),
        QueueRef::Arn(arn) => arn.clone(),
    }
}

fn lowered(api: &stack::Api) -> RestApi {
    let role = |named: &RouteRole| match named {
        RouteRole::Own(RoleRef::Arn(arn)) => Some(arn.clone()),
        RouteRole::Own(RoleRef::Stack(_)) | RouteRole::OfApi => {
            Some(arn("arn:aws:iam::333333333333:role/calls"))
        }
        RouteRole::None => None,
    };
    rest_api(api, &place(), Vec::new(), role, queue_arn)
}

fn integration(route: Route) -> IntegrationRecord {
    let lowered = lowered(&api(Surface::Routes(vec![route])));
    let method = lowered.methods.into_values().next().expect("a method");
    method.integration.expect("an integration")
}

#[test]
fn a_path_parameter_of_the_url_is_mapped() {
    let made = integration(route(
        "GET /shops/{shop}/files/{rest+}",
        http_to("https://b.example.com/{rest+}?of=all"),
    ));
    assert_eq!(
        made.uri.as_deref(),
        Some("https://b.example.com/{rest}?of=all")
    );
    assert_eq!(made.http_method.as_deref(), Some("GET"));
    assert_eq!(
        made.request_parameters.into_iter().collect::<Vec<_>>(),
        [(
            "integration.request.path.rest".to_owned(),
            "method.request.path.rest".to_owned()
        )]
    );
}

#[test]
fn a_function_is_invoked_by_post_with_the_role() {
    let mut made = route("GET /orders", function());
    made.timeout_ms = Some(3_000);
    let made = integration(made);
    assert_eq!(
        made.uri.as_deref(),
        Some(
            "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/\
             arn:aws:lambda:eu-west-1:333333333333:function:create/invocations"
        )
    );
    assert_eq!(made.http_method.as_deref(), Some("POST"));
    assert_eq!(
        made.credentials.as_deref(),
        Some("arn:aws:iam::333333333333:role/calls")
    );
    assert_eq!(made.timeout_ms, Some(3_000));
}

#[test]
fn a_queue_gets_the_body_and_what_it_refuses_is_no_success() {
    let made = integration(route("POST /jobs", queue("jobs")));
    assert_eq!(
        made.uri.as_deref(),
        Some("arn:aws:apigateway:eu-west-1:sqs:path/333333333333/jobs")
    );
    assert_eq!(made.passthrough.as_deref(), Some("NEVER"));
    assert_eq!(
        made.request_templates["application/json"],
        "Action=SendMessage&MessageBody=$util.urlEncode($input.body)"
    );
    assert_eq!(made.responses["200"].selection, None);
    assert_eq!(
        made.responses["502"].selection.as_deref(),
        Some("[45]\\d{2}")
    );
    let fifo = integration(route("POST /jobs", queue("jobs.fifo")));
    assert!(fifo.request_templates["application/json"].contains("&MessageGroupId="));
}

#[test]
fn every_method_is_signed_unless_its_route_is_public() {
    let mut open = route("GET /health", http_to("https://b.example.com/"));
    open.public = true;
    let options = route("OPTIONS /orders", http_to("https://b.example.com/"));
    let lowered = lowered(&api(Surface::Routes(vec![open, options])));
    let kinds: Vec<_> = lowered
        .methods
        .values()
        .map(|it| it.authorization.as_str())
        .collect();
    assert_eq!(kinds, ["NONE", "AWS_IAM"]);
}

#[test]
fn api_gateway_takes_every_kind_of_route_as_it_is_written() {
    run(async {
        let mut api = api(Surface::Routes(vec![
            route("ANY /", http_to("https://b.example.com/")),
            route("GET /orders/{id}", http_to("https://b.example.com/o/{id}")),
            route(
                "ANY /files/{rest+}",
                http_to("https://b.example.com/{rest}"),
            ),
            route("POST /orders", function()),
            route("POST /jobs", queue("jobs")),
            route("POST /serial", queue("jobs.fifo")),
            route(
                "GET /health",
                Integration::Mock {
                    status: 204,
                    body: None,
                },
            ),
            route(
                "GET /hello",
                Integration::Mock {
                    status: 200,
                    body: Some("{\"hello\": true}".to_owned()),
                },
            ),
        ]));
        api.endpoint = Endpoint::Edge;
        let rest_api = lowered(&api);
        let stage = stage(&api, &address(), &rest_api);
        assert_eq!((stage.rate, stage.burst), (None, Some(7)));
        let wanted = Wanted::with(&rest_api, stage, false);
        let cloud = sandbox();
        wanted.apply(&cloud).await.expect("applied");
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
    });
}

#[test]
fn the_integration_role_may_call_just_its_functions_and_queues() {
    let own = Integration::Sqs {
        queue: QueueRef::Stack("other".to_owned()),
        credentials: RouteRole::Own(RoleRef::Stack("own".to_owned())),
    };
    let api = api(Surface::Routes(vec![
        route("POST /orders", function()),
        route("PUT /orders", function()),
        route("POST /jobs", queue("jobs")),
        route("POST /other", own),
        route("GET /x", http_to("https://b.example.com/")),
    ]));
    let needs = integration_needs(&api, queue_arn);
    assert_eq!(
        needs.into_iter().collect::<Vec<_>>(),
        [
            (
                &["lambda:InvokeFunction"][..],
                "arn:aws:lambda:eu-west-1:333333333333:function:create".to_owned()
            ),
            (&["sqs:SendMessage"][..], QUEUE.to_owned()),
        ]
    );
}

fn document() -> Value {
    json!({
        "swagger": "2.0",
        "info": {"title": "theirs", "version": "1", "description": "By hand."},
        "x-amazon-apigateway-binary-media-types": ["image/png"],
        "x-amazon-apigateway-minimum-compression-size": 10,
        "x-amazon-apigateway-policy": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*",
             "Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}]},
        "paths": {"/a": {"get": {"x-amazon-apigateway-integration": {"type": "http_proxy", "httpMethod": "GET", "uri": "https://b.example.com/"}}}}
    })
}

fn api_of(document: Value) -> crate::stack::Api {
    api(Surface::OpenApi {
        document,
        public: BTreeSet::new(),
        kept: BTreeSet::new(),
    })
}

#[test]
fn a_document_speaks_where_the_stack_says_nothing() {
    let mut api = api(Surface::OpenApi {
        document: document(),
        public: BTreeSet::new(),
        kept: BTreeSet::new(),
    });
    let made = lowered(&api);
    assert_eq!(made.name, "orders");
    assert_eq!(made.description, "By hand.");
    assert_eq!(
        made.binary_media_types,
        BTreeSet::from(["image/png".to_owned()])
    );
    assert_eq!(made.minimum_compression, Some(10));
    assert!(!made.disable_execute_api);
    let off = json!({"disableExecuteApiEndpoint": true});
    let endpoint = "x-amazon-apigateway-endpoint-configuration";
    for place in ["/servers/0", ""] {
        let mut document = document();
        document["servers"] = json!([{"url": "https://b.example.com/"}]);
        document.pointer_mut(place).expect("it is there")[endpoint] = off.clone();
        let switched = api_of(document);
        assert!(lowered(&switched).disable_execute_api, "{place}");
    }
    api.description = "The stack's.".to_owned();
    api.minimum_compression = Some(20);
    let made = lowered(&api);
    assert_eq!(made.description, "The stack's.");
    assert_eq!(made.minimum_compression, Some(20));
}

#[test]
fn a_deny_of_the_documents_policy_is_kept_under_our_name() {
    run(async {
        let api = api(Surface::OpenApi {
            document: document(),
            public: BTreeSet::new(),
            kept: BTreeSet::new(),
        });
        let statements = document_statements(&api, "shop").expect("a policy");
        assert_eq!(statements.len(), 1);
        let sid = statements[0].sid.clone().expect("a Sid");
        assert!(sid.ends_with("Document1"), "{sid}");
        let rest_api = rest_api(&api, &place(), statements, |_| None, queue_arn);
        let stage = stage(&api, &address(), &rest_api);
        let wanted = Wanted::with(&rest_api, stage, false);
        let cloud = sandbox();
        wanted.apply(&cloud).await.expect("applied");
        assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
    });
}

#[test]
fn of_an_existing_api_no_route_is_wanted() {
    let mut existing = api(Surface::Existing {
        public: BTreeSet::from([RouteKey {
            method: "GET".to_owned(),
            path: "/health/".to_owned(),
        }]),
    });
    existing.existing = Some("abc".to_owned());
    let made = lowered(&existing);
    assert!(made.methods.is_empty());
    assert_eq!(
        made.public
            .iter()
            .next()
            .map(ToString::to_string)
            .as_deref(),
        Some("GET /health")
    );
    let stage = stage(&existing, &address(), &made);
    assert!(stage.existing && stage.deployed.is_empty());
}

#[test]
fn a_grant_on_an_api_denies_what_its_star_would_reach() {
    let api = api(Surface::Routes(vec![
        route("GET /orders/{id}", http_to("https://b.example.com/")),
        route("GET /orders/{id}/items", http_to("https://b.example.com/")),
    ]));
    let found = grant(&api, &[routes(&api)[0].clone()]);
    assert_eq!(found.allow, ["execute-api:/prod/GET/orders/*"]);
    assert_eq!(found.deny, ["execute-api:/prod/GET/orders/*/items"]);
}
