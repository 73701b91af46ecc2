//! A sandbox that learned what another cloud answered answers the same.

use provision::cloud::sandbox::Habits;
use provision::cloud::{Cloud as _, Seam};
use provision::kinds::survey;

use crate::coverage::stack::{FULL, whole};
use crate::world::{all_stacks, apply, run, sandbox_for, wanted};

#[test]
fn a_sandbox_gives_every_answer_that_it_learned() {
    let mut asked = std::collections::BTreeSet::new();
    let mut all = all_stacks();
    all.insert("every field".to_owned(), wanted(&[&whole(FULL)]));
    for (name, desired) in all {
        run(async {
            let sandbox = sandbox_for([&desired]);
            apply(&desired, &sandbox).await;
            let seam = Seam::around(&sandbox).keeping();
            let places = desired.reached();
            let wants = &desired.wants;
            let first = survey::read(&desired.stack, wants, &places, &seam).await;
            let learned = seam
                .learned(Habits::default())
                .map(Seam::around)
                .expect("kept");
            for (at, request, answer) in seam.heard() {
                asked.insert(request.action());
                let again = learned.send(&at, request.clone()).await;
                assert_eq!(again, answer, "{name}: {request:?}");
            }
            let second = survey::read(&desired.stack, wants, &places, &learned).await;
            assert_eq!(first, second, "{name}");
        });
    }
    for it in [
        "GetAccountAuthorizationDetails",
        "ListRoles",
        "GetTopicAttributes",
        "GetQueueAttributes",
        "GetRestApis",
        "GetResources",
        "GetStages",
        "GetDeployment",
        "GetSubscriptionAttributes",
        "GetKeyPolicy",
    ] {
        assert!(asked.contains(it), "no stack asked {it}: {asked:?}");
    }
}
