//! nginx and `HAProxy` of Debian, as processes of their own.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A running proxy or web server; ended when dropped.
pub(crate) struct FrontProxy {
    child: Child,
    pub(crate) address: SocketAddr,
    directory: TempDir,
}

impl FrontProxy {
    /// nginx with this in its one server.
    pub(crate) fn nginx(server: &str) -> Self {
        Self::start("nginx", |address, directory| {
            let at = directory.display();
            let text = format!(
                "daemon off; user root; worker_processes 1; pid {at}/pid; error_log {at}/error.log;\n\
                 events {{ worker_connections 512; }}\n\
                 http {{ access_log off; client_max_body_size 0;\n\
                 client_body_temp_path {at}/body; proxy_temp_path {at}/proxy;\n\
                 fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;\n\
                 server {{ listen {address}; root {at}/site; {server} }} }}\n"
            );
            let file = directory.join("nginx.conf");
            fs::create_dir(directory.join("site")).unwrap();
            fs::write(&file, text).unwrap();
            let mut command = Command::new("/usr/sbin/nginx");
            command.arg("-p").arg(directory).arg("-c").arg(file);
            command
        })
    }

    /// `HAProxy` before that server.
    pub(crate) fn haproxy(upstream: SocketAddr) -> Self {
        Self::start("haproxy", |address, directory| {
            let text = format!(
                "defaults\n mode http\n timeout connect 2s\n timeout client 2s\n timeout server 2s\n\
                 frontend f\n bind {address}\n default_backend b\n\
                 backend b\n server s {upstream}\n"
            );
            let file = directory.join("haproxy.cfg");
            fs::write(&file, text).unwrap();
            let mut command = Command::new("/usr/sbin/haproxy");
            command.arg("-db").arg("-f").arg(file);
            command
        })
    }

    fn start(name: &str, set_up: impl FnOnce(SocketAddr, &Path) -> Command) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // Neither takes port 0. No other test listens on this host.
        let free = TcpListener::bind("127.0.78.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let child = set_up(address, directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} is installed by tests/run: {error}"));
        let started = Self {
            child,
            address,
            directory,
        };
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < until, "{name} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        started
    }
}

impl FrontProxy {
    /// Where nginx finds what it serves.
    pub(crate) fn site(&self) -> PathBuf {
        self.directory.path().join("site")
    }
}

impl Drop for FrontProxy {
    fn drop(&mut self) {
        // Asked first: nginx has workers that outlive a master that is killed.
        let id = self.child.id().to_string();
        drop(Command::new("kill").args(["-s", "TERM", &id]).status());
        drop(self.child.wait());
    }
}
