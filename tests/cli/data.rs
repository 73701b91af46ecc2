//! What holds data is deleted by its name only.

use super::Folder;

const QUEUES: &str = r#"[stack]
name = "s"
region = "eu-west-1"
[accounts]
a = { id = "111111111111" }
[queues.full]
account = "a"
[queues.empty]
account = "a"
"#;
const WORLD: &str = ".provision/sandbox.json";

/// A sandbox in which `queues.full` holds three messages: one waits, one was received, one is delayed.
fn filled() -> Folder {
    let folder = Folder::new();
    folder.write("s.toml", QUEUES);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    let mut world: serde_json::Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    let region = &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"];
    let attributes = &mut region["queues"]["full"]["attributes"];
    for counter in ["", "NotVisible", "Delayed"] {
        attributes[format!("ApproximateNumberOfMessages{counter}")] = "1".into();
    }
    folder.write(WORLD, &world.to_string());
    folder
}

fn has(folder: &Folder, queue: &str) -> bool {
    let world: serde_json::Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    let region = &world["accounts"]["111111111111"]["regions"]["eu-west-1"];
    region["queues"][queue].is_object()
}

const HOLDS: &str = "it holds about 3 messages (1 waiting, 1 received and not deleted, 1 delayed)";

#[test]
fn a_queue_with_messages_that_left_the_stack_goes_by_its_name_only() {
    let folder = filled();
    let (head, _) = QUEUES.split_once("[queues.full]").expect("the queues");
    folder.write("s.toml", head);
    folder.run("plan s.toml --sandbox").ends(0).says(HOLDS);
    folder
        .run("apply s.toml --sandbox --yes --prune")
        .ends(1)
        .tells(HOLDS)
        .tells("--prune --allow-delete queues.full --yes");
    assert!(has(&folder, "full") && has(&folder, "empty"));
    // An empty one needs no name.
    folder
        .run("apply s.toml --sandbox --yes --prune --allow-delete queues.full")
        .ends(0);
    assert!(!has(&folder, "full") && !has(&folder, "empty"));
}

#[test]
fn a_queue_with_messages_is_replaced_by_its_name_only() {
    let folder = filled();
    let fifo = QUEUES.replace("[queues.full]\n", "[queues.full]\nfifo = true\n");
    folder.write("s.toml", &fifo);
    folder.run("plan s.toml --sandbox").ends(0).says(HOLDS);
    folder
        .run("apply s.toml --sandbox --yes --prune")
        .ends(1)
        .tells(HOLDS);
    assert!(has(&folder, "full"));
    folder
        .run("apply s.toml --sandbox --yes --allow-delete queues.full")
        .ends(0);
    assert!(!has(&folder, "full") && has(&folder, "full.fifo"));
}

#[test]
fn a_destroy_names_the_queues_with_messages() {
    let folder = filled();
    folder
        .run("destroy s.toml --sandbox --yes")
        .ends(1)
        .says(HOLDS)
        .tells("destroy s.toml --sandbox --allow-delete queues.full --yes");
    assert!(has(&folder, "full") && has(&folder, "empty"));
    folder
        .run("destroy s.toml --sandbox --yes --allow-delete queues.full")
        .ends(0);
    assert!(!has(&folder, "full") && !has(&folder, "empty"));
}
