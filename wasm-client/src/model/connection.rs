//! The connection to the node, and the requests that are under way.

use nostrp2p_protocol::{
    EventId, PeerId, PublicKey, UnsignedEvent,
    channel::ChannelKey,
    frame::{CaughtUp, Mirror, Path, PeerStatus, Permission, Reached, Refusal, RequestId, StoreId},
};

use crate::{
    address::{
        NodeAddress,
        ways::{Attempt, Home, Way},
    },
    sorted_map::SortedMap,
};

/// Shortest wait before the next attempt, in milliseconds.
const FIRST_RETRY_MS: u64 = 1_000;
/// Longest wait before the next attempt, in milliseconds.
const LAST_RETRY_MS: u64 = 30_000;

/// The way to the node.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// The node's address.
    pub node: Option<NodeAddress>,
    /// How the node is found from anywhere, once the node or a link has told it.
    pub home: Option<Home>,
    /// Which node must answer, whatever its address; none until one has been chosen.
    pub pin: Option<PeerId>,
    /// The stored pin: the node, and the person's key.
    pub pinned_for: Option<(PeerId, PublicKey)>,
    /// Whether the person has just made this node their own, so that it is to act for them.
    pub chosen: bool,
    /// Whether the node has no word of its owner that it acts for them, and the person has to give it.
    pub unsaid: bool,
    /// The attempt whose socket is in use; what an earlier one still says is passed over.
    pub attempt: u32,
    /// Counts the attempts.
    pub last_attempt: u32,
    /// The ways that are being tried, until one has an answer.
    pub race: Vec<Attempt>,
    /// The ways that are tried next.
    pub later: Vec<Way>,
    /// The way that is in use.
    pub way: Option<Way>,
    /// The key of the channel inside of which everything is said on that way, if it is one.
    pub key: Option<ChannelKey>,
    /// A way by which something answered and no login came about: it loses its head start.
    pub doubtful: Option<Way>,
    /// Attempts that failed since the last login.
    pub failures: u32,
    /// How far it has come.
    pub phase: Phase,
    /// Why the last attempt failed.
    pub trouble: Option<Trouble>,
    /// The way on which it failed, if there were several.
    pub troubled: Option<Way>,
    /// Requests without an answer yet.
    pub requests: SortedMap<RequestId, SentRequest>,
    /// The last request id that was used.
    pub last_request: RequestId,
    /// How far the store has been followed.
    pub cursor: Option<Cursor>,
    /// How the node stands in the overlay.
    pub status: Option<OverlayStatus>,
    /// The node's warnings, by number (see [`nostrp2p_protocol::frame::NodeFrame::Warnings`]).
    pub warnings: Vec<u8>,
    /// Most tags and bytes of a long list, if the node takes long ones; kept until the next node has said who it is.
    pub long_lists: Option<(u32, u32)>,
    /// Whether the node answers [`nostrp2p_protocol::frame::ClientFrame::FetchBehind`].
    pub fetches_behind: bool,
    /// Whether the node answers [`nostrp2p_protocol::frame::ClientFrame::Reach`].
    pub tells_reach: bool,
    /// Whether the node answers [`nostrp2p_protocol::frame::ClientFrame::Relays`].
    pub tells_relays: bool,
    /// How the relays stand to which the node gives public posts.
    pub mirrors: Vec<Mirror>,
    /// The names of the node, once the person has asked for them.
    pub names: Option<NodeNames>,
    /// Permissions that the node has sent since the login, with the person's decisions.
    pub permissions: Vec<Permission>,
    /// The lists of relays that the person signs to grant some of these.
    pub drafts: Vec<UnsignedEvent>,
}

/// How far the connection has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not connecting.
    #[default]
    Idle,
    /// The socket is being opened.
    Opening,
    /// The node was greeted and has not answered.
    Greeting,
    /// The node said who it is.
    Greeted(NodeGreeting),
    /// The node is being shown who we are.
    Proving(NodeGreeting),
    /// In use.
    LoggedIn(NodeGreeting),
    /// The next attempt waits for its time.
    Waiting,
    /// The node said no, and trying again would not help.
    Refused(Refusal),
}

