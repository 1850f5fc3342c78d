//! Whose node this is, and how somebody becomes or proves to be that person.

use std::fmt;

use nostrp2p_protocol::{
    Event, PeerId, PublicKey,
    frame::{Refusal, RefusalCode},
    login,
};

/// A one-time token that makes the first who shows it the owner.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    /// 16 random bytes.
    pub token: [u8; 16],
    /// Until when it holds, in seconds since 1970.
    pub expires: u64,
}

impl fmt::Debug for Claim {
    /// Without the token, which no log shall hold.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Claim").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// A login event together with what it must fit.
#[derive(Debug, Clone, Copy)]
pub struct Proof<'a> {
    /// Signature and id are right.
    pub event: &'a Event,
    /// The challenge of this connection.
    pub challenge: &'a [u8; 32],
    /// The address that the client must have dialled.
    pub authority: &'a str,
    /// Which node a login over client frames must name; None at a relay, where a login names none.
    pub peer: Option<&'a PeerId>,
}

/// A login event that was verified, with what it must fit.
#[derive(Debug, Clone, PartialEq)]
pub struct LoginProof {
    /// Signature and id are right.
    pub event: Event,
    /// The challenge of this connection.
    pub challenge: [u8; 32],
    /// The address that the client must have dialled.
    pub authority: String,
    /// Which node the login must name.
    pub peer: PeerId,
}

impl LoginProof {
    pub(crate) fn borrow(&self) -> Proof<'_> {
        let Self { event, challenge, authority, peer } = self;
        Proof { event, challenge, authority, peer: Some(peer) }
    }
}

/// Whether a client came to this machine by a name of its own: then it may run here, and by the same clock.
pub(crate) fn is_local(authority: &str) -> bool {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The ownership of this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// This person's.
    Owned(PublicKey),
    /// No owner yet; the claim link may have expired.
    Unclaimed(Claim),
}

impl Ownership {
    /// No owner, and no valid claim link.
    #[cfg(test)]
    pub(crate) const fn nobody() -> Self {
        Self::Unclaimed(Claim { token: [0; 16], expires: 0 })
    }

    /// The owner, if there is one.
    pub const fn owner(&self) -> Option<PublicKey> {
        match self {
            Self::Owned(owner) => Some(*owner),
            Self::Unclaimed(_) => None,
        }
    }

    /// Whether the proof is the owner's.
    ///
    /// # Errors
    /// One sentence that says what is wrong and what to do.
    pub fn login(&self, proof: Proof<'_>, now: u64) -> Result<PublicKey, Refusal> {
        let signer = fits(proof, now)?;
        match self {
            Self::Owned(owner) if *owner == signer => Ok(signer),
            Self::Owned(owner) => Err(Refusal::new(
                RefusalCode::NotOwner,
                format!("this node belongs to {}; sign in with that key", owner.to_npub()),
            )),
            Self::Unclaimed(_) => Err(Refusal::new(
                RefusalCode::NoOwner,
                "this node has no owner yet; open the claim link that it printed when it started",
            )),
        }
    }

    /// The person who becomes the owner by this token and proof. It changes nothing: the caller stores the owner
    /// first.
    ///
    /// The owner may claim again, so that a lost answer does no harm.
    ///
    /// # Errors
    /// One sentence that says what is wrong and what to do.
    pub fn claim(&self, token: &[u8; 16], proof: Proof<'_>, now: u64) -> Result<PublicKey, Refusal> {
        let signer = fits(proof, now)?;
        match self {
            Self::Owned(owner) if *owner == signer => Ok(signer),
            Self::Owned(owner) => Err(Refusal::new(
                RefusalCode::AlreadyClaimed,
                format!("this node already belongs to {}; a claim link works only once", owner.to_npub()),
            )),
            Self::Unclaimed(claim) if !same(&claim.token, token) => Err(Refusal::new(
                RefusalCode::WrongToken,
                "this claim link is not the one that the node printed last; copy it again",
            )),
            Self::Unclaimed(claim) if claim.expires < now => Err(Refusal::new(
                RefusalCode::ExpiredToken,
                "this claim link has expired; the node has printed a fresh one",
            )),
            Self::Unclaimed(_) => Ok(signer),
        }
    }
}

