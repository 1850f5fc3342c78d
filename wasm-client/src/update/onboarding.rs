//! Setting up: which node, which key, which name.

use nostrp2p_protocol::{EventId, PublicKey, SecretKey, nip49};

use super::{Effect, compose, connection, login, offer, stage};
use crate::{
    address::{ClaimLink, InvalidAddress},
    message::Setup,
    model::{
        KeyStep, Model, Onboarding, PersonStage, Phase, WelcomeStep,
        connection::Trouble,
        signing::{NotOpened, Signer, Signing},
    },
    route::Route,
    secret::Secret,
    storage::{Setting, StorageChange},
    texts,
};

/// Takes in what the person does while setting up.
pub fn update(model: &mut Model, setup: Setup, out: &mut Vec<Effect>) {
    let here = model.me;
    let Some(welcome) = model.welcome_mut() else { return };
    match setup {
        Setup::AddressTyped(text) => welcome.address = text,
        Setup::AddressSubmitted => submit_address(model, out),
        Setup::NodeAccepted => {
            welcome.error = None;
            // A claim link with a key at hand leaves nothing to decide.
            if welcome.token.is_some() && here.is_some() && welcome.was_in_use {
                prove(model, out);
            } else {
                welcome.step = WelcomeStep::Key(KeyStep::Choose);
            }
        }
        Setup::Back => back(welcome),
        Setup::NotNow => resume(model, out),
        Setup::MakeKey => out.push(Effect::MakeKey),
        Setup::KeyMade(nsec) => {
            welcome.error = None;
            welcome.step = WelcomeStep::Key(KeyStep::Made { nsec, saved: false });
        }
        Setup::ImportKey => {
            welcome.error = None;
            welcome.step = WelcomeStep::Key(KeyStep::import());
            out.push(Effect::Focus("nsec"));
        }
        Setup::NsecTyped(text) => {
            if let WelcomeStep::Key(KeyStep::Import { nsec, told_hex, .. }) = &mut welcome.step {
                (*nsec, *told_hex) = (text, false);
                welcome.error = None;
            }
        }
        Setup::PassphraseTyped(text) => {
            if let WelcomeStep::Key(KeyStep::Import { passphrase, .. }) = &mut welcome.step {
                *passphrase = text;
            }
        }
        Setup::KeyOpened(result) => on_key_opened(model, result, out),
        Setup::UseExtension => {
            welcome.error = None;
            out.push(Effect::UseExtension);
        }
        Setup::ExtensionKept(result) => on_extension_kept(model, result, out),
        Setup::NsecSubmitted => submit_nsec(model, out),
        Setup::UseKeyHere => prove(model, out),
        Setup::CopyMade => with_made(welcome, |nsec| out.push(Effect::Copy(nsec))),
        Setup::MadeAccepted => accept_made(model, out),
        Setup::KeyKept(result) => on_key_kept(model, result, Signer::Device, out),
        Setup::NameSkipped => stage::finish(model, out),
        Setup::Token(token) => welcome.token = Some(token),
    }
}

/// Sets up again, with the node and key that are here to choose from.
pub fn begin_again(model: &mut Model, out: &mut Vec<Effect>) {
    let was_in_use = model.me.is_some();
    model.stage = PersonStage::Welcome(Onboarding { was_in_use, ..Onboarding::default() });
    connection::connect_anew(model, out);
}

/// A page that nobody uses yet was opened by a link: what the link says is shown, with the node that is there.
pub fn on_wish(model: &mut Model, wish: Result<ClaimLink, InvalidAddress>, out: &mut Vec<Effect>) {
    let language = model.language();
    match wish {
        Ok(link) => {
            if let Some(welcome) = model.welcome_mut() {
                welcome.token = link.token.or(welcome.token);
            }
            take_place(model, link);
        }
        Err(error) => {
            if let Some(welcome) = model.welcome_mut() {
                welcome.error = Some(texts::invalid_address(language, error));
            }
        }
    }
    connection::connect_anew(model, out);
}

/// The node let us in.
pub fn on_logged_in(model: &mut Model, claimed: bool, out: &mut Vec<Effect>) {
    if !matches!(model.stage, PersonStage::Welcome(_)) {
        return;
    }
    let own_page = model.connection.node == model.environment.page;
    let node = model.connection.node.clone().filter(|_| !own_page);
    out.push(Effect::Save(vec![StorageChange::Set(Setting::Node(node))]));
    // The person has chosen this node on the way here, so it is to act for them.
    model.connection.chosen = true;
    out.push(Effect::Persist);
    let named = stage::is_naming(model);
    if let Some(welcome) = model.welcome_mut() {
        welcome.token = None;
        welcome.error = None;
    }
    if claimed || named {
        out.push(Effect::Replace(Route::Home.fragment()));
        if let Some(welcome) = model.welcome_mut() {
            welcome.step = WelcomeStep::Name;
        }
        if !named {
            out.push(Effect::Focus("name"));
        }
    } else {
        stage::finish(model, out);
    }
}

