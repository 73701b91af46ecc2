//! A tag index that is behind: what it does not show is not taken for gone.

use serde_json::Value;

use super::Folder;

const WORLD: &str = ".provision/sandbox.json";

const HEAD: &str = "[stack]\nname = \"m\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
    [roles.keep]\ntrusted_by = \"lambda.amazonaws.com\"\n";

const REST: &str =
    "[topics.lone]\n[queues.lonely]\n[apis.old]\n[apis.old.routes]\n\"GET /x\" = { mock = 200 }\n";

fn region(world: &mut Value) -> &mut Value {
    &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"]
}

/// A folder with the stack applied, an index that shows nothing, and a file from which this much is gone.
fn behind(left: &str) -> Folder {
    let folder = Folder::new();
    folder.write("s.toml", &format!("{HEAD}{REST}"));
    folder.run("apply s.toml --sandbox --yes").ends(0);
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    region(&mut world)["index"] = serde_json::json!({});
    folder.write(WORLD, &world.to_string());
    folder.write("s.toml", &format!("{HEAD}{left}"));
    folder
}

/// The listing of APIs carries their tags, so an API that left is found, and with it that the index is behind.
#[test]
fn what_left_is_said_not_to_be_confirmed_where_the_index_lacks_what_is_there() {
    for left in ["", "[topics.lone]\n"] {
        let folder = behind(left);
        let lacks = if left.is_empty() {
            "apis.old"
        } else {
            "topics.lone, apis.old"
        };
        let says = format!("Not confirmed: the tag index of a in eu-west-1 lacks {lacks}");
        let plan = folder.run("plan s.toml --sandbox").ends(0);
        plan.says(&says).says("- api old");
        let plan = folder
            .run("plan s.toml --sandbox --json")
            .ends(0)
            .document();
        assert_eq!(plan["unconfirmed"][0]["account"], "111111111111");
        let lacks = plan["unconfirmed"][0]["lacks"].to_string();
        assert!(lacks.contains("apis.old"), "{lacks}");
        folder.run("drift s.toml --sandbox").ends(2).says(&says);
        let drift = folder
            .run("drift s.toml --sandbox --json")
            .ends(2)
            .document();
        assert_eq!(drift["unconfirmed"][0]["region"], "eu-west-1");
        let ran = folder.run("destroy s.toml --sandbox --yes").ends(0);
        ran.says(&says);
        let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
        assert_eq!(
            region(&mut world)["apis"]
                .as_object()
                .map_or(0, serde_json::Map::len),
            0
        );
    }
    // An index that shows what is there is believed.
    let folder = Folder::new();
    folder.write("s.toml", &format!("{HEAD}{REST}"));
    folder.run("apply s.toml --sandbox --yes").ends(0);
    let plan = folder
        .run("plan s.toml --sandbox --json")
        .ends(0)
        .document();
    assert_eq!(plan["unconfirmed"], serde_json::json!([]));
}
