//! How many connections there are, in all and of each source.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

use super::limits::Limits;

/// The connections of one listener.
#[derive(Debug)]
pub(super) struct Slots {
    total: usize,
    per_source: usize,
    count_loopback: bool,
    uncounted: Vec<IpNet>,
    taken: Mutex<Taken>,
}

/// The right to hold one connection open. Dropping it frees the slot.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    source: Option<IpAddr>,
}

/// Which cap refused a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    Total,
    Source,
}

impl Full {
    /// The cap in words.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Total => "the cap of all connections is reached",
            Self::Source => "the cap of its source is reached",
        }
    }
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_source: HashMap<IpAddr, usize>,
}

impl Slots {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            total: limits.connections,
            per_source: limits.connections_per_source,
            count_loopback: limits.count_loopback,
            uncounted: limits.uncounted.clone(),
            taken: Mutex::default(),
        }
    }

    /// Takes a slot for a connection from this address.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr) -> Result<Slot, Full> {
        let source = self.counted(peer);
        let mut taken = self.lock();
        if taken.total >= self.total {
            return Err(Full::Total);
        }
        if let Some(source) = source {
            taken.count(source, self.per_source)?;
        }
        taken.total += 1;
        drop(taken);
        Ok(Slot {
            slots: Arc::clone(self),
            source,
        })
    }

    /// What the address counts as, unless it is one that speaks for many.
    fn counted(&self, peer: IpAddr) -> Option<IpAddr> {
        let is_uncounted = (peer.is_loopback() && !self.count_loopback)
            || self.uncounted.iter().any(|network| network.contains(&peer));
        (!is_uncounted).then(|| source(peer))
    }

    /// Connections open now.
    pub(super) fn taken(&self) -> usize {
        self.lock().total
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// The connection turned out to come from this address, through the proxy that opened it.
    pub(super) fn assign(&mut self, address: IpAddr) -> Result<(), Full> {
        let source = self.slots.counted(address);
        let mut taken = self.slots.lock();
        if let Some(source) = source {
            taken.count(source, self.slots.per_source)?;
        }
        if let Some(before) = std::mem::replace(&mut self.source, source) {
            taken.free(before);
        }
        Ok(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.lock();
        taken.total = taken.total.saturating_sub(1);
        if let Some(source) = self.source {
            taken.free(source);
        }
    }
}

impl Taken {
    fn count(&mut self, source: IpAddr, most: usize) -> Result<(), Full> {
        let of_source = self.by_source.entry(source).or_default();
        if *of_source >= most {
            return Err(Full::Source);
        }
        *of_source += 1;
        Ok(())
    }

    fn free(&mut self, source: IpAddr) {
        if let Some(of_source) = self.by_source.get_mut(&source) {
            *of_source = of_source.saturating_sub(1);
            if *of_source == 0 {
                self.by_source.remove(&source);
            }
        }
    }
}

/// A single host commonly holds a whole IPv6 /64, so that is one source.
fn source(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => {
            let prefix = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(total: usize, per_source: usize) -> Arc<Slots> {
        Arc::new(Slots::new(&Limits {
            connections: total,
            connections_per_source: per_source,
            ..Limits::default()
        }))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_has_its_own_cap_and_a_dropped_slot_is_free_again() {
        let slots = slots(10, 2);
        let first = slots.take(address("192.0.2.1")).unwrap();
        let _second = slots.take(address("192.0.2.1")).unwrap();
        assert_eq!(slots.take(address("192.0.2.1")).unwrap_err(), Full::Source);
        let _other = slots.take(address("192.0.2.2")).unwrap();
        drop(first);
        assert!(slots.take(address("192.0.2.1")).is_ok());
        assert_eq!(slots.taken(), 2);
    }

    #[test]
    fn a_network_of_64_bits_is_one_source() {
        let slots = slots(10, 1);
        let _slot = slots.take(address("2001:db8::1")).unwrap();
        assert_eq!(
            slots.take(address("2001:db8::ffff:1")).unwrap_err(),
            Full::Source
        );
        assert!(slots.take(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn loopback_counts_in_all_but_not_as_a_source() {
        let slots = slots(2, 1);
        let _first = slots.take(address("127.0.0.1")).unwrap();
        let _second = slots.take(address("::1")).unwrap();
        assert_eq!(slots.take(address("127.0.0.1")).unwrap_err(), Full::Total);
    }

    #[test]
    fn a_trusted_proxy_is_no_source_and_whom_it_names_is_one() {
        let slots = Arc::new(Slots::new(&Limits {
            connections_per_source: 1,
            uncounted: vec!["10.0.0.0/8".parse().unwrap()],
            ..Limits::default()
        }));
        let mut first = slots.take(address("10.0.0.1")).unwrap();
        let mut second = slots.take(address("10.0.0.1")).unwrap();
        first.assign(address("192.0.2.1")).unwrap();
        let refused = second.assign(address("192.0.2.1"));
        assert_eq!(refused, Err(Full::Source));
        second.assign(address("192.0.2.2")).unwrap();
        second.assign(address("192.0.2.3")).unwrap();
        drop(first);
        assert_eq!(slots.lock().by_source.len(), 1);
        drop(second);
        assert!(slots.lock().by_source.is_empty());
        assert_eq!(slots.taken(), 0);
    }

    #[test]
    fn nothing_is_kept_of_a_source_that_left() {
        let slots = slots(2, 2);
        drop(slots.take(address("192.0.2.1")).unwrap());
        assert!(slots.lock().by_source.is_empty());
    }
}
