//! What mutation does to a text: bytes, words, lines and whole pieces of other texts.

/// A generator that gives the same numbers on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`; nothing but 0 is below 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(1);
        usize::try_from((self.next() >> 11) % end).unwrap_or(0)
    }

    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Words that mean something to one of the readers.
const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1e999",
    "18446744073709551616",
    "0x",
    "\\u0000",
    "\\ud800",
    "\\\"",
    "\\/",
    "\u{feff}",
    "\u{e9}",
    "\u{416}",
    "\u{1f600}",
    "\0",
    "\r\n",
    "\t",
    " ",
    "",
    "\"Version\":\"2012-10-17\"",
    "\"2008-10-17\"",
    "\"Statement\":[",
    "\"Statement\":{",
    "\"Sid\":\"\"",
    "\"Id\":\"x\"",
    "\"Effect\":\"Allow\"",
    "\"Effect\":\"Deny\"",
    "\"Principal\":\"*\"",
    "\"Principal\":{\"AWS\":\"*\"}",
    "\"NotPrincipal\":{\"AWS\":\"111111111111\"}",
    "\"Principal\":{\"Service\":[\"sns.amazonaws.com\"]}",
    "\"Principal\":{\"Federated\":\"x\"}",
    "\"Principal\":{\"CanonicalUser\":\"x\"}",
    "\"AIDAEXAMPLEEXAMPLE12\"",
    "\"Action\":\"*\"",
    "\"NotAction\":[]",
    "\"Action\":[\"sns:Pub*\",\"SQS:?end*\"]",
    "\"Resource\":\"*\"",
    "\"NotResource\":\"arn:*:*:*:*:*\"",
    "\"Resource\":\"execute-api:/*\"",
    "\"Condition\":{",
    "\"StringLike\":{\"aws:PrincipalArn\":\"arn:aws:iam::*:role/*\"}",
    "\"ForAllValues:StringEquals\":{",
    "\"ForAnyValue:StringNotLikeIfExists\":{",
    "\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/33\"}",
    "\"NotIpAddress\":{\"aws:SourceIp\":\"::/0\"}",
    "\"DateLessThan\":{\"aws:CurrentTime\":\"2020-01-01T00:00:00Z\"}",
    "\"NumericLessThanEquals\":{\"aws:MultiFactorAuthAge\":\"1e9\"}",
    "\"Null\":{\"aws:SourceVpce\":\"true\"}",
    "\"Bool\":{\"aws:SecureTransport\":false}",
    "\"BinaryEquals\":{\"k\":\"QQ==\"}",
    "\"ArnLike\":{\"aws:SourceArn\":\"arn:aws:sns:*\"}",
    "${aws:username}",
    "${aws:PrincipalTag/team, 'x'}",
    "${*}",
    "${?}",
    "${$}",
    "${",
    "*",
    "?",
    "**",
    "*?*?*?*",
    "arn:aws:iam::111111111111:role/a",
    "arn:aws:iam::111111111111:root",
    "arn:aws:sts::111111111111:assumed-role/a/b",
    "arn:aws:sns:eu-west-1:111111111111:t",
    "arn:aws-cn:sqs:cn-north-1:111111111111:q",
    "arn:aws:execute-api:eu-west-1:111111111111:abcdefghij/live/GET/*",
    "111111111111",
    "\"authorization\":\"NONE\"",
    "\"context\":{\"aws:SourceIp\":[]}",
    "{\"type\":\"Anonymous\"}",
    "\"identityPolicies\":[",
    "\"resourcePolicy\":{",
    "\"scps\":[[",
    "\"boundary\":{",
    "\"sessionPolicy\":{",
    "\"rcps\":[",
    "\"old\":{",
    "\"new\":{",
    "\"request\":{",
    "\"principal\":",
    "\"resourceAccount\":\"111111111111\"",
    "[stack]\n",
    "name = \"x\"\n",
    "region = \"eu-west-1\"\n",
    "[accounts.a]\n",
    "id = \"111111111111\"\n",
    "[roles.a]\n",
    "[apis.a]\n",
    "[apis.a.routes]\n",
    "\"GET /a/{b}\" = { mock = 200 }\n",
    "\"ANY /{all+}\" = { http = \"https://e.example/{all}\" }\n",
    "[topics.a]\n",
    "[queues.a]\n",
    "[[access]]\n",
    "from = \"roles.a\"\n",
    "to = \"topics.a\"\n",
    "to = \"apis.a\"\n",
    "allow = [\"GET /*\"]\n",
    "via = \"assume-role\"\n",
    "via = \"resource-policy\"\n",
    "existing = \"\"\n",
    "exclusive = true\n",
    "fifo = true\n",
    "trusted_by = \"lambda.amazonaws.com\"\n",
    "trusted_by = { account = \"a\", role_prefix = \"x\" }\n",
    "trusted_by = { oidc = \"h/p\", subjects = [\"*\"] }\n",
    "subscribe = [{ topic = \"a\", filter = { a = [\"b\"] } }]\n",
    "policies.p = { Statement = [{ Effect = \"Allow\", Action = \"*\", Resource = \"*\" }] }\n",
    "policies.p = \"policy.json\"\n",
    "openapi = \"api.yaml\"\n",
    "endpoint = \"private\"\n",
    "vpc_endpoints = [\"vpce-0123456789abcdef0\"]\n",
    "{ vpc_endpoint = \"vpce-0123456789abcdef0\" }",
    "9223372036854775808",
    "nan",
    "inf",
    "1979-05-27T07:32:00Z",
    "\"\"\"",
    "'''",
    "# c\n",
    ".",
    "=",
    "a.b.c = 1\n",
    "dead_letter = \"a\"\n",
    "encryption = { kms = \"alias/aws/sqs\" }\n",
    "openapi: 3.0.1\n",
    "swagger: '2.0'\n",
    "paths:\n",
    "  /a/{b}:\n",
    "    get:\n",
    "      security: [{sigv4: []}]\n",
    "      x-amazon-apigateway-auth: {type: NONE}\n",
    "      x-amazon-apigateway-integration: {type: mock}\n",
    "x-amazon-apigateway-policy:\n",
    "x-amazon-apigateway-any-method:\n",
    "components:\n  securitySchemes:\n",
    "&a ",
    "*a",
    "!!binary ",
    "? ",
    "- ",
    "| \n",
    "<<: *a\n",
    "$ref: '#/components/x'\n",
    "---\n",
];

