//! Patterns of paths, and whether some text is in all of them and none of others.

use std::collections::BTreeSet;

/// A pattern as a sequence of characters and runs of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Token>);

/// One character, or any number of them, of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    One(Class),
    Many(Class),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Only(char),
    NoSlash,
    Any,
}

/// Stands for every character that no pattern names.
const OTHER: char = '\u{1}';

pub(super) fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with('}')
}

pub(super) fn is_greedy(segment: &str) -> bool {
    is_parameter(segment) && segment.ends_with("+}")
}

impl Pattern {
    /// A route's path: `{id}` is a segment, `{rest+}` one or more.
    pub(super) fn route(path: &str) -> Self {
        Self::read(path, false)
    }

    /// The same, in which `*` is any text.
    pub(super) fn glob(path: &str) -> Self {
        Self::read(path, true)
    }

    /// The same after this text.
    pub(super) fn after(&self, text: &str) -> Self {
        let head = text.chars().map(|it| Token::One(Class::Only(it)));
        Self(head.chain(self.0.iter().copied()).collect())
    }

    fn read(path: &str, stars: bool) -> Self {
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
                continue;
            }
            tokens.extend(segment.chars().map(|it| match it {
                '*' if stars => Token::Many(Class::Any),
                other => Token::One(Class::Only(other)),
            }));
        }
        Self(tokens)
    }

    /// A position, and those after runs that may be empty.
    fn settle(&self, at: usize, into: &mut BTreeSet<usize>) {
        let mut at = at;
        while into.insert(at) && matches!(self.0.get(at), Some(Token::Many(_))) {
            at += 1;
        }
    }

    fn start(&self) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        self.settle(0, &mut found);
        found
    }

    fn step(&self, from: &BTreeSet<usize>, letter: char) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for at in from {
            match self.0.get(*at) {
                Some(Token::One(class)) if class.has(letter) => self.settle(at + 1, &mut found),
                Some(Token::Many(class)) if class.has(letter) => self.settle(*at, &mut found),
                _ => {}
            }
        }
        found
    }

    fn ends(&self, at: &BTreeSet<usize>) -> bool {
        at.contains(&self.0.len())
    }

    /// Whether no text is in both, as their plain beginnings or ends tell: most paths of an API
    /// differ there, and need no walk.
    fn clashes(&self, other: &Self) -> bool {
        let plain = |it: &Token| match it {
            Token::One(Class::Only(letter)) => Some(*letter),
            Token::One(_) | Token::Many(_) => None,
        };
        let differ = |pairs: &mut dyn Iterator<Item = (&Token, &Token)>| {
            pairs
                .map_while(|(a, b)| plain(a).zip(plain(b)))
                .any(|(a, b)| a != b)
        };
        differ(&mut self.0.iter().zip(&other.0))
            || differ(&mut self.0.iter().rev().zip(other.0.iter().rev()))
    }

    fn letters(&self) -> impl Iterator<Item = char> {
        self.0.iter().filter_map(|it| match it {
            Token::One(Class::Only(letter)) => Some(*letter),
            _ => None,
        })
    }
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

/// Whether some text is in all of `within` and in none of `without`.
///
/// All patterns read the same text letter by letter, each keeping the positions it may be at;
/// every combination of positions is tried once.
pub(super) fn some_text(within: &[&Pattern], without: &[&Pattern]) -> bool {
    let clash = |it: &&Pattern| within.iter().any(|other| it.clashes(other));
    if within.iter().any(clash) {
        return false;
    }
    let all: Vec<&Pattern> = within.iter().chain(without).copied().collect();
    let mut letters: BTreeSet<char> = all.iter().flat_map(|it| it.letters()).collect();
    letters.extend(['/', OTHER]);
    let start: Vec<BTreeSet<usize>> = all.iter().map(|it| it.start()).collect();
    let mut seen = BTreeSet::from([start.clone()]);
    let mut open = vec![start];
    while let Some(state) = open.pop() {
        let ends: Vec<bool> = all.iter().zip(&state).map(|(it, at)| it.ends(at)).collect();
        let (ins, outs) = ends.split_at(within.len());
        if ins.iter().all(|it| *it) && !outs.iter().any(|it| *it) {
            return true;
        }
        for letter in &letters {
            let next: Vec<_> = all
                .iter()
                .zip(&state)
                .map(|(it, at)| it.step(at, *letter))
                .collect();
            let alive = next.iter().take(within.len()).all(|it| !it.is_empty());
            if alive && seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_sought_in_some_patterns_and_out_of_others() {
        let (all, id, exact) = (
            Pattern::glob("/a/*"),
            Pattern::route("/a/{id}"),
            Pattern::route("/a/b"),
        );
        assert!(some_text(&[&all, &id], &[]));
        assert!(some_text(&[&all, &id], &[&exact]));
        assert!(!some_text(&[&exact], &[&id]));
        assert!(!some_text(&[&id], &[&all]));
        assert!(some_text(&[&all], &[&id]), "/a/b/c");
        assert!(some_text(&[&Pattern::glob("*")], &[&all]));
        assert!(!some_text(
            &[&Pattern::route("/{x+}")],
            &[&Pattern::glob("/*")]
        ));
    }
}
