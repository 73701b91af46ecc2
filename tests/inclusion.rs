//! Inclusion, asked twice: of our own comparison, and of a solver.
//!
//! Pairs of policies are made at random and told to `cvc5` as formulas over strings. The
//! translation below reads the JSON by itself and shares no line with the crate, so
//! that a misreading of ours cannot hide in both. Where the two disagree, one is wrong.
//!
//! `cvc5` is a Debian package. Without it the test says so and passes. For more pairs, with the figures:
//! `INCLUSION_PAIRS=3000 cargo test --no-default-features --test inclusion -- --nocapture`

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use provision::policy::Document;
use provision::policy::widen::{Change, compare};
use serde_json::{Value, json};

/// How many pairs must be decided by both, unless the environment says otherwise.
const PAIRS: usize = 1000;
/// How many queries one solver is given before a fresh one takes over.
const BATCH: usize = 40;

#[test]
fn a_solver_finds_the_same_differences() {
    if Command::new("cvc5").arg("--version").output().is_err() {
        say("skipped: `cvc5` is not installed (apt-get install cvc5)");
        return;
    }
    let told = std::env::var("INCLUSION_PAIRS").ok();
    let pairs_wanted = told.and_then(|it| it.parse().ok()).unwrap_or(PAIRS);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut decided, mut unproven, mut open, mut differing) = (0, 0, 0, 0);
    while decided < pairs_wanted {
        let pairs: Vec<(Value, Value)> = (0..BATCH).map(|_| pair(&mut dice)).collect();
        let queries: Vec<String> = pairs
            .iter()
            .flat_map(|(old, new)| [difference(old, new), difference(new, old)])
            .collect();
        let answers = ask(&queries);
        for ((old, new), answers) in pairs.iter().zip(answers.chunks(2)) {
            let read = |it: &Value| Document::from_value(it).expect("a policy");
            let ours = compare(&read(old), &read(new)).verdict;
            let (Some(gains), Some(loses)) = (answers[1], answers[0]) else {
                open += 1;
                continue;
            };
            let expected: &[Change] = match (gains, loses) {
                (false, false) => &[Change::Equal, Change::Cosmetic],
                (true, false) => &[Change::Widened],
                (false, true) => &[Change::Narrowed],
                (true, true) => &[Change::Both],
            };
            if ours == Change::Unproven {
                unproven += 1;
                continue;
            }
            assert!(
                expected.contains(&ours),
                "we say {ours:?}, the solver {expected:?}\nold: {old}\nnew: {new}"
            );
            decided += 1;
            differing += usize::from(gains || loses);
        }
    }
    say(&format!(
        "{decided} pairs agreed, {differing} of them different; {unproven} unproven by us, {open} left open by the solver"
    ));
    assert!(unproven * 50 <= decided, "{unproven} pairs were unproven");
    assert!(differing * 4 >= decided && differing < decided);
}

/// Says something of the run; the harness shows it with `--nocapture`.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
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

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }

    fn some(&mut self, of: &[&str]) -> Value {
        let count = 1 + self.roll(2);
        (0..count).map(|_| Value::from(*self.one(of))).collect()
    }
}

