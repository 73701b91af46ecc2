//! A stack, a cloud, and the commands between them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures::stream;
use provision::cloud::seam::{CallRecord, FaultRule, Ledger};
use provision::cloud::{Cloud, Sandbox, Seam};
use provision::drift::{Drift, Finding, Seen};
use provision::execute::{self, Outcomes};
use provision::graph;
use provision::kinds::Resource;
use provision::kinds::survey::{self, Live, Reading, SurveyErrors};
use provision::lower::{self, Desired};
use provision::model::{AccountId, Address, Place, Region};
use provision::plan::{Action, Consent, Plan};
use provision::stack::{self, Source, Stack, Written};
use serde_json::json;

/// Runs on a paused clock.
pub(crate) fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(test)
}

/// Where the stacks are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks")
}

/// Every stack that stands by itself, by its file's name, with what it wants.
pub(crate) fn all_stacks() -> BTreeMap<String, Desired> {
    let entries = std::fs::read_dir(folder()).expect("the folder is there");
    let files = entries.map(|it| it.expect("an entry").path());
    files
        .filter(|it| it.extension().is_some_and(|it| it == "toml"))
        .map(|it| {
            let name = it.file_name().expect("a name").to_string_lossy();
            (name.into_owned(), std::fs::read_to_string(it))
        })
        .map(|(name, text)| (name, text.expect("a text")))
        // An overlay has no `[stack]` with a name: it is right over the stack it is for.
        .filter(|(_, text)| text.contains("[accounts") && text.contains("name"))
        .filter(|(name, _)| name != "three-accounts.toml")
        .map(|(name, text)| {
            let desired = wanted(&[&text]);
            (name, desired)
        })
        .collect()
}

/// The text of a stack in the folder.
pub(crate) fn text_of(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).expect("the stack is there")
}

/// The stack that a text declares, with other texts laid over it.
pub(crate) fn checked(texts: &[&str]) -> Stack {
    let source = |(at, text): (usize, &&str)| Source {
        name: format!("{at}.toml"),
        text: (*text).to_owned(),
    };
    let sources: Vec<Source> = texts.iter().enumerate().map(source).collect();
    let read = |name: &str| {
        std::fs::read_to_string(folder().join(name)).map_err(|error| error.to_string())
    };
    match stack::check(&sources[0], &sources[1..], &read) {
        Ok(stack) => stack,
        Err(faults) => panic!("{}\n{}", faults.render(false), texts.join("\n---\n")),
    }
}

/// What a stack wants, with other texts laid over the first.
pub(crate) fn wanted(texts: &[&str]) -> Desired {
    let mut desired = match lower::lower(&checked(texts)) {
        Ok(desired) => desired,
        Err(faults) => panic!("{faults:?}\n{}", texts.join("\n---\n")),
    };
    graph::untie(&mut desired.wants).expect("no ring");
    desired
}

/// A sandbox with the accounts of these, and with the keys that they declare under the policies that KMS gives them.
pub(crate) fn sandbox_for<'a>(all: impl IntoIterator<Item = &'a Desired>) -> Sandbox {
    let all: Vec<&Desired> = all.into_iter().collect();
    let places = all.iter().flat_map(|it| &it.places);
    let accounts: Vec<AccountId> = places.map(|it| it.id.clone()).collect();
    let sandbox = Sandbox::in_memory(&accounts);
    for want in all.iter().flat_map(|it| it.wants.values()) {
        if let Resource::Key(key) = &want.resource {
            let id = key.arn.name();
            sandbox.put_key(
                &want.place,
                id,
                &format!("alias/{id}"),
                &first_policy(&want.place),
            );
        }
    }
    sandbox
}

/// The policy that KMS gives a key.
pub(crate) fn first_policy(at: &Place) -> String {
    let root = format!("arn:{}:iam::{}:root", at.partition(), at.id);
    let all = json!({"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"});
    json!({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [all]}).to_string()
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The plan; `None` when the cloud could not be read.
    pub(crate) plan: Option<Plan>,
    /// Why the cloud could not be read.
    pub(crate) unread: Option<SurveyErrors>,
    /// How its steps ended.
    pub(crate) outcomes: Outcomes,
    /// What was called.
    pub(crate) ledger: Ledger,
    /// The same, call by call.
    pub(crate) records: Vec<CallRecord>,
}

impl Ran {
    /// Whether the command would have exited with 0.
    pub(crate) fn came_off(&self) -> bool {
        let may = self.plan.as_ref().is_some_and(|it| it.refusals.is_empty());
        may && self.outcomes.all_done() && !self.outcomes.interrupted
    }

    /// The plan of a command that could read.
    pub(crate) fn plan(&self) -> &Plan {
        self.plan.as_ref().expect("the cloud was read")
    }

    /// Everything about a run that went wrong, to be read.
    pub(crate) fn story(&self) -> String {
        let steps = self.outcomes.steps.iter();
        let steps: Vec<String> = steps
            .map(|((address, removed), it)| format!("  {address} (removed: {removed:?}): {it:?}"))
            .collect();
        let calls: Vec<String> = self.records.iter().map(|it| format!("  {it}")).collect();
        let refusals = self.plan.as_ref().map(|it| it.refusals.clone());
        format!(
            "unread: {:?}\nrefusals: {refusals:?}\nsteps:\n{}\ncalls:\n{}",
            self.unread,
            steps.join("\n"),
            calls.join("\n")
        )
    }
}

