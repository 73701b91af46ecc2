//! One storm: what a seed draws, what must hold after every call, and how it ends.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use provision::cloud::sandbox::Habits;
use provision::cloud::{Sandbox, Seam, apigateway, sns};
use provision::execute::{self, Outcomes};
use provision::kinds::survey;
use provision::lower::Desired;
use provision::model::AccountId;
use provision::plan::{Consent, Plan};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::chance::Chance;
use crate::gate::{Class, Gate, unmarked};
use crate::operator::{BILLING, ORDERS, SHOP, make_topic, send};
use crate::reached::{Snapshot, fields};
use crate::sketch::{Edge, LENT_API, LENT_TOPIC, Sketch};
use crate::world::{apply, wanted};

/// What is broken on purpose, to see that it is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// The engines are not shown what somebody else wrote.
    HidesForeign,
    /// Somebody takes an access away that must stay.
    Cuts,
    /// Somebody lets more in than any stack says.
    Opens,
}

/// What an engine does.
#[derive(Clone, Debug)]
enum Command {
    Apply(Sketch),
    Destroy(Sketch),
    /// Puts back what drifted, some of it.
    Revert(Sketch),
}

impl Command {
    fn sketch(&self) -> &Sketch {
        match self {
            Self::Apply(it) | Self::Destroy(it) | Self::Revert(it) => it,
        }
    }

    /// What is wanted once it has ended.
    fn end(&self) -> Sketch {
        match self {
            Self::Apply(it) | Self::Revert(it) => it.clone(),
            Self::Destroy(it) => it.nothing(),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Apply(_) => "apply",
            Self::Destroy(_) => "destroy",
            Self::Revert(_) => "revert",
        }
    }
}

/// A stack's versions that may be in force, whole or in part.
#[derive(Debug, Default)]
struct InPlay {
    versions: Vec<Sketch>,
    running: usize,
    callers: BTreeSet<String>,
}

impl InPlay {
    fn add(&mut self, version: &Sketch) {
        if !self.versions.contains(version) {
            self.versions.push(version.clone());
        }
    }

    /// What is in all of them.
    fn must(&self) -> BTreeSet<Edge> {
        let mut all = self.versions.iter().map(Sketch::edges);
        let first = all.next().unwrap_or_default();
        all.fold(first, |kept, it| kept.intersection(&it).cloned().collect())
    }

    /// What is in any of them.
    fn may(&self) -> BTreeSet<Edge> {
        self.versions.iter().flat_map(Sketch::edges).collect()
    }
}

/// One storm under way.
pub(crate) struct Trial {
    pub(crate) seed: u64,
    pub(crate) sandbox: Sandbox,
    /// One call in so many goes wrong.
    pub(crate) fair: u64,
    /// Whether the faults have stopped.
    pub(crate) calm: Cell<bool>,
    pub(crate) kills: Cell<u64>,
    pub(crate) faults: Cell<u64>,
    pub(crate) partner: RefCell<Option<String>>,
    classes: BTreeSet<Class>,
    sabotage: Option<Sabotage>,
    /// Whether what was broken on purpose made a difference.
    pub(crate) bitten: Cell<bool>,
    calls: Cell<u64>,
    until: Option<u64>,
    log: RefCell<Vec<String>>,
    violation: RefCell<Option<String>>,
    over: Notify,
    stacks: RefCell<BTreeMap<String, InPlay>>,
    lowered: RefCell<BTreeMap<String, Rc<Desired>>>,
    /// What the foreign writer wants in the shared documents.
    foreign: RefCell<BTreeMap<&'static str, BTreeSet<String>>>,
    runs: Cell<u64>,
    began: Instant,
}

/// What came of a storm.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    pub(crate) violation: Option<String>,
    pub(crate) log: Vec<String>,
    pub(crate) calls: u64,
    pub(crate) kills: u64,
    pub(crate) faults: u64,
    pub(crate) runs: u64,
    pub(crate) bitten: bool,
}

/// Runs the storm of a seed, to its end or to the call with this number.
pub(crate) fn storm(seed: u64, until: Option<u64>, sabotage: Option<Sabotage>) -> Ending {
    crate::world::run(async {
        let trial = Trial::of(seed, until, sabotage);
        tokio::select! {
            biased;
            () = trial.over.notified() => {}
            () = trial.play() => {}
        }
        Ending {
            violation: trial.violation.take(),
            log: trial.log.take(),
            calls: trial.calls.get(),
            kills: trial.kills.get(),
            faults: trial.faults.get(),
            runs: trial.runs.get(),
            bitten: trial.bitten.get() || sabotage.is_none(),
        }
    })
}

