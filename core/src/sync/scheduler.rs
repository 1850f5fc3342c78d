//! When a node compares its public events with a neighbour's, with which one, and how much it fetches at a time.
//!
//! Gossip alone loses messages: nodes sleep, networks split, budgets run out. So a node compares on joining, after a
//! gap, when a neighbour says that it has news, and at random intervals. It fetches only what it lacks. It does not
//! gossip fetched events, but tells its neighbours that there is news, so that events spread after a split. See
//! PROTOCOL.md, "Catching up".

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use nostrp2p_protocol::{EventId, PeerId, UnverifiedEvent, limits::MAX_CREATED_AT, sync::MAX_GET_IDS};

use crate::{
    limit::{Rate, TokenBuckets, UNIT},
    rng::SeededRng,
    sync::Difference,
};

/// Comparisons under way at a time, each with another neighbour.
const MAX_SESSIONS: usize = 2;
/// Neighbours that are remembered; the overlay has at most about 180.
const MAX_NEIGHBOURS: usize = 256;
/// Neighbours that are compared with at once after joining or a gap: one may know as little as this node.
const AT_ONCE: usize = 3;
/// A neighbour beyond these is compared with at a random time within so many seconds: it may have been in another part
/// of a split network.
const SOON_SECONDS: u64 = 60;
/// Seconds between comparisons with random neighbours when nothing happens, give or take half. An idle one costs
/// about 1.5 kB, so this is 20 kB an hour; a guess.
const NOW_AND_THEN_SECONDS: u64 = 300;
/// The earliest time after a comparison at which the same neighbour is compared with again, in seconds.
const NOT_BEFORE_SECONDS: u64 = 10;
/// How soon to look for events that were ignored because of a budget or a full queue, in seconds. It doubles each
/// time up to [`NOW_AND_THEN_SECONDS`], because a flood must not make all nodes compare all the time.
const MISSED_SECONDS: u64 = 8;
/// Pause after a neighbour did not answer, in seconds; doubled each time up to [`MAX_AWAY_SECONDS`].
const AWAY_SECONDS: u64 = 30;
/// See [`AWAY_SECONDS`]: half an hour.
const MAX_AWAY_SECONDS: u64 = 1_800;
/// A session that takes longer ends, in seconds; what is missing then comes with the next.
const MAX_SESSION_SECONDS: u64 = 120;
/// Events of one session; what is missing then comes with the next. With 30 kB of ids and 300 bytes each, about 6 MB.
const MAX_SESSION_EVENTS: usize = 20_000;
/// Bytes of events of one session, before packing. A data budget of a phone must survive a neighbour with long events.
const MAX_SESSION_BYTES: usize = 16 * 1024 * 1024;
/// KiB of events, before packing, that are fetched of one neighbour, and of all together. A new node's 100,000 events are
/// about 48 MB, so one neighbour can give them in one go; somebody who invents events without end costs no more than
/// this; a guess.
const KIB_OF_ONE: Rate = Rate { burst: 65_536, per_hour: 32_768 };
const KIB_OF_ALL: Rate = Rate { burst: 131_072, per_hour: 131_072 };
/// The least rest of that budget for which another get is sent, in KiB: about what one answer holds.
const KIB_OF_ANSWER: u64 = 512;
/// Events whose signatures are being checked while the next ones are asked for: the way to a neighbour and back is long,
/// and checking is work.
const MAX_CHECKING: usize = 2 * MAX_GET_IDS;
/// How long a neighbour of whom enough was fetched is left alone, in seconds.
const ENOUGH_SECONDS: u64 = 1_800;
/// Answers in a row that hold nothing, until nothing more is asked for in a session.
const MAX_EMPTY: usize = 4;
/// A pause between ticks that counts as a gap, in seconds: the machine slept.
const GAP_SECONDS: u64 = 60;
/// How many neighbours are told of news: some more than gossipsub's mesh has.
const TOLD: usize = 6;

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// Names one comparison with one neighbour, over all windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SyncSession(pub u64);

