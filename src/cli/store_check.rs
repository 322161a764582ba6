//! `dragoman store check`: what state the store is in.

use std::path::PathBuf;

use serde::Serialize;

use super::failure::Failure;
use super::{load, remark, say};
use crate::config::{Config, pepper};
use crate::store::sqlite::check::{Report, check};

/// Shows the state, and fails if there are faults.
pub(super) fn run(config: Option<PathBuf>, store: Option<&str>, json: bool) -> Result<(), Failure> {
    let config = load::with_store(config, store)?;
    let shown = Shown::of(&config)?;
    if json {
        let text = serde_json::to_string_pretty(&shown)
            .map_err(|error| Failure::failed("cannot write the report as JSON", error))?;
        say(&format!("{text}\n"))?;
    } else {
        say(&shown.text())?;
        for fault in &shown.faults {
            remark(fault);
        }
    }
    match shown.faults.len() {
        0 => Ok(()),
        1 => Err(Failure::Failed("the store has a fault".to_owned())),
        count => Err(Failure::Failed(format!("the store has {count} faults"))),
    }
}

/// What is shown of a store.
#[derive(Debug, Serialize)]
struct Shown {
    database: String,
    schema: Option<i64>,
    known_schema: i64,
    pages: u64,
    free_pages: u64,
    page_bytes: u64,
    log_bytes: u64,
    sqlite: &'static str,
    pepper: Pepper,
    faults: Vec<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Pepper {
    Present,
    Missing,
    Unusable,
}

impl Shown {
    fn of(config: &Config) -> Result<Self, Failure> {
        let database = &config.store.database;
        let report =
            check(database).map_err(|error| Failure::failed("the store cannot be read", error))?;
        let mut faults = report.faults();
        let pepper = match pepper::read(&config.auth.pepper_file, database) {
            Ok(Some(_)) => Pepper::Present,
            Ok(None) => Pepper::Missing,
            Err(error) => {
                let is_lost = matches!(error, pepper::PepperError::Lost { .. });
                faults.push(Failure::failed("auth.pepper_file", error).into_text());
                if is_lost {
                    Pepper::Missing
                } else {
                    Pepper::Unusable
                }
            }
        };
        let Report {
            database,
            contents,
            known_schema,
            log_bytes,
            sqlite,
        } = report;
        Ok(Self {
            database: database.display().to_string(),
            schema: contents.schema,
            known_schema,
            pages: contents.pages,
            free_pages: contents.free_pages,
            page_bytes: contents.page_bytes,
            log_bytes,
            sqlite,
            pepper,
            faults,
        })
    }

    fn text(&self) -> String {
        let schema = self
            .schema
            .map_or_else(|| "none".to_owned(), |schema| schema.to_string());
        let pepper = match self.pepper {
            Pepper::Present => "present",
            Pepper::Missing => "missing",
            Pepper::Unusable => "unusable",
        };
        format!(
            "{}: {}\n\
             schema      {schema}, {} is known\n\
             pages       {} of {} bytes, {} of them free\n\
             log         {} bytes\n\
             SQLite      {}\n\
             pepper      {pepper}\n",
            self.database,
            if self.faults.is_empty() {
                "no faults"
            } else {
                "faults"
            },
            self.known_schema,
            self.pages,
            self.page_bytes,
            self.free_pages,
            self.log_bytes,
            self.sqlite,
        )
    }
}
