//! The caller's own login: one cause, printed once, with the command that mends it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::emulator::Emulator;
use crate::entering::{emulator, stack};
use crate::ground::{OPERATOR, bare_provision, told};

const SHOP: &str = "111111111111";
const ORDERS: &str = "333333333333";

/// No server listens there.
const CLOSED: u16 = 9;

/// A configuration file with this text.
fn config(name: &str, text: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("login-{name}-config"));
    fs::write(&file, text).expect("the target directory is writable");
    file
}

/// Plans a stack over two accounts, each entered by a role, with these settings.
fn plan(name: &str, port: u16, text: &str, settings: &[(&str, &str)]) -> Output {
    let file = stack(name, r#"role = "provision""#, r#"role = "provision""#);
    bare_provision(port, &["plan", &file.display().to_string()])
        .env("AWS_CONFIG_FILE", config(name, text))
        .envs(settings.iter().copied())
        .output()
        .expect("the program runs")
}

/// Asserts that a run failed with one error that has these words, and advises nothing else.
fn fails_once(output: &Output, words: &[&str]) {
    let text = told(output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.matches("error:").count(), 1, "{text}");
    assert!(!text.contains("--unreachable"), "{text}");
    for word in words {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
}

const SSO: &str = "[profile sso]\nsso_start_url = https://example.awsapps.com/start\n\
    sso_region = eu-west-1\nsso_account_id = 111111111111\nsso_role_name = Admin\nregion = eu-west-1\n";

#[test]
fn a_profile_that_is_in_no_file_is_named_with_those_that_are() {
    let output = plan("missing", CLOSED, SSO, &[("AWS_PROFILE", "nope")]);
    let words = [
        "profile `nope` (AWS_PROFILE) is in no AWS configuration file",
        "there are: sso",
    ];
    fails_once(&output, &words);
    let output = plan("empty", CLOSED, "", &[("AWS_PROFILE", "nope")]);
    fails_once(
        &output,
        &["profile `nope`", "no AWS configuration file has a profile"],
    );
}

#[test]
fn a_profile_that_begins_with_one_that_is_in_no_file_is_named_with_it() {
    let role = "role_arn = arn:aws:iam::111111111111:role/admin\n";
    let chain = format!(
        "[profile first]\n{role}source_profile = second\n[profile second]\n{role}source_profile = gone\n"
    );
    let output = plan("lost-source", CLOSED, &chain, &[("AWS_PROFILE", "first")]);
    fails_once(
        &output,
        &["profile `second` begins with `gone`, which is in no AWS configuration file"],
    );
    let session = "[profile first]\nsso_session = gone\nsso_account_id = 111111111111\nsso_role_name = Admin\n";
    let output = plan("lost-session", CLOSED, session, &[("AWS_PROFILE", "first")]);
    fails_once(&output, &["profile `first` names the session `gone`"]);
}

#[test]
fn a_chain_of_profiles_without_an_end_is_named() {
    let role = "role_arn = arn:aws:iam::111111111111:role/admin\n";
    let ring = format!(
        "[profile first]\n{role}source_profile = second\n[profile second]\n{role}source_profile = first\n"
    );
    let output = plan("ring", CLOSED, &ring, &[("AWS_PROFILE", "first")]);
    fails_once(
        &output,
        &["each of these profiles begins with the next: first, second, first"],
    );
    let alone = format!("[profile first]\n{role}source_profile = first\n");
    let output = plan("alone", CLOSED, &alone, &[("AWS_PROFILE", "first")]);
    fails_once(&output, &["begins with the next: first, first"]);
}

#[test]
fn what_is_missing_of_credentials_is_named() {
    let web = "[profile web]\nrole_arn = arn:aws:iam::111111111111:role/admin\nweb_identity_token_file = /nowhere/token\n";
    let output = plan("web", CLOSED, web, &[("AWS_PROFILE", "web")]);
    fails_once(
        &output,
        &["profile `web` takes its token from /nowhere/token, which does not exist"],
    );
    let half = [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let output = plan("half", CLOSED, "", &half);
    fails_once(
        &output,
        &["AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not"],
    );
}

#[test]
fn an_address_where_nothing_listens_is_named_once_with_its_setting() {
    let keys = [
        ("AWS_ACCESS_KEY_ID", OPERATOR),
        ("AWS_SECRET_ACCESS_KEY", "any"),
    ];
    let output = plan("closed", CLOSED, "", &keys);
    fails_once(
        &output,
        &[
            "nothing listens at http://127.0.0.1:9 (AWS_ENDPOINT_URL)",
            "needed for accounts",
        ],
    );
    assert!(!told(&output).contains("os error"), "{}", told(&output));
    let own = ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:7");
    let output = plan("closed-sts", CLOSED, "", &[keys[0], keys[1], own]);
    fails_once(&output, &["http://127.0.0.1:7 (AWS_ENDPOINT_URL_STS)"]);
    let file = "[default]\nservices = local\n[services local]\nsts =\n  endpoint_url = http://127.0.0.1:7\n";
    // What the environment says of all services comes before the file, where it says something.
    let unset = ("AWS_ENDPOINT_URL", "");
    let output = plan("closed-file", CLOSED, file, &[keys[0], keys[1], unset]);
    fails_once(
        &output,
        &["http://127.0.0.1:7 (`endpoint_url` in the AWS configuration file)"],
    );
}

#[test]
fn an_endpoint_that_is_set_and_empty_is_none() {
    let empty = [("AWS_ENDPOINT_URL", ""), ("AWS_ENDPOINT_URL_SNS", "")];
    let output = plan("empty-endpoint", CLOSED, "", &empty);
    fails_once(&output, &["no AWS credentials: neither the environment"]);
}

#[test]
fn a_missing_login_gives_the_command_that_brings_it() {
    let output = plan("sso", CLOSED, SSO, &[("AWS_PROFILE", "sso")]);
    fails_once(
        &output,
        &[
            "profile `sso` has no login",
            "run `aws sso login --profile sso`",
            "needed for accounts `orders`, `shop`",
        ],
    );
    let session = "[sso-session corp]\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n\
        [profile admin]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Admin\nregion = eu-west-1\n";
    let output = plan("session", CLOSED, session, &[("AWS_PROFILE", "admin")]);
    fails_once(&output, &["run `aws sso login --profile admin`"]);
    let console = "[profile console]\nlogin_session = arn:aws:iam::111111111111:user/me\nregion = eu-west-1\n";
    let output = plan("console", CLOSED, console, &[("AWS_PROFILE", "console")]);
    fails_once(&output, &["run `aws login --profile console`"]);
    let output = plan(
        "default",
        CLOSED,
        &SSO.replace("profile sso", "default"),
        &[],
    );
    fails_once(&output, &["run `aws sso login`"]);
}

#[test]
fn a_refused_connection_is_no_missing_login() {
    let keys = [
        ("AWS_ACCESS_KEY_ID", SHOP),
        ("AWS_SECRET_ACCESS_KEY", "any"),
    ];
    let output = plan("refused", CLOSED, "", &keys);
    let text = told(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(!text.contains("login"), "{text}");
    assert!(text.contains("nothing listens"), "{text}");
}

const MFA: &str = "[profile keys]\naws_access_key_id = 111111111111\naws_secret_access_key = any\n\
    [profile admin]\nrole_arn = arn:aws:iam::111111111111:role/provision\nsource_profile = keys\n\
    mfa_serial = arn:aws:iam::111111111111:mfa/me\nregion = eu-west-1\n\
    [profile beyond]\nrole_arn = arn:aws:iam::333333333333:role/provision\nsource_profile = admin\nregion = eu-west-1\n";

#[test]
fn a_code_that_cannot_be_asked_for_is_said_to_be_missing() {
    for profile in ["admin", "beyond"] {
        let output = plan("mfa", CLOSED, MFA, &[("AWS_PROFILE", profile)]);
        fails_once(
            &output,
            &[
                "profile `admin` asks for an MFA code of arn:aws:iam::111111111111:mfa/me (mfa_serial)",
                "aws configure export-credentials --profile admin",
            ],
        );
    }
}

/// The calls of an action that the emulator has received.
fn calls(emulator: &Emulator, action: &str) -> usize {
    let calls = emulator.control("GET", "/_emulator/calls", "");
    let last = calls["last"].as_array().expect("calls").iter();
    last.filter(|it| it["action"] == action).count()
}

#[test]
fn a_code_is_asked_for_once_on_a_terminal() {
    let Some(emulator) = emulator(&[SHOP, ORDERS], None) else {
        return;
    };
    let file = stack("terminal", r#"role = "provision""#, r#"role = "provision""#);
    // `script` gives the program a terminal to ask at.
    let line = format!(
        "{} plan {}",
        env!("CARGO_BIN_EXE_provision"),
        file.display()
    );
    let mut command = Command::new("script");
    let mut asked = command
        .args(["-qec", &line, "/dev/null"])
        .env("AWS_CONFIG_FILE", config("terminal", MFA))
        .env("AWS_SHARED_CREDENTIALS_FILE", "/no/such/file")
        .env("AWS_PROFILE", "admin")
        .env("AWS_ENDPOINT_URL", emulator.url())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script runs");
    let mut keyboard = asked.stdin.take().expect("its keyboard");
    std::io::Write::write_all(&mut keyboard, b"123456\n").expect("it reads");
    let output = asked.wait_with_output().expect("it ends");
    drop(keyboard);
    let text = told(&output);
    let question = "MFA code of arn:aws:iam::111111111111:mfa/me for profile `admin`:";
    assert_eq!(text.matches(question).count(), 1, "{text}");
    assert!(calls(&emulator, "AssumeRole") >= 1, "{text}");
}

#[test]
fn a_profile_of_the_stack_wins_over_keys_of_the_environment() {
    let Some(emulator) = emulator(&[SHOP, ORDERS], None) else {
        return;
    };
    let text = format!(
        "[profile shop]\naws_access_key_id = {SHOP}\naws_secret_access_key = any\nregion = eu-west-1\n\
         [profile orders]\naws_access_key_id = {ORDERS}\naws_secret_access_key = any\nregion = eu-west-1\n"
    );
    let file = stack("wins", r#"profile = "shop""#, r#"profile = "orders""#);
    let output = bare_provision(emulator.port(), &["plan", &file.display().to_string()])
        .env("AWS_CONFIG_FILE", config("wins", &text))
        .env("AWS_ACCESS_KEY_ID", "999999999999")
        .env("AWS_SECRET_ACCESS_KEY", "any")
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
}

#[test]
fn endpoints_of_a_profiles_services_are_used() {
    let Some(emulator) = emulator(&[SHOP, ORDERS], None) else {
        return;
    };
    let url = emulator.url();
    let services: String = [
        "iam",
        "sts",
        "sns",
        "sqs",
        "api_gateway",
        "resource_groups_tagging_api",
        "kms",
    ]
    .map(|it| format!("{it} =\n  endpoint_url = {url}\n"))
    .concat();
    let text = format!(
        "[profile local]\naws_access_key_id = {OPERATOR}\naws_secret_access_key = any\nregion = eu-west-1\n\
         services = local\n[services local]\n{services}"
    );
    let file = stack("services", r#"role = "provision""#, r#"role = "provision""#);
    let output = bare_provision(CLOSED, &["apply", &file.display().to_string(), "--yes"])
        .env_remove("AWS_ENDPOINT_URL")
        .env("AWS_CONFIG_FILE", config("services", &text))
        .env("AWS_PROFILE", "local")
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
}
