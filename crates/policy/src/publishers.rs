//! How AWS services publish to topics and send to queues in their own name, each row with the AWS page that says so.
//!
//! What a row does not say is not known. A service without a row may deliver all the same, so nothing is
//! claimed of it. That most services reach standard topics only is said by
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-event-sources.html>.

use super::deliver::delivery;
use super::patterns::Pattern;
use super::request::Who;
use crate::Arn;

/// Which topics, or which queues, a service delivers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    None,
    Standard,
    /// Standard ones; its page does not say whether FIFO ones as well.
    AtLeastStandard,
    All,
}

/// A service that delivers in its own name.
#[derive(Debug)]
struct Publisher {
    /// Its name before `.amazonaws.com`.
    service: &'static str,
    topics: Reach,
    queues: Reach,
    /// What it sends as `aws:SourceArn`, each as an ARN; none where its page names none. An ARN with
    /// `REGION` has a region, and one without it has none.
    sources: &'static [&'static str],
    /// Whether it delivers within one region only.
    one_region: bool,
    /// Why it delivers to no topic or queue of another account in its own name, where it does not.
    own_account: Option<&'static str>,
    page: &'static str,
}

/// A service with what most have: standard topics at least, and nothing known of its sources.
const fn notifier(service: &'static str, page: &'static str) -> Publisher {
    Publisher {
        service,
        topics: Reach::AtLeastStandard,
        queues: Reach::None,
        sources: &[],
        one_region: false,
        own_account: None,
        page,
    }
}

const PUBLISHERS: [Publisher; 17] = [
    Publisher {
        topics: Reach::Standard,
        queues: Reach::Standard,
        sources: &["arn:aws:s3:::BUCKET"],
        ..notifier(
            "s3",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html",
        )
    },
    // A target of a rule has no message group for a topic, which a FIFO topic asks for.
    Publisher {
        topics: Reach::Standard,
        queues: Reach::All,
        sources: &["arn:aws:events:REGION:ACCOUNT:rule/NAME"],
        one_region: true,
        own_account: Some("from where EventBridge delivers under a role only"),
        ..notifier(
            "events",
            "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-cross-account.html",
        )
    },
    // `PutMetricAlarm` refuses another region's topic: "Invalid region … specified. Only … is supported."
    Publisher {
        topics: Reach::All,
        sources: &["arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME"],
        one_region: true,
        ..notifier(
            "cloudwatch",
            "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html",
        )
    },
    Publisher {
        topics: Reach::Standard,
        sources: &["arn:aws:ses:REGION:ACCOUNT:NAME"],
        one_region: true,
        ..notifier(
            "ses",
            "https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-sns.html",
        )
    },
    Publisher {
        sources: &["arn:aws:budgets::ACCOUNT:NAME"],
        own_account: Some("and a budget notifies topics of its own account only"),
        ..notifier(
            "budgets",
            "https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html",
        )
    },
    notifier(
        "costalerts",
        "https://docs.aws.amazon.com/cost-management/latest/userguide/ad-SNS.html",
    ),
    Publisher {
        topics: Reach::Standard,
        own_account: Some("and a backup vault notifies topics of its own account only"),
        ..notifier(
            "backup",
            "https://docs.aws.amazon.com/aws-backup/latest/devguide/backup-notifications.html",
        )
    },
    notifier(
        "codestar-notifications",
        "https://docs.aws.amazon.com/dtconsole/latest/userguide/set-up-sns.html",
    ),
    Publisher {
        // "will always be set to" this, a `*` for the resource.
        sources: &["arn:aws:config:REGION:ACCOUNT:*"],
        ..notifier(
            "config",
            "https://docs.aws.amazon.com/config/latest/developerguide/sns-topic-policy.html",
        )
    },
    Publisher {
        sources: &["arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME"],
        ..notifier(
            "cloudtrail",
            "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-permissions-for-sns-notifications.html",
        )
    },
    Publisher {
        sources: &["arn:aws:rds:REGION:ACCOUNT:NAME"],
        ..notifier(
            "events.rds",
            "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.GrantingPermissions.html",
        )
    },
    Publisher {
        sources: &["arn:aws:dms:REGION:ACCOUNT:NAME"],
        ..notifier(
            "dms",
            "https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Events.html",
        )
    },
    Publisher {
        sources: &["arn:aws:devops-guru:REGION:ACCOUNT:channel/ID"],
        ..notifier(
            "devops-guru",
            "https://docs.aws.amazon.com/devops-guru/latest/userguide/sns-required-permissions.html",
        )
    },
    notifier(
        "ssm-incidents",
        "https://docs.aws.amazon.com/incident-manager/latest/userguide/chat.html",
    ),
    Publisher {
        sources: &["arn:aws:ec2:REGION:ACCOUNT:vpc-endpoint-service/ID"],
        ..notifier(
            "vpce",
            "https://docs.aws.amazon.com/vpc/latest/privatelink/create-notification-endpoint-service.html",
        )
    },
    Publisher {
        topics: Reach::Standard,
        ..notifier(
            "sms-voice",
            "https://docs.aws.amazon.com/sms-voice/latest/userguide/phone-numbers-two-way-sms.html",
        )
    },
    Publisher {
        topics: Reach::None,
        queues: Reach::All,
        sources: &["arn:aws:sns:REGION:ACCOUNT:NAME"],
        ..notifier(
            "sns",
            "https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html",
        )
    },
];