fn fits(proof: Proof<'_>, now: u64) -> Result<PublicKey, Refusal> {
    let named = proof.peer.map_or(Ok(()), |peer| login::check_peer(proof.event, peer));
    let fits = login::check(proof.event, proof.challenge, proof.authority, now);
    fits.and(named).map_err(|invalid| {
        let code = match invalid {
            login::InvalidProof::Clock => RefusalCode::WrongTime,
            login::InvalidProof::Challenge | login::InvalidProof::Address | login::InvalidProof::Node => {
                RefusalCode::WrongChallenge
            }
        };
        Refusal::new(code, invalid.to_string())
    })?;
    Ok(proof.event.pubkey)
}

/// Compares without telling by its duration how much was right.
fn same(one: &[u8; 16], other: &[u8; 16]) -> bool {
    one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::SecretKey;

    use super::*;

    const CHALLENGE: [u8; 32] = [7; 32];
    const NOW: u64 = 1_700_000_000;
    const CLAIM: Claim = Claim { token: [1; 16], expires: NOW + 10 };

    fn event(key: u8) -> Event {
        let key = SecretKey::from_bytes([key; 32]).unwrap();
        login::draft(&CHALLENGE, "localhost:1", NOW).sign(&key, &[0; 32])
    }

    fn proof(event: &Event) -> Proof<'_> {
        Proof { event, challenge: &CHALLENGE, authority: "localhost:1", peer: None }
    }

    #[track_caller]
    fn check(result: Result<PublicKey, Refusal>, expected: RefusalCode) {
        assert_eq!(result.unwrap_err().code, expected);
    }

    #[test]
    fn the_first_who_shows_the_token_may_become_the_owner() {
        let (alice, bob) = (event(1), event(2));
        let unclaimed = Ownership::Unclaimed(CLAIM);
        assert_eq!(unclaimed.claim(&[1; 16], proof(&alice), NOW), Ok(alice.pubkey));
        check(unclaimed.claim(&[2; 16], proof(&alice), NOW), RefusalCode::WrongToken);
        check(unclaimed.claim(&[1; 16], proof(&alice), NOW + 11), RefusalCode::ExpiredToken);
        check(unclaimed.login(proof(&alice), NOW), RefusalCode::NoOwner);
        let owned = Ownership::Owned(alice.pubkey);
        assert_eq!(owned.claim(&[9; 16], proof(&alice), NOW), Ok(alice.pubkey));
        check(owned.claim(&[1; 16], proof(&bob), NOW), RefusalCode::AlreadyClaimed);
    }

    #[test]
    fn only_the_owner_logs_in() {
        let (alice, bob) = (event(1), event(2));
        let owned = Ownership::Owned(alice.pubkey);
        assert_eq!(owned.login(proof(&alice), NOW), Ok(alice.pubkey));
        check(owned.login(proof(&bob), NOW), RefusalCode::NotOwner);
        check(owned.login(proof(&alice), NOW + 3_600), RefusalCode::WrongTime);
        let replayed = Proof { challenge: &[8; 32], ..proof(&alice) };
        check(owned.login(replayed, NOW), RefusalCode::WrongChallenge);
        let elsewhere = Proof { authority: "evil.example", ..proof(&alice) };
        check(owned.login(elsewhere, NOW), RefusalCode::WrongChallenge);
        let unnamed = Proof { peer: Some(&PeerId::from_ed25519([5; 32])), ..proof(&alice) };
        check(owned.login(unnamed, NOW), RefusalCode::WrongChallenge);
    }
}
