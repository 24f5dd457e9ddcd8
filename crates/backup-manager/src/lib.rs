//! What a desktop backup app knows: which service it talks to, what its window shows, what it can be asked to do, and
//! when to notify. No GUI toolkit and no HTTP: the service is reached through [`Api`] alone.

mod view;

pub use view::{
    BackupRow, Connection, ConnectionStatus, FoundService, Intent, ServiceKind, Summary,
    SummaryCode, Target, Tone, View,
};
mod manager;
pub use manager::Manager;
