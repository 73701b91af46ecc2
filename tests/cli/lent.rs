//! What a stack has in an API that another deploys: it goes from what is served, too, and is found after it left the file.

use serde_json::Value;

use super::Folder;

const WORLD: &str = ".provision/sandbox.json";

const OWNER: &str = "[stack]\nname = \"owner\"\nregion = \"eu-west-1\"\n[accounts.o]\nid = \"333333333333\"\n\
    [apis.pub]\n[apis.pub.routes]\n\"GET /x\" = { mock = 200 }\n[roles.own]\ntrusted_by = \"lambda.amazonaws.com\"\n\
    [[access]]\nfrom = \"roles.own\"\nto = \"apis.pub\"\nallow = [\"GET /x\"]\n";

const GUEST: &str =
    "[stack]\nname = \"c\"\nregion = \"eu-west-1\"\n[accounts.o]\nid = \"333333333333\"\n";

/// The account that the guest's stack lets call the API.
const CALLER: &str = "444444444444:root";

fn world(folder: &Folder) -> Value {
    serde_json::from_str(&folder.read(WORLD)).expect("JSON")
}

fn api(world: &mut Value) -> &mut Value {
    let region = &mut world["accounts"]["333333333333"]["regions"]["eu-west-1"];
    let apis = region["apis"].as_object_mut().expect("APIs");
    apis.values_mut().next().expect("an API")
}

fn deployments(folder: &Folder) -> usize {
    let mut seen = world(folder);
    let deployments = api(&mut seen)["deployments"].as_object();
    deployments.expect("deployments").len()
}

/// A folder with the owner's API, and with the guest's statement in it; the owner deployed last, with another tool.
fn lent() -> Folder {
    let folder = Folder::new();
    folder.write("owner.toml", OWNER);
    folder.run("apply owner.toml --sandbox --yes").ends(0);
    let mut seen = world(&folder);
    let id = api(&mut seen)["about"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let access = format!(
        "[apis.pub]\nexisting = \"{id}\"\n[[access]]\nfrom = {{ account = \"444444444444\" }}\nto = \"apis.pub\"\n\
         allow = [\"GET /x\"]\nvia = \"resource-policy\"\n"
    );
    folder.write("c.toml", &format!("{GUEST}{access}"));
    folder.run("apply c.toml --sandbox --yes").ends(0);
    let mut seen = world(&folder);
    let deployments = api(&mut seen)["deployments"].as_object_mut();
    for it in deployments.expect("deployments").values_mut() {
        it["description"] = "by another tool".into();
    }
    folder.write(WORLD, &seen.to_string());
    folder
}

fn serves_the_caller(folder: &Folder) -> bool {
    let mut seen = world(folder);
    let api = api(&mut seen);
    let served: Vec<&str> = api["stages"]
        .as_object()
        .expect("stages")
        .values()
        .filter_map(|it| it["deployment"].as_str())
        .collect();
    let deployments = api["deployments"].as_object().expect("deployments");
    served
        .iter()
        .any(|it| deployments[*it].to_string().contains(CALLER))
}

#[test]
fn destroy_takes_the_stacks_statements_out_of_what_the_owner_deployed_with_another_tool() {
    let folder = lent();
    assert!(serves_the_caller(&folder));
    let before = deployments(&folder);
    folder.run("destroy c.toml --sandbox --yes").ends(0);
    assert!(!serves_the_caller(&folder));
    assert_eq!(deployments(&folder), before + 1);
    let ran = folder.run("destroy c.toml --sandbox --yes").ends(0);
    ran.says("Nothing to do");
    assert_eq!(deployments(&folder), before + 1);
    let text = folder.read(WORLD);
    assert!(!text.contains("provision:redeploy"), "{text}");
    // The deployment of the other tool is that tool's.
    assert!(text.contains("by another tool"), "{text}");
}

/// Nothing of the stack names an API that left it: its statements are found in the policy that every listing carries.
#[test]
fn an_api_of_another_that_left_the_file_is_found_by_the_statements_in_its_policy() {
    let folder = lent();
    let mine = "[apis.mine]\n[apis.mine.routes]\n\"GET /z\" = { mock = 200 }\n";
    folder.write("c.toml", &format!("{GUEST}{mine}"));
    let drift = folder.run("drift c.toml --sandbox").ends(2);
    drift.says(CALLER.trim_end_matches(":root"));
    let ran = folder.run("apply c.toml --sandbox --yes --prune").ends(0);
    ran.says("it left the stack: only our statements on it are removed");
    assert!(!serves_the_caller(&folder));
    assert!(!folder.read(WORLD).contains("provision:redeploy"));
    folder.run("drift c.toml --sandbox").ends(0);
    folder
        .run("apply c.toml --sandbox --yes --prune")
        .ends(0)
        .says("Nothing to do");
}
