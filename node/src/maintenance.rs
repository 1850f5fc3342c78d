//! The commands for a stopped node: export and import its events, show and change its ownership.
//!
//! Each command opens the store itself, so it fails with a sentence while the node is running.

mod export;
mod import;
mod reading;

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use nostrp2p_protocol::{EventTemplate, PeerId, PublicKey, SecretKey, delegation, frame::Permission};
use zeroize::Zeroizing;

use crate::{
    claim, clock, data_dir, delegated,
    settings::Settings,
    store::{self, Inserted, Propagation, Retention, Store, Stored, Writer},
};

pub use export::export;
pub use import::{Imported, import};

fn commit(writer: &Writer, event: nostrp2p_protocol::Event) -> anyhow::Result<Inserted> {
    let stored: Stored = wait(async { writer.commit(event, Propagation::Done).await.await })??;
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
            let more = [confirmed_names(&store)?, permissions(&store)?].concat();
            format!("The node {peer} belongs to {}.\n{word}{more}", owner.to_npub())
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

/// The owner's decisions in the page, one in a line.
fn permissions(store: &Store) -> anyhow::Result<String> {
    let permissions = store.permissions()?;
    let line = |((_, subject), granted): (&(u8, String), &bool)| {
        format!("\n  {subject} ({})", if *granted { "allowed" } else { "never" })
    };
    // The others say only that an offer of the page is not wanted.
    let origins = permissions.iter().filter(|((sort, _), _)| *sort == Permission::WEB_ORIGIN);
    let lines: String = origins.map(line).collect();
    let replies = permissions.get(&(Permission::REPLIES, String::new())).map(|public| {
        let whom = if *public { "everyone" } else { "the people whom they name" };
        format!("\nReplies from other programs are for {whom} (decided in the page).")
    });
    let origins = (!lines.is_empty()).then(|| {
        format!(
            "\nWeb pages of these sites may use it or not (decided in the page, where you can revoke it):{lines}"
        )
    });
    Ok(origins.into_iter().chain(replies).collect())
}

/// Signs the delegation with the owner's secret key, which is used once and kept nowhere; returns what was done.
///
/// # Errors
/// When the store is in use, the node has no owner, or the key is not the owner's.
pub fn delegate(directory: &Path, nsec: &Zeroizing<String>) -> anyhow::Result<String> {
    let (peer, npub) = sign_for_node(directory, nsec, None, delegation::draft)?;
    let days = delegation::LIFETIME_SECONDS / 86_400;
    Ok(format!("The node {peer} now acts for {npub} for {days} days."))
}

/// Signs that the delegation has ended; returns what was done.
///
/// # Errors
/// As [`delegate`].
pub fn leave(directory: &Path, nsec: &Zeroizing<String>) -> anyhow::Result<String> {
    let (peer, npub) = sign_for_node(directory, nsec, None, delegation::ended)?;
    Ok(format!(
        "The node {peer} no longer acts for {npub}. Start it once more for a minute, so that other nodes hear of it; \
         signing in there with the web client would renew your word."
    ))
}

/// Signs that the delegation of another node has ended, one that was lost, stolen or given up; returns what was done.
///
/// # Errors
/// As [`delegate`].
pub fn revoke(directory: &Path, nsec: &Zeroizing<String>, which: PeerId) -> anyhow::Result<String> {
    let (peer, npub) = sign_for_node(directory, nsec, Some(which), delegation::ended)?;
    Ok(format!(
        "The node {peer} no longer acts for {npub}. Start this node, so that all others hear of it: from then on nobody \
         sends your private events there."
    ))
}

/// Signs for a node of the owner, for this one if none is named.
fn sign_for_node(
    directory: &Path,
    nsec: &Zeroizing<String>,
    which: Option<PeerId>,
    draft: impl FnOnce(&PeerId, u64) -> EventTemplate,
) -> anyhow::Result<(PeerId, String)> {
    let key = SecretKey::from_nsec(nsec.trim())?;
    ensure_node(directory)?;
    let (store, writer) = Store::open(directory, Retention::EVERYTHING)?;
    let own = data_dir::node_secret(directory)?.peer_id();
    let peer = which.unwrap_or(own);
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
/// it holds private events of the one who leaves. The node gets a new key: the delegation of the one who leaves names the
/// old one. It keeps the addresses it knows.
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
    data_dir::forget_secret(directory)?;
    let peer = data_dir::node_secret(directory)?.peer_id();
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
        "The node no longer belongs to {whose}. {next}\nIt has a new key and is the node {peer} from now on.\nThe old store is kept in {}; delete it when you need it no more.",
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
    let done = store::repair(directory)?;
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
    use super::*;

    fn key() -> SecretKey {
        SecretKey::from_bytes([1; 32]).unwrap()
    }

    #[test]
    fn a_new_owner_gets_a_node_with_a_new_key_and_the_old_word_is_worth_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let (_, writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
        wait(writer.set_owner(key().public_key())).unwrap().unwrap();
        writer.close();
        let before = data_dir::node_secret(directory.path()).unwrap().peer_id();
        let done = change_owner(directory.path(), None).unwrap();
        let after = data_dir::node_secret(directory.path()).unwrap().peer_id();
        assert_ne!(before, after);
        assert!(done.contains(&after.to_string()), "{done}");
    }

    #[test]
    fn the_word_for_another_node_is_taken_back_here() {
        let directory = tempfile::tempdir().unwrap();
        let (_, writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
        wait(writer.set_owner(key().public_key())).unwrap().unwrap();
        let lost = PeerId::from_ed25519([9; 32]);
        let word = delegation::draft(&lost, clock::now() + 60).sign(&key(), &[0; 32]);
        commit(&writer, word).unwrap();
        writer.close();
        assert!(revoke(directory.path(), &key().to_nsec(), lost).unwrap().contains("no longer acts"));
        let (store, writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
        let words = delegated::all(&store, key().public_key()).unwrap();
        assert_eq!(words.len(), 1);
        assert!(words[0].is_revocation() && words[0].peer() == lost, "also one of a clock that was ahead");
        writer.close();
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
