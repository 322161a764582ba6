//! A write that ends, whether or not its caller waits for it.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// A future that goes on as a task of its own when whoever awaits it leaves. As long as they stay, it
/// costs no more than a box.
pub(super) struct ToTheEnd<T: Send + 'static> {
    work: Option<BoxFuture<'static, T>>,
    /// It counts from its beginning to its end.
    counted: TaskTrackerToken,
    /// What is done with what comes of it when nobody hears of it.
    unheard: fn(T) -> BoxFuture<'static, ()>,
}

impl<T: Send + 'static> ToTheEnd<T> {
    /// The work begins when it is awaited, and is one of `tasks` until it has ended.
    pub(super) fn new(
        work: BoxFuture<'static, T>,
        tasks: &TaskTracker,
        unheard: fn(T) -> BoxFuture<'static, ()>,
    ) -> Self {
        Self {
            work: Some(work),
            counted: tasks.token(),
            unheard,
        }
    }
}

impl<T: Send + 'static> Future for ToTheEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.work else {
            // A future that is polled after it is ready has nothing to give twice.
            return Poll::Pending;
        };
        work.poll_unpin(context).map(|outcome| {
            self.work = None;
            outcome
        })
    }
}

impl<T: Send + 'static> Drop for ToTheEnd<T> {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else {
            return;
        };
        let Ok(runtime) = Handle::try_current() else {
            tracing::error!("a write was given up: there is no runtime that could end it");
            return;
        };
        let (unheard, counted) = (self.unheard, self.counted.clone());
        runtime.spawn(async move {
            unheard(work.await).await;
            drop(counted);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::oneshot;

    use super::*;

    /// What nobody heard of. Only the test below leaves anything.
    static UNHEARD: Mutex<Vec<u32>> = Mutex::new(Vec::new());

    fn note(outcome: u32) -> BoxFuture<'static, ()> {
        Box::pin(async move { UNHEARD.lock().unwrap().push(outcome) })
    }

    #[tokio::test]
    async fn who_waits_is_told_and_nothing_is_left_of_it() {
        let tasks = TaskTracker::new();
        let work = ToTheEnd::new(Box::pin(async { 1 }), &tasks, |_| panic!("it was heard"));
        assert_eq!(tasks.len(), 1);
        assert_eq!(work.await, 1);
        assert!(tasks.is_empty());
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_goes_on_where_it_was() {
        let tasks = TaskTracker::new();
        let (go_on, told) = oneshot::channel::<()>();
        let mut begun = 0;
        let mut work = ToTheEnd::new(
            Box::pin(async move {
                begun += 1;
                told.await.unwrap();
                begun
            }),
            &tasks,
            note,
        );
        assert!(futures_util::poll!(&mut work).is_pending());
        drop(work);
        assert_eq!(tasks.len(), 1);
        go_on.send(()).unwrap();
        tasks.close();
        tasks.wait().await;
        assert_eq!(*UNHEARD.lock().unwrap(), [1]);
    }
}
