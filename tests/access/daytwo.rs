//! Day two over the SDK: a lost file, two teams with a contract between them, and a consumer
//! that comes and goes. What is said of access is tried, by requests of those it is said of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use provision::aws::Keys;
use provision::model::Arn;
use provision::policy::{Change, Who, compare};
use serde_json::{Value, json};

use crate::breaking::{Holder, policies};
use crate::caller::{Door, Message, Way, Wire};
use crate::emulator::Emulator;
use crate::entering;
use crate::ground::{Ground, OPERATOR, bare_provision, told};

const REGION: &str = "eu-west-1";
const SHOP: &str = "111111111111";
const BILLING: &str = "222222222222";
const ORDERS: &str = "333333333333";

/// An emulator with a way in for the operator, and a folder to work in.
struct Place {
    emulator: Emulator,
    wire: Wire,
    folder: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

impl Place {
    /// `None` where there is no Python.
    fn of(name: &str, accounts: &[&str]) -> Option<Self> {
        let emulator = entering::emulator(accounts, None)?;
        let name = format!("daytwo-{name}-{}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).expect("the target directory is writable");
        let wire = Wire {
            port: emulator.port(),
        };
        Some(Self {
            emulator,
            wire,
            folder,
        })
    }

    /// Runs the program in the folder, and gives all that it printed to people.
    #[track_caller]
    fn run(&self, words: &str, code: i32) -> String {
        let args: Vec<&str> = words.split_whitespace().collect();
        let output = bare_provision(self.wire.port, &args)
            .current_dir(&self.folder)
            .env("AWS_ACCESS_KEY_ID", OPERATOR)
            .env("AWS_SECRET_ACCESS_KEY", "any")
            .output()
            .expect("the program runs");
        let told = told(&output);
        assert_eq!(output.status.code(), Some(code), "{words}: {told}");
        told
    }

    fn copy(&self, from: &str, to: &str) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("stacks")
            .join(from);
        let to = self.folder.join(to);
        fs::create_dir_all(to.parent().expect("a folder")).expect("it is writable");
        fs::copy(from, to).expect("a stack");
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).expect("a file")
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.join(file), text).expect("the folder is writable");
    }

    /// The session of a role, entered by its account.
    fn session(&self, arn: &Arn) -> Keys {
        let root = Ground::root(arn.account());
        let session = self.wire.assume(Some(&root), REGION, arn, None);
        session.expect("the role can be entered")
    }
}

/// Makes a role that its own account lets do everything.
fn mighty(wire: Wire, account: &str, path: &str, name: &str) -> Arn {
    let document =
        |statement: Value| json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let trust = document(json!({
        "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole",
    }));
    let everything = document(json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }));
    for fields in [
        [
            ("Action", "CreateRole"),
            ("Path", path),
            ("AssumeRolePolicyDocument", &trust),
        ],
        [
            ("Action", "PutRolePolicy"),
            ("PolicyName", "everything"),
            ("PolicyDocument", &everything),
        ],
    ] {
        let mut fields = fields.to_vec();
        fields.extend([("Version", "2010-05-08"), ("RoleName", name)]);
        wire.set_up(account, "iam", &fields);
    }
    arn(&format!("arn:aws:iam::{account}:role{path}{name}"))
}

fn arn(text: &str) -> Arn {
    Arn::parse(text).expect("an ARN")
}

#[test]
fn a_lost_file_is_written_anew_from_the_cloud_and_destroys_all() {
    let Some(place) = Place::of("import", &[SHOP, BILLING, ORDERS]) else {
        return;
    };
    place.copy("marketplace.toml", "shop.toml");
    place.run("apply shop.toml --yes", 0);
    fs::remove_file(place.folder.join("shop.toml")).expect("it was there");

    let import = format!(
        "import --stack marketplace --region {REGION} --account shop={SHOP}:provision \
         --account billing={BILLING}:provision --account orders={ORDERS}:provision --out found.toml"
    );
    let said = place.run(&import, 0);
    assert!(said.contains("12 resources of stack marketplace"), "{said}");
    assert!(said.contains("0 writes"), "{said}");
    let said = place.run("plan found.toml --detailed-exitcode", 0);
    assert!(said.contains("Nothing to do"), "{said}");
    place.run("drift found.toml", 0);
    place.run("verify found.toml --live", 0);

    place.run("destroy found.toml --yes", 0);
    let said = place.run(&format!("{import} --force"), 1);
    assert!(said.contains("nothing in these accounts"), "{said}");
    assert_eq!(place.wire.api_ids(ORDERS, REGION), [""; 0]);
}

