//! A consumer comes and goes, each by one command; the file is written at the right moment or not at all.

use std::io::Write as _;
use std::process::Stdio;

use super::{Folder, PROGRAM, Ran};

/// A folder with the marketplace in `shop.toml`, applied.
fn market() -> Folder {
    let folder = Folder::with_stacks();
    let text = folder.read("stacks/marketplace.toml");
    folder.write("shop.toml", &text);
    folder.run("apply shop.toml --sandbox --yes").ends(0);
    folder
}

/// Runs a line as a shell reads it.
fn shell(folder: &Folder, line: &str) -> Ran {
    let line = line.replacen("provision", PROGRAM, 1);
    let output = folder
        .command("sh")
        .args(["-c", &line])
        .output()
        .expect("a shell");
    Ran::of(&output)
}

const ANALYTICS: &str = "provision onboard shop.toml --sandbox --consumer analytics --account shop \
     --calls 'apis.orders: GET /orders/*' --publishes topics.order-events --subscribes topics.order-events";

/// The lines of `new` that are not in `old`; those of `old` must all be in `new`, in their order.
fn added<'a>(old: &str, new: &'a str) -> Vec<&'a str> {
    let mut olds = old.lines().peekable();
    let added = new
        .lines()
        .filter(|it| olds.next_if_eq(it).is_none())
        .collect();
    assert_eq!(olds.next(), None, "every old line is kept, in its place");
    added
}

#[test]
fn a_consumer_comes_by_one_command_and_goes_by_another() {
    let folder = market();
    let before = folder.read("shop.toml");
    shell(&folder, &format!("{ANALYTICS} --yes"))
        .ends(0)
        .says("+[roles.analytics]")
        .says("Access changes   4 gained  0 lost")
        .says("roles.analytics may call GET /orders/* of apis.orders  by resource policy")
        .tells("`shop.toml` is written: 22 lines more");
    let with = folder.read("shop.toml");
    assert_eq!(added(&before, &with).len(), 22);
    folder
        .run("plan shop.toml --sandbox")
        .ends(0)
        .says("Nothing to do: 15 resources");
    folder.run("verify shop.toml --live --sandbox").ends(0);
    folder.run("fmt --check shop.toml").ends(0);

    // The same command goes on from what is there, and here nothing is left to do.
    shell(&folder, &format!("{ANALYTICS} --yes"))
        .ends(0)
        .says("Nothing to do: 15 resources")
        .tells("`shop.toml` holds `analytics` already, just as it is to be");
    // Another one of that name is refused with the place of the first, and nothing moves.
    shell(
        &folder,
        &format!("{ANALYTICS} --trusted-by ec2.amazonaws.com --yes"),
    )
    .ends(1)
    .tells("shop.toml:47: `roles.analytics` is in the stack already");
    assert_eq!(folder.read("shop.toml"), with);

    folder
        .run("offboard shop.toml --sandbox --consumer analytics --yes")
        .ends(0)
        .says("Access changes   0 gained  4 lost")
        .says("Plan: 0 to add, 3 to change, 3 to destroy.")
        .tells("`analytics` is gone, and with it 22 lines of `shop.toml`");
    assert_eq!(folder.read("shop.toml"), before);
    folder
        .run("plan shop.toml --sandbox")
        .ends(0)
        .says("Nothing to do: 12 resources");
    folder
        .run("offboard shop.toml --sandbox --consumer analytics --yes")
        .ends(0)
        .tells(
            "the stack has no consumer `analytics`: no role or queue of that name; nothing to do",
        );
    folder
        .run("offboard shop.toml --sandbox --consumer invoiser --yes")
        .ends(1)
        .tells("did you mean `invoicer`?");
}

#[test]
fn with_nobody_to_ask_it_gives_the_command_and_the_command_does_it() {
    let folder = market();
    let before = folder.read("shop.toml");
    let sandbox = folder.read(".provision/sandbox.json");
    let ran = shell(&folder, ANALYTICS).ends(1);
    assert_eq!(folder.read("shop.toml"), before);
    let (_, command) = ran
        .err
        .split_once("To go on without asking: ")
        .expect("the command");
    shell(&folder, command.trim()).ends(0);
    assert_ne!(folder.read("shop.toml"), before);
    assert_ne!(folder.read(".provision/sandbox.json"), sandbox);

    let ran = folder
        .run("offboard shop.toml --sandbox --consumer analytics")
        .ends(1)
        .tells("nobody to ask; `shop.toml` untouched");
    let (_, command) = ran
        .err
        .split_once("To go on without asking: ")
        .expect("the command");
    shell(&folder, command.trim()).ends(0);
    assert_eq!(folder.read("shop.toml"), before);

    folder
        .run("onboard shop.toml --sandbox --consumer x")
        .ends(1)
        .tells("give `--account NAME`, and at least one of `--calls`");
}

