//! Every form of principal that a stack has, on everything that takes it: taken as it is written, and read back as
//! what the stack says.

use provision::cloud::iam::CreateRole;

use crate::adoption::apply;
use crate::iam::trust_of;
use crate::world::{drift, plan, spoken, wanted};
use crate::{World, map};

crate::scenarios! {
    every_form_of_principal_is_taken_and_reads_back_as_the_stack_says,
}

/// Forms that name a caller; each stands for itself on a topic, a queue and an API.
const CALLERS: [&str; 6] = [
    r#""roles.worker""#,
    r#""arn:aws:iam::OTHER:role/partners/reader""#,
    r#"{ account = "OTHER" }"#,
    r#"{ account = "OTHER", role_prefix = "batch/import-" }"#,
    r#"{ org = "o-exampleorg1", unit = "r-ab12/ou-ab12-11111111" }"#,
    r#"{ org = "o-exampleorg1" }"#,
];

/// AWS's own services, on a topic and a queue.
const SERVICES: [&str; 4] = [
    r#"{ service = "s3.amazonaws.com", source = "arn:aws:s3:::uploads", source_account = "a" }"#,
    r#"{ service = "events.amazonaws.com", source = "arn:aws:events:eu-west-1:OWN:rule/*" }"#,
    r#"{ service = "s3.amazonaws.com", source_account = "a" }"#,
    r#"{ service = "s3.amazonaws.com", source = "arn:aws:s3:::others-uploads", source_account = "OTHER" }"#,
];

/// Forms that say where a call comes from, on an API.
const NETWORKS: [(&str, &str); 4] = [
    (r#"{ ip = ["203.0.113.0/24", "192.0.2.7"] }"#, "regional"),
    (r#"{ vpc = "vpc-0a1b2c3d4e5f60718" }"#, "private"),
    (r#"{ vpc_endpoint = "vpce-0a1b2c3d4e5f60719" }"#, "private"),
    (r#"{ ip = "10.1.0.0/16" }"#, "private"),
];

/// A stack with a resource for each form on each kind that takes it.
fn stack(w: &World<'_>) -> String {
    let mut text =
        "[stack]\nname = \"forms\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"OWN\"\n\
         [roles.worker]\ntrusted_by = [\"ec2.amazonaws.com\", { account = \"OTHER\" }, \
         \"arn:aws:iam::OTHER:role/partners/reader\", \
         { oidc = \"token.actions.githubusercontent.com\", subjects = \"repo:org/name:*\" }]\n"
            .to_owned();
    let access = |from: &str, to: &str, rest: &str| {
        format!("[[access]]\nfrom = {from}\nto = \"{to}\"\n{rest}")
    };
    for (number, from) in CALLERS.iter().chain(&SERVICES).enumerate() {
        text += &format!("[topics.t{number}]\n[queues.q{number}]\n");
        let is_service = number >= CALLERS.len();
        let via = if is_service || from.contains("org") {
            ""
        } else {
            "via = \"resource-policy\"\n"
        };
        text += &access(from, &format!("topics.t{number}"), via);
        text += &access(from, &format!("queues.q{number}"), via);
    }
    let apis = CALLERS.iter().map(|it| (*it, "regional"));
    for (number, (from, endpoint)) in apis.chain(NETWORKS).enumerate() {
        text += &format!(
            "[apis.a{number}]\nendpoint = \"{endpoint}\"\n[apis.a{number}.routes]\n\"GET /x\" = {{ mock = 200 }}\n"
        );
        text += &access(from, &format!("apis.a{number}"), "allow = \"GET /x\"\n");
    }
    // A user is no caller of an access, and may stand in what an author writes out.
    let user = "Effect = \"Allow\", Principal = { AWS = \"arn:aws:iam::OTHER:user/people/ada\" }";
    text += &format!(
        "[roles.opened]\n[roles.opened.trust_policy]\nVersion = \"2012-10-17\"\nStatement = [{{ {user}, Action = \"sts:AssumeRole\" }}]\n"
    );
    for (on, action) in [
        ("topics.t0", "sns:Publish"),
        ("queues.q0", "sqs:SendMessage"),
        ("apis.a0", "execute-api:Invoke"),
    ] {
        text += &format!(
            "[[statement]]\non = \"{on}\"\nstatement = {{ {user}, Action = \"{action}\" }}\n"
        );
    }
    text.replace("OWN", w.a.id.as_str())
        .replace("OTHER", w.b.id.as_str())
}

async fn every_form_of_principal_is_taken_and_reads_back_as_the_stack_says(w: &World<'_>) {
    let reader = CreateRole {
        name: "reader".to_owned(),
        path: "/partners/".to_owned(),
        trust: trust_of(&serde_json::json!({ "Service": "ec2.amazonaws.com" })),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: map([]),
    };
    w.ok(&w.b, reader).await;
    (w.put_user)(&w.b, "/people/", "ada");
    w.settle().await;
    let desired = wanted(&[&stack(w)]);
    apply(w.cloud, &desired, &[]).await;
    let again = plan(&desired, w.cloud).await;
    assert_eq!((spoken(&again), again.refusals), (vec![], vec![]));
    assert_eq!(drift(&desired, w.cloud).await.findings, []);
}
