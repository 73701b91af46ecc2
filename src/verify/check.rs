//! A checker of certificates that trusts nothing of the prover.
//!
//! It shares the reader of documents with the prover, and no more: what a request is let through by is decided
//! here again, plainly and with three answers, from the pages that the prover follows. Where it cannot
//! decide, it does not accept.
//!
//! A certificate is accepted when its seal is right, every document has the digest it is filed under, every request
//! of a proved claim comes out as the claim says, and every statement of an inclusion is covered by its pieces.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::policy::document::{Document, Effect, Principals, Statement, VERSION};

/// What a certificate calls itself.
pub const FORMAT: &str = "provision certificate";
/// The version of the format that is written and read.
pub const FORMAT_VERSION: u64 = 1;

/// What an accepted certificate proves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Proved claims that were decided here again.
    pub certified: usize,
    /// Proved claims that rest on the prover's word.
    pub uncertified: usize,
    /// Claims that are not proved.
    pub open: usize,
}

/// Accepts a certificate, or says what is wrong with it.
pub fn check(text: &str) -> Result<Accepted, String> {
    let whole: Value = serde_json::from_str(text).map_err(|it| format!("this is no JSON: {it}"))?;
    if whole["format"] != FORMAT || whole["version"] != FORMAT_VERSION {
        return Err(format!("this is no `{FORMAT}` of version {FORMAT_VERSION}"));
    }
    let mut sealed = whole.clone();
    let seal = sealed.as_object_mut().and_then(|it| it.remove("seal"));
    if seal != Some(Value::String(digest(&sealed))) {
        return Err("the seal does not fit: something in it was changed".to_owned());
    }
    let mut documents = BTreeMap::new();
    for (name, value) in whole["documents"].as_object().into_iter().flatten() {
        if *name != digest(value) {
            return Err(format!("document {name} is not the one of this digest"));
        }
        let read = Document::from_value(value).map_err(|it| format!("document {name}: {it}"))?;
        documents.insert(name.clone(), read);
    }
    let mut accepted = Accepted::default();
    for claim in list(&whole["claims"]) {
        let name = claim["claim"].as_str().unwrap_or_default();
        match claim["verdict"].as_str() {
            Some("proved") if claim.get("uncertified").is_some() => accepted.uncertified += 1,
            Some("proved") => {
                self::claim(claim, &documents).map_err(|it| format!("`{name}`: {it}"))?;
                accepted.certified += 1;
            }
            Some("failed" | "unproven" | "known") => accepted.open += 1,
            _ => return Err(format!("`{name}` has no verdict")),
        }
    }
    Ok(accepted)
}

/// Checks the steps of one proved claim.
pub fn claim(claim: &Value, documents: &BTreeMap<String, Document>) -> Result<(), String> {
    let expected = match claim["promise"].as_str() {
        Some("may") => true,
        Some("only" | "never") => false,
        _ => return Err("only requests and inclusions are decided here".to_owned()),
    };
    let word = if expected { "allow" } else { "deny" };
    let steps = list(&claim["steps"]);
    if steps.is_empty() {
        return Err("it has no steps".to_owned());
    }
    let find = |it: &Value| {
        let known = it.as_str().and_then(|it| documents.get(it));
        known.ok_or_else(|| format!("there is no document {it}"))
    };
    for (at, step) in steps.iter().enumerate() {
        let found = if step.get("within").is_some() {
            covered(step, find(&step["document"])?, find(&step["within"])?)
        } else {
            let of = |it: &Value| (!it.is_null()).then(|| find(it)).transpose();
            let each = |it: &Value| -> Result<Vec<_>, _> { list(it).iter().map(find).collect() };
            let levels = |it: &Value| list(it).iter().map(each).collect::<Result<_, _>>();
            let sides = Sides {
                identity: each(&step["identity"])?,
                boundary: of(&step["boundary"])?,
                resource: of(&step["resource"])?,
                scps: levels(&step["scps"])?,
                rcps: levels(&step["rcps"])?,
                endpoint: of(&step["endpoint"])?,
            };
            for by in list(&step["by"]) {
                let of = find(&by["document"])?;
                let index = by["statement"]
                    .as_u64()
                    .and_then(|it| usize::try_from(it).ok());
                let effect = index
                    .and_then(|it| of.statements.get(it))
                    .map(|it| it.effect == Effect::Allow);
                if effect != Some(expected) {
                    return Err(format!("step {}: no such statement decides it", at + 1));
                }
            }
            let found = Asked::of(step)?.decide(&sides);
            let right = found == Some(expected) && step["decision"] == word;
            right
                .then_some(())
                .ok_or_else(|| format!("`{word}` is not what comes of it"))
        };
        found.map_err(|it| format!("step {}: {it}", at + 1))?;
    }
    Ok(())
}

