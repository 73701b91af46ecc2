//! What every command that calls needs: the stack, lowered, and a cloud behind the seam.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::join;
use tokio::time::Instant;

use super::args::{Also, Files, Reach, Where};
use super::reading;
use super::screen::Screen;
use super::{Failure, saved};
use crate::cloud::seam::Ledger;
use crate::cloud::{Request, Sandbox, Seam};
use crate::disk;
use crate::graph;
use crate::kinds::survey::endpoints::{self, Endpoints};
use crate::kinds::survey::organization::{self, Organization};
use crate::kinds::survey::{self, Above, Live, Reading};
use crate::lower::{self, Desired};
use crate::model::{AccountId, Arn, Place, Region};
use crate::permissions;
use crate::plan::{Departed, Plan};
use crate::policy::Document;
use crate::policy::size::Quotas;
use crate::stack::{self, Account, Credentials, Source, Stack};

/// Reads a stack and what is laid over it.
pub(super) fn load(files: &Files) -> Result<Stack, Failure> {
    check(&sources(files)?, files)
}

/// The same, where claims that no contract covers are told, and do not stand in the way.
pub(super) fn load_withdrawn(files: &Files) -> Result<Stack, Failure> {
    checked_withdrawn(files, &sources(files)?)
}

/// The stack that texts make, perhaps not written yet; claims that no contract covers are told.
pub(super) fn checked_withdrawn(files: &Files, sources: &[Source]) -> Result<Stack, Failure> {
    check_by(sources, files, &stack::check_withdrawn)
}

/// The texts of a stack and of what is laid over it.
pub(super) fn sources(files: &Files) -> Result<Vec<Source>, Failure> {
    std::iter::once(&files.stack)
        .chain(&files.with)
        .map(|path| {
            let text = reading::exact(path).map_err(|error| unreadable(path, &error))?;
            Ok(Source {
                name: path.display().to_string(),
                text,
            })
        })
        .collect()
}

/// The stack that texts declare.
pub(super) fn check(sources: &[Source], files: &Files) -> Result<Stack, Failure> {
    check_by(sources, files, &stack::check)
}

/// How a stack is checked.
type Check<'a> = &'a dyn Fn(
    &Source,
    &[Source],
    &dyn Fn(&str) -> Result<String, String>,
) -> Result<Stack, stack::Faults>;

fn check_by(sources: &[Source], files: &Files, check: Check<'_>) -> Result<Stack, Failure> {
    let [main, overlays @ ..] = sources else {
        return Err(Failure::Plain("there is no stack".to_owned()));
    };
    let mut stack = check(main, overlays, &beside(files))
        .map_err(|faults| Failure::Faults(faults, String::new()))?;
    stack.expire(&today());
    Ok(stack)
}

/// Today in UTC, as `2027-01-31`.
fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    day_of(since.map_or(0, |it| it.as_secs() / 86_400))
}

/// The day that is so many days after 1970-01-01, as `2027-01-31`.
fn day_of(days: u64) -> String {
    // Years are counted from March, so that a leap day is the last of its year.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, year) = if month < 10 {
        (month + 3, era * 400 + year)
    } else {
        (month - 9, era * 400 + year + 1)
    };
    format!("{year:04}-{month:02}-{day:02}")
}

