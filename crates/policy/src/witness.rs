//! Requests that people can try, out of a cube of the space.
//!
//! A cube says which examples of each coordinate it holds. A witness takes one of each, the
//! plainest first, and dresses it: a stranger's account, a known action of the resource's
//! service, a context that says no more than it must.

use super::actions::all_of;
use super::automaton::Atlas;
use super::coordinate::{Value, What, text_of};
use super::coordinates::{FEDERATED, PROVIDER_KEY, plain, told_of};
use super::cubes::Cube;
use super::facts::{Facts, Key};
use super::request::{Caller, MethodAuth, Request, Who};
use super::rules::Kind;
use super::space::{SOMEWHERE, Space};
use super::stand_in::OTHERS;

/// Most combinations that are tried for one cube.
const MOST_TRIES: usize = 200;

/// Actions to show in place of an invented one, each service's best known first.
const KNOWN: [&str; 24] = [
    "sns:Publish",
    "sns:Subscribe",
    "sns:GetTopicAttributes",
    "sqs:SendMessage",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "execute-api:Invoke",
    "execute-api:ManageConnections",
    "sts:AssumeRole",
    "sts:TagSession",
    "lambda:InvokeFunction",
    "lambda:GetFunction",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "kms:Encrypt",
    "kms:DescribeKey",
    "s3:GetObject",
    "s3:PutObject",
    "iam:PassRole",
    "iam:GetRole",
    "apigateway:GET",
    "dynamodb:GetItem",
    "events:PutEvents",
    "ec2:DescribeInstances",
];

/// The account of a stranger.
const STRANGER: &str = "999999999999";

/// The requests to try for a cube, the plainest first.
pub fn candidates<'a>(space: &'a Space, cube: &'a Cube) -> impl Iterator<Item = Request> + 'a {
    let ranked: Vec<Vec<usize>> = (0..space.shape.width())
        .map(|coordinate| {
            let mut values = space.shape.values(cube, coordinate);
            let all = &space.coordinates[coordinate];
            let unknown = |value: &Value| {
                let example = text_of(value).filter(|_| all.what == What::Action);
                example.is_some_and(|it| !KNOWN.iter().any(|known| known.eq_ignore_ascii_case(it)))
            };
            values.sort_by_key(|it| {
                let value = &all.values[*it];
                (rank(space, value), unknown(value))
            });
            values
        })
        .collect();
    let plainest: Vec<usize> = ranked.iter().map(|it| it[0]).collect();
    let mut choices = vec![plainest.clone()];
    for (coordinate, values) in ranked.iter().enumerate() {
        for value in &values[1..] {
            let mut choice = plainest.clone();
            choice[coordinate] = *value;
            choices.push(choice);
        }
    }
    choices.truncate(MOST_TRIES);
    choices.into_iter().flat_map(|it| {
        let request = dress(space, &it);
        let session = in_session(space, &request);
        std::iter::once(request).chain(session)
    })
}

/// The same request in a session that neither document names, where one names sessions: then
/// the role alone does not tell which of them is asking.
fn in_session(space: &Space, request: &Request) -> Option<Request> {
    let coordinate = &space.coordinates[space.index(&What::Principal)?];
    let names_sessions = coordinate
        .values
        .iter()
        .any(|it| matches!(it, Value::Who(Who::Arn(arn)) if arn.contains(":assumed-role/")));
    let Who::Arn(arn) = &request.principal else {
        return None;
    };
    let (head, path) = arn.split_once(":role/").filter(|_| names_sessions)?;
    let head = head.replacen(":iam:", ":sts:", 1);
    let name = path.rsplit('/').next()?;
    let mut request = request.clone().with("aws:PrincipalArn", [arn.clone()]);
    request.principal = Who::Arn(format!("{head}:assumed-role/{name}/another-session"));
    Some(request)
}

