//! A stack, applied to an emulator by the program itself, and the people around it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use provision::aws::{Aws, Keys, Reach};
use provision::cloud::apigateway::GetRestApis;
use provision::cloud::iam::{AttachRolePolicy, CreateRole, PutRolePolicy};
use provision::cloud::{self, Call};
use provision::kinds::pending_id;
use provision::lower::{self, Desired};
use provision::model::tags::Mark;
use provision::model::{AccountId, Address, Arn, KindName, Place, Region};
use provision::stack::{self, Account, Credentials, Principal, Source, Stack};
use serde_json::json;

use crate::caller::{Door, Wire};
use crate::emulator::Emulator;

/// The account of whoever runs `provision`.
pub(crate) const OPERATOR: &str = "999999999999";
/// An account that the stack does not know.
const OUTSIDE: &str = "888888888888";

/// Accounts that belong to an organization, with the path of the unit that they are in.
pub(crate) const ORGS: [(&str, &str, &str); 2] = [
    ("777777777777", "o-exampleorg1", "/r-ab12/ou-ab12-11111111"),
    ("666666666666", "o-exampleorg1", "/r-ab12/ou-ab12-22222222"),
];

/// Somebody who may try things: an IAM role, entered.
#[derive(Debug)]
pub(crate) struct Actor {
    /// What the test calls them: `roles.checkout`, `a mighty stranger of 222222222222`.
    pub(crate) name: String,
    /// The role.
    pub(crate) arn: Arn,
    /// The role's name in the stack, when it is the stack's.
    pub(crate) role: Option<String>,
    /// Whether its own account lets it do everything.
    pub(crate) mighty: bool,
    /// Its session.
    pub(crate) keys: Keys,
}

/// A stack that was applied.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) wire: Wire,
    pub(crate) stack: Stack,
    pub(crate) desired: Desired,
    pub(crate) actors: Vec<Actor>,
    /// Where APIs are called, by their names.
    pub(crate) doors: BTreeMap<String, Door>,
    /// Every place there is, outside included, by the account's name.
    pub(crate) places: BTreeMap<String, Place>,
    aws: Aws,
    runtime: tokio::runtime::Runtime,
    pub(crate) propagation: Duration,
    _emulator: Emulator,
}

impl Ground {
    /// Applies a stack to an emulator of its own; `None` where there is no Python.
    ///
    /// `propagation` is for how long the emulator keeps news of IAM to itself.
    pub(crate) fn of(file: &Path, overlays: &[&Path], propagation: u64) -> Option<Self> {
        let seconds = propagation.to_string();
        let orgs = ORGS.map(|(account, org, unit)| format!("{org}{unit}={account}"));
        let orgs = orgs.join(";");
        let emulator = Emulator::start(&[
            ("AUTH", "true"),
            ("EMULATOR_PROPAGATION_S", &seconds),
            ("EMULATOR_ORGS", &orgs),
        ])?;
        let stack = read(file, overlays);
        let desired = lower::lower(&stack).expect("the stack can be lowered");
        let places = places(&stack);
        let wire = Wire {
            port: emulator.port(),
        };
        let mut ground = Self {
            aws: as_roots(&places, &emulator),
            wire,
            stack,
            desired,
            actors: Vec::new(),
            doors: BTreeMap::new(),
            places,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime"),
            propagation: Duration::from_secs(propagation),
            _emulator: emulator,
        };
        ground.prepare();
        ground.settle();
        ground.apply(file, overlays);
        ground.find_doors();
        ground.hand_over();
        ground.settle();
        ground.enter();
        Some(ground)
    }

    /// Waits until the last change is enforced everywhere.
    pub(crate) fn settle(&self) {
        if !self.propagation.is_zero() {
            std::thread::sleep(self.propagation + Duration::from_millis(500));
        }
    }

    /// Calls the cloud as the account's root: to set up and to look, never to try a grant.
    pub(crate) fn as_root<C: Call>(&self, account: &str, call: C) -> C::Answer {
        let answer = self
            .runtime
            .block_on(cloud::call(&self.aws, &self.places[account], call));
        answer.unwrap_or_else(|error| panic!("{}: {error}", C::ACTION))
    }

    /// The root keys of an account, by its id: to set up and to look.
    pub(crate) fn root(id: &str) -> Keys {
        Keys {
            access_key_id: id.to_owned(),
            secret_access_key: "any".to_owned(),
            session_token: None,
        }
    }

