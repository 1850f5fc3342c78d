//! Setting up in three steps, each one decision, back always possible.

use nostrp2p_protocol::nip49;

use super::{
    Html, avatar::avatar, button, error, icons, keyring, labelled, me, network, paragraph, person, sentence,
    submit,
};
use crate::{
    message::{Keyring, Message, Own, Setup},
    model::{
        KeyStep, Model, Onboarding, Phase, WelcomeStep,
        connection::NodeGreeting,
        signing::{For, Signer},
    },
    secret::Secret,
    texts,
    update::onboarding,
    vdom::{On, element},
};
use icons::{Icon, icon};

/// The screen.
pub fn view(model: &Model, welcome: &Onboarding) -> Html {
    let step = match &welcome.step {
        WelcomeStep::Node => node(model, welcome).key("node"),
        WelcomeStep::Key(step) => key(model, welcome, step),
        WelcomeStep::Name => name(model).key("name"),
    };
    element("main")
        .class("welcome")
        .with("id", "main")
        .test_id("welcome")
        .with("data-step", welcome.number().to_string())
        .child(
            element("div")
                .class("welcome-brand")
                .child(icons::logo())
                .child(element("span").text(model.say(texts::APP))),
        )
        .child(element("div").class("welcome-card").child(progress(model, welcome)).child(step))
}

fn progress(model: &Model, welcome: &Onboarding) -> Html {
    let number = welcome.number();
    let steps =
        [texts::STEP_NODE, texts::STEP_KEY, texts::STEP_NAME].into_iter().zip(1..).map(|(label, index)| {
            let state = match index {
                _ if index < number => "done",
                _ if index == number => "now",
                _ => "later",
            };
            let step = element("li").class(format!("step step-{state}")).text(model.say(label));
            if index == number { step.with("aria-current", "step") } else { step }
        });
    element("ol").class("steps").with("aria-label", texts::step_of(model.language(), number)).children(steps)
}

fn title(text: &'static str) -> Html {
    element("h1").class("welcome-title").text(text)
}

/// The last row: back on the left, on on the right.
fn row(back: Option<Html>, on: Option<Html>) -> Html {
    element("div").class("welcome-row").child_if(back).child(element("span").class("spring")).child_if(on)
}

fn back(model: &Model) -> Html {
    button("quiet", model.say(texts::BACK), Setup::Back).test_id("back")
}

fn node(model: &Model, welcome: &Onboarding) -> Html {
    let found = model.connection.greeting();
    let section = element("section")
        .child(title(model.say(texts::NODE_TITLE)))
        .child(paragraph("lead", model.say(texts::NODE_LEAD)));
    let section = match found {
        Some(greeting) => section.child(node_found(model, welcome, greeting)),
        None => section.child(node_sought(model)),
    };
    let tokenless = found.is_some_and(|greeting| greeting.owner.is_none()) && welcome.token.is_none();
    let unreached = found.is_none() && model.connection.phase != Phase::Opening
        || model.connection.failures > 0 && found.is_none();
    let section = section.child_if(welcome.error.clone().map(error));
    let section =
        if tokenless || unreached { section.child(address(model, welcome, tokenless)) } else { section };
    let on = (found.is_some() && !tokenless).then(|| {
        let label = match model.me {
            Some(me) if welcome.was_in_use && welcome.token.is_some() => {
                texts::continue_as(model.language(), &model.name_in_sentence(&me))
            }
            _ => model.say(texts::CONTINUE).to_owned(),
        };
        button("primary", label, Setup::NodeAccepted).test_id("next")
    });
    let not_now = welcome.was_in_use.then(|| button("quiet", model.say(texts::NOT_NOW), Setup::NotNow));
    section.child(row(not_now, on))
}

fn node_found(model: &Model, welcome: &Onboarding, greeting: &NodeGreeting) -> Html {
    let found = match &greeting.owner {
        Some(owner) => texts::node_belongs_to(model.language(), &model.name_in_sentence(owner)),
        None if welcome.token.is_some() => model.say(texts::NODE_FOUND_FREE).to_owned(),
        None => model.say(texts::NODE_FOUND_TOKENLESS).to_owned(),
    };
    let address = model.connection.way.as_ref().map_or("", |way| way.address().authority());
    element("div")
        .class("found")
        .key("found")
        .with("role", "status")
        .child(match &greeting.owner {
            Some(owner) => avatar(owner),
            None => element("span").class("found-mark").child(icon(Icon::Tick)),
        })
        .child(element("div").child(sentence("p", &found).class("found-text")).child(paragraph(
            "muted",
            format!("{address} · {} {}", model.say(texts::NODE_ID), greeting.peer.short()),
        )))
}

