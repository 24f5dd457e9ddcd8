//! `ls`, `cat` and `diff`: what is in a backup. Pages are fetched one after the other and printed as they come.

use std::pin::pin;

use backup_client::{Client, ClientError};
use futures::StreamExt;
use serde::Serialize;

use super::write;
use crate::fail::{FAILED, Failure};
use crate::show;

pub async fn list(client: &Client, id: &str, path: &str, as_json: bool) -> Result<(), Failure> {
    let path = plain(path);
    let mut printer = Printer::new(as_json, "");
    let mut after = None;
    loop {
        let page = client.entries(id, &path, after.as_deref()).await?;
        let goes_on = printer.page(&page.items, show::entry)?;
        after = following(after, page.next)?;
        if after.is_none() || !goes_on {
            return printer.end();
        }
    }
}

/// The older one, and the newer.
pub async fn compare(
    client: &Client,
    (older, newer): (&str, &str),
    scope: &str,
    as_json: bool,
) -> Result<(), Failure> {
    let scope = plain(scope);
    let mut printer = Printer::new(as_json, "Nothing differs.\n");
    let mut after = None;
    loop {
        let page = client
            .compare(older, newer, &scope, after.as_deref())
            .await?;
        let goes_on = printer.page(&page.items, show::difference)?;
        after = following(after, page.next)?;
        if after.is_none() || !goes_on {
            return printer.end();
        }
    }
}

/// What was printed before an error is not the whole file, so the exit code counts.
pub async fn print_file(client: &Client, id: &str, path: &str) -> Result<(), Failure> {
    let mut pieces = pin!(client.content(id, &plain(path)).await?);
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| cut_off(&error))?;
        if !write(&piece)? {
            break;
        }
    }
    Ok(())
}

fn cut_off(error: &ClientError) -> Failure {
    tracing::info!(%error, "a file broke off");
    let message = "Reading it broke off: what was printed is not the whole file.";
    let fix = "See whether the backup is damaged with: holdfast verify --full ID";
    Failure::new(FAILED, error.code(), message, fix)
}

/// A path as a person writes it, who may complete it with a slash. The id of an item may end with one.
pub(super) fn plain(path: &str) -> String {
    match path.strip_prefix("library/") {
        Some(id) if !id.is_empty() => path.to_owned(),
        _ => path.trim_end_matches('/').to_owned(),
    }
}

/// Where the next page begins. Errors: a service that gives the same place twice would be asked for ever.
fn following(before: Option<String>, next: Option<String>) -> Result<Option<String>, Failure> {
    if next.is_some() && next == before {
        let message = "The service gives the same part of the list again and again.";
        return Err(Failure::new(FAILED, "garbled", message, "See its log."));
    }
    Ok(next)
}

/// Lines for a person, or one object `{"items":[…]}` for a script.
struct Printer {
    as_json: bool,
    /// What a person is told where there is nothing.
    nothing: &'static str,
    empty: bool,
    /// Nobody reads any more.
    closed: bool,
}

impl Printer {
    fn new(as_json: bool, nothing: &'static str) -> Self {
        Self {
            as_json,
            nothing,
            empty: true,
            closed: false,
        }
    }

    /// False: its reader has seen enough.
    fn page<T: Serialize>(
        &mut self,
        items: &[T],
        line: impl Fn(&T) -> String,
    ) -> Result<bool, Failure> {
        let mut text = String::new();
        for item in items {
            if self.as_json {
                text += if self.empty { "{\"items\":[" } else { "," };
                text += &serde_json::to_string(item).map_err(|error| Failure::internal(&error))?;
            } else {
                text += &line(item);
            }
            self.empty = false;
        }
        self.closed |= !write(text.as_bytes())?;
        Ok(!self.closed)
    }

    fn end(self) -> Result<(), Failure> {
        let text = match (self.as_json, self.empty) {
            (true, true) => "{\"items\":[]}\n",
            (true, false) => "]}\n",
            (false, true) => self.nothing,
            (false, false) => "",
        };
        if !self.closed {
            write(text.as_bytes())?;
        }
        Ok(())
    }
}
