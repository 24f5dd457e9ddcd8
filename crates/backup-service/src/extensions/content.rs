//! What is in one file of a backup, as a stream. It is proven piece by piece on its way; where a piece is not what was
//! stored, the stream breaks off, and does not end like a whole one.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backup_api::Problem;
use backup_engine::{Error, Watch};
use futures::{Stream, StreamExt, TryStreamExt};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::backup_id;
use crate::bad_input;
use crate::error::{ApiError, JsonError};
use crate::id::Id;
use crate::look::Waiting;
use crate::query::Query;
use crate::state::App;
use crate::tasks::Tasks;

/// What is sent at a time, in bytes.
const PIECE: usize = 64 * 1024;
/// Pieces that wait for a slow reader.
const QUEUED: usize = 4;

#[derive(Deserialize)]
pub(crate) struct File {
    path: String,
}

/// `None` is the end: without it, what was read is not all there is.
type Piece = Result<Option<Bytes>, ApiError>;

/// What comes, for whoever waits for it.
struct Pieces {
    pieces: mpsc::Receiver<Piece>,
    /// Reading ends where this is dropped, also before the first piece.
    _waiting: Waiting,
}

/// The bytes of one file, or of one item of the library.
#[utoipa::path(get, path = "/holdfast/backups/{backup}/content", tag = "holdfast",
    params(("backup" = String, Path, description = "id of the backup"),
           ("path" = String, Query, description = "as an entry has it")),
    responses((status = 200, description = "The bytes. An error on the way breaks the connection off",
               body = Vec<u8>, content_type = "application/octet-stream"),
              (status = 400, body = Problem), (status = 404, body = Problem), (status = 500, body = Problem),
              (status = 503, description = "Too many are read at this moment", body = Problem),
              (status = 505, body = Problem), (status = 511, body = Problem)))]
pub(crate) async fn content(
    State(app): State<App>,
    Id(id): Id,
    Query(asked): Query<File>,
) -> Result<Response, JsonError> {
    let id = backup_id(&id)?;
    let path = asked?.path;
    bad_input::path(&path)?;
    let place = app.place_for_read().ok_or_else(too_many)?;
    let name = disposition(&path);
    let read = {
        let engine = app.engine().clone();
        move |into: &mut dyn Write, watch: &Watch| engine.read(&id, &path, into, watch)
    };
    let mut pieces = begin(app.tasks(), place, read);
    // Read before the status is sent, so that what cannot be read at all is an error and not an empty file.
    let first = next(&mut pieces).await?;
    let body = Body::from_stream(
        rest(first, pieces).map_err(|error| io::Error::other(error.problem().message)),
    );
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (header::CONTENT_DISPOSITION, name),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, body).into_response())
}

/// Reads on a thread that may wait. It ends when all is read, or when nobody takes it any more.
fn begin(
    tasks: &Tasks,
    place: impl Send + 'static,
    read: impl FnOnce(&mut dyn Write, &Watch) -> Result<(), Error> + Send + 'static,
) -> Pieces {
    let (sender, pieces) = mpsc::channel(QUEUED);
    let (waiting, watch) = Waiting::new();
    tasks.spawn_blocking(move || {
        let mut sink = Sink {
            piece: Vec::with_capacity(PIECE),
            sender,
        };
        let read = read(&mut sink, &watch);
        let last = match read {
            // Where the last piece is not taken, neither is the end.
            Ok(()) if sink.flush().is_err() => return,
            Ok(()) => Ok(None),
            Err(error) => Err(ApiError::from(error)),
        };
        // Whoever is gone hears nothing of it.
        let _ = sink.sender.blocking_send(last);
        drop(place);
    });
    Pieces {
        pieces,
        _waiting: waiting,
    }
}

/// The next piece; `None` after the last.
async fn next(pieces: &mut Pieces) -> Piece {
    let broken = || ApiError::from(Error::Panicked("reading a file of a backup".into()));
    pieces.pieces.recv().await.unwrap_or_else(|| Err(broken()))
}

