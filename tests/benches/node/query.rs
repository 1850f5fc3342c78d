//! A client asks for 50, 1,000 and 10,000 of the stored events, by time, by author and by conversation, in answers of at
//! most 500; everything as the original's clients ask; and for words, as programs do by NIP-50. Time until the last
//! answer, and bytes of TCP payload.
//!
//! The original needs 126 ms and 1.6 MB for 10,000.

use std::{collections::BTreeSet, time::Instant};

use nostrp2p_protocol::{
    Event, Filter, Kind, PublicKey,
    frame::{ClientFrame, NodeFrame},
};
use nostrp2p_tests::{Client, Node, Relay, Tap, rest};
use serde_json::json;

use super::{
    figures::{Better, Figures},
    stock::{Stock, person},
    yardstick,
};

const COUNTS: [usize; 3] = [50, 1_000, 10_000];
/// The middle one of so many counts.
const ROUNDS: usize = 5;
/// Most events of one answer.
const PAGE: usize = 500;
/// The original's clients ask for so many at a time at most, here.
const REST_PAGE: usize = 5_000;

pub async fn measure(stock: &Stock, figures: &Figures) {
    let check = yardstick::check_us(&stock.events);
    let npub = stock.owner.public_key().to_npub();
    // The tap stands at another port than the node.
    let tapped = ["-p", &npub, "--legacy-rest", "--allow-host", "127.0.0.1", "--allow-origin", "none"];
    let node = stock.node().await.start_with(&tapped).await;
    let tap = Tap::open(&node.clients()).await;
    // The Host header names the tap, which the node does not mind on loopback.
    let mut client = Client::login(&tap.authority, &stock.owner).await;
    for count in COUNTS {
        for (way, filter) in filters(stock, count) {
            let mut times = Vec::new();
            let mut bytes = 0;
            for _ in 0..ROUNDS {
                tap.take();
                let begun = Instant::now();
                ask(&mut client, &filter, count).await;
                times.push(begun.elapsed().as_secs_f64() * 1e3);
                bytes = tap.take().bytes;
            }
            note(&format!("query {count} by {way}"), count, &mut times, bytes, check, figures);
        }
    }
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        tap.take();
        let begun = Instant::now();
        let mut until = u64::MAX;
        for _ in 0..COUNTS[2] / REST_PAGE {
            until = page(&tap.authority, stock, until).await;
        }
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        bytes = tap.take().bytes;
    }
    note("query 10000 by REST, gzip", COUNTS[2], &mut times, bytes, check, figures);
    search(&node, stock, check, figures).await;
}

/// Words as people search for them: one that stands in many posts, five that stand together in one, and one that stands
/// nowhere, for which all is read.
async fn search(node: &Node, stock: &Stock, check: f64, figures: &Figures) {
    let mut relay = Relay::login(&node.clients(), &stock.owner).await;
    let words = |event: &Event, count| {
        // The first is its number.
        let words: Vec<&str> = event.content.split(' ').skip(1).take(count).collect();
        words.join(" ")
    };
    let middle = &stock.events[stock.events.len() / 2];
    for (name, text) in
        [("a word", words(middle, 1)), ("five words", words(middle, 5)), ("nothing", "qqqq".to_owned())]
    {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            found = relay.ask(&[json!({ "search": text, "limit": 50 })]).await.len();
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        assert_eq!(found > 0, name != "nothing", "{text}");
        times.sort_unstable_by(f64::total_cmp);
        let (middle, stored) = (times[ROUNDS / 2], stock.events.len());
        figures.add(
            &format!("search {name}"),
            &format!("{middle:.1} ms among {stored} events, {found} found"),
            middle * 1e3 / check,
            Better::Lower,
        );
    }
}

/// What asks for at least so many, if the stock has them.
fn filters(stock: &Stock, count: usize) -> [(&'static str, Filter); 3] {
    let authors: BTreeSet<PublicKey> =
        (0..(count * 1_000).div_ceil(stock.events.len())).map(|number| person(number).public_key()).collect();
    let roots = stock.events.iter().step_by(1_000).take(count.div_ceil(250));
    let posts = Some(BTreeSet::from([Kind::POST]));
    let mut conversation = Filter { kinds: posts.clone(), ..Filter::default() };
    conversation.tags.insert('e', roots.map(|root| root.id().to_string()).collect());
    [
        ("time", Filter { kinds: posts.clone(), ..Filter::default() }),
        ("author", Filter { authors: Some(authors), kinds: posts, ..Filter::default() }),
        ("conversation", conversation),
    ]
}

/// Asks page by page, as the page does when somebody scrolls.
async fn ask(client: &mut Client, filter: &Filter, count: usize) {
    let (mut got, mut until) = (0, None);
    while got < count {
        let limit = PAGE.min(count - got);
        let filter = Filter { limit: Some(u32::try_from(limit).unwrap()), until, ..filter.clone() };
        client.send(ClientFrame::Fetch { request: 9, filters: vec![filter] }).await;
        let NodeFrame::Answer { events, .. } = client.answer().await else { panic!("no answer") };
        let Some(last) = events.last() else { break };
        until = Some(last.created_at - 1);
        got += events.len();
    }
    assert!(got * 10 >= count * 9, "{got} of {count} events came");
}

/// One page as the original's clients ask for it: everything of a stretch of time. Returns where the next one ends.
async fn page(authority: &str, stock: &Stock, until: u64) -> u64 {
    let newest = stock.events.last().unwrap().created_at;
    let until = until.min(newest);
    let since = until - u64::try_from(REST_PAGE).unwrap() + 1;
    let filter = format!(r#"{{"kinds":[40000],"since":{since},"until":{until},"limit":-1}}"#);
    let answer = rest(authority, "/req", &["accept-encoding: gzip"], filter.as_bytes()).await;
    assert!(answer.events().len() * 10 >= REST_PAGE * 9, "{} events came", answer.events().len());
    since - 1
}

fn note(name: &str, count: usize, times: &mut [f64], bytes: usize, check: f64, figures: &Figures) {
    times.sort_unstable_by(f64::total_cmp);
    let (middle, count) = (times[ROUNDS / 2], f64::from(u32::try_from(count).unwrap()));
    let (each, size) = (middle * 1e3 / count, f64::from(u32::try_from(bytes).unwrap()));
    let said = format!(
        "{middle:.1} ms, {:.0} KB; {each:.1} us and {:.0} bytes an event",
        size / 1_024.0,
        size / count
    );
    figures.add(name, &said, each / check, Better::Lower);
    figures.add(
        &format!("{name}, bytes"),
        &format!("{:.0} an event", size / count),
        size / count,
        Better::Lower,
    );
}
