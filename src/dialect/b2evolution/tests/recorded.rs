//! Answers that a real server gave, to the byte.

use bytes::Bytes;
use http::{Method, Request, StatusCode};

use super::{answer, decode, policy, post, refusal, request, shown};
use crate::auth::Credentials;
use crate::command::name::Username;
use crate::command::{Command, Id};
use crate::dialect::b2evolution::B2evolution;
use crate::dialect::{Codec, Decoded};
use crate::error::{Error, Kind, PasswordFault};
use crate::outcome::{Outcome, UserPage};

#[test]
fn refusals_are_worded_as_recorded() {
    let cases = [
        (
            "edited_user_login=ma%2Bry",
            403,
            r#"{"code":"update_failed","message":"<ul class=\"message_group\">Validation errors:<li>Logins can only contain letters, digits and <code>-<\/code> <code>.<\/code> <code>_<\/code><\/li><\/ul>","data":{"status":403}}"#,
        ),
        (
            "edited_user_login=ma%2Bry&admin_form=1&edited_user_level=11&edited_user_email=bad&password_form=1&current_user_pass=Adm1nPass%21x&edited_user_pass1=abcdef&edited_user_pass2=abcdeg",
            403,
            r#"{"code":"update_failed","message":"<ul class=\"message_group\">Validation errors:<li>Logins can only contain letters, digits and <code>-<\/code> <code>.<\/code> <code>_<\/code><\/li><li>User level must be between 0 and 10.<\/li><li>The email address is invalid.<\/li><\/ul>","data":{"status":403}}"#,
        ),
        (
            "password_form=1&current_user_pass=x&edited_user_pass1=&edited_user_pass2=",
            403,
            r#"{"code":"update_failed","message":"<ul class=\"message_group\">Validation errors:<li><span class=\"pass_check_new\">Please enter new password.<\/span><\/li><li><span class=\"pass_check_twice\">Please enter new password twice.<\/span><\/li><\/ul>","data":{"status":403}}"#,
        ),
        (
            "password_form=1&current_user_pass=x&edited_user_pass1=abc&edited_user_pass2=abc",
            403,
            r#"{"code":"update_failed","message":"<span class=\"pass_check_min\">The minimum password length is 5 characters.<\/span>","data":{"status":403}}"#,
        ),
        (
            "password_form=1&current_user_pass=x&edited_user_pass1=newpass1&edited_user_pass2=newpass2",
            403,
            r#"{"code":"update_failed","message":"<span class=\"pass_check_diff\">You typed two different passwords.<\/span>","data":{"status":403}}"#,
        ),
        (
            "password_form=1&edited_user_pass1=newpass1&edited_user_pass2=newpass1",
            400,
            r#"{"error_status":"400 Bad Request","error_info":"Parameter &laquo;current_user_pass&raquo; is required!"}"#,
        ),
        (
            "identity_form=yes",
            400,
            r#"{"error_status":"400 Bad Request","error_info":"Illegal value received for parameter &laquo;identity_form&raquo;!"}"#,
        ),
        (
            "admin_form=1&edited_user_level=abc",
            400,
            r#"{"error_status":"400 Bad Request","error_info":"Illegal value received for parameter &laquo;edited_user_level&raquo;!"}"#,
        ),
        (
            "admin_form=1&edited_user_grp_ID=99",
            500,
            r#"{"error_status":"500 Internal Server Error","error_info":"Requested Group does not exist!"}"#,
        ),
        (
            "identity_form=1&edited_user_firstname[]=x",
            500,
            r#"{"error_status":"500 Internal Server Error","error_info":"param(-): <strong>edited_user_firstname<\/strong> is not scalar!"}"#,
        ),
        (
            "identity_form=1&organizations=2",
            500,
            r#"{"error_status":"500 Internal Server Error","error_info":"param(-): <strong>organizations<\/strong> is not array!"}"#,
        ),
    ];
    for (body, status, recorded) in cases {
        assert_eq!(
            refusal(post("/users/2", body)),
            (status, recorded.to_owned()),
            "{body}"
        );
    }
}

