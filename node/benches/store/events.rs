//! The events: posts, replies, reactions, reposts, profiles and follow lists of 20,000 people within 25 days, in no order
//! of time. Few people write most of them, and an answer has the tags that programs write.
//!
//! They are made from a seed, signed by all cores, and kept in a file, of which the next run uses as many as it needs.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use nostrp2p_protocol::{Event, EventId, EventTemplate, Kind, PublicKey, SecretKey, Tag, UnverifiedEvent};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// The same events each time.
const SEED: u64 = 25;
/// Until when they were written, in seconds since 1970, and since when.
pub const UNTIL: u64 = 1_790_000_000;
pub const SINCE: u64 = UNTIL - 25 * DAY;
pub const DAY: u64 = 86_400;
const PEOPLE: usize = 20_000;
/// Events that may be answered: the latest ones.
const ANSWERABLE: usize = 2_000;
/// Events that are signed in one go.
const PORTION: usize = 20_000;

/// Where all files of this benchmark lie.
pub fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("store-bench");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A file that holds at least so many events; signs them where there is none.
pub fn signed(count: usize) -> PathBuf {
    let kept = |entry: std::fs::DirEntry| {
        let path = entry.path();
        let there: usize = path.file_stem()?.to_str()?.strip_prefix("signed-")?.parse().ok()?;
        Some((there, path)).filter(|_| entry.path().extension().is_some_and(|end| end == "events"))
    };
    let files: Vec<_> =
        std::fs::read_dir(folder()).unwrap().filter_map(|entry| kept(entry.unwrap())).collect();
    if let Some((_, path)) = files.iter().find(|(there, _)| *there >= count) {
        return path.clone();
    }
    println!("signing {count} events (seed {SEED})");
    let (path, unfinished) = (folder().join(format!("signed-{count}.events")), folder().join("signing"));
    let mut file = BufWriter::new(File::create(&unfinished).unwrap());
    let mut writers = Writers::new(SEED);
    let mut left = count;
    while left > 0 {
        let portion = left.min(PORTION);
        for event in sign((0..portion).map(|_| writers.next()).collect()) {
            write(&mut file, &event);
        }
        left -= portion;
    }
    file.flush().unwrap();
    std::fs::rename(unfinished, &path).unwrap();
    for (_, smaller) in files {
        std::fs::remove_file(smaller).unwrap();
    }
    path
}

/// So many events that are in no file.
pub fn more(count: usize, seed: u64) -> Vec<Event> {
    let mut writers = Writers::new(SEED + 1 + seed);
    sign((0..count).map(|_| writers.next()).collect())
}

/// Writes the first events of a file in the order of time.
pub fn in_order(file: &Path, count: usize, to: &Path) {
    let mut events: Vec<Event> = read(file).take(count).collect();
    events.sort_by_key(|event| event.created_at);
    let mut out = BufWriter::new(File::create(to).unwrap());
    for event in events {
        write(&mut out, &event);
    }
    out.flush().unwrap();
}

/// The events of a file, one after the other.
pub fn read(file: &Path) -> impl Iterator<Item = Event> {
    let mut input = BufReader::new(File::open(file).unwrap());
    std::iter::from_fn(move || {
        let mut length = [0; 4];
        input.read_exact(&mut length).ok()?;
        let mut record = vec![0; usize::try_from(u32::from_le_bytes(length)).unwrap()];
        input.read_exact(&mut record).unwrap();
        let (id, compact) = record.split_at(EventId::LEN);
        let mut event = UnverifiedEvent::from_compact(compact).unwrap();
        event.claimed_id = Some(EventId::try_from(id).unwrap());
        Some(Event::trusted(event))
    })
}

fn write(out: &mut impl Write, event: &Event) {
    let compact = UnverifiedEvent::from(event.clone()).to_compact();
    let length = u32::try_from(EventId::LEN + compact.len()).unwrap();
    out.write_all(&length.to_le_bytes()).unwrap();
    out.write_all(event.id().as_bytes()).unwrap();
    out.write_all(&compact).unwrap();
}

