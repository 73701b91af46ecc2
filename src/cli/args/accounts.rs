//! Which accounts are entered.

use clap::Args;

use super::{address, quoted};
use crate::model::{AccountId, Address, Arn};

/// Which accounts are entered.
#[derive(Clone, Debug, Default, Args)]
pub struct Reach {
    /// An account that cannot be entered any more, by its name or id: nothing is read or written
    /// there, and all of it is told as left. May be repeated.
    #[arg(long, value_name = "ACCOUNT")]
    pub unreachable: Vec<String>,
}

/// Which accounts are read that are not in the stack any more.
#[derive(Clone, Debug, Default, Args)]
pub struct Also {
    /// An account that left the stack: what is still there of it is read too. May be repeated.
    #[arg(long, value_name = "ID[=ROLE]", value_parser = also, hide_short_help = true)]
    pub also_account: Vec<AlsoAccount>,
}

/// Which APIs of others may be deployed with what their owners have not deployed.
#[derive(Clone, Debug, Default, Args)]
pub struct Publish {
    /// Agree to deploy an API of others with what its owner has changed and not deployed: `--publish apis.orders`.
    /// May be repeated.
    #[arg(long = "publish", value_name = "API", value_parser = address)]
    pub apis: Vec<Address>,
}

impl Publish {
    /// The flags that say it again, each after a space.
    #[must_use]
    pub fn flags(&self) -> String {
        let flags = self.apis.iter().map(|it| format!(" --publish {it}"));
        flags.collect()
    }
}

/// An account that left the stack, and how to get in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlsoAccount {
    /// Its id.
    pub id: AccountId,
    /// The role to assume there, by its ARN, or a profile; without it, as in the stack's other accounts.
    pub by: Option<String>,
}

impl Also {
    /// The flags that say it again, each after a space.
    #[must_use]
    pub fn flags(&self) -> String {
        let flag = |it: &AlsoAccount| {
            let by = it
                .by
                .as_ref()
                .map_or_else(String::new, |it| format!("={it}"));
            format!(" --also-account {}", quoted(&format!("{}{by}", it.id)))
        };
        self.also_account.iter().map(flag).collect()
    }
}

impl Reach {
    /// The flags that say it again, each after a space.
    #[must_use]
    pub fn flags(&self) -> String {
        let flag = |it: &String| format!(" --unreachable {}", quoted(it));
        self.unreachable.iter().map(flag).collect()
    }
}

fn also(text: &str) -> Result<AlsoAccount, String> {
    let (id, by) = match text.split_once('=') {
        Some((id, by)) => (id, Some(by.to_owned())),
        None => (text, None),
    };
    let id = AccountId::parse(id).ok_or_else(|| {
        format!(
            "`{id}` is not an account's id: twelve digits, and `=` with a role's ARN or a profile"
        )
    })?;
    if let Some(role) = by.as_deref().filter(|it| it.starts_with("arn:")) {
        let fits = Arn::parse(role).is_ok_and(|it| {
            it.service() == "iam"
                && it.resource().starts_with("role/")
                && it.account_id() == Some(id.clone())
        });
        if !fits {
            return Err(format!("`{role}` is not the ARN of a role in account {id}"));
        }
    }
    Ok(AlsoAccount { id, by })
}
