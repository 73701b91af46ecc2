//! The evaluator against a second one that shares nothing with it, on requests made at random.
//!
//! `cargo test --test second` asks some thousands. For a million, with the figures:
//! `SECOND_REQUESTS=1000000 cargo test --release --no-default-features --test second -- --nocapture`

mod judge;

use std::collections::BTreeMap;
use std::io::Write as _;

use provision::policy::interchange::{compare_line, simulate_line};
use serde_json::{Value, json};

/// How many requests are asked, unless the environment says otherwise.
const REQUESTS: usize = 4_000;
/// How many pairs of policies are compared, each with its witnesses put to the second evaluator.
const PAIRS: usize = 200;

fn count(name: &str, default: usize) -> usize {
    let told = std::env::var(name).ok().and_then(|it| it.parse().ok());
    told.unwrap_or(default)
}

/// Whether nobody can answer a question about a method without authorization: whether its caller signs for a VPC endpoint
/// is not told, and AWS says that an API's policy which names AWS principals makes such methods fail. Or one about a bucket's
/// object through an endpoint that may be a gateway.
fn is_open(question: &Value, answer: &Value) -> bool {
    let request = &question["request"];
    let signs = request["principal"] != "" && !question["vpcEndpointPolicy"].is_null();
    let because = answer["because"].to_string();
    let is_service = |it: &str| it.ends_with(".amazonaws.com");
    // No page says what the account of a service's own request is.
    if request["principal"].as_str().is_some_and(is_service)
        && because.contains("aws:PrincipalAccount")
    {
        return true;
    }
    let is_object = request["action"]
        .as_str()
        .is_some_and(|it| it.starts_with("s3:"));
    if is_object && because.contains("a gateway endpoint") {
        return true;
    }
    request["authorization"] == "NONE"
        && (signs || because.contains("methods without AWS_IAM then fail"))
}

#[test]
fn a_second_evaluator_gives_the_same_answers() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut seen: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    let requests = count("SECOND_REQUESTS", REQUESTS);
    let (mut allowed, mut open) = (0, 0);
    for _ in 0..requests {
        let question = question(&mut dice);
        let expected = judge::allows(&question);
        let answer: Value =
            serde_json::from_str(&simulate_line(&question.to_string())).expect("JSON");
        if answer["decision"] == "unproven" && is_open(&question, &answer) {
            open += 1;
            continue;
        }
        let decision = if expected { "allow" } else { "deny" };
        assert_eq!(answer["decision"], decision, "{question}\n{answer}");
        allowed += usize::from(expected);
        for trait_of in traits(&question) {
            seen.entry(trait_of).or_default()[usize::from(expected)] += 1;
        }
    }
    say(&format!(
        "{} requests agreed, {allowed} of them allowed; {open} are not settled",
        requests - open
    ));
    assert!(open * 50 < requests, "{open} of {requests}");
    for (name, [denied, allowed]) in &seen {
        say(&format!("  {name}: {allowed} allowed, {denied} denied"));
    }
    assert!(allowed * 10 > requests, "{allowed} of {requests}");
    for name in [
        "variable",
        "session",
        "root user",
        "service",
        "owner-only",
        "anonymous",
        "trust",
        "key",
        "federated user",
        "service-linked role",
    ] {
        let [denied, allowed] = seen.get(name).copied().unwrap_or_default();
        assert!(
            denied > 0 && (allowed > 0 || name == "owner-only"),
            "{name}"
        );
    }
}

