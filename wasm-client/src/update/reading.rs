//! Actions of the person while reading.

use super::{Effect, asking, home, lists, menu, names, pages};
use crate::{
    effect::Timer,
    message::Reading,
    model::{Model, Picture, Window},
    nip05::DomainName,
    route::Route,
    secret::Secret,
    storage::{Setting, StorageChange},
};

/// How long after the last key the node is searched, in milliseconds.
const SEARCH_MS: u64 = 300;

/// Takes in what the person does while reading.
pub fn update(model: &mut Model, reading: Reading, out: &mut Vec<Effect>) {
    match reading {
        Reading::ShowNew => {
            model.timeline.show_unseen();
            model.timeline.window = Window::default();
            out.push(Effect::ScrollToTop);
        }
        Reading::Fold(id) => model.timeline.unfolded.toggle(id),
        Reading::Tab(tab) => {
            model.tab = tab.clone();
            model.timeline.window = Window::default();
            lists::turn(model);
            lists::ask_tab(model, out);
            out.push(Effect::Save(vec![StorageChange::Set(Setting::Tab(tab))]));
            out.push(Effect::ScrollToTop);
            home::fill(model, out);
        }
        Reading::Answers => {
            model.no_answers = !model.no_answers;
            model.timeline.window = Window::default();
            out.push(Effect::Save(vec![StorageChange::Set(Setting::NoAnswers(model.no_answers))]));
            home::fill(model, out);
        }
        Reading::FollowThread(root) => {
            menu::close(model, out);
            model.notices.follow_thread(root);
            let threads = model.notices.threads.clone();
            out.push(Effect::Save(vec![StorageChange::Set(Setting::Threads(threads))]));
        }
        Reading::SearchTyped(text) => {
            if let Some(Route::Person(person)) = Route::from_code(&text) {
                model.people.want(person);
                asking::ask_missing(model, out);
            }
            model.search = text;
            out.push(Effect::Wait(Timer::Search, SEARCH_MS));
        }
        Reading::Hashtag(tag) => {
            model.search = tag;
            out.push(Effect::Go(Route::Find.fragment()));
            out.push(Effect::Wait(Timer::Search, SEARCH_MS));
        }
        Reading::SearchSubmitted => {
            if let Some(route) = Route::from_code(&model.search) {
                model.search.clear();
                out.push(Effect::Go(route.fragment()));
            } else if let Some(name) = DomainName::of_search(&model.search) {
                names::open(model, name, out);
            }
        }
        Reading::Back => out.push(Effect::GoBack),
        Reading::Older if model.route == Route::Home => home::more(model, out),
        Reading::Older => pages::more(model, out),
        Reading::Open(id) => {
            let author = model.timeline.written(&id).map(|unsigned| unsigned.pubkey);
            if !matches!(model.route, Route::Thread(open, _) if open == id) {
                out.push(Effect::Go(Route::Thread(id, author).fragment()));
            }
        }
        Reading::LookUp(name) => names::look_up(model, name, out),
        Reading::ShowPicture(address) => {
            out.extend(model.pictures.put(address.clone(), Picture::Loading).map(Effect::DropPicture));
            out.push(Effect::LoadPicture(address));
        }
        Reading::CopyNpub(person) => out.push(Effect::Copy(Secret::new(person.to_npub()))),
        Reading::CopyText(id) => {
            menu::close(model, out);
            if let Some(unsigned) = model.timeline.written(&id) {
                out.push(Effect::Copy(Secret::new(unsigned.content.clone())));
            }
        }
        Reading::Menu(menu) => menu::open(model, menu, out),
    }
}
