//! Starts the emulator, and moto, for the tests that speak to them through the SDK.
//!
//! Both are Python programs. They run in a virtual environment below the target
//! directory, which the first test that needs it makes; whoever comes meanwhile
//! waits for it. Every program listens on 127.0.0.1 alone and ends with the test
//! that started it, also when that one is killed.

#![allow(
    dead_code,
    reason = "each test binary that includes this uses another part of it"
)]

pub(crate) mod http;
pub(crate) mod proxy;

use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/emulator");

/// A program that answers as AWS does, on a port of this machine.
#[derive(Debug)]
pub(crate) struct Emulator {
    process: Child,
    port: u16,
    log: PathBuf,
}

impl Emulator {
    /// The emulator, with these switches of its README set; `None` where there is no Python.
    pub(crate) fn start(switches: &[(&str, &str)]) -> Option<Self> {
        let python = python()?;
        Some(Self::run("/_ministack/health", |port| {
            let mut command = clean(&python);
            command
                .arg(format!("{HERE}/emulator.py"))
                .env("GATEWAY_PORT", port.to_string())
                .env("LOG_LEVEL", "ERROR")
                .env("EMULATOR_END_WITH_STDIN", "1")
                .envs(switches.iter().copied());
            command
        }))
    }

    /// The moto server; `None` where there is no Python.
    pub(crate) fn moto() -> Option<Self> {
        let python = python()?;
        Some(Self::run("/moto-api/data.json", |port| {
            let mut command = clean(&python);
            command
                .arg(format!("{HERE}/moto_server.py"))
                .arg(port.to_string());
            command
        }))
    }

