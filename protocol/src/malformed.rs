//! Errors of decoding.

/// Why bytes are not the message that was expected. The sender is to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The MessagePack is cut off, of another type, or over a limit.
    #[error("malformed message: {0}")]
    Encoding(String),
    /// Bytes follow the message.
    #[error("malformed message: {0} bytes follow its end")]
    Trailing(usize),
    /// The message begins with a type that this version does not know.
    #[error("unknown message type {0}")]
    UnknownType(u8),
    /// The message is longer than its channel allows.
    #[error("the message has {length} bytes, {max} are allowed")]
    TooLong {
        /// Bytes received.
        length: usize,
        /// Bytes allowed.
        max: usize,
    },
}
