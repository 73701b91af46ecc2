//! What becomes of a request, decided from the pages that the prover follows, plainly and with three answers.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.

use serde_json::Value;

use super::stated::is_short;
use super::{Grounds, is_account, list, text_of};
use crate::policy::document::{Effect, Principals, Statement, VERSION};

/// The values of a key: none where it is certainly absent, nothing where it is not known.
type Values = Option<Vec<String>>;

/// Yes, no, or open.
pub(super) type Answer = Option<bool>;

fn all(answers: impl IntoIterator<Item = Answer>) -> Answer {
    let answers: Vec<Answer> = answers.into_iter().collect();
    if answers.contains(&Some(false)) {
        return Some(false);
    }
    (!answers.contains(&None)).then_some(true)
}

fn any(answers: impl IntoIterator<Item = Answer>) -> Answer {
    all(answers.into_iter().map(not)).map(|it| !it)
}

fn not(answer: Answer) -> Answer {
    Some(!answer?)
}

/// A request of a step.
pub(super) struct Asked<'a> {
    grounds: &'a Grounds,
    step: &'a Value,
    request: &'a Value,
    principal: &'a str,
    action: String,
    resource: &'a str,
    account: Option<&'a str>,
    owner: &'a str,
    /// Whether it is a plain call: it has no key that comes of how it is made.
    plain: bool,
    is_service: bool,
    /// Whether it must be let through: then a caller whose policies are not known has such as let it.
    works: bool,
}

impl<'a> Asked<'a> {
    pub(super) fn of(grounds: &'a Grounds, step: &'a Value, works: bool) -> Self {
        let request = &step["request"];
        let action = text_of(&request["action"]).to_ascii_lowercase();
        let resource = text_of(&request["resource"]);
        let unsigned = action.starts_with("execute-api:") && request["authorization"] == "NONE";
        let principal = Some(text_of(&request["principal"])).filter(|_| !unsigned);
        let principal = principal.unwrap_or_default();
        let of_arn = |it: &'a str| it.split(':').nth(4).unwrap_or_default();
        let owner = of_arn(grounds.name_of(resource));
        let account = Some(of_arn(principal)).filter(|it| !it.is_empty());
        Self {
            grounds,
            step,
            request,
            principal,
            action,
            resource,
            account: account.filter(|_| !principal.contains("-provider/")),
            owner,
            plain: step["silence"] == "plain",
            is_service: !principal.is_empty() && !principal.contains(':'),
            works,
        }
    }

