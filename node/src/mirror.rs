//! Mirrors: the node as a client of other relays. It sends them the owner's public events, and gets from them the
//! events of people who are not on the overlay.
//!
//! One task decides which relays to talk to and what to ask for; one task for each relay holds the connection.
//! `nostrp2p_bridge::mirror` is the conversation itself. See docs/mirrors.md.

mod addressed;
mod dial;
mod information;
mod link;
mod login;
mod plan;
mod receiving;
mod trust;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::Arc,
    time::Duration,
};

pub(crate) use addressed::Addressed;
use nostrp2p_bridge::mirror::interest;
use nostrp2p_overlay::Lookups;
use nostrp2p_protocol::{Authority, Event, Filter, PublicKey, frame::MirrorState};
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{broadcast, mpsc, oneshot, watch},
    task::{AbortHandle, Id, JoinError, JoinHandle, JoinSet},
};

use plan::Role;
pub use trust::TrustError;

use crate::{
    clock,
    driver::{Command, Reports},
    node_status::NodeStatus,
    own_names::OwnNames,
    settings::Settings,
    stop::Stop,
    store::Store,
};

/// How often follow list and relay lists are read again, if anything was stored meanwhile.
const PLAN_EVERY: Duration = Duration::from_secs(5);
/// Logins at relays that clients have signed and links have not looked at yet.
const LOGINS: usize = 16;

/// To which relays the node talks.
#[derive(Debug, Clone, Default)]
struct NamedMirrors {
    /// Those that the owner named in the settings: both ways.
    named: Vec<String>,
    /// Whether to use the relay lists (NIP-65) of the owner and of the people he follows.
    lists: bool,
}

/// How one mirror stands, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MirrorStatus {
    pub(crate) url: String,
    pub(crate) state: MirrorState,
    /// Why it is not connected, or why the relay refused something last.
    pub(crate) reason: Option<String>,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) heard: u64,
    pub(crate) last_event: Option<u64>,
    /// Sequence numbers that are still to be looked at for this relay; 0 when it has everything.
    pub(crate) behind: u64,
    /// Whether the relay wants the owner to sign in before it does anything (NIP-42).
    pub(crate) needs_signature: bool,
    /// The challenge to be signed for that. Only the owner's clients see it.
    #[serde(skip)]
    pub(crate) challenge: Option<String>,
    /// Whether direct messages there wait for that (NIP-17).
    #[serde(default)]
    pub(crate) mail_waits: bool,
    /// Bits of work that it wants in each event (NIP-13), as far as it says so.
    #[serde(default)]
    pub(crate) work: u8,
    pub(crate) caught_up: bool,
    /// Whether the owner's own profile and lists have been fetched since the start.
    #[serde(default)]
    pub(crate) owners_read: bool,
    /// Whether the relay refuses at the moment to give what it has stored, or did not answer.
    #[serde(default)]
    pub(crate) asked_in_vain: bool,
    /// Whether all subscriptions for new events stand that the relay allows.
    #[serde(default)]
    pub(crate) listens: bool,
    /// People whom the node polls every five minutes, because the relay allows too few subscriptions for all.
    #[serde(default)]
    pub(crate) polled: usize,
    /// How many seconds there are of which the relay has more events than it gives, so that some are missing here.
    #[serde(default)]
    pub(crate) passed_over: u64,
    /// Events that it failed to take and that are offered again later.
    #[serde(default)]
    pub(crate) postponed: u64,
}

impl MirrorStatus {
    fn owes_answers(&self) -> bool {
        let failed = self.state == MirrorState::Waiting && self.reason.is_some();
        !self.owners_read && !self.asked_in_vain && !failed
    }
}

/// What the mirrors ask of relays.
#[derive(Debug, Default, PartialEq, Eq)]
struct Interest {
    filters: Vec<Filter>,
    /// People who are followed and of whom the store has no profile.
    lacking: BTreeSet<PublicKey>,
}

/// All mirrors of a node.
pub(crate) type Mirrors = BTreeMap<String, MirrorStatus>;

