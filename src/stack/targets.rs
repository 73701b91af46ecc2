//! What an access is to, and what it allows there.

use std::collections::BTreeSet;

use super::RouteKey;

/// On what an access is, and what it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Calling these routes of an API. A path may hold `*`; a method may be `*`.
    Api {
        /// The API's name in the stack.
        name: String,
        /// The routes.
        routes: Vec<RouteKey>,
    },
    /// Publishing to a topic.
    Topic {
        /// The topic's name in the stack.
        name: String,
    },
    /// Using a queue.
    Queue {
        /// The queue's name in the stack.
        name: String,
        /// What for; never empty.
        uses: BTreeSet<QueueUse>,
    },
}

/// What a queue is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QueueUse {
    /// Sending messages.
    Send,
    /// Receiving and deleting messages, by hand or by an event source of Lambda.
    Receive,
}

impl QueueUse {
    /// As `allow` says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
        }
    }

    /// Returns the actions that it takes.
    ///
    /// An event source of Lambda asks for all four of [`QueueUse::Receive`] but `sqs:ChangeMessageVisibility`,
    /// which batches that report single failures need.
    ///
    /// See <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>.
    #[must_use]
    pub fn actions(self) -> &'static [&'static str] {
        match self {
            Self::Send => &["sqs:SendMessage"],
            Self::Receive => &[
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:ChangeMessageVisibility",
                "sqs:GetQueueAttributes",
            ],
        }
    }
}
