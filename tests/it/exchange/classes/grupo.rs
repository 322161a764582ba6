//! What a Grupo system answers.

use http::header::RETRY_AFTER;

use super::{Class, Sort};
use crate::exchange::upstream::answer;

/// Every `error_key` of the API, with the site's English text and what comes as variables.
const FAULTS: [(&str, &str, &str); 31] = [
    ("invalid_value", "Invalid Input or Field Empty", "[]"),
    (
        "invalid_value",
        "Invalid Input or Field Empty",
        "[[\"full_name\"],[\"username\"]]",
    ),
    (
        "invalid_value",
        "Invalid Input or Field Empty",
        "[[\"group_name\"]]",
    ),
    (
        "invalid_value",
        "Invalid Input or Field Empty",
        "[\"group_role_id\"]",
    ),
    (
        "invalid_value",
        "Invalid Input or Field Empty",
        "[\"ban_till\"]",
    ),
    ("account_not_found", "Account Does Not Exist", "[]"),
    ("group_not_found", "Group Not Found", "[]"),
    (
        "username_exists",
        "Username Already Taken",
        "[\"username\"]",
    ),
    (
        "email_exists",
        "Email Already Exists",
        "[\"email_address\"]",
    ),
    (
        "phone_number_exists",
        "Phone Number Already Exists",
        "[\"phone_number\"]",
    ),
    (
        "invalid_email_address",
        "Invalid Email Address",
        "[[\"email_address\"]]",
    ),
    (
        "invalid_phone_number",
        "Invalid Phone Number",
        "[\"phone_number\"]",
    ),
    (
        "email_validation_failed",
        "Email Validation Failed",
        "[\"email_address\"]",
    ),
    (
        "email_domain_blacklisted",
        "Email Domain Blacklisted",
        "[\"email_address\"]",
    ),
    (
        "email_domain_not_allowed",
        "Not allowed to use an email address from this domain ",
        "[\"email_address\"]",
    ),
    (
        "name_censored_word_detected",
        "Censored Word Detected",
        "[\"full_name\"]",
    ),
    (
        "username_censored_word_detected",
        "Censored Word Detected",
        "[\"username\"]",
    ),
    ("slug_already_exists", "Slug Already Exists", "[\"slug\"]"),
    (
        "password_doesnt_match",
        "Password doesn&#039;t match the Confirm password",
        "[\"password\",\"confirm_password\"]",
    ),
    ("not_a_member", "Something Went Wrong", "[]"),
    ("invalid_group_role_id", "Something Went Wrong", "[]"),
    ("invalid_group_role", "Something Went Wrong", "[]"),
    ("permission_denied", "Permission Denied", "[]"),
    ("invalid_login", "Invalid Login Credentials", "[]"),
    (
        "confirm_your_email_address",
        "Confirm Your Email Address",
        "[]",
    ),
    (
        "wait_for_profile_approval",
        "Wait for Profile Approval",
        "[]",
    ),
    (
        "account_banned",
        "Your account has been banned for violating the Terms of Service.",
        "[]",
    ),
    (
        "requires_phone_verification",
        "Requires Phone Verification",
        "[]",
    ),
    ("something_went_wrong", "Something Went Wrong", "[]"),
    (
        "exceeded_group_creation_limit",
        "Exceeded Group Creation Limit",
        "[]",
    ),
    (
        "new_in_v9",
        "A &quot;new&quot; fault of an upstream",
        "[\"new\"]",
    ),
];

pub(super) fn all() -> Vec<Class> {
    let mut classes: Vec<_> = FAULTS
        .iter()
        .map(|(key, text, variables)| {
            let name = match *variables {
                "[]" => (*key).to_owned(),
                _ => format!("{key} {}", variables.replace('"', "")),
            };
            fault(name, key, text, variables)
        })
        .collect();
    let key = "{\"success\":false,\"error_message\":\"Invalid API Secret Key\",\
               \"error_key\":\"invalid_api_secret_key\"}";
    let fixed = |name: &str, sort, body: &'static str| Class::fixed(name, sort, answer(200, body));
    classes.extend([
        fixed("invalid_api_secret_key", Sort::Fault, key),
        fixed("failure without a key", Sort::Fault, "{\"success\":false}"),
        fixed("maintenance", Sort::Nothing, "{\"reload_page\":true}"),
        fixed("refresh", Sort::Nothing, "{\"refresh\":true}"),
        fixed(
            "alert",
            Sort::Nothing,
            "{\"alert\":{\"message\":\"Not now\"}}",
        ),
        fixed("success as text", Sort::Nothing, "{\"success\":\"true\"}"),
        fixed("success as a number", Sort::Nothing, "{\"success\":1}"),
        fixed(
            "success and failure",
            Sort::Nothing,
            "{\"success\":true,\"success\":false}",
        ),
    ]);
    let mut crowded = answer(
        200,
        "{\"success\":false,\"error_key\":\"something_went_wrong\"}",
    );
    crowded.headers_mut().insert(RETRY_AFTER, 7.into());
    classes.push(Class::fixed(
        "something_went_wrong, Retry-After",
        Sort::Fault,
        crowded,
    ));
    classes
}

fn fault(name: String, key: &str, text: &str, variables: &str) -> Class {
    let body = format!(
        r#"{{"success":false,"error_message":"{text}","error_key":"{key}","error_variables":{variables}}}"#
    );
    Class::fixed(name, Sort::Fault, answer(200, body))
}
