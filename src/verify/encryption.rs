//! What the key of an encrypted topic or queue asks of those who use it.

use super::claim::Trial;
use super::voice::Voice;
use super::world::Thing;
use crate::policy::Who;
use crate::stack::Encryption;

/// What an encrypted queue asks of its users.
pub(super) fn queue_key(
    trial: &mut Trial,
    encryption: &Encryption,
    speaker: &Voice,
    queue: &Thing,
) {
    let Encryption::Kms { key, .. } = encryption else {
        return;
    };
    let account = queue.arn.split(':').nth(4);
    let own = matches!(&speaker.who, Who::Arn(arn) if arn.split(':').nth(4) == account);
    if !key.ends_with("alias/aws/sqs") {
        trial.depends_on([format!(
            "the policy of the KMS key {key} of {} is not read",
            queue.address
        )]);
    } else if !own {
        trial.lacks(format!(
            "{} is encrypted by {key}, which only its own account may use: {} cannot use the queue from another",
            queue.address, speaker.named
        ));
    }
}

/// What an encrypted topic asks of its publishers.
pub(super) fn topic_key(trial: &mut Trial, key: &str, speaker: &Voice, topic: &Thing) {
    if key.is_empty() {
        return;
    }
    let account = topic.arn.split(':').nth(4);
    let own = matches!(&speaker.who, Who::Arn(arn) if arn.split(':').nth(4) == account);
    if key.ends_with("alias/aws/sns") {
        if !own {
            trial.lacks(format!(
                "{} is encrypted by {key}, which only its own account may use: {} cannot publish to it from another",
                topic.address, speaker.named
            ));
        }
    } else {
        trial.depends_on([format!(
            "the policy of the KMS key {key} of {} is not read",
            topic.address
        )]);
    }
}