/// Services that use topics and queues only with the credentials of a role that their user gives them,
/// or of the role that they make in their user's account.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html>,
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/autoscaling-service-linked-role.html> and
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-sns-notifications.html>.
const UNDER_A_ROLE: [&str; 19] = [
    "apigateway",
    "autoscaling",
    "batch",
    "codebuild",
    "codepipeline",
    "ec2",
    "ecs-tasks",
    "eks",
    "firehose",
    "glue",
    "iot",
    "iotevents",
    "lambda",
    "pipes",
    "pods.eks",
    "sagemaker",
    "scheduler",
    "ssm",
    "states",
];

/// Services whose pages send what they report through `EventBridge`.
///
/// See <https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings_eventbridge.html>,
/// <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cloudwatch-events.html>,
/// <https://docs.aws.amazon.com/macie/latest/user/findings-monitor-events-eventbridge.html>,
/// <https://docs.aws.amazon.com/inspector/latest/user/findings-managing-automating-responses.html>,
/// <https://docs.aws.amazon.com/mediaconvert/latest/ug/eventbridge_events.html> and
/// <https://docs.aws.amazon.com/ebs/latest/userguide/monitor-lifecycle-policies.html>.
const BY_EVENTS: [&str; 6] = [
    "dlm",
    "guardduty",
    "inspector2",
    "macie",
    "mediaconvert",
    "securityhub",
];

/// Services that deliver nothing in this name, why, and what to write.
///
/// See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html>,
/// <https://docs.aws.amazon.com/chatbot/latest/adminguide/what-is.html> and
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.GrantingPermissions.html>.
const NEVER: [(&str, &str, &str); 4] = [
    (
        "chatbot",
        "reads from topics and publishes to none",
        "remove the access: Chatbot's own configuration subscribes it to the topic",
    ),
    (
        "kms",
        "KMS notifies no topic and no queue",
        "let its events come through EventBridge: `from = { service = \"events.amazonaws.com\", source = \"arn:aws:events:REGION:ACCOUNT:rule/NAME\" }`",
    ),
    (
        "rds",
        "RDS publishes its events in another name",
        "write `service = \"events.rds.amazonaws.com\"`",
    ),
    (
        "sqs",
        "SQS itself sends nothing to topics and queues",
        "a dead-letter queue needs no access: write `dead_letter = \"queues.NAME\"` for the queue whose messages it takes",
    ),
];

/// What AWS says of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Documented {
    /// AWS describes it.
    Works,
    /// No page of AWS describes it, for this reason.
    Unknown(String),
    /// It never comes about: why, and what to write instead.
    Never(String, String),
}

/// A topic or queue that something is delivered to.
#[derive(Clone, Debug)]
pub struct Carrier<'a> {
    /// Its ARN; for one whose name ends with `.fifo`, it is FIFO.
    pub arn: &'a Arn,
}

impl Carrier<'_> {
    fn is_queue(&self) -> bool {
        self.arn.service() == "sqs"
    }

    fn is_fifo(&self) -> bool {
        is_fifo(self.arn)
    }

    fn kind(&self) -> &'static str {
        if self.is_queue() { "queue" } else { "topic" }
    }
}

/// Returns whether an ARN names a FIFO topic or queue.
fn is_fifo(arn: &Arn) -> bool {
    arn.resource().strip_suffix(".fifo").is_some()
}