fn resume(model: &mut Model, out: &mut Vec<Effect>) {
    if model.me.is_none() {
        return;
    }
    stage::finish(model, out);
    connection::connect_anew(model, out);
}

fn submit_address(model: &mut Model, out: &mut Vec<Effect>) {
    let page_is_secure = model.environment.page_is_secure;
    let language = model.language();
    let Some(welcome) = model.welcome_mut() else { return };
    let link = match ClaimLink::parse(&welcome.address, page_is_secure) {
        Ok(link) => link,
        Err(error) => {
            welcome.error = Some(texts::invalid_address(language, error));
            return;
        }
    };
    welcome.error = None;
    let was_in_use = welcome.was_in_use;
    let elsewhere = link.node.is_some() && link.node != model.connection.node
        || link.home.is_some() && link.home != model.connection.home;
    if elsewhere && was_in_use {
        // The node in use stays the one in use until the other one has taken the login.
        return offer::open(model, link, out);
    }
    if let Some(welcome) = model.welcome_mut() {
        welcome.token = link.token.or(welcome.token);
    }
    if elsewhere || model.connection.greeting().is_none() {
        take_place(model, link);
        connection::connect_anew(model, out);
    }
}

/// Goes by what a link says of the place of a node, in a page that nobody uses yet.
fn take_place(model: &mut Model, link: ClaimLink) {
    let connection = &mut model.connection;
    if link.node.is_some() || link.identity.is_some() {
        connection.pin = link.peer();
    }
    if link.home.is_some() || link.node.is_some() && link.node != connection.node {
        connection.home = link.home;
    }
    connection.node = link.node.or_else(|| connection.node.clone());
}

fn back(welcome: &mut Onboarding) {
    welcome.error = None;
    welcome.step = match &welcome.step {
        WelcomeStep::Key(KeyStep::Made { .. } | KeyStep::Import { .. }) => WelcomeStep::Key(KeyStep::Choose),
        WelcomeStep::Node | WelcomeStep::Key(_) => WelcomeStep::Node,
        WelcomeStep::Name => WelcomeStep::Name,
    };
}

fn submit_nsec(model: &mut Model, out: &mut Vec<Effect>) {
    let language = model.language();
    let Some(welcome) = model.welcome_mut() else { return };
    let WelcomeStep::Key(KeyStep::Import { nsec, passphrase, opening, told_hex }) = &mut welcome.step else {
        return;
    };
    if *opening {
        return;
    }
    let typed = typed_key(nsec.reveal());
    welcome.error = None;
    if typed.is_empty() {
        welcome.error = Some(texts::NSEC_EMPTY.say(language).to_owned());
    } else if nip49::is_sealed(typed) {
        if passphrase.reveal().is_empty() {
            out.push(Effect::Focus("key-passphrase"));
        } else {
            *opening = true;
            let text = Secret::new(typed.to_owned());
            out.push(Effect::OpenSealed { text, passphrase: passphrase.clone() });
        }
    } else if let Ok(digits) = typed.parse::<EventId>() {
        // 64 digits may as well be somebody's public key, so the person says which they are by going on.
        match SecretKey::from_bytes(*digits.as_bytes()) {
            Ok(key) if *told_hex => out.push(Effect::KeepKey(Secret::new(key.to_nsec()))),
            _ => {
                *told_hex = true;
                welcome.error = Some(texts::KEY_HEX.say(language).to_owned());
            }
        }
    } else {
        match SecretKey::from_nsec(typed) {
            Ok(key) => out.push(Effect::KeepKey(Secret::new(key.to_nsec()))),
            Err(error) => welcome.error = Some(texts::invalid_nsec(language, &error)),
        }
    }
}

/// Length of a key under a passphrase as text: `ncryptsec1`, 91 bytes in bech32, six characters of checksum.
const SEALED_CHARACTERS: usize = 162;

/// The key in what was typed or pasted, which may be a whole backup file. A field of one line takes the line breaks out
/// of it, so the key ends where it is long enough.
pub fn typed_key(text: &str) -> &str {
    let sealed = text.find("ncryptsec1").and_then(|at| text.get(at..));
    let Some(sealed) = sealed else { return text.trim() };
    let word = sealed.split_whitespace().next().unwrap_or_default();
    word.get(..SEALED_CHARACTERS).unwrap_or(word)
}

