//! Searching the node for words.

use super::*;
use crate::{model::connection::SentRequest, route::Route, vdom::Text};

impl Rig {
    fn type_search(&mut self, words: &str) -> Vec<ClientFrame> {
        self.give(Reading::SearchTyped(words.into()).into());
        self.give(Message::Timer(Timer::Search));
        self.sent().into_iter().filter(|frame| matches!(frame, ClientFrame::Search { .. })).collect()
    }
}

fn page(model: &Model) -> String {
    format!("{:?}", crate::view::view(model))
}

#[test]
fn what_is_typed_is_searched_for_in_the_node_and_what_it_finds_is_shown() {
    let mut rig = Rig::in_use(0);
    let fragment: Text = Route::Find.fragment();
    rig.give(Message::Browser(BrowserNews::Fragment(fragment.into_owned())));
    rig.sent();
    assert_eq!(rig.type_search("a"), [], "in nearly all posts");
    let frames = rig.type_search(" full width ");
    let [ClientFrame::Search { request, filters, words }] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((filters.len(), words.as_str()), (2, "full width"));
    assert!(page(&rig.model).contains("Searching your node"));
    // The node folds letters that are not folded here.
    let found = post(2, 100, "ＦＵＬＬ ｗｉｄｔｈ").into_rumor();
    rig.frame(NodeFrame::Answer { request: *request, complete: true, events: vec![found] });
    assert!(page(&rig.model).contains("ＦＵＬＬ") && !rig.model.open.loading);
    let frames = rig.type_search("nothing of that");
    let [ClientFrame::Search { request, .. }] = &frames[..] else { panic!("{frames:?}") };
    rig.frame(NodeFrame::Answer { request: *request, complete: true, events: vec![] });
    assert!(
        page(&rig.model).contains("Your node holds nothing of that")
            && !page(&rig.model).contains("ＦＵＬＬ")
    );
}

#[test]
fn keys_and_names_by_a_domain_are_no_words() {
    let mut rig = Rig::in_use(0);
    rig.give(Message::Browser(BrowserNews::Fragment("#/find".into())));
    rig.sent();
    for text in [public(2).to_npub(), "ada@example.org".to_owned(), "x".repeat(2_000)] {
        let searched = rig.type_search(&text);
        assert!(!searched.iter().any(|frame| matches!(frame, ClientFrame::Search { .. })), "{text}");
        assert!(!rig.model.connection.requests.values().any(|request| *request == SentRequest::Search));
    }
}

#[test]
fn a_hashtag_shows_posts_that_have_it_as_a_tag_and_none_with_a_longer_word() {
    let mut rig = Rig::in_use(0);
    let tagged = |content: &str, tag: &str| {
        let tags = vec![nostrp2p_protocol::Tag::new(["t", tag])];
        EventTemplate { created_at: 100, kind: Kind::POST, tags, content: content.into() }.by(public(2))
    };
    let events = vec![
        tagged("only by its tag", "Art"),
        tagged("by another", "artist"),
        post(2, 101, "in the text #ART!").into_rumor(),
        post(2, 102, "an #artist").into_rumor(),
    ];
    rig.frame(NodeFrame::Batch { through: 4, newest: 4, events });
    rig.give(Reading::Hashtag("#Art".into()).into());
    rig.give(Message::Browser(BrowserNews::Fragment("#/find".into())));
    let shown = page(&rig.model);
    assert!(shown.contains("only by its tag") && shown.contains("in the text "), "{shown}");
    assert!(!shown.contains("by another") && !shown.contains("an #artist") && !shown.contains("\"an \""));
}