/// Returns a service's name without its region and the partition's ending.
fn bare(service: &str) -> &str {
    let name = service.split(".amazonaws").next().unwrap_or_default();
    match name.split_once('.') {
        Some(("sns", _)) => "sns",
        Some((_, "devops-guru")) => "devops-guru",
        _ => name,
    }
}

fn publisher(service: &str) -> Option<&'static Publisher> {
    let bare = bare(service);
    PUBLISHERS.iter().find(|it| it.service == bare)
}

/// Returns what AWS says of a service delivering to a topic or queue in its own name.
#[must_use]
pub fn delivers(service: &str, to: &Carrier<'_>) -> Documented {
    let never = |why: String, instead: String| Documented::Never(why, instead);
    let name = bare(service);
    let kind = to.kind();
    if UNDER_A_ROLE.contains(&name) {
        return never(
            "works under a role".to_owned(),
            "declare the role that it works under, with `trusted_by` naming the service, and write `from = \"roles.NAME\"`".to_owned(),
        );
    }
    let through_events = format!(
        "let its events come through a rule of EventBridge: `from = {{ service = \"events.amazonaws.com\", source = \"arn:{}:events:{}:ACCOUNT:rule/NAME\" }}`",
        to.arn.partition(),
        to.arn.region()
    );
    if BY_EVENTS.contains(&name) {
        let why = format!("sends its events to EventBridge, and to no {kind}");
        return never(why, through_events);
    }
    if let Some((_, why, instead)) = NEVER.iter().find(|it| it.0 == name) {
        return never((*why).to_owned(), (*instead).to_owned());
    }
    let Some(row) = publisher(service) else {
        let does = if to.is_queue() {
            "sends to queues"
        } else {
            "publishes to topics"
        };
        return Documented::Unknown(format!(
            "no page of AWS that `provision` knows says that {service} {does} in its own name: check the name in the service's own documentation"
        ));
    };
    match (
        if to.is_queue() {
            row.queues
        } else {
            row.topics
        },
        to.is_fifo(),
    ) {
        (Reach::None, _) if to.is_queue() => never(
            "it publishes to topics, and sends to no queue".to_owned(),
            "let it publish to a topic, and `subscribe` the queue to that topic".to_owned(),
        ),
        (Reach::None, _) => never(
            "it sends to queues, and publishes to no topic".to_owned(),
            "let it send to a queue".to_owned(),
        ),
        (Reach::Standard, true) => never(
            format!("it delivers to no FIFO {kind}"),
            match name {
                "s3" if to.is_queue() => {
                    format!("let it deliver to a queue that is not FIFO; or {through_events}")
                }
                _ => format!("let it deliver to a {kind} that is not FIFO"),
            },
        ),
        (Reach::AtLeastStandard, true) => Documented::Unknown(format!(
            "AWS does not say whether {service} publishes to FIFO topics, and most services do not: see {}",
            row.page
        )),
        _ => Documented::Works,
    }
}

/// Returns what AWS says of a service delivering to a topic or queue for an ARN, which may have wildcards.
#[must_use]
pub fn delivers_for(service: &str, source: &Arn, to: &Carrier<'_>) -> Documented {
    let Some(row) = publisher(service) else {
        return Documented::Works;
    };
    if row.sources.is_empty() {
        return Documented::Unknown(format!(
            "AWS does not say what {service} sends as `aws:SourceArn`: see {}; with `source_account` alone it need not",
            row.page
        ));
    }
    if !row.sources.iter().any(|it| has_form(source, it)) {
        let forms: Vec<String> = row
            .sources
            .iter()
            .map(|it| format!("`{}`", it.replacen("aws", source.partition(), 1)))
            .collect();
        return Documented::Never(
            format!("not what {service} sends as `aws:SourceArn`"),
            format!("write {}", forms.join(" or ")),
        );
    }
    let same_region = Pattern::of(source.region()).matches(to.arn.region());
    if row.one_region && !same_region {
        return Documented::Never(
            format!(
                "in {}, and the {} is in {}",
                source.region(),
                to.kind(),
                to.arn.region()
            ),
            format!(
                "{service} delivers within one region: name one in {}, or a {} in {}",
                to.arn.region(),
                to.kind(),
                source.region()
            ),
        );
    }
    match bare(service) {
        "s3" => bucket(source, to),
        "sns" => topic(service, source, to),
        _ => of_account(service, source.account(), to),
    }
}

