//! `GET /metrics`: counters and gauges in the text format of Prometheus (version 0.0.4).

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use nostrp2p_core::TunnelCounts;
use nostrp2p_overlay::{Reach, Reachability, Stats};
use nostrp2p_protocol::frame::MirrorState;
use tokio::sync::oneshot;

use super::{
    App, MAX_SESSIONS,
    insider::{self, Visitor},
};
use crate::{driver::Command, mirror::MirrorStatus, storage::Storage, store::StoreProgress};

/// How the node does. It names no person and no event, and is for the owner all the same.
pub(super) async fn metrics(State(app): State<App>, request: Request) -> Response {
    match insider::visitor(&app, &request.into_parts().0) {
        Visitor::Insider => collect(app).await,
        Visitor::Guest => insider::for_insiders(),
        Visitor::Refused(answer) => answer,
    }
}

/// The size of the store.
fn stored(text: &mut Text, app: &App, progress: StoreProgress) {
    let storage = Storage::of(&app.store);
    text.gauge("events_stored", "Events in the store.", progress.stored);
    text.gauge("store_bytes", "Length of the store's file.", storage.disk_bytes);
    text.gauge("mailbox_bytes", "Bytes of what others have addressed to the owner.", storage.mail_bytes);
    text.counter("events_stored_ever", "Highest sequence number given to an event.", progress.newest);
}

async fn collect(app: App) -> Response {
    let store = app.store.clone();
    let Ok(Ok(waiting)) = tokio::task::spawn_blocking(move || store.waiting()).await else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the store cannot be read; the log says why\n")
            .into_response();
    };
    let stats = app.overlay.stats().await;
    let (reply, tunnels) = oneshot::channel();
    drop(app.commands.send(Command::TunnelCounts(reply)).await);
    // A node that is stopping counts nothing any more.
    let tunnels = tunnels.await.unwrap_or_default();
    let progress = *app.store.progress().borrow();
    let peers = app.node_status.borrow().peers.len();
    let sessions = MAX_SESSIONS.saturating_sub(app.sessions.left());
    let mut text = Text::default();
    stored(&mut text, &app, progress);
    text.gauge("outbox_waiting", "Private events of the owner that wait for a person.", count(waiting.len()));
    text.gauge("peers", "Connected nodes.", count(peers));
    text.gauge("sessions", "Open WebSocket sessions of clients.", count(sessions));
    let rows = app.store.turns().rows_for_others();
    text.counter("rows_read_for_others", "Rows of the store read for other nodes and guests.", rows);
    text.gauge("uptime_seconds", "Time since the start.", app.started.elapsed().as_secs());
    if let Some(bytes) = resident_bytes() {
        text.gauge("resident_bytes", "Resident memory.", bytes);
    }
    text.counter("log_lines_dropped", "Lines of the log that nobody took.", crate::log::dropped());
    text.gauge(
        "warnings",
        "What is wrong although the node runs; status says what.",
        count(app.node_status.borrow().warnings.codes().len()),
    );
    broadcasts(&mut text, &stats);
    let counters = app.counters.borrow().clone();
    text.counter(
        "comparisons_finished",
        "Comparisons with neighbours that ended.",
        counters.catching_up.finished,
    );
    text.counter(
        "comparisons_failed",
        "Comparisons that a neighbour broke off.",
        counters.catching_up.failed,
    );
    text.counter(
        "events_caught_up",
        "Events that were missed and came by comparing.",
        counters.catching_up.events,
    );
    text.gauge(
        "early_events",
        "Events dated too far ahead that are asked for when they are due.",
        count(counters.early_events),
    );
    if let Some(caught_up) = counters.caught_up {
        text.gauge("caught_up_at_seconds", "When the last comparison ended, since 1970.", caught_up.at);
    }
    text.family(
        "refusals",
        "Messages and requests of other nodes that were not taken.",
        "reason",
        counters.refusals.all(),
    );
    text.counter("messages_dropped", "Messages for which the node was too busy.", stats.dropped);
    text.counter("peers_banned", "Nodes thrown out for their score.", stats.banned);
    text.counter("requests_sent", "Requests sent to other nodes.", stats.requests_sent);
    reach(&mut text, &app.overlay.reach().await, &stats);
    tunnel_server(&mut text, tunnels);
    let mirrors = app.mirrors.status.borrow().clone();
    for (name, kind, help, value) in MIRROR_METRICS {
        text.labelled(name, kind, help, mirrors.values().map(|mirror| (mirror.url.as_str(), value(mirror))));
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text.0).into_response()
}