#[test]
fn a_create_without_its_required_fields_is_refused_as_recorded() {
    let missing = "edited_user_login=x3&edited_user_pass1=secret3";
    let recorded = r#"{"error_status":"400 Bad Request","error_info":"Parameter &laquo;edited_user_email&raquo; is required!"}"#;
    assert_eq!(refusal(post("/users", missing)), (400, recorded.to_owned()));

    let missing = "edited_user_email=x2%40example.test&edited_user_pass1=secret3";
    let recorded = r#"{"code":"update_failed","message":"<ul class=\"message_group\">Validation errors:<li>Please enter your login.<\/li><\/ul>","data":{"status":403}}"#;
    assert_eq!(refusal(post("/users", missing)), (403, recorded.to_owned()));
}

#[test]
fn a_fault_of_a_write_carries_credentials_so_that_they_are_judged_first() {
    let presented = |request: Request<Bytes>| {
        let (head, body) = request.into_parts();
        let Decoded::Calls(mut calls, _) = B2evolution::decode_request(&head, &body, &policy())
        else {
            panic!("users are ours");
        };
        calls.remove(0).unwrap_err().credentials
    };
    let faulty = || post("/users/2", "identity_form=yes");
    let basic = presented(faulty());
    assert!(
        matches!(basic, Some(Credentials::Basic { .. })),
        "{basic:?}"
    );
    let mut unsigned = faulty();
    unsigned.headers_mut().remove("authorization");
    assert_eq!(presented(unsigned), Some(Credentials::None));
}

#[test]
fn routing_fails_as_recorded() {
    let cases = [
        (
            Method::GET,
            "/foo/bar",
            404,
            r#"{"code":"unknown_module","message":"Unknown module \"foo\"","data":{"status":404}}"#,
        ),
        (
            Method::GET,
            "/users/foo",
            404,
            r#"{"code":"unknown_controller","message":"Unknown user controller \"foo\"","data":{"status":404}}"#,
        ),
        (
            Method::PUT,
            "/users/2",
            405,
            r#"{"code":"wrong_request","message":"Request method not supported for the requested resource","data":{"status":405}}"#,
        ),
        (
            Method::DELETE,
            "/users",
            400,
            r#"{"code":"user_missing_id","message":"Missing user ID","data":{"status":400}}"#,
        ),
        (
            Method::GET,
            "/users?per_page=abc",
            400,
            r#"{"error_status":"400 Bad Request","error_info":"Illegal value received for parameter &laquo;per_page&raquo;!"}"#,
        ),
    ];
    for (method, path, status, recorded) in cases {
        let answer = refusal(request(method, path, ""));
        assert_eq!(answer, (status, recorded.to_owned()), "{path}");
    }
}

#[test]
fn the_same_kind_is_worded_by_operation_and_caller() {
    let cases = [
        (
            Method::POST,
            "/users/9999",
            Kind::UserNotFound,
            r#"{"code":"user_invalid_id","message":"Invalid user ID","data":{"status":404}}"#,
        ),
        (
            Method::GET,
            "/users/9999",
            Kind::UserNotFound,
            r#"{"code":"no_access","message":"The requested user does not exist!","data":{"status":403}}"#,
        ),
        (
            Method::GET,
            "/users/2",
            Kind::Unauthenticated,
            r#"{"code":"wrong_login_pass","message":"Wrong login\/password.","data":{"status":"403"}}"#,
        ),
        (
            Method::GET,
            "/users",
            Kind::Closed,
            r#"{"code":"closed_account","message":"This account is closed. You cannot log in.","data":{"status":"403"}}"#,
        ),
        (
            Method::GET,
            "/users",
            Kind::LockedOut,
            r#"{"code":"login_attempt_failed","message":"There have been too many failed login attempts. This account is temporarily locked. Try again in 10 minutes.","data":{"status":403}}"#,
        ),
        (
            Method::POST,
            "/users/2",
            Kind::PermissionDenied,
            r#"{"code":"no_access","message":"You have no permission to edit other users!","data":{"status":403}}"#,
        ),
        (
            Method::POST,
            "/users/2",
            Kind::PasswordRefused(PasswordFault::CurrentWrong),
            r#"{"code":"update_failed","message":"<ul class=\"message_group\">Validation errors:<li>Your current password is incorrect.<\/li><\/ul>","data":{"status":403}}"#,
        ),
    ];
    for (method, path, kind, recorded) in cases {
        let (_, reply_to) = decode(request(method, path, ""));
        let (_, body) = shown(&answer(reply_to, Err(Error::from(kind))));
        assert_eq!(body, recorded);
    }
}

