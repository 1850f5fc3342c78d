//! What is done with a node that does not run: copy its events out and in, show and strengthen its ownership.
//!
//! Each command opens the store itself, so it fails with a sentence while the node is running.

use std::{
    collections::VecDeque,
    io::{BufRead, Read as _, Write},
    path::Path,
};

use anyhow::{Context as _, bail, ensure};
use nostrp2p_protocol::{Draft, PeerId, PublicKey, SecretKey, UnverifiedEvent, delegation};
use tokio::{runtime::Runtime, sync::oneshot};
use zeroize::Zeroizing;

use crate::{
    claim, clock, data_dir, delegated,
    settings::Settings,
    store::{Inserted, Mark, Retention, Store, Stored, Travel, Writer, salvage},
};

/// Longest line of an import: an event of 64 KiB whose every byte is escaped.
const MAX_LINE_BYTES: u64 = 512 * 1024;
/// Events of an import that wait for the disk at a time, so that one commit takes many of them along.
const UNDER_WAY: usize = 500;
/// Events between two signs of life.
const PROGRESS_EVERY: u64 = 10_000;

/// What an import came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// Events that are new here.
    pub new: u64,
    /// Events that were here already, or a newer one in their place.
    pub known: u64,
    /// Deleted by their author, or past their expiration.
    pub over: u64,
    /// Lines that hold no event, or one that is forged or breaks a limit.
    pub refused: u64,
}

/// Writes all events as JSON lines (NIP-01), in the order in which they were stored; returns their number.
///
/// # Errors
/// When the store is in use or cannot be read, or the output cannot be written.
pub fn export(directory: &Path, mut out: impl Write) -> anyhow::Result<u64> {
    let (store, writer) = Store::open(directory, Retention::EVERYTHING)?;
    let (mut cursor, mut written) = (0, 0);
    loop {
        let batch = store.after(cursor)?;
        for event in &batch.events {
            serde_json::to_writer(&mut out, event)?;
            out.write_all(b"\n")?;
            written += 1;
        }
        cursor = batch.through;
        if batch.through >= batch.newest {
            break;
        }
    }
    out.flush()?;
    writer.close();
    Ok(written)
}

/// Reads events as JSON lines, checks each, and stores it; `complain` gets a sentence for each line that is refused,
/// `progress` the number of lines so far, now and then.
///
/// # Errors
/// When the store is in use or cannot be written, or the input cannot be read.
pub fn import(
    directory: &Path,
    mut input: impl BufRead,
    mut complain: impl FnMut(&str),
    mut progress: impl FnMut(u64),
) -> anyhow::Result<Imported> {
    data_dir::prepare(directory)?;
    let (_store, writer) = Store::open(directory, Retention::EVERYTHING)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut imported = Imported::default();
    let mut under_way = VecDeque::new();
    let mut number = 0;
    loop {
        let mut line = Vec::new();
        if (&mut input).take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        match parse(&line) {
            Ok(event) => {
                under_way.push_back(
                    runtime.block_on(writer.store_one_of_many(event, Travel::Restored(Mark::None))),
                );
                if under_way.len() >= UNDER_WAY {
                    imported.count(&runtime, under_way.pop_front())?;
                }
            }
            Err(reason) => {
                imported.refused += 1;
                complain(&format!("line {number}: {reason}"));
            }
        }
        if number % PROGRESS_EVERY == 0 {
            progress(number);
        }
    }
    for stored in under_way {
        imported.count(&runtime, Some(stored))?;
    }
    let durable = runtime.block_on(writer.settle());
    durable.map_err(|reason| anyhow::anyhow!("the events could not be made durable: {reason}"))?;
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
            Inserted::Known(_) | Inserted::Superseded(_) => self.known += 1,
            Inserted::Deleted | Inserted::Ended | Inserted::Surplus | Inserted::MailboxFull => self.over += 1,
        }
        Ok(())
    }
}

fn parse(line: &[u8]) -> anyhow::Result<nostrp2p_protocol::Event> {
    let event: UnverifiedEvent = serde_json::from_slice(line).context("this is no event")?;
    event.rumor.check_shape()?;
    Ok(event.verify()?)
}

fn commit(writer: &Writer, event: nostrp2p_protocol::Event) -> anyhow::Result<Inserted> {
    let stored: Stored = wait(async { writer.commit(event, Travel::Done).await.await })??;
    stored.map_err(|reason| anyhow::anyhow!("the event could not be stored: {reason}"))
}

/// Runs what the writer promises to the end, without a runtime's threads.
fn wait<T>(future: impl Future<Output = T>) -> anyhow::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(future))
}

