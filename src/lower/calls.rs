//! Calls of an API: which route serves a path, and whether some path is in these patterns and out of those.
//!
//! In a policy `*` is any text, slashes included; a route's `{id}` is one segment, and its
//! `{rest+}` one or more. So what a statement lets through is found by searching for a text, letter by
//! letter, in all patterns at once; the text that is found is a call that anyone can try.
//!
//! A path is served by the route that is exacter, segment by segment: a plain word before
//! `{id}` before `{rest+}`; then by the method's own name before `ANY`.

use std::collections::{HashMap, VecDeque};

use crate::policy::patterns::resource_texts;
use crate::stack::RouteKey;

/// The methods a call may have.
pub const VERBS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// A set of texts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Texts {
    tokens: Vec<Token>,
    /// Where a text may begin.
    start: Spots,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Token {
    One(Class),
    Many(Class),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Class {
    Only(char),
    NoSlash,
    Any,
}

impl Class {
    fn has(self, letter: char) -> bool {
        match self {
            Self::Only(only) => only == letter,
            Self::NoSlash => letter != '/',
            Self::Any => true,
        }
    }
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with('}')
}

fn is_greedy(segment: &str) -> bool {
    is_parameter(segment) && segment.ends_with("+}")
}

impl Texts {
    /// What an IAM pattern matches: `*` is any text, `?` any letter.
    #[must_use]
    pub fn pattern(text: &str) -> Self {
        let token = |it| match it {
            '*' => Token::Many(Class::Any),
            '?' => Token::One(Class::Any),
            other => Token::One(Class::Only(other)),
        };
        Self::of(text.chars().map(token).collect())
    }

    /// This text alone.
    #[must_use]
    pub fn exactly(text: &str) -> Self {
        Self::of(text.chars().map(|it| Token::One(Class::Only(it))).collect())
    }

    fn of(tokens: Vec<Token>) -> Self {
        let mut texts = Self {
            start: Spots::none(tokens.len()),
            tokens,
        };
        let mut start = Spots::none(texts.tokens.len());
        texts.settle(0, &mut start);
        texts.start = start;
        texts
    }

    /// Returns the texts that a `Resource` element of a policy may stand for.
    pub fn resource(element: &str) -> impl Iterator<Item = Self> {
        let texts = resource_texts(element).into_iter();
        texts.map(|it| Self::pattern(&it))
    }

    /// What may follow this beginning; nothing where no text begins so.
    #[must_use]
    pub fn past(mut self, beginning: &str) -> Option<Self> {
        for letter in beginning.chars() {
            self.start = self.step(&self.start, letter);
        }
        (!self.start.is_empty()).then_some(self)
    }

    /// The paths of a route or of an author's pattern, in which `*` is any text.
    #[must_use]
    pub fn path(path: &str) -> Self {
        let mut tokens = Vec::new();
        for (index, segment) in path.split('/').enumerate() {
            if index > 0 {
                tokens.push(Token::One(Class::Only('/')));
            }
            if is_parameter(segment) {
                let rest = if is_greedy(segment) {
                    Class::Any
                } else {
                    Class::NoSlash
                };
                tokens.extend([Token::One(Class::NoSlash), Token::Many(rest)]);
            } else {
                tokens.extend(Self::pattern(&segment.replace('?', "\u{1}")).tokens);
            }
        }
        Self::of(tokens)
    }

    /// The same after this text.
    #[must_use]
    pub fn after(&self, head: &str) -> Self {
        let head = head.chars().map(|it| Token::One(Class::Only(it)));
        Self::of(head.chain(self.tokens.iter().copied()).collect())
    }

    /// What is certain at the beginning of every text.
    fn head(&self) -> impl Iterator<Item = char> {
        let mut starts = self.start.iter();
        let from = match (starts.next(), starts.next()) {
            (Some(at), None) => at,
            _ => self.tokens.len(),
        };
        self.tokens[from..].iter().map_while(|it| match it {
            Token::One(Class::Only(letter)) => Some(*letter),
            _ => None,
        })
    }

    /// Takes a place, and those after runs that may be empty.
    fn settle(&self, at: usize, into: &mut Spots) {
        let mut at = at;
        into.take(at);
        while matches!(self.tokens.get(at), Some(Token::Many(_))) {
            at += 1;
            into.take(at);
        }
    }

    fn step(&self, from: &Spots, letter: char) -> Spots {
        let mut found = Spots::none(self.tokens.len());
        for at in from.iter() {
            match self.tokens.get(at) {
                Some(Token::One(class)) if class.has(letter) => self.settle(at + 1, &mut found),
                Some(Token::Many(class)) if class.has(letter) => self.settle(at, &mut found),
                _ => {}
            }
        }
        found
    }

    fn letters<'a>(&'a self, at: &'a Spots) -> impl Iterator<Item = char> + 'a {
        at.iter().filter_map(|it| match self.tokens.get(it) {
            Some(Token::One(Class::Only(letter))) => Some(*letter),
            _ => None,
        })
    }
}

/// The places of a pattern that a text may have come to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Spots(Vec<u64>);

impl Spots {
    fn none(length: usize) -> Self {
        Self(vec![0; length / 64 + 1])
    }

    fn take(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn has(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|it| *it == 0)
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(word, bits)| {
            let mut bits = *bits;
            std::iter::from_fn(move || {
                if bits == 0 {
                    return None;
                }
                let at = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                Some(word * 64 + at)
            })
        })
    }
}

