//! What was called: how often, by whom, and how it ended.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::cloud::{CallError, Request, Service};
use crate::model::{AccountId, Place};

/// One attempt of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// The how-manieth attempt of all, from 1.
    pub number: u64,
    /// Where it was sent.
    pub at: Place,
    /// The service.
    pub service: Service,
    /// The API action.
    pub action: &'static str,
    /// What the call is about: a name, an ARN or an id.
    pub target: String,
    /// Whether the call changes anything.
    pub writes: bool,
    /// 1 for the first attempt of this call.
    pub attempt: u32,
    /// When it was sent, since the seam's first call.
    pub sent: Duration,
    /// How long its answer took.
    pub took: Duration,
    /// How it ended.
    pub outcome: Result<(), CallError>,
}

impl fmt::Display for CallRecord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            at,
            service,
            action,
            target,
            ..
        } = self;
        write!(
            out,
            "{number:>4} {} {service}:{action} {target}",
            at.account
        )?;
        match &self.outcome {
            Ok(()) => Ok(()),
            Err(error) => write!(out, ": {}", error.code),
        }
    }
}

/// How often one action was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Whether the action changes anything.
    pub writes: bool,
    /// Attempts that were sent, whatever came of them.
    pub calls: u64,
    /// Those among them that were answered with a throttle.
    pub throttled: u64,
    /// Those among them that repeated an earlier attempt of the same call.
    pub again: u64,
    /// Those among them that failed in any way, throttles included.
    pub failed: u64,
}

/// How often each action was called in each account.
///
/// The sums leave out calls about credentials (STS), which have a sum of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    tallies: BTreeMap<(AccountId, Service, &'static str), Tally>,
}

impl Ledger {
    pub(super) fn count(&mut self, record: &CallRecord) {
        let key = (record.at.id.clone(), record.service, record.action);
        let tally = self.tallies.entry(key).or_default();
        let throttled =
            matches!(&record.outcome, Err(it) if it.fault == crate::cloud::Fault::Throttled);
        tally.writes = record.writes;
        tally.calls += 1;
        tally.throttled += u64::from(throttled);
        tally.again += u64::from(record.attempt > 1);
        tally.failed += u64::from(record.outcome.is_err());
    }

    /// Counts what another ledger counted, too.
    pub fn add(&mut self, other: &Self) {
        for (key, it) in &other.tallies {
            let tally = self.tallies.entry(key.clone()).or_default();
            tally.writes = it.writes;
            tally.calls += it.calls;
            tally.throttled += it.throttled;
            tally.again += it.again;
            tally.failed += it.failed;
        }
    }

    /// Every tally, by account, service and action; credential calls among them.
    pub fn tallies(&self) -> impl Iterator<Item = (&AccountId, Service, &'static str, Tally)> {
        self.tallies
            .iter()
            .map(|((account, service, action), tally)| (account, *service, *action, *tally))
    }

    /// How often each action was called in all accounts together, without credential calls.
    #[must_use]
    pub fn by_action(&self) -> BTreeMap<(Service, &'static str), u64> {
        let mut sums = BTreeMap::new();
        for (_, service, action, tally) in self.resources() {
            *sums.entry((service, action)).or_default() += tally.calls;
        }
        sums
    }

    fn resources(&self) -> impl Iterator<Item = (&AccountId, Service, &'static str, Tally)> {
        self.tallies()
            .filter(|(_, service, _, _)| *service != Service::Sts)
    }

    /// All calls but those about credentials.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.resources().map(|(_, _, _, it)| it.calls).sum()
    }

    /// The calls that read.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.calls() - self.writes()
    }

    /// The calls that change something, or tried to.
    #[must_use]
    pub fn writes(&self) -> u64 {
        let writes = self.resources().filter(|(_, _, _, it)| it.writes);
        writes.map(|(_, _, _, it)| it.calls).sum()
    }

    /// The calls that were answered with a throttle.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.resources().map(|(_, _, _, it)| it.throttled).sum()
    }

    /// The calls that repeated an earlier one that had failed.
    #[must_use]
    pub fn again(&self) -> u64 {
        self.resources().map(|(_, _, _, it)| it.again).sum()
    }

    /// The calls about credentials.
    #[must_use]
    pub fn credentials(&self) -> u64 {
        self.tallies()
            .filter(|(_, service, _, _)| *service == Service::Sts)
            .map(|(_, _, _, it)| it.calls)
            .sum()
    }
}

/// `14 calls (9 reads, 5 writes)`, and what was throttled or sent again when anything was.
impl fmt::Display for Ledger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: u64, one: &str| match count {
            1 => format!("1 {one}"),
            _ => format!("{count} {one}s"),
        };
        write!(
            out,
            "{} ({}, {})",
            plural(self.calls(), "call"),
            plural(self.reads(), "read"),
            plural(self.writes(), "write")
        )?;
        if self.throttled() > 0 {
            write!(out, ", {} throttled", self.throttled())?;
        }
        if self.again() > 0 {
            write!(out, ", {} sent again", self.again())?;
        }
        Ok(())
    }
}

