//! Patterns: text in which `*` stands for any run of characters and `?` for any one.
//!
//! Two readings of a pattern matter where it is an ARN. As *text*, `*` runs over
//! colons too. By *segment*, each of the six parts of an ARN is matched by its own
//! part of the pattern, and only the last part may hold colons.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>.

use super::three::Three;

/// One step of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Token {
    /// This character.
    Char(char),
    /// Any one character.
    One,
    /// Any run of characters, also none.
    Many,
}

/// A pattern, or a literal text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    tokens: Vec<Token>,
    quick: Quick,
}

/// The shapes that need no search.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Quick {
    /// No wildcard.
    Literal(String),
    /// A literal, then one `*`.
    Prefix(String),
    /// Anything else.
    Search,
}

impl Pattern {
    /// The pattern that a text spells.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self::from_tokens(text.chars().map(token).collect())
    }

    /// The pattern that matches this text and nothing else.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self::from_tokens(text.chars().map(Token::Char).collect())
    }

    /// A pattern of these steps. A run of `*` is as good as one.
    #[must_use]
    pub fn from_tokens(mut tokens: Vec<Token>) -> Self {
        tokens.dedup_by(|a, b| *a == Token::Many && *b == Token::Many);
        let quick = if let Some(text) = literal(&tokens) {
            Quick::Literal(text)
        } else if let Some((Token::Many, head)) = tokens.split_last()
            && let Some(text) = literal(head)
        {
            Quick::Prefix(text)
        } else {
            Quick::Search
        };
        Self { tokens, quick }
    }

    /// The steps.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The text, when there is no wildcard in it.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        match &self.quick {
            Quick::Literal(text) => Some(text),
            Quick::Prefix(_) | Quick::Search => None,
        }
    }

    /// Whether it matches every text.
    #[must_use]
    pub fn is_anything(&self) -> bool {
        self.tokens == [Token::Many]
    }

    /// Whether the whole text is matched, colons being like any other character.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match &self.quick {
            Quick::Literal(own) => own == text,
            Quick::Prefix(own) => text.starts_with(own.as_str()),
            Quick::Search => glob(&self.tokens, text),
        }
    }

    /// Whether some text is matched by both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        meets(&self.tokens, &other.tokens)
    }

    /// The pattern's segments: split at its own colons, six at most.
    #[must_use]
    pub fn segments(&self) -> Vec<&[Token]> {
        self.tokens
            .splitn(6, |it| *it == Token::Char(':'))
            .collect()
    }

    /// Whether a condition's ARN pattern matches: by segment.
    ///
    /// A pattern of fewer than six segments is no ARN. AWS does not say what it matches,
    /// so where it matches as text the answer is open.
    #[must_use]
    pub fn matches_arn(&self, arn: &str) -> Three {
        let segments = self.segments();
        if segments.len() == 6 {
            if let Some(own) = self.as_literal() {
                return Three::from(own == arn);
            }
            let parts: Vec<&str> = arn.splitn(6, ':').collect();
            return Three::from(
                parts.len() == 6 && segments.iter().zip(parts).all(|(own, it)| glob(own, it)),
            );
        }
        Three::maybe_if(self.matches(arn))
    }

    /// Whether a `Resource` pattern matches.
    ///
    /// AWS completes a short ARN with `*`, and says in one place that wildcards stay in their
    /// segment and in another that a `*` ending one may run on. Where the two readings
    /// differ the answer is open.
    #[must_use]
    pub fn matches_resource(&self, resource: &str) -> Three {
        match &self.quick {
            Quick::Literal(own) if own == resource => return Three::Yes,
            // Six literal segments that differ.
            Quick::Literal(own) if own.bytes().filter(|it| *it == b':').count() >= 5 => {
                return Three::No;
            }
            _ if self.is_anything() => return Three::Yes,
            _ => {}
        }
        let parts: Vec<&str> = resource.splitn(6, ':').collect();
        if parts.len() < 6 {
            return Three::from(self.matches(resource));
        }
        let segments = self.segments();
        let is_arn = segments.len() > 1 && literal(segments[0]).is_some_and(|it| it == "arn");
        // The segments that are missing are `*`, so the zip may end early.
        if is_arn && segments.iter().zip(&parts).all(|(own, it)| glob(own, it)) {
            return Three::Yes;
        }
        Three::maybe_if(self.matches(resource))
    }
}

