//! A second evaluator of policies, plain and slow, written from AWS's pages.
//!
//! It shares no line with the crate: it reads the JSON as it stands, and it knows two answers only, so
//! it is asked about requests whose context is given in full. Where it and the crate disagree, one
//! has misread a page.
//!
//! | rule | page of the IAM User Guide, unless it says otherwise |
//! |---|---|
//! | order, one account, two accounts | `reference_policies_evaluation-logic*.html` |
//! | principals | `reference_policies_elements_principal.html` |
//! | operators, absent keys | `reference_policies_elements_condition_operators.html` |
//! | several values | `reference_policies_condition-single-vs-multi-valued-context-keys.html` |
//! | variables | `reference_policies_variables.html` |
//! | keys of every request | `reference_policies_condition-keys.html` |
//! | VPC endpoint policies | AWS PrivateLink, `vpc-endpoints-access.html`; API Gateway, `apigateway-vpc-endpoint-policies.html` |
//! | SCPs, RCPs | AWS Organizations, `orgs_manage_policies_scps.html`, `orgs_manage_policies_rcps.html` |
//! | queues of other accounts | Amazon SQS, `sqs-limitations-of-custom-policies.html` |
//! | keys of other accounts, aliases | AWS KMS, `kms-api-permissions-reference.html`, `alias-access.html` |
//! | STS | AWS STS API, `API_AssumeRole`, `API_GetCallerIdentity`, `API_GetSessionToken`, `API_GetFederationToken`; `id_credentials_sts-comparison.html` |
//! | federated users | `id_credentials_temp_control-access_getfederationtoken.html` |
//! | REST APIs | Amazon API Gateway, `apigateway-authorization-flow.html` |

use std::collections::HashMap;

use serde_json::Value;

/// What somebody is who makes a request.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Role,
    Session { role: String },
    User,
    Root,
    Federated,
    Service,
    Anonymous,
}

/// A request with every key that follows from it.
struct Asked {
    kind: Kind,
    /// The principal as the request names it.
    name: String,
    account: Option<String>,
    action: String,
    service: String,
    resource: String,
    owner: String,
    unsigned_method: bool,
    context: HashMap<String, Vec<String>>,
}

/// How a resource policy's allowing statements name the caller, from the weakest.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Named {
    Not,
    Account,
    Role,
    Itself,
}

