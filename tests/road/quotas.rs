//! Quotas that an account has had raised: read where they can matter, and nowhere else.

use provision::cloud::sandbox::Habits;
use provision::cloud::seam::{FaultRule, Trouble};
use provision::cloud::{Sandbox, Seam};
use provision::kinds::survey;
use provision::lower::Desired;
use provision::model::AccountId;
use provision::plan::{Consent, Plan};

use crate::world::{apply, assert_in_step, run, sandbox_for, spoken, wanted};

const ACCOUNT: &str = "111111111111";
const TRUST: &str = "AssumeRolePolicySizeQuota";

/// A role that so many others may assume.
fn trusted_by(count: usize, description: &str) -> Desired {
    let others: Vec<String> = (0..count)
        .map(|it| format!("\"arn:aws:iam::999999999999:role/consumers/consumer-{it:03}\""))
        .collect();
    wanted(&[&format!(
        "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"{ACCOUNT}\"\n\
         [roles.r]\naccount = \"a\"\ndescription = \"{description}\"\ntrusted_by = [{}]\n",
        others.join(", ")
    )])
}

fn raised(desired: &Desired, limit: i32) -> Sandbox {
    let account = AccountId::parse(ACCOUNT).expect("an account");
    sandbox_for([desired]).with_quota(&account, TRUST, limit)
}

#[test]
fn a_trust_policy_may_be_as_long_as_its_account_lets() {
    let (many, too_many) = (trusted_by(50, "x"), trusted_by(90, "x"));
    run(async {
        let refused = crate::world::plan(&many, &sandbox_for([&many]))
            .await
            .refusals;
        assert!(
            refused[0].message.contains("of 2048 characters"),
            "{refused:?}"
        );

        let sandbox = raised(&many, 4096);
        let ran = apply(&many, &sandbox).await;
        let asked = ran
            .records
            .iter()
            .filter(|it| it.to_string().contains("GetAccountSummary"));
        assert_eq!(asked.count(), 1, "{}", ran.story());
        assert_in_step(&many, &sandbox, "after it").await;
        let refused = crate::world::plan(&too_many, &sandbox).await.refusals;
        assert!(
            refused[0].message.contains("of 4096 characters"),
            "{refused:?}"
        );
    });
}

#[test]
fn quotas_are_not_asked_for_where_the_defaults_do() {
    let few = trusted_by(3, "x");
    run(async {
        let ran = apply(&few, &raised(&few, 4096)).await;
        assert!(
            !ran.story().contains("GetAccountSummary"),
            "{}",
            ran.story()
        );
    });
}

#[test]
fn a_live_document_that_is_longer_than_the_default_can_be_managed_without_the_quotas() {
    let (before, after) = (trusted_by(50, "before"), trusted_by(50, "after"));
    run(async {
        let sandbox = raised(&before, 4096);
        apply(&before, &sandbox).await;
        let denied = FaultRule {
            action: Some("GetAccountSummary".to_owned()),
            ..FaultRule::new(Trouble::Deny)
        };
        let seam = Seam::around(&sandbox).failing([denied]);
        let live = survey::survey(&after.stack, &after.wants, &after.reached(), &seam).await;
        let plan = Plan::between(&after, &live.expect("read"), &Consent::default());
        assert_eq!(plan.refusals, []);
        assert_eq!(spoken(&plan), ["~ roles.r description"]);
    });
}

/// An API that so many roles of others may call.
fn called_by(count: usize, quotas: &str) -> Desired {
    let access: Vec<String> = (0..count)
        .map(|it| {
            format!(
                "[[access]]\nfrom = \"arn:aws:iam::999999999999:role/consumers/consumer-{it:03}\"\nto = \"apis.x\"\n\
                 allow = [\"GET /x\"]\nvia = \"resource-policy\"\n"
            )
        })
        .collect();
    wanted(&[&format!(
        "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"{ACCOUNT}\"\n{quotas}\n\
         [apis.x]\naccount = \"a\"\nstage = {{ name = \"live\", rate = 10 }}\n[apis.x.routes]\n\"GET /x\" = {{ mock = 200 }}\n{}",
        access.join("")
    )])
}

#[test]
fn a_stack_says_how_long_an_apis_policy_may_be() {
    let raised = "[accounts.a.quotas]\napi_policy = 16384";
    let (unsaid, said) = (called_by(150, ""), called_by(150, raised));
    run(async {
        let account = AccountId::parse("999999999999").expect("an account");
        let sandbox = || {
            let accounts = [
                AccountId::parse(ACCOUNT).expect("an account"),
                account.clone(),
            ];
            Sandbox::in_memory(&accounts).with(Habits {
                api_policy: 16384,
                ..Habits::default()
            })
        };
        let refused = crate::world::plan(&unsaid, &sandbox()).await.refusals;
        assert!(refused[0].message.contains("of 8192"), "{refused:?}");
        let gauges = crate::world::plan(&said, &sandbox()).await;
        assert_eq!(gauges.refusals, []);
        let limits: Vec<usize> = gauges.gauges.iter().map(|it| it.budget.limit).collect();
        assert!(limits.contains(&16384), "{limits:?}");
    });
}