#[test]
fn a_wrong_answer_is_told_at_its_flag_and_the_file_is_untouched() {
    let folder = market();
    let before = folder.read("shop.toml");
    let sandbox = folder.read(".provision/sandbox.json");
    let on = |words: &str| {
        shell(
            &folder,
            &format!("provision onboard shop.toml --sandbox --yes {words}"),
        )
    };
    let shop = "--consumer new --account shop";
    for (words, told) in [
        ("--consumer checkout --account shop --publishes order-events".to_owned(),
         "`--consumer`: shop.toml:32: `roles.checkout` is in the stack already"),
        ("--consumer 'my app' --account shop --publishes order-events".to_owned(),
         "`--consumer`: a consumer cannot be called `my app`: a space cannot stand here"),
        ("--consumer new --account shpo --publishes order-events".to_owned(),
         "`--account`: the stack has no account `shpo`; did you mean `shop`?"),
        ("--consumer new --account audit --account-id 4444 --publishes order-events".to_owned(),
         "`--account-id`: `4444` is not an account's id"),
        ("--consumer new --account shop --account-id 444444444444 --publishes order-events".to_owned(),
         "account `shop` is in the stack already, as 111111111111"),
        (format!("{shop} --calls 'apis.order: GET /orders/*'"),
         "`--calls`: the stack has no API `order`; did you mean `orders`?"),
        (format!("{shop} --calls 'apis.orders: GET /order/*'"),
         "api `orders` has no route that `GET /order/*` reaches"),
        (format!("{shop} --publishes order-event"),
         "`--publishes`: the stack has no topic `order-event`; did you mean `order-events`?"),
        (format!("{shop} --publishes apis.orders"), "`apis.orders` is an API, which is called"),
        (format!("{shop} --role arn:aws:iam::222222222222:role/etl --publishes order-events"),
         "is in account 222222222222, and `shop` is 111111111111"),
        ("--consumer new --role arn:aws-us-gov:iam::111111111111:role/etl --publishes order-events".to_owned(),
         "is in the partition `aws-us-gov`, and the stack is in `aws`"),
        (format!("{shop} --role checkout --publishes order-events"), "`checkout` is not a role's ARN"),
        (format!("{shop} --trusted-by lamda --publishes order-events"), "which is no principal"),
        (format!("{shop} --publishes order-events --into other.toml"), "`other.toml` is no file of this stack"),
    ] {
        on(&words).ends(1).tells(told);
        assert_eq!(folder.read("shop.toml"), before, "{words}");
    }
    let off = |words: &str| {
        folder.run(&format!(
            "offboard shop.toml --sandbox --yes --consumer {words}"
        ))
    };
    for (words, told) in [
        ("invoiser", "did you mean `invoicer`?"),
        ("invoicer --queue inbox", "the stack has no queue `inbox`"),
        ("invoicer --unreachable bilin", "did you mean `billing`?"),
        (
            "billing-dead-letters",
            "refers to queue `billing-dead-letters`",
        ),
    ] {
        off(words).ends(1).tells(told);
        assert_eq!(folder.read("shop.toml"), before, "{words}");
    }
    assert_eq!(folder.read(".provision/sandbox.json"), sandbox);
    folder.write("broken.toml", "[stack]\nname = 5\n");
    folder
        .run("onboard broken.toml --sandbox --consumer x")
        .ends(1)
        .tells("broken.toml:2");
    assert_eq!(folder.read("broken.toml"), "[stack]\nname = 5\n");
}

#[test]
fn a_new_account_comes_with_its_consumer_and_goes_with_it() {
    let folder = market();
    let before = folder.read("shop.toml");
    let words = "--consumer audit --account audit --account-id 444444444444 --account-external-id let-me-in \
                 --subscribes order-events --yes";
    folder
        .run(&format!("onboard shop.toml --sandbox {words}"))
        .ends(0);
    let with = folder.read("shop.toml");
    assert!(
        with.contains(
            "[accounts.audit]\nid          = \"444444444444\"\nrole        = \"provision\"\nexternal_id = \"let-me-in\"\n"
        ),
        "{with}"
    );
    assert!(!with.contains("[roles.audit]"), "it only receives");
    folder
        .run("offboard shop.toml --sandbox --consumer audit --yes")
        .ends(0)
        .says("-[accounts.audit]");
    assert_eq!(folder.read("shop.toml"), before);
}

