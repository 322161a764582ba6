//! Who is calling, and what they may do.
//!
//! The order of the command stack is checked by types: a [`Call`] becomes [`Authenticated`] only
//! in [`authenticate`], and that becomes [`Permitted`] only in [`authorize`]. Nothing below this
//! module takes a bare call.

pub mod address;
pub mod api_key;
pub mod attempts;
pub mod authenticate;
pub mod authorize;
pub mod call;
pub mod denials;
mod hash_threads;
pub mod keys;
pub mod passed_on;
pub mod password;
mod permitted;
pub mod principal;
pub mod scope;
pub mod sign_in;
mod verified;

pub use self::authenticate::Authenticated;
pub use self::call::{Call, Context, Credentials, Unread};
pub use self::passed_on::PassedOn;
pub use self::permitted::Permitted;
pub use self::principal::Principal;
