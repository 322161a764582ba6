//! Credentials of a caller whom an upstream judges.

use std::fmt;

use super::call::Credentials;

/// Credentials that nobody here has judged, on their way to the upstream that does.
///
/// They are made in [`authenticate`](super::authenticate) and opened in [`forward`](crate::forward),
/// for one call; on the way nothing can look into them.
#[derive(Clone)]
pub struct PassedOn(Credentials);

impl PassedOn {
    pub(super) const fn new(credentials: Credentials) -> Self {
        Self(credentials)
    }

    /// The credentials. Every caller of this is a place to review.
    pub fn reveal(self) -> Credentials {
        self.0
    }
}

impl fmt::Debug for PassedOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PassedOn(…)")
    }
}

/// What tells callers apart whose names are not known: the beginning of a digest of what they are
/// called by there, a key or a login, under the pepper. It never depends on a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub(super) [u8; 4]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_what_is_passed_on_is_printed() {
        let passed_on = PassedOn::new(Credentials::Basic {
            login: "mary".to_owned(),
            password: "hunter2".into(),
        });
        assert_eq!(format!("{passed_on:?}"), "PassedOn(…)");
        assert_eq!(Fingerprint([0, 1, 0xab, 0xff]).to_string(), "0001abff");
    }
}
