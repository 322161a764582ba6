//! `check --connect`: whether each upstream can be reached, and takes the gateway's own credentials.
//!
//! One request is sent to each of its endpoints, once: some systems lock a login after a few refusals. It is
//! [harmless](question::harmless).

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::auth::{Call, Credentials};
use crate::cli::failure::Failure;
use crate::cli::say;
use crate::client::{self, Cause, Client, Endpoint, HttpVersion};
use crate::command::Dialect;
use crate::dialect::exchange::{Exchange, Known, Step};
use crate::error::Error;
use crate::forward::Parameters;
use crate::forward::question::{self, Verdict};

/// Tries every upstream and prints each step; fails if any step does.
pub(super) fn run(upstreams: &[Parameters]) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot start the runtime", error))?;
    let mut failed = Vec::new();
    for upstream in upstreams {
        let tried = runtime.block_on(try_out(upstream));
        if let Err(fault) = tried {
            say(&format!("{}: FAILED: {fault}\n", upstream.name))?;
            failed.push(upstream.name.as_str());
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    let message = format!("not every upstream can be used: {}", failed.join(", "));
    Err(Failure::Failed(message))
}

/// What is wrong with an endpoint.
struct Fault {
    said: String,
    /// Whether it is wrong with all of them, and must not be tried again.
    is_everywhere: bool,
}

impl From<String> for Fault {
    fn from(said: String) -> Self {
        Self {
            said,
            is_everywhere: false,
        }
    }
}

/// All endpoints, one after the other, until one refuses the credentials.
async fn try_out(upstream: &Parameters) -> Result<(), String> {
    let is_one = upstream.endpoints.others.is_empty();
    let mut faults = Vec::new();
    for endpoint in upstream.endpoints.all() {
        let client = &endpoint.client;
        let name = &upstream.name;
        if is_one {
            let tried = try_endpoint(upstream, client, name).await;
            return tried.map_err(|fault| fault.said);
        }
        let shown = format!("{name} at {}", client.endpoint);
        if let Err(fault) = try_endpoint(upstream, client, &shown).await {
            faults.push(format!("{}: {}", client.endpoint, fault.said));
            if fault.is_everywhere {
                break;
            }
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(faults.join("; "))
}

/// The steps, in order; the first that fails is the last.
async fn try_endpoint(
    upstream: &Parameters,
    endpoint: &client::Parameters,
    shown: &str,
) -> Result<(), Fault> {
    let say = |step: &str, since: Instant| {
        let took = since.elapsed().as_millis();
        say(&format!("{shown}: {step} ({took} ms)\n")).map_err(Failure::into_text)
    };
    let since = Instant::now();
    if let Some(addresses) = resolve(upstream, endpoint).await? {
        say(&format!("name resolved to {addresses}"), since)?;
    }
    let since = Instant::now();
    let client = Client::new(endpoint.clone()).map_err(|error| error.to_string())?;
    let connected = client.connect().await;
    connected.map_err(|failure| unreachable(upstream, &failure))?;
    let how = match &endpoint.endpoint {
        Endpoint::Http { .. } => "connected by TCP",
        Endpoint::Https { .. } => "connected by TCP, and TLS agreed on",
        Endpoint::Unix { .. } => "connected by its socket",
    };
    match endpoint.http_version {
        HttpVersion::Http1 => say(how, since)?,
        HttpVersion::Http2 => say(&format!("{how}, speaking HTTP/2"), since)?,
    }
    if upstream.credentials == Credentials::None {
        say("it judges its callers itself, so nothing is asked", since)?;
        return Ok(());
    }
    let since = Instant::now();
    let asked = ask(upstream, &client).await?;
    say(&format!("credentials accepted by {asked}"), since)?;
    Ok(())
}

/// The addresses of the host, where there is a name to resolve.
async fn resolve(
    upstream: &Parameters,
    endpoint: &client::Parameters,
) -> Result<Option<String>, String> {
    let (Endpoint::Http { host, port } | Endpoint::Https { host, port }) = &endpoint.endpoint
    else {
        return Ok(None);
    };
    let found = tokio::net::lookup_host((host.as_str(), *port));
    let patience = endpoint.connect;
    let key = address_key(upstream);
    let remedy = format!("correct the host in {key}, or the resolver");
    let found = match tokio::time::timeout(patience, found).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(format!("{host} cannot be resolved: {error}; {remedy}")),
        Err(_) => {
            return Err(format!(
                "{host} is not resolved in {}; {remedy}",
                shown(patience)
            ));
        }
    };
    let mut addresses: Vec<_> = found.map(|address| address.ip().to_string()).collect();
    addresses.dedup();
    Ok(Some(addresses.join(", ")))
}

/// Sends the one request; its name.
async fn ask(upstream: &Parameters, client: &Client) -> Result<&'static str, Fault> {
    let (command, name) = question::harmless(upstream.dialect, upstream.terms.account);
    let call = Call::new(
        upstream.credentials.clone(),
        upstream.terms.account,
        command,
    );
    let terms = Arc::new(upstream.terms.clone());
    let started = Exchange::start(upstream.dialect, call, Known::default(), terms);
    let (mut exchange, step) = started.map_err(|failure| failure.into_error().to_string())?;
    let Step::Send { request, .. } = step else {
        return Err("there is nothing to ask it".to_owned().into());
    };
    let answered = client.send(*request, None).await;
    let (head, body) = answered
        .map_err(|failure| unreachable(upstream, &failure))?
        .into_parts();
    match question::judge(upstream.dialect, exchange.next(&head, &body)) {
        Verdict::Taken => Ok(name),
        Verdict::Refused(error) => Err(Fault {
            said: refused(upstream, &error),
            is_everywhere: true,
        }),
        Verdict::Failed(error) => Err(format!(
            "{name} was answered with status {}, and not as a {} would: {}; look whether {} \
             leads to its interface, and what its log says",
            head.status.as_u16(),
            upstream.dialect,
            causes(&error),
            address_key(upstream)
        )
        .into()),
    }
}

/// The option that says where it is.
fn address_key(upstream: &Parameters) -> String {
    let is_one = upstream.endpoints.others.is_empty();
    let key = if is_one { "url" } else { "endpoints" };
    format!("upstreams.{}.{key}", upstream.name)
}

fn refused(upstream: &Parameters, error: &Error) -> String {
    let option = match upstream.dialect {
        Dialect::Grupo | Dialect::Vision6 => "key",
        Dialect::B2evolution => "login and password",
    };
    format!(
        "the gateway's own credentials are refused: {}; correct {option} of upstreams.{} before anything \
         is sent there again, since some systems lock a login",
        causes(error),
        upstream.name
    )
}

fn unreachable(upstream: &Parameters, failure: &client::Failure) -> String {
    let (name, key) = (&upstream.name, address_key(upstream));
    let remedy = match failure.cause {
        Cause::Connect => format!("look whether it runs, and correct {key}"),
        Cause::Tls => format!(
            "look at its certificate, and at upstreams.{name}.ca_file and upstreams.{name}.server_name"
        ),
        Cause::NotHttp2 => {
            let option = format!("upstreams.{name}.http_version");
            return format!("{}; remove {option}, or correct {key}", causes(failure));
        }
        Cause::Timeout { .. } => format!(
            "look whether a firewall is between, or raise upstreams.{name}.connect_timeout and head_timeout"
        ),
        Cause::Reset
        | Cause::Truncated
        | Cause::TooLarge { .. }
        | Cause::BadFraming
        | Cause::Encoded
        | Cause::Body
        | Cause::Unavailable => {
            format!("look whether {key} leads to its interface, and what its log says")
        }
    };
    format!("{}; {remedy}", causes(failure))
}

/// A failure with its causes.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

fn shown(patience: Duration) -> String {
    format!("{} ms", patience.as_millis())
}