/// A stretch of `created_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SyncWindow {
    /// Inclusive.
    pub since: u64,
    /// Exclusive.
    pub until: u64,
}

/// What the caller has to do for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncStep {
    /// Compare the shared events of a window with a neighbour's.
    Compare(SyncSession, PeerId, SyncWindow),
    /// Fetch these from a neighbour.
    Get(SyncSession, PeerId, Vec<EventId>),
    /// Say to a neighbour that there is news.
    Tell(PeerId),
}

/// An event from a neighbour, with the id that the receiver has computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// The id of the unsigned event; an id that the neighbour claimed does not count.
    pub id: EventId,
    /// Not verified yet.
    pub event: UnverifiedEvent,
}

impl From<UnverifiedEvent> for Identified {
    fn from(event: UnverifiedEvent) -> Self {
        Self { id: event.unsigned.id(), event }
    }
}

/// How the last comparison went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSync {
    /// When it ended, in seconds since 1970.
    pub at: u64,
    /// The neighbour.
    pub peer: PeerId,
    /// Events that were missing here and came.
    pub events: usize,
}

/// Numbers since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SyncCounts {
    /// Comparisons that came to their end.
    pub finished: u64,
    /// Comparisons that a neighbour broke off or did not answer.
    pub failed: u64,
    /// Events that were missing here and came.
    pub events: u64,
}

#[derive(Debug)]
struct Neighbour {
    due: u64,
    last: u64,
    failures: u32,
    busy: bool,
    /// Whether it is to be compared with once more as soon as the session with it has ended.
    again: bool,
}

#[derive(Debug)]
struct Active {
    peer: PeerId,
    began: u64,
    windows: VecDeque<SyncWindow>,
    queue: VecDeque<EventId>,
    /// Whether the neighbour is to answer.
    waiting: bool,
    /// The ids that were requested, in the order of the answer.
    asked: Vec<EventId>,
    /// Answers in a row that held nothing.
    empty: usize,
    /// Events whose signature is being checked.
    checking: usize,
    fetched: usize,
    bytes: usize,
    gained: usize,
    spare: usize,
    /// Whether something was left for another time.
    rest: bool,
    /// Whether the neighbour broke off while its events were being checked.
    broken: bool,
}

/// Scheduler and state of all sync sessions.
#[derive(Debug)]
pub struct Scheduler {
    horizon_seconds: u64,
    neighbours: BTreeMap<PeerId, Neighbour>,
    sessions: BTreeMap<SyncSession, Active>,
    at_once: usize,
    next: u64,
    ticked: u64,
    /// When a random neighbour is next.
    now_and_then: u64,
    /// How soon after something was missed, and whether something was since the last time.
    missed_pause: u64,
    missed: bool,
    /// Whether an event was taken and not forwarded; neighbours are told of news at the same time.
    withheld: bool,
    last: Option<LastSync>,
    counts: SyncCounts,
    /// See [`KIB_OF_ONE`].
    kib_of_one: Rate,
    fetched_of_one: TokenBuckets<PeerId>,
    fetched_of_all: TokenBuckets<()>,
    rng: SeededRng,
}

impl Scheduler {
    /// Begins without neighbours. Only events younger than the horizon are compared.
    pub fn new(horizon_seconds: u64, rng: SeededRng) -> Self {
        Self {
            horizon_seconds,
            neighbours: BTreeMap::new(),
            sessions: BTreeMap::new(),
            at_once: 0,
            next: 0,
            ticked: 0,
            now_and_then: 0,
            missed_pause: MISSED_SECONDS,
            missed: false,
            withheld: false,
            last: None,
            counts: SyncCounts::default(),
            kib_of_one: KIB_OF_ONE,
            fetched_of_one: TokenBuckets::new(MAX_NEIGHBOURS),
            fetched_of_all: TokenBuckets::new(1),
            rng,
        }
    }

