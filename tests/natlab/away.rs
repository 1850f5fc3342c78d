//! Somebody on the way: their node is behind a symmetric router, they are on the internet, and meet it at helpers.
//!
//! The client is the frame client of the tests, without TLS, for a browser would need names and certificates in the
//! namespaces; `tests/tests/home.rs` has the browser and TLS.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nostrp2p_protocol::{Kind as EventKind, SecretKey};
use nostrp2p_tests::{Client, HomeLink, post, random_key};
use tokio::time::{interval, timeout};

use crate::{
    resident::{PORT, Resident, connect_to, start},
    topology::{Kind, Topology},
};

/// How many messages must arrive.
pub const MESSAGES: usize = 5;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What it takes.
pub struct Away<'a> {
    /// The addresses of two helpers, the one that will be killed first.
    pub helpers: &'a [String],
    pub bootstrap: &'a str,
    pub folder: &'a Path,
    pub binary: &'a Path,
}

impl Away<'_> {
    /// Claims the node at home, writes and reads, kills the helper in use and goes on by the other one. `helper` is the
    /// node of the first helper, the friend is one of the others. Returns what did not arrive.
    pub async fn run(
        &self,
        topology: &mut Topology,
        helper: Resident,
        people: &[Resident],
    ) -> Result<Vec<String>> {
        let begun = Instant::now();
        let friend = people.iter().find(|person| person.name == "sym-2").context("nobody to talk to")?;
        let space = topology.home(Kind::Symmetric, &["away"])?.pop().context("no home")?;
        let (road, _) = topology.public("road")?;
        let bootstrap = format!("{}:{PORT}", self.bootstrap);
        let arguments = ["-b".to_owned(), bootstrap, "--page".to_owned(), "https://page.example".to_owned()];
        let (home, _) = start("away", &space, self.folder, self.binary, &arguments).await?;
        let link = HomeLink::read(&self.link().await?);
        println!("natlab: a node behind a symmetric router has two ways after {:.1} s", seconds(begun));

        let [first, second] = self.helpers else { bail!("two helpers are needed") };
        let key = random_key();
        let mut client = come(&road, first, &link).await?;
        client.become_owner(link.token.context("a claim link")?, &key).await;
        client.delegate(&key).await;
        client.neighbours(1).await;
        client.watch(0).await;
        let mut lost = talk(&mut client, &key, friend, "by the first helper").await?;

        helper.kill().await?;
        let ended = async { while client.next().await.is_some() {} };
        timeout(PATIENCE, ended).await.context("the way still stands although its helper is dead")?;
        let text = "while nobody was connected";
        friend.publish(EventKind::POST, vec![], text).await?;
        let mut client = come(&road, second, &link).await?;
        client.sign_in(&key).await;
        client.watch(0).await;
        if timeout(PATIENCE, client.hear(text)).await.is_err() {
            lost.push(format!("home by a helper: {text}"));
        }
        lost.extend(talk(&mut client, &key, friend, "by the second helper").await?);
        println!(
            "natlab: claimed and used from elsewhere, over the death of a helper, after {:.1} s",
            seconds(begun)
        );
        drop(home);
        Ok(lost)
    }

    /// The link that the person has taken along, once it names both helpers.
    async fn link(&self) -> Result<String> {
        let file = self.folder.join("away").join("claim-link");
        let mut pause = interval(Duration::from_millis(200));
        let told = async {
            loop {
                pause.tick().await;
                let text = std::fs::read_to_string(&file).unwrap_or_default();
                let link = text.lines().last().unwrap_or_default();
                if link.matches("&way=").count() == 2 {
                    return link.to_owned();
                }
            }
        };
        timeout(PATIENCE, told).await.context("the node at home has not found two helpers")
    }
}

/// Goes home by the helper of this address.
async fn come(road: &str, helper: &str, link: &HomeLink) -> Result<Client> {
    let address: SocketAddr = format!("{helper}:{}", PORT + 1).parse()?;
    let stream = connect_to(road, address)?;
    let come = Client::through_over(stream, &address.to_string(), &link.peer, &link.key).await;
    come.map_err(|error| anyhow::anyhow!("the helper {helper} does not bring us home: {error:?}"))
}

/// One post each way; returns those that did not arrive.
async fn talk(client: &mut Client, key: &SecretKey, friend: &Resident, how: &str) -> Result<Vec<String>> {
    let (out, back) = (format!("from the road {how}"), format!("to the road {how}"));
    client.publish(&post(key, &out)).await;
    friend.publish(EventKind::POST, vec![], &back).await?;
    let mut lost = Vec::new();
    if timeout(PATIENCE, client.hear(&back)).await.is_err() {
        lost.push(format!("home by a helper: {back}"));
    }
    let begun = Instant::now();
    let mut pause = interval(Duration::from_millis(100));
    while friend.heard(&out).is_none() {
        if begun.elapsed() > PATIENCE {
            lost.push(format!("home by a helper: {out}"));
            break;
        }
        pause.tick().await;
    }
    Ok(lost)
}

fn seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}
