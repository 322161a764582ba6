//! Free text that the store keeps as it was sent.

use std::borrow::Cow;
use std::fmt;

/// Text of at most [`Text::MAX_BYTES`] bytes without a NUL, which no `PostgreSQL` column can hold.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Cow<'static, str>);

impl Text {
    /// The most bytes one attribute may have.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Checks the length and the absence of NUL.
    pub fn parse(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        if text.len() > Self::MAX_BYTES {
            return Err(TextError::TooLong);
        }
        if text.as_bytes().contains(&0) {
            return Err(TextError::Nul);
        }
        Ok(Self(Cow::Owned(text)))
    }

    /// A constant: the name of a field, or one of few values. It must be what [`Text::parse`] takes.
    pub const fn known(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a piece of text cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Longer than [`Text::MAX_BYTES`].
    #[error("must be at most 65536 bytes long")]
    TooLong,
    /// Contains U+0000.
    #[error("must not contain a NUL character")]
    Nul,
}
