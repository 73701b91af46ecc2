//! `provision drift --revert`

use std::collections::BTreeSet;

use super::{Look, look};
use crate::cli::apply::{Agreement, agreed, carry_out, conclude, ending};
use crate::cli::lease::{Held, LeaseAt};
use crate::cli::plan::{guarded_off, refused, rehearsed, show};
use crate::cli::screen::Screen;
use crate::cli::{Ending, Failure, args};
use crate::drift::revert::{Revert, revert};
use crate::escape::screen::line;
use crate::execute::Outcomes;
use crate::guard::{Guarded, guard};
use crate::plan::Consent;
use crate::report::{self, json};
use crate::verify::{Proof, World, prove};

/// Puts back what was named.
pub(super) async fn put_back(args: &args::Drift, screen: &Screen) -> Result<Ending, Failure> {
    let look = look(args, screen).await?;
    let revert =
        revert(&look.desired, &look.reading, &look.drift, &args.revert).map_err(Failure::Plain)?;
    let mute = args.form() == args::DriftFormat::Json;
    revert.settled.iter().for_each(|it| screen.talk(it));
    let lease = LeaseAt::of(
        &look.stack,
        &look.desired.unreachable,
        args.lease,
        "drift --revert",
    );
    let live = &look.reading.live;
    let rehearsal = rehearsed(&revert.plan, &look.session, live, lease.as_ref(), screen).await;
    let (proof, guarded) = worse(&revert, &look);
    if !mute {
        show(&revert.plan, &proof, &guarded, &rehearsal, screen);
        for line in &revert.stays {
            screen.talk(line);
        }
    }
    if let Some(failed) =
        refused(&revert.plan, Some(&proof)).or_else(|| guarded_off(&guarded, screen))
    {
        if mute {
            let mut document = json::plan(&revert.plan, &rehearsal);
            document["guardrails"] = report::guard::json(&guarded);
            document["proof"] = report::verify::json_in_plan(&proof);
            screen.result(&format!("{document:#}\n"));
        }
        return failed;
    }
    if revert.plan.is_empty() && !revert.settled.is_empty() {
        tell(&revert, &Outcomes::default(), &look, args, screen);
        return Ok(Ending::Done);
    }
    if revert.plan.is_empty() {
        return Err(Failure::Plain(
            "what was named cannot be put back by a write of ours; nothing was changed".to_owned(),
        ));
    }
    let said = Agreement {
        yes: args.yes,
        prune: false,
        moves: None,
        publish: BTreeSet::new(),
        // What is reverted was named, and what takes its place with it.
        close: revert.named.iter().collect(),
        deletions: revert.named.iter().collect::<BTreeSet<_>>(),
        mute,
        harmless: false,
        again: again(args),
        flag: "--revert",
    };
    agreed(&revert.plan, &said, &Consent::default())?;
    let held = Held::take(
        lease.as_ref(),
        &revert.plan,
        &look.session,
        &rehearsal,
        live,
        screen,
    )
    .await?;
    let outcomes = carry_out(&revert.plan, &held, &look.session, live.ids(), screen).await;
    let evicted = if outcomes.all_done() {
        evict(&revert, &look).await
    } else {
        Ok(())
    };
    held.release(screen).await;
    evicted?;
    tell(&revert, &outcomes, &look, args, screen);
    Ok(if outcomes.all_done() {
        Ending::Done
    } else {
        ending(&revert.plan, &outcomes)
    })
}

/// Takes away what others put there.
async fn evict(revert: &Revert, look: &Look<'_>) -> Result<(), Failure> {
    for it in &revert.plan.evictions {
        let removed = it.extra.what.remove(&look.session.cloud, &it.place).await;
        removed.map_err(|error| {
            Failure::Plain(format!(
                "{}: {} could not be taken away: {error}; what is above was put back",
                it.address,
                line(&it.extra.text)
            ))
        })?;
    }
    Ok(())
}

/// What it leaves that was not so before: what else drifted stays as it is, and is nothing against it.
fn worse(revert: &Revert, look: &Look<'_>) -> (Proof, Guarded) {
    let live = &look.reading.live;
    let before = World::live(&look.desired, live);
    let after = World::mended(&revert.wanted, live, &revert.touched());
    let proof = prove(&look.stack, &revert.wanted, &after);
    let guarded = guard(&revert.wanted, &after);
    (
        proof.worse_than(&prove(&look.stack, &look.desired, &before)),
        guarded.worse_than(&guard(&look.desired, &before)),
    )
}

fn tell(
    revert: &Revert,
    outcomes: &Outcomes,
    look: &Look<'_>,
    args: &args::Drift,
    screen: &Screen,
) {
    if args.form() == args::DriftFormat::Json {
        let mut document = json::outcomes(&revert.plan, outcomes);
        let evicted: Vec<_> = revert
            .plan
            .evictions
            .iter()
            .map(|it| serde_json::json!({"address": it.address, "what": it.extra.text}))
            .collect();
        document["taken_away"] = serde_json::json!(evicted);
        document["stays"] = serde_json::json!(revert.stays);
        document["calls"] = look.session.calls();
        screen.result(&format!("{document:#}\n"));
    } else {
        for it in revert.plan.evictions.iter().filter(|_| outcomes.all_done()) {
            let what = line(&it.extra.text);
            screen.talk(&format!("Taken away from {}: {what}", it.address));
        }
        conclude(&revert.plan, outcomes, &look.session, screen, &again(args));
    }
}

/// The command that goes on from here.
fn again(args: &args::Drift) -> String {
    let mut text = args::command("drift", &args.files, &args.place);
    text += &args.reach.flags();
    for it in &args.revert {
        text += &format!(" --revert {it}");
    }
    text + args.lease.flags()
}
