//! What there is to know of a new consumer: from flags first, and from whoever sits there.
//!
//! Flags and questions fill the same [`Answers`], and are judged by the same rules. Nothing is
//! asked when the flags say enough; when they do not, everything that they leave open is.

use super::Failure;
use super::args;
use super::ask::{Asks, until};
use crate::model::AccountId;
use crate::onboard::{self, Answers, Calls, Home, Read, RoleOf, candidate, joined};
use crate::report::style::{BAD, QUIET, styled};
use crate::stack::edit::Edit;
use crate::stack::{Source, Stack, Surface, Via};

/// Who assumes a role that is made, where nothing is said.
const TRUSTED_BY: &str = "lambda.amazonaws.com";

/// What is asked about: the stack as it is, and the file that will be edited.
pub(super) struct Ground<'a> {
    pub(super) sources: &'a [Source],
    pub(super) into: usize,
    pub(super) stack: &'a Stack,
    pub(super) read: Read<'a>,
}

/// What flags and, where they are not enough, a person say.
pub(super) fn interview(
    flags: &args::Onboard,
    ground: &Ground<'_>,
    asks: Option<&mut dyn Asks>,
) -> Result<Answers, Failure> {
    let said = Said::of(flags, ground)?;
    let missing = said.missing(ground.stack);
    match asks {
        Some(asks) if !missing.is_empty() => said.completed(ground, asks),
        _ if missing.is_empty() => Ok(said.finished(ground.stack)),
        _ => Err(Failure::Plain(format!(
            "not enough is said of the new consumer, and nobody to ask: give {}; nothing was changed",
            missing.join(", and ")
        ))),
    }
}

/// What flags say.
struct Said {
    consumer: Option<String>,
    account: Option<Home>,
    role: Option<RoleOf>,
    calls: Vec<Calls>,
    publishes: Vec<String>,
    subscribes: Vec<String>,
    sends: Vec<String>,
    receives: Vec<String>,
    via: Option<Via>,
}

fn at(flag: &str) -> impl Fn(String) -> Failure {
    move |why| Failure::Plain(format!("`{flag}`: {why}"))
}

impl Said {
    fn of(flags: &args::Onboard, ground: &Ground<'_>) -> Result<Self, Failure> {
        let stack = ground.stack;
        let consumer = flags
            .consumer
            .as_deref()
            .map(|it| {
                onboard::consumer(stack, it).map_err(|why| {
                    let name = it.strip_prefix("roles.").unwrap_or(it);
                    let written = ["roles", "queues"]
                        .iter()
                        .find_map(|table| onboard::written_at(ground.sources, table, name));
                    let place = written.map_or_else(String::new, |it| format!("{it}: "));
                    at("--consumer")(format!("{place}{why}"))
                })
            })
            .transpose()?;
        let mut account = flags
            .account
            .as_deref()
            .map(|it| home(flags, ground, it))
            .transpose()?;
        let role = flags
            .role
            .as_deref()
            .map(|it| onboard::existing_role(stack, account.as_ref(), it).map_err(at("--role")))
            .transpose()?;
        if account.is_none()
            && let Some(arn) = &role
        {
            let mut homes = stack
                .accounts
                .iter()
                .filter(|(_, it)| it.place.id.as_str() == arn.account())
                .map(|(name, _)| name.clone());
            account = homes.next().map(Home::Known);
            if homes.next().is_some() {
                return Err(at("--role")(format!(
                    "account {} is in the stack under several names; say which with `--account`",
                    arn.account()
                )));
            }
        }
        let role = match role {
            Some(arn) => Some(RoleOf::Existing(arn)),
            None if flags.trusted_by.is_empty() => None,
            None => Some(RoleOf::Made {
                trusted_by: flags.trusted_by.clone(),
            }),
        };
        let calls = flags
            .calls
            .iter()
            .map(|it| onboard::calls(stack, it).map_err(at("--calls")))
            .collect::<Result<Vec<_>, _>>()?;
        let named = |flag: &'static str,
                     them: &[String],
                     find: fn(&Stack, &str) -> Result<String, String>|
         -> Result<Vec<String>, Failure> {
            let mut found = Vec::new();
            for it in them.iter().flat_map(|it| it.split(',')) {
                let name = find(stack, it).map_err(at(flag))?;
                if !found.contains(&name) {
                    found.push(name);
                }
            }
            Ok(found)
        };
        Ok(Self {
            consumer,
            account,
            role,
            calls,
            publishes: named("--publishes", &flags.publishes, onboard::topic)?,
            subscribes: named("--subscribes", &flags.subscribes, onboard::topic)?,
            sends: named("--sends", &flags.sends, onboard::queue)?,
            receives: named("--receives", &flags.receives, onboard::queue)?,
            via: flags.via.map(|it| match it {
                args::Mechanism::Auto => Via::Auto,
                args::Mechanism::ResourcePolicy => Via::ResourcePolicy,
                args::Mechanism::AssumeRole => Via::AssumeRole,
            }),
        })
    }