#[test]
fn successes_are_worded_as_recorded() {
    let done = |body: &str| {
        let (call, reply_to) = decode(post("/users/2", body));
        assert!(call.is_ok(), "{call:?}");
        shown(&answer(reply_to, Ok(Outcome::Done))).1
    };
    let body = "identity_form=1&edited_user_firstname=Maryam&edited_user_lastname=Wilson-Hart&edited_user_nickname=mw&edited_user_gender=F";
    assert_eq!(
        done(body),
        r#"{"code":"update_success","message":"Profile has been updated.","data":{"status":200}}"#
    );
    let body = "edited_user_login=dave2&identity_form=1&edited_user_firstname=D&edited_user_ctry_ID=233&organizations[]=1&org_roles[]=Writer&password_form=1&current_user_pass=Adm1nPass%21x&edited_user_pass1=davepass&edited_user_pass2=davepass&preferences_form=1&edited_user_locale=en-US&subscriptions_form=1&edited_user_email=dave2%40example.test&admin_form=1&edited_user_status=activated&edited_user_level=4&edited_user_grp_ID=4";
    assert_eq!(
        done(body),
        r#"{"code":"update_success","message":"Password has been changed.","data":{"status":200}}"#
    );
    let body = "password_form=1&current_user_pass=x&edited_user_pass1=+spaced1+&edited_user_pass2=+spaced1+";
    assert_eq!(
        done(body),
        r#"{"code":"update_success","message":"The leading and traling spaces have been trimmed from the new password.","data":{"status":200}}"#
    );

    let (_, reply_to) = decode(request(Method::DELETE, "/users/8", ""));
    let name = Username::parse("newuser1").unwrap();
    assert_eq!(
        shown(&answer(reply_to, Ok(Outcome::UserDeleted(name)))),
        (200, r#"{"code":"delete_success","message":"User &laquo;newuser1&raquo; deleted.","data":{"status":200}}"#.to_owned())
    );
    let (_, reply_to) = decode(post("/users", ""));
    assert_eq!(
        shown(&answer(reply_to, Ok(Outcome::UserCreated(Id::ONE)))),
        (201, r#"{"code":"update_success","message":"New user has been created.","data":{"status":201}}"#.to_owned())
    );
}

#[test]
fn a_list_without_hits_is_a_fault_of_the_directory_only() {
    let empty = || {
        let users = Vec::new();
        Ok(Outcome::Users(UserPage { users, total: 0 }))
    };
    let (_, reply_to) = decode(request(Method::GET, "/users?q=zzzz&filter=new", ""));
    assert_eq!(
        shown(&answer(reply_to, empty())),
        (404, r#"{"found":0,"page":0,"page_size":10,"pages_total":0,"code":"no_users","message":"No users found","data":{"status":404}}"#.to_owned())
    );
    let (_, reply_to) = decode(request(Method::GET, "/users/logins?q=zzzz", ""));
    assert_eq!(
        shown(&answer(reply_to, empty())),
        (
            200,
            r#"{"code":"no_users","message":"No users found","data":{"status":200}}"#.to_owned()
        )
    );
}

#[test]
fn an_upstream_succeeds_by_code_and_status_behind_php_warnings() {
    let (call, _) = decode(post("/users/2", "identity_form=1"));
    let command = call.unwrap().command;
    let head = |status: StatusCode| {
        let (mut head, ()) = http::Response::new(()).into_parts();
        head.status = status;
        head
    };
    let read = |status, body: &str| {
        B2evolution::decode_response(&command, &head(status), body.as_bytes(), &policy())
    };
    let success =
        r#"{"code":"update_success","message":"Profile has been updated.","data":{"status":200}}"#;
    let warning =
        "<br />\n<b>Warning</b>: Undefined array key in <b>x.php</b> on line <b>7</b><br />\n";
    let warned = format!("{warning}{warning}{success}");
    assert_eq!(read(StatusCode::OK, &warned).unwrap(), Outcome::Done);

    let html = "<br />\n<b>Fatal error</b>: Uncaught Error in {main}\n";
    let page = format!("<html><script>{success}");
    for (status, body) in [
        (StatusCode::OK, html),
        (StatusCode::OK, &page),
        (StatusCode::OK, ""),
        (StatusCode::FORBIDDEN, success),
        (StatusCode::OK, r#"{"code":"new_in_v8","message":"x"}"#),
        (StatusCode::OK, r#"{"found":1}"#),
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            r#"{"error_status":"500 Internal Server Error","error_info":"x"}"#,
        ),
    ] {
        assert_eq!(
            *read(status, body).unwrap_err().kind(),
            Kind::Upstream,
            "{body}"
        );
    }
}

#[test]
fn an_upstreams_validation_errors_are_told_apart() {
    let (call, _) = decode(post("/users/2", ""));
    let command = call.unwrap().command;
    let (mut head, ()) = http::Response::new(()).into_parts();
    head.status = StatusCode::FORBIDDEN;
    let body = r#"{"code":"update_failed","message":"<ul class=\"message_group\">Validation errors:<li>This login &laquo;dave&raquo; already exists. Do you want to <a href=\"http:\/\/x\/\">edit the existing user<\/a>?<\/li><li>The email address is invalid.<\/li><li>Nobody knows &amp; nobody cares<\/li><\/ul>","data":{"status":403}}"#;
    let error =
        B2evolution::decode_response(&command, &head, body.as_bytes(), &policy()).unwrap_err();
    let kinds: Vec<&Kind> = error.faults().map(Error::kind).collect();
    assert_eq!(
        kinds,
        [
            &Kind::UsernameTaken,
            &Kind::InvalidEmail,
            &Kind::InvalidArgument("profile".into())
        ]
    );
    assert_eq!(
        error.faults().last().map(Error::message),
        Some("Nobody knows & nobody cares")
    );
}

#[test]
fn a_real_users_data_is_read() {
    let command = Command::ReadUser(crate::command::user::UserRef::Id(Id::ONE));
    let (head, ()) = http::Response::new(()).into_parts();
    let body = r#"{"id":1,"picture":"http:\/\/x\/admin.jpg?a=1&amp;b=2","pictures":[],"login":"admin","firstname":"Johnny","lastname":null,"gender":"M","location":{"country":{"id":233,"name":"United States"},"region":null,"subregion":null,"city":null},"organizations":[{"name":"Company XYZ","url":""}],"userfields":{"Web":[{"code":"github","name":"GitHub","value":"https:\/\/x"}]}}"#;
    let read = B2evolution::decode_response(&command, &head, body.as_bytes(), &policy()).unwrap();
    let Outcome::User(user) = read else {
        panic!("{read:?}");
    };
    let of = |field| user.extension(crate::command::Dialect::B2evolution, field);
    assert_eq!(user.username.as_str(), "admin");
    assert_eq!(user.names(), (Some("Johnny"), None));
    assert_eq!(of("edited_user_ctry_ID"), Some("233"));
    assert_eq!(of("github"), Some("https://x"));
    assert_eq!(
        user.picture_url.unwrap().as_str(),
        "http://x/admin.jpg?a=1&b=2"
    );
}

#[test]
fn cookies_are_no_credentials() {
    let mut request = post("/users/2", "");
    request.headers_mut().remove("authorization");
    let cookie = "session_b2evo=22_NXBPfrQ0Zi9YBMkVNgnaatTjvZncDund";
    request
        .headers_mut()
        .insert("cookie", cookie.parse().unwrap());
    let (call, _) = decode(request);
    assert_eq!(call.unwrap().credentials, Credentials::None);
}
