//! Logins, claims and claim links.

use nostrp2p_protocol::login;

use super::*;
use crate::ownership::{Claim, LoginProof};

const LOGIN: LoginId = LoginId(8);
const TOKEN: [u8; 16] = [5; 16];
const THIS: PeerId = PeerId::from_ed25519([77; 32]);

fn unclaimed() -> Core {
    let mut core = engine(EngineSettings { claim_seconds: 600, ..EngineSettings::default() }, None);
    core.handle(Input::Started, NOW);
    core.handle(Input::FreshClaim(Some(Claim { token: TOKEN, expires: NOW + 600 })), NOW);
    core
}

fn proof(person: u8, authority: &str) -> LoginProof {
    let (challenge, authority) = ([3; 32], authority.to_owned());
    let event = login::client_draft(&challenge, &THIS, &authority, NOW).sign(&key(person), &[0; 32]);
    LoginProof { event, challenge, authority, peer: THIS }
}

#[test]
fn an_owner_is_stored_before_anybody_is_told() {
    let mut core = unclaimed();
    let person = key(2).public_key();
    let outputs = core.handle(Input::Claim(LOGIN, TOKEN, proof(2, "here.example")), NOW);
    assert_eq!(outputs, [Output::StoreOwner(LOGIN, person)]);
    assert_eq!(core.owner(), None);
    let outputs = core.handle(Input::OwnerStored(LOGIN, person, Ok(())), NOW);
    assert_eq!(outputs, [Output::Claimed(person), Output::LoggedIn(LOGIN, Ok(person))]);
    assert_eq!(core.owner(), Some(person));
}

#[test]
fn while_one_person_is_written_down_nobody_else_claims_the_node() {
    let mut core = unclaimed();
    core.handle(Input::Claim(LOGIN, TOKEN, proof(2, "here.example")), NOW);
    let second = core.handle(Input::Claim(LoginId(9), TOKEN, proof(3, "here.example")), NOW);
    assert!(
        matches!(&second[..], [Output::LoggedIn(LoginId(9), Err(refusal))] if refusal.code == RefusalCode::AlreadyClaimed),
        "{second:?}"
    );
    let failed = Input::OwnerStored(LOGIN, key(2).public_key(), Err("the disk is full".to_owned()));
    assert!(matches!(core.handle(failed, NOW)[..], [Output::LoggedIn(LOGIN, Err(_))]));
    let third = core.handle(Input::Claim(LOGIN, TOKEN, proof(3, "here.example")), NOW);
    assert!(matches!(third[..], [Output::StoreOwner(..)]), "now somebody else may: {third:?}");
}

#[test]
fn a_login_from_another_machine_says_what_time_it_is() {
    let mut core = core();
    let owner = Ok(key(1).public_key());
    let outputs = core.handle(Input::Login(LOGIN, proof(1, "here.example:7")), NOW);
    assert_eq!(outputs, [Output::NoteTime(NOW), Output::LoggedIn(LOGIN, owner.clone())]);
    for here in ["localhost:7", "127.0.0.1:7", "[::1]:7"] {
        let outputs = core.handle(Input::Login(LOGIN, proof(1, here)), NOW);
        assert_eq!(outputs, [Output::LoggedIn(LOGIN, owner.clone())], "{here} goes by this clock");
    }
    let outputs = core.handle(Input::Login(LOGIN, proof(2, "here.example")), NOW);
    assert!(matches!(outputs[..], [Output::LoggedIn(LOGIN, Err(_))]));
}

#[test]
fn a_claim_link_that_has_expired_is_renewed_and_without_random_numbers_asked_for_again() {
    let mut core = unclaimed();
    let renews = |core: &mut Core, now| core.handle(Input::Tick, now).contains(&Output::RenewClaim);
    assert!(!renews(&mut core, NOW + 600));
    assert!(renews(&mut core, NOW + 601));
    core.handle(Input::FreshClaim(None), NOW + 601);
    assert!(!renews(&mut core, NOW + 602));
    assert!(renews(&mut core, NOW + 661));
    let fresh = Claim { token: [6; 16], expires: NOW + 1_261 };
    let outputs = core.handle(Input::FreshClaim(Some(fresh.clone())), NOW + 661);
    assert_eq!(outputs, [Output::ShowClaim(fresh)]);
    assert!(renews(&mut core, NOW - 100), "after the clock was set back it would hold for too long");
}
