//! A role that was deleted takes its access with it wherever it was named; the plan says where, and one apply gives it back.

use std::collections::BTreeSet;
use std::time::Duration;

use provision::cloud::Sandbox;
use provision::execute::Rehearsal;
use provision::plan::{Ghost, Plan, Rebirth};
use provision::report::style::plain;
use provision::report::{human, json};
use serde_json::{Value, json};

use crate::operator::{
    ORDERS, SHOP, TOPIC, delete_role, make_role, remake_role, rewrite_topic, send,
};
use crate::reached::Snapshot;
use crate::world::{address, apply, assert_in_step, drift, plan, run, sandbox_for, spoken, wanted};

/// A role of one account that documents of two others name, and one of its own.
const STACK: &str = r#"
[stack]
name   = "three"
region = "eu-west-1"
[accounts.shop]
id = "111111111111"
[accounts.billing]
id = "222222222222"
[accounts.orders]
id = "333333333333"

[roles.checkout]
account    = "shop"
trusted_by = "lambda.amazonaws.com"
[roles.audit]
account    = "shop"
trusted_by = "roles.checkout"
[roles.refunds]
account    = "billing"
trusted_by = "lambda.amazonaws.com"

[apis.bills]
account = "billing"
[apis.bills.routes]
"GET /bills"  = { mock = 200 }
"POST /bills" = { mock = 201 }
[topics.order-events]
account = "orders"

[[access]]
from  = ["roles.checkout", "roles.refunds"]
to    = "topics.order-events"
via   = "resource-policy"
[[access]]
from  = "roles.checkout"
to    = "apis.bills"
allow = ["GET /bills", "POST /bills"]
via   = "assume-role"
"#;

const ARN: &str = "arn:aws:iam::111111111111:role/provision/three/checkout";

/// The id by which the topic's policy names who is gone.
async fn dead_ids(sandbox: &Sandbox) -> BTreeSet<String> {
    use provision::cloud::sns::GetTopicAttributes;
    let arn = TOPIC.to_owned();
    let attributes = send(sandbox, ORDERS, GetTopicAttributes { arn }).await;
    let policy = &attributes["Policy"];
    let words = policy.split('"').filter(|it| it.starts_with("AROA"));
    words.map(str::to_owned).collect()
}

fn documents(plan: &Plan) -> Vec<String> {
    let pins = plan.reborn.iter().flat_map(|it| &it.pins);
    let all = pins.map(|it| format!("{} of {} in {}", it.document, it.address, it.place.account));
    all.collect()
}

/// What a plan prints, without colours.
fn printed(plan: &Plan) -> String {
    plain(&human::plan(plan, None, &Rehearsal::default(), 160))
}

const EVERYWHERE: [&str; 3] = [
    "trust policy of roles.audit in shop",
    "trust policy of roles.bills-for-checkout in billing",
    "policy of topics.order-events in orders",
];