    fn says_what(&self) -> bool {
        self.needs_a_role() || !self.subscribes.is_empty()
    }

    fn needs_a_role(&self) -> bool {
        !(self.calls.is_empty()
            && self.publishes.is_empty()
            && self.sends.is_empty()
            && self.receives.is_empty())
    }

    /// The role is somebody else's, in an account that the stack does not have.
    fn is_elsewhere(&self) -> bool {
        self.account.is_none()
            && self.subscribes.is_empty()
            && matches!(self.role, Some(RoleOf::Existing(_)))
    }

    /// What has to be said and is not, by its flag.
    fn missing(&self, stack: &Stack) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if self.consumer.is_none() {
            missing.push("`--consumer NAME`");
        }
        if self.account.is_none() && stack.accounts.len() > 1 && !self.is_elsewhere() {
            missing.push("`--account NAME`");
        }
        if !self.says_what() {
            missing.push(
                "at least one of `--calls`, `--publishes`, `--subscribes`, `--sends` and `--receives`",
            );
        }
        missing
    }

    /// The answers, when nothing is missing.
    fn finished(self, stack: &Stack) -> Answers {
        let elsewhere = self.is_elsewhere();
        let account = match self.account {
            None if !elsewhere => stack.accounts.keys().next().cloned().map(Home::Known),
            it => it,
        };
        let mut answers = Answers {
            consumer: self.consumer.unwrap_or_default(),
            account,
            role: self.role,
            calls: self.calls,
            publishes: self.publishes,
            subscribes: self.subscribes,
            sends: self.sends,
            receives: self.receives,
            via: self.via.unwrap_or(Via::Auto),
        };
        if answers.role.is_none() && answers.need_a_role() {
            answers.role = Some(made());
        }
        answers
    }

    /// Asks for whatever the flags left open.
    fn completed(mut self, ground: &Ground<'_>, asks: &mut dyn Asks) -> Result<Answers, Failure> {
        let stack = ground.stack;
        if self.consumer.is_none() {
            self.consumer = Some(until(
                asks,
                "What is the new consumer called?",
                None,
                |_, it| onboard::consumer(stack, it),
            )?);
        }
        if self.account.is_none() && !self.is_elsewhere() {
            self.account = Some(ask_account(ground, asks)?);
        }
        while !self.says_what() {
            self.ask_what(ground, asks)?;
            if !self.says_what() {
                asks.tell(&format!(
                    "  {} it would do nothing at all; say one thing at least",
                    styled(BAD, "!")
                ));
            }
        }
        if self.role.is_none() && self.needs_a_role() {
            self.role = Some(ask_role(stack, self.account.as_ref(), asks)?);
        }
        let via = self.via;
        let mut answers = self.finished(stack);
        if via.is_none() && answers.need_a_role() {
            answers.via = ask_via(ground, &answers, asks)?;
        }
        Ok(answers)
    }

    fn ask_what(&mut self, ground: &Ground<'_>, asks: &mut dyn Asks) -> Result<(), Failure> {
        let stack = ground.stack;
        if !stack.apis.is_empty() {
            for (name, api) in &stack.apis {
                let routes: Vec<String> = match &api.surface {
                    Surface::Routes(routes) => routes
                        .iter()
                        .filter(|it| !it.public)
                        .map(|it| it.key.to_string())
                        .collect(),
                    Surface::OpenApi { .. } | Surface::Existing { .. } => Vec::new(),
                };
                asks.tell(&styled(
                    QUIET,
                    format!("  apis.{name}: {}", routes.join(", ")),
                ));
            }
            let mut question = "Which routes does it call? (empty: none)";
            loop {
                let found = until(asks, question, Some(""), |_, it| {
                    if it.is_empty() || it == "none" {
                        return Ok(None);
                    }
                    let calls = onboard::calls(stack, it)?;
                    reaches(ground, &calls).map(|()| Some(calls))
                })?;
                let Some(calls) = found else { break };
                self.calls.push(calls);
                if stack.apis.len() == 1 {
                    break;
                }
                question = "And of another API? (empty: none)";
            }
        }
        if !stack.topics.is_empty() {
            let names: Vec<&str> = stack.topics.keys().map(String::as_str).collect();
            let several = |_: &mut dyn Asks, it: &str| -> Result<Vec<String>, String> {
                it.split(',')
                    .map(str::trim)
                    .filter(|it| !it.is_empty() && *it != "none")
                    .map(|it| onboard::topic(stack, it))
                    .collect()
            };
            asks.tell(&styled(QUIET, format!("  topics: {}", names.join(", "))));
            self.publishes = until(
                asks,
                "To which topics does it publish? (empty: none)",
                Some(""),
                several,
            )?;
            self.subscribes = until(
                asks,
                "From which topics does it receive, by a queue of its own? (empty: none)",
                Some(""),
                several,
            )?;
        }
        Ok(())
    }
}

