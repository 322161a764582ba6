//! What calls are read as, and which are refused.

use http::Request;

use super::super::Grupo;
use super::{KEY, command, decode, form_post, head, named, policy, refused, without_credentials};
use crate::auth::Credentials;
use crate::command::group::GroupRef;
use crate::command::name::{Slug, Username};
use crate::command::user::{Status, UserChange, UserRef};
use crate::command::{Command, Edit, Id};
use crate::dialect::{Codec, Decoded};
use crate::error::{Error, Kind};
use crate::secret::Secret;

fn user(name: &str) -> UserRef {
    UserRef::UsernameOrEmail(Username::parse(name).unwrap())
}

fn created(fields: &str) -> UserChange {
    let needed = "full_name=Ada+Byron&username=ada&email_address=ada%40example.com&password=x";
    let Command::CreateUser(change) = command(&format!("add=site_users&{needed}&{fields}")) else {
        panic!("no new user");
    };
    *change
}

fn updated(fields: &str) -> UserChange {
    let fields = format!("update=site_users&user=mary&{fields}");
    let Command::UpdateUser(_, change) = command(&fields) else {
        panic!("no update of a user");
    };
    *change
}

fn field_at_fault(error: &Error) -> &str {
    error.kind().field().unwrap()
}

#[test]
fn empty_fields_of_an_update_change_nothing_but_the_picture() {
    let change = updated("full_name=&username=&email_address=&password=&avatarURL=&site_role=");
    let cleared = UserChange {
        picture_url: Edit::Clear,
        ..UserChange::default()
    };
    assert_eq!(change, cleared);
}

#[test]
fn an_empty_picture_of_a_new_user_is_no_picture() {
    assert_eq!(created("avatarURL=").picture_url, Edit::Keep);
}

#[test]
fn all_missing_fields_are_named_at_once() {
    let error = refused("add=site_users&username=+&password=0&email_address=a%40b.co");
    let missing: Vec<_> = error.faults().map(field_at_fault).collect();
    assert_eq!(missing, ["full_name", "username", "password"]);
}

#[test]
fn a_bad_address_speaks_before_a_missing_name() {
    let error = refused("add=site_users&username=ada&password=x&email_address=nonsense");
    assert_eq!(*error.kind(), Kind::InvalidEmail);
    assert_eq!(error.faults().count(), 2);
}

#[test]
fn usernames_are_folded_as_the_vendor_folds_them() {
    let change = updated("username=Jos%C3%A9+%3Cb%3EDoe%3C%2Fb%3E");
    assert_eq!(change.username, Username::parse("Jose-Doe"));
}

#[test]
fn references_are_looked_up_as_they_were_sent() {
    assert_eq!(
        command("remove=site_users&user=John+Doe"),
        Command::DeleteUser(user("John Doe"))
    );
}

#[test]
fn the_name_of_a_role_wins_over_its_number() {
    let change = updated("site_role=3&site_role_attribute=administrators");
    assert_eq!(change.role, Edit::Set(named("administrator")));
}

#[test]
fn the_name_of_an_unknown_role_is_kept_and_its_number_refused() {
    let change = updated("site_role=3&site_role_attribute=wizards");
    assert_eq!(change.role, Edit::Set(named("member")));
    assert_eq!(change.extensions[0].field.as_str(), "site_role_attribute");
    let error = refused("update=site_users&user=mary&site_role=99");
    assert_eq!(field_at_fault(&error), "site_role");
}

#[test]
fn a_role_is_not_given_by_its_name_where_a_number_belongs() {
    let error = refused("update=site_users&user=mary&site_role=administrators");
    assert_eq!(field_at_fault(&error), "site_role");
}

#[test]
fn deactivation_takes_yes_and_no_and_nothing_else() {
    assert_eq!(updated("deactivate=yes").status, Some(Status::Deactivated));
    assert_eq!(updated("deactivate=no").status, Some(Status::Active));
    let error = refused("update=site_users&user=mary&deactivate=1");
    assert_eq!(field_at_fault(&error), "deactivate");
}

