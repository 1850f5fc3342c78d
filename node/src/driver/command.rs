//! What sessions and mirrors ask of the driver.

use std::collections::BTreeSet;

use nostrp2p_core::{Bearer, FetchTarget, NotReceived, Proof, PublishId};
use nostrp2p_protocol::{
    Event, EventId, PeerId, PublicKey, UnverifiedEvent,
    frame::{Carried, Refusal},
};
use tokio::sync::oneshot;

use super::{Running, Waiting, is_local};
use crate::{
    clock,
    own_names::OwnNames,
    store::{Inserted, MetaWrite, Stored},
};

/// What a session asks of the driver.
pub(crate) enum Command {
    /// Does this prove the owner?
    Login(LoginProof, oneshot::Sender<Result<PublicKey, Refusal>>),
    /// Make the signer the owner.
    Claim([u8; 16], LoginProof, oneshot::Sender<Result<PublicKey, Refusal>>),
    /// Publish an event of the owner; the session has checked the login. `Replies` says for whom the owner's programs write.
    Publish(UnverifiedEvent, Replies, oneshot::Sender<Result<Published, Refusal>>),
    /// Somebody brings an event to the inbox.
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
    /// Does the driver still answer?
    Alive(oneshot::Sender<()>),
    /// Write down how far a mirror has come.
    WriteMeta(MetaWrite),
    /// Which of these people have no node that is known here?
    Strangers(BTreeSet<PublicKey>, oneshot::Sender<BTreeSet<PublicKey>>),
}

/// For whom a reply is that does not say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replies {
    /// For the people whom it names.
    Private,
    /// For everyone: the node states it.
    Public,
}

impl Replies {
    /// As the owner wants it of what other programs than the page write.
    pub(crate) fn of_programs(names: &OwnNames) -> Self {
        if names.permissions().public_replies() { Self::Public } else { Self::Private }
    }
}

/// A verified login event with what it must fit.
pub(crate) struct LoginProof {
    pub(crate) event: Event,
    pub(crate) challenge: [u8; 32],
    pub(crate) authority: String,
    pub(crate) peer: PeerId,
}

/// What somebody brings to the inbox.
pub(crate) struct Brought {
    pub(crate) event: UnverifiedEvent,
    pub(crate) bearer: Bearer,
    pub(crate) reply: oneshot::Sender<Received>,
}

/// The answer to [`Command::Receive`].
#[derive(Debug)]
pub(crate) enum Received {
    /// It is durably stored.
    Stored,
    /// It is not to be stored, but shown to the owner's programs that listen now.
    Shown(Box<Event>),
    /// It is not taken.
    Refused(NotReceived),
}

/// The answer to [`Command::Publish`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Published {
    pub(crate) id: EventId,
    pub(crate) sequence: u64,
    pub(crate) carried: Carried,
    /// Whether it is new here.
    pub(crate) stored: Inserted,
}

pub(super) fn borrow(proof: &LoginProof) -> Proof<'_> {
    let LoginProof { event, challenge, authority, peer } = proof;
    Proof { event, challenge, authority, peer: Some(peer) }
}

impl Running {
    /// Does what a session or a mirror asks.
    pub(super) async fn on_command(&mut self, command: Command) {
        match command {
            Command::Login(proof, reply) => {
                let owner = self.ownership.login(borrow(&proof), clock::now());
                if owner.is_ok() && !is_local(&proof.authority) {
                    self.bear_out(proof.event.created_at).await;
                }
                // Whoever asked may have gone away.
                let _gone = reply.send(owner);
            }
            Command::Claim(token, proof, reply) => {
                let result = self.claim(&token, &proof).await;
                drop(reply.send(result));
            }
            Command::Publish(mut event, replies, reply) => {
                if replies == Replies::Public {
                    self.state(&mut event);
                }
                let request = PublishId(self.number());
                let _first = self.store.turns().owner();
                self.requests.insert(request, Waiting { reply, stored: None, _first });
                self.publish(request, event).await;
            }
            Command::Receive(mail) => self.receive(mail).await,
            Command::Fetch(wants, over) => self.want(wants, over).await,
            Command::Retry(id) => self.retry(id).await,
            Command::Alive(reply) => {
                // Whoever asked may have lost patience.
                let _gone = reply.send(());
            }
            Command::Mark(name, until) => self.mark(name, until).await,
            command @ (Command::Mirrored(..) | Command::WriteMeta(_) | Command::Strangers(..)) => {
                self.on_mirror(command).await
            }
        }
    }
}
