//! The NIP-11 document: what this relay is and which limits it has.

use nostrp2p_protocol::{
    PublicKey,
    limits::{
        MAX_BATCH_EVENTS, MAX_CREATED_AT, MAX_EVENT_BYTES, MAX_FILTERS, MAX_LIST_TAGS,
        MAX_OWNER_MESSAGE_BYTES, MAX_SECONDS_AHEAD,
    },
};
use serde::Serialize;

use crate::session::{MAX_SUBSCRIPTION_ID, MAX_SUBSCRIPTIONS, Policy};

/// The NIPs that a test proves: nothing else is advertised. `tests/tests/relay_nips.rs` has one for each, and compares.
pub const SUPPORTED_NIPS: [u16; 22] =
    [1, 2, 9, 10, 11, 13, 17, 18, 22, 25, 40, 42, 44, 45, 50, 56, 59, 62, 65, 70, 77, 98];

/// The repository of the software; empty as long as the manifest names none, and then it is left out.
const SOFTWARE: &str = env!("CARGO_PKG_REPOSITORY");

/// The document itself; serialise it as JSON with content type `application/nostr+json`.
#[derive(Debug, Serialize)]
pub struct Information {
    name: String,
    description: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pubkey: Option<PublicKey>,
    supported_nips: &'static [u16],
    #[serde(skip_serializing_if = "str::is_empty")]
    software: &'static str,
    version: &'static str,
    limitation: Limitation,
}

#[derive(Debug, Serialize)]
struct Limitation {
    max_message_length: usize,
    max_subscriptions: usize,
    max_filters: usize,
    max_limit: usize,
    max_subid_length: usize,
    max_event_tags: usize,
    max_content_length: usize,
    min_pow_difficulty: u8,
    auth_required: bool,
    payment_required: bool,
    restricted_writes: bool,
    created_at_lower_limit: u64,
    created_at_upper_limit: u64,
    default_limit: usize,
}

impl Information {
    /// Describes the relay of a node to pages of anybody: not whose it is, or each page would learn who its visitor is.
    /// Where guests read, its owner is no secret; nor under a name of the node that is for everybody, where it has an inbox.
    pub fn to_strangers(owner: Option<PublicKey>, policy: Policy, public_name: bool) -> Self {
        let known = policy.public_read || policy.inbox.is_some() && public_name;
        Self::new(owner.filter(|_| known), policy)
    }

    /// Describes the relay of a node, which belongs to this person if to anybody yet.
    pub fn new(owner: Option<PublicKey>, policy: Policy) -> Self {
        let description = match policy {
            Policy { open: true, .. } => {
                "A personal node of the nostrp2p overlay. It serves its owner, without login, inside a private network."
            }
            Policy { inbox: Some(_), public_read: true, .. } => {
                "A personal node of the nostrp2p overlay. Anybody reads what is public, and brings mail that names its \
                 owner; its owner reads and writes the rest, after AUTH."
            }
            Policy { inbox: Some(_), .. } => {
                "A personal node of the nostrp2p overlay. Anybody brings mail that names its owner (NIP-17, NIP-65); its \
                 owner reads and writes, after AUTH."
            }
            Policy { public_read: true, .. } => {
                "A personal node of the nostrp2p overlay. Anybody reads what is public; its owner writes, after AUTH."
            }
            Policy { .. } => "A personal node of the nostrp2p overlay. It serves its owner only, after AUTH.",
        };
        Self {
            name: owner
                .map_or_else(|| "a nostrp2p node".to_owned(), |owner| format!("node {}", owner.short())),
            description,
            pubkey: owner,
            supported_nips: &SUPPORTED_NIPS,
            software: SOFTWARE,
            version: env!("CARGO_PKG_VERSION"),
            limitation: Limitation {
                // What the owner may send after AUTH: programs that heed these would keep long lists back.
                max_message_length: MAX_OWNER_MESSAGE_BYTES,
                max_subscriptions: MAX_SUBSCRIPTIONS,
                max_filters: MAX_FILTERS,
                max_limit: MAX_BATCH_EVENTS,
                max_subid_length: MAX_SUBSCRIPTION_ID,
                max_event_tags: MAX_LIST_TAGS,
                max_content_length: MAX_EVENT_BYTES,
                // Of strangers who bring something to the inbox; the owner needs none.
                min_pow_difficulty: policy.inbox.map_or(0, |terms| terms.work),
                auth_required: !(policy.open || policy.public_read || policy.inbox.is_some()),
                payment_required: false,
                restricted_writes: true,
                // Old events of the owner are as welcome as new ones.
                created_at_lower_limit: MAX_CREATED_AT,
                created_at_upper_limit: MAX_SECONDS_AHEAD,
                default_limit: MAX_BATCH_EVENTS,
            },
        }
    }
}
