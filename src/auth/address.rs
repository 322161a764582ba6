//! Addresses as text, for the most part without the machinery of formatting: every request needs it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// An address, which displays as ever.
#[derive(Clone, Copy, Debug)]
pub struct Address(pub IpAddr);

impl Address {
    /// Writes it somewhere.
    pub fn write(self, to: &mut impl fmt::Write) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write_v4(address, to),
            IpAddr::V6(address) => write!(to, "{address}"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

fn write_v4(address: Ipv4Addr, to: &mut impl fmt::Write) -> fmt::Result {
    let mut room = [b'.'; "255.255.255.255".len()];
    let mut places = room.iter_mut();
    let mut length = 0;
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            places.next();
            length += 1;
        }
        let digits = [octet / 100, octet / 10 % 10, octet % 10];
        let zeros = digits.iter().take(2).take_while(|&&digit| digit == 0);
        let digits = digits.iter().skip(zeros.count());
        for (digit, place) in digits.zip(&mut places) {
            *place = b'0' + digit;
            length += 1;
        }
    }
    let text = room.get(..length).unwrap_or_default();
    to.write_str(str::from_utf8(text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_it_displays() {
        let all = (0..=255).flat_map(|octet: u8| {
            [
                IpAddr::from([octet, 0, 10, 255]),
                IpAddr::from([9, 100, 99, octet]),
            ]
        });
        for address in all.chain(["::1".parse().unwrap(), "2001:db8::1:0".parse().unwrap()]) {
            assert_eq!(Address(address).to_string(), address.to_string());
        }
    }
}
