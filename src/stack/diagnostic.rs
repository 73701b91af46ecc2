//! A fault that points at the words that caused it.
//!
//! Faults are values: they are gathered while a stack is checked, and shown
//! together, in the order of the text. The look is that of rustc and cargo.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{
    AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet, renderer::DecorStyle,
};

use super::Source;
use crate::escape::screen::line;

/// Where words stand: a file, by its place among the sources, and its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The file: 0 is the stack itself, overlays follow.
    pub file: usize,
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl Span {
    pub(super) fn new(file: usize, range: Range<usize>) -> Self {
        Self {
            file,
            start: range.start,
            end: range.end,
        }
    }
}

/// What is said about some words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The words.
    pub span: Span,
    /// What is said.
    pub text: String,
}

/// Words to put in the place of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Why this is offered: `a similar name exists`.
    pub reason: String,
    /// The words to replace.
    pub span: Span,
    /// The words to put there.
    pub replacement: String,
}

/// A fault in a stack file. The first label is the fault; others are context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The family the fault belongs to.
    pub code: Code,
    /// What is wrong, in one line.
    pub message: String,
    /// At which words; the first is the fault itself.
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
    /// What to write instead, when that is known.
    pub fix: Option<Fix>,
}

/// The families of faults, by the code that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The text is not TOML.
    Syntax,
    /// A field that no table has.
    UnknownField,
    /// A value of the wrong type.
    WrongType,
    /// A field that must be there is not.
    Missing,
    /// A value out of its range.
    OutOfRange,
    /// Fields that do not go together.
    Conflict,
    /// A reference to nothing.
    Reference,
    /// A name that is taken.
    Duplicate,
    /// A name that AWS refuses.
    Name,
    /// A route that cannot exist, or that no API has.
    Route,
    /// A principal that cannot stand there.
    Principal,
    /// Two places that cannot be joined.
    Place,
    /// Something AWS cannot do.
    Unsupported,
    /// More of something than AWS takes.
    TooMuch,
    /// A file beside the stack that cannot be used.
    File,
    /// A contract or claims file that cannot be believed.
    Contract,
    /// A claim on what is not offered.
    Claim,
}

impl Code {
    /// Every family.
    pub const ALL: [Self; 17] = [
        Self::Syntax,
        Self::UnknownField,
        Self::WrongType,
        Self::Missing,
        Self::OutOfRange,
        Self::Conflict,
        Self::Reference,
        Self::Duplicate,
        Self::Name,
        Self::Route,
        Self::Principal,
        Self::Place,
        Self::Unsupported,
        Self::TooMuch,
        Self::File,
        Self::Contract,
        Self::Claim,
    ];

    /// The code as it is shown: `E0201`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "E0001",
            Self::UnknownField => "E0101",
            Self::WrongType => "E0102",
            Self::Missing => "E0103",
            Self::OutOfRange => "E0104",
            Self::Conflict => "E0105",
            Self::Reference => "E0201",
            Self::Duplicate => "E0202",
            Self::Name => "E0203",
            Self::Route => "E0301",
            Self::Principal => "E0302",
            Self::Place => "E0303",
            Self::Unsupported => "E0304",
            Self::TooMuch => "E0306",
            Self::File => "E0401",
            Self::Contract => "E0402",
            Self::Claim => "E0305",
        }
    }
}

