//! What holds of any API.

use proptest::prelude::*;

use super::*;

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
                // A function alone is called without a role.
                let uri = if kind.starts_with("AWS") && credentials {
                    format!("arn:aws:apigateway:eu-west-1:sqs:path/333333333333/{word}")
                } else if kind.starts_with("AWS") {
                    format!("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{word}/invocations")
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
            more: BTreeMap::new(),
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
        let want: Want = Wanted::of(&api).api;
        prop_assert!(Kind::differences(&api, &want, &have).is_empty());
    }

    #[test]
    fn a_document_reads_back_as_the_methods_it_was_written_from(api in some_api()) {
        prop_assert_eq!(openapi::methods(&openapi::encode(&api, &api.policy, None)), api.methods);
    }

    #[test]
    fn what_is_read_is_what_was_written(first in some_api(), second in some_api()) {
        run(async {
            let (cloud, wanted) = applied(&first).await;
            let there = have(&cloud, &wanted).await;
            let live = value_of(&there);
            let policy = normal(&live.policy);
            assert_eq!(policy, normal(&first.policy));
            assert_eq!(live, &RestApi { policy: live.policy.clone(), version: live.version.clone(), ..first });
            assert_eq!(wanted.writes(&cloud).await, [""; 0]);
            // And from anything to anything else.
            let wanted = Wanted::of(&second);
            wanted.apply(&cloud).await.expect("applied");
            assert_eq!(wanted.plan(&cloud).await.expect("a plan"), [""; 0]);
        });
    }
}
