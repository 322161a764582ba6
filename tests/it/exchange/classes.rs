//! The classes of answers that upstreams give, whatever they were asked.
//!
//! Where a class is a change of the success, it is made of what the understanding server answers to
//! the very request, so that there is one of it for every command and every step.

mod b2evolution;
mod grupo;
mod vision6;

use bytes::Bytes;
use dragoman::command::Dialect;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{Request, Response};

use super::upstream::answer;

/// What is on pages of HTML here, and must be on none that a caller gets.
pub(super) const PAGE: &str = "a-page-of-the-upstream";

/// What a class says of what became of the request.
#[derive(Clone, Copy)]
pub(super) enum Sort {
    /// It was done.
    Success,
    /// It was not done, and the dialect says why.
    Fault,
    /// The dialect has a fault for it: nobody knows.
    Doubt,
    /// No answer of the dialect: it may have been done.
    Nothing,
    /// No answer of the dialect, from something in front of the system: it was not done.
    Unsent,
    /// An answer of the dialect to some requests, which these are, and none to all others.
    To(fn(&Request<Bytes>) -> bool),
    /// An answer of the dialect to some requests, and to all others one that says that nothing was done.
    FaultBut(fn(&Request<Bytes>) -> bool),
}

/// An answer made of the success.
type Make = Box<dyn Fn(&Response<Bytes>) -> Response<Bytes>>;

/// One class of answers.
pub(super) struct Class {
    pub(super) name: String,
    pub(super) sort: Sort,
    make: Make,
}

impl Class {
    /// The answer of this class where the success is `success`.
    pub(super) fn answer(&self, success: &Response<Bytes>) -> Response<Bytes> {
        (self.make)(success)
    }

    fn changed(
        name: &str,
        sort: Sort,
        make: impl Fn(&Response<Bytes>) -> Response<Bytes> + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            sort,
            make: Box::new(make),
        }
    }

    /// The body of the success, changed.
    fn edited(name: &str, sort: Sort, edit: impl Fn(&str) -> String + 'static) -> Self {
        Self::changed(name, sort, move |success| {
            let body = edit(std::str::from_utf8(success.body()).unwrap());
            success.clone().map(|_| Bytes::from(body.clone()))
        })
    }

    /// The success with another status.
    fn with_status(status: u16, sort: Sort) -> Self {
        Self::changed(&format!("success with {status}"), sort, move |success| {
            let mut answer = success.clone();
            *answer.status_mut() = status.try_into().unwrap();
            answer
        })
    }

    fn fixed(name: impl Into<String>, sort: Sort, fixed: Response<Bytes>) -> Self {
        Self {
            name: name.into(),
            sort,
            make: Box::new(move |_| fixed.clone()),
        }
    }
}

/// Every class of a dialect's upstreams, the success first.
pub(super) fn all(dialect: Dialect) -> Vec<Class> {
    let own = match dialect {
        Dialect::Grupo => grupo::all(),
        Dialect::Vision6 => vision6::all(),
        Dialect::B2evolution => b2evolution::all(),
    };
    let mut classes = vec![Class::changed("success", Sort::Success, Clone::clone)];
    classes.extend(cut());
    classes.extend(own);
    classes.extend(foreign());
    classes
}

fn cut_at(name: &str, at: fn(usize) -> usize) -> Class {
    Class::changed(name, Sort::Nothing, move |success| {
        let body = success.body();
        success.clone().map(|_| body.slice(..at(body.len())))
    })
}

/// Successes that are none.
fn cut() -> Vec<Class> {
    vec![
        cut_at("success cut in half", |length| length / 2),
        cut_at("success without its last byte", |length| length - 1),
        Class::edited("success twice", Sort::Nothing, |body| body.repeat(2)),
        Class::edited("success in a page", Sort::Nothing, |body| {
            format!("<html><script>{body}</script>{PAGE}</html>")
        }),
        Class::edited("success in a list", Sort::Nothing, |body| {
            format!("[{body}]")
        }),
        Class::with_status(202, Sort::Nothing),
        Class::with_status(500, Sort::Nothing),
    ]
}

/// Answers of no dialect: of a web server, of PHP, of something else at the address.
fn foreign() -> Vec<Class> {
    let page = |status: u16| {
        let mut page = answer(status, format!("<html><h1>{status}</h1>{PAGE}</html>"));
        let html = "text/html".parse().unwrap();
        page.headers_mut().insert(CONTENT_TYPE, html);
        page
    };
    let with = |mut page: Response<Bytes>, name, value: &str| {
        page.headers_mut().insert(name, value.parse().unwrap());
        page
    };
    let mut classes = vec![
        Class::fixed("empty", Sort::Nothing, answer(200, "")),
        Class::fixed("204", Sort::Nothing, answer(204, "")),
        Class::fixed("500 empty", Sort::Nothing, answer(500, "")),
        Class::fixed("HTML", Sort::Nothing, page(200)),
        Class::fixed(
            "no UTF-8",
            Sort::Nothing,
            answer(200, b"\xff\xfe{}".as_slice()),
        ),
        Class::fixed("null", Sort::Nothing, answer(200, "null")),
        Class::fixed("true", Sort::Nothing, answer(200, "true")),
        Class::fixed("{}", Sort::Nothing, answer(200, "{}")),
        Class::fixed("[]", Sort::Nothing, answer(200, "[]")),
    ];
    for status in [500, 502, 503, 504] {
        classes.push(Class::fixed(
            format!("HTML with {status}"),
            Sort::Nothing,
            page(status),
        ));
    }
    for status in [301, 302, 307] {
        let moved = with(page(status), LOCATION, "https://elsewhere.example.com/");
        classes.push(Class::fixed(
            format!("HTML with {status}"),
            Sort::Unsent,
            moved,
        ));
    }
    for status in [400, 401, 403, 404, 405, 413] {
        classes.push(Class::fixed(
            format!("HTML with {status}"),
            Sort::Unsent,
            page(status),
        ));
    }
    let crowded = with(page(429), RETRY_AFTER, "7");
    classes.push(Class::fixed("HTML with 429", Sort::Unsent, crowded));
    classes
}