/// Gossip sent and received.
fn broadcasts(text: &mut Text, stats: &Stats) {
    text.counter("broadcasts_sent", "Payloads that this node broadcast.", stats.sent);
    text.counter("broadcasts_sent_bytes", "Bytes of those, once each.", stats.sent_bytes);
    text.counter("broadcasts_received", "Different payloads received.", stats.received);
    text.counter("broadcasts_received_bytes", "Bytes of those, once each.", stats.received_bytes);
    text.counter("verdicts_accepted", "Messages that were forwarded.", stats.accepted);
    text.counter("verdicts_ignored", "Messages that were dropped without blame.", stats.ignored);
    text.counter(
        "verdicts_rejected",
        "Messages that were dropped and held against the sender.",
        stats.rejected,
    );
    text.counter("copies_received", "Payloads received, every copy counted.", stats.copies);
    text.counter("copies_received_bytes", "Bytes of those.", stats.copies_bytes);
}

/// How the node is reached, and what it does for others as a relay.
fn reach(text: &mut Text, reach: &Reach, stats: &Stats) {
    let public = u64::from(reach.reachability == Reachability::Public);
    text.gauge("reachable", "Whether other nodes can dial this one.", public);
    text.gauge("relays", "Relays through which others reach this node.", count(reach.relays.len()));
    let serves = reach.serves.unwrap_or_default();
    text.gauge("relay_places", "Nodes that are reached through this one.", count(serves.places));
    text.gauge("relay_circuits", "Connections that run through this node.", count(serves.circuits));
    text.counter("relay_places_given", "Places given to other nodes.", stats.places_given);
    text.counter("relay_places_refused", "Places refused to other nodes.", stats.places_refused);
    text.counter(
        "relay_circuits_carried",
        "Circuits that began to run through this node.",
        stats.circuits_carried,
    );
    text.counter("relay_circuits_refused", "Circuits that this node refused.", stats.circuits_refused);
    text.counter(
        "relay_bytes",
        "Bytes that other nodes sent one another through this one.",
        stats.relayed_bytes,
    );
    text.counter("relay_places_got", "Places that relays gave to this node.", stats.places_got);
    text.counter("holes_punched", "Connections over a relay that became direct.", stats.holes_punched);
    text.counter(
        "holes_failed",
        "Connections over a relay that could not become direct.",
        stats.holes_failed,
    );
}

/// This node as a helper (PROTOCOL.md, "The way home").
fn tunnel_server(text: &mut Text, lent: TunnelCounts) {
    text.gauge("home_nodes", "Nodes whose clients may come through this one.", count(lent.homes));
    text.gauge("home_sessions", "Clients that go home through this node.", count(lent.sessions));
    text.counter("home_bytes", "Bytes carried for them, both ways.", lent.carried_bytes);
    text.counter("home_refused", "Clients that were not let in, or no longer.", lent.refused);
}

/// Name, type, help and value of a metric of mirrors.
type MirrorMetric = (&'static str, &'static str, &'static str, fn(&MirrorStatus) -> u64);

const MIRROR_METRICS: [MirrorMetric; 5] = [
    ("mirror_connected", "gauge", "Whether the mirror is connected.", |mirror| {
        u64::from(mirror.state == MirrorState::Connected)
    }),
    ("mirror_behind", "gauge", "Sequence numbers still to be looked at for the mirror.", |mirror| {
        mirror.behind
    }),
    ("mirror_accepted_total", "counter", "Events that the mirror has taken.", |mirror| mirror.accepted),
    ("mirror_refused_total", "counter", "Events that the mirror has refused.", |mirror| mirror.refused),
    ("mirror_heard_total", "counter", "Events that came from the mirror.", |mirror| mirror.heard),
];

#[derive(Default)]
struct Text(String);

impl Text {
    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.line(name, "gauge", help, value);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.line(&format!("{name}_total"), "counter", help, value);
    }

    /// One line for each mirror, if there is any. Addresses of relays hold neither quotes nor backslashes.
    fn labelled<'a>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        values: impl Iterator<Item = (&'a str, u64)>,
    ) {
        let lines: String =
            values.map(|(url, value)| format!("nostrp2p_{name}{{url=\"{url}\"}} {value}\n")).collect();
        if !lines.is_empty() {
            self.0
                .push_str(&format!("# HELP nostrp2p_{name} {help}\n# TYPE nostrp2p_{name} {kind}\n{lines}"));
        }
    }

    /// One counter for each value of a label.
    fn family(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl Iterator<Item = (&'static str, u64)>,
    ) {
        let name = format!("nostrp2p_{name}_total");
        self.0.push_str(&format!("# HELP {name} {help}\n# TYPE {name} counter\n"));
        for (value, number) in values {
            self.0.push_str(&format!("{name}{{{label}=\"{value}\"}} {number}\n"));
        }
    }

    fn line(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        let name = format!("nostrp2p_{name}");
        self.0.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"));
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// On systems that report it (Linux).
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
