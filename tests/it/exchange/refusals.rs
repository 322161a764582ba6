//! Refusals that a caller could take for something else than they are.

use dragoman::command::email::Email;
use dragoman::command::name::Username;
use dragoman::command::text::Text;
use dragoman::command::user::UserChange;
use dragoman::command::{Command, Dialect, Edit};
use dragoman::error::{Error, Kind};
use dragoman::secret::Secret;

use super::answers::{once, read, update};

fn refused(upstream: Dialect, command: Command, status: u16, body: &str) -> Error {
    once(upstream, command, status, body)
        .result
        .unwrap_err()
        .into_error()
}

fn create() -> Command {
    let change = UserChange {
        username: Username::parse("vera"),
        email: Email::parse("vera@example.com"),
        password: Some(Secret::from("correct horse")),
        given_name: Edit::Set(Text::parse("Vera").unwrap()),
        ..UserChange::default()
    };
    Command::CreateUser(Box::new(change))
}

const BANNED: &str = "{\"success\":false,\"error_key\":\"account_banned\"}";
const CLOSED: &str =
    "{\"code\":\"no_access\",\"message\":\"The requested user account is closed!\"}";

/// A Vision6 caller was told that its key was wrong, and one of b2evolution that its own account was closed.
#[test]
fn a_closed_account_is_never_the_callers() {
    let b2evolution = Dialect::B2evolution;
    for error in [
        refused(Dialect::Grupo, update(), 200, BANNED),
        refused(b2evolution, read(), 403, CLOSED),
    ] {
        assert_eq!(*error.kind(), Kind::Closed);
        assert_eq!(error.message(), "The requested user account is closed!");
    }
    for error in [
        refused(Dialect::Grupo, create(), 200, BANNED),
        refused(b2evolution, create(), 403, CLOSED),
    ] {
        assert_eq!(*error.kind(), Kind::Upstream);
    }
}

/// A caller was told to try a write again that another gateway may have sent.
#[test]
fn a_write_that_took_too_long_is_in_doubt_in_words_too() {
    let late = "{\"error_status\":\"504 Gateway Timeout\",\"error_info\":\"the call took too long; try again later (ref 0a1b2c)\"}";
    let error = refused(Dialect::B2evolution, update(), 504, late);
    assert_eq!(*error.kind(), Kind::UnknownOutcome);
    let words = "the write was sent and its outcome is unknown; look before repeating it";
    assert_eq!(error.message(), words);
}
