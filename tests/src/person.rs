//! A person: a key, a node that is claimed and delegated, and a client that is signed in.

use nostrp2p_protocol::SecretKey;

use crate::{Browser, Client, Node, Size, random_key};

/// A person who has arrived.
pub struct Person {
    /// Who it is.
    pub key: SecretKey,
    /// Their node.
    pub node: Node,
    /// Signed in at the node.
    pub client: Client,
}

impl Person {
    /// Starts a node, joined to that of somebody else if given, claims it and delegates it.
    pub async fn arrive(at: Option<&Self>) -> Self {
        match at {
            Some(other) => Self::arrive_with(&["-b", &other.node.nodes()]).await,
            None => Self::arrive_with(&[]).await,
        }
    }

    /// Starts a node with these flags, claims it and delegates it.
    pub async fn arrive_with(arguments: &[&str]) -> Self {
        let key = random_key();
        let node = Node::start(arguments).await;
        let mut client = Client::claim(&node.clients(), node.token(), &key).await;
        client.delegate(&key).await;
        Self { key, node, client }
    }

    /// Two people whose nodes know each other.
    pub async fn pair() -> (Self, Self) {
        let mut one = Self::arrive(None).await;
        let other = Self::arrive(Some(&one)).await;
        one.client.neighbours(1).await;
        (one, other)
    }

    /// Three people who watch; the nodes of the second and the third know that of the first.
    pub async fn three_who_watch() -> (Self, Self, Self) {
        let mut first = Self::arrive(None).await;
        let mut second = Self::arrive(Some(&first)).await;
        let mut third = Self::arrive(Some(&first)).await;
        for client in [&mut first.client, &mut second.client, &mut third.client] {
            client.watch(0).await;
        }
        second.client.neighbours(1).await;
        third.client.neighbours(1).await;
        (first, second, third)
    }

    /// Two people whose nodes know each other, and a browser in which the first is signed in.
    pub async fn pair_with_browser(size: Size) -> (Self, Self, Browser) {
        let (one, other) = Self::pair().await;
        let browser = Browser::start(size).await;
        browser.sign_in(&one.node, &one.key.to_nsec()).await;
        (one, other, browser)
    }
}