const ACTIONS: [&str; 7] = [
    "sns:Publish",
    "sns:publish",
    "sns:Subscribe",
    "sns:*",
    "sns:?ub*",
    "sqs:SendMessage",
    "*",
];
const RESOURCES: [&str; 7] = [
    "arn:aws:sns:eu-west-1:222222222222:orders",
    "arn:aws:sns:eu-west-1:222222222222:order?",
    "arn:aws:sns:eu-west-1:222222222222:o*s",
    "arn:aws:sns:eu-west-1:222222222222:*",
    "arn:aws:sns:eu-west-1:111111111111:orders",
    "arn:aws:sqs:eu-west-1:111111111111:inbox",
    "*",
];
const PRINCIPALS: [&str; 9] = [
    "111111111111",
    "arn:aws:iam::111111111111:root",
    "arn:aws:iam::111111111111:role/a",
    "arn:aws:iam::111111111111:role/team/b",
    "arn:aws:iam::222222222222:user/ann",
    "arn:aws:sts::111111111111:assumed-role/a/s1",
    "arn:aws:iam::222222222222:root",
    "*",
    "service",
];
/// Operators, with their key and values.
const TESTS: [(&str, &str, &[&str]); 19] = [
    ("StringEquals", "aws:SourceVpce", &["vpce-1", "vpce-2"]),
    ("StringNotEquals", "aws:SourceVpce", &["vpce-1"]),
    (
        "StringEqualsIfExists",
        "aws:SourceVpce",
        &["vpce-1", "vpce-2"],
    ),
    ("StringNotLike", "aws:SourceVpce", &["vpce-*", "*2"]),
    ("StringLike", "aws:SourceVpce", &["vpce-?", "v*1"]),
    ("Null", "aws:SourceVpce", &["true", "false"]),
    (
        "ArnLike",
        "aws:SourceArn",
        &["arn:aws:sns:*:222222222222:*", "arn:aws:sns:*:*:orders"],
    ),
    (
        "ArnEquals",
        "aws:SourceArn",
        &["arn:aws:sns:eu-west-1:222222222222:orders"],
    ),
    (
        "ArnNotLike",
        "aws:SourceArn",
        &["arn:aws:s?s:*:222222222222:o*"],
    ),
    ("ArnLikeIfExists", "aws:SourceArn", &["arn:*:sns:*:*:*"]),
    (
        "ArnLike",
        "aws:PrincipalArn",
        &[
            "arn:aws:iam::111111111111:role/*",
            "arn:aws:iam::*:role/team/b",
        ],
    ),
    (
        "ArnNotLike",
        "aws:PrincipalArn",
        &["arn:aws:iam::111111111111:role/a"],
    ),
    (
        "StringEquals",
        "aws:PrincipalAccount",
        &["111111111111", "222222222222"],
    ),
    ("StringNotEquals", "aws:PrincipalAccount", &["111111111111"]),
    ("StringEquals", "aws:PrincipalOrgID", &["o-1", "o-2"]),
    ("StringNotEquals", "aws:PrincipalOrgID", &["o-1"]),
    ("Bool", "aws:SecureTransport", &["true", "false"]),
    ("NumericLessThan", "aws:MultiFactorAuthAge", &["10", "20"]),
    (
        "NumericGreaterThanEquals",
        "aws:MultiFactorAuthAge",
        &["10", "15.5"],
    ),
];

/// Two policies that have much in common.
fn pair(dice: &mut Dice) -> (Value, Value) {
    let of_resource = dice.roll(2) == 0;
    let count = 1 + dice.roll(3);
    let old: Vec<Value> = (0..count).map(|_| statement(dice, of_resource)).collect();
    let mut new = old.clone();
    let at = dice.roll(count);
    let further = statement(dice, of_resource);
    match dice.roll(7) {
        0 => new.push(further),
        1 => {
            new.remove(at);
        }
        2 => {
            // Split by action: the same, said twice.
            let mut half = new[at].clone();
            half["Action"] = json!("sns:Publish");
            half.as_object_mut().expect("an object").remove("NotAction");
            new.push(half);
        }
        _ => {
            let names = [
                "Action",
                "NotAction",
                "Resource",
                "NotResource",
                "Condition",
                "Principal",
                "Effect",
            ];
            let chosen = *dice.one(&names);
            let twin = chosen
                .strip_prefix("Not")
                .map_or_else(|| format!("Not{chosen}"), str::to_owned);
            let fields = new[at].as_object_mut().expect("an object");
            if let Some(value) = further.get(chosen) {
                fields.insert(chosen.to_owned(), value.clone());
                fields.remove(&twin);
            } else if chosen == "Condition" {
                fields.remove(chosen);
            }
        }
    }
    let policy = |statements: Vec<Value>| json!({"Version": "2012-10-17", "Statement": statements});
    (policy(old), policy(new))
}

