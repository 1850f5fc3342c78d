//! Gift wraps for the owner at a relay that the owner's list of relays for direct messages names (NIP-17, kind
//! 10050).
//!
//! Relays give them to their recipient alone, so the mirror asks for them after a login (NIP-42), which the owner's
//! client has to sign. It asks a relay that sends no challenge a while after the connection stands. The mirror's
//! other subscriptions do not wait for this.

use nostrp2p_protocol::{Filter, Kind, PublicKey};

/// Ticks until a relay that has sent no challenge counts as one that asks for no login.
const PATIENCE_TICKS: u32 = 3;

/// Whether wraps are asked for on this connection.
#[derive(Debug, Default)]
pub(super) struct Mail {
    wanted: bool,
    logged_in: bool,
    challenged: bool,
    /// The relay has refused them without a login.
    refused: bool,
    ticks: u32,
}

impl Mail {
    pub(super) const fn new(wanted: bool) -> Self {
        Self { wanted, logged_in: false, challenged: false, refused: false, ticks: 0 }
    }

    /// A new connection stands.
    pub(super) const fn on_connected(&mut self) {
        *self = Self::new(self.wanted);
    }

    pub(super) const fn on_challenge(&mut self) {
        self.challenged = true;
    }

    pub(super) const fn on_login(&mut self) {
        self.logged_in = true;
    }

    /// Some time has passed; says whether they are to be asked for from now on.
    pub(super) const fn on_tick(&mut self) -> bool {
        let before = self.is_asked_for();
        self.ticks = self.ticks.saturating_add(1);
        self.is_asked_for() && !before
    }

    /// The relay wants a login; says whether that is because of the wraps, so that the rest can be asked for without.
    pub(super) const fn on_login_wanted(&mut self) -> bool {
        let because = self.is_asked_for() && !self.logged_in;
        self.refused |= because;
        because
    }

    /// Whether they wait for a login.
    pub(super) const fn waits(&self) -> bool {
        self.wanted && !self.logged_in && (self.challenged || self.refused)
    }

    const fn is_asked_for(&self) -> bool {
        let without_login = !self.challenged && !self.refused && self.ticks >= PATIENCE_TICKS;
        self.wanted && (self.logged_in || without_login)
    }

    /// The wanted filters, with the gift wraps or without, as the login stands.
    pub(super) fn among(&self, mut wanted: Vec<Filter>, owner: &PublicKey) -> Vec<Filter> {
        wanted.retain(|filter| !is_mail(filter));
        if self.is_asked_for() {
            wanted.push(Filter {
                kinds: Some([Kind::GIFT_WRAP].into()),
                tags: [('p', [owner.to_string()].into())].into(),
                ..Filter::default()
            });
        }
        wanted
    }
}

/// Whether a filter is that for wraps. The relay may have refused them for weeks, until somebody signed, so what was missed of
/// them is asked for as far back as anything is kept, whatever came of the rest.
pub(super) fn is_mail(filter: &Filter) -> bool {
    filter.kinds.as_ref().is_some_and(|kinds| kinds.contains(&Kind::GIFT_WRAP))
}
