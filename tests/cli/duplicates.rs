//! Two resources that bear one mark, as copied tags make them.

use serde_json::Value;

use super::Folder;

const STACK: &str = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
    [apis.shop]\n[apis.shop.routes]\n\"GET /orders\" = { http = \"https://example.com/orders\" }\n";

/// A folder with the stack applied, and its API there a second time under another id.
fn with_a_copy() -> Folder {
    let folder = Folder::new();
    folder.write("s.toml", STACK);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    change(&folder, |apis| {
        let (id, api) = apis.iter().next().expect("an API");
        let (id, mut api) = (format!("z{}", &id[1..]), api.clone());
        api["about"]["id"] = id.clone().into();
        apis.insert(id, api);
    });
    folder
}

fn change(folder: &Folder, change: impl Fn(&mut serde_json::Map<String, Value>)) {
    let mut world: Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let region = &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"];
    change(region["apis"].as_object_mut().expect("APIs"));
    folder.write(".provision/sandbox.json", &world.to_string());
}

fn count(folder: &Folder) -> usize {
    let world: Value = serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let region = &world["accounts"]["111111111111"]["regions"]["eu-west-1"];
    // A region in which nothing is left is left out.
    region["apis"].as_object().map_or(0, serde_json::Map::len)
}

#[test]
fn destroy_lists_both_by_their_ids_and_does_nothing_until_it_is_said_what_becomes_of_the_copy() {
    let folder = with_a_copy();
    let ran = folder.run("destroy s.toml --sandbox --yes").ends(1);
    ran.tells("--duplicates remove").tells("apis.shop (z");
    assert_eq!(count(&folder), 2);
    folder
        .run("destroy s.toml --sandbox --yes --duplicates keep")
        .ends(0);
    assert_eq!(count(&folder), 1);
    assert!(
        folder.read(".provision/sandbox.json").contains("\"z"),
        "the copy stays"
    );
    // What was kept once is nobody's for the next run.
    folder
        .run("destroy s.toml --sandbox --yes")
        .ends(0)
        .says("Nothing to do");
    assert_eq!(count(&folder), 1);

    let folder = with_a_copy();
    folder
        .run("destroy s.toml --sandbox --yes --duplicates remove")
        .ends(0)
        .says("2 to destroy");
    assert_eq!(count(&folder), 0);
}

#[test]
fn apply_shows_the_id_of_the_copy_that_it_would_remove_and_asks() {
    let folder = with_a_copy();
    let ran = folder.run("apply s.toml --sandbox --yes").ends(1);
    ran.says("- api shop  regional, 1 method  z")
        .tells("--allow-delete apis.shop");
    assert_eq!(count(&folder), 2);
    folder
        .run("apply s.toml --sandbox --yes --allow-delete apis.shop")
        .ends(0);
    assert_eq!(count(&folder), 1);
    folder
        .run("apply s.toml --sandbox --yes")
        .ends(0)
        .says("Nothing to do");
}

/// What a run leaves that was stopped right after it had made a second API stops no other run.
#[test]
fn an_empty_api_of_the_same_mark_is_removed_without_a_question() {
    let folder = with_a_copy();
    change(&folder, |apis| {
        let (_, api) = apis.iter_mut().next_back().expect("an API");
        for kind in ["resources", "deployments", "stages"] {
            api[kind] = serde_json::json!({});
        }
        api["about"]["policy"] = Value::Null;
    });
    folder.run("apply s.toml --sandbox --yes").ends(0);
    assert_eq!(count(&folder), 1);
}

/// Tags may be copied to something that is older, or that comes first by its name: neither makes it the stack's own.
#[test]
fn what_the_stack_names_is_its_own_and_the_bearer_of_copied_tags_is_kept() {
    let stack = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[topics.t]\n\
        [queues.q]\nsubscribe = [{ topic = \"t\" }]\n[apis.shop]\n[apis.shop.routes]\n\"GET /orders\" = { mock = 200 }\n\
        [roles.r]\ntrusted_by = \"lambda.amazonaws.com\"\n[[access]]\nfrom = \"roles.r\"\nto = \"topics.t\"\n";
    let folder = Folder::new();
    folder.write("s.toml", stack);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    let mut world: Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let region = &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"];
    for (kind, name) in [("topics", "t"), ("queues", "q")] {
        let text = region[kind][name].to_string();
        let copy = text
            .replace(&format!(":{name}\""), &format!(":copy-{name}\""))
            .replace(&format!(":{name}\\"), &format!(":copy-{name}\\"));
        region[kind][format!("copy-{name}")] = serde_json::from_str(&copy).expect("JSON");
        let arn = |name: &str| {
            let service = if kind == "topics" { "sns" } else { "sqs" };
            format!("arn:aws:{service}:eu-west-1:111111111111:{name}")
        };
        region["index"][arn(&format!("copy-{name}"))] = region["index"][arn(name)].clone();
    }
    region["topics"]["copy-t"]["subscriptions"] = serde_json::json!([]);
    let apis = region["apis"].as_object_mut().expect("APIs");
    let (id, mut api) = apis
        .iter()
        .next()
        .map(|(id, it)| (id.clone(), it.clone()))
        .expect("an API");
    let old = format!("a{}", &id[1..]);
    api["about"]["id"] = old.clone().into();
    api["about"]["name"] = "somebody-elses".into();
    api["about"]["created"] = 1.into();
    apis.insert(old.clone(), api);
    let roles = &mut world["accounts"]["111111111111"]["roles"];
    let role = roles["r"].to_string().replace("/r\"", "/copy-r\"");
    roles["copy-r"] = serde_json::from_str(&role).expect("JSON");
    roles["copy-r"]["id"] = "AROACOPYCOPYCOPYCOPY1".into();
    folder.write(".provision/sandbox.json", &world.to_string());

    folder
        .run("destroy s.toml --sandbox --yes --duplicates keep")
        .ends(0);
    for again in [false, true] {
        let world: Value =
            serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
        let account = &world["accounts"]["111111111111"];
        let region = &account["regions"]["eu-west-1"];
        let names = |kind: &str| -> Vec<String> {
            let of = if kind == "roles" { account } else { region };
            let all = of[kind].as_object().into_iter().flatten();
            all.map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names("topics"), ["copy-t"], "again: {again}");
        assert_eq!(names("queues"), ["copy-q"], "again: {again}");
        assert_eq!(names("roles"), ["copy-r"], "again: {again}");
        assert_eq!(names("apis"), std::slice::from_ref(&old), "again: {again}");
        folder
            .run("destroy s.toml --sandbox --yes")
            .ends(0)
            .says("Nothing to do");
    }
}
