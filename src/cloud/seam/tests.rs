//! The seam around a sandbox.

use super::*;
use crate::cloud::apigateway::{CreateRestApi, GetRestApis};
use crate::cloud::sqs::{CreateQueue, DeleteQueue, GetQueueAttributes};
use crate::cloud::sts::GetCallerIdentity;
use crate::cloud::{Sandbox, Service, call};

fn place() -> Place {
    Place {
        account: "shop".to_owned(),
        id: AccountId::parse("111111111111").expect("an id"),
        region: Region::parse("eu-west-1").expect("a region"),
    }
}

fn sandbox() -> Sandbox {
    Sandbox::in_memory(&[place().id])
}

/// Runs on a paused clock.
fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(test)
}

fn create() -> CreateQueue {
    CreateQueue {
        name: "inbox".to_owned(),
        attributes: BTreeMap::new(),
        tags: BTreeMap::new(),
    }
}

fn read() -> GetQueueAttributes {
    GetQueueAttributes {
        name: "inbox".to_owned(),
    }
}

fn api() -> CreateRestApi {
    CreateRestApi {
        name: "orders".to_owned(),
        description: None,
        policy: None,
        endpoint_type: "REGIONAL".to_owned(),
        vpc_endpoints: Vec::new(),
        binary_media_types: Vec::new(),
        minimum_compression: None,
        api_key_source: "HEADER".to_owned(),
        disable_execute_api: false,
        tags: BTreeMap::new(),
    }
}

fn faults(seam: &Seam<'_>) -> Vec<Option<Fault>> {
    let records = seam.records();
    let outcomes = records.into_iter().map(|it| it.outcome);
    outcomes.map(|it| it.err().map(|it| it.fault)).collect()
}

#[test]
fn calls_are_counted_by_account_service_and_action_and_credentials_apart() {
    run(async {
        let seam = Seam::around(sandbox());
        call(&seam, &place(), GetCallerIdentity {})
            .await
            .expect("the caller");
        call(&seam, &place(), create()).await.expect("made");
        call(&seam, &place(), read()).await.expect("read");
        call(&seam, &place(), read()).await.expect("read");
        let ledger = seam.ledger();
        assert_eq!(ledger.to_string(), "3 calls (2 reads, 1 write)");
        assert_eq!(ledger.credentials(), 1);
        assert_eq!(seam.sent(), 4);
        assert_eq!(
            ledger.by_action(),
            BTreeMap::from([
                ((Service::Sqs, "CreateQueue"), 1),
                ((Service::Sqs, "GetQueueAttributes"), 2)
            ])
        );
        let (account, service, action, tally) = ledger.tallies().next().expect("one");
        assert_eq!(
            (account, service, action),
            (&place().id, Service::Sts, "GetCallerIdentity")
        );
        assert_eq!(tally.calls, 1);
    });
}

#[test]
fn calls_are_recorded_in_order_with_what_they_are_about() {
    run(async {
        let seam = Seam::around(sandbox());
        call(&seam, &place(), create()).await.expect("made");
        let error = call(
            &seam,
            &place(),
            DeleteQueue {
                name: "other".to_owned(),
            },
        )
        .await
        .expect_err("nothing there");
        assert_eq!(error.action.as_deref(), Some("sqs:DeleteQueue"));
        let lines: Vec<String> = seam.records().iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "   1 shop sqs:CreateQueue inbox",
                "   2 shop sqs:DeleteQueue other: AWS.SimpleQueueService.NonExistentQueue"
            ]
        );
        assert_eq!(seam.records()[1].sent, Duration::from_millis(80));
        assert_eq!(seam.records()[1].took, Duration::from_millis(80));
    });
}

#[test]
fn a_throttled_call_is_sent_again_whether_it_reads_or_writes() {
    run(async {
        let rule = FaultRule::new(Trouble::Throttle).nth([1, 2, 4]);
        let seam = Seam::around(sandbox()).failing([rule]);
        call(&seam, &place(), create()).await.expect("made");
        call(&seam, &place(), read()).await.expect("read");
        assert_eq!(
            faults(&seam),
            [
                Some(Fault::Throttled),
                Some(Fault::Throttled),
                None,
                Some(Fault::Throttled),
                None
            ]
        );
        assert_eq!(
            seam.ledger().to_string(),
            "5 calls (2 reads, 3 writes), 3 throttled, 3 sent again"
        );
    });
}

