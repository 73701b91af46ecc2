//! Routes: a method and a path, and what an `allow` reaches.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html>
//! for what a path may hold.

use std::collections::BTreeMap;

use super::RouteKey;
use super::checker::Checker;
use super::diagnostic::{Code, Diagnostic, Span, nearest};
use super::syntax::Spanned;

/// Methods a route may have.
pub(super) const METHODS: [&str; 8] = [
    "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "ANY",
];

/// A part of a path, as API Gateway matches it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment<'a> {
    Word(&'a str),
    /// `{name}`: one segment.
    Parameter(&'a str),
    /// `{name+}`: this segment and all that follow.
    Greedy(&'a str),
}

fn segment(text: &str) -> Segment<'_> {
    match text.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
        Some(name) => match name.strip_suffix('+') {
            Some(name) => Segment::Greedy(name),
            None => Segment::Parameter(name),
        },
        None => Segment::Word(text),
    }
}

fn segments(path: &str) -> impl Iterator<Item = Segment<'_>> {
    path.split('/').filter(|it| !it.is_empty()).map(segment)
}

/// The names of a path's parameters.
pub(super) fn parameters(path: &str) -> Vec<&str> {
    segments(path)
        .filter_map(|it| match it {
            Segment::Word(_) => None,
            Segment::Parameter(name) | Segment::Greedy(name) => Some(name),
        })
        .collect()
}

/// What is wrong with a route's text.
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: Option<String>,
    pub(super) meant: Option<String>,
}

impl Wrong {
    fn new(message: String, label: impl Into<String>) -> Self {
        Self {
            message,
            label: label.into(),
            help: None,
            meant: None,
        }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn meant(mut self, meant: String) -> Self {
        self.meant = Some(meant);
        self
    }

    pub(super) fn at(self, span: Span) -> Diagnostic {
        let mut fault = Diagnostic::new(Code::Route, span, self.message, self.label);
        if let Some(meant) = self.meant {
            fault = fault.fix("write it so", span, format!("\"{meant}\""));
        } else if let Some(help) = self.help {
            fault = fault.help(help);
        }
        fault
    }
}

/// A route as it is served: `GET /orders/{id}`.
pub(super) fn route(text: &str) -> Result<RouteKey, Wrong> {
    let (method, path) = split(text, &METHODS)?;
    check_path(text, path)?;
    Ok(RouteKey {
        method: method.to_owned(),
        path: path.to_owned(),
    })
}

impl RouteKey {
    /// The pattern that every route fits: an author's `"*"`.
    #[must_use]
    pub fn all() -> Self {
        Self {
            method: "*".to_owned(),
            path: "/*".to_owned(),
        }
    }

    /// The pattern in a text, as `allow` of an access has it.
    #[must_use]
    pub fn pattern(text: &str) -> Option<Self> {
        pattern(text).ok()
    }
}

/// A route as an `allow` has it: the method may be `*`, the path may hold `*`.
pub(super) fn pattern(text: &str) -> Result<RouteKey, Wrong> {
    if text == "*" {
        return Ok(RouteKey::all());
    }
    let mut methods = METHODS.to_vec();
    methods.push("*");
    let (method, path) = split(text, &methods)?;
    check_pattern(text, path)?;
    Ok(RouteKey {
        // A permission names the method of the request, and no request's is `ANY`.
        method: if method == "ANY" { "*" } else { method }.to_owned(),
        path: path.to_owned(),
    })
}

fn split<'a>(text: &'a str, methods: &[&str]) -> Result<(&'a str, &'a str), Wrong> {
    let refused = || format!("`{text}` is not a route");
    let Some((method, path)) = text.split_once(' ') else {
        let wrong = Wrong::new(refused(), "not a method and a path");
        return Err(if text.starts_with('/') {
            wrong.meant(format!("ANY {text}"))
        } else {
            wrong.help("write it as `GET /orders/{id}`")
        });
    };
    if path.trim() != path {
        return Err(
            Wrong::new(refused(), "one space between method and path, none after")
                .meant(format!("{method} {}", path.trim())),
        );
    }
    if !methods.contains(&method) {
        let wrong = Wrong::new(
            format!("`{text}` has no method that API Gateway serves"),
            format!("`{method}` is no method"),
        );
        return Err(match nearest(method, methods.iter().copied()) {
            Some(meant) => wrong.meant(format!("{meant} {path}")),
            None => wrong.help(format!("methods are {}", methods.join(", "))),
        });
    }
    if !path.starts_with('/') {
        return Err(Wrong::new(refused(), "the path does not begin with `/`")
            .meant(format!("{method} /{path}")));
    }
    Ok((method, path))
}

