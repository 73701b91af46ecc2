//! Values that may hold policy variables: `${aws:PrincipalTag/team}`.
//!
//! A variable is filled with text, never with wildcards. Documents of the old version
//! have no variables; the same letters are text in them.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>.

use std::borrow::Cow;

use super::facts::{Facts, Key};
use super::patterns::{Pattern, Token};

/// A pattern that may hold policy variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Template {
    /// None.
    Fixed(Pattern),
    /// Some, among text.
    Variable(Vec<Piece>),
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text, with its wildcards.
    Text(Vec<Token>),
    /// `${key, 'default'}`; the key in lower case.
    Variable {
        /// The key.
        key: String,
        /// What stands for it where it is absent.
        default: Option<String>,
    },
}

/// Why a template has no pattern in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfilled {
    /// The variable certainly has no value: what it stands in matches nothing.
    Gone,
    /// Nobody told us the value of this key.
    Open(String),
}

impl Template {
    /// Reads a value. `wild` says whether `*` and `?` are wildcards in it, `variables` whether
    /// `${…}` is more than text, as it is in documents of version 2012-10-17 only.
    #[must_use]
    pub fn parse(text: &str, wild: bool, variables: bool) -> Self {
        let plain = |text: &str| {
            let pattern = if wild {
                Pattern::of(text)
            } else {
                Pattern::literal(text)
            };
            pattern.tokens().to_vec()
        };
        let mut pieces = Vec::new();
        let mut tokens = Vec::new();
        let mut rest = text;
        while variables && let Some((before, after)) = rest.split_once("${") {
            let Some((inside, after)) = after.split_once('}') else {
                break;
            };
            tokens.extend(plain(before));
            rest = after;
            if let "*" | "?" | "$" = inside {
                tokens.extend(inside.chars().map(Token::Char));
                continue;
            }
            let (key, default) = match inside.split_once(',') {
                Some((key, default)) => {
                    let default = default.trim();
                    let bare = default
                        .strip_prefix('\'')
                        .and_then(|it| it.strip_suffix('\''));
                    (key.trim(), Some(bare.unwrap_or(default).to_owned()))
                }
                None => (inside.trim(), None),
            };
            pieces.push(Piece::Text(std::mem::take(&mut tokens)));
            pieces.push(Piece::Variable {
                key: key.to_ascii_lowercase(),
                default,
            });
        }
        tokens.extend(plain(rest));
        if pieces.is_empty() {
            return Self::Fixed(Pattern::from_tokens(tokens));
        }
        pieces.push(Piece::Text(tokens));
        Self::Variable(pieces)
    }

    /// The pattern, with its variables filled from the request.
    pub fn fill(&self, facts: &Facts<'_>) -> Result<Cow<'_, Pattern>, Unfilled> {
        let pieces = match self {
            Self::Fixed(pattern) => return Ok(Cow::Borrowed(pattern)),
            Self::Variable(pieces) => pieces,
        };
        let mut tokens = Vec::new();
        for piece in pieces {
            let (key, default) = match piece {
                Piece::Text(text) => {
                    tokens.extend_from_slice(text);
                    continue;
                }
                Piece::Variable { key, default } => (key, default),
            };
            let open = || Unfilled::Open(key.clone());
            let value = match (facts.key(key), default) {
                (Key::Given([one]), _) => Cow::Borrowed(one.as_str()),
                (Key::Told(one), _) => one,
                // No session has a user's name. But a tag that the request does not
                // mention may well be on the role.
                (Key::Absent, _) if key.contains('/') && facts.given(key).is_none() => {
                    return Err(open());
                }
                (Key::Absent, Some(default)) => Cow::Borrowed(default.as_str()),
                (Key::Absent, None) => return Err(Unfilled::Gone),
                _ => return Err(open()),
            };
            tokens.extend(value.chars().map(Token::Char));
        }
        Ok(Cow::Owned(Pattern::from_tokens(tokens)))
    }
}