fn made() -> RoleOf {
    RoleOf::Made {
        trusted_by: vec![TRUSTED_BY.to_owned()],
    }
}

/// The account that flags name.
fn home(flags: &args::Onboard, ground: &Ground<'_>, text: &str) -> Result<Home, Failure> {
    let stack = ground.stack;
    let Some(id) = &flags.account_id else {
        return onboard::account(stack, text)
            .map(Home::Known)
            .map_err(|why| {
                at("--account")(format!("{why}; a new one is added with `--account-id`"))
            });
    };
    let name = text.strip_prefix("accounts.").unwrap_or(text);
    let id = account_id(id).map_err(at("--account-id"))?;
    if let Some(known) = stack.accounts.get(name) {
        return Err(at("--account-id")(format!(
            "account `{name}` is in the stack already, as {}; leave `--account-id` out",
            known.place.id
        )));
    }
    new_name(name).map_err(at("--account"))?;
    let role = flags.account_role.clone().or_else(|| usual_role(stack));
    Ok(Home::New {
        name: name.to_owned(),
        id,
        role,
        external_id: flags.account_external_id.clone(),
        region: flags
            .account_region
            .clone()
            .or_else(|| usual_region(ground)),
    })
}

fn new_name(name: &str) -> Result<(), String> {
    crate::stack::refuses_name(name).map_or(Ok(()), |why| {
        Err(format!("an account cannot be called `{name}`: {why}"))
    })
}

fn account_id(text: &str) -> Result<AccountId, String> {
    AccountId::parse(text.trim())
        .ok_or_else(|| format!("`{text}` is not an account's id: twelve digits"))
}

