//! The built binary as a process of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A running `dragoman serve`; killed when dropped.
pub(crate) struct Served {
    child: Child,
    /// Where it listens, e.g. `http://127.0.0.1:41233`.
    pub(crate) url: String,
    /// Where it answers health checks.
    pub(crate) admin: String,
    output: Option<JoinHandle<String>>,
    log: Option<JoinHandle<String>>,
}

/// The debug binary of this build, in a directory, with nothing of the caller's environment that
/// could configure it, and ports the system chooses.
pub(crate) fn dragoman(directory: &Path) -> Command {
    command(Path::new(env!("CARGO_BIN_EXE_dragoman")), directory)
}

/// The release binary, which `tests/run` builds first.
pub(crate) fn release_binary() -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_dragoman"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned();
    let binary = target.join("release/dragoman");
    assert!(
        binary.exists(),
        "{} is missing: run ./tests/run, or cargo build --release",
        binary.display()
    );
    binary
}

pub(crate) fn command(binary: &Path, directory: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .current_dir(directory)
        .env("DRAGOMAN__ADMIN__LISTEN", "127.0.0.1:0")
        .env("DRAGOMAN__SERVER__LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null());
    command
}

impl Served {
    pub(crate) fn start(directory: &Path) -> Self {
        Self::run(dragoman(directory).arg("serve"))
    }

    pub(crate) fn run(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            BufReader::new(stderr).read_to_string(&mut text).unwrap();
            text
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut admin = String::new();
        let url = lines.find_map(|line| {
            let line = line.unwrap();
            if let Some(address) = line.strip_prefix("admin on ") {
                address.clone_into(&mut admin);
            }
            line.strip_prefix("listening on ").map(str::to_owned)
        });
        let Some(url) = url else {
            let status = child.wait().unwrap();
            panic!("it did not start ({status}):\n{}", log.join().unwrap());
        };
        // What else it prints must not block it.
        let output =
            std::thread::spawn(move || lines.map(Result::unwrap).collect::<Vec<_>>().join("\n"));
        Self {
            child,
            url,
            admin,
            output: Some(output),
            log: Some(log),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its memory that is in RAM.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let mut lines = status.lines();
        let resident = lines.find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        resident.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The most of it that ever was.
    pub(crate) fn peak_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let mut lines = status.lines();
        let peak = lines.find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(done.success());
    }

    /// Asks it to end; its exit status and everything it logged.
    pub(crate) fn stop(self) -> (ExitStatus, String) {
        let (status, _, log) = self.stop_and_tell();
        (status, log)
    }

    /// The same, with what it printed after it said where it listens.
    pub(crate) fn stop_and_tell(mut self) -> (ExitStatus, String, String) {
        self.signal("TERM");
        let status = self.wait(Duration::from_secs(20));
        let text = |thread: &mut Option<JoinHandle<String>>| thread.take().unwrap().join().unwrap();
        (status, text(&mut self.output), text(&mut self.log))
    }

    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it did not end within {limit:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs `curl` with these arguments; what it printed.
pub(crate) fn curl(arguments: &[&str]) -> String {
    let done = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "20"])
        .args(arguments)
        .output();
    let output = done.expect("curl is installed by tests/run");
    assert!(
        output.status.success(),
        "curl: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command to its end; what it printed on standard output and standard error.
pub(crate) fn finish(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}
