//! `OpenAPI` documents as people have them: what is read comes to rest, what AWS would refuse is found before any call.

use std::fmt::Write as _;

use super::Folder;

const BASE: &str =
    "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n\n[accounts.a]\nid = \"111111111111\"\n\n";
const MOCK: &str = "x-amazon-apigateway-integration: {type: mock, requestTemplates: {application/json: '{\"statusCode\": 200}'}, responses: {default: {statusCode: \"200\"}}}\n      responses: {\"200\": {description: fine}}\n";

/// A folder with a stack of one API by this document.
fn with(document: &str) -> Folder {
    let folder = Folder::with_stacks();
    folder.write("doc.yaml", document);
    folder.write(
        "s.toml",
        &format!("{BASE}[apis.orders]\nopenapi = \"doc.yaml\"\n"),
    );
    folder
}

#[test]
fn a_document_that_is_read_comes_to_rest() {
    let head = "openapi: 3.0.1\ninfo: {title: shop, version: \"1\"}\n";
    let key = |name: &str| {
        format!(
            "{head}components: {{securitySchemes: {{key: {{type: apiKey, name: {name}, in: header}}}}}}\npaths:\n  /items:\n    get:\n      {MOCK}      security: [{{key: []}}]\n"
        )
    };
    let plain = format!(
        "{head}paths:\n  x-owner: {{team: shop}}\n  /a,b:\n    get: &op\n      {MOCK}  /more:\n    get:\n      <<: *op\n      summary: more\n"
    );
    let mapped = format!(
        "{head}components: {{parameters: {{id: {{name: id, in: path, required: true, schema: {{type: string, maxLength: 18446744073709551616}}}}}}}}\npaths:\n  /items/{{id}}:\n    get:\n      parameters: [{{$ref: '#/components/parameters/id'}}]\n      responses: {{\"200\": {{description: fine}}}}\n      x-amazon-apigateway-integration: {{type: http_proxy, httpMethod: GET, uri: 'https://x.example.com/{{id}}', requestParameters: {{integration.request.path.id: method.request.path.id}}}}\n"
    );
    for document in [
        key("api_key"),
        key("X-API-Key"),
        key("x-api-key"),
        plain.clone(),
        format!("\u{feff}{plain}"),
        mapped,
    ] {
        let folder = with(&document);
        folder.run("validate s.toml").ends(0);
        folder.run("apply s.toml --sandbox --yes").ends(0);
        folder
            .run("plan s.toml --sandbox --detailed-exitcode")
            .ends(0);
        folder.run("drift s.toml --sandbox").ends(0);
    }
}

#[test]
fn a_document_that_an_import_would_refuse_is_found_before() {
    let of = |version: &str, integration: &str| {
        with(&format!(
            "openapi: {version}\ninfo: {{title: shop, version: \"1\"}}\npaths:\n  /items:\n    get:\n      x-amazon-apigateway-integration: {integration}\n"
        ))
    };
    for (version, integration, words) in [
        ("3.2.0", "{type: mock}", "it is OpenAPI 3.2.0"),
        (
            "3.0.1",
            "{type: http_proxy, uri: 'https://x.example.com'}",
            "Integration method must be specified",
        ),
        (
            "3.0.1",
            "{type: aws_proxy, httpMethod: POST, uri: {'Fn::Sub': 'x'}}",
            "`Fn::Sub` is CloudFormation's",
        ),
    ] {
        of(version, integration)
            .run("validate s.toml")
            .ends(1)
            .tells(words);
    }
}

#[test]
fn an_api_with_many_paths_shows_how_many_resources_it_has() {
    let folder = Folder::with_stacks();
    for (count, code) in [(100, 0), (200, 0), (320, 3)] {
        let mut stack = format!("{BASE}[apis.x.routes]\n");
        for route in 0..count {
            let _ = writeln!(stack, "\"GET /r{route}\" = {{ mock = 200 }}");
        }
        folder.write("many.toml", &stack);
        let ran = folder.run("plan many.toml --sandbox").ends(code);
        match count {
            100 => assert!(!ran.out.contains("resources"), "{}", ran.out),
            200 => drop(ran.says("201 of 300 resources")),
            _ => drop(ran.says("321 of 300 resources")),
        }
    }
}

