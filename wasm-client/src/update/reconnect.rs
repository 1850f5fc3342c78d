//! The end of a connection, or of an attempt, and the delay before the next attempt.

use super::{Effect, Moment, exporting};
use crate::{
    effect::Timer,
    model::{Model, Phase, connection::Trouble, timeline::Past},
};

/// How long connecting, greeting and login may each take, in milliseconds; a phone's radio needs up to 2 s to wake.
pub const ANSWER_WITHIN_MS: u64 = 10_000;

/// The connection or the attempt has failed: the next attempt follows, at once if another way may work.
pub fn fail(model: &mut Model, trouble: Trouble, moment: Moment, out: &mut Vec<Effect>) {
    let connection = &mut model.connection;
    let lost = matches!(connection.phase, Phase::LoggedIn(_)) && connection.ways().len() > 1;
    if connection.way.is_some() {
        connection.troubled.clone_from(&connection.way);
    }
    if let (Phase::Greeting | Phase::Greeted(_) | Phase::Proving(_), Some(way)) =
        (&connection.phase, connection.way.take())
    {
        connection.doubtful = Some(way);
    }
    connection.race.clear();
    connection.later.clear();
    out.push(Effect::Cancel(Timer::HeadStart));
    connection.requests.clear();
    connection.failures = connection.failures.saturating_add(1);
    connection.trouble = Some(trouble);
    connection.status = None;
    connection.mirrors.clear();
    connection.phase = Phase::Waiting;
    exporting::fail(model, out);
    if model.timeline.past == Past::Fetching {
        model.timeline.past = Past::InNode;
    }
    out.push(Effect::Cancel(Timer::Answer));
    let delay_ms = if lost { 0 } else { model.connection.retry_delay_ms(moment.random) };
    out.push(Effect::Wait(Timer::Reconnect, delay_ms));
}
