//! One write and one read in each dialect, by curl, on a gateway whose store is in trouble.

use std::path::Path;
use std::time::{Duration, Instant};

use dragoman::command::Dialect;

use crate::process::{curl, dragoman, finish};

/// Who calls a gateway.
#[derive(Clone)]
pub(crate) struct Caller {
    url: String,
    key: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    head: String,
    pub(crate) body: String,
    pub(crate) took: Duration,
}

impl Caller {
    /// A key of the store in that directory.
    pub(crate) fn key(directory: &Path) -> String {
        let create = ["keys", "create", "--name", "caller"];
        let (code, key, said) = finish(dragoman(directory).args(create));
        assert_eq!(code, Some(0), "{said}");
        key.trim().to_owned()
    }

    pub(crate) fn new(url: &str, key: &str) -> Self {
        Self {
            url: url.to_owned(),
            key: key.to_owned(),
        }
    }

    /// Makes a user; whether that was acknowledged.
    pub(crate) fn create(&self, username: &str) -> Answer {
        let key = format!("api_secret_key={}", self.key);
        let (name, email) = (
            format!("username={username}"),
            format!("email_address={username}@example.com"),
        );
        let mut fields = vec![key.as_str(), "add=site_users", "password=analytical-engine"];
        fields.extend(["full_name=Ada Lovelace", &name, &email]);
        self.call("/api_request", "", &fields)
    }

    /// Changes user 1, `ada`.
    pub(crate) fn write(&self, dialect: Dialect, value: &str) -> Answer {
        let key = format!("api_secret_key={}", self.key);
        match dialect {
            Dialect::Grupo => {
                let name = format!("full_name={value}");
                let fields = [key.as_str(), "update=site_users", "user=ada", &name];
                self.call("/api_request", "", &fields)
            }
            Dialect::Vision6 => {
                self.vision6("editUser", &format!(r#"{{"id":1,"position":"{value}"}}"#))
            }
            Dialect::B2evolution => {
                let name = format!("edited_user_nickname={value}");
                let header = format!("X-API-Key: {}", self.key);
                self.call("/api/v1/users/1", &header, &["identity_form=1", &name])
            }
        }
    }

    /// Reads user 1.
    pub(crate) fn read(&self) -> Answer {
        self.vision6("getUserById", "1")
    }

    fn vision6(&self, method: &str, parameter: &str) -> Answer {
        let key = &self.key;
        let body = format!(r#"{{"id":1,"method":"{method}","params":["{key}",1,{parameter}]}}"#);
        self.call(
            "/api/jsonrpcserver",
            "Content-Type: application/json",
            &[&body],
        )
    }

    fn call(&self, path: &str, header: &str, fields: &[&str]) -> Answer {
        let url = format!("{}{path}", self.url);
        let mut arguments = vec!["--include", "--header", header];
        for field in fields {
            arguments.extend(["--data", field]);
        }
        arguments.push(&url);
        let start = Instant::now();
        let shown = curl(&arguments);
        let (head, body) = shown.split_once("\r\n\r\n").unwrap();
        Answer {
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
            took: start.elapsed(),
        }
    }
}

impl Answer {
    pub(crate) fn is_done(&self) -> bool {
        let signs = [r#""success":true"#, r#""error":null"#, "update_success"];
        signs.iter().any(|sign| self.body.contains(sign))
    }

    /// It says in the caller's dialect that there is too much to do, and when to come back.
    pub(crate) fn assert_overloaded(&self, dialect: Dialect) {
        self.assert_fault(
            dialect,
            ["something_went_wrong", r#""code":399"#, "503 Service"],
        );
        assert!(self.head.contains("\r\nretry-after: 1"), "{self:?}");
    }

    /// It says in the caller's dialect that nobody knows what became of the write.
    pub(crate) fn assert_unknown(&self, dialect: Dialect) {
        self.assert_fault(
            dialect,
            ["something_went_wrong", r#""code":103"#, "504 Gateway"],
        );
    }

    fn assert_fault(&self, dialect: Dialect, [grupo, vision6, b2evolution]: [&str; 3]) {
        let sign = match dialect {
            Dialect::Grupo => grupo,
            Dialect::Vision6 => vision6,
            Dialect::B2evolution => b2evolution,
        };
        assert!(self.body.contains(sign), "{dialect}: {self:?}");
        let status = match dialect {
            Dialect::Grupo | Dialect::Vision6 => "200",
            Dialect::B2evolution => sign.split(' ').next().unwrap(),
        };
        assert!(
            self.head.starts_with(&format!("http/1.1 {status}")),
            "{self:?}"
        );
    }
}