/// What every link needs of the node.
#[derive(Clone)]
struct Context {
    store: Store,
    commands: mpsc::Sender<Command>,
    node_status: watch::Receiver<NodeStatus>,
    report: Arc<watch::Sender<Mirrors>>,
    /// What the mirrors ask of relays; links ask anew when it changes.
    interest: watch::Receiver<Arc<Interest>>,
    /// Events for relays where other people read.
    addressed: watch::Receiver<Arc<Addressed>>,
    /// Whether the node is on its machine alone: then names of others may lead there.
    on_loopback: bool,
    /// Looks up the names of relays.
    names: Lookups,
    /// How relays are checked.
    tls: Arc<ClientConfig>,
    /// Logins that clients of the owner have signed, each for the relay with this address.
    logins: broadcast::Sender<Arc<(String, Event)>>,
    stop: Stop,
}

/// What sessions need of the mirrors.
#[derive(Clone)]
pub(crate) struct Handle {
    /// How they stand.
    pub(crate) status: watch::Receiver<Mirrors>,
    /// Events for relays where other people read.
    pub(crate) addressed: watch::Receiver<Arc<Addressed>>,
    /// Those that the settings name.
    named: Arc<Vec<String>>,
    logins: broadcast::Sender<Arc<(String, Event)>>,
}

impl Handle {
    /// Whether a mirror that the settings name still has to give what it holds of the owner's profile and lists. One that
    /// could not be reached the last time owes nothing: it may be gone for good.
    pub(crate) fn owe_answers(&self) -> bool {
        let mirrors = self.status.borrow();
        self.named.iter().any(|url| mirrors.get(url).is_none_or(MirrorStatus::owes_answers))
    }
}

/// Starts all mirrors; they end with the node. Returns what sessions need of them, and the task that watches over them,
/// if there is anything to do.
///
/// # Errors
/// When the certificates that the owner names cannot be used.
pub(crate) fn start(
    settings: &Settings,
    store: Store,
    reports: &Reports,
    own_names: OwnNames,
    stop: Stop,
) -> Result<(Handle, Option<JoinHandle<()>>), TrustError> {
    let wanted = NamedMirrors { named: settings.mirrors.clone(), lists: settings.mirror_lists };
    let (commands, node_status) = (reports.commands.clone(), reports.node_status.clone());
    let (report, reported) = watch::channel(Mirrors::new());
    let tls = trust::configuration(settings.mirror_ca.as_deref())?;
    let (logins, _) = broadcast::channel(LOGINS);
    let named = Arc::new(wanted.named.clone());
    let (addresses, addressed) = watch::channel(Arc::new(Addressed::new()));
    let handle = Handle { status: reported, addressed: addressed.clone(), named, logins: logins.clone() };
    if wanted.named.is_empty() && !wanted.lists {
        return Ok((handle, None));
    }
    let (interests, interest) = watch::channel(Arc::new(Interest::default()));
    let context = Context {
        store,
        commands,
        node_status,
        report: Arc::new(report),
        interest,
        addressed,
        on_loopback: settings.is_on_loopback(),
        names: Lookups::default(),
        tls,
        logins,
        stop,
    };
    let plans = Plans { interests, addresses, own_names };
    let task = tokio::spawn(supervise(wanted, context, plans, PLAN_EVERY, link::run));
    Ok((handle, Some(task)))
}

/// The receiver of plans, and what the plans need besides the store.
struct Plans {
    interests: watch::Sender<Arc<Interest>>,
    addresses: watch::Sender<Arc<Addressed>>,
    own_names: OwnNames,
}

/// The tasks of the relays.
#[derive(Default)]
struct Links {
    tasks: JoinSet<()>,
    running: BTreeMap<String, (Role, AbortHandle)>,
}

