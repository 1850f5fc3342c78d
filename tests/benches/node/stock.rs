//! The stock: 100,000 events of 1,000 people in a node's data directory, 140 characters each, every fourth a reply in a
//! conversation with 250 replies. Brought in once by `nostrp2p import`, and copied by whoever needs it.

use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey, Tag};
use nostrp2p_tests::{Node, Stopped, binary, now, random_key};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{
    figures::{Better, Figures},
    yardstick,
};

/// Events to store; `BENCH_EVENTS` gives another number.
const EVENTS: usize = 100_000;
const PEOPLE: usize = 1_000;
/// One event of so many begins a conversation.
const CONVERSATION: usize = 1_000;
/// The same words each time.
const SEED: u64 = 140;

/// The events, and a data directory that holds them.
pub struct Stock {
    pub owner: SecretKey,
    pub events: Vec<Event>,
    folder: tempfile::TempDir,
}

impl Stock {
    /// Signs the events and brings them in.
    pub async fn gather(figures: &Figures) -> Self {
        let count = crate::number("BENCH_EVENTS", EVENTS);
        let (owner, events) = (random_key(), events(count));
        let node = Node::start(&["-p", &owner.public_key().to_npub()]).await.stop().await;
        let folder = tempfile::tempdir().unwrap();
        let lines = folder.path().join("events.jsonl");
        write(&events, &lines);
        let begun = Instant::now();
        import(&lines, node.data_dir(), count);
        let rate = f64::from(u32::try_from(count).unwrap()) / begun.elapsed().as_secs_f64();
        let pure = yardstick::verifications_a_second(&events);
        figures.add(
            "import",
            &format!(
                "{rate:.0} events/s, {:.0} % of {pure:.0} signature checks/s on all cores",
                100.0 * rate / pure
            ),
            rate / pure,
            Better::Higher,
        );
        copy(node.data_dir(), &folder.path().join("data"));
        Self { owner, events, folder }
    }

    /// A node that holds them all, not started yet.
    pub async fn node(&self) -> Stopped {
        let node = Node::start(&["-p", &self.owner.public_key().to_npub()]).await.stop().await;
        copy(&self.folder.path().join("data"), node.data_dir());
        node
    }

    /// Bytes of the store on the disk.
    pub fn disk(&self) -> u64 {
        std::fs::metadata(self.folder.path().join("data/store.redb")).unwrap().len()
    }
}

/// The person with this number.
pub fn person(number: usize) -> SecretKey {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&(number % PEOPLE + 1).to_be_bytes());
    SecretKey::from_bytes(bytes).unwrap()
}

/// Events as large as those that people write, one a second until now.
pub fn events(count: usize) -> Vec<Event> {
    let begin = now() - u64::try_from(count).unwrap();
    let words = vocabulary();
    let mut events: Vec<Event> = Vec::with_capacity(count);
    for number in 0..count {
        let text = text(number, &words);
        let root = events.get(number / CONVERSATION * CONVERSATION).filter(|_| number.is_multiple_of(4));
        let tags = root.map(|root| {
            vec![
                Tag::new(["e".to_owned(), root.id().to_string(), String::new(), "root".to_owned()]),
                Tag::new(["q".to_owned(), root.id().to_string()]),
                Tag::new(["p".to_owned(), root.pubkey.to_string()]),
            ]
        });
        let draft = EventTemplate {
            created_at: begin + u64::try_from(number).unwrap(),
            kind: Kind::POST,
            tags: tags.unwrap_or_default(),
            content: text,
        };
        events.push(draft.sign(&person(number), &[7; 32]));
    }
    events
}

/// A thousand words that are none, two of three in Latin letters and one in Kana: what is always the same sentence would
/// be packed as no writing of people can be.
fn vocabulary() -> Vec<String> {
    const LATIN: &[&str] = &[
        "an", "be", "cor", "dis", "el", "fa", "gi", "hum", "in", "lo", "mar", "ne", "or", "pa", "ri", "su",
        "ta", "un",
    ];
    const KANA: &[&str] =
        &["あ", "か", "さ", "た", "な", "は", "ま", "や", "ら", "わ", "き", "し", "ち", "に", "の", "と"];
    let mut random = StdRng::seed_from_u64(SEED);
    let mut word = |number: usize| -> String {
        let syllables = if number.is_multiple_of(3) { KANA } else { LATIN };
        (0..random.random_range(1..5)).map(|_| syllables[random.random_range(0..syllables.len())]).collect()
    };
    (0..1_000).map(&mut word).collect()
}

/// 140 characters that begin with the number; some words are much more frequent than others.
fn text(number: usize, words: &[String]) -> String {
    let mut random = StdRng::seed_from_u64(SEED + u64::try_from(number).unwrap());
    let mut text = format!("{number:x}");
    while text.chars().count() < 140 {
        let rank = random.random_range(0.0..1.0_f64).powi(3);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 999")]
        let word = &words[(rank * 1_000.0) as usize];
        text.push(' ');
        text.push_str(word);
    }
    text.chars().take(140).collect()
}

/// Writes them as a node exports what was sent to everybody: what has no mark would not be shared with others.
pub fn write(events: &[Event], lines: &Path) {
    let mut file = BufWriter::new(std::fs::File::create(lines).unwrap());
    for event in events {
        let mut line = serde_json::to_value(event).unwrap();
        line["via"] = "overlay".into();
        writeln!(file, "{line}").unwrap();
    }
    file.flush().unwrap();
}

/// Brings lines into the store of a node that does not run.
pub fn import(lines: &Path, data: &Path, count: usize) {
    let import =
        Command::new(binary()).arg("import").arg(lines).arg("--data-dir").arg(data).output().unwrap();
    let said = String::from_utf8_lossy(&import.stdout).into_owned();
    let failed = String::from_utf8_lossy(&import.stderr).into_owned();
    assert!(said.contains(&format!("{count} new events")), "{said}{failed}");
}

/// Processors of this machine.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}
