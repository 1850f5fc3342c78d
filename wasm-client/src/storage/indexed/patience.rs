//! A time limit for the browser's storage. Some browsers never answer at all, for instance when another tab holds the
//! database.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    task::{Poll, Waker},
};

use gloo_timers::callback::Timeout;

use crate::storage::StorageError;

/// How long the browser's storage may take, in milliseconds: a full disk of a phone takes some seconds.
const PATIENCE_MS: u32 = 15_000;

/// The result of this future, or an error when it takes too long.
pub(super) async fn limited<T>(
    mut work: Pin<Box<dyn Future<Output = Result<T, StorageError>> + '_>>,
) -> Result<T, StorageError> {
    let mut patience = Patience::default();
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Pending if patience.is_over(context.waker()) => Poll::Ready(Err(StorageError::silent())),
        done => done,
    })
    .await
}

#[derive(Default)]
struct Patience {
    late: Rc<Cell<bool>>,
    timer: Option<Timeout>,
}

impl Patience {
    // Once, and not once for each sort of answer.
    #[inline(never)]
    fn is_over(&mut self, waker: &Waker) -> bool {
        if self.timer.is_none() {
            let (late, waker) = (Rc::clone(&self.late), waker.clone());
            self.timer = Some(Timeout::new(PATIENCE_MS, move || {
                late.set(true);
                waker.wake_by_ref();
            }));
        }
        self.late.get()
    }
}