/// The SHA-256 of a value's canonical text.
#[must_use]
pub fn digest(value: &Value) -> String {
    let hash = Sha256::digest(value.to_string().as_bytes());
    hash.iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Whether the pieces cover whatever a document allows, each within a statement of another.
fn covered(step: &Value, document: &Document, within: &Document) -> Result<(), String> {
    for (at, statement) in document.statements.iter().enumerate() {
        if statement.effect == Effect::Deny {
            continue;
        }
        let parts = parts(statement).ok_or("a statement says what it is not about")?;
        for part in &parts {
            let fits = |it: &&Value| it["statement"] == at && it["of"] == json!(part);
            let piece = list(&step["pieces"]).iter().find(fits);
            let by = piece.and_then(|it| usize::try_from(it["by"].as_u64()?).ok());
            let by = by.and_then(|it| within.statements.get(it));
            let by =
                by.ok_or_else(|| format!("statement {} is not covered: {}", at + 1, part[1]))?;
            if !lies_within(part, statement, by) {
                return Err(format!("statement {} is not within what covers it", at + 1));
            }
        }
    }
    Ok(())
}

/// A principal (`AWS arn:…`), an action in lower case, and a resource, which is empty in a trust policy.
pub type Piece = [String; 3];

/// Every combination of what a statement names; nothing where it names what is left out.
#[must_use]
pub fn parts(statement: &Statement) -> Option<Vec<Piece>> {
    let clause = statement.principal.as_ref()?;
    let negated = clause.negated
        || statement.action.negated
        || statement.resource.as_ref().is_some_and(|it| it.negated);
    if negated {
        return None;
    }
    let names: Vec<String> = match &clause.principals {
        Principals::Anyone => vec!["AWS *".to_owned()],
        Principals::Of(types) => types
            .iter()
            .flat_map(|(kind, names)| names.iter().map(move |it| principal(kind, it)))
            .collect(),
    };
    let resources = match &statement.resource {
        Some(clause) => clause.values.clone(),
        None => vec![String::new()],
    };
    let actions = statement
        .action
        .values
        .iter()
        .map(|it| it.to_ascii_lowercase());
    let calls = actions.flat_map(|action| resources.iter().map(move |it| (action.clone(), it)));
    let piece = |name: &String, (action, resource): (String, &String)| {
        [name.clone(), action, resource.clone()]
    };
    let of_name = |name| calls.clone().map(move |it| piece(name, it));
    Some(names.iter().flat_map(of_name).collect())
}

fn principal(kind: &str, name: &str) -> String {
    if kind == "AWS" && name.len() == 12 && name.bytes().all(|it| it.is_ascii_digit()) {
        return format!("AWS arn:aws:iam::{name}:root");
    }
    format!("{kind} {name}")
}

/// Whether a statement that allows takes in a piece of another, with no condition that the other has not.
#[must_use]
pub fn lies_within(piece: &Piece, of: &Statement, by: &Statement) -> bool {
    let Some(all) = parts(by).filter(|_| by.effect == Effect::Allow) else {
        return false;
    };
    // A text is taken in by itself, and by a pattern that ends in the only `*` and begins like it.
    let takes = |pattern: &str, text: &str| {
        let head = pattern
            .strip_suffix('*')
            .filter(|it| !it.contains(['*', '?', '$']));
        pattern == text || head.is_some_and(|it| text.starts_with(it))
    };
    let named = all.iter().any(|it| {
        let same_kind = it[0] == piece[0] && it[2].is_empty() == piece[2].is_empty();
        same_kind && takes(&it[1], &piece[1]) && takes(&it[2], &piece[2])
    });
    named
        && by.conditions.iter().all(|(operator, keys)| {
            let mut all = of.conditions.iter();
            let own = all.find(|it| it.0.eq_ignore_ascii_case(operator));
            let positive =
                !operator.to_ascii_lowercase().contains("not") && !operator.contains(':');
            keys.iter().all(|(key, values)| {
                let own = own.and_then(|it| it.1.iter().find(|it| it.0.eq_ignore_ascii_case(key)));
                own.is_some_and(|(_, own)| {
                    own == values
                        || positive && !own.is_empty() && own.iter().all(|it| values.contains(it))
                })
            })
        })
}

/// The documents that bear on a request.
struct Sides<'a> {
    identity: Vec<&'a Document>,
    boundary: Option<&'a Document>,
    resource: Option<&'a Document>,
    scps: Vec<Vec<&'a Document>>,
    rcps: Vec<Vec<&'a Document>>,
    endpoint: Option<&'a Document>,
}