#[test]
fn every_witness_of_a_comparison_is_confirmed_and_no_widening_is_called_cosmetic() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let pairs = count("SECOND_PAIRS", PAIRS);
    let (mut witnesses, mut unproven, mut differing) = (0, 0, 0);
    for _ in 0..pairs {
        // All but the alias, which has no policy.
        let target = dice.one(&TARGETS[..6]);
        let of = |dice: &mut Dice| policy(dice, Attached::Resource, target, 3);
        let mut old = of(&mut dice);
        let mut new = of(&mut dice);
        if dice.roll(2) == 0 {
            // One statement beside what there is.
            let mut both = old["Statement"].as_array().expect("a list").clone();
            both.extend(
                new["Statement"]
                    .as_array()
                    .expect("a list")
                    .iter()
                    .take(1)
                    .cloned(),
            );
            new["Statement"] = Value::Array(both);
            if old["Version"].is_null() {
                new.as_object_mut().expect("an object").remove("Version");
            } else {
                new["Version"] = old["Version"].clone();
            }
        }
        if dice.roll(2) == 0 {
            std::mem::swap(&mut old, &mut new);
        }
        let line = json!({"old": old, "new": new, "resourceAccount": target.2}).to_string();
        let found: Value = serde_json::from_str(&compare_line(&line)).expect("JSON");
        let verdict = found["verdict"].as_str();
        let verdict = verdict.unwrap_or_else(|| panic!("{found}\n{line}"));
        if verdict == "unproven" {
            unproven += 1;
            continue;
        }
        let ask = |policy: &Value, request: &Value| judge::allows(&asked_of(policy, request));
        for (list, yes, no) in [("gains", &new, &old), ("loses", &old, &new)] {
            for witness in found[list].as_array().expect("a list") {
                // A pattern also matches actions of other services, and those that no service has.
                let action = witness["action"].as_str().expect("an action");
                let service = |of: &str| of.split(':').next().unwrap_or_default().to_owned();
                let is_real = action != action.to_lowercase();
                if !is_real || service(action) != service(target.1[0]) {
                    continue;
                }
                assert!(ask(yes, witness) && !ask(no, witness), "{witness}\n{line}");
                witnesses += 1;
            }
        }
        let (more, less) = (
            verdict == "widened" || verdict == "both",
            verdict == "narrowed" || verdict == "both",
        );
        differing += usize::from(more || less);
        for _ in 0..40 {
            let mut request = request(&mut dice, target);
            for own in ["allow", "none", "limited"] {
                request["callerPolicies"] = json!(own);
                let (was, is) = (ask(&old, &request), ask(&new, &request));
                assert!(
                    more || was || !is,
                    "{verdict}, but gained: {request}\n{line}"
                );
                assert!(less || is || !was, "{verdict}, but lost: {request}\n{line}");
            }
        }
    }
    say(&format!(
        "{pairs} pairs, {differing} of them different, {unproven} unproven; {witnesses} witnesses confirmed"
    ));
    // Conditions on what no page settles, as the account of a service's own request, are drawn often.
    assert!(unproven * 3 < pairs && differing * 4 > pairs);
}

/// A request with the policies that its witness assumes, put to one resource policy.
fn asked_of(policy: &Value, request: &Value) -> Value {
    let mut request = request.clone();
    let own = request
        .as_object_mut()
        .expect("an object")
        .remove("callerPolicies");
    let nothing = json!({"Version": "2012-10-17", "Statement": []});
    let everything = json!([{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}]);
    let mut question = json!({"request": request, "resourcePolicy": policy});
    match own.as_ref().and_then(Value::as_str) {
        Some("allow") => {
            question["sessionPolicy"] = everything[0].clone();
            question["identityPolicies"] = everything;
        }
        Some("limited") => {
            question["boundary"] = nothing.clone();
            question["sessionPolicy"] = nothing;
        }
        _ => {}
    }
    question
}

/// Says something of the run; the harness shows it with `--nocapture`.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What a question is an example of.
fn traits(question: &Value) -> Vec<String> {
    let text = question.to_string();
    let request = &question["request"];
    let principal = request["principal"].as_str().unwrap_or("");
    let action = request["action"].as_str().expect("an action");
    let owner_only = [
        "sqs:SetQueueAttributes",
        "sqs:StartMessageMoveTask",
        "kms:PutKeyPolicy",
        "kms:DisableKey",
    ];
    let foreign = principal.contains("111111111111");
    let mut found = Vec::new();
    let mut add = |is: bool, name: &str| {
        if is {
            found.push(name.to_owned());
        }
    };
    add(text.contains("${"), "variable");
    add(principal.contains(":assumed-role/"), "session");
    add(principal.ends_with(":root"), "root user");
    add(principal == FEDERATED, "federated user");
    add(principal == LINKED, "service-linked role");
    add(principal.contains(":user/"), "user");
    add(principal.ends_with(".amazonaws.com"), "service");
    add(principal.is_empty(), "anonymous");
    add(foreign && owner_only.contains(&action), "owner-only");
    add(action.starts_with("sts:"), "trust");
    add(action.starts_with("kms:"), "key");
    add(action.starts_with("execute-api:"), "api");
    add(!question["boundary"].is_null(), "boundary");
    add(!question["sessionPolicy"].is_null(), "session policy");
    add(!question["scps"].is_null(), "service control policy");
    add(!question["rcps"].is_null(), "resource control policy");
    add(
        !question["vpcEndpointPolicy"].is_null(),
        "VPC endpoint policy",
    );
    found
}