#[test]
fn a_call_that_is_throttled_for_ever_is_given_up_after_eight_attempts() {
    run(async {
        let seam = Seam::around(sandbox()).failing([FaultRule::new(Trouble::Throttle)]);
        let error = call(&seam, &place(), create()).await.expect_err("given up");
        assert_eq!(error.fault, Fault::Throttled);
        assert_eq!(seam.sent(), 8);
    });
}

#[test]
fn a_read_without_an_answer_is_sent_again_and_a_write_is_not() {
    run(async {
        for (trouble, fault) in [
            (Trouble::LoseAnswer, Fault::Lost),
            (Trouble::LoseRequest, Fault::Lost),
            (Trouble::Break, Fault::Broken),
            (Trouble::BreakAfter, Fault::Broken),
        ] {
            let rule = FaultRule::new(trouble).nth([1, 2]);
            let seam = Seam::around(sandbox()).failing([rule]);
            let error = call(&seam, &place(), create()).await.expect_err("unheard");
            assert_eq!(error.fault, fault);
            let answer = call(&seam, &place(), read()).await;
            let carried_out = matches!(trouble, Trouble::LoseAnswer | Trouble::BreakAfter);
            assert_eq!(answer.is_ok(), carried_out, "{trouble:?}");
            assert_eq!(seam.sent(), 3);
        }
        let seam = Seam::around(sandbox()).failing([FaultRule::new(Trouble::Break)]);
        let error = call(&seam, &place(), read()).await.expect_err("given up");
        assert_eq!(error.fault, Fault::Broken);
        assert_eq!(seam.sent(), 5);
    });
}

#[test]
fn a_denied_call_is_neither_made_nor_sent_again() {
    run(async {
        let cloud = sandbox();
        let rule = FaultRule::new(Trouble::Deny)
            .on(Service::Sqs, "Create*")
            .in_account("shop");
        let seam = Seam::around(&cloud).failing([rule]);
        let error = call(&seam, &place(), create()).await.expect_err("denied");
        assert_eq!(error.fault, Fault::Denied);
        assert_eq!(seam.sent(), 1);
        assert!(cloud.is_empty());
    });
}

#[test]
fn stopped_dead_before_a_call_it_is_not_made_and_nothing_after_it() {
    run(async {
        let cloud = sandbox();
        let seam = Seam::around(&cloud).failing([FaultRule::at(2, Trouble::StopBefore)]);
        let read_first = call(&seam, &place(), GetRestApis { position: None }).await;
        assert!(read_first.is_ok());
        for _ in 0..2 {
            let error = call(&seam, &place(), create()).await.expect_err("stopped");
            assert_eq!(error.fault, Fault::Stopped);
        }
        assert!(seam.has_stopped());
        assert_eq!(seam.sent(), 1);
        assert!(cloud.is_empty());
    });
}

#[test]
fn stopped_dead_after_a_call_it_is_made_and_nothing_is_heard() {
    run(async {
        let cloud = sandbox();
        let seam = Seam::around(&cloud).failing([FaultRule::at(1, Trouble::StopAfter)]);
        for _ in 0..2 {
            let error = call(&seam, &place(), create()).await.expect_err("stopped");
            assert_eq!(error.fault, Fault::Stopped);
        }
        assert_eq!(seam.sent(), 1);
        assert!(!cloud.is_empty());
    });
}

#[test]
fn what_was_in_flight_when_the_seam_stopped_is_carried_out_unheard() {
    run(async {
        let cloud = sandbox();
        let at = place();
        let seam = Seam::around(&cloud).failing([FaultRule::at(2, Trouble::StopBefore)]);
        let (first, second) = futures::join!(
            call(&seam, &at, create()),
            call(&seam, &at, GetRestApis { position: None })
        );
        assert_eq!(first.expect_err("unheard").fault, Fault::Stopped);
        assert_eq!(second.expect_err("stopped").fault, Fault::Stopped);
        assert!(!cloud.is_empty());
    });
}

#[test]
fn whoever_watches_is_told_why_a_call_waits_and_what_is_sent_again() {
    run(async {
        let told = RefCell::new(Vec::new());
        let rule = FaultRule::new(Trouble::Throttle)
            .on(Service::Sqs, "GetQueueAttributes")
            .nth([1]);
        let seam = Seam::around(sandbox())
            .failing([rule])
            .telling(|event| match event {
                Event::Waiting { wait, why, .. } => {
                    told.borrow_mut()
                        .push(format!("{why} ({} s)", wait.as_secs()));
                }
                Event::Again { error, attempt, .. } => {
                    told.borrow_mut()
                        .push(format!("{} again: {attempt}", error.code));
                }
                Event::Silent { .. } | Event::Ended(_) => {}
            });
        let at = place();
        let apis = futures::future::join_all((0..3).map(|_| call(&seam, &at, api())));
        assert!(apis.await.iter().all(Result::is_ok));
        assert!(call(&seam, &at, create()).await.is_ok());
        assert!(call(&seam, &at, read()).await.is_ok());
        drop(seam);
        assert_eq!(
            told.into_inner(),
            [
                "waiting for API Gateway: 1 CreateRestApi per 3 s (3 s)",
                "waiting for API Gateway: 1 CreateRestApi per 3 s (6 s)",
                "Throttling again: 2",
            ]
        );
    });
}

