//! One relay session: `nostrp2p_bridge::Session` connected to a socket, the store and the driver.

use nostrp2p_bridge::{Session, Step};
use nostrp2p_protocol::{
    Filter, UnverifiedEvent,
    frame::{Refusal, RefusalCode},
};
use tokio::sync::oneshot;

use super::{
    App,
    link::{Gone, Said, Socket},
};
use crate::{clock, driver::Command};

/// Runs the session until the client leaves.
pub(super) async fn run(app: App, mut socket: Socket, authority: String) -> Result<(), Gone> {
    let mut challenge = [0; 32];
    getrandom::fill(&mut challenge).map_err(|_| Gone)?;
    let (mut session, greeting) = Session::open(challenge, authority);
    let mut progress = app.store.progress();
    let mut stop = app.stop.clone();
    let mut cursor = progress.borrow_and_update().newest;
    perform(&app, &mut socket, &session, vec![greeting]).await?;
    loop {
        let steps = tokio::select! {
            () = stop.wait() => return socket.close("the node is stopping").await,
            said = socket.receive() => match said? {
                Said::Text(line) => session.on_line(&line, app.standing.borrow().owner, clock::now()),
                Said::Binary(_) => vec![Step::Send(r#"["NOTICE","invalid: a relay takes text messages"]"#.to_owned())],
            },
            Ok(()) = progress.changed() => {
                let (steps, through) = news(&app, &session, cursor).await?;
                cursor = through;
                // The rest comes in the next round.
                if through < progress.borrow_and_update().newest {
                    progress.mark_changed();
                }
                steps
            }
        };
        perform(&app, &mut socket, &session, steps).await?;
    }
}

/// What was stored since, for the session's subscriptions.
async fn news(app: &App, session: &Session, cursor: u64) -> Result<(Vec<Step>, u64), Gone> {
    let store = app.store.clone();
    let batch = tokio::task::spawn_blocking(move || store.after(cursor)).await.map_err(|_| Gone)?;
    let batch = batch.map_err(|error| {
        tracing::error!(%error, "the store cannot be read");
        Gone
    })?;
    let steps = batch.events.iter().flat_map(|event| session.on_stored(event)).collect();
    Ok((steps, batch.through))
}

async fn perform(app: &App, socket: &mut Socket, session: &Session, steps: Vec<Step>) -> Result<(), Gone> {
    for step in steps {
        match step {
            Step::Send(line) => socket.text(line).await?,
            Step::Publish(event) => {
                let answer = publish(app, session, *event).await;
                if let Step::Send(line) = answer {
                    socket.text(line).await?;
                }
            }
            Step::Find(subscription, filters) => find(app, socket, session, &subscription, filters).await?,
        }
    }
    Ok(())
}

async fn publish(app: &App, session: &Session, event: UnverifiedEvent) -> Step {
    let id = event.claimed_id.unwrap_or_else(|| event.rumor.id());
    let (reply, answer) = oneshot::channel();
    drop(app.commands.send(Command::Publish(event, reply)).await);
    let stopping = || Err(Refusal::new(RefusalCode::Internal, "the node is stopping; try again later"));
    session.on_published(&id, answer.await.unwrap_or_else(|_| stopping()).map(|_| ()))
}

async fn find(
    app: &App,
    socket: &mut Socket,
    session: &Session,
    subscription: &str,
    filters: Vec<Filter>,
) -> Result<(), Gone> {
    let store = app.store.clone();
    let found = tokio::task::spawn_blocking(move || store.find(&filters)).await.map_err(|_| Gone)?;
    let found = found.map_err(|error| {
        tracing::error!(%error, "the store cannot be read");
        Gone
    })?;
    for step in session.on_found(subscription, &found.events) {
        if let Step::Send(line) = step {
            socket.text(line).await?;
        }
    }
    Ok(())
}
