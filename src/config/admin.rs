//! `[admin]`: where the operator connects.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::fault::Faults;
use super::place::Place;
use super::value::Address;
use crate::server;

/// The parameters of the admin listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where `/health/live` and `/health/ready` are answered, without a token.
    pub listen: SocketAddr,
    /// The Unix socket on which the command line asks a running gateway; none where absent.
    pub control: Option<PathBuf>,
}

/// `[admin]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AdminSection {
    /// Never one of the addresses of `[server]`: callers must not reach it.
    listen: Address,
    /// A Unix socket for the gateway's own user, relative to the configuration file.
    control: Option<PathBuf>,
}

impl Default for AdminSection {
    fn default() -> Self {
        Self {
            listen: Address(SocketAddr::from(([127, 0, 0, 1], 9901))),
            control: None,
        }
    }
}

impl AdminSection {
    /// Checks that callers do not get in.
    pub(super) fn build(
        self,
        server: Option<&super::Server>,
        directory: &Path,
        place: Place<'_>,
        faults: &mut Faults,
    ) -> Admin {
        let listen = self.listen.0;
        let callers = server.map_or(&[][..], |server| server.listen.as_slice());
        if listen.port() != 0 && callers.iter().any(|known| overlap(known, listen)) {
            let message = format!("{listen} is taken by server.listen: choose another port");
            faults.push(place.fault("listen", message));
        }
        let control = self.control.map(|path| directory.join(path));
        let most = server::Address::LONGEST_PATH;
        let length = |path: &PathBuf| path.as_os_str().len();
        if control.as_ref().is_some_and(|path| length(path) > most) {
            let message =
                format!("is longer than {most} bytes with its directory: choose a shorter path");
            faults.push(place.fault("control", message));
        }
        Admin { listen, control }
    }
}

/// Whether both cannot be bound: the same port, and the same address or one that means all.
fn overlap(one: &server::Address, other: SocketAddr) -> bool {
    let Some(one) = one.tcp() else {
        return false;
    };
    one.port() == other.port()
        && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
}
