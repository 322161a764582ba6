//! `dragoman keys rotate`: another secret for a key.

use super::arguments::RotateArguments;
use super::failure::Failure;
use super::key_times::shown;
use super::keys::{entry, hint, refuse_static, unknown_name};
use super::{remark, say, store};
use crate::auth::api_key;
use crate::clock::Clock;
use crate::config::Config;
use crate::journal::Act;
use crate::store::{KeyStore, Rotated, Rotation};

/// Makes the new secret and prints it.
pub(super) fn run(
    config: &Config,
    clock: &Clock,
    arguments: RotateArguments,
) -> Result<(), Failure> {
    let name = arguments.name;
    refuse_static(config, &name)?;
    let now = clock.now();
    let expires_at = arguments
        .expires
        .map(|expiry| expiry.after(now))
        .transpose()?;
    if matches!(config.store.database.try_exists(), Ok(false)) {
        return Err(unknown_name(&name));
    }
    let secret = api_key::generate(clock);
    let rotated = store::with(config, clock, async |pepper, store| {
        let rotation = Rotation {
            digest: pepper.digest(&secret),
            hint: hint(&secret),
            at: now,
            overlap_end: arguments.overlap.end(now),
            expires_at,
        };
        let entry = entry(config, now, Act::RotateKey);
        store.rotate_key(name.clone(), rotation, entry).await
    })?;
    match rotated {
        Rotated::Done { hint, until } => {
            say(&format!("{}\n", secret.reveal()))?;
            let before = if until > now {
                format!(
                    "works until {}",
                    shown(until).unwrap_or_else(|| "it is revoked".to_owned())
                )
            } else {
                "works no more".to_owned()
            };
            remark(&format!(
                "Key {name} has a new secret. It is shown this once only. The one before, …{hint}, {before}."
            ));
            Ok(())
        }
        Rotated::Unknown => Err(unknown_name(&name)),
        Rotated::Expired(end) => Err(Failure::Failed(format!(
            "the key {name} expired {}: say with --expires how long the new secret works",
            shown(end).unwrap_or_default()
        ))),
        Rotated::Overlapping(until) => Err(Failure::Failed(format!(
            "the key {name} has two secrets until {}: rotate it after that, or end both at once with --overlap 0s",
            shown(until).unwrap_or_default()
        ))),
    }
}