/// Reads the files that a stack names: they are seen from its folder.
pub(super) fn beside(files: &Files) -> impl Fn(&str) -> Result<String, String> + use<> {
    let folder = files
        .stack
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default();
    move |name: &str| reading::text(&folder.join(name)).map_err(|error| disk::why(&error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let hint = if error.kind() == std::io::ErrorKind::NotFound {
        "; name a stack file, as in `provision plan shop.toml`"
    } else {
        ""
    };
    Failure::Plain(format!(
        "cannot read `{}`: {}{hint}",
        path.display(),
        disk::why(error)
    ))
}

/// What a stack wants, rings untied.
pub(super) fn lowered(stack: &Stack) -> Result<Desired, Failure> {
    lowered_over(stack, None)
}

/// The same over what is there.
pub(super) fn lowered_over(stack: &Stack, live: Option<&Live>) -> Result<Desired, Failure> {
    lowered_moving(stack, live, &BTreeSet::new())
}

/// The same, where the mechanism of these consumers is chosen anew.
fn lowered_moving(
    stack: &Stack,
    live: Option<&Live>,
    moving: &BTreeSet<String>,
) -> Result<Desired, Failure> {
    let mut desired = lower::lower_over(stack, live, moving).map_err(|faults| {
        let lines: Vec<String> = faults
            .iter()
            .map(|it| match &it.written_at {
                Some(at) => format!("{at}: {it}"),
                None => it.to_string(),
            })
            .collect();
        Failure::Plain(lines.join("\nerror: "))
    })?;
    graph::untie(&mut desired.wants).map_err(|ring| Failure::Plain(ring.to_string()))?;
    Ok(desired)
}

/// The same, but for the accounts that cannot be entered.
pub(super) fn lowered_within(stack: &Stack, reach: &Reach) -> Result<Desired, Failure> {
    lowered_within_over(stack, reach, None)
}

/// The same over what is there.
pub(super) fn lowered_within_over(
    stack: &Stack,
    reach: &Reach,
    live: Option<&Live>,
) -> Result<Desired, Failure> {
    let mut desired = lowered_over(stack, live)?;
    for name in &reach.unreachable {
        desired.unreachable.insert(account_called(stack, name)?);
    }
    Ok(desired)
}

/// What a stack wants once what is there is known: consumers keep their mechanism, and the access roles
/// that they share.
pub(super) fn settled(
    stack: &Stack,
    desired: Desired,
    live: Live,
) -> Result<(Desired, Live), Failure> {
    if !lower::depends_on_live(stack) {
        return Ok((desired, live));
    }
    let mut over = lowered_moving(stack, Some(&live), &desired.moving)?;
    over.unreachable = desired.unreachable;
    over.places = desired.places;
    for (address, want) in &mut over.wants {
        if let Some(before) = desired.wants.get(address) {
            want.adopts.clone_from(&before.adopts);
        }
    }
    let live = live.regarding(&desired.wants, &over.wants);
    Ok((over, live))
}

/// Consumers that may get another mechanism, each of which some access of the stack names.
pub(super) fn moving<'a>(
    stack: &Stack,
    named: impl IntoIterator<Item = &'a String>,
) -> Result<BTreeSet<String>, Failure> {
    let of = |it: &stack::Access| lower::name_of(&lower::caller(stack, it));
    let known: BTreeSet<String> = stack.access.iter().map(of).collect();
    let mut found = BTreeSet::new();
    for name in named {
        // Outside principals may also be named as AWS writes them.
        if !known.contains(name) && !name.starts_with("arn:") {
            let like = stack::nearest(name, known.iter().map(String::as_str)).map_or_else(
                || "name one as `from` does".to_owned(),
                |it| format!("did you mean `{it}`?"),
            );
            return Err(Failure::Plain(format!(
                "`--move {name}`: no access of the stack is from `{name}`; {like}"
            )));
        }
        found.insert(name.clone());
    }
    Ok(found)
}

/// The account of this name or id.
pub(super) fn account_called(stack: &Stack, name: &str) -> Result<AccountId, Failure> {
    let named = stack.accounts.get(name).map(|it| it.place.id.clone());
    named.or_else(|| AccountId::parse(name)).ok_or_else(|| {
        let known: Vec<&str> = stack.accounts.keys().map(String::as_str).collect();
        let like = stack::nearest(name, known.iter().copied()).map_or_else(
            || format!("it has {}", known.join(", ")),
            |it| format!("did you mean `{it}`?"),
        );
        Failure::Plain(format!(
            "the stack has no account `{name}`: {like}; an id of twelve digits is taken too"
        ))
    })
}

/// A stack as it is looked at: with the accounts that left it, as far as something still names them.
pub(super) struct Looked<'a> {
    /// What the stack wants.
    pub(super) desired: Desired,
    /// The cloud.
    pub(super) session: Session<'a>,
    /// What was read there, and what could not be.
    pub(super) reading: Reading,
}

/// Reads what can be read of a stack, and of accounts that left it: those that are named by the caller,
/// and then those where roles of the stack stand by what its own statements say.
pub(super) async fn look<'a>(
    stack: &Stack,
    mut desired: Desired,
    also: &Also,
    place: &Where,
    screen: &'a Screen,
) -> Result<Looked<'a>, Failure> {
    let mut entered = stack.clone();
    for it in &also.also_account {
        if !desired.places.iter().any(|place| place.id == it.id) {
            enter(&mut entered, &mut desired, &it.id, it.by.as_deref())?;
        }
    }
    let mut so_far = None;
    loop {
        let session = Session::open(&entered, place, screen)?.after(so_far);
        let (settled, reading) = session.read(stack, desired.clone()).await?;
        let departed = Departed::of(&settled, &reading.live);
        for id in &departed.likely {
            screen.talk(&format!(
                "account {id} is named by statements that the stack does not want any more: if something of the \
                 stack stands there, `--also-account {id}` reads it too"
            ));
        }
        if departed.certain.is_empty() {
            return Ok(Looked {
                desired: settled,
                session,
                reading,
            });
        }
        for id in &departed.certain {
            screen.talk(&format!(
                "account {id} left the stack, and roles of the stack stand there: it is read too"
            ));
            enter(&mut entered, &mut desired, id, None)?;
        }
        so_far = Some(session.so_far());
    }
}