    fn role(&self, account: &str, path: &str, name: &str, trust: &serde_json::Value) -> Arn {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Principal": trust, "Action": "sts:AssumeRole" }],
        });
        let made = self.as_root(
            account,
            CreateRole {
                name: name.to_owned(),
                path: path.to_owned(),
                trust: trust.to_string(),
                description: None,
                max_session: 3600,
                boundary: None,
                tags: BTreeMap::new(),
            },
        );
        Arn::parse(&made.arn).expect("an ARN")
    }

    /// Makes the way in for `provision`, and people it does not know.
    fn prepare(&mut self) {
        let nobody = json!({ "Service": "ec2.amazonaws.com" });
        let mut done: Vec<AccountId> = Vec::new();
        for (account, place) in self.places.clone() {
            if done.contains(&place.id) {
                continue;
            }
            done.push(place.id.clone());
            if place.id.as_str() == OPERATOR {
                continue;
            }
            let root = format!("arn:aws:iam::{OPERATOR}:root");
            self.role(&account, "/", "provision", &json!({ "AWS": root }));
            let attach = AttachRolePolicy {
                name: "provision".to_owned(),
                policy: "arn:aws:iam::aws:policy/AdministratorAccess".to_owned(),
            };
            self.as_root(&account, attach);
            for (name, mighty) in [("mighty", true), ("powerless", false)] {
                let arn = self.role(&account, "/strangers/", name, &nobody);
                let called = format!("a {name} stranger of {}", place.id);
                self.stranger(&account, called, arn, mighty);
            }
        }
        self.others(&nobody);
    }

    fn stranger(&mut self, account: &str, name: String, arn: Arn, mighty: bool) {
        if mighty {
            let everything = json!({
                "Version": "2012-10-17",
                "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }],
            });
            let put = PutRolePolicy {
                name: arn.name().to_owned(),
                policy: "everything".to_owned(),
                document: everything.to_string(),
            };
            self.as_root(account, put);
        }
        self.actors.push(Actor {
            name,
            arn,
            role: None,
            mighty,
            keys: Self::root(""),
        });
    }

    /// Makes the principals of `[[access]]` that the stack does not own.
    fn others(&mut self, nobody: &serde_json::Value) {
        for access in self.stack.access.clone() {
            let (arn, mighty) = match &access.from {
                Principal::RoleArn(arn) | Principal::Named(arn) => (arn.clone(), false),
                Principal::RolePrefix { account, prefix } => {
                    let text = format!("arn:aws:iam::{account}:role/{prefix}one");
                    (Arn::parse(&text).expect("an ARN"), true)
                }
                _ => continue,
            };
            if self.actors.iter().any(|it| it.arn == arn) {
                continue;
            }
            let account = self.account_of(arn.account());
            let whole = arn.resource().trim_start_matches("role");
            let path = &whole[..=whole.rfind('/').expect("a role's ARN has a slash")];
            self.role(&account, path, arn.name(), nobody);
            self.stranger(&account, arn.to_string(), arn.clone(), mighty);
        }
    }

    /// Attaches what the stack hands over for others to attach.
    fn hand_over(&self) {
        for (number, handover) in self.desired.handovers.iter().enumerate() {
            let Some(actor) = self
                .actors
                .iter()
                .find(|it| it.arn.as_str() == handover.principal)
            else {
                continue;
            };
            // An API has its id only now.
            let mut text = handover.document.to_text();
            for (name, door) in &self.doors {
                let address = Address::new(KindName::RestApi, name);
                text = text.replace(&pending_id(&address), &door.id);
            }
            let put = PutRolePolicy {
                name: actor.arn.name().to_owned(),
                policy: format!("handed-over-{number}"),
                document: text,
            };
            self.as_root(&self.account_of(actor.arn.account()), put);
        }
    }

    fn account_of(&self, id: &str) -> String {
        let found = self.places.iter().find(|(_, it)| it.id.as_str() == id);
        found.expect("the account is known").0.clone()
    }

    fn apply(&self, file: &Path, overlays: &[&Path]) {
        let mut files = vec![file.display().to_string()];
        for overlay in overlays {
            files.extend(["--with".to_owned(), overlay.display().to_string()]);
        }
        let run = |command: &str, more: &[&str]| {
            let mut args = vec![command];
            args.extend(files.iter().map(String::as_str));
            args.extend(more);
            self.provision(&args)
        };
        let first = run("apply", &["--yes"]);
        assert_eq!(first.status.code(), Some(0), "{}", told(&first));
        let again = run("apply", &["--yes"]);
        assert_eq!(again.status.code(), Some(0), "{}", told(&again));
        assert!(told(&again).contains("Nothing to do"), "{}", told(&again));
        assert!(told(&again).contains(" 0 writes"), "{}", told(&again));
        let plan = run("plan", &["--detailed-exitcode"]);
        assert_eq!(plan.status.code(), Some(0), "{}", told(&plan));
        let drift = run("drift", &[]);
        assert_eq!(drift.status.code(), Some(0), "{}", told(&drift));
    }

    /// Runs the program as its user would, with the environment alone to say where AWS is.
    pub(crate) fn provision(&self, args: &[&str]) -> Output {
        run_provision(self.wire.port, OPERATOR, args)
    }

    fn find_doors(&mut self) {
        for (name, api) in self.stack.apis.clone() {
            let apis = self.as_root(&api.account, GetRestApis { position: None });
            let mine = |mark: &Mark| {
                mark.stack == self.stack.name
                    && mark.address.kind == KindName::RestApi
                    && mark.address.name == name
            };
            let mut found = apis
                .items
                .into_iter()
                .filter(|it| Mark::read(&it.tags).as_ref().is_some_and(mine));
            let id = found.next().expect("the API is there").id;
            assert!(found.next().is_none(), "there are two APIs `{name}`");
            let region = self.places[&api.account].region.to_string();
            let stage = api.stage.name.clone();
            self.doors.insert(name, Door { id, stage, region });
        }
    }

    /// Enters every role: the stack's own, and the strangers'.
    fn enter(&mut self) {
        let own: Vec<Actor> = self
            .stack
            .roles
            .iter()
            .map(|(name, role)| Actor {
                name: format!("roles.{name}"),
                arn: role.arn.clone(),
                role: Some(name.clone()),
                mighty: false,
                keys: Self::root(""),
            })
            .collect();
        self.actors.splice(0..0, own);
        for actor in &mut self.actors {
            // Only a service may assume most of them: the account's root opens the door, and
            // what is tried afterwards is tried with the role's own session.
            let root = Self::root(actor.arn.account());
            let session = self.wire.assume(Some(&root), "eu-west-1", &actor.arn, None);
            actor.keys = session.expect("the role can be entered");
        }
    }
}