/// The longest text that mutation makes: policies and stacks are small.
const LONGEST: usize = 16 * 1024;

/// A text made of `text`, with pieces of the others.
pub(crate) fn mutate(text: &[u8], others: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=random.below(4) {
        once(&mut text, others, random);
    }
    text.truncate(LONGEST);
    text
}

fn once(text: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    let at = random.below(text.len() + 1);
    let to = (at + random.below(40)).min(text.len());
    match random.below(12) {
        // A bit of a byte.
        0 if !text.is_empty() => {
            let at = at.min(text.len() - 1);
            text[at] ^= 1 << random.below(8);
        }
        1 => drop(text.drain(at..to)),
        2 => {
            let piece = text[at..to].to_vec();
            put(text, at, &piece);
        }
        3..=5 => put(text, at, random.one(WORDS).as_bytes()),
        // A word in the place of a word.
        6 | 7 => {
            let (start, end) = word_at(text, at);
            text.splice(start..end, random.one(WORDS).bytes());
        }
        // A piece of another text, in the place of one of this.
        8 | 9 => {
            let other = random.one(others);
            let from = random.below(other.len() + 1);
            let end = (from + random.below(200)).min(other.len());
            let piece = other[from..end].to_vec();
            text.splice(at..to, piece);
        }
        // A line, elsewhere again or not at all.
        10 => {
            let lines: Vec<Vec<u8>> = text
                .split_inclusive(|it| *it == b'\n')
                .map(<[u8]>::to_vec)
                .collect();
            if lines.len() > 1 {
                let line = random.one(&lines).clone();
                let mut lines = lines;
                let at = random.below(lines.len());
                if random.below(2) == 0 {
                    lines.remove(at);
                } else {
                    lines.insert(at, line);
                }
                *text = lines.concat();
            }
        }
        // Far too much of it: depth and size.
        _ => {
            let piece = match random.below(4) {
                0 => b"[".to_vec(),
                1 => b"{\"a\":".to_vec(),
                2 => text[at..to].to_vec(),
                _ => random.one(WORDS).as_bytes().to_vec(),
            };
            let times = 1 << random.below(11);
            put(text, at, &piece.repeat(times));
            text.truncate(LONGEST);
        }
    }
}

fn put(text: &mut Vec<u8>, at: usize, piece: &[u8]) {
    text.splice(at..at, piece.iter().copied());
}

/// The word at a place: what stands between quotes, brackets, commas and spaces.
fn word_at(text: &[u8], at: usize) -> (usize, usize) {
    let ends = |it: &u8| b" \t\r\n,:[]{}\"'=".contains(it);
    let start = text[..at].iter().rposition(ends).map_or(0, |it| it + 1);
    let end = text[at..]
        .iter()
        .position(ends)
        .map_or(text.len(), |it| at + it);
    (start, end)
}