fn node_sought(model: &Model) -> Html {
    let looking = |text: &'static str| {
        element("div")
            .class("found")
            .key("seeking")
            .with("role", "status")
            .child(element("span").class("spinner"))
            .child(paragraph("found-text", text))
    };
    if model.connection.failures == 0 && model.connection.phase != Phase::Idle {
        return looking(model.say(texts::NODE_LOOKING));
    }
    match network::trouble(model) {
        Some(trouble) => element("div").key("trouble").child(error(trouble)),
        None => element("div").key("trouble"),
    }
}

fn address(model: &Model, welcome: &Onboarding, tokenless: bool) -> Html {
    let (label, example) = if tokenless {
        (model.say(texts::CLAIM_LINK), model.say(texts::CLAIM_LINK_EXAMPLE))
    } else {
        (model.say(texts::NODE_ADDRESS), model.say(texts::NODE_ADDRESS_EXAMPLE))
    };
    element("form").class("address").key("address").on(On::Submit(Setup::AddressSubmitted.into())).child(
        labelled(label, "address").child(
            element("div")
                .class("field-row")
                .child(
                    element("input")
                        .with("id", "address")
                        .with("inputmode", "url")
                        .with("autocomplete", "off")
                        .with("autocapitalize", "none")
                        .with("spellcheck", "false")
                        .with("placeholder", example)
                        .test_id("node-address")
                        .with("value", welcome.address.clone())
                        .on(On::Input(|text| Setup::AddressTyped(text).into())),
                )
                .child(
                    element("button")
                        .class("button button-plain")
                        .with("type", "submit")
                        .test_id("node-connect")
                        .text(model.say(texts::NODE_CONNECT)),
                ),
        ),
    )
}

fn key(model: &Model, welcome: &Onboarding, step: &KeyStep) -> Html {
    let trouble = welcome.error.clone().map(error);
    match step {
        KeyStep::Choose => choose(model).child_if(trouble).child(row(Some(back(model)), None)).key("choose"),
        KeyStep::Made { nsec, saved } => made(model, nsec, *saved).child_if(trouble).key("made"),
        KeyStep::Import { nsec, passphrase, opening, .. } => {
            import(model, nsec, passphrase, *opening, trouble).key("import")
        }
        KeyStep::Proving => proving(model).key("proving"),
    }
}

fn choose(model: &Model) -> Html {
    let owner = model.connection.greeting().and_then(|greeting| greeting.owner);
    let choice = |image: Icon, label: String, why: &'static str, message: Setup| {
        element("button")
            .class("big-choice")
            .with("type", "button")
            .on(On::Click(message.into()))
            .child(element("span").class("big-choice-icon").child(icon(image)))
            .child(
                element("span")
                    .child(element("bdi").class("big-choice-label").text(label))
                    .child(element("span").class("muted").text(why)),
            )
    };
    let here = model.me.filter(|me| owner.is_none_or(|owner| owner == *me)).map(|me| {
        choice(
            Icon::Person,
            texts::continue_as(model.language(), &model.name_in_sentence(&me)),
            model.say(texts::KEY_USE_HERE_WHY),
            Setup::UseKeyHere,
        )
        .test_id("key-here")
    });
    // A key that is made now cannot be the owner's of a node that has an owner.
    let make = owner.is_none().then(|| {
        choice(
            Icon::Plus,
            model.say(texts::KEY_MAKE).to_owned(),
            model.say(texts::KEY_MAKE_WHY),
            Setup::MakeKey,
        )
        .test_id("key-create")
    });
    let section = match owner {
        Some(owner) => element("section").child(title(model.say(texts::KEY_OWNER_TITLE))).child(
            sentence("p", &texts::key_owner_lead(model.language(), &model.name_in_sentence(&owner)))
                .class("lead"),
        ),
        None => element("section")
            .child(title(model.say(texts::KEY_TITLE)))
            .child(paragraph("lead", model.say(texts::KEY_LEAD))),
    };
    let import = choice(
        Icon::Key,
        model.say(texts::KEY_IMPORT).to_owned(),
        model.say(texts::KEY_IMPORT_WHY),
        Setup::ImportKey,
    );
    let extension = model.environment.extension.then(|| {
        choice(
            Icon::Lock,
            model.say(texts::KEY_EXTENSION).to_owned(),
            model.say(texts::KEY_EXTENSION_WHY),
            Setup::UseExtension,
        )
        .test_id("key-extension")
    });
    section.child_if(no_safe_place(model)).child(
        element("div")
            .class("big-choices")
            .child_if(here)
            .child_if(make)
            .child(import.test_id("key-import"))
            .child_if(extension),
    )
}

fn no_safe_place(model: &Model) -> Option<Html> {
    (!model.environment.keeps_keys).then(|| {
        element("div")
            .class("banner banner-warn")
            .test_id("insecure")
            .child(element("span").text(model.say(texts::NO_SAFE_PLACE)))
    })
}