/// Returns what AWS says of a service delivering to a topic or queue for an account.
#[must_use]
pub fn of_account(service: &str, account: &str, to: &Carrier<'_>) -> Documented {
    let own = account == to.arn.account();
    let why = publisher(service).and_then(|it| it.own_account);
    let Some(why) = why.filter(|_| !own) else {
        return Documented::Works;
    };
    let instead = match (bare(service), to.is_queue()) {
        ("events", is_queue) => {
            let role = format!(
                "let the rule's execution role in: `from = \"arn:{}:iam::{account}:role/NAME\"`",
                to.arn.partition()
            );
            let letters = "; for a dead-letter queue of the rule, write a `[[statement]]`";
            role + if is_queue { letters } else { "" }
        }
        _ => format!(
            "name account {}, or a topic of account {account}",
            to.arn.account()
        ),
    };
    Documented::Never(format!("of account {account}, {why}"), instead)
}

/// Returns whether an ARN is, or with wildcards can be, one of this form.
fn has_form(source: &Arn, form: &str) -> bool {
    let mut parts = form.splitn(6, ':').skip(2);
    let (service, region, account) = (parts.next(), parts.next(), parts.next());
    let resource = parts.next().unwrap_or_default();
    let holds =
        |form: Option<&str>, part: &str| form.is_some_and(|it| it.is_empty() == part.is_empty());
    let names = ["NAME", "ID", "BUCKET"];
    let fixed = names.iter().find_map(|it| resource.strip_suffix(it));
    let any = format!("{}?*", fixed.unwrap_or(resource));
    service == Some(source.service())
        && holds(region, source.region())
        && holds(account, source.account())
        && if resource == "*" {
            Pattern::of(source.resource()).matches(resource)
        } else {
            Pattern::of(source.resource()).meets(&Pattern::of(&any))
        }
}

/// A bucket's name; older ones of `us-east-1` may have capitals and `_`.
///
/// See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>.
fn bucket(source: &Arn, to: &Carrier<'_>) -> Documented {
    let name = source.resource();
    // S3 notifies topics and queues of the bucket's own region.
    let older = to.arn.region() == "us-east-1";
    let takes = |it: char| {
        it.is_ascii_lowercase()
            || it.is_ascii_digit()
            || "-.*?".contains(it)
            || older && (it.is_ascii_uppercase() || it == '_')
    };
    let most = if older { 255 } else { 63 };
    let why = match name.chars().find(|it| !takes(*it)) {
        Some(bad) => format!("no bucket's name has `{bad}`"),
        None if name.len() > most => format!("no bucket's name has more than {most} characters"),
        None if name.len() < 3 && !name.contains('*') => {
            "no bucket's name has fewer than 3 characters".to_owned()
        }
        None => return Documented::Works,
    };
    Documented::Never(
        why,
        "bucket names have 3 to 63 small letters, digits, `.` and `-`".to_owned(),
    )
}