/// Says whose node this is and whether it has that person's word.
///
/// # Errors
/// When the store is in use or cannot be read.
pub fn show_owner(directory: &Path) -> anyhow::Result<String> {
    ensure_node(directory)?;
    let (store, writer) = Store::open(directory, Retention::EVERYTHING)?;
    let peer = data_dir::node_secret(directory)?.peer_id();
    let text = match store.owner()? {
        None => format!("The node {peer} has no owner yet. Start it and open the link that it prints."),
        Some(owner) => {
            let word = match delegated::find(&store, owner, &peer)? {
                Some(delegation) => {
                    format!(
                        "The delegation holds {}.",
                        delegated::remaining(delegation.expires(), clock::now())
                    )
                }
                None => delegated::ADVICE.to_owned(),
            };
            format!("The node {peer} belongs to {}.\n{word}{}", owner.to_npub(), confirmed_names(&store)?)
        }
    };
    writer.close();
    Ok(text)
}

/// The names that the owner has confirmed, a line each.
fn confirmed_names(store: &Store) -> anyhow::Result<String> {
    let names = store.own_names()?;
    let lines: String = names.iter().map(|name| format!("\n  {name}")).collect();
    Ok(if names.is_empty() {
        String::new()
    } else {
        format!("\nIt is also reached as (confirmed in the page, where you can revoke it):{lines}")
    })
}

/// Signs the delegation with the owner's secret key, which is used once and kept nowhere; returns what was done.
///
/// # Errors
/// When the store is in use, the node has no owner, or the key is not the owner's.
pub fn delegate(directory: &Path, nsec: &Zeroizing<String>) -> anyhow::Result<String> {
    let (peer, npub) = sign_for_node(directory, nsec, delegation::draft)?;
    let days = delegation::LIFETIME_SECONDS / 86_400;
    Ok(format!("The node {peer} now acts for {npub} for {days} days."))
}

/// Signs that the delegation has ended; returns what was done.
///
/// # Errors
/// As [`delegate`].
pub fn leave(directory: &Path, nsec: &Zeroizing<String>) -> anyhow::Result<String> {
    let (peer, npub) = sign_for_node(directory, nsec, delegation::ended)?;
    Ok(format!(
        "The node {peer} no longer acts for {npub}. Start it once more for a minute, so that other nodes hear of it; \
         signing in there with the web client would renew your word."
    ))
}

fn sign_for_node(
    directory: &Path,
    nsec: &Zeroizing<String>,
    draft: impl FnOnce(&PeerId, u64) -> Draft,
) -> anyhow::Result<(PeerId, String)> {
    let key = SecretKey::from_nsec(nsec.trim())?;
    ensure_node(directory)?;
    let (store, writer) = Store::open(directory, Retention::EVERYTHING)?;
    let peer = data_dir::node_secret(directory)?.peer_id();
    match store.owner()? {
        None => bail!("this node has no owner yet; start it once with -p {}", key.public_key().to_npub()),
        Some(owner) if owner != key.public_key() => {
            bail!("this node belongs to {}, and that is another key", owner.to_npub())
        }
        Some(_) => {}
    }
    let mut aux = [0; 32];
    getrandom::fill(&mut aux)
        .map_err(|error| anyhow::anyhow!("the system has no random numbers: {error}"))?;
    // Of two in the same second the one with the lower id would count.
    let before = delegated::find(&store, key.public_key(), &peer)?;
    let created_at = before.map_or(0, |before| before.created_at() + 1).max(clock::now());
    commit(&writer, draft(&peer, created_at).sign(&key, &aux))?;
    writer.close();
    Ok((peer, key.public_key().to_npub()))
}

/// Gives the node to somebody else, or to whoever claims it next; returns what was done. The store is set aside whole:
/// it holds private events of the one who leaves. The node keeps its identity and the addresses it knows.
///
/// # Errors
/// When the store is in use or cannot be moved.
pub fn change_owner(directory: &Path, owner: Option<PublicKey>) -> anyhow::Result<String> {
    ensure_node(directory)?;
    let (store, writer) = Store::open(directory, Retention::EVERYTHING)?;
    let before = store.owner()?;
    writer.close();
    drop(store);
    let whose = before.map_or_else(|| "nobody".to_owned(), |owner| owner.to_npub());
    let aside = directory.join(format!("store.redb.of-{whose}-{}", clock::now()));
    std::fs::rename(directory.join("store.redb"), &aside)
        .with_context(|| format!("the store cannot be moved to {}", aside.display()))?;
    let next = match owner {
        None => "It prints a claim link at its next start.".to_owned(),
        Some(owner) => {
            let (_store, writer) = Store::open(directory, Retention::EVERYTHING)?;
            wait(async { writer.set_owner(owner).await })?
                .map_err(|reason| anyhow::anyhow!("the new owner could not be stored: {reason}"))?;
            writer.close();
            format!("It now belongs to {}.", owner.to_npub())
        }
    };
    Ok(format!(
        "The node no longer belongs to {whose}. {next}\nThe old store is kept in {}; delete it when you need it no more.",
        aside.display()
    ))
}

