//! What engines do in a storm: each command as the command line does it, from what it reads to how its steps ended.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;

use futures::stream::{self, StreamExt};
use provision::cloud::{Cloud, Seam};
use provision::execute::lease::{Ground, Holder, Lease, TERM};
use provision::execute::{self, Outcomes};
use provision::kinds::survey::{self, Live};
use provision::lower::Desired;
use provision::model::{Address, KindName};
use provision::onboard::{Answers, Candidate, candidate, joined, parted, released};
use provision::plan::{Action, Consent, Plan};
use provision::stack::Source;
use tokio::time::sleep;

use crate::chance::Chance;
use crate::gate::{Class, Gate};
use crate::operator::SHOP;
use crate::sketch::Sketch;
use crate::trial::Trial;

/// What a command is, with what it is told beside the stack.
#[derive(Clone, Debug)]
pub(crate) enum Verb {
    Apply,
    Destroy,
    /// Puts back what drifted, some of it.
    Revert,
    Onboard(Box<Answers>),
    /// Lets the consumer of this name go.
    Offboard(String),
    /// Lets go of the stack's queue.
    Forget,
}

/// One command: the stack that it reads, and the one that is in force once it has ended.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) verb: Verb,
    pub(crate) from: Sketch,
    pub(crate) to: Sketch,
}

/// What a run did that could begin.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) outcomes: Outcomes,
    pub(crate) writes: u64,
}

impl Command {
    pub(crate) fn apply(sketch: &Sketch) -> Self {
        Self {
            verb: Verb::Apply,
            from: sketch.clone(),
            to: sketch.clone(),
        }
    }

    /// What one engine does with a stack, one command after the other.
    pub(crate) fn draw(mut file: Sketch, chance: &Chance) -> Vec<Self> {
        let mut commands = vec![Self::apply(&file)];
        for _ in 0..chance.below(4) {
            let was_destroyed = commands
                .last()
                .is_some_and(|it| matches!(it.verb, Verb::Destroy));
            let drawn = match chance.below(12) {
                // What was destroyed is applied, and nothing else.
                _ if was_destroyed => None,
                0 => Some((Verb::Destroy, file.nothing())),
                1 => Some((Verb::Revert, file.clone())),
                2..=4 => file
                    .joining(chance)
                    .map(|(to, answers)| (Verb::Onboard(Box::new(answers)), to)),
                5 | 6 => file
                    .parting(chance)
                    .map(|(to, name)| (Verb::Offboard(name), to)),
                7 | 8 => file.forgetting().map(|to| (Verb::Forget, to)),
                _ => None,
            };
            let Some((verb, to)) = drawn else {
                file = file.changed(chance);
                commands.push(Self::apply(&file));
                continue;
            };
            let from = file.clone();
            if !matches!(verb, Verb::Destroy) {
                file = to.clone();
            }
            commands.push(Self { verb, from, to });
        }
        commands
    }

    pub(crate) fn word(&self) -> &'static str {
        match self.verb {
            Verb::Apply => "apply",
            Verb::Destroy => "destroy",
            Verb::Revert => "revert",
            Verb::Onboard(_) => "onboard",
            Verb::Offboard(_) => "offboard",
            Verb::Forget => "forget",
        }
    }

    /// Whether it brings the whole stack in step, whatever ran before.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.verb, Verb::Apply | Verb::Destroy)
    }
}

fn sources(text: String) -> Vec<Source> {
    let name = "it.toml".to_owned();
    vec![Source { name, text }]
}

fn no_files(name: &str) -> Result<String, String> {
    Err(format!("there is no {name}"))
}

/// What is planned, and what of it is to be carried out, one part after the other.
struct Planned {
    parts: Vec<Plan>,
    ids: BTreeMap<Address, String>,
    leased: bool,
}

impl Trial {
    fn candidate(&self, sketch: &Sketch) -> Candidate {
        let all = sources(sketch.text(&self.partner()));
        match candidate(all, &no_files) {
            Ok(it) => it,
            Err(unfit) => panic!("{:?}", unfit.sentences()),
        }
    }

