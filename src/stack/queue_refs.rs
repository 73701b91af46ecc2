//! Queues that others speak of: by their name in the stack, or by an ARN.

use crate::model::Arn;

use super::checker::{Checker, Noun, is_fifo};
use super::diagnostic::Span;
use super::syntax::Spanned;
use super::{QueueRef, names, topics};

/// What a queue reference points at.
pub(super) struct Found {
    pub(super) queue: QueueRef,
    /// Where it stands; `None` when the queue is declared and broken.
    pub(super) place: Option<(String, String)>,
    pub(super) fifo: bool,
    /// Where it is declared.
    pub(super) key: Option<Span>,
}

/// The queue in a text: of the stack by its name, or another by its ARN.
pub(super) fn queue_ref(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    who: &str,
) -> Option<Found> {
    if text.value.starts_with("arn:") {
        let arn = topics::regional_arn(checker, text, "sqs", "a queue's ARN", &names::QUEUE)?;
        let own = own_by_arn(checker, Noun::Queue, &arn);
        return Some(Found {
            place: Some((arn.account().to_owned(), arn.region().to_owned())),
            fifo: is_fifo(&arn),
            key: None,
            queue: own.map_or(QueueRef::Arn(arn), QueueRef::Stack),
        });
    }
    let name = checker.reference(Noun::Queue, text, who)?;
    let standing = checker.standing(Noun::Queue, &name);
    Some(Found {
        place: standing.map(|it| (it.id.to_string(), it.region.to_string())),
        fifo: standing.is_some_and(|it| it.fifo),
        key: standing.map(|it| it.key),
        queue: QueueRef::Stack(name),
    })
}

/// The queue an integration sends to, and whether it is FIFO.
pub(super) fn integration_queue(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    who: &str,
) -> Option<(QueueRef, bool)> {
    queue_ref(checker, text, who).map(|it| (it.queue, it.fifo))
}

/// The stack's name for what an ARN names, if the stack declares it.
pub(super) fn own_by_arn(checker: &Checker<'_>, noun: Noun, arn: &Arn) -> Option<String> {
    checker
        .standings
        .iter()
        .find(|((it, _), standing)| *it == noun && standing.arn.as_ref() == Some(arn))
        .map(|((_, name), _)| name.clone())
}