/// The same, where every account must be entered and answer.
pub(super) async fn look_at_all<'a>(
    stack: &Stack,
    desired: Desired,
    also: &Also,
    place: &Where,
    screen: &'a Screen,
) -> Result<(Desired, Session<'a>, Reading), Failure> {
    let looked = look(stack, desired, also, place, screen).await?;
    let reading = looked.reading.answered().map_err(Failure::Survey)?;
    Ok((looked.desired, looked.session, reading))
}

/// Lets an account be read that the stack does not have, in every region where it has others.
fn enter(
    entered: &mut Stack,
    desired: &mut Desired,
    id: &AccountId,
    by: Option<&str>,
) -> Result<(), Failure> {
    let regions: BTreeSet<Region> = desired.places.iter().map(|it| it.region.clone()).collect();
    let ways: BTreeSet<(Option<String>, Option<String>, Option<String>)> = entered
        .accounts
        .values()
        .map(|it| {
            let role = it.credentials.role.as_ref();
            let name = role.map(|it| it.resource().trim_start_matches("role/").to_owned());
            let given = &it.credentials;
            (name, given.external_id.clone(), given.profile.clone())
        })
        .collect();
    for region in regions {
        let place = Place {
            account: id.to_string(),
            id: id.clone(),
            region: region.clone(),
        };
        let credentials = match by {
            Some(arn) if arn.starts_with("arn:") => Credentials {
                profile: None,
                role: Arn::parse(arn).ok(),
                external_id: None,
            },
            Some(profile) => Credentials {
                profile: Some(profile.to_owned()),
                role: None,
                external_id: None,
            },
            None => match ways.iter().next() {
                Some((Some(role), external_id, profile)) if ways.len() == 1 => {
                    let (path, name) = role.rsplit_once('/').unwrap_or(("", role));
                    let path = match path {
                        "" => "/".to_owned(),
                        path => format!("/{path}/"),
                    };
                    Credentials {
                        profile: profile.clone(),
                        role: Some(Arn::role(&place, &path, name)),
                        external_id: external_id.clone(),
                    }
                }
                Some(_) | None => {
                    return Err(Failure::Plain(format!(
                        "account {id} left the stack, and the others are not all entered by one role: say how with \
                         `--also-account {id}=ROLE_ARN`, or leave it out with `--unreachable {id}`; nothing was changed"
                    )));
                }
            },
        };
        let name = format!("{id} {region}");
        let account = Account {
            place: place.clone(),
            credentials,
            boundary: None,
            quotas: Quotas::default(),
        };
        entered.accounts.insert(name, account);
        desired.places.insert(place);
    }
    Ok(())
}

/// The stack's files, or those that a saved plan is of.
pub(super) fn files_of(files: &Files) -> Result<(Files, Option<saved::Saved>), Failure> {
    match saved::read(&files.stack)? {
        Some(plan) => {
            if let Some(overlay) = files.with.first() {
                return Err(Failure::Plain(format!(
                    "`--with {}` has no effect on a saved plan: `{}` was made {}; leave it out, or make a new plan: \
                     provision plan {} --with {} --out {}",
                    overlay.display(),
                    files.stack.display(),
                    match plan.with.as_slice() {
                        [] => "without an overlay".to_owned(),
                        with => format!("with {}", with.join(", ")),
                    },
                    plan.stack_file,
                    overlay.display(),
                    files.stack.display(),
                )));
            }
            let files = Files {
                stack: PathBuf::from(&plan.stack_file),
                with: plan.with.iter().map(PathBuf::from).collect(),
            };
            Ok((files, Some(plan)))
        }
        None => Ok((files.clone(), None)),
    }
}

/// What one session hands to the next of the same run.
#[derive(Default)]
struct Earlier {
    /// What was called.
    ledger: Ledger,
    /// How many calls for credentials alone.
    credentials: u64,
    /// The organization's policies over these accounts.
    organization: RefCell<Option<(BTreeSet<AccountId>, Organization)>>,
    /// The policies of these VPC endpoints.
    endpoints: RefCell<Option<(endpoints::Asked, Endpoints)>>,
}

/// A cloud behind the seam, whether it is the sandbox, and how many calls its credentials took.
type Cloud<'a> = (Seam<'a>, bool, Box<dyn Fn() -> u64>);