    fn run(health: &str, command: impl Fn(u16) -> Command) -> Self {
        let mut said = String::new();
        // Another process may take a free port before ours does: then the next one.
        for _ in 0..3 {
            let port = free_port();
            let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("emulator-{port}.log"));
            let out = File::create(&log).expect("the target directory is writable");
            let process = command(port)
                .stdin(Stdio::piped())
                .stdout(out.try_clone().expect("a second handle of the log"))
                .stderr(out)
                .spawn()
                .expect("the virtual environment's python runs");
            let mut emulator = Self { process, port, log };
            match emulator.ready(health) {
                Ok(()) => return emulator,
                Err(reason) => said = reason,
            }
        }
        panic!("no emulator: {said}");
    }

    fn ready(&mut self, health: &str) -> Result<(), String> {
        let until = Instant::now() + Duration::from_secs(90);
        loop {
            if http::send(self.port, "GET", health, &[], "").is_ok_and(|it| it.status == 200) {
                return Ok(());
            }
            let ended = self.process.try_wait().ok().flatten();
            if ended.is_some() || Instant::now() > until {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                return Err(format!("not ready ({ended:?}); it said:\n{log}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The port of 127.0.0.1 it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What to set `AWS_ENDPOINT_URL` to.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Asks the emulator's own control endpoint, and gives its JSON.
    pub(crate) fn control(&self, method: &str, path: &str, body: &str) -> serde_json::Value {
        let answer = http::send(self.port, method, path, &[], body).expect("the emulator answers");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("its control endpoint speaks JSON")
    }

    /// Replaces the rules by which calls fail.
    pub(crate) fn faults(&self, rules: &serde_json::Value) {
        self.control("POST", "/_emulator/faults", &rules.to_string());
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // By its own process id; it has no children.
        self.process.kill().ok();
        self.process.wait().ok();
        fs::remove_file(&self.log).ok();
    }
}

/// The emulator's own tests, in Python; `None` where there is none.
pub(crate) fn own_tests() -> Option<Command> {
    let mut command = clean(&python()?);
    command
        .args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"])
        .arg(format!("{HERE}/test_emulator.py"));
    Some(command)
}

/// A command without the settings of the caller that would change what an emulator does.
fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let prefixes = ["EMULATOR_", "AWS_", "MOTO_", "MINISTACK_"];
        if text == "AUTH" || prefixes.iter().any(|it| text.starts_with(it)) {
            command.env_remove(name);
        }
    }
    command
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|it| it.local_addr())
        .expect("a free port")
        .port()
}

/// The interpreter of the virtual environment, which is made when it is not there.
///
/// `None`, and a line that says what is left out, when there is no `python3`.
/// With `CI` set that is a failure: there, nothing is left out quietly.
pub(crate) fn python() -> Option<PathBuf> {
    let found = Command::new("python3")
        .args(["-c", "import venv, ensurepip"])
        .output()
        .is_ok_and(|it| it.status.success());
    if !found {
        let words = "no python3 with venv: what needs an emulator is skipped";
        assert!(std::env::var_os("CI").is_none(), "{words}");
        let name = std::thread::current().name().unwrap_or("test").to_owned();
        writeln!(std::io::stderr(), "{name}: {words}").ok();
        return None;
    }
    Some(environment("emulator-venv", "requirements.txt"))
}

/// The folder of programs that speak to AWS as its users do: `python` with boto3, and `aws`.
pub(crate) fn clients() -> Option<PathBuf> {
    python()?;
    let python = environment("clients-venv", "clients.txt");
    python.parent().map(Path::to_path_buf)
}

/// A folder where JavaScript finds the AWS SDK, and whether it is there: without it a program can
/// still be checked. `None`, and a line that says so, where there is no Node.
pub(crate) fn node() -> Option<(PathBuf, bool)> {
    let runs = |program: &str| {
        let found = Command::new(program).arg("--version").output();
        found.is_ok_and(|it| it.status.success())
    };
    let say = |words: &str| {
        let name = std::thread::current().name().unwrap_or("test").to_owned();
        writeln!(std::io::stderr(), "{name}: {words}").ok();
    };
    if !runs("node") {
        say("no node: JavaScript is neither checked nor run");
        return None;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("CARGO_TARGET_TMPDIR is below the target directory");
    let home = target.join("clients-node");
    fs::create_dir_all(&home).expect("the target directory is writable");
    let wanted = fs::read_to_string(format!("{HERE}/package.json")).expect("what is to be there");
    let lock = File::create(target.join("clients-node.lock")).expect("the target directory");
    lock.lock().expect("a lock on the packages");
    let stamp = home.join("stamp.json");
    if fs::read_to_string(&stamp).is_ok_and(|it| it == wanted) {
        return Some((home, true));
    }
    fs::write(home.join("package.json"), &wanted).expect("the folder is writable");
    let installed = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(&home)
        .output()
        .is_ok_and(|it| it.status.success());
    if installed {
        fs::write(&stamp, wanted).expect("the stamp");
    } else {
        say("npm installs nothing here: JavaScript is checked, and not run");
    }
    Some((home, installed))
}

/// The interpreter of a virtual environment, which is made when it is not there.
fn environment(name: &str, requirements: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("CARGO_TARGET_TMPDIR is below the target directory");
    let home = target.join(name);
    let python = home.join("bin/python");
    let stamp = home.join(requirements);
    let requirements = format!("{HERE}/{requirements}");
    let wanted = fs::read_to_string(&requirements).expect("what is to be installed");

    // One test binary makes it, the others wait.
    let lock = File::create(target.join(format!("{name}.lock"))).expect("the target directory");
    lock.lock().expect("a lock on the virtual environment");
    if fs::read_to_string(&stamp).is_ok_and(|it| it == wanted) {
        return python;
    }
    let run = |command: &mut Command| {
        let output = command.output().expect("python runs");
        assert!(
            output.status.success(),
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&home));
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet"])
        .args(["--disable-pip-version-check", "--requirement"])
        .arg(&requirements));
    // Written last: a half-made environment is made anew.
    fs::write(&stamp, wanted).expect("the stamp");
    python
}
