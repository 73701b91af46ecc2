//! Every way in which texts can differ to a set of patterns, each with an example.
//!
//! All patterns run together, as one automaton whose states are made when they are
//! first reached. Two texts that end in the same set of accepting patterns are alike
//! to every statement made of these patterns, so a finite list of examples, one for each
//! set that can be reached, stands for all texts there are. That makes "for every
//! request" a question about finitely many.
//!
//! Many patterns with `*` on both sides can make too many states; then there is no answer.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use super::patterns::{Pattern, Token};

/// The most states that are made before giving up.
const MOST_STATES: usize = 60_000;
/// The most places of patterns that are followed, over all states: a bound on time and memory.
const MOST_PLACES: usize = 10_000_000;

/// The most atlases of actions that are kept.
const MOST_KNOWN: usize = 64;

thread_local! {
    /// Atlases of actions by what they tell apart.
    static KNOWN: RefCell<BTreeMap<Vec<Language>, Atlas>> = const { RefCell::new(BTreeMap::new()) };
}

/// Which characters a step takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// One.
    Char(char),
    /// One in either case.
    AnyCase(char, char),
    /// All.
    Any,
    /// All but `:`.
    NoColon,
    /// All but `/`.
    NoSlash,
}

impl Class {
    fn takes(self, letter: char) -> bool {
        match self {
            Self::Char(own) => own == letter,
            Self::AnyCase(low, high) => low == letter || high == letter,
            Self::Any => true,
            Self::NoColon => letter != ':',
            Self::NoSlash => letter != '/',
        }
    }
}

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// One character of a class.
    One(Class),
    /// Any run of a class.
    Many(Class),
}

/// A set of texts: those that one of its paths spells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(pub Vec<Vec<Step>>);

/// The steps of a literal text.
#[must_use]
pub fn literal(text: &str) -> Vec<Step> {
    text.chars().map(|it| Step::One(Class::Char(it))).collect()
}

/// The steps of a pattern whose wildcards take this class.
#[must_use]
pub fn steps(tokens: &[Token], wild: Class) -> Vec<Step> {
    tokens
        .iter()
        .map(|it| match it {
            Token::Char(letter) => Step::One(Class::Char(*letter)),
            Token::One => Step::One(wild),
            Token::Many => Step::Many(wild),
        })
        .collect()
}

/// The steps of an ARN pattern read by segment, missing segments taken as `*`.
#[must_use]
pub fn segment_steps(pattern: &Pattern) -> Vec<Step> {
    let mut segments = pattern.segments();
    segments.resize(6, &[Token::Many]);
    let mut path = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        if index > 0 {
            path.push(Step::One(Class::Char(':')));
        }
        let wild = if index < 5 {
            Class::NoColon
        } else {
            Class::Any
        };
        path.extend(steps(segment, wild));
    }
    path
}

/// The steps that take a text in either case.
#[must_use]
pub fn any_case(text: &str) -> Vec<Step> {
    let step = |letter: char| {
        let (low, high) = (letter.to_ascii_lowercase(), letter.to_ascii_uppercase());
        Step::One(Class::AnyCase(low, high))
    };
    text.chars().map(step).collect()
}

/// Which texts there are at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Universe {
    /// Every text but the empty one.
    Text,
    /// `arn:partition:service:region:account:resource`, region and account perhaps empty.
    Arn,
    /// Twelve digits.
    Account,
    /// `service:name` in lower case.
    Action,
    /// Roles, users and roots of accounts, and sessions of federated users: what `aws:PrincipalArn` may be.
    Principal,
    /// The same without sessions of federated users.
    OfIam,
}

/// What may come next.
struct Next {
    /// Characters that the universe itself tells apart.
    named: &'static str,
    /// Others, alike to it; the first that no pattern names stands for the rest.
    others: &'static str,
}

