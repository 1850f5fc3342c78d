//! One run: all nodes join, posts are written while faults happen, all nodes catch up, and the result is counted.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use nostrp2p_overlay::{NodeSecret, Overlay, PeerAddress, Stats};
use nostrp2p_protocol::{Event, EventTemplate, Kind, PublicKey, SecretKey, Tag};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::{
    Report, Scenario,
    attack::{Attacker, How},
    identity::{self, Identity},
    inventing::Inventor,
    newcomer,
    node::{self, Running},
    report::{count, percentiles},
    tally::Tally,
};

/// Nodes by which a new one joins.
const BOOTSTRAP: usize = 3;
/// Seconds for meshes to form after everybody has a neighbour: a few heartbeats.
const WARM_UP: Duration = Duration::from_secs(5);
/// How long everybody may take to find a neighbour.
const JOINING: Duration = Duration::from_secs(120);
/// Private replies that are sent.
const REPLIES: usize = 10;

/// Something that is due at a time since the beginning.
enum Act {
    Publish(usize),
    Reply(usize, usize),
    Off(usize),
    On(usize),
    Heal,
}

struct World<'a> {
    settings: &'a Scenario,
    say: &'a dyn Fn(&str),
    tally: Arc<Tally>,
    random: StdRng,
    identities: Vec<Arc<Identity>>,
    running: Vec<Option<Running>>,
    /// The counters of nodes that were switched off.
    stopped: Vec<Stats>,
    stopped_sent: u64,
    written: u64,
    replies: usize,
    newcomer: Option<tokio::task::JoinHandle<Option<Duration>>>,
}

/// Runs a simulation; `say` gets a line now and then.
///
/// # Errors
/// A sentence, when a node does not start or nobody joins.
pub async fn run(settings: &Scenario, say: &dyn Fn(&str)) -> Result<Report, String> {
    let mut world = World {
        settings,
        say,
        tally: Arc::new(Tally::default()),
        random: StdRng::seed_from_u64(settings.seed),
        identities: vec![],
        running: vec![],
        stopped: vec![],
        stopped_sent: 0,
        written: 0,
        replies: 0,
        newcomer: None,
    };
    world.start_all().await?;
    let (begin, begun) = watch::channel(false);
    let attackers = world.start_attackers(&begun);
    let inventor = world.start_inventor(&begun);
    world.join_all().await?;
    tokio::time::sleep(WARM_UP).await;
    let before = world.stats().await;
    // What was sent until now does not count.
    world.take_sent().await;
    let started = Instant::now();
    let _begun = begin.send(true);
    world.live().await?;
    let abused = started.elapsed();
    let wrote = Instant::now();
    let events = world.settle(wrote).await;
    let settled = wrote.elapsed();
    let report = world.count(before, &events, settled, abused).await;
    drop(begin);
    for attacker in attackers.into_iter().chain(inventor) {
        attacker.await.map_err(|error| error.to_string())??;
    }
    world.stop_all().await;
    Ok(report)
}

