//! A write that ends, whether or not its caller waits for it.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, CatchUnwind};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// A future that goes on as a task of its own when whoever awaits it leaves. As long as they stay, it
/// costs no more than a box.
///
/// It is `None` if it panicked: nobody knows then what it did.
pub(super) struct ToTheEnd<T: Send + 'static> {
    work: Option<Work<T>>,
    tasks: TaskTracker,
    /// What is done with what comes of it when nobody hears of it.
    unheard: fn(T) -> BoxFuture<'static, ()>,
}

type Work<T> = CatchUnwind<AssertUnwindSafe<BoxFuture<'static, T>>>;

impl<T: Send + 'static> ToTheEnd<T> {
    /// The work begins when it is awaited; what of it nobody awaits any more is one of `tasks`.
    pub(super) fn new(
        work: impl Future<Output = T> + Send + 'static,
        tasks: TaskTracker,
        unheard: fn(T) -> BoxFuture<'static, ()>,
    ) -> Self {
        let work: BoxFuture<'static, T> = Box::pin(work);
        Self {
            work: Some(AssertUnwindSafe(work).catch_unwind()),
            tasks,
            unheard,
        }
    }
}

impl<T: Send + 'static> Future for ToTheEnd<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(work) = &mut self.work else {
            return Poll::Pending;
        };
        work.poll_unpin(context).map(|ended| {
            self.work = None;
            ended.ok()
        })
    }
}

impl<T: Send + 'static> Drop for ToTheEnd<T> {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else {
            return;
        };
        // Without a runtime there is nothing that could go on.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let unheard = self.unheard;
        let rest = async move {
            if let Ok(outcome) = work.await {
                unheard(outcome).await;
            }
        };
        self.tasks.spawn_on(rest, &runtime);
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
        let work = ToTheEnd::new(async { 1 }, tasks.clone(), |_| panic!("it was heard"));
        assert_eq!(work.await, Some(1));
        assert!(tasks.is_empty());
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_goes_on_where_it_was() {
        let tasks = TaskTracker::new();
        let (go_on, told) = oneshot::channel::<()>();
        let mut begun = 0;
        let mut work = ToTheEnd::new(
            async move {
                begun += 1;
                told.await.unwrap();
                begun
            },
            tasks.clone(),
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

    #[tokio::test]
    async fn nobody_knows_what_came_of_what_panicked() {
        let work: ToTheEnd<u32> =
            ToTheEnd::new(async { panic!("it should") }, TaskTracker::new(), |_| {
                panic!("nothing is left of it")
            });
        assert_eq!(work.await, None);
    }
}