const LOWER: &str = "xyzabcdefghijklmnopqrstuvw0123456789";
/// Enough for any pattern that a document of AWS's size can hold to leave one over.
const ANY: &str = "xyzabcdefghijklmnopqrstuvw0123456789XYZABCDEFGHIJKLMNOPQRSTUVW-_.+=,@~!#%&()<>;|^'`\"{}[]$ \\àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ";
const DIGITS_FIRST: &str = "9876543210xyzabcdefghijklmnopqrstuvwXYZABCDEFGHIJKLMNOPQRSTUVW-_.+=,@~!#%&()<>;|^'àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ";

/// The fixed words of a principal's ARN, as a path of states. A state is where in it we are.
mod principal {
    pub(super) const PARTITION: u32 = 4;
    pub(super) const IAM: u32 = 6;
    pub(super) const ACCOUNT: u32 = 11;
    pub(super) const KIND: u32 = 13;
    pub(super) const NAME: u32 = 30;
    pub(super) const NAMED: u32 = 31;
    pub(super) const ROOT: u32 = 32;
    pub(super) const STS_ACCOUNT: u32 = 37;
    pub(super) const STS_KIND: u32 = 39;
    pub(super) const STS_NAME: u32 = 54;
    /// The only principal of STS with an `aws:PrincipalArn` of its own.
    pub(super) const FEDERATED: &str = "federated-user/";

    /// The one or two characters that may follow in a fixed word, with where they lead.
    pub(super) const WORDS: [(u32, char, u32); 26] = [
        (0, 'a', 1),
        (1, 'r', 2),
        (2, 'n', 3),
        (3, ':', PARTITION),
        (IAM, 'i', 7),
        (7, 'a', 8),
        (8, 'm', 9),
        (9, ':', 10),
        (10, ':', ACCOUNT),
        (KIND, 'r', 14),
        (KIND, 'u', 19),
        (14, 'o', 15),
        (15, 'l', 16),
        (15, 'o', 18),
        (16, 'e', 17),
        (17, '/', NAME),
        (18, 't', ROOT),
        (19, 's', 20),
        (20, 'e', 21),
        (21, 'r', 22),
        (22, '/', NAME),
        (IAM, 's', 33),
        (33, 't', 34),
        (34, 's', 35),
        (35, ':', 36),
        (36, ':', STS_ACCOUNT),
    ];
}

impl Universe {
    fn step(self, state: u32, letter: char) -> Option<u32> {
        match self {
            Self::Text => Some(1),
            // 0..=3 the word `arn:`; then two states a segment, empty and not.
            Self::Arn => match state {
                0..=3 => (Some(letter) == "arn:".chars().nth(state as usize)).then_some(state + 1),
                4 | 6 => (letter != ':').then_some(state + 1),
                8 | 10 => Some(if letter == ':' { state + 2 } else { state + 1 }),
                5 | 7 | 9 | 11 => Some(if letter == ':' { state + 1 } else { state }),
                _ => Some(13),
            },
            Self::Account => (state < 12 && letter.is_ascii_digit()).then_some(state + 1),
            Self::Action => {
                let word = letter.is_ascii_lowercase() || letter.is_ascii_digit();
                match state {
                    1 if letter == ':' => Some(2),
                    0 | 1 => (word || letter == '-').then_some(1),
                    _ => word.then_some(3),
                }
            }
            Self::OfIam if state == principal::IAM && letter == 's' => None,
            Self::Principal | Self::OfIam => match state {
                principal::PARTITION => (letter != ':').then_some(5),
                5 => Some(if letter == ':' { principal::IAM } else { 5 }),
                principal::ACCOUNT => (letter != ':').then_some(12),
                12 => Some(if letter == ':' { principal::KIND } else { 12 }),
                principal::STS_ACCOUNT => (letter != ':').then_some(38),
                38 => Some(if letter == ':' {
                    principal::STS_KIND
                } else {
                    38
                }),
                principal::STS_KIND..principal::STS_NAME => {
                    let at = (state - principal::STS_KIND) as usize;
                    (principal::FEDERATED.chars().nth(at) == Some(letter)).then_some(state + 1)
                }
                principal::NAME | principal::NAMED | principal::STS_NAME => Some(principal::NAMED),
                _ => principal::WORDS
                    .iter()
                    .find(|(from, own, _)| *from == state && *own == letter)
                    .map(|(_, _, to)| *to),
            },
        }
    }