/// A topic whose messages SNS sends to a queue.
fn topic(service: &str, source: &Arn, to: &Carrier<'_>) -> Documented {
    if source.resource().contains(['*', '?']) || source.region().contains(['*', '?']) {
        return Documented::Works;
    }
    if to.is_fifo() && !is_fifo(source) {
        return Documented::Never(
            "a standard topic, which delivers to no FIFO queue".to_owned(),
            "name a FIFO topic, or a queue that is not FIFO".to_owned(),
        );
    }
    let Who::Service(right) = delivery(source.as_str(), to.arn.as_str()).principal else {
        return Documented::Works;
    };
    // The principal has the same ending in every partition but those that add one of their own.
    let said = service.split(".amazonaws").next();
    if said == right.split(".amazonaws").next() {
        return Documented::Works;
    }
    Documented::Never(
        format!(
            "from {} to {} SNS delivers as `{right}`",
            source.region(),
            to.arn.region()
        ),
        format!(
            "write `service = \"{right}\"`; or `subscribe` of the queue, which writes the right one"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str = "arn:aws:sqs:eu-west-1:111111111111:q";
    const TOPIC: &str = "arn:aws:sns:eu-west-1:111111111111:t";

    /// `works`, `unknown` or `never`, of a service with a source or without one.
    fn said(service: &str, source: &str, to: &str) -> &'static str {
        let arn = Arn::parse(to).expect("an ARN");
        let to = Carrier { arn: &arn };
        let service = format!("{service}.amazonaws.com");
        let found = match (delivers(&service, &to), Arn::parse(source)) {
            (Documented::Works, Ok(source)) => delivers_for(&service, &source, &to),
            (found, _) => found,
        };
        match found {
            Documented::Works => "works",
            Documented::Unknown(_) => "unknown",
            Documented::Never(..) => "never",
        }
    }

    #[test]
    fn a_service_reaches_what_its_page_says() {
        let fifo = |it: &str| format!("{it}.fifo");
        for (service, topic, fifo_topic, queue, fifo_queue) in [
            ("s3", "works", "never", "works", "never"),
            ("events", "works", "never", "works", "works"),
            ("cloudwatch", "works", "works", "never", "never"),
            ("ses", "works", "never", "never", "never"),
            ("budgets", "works", "unknown", "never", "never"),
            ("costalerts", "works", "unknown", "never", "never"),
            ("backup", "works", "never", "never", "never"),
            ("cloudtrail", "works", "unknown", "never", "never"),
            ("events.rds", "works", "unknown", "never", "never"),
            ("rds", "never", "never", "never", "never"),
            (
                "eu-west-1.devops-guru",
                "works",
                "unknown",
                "never",
                "never",
            ),
            ("sns", "never", "never", "works", "works"),
            ("sns.af-south-1", "never", "never", "works", "works"),
            ("sqs", "never", "never", "never", "never"),
            ("kms", "never", "never", "never", "never"),
            ("guardduty", "never", "never", "never", "never"),
            ("lambda", "never", "never", "never", "never"),
            ("autoscaling", "never", "never", "never", "never"),
            ("dynamodb", "unknown", "unknown", "unknown", "unknown"),
            ("nosuchservice", "unknown", "unknown", "unknown", "unknown"),
        ] {
            assert_eq!(said(service, "", TOPIC), topic, "{service}");
            assert_eq!(said(service, "", &fifo(TOPIC)), fifo_topic, "{service}");
            assert_eq!(said(service, "", QUEUE), queue, "{service}");
            assert_eq!(said(service, "", &fifo(QUEUE)), fifo_queue, "{service}");
        }
    }

    #[test]
    fn a_source_is_one_that_the_service_sends() {
        for (service, source, to, expected) in [
            (
                "events",
                "arn:aws:events:eu-west-1:111111111111:rule/x",
                QUEUE,
                "works",
            ),
            (
                "events",
                "arn:aws:events:eu-west-1:111111111111:rule/bus/x*",
                QUEUE,
                "works",
            ),
            (
                "events",
                "arn:aws:events:*:111111111111:rule/x",
                QUEUE,
                "works",
            ),
            (
                "events",
                "arn:aws:events:eu-west-1:111111111111:*",
                QUEUE,
                "works",
            ),
            (
                "events",
                "arn:aws:events:eu-west-1:111111111111:event-bus/x",
                QUEUE,
                "never",
            ),
            (
                "events",
                "arn:aws:events::111111111111:rule/x",
                QUEUE,
                "never",
            ),
            (
                "events",
                "arn:aws:events:us-east-1:111111111111:rule/x",
                QUEUE,
                "never",
            ),
            (
                "events",
                "arn:aws:events:eu-west-1:222222222222:rule/x",
                QUEUE,
                "never",
            ),
            (
                "events",
                "arn:aws:events:eu-west-1:222222222222:rule/x",
                TOPIC,
                "never",
            ),
            ("events", "arn:aws:s3:::uploads", QUEUE, "never"),
            (
                "cloudwatch",
                "arn:aws:cloudwatch:eu-west-1:222222222222:alarm:*",
                TOPIC,
                "works",
            ),
            (
                "cloudwatch",
                "arn:aws:cloudwatch:us-east-1:111111111111:alarm:x",
                TOPIC,
                "never",
            ),
            (
                "cloudwatch",
                "arn:aws:cloudwatch:eu-west-1:111111111111:alarm/x",
                TOPIC,
                "never",
            ),
            (
                "cloudwatch",
                "arn:aws:events:eu-west-1:111111111111:rule/x",
                TOPIC,
                "never",
            ),
            ("s3", "arn:aws:s3:::uploads", QUEUE, "works"),
            ("s3", "arn:aws:s3:::up*", TOPIC, "works"),
            ("s3", "arn:aws:s3:::UP", QUEUE, "never"),
            ("s3", "arn:aws:s3:::up_loads", QUEUE, "never"),
            (
                "s3",
                "arn:aws:s3:::Up_loads",
                "arn:aws:sqs:us-east-1:111111111111:q",
                "works",
            ),
            ("s3", "arn:aws:s3:::up", QUEUE, "never"),
            ("s3", "arn:aws:sns:eu-west-1:111111111111:t", QUEUE, "never"),
            (
                "budgets",
                "arn:aws:budgets::111111111111:budget/x",
                TOPIC,
                "works",
            ),
            (
                "budgets",
                "arn:aws:budgets:us-east-1:111111111111:budget/x",
                TOPIC,
                "never",
            ),
            (
                "config",
                "arn:aws:config:eu-west-1:111111111111:*",
                TOPIC,
                "works",
            ),
            (
                "config",
                "arn:aws:config:eu-west-1:111111111111:config-rule/x",
                TOPIC,
                "never",
            ),
            (
                "budgets",
                "arn:aws:budgets::222222222222:budget/x",
                TOPIC,
                "never",
            ),
            (
                "ses",
                "arn:aws:ses:us-east-1:111111111111:identity/x.org",
                TOPIC,
                "never",
            ),
            (
                "vpce",
                "arn:aws:ec2:eu-west-1:111111111111:vpc-endpoint-service/vpce-svc-1",
                TOPIC,
                "works",
            ),
            (
                "costalerts",
                "arn:aws:ce::111111111111:anomalysubscription/x",
                TOPIC,
                "unknown",
            ),
            (
                "sns",
                "arn:aws:sns:us-east-1:222222222222:t",
                QUEUE,
                "works",
            ),
            (
                "sns",
                "arn:aws:sqs:eu-west-1:111111111111:x",
                QUEUE,
                "never",
            ),
            (
                "sns",
                "arn:aws:sns:af-south-1:222222222222:t",
                QUEUE,
                "never",
            ),
            (
                "sns.af-south-1",
                "arn:aws:sns:af-south-1:222222222222:t",
                QUEUE,
                "works",
            ),
            (
                "sns",
                "arn:aws:sns:eu-west-1:111111111111:t",
                "arn:aws:sqs:eu-west-1:111111111111:q.fifo",
                "never",
            ),
            (
                "sns",
                "arn:aws:sns:eu-west-1:111111111111:t.fifo",
                "arn:aws:sqs:eu-west-1:111111111111:q.fifo",
                "works",
            ),
        ] {
            assert_eq!(
                said(service, source, to),
                expected,
                "{service} for {source} to {to}"
            );
        }
    }

    #[test]
    fn each_row_has_a_page_of_its_own_and_one_name() {
        let mut names: Vec<&str> = PUBLISHERS.iter().map(|it| it.service).collect();
        names.extend(UNDER_A_ROLE.iter().chain(&BY_EVENTS));
        names.extend(NEVER.iter().map(|it| it.0));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        for row in &PUBLISHERS {
            assert!(
                row.page.starts_with("https://docs.aws.amazon.com/"),
                "{row:?}"
            );
        }
    }

    #[test]
    fn a_topic_is_published_to_and_a_queue_is_sent_to() {
        let why = |service: &str, to: &str| {
            let arn = Arn::parse(to).expect("an ARN");
            match delivers(&format!("{service}.amazonaws.com"), &Carrier { arn: &arn }) {
                Documented::Never(why, instead) => format!("{why}; {instead}"),
                Documented::Unknown(why) => why,
                Documented::Works => String::new(),
            }
        };
        let (fifo_queue, fifo_topic) = (format!("{QUEUE}.fifo"), format!("{TOPIC}.fifo"));
        for (service, to, words) in [
            (
                "cloudwatch",
                QUEUE,
                "it publishes to topics, and sends to no queue; let it publish to a topic",
            ),
            (
                "sns",
                TOPIC,
                "it sends to queues, and publishes to no topic; let it send to a queue",
            ),
            (
                "s3",
                fifo_topic.as_str(),
                "it delivers to no FIFO topic; let it deliver to a topic that is not FIFO",
            ),
            (
                "s3",
                fifo_queue.as_str(),
                "it delivers to no FIFO queue; let it deliver to a queue that is not FIFO",
            ),
            (
                "guardduty",
                TOPIC,
                "sends its events to EventBridge, and to no topic",
            ),
            (
                "guardduty",
                QUEUE,
                "sends its events to EventBridge, and to no queue",
            ),
        ] {
            let found = why(service, to);
            assert!(found.starts_with(words), "{service}: {found}");
        }
        assert!(why("nosuchservice", QUEUE).contains("sends to queues"));
        assert!(why("nosuchservice", TOPIC).contains("publishes to topics"));
    }
}