/// What is known of a key.
enum Known {
    Values(Vec<String>),
    Absent,
    Unknown,
}

/// Yes, no, or open.
type Answer = Option<bool>;

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
struct Asked<'a> {
    request: &'a Value,
    principal: &'a str,
    action: String,
    resource: &'a str,
    account: Option<&'a str>,
    owner: &'a str,
    /// Whether it is a plain call: it has no key that comes of how it is made.
    plain: bool,
    is_service: bool,
}

impl<'a> Asked<'a> {
    fn of(step: &'a Value) -> Result<Self, String> {
        let request = &step["request"];
        let text = |name: &str| request[name].as_str();
        let principal = text("principal").unwrap_or_default();
        let resource = text("resource").ok_or("the request has no resource")?;
        let account = principal.split(':').nth(4);
        let of_arn = resource.split(':').nth(4).unwrap_or_default();
        let action = text("action")
            .ok_or("the request has no action")?
            .to_ascii_lowercase();
        let unsigned = action.starts_with("execute-api:") && request["authorization"] == "NONE";
        let principal = if unsigned { "" } else { principal };
        Ok(Self {
            request,
            principal,
            action,
            resource,
            account: account
                .filter(|it| !it.is_empty() && !unsigned && !principal.contains("-provider/")),
            owner: text("resourceAccount").unwrap_or(of_arn),
            plain: step["silence"] == "plain",
            is_service: !principal.is_empty() && !principal.contains(':'),
        })
    }

