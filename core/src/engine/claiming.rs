//! Ownership: logins, claims, and the claim link while nobody is the owner.

use nostrp2p_protocol::{
    PublicKey,
    frame::{Refusal, RefusalCode},
};

use super::{Core, LoginId, Output};
use crate::ownership::{Claim, LoginProof, Ownership, is_local};

/// When a token for a claim link is asked for again, if there were no random numbers, in seconds.
const TOKEN_AGAIN_SECONDS: u64 = 60;

impl Core {
    /// The owner of this node.
    pub const fn owner(&self) -> Option<PublicKey> {
        self.ownership.owner()
    }

    /// The claim link that holds, while nobody is the owner.
    pub const fn claim(&self) -> Option<&Claim> {
        match &self.ownership {
            Ownership::Unclaimed(claim) => Some(claim),
            Ownership::Owned(_) => None,
        }
    }

    pub(super) fn on_login(&mut self, login: LoginId, proof: &LoginProof, now: u64) -> Vec<Output> {
        let owner = self.ownership.login(proof.borrow(), now);
        let time = (owner.is_ok() && !is_local(&proof.authority)).then_some(proof.event.created_at);
        time.map(Output::NoteTime).into_iter().chain([Output::LoggedIn(login, owner)]).collect()
    }

    /// Takes in a claim. The owner is stored before the answer, so that an answered claim is never forgotten.
    pub(super) fn on_claim(
        &mut self,
        login: LoginId,
        token: &[u8; 16],
        proof: &LoginProof,
        now: u64,
    ) -> Vec<Output> {
        match self.ownership.claim(token, proof.borrow(), now) {
            Ok(owner) if self.claiming.is_some_and(|first| first != owner) => {
                let reason = "somebody else is claiming this node at this moment";
                vec![Output::LoggedIn(login, Err(Refusal::new(RefusalCode::AlreadyClaimed, reason)))]
            }
            Ok(owner) => {
                self.claiming = Some(owner);
                vec![Output::StoreOwner(login, owner)]
            }
            Err(refusal) => vec![Output::LoggedIn(login, Err(refusal))],
        }
    }

    pub(super) fn on_owner_stored(
        &mut self,
        login: LoginId,
        owner: PublicKey,
        stored: Result<(), String>,
    ) -> Vec<Output> {
        self.claiming = None;
        if stored.is_err() {
            let reason = "the node could not write down its owner; its log says why";
            return vec![Output::LoggedIn(login, Err(Refusal::new(RefusalCode::Internal, reason)))];
        }
        self.ownership = Ownership::Owned(owner);
        self.admission.on_owner(owner);
        vec![Output::Claimed(owner), Output::LoggedIn(login, Ok(owner))]
    }

    /// After the clock was set back a link must not hold for longer than it was meant to.
    pub(super) fn renew_claim(&mut self, now: u64) -> Option<Output> {
        let latest = now.saturating_add(self.settings.claim_seconds);
        let ended = self.claim().is_some_and(|claim| claim.expires < now || claim.expires > latest);
        if !self.schedule.is_started() || !ended || self.token_asked > now {
            return None;
        }
        self.token_asked = now.saturating_add(TOKEN_AGAIN_SECONDS);
        Some(Output::RenewClaim)
    }

    pub(super) fn on_fresh_claim(&mut self, claim: Option<Claim>) -> Vec<Output> {
        let Some(claim) = claim.filter(|_| self.claim().is_some()) else { return vec![] };
        self.token_asked = 0;
        self.ownership = Ownership::Unclaimed(claim.clone());
        vec![Output::ShowClaim(claim)]
    }

    /// When the claim link has to be renewed.
    pub(super) fn claim_due(&self) -> Option<u64> {
        let claim = self.claim().filter(|_| self.schedule.is_started())?;
        Some(claim.expires.saturating_add(1).max(self.token_asked))
    }
}
