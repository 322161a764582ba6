//! Values that must never be printed.
//!
//! A [`Secret`] has no `Display` and no `Serialize`, its `Debug` is redacted, it is compared in
//! constant time and its memory is cleared when it is dropped. Reading it is spelled
//! [`Secret::reveal`], so that every place where a secret leaves its type can be searched for.

pub mod file;

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A password or an API key, as it was presented or configured.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The secret itself. Every caller of this is a place to review.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether nothing was presented at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self(Zeroizing::new(value.to_owned()))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_does_not_contain_the_secret() {
        let shown = format!("{:?}", Secret::from("hunter2"));
        assert!(!shown.contains("hunter2"));
    }
}