#[test]
fn an_account_that_is_gone_takes_one_run() {
    let folder = market();
    let before = folder.read("shop.toml");
    let words = "--consumer audit --account audit --account-id 444444444444 --calls GET/orders/* \
                 --publishes order-events --subscribes order-events --yes";
    let words = words.replace("GET/orders", "'GET /orders");
    let words = words.replace("/* ", "/*' ");
    shell(
        &folder,
        &format!("provision onboard shop.toml --sandbox {words}"),
    )
    .ends(0);
    let ran = folder
        .run("offboard shop.toml --sandbox --consumer audit --unreachable audit --yes --verbose")
        .ends(0)
        .says("audit  444444444444  not entered")
        .says("? role audit")
        .says("? queue audit")
        .says("queues.audit may no longer receive from topics.order-events");
    assert!(!ran.err.contains("444444444444  iam"), "{}", ran.err);
    assert_eq!(folder.read("shop.toml"), before);
    folder
        .run("plan shop.toml --sandbox")
        .ends(0)
        .says("Nothing to do: 12 resources in 3 accounts");
    let sandbox: serde_json::Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let account = sandbox["accounts"]["444444444444"].to_string();
    assert!(account.contains("audit"), "what is there is left");
    let owner = sandbox["accounts"]["333333333333"].to_string();
    assert!(!owner.contains("444444444444"), "{owner}");
}

#[test]
fn a_role_that_is_there_is_let_in_and_keeps_what_is_not_ours() {
    let folder = market();
    folder.write(
        "team.toml",
        "[stack]\nname = \"team\"\nregion = \"eu-west-1\"\n[accounts.shop]\nid = \"111111111111\"\n\
         [roles.etl]\naccount = \"shop\"\ntrusted_by = \"lambda.amazonaws.com\"\n",
    );
    folder.run("apply team.toml --sandbox --yes").ends(0);
    let before = folder.read("shop.toml");
    let sandbox = |folder: &Folder| -> serde_json::Value {
        let text = folder.read(".provision/sandbox.json");
        let world: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        world["accounts"]["111111111111"]["roles"]["etl"].clone()
    };
    let role = sandbox(&folder);
    let words = "--consumer etl --role arn:aws:iam::111111111111:role/provision/team/etl --publishes order-events";
    folder
        .run(&format!("onboard shop.toml --sandbox {words} --yes"))
        .ends(0);
    assert!(
        folder
            .read("shop.toml")
            .contains("existing = \"arn:aws:iam::111111111111:role/provision/team/etl\"")
    );
    assert_ne!(sandbox(&folder), role, "it may publish now");
    folder
        .run("offboard shop.toml --sandbox --consumer etl --yes")
        .ends(0)
        .says("only our statements on it are removed");
    assert_eq!(folder.read("shop.toml"), before);
    assert_eq!(sandbox(&folder), role);

    // One in an account that the stack does not have is let in by its ARN, and its owner told.
    let words = "--role arn:aws:iam::999999999999:role/etl";
    folder
        .run(&format!(
            "onboard shop.toml --sandbox --consumer etl {words} --publishes order-events --yes"
        ))
        .ends(0)
        .says("Hand over arn:aws:iam::999999999999:role/etl");
    folder
        .run("offboard shop.toml --sandbox --consumer arn:aws:iam::999999999999:role/etl --yes")
        .ends(0);
    assert_eq!(folder.read("shop.toml"), before);
}

#[test]
fn queues_of_other_names_go_when_they_are_named() {
    let folder = market();
    folder
        .run("offboard shop.toml --sandbox --consumer invoicer")
        .ends(1)
        .tells("staying: queues.billing-dead-letters, queues.billing-inbox; `--queue NAME`");
    folder
        .run("offboard shop.toml --sandbox --consumer invoicer --queue billing-inbox --yes")
        .ends(0)
        .says("- queues.billing-inbox may no longer receive from topics.order-events")
        .says("- roles.invoicer may no longer call GET /orders/* of apis.orders");
    let text = folder.read("shop.toml");
    assert!(!text.contains("invoicer") && !text.contains("billing-inbox"));
    // What spoke of more than the consumer is still said.
    for kept in [
        "# Only the events it needs",
        "# ---- Roles: what services run as",
        "# ---- Who may do what.",
        "# ---- Billing's inbox",
    ] {
        assert_eq!(
            text.contains(kept),
            !kept.contains("Only"),
            "{kept}\n{text}"
        );
    }
    folder
        .run("plan shop.toml --sandbox")
        .ends(0)
        .says("Nothing to do");
}

