//! The gateway with some users, and the requests that are sent to it.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::callers::Request;
use super::process::Server;

const KEY: &str = "a-key-that-the-configuration-names";

/// `dragoman serve` over a store of its own, on the disk that holds the build.
pub(crate) struct Gateway {
    pub(crate) server: Server,
    directory: TempDir,
}

/// A directory on the disk that holds the build: one in memory would sync at no cost.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory beside the build")
}

impl Gateway {
    /// Users have the ids from 1.
    pub(crate) fn with_users(users: u32) -> Self {
        Self::started(users, &[])
    }

    /// One that reads every user of its file.
    pub(crate) fn without_cache(users: u32) -> Self {
        Self::started(users, &[("DRAGOMAN__STORE__CACHED_USERS", "0")])
    }

    fn started(users: u32, settings: &[(&str, &str)]) -> Self {
        let directory = directory();
        fs::write(directory.path().join("users.csv"), table(users)).expect("a file of users");
        let dragoman = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_dragoman"));
            command
                .current_dir(&directory)
                .env_clear()
                .envs(settings.iter().copied())
                .env("DRAGOMAN__KEYS__BENCH__VALUE", KEY)
                .env("DRAGOMAN__KEYS__BENCH__SCOPES", "user:*")
                .env("DRAGOMAN__SERVER__LISTEN", "127.0.0.1:0")
                .env("DRAGOMAN__ADMIN__LISTEN", "127.0.0.1:0");
            command
        };
        let imported = dragoman()
            .args(["users", "import", "users.csv"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(imported.is_ok_and(|status| status.success()), "no users");
        Self {
            server: Server::start(dragoman().arg("serve")),
            directory,
        }
    }

    /// The file it keeps its users in.
    pub(crate) fn store(&self) -> PathBuf {
        self.directory.path().join("data/dragoman.db")
    }
}

/// A get by id, as b2evolution has it.
pub(crate) fn read(user: u32) -> Request {
    let text = format!(
        "GET /api/v1/users/{user} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\n\
         accept: */*\r\n\r\n"
    );
    Request {
        bytes: text.into_bytes(),
        done: b"}",
    }
}

/// An update by id, as Grupo has it.
pub(crate) fn update(user: u32, call: u32) -> Request {
    let form = format!(
        "api_secret_key={KEY}&update=site_users&user_id={user}&full_name=User+{user}+as+of+{call}"
    );
    let text = format!(
        "POST /api_request/ HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    Request {
        bytes: text.into_bytes(),
        done: br#"{"success":true}"#,
    }
}

fn table(users: u32) -> String {
    let mut text = "id,username,display_name,email,level,phone\n".to_owned();
    for id in 1..=users {
        writeln!(
            text,
            "{id},user{id},User {id},user{id}@example.com,3,+49 30 {id}"
        )
        .expect("a string takes everything");
    }
    text
}
