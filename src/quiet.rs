//! Wakes of a task by itself.
//!
//! hyper's parts talk over channels, as if each ran in a task of its own. Where one task polls both ends of a
//! channel, what passes through it wakes the task that is running, which is polled once more for nothing: three
//! times for each request that is handed on. So a connection's task is polled with a waker of its own
//! ([`Wakes`]), whose wakes are kept back while [`quietly`] polls the receiving end; and whoever polls that says whether
//! the sending end has anything to do.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Wake, Waker};

/// A waker that wakes the task it was made for, unless that is kept back.
#[derive(Debug, Default)]
pub struct Wakes(Option<Own>);

#[derive(Debug)]
struct Own {
    task: Waker,
    waker: Waker,
}

impl Wakes {
    /// The waker for a task. It is made anew only for another one.
    pub fn of(&mut self, task: &Waker) -> &Waker {
        let own = match self.0.take() {
            Some(own) if own.task.will_wake(task) => own,
            _ => Own {
                task: task.clone(),
                waker: Waker::from(Arc::new(Task(task.clone()))),
            },
        };
        &self.0.insert(own).waker
    }
}

struct Task(Waker);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !keep_back(&self.0) {
            self.0.wake_by_ref();
        }
    }
}

thread_local! {
    /// Nothing while wakes are passed on; else what was kept back.
    static QUIET: Cell<Option<Kept>> = const { Cell::new(None) };
}

/// The task whose wake was kept back, if any was.
#[derive(Debug, Default)]
#[must_use = "a task that is to go on has to be woken"]
pub struct Kept(Option<Waker>);

impl Kept {
    /// Wakes it after all.
    pub fn wake(self) {
        if let Some(task) = self.0 {
            task.wake();
        }
    }

    /// Leaves it as it is: it has nothing to do, or will do it anyway.
    pub fn forget(self) {}
}

/// Polls something, and keeps back the wake that comes of it on this thread.
pub fn quietly<T>(poll: impl FnOnce() -> T) -> (T, Kept) {
    let before = Before(QUIET.replace(Some(Kept::default())));
    let polled = poll();
    let kept = QUIET.take().unwrap_or_default();
    drop(before);
    (polled, kept)
}

/// Ends the quiet, also where the poll panics.
struct Before(Option<Kept>);

impl Drop for Before {
    fn drop(&mut self) {
        QUIET.set(self.0.take());
    }
}

/// Whether a wake is kept back. There is room for one task; another one is woken.
fn keep_back(task: &Waker) -> bool {
    // A thread that ends keeps nothing back.
    let kept = QUIET.try_with(|quiet| {
        let before = quiet.take()?;
        let waker = before.0.unwrap_or_else(|| task.clone());
        let is_kept = waker.will_wake(task);
        quiet.set(Some(Kept(Some(waker))));
        Some(is_kept)
    });
    kept.ok().flatten().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn wakes_are_kept_back_only_while_it_is_quiet_and_only_on_that_thread() {
        let count = Arc::new(Count::default());
        let wakes = || count.0.load(Ordering::Relaxed);
        let task = Waker::from(Arc::clone(&count));
        let mut made = Wakes::default();
        let own = made.of(&task).clone();
        assert!(made.of(&task).will_wake(&own));

        own.wake_by_ref();
        assert_eq!(wakes(), 1);
        quietly(|| ()).1.wake();
        assert_eq!(wakes(), 1);
        let elsewhere = own.clone();
        let (_, kept) = quietly(|| {
            own.wake_by_ref();
            own.wake_by_ref();
            assert_eq!(wakes(), 1);
            std::thread::spawn(move || elsewhere.wake()).join()
        });
        assert_eq!(wakes(), 2);
        kept.wake();
        assert_eq!(wakes(), 3);
        quietly(|| own.wake_by_ref()).1.forget();
        assert_eq!(wakes(), 3);
        let panicked = catch_unwind(AssertUnwindSafe(|| quietly(|| panic!("as a codec might"))));
        assert!(panicked.is_err());
        own.wake();
        assert_eq!(wakes(), 4);
    }

    #[test]
    fn there_is_room_for_the_wake_of_one_task_and_others_are_woken() {
        let (one, other) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let own = |count: &Arc<Count>| {
            let task = Waker::from(Arc::clone(count));
            Wakes::default().of(&task).clone()
        };
        let (first, second) = (own(&one), own(&other));
        let ((), kept) = quietly(|| {
            first.wake_by_ref();
            quietly(|| first.wake_by_ref()).1.forget();
            second.wake_by_ref();
        });
        let wakes = |count: &Count| count.0.load(Ordering::Relaxed);
        assert_eq!((wakes(&one), wakes(&other)), (0, 1));
        kept.wake();
        assert_eq!((wakes(&one), wakes(&other)), (1, 1));
    }
}
