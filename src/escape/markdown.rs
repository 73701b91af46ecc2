//! Text for a page of Markdown, as forges show it.

use super::screen::line;

/// Returns a text as code, in which nothing is read: no link, no HTML, no name of a person; `|` is safe in tables.
///
/// Its own backticks, which would end it, are shown as `'`.
#[must_use]
pub fn code(text: &str) -> String {
    let text = line(text).replace('`', "'").replace('|', "\\|");
    if text.trim().is_empty() {
        return "` `".to_owned();
    }
    format!("`{text}`")
}

/// Returns a text as words, in which nothing is read as markup.
#[must_use]
pub fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in line(text).chars() {
        match it {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // An empty comment keeps a name from being called, and a number from being a link.
            '@' | '#' => {
                out.push(it);
                out.push_str("<!-- -->");
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(it);
            }
            it => out.push(it),
        }
    }
    out
}

/// Returns a block of code with a fence that the code cannot end.
#[must_use]
pub fn block(language: &str, code: &str) -> String {
    let mut fence = "```".to_owned();
    while code.contains(&fence) {
        fence.push('`');
    }
    let code = code.trim_end_matches('\n');
    format!("{fence}{language}\n{code}\n{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_ended_by_nothing_in_it() {
        assert_eq!(code("orders"), "`orders`");
        assert_eq!(code("a `b` | c"), "`a 'b' \\| c`");
        assert_eq!(code("a\n</td>``"), "`a\\n</td>''`");
        assert_eq!(code(""), "` `");
    }

    #[test]
    fn words_are_no_markup() {
        assert_eq!(
            words("[a](http://b) <img> @team #1 | `c`"),
            "\\[a\\](http://b) &lt;img&gt; @<!-- -->team #<!-- -->1 \\| \\`c\\`"
        );
    }

    #[test]
    fn a_block_is_ended_by_nothing_in_it() {
        assert_eq!(block("sh", "a\n```\nb\n"), "````sh\na\n```\nb\n````");
    }
}