/// A question, as a line of `simulate` has it, answered: whether the request is allowed.
pub(crate) fn allows(question: &Value) -> bool {
    let mut asked = Asked::read(&question["request"]);
    let action = asked.action.clone();
    // An endpoint looks at the signature, also before a method that does not.
    let through = Asked::read(&question["request"]);
    let has_account = asked.account.is_some();
    let session = matches!(asked.kind, Kind::Session { .. } | Kind::Role);
    match action.as_str() {
        "sts:getcalleridentity" => return has_account,
        "sts:getsessiontoken" => return asked.has_long_term_keys(),
        "sts:getfederationtoken" if !asked.has_long_term_keys() => return false,
        "sts:assumerole" if asked.kind == Kind::Root => return false,
        _ if asked.service == "sts" && asked.kind == Kind::Federated => return false,
        _ => {}
    }
    if asked.service == "execute-api" && asked.unsigned_method {
        asked.forget_the_caller();
    }
    let linked = session
        && asked
            .first("aws:principalarn")
            .contains(":role/aws-service-role/");
    let is_root = asked.kind == Kind::Root;
    let has_account = asked.account.is_some();

    let list = |name: &str| items(&question[name]);
    let one = |name: &str| {
        let policy = &question[name];
        (!policy.is_null()).then_some(policy)
    };
    let (identity, boundary, session_policy) = if has_account && !is_root {
        (
            list("identityPolicies"),
            one("boundary"),
            one("sessionPolicy"),
        )
    } else {
        (Vec::new(), None, None)
    };
    let scps = if has_account && !linked {
        list("scps")
    } else {
        Vec::new()
    };
    let under_rcps =
        ["sqs", "kms", "sts", "s3", "secretsmanager"].contains(&asked.service.as_str());
    let rcps = if under_rcps && !linked {
        list("rcps")
    } else {
        Vec::new()
    };
    let resource = one("resourcePolicy");

    // An explicit denial in any policy ends it.
    let own = identity
        .iter()
        .copied()
        .chain(boundary)
        .chain(session_policy);
    let levels = scps.iter().flat_map(|it| items(it));
    if own
        .chain(levels)
        .any(|it| asked.says(it, "Deny", false) != Named::Not)
    {
        return false;
    }
    let of_resource = rcps.iter().flat_map(|it| items(it)).chain(resource);
    if of_resource
        .into_iter()
        .any(|it| asked.says(it, "Deny", true) != Named::Not)
    {
        return false;
    }
    // A VPC endpoint's policy is a resource policy that takes away: it allows by any name of the caller.
    if let Some(endpoint) = one("vpcEndpointPolicy") {
        let says = |effect| through.says(endpoint, effect, true) != Named::Not;
        if says("Deny") || !says("Allow") {
            return false;
        }
    }
    // Every level of the organizations must allow; a level of denials alone has the default beside it.
    let allowed_by = |level: &[&Value], named: bool| {
        level
            .iter()
            .any(|it| asked.says(it, "Allow", named) != Named::Not)
    };
    if !scps.iter().all(|it| allowed_by(&items(it), false)) {
        return false;
    }
    let only_denies = |level: &[&Value]| {
        let mut all = level.iter().flat_map(|it| items(&it["Statement"]));
        all.all(|it| it["Effect"] == "Deny")
    };
    if !rcps
        .iter()
        .all(|it| only_denies(&items(it)) || allowed_by(&items(it), true))
    {
        return false;
    }

    let granted = resource.map_or(Named::Not, |it| asked.says(it, "Allow", true));
    let Some(account) = asked.account.clone() else {
        if asked.kind == Kind::Anonymous {
            if asked.service == "execute-api" {
                return asked.unsigned_method && (resource.is_none() || granted != Named::Not);
            }
            if !["sns", "sqs", "s3"].contains(&asked.service.as_str()) {
                return false;
            }
        }
        return granted != Named::Not && !asked.is_for_the_owner_only();
    };
    let within = |policy: Option<&Value>| {
        policy.is_none_or(|it| asked.says(it, "Allow", false) != Named::Not)
    };
    // A federated user's session has what its session policy and its user's policies share: nothing without one.
    let has_own = asked.kind != Kind::Federated || session_policy.is_some();
    let limits = has_own && within(boundary) && within(session_policy);
    let own = is_root || limits && allowed_by(&identity, false);
    if account != asked.owner {
        return own && granted != Named::Not && !asked.is_for_the_owner_only();
    }
    let needs_policy = match asked.service.as_str() {
        "kms" => asked.resource.contains(":key/"),
        "sts" => asked.resource.contains(":role/"),
        _ => false,
    };
    match granted {
        Named::Itself => true,
        Named::Role if limits => true,
        Named::Not => own && !needs_policy,
        Named::Role | Named::Account => own,
    }
}

fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn texts(value: &Value) -> Vec<String> {
    items(value).into_iter().map(text).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl Asked {
    fn read(request: &Value) -> Self {
        let action = text(&request["action"]).to_lowercase();
        let service = action.split(':').next().expect("a service").to_owned();
        let resource = text(&request["resource"]);
        let name = request["principal"].as_str().unwrap_or("").to_owned();
        let parts: Vec<&str> = name.splitn(6, ':').collect();
        let kind = match parts.as_slice() {
            [""] => Kind::Anonymous,
            [_] => Kind::Service,
            [_, _, "sts", _, account, rest] if rest.starts_with("assumed-role/") => {
                let role = rest.split('/').nth(1).expect("a role's name");
                Kind::Session {
                    role: format!("{account}/{role}"),
                }
            }
            [_, _, "sts", ..] => Kind::Federated,
            [.., rest] if rest.starts_with("role/") => Kind::Role,
            [.., rest] if rest.starts_with("user/") => Kind::User,
            _ => Kind::Root,
        };
        let account = parts.get(4).map(|it| (*it).to_owned());
        let of_arn = resource.split(':').nth(4).unwrap_or("").to_owned();
        let owner = match request["resourceAccount"].as_str() {
            Some(owner) => owner.to_owned(),
            None if of_arn.is_empty() => account.clone().unwrap_or_default(),
            None => of_arn,
        };
        let mut asked = Self {
            kind,
            name,
            account,
            action,
            service,
            resource,
            owner,
            unsigned_method: request["authorization"] == "NONE",
            context: HashMap::new(),
        };
        asked.follow();
        if let Some(keys) = request["context"].as_object() {
            for (key, value) in keys {
                asked.context.insert(key.to_lowercase(), texts(value));
            }
        }
        asked
    }

    /// The keys that follow from who asks and for what.
    fn follow(&mut self) {
        let mut put = |key: &str, value: &str| {
            self.context.insert(key.to_owned(), vec![value.to_owned()]);
        };
        match &self.kind {
            Kind::Role | Kind::Session { .. } => put("aws:principaltype", "AssumedRole"),
            Kind::User => {
                put("aws:principaltype", "User");
                let name = self.name.rsplit('/').next().expect("a name");
                put("aws:username", name);
            }
            Kind::Root => {
                put("aws:principaltype", "Account");
                put("aws:userid", self.account.as_deref().expect("an account"));
            }
            Kind::Anonymous => {
                put("aws:principaltype", "Anonymous");
                put("aws:userid", "anonymous");
            }
            Kind::Federated => {
                put("aws:principaltype", "FederatedUser");
                let name = self.name.rsplit('/').next().expect("a name");
                let account = self.account.as_deref().expect("an account");
                put("aws:userid", &format!("{account}:{name}"));
            }
            Kind::Service => {}
        }
        match &self.kind {
            Kind::Service => {
                put("aws:principalservicename", &self.name);
                put("aws:principalisawsservice", "true");
            }
            Kind::Anonymous => put("aws:principalaccount", "anonymous"),
            _ => {
                let account = self.account.as_deref().expect("an account");
                put("aws:principalaccount", account);
                put("aws:principalisawsservice", "false");
                if self.service == "kms" {
                    put("kms:calleraccount", account);
                }
                if self.action == "kms:creategrant" {
                    put("kms:grantisforawsresource", "false");
                }
                if !matches!(self.kind, Kind::Session { .. }) {
                    put("aws:principalarn", &self.name);
                }
            }
        }
        put("aws:resourceaccount", &self.owner);
        put("s3:resourceaccount", &self.owner);
        put("aws:viaawsservice", "false");
        if let Some(region) = self.resource.split(':').nth(3).filter(|it| !it.is_empty()) {
            put("aws:requestedregion", region);
        }
    }

    /// A method without authorization does not learn who signed.
    fn forget_the_caller(&mut self) {
        self.kind = Kind::Anonymous;
        self.account = None;
        self.name = String::new();
        self.context.retain(|key, _| {
            !key.starts_with("aws:principal")
                && !key.starts_with("aws:multifactorauth")
                && key != "aws:username"
                && key != "aws:userid"
        });
        self.follow();
    }

    fn first(&self, key: &str) -> &str {
        let values = self.context.get(key);
        values.and_then(|it| it.first()).map_or("", String::as_str)
    }

    /// Both keys are only in requests with temporary credentials.
    fn has_long_term_keys(&self) -> bool {
        let keys = ["aws:tokenissuetime", "aws:multifactorauthpresent"];
        let temporary = keys.iter().any(|it| !self.first(it).is_empty());
        matches!(self.kind, Kind::User | Kind::Root) && !temporary
    }

    fn is_for_the_owner_only(&self) -> bool {
        let (_, name) = self.action.split_once(':').expect("an action");
        match self.service.as_str() {
            "sqs" => [
                "addpermission",
                "cancelmessagemovetask",
                "createqueue",
                "deletequeue",
                "listmessagemovetasks",
                "listqueues",
                "listqueuetags",
                "removepermission",
                "setqueueattributes",
                "startmessagemovetask",
                "tagqueue",
                "untagqueue",
            ]
            .contains(&name),
            "kms" => {
                let uses = [
                    "decrypt",
                    "encrypt",
                    "describekey",
                    "getpublickey",
                    "getkeyrotationstatus",
                    "sign",
                    "verify",
                    "verifymac",
                    "generatemac",
                    "derivesharedsecret",
                    "creategrant",
                    "listgrants",
                    "retiregrant",
                    "revokegrant",
                    "reencryptfrom",
                    "reencryptto",
                ];
                !uses.contains(&name) && !name.starts_with("generatedatakey")
            }
            _ => false,
        }
    }

    /// How the statements of a policy with this effect that match the request name its principal. A
    /// policy whose statements name none matches whoever it is attached to.
    fn says(&self, policy: &Value, effect: &str, named: bool) -> Named {
        let variables = policy["Version"] == "2012-10-17";
        let mut best = Named::Not;
        for statement in items(&policy["Statement"]) {
            if statement["Effect"] != effect || !self.matches(statement, variables) {
                continue;
            }
            let found = if named {
                self.named(&statement["Principal"])
            } else {
                Named::Itself
            };
            if found > best {
                best = found;
            }
        }
        best
    }

    fn named(&self, principal: &Value) -> Named {
        if principal == "*" {
            return Named::Itself;
        }
        let mut best = Named::Not;
        for (kind, names) in principal.as_object().into_iter().flatten() {
            for name in texts(names) {
                let found = match kind.as_str() {
                    "Service" if self.kind == Kind::Service && self.name == name => Named::Itself,
                    "AWS" => self.named_by(&name),
                    _ => Named::Not,
                };
                if found > best {
                    best = found;
                }
            }
        }
        best
    }

    fn named_by(&self, name: &str) -> Named {
        if name == "*" {
            return Named::Itself;
        }
        let account = name
            .strip_suffix(":root")
            .and_then(|it| it.rsplit(':').next())
            .unwrap_or(name);
        if account.len() == 12 && account.bytes().all(|it| it.is_ascii_digit()) {
            let own = self.account.as_deref() == Some(account);
            return if own { Named::Account } else { Named::Not };
        }
        if name.contains(":role/") {
            let is_it = match &self.kind {
                Kind::Role => self.name == name,
                Kind::Session { role } => match self.first("aws:principalarn") {
                    // A role's name is the only one of its account, whatever its path.
                    "" => name.rsplit('/').next().is_some_and(|it| {
                        let account = name.split(':').nth(4).unwrap_or_default();
                        *role == format!("{account}/{it}")
                    }),
                    arn => arn == name,
                },
                _ => false,
            };
            return if is_it { Named::Role } else { Named::Not };
        }
        let is_it = self.name == name && self.kind != Kind::Root;
        if is_it { Named::Itself } else { Named::Not }
    }

    fn matches(&self, statement: &Value, variables: bool) -> bool {
        let any = |element: &str, matches: &dyn Fn(&str) -> bool| {
            texts(&statement[element]).iter().any(|it| matches(it))
        };
        let action = |it: &str| glob(&wild(&it.to_lowercase()), &self.action);
        let resource = |it: &str| match self.fill(it, variables, true) {
            Some(pattern) => glob(&pattern, &self.resource),
            None => false,
        };
        let acts = if statement["NotAction"].is_null() {
            any("Action", &action)
        } else {
            !any("NotAction", &action)
        };
        let touches = if statement["NotResource"].is_null() {
            statement["Resource"].is_null() || any("Resource", &resource)
        } else {
            !any("NotResource", &resource)
        };
        let mut tests = statement["Condition"]
            .as_object()
            .into_iter()
            .flatten()
            .flat_map(|(operator, keys)| {
                let keys = keys.as_object().into_iter().flatten();
                keys.map(move |(key, values)| (operator, key, texts(values)))
            });
        acts && touches
            && tests.all(|(operator, key, values)| self.holds(operator, key, &values, variables))
    }

    fn holds(&self, operator: &str, key: &str, values: &[String], variables: bool) -> bool {
        let found = self.context.get(&key.to_lowercase());
        let found = found.map_or(&[][..], Vec::as_slice);
        if operator == "Null" {
            let absent = found.is_empty().to_string();
            return values.contains(&absent);
        }
        let (operator, if_exists) = match operator.strip_suffix("IfExists") {
            Some(operator) => (operator, true),
            None => (operator, false),
        };
        let (set, operator) = operator.split_once(':').unwrap_or(("", operator));
        let negated = operator.contains("Not");
        // Of a set, the empty text counts as no value.
        let some: Vec<String> = found.iter().filter(|it| !it.is_empty()).cloned().collect();
        let found = if set.is_empty() { found } else { &some };
        if found.is_empty() {
            return if_exists || set == "ForAllValues" || set.is_empty() && negated;
        }
        let plain = operator.replacen("Not", "", 1);
        let passes = |value: &String| {
            values
                .iter()
                .any(|it| self.compares(&plain, it, value, variables))
                != negated
        };
        if set == "ForAnyValue" {
            found.iter().any(passes)
        } else {
            found.iter().all(passes)
        }
    }

    fn compares(&self, operator: &str, wanted: &str, value: &str, variables: bool) -> bool {
        let filled = |wild| self.fill(wanted, variables, wild);
        let number = |it: &str| it.parse::<f64>().expect("a number");
        match operator {
            "StringEquals" => filled(false).is_some_and(|it| glob(&it, value)),
            "StringEqualsIgnoreCase" => filled(false).is_some_and(|it| {
                let lower: Vec<Letter> = it
                    .iter()
                    .map(|it| match it {
                        Letter::Is(letter) => Letter::Is(letter.to_ascii_lowercase()),
                        other => *other,
                    })
                    .collect();
                glob(&lower, &value.to_lowercase())
            }),
            "StringLike" => filled(true).is_some_and(|it| glob(&it, value)),
            "ArnLike" | "ArnEquals" => filled(true).is_some_and(|it| {
                let colon = |it: &Letter| matches!(it, Letter::Is(':'));
                let own: Vec<&[Letter]> = it.splitn(6, colon).collect();
                let parts: Vec<&str> = value.splitn(6, ':').collect();
                own.len() == 6
                    && parts.len() == 6
                    && own.iter().zip(parts).all(|(own, it)| glob(own, it))
            }),
            "Bool" => wanted.eq_ignore_ascii_case(value),
            "NumericLessThan" => number(value) < number(wanted),
            "NumericGreaterThanEquals" => number(value) >= number(wanted),
            // All moments here are written in one form, whose order is that of time.
            "DateGreaterThan" => value > wanted,
            "DateLessThanEquals" => value <= wanted,
            "IpAddress" => {
                let address = |it: &str| {
                    it.parse::<std::net::Ipv4Addr>()
                        .expect("an address")
                        .to_bits()
                };
                let (first, bits) = wanted.split_once('/').expect("a range");
                let mask = u32::MAX << (32 - bits.parse::<u32>().expect("a length"));
                address(first) & mask == address(value) & mask
            }
            other => panic!("{other} is not known here"),
        }
    }

    /// A value with its variables filled; nothing where one has no value.
    fn fill(&self, text: &str, variables: bool, wildcards: bool) -> Option<Vec<Letter>> {
        let letters = |text: &str| {
            if wildcards {
                wild(text)
            } else {
                text.chars().map(Letter::Is).collect()
            }
        };
        if !variables {
            return Some(letters(text));
        }
        let mut found = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            found.extend(letters(&rest[..start]));
            let end = start + rest[start..].find('}').expect("an end");
            let inside = &rest[start + 2..end];
            rest = &rest[end + 1..];
            if ["*", "?", "$"].contains(&inside) {
                found.extend(inside.chars().map(Letter::Is));
                continue;
            }
            let (key, default) = match inside.split_once(", '") {
                Some((key, default)) => (key, Some(default.trim_end_matches('\''))),
                None => (inside, None),
            };
            let values = self
                .context
                .get(&key.to_lowercase())
                .map_or(&[][..], Vec::as_slice);
            let value = match values {
                [value] => value.as_str(),
                _ => default?,
            };
            found.extend(value.chars().map(Letter::Is));
        }
        found.extend(letters(rest));
        Some(found)
    }
}

/// A step of a pattern.
#[derive(Clone, Copy, Debug)]
enum Letter {
    Is(char),
    AnyOne,
    Any,
}

fn wild(text: &str) -> Vec<Letter> {
    let letter = |it| match it {
        '*' => Letter::Any,
        '?' => Letter::AnyOne,
        other => Letter::Is(other),
    };
    text.chars().map(letter).collect()
}

fn glob(pattern: &[Letter], text: &str) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return text.is_empty();
    };
    let mut letters = text.chars();
    match first {
        Letter::Any => {
            glob(rest, text) || letters.next().is_some() && glob(pattern, letters.as_str())
        }
        Letter::AnyOne => letters.next().is_some() && glob(rest, letters.as_str()),
        Letter::Is(own) => letters.next() == Some(*own) && glob(rest, letters.as_str()),
    }
}