/// What a command does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Command<'a> {
    /// `apply --prune`.
    Apply(&'a Desired),
    /// `destroy`.
    Destroy(&'a Desired),
    /// `offboard`: from the first to the second.
    Depart(&'a Desired, &'a Desired),
}

impl Command<'_> {
    fn desired(&self) -> &Desired {
        match self {
            Self::Apply(it) | Self::Destroy(it) | Self::Depart(it, _) => it,
        }
    }

    fn plan(&self, live: &Live, consent: &Consent) -> Plan {
        match self {
            Self::Apply(it) => Plan::between(it, live, consent),
            Self::Destroy(it) => Plan::of_destruction(it, &live.clone().into()),
            Self::Depart(before, after) => Plan::of_departure(before, after, live),
        }
    }

    /// Carries it out, with these faults.
    pub(crate) async fn with(
        self,
        cloud: &dyn Cloud,
        rules: impl IntoIterator<Item = FaultRule>,
    ) -> Ran {
        self.consenting(cloud, rules, &Consent::default()).await
    }

    /// Carries it out, with these faults and what else was agreed to.
    pub(crate) async fn consenting(
        self,
        cloud: &dyn Cloud,
        rules: impl IntoIterator<Item = FaultRule>,
        consent: &Consent,
    ) -> Ran {
        let seam = Seam::around(cloud).failing(rules);
        let desired = self.desired();
        let live = survey::survey(&desired.stack, &desired.wants, &desired.reached(), &seam).await;
        let (plan, unread, outcomes) = match live {
            Ok(live) => {
                let plan = self.plan(&live, consent);
                let outcomes = if plan.refusals.is_empty() {
                    execute::run(&plan, &seam, live.ids(), stream::pending(), &|_| ()).await
                } else {
                    Outcomes::default()
                };
                (Some(plan), None, outcomes)
            }
            Err(error) => (None, Some(error), Outcomes::default()),
        };
        Ran {
            plan,
            unread,
            outcomes,
            ledger: seam.ledger(),
            records: seam.records(),
        }
    }

    /// What it would do.
    pub(crate) async fn planned(self, cloud: &dyn Cloud) -> Plan {
        let desired = self.desired();
        let live = survey::survey(&desired.stack, &desired.wants, &desired.reached(), cloud).await;
        self.plan(&live.expect("read"), &Consent::default())
    }

    /// Carries it out, and must.
    pub(crate) async fn done(self, cloud: &dyn Cloud) -> Ran {
        let ran = self.with(cloud, []).await;
        assert!(ran.came_off(), "{}", ran.story());
        ran
    }
}

/// Applies, and must.
pub(crate) async fn apply(desired: &Desired, cloud: &dyn Cloud) -> Ran {
    Command::Apply(desired).done(cloud).await
}

/// Destroys, and must.
pub(crate) async fn destroy(desired: &Desired, cloud: &dyn Cloud) -> Ran {
    Command::Destroy(desired).done(cloud).await
}

/// The plan, with nothing done.
pub(crate) async fn plan(desired: &Desired, cloud: &dyn Cloud) -> Plan {
    let live = survey::survey(&desired.stack, &desired.wants, &desired.reached(), cloud).await;
    Plan::between(desired, &live.expect("read"), &Consent::default())
}

/// What was read.
pub(crate) async fn read(desired: &Desired, cloud: &dyn Cloud) -> Reading {
    survey::read(&desired.stack, &desired.wants, &desired.reached(), cloud).await
}

/// What drifted.
pub(crate) async fn drift(desired: &Desired, cloud: &dyn Cloud) -> Drift {
    let mut reading = read(desired, cloud).await;
    survey::add_parts(&mut reading, &desired.wants, cloud).await;
    drift_in(desired, &reading)
}

/// What drifted, in what was read.
pub(crate) fn drift_in(desired: &Desired, reading: &Reading) -> Drift {
    let plan = Plan::of_reading(desired, reading, &Consent::default());
    let seen = Seen {
        desired,
        reading,
        written: &Written::default(),
    };
    Drift::of(&plan, &seen)
}

/// A finding's code and addresses.
pub(crate) fn coded(finding: &Finding) -> String {
    format!("{} {}", finding.class.code(), finding.subject())
}

/// What a plan does, a line each: the sign, the address, and the fields that differ.
pub(crate) fn spoken(plan: &Plan) -> Vec<String> {
    let line = |it: &provision::plan::Step| {
        let fields: Vec<&str> = it.changes.iter().map(|it| it.field.as_str()).collect();
        let fields = fields.join(", ");
        format!("{} {} {fields}", it.action.sign(), it.address)
            .trim_end()
            .to_owned()
    };
    plan.to_do().map(line).collect()
}

/// Asserts that a plan has nothing to do and nothing against it.
pub(crate) async fn assert_in_step(desired: &Desired, cloud: &dyn Cloud, when: &str) {
    let plan = plan(desired, cloud).await;
    assert_eq!(plan.refusals, [], "{when}");
    assert_eq!(
        spoken(&plan),
        Vec::<String>::new(),
        "{when}: {:#?}",
        changes(&plan)
    );
}

/// Every change of a plan, for a message.
pub(crate) fn changes(plan: &Plan) -> Vec<String> {
    let of = |it: &provision::plan::Step| {
        let address = it.address.clone();
        it.changes
            .iter()
            .map(move |change| format!("{address}: {change:?}"))
            .collect::<Vec<_>>()
    };
    plan.to_do().flat_map(of).collect()
}

/// An address, as a stack spells it.
pub(crate) fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

/// An account in the region of the stacks.
pub(crate) fn place(id: &str) -> Place {
    Place {
        account: id.to_owned(),
        id: AccountId::parse(id).expect("an account"),
        region: Region::parse("eu-west-1").expect("a region"),
    }
}

/// How often a plan does something.
pub(crate) fn count(plan: &Plan, action: Action) -> usize {
    plan.steps.iter().filter(|it| it.action == action).count()
}
