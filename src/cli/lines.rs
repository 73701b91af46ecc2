//! Lines of stdin answered on all cores, in their order, and each as soon as it is whole.
//!
//! One thread reads and deals out what it gets in turn, one a core answers, and the caller's prints in the same turn.

use std::io::{self, IsTerminal as _, Read as _};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use super::screen::Screen;
use super::{Ending, Failure};
use crate::disk;
use crate::policy::interchange::not_text;

/// The most bytes that are read at once.
const MOST: usize = 256 * 1024;
/// How many pieces may wait for each core.
const WAITING: usize = 4;

/// Answers each line of stdin. `answerer` makes what answers, once for each core.
pub(super) fn answer_each<A: FnMut(&str) -> String>(
    screen: &Screen,
    answerer: impl Fn() -> A + Sync,
) -> Result<Ending, Failure> {
    if io::stdin().is_terminal() {
        screen.talk("reading requests from stdin, a JSON object a line; end with ctrl-d");
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        for _ in 0..cores {
            let (ask, questions) = sync_channel::<Vec<u8>>(WAITING);
            let (give, answers) = sync_channel(WAITING);
            asked.push(ask);
            answered.push(answers);
            let answerer = &answerer;
            scope.spawn(move || {
                let mut answer = answerer();
                for lines in questions {
                    if give.send(answers_to(&lines, &mut answer)).is_err() {
                        return;
                    }
                }
            });
        }
        let reader = scope.spawn(move || deal(&asked));
        for turn in answered.iter().cycle() {
            // The pieces are dealt out in turn, so that the first that is missing is behind the last.
            let Ok(text) = turn.recv() else { break };
            screen.result(&text);
        }
        let read = reader.join().unwrap_or(Ok(()));
        read.map_err(|error| Failure::Plain(format!("cannot read stdin: {}", disk::why(&error))))
    })?;
    Ok(Ending::Done)
}

/// Reads stdin and deals out its whole lines in turn.
fn deal(to: &[SyncSender<Vec<u8>>]) -> io::Result<()> {
    let mut stdin = io::stdin().lock();
    let (mut begun, mut buffer) = (Vec::new(), vec![0; MOST]);
    let mut turn = to.iter().cycle();
    let mut give = |lines: Vec<u8>| {
        if let Some(to) = turn.next().filter(|_| !lines.is_empty()) {
            // Nobody takes it where nobody prints any more.
            let _ = to.send(lines);
        }
    };
    loop {
        let count = match stdin.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if count == 0 {
            give(begun);
            return Ok(());
        }
        let read = &buffer[..count];
        if let Some(end) = read.iter().rposition(|it| *it == b'\n') {
            begun.extend_from_slice(&read[..=end]);
            give(std::mem::take(&mut begun));
            begun.extend_from_slice(&read[end + 1..]);
        } else {
            begun.extend_from_slice(read);
        }
    }
}

/// The answers to some lines, a line each. One bad line is no reason to leave the others without an answer.
fn answers_to(lines: &[u8], answer: &mut impl FnMut(&str) -> String) -> String {
    let mut text = String::with_capacity(lines.len() / 2);
    for line in lines.split(|it| *it == b'\n') {
        // A shell may put a byte order mark before what it pipes.
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        match std::str::from_utf8(line) {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => text += &answer(line),
            Err(error) => text += &not_text(error.valid_up_to()),
        }
        text.push('\n');
    }
    text
}