#[test]
fn an_account_that_cannot_be_read_is_told_and_the_others_are_looked_at() {
    let Some(place) = Place::of("unread", &[SHOP, BILLING, ORDERS]) else {
        return;
    };
    place.copy("marketplace.toml", "shop.toml");
    place.run("apply shop.toml --yes", 0);
    let theirs = [
        ("Action", "UpdateRole"),
        ("Version", "2010-05-08"),
        ("RoleName", "checkout"),
        ("Description", "Theirs"),
        ("MaxSessionDuration", "3600"),
    ];
    place.wire.set_up(SHOP, "iam", &theirs);
    // One service that says no, and all of them.
    for (service, of_billing) in [("iam", "roles.invoicer"), ("*", "queues.billing-inbox")] {
        let rule = json!({ "kind": "access_denied", "service": service, "account": BILLING });
        place.emulator.faults(&json!([rule]));
        let said = place.run("drift shop.toml", 1);
        for part in [
            "PD008",
            of_billing,
            "role checkout  cosmetic  PD001 changed in AWS",
            "whether they are in step is not known",
        ] {
            assert!(said.contains(part), "no `{part}` in: {said}");
        }
        assert!(!said.contains("No drift"), "{said}");
    }
    // The other account's role is put right, and what could not be read is said.
    let rule = json!({ "kind": "access_denied", "service": "iam", "account": BILLING });
    place.emulator.faults(&json!([rule]));
    let said = place.run("apply shop.toml --yes", 4);
    for part in ["Not read  PD008", "? role invoicer: it stays as it is"] {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
    place.emulator.faults(&json!([]));
    place.run("drift shop.toml", 0);
}

#[test]
fn an_account_that_left_the_file_and_lets_nobody_in_is_told_and_dropped_by_its_id() {
    let Some(place) = Place::of("departed", &[SHOP, BILLING]) else {
        return;
    };
    let with = |billing: &str, rest: &str| {
        format!(
            "[stack]\nname = \"two\"\nregion = \"eu-west-1\"\n[accounts.shop]\nid = \"{SHOP}\"\nrole = \"provision\"\n\
             {billing}[topics.events]\naccount = \"shop\"\n{rest}"
        )
    };
    let billing = format!("[accounts.billing]\nid = \"{BILLING}\"\nrole = \"provision\"\n");
    let rest = "[roles.a]\naccount = \"billing\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
                [[access]]\nfrom = \"roles.a\"\nto = \"topics.events\"\nvia = \"assume-role\"\n";
    place.write("two.toml", &with(&billing, rest));
    place.run("apply two.toml --yes", 0);
    place.write("two.toml", &with("", ""));
    let trusts = |effect: &str| {
        let statement =
            json!({ "Effect": effect, "Principal": { "AWS": "*" }, "Action": "sts:AssumeRole" });
        let document = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        let call = [
            ("Action", "UpdateAssumeRolePolicy"),
            ("Version", "2010-05-08"),
            ("RoleName", "provision"),
            ("PolicyDocument", document.as_str()),
        ];
        place.wire.set_up(BILLING, "iam", &call);
    };
    trusts("Deny");
    for command in ["plan two.toml", "apply two.toml --yes --prune"] {
        let said = place.run(command, 1);
        for part in ["left the stack", BILLING, "--unreachable"] {
            assert!(said.contains(part), "no `{part}` in: {said}");
        }
    }
    let dropped = format!("--unreachable {BILLING}");
    let said = place.run(&format!("apply two.toml --yes --prune {dropped}"), 0);
    assert!(said.contains("Left"), "{said}");
    // Nothing names it any more: by hand, once it lets somebody in again.
    trusts("Allow");
    let also = format!("--also-account {BILLING}");
    let said = place.run(&format!("apply two.toml --yes --prune {also}"), 0);
    assert!(said.contains("- role a"), "{said}");
    place.run(&format!("plan two.toml --detailed-exitcode {also}"), 0);
}

// ---- two teams

/// The owner's folder and the consumer's, and who tries what the contract joins.
struct Teams {
    place: Place,
    stranger: Arn,
}

/// Everything that is offered, in the order of the owner's file.
const EDGES: [&str; 4] = [
    "invoicer calls GET /orders/{id}",
    "importer calls POST /orders",
    "importer publishes",
    "billing-inbox receives",
];

impl Teams {
    fn of(name: &str) -> Option<Self> {
        let place = Place::of(name, &[BILLING, ORDERS])?;
        place.copy("contracts/owner.toml", "owner/owner.toml");
        place.copy("contracts/consumer.toml", "consumer/consumer.toml");
        let stranger = mighty(place.wire, BILLING, "/", "stranger");
        Some(Self { place, stranger })
    }

    #[track_caller]
    fn owner(&self, words: &str, code: i32) -> String {
        let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
        self.place
            .run(&format!("{verb} owner/owner.toml {rest}"), code)
    }

    #[track_caller]
    fn consumer(&self, words: &str, code: i32) -> String {
        let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
        self.place
            .run(&format!("{verb} consumer/consumer.toml {rest}"), code)
    }

    /// The contract goes from one folder to the other.
    fn hand_over(&self) {
        self.owner("export --out owner/orders.toml", 0);
        let contract = self.place.read("owner/orders.toml");
        self.place.write("consumer/orders.toml", &contract);
    }

    /// The access role that the contract names for a role and a target, where it names one.
    fn access_role(&self, target: &str, of: &str) -> Option<Arn> {
        let told = self.consumer("output --json", 0);
        let start = told.find('{').expect("a document");
        let mut documents = serde_json::Deserializer::from_str(&told[start..]).into_iter();
        let output: Value = documents.next().expect("a document").expect("JSON");
        let name = format!("contracts.orders.{target}.for.{of}.role");
        output["values"][name].as_str().map(arn)
    }

    /// Somebody's session: their own, or that of the role that they must assume first.
    ///
    /// `None` when they may not assume it.
    fn entered(&self, who: &Arn, access_role: Option<&Arn>) -> Option<Keys> {
        let own = self.place.session(who);
        match access_role {
            Some(role) => self.place.wire.assume(Some(&own), REGION, role, None),
            None => Some(own),
        }
    }

    /// What comes off of what is offered, tried by whom it is offered to.
    fn working(&self, roles: &Roles) -> BTreeSet<&'static str> {
        let role = |name: &str| {
            arn(&format!(
                "arn:aws:iam::{BILLING}:role/provision/billing/{name}"
            ))
        };
        let (invoicer, importer) = (role("invoicer"), role("importer"));
        let tried = [
            self.calls(&invoicer, roles.get.as_ref(), "GET", "/orders/17"),
            self.calls(&importer, roles.post.as_ref(), "POST", "/orders"),
            self.publishes(&importer, roles.publish.as_ref(), "from the importer"),
            self.receives(),
        ];
        let worked = EDGES.into_iter().zip(tried).filter(|(_, it)| *it);
        worked.map(|(edge, _)| edge).collect()
    }

    /// What comes off for a role of the consumer's account that nobody offered anything.
    fn a_stranger_may(&self, roles: &Roles) -> Vec<&'static str> {
        let who = &self.stranger;
        let spy = arn(&format!("arn:aws:sqs:{REGION}:{BILLING}:spy"));
        let tried = [
            self.calls(who, roles.get.as_ref(), "GET", "/orders/17"),
            self.calls(who, None, "GET", "/orders/17"),
            self.calls(who, None, "POST", "/orders"),
            self.publishes(who, roles.publish.as_ref(), "from a stranger"),
            self.publishes(who, None, "from a stranger"),
            self.place
                .wire
                .subscribe(self.entered(who, None).as_ref(), &topic(), &spy),
        ];
        let words = [
            "get by a role",
            "get",
            "post",
            "publish by a role",
            "publish",
            "subscribe",
        ];
        let worked = words.into_iter().zip(tried).filter(|(_, it)| *it);
        worked.map(|(word, _)| word).collect()
    }

    fn calls(&self, who: &Arn, by: Option<&Arn>, method: &str, path: &str) -> bool {
        let ids = self.place.wire.api_ids(ORDERS, REGION);
        let door = Door {
            id: ids[0].clone(),
            stage: "live".to_owned(),
            region: REGION.to_owned(),
        };
        let wire = self.place.wire;
        self.entered(who, by)
            .is_some_and(|it| wire.invoke(Some(&it), &door, method, path, &Way::default()))
    }

    fn publishes(&self, who: &Arn, by: Option<&Arn>, body: &str) -> bool {
        let wire = self.place.wire;
        self.entered(who, by)
            .is_some_and(|it| wire.publish(Some(&it), &topic(), &message(body)))
    }

    /// Whether what the owner itself publishes arrives.
    fn receives(&self) -> bool {
        let queue = arn(&format!("arn:aws:sqs:{REGION}:{BILLING}:billing-inbox"));
        let wire = self.place.wire;
        wire.take(&Ground::root(BILLING), &queue);
        let owner = Ground::root(ORDERS);
        assert!(wire.publish(Some(&owner), &topic(), &message("news")));
        let arrived = wire.take(&Ground::root(BILLING), &queue);
        arrived == ["news"]
    }
}