/// What a node says of itself in its welcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeGreeting {
    /// The challenge of a login.
    pub challenge: [u8; 32],
    /// Which node it is.
    pub peer: PeerId,
    /// The node's owner, if it has one.
    pub owner: Option<PublicKey>,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The socket closed before it opened: no node there, a wrong port, a bad certificate; browsers do not say.
    NoAnswer,
    /// It opened and closed again before the login.
    Closed,
    /// Nothing came for [`crate::update::reconnect::ANSWER_WITHIN_MS`].
    Silent,
    /// The other side does not speak the node's protocol.
    Foreign,
    /// A node answered, and it is another one than this page's own: the one that is named here.
    OtherNode(PeerId),
    /// The node behind a helper does not hold the expected key.
    Impostor,
    /// A helper cannot connect the page to the node now, for this reason, in its own words.
    TurnedAway(String),
    /// An https page may not open a plain socket to another device.
    MixedContent,
    /// The person did not let the login be signed.
    NotSigned,
}

/// How far the node's store has been followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Which store.
    pub store: StoreId,
    /// The last sequence number that is held.
    pub after: u64,
}

impl Trouble {
    /// The weight of a failure. When several ways fail, the heaviest is shown: away from home, a helper's answer says
    /// more than that the direct way does not answer.
    pub const fn weight(&self) -> u8 {
        match self {
            Self::Impostor | Self::OtherNode(_) => 2,
            Self::TurnedAway(_) => 1,
            _ => 0,
        }
    }
}

/// At which addresses other programs may sign in at the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeNames {
    /// Whether the one by which this page has come is among them.
    pub own: bool,
    /// Each with whether the person has confirmed it, and so can take it back.
    pub names: Vec<(String, bool)>,
}

/// A request to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentRequest {
    /// Login or Claim.
    Prove {
        /// Whether it was a claim.
        claim: bool,
    },
    /// The names of the node.
    Names {
        /// Whether one was changed.
        changed: bool,
    },
    /// A decision about a permission.
    Permit,
    /// Which people read on Nostr relays only.
    Reach,
    /// Which relays have an own post.
    Relays(EventId),
    /// Publish.
    Publish(EventId),
    /// The newest events, because the store is new to us.
    Newest,
    /// Events before those that are held.
    Older,
    /// The own profile.
    OwnProfile,
    /// Profiles of others.
    Profiles,
    /// The targets of reposts.
    Targets,
    /// The nodes for which the person has signed.
    OwnNodes,
    /// A search.
    Search,
    /// The content of the open page.
    Page,
    /// Earlier posts of the person whose page is open.
    PageOlder,
    /// Posts of somebody whom one begins to follow.
    Followed,
    /// Notifications.
    Notices,
    /// Likes, the own ones and those that own posts got.
    Likes,
    /// The next part of everything, with signatures.
    Export,
}

/// How the node stands in the overlay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverlayStatus {
    /// Connected nodes.
    pub peers: Vec<PeerStatus>,
    /// Number of stored events.
    pub stored: u64,
    /// How others reach the node, and what went between it and them.
    pub network: Option<NetworkView>,
    /// When and with whom the node has last caught up, and what that brought.
    pub caught_up: Option<CaughtUp>,
}

/// How others reach the node, and what went between it and them within the last hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkView {
    /// How they reach it.
    pub reached: Reached,
    /// Each node, with the bytes that came from it and those that went to it.
    pub traffic: Vec<(PeerId, u64, u64)>,
}

impl NetworkView {
    /// Bytes received from a node and sent to it.
    pub fn traffic_with(&self, peer: PeerId) -> (u64, u64) {
        let with = self.traffic.iter().find(|(with, _, _)| *with == peer);
        with.map_or((0, 0), |(_, received, sent)| (*received, *sent))
    }

    /// All bytes. A peer that is reached through another one is already in that one's figures.
    pub fn traffic_in_all(&self, peers: &[PeerStatus]) -> (u64, u64) {
        let relayed =
            |peer: PeerId| peers.iter().any(|known| known.peer == peer && known.path == Path::Relayed);
        let straight = self.traffic.iter().filter(|(with, _, _)| !relayed(*with));
        straight.fold((0, 0), |(received, sent), (_, more_received, more_sent)| {
            (received.saturating_add(*more_received), sent.saturating_add(*more_sent))
        })
    }
}

/// The states of the connection pill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pill {
    /// Logged in.
    Connected,
    /// Logged in through a helper.
    Helped,
    /// On the way, for the first time.
    Connecting,
    /// The last attempt failed, or the node says no.
    Offline,
}

