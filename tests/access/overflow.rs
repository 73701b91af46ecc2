//! A role whose access does not fit into its inline policies: what stands in managed ones is real too.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use provision::cloud::iam::{AccountDetail, GetAccountAuthorizationDetails, PolicyDetail};

use crate::claims::{claims, failures};
use crate::ground::{Ground, told};

/// A role that publishes to these of eighteen topics of another account, beside a policy of its author's that
/// leaves room for eleven.
fn stack_file(uses: std::ops::Range<usize>) -> PathBuf {
    let own = "x".repeat(6_700);
    let mut text = format!(
        "[stack]\nname = \"fleet\"\nregion = \"eu-west-1\"\n\
         [accounts.services]\nid = \"111111111111\"\nrole = \"provision\"\n\
         [accounts.owner]\nid = \"333333333333\"\nrole = \"provision\"\n\
         [roles.hub]\naccount = \"services\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [roles.hub.policies.own]\nVersion = \"2012-10-17\"\n\
         Statement = [{{ Effect = \"Allow\", Action = \"s3:GetObject\", Resource = \"arn:aws:s3:::{own}\" }}]\n"
    );
    for it in 0..18 {
        let name = format!("{}-{it:03}", "t".repeat(252));
        let _ = write!(
            text,
            "[topics.t-{it:03}]\naccount = \"owner\"\nname = \"{name}\"\n"
        );
        if !uses.contains(&it) {
            continue;
        }
        let _ = write!(
            text,
            "[[access]]\nfrom = \"roles.hub\"\nto = \"topics.t-{it:03}\"\nvia = \"resource-policy\"\n"
        );
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("overflow");
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(format!("{}-{}.toml", uses.start, uses.end));
    std::fs::write(&file, text).expect("a file");
    file
}

fn policies(ground: &Ground) -> Vec<PolicyDetail> {
    let page = ground.as_root("services", GetAccountAuthorizationDetails { marker: None });
    let all = page.items.into_iter().filter_map(AccountDetail::policy);
    all.filter(|it| it.path == "/provision/fleet/").collect()
}

fn run(ground: &Ground, command: &str, file: &Path) {
    let file = file.to_str().expect("a path");
    let ran = ground.provision(&[command, file, "--yes"]);
    assert_eq!(ran.status.code(), Some(0), "{}", told(&ran));
}

#[test]
fn what_a_full_role_may_do_by_managed_policies_comes_off_and_nothing_else_does() {
    let (first, more) = (stack_file(3..17), stack_file(0..17));
    let Some(ground) = Ground::of(&first, &[], 0) else {
        return;
    };
    let made = policies(&ground);
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(made[0].attachments, 1);
    let expected = claims(&ground).iter().filter(|it| it.expected).count();
    assert!(expected >= 14, "{expected}");
    assert_eq!(failures(&ground), [""; 0]);

    run(&ground, "apply", &more);
    let changed = policies(&ground);
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(changed[0].default_version, "v2");
    let wider = failures(&ground);
    assert_eq!(wider.len(), 3, "{wider:#?}");
    assert!(wider.iter().all(|it| it.starts_with("may: ")), "{wider:#?}");

    run(&ground, "apply", &first);
    assert_eq!(failures(&ground), [""; 0]);
    // What it said before was still there.
    assert_eq!(policies(&ground)[0].default_version, "v1");
    run(&ground, "destroy", &first);
    assert!(policies(&ground).is_empty());
}