impl Trial {
    fn of(seed: u64, until: Option<u64>, sabotage: Option<Sabotage>) -> Self {
        let chance = Chance::of(seed, 1);
        let classes: BTreeSet<Class> = Class::ALL
            .into_iter()
            .filter(|_| chance.one_in(2))
            .collect();
        let mut habits = Habits::default();
        if classes.contains(&Class::SlowPrincipals) {
            habits.propagation = chance.millis(4_000, 25_000);
        }
        if classes.contains(&Class::IndexLag) {
            habits.index_lag = chance.millis(1_000, 120_000);
        }
        let accounts = [SHOP, BILLING, ORDERS].map(|it| AccountId::parse(it).expect("an account"));
        Self {
            seed,
            sandbox: Sandbox::in_memory(&accounts).with(habits),
            fair: *chance.pick(&[15, 30, 60]),
            calm: Cell::new(false),
            kills: Cell::new(0),
            faults: Cell::new(0),
            partner: RefCell::default(),
            classes,
            sabotage,
            bitten: Cell::new(false),
            calls: Cell::new(0),
            until,
            log: RefCell::default(),
            violation: RefCell::default(),
            over: Notify::new(),
            stacks: RefCell::default(),
            lowered: RefCell::default(),
            foreign: RefCell::default(),
            runs: Cell::new(0),
            began: Instant::now(),
        }
    }

    pub(crate) fn has(&self, class: Class) -> bool {
        self.classes.contains(&class)
    }

    pub(crate) fn hides_foreign(&self) -> bool {
        self.sabotage == Some(Sabotage::HidesForeign)
    }

    pub(crate) fn next_call(&self) -> u64 {
        let number = self.calls.get() + 1;
        self.calls.set(number);
        number
    }

    /// Whether nothing is to move any more.
    pub(crate) fn is_over(&self) -> bool {
        let reached = self.until.is_some_and(|it| self.calls.get() > it);
        if reached {
            self.over.notify_one();
        }
        reached || self.violation.borrow().is_some()
    }

    pub(crate) fn note(&self, number: u64, text: &str) {
        let now = self.began.elapsed().as_secs_f64();
        self.log
            .borrow_mut()
            .push(format!("{number:5} {now:9.3} {text}"));
    }

    pub(crate) fn violated(&self, what: &str) {
        let mut violation = self.violation.borrow_mut();
        if violation.is_none() {
            let at = self.calls.get();
            *violation = Some(format!("at call {at}: {what}"));
            self.over.notify_one();
        }
    }

    /// The unmarked statements of a shared document, as it is now.
    pub(crate) fn foreign_now(&self, which: &str) -> BTreeSet<String> {
        let picture = self.sandbox.picture();
        let region = &picture[ORDERS]["regions"]["eu-west-1"];
        let policy = if which == LENT_TOPIC {
            region["topics"][LENT_TOPIC]["policy"].as_str()
        } else {
            let all = region["apis"].as_object().into_iter().flatten();
            let mut all = all.map(|(_, it)| &it["about"]);
            let lent = all.find(|it| it["name"] == LENT_API);
            lent.and_then(|it| it["policy"].as_str())
        };
        // The picture names APIs by their names, where documents name them by their ids.
        let partner = self.partner.borrow().clone().unwrap_or_default();
        let policy = policy.unwrap_or_default();
        unmarked(&policy.replace(&format!("(api {LENT_API} 1)"), &partner))
    }

    /// Checks what must hold after every write.
    pub(crate) fn check(&self, who: &str) {
        let snapshot = Snapshot::of(&self.sandbox);
        let reached: BTreeSet<Edge> = snapshot
            .reached()
            .into_iter()
            .map(|(who, (action, what))| (who, (action.to_owned(), what)))
            .collect();
        for (name, stack) in self.stacks.borrow().iter() {
            let own: BTreeSet<Edge> = reached
                .iter()
                .filter(|(caller, _)| stack.callers.contains(caller))
                .cloned()
                .collect();
            let (must, may) = (stack.must(), stack.may());
            if let Some(edge) = must.difference(&own).next() {
                self.violated(&format!(
                    "after {who}: {name} cannot reach what it must all the time: {edge:?}"
                ));
            }
            if let Some(edge) = own.difference(&may).next() {
                self.violated(&format!(
                    "after {who}: {name} reaches what no version of it says: {edge:?}"
                ));
            }
        }
    }

