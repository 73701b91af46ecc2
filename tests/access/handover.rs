//! What `handover` prints works as it is: run as the consumer, it gets its answer and its
//! message; with the grant taken away, the same program gets its 403.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use provision::aws::Keys;
use provision::cloud::iam::{DeleteRolePolicy, PutRolePolicy};
use serde_json::Value;

use crate::emulator;
use crate::ground::{Ground, told};

/// A client, printed once and run as often as one likes.
struct Client<'a> {
    ground: &'a Ground,
    programs: PathBuf,
    language: &'static str,
    file: PathBuf,
}

impl<'a> Client<'a> {
    /// The clients of a consumer that can be run here: `None` where there is no Python.
    fn all(ground: &'a Ground, stack: &Path, consumer: &str) -> Option<Vec<Self>> {
        let programs = emulator::clients()?;
        let mut languages = vec!["python", "cli"];
        let node = emulator::node();
        if node.is_some() {
            languages.push("javascript");
        }
        let mut clients = Vec::new();
        for language in languages {
            let name = format!("client-{}-{}", std::process::id(), ground.wire.port);
            let number = consumer.len();
            let (folder, runs) = match &node {
                Some((folder, runs)) if language == "javascript" => (folder.as_path(), *runs),
                _ => (Path::new(env!("CARGO_TARGET_TMPDIR")), true),
            };
            let ending = if language == "javascript" {
                "mjs"
            } else {
                language
            };
            let client = Self {
                ground,
                programs: programs.clone(),
                language,
                file: folder.join(format!("{name}-{number}.{ending}")),
            };
            let mut text = printed(ground, stack, &[consumer, "--only", language]);
            if language == "javascript" {
                // The SDK for JavaScript asks the host in a queue's URL, whatever the environment says.
                let here = format!("http://127.0.0.1:{}", ground.wire.port);
                text = text.replace("https://sqs.eu-west-1.amazonaws.com", &here);
            }
            fs::write(&client.file, text).expect("the target directory is writable");
            if language == "javascript" {
                let check = Command::new("node")
                    .arg("--check")
                    .arg(&client.file)
                    .output();
                let check = check.expect("node runs");
                assert!(check.status.success(), "{}", told(&check));
            }
            if runs {
                clients.push(client);
            }
        }
        Some(clients)
    }

    /// The client in Rust of one of `clients/`.
    fn rust(ground: &'a Ground, name: &str) -> Self {
        Self {
            ground,
            programs: PathBuf::new(),
            language: "rust",
            file: PathBuf::from(name),
        }
    }

    /// Runs it with somebody's credentials.
    fn run(&self, by: &Keys, words: &[&str]) -> Output {
        let python = self.programs.join("python");
        let program = match self.language {
            "python" => python.as_path(),
            "javascript" => Path::new("node"),
            _ => Path::new("bash"),
        };
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = if self.language == "rust" {
            let name = self.file.display().to_string();
            crate::rust_client::command(&name, words)
        } else {
            let mut command = Command::new(program);
            command.arg(&self.file).args(words);
            command
        };
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        let port = self.ground.wire.port;
        command
            .env("PATH", format!("{}:{path}", self.programs.display()))
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "/no/such/file")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/no/such/file")
            .env("AWS_ACCESS_KEY_ID", &by.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &by.secret_access_key);
        if let Some(token) = &by.session_token {
            command.env("AWS_SESSION_TOKEN", token);
        }
        for (name, door) in &self.ground.doors {
            let url = format!(
                "http://127.0.0.1:{port}/_aws/execute-api/{}/{}",
                door.id, door.stage
            );
            command.env(format!("{}_URL", name.to_uppercase()), url);
        }
        command.output().expect("it runs")
    }

    /// What it prints when it comes off, and what AWS said of it.
    #[track_caller]
    fn comes_off(&self, by: &Keys, words: &[&str]) -> (String, String) {
        let output = self.run(by, words);
        assert!(
            output.status.success(),
            "{} {words:?}: {}",
            self.language,
            told(&output)
        );
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        (text(&output.stdout), text(&output.stderr))
    }

    #[track_caller]
    fn is_refused(&self, by: &Keys, words: &[&str]) {
        let output = self.run(by, words);
        let told = told(&output);
        assert!(
            !output.status.success(),
            "{} {words:?}: {told}",
            self.language
        );
        // The AWS CLI and the SDK for Rust tell the code of a refusal, and leave its number out.
        let refusals: &[&str] = match self.language {
            "python" | "javascript" => &["HTTP 403"],
            _ => &["HTTP 403", "AccessDenied", "AuthorizationError"],
        };
        assert!(
            refusals.iter().any(|it| told.contains(it)),
            "{} {words:?} is refused for another reason: {told}",
            self.language
        );
    }
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        if self.language != "rust" {
            fs::remove_file(&self.file).ok();
        }
    }
}

