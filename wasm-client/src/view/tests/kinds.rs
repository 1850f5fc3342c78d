//! What is no post: reposts of anything, comments, polls, articles, highlights, pictures, and what nobody here knows.

use super::*;
use crate::model::thread;

fn event(author: u8, kind: u16, tags: &[&[&str]], content: &str) -> UnsignedEvent {
    let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
    EventTemplate { created_at: 7, kind: Kind(kind), tags, content: content.into() }.by(person(author))
}

fn everyone(events: &[&UnsignedEvent]) -> Model {
    let mut model =
        Model { stage: PersonStage::Using, me: Some(person(1)), tab: Tab::Everyone, ..Model::default() };
    for event in events {
        timeline::insert(&mut model, event, Origin::Live);
    }
    model
}

#[track_caller]
fn check(unsigned: &UnsignedEvent, shown: &[&str]) {
    let page = text_of(&view(&everyone(&[unsigned])));
    for text in shown {
        assert!(page.contains(text), "{text:?} in {page:?}");
    }
}

#[test]
fn what_stands_in_tags_is_shown_with_the_text() {
    check(
        &event(2, 1_068, &[&["option", "a", "Tea"], &["option", "b", "Coffee"]], "What shall it be?"),
        &["What shall it be?", "Tea", "Coffee", "0 votes"],
    );
    check(
        &event(2, 30_023, &[&["d", "x"], &["title", "On Rust"]], "It compiles."),
        &["On Rust", "It compiles."],
    );
    check(&event(2, 9_802, &[&["r", "https://a.example/b"]], "well said"), &["well said", "a.example/b"]);
    let picture: &[&str] = &["imeta", "m image/jpeg", "url https://a.example/c.jpg"];
    check(&event(2, 20, &[&["title", "A lake"], picture], ""), &["A lake", "a.example"]);
    check(&event(2, 1_222, &[], "https://a.example/voice.m4a"), &["a.example/voice.m4a"]);
    // Whom it credits makes none of it private.
    let credits = person(3).to_string();
    let page = text_of(&view(&everyone(&[&event(2, 9_802, &[&["p", &credits]], "well said")])));
    assert!(!page.contains("Only for"), "{page}");
}

#[test]
fn what_nobody_here_knows_says_what_it_is_where_somebody_names_it_and_nowhere_else() {
    let unknown = event(2, 1_621, &[&["alt", "An issue of a repository"]], "");
    let mut model = everyone(&[&unknown]);
    assert!(!text_of(&view(&model)).contains("An issue of a repository"));
    model.route = Route::Thread(unknown.id(), None);
    assert!(text_of(&view(&model)).contains("An issue of a repository"));
}

#[test]
fn a_comment_stands_under_what_it_is_about_and_a_repost_passes_on_anything() {
    let article = event(2, 30_023, &[&["title", "On Rust"]], "It compiles.");
    let id = article.id().to_string();
    let comment = event(
        3,
        1_111,
        &[&["E", &id], &["K", "30023"], &["e", &id], &["audience", "everyone"]],
        "So it does",
    );
    let repost = event(4, 16, &[&["e", &id], &["k", "30023"]], "");
    let model = everyone(&[&article, &comment, &repost]);
    assert_eq!(thread::around(&model, article.id()).answers, [(comment.id(), 0)]);
    assert_eq!(thread::root(&model, comment.id()), article.id());
    assert_eq!(model.timeline.reposts_of(&article.id()), 1);
    assert!(text_of(&view(&model)).contains("reposted"));
}

#[test]
fn a_poll_with_a_thousand_options_and_a_deep_article_are_cut_and_folded() {
    let options: Vec<[String; 3]> =
        (0..1_000).map(|n| ["option".into(), n.to_string(), format!("choice {n}")]).collect();
    let tags: Vec<Tag> = options.into_iter().map(Tag::new).collect();
    let poll =
        EventTemplate { created_at: 7, kind: Kind(1_068), tags, content: "Which?".into() }.by(person(2));
    assert_eq!(quote::content(&poll).lines().count(), 101);
    let page = text_of(&view(&everyone(&[&poll])));
    assert!(page.contains("choice 3") && !page.contains("choice 99") && page.contains("Show more"), "{page}");
    let deep = event(2, 30_023, &[&["title", "Deep"]], &"> ".repeat(10_000));
    assert!(text_of(&view(&everyone(&[&deep]))).len() < 12_000);
    let mut model = everyone(&[&deep]);
    model.route = Route::Thread(deep.id(), None);
    assert!(text_of(&view(&model)).contains("Deep"));
}

#[test]
fn an_article_is_drawn_as_elements_with_safe_links_and_its_markup_is_text() {
    let text = "# Head\n\nA *b* **c** [d](https://a.example/x) [e](javascript:alert(1)) <script>x</script>\n\n- one\n- two\n\n> said\n\n```\n1 < 2\n```";
    let article = event(2, 30_023, &[&["d", "x"], &["title", "On Rust"]], text);
    let mut model = everyone(&[&article]);
    model.route = Route::Thread(article.id(), None);
    let mut tags: Vec<&str> = Vec::new();
    let page = view(&model);
    each(&page.clone().into(), &mut |element| {
        tags.push(element.tag);
        if let Some(address) = attribute(element, "href") {
            assert!(!address.contains("javascript"), "{address}");
        }
    });
    for tag in ["em", "strong", "ul", "li", "blockquote", "pre", "code"] {
        assert!(tags.contains(&tag), "{tag} in {tags:?}");
    }
    assert!(!tags.contains(&"script"));
    let page = text_of(&page);
    for shown in ["On Rust", "Head", "d (a.example/x)", "<script>x</script>", "1 < 2"] {
        assert!(page.contains(shown), "{shown:?} in {page:?}");
    }
}
