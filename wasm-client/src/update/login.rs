//! Logs in to the node or claims it, and handles a refusal by the node or the person.

use nostrp2p_protocol::{
    Event,
    frame::{ClientFrame, Refusal, RefusalCode},
    login,
};

use super::{Effect, connection, notify, reconnect::ANSWER_WITHIN_MS, signing};
use crate::{
    address::ClaimToken,
    effect::Timer,
    model::{
        KeyStep, Model, PersonStage, Phase, WelcomeStep,
        connection::{SentRequest, Trouble},
        signing::{Purpose, Signer},
    },
    texts,
};

/// Shows the node that we are its owner, or that we hold the right to become it.
pub fn prove(model: &mut Model, out: &mut Vec<Effect>) {
    let (Some(me), Phase::Greeted(greeting), Some(authority)) =
        (model.me, &model.connection.phase, model.connection.authority())
    else {
        return;
    };
    let token = model.welcome().and_then(|welcome| welcome.token);
    let token = match (greeting.owner, token) {
        (Some(owner), _) if owner == me => None,
        (None, Some(token)) => Some(token),
        (Some(_), _) => return refuse(model, Refusal::new(RefusalCode::NotOwner, ""), out),
        (None, None) => return refuse(model, Refusal::new(RefusalCode::NoOwner, ""), out),
    };
    let mut draft = login::client_draft(&greeting.challenge, &greeting.peer, &authority, model.now());
    login::read_long_lists(&mut draft);
    login::read_features(&mut draft);
    login::read_statements(&mut draft);
    model.connection.phase = Phase::Proving(greeting.clone());
    let attempt = model.connection.attempt;
    signing::sign(model, Purpose::Prove { attempt, token }, draft, out);
    if model.signing.asks() {
        // The person takes as long as it takes.
        out.push(Effect::Cancel(Timer::Answer));
    } else {
        out.push(Effect::Wait(Timer::Answer, ANSWER_WITHIN_MS));
    }
}

/// The person did not let the login be signed. It is not tried again before the person says so.
pub fn on_not_proved(model: &mut Model, why: &str, out: &mut Vec<Effect>) {
    let Phase::Proving(greeting) = &model.connection.phase else { return };
    if matches!(model.stage, PersonStage::Welcome(_)) {
        model.connection.phase = Phase::Greeted(greeting.clone());
        return not_proved_while_setting_up(model, why);
    }
    model.connection.phase = Phase::Waiting;
    model.connection.trouble = Some(Trouble::NotSigned);
    model.connection.failures = model.connection.failures.saturating_add(1);
    // Why, such as another account that is active in the extension: it is not what the person decided here.
    if model.signing.signer == Signer::Extension {
        notify(model, texts::not_signed(model.language(), why), out);
    }
    out.push(Effect::Disconnect);
    out.push(Effect::Cancel(Timer::Reconnect));
}

/// The proof is signed: hand it over.
pub fn hand_over_proof(
    model: &mut Model,
    attempt: u32,
    token: Option<ClaimToken>,
    proof: Event,
    out: &mut Vec<Effect>,
) {
    let Phase::Proving(greeting) = &model.connection.phase else { return };
    if attempt != model.connection.attempt {
        if model.signing.signer == Signer::Extension {
            // The yes took so long that the node hung up meanwhile, and its new greeting wants a new signature.
            model.connection.phase = Phase::Greeted(greeting.clone());
            prove(model, out);
        }
        return;
    }
    let request = model.connection.ask(SentRequest::Prove { claim: token.is_some() });
    out.push(Effect::Wait(Timer::Answer, ANSWER_WITHIN_MS));
    let proof = proof.into();
    out.push(Effect::Send(match token {
        Some(token) => ClientFrame::Claim { request, token: token.0, proof },
        None => ClientFrame::Login { request, proof },
    }));
}

/// The node says no for good: stop, and say what to do.
pub fn refuse(model: &mut Model, refusal: Refusal, out: &mut Vec<Effect>) {
    out.push(Effect::Cancel(Timer::Answer));
    let sentence = texts::refusal(model.language(), &refusal);
    if matches!(model.stage, PersonStage::Welcome(_)) {
        // Setting up goes on: the greeting still stands, so another key or link can be tried at once.
        refuse_while_setting_up(model, refusal.code, sentence, out);
    } else {
        out.push(Effect::Disconnect);
        model.connection.phase = Phase::Refused(refusal);
    }
}

/// The node said no: back to the step where something else can be done.
fn refuse_while_setting_up(model: &mut Model, code: RefusalCode, sentence: String, out: &mut Vec<Effect>) {
    if let Phase::Proving(greeting) = &model.connection.phase {
        model.connection.phase = Phase::Greeted(greeting.clone());
    }
    let by_extension = model.signing.signer == Signer::Extension;
    let Some(welcome) = model.welcome_mut() else { return };
    welcome.error = Some(sentence);
    welcome.step = match code {
        RefusalCode::NotOwner if by_extension => WelcomeStep::Key(KeyStep::Choose),
        RefusalCode::NotOwner => WelcomeStep::Key(KeyStep::import()),
        RefusalCode::Forged => WelcomeStep::Key(KeyStep::Choose),
        _ => WelcomeStep::Node,
    };
    if matches!(code, RefusalCode::WrongToken | RefusalCode::ExpiredToken | RefusalCode::AlreadyClaimed) {
        welcome.token = None;
        // The greeting may be out of date by now: somebody else may have claimed the node.
        connection::connect_anew(model, out);
    }
}

/// The person did not let the proof be signed: back to where another key can be chosen.
fn not_proved_while_setting_up(model: &mut Model, why: &str) {
    let sentence = texts::not_signed(model.language(), why);
    if let Some(welcome) = model.welcome_mut() {
        welcome.step = WelcomeStep::Key(KeyStep::Choose);
        welcome.error = Some(sentence);
    }
}
