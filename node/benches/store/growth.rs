//! What grows with the number of stored events: `cargo xtask bench growth`. One store is filled to one size after the
//! other, and at each everything is measured that a node does with it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    counters::{float, median},
    events,
    figures::{Better, Figures},
    filling::{Fill, Filled, Manner},
    operations::{Started, Synced},
    picture,
    queries::{Answers, Ask},
    rows,
    sweeping::Swept,
    task::Task,
};

/// `BENCH_EVENTS` leaves out larger ones.
const SIZES: [usize; 5] = [1_000, 10_000, 100_000, 300_000, 1_000_000];
/// Of the events of each step so many are stored one by one for somebody who waits, at most half.
const AWAITED: usize = 5_000;
/// What a page of a program asks for.
const LIMIT: u32 = 20;
/// Starts of which the middle one counts.
const STARTS: usize = 5;

/// What was measured at one size: the name of a series, as [`picture::PANELS`] has it, and the figure.
#[derive(Debug, Serialize, Deserialize)]
pub struct Measured {
    pub events: usize,
    pub figures: BTreeMap<String, f64>,
}

pub fn measure(figures: &Figures) {
    let sizes = rows::sizes(&SIZES);
    let signed = events::signed(*sizes.last().unwrap());
    figures.say("a signature check", &format!("{:.1} us", rows::check_us(&signed)));
    let folder = tempfile::tempdir_in(events::folder()).unwrap();
    let store = Growing { events: signed, directory: folder.path().join("data") };
    std::fs::create_dir(&store.directory).unwrap();
    let (mut measured, mut before) = (Vec::new(), 0);
    for size in sizes {
        let mut row = Measured { events: size, figures: BTreeMap::new() };
        store.fill(before, &mut row);
        store.ask(&mut row);
        store.start_and_compare(&mut row);
        store.drop_some(&mut row);
        for panel in &picture::PANELS {
            for (series, label) in panel.series {
                let name = format!("{size} events: {}, {label}", panel.title);
                figures.say(&name, &format!("{:.2} {}", row.figures[*series], panel.unit));
            }
        }
        measured.push(row);
        before = size;
    }
    std::fs::write(kept(), serde_json::to_vec(&measured).unwrap()).unwrap();
    compare(&measured, figures);
    draw_again();
}

/// Draws what the last run has measured.
pub fn draw_again() {
    let measured: Vec<Measured> = serde_json::from_slice(&std::fs::read(kept()).unwrap()).unwrap();
    let path = events::folder().join("growth.svg");
    std::fs::write(&path, picture::draw(&measured)).unwrap();
    println!("drawn: {}", path.display());
}

fn kept() -> PathBuf {
    events::folder().join("growth.json")
}

/// Notes how many times as much everything is at the largest size as at a tenth of it.
fn compare(measured: &[Measured], figures: &Figures) {
    let Some((before, last)) = picture::last_decade(measured) else { return };
    for (series, label) in picture::PANELS.iter().flat_map(|panel| panel.series) {
        let growth = last.figures[*series] / before.figures[*series];
        let name = format!("growth to {}: {series}", last.events);
        let said = format!("{growth:.2} times as at {} ({label})", before.events);
        figures.add(&name, &said, growth, Better::Lower);
    }
}

/// The store, and the events that it gets.
struct Growing {
    events: PathBuf,
    directory: PathBuf,
}

impl Growing {
    fn fill(&self, before: usize, row: &mut Measured) {
        let awaited = AWAITED.min((row.events - before) / 2);
        let imported = row.events - before - awaited;
        let filled = |skip, count, manner| -> Filled {
            let (events, directory) = (self.events.clone(), self.directory.clone());
            Task::Fill(Fill { events, skip, count, manner, directory }).run()
        };
        let import = filled(before, imported, Manner::Import);
        let durable = filled(before + imported, awaited, Manner::Durable);
        // The last tenth says what it costs now, where that is more than a few events.
        let few = imported < 10 * AWAITED / 2;
        let (spent, count) = if few { (import.all(), imported) } else { (import.last(), imported / 10) };
        for (spent, count, name) in [(spent, count, "import"), (durable.all(), awaited, "durable")] {
            let count = float(u64::try_from(count).unwrap());
            row.note(&format!("store {name}"), spent.others * 1e6 / count);
            row.note(&format!("written {name}"), spent.written / count);
        }
        row.note("file", float(durable.file_bytes) / float(durable.stored));
        row.note("memory storing", import.resident_mib.max(durable.resident_mib));
    }

    fn ask(&self, row: &mut Measured) {
        let (directory, events) = (self.directory.clone(), self.events.clone());
        let answers: Answers = Task::Query(Ask { directory, events, count: row.events, limit: LIMIT }).run();
        for sort in answers.sorts {
            row.note(&format!("read {}", sort.name), sort.processor_us / sort.questions);
        }
        row.note("memory reading", answers.resident_mib);
    }

    fn start_and_compare(&self, row: &mut Measured) {
        let started: Vec<Started> = (0..STARTS).map(|_| Task::Start(self.directory.clone()).run()).collect();
        row.note("start", median(started.iter().map(|start| start.milliseconds).collect()));
        row.note("memory started", median(started.iter().map(|start| start.resident_mib).collect()));
        let synced: Synced = Task::Sync(self.directory.clone()).run();
        row.note("sync everything", synced.everything);
        row.note("sync day", synced.day);
        let seconds: f64 = Task::Export(self.directory.clone()).run();
        row.note("export", seconds * 1e6 / float(u64::try_from(row.events).unwrap()));
    }

    /// With a copy, so that the store goes on growing.
    fn drop_some(&self, row: &mut Measured) {
        let folder = tempfile::tempdir_in(events::folder()).unwrap();
        copy(&self.directory, folder.path());
        let copy = folder.path().to_owned();
        row.note("sweep by age", Task::SweepByAge(copy.clone()).run());
        let swept: Swept = Task::SweepByNumber(copy.clone()).run();
        row.note("sweep by number", swept.thousand);
        row.note("sweep first", swept.first);
        Task::Kill(copy.clone()).run::<()>();
        let started: Started = Task::Start(copy).run();
        row.note("start killed", started.milliseconds);
    }
}

impl Measured {
    fn note(&mut self, series: &str, figure: f64) {
        self.figures.insert(series.to_owned(), figure);
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}