/// How far from plain a value is.
fn rank(space: &Space, value: &Value) -> usize {
    let trusts = space.index(&What::Resource).is_none();
    match value {
        Value::Who(Who::Anonymous) if !trusts => 0,
        Value::Who(Who::Arn(arn)) if arn.contains(":role/") => 1,
        Value::Who(Who::Arn(arn)) if arn.contains(":user/") => 2,
        Value::Who(Who::Arn(_)) => 4,
        Value::Who(Who::Service(_)) => 3,
        Value::Who(Who::Anonymous) => 5,
        // Only a role's trust decides about its sessions: elsewhere such a request is no example.
        Value::Text(_) if !trusts && text_of(value).is_some_and(|it| it.starts_with("sts:")) => 1,
        Value::Text(_) | Value::Key(None) | Value::Flag(_) => 0,
        Value::Key(Some(values)) => values.len(),
    }
}

/// The request that these values make.
fn dress(space: &Space, choice: &[usize]) -> Request {
    let value = |what: &What| {
        let index = space.index(what)?;
        let coordinate = &space.coordinates[index];
        Some((coordinate, &coordinate.values[choice[index]]))
    };
    let asked = value(&What::Action).and_then(|(_, it)| text_of(it)?.split(':').next());
    let resource = match value(&What::Resource) {
        Some((coordinate, value)) => {
            let example = text_of(value).unwrap_or("*");
            // Of a known owner's resources, one that names no account stays so.
            let account = space.owner.as_ref().map_or(SOMEWHERE, |_| "");
            nicer_arn(coordinate.atlas.as_ref(), example, account, asked)
        }
        None => "*".to_owned(),
    };
    let action = match value(&What::Action) {
        Some((coordinate, value)) => {
            let example = text_of(value).unwrap_or_default();
            nicer_action(coordinate.atlas.as_ref(), example, &resource)
        }
        None => KNOWN[0].to_owned(),
    };
    let principal = if let Some((coordinate, Value::Who(who))) = value(&What::Principal) {
        match plain(who) {
            Who::Arn(arn) => Who::Arn(nicer_arn(coordinate.atlas.as_ref(), &arn, STRANGER, None)),
            other => other,
        }
    } else {
        let mut parts = resource.splitn(6, ':').skip(1);
        let partition = parts.next().unwrap_or("aws");
        let account = parts.nth(2).filter(|it| it.len() == 12);
        let account = account.unwrap_or(SOMEWHERE);
        Who::Arn(format!("arn:{partition}:iam::{account}:role/someone"))
    };
    let resource = if space.index(&What::Resource).is_none() {
        unnamed_resource(space.owner.as_deref(), &principal, &action)
    } else {
        resource
    };
    let mut request = Request::new(principal, action, resource);
    settle_owner(space, &mut request);
    if let Some((_, Value::Who(who))) = value(&What::Principal)
        && let Some((key, told)) = told_of(who)
    {
        let key = spelling(space, key);
        let told = Some(told.to_owned()).filter(|it| !it.is_empty());
        request.context.insert(key, told.into_iter().collect());
    }
    for (index, coordinate) in space.coordinates.iter().enumerate() {
        if let (What::Key(key), Value::Key(Some(values))) =
            (&coordinate.what, &coordinate.values[choice[index]])
        {
            let values = match values.as_slice() {
                [one] => vec![nicer_value(coordinate.atlas.as_ref(), key, one)],
                many => many.to_vec(),
            };
            request.context.insert(spelling(space, key), values);
        }
    }
    if request.action.starts_with("execute-api:") {
        request.method_auth = Some(match request.principal {
            Who::Anonymous => MethodAuth::None,
            Who::Arn(_) | Who::Service(_) => MethodAuth::Iam,
        });
    }
    align(space, &mut request);
    say_what_does_not_follow(space, &mut request);
    request
}

fn spelling(space: &Space, key: &str) -> String {
    let known = space.spellings.get(key);
    known.map_or_else(|| key.to_owned(), Clone::clone)
}

