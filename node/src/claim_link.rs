//! The claim link of a running node: printed, and kept in the data directory for `nostrp2p owner claim-link`.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use nostrp2p_core::Claim;
use nostrp2p_protocol::PeerId;

use crate::{claim, node_status::OpenWays, settings::Settings};

/// Shows the claim link that works now, with the ways home that are open now.
pub(crate) struct ClaimLink<S> {
    say: S,
    page: LinkPage,
    state: Mutex<State>,
}

/// Which pages the link is for, and what is said beside it.
struct LinkPage {
    data_dir: PathBuf,
    /// On this machine.
    here: String,
    /// From anywhere, once there is a way home.
    elsewhere: Option<String>,
    peer: PeerId,
    minutes: u64,
    qr: bool,
}

enum State {
    /// The node has not said yet what it is. What it was told last waits for that.
    Waiting(Option<(Claim, OpenWays)>),
    /// The token that was printed last, and whether with a way home.
    Shown(Option<([u8; 16], bool)>),
}

impl<S: Fn(&str)> ClaimLink<S> {
    /// A link that waits for [`ClaimLink::begin`]. `claim` is None when the node has an owner.
    pub(crate) fn new(
        say: S,
        settings: &Settings,
        clients: SocketAddr,
        peer: PeerId,
        claim: Option<(Claim, OpenWays)>,
    ) -> Self {
        let page = LinkPage {
            data_dir: settings.data_dir.clone(),
            here: claim::address(clients, settings.tls.is_some()),
            elsewhere: settings.home.page.clone(),
            peer,
            minutes: settings.claim_seconds / 60,
            qr: settings.qr,
        };
        Self { say, page, state: Mutex::new(State::Waiting(claim)) }
    }

    /// Shows what the node was told last, and from now on what it is told at once. The driver runs before the node has
    /// said what it is, and may know of ways home or of an owner by now.
    pub(crate) fn begin(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *state, State::Shown(None));
        if let State::Waiting(Some((claim, ways))) = before {
            self.show(&mut state, Some(&claim), &ways);
        }
    }

    /// A claim works from now on, or none when the node has been claimed; these ways home are open.
    pub(crate) fn tell(&self, claim: Option<&Claim>, ways: &OpenWays) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.show(&mut state, claim, ways);
    }

    /// Ways home that come later are printed once; after that the link in the data directory follows them.
    fn show(&self, state: &mut State, claim: Option<&Claim>, ways: &OpenWays) {
        let said = match state {
            State::Waiting(last) => return *last = claim.map(|claim| (claim.clone(), ways.clone())),
            State::Shown(said) => said,
        };
        let page = &self.page;
        let Some(claim) = claim else { return claim::keep(&page.data_dir, None) };
        let link = |address: &str| claim::link(address, claim, &page.peer, &ways.into());
        let (local, reached) = (link(&page.here), !ways.ways.is_empty());
        let elsewhere = page.elsewhere.as_deref().filter(|_| reached).map(link);
        let all: Vec<&str> = [Some(local.as_str()), elsewhere.as_deref()].into_iter().flatten().collect();
        claim::keep(&page.data_dir, Some(&all.join("\n")));
        let news = Some((claim.token, reached));
        if *said != news && (reached || said.is_none_or(|(token, _)| token != claim.token)) {
            *said = news;
            (self.say)(&claim::text(&local, elsewhere.as_deref(), page.minutes, page.qr));
        }
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_core::OpenTunnel;
    use nostrp2p_protocol::channel::ChannelKey;

    use super::*;

    const CLAIM: Claim = Claim { token: [0xab; 16], expires: 0 };

    fn ways(helpers: &[&str]) -> OpenWays {
        let open =
            |address: &&str| OpenTunnel { helper: PeerId::from_ed25519([3; 32]), address: (*address).into() };
        let ways = helpers.iter().map(open).collect();
        OpenWays { key: ChannelKey::from_bytes([7; 32]), addresses: vec![], ways }
    }

    /// What is printed and what is kept after the node was told things before and after it began.
    fn shown(
        before: &[(Option<Claim>, OpenWays)],
        after: &[(Option<Claim>, OpenWays)],
    ) -> (usize, Option<String>) {
        let directory = tempfile::tempdir().unwrap();
        let printed = Mutex::new(Vec::new());
        let page = LinkPage {
            data_dir: directory.path().to_owned(),
            here: "http://127.0.0.1:1".into(),
            elsewhere: None,
            peer: PeerId::from_ed25519([5; 32]),
            minutes: 60,
            qr: false,
        };
        let say = |text: &str| printed.lock().unwrap().push(text.to_owned());
        let link = ClaimLink { say, page, state: Mutex::new(State::Waiting(Some((CLAIM, ways(&[]))))) };
        before.iter().for_each(|(claim, ways)| link.tell(claim.as_ref(), ways));
        assert_eq!((printed.lock().unwrap().len(), claim::kept(directory.path())), (0, None));
        link.begin();
        after.iter().for_each(|(claim, ways)| link.tell(claim.as_ref(), ways));
        let printed = printed.lock().unwrap().len();
        (printed, claim::kept(directory.path()))
    }

    #[test]
    fn a_way_home_that_opens_before_the_node_has_said_what_it_is_stands_in_the_link() {
        let helped = || (Some(CLAIM), ways(&["wss://helper.example"]));
        let (printed, kept) = shown(&[helped()], &[]);
        assert!(printed == 1 && kept.unwrap().contains("&way=wss://helper.example"));
        // One that opens later is printed once more, and others are not.
        let (printed, kept) = shown(&[], &[helped(), (Some(CLAIM), ways(&["wss://other.example"]))]);
        assert!(printed == 2 && kept.unwrap().contains("&way=wss://other.example"));
    }

    #[test]
    fn a_node_that_was_claimed_before_it_has_said_what_it_is_shows_no_link() {
        assert_eq!(shown(&[(None, ways(&[]))], &[]), (0, None));
        assert_eq!(shown(&[], &[(None, ways(&[]))]), (1, None));
    }
}
