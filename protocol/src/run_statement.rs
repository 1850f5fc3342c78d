//! The statement of a run: a running node signs a random number that it has drawn at its start.
//!
//! Two statements of one node with different numbers, each signed later than the start of the other run, show that
//! two programs run with one key. They are signed with the node's own ed25519 key, which this crate does not handle.
//! See PROTOCOL.md, "Questions".

use crate::{Malformed, PeerId};

/// Prefix of the signed bytes, so that no other signature of the node can be taken for one of these.
const CONTEXT: &[u8] = b"nostrp2p run 1:";

/// The statement of a node about its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunStatement {
    /// Drawn at random when the program started.
    pub run: [u8; 8],
    /// When it was signed, in seconds since 1970 by that node's clock.
    pub issued_at: u64,
    /// The node's signature over [`RunStatement::signed_bytes`]; nobody has checked it.
    pub sig: [u8; 64],
}

impl RunStatement {
    /// Its length in bytes: 8 of the run, 8 of the time (big-endian), 64 of the signature.
    pub const LEN: usize = 80;

    /// The bytes that the node's key signs.
    pub fn signed_bytes(peer: &PeerId, run: [u8; 8], issued_at: u64) -> Vec<u8> {
        [CONTEXT, peer.as_ed25519(), &run, &issued_at.to_be_bytes()].concat()
    }

    /// Encodes it.
    pub fn encode(&self) -> Vec<u8> {
        [&self.run[..], &self.issued_at.to_be_bytes(), &self.sig].concat()
    }

    /// Decodes it; the signature is not checked.
    ///
    /// # Errors
    /// When it has another length.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let malformed = || Malformed::Encoding(format!("a statement of a run is not {} bytes", Self::LEN));
        let (run, rest) = bytes.split_first_chunk().ok_or_else(malformed)?;
        let (issued_at, sig) = rest.split_first_chunk().ok_or_else(malformed)?;
        let sig = sig.try_into().map_err(|_| malformed())?;
        Ok(Self { run: *run, issued_at: u64::from_be_bytes(*issued_at), sig })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_went_and_at_no_other_length() {
        let statement = RunStatement { run: *b"8 octets", issued_at: 1_700_000_000, sig: [7; 64] };
        let bytes = statement.encode();
        assert_eq!(bytes.len(), RunStatement::LEN);
        assert_eq!(RunStatement::decode(&bytes), Ok(statement));
        for length in [0, 7, 16, 79] {
            assert!(RunStatement::decode(bytes.get(..length).unwrap()).is_err());
        }
        assert!(RunStatement::decode(&[&bytes[..], &[0]].concat()).is_err());
    }
}
