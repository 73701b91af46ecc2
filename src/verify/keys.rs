//! KMS keys of topics and queues: whether those who send through one can use it.
//!
//! Without the key AWS refuses the call (`KMSAccessDenied`), or drops the message where a service delivers it.

use crate::kinds::survey::KeyReading;
use crate::model::{Arn, KmsKey};
use crate::policy::{Clause, Decision, Document, PrincipalClause, Request, Statement, Who};

use super::claim::{Evidence, Trial};
use super::may::Case;
use super::paper::{Origin, Paper};
use super::voice::{Voice, root};
use super::world::{Caller, Thing, What};
use crate::kinds::survey::ceilings::is_of_organization;

/// Somebody whose calls of a topic or queue make its service use a key.
struct Use<'a> {
    key: &'a KmsKey,
    /// The key's own ARN, or one that its alias may stand for.
    arn: String,
    by: &'a Voice,
    /// The caller's account; empty for a service.
    account: &'a str,
    target: &'a Thing,
}

impl<'a> Use<'a> {
    fn of(key: &'a KmsKey, reading: Option<&KeyReading>, by: &'a Voice, target: &'a Thing) -> Self {
        let arn = match reading {
            Some(KeyReading::Read { arn, .. }) => arn.clone(),
            _ => key
                .pattern()
                .replace('*', "00000000-0000-0000-0000-000000000000"),
        };
        let account = match &by.who {
            Who::Arn(arn) => arn.split(':').nth(4).unwrap_or_default(),
            Who::Service(_) | Who::Anonymous => "",
        };
        Self {
            key,
            arn,
            by,
            account,
            target,
        }
    }

    fn is_of_the_keys_account(&self) -> bool {
        self.account == self.key.arn().account()
    }

    fn request(&self, action: &str) -> Request {
        let mut request = self.by.asks(action, self.arn.clone());
        if !self.account.is_empty() {
            let service = self.target.arn.split(':').nth(2).unwrap_or_default();
            let via = format!("{service}.{}.amazonaws.com", self.target.place.region);
            request = request
                .with("kms:ViaService", [via])
                .with("kms:CallerAccount", [self.account]);
        }
        match self.key.alias() {
            Some(alias) => request.with("kms:ResourceAliases", [alias]),
            None => request,
        }
    }

    /// The key under a policy.
    fn under(&self, policy: Document) -> Thing {
        let name = format!("the policy of the KMS key {}", self.key);
        let mut place = self.target.place.clone();
        if let Some(id) = self.key.arn().account_id() {
            place.id = id;
        }
        Thing {
            place,
            arn: self.arn.clone(),
            owned: false,
            policy: Some(Paper::resource(name, policy)),
            what: What::Key,
            ..self.target.clone()
        }
    }

    /// The key under a policy that leaves it to the caller's account.
    fn left_to_the_caller(&self) -> Thing {
        let all = Statement::allow("Account", Clause::of(["kms:*"]))
            .to(PrincipalClause::aws([root(
                &self.target.place,
                self.account,
            )]))
            .on(["*"]);
        self.under(Document::of(vec![all]))
    }
}

impl Case<'_> {
    /// Tries the requests that a service makes of a target's key with the rights of whoever calls it.
    pub(super) fn uses_key(
        &self,
        trial: &mut Trial,
        key: &str,
        actions: &[&str],
        by: &Voice,
        target: &Thing,
    ) {
        let arn = Arn::parse(&target.arn).ok();
        let Some(key) = arn.and_then(|it| KmsKey::of(key, &it)) else {
            return;
        };
        let reading = self.world.keys.get(&key);
        let it = Use::of(&key, reading, by, target);
        let (named, address) = (&by.named, &target.address);
        if key.is_managed_by_aws() {
            if !it.is_of_the_keys_account() {
                trial.lacks(format!(
                    "{address} is encrypted with {key}, a key that AWS manages: its policy lets in principals of account {} \
                     only, and cannot be changed, so {named} cannot use it; use a key of your own",
                    key.arn().account()
                ));
            }
            return;
        }
        let caller = by.caller(self.world);
        let whole = it.left_to_the_caller();
        for action in actions {
            let request = it.request(action);
            let verdict = self.world.should_pass(&request, caller, &whole);
            let blame: Vec<String> = verdict
                .because
                .into_iter()
                .filter(|it| is_of_organization(it))
                .collect();
            if verdict.decision == Decision::Deny && !blame.is_empty() {
                trial.fails(Evidence {
                    says: format!("{named} is refused {action} on the KMS key {key} of {address}"),
                    request: Some(request),
                    blame,
                    origin: Origin::Foreign,
                });
                return;
            }
        }
        let refused = |thing: &Thing| -> Vec<&str> {
            let denied = |action: &&&str| {
                let verdict = self.world.should_pass(&it.request(action), caller, thing);
                verdict.decision == Decision::Deny
            };
            actions.iter().filter(denied).copied().collect()
        };
        let own_side = match caller {
            Caller::Bare => Vec::new(),
            _ => refused(&whole),
        };
        let lacks = format!(
            "{named} lacks {} on the KMS key {key} of {address}",
            own_side.join(" and ")
        );
        let Some(KeyReading::Read { policy, .. }) = reading else {
            if !own_side.is_empty() && !it.is_of_the_keys_account() {
                trial.lacks(lacks);
                return;
            }
            let why = match reading {
                Some(KeyReading::Unread(why)) => format!(" ({why})"),
                _ => String::new(),
            };
            trial.depends_on([format!(
                "the policy of the KMS key {key} of {address} is not read{why}: it must let {named} use {}",
                actions.join(" and ")
            )]);
            return;
        };
        let thing = it.under(policy.clone());
        let denied = refused(&thing);
        let says = format!(
            "the policy of the KMS key {key} of {address} does not let {named} use {}",
            denied.join(" and ")
        );
        match denied.first() {
            None => {
                let verdicts = actions
                    .iter()
                    .map(|action| self.world.should_pass(&it.request(action), caller, &thing));
                let open = verdicts.filter(|it| it.decision == Decision::Unproven);
                trial.depends_on(open.flat_map(|it| it.because));
            }
            Some(_) if !own_side.is_empty() => trial.lacks(lacks),
            // Its owner may have to change it after this apply.
            Some(_) if !self.world.live => {
                let all = Statement::allow("All", Clause::of(["kms:*"]))
                    .to(PrincipalClause::anyone())
                    .on(["*"]);
                let mut opened = policy.clone();
                opened.statements.push(all);
                trial.depends_on([if refused(&it.under(opened)).is_empty() {
                    format!("{says}: its owner adds the statements that are handed over")
                } else {
                    format!("{says}: a `Deny` there refuses it, which its owner has to change")
                }]);
            }
            Some(action) => trial.fails(Evidence {
                request: Some(it.request(action)),
                says,
                blame: Vec::new(),
                origin: Origin::Foreign,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