fn statement(dice: &mut Dice, of_resource: bool) -> Value {
    let mut it = json!({"Effect": if dice.roll(4) == 0 { "Deny" } else { "Allow" }});
    let not = |dice: &mut Dice| if dice.roll(8) == 0 { "Not" } else { "" };
    let name = format!("{}Action", not(dice));
    it[name] = dice.some(&ACTIONS);
    let name = format!("{}Resource", not(dice));
    it[name] = dice.some(&RESOURCES);
    if of_resource {
        let principals = dice.some(&PRINCIPALS);
        let names: Vec<&Value> = principals.as_array().expect("a list").iter().collect();
        let aws: Vec<&Value> = names
            .iter()
            .copied()
            .filter(|it| *it != "service")
            .collect();
        it["Principal"] = if aws.is_empty() {
            json!({"Service": "sns.amazonaws.com"})
        } else if aws.len() < names.len() {
            json!({"AWS": aws, "Service": ["sns.amazonaws.com"]})
        } else {
            json!({"AWS": aws})
        };
    }
    for _ in 0..dice.roll(3) {
        let (operator, key, values) = *dice.one(&TESTS);
        it["Condition"][operator][key] = dice.some(values);
    }
    it
}

// What follows is the solver's side: a request is a handful of variables, a policy a formula.

/// The query that is satisfiable when one policy lets through what another does not, for a caller with
/// some policies of its own.
fn difference(this: &Value, other: &Value) -> String {
    let pair = Pair::of(this, other);
    format!(
        "{}(assert {})\n(assert (not {}))\n(check-sat)\n",
        universe(&pair),
        pair.allows(this),
        pair.allows(other)
    )
}

/// What is asked of two policies together.
struct Pair {
    of_resource: bool,
    /// That an identity policy is not enough in the resource's own account.
    guarded: String,
    /// Whether a statement names a resource by its ARN, and so a partition.
    names_resources: bool,
    /// Whether a role is named whose session is named too: then the session is of that role.
    names_the_role: bool,
}

