//! The rows of `cargo xtask bench store`: by the number of stored events and their order.

use std::path::Path;

use nostrp2p_protocol::{Event, UnverifiedEvent};

use super::{
    counters::{Counters, float, median},
    events,
    figures::{Better, Figures},
    filling::{Fill, Filled, Manner},
    operations::Started,
    queries::{Answers, Ask},
    task::Task,
};

/// `BENCH_EVENTS` leaves out larger ones.
const SIZES: [usize; 3] = [20_000, 100_000, 300_000];
/// How many times the cost at the smallest size the cost at the largest may be.
const AIM_OF_GROWTH: f64 = 1.1;
/// Microseconds of the processor for an event that is served, by the whole node.
const AIM_SERVED_US: f64 = 3.0;
/// Events of an answer, as many as a relay gives.
const LIMIT: u32 = 500;
/// Starts of which the middle one counts.
const STARTS: usize = 5;
/// Signature checks that are measured.
const CHECKS: usize = 20_000;

pub fn measure(figures: &Figures) {
    let sizes = sizes(&SIZES);
    let largest = *sizes.last().unwrap();
    let signed = events::signed(largest);
    let check = check_us(&signed);
    figures.say("a signature check", &format!("{check:.1} us; what an event costs is said in these, too"));
    let mut scattered = Vec::new();
    for (order, sorted) in [("in order", true), ("scattered", false)] {
        for size in &sizes {
            let folder = tempfile::tempdir_in(events::folder()).unwrap();
            let file = if sorted { folder.path().join("events") } else { signed.clone() };
            if sorted {
                events::in_order(&signed, *size, &file);
            }
            let name = format!("store {size} {order}");
            let row = Row { name: &name, events: &file, count: *size, check, figures };
            let cost = row.measure(&folder.path().join("data"), Manner::Durable);
            if !sorted {
                scattered.push(cost);
            }
        }
    }
    let folder = tempfile::tempdir_in(events::folder()).unwrap();
    let name = format!("import {largest} scattered");
    let row = Row { name: &name, events: &signed, count: largest, check, figures };
    row.measure(&folder.path().join("data"), Manner::Import);
    if let [first, .., last] = &scattered[..] {
        let growth = last.of_last_tenth / first.of_last_tenth;
        let name = format!("store {largest} : {} scattered", sizes[0]);
        let mean = last.mean / first.mean;
        let said = format!("{growth:.2} for the last tenth (aim: {AIM_OF_GROWTH}), {mean:.2} for all");
        figures.add(&name, &said, growth, Better::Lower);
    }
}

/// The sizes that are wanted.
pub fn sizes(usual: &[usize]) -> Vec<usize> {
    let most = crate::number("BENCH_EVENTS").unwrap_or(usize::MAX);
    let mut sizes: Vec<usize> = usual.iter().copied().filter(|size| *size <= most).collect();
    if sizes.is_empty() {
        sizes.push(most);
    }
    sizes
}

/// Processor time of an event, in microseconds.
struct Cost {
    mean: f64,
    of_last_tenth: f64,
}

struct Row<'a> {
    name: &'a str,
    events: &'a Path,
    count: usize,
    check: f64,
    figures: &'a Figures,
}

impl Row<'_> {
    /// Stores, starts and asks; says what storing took.
    fn measure(&self, directory: &Path, manner: Manner) -> Cost {
        std::fs::create_dir(directory).unwrap();
        let fill = Fill {
            events: self.events.to_owned(),
            skip: 0,
            count: self.count,
            manner,
            directory: directory.to_owned(),
        };
        let filled: Filled = Task::Fill(fill).run();
        let cost = self.say_stored(&filled);
        let started: Vec<Started> = (0..STARTS).map(|_| Task::Start(directory.to_owned()).run()).collect();
        let milliseconds = median(started.iter().map(|start| start.milliseconds).collect());
        let resident = median(started.iter().map(|start| start.resident_mib).collect());
        let said = format!("{milliseconds:.1} ms, {resident:.1} MiB resident");
        self.figures.say(&format!("{}, start", self.name), &said);
        let ask = Ask {
            directory: directory.to_owned(),
            events: self.events.to_owned(),
            count: self.count,
            limit: LIMIT,
        };
        self.say_served(&Task::Query(ask).run());
        cost
    }

    fn say_stored(&self, filled: &Filled) -> Cost {
        let Self { name, check, figures, .. } = *self;
        let count = float(u64::try_from(self.count).unwrap());
        let (all, last) = (filled.all(), filled.last());
        let mean = all.others * 1e6 / count;
        let of_last_tenth = last.others * 1e7 / count;
        let said = format!(
            "{:.0} events/s, {mean:.0} us of the processor each ({:.2} checks); in the last tenth {:.0} events/s, {of_last_tenth:.0} us",
            count / all.seconds,
            mean / check,
            count / 10.0 / last.seconds,
        );
        figures.add(&format!("{name}, processor"), &said, mean / check, Better::Lower);
        let written = all.written / count;
        let said =
            format!("{written:.0} bytes an event, in the last tenth {:.0}", last.written * 10.0 / count);
        figures.add(&format!("{name}, written"), &said, written, Better::Lower);
        let size = float(filled.file_bytes) / float(filled.stored);
        let said = format!("{size:.0} bytes for each of {} that stay", filled.stored);
        figures.add(&format!("{name}, file"), &said, size, Better::Lower);
        figures
            .say(&format!("{name}, memory"), &format!("{:.1} MiB resident at the end", filled.resident_mib));
        Cost { mean, of_last_tenth }
    }

    fn say_served(&self, answers: &Answers) {
        let Self { name, check, figures, .. } = *self;
        for sort in &answers.sorts {
            let each = sort.processor_us / sort.events;
            let said = format!(
                "{each:.2} us an event, {:.0} us a question of {:.0} events",
                sort.processor_us / sort.questions,
                sort.events / sort.questions
            );
            figures.say(&format!("{name}, read {}", sort.name), &said);
        }
        let total: f64 = answers.sorts.iter().map(|sort| sort.processor_us).sum();
        let each = total / answers.sorts.iter().map(|sort| sort.events).sum::<f64>();
        let said = format!("{each:.2} us an event (aim: {AIM_SERVED_US} with all the rest of the node)");
        figures.add(&format!("{name}, read"), &said, each / check, Better::Lower);
        figures.say(&format!("{name}, memory after reading"), &format!("{:.1} MiB", answers.resident_mib));
    }
}

/// Processor time of one signature check, in microseconds: on any machine, what an event costs is about as many of these.
pub fn check_us(file: &Path) -> f64 {
    let events: Vec<Event> = events::read(file).take(CHECKS).collect();
    let unverified: Vec<UnverifiedEvent> = events.into_iter().map(UnverifiedEvent::from).collect();
    let count = float(u64::try_from(unverified.len()).unwrap());
    let before = Counters::now();
    for event in unverified {
        event.verify().unwrap();
    }
    before.spent().here * 1e6 / count
}
