//! Requests of other nodes: whether they are allowed, where the answer comes from, and what it costs the asker's
//! budget.

use nostrp2p_protocol::{
    PeerId,
    rpc::{Reads, Revoked, RpcRequest, encode_announcements, encode_run},
    sync::{self, SyncRequest},
};

use super::{Core, InboundRequestId, Output, Service, vocabulary::StoreQuery};
use crate::{
    limit::{Rate, UNIT},
    own_nodes::OwnNodeCursor,
    sync::SyncWindow,
};

/// Bytes of answers that one node may have, in KiB: 64 MiB at once, twice the whole history of a large network, and
/// 256 MiB an hour; a guess. A bound on the number of requests is not enough: forty bytes ask for a megabyte.
const ANSWERS: Rate = Rate { burst: 64 * 1024, per_hour: 256 * 1024 };

/// Rows of the store that one question of another node may read: a tenth of a full store, and some 50 ms. Pages of people
/// and conversations take some hundred.
pub const QUESTION_ROWS: u32 = 10_000;

impl Core {
    /// Another node asks something.
    pub(super) fn on_requested(
        &mut self,
        request: InboundRequestId,
        from: PeerId,
        service: Service,
        payload: &[u8],
        now: u64,
    ) -> Vec<Output> {
        if !self.admits(&from, service, now) {
            return vec![Output::RefuseOverBudget(request)];
        }
        match service {
            Service::Deliver => vec![self.on_handed(request, &from, payload, now)],
            Service::Fetch => match RpcRequest::decode(payload).map(RpcRequest::into_parts) {
                Ok((question, reads)) => self.on_question(request, from, question, reads, now),
                Err(_) => vec![Output::RefuseRequest(request)],
            },
            Service::Sync => match SyncRequest::decode(payload).map(SyncRequest::into_parts) {
                Ok((SyncRequest::Compare { round, since, until, message }, statements)) => {
                    let query = StoreQuery::Compare(SyncWindow { since, until }, round, message, statements);
                    vec![self.read(request, from, service, query, now)]
                }
                Ok((SyncRequest::Get(ids), statements)) => {
                    vec![self.read(request, from, service, StoreQuery::Shared(ids, statements), now)]
                }
                Ok((SyncRequest::News, _)) => {
                    let mut outputs = vec![Output::Respond(request, sync::encode_noted())];
                    self.sync.on_news(&from);
                    outputs.extend(self.catch_up(now));
                    outputs
                }
                Ok((SyncRequest::WithStatements(_), _)) | Err(_) => vec![Output::RefuseRequest(request)],
            },
        }
    }

    fn on_question(
        &mut self,
        request: InboundRequestId,
        from: PeerId,
        question: RpcRequest,
        reads: Reads,
        now: u64,
    ) -> Vec<Output> {
        match question {
            RpcRequest::Announcements => {
                let known = self.with_announcer(|announcer, around| announcer.known(around));
                vec![self.respond(request, from, encode_announcements(&known), now)]
            }
            RpcRequest::Seek(people) => {
                let known = encode_announcements(&self.announcer.known_of(&people));
                vec![self.respond(request, from, known, now)]
            }
            RpcRequest::Events(filters) => {
                let query = StoreQuery::Public(filters, reads);
                vec![self.read(request, from, Service::Fetch, query, now)]
            }
            RpcRequest::Own { store, after, newest } => {
                let Some(owner) = self.ownership.owner().filter(|_| self.is_own_node(&from, now)) else {
                    return vec![Output::RefuseRequest(request)];
                };
                let query = StoreQuery::Own(owner, OwnNodeCursor { store, after }, reads);
                let mut outputs = vec![self.read(request, from, Service::Fetch, query, now)];
                self.own_nodes.on_asked(&from, newest);
                outputs.extend(self.query_own_nodes(now));
                outputs
            }
            RpcRequest::Revocations(people) => {
                let events = self.revocations.told(&people, &mut self.rng);
                vec![self.respond(request, from, Revoked { events }.encode(), now)]
            }
            RpcRequest::Run(heard) => {
                let statement = self.announcer.say_run(heard.as_ref(), now);
                vec![self.respond(request, from, encode_run(&statement), now)]
            }
            RpcRequest::Lend => {
                vec![Output::Respond(request, self.tunnel_server.ask(from, now).encode())]
            }
            RpcRequest::WithLongLists(_) | RpcRequest::WithStatements(_) => {
                vec![Output::RefuseRequest(request)]
            }
        }
    }

    /// Answers what the engine knows itself; it counts.
    fn respond(&mut self, request: InboundRequestId, from: PeerId, answer: Vec<u8>, now: u64) -> Output {
        self.answered(from, answer.len(), now);
        Output::Respond(request, answer)
    }

    /// Has the store read, within the asker's budget.
    fn read(
        &mut self,
        request: InboundRequestId,
        from: PeerId,
        service: Service,
        query: StoreQuery,
        now: u64,
    ) -> Output {
        if self.may_read(from, service, now) {
            Output::Read(request, from, service, query)
        } else {
            Output::RefuseOverBudget(request)
        }
    }

    /// Whether a node may make another request of this kind now. Counts it.
    pub(super) fn admits(&mut self, peer: &PeerId, service: Service, now: u64) -> bool {
        let admitted = self.answers.holds(peer, ANSWERS, UNIT, now)
            && self.requests.take((*peer, service), service.rate(), UNIT, now);
        if !admitted {
            self.refusals.count("requests_over_rate");
        }
        admitted
    }

    /// A node got an answer of so many bytes, which counts against what it may have.
    pub(super) fn answered(&mut self, peer: PeerId, bytes: usize, now: u64) {
        let kib = u64::try_from(bytes.div_ceil(1024)).unwrap_or(u64::MAX);
        self.answers.take(peer, ANSWERS, kib.saturating_mul(UNIT), now);
    }

    /// Whether the store may be read for a node now. [`QUESTION_ROWS`] are put aside, until [`Core::has_read`] says how many
    /// it took.
    pub(super) fn may_read(&mut self, peer: PeerId, service: Service, now: u64) -> bool {
        let aside = u64::from(QUESTION_ROWS).saturating_mul(UNIT);
        let may = self.rows.take_whole((peer, service), service.rows(), aside, now);
        if !may {
            self.refusals.count("questions_over_rows");
        }
        may
    }

    /// Charges the rows that were read for a node; [`Core::may_read`] has allowed the request before.
    pub(super) fn has_read(&mut self, peer: PeerId, service: Service, rows: usize, now: u64) {
        let read = u64::try_from(rows).unwrap_or(u64::MAX).saturating_mul(UNIT);
        let aside = u64::from(QUESTION_ROWS).saturating_mul(UNIT);
        match aside.checked_sub(read) {
            Some(unused) => self.rows.give_back((peer, service), service.rows(), unused, now),
            // What is more counts too; a list of all shared events may be long.
            None => {
                let _enough = self.rows.take((peer, service), service.rows(), read - aside, now);
            }
        }
    }
}