#[test]
fn thousands_of_faults_are_counted_and_the_first_are_shown() {
    let folder = Folder::with_stacks();
    let mut stack = BASE.to_owned();
    for role in 0..3000 {
        let _ = writeln!(stack, "[roles.r{role}]\ntrusted_by = \"roles.gone{role}\"");
    }
    folder.write("many.toml", &stack);
    let ran = folder.run("validate many.toml").ends(1);
    ran.tells("3000 problems in many.toml, the first 100 shown");
}

/// A document whose routes are all authorized by this security scheme.
fn authorized_by(scheme: &str) -> String {
    format!(
        "openapi: 3.0.1\ninfo: {{title: shop, version: \"1\"}}\nsecurity: [{{users: []}}]\ncomponents: {{securitySchemes: {{users: {scheme}}}}}\npaths:\n  /me:\n    get:\n      {MOCK}  /all:\n    get:\n      {MOCK}"
    )
}

#[test]
fn a_kept_authorizer_decides_who_calls_its_route() {
    let of = |more: &str| format!("{{type: apiKey, name: Authorization, in: header, {more}}}");
    let token = "x-amazon-apigateway-authorizer: {type: token, authorizerUri: 'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111111111111:function:f/invocations'}";
    let pool = "x-amazon-apigateway-authorizer: {type: cognito_user_pools, providerARNs: ['arn:aws:cognito-idp:eu-west-1:111111111111:userpool/eu-west-1_abc']}";
    for (more, kind) in [
        (
            format!("x-amazon-apigateway-authtype: oauth2, {token}"),
            "CUSTOM",
        ),
        (token.to_owned(), "CUSTOM"),
        (pool.to_owned(), "COGNITO_USER_POOLS"),
    ] {
        let folder = with(&authorized_by(&of(&more)));
        let stack = format!(
            "{BASE}[accounts.b]\nid = \"222222222222\"\n[roles.r]\naccount = \"b\"\ntrusted_by = \"lambda.amazonaws.com\"\n[apis.orders]\naccount = \"a\"\nopenapi = \"doc.yaml\"\nkeep_authorizer = \"GET /me\"\n\
             [[access]]\nfrom = \"roles.r\"\nto = \"apis.orders\"\nallow = \"GET /all\"\nvia = \"resource-policy\"\n"
        );
        folder.write("s.toml", &stack);
        let plan = folder.run("plan s.toml --sandbox").ends(0);
        assert!(!plan.out.contains("+ anyone may call"), "{}", plan.out);
        plan.says(&format!(
            "+ whoever the authorizer ({kind}) lets in may call GET /me of apis.orders"
        ));
        folder.run("apply s.toml --sandbox --yes").ends(0);
        let world: serde_json::Value =
            serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
        let apis = &world["accounts"]["111111111111"]["regions"]["eu-west-1"]["apis"];
        let api = apis.as_object().and_then(|it| it.values().next());
        let method = &api.expect("one")["resources"]["/me"]["methods"]["GET"];
        assert_eq!(method["authorization"], kind, "{more}");
        folder
            .run("plan s.toml --sandbox --detailed-exitcode")
            .ends(0);
        folder.run("drift s.toml --sandbox").ends(0);
    }
}

#[test]
fn an_authorizer_in_a_scheme_of_another_type_is_not_kept() {
    let authorizer = "x-amazon-apigateway-authorizer: {type: cognito_user_pools, providerARNs: ['arn:aws:cognito-idp:eu-west-1:111111111111:userpool/eu-west-1_abc']}";
    for kind in ["type: oauth2, flows: {}", "type: http, scheme: bearer"] {
        let folder = with(&authorized_by(&format!("{{{kind}, {authorizer}}}")));
        folder.run("validate s.toml").ends(0);
        folder.write(
            "s.toml",
            &format!(
                "{BASE}[apis.orders]\nopenapi = \"doc.yaml\"\nkeep_authorizer = \"GET /me\"\n"
            ),
        );
        for command in ["validate s.toml", "apply s.toml --sandbox --yes"] {
            folder
                .run(command)
                .ends(1)
                .tells("error[E0301]")
                .tells("s.toml:10:19")
                .tells("API Gateway reads `apiKey` only")
                .tells("help: write `type: apiKey`");
        }
    }
}