    /// Whether the request is certainly allowed or certainly not.
    pub(super) fn decide(&self) -> Answer {
        let root = self.principal.ends_with(":root");
        let has_side = self.account.is_some() && !root;
        let side = |name: &str| Some(&self.step[name]).filter(|it| !it.is_null());
        let own = || list(&self.step["identity"]).iter().filter(|_| has_side);
        let boundary = side("boundary").filter(|_| has_side);
        let unread = (has_side && side("identity").is_none()).then_some(self.works);
        let by_place = self.grounds.is_of_network(self.request);
        let policy = |effect, least| Some(self.says(side("resource")?, effect, Some(least)));
        let denials = own()
            .chain(boundary)
            .map(|it| self.says(it, Effect::Deny, None))
            .chain(unread.map(|it| it.then_some(false)));
        let denied = any(denials.chain(policy(Effect::Deny, 0)));
        let named = |least| policy(Effect::Allow, least).unwrap_or(Some(false));
        let limits = boundary.map_or(Some(true), |it| self.says(it, Effect::Allow, None));
        let identity = own().map(|it| self.says(it, Effect::Allow, None));
        let lets = |it: bool| Some(true).filter(|_| it && !by_place);
        let identity = any([
            Some(root),
            all([any(identity.chain(unread.map(lets))), limits]),
        ]);
        let service = self.action.split(':').next().unwrap_or_default();
        let is_api = service == "execute-api";
        let private = is_api && self.request["context"].get("aws:SourceVpce").is_some();
        let unsigned = self.principal.is_empty();
        let granted = match self.account {
            None if is_api && unsigned => {
                match (self.request["authorization"].as_str(), side("resource")) {
                    (Some("NONE"), None) => Some(!private),
                    (Some("NONE"), Some(_)) => named(0),
                    (Some(_), _) => Some(false),
                    (None, _) => named(0).filter(|it| !*it),
                }
            }
            None if unsigned && !["sns", "sqs", "s3"].contains(&service) => Some(false),
            None => named(0),
            Some(account) if account != self.owner => {
                // Some actions are the owner's whatever its policies say.
                let open = ["kms", "sqs"].contains(&service)
                    && !ACROSS.split(' ').any(|it| it == self.action);
                all([identity, named(0), Some(true).filter(|_| !open)])
            }
            Some(_) => {
                let guarded = match service {
                    "kms" | "sts" => named(0),
                    _ if private => any([named(0), None]),
                    _ => Some(true),
                };
                any([named(2), all([named(1), limits]), all([identity, guarded])])
            }
        };
        // The policy of a VPC endpoint may see a signer that the method does not.
        let through = side("endpoint").map(|it| {
            let says = |effect| self.says(it, effect, Some(0));
            let lets = all([says(Effect::Allow), not(says(Effect::Deny))]);
            lets.filter(|_| self.request["principal"] == self.principal)
        });
        all([granted, not(denied), self.has_room(service)]
            .into_iter()
            .chain(through))
    }

    /// Whether the organization's policies let the request through: at each level over the caller one allows it.
    fn has_room(&self, service: &str) -> Answer {
        let [scps, rcps] = ["scps", "rcps"].map(|it| list(&self.step[it]));
        // A service's own role is under none of them, and a session does not say what its role's path is.
        let may_be_linked = [":assumed-role/", "/aws-service-role/"];
        if may_be_linked.iter().any(|it| self.principal.contains(it)) {
            return (scps.is_empty() && rcps.is_empty()).then_some(true);
        }
        let scps = scps.iter().filter(|_| self.account.is_some()).map(list);
        let says = |it: &Value, effect| self.says(it, effect, None);
        let allowed = scps
            .clone()
            .map(|it| any(it.iter().map(|it| says(it, Effect::Allow))));
        let denied = scps.flatten().map(|it| says(it, Effect::Deny));
        let is_under_rcps = ["kms", "s3", "sqs", "sts"].contains(&service);
        let over_resource = rcps.iter().flat_map(list).map(|it| {
            let denied = self.says(it, Effect::Deny, Some(0));
            denied.filter(|it| is_under_rcps || !it)
        });
        all(allowed.chain(denied.chain(over_resource).map(not)))
    }

    /// Whether a document has a statement of this effect for the request, that names the caller by its
    /// account (0), its role (1) or itself (2) at least; nothing where it names none.
    fn says(&self, document: &Value, effect: Effect, least: Option<u8>) -> Answer {
        let document = self.grounds.documents.get(document.as_str()?)?;
        let variables = document.version == VERSION;
        let statements = document.statements.iter();
        let of_effect = statements.filter(|it| it.effect == effect);
        any(of_effect.map(|it| self.matches(it, least, variables)))
    }

