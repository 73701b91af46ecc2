//! `--deadline`: how long a command may take.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// When a command is to end, and whether it has begun to write.
#[derive(Clone, Debug)]
pub(super) struct Deadline {
    pub time: Duration,
    at: Instant,
    writes: Rc<Cell<bool>>,
}

impl Deadline {
    /// A deadline this long from now.
    pub(super) fn of(time: Duration) -> Self {
        Self {
            time,
            at: Instant::now() + time,
            writes: Rc::default(),
        }
    }

    /// Notes that from here on a run must end in order.
    pub(super) fn begin_to_write(&self) {
        self.writes.set(true);
    }

    /// Ends when the deadline passes.
    pub(super) async fn passed(&self) {
        sleep_until(self.at).await;
    }

    /// Ends when the deadline passes and nothing was written; else never.
    pub(super) async fn passed_while_reading(&self) {
        self.passed().await;
        if self.writes.get() {
            pending::<()>().await;
        }
    }
}
