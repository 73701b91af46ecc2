//! AWS services that are let in to topics and queues in their own name: only as they deliver.

use crate::model::Arn;
use crate::policy::publishers::{Carrier, Documented, delivers, delivers_for, of_account};

use super::Principal;
use super::checker::{Checker, is_fifo, texts};
use super::diagnostic::{Code, Diagnostic, Span};
use super::fields::Item;
use super::syntax::Spanned;

/// Reports what never comes about of a service's deliveries to a topic or queue; returns whether nothing is.
pub(super) fn check(
    checker: &mut Checker<'_>,
    item: &Spanned<Item>,
    principal: &Principal,
    whose: &str,
    arn: &Arn,
    key: Span,
) -> bool {
    let to = Carrier { arn };
    let key = is_fifo(arn).then_some(key);
    let (service, sources, account) = match principal {
        Principal::Service(service) => (service, [].as_slice(), None),
        Principal::ServiceFor {
            service,
            sources,
            account,
        } => (service, sources.as_slice(), account.as_ref()),
        _ => return true,
    };
    let fields = match &item.value {
        Item::Fields(fields) => Some(fields),
        _ => None,
    };
    let at = |field: &str, text: &str| {
        let written = fields.map_or(&[][..], |it| it.list(field));
        let listed = texts(written).find(|it| it.value == text).map(|it| it.span);
        let single = || fields.and_then(|it| it.text(field)).map(|it| it.span);
        listed.or_else(single).unwrap_or(item.span)
    };
    let before = checker.faults.len();
    let mut report = |said: Documented, span: Span, for_what: &str| {
        if let Documented::Never(why, instead) = said {
            let fault = Diagnostic::new(
                Code::Principal,
                span,
                format!("the service `{service}` cannot be let in to {whose}{for_what}"),
                why,
            );
            let fault = match key {
                Some(key) => fault.and(key, "FIFO"),
                None => fault,
            };
            checker.report(fault.help(instead));
            return true;
        }
        false
    };
    if !report(delivers(service, &to), at("service", service), "") {
        for text in sources {
            if let Ok(source) = Arn::parse(text) {
                let for_what = format!(" for `{text}`");
                report(
                    delivers_for(service, &source, &to),
                    at("source", text),
                    &for_what,
                );
            }
        }
        if let Some(id) = account.filter(|_| sources.is_empty()) {
            let for_what = format!(" for account {id}");
            let span = fields
                .and_then(|it| it.text("source_account"))
                .map_or(item.span, |it| it.span);
            report(of_account(service, id.as_str(), &to), span, &for_what);
        }
    }
    checker.faults.len() == before
}
