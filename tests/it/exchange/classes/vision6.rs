//! What a Vision6 system answers.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Request, Response};
use serde_json::{Value, json};

use super::{Class, Sort};
use crate::exchange::upstream::json_answer;

/// Every code of the vendor's table with its wording, one it does not have, and those of JSON-RPC.
const FAULTS: [(i64, &str); 38] = [
    (100, "Internal Server Error"),
    (104, "Method Not Found"),
    (106, "No XML Data Found"),
    (107, "Invalid Method Name"),
    (108, "Terms and Conditions not accepted"),
    (300, "Authorisation Failed - Invalid Login"),
    (301, "Authorisation Failed - Please log in first"),
    (302, "Undefined Error in Method"),
    (303, "Unable to Load List."),
    (304, "Unable to Load Contact"),
    (305, "Unable to Load Field"),
    (306, "Unable to Load Folder"),
    (307, "Unable to Load Email"),
    (308, "Unable to Load Batch"),
    (310, "Invalid Method Parameters"),
    (311, "Invalid Search Parameter Format"),
    (312, "Invalid Email List IDs"),
    (313, "Cannot Edit Account Lists"),
    (314, "No Contact List Specified for Batch Population"),
    (315, "Field Not Found"),
    (316, "Email Field Cannot be Edited"),
    (317, "Invalid Email Address Specified"),
    (318, "Duplicate Field Name"),
    (319, "Duplicate Folder Name / Type"),
    (320, "Failed to Update any Contacts"),
    (321, "Administrative Access Denied"),
    (322, "Username unavailable"),
    (323, "Unable to Delete Folder"),
    (324, "Cannot Delete User"),
    (325, "Reserved Field Name"),
    (331, "Unable to load Account User"),
    (399, "Maximum number of allowed concurrent API requests"),
    (999, "Something [new]"),
    (-32700, "Parse error"),
    (-32600, "Invalid Request"),
    (-32601, "Method not found"),
    (-32602, "Invalid params"),
    (-32603, "Internal error"),
];

pub(super) fn all() -> Vec<Class> {
    let mut classes: Vec<_> = FAULTS
        .iter()
        .map(|(code, message)| {
            let error = json!({"code": code, "message": message});
            fault(&format!("fault {code}"), Sort::Fault, error)
        })
        .collect();
    let no_response = json!({"code": 103, "message": "No Response from Server Call"});
    classes.extend([
        fault("fault 103", Sort::Doubt, no_response),
        fault(
            "fault as text",
            Sort::Fault,
            json!("322-Username unavailable"),
        ),
        fault(
            "fault as text without a code",
            Sort::Fault,
            json!("Username unavailable"),
        ),
        fault("fault without a code", Sort::Fault, json!({"message": "?"})),
        Class::changed("fault 399, Retry-After", Sort::Fault, |success| {
            let error = json!({"code": 399, "message": "Maximum number of API requests"});
            let mut crowded = with_error(success, &error);
            crowded.headers_mut().insert(RETRY_AFTER, 7.into());
            crowded
        }),
        Class::changed("success beside a fault", Sort::Fault, |success| {
            let error = json!({"code": 322, "message": "Username unavailable"});
            let mut envelope = envelope(success);
            envelope["error"] = error;
            json_answer(200, &envelope)
        }),
        Class::changed("success of another request", Sort::Nothing, |success| {
            with(success, "id", json!(99))
        }),
        Class::changed("success of no request", Sort::Nothing, |success| {
            with(success, "id", Value::Null)
        }),
        result("neither result nor fault", Sort::Nothing, Value::Null),
        result("result false", Sort::Nothing, json!(false)),
        result("result \"true\"", Sort::Nothing, json!("true")),
        result("result -1", Sort::Nothing, json!(-1)),
        result("result {}", Sort::Nothing, json!({})),
        result(
            "result true",
            Sort::To(|it| is(it, &["editUser", "deleteUser"])),
            json!(true),
        ),
        result("result 0", Sort::To(|it| is(it, &["countUsers"])), json!(0)),
        result(
            "result []",
            Sort::To(|it| is(it, &["searchUsers", "getUserById", "getTimezoneList"])),
            json!([]),
        ),
        result("a user without a name", Sort::Nothing, json!([{"id": 11}])),
        result(
            "another user",
            Sort::To(|it| is(it, &["searchUsers"])),
            json!([{"id": 99, "username": "otto"}]),
        ),
    ]);
    classes
}

fn is(request: &Request<Bytes>, methods: &[&str]) -> bool {
    let sent: Value = serde_json::from_slice(request.body()).unwrap();
    methods.contains(&sent["method"].as_str().unwrap())
}

fn fault(name: &str, sort: Sort, error: Value) -> Class {
    Class::changed(name, sort, move |success| with_error(success, &error))
}

fn result(name: &str, sort: Sort, result: Value) -> Class {
    Class::changed(name, sort, move |success| {
        with(success, "result", result.clone())
    })
}

fn envelope(success: &Response<Bytes>) -> Value {
    serde_json::from_slice(success.body()).unwrap()
}

fn with(success: &Response<Bytes>, member: &str, value: Value) -> Response<Bytes> {
    let mut envelope = envelope(success);
    envelope[member] = value;
    json_answer(200, &envelope)
}

fn with_error(success: &Response<Bytes>, error: &Value) -> Response<Bytes> {
    let id = &envelope(success)["id"];
    json_answer(200, &json!({"id": id, "result": null, "error": error}))
}
