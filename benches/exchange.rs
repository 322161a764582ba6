//! The update calls of the three dialects, as their documentation shows them, and what a codec does
//! with one of them.

use std::fmt::Write as _;

use bytes::Bytes;
use dragoman::auth::Call;
use dragoman::auth::call::RequestId;
use dragoman::command::{Action, Dialect};
use dragoman::dialect::{self, Decoded, ReplyTo};
use dragoman::outcome::Outcome;
use dragoman::route::number_table::NumberTable;
use dragoman::route::profile::Profile;
use dragoman::route::{FormLimits, JsonLimits, Policy};
use http::request::{Builder, Parts};
use http::{Method, Request, Response};

/// A request and the policy of the route it arrives on.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// What its caller speaks.
    pub(crate) dialect: Dialect,
    /// What the body is written in.
    pub(crate) framing: Framing,
    head: Parts,
    body: Vec<u8>,
    policy: Policy,
}

/// What a body is written in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Framing {
    /// `application/x-www-form-urlencoded`
    Urlencoded,
    /// `multipart/form-data`
    Multipart,
    /// JSON-RPC
    Json,
}

impl Framing {
    /// The name in reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Urlencoded => "urlencoded",
            Self::Multipart => "multipart",
            Self::Json => "JSON",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Urlencoded => "application/x-www-form-urlencoded",
            Self::Multipart => {
                "multipart/form-data; boundary=------------------------7e754798411509f3"
            }
            Self::Json => "application/json",
        }
    }
}

impl Exchange {
    /// Every example.
    pub(crate) fn all() -> [Self; 5] {
        [
            grupo(Body::urlencoded(&GRUPO_FIELDS)),
            grupo(Body::multipart(&GRUPO_FIELDS)),
            vision6(),
            b2evolution(Body::urlencoded(&B2EVOLUTION_FIELDS)),
            b2evolution(Body::multipart(&B2EVOLUTION_FIELDS)),
        ]
    }

    /// What a gateway with a store does: request → canonical → answer.
    ///
    /// # Panics
    ///
    /// If the request is not decoded into the one update it is: anything else would be measured as
    /// something it is not.
    pub(crate) fn execute(&self) -> Response<Bytes> {
        let (_call, reply_to) = self.decode();
        self.answer(reply_to)
    }

    /// What a request takes towards an upstream of the same dialect: request → canonical → request.
    ///
    /// # Panics
    ///
    /// As [`Exchange::execute`], and if the command cannot be encoded.
    pub(crate) fn send(&self) -> Request<Bytes> {
        let (call, _reply_to) = self.decode();
        self.request(&call)
    }

    /// Both: what a gateway with an upstream does, apart from reading the upstream's answer.
    ///
    /// # Panics
    ///
    /// As [`Exchange::send`].
    pub(crate) fn forward(&self) -> (Request<Bytes>, Response<Bytes>) {
        let (call, reply_to) = self.decode();
        (self.request(&call), self.answer(reply_to))
    }

    fn decode(&self) -> (Call, ReplyTo) {
        let decoded = dialect::decode_request(self.dialect, &self.head, &self.body, &self.policy);
        let Decoded::Calls(mut calls, reply_to) = decoded else {
            panic!("{} is a call", self.dialect);
        };
        let call = calls
            .pop()
            .expect("a request has a call")
            .expect("the call is well formed");
        assert!(calls.is_empty() && call.command.action() == Action::UpdateUser);
        (call, reply_to)
    }

    fn request(&self, call: &Call) -> Request<Bytes> {
        let request = dialect::encode_request(self.dialect, call, &self.policy);
        request.expect("its own dialect can express the update")
    }

    fn answer(&self, reply_to: ReplyTo) -> Response<Bytes> {
        let reference = RequestId::default().reference();
        reply_to.encode_response(vec![Ok(Outcome::Done)], reference, &self.policy)
    }
}

struct Body {
    framing: Framing,
    bytes: Vec<u8>,
}