    /// Sees to it that the text which a command writes wants what its sketch does.
    fn same(&self, command: &Command, written: &Desired) {
        let wanted = self.lowered(&command.to);
        let resources = |it: &Desired| -> Vec<_> {
            let wants = it.wants.iter();
            wants
                .map(|(at, want)| (at.clone(), want.owned, want.resource.clone()))
                .collect()
        };
        if resources(&wanted) != resources(written) {
            self.violated(&format!(
                "{} writes another stack than {:?}",
                command.word(),
                command.to
            ));
        }
    }

    /// Reads, plans, takes the lease, writes and gives the lease back, as a command does; `None` where it ends
    /// before it writes.
    pub(crate) async fn carry_out(
        &self,
        command: &Command,
        gate: &Gate<'_>,
        stream: u64,
    ) -> Option<Ran> {
        let seam = Seam::around(gate);
        let stack = &command.from.name;
        let takes_before = self.takes(stack);
        let planned = self.planned(command, &seam, stream).await?;
        for plan in &planned.parts {
            if !plan.refusals.is_empty() {
                let number = self.calls();
                self.note(number, &format!("refused: {:?}", plan.refusals));
                return None;
            }
        }
        let clock = || seam.now();
        let lease = if self.leased && planned.parts.iter().any(|it| !it.is_empty()) {
            let taken = self.take(stack, gate, &seam, &clock, &planned, takes_before);
            Some(taken.await?)
        } else {
            None
        };
        let chance = Chance::of(self.seed, stream + 7);
        let interrupted = !self.calm.get() && self.has(Class::Interrupts) && chance.one_in(3);
        let mut presses = u64::from(interrupted) * (1 + chance.below(2));
        let mut outcomes = Outcomes::default();
        for (number, plan) in planned.parts.iter().enumerate() {
            if number > 0 && (outcomes.interrupted || !outcomes.all_done()) {
                break;
            }
            if plan.is_empty() {
                continue;
            }
            let pressed = stream::iter(0..presses).then(|_| {
                let pause = chance.millis(100, 8_000);
                async move { sleep(pause).await }
            });
            presses = 0;
            let pressed = pressed.chain(stream::pending());
            let lost = stream::once(async {
                match &lease {
                    Some(lease) => {
                        let why = lease.keep().await;
                        self.let_go_of_lease(stack, gate.run());
                        self.note(
                            self.calls(),
                            &format!("{} loses the lease: {why}", gate.who()),
                        );
                    }
                    None => pending().await,
                }
            });
            let stops = stream::select(Box::pin(pressed), Box::pin(lost));
            let ran = execute::run(plan, &seam, planned.ids.clone(), stops, &|_| ()).await;
            outcomes = if number == 0 { ran } else { outcomes.and(ran) };
        }
        if let Some(lease) = lease {
            self.let_go_of_lease(stack, gate.run());
            lease.release().await.ok();
        }
        let writes = seam.ledger().writes();
        Some(Ran { outcomes, writes })
    }

