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