impl Body {
    fn urlencoded(fields: &[(&str, &str)]) -> Self {
        let text = serde_urlencoded::to_string(fields).expect("text can be encoded");
        Self {
            framing: Framing::Urlencoded,
            bytes: text.into_bytes(),
        }
    }

    /// As PHP's curl writes it.
    fn multipart(fields: &[(&str, &str)]) -> Self {
        let delimiter = "--------------------------7e754798411509f3";
        let mut text = String::new();
        for (name, value) in fields {
            let disposition = format!("Content-Disposition: form-data; name=\"{name}\"");
            let _ = write!(text, "{delimiter}\r\n{disposition}\r\n\r\n{value}\r\n");
        }
        let _ = write!(text, "{delimiter}--\r\n");
        Self {
            framing: Framing::Multipart,
            bytes: text.into_bytes(),
        }
    }
}

const KEY: &str = "drg0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmno";

/// The vendor's page for updating a user, every documented field that a store can keep.
const GRUPO_FIELDS: [(&str, &str); 9] = [
    ("api_secret_key", KEY),
    ("update", "site_users"),
    ("user", "john.doe"),
    ("full_name", "John Doe"),
    ("username", "johndoe"),
    ("email_address", "john@example.com"),
    ("password", "correct horse battery"),
    ("avatarURL", "https://example.com/picture.png"),
    ("custom_field_1", "A line about John"),
];

/// The vendor's page for editing a user, every field of its table.
const VISION6_BODY: &str = r#"{"id":1,"method":"editUser","params":["KEY",123456,{"id":654321,"username":"johndoe","password":"correct horse battery","first_name":"John","last_name":"Doe","email":"john@example.com","phone":"07 1234 5678","mobile":"0412 345 678","fax":"07 1234 5679","position":"Engineer","timezone":"Australia\/Brisbane","is_confirmed":true,"is_read_only":false,"receives_promotional":false,"email_user":false,"is_active":true}]}"#;

/// The vendor's page for updating a user: the form flags and fields of the identity and of the
/// administrator's form.
const B2EVOLUTION_FIELDS: [(&str, &str); 11] = [
    ("identity_form", "1"),
    ("edited_user_login", "johndoe"),
    ("edited_user_firstname", "John"),
    ("edited_user_lastname", "Doe"),
    ("edited_user_nickname", "Johnny"),
    ("edited_user_gender", "M"),
    ("admin_form", "1"),
    ("edited_user_status", "activated"),
    ("edited_user_level", "5"),
    ("edited_user_email", "john@example.com"),
    ("edited_user_source", "import"),
];

fn grupo(body: Body) -> Exchange {
    let head = Request::builder().uri("/api_request/");
    exchange(Dialect::Grupo, "/api_request", head, body)
}

fn vision6() -> Exchange {
    let head = Request::builder().uri("/api/jsonrpcserver.php?version=3.0");
    let body = Body {
        framing: Framing::Json,
        bytes: VISION6_BODY.replace("KEY", KEY).into_bytes(),
    };
    exchange(Dialect::Vision6, "/api/jsonrpcserver", head, body)
}

fn b2evolution(body: Body) -> Exchange {
    let head = Request::builder()
        .uri("/api/v1/users/2")
        .header("authorization", "Basic am9obmRvZTpjb3JyZWN0IGhvcnNl");
    exchange(Dialect::B2evolution, "/api/v1", head, body)
}

fn exchange(dialect: Dialect, base_path: &str, head: Builder, body: Body) -> Exchange {
    let head = head
        .method(Method::POST)
        .header("host", "www.example.com")
        .header("accept", "*/*")
        .header("content-type", body.framing.content_type())
        .header("content-length", body.bytes.len());
    let (head, ()) = head.body(()).expect("the head is well formed").into_parts();
    Exchange {
        dialect,
        framing: body.framing,
        head,
        body: body.bytes,
        policy: Policy {
            base_path: base_path.to_owned(),
            key_in_query: false,
            anonymous: false,
            roles: Vec::new(),
            group_roles: NumberTable::default(),
            group_categories: NumberTable::default(),
            profile: Profile::default(),
            form: FormLimits::default(),
            json: JsonLimits::default(),
        },
    }
}
