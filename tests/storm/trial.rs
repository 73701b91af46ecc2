//! One storm: what a seed draws, what must hold after every call, and how it ends.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use provision::cloud::sandbox::Habits;
use provision::cloud::{Sandbox, apigateway, iam, sns, sqs};
use provision::model::AccountId;
use provision::policy::Statement;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::chance::Chance;
use crate::command::{Command, Verb};
use crate::gate::{Class, Gate};
use crate::laws::InPlay;
use crate::operator::{BILLING, ORDERS, SHOP, make_topic, send};
use crate::sight::{ApiNames, Holder, Sight};
use crate::sketch::{Edge, LENT_API, LENT_TOPIC, Sketch};
use crate::world::{apply, wanted};

/// How old what a reader of IAM sees may be.
pub(crate) const STALE_IAM: Duration = Duration::from_secs(3);
/// How old what any other reader sees may be. The rules for shared documents hold as long as a read and the write that
/// rests on it are less than half a second further apart than their own clocks say; 0.2 s of it is the way.
pub(crate) const STALE: Duration = Duration::from_millis(250);

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
    pub(crate) stacks: RefCell<BTreeMap<String, InPlay>>,
    /// How often the versions that may be in force have changed.
    pub(crate) generation: Cell<u64>,
    /// What every API was called that was seen so far.
    pub(crate) api_names: RefCell<ApiNames>,
    /// What was checked last.
    pub(crate) checked: RefCell<Option<(u64, Sight)>>,
    /// What the shared documents held before any stack wrote into them.
    pub(crate) first: RefCell<BTreeMap<Holder, Vec<Statement>>>,
    /// What the foreign writer wants in the shared documents.
    pub(crate) foreign: RefCell<BTreeMap<&'static str, BTreeSet<String>>>,
    /// What no stack has anything to do with, as it was at first.
    pub(crate) stranger: RefCell<Value>,
    /// Queues that some command lets go of, by name.
    pub(crate) forgotten: RefCell<BTreeSet<String>>,
    /// Those of them that were there when they were let go of.
    pub(crate) let_go: RefCell<BTreeSet<String>>,
    /// Whether the engines take the lease of their stack.
    pub(crate) leased: bool,
    /// Whether a dead run is known to be dead, since all run on one machine.
    pub(crate) one_machine: bool,
    /// How often the lease of each stack was taken, and the runs that hold it.
    leases: RefCell<BTreeMap<String, (u64, BTreeSet<String>)>>,
    dead: RefCell<BTreeSet<String>>,
    /// The cloud as it was a moment ago, each with when it ceased to be so.
    past: RefCell<VecDeque<(Instant, Rc<Sandbox>)>>,
    /// The command of each stack that was begun last.
    last: RefCell<BTreeMap<String, Command>>,
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
            generation: Cell::new(0),
            api_names: RefCell::default(),
            checked: RefCell::default(),
            first: RefCell::default(),
            foreign: RefCell::default(),
            stranger: RefCell::default(),
            forgotten: RefCell::default(),
            let_go: RefCell::default(),
            leased: chance.one_in(2),
            one_machine: chance.one_in(2),
            leases: RefCell::default(),
            dead: RefCell::default(),
            past: RefCell::default(),
            last: RefCell::default(),
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

    pub(crate) fn partner(&self) -> String {
        self.partner.borrow().clone().unwrap_or_default()
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// How often the lease of a stack was taken.
    pub(crate) fn takes(&self, stack: &str) -> u64 {
        self.leases.borrow().get(stack).map_or(0, |it| it.0)
    }

    pub(crate) fn hold_lease(&self, stack: &str, run: &str) {
        let mut leases = self.leases.borrow_mut();
        let (takes, holders) = leases.entry(stack.to_owned()).or_default();
        *takes += 1;
        if let Some(other) = holders.first() {
            self.violated(&format!(
                "{run} has the lease of {stack}, and {other} has it, too"
            ));
        }
        holders.insert(run.to_owned());
    }

    pub(crate) fn let_go_of_lease(&self, stack: &str, run: &str) {
        if let Some((_, holders)) = self.leases.borrow_mut().get_mut(stack) {
            holders.remove(run);
        }
    }

    pub(crate) fn is_dead(&self, run: &str) -> bool {
        self.dead.borrow().contains(run)
    }

    /// Keeps the cloud as it is, for those who still read it a moment after it has changed.
    pub(crate) fn remember(&self) {
        if self.calm.get() || !self.has(Class::StaleReads) {
            return;
        }
        let now = Instant::now();
        let mut past = self.past.borrow_mut();
        past.retain(|(until, _)| *until + STALE_IAM > now);
        past.push_back((now, Rc::new(self.sandbox.fork())));
    }

    /// The cloud as it was so long ago; `None` where nothing has changed since.
    pub(crate) fn past(&self, ago: Duration) -> Option<Rc<Sandbox>> {
        let now = Instant::now();
        let past = self.past.borrow();
        let then = past.iter().find(|(until, _)| *until + ago > now);
        then.map(|(_, it)| Rc::clone(it))
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

    async fn play(&self) {
        self.prepare().await;
        let chance = Chance::of(self.seed, 2);
        let mut engines: Vec<Vec<Command>> = Vec::new();
        for (number, (name, owns)) in [("alpha", true), ("beta", false), ("gamma", false)]
            .into_iter()
            .enumerate()
        {
            if number > 0 && chance.one_in(3) && self.sabotage.is_none() {
                continue;
            }
            let sketch = Sketch::draw(name, owns, &chance);
            let commands = Command::draw(sketch.clone(), &chance);
            let in_play = InPlay {
                versions: vec![sketch.nothing()],
                running: 0,
                begun: 0,
                callers: sketch.callers(),
            };
            self.stacks.borrow_mut().insert(name.to_owned(), in_play);
            let forgets = commands.iter().any(|it| matches!(it.verb, Verb::Forget));
            if self.leased && !forgets && chance.one_in(3) {
                // Two people with two versions: the lease keeps them apart.
                engines.push(vec![Command::apply(&sketch.changed(&chance))]);
            } else if commands.len() == 1 && chance.one_in(3) {
                // Two runs of one commit, as two pipelines start them.
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
        sleep(Duration::from_mins(20)).await;
        self.converge().await;
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
        let inbox = sqs::CreateQueue {
            name: "human-inbox".to_owned(),
            attributes: BTreeMap::new(),
            tags: BTreeMap::new(),
        };
        send(&self.sandbox, BILLING, inbox).await;
        self.make_role("human").await;
        *self.stranger.borrow_mut() = self.strangers();
        for which in [LENT_TOPIC, LENT_API] {
            let first = self.statement(which, 0);
            let policy = json!({"Version": "2012-10-17", "Statement": [first]});
            assert!(self.write(which, &policy).await, "nothing else is going on");
            let mut foreign = self.foreign.borrow_mut();
            foreign.entry(which).or_default().insert(first.to_string());
        }
        self.remember_first();
    }

    async fn make_role(&self, name: &str) {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
        }]});
        let role = iam::CreateRole {
            name: name.to_owned(),
            path: "/".to_owned(),
            trust: trust.to_string(),
            description: None,
            max_session: 3600,
            boundary: None,
            tags: BTreeMap::new(),
        };
        send(&self.sandbox, BILLING, role).await;
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
        let sight = self.sight();
        let lent = |edge: &Edge| edge.1.1.ends_with(&format!(":{LENT_TOPIC}"));
        let stacks = self.stacks.borrow();
        match sabotage {
            Sabotage::Cuts => stacks.values().any(|it| it.must().iter().any(lent)),
            _ => stacks.values().any(|it| {
                let there = |caller: &&String| sight.has_role(caller);
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

    /// Carries commands out one after the other, each again when it was killed or failed; a person who is stuck with
    /// a command does not go on to the next one.
    async fn engine(&self, number: u64, commands: &[Command]) {
        let chance = Chance::of(self.seed, 100 + number);
        for (at, command) in commands.iter().enumerate() {
            sleep(chance.millis(0, 3_000)).await;
            let mut done = false;
            for attempt in 0..3 {
                let stream = 1_000 + number * 100 + at as u64 * 10 + attempt;
                done = self.run(command, &format!("engine {number}"), stream).await;
                if done {
                    break;
                }
                sleep(chance.millis(500, 20_000)).await;
            }
            if !done && !command.is_whole() {
                return;
            }
        }
    }

    /// Changes what is known of the versions of a stack.
    fn with_stack<T>(&self, name: &str, change: impl FnOnce(&mut InPlay) -> T) -> T {
        self.generation.set(self.generation.get() + 1);
        let mut stacks = self.stacks.borrow_mut();
        change(stacks.get_mut(name).expect("a stack"))
    }

    /// Notes that a command begins; the number of it where the stack was as the command reads it.
    fn begins(&self, command: &Command) -> Option<u64> {
        let name = &command.from.name;
        self.last.borrow_mut().insert(name.clone(), command.clone());
        if matches!(command.verb, Verb::Forget) {
            self.forgotten.borrow_mut().insert(command.from.inbox());
        }
        self.with_stack(name, |stack| {
            let in_step = stack.running == 0 && stack.versions == [command.from.clone()];
            stack.add(&command.to);
            stack.running += 1;
            stack.begun += 1;
            in_step.then_some(stack.begun)
        })
    }

    /// Notes that a command has ended, and checks what must hold then.
    fn ends(&self, command: &Command, done: bool, in_step: Option<u64>) {
        let settled = self.with_stack(&command.from.name, |stack| {
            stack.running -= 1;
            // Another run that began meanwhile may have made another version of it.
            let alone = in_step == Some(stack.begun);
            let settled = done && stack.running == 0 && (command.is_whole() || alone);
            if settled {
                stack.versions = vec![command.to.clone()];
            }
            settled
        });
        if done && matches!(command.verb, Verb::Forget) {
            let name = command.from.inbox();
            if self.has_queue(&name) {
                self.let_go.borrow_mut().insert(name);
            }
        }
        if settled {
            self.check("a run that said it was done");
        }
    }

    /// One run of a command; whether it came off.
    async fn run(&self, command: &Command, who: &str, stream: u64) -> bool {
        let name = &command.from.name;
        let who = format!("{who} {} {name}", command.word());
        self.runs.set(self.runs.get() + 1);
        let in_step = self.begins(command);
        let gate = Gate::of(self, who, stream);
        let ran = tokio::select! {
            biased;
            () = gate.killed.notified() => {
                self.dead.borrow_mut().insert(gate.run().to_owned());
                self.let_go_of_lease(name, gate.run());
                None
            }
            ran = self.carry_out(command, &gate, stream) => ran,
        };
        gate.over.set(true);
        let done = ran.is_some_and(|it| it.outcomes.all_done() && !it.outcomes.interrupted);
        self.ends(command, done, in_step);
        done
    }

    fn has_queue(&self, name: &str) -> bool {
        let picture = self.sandbox.picture();
        picture[BILLING]["regions"]["eu-west-1"]["queues"][name].is_object()
    }

    /// Lets every stack's last command arrive, now that nothing goes wrong any more.
    async fn converge(&self) {
        self.calm.set(true);
        let last = self.last.borrow().clone();
        let mut stream = 90_000;
        for (name, command) in &last {
            // What was never made, or destroyed meanwhile, is made before it is let go of.
            if matches!(command.verb, Verb::Forget) && !self.has_queue(&command.from.inbox()) {
                stream += 10;
                let who = format!("calm apply {name}");
                if !self.run(&Command::apply(&command.from), &who, stream).await {
                    self.violated(&format!("{who} does not come off"));
                }
            }
            // A command that edits is its own resume; what was due before it is left to the next apply.
            if !command.is_whole() {
                stream += 10;
                let who = format!("calm {} {name}", command.word());
                if !self.run(command, &who, stream).await {
                    self.violated(&format!("{who} does not come off"));
                }
            }
            let command = match command.verb {
                Verb::Destroy => command.clone(),
                _ => Command::apply(&command.to),
            };
            let who = format!("calm {} {name}", command.word());
            let mut seen = Vec::new();
            let mut arrived = false;
            for _ in 0..4 {
                stream += 10;
                let in_step = self.begins(&command);
                let gate = Gate::of(self, who.clone(), stream);
                let ran = self.carry_out(&command, &gate, stream).await;
                let done = ran.as_ref().is_some_and(|it| it.outcomes.all_done());
                self.ends(&command, done, in_step);
                arrived = done && ran.as_ref().is_some_and(|it| it.writes == 0);
                if arrived {
                    break;
                }
                seen.push(ran.map(|it| (it.writes, it.outcomes.steps)));
            }
            if !arrived {
                self.violated(&format!(
                    "{name} does not arrive in three calm runs: {seen:?}"
                ));
            }
        }
        self.check_end();
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