    /// How the last comparison went, if there was one.
    pub const fn last(&self) -> Option<LastSync> {
        self.last
    }

    /// Numbers since the start.
    pub const fn counts(&self) -> SyncCounts {
        self.counts
    }

    /// The neighbour of a session that has not ended.
    pub fn peer(&self, session: SyncSession) -> Option<PeerId> {
        self.sessions.get(&session).map(|active| active.peer)
    }

    /// Whether there is no neighbour.
    pub fn is_alone(&self) -> bool {
        self.neighbours.is_empty()
    }

    /// A neighbour has come.
    pub fn on_joined(&mut self, peer: PeerId, now: u64) {
        if self.neighbours.is_empty() {
            self.at_once = AT_ONCE;
        }
        if self.neighbours.len() >= MAX_NEIGHBOURS || self.neighbours.contains_key(&peer) {
            return;
        }
        let due = if self.at_once > 0 {
            self.at_once -= 1;
            now
        } else {
            now.saturating_add(self.rng.below(SOON_SECONDS))
        };
        self.neighbours.insert(peer, Neighbour { due, last: 0, failures: 0, busy: false, again: false });
    }

    /// A neighbour has gone. A session with it ends by itself.
    pub fn on_left(&mut self, peer: &PeerId) {
        self.neighbours.remove(peer);
    }

    /// A neighbour says that it has news.
    pub fn on_news(&mut self, peer: &PeerId) {
        if let Some(neighbour) = self.neighbours.get_mut(peer) {
            neighbour.due = neighbour.due.min(neighbour.last.saturating_add(NOT_BEFORE_SECONDS));
        }
    }

    /// A neighbour has something that was too early for this node and is not any more.
    pub fn on_due(&mut self, peer: &PeerId) {
        match self.neighbours.get_mut(peer) {
            // The session may have passed it over already.
            Some(neighbour) if neighbour.busy => neighbour.again = true,
            _ => self.on_news(peer),
        }
    }

    /// An event had to be ignored that others may have taken.
    pub fn on_missed(&mut self, now: u64) {
        if !std::mem::replace(&mut self.missed, true) {
            self.now_and_then = self.now_and_then.min(now.saturating_add(self.missed_pause));
        }
    }

    /// An event was taken that is not forwarded: neighbours are told that there is news as soon as this node would
    /// look for missed events.
    pub fn on_withheld(&mut self, now: u64) {
        self.withheld = true;
        self.on_missed(now);
    }

    /// Begins what is due. Called with every tick.
    pub fn due(&mut self, now: u64) -> Vec<SyncStep> {
        if self.ticked > 0 && now > self.ticked.saturating_add(GAP_SECONDS) {
            self.on_gap(now);
        }
        self.go_back(self.ticked.saturating_sub(now));
        self.ticked = now;
        let overdue: Vec<SyncSession> = self
            .sessions
            .iter()
            .filter(|(_, active)| active.began.saturating_add(2 * MAX_SESSION_SECONDS) < now)
            .map(|(session, _)| *session)
            .collect();
        // An answer was lost: whoever drives this broke its word. The neighbour must not stay busy for ever.
        let mut steps: Vec<SyncStep> =
            overdue.into_iter().flat_map(|session| self.end(session, true, now)).collect();
        steps.extend(self.choose_now_and_then(now));
        while self.sessions.len() < MAX_SESSIONS {
            let idle =
                self.neighbours.iter().filter(|(_, neighbour)| !neighbour.busy && neighbour.due <= now);
            let Some(peer) = idle.min_by_key(|(_, neighbour)| neighbour.due).map(|(peer, _)| *peer) else {
                break;
            };
            steps.extend(self.begin(peer, now));
        }
        steps
    }