    fn lowered(&self, sketch: &Sketch) -> Rc<Desired> {
        let partner = self.partner.borrow().clone().unwrap_or_default();
        let text = sketch.text(&partner);
        let mut lowered = self.lowered.borrow_mut();
        let desired = lowered
            .entry(text.clone())
            .or_insert_with(|| Rc::new(wanted(&[&text])));
        Rc::clone(desired)
    }

    async fn play(&self) {
        self.prepare().await;
        let chance = Chance::of(self.seed, 2);
        let mut engines: Vec<Vec<Command>> = Vec::new();
        let mut last: BTreeMap<String, Command> = BTreeMap::new();
        for (number, (name, owns)) in [("alpha", true), ("beta", false), ("gamma", false)]
            .into_iter()
            .enumerate()
        {
            if number > 0 && chance.one_in(3) && self.sabotage.is_none() {
                continue;
            }
            let mut sketch = Sketch::draw(name, owns, &chance);
            let mut commands = Vec::new();
            for _ in 0..=chance.below(3) {
                commands.push(match chance.below(8) {
                    0 if !commands.is_empty() => Command::Destroy(sketch.clone()),
                    1 if !commands.is_empty() => Command::Revert(sketch.clone()),
                    _ => Command::Apply(sketch.clone()),
                });
                if let Some(Command::Apply(_)) = commands.last() {
                    sketch = sketch.changed(&chance);
                }
            }
            // What was destroyed is not reverted, but applied.
            for at in 1..commands.len() {
                if matches!(commands[at - 1], Command::Destroy(_)) {
                    let sketch = commands[at].sketch().clone();
                    commands[at] = Command::Apply(sketch);
                }
            }
            // What is reverted is what was applied.
            for at in 1..commands.len() {
                if matches!(commands[at], Command::Revert(_) | Command::Destroy(_)) {
                    let before = commands[at - 1].sketch().clone();
                    commands[at] = match commands[at] {
                        Command::Revert(_) => Command::Revert(before),
                        _ => Command::Destroy(before),
                    };
                }
            }
            let in_play = InPlay {
                versions: vec![sketch.nothing()],
                running: 0,
                callers: sketch.callers(),
            };
            self.stacks.borrow_mut().insert(name.to_owned(), in_play);
            if let Some(it) = commands.last() {
                last.insert(name.to_owned(), it.clone());
            }
            // Two runs of one commit, as two pipelines start them.
            if commands.len() == 1 && chance.one_in(3) {
                engines.push(commands.clone());
            }
            engines.push(commands);
        }
        let runs = engines
            .iter()
            .enumerate()
            .map(|(number, it)| self.engine(number as u64, it));
        let people = futures::future::join(self.foreign_writer(), self.saboteur());
        futures::future::join(futures::future::join_all(runs), people).await;
        sleep(Duration::from_mins(15)).await;
        self.converge(&last).await;
    }

    /// What is there before any stack: a topic and an API of somebody else's, with statements of theirs.
    async fn prepare(&self) {
        make_topic(&self.sandbox, ORDERS, LENT_TOPIC).await;
        let owner = wanted(&[&format!(
            "[stack]\nname = \"owner\"\nregion = \"eu-west-1\"\n[accounts.orders]\nid = \"{ORDERS}\"\n\
             [apis.{LENT_API}]\naccount = \"orders\"\nstage = \"live\"\n[apis.{LENT_API}.routes]\n\"GET /orders\" = {{ mock = 200 }}\n"
        )]);
        apply(&owner, &self.sandbox).await;
        let all = send(
            &self.sandbox,
            ORDERS,
            apigateway::GetRestApis { position: None },
        );
        let id = all.await.items.first().map(|it| it.id.clone());
        *self.partner.borrow_mut() = id;
        for which in [LENT_TOPIC, LENT_API] {
            let first = self.statement(which, 0);
            let policy = json!({"Version": "2012-10-17", "Statement": [first]});
            assert!(self.write(which, &policy).await, "nothing else is going on");
            let mut foreign = self.foreign.borrow_mut();
            foreign.entry(which).or_default().insert(first.to_string());
        }
    }

