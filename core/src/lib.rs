//! The decisions of a node: who gets an event, whether to take it, whose node this is.
//!
//! Sans-IO: [`Core::handle`] takes one input and the time, and returns the outputs. It never waits, never fails, and
//! reads no clock; its caller passes time and random numbers in. It deliberately knows nothing of sockets, files,
//! libp2p or HTTP.

mod admission;
mod announce_schedule;
mod announcer;
mod answers_page;
mod budgets;
mod counters;
mod directory;
mod engine;
mod fetch;
mod follow_graph;
mod future_events;
mod inbox;
mod intake;
mod known_authors;
mod limit;
mod limits;
mod mailbox;
mod node_key;
mod node_lookup;
mod outbox;
mod own_nodes;
mod ownership;
mod recent;
mod revocations;
mod rng;
mod sources;
mod stored;
mod sync;
pub mod tunnel;
mod twin;

pub use admission::{Admission, Ignored};
pub use announcer::announce_every;
pub use answers_page::{AnswersPage, AnswersTo};
pub use counters::Refusals;
pub use directory::Directory;
pub use engine::{
    Core, EngineSettings, GossipId, InboundRequestId, Input, LoginId, LookedUp, MailId, MirroredId, Output,
    PublishId, QUESTION_ROWS, Remembered, Replies, Service, StoreQuery, Verdict,
};
pub use fetch::{FetchQuery, FetchTarget, QueryId};
pub use inbox::{Bearer, InboxTerms, NotReceived};
pub use intake::{INTAKE_PAUSE_SECONDS, Intake};
pub use known_authors::NEW_SECONDS;
pub use limit::{Rate, TokenBuckets, UNIT};
pub use limits::Limits;
pub use mailbox::Sender;
pub use node_key::{NodeKey, Sign};
pub use outbox::{DeliveryKey, DeliveryState, Outbox};
pub use own_nodes::OwnNodeCursor;
pub use ownership::{Claim, LoginProof, Ownership, Proof};
pub use rng::SeededRng;
pub use stored::{Inserted, Mark, Propagation, Sharing, Stored};
pub use sync::{
    Comparison, ComparisonStep, Difference, Identified, LastSync, SyncCounts, SyncSession, SyncSet, SyncStep,
    SyncWindow,
};
pub use tunnel::{
    OpenTunnel, WANTED_TUNNELS,
    server::{OpenedSession, TUNNEL_SECONDS, TunnelCounts, TunnelDenied, TunnelLimits, TunnelRequestId},
};