/// Applies, deletes by `how`, looks, applies once, and looks again.
async fn breaks(how: impl AsyncFn(&Sandbox), rebirth: Rebirth, steps: &[&str]) {
    let desired = wanted(&[STACK]);
    let sandbox = sandbox_for([&desired]);
    apply(&desired, &sandbox).await;
    let before = Snapshot::of(&sandbox).reached();
    let theirs = before.iter().filter(|(who, _)| who == ARN).count();
    assert_eq!(theirs, 3, "two routes and a topic");
    how(&sandbox).await;
    let broken = Snapshot::of(&sandbox).reached();
    assert!(broken.iter().all(|(who, _)| who != ARN), "{broken:#?}");

    let planned = plan(&desired, &sandbox).await;
    assert_eq!(spoken(&planned), steps);
    let [role] = planned.reborn.as_slice() else {
        panic!("{:#?}", planned.reborn);
    };
    assert_eq!((role.who.as_str(), role.how), ("roles.checkout", rebirth));
    assert_eq!(role.was, dead_ids(&sandbox).await);
    assert_eq!(documents(&planned), EVERYWHERE);
    let was = BTreeSet::from(["roles.checkout".to_owned()]);
    assert!(planned.ghosts.iter().all(|it| it.was == was));

    let text = printed(&planned);
    let id = role.was.first().expect("an id");
    for line in [
        "Access changes   3 gained (3 again)  0 lost",
        "! roles.checkout (shop 111111111111) was deleted",
        &format!("its id was {id}\n"),
        "pinned again in this run: 3 documents in 3 accounts\n",
        "+ may call GET /bills, POST /bills of apis.bills  trust policy of roles.bills-for-checkout, billing 222222222222\n",
        "+ may publish to topics.order-events              policy of topics.order-events, orders 333333333333\n",
        "+ may assume roles.audit                          trust policy of roles.audit, shop 111111111111\n",
        &format!("- {id} (was roles.checkout)  in: allow"),
    ] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    // It is said once, not once for each route again.
    assert_eq!(text.matches("GET /bills").count(), 1, "{text}");

    let document = json::plan(&planned, &Rehearsal::default());
    let told = &document["reborn"][0];
    assert_eq!(told["how"], rebirth.as_str());
    assert_eq!(told["was"], json!([id]));
    let accounts: Vec<&Value> = told["pinned_again"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["account_id"])
        .collect();
    assert_eq!(accounts, ["111111111111", "222222222222", "333333333333"]);
    assert_eq!(
        told["pinned_again"][2]["edges"],
        json!([{
            "who": "roles.checkout", "may": "publish to", "target": "topics.order-events", "via": "resource policy",
        }])
    );

    // A role that is missing is one finding, and says what its dead ids cut off; where it is there again, each is one.
    let found = drift(&desired, &sandbox).await;
    let of = |code: &'static str| {
        let all = found.findings.iter();
        all.filter(move |it| it.class.code() == code)
    };
    if rebirth == Rebirth::Deleted {
        let text = format!("{:?}", of("PD002").next().expect("the role is missing"));
        for cut in ["topics.order-events", "apis.bills", "roles.audit"] {
            assert!(text.contains(cut), "no {cut} in {text}");
        }
        assert_eq!(of("PD005").count(), 0, "{:#?}", found.findings);
    } else {
        assert_eq!(of("PD005").count(), 3);
        for it in of("PD005") {
            let said = format!("{id} (was roles.checkout)");
            assert!(it.lines.join("\n").contains(&said), "{:?}", it.lines);
        }
    }

    apply(&desired, &sandbox).await;
    assert_eq!(Snapshot::of(&sandbox).reached(), before);
    assert_in_step(&desired, &sandbox, "after one apply").await;
    assert_eq!(dead_ids(&sandbox).await, BTreeSet::new());
}

#[test]
fn a_role_that_was_deleted_is_made_and_named_again_everywhere_by_one_apply() {
    run(breaks(
        async |it| drop(delete_role(it, SHOP, "checkout").await),
        Rebirth::Deleted,
        &[
            "~ roles.audit trust",
            "~ roles.bills-for-checkout trust",
            "+ roles.checkout",
            "~ topics.order-events policy",
        ],
    ));
}

#[test]
fn a_role_that_somebody_made_again_is_only_named_again() {
    run(breaks(
        async |it| remake_role(it, SHOP, "checkout").await,
        Rebirth::Remade,
        &[
            "~ roles.audit trust",
            "~ roles.bills-for-checkout trust",
            "~ topics.order-events policy",
        ],
    ));
}

#[test]
fn of_two_that_are_gone_from_one_statement_each_is_told_where_another_document_tells() {
    let desired = wanted(&[STACK]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        let before = Snapshot::of(&sandbox).reached();
        delete_role(&sandbox, SHOP, "checkout").await;
        remake_role(&sandbox, "222222222222", "refunds").await;
        let planned = plan(&desired, &sandbox).await;
        let of = |who: &str| planned.reborn.iter().find(|it| it.who == who);
        let how = |who: &str| of(who).map(|it| (it.how, it.pins.len(), it.was.len()));
        assert_eq!(how("roles.checkout"), Some((Rebirth::Deleted, 3, 1)));
        assert_eq!(how("roles.refunds"), Some((Rebirth::Remade, 1, 1)));
        apply(&desired, &sandbox).await;
        assert_eq!(Snapshot::of(&sandbox).reached(), before);
        assert_in_step(&desired, &sandbox, "after one apply").await;
    });
}