impl Code {
    /// The family of a code as it is shown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|it| it.as_str().eq_ignore_ascii_case(text))
    }

    /// What faults of the family have in common, and what to do about them.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Syntax => {
                "The file is not TOML, so nothing else of it was looked at. Texts stand in quotes, a table is written once, and a key once in it. All syntax errors of all files are shown together; the other faults follow when they are gone."
            }
            Self::UnknownField => {
                "A table has a field that means nothing there. If a field with a like name exists it is offered, and the value was read as that field's, so that one mistake is told once. `provision schema` gives editors all fields."
            }
            Self::WrongType => {
                "A value is not of the type its field has, or not of the form AWS has for it. Durations are whole seconds or texts such as \"5m\"; sizes are bytes or texts such as \"256KiB\"; an ARN has six parts."
            }
            Self::Missing => {
                "Something must be said here and is not. With one account in the stack no resource needs to name it; with several, each does."
            }
            Self::OutOfRange => {
                "AWS sets a least or a most, and the value is beyond it. The range is shown at the value."
            }
            Self::Conflict => {
                "Two fields do not go together, each being right alone. Often a field describes something that another one says is not there, or not this stack's."
            }
            Self::Reference => {
                "A name is spoken of that no table of the stack has. Names that are declared count also when their own tables have faults, so the fault is in the name itself."
            }
            Self::Duplicate => {
                "AWS keeps one of a name: roles by account, whatever the case and path; topics and queues by account and region; a queue's subscriptions by topic. Accounts are told apart by their ids, not by their names in the stack."
            }
            Self::Name => {
                "AWS refuses the name: its length or one of its characters. FIFO topics and queues end in `.fifo`, which is added by itself where the name is the table's."
            }
            Self::Route => {
                "A route cannot exist, or an access allows one that no route of the API answers. A parameter is a whole segment, `{name}`; one that takes all that follows, `{name+}`, stands last; and at one place there is one parameter."
            }
            Self::Principal => {
                "Someone cannot be let in, or cannot be let in this way. Roles, accounts and role prefixes may stand anywhere; services and OIDC tokens can only assume roles; a VPC endpoint is a way into a private API, and no more."
            }
            Self::Place => {
                "Two things cannot be joined because of where they are. Partitions share nothing; a dead-letter queue is beside its queue; a role that API Gateway or IAM is given is of the same account."
            }
            Self::Unsupported => {
                "AWS has no such thing. HTTP (v2) APIs carry no resource policies; standard topics do not deliver to FIFO queues; SNS cannot use AWS's own key of SQS."
            }
            Self::TooMuch => {
                "A document or an API would be larger than AWS takes: policies have a length, and queues and topics also a number of statements and principals. `validate` counts what the stack writes; `plan` also counts what others have put there. Quotas that AWS has raised are written as `quotas` of the account."
            }
            Self::File => {
                "A file that the stack names cannot be read, or AWS could not use what is in it. Paths are seen from the stack's own folder."
            }
            Self::Contract => {
                "A contract or claims file is not as `provision export` wrote it: of another version, edited by hand, cut short, or of another stack, account or region than the stack says. Have it exported again; it is never mended by hand."
            }
            Self::Claim => {
                "The stack claims what its contract does not offer, or not to this role or queue. What is offered is shown. If it was offered before, the owner has withdrawn it: speak to the owner, or take the claim out."
            }
        }
    }
}

impl Diagnostic {
    pub(super) fn new(
        code: Code,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self {
            code,
            message: one_line(message),
            labels: vec![Label {
                span,
                text: one_line(label),
            }],
            help: None,
            fix: None,
        }
    }

