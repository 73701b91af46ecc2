//! `provision import`

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::args;
use super::plan::guarded;
use super::reading;
use super::screen::Screen;
use super::session::{Session, lowered};
use super::{Ending, Failure};
use crate::disk::{self, Readers};
use crate::escape::screen::line;
use crate::guard::Guarded;
use crate::import::selection::Selection;
use crate::import::sources::{self, Sources};
use crate::import::{self, AccountEntry, LeftOut, Order, Written};
use crate::kinds::survey::census::{Candidate, Census, census};
use crate::kinds::survey::{Reading, Unread};
use crate::model::{AccountId, KindName, Place, Region};
use crate::plan::adopt::{Adopt, take_over};
use crate::plan::{Consent, Plan, Step};
use crate::report::style::counted;
use crate::stack::{self, Source, Stack};

/// Taking over what would change is given up in this many rounds at most: each lends more.
const ROUNDS: usize = 4;

/// Writes a stack file from what is live.
pub(super) async fn import(args: &args::Import, screen: &Screen) -> Result<Ending, Failure> {
    if args.out.exists() && !args.force {
        return Err(Failure::Plain(format!(
            "`{}` is there already; name another with `--out FILE`, or write over it with `--force`",
            args.out.display()
        )));
    }
    let accounts = accounts(args)?;
    let mut given = read_sources(&args.from)?;
    reading::refuse_input(&args.out)?;
    given.keep_accounts(&accounts.iter().map(|it| it.place.id.as_str()).collect());
    let entered = stack_of(
        &import::skeleton(&args.stack, &accounts),
        "the accounts named",
    )?;
    let session = Session::open(&entered, &args.place, screen)?;
    let selection = Selection {
        names: args.name.clone(),
        tags: args.tag.iter().map(|it| tag(it)).collect(),
        ids: BTreeSet::new(),
    };
    let others: RefCell<BTreeMap<String, String>> = RefCell::default();
    let seen: RefCell<BTreeSet<usize>> = RefCell::default();
    let choice = |it: &Candidate<'_>| {
        let named = given.names(it);
        seen.borrow_mut().extend(named);
        let mut selection = selection.clone();
        selection.ids.extend(named.map(|_| it.id.to_owned()));
        if let Some(stack) = selection.is_anothers(&args.stack, it) {
            let what = format!("{} `{}`", it.kind.singular(), it.name);
            others.borrow_mut().insert(what, stack);
        }
        selection.takes(&args.stack, it)
    };
    let places: BTreeSet<Place> = accounts.iter().map(|it| it.place.clone()).collect();
    let census = census(&args.stack, &places, &choice, &session.cloud)
        .await
        .map_err(Failure::Survey)?;
    let names = given.by_id(&census);
    let missing = given.missing(&seen.into_inner());
    let others_are_there = !others.borrow().is_empty();
    let asked = !missing.is_empty() || !given.left_out.is_empty() || !selection.is_empty();
    if census.found.is_empty() && (asked || others_are_there) {
        let told = [missing, given.left_out].concat();
        return Err(nothing_of(args, &told, &others.borrow()));
    }
    let mut lent = import::to_be_lent(&census, &args.stack);
    let mut round = 0;
    let (written, plan, guarded) = loop {
        let order = Order {
            stack: &args.stack,
            accounts: &accounts,
            names: &names,
            lent: &lent,
        };
        let written = import::write(&order, &census)
            .map_err(|error| Failure::Plain(format!("{error}; nothing was written")))?;
        let stack = stack_of(&written.text, "what was found")?;
        let mut desired = lowered(&stack)?;
        take_over(&mut desired, &written.adopt);
        let (desired, reading) = session.read(&stack, desired).await?;
        let reading = readable(reading, &census)?;
        let adopt = written.adopt.iter().map(|it| it.address.clone()).collect();
        let consent = Consent {
            adopt,
            ..Consent::default()
        };
        let plan = Plan::of_reading(&desired, &reading, &consent);
        let live = reading.live;
        let mut more = import::changed_by_adopting(&plan, &written.adopt, &live);
        let guarded = guarded(&desired, &live);
        more.extend(guarded_off(&guarded, &written.adopt));
        round += 1;
        if more.is_empty() || round == ROUNDS {
            break (written, plan, guarded);
        }
        lent.extend(more);
    };
    reading::write(&args.out, &written.text, Readers::Usual)?;
    let told = Told {
        written: &written,
        plan: &plan,
        guarded: &guarded,
        given: &given,
        missing,
        others: others.into_inner(),
    };
    screen.result(&told.text(args));
    screen.talk(&session.summary());
    Ok(Ending::Done)
}

