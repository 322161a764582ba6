//! Why there is no control socket.

use std::io;
use std::path::{Path, PathBuf};

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process answers there.
    #[error("another gateway answers at {0}: stop it, or choose another path")]
    InUse(PathBuf),
    /// Something else has the name.
    #[error("{0} is there and is no socket: choose another path")]
    NoSocket(PathBuf),
    /// The path does not work.
    #[error("cannot make a socket at {path}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl BindError {
    pub(super) fn new(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match () {
            () if source.kind() == io::ErrorKind::AddrInUse => Self::InUse(path),
            () if source.kind() == io::ErrorKind::AlreadyExists => Self::NoSocket(path),
            () => Self::Io { path, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use tokio::net::UnixSocket;
    use tokio::runtime::Handle;

    use super::super::Control;
    use super::*;
    use crate::server::Address;

    #[tokio::test]
    async fn a_path_that_another_has_is_told_from_one_that_does_not_work() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        let control = Control::bind(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let refused = Control::bind(&path).unwrap_err();
        assert!(matches!(refused, BindError::InUse(_)), "{refused:?}");
        drop(control);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        fs::write(&path, "notes").unwrap();
        let refused = Control::bind(&path).unwrap_err();
        assert!(matches!(refused, BindError::NoSocket(_)), "{refused:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "notes");
        let refused = Control::bind(&directory.path().join("none/s")).unwrap_err();
        assert!(matches!(refused, BindError::Io { .. }), "{refused:?}");
    }

    #[tokio::test]
    async fn a_gateway_that_is_too_busy_to_accept_is_left_alone_without_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        let other = UnixSocket::new_stream().unwrap();
        other.bind(&path).unwrap();
        let _other = other.listen(0).unwrap();
        let _waiting = std::os::unix::net::UnixStream::connect(&path).unwrap();
        let (told, answer) = mpsc::channel();
        let runtime = Handle::current();
        thread::spawn(move || {
            let _runtime = runtime.enter();
            told.send(Control::bind(&path).map(drop))
        });
        let refused = answer.recv_timeout(Duration::from_secs(5));
        let refused = refused.expect("the start hangs").unwrap_err();
        assert!(matches!(refused, BindError::InUse(_)), "{refused:?}");
    }

    #[tokio::test]
    async fn the_longest_path_that_a_socket_may_have_works() {
        let directory = tempfile::tempdir().unwrap();
        let rest = Address::LONGEST_PATH - directory.path().as_os_str().len() - "//s".len();
        let folder = directory.path().join("d".repeat(rest));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("s");
        let _control = Control::bind(&path).unwrap();
        assert!(path.exists());
    }
}
