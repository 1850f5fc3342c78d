//! `nostrp2p import`: takes events from a file of any program.
//!
//! No rate limit and no hourly cap applies, whoever owns the node, because a restore is not gossip. Events over the
//! cap are kept and not shared in catching up. Shape and time are checked as everywhere
//! ([`nostrp2p_protocol::UnsignedEvent::check`]).

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write as _,
    fs::File,
    io::{BufRead, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use nostrp2p_protocol::{Event, PublicStatement, UnverifiedEvent, VerifyError};
use serde::{Deserialize, Serialize};
use tokio::{runtime::Runtime, sync::oneshot};

use super::reading::{self, Item};
use crate::{
    clock, data_dir,
    relay_url::relay_url,
    store::{Inserted, Mark, Propagation, Retention, Store, Stored},
};

/// Events of an import that wait for the disk at a time, so that one commit takes many of them along.
const UNDER_WAY: usize = 500;
/// Events between two signs of life.
const PROGRESS_EVERY: u64 = 10_000;
/// Refusals that are said at once; all stand in the list.
const SAID: u64 = 20;
/// Most refusals in the list, of at most 1 KiB each.
const MAX_LISTED: u64 = 100_000;
/// How much of a refused text stands in the list.
const LISTED_BYTES: usize = 512;

/// The result of an import. `new`, `known`, `superseded`, `deleted`, `ended` and the refused ones add up to the
/// events of the input.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Events that were stored.
    pub new: u64,
    /// How many of these and of the events before have gone since, because a newer version or a deletion came after
    /// them.
    pub replaced: u64,
    /// Events that were here already.
    pub known: u64,
    /// Events of which a newer version was here already.
    pub superseded: u64,
    /// Events whose author has deleted them.
    pub deleted: u64,
    /// Events past their expiration.
    pub ended: u64,
    /// Texts that hold no event, and events that are forged or break a limit, by reason.
    pub refused: BTreeMap<String, u64>,
    /// The list of all of these, if there are any.
    pub list: Option<PathBuf>,
    /// How many events the store holds now.
    pub stored: u64,
}

impl Imported {
    /// How many were refused.
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }

    /// A summary for the person.
    pub fn summary(&self) -> String {
        let mut text = format!("{} new events, {} were there already", self.new, self.known);
        let others = [
            (self.superseded, "older than what is there"),
            (self.deleted, "deleted by their author"),
            (self.ended, "expired"),
        ];
        for (count, reason) in others.into_iter().filter(|(count, _)| *count > 0) {
            let _infallible = write!(text, ", {count} {reason}");
        }
        let _infallible = write!(text, ", {} refused.", self.refusals());
        if self.replaced > 0 {
            let _infallible =
                write!(text, " {} events were replaced or deleted by others of them.", self.replaced);
        }
        let _infallible = write!(text, " The store holds {} events.", self.stored);
        for (reason, count) in &self.refused {
            let _infallible = write!(text, "\n  {count} refused: {reason}");
        }
        if let Some(list) = &self.list {
            let _infallible = write!(text, "\nWhat was refused is listed in {}.", list.display());
        }
        text
    }
}

/// Reads events, checks each, and stores it. `complain` gets a sentence for each of the first that are refused, `progress`
/// the number of lines so far, now and then.
///
/// # Errors
/// When the store is in use or cannot be written, or the input cannot be read.
pub fn import(
    directory: &Path,
    input: impl BufRead,
    mut complain: impl FnMut(&str),
    mut progress: impl FnMut(u64),
) -> anyhow::Result<Imported> {
    data_dir::prepare(directory)?;
    let (store, writer) = Store::open(directory, Retention::EVERYTHING)?;
    let before = store.progress().borrow().stored;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut imported = Imported::default();
    let mut refusals = Refusals { directory, list: None, said: 0 };
    let mut under_way = VecDeque::new();
    let mut items = reading::open(input)?;
    let mut told = 0;
    while let Some(item) = items.next()? {
        let (line, shown, reason) = match item {
            Item::Message => continue,
            Item::Nothing(line, shown, reason) => (line, shown, reason.to_owned()),
            Item::Object(line, text) => match parse(&text, clock::now()) {
                Ok((event, mark)) => {
                    let stored = writer.store_one_of_many(event, Propagation::Restored(mark));
                    under_way.push_back(runtime.block_on(stored));
                    if under_way.len() >= UNDER_WAY {
                        imported.count(&runtime, under_way.pop_front())?;
                    }
                    continue;
                }
                Err(reason) => (line, text, reason),
            },
        };
        refusals.add(line, &shown, &reason, &mut complain)?;
        *imported.refused.entry(reason).or_default() += 1;
        if items.line() >= told + PROGRESS_EVERY {
            told = items.line();
            progress(told);
        }
    }
    for stored in under_way {
        imported.count(&runtime, Some(stored))?;
    }
    let durable = runtime.block_on(writer.settle());
    durable.map_err(|reason| anyhow::anyhow!("the events could not be made durable: {reason}"))?;
    imported.stored = store.progress().borrow().stored;
    imported.replaced = (before + imported.new).saturating_sub(imported.stored);
    imported.list = refusals.finish()?;
    writer.close();
    Ok(imported)
}