    fn statement(&self, which: &str, number: u64) -> Value {
        let (action, resource) = if which == LENT_TOPIC {
            (
                "SNS:Publish",
                format!("arn:aws:sns:eu-west-1:{ORDERS}:{LENT_TOPIC}"),
            )
        } else {
            let id = self.partner.borrow().clone().unwrap_or_default();
            (
                "execute-api:Invoke",
                format!("arn:aws:execute-api:eu-west-1:{ORDERS}:{id}/*"),
            )
        };
        json!({
            "Sid": format!("Human{number}"), "Effect": "Deny", "Principal": {"AWS": format!("arn:aws:iam::{BILLING}:root")},
            "Action": action, "Resource": resource,
            "Condition": {"StringEquals": {"aws:PrincipalTag/team": format!("none{number}")}},
        })
    }

    async fn policy(&self, which: &str) -> Value {
        let text = if which == LENT_TOPIC {
            let arn = format!("arn:aws:sns:eu-west-1:{ORDERS}:{LENT_TOPIC}");
            let call = sns::GetTopicAttributes { arn };
            let found = send(&self.sandbox, ORDERS, call).await;
            found.get("Policy").cloned().unwrap_or_default()
        } else {
            let call = apigateway::GetRestApis { position: None };
            let all = send(&self.sandbox, ORDERS, call).await;
            let lent = all.items.into_iter().find(|it| it.name == LENT_API);
            lent.and_then(|it| it.policy).unwrap_or_default()
        };
        let text = text.replace("\\\"", "\"").replace("\\/", "/");
        let empty = json!({"Version": "2012-10-17", "Statement": []});
        serde_json::from_str(&text).unwrap_or(empty)
    }

    /// Writes a shared document once; whether AWS took it.
    async fn write(&self, which: &str, policy: &Value) -> bool {
        let place = crate::world::place(ORDERS);
        if which == LENT_TOPIC {
            let call = sns::SetTopicAttributes {
                arn: format!("arn:aws:sns:eu-west-1:{ORDERS}:{LENT_TOPIC}"),
                name: "Policy".to_owned(),
                value: policy.to_string(),
            };
            return provision::cloud::call(&self.sandbox, &place, call)
                .await
                .is_ok();
        }
        let call = apigateway::UpdateRestApi {
            id: self.partner.borrow().clone().unwrap_or_default(),
            patches: vec![apigateway::Patch::replace("/policy", policy.to_string())],
        };
        provision::cloud::call(&self.sandbox, &place, call)
            .await
            .is_ok()
    }

    /// Adds a statement to a shared document, or takes it out, as a careful person does: looks again, and
    /// does it again where another writer has replaced it.
    async fn rewrite(&self, which: &str, statement: &Value, there: bool) {
        loop {
            let mut policy = self.policy(which).await;
            let all = policy["Statement"].as_array_mut().expect("a list");
            all.retain(|it| it != statement);
            if there {
                all.insert(0, statement.clone());
            }
            if !self.write(which, &policy).await {
                // Another change is under way, or there are too many: what was read is old by then.
                sleep(Duration::from_secs(1)).await;
                continue;
            }
            sleep(Duration::from_millis(1500)).await;
            let now = self.policy(which).await;
            let all = now["Statement"].as_array().expect("a list");
            if all.contains(statement) == there {
                return;
            }
        }
    }

    async fn foreign_writer(&self) {
        if !self.has(Class::ForeignWriter) {
            return;
        }
        let chance = Chance::of(self.seed, 3);
        for number in 1..5 {
            sleep(chance.millis(500, 20_000)).await;
            let which = *chance.pick(&[LENT_TOPIC, LENT_API]);
            let statement = self.statement(which, number % 3);
            let there = !chance.one_in(4) || number % 3 == 0;
            self.rewrite(which, &statement, there).await;
            let number = self.next_call();
            self.note(number, &format!("a person writes {which} {there}"));
            let mut foreign = self.foreign.borrow_mut();
            let wanted = foreign.entry(which).or_default();
            if there {
                wanted.insert(statement.to_string());
            } else {
                wanted.remove(&statement.to_string());
            }
        }
    }

