//! The parameters of `GET users`, `users/logins` and `users/autocomplete` ↔ a search.

use super::form::Fields;
use super::operation::Page;
use super::{filter, status, value, wording};
use crate::command::query::{Attribute, Criterion, Operator, UserQuery};
use crate::command::text::Text;
use crate::error::{Error, Kind};
use crate::framing::form::{Entry, Form};
use crate::route::Policy;

/// Reads the parameters of `GET users`. One that cannot be answered is refused (quirk B16).
pub(super) fn decode(form: Form<'_>, policy: &Policy) -> Result<(UserQuery, Page), Error> {
    let mut page = Page::default();
    let mut criteria = Vec::new();
    for entry in form.into_entries() {
        match &*entry.name {
            "per_page" => page.size = positive(&entry)?.unwrap_or(page.size),
            "page" | "paged" => page.number = positive(&entry)?.unwrap_or(page.number),
            _ => criteria.extend(filter::decode(&entry, policy)?),
        }
    }
    let query = UserQuery {
        criteria,
        sort: None,
        offset: offset(page)?,
        limit: Some(page.size),
    };
    Ok((query, page))
}

/// Reads the parameters of `GET users/logins`: a prefix, and statuses.
pub(super) fn decode_logins(mut form: Form<'_>) -> Result<UserQuery, Error> {
    let prefix = form.take("q");
    let prefix = prefix
        .as_ref()
        .map(value::scalar)
        .transpose()?
        .unwrap_or_default();
    if prefix.is_empty() {
        return Err(wording::LOGINS_EMPTY.error(""));
    }
    let mut query = starting_with("q", prefix)?;
    if let Some(entry) = form.take("status") {
        let names = value::scalar(&entry)?;
        if !matches!(names, "" | "all") {
            let statuses = names
                .split(',')
                .map(|name| known_status(&entry.name, name.trim()));
            query.criteria.push(Criterion {
                attribute: Attribute::Status,
                operator: Operator::In,
                values: statuses.collect::<Result<_, _>>()?,
            });
        }
    }
    without_left_over(&form)?;
    Ok(query)
}

/// Reads the parameters of `GET users/autocomplete`: a prefix that is a valid login.
pub(super) fn decode_autocomplete(mut form: Form<'_>) -> Result<UserQuery, Error> {
    let prefix = form.take("q");
    let prefix = prefix
        .as_ref()
        .map(value::scalar)
        .transpose()?
        .unwrap_or_default();
    let is_login = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if prefix.is_empty() || !prefix.bytes().all(is_login) {
        return Err(Error::invalid(
            "q",
            "must be the start of a login: letters, digits and - . _",
        ));
    }
    without_left_over(&form)?;
    starting_with("q", prefix)
}

/// Refuses what no operation has asked for.
pub(super) fn without_left_over(form: &Form<'_>) -> Result<(), Error> {
    match form.entries().first() {
        Some(entry) => Err(filter::not_answered(&entry.name)),
        None => Ok(()),
    }
}

/// Writes a search as parameters of `GET users`.
pub(super) fn encode(query: &UserQuery, policy: &Policy) -> Result<Fields, Error> {
    if query.sort.is_some() {
        return Err(unsupported("an order"));
    }
    let size = query.limit.filter(|size| *size > 0);
    let size = size.ok_or_else(|| unsupported("a list without a limit"))?;
    if !query.offset.is_multiple_of(size) {
        return Err(unsupported("an offset that is no multiple of the limit"));
    }
    let mut form = filter::encode(&query.criteria, policy)?;
    form.push("per_page", size.to_string());
    form.push("page", (query.offset / size).saturating_add(1).to_string());
    Ok(form)
}

fn starting_with(name: &str, prefix: &str) -> Result<UserQuery, Error> {
    Ok(UserQuery {
        criteria: vec![filter::criterion(
            Attribute::Username,
            Operator::StartsWith,
            name,
            prefix,
        )?],
        limit: Some(Page::default().size),
        ..UserQuery::default()
    })
}

fn known_status(name: &str, text: &str) -> Result<Text, Error> {
    value::text(name, status::parse(name, text)?.name())
}

fn positive(entry: &Entry<'_>) -> Result<Option<u64>, Error> {
    let illegal = || wording::ILLEGAL.error(&entry.name);
    let Some(number) = value::integer(&entry.name, value::scalar(entry)?)? else {
        return Ok(None);
    };
    let number = u64::try_from(number).map_err(|_| illegal())?;
    if number == 0 {
        return Err(illegal());
    }
    Ok(Some(number))
}

fn offset(page: Page) -> Result<u64, Error> {
    let offset = (page.number - 1).checked_mul(page.size);
    offset.ok_or_else(|| wording::ILLEGAL.error("page"))
}

fn unsupported(what: &str) -> Error {
    Error::new(
        Kind::Unsupported,
        format!("b2evolution cannot be asked for {what}; leave it out"),
    )
}