impl Imported {
    /// Waits until an event is stored, and counts it.
    fn count(&mut self, runtime: &Runtime, stored: Option<oneshot::Receiver<Stored>>) -> anyhow::Result<()> {
        let Some(stored) = stored else { return Ok(()) };
        let stored = runtime.block_on(stored)?;
        match stored.map_err(|reason| anyhow::anyhow!("the event could not be stored: {reason}"))? {
            Inserted::New(_) => self.new += 1,
            Inserted::Known(_) => self.known += 1,
            Inserted::Superseded(_) => self.superseded += 1,
            Inserted::Deleted => self.deleted += 1,
            Inserted::Ended => self.ended += 1,
            // An import knows no bound, so these do not occur.
            Inserted::Surplus | Inserted::MailboxFull => {
                *self.refused.entry("there is no room for it".to_owned()).or_default() += 1;
            }
        }
        Ok(())
    }
}

fn parse(text: &[u8], now: u64) -> Result<(Event, Mark), String> {
    let plain: UnverifiedEvent = serde_json::from_slice(text).map_err(|_| "this is no event".to_owned())?;
    plain.unsigned.check(now).map_err(|reason| reason.to_string())?;
    let beside: Beside = serde_json::from_slice(text).unwrap_or_default();
    let mut event = plain.clone();
    event.unsigned.statement = beside.statement();
    // Without a valid statement it is the event that its author has signed, and as private as that.
    let event = match event.verify() {
        Err(VerifyError::Statement) => plain.verify(),
        verified => verified,
    };
    Ok((event.map_err(|forged| forged.to_string())?, beside.mark()))
}

/// The word of an export for an event that was sent to everybody.
pub(super) const OVERLAY: &str = "overlay";

/// The fields that an export has added to an event.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Beside {
    via: Option<String>,
    statement: Option<String>,
}

impl Beside {
    fn mark(&self) -> Mark {
        match self.via.as_deref() {
            Some(OVERLAY) => Mark::Shared,
            Some(via) => relay_url(via).map_or(Mark::None, Mark::Mirrored),
            None => Mark::None,
        }
    }

    fn statement(&self) -> Option<PublicStatement> {
        PublicStatement::from_bytes(&hex::decode(self.statement.as_ref()?).ok()?).ok()
    }
}

/// The list of what was refused.
#[derive(Debug)]
struct Refusals<'a> {
    directory: &'a Path,
    list: Option<(PathBuf, BufWriter<File>)>,
    said: u64,
}

#[derive(Serialize)]
struct Refusal<'a> {
    line: u64,
    reason: &'a str,
    text: &'a str,
}

