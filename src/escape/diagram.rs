//! Text for a label of a diagram.

use super::screen::line;

/// Returns a text within the quotes of Graphviz.
#[must_use]
pub fn dot(text: &str) -> String {
    line(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// Returns a text within the quotes of Mermaid, which reads HTML in them.
#[must_use]
pub fn mermaid(text: &str) -> String {
    let text = line(text).replace('#', "#35;").replace('"', "#quot;");
    text.replace('<', "#lt;")
        .replace('>', "#gt;")
        .replace('`', "#96;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_ended_by_nothing_in_it() {
        assert_eq!(dot("a\"b\\\n"), "a\\\"b\\\\\\\\n");
        assert_eq!(mermaid("a\"<b>\n"), "a#quot;#lt;b#gt;\\n");
    }
}
