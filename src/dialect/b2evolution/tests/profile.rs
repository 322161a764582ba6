//! A whole profile, as it is shown and as it is read back.

use bytes::Bytes;
use http::{Method, Response};

use super::{answer, decode, policy, request, shown};
use crate::command::extension::Extension;
use crate::command::name::Username;
use crate::command::organization::Organization;
use crate::command::text::Text;
use crate::command::user::{Level, Status, User};
use crate::command::{AccountId, Dialect, Id};
use crate::dialect::Codec;
use crate::dialect::b2evolution::operation::{Operation, Page};
use crate::dialect::b2evolution::{B2evolution, wire};
use crate::outcome::{Outcome, UserPage};
use crate::route::profile::{self, Place};

fn text(text: &str) -> Text {
    Text::parse(text).unwrap()
}

fn kept(field: &str, value: &str) -> Extension {
    Extension {
        dialect: Dialect::B2evolution,
        field: text(field),
        value: text(value),
    }
}

fn user() -> User {
    User {
        id: Id::new(7).unwrap(),
        account: AccountId::new(Id::ONE),
        username: Username::parse("zoe").unwrap(),
        display_name: None,
        given_name: Some(text("Zoë")),
        family_name: None,
        nickname: None,
        gender: Some(text("F")),
        locale: None,
        email: None,
        email_verified: false,
        status: Status::Active,
        level: Level::new(1).unwrap(),
        phone: None,
        mobile: None,
        fax: None,
        title: None,
        timezone: None,
        picture_url: Some(text("http://x/?a=1&b=2")),
        read_only: false,
        role: None,
        organizations: Vec::new(),
        extensions: vec![
            kept("edited_user_city_ID", "4"),
            kept("edited_user_ctry_ID", "233"),
            kept("uf_7", "a/b"),
        ],
    }
}

fn answered(path: &str, outcome: Outcome) -> Response<Bytes> {
    let (call, reply_to) = decode(request(Method::GET, path, ""));
    assert!(call.is_ok());
    answer(reply_to, Ok(outcome))
}

#[test]
fn a_profile_has_the_vendors_keys_in_the_vendors_order() {
    let mut user = user();
    user.extensions.push(kept("uf_add[5]", r#"["one","two"]"#));
    user.extensions
        .push(kept("edited_user_status", "autoactivated"));
    user.organizations.push(Organization {
        id: Id::new(2).unwrap(),
        role: Some(text("Boss")),
    });
    let response = answered("/users/7", Outcome::User(Box::new(user)));
    assert_eq!(
        shown(&response).1,
        r#"{"id":7,"picture":"http:\/\/x\/?a=1&amp;b=2","pictures":[],"login":"zoe","firstname":"Zo\u00eb","lastname":null,"gender":"F","location":{"country":{"id":233,"name":""},"region":null,"subregion":null,"city":{"id":4,"name":""}},"organizations":[{"name":"2","url":""}],"userfields":{"":[{"code":"uf_7","name":"","value":"a\/b"},{"code":"uf_add[5]","name":"","value":"one"},{"code":"uf_add[5]","name":"","value":"two"}]}}"#
    );
}

#[test]
fn a_profile_shows_the_names_of_the_routes_tables() {
    let mut policy = policy();
    let id = |number| Id::new(number).unwrap();
    let queen = profile::Organization {
        name: "Queen & Co".to_owned(),
        url: "https://queen.example/".to_owned(),
    };
    policy.profile.organizations.insert(id(2), queen);
    for (place, number, name) in [
        (Place::Country, 233, "États-Unis"),
        (Place::City, 4, "Rennes"),
    ] {
        let table = [(id(number), name.to_owned())].into();
        policy.profile.places.insert(place, table);
    }
    let mut user = user();
    let numbers = [2, 3].into_iter();
    user.organizations = numbers
        .map(|number| Organization {
            id: id(number),
            role: None,
        })
        .collect();
    let view = wire::view(&user, &policy);
    let location = r#""location":{"country":{"id":233,"name":"\u00c9tats-Unis"},"region":null,"subregion":null,"city":{"id":4,"name":"Rennes"}}"#;
    let organizations = r#""organizations":[{"name":"Queen & Co","url":"https:\/\/queen.example\/"},{"name":"3","url":""}]"#;
    assert!(view.contains(location), "{view}");
    assert!(view.contains(organizations), "{view}");
    let page = UserPage {
        users: vec![user],
        total: 1,
    };
    let (_, list) = wire::list(Operation::List, Page::default(), &page, &policy);
    assert!(list.contains(r#""city":"Rennes""#), "{list}");
}

#[test]
fn a_profile_is_read_back_as_what_was_shown() {
    let (call, reply_to) = decode(request(Method::GET, "/users/7", ""));
    let response = answer(reply_to, Ok(Outcome::User(Box::new(user()))));
    let (head, body) = response.into_parts();
    let command = call.unwrap().command;
    let read = B2evolution::decode_response(&command, &head, &body, &policy());
    assert_eq!(read.unwrap(), Outcome::User(Box::new(user())));
}

#[test]
fn a_row_of_a_list_shows_a_picture_only_where_there_is_one() {
    let mut bare = user();
    bare.picture_url = None;
    let page = UserPage {
        users: vec![user(), bare],
        total: 7,
    };
    let response = answered("/users?per_page=2&page=3", Outcome::Users(page));
    assert_eq!(
        shown(&response).1,
        r#"{"found":7,"page":3,"page_size":2,"pages_total":4,"users":[{"id":7,"picture":"http:\/\/x\/?a=1&amp;b=2","login":"zoe","fullname":"Zo\u00eb","city":""},{"id":7,"login":"zoe","fullname":"Zo\u00eb","city":""}]}"#
    );
}
