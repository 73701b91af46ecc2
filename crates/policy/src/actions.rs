//! The actions that services have, by the Service Authorization Reference, for the services of a stack.
//!
//! Other services are not listed, and AWS adds actions, so what is not here may exist all the same.

use std::sync::OnceLock;

/// The actions of each service that is known, in the service's own spelling.
const ACTIONS: &str = include_str!("actions.txt");

/// Services, and their actions.
pub(super) fn services() -> &'static [(&'static str, Vec<&'static str>)] {
    static SERVICES: OnceLock<Vec<(&str, Vec<&str>)>> = OnceLock::new();
    SERVICES.get_or_init(|| {
        let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
        for line in ACTIONS.lines().filter(|it| !it.starts_with('#')) {
            match (line.strip_prefix(' '), found.last_mut()) {
                (Some(names), Some((_, actions))) => actions.extend(names.split_whitespace()),
                (Some(_), None) => {}
                (None, _) => found.push((line, Vec::new())),
            }
        }
        found
    })
}

/// Returns the actions of a listed service in their own spelling, each with its service: `sns:Publish`.
pub(super) fn all_of(service: &str) -> impl Iterator<Item = String> {
    let known = services().iter().find(|(it, _)| *it == service);
    known
        .into_iter()
        .flat_map(|(service, names)| names.iter().map(move |it| format!("{service}:{it}")))
}

/// Returns whether an action is one of its service's, where that service is listed.
#[must_use]
pub fn is_listed(action: &str) -> Option<bool> {
    let (service, name) = action.split_once(':')?;
    let own = |it: &&(&str, Vec<&str>)| it.0.eq_ignore_ascii_case(service);
    let (_, names) = services().iter().find(own)?;
    Some(names.iter().any(|it| it.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_of_a_listed_service_exists_or_does_not() {
        assert_eq!(is_listed("sns:Publish"), Some(true));
        assert_eq!(is_listed("KMS:decrypt"), Some(true));
        assert_eq!(is_listed("kms:put"), Some(false));
        assert_eq!(is_listed("dynamodb:GetItem"), None);
        assert_eq!(is_listed("Publish"), None);
        assert!(all_of("execute-api").any(|it| it == "execute-api:Invoke"));
        assert_eq!(all_of("dynamodb").count(), 0);
    }
}
