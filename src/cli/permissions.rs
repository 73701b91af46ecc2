//! `provision permissions`

use super::args;
use super::args::Only;
use super::screen::Screen;
use super::session::{account_called, load_withdrawn, lowered};
use super::{Ending, Failure};
use crate::model::Arn;
use crate::permissions::{Purpose, fitting, policy, trust};
use crate::report::permissions::{Permissions, human, json};

/// Prints what the role that enters an account must be allowed, and whom it trusts.
pub(super) fn permissions(args: &args::Permissions, screen: &Screen) -> Result<Ending, Failure> {
    let stack = load_withdrawn(&args.files)?;
    let desired = lowered(&stack)?;
    let id = account_called(&stack, &args.account)?;
    let Some(account) = stack.entered().find(|it| it.place.id == id) else {
        return Err(Failure::Plain(format!(
            "the stack does not enter account {id}; it has {}",
            stack
                .accounts
                .keys()
                .cloned()
                .collect::<Vec<_>>()
                .join(", ")
        )));
    };
    let purpose = if args.read_only {
        Purpose::Read
    } else {
        Purpose::Apply
    };
    let policies = fitting(&policy(&stack, &desired, &id, purpose));
    let trusted = if args.trusts.is_empty() {
        // The account's own policies decide then who of it may.
        vec![Arn::root(account.place.partition().as_str(), &id)]
    } else {
        args.trusts.clone()
    };
    let role = account.credentials.role.clone();
    let trust = role.as_ref().map(|_| trust(account, &trusted));
    let found = Permissions {
        account: &account.place,
        role,
        read_only: args.read_only,
        policies,
        trust,
    };
    match args.only {
        Some(Only::Policy) => {
            let texts = found
                .policies
                .iter()
                .map(|it| format!("{:#}\n", it.to_value()));
            screen.result(&texts.collect::<String>());
        }
        Some(Only::Trust) => match &found.trust {
            Some(it) => screen.result(&format!("{:#}\n", it.to_value())),
            None => {
                return Err(Failure::Plain(format!(
                    "the stack names no `role` for account {id}: it is entered with your own credentials, and nothing is trusted"
                )));
            }
        },
        None if args.json => screen.result(&format!("{:#}\n", json(&found, &stack.name))),
        None => screen.result(&human(&found)),
    }
    if args.trusts.is_empty() && found.trust.is_some() && args.only != Some(Only::Policy) {
        screen.talk(&format!(
            "the trust policy lets in whoever account {id} itself allows to assume the role; `--trusts ARN` names one"
        ));
    }
    Ok(Ending::Done)
}
