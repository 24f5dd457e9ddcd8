//! What a desktop backup app knows: which service it talks to, what its window shows, what it can be asked to do, and
//! when to notify. No GUI toolkit; the service is reached through [`Api`] alone, and only `http.rs` speaks HTTP.

mod api;
mod contents;
mod desk;
mod http;
mod line;
mod manager;
mod notices;
mod plain;
mod problem;
mod reports;
#[cfg(test)]
mod samples;
mod session;
mod start;
mod state;
mod summary;
mod throttle;
mod view;

pub use api::{Answer, Api, Connector, Extensions, Service, Updates};
pub use desk::Timings;
pub use http::{HttpConnector, OwnService};
pub use manager::Manager;
pub use notices::{Button, Notice, NoticeKind, Reaction, Subject};
pub use view::{
    BackupRow, Connection, ConnectionStatus, FoundService, Intent, ServiceKind, Summary,
    SummaryCode, Target, Tone, View,
};
