//! What other tools say they made: Terraform's state, `CloudFormation`'s resources.
//!
//! They tell which resources to take and what to call them. What those are like is read
//! live: a state may be old, and a template says what was meant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::LeftOut;
use crate::kinds::Resource;
use crate::kinds::survey::census::{Candidate, Census};
use crate::model::{Arn, KindName};
use crate::policy::json;

/// A resource that a file names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    kind: KindName,
    /// The name in AWS; an API's id.
    name: String,
    /// Where, as far as the file says.
    account: Option<String>,
    region: Option<String>,
    /// What the file calls it.
    called: String,
    /// The same, to be told: `aws_sns_topic.events`.
    address: String,
}

/// All that the files name.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The files' names.
    pub files: Vec<String>,
    /// Accounts that they speak of.
    pub accounts: BTreeSet<String>,
    /// What a stack has no kind for.
    pub left_out: Vec<LeftOut>,
    named: Vec<Named>,
    /// Resources of other kinds, by kind: the tool's own names for them.
    others: BTreeMap<String, Vec<String>>,
}

/// A file that is not what it claims to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{file}` {why}")]
pub struct SourceError {
    /// The file.
    pub file: String,
    /// What is wrong, and what to do.
    pub why: String,
}

/// Forms of a Terraform state before 1.0 (Terraform 0.12 to 1.0): what is read of them is alike.
const TERRAFORM: [&str; 2] = ["0.1", "0.2"];

/// How many of the resources of another kind are told by name.
const SHOWN: usize = 3;

/// `1 resource`, `2 resources`
fn counted(count: usize, what: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {what}{end}")
}

/// What another tool's type is to a stack.
enum Type {
    /// A kind of its own.
    Kind(KindName),
    /// Part of one, and read with it.
    Part,
    /// Nothing.
    Unknown,
}

fn type_of(kind: &str) -> Type {
    match kind {
        "aws_iam_role" | "AWS::IAM::Role" => Type::Kind(KindName::Role),
        "aws_sns_topic" | "AWS::SNS::Topic" => Type::Kind(KindName::Topic),
        "aws_sqs_queue" | "AWS::SQS::Queue" => Type::Kind(KindName::Queue),
        "aws_api_gateway_rest_api" | "AWS::ApiGateway::RestApi" => Type::Kind(KindName::RestApi),
        "aws_iam_role_policy"
        | "aws_iam_role_policy_attachment"
        | "aws_iam_role_policies_exclusive"
        | "aws_sns_topic_policy"
        | "aws_sns_topic_subscription"
        | "aws_sqs_queue_policy"
        | "aws_sqs_queue_redrive_policy"
        | "aws_sqs_queue_redrive_allow_policy"
        | "aws_api_gateway_resource"
        | "aws_api_gateway_method"
        | "aws_api_gateway_method_response"
        | "aws_api_gateway_method_settings"
        | "aws_api_gateway_integration"
        | "aws_api_gateway_integration_response"
        | "aws_api_gateway_deployment"
        | "aws_api_gateway_stage"
        | "aws_api_gateway_rest_api_policy"
        | "AWS::IAM::Policy"
        | "AWS::IAM::RolePolicy"
        | "AWS::SNS::TopicPolicy"
        | "AWS::SNS::TopicInlinePolicy"
        | "AWS::SNS::Subscription"
        | "AWS::SQS::QueuePolicy"
        | "AWS::SQS::QueueInlinePolicy"
        | "AWS::ApiGateway::Resource"
        | "AWS::ApiGateway::Method"
        | "AWS::ApiGateway::Deployment"
        | "AWS::ApiGateway::Stage" => Type::Part,
        _ => Type::Unknown,
    }
}

