//! The part of `/node.json` about being reached by other nodes, and its sentences for the operator.

use nostrp2p_overlay::{ConnectionPath, Peer, Reachability, Upnp};
use serde::{Deserialize, Serialize};

/// The part of `/node.json` about being reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reach {
    /// `public`, `private` or `unknown`.
    pub(crate) reachability: Word,
    /// Whether the operator said so.
    pub(crate) settled: bool,
    /// Peer ids of the relays at which the node holds a place.
    pub(crate) relays: Vec<String>,
    /// Whether it seeks relays.
    pub(crate) seeks_relays: bool,
    /// Whether it listens on loopback alone.
    pub(crate) loopback_only: bool,
    /// The state of the port mapping by UPnP.
    pub(crate) upnp: Router,
    /// What the node serves as a circuit relay.
    pub(crate) serves: Option<Serves>,
    /// Parts that the system does not allow, a sentence for each.
    #[serde(default)]
    pub(crate) missing: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Word {
    Public,
    Private,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Router {
    Off,
    Searching,
    NotFound,
    NotRouted,
    Mapped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Serves {
    /// Nodes that are reached through this one.
    pub(crate) places: usize,
    /// Most of them at once.
    pub(crate) slots: usize,
    /// Connections that run through this node.
    pub(crate) circuits: usize,
}

/// One connected node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Connected {
    pub(crate) peer: String,
    pub(crate) path: PathKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PathKind {
    Direct,
    Punched,
    Relayed,
}

impl From<&Peer> for Connected {
    fn from(peer: &Peer) -> Self {
        let path = match peer.path {
            ConnectionPath::Direct => PathKind::Direct,
            ConnectionPath::Punched => PathKind::Punched,
            ConnectionPath::Relayed => PathKind::Relayed,
        };
        Self { peer: peer.id.to_string(), path }
    }
}

impl From<&nostrp2p_overlay::Reach> for Reach {
    fn from(reach: &nostrp2p_overlay::Reach) -> Self {
        let reachability = match reach.reachability {
            Reachability::Public => Word::Public,
            Reachability::Private => Word::Private,
            Reachability::Unknown => Word::Unknown,
        };
        let upnp = match reach.upnp {
            Upnp::Off => Router::Off,
            Upnp::Searching => Router::Searching,
            Upnp::NotFound => Router::NotFound,
            Upnp::NotRouted => Router::NotRouted,
            Upnp::Mapped => Router::Mapped,
        };
        let serves = reach.serves.map(|serves| Serves {
            places: serves.places,
            slots: serves.slots,
            circuits: serves.circuits,
        });
        Self {
            reachability,
            settled: reach.settled,
            relays: reach.relays.iter().map(ToString::to_string).collect(),
            seeks_relays: reach.seeks_relays,
            loopback_only: reach.loopback_only,
            upnp,
            serves,
            missing: reach.missing.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Reach {
    /// Whether others reach the node at all, as far as is known.
    pub(crate) fn is_reached(&self) -> bool {
        self.reachability == Word::Public || !self.relays.is_empty()
    }

    /// Whether others reach it, and through what: one line.
    pub(crate) fn summary(&self, peers: usize) -> String {
        let said = if self.settled { ", as you said" } else { "" };
        match (self.reachability, self.relays.len()) {
            (Word::Public, _) => format!("others reach this node directly{said}"),
            (_, 0) if self.reachability == Word::Unknown && !self.seeks_relays => {
                "it is not known yet whether others reach this node".to_owned()
            }
            (_, 0) if peers == 0 => {
                "nobody can reach this node, because it is connected to no other".to_owned()
            }
            (_, 0) => {
                "others cannot reach this node; it gets and sends what its neighbours pass on".to_owned()
            }
            (_, 1) => format!("others reach this node through 1 relay{said}"),
            (_, relays) => format!("others reach this node through {relays} relays{said}"),
        }
    }

    /// How the node can be reached better, or at all; None when all is well.
    pub(crate) fn advice(&self, peers: usize, port: u16) -> Option<String> {
        if self.reachability == Word::Public {
            return None;
        }
        if peers == 0 {
            return Some("Connect it first: give the address of another node with -b.".to_owned());
        }
        if self.loopback_only {
            return Some(format!(
                "It listens on loopback only. Start it with -l 0.0.0.0:{port}, so that others can dial it. Mind that \
                 clients then reach it from your network too."
            ));
        }
        if self.reachability == Word::Unknown && !self.seeks_relays {
            return Some("Others are asked to dial it; ask again in a minute.".to_owned());
        }
        let router = match self.upnp {
            Router::NotFound => "your router does not open it by itself (no UPnP)",
            Router::NotRouted => {
                "your router has no public address itself, so the provider must help, or IPv6 may do"
            }
            Router::Mapped => "your router says that it has opened it, but nobody got through",
            Router::Searching | Router::Off => "your router was not asked, or has not answered",
        };
        let forward = format!(
            "To be dialed directly, forward port {port} (TCP and UDP) to this machine in your router: {router}."
        );
        Some(match self.relays.len() {
            0 => format!(
                "None of the connected nodes has a free place as a relay; more of them are looked for, and another -b \
                 may help. {forward}"
            ),
            _ => format!("That is enough. {forward}"),
        })
    }

    /// What the node serves as a circuit relay; None when nothing.
    pub(crate) fn service(&self) -> Option<String> {
        let serves = self.serves?;
        Some(format!(
            "it relays for {} of up to {} nodes behind routers, {} connections now",
            serves.places, serves.slots, serves.circuits
        ))
    }
}

/// How the connected nodes are connected, in words.
pub(crate) fn connected(all: &[Connected]) -> String {
    let count = |way| all.iter().filter(|connected| connected.path == way).count();
    let ways = [
        (count(PathKind::Direct), "directly"),
        (count(PathKind::Punched), "through a hole in the routers"),
        (count(PathKind::Relayed), "through a relay"),
    ];
    let ways: Vec<_> = ways
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, how)| format!("{count} {how}"))
        .collect();
    ways.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(reachability: Word, relays: usize) -> Reach {
        Reach {
            reachability,
            settled: false,
            relays: vec!["12D3KooW".to_owned(); relays],
            seeks_relays: reachability == Word::Private,
            loopback_only: false,
            upnp: Router::NotFound,
            serves: None,
            missing: Vec::new(),
        }
    }

    #[track_caller]
    fn check(reach: &Reach, peers: usize, summary: &str, advice: Option<&str>) {
        assert!(reach.summary(peers).contains(summary), "{}", reach.summary(peers));
        let said = reach.advice(peers, 20000);
        assert_eq!(said.is_some(), advice.is_some(), "{said:?}");
        assert!(said.unwrap_or_default().contains(advice.unwrap_or_default()));
    }

    #[test]
    fn every_case_says_whether_others_reach_the_node_and_what_to_do() {
        check(&reach(Word::Public, 0), 3, "directly", None);
        check(&reach(Word::Private, 2), 3, "through 2 relays", Some("forward port 20000"));
        check(&reach(Word::Private, 0), 3, "cannot reach", Some("None of the connected nodes"));
        check(&reach(Word::Private, 0), 0, "connected to no other", Some("with -b"));
        check(&reach(Word::Unknown, 0), 3, "not known yet", Some("in a minute"));
        check(&reach(Word::Unknown, 1), 3, "through 1 relay", Some("in a minute"));
        let mut on_loopback = reach(Word::Private, 0);
        on_loopback.loopback_only = true;
        check(&on_loopback, 3, "cannot reach", Some("-l 0.0.0.0:20000"));
        let mut said = reach(Word::Public, 0);
        said.settled = true;
        check(&said, 3, "as you said", None);
    }

    #[test]
    fn ways_are_counted() {
        let way = |path| Connected { peer: "p".into(), path };
        let all = [way(PathKind::Direct), way(PathKind::Relayed), way(PathKind::Direct)];
        assert_eq!(connected(&all), "2 directly, 1 through a relay");
    }
}