    fn accepts(self, state: u32) -> bool {
        match self {
            Self::Text => state == 1,
            Self::Arn => state == 13,
            Self::Account => state == 12,
            Self::Action => state == 3,
            Self::Principal | Self::OfIam => matches!(state, principal::NAMED | principal::ROOT),
        }
    }

    fn next(self, state: u32) -> Next {
        let (named, others) = match (self, state) {
            (Self::Arn, 0..=3) => ("arn:", ""),
            (Self::Arn, 10 | 11)
            | (
                Self::Principal | Self::OfIam,
                principal::ACCOUNT | 12 | principal::STS_ACCOUNT | 38,
            ) => (":/", DIGITS_FIRST),
            (Self::Account, _) => ("", "9876543210"),
            (Self::Action, 0 | 1) => (":-", LOWER),
            (Self::Action, _) => ("", LOWER),
            (Self::Text | Self::Arn, _)
            | (
                Self::Principal | Self::OfIam,
                principal::PARTITION | 5 | principal::NAME | principal::NAMED | principal::STS_NAME,
            ) => (":/", ANY),
            (Self::Principal | Self::OfIam, _) => ("arn:imoletusfd-/", ""),
        };
        Next { named, others }
    }
}

/// Texts told apart by a set of languages.
#[derive(Clone, Debug)]
pub struct Atlas {
    universe: Universe,
    row: Row,
    /// An example of each class, the shortest.
    pub examples: Vec<String>,
    /// The class of each example.
    classes: Vec<Vec<u32>>,
}

/// There would be too many states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// All paths laid out in one row, each closed by the language it belongs to.
#[derive(Clone, Debug)]
struct Row {
    cells: Vec<Result<Step, u32>>,
    starts: Vec<u32>,
}

impl Row {
    fn of(languages: &[Language]) -> Self {
        let mut cells = Vec::new();
        let mut starts = Vec::new();
        for (language, index) in languages.iter().zip(0_u32..) {
            for path in &language.0 {
                starts.push(u32::try_from(cells.len()).unwrap_or(u32::MAX));
                cells.extend(path.iter().copied().map(Ok));
                cells.push(Err(index));
            }
        }
        Self { cells, starts }
    }

    /// Adds a place, and those reached from it by letting a run be empty.
    fn enter(&self, mut place: u32, into: &mut Vec<u32>) {
        loop {
            into.push(place);
            let Ok(Step::Many(_)) = self.cells[place as usize] else {
                return;
            };
            place += 1;
        }
    }

    fn begin(&self) -> Vec<u32> {
        let mut places = Vec::new();
        for start in &self.starts {
            self.enter(*start, &mut places);
        }
        tidy(&mut places, 0);
        places
    }

    /// Adds the places after a letter, in order and each once.
    fn advance(&self, places: &[u32], letter: char, next: &mut Vec<u32>) {
        let from = next.len();
        for place in places {
            match self.cells[*place as usize] {
                Ok(Step::One(class)) if class.takes(letter) => self.enter(place + 1, next),
                Ok(Step::Many(class)) if class.takes(letter) => self.enter(*place, next),
                Ok(_) | Err(_) => {}
            }
        }
        tidy(next, from);
    }

    fn accepting(&self, places: &[u32]) -> Vec<u32> {
        let accepted = places
            .iter()
            .filter_map(|it| self.cells[*it as usize].err());
        let mut accepted = accepted.collect();
        tidy(&mut accepted, 0);
        accepted
    }

    /// The characters that some path names next.
    fn named(&self, places: &[u32], into: &mut Vec<char>) {
        for place in places {
            if let Ok(Step::One(class) | Step::Many(class)) = self.cells[*place as usize] {
                match class {
                    Class::Char(letter) => into.push(letter),
                    Class::AnyCase(low, high) => into.extend([low, high]),
                    Class::Any | Class::NoColon | Class::NoSlash => {}
                }
            }
        }
    }
}

