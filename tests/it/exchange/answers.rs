//! What each class of answer means: `tests/golden/exchange/DIALECT.answers` has a line for each,
//! what it is to a read and what to a write.

use std::fmt::Write as _;

use dragoman::auth::{Call, Credentials};
use dragoman::command::user::{Status, UserChange, UserRef};
use dragoman::command::{Command, Dialect};
use dragoman::dialect::exchange::{Failure, Known};
use dragoman::error::Kind;

use super::upstream::answer;
use super::{Ran, folder, id, run, terms};
use crate::golden::same_as_recorded;

/// Answers that are none in any dialect, with the status they come with.
const STRANGE: [(u16, &str); 13] = [
    (200, ""),
    (200, "[]"),
    (200, "null"),
    (200, "true"),
    (200, "<html><body>It works!</body></html>"),
    (200, "{\"success\":true,\"success\":false}"),
    (200, "{\"id\":1,\"result\":true,\"error\":null}{}"),
    (301, "<html>Moved</html>"),
    (404, "<html>Not Found</html>"),
    (500, ""),
    (502, "<html>Bad Gateway</html>"),
    (503, "<html>Maintenance</html>"),
    (504, "<html>Gateway Time-out</html>"),
];

const GRUPO: [(u16, &str); 26] = [
    (200, "{\"success\":true}"),
    (200, "{\"success\":\"true\"}"),
    (200, "{\"success\":1}"),
    (200, "{\"success\":tru"),
    (500, "{\"success\":true}"),
    (200, "{\"reload_page\":true}"),
    (200, "{\"refresh\":true}"),
    (200, "{\"success\":false}"),
    (
        200,
        "{\"success\":false,\"error_message\":\"?\",\"error_key\":\"new_in_v9\"}",
    ),
    (
        200,
        "{\"success\":false,\"error_key\":\"invalid_api_secret_key\"}",
    ),
    (
        200,
        "{\"success\":false,\"error_key\":\"permission_denied\"}",
    ),
    (
        200,
        "{\"success\":false,\"error_key\":\"account_not_found\",\"error_variables\":[]}",
    ),
    (200, "{\"success\":false,\"error_key\":\"group_not_found\"}"),
    (200, "{\"success\":false,\"error_key\":\"username_exists\"}"),
    (200, "{\"success\":false,\"error_key\":\"email_exists\"}"),
    (
        200,
        "{\"success\":false,\"error_key\":\"invalid_email_address\"}",
    ),
    (
        200,
        "{\"success\":false,\"error_key\":\"email_domain_blacklisted\"}",
    ),
    (
        200,
        "{\"success\":false,\"error_key\":\"slug_already_exists\"}",
    ),
    (
        200,
        "{\"success\":false,\"error_key\":\"invalid_value\",\"error_variables\":[[\"full_name\"]]}",
    ),
    (
        200,
        "{\"success\":false,\"error_key\":\"invalid_value\",\"error_variables\":[\"ban_till\"]}",
    ),
    (
        200,
        "{\"success\":false,\"error_key\":\"invalid_value\",\"error_variables\":[]}",
    ),
    (
        200,
        "{\"success\":false,\"error_key\":\"phone_number_exists\"}",
    ),
    (
        200,
        "{\"success\":false,\"error_key\":\"password_doesnt_match\"}",
    ),
    (200, "{\"success\":false,\"error_key\":\"not_a_member\"}"),
    (200, "{\"success\":false,\"error_key\":\"account_banned\"}"),
    (
        200,
        "{\"success\":false,\"error_key\":\"something_went_wrong\"}",
    ),
];