/// The access roles of the contract.
struct Roles {
    get: Option<Arn>,
    post: Option<Arn>,
    publish: Option<Arn>,
}

impl Roles {
    fn of(teams: &Teams) -> Self {
        Self {
            get: teams.access_role("apis.orders", "invoicer"),
            post: teams.access_role("apis.orders", "importer"),
            publish: teams.access_role("topics.order-events", "importer"),
        }
    }
}

fn topic() -> Arn {
    arn(&format!("arn:aws:sns:{REGION}:{ORDERS}:order-events"))
}

fn message(body: &str) -> Message {
    Message {
        id: body.to_owned(),
        body: body.to_owned(),
        attributes: Vec::new(),
    }
}

#[test]
fn a_contract_joins_two_stacks_and_each_offer_withdrawn_breaks_its_edge_alone() {
    let Some(teams) = Teams::of("owner-first") else {
        return;
    };
    teams.owner("apply --yes", 0);
    teams.hand_over();
    teams.consumer("apply --yes", 0);
    let roles = Roles::of(&teams);
    assert!(roles.get.is_some(), "one of the two ways is by a role");
    assert!(roles.post.is_none(), "and one is not");
    assert_eq!(teams.working(&roles), EDGES.into());
    assert_eq!(teams.a_stranger_may(&roles), [""; 0]);

    let whole = teams.place.read("owner/owner.toml");
    let (head, offers) = whole.split_once("[[offer]]").expect("offers");
    let offers: Vec<&str> = offers.split("[[offer]]").collect();
    assert_eq!(offers.len(), EDGES.len());
    for (number, edge) in EDGES.into_iter().enumerate() {
        let mut text = head.to_owned();
        for (_, offer) in offers.iter().enumerate().filter(|(it, _)| *it != number) {
            text += &format!("[[offer]]{offer}");
        }
        teams.place.write("owner/owner.toml", &text);
        let queue = format!("arn:aws:sqs:{REGION}:{BILLING}:billing-inbox");
        // A subscription outlives its offer, until it is cut off by name.
        let cut = match edge {
            "billing-inbox receives" => format!("--cut-off {queue}"),
            _ => String::new(),
        };
        teams.owner(&format!("apply --yes --prune {cut}"), 0);
        let left: BTreeSet<&str> = EDGES.into_iter().filter(|it| *it != edge).collect();
        assert_eq!(teams.working(&roles), left, "without `{edge}`");
        assert_eq!(teams.a_stranger_may(&roles), [""; 0], "without `{edge}`");
        teams.hand_over();
        let drift = teams.consumer("drift", 2);
        assert!(drift.contains("PD007"), "without `{edge}`: {drift}");

        // Offered again, it works again; the consumer has only its subscription to make.
        teams.place.write("owner/owner.toml", &whole);
        teams.owner("apply --yes", 0);
        teams.hand_over();
        teams.consumer("apply --yes", 0);
        assert_eq!(teams.working(&roles), EDGES.into(), "with `{edge}` again");
    }
    for side in ["owner", "consumer"] {
        teams
            .place
            .run(&format!("plan {side}/{side}.toml --detailed-exitcode"), 0);
    }
}