/// Runs the program on a port of this machine with the keys of an account's root.
pub(crate) fn run_provision(port: u16, account: &str, args: &[&str]) -> Output {
    bare_provision(port, args)
        .env("AWS_ACCESS_KEY_ID", account)
        .env("AWS_SECRET_ACCESS_KEY", "any")
        .output()
        .expect("the program runs")
}

/// The program, with nothing in its environment to say who calls.
pub(crate) fn bare_provision(port: u16, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provision"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command
        .args(args)
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/no/such/file")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/no/such/file")
        .env("NO_COLOR", "1");
    command
}

/// All that a run of the program printed.
pub(crate) fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn source(path: &Path) -> Source {
    Source {
        name: path.display().to_string(),
        text: std::fs::read_to_string(path).expect("a stack file"),
    }
}

/// The stack in a file, with others laid over it.
pub(crate) fn read(file: &Path, overlays: &[&Path]) -> Stack {
    let beside = file.parent().map(PathBuf::from).unwrap_or_default();
    let overlays: Vec<Source> = overlays.iter().map(|it| source(it)).collect();
    let other =
        |name: &str| std::fs::read_to_string(beside.join(name)).map_err(|error| error.to_string());
    stack::check(&source(file), &overlays, &other).expect("the stack has no faults")
}

/// Every account that matters: the stack's, those of its principals, one outside, and the operator's.
fn places(stack: &Stack) -> BTreeMap<String, Place> {
    let mut places: BTreeMap<String, Place> = stack
        .accounts
        .iter()
        .map(|(name, it)| (name.clone(), it.place.clone()))
        .collect();
    let mut ids = vec![OUTSIDE.to_owned(), OPERATOR.to_owned()];
    for access in &stack.access {
        match &access.from {
            Principal::RoleArn(arn) | Principal::Named(arn) => {
                ids.push(arn.account().to_owned());
            }
            Principal::RolePrefix { account, .. } | Principal::Account(account) => {
                ids.push(account.to_string());
            }
            _ => {}
        }
    }
    for id in ids {
        if places.values().any(|it| it.id.as_str() == id) {
            continue;
        }
        let account = format!("outside-{id}");
        let place = Place {
            account: account.clone(),
            id: AccountId::parse(&id).expect("twelve digits"),
            region: Region::parse("eu-west-1").expect("a region"),
        };
        places.insert(account, place);
    }
    places
}

fn as_roots(places: &BTreeMap<String, Place>, emulator: &Emulator) -> Aws {
    let accounts: Vec<Account> = places
        .values()
        .map(|place| Account {
            place: place.clone(),
            credentials: Credentials {
                profile: None,
                role: None,
                external_id: None,
            },
            boundary: None,
            quotas: provision::policy::size::Quotas::default(),
        })
        .collect();
    let keys = places
        .iter()
        .map(|(name, place)| (name.clone(), Ground::root(place.id.as_str())))
        .collect();
    let reach = Reach {
        endpoint: Some(emulator.url()),
        keys,
        ask: None,
    };
    Aws::reach(&accounts, "access", &reach)
}