/// Returns patterns of text of which one at least matches whatever a `Resource` element may match.
///
/// This is how documents are searched for what could reach a resource; [`Pattern::matches_resource`] has the last word.
/// A variable stands for any text here, and a short ARN also for what AWS completes it to.
#[must_use]
pub fn resource_texts(element: &str) -> Vec<String> {
    let mut text = String::new();
    let mut rest = element;
    while let Some((before, after)) = rest.split_once("${") {
        text += before;
        text.push('*');
        rest = after.split_once('}').map_or("", |it| it.1);
    }
    text += rest;
    let is_short = text.starts_with("arn:") && text.matches(':').count() < 5;
    let completed = is_short.then(|| format!("{text}:*"));
    std::iter::once(text).chain(completed).collect()
}

fn token(letter: char) -> Token {
    match letter {
        '*' => Token::Many,
        '?' => Token::One,
        other => Token::Char(other),
    }
}

fn literal(tokens: &[Token]) -> Option<String> {
    tokens
        .iter()
        .map(|it| match it {
            Token::Char(letter) => Some(*letter),
            Token::One | Token::Many => None,
        })
        .collect()
}

/// Whether steps match a whole text: greedy, going back to the last `*` only.
#[must_use]
pub fn glob(tokens: &[Token], text: &str) -> bool {
    let mut rest = text.chars();
    let mut at = 0;
    let mut last_many = None;
    loop {
        match tokens.get(at) {
            Some(Token::Many) => {
                at += 1;
                last_many = Some((at, rest.clone()));
                continue;
            }
            Some(step) => {
                let mut ahead = rest.clone();
                // A longer run for an earlier `*` leaves less text still, so its end is the end.
                let Some(letter) = ahead.next() else {
                    return false;
                };
                if matches!(step, Token::One) || *step == Token::Char(letter) {
                    rest = ahead;
                    at += 1;
                    continue;
                }
            }
            None if rest.as_str().is_empty() => return true,
            None => {}
        }
        let Some((after, from)) = last_many.as_mut() else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        at = *after;
        rest = from.clone();
    }
}