fn check_path(text: &str, path: &str) -> Result<(), Wrong> {
    let refused = || format!("`{text}` is a route that cannot exist");
    if path == "/" {
        return Ok(());
    }
    if let Some(name @ ("ping" | "sping")) = path[1..].split('/').next() {
        return Err(Wrong::new(
            refused(),
            format!("API Gateway keeps `/{name}` for its own health checks"),
        )
        .help("choose another path, such as `/health`"));
    }
    let mut seen: Vec<&str> = Vec::new();
    let count = path[1..].split('/').count();
    for (index, part) in path[1..].split('/').enumerate() {
        if part.is_empty() {
            let method = text.split(' ').next().unwrap_or_default();
            let parts: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
            return Err(Wrong::new(refused(), "has an empty segment")
                .meant(format!("{method} /{}", parts.join("/"))));
        }
        let (name, greedy) = match segment(part) {
            Segment::Word(word) => {
                check_word(text, word)?;
                continue;
            }
            Segment::Parameter(name) => (name, false),
            Segment::Greedy(name) => (name, true),
        };
        if name.is_empty()
            || !name
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || "._-".contains(it))
        {
            return Err(
                Wrong::new(refused(), format!("`{part}` does not name a parameter"))
                    .help("a parameter is `{name}`, of letters, digits and `._-`"),
            );
        }
        if greedy && index + 1 != count {
            return Err(
                Wrong::new(refused(), format!("`{part}` takes all that follows"))
                    .help(format!("`{part}` stands last; one segment is `{{{name}}}`")),
            );
        }
        if seen.contains(&name) {
            return Err(Wrong::new(refused(), format!("has `{{{name}}}` twice"))
                .help("give each parameter of a path its own name"));
        }
        seen.push(name);
    }
    Ok(())
}

fn check_word(text: &str, word: &str) -> Result<(), Wrong> {
    let refused = format!("`{text}` is a route that cannot exist");
    if word.contains(['{', '}']) {
        let wrong = Wrong::new(
            refused,
            format!("in `{word}` a parameter is not a whole segment"),
        );
        return Err(wrong.help("a parameter is all that stands between two `/`: `/orders/{id}`"));
    }
    if word.starts_with(':') {
        let name = word.trim_start_matches(':');
        return Err(Wrong::new(
            refused,
            format!("`{word}` is not how a parameter is written"),
        )
        .help(format!("write `{{{name}}}`")));
    }
    if word.contains('*') {
        return Err(Wrong::new(refused, "has a `*`")
            .help("a route for every path below is written `{proxy+}`, for every method `ANY`"));
    }
    match word
        .chars()
        .find(|it| !it.is_ascii_alphanumeric() && !"_-.,:".contains(*it))
    {
        Some(bad) => Err(
            Wrong::new(refused, format!("`{bad}` cannot stand in a path"))
                .help("a path's segments have letters, digits and `_-.,:`"),
        ),
        None => Ok(()),
    }
}

fn check_pattern(text: &str, path: &str) -> Result<(), Wrong> {
    let refused = format!("`{text}` is not a route");
    match path
        .chars()
        .find(|it| !it.is_ascii_alphanumeric() && !"/_-.,:~*{}+".contains(*it))
    {
        Some(bad) => Err(
            Wrong::new(refused, format!("`{bad}` cannot stand in a path"))
                .help("write a path of the API, where `*` stands for anything: `GET /orders/*`"),
        ),
        None => Ok(()),
    }
}

/// Reports routes of one API that API Gateway would not keep side by side.
pub(super) fn check_siblings(checker: &mut Checker<'_>, owner: &str, routes: &[Spanned<RouteKey>]) {
    // Below each path, the parameter that stands there.
    let mut parameters: BTreeMap<String, (String, Span)> = BTreeMap::new();
    let mut methods: BTreeMap<&RouteKey, Span> = BTreeMap::new();
    for route in routes {
        if let Some(first) = methods.insert(&route.value, route.span) {
            checker.report(
                Diagnostic::new(
                    Code::Duplicate,
                    route.span,
                    format!("{owner} has the route `{}` twice", route.value),
                    "again here",
                )
                .and(first, "first here")
                .help("remove one of them"),
            );
        }
        let mut above = String::new();
        for part in route.value.path.split('/').filter(|it| !it.is_empty()) {
            if !matches!(segment(part), Segment::Word(_)) {
                match parameters.get(&above) {
                    Some((first, span)) if first != part => {
                        checker.report(
                            Diagnostic::new(
                                Code::Route,
                                route.span,
                                format!("{owner} has two names for the parameter after `{above}/`"),
                                format!("`{part}` here"),
                            )
                            .and(*span, format!("`{first}` here"))
                            .help(
                                "API Gateway keeps one parameter at a place: give both the same name",
                            ),
                        );
                        break;
                    }
                    Some(_) => {}
                    None => {
                        parameters.insert(above.clone(), (part.to_owned(), route.span));
                    }
                }
            }
            above.push('/');
            above.push_str(part);
        }
    }
}

