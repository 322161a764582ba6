//! Dragoman: old clients keep their dialect while everything behind them changes.
//!
//! Legacy clients speak Grupo (form posts), Vision6 (JSON-RPC) or b2evolution (REST with PHP
//! forms). Every call is decoded into one canonical command on users and groups, its API key or
//! password is checked, and the command is executed on Dragoman's own store or forwarded to an
//! upstream, in whatever dialect that speaks. The answer goes back in the dialect it came in.
//!
//! # The life of a request
//!
//! [`stack`] shows all of it in order, on one page. [`client`] is the mirror of [`server`], towards
//! an upstream.
//!
//! 1. [`server`] accepts the connection, shakes hands where TLS is spoken, and reads HTTP/1.1 or HTTP/2, with
//!    a timer for everything a peer can leave undone, and lets no head of HTTP/1 through that others could
//!    read differently.
//! 2. The HTTP stack ([`middleware`]) gives the request an id, finds out where it came from, finds
//!    its [`route`], and buffers its body. It knows nothing of users and groups. A request of a pass
//!    route leaves it there for [`forward::pass`], bodies streamed; so does one of a dialect's route that
//!    turns out to be no call ([`middleware::otherwise`]).
//! 3. At the seam, [`dialect::translate`] has the route's codec decode the request into calls.
//!    What a dialect is written in, PHP forms or JSON-RPC, is read by [`framing`].
//! 4. Each call passes the command stack, which knows nothing of HTTP: [`auth`] turns it from a
//!    bare `Call` into an `Authenticated` and then a `Permitted` one, [`once`] answers what was done
//!    already, and [`dispatch`] sends it where its route says: [`execute`] carries it out on the
//!    [`store`], or [`forward`] settles what would be lost and has an upstream do it, by a
//!    [`dialect::exchange`] over the [`client`] of one of its [`forward::endpoints`].
//! 5. Back at the seam the codec encodes outcomes and errors into one answer.
//!
//! A route whose mode ([`route::Mode`]) is not to translate hands all its requests to its site, and
//! [`observe`] looks at what would have become of them.
//!
//! Beside it, [`notify`] tells a webhook of users whom a call said to notify: the store queues that
//! with the write, and a task of its own sends it.
//!
//! [`control`] answers the command line on a socket: it looks at what a gateway without a store knows, and
//! has the configuration read again.
//! How a Unix socket is taken and given back it has of [`server`].
//!
//! # What always holds
//!
//! - The order of the command stack is checked by types: nothing reaches a store or an upstream
//!   without a principal, because `Authenticated` and `Permitted` can be made in [`auth`] only.
//! - Every failure is answered in the caller's dialect. Errors leave at two places: per call in
//!   [`dialect::translate`], per request in [`middleware::respond`]. Only where no route matched is
//!   the answer a bare 4xx, and on a pass route a plain one.
//! - Every answer carries `X-Request-Id`, but for the bare refusals of a head that cannot be read
//!   or is too large, which the HTTP engine answers. A message that is Dragoman's own ends with the
//!   last six digits of it, as the log line of the call does. A vendor's wording is used to the
//!   letter.
//! - What an answer needs of its request ([`dialect::ReplyTo`]) travels around the command stack;
//!   what the command stack needs of it travels in [`auth::Context`].
//! - Secrets cannot be printed ([`secret::Secret`]).
//! - No network input can panic, and none is silently dropped: an unknown detail is kept as an
//!   extension attribute, an invalid one is refused by name.
//! - A caller's credentials go no further than [`auth`]: an upstream is shown the gateway's own. The one
//!   exception is a route whose upstream judges its callers ([`route::Auth`]): then they travel in an
//!   [`auth::PassedOn`], which only [`forward`] opens, for one call to an upstream of the same dialect.
//! - What an upstream cannot express is refused or left out by rule before anything is sent, or kept
//!   in the store once the upstream has done the rest. Nothing is sent twice that may have arrived,
//!   but what only reads or sets.
//! - By a number that was looked up a while ago nothing is written before an answer has shown that its
//!   user still has the name that the call says.
//! - The running pipeline never changes: a reload builds the next one whole and puts it in its place
//!   ([`stack::live`]), or changes nothing and says why.
//! - Decoding and encoding are pure functions of the request and the route's policy.
//! - An acknowledged write survives `kill -9` and a power cut, and so does a notification that it
//!   promised; a write whose caller left is still done and audited.
//! - A write that is sent again with its idempotency key is answered as before and not done again; what
//!   is kept of it is in the transaction of its effect, or noted before it is sent on.
//! - Every write, and every denial of a known caller, is in the audit trail ([`journal`]), a chain
//!   in which nobody changes anything unnoticed without the pepper.
//!
//! # Where to look
//!
//! What a command takes at an upstream, and what the answers mean: [`dialect::exchange`].
//! To add a field to a user: [`command::user`], then the codecs and the store's columns. To add a
//! dialect: one folder under [`dialect`], one variant of [`command::Dialect`], one arm in each
//! match of `dialect.rs`. What is logged: [`telemetry`]. What a bad `routes.toml` prints:
//! [`config`].

#![forbid(unsafe_code)]

pub mod secret;

pub mod quiet;

pub mod clock;

pub mod command;

pub mod outcome;

pub mod error;

pub mod route;

pub mod journal;

pub mod auth;

pub mod framing;

pub mod dialect;

pub mod store;

pub mod execute;

pub mod forward;

pub mod observe;

pub mod notify;

pub mod once;

pub mod dispatch;

pub mod router;

pub mod middleware;

pub mod telemetry;

pub mod config;

pub mod stack;

pub mod server;

pub mod client;

pub mod control;

pub mod cli;
