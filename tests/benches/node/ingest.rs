//! A new node takes all that its neighbour holds: verify, admit, store, push. Beside it: what libsecp256k1 alone does on
//! all cores, measured before and after.

use std::time::{Duration, Instant};

use nostrp2p_tests::{Client, Node, random_key};

use super::{
    figures::{Better, Figures},
    stock::{Stock, cores},
    yardstick,
};
use crate::processor_seconds;

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// When nothing has come for so long, something is broken.
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn measure(stock: &Stock, figures: &Figures) {
    let before = yardstick::verifications_a_second(&stock.events);
    let giver = stock.node().await.start().await;
    let owner = random_key();
    let taker = Node::start(&["-p", &owner.public_key().to_npub(), "-b", &giver.nodes()]).await;
    let mut client = Client::login(&taker.clients(), &owner).await;
    client.watch(0).await;
    let pushed = tokio::spawn(async move {
        let mut texts = 0;
        while let Some(frame) = client.whenever().await {
            if let nostrp2p_protocol::frame::NodeFrame::Batch { events, .. } = frame {
                texts += events.len();
            }
        }
        texts
    });
    let wanted = u64::try_from(stock.events.len()).unwrap();
    let (took, memory) = watch(&taker, wanted).await;
    let count = f64::from(u32::try_from(wanted).unwrap());
    let (theirs, ours) =
        (processor_seconds(giver.process().unwrap()), processor_seconds(taker.process().unwrap()));
    drop((giver, taker));
    drop(pushed.await);
    let after = yardstick::verifications_a_second(&stock.events);
    let (rate, pure) = (count / took.as_secs_f64(), before.min(after));
    figures.add(
        "ingest by catching up",
        &format!(
            "{rate:.0} events/s, {:.0} % of {pure:.0} signature checks/s on all cores",
            100.0 * rate / pure
        ),
        rate / pure,
        Better::Higher,
    );
    let check = 1e6 * f64::from(u32::try_from(cores()).unwrap()) / pure;
    for (name, seconds) in [("ingest, processor time of the taker", ours), ("ingest, of the giver", theirs)] {
        let each = seconds * 1e6 / count;
        let said = format!("{each:.0} us an event, {:.1} of a signature check ({check:.0} us)", each / check);
        figures.add(name, &said, each / check, Better::Lower);
    }
    let said: Vec<String> = memory.iter().map(|megabytes| format!("{megabytes:.0}")).collect();
    figures.say("ingest, memory at each tenth", &format!("{} MB", said.join(" ")));
}

/// From the first event until all are there, and the memory at each tenth, in MB.
async fn watch(taker: &Node, wanted: u64) -> (Duration, Vec<u32>) {
    let (mut begun, mut last, mut memory) = (None, (0, Instant::now()), Vec::new());
    loop {
        let stored = taker.metric("events_stored").await;
        if stored > last.0 {
            last = (stored, Instant::now());
            begun = begun.or(Some(Instant::now()));
        }
        if stored * 10 >= wanted * u64::try_from(memory.len() + 1).unwrap() {
            memory.push(u32::try_from(taker.resident_kib().unwrap() / 1_024).unwrap());
        }
        if stored >= wanted {
            return (begun.unwrap().elapsed(), memory);
        }
        assert!(last.1.elapsed() < PATIENCE, "{stored} of {wanted} events came, and then none for a minute");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
