//! Texts as mapping templates that answer just these texts.
//!
//! API Gateway evaluates a mapping template as Velocity: `$name` and `${name}` are variables, and `#name` directives. A text
//! that has such a thing is written with variables for the signs themselves, which are set before it; in single
//! quotes nothing is evaluated.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings.html> and
//! <https://velocity.apache.org/engine/1.7/user-guide.html#literals>.

/// What stands before a text whose signs are variables.
const SIGNS: &str = "#set($dollar = '$')#set($hash = '#')";

/// Whether Velocity would evaluate something of a text.
///
/// A `$` before a digit or a space, and a `#` before them, are text.
#[must_use]
pub fn is_evaluated(text: &str) -> bool {
    let pairs = text.chars().zip(text.chars().skip(1));
    let evaluated = |(sign, next): (char, char)| match sign {
        '$' => next.is_ascii_alphabetic() || "_!{\\[".contains(next),
        '#' => next.is_ascii_alphabetic() || "_@{#*[\\".contains(next),
        _ => false,
    };
    pairs.into_iter().any(evaluated)
}

/// Returns the template that answers a text; `None` of one that Velocity cannot be kept from changing.
///
/// A backslash before a sign says in Velocity that the sign is meant, and would be left out.
#[must_use]
pub fn template_of(text: &str) -> Option<String> {
    if !is_evaluated(text) {
        return Some(text.to_owned());
    }
    if text.contains("\\$") || text.contains("\\#") {
        return None;
    }
    let signs = text.chars().map(|it| match it {
        '$' => "${dollar}".to_owned(),
        '#' => "${hash}".to_owned(),
        other => other.to_string(),
    });
    Some(format!("{SIGNS}{}", signs.collect::<String>()))
}

/// Returns the text that a template answers; `None` of one that is evaluated.
#[must_use]
pub fn text_of(template: &str) -> Option<String> {
    if !is_evaluated(template) {
        return Some(template.to_owned());
    }
    let text = template.strip_prefix(SIGNS)?;
    let text = text.replace("${hash}", "#").replace("${dollar}", "$");
    (template_of(&text).as_deref() == Some(template)).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_that_is_not_evaluated_is_its_own_template() {
        for text in [
            "",
            "costs $5",
            "# 1",
            "a#1",
            "{\"a\": \"$ b\"}",
            "100 $",
            "\\d",
        ] {
            assert_eq!(template_of(text).as_deref(), Some(text));
            assert_eq!(text_of(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn signs_are_written_by_name_where_something_would_be_evaluated() {
        for (text, rest) in [
            ("$input.x", "${dollar}input.x"),
            ("${a} is $5", "${dollar}{a} is ${dollar}5"),
            ("#if(true)#end", "${hash}if(true)${hash}end"),
            ("## no comment", "${hash}${hash} no comment"),
            ("#[[raw]]#", "${hash}[[raw]]${hash}"),
            ("#*", "${hash}*"),
        ] {
            let template = template_of(text).expect("a template");
            assert_eq!(template, format!("{SIGNS}{rest}"));
            assert_eq!(text_of(&template).as_deref(), Some(text));
        }
        assert_eq!(template_of("\\$input"), None);
        assert_eq!(text_of("$context.requestId"), None);
        assert_eq!(text_of(&format!("{SIGNS}$input.x")), None);
    }

    proptest! {
        #[test]
        fn a_template_answers_the_text_that_it_was_made_of(text in "[a${}#\\\\\\[*! 5]{0,12}") {
            if let Some(template) = template_of(&text) {
                prop_assert_eq!(text_of(&template), Some(text));
            }
        }
    }
}