/// Returns what was read, where that is all but subscriptions that the census could not read either, and names.
fn readable(reading: Reading, census: &Census) -> Result<Reading, Failure> {
    let named = |it: &Unread| {
        let mut addresses = it.addresses.iter();
        !census.unread_subscriptions.is_empty()
            && !it.addresses.is_empty()
            && addresses.all(|it| it.kind == KindName::Subscription)
    };
    if reading.unread.iter().all(named) {
        return Ok(reading);
    }
    reading.whole().map(Reading::from).map_err(Failure::Survey)
}

/// Says of something that it belongs to another stack.
fn of_another((what, stack): (&String, &String)) -> LeftOut {
    LeftOut {
        what: what.clone(),
        why: format!("it belongs to the stack `{stack}`: `--stack {stack}` imports that one"),
    }
}

/// Says what was asked for and is not there.
fn nothing_of(
    args: &args::Import,
    missing: &[LeftOut],
    others: &BTreeMap<String, String>,
) -> Failure {
    let quoted = |flag: &str, values: &[String]| -> Vec<String> {
        values.iter().map(|it| format!("`--{flag} {it}`")).collect()
    };
    let flags = [quoted("name", &args.name), quoted("tag", &args.tag)].concat();
    let mut lines = Vec::new();
    if !flags.is_empty() {
        lines.push(format!("and nothing else matches {}", flags.join(" and ")));
    }
    let others = others.iter().map(of_another);
    let told = missing.iter().cloned().chain(others);
    lines.extend(told.map(|it| format!("{}: {}", line(&it.what), line(&it.why))));
    Failure::Plain(format!(
        "nothing in these accounts bears the mark of the stack `{}`:\n  {}\n  nothing was written; are these the \
         right accounts and regions?",
        args.stack,
        lines.join("\n  ")
    ))
}

/// APIs that a guardrail keeps from being applied as the stack's own, by id, and why: they are better lent.
fn guarded_off(guarded: &Guarded, adopt: &[Adopt]) -> BTreeMap<String, String> {
    let found = guarded.refusing().filter_map(|it| {
        let adopted = adopt.iter().find(|adopt| adopt.address == it.address)?;
        let code = it.guardrail.code();
        let why = format!("{code} keeps it from being applied: {}", it.says);
        Some((adopted.id.clone()?, why))
    });
    found.collect()
}

/// What a stack file may say and cannot be read back.
const NOT_KEPT: &str = "
AWS does not keep `exclusive`, `accept`, `[[never]]`, offers to `anyone`, contracts, overlays, or a second name of an account:
where the stack file had any of these, write them again.
";

/// What there is to say of a written file.
struct Told<'a> {
    written: &'a Written,
    plan: &'a Plan,
    guarded: &'a Guarded,
    given: &'a Sources,
    missing: Vec<LeftOut>,
    others: BTreeMap<String, String>,
}

