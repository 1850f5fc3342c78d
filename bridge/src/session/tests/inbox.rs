//! What strangers may do at a relay with an inbox, and what the owner may not on a page of another site.

use nostrp2p_core::{InboxTerms, NotReceived};

use super::*;

const INBOX: Policy = Policy { public_read: false, open: false, inbox: Some(InboxTerms { work: 0 }) };

fn naming(signer: u8, kind: u16, person: u8) -> Event {
    signed(signer, kind, &[&["p", &key(person).public_key().to_string()]], "hello")
}

#[track_caller]
fn received(steps: &[SessionStep], event: &Event, signed_in: Option<u8>) {
    let signed_in = signed_in.map(|signer| key(signer).public_key());
    assert_eq!(steps, [SessionStep::Receive(Box::new(event.clone().into()), signed_in)]);
}

#[test]
fn what_names_the_owner_is_taken_without_login_and_nothing_else() {
    let mut session = session(INBOX);
    for kind in [1, 6, 7, 16, 1111, 9735, 1059, 21059] {
        let event = naming(2, kind, 1);
        received(&publish(&mut session, &event), &event, None);
    }
    for event in [naming(2, 1, 3), naming(2, 30_023, 1), signed(2, 0, &[], "")] {
        check(&publish(&mut session, &event), "restricted: this inbox takes");
    }
    // The owner's own programs are asked to sign in, also with what they send to others in wraps.
    for event in [post(), naming(1, 1, 1), naming(2, 1059, 3)] {
        check(&publish(&mut session, &event), "auth-required:");
    }
    check(&say(&mut session, r#"["REQ","a",{"kinds":[1]}]"#), "auth-required:");
}

#[test]
fn any_key_signs_in_which_opens_nothing_and_says_who_brings_something() {
    let mut session = session(INBOX);
    check(&login_as(&mut session, 2), "true,\"\"");
    let wrap = naming(3, 1059, 1);
    received(&publish(&mut session, &wrap), &wrap, Some(2));
    for line in [r#"["REQ","a",{"kinds":[1]}]"#, r#"["COUNT","a",{}]"#, r#"["NEG-OPEN","a",{},"61"]"#] {
        check(&say(&mut session, line), "restricted: only the node's owner reads here");
    }
    check(&publish(&mut session, &post()), "restricted:");
    check(&publish(&mut session, &naming(3, 1059, 4)), "restricted:");
    assert!(!session.is_owners());
    check(&login_as(&mut session, 1), "true,\"\"");
    assert!(session.is_owners());
    assert!(matches!(publish(&mut session, &post())[..], [SessionStep::Publish(_)]));
}

#[test]
fn a_protected_event_is_taken_from_its_author_who_has_signed_in() {
    let mut session = session(INBOX);
    let named = key(1).public_key().to_string();
    let event = signed(2, 1, &[&["p", &named], &["-"]], "protected");
    check(&publish(&mut session, &event), "auth-required:");
    login_as(&mut session, 2);
    received(&publish(&mut session, &event), &event, Some(2));
}

#[test]
fn on_a_page_of_another_site_the_owner_is_nobody() {
    for policy in [INBOX, Policy { open: true, ..INBOX }] {
        let mut session = session(policy).of_foreign_page();
        check(&say(&mut session, r#"["REQ","a",{"kinds":[1]}]"#), "restricted:");
        check(&login_as(&mut session, 1), "restricted: your node takes no login");
        assert!(session.take_owner_refused() && !session.take_owner_refused() && !session.is_owners());
        check(&publish(&mut session, &post()), "restricted:");
        check(&say(&mut session, r#"["REQ","a",{"kinds":[1]}]"#), "restricted:");
        check(&login_as(&mut session, 2), "true,\"\"");
        let reply = naming(2, 1, 1);
        received(&publish(&mut session, &reply), &reply, Some(2));
    }
}

#[test]
fn logins_of_strangers_are_bounded_for_each_costs_a_signature_check() {
    let mut session = session(INBOX);
    for _ in 1..MAX_FAILED_LOGINS {
        check(&login_as(&mut session, 2), "true");
    }
    assert!(matches!(login_as(&mut session, 2)[..], [_, SessionStep::HangUp(_)]));
}

#[test]
fn who_brings_something_is_told_why_it_is_not_taken_and_not_what_was_there() {
    let (session, event) = (session(INBOX), naming(2, 1, 1));
    let answer = |result| vec![session.on_received(&event.id(), result)];
    check(&answer(Ok(())), "true,\"\"");
    for (refused, expected) in [
        (NotReceived::NotForInbox, "restricted: "),
        (NotReceived::TooManyPeople, "invalid: "),
        (NotReceived::TooLittleWork(20), "pow: 20 bits"),
        (NotReceived::OverBudget, "rate-limited: "),
        (NotReceived::Full, "rate-limited: this inbox is full"),
        (NotReceived::Unwanted, "blocked: this inbox does not take it"),
        (NotReceived::Internal, "error: "),
    ] {
        check(&answer(Err(refused)), expected);
    }
}

#[test]
fn without_an_inbox_all_is_as_it_was() {
    let mut session = session(Policy::default());
    check(&publish(&mut session, &naming(2, 1, 1)), "auth-required: only the node's owner publishes here");
    check(&login_as(&mut session, 2), "restricted:");
    check(&publish(&mut session, &naming(2, 1, 1)), "restricted: only the node's owner publishes here");
}

#[test]
fn the_document_says_what_the_inbox_demands_and_whose_it_is_under_public_names_alone() {
    let owner = Some(key(1).public_key());
    let policy = Policy { inbox: Some(InboxTerms { work: 20 }), ..Policy::default() };
    let document = |policy, public_name| {
        serde_json::to_value(crate::Information::to_strangers(owner, policy, public_name)).unwrap()
    };
    let with = document(policy, true);
    assert_eq!(with["limitation"]["min_pow_difficulty"], 20);
    assert_eq!(
        (&with["limitation"]["auth_required"], &with["limitation"]["restricted_writes"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(with["pubkey"], json!(owner));
    assert_eq!(document(policy, false).get("pubkey"), None);
    let without = document(Policy::default(), true);
    assert_eq!((&without["limitation"]["min_pow_difficulty"], without.get("pubkey")), (&json!(0), None));
    assert_eq!(without["limitation"]["auth_required"], true);
    assert_eq!(without.get("software"), None, "no address that leads nowhere");
}
