//! Changes that cut callers off though no access of theirs is taken away: each is listed as lost, and asked for.

use super::Folder;

const HEAD: &str = r#"[stack]
name = "s"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"
[roles.w]
account = "b"
trusted_by = "lambda.amazonaws.com"
"#;

const CALLS: &str = "[[access]]\nfrom = \"roles.w\"\nto = \"apis.o\"\nallow = \"GET /x\"\n";

fn stack(api: &str, rest: &str) -> String {
    format!("{HEAD}[apis.o]\naccount = \"a\"\n{api}{rest}")
}

fn applied(text: &str) -> Folder {
    let folder = Folder::new();
    folder.write("s.toml", text);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    folder
}

const ROUTES: &str = "routes = { \"GET /x\" = { mock = 200 }, \"POST /x\" = { mock = 200 } }\n";

#[test]
fn an_endpoint_that_shuts_callers_out_needs_consent() {
    let of = |settings: &str| stack(&format!("{settings}{ROUTES}"), CALLS);
    let private = "endpoint = \"private\"\n";
    let (one, both) = (
        "endpoint = \"private\"\nvpc_endpoints = [\"vpce-0123456789abcdef0\"]\n",
        "endpoint = \"private\"\nvpc_endpoints = [\"vpce-0123456789abcdef0\", \"vpce-0123456789abcdef1\"]\n",
    );
    let changes = [
        (
            "",
            private,
            "callers from outside a VPC endpoint for `execute-api` may no longer call any route of apis.o",
        ),
        (
            private,
            one,
            "callers through other VPC endpoints than vpce-0123456789abcdef0 may no longer call any route of apis.o",
        ),
        (
            both,
            one,
            "callers through vpce-0123456789abcdef1 may no longer call any route of apis.o",
        ),
        (
            private,
            "",
            "callers through a VPC endpoint may no longer call any route of apis.o",
        ),
        (
            "",
            "disable_execute_api = true\n",
            "callers by the `execute-api` host name may no longer call any route of apis.o",
        ),
    ];
    for (from, to, lost) in changes {
        let folder = applied(&of(from));
        folder.write("s.toml", &of(to));
        folder
            .run("apply s.toml --sandbox --yes")
            .ends(1)
            .says(" 1 lost")
            .tells(lost)
            .tells("--close apis.o --yes");
        folder
            .run("apply s.toml --sandbox --yes --close apis.o")
            .ends(0);
        folder.run("plan s.toml --sandbox").says("Nothing to do");
    }
    // What lets in more asks nothing.
    let folder = applied(&of(one));
    folder.write("s.toml", &of(both));
    folder.run("apply s.toml --sandbox --yes").ends(0);
}

#[test]
fn a_route_that_becomes_public_is_gained_by_anyone() {
    let public = ROUTES.replace(
        "\"GET /x\" = { mock = 200 }",
        "\"GET /x\" = { mock = 200, public = true }",
    );
    let folder = applied(&stack(ROUTES, CALLS));
    folder.write("s.toml", &stack(&public, ""));
    folder
        .run("plan s.toml --sandbox")
        .says("1 gained  0 lost  broadened: yes")
        .says("+ anyone may call GET /x of apis.o  by public route");
    folder.run("apply s.toml --sandbox --yes").ends(0);
    // The API gets a policy for another route; the public one stays so.
    let other = CALLS.replace("GET /x", "POST /x") + "via = \"resource-policy\"\n";
    folder.write("s.toml", &stack(&public, &other));
    folder
        .run("plan s.toml --sandbox")
        .says("1 gained  0 lost")
        .says("+ roles.w may call POST /x of apis.o");
    folder.write(
        "s.toml",
        &stack("routes = { \"POST /x\" = { mock = 200 } }\n", ""),
    );
    folder
        .run("plan s.toml --sandbox")
        .says("0 gained  1 lost")
        .says("- anyone may no longer call GET /x of apis.o");
}

#[test]
fn a_policy_that_goes_opens_the_routes_without_an_authorizer() {
    let public = "routes = { \"GET /x/{id}\" = { mock = 200, public = true } }\n";
    let limited = "[[access]]\nfrom = { ip = \"203.0.113.0/24\" }\nto = \"apis.o\"\nallow = \"GET /x/{id}\"\n";
    let folder = applied(&stack(public, limited));
    folder.write("s.toml", &stack(public, ""));
    folder
        .run("plan s.toml --sandbox")
        .says("1 gained  0 lost  broadened: yes")
        .says("+ anyone may call GET /x/* of apis.o  by public route");
    folder
        .run("plan s.toml --sandbox --fail-on broadened")
        .ends(3);
    // The other way round, whoever calls from elsewhere is cut off.
    folder.run("apply s.toml --sandbox --yes").ends(0);
    folder.write("s.toml", &stack(public, limited));
    folder
        .run("plan s.toml --sandbox")
        .says("0 gained  1 lost  broadened: no")
        .says("- callers from 203.0.113.0/24 may call GET /x/* of apis.o");
}

#[test]
fn a_guest_that_limits_a_public_route_of_another_needs_consent() {
    let public = "routes = { \"GET /h\" = { mock = 200, public = true } }\n";
    let owner = stack(public, "").replace("name = \"s\"", "name = \"own\"");
    let folder = Folder::new();
    folder.write("own.toml", &owner);
    folder.run("apply own.toml --sandbox --yes").ends(0);
    let world: serde_json::Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let apis = &world["accounts"]["111111111111"]["regions"]["eu-west-1"]["apis"];
    let id = apis
        .as_object()
        .and_then(|it| it.keys().next())
        .expect("an API");
    let accounts = HEAD.split("[roles.w]").next().expect("its accounts");
    let guest = format!(
        "{accounts}[apis.o]\naccount = \"a\"\nexisting = \"{id}\"\npublic = \"GET /h\"\n\
         [[access]]\nfrom = {{ ip = \"203.0.113.0/24\" }}\nto = \"apis.o\"\nallow = \"GET /h\"\n"
    );
    folder.write("s.toml", &guest);
    folder
        .run("apply s.toml --sandbox --yes")
        .ends(1)
        .says("0 gained  1 lost")
        .tells("anyone may no longer call GET /h of apis.o")
        .tells("--close apis.o --yes");
}

#[test]
fn a_client_that_must_send_another_external_id_is_named() {
    let topic = |id: &str| {
        format!(
            "{HEAD}[topics.t]\naccount = \"a\"\n[[access]]\nfrom = \"roles.w\"\nto = \"topics.t\"\nvia = \"assume-role\"\n{id}"
        )
    };
    let folder = applied(&topic(""));
    folder.write("s.toml", &topic("external_id = \"one-two\"\n"));
    folder
        .run("apply s.toml --sandbox --yes")
        .ends(1)
        .says("roles.w must send another external id")
        .tells("--move roles.w --yes");
    folder
        .run("apply s.toml --sandbox --yes --move roles.w")
        .ends(0);
    // An id that is asked for no longer refuses no client.
    folder.write("s.toml", &topic(""));
    folder.run("apply s.toml --sandbox --yes").ends(0);
}