/// Keeps a task running for each relay of the plan. One that ends although it is in the plan is started again.
async fn supervise<T: Future<Output = ()> + Send + 'static>(
    wanted: NamedMirrors,
    context: Context,
    plans: Plans,
    plan_every: Duration,
    run: impl Fn(Context, String, Role, PublicKey) -> T,
) {
    let mut stop = context.stop.clone();
    let mut node_status = context.node_status.clone();
    let mut owned = false;
    let mut every = tokio::time::interval(plan_every);
    // The sequence number up to which the plan knows the store.
    let mut planned = None;
    let mut links = Links::default();
    loop {
        tokio::select! {
            () = stop.wait() => return,
            Some(ended) = links.tasks.join_next_with_id() => {
                if links.on_ended(ended, &context) {
                    planned = None;
                }
                continue;
            }
            // Somebody who has just claimed the node waits for what the relays hold of theirs.
            Ok(_) = node_status.wait_for(|node_status| node_status.owner.is_some()), if !owned => owned = true,
            _ = every.tick() => {}
        }
        let Some(owner) = context.node_status.borrow().owner else { continue };
        let newest = Some(context.store.progress().borrow().newest);
        if planned == newest {
            continue;
        }
        let Some(mut plan) = read_plan(&context, &wanted, owner).await else { continue };
        if plans.interests.borrow().filters != plan.filters {
            let Some(lacking) = read_lacking(&context, plan.people).await else { continue };
            plans.interests.send_replace(Arc::new(Interest { filters: plan.filters, lacking }));
        }
        if wanted.lists {
            let Some(mut addressed) = read_addressed(&context, &plans.own_names, owner).await else {
                continue;
            };
            addressed::add_to(&mut plan.relays, &mut addressed);
            plans.addresses.send_if_modified(|before| {
                let changed = **before != addressed;
                *before = Arc::new(addressed);
                changed
            });
        }
        planned = newest;
        links.follow(plan.relays, &context, |url, role| run(context.clone(), url, role, owner));
    }
}

impl Links {
    /// Starts what is new in the plan, and ends what is not in it any more.
    fn follow<T: Future<Output = ()> + Send + 'static>(
        &mut self,
        relays: BTreeMap<String, Role>,
        context: &Context,
        run: impl Fn(String, Role) -> T,
    ) {
        self.running.retain(|url, (role, task)| {
            let stays = relays.get(url) == Some(role);
            if !stays {
                task.abort();
                context.report.send_modify(|mirrors| drop(mirrors.remove(url)));
            }
            stays
        });
        for (url, role) in relays {
            let tasks = &mut self.tasks;
            self.running.entry(url.clone()).or_insert_with(|| (role, tasks.spawn(run(url, role))));
        }
    }

    /// Whether it was one that is to be started again with the next plan, after [`PLAN_EVERY`]: it broke, or could not
    /// read the store.
    fn on_ended(&mut self, ended: Result<(Id, ()), JoinError>, context: &Context) -> bool {
        let (id, cause) = match ended {
            Ok((id, ())) => (id, "it could not begin; the log says why".to_owned()),
            Err(error) => (error.id(), error.to_string()),
        };
        // One that was taken away is in no plan.
        let Some(url) =
            self.running.iter().find_map(|(url, (_, task))| (task.id() == id).then(|| url.clone()))
        else {
            return false;
        };
        self.running.remove(&url);
        tracing::error!(relay = url, cause, "a mirror broke; it is started again");
        context.report.send_modify(|mirrors| {
            if let Some(mirror) = mirrors.get_mut(&url) {
                mirror.state = MirrorState::Waiting;
                mirror.reason = Some(format!("this part of the node broke and is started again: {cause}"));
            }
        });
        true
    }
}

/// The relays to talk to now, and what to ask of them.
struct Plan {
    relays: BTreeMap<String, Role>,
    filters: Vec<Filter>,
    /// Followed people without a node.
    people: BTreeSet<PublicKey>,
}

async fn read_plan(context: &Context, wanted: &NamedMirrors, owner: PublicKey) -> Option<Plan> {
    let store = context.store.clone();
    let followed = blocking(move || plan::followed(&store, &owner)).await?;
    let (reply, strangers) = oneshot::channel();
    context.commands.send(Command::Strangers(followed, reply)).await.ok()?;
    let strangers = strangers.await.ok()?;
    let filters = interest(&owner, &strangers);
    let (store, wanted, people) = (context.store.clone(), wanted.clone(), strangers.clone());
    let relays = blocking(move || plan::relays(&store, &wanted, &owner, &strangers)).await?;
    Some(Plan { relays, filters, people })
}