impl Pair {
    fn of(this: &Value, other: &Value) -> Self {
        let text = format!("{this}{other}");
        let mut guarded = vec!["false"];
        if !text.contains("arn:aws:sns:") && !text.contains("arn:aws:sqs:") {
            guarded.push(r#"(= action0 "sts") (= action0 "kms")"#);
        }
        if text.contains("aws:SourceVpce") {
            guarded.push(r#"(= action0 "execute-api")"#);
        }
        Self {
            of_resource: text.contains("\"Principal\""),
            guarded: format!("(or {})", guarded.join(" ")),
            names_resources: [this, other].iter().any(|it| names_resources(it)),
            names_the_role: text.contains(":111111111111:role/a\""),
        }
    }

    /// That a policy lets the request through.
    ///
    /// `standing` is what the caller's own policies allow: 2 an identity policy allows the request, 1
    /// none does, 0 a boundary and a session policy do not either.
    fn allows(&self, policy: &Value) -> String {
        let any = |effect: &str, least: usize| {
            let statements = policy["Statement"].as_array().expect("a list").iter();
            let of = statements.filter(|it| it["Effect"] == effect);
            let found: Vec<String> = of.map(|it| speaks(it, least)).collect();
            format!("(or false {})", found.join(" "))
        };
        let denied = any("Deny", 0);
        let named = any("Allow", 0);
        if !self.of_resource {
            return format!("(and {named} (not {denied}))");
        }
        let guarded = &self.guarded;
        let own = format!(
            "(ite (or (= standing 2) (= arn5 \"root\")) (or (not {guarded}) {named}) (ite (= standing 1) {} {}))",
            any("Allow", 1),
            any("Allow", 2)
        );
        format!("(and (ite home {own} {named}) (not {denied}))")
    }
}

/// Whether a policy names a resource by its ARN.
fn names_resources(policy: &Value) -> bool {
    let mut statements = policy["Statement"].as_array().expect("a list").iter();
    statements.any(|it| {
        let named = [&it["Resource"], &it["NotResource"]].map(list).concat();
        named.iter().any(|it| it.starts_with("arn:"))
    })
}

const NAME: &str = r#"(re.+ (re.union (re.range "a" "z") (re.range "0" "9")))"#;
const SERVICE: &str = r#"(re.+ (re.union (re.range "a" "z") (re.range "0" "9") (str.to_re "-")))"#;
const SEGMENT: &str = r#"(re.diff re.allchar (str.to_re ":"))"#;

/// What is so of every request there is.
///
/// ARNs and actions are told in their parts, which keeps the strings short: a solver loses
/// itself in long ones.
fn universe(pair: &Pair) -> String {
    let of_resource = pair.of_resource;
    let mut text = String::from(
        "(declare-const star Bool)(declare-const kind Int)(declare-const service String)\n\
         (declare-const secure Bool)(declare-const age Real)(declare-const has_age Bool)\n",
    );
    for (name, class) in [("action0", SERVICE), ("action1", NAME)] {
        let _ = writeln!(
            text,
            "(declare-const {name} String)(assert (str.in_re {name} {class}))"
        );
    }
    for of in ["resource", "source", "arn"] {
        for (index, run) in [(1, "re.+"), (2, "re.+"), (3, "re.*"), (4, "re.*")] {
            let _ = writeln!(
                text,
                "(declare-const {of}{index} String)(assert (str.in_re {of}{index} ({run} {SEGMENT})))"
            );
        }
        let _ = writeln!(
            text,
            "(declare-const {of}5 String)(assert (not (= {of}5 \"\")))"
        );
    }
    for (key, head) in [("vpce", "vpce-"), ("org", "o-")] {
        let _ = writeln!(
            text,
            r#"(declare-const {key} String)(assert (and (str.prefixof "{head}" {key}) (not (= {key} "{head}"))))"#
        );
    }
    text.push_str(
        "(declare-const has_vpce Bool)(declare-const has_org Bool)(declare-const has_source Bool)\n",
    );
    // A resource policy is always asked of a resource.
    if of_resource {
        text.push_str("(assert (not star))\n");
    }
    // 0 a stranger, 1 a principal of an account, 2 a service.
    let kinds = if of_resource {
        "(and (>= kind 0) (<= kind 2))"
    } else {
        "(= kind 1)"
    };
    let _ = writeln!(
        text,
        r#"(assert {kinds})(assert (= arn2 "iam"))(assert (= arn3 ""))(assert (not (= arn4 "")))(assert (or (= arn5 "root") (str.in_re arn5 (re.++ (re.union (str.to_re "role/") (str.to_re "user/")) (re.+ re.allchar)))))"#
    );
    // An account is in one partition.
    text.push_str(
        r#"(assert (=> (or (= arn4 "111111111111") (= arn4 "222222222222")) (= arn1 "aws")))"#,
    );
    text.push_str("(assert (not (= service \"\")))(assert (=> (or has_org has_age) (= kind 1)))\n");
    // A source is of some account, or of none that its ARN names; where the resources are of a partition, so is it.
    text.push_str(r#"(assert (or (= source4 "") (= (str.len source4) 12)))"#);
    if pair.names_resources {
        text.push_str(r#"(assert (= source1 "aws"))"#);
    }
    if of_resource {
        text.push_str("(assert (=> has_source (> kind 0)))");
    }
    // A caller is of the resource's account if that names one; if it names none, it may be.
    text.push_str(
        "(declare-const standing Int)(assert (and (>= standing 0) (<= standing 2)))(declare-const unnamed Bool)\n\
         (define-fun home () Bool (and (= kind 1) (or (= arn4 resource4) (and (= resource4 \"\") unnamed))))\n\
         (declare-const session Bool)(declare-const job String)\n",
    );
    text.push_str(
        r#"(assert (=> session (str.prefixof "role/" arn5)))(assert (=> (= kind 0) (not (or (= action0 "sts") (= action0 "kms")))))"#,
    );
    if pair.names_the_role {
        text.push_str(
            r#"(assert (=> (and session (= arn4 "111111111111") (= job "s1") (str.suffixof "/a" arn5)) (= arn5 "role/a")))"#,
        );
    }
    text.push('\n');
    text
}

fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(list).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// Whether a statement matches the request and names the caller at this level at least: 0 by its
/// account, 1 by its role, 2 more directly.
fn speaks(statement: &Value, least: usize) -> String {
    let mut all = vec!["true".to_owned()];
    for (name, value) in statement.as_object().expect("an object") {
        let plain = name.trim_start_matches("Not");
        let any: Vec<String> = match plain {
            "Action" => list(value).iter().map(|it| action(it)).collect(),
            "Resource" => list(value).iter().map(|it| resource(it)).collect(),
            "Principal" => principals(value, least),
            "Condition" => {
                for (operator, keys) in value.as_object().expect("an object") {
                    for (key, values) in keys.as_object().expect("an object") {
                        all.push(test(operator, key, &list(values)));
                    }
                }
                continue;
            }
            _ => continue,
        };
        let any = format!("(or false {})", any.join(" "));
        all.push(if name == plain {
            any
        } else {
            format!("(not {any})")
        });
    }
    format!("(and {})", all.join(" "))
}

/// That a variable matches a pattern whose wildcards take this class.
fn like(variable: &str, pattern: &str, class: &str) -> String {
    if !pattern.contains(['*', '?']) {
        return format!("(= {variable} \"{pattern}\")");
    }
    let mut parts = vec![r#"(str.to_re "")"#.to_owned()];
    let mut text = String::new();
    for letter in pattern.chars() {
        if let '*' | '?' = letter {
            parts.push(format!("(str.to_re \"{text}\")"));
            text.clear();
            parts.push(if letter == '*' {
                format!("(re.* {class})")
            } else {
                class.to_owned()
            });
        } else {
            text.push(letter);
        }
    }
    parts.push(format!("(str.to_re \"{text}\")"));
    format!("(str.in_re {variable} (re.++ {}))", parts.join(" "))
}

/// That an ARN matches a pattern, segment by segment.
fn arn(of: &str, pattern: &str) -> String {
    let segments: Vec<&str> = pattern.splitn(6, ':').collect();
    let parts: Vec<String> = (1..6)
        .filter(|it| segments[*it] != "*")
        .map(|it| {
            let class = if it < 5 { SEGMENT } else { "re.allchar" };
            like(&format!("{of}{it}"), segments[it], class)
        })
        .collect();
    format!("(and true {})", parts.join(" "))
}

fn action(pattern: &str) -> String {
    match pattern.to_lowercase().split_once(':') {
        None => "true".to_owned(),
        Some((service, name)) => format!(
            "(and {} {})",
            like("action0", service, "re.allchar"),
            like("action1", name, "re.allchar")
        ),
    }
}

fn resource(pattern: &str) -> String {
    if pattern == "*" {
        return "true".to_owned();
    }
    format!("(and (not star) {})", arn("resource", pattern))
}

fn of_account(account: &str) -> String {
    format!("(= arn4 \"{account}\")")
}

fn principals(value: &Value, least: usize) -> Vec<String> {
    let mut found = Vec::new();
    for (kind, names) in value.as_object().expect("an object") {
        for name in list(names) {
            let level = match () {
                () if kind == "Service" || name == "*" => 2,
                () if !name.starts_with("arn:") || name.ends_with(":root") => 0,
                () if name.contains(":role/") => 1,
                () => 2,
            };
            if level < least {
                continue;
            }
            found.push(match (kind.as_str(), name.as_str()) {
                ("AWS", "*") => "true".to_owned(),
                ("Service", _) => format!("(and (= kind 2) (= service \"{name}\"))"),
                _ if !name.starts_with("arn:") => format!("(and (= kind 1) {})", of_account(&name)),
                _ if name.contains(":assumed-role/") => format!(
                    r#"(and (= kind 1) session (= job "s1") {} (or (= arn5 "role/a") (and (str.prefixof "role/" arn5) (str.suffixof "/a" arn5))))"#,
                    of_account("111111111111")
                ),
                _ if name.ends_with(":root") => {
                    let account = name.split(':').nth(4).expect("an account");
                    format!("(and (= kind 1) {})", of_account(account))
                }
                _ => format!("(and (= kind 1) {})", arn("arn", &name)),
            });
        }
    }
    found
}

fn test(operator: &str, key: &str, values: &[String]) -> String {
    let (word, if_exists) = match operator.strip_suffix("IfExists") {
        Some(word) => (word, true),
        None => (operator, false),
    };
    let negated = word.contains("Not");
    let word = word.replacen("Not", "", 1);
    let (present, variable) = match key {
        "aws:SourceVpce" => ("has_vpce", "vpce"),
        "aws:SourceArn" => ("has_source", "source"),
        "aws:PrincipalOrgID" => ("has_org", "org"),
        "aws:PrincipalArn" => ("(= kind 1)", "arn"),
        // Of a request that is not signed the account is `anonymous`.
        "aws:PrincipalAccount" => ("(<= kind 1)", "arn"),
        "aws:SecureTransport" => ("true", "secure"),
        "aws:MultiFactorAuthAge" => ("has_age", "age"),
        other => panic!("{other} is not translated"),
    };
    let one = |value: &String| match word.as_str() {
        "Null" if value == "true" => format!("(not {present})"),
        "Null" => present.to_owned(),
        "StringEquals" if key == "aws:PrincipalAccount" => {
            format!("(and (= kind 1) {})", of_account(value))
        }
        "StringEquals" => format!("(= {variable} \"{value}\")"),
        "StringLike" => like(variable, value, "re.allchar"),
        "ArnLike" | "ArnEquals" => arn(variable, value),
        "Bool" => format!("(= {variable} {value})"),
        "NumericLessThan" => format!("(< age {})", real(value)),
        "NumericGreaterThanEquals" => format!("(>= age {})", real(value)),
        other => panic!("{other} is not translated"),
    };
    let any: Vec<String> = values.iter().map(one).collect();
    let any = format!("(or false {})", any.join(" "));
    if word == "Null" {
        return any;
    }
    match (negated, if_exists) {
        (false, false) => format!("(and {present} {any})"),
        (false, true) => format!("(or (not {present}) {any})"),
        (true, _) => format!("(or (not {present}) (not {any}))"),
    }
}

fn real(value: &str) -> String {
    if value.contains('.') {
        value.to_owned()
    } else {
        format!("{value}.0")
    }
}

/// The solver's answers: satisfiable, not so, or left open.
fn ask(queries: &[String]) -> Vec<Option<bool>> {
    let mut text = String::from("(set-logic ALL)\n");
    for query in queries {
        let _ = write!(text, "(push 1)\n{query}(pop 1)\n");
    }
    let mut solver = Command::new("cvc5")
        .args([
            "--incremental",
            "--strings-exp",
            "--tlimit-per=2000",
            "--lang=smt2",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("cvc5 starts");
    let mut input = solver.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = solver.wait_with_output().expect("cvc5 ends");
    writer.join().expect("no panic").expect("cvc5 reads");
    let text = String::from_utf8_lossy(&output.stdout);
    let answers: Vec<Option<bool>> = text
        .lines()
        .map(|line| match line {
            "sat" => Some(true),
            "unsat" => Some(false),
            "unknown" => None,
            other => panic!("the solver says {other}"),
        })
        .collect();
    assert_eq!(answers.len(), queries.len(), "{text}");
    answers
}