/// What a call is about, for a line that names it.
pub(crate) fn target(request: &Request) -> String {
    let text = match request {
        Request::GetCallerIdentity(_)
        | Request::GetAccountAuthorizationDetails(_)
        | Request::GetAccountSummary(_)
        | Request::ListTopics(_)
        | Request::ListSubscriptions(_)
        | Request::GetRestApis(_) => "",
        Request::ListRoles(it) => &it.path_prefix,
        Request::DescribeKey(it) => &it.key,
        Request::GetKeyPolicy(it) => &it.key,
        Request::PutKeyPolicy(it) => &it.key,
        Request::GetPolicy(it) => &it.arn,
        Request::GetPolicyVersion(it) => return format!("{} {}", it.arn, it.version),
        Request::CreateRole(it) => &it.name,
        Request::UpdateRole(it) => &it.name,
        Request::UpdateAssumeRolePolicy(it) => &it.name,
        Request::PutRolePolicy(it) => return format!("{}/{}", it.name, it.policy),
        Request::DeleteRolePolicy(it) => return format!("{}/{}", it.name, it.policy),
        Request::AttachRolePolicy(it) => return format!("{} {}", it.name, it.policy),
        Request::DetachRolePolicy(it) => return format!("{} {}", it.name, it.policy),
        Request::CreatePolicy(it) => &it.name,
        Request::CreatePolicyVersion(it) => &it.arn,
        Request::SetDefaultPolicyVersion(it) => return format!("{} {}", it.arn, it.version),
        Request::DeletePolicyVersion(it) => return format!("{} {}", it.arn, it.version),
        Request::DeletePolicy(it) => &it.arn,
        Request::PutRolePermissionsBoundary(it) => &it.name,
        Request::DeleteRolePermissionsBoundary(it) => &it.name,
        Request::TagRole(it) => &it.name,
        Request::UntagRole(it) => &it.name,
        Request::DeleteRole(it) => &it.name,
        Request::CreateTopic(it) => &it.name,
        Request::GetTopicAttributes(it) => &it.arn,
        Request::SetTopicAttributes(it) => return format!("{} {}", it.arn, it.name),
        Request::DeleteTopic(it) => &it.arn,
        Request::ListTopicTags(it) => &it.arn,
        Request::TagTopic(it) => &it.arn,
        Request::UntagTopic(it) => &it.arn,
        Request::Subscribe(it) => return format!("{} to {}", it.endpoint, it.topic),
        Request::Unsubscribe(it) => &it.arn,
        Request::GetSubscriptionAttributes(it) => &it.arn,
        Request::SetSubscriptionAttributes(it) => return format!("{} {}", it.arn, it.name),
        Request::ListSubscriptionsByTopic(it) => &it.topic,
        Request::CreateQueue(it) => &it.name,
        Request::GetQueueAttributes(it) => &it.name,
        Request::SetQueueAttributes(it) => &it.name,
        Request::DeleteQueue(it) => &it.name,
        Request::ListQueues(it) => &it.prefix,
        Request::ListQueueTags(it) => &it.name,
        Request::TagQueue(it) => &it.name,
        Request::UntagQueue(it) => &it.name,
        Request::CreateRestApi(it) => &it.name,
        Request::PutRestApi(it) => &it.id,
        Request::UpdateRestApi(it) => &it.id,
        Request::DeleteRestApi(it) => &it.id,
        Request::GetApiResources(it) => &it.id,
        Request::GetAuthorizers(it) => &it.id,
        Request::GetModels(it) => &it.id,
        Request::GetRequestValidators(it) => &it.id,
        Request::GetGatewayResponses(it) => &it.id,
        Request::GetDocumentationParts(it) => &it.id,
        Request::UpdateMethod(it) => return format!("{} {} {}", it.id, it.verb, it.resource),
        Request::CreateDeployment(it) => return format!("{}/{}", it.id, it.stage),
        Request::GetDeployment(it) => return format!("{} {}", it.id, it.deployment),
        Request::GetDeployments(it) => &it.id,
        Request::DeleteDeployment(it) => return format!("{} {}", it.id, it.deployment),
        Request::GetStages(it) => &it.id,
        Request::UpdateStage(it) => return format!("{}/{}", it.id, it.stage),
        Request::DeleteStage(it) => return format!("{}/{}", it.id, it.stage),
        Request::TagApi(it) => &it.arn,
        Request::UntagApi(it) => &it.arn,
        Request::ListParents(it) => &it.child,
        Request::ListPoliciesForTarget(it) => {
            return format!("{} {}", it.filter.as_str(), it.target);
        }
        Request::DescribePolicy(it) => &it.id,
        Request::GetVpcEndpoint(it) => &it.id,
        Request::DescribeOrganization(_) | Request::ListRoots(_) => return String::new(),
        Request::GetTagged(it) => return format!("{}={}", it.key, it.value),
    };
    text.to_owned()
}