/// A cloud behind the seam, with what is told of the calls at the end.
pub(super) struct Session<'a> {
    /// The cloud.
    pub(super) cloud: Seam<'a>,
    /// Whether it is the sandbox.
    pub(super) sandbox: bool,
    /// Whether roles are assumed with session policies.
    restricted: bool,
    began: Instant,
    credentials: Box<dyn Fn() -> u64 + 'a>,
    earlier: Earlier,
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Session")
            .field("sandbox", &self.sandbox)
            .finish_non_exhaustive()
    }
}

impl<'a> Session<'a> {
    /// Opens the cloud that the command line names.
    pub(super) fn open(stack: &Stack, place: &Where, screen: &'a Screen) -> Result<Self, Failure> {
        screen.keep_secret(stack);
        let telling = |event: &crate::cloud::seam::Event<'_>| screen.call(event);
        let (cloud, sandbox, credentials): Cloud<'a> = match &place.sandbox {
            Some(directory) => {
                let accounts: Vec<_> = stack.entered().map(|it| it.place.id.clone()).collect();
                let sandbox = Sandbox::open(directory, &accounts)
                    .map_err(|error| Failure::Plain(error.to_string()))?;
                for name in Sandbox::FILES {
                    reading::remember(&directory.join(name));
                }
                (Seam::around(sandbox).telling(telling), true, Box::new(|| 0))
            }
            #[cfg(feature = "aws")]
            None => aws(stack, telling),
            #[cfg(not(feature = "aws"))]
            None => return Err(Failure::Plain(NO_AWS.to_owned())),
        };
        let cloud = if place.keep { cloud.keeping() } else { cloud };
        if place.session_policy {
            // The sandbox has no credentials of anybody's: there, a caller is always a role's.
            let without = stack
                .entered()
                .find(|it| !sandbox && it.credentials.role.is_none());
            if let Some(it) = without {
                return Err(Failure::Plain(format!(
                    "account `{0}` is entered with your own credentials, and only a role is assumed with a session policy: \
                     write `role = \"…\"` under `[accounts.{0}]`, or go without `--session-policy`; nothing was changed",
                    it.place.account
                )));
            }
            let ids = stack.entered().map(|it| it.place.id.clone());
            let policies = ids.map(|id| (id, permissions::session::reading()));
            restrict(&cloud, &policies.collect())?;
        }
        Ok(Self {
            cloud,
            restricted: place.session_policy,
            sandbox,
            began: Instant::now(),
            credentials,
            earlier: Earlier::default(),
        })
    }

    /// Leaves to the sessions of the accounts, where they are restricted, what a plan and the lease need, and to others to read.
    pub(super) fn restrict_to(
        &self,
        stack: &str,
        plan: Option<&Plan>,
        calls: &[(Place, Request)],
        lease: Option<&Place>,
        screen: &Screen,
    ) -> Result<(), Failure> {
        if !self.restricted {
            return Ok(());
        }
        let policies = permissions::session::writing(stack, plan, calls, lease)
            .map_err(|error| Failure::Plain(format!("{error}; nothing was changed")))?;
        for (id, policy) in &policies {
            screen.detail(&format!(
                "session policy for account {id}: {}",
                policy.to_value()
            ));
        }
        restrict(&self.cloud, &policies)
    }

    /// Reads everything of the stack that is there, and settles what it wants over that.
    pub(super) async fn survey(
        &self,
        stack: &Stack,
        desired: Desired,
    ) -> Result<(Desired, Live), Failure> {
        let places = desired.reached();
        let live = survey::survey(&desired.stack, &desired.wants, &places, &self.cloud);
        let (live, above) = join(live, self.above(stack, &desired)).await;
        let mut live = live.map_err(Failure::Survey)?;
        live.above = above;
        settled(stack, desired, live)
    }

    /// The same of what can be read.
    pub(super) async fn read(
        &self,
        stack: &Stack,
        desired: Desired,
    ) -> Result<(Desired, Reading), Failure> {
        let places = desired.reached();
        let reading = survey::read(&desired.stack, &desired.wants, &places, &self.cloud);
        let (mut reading, above) = join(reading, self.above(stack, &desired)).await;
        reading.live.above = above;
        let (desired, live) = settled(stack, desired, reading.live)?;
        let unread = reading.unread;
        Ok((desired, Reading { live, unread }))
    }

    /// Reads what stands over the stack's accesses: the policies of the organization, and of VPC endpoints.
    async fn above(&self, stack: &Stack, desired: &Desired) -> Above {
        let organization = self.organization(stack, desired);
        let (organization, endpoints) = join(organization, self.endpoints(stack, desired)).await;
        Above {
            organization,
            endpoints,
        }
    }

    /// Reads the policies of the VPC endpoints that the stack names.
    async fn endpoints(&self, stack: &Stack, desired: &Desired) -> Endpoints {
        let asked = desired.endpoints_of(stack);
        let read = self.earlier.endpoints.borrow().clone();
        if let Some((_, endpoints)) = read.filter(|it| it.0 == asked) {
            return endpoints;
        }
        let endpoints = endpoints::read(&self.cloud, &asked).await;
        let read = Some((asked, endpoints.clone()));
        self.earlier.endpoints.replace(read);
        endpoints
    }

    /// Reads the organization's policies over every account that the stack names, where the stack says how.
    async fn organization(&self, stack: &Stack, desired: &Desired) -> Organization {
        let Some(entrance) = &stack.organization else {
            return Organization::default();
        };
        let own = desired.places.iter().map(|it| it.id.clone());
        let accounts: BTreeSet<AccountId> = stack.accounts_of_callers().chain(own).collect();
        let read = self.earlier.organization.borrow().clone();
        if let Some((_, organization)) = read.filter(|it| it.0 == accounts) {
            return organization;
        }
        let organization = organization::read(&self.cloud, &entrance.place, &accounts).await;
        let read = Some((accounts, organization.clone()));
        self.earlier.organization.replace(read);
        organization
    }

    /// What was called so far.
    #[must_use]
    pub(super) fn ledger(&self) -> Ledger {
        let mut ledger = self.earlier.ledger.clone();
        ledger.add(&self.cloud.ledger());
        ledger
    }

    /// What was called so far, and since when, for the session that goes on once this one is closed.
    fn so_far(self) -> (Earlier, Instant) {
        let earlier = Earlier {
            ledger: self.ledger(),
            credentials: self.credential_calls(),
            organization: self.earlier.organization,
            endpoints: self.earlier.endpoints,
        };
        (earlier, self.began)
    }

    /// The same session, as the one that goes on from another: what that one called counts too.
    fn after(mut self, so_far: Option<(Earlier, Instant)>) -> Self {
        if let Some((earlier, began)) = so_far {
            (self.earlier, self.began) = (earlier, began);
        }
        self
    }

    /// How many calls were made for credentials alone.
    #[must_use]
    pub(super) fn credential_calls(&self) -> u64 {
        self.earlier.credentials + (self.credentials)()
    }

    /// How long it took so far: of the sandbox's time, in the sandbox.
    #[must_use]
    pub(super) fn took(&self) -> Duration {
        self.began.elapsed()
    }

    /// Calls and time, for machines.
    #[must_use]
    pub(super) fn calls(&self) -> serde_json::Value {
        crate::report::json::calls(&self.ledger(), self.credential_calls(), self.took())
    }

    /// Calls and time, in one line.
    #[must_use]
    pub(super) fn summary(&self) -> String {
        crate::report::human::calls(
            &self.ledger(),
            self.credential_calls(),
            self.took(),
            self.sandbox,
        )
    }
}

