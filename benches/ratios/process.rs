//! A server as a process of its own, whose time on the processors can be told.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts what prints `listening on http://ADDRESS`.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        // As a supervisor does: what is logged is read, and costs the server its writing.
        let mut log = child.stderr.take().expect("its log is piped");
        thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let mut output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut line = String::new();
        let address = loop {
            line.clear();
            let length = output.read_line(&mut line).expect("its output is text");
            assert!(length > 0, "the server did not start");
            if let Some(address) = line.trim_end().strip_prefix("listening on http://") {
                break address.parse().expect("an address");
            }
        };
        thread::spawn(move || output.read_to_end(&mut Vec::new()));
        Self { child, address }
    }

    /// For how long its threads ran on a processor until now.
    pub(crate) fn ran(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let tasks = tasks.expect("the server runs");
        tasks
            .map(|task| ran(&task.expect("a thread of it").path()))
            .sum()
    }
}

/// For how long this thread ran on a processor until now.
pub(crate) fn this_thread_ran() -> Duration {
    ran(Path::new("/proc/thread-self"))
}

fn ran(thread: &Path) -> Duration {
    let text = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
    let ran = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(ran.unwrap_or(0))
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
