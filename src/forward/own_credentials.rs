//! The gateway's own credentials at an upstream, and the file that their secret is renewed from.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::spawn_blocking;

use crate::auth::{Call, Credentials};
use crate::secret::file;

/// What is shown to one upstream.
#[derive(Debug)]
pub(super) struct OwnCredentials {
    present: Mutex<Present>,
    file: Option<PathBuf>,
}

#[derive(Debug)]
struct Present {
    credentials: Credentials,
    /// How often they were changed.
    number: u64,
}

impl OwnCredentials {
    /// Credentials whose secret is in that file, if it is in any.
    pub(super) fn new(credentials: Credentials, file: Option<PathBuf>) -> Self {
        Self {
            present: Mutex::new(Present {
                credentials,
                number: 0,
            }),
            file,
        }
    }

    /// Those of now.
    pub(super) fn present(&self) -> Credentials {
        self.lock().credentials.clone()
    }

    /// Gives those of now to a call that may have earlier ones, and tells their number.
    pub(super) fn refresh(&self, call: &mut Call) -> u64 {
        let present = self.lock();
        if present.number > 0 {
            call.credentials = present.credentials.clone();
        }
        present.number
    }

    /// Reads the file again: the number of the new credentials, if its secret is another. A file
    /// that is empty or gone is one that is being written.
    pub(super) async fn renew(&self) -> Option<u64> {
        let path = self.file.clone()?;
        let read = spawn_blocking(move || file::read(&path)).await;
        let secret = read.ok()?.ok().filter(|secret| !secret.is_empty())?;
        let mut present = self.lock();
        let changed = match &present.credentials {
            Credentials::None => return None,
            Credentials::Key(_) => Credentials::Key(secret),
            Credentials::Basic { login, .. } => Credentials::Basic {
                login: login.clone(),
                password: secret,
            },
        };
        if changed == present.credentials {
            return None;
        }
        present.credentials = changed;
        present.number += 1;
        Some(present.number)
    }

    fn lock(&self) -> MutexGuard<'_, Present> {
        // Both fields are set one after the other, and neither can fail.
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