#[test]
fn of_two_that_nothing_tells_apart_both_are_named() {
    let desired = wanted(&[
        STACK,
        "[[access]]\nfrom = [\"roles.checkout\", \"roles.refunds\"]\nto = \"topics.other\"\nvia = \"resource-policy\"\n\
         [topics.other]\naccount = \"orders\"\n[roles.audit]\ntrusted_by = [\"roles.checkout\", \"roles.refunds\"]\n\
         [[access]]\nfrom = \"roles.refunds\"\nto = \"apis.bills\"\nallow = [\"GET /bills\"]\nvia = \"assume-role\"\n",
    ]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        delete_role(&sandbox, SHOP, "checkout").await;
        delete_role(&sandbox, "222222222222", "refunds").await;
        // Nobody else names only one of them.
        for name in ["three-bills-for-checkout", "three-bills-for-refunds"] {
            delete_role(&sandbox, "222222222222", name).await;
        }
        let planned = plan(&desired, &sandbox).await;
        let both = BTreeSet::from(["roles.checkout", "roles.refunds"].map(str::to_owned));
        assert!(
            planned.ghosts.iter().all(|it| it.was == both),
            "{:#?}",
            planned.ghosts
        );
        assert!(
            printed(&planned).contains("(was roles.checkout or roles.refunds)"),
            "{}",
            printed(&planned)
        );
        apply(&desired, &sandbox).await;
        assert_in_step(&desired, &sandbox, "after one apply").await;
    });
}

#[test]
fn who_a_strangers_ghost_was_is_not_made_up() {
    let desired = wanted(&[STACK]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        make_role(&sandbox, SHOP, "passer-by").await;
        // IAM tells its regions after some seconds.
        tokio::time::sleep(Duration::from_mins(1)).await;
        let foreign = json!({
            "Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:role/passer-by"},
            "Action": "sns:Publish", "Resource": TOPIC,
        });
        rewrite_topic(&sandbox, |it| it.push(foreign.clone())).await;
        delete_role(&sandbox, SHOP, "passer-by").await;
        let planned = plan(&desired, &sandbox).await;
        assert_eq!(planned.reborn, []);
        let [Ghost { address, was, .. }] = planned.ghosts.as_slice() else {
            panic!("{:#?}", planned.ghosts);
        };
        assert_eq!(
            (address, was.len()),
            (&self::address("topics.order-events"), 0)
        );
    });
}

#[test]
fn a_role_that_the_plan_itself_makes_anew_breaks_nothing_silently() {
    let desired = wanted(&[STACK]);
    let moved = wanted(&[STACK, "[roles.checkout]\npath = \"/team/\"\n"]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        let planned = plan(&moved, &sandbox).await;
        assert_eq!(planned.reborn.len(), 1);
        assert_eq!(planned.reborn[0].how, Rebirth::Replaced);
        assert_eq!(documents(&planned), EVERYWHERE);
        apply(&moved, &sandbox).await;
        assert_in_step(&moved, &sandbox, "after one apply").await;
    });
}

#[test]
fn a_first_apply_and_an_ordinary_change_speak_of_no_ghosts() {
    let desired = wanted(&[STACK]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        let ran = apply(&desired, &sandbox).await;
        assert_eq!(ran.plan().reborn, []);
        let more = wanted(&[
            STACK,
            "[[access]]\nfrom = \"roles.refunds\"\nto = \"apis.bills\"\nallow = [\"GET /bills\"]\n",
        ]);
        let planned = plan(&more, &sandbox).await;
        assert_eq!((planned.reborn, planned.ghosts), (Vec::new(), Vec::new()));
    });
}
