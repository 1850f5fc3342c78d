//! Commands of sessions and mirrors to the node.

use std::{collections::BTreeSet, net::IpAddr};

use nostrp2p_core::{
    Bearer, FetchTarget, Inserted, LoginProof, NotReceived, Replies, Stored, TunnelCounts, TunnelDenied,
};
use nostrp2p_protocol::{
    Event, EventId, PeerId, PublicKey, UnverifiedEvent,
    frame::{Carried, Refusal},
};
use tokio::sync::oneshot;

/// Commands of sessions and mirrors. The asker may be gone before the answer.
#[derive(Debug)]
pub enum Command<N> {
    /// Does this prove the owner?
    Login(LoginProof, oneshot::Sender<Result<PublicKey, Refusal>>),
    /// Make the signer the owner.
    Claim([u8; 16], LoginProof, oneshot::Sender<Result<PublicKey, Refusal>>),
    /// Publish an event of the owner; the session has checked the login.
    Publish(UnverifiedEvent, Replies, oneshot::Sender<Result<Published, Refusal>>),
    /// Somebody writes an event to the inbox.
    Receive(Brought),
    /// A client wants what the store lacks. The sender is dropped when nothing of it is being asked for any more and what
    /// came can be read.
    Fetch(Vec<FetchTarget>, Option<oneshot::Sender<()>>),
    /// Try again to deliver an event to those with whom this node has given up.
    Retry(EventId),
    /// The owner has read something up to a time.
    Mark(String, u64),
    /// Keep an event that came from this relay, and say what became of it.
    Mirrored(Event, String, oneshot::Sender<Stored>),
    /// Does the node still answer?
    Alive(oneshot::Sender<()>),
    /// Write something down.
    WriteMeta(N),
    /// Which of these people have no node that is known here?
    Strangers(BTreeSet<PublicKey>, oneshot::Sender<BTreeSet<PublicKey>>),
    /// A client, of which the address is known or not, wants to reach a node at home through this one.
    OpenTunnel(PeerId, Option<IpAddr>, oneshot::Sender<Result<TunnelGrant, TunnelDenied>>),
    /// Whether a node at home says in which sessions somebody has signed in.
    TunnelTellsLogins(PeerId, bool),
    /// Somebody has signed in in this session of a tunnel.
    TunnelSignedIn(u64),
    /// Ask for the numbers of this node as a helper.
    TunnelCounts(oneshot::Sender<TunnelCounts>),
    /// Ask to forward so many bytes to or from a node behind a router, at this time of a monotonic clock in
    /// milliseconds. The answer says after how many milliseconds that is allowed.
    SpendOnTunnel(PeerId, usize, u64, oneshot::Sender<Result<u64, TunnelDenied>>),
}

/// A session with a node at home, which lasts until this is dropped.
#[derive(Debug)]
pub struct TunnelGrant {
    /// Its number.
    pub session: u64,
    /// Completes with a value when the session must end, because another one takes its slot.
    pub displaced: oneshot::Receiver<()>,
    /// Nothing is sent; dropping it reports the end of the session.
    pub lives: oneshot::Sender<()>,
}

/// An event for the inbox.
#[derive(Debug)]
pub struct Brought {
    /// The event.
    pub event: UnverifiedEvent,
    /// Its sender.
    pub bearer: Bearer,
    /// The receiver of the answer.
    pub reply: oneshot::Sender<Received>,
}

/// The answer to [`Command::Receive`].
#[derive(Debug)]
pub enum Received {
    /// It is durably stored.
    Stored,
    /// It is not stored, but shown to the owner's programs that are subscribed now.
    Shown(Box<Event>),
    /// It is not taken.
    Refused(NotReceived),
}

/// The answer to [`Command::Publish`].
#[derive(Debug, Clone, Copy)]
pub struct Published {
    /// The event.
    pub id: EventId,
    /// Its sequence number.
    pub sequence: u64,
    /// How it travels.
    pub carried: Carried,
    /// Whether it is new here.
    pub stored: Inserted,
}