/// A small generator, the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }

    /// One or two of these, one of them bare or in a list.
    fn some(&mut self, of: &[&str]) -> Value {
        let first = self.one(of);
        match self.roll(3) {
            0 => json!(first),
            1 => json!([first]),
            _ => json!([first, self.one(of)]),
        }
    }
}

const OWN: &str = "222222222222";
/// A resource, what is asked of it, and its owner.
type Target = (&'static str, &'static [&'static str], &'static str);

const TARGETS: [Target; 7] = [
    (
        "arn:aws:sns:eu-west-1:222222222222:orders",
        &["sns:Publish", "sns:Subscribe"],
        OWN,
    ),
    (
        "arn:aws:sqs:eu-west-1:222222222222:inbox",
        &[
            "sqs:SendMessage",
            "sqs:SetQueueAttributes",
            "sqs:StartMessageMoveTask",
        ],
        OWN,
    ),
    (
        "arn:aws:kms:eu-west-1:222222222222:key/k",
        &[
            "kms:Decrypt",
            "kms:PutKeyPolicy",
            "kms:GenerateDataKey",
            "kms:CreateGrant",
        ],
        OWN,
    ),
    (
        "arn:aws:iam::222222222222:role/target",
        &["sts:AssumeRole"],
        OWN,
    ),
    (
        "arn:aws:execute-api:eu-west-1:222222222222:a1/prod/GET/orders",
        &["execute-api:Invoke"],
        OWN,
    ),
    (
        "arn:aws:s3:::bucket/blue/x",
        &["s3:GetObject", "s3:PutObject"],
        OWN,
    ),
    (
        "arn:aws:kms:eu-west-1:222222222222:alias/a",
        &["kms:UpdateAlias"],
        OWN,
    ),
];

// A role that policies name sessions of is asked about in its sessions: a role alone does not tell which.
const FEDERATED: &str = "arn:aws:sts::222222222222:federated-user/fed";
const LINKED: &str = "arn:aws:sts::222222222222:assumed-role/AWSServiceRoleForX/s";
const CALLERS: [&str; 14] = [
    FEDERATED,
    LINKED,
    "arn:aws:sts::222222222222:assumed-role/a/s3",
    "arn:aws:iam::222222222222:role/team/b",
    "arn:aws:sts::222222222222:assumed-role/a/s1",
    "arn:aws:sts::222222222222:assumed-role/b/s2",
    "arn:aws:iam::222222222222:user/ann",
    "arn:aws:iam::222222222222:root",
    "arn:aws:sts::111111111111:assumed-role/a/s3",
    "arn:aws:sts::111111111111:assumed-role/a/s1",
    "arn:aws:iam::111111111111:user/team/bob",
    "arn:aws:iam::111111111111:root",
    "sns.amazonaws.com",
    "",
];

const NAMES: [&str; 12] = [
    "arn:aws:iam::222222222222:root",
    "222222222222",
    "arn:aws:iam::222222222222:role/a",
    "arn:aws:iam::222222222222:role/team/b",
    "arn:aws:sts::222222222222:assumed-role/a/s1",
    "arn:aws:iam::222222222222:user/ann",
    "arn:aws:iam::111111111111:root",
    "arn:aws:iam::111111111111:role/a",
    "arn:aws:sts::111111111111:assumed-role/a/s1",
    "arn:aws:iam::111111111111:user/team/bob",
    "*",
    "sns.amazonaws.com",
];

/// Operators with their key and values.
const TESTS: [(&str, &str, &[&str]); 30] = [
    ("Bool", "kms:GrantIsForAWSResource", &["true", "false"]),
    (
        "StringEquals",
        "aws:PrincipalType",
        &["FederatedUser", "Account", "User"],
    ),
    ("ForAnyValue:StringNotLike", "aws:TagKeys", &["t*"]),
    ("StringEquals", "aws:PrincipalOrgID", &["o-1", "o-2"]),
    ("StringNotEquals", "aws:PrincipalOrgID", &["o-1"]),
    ("StringEqualsIfExists", "aws:principalorgid", &["o-1"]),
    ("Null", "aws:PrincipalOrgID", &["true", "false"]),
    (
        "StringNotEquals",
        "aws:ResourceOrgID",
        &["${aws:PrincipalOrgID}", "${AWS:principalorgid, 'o-2'}"],
    ),
    (
        "StringEquals",
        "aws:ResourceOrgID",
        &["${aws:PrincipalOrgID}", "o-2"],
    ),
    (
        "ArnLike",
        "aws:PrincipalArn",
        &["arn:aws:iam::222222222222:role/*", "arn:aws:iam::*:role/a"],
    ),
    (
        "ArnNotLike",
        "aws:PrincipalArn",
        &[
            "arn:aws:iam::222222222222:role/team/b",
            "arn:aws:iam::*:user/${aws:username}",
        ],
    ),
    (
        "ArnEquals",
        "aws:PrincipalArn",
        &["arn:aws:iam::222222222222:role/a"],
    ),
    (
        "StringLike",
        "aws:PrincipalArn",
        &["*:role/team/*", "arn:aws:iam::222222222222:*"],
    ),
    (
        "StringEquals",
        "aws:PrincipalAccount",
        &["111111111111", "222222222222"],
    ),
    (
        "StringNotEquals",
        "aws:PrincipalAccount",
        &["111111111111", "${aws:ResourceAccount}"],
    ),
    (
        "StringEquals",
        "aws:PrincipalTag/team",
        &["blue", "${aws:ResourceTag/team}"],
    ),
    (
        "StringNotLike",
        "aws:PrincipalTag/team",
        &["b*", "${aws:ResourceTag/team}"],
    ),
    ("StringEqualsIgnoreCase", "aws:PrincipalTag/team", &["BLUE"]),
    (
        "ForAllValues:StringEquals",
        "aws:TagKeys",
        &["team", "${aws:PrincipalTag/team}"],
    ),
    ("ForAnyValue:StringLike", "aws:TagKeys", &["t*", "cost"]),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", &["team"]),
    ("ForAllValues:StringNotLike", "aws:TagKeys", &["c*"]),
    ("Bool", "aws:SecureTransport", &["true", "false"]),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", &["true"]),
    ("NumericLessThan", "aws:MultiFactorAuthAge", &["10", "20"]),
    ("IpAddress", "aws:SourceIp", &["10.0.0.0/8", "10.1.0.0/16"]),
    ("NotIpAddress", "aws:SourceIp", &["10.1.0.0/16"]),
    (
        "DateGreaterThan",
        "aws:CurrentTime",
        &["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"],
    ),
    (
        "ArnLike",
        "aws:SourceArn",
        &["arn:aws:sns:*:222222222222:*"],
    ),
    ("StringEquals", "kms:CallerAccount", &["222222222222"]),
];

/// Keys whose value or absence every request gives.
const CONTEXT: [(&str, &[&[&str]]); 12] = [
    ("aws:PrincipalOrgID", &[&[], &["o-1"], &["o-2"]]),
    ("aws:ResourceOrgID", &[&[], &["o-1"], &["o-2"]]),
    ("aws:PrincipalTag/team", &[&[], &["blue"], &["red"]]),
    ("aws:ResourceTag/team", &[&[], &["blue"], &["b*"]]),
    (
        "aws:TagKeys",
        &[&[], &["team"], &["team", "cost"], &["blue"], &[""]],
    ),
    ("aws:SecureTransport", &[&["true"], &["false"]]),
    ("aws:MultiFactorAuthPresent", &[&[], &["true"], &["false"]]),
    ("aws:MultiFactorAuthAge", &[&[], &["5"], &["10"], &["15"]]),
    (
        "aws:SourceIp",
        &[&["10.1.2.3"], &["10.2.0.1"], &["192.0.2.1"]],
    ),
    (
        "aws:CurrentTime",
        &[
            &["2025-06-01T00:00:00Z"],
            &["2026-06-01T00:00:00Z"],
            &["2028-01-01T00:00:00Z"],
        ],
    ),
    (
        "aws:SourceArn",
        &[
            &[],
            &["arn:aws:sns:eu-west-1:222222222222:orders"],
            &["arn:aws:sns:eu-west-1:111111111111:orders"],
        ],
    ),
    ("kms:CallerAccount", &[&[]]),
];

fn request(dice: &mut Dice, target: Target) -> Value {
    let (resource, actions, owner) = target;
    let caller = dice.one(&CALLERS);
    let mut context = serde_json::Map::new();
    for (key, values) in CONTEXT {
        if key == "kms:CallerAccount"
            && (caller.starts_with("arn:") && actions[0].starts_with("kms:"))
        {
            continue;
        }
        context.insert(key.to_owned(), json!(dice.one(values)));
    }
    if let Some((head, rest)) = caller.split_once(":assumed-role/") {
        let role = match rest.split('/').next() {
            Some("b") => "team/b",
            Some("AWSServiceRoleForX") => "aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
            _ => "a",
        };
        let arn = format!("{}:role/{role}", head.replace(":sts:", ":iam:"));
        context.insert("aws:PrincipalArn".to_owned(), json!(arn));
    }
    // Keys of sessions and of organizations are those of principals of an account.
    if !caller.starts_with("arn:") {
        for key in [
            "aws:PrincipalOrgID",
            "aws:PrincipalTag/team",
            "aws:MultiFactorAuthPresent",
            "aws:MultiFactorAuthAge",
        ] {
            context.insert(key.to_owned(), json!([]));
        }
    }
    if caller.ends_with(".amazonaws.com") {
        // No page says which type a service is of.
        context.insert("aws:PrincipalType".to_owned(), json!([]));
    }
    if caller.starts_with("arn:") || caller.is_empty() {
        context.insert("aws:SourceArn".to_owned(), json!([]));
    }
    if (caller.contains(":role/") || caller.contains(":assumed-role/"))
        && context["aws:MultiFactorAuthPresent"] == json!([])
    {
        context.insert("aws:MultiFactorAuthPresent".to_owned(), json!("false"));
    }
    let principal = if caller.is_empty() {
        json!({"type": "Anonymous"})
    } else {
        json!(caller)
    };
    let mut request = json!({
        "principal": principal,
        "action": dice.one(actions),
        "resource": resource,
        "resourceAccount": owner,
        "context": context,
    });
    if actions[0].starts_with("execute-api:") {
        request["authorization"] = json!(if caller.is_empty() {
            "NONE"
        } else {
            dice.one(&["AWS_IAM", "AWS_IAM", "NONE"])
        });
    }
    request
}

/// What a policy is attached to.
#[derive(Clone, Copy, PartialEq)]
enum Attached {
    Identity,
    Resource,
    /// A VPC endpoint, whose policy names any service's actions.
    Endpoint,
    Organization,
    ResourceControl,
}

fn policy(dice: &mut Dice, attached: Attached, target: Target, most: usize) -> Value {
    let statements: Vec<Value> = (0..=dice.roll(most))
        .map(|_| statement(dice, attached, target))
        .collect();
    let mut policy = json!({"Statement": statements});
    // An organization takes no policy of another version.
    if dice.roll(6) > 0 || matches!(attached, Attached::Organization | Attached::ResourceControl) {
        policy["Version"] = json!("2012-10-17");
    }
    policy
}

fn statement(dice: &mut Dice, attached: Attached, target: Target) -> Value {
    let (resource, actions, _) = target;
    let service = actions[0].split(':').next().expect("a service");
    let all = format!("{service}:*");
    let some = format!("{}*", &actions[0][..actions[0].len() - 3]);
    let mut it = json!({"Effect": if dice.roll(4) == 0 { "Deny" } else { "Allow" }});
    let mut of: Vec<&str> = actions.to_vec();
    // SNS takes no `sns:*` of a topic, and no service another's actions of what is its own.
    match (attached, service) {
        (Attached::Resource, "sns") => of.push(some.as_str()),
        (Attached::Resource, "sqs" | "kms" | "execute-api") => {
            of.extend([all.as_str(), some.as_str()]);
        }
        _ => of.extend([all.as_str(), some.as_str(), all.as_str(), "other:Thing"]),
    }
    let is_control = attached == Attached::ResourceControl;
    if is_control {
        it["Effect"] = json!("Deny");
        it["Principal"] = json!("*");
    }
    let name = if dice.roll(10) == 0 && !is_control {
        "NotAction"
    } else {
        "Action"
    };
    it[name] = dice.some(&of);
    let trusts = service == "sts" && attached == Attached::Resource;
    if trusts {
        let fields = it.as_object_mut().expect("an object");
        fields.remove("NotAction");
        fields.insert(
            "Action".to_owned(),
            dice.some(&["sts:AssumeRole", "sts:AssumeRole", "sts:TagSession"]),
        );
    }
    if !trusts {
        let parts: Vec<&str> = resource.splitn(6, ':').collect();
        // IAM takes no region.
        let region = if parts[2] == "iam" { "" } else { "*" };
        let own = format!("arn:aws:{}:{region}:{}:*", parts[2], parts[4]);
        let begin = match service {
            "sts" => "role/",
            _ => "",
        };
        let variable = format!(
            "arn:aws:{}:{}:{}:{begin}${{aws:PrincipalTag/team}}*",
            parts[2], parts[3], parts[4]
        );
        let bucket = format!(
            "{}/${{aws:username}}",
            resource.rsplit_once('/').map_or(resource, |(it, _)| it)
        );
        let of = [
            resource,
            "*",
            own.as_str(),
            variable.as_str(),
            bucket.as_str(),
            "*",
            resource,
        ];
        let name = if dice.roll(12) == 0 {
            "NotResource"
        } else {
            "Resource"
        };
        it[name] = dice.some(&of);
    }
    if matches!(attached, Attached::Resource | Attached::Endpoint) {
        let name = dice.one(&NAMES);
        let other = dice.one(&NAMES);
        it["Principal"] = match (name, other) {
            ("*", _) => json!("*"),
            ("sns.amazonaws.com", _) => json!({"Service": name}),
            (_, "sns.amazonaws.com") => json!({"AWS": name, "Service": [other]}),
            (_, "*") => json!({"AWS": [name]}),
            _ if dice.roll(2) == 0 => json!({"AWS": [name, other]}),
            _ => json!({"AWS": name}),
        };
    }
    if attached == Attached::Organization && dice.roll(2) == 0 {
        it["Action"] = json!("*");
        it["Resource"] = json!("*");
        let fields = it.as_object_mut().expect("an object");
        fields.remove("NotAction");
        fields.remove("NotResource");
    }
    for _ in 0..dice.roll(3) {
        let (operator, key, values) = dice.one(&TESTS);
        it["Condition"][operator][key] = dice.some(values);
    }
    it
}

fn question(dice: &mut Dice) -> Value {
    let target = dice.one(&TARGETS);
    let mut question = json!({"request": request(dice, target)});
    if dice.roll(12) == 0 {
        let action = dice.one(&[
            "sts:GetCallerIdentity",
            "sts:GetSessionToken",
            "sts:GetFederationToken",
        ]);
        question["request"]["action"] = json!(action);
        question["request"]["resource"] = json!("*");
    }
    let identity: Vec<Value> = (0..dice.roll(3))
        .map(|_| policy(dice, Attached::Identity, target, 2))
        .collect();
    question["identityPolicies"] = json!(identity);
    if dice.roll(4) > 0 && !target.0.contains(":alias/") {
        question["resourcePolicy"] = policy(dice, Attached::Resource, target, 3);
    }
    if dice.roll(4) == 0 {
        question["boundary"] = policy(dice, Attached::Identity, target, 2);
    }
    if dice.roll(4) == 0 {
        question["sessionPolicy"] = policy(dice, Attached::Identity, target, 2);
    }
    // `RCPFullAWSAccess` stands on every level.
    let full = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}});
    let levels = |dice: &mut Dice, attached: Attached| -> Vec<Value> {
        (0..=dice.roll(2))
            .map(|_| {
                let one = policy(dice, attached, target, 2);
                match attached {
                    Attached::ResourceControl => json!([full, one]),
                    _ => json!([one]),
                }
            })
            .collect()
    };
    if dice.roll(5) == 0 {
        question["scps"] = json!(levels(dice, Attached::Organization));
    }
    if dice.roll(5) == 0 {
        question["rcps"] = json!(levels(dice, Attached::ResourceControl));
    }
    if dice.roll(6) == 0 {
        question["vpcEndpointPolicy"] = policy(dice, Attached::Endpoint, target, 2);
    }
    if question["request"]["principal"] == FEDERATED {
        // Which user opened the session no request tells, so that none is named.
        let text = question.to_string();
        let text = text.replace("arn:aws:iam::222222222222:user/ann", FEDERATED);
        question = serde_json::from_str(&text).expect("JSON");
    }
    question
}
