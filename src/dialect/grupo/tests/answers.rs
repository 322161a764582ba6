//! Answers to the byte, what an upstream's answers mean, and what an upstream cannot be asked.

use std::time::Duration;

use http::Response;

use super::super::Grupo;
use super::{KEY, answer, command, named, policy, refusal, text};
use crate::auth::call::{Call, Credentials};
use crate::command::group::GroupRef;
use crate::command::name::{Slug, Username};
use crate::command::user::{UserChange, UserRef};
use crate::command::{AccountId, Command, Edit, Id};
use crate::dialect::Codec;
use crate::error::{Error, Kind};
use crate::outcome::Outcome;
use crate::route::Policy;
use crate::route::number_table::NumberTable;
use crate::secret::Secret;

const CREATE: &str = "add=site_users";

fn fault(fields: &str, kind: Kind) -> String {
    text(answer(fields, Err(kind.into())))
}

#[test]
fn an_answer_is_no_json_by_its_type_and_always_200() {
    let refused = answer(CREATE, Err(Kind::Unauthenticated.into()));
    assert_eq!(refused.status(), 200);
    assert_eq!(
        refused.headers()["content-type"],
        "text/html; charset=UTF-8"
    );
    assert_eq!(
        text(refused),
        r#"{"success":false,"error_message":"Invalid API Secret Key","error_key":"invalid_api_secret_key"}"#
    );
}

#[test]
fn a_new_group_tells_its_number_as_text_and_a_new_user_nothing() {
    let id = Id::new(12).unwrap();
    assert_eq!(
        text(answer(
            "add=groups&group_name=x",
            Ok(Outcome::GroupCreated(id))
        )),
        r#"{"success":true,"group_id":"12"}"#
    );
    assert_eq!(
        text(answer(CREATE, Ok(Outcome::UserCreated(id)))),
        r#"{"success":true}"#
    );
}

#[test]
fn missing_fields_are_wrapped_where_something_is_made() {
    assert_eq!(
        refusal("add=site_users&username=ada&password=x"),
        r#"{"success":false,"error_message":"Invalid Input or Field Empty","error_key":"invalid_value","error_variables":[["full_name"],["email_address"]]}"#
    );
    assert_eq!(
        refusal("add=login_session"),
        r#"{"success":false,"error_message":"Invalid Input or Field Empty","error_key":"invalid_value","error_variables":["user"]}"#
    );
}

#[test]
fn a_taken_username_is_refused_in_vendor_wording() {
    assert_eq!(
        fault(CREATE, Kind::UsernameTaken),
        r#"{"success":false,"error_message":"Username Already Taken","error_key":"username_exists","error_variables":["username"]}"#
    );
}

#[test]
fn what_the_vendor_has_no_words_for_ends_in_a_reference() {
    assert_eq!(
        refusal("update=site_users&user=mary&timezone=Mars%2FBase"),
        r#"{"success":false,"error_message":"timezone must be a zone of the tz database, such as Europe\/Paris (ref 7f3a9c)","error_key":"invalid_value","error_variables":["timezone"]}"#
    );
    let error = Error::new(Kind::Unsupported, "no <b>é</b> & 'x'");
    assert_eq!(
        text(answer(CREATE, Err(error))),
        r#"{"success":false,"error_message":"no &lt;b&gt;\u00e9&lt;\/b&gt; &amp; &#039;x&#039; (ref 7f3a9c)","error_key":"something_went_wrong","error_variables":[]}"#
    );
}

#[test]
fn several_faults_are_told_together() {
    assert_eq!(
        refusal("update=site_users&user=mary&site_role=99&deactivate=1"),
        r#"{"success":false,"error_message":"site_role is no role of this route; add it to the route&#039;s table of roles or send another; deactivate must be yes or no (ref 7f3a9c)","error_key":"invalid_value","error_variables":["site_role","deactivate"]}"#
    );
}

#[test]
fn who_may_come_back_later_is_told_when() {
    let retry_after = Duration::from_millis(1500);
    let limited = answer(CREATE, Err(Kind::RateLimited { retry_after }.into()));
    assert_eq!(limited.headers()["retry-after"], "2");
}

#[test]
fn a_list_is_done_when_each_of_it_is() {
    let reply_to = super::super::ReplyTo::UNREAD;
    let reference = crate::auth::call::RequestId::new(0).reference();
    let results = vec![Ok(Outcome::Done), Err(Kind::UserNotFound.into())];
    let answer = Grupo::encode_response(reply_to, results, reference, &policy());
    assert!(text(answer).contains("account_not_found"));
}

fn upstream_says(fields: &str, status: u16, body: &str) -> Result<Outcome, Error> {
    let response = Response::builder().status(status).body(()).unwrap();
    let head = response.into_parts().0;
    Grupo::decode_response(&command(fields), &head, body.as_bytes(), &policy())
}