    fn matches(&self, it: &Statement, least: Option<u8>, variables: bool) -> Answer {
        let named = match (least, it.principal.as_ref()) {
            (None, None) => Some(true),
            (Some(least), Some(clause)) if !clause.negated => match &clause.principals {
                Principals::Anyone => Some(true),
                Principals::Of(types) => any(types.iter().flat_map(|(kind, names)| {
                    names.iter().map(move |it| self.is_named(kind, it, least))
                })),
            },
            // A statement that names nobody lets nobody in.
            (Some(_), None) if it.effect == Effect::Allow => Some(false),
            _ => None,
        };
        let takes = |own: &String| glob(&own.to_ascii_lowercase(), &self.action);
        let action = it.action.values.iter().any(takes) != it.action.negated;
        let resource = match &it.resource {
            None => least.map(|_| true),
            Some(clause) => any(clause.values.iter().map(|it| self.touches(it, variables)))
                .map(|it| it != clause.negated),
        };
        let tests = it.conditions.iter().flat_map(|(operator, keys)| {
            keys.iter()
                .map(move |(key, values)| self.holds(operator, key, values, variables))
        });
        let head = [Some(action), named, resource];
        all(head.into_iter().chain(tests))
    }

    fn is_named(&self, kind: &str, name: &str, least: u8) -> Answer {
        let account = name.strip_suffix(":root");
        let account = account.and_then(|it| it.rsplit(':').next()).unwrap_or(name);
        Some(match kind {
            "AWS" if name == "*" => true,
            "AWS" if is_account(account) => least == 0 && self.account == Some(account),
            "AWS" if name.contains(":role/") => least <= 1 && self.is_role(name)?,
            // One session of a role may be the one that asks.
            "AWS" if name.contains(":assumed-role/") && self.principal.contains(":role/") => {
                return None;
            }
            "Service" => self.is_service && self.principal == name,
            "AWS" | "Federated" => self.principal == name,
            _ => return None,
        })
    }

    fn is_role(&self, name: &str) -> Answer {
        let Some((head, rest)) = self.principal.split_once(":assumed-role/") else {
            return Some(self.principal == name);
        };
        let own = rest.split('/').next();
        let same = head.replacen(":sts:", ":iam:", 1) == name.split(":role/").next()?;
        Some(same && name.rsplit('/').next() == own)
    }

    fn touches(&self, pattern: &str, variables: bool) -> Answer {
        if variables && pattern.contains("${") {
            return None;
        }
        if let Some(short) = pattern.strip_prefix("execute-api:/") {
            let path = self.resource.split_once('/').map_or("", |it| it.1);
            return Some(self.action.starts_with("execute-api:") && glob(short, path));
        }
        let by_segment = arn(pattern, self.resource);
        // AWS completes a short ARN, and a `*` may have to run over a colon.
        let is_open = is_short(pattern) || !by_segment && glob(pattern, self.resource);
        Some(by_segment).filter(|_| !is_open)
    }

    fn known(&self, key: &str) -> Values {
        let context = self.request["context"].as_object();
        let given = context.and_then(|it| it.iter().find(|it| it.0.eq_ignore_ascii_case(key)));
        let of_signer = key.starts_with("aws:principal") && self.principal.is_empty();
        if let Some((_, values)) = given.filter(|_| !of_signer) {
            let values = list(values).iter().filter_map(Value::as_str);
            return Some(values.map(str::to_owned).collect());
        }
        let or_absent = |it: Option<&str>| Some(it.into_iter().map(str::to_owned).collect());
        let is = |it: &str| or_absent(Some(it));
        let of_topic = self.action.starts_with("sns:");
        match key {
            "aws:principalarn" if self.principal.contains(":assumed-role/") => None,
            "aws:principalarn" => or_absent(self.account.map(|_| self.principal)),
            "aws:principalaccount" if self.principal.is_empty() => is("anonymous"),
            "aws:principalaccount" if self.is_service => None,
            "aws:principalaccount" | "kms:calleraccount" => or_absent(self.account),
            "aws:principalservicename" => or_absent(self.is_service.then_some(self.principal)),
            "aws:principalisawsservice" if self.is_service => is("true"),
            "aws:principalisawsservice" => or_absent(self.account.map(|_| "false")),
            "aws:sourceowner" | "aws:sourceaccount" if of_topic && !self.is_service => {
                or_absent(self.account)
            }
            "aws:resourceaccount" if !self.owner.is_empty() => is(self.owner),
            "aws:requestedregion" => {
                let region = self.resource.split(':').nth(3);
                region.filter(|it| !it.is_empty()).and_then(is)
            }
            "aws:securetransport" if self.plain => is("true"),
            "aws:viaawsservice" if self.plain => is("false"),
            _ => self.certainly_lacks(key).then(Vec::new),
        }
    }

