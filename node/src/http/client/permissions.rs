//! Permissions in the page: web pages that the node has refused, and events that it asks the owner to publish (see
//! [`super::offers`]); the owner decides.

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
        self.send_permissions(request).await
    }

    /// Tells what may be allowed, if the client reads it and does not know it.
    pub(super) async fn tell_permissions(&mut self) -> Result<(), Gone> {
        let known = self.permissions() == self.permitted.0 && self.offers.drafts == self.permitted.1;
        if known || !self.reads_features { Ok(()) } else { self.send_permissions(0).await }
    }

    async fn send_permissions(&mut self, request: RequestId) -> Result<(), Gone> {
        self.permitted = (self.permissions(), self.offers.drafts.clone());
        let (permissions, drafts) = self.permitted.clone();
        self.send(NodeFrame::Permissions { request, permissions, drafts }).await
    }

    async fn decide(&mut self, sort: u8, subject: &str, granted: Option<bool>) -> Result<(), Refusal> {
        let refused = |reason: String| Refusal::new(RefusalCode::Unwanted, reason);
        let subject = if sort == Permission::WEB_ORIGIN {
            // `null` is none: every file and every frame in a sandbox has it.
            normal_origin(subject).ok_or_else(|| refused("this is no origin of web pages".to_owned()))?
        } else if sort == Permission::REPLIES && subject.is_empty() {
            String::new()
        } else if granted != Some(true)
            && self.offers.offers.iter().any(|(offer, about)| *offer == sort && about == subject)
        {
            subject.to_owned()
        } else {
            return Err(refused("this node has not asked for that; or the page has to sign it".to_owned()));
        };
        let changes = self.app.names.permissions().decide(sort, &subject, granted);
        for (sort, subject, granted) in changes.map_err(|full| refused(full.to_string()))? {
            tracing::info!(sort, subject, ?granted, "the owner has decided about a permission");
            let note = MetaWrite::Permission { sort, subject, granted };
            drop(self.app.commands.send(Command::WriteMeta(note)).await);
        }
        if granted == Some(true) {
            self.app.refused_pages.forget(&subject);
        }
        Ok(())
    }

    /// Pages that were refused where the owner is and wait for a decision, decided ones, and events that the node
    /// asks the owner to publish.
    fn permissions(&self) -> Vec<Permission> {
        let decided = self.app.names.permissions().all();
        let open = |origin: &String| !decided.contains_key(&(Permission::WEB_ORIGIN, origin.clone()));
        let waiting = self.app.refused_pages.at(self.socket.origin()).into_iter().filter(open);
        let waiting = waiting.map(|origin| (origin, None));
        let origins = decided.iter().filter(|((sort, _), _)| *sort == Permission::WEB_ORIGIN);
        let origins = waiting.chain(origins.map(|((_, origin), granted)| (origin.clone(), Some(*granted))));
        let origins =
            origins.map(|(subject, granted)| Permission { sort: Permission::WEB_ORIGIN, subject, granted });
        let offers = self.offers.offers.iter().map(|offer| Permission {
            sort: offer.0,
            subject: offer.1.clone(),
            granted: decided.get(offer).copied(),
        });
        let replies = Permission {
            sort: Permission::REPLIES,
            subject: String::new(),
            granted: Some(self.app.names.permissions().public_replies()),
        };
        origins.chain(offers).chain(self.reads_statements.then_some(replies)).collect()
    }
}
