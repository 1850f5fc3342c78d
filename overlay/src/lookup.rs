//! Resolves names on threads of their own.
//!
//! The system's resolver blocks its thread, for half a minute where a name server does not answer, and cannot be
//! stopped. On threads that others share, such as those that read the store, a few such names would stop everything.

mod name_servers;

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs as _},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{Semaphore, oneshot},
    time::timeout,
};

/// Threads that look up at a time. Names beyond wait, and their time counts; each thread takes 16 KB.
const MAX_THREADS: usize = 8;
/// How long the name service may take.
const LOOKUP_TIME: Duration = Duration::from_secs(10);

/// Looks names up. Clones share the threads.
#[derive(Debug, Clone)]
pub struct Lookups {
    threads: Arc<Semaphore>,
}

/// Why a name has no address, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// No answer in time.
    #[error("the name service does not answer for `{0}`; check the network")]
    NoAnswer(String),
    /// The answer is no.
    #[error("the name `{name}` cannot be resolved ({reason}); check its spelling")]
    Unknown {
        /// The name.
        name: String,
        /// The system's error.
        reason: String,
    },
}

impl Default for Lookups {
    fn default() -> Self {
        Self { threads: Arc::new(Semaphore::new(MAX_THREADS)) }
    }
}

impl Lookups {
    /// The addresses of a name, in the order of the system. A caller that stops waiting leaves the thread to itself; the
    /// program can end meanwhile.
    ///
    /// # Errors
    /// When there is no answer within 10 s, or it is no.
    pub async fn addresses(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, LookupError> {
        self.find(name, LOOKUP_TIME, move |name| addresses(name, port)).await
    }

    async fn find(
        &self,
        name: &str,
        within: Duration,
        ask: impl FnOnce(&str) -> io::Result<Vec<SocketAddr>> + Send + 'static,
    ) -> Result<Vec<SocketAddr>, LookupError> {
        let no_answer = || LookupError::NoAnswer(name.to_owned());
        let asked = async {
            let permit = Arc::clone(&self.threads).acquire_owned().await.ok()?;
            let (reply, answer) = oneshot::channel();
            let wanted = name.to_owned();
            let thread = std::thread::Builder::new().name("lookup".to_owned()).spawn(move || {
                // Whoever asked may have lost patience; the place is free only when the thread is.
                let _gone = reply.send(ask(&wanted));
                drop(permit);
            });
            thread.ok()?;
            answer.await.ok()
        };
        let found = timeout(within, asked).await.ok().flatten().ok_or_else(no_answer)?;
        found.map_err(|error| LookupError::Unknown { name: name.to_owned(), reason: error.to_string() })
    }
}

/// By the system's resolver, or by name servers that it does not know.
fn addresses(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    match name_servers::of_termux() {
        Some(servers) => name_servers::addresses(&servers, name, port),
        None => (name, port).to_socket_addrs().map(Iterator::collect),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_name_has_addresses_or_a_sentence() {
        let lookups = Lookups::default();
        let found = lookups.addresses("localhost", 7).await.unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 7), "{found:?}");
        let error = lookups.addresses("no-such-name.invalid", 7).await.unwrap_err();
        assert!(error.to_string().contains("no-such-name.invalid"), "{error}");
    }

    #[tokio::test]
    async fn a_resolver_that_swallows_questions_takes_no_more_than_its_threads_and_its_time() {
        let lookups = Lookups::default();
        let (wake, asleep) = mpsc::channel::<()>();
        let asleep = Arc::new(std::sync::Mutex::new(asleep));
        let ask = || {
            let asleep = Arc::clone(&asleep);
            lookups.find("swallowed.example", Duration::from_millis(100), move |_| {
                let _woken = asleep.lock().map(|asleep| asleep.recv());
                Ok(vec![])
            })
        };
        let all = futures::future::join_all((0..20).map(|_| ask())).await;
        assert!(all.iter().all(|answer| matches!(answer, Err(LookupError::NoAnswer(_)))), "{all:?}");
        assert_eq!(lookups.threads.available_permits(), 0, "the threads are still asleep");
        drop(wake);
        while lookups.threads.available_permits() < MAX_THREADS {
            tokio::task::yield_now().await;
        }
        assert!(lookups.addresses("localhost", 7).await.is_ok(), "afterwards names are found again");
    }
}
