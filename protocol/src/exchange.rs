//! Requests from node to node and their answers. See PROTOCOL.md, "Requests".
//!
//! A delivery (`/nostrp2p/deliver/1`) is a [`crate::Packet`], answered by a [`Receipt`].
//! A question (`/nostrp2p/fetch/1`) is a [`Question`], answered as it says.

use crate::{Malformed, announcement::MAX_ANNOUNCEMENTS, wire};

/// What became of a delivered event. The number is what travels: `[1, number]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// 0: it is durably stored, now or before.
    Taken,
    /// 1: it will never be taken: it is not for this node's owner, or it is forged, too old or too large.
    Refused,
    /// 2: not now.
    Later,
}

impl Receipt {
    /// Encodes the answer to a delivery.
    pub fn encode(self) -> Vec<u8> {
        let number: u8 = match self {
            Self::Taken => 0,
            Self::Refused => 1,
            Self::Later => 2,
        };
        wire::encode(&(1u8, number))
    }

    /// Decodes the answer to a delivery. A number that is not known here counts as "not now".
    ///
    /// # Errors
    /// When it is cut off or something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        match wire::decode::<(u8, u8)>(bytes)? {
            (1, 0) => Ok(Self::Taken),
            (1, 1) => Ok(Self::Refused),
            (1, _) => Ok(Self::Later),
            (other, _) => Err(Malformed::UnknownType(other)),
        }
    }
}

/// What one node asks another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// 1 `[1]`: the announcements that you know, answered by `[1, [announcement, ...]]`.
    Announcements,
}

impl Question {
    /// Encodes the question.
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::Announcements => wire::encode(&(1u8,)),
        }
    }

    /// Decodes a question.
    ///
    /// # Errors
    /// When it is cut off or unknown here.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        match wire::message_type(bytes)? {
            1 => wire::decode::<(u8,)>(bytes).map(|_| Self::Announcements),
            other => Err(Malformed::UnknownType(other)),
        }
    }
}

/// Encodes the answer to [`Question::Announcements`]; what is over [`MAX_ANNOUNCEMENTS`] is left out.
pub fn encode_announcements(announcements: &[Vec<u8>]) -> Vec<u8> {
    let announcements: Vec<&serde_bytes::Bytes> =
        announcements.iter().take(MAX_ANNOUNCEMENTS).map(|bytes| serde_bytes::Bytes::new(bytes)).collect();
    wire::encode(&(1u8, announcements))
}

/// Decodes the answer to [`Question::Announcements`] into encoded announcements, none of them checked.
///
/// # Errors
/// When it is cut off, over the limit, or something else.
pub fn decode_announcements(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    let (kind, announcements): (u8, Vec<serde_bytes::ByteBuf>) = wire::decode(bytes)?;
    if kind != 1 {
        return Err(Malformed::UnknownType(kind));
    }
    if announcements.len() > MAX_ANNOUNCEMENTS {
        return Err(Malformed::Encoding(format!("more than {MAX_ANNOUNCEMENTS} announcements")));
    }
    Ok(announcements.into_iter().map(serde_bytes::ByteBuf::into_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_survives_its_encoding() {
        for receipt in [Receipt::Taken, Receipt::Refused, Receipt::Later] {
            assert_eq!(Receipt::decode(&receipt.encode()), Ok(receipt));
        }
        assert_eq!(Question::decode(&Question::Announcements.encode()), Ok(Question::Announcements));
        let announcements = vec![vec![1, 2, 3], vec![]];
        assert_eq!(decode_announcements(&encode_announcements(&announcements)), Ok(announcements));
        assert!(Receipt::decode(&[]).is_err() && Question::decode(&[0x91, 9]).is_err());
        let many = vec![vec![]; MAX_ANNOUNCEMENTS + 5];
        assert_eq!(decode_announcements(&encode_announcements(&many)).unwrap().len(), MAX_ANNOUNCEMENTS);
    }
}