#[test]
fn a_contract_joins_two_stacks_when_the_consumer_comes_first() {
    let Some(teams) = Teams::of("consumer-first") else {
        return;
    };
    teams.hand_over();
    let said = teams.consumer("apply --yes", 4);
    assert!(
        said.contains("waits for the half of stack `orders`"),
        "{said}"
    );
    teams.owner("apply --yes", 0);
    teams.hand_over();
    teams.consumer("apply --yes", 0);
    let roles = Roles::of(&teams);
    assert_eq!(teams.working(&roles), EDGES.into());
    assert_eq!(teams.a_stranger_may(&roles), [""; 0]);
    teams.consumer("plan --detailed-exitcode", 0);
}

// ---- one more consumer

const CONSUMERS: usize = 50;
const ACCOUNTS: usize = 11;
const NEW: &str = "arn:aws:iam::100000000001:role/provision/baseline/analytics";
const NEW_QUEUE: &str = "arn:aws:sqs:eu-west-1:100000000001:analytics";

/// The documents of a stack that were there before, by what holds them.
fn documents(ground: &Ground) -> BTreeMap<String, (Holder, provision::policy::Document)> {
    let all = policies(ground).into_iter();
    all.map(|(holder, it)| (format!("{holder:?}"), (holder, it)))
        .collect()
}

