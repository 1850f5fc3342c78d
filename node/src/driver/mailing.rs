//! What anybody brings to the inbox: checked like deliveries, and answered with the reason when it is not taken.

use nostrp2p_core::{Input, MailId, NotReceived, Sender};
use nostrp2p_protocol::Event;

use super::{Brought, DriverEvent, Received, Running, stopped};
use crate::store::{Inserted, Propagation, Stored};

impl Running {
    pub(super) async fn receive(&mut self, brought: Brought) {
        let Brought { event, bearer, reply } = brought;
        let mail = MailId(self.number());
        self.mail.insert(mail, reply);
        self.handle(Input::Mailed(mail, event, bearer)).await;
    }

    /// The node does not set its clock by such an event, for anybody may bring any.
    pub(super) async fn store_mail(&mut self, mail: MailId, event: Event, sender: Sender) {
        let answer = self.writer.commit(event, Propagation::Brought(sender)).await;
        self.tasks.push(Box::pin(async move {
            DriverEvent::MailKept(mail, answer.await.unwrap_or_else(|_| Err(stopped())))
        }));
    }

    pub(super) async fn on_mail_kept(&mut self, mail: MailId, stored: Stored) {
        let refused = match stored {
            Ok(Inserted::New(_) | Inserted::Known(_) | Inserted::Superseded(_)) => {
                self.answer_mail(mail, Received::Stored);
                return self.handle(Input::MailStored).await;
            }
            Ok(Inserted::MailboxFull) => {
                self.handle(Input::MailNotStored).await;
                NotReceived::Full
            }
            Ok(Inserted::Deleted | Inserted::Ended | Inserted::Surplus) => NotReceived::Gone,
            Err(reason) => {
                tracing::error!(reason, "an event for the owner could not be stored");
                NotReceived::Internal
            }
        };
        self.answer_mail(mail, Received::Refused(refused));
    }

    pub(super) fn answer_mail(&mut self, mail: MailId, received: Received) {
        // Whoever brought it may have gone away.
        if let Some(reply) = self.mail.remove(&mail) {
            drop(reply.send(received));
        }
    }
}
