//! Log lines to stderr that never stop the node.
//!
//! A thread of its own writes. When nobody reads the other end and the buffer is full, a line is dropped and counted;
//! when writing works again, one line says how many were dropped. A closed or full stderr is no error. No caller
//! waits, fails or panics; only the thread may wait, for ever.

use std::{
    io::{self, Write},
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    time::Duration,
};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    filter::Targets, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// Lines that wait for the thread: what a node says in a bad minute, 200 KB.
const QUEUE: usize = 1_024;
/// How long the end of the program waits for the last lines.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Lines that were dropped since the start, by any [`Log`] of the process.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Lines of the log that were dropped since the start, because nobody took them.
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// The input of the log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Log {
    lines: SyncSender<Line>,
}

#[derive(Debug)]
enum Line {
    Text(Vec<u8>),
    /// Everything before was written.
    Flush(SyncSender<()>),
}

impl Log {
    /// Starts the thread, which writes to `out`. Without threads lines are dropped.
    pub fn to(out: impl Write + Send + 'static) -> Self {
        let (lines, queue) = mpsc::sync_channel(QUEUE);
        // Counted from here, because lines may be dropped before the thread runs.
        let said = dropped();
        let thread =
            std::thread::Builder::new().name("log".to_owned()).spawn(move || write(queue, out, said));
        // A program that gets no thread says so elsewhere, and ends.
        drop(thread);
        Self { lines }
    }

    /// Says a line.
    pub fn say(&self, text: &str) {
        self.put(format!("{text}\n").into_bytes());
    }

    /// Waits until the lines so far were written, half a second at most.
    pub fn flush(&self) {
        let (done, written) = mpsc::sync_channel(1);
        if self.lines.try_send(Line::Flush(done)).is_ok() {
            // Whoever does not read in time does not read.
            let _late = written.recv_timeout(LAST_WORDS);
        }
    }

    fn put(&self, line: Vec<u8>) {
        if self.lines.try_send(Line::Text(line)).is_err() {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes what is in the queue, and how many lines were dropped since `said` of them were.
fn write(queue: Receiver<Line>, mut out: impl Write, mut said: u64) {
    for line in queue {
        match line {
            Line::Text(line) => {
                let lost = dropped();
                let written = if lost > said {
                    let text = format!(
                        "({} lines of the log were dropped, because nobody read them)\n",
                        lost - said
                    );
                    out.write_all(text.as_bytes()).and_then(|()| out.write_all(&line))
                } else {
                    out.write_all(&line)
                };
                match written.and_then(|()| out.flush()) {
                    Ok(()) => said = lost,
                    Err(_) => drop(DROPPED.fetch_add(1, Ordering::Relaxed)),
                }
            }
            Line::Flush(done) => drop(done.try_send(())),
        }
    }
}

/// One line that is being formatted; it is passed on in one piece at the end.
#[derive(Debug)]
pub struct Entry {
    log: Log,
    line: Vec<u8>,
}

impl Write for Entry {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.log.put(std::mem::take(&mut self.line));
        }
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Entry;

    fn make_writer(&'a self) -> Entry {
        Entry { log: self.clone(), line: Vec::new() }
    }
}

/// What the log says where `RUST_LOG` does not ask for something else. No [`tracing_subscriber::EnvFilter`]: it brings
/// regular expressions along, a megabyte, to ask for values of fields.
fn usual(debug: bool) -> Targets {
    let own = ["nostrp2p_node", "nostrp2p_runtime", "nostrp2p_overlay"];
    match debug {
        true => Targets::new()
            .with_default(LevelFilter::INFO)
            .with_targets(own.map(|part| (part, LevelFilter::DEBUG))),
        false => Targets::new().with_default(LevelFilter::WARN),
    }
}

/// The log as the program's only one, to stderr: warnings only, with `debug` what the node does. `RUST_LOG` decides otherwise
/// where it is set and not empty. Panics go there too, whatever thread or task they end.
pub fn begin(debug: bool) -> Log {
    let log = Log::to(io::stderr());
    let asked = std::env::var("RUST_LOG").ok().filter(|asked| !asked.trim().is_empty());
    let filter = asked.and_then(|asked| asked.parse().ok()).unwrap_or_else(|| usual(debug));
    // Colours are for a person in front of a terminal.
    let colours = io::IsTerminal::is_terminal(&io::stderr());
    let lines = tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(log.clone());
    tracing_subscriber::registry().with(filter).with(lines).init();
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        tracing::error!(thread, "{panic}");
    }));
    log
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Condvar, Mutex};

    use super::*;

    /// Whether the end is open, and what it has taken.
    type Gate = (Mutex<(bool, Vec<u8>)>, Condvar);

    /// An end that takes nothing until it is opened.
    #[derive(Clone, Default)]
    struct Blocked(Arc<Gate>);

    impl Blocked {
        fn open(&self) {
            self.0.0.lock().unwrap().0 = true;
            self.0.1.notify_all();
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.0.lock().unwrap().1.clone()).unwrap()
        }
    }

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut state = self.0.1.wait_while(self.0.0.lock().unwrap(), |state| !state.0).unwrap();
            state.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stands_still_costs_lines_and_no_time() {
        let (out, before) = (Blocked::default(), dropped());
        let log = Log::to(out.clone());
        (0..QUEUE * 2).for_each(|number| log.say(&number.to_string()));
        let lost = dropped() - before;
        assert!((QUEUE as u64 - 1..=QUEUE as u64).contains(&lost), "{lost} lines were dropped");
        out.open();
        // The queue is full until the thread has taken the first line.
        while !out.text().contains("1000\n") {
            std::thread::yield_now();
        }
        log.say("again");
        log.flush();
        let text = out.text();
        assert!(text.starts_with("0\n") || text.starts_with('('), "{text}");
        assert!(text.contains("lines of the log were dropped") && text.ends_with("again\n"), "{text}");
    }

    #[test]
    fn an_end_that_takes_nothing_is_no_error() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let log = Log::to(Full);
        let before = dropped();
        log.say("one");
        log.flush();
        assert!(dropped() > before);
    }
}