/// Reads the files, each by what is in it.
pub fn read(files: &[(String, String)]) -> Result<Sources, SourceError> {
    let mut all = Sources::default();
    let mut templates: Vec<(String, BTreeSet<String>)> = Vec::new();
    let mut listed: BTreeSet<String> = BTreeSet::new();
    for (file, text) in files {
        let wrong = |why: &str| SourceError {
            file: file.clone(),
            why: why.to_owned(),
        };
        let value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            // A template may be YAML.
            Err(error) => match template(&Value::String(text.clone())) {
                Some(ids) => {
                    all.files.push(file.clone());
                    templates.push((file.clone(), ids));
                    continue;
                }
                None => {
                    return Err(wrong(&format!(
                        "is not JSON ({error}); write it with `terraform show -json`, or with `aws cloudformation \
                         describe-stack-resources`"
                    )));
                }
            },
        };
        all.files.push(file.clone());
        if value.get("planned_values").is_some() {
            return Err(wrong(
                "is a Terraform plan, which tells what is not there yet; write the state with `terraform show -json`",
            ));
        } else if let Some(version) = value.get("format_version") {
            let is_read = |it: &str| TERRAFORM.contains(&it) || it.starts_with("1.");
            if !version.as_str().is_some_and(is_read) {
                return Err(wrong(&format!(
                    "is a Terraform state of the form {version}; 0.1, 0.2 and 1.x are read, as `terraform show -json` writes them"
                )));
            }
            let root = &value["values"]["root_module"];
            if !root.is_object() {
                return Err(wrong("is a Terraform state with nothing in it"));
            }
            all.module(root, "values.root_module")
                .map_err(|why| wrong(&why))?;
        } else if value.get("terraform_version").is_some() || value.get("serial").is_some() {
            return Err(wrong(
                "is a raw Terraform state, whose form is Terraform's own affair; write it with `terraform show -json`",
            ));
        } else if let Some(list) = ["StackResources", "StackResourceSummaries"]
            .iter()
            .find_map(|it| value.get(*it)?.as_array())
        {
            for it in list {
                if !it.is_object() {
                    return Err(wrong(&format!(
                        "lists {it} among its resources, which is none"
                    )));
                }
                listed.insert(
                    it["LogicalResourceId"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                );
                all.cloudformation(it);
            }
        } else if let Some(ids) = template(&value) {
            templates.push((file.clone(), ids));
        } else {
            return Err(wrong(
                "is neither Terraform's nor CloudFormation's; write it with `terraform show -json`, or with `aws \
                 cloudformation describe-stack-resources`",
            ));
        }
    }
    for (file, ids) in templates {
        if listed.is_empty() {
            return Err(SourceError {
                file,
                why: "is a template, which does not say what its resources are called in AWS; add `--from` with the \
                      output of `aws cloudformation describe-stack-resources`"
                    .to_owned(),
            });
        }
        for id in ids.difference(&listed) {
            all.leave_out(
                id,
                "it is in the template, and not among the stack's resources",
            );
        }
    }
    all.tell_others();
    if !files.is_empty() && all.named.is_empty() {
        let told: Vec<String> = all
            .left_out
            .iter()
            .map(|it| format!("\n  {}: {}", it.what, it.why))
            .collect();
        return Err(SourceError {
            file: all.files.join("`, `"),
            why: format!("names no role, topic, queue or REST API{}", told.concat()),
        });
    }
    Ok(all)
}

/// The logical ids of a template, or of the answer to `get-template`.
fn template(value: &Value) -> Option<BTreeSet<String>> {
    let body = value.get("TemplateBody").unwrap_or(value);
    let parsed;
    let body = match body {
        Value::String(text) => {
            // YAML has tags of its own for `!Ref`; only the names are of use.
            if json::is_too_deep(text) {
                return None;
            }
            let yaml: serde_yaml_ng::Value = serde_yaml_ng::from_str(text).ok()?;
            let resources = yaml.get("Resources")?.as_mapping()?;
            let names = resources.keys().filter_map(|it| it.as_str());
            parsed = Value::Object(names.map(|it| (it.to_owned(), Value::Null)).collect());
            &parsed
        }
        other => other.get("Resources")?,
    };
    Some(body.as_object()?.keys().cloned().collect())
}

impl Sources {
    /// Leaves out what is in accounts that are not read, and tells each.
    pub fn keep_accounts(&mut self, read: &BTreeSet<&str>) {
        let is_read = |it: &Named| it.account.as_deref().is_none_or(|id| read.contains(id));
        let (kept, elsewhere) = std::mem::take(&mut self.named)
            .into_iter()
            .partition(is_read);
        self.named = kept;
        let elsewhere: Vec<Named> = elsewhere;
        for it in elsewhere {
            let id = it.account.unwrap_or_default();
            self.leave_out(
                &it.address,
                &format!("it is in account {id}, which is not read: add `--account NAME={id}`"),
            );
        }
        self.accounts.retain(|it| read.contains(it.as_str()));
    }

    fn leave_out(&mut self, what: &str, why: &str) {
        self.left_out.push(LeftOut {
            what: what.to_owned(),
            why: why.to_owned(),
        });
    }

    /// Resources of other kinds: one line a kind, however many there are.
    fn tell_others(&mut self) {
        for (kind, names) in std::mem::take(&mut self.others) {
            let tool = if kind.starts_with("AWS::") {
                "CloudFormation"
            } else {
                "Terraform"
            };
            let first: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
            let more = match names.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let why = format!(
                "{} ({}{more}), no kind of a stack's: left to {tool}",
                counted(names.len(), "resource"),
                first.join(", ")
            );
            self.leave_out(&kind, &why);
        }
    }

    /// A module of a Terraform state, and those below it.
    fn module(&mut self, module: &Value, path: &str) -> Result<(), String> {
        let items = |name: &str| match &module[name] {
            Value::Null => Ok([].as_slice()),
            Value::Array(items) => Ok(items.as_slice()),
            _ => Err(format!(
                "is no Terraform state: `{path}.{name}` is not a list"
            )),
        };
        for (at, it) in items("resources")?.iter().enumerate() {
            if !(it["type"].is_string() && it["address"].is_string()) {
                return Err(format!(
                    "is no Terraform state: `{path}.resources[{at}]` has no type and address"
                ));
            }
            if it["mode"] != "data" {
                self.terraform(it);
            }
        }
        for (at, it) in items("child_modules")?.iter().enumerate() {
            self.module(it, &format!("{path}.child_modules[{at}]"))?;
        }
        Ok(())
    }

