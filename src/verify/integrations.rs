//! What AWS does under a role that the stack names: a route's call of what is behind it, and logs of deliveries.
//!
//! The service must be let assume the role, and the role must be allowed what it is used for.

use crate::cloud::apigateway::IntegrationRecord;
use crate::kinds::Resource;
use crate::lower::keys::SENDING;
use crate::model::{Address, Arn, KindName};
use crate::policy::{Clause, Decision, Document, PrincipalClause, Request, Statement, Who};
use crate::stack::{RoleRef, Topic};

use super::claim::{Finding, Promise, Trial};
use super::may::Case;
use super::paper::Paper;
use super::voice::Voice;
use super::world::{Caller, Thing, What};

/// What SNS does to log a delivery.
///
/// See <https://docs.aws.amazon.com/sns/latest/dg/topics-attrib-prereq.html>.
const LOGGING: [&str; 3] = [
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
];

/// Returns what an integration asks of its role: an action, and the resource's ARN. `None` where it works under no role
/// of the API's, or calls something that is not looked at.
fn asked_of_role(integration: &IntegrationRecord) -> Option<(&'static str, String)> {
    let uri = integration.uri.as_deref()?;
    let parts: Vec<&str> = uri.splitn(6, ':').collect();
    let ["arn", partition, "apigateway", region, service, path] = parts.as_slice() else {
        return None;
    };
    match *service {
        "lambda" => {
            let function = path.split_once("/functions/")?.1;
            let function = function.strip_suffix("/invocations")?;
            Some(("lambda:InvokeFunction", function.to_owned()))
        }
        "sqs" => {
            let (account, queue) = path.strip_prefix("path/")?.split_once('/')?;
            let queue = format!("arn:{partition}:sqs:{region}:{account}:{queue}");
            Some(("sqs:SendMessage", queue))
        }
        _ => None,
    }
}