/// The role that is assumed in the stack's accounts, when it is one and the same in all.
fn usual_role(stack: &Stack) -> Option<String> {
    let mut names = stack
        .accounts
        .values()
        .map(|it| it.credentials.role.as_ref().map(|it| it.name().to_owned()));
    let first = names.next()??;
    names
        .all(|it| it.as_deref() == Some(first.as_str()))
        .then_some(first)
}

/// The region of the stack's accounts, where each has to say its own.
fn usual_region(ground: &Ground<'_>) -> Option<String> {
    let for_all = |it: &Source| Edit::of(&it.text).is_some_and(|it| it.has("stack", "region"));
    if ground.sources.iter().any(for_all) {
        return None;
    }
    let first = ground.stack.accounts.values().next()?;
    Some(first.place.region.to_string())
}

fn ask_account(ground: &Ground<'_>, asks: &mut dyn Asks) -> Result<Home, Failure> {
    let stack = ground.stack;
    let names: Vec<&str> = stack.accounts.keys().map(String::as_str).collect();
    let question = format!(
        "In which account does it work? ({}; a new name adds one)",
        names.join(", ")
    );
    let only = match names.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    let (name, id) = until(asks, &question, only, |asks, it| {
        let why = match onboard::account(stack, it) {
            Ok(name) => return Ok((name, None)),
            Err(why) => why,
        };
        new_name(it)?;
        asks.tell(&format!("  {why}"));
        let id = asks.ask("  To add it: its id, twelve digits (nothing: another name):");
        match id.as_deref() {
            None => Err("unanswered".to_owned()),
            Some("") => Err("then which?".to_owned()),
            Some(id) => Ok((it.to_owned(), Some(account_id(id)?))),
        }
    })?;
    let Some(id) = id else {
        return Ok(Home::Known(name));
    };
    let optional = |_: &mut dyn Asks, it: &str| -> Result<Option<String>, String> {
        Ok((!it.is_empty() && it != "none").then(|| it.to_owned()))
    };
    let usual = usual_role(stack).unwrap_or_else(|| "none".to_owned());
    let role = until(
        asks,
        "Which role is assumed there? (none: your own credentials)",
        Some(&usual),
        optional,
    )?;
    let external_id = match role {
        Some(_) => until(asks, "Its external id? (empty: none)", Some(""), optional)?,
        None => None,
    };
    let region = match usual_region(ground) {
        None => None,
        Some(usual) => Some(until(asks, "Its region?", Some(&usual), |_, it| {
            Ok(it.to_owned())
        })?),
    };
    Ok(Home::New {
        name,
        id,
        role,
        external_id,
        region,
    })
}

fn ask_role(stack: &Stack, home: Option<&Home>, asks: &mut dyn Asks) -> Result<RoleOf, Failure> {
    let existing = until(
        asks,
        "Its role: made here, or the ARN of an existing one?",
        Some("new"),
        |_, it| match it {
            "new" => Ok(None),
            arn => onboard::existing_role(stack, home, arn).map(Some),
        },
    )?;
    if let Some(arn) = existing {
        return Ok(RoleOf::Existing(arn));
    }
    let trusted_by = until(asks, "Who assumes it?", Some(TRUSTED_BY), |_, it| {
        Ok(it
            .split(',')
            .map(|it| it.trim().to_owned())
            .filter(|it| !it.is_empty())
            .collect::<Vec<_>>())
    })?;
    Ok(RoleOf::Made { trusted_by })
}