fn made(model: &Model, nsec: &Secret, saved: bool) -> Html {
    let save = element("div")
        .class("row")
        .child(me::copy(model, Setup::CopyMade.into()).test_id("backup-copy"))
        .child(me::download(model, Keyring::Choose(For::Backup).into()).test_id("backup-download"));
    let form = keyring::form(model, For::Backup);
    let on = if saved {
        Some(button("primary", model.say(texts::KEY_SAVED), Setup::MadeAccepted).test_id("backup-done"))
    } else if model.environment.keeps_keys {
        Some(button("quiet", model.say(texts::KEY_LATER), Setup::MadeAccepted).test_id("backup-later"))
    } else {
        // Where the key is gone with the page, "later" would be a lie.
        None
    };
    element("section")
        .child(title(model.say(texts::KEY_MADE_TITLE)))
        .child(paragraph("lead", model.say(texts::KEY_MADE_LEAD)))
        .child_if(no_safe_place(model))
        .child(
            element("code")
                .class("code code-key")
                .with("aria-label", model.say(texts::KEY_SHOW_LABEL))
                .test_id("nsec")
                .text(nsec.reveal().to_owned()),
        )
        .child(if form.is_some() { element("div").child_if(form) } else { save })
        .child(row(Some(back(model)), on))
}

fn import(model: &Model, nsec: &Secret, passphrase: &Secret, opening: bool, trouble: Option<Html>) -> Html {
    let sealed = nip49::is_sealed(onboarding::typed_key(nsec.reveal()));
    let passphrase = sealed.then(|| {
        labelled(model.say(texts::KEY_PASSPHRASE), PASSPHRASE_ID).key("passphrase").child(
            keyring::secret_field(PASSPHRASE_ID, "current-password", passphrase, |text| {
                Setup::PassphraseTyped(Secret::new(text)).into()
            })
            .test_id("passphrase-input"),
        )
    });
    let label = if opening { texts::KEY_OPENING } else { texts::KEY_USE };
    element("section").child(title(model.say(texts::KEY_OWNER_TITLE))).child_if(no_safe_place(model)).child(
        element("form")
            .on(On::Submit(Setup::NsecSubmitted.into()))
            .child(
                labelled(model.say(texts::NSEC_LABEL), "nsec").child(
                    element("input")
                        .with("id", "nsec")
                        .with("type", "password")
                        .with("autocomplete", "current-password")
                        .with("autocapitalize", "none")
                        .with("spellcheck", "false")
                        .with("placeholder", "nsec1… / ncryptsec1…")
                        .test_id("nsec-input")
                        .with("value", nsec.reveal().to_owned())
                        .on(On::Input(|text| Setup::NsecTyped(Secret::new(text)).into())),
                ),
            )
            .child_if(passphrase)
            .child_if(trouble)
            .child(row(
                Some(back(model)),
                Some(submit(model.say(label)).test_id("next").with_if(opening, "disabled")),
            )),
    )
}

/// The field for the passphrase of a key that is typed.
const PASSPHRASE_ID: &str = "key-passphrase";

fn proving(model: &Model) -> Html {
    let waits = network::trouble(model);
    let by_extension = model.signing.signer == Signer::Extension && model.signing.proving;
    let sentence = model.say(match waits {
        Some(_) => texts::KEY_WAITING,
        None if by_extension => texts::PROVING_EXTENSION,
        None => texts::KEY_PROVING,
    });
    element("section")
        .child(title(model.say(texts::KEY_TITLE)))
        .child(
            element("div")
                .class("found")
                .with("role", "status")
                .child(element("span").class("spinner"))
                .child(paragraph("found-text", sentence)),
        )
        .child_if(waits.map(error))
        .child(row(Some(back(model)), None))
}

fn name(model: &Model) -> Html {
    let form = &model.profile_form;
    let typed = form.name.clone().or(me::present(model).name).unwrap_or_default();
    let empty = typed.trim().is_empty();
    let waits = form.submitted.then(|| paragraph("muted", model.say(texts::PROFILE_LOADING)));
    element("section")
        .child(title(model.say(texts::NAME_TITLE)))
        .child(paragraph("lead", model.say(texts::NAME_LEAD)))
        .child(
            element("form")
                .on(On::Submit(Message::Own(Own::ProfileSubmitted)))
                .child(
                    element("div").class("name-row").child_if(model.me.as_ref().map(avatar)).child(
                        labelled(model.say(texts::NAME_LABEL), "name").child(
                            element("input")
                                .with("id", "name")
                                .with("dir", "auto")
                                .with("maxlength", "100")
                                .with("autocomplete", "nickname")
                                .with("placeholder", model.say(texts::NAME_EXAMPLE))
                                .test_id("name-input")
                                .with("value", typed)
                                .on(On::Input(|text| Message::Own(Own::NameTyped(text)))),
                        ),
                    ),
                )
                .child(me::picture(model))
                .child_if(waits)
                .child_if(person::first_profile(model))
                .child(row(
                    Some(button("quiet", model.say(texts::NAME_SKIP), Setup::NameSkipped).test_id("skip")),
                    Some(submit(model.say(texts::NAME_DONE)).test_id("next").with_if(empty, "disabled")),
                )),
        )
}