    /// Whether a sabotage would make a difference now.
    fn bites(&self, sabotage: Sabotage) -> bool {
        let reached = Snapshot::of(&self.sandbox).reached();
        let lent = |edge: &Edge| edge.1.1.ends_with(&format!(":{LENT_TOPIC}"));
        let stacks = self.stacks.borrow();
        match sabotage {
            Sabotage::Cuts => stacks.values().any(|it| it.must().iter().any(lent)),
            _ => stacks.values().any(|it| {
                let there = |caller: &&String| reached.iter().any(|(who, _)| who == *caller);
                let may = it.may();
                let mut callers = it.callers.iter().filter(there);
                callers.any(|who| {
                    who.contains(ORDERS) && !may.iter().any(|edge| edge.0 == *who && lent(edge))
                })
            }),
        }
    }

    /// Breaks something on purpose, once there is something to break.
    async fn saboteur(&self) {
        let Some(sabotage) = self.sabotage.filter(|it| *it != Sabotage::HidesForeign) else {
            return;
        };
        for _ in 0..400 {
            sleep(Duration::from_millis(700)).await;
            if !self.bites(sabotage) {
                continue;
            }
            let mut policy = self.policy(LENT_TOPIC).await;
            let all = policy["Statement"].as_array_mut().expect("a list");
            if sabotage == Sabotage::Cuts {
                all.retain(|it| {
                    !it["Sid"]
                        .as_str()
                        .unwrap_or_default()
                        .starts_with("Provision")
                });
            } else {
                all.push(json!({
                    "Sid": "Provision00000000Open", "Effect": "Allow", "Principal": {"AWS": "*"},
                    "Action": "SNS:Publish",
                    "Resource": format!("arn:aws:sns:eu-west-1:{ORDERS}:{LENT_TOPIC}"),
                }));
            }
            if self.write(LENT_TOPIC, &policy).await {
                self.bitten.set(true);
                self.check("the saboteur");
                return;
            }
        }
    }

    /// Carries commands out one after the other, each again when it was killed or failed.
    async fn engine(&self, number: u64, commands: &[Command]) {
        let chance = Chance::of(self.seed, 100 + number);
        for (at, command) in commands.iter().enumerate() {
            sleep(chance.millis(0, 3_000)).await;
            for attempt in 0..3 {
                let stream = 1_000 + number * 100 + at as u64 * 10 + attempt;
                if self.run(command, &format!("engine {number}"), stream).await {
                    break;
                }
                sleep(chance.millis(500, 20_000)).await;
            }
        }
    }

    /// One run of a command; whether it came off.
    async fn run(&self, command: &Command, who: &str, stream: u64) -> bool {
        let sketch = command.sketch();
        let who = format!("{who} {} {}", command.word(), sketch.name);
        self.runs.set(self.runs.get() + 1);
        {
            let mut stacks = self.stacks.borrow_mut();
            let stack = stacks.get_mut(&sketch.name).expect("a stack");
            stack.add(&command.end());
            stack.running += 1;
        }
        let gate = Gate::of(self, who, stream);
        let outcome = tokio::select! {
            biased;
            () = gate.killed.notified() => None,
            outcome = self.carry_out(command, &gate, stream) => Some(outcome),
        };
        gate.over.set(true);
        let done =
            outcome.is_some_and(|it| it.is_some_and(|(it, _)| it.all_done() && !it.interrupted));
        let mut stacks = self.stacks.borrow_mut();
        let stack = stacks.get_mut(&sketch.name).expect("a stack");
        stack.running -= 1;
        if done && stack.running == 0 && !matches!(command, Command::Revert(_)) {
            stack.versions = vec![command.end()];
            drop(stacks);
            self.check("a run that said it was done");
        }
        done
    }