    /// Whether the request is certainly allowed or certainly not.
    fn decide(&self, sides: &Sides<'_>) -> Answer {
        let root = self.principal.ends_with(":root");
        let has_side = self.account.is_some() && !root;
        let own = || sides.identity.iter().copied().filter(|_| has_side);
        let boundary = sides.boundary.filter(|_| has_side);
        let policy = |effect, least| Some(self.says(sides.resource?, effect, Some(least)));
        let denials = own().chain(boundary);
        let denials = denials.map(|it| self.says(it, Effect::Deny, None));
        let denied = any(denials.chain(policy(Effect::Deny, 0)));
        let named = |least| policy(Effect::Allow, least).unwrap_or(Some(false));
        let limits = boundary.map_or(Some(true), |it| self.says(it, Effect::Allow, None));
        let identity = any(own().map(|it| self.says(it, Effect::Allow, None)));
        let identity = any([Some(root), all([identity, limits])]);
        let service = self.action.split(':').next().unwrap_or_default();
        let is_api = service == "execute-api";
        let private = is_api && self.request["context"].get("aws:SourceVpce").is_some();
        let unsigned = self.principal.is_empty();
        let granted = match self.account {
            None if is_api && unsigned => {
                match (self.request["authorization"].as_str(), sides.resource) {
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
        let through = sides.endpoint.map(|it| self.comes_through(it));
        all([
            granted,
            not(denied),
            self.has_room(sides, service),
            through.unwrap_or(Some(true)),
        ])
    }

    /// Whether the policy of a VPC endpoint lets the request through; it may see a signer that the method does not.
    fn comes_through(&self, it: &Document) -> Answer {
        let says = |effect| self.says(it, effect, Some(0));
        let lets = all([says(Effect::Allow), not(says(Effect::Deny))]);
        lets.filter(|_| self.request["principal"] == self.principal)
    }

    /// Whether the organization's policies let the request through: at each level over the caller one allows it.
    fn has_room(&self, sides: &Sides<'_>, service: &str) -> Answer {
        let mut all_levels = sides.scps.iter().chain(&sides.rcps);
        // A service's own role is under none of them, and a session does not say what its role's path is.
        let may_be_linked = [":assumed-role/", "/aws-service-role/"];
        if may_be_linked.iter().any(|it| self.principal.contains(it)) {
            return all_levels.next().is_none().then_some(true);
        }
        let under_scps = sides.scps.iter().filter(|_| self.account.is_some());
        let allows = |it: &&Document| self.says(it, Effect::Allow, None);
        let allowed = under_scps.clone().map(|it| any(it.iter().map(allows)));
        let denied = under_scps
            .flatten()
            .map(|it| self.says(it, Effect::Deny, None));
        let is_under_rcps = ["kms", "s3", "sqs", "sts"].contains(&service);
        let over_resource = sides.rcps.iter().flatten().map(|it| {
            let denied = self.says(it, Effect::Deny, Some(0));
            denied.filter(|it| is_under_rcps || !it)
        });
        all(allowed.chain(denied.chain(over_resource).map(not)))
    }

    /// Whether a document has a statement of this effect for the request, that names the caller by its
    /// account (0), its role (1) or itself (2) at least; nothing where it names none.
    fn says(&self, document: &Document, effect: Effect, least: Option<u8>) -> Answer {
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
        let account = name
            .strip_suffix(":root")
            .and_then(|it| it.rsplit(':').next())
            .unwrap_or(name);
        let is_account = account.len() == 12 && account.bytes().all(|it| it.is_ascii_digit());
        Some(match kind {
            "AWS" if name == "*" => true,
            "AWS" if is_account => least == 0 && self.account == Some(account),
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
        // A `*` that would have to run over a colon.
        Some(by_segment).filter(|it| *it || !glob(pattern, self.resource))
    }

    fn known(&self, key: &str) -> Known {
        let context = self.request["context"].as_object();
        let given = context.and_then(|it| it.iter().find(|it| it.0.eq_ignore_ascii_case(key)));
        let of_signer = key.starts_with("aws:principal") && self.principal.is_empty();
        if let Some((_, values)) = given.filter(|_| !of_signer) {
            let values = list(values).iter().filter_map(Value::as_str);
            let values: Vec<String> = values.map(str::to_owned).collect();
            let given = Some(values).filter(|it| !it.is_empty());
            return given.map_or(Known::Absent, Known::Values);
        }
        let is = |it: &str| Known::Values(vec![it.to_owned()]);
        let or_absent = |it: Option<&str>| it.map_or(Known::Absent, is);
        let of_topic = self.action.starts_with("sns:");
        match key {
            "aws:principalarn" if self.principal.contains(":assumed-role/") => Known::Unknown,
            "aws:principalarn" => or_absent(self.account.map(|_| self.principal)),
            "aws:principalaccount" if self.principal.is_empty() => is("anonymous"),
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
                region
                    .filter(|it| !it.is_empty())
                    .map_or(Known::Unknown, is)
            }
            "aws:securetransport" if self.plain => is("true"),
            "aws:viaawsservice" if self.plain => is("false"),
            _ if self.certainly_lacks(key) => Known::Absent,
            _ => Known::Unknown,
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
        let (word, if_exists) = match operator.strip_suffix("ifexists") {
            Some(word) => (word, true),
            None => (operator.as_str(), false),
        };
        let known = self.known(&key.to_ascii_lowercase());
        if word == "null" {
            let absent = match known {
                Known::Unknown => return None,
                Known::Absent => "true",
                Known::Values(_) => "false",
            };
            return Some(values.iter().any(|it| it.eq_ignore_ascii_case(absent)));
        }
        let (set, word) = word.split_once(':').unwrap_or(("", word));
        let negated = word.contains("not");
        let word = word.replacen("not", "", 1);
        let found = match known {
            Known::Unknown => return None,
            Known::Absent => {
                return Some(if_exists || set == "forallvalues" || set.is_empty() && negated);
            }
            Known::Values(found) => found,
        };
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
fn glob(pattern: &str, text: &str) -> bool {
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
