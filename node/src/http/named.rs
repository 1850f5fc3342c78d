//! The name in `Host` by which a request has come.

use nostrp2p_protocol::Authority;

use crate::own_names::SocketEnds;

/// The name by which a request has come, in the extensions of each request that passes the check.
/// [`crate::own_names::OwnNames::is_own`] says whether it is one of the node's own.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    /// The `Host` of the request.
    pub(crate) authority: Authority,
    /// The accepted connection.
    pub(crate) ends: Option<SocketEnds>,
    /// Whether a page of somebody else asks. It gets the NIP-11 document, and the relay's inbox under a name that is for
    /// everybody, and nothing else.
    pub(crate) from_foreign_page: bool,
}
