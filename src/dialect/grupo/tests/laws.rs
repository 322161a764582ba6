//! Properties that hold for every input.

use std::time::Duration;

use http::{Request, Response};
use proptest::prelude::*;

use super::super::Grupo;
use super::super::fault::{self, Fault};
use super::generators::call;
use super::{KEY, head, policy, without_credentials};
use crate::auth::call::RequestId;
use crate::command::Action;
use crate::dialect::{Codec, Decoded, round_trip};
use crate::error::{Kind, PasswordFault};
use crate::framing::form;
use crate::outcome::Outcome;

proptest! {
    #![proptest_config(round_trip::commands())]

    #[test]
    fn what_is_encoded_is_decoded_to_the_same_call(call in call()) {
        let mut policy = policy();
        policy.form.files = 3;
        let request = Grupo::encode_request(&call, &policy).unwrap();
        let (head, body) = request.into_parts();
        let Decoded::Calls(mut calls, _) = Grupo::decode_request(&head, &body, &policy) else {
            panic!("not ours");
        };
        prop_assert_eq!(calls.len(), 1);
        prop_assert_eq!(calls.remove(0).unwrap(), call);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_decoding_panic(
        method in prop::sample::select(vec!["GET", "POST", "PUT", "HEAD", "BREW"]),
        query in "[a-z0-9=&%_.\\[\\]+-]{0,60}",
        content_type in prop_oneof![
            Just("application/x-www-form-urlencoded".to_owned()),
            Just("multipart/form-data; boundary=x".to_owned()),
            "[ -~]{0,40}",
        ],
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api_request/?{query}"))
            .header("content-type", content_type);
        let _ = Grupo::decode_request(&head(request), &body, &policy());
    }

    #[test]
    fn every_call_is_answered_by_an_object_that_says_success(
        operation in prop::sample::select(vec![
            "add=site_users", "update=site_users", "remove=site_users",
            "add=groups", "update=groups", "remove=groups",
            "add=group_members", "remove=group_members", "update=group_user_role",
            "add=login_session", "add=message", "load=x", "popup=x",
        ]),
        fields in prop::collection::vec(
            (
                prop::sample::select(vec![
                    "full_name", "username", "email_address", "password", "confirm_password",
                    "site_role", "site_role_attribute", "avatarURL", "timezone", "deactivate",
                    "user", "user_id", "user_id[]", "group", "group_id", "group_id[]", "slug",
                    "group_name", "group_category_id", "password_protect", "secret_group",
                    "group_role", "group_role_id", "ban_user_id", "temporary_ban_user_id",
                    "ban_till", "unban_user_id", "custom_field_1", "a[b][]", "a[b]c", "user.id",
                ]),
                prop_oneof![Just(String::new()), "[0-9]{1,20}", "\\PC{0,30}"],
            ),
            0..8,
        ),
    ) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = format!("api_secret_key={KEY}&{operation}&{}", form::encode(&fields));
        let request = Request::post("/api_request/")
            .header("content-type", "application/x-www-form-urlencoded");
        let decoded = Grupo::decode_request(&head(request), body.as_bytes(), &policy());
        let Decoded::Calls(calls, reply_to) = decoded else {
            panic!("a call with a key is ours");
        };
        let results = calls
            .into_iter()
            .map(|call| without_credentials(call).map(|_| Outcome::Done))
            .collect();
        let reference = RequestId::new(1).reference();
        let answer = Grupo::encode_response(reply_to, results, reference, &policy());
        prop_assert_eq!(answer.status(), 200);
        let answer: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        prop_assert!(answer["success"].is_boolean());
    }

    #[test]
    fn no_answer_of_an_upstream_makes_decoding_panic(
        call in call(),
        status in prop::sample::select(vec![200, 301, 500]),
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "\\{\"success\":(true|false|1)(,\"(error_key|error_variables|group_id)\":(\"\\PC{0,9}\"|[0-9]|\\[\\[\"x\"\\]\\])){0,3}\\}"
                .prop_map(String::into_bytes),
        ],
    ) {
        let response = Response::builder().status(status).body(()).unwrap();
        let _ = Grupo::decode_response(&call.command, &response.into_parts().0, &body, &policy());
    }
}

#[test]
fn a_fault_is_the_same_after_it_was_read_and_written_again() {
    for kind in kinds() {
        for action in actions() {
            let fault = Fault::of(&kind, action);
            let variables = fault.variables.clone().unwrap_or_default();
            let read = fault::kind(fault.key, &variables).unwrap();
            assert_eq!(Fault::of(&read, action), fault, "{kind:?} {action:?}");
        }
    }
}

fn kinds() -> Vec<Kind> {
    let fields = [
        "user",
        "group",
        "group_role",
        "group_role_id",
        "ban_till",
        "slug",
        "email",
        "email_address",
        "",
    ];
    let passwords = [
        PasswordFault::CurrentMissing,
        PasswordFault::CurrentWrong,
        PasswordFault::Empty,
        PasswordFault::Mismatch,
        PasswordFault::TooShort,
        PasswordFault::Characters,
    ];
    let retry_after = Duration::from_secs(1);
    let mut kinds = vec![
        Kind::Unauthenticated,
        Kind::LockedOut,
        Kind::PermissionDenied,
        Kind::UserNotFound,
        Kind::GroupNotFound,
        Kind::UsernameTaken,
        Kind::EmailTaken,
        Kind::InvalidEmail,
        Kind::SlugTaken,
        Kind::BadSearch,
        Kind::DeleteRefused,
        Kind::Closed,
        Kind::NotAMember,
        Kind::UnknownOutcome,
        Kind::InProgress,
        Kind::KeyReused,
        Kind::UnknownOperation,
        Kind::Unsupported,
        Kind::Malformed,
        Kind::RateLimited { retry_after },
        Kind::TooLarge,
        Kind::Timeout,
        Kind::Overloaded,
        Kind::Upstream,
        Kind::Internal,
    ];
    kinds.extend(passwords.map(Kind::PasswordRefused));
    kinds.extend(fields.map(|field| Kind::InvalidArgument(field.into())));
    kinds.extend(fields.map(|field| Kind::MissingArgument(field.into())));
    kinds
}

fn actions() -> impl Iterator<Item = Option<Action>> {
    [
        Action::CreateUser,
        Action::UpdateUser,
        Action::ReadUser,
        Action::ListUsers,
        Action::CountUsers,
        Action::DeleteUser,
        Action::CreateGroup,
        Action::UpdateGroup,
        Action::ReadGroup,
        Action::ListGroups,
        Action::DeleteGroup,
        Action::AddMember,
        Action::RemoveMember,
        Action::SetMemberRole,
        Action::BanMember,
        Action::UnbanMember,
        Action::ListTimezones,
        Action::Native,
    ]
    .into_iter()
    .map(Some)
    .chain([None])
}
