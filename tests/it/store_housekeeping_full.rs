//! D42: the disk is full. Writes are refused, reads go on, and nothing needs a restart.
//!
//! The disk is a tmpfs of 8 MiB in a mount namespace of the gateway's own, so that nothing is left
//! when it ends. Root may make one; anybody else gets it with a user namespace, on the same real
//! tmpfs. Where neither is allowed, as in most containers, the test fails and says so.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use dragoman::command::Dialect;
use tempfile::TempDir;

use crate::process::{Served, finish};
use crate::store_calls::Caller;
use crate::store_fixture::usernames;

const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Mounts the disk, and runs the gateway with its log on it.
const ON_SMALL_DISK: &str = r#"
    mount -t tmpfs -o size=8m,mode=0700 none "$1" || {
        echo "a small disk cannot be mounted here: run the test as root, or allow user namespaces" >&2
        exit 1
    }
    exec "$2" serve --config "$3" --store "sqlite:$1/data/dragoman.db" 2>"$1/log"
"#;

/// A gateway and its disk.
struct Fixture {
    served: Served,
    caller: Caller,
    directory: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let disk = directory.path().join("disk");
        fs::create_dir(&disk).unwrap();
        let config = directory.path().join("routes.toml");
        fs::write(&config, format!("[keys.caller]\nvalue = '{KEY}'\n")).unwrap();
        let mut command = Command::new("unshare");
        if !is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command
            .args(["--mount", "--", "sh", "-c", ON_SMALL_DISK, "sh"])
            .arg(&disk)
            .arg(env!("CARGO_BIN_EXE_dragoman"))
            .arg(&config)
            .env("DRAGOMAN__ADMIN__LISTEN", "127.0.0.1:0")
            .env("DRAGOMAN__SERVER__LISTEN", "127.0.0.1:0");
        let served = Served::run(&mut command);
        Self {
            caller: Caller::new(&served.url, KEY),
            served,
            directory,
        }
    }

    /// A file on the disk, as it is seen from outside of the namespace.
    fn on_disk(&self, name: &str) -> PathBuf {
        let disk = self.directory.path().join("disk");
        let root = format!("/proc/{}/root{}", self.served.id(), disk.display());
        Path::new(&root).join(name)
    }

    /// Runs `dragoman store …` where the gateway's disk is mounted.
    fn store(&self, arguments: &[&str]) {
        let mut command = Command::new("nsenter");
        if !is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        let database = self.directory.path().join("disk/data/dragoman.db");
        command
            .args(["--mount", "--target", &self.served.id().to_string()])
            .args(["--", env!("CARGO_BIN_EXE_dragoman"), "store"])
            .args(arguments)
            .args(["--store", &format!("sqlite:{}", database.display())]);
        let (code, report, said) = finish(&mut command);
        assert_eq!(code, Some(0), "{report}{said}");
    }

    /// The users as a backup has them, which is made in front of the disk.
    fn usernames(&self, backup: &str) -> Vec<String> {
        let backup = self.directory.path().join(backup);
        self.store(&["backup", backup.to_str().unwrap()]);
        usernames(&backup)
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Takes all the room that is left.
fn fill(ballast: &Path) {
    let mut file = fs::File::create(ballast).unwrap();
    let full = loop {
        if let Err(error) = file.write_all(&[0; 512]) {
            break error;
        }
    };
    assert_eq!(full.kind(), ErrorKind::StorageFull);
}

#[test]
fn a_full_disk_refuses_writes_and_loses_nothing_and_needs_no_restart() {
    let fixture = Fixture::new();
    let caller = &fixture.caller;
    let mut expected = fixture.usernames("before.db");
    let mut create = |name: String| {
        let created = caller.create(&name);
        if created.is_done() {
            expected.push(name);
        } else {
            created.assert_overloaded(Dialect::Grupo);
        }
        created.is_done()
    };
    assert!(create("ada".to_owned()));
    let ballast = fixture.on_disk("ballast");
    fill(&ballast);
    // What the log of the database had room for already is still written.
    let refused = (0..500).find(|number| !create(format!("last{number}")));
    assert!(refused.is_some(), "the disk is not full");

    for round in 0..20 {
        for dialect in Dialect::ALL {
            caller.write(dialect, "full").assert_overloaded(dialect);
        }
        let read = caller.read();
        assert!(read.is_done(), "{round}: {read:?}");
        assert!(read.took < Duration::from_secs(1), "{round}: {read:?}");
    }
    let log = fs::read_to_string(fixture.on_disk("log")).unwrap();
    let lines = log.matches("call.action").count();
    assert!(lines < 60, "the log was still written: {lines} lines");

    fs::remove_file(&ballast).unwrap();
    assert!(create("after".to_owned()));
    for dialect in Dialect::ALL {
        assert!(caller.write(dialect, "room").is_done());
    }
    let log = fs::read_to_string(fixture.on_disk("log")).unwrap();
    assert!(log.ends_with('\n') && log.lines().count() > lines);

    fixture.store(&["check"]);
    assert_eq!(fixture.usernames("after.db"), expected);
    let (status, _) = fixture.served.stop();
    assert_eq!(status.code(), Some(0));
}
