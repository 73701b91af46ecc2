//! Dying in the middle.

use super::*;

#[test]
fn a_mended_policy_is_deployed_even_if_we_die_in_between() {
    run(async {
        let writes = 5;
        for k in 1..=writes {
            let cloud = sandbox();
            make_role(&cloud).await;
            let wanted = Wanted::of(&api_for_role());
            wanted.apply(&cloud).await.expect("applied");
            remake_role(&cloud).await;
            let mut rule = FaultRule::new(Trouble::StopAfter).nth([k]);
            rule.writes = Some(true);
            let seam = Seam::around(&cloud).failing([rule]);
            wanted.apply(&seam).await.expect_err("stopped dead");
            let again = wanted.writes(&cloud).await;
            let deployed = again.contains(&"CreateDeployment");
            // A deployment too many does no harm; one too few would.
            assert_eq!(deployed, k < 5, "after {k}: {again:?}");
            assert_eq!(
                wanted.plan(&cloud).await.expect("a plan"),
                [""; 0],
                "after {k}"
            );
        }
    });
}

#[test]
fn every_interrupted_first_apply_arrives_at_the_same_end() {
    run(async {
        let first = Wanted::with(&api(), full(stage_of(&api(), false)), false);
        let undisturbed = sandbox();
        let seam = Seam::around(&undisturbed);
        first.apply(&seam).await.expect("applied");
        let calls = seam.sent();
        for trouble in [
            Trouble::StopAfter,
            Trouble::LoseAnswer,
            Trouble::LoseRequest,
            Trouble::BreakAfter,
        ] {
            for k in 1..=calls {
                let cloud = sandbox();
                let seam = Seam::around(&cloud).failing([FaultRule::at(k, trouble)]);
                let _ = first.apply(&seam).await;
                first.apply(&cloud).await.expect("applied");
                assert_eq!(cloud.picture(), undisturbed.picture(), "{trouble:?} at {k}");
                assert_eq!(first.writes(&cloud).await, [""; 0]);
            }
        }
    });
}

#[test]
fn every_interrupted_change_arrives() {
    run(async {
        let before = Wanted::of(&api());
        let mut changed = api();
        changed.methods.insert(
            key("POST", "/orders"),
            method(AWS_IAM, "https://b.example.com/new"),
        );
        changed.tags.insert("tier".to_owned(), "1".to_owned());
        changed.policy.statements.push(invoke(
            STACK,
            "111111111111",
            "execute-api:/prod/POST/orders",
        ));
        let after = Wanted::with(&changed, full(stage_of(&changed, false)), false);
        let undisturbed = sandbox();
        before.apply(&undisturbed).await.expect("applied");
        let seam = Seam::around(&undisturbed);
        after.apply(&seam).await.expect("applied");
        for k in 1..=seam.sent() {
            let cloud = sandbox();
            before.apply(&cloud).await.expect("applied");
            let seam = Seam::around(&cloud).failing([FaultRule::at(k, Trouble::StopAfter)]);
            let _ = after.apply(&seam).await;
            after.apply(&cloud).await.expect("applied");
            assert_eq!(after.plan(&cloud).await.expect("a plan"), [""; 0], "at {k}");
            let stages = call(
                &cloud,
                &place(),
                GetStages {
                    id: record(&cloud).await.id,
                },
            )
            .await
            .expect("stages");
            assert_eq!(stages.len(), 1);
        }
    });
}
