//! Refusals that a caller could take for something else than they are.

use dragoman::command::email::Email;
use dragoman::command::name::Username;
use dragoman::command::query::UserQuery;
use dragoman::command::text::Text;
use dragoman::command::user::{UserChange, UserRef};
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

/// A new user was refused with "try again later" by a server that had broken off somewhere.
#[test]
fn a_write_that_broke_off_is_in_doubt() {
    let fatal = "{\"error_status\":\"500 Internal Server Error\",\"error_info\":\"New object cannot be updated!\"}";
    let kind = |command| {
        refused(Dialect::B2evolution, command, 500, fatal)
            .kind()
            .clone()
    };
    assert_eq!(kind(create()), Kind::UnknownOutcome);
    assert_eq!(kind(read()), Kind::Upstream);
    let known = fatal.replace(
        "New object cannot be updated!",
        "Requested Group does not exist!",
    );
    let error = refused(Dialect::B2evolution, create(), 500, &known);
    assert_eq!(*error.kind(), Kind::GroupNotFound);
}

/// A caller was told that a field was wrong which only the gateway's own look-up had.
#[test]
fn what_is_wrong_with_a_look_up_is_no_fault_of_the_callers() {
    let name = UserRef::Username(Username::parse("vera").unwrap());
    let remove = || Command::DeleteUser(name.clone());
    let illegal = "{\"error_status\":\"400 Bad Request\",\"error_info\":\"Illegal value received for parameter &laquo;per_page&raquo;!\"}";
    let params = "{\"id\":1,\"result\":null,\"error\":{\"code\":310,\"message\":\"Invalid Method Parameters\"}}";
    for (upstream, status, body) in [
        (Dialect::B2evolution, 400, illegal),
        (Dialect::Vision6, 200, params),
    ] {
        let error = refused(upstream, remove(), status, body);
        assert_eq!(*error.kind(), Kind::Upstream, "{upstream}");
    }
    let taken = params.replace("310", "331");
    let error = refused(Dialect::Vision6, remove(), 200, &taken);
    assert_eq!(*error.kind(), Kind::UserNotFound);
    // What a caller searches for is its own question.
    let list = Command::ListUsers(UserQuery::default());
    let error = refused(Dialect::Vision6, list, 200, params);
    assert_eq!(*error.kind(), Kind::InvalidArgument("params".into()));
}

/// Of one fault the attribute was named, of several the fields of b2evolution.
#[test]
fn several_faults_are_told_in_canonical_words_too() {
    let faults = "{\"code\":\"update_failed\",\"message\":\"<ul class=\\\"message_group\\\">Validation errors:\
        <li>Please enter your login.<\\/li><li>User level must be between 0 and 10.<\\/li><\\/ul>\"}";
    let error = refused(Dialect::B2evolution, update(), 403, faults);
    let fields: Vec<_> = error.faults().map(|fault| fault.kind().field()).collect();
    assert_eq!(fields, [Some("username"), Some("level")]);
}
