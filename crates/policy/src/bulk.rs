//! Questions in bulk: a document that comes again is read once.
//!
//! A line is cut into its fields without being read, so that a document is found again by its text. A line that
//! is not as it should be is answered by [`simulate_line_of`], which says what is wrong and where.

use std::collections::HashMap;
use std::sync::Arc;

use super::decide::{Decision, Part, Policies, Prepared};
use super::grammar::{Grammar, Holder};
use super::interchange::{
    PolicyKind, decided, document, is_unsigned_call, kind_of_resource, request, simulate_line_of,
};
use super::json::{self, LARGEST};
use super::rules::Rules;

/// The most bytes of documents that are remembered.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Answers the lines of `simulate`, and remembers the documents.
#[derive(Debug)]
pub struct Simulator {
    /// What resource policies are attached to, where that is told.
    kind: Option<Grammar>,
    /// Documents by what they are for, their grammar, and their text.
    known: HashMap<(Part, Grammar, bool), HashMap<String, Arc<Rules>>>,
    bytes: usize,
}

impl Simulator {
    /// One that has read nothing yet, for resource policies of this kind.
    #[must_use]
    pub fn of(kind: Option<Grammar>) -> Self {
        Self {
            kind,
            known: HashMap::new(),
            bytes: 0,
        }
    }

    /// Answers a line as [`simulate_line_of`] does.
    pub fn answer(&mut self, line: &str) -> String {
        let quick = self.quick(line);
        quick.unwrap_or_else(|| simulate_line_of(self.kind, line))
    }

    /// The answer to a line that is as it should be.
    fn quick(&mut self, line: &str) -> Option<String> {
        if line.len() > LARGEST {
            return None;
        }
        let fields = members(line)?;
        let field = |name: &str| fields.iter().find(|it| it.0 == name).map(|it| it.1);
        let name: Option<String> = match field("name") {
            Some(text) => Some(serde_json::from_str(text).ok()?),
            None => None,
        };
        let request = request(json::parse(field("request")?).ok()?, "request").ok()?;
        let of_resource = match self.kind {
            Some(kind) => PolicyKind::told(kind),
            None => PolicyKind::guessed(kind_of_resource(&request)),
        };
        let identity = PolicyKind::told(Grammar::Identity);
        let (service, resource) = PolicyKind::of_organization();
        let endpoint = PolicyKind::told(Grammar::Resource(Holder::Other));
        let mut prepared = Prepared::default();
        let mut own = false;
        for (index, (field, text)) in fields.iter().enumerate() {
            if fields[..index].iter().any(|it| it.0 == *field) {
                return None;
            }
            match *field {
                "name" | "request" => continue,
                "resourcePolicy" => {
                    prepared.resource = Some(self.rules(Part::Resource, of_resource, text)?);
                    continue;
                }
                "identityPolicies" => {
                    let all = elements(text)?;
                    for (index, it) in all.iter().enumerate() {
                        let part = Part::identity(index, all.len());
                        prepared.identity.push(self.rules(part, identity, it)?);
                    }
                }
                "boundary" => {
                    prepared.boundary = Some(self.rules(Part::Boundary, identity, text)?);
                }
                "sessionPolicy" => {
                    prepared.session = Some(self.rules(Part::Session, identity, text)?);
                }
                "scps" => {
                    prepared.scps = self.levels(Part::ServiceControl, service, text)?;
                    continue;
                }
                "rcps" => {
                    prepared.rcps = self.levels(Part::ResourceControl, resource, text)?;
                    continue;
                }
                "vpcEndpointPolicy" => {
                    prepared.endpoint = Some(self.rules(Part::Endpoint, endpoint, text)?);
                    continue;
                }
                _ => return None,
            }
            own = true;
        }
        if let Some(assumed) = request.caller_policies.filter(|_| !own) {
            let of_caller = Prepared::of(&Policies::of_caller(assumed));
            prepared.identity = of_caller.identity;
            prepared.boundary = of_caller.boundary;
            prepared.session = of_caller.session;
        }
        let verdict = prepared.decide(&request);
        // Whom else the policy names may decide such a call.
        if is_unsigned_call(&request) && verdict.decision == Decision::Allow {
            return None;
        }
        Some(decided(name.as_deref(), verdict))
    }