fn ask_via(ground: &Ground<'_>, answers: &Answers, asks: &mut dyn Asks) -> Result<Via, Failure> {
    let advice = onboard::advice(
        ground.sources,
        ground.into,
        ground.stack,
        answers,
        ground.read,
    );
    for it in &advice {
        let name = match it.via {
            Via::Auto => "auto",
            Via::ResourcePolicy => "resource-policy",
            Via::AssumeRole => "assume-role",
        };
        for (number, line) in it.says.iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            let sign = if it.fits { " " } else { "!" };
            asks.tell(&styled(QUIET, format!("{sign} {name:16} {line}")));
        }
    }
    let disturbs = advice.iter().any(|it| it.via == Via::Auto && it.disturbs);
    until(
        asks,
        "How is it let in: auto, resource-policy, assume-role?",
        Some(if disturbs { "assume-role" } else { "auto" }),
        |_, it| {
            let via = match it {
                "auto" => Via::Auto,
                "resource-policy" => Via::ResourcePolicy,
                "assume-role" => Via::AssumeRole,
                _ => return Err(format!("`{it}` is none of the three")),
            };
            match advice.iter().find(|it| it.via == via) {
                Some(it) if !it.fits => Err(it.says.join("; ")),
                _ => Ok(via),
            }
        },
    )
}

