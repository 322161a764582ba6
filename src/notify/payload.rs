//! What a webhook says: the envelope of Standard Webhooks with the user in it.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::command::email::Email;
use crate::store::notifications::Notification;

/// The body for a notification. The same notification has the same body at every attempt.
pub(super) fn body(notification: &Notification) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Envelope {
        name: notification.event.name(),
        timestamp: rfc3339(notification.at),
        data: Data {
            account: notification.account.id().value(),
            request_id: &notification.request_id,
            user: User {
                id: notification.user.value(),
                username: notification.username.as_str(),
                email: notification.email.as_ref().map(Email::as_str),
                display_name: notification.full_name.as_deref(),
            },
        },
    })
}

#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    name: &'static str,
    timestamp: Option<String>,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    account: i64,
    request_id: &'a str,
    user: User<'a>,
}

#[derive(Serialize)]
struct User<'a> {
    id: i64,
    username: &'a str,
    email: Option<&'a str>,
    display_name: Option<&'a str>,
}

/// In UTC and to the millisecond; nothing for a time that no calendar has.
fn rfc3339(time: Timestamp) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(time.as_millis()).ok()?;
    Some(format!("{time:.3}"))
}