fn on_key_opened(model: &mut Model, result: Result<Secret, NotOpened>, out: &mut Vec<Effect>) {
    let language = model.language();
    let Some(welcome) = model.welcome_mut() else { return };
    let WelcomeStep::Key(KeyStep::Import { opening, passphrase, .. }) = &mut welcome.step else { return };
    *opening = false;
    match result {
        Ok(nsec) => out.push(Effect::KeepKey(nsec)),
        Err(error) => {
            *passphrase = Secret::default();
            welcome.error = Some(texts::not_opened(language, error).to_owned());
            out.push(Effect::Focus("key-passphrase"));
        }
    }
}

fn on_extension_kept(model: &mut Model, result: Result<PublicKey, String>, out: &mut Vec<Effect>) {
    if result.is_ok() {
        on_key_kept(model, result, Signer::Extension, out);
    } else if let (Err(error), Some(welcome)) = (result, model.welcome_mut()) {
        welcome.error = Some(error);
    }
}

fn with_made(welcome: &mut Onboarding, act: impl FnOnce(Secret)) {
    if let WelcomeStep::Key(KeyStep::Made { nsec, saved }) = &mut welcome.step {
        *saved = true;
        act(nsec.clone());
    }
}

fn accept_made(model: &mut Model, out: &mut Vec<Effect>) {
    let Some(WelcomeStep::Key(KeyStep::Made { nsec, saved })) = model.welcome().map(|welcome| &welcome.step)
    else {
        return;
    };
    let saved = *saved;
    out.push(Effect::KeepKey(nsec.clone()));
    out.push(Effect::Save(vec![StorageChange::Set(Setting::BackedUp(saved))]));
    model.key_is_new = true;
    model.lists.made_here = true;
    out.push(Effect::Save(vec![StorageChange::Set(Setting::MadeHere(true))]));
    model.backed_up = saved;
}

fn on_key_kept(model: &mut Model, result: Result<PublicKey, String>, signer: Signer, out: &mut Vec<Effect>) {
    let language = model.language();
    let Some(welcome) = model.welcome_mut() else { return };
    let key = match result {
        Ok(key) => key,
        Err(error) => {
            welcome.error = Some(texts::key_not_kept(language, &error));
            return;
        }
    };
    let made = matches!(welcome.step, WelcomeStep::Key(KeyStep::Made { .. }));
    if !made {
        // Whoever can paste a key has it somewhere.
        model.key_is_new = false;
        model.lists.made_here = false;
        out.push(Effect::Save(vec![StorageChange::Set(Setting::MadeHere(false))]));
        model.backed_up = true;
        out.push(Effect::Save(vec![StorageChange::Set(Setting::BackedUp(true))]));
    }
    if model.me.is_some_and(|before| before != key) {
        forget_the_former(model, out);
    }
    model.me = Some(key);
    model.signing = Signing::of(signer);
    compose::drop_foreign(model, key);
    prove(model, out);
}

/// Another person's posts, drafts and unsent events do not belong to this key.
fn forget_the_former(model: &mut Model, out: &mut Vec<Effect>) {
    model.timeline.clear();
    model.people.clear();
    let made_here = model.lists.made_here;
    model.lists = crate::model::Lists::default();
    model.lists.made_here = made_here;
    model.notices = crate::model::Notices::default();
    model.outbox = crate::model::Unacknowledged::default();
    model.compose = crate::model::Compose::default();
    model.profile_form = crate::profile::ProfileForm::default();
    model.connection.cursor = None;
    let made_here = Setting::MadeHere(made_here);
    let settings = [
        Setting::Theme(model.theme),
        Setting::Language(model.chosen_language),
        Setting::BackedUp(model.backed_up),
        made_here,
    ];
    let mut changes = vec![StorageChange::ForgetAll];
    changes.extend(settings.map(StorageChange::Set));
    out.push(Effect::Save(changes));
}

fn prove(model: &mut Model, out: &mut Vec<Effect>) {
    let Some(welcome) = model.welcome_mut() else { return };
    welcome.error = None;
    welcome.step = WelcomeStep::Key(KeyStep::Proving);
    match model.connection.phase {
        Phase::Greeted(_) => login::prove(model, out),
        // Whatever is under way ends in a greeting, and the greeting in the proof.
        Phase::Opening | Phase::Greeting | Phase::Proving(_) | Phase::LoggedIn(_) => {}
        Phase::Idle | Phase::Waiting | Phase::Refused(_) => connection::connect(model, out),
    }
}

/// Why the node cannot be reached, while it is being looked for.
pub const fn trouble(model: &Model) -> Option<&Trouble> {
    model.connection.trouble.as_ref()
}
