//! `dragoman upstreams`: the upstreams of a running gateway and their endpoints.

use std::fmt::Write;
use std::path::PathBuf;

use http::Method;

use super::failure::Failure;
use super::{ask, say, table};
use crate::config::{self, Sources};
use crate::control::upstreams::{Endpoint, Upstream};

pub(super) const UPSTREAMS: &str = "\
Examples:
  dragoman upstreams
  dragoman upstreams --json | jq -r '.[].endpoints[] | select(.share == 0) | .url'

States: in; warming, new or back, with the part of its share that it gets; ejected, it failed too often
and is left alone for that long; probed, one request is to show whether it works again; down, its checks
fail. Busy and idle are connections with a request on them and at rest, of calls, not of pass routes.

Exit codes:
  0   done
  1   no gateway answers at admin.control
  64  the command line or the configuration has faults";

/// Asks the gateway at `admin.control`.
pub(super) fn run(config: Option<PathBuf>, json: bool) -> Result<(), Failure> {
    let sources = Sources::of_process(config);
    let Some(socket) = config::control(&sources)? else {
        return Err(Failure::Usage(
            "admin.control: there is no control socket to ask a running gateway by: name one, e.g. \
             \"control.sock\", and start the gateway again"
                .to_owned(),
        ));
    };
    let upstreams: Vec<Upstream> = ask::gateway(&socket, Method::GET, "/upstreams", &())?;
    if json {
        let text = serde_json::to_string_pretty(&upstreams)
            .map_err(|error| Failure::failed("cannot write JSON", error))?;
        return say(&(text + "\n"));
    }
    say(&text(&upstreams))
}

const HEADER: [&str; 9] = [
    "UPSTREAM",
    "ENDPOINT",
    "WEIGHT",
    "STATE",
    "BUSY",
    "IDLE",
    "FAILURES",
    "EJECTIONS",
    "LAST FAILURE",
];

fn text(upstreams: &[Upstream]) -> String {
    let mut lines = vec![HEADER.map(str::to_owned)];
    for upstream in upstreams {
        lines.extend(upstream.endpoints.iter().map(|it| line(&upstream.name, it)));
    }
    let mut text = table::aligned(&lines, &mut [0; HEADER.len()]);
    for upstream in upstreams {
        let remark = match upstream.ready {
            true if upstream.panic => {
                "more than half of the endpoints are out: all of them are used"
            }
            true => continue,
            false => "it is not ready: nothing is sent to it, or no check has passed yet",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {remark}", upstream.name);
    }
    text
}

fn line(upstream: &str, endpoint: &Endpoint) -> [String; HEADER.len()] {
    let state = match (endpoint.state.as_str(), endpoint.ejected_ms) {
        ("warming", _) => format!("warming, {} %", endpoint.share),
        ("ejected", Some(left)) => format!("ejected, {} s left", left.div_ceil(1000)),
        (state, _) => state.to_owned(),
    };
    let mut address = endpoint.url.clone();
    if !endpoint.addresses.is_empty() {
        let addresses: Vec<_> = endpoint.addresses.iter().map(ToString::to_string).collect();
        // Likewise.
        let _ = write!(address, " ({})", addresses.join(", "));
    }
    [
        upstream.to_owned(),
        address,
        endpoint.weight.to_string(),
        state,
        endpoint.busy.to_string(),
        endpoint.idle.to_string(),
        endpoint.failures.to_string(),
        endpoint.ejections.to_string(),
        endpoint.last_failure.clone().unwrap_or_default(),
    ]
}
