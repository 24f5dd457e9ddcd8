//! A client of the Backup API: one method a route, streams decoded whatever their framing, time-outs everywhere.
//!
//! It knows neither a window nor a service's inside, and treats every service as one that may stall, lie or vanish.

mod browse;
mod calls;
mod cancel;
mod client;
mod decode;
mod error;
mod find;
mod holdfast;
mod jobs;
mod socket;
mod watched;

pub use cancel::Canceled;
pub use client::{Client, Timeouts};
pub use decode::{DecodeError, Decoder};
pub use error::ClientError;
pub use find::{Found, Kind, find_services, own_service};
pub use jobs::Followed;
pub use watched::Watched;

/// Addresses are part of this crate's interface.
pub use url::Url;