/// A resource for documents that name none, as a role's trust policy does, or only by variables.
fn unnamed_resource(owner: Option<&str>, principal: &Who, action: &str) -> String {
    let of_caller = match principal {
        Who::Arn(arn) => arn.split(':').nth(4).filter(|it| it.len() == 12),
        Who::Service(_) | Who::Anonymous => None,
    };
    let service = action.split(':').next().unwrap_or_default();
    if service == "sts" {
        let account = owner.or(of_caller).unwrap_or(SOMEWHERE);
        return format!("arn:aws:iam::{account}:role/target");
    }
    let (account, name) = (owner.unwrap_or(SOMEWHERE), plain_name(service));
    format!("arn:aws:{service}:eu-west-1:{account}:{name}")
}

/// A name that a resource of a service can have.
fn plain_name(service: &str) -> &'static str {
    match service {
        "kms" => "key/example",
        "execute-api" => "a1b2c3d4e5/prod/GET/example",
        _ => "example",
    }
}

/// An identity policy is asked in the principal's own account.
fn settle_owner(space: &Space, request: &mut Request) {
    if space.kind != Kind::Identity || request.resource == "*" {
        return;
    }
    let facts = Facts::of(request);
    let own = facts.caller.account().map(str::to_owned);
    if own.as_deref() != facts.owner {
        request.resource_account = own;
    }
}

/// Makes keys that follow from the rest of the request agree with it.
fn align(space: &Space, request: &mut Request) {
    // To SNS, the source of a signed request is the account that signed it.
    let signer = match &request.principal {
        Who::Arn(arn) if request.action.starts_with("sns:") => arn.split(':').nth(4),
        Who::Arn(_) | Who::Service(_) | Who::Anonymous => None,
    };
    if let Some(signer) = signer.filter(|it| it.len() == 12).map(str::to_owned) {
        for key in ["aws:sourceaccount", "aws:sourceowner"] {
            let values = request.context.get_mut(&spelling(space, key));
            if let Some(values) = values.filter(|it| !it.is_empty()) {
                *values = vec![signer.clone()];
            }
        }
    }
    // A token's provider is who asks.
    if let Caller::Provider { name } = Caller::of(request) {
        let name = name.to_owned();
        if let Some(values) = request.context.get_mut(&spelling(space, PROVIDER_KEY)) {
            *values = vec![name];
        }
    }
    align_with_resource(space, request);
}

/// Keys that repeat a segment of the source's or the resource's ARN have that segment.
fn align_with_resource(space: &Space, request: &mut Request) {
    let source = request
        .context
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn"))
        .and_then(|(_, values)| values.first().cloned());
    let resource = request.resource.clone();
    for (key, arn, segment) in [
        ("aws:sourceaccount", source.as_ref(), 4),
        ("aws:requestedregion", Some(&resource), 3),
        ("aws:resourceaccount", Some(&resource), 4),
    ] {
        let part = arn.and_then(|it| it.splitn(6, ':').nth(segment));
        let name = spelling(space, key);
        if let (Some(part), Some(values)) = (
            part.filter(|it| !it.is_empty()),
            request.context.get_mut(&name),
        ) && !values.is_empty()
        {
            *values = vec![part.to_owned()];
        }
    }
}

/// Says of each key that the documents ask about what would otherwise not be known.
fn say_what_does_not_follow(space: &Space, request: &mut Request) {
    let mut further = Vec::new();
    let facts = Facts::of(request);
    for coordinate in &space.coordinates {
        if let What::Key(key) = &coordinate.what
            && facts.given(key).is_none()
            && facts.key(key) != Key::Absent
        {
            if key == "aws:sourceip" {
                further.push(("aws:VpcSourceIp".to_owned(), vec!["10.0.0.1".to_owned()]));
            } else {
                further.push((spelling(space, key), Vec::new()));
            }
        }
    }
    for (key, values) in further {
        request.context.entry(key).or_insert(values);
    }
}