/// Whether some request is both within a pattern and answered by a route.
pub(super) fn reaches(pattern: &RouteKey, route: &RouteKey) -> bool {
    let method = pattern.method == "*" || route.method == "ANY" || pattern.method == route.method;
    method && meet(&steps(&pattern.path, true), &steps(&route.path, false))
}

/// Whether everything that a pattern means lies within another: `GET /orders/7` within
/// `GET /orders/{id}`, and both within `GET /orders/*`.
pub(super) fn covers(outer: &RouteKey, inner: &RouteKey) -> bool {
    let every = |it: &RouteKey| matches!(it.method.as_str(), "*" | "ANY");
    (every(outer) || outer.method == inner.method)
        && takes_all(&tokens(&outer.path), &tokens(&inner.path))
}

/// A part of a pattern's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Is(char),
    /// A parameter: one segment.
    Segment,
    /// `*`, or a greedy parameter: any text.
    Any,
}

fn tokens(path: &str) -> Vec<Token> {
    let mut found = Vec::new();
    for (index, part) in path.split('/').enumerate() {
        if index > 0 {
            found.push(Token::Is('/'));
        }
        match segment(part) {
            Segment::Word(word) => found.extend(word.chars().map(|it| match it {
                '*' => Token::Any,
                other => Token::Is(other),
            })),
            Segment::Parameter(_) => found.push(Token::Segment),
            Segment::Greedy(_) => found.push(Token::Any),
        }
    }
    found
}

fn takes_all(outer: &[Token], inner: &[Token]) -> bool {
    // Row by row: how far into `inner` the first tokens of `outer` can reach.
    let mut reach = vec![false; inner.len() + 1];
    reach[0] = true;
    for token in outer {
        let mut next = vec![false; inner.len() + 1];
        for at in 0..=inner.len() {
            let before = at.checked_sub(1);
            let last = before.map(|it| inner[it]);
            next[at] = match token {
                Token::Is(_) => before.is_some_and(|it| reach[it]) && last == Some(*token),
                Token::Segment => {
                    let inside = match last {
                        Some(Token::Is(it)) => it != '/',
                        Some(Token::Segment) => true,
                        Some(Token::Any) | None => false,
                    };
                    inside && before.is_some_and(|it| reach[it] || next[it])
                }
                Token::Any => reach[at] || before.is_some_and(|it| next[it]),
            };
        }
        reach = next;
    }
    reach[inner.len()]
}

/// What a path takes, one step at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Letter(char),
    /// One character that is not `/`.
    Part,
    /// One character.
    Any,
    /// Any number of the step before's kind.
    Parts,
    Anything,
}

fn steps(path: &str, wild: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    if path == "/" {
        return vec![Step::Letter('/')];
    }
    for part in path.split('/').skip(1) {
        steps.push(Step::Letter('/'));
        match segment(part) {
            Segment::Word(word) => steps.extend(word.chars().map(|it| match it {
                '*' if wild => Step::Anything,
                it => Step::Letter(it),
            })),
            Segment::Parameter(_) => steps.extend([Step::Part, Step::Parts]),
            Segment::Greedy(_) => steps.extend([Step::Any, Step::Anything]),
        }
    }
    steps
}

