//! The state of mirrors for the owner's clients, and the relay logins that these clients sign.

use nostrp2p_protocol::{
    UnverifiedEvent,
    frame::{Mirror, NodeFrame},
};

use super::{Gone, Session};
use crate::{clock, mirror::MirrorStatus};

impl Session {
    /// The mirrors have changed: a wish to sign in goes to the client at once, figures can wait.
    pub(super) async fn on_mirrors(&mut self) -> Result<(), Gone> {
        let wishes = |mirrors: &[Mirror]| -> Vec<_> {
            mirrors.iter().filter_map(|mirror| Some((mirror.url.clone(), mirror.login.clone()?))).collect()
        };
        if wishes(&self.mirrors()) != wishes(&self.mirrored) {
            return self.tell_mirrors().await;
        }
        let gathering = self.gathering();
        self.figures.on_counts(gathering);
        Ok(())
    }

    /// How the mirrors stand, if the client does not know it.
    pub(super) async fn tell_mirrors(&mut self) -> Result<(), Gone> {
        let mirrors = self.mirrors();
        if mirrors == self.mirrored {
            return Ok(());
        }
        self.mirrored.clone_from(&mirrors);
        self.send(NodeFrame::Mirrors(mirrors)).await
    }

    /// A login for a mirror: passed on if it is the owner's and for what that relay asked.
    pub(super) fn on_relay_login(&self, relay: &str, proof: UnverifiedEvent) {
        let owner = self.app.node_status.borrow().owner;
        let reason = match proof.verify() {
            Ok(login) if Some(login.pubkey) == owner => {
                match self.app.mirrors.log_in(relay, login, clock::now()) {
                    Ok(()) => return,
                    Err(unfit) => unfit.to_string(),
                }
            }
            Ok(_) => "it is somebody else's".to_owned(),
            Err(forged) => forged.to_string(),
        };
        tracing::info!(relay, reason, "a login for a mirror was dropped");
    }

    fn mirrors(&self) -> Vec<Mirror> {
        self.app.mirrors.status.borrow().values().map(mirror).collect()
    }
}

fn mirror(status: &MirrorStatus) -> Mirror {
    Mirror {
        url: status.url.clone(),
        state: status.state,
        reason: status.reason.clone(),
        accepted: status.accepted,
        refused: status.refused,
        heard: status.heard,
        behind: status.behind,
        last_event: status.last_event,
        work: status.work,
        login: status.challenge.clone().or_else(|| status.needs_signature.then(String::new)),
    }
}
