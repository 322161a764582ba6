//! The file of a Unix socket: taken from nobody who still serves there, open to those only who may
//! connect, and removed at the end.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::net::{UnixListener, UnixSocket};

use super::path_lock::PathLock;

/// A file that this process has made. Dropping it removes it, unless another is in its place by then.
///
/// Who has the lock has the path. Without it two starts at once could each take the other's socket for
/// a stale one before it listens, and remove it.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// Let go of once the file is removed.
    _lock: PathLock,
}

impl SocketFile {
    /// Makes the file and listens on it. Never waits: [`io::ErrorKind::AddrInUse`] where somebody has
    /// the path, and [`io::ErrorKind::AlreadyExists`] where something else than a socket is.
    pub(crate) fn listen(path: &Path, mode: u32, backlog: u32) -> io::Result<(UnixListener, Self)> {
        let lock = PathLock::take(path).map_err(in_use)?;
        // The socket may also be another program's, which takes no lock.
        remove_stale(path)?;
        let socket = UnixSocket::new_stream()?;
        socket.bind(path)?;
        let found = fs::symlink_metadata(path)?;
        let file = Self {
            path: path.to_owned(),
            device: found.dev(),
            inode: found.ino(),
            _lock: lock,
        };
        // Nobody can connect before the socket listens, so nobody could whom the mode keeps out.
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        Ok((socket.listen(backlog)?, file))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let found = fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode)) {
            // What stays is a stale socket, which the next start removes.
            drop(fs::remove_file(&self.path));
        }
    }
}

fn in_use(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock {
        return io::ErrorKind::AddrInUse.into();
    }
    error
}

/// Removes the socket of a process that is gone. Anything else in its place is an error.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Ok(_) => {}
    }
    // Never waits: a queue that is full has somebody behind it too.
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match net::connect(socket, &SocketAddrUnix::new(path)?) {
        Err(Errno::CONNREFUSED) => fs::remove_file(path),
        Ok(()) | Err(Errno::AGAIN) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use tokio::runtime::Handle;

    use super::*;

    fn listen(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
        SocketFile::listen(path, 0o600, 16)
    }

    #[tokio::test]
    async fn the_file_has_its_mode_and_is_gone_in_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        for mode in [0o600, 0o660, 0o666] {
            let bound = SocketFile::listen(&path, mode, 16).unwrap();
            let found = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode);
            drop(bound);
            assert!(!path.exists());
        }
    }

    #[tokio::test]
    async fn a_socket_that_nobody_serves_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let _bound = listen(&path).unwrap();
    }

    fn refusal(path: &Path) -> io::ErrorKind {
        listen(path).unwrap_err().kind()
    }

    #[tokio::test]
    async fn a_socket_that_somebody_serves_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let own = listen(&path).unwrap();
        assert_eq!(refusal(&path), io::ErrorKind::AddrInUse);
        assert!(path.exists());
        drop(own);
        let _foreign = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert_eq!(refusal(&path), io::ErrorKind::AddrInUse);
        assert!(path.exists());
    }

    #[tokio::test]
    async fn a_socket_that_another_start_has_bound_and_does_not_listen_on_yet_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let _lock = PathLock::take(&path).unwrap();
        let other = UnixSocket::new_stream().unwrap();
        other.bind(&path).unwrap();
        assert_eq!(refusal(&path), io::ErrorKind::AddrInUse);
        let _listening = other.listen(16).unwrap();
        std::os::unix::net::UnixStream::connect(&path).unwrap();
    }

    #[tokio::test]
    async fn of_many_starts_at_once_one_listens_and_is_reached() {
        let directory = tempfile::tempdir().unwrap();
        let runtime = Handle::current();
        for round in 0..50 {
            let path = directory.path().join(round.to_string());
            drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
            let start = Barrier::new(4);
            let listening: Vec<_> = thread::scope(|scope| {
                let begin = || {
                    let _runtime = runtime.enter();
                    start.wait();
                    listen(&path)
                };
                let starts: Vec<_> = (0..4).map(|_| scope.spawn(begin)).collect();
                let ended = starts.into_iter().map(|start| start.join().unwrap());
                ended.filter_map(Result::ok).collect()
            });
            assert_eq!(listening.len(), 1, "round {round}");
            std::os::unix::net::UnixStream::connect(&path).unwrap();
        }
    }

    #[tokio::test]
    async fn a_socket_whose_queue_is_full_is_left_alone_without_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let foreign = UnixSocket::new_stream().unwrap();
        foreign.bind(&path).unwrap();
        let _foreign = foreign.listen(0).unwrap();
        let _waiting = std::os::unix::net::UnixStream::connect(&path).unwrap();
        assert_eq!(refusal(&path), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        fs::write(&path, "precious").unwrap();
        assert_eq!(refusal(&path), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[tokio::test]
    async fn a_file_that_another_has_put_in_its_place_is_left_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let bound = listen(&path).unwrap();
        // The old file is kept, so that its number is not given to the new one.
        fs::rename(&path, directory.path().join("moved")).unwrap();
        let _other = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(bound);
        assert!(path.exists());
    }
}