    /// When [`Scheduler::due`] is to be called next. While there are neighbours that is soon enough that a gap shows.
    pub(crate) fn next_due(&self) -> Option<u64> {
        let free = self.sessions.len() < MAX_SESSIONS;
        let idle = self.neighbours.values().filter(|neighbour| free && !neighbour.busy);
        let idle = idle.map(|neighbour| neighbour.due).filter(|due| *due != u64::MAX);
        let overdue = self.sessions.values();
        let overdue = overdue.map(|active| active.began.saturating_add(2 * MAX_SESSION_SECONDS + 1));
        let looked = self.ticked.saturating_add(GAP_SECONDS / 2);
        idle.chain(overdue).chain([looked, self.now_and_then]).min().filter(|_| !self.neighbours.is_empty())
    }

    /// The comparison of a window has ended; None when the neighbour did not follow the protocol. `known` says which
    /// events need no fetching, because they have come or were refused before.
    pub fn on_compared(
        &mut self,
        session: SyncSession,
        difference: Option<Difference>,
        known: impl Fn(&EventId) -> bool,
        now: u64,
    ) -> Vec<SyncStep> {
        let Some(active) = self.sessions.get_mut(&session) else { return vec![] };
        let Some(difference) = difference else { return self.end(session, true, now) };
        active.waiting = false;
        active.spare = active.spare.saturating_add(difference.spare);
        active.rest |= !difference.complete;
        active.queue.extend(difference.needed.into_iter().filter(|id| !known(id)));
        self.go_on(session, now)
    }

    /// Takes in a neighbour's answer to a get, or None. Returns the events that were asked for and have to be
    /// checked, and the next steps. Each of these events ends in [`Scheduler::on_checked`].
    pub fn on_got(
        &mut self,
        session: SyncSession,
        events: Option<Vec<Identified>>,
        now: u64,
    ) -> (Vec<Identified>, Vec<SyncStep>) {
        let Some(active) = self.sessions.get_mut(&session) else { return (vec![], vec![]) };
        active.waiting = false;
        let Some(mut events) = events else {
            // What came before still counts.
            active.broken = true;
            return (vec![], self.go_on(session, now));
        };
        let mut asked: BTreeSet<EventId> = active.asked.iter().copied().collect();
        events.retain(|event| asked.remove(&event.id));
        // What it passed over it has not: its store may be too full for more than the name.
        let last = events.last().map(|event| event.id);
        let behind = active.asked.iter().position(|id| Some(*id) == last).map_or(0, |place| place + 1);
        let unsent = active.asked.split_off(behind);
        let bytes = events.iter().map(|event| event.event.unsigned.size()).sum::<usize>();
        active.bytes += bytes;
        let kib = UNIT.saturating_mul(u64::try_from(bytes).unwrap_or(u64::MAX)) / 1_024;
        self.fetched_of_one.take(active.peer, self.kib_of_one, kib, now);
        self.fetched_of_all.take((), KIB_OF_ALL, kib, now);
        active.fetched += events.len();
        if events.is_empty() {
            // It has none of them any more, or never had.
            active.empty += 1;
            if active.empty >= MAX_EMPTY {
                active.queue.clear();
            }
        } else {
            active.empty = 0;
            // What did not fit into the answer is asked for again.
            for id in unsent.into_iter().rev() {
                active.queue.push_front(id);
            }
            active.checking += events.len();
        }
        (events, self.go_on(session, now))
    }

    /// An event has been checked; `gained` says whether it was taken.
    pub fn on_checked(&mut self, session: SyncSession, gained: bool, now: u64) -> Vec<SyncStep> {
        let Some(active) = self.sessions.get_mut(&session) else { return vec![] };
        active.gained += usize::from(gained);
        active.checking = active.checking.saturating_sub(1);
        self.go_on(session, now)
    }