/// Enters accounts with session policies from now on.
fn restrict(cloud: &Seam<'_>, policies: &BTreeMap<AccountId, Document>) -> Result<(), Failure> {
    let restricted = crate::cloud::Cloud::restrict(cloud, policies);
    restricted.map_err(|error| {
        Failure::Plain(format!("the session policy: {error}; nothing was changed"))
    })
}

/// What a network may bring two calls nearer to each other than they were sent.
#[cfg(feature = "aws")]
const JITTER: Duration = Duration::from_millis(100);

#[cfg(feature = "aws")]
fn aws<'a>(stack: &Stack, telling: impl Fn(&crate::cloud::seam::Event<'_>) + 'a) -> Cloud<'a> {
    let reach = crate::aws::Reach {
        ask: Some(Screen::ask),
        ..Default::default()
    };
    let aws = crate::aws::Aws::reach(stack.entered(), &stack.name, &reach);
    let aws = std::rc::Rc::new(aws);
    let counter = std::rc::Rc::clone(&aws);
    (
        Seam::around(aws).with_margin(JITTER).telling(telling),
        false,
        Box::new(move || counter.credential_calls()),
    )
}

#[cfg(not(feature = "aws"))]
const NO_AWS: &str =
    "this build has no AWS in it; use `--sandbox`, or build with the feature `aws`";

#[cfg(test)]
mod tests {
    use super::day_of;

    #[test]
    fn days_are_counted_by_the_calendar() {
        for (days, day) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_818, "2026-12-31"),
            (20_819, "2027-01-01"),
        ] {
            assert_eq!(day_of(days), day);
        }
    }
}
