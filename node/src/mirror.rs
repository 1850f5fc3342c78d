//! Mirrors: the node as a client of other relays, to which it gives the owner's public events and from which it gets
//! what people write who are not on the overlay.
//!
//! One task watches whom to talk to and what to ask for; one task for each relay holds the connection. What is said is
//! `nostrp2p_bridge::mirror`'s affair. See docs/mirrors.md.

mod address;
mod link;
mod plan;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use nostrp2p_bridge::mirror::interest;
use nostrp2p_protocol::{Filter, PublicKey};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{AbortHandle, JoinSet},
};

pub use address::relay_url;
use plan::Role;

use crate::{
    driver::{Command, Reports},
    settings::Settings,
    standing::Standing,
    stop::Stop,
    store::Store,
};

/// How often follow list and relay lists are read again, if anything was stored meanwhile.
const PLAN_EVERY: Duration = Duration::from_secs(5);

/// To which relays the node talks.
#[derive(Debug, Clone, Default)]
struct Wanted {
    /// Those that the owner named in the settings: both ways.
    named: Vec<String>,
    /// Whether to use the relay lists (NIP-65) of the owner and of the people he follows.
    lists: bool,
}

/// How one mirror stands, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MirrorStatus {
    pub(crate) url: String,
    /// `connecting`, `connected` or `waiting` for the next attempt.
    pub(crate) state: String,
    /// Why it is not connected, or why the relay refused something last.
    pub(crate) reason: Option<String>,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) heard: u64,
    pub(crate) last_event: Option<u64>,
    /// Sequence numbers that are still to be looked at for this relay; 0 when it has everything.
    pub(crate) behind: u64,
    pub(crate) needs_signature: bool,
    pub(crate) caught_up: bool,
}

/// All mirrors of a node.
pub(crate) type Mirrors = BTreeMap<String, MirrorStatus>;

/// What every link needs of the node.
#[derive(Clone)]
struct Context {
    store: Store,
    commands: mpsc::Sender<Command>,
    standing: watch::Receiver<Standing>,
    report: Arc<watch::Sender<Mirrors>>,
    /// What is asked of relays; whoever watches asks anew when it changes.
    interest: watch::Receiver<Arc<Vec<Filter>>>,
    stop: Stop,
}

/// Starts all mirrors; they end with the node. Returns how they stand.
pub(crate) fn start(
    settings: &Settings,
    store: Store,
    reports: &Reports,
    stop: Stop,
) -> watch::Receiver<Mirrors> {
    let wanted = Wanted { named: settings.mirrors.clone(), lists: settings.mirror_lists };
    let (commands, standing) = (reports.commands.clone(), reports.standing.clone());
    let (report, reported) = watch::channel(Mirrors::new());
    if wanted.named.is_empty() && !wanted.lists {
        return reported;
    }
    let (interests, interest) = watch::channel(Arc::new(Vec::new()));
    let context = Context { store, commands, standing, report: Arc::new(report), interest, stop };
    tokio::spawn(supervise(wanted, context, interests));
    reported
}

async fn supervise(wanted: Wanted, context: Context, interests: watch::Sender<Arc<Vec<Filter>>>) {
    let mut stop = context.stop.clone();
    let mut every = tokio::time::interval(PLAN_EVERY);
    let mut links = JoinSet::new();
    // The sequence number up to which the plan knows the store.
    let mut planned = None;
    let mut running: BTreeMap<String, (Role, AbortHandle)> = BTreeMap::new();
    loop {
        tokio::select! {
            () = stop.wait() => return,
            _ = every.tick() => {}
        }
        let Some(owner) = context.standing.borrow().owner else { continue };
        let newest = Some(context.store.progress().borrow().newest);
        if planned == newest {
            continue;
        }
        let Some(plan) = read_plan(&context, &wanted, owner).await else { continue };
        planned = newest;
        interests.send_if_modified(|known| {
            let changed = **known != plan.interest;
            if changed {
                *known = Arc::new(plan.interest);
            }
            changed
        });
        running.retain(|url, (role, task)| {
            let stays = plan.relays.get(url) == Some(role);
            if !stays {
                task.abort();
                context.report.send_modify(|mirrors| drop(mirrors.remove(url)));
            }
            stays
        });
        for (url, role) in plan.relays {
            running
                .entry(url.clone())
                .or_insert_with(|| (role, links.spawn(link::run(context.clone(), url, role, owner))));
        }
        // Only those that were taken away end.
        while links.try_join_next().is_some() {}
    }
}

/// What is to be done now.
struct Plan {
    relays: BTreeMap<String, Role>,
    interest: Vec<Filter>,
}

async fn read_plan(context: &Context, wanted: &Wanted, owner: PublicKey) -> Option<Plan> {
    let store = context.store.clone();
    let followed = tokio::task::spawn_blocking(move || plan::followed(&store, &owner)).await;
    let followed =
        followed.ok()?.inspect_err(|error| tracing::error!(%error, "the store cannot be read")).ok()?;
    let (reply, strangers) = oneshot::channel();
    context.commands.send(Command::Strangers(followed, reply)).await.ok()?;
    let strangers = strangers.await.ok()?;
    let interest = interest(&owner, &strangers);
    let (store, wanted) = (context.store.clone(), wanted.clone());
    let relays = tokio::task::spawn_blocking(move || plan::relays(&store, &wanted, &owner, &strangers)).await;
    let relays =
        relays.ok()?.inspect_err(|error| tracing::error!(%error, "the store cannot be read")).ok()?;
    Some(Plan { relays, interest })
}
