//! Where each call lives. Ids from another service are opaque, so they are percent-encoded, never parsed.

pub const HEALTH: &str = "/.well-known/health";
pub const VERSION: &str = "/.well-known/version";
pub const OPENAPI: &str = "/openapi.json";

pub const BACKUP: &str = "/backup";
pub const BACKUP_ASSET: &str = "/backup/asset";
pub const BACKUPS: &str = "/backups";
pub const CREATE: &str = "/backups/create";
pub const CREATE_STREAMED: &str = "/backups/create/streamed";
pub const CREATE_WEBSOCKET: &str = "/backups/create/streamed/websocket";
pub const PROGRESS_WEBSOCKET: &str = "/backups/streamed/progress";
pub const ASSETS: &str = "/assets";

pub const CAPABILITIES: &str = "/holdfast/capabilities";
pub const OVERVIEW: &str = "/holdfast/overview";
/// A WebSocket that sends an `Overview` whenever something in it changed.
pub const OVERVIEW_WEBSOCKET: &str = "/holdfast/overview/websocket";
pub const DETAILS: &str = "/holdfast/backups";
pub const SOURCES: &str = "/holdfast/sources";
pub const COMPARE: &str = "/holdfast/compare";
pub const VERIFY: &str = "/holdfast/verify";
pub const JOBS: &str = "/holdfast/jobs";
pub const UNDO: &str = "/holdfast/undo";
pub const PASSPHRASE: &str = "/holdfast/key/passphrase";
pub const IMPORT: &str = "/holdfast/library/import";
