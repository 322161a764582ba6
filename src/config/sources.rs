//! Where a configuration is read from, and the layers put on top of one another.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use figment::Figment;

use super::fault::{Fault, Faults};
use super::layer::{self, Layer};
use crate::secret::file::reason;

/// The shipped configuration: the reference of every option, and what is used without a file.
pub const BUILT_IN: &str = include_str!("../../routes.toml");
const BUILT_IN_NAME: &str = "routes.toml (built in)";
const USUAL_FILE: &str = "routes.toml";

/// Everything a configuration is made of. Nothing is read before [`load`](super::load).
#[derive(Clone)]
pub struct Sources {
    file: Option<PathBuf>,
    directory: PathBuf,
    environment: Vec<(OsString, OsString)>,
    flags: Vec<Layer>,
    secrets: bool,
}

/// The layers as one, and what faults and relative paths refer to.
pub(super) struct Merged {
    pub(super) figment: Figment,
    pub(super) file: String,
    pub(super) directory: PathBuf,
    /// Whether the files of secrets are read.
    pub(super) secrets: bool,
}

impl Sources {
    /// The named file, else `routes.toml` in the working directory, else the built-in copy; no
    /// environment and no flags.
    pub fn new(file: Option<PathBuf>) -> Self {
        Self {
            file,
            directory: PathBuf::new(),
            environment: Vec::new(),
            flags: Vec::new(),
            secrets: true,
        }
    }

    /// The same with the environment of this process.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        Self::new(file).with_environment(std::env::vars_os())
    }

    /// Looks for `routes.toml` there instead of in the working directory.
    #[must_use]
    pub fn in_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = directory.into();
        self
    }

    /// Reads `DRAGOMAN__SECTION__KEY` from these variables.
    #[must_use]
    pub fn with_environment<N, V>(mut self, variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let variables = variables.into_iter();
        self.environment = variables
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        self
    }

    /// Sets the option at `path` over file and environment; faults name the flag.
    #[must_use]
    pub fn with_flag(mut self, flag: &str, path: [&str; 2], value: String) -> Self {
        self.flags.push(Layer::single(flag, &path, value));
        self
    }

    /// Reads no file with a secret. Such a configuration is good for being checked only.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        self.secrets = false;
        self
    }

    pub(super) fn merge(&self, faults: &mut Faults) -> Result<Merged, Fault> {
        let file = self.read()?;
        let layer = Layer::from_toml(&file.name, &file.text)?;
        let mut figment = Figment::new();
        // A file without routes serves the shipped ones; a file with routes serves no others.
        if !layer.contains("routes") {
            figment = figment.merge(Layer::from_toml(BUILT_IN_NAME, BUILT_IN)?.only("routes"));
        }
        figment = figment.merge(layer);
        for variable in layer::from_environment(&self.environment, faults) {
            figment = figment.merge(variable);
        }
        for flag in &self.flags {
            figment = figment.merge(flag.clone());
        }
        Ok(Merged {
            figment,
            file: file.name,
            directory: file.directory,
            secrets: self.secrets,
        })
    }

    fn read(&self) -> Result<File, Fault> {
        if let Some(path) = &self.file {
            return File::read(path).map_err(|error| unreadable(path, &error));
        }
        let usual = self.directory.join(USUAL_FILE);
        match File::read(&usual) {
            Ok(file) => Ok(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(File {
                name: BUILT_IN_NAME.to_owned(),
                text: BUILT_IN.to_owned(),
                directory: self.directory.clone(),
            }),
            Err(error) => Err(unreadable(&usual, &error)),
        }
    }
}

/// Without the environment: there are secrets in it, ours and others'.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("file", &self.file)
            .field("directory", &self.directory)
            .field("flags", &self.flags)
            .finish_non_exhaustive()
    }
}

struct File {
    name: String,
    text: String,
    directory: PathBuf,
}

impl File {
    fn read(path: &Path) -> std::io::Result<Self> {
        Ok(Self {
            text: std::fs::read_to_string(path)?,
            name: path.display().to_string(),
            directory: path.parent().unwrap_or(Path::new("")).to_owned(),
        })
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    let message = format!("cannot read it: {}", reason(error));
    Fault::new(path.display().to_string(), "", message)
}
