//! A small town: several people with a node each, who have written for a while. For pictures, for checks of every
//! screen, and for whoever wants to see how the page looks in use.

use nostrp2p_protocol::{Event, EventId, EventTemplate, Kind, PublicKey, SecretKey, Tag};
use serde_json::json;

use crate::{Person, now};

/// Who lives here: name, what they say of themselves, and their name by a domain.
const PEOPLE: [(&str, &str, &str); 6] = [
    ("Mia Lindqvist", "Gardener, cyclist, slow reader. Malmö.", "mia@garden.example"),
    ("佐藤 花", "京都で小さな本屋をやっています。猫と古本。", "hana@honya.example"),
    ("Tomás", "I repair radios and write about it.", ""),
    ("Professor Wilhelmina van der Zee-Oosterhuis", "Tides, dykes, and the history of both.", ""),
    ("يوسف", "أكتب عن الخبز والصبر", ""),
    ("kei", "", "kei@kei.example"),
];

/// The town. Its nodes run until it is dropped.
pub struct Town {
    /// In the order in which they moved in; the first one has news waiting.
    pub people: Vec<Person>,
    /// A post with a conversation under it.
    pub conversation: EventId,
    started: u64,
}

/// What somebody writes: how many minutes ago, and whom it concerns.
struct Words<'a> {
    by: usize,
    minutes_ago: u64,
    kind: Kind,
    tags: Vec<Tag>,
    text: &'a str,
}

impl Town {
    /// Starts the nodes, and has people write.
    pub async fn found() -> Self {
        let mut people: Vec<Person> = Vec::new();
        for _ in PEOPLE {
            let person = Person::arrive(people.first()).await;
            people.push(person);
        }
        let everybody = people.len() - 1;
        people[0].client.neighbours(everybody).await;
        let mut town = Self { people, conversation: EventId::from_bytes([0; 32]), started: now() };
        town.introduce().await;
        town.talk().await;
        town
    }

    /// The secret key of somebody, as a person would type it.
    pub fn nsec(&self, person: usize) -> String {
        self.people[person].key.to_nsec().to_string()
    }

    /// The public key of somebody.
    pub fn public(&self, person: usize) -> PublicKey {
        self.people[person].key.public_key()
    }

    async fn introduce(&mut self) {
        for (by, (name, about, nip05)) in PEOPLE.into_iter().enumerate() {
            let text = json!({ "name": name, "about": about, "nip05": nip05 }).to_string();
            self.write(Words { by, minutes_ago: 3_000, kind: Kind::PROFILE, tags: vec![], text: &text })
                .await;
        }
        let follows = (1..4).map(|person| p(&self.public(person))).collect();
        self.write(Words { by: 0, minutes_ago: 2_900, kind: Kind::FOLLOW_LIST, tags: follows, text: "" })
            .await;
    }

    async fn talk(&mut self) {
        self.post(3, 1_600, "The tide tables for the winter are printed. Ask me for a copy; I carry them on the bicycle, as always, and I am slower than the post but the conversation is better.").await;
        self.post(2, 700, "A customer brought a 1953 table radio. It had been “repaired” with a paper clip.\n\nI have framed the paper clip.").await;
        let bread = self.post(4, 420, "الخبز اليوم أفضل من خبز الأمس، والسبب هو الصبر.").await;
        let shop =
            self.post(1, 240, "今日から古本市です。\n雨でも開いています。傘をさして来てください。☔").await;
        let tomatoes = self
            .post(0, 180, "First tomatoes of the year, and it is only June. 🍅 Three more trays than I have room for: whoever wants some can come by on Saturday.")
            .await;
        self.conversation = tomatoes.id();
        self.post(5, 150, "https://example.org/a-very-long-address/that-goes-on/and-on/until-it-would-break-any-narrow-column-if-nobody-thought-of-it").await;
        let quote = format!("Worth the trip in any weather. nostr:{}", shop.id().to_note());
        let tags = vec![tag("q", &shop.id()), p(&self.public(1))];
        self.write(Words { by: 3, minutes_ago: 95, kind: Kind::POST, tags, text: &quote }).await;
        // A repost holds the post itself (NIP-18).
        let whole = serde_json::to_string(&bread).unwrap_or_default();
        let tags = vec![tag("e", &bread.id()), p(&self.public(4))];
        self.write(Words { by: 2, minutes_ago: 60, kind: Kind::REPOST, tags, text: &whole }).await;
        self.answer(1, 40, &tomatoes, "土曜日に伺います。梅干しと交換しませんか？").await;
        self.answer(2, 35, &tomatoes, "Save me a tray. I pay in working radios.").await;
        for (by, minutes_ago) in [(3, 30), (5, 25)] {
            let tags = vec![tag("e", &tomatoes.id()), p(&self.public(0))];
            self.write(Words { by, minutes_ago, kind: Kind::REACTION, tags, text: "+" }).await;
        }
        let tags = vec![p(&self.public(0))];
        let mention = format!("nostr:{} do you still have the ladder?", self.public(0).to_npub());
        self.write(Words { by: 5, minutes_ago: 12, kind: Kind::POST, tags, text: &mention }).await;
        let long: Vec<String> = (1..=16)
            .map(|line| format!("{line}. {}", "Measure twice, cut once. ".repeat(line % 3 + 1)))
            .collect();
        self.post(2, 8, &long.join("\n")).await;
        self.post(1, 2, "閉店前の静かな時間。お茶を淹れます。").await;
    }

    async fn post(&mut self, by: usize, minutes_ago: u64, text: &str) -> Event {
        self.write(Words { by, minutes_ago, kind: Kind::POST, tags: vec![], text }).await
    }

    async fn answer(&mut self, by: usize, minutes_ago: u64, to: &Event, text: &str) {
        let root = Tag::new(["e".to_owned(), to.id().to_string(), String::new(), "root".to_owned()]);
        let tags = vec![root, p(&to.pubkey)];
        self.write(Words { by, minutes_ago, kind: Kind::POST, tags, text }).await;
    }

    /// Publishes at the author's node.
    async fn write(&mut self, words: Words<'_>) -> Event {
        let Words { by, minutes_ago, kind, tags, text } = words;
        let created_at = self.started - minutes_ago * 60;
        let event =
            EventTemplate { created_at, kind, tags, content: text.to_owned() }.sign(self.key(by), &[7; 32]);
        self.people[by].client.publish(&event).await;
        event
    }

    fn key(&self, person: usize) -> &SecretKey {
        &self.people[person].key
    }
}

fn p(person: &PublicKey) -> Tag {
    Tag::new(["p".to_owned(), person.to_string()])
}

fn tag(name: &str, id: &EventId) -> Tag {
    Tag::new([name.to_owned(), id.to_string()])
}
