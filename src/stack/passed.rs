//! Roles that a service is passed, to work under: they are of the account of what the service works on.

use super::checker::{Checker, Noun, Standing};
use super::diagnostic::{Code, Diagnostic};
use super::syntax::Spanned;
use super::{RoleRef, roles};

/// A service that works under roles, and what to do about a role of another account than the resource's.
#[derive(Clone, Copy)]
pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
}

pub(super) const API_GATEWAY: Service = Service {
    name: "apigateway.amazonaws.com",
    help: "API Gateway is passed roles of its own account only: declare one there, or leave `credentials` out and have one made",
};

pub(super) const SNS: Service = Service {
    name: "sns.amazonaws.com",
    help: "SNS is passed roles of the topic's own account only: declare one there",
};

/// The role that an API or a topic works under: a service is passed roles of the resource's own account only.
pub(super) fn passed(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    who: &str,
    standing: Option<&Standing>,
    service: Service,
) -> Option<RoleRef> {
    let span = text.span;
    let (role, id) = if text.value.starts_with("arn:") {
        let arn = checker.arn(text, "iam", "a role's ARN")?;
        if !arn.resource().starts_with("role/") {
            checker.report(
                Diagnostic::new(
                    Code::WrongType,
                    span,
                    format!("`{arn}` is not a role's ARN"),
                    "not a role",
                )
                .help("write `arn:aws:iam::ACCOUNT:role/NAME`"),
            );
            return None;
        }
        let id = arn.account().to_owned();
        (RoleRef::Arn(arn), Some(id))
    } else {
        let name = checker.reference(Noun::Role, text, who)?;
        let id = checker
            .standing(Noun::Role, &name)
            .map(|it| it.id.to_string());
        (RoleRef::Stack(name), id)
    };
    if let (Some(standing), Some(id)) = (standing, id)
        && id != standing.id.as_str()
    {
        checker.report(
            Diagnostic::new(
                Code::Place,
                span,
                format!("{who} cannot work under a role of another account"),
                format!("in account {id}"),
            )
            .and(standing.key, format!("in account {}", standing.id))
            .help(service.help),
        );
        return None;
    }
    if let RoleRef::Stack(name) = &role
        && let Some(trusted) = checker.roles.get(name)
        && !roles::lets_in(trusted, service.name)
    {
        let warning = Diagnostic::new(
            Code::Principal,
            span,
            format!(
                "role `{name}` does not trust `{}`, which is to work under it for {who}",
                service.name
            ),
            "cannot be assumed",
        );
        let warning = warning.help(format!(
            "name `{}` in the role's `trusted_by`",
            service.name
        ));
        checker
            .warnings
            .push(match checker.names(Noun::Role).get(name) {
                Some(at) => warning.and(*at, "declared here"),
                None => warning,
            });
    }
    Some(role)
}