fn rest(
    first: Option<Bytes>,
    pieces: Pieces,
) -> impl Stream<Item = Result<Bytes, ApiError>> + Send {
    let ended = first.is_none();
    let following = futures::stream::try_unfold(pieces, move |mut pieces| async move {
        if ended {
            return Ok(None);
        }
        let piece = next(&mut pieces).await?;
        Ok(piece.map(|piece| (piece, pieces)))
    });
    futures::stream::iter(first.map(Ok)).chain(following)
}

/// Cuts what is written into pieces and hands them on.
struct Sink {
    piece: Vec<u8>,
    sender: mpsc::Sender<Piece>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..count]);
        if self.piece.len() == PIECE {
            self.flush()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let sent = self.sender.blocking_send(Ok(Some(piece.into())));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// How a browser or a script saves it: under its own name, and never shown in place.
fn disposition(path: &str) -> HeaderValue {
    let name = path.rsplit('/').next().unwrap_or(path);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let ascii: String = name
        .chars()
        .map(|letter| {
            let kept = u8::try_from(letter).is_ok_and(plain);
            if kept { letter } else { '_' }
        })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    let text = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

fn too_many() -> ApiError {
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too-many-reads",
        "Too many files are read from backups at this moment.",
        "Wait until some are done, then try again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What arrives of a file that is read in this way, and the code of the error that breaks it off.
    async fn arrives(
        read: impl FnOnce(&mut dyn Write, &Watch) -> Result<(), Error> + Send + 'static,
    ) -> (usize, Option<String>) {
        let mut pieces = begin(&Tasks::default(), (), read);
        let first = match next(&mut pieces).await {
            Ok(first) => first,
            Err(error) => return (0, Some(error.problem().code)),
        };
        let mut stream = Box::pin(rest(first, pieces));
        let mut count = 0;
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(piece) => count += piece.len(),
                Err(error) => return (count, Some(error.problem().code)),
            }
        }
        (count, None)
    }

    fn write(into: &mut dyn Write, count: usize) -> Result<(), Error> {
        let written = into.write_all(&vec![7; count]);
        written.map_err(|source| Error::Io {
            doing: "writing",
            source,
        })
    }

    #[tokio::test]
    async fn all_that_is_read_arrives_and_ends() {
        for count in [0, 1, PIECE - 1, PIECE, PIECE + 1, 20 * PIECE] {
            let arrived = arrives(move |into, _| write(into, count)).await;
            assert_eq!(arrived, (count, None));
        }
    }

    #[tokio::test]
    async fn an_error_or_a_break_down_on_the_way_never_ends_like_a_whole_file() {
        for count in [0, 1, PIECE, 20 * PIECE + 1] {
            let (arrived, code) = arrives(move |into, _| {
                write(into, count)?;
                Err(Error::Busy)
            })
            .await;
            assert!(arrived <= count);
            assert_eq!(code.as_deref(), Some("busy"), "after {count}");
            let (_, code) = arrives(move |into, _| {
                write(into, count)?;
                panic!("a fault");
            })
            .await;
            assert_eq!(code.as_deref(), Some("failed"), "after {count}");
        }
    }

    #[tokio::test]
    async fn a_reader_that_goes_ends_the_reading() {
        let (told, ended) = tokio::sync::oneshot::channel();
        let pieces = begin(&Tasks::default(), (), move |into, watch| {
            while write(into, PIECE).is_ok() {}
            told.send(watch.is_canceled()).unwrap();
            Ok(())
        });
        drop(pieces);
        assert!(ended.await.unwrap(), "the engine is not told to stop");
    }

    #[test]
    fn a_name_of_any_kind_is_a_name_and_nothing_else() {
        for (path, expected) in [
            ("a/b.txt", "filename=\"b.txt\"; filename*=UTF-8''b.txt"),
            (
                "a/ü\"\r\nX: y",
                "filename=\"____X__y\"; filename*=UTF-8''%C3%BC%22%0D%0AX%3A%20y",
            ),
            ("\\xff", "filename=\"_xff\"; filename*=UTF-8''%5Cxff"),
        ] {
            let value = disposition(path);
            assert_eq!(value.to_str().unwrap(), format!("attachment; {expected}"));
        }
    }
}