/// Events for relays where people read of whom no node is known.
async fn read_addressed(context: &Context, own_names: &OwnNames, owner: PublicKey) -> Option<Addressed> {
    let store = context.store.clone();
    let events = blocking(move || addressed::candidates(&store, &owner, clock::now())).await?;
    let (reply, strangers) = oneshot::channel();
    context.commands.send(Command::Strangers(addressed::people(&events, &owner), reply)).await.ok()?;
    let (strangers, store, own_names) = (strangers.await.ok()?, context.store.clone(), own_names.clone());
    let is_own = move |name: &Authority| own_names.is_own(name, None);
    blocking(move || addressed::addressed(&store, &owner, &events, &strangers, is_own)).await
}

/// Reads the store without keeping the other tasks waiting; None when it cannot be read, which the log says.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, redb::Error> + Send + 'static,
) -> Option<T> {
    let read = tokio::task::spawn_blocking(read).await.ok()?;
    read.inspect_err(|error| tracing::error!(%error, "the store cannot be read")).ok()
}

async fn read_lacking(context: &Context, people: BTreeSet<PublicKey>) -> Option<BTreeSet<PublicKey>> {
    let store = context.store.clone();
    blocking(move || plan::lacking(&store, people)).await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::{settings::Pages, stop, store::Retention};

    #[tokio::test]
    async fn a_mirror_that_panics_is_named_with_the_cause_and_started_again() {
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = Store::open(directory.path(), Retention::default()).unwrap();
        let (commands, mut asked) = mpsc::channel(1);
        let driver = tokio::spawn(async move {
            while let Some(command) = asked.recv().await {
                let Command::Strangers(people, reply) = command else { continue };
                drop(reply.send(people));
            }
        });
        let owner = nostrp2p_protocol::SecretKey::from_bytes([1; 32]).unwrap().public_key();
        let (_standing, node_status) =
            watch::channel(NodeStatus { owner: Some(owner), ..NodeStatus::default() });
        let (report, mut reported) = watch::channel(Mirrors::new());
        let (interests, interest) = watch::channel(Arc::new(Interest::default()));
        let (stopper, stop) = stop::channel();
        let tls = trust::configuration(None).unwrap();
        let (logins, _) = broadcast::channel(1);
        let (addresses, addressed) = watch::channel(Arc::new(Addressed::new()));
        let own_names = OwnNames::new(vec![], Pages::AsHosts, false, BTreeSet::new());
        let plans = Plans { interests, addresses, own_names };
        let context = Context {
            store,
            commands,
            node_status,
            report: Arc::new(report),
            interest,
            addressed,
            on_loopback: true,
            names: Lookups::default(),
            tls,
            logins,
            stop,
        };
        let url = "wss://relay.example";
        let wanted = NamedMirrors { named: vec![url.to_owned()], lists: false };
        let starts = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&starts);
        let supervision = tokio::spawn(supervise(
            wanted,
            context,
            plans,
            Duration::from_millis(10),
            move |context, url, _, _| {
                let first = counted.fetch_add(1, Ordering::Relaxed) == 0;
                async move {
                    let state = if first { MirrorState::Connecting } else { MirrorState::Connected };
                    let status = MirrorStatus { url: url.clone(), state, ..MirrorStatus::default() };
                    context.report.send_modify(|mirrors| drop(mirrors.insert(url, status)));
                    assert!(!first, "on purpose");
                    std::future::pending().await
                }
            },
        ));
        let broken = reported
            .wait_for(|mirrors| mirrors.get(url).is_some_and(|it| it.state == MirrorState::Waiting))
            .await;
        let reason = broken.unwrap()[url].reason.clone().unwrap();
        assert!(reason.contains("on purpose"), "{reason}");
        let again = |mirrors: &Mirrors| mirrors.get(url).is_some_and(|it| it.state == MirrorState::Connected);
        drop(reported.wait_for(again).await.unwrap());
        assert_eq!(starts.load(Ordering::Relaxed), 2);
        stopper.stop();
        supervision.await.unwrap();
        driver.await.unwrap();
        writer.close();
    }
}