/// What the new consumer may: its calls, its messages, and what arrives for it.
fn may(ground: &Ground, keys: &Keys) -> Vec<&'static str> {
    let wire = ground.wire;
    let (door, topic) = (&ground.doors["shop"], &ground.stack.topics["events"].arn);
    let mut may = Vec::new();
    for (words, method, path) in [
        ("get orders", "GET", "/orders"),
        ("get items", "GET", "/items"),
        ("post orders", "POST", "/orders"),
    ] {
        if wire.invoke(Some(keys), door, method, path, &Way::default()) {
            may.push(words);
        }
    }
    if wire.publish(Some(keys), topic, &message("from analytics")) {
        may.push("publish");
    }
    may
}

#[test]
fn one_more_consumer_of_fifty_comes_over_the_sdk_and_goes_again() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("daytwo-onboard-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("the target directory is writable");
    let file = folder.join("shop.toml");
    let text = crate::calls::baseline::text(CONSUMERS, ACCOUNTS);
    fs::write(&file, &text).expect("a file");
    let Some(ground) = Ground::of(&file, &[], 0) else {
        return;
    };
    let before = documents(&ground);
    let path = file.display().to_string();
    let onboard = [
        "onboard",
        &path,
        "--consumer",
        "analytics",
        "--account",
        "team-1",
        "--calls",
        "apis.shop: GET /orders, GET /items",
        "--publishes",
        "topics.events",
        "--subscribes",
        "topics.events",
        "--via",
        "resource-policy",
        "--yes",
    ];
    let said = ground.provision(&onboard);
    assert_eq!(said.status.code(), Some(0), "{}", told(&said));

    // It may what it came for, and no more.
    let (new, queue) = (arn(NEW), arn(NEW_QUEUE));
    let root = Ground::root(new.account());
    let keys = ground.wire.assume(Some(&root), REGION, &new, None);
    let keys = keys.expect("the role can be entered");
    ground.wire.take(&root, &queue);
    assert_eq!(may(&ground, &keys), ["get orders", "get items", "publish"]);
    // It comes in SNS's envelope: nobody asked for it raw.
    let received = ground.wire.take(&root, &queue);
    assert_eq!(received.len(), 1, "{received:?}");
    assert!(
        received[0].contains(r#""Message": "from analytics""#),
        "{received:?}"
    );

    // Every other document says what it said, and the two that let it in say more of it alone.
    let mut touched = BTreeSet::new();
    let after = documents(&ground);
    for (name, (holder, old)) in &before {
        let change = compare(old, &after[name].1);
        if change.verdict == Change::Equal {
            continue;
        }
        assert!(
            matches!(holder, Holder::Api(..) | Holder::Topic(..)),
            "{name}"
        );
        assert_eq!(change.verdict, Change::Widened, "{name}: {change:?}");
        for request in &change.gains {
            let is_new = matches!(&request.principal, Who::Arn(it) if it == NEW);
            let mut values = request.context.values().flatten();
            assert!(
                is_new || values.any(|it| it == NEW_QUEUE),
                "{name}: {request:?}"
            );
        }
        touched.insert(name.clone());
    }
    assert_eq!(touched.len(), 2, "{touched:?}");

    let said = ground.provision(&["offboard", &path, "--consumer", "analytics", "--yes"]);
    assert_eq!(said.status.code(), Some(0), "{}", told(&said));
    assert_eq!(fs::read_to_string(&file).expect("the stack"), text);
    let after = documents(&ground);
    for (name, (_, old)) in &before {
        assert_eq!(
            compare(old, &after[name].1).verdict,
            Change::Equal,
            "{name}"
        );
    }
    // Whoever makes a role of that name, and lets it do everything, is let in nowhere.
    let again = mighty(
        ground.wire,
        new.account(),
        "/provision/baseline/",
        "analytics",
    );
    let keys = ground.wire.assume(Some(&root), REGION, &again, None);
    assert_eq!(may(&ground, &keys.expect("it can be entered")), [""; 0]);
    fs::remove_dir_all(&folder).ok();
}

/// An API whose stage has a limit, and a role that may call it.
const GUARDED: &str = r#"
[stack]
name = "guarded"
region = "eu-west-1"
[accounts.shop]
id = "111111111111"
role = "provision"
[roles.caller]
path = "/"
trusted_by = "ec2.amazonaws.com"
[apis.orders]
stage = { name = "live", rate = 10, log_level = "error" }
[apis.orders.routes]
"GET /orders" = { mock = 200 }
[[access]]
from = "roles.caller"
to = "apis.orders"
allow = "GET /orders"
"#;

#[test]
fn a_new_stage_with_a_limit_answers_nobody_before_it_has_it() {
    let Some(place) = Place::of("guarded", &[SHOP]) else {
        return;
    };
    place.write("shop.toml", GUARDED);
    // The stage is there and serves; what sets its limit fails.
    let broken = json!([{"kind": "error500", "service": "apigateway", "action": "UpdateStage"}]);
    place.emulator.faults(&broken);
    place.run("apply shop.toml --yes", 4);
    let ids = place.wire.api_ids(SHOP, REGION);
    assert_eq!(ids.len(), 1);
    let door = Door {
        id: ids[0].clone(),
        region: REGION.to_owned(),
        stage: "live".to_owned(),
    };
    let caller = arn(&format!("arn:aws:iam::{SHOP}:role/caller"));
    let calls = || {
        let keys = place.session(&caller);
        let way = Way::default();
        place
            .wire
            .invoke(Some(&keys), &door, "GET", "/orders", &way)
    };
    assert!(!calls(), "it answers before it has its limit");
    place.emulator.faults(&json!([]));
    place.run("apply shop.toml --yes", 0);
    assert!(calls(), "it does not answer once it has its limit");
    let said = place.run("plan shop.toml --detailed-exitcode", 0);
    assert!(said.contains("Nothing to do"), "{said}");
}
