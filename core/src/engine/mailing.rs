//! Events that strangers write to the owner's inbox.

use nostrp2p_protocol::{Event, UnverifiedEvent, VerifyError, event_policy::is_for_inbox};

use super::{Core, MAX_PENDING, MailId, Output, Pending};
use crate::{
    inbox::{Bearer, NotReceived},
    stored::{Inserted, Stored},
};

impl Core {
    pub(super) fn on_mailed(
        &mut self,
        mail: MailId,
        event: UnverifiedEvent,
        bearer: Bearer,
        now: u64,
    ) -> Output {
        let (Some(terms), Some(owner)) = (self.settings.inbox, self.owner()) else {
            return self.refuse_mail(mail, NotReceived::NotForInbox);
        };
        if !is_for_inbox(&event.unsigned, &owner) {
            return self.refuse_mail(mail, NotReceived::NotForInbox);
        }
        if self.pending.len() >= MAX_PENDING {
            return self.refuse_mail(mail, NotReceived::Busy);
        }
        let graph = self.admission.follow_graph();
        match self.inbox.check(&event.unsigned, &bearer, terms, graph, now) {
            Ok(()) => self.verify(Pending::Mailed(mail, bearer), event),
            Err(refused) => self.refuse_mail(mail, refused),
        }
    }

    pub(super) fn on_mail_checked(
        &mut self,
        mail: MailId,
        bearer: &Bearer,
        result: Result<Event, VerifyError>,
        now: u64,
    ) -> Output {
        let event = match result {
            Ok(event) => event,
            Err(forged) => return self.refuse_mail(mail, NotReceived::Forged(forged)),
        };
        // Its id is not remembered as seen: whoever hears it by gossip later passes it on as always.
        match self.inbox.receive(&event, bearer, self.admission.follow_graph(), now) {
            Ok(_) if event.kind.is_ephemeral() => Output::ShowMail(mail, event),
            Ok(sender) => Output::StoreMail(mail, event, sender),
            Err(refused) => self.refuse_mail(mail, refused),
        }
    }

    /// Takes in the store's decision about an event from the inbox.
    pub(super) fn on_mail_stored(&mut self, mail: MailId, stored: &Stored, now: u64) -> Vec<Output> {
        match stored {
            Ok(Inserted::New(_) | Inserted::Known(_) | Inserted::Superseded(_)) => {
                let mut outputs = vec![Output::TakeMail(mail)];
                outputs.extend(self.tell_own_nodes(now));
                outputs
            }
            Ok(Inserted::MailboxFull) => vec![self.refuse_mail(mail, NotReceived::Full)],
            Ok(Inserted::Deleted | Inserted::Ended | Inserted::Surplus) => {
                vec![Output::RefuseMail(mail, NotReceived::Gone)]
            }
            Err(_) => vec![Output::RefuseMail(mail, NotReceived::Internal)],
        }
    }

    fn refuse_mail(&mut self, mail: MailId, refused: NotReceived) -> Output {
        self.refusals.count(refused.name());
        Output::RefuseMail(mail, refused)
    }
}
