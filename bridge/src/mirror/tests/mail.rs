//! Gift wraps at a relay that the owner's list of relays for direct messages names.

use nostrp2p_protocol::login::relay_draft;

use super::*;

fn with_mail() -> MirrorSession {
    MirrorSession::new(owner(), true, 0, NOW - 5_000).with_mail(true)
}

/// The filters for gift wraps among what was asked, each with its subscription.
fn asked_for_wraps(steps: &[MirrorStep]) -> Vec<(String, Value)> {
    let questions = sent(steps).into_iter().filter(|line| line[0] == "REQ");
    let wraps = questions.flat_map(|line| {
        let filters = line.as_array().unwrap().iter().skip(2).cloned();
        let subscription = line[1].as_str().unwrap().to_owned();
        filters.map(move |filter| (subscription.clone(), filter)).collect::<Vec<_>>()
    });
    wraps.filter(|(_, filter)| filter["kinds"] == json!([1059])).collect()
}

/// Answers all questions for what was missed; returns what was asked then.
fn answer_pages(mirror: &mut MirrorSession) -> Vec<MirrorStep> {
    (0..20).flat_map(|_| mirror.on_line(r#"["EOSE","missed"]"#, NOW)).collect()
}

fn sign_in(mirror: &mut MirrorSession) -> Vec<MirrorStep> {
    let challenge = mirror.wants_login().unwrap().to_owned();
    let login = relay_draft("wss://relay.example", &challenge, NOW).unwrap().sign(&key(1), &[0; 32]);
    assert_eq!(sent(&mirror.on_login(&login))[0][0], "AUTH");
    mirror.on_line(&ok(&login, true, ""), NOW)
}

#[test]
fn wraps_are_asked_for_after_a_login_and_the_rest_does_not_wait_for_it() {
    let mut mirror = with_mail();
    let steps = connect(&mut mirror, NOW);
    assert!(!sent(&steps).is_empty() && asked_for_wraps(&steps).is_empty());
    assert_eq!(mirror.wants_login(), None);
    mirror.on_line(r#"["AUTH","abc"]"#, NOW);
    assert_eq!((mirror.wants_login(), mirror.report().mail_waits), (Some("abc"), true));
    assert!(!mirror.report().needs_signature && mirror.room().is_some(), "own posts go there meanwhile");
    assert!((0..10).all(|_| asked_for_wraps(&mirror.on_tick(NOW)).is_empty()));

    let steps = sign_in(&mut mirror);
    assert!(!mirror.report().mail_waits);
    let own = json!([owner().to_string()]);
    let [(live, filter)] = &asked_for_wraps(&steps)[..] else { panic!("{steps:?}") };
    assert_eq!((live.as_str(), &filter["#p"]), ("live", &own));
    // The times of wraps lie up to two days in the past (NIP-59).
    assert!(filter["since"].as_u64().unwrap() < NOW - 2 * 86_400);
    let pages = answer_pages(&mut mirror);
    let [(missed, filter)] = &asked_for_wraps(&pages)[..] else { panic!("{pages:?}") };
    assert_eq!((missed.as_str(), &filter["#p"]), ("missed", &own));
    assert_eq!(filter["since"].as_u64(), Some(NOW - 30 * 86_400), "also what came while nobody had signed");
    let wrap = signed(7, 1059, NOW - 86_400, &[&["p", &owner().to_string()]], "");
    let heard = mirror.on_line(&json!(["EVENT", "live", wrap]).to_string(), NOW);
    assert!(matches!(&heard[..], [MirrorStep::Heard(_)]), "{heard:?}");
    assert!(sent(&mirror.on_tick(NOW)).iter().all(|line| line[1] != "profiles"), "its key is nobody's");
}

#[test]
fn after_a_lost_connection_a_week_of_wraps_is_asked_for_and_not_a_month() {
    let mut mirror = with_mail();
    connect(&mut mirror, NOW);
    mirror.on_line(r#"["AUTH","abc"]"#, NOW);
    sign_in(&mut mirror);
    answer_pages(&mut mirror);
    mirror.on_disconnected();
    let later = NOW + 600;
    connect(&mut mirror, later);
    mirror.on_line(r#"["AUTH","def"]"#, later);
    sign_in(&mut mirror);
    let pages = answer_pages(&mut mirror);
    let [(_, filter)] = &asked_for_wraps(&pages)[..] else { panic!("{pages:?}") };
    assert_eq!(filter["since"].as_u64(), Some(NOW - 7 * 86_400));
}

#[test]
fn a_relay_that_asks_for_no_login_is_asked_without() {
    let mut mirror = with_mail();
    connect(&mut mirror, NOW);
    let steps: Vec<_> = (0..3).flat_map(|_| mirror.on_tick(NOW)).collect();
    assert_eq!(asked_for_wraps(&steps).len(), 1);
    // It wants one after all: then the rest is asked for again without the wraps.
    let steps = mirror.on_line(r#"["CLOSED","live","auth-required: only for its recipient"]"#, NOW);
    assert!(!sent(&steps).is_empty() && asked_for_wraps(&steps).is_empty());
    assert!(mirror.report().mail_waits && !mirror.report().needs_signature);
    mirror.on_line(r#"["AUTH","late"]"#, NOW);
    assert_eq!(mirror.wants_login(), Some("late"));
    assert_eq!(asked_for_wraps(&sign_in(&mut mirror)).len(), 1);
}

#[test]
fn other_relays_are_asked_for_no_wraps() {
    let mut mirror = MirrorSession::new(owner(), true, 0, 0);
    connect(&mut mirror, NOW);
    mirror.on_line(r#"["AUTH","abc"]"#, NOW);
    assert_eq!(mirror.wants_login(), None);
    assert!((0..10).all(|_| asked_for_wraps(&mirror.on_tick(NOW)).is_empty()));
    assert!(asked_for_wraps(&answer_pages(&mut mirror)).is_empty());
}