/// What `handover` prints.
fn printed(ground: &Ground, stack: &Path, words: &[&str]) -> String {
    let file = stack.display().to_string();
    let mut all = vec!["handover", words[0], &file];
    all.extend(&words[1..]);
    let output = ground.provision(&all);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Curl signs for the shell's client; without it nothing here can be tried.
fn has_curl() -> bool {
    let found = Command::new("curl").arg("--version").output().is_ok();
    assert!(found || std::env::var_os("CI").is_none(), "no curl");
    found
}

fn keys<'a>(ground: &'a Ground, name: &str) -> &'a Keys {
    let actor = ground.actors.iter().find(|it| it.name == name);
    &actor.expect("somebody of that name").keys
}

#[test]
fn clients_of_roles_call_and_publish_until_the_grant_is_gone() {
    let stack = crate::stack(crate::MARKETPLACE);
    if !has_curl() {
        return;
    }
    let Some(ground) = Ground::of(&stack, &[], 0) else {
        return;
    };
    let (checkout, refunds) = (
        keys(&ground, "roles.checkout"),
        keys(&ground, "roles.refunds"),
    );
    let (Some(direct), Some(assuming)) = (
        Client::all(&ground, &stack, "checkout"),
        Client::all(&ground, &stack, "refunds"),
    ) else {
        return;
    };
    let inbox = &ground.stack.queues["billing-inbox"].arn;
    let root = Ground::root(inbox.account());
    let order = ["call-orders", "POST", "/orders", r#"{"id":"it's \"17\""}"#];
    let look = ["call-orders", "GET", "/orders/17"];
    let refund = ["call-orders", "POST", "/orders/17/refunds"];
    for (number, client) in direct.iter().enumerate() {
        let (answer, status) = client.comes_off(checkout, &look);
        assert!(status.contains("HTTP 200"), "{status}");
        assert!(answer.contains("\"total\":42"), "{answer}");
        let (_, status) = client.comes_off(checkout, &order);
        assert!(status.contains("HTTP 201"), "{status}");
        // What was not granted is not let through, whoever asks with which client.
        client.is_refused(checkout, &["call-orders", "DELETE", "/orders/17"]);
        client.is_refused(refunds, &order);
        let message = format!("it's \"number\" {number}\n\\ and a line");
        let publish = ["publish-order-events", &message, "type=created"];
        let (id, _) = client.comes_off(checkout, &publish);
        assert!(id.contains('-'), "{id}");
        assert_eq!(ground.wire.take(&root, inbox), [message]);
        client.is_refused(refunds, &["publish-order-events", "no"]);
    }
    for client in &assuming {
        let (_, status) = client.comes_off(refunds, &refund);
        assert!(status.contains("HTTP 202"), "{status}");
        client.comes_off(
            refunds,
            &["publish-order-events", "refunded", "type=refunded"],
        );
        assert_eq!(ground.wire.take(&root, inbox), ["refunded"]);
        client.is_refused(refunds, &look);
        client.is_refused(checkout, &refund);
    }

    // The same stack, with nobody allowed anything.
    let text = fs::read_to_string(&stack).expect("the stack");
    let (without, _) = text.split_once("\n[[access]]").expect("accesses");
    let file =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("without-{}.toml", ground.wire.port));
    fs::write(&file, without).expect("the target directory is writable");
    let words = ["apply", &file.display().to_string(), "--yes", "--prune"];
    let applied = ground.provision(&words);
    fs::remove_file(&file).ok();
    assert_eq!(applied.status.code(), Some(0), "{}", told(&applied));
    for client in &direct {
        client.is_refused(checkout, &order);
        client.is_refused(checkout, &["publish-order-events", "no", "type=created"]);
    }
    for client in &assuming {
        client.is_refused(refunds, &refund);
        client.is_refused(refunds, &["publish-order-events", "no", "type=created"]);
    }
}

