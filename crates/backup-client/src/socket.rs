//! The WebSockets of the API that only watch.

use backup_api::{BackupsStreamedProgress, Overview, paths};
use futures::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::client::Client;
use crate::error::ClientError;

/// The largest message that is taken.
const MESSAGE_LIMIT: usize = 4 * 1024 * 1024;

impl Client {
    /// `GET /holdfast/overview/websocket`: the overview at once and on every change. Ends when the connection does;
    /// connecting again is the caller's.
    pub async fn watch_overview(
        &self,
    ) -> Result<impl Stream<Item = Result<Overview, ClientError>> + Send + use<>, ClientError> {
        self.socket(paths::OVERVIEW_WEBSOCKET).await
    }

    /// `GET /backups/streamed/progress`: every job in progress, at once and on every change.
    pub async fn watch_progress(
        &self,
    ) -> Result<
        impl Stream<Item = Result<BackupsStreamedProgress, ClientError>> + Send + use<>,
        ClientError,
    > {
        self.socket(paths::PROGRESS_WEBSOCKET).await
    }

    async fn socket<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = Result<T, ClientError>> + Send + use<T>, ClientError> {
        let mut url = self.url(&[path])?;
        let bad = || ClientError::BadAddress(self.address().to_string());
        url.set_scheme("ws").map_err(|()| bad())?;
        let mut request = url.as_str().into_client_request().map_err(explain)?;
        if let Some(token) = self.token() {
            let value = format!("Bearer {token}").parse().map_err(|_| bad())?;
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_LIMIT));
        let connecting = tokio_tungstenite::connect_async_with_config(request, Some(config), true);
        let limit = self.timeouts.call;
        let connected = tokio::time::timeout(limit, connecting)
            .await
            .map_err(|_| ClientError::TimedOut(limit))?;
        let (socket, _) = connected.map_err(explain)?;
        Ok(socket.filter_map(|message| std::future::ready(read(message))))
    }
}

/// Texts are values; pings and closing are the library's.
fn read<T: DeserializeOwned>(
    message: Result<Message, tungstenite::Error>,
) -> Option<Result<T, ClientError>> {
    match message {
        Ok(Message::Text(text)) => Some(
            serde_json::from_str(&text).map_err(|error| ClientError::Garbled(error.to_string())),
        ),
        Ok(_) => None,
        // Whoever was connected was reached.
        Err(error) => Some(Err(ClientError::Broken(error.to_string()))),
    }
}

fn explain(error: tungstenite::Error) -> ClientError {
    match error {
        tungstenite::Error::Http(response) => {
            let code = response
                .headers()
                .get("x-holdfast-code")
                .and_then(|code| code.to_str().ok());
            let text = response
                .body()
                .as_deref()
                .map(String::from_utf8_lossy)
                .unwrap_or_default();
            let status = reqwest::StatusCode::from_u16(response.status().as_u16());
            let status = status.unwrap_or(reqwest::StatusCode::INTERNAL_SERVER_ERROR);
            crate::error::refused(status, code.map(str::to_owned), &text)
        }
        tungstenite::Error::Io(error) => ClientError::Unreachable(error.to_string()),
        other => ClientError::Broken(other.to_string()),
    }
}