impl Case<'_> {
    /// What the roles must be able to do under which the routes of an API call what is behind them.
    pub(super) fn integrations(&self, api: &Address, findings: &mut Vec<Finding>) {
        let wanted = self.desired.wants.get(api).map(|it| &it.resource);
        let Some(Resource::RestApi(wanted)) = wanted else {
            return;
        };
        for (route, method) in &wanted.methods {
            let Some(integration) = &method.integration else {
                continue;
            };
            let role = integration
                .credentials
                .as_deref()
                .and_then(|it| Arn::parse(it).ok());
            let role = role.filter(|it| it.resource().starts_with("role/"));
            let (Some(role), Some((action, resource))) = (role, asked_of_role(integration)) else {
                continue;
            };
            let mut trial = Trial::default();
            if let Some(role) = self.works_as(&mut trial, &role, "apigateway.amazonaws.com") {
                let request = Request::new(Who::Arn(role.arn.clone()), action, resource.clone());
                self.backend(&mut trial, &request, role);
            }
            findings.push(Finding {
                claim: format!("{api} reaches {} for {route}", self.world.named(&resource)),
                promise: Promise::May,
                subject: api.clone(),
                written_at: None,
                steps: trial.steps.clone(),
                outcome: trial.outcome(),
            });
        }
    }

    /// What the roles must be able to do under which SNS logs the deliveries of a topic.
    pub(super) fn delivery_status(&self, name: &str, topic: &Topic, findings: &mut Vec<Finding>) {
        let address = Address::new(KindName::Topic, name);
        let mut asked: Vec<&RoleRef> = Vec::new();
        for named in topic.feedback_roles.values() {
            if asked.contains(&named) {
                continue;
            }
            asked.push(named);
            let arn = match named {
                RoleRef::Stack(name) => &self.stack.roles[name].arn,
                RoleRef::Arn(arn) => arn,
            };
            let mut trial = Trial::default();
            if let Some(role) = self.works_as(&mut trial, arn, "sns.amazonaws.com") {
                let it = &topic.arn;
                let group = format!(
                    "arn:{}:logs:{}:{}:log-group:sns/{}/{}/{}",
                    it.partition(),
                    it.region(),
                    it.account(),
                    it.region(),
                    it.account(),
                    it.name()
                );
                for action in LOGGING {
                    let resource = match action {
                        "logs:CreateLogGroup" => group.clone(),
                        _ => format!("{group}:log-stream:status"),
                    };
                    let request = Request::new(Who::Arn(role.arn.clone()), action, resource);
                    self.backend(&mut trial, &request, role);
                }
            }
            findings.push(Finding {
                claim: format!(
                    "{address} logs its deliveries as {}",
                    self.world.named(arn.as_str())
                ),
                promise: Promise::May,
                subject: address.clone(),
                written_at: None,
                steps: trial.steps.clone(),
                outcome: trial.outcome(),
            });
        }
    }

    /// The role of an ARN, which a service must be let assume. `None` where the stack does not have it.
    fn works_as(&self, trial: &mut Trial, arn: &Arn, service: &str) -> Option<&Thing> {
        let Some(role) = self.world.with_arn(arn.as_str()) else {
            let mut wants = self.desired.wants.iter();
            let wanted =
                wants.find(|(_, it)| matches!(&it.resource, Resource::Role(it) if it.arn == *arn));
            match wanted {
                Some((address, _)) => trial.lacks(format!("{address} is not there")),
                None => trial.depends_on([format!(
                    "{arn} is no role of this stack: its owner must let {service} assume it, and allow it what it is used for"
                )]),
            }
            return None;
        };
        let trust = role.policy.as_ref().map(|it| &it.document.statements);
        if !role.owned && trust.is_none_or(Vec::is_empty) {
            trial.depends_on([format!(
                "the trust policy of {} is not read: it must let {service} in",
                role.address
            )]);
        } else {
            let service = Who::Service(service.to_owned());
            let request = Request::new(service, "sts:AssumeRole", role.arn.clone());
            self.step(trial, &request, Caller::Bare, role);
        }
        Some(role)
    }

    /// A call under a role: its own side, and the other where that is ours to see.
    fn backend(&self, trial: &mut Trial, request: &Request, role: &Thing) {
        if let Some(target) = self.world.with_arn(&request.resource) {
            self.step(trial, request, Caller::Role(role), target);
            if let Some(key) = target.kms_key() {
                let sender = Voice::role(role);
                self.uses_key(trial, key, &SENDING, &sender, target);
            }
            return;
        }
        let own = request.owner() == Some(role.place.id.as_str());
        let verdict = self
            .world
            .should_pass(request, Caller::Role(role), &unseen(request, role));
        match verdict.decision {
            Decision::Allow if own => {}
            Decision::Allow => trial.depends_on([format!(
                "the policy of {} is another account's, and not read",
                request.resource
            )]),
            Decision::Unproven => {
                trial.depends_on(verdict.because.iter().map(|it| self.world.named(it)));
            }
            // What a role of somebody else's may do is not read without a cloud.
            Decision::Deny if !role.owned && !self.world.live => trial.depends_on([format!(
                "the policies of {} are its owner's, and not read: they must allow {} on {}",
                role.address, request.action, request.resource
            )]),
            Decision::Deny => trial.lacks(format!(
                "{} lacks {} on {}",
                role.address, request.action, request.resource
            )),
        }
    }
}

/// Something that the stack does not have, as if its own policy let a role in: its owner's word is not read.
fn unseen(request: &Request, role: &Thing) -> Thing {
    let all = Statement::allow("Owner", Clause::of([request.action.clone()]))
        .to(PrincipalClause::aws([role.arn.clone()]))
        .on([request.resource.clone()]);
    let other = request.owner() != Some(role.place.id.as_str());
    let mut place = role.place.clone();
    if let Some(id) = Arn::parse(&request.resource)
        .ok()
        .and_then(|it| it.account_id())
    {
        place.id = id;
    }
    Thing {
        address: role.address.clone(),
        arn: request.resource.clone(),
        place,
        owned: false,
        policy: other.then(|| Paper::resource("its owner's policy", Document::of(vec![all]))),
        what: What::Topic {
            key: String::new(),
            receivers: Vec::new(),
        },
    }
}
