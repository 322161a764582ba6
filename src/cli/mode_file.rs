//! Modes that routes were given, in a file beside the control socket: for a gateway without a store.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::failure::Failure;
use crate::route::Mode;
use crate::store::modes::GivenMode;

/// A file of JSON: a route's name → its `mode`, and what the configuration said `instead_of` it.
#[derive(Clone, Debug)]
pub(super) struct ModeFile(PathBuf);

impl ModeFile {
    /// The one that belongs to a control socket.
    pub(super) fn beside(socket: &Path) -> Self {
        let mut name = socket.as_os_str().to_owned();
        name.push(".modes");
        Self(name.into())
    }

    /// What is in it; nothing where it is not there.
    pub(super) fn read(&self) -> Result<Vec<GivenMode>, Failure> {
        let path = self.0.display();
        let text = match fs::read(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(|error| Failure::failed(&format!("cannot read {path}"), error))?,
        };
        let parsed: Option<Map<String, Value>> = serde_json::from_slice(&text).ok();
        let modes: Option<Vec<_>> = parsed.and_then(|map| {
            map.into_iter()
                .map(|(route, it)| given(route, &it))
                .collect()
        });
        modes.ok_or_else(|| {
            Failure::Failed(format!(
                "{path} has no modes of routes: remove it, and each route has the mode of the configuration"
            ))
        })
    }

    /// Puts these in the place of what is in it: all of them, or what was there stays.
    pub(super) fn write(&self, modes: &[GivenMode]) -> io::Result<()> {
        if modes.is_empty() {
            return match fs::remove_file(&self.0) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        let routes = modes.iter().map(|given| {
            let modes = json!({"mode": given.mode.name(), "instead_of": given.instead_of.name()});
            (given.route.clone(), modes)
        });
        let text = Value::Object(routes.collect()).to_string() + "\n";
        let mut next = self.0.clone().into_os_string();
        next.push(".next");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&next)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&next, &self.0)?;
        // The name is on the disk only then.
        let directory = self.0.parent().filter(|it| !it.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    }
}

fn given(route: String, value: &Value) -> Option<GivenMode> {
    let mode = |key: &str| Mode::from_name(value.get(key)?.as_str()?);
    Some(GivenMode {
        route,
        mode: mode("mode")?,
        instead_of: mode("instead_of")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_a_broken_file_is_no_empty_one() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("control.sock");
        let file = ModeFile::beside(&socket);
        assert_eq!(file.read().unwrap(), []);
        file.write(&[]).unwrap();
        let modes = ["api", "mail"].map(|route| GivenMode {
            route: route.to_owned(),
            mode: Mode::Bypass,
            instead_of: Mode::Observe,
        });
        file.write(&modes).unwrap();
        assert_eq!(file.read().unwrap(), modes);
        file.write(&[]).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        let path = directory.path().join("control.sock.modes");
        for broken in ["", "[]", r#"{"api":{"mode":"off","instead_of":"bypass"}}"#] {
            fs::write(&path, broken).unwrap();
            let Err(Failure::Failed(said)) = file.read() else {
                panic!("{broken:?} is read");
            };
            assert!(said.contains("control.sock.modes has no modes"), "{said}");
        }
    }
}
