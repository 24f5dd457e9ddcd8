//! A service that follows a script: it answers each request with bytes, silence, a cut connection or a WebSocket, and
//! remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backup_api::{Backup, BackupStatus, BackupStreamedProgress, BackupsStreamedProgress, Status};
use backup_client::{Client, Timeouts};
use futures::SinkExt;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

/// Time enough to fail by, where a test is about a time that runs out.
pub const SHORT: Duration = Duration::from_millis(300);

/// One thing that a service does with a connection. After the last it closes it.
#[derive(Clone, Debug)]
pub enum Act {
    Send(Vec<u8>),
    /// The same bytes, for as long as the client takes them.
    Endless(Vec<u8>),
    /// Nothing more, until the client goes.
    Stall,
    /// The connection is reset, not closed.
    Reset,
    /// The upgrade, these texts, and then silence or the end.
    Socket(Vec<String>, After),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    Close,
    Cut,
    Reset,
    Stall,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `POST /backups/create`.
    pub what: String,
    pub head: String,
    /// How often the same was asked before.
    pub before: usize,
}

type Script = dyn Fn(&Asked) -> Vec<Act> + Send + Sync;

/// A running scripted service; it ends, with all its connections, when this is dropped.
pub struct Scripted {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    news: Arc<tokio::sync::Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scripted {
    pub async fn start(script: impl Fn(&Asked) -> Vec<Act> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, news) = (Arc::default(), Arc::default());
        let play = Play {
            script: Arc::new(script),
            asked: Arc::clone(&asked),
            news: Arc::clone(&news),
        };
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(play.clone().perform(stream));
            }
        });
        Self {
            address,
            asked,
            news,
            task,
        }
    }

    /// A client that waits as long as the tests do, but where the test says otherwise.
    pub fn client(&self, change: impl FnOnce(&mut Timeouts)) -> Client {
        let mut timeouts = Timeouts {
            connect: super::PATIENCE,
            call: super::PATIENCE,
            cancel: super::PATIENCE,
            job: super::PATIENCE,
            stall: super::PATIENCE,
            poll: Duration::from_millis(5),
        };
        change(&mut timeouts);
        let address = format!("http://{}", self.address).parse().unwrap();
        Client::with_timeouts(address, Some("secret-token".into()), timeouts).unwrap()
    }

    pub fn asked(&self) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }

    /// What was asked, in order, each run of the same thing once.
    pub fn story(&self) -> Vec<String> {
        let mut story: Vec<String> = self.asked().into_iter().map(|asked| asked.what).collect();
        story.dedup();
        story
    }

    pub fn count(&self, what: &str) -> usize {
        let asked = self.asked();
        asked.iter().filter(|asked| asked.what == what).count()
    }

    /// Returns once this was asked.
    pub async fn until_asked(&self, what: &str) {
        super::in_time(async {
            loop {
                let news = self.news.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                if self.count(what) > 0 {
                    return;
                }
                news.await;
            }
        })
        .await;
    }
}

#[derive(Clone)]
struct Play {
    script: Arc<Script>,
    asked: Arc<Mutex<Vec<Asked>>>,
    news: Arc<tokio::sync::Notify>,
}

impl Play {
    async fn perform(self, mut stream: TcpStream) {
        let Some(head) = read_head(&mut stream).await else {
            return;
        };
        let what = head.split(" HTTP/").next().unwrap_or_default().to_owned();
        let asked = {
            let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let before = all.iter().filter(|asked| asked.what == what).count();
            let head = head.clone();
            all.push(Asked { what, head, before });
            all[all.len() - 1].clone()
        };
        self.news.notify_waiters();
        for act in (self.script)(&asked) {
            let gone = match act {
                Act::Send(bytes) => stream.write_all(&bytes).await.is_err(),
                Act::Endless(bytes) => loop {
                    if stream.write_all(&bytes).await.is_err() {
                        break true;
                    }
                },
                Act::Stall => {
                    until_gone(&mut stream).await;
                    true
                }
                Act::Reset => {
                    stream.set_zero_linger().unwrap();
                    true
                }
                Act::Socket(texts, after) => return socket(head, stream, texts, after).await,
            };
            if gone {
                return;
            }
        }
    }
}