#[test]
fn unknown_fields_are_kept_and_lists_are_kept_as_json() {
    let change = updated("custom_field_2=x&hobby[]=tea&hobby[]=chess&disable_private_messages=yes");
    let kept: Vec<_> = change
        .extensions
        .iter()
        .map(|edit| (edit.field.as_str(), edit.value.as_ref().unwrap().as_str()))
        .collect();
    assert_eq!(
        kept,
        [
            ("custom_field_2", "x"),
            ("hobby[]", r#"["tea","chess"]"#),
            ("disable_private_messages", "yes"),
        ]
    );
}

#[test]
fn a_field_that_decides_something_elsewhere_is_no_attribute() {
    let error = refused("update=site_users&user=mary&group_role=2");
    assert_eq!(field_at_fault(&error), "group_role");
}

#[test]
fn a_group_password_protects_without_being_told_to() {
    let Command::UpdateGroup(group, change) = command("update=groups&group=staff&password=open")
    else {
        panic!("no update of a group");
    };
    assert_eq!(group, GroupRef::Slug(Slug::parse("staff").unwrap()));
    assert_eq!(change.password_protected, Some(true));
    assert_eq!(change.password, Edit::Set(Secret::from("open")));
}

#[test]
fn a_repeated_password_must_be_the_same_where_it_is_sent() {
    let fields = "update=groups&group=staff&password_protect=yes&password=open";
    assert!(matches!(command(fields), Command::UpdateGroup(..)));
    let error = refused(&format!("{fields}&confirm_password=shut"));
    assert!(matches!(error.kind(), Kind::PasswordRefused(_)));
}

#[test]
fn a_group_of_digits_only_is_a_number() {
    let id = Id::new(12).unwrap();
    assert_eq!(
        command("remove=groups&group=12"),
        Command::DeleteGroup(GroupRef::Id(id))
    );
}

#[test]
fn a_list_of_numbers_is_a_call_for_each() {
    let calls = decode("remove=site_users&user_id[]=3&user_id[]=4");
    let targets: Vec<_> = calls
        .into_iter()
        .map(|call| call.unwrap().command)
        .collect();
    let ids = [3, 4].map(|id| Command::DeleteUser(UserRef::Id(Id::new(id).unwrap())));
    assert_eq!(targets, ids);
}

#[test]
fn a_number_with_anything_around_it_is_refused() {
    for id in ["12abc", "+12", "-3", "1.0", "99999999999999999999"] {
        let error = refused(&format!("remove=site_users&user_id={id}"));
        assert_eq!(field_at_fault(&error), "user_id", "{id}");
    }
}

#[test]
fn two_names_for_one_thing_are_refused() {
    for (fields, at_fault) in [
        ("remove=site_users&user=mary&user_id=2", "user_id"),
        ("remove=groups&group=staff&group_id=1", "group_id"),
        ("add=groups&update=groups&group_name=x", "update"),
        ("load=x&realtime=y", "realtime"),
        (
            "update=group_user_role&group=1&ban_user_id=2&unban_user_id=2",
            "ban_user_id",
        ),
    ] {
        assert_eq!(field_at_fault(&refused(fields)), at_fault, "{fields}");
    }
}

#[test]
fn what_decides_is_sent_once_and_spelled_as_it_is() {
    for (fields, at_fault) in [
        ("update=site_users&user=mary&user=admin", "user"),
        ("update=site_users&user=mary&user.id=1", "user_id"),
        ("update=site_users&update=groups&user=mary", "update"),
        ("api.secret_key=x&update=site_users", "api_secret_key"),
        ("api_secret_key=x&update=site_users", "api_secret_key"),
    ] {
        let error = refused(fields);
        assert!(matches!(error.kind(), Kind::InvalidArgument(_)), "{fields}");
        assert_eq!(field_at_fault(&error), at_fault, "{fields}");
    }
    assert_eq!(
        updated("custom.field_1=a&custom.field_1=b")
            .extensions
            .len(),
        1
    );
}

#[test]
fn a_query_may_add_fields_but_not_decide_again() {
    let post = |query: &str, body: &str| {
        let head = form_post(&format!("/api_request/?{query}"));
        let body = format!("api_secret_key={KEY}&{body}");
        match Grupo::decode_request(&head, body.as_bytes(), &policy()) {
            Decoded::Calls(mut calls, _) => without_credentials(calls.remove(0)),
            Decoded::NotOurs(error, _) => Err(error),
        }
    };
    assert!(post("update=site_users", "user=mary").is_ok());
    let error = post("update=site_users&user=admin", "user=mary").unwrap_err();
    assert_eq!(field_at_fault(&error), "user");
}

#[test]
fn a_key_in_the_query_needs_the_leave_of_the_route() {
    let target = format!("/api_request/?api_secret_key={KEY}&remove=site_users&user=mary");
    let get = head(Request::get(&target));
    let mut policy = policy();
    let Decoded::Calls(calls, _) = Grupo::decode_request(&get, b"", &policy) else {
        panic!("a key is there");
    };
    let error = &calls[0].as_ref().unwrap_err().error;
    assert_eq!(field_at_fault(error), "api_secret_key");
    assert!(!error.message().contains(KEY));
    policy.key_in_query = true;
    let Decoded::Calls(calls, _) = Grupo::decode_request(&get, b"", &policy) else {
        panic!("a key is there");
    };
    let call = calls[0].as_ref().unwrap();
    assert_eq!(call.credentials, Credentials::Key(Secret::from(KEY)));
}

#[test]
fn a_request_without_a_key_is_not_ours() {
    let multipart = "--x\r\ncontent-disposition: form-data; name=\"upload\"\r\n\r\nfile\r\n--x\r\n\
                     content-disposition: form-data; name=\"f\"; filename=\"a.png\"\r\n\r\nPNG\r\n--x--\r\n";
    let upload = head(
        Request::post("/api_request/").header("content-type", "multipart/form-data; boundary=x"),
    );
    for (head, body) in [
        (head(Request::get("/api_request/")), ""),
        (form_post("/api_request/"), "load=messages"),
        (form_post("/api_request/"), "api_secret_key=&add=site_users"),
        (upload, multipart),
    ] {
        let decoded = Grupo::decode_request(&head, body.as_bytes(), &policy());
        assert!(matches!(decoded, Decoded::NotOurs(..)), "{body}");
    }
}

#[test]
fn a_body_that_is_no_form_is_malformed() {
    let json = head(Request::post("/api_request/").header("content-type", "application/json"));
    let Decoded::Calls(calls, _) = Grupo::decode_request(&json, b"{}", &policy()) else {
        panic!("JSON is no form");
    };
    let unread = calls[0].as_ref().unwrap_err();
    assert_eq!(*unread.error.kind(), Kind::Malformed);
    assert_eq!(unread.credentials, None);
}

#[test]
fn a_fault_behind_the_key_carries_it_so_that_it_is_judged_first() {
    for (method, body) in [
        ("POST", "update=site_users&user=mary&timezone=Mars"),
        ("POST", "update=site_users&user=mary&user=paul"),
        ("POST", "update=nothing"),
        ("POST", "user=mary"),
        ("PUT", "remove=site_users&user=mary"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri("/api_request/")
            .header("content-type", "application/x-www-form-urlencoded");
        let body = format!("api_secret_key={KEY}&{body}");
        let Decoded::Calls(calls, _) =
            Grupo::decode_request(&head(request), body.as_bytes(), &policy())
        else {
            panic!("a key is there");
        };
        let credentials = calls.into_iter().map(|call| call.unwrap_err().credentials);
        let key = Credentials::Key(Secret::from(KEY));
        assert_eq!(credentials.collect::<Vec<_>>(), [Some(key)], "{body}");
    }
}

#[test]
fn a_session_needs_its_owner_unless_it_may_be_made() {
    let subject = |fields: &str| {
        let Command::Native(native) = command(&format!("add=login_session&{fields}")) else {
            panic!("no native operation");
        };
        native.subject
    };
    assert_eq!(subject("user=mary"), Some(user("mary")));
    assert_eq!(
        subject("user=mary&email_address=paul%40example.com&create_account=YES"),
        Some(user("paul@example.com"))
    );
    assert_eq!(
        subject("email_address=new%40example.com&create_account=yes"),
        None
    );
    assert_eq!(field_at_fault(&refused("add=login_session")), "user");
}

#[test]
fn native_operations_keep_their_fields_in_order() {
    let Command::Native(native) = command("add=mess-age&user=mary&to[]=a&to[x]=&sender=paul")
    else {
        panic!("no native operation");
    };
    assert_eq!(native.operation.as_str(), "add=message");
    let fields: Vec<_> = native
        .fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.reveal()))
        .collect();
    assert_eq!(
        fields,
        [
            ("user", "mary"),
            ("to[0]", "a"),
            ("to[x]", ""),
            ("sender", "paul")
        ]
    );
}

#[test]
fn a_ban_ends_on_a_day_that_exists() {
    let ban = "update=group_user_role&group=staff&temporary_ban_user_id=2";
    assert!(matches!(
        command(&format!("{ban}&ban_till=2028-02-29")),
        Command::BanMember(..)
    ));
    for day in [
        "2027-02-29",
        "2027-2-1",
        "01.02.2027",
        "tomorrow",
        "2027-01-01 ",
    ] {
        let error = refused(&format!("{ban}&ban_till={day}"));
        assert_eq!(field_at_fault(&error), "ban_till", "{day}");
    }
}