    fn levels(
        &mut self,
        part: impl Fn(usize) -> Part,
        kind: PolicyKind,
        text: &str,
    ) -> Option<Vec<Vec<Arc<Rules>>>> {
        let levels = elements(text)?.into_iter().zip(1..);
        let level = |(text, level)| {
            let all = elements(text)?.into_iter();
            all.map(|it| self.rules(part(level), kind, it)).collect()
        };
        levels.map(level).collect()
    }

    /// A document made ready, unless AWS refuses it.
    fn rules(&mut self, part: Part, kind: PolicyKind, text: &str) -> Option<Arc<Rules>> {
        let known = self.known.entry((part, kind.grammar, kind.told));
        let known = known.or_default();
        if let Some(rules) = known.get(text) {
            return Some(Arc::clone(rules));
        }
        let read = document(&json::parse(text).ok()?, "", kind).ok()?;
        let rules = Arc::new(Rules::of(&read, part.kind(), part.name()));
        known.insert(text.to_owned(), Arc::clone(&rules));
        self.bytes += text.len();
        if self.bytes > MOST_BYTES {
            self.known.clear();
            self.bytes = 0;
        }
        Some(rules)
    }
}

/// The fields of an object, each with the text of its value; nothing where the text is no such object.
fn members(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut cutter = Cutter { text, at: 0 };
    let mut found = Vec::new();
    cutter.take(b'{')?;
    if cutter.peek()? == b'}' {
        cutter.take(b'}')?;
        return cutter.end().then_some(found);
    }
    loop {
        let key = cutter.value()?;
        let key = key.strip_prefix('"')?.strip_suffix('"')?;
        cutter.take(b':')?;
        found.push((key, cutter.value()?));
        if cutter.peek()? != b',' {
            cutter.take(b'}')?;
            return cutter.end().then_some(found);
        }
        cutter.take(b',')?;
    }
}

/// The texts of the items of a list.
fn elements(text: &str) -> Option<Vec<&str>> {
    let mut cutter = Cutter { text, at: 0 };
    let mut found = Vec::new();
    cutter.take(b'[')?;
    if cutter.peek()? == b']' {
        cutter.take(b']')?;
        return cutter.end().then_some(found);
    }
    loop {
        found.push(cutter.value()?);
        if cutter.peek()? != b',' {
            cutter.take(b']')?;
            return cutter.end().then_some(found);
        }
        cutter.take(b',')?;
    }
}