/// An ARN of the same class with words for invented letters.
///
/// Its service is that of the action, where the class leaves that open.
fn nicer_arn(atlas: Option<&Atlas>, example: &str, account: &str, asked: Option<&str>) -> String {
    let Some(atlas) = atlas.filter(|it| it.has(example)) else {
        return example.to_owned();
    };
    let mut parts: Vec<String> = example.splitn(6, ':').map(str::to_owned).collect();
    let is_federated = example.contains(FEDERATED);
    let is_principal = is_federated || parts.get(2).is_some_and(|it| it == "iam");
    let name = match parts.get(5).map(String::as_str) {
        Some(it) if it.starts_with("role/") => "role/someone",
        Some(it) if it.starts_with("user/") => "user/someone",
        Some(_) if is_federated => "federated-user/someone",
        _ => "example",
    };
    let region = if is_principal { "" } else { "eu-west-1" };
    let service = asked
        .filter(|it| ["kms", "sqs", "execute-api", "s3", "lambda", "dynamodb"].contains(it))
        .unwrap_or("sns");
    // A bucket's ARN names neither a region nor an account.
    let (region, account) = match service {
        "s3" => ("", ""),
        _ => (region, account),
    };
    let name = match plain_name(service) {
        "example" => name,
        of_service => of_service,
    };
    let segments = [
        (1, ["aws", "aws-cn"]),
        (2, [service, "sqs"]),
        (3, [region, "us-east-1"]),
        (4, [account, "888888888888"]),
        (5, [name, "a1b2c3d4e5/prod/GET/example"]),
    ];
    for (segment, wishes) in segments {
        for wish in wishes {
            // It is so already.
            if parts.get(segment).is_some_and(|it| it == wish) {
                break;
            }
            let mut wished = parts.clone();
            if let Some(part) = wished.get_mut(segment) {
                wish.clone_into(part);
            }
            if atlas.rather(example, wished.join(":")).is_some() {
                parts = wished;
                break;
            }
        }
    }
    parts.join(":")
}

/// A known action of the same class, of the resource's service if there is one; or else any that a
/// listed service has.
fn nicer_action(atlas: Option<&Atlas>, example: &str, resource: &str) -> String {
    let Some(atlas) = atlas else {
        return example.to_owned();
    };
    let fits = |it: &str| atlas.rather(example, it.to_ascii_lowercase()).is_some();
    let service = match resource.split(':').nth(2) {
        Some("iam") => "sts",
        Some(service) => service,
        None => "",
    };
    let services = [service, example.split(':').next().unwrap_or_default()];
    // STS and KMS are asked about their own resources only.
    let is_asked = |it: &str| {
        let own = it.split(':').next().unwrap_or_default();
        own == service || service.is_empty() || !["sts", "kms"].contains(&own)
    };
    let known = || KNOWN.into_iter().filter(|it| is_asked(it) && fits(it));
    let of = |service: &str| known().find(|it| it.split(':').next() == Some(service));
    let found = services.into_iter().find_map(of).map(str::to_owned);
    let found = found.or_else(|| services.into_iter().flat_map(all_of).find(|it| fits(it)));
    let found = found.or_else(|| known().next().map(str::to_owned));
    found.unwrap_or_else(|| example.to_owned())
}

/// A value of the same class that reads as one.
fn nicer_value(atlas: Option<&Atlas>, key: &str, example: &str) -> String {
    let Some(atlas) = atlas else {
        return example.to_owned();
    };
    if key == "aws:sourcearn" {
        return nicer_arn(Some(atlas), example, SOMEWHERE, None);
    }
    let wish = match key {
        it if it.ends_with("account") || it.ends_with("owner") => STRANGER,
        it if it.contains("region") => "us-east-1",
        "sns:protocol" => "https",
        "sns:endpoint" => "https://example.com/",
        _ => {
            let mut others = OTHERS.iter();
            others.find(|it| key.contains(it.0)).map_or("", |it| it.1)
        }
    };
    let found = atlas.rather(example, wish.to_owned());
    found.unwrap_or_else(|| example.to_owned())
}
