//! What the owner may allow, is told of, and decides: the web pages that the node has refused.

use nostrp2p_protocol::{
    frame::{NodeFrame, Permission, Refusal, RefusalCode, RequestId},
    normal_origin,
};

use super::{Gone, Session};
use crate::{driver::Command, store::MetaWrite};

impl Session {
    /// Takes a decision of the owner, and tells how everything stands then.
    pub(super) async fn on_permit(
        &mut self,
        request: RequestId,
        sort: u8,
        subject: &str,
        granted: Option<bool>,
    ) -> Result<(), Gone> {
        if let Err(refusal) = self.decide(sort, subject, granted).await {
            return self.refuse(request, refusal).await;
        }
        self.permitted = self.permissions();
        let permissions = self.permitted.clone();
        self.send(NodeFrame::Permissions { request, permissions }).await
    }

    /// Tells what may be allowed, if the client reads it and does not know it.
    pub(super) async fn tell_permissions(&mut self) -> Result<(), Gone> {
        let permissions = self.permissions();
        if !self.reads_permissions || permissions == self.permitted {
            return Ok(());
        }
        self.permitted.clone_from(&permissions);
        self.send(NodeFrame::Permissions { request: 0, permissions }).await
    }

    async fn decide(&mut self, sort: u8, subject: &str, granted: Option<bool>) -> Result<(), Refusal> {
        let refused = |reason: String| Refusal::new(RefusalCode::Unwanted, reason);
        if sort != Permission::WEB_ORIGIN {
            return Err(refused("this node does not know such a permission".to_owned()));
        }
        // `null` is none: every file and every frame in a sandbox has it.
        let origin =
            normal_origin(subject).ok_or_else(|| refused("this is no origin of web pages".to_owned()))?;
        let changes = self.app.names.permissions().decide(sort, &origin, granted);
        for (sort, subject, granted) in changes.map_err(|full| refused(full.to_string()))? {
            tracing::info!(
                subject,
                ?granted,
                "the owner has decided whether pages of this origin may use the node"
            );
            let note = MetaWrite::Permission { sort, subject, granted };
            drop(self.app.commands.send(Command::WriteMeta(note)).await);
        }
        if granted == Some(true) {
            self.app.refused_pages.forget(&origin);
        }
        Ok(())
    }

    /// What is decided, and before it what was refused where the owner is and waits for a decision.
    fn permissions(&self) -> Vec<Permission> {
        let decided = self.app.names.permissions().all();
        let open = |origin: &String| !decided.contains_key(&(Permission::WEB_ORIGIN, origin.clone()));
        let waiting = self.app.refused_pages.at(self.socket.origin()).into_iter().filter(open);
        let waiting = waiting.map(|origin| (Permission::WEB_ORIGIN, origin, None));
        let decided =
            decided.iter().map(|((sort, subject), granted)| (*sort, subject.clone(), Some(*granted)));
        let all = waiting.chain(decided);
        all.map(|(sort, subject, granted)| Permission { sort, subject, granted }).collect()
    }
}