    fn terraform(&mut self, it: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (kind, address) = (text(&it["type"]), text(&it["address"]));
        let kind = match type_of(&kind) {
            Type::Unknown => return self.others.entry(kind).or_default().push(address),
            Type::Part => return,
            Type::Kind(kind) => kind,
        };
        let values = &it["values"];
        let called = match &it["index"] {
            Value::String(index) => format!("{}-{index}", text(&it["name"])),
            Value::Number(index) => format!("{}-{index}", text(&it["name"])),
            _ => text(&it["name"]),
        };
        let arn = match kind {
            KindName::RestApi => text(&values["execution_arn"]),
            _ => text(&values["arn"]),
        };
        let Ok(arn) = Arn::parse(&arn) else {
            return self.leave_out(&address, "the state does not say what it is in AWS");
        };
        let name = match kind {
            KindName::RestApi => arn.resource().to_owned(),
            _ => arn.name().to_owned(),
        };
        self.accounts.insert(arn.account().to_owned());
        self.named.push(Named {
            kind,
            name,
            account: Some(arn.account().to_owned()),
            region: Some(arn.region().to_owned()).filter(|it| !it.is_empty()),
            called,
            address,
        });
    }

    fn cloudformation(&mut self, it: &Value) {
        let text = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
        let (kind, called) = (text("ResourceType"), text("LogicalResourceId"));
        if text("ResourceStatus") == "DELETE_COMPLETE" {
            return;
        }
        let address = format!("{called} ({kind})");
        let kind = match type_of(&kind) {
            Type::Unknown => return self.others.entry(kind).or_default().push(called),
            Type::Part => return,
            Type::Kind(kind) => kind,
        };
        let physical = text("PhysicalResourceId");
        let stack = Arn::parse(&text("StackId")).ok();
        let of_stack = |part: fn(&Arn) -> &str| stack.as_ref().map(|it| part(it).to_owned());
        let (mut account, mut region) = (of_stack(Arn::account), of_stack(Arn::region));
        let name = match kind {
            KindName::Topic => Arn::parse(&physical).ok().map(|arn| {
                account = Some(arn.account().to_owned());
                region = Some(arn.region().to_owned());
                arn.name().to_owned()
            }),
            // https://sqs.REGION.amazonaws.com/ACCOUNT/NAME
            KindName::Queue => physical.rsplit_once('/').map(|(head, name)| {
                account = head.rsplit('/').next().map(str::to_owned);
                name.to_owned()
            }),
            _ => Some(physical).filter(|it| !it.is_empty()),
        };
        let Some(name) = name else {
            return self.leave_out(&address, "the list does not say what it is in AWS");
        };
        if kind == KindName::Role {
            region = None;
        }
        self.accounts.extend(account.clone());
        self.named.push(Named {
            kind,
            name,
            account,
            region,
            called,
            address,
        });
    }

    /// The how-manieth of the named resources this is.
    #[must_use]
    pub fn names(&self, it: &Candidate<'_>) -> Option<usize> {
        let name = match it.kind {
            KindName::RestApi => it.id,
            _ => it.name,
        };
        self.find(
            it.kind,
            name,
            it.place.id.as_str(),
            it.place.region.as_str(),
        )
    }

    fn find(&self, kind: KindName, name: &str, account: &str, region: &str) -> Option<usize> {
        let here = |said: &Option<String>, is: &str| said.as_ref().is_none_or(|it| it == is);
        self.named.iter().position(|it| {
            it.kind == kind
                && it.name == name
                && here(&it.account, account)
                && (kind == KindName::Role || here(&it.region, region))
        })
    }

    /// What the files call the things that were found, by ARN or API id.
    #[must_use]
    pub fn by_id(&self, census: &Census) -> BTreeMap<String, String> {
        let found = census.found.iter().filter_map(|it| {
            let (kind, id) = (it.have.resource.kind(), super::id_of(it));
            let name = match &it.have.resource {
                Resource::RestApi(_) => it.have.id.as_str(),
                _ => super::naming::aws_name(it),
            };
            let at = self.find(kind, name, it.place.id.as_str(), it.place.region.as_str())?;
            Some((id, self.named[at].called.clone()))
        });
        found.collect()
    }

    /// What is named and was not found, by the files' own addresses.
    #[must_use]
    pub fn missing(&self, found: &BTreeSet<usize>) -> Vec<LeftOut> {
        let all = self.named.iter().enumerate();
        let missing = all.filter(|(at, _)| !found.contains(at));
        missing
            .map(|(_, it)| {
                let place = [&it.account, &it.region].into_iter().flatten();
                let place: Vec<&str> = place.map(String::as_str).collect();
                let place = match place.join(", ") {
                    none if none.is_empty() => "these accounts".to_owned(),
                    place => place,
                };
                LeftOut {
                    what: it.address.clone(),
                    why: format!(
                        "it is named by the file, and there is no {} `{}` in {place}",
                        it.kind.singular(),
                        it.name
                    ),
                }
            })
            .collect()
    }
}
