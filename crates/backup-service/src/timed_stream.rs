//! A connection whose other end must begin to speak, and go on reading: a start or a write that waits too long is an error.
//! Nothing to write is no wait, so that a stream of progress may be silent for as long as nothing happens.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// The server looks at so many bytes for the version of HTTP, and times a head only after that.
const START: usize = 24;

pub(crate) struct TimedStream<S> {
    stream: S,
    start: Option<Start>,
    /// How long a write may wait.
    write_time: Duration,
    /// Runs while one does.
    waits: Option<Pin<Box<Sleep>>>,
}

struct Start {
    deadline: Pin<Box<Sleep>>,
    missing: usize,
}

impl<S: AsyncWrite + Unpin> TimedStream<S> {
    pub(crate) fn new(stream: S, start_time: Duration, write_time: Duration) -> Self {
        let deadline = Box::pin(tokio::time::sleep(start_time));
        let missing = START;
        Self {
            stream,
            start: Some(Start { deadline, missing }),
            write_time,
            waits: None,
        }
    }

    fn timed(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let written = write(Pin::new(&mut self.stream), context);
        if written.is_ready() {
            self.waits = None;
            return written;
        }
        let time = self.write_time;
        let waits = self
            .waits
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        let poll = waits.as_mut().poll(context);
        poll.map(|()| too_long("the client stopped reading"))
    }
}

fn too_long<T>(what: &str) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::TimedOut, what))
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.timed(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.timed(context, |stream, context| {
            stream.poll_write_vectored(context, slices)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let Some(start) = &mut self.start else {
            return read;
        };
        if read.is_pending() {
            let poll = start.deadline.as_mut().poll(context);
            return poll.map(|()| too_long("the client says nothing"));
        }
        start.missing = start.missing.saturating_sub(buffer.filled().len() - before);
        if start.missing == 0 {
            self.start = None;
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const TIME: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn a_write_that_nobody_reads_is_given_up() {
        let (ours, theirs) = tokio::io::duplex(16);
        let mut ours = TimedStream::new(ours, TIME, TIME);
        let given_up = tokio::time::timeout(TIME * 50, ours.write_all(&[0; 17])).await;
        let error = given_up.expect("it waits for ever").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(theirs);
    }

    #[tokio::test]
    async fn a_client_that_does_not_begin_is_given_up() {
        for said in ["", "PRI * HTTP/2.0"] {
            let (ours, mut theirs) = tokio::io::duplex(16);
            let mut ours = TimedStream::new(ours, TIME, TIME);
            theirs.write_all(said.as_bytes()).await.unwrap();
            let mut start = [0; START];
            let given_up = tokio::time::timeout(TIME * 50, ours.read_exact(&mut start)).await;
            let error = given_up.expect("it waits for ever").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
    }

    #[tokio::test]
    async fn a_connection_may_be_silent_for_longer_and_a_reader_slow() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let mut ours = TimedStream::new(ours, TIME, TIME);
        theirs.write_all(&[1; 16]).await.unwrap();
        let mut begun = [0; START];
        let (read, written) = tokio::join!(
            ours.read_exact(&mut begun),
            theirs.write_all(&[1; START - 16])
        );
        read.unwrap();
        written.unwrap();
        let silent = tokio::time::timeout(TIME * 3, ours.read_exact(&mut begun)).await;
        assert!(silent.is_err(), "{silent:?}");
        let writing = tokio::spawn(async move { ours.write_all(&[7; 16 * 12]).await });
        let mut read = [0; 16];
        for _ in 0..12 {
            // Each write waits, none of them for too long; together they take longer than one may.
            tokio::time::sleep(TIME / 4).await;
            theirs.read_exact(&mut read).await.unwrap();
            assert_eq!(read, [7; 16]);
        }
        writing.await.unwrap().unwrap();
    }
}
