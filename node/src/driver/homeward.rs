//! The ways home: asks helpers, tells sessions, and answers nodes that ask this one. See [`nostrp2p_core::TunnelClient`].

use std::sync::PoisonError;

use nostrp2p_core::Ownership;
use nostrp2p_overlay::{Protocol, RequestRef};
use nostrp2p_protocol::{
    PeerId,
    rpc::{Lent, RpcRequest},
};

use super::{DriverEvent, Running};
use crate::clock;

impl Running {
    /// Asks the helpers that are due.
    pub(super) async fn seek_ways(&mut self) {
        if !self.seeks_ways {
            return;
        }
        for helper in self.ways.due(clock::now(), |peer| self.core.is_connected(peer)) {
            self.name_addresses(&[helper]).await;
            let overlay = self.overlay.clone();
            self.tasks.push(Box::pin(async move {
                let answer = overlay.request(helper, Protocol::Fetch, RpcRequest::Lend.encode()).await;
                if let Err(error) = &answer {
                    tracing::debug!(%helper, %error, "a helper did not answer");
                }
                let lent = answer.ok().and_then(|answer| Lent::decode(&answer).ok());
                DriverEvent::Lent(helper, lent)
            }));
        }
        self.report_ways().await;
    }

    pub(super) async fn on_lent(&mut self, helper: PeerId, lent: Option<Lent>) {
        if let Some(Lent::Refused { reason }) = &lent {
            tracing::info!(%helper, reason, "a helper says no");
        }
        self.ways.answered(&helper, lent, clock::now());
        self.seek_ways().await;
    }

    /// The last connection to a node is gone.
    pub(super) async fn lose_way(&mut self, peer: PeerId) {
        self.ways.lost(&peer, clock::now());
        self.seek_ways().await;
    }

    /// A node asks to be reached through this one.
    pub(super) async fn lend(&mut self, request: RequestRef, from: PeerId) {
        let answer =
            self.tunnel_server.lock().unwrap_or_else(PoisonError::into_inner).ask(from, clock::now());
        self.overlay.respond(request, answer.encode()).await;
    }

    async fn report_ways(&mut self) {
        let ways = self.ways.open(clock::now());
        if self.open_ways.borrow().ways == ways {
            return;
        }
        for way in &ways {
            tracing::info!(helper = %way.helper, address = way.address, "clients reach this node through a helper");
        }
        self.overlay.keep(ways.iter().map(|way| way.helper).collect()).await;
        self.open_ways.send_modify(|open| open.ways = ways);
        if let Ownership::Unclaimed(claim) = &self.ownership {
            (self.on_claim)(Some(claim), &self.open_ways.borrow());
        }
    }
}