const VISION6: [(u16, &str); 33] = [
    (200, "{\"id\":1,\"result\":true,\"error\":null}"),
    (200, "{\"id\":\"1\",\"result\":true,\"error\":null}"),
    (
        200,
        "{\"id\":1,\"result\":[{\"id\":11,\"username\":\"vera\"}],\"error\":null}",
    ),
    (
        200,
        "{\"id\":1,\"result\":[{\"id\":12,\"username\":\"otto\"}],\"error\":null}",
    ),
    (200, "{\"id\":1,\"result\":[],\"error\":null}"),
    (200, "{\"id\":2,\"result\":true,\"error\":null}"),
    (200, "{\"result\":true,\"error\":null}"),
    (200, "{\"id\":1,\"result\":false,\"error\":null}"),
    (200, "{\"id\":1,\"result\":null,\"error\":null}"),
    (200, "{\"id\":1,\"result\":\"true\",\"error\":null}"),
    (200, "{\"id\":1,\"result\":true,\"error\":nul"),
    (200, "[{\"id\":1,\"result\":true,\"error\":null}]"),
    (500, "{\"id\":1,\"result\":true,\"error\":null}"),
    (
        200,
        "{\"id\":1,\"result\":true,\"error\":{\"code\":322,\"message\":\"\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":\"322-Username unavailable\"}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":\"Username unavailable\"}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"message\":\"?\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":100,\"message\":\"Internal Server Error\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":103,\"message\":\"\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":104,\"message\":\"Method Not Found\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":300,\"message\":\"\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":301,\"message\":\"\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":310,\"message\":\"\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":311,\"message\":\"\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":317,\"message\":\"\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":321,\"message\":\"\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":322,\"message\":\"\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":324,\"message\":\"\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":331,\"message\":\"\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":399,\"message\":\"\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":999,\"message\":\"\"}}",
    ),
    (
        200,
        "{\"id\":null,\"result\":null,\"error\":{\"code\":-32700,\"message\":\"\"}}",
    ),
    (
        200,
        "{\"id\":1,\"result\":null,\"error\":{\"code\":-32602,\"message\":\"\"}}",
    ),
];

const B2EVOLUTION: [(u16, &str); 34] = [
    (
        200,
        "{\"code\":\"update_success\",\"message\":\"Profile has been updated.\",\"data\":{\"status\":200}}",
    ),
    (
        200,
        "<br />\n<b>Warning</b>: x in <b>y</b> on line <b>7</b><br />\n{\"code\":\"update_success\",\"message\":\"\"}",
    ),
    (
        200,
        "<br />\n<b>Fatal error</b>:  Uncaught Error in {main}<br />\n",
    ),
    (
        200,
        "<html><script>{\"code\":\"update_success\",\"message\":\"\"}",
    ),
    (200, "{\"code\":\"update_success\",\"message\":\"x"),
    (201, "{\"code\":\"update_success\",\"message\":\"\"}"),
    (403, "{\"code\":\"update_success\",\"message\":\"\"}"),
    (200, "{\"code\":\"delete_success\",\"message\":\"\"}"),
    (200, "{\"code\":\"new_in_v8\",\"message\":\"\"}"),
    (200, "{\"found\":1}"),
    (
        200,
        "{\"id\":11,\"login\":\"vera\",\"location\":{},\"organizations\":[],\"userfields\":[]}",
    ),
    (
        200,
        "{\"id\":12,\"login\":\"otto\",\"location\":{},\"organizations\":[],\"userfields\":[]}",
    ),
    (500, "{\"id\":11,\"login\":\"vera\"}"),
    (
        403,
        "{\"code\":\"no_access\",\"message\":\"You are not logged in.\"}",
    ),
    (
        403,
        "{\"code\":\"no_access\",\"message\":\"You must log in to view this user profile.\"}",
    ),
    (
        403,
        "{\"code\":\"no_access\",\"message\":\"You have no permission to edit other users!\"}",
    ),
    (
        403,
        "{\"code\":\"no_access\",\"message\":\"The requested user does not exist!\"}",
    ),
    (
        403,
        "{\"code\":\"no_access\",\"message\":\"The requested user account is closed!\"}",
    ),
    (
        404,
        "{\"code\":\"user_invalid_id\",\"message\":\"Invalid user ID\"}",
    ),
    (
        403,
        "{\"code\":\"wrong_login_pass\",\"message\":\"Wrong login\\/password.\",\"data\":{\"status\":\"403\"}}",
    ),
    (403, "{\"code\":\"login_attempt_failed\",\"message\":\"\"}"),
    (
        403,
        "{\"code\":\"closed_account\",\"message\":\"This account is closed. You cannot log in.\"}",
    ),
    (503, "{\"code\":\"system_maintenance\",\"message\":\"\"}"),
    (403, "{\"code\":\"delete_restriction\",\"message\":\"\"}"),
    (403, "{\"code\":\"delete_failed\",\"message\":\"\"}"),
    (
        405,
        "{\"code\":\"wrong_request\",\"message\":\"Request method not supported for the requested resource\"}",
    ),
    (
        404,
        "{\"code\":\"unknown_module\",\"message\":\"Unknown module \\\"user\\\"\"}",
    ),
    (
        404,
        "{\"code\":\"wrong_route\",\"message\":\"Module is not defined\"}",
    ),
    (
        403,
        "{\"code\":\"update_failed\",\"message\":\"<ul class=\\\"message_group\\\">Validation errors:<li>This login already exists.<\\/li><\\/ul>\"}",
    ),
    (
        403,
        "{\"code\":\"update_failed\",\"message\":\"<ul class=\\\"message_group\\\">Validation errors:<li>The email address is invalid.<\\/li><\\/ul>\"}",
    ),
    (
        403,
        "{\"code\":\"update_failed\",\"message\":\"<span class=\\\"pass_check_min\\\">The minimum password length is 5 characters.<\\/span>\"}",
    ),
    (
        400,
        "{\"error_status\":\"400 Bad Request\",\"error_info\":\"Parameter &laquo;q&raquo; is required!\"}",
    ),
    (
        500,
        "{\"error_status\":\"500 Internal Server Error\",\"error_info\":\"Requested Group does not exist!\"}",
    ),
    (
        500,
        "{\"error_status\":\"500 Internal Server Error\",\"error_info\":\"Requested Country does not exist!\"}",
    ),
];

