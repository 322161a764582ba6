//! The nine statuses of b2evolution and the four canonical ones.

use crate::command::user::Status;
use crate::error::Error;

/// The field, and the extension attribute that keeps the exact name.
pub(super) const FIELD: &str = "edited_user_status";

/// Where several names mean one status, the first is what we write.
static STATUSES: [(&str, Status); 9] = [
    ("activated", Status::Active),
    ("manualactivated", Status::Active),
    ("autoactivated", Status::Active),
    ("new", Status::Unconfirmed),
    ("emailchanged", Status::Unconfirmed),
    ("deactivated", Status::Deactivated),
    ("failedactivation", Status::Deactivated),
    ("pendingdelete", Status::Deactivated),
    ("closed", Status::Closed),
];

/// What a name means.
pub(super) fn decode(name: &str) -> Option<Status> {
    listed(name).map(|(_, status)| *status)
}

/// The name, if it means anything.
pub(super) fn known(name: &str) -> Option<&'static str> {
    listed(name).map(|(known, _)| *known)
}

fn listed(name: &str) -> Option<&'static (&'static str, Status)> {
    STATUSES.iter().find(|(known, _)| *known == name)
}

/// What a name means, or a fault of the field.
pub(super) fn parse(field: &str, name: &str) -> Result<Status, Error> {
    decode(name).ok_or_else(|| {
        let names = STATUSES.map(|(name, _)| name).join(", ");
        Error::invalid(field.to_owned(), format!("must be one of {names}"))
    })
}

/// A name that means the status: `exact` if it does.
pub(super) fn encode(status: Status, exact: Option<&str>) -> &str {
    if let Some(exact) = exact
        && decode(exact) == Some(status)
    {
        return exact;
    }
    match status {
        Status::Active => "activated",
        Status::Unconfirmed => "new",
        Status::Deactivated => "deactivated",
        Status::Closed => "closed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_name_that_means_it() {
        for status in Status::ALL {
            assert_eq!(decode(encode(status, None)), Some(status));
            assert_eq!(decode(encode(status, Some("closed"))), Some(status));
        }
        assert_eq!(
            encode(Status::Active, Some("autoactivated")),
            "autoactivated"
        );
    }
}