/// Whether an API has routes that these reach: what the whole stack says of a consumer of them.
fn reaches(ground: &Ground<'_>, calls: &Calls) -> Result<(), String> {
    let probe = Answers {
        consumer: "a-new-consumer".to_owned(),
        account: ground
            .stack
            .accounts
            .keys()
            .next()
            .cloned()
            .map(Home::Known),
        role: Some(made()),
        calls: vec![calls.clone()],
        publishes: Vec::new(),
        subscribes: Vec::new(),
        sends: Vec::new(),
        receives: Vec::new(),
        via: Via::Auto,
    };
    let sources = joined(ground.sources, ground.into, ground.stack, &probe)
        .ok_or_else(|| "the file is not TOML".to_owned())?;
    candidate(sources, ground.read)
        .map(drop)
        .map_err(|it| it.sentences().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    const STACK: &str = r#"
[stack]
name = "market"
region = "eu-west-1"
[accounts.shop]
id = "111111111111"
role = "provision"
[accounts.orders]
id = "333333333333"
role = "provision"
[roles.checkout]
account = "shop"
trusted_by = "lambda.amazonaws.com"
[apis.orders]
account = "orders"
[apis.orders.routes]
"GET /orders/{id}" = { mock = 200 }
"POST /orders" = { mock = 201 }
[topics.events]
account = "orders"
[[access]]
from = "roles.checkout"
to = "topics.events"
"#;

    /// Answers prepared beforehand, and all that was said.
    struct Lines {
        answers: Vec<&'static str>,
        said: String,
    }

    impl Asks for Lines {
        fn ask(&mut self, question: &str) -> Option<String> {
            self.said += &format!("{question} ");
            let answer = if self.answers.is_empty() {
                None
            } else {
                Some(self.answers.remove(0).to_owned())
            };
            self.said += &format!("{}\n", answer.as_deref().unwrap_or("(nothing)"));
            answer
        }

        fn tell(&mut self, text: &str) {
            self.said += &format!("{text}\n");
        }
    }

    fn asked(words: &str, answers: &[&'static str]) -> (Result<Answers, String>, String) {
        let line = format!("provision onboard {words}");
        let line = line.split_whitespace();
        let args::Command::Onboard(flags) = args::Cli::parse_from(line).command else {
            panic!("onboard")
        };
        let source = Source {
            name: "shop.toml".to_owned(),
            text: STACK.to_owned(),
        };
        let read = |_: &str| Err("no such file".to_owned());
        let stack = match crate::stack::check(&source, &[], &read) {
            Ok(stack) => stack,
            Err(faults) => panic!("{}", faults.render(false)),
        };
        let ground = Ground {
            sources: std::slice::from_ref(&source),
            into: 0,
            stack: &stack,
            read: &read,
        };
        let mut lines = Lines {
            answers: answers.to_vec(),
            said: String::new(),
        };
        let found = interview(&flags, &ground, Some(&mut lines)).map_err(|it| match it {
            Failure::Plain(why) => why,
            Failure::Faults(faults, _) => faults.render(false),
            Failure::Survey(errors) => errors.to_string(),
            Failure::Held(stack, _) | Failure::Overtaken(stack) => stack,
        });
        (found, crate::report::style::plain(&lines.said))
    }

    fn plain_answers() -> Answers {
        Answers {
            consumer: "analytics".to_owned(),
            account: Some(Home::Known("shop".to_owned())),
            role: Some(made()),
            calls: vec![Calls {
                api: "orders".to_owned(),
                routes: vec!["GET /orders/*".to_owned()],
            }],
            publishes: Vec::new(),
            subscribes: vec!["events".to_owned()],
            sends: Vec::new(),
            receives: Vec::new(),
            via: Via::Auto,
        }
    }

    #[test]
    fn flags_and_questions_say_the_same() {
        let (flags, said) = asked(
            "--consumer analytics --account shop --calls apis.orders:GET/orders/* --subscribes topics.events",
            &[],
        );
        // Words of a command line have no spaces here; the route is given one.
        let flags = flags.map(|mut it| {
            it.calls[0].routes = vec!["GET /orders/*".to_owned()];
            it
        });
        assert_eq!(flags, Ok(plain_answers()));
        assert_eq!(said, "", "nothing is asked when enough is said");
        let (questions, said) = asked(
            "",
            &[
                "analytics",
                "shop",
                "GET /orders/*",
                "",
                "events",
                "",
                "",
                "",
            ],
        );
        assert_eq!(questions, Ok(plain_answers()), "{said}");
        assert!(said.contains("lambda.amazonaws.com"), "{said}");
        assert!(
            said.contains("resource-policy  the policy of queues.analytics would take")
                && said.contains("  the policy of apis.orders would take"),
            "{said}"
        );
    }

    #[test]
    fn a_wrong_answer_is_told_and_asked_again() {
        let (found, said) = asked(
            "",
            &[
                "my service",
                "checkout",
                "analytics",
                "shp",
                "",
                "shop",
                "GET /order/*",
                "GET /orders/*",
                "event",
                "none",
                "events",
                "arn:aws:iam::999999999999:role/x",
                "arn:aws-cn:iam::111111111111:role/x",
                "new",
                "",
                "by-magic",
                "auto",
            ],
        );
        assert_eq!(found, Ok(plain_answers()), "{said}");
        for words in [
            "a space cannot stand here",
            "`roles.checkout` is in the stack already",
            "did you mean `shop`?",
            "has no route that `GET /order/*` reaches; did you mean",
            "did you mean `events`?",
            "is in account 999999999999, and `shop` is 111111111111",
            "in the partition `aws-cn`",
            "`by-magic` is none of the three",
        ] {
            assert!(said.contains(words), "no `{words}` in:\n{said}");
        }
    }

    #[test]
    fn a_new_account_is_asked_for_its_id_and_the_way_in() {
        let (found, said) = asked(
            "--consumer audit --subscribes events",
            &["audit", "12", "audit", "444444444444", "", "let-me-in"],
        );
        let account = Home::New {
            name: "audit".to_owned(),
            id: AccountId::parse("444444444444").expect("an id"),
            role: Some("provision".to_owned()),
            external_id: Some("let-me-in".to_owned()),
            region: None,
        };
        let answers = found.unwrap_or_else(|why| panic!("{why}\n{said}"));
        assert_eq!(answers.account, Some(account));
        assert_eq!(answers.role, None, "it only receives");
        assert!(said.contains("`12` is not an account's id"), "{said}");
    }

    #[test]
    fn one_that_would_do_nothing_is_asked_again_and_silence_ends_it() {
        let (found, said) = asked("--consumer x --account shop", &["", "", "", ""]);
        assert!(said.contains("it would do nothing at all"), "{said}");
        let why = found.expect_err("unanswered");
        assert!(
            why.contains("left unanswered; nothing was written"),
            "{why}"
        );
    }
}
