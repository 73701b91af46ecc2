//! `provision who-can`

use super::args::{self, Files};
use super::screen::Screen;
use super::session::{Session, load, lowered};
use super::{Ending, Failure};
use crate::kinds::survey::Above;
use crate::report::handed;
use crate::report::who_can::{Answer, human, json};
use crate::stack::Whom;
use crate::verify::World;
use crate::verify::holders::{Circle, Open, Search};
use crate::verify::question::questions;

/// Says who may do something, by the stack or by what AWS has.
pub(super) async fn who_can(args: &args::WhoCan, screen: &Screen) -> Result<Ending, Failure> {
    let files = Files {
        stack: args.stack.clone(),
        with: args.with.clone(),
    };
    let stack = load(&files)?;
    let mut desired = lowered(&stack)?;
    let live = args.live || args.place.sandbox.is_some();
    let mut above = Above::not_asked(desired.endpoints_of(&stack).into_keys());
    let (world, from) = if live {
        let session = Session::open(&stack, &args.place, screen)?;
        let found;
        (desired, found) = session.survey(&stack, desired).await?;
        screen.talk(&session.summary());
        above.clone_from(&found.above);
        (World::live(&desired, &found), "live")
    } else {
        desired.provisional().iter().for_each(|it| screen.talk(it));
        (World::wanted(&desired), "stack")
    };
    let questions = questions(&world, &args.action, &args.resource).map_err(Failure::Plain)?;
    let search = Search::of(&stack, &world);
    let everybody = Circle {
        who: &[Whom::Anyone],
        except: &[],
    };
    let answers: Vec<Answer<'_>> = questions
        .into_iter()
        .map(|question| {
            let mut open = Open::new();
            let holders = search.holders(&question.ask, &everybody, &mut open);
            Answer {
                question,
                holders,
                open,
            }
        })
        .collect();
    screen.result(&if args.json {
        let mut document = json(&answers, &stack, from, &world.names);
        handed::put_above(&mut document, &above);
        format!("{document:#}\n")
    } else {
        let by = if live { "what is there" } else { "the stack" };
        human(&answers, &stack, by)
    });
    if !args.json {
        screen.talk(&handed::above(&above));
    }
    Ok(Ending::Done)
}
