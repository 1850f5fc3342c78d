//! Refusals of a node, with a code for programs and a sentence for people.

use crate::{
    Malformed,
    msgpack::{Input, Read, Write},
};

/// The machine-readable part of a refusal. Its number is what travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalCode {
    /// 1: the frame cannot be decoded.
    Malformed,
    /// 2: node and client speak no common version.
    Version,
    /// 3: this needs a login first.
    LoginNeeded,
    /// 4: the proof is not for this connection's challenge, or not for this address.
    WrongChallenge,
    /// 5: the signer is not the owner of this node.
    NotOwner,
    /// 6: the node has no owner yet: open its claim link.
    NoOwner,
    /// 7: the node has an owner already.
    AlreadyClaimed,
    /// 8: the claim token is not the one of the link.
    WrongToken,
    /// 9: the claim link is too old.
    ExpiredToken,
    /// 10: the event's id or signature is wrong.
    Forged,
    /// 11: the event is by somebody else than the owner.
    ForeignAuthor,
    /// 12: the event or the question breaks a limit.
    TooLarge,
    /// 13: the event is dated too far from the node's clock.
    WrongTime,
    /// 14: the node takes no events (`--writable false`).
    ReadOnly,
    /// 15: too many at once; try again later.
    Busy,
    /// 16: something failed inside the node. Its log says what.
    Internal,
    /// 17: the event is of a sort that is never stored.
    Unwanted,
    /// Any other number: of a later version.
    Other(u8),
}

/// Every code with its number, for the conversions and the tests.
const CODES: [(RefusalCode, u8); 17] = [
    (RefusalCode::Malformed, 1),
    (RefusalCode::Version, 2),
    (RefusalCode::LoginNeeded, 3),
    (RefusalCode::WrongChallenge, 4),
    (RefusalCode::NotOwner, 5),
    (RefusalCode::NoOwner, 6),
    (RefusalCode::AlreadyClaimed, 7),
    (RefusalCode::WrongToken, 8),
    (RefusalCode::ExpiredToken, 9),
    (RefusalCode::Forged, 10),
    (RefusalCode::ForeignAuthor, 11),
    (RefusalCode::TooLarge, 12),
    (RefusalCode::WrongTime, 13),
    (RefusalCode::ReadOnly, 14),
    (RefusalCode::Busy, 15),
    (RefusalCode::Internal, 16),
    (RefusalCode::Unwanted, 17),
];

impl From<RefusalCode> for u8 {
    fn from(code: RefusalCode) -> Self {
        match code {
            RefusalCode::Other(number) => number,
            known => CODES.iter().find(|(code, _)| *code == known).map_or(0, |(_, number)| *number),
        }
    }
}

impl From<u8> for RefusalCode {
    fn from(number: u8) -> Self {
        CODES.iter().find(|(_, known)| *known == number).map_or(Self::Other(number), |(code, _)| *code)
    }
}

impl Write for RefusalCode {
    fn write(&self, out: &mut Vec<u8>) {
        u8::from(*self).write(out);
    }
}

impl Read for RefusalCode {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        u8::read(input).map(Into::into)
    }
}

/// A refusal: a code for programs, a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// The reason, for programs.
    pub code: RefusalCode,
    /// What happened and what to do, in one English sentence.
    pub reason: String,
}

impl Refusal {
    /// Makes a refusal.
    pub fn new(code: RefusalCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_keeps_its_number() {
        for (index, (code, number)) in CODES.into_iter().enumerate() {
            assert_eq!(usize::from(number), index + 1);
            assert_eq!((u8::from(code), RefusalCode::from(number)), (number, code));
        }
        assert_eq!(RefusalCode::from(200), RefusalCode::Other(200));
    }
}