/// Letters that stand for all that no pattern names; a path may have any of them.
const OTHERS: [char; 12] = ['7', 'x', '9', 'q', 'j', 'z', 'k', 'w', 'v', '3', '~', '_'];

/// A text that is in all of `within` and in none of `without`, one of the shortest.
#[must_use]
pub fn some_text(within: &[&Texts], without: &[&Texts]) -> Option<String> {
    let heads: Vec<Vec<char>> = within.iter().map(|it| it.head().collect()).collect();
    let apart = |a: &Vec<char>, b: &Vec<char>| a.iter().zip(b).any(|(a, b)| a != b);
    if heads
        .iter()
        .enumerate()
        .any(|(at, a)| heads[..at].iter().any(|b| apart(a, b)))
    {
        return None;
    }
    let all: Vec<&Texts> = within.iter().chain(without).copied().collect();
    let named = |letter: char| {
        all.iter().any(|it| {
            it.tokens
                .iter()
                .any(|token| matches!(token, Token::One(Class::Only(only)) if *only == letter))
        })
    };
    let other = OTHERS.into_iter().find(|it| !named(*it)).unwrap_or('\u{1}');
    let start: Vec<Spots> = all.iter().map(|it| it.start.clone()).collect();
    // Where each state was come from, and by which letter.
    let mut seen: HashMap<Vec<Spots>, usize> = HashMap::from([(start.clone(), 0)]);
    let mut trail: Vec<(usize, char)> = vec![(0, ' ')];
    let mut open = VecDeque::from([start]);
    let mut order = VecDeque::from([0_usize]);
    while let (Some(state), Some(number)) = (open.pop_front(), order.pop_front()) {
        let ends = |(texts, at): (&&Texts, &Spots)| at.has(texts.tokens.len());
        let (ins, outs) = state.split_at(within.len());
        if within.iter().zip(ins).all(ends) && !without.iter().zip(outs).any(ends) {
            let mut text = Vec::new();
            let mut at = number;
            while at != 0 {
                text.push(trail[at].1);
                at = trail[at].0;
            }
            return Some(text.into_iter().rev().collect());
        }
        let mut letters: Vec<char> = vec![other, '/'];
        for (texts, at) in all.iter().zip(&state) {
            letters.extend(texts.letters(at));
        }
        letters.sort_unstable();
        letters.dedup();
        for letter in letters {
            let next: Vec<Spots> = all
                .iter()
                .zip(&state)
                .map(|(it, at)| it.step(at, letter))
                .collect();
            if next[..within.len()].iter().any(Spots::is_empty) || seen.contains_key(&next) {
                continue;
            }
            seen.insert(next.clone(), trail.len());
            order.push_back(trail.len());
            trail.push((number, letter));
            open.push_back(next);
        }
    }
    None
}

/// A route serving one method, with the paths that it serves.
#[derive(Clone, Debug)]
pub struct Service {
    /// `GET`
    pub verb: &'static str,
    /// The route.
    pub route: RouteKey,
    /// `GET/orders/7`: what it could serve.
    pub own: Texts,
    /// Of these, what exacter routes take away.
    pub exacter: Vec<Texts>,
}

/// What an API serves, method by method.
#[must_use]
pub fn services<'a>(routes: impl IntoIterator<Item = &'a RouteKey>) -> Vec<Service> {
    let routes: Vec<&RouteKey> = routes.into_iter().collect();
    let mut found = Vec::new();
    for route in &routes {
        let rank = exactness(&route.path);
        let exacter: Vec<Texts> = routes
            .iter()
            .filter(|it| exactness(&it.path) < rank)
            .map(|it| Texts::path(&it.path))
            .filter(|it| some_text(&[it, &Texts::path(&route.path)], &[]).is_some())
            .collect();
        for verb in VERBS {
            let named = || {
                routes
                    .iter()
                    .any(|it| it.path == route.path && it.method == verb)
            };
            if route.method == verb || (is_any(route) && !named()) {
                found.push(Service {
                    verb,
                    route: (*route).clone(),
                    own: Texts::path(&route.path).after(verb),
                    exacter: exacter.iter().map(|it| it.after(verb)).collect(),
                });
            }
        }
    }
    found
}

fn is_any(route: &RouteKey) -> bool {
    matches!(route.method.as_str(), "ANY" | "*")
}