    /// How its steps ended, and how many writes it sent; `None` when it did not begin.
    async fn carry_out(
        &self,
        command: &Command,
        gate: &Gate<'_>,
        stream: u64,
    ) -> Option<(Outcomes, u64)> {
        let desired = self.lowered(command.sketch());
        let seam = Seam::around(gate);
        let places = desired.reached();
        let live = survey::survey(&desired.stack, &desired.wants, &places, &seam);
        let live = live.await.ok()?;
        let plan = match command {
            Command::Apply(_) => Plan::between(&desired, &live, &Consent::default()),
            Command::Destroy(_) => Plan::of_destruction(&desired, &live.clone().into()),
            Command::Revert(_) => {
                let plan = Plan::between(&desired, &live, &Consent::default());
                let chance = Chance::of(self.seed, stream);
                let some = plan
                    .to_do()
                    .filter(|it| it.want.is_some() && it.have.is_some());
                let some = some.filter(|_| !chance.one_in(3));
                let some = some.map(|it| it.address.clone()).collect();
                plan.only(&some, &desired, &live)
            }
        };
        if !plan.refusals.is_empty() {
            let number = self.calls.get();
            self.note(number, &format!("refused: {:?}", plan.refusals));
            return None;
        }
        let chance = Chance::of(self.seed, stream + 7);
        let interrupted = !self.calm.get() && self.has(Class::Interrupts) && chance.one_in(3);
        let presses = u64::from(interrupted) * (1 + chance.below(2));
        let presses = stream::iter(0..presses).then(|_| {
            let pause = chance.millis(100, 8_000);
            async move { sleep(pause).await }
        });
        let presses = presses.chain(stream::pending());
        let outcomes = execute::run(&plan, &seam, live.ids(), presses, &|_| ()).await;
        Some((outcomes, seam.ledger().writes()))
    }

    /// Lets every stack's last command arrive, now that nothing goes wrong any more.
    async fn converge(&self, last: &BTreeMap<String, Command>) {
        self.calm.set(true);
        let mut told = Vec::new();
        for (name, command) in last {
            let command = match command {
                Command::Revert(it) => Command::Apply(it.clone()),
                other => other.clone(),
            };
            let mut arrived = false;
            for run in 0..4_u64 {
                let gate = Gate::of(self, format!("calm {}", command.word()), 90_000 + run);
                {
                    let mut stacks = self.stacks.borrow_mut();
                    stacks.get_mut(name).expect("a stack").add(&command.end());
                }
                let ended = self.carry_out(&command, &gate, 91_000 + run).await;
                let Some((outcomes, writes)) = ended else {
                    told.push(format!("{name}: a calm run could not begin"));
                    continue;
                };
                if !outcomes.all_done() {
                    told.push(format!("{name}: {:?}", outcomes.steps));
                    continue;
                }
                let mut stacks = self.stacks.borrow_mut();
                let stack = stacks.get_mut(name).expect("a stack");
                stack.versions = vec![command.end()];
                drop(stacks);
                self.check("a calm run");
                if writes == 0 {
                    arrived = true;
                    break;
                }
            }
            if !arrived {
                self.violated(&format!(
                    "{name} does not arrive in three calm runs: {told:?}"
                ));
            }
        }
        self.check_end();
    }

    /// Checks what must hold at the end.
    fn check_end(&self) {
        for (which, wanted) in self.foreign.borrow().iter() {
            let there: BTreeSet<String> = self
                .foreign_now(which)
                .into_iter()
                .filter(|it| !it.contains("__default_statement_ID"))
                .collect();
            if there != *wanted {
                self.violated(&format!(
                    "what somebody else wrote into {which} is not as it was written: {there:?} and not {wanted:?}"
                ));
            }
        }
        let mut marks: BTreeMap<String, u32> = BTreeMap::new();
        let mut count = |tags: &Value| {
            if let (Some(stack), Some(address)) = (
                tags["provision:stack"].as_str(),
                tags["provision:address"].as_str(),
            ) {
                *marks.entry(format!("{stack} {address}")).or_default() += 1;
            }
        };
        let picture = self.sandbox.picture();
        for (_, account) in fields(&picture) {
            fields(&account["roles"]).for_each(|(_, it)| count(&it["tags"]));
            for (_, region) in fields(&account["regions"]) {
                fields(&region["topics"]).for_each(|(_, it)| count(&it["tags"]));
                fields(&region["queues"]).for_each(|(_, it)| count(&it["tags"]));
                fields(&region["apis"]).for_each(|(_, it)| count(&it["about"]["tags"]));
            }
        }
        if let Some((mark, count)) = marks.iter().find(|(_, count)| **count > 1) {
            self.violated(&format!("{count} resources bear the mark {mark}"));
        }
    }
}

impl Ending {
    /// The log and what came of it, to be read.
    pub(crate) fn story(&self) -> String {
        let mut text = self.log.join("\n");
        let _ = write!(
            text,
            "\n{}",
            self.violation.as_deref().unwrap_or("nothing was violated")
        );
        text
    }
}