/// Sorts the places from one on, and leaves each once.
fn tidy(places: &mut Vec<u32>, from: usize) {
    places[from..].sort_unstable();
    let mut kept = from;
    for at in from..places.len() {
        if at == from || places[at] != places[kept - 1] {
            places[kept] = places[at];
            kept += 1;
        }
    }
    places.truncate(kept);
}

/// Hashes states, which nobody chooses: faster than a hash that must withstand an adversary.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            let mixed = (self.0.rotate_left(5) ^ u64::from_le_bytes(word))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.0 = mixed ^ (mixed >> 32);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Atlas {
    /// Every class of the universe's texts, with an example.
    pub fn of(
        universe: Universe,
        languages: impl IntoIterator<Item = Language>,
    ) -> Result<Self, TooMany> {
        let mut languages: Vec<Language> = languages.into_iter().collect();
        languages.sort();
        languages.dedup();
        if universe != Universe::Action {
            return Self::new(universe, &languages);
        }
        // Documents of one kind of resource ask for the same actions.
        let known = KNOWN.with_borrow(|it| it.get(&languages).cloned());
        known.map_or_else(
            || {
                let found = Self::new(universe, &languages)?;
                KNOWN.with_borrow_mut(|it| {
                    if it.len() == MOST_KNOWN {
                        it.clear();
                    }
                    it.insert(languages, found.clone());
                });
                Ok(found)
            },
            Ok,
        )
    }

    fn new(universe: Universe, languages: &[Language]) -> Result<Self, TooMany> {
        let row = Row::of(languages);

        // Breadth first, so that the first text of a class is a shortest one.
        let mut texts: Vec<(usize, char)> = vec![(0, ' ')];
        // Of each state first where in the universe it is, then its places.
        let mut first = vec![0_u32];
        first.extend(row.begin());
        let mut states: Vec<Rc<[u32]>> = vec![first.into()];
        let mut seen: HashSet<Rc<[u32]>, BuildHasherDefault<Mix>> = HashSet::default();
        seen.insert(Rc::clone(&states[0]));
        let mut known = HashSet::new();
        let (mut letters, mut key) = (Vec::new(), Vec::new());
        let (mut order, mut classes) = (Vec::new(), Vec::new());
        let mut queue = VecDeque::from([0]);
        let mut followed = 0;
        while let Some(current) = queue.pop_front() {
            let whole = Rc::clone(&states[current]);
            let (state, places) = (whole[0], &whole[1..]);
            if universe.accepts(state) {
                let class = row.accepting(places);
                if known.insert(class.clone()) {
                    order.push(current);
                    classes.push(class);
                }
            }
            let next = universe.next(state);
            letters.clear();
            letters.extend(next.named.chars());
            row.named(places, &mut letters);
            letters.sort_unstable();
            letters.dedup();
            let other = next.others.chars().find(|it| !letters.contains(it));
            for letter in other.into_iter().chain(letters.iter().copied()) {
                let Some(state) = universe.step(state, letter) else {
                    continue;
                };
                followed += places.len();
                if followed > MOST_PLACES {
                    return Err(TooMany);
                }
                key.clear();
                key.push(state);
                row.advance(places, letter, &mut key);
                if seen.contains(key.as_slice()) {
                    continue;
                }
                if states.len() == MOST_STATES {
                    return Err(TooMany);
                }
                let new: Rc<[u32]> = key.as_slice().into();
                seen.insert(Rc::clone(&new));
                queue.push_back(states.len());
                texts.push((current, letter));
                states.push(new);
            }
        }
        let spell = |mut at: usize| {
            let mut letters = Vec::new();
            while at != 0 {
                letters.push(texts[at].1);
                at = texts[at].0;
            }
            letters.iter().rev().collect::<String>()
        };
        Ok(Self {
            examples: order.into_iter().map(spell).collect(),
            classes,
            universe,
            row,
        })
    }

    /// The same, of those texts alone that a form holds, where there is one.
    pub(super) fn within(
        universe: Universe,
        form: Option<Language>,
        languages: impl Iterator<Item = Language>,
    ) -> Result<Self, TooMany> {
        let languages: Vec<Language> = languages.collect();
        let with_form = languages.iter().cloned().chain(form.clone());
        let Ok(mut found) = Self::of(universe, with_form) else {
            return Self::of(universe, languages);
        };
        if let Some(form) = form {
            let only = Self::of(universe, [form])?;
            found.examples.retain(|it| !only.class(it).is_empty());
            found.classes = found.examples.iter().map(|it| found.class(it)).collect();
        }
        Ok(found)
    }

    /// The same and the empty text, where its class is one more.
    pub(super) fn with_empty(mut self) -> Self {
        let class = self.class("");
        if !self.classes.contains(&class) {
            self.examples.push(String::new());
            self.classes.push(class);
        }
        self
    }

    /// The class of a text: which languages hold it.
    #[must_use]
    pub fn class(&self, text: &str) -> Vec<u32> {
        let (mut places, mut next) = (self.row.begin(), Vec::new());
        for letter in text.chars() {
            next.clear();
            self.row.advance(&places, letter, &mut next);
            std::mem::swap(&mut places, &mut next);
        }
        self.row.accepting(&places)
    }

    /// Whether a text is in the universe.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        let mut letters = text.chars();
        let end = letters.try_fold(0, |state, it| self.universe.step(state, it));
        end.is_some_and(|it| self.universe.accepts(it))
    }

    /// Another text of the same class, if `wish` is one.
    #[must_use]
    pub fn rather(&self, example: &str, wish: String) -> Option<String> {
        let class = match self.examples.iter().position(|it| it == example) {
            Some(at) => &self.classes[at],
            None => &self.class(example),
        };
        (self.has(&wish) && self.class(&wish) == *class).then_some(wish)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn text(pattern: &str) -> Language {
        Language(vec![steps(Pattern::of(pattern).tokens(), Class::Any)])
    }

    fn arn(pattern: &str) -> Language {
        Language(vec![segment_steps(&Pattern::of(pattern))])
    }

    #[test]
    fn literals_make_a_class_each_and_one_for_the_rest() {
        let atlas = Atlas::of(Universe::Text, ["a", "b", "abc"].map(text)).expect("few states");
        let found: BTreeSet<_> = atlas.examples.iter().map(String::as_str).collect();
        assert_eq!(found, BTreeSet::from(["a", "abc", "b", "x"]));
    }

    #[test]
    fn overlapping_patterns_make_every_class_that_a_text_can_be_in() {
        let atlas = Atlas::of(Universe::Text, ["a*", "*b"].map(text)).expect("few states");
        let classes: BTreeSet<_> = atlas.examples.iter().map(|it| atlas.class(it)).collect();
        assert_eq!(classes.len(), 4);
        let nested = Atlas::of(Universe::Text, ["a*", "ab*", "*"].map(text)).expect("few");
        assert_eq!(nested.examples.len(), 3);
    }

    #[test]
    fn only_texts_of_the_universe_are_given() {
        let atlas = Atlas::of(Universe::Action, ["*", "sns:*", "sns:p*"].map(text)).expect("few");
        assert_eq!(atlas.examples.len(), 3);
        assert!(atlas.examples.iter().all(|it| atlas.has(it)));
        let arns =
            Atlas::of(Universe::Arn, ["arn:aws:sns:*:1:a", "arn:aws:*"].map(arn)).expect("few");
        assert_eq!(arns.examples.len(), 3);
        assert!(
            arns.examples
                .iter()
                .all(|it| arns.has(it) && it.split(':').count() >= 6)
        );
    }

    #[test]
    fn a_principals_arn_is_a_role_a_user_a_root_or_a_federated_users_session() {
        let languages = [
            "arn:*:iam::*:role/*",
            "arn:*:iam::*:user/*",
            "arn:*:iam::*:root",
            "arn:*:iam::*:group/*",
            "arn:*:sts::*:assumed-role/*",
        ];
        let atlas = Atlas::of(Universe::Principal, languages.map(arn)).expect("few");
        assert_eq!(atlas.examples.len(), 4);
        assert!(atlas.has("arn:aws:iam::111111111111:role/team/a"));
        assert!(!atlas.has("arn:aws:iam::111111111111:role/"));
        assert!(!atlas.has("arn:aws:sns::111111111111:role/a"));
    }

    #[test]
    fn hundreds_of_names_are_no_trouble_and_many_open_patterns_are_given_up() {
        let names =
            (0..400).map(|it| arn(&format!("arn:aws:sns:eu-west-1:111111111111:topic-{it}")));
        let atlas = Atlas::of(Universe::Arn, names).expect("few states");
        assert_eq!(atlas.examples.len(), 401);
        let open = (0..40).map(|it| text(&format!("*{it}a{it}*")));
        assert_eq!(Atlas::of(Universe::Text, open).map(|_| ()), Err(TooMany));
    }

    #[test]
    fn a_wish_is_granted_when_no_pattern_can_tell() {
        let atlas = Atlas::of(Universe::Text, [text("a*")]).expect("few states");
        assert_eq!(
            atlas.rather("x", "other".to_owned()).as_deref(),
            Some("other")
        );
        assert_eq!(atlas.rather("x", "another".to_owned()), None);
        assert_eq!(atlas.rather("x", String::new()), None);
    }

    proptest! {
        #[test]
        fn every_text_is_in_the_class_of_an_example(
            patterns in proptest::collection::vec("[ab:*?]{0,5}", 0..4),
            probe in "[abx:]{1,7}",
        ) {
            let atlas = Atlas::of(Universe::Text, patterns.iter().map(|it| text(it)))
                .expect("few states");
            let classes: Vec<_> = atlas.examples.iter().map(|it| atlas.class(it)).collect();
            prop_assert!(classes.contains(&atlas.class(&probe)));
            let distinct: BTreeSet<_> = classes.iter().collect();
            prop_assert_eq!(distinct.len(), classes.len());
        }

        #[test]
        fn a_class_is_what_matching_says(
            pattern in "[ab:*?]{0,5}",
            probe in "[abx:]{1,7}",
        ) {
            let atlas = Atlas::of(Universe::Text, [text(&pattern)]).expect("few states");
            prop_assert_eq!(!atlas.class(&probe).is_empty(), Pattern::of(&pattern).matches(&probe));
        }

        #[test]
        fn segments_are_read_as_a_condition_reads_them(
            tail in "[a:*]{0,3}",
            middle in "[a*]{0,2}",
            probe in "[a:]{1,4}",
        ) {
            let pattern = format!("arn:p:s:{middle}:1:{tail}");
            let text = format!("arn:p:s:a:1:{probe}");
            let atlas = Atlas::of(Universe::Arn, [arn(&pattern)]).expect("few states");
            let matches = Pattern::of(&pattern).matches_arn(&text);
            prop_assert_eq!(!atlas.class(&text).is_empty(), matches == super::super::three::Three::Yes);
        }
    }

    #[test]
    fn a_class_takes_what_it_is_called_for() {
        for (class, takes, but) in [
            (Class::Char('a'), "a", "Ab:"),
            (Class::AnyCase('a', 'A'), "aA", "b"),
            (Class::Any, "aA:/", ""),
            (Class::NoColon, "aA/", ":"),
            (Class::NoSlash, "aA:", "/"),
        ] {
            assert!(takes.chars().all(|it| class.takes(it)), "{class:?}");
            assert!(!but.chars().any(|it| class.takes(it)), "{class:?}");
        }
    }

    #[test]
    fn a_text_is_of_its_universe_by_every_part_of_it() {
        for (universe, of_it, not) in [
            (Universe::Text, &["a", ":", "a:b/c"][..], &[""][..]),
            (
                Universe::Arn,
                &[
                    "arn:aws:sns:eu-west-1:111111111111:t",
                    "arn:aws:s3:::bucket",
                    "arn:aws:iam::111111111111:role/a",
                    "arn:aws:apigateway:eu-west-1::/restapis",
                    "arn:aws:sns:eu-west-1:111111111111:t:u:v",
                    "arn:a:b:::c",
                ],
                &[
                    "",
                    "*",
                    "arn",
                    "arn:",
                    "urn:aws:sns:eu-west-1:111111111111:t",
                    "arm:aws:sns:eu-west-1:111111111111:t",
                    "arn::sns:eu-west-1:111111111111:t",
                    "arn:aws::eu-west-1:111111111111:t",
                    "arn:aws:sns:eu-west-1:111111111111:",
                    "arn:aws:sns:eu-west-1:111111111111",
                    "arn:aws:sns::t",
                ],
            ),
            (
                Universe::Action,
                &["sns:publish", "execute-api:invoke", "s3:a1", "1:2"],
                &[
                    "",
                    "sns",
                    "sns:",
                    ":publish",
                    "SNS:publish",
                    "sns:Publish",
                    "sns:pub-lish",
                    "sns:a:b",
                    "s*:a",
                ],
            ),
            (
                Universe::Principal,
                &[
                    "arn:aws:iam::111111111111:root",
                    "arn:aws-cn:iam::1:role/a",
                    "arn:aws:iam::111111111111:role/team/a",
                    "arn:aws:iam::111111111111:user/a:b",
                    "arn:aws:sts::111111111111:federated-user/a",
                ],
                &[
                    "",
                    "arn:aws:iam::111111111111:",
                    "arn:aws:iam::111111111111:roots",
                    "arn:aws:iam::111111111111:role",
                    "arn:aws:iam::111111111111:role/",
                    "arn:aws:iam::111111111111:user/",
                    "arn:aws:iam::111111111111:rule/a",
                    "arn:aws:iam::111111111111:group/a",
                    "arn::iam::111111111111:root",
                    "arn:aws:iam:::root",
                    "arn:aws:iam:r:111111111111:root",
                    "arn:aws:sts::111111111111:role/a",
                    "arn:aws:sts::111111111111:federated-user/",
                    "arn:aws:sts::111111111111:assumed-role/a/s",
                    "arn:aws:iam::111111111111:federated-user/a",
                ],
            ),
        ] {
            let atlas = Atlas::of(universe, []).expect("few states");
            for text in of_it {
                assert!(atlas.has(text), "{universe:?} {text}");
            }
            for text in not {
                assert!(!atlas.has(text), "{universe:?} {text}");
            }
        }
    }

    #[test]
    fn a_wildcard_of_an_arn_keeps_to_its_segment_but_in_the_last() {
        let takes = |pattern: &str, text: &str| {
            let atlas = Atlas::of(Universe::Text, [arn(pattern)]).expect("few states");
            !atlas.class(text).is_empty()
        };
        assert!(takes("a:b:c:d:e:*", "a:b:c:d:e:f:g"));
        assert!(takes("a:b:c:d:e:?", "a:b:c:d:e::"));
        assert!(!takes("a:b:c:d:*:f", "a:b:c:d:e:e:f"));
        assert!(!takes("*:b:c:d:e:f", "a:a:b:c:d:e:f"));
        assert!(!takes("a:b:c:d:?:f", "a:b:c:d:::f"));
        // What is missing is `*`.
        assert!(takes("a:b", "a:b:c:d:e:f:g"));
        assert!(!takes("a:b", "a:b:c:d:e"));
    }

    #[test]
    fn letters_of_either_case_are_one_text() {
        let atlas = Atlas::of(Universe::Text, [Language(vec![any_case("aB-1")])]).expect("few");
        for (text, expected) in [
            ("aB-1", 1),
            ("Ab-1", 1),
            ("AB-1", 1),
            ("aB-2", 0),
            ("aB1", 0),
        ] {
            assert_eq!(atlas.class(text).len(), expected, "{text}");
        }
        assert_eq!(atlas.examples.len(), 2, "{:?}", atlas.examples);
    }
}
