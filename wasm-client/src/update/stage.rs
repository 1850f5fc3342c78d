//! The end of onboarding.

use super::{Effect, TICK_MS};
use crate::{
    effect::Timer,
    model::{Model, PersonStage, WelcomeStep},
    route::Route,
};

/// Setting up is over.
pub fn finish(model: &mut Model, out: &mut Vec<Effect>) {
    model.stage = PersonStage::Using;
    model.route = Route::Home;
    out.push(Effect::Replace(Route::Home.fragment()));
    out.push(Effect::ScrollToTop);
    out.push(Effect::Wait(Timer::Tick, TICK_MS));
}

/// Whether a name step is shown while the own profile is still on its way.
pub fn is_naming(model: &Model) -> bool {
    matches!(model.welcome().map(|welcome| &welcome.step), Some(WelcomeStep::Name))
}
