//! The state of each relay to which a node sends its owner's public events, as clients see it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Malformed,
    msgpack::{Input, Read, Write},
};

/// Most mirrors that a client is told of.
pub const MAX_MIRRORS: usize = 32;

/// The state of one relay: `[url, state, reason, [accepted, refused, heard, behind], last_event, login, work]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Its address, `wss://...` or `ws://...`.
    pub url: String,
    /// Whether the node is connected to it.
    pub state: MirrorState,
    /// Why not, or why the relay refused something last.
    pub reason: Option<String>,
    /// Events of the owner that it has taken since the node started.
    pub accepted: u64,
    /// Events of the owner that it has refused.
    pub refused: u64,
    /// Events that came from it.
    pub heard: u64,
    /// Stored events that are still to be looked at for it; 0 when it has everything.
    pub behind: u64,
    /// When an event last went or came, in seconds since 1970.
    pub last_event: Option<u64>,
    /// None when it does not want the owner to sign in (NIP-42); otherwise the challenge to be signed, empty while there
    /// is none.
    pub login: Option<String>,
    /// Bits of work (NIP-13) that it wants in each event, as far as it has said so.
    pub work: u8,
}

impl Mirror {
    /// The challenge that the owner has to sign for it now, if any.
    pub fn challenge(&self) -> Option<&str> {
        self.login.as_deref().filter(|challenge| !challenge.is_empty())
    }
}

/// Whether a node is connected to a mirror. In JSON it is the word in lower case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MirrorState {
    /// 0: it waits for the next attempt.
    #[default]
    Waiting,
    /// 1: it is connecting.
    Connecting,
    /// 2: it is connected.
    Connected,
}

impl fmt::Display for MirrorState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
        })
    }
}

impl Write for MirrorState {
    fn write(&self, out: &mut Vec<u8>) {
        let number: u8 = match self {
            Self::Waiting => 0,
            Self::Connecting => 1,
            Self::Connected => 2,
        };
        number.write(out);
    }
}

impl Read for MirrorState {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        Ok(match u8::read(input)? {
            1 => Self::Connecting,
            2 => Self::Connected,
            _ => Self::Waiting,
        })
    }
}

impl Write for Mirror {
    fn write(&self, out: &mut Vec<u8>) {
        let counts = (self.accepted, self.refused, self.heard, self.behind);
        (&self.url, self.state, &self.reason, counts, self.last_event, &self.login, self.work).write(out);
    }
}

impl Read for Mirror {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        let (url, state, reason, counts, last_event, login, work) = Read::read(input)?;
        let (accepted, refused, heard, behind) = counts;
        Ok(Self { url, state, reason, accepted, refused, heard, behind, last_event, login, work })
    }
}
