//! How long new principals stay unseen: one step finds out, the others wait for what it finds.
//!
//! A role that IAM has just made is unknown to every service for some seconds. A
//! policy that names one is refused meanwhile, and a run that makes fifty such
//! policies would ask fifty times over. So the first step that names a new role
//! is the scout: it tries until it is heard. How old its role was then is how old
//! the others' are let grow before they try. What the scout found is no promise:
//! a step that is refused all the same goes on trying by itself.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::model::Address;

/// What a run knows of how soon principals are seen.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// How old a principal was when it was seen; `None` until one was.
    age: Cell<Option<Duration>>,
    scout: RefCell<Option<Address>>,
    changed: Notify,
}

/// What a step does next whose policy names a principal made by this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It tries.
    Now,
    /// Its principal is too young: it waits so long first.
    In(Duration),
    /// It waits until the scout has found something out.
    AfterTheScout,
}

impl Sight {
    /// Whose turn it is: `made` is when the youngest principal that `step` names was made.
    pub(super) fn turn(&self, step: &Address, made: Instant) -> Turn {
        if let Some(age) = self.age.get() {
            return match age.saturating_sub(made.elapsed()) {
                Duration::ZERO => Turn::Now,
                left => Turn::In(left),
            };
        }
        let mut scout = self.scout.borrow_mut();
        match &*scout {
            Some(other) if other != step => Turn::AfterTheScout,
            Some(_) => Turn::Now,
            None => {
                *scout = Some(step.clone());
                Turn::Now
            }
        }
    }

    /// Waits until a scout has found something out, or has given up.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Records that a policy of `step` was taken, which names a principal made then.
    pub(super) fn seen(&self, step: &Address, made: Instant) {
        if self.is_scout(step) {
            self.found(made.elapsed());
        }
    }

    /// Records that `step` tries no more. A scout that was never heard leaves each step to
    /// itself; one that failed of something else leaves its place to another.
    pub(super) fn left(&self, step: &Address, unheard: bool) {
        if !self.is_scout(step) {
            return;
        }
        if unheard {
            self.found(Duration::ZERO);
        } else {
            self.scout.replace(None);
            self.changed.notify_waiters();
        }
    }

    fn is_scout(&self, step: &Address) -> bool {
        self.scout.borrow().as_ref() == Some(step)
    }

    fn found(&self, age: Duration) {
        self.age.set(Some(age));
        self.scout.replace(None);
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KindName;
    use tokio::time::advance;

    fn step(name: &str) -> Address {
        Address::new(KindName::Role, name)
    }

    #[tokio::test(start_paused = true)]
    async fn one_step_tries_and_the_others_wait_until_their_principals_are_as_old() {
        let sight = Sight::default();
        let (a, b) = (step("a"), step("b"));
        let made = Instant::now();
        assert_eq!(sight.turn(&a, made), Turn::Now);
        assert_eq!(sight.turn(&b, made), Turn::AfterTheScout);
        assert_eq!(sight.turn(&a, made), Turn::Now, "the scout goes on");
        advance(Duration::from_secs(4)).await;
        sight.seen(&a, made);
        assert_eq!(sight.turn(&b, made), Turn::Now);
        let younger = made + Duration::from_secs(1);
        assert_eq!(sight.turn(&b, younger), Turn::In(Duration::from_secs(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_scout_that_fails_leaves_its_place_and_one_never_heard_frees_all() {
        let sight = Sight::default();
        let (a, b, c) = (step("a"), step("b"), step("c"));
        let made = Instant::now();
        assert_eq!(sight.turn(&a, made), Turn::Now);
        sight.left(&a, false);
        assert_eq!(sight.turn(&b, made), Turn::Now);
        assert_eq!(sight.turn(&c, made), Turn::AfterTheScout);
        sight.left(&c, true);
        assert_eq!(
            sight.turn(&c, made),
            Turn::AfterTheScout,
            "only the scout's end counts"
        );
        sight.left(&b, true);
        assert_eq!(sight.turn(&c, made), Turn::Now);
        assert_eq!(sight.turn(&a, made), Turn::Now);
    }
}
