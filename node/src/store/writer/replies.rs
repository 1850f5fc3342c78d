//! Saying to whoever waits for a write how it went.

use nostrp2p_core::Inserted;
use nostrp2p_runtime::StoreReply;
use tokio::sync::mpsc;

use super::Write;

/// Tells everybody who waits that it is done. Whoever no longer waits has gone away.
pub(super) fn answer(group: impl Iterator<Item = Write>, inserted: Vec<Inserted>) {
    let mut inserted = inserted.into_iter();
    for write in group {
        match write {
            Write::Event(_, reply, _) => {
                let stored = inserted.next();
                if let (
                    StoreReply::Told(reply) | StoreReply::Readable(reply) | StoreReply::Durable(reply),
                    Some(stored),
                ) = (reply, stored)
                {
                    drop(reply.send(Ok(stored)));
                }
            }
            Write::Owner(_, reply) | Write::Settle(reply) => drop(reply.send(Ok(()))),
            Write::Sent(_) | Write::Delivery(..) | Write::MetaWrite(_) => {}
            #[cfg(test)]
            Write::Panic => {}
        }
    }
}

/// Says no to all who want to write now, and whether there may be more.
pub(super) fn refuse(writes: &mut mpsc::Receiver<Write>, reason: &str) -> bool {
    loop {
        match writes.try_recv() {
            Ok(write) => fail(std::iter::once(write), reason),
            Err(mpsc::error::TryRecvError::Empty) => return true,
            Err(mpsc::error::TryRecvError::Disconnected) => return false,
        }
    }
}

pub(super) fn fail(group: impl Iterator<Item = Write>, reason: &str) {
    for write in group {
        match write {
            Write::Event(
                _,
                StoreReply::Told(reply) | StoreReply::Readable(reply) | StoreReply::Durable(reply),
                _,
            ) => {
                drop(reply.send(Err(reason.to_owned())));
            }
            Write::Event(_, StoreReply::Nobody, _)
            | Write::Sent(_)
            | Write::Delivery(..)
            | Write::MetaWrite(_) => {}
            Write::Owner(_, reply) | Write::Settle(reply) => drop(reply.send(Err(reason.to_owned()))),
            #[cfg(test)]
            Write::Panic => {}
        }
    }
}
