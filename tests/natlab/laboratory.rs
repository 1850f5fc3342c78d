//! What is built, in which order everything happens, and what comes of it.

use std::{
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use futures_util::future::try_join_all;
use serde_json::Value;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{interval, timeout},
};

use crate::{
    away::{self, Away},
    matrix::Round,
    not_run,
    resident::{PORT, Resident},
    topology::{Kind, Topology, obstacle},
};

/// Who lives where. Two of each kind, so that there is a pair of the same.
const HOMES: [(Kind, &[&str]); 8] = [
    (Kind::Cone, &["cone-1"]),
    (Kind::Cone, &["cone-2"]),
    (Kind::Restricted, &["port-1"]),
    (Kind::Restricted, &["port-2"]),
    (Kind::Remapped, &["remap-1"]),
    (Kind::Symmetric, &["sym-1"]),
    (Kind::Symmetric, &["sym-2"]),
    (Kind::Shared, &["home-1", "home-2"]),
];

/// How long anything may take that is waited for before a round begins.
const PATIENCE: Duration = Duration::from_secs(90);

/// The whole of it; the error is one sentence for the person who typed it.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
pub async fn run() -> ExitCode {
    if let Some(obstacle) = obstacle() {
        return not_run(&obstacle);
    }
    let worked = async {
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            worked = laboratory() => worked,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
            _ = terminated.recv() => bail!("terminated"),
        }
    };
    match worked.await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("natlab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Builds everything, runs both rounds and prints them. Whether every pair could do everything.
async fn laboratory() -> Result<bool> {
    let started = Instant::now();
    let binary = nostrp2p_tests::binary().canonicalize()?;
    let folder = std::env::var_os("NATLAB_LOGS").map(std::path::PathBuf::from);
    let temporary = tempfile::tempdir()?;
    let folder = folder.unwrap_or_else(|| temporary.path().to_owned());
    let mut topology = Topology::new()?;

    let (space, first) = topology.public("relay-1")?;
    let relay_1 = arrive("relay-1", space, &folder, &binary, None, &[]).await?;
    let mut hosts = Vec::new();
    let mut helpers = Vec::new();
    for name in ["public-1", "public-2"] {
        let (space, address) = topology.public(name)?;
        hosts.push((name, space));
        helpers.push(address);
    }
    for (kind, names) in HOMES {
        let spaces = topology.home(kind, names)?;
        hosts.extend(names.iter().zip(spaces).map(|(name, space)| (*name, space)));
    }
    // One relay at a time, so that the one in use is known: the other public nodes do not offer to be one.
    let all = hosts.into_iter().map(async |(name, space)| {
        let mut more = vec!["--relay", "off"];
        let address = format!("wss://{name}.example");
        if name.starts_with("public") {
            more.extend(["--help-others", &address]);
        }
        arrive(name, space, &folder, &binary, Some(&first), &more).await
    });
    let mut people = try_join_all(all).await?;
    println!("natlab: {} nodes are running after {:.1} s", people.len() + 1, started.elapsed().as_secs_f64());

    until("each that others cannot dial holds a place at the first relay", || settled(&people, 1)).await?;
    write_follow_lists(&people).await?;
    until("everybody has heard of everybody", || acquainted(&people)).await?;
    println!("natlab: reached by others after {:.1} s", started.elapsed().as_secs_f64());
    let before = Round::run("one", &people).await?;
    println!("\n{}", before.table("Over the first relay"));

    let (space, second) = topology.public("relay-2")?;
    let relay_2 = arrive("relay-2", space, &folder, &binary, Some(&first), &[]).await?;
    until("each that others cannot dial holds a place at the second relay too", || settled(&people, 2))
        .await?;
    println!(
        "natlab: {second} is the second relay after {:.1} s; the first one is killed",
        started.elapsed().as_secs_f64()
    );
    relay_1.kill().await?;
    let after = Round::run("two", &people).await?;
    println!("\n{}", after.table("Right after the relay in use was killed"));

    let refused: Vec<_> = people.iter().flat_map(Resident::refused).collect();
    if !refused.is_empty() {
        println!("natlab: nodes refused: {refused:?}");
    }
    let pairs = people.len() * (people.len() - 1) / 2;
    let helper = people.remove(0);
    let away = Away { helpers: &helpers, bootstrap: &second, folder: &folder, binary: &binary };
    let lost = away.run(&mut topology, helper, &people).await?;
    drop(relay_2);
    let failures = before.failures().into_iter().chain(after.failures()).chain(lost).collect::<Vec<_>>();
    failures.iter().for_each(|failure| println!("natlab: FAILED: {failure}"));
    println!("natlab: {pairs} pairs, {:.0} s", started.elapsed().as_secs_f64());
    let (all, failed) = (before.count() + after.count() + away::MESSAGES, failures.len());
    println!("natlab: {} of {all} messages and fetches went well", all - failed);
    Ok(failures.is_empty() && refused.is_empty())
}

async fn arrive(
    name: &str,
    namespace: String,
    folder: &Path,
    binary: &Path,
    bootstrap: Option<&String>,
    more: &[&str],
) -> Result<Resident> {
    let bootstrap = bootstrap.map(|address| ["-b".to_owned(), format!("{address}:{PORT}")]);
    let arguments: Vec<String> =
        bootstrap.into_iter().flatten().chain(more.iter().map(ToString::to_string)).collect();
    let arrived = Resident::arrive(name, namespace, folder, binary, &arguments).await;
    arrived.with_context(|| name.to_owned())
}

/// Whether everybody is reachable, or holds so many places at relays.
async fn settled(people: &[Resident], places: usize) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    for person in people {
        let reach = person.info().await?["reach"].take();
        let held = reach["relays"].as_array().map_or(0, Vec::len);
        if reach["reachability"] != "public" && held < places {
            missing.push(format!("{} ({})", person.name, reach["reachability"]));
        }
    }
    Ok(missing)
}

/// Writes what everybody will be asked for, and waits until it is stored.
async fn write_follow_lists(people: &[Resident]) -> Result<()> {
    for person in people {
        person.publish_follow_list().await?;
    }
    let stored = || async {
        let missing = people.iter().filter(|person| person.heard(&person.follow_list()).is_none());
        Ok(missing.map(|person| person.name.clone()).collect())
    };
    until("the follow lists are stored", stored).await
}

/// Whether everybody's node has heard the announcement of everybody else: with it comes the delegation.
async fn acquainted(people: &[Resident]) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    for person in people {
        let known = person.info().await?["known"].as_u64();
        if known.is_none_or(|known| known < u64::try_from(people.len() - 1).unwrap_or(u64::MAX)) {
            missing.push(format!("{} knows {}", person.name, Value::from(known)));
        }
    }
    Ok(missing)
}

/// Asks twice a second until nothing is missing.
async fn until<F: Future<Output = Result<Vec<String>>>>(what: &str, missing: impl Fn() -> F) -> Result<()> {
    let mut last = Vec::new();
    let asked = async {
        let mut pause = interval(Duration::from_millis(500));
        loop {
            pause.tick().await;
            last = missing().await?;
            if last.is_empty() {
                return Ok(());
            }
        }
    };
    match timeout(PATIENCE, asked).await {
        Ok(done) => done,
        Err(_) => bail!("waited {} s until {what}; missing: {}", PATIENCE.as_secs(), last.join(", ")),
    }
}
