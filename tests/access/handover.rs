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
    /// Both clients of a consumer: `None` where there is no Python.
    fn both(ground: &'a Ground, stack: &Path, consumer: &str) -> Option<[Self; 2]> {
        let programs = emulator::clients()?;
        Some(["python", "cli"].map(|language| {
            let name = format!("client-{}-{}", std::process::id(), ground.wire.port);
            let number = consumer.len();
            let file =
                Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{number}.{language}"));
            let text = printed(ground, stack, &[consumer, "--only", language]);
            fs::write(&file, text).expect("the target directory is writable");
            Self {
                ground,
                programs: programs.clone(),
                language,
                file,
            }
        }))
    }

    /// Runs it with somebody's credentials.
    fn run(&self, by: &Keys, words: &[&str]) -> Output {
        let python = self.programs.join("python");
        let program = match self.language {
            "python" => python.as_path(),
            _ => Path::new("bash"),
        };
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        let port = self.ground.wire.port;
        command
            .arg(&self.file)
            .args(words)
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
        // The AWS CLI tells the code of a refusal, and leaves its number out.
        let refusals: &[&str] = match self.language {
            "python" => &["HTTP 403"],
            _ => &["HTTP 403", "(AccessDenied", "(AuthorizationError"],
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
        fs::remove_file(&self.file).ok();
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
        Client::both(&ground, &stack, "checkout"),
        Client::both(&ground, &stack, "refunds"),
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
    let Some(clients) = Client::both(&ground, &stack, "billing-inbox") else {
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
    let Some(clients) = Client::both(&ground, &stack, writer) else {
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
