//! How far a listener is in its life: one number that everybody reads and few wait for.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Waker};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// The stages, in the order in which they are passed. None is entered twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Bound, but not yet accepting.
    Starting,
    /// Accepting and answering.
    Serving,
    /// Accepting and answering, but asking clients to go elsewhere.
    LameDuck,
    /// No longer accepting; what is in flight is finished.
    Stopping,
    /// Whatever is left is dropped.
    Cut,
}

/// The stage of one listener.
#[derive(Debug, Default)]
pub(super) struct Lifecycle {
    stage: AtomicU8,
    changed: Notify,
}

impl Lifecycle {
    /// The present stage; one atomic load.
    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Starting,
            1 => Stage::Serving,
            2 => Stage::LameDuck,
            3 => Stage::Stopping,
            _ => Stage::Cut,
        }
    }

    /// Enters a later stage; an earlier one is ignored.
    pub(super) fn enter(&self, stage: Stage) {
        let number = match stage {
            Stage::Starting => 0,
            Stage::Serving => 1,
            Stage::LameDuck => 2,
            Stage::Stopping => 3,
            Stage::Cut => 4,
        };
        self.stage.fetch_max(number, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// Waits until a stage is reached or passed.
    pub(super) async fn reached(&self, stage: Stage) {
        loop {
            let changed = self.changed.notified();
            if self.stage() >= stage {
                return;
            }
            changed.await;
        }
    }

    /// The next change, to be polled through [`Observer::poll`].
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }
}

/// Looks at the stage on every poll of a connection.
///
/// All connections wait on one `Notify`, whose lock every poll of a waiter takes. So the waiter is polled
/// only when the stage has changed or another waker is in use; otherwise a look costs one atomic load.
#[derive(Debug)]
pub(super) struct Observer<'a> {
    lifecycle: &'a Lifecycle,
    known: Option<(Stage, Waker)>,
}

impl<'a> Observer<'a> {
    pub(super) fn new(lifecycle: &'a Lifecycle) -> Self {
        Self {
            lifecycle,
            known: None,
        }
    }

    /// The present stage. The task is woken when it changes.
    pub(super) fn poll(
        &mut self,
        mut changed: Pin<&mut Notified<'a>>,
        context: &mut Context<'_>,
    ) -> Stage {
        let stage = self.lifecycle.stage();
        if let Some((known, waker)) = &self.known
            && *known == stage
            && waker.will_wake(context.waker())
        {
            return stage;
        }
        while changed.as_mut().poll(context).is_ready() {
            changed.set(self.lifecycle.changed());
        }
        // Read again after the waiter is registered, so that no change falls in between.
        let stage = self.lifecycle.stage();
        self.known = Some((stage, context.waker().clone()));
        stage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_never_entered_twice() {
        let lifecycle = Lifecycle::default();
        assert_eq!(lifecycle.stage(), Stage::Starting);
        lifecycle.enter(Stage::Stopping);
        lifecycle.enter(Stage::Serving);
        assert_eq!(lifecycle.stage(), Stage::Stopping);
    }

    #[tokio::test]
    async fn an_observer_is_woken_by_every_change() {
        let lifecycle = Lifecycle::default();
        let mut observer = Observer::new(&lifecycle);
        let mut changed = std::pin::pin!(lifecycle.changed());
        let mut seen = Vec::new();
        let watch = std::future::poll_fn(|context| {
            seen.push(observer.poll(changed.as_mut(), context));
            if seen.last() == Some(&Stage::Cut) {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        });
        let drive = async {
            for stage in [Stage::Serving, Stage::LameDuck, Stage::Stopping, Stage::Cut] {
                lifecycle.enter(stage);
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(watch, drive);
        assert!(seen.len() >= 3, "{seen:?}");
    }
}