/// To the end of the head. The bodies that clients send do not matter here.
async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

async fn until_gone(stream: &mut TcpStream) {
    let mut rest = [0; 1024];
    while !matches!(stream.read(&mut rest).await, Ok(0) | Err(_)) {}
}

async fn socket(head: String, stream: TcpStream, texts: Vec<String>, after: After) {
    if after == After::Reset {
        stream.set_zero_linger().unwrap();
    }
    let (read, write) = stream.into_split();
    let whole = tokio::io::join(std::io::Cursor::new(head.into_bytes()).chain(read), write);
    let Ok(mut socket) = tokio_tungstenite::accept_async(whole).await else {
        return;
    };
    for text in texts {
        if socket.send(Message::Text(text.into())).await.is_err() {
            return;
        }
    }
    match after {
        After::Cut | After::Reset => (),
        After::Close => drop(socket.close(None).await),
        After::Stall => while let Some(Ok(_)) = futures::StreamExt::next(&mut socket).await {},
    }
}

/// A whole answer.
pub fn answer(status: u16, kind: &str, body: impl AsRef<[u8]>) -> Vec<Act> {
    headed(status, kind, "", body)
}

/// A whole answer with further header lines.
pub fn headed(status: u16, kind: &str, lines: &str, body: impl AsRef<[u8]>) -> Vec<Act> {
    let body = body.as_ref();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{lines}\r\n"
    );
    vec![Act::Send([head.as_bytes(), body].concat())]
}

pub fn json(value: &impl Serialize) -> Vec<Act> {
    answer(200, "application/json", serde_json::to_vec(value).unwrap())
}

pub fn empty() -> Vec<Act> {
    vec![Act::Send(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())]
}

/// The head of a stream, as a chunked answer.
pub fn stream_head(kind: &str) -> Act {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n");
    Act::Send(head.into_bytes())
}

pub fn chunk(bytes: impl AsRef<[u8]>) -> Act {
    let bytes = bytes.as_ref();
    let length = format!("{:x}\r\n", bytes.len());
    Act::Send([length.as_bytes(), bytes, b"\r\n"].concat())
}

/// The proper end of a chunked answer.
pub fn end() -> Act {
    Act::Send(b"0\r\n\r\n".to_vec())
}

/// A backup of another service, with a name that has characters of every length.
pub fn backup(id: &str) -> Backup {
    serde_json::from_value(serde_json::json!({
        "id": id, "version": "11.3.0", "timestamp": "1730000000000", "bytes": 5_100_000_000.0,
        "device_name": "ThinkPad é€😀 {\"}]", "platform": "LINUX", "created": {"value": "2024-10-27T03:33:20Z"},
    }))
    .unwrap()
}

pub fn step(id: &str, status: Status, percentage: f64) -> BackupStreamedProgress {
    BackupStreamedProgress {
        schema: None,
        backup: Some(backup(id)),
        status: Some(status),
        percentage: Some(percentage),
    }
}

pub fn line(step: &BackupStreamedProgress) -> String {
    serde_json::to_string(step).unwrap() + "\n"
}

pub fn status(id: &str, value: Status, percentage: f64) -> BackupStatus {
    BackupStatus {
        schema: None,
        backup: backup(id),
        value: Some(value),
        percentage: Some(percentage),
    }
}

/// A message of the socket that shows all jobs.
pub fn creations(steps: &[BackupStreamedProgress]) -> String {
    serde_json::to_string(&BackupsStreamedProgress {
        schema: None,
        backups: Some(steps.to_vec()),
        restorations: Some(vec![]),
    })
    .unwrap()
}

/// The same for restores.
pub fn restorations(steps: &[BackupStreamedProgress]) -> String {
    serde_json::to_string(&BackupsStreamedProgress {
        schema: None,
        backups: Some(vec![]),
        restorations: Some(steps.to_vec()),
    })
    .unwrap()
}