    pub(super) fn and(mut self, span: Span, label: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: one_line(label),
        });
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(one_line(help));
        self
    }

    pub(super) fn fix(
        mut self,
        reason: impl Into<String>,
        span: Span,
        replacement: impl Into<String>,
    ) -> Self {
        self.fix = Some(Fix {
            reason: reason.into(),
            span,
            replacement: replacement.into(),
        });
        self
    }

    fn groups<'a>(&'a self, level: Level<'a>, sources: &'a [Source]) -> Vec<Group<'a>> {
        let title = level
            .primary_title(self.message.as_str())
            .id(self.code.as_str());
        let mut files: Vec<usize> = Vec::new();
        for label in &self.labels {
            if !files.contains(&label.span.file) {
                files.push(label.span.file);
            }
        }
        let mut group = Group::with_title(title);
        for file in files {
            let Some(source) = sources.get(file) else {
                continue;
            };
            if source.text.is_empty() {
                group = group.element(Origin::path(source.name.as_str()));
                continue;
            }
            let mut snippet = Snippet::source(source.text.as_str())
                .path(source.name.as_str())
                .fold(true);
            for (index, label) in self.labels.iter().enumerate() {
                if label.span.file == file {
                    let kind = if index == 0 {
                        AnnotationKind::Primary
                    } else {
                        AnnotationKind::Context
                    };
                    snippet = snippet
                        .annotation(kind.span(within(source, label.span)).label(&label.text));
                }
            }
            group = group.element(snippet);
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let mut groups = vec![group];
        if let Some(fix) = &self.fix
            && let Some(source) = sources.get(fix.span.file)
        {
            groups.push(
                Level::HELP.secondary_title(fix.reason.as_str()).element(
                    Snippet::source(source.text.as_str())
                        .path(source.name.as_str())
                        .fold(true)
                        .patch(Patch::new(within(source, fix.span), &fix.replacement)),
                ),
            );
        }
        groups
    }
}

/// What is said of a fault, in which names of the file and of contracts stand as they were written there.
fn one_line(text: impl Into<String>) -> String {
    let text = text.into();
    match line(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(it) => it,
    }
}

/// The span as bytes that are surely in the text, at character boundaries.
fn within(source: &Source, span: Span) -> Range<usize> {
    let text = &source.text;
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = span.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

/// How many faults are shown with their places, and so how many look for a similar name: one misnamed
/// thing in a generator makes thousands of faults.
pub(super) const SHOWN: usize = 100;

/// All that is wrong with a stack's files. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    sources: Vec<Source>,
    /// How many of the sources are the stack and its overlays: files that these name follow.
    written: usize,
    found: Vec<Diagnostic>,
}

impl Faults {
    /// The faults in the order of the text; `None` when there are none.
    pub(super) fn of(sources: Vec<Source>, mut faults: Vec<Diagnostic>) -> Option<Self> {
        if faults.is_empty() {
            return None;
        }
        faults.sort_by_key(|it| it.labels.first().map(|label| label.span));
        Some(Self {
            written: sources.len(),
            sources,
            found: faults,
        })
    }

    /// The same faults, where only the first few sources are the stack and its overlays.
    pub(super) fn of_which(mut self, written: usize) -> Self {
        self.written = written;
        self
    }

    /// The same faults, where the first file has this name.
    #[must_use]
    pub fn in_file(mut self, name: &str) -> Self {
        if let Some(source) = self.sources.first_mut() {
            name.clone_into(&mut source.name);
        }
        self
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Always false: without a fault there are no `Faults`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The file of some words, and the line and column, from 1, where they begin and those behind their end.
    #[must_use]
    pub fn place(&self, span: Span) -> (&str, [(usize, usize); 2]) {
        let Some(source) = self.sources.get(span.file) else {
            return ("", [(1, 1); 2]);
        };
        let at = |byte: usize| {
            let before = source.text.get(..byte).unwrap_or(&source.text);
            let line = before.rsplit('\n').next().unwrap_or_default();
            (before.matches('\n').count() + 1, line.chars().count() + 1)
        };
        (&source.name, [at(span.start), at(span.end)])
    }

    /// Each fault.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.found.iter()
    }

    /// The same as warnings: they keep nothing from being applied.
    #[must_use]
    pub fn as_warnings(&self, color: bool) -> String {
        self.shown(&Level::WARNING, &renderer(color))
    }

    fn shown(&self, level: &Level<'_>, renderer: &Renderer) -> String {
        let mut text = String::new();
        for fault in self.found.iter().take(SHOWN) {
            text.push_str(&renderer.render(&fault.groups(level.clone(), &self.sources)));
            text.push_str("\n\n");
        }
        text
    }