impl Told<'_> {
    fn text(&self, args: &args::Import) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        let accounts: BTreeSet<&str> = self
            .plan
            .steps
            .iter()
            .map(|it| it.place.account.as_str())
            .collect();
        let _ = writeln!(
            text,
            "Wrote {}: {} of stack {} in {}",
            args.out.display(),
            counted(self.plan.steps.len(), "resource"),
            args.stack,
            counted(accounts.len(), "account")
        );
        let mut left: BTreeSet<LeftOut> = self.written.left_out.iter().cloned().collect();
        let more = |what: &str, why: String| LeftOut {
            what: what.to_owned(),
            why,
        };
        left.extend(self.others.iter().map(of_another));
        left.extend(self.given.left_out.iter().cloned());
        left.extend(self.missing.iter().cloned());
        left.extend(self.guarded.refusing().map(|it| {
            let code = it.guardrail.code();
            let why = format!(
                "{code} keeps all of the stack from being applied: {}; mend it, or accept it in the file (`provision explain {code}`)",
                it.says
            );
            more(&it.address.to_string(), why)
        }));
        let amiss = import::amiss(self.plan, &self.written.adopt);
        let untrue = !amiss.is_empty();
        left.extend(amiss.into_iter().map(|(address, what)| {
            more(&address.to_string(), format!("with this file it {what}"))
        }));
        if !left.is_empty() {
            let _ = writeln!(text, "\nNot as it is in AWS, or not in the file");
            for it in &left {
                let _ = writeln!(text, "  ? {}: {}", line(&it.what), line(&it.why));
            }
        }
        let ours = |it: &&Step| it.have.as_ref().is_some_and(|it| it.mark.is_some());
        if self.plan.steps.iter().any(|it| ours(&it)) {
            text += NOT_KEPT;
        }
        let files = args::Files {
            stack: args.out.clone(),
            with: Vec::new(),
        };
        let mut next = args::command("plan", &files, &args.place);
        for it in &self.written.adopt {
            let _ = write!(next, " --adopt {it}");
        }
        let says = if self.written.adopt.is_empty() {
            "which has nothing to do"
        } else {
            "which takes these over and changes nothing else"
        };
        let beside = import::beside_marks(self.plan, &self.written.adopt);
        let says = match beside.as_slice() {
            _ if untrue => "and read it".to_owned(),
            [] => says.to_owned(),
            beside => format!("which takes these over, and {}", beside.join(", and ")),
        };
        let _ = writeln!(text, "\nNext: {next}    {says}");
        text
    }
}

fn accounts(args: &args::Import) -> Result<Vec<AccountEntry>, Failure> {
    let region = Region::parse(&args.region).ok_or_else(|| {
        Failure::Plain(format!(
            "`{}` is not a region; write one such as `eu-west-1`",
            args.region
        ))
    })?;
    let mut found: Vec<AccountEntry> = Vec::new();
    for text in &args.account {
        let entry = account(text, &region).ok_or_else(|| {
            Failure::Plain(format!(
                "`--account {text}` is not an account; write its name and id, as in `shop=111111111111`, and the role \
                 to assume there: `shop=111111111111:provision`"
            ))
        })?;
        if let Some(other) = found
            .iter()
            .find(|it| it.place.account == entry.place.account)
        {
            return Err(Failure::Plain(format!(
                "two accounts are called `{}`: {} and {}",
                entry.place.account, other.place.id, entry.place.id
            )));
        }
        found.push(entry);
    }
    Ok(found)
}

/// `NAME=ID`, `NAME=ID:ROLE`, either with `@REGION` after it.
pub(super) fn account(text: &str, region: &Region) -> Option<AccountEntry> {
    let (name, rest) = text.split_once('=')?;
    // A role's name may hold `@` too.
    let (rest, region) = match rest.rsplit_once('@') {
        Some((rest, own)) => match Region::parse(own) {
            Some(own) => (rest, own),
            None => (text.split_once('=')?.1, region.clone()),
        },
        None => (rest, region.clone()),
    };
    let (id, role) = match rest.split_once(':') {
        Some((id, role)) => (id, Some(role.to_owned()).filter(|it| !it.is_empty())),
        None => (rest, None),
    };
    Some(AccountEntry {
        place: Place {
            account: Some(name).filter(|it| !it.is_empty())?.to_owned(),
            id: AccountId::parse(id)?,
            region,
        },
        role,
    })
}

fn tag(text: &str) -> (String, Option<String>) {
    match text.split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
        None => (text.to_owned(), None),
    }
}

fn read_sources(files: &[std::path::PathBuf]) -> Result<Sources, Failure> {
    let mut all = Vec::new();
    for path in files {
        let name = path.display().to_string();
        let text = reading::text(path).map_err(|error| {
            Failure::Plain(format!("cannot read `{name}`: {}", disk::why(&error)))
        })?;
        all.push((name, text));
    }
    sources::read(&all).map_err(|error| Failure::Plain(format!("{error}; nothing was written")))
}

fn stack_of(text: &str, what: &str) -> Result<Stack, Failure> {
    let source = Source {
        name: what.to_owned(),
        text: text.to_owned(),
    };
    let read = |name: &str| Err(format!("`{name}` is not read"));
    stack::check(&source, &[], &read).map_err(|faults| Failure::Faults(faults, String::new()))
}
