//! What a claim's sentence means, held against what its steps show.

use serde_json::Value;

use super::asked::glob;
use super::stated::{OF_NETWORK, account_of, is_of, is_short, names_of};
use super::{Grounds, Piece, allowing, list, parts, text_of};
use crate::policy::document::{Clause, Conditions};

/// A request that a claim says to work, as far as it stands for others.
#[derive(Clone, Debug)]
pub(super) struct Work {
    /// Who makes it: a name, `*`, or the root of an account for all of it.
    who: String,
    /// The action, in lower case.
    action: String,
    /// What it is done to; a route's calls as a pattern.
    on: String,
    /// What a statement must ask for, so that it lets in no others: a key in lower case, and the values that are
    /// within the sentence.
    needs: Vec<Need>,
}

type Need = (String, Vec<String>);

/// What a sentence says that somebody does, and the actions that it is.
const DEEDS: [(&str, &str); 6] = [
    (" may call ", "execute-api:invoke"),
    (" may publish to ", "sns:publish"),
    (
        " may receive from ",
        "sqs:receivemessage sqs:deletemessage sqs:changemessagevisibility sqs:getqueueattributes",
    ),
    (" may send to ", "sqs:sendmessage"),
    (
        " is trusted by ",
        "sts:assumerole sts:assumerolewithwebidentity sts:assumerolewithsaml sts:tagsession sts:setsourceidentity",
    ),
    (" receives from ", "sqs:sendmessage sns:subscribe"),
];

/// How a sentence closes a kind of resource to everybody else, and the services that use and change it.
const KINDS: [(&str, &str, &str); 5] = [
    ("apis", "execute-api apigateway", "call _ or change it"),
    ("keys", "kms", "use _ or change it"),
    ("queues", "sqs", "send to _, receive from it or change it"),
    (
        "roles",
        "sts iam",
        "assume _, pass it to a service or change it",
    ),
    (
        "topics",
        "sns",
        "publish to _, subscribe to it or change it",
    ),
];

/// Why a claim is left to the prover.
const UNREAD: &str = "its sentence is not one that is read here";