    /// The faults with the words that caused them, and a closing line that counts them.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let renderer = renderer(color);
        let mut text = self.shown(&Level::ERROR, &renderer);
        let count = match self.found.len() {
            1 => "1 problem".to_owned(),
            many => format!("{many} problems"),
        };
        let written = self.sources.iter().take(self.written);
        let names: Vec<&str> = written.map(|it| it.name.as_str()).collect();
        let shown = match self.found.len() {
            0..=SHOWN => String::new(),
            _ => format!(", the first {SHOWN} shown"),
        };
        let closing = format!(
            "{count} in {}{shown}; no AWS call was made",
            names.join(" with ")
        );
        let closing = Level::ERROR.primary_title(closing);
        text.push_str(&renderer.render(&[Group::with_title(closing)]));
        text.push('\n');
        text
    }
}

fn renderer(color: bool) -> Renderer {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.decor_style(DecorStyle::Ascii)
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The name among `have` that `want` was most likely meant to be.
///
/// Case, `-` and `_` do not count, so `visibilityTimeout` finds
/// `visibility_timeout`; nor does a cut-off end, so `content_dedup` finds
/// `content_based_deduplication`.
pub fn nearest<'a>(want: &str, have: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|it| !matches!(it, '_' | '-' | ' '))
            .flat_map(char::to_lowercase)
            .collect()
    };
    let wanted = plain(want);
    if wanted.is_empty() {
        return None;
    }
    have.into_iter()
        .map(|it| {
            let candidate = plain(it);
            let shorter = wanted.len().min(candidate.len());
            let cut =
                shorter >= 3 && (candidate.starts_with(&wanted) || wanted.starts_with(&candidate));
            let alike = strsim::jaro_winkler(&wanted, &candidate);
            (if cut { alike.max(0.9) } else { alike }, it)
        })
        .filter(|(alike, _)| *alike > 0.78)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
        .map(|(_, it)| it)
}

/// `a`, `b` and `c`, each in backticks.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let names: Vec<String> = names.into_iter().map(|it| format!("`{it}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_forgives_case_dashes_and_cut_off_ends() {
        let have = ["content_based_deduplication", "visibility_timeout", "fifo"];
        assert_eq!(
            nearest("content_dedup", have),
            Some("content_based_deduplication")
        );
        assert_eq!(
            nearest("VisibilityTimeout", have),
            Some("visibility_timeout")
        );
        assert_eq!(nearest("ffio", have), Some("fifo"));
        assert_eq!(nearest("wholly-else", have), None);
        assert_eq!(nearest("", have), None);
    }

    #[test]
    fn codes_are_not_used_twice() {
        let codes: std::collections::BTreeSet<_> = Code::ALL.iter().map(|it| it.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(code));
            assert!(code.explanation().ends_with('.'));
        }
    }

    #[test]
    fn a_fault_shows_its_words_its_context_and_what_to_write() {
        let text = "[topics.orders]\n\n[queues.billing]\ntopic = \"order\"\n";
        let at = |words: &str| {
            let start = text.find(words).expect("the words are in the text");
            Span::new(0, start..start + words.len())
        };
        let fault = Diagnostic::new(
            Code::Reference,
            at("\"order\""),
            "no topic is called `order`",
            "subscribed to here",
        )
        .and(at("orders"), "a topic with a like name")
        .fix("a similar name exists", at("\"order\""), "\"orders\"");
        let source = Source {
            name: "shop.toml".to_owned(),
            text: text.to_owned(),
        };
        let faults = Faults::of(vec![source], vec![fault]).expect("one fault");
        snapbox::assert_data_eq!(
            faults.render(false),
            snapbox::str![[r#"
error[E0201]: no topic is called `order`
 --> shop.toml:4:9
  |
1 | [topics.orders]
  |         ------ a topic with a like name
...
4 | topic = "order"
  |         ^^^^^^^ subscribed to here
  |
help: a similar name exists
  |
4 | topic = "orders"
  |               +

error: 1 problem in shop.toml; no AWS call was made

"#]]
        );
    }
}
