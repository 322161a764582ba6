//! Where the tasks of one listener run, so that a drain can wait for all of them.

use hyper::rt::Executor;
use tokio_util::task::TaskTracker;

/// The tasks of one listener: its accept loops, its connections and their HTTP/2 streams.
#[derive(Clone, Debug, Default)]
pub(super) struct Tasks(TaskTracker);

impl Tasks {
    /// Runs a task to its end.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
    }

    /// Waits until no task is left. Tasks may still start others meanwhile.
    pub(super) async fn finished(&self) {
        self.0.close();
        self.0.wait().await;
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.spawn(task);
    }
}