/// Whether some text takes all steps of both.
fn meet(left: &[Step], right: &[Step]) -> bool {
    let takes = |one: Step, other: Step| match (one, other) {
        (Step::Letter(a), Step::Letter(b)) => a == b,
        (Step::Letter('/'), Step::Part | Step::Parts)
        | (Step::Part | Step::Parts, Step::Letter('/')) => false,
        _ => true,
    };
    let repeats = |it: Step| matches!(it, Step::Parts | Step::Anything);
    // `open[j]` says that the steps of `left` so far and the first `j` of `right` can be taken together.
    let mut open = vec![false; right.len() + 1];
    open[0] = true;
    for index in 0..=left.len() {
        let mut next = vec![false; right.len() + 1];
        for at in 0..=right.len() {
            if !open[at] {
                continue;
            }
            let (l, r) = (left.get(index).copied(), right.get(at).copied());
            if let Some(r) = r {
                // A repeating step may take nothing, and so may be left behind.
                if repeats(r) || l.is_some_and(|l| repeats(l) && takes(l, r)) {
                    open[at + 1] = true;
                }
            }
            if let Some(l) = l {
                if repeats(l) || r.is_some_and(|r| repeats(r) && takes(l, r)) {
                    next[at] = true;
                }
                if let Some(r) = r
                    && !repeats(l)
                    && !repeats(r)
                    && takes(l, r)
                {
                    next[at + 1] = true;
                }
            }
        }
        if index == left.len() {
            break;
        }
        open = next;
    }
    open[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(allow: &str, served: &str) -> bool {
        let (Ok(pattern), Ok(route)) = (pattern(allow), route(served)) else {
            panic!("{allow} and {served} are routes");
        };
        reaches(&pattern, &route)
    }

    #[test]
    fn a_pattern_lies_within_another_when_all_it_means_does() {
        let covers = |outer: &str, inner: &str| {
            let read = |it: &str| match pattern(it) {
                Ok(key) => key,
                Err(wrong) => panic!("{it}: {}", wrong.message),
            };
            super::covers(&read(outer), &read(inner))
        };
        for (outer, inner) in [
            ("GET /orders/{id}", "GET /orders/{id}"),
            ("GET /orders/{id}", "GET /orders/{number}"),
            ("GET /orders/{id}", "GET /orders/7"),
            ("GET /orders/*", "GET /orders/{id}"),
            ("GET /orders/*", "GET /orders/{id}/items"),
            ("GET /orders/*", "GET /orders/a*"),
            ("GET /*/items", "GET /orders/{id}/items"),
            ("* /orders", "POST /orders"),
            ("*", "DELETE /a/b"),
            ("GET /files/{rest+}", "GET /files/a/b"),
        ] {
            assert!(covers(outer, inner), "{inner} lies within {outer}");
        }
        for (outer, inner) in [
            ("GET /orders/{id}", "GET /orders/*"),
            ("GET /orders/{id}", "GET /orders/{id}/items"),
            ("GET /orders/{id}", "POST /orders/{id}"),
            ("GET /orders/{id}", "* /orders/{id}"),
            ("GET /orders/{id}", "GET /orders/"),
            ("GET /orders/7", "GET /orders/{id}"),
            ("GET /orders/a*", "GET /orders/*"),
            ("GET /orders", "GET /orders/7"),
        ] {
            assert!(!covers(outer, inner), "{inner} is more than {outer}");
        }
    }

    #[test]
    fn an_allow_reaches_the_routes_it_means() {
        for (allow, served) in [
            ("GET /orders/{id}", "GET /orders/{id}"),
            ("GET /orders/*", "GET /orders/{id}"),
            ("GET /orders/*", "GET /orders/{id}/lines"),
            ("GET /orders/17", "GET /orders/{id}"),
            ("* /orders", "POST /orders"),
            ("ANY /orders", "POST /orders"),
            ("GET /orders", "ANY /orders"),
            ("*", "DELETE /"),
            ("GET /*", "GET /"),
            ("GET /a/b/c", "GET /{proxy+}"),
            ("GET /a/*/c", "GET /a/{x}/c"),
            ("GET /a*c", "GET /{proxy+}"),
        ] {
            assert!(reach(allow, served), "{allow} should reach {served}");
        }
    }

    #[test]
    fn an_allow_reaches_no_other_routes() {
        for (allow, served) in [
            ("GET /orders/*", "GET /orders"),
            ("GET /orders/*", "POST /orders/{id}"),
            ("GET /orders/1/2", "GET /orders/{id}"),
            ("GET /order", "GET /orders"),
            ("GET /orders/{id}", "GET /orders"),
            ("GET /", "GET /{proxy+}"),
        ] {
            assert!(!reach(allow, served), "{allow} should not reach {served}");
        }
    }

    #[test]
    fn routes_that_cannot_exist_are_refused() {
        for text in [
            "GET",
            "get /",
            "GET  /orders",
            "GET /orders/",
            "GET //orders",
            "GET orders",
            "TRACE /",
            "GET /ping",
            "GET /sping/x",
            "GET /a{b}",
            "GET /{a}b",
            "GET /{}",
            "GET /{a+}/b",
            "GET /{a}/{a}",
            "GET /:id",
            "GET /a/*",
            "GET /a b",
            "GET /a?b",
            "* /a",
        ] {
            assert!(route(text).is_err(), "{text}");
        }
        for text in ["GET /", "ANY /{proxy+}", "POST /a/{b}/c-d_e.f"] {
            assert!(route(text).is_ok(), "{text}");
        }
    }
}
