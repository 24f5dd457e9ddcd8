//! The service behind the Backup API: routes, who may call them, and jobs, over an engine that does the work.

mod access;
mod answer;
mod assets;
mod backups;
mod bad_input;
mod bind;
mod convert;
mod creation;
mod error;
mod extensions;
mod id;
mod jobs;
mod look;
mod openapi;
mod overview;
mod query;
mod restoration;
mod routes;
mod serve;
mod service_file;
mod state;
mod streams;
mod tasks;
mod timed_stream;
#[cfg(test)]
mod trial;
mod websocket;

use std::path::PathBuf;

pub use bind::bind;
pub use openapi::openapi;
pub use serve::{ServeError, Stop, serve, serve_until};

/// How a service treats its callers, and where it says that it is there.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    /// Programs without the token may read, and create backups.
    pub allow_clients: bool,
    /// Programs without the token may also restore, delete and upload.
    pub unattended: bool,
    /// Where `service.json` is written.
    pub data_dir: PathBuf,
}
