//! In which form a password's hash is, and whether a password fits it.

use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::{Ident, PasswordHash as Phc};
use argon2::{Algorithm, Params};

use super::bcrypt::Bcrypt;
use super::phpass::Phpass;
use super::plain_md5::PlainMd5;
use super::{MEMORY_KIB, PASSES};

/// The most memory that one check may take, in KiB, and the most that all passes over it may touch.
const MOST_MEMORY: u32 = 256 * 1024;
const MOST_WORK: u64 = 1024 * 1024;

/// A hash, read. Dragoman makes argon2id only; everything else comes from other systems.
#[derive(Debug)]
pub(super) enum Scheme {
    /// argon2 in PHC form, as PHP's `password_hash` writes it too.
    Argon2(Box<Phc>),
    /// `$2y$`, `$2a$` and `$2b$`.
    Bcrypt(Bcrypt),
    /// `$P$` and `$H$`.
    Phpass(Phpass),
    /// `evo$md5$` and `evo$salted$`.
    PlainMd5(PlainMd5),
}

/// Why a hash cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashFault {
    /// Nothing that is known begins like that.
    #[error(
        "must be a hash as $argon2id$…, $2y$…, $P$…, $H$…, evo$salted$SALT$MD5 or evo$md5$MD5; a password itself is no hash"
    )]
    Unknown,
    /// It begins like a known one and is none.
    #[error("begins like a hash of {0} and is none: it may have been cut off")]
    Malformed(&'static str),
    /// One sign-in would keep a core or the memory busy for too long.
    #[error("takes too much to check: at most bcrypt cost 15, phpass 2^20, argon2 256 MiB")]
    TooCostly,
}

impl Scheme {
    pub(super) fn parse(text: &str) -> Result<Self, HashFault> {
        if text.starts_with("$argon2") {
            return argon2(text).map(Box::new).map(Self::Argon2);
        }
        if let Some(found) = Bcrypt::parse(text) {
            return found.map(Self::Bcrypt);
        }
        if let Some(found) = Phpass::parse(text) {
            return found.map(Self::Phpass);
        }
        if let Some(found) = PlainMd5::parse(text) {
            return found.map(Self::PlainMd5);
        }
        Err(HashFault::Unknown)
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        match self {
            Self::Argon2(hash) => super::argon2().verify_password(password, &**hash).is_ok(),
            Self::Bcrypt(hash) => hash.verify(password),
            Self::Phpass(hash) => hash.verify(password),
            Self::PlainMd5(hash) => hash.verify(password),
        }
    }

    /// Whether a check takes so much less than ours that its time would tell.
    pub(super) fn is_quick(&self) -> bool {
        matches!(self, Self::Phpass(_) | Self::PlainMd5(_))
    }

    /// Whether it resists guessing as well as what Dragoman makes itself.
    pub(super) fn is_current(&self) -> bool {
        let Self::Argon2(hash) = self else {
            return false;
        };
        let ours = u64::from(MEMORY_KIB) * u64::from(PASSES);
        hash.algorithm == Ident::from(Algorithm::Argon2id)
            && Params::try_from(&**hash).is_ok_and(|params| work(&params) >= ours)
    }
}

fn argon2(text: &str) -> Result<Phc, HashFault> {
    let malformed = HashFault::Malformed("argon2");
    let hash = Phc::new(text).map_err(|_| malformed)?;
    let is_complete = hash.salt.is_some() && hash.hash.is_some();
    let params = Params::try_from(&hash).map_err(|_| malformed)?;
    Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| malformed)?;
    if !is_complete {
        return Err(malformed);
    }
    if params.m_cost() > MOST_MEMORY || work(&params) > MOST_WORK {
        return Err(HashFault::TooCostly);
    }
    Ok(hash)
}

fn work(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}