/// By segment: 0 for a plain word, 1 for a parameter, 2 for a greedy one. The smaller is served first.
fn exactness(path: &str) -> Vec<u8> {
    path.split('/')
        .map(|it| u8::from(is_parameter(it)) + u8::from(is_greedy(it)))
        .collect()
}

/// A path with `*` for every parameter.
fn shape(path: &str) -> String {
    let star = |it| if is_parameter(it) { "*" } else { it };
    path.split('/').map(star).collect::<Vec<_>>().join("/")
}

impl Service {
    /// A call that it serves, among these and not among those: `GET/orders/7`.
    #[must_use]
    pub fn call(&self, within: &[&Texts], without: &[&Texts]) -> Option<String> {
        let within: Vec<&Texts> = std::iter::once(&self.own)
            .chain(within.iter().copied())
            .collect();
        let without: Vec<&Texts> = self.exacter.iter().chain(without.iter().copied()).collect();
        some_text(&within, &without)
    }
}

/// What the author's patterns mean of an API: of each service, by its place in the list, the calls that are meant.
///
/// A pattern that is written like a route means that route, and not the exacter
/// `/orders/all` beside `/orders/{id}`.
#[must_use]
pub fn meant(patterns: &[RouteKey], services: &[Service]) -> Vec<Vec<Texts>> {
    let mut found = vec![Vec::new(); services.len()];
    for pattern in patterns {
        for verb in VERBS {
            if !is_any(pattern) && pattern.method != verb {
                continue;
            }
            let texts = Texts::path(&pattern.path).after(verb);
            let alike = |it: &Service| {
                it.verb == verb
                    && !pattern.path.contains('*')
                    && exactness(&it.route.path) == exactness(&pattern.path)
                    && shape(&it.route.path) == shape(&pattern.path)
            };
            let written = services.iter().any(alike);
            for (at, service) in services.iter().enumerate() {
                let means = if written {
                    alike(service)
                } else {
                    service.verb == verb && service.call(&[&texts], &[]).is_some()
                };
                if means {
                    found[at].push(texts.clone());
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> RouteKey {
        let (method, path) = text.split_once(' ').expect("a method and a path");
        RouteKey {
            method: method.to_owned(),
            path: path.to_owned(),
        }
    }

    #[test]
    fn a_text_is_found_in_some_patterns_and_out_of_others() {
        let (all, id, exact) = (
            Texts::pattern("/a/*"),
            Texts::path("/a/{id}"),
            Texts::path("/a/b"),
        );
        assert_eq!(some_text(&[&id], &[]).as_deref(), Some("/a/7"));
        assert_eq!(
            some_text(&[&all], &[&id, &Texts::pattern("/a/")]).as_deref(),
            Some("/a//")
        );
        assert_eq!(some_text(&[&exact], &[&id]), None);
        assert_eq!(some_text(&[&id], &[&all]), None);
        assert_eq!(
            some_text(&[&Texts::pattern("/?")], &[&Texts::path("/{x}")]).as_deref(),
            Some("//")
        );
        assert_eq!(
            some_text(&[&Texts::path("/{x+}")], &[&Texts::pattern("/*")]),
            None
        );
    }

    #[test]
    fn the_exacter_route_serves() {
        let routes = ["GET /o/{id}", "GET /o/all", "ANY /o/{id}", "GET /{rest+}"].map(key);
        let services = services(&routes);
        let of = |verb: &str, path: &str| {
            services
                .iter()
                .find(|it| it.verb == verb && it.route.path == path)
                .expect("a service")
        };
        assert_eq!(
            services.len(),
            3 + 6,
            "`ANY` leaves GET to the route that names it"
        );
        let all = Texts::pattern("GET/o/all");
        assert_eq!(of("GET", "/o/{id}").call(&[&all], &[]), None);
        assert_eq!(
            of("GET", "/o/all").call(&[&all], &[]).as_deref(),
            Some("GET/o/all")
        );
        assert_eq!(
            of("GET", "/{rest+}").call(&[], &[]).as_deref(),
            Some("GET/7")
        );
    }

    #[test]
    fn a_pattern_like_a_route_means_that_route_alone() {
        let routes = ["GET /o/{id}", "GET /o/all", "GET /o/{id}/items"].map(key);
        let services = services(&routes);
        let meant = |pattern: &str| -> Vec<usize> {
            meant(&[key(pattern)], &services)
                .iter()
                .map(Vec::len)
                .collect()
        };
        assert_eq!(meant("GET /o/{key}"), [1, 0, 0]);
        assert_eq!(meant("GET /o/*"), [1, 1, 1]);
        assert_eq!(meant("GET /o/17"), [1, 0, 0]);
        assert_eq!(meant("ANY /o/all"), [0, 1, 0]);
        assert_eq!(meant("POST /o/all"), [0, 0, 0]);
    }
}