    /// The clock was set back: all times go with it, or nothing would be due until it has come so far again.
    fn go_back(&mut self, seconds: u64) {
        let back = |time: &mut u64| *time = time.saturating_sub(seconds);
        back(&mut self.now_and_then);
        self.sessions.values_mut().for_each(|active| back(&mut active.began));
        for neighbour in self.neighbours.values_mut() {
            back(&mut neighbour.last);
            if neighbour.due != u64::MAX {
                back(&mut neighbour.due);
            }
        }
    }

    fn on_gap(&mut self, now: u64) {
        let mut peers: Vec<PeerId> = self.neighbours.keys().copied().collect();
        self.rng.shuffle(&mut peers);
        for peer in peers.into_iter().take(AT_ONCE) {
            if let Some(neighbour) = self.neighbours.get_mut(&peer) {
                neighbour.due = now;
            }
        }
    }

    /// Makes a random neighbour due when it is time, and tells some of what was not passed on.
    fn choose_now_and_then(&mut self, now: u64) -> Vec<SyncStep> {
        if self.now_and_then > now {
            return vec![];
        }
        if self.now_and_then > 0 {
            let count = u64::try_from(self.neighbours.len()).unwrap_or(u64::MAX);
            let chosen = usize::try_from(self.rng.below(count)).unwrap_or_default();
            if let Some(neighbour) = self.neighbours.values_mut().nth(chosen) {
                let earliest = neighbour.last.saturating_add(NOT_BEFORE_SECONDS);
                neighbour.due = neighbour.due.min(now.max(earliest));
            }
        }
        self.missed_pause = if std::mem::take(&mut self.missed) {
            self.missed_pause.saturating_mul(2).min(NOW_AND_THEN_SECONDS)
        } else {
            MISSED_SECONDS
        };
        let pause = NOW_AND_THEN_SECONDS / 2 + self.rng.below(NOW_AND_THEN_SECONDS);
        self.now_and_then = now.saturating_add(pause);
        if std::mem::take(&mut self.withheld) { self.tell(None, true) } else { vec![] }
    }

    fn begin(&mut self, peer: PeerId, now: u64) -> Option<SyncStep> {
        let neighbour = self.neighbours.get_mut(&peer)?;
        neighbour.busy = true;
        let mut windows: VecDeque<SyncWindow> = windows(now, self.horizon_seconds).into();
        let window = windows.pop_front()?;
        let session = SyncSession(self.next);
        self.next += 1;
        let active = Active {
            peer,
            began: now,
            windows,
            queue: VecDeque::new(),
            waiting: true,
            asked: Vec::new(),
            empty: 0,
            checking: 0,
            fetched: 0,
            bytes: 0,
            gained: 0,
            spare: 0,
            rest: false,
            broken: false,
        };
        self.sessions.insert(session, active);
        Some(SyncStep::Compare(session, peer, window))
    }

    /// Fetches queued events, then takes the next window, then ends; does nothing while an answer of the neighbour is
    /// due, or while many of its events are being checked.
    fn go_on(&mut self, session: SyncSession, now: u64) -> Vec<SyncStep> {
        let Some(active) = self.sessions.get(&session).filter(|active| !active.waiting) else {
            return vec![];
        };
        let (peer, checking) = (active.peer, active.checking);
        if active.broken {
            return if checking > 0 { vec![] } else { self.end(session, true, now) };
        }
        if checking > 0 && (active.queue.is_empty() || checking > MAX_CHECKING - MAX_GET_IDS) {
            return vec![];
        }
        let over = self.has_enough_of(&peer, now)
            || active.began.saturating_add(MAX_SESSION_SECONDS) <= now
            || active.fetched >= MAX_SESSION_EVENTS
            || active.bytes >= MAX_SESSION_BYTES;
        let Some(active) = self.sessions.get_mut(&session) else { return vec![] };
        if over {
            if checking > 0 {
                return vec![];
            }
            active.rest |= !active.queue.is_empty() || !active.windows.is_empty();
            return self.end(session, false, now);
        }
        if !active.queue.is_empty() {
            let ids: Vec<EventId> = active.queue.drain(..active.queue.len().min(MAX_GET_IDS)).collect();
            (active.asked, active.waiting) = (ids.clone(), true);
            return vec![SyncStep::Get(session, peer, ids)];
        }
        match active.windows.pop_front() {
            Some(window) => {
                active.waiting = true;
                vec![SyncStep::Compare(session, peer, window)]
            }
            None => self.end(session, false, now),
        }
    }

