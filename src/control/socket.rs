//! A Unix socket for one user, at a path where an old one may be left.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// A listening socket. Its file is removed at the end, unless another has taken its place.
#[derive(Debug)]
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    file: (u64, u64),
}

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

impl Socket {
    /// Binds in a directory that nobody else can enter, and moves the socket to its place once it has
    /// its mode: there is no moment in which another user could connect.
    pub(super) fn bind(path: &Path) -> Result<Self, BindError> {
        let failed = |source| BindError::Io {
            path: path.to_owned(),
            source,
        };
        make_room(path)?;
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let private = parent.join(format!(".c{}", std::process::id()));
        // A process of the same number may have been killed in here.
        drop(fs::remove_dir_all(&private));
        DirBuilder::new()
            .mode(0o700)
            .create(&private)
            .map_err(failed)?;
        let bound = bind_in(&private, path);
        drop(fs::remove_dir_all(&private));
        let (listener, file) = bound.map_err(failed)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            file,
        })
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if file_at(&self.path).is_ok_and(|file| file == self.file) {
            // Nobody is left to be told; the next start replaces it.
            drop(fs::remove_file(&self.path));
        }
    }
}

fn bind_in(private: &Path, path: &Path) -> io::Result<(UnixListener, (u64, u64))> {
    let made = private.join("s");
    let listener = UnixListener::bind(&made)?;
    fs::set_permissions(&made, Permissions::from_mode(0o600))?;
    let file = file_at(&made)?;
    fs::rename(&made, path)?;
    Ok((listener, file))
}

/// Refuses a path at which something is that is in use. A socket of a process that is gone is not.
fn make_room(path: &Path) -> Result<(), BindError> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(BindError::NoSocket(path.to_owned()));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(_) | Err(_) => Err(BindError::InUse(path.to_owned())),
    }
}

fn file_at(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn a_socket_is_for_its_user_only_and_gone_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        let socket = Socket::bind(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        let (accepted, connected) = tokio::join!(socket.accept(), UnixStream::connect(&path));
        assert!(accepted.is_ok() && connected.is_ok());
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_and_a_file_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let private = format!(".c{}", std::process::id());
        fs::create_dir(directory.path().join(private)).unwrap();
        let socket = Socket::bind(&path).unwrap();
        let refused = Socket::bind(&path).unwrap_err();
        assert!(matches!(refused, BindError::InUse(_)), "{refused:?}");
        drop(socket);
        fs::write(&path, "notes").unwrap();
        let refused = Socket::bind(&path).unwrap_err();
        assert!(matches!(refused, BindError::NoSocket(_)), "{refused:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "notes");
    }

    #[tokio::test]
    async fn a_socket_that_another_has_replaced_is_not_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        let first = Socket::bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let second = Socket::bind(&path).unwrap();
        drop(first);
        assert!(path.exists());
        drop(second);
        assert!(!path.exists());
    }
}