/// Finds where values end. What is in them is for the reader of each to judge.
struct Cutter<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cutter<'a> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn peek(&mut self) -> Option<u8> {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        self.byte()
    }

    fn take(&mut self, own: u8) -> Option<()> {
        (self.peek()? == own).then(|| self.at += 1)
    }

    fn end(&mut self) -> bool {
        self.peek().is_none()
    }

    fn value(&mut self) -> Option<&'a str> {
        self.peek()?;
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.byte()? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' | b'}' | b']' if depth == 0 => {
                    return (self.at > start).then(|| &self.text[start..self.at]);
                }
                _ => self.at += 1,
            }
            if depth == 0 && matches!(self.text.as_bytes()[self.at - 1], b'"' | b'}' | b']') {
                return Some(&self.text[start..self.at]);
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let letter = self.byte()?;
            self.at += 1;
            match letter {
                b'"' => return Some(()),
                b'\\' => self.at += 1,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINE: &str = r#"{"name":"q","request":{"principal":"arn:aws:iam::111111111111:role/a","action":"sns:Publish","resource":"*"},"identityPolicies":[{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sns:*","Resource":"*"}}, {"Statement":[{"Effect":"Deny","Action":"sqs:*","Resource":["*","arn:aws:sqs:r:1:a}\",{"]}]}],"scps":[[]]}"#;

    #[test]
    fn a_line_is_cut_where_its_values_end() {
        let found = members(r#" { "a" : "x\"}," , "b":[1, {"c":"]"}] ,"d":-1.5e3,"e":{} } "#);
        let expected = [
            ("a", r#""x\"},""#),
            ("b", r#"[1, {"c":"]"}]"#),
            ("d", "-1.5e3"),
            ("e", "{}"),
        ];
        assert_eq!(found.as_deref(), Some(&expected[..]));
        assert_eq!(elements("[ ]"), Some(Vec::new()));
        assert_eq!(members("{}"), Some(Vec::new()));
        for broken in [
            "",
            "{",
            "{}x",
            "{1:2}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a":1 2}"#,
            "[]",
            r#"{"a":"x"#,
        ] {
            assert_eq!(members(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_document_that_comes_again_means_the_same() {
        let mut simulator = Simulator::of(None);
        let once = simulator.answer(LINE);
        assert_eq!(once, simulate_line_of(None, LINE));
        assert!(once.contains(r#""decision":"deny""#), "{once}");
        assert_eq!(simulator.answer(LINE), once);
        let documents: usize = simulator.known.values().map(HashMap::len).sum();
        assert_eq!(documents, 2);
        let twice = LINE.replacen(r#""name":"q""#, r#""name":"q","name":"q""#, 1);
        assert!(simulator.answer(&twice).contains("written twice"));
        let null = LINE.replacen(r#""scps":[[]]"#, r#""scps":null"#, 1);
        assert!(simulator.answer(&null).contains(r#""decision":"allow""#));
    }

    proptest! {
        #[test]
        fn a_broken_line_is_answered_as_any_other(cut in 0_usize..400, with in "[{}\\[\\]\",:a*0]{0,3}") {
            let cut = cut.min(LINE.len());
            let broken = format!("{}{with}{}", &LINE[..cut], &LINE[cut..]);
            for line in [&broken, &LINE[..cut].to_owned()] {
                prop_assert_eq!(Simulator::of(None).answer(line), simulate_line_of(None, line));
            }
        }
    }

    /// Whatever is as it should be is answered without [`simulate_line_of`], and as by it.
    #[test]
    fn a_line_that_is_as_it_should_be_is_answered_quickly() {
        let request = r#"{"principal":"arn:aws:iam::111111111111:role/a","action":"sns:Publish","resource":"arn:aws:sns:eu-west-1:111111111111:t"}"#;
        let allow = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sns:*","Resource":"*"}}"#;
        let deny = allow.replace("Allow", "Deny");
        let anyone = allow.replace(
            r#""Action":"sns:*""#,
            r#""Principal":"*","Action":"sns:Publish""#,
        );
        for (field, one, other) in [
            (
                "identityPolicies",
                format!("[{allow}]"),
                format!("[{allow},{deny}]"),
            ),
            (
                "resourcePolicy",
                anyone.clone(),
                anyone.replace("Allow", "Deny"),
            ),
            ("boundary", allow.to_owned(), deny.clone()),
            ("sessionPolicy", allow.to_owned(), deny.clone()),
            (
                "scps",
                format!("[[{allow}]]"),
                format!("[[{allow}],[{deny}]]"),
            ),
            (
                "rcps",
                format!("[[{}]]", anyone.replace("Allow", "Deny")),
                "[]".to_owned(),
            ),
            (
                "vpcEndpointPolicy",
                anyone.clone(),
                anyone.replace("Allow", "Deny"),
            ),
        ] {
            for value in [one, other] {
                let line = format!(r#"{{"name":"q","request":{request},"{field}":{value}}}"#);
                let found = Simulator::of(None).quick(&line);
                assert_eq!(found, Some(simulate_line_of(None, &line)), "{line}");
            }
        }
    }

    #[test]
    fn documents_are_forgotten_when_they_are_too_many_bytes() {
        let documents = |it: &Simulator| it.known.values().map(HashMap::len).sum::<usize>();
        let mut simulator = Simulator::of(None);
        simulator.answer(LINE);
        let read = simulator.bytes;
        assert_eq!(documents(&simulator), 2);
        for (before, kept) in [(MOST_BYTES - read, 2), (MOST_BYTES - read + 1, 0)] {
            let mut simulator = Simulator::of(None);
            simulator.bytes = before;
            let answer = simulator.answer(LINE);
            assert_eq!(documents(&simulator), kept);
            assert_eq!(answer, simulate_line_of(None, LINE));
        }
    }
}