    fn certainly_lacks(&self, key: &str) -> bool {
        let begins = |words: &str| words.split(' ').any(|it| key.starts_with(it));
        begins("aws:sourcearn aws:sourceaccount aws:sourceowner aws:sourceorgid")
            && !self.is_service
            || begins("sns:endpoint sns:protocol") && !self.action.starts_with("sns:subscribe")
            || begins("aws:principalorg aws:principaltag/") && self.account.is_none()
            || begins(OF_THE_CALL) && self.plain
    }

    fn holds(&self, operator: &str, key: &str, values: &[String], variables: bool) -> Answer {
        let operator = operator.to_ascii_lowercase();
        let word = operator.strip_suffix("ifexists");
        let (word, if_exists) = (word.unwrap_or(&operator), word.is_some());
        let found = self.known(&key.to_ascii_lowercase())?;
        if word == "null" {
            let absent = found.is_empty().to_string();
            return Some(values.iter().any(|it| it.eq_ignore_ascii_case(&absent)));
        }
        let (set, word) = word.split_once(':').unwrap_or(("", word));
        let negated = word.contains("not");
        let word = word.replacen("not", "", 1);
        if found.is_empty() {
            return Some(if_exists || set == "forallvalues" || set.is_empty() && negated);
        }
        let one = |found: &String| {
            let matched = any(values.iter().map(|it| match word.as_str() {
                _ if variables && it.contains("${") => None,
                "stringequals" => Some(it == found),
                "stringlike" => Some(glob(it, found)),
                "arnlike" | "arnequals" if it.split(':').count() >= 6 => Some(arn(it, found)),
                "stringequalsignorecase" | "bool" => Some(it.eq_ignore_ascii_case(found)),
                _ => None,
            }));
            matched.map(|it| it != negated)
        };
        match set {
            "foranyvalue" => any(found.iter().map(one)),
            "" if found.len() > 1 => None,
            _ => all(found.iter().map(one)),
        }
    }
}

/// Actions of KMS and SQS that are known to be open to other accounts.
const ACROSS: &str = "kms:decrypt kms:encrypt kms:generatedatakey sqs:changemessagevisibility sqs:deletemessage \
                      sqs:getqueueattributes sqs:receivemessage sqs:sendmessage";

/// Keys that a plain call has not: they come of a network, another service, or tags in the request.
const OF_THE_CALL: &str = "aws:sourcevpc aws:vpce aws:vpcsourceip aws:calledvia aws:requesttag/ aws:tagkeys \
                           aws:sourceidentity sts:externalid";

/// Whether the six segments of an ARN match those of a pattern.
fn arn(pattern: &str, text: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let [own, parts]: [Vec<&str>; 2] = [pattern, text].map(|it| it.splitn(6, ':').collect());
    own.len() == parts.len() && own.iter().zip(&parts).all(|(own, it)| glob(own, it))
}

/// Whether a text matches a pattern of `*` and `?`: letter by letter, how much of the text each beginning may take.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut taken: Vec<bool> = (0..=text.len()).map(|it| it == 0).collect();
    for own in pattern.chars() {
        let before = std::mem::replace(&mut taken, vec![false; text.len() + 1]);
        taken[0] = own == '*' && before[0];
        for (at, letter) in text.iter().enumerate() {
            let one = before[at] && (own == '?' || own == *letter);
            taken[at + 1] = if own == '*' {
                taken[at] || before[at + 1]
            } else {
                one
            };
        }
    }
    taken[text.len()]
}
