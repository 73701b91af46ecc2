//! What people do to the managed policies of a stack's role behind its back, and what drift says of it.

use futures::future::LocalBoxFuture;
use provision::cloud::{Cloud, Sandbox, Seam, iam};
use provision::drift::revert::{Selector, revert};
use provision::lower::Desired;
use serde_json::json;

use super::{SERVICES, documents, quick, small};
use crate::operator::{make_role, send};
use crate::tamperings::{put_back, told};
use crate::world::{address, apply, assert_in_step, drift, drift_in, plan, read, run};

type Deed = for<'a> fn(&'a dyn Cloud) -> LocalBoxFuture<'a, ()>;

const ARN: &str = "arn:aws:iam::111111111111:policy/provision/fleet/provision-fleet.hub.1";

fn allow(action: &str, resource: &str) -> String {
    let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

async fn rewrite(it: &dyn Cloud, document: String) {
    let arn = ARN.to_owned();
    send(it, SERVICES, iam::CreatePolicyVersion { arn, document }).await;
}

async fn attach(it: &dyn Cloud, role: &str, policy: &str) {
    let call = iam::AttachRolePolicy {
        name: role.to_owned(),
        policy: policy.to_owned(),
    };
    send(it, SERVICES, call).await;
}

async fn detach(it: &dyn Cloud) {
    let call = iam::DetachRolePolicy {
        name: "hub".to_owned(),
        policy: ARN.to_owned(),
    };
    send(it, SERVICES, call).await;
}

async fn another(it: &dyn Cloud) -> String {
    let call = iam::CreatePolicy {
        name: "provision-fleet.hub.9".to_owned(),
        path: "/provision/fleet/".to_owned(),
        document: allow("*", "*"),
        description: String::new(),
    };
    send(it, SERVICES, call).await
}

/// What is done, and the code, address and severity of all that is found.
#[rustfmt::skip]
const TABLE: [(&str, Deed, &[&str]); 11] = [
    ("a version that allows everything", |it| Box::pin(rewrite(it, allow("*", "*"))), &["PD001 roles.hub opens_access"]),
    ("a version that allows next to nothing", |it| Box::pin(rewrite(it, allow("sns:Publish", "arn:aws:sns:eu-west-1:333333333333:x"))), &["PD001 roles.hub opens_access"]),
    ("a version that denies", |it| Box::pin(rewrite(it, allow("sns:Publish", "*").replace("Allow", "Deny"))), &["PD001 roles.hub cuts_access"]),
    ("the version before put in force", |it| Box::pin(async {
        let (arn, version) = (ARN.to_owned(), "v1".to_owned());
        send(it, SERVICES, iam::SetDefaultPolicyVersion { arn, version }).await;
    }), &["PD001 roles.hub opens_access"]),
    ("as many versions as there may be", |it| Box::pin(async {
        for _ in 0..3 {
            rewrite(it, allow("*", "*")).await;
        }
        let version = "v1".to_owned();
        send(it, SERVICES, iam::DeletePolicyVersion { arn: ARN.to_owned(), version }).await;
        let version = "v2".to_owned();
        send(it, SERVICES, iam::DeletePolicyVersion { arn: ARN.to_owned(), version }).await;
        for _ in 0..2 {
            rewrite(it, allow("*", "*")).await;
        }
    }), &["PD001 roles.hub opens_access"]),
    ("detached", |it| Box::pin(detach(it)), &["PD001 roles.hub cuts_access"]),
    ("detached and deleted", |it| Box::pin(async {
        detach(it).await;
        let (arn, version) = (ARN.to_owned(), "v1".to_owned());
        send(it, SERVICES, iam::DeletePolicyVersion { arn: arn.clone(), version }).await;
        send(it, SERVICES, iam::DeletePolicy { arn }).await;
    }), &["PD001 roles.hub cuts_access"]),
    ("attached to a stranger's role", |it| Box::pin(async {
        make_role(it, SERVICES, "spy").await;
        attach(it, "spy", ARN).await;
    }), &["PD004 roles.hub opens_access"]),
    ("attached to another role of the stack's", |it| Box::pin(attach(it, "other", ARN)), &["PD004 roles.other opens_access"]),
    ("a policy with such a name, attached", |it| Box::pin(async {
        let policy = another(it).await;
        attach(it, "hub", &policy).await;
    }), &["PD001 roles.hub opens_access"]),
    ("a policy with such a name, left lying", |it| Box::pin(async { drop(another(it).await) }), &["PD001 roles.hub cosmetic"]),
];

/// The role with its policy in its second version, and a role beside it.
async fn base(desired: &Desired) -> Sandbox {
    let base = quick(desired);
    apply(&small(26), &base).await;
    let before = documents(&base).await["provision-fleet.hub.1"].clone();
    apply(desired, &base).await;
    assert_in_step(desired, &base, "before anything is done to it").await;
    assert_ne!(documents(&base).await["provision-fleet.hub.1"], before);
    base
}

fn desired() -> Desired {
    super::beside(16)
}

#[test]
fn every_tampering_with_a_managed_policy_is_found_for_what_it_means_and_put_back() {
    let desired = desired();
    let mut wrong = Vec::new();
    for (name, deed, expected) in TABLE {
        let left = run(async {
            let sandbox = base(&desired).await;
            let before = documents(&sandbox).await;
            assert_eq!(told(&drift(&desired, &sandbox).await), [""; 0]);
            deed(&sandbox).await;
            let found = drift(&desired, &sandbox).await;
            if told(&found) != expected {
                return Some(format!("found {:#?}\n{:#?}", told(&found), found.findings));
            }
            let reading = read(&desired, &sandbox).await;
            put_back(&desired, &reading, &found, &Seam::around(&sandbox)).await;
            let left = drift(&desired, &sandbox).await;
            if !left.findings.is_empty() {
                return Some(format!("left {:#?}", left.findings));
            }
            (documents(&sandbox).await != before).then(|| "not as before".to_owned())
        });
        wrong.extend(left.map(|it| format!("{name}: {it}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_policy_that_bounds_somebody_else_is_told_and_stays_until_they_let_go() {
    run(async {
        let desired = desired();
        let sandbox = base(&desired).await;
        make_role(&sandbox, SERVICES, "bounded").await;
        let call = iam::PutRolePermissionsBoundary {
            name: "bounded".to_owned(),
            boundary: ARN.to_owned(),
        };
        send(&sandbox, SERVICES, call).await;
        let reading = read(&desired, &sandbox).await;
        let found = drift_in(&desired, &reading);
        assert_eq!(told(&found), ["PD004 roles.hub changes_behaviour"]);
        let hub = [Selector::Address(address("roles.hub"))];
        let revert = revert(&desired, &reading, &found, &hub).expect("a revert");
        assert_eq!(revert.stays.len(), 1, "{:?}", revert.stays);

        // Nothing is torn down half: the policy could not be deleted.
        let fits = small(11);
        let said = plan(&fits, &sandbox).await.refusals;
        let said: Vec<&str> = said.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(
            said,
            [
                "its policy `provision-fleet.hub.1` is to go, and cannot be deleted while it is the permissions boundary \
              of role bounded; detach it there first, or with `drift --revert`"
            ]
        );
    });
}