#[test]
fn a_client_of_a_queue_receives_while_its_role_has_the_policy_that_came_with_it() {
    let stack = crate::stack(crate::MARKETPLACE);
    let Some(ground) = Ground::of(&stack, &[], 0) else {
        return;
    };
    let Some(clients) = Client::all(&ground, &stack, "billing-inbox") else {
        return;
    };
    let receiver = keys(&ground, "roles.invoicer");
    let document = printed(&ground, &stack, &["billing-inbox", "--json"]);
    let document: Value = serde_json::from_str(&document).expect("JSON");
    let name = ground.stack.roles["invoicer"].name.clone();
    let receive = ["receive-billing-inbox"];
    for client in &clients {
        client.is_refused(receiver, &receive);
        let put = PutRolePolicy {
            name: name.clone(),
            policy: "receive".to_owned(),
            document: document["attach"][0]["policy"].to_string(),
        };
        ground.as_root("billing", put);
        for body in ["one\ttab\nand a line", "two"] {
            let topic = &ground.stack.topics["order-events"].arn;
            let message = crate::caller::Message {
                id: body.to_owned(),
                body: body.to_owned(),
                attributes: vec![("type".to_owned(), "created".to_owned())],
            };
            let publisher = Some(keys(&ground, "roles.checkout"));
            assert!(ground.wire.publish(publisher, topic, &message));
        }
        let (received, _) = client.comes_off(receiver, &receive);
        assert!(received.contains("one\ttab\nand a line"), "{received}");
        assert!(received.contains("two"), "{received}");
        let inbox = &ground.stack.queues["billing-inbox"].arn;
        let root = Ground::root(inbox.account());
        assert_eq!(ground.wire.take(&root, inbox), [""; 0], "all were deleted");
        let delete = DeleteRolePolicy {
            name: name.clone(),
            policy: "receive".to_owned(),
        };
        ground.as_root("billing", delete);
        client.is_refused(receiver, &receive);
    }
}

#[test]
fn a_client_of_a_role_elsewhere_brings_the_external_id() {
    let stack = crate::own_stack("principals");
    if !has_curl() {
        return;
    }
    let Some(ground) = Ground::of(&stack, &[], 0) else {
        return;
    };
    let writer = "arn:aws:iam::555555555555:role/partners/writer";
    let Some(clients) = Client::all(&ground, &stack, writer) else {
        return;
    };
    for client in &clients {
        let (_, status) =
            client.comes_off(keys(&ground, writer), &["call-orders", "PUT", "/orders/17"]);
        assert!(status.contains("HTTP 200"), "{status}");
        client.comes_off(keys(&ground, writer), &["publish-order-events", "written"]);
        let reader = "arn:aws:iam::555555555555:role/partners/reader";
        client.is_refused(keys(&ground, reader), &["call-orders", "PUT", "/orders/17"]);
    }
}