    async fn planned(&self, command: &Command, seam: &Seam<'_>, stream: u64) -> Option<Planned> {
        let file = if matches!(command.verb, Verb::Onboard(_)) {
            &command.to
        } else {
            &command.from
        };
        let mut desired = (*self.lowered(file)).clone();
        if matches!(command.verb, Verb::Offboard(_)) {
            desired = desired.with_subscriptions_at_topics();
        }
        let places = desired.reached();
        let live = survey::survey(&desired.stack, &desired.wants, &places, seam).await;
        let live = live.ok()?;
        let mut ids = live.ids();
        let parts = match &command.verb {
            Verb::Apply => vec![Plan::between(&desired, &live, &Consent::default())],
            Verb::Destroy => vec![Plan::of_destruction(&desired, &live.clone().into())],
            Verb::Revert => vec![self.reverted(&desired, &live, stream)],
            Verb::Onboard(answers) => {
                let before = self.candidate(&command.from);
                let texts = joined(&before.sources, 0, &before.stack, answers);
                match candidate(texts.expect("it is TOML"), &no_files) {
                    Ok(it) => self.same(command, &it.desired),
                    Err(unfit) => self.violated(&format!("onboard: {:?}", unfit.sentences())),
                }
                let mut plan = Plan::between(&desired, &live, &Consent::default());
                let removes = |it: &provision::plan::Step| it.action == Action::Delete;
                plan.steps.retain(|it| it.want.is_some() || !removes(it));
                vec![plan]
            }
            Verb::Offboard(name) => {
                let before = self.candidate(&command.from);
                let consumer = (name.as_str(), None);
                match parted(&before.sources, &before.stack, consumer, &[], &no_files) {
                    Ok(it) => self.same(command, &it.after.desired),
                    Err(why) => self.violated(&format!("offboard: {why:?}")),
                }
                let after = self.lowered(&command.to);
                vec![Plan::of_departure(&desired, &after, &live)]
            }
            Verb::Forget => {
                let queue = Address::new(KindName::Queue, command.from.inbox());
                let named = BTreeSet::from([queue]);
                let before = self.candidate(&command.from);
                match released(&before, &named, &live.ids(), &no_files) {
                    Ok(it) => self.same(command, &it.after.desired),
                    Err(unfit) => self.violated(&format!("forget: {:?}", unfit.sentences())),
                }
                let orphans = live.orphans.iter();
                ids.extend(orphans.map(|it| (it.address.clone(), it.have.id.clone())));
                let after = self.lowered(&command.to);
                let plan = Plan::of_release(&desired, &after, &live, &named);
                let marks = [false, true].map(|staying| plan.of_api_marks(&after, staying));
                std::iter::once(plan).chain(marks).collect()
            }
        };
        Some(Planned {
            parts,
            ids,
            leased: live.leased,
        })
    }

    fn reverted(&self, desired: &Desired, live: &Live, stream: u64) -> Plan {
        let plan = Plan::between(desired, live, &Consent::default());
        let chance = Chance::of(self.seed, stream);
        let some = plan
            .to_do()
            .filter(|it| it.want.is_some() && it.have.is_some());
        let some = some.filter(|_| !chance.one_in(3));
        let some = some.map(|it| it.address.clone()).collect();
        plan.only(&some, desired, live)
    }

    /// Takes the lease, and sees to it that no other run has it; `None` where the run may not go on.
    async fn take<'a>(
        &self,
        stack: &str,
        gate: &Gate<'_>,
        cloud: &'a dyn Cloud,
        clock: &'a dyn Fn() -> i64,
        planned: &Planned,
        takes_before: u64,
    ) -> Option<Lease<'a>> {
        let since = clock();
        let holder = Holder {
            run: gate.run().to_owned(),
            user: "storm".to_owned(),
            host: "storm".to_owned(),
            process: gate.run().to_owned(),
            command: "apply".to_owned(),
            since,
            until: since + TERM,
        };
        let is_dead = |it: &Holder| self.one_machine && self.is_dead(&it.run);
        let ground = Ground::of(stack, &crate::world::place(SHOP), cloud, clock);
        let (lease, before) = match ground.take(holder, &is_dead).await {
            Ok(taken) => taken,
            Err(error) => {
                self.note(self.calls(), &format!("{}: {error}", gate.who()));
                return None;
            }
        };
        // A run that took the lease and gave it back since this one read is not covered: ARCHITECTURE.md says so.
        let is_overtaken = planned.leased && before.is_none() || self.takes(stack) != takes_before;
        self.hold_lease(stack, gate.run());
        if is_overtaken {
            self.let_go_of_lease(stack, gate.run());
            lease.release().await.ok();
            return None;
        }
        Some(lease)
    }
}