impl Connection {
    /// The state of the connection pill.
    pub fn pill(&self) -> Pill {
        match self.phase {
            Phase::LoggedIn(_) if self.is_helped() => Pill::Helped,
            Phase::LoggedIn(_) => Pill::Connected,
            Phase::Refused(_) | Phase::Waiting => Pill::Offline,
            Phase::Idle | Phase::Opening | Phase::Greeting | Phase::Greeted(_) | Phase::Proving(_) => {
                if self.failures == 0 { Pill::Connecting } else { Pill::Offline }
            }
        }
    }

    /// All ways to the node, the straight ones first.
    pub fn ways(&self) -> Vec<Way> {
        let home = self.home.as_ref();
        let mut ways: Vec<Way> = self.node.iter().cloned().map(Way::Straight).collect();
        let others = home.iter().flat_map(|home| &home.addresses).cloned().map(Way::Straight);
        let helpers = home.iter().flat_map(|home| &home.helpers).cloned().map(Way::Helper);
        for way in others.chain(helpers) {
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        ways
    }

    /// Whether somebody else carries what is said.
    pub fn is_helped(&self) -> bool {
        self.way.as_ref().is_some_and(Way::is_helped)
    }

    /// The authority that a login names: the address that the page dialled, or inside of a channel the node's key, so
    /// that the login is not valid anywhere else.
    pub fn authority(&self) -> Option<String> {
        let way = self.way.as_ref()?;
        Some(self.key.map_or_else(|| way.address().authority().to_owned(), |key| key.to_string()))
    }

    /// The node's welcome on this connection.
    pub const fn greeting(&self) -> Option<&NodeGreeting> {
        match &self.phase {
            Phase::Greeted(greeting) | Phase::Proving(greeting) | Phase::LoggedIn(greeting) => Some(greeting),
            _ => None,
        }
    }

    /// Whether the owner is logged in.
    pub const fn is_logged_in(&self) -> bool {
        matches!(self.phase, Phase::LoggedIn(_))
    }

    /// Takes the next request id.
    pub fn ask(&mut self, request: SentRequest) -> RequestId {
        // 0 stands for the connection as a whole, so the count never takes it.
        self.last_request = self.last_request.checked_add(1).unwrap_or(1);
        self.requests.insert(self.last_request, request);
        self.last_request
    }

    /// How long to wait after that many failures, with jitter so that a crowd does not come back as one.
    pub fn retry_delay_ms(&self, random: u32) -> u64 {
        let doublings = self.failures.saturating_sub(1).min(5);
        let base = (FIRST_RETRY_MS << doublings).min(LAST_RETRY_MS);
        base * 3 / 4 + u64::from(random) % (base / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_relay_carries_for_others_counts_once() {
        let [relay, behind, gone] = [1, 2, 3].map(|seed| PeerId::from_ed25519([seed; 32]));
        let known = |peer, path| PeerStatus { peer, owner: None, path, delay_ms: None };
        let traffic = vec![(relay, 100, 10), (behind, 40, 4), (gone, 1, 2)];
        let network = NetworkView { reached: Reached::Directly, traffic };
        assert_eq!(network.traffic_with(behind), (40, 4));
        assert_eq!(network.traffic_with(PeerId::from_ed25519([9; 32])), (0, 0));
        let peers = [known(relay, Path::Direct), known(behind, Path::Relayed)];
        assert_eq!(network.traffic_in_all(&peers), (101, 12));
    }

    #[test]
    fn waits_double_up_to_half_a_minute_and_differ_by_a_quarter() {
        for (failures, base) in
            [(1, 1_000), (2, 2_000), (3, 4_000), (4, 8_000), (5, 16_000), (6, 30_000), (60, 30_000)]
        {
            let connection = Connection { failures, ..Connection::default() };
            for random in [0, 1, 12_345, u32::MAX] {
                let delay = connection.retry_delay_ms(random);
                assert!((base * 3 / 4..base * 5 / 4).contains(&delay), "{failures}: {delay}");
            }
        }
    }

    #[test]
    fn request_ids_skip_zero() {
        let mut connection = Connection { last_request: u32::MAX, ..Connection::default() };
        assert_eq!(connection.ask(SentRequest::Newest), 1);
    }
}