impl Refusals<'_> {
    fn add(
        &mut self,
        line: u64,
        text: &[u8],
        reason: &str,
        complain: &mut impl FnMut(&str),
    ) -> anyhow::Result<()> {
        self.said += 1;
        if self.said <= SAID {
            complain(&format!("line {line}: {reason}"));
        }
        if self.said > MAX_LISTED {
            return Ok(());
        }
        let (_, list) = match &mut self.list {
            Some(list) => list,
            None => {
                let path = self.directory.join(format!("import-refused-{}.jsonl", clock::now()));
                let file = File::create(&path)?;
                self.list.insert((path, BufWriter::new(file)))
            }
        };
        let text = String::from_utf8_lossy(text.get(..LISTED_BYTES).unwrap_or(text));
        serde_json::to_writer(&mut *list, &Refusal { line, reason, text: &text })?;
        Ok(list.write_all(b"\n")?)
    }

    fn finish(self) -> anyhow::Result<Option<PathBuf>> {
        let Some((path, mut list)) = self.list else { return Ok(None) };
        list.flush()?;
        Ok(Some(path))
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_core::SyncWindow;
    use nostrp2p_protocol::{EventId, EventTemplate, Kind, SecretKey};

    use super::*;
    use crate::maintenance::export;

    const ALL: SyncWindow = SyncWindow { since: 0, until: u64::MAX };

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_bytes([byte; 32]).unwrap()
    }

    fn event(author: u8, kind: Kind, created_at: u64, content: &str) -> Event {
        EventTemplate { created_at, kind, tags: vec![], content: content.into() }.sign(&key(author), &[0; 32])
    }

    fn line(event: &Event) -> String {
        serde_json::to_string(event).unwrap() + "\n"
    }

    fn import_text(directory: &Path, text: &str) -> (Imported, Vec<String>) {
        let mut complaints = Vec::new();
        let imported = import(directory, text.as_bytes(), |line| complaints.push(line.to_owned()), |_| {});
        (imported.unwrap(), complaints)
    }

    fn exported(directory: &Path) -> String {
        let mut exported = Vec::new();
        export(directory, &mut exported).unwrap();
        String::from_utf8(exported).unwrap()
    }

    fn shared(directory: &Path) -> Vec<EventId> {
        let (store, writer) = Store::open(directory, Retention::EVERYTHING).unwrap();
        writer.close();
        store.shared(ALL).unwrap().into_iter().map(|(_, id)| id).collect()
    }

    #[test]
    fn a_restore_is_no_gossip_so_nothing_is_dropped_by_rate_whoever_owns_the_node() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let old = clock::now() - 90 * 86_400;
        let text: String =
            (0..400).map(|number| line(&event(1, Kind::POST, old, &number.to_string()))).collect();
        for directory in [one.path(), other.path()] {
            let (imported, _) = import_text(directory, &text);
            assert_eq!((imported.new, imported.stored, imported.refusals()), (400, 400, 0));
        }
        let again = import_text(one.path(), &text).0;
        assert_eq!((again.new, again.known, again.stored), (0, 400, 400));
        // It is all still there when a node runs on it, and when it gets an owner.
        let (store, writer) = Store::open(one.path(), Retention::default()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(writer.settle()).unwrap();
        runtime.block_on(writer.set_owner(key(1).public_key())).unwrap();
        runtime.block_on(writer.settle()).unwrap();
        assert_eq!(store.progress().borrow().stored, 400);
        assert_eq!(
            store.shared(ALL).unwrap().len(),
            nostrp2p_protocol::event_policy::MAX_PER_HOUR,
            "as many as all nodes keep"
        );
        writer.close();
    }

    #[test]
    fn the_sums_are_true_by_reason() {
        let directory = tempfile::tempdir().unwrap();
        let now = clock::now();
        let (profile, newer) =
            (event(1, Kind::PROFILE, now - 9, "old"), event(1, Kind::PROFILE, now - 8, "new"));
        let deletion = |target: &Event| {
            let tags = vec![nostrp2p_protocol::Tag::new(["e", &target.id().to_string()])];
            EventTemplate { created_at: now, kind: Kind::DELETION, tags, content: String::new() }
                .sign(&key(1), &[0; 32])
        };
        let gone = event(1, Kind::POST, now, "gone");
        let tags = vec![nostrp2p_protocol::Tag::new(["expiration", "1000"])];
        let ended = EventTemplate { created_at: 1, kind: Kind::POST, tags, content: String::new() }
            .sign(&key(1), &[0; 32]);
        let all = [&profile, &newer, &profile, &deletion(&gone), &gone, &ended, &newer];
        let text: String = all.into_iter().map(line).collect();
        let (imported, _) = import_text(directory.path(), &text);
        let expected = Imported {
            new: 3,
            replaced: 1,
            known: 1,
            superseded: 1,
            deleted: 1,
            ended: 1,
            stored: 2,
            ..Imported::default()
        };
        assert_eq!(imported, expected);
        assert!(imported.summary().contains("1 expired") && imported.summary().contains("holds 2 events"));
    }

    #[test]
    fn what_is_refused_is_named_and_listed_and_the_rest_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let good = event(1, Kind::POST, clock::now(), "good");
        let forged = line(&good).replace("good", "evil");
        let ahead = event(1, Kind::PROFILE, clock::now() + 365 * 86_400, "frozen for a year");
        let large = event(1, Kind::POST, clock::now(), &"x".repeat(70_000));
        let text = ["nonsense\n", &line(&good), &forged, &line(&ahead), &line(&large)].concat();
        let (imported, complaints) = import_text(directory.path(), &text);
        assert_eq!((imported.new, imported.refusals(), imported.stored), (1, 4, 1));
        assert!(complaints[0].starts_with("line 1: this is no event"), "{complaints:?}");
        assert!(complaints[1].starts_with("line 3: the event's id is not the hash"), "{complaints:?}");
        assert!(complaints[2].contains("more than 15 minutes ahead"), "{complaints:?}");
        let list = std::fs::read_to_string(imported.list.as_ref().unwrap()).unwrap();
        assert_eq!(list.lines().count(), 4);
        assert!(list.contains("\"line\":4") && list.contains("frozen for a year"), "{list}");
        assert!(imported.summary().contains("1 refused: the event is longer"), "{}", imported.summary());
    }

    #[test]
    fn what_a_mirror_brought_and_what_has_no_mark_is_not_shared_after_a_restore() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let posts = [1, 2, 3, 4].map(|author| event(author, Kind::POST, clock::now(), "a post"));
        let [own, heard, mirrored, asked] = &posts;
        let (store, writer) = Store::open(one.path(), Retention::EVERYTHING).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            writer.set_owner(key(1).public_key()).await.unwrap();
            writer.store(own.clone(), Propagation::Ahead).await;
            writer.store(heard.clone(), Propagation::Shared).await;
            writer.store(mirrored.clone(), Propagation::Mirrored("wss://relay.example".into())).await;
            writer.store(asked.clone(), Propagation::Restored(Mark::None)).await;
            writer.settle().await.unwrap();
        });
        writer.close();
        drop(store);
        let text = exported(one.path());
        assert_eq!(text.matches("\"via\"").count(), 2, "{text}");
        let (imported, _) = import_text(other.path(), &text);
        assert_eq!(imported.new, 4);
        assert_eq!(shared(other.path()), [heard.id()], "the owner's own has no owner yet");
        let again = exported(other.path());
        assert_eq!(again, text, "the marks are kept");
        let (store, writer) = Store::open(other.path(), Retention::EVERYTHING).unwrap();
        runtime.block_on(writer.set_owner(key(1).public_key())).unwrap();
        writer.close();
        drop(store);
        let mut expected = [own.id(), heard.id()];
        expected.sort_unstable();
        let mut now_shared = shared(other.path());
        now_shared.sort_unstable();
        assert_eq!(now_shared, expected);
        // A damaged store that is repaired says the same.
        crate::store::repair(other.path()).unwrap();
        let mut repaired = shared(other.path());
        repaired.sort_unstable();
        assert_eq!(repaired, expected);
    }

    #[test]
    fn an_answer_that_was_made_public_stays_so_after_a_move_and_a_repair_and_a_forged_statement_is_worthless()
    {
        use nostrp2p_protocol::{delegation, event_policy::is_public, statement_input};

        let at = clock::now();
        let node = nostrp2p_overlay::NodeSecret::from_bytes([5; 32]);
        let answer = |author: u8| {
            let tags = vec![nostrp2p_protocol::Tag::new(["p", &key(9).public_key().to_string()])];
            let draft = EventTemplate { created_at: at, kind: Kind::POST, tags, content: "an answer".into() };
            draft.sign(&key(author), &[0; 32])
        };
        let word = delegation::draft(&node.peer_id(), at);
        let sig = |of: &Event| node.sign(&statement_input(&of.id()));
        let stated = |event: Event, by: &Event| {
            let word = word.clone().sign(&key(1), &[0; 32]);
            let statement = PublicStatement::new(&word, &sig(by)).unwrap();
            (line(&event), hex::encode(statement.as_bytes()))
        };
        let with = |(line, statement): (String, String)| {
            line.replace("}\n", &format!(",\"via\":\"overlay\",\"statement\":\"{statement}\"}}\n"))
        };
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // The second is another's: the word is not that of its author.
        let text = [with(stated(answer(1), &answer(1))), with(stated(answer(2), &answer(2)))].concat();
        assert_eq!(import_text(one.path(), &text).0.new, 2);
        let public = |directory: &Path| {
            let (store, writer) = Store::open(directory, Retention::EVERYTHING).unwrap();
            writer.close();
            let found = store.find(&[nostrp2p_protocol::Filter::default()]).unwrap().events;
            let mut public = found.into_iter().filter(|event| is_public(event)).map(|event| event.id());
            (public.next(), public.next())
        };
        let moved = exported(one.path());
        assert_eq!(moved.matches("\"statement\"").count(), 1, "{moved}");
        import_text(other.path(), &moved);
        for directory in [one.path(), other.path()] {
            assert_eq!(public(directory), (Some(answer(1).id()), None));
            crate::store::repair(directory).unwrap();
            assert_eq!(public(directory), (Some(answer(1).id()), None), "also after a repair");
        }
        assert_eq!(exported(other.path()), moved);
    }
}
