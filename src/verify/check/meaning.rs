//! What a claim's sentence means, held against what its steps show.

use std::collections::BTreeMap;

use serde_json::Value;

use super::asked::glob;
use super::{Grounds, Piece, allowing, is_of, list, parts, text_of};
use crate::policy::document::{Clause, Conditions};

/// What a sentence says that somebody does, and the action that it is.
const DEEDS: [(&str, &str); 6] = [
    (" may call ", "execute-api:invoke"),
    (" may publish to ", "sns:publish"),
    (" may receive from ", "sqs:receivemessage"),
    (" may send to ", "sqs:sendmessage"),
    (" is trusted by ", "sts:assumerole"),
    (" receives from ", "sqs:sendmessage"),
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
    /// Returns what the steps of a claim show to work, where its sentence says no more.
    ///
    /// Each step is made by the one that the sentence names, or by a role that a step before it assumed.
    pub(super) fn amounts_to(
        &self,
        claim: &Value,
        steps: &[Value],
    ) -> Result<Vec<(Piece, Value)>, String> {
        let text = text_of(&claim["claim"]);
        let read = |it: &(&str, &'static str)| Some((text.split_once(it.0)?, it.1));
        let ((who, rest), action) = DEEDS.iter().find_map(read).ok_or(UNREAD)?;
        let (route, on) = rest.split_once(" of ").unwrap_or(("", rest));
        // A queue receives: the topic sends, and the queue's account subscribes.
        let source = text.contains(DEEDS[5].0).then(|| self.things.get(on));
        let on = source.map_or(on, |_| who);
        let target = self.things.get(on).filter(|_| claim["subject"] == on);
        let target = target.ok_or(UNREAD)?;
        let mut callers = Vec::new();
        let mut found = Vec::new();
        let mut is_shown = false;
        for request in steps.iter().map(|it| &it["request"]) {
            let [asks, did, to] =
                ["principal", "action", "resource"].map(|it| text_of(&request[it]));
            let did = did.to_ascii_lowercase();
            let (is_right, is_sent) = match source {
                Some(topic) => (
                    asks.starts_with("sns.") || did == "sns:subscribe",
                    topic.is_some_and(|it| request["context"]["aws:SourceArn"][0] == it["arn"]),
                ),
                None => (callers.contains(&asks) || self.names(who, request), true),
            };
            if !is_right {
                return Err(format!("{asks} is not who it is about"));
            }
            callers.push(asks);
            callers.extend(did.starts_with("sts:assumerole").then_some(to));
            let called = pattern_of(route, to).filter(|it| glob(it, to));
            let fits = is_sent && (route.is_empty() || called.is_some());
            is_shown |= did.starts_with(action) && is_of(to, target) && fits;
            let to = called.unwrap_or_else(|| to.to_owned());
            found.push(([asks.to_owned(), did, to], request["context"].clone()));
        }
        is_shown
            .then_some(found)
            .ok_or_else(|| "its steps do not show it".to_owned())
    }

    /// Whether a sentence calls the principal of a request so.
    fn names(&self, who: &str, request: &Value) -> bool {
        let asks = text_of(&request["principal"]);
        if let Some(thing) = self.things.get(who) {
            return thing["arn"] == asks;
        }
        let many = who
            .strip_prefix("roles ")
            .and_then(|it| it.split_once("* of account "));
        let many = many.or_else(|| Some(("", who.strip_prefix("account ")?)));
        match (many, who.rsplit_once(" of ")) {
            (Some((prefix, id)), _) => {
                asks.ends_with(&format!("::{id}:role/{prefix}provision-verify"))
            }
            (_, Some((subjects, provider))) => {
                let subject = &request["context"][format!("{provider}:sub")][0];
                asks.ends_with(&format!("/{provider}"))
                    && *subject == subjects.replace(['*', '?'], "x")
            }
            _ => {
                // Of a network, an organization or a service's source, a request has what the sentence names.
                let says = |value: &str| {
                    let mut words = who.split([' ', ',']);
                    words.any(|it| it == value || it.split('/').next() == Some(value))
                };
                let mut told = carried(&request["context"], true);
                let is_told = told.all(|it| list(it).iter().map(text_of).all(says));
                let is_example = asks.ends_with(":role/provision-verify");
                let is_like = who == asks || is_example || who.starts_with(&format!("{asks} "));
                who == asks && asks.starts_with("arn:") || is_told && is_like
            }
        }
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
    ///
    /// A statement that names more than the caller, or lets a request in for what it carries, must ask for that.
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
        let of_account = |it: &'_ str| it.split(':').nth(4).map(str::to_owned);
        let is_account = who.ends_with(":root");
        let reads = ["get", "list", "describe"]
            .iter()
            .any(|it| name.starts_with(it));
        let tail = |it: &str| {
            let own = it.strip_prefix("execute-api:").or(it.strip_prefix(arn));
            own.unwrap_or(it).to_owned()
        };
        let asked = || conditions.into_iter().flat_map(BTreeMap::values);
        let asked = || asked().flat_map(BTreeMap::values).flatten();
        let asks_for = |value: &str| {
            asked().any(|it| {
                let is_open = it.trim_matches(['*', '?']).is_empty();
                !is_open && (glob(it, value) || it.split('/').next() == Some(value))
            })
        };
        let works = |([asks, did, to], context): &(Piece, Value)| {
            let mut needed = carried(context, who == "*").peekable();
            let tells = needed.peek().is_some();
            let of_example = asks.ends_with(":role/provision-verify");
            let is_let = who == asks
                || is_account
                    && of_account(who) == of_account(asks)
                    && (of_example || asks_for(asks))
                || who == "*" && (tells || asks_for(asks));
            let is_let = is_let
                && (conditions.is_none()
                    || needed.all(|it| list(it).iter().map(text_of).any(asks_for)));
            let all = service != "execute-api" || glob(&tail(to), &tail(on));
            // What a session carries comes with the session.
            let carried = ["sts:tagsession", "sts:setsourceidentity"].contains(&action.as_str());
            let is_done = did == action || carried && did.starts_with("sts:assumerole");
            is_let && is_done && is_of(to, thing) && all
        };
        let refused = |it: &Value| {
            let request = &it["request"];
            let did = text_of(&request["action"]).to_ascii_lowercase();
            request["principal"] == who && did == *action && request["context"].is_null()
        };
        reads
            || is_account && of_account(who) == of_account(arn)
            || self.works.iter().any(works)
            || service != "execute-api" && steps.iter().any(refused)
    }
}

/// The values by which a request is let in, of those that it carries: for whom, by which token; where no name lets it
/// in (`unnamed`), also where it comes from.
fn carried(context: &Value, unnamed: bool) -> impl Iterator<Item = &Value> {
    let for_arn = !context["aws:SourceArn"].is_null();
    let all = context.as_object().into_iter().flatten();
    let needed = all.filter(move |(key, _)| match key.as_str() {
        "aws:SourceArn" | "sts:ExternalId" => true,
        "aws:SourceAccount" => !for_arn,
        "aws:PrincipalOrgID"
        | "aws:PrincipalOrgPaths"
        | "aws:SourceIp"
        | "aws:VpcSourceIp"
        | "aws:SourceVpc"
        | "aws:SourceVpce" => unnamed,
        key => key.ends_with(":sub"),
    });
    needed.map(|it| it.1)
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
    let arn = text_of(&thing["arn"]);
    let parts: Vec<&str> = arn.split(':').collect();
    let managed = match parts[..] {
        [head, partition, "execute-api", region, _, id] => {
            format!("{head}:{partition}:apigateway:{region}::/restapis/{id}")
        }
        _ => arn.to_owned(),
    };
    let reaches = |pattern: &&String| {
        let plain = pattern.find(['*', '?', '$']);
        let head = plain.map_or(pattern.as_str(), |it| &pattern[..it]);
        [arn, &managed]
            .iter()
            .any(|it| head.starts_with(*it) || plain.is_some() && it.starts_with(head))
    };
    clause.values.iter().filter(reaches).cloned().collect()
}