#[test]
fn the_same_calls_take_the_same_time_again() {
    let once = || {
        run(async {
            let rule = FaultRule::new(Trouble::Throttle).nth([1, 2, 3]);
            let seam = Seam::around(sandbox()).failing([rule]);
            call(&seam, &place(), create()).await.expect("made");
            seam.records()
        })
    };
    assert_eq!(once(), once());
}

#[test]
fn a_call_waits_as_long_as_the_service_asks() {
    let asked = Some(Duration::from_secs(30));
    assert!(back_off(1, 1, asked) >= Duration::from_secs(30));
    assert!(back_off(1, 1, asked) <= Duration::from_secs(30) + FIRST_WAIT);
    for number in 0..100 {
        assert!(back_off(number, 1, None) <= FIRST_WAIT);
        assert!(back_off(number, 3, None) >= FIRST_WAIT * 2);
        assert!(back_off(number, 30, None) <= LONGEST_WAIT);
    }
}

/// A cloud that always asks for an hour of patience.
struct Impatient;

impl Cloud for Impatient {
    fn send<'a>(
        &'a self,
        _: &'a Place,
        _: Request,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        let mut error = CallError::new(Fault::Throttled, "Throttling", "come back in an hour");
        error.retry_after = Some(Duration::from_hours(1));
        Box::pin(async { Err(error) })
    }
}

#[test]
fn a_service_that_asks_for_an_hour_is_asked_again_after_a_minute_and_the_wait_is_told() {
    run(async {
        let waits = RefCell::new(Vec::new());
        let seam = Seam::around(Impatient).telling(|event| {
            if let Event::Again { wait, .. } = event {
                waits.borrow_mut().push(*wait);
            }
        });
        let began = Instant::now();
        let place = place();
        let ended = call(&seam, &place, read()).await;
        assert_eq!(ended.map_err(|it| it.fault), Err(Fault::Throttled));
        let longest = LONGEST_ASKED + FIRST_WAIT;
        assert!(began.elapsed() < longest * THROTTLED_ATTEMPTS);
        assert!(
            waits
                .borrow()
                .iter()
                .all(|it| *it >= LONGEST_ASKED && *it <= longest)
        );
        assert_eq!(waits.borrow().len(), THROTTLED_ATTEMPTS as usize - 1);
    });
}

#[test]
fn what_waits_before_it_is_sent_ends_when_the_seam_is_drained_and_what_does_not_wait_is_sent() {
    run(async {
        let seam = Seam::around(Impatient);
        let place = place();
        let waits = call(&seam, &place, read());
        let stop = async {
            sleep(Duration::from_secs(3)).await;
            seam.drain();
        };
        let began = Instant::now();
        let (ended, ()) = futures::future::join(waits, stop).await;
        assert_eq!(ended.map_err(|it| it.fault), Err(Fault::Stopped));
        assert_eq!(began.elapsed(), Duration::from_secs(3));
        // A call that need not wait is sent as ever.
        let seam = Seam::around(sandbox());
        seam.drain();
        call(&seam, &place, create()).await.expect("it is sent");
    });
}

/// A cloud that answers after a minute, as one does that needs credentials which nobody gives.
struct Slow;

impl Cloud for Slow {
    fn send<'a>(
        &'a self,
        _: &'a Place,
        _: Request,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(async {
            sleep(Duration::from_mins(1)).await;
            Err(CallError::new(Fault::Credentials, "Timeout", "no answer"))
        })
    }
}

#[test]
fn calls_without_an_answer_are_told_of_every_ten_seconds_however_many_they_are() {
    run(async {
        let told = RefCell::new(Vec::new());
        let seam = Seam::around(Slow).telling(|event| {
            if let Event::Silent { since, .. } = event {
                told.borrow_mut().push(since.as_secs());
            }
        });
        let at = place();
        let both = futures::join!(call(&seam, &at, read()), call(&seam, &at, read()));
        assert!(both.0.is_err() && both.1.is_err());
        assert_eq!(told.borrow().as_slice(), [10, 20, 30, 40, 50]);
    });
}
