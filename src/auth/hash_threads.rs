//! The threads that hash passwords: few, of their own, and behind everything else.
//!
//! Of their own, because each keeps the 19 MiB of a hash for the next one. Behind everything else,
//! because a hash takes a core for as long as hundreds of calls take.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that are started for the first job and end with this.
#[derive(Debug)]
pub(super) struct HashThreads {
    count: usize,
    jobs: Mutex<Option<Sender<Job>>>,
}

impl HashThreads {
    pub(super) const fn new(count: usize) -> Self {
        Self {
            count,
            jobs: Mutex::new(None),
        }
    }

    /// Has a job done as soon as a thread is free.
    pub(super) fn start(&self, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match jobs.take() {
            Some(sender) => sender,
            None => start_threads(self.count)?,
        };
        // Fails only without threads, and they end only when this does.
        let sent = sender
            .send(Box::new(job))
            .map_err(|_| io::ErrorKind::BrokenPipe.into());
        *jobs = Some(sender);
        sent
    }
}

fn start_threads(count: usize) -> io::Result<Sender<Job>> {
    let (sender, receiver) = channel();
    let receiver = Arc::new(Mutex::new(receiver));
    for number in 0..count {
        let receiver = Arc::clone(&receiver);
        Builder::new()
            .name(format!("dragoman-hash-{number}"))
            .spawn(move || work(&receiver))?;
    }
    Ok(sender)
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    stand_back();
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else {
            return;
        };
        // Whoever waits for the job learns of the panic by what it does not send.
        let outcome: Result<(), Box<dyn Any + Send>> = catch_unwind(AssertUnwindSafe(job));
        drop(outcome);
    }
}

/// Lets the threads that answer calls go first. Only Linux has this for a thread alone.
fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 10) {
        tracing::debug!(error = %error, "passwords are hashed at the priority of calls");
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_job_that_panics_does_not_end_its_thread() {
        let threads = HashThreads::new(1);
        threads.start(|| panic!("a job of this test")).unwrap();
        let (told, tells) = channel();
        threads.start(move || told.send(()).unwrap()).unwrap();
        tells.recv_timeout(Duration::from_secs(5)).unwrap();
    }

    #[test]
    fn jobs_run_on_threads_of_the_pool_and_no_more_than_it_has() {
        let threads = HashThreads::new(2);
        let (told, tells) = channel();
        for _ in 0..20 {
            let told = told.clone();
            let job = move || {
                thread::sleep(Duration::from_millis(2));
                told.send(thread::current().name().map(str::to_owned))
                    .unwrap();
            };
            threads.start(job).unwrap();
        }
        drop(told);
        let mut names: Vec<_> = tells.iter().flatten().collect();
        names.sort();
        names.dedup();
        assert_eq!(names, ["dragoman-hash-0", "dragoman-hash-1"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn hashing_stands_back_and_its_caller_does_not() {
        let before = rustix::process::getpriority_process(None).unwrap();
        let threads = HashThreads::new(1);
        let (told, tells) = channel();
        let job = move || {
            let own = rustix::process::getpriority_process(None).unwrap();
            told.send(own).unwrap();
        };
        threads.start(job).unwrap();
        assert_eq!(tells.recv().unwrap(), 10);
        assert_eq!(rustix::process::getpriority_process(None).unwrap(), before);
    }

    #[test]
    fn the_threads_end_with_what_started_them() {
        struct Told(Sender<()>);
        impl Drop for Told {
            fn drop(&mut self) {
                self.0.send(()).unwrap();
            }
        }
        thread_local! {
            static OWN: std::cell::RefCell<Option<Told>> = const { std::cell::RefCell::new(None) };
        }
        let (told, tells) = channel();
        let threads = HashThreads::new(1);
        let job = move || OWN.with(|own| *own.borrow_mut() = Some(Told(told)));
        threads.start(job).unwrap();
        drop(threads);
        tells.recv_timeout(Duration::from_secs(5)).unwrap();
    }
}