impl World<'_> {
    fn bytes(&self, what: &str, number: usize) -> [u8; 32] {
        Sha256::digest(format!("{} {what} {number}", self.settings.seed)).into()
    }

    fn key(&self, number: usize) -> Result<SecretKey, String> {
        SecretKey::from_bytes(self.bytes("person", number)).map_err(|error| error.to_string())
    }

    async fn start_all(&mut self) -> Result<(), String> {
        let everybody: Result<Vec<PublicKey>, String> =
            (0..self.settings.nodes).map(|number| Ok(self.key(number)?.public_key())).collect();
        let everybody = everybody?;
        for number in 0..self.settings.nodes {
            let secret = NodeSecret::from_bytes(self.bytes("node", number));
            let key = self.key(number)?;
            // The claimer shows the word that the first person gave another node.
            let claims = self.settings.claimer && number + 1 == self.settings.nodes && number > 0;
            let delegation = if claims {
                let first = NodeSecret::from_bytes(self.bytes("node", 0));
                Identity::delegate(&self.key(0)?, &first.peer_id())
            } else {
                Identity::delegate(&key, &secret.peer_id())
            };
            let identity = Identity {
                number,
                secret,
                key,
                delegation: delegation.ok_or("a delegation is none")?,
                memory: Arc::default(),
                old_friends: if self.settings.sybils > 0 { everybody.clone() } else { vec![] },
                loss: self.settings.loss,
                seed: self.random.random(),
                directory: self.settings.directory,
            };
            self.identities.push(Arc::new(identity));
            self.running.push(None);
            if self.settings.newcomer() != Some(number) {
                self.start(number).await?;
            }
            if number % 100 == 99 {
                (self.say)(&format!("{} nodes started", number + 1));
            }
        }
        Ok(())
    }

    async fn start(&mut self, number: usize) -> Result<(), String> {
        let bootstrap = self.some_addresses(number);
        let Some(identity) = self.identities.get(number).cloned() else { return Ok(()) };
        let running = node::start(identity, bootstrap, Arc::clone(&self.tally)).await?;
        if let Some(place) = self.running.get_mut(number) {
            *place = Some(running);
        }
        Ok(())
    }

    /// Addresses of some random nodes that run, in a split network of the same half.
    fn some_addresses(&mut self, number: usize) -> Vec<PeerAddress> {
        let half = |number: usize| self.settings.partition && number % 2 == 1;
        let others: Vec<&Running> = self
            .running
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != number && half(*other) == half(number))
            .filter_map(|(_, running)| running.as_ref())
            .collect();
        let chosen = (0..BOOTSTRAP.min(others.len()))
            .filter_map(|_| others.get(self.random.random_range(0..others.len())))
            .map(|other| other.address.clone());
        chosen.collect()
    }

    fn start_attackers(
        &mut self,
        begun: &watch::Receiver<bool>,
    ) -> Vec<tokio::task::JoinHandle<Result<(), String>>> {
        let (spamming, sybils) = (self.settings.spamming(), self.settings.sybils);
        let mut attackers = vec![];
        for index in 0..spamming + sybils + self.settings.forgers {
            let number = self.settings.nodes + index;
            let secret = NodeSecret::from_bytes(self.bytes("node", number));
            let Ok(key) = self.key(number) else { continue };
            let how = match index {
                index if index < spamming => How::Spams,
                index if index < spamming + sybils => How::Invents,
                _ => How::Forges,
            };
            let attacker = Attacker { number, secret, key, how };
            let bootstrap = self.some_addresses(number);
            attackers.push(tokio::spawn(attacker.run(bootstrap, Arc::clone(&self.tally), begun.clone())));
        }
        attackers
    }

    fn start_inventor(
        &mut self,
        begun: &watch::Receiver<bool>,
    ) -> Option<tokio::task::JoinHandle<Result<(), String>>> {
        let inventions = self.settings.inventions;
        let inventor = Inventor { inventions, seed: self.bytes("inventor", 0) };
        // It may come to any of them, again and again.
        let addresses: Vec<PeerAddress> =
            self.running.iter().flatten().map(|running| running.address.clone()).collect();
        (inventions > 0).then(|| tokio::spawn(inventor.run(addresses, begun.clone())))
    }

    async fn join_all(&self) -> Result<(), String> {
        let deadline = Instant::now() + JOINING;
        loop {
            let mut alone = 0;
            for running in self.running.iter().flatten() {
                alone += usize::from(running.overlay.peers().await.is_empty());
            }
            (self.say)(&format!("{alone} of {} nodes have no neighbour yet", self.settings.nodes));
            if alone == 0 || self.settings.nodes == 1 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("{alone} nodes found nobody within {JOINING:?}"));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// The acts of a run, with their times.
    fn plan(&mut self) -> Vec<(Duration, Act)> {
        let (nodes, time) = (self.settings.nodes, self.settings.time());
        let honest = nodes - usize::from(self.settings.claimer && nodes > 1);
        let mut plan = vec![];
        let when =
            |random: &mut StdRng, percent: std::ops::Range<u32>| time * random.random_range(percent) / 1_000;
        for _ in 0..self.settings.events {
            let at = when(&mut self.random, 0..1_000);
            plan.push((at, Act::Publish(self.random.random_range(0..honest))));
        }
        for reply in 0..if honest > 1 { REPLIES } else { 0 } {
            // Some are for the person whose key somebody claims.
            let from = self.random.random_range(1..honest);
            let to = if reply % 2 == 0 { 0 } else { self.random.random_range(0..honest) };
            if from != to {
                plan.push((when(&mut self.random, 200..800), Act::Reply(from, to)));
            }
        }
        let mut off = BTreeSet::new();
        let churning = u64::try_from(honest).unwrap_or_default() * self.settings.churn / 100;
        while u64::try_from(off.len()).unwrap_or(u64::MAX)
            < churning.min(u64::try_from(honest - 1).unwrap_or_default())
        {
            off.insert(self.random.random_range(1..honest));
        }
        for number in off {
            let at = when(&mut self.random, 0..500);
            plan.push((at, Act::Off(number)));
            plan.push((at + when(&mut self.random, 100..500), Act::On(number)));
        }
        plan.extend(self.settings.newcomer().map(|newcomer| (time / 2, Act::On(newcomer))));
        if self.settings.partition {
            plan.push((time, Act::Heal));
        }
        plan.sort_by_key(|(at, _)| *at);
        plan
    }

    async fn live(&mut self) -> Result<(), String> {
        let started = tokio::time::Instant::now();
        let mut told = 0;
        for (at, act) in self.plan() {
            tokio::time::sleep_until(started + at).await;
            match act {
                Act::Publish(author) => self.publish(author).await,
                Act::Reply(from, to) => self.reply(from, to).await,
                Act::Off(number) => self.stop(number).await,
                Act::On(number) => {
                    self.start(number).await?;
                    self.watch_newcomer(number);
                }
                Act::Heal => self.heal().await,
            }
            if at.as_secs() >= told + 10 {
                told = at.as_secs();
                (self.say)(&format!("{told} s: {} posts written", self.written));
            }
        }
        Ok(())
    }

    /// Asks the newcomer again and again how many of the others it knows.
    fn watch_newcomer(&mut self, number: usize) {
        if self.settings.newcomer() != Some(number) {
            return;
        }
        if let Some(Some(running)) = self.running.get(number) {
            let (patience, others) = (Duration::from_secs(self.settings.settle), self.others_than(number));
            self.newcomer = Some(tokio::spawn(newcomer::watch(running.commands.clone(), others, patience)));
        }
    }

    fn others_than(&self, number: usize) -> BTreeSet<PublicKey> {
        let others = self.identities.iter().filter(|identity| identity.number != number);
        others.map(|identity| identity.key.public_key()).collect()
    }

    /// How many others the newcomer knows now, and how long it took to know half of them.
    async fn newcomer(&mut self) -> Option<(usize, Option<Duration>)> {
        let number = self.settings.newcomer()?;
        let took = self.newcomer.take()?.await.ok()?;
        let running = self.running.get(number)?.as_ref()?;
        Some((newcomer::known(&running.commands, &self.others_than(number)).await?, took))
    }

    async fn publish(&mut self, author: usize) {
        let Some(identity) = self.identities.get(author).cloned() else { return };
        // Who is switched off writes nothing.
        if let Some(Some(running)) = self.running.get(author) {
            self.written += 1;
            let event = self.event(&identity, vec![], &format!("post {}", self.written));
            self.tally.on_written(event.id(), author);
            running.publish(event).await;
        }
    }

    async fn reply(&mut self, from: usize, to: usize) {
        let (Some(author), Some(person)) = (self.identities.get(from), self.identities.get(to)) else {
            return;
        };
        let tags = vec![Tag::new(["p".to_owned(), person.key.public_key().to_string()])];
        if let (Some(Some(running)), Some(Some(_))) = (self.running.get(from), self.running.get(to)) {
            self.replies += 1;
            let reply = self.event(author, tags, &format!("reply {}", self.replies));
            self.tally.on_reply(reply.id());
            running.publish(reply).await;
        }
    }

    /// About as long as people's posts are; the title keeps two of one second apart.
    fn event(&self, author: &Identity, tags: Vec<Tag>, title: &str) -> Event {
        let content = format!("{:<140}", format!("{title} of a simulation"));
        EventTemplate { created_at: identity::now(), kind: Kind::POST, tags, content }
            .sign(&author.key, &[0; 32])
    }

    async fn stop(&mut self, number: usize) {
        let Some(running) = self.running.get_mut(number).and_then(Option::take) else { return };
        self.stopped.push(running.overlay.stats().await);
        self.stopped_sent += sent(&running.overlay).await;
        running.stop().await;
    }

    /// Some nodes of one half learn of one of the other.
    async fn heal(&self) {
        let addresses: Vec<&Running> = self.running.iter().flatten().collect();
        for pair in addresses.chunks(2).take(BOOTSTRAP) {
            if let [one, other] = pair {
                one.overlay.dial(other.address.clone()).await;
            }
        }
        (self.say)("the halves have found each other");
    }

    /// Waits until nobody lacks anything, private replies included; returns the posts that were written.
    async fn settle(&self, since: Instant) -> Vec<nostrp2p_protocol::EventId> {
        let events = self.tally.written();
        let patience = Duration::from_secs(self.settings.settle);
        let mut told = 0;
        while since.elapsed() < patience {
            let lacking: usize = self.honest().map(|identity| identity::missing(identity, &events)).sum();
            // A reply into the other half is tried again after minutes only.
            let waited = if self.settings.partition { 0 } else { self.replies };
            let replies = waited.saturating_sub(self.tally.private().0);
            if lacking + replies == 0 {
                break;
            }
            if since.elapsed().as_secs() >= told {
                told = since.elapsed().as_secs() + 5;
                (self.say)(&format!("{lacking} posts and {replies} replies are still on their way"));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        events
    }

    /// The honest nodes that run.
    fn honest(&self) -> impl Iterator<Item = &Arc<Identity>> {
        let honest = self.settings.nodes - usize::from(self.settings.claimer && self.settings.nodes > 1);
        let running = self.identities.iter().zip(&self.running).take(honest);
        running.filter(|(_, running)| running.is_some()).map(|(identity, _)| identity)
    }

    async fn stats(&self) -> (u64, u64) {
        let mut sum = (0, 0);
        for running in self.running.iter().flatten() {
            let stats = running.overlay.stats().await;
            sum = (sum.0 + stats.copies, sum.1 + stats.copies_bytes);
        }
        for stats in &self.stopped {
            sum = (sum.0 + stats.copies, sum.1 + stats.copies_bytes);
        }
        sum
    }

    /// Bytes in the streams of all nodes since this was last asked, each counted where it was sent.
    async fn take_sent(&mut self) -> u64 {
        let mut sum = std::mem::take(&mut self.stopped_sent);
        for running in self.running.iter().flatten() {
            sum += sent(&running.overlay).await;
        }
        sum
    }

    async fn count(
        &mut self,
        before: (u64, u64),
        events: &[nostrp2p_protocol::EventId],
        settled: Duration,
        abused: Duration,
    ) -> Report {
        let after = self.stats().await;
        let sent = self.take_sent().await;
        let nodes = self.honest().count();
        let expected = nodes * events.len();
        let missing: usize = self.honest().map(|identity| identity::missing(identity, events)).sum();
        let (gossiped, caught_up) = self.tally.delays();
        let per = count(self.settings.nodes) * count(events.len().max(1));
        let each =
            |now: u64, then: u64| count(usize::try_from(now.saturating_sub(then)).unwrap_or_default()) / per;
        let first = self.settings.nodes;
        let forgers = first + self.settings.spamming() + self.settings.sybils;
        let abuse = self.tally.worst_abuse(first..forgers);
        let (meant, private_delay, astray) = self.tally.private();
        let newcomer = self.newcomer().await;
        Report {
            nodes,
            events: events.len(),
            expected,
            delivered: expected - missing,
            gossip_delay: percentiles(&gossiped),
            gossiped: gossiped.len(),
            caught_up: caught_up.len(),
            settled,
            copies: each(after.0, before.0),
            bytes: each(after.1, before.1),
            sent: each(sent, 0),
            memory_kib: resident_kib().map(|kib| kib / u64::try_from(nodes.max(1)).unwrap_or(1)),
            abuse,
            forged: self.tally.worst_abuse(forgers..usize::MAX),
            abuse_per_minute: count(abuse) * 60.0 / (abused + settled).as_secs_f64().max(1.0),
            private: [meant, self.replies, astray],
            private_delay,
            newcomer,
        }
    }

    async fn stop_all(&mut self) {
        for number in 0..self.running.len() {
            self.stop(number).await;
        }
    }
}

async fn sent(overlay: &Overlay) -> u64 {
    overlay.take_traffic().await.iter().map(|(_, traffic)| traffic.sent).sum()
}

/// On systems that report it (Linux).
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