#[test]
fn the_stack_file_is_edited_unless_another_is_named() {
    let folder = market();
    folder.write(
        "prod.toml",
        "# Production.\n[queues.billing-inbox]\nretention = \"7d\"\n",
    );
    let before = (folder.read("shop.toml"), folder.read("prod.toml"));
    let words = "--with prod.toml --sandbox --consumer new --account shop --publishes order-events";
    folder
        .run(&format!(
            "onboard shop.toml {words} --into prod.toml --write"
        ))
        .ends(0)
        .says("+++ prod.toml")
        .tells("no call was made. To make it so: provision apply shop.toml --with prod.toml");
    assert_eq!(folder.read("shop.toml"), before.0);
    assert!(folder.read("prod.toml").starts_with(&before.1));
    folder
        .run("offboard shop.toml --with prod.toml --consumer new --write")
        .ends(0);
    assert_eq!(folder.read("prod.toml"), before.1);
    folder
        .run(&format!("onboard shop.toml {words} --write"))
        .ends(0)
        .says("+++ shop.toml");
    assert_eq!(folder.read("prod.toml"), before.1);
    added(&before.0, &folder.read("shop.toml"));
}

#[test]
fn writing_alone_makes_no_call() {
    let folder = Folder::with_stacks();
    folder
        .run("onboard stacks/marketplace.toml --sandbox --consumer new --account shop --publishes order-events --write")
        .ends(0);
    assert!(!folder.path(".provision").exists());
}

#[test]
fn a_plan_that_is_refused_leaves_the_file_as_it_was() {
    let folder = market();
    folder.write(
        "team.toml",
        "[stack]\nname = \"team\"\nregion = \"eu-west-1\"\n[accounts.shop]\nid = \"111111111111\"\n\
         [roles.taken]\naccount = \"shop\"\ntrusted_by = \"lambda.amazonaws.com\"\n",
    );
    folder.run("apply team.toml --sandbox --yes").ends(0);
    let before = folder.read("shop.toml");
    let sandbox = folder.read(".provision/sandbox.json");
    folder
        .run("onboard shop.toml --sandbox --consumer taken --account shop --publishes order-events --yes")
        .ends(1)
        .tells("belongs to the stack `team`")
        .tells("`shop.toml` is as it was");
    assert_eq!(folder.read("shop.toml"), before);
    assert_eq!(folder.read(".provision/sandbox.json"), sandbox);
}

#[test]
fn what_was_due_before_is_told_and_deletions_are_left_out() {
    let folder = market();
    let text = folder.read("shop.toml");
    let without = text.replace(
        "[roles.checkout]\naccount     = \"shop\"",
        "[roles.checkout]\nmax_session = \"2h\"\naccount     = \"shop\"",
    );
    let without = without.replace("[queues.billing-dead-letters]", "[queues.billing-dead]");
    let without = without.replace(
        "queue = \"billing-dead-letters\"",
        "queue = \"billing-dead\"",
    );
    folder.write("shop.toml", &without);
    folder
        .run("onboard shop.toml --sandbox --consumer new --account shop --publishes order-events --yes")
        .ends(0)
        .tells("roles.checkout")
        .tells("1 deletion due before and left out here: queues.billing-dead-letters");
    assert!(
        folder
            .read(".provision/sandbox.json")
            .contains("\"billing-dead-letters\"")
    );
}