impl Grounds {
    /// Returns what the steps of a claim show to work, where its sentence says no less.
    ///
    /// Each step is made by the one that the sentence names, or by a role that a step before it assumed.
    pub(super) fn amounts_to(&self, claim: &Value, steps: &[Value]) -> Result<Vec<Work>, String> {
        let text = text_of(&claim["claim"]);
        let read = |it: &(&str, &'static str)| Some((text.split_once(it.0)?, it.1));
        let ((who, rest), actions) = DEEDS.iter().find_map(read).ok_or(UNREAD)?;
        if text.contains(DEEDS[5].0) {
            return self.receiving(claim, [who, rest], steps);
        }
        let (route, on) = rest.split_once(" of ").unwrap_or(("", rest));
        let target = self.things.get(on).filter(|_| claim["subject"] == on);
        let target = target.ok_or(UNREAD)?;
        let mut found: Vec<Work> = Vec::new();
        let mut assumed: Vec<&str> = Vec::new();
        let mut used: Vec<&str> = Vec::new();
        let mut is_shown = false;
        for request in steps.iter().map(|it| &it["request"]) {
            let [asks, did, to] =
                ["principal", "action", "resource"].map(|it| text_of(&request[it]));
            let did = did.to_ascii_lowercase();
            let (name, mut needs) = if assumed.contains(&asks) {
                Some((asks.to_owned(), Vec::new())).filter(|_| self.carries(request, &[], &did))
            } else {
                let meant = self.meant(who, request);
                meant.filter(|it| self.carries(request, &it.1, &did))
            }
            .ok_or_else(|| format!("{asks} is not who it is about"))?;
            let external = list(&request["context"]["sts:ExternalId"]).iter();
            needs.extend(external.map(|it| need("sts:externalid", [text_of(it)])));
            let is_deed = actions.split(' ').any(|it| it == did) && is_of(to, target);
            let called = pattern_of(route, to).filter(|it| glob(it, to));
            if is_deed && (route.is_empty() || called.is_some()) {
                used.push(asks);
                is_shown |= actions
                    .split(' ')
                    .next()
                    .is_some_and(|it| did.starts_with(it));
            } else if did.starts_with("sts:") && self.role(to).is_some() && !assumed.contains(&asks)
            {
                assumed.extend(did.starts_with("sts:assumerole").then_some(to));
            } else {
                return Err(format!("it does not say that {asks} does {did} on {to}"));
            }
            let on = called.unwrap_or_else(|| to.to_owned());
            found.push(Work {
                who: name,
                action: did,
                on,
                needs,
            });
        }
        // A role that is assumed for nothing is none of what the sentence says.
        let is_used = assumed.iter().all(|it| used.contains(it));
        (is_shown && is_used)
            .then_some(found)
            .ok_or_else(|| "its steps do not show it".to_owned())
    }

    /// A queue receives: the topic delivers to it or to its dead letters, and the queue's account subscribes it.
    fn receiving(
        &self,
        claim: &Value,
        [queue, topic]: [&str; 2],
        steps: &[Value],
    ) -> Result<Vec<Work>, String> {
        let [to, from] = [queue, topic].map(|it| self.things.get(it));
        let (to, from) = to
            .zip(from)
            .filter(|_| claim["subject"] == queue)
            .ok_or(UNREAD)?;
        let [to_arn, from_arn] = [to, from].map(|it| text_of(&it["arn"]));
        let mut found = Vec::new();
        for request in steps.iter().map(|it| &it["request"]) {
            let [asks, did, on] =
                ["principal", "action", "resource"].map(|it| text_of(&request[it]));
            let did = did.to_ascii_lowercase();
            let carries =
                |key: &str, value: &str| request["context"][key] == serde_json::json!([value]);
            let own = list(&to["letters"]).iter().any(|it| it == on) || on == to_arn;
            let delivers = own
                && asks.starts_with("sns.")
                && asks.contains(".amazonaws.com")
                && did == "sqs:sendmessage"
                && carries("aws:SourceArn", from_arn);
            let subscribes = on == from_arn
                && did == "sns:subscribe"
                && carries("sns:Endpoint", to_arn)
                && is_root(asks)
                && account_of(asks) == account_of(to_arn);
            let needs = match (delivers, subscribes) {
                (true, _) => need("aws:sourcearn", [from_arn]),
                (_, true) => need("sns:endpoint", [to_arn]),
                _ => return Err(format!("it does not say that {asks} does {did} on {on}")),
            };
            found.push(Work {
                who: asks.to_owned(),
                action: did,
                on: on.to_owned(),
                needs: vec![needs],
            });
        }
        let is_shown = found.iter().any(|it| it.on == to_arn);
        is_shown
            .then_some(found)
            .ok_or_else(|| "its steps do not show it".to_owned())
    }

    /// Returns whom a sentence names by a subject, if the request is theirs: the name that a statement has for them, and
    /// what it must ask for beside.
    fn meant(&self, who: &str, request: &Value) -> Option<(String, Vec<Need>)> {
        let asks = text_of(&request["principal"]);
        let value = |key: &str| text_of(&request["context"][key][0]);
        let role = asks.strip_suffix("provision-verify");
        let root = || format!("{}:root", asks.split(":role/").next().unwrap_or_default());
        let words = |it: &str| -> Vec<String> { it.split(" or ").map(str::to_owned).collect() };
        let one_of = |key: &str, all: Vec<String>, is: &dyn Fn(&str) -> bool| {
            let is_it = all.first().is_some_and(|it| is(it));
            is_it.then(|| (key.to_ascii_lowercase(), all))
        };
        if let Some(thing) = self.things.get(who) {
            return (thing["arn"] == asks).then(|| (asks.to_owned(), Vec::new()));
        }
        if who == asks && asks.starts_with("arn:") {
            return Some((asks.to_owned(), Vec::new()));
        }
        if let Some(id) = who.strip_prefix("account ") {
            let is_it = role.is_some_and(|it| it.ends_with(&format!("::{id}:role/")));
            return is_it.then(|| (root(), Vec::new()));
        }
        if let Some((prefix, id)) = who
            .strip_prefix("roles ")
            .and_then(|it| it.split_once("* of account "))
        {
            let head = role.filter(|it| it.ends_with(&format!("::{id}:role/{prefix}")))?;
            return Some((
                root(),
                vec![need("aws:principalarn", [&format!("{head}*")])],
            ));
        }
        let unit = who
            .strip_prefix("unit ")
            .and_then(|it| it.split_once(" of organization "));
        let organization = who.strip_prefix("organization ").or(unit.map(|it| it.1));
        let network = ["whoever comes through ", "callers in ", "callers from "];
        let network = network.iter().find_map(|it| who.strip_prefix(it));
        if let Some(id) = organization {
            role.filter(|_| value("aws:PrincipalOrgID") == id)?;
            let below = unit.map(|it| format!("{id}/{}/", it.0));
            let need = match below {
                Some(path) if value("aws:PrincipalOrgPaths") != path => return None,
                Some(path) => need("aws:principalorgpaths", [&format!("{path}*")]),
                None => need("aws:principalorgid", [id]),
            };
            return Some(("*".to_owned(), vec![need]));
        }
        if let Some(places) = network {
            let mut keys = request["context"].as_object()?.iter();
            let (key, _) =
                keys.find(|it| OF_NETWORK.contains(&it.0.to_ascii_lowercase().as_str()))?;
            let is = |it: &str| it.split('/').next() == Some(value(key));
            return Some((
                "*".to_owned(),
                vec![role.and(one_of(key, words(places), &is))?],
            ));
        }
        if let Some((subjects, provider)) = who.rsplit_once(" of ") {
            let key = format!("{provider}:sub");
            let is = |it: &str| it.replace(['*', '?'], "x") == value(&key);
            let is_it = asks.ends_with(&format!(":oidc-provider/{provider}"));
            let need = one_of(&key, words(subjects), &is).filter(|_| is_it)?;
            return Some((asks.to_owned(), vec![need]));
        }
        if asks.is_empty() || asks.contains([':', '*']) {
            return None;
        }
        let Some(sources) = who
            .strip_prefix(asks)
            .and_then(|it| it.strip_prefix(" for "))
        else {
            return (who == asks).then(|| (asks.to_owned(), Vec::new()));
        };
        let is = |key: &'static str| move |it: &str| it.replace(['*', '?'], "x") == value(key);
        let need = match sources.strip_prefix("account ") {
            Some(id) => one_of(
                "aws:SourceAccount",
                vec![id.to_owned()],
                &is("aws:SourceAccount"),
            ),
            None => one_of("aws:SourceArn", words(sources), &is("aws:SourceArn")),
        };
        Some((asks.to_owned(), vec![need?]))
    }

    /// Whether a request carries no more than its sentence says, than whoever calls may choose, or than the
    /// certificate says of the accounts.
    fn carries(&self, request: &Value, needs: &[Need], did: &str) -> bool {
        let [asks, to] = ["principal", "resource"].map(|it| text_of(&request[it]));
        let of = |arn: &str, field: &str| {
            self.accounts
                .get(account_of(arn))
                .map_or(Value::Null, |it| it[field].clone())
        };
        let is_of_organization = needs.iter().any(|it| it.0.starts_with("aws:principalorg"));
        let mut all = request["context"].as_object().into_iter().flatten();
        all.all(|(key, values)| {
            let key = key.to_ascii_lowercase();
            let chosen = match did {
                "sns:subscribe" => "sns:endpoint sns:protocol",
                "execute-api:invoke" => "aws:sourcevpce aws:sourcevpc",
                _ if did.starts_with("sts:") => "sts:externalid",
                _ => "",
            };
            let stated = match key.as_str() {
                "aws:principalorgid" => of(asks, "organization"),
                "aws:principalorgpaths" => of(asks, "path"),
                "aws:resourceorgid" => of(self.name_of(to), "organization"),
                "aws:resourceorgpaths" => of(self.name_of(to), "path"),
                _ => Value::Null,
            };
            let provider = key.strip_suffix(":aud");
            let is_of_token = |it: &Need| it.0.strip_suffix(":sub") == provider;
            needs.iter().any(|it| it.0 == key)
                || chosen.split(' ').any(|it| it == key)
                || is_of_organization && key.starts_with("aws:principalorg")
                || provider.is_some() && needs.iter().any(is_of_token)
                || key == "aws:sourceaccount" && needs.iter().any(|it| it.0 == "aws:sourcearn")
                || !stated.is_null() && list(values) == [stated]
        })
    }

    /// Checks that nothing reaches what a claim is about but what was found to work.
    pub(super) fn bounds(&self, claim: &Value, steps: &[Value]) -> Result<(), String> {
        let subject = text_of(&claim["subject"]);
        let of_kind = |it: &&(&str, &str, &str)| subject.split('.').next() == Some(it.0);
        let (_, services, sentence) = KINDS.iter().find(of_kind).ok_or(UNREAD)?;
        let sentence = format!("nobody else may {}", sentence.replace('_', subject));
        let thing = self
            .things
            .get(subject)
            .filter(|_| claim["claim"] == sentence);
        let thing = thing.ok_or(UNREAD)?;
        let of_kind = text_of(&thing["arn"]).split(':').nth(2).unwrap_or_default();
        if !services.split(' ').any(|it| it == of_kind) {
            return Err(format!("{subject} has the ARN of something else"));
        }
        let mut open: Vec<(Piece, Option<&Conditions>)> = Vec::new();
        if !thing["policy"].is_null() {
            let within = steps.iter().find(|it| it["document"] == thing["policy"]);
            let within = within.ok_or("its policy is not held against what is declared")?;
            for (_, statement) in allowing(self.document(&within["within"])?) {
                let parts = parts(statement).ok_or("what is declared is not plain")?;
                open.extend(
                    parts
                        .into_iter()
                        .map(|it| (it, Some(&statement.conditions))),
                );
            }
        }
        for (address, role) in &self.things {
            if !list(&role["unread"]).is_empty() {
                return Err(format!("{address} has policies that were not read"));
            }
            let name = format!("AWS {}", text_of(&role["arn"]));
            for document in list(&role["identity"]) {
                for (_, it) in allowing(self.document(document)?) {
                    let all = reaching(it.resource.as_ref(), thing);
                    for action in it.action.values.iter().filter(|_| !it.action.negated) {
                        let action = action.to_ascii_lowercase();
                        let service = action.split(':').next().unwrap_or_default();
                        if services.split(' ').any(|it| glob(service, it)) {
                            let piece = |on: &String| [name.clone(), action.clone(), on.clone()];
                            open.extend(all.iter().map(|on| (piece(on), None)));
                        }
                    }
                    if it.action.negated && !all.is_empty() {
                        return Err(format!("{address} may do all but some actions"));
                    }
                }
            }
        }
        let mut open = open
            .iter()
            .filter(|(it, conditions)| !self.explains(it, *conditions, thing, steps));
        open.next().map_or(Ok(()), |([who, action, _], _)| {
            Err(format!(
                "{who} may {action}, and no claim before it says so"
            ))
        })
    }

    /// Whether something that is allowed changes nothing, is the owner's account's to allow, was found to work, or
    /// was refused.
    fn explains(
        &self,
        [who, action, on]: &Piece,
        conditions: Option<&Conditions>,
        thing: &Value,
        steps: &[Value],
    ) -> bool {
        let arn = text_of(&thing["arn"]);
        let (service, name) = action.split_once(':').unwrap_or_default();
        let who = who.split_once(' ').map_or("", |it| it.1);
        let reads = ["get", "list", "describe"];
        let ways = conditions.map_or(vec![Vec::new()], ways);
        let works = |way: &Vec<(String, &String)>| {
            let mut all = self.works.iter();
            all.any(|it| it.takes_in([who, action, on], conditions.map(|_| way), thing))
        };
        reads.iter().any(|it| name.starts_with(it))
            || is_root(who) && account_of(who) == account_of(arn)
            || !ways.is_empty() && ways.iter().all(works)
            || !["execute-api", "apigateway"].contains(&service)
                && (self.role(who).is_some() || !who.contains(':'))
                && steps.iter().any(|it| refuses(it, [who, action, arn]))
    }
}

impl Work {
    /// Whether somebody who does something is within this: of a statement, in one of the ways that it lets requests in.
    fn takes_in(
        &self,
        [who, action, on]: [&str; 3],
        way: Option<&Vec<(String, &String)>>,
        thing: &Value,
    ) -> bool {
        let asks_for = |key: &str, value: &str| {
            way.is_some_and(|it| it.iter().any(|it| it.0 == key && it.1 == value))
        };
        let of_prefix = self.needs.iter().any(|it| it.0 == "aws:principalarn");
        let is_same = self.who == who
            || is_root(who) && is_root(&self.who) && account_of(who) == account_of(&self.who);
        let is_let = is_same
            || who == "*" && of_prefix
            || (who == "*" || is_root(who)) && asks_for("aws:principalarn", &self.who);
        let has_needs = self
            .needs
            .iter()
            .all(|(key, values)| way.is_none() || values.iter().any(|it| asks_for(key, it)));
        let tail = |it: &str| {
            let own = it
                .strip_prefix("execute-api:")
                .or(it.strip_prefix(text_of(&thing["arn"])));
            own.unwrap_or(it).to_owned()
        };
        let all = !action.starts_with("execute-api:") || glob(&tail(&self.on), &tail(on));
        // What a session carries comes with the session.
        let carried = ["sts:tagsession", "sts:setsourceidentity"].contains(&action);
        let is_done = self.action == action || carried && self.action.starts_with("sts:assumerole");
        is_let && has_needs && is_done && is_of(&self.on, thing) && all
    }
}

/// Whether a step is that this one, whose policies are known, is refused this on this, whatever the request carries.
fn refuses(step: &Value, [who, action, arn]: [&str; 3]) -> bool {
    let request = &step["request"];
    let did = text_of(&request["action"]).to_ascii_lowercase();
    request["principal"] == who
        && request["resource"] == arn
        && did == action
        && !action.contains(['*', '?'])
        && who != "*"
        && !is_root(who)
        && request["context"].is_null()
        && step["silence"] == "anything"
}

/// The root of an account, by which a statement names all of the account.
fn is_root(who: &str) -> bool {
    who.ends_with(":root")
}

fn need<const N: usize>(key: &str, values: [&str; N]) -> Need {
    (key.to_owned(), values.map(str::to_owned).to_vec())
}

/// Operators that let in only requests that have the key, with one of the values.
const OPERATORS: &str = "stringequals stringlike arnequals arnlike ipaddress";

/// Returns each combination of values by which conditions let requests in, as far as they name values; nothing where
/// these are too many.
fn ways(conditions: &Conditions) -> Vec<Vec<(String, &String)>> {
    let mut found = vec![Vec::new()];
    for (operator, keys) in conditions {
        let operator = operator.to_ascii_lowercase();
        let word = operator.strip_prefix("foranyvalue:").unwrap_or(&operator);
        if !OPERATORS.split(' ').any(|it| it == word) {
            continue;
        }
        for (key, values) in keys {
            let key = key.to_ascii_lowercase();
            let with = |way: &Vec<(String, _)>| -> Vec<Vec<(String, _)>> {
                let with = |it| way.iter().cloned().chain([(key.clone(), it)]).collect();
                values.iter().map(with).collect()
            };
            found = found.iter().flat_map(with).collect();
            if found.len() > 1000 {
                return Vec::new();
            }
        }
    }
    found
}

/// The call that a route is, as a pattern of ARNs: of an API and a stage that one call names.
fn pattern_of(route: &str, call: &str) -> Option<String> {
    let (method, path) = route.split_once(' ')?;
    // One call shows nothing of many.
    if method == "ANY" || route.contains('*') {
        return None;
    }
    let mut head = call.split('/');
    let (api, stage) = (head.next()?, head.next()?);
    let segment = |it: &str| {
        if it.starts_with('{') {
            "*".to_owned()
        } else {
            it.to_owned()
        }
    };
    let path: Vec<String> = path.split('/').map(segment).collect();
    Some(format!("{api}/{stage}/{method}{}", path.join("/")))
}

/// The patterns of a statement that may reach a thing, or a part of it; one of everything where it says what it is not about.
fn reaching(clause: Option<&Clause>, thing: &Value) -> Vec<String> {
    let Some(clause) = clause.filter(|it| !it.negated) else {
        return vec!["*".to_owned()];
    };
    let reaches = |pattern: &&String| {
        let plain = pattern.find(['*', '?', '$']);
        let head = plain.map_or(pattern.as_str(), |it| &pattern[..it]);
        let is_open = plain.is_some() || is_short(pattern);
        is_of(pattern, thing)
            || is_open
                && names_of(thing)
                    .iter()
                    .any(|it| it.starts_with(head) || is_of(head, thing))
    };
    clause.values.iter().filter(reaches).cloned().collect()
}
