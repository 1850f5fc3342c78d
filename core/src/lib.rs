//! What a node decides: who gets an event, whether to take it, whose node this is.
//!
//! Sans-IO: [`Core::handle`] takes one input and the time, and returns what is to be done.
//! It never waits, never fails, and asks no clock; whoever drives it brings time and random numbers.
//! It deliberately knows nothing of sockets, files, libp2p or HTTP.

mod acquaintances;
mod admission;
mod announcer;
mod audience;
mod buckets;
mod budgets;
mod catching_up;
mod counters;
mod dice;
mod directory;
mod early;
mod engine;
mod intake;
mod lending;
mod mailbox;
mod outbox;
mod ownership;
mod recent;
mod reconcile;
mod replacing;
mod revocations;
mod seeking;
mod sharing;
mod siblings;
mod sources;
mod target;
mod trust;
mod wanted;
mod ways;

pub use acquaintances::NEW_SECONDS;
pub use admission::{Admission, HORIZON_SECONDS, Ignored, Limits};
pub use announcer::{Announcer, News, NodeKey, Sign, Unheard, announce_every};
pub use audience::{Audience, audience, audience_of_deletion, is_open, is_public, open_kinds, public_kinds};
pub use buckets::{Buckets, Rate, UNIT};
pub use catching_up::{CaughtUp, Counts as CatchingUpCounts, Identified, Session, Step, Window};
pub use counters::Refusals;
pub use dice::Dice;
pub use directory::Directory;
pub use engine::{
    Core, Handed, Heard, Input, Output, QUESTION_ROWS, Request, Service, Settings, Sharing, Verdict,
};
pub use intake::{INTAKE_PAUSE_SECONDS, Intake};
pub use lending::{LENT_SECONDS, Lending, LendingCounts, LendingLimits, NotLent, Opened};
pub use mailbox::{Sender, is_addressed_to};
pub use outbox::{Address, Outbox, Row};
pub use ownership::{Claim, Ownership, Proof};
pub use reconcile::{Comparison, Difference, Ledger, Next};
pub use replacing::{is_ahead, is_outdated, replaces};
pub use sharing::{MAX_PER_HOUR, Room, hour, room};
pub use siblings::Cursor;
pub use sources::Source;
pub use target::{REPOSTS, Target};
pub use wanted::{Ask, Asking, Want};
pub use ways::{WANTED_WAYS, Way, Ways};