#[test]
fn a_machine_gets_one_document() {
    let folder = market();
    let told = folder
        .run("onboard shop.toml --sandbox --consumer new --account shop --publishes order-events --yes --json")
        .ends(0)
        .document();
    assert_eq!(told["schema"], "provision.onboard/1");
    assert_eq!(told["written"], true);
    assert_eq!(told["plan"]["summary"]["add"], 1);
    assert_eq!(told["access"][0]["who"], "roles.new");
    assert!(told["calls"]["total"].as_u64() > Some(10));
    let told = folder
        .run("offboard shop.toml --sandbox --consumer new --yes --json")
        .ends(0)
        .document();
    assert_eq!(told["schema"], "provision.offboard/1");
    assert_eq!(told["written"], true);
    assert_eq!(told["role"], "new");
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_permissions_stay_what_they_are() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = market();
    std::fs::rename(folder.path("shop.toml"), folder.path("real.toml")).expect("renamed");
    symlink("real.toml", folder.path("shop.toml")).expect("a link");
    let mode = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(folder.path("real.toml"), mode).expect("permissions");
    folder
        .run("onboard shop.toml --sandbox --consumer new --account shop --publishes order-events --write")
        .ends(0);
    let link = std::fs::symlink_metadata(folder.path("shop.toml")).expect("it is there");
    assert!(link.file_type().is_symlink());
    let real = std::fs::metadata(folder.path("real.toml")).expect("it is there");
    assert_eq!(real.permissions().mode() & 0o777, 0o640);
    assert!(folder.read("real.toml").contains("[roles.new]"));
    let left: Vec<_> = std::fs::read_dir(folder.path("."))
        .expect("a folder")
        .map(|it| it.expect("an entry").file_name())
        .filter(|it| it.to_string_lossy().ends_with(".new"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// What a line begins with so that ctrl-c reaches it also where whoever runs the tests ignores it,
/// and so that it ends: nothing, where the system has no words for that.
fn minded() -> &'static str {
    const MINDED: &str = "env --default-signal=INT timeout --foreground 120 ";
    let tried = std::process::Command::new("sh")
        .args(["-c", &format!("{MINDED}true")])
        .stderr(Stdio::null())
        .status();
    if tried.is_ok_and(|it| it.success()) {
        MINDED
    } else {
        ""
    }
}

/// Runs a line on a terminal of its own, giving each answer once its question is there; `between`
/// is called before the answer to the question that has these words in it.
fn on_a_terminal(
    folder: &Folder,
    line: &str,
    answers: &[(&str, &str)],
    between: &dyn Fn(&str),
) -> Option<Ran> {
    use std::io::Read as _;
    let line = line.replacen("provision", &format!("{}{PROGRAM}", minded()), 1);
    let mut command = folder.command("script");
    command
        .args(["-qec", &line, "/dev/null"])
        .env("TERM", "dumb")
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // Without util-linux there is no terminal to ask on; the questions have tests of their own.
    let mut child = command.spawn().ok()?;
    let mut input = child.stdin.take().expect("its keyboard");
    let mut output = child.stdout.take().expect("its screen");
    let mut seen = Vec::new();
    let mut from = 0;
    let mut bytes = [0; 4096];
    for (question, answer) in answers {
        loop {
            let text = String::from_utf8_lossy(&seen[from..]).into_owned();
            if text.contains(question) {
                break;
            }
            let count = output.read(&mut bytes).expect("its screen");
            assert!(
                count > 0,
                "it ended without asking `{question}`:\n{}",
                String::from_utf8_lossy(&seen)
            );
            seen.extend_from_slice(&bytes[..count]);
        }
        from = seen.len();
        between(question);
        input.write_all(answer.as_bytes()).expect("its keyboard");
        input.flush().expect("its keyboard");
    }
    output.read_to_end(&mut seen).expect("its screen");
    let status = child.wait().expect("it ends");
    Some(Ran {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&seen).replace('\r', ""),
        err: String::new(),
    })
}

/// What the questions need to know of analytics, up to the last one.
const QUESTIONS: [(&str, &str); 8] = [
    ("What is the new consumer called?", "analytics\n"),
    ("In which account does it work?", "shop\n"),
    ("Which routes does it call?", "GET /orders/*\n"),
    ("To which topics does it publish?", "order-events\n"),
    ("From which topics does it receive", "order-events\n"),
    ("Its role: made here", "\n"),
    ("Who assumes it?", "\n"),
    ("How is it let in", "\n"),
];

#[test]
fn on_a_terminal_it_asks_step_by_step_and_arrives_at_what_flags_say() {
    let folder = market();
    let by_flags = market();
    shell(&by_flags, &format!("{ANALYTICS} --yes")).ends(0);
    let mut answers = QUESTIONS.to_vec();
    answers.push((
        "Write `shop.toml` and apply 6 changes to 2 accounts?",
        "y\n",
    ));
    let Some(ran) = on_a_terminal(
        &folder,
        "provision onboard shop.toml --sandbox",
        &answers,
        &|_| (),
    ) else {
        return;
    };
    ran.ends(0)
        .says("apis.orders by resource policy: one owner and few consumers")
        .says("an access role of its own: one STS call an hour");
    assert_eq!(folder.read("shop.toml"), by_flags.read("shop.toml"));
    folder
        .run("plan shop.toml --sandbox")
        .ends(0)
        .says("Nothing to do: 15 resources");
    let answers = [("Type `analytics` to go on:", "analytics\n")];
    on_a_terminal(
        &folder,
        "provision offboard shop.toml --sandbox --consumer analytics",
        &answers,
        &|_| (),
    )
    .expect("as before")
    .ends(0);
    assert_eq!(
        folder.read("shop.toml"),
        folder.read("stacks/marketplace.toml")
    );
}

#[test]
fn whoever_stops_answering_says_no_or_is_overtaken_changes_nothing() {
    let folder = market();
    let before = folder.read("shop.toml");
    let sandbox = folder.read(".provision/sandbox.json");
    let asked = |answers: &[(&str, &str)], between: &dyn Fn(&str)| {
        on_a_terminal(
            &folder,
            "provision onboard shop.toml --sandbox",
            answers,
            between,
        )
    };
    // Ctrl-d, at every question.
    for count in 0..QUESTIONS.len() {
        let mut answers = QUESTIONS[..=count].to_vec();
        answers[count].1 = "\u{4}";
        let Some(ran) = asked(&answers, &|_| ()) else {
            return;
        };
        ran.ends(1).says("a question was left unanswered");
        assert_eq!(folder.read("shop.toml"), before);
    }
    let mut answers = QUESTIONS.to_vec();
    answers.push(("Write `shop.toml`", "n\n"));
    asked(&answers, &|_| ())
        .expect("as before")
        .ends(1)
        .says("not agreed; `shop.toml` is as it was");
    assert_eq!(folder.read("shop.toml"), before);
    // Ctrl-c.
    answers[8].1 = "\u{3}";
    let ran = asked(&answers, &|_| ()).expect("as before");
    assert_ne!(ran.code, 0);
    assert_eq!(folder.read("shop.toml"), before);
    // Somebody edits the stack meanwhile.
    answers[8].1 = "y\n";
    let edited = format!("{before}# mine\n");
    asked(&answers, &|question| {
        if question.starts_with("Write") {
            folder.write("shop.toml", &edited);
        }
    })
    .expect("as before")
    .ends(1)
    .says("`shop.toml` was changed by somebody else meanwhile");
    assert_eq!(folder.read("shop.toml"), edited);
    assert_eq!(folder.read(".provision/sandbox.json"), sandbox);
}

#[test]
fn the_eleventh_consumer_changes_nobody_elses_calls_unless_it_is_asked_to() {
    let folder = Folder::new();
    let mut stack =
        "[stack]\nname = \"fleet\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
                     [accounts.b]\nid = \"222222222222\"\n[apis.orders]\naccount = \"b\"\n\
                     [apis.orders.routes]\n\"GET /orders\" = { mock = 200 }\n"
            .to_owned();
    for it in 0..10 {
        stack += &format!(
            "[roles.r{it}]\naccount = \"a\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
             [[access]]\nfrom = \"roles.r{it}\"\nto = \"apis.orders\"\nallow = [\"GET /orders\"]\n"
        );
    }
    folder.write("s.toml", &stack);
    folder.run("apply s.toml --sandbox --yes").ends(0);
    let new = "onboard s.toml --sandbox --consumer late --account a --calls GET\u{a0}/orders";
    let run = |flags: &str| {
        let words = format!("{new} {flags}");
        let words: Vec<String> = words
            .split(' ')
            .map(|it| it.replace('\u{a0}', " "))
            .collect();
        let output = folder.command(super::PROGRAM).args(words).output();
        super::Ran::of(&output.expect("the program runs"))
    };
    let kept = run("--via auto --yes").ends(0);
    assert!(!kept.out.contains("go another way"), "{}", kept.out);
    folder.write("s.toml", &stack);
    folder.run("apply s.toml --sandbox --yes --prune").ends(0);
    run("--yes")
        .ends(0)
        .tells("late is let in by an access role, and the file says so: with `via = \"auto\"` a first apply elsewhere would differ from what AWS has here, where 10 would have to call apis.orders by another way than they do: roles.r0,")
        .says("+via   = \"assume-role\"")
        .says("1 gained  0 lost")
        .says("Plan: 2 to add, 0 to change, 0 to destroy.");
    folder
        .run("plan s.toml --sandbox --detailed-exitcode")
        .ends(0);
}

#[test]
fn what_is_forbidden_to_a_consumer_alone_goes_with_it() {
    let folder = market();
    let before = folder.read("shop.toml");
    let forbidden =
        "[[never]]\nwho = \"roles.analytics\"\nto = \"topics.order-events\"\ndo = \"publish\"\n";
    let others = "[[never]]\nwho = [\"roles.analytics\", \"outside accounts\"]\nto = \"topics.order-events\"\ndo = \"publish\"\n";
    let words = "--consumer analytics --account shop --calls 'GET /orders/*'";
    shell(
        &folder,
        &format!("provision onboard shop.toml --sandbox {words} --write"),
    )
    .ends(0);
    let with = folder.read("shop.toml");
    folder.write("shop.toml", &format!("{with}\n{forbidden}\n{others}"));
    folder
        .run("offboard shop.toml --sandbox --consumer analytics --write")
        .ends(0);
    let after = folder.read("shop.toml");
    assert!(!after.contains("analytics"), "{after}");
    assert!(after.starts_with(before.trim_end()), "{after}");
    assert!(after.contains("outside accounts"), "{after}");
}

#[test]
fn a_consumer_of_another_stack_is_let_go_where_it_is_offered() {
    let folder = Folder::with_stacks();
    let owner = "stacks/contracts/owner.toml";
    for consumer in [
        "arn:aws:iam::222222222222:role/provision/billing/invoicer",
        "arn:aws:sqs:eu-west-1:222222222222:billing-inbox",
    ] {
        folder
            .run(&format!(
                "offboard {owner} --sandbox --consumer {consumer} --write"
            ))
            .ends(1)
            .tells("is of another stack, and is let in by an offer, stacks/contracts/owner.toml:");
    }
}

#[test]
fn a_consumer_under_a_role_outside_the_stack_goes_as_it_came() {
    let folder = market();
    let before = folder.read("shop.toml");
    let role = "arn:aws:iam::555555555555:role/ext";
    let flags = format!("shop.toml --sandbox --consumer an --role {role}");
    shell(
        &folder,
        &format!("provision onboard {flags} --calls 'apis.orders: GET /orders/*' --yes"),
    )
    .ends(0);
    assert_ne!(before, folder.read("shop.toml"));
    // Its name is not in the file; the error says how it is named.
    folder
        .run("offboard shop.toml --sandbox --consumer an --yes")
        .ends(1)
        .tells(&format!("`--role {role}`"));
    folder
        .run("offboard shop.toml --sandbox --role arn:aws:iam::5:user/x --yes")
        .ends(1)
        .tells("arn:aws:iam::ACCOUNT:role/NAME");
    folder.run(&format!("offboard {flags} --yes")).ends(0);
    assert_eq!(before, folder.read("shop.toml"));
    folder
        .run("plan shop.toml --sandbox")
        .ends(0)
        .says("Nothing to do");
}

#[test]
fn a_consumer_reads_its_own_queue_and_those_it_names() {
    let folder = market();
    let before = folder.read("shop.toml") + "\n[queues.jobs]\naccount = \"shop\"\n";
    folder.write("shop.toml", &before);
    shell(
        &folder,
        "provision onboard shop.toml --sandbox --consumer clerk --account shop --publishes order-events \
         --subscribes order-events --sends jobs --receives queues.jobs --yes",
    )
    .ends(0)
    .says("roles.clerk may receive from queues.clerk")
    .says("roles.clerk may receive from queues.jobs")
    .says("roles.clerk may send to queues.jobs");
    let with = folder.read("shop.toml");
    assert!(with.contains("\"queues.clerk\""), "{with}");
    folder.run("verify shop.toml --live --sandbox").ends(0);
    shell(
        &folder,
        "provision offboard shop.toml --sandbox --consumer clerk --yes",
    )
    .ends(0);
    assert_eq!(folder.read("shop.toml"), before);
    folder
        .run("onboard shop.toml --sandbox --consumer late --account shop --sends topics.order-events --yes")
        .ends(1)
        .tells("`--publishes topics.order-events` sends to it");
}