    /// Whether no more is fetched of a neighbour for a while.
    fn has_enough_of(&self, peer: &PeerId, now: u64) -> bool {
        let answer = KIB_OF_ANSWER * UNIT;
        !(self.fetched_of_one.holds(peer, self.kib_of_one, answer, now)
            && self.fetched_of_all.holds(&(), KIB_OF_ALL, answer, now))
    }

    fn end(&mut self, session: SyncSession, failed: bool, now: u64) -> Vec<SyncStep> {
        let Some(Active { peer, gained, spare, rest, .. }) = self.sessions.remove(&session) else {
            return vec![];
        };
        let enough = self.has_enough_of(&peer, now);
        self.counts.events += u64::try_from(gained).unwrap_or_default();
        let pause = self.rng.below(SOON_SECONDS);
        if let Some(neighbour) = self.neighbours.get_mut(&peer) {
            neighbour.busy = false;
            neighbour.last = now;
            neighbour.failures = if failed { neighbour.failures.saturating_add(1) } else { 0 };
            let away = AWAY_SECONDS << neighbour.failures.saturating_sub(1).min(6);
            neighbour.due = match (failed, rest && gained > 0) {
                (true, _) => now.saturating_add(away.min(MAX_AWAY_SECONDS)).saturating_add(pause),
                (false, true) if enough => now.saturating_add(ENOUGH_SECONDS).saturating_add(pause),
                // Whoever has waited for longer comes first.
                (false, true) => now,
                (false, false) => u64::MAX,
            };
            if std::mem::take(&mut neighbour.again) && !failed {
                neighbour.due = neighbour.due.min(now.saturating_add(NOT_BEFORE_SECONDS));
            }
        }
        if failed {
            self.counts.failed += 1;
        } else {
            self.counts.finished += 1;
            self.last = Some(LastSync { at: now, peer, events: gained });
        }
        let mut steps = self.tell(Some(peer), gained > 0);
        if spare > 0 {
            steps.push(SyncStep::Tell(peer));
        }
        steps
    }

    /// Tells some neighbours of news, if there is any: others than the one from which it came.
    fn tell(&mut self, but: Option<PeerId>, news: bool) -> Vec<SyncStep> {
        if !news {
            return vec![];
        }
        let mut told: Vec<PeerId> =
            self.neighbours.keys().copied().filter(|other| Some(*other) != but).collect();
        self.rng.shuffle(&mut told);
        told.truncate(TOLD);
        told.into_iter().map(SyncStep::Tell).collect()
    }
}

/// The windows that are compared one after the other, the newest first: about an hour, the day, the week, the rest up
/// to the horizon. They begin at whole hours and days, so that neighbours share what they have computed. The last one
/// ends a day before the horizon at the earliest, because clocks differ.
fn windows(now: u64, horizon_seconds: u64) -> Vec<SyncWindow> {
    let earliest = now.saturating_sub(horizon_seconds).div_ceil(DAY) * DAY;
    let begins = [
        (now / HOUR).saturating_sub(1) * HOUR,
        (now / DAY).saturating_sub(1) * DAY,
        (now / DAY).saturating_sub(7) * DAY,
        earliest,
    ];
    let mut until = MAX_CREATED_AT;
    let mut windows = Vec::new();
    for since in begins.map(|begin| begin.max(earliest)) {
        if since < until {
            windows.push(SyncWindow { since, until });
            until = since;
        }
    }
    windows
}

#[cfg(test)]
mod tests;
