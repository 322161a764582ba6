//! A look at requests that go to a site as they are: what would have become of them here.
//!
//! A [`Tap`] copies the body of a request while it is handed on, and what it has is judged on a thread of
//! its own, behind everything else: decoded, its key looked up, its scopes compared, and what an upstream
//! has no place for found out. Nothing is sent, written or counted for it. What it says are [`Line`]s
//! ([`mod@line`]), without a value of any field and without a secret. [`Terms::judge`] is also what
//! `dragoman explain` asks.
//!
//! Nobody waits for it: bodies that are copied have a budget, what is judged waits in a bounded queue, and
//! what finds no room is counted and said.

mod caller;
pub mod line;
mod look;
mod output;
mod queue;
mod redaction;
mod sample;
mod tap;
mod terms;

pub use self::caller::{Caller, Stored};
pub use self::line::Line;
pub use self::queue::Observer;
pub use self::redaction::Redaction;
pub use self::tap::{Tap, Tapped, Watched};
pub use self::terms::{Judged, Terms};
