//! `server.listen`: addresses of TCP, for TLS too, and Unix sockets with the permissions of their files.

use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::server::Address;

/// Where to listen: `"127.0.0.1:8080"`, `"[::1]:8080"`, `"https://0.0.0.0:443"` or
/// `"unix:/path/of/socket"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Listen {
    Tcp(SocketAddr),
    Tls(SocketAddr),
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || {
            format!(
                "{text:?} is no address: write IP:PORT, e.g. \"127.0.0.1:8080\" or \"[::1]:8080\", \
                 \"https://IP:PORT\" for TLS, or \"unix:/SOCKET\""
            )
        };
        if let Some(address) = text.strip_prefix("https://") {
            return address.parse().map(Self::Tls).map_err(|_| fault());
        }
        let Some(path) = text.strip_prefix("unix:") else {
            return text.parse().map(Self::Tcp).map_err(|_| fault());
        };
        let path = Path::new(path);
        if !path.is_absolute() || path.file_name().is_none() {
            return Err(format!(
                "{text:?} names no socket: write \"unix:\" and an absolute path"
            ));
        }
        if path.as_os_str().as_bytes().len() > Address::LONGEST_PATH {
            return Err(format!(
                "{text:?} is too long: a path of a socket has at most {} bytes",
                Address::LONGEST_PATH
            ));
        }
        Ok(Self::Unix(path.to_owned()))
    }
}

impl Listen {
    /// The address, with these permissions where it is a file.
    pub(super) fn build(self, mode: Mode) -> Address {
        match self {
            Self::Tcp(address) => Address::Tcp(address),
            Self::Tls(address) => Address::Tls(address),
            Self::Unix(path) => Address::Unix { path, mode: mode.0 },
        }
    }
}

/// Permissions as `chmod` writes them: `"660"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode(pub(super) u32);

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_written =
            (3..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let mode = u32::from_str_radix(text, 8).ok();
        match mode.filter(|mode| is_written && *mode <= 0o777) {
            Some(mode) => Ok(Self(mode)),
            None => Err(format!(
                "{text:?} are no permissions: write three digits as for chmod, e.g. \"660\""
            )),
        }
    }
}

/// From a text only: TOML reads `0o660` as the number 432.
impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_tcp_or_a_socket_with_its_whole_path() {
        let socket = "unix:/run/dragoman/dragoman.sock";
        let path = PathBuf::from("/run/dragoman/dragoman.sock");
        assert_eq!(socket.parse(), Ok(Listen::Unix(path)));
        let tcp = SocketAddr::from(([127, 0, 0, 1], 8080));
        assert_eq!("127.0.0.1:8080".parse(), Ok(Listen::Tcp(tcp)));
        assert_eq!("https://127.0.0.1:8080".parse(), Ok(Listen::Tls(tcp)));
        let longest = format!("unix:/{}", "s".repeat(Address::LONGEST_PATH - 1));
        assert!(longest.parse::<Listen>().is_ok());
        let longer = format!("{longest}s");
        for text in [
            "",
            "8080",
            "https://",
            "https://a.example:443",
            "http://127.0.0.1:80",
            "unix:",
            "unix:/",
            "unix:run/socket",
            &longer,
        ] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }

    #[test]
    fn permissions_are_three_octal_digits() {
        assert_eq!("660".parse(), Ok(Mode(0o660)));
        assert_eq!("0600".parse(), Ok(Mode(0o600)));
        for text in ["", "6", "66", "668", "1777", "+66", "0o660", "rw-rw----"] {
            assert!(text.parse::<Mode>().is_err(), "{text}");
        }
    }
}
