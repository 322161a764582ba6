//! `dragoman reload`: has the running gateway read its configuration again.

use std::path::PathBuf;

use http::Method;

use super::failure::Failure;
use super::{ask, say};
use crate::config::{self, Sources};
use crate::control::wire::Reloaded;

pub(super) const RELOAD: &str = "\
Examples:
  dragoman reload --config /etc/dragoman/routes.toml
  kill -HUP \"$(cat /run/dragoman.pid)\"   # the same; the log says what became of it

The gateway reads its file again, in its own environment, and files of certificates, keys and secrets.
Either all of it takes effect, from the next request on, or nothing does.

Exit codes:
  0   done, or nothing had changed
  1   no gateway answers at admin.control, or what has changed takes a restart
  64  the configuration has faults; the gateway goes on as before";

/// Asks the gateway at `admin.control`. The gateway says what else is wrong with the configuration.
pub(super) fn run(config: Option<PathBuf>) -> Result<(), Failure> {
    let sources = Sources::of_process(config);
    let Some(socket) = config::control(&sources)? else {
        return Err(Failure::Usage(
            "admin.control: there is no control socket to ask a running gateway by: name one, e.g. \
             \"control.sock\", and start the gateway again; or send it SIGHUP"
                .to_owned(),
        ));
    };
    let Reloaded { lines } = ask::gateway(&socket, Method::POST, "/reload", &())?;
    say(&(lines.join("\n") + "\n"))
}
