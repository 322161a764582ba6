//! A socket that connections come from.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::address::ON_A_UNIX_SOCKET;
use super::socket_file::SocketFile;
use super::stream::Stream;

/// A socket that is bound and listens.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

impl Socket {
    /// The next connection, and whom it counts as.
    pub(super) async fn accept(&self) -> io::Result<(Stream, SocketAddr)> {
        match self {
            Self::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                // An IPv4 client of a dual-stack socket is known by its IPv4 address.
                let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                Ok((Stream::Tcp(stream), peer))
            }
            Self::Unix(socket, _) => {
                let (stream, _) = socket.accept().await?;
                Ok((Stream::Unix(stream), ON_A_UNIX_SOCKET))
            }
        }
    }

    /// Closes it: what waits in its backlog. Nobody finds the file of a Unix socket by then.
    pub(super) fn close(self) -> Vec<(Stream, SocketAddr)> {
        let mut waiting = Vec::new();
        match self {
            Self::Tcp(socket) => {
                let Ok(socket) = socket.into_std() else {
                    return waiting;
                };
                while let Ok((stream, peer)) = socket.accept() {
                    let stream = stream.set_nonblocking(true).map(|()| stream);
                    if let Ok(stream) = stream.and_then(TcpStream::from_std) {
                        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                        waiting.push((Stream::Tcp(stream), peer));
                    }
                }
            }
            Self::Unix(socket, file) => {
                drop(file);
                let Ok(socket) = socket.into_std() else {
                    return waiting;
                };
                while let Ok((stream, _)) = socket.accept() {
                    let stream = stream.set_nonblocking(true).map(|()| stream);
                    if let Ok(stream) = stream.and_then(UnixStream::from_std) {
                        waiting.push((Stream::Unix(stream), ON_A_UNIX_SOCKET));
                    }
                }
            }
        }
        waiting
    }
}