/// Whether some text is matched by both: every pair of places that can be reached is tried once.
fn meets(a: &[Token], b: &[Token]) -> bool {
    let width = b.len() + 1;
    let mut seen = vec![false; (a.len() + 1) * width];
    let mut open = vec![(0, 0)];
    while let Some((i, j)) = open.pop() {
        if std::mem::replace(&mut seen[i * width + j], true) {
            continue;
        }
        match (a.get(i), b.get(j)) {
            (None, None) => return true,
            (Some(Token::Many), other) => {
                open.push((i + 1, j));
                if other.is_some() {
                    open.push((i, j + 1));
                }
            }
            (other, Some(Token::Many)) => {
                open.push((i, j + 1));
                if other.is_some() {
                    open.push((i + 1, j));
                }
            }
            (Some(Token::Char(x)), Some(Token::Char(y))) if x != y => {}
            (Some(_), Some(_)) => open.push((i + 1, j + 1)),
            (None, Some(_)) | (Some(_), None) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_is_any_run_and_a_question_mark_any_one() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a?c", "aéc", true),
            ("*a*b", "xaxbxb", true),
            ("*ab", "aab", true),
            ("a**b", "ab", true),
            ("abc", "abcd", false),
            ("a*", "b", false),
        ] {
            assert_eq!(
                Pattern::of(pattern).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(Pattern::literal("a*").matches("a*"));
        assert!(!Pattern::literal("a*").matches("ab"));
    }

    #[test]
    fn an_arn_of_a_condition_is_matched_segment_by_segment() {
        let arn = "arn:aws:sns:eu-west-1:111111111111:orders:a:b";
        for (pattern, expected) in [
            (arn, Three::Yes),
            ("arn:aws:sns:*:111111111111:orders:*", Three::Yes),
            ("arn:aws:sns:*:111111111111:*", Three::Yes),
            ("arn:aws:sns:*:*:orders", Three::No),
            ("arn:*:orders:a:b", Three::Maybe),
            ("arn:aws:sqs:*", Three::No),
            ("*", Three::Maybe),
            ("arn:aws:s*:eu-west-1:111111111111:b", Three::No),
        ] {
            assert_eq!(Pattern::of(pattern).matches_arn(arn), expected, "{pattern}");
        }
        // As text, the first `*` would run over the account.
        let other = "arn:aws:sns:eu-west-1:222222222222:x:111111111111:orders";
        assert_eq!(
            Pattern::of("arn:aws:sns:*:111111111111:orders").matches_arn(other),
            Three::No
        );
    }

    #[test]
    fn a_resource_whose_star_would_have_to_cross_a_colon_is_open() {
        let arn = "arn:aws:sns:eu-west-1:111111111111:orders";
        for (pattern, expected) in [
            ("*", Three::Yes),
            (arn, Three::Yes),
            ("arn:aws:sns", Three::Yes),
            ("arn:aws:sns:*", Three::Yes),
            ("arn:aws:sns:*:*:ord*", Three::Yes),
            ("arn:aws:sns:*:orders", Three::Maybe),
            ("arn:aws:sns:eu-west-1:111111111111:*s", Three::Yes),
            ("arn:aws:sqs:*", Three::No),
            ("*orders", Three::Maybe),
            ("arn:aws:sns:eu-west-1:111111111111:other", Three::No),
        ] {
            assert_eq!(
                Pattern::of(pattern).matches_resource(arn),
                expected,
                "{pattern}"
            );
        }
        // One word is no short ARN, and what is no ARN itself is not completed.
        assert_eq!(Pattern::of("arn").matches_resource(arn), Three::No);
        let short = "arn:aws:sns:eu-west-1";
        assert_eq!(
            Pattern::of("arn:aws:sns").matches_resource(short),
            Three::No
        );
        assert_eq!(Pattern::of("arn:aws:*").matches_resource(short), Three::Yes);
        assert_eq!(Pattern::of("*").matches_resource("*"), Three::Yes);
        assert_eq!(Pattern::of(arn).matches_resource("*"), Three::No);
    }

    /// The definition of a pattern, said plainly and slowly.
    fn plainly(tokens: &[Token], text: &[char]) -> bool {
        match (tokens.split_first(), text.split_first()) {
            (None, it) => it.is_none(),
            (Some((Token::Many, rest)), it) => {
                plainly(rest, text) || it.is_some_and(|(_, after)| plainly(tokens, after))
            }
            (Some(_), None) => false,
            (Some((step, rest)), Some((letter, after))) => {
                (*step == Token::One || *step == Token::Char(*letter)) && plainly(rest, after)
            }
        }
    }

    #[test]
    fn a_resource_is_searched_for_by_every_text_that_it_may_stand_for() {
        let arn = "arn:aws:sns:eu-west-1:111111111111:orders";
        for (element, expected) in [
            (arn, true),
            ("arn:aws:sns", true),
            ("arn:aws:sn?", true),
            ("arn:aws:sns:eu-west-1:111111111111", true),
            ("arn:aws:sns:${aws:RequestedRegion}", true),
            ("arn:aws:sns:*:*:${aws:username, 'orders'}", true),
            ("arn:aws:sns:*:orders", true),
            ("arn:aws:sqs", false),
            ("arn:aws:sns:eu-west-1:111111111111:order", false),
            ("arn", false),
        ] {
            let texts = resource_texts(element);
            let found = texts.iter().any(|it| Pattern::of(it).matches(arn));
            assert_eq!(found, expected, "{element}");
        }
    }

    proptest! {
        #[test]
        fn no_resource_is_missed_that_an_element_may_match(
            element in "(arn:)?([ab*?:]{0,3}:){0,5}[ab*?:]{0,2}", text in "arn:([ab]?:){3,5}[ab:]{0,2}"
        ) {
            if Pattern::of(&element).matches_resource(&text) != Three::No {
                let texts = resource_texts(&element);
                prop_assert!(texts.iter().any(|it| Pattern::of(it).matches(&text)));
            }
        }

        #[test]
        fn matching_is_what_the_definition_says(pattern in "[ab*?]{0,7}", text in "[ab]{0,8}") {
            let pattern = Pattern::of(&pattern);
            let letters: Vec<char> = text.chars().collect();
            prop_assert_eq!(pattern.matches(&text), plainly(pattern.tokens(), &letters));
        }

        #[test]
        fn patterns_that_match_one_text_meet(a in "[ab*?]{0,6}", b in "[ab*?]{0,6}", text in "[ab]{0,6}") {
            let (a, b) = (Pattern::of(&a), Pattern::of(&b));
            if a.matches(&text) && b.matches(&text) {
                prop_assert!(a.meets(&b));
            }
            prop_assert_eq!(a.meets(&Pattern::literal(&text)), a.matches(&text));
        }
    }
}
