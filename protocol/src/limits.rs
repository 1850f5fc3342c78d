//! The bounds of what a message may be. Whoever sends more is told so, or ignored.

/// Longest canonical serialisation of an event, in bytes: 64 KiB, as strfry takes.
pub const MAX_EVENT_BYTES: usize = 64 * 1024;

/// Most tags of an event. [`MAX_EVENT_BYTES`] is reached earlier by long ones: about 900 plain `p` tags fit.
pub const MAX_TAGS: usize = 2_000;

/// Most people (`p` tags) whom a post, repost, reaction or gift wrap names. A conversation of more is a mailing list, and
/// mentions of hundreds are how spam calls for attention; a guess. Lists of people may hold more.
pub const MAX_PEOPLE: usize = 100;

/// Most elements of one tag. The longest in the NIPs has about a dozen; a guess with room.
pub const MAX_TAG_ELEMENTS: usize = 100;

/// How far ahead of the receiver's clock an event may be dated, in seconds: 900, as strfry takes.
pub const MAX_SECONDS_AHEAD: u64 = 900;

/// Latest `created_at` of an event in seconds: what a double and JavaScript hold exactly.
pub const MAX_CREATED_AT: u64 = (1 << 53) - 1;

/// Longest frame between client and node in bytes: an event and its frame with room, 128 KiB as relays take.
pub const MAX_FRAME_BYTES: usize = 128 * 1024;

/// Longest message of a Nostr program at the relay, in bytes: a question that names [`MAX_FILTER_VALUES`] people, each in 67
/// bytes of JSON, with as many events and a search has room.
pub const MAX_RELAY_MESSAGE_BYTES: usize = 256 * 1024;

/// Longest body of a batch after decompression, in bytes. The node closes a batch well before.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// Most events of one batch or answer: 500, the filter limit that strfry takes.
pub const MAX_BATCH_EVENTS: usize = 500;

/// Most filters of one question.
pub const MAX_FILTERS: usize = 20;

/// Most values of one field of a filter. A follow list of 2,000 people must fit.
pub const MAX_FILTER_VALUES: usize = 2_000;

/// Longest text of a refusal or an agent name, in bytes. Longer ones are cut by the sender.
pub const MAX_TEXT_BYTES: usize = 1_000;

/// Longest name of a read marker, in bytes: a kind of view and an event id fit.
pub const MAX_MARKER_BYTES: usize = 80;

/// Most read markers of an owner. Those read up to the earliest time make room.
pub const MAX_MARKERS: usize = 1_000;

/// Most ways to a node of one kind that it tells its clients: it keeps two or three helpers.
pub const MAX_WAYS: usize = 8;

/// Longest way to a node in bytes: a DNS name has at most 253.
pub const MAX_WAY_BYTES: usize = 270;