#[test]
fn only_an_object_that_says_success_is_one() {
    let update = "update=site_users&user=mary";
    assert_eq!(
        upstream_says(update, 200, r#"{"success":true}"#).unwrap(),
        Outcome::Done
    );
    for (status, body) in [
        (200, ""),
        (200, "[]"),
        (200, "<html>"),
        (200, r#"{"success":"true"}"#),
        (200, r#"{"reload_page":true}"#),
        (200, r#"{"success":true}{"#),
        (301, r#"{"success":true}"#),
        (500, r#"{"success":true}"#),
        (200, r#"{"success":false,"error_key":"new_in_4"}"#),
        (200, r#"{"success":false}"#),
    ] {
        let error = upstream_says(update, status, body).unwrap_err();
        assert_eq!(*error.kind(), Kind::Upstream, "{status} {body}");
    }
}

#[test]
fn an_unknown_key_is_kept_for_the_log() {
    let body = r#"{"success":false,"error_key":"new_in_4"}"#;
    let error = upstream_says("update=site_users&user=mary", 200, body).unwrap_err();
    assert!(format!("{error:?}").contains("new_in_4"));
}

#[test]
fn an_upstreams_refusal_names_the_canonical_attribute() {
    let body =
        r#"{"success":false,"error_key":"invalid_value","error_variables":[["email_address"]]}"#;
    let error = upstream_says("update=site_users&user=mary", 200, body).unwrap_err();
    assert_eq!(*error.kind(), Kind::MissingArgument("email".into()));
}

#[test]
fn the_number_of_a_new_group_is_read_in_either_type() {
    for body in [
        r#"{"success":true,"group_id":"12"}"#,
        r#"{"success":true,"group_id":12}"#,
    ] {
        assert_eq!(
            upstream_says("add=groups&group_name=x", 200, body).unwrap(),
            Outcome::GroupCreated(Id::new(12).unwrap())
        );
    }
}

fn encode(command: Command) -> Result<String, Error> {
    let call = Call::new(Credentials::Key(Secret::from(KEY)), None, command);
    let request = Grupo::encode_request(&call, &policy())?;
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "/api_request/");
    Ok(String::from_utf8(request.into_body().to_vec()).unwrap())
}

fn update(change: UserChange) -> Result<String, Error> {
    let mary = UserRef::Username(Username::parse("mary").unwrap());
    encode(Command::UpdateUser(mary, Box::new(change)))
}

#[test]
fn given_and_family_name_travel_as_one() {
    let set = |name: &str| Edit::Set(crate::command::text::Text::parse(name).unwrap());
    let both = UserChange {
        given_name: set("Ada"),
        family_name: set("Byron"),
        ..UserChange::default()
    };
    let body = update(both).unwrap();
    assert!(body.ends_with("&update=site_users&user=mary&full_name=Ada+Byron"));
    let half = UserChange {
        given_name: set("Ada"),
        ..UserChange::default()
    };
    assert_eq!(*update(half).unwrap_err().kind(), Kind::Unsupported);
}

#[test]
fn what_grupo_cannot_express_is_refused_by_name() {
    let notify = UserChange {
        notify: true,
        ..UserChange::default()
    };
    let unknown_role = UserChange {
        role: Edit::Set(named("wizard")),
        ..UserChange::default()
    };
    let odd_username = UserChange {
        username: Username::parse("Zoë B"),
        ..UserChange::default()
    };
    for (change, attribute) in [
        (notify, "notify"),
        (unknown_role, "role"),
        (odd_username, "username"),
    ] {
        let error = update(change).unwrap_err();
        assert_eq!(*error.kind(), Kind::Unsupported);
        assert!(error.message().starts_with(attribute), "{error}");
    }
    let error = encode(Command::ListGroups).unwrap_err();
    assert_eq!(*error.kind(), Kind::Unsupported);
}

#[test]
fn a_number_that_the_tables_of_the_route_lack_is_not_sent() {
    let table = || NumberTable::new([(Id::ONE, "the one".to_owned())].into());
    let policy = Policy {
        group_roles: table(),
        group_categories: table(),
        ..policy()
    };
    for operation in [
        "add=groups&group_name=A&group_category_id",
        "add=group_members&user=mary&group=staff&group_role",
        "update=group_user_role&user=mary&group=staff&group_role",
    ] {
        for (number, is_sent) in [("1", true), ("2", false)] {
            let command = command(&format!("{operation}={number}"));
            let call = Call::new(Credentials::Key(Secret::from(KEY)), None, command);
            let sent = Grupo::encode_request(&call, &policy);
            assert_eq!(sent.is_ok(), is_sent, "{operation}={number}");
        }
    }
}

#[test]
fn an_attribute_cannot_pass_for_another_field() {
    for field in [
        "password",
        "site_role_attribute",
        "api_secret_key",
        "user.id",
        "remove",
    ] {
        let edit = super::super::extension::edit(field.to_owned(), "x".to_owned()).unwrap();
        let change = UserChange {
            extensions: vec![edit],
            ..UserChange::default()
        };
        assert_eq!(
            *update(change).unwrap_err().kind(),
            Kind::Unsupported,
            "{field}"
        );
    }
}

#[test]
fn a_reference_that_could_mean_another_is_not_sent() {
    for slug in ["12abc", " 7", "+3"] {
        let group = GroupRef::Slug(Slug::from_stored(slug.to_owned()));
        assert!(encode(Command::DeleteGroup(group)).is_err(), "{slug}");
    }
    let user = UserRef::Username(Username::parse("a@example.com").unwrap());
    assert!(encode(Command::DeleteUser(user)).is_err());
}

#[test]
fn a_call_without_a_key_or_for_an_account_is_not_sent() {
    let command = command("remove=site_users&user=mary");
    let anonymous = Call::new(Credentials::None, None, command.clone());
    assert!(Grupo::encode_request(&anonymous, &policy()).is_err());
    let account = Some(AccountId::new(Id::ONE));
    let named = Call::new(Credentials::Key(Secret::from(KEY)), account, command);
    assert!(Grupo::encode_request(&named, &policy()).is_err());
}