#[test]
fn every_answer_of_a_grupo_system_means_what_is_recorded() {
    check(Dialect::Grupo, &GRUPO);
}

#[test]
fn every_answer_of_a_vision6_system_means_what_is_recorded() {
    check(Dialect::Vision6, &VISION6);
}

#[test]
fn every_answer_of_a_b2evolution_means_what_is_recorded() {
    check(Dialect::B2evolution, &B2EVOLUTION);
}

fn check(upstream: Dialect, own: &[(u16, &str)]) {
    let mut shown = String::new();
    for (status, body) in own.iter().chain(&STRANGE) {
        writeln!(shown, "{status} {}", body.escape_debug()).unwrap();
        writeln!(
            shown,
            "  update: {}",
            meaning(upstream, update(), *status, body)
        )
        .unwrap();
        if upstream != Dialect::Grupo {
            writeln!(
                shown,
                "  read: {}",
                meaning(upstream, read(), *status, body)
            )
            .unwrap();
        }
    }
    let path = folder("exchange").join(format!("{upstream}.answers"));
    assert!(
        same_as_recorded(&path, &shown),
        "GOLDEN=write records {}",
        path.display()
    );
}

fn meaning(upstream: Dialect, command: Command, status: u16, body: &str) -> String {
    let ran = once(upstream, command, status, body);
    match ran.result {
        Ok(outcome) => format!("{outcome:?}").chars().take(24).collect(),
        Err(Failure::Call(error)) => format!("{} ({error})", error.kind().name()),
        Err(Failure::Login(error)) => {
            format!(
                "{}, and the login is refused ({error})",
                error.kind().name()
            )
        }
    }
}

pub(super) fn once(upstream: Dialect, command: Command, status: u16, body: &str) -> Ran {
    let call = Call::new(Credentials::None, None, command);
    let body = body.to_owned();
    run(upstream, call, Known::default(), terms(upstream), |_| {
        answer(status, body.clone())
    })
}

/// A change that takes one request everywhere.
pub(super) fn update() -> Command {
    let change = UserChange {
        status: Some(Status::Active),
        ..UserChange::default()
    };
    Command::UpdateUser(UserRef::Id(id(11)), Box::new(change))
}

pub(super) fn read() -> Command {
    Command::ReadUser(UserRef::Id(id(11)))
}

#[test]
fn what_no_caller_can_ask_is_refused_before_anything_is_sent() {
    use dragoman::command::group::GroupRef;
    for upstream in Dialect::ALL {
        for command in [Command::ReadGroup(GroupRef::Id(id(1))), Command::ListGroups] {
            let ran = once(upstream, command, 200, "");
            assert!(ran.sent.is_empty());
            let error = ran.result.unwrap_err().into_error();
            assert_eq!(*error.kind(), Kind::Unsupported, "{upstream}");
        }
    }
}