#[test]
fn clients_in_every_language_keep_to_order_and_take_messages_out_of_their_envelope() {
    let stack = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/access/clients/stack.toml");
    if !has_curl() {
        return;
    }
    let Some(ground) = Ground::of(&stack, &[], 0) else {
        return;
    };
    let all = |name: &str| {
        let mut clients = Client::all(&ground, &stack, name)?;
        clients.push(Client::rust(&ground, name));
        Some(clients)
    };
    let (Some(tills), Some(inboxes), Some(raws), Some(ordereds)) =
        (all("till"), all("inbox"), all("raw"), all("ordered"))
    else {
        return;
    };
    // What is received with: a role of the queues' account, with the policies that came along.
    let receiver = "a powerless stranger of 111111111111";
    let attach = |queue: &str| {
        let document = printed(&ground, &stack, &[queue, "--json"]);
        let document: Value = serde_json::from_str(&document).expect("JSON");
        let put = PutRolePolicy {
            name: "powerless".to_owned(),
            policy: queue.to_owned(),
            document: document["attach"][0]["policy"].to_string(),
        };
        ground.as_root("shop", put);
    };
    let (till, receiver) = (keys(&ground, "roles.till"), keys(&ground, receiver));
    for (queue, clients) in [("inbox", &inboxes), ("raw", &raws), ("ordered", &ordereds)] {
        let receive = format!("receive-{queue}");
        for client in clients {
            client.is_refused(receiver, &[&receive]);
        }
        attach(queue);
    }
    for (number, client) in tills.iter().enumerate() {
        let language = client.language;
        let (answer, status) = client.comes_off(till, &["call-orders", "GET", "/orders/17"]);
        assert!(status.contains("HTTP 200"), "{language}: {status}");
        assert!(answer.contains("17"), "{language}: {answer}");
        let (_, status) = client.comes_off(till, &["call-orders", "POST", "/orders", "{}"]);
        assert!(status.contains("HTTP 201"), "{language}: {status}");
        let (answer, _) = client.comes_off(till, &["call-prices", "GET", "/prices/17"]);
        assert!(answer.contains("42"), "{language}: {answer}");
        client.is_refused(till, &["call-orders", "DELETE", "/orders/17"]);
        client.is_refused(receiver, &["call-orders", "GET", "/orders/17"]);
        client.is_refused(receiver, &["call-prices", "GET", "/prices/17"]);
        client.is_refused(receiver, &["publish-order-events", "no"]);
        client.is_refused(receiver, &["publish-ledger", "one", "no"]);
        client.is_refused(receiver, &["send-jobs", "no"]);
        client.is_refused(receiver, &["send-tasks", "one", "no"]);

        let body = format!("it's {number} of {language}");
        client.comes_off(till, &["publish-order-events", &body]);
        for (queue, clients) in [("receive-inbox", &inboxes), ("receive-raw", &raws)] {
            let (received, _) = clients[number].comes_off(receiver, &[queue]);
            assert!(received.contains(&body), "{language}, {queue}: {received}");
            // The shell has nothing that reads JSON, and says so: its messages stay as they come.
            let bare = !received.contains("TopicArn");
            assert!(bare || language == "cli", "{language}: {received}");
        }
        client.comes_off(till, &["send-jobs", &body, "kind=a \"b\""]);
        let (received, _) = client.comes_off(till, &["receive-jobs"]);
        assert!(received.contains(&body), "{language}: {received}");
        // The same twice, told apart by what is sent along.
        for _ in 0..2 {
            client.comes_off(till, &["send-tasks", "one", &body]);
        }
        let tasks = &ground.stack.queues["tasks"].arn;
        let root = Ground::root(tasks.account());
        let taken = ground.wire.take(&root, tasks);
        assert_eq!(taken, [body.as_str(); 2], "{language}");
        // Published twice as well; and once by what it says.
        for _ in 0..2 {
            client.comes_off(till, &["publish-ledger", "one", &body]);
            client.comes_off(till, &["publish-audit", "one", &body]);
        }
        let mut received = String::new();
        // One group's messages come one receipt after the other.
        for _ in 0..3 {
            received += &ordereds[number].comes_off(receiver, &["receive-ordered"]).0;
            if received.matches(&body).count() >= 3 {
                break;
            }
        }
        assert_eq!(received.matches(&body).count(), 3, "{language}: {received}");
    }

    // The same stack, with nobody allowed anything.
    let text = fs::read_to_string(&stack).expect("the stack");
    let (without, _) = text.split_once("\n[[access]]").expect("accesses");
    let file =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("without-{}.toml", ground.wire.port));
    fs::write(&file, without).expect("the target directory is writable");
    let words = ["apply", &file.display().to_string(), "--yes", "--prune"];
    let applied = ground.provision(&words);
    fs::remove_file(&file).ok();
    assert_eq!(applied.status.code(), Some(0), "{}", told(&applied));
    for client in &tills {
        client.is_refused(till, &["call-orders", "GET", "/orders/17"]);
        client.is_refused(till, &["call-prices", "GET", "/prices/17"]);
        client.is_refused(till, &["publish-order-events", "no"]);
        client.is_refused(till, &["publish-ledger", "one", "no"]);
        client.is_refused(till, &["send-jobs", "no"]);
        client.is_refused(till, &["send-tasks", "one", "no"]);
        client.is_refused(till, &["receive-jobs"]);
    }
}
