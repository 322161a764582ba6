//! Signatures of Standard Webhooks (<https://www.standardwebhooks.com>, version 1.0).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::journal::event::EventId;
use crate::secret::Secret;

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// The lengths that the specification allows, the longest of which is also a block of the hash.
const SHORTEST: usize = 24;
const LONGEST: usize = 64;

/// What a text must be to be the secret of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is no secret of a webhook, which is whsec_ and 24 to 64 bytes in base64: make one with \
     `echo whsec_$(openssl rand -base64 32)`, and give it to the receiver too"
)]
pub struct MalformedSecret;

/// The secret that is shared with a receiver, as a block of the hash: HMAC fills shorter keys up with
/// zeros (RFC 2104).
#[derive(Clone)]
pub struct SigningKey(Zeroizing<[u8; LONGEST]>);

impl SigningKey {
    /// The key of a secret as receivers know it: `whsec_` and base64.
    pub fn parse(secret: &Secret) -> Result<Self, MalformedSecret> {
        let encoded = secret.reveal().strip_prefix(PREFIX);
        let bytes = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
        let bytes = Zeroizing::new(bytes.ok_or(MalformedSecret)?);
        let mut block = Zeroizing::new([0; LONGEST]);
        let start = block.get_mut(..bytes.len());
        let start = start.filter(|start| start.len() >= SHORTEST);
        start.ok_or(MalformedSecret)?.copy_from_slice(&bytes);
        Ok(Self(block))
    }

    /// What `webhook-signature` says of a body that is sent at that second.
    pub fn sign(&self, id: EventId, seconds: i64, body: &[u8]) -> String {
        let mac = Hmac::<Sha256>::new((&*self.0).into())
            .chain_update(format!("{id}.{seconds}."))
            .chain_update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for SigningKey {}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn a_secret_has_a_prefix_and_24_to_64_bytes() {
        assert!(SigningKey::parse(&Secret::from(SECRET)).is_ok());
        let of = |bytes: usize| format!("{PREFIX}{}", STANDARD.encode(vec![7; bytes]));
        for (bytes, allowed) in [(23, false), (24, true), (64, true), (65, false)] {
            let parsed = SigningKey::parse(&Secret::from(of(bytes)));
            assert_eq!(parsed.is_ok(), allowed, "{bytes}");
        }
        for text in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_?", "whsec_"] {
            assert_eq!(SigningKey::parse(&Secret::from(text)), Err(MalformedSecret));
        }
    }

    #[test]
    fn a_key_is_not_printed() {
        let key = SigningKey::parse(&Secret::from(SECRET)).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey(…)");
    }
}