/// Shows the claim link of a running node that has no owner.
///
/// # Errors
/// When there is none: the node does not run, or has an owner.
pub fn claim_link(settings: &Settings) -> anyhow::Result<String> {
    let Some(link) = claim::kept(&settings.data_dir) else {
        bail!(
            "there is no claim link in {}: the node is not running, or it has an owner already; \
             `nostrp2p owner show` tells while it is stopped",
            settings.data_dir.display()
        );
    };
    // The second one, if there is one, works from anywhere.
    let (link, elsewhere) = match link.trim().split_once('\n') {
        Some((link, elsewhere)) => (link, Some(elsewhere)),
        None => (link.trim(), None),
    };
    Ok(claim::text(link, elsewhere, settings.claim_seconds / 60, settings.qr))
}

/// Sets a damaged store aside and saves what can be read; returns what was done.
///
/// # Errors
/// When the store is in use or cannot be moved.
pub fn repair(directory: &Path) -> anyhow::Result<String> {
    ensure_node(directory)?;
    let done = salvage(directory)?;
    let owner = if done.owner {
        "The owner is the same."
    } else {
        "Whose node it is could not be read: start it with -p, or claim it again."
    };
    Ok(format!(
        "{} events were saved, {} records were lost. {owner}\nThe damaged file is kept in {}.",
        done.events,
        done.lost,
        done.aside.display()
    ))
}

fn ensure_node(directory: &Path) -> anyhow::Result<()> {
    ensure!(directory.join("store.redb").exists(), "there is no node in {}", directory.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{Draft, Kind};

    use super::*;

    fn key() -> SecretKey {
        SecretKey::from_bytes([1; 32]).unwrap()
    }

    fn line(content: &str) -> String {
        let draft =
            Draft { created_at: clock::now(), kind: Kind::POST, tags: vec![], content: content.into() };
        serde_json::to_string(&draft.sign(&key(), &[0; 32])).unwrap() + "\n"
    }

    fn import_text(directory: &Path, text: &str) -> (Imported, Vec<String>) {
        let mut complaints = Vec::new();
        let imported = import(directory, text.as_bytes(), |line| complaints.push(line.to_owned()), |_| {});
        (imported.unwrap(), complaints)
    }

    #[test]
    fn what_is_exported_can_be_imported_elsewhere() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let text = line("first") + &line("second\nline") + "\n";
        assert_eq!(import_text(one.path(), &text).0, Imported { new: 2, known: 0, over: 0, refused: 0 });
        let mut exported = Vec::new();
        assert_eq!(export(one.path(), &mut exported).unwrap(), 2);
        let exported = String::from_utf8(exported).unwrap();
        assert_eq!(exported.trim(), text.trim());
        assert_eq!(
            import_text(other.path(), &exported).0,
            Imported { new: 2, known: 0, over: 0, refused: 0 }
        );
        assert_eq!(
            import_text(other.path(), &exported).0,
            Imported { new: 0, known: 2, over: 0, refused: 0 }
        );
    }

    #[test]
    fn bad_lines_are_named_and_the_others_are_taken() {
        let directory = tempfile::tempdir().unwrap();
        let forged = line("x").replace("\"x\"", "\"y\"");
        let text = ["nonsense\n", &line("good"), &forged, &"x".repeat(600_000)].concat();
        let (imported, complaints) = import_text(directory.path(), &text);
        assert_eq!((imported.new, imported.known), (1, 0));
        assert!(complaints[0].starts_with("line 1: this is no event"), "{complaints:?}");
        assert!(complaints[1].starts_with("line 3: the event's id is not the hash"), "{complaints:?}");
    }

    #[test]
    fn only_the_owner_delegates() {
        let directory = tempfile::tempdir().unwrap();
        let nsec = key().to_nsec();
        assert!(delegate(directory.path(), &nsec).unwrap_err().to_string().contains("there is no node"));
        let (_, writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
        writer.close();
        assert!(delegate(directory.path(), &nsec).unwrap_err().to_string().contains("no owner yet"));
        let (store, writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
        wait(writer.set_owner(key().public_key())).unwrap().unwrap();
        writer.close();
        drop(store);
        let other = SecretKey::from_bytes([2; 32]).unwrap().to_nsec();
        assert!(delegate(directory.path(), &other).unwrap_err().to_string().contains("another key"));
        assert!(show_owner(directory.path()).unwrap().contains("Nobody has your word yet"));
        assert!(delegate(directory.path(), &nsec).unwrap().contains("90 days"));
        assert!(show_owner(directory.path()).unwrap().contains("for another"));
        let wrong = Zeroizing::new("nsec1wrong".to_owned());
        assert!(delegate(directory.path(), &wrong).unwrap_err().to_string().contains("not a whole nsec"));
    }
}