/// Signs by all cores; the order stays.
fn sign(drafts: Vec<(usize, EventTemplate)>) -> Vec<Event> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let part = drafts.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = drafts
            .chunks(part)
            .map(|drafts| {
                scope.spawn(|| {
                    let sign = |(person, draft): &(usize, EventTemplate)| {
                        draft.clone().sign(&secret(*person), &[7; 32])
                    };
                    drafts.iter().map(sign).collect::<Vec<Event>>()
                })
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

fn secret(person: usize) -> SecretKey {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&(person + 1).to_be_bytes());
    SecretKey::from_bytes(bytes).unwrap()
}

/// Those who write.
struct Writers {
    random: StdRng,
    keys: Vec<Option<PublicKey>>,
    words: Vec<String>,
    latest: VecDeque<Answerable>,
}

/// What somebody may answer.
#[derive(Clone)]
struct Answerable {
    id: EventId,
    root: EventId,
    author: PublicKey,
    kind: Kind,
    created_at: u64,
}

impl Writers {
    fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let words = (0..2_000).map(|number| word(number, &mut random)).collect();
        Self { random, keys: vec![None; PEOPLE], words, latest: VecDeque::new() }
    }

    /// Who writes next, and what.
    fn next(&mut self) -> (usize, EventTemplate) {
        let person = self.person();
        let key = self.key(person);
        let answered = self.answered();
        let draft = match (self.random.random_range(0..100), answered) {
            (0..2, _) => self.draft(Kind::PROFILE, vec![], None),
            (2..3, _) => {
                let people = self.random.random_range(20..200);
                let tags = (0..people).map(|_| self.tag_of_person()).collect();
                self.draft(Kind::FOLLOW_LIST, tags, None)
            }
            (3..38, Some(answered)) => {
                let kind = Tag::new(["k".to_owned(), answered.kind.0.to_string()]);
                let tags = vec![tag("e", answered.id), tag("p", answered.author), kind];
                self.draft(Kind::REACTION, tags, Some(&answered))
            }
            (38..44, Some(answered)) => {
                let tags = vec![tag("e", answered.id), tag("p", answered.author)];
                self.draft(Kind::REPOST, tags, Some(&answered))
            }
            (44..68, Some(answered)) => {
                let marked = |id: EventId, mark: &str| {
                    Tag::new(["e".to_owned(), id.to_string(), String::new(), mark.to_owned()])
                };
                let mut tags = vec![marked(answered.root, "root")];
                if answered.id != answered.root {
                    tags.push(marked(answered.id, "reply"));
                }
                tags.push(tag("p", answered.author));
                self.draft(Kind::POST, tags, Some(&answered))
            }
            (rest, _) => {
                let tags = if rest < 75 { self.hashtags() } else { vec![] };
                self.draft(Kind::POST, tags, None)
            }
        };
        self.remember(&draft, key);
        (person, draft)
    }

    fn remember(&mut self, draft: &EventTemplate, author: PublicKey) {
        if draft.kind != Kind::POST {
            return;
        }
        let id = draft.clone().by(author).id();
        let root = draft.tags.iter().find(|tag| tag.name() == "e").and_then(|tag| tag.value()?.parse().ok());
        let (kind, created_at) = (draft.kind, draft.created_at);
        self.latest.push_back(Answerable { id, root: root.unwrap_or(id), author, kind, created_at });
        if self.latest.len() > ANSWERABLE {
            self.latest.pop_front();
        }
    }

    fn answered(&mut self) -> Option<Answerable> {
        let number = self.random.random_range(0..ANSWERABLE);
        self.latest.get(number).cloned()
    }

    /// An answer comes within a day of what it answers, or is of the last day.
    fn draft(&mut self, kind: Kind, tags: Vec<Tag>, answered: Option<&Answerable>) -> EventTemplate {
        let created_at = match answered {
            Some(answered) => {
                let delay = self.random.random_range(1..DAY);
                let then = answered.created_at + delay;
                if then < UNTIL { then } else { UNTIL - delay }
            }
            None => self.random.random_range(SINCE..UNTIL),
        };
        let content = match kind {
            Kind::REACTION => "+".to_owned(),
            Kind::REPOST | Kind::FOLLOW_LIST => String::new(),
            Kind::PROFILE => format!(r#"{{"name":"{}","about":"{}"}}"#, self.text(10), self.text(120)),
            _ => {
                let length = self.random.random_range(10..270);
                self.text(length)
            }
        };
        EventTemplate { created_at, kind, tags, content }
    }

    fn hashtags(&mut self) -> Vec<Tag> {
        let number = self.random.random_range(1..4);
        (0..number).map(|_| Tag::new(["t".to_owned(), self.frequent_word()])).collect()
    }

    fn tag_of_person(&mut self) -> Tag {
        let person = self.person();
        tag("p", self.key(person))
    }

    /// The tenth that writes most writes half of it, and the first of all 4 of 100 events.
    fn person(&mut self) -> usize {
        self.skewed(PEOPLE)
    }

    fn key(&mut self, person: usize) -> PublicKey {
        *self.keys[person].get_or_insert_with(|| secret(person).public_key())
    }

    fn text(&mut self, length: usize) -> String {
        let mut text = self.frequent_word();
        while text.chars().count() < length {
            text.push(' ');
            text.push_str(&self.frequent_word());
        }
        text
    }

    fn frequent_word(&mut self) -> String {
        let number = self.skewed(self.words.len());
        self.words[number].clone()
    }

    /// A number below `count`, low ones far more often.
    fn skewed(&mut self, count: usize) -> usize {
        let place = self.random.random_range(0.0..1.0_f64).powi(3);
        let number = place * f64::from(u32::try_from(count).unwrap());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below count")]
        let number = number as usize;
        number.min(count - 1)
    }
}

fn tag(name: &str, value: impl ToString) -> Tag {
    Tag::new([name.to_owned(), value.to_string()])
}

/// A word that is none, one of three in Kana: what is always the same would be packed as no writing of people can be.
fn word(number: usize, random: &mut StdRng) -> String {
    const LATIN: &[&str] =
        &["an", "be", "cor", "dis", "el", "fa", "gi", "hum", "in", "lo", "mar", "ne", "ri", "su"];
    const KANA: &[&str] =
        &["あ", "か", "さ", "た", "な", "は", "ま", "や", "ら", "わ", "き", "し", "の", "と"];
    let syllables = if number.is_multiple_of(3) { KANA } else { LATIN };
    (0..random.random_range(1..5)).map(|_| syllables[random.random_range(0..syllables.len())]).collect()
}
