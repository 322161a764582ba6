//! A b2evolution profile as the store keeps it, and who may see it.

use bytes::Bytes;
use dragoman::command::user::{Status, UserChange, UserRef};
use dragoman::command::{Dialect, Id};
use dragoman::store::Store;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::bulk_fixture;
use crate::caller::{Caller, Credential, configure};
use crate::harness::{self, Gateway, Seed};
use crate::process::Served;

/// A key that may set everything.
const KEY: &str = "a-key-that-may-set-roles-and-levels";

/// Fields with a column of their own: what is sent, the column, and what it shows.
const COLUMNS: [(&str, &str, &str, &str); 11] = [
    ("edited_user_login", "zoe2", "username", r#""zoe2""#),
    ("edited_user_firstname", "Zoë", "given_name", r#""Zoë""#),
    ("edited_user_lastname", "Stone", "family_name", r#""Stone""#),
    ("edited_user_nickname", "zo", "nickname", r#""zo""#),
    ("edited_user_gender", "F", "gender", r#""F""#),
    ("edited_user_locale", "fr-FR", "locale", r#""fr-FR""#),
    (
        "edited_user_email",
        "zoe@example.org",
        "email",
        r#""zoe@example.org""#,
    ),
    (
        "edited_user_status",
        "autoactivated",
        "status",
        r#""active""#,
    ),
    ("edited_user_level", "7", "level", "7"),
    ("edited_user_grp_ID", "3", "role", r#""editor""#),
    (
        "organizations[]=2&organizations[]=9&org_roles[]=Singer&org_roles[]",
        "",
        "organizations",
        r#"[{"id":2,"role":"Singer"},{"id":9}]"#,
    ),
];

/// Fields that are kept as they are sent, and names of the manual page that the server has changed.
const KEPT: [(&str, &str); 51] = [
    ("edited_user_ctry_ID", "74"),
    ("edited_user_rgn_ID", "1"),
    ("edited_user_subrg_ID", "35"),
    ("edited_user_city_ID", "4"),
    ("edited_user_age_min", "18"),
    ("edited_user_age_max", "99"),
    ("edited_user_birthday_month", "2"),
    ("edited_user_birthday_day", "29"),
    ("edited_user_birthday_year", "1996"),
    ("edited_user_set_login_multiple_sessions", "1"),
    ("edited_user_timeout_sessions", "custom"),
    ("timeout_sessions_value", "3"),
    ("timeout_sessions_name", "hour"),
    ("edited_user_showonline", "0"),
    ("edited_user_email_format", "html"),
    ("PM", "1"),
    ("enable_PM", "1"),
    ("enable_email", "0"),
    ("edited_user_notify_messages", "1"),
    ("edited_user_notify_unread_messages", "0"),
    ("edited_user_notify_publ_comments", "1"),
    ("edited_user_notify_cmt_moderation", "1"),
    ("edited_user_notify_meta_comments", "1"),
    ("edited_user_notify_post_moderation", "0"),
    ("edited_user_notify_new_user_registration", "1"),
    ("edited_user_notify_activated_account", "1"),
    ("edited_user_notify_closed_account", "1"),
    ("edited_user_notify_reported_account", "0"),
    ("edited_user_notify_changed_account", "1"),
    ("edited_user_notify_cronjob_error", "1"),
    ("edited_user_send_cmt_moderation_reminder", "1"),
    ("edited_user_send_pst_moderation_reminder", "0"),
    ("edited_user_send_activation_reminder", "1"),
    ("edited_user_notification_email_limit", "999"),
    ("edited_user_newsletter_news", "1"),
    ("edited_user_newsletter_ads", "0"),
    ("edited_user_newsletter_limit", "3"),
    ("subs_blog_IDs", "7,8"),
    ("sub_items_7", "1"),
    ("sub_comments_8", "1"),
    ("subs_item_IDs", "9"),
    ("item_sub_9", "1"),
    ("edited_email_status", "unknown"),
    ("notification_sender_email", "site@example.org"),
    ("notification_sender_name", "The site"),
    ("edited_iprange_status", "trusted"),
    ("edited_domain_status", "trusted"),
    ("edited_user_source", "manual"),
    ("edited_initial_referer_status", "unknown"),
    ("account_close_reason", "spam\nand eggs"),
    ("edited_user_tags", "a,b"),
];

const FLAGS: &str =
    "identity_form=1&password_form=1&preferences_form=1&subscriptions_form=1&admin_form=1";

const LISTS: &str = "edited_user_secondary_grp_ID[]=3&edited_user_secondary_grp_ID[]=4\
    &edited_user_newsletters[]=5&org_priorities[]=&org_priorities[]=8&uf_12=blue&uf_add[5][]=a";

const PASSWORDS: &str =
    "current_user_pass=any&edited_user_pass1=lovelace&edited_user_pass2=lovelace";

async fn post(caller: &Caller, url: &str, form: String) -> (u16, String) {
    let request = Request::post(url)
        .header("x-api-key", KEY)
        .header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(Full::from(Bytes::from(form)));
    caller.send(request.unwrap()).await
}

#[tokio::test]
async fn every_documented_field_is_read_again_as_it_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let scopes = r#"scopes = ["user:*", "user.role", "user.level"]"#;
    configure(
        directory.path(),
        &format!("[keys.all]\nvalue = \"{KEY}\"\n{scopes}"),
    );
    let served = Served::start(directory.path());
    let caller = Caller::new(&served.url, "127.0.0.1");
    let users = format!("{}/api/v1/users", served.url);
    let new = "edited_user_login=zoe&edited_user_email=z%40example.org";
    let created = format!("{new}&edited_user_pass1=lovelace&edited_user_pass2=lovelace");
    assert_eq!(post(&caller, &users, created).await.0, 201);

    let columns = COLUMNS.map(|(field, value, ..)| format!("{field}={value}"));
    let kept = KEPT.map(|(field, value)| format!("{field}={}", value.replace('\n', "%0A")));
    let parts = [FLAGS, LISTS, PASSWORDS, &columns.join("&"), &kept.join("&")];
    let (status, answer) = post(&caller, &format!("{users}/2"), parts.join("&")).await;
    assert_eq!(status, 200, "{answer}");

    let user = bulk_fixture::user(directory.path(), "2");
    for (field, _, column, shown) in COLUMNS {
        let shown: Value = serde_json::from_str(shown).unwrap();
        assert_eq!(user[column], shown, "{field}");
    }
    let extensions = &user["extensions"]["b2evolution"];
    for (field, value) in KEPT {
        assert_eq!(extensions[field], json!(value), "{field}");
    }
    for (field, value) in [
        ("edited_user_status", "autoactivated"),
        ("edited_user_secondary_grp_ID", "[3,4]"),
        ("edited_user_newsletters", "[5]"),
        ("org_priorities", r#"["","8"]"#),
        ("uf_12", "blue"),
        ("uf_add[5]", r#"["a"]"#),
    ] {
        assert_eq!(extensions[field], json!(value), "{field}");
    }
    let exported = bulk_fixture::done(directory.path(), &["users", "export"]);
    for (field, _) in KEPT {
        assert!(
            exported.contains(&format!("x.b2evolution.{field}")),
            "{field}"
        );
    }
    // A password is read again by signing in with it.
    let signed_in = Credential::Basic("zoe2", "lovelace");
    let (status, answer) = caller.call(Dialect::B2evolution, signed_in).await;
    assert_eq!(status, 200, "{answer}");
    served.stop();
}

/// What mary is answered, whose status is now that one.
async fn mary(gateway: &Gateway, status: Status, path: &str) -> (u16, String) {
    let change = UserChange {
        status: Some(status),
        ..UserChange::default()
    };
    let mary = UserRef::Id(Id::new(2).unwrap());
    let changed = gateway
        .store
        .update_user(mary, change, None, harness::entry(1));
    changed.await.unwrap().unwrap();
    let request = Request::builder()
        .method(Method::GET)
        .uri(format!("/api/v1/{path}"))
        .header("host", "blog.example.com")
        .header("authorization", "Basic bWFyeTpNYXJ5UGFzczE=");
    let (status, body) = gateway.answer(request.body(Bytes::new()).unwrap()).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn who_is_not_activated_reads_no_profile_but_its_own() {
    let gateway = Seed::new().await.gateway(harness::routes(""));
    let refused = r#"{"code":"no_access","message":"You must activate your account before you can view this user profile.","data":{"status":403}}"#;
    for path in ["users/1", "users/99"] {
        let answer = mary(&gateway, Status::Unconfirmed, path).await;
        assert_eq!(answer, (403, refused.to_owned()), "{path}");
    }
    for path in ["users/2", "users", "users/logins?q=a"] {
        let (status, body) = mary(&gateway, Status::Unconfirmed, path).await;
        assert_eq!(status, 200, "{path}: {body}");
    }
    assert_eq!(mary(&gateway, Status::Active, "users/1").await.0, 200);
}

#[tokio::test]
async fn closed_and_deactivated_users_cannot_sign_in() {
    let gateway = Seed::new()
        .await
        .gateway(harness::routes("anonymous = true"));
    for status in [Status::Closed, Status::Deactivated] {
        for path in ["users", "users/2"] {
            let (status, body) = mary(&gateway, status, path).await;
            assert_eq!(status, 403, "{path}: {body}");
            assert!(
                body.contains(r#""code":"closed_account""#),
                "{path}: {body}"
            );
        }
    }
}
