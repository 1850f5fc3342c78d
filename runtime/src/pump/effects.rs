//! The effects of the engine's outputs. Each begins here; those that take time end in an event of the pump.

use nostrp2p_core::Output;

use super::Pump;
use crate::{
    Received, StoreWrite,
    traits::{EventStore, Host, HostNotice, PeerNetwork, Platform},
};

impl<N: PeerNetwork, S: EventStore, P: Platform, H: Host<S::Note>> Pump<N, S, P, H> {
    /// Does what the engine says. Outputs follow each other in their order, as far as that can be seen from outside.
    pub(super) fn carry_out(&mut self, output: Output) {
        match output {
            Output::Verify(number, event) => {
                if !self.platform.check(number, event) {
                    tracing::error!("the verifier takes no more work");
                }
            }
            // To other nodes.
            Output::ReportValidation(heard, verdict) => self.report(heard, verdict),
            Output::Answer(request, receipt) => self.respond(request, receipt.encode()),
            Output::Respond(request, answer) => self.respond(request, answer),
            Output::RefuseRequest(request) => self.refuse(request),
            Output::RefuseOverBudget(request) => self.refuse_over_budget(request),
            Output::Read(request, peer, service, query) => self.answer(request, (peer, service), query),
            Output::Attempt(delivery, nodes) => self.deliver(delivery, nodes),
            Output::LookUpNodes(peers, people) => self.look_up_nodes(peers, people),
            Output::AskAnnouncements(peer, people) => self.ask_announcements(peer, people),
            Output::AskRevocations(peer, people) => self.ask_revocations(peer, people),
            Output::AskHelper(helper) => self.ask_helper(helper),
            Output::Query(query) => self.query(query),
            Output::QueryOwnNode(peer, cursor) => self.query_own_node(peer, cursor),
            Output::CatchUp(step) => self.catch_up(step),
            Output::ShowRuns(peer) => self.show_runs(peer),
            Output::FindAddresses => self.find_addresses(),
            Output::Announce(announcement) => self.announce(announcement),
            Output::AddAddresses(peer, addresses) => self.add_addresses(peer, addresses),
            Output::Spread(packet) => self.spread(packet),
            Output::Broadcast(request, id, inserted, packet) => {
                self.broadcast(request, id, inserted, packet);
            }
            Output::SendUnsent => self.send_unsent(),
            Output::OpenTunnels(tunnels) => {
                self.keep(tunnels.iter().map(|tunnel| tunnel.helper).collect());
                self.notice(HostNotice::Tunnels(tunnels));
            }
            // To the store.
            Output::Store(event, sharing) => self.store(event, sharing),
            Output::Commit(request, event, audience) => self.commit(request, event, audience),
            Output::StoreDelivery(request, event, sender) => self.store_delivery(request, event, sender),
            Output::StoreMail(mail, event, sender) => self.store_mail(mail, event, sender),
            Output::StoreMirrored(mirrored, event) => self.store_mirrored(mirrored, event),
            Output::StoreOwner(login, owner) => self.store_owner(login, owner),
            Output::Obey(event) => self.obey(event),
            Output::Record(delivery, state) => self.record(delivery, state),
            Output::RecordRevocation(event) => self.write(StoreWrite::Revoked(event)),
            Output::ForgetRevocation(person, peer) => self.write(StoreWrite::NotRevoked(person, peer)),
            Output::RecordOwnNode(peer, cursor) => self.write(StoreWrite::OwnNode(peer, cursor)),
            Output::ReadMemory(owner) => self.read_memory(owner),
            Output::ReadOwnNodes => self.read_own_nodes(),
            Output::ReadDelegation(owner) => self.read_delegation(owner),
            Output::ReadOwnWords(owner) => self.read_own_words(owner),
            Output::ReadTargets(request, event) => self.read_targets(request, event),
            Output::ReadPoll(handed, from, event) => self.read_poll(handed, from, event),
            Output::ReadUndelivered(event) => self.read_undelivered(event),
            // To sessions and people.
            Output::ShowMail(mail, event) => self.answer_mail(mail, Received::Shown(Box::new(event))),
            Output::TakeMail(mail) => self.answer_mail(mail, Received::Stored),
            Output::RefuseMail(mail, refused) => self.answer_mail(mail, Received::Refused(refused)),
            Output::Published(request, id, inserted, carried) => {
                self.reply_published(request, id, inserted, carried);
            }
            Output::Refuse(request, refusal) => self.reply(request, Err(refusal)),
            Output::LoggedIn(login, result) => self.reply_login(login, result),
            Output::NotMirrored(mirrored) => self.not_mirrored(mirrored),
            Output::TunnelServer(output) => self.reply_tunnel(output),
            Output::RenewClaim => self.renew_claim(),
            Output::ShowClaim(claim) => self.notice(HostNotice::Claim(claim)),
            Output::Claimed(owner) => {
                self.notice(HostNotice::Claimed(owner));
                self.look();
            }
            Output::DelegationChanged(found) => self.notice(HostNotice::Delegation(found)),
            Output::NoteTime(said) => self.notice(HostNotice::Time(said)),
            Output::OwnNodeSeen(peer, at) => self.notice(HostNotice::OwnNodeSeen(peer, at)),
        }
    }
}
