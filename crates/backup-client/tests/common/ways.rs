//! One call of each way in which the client reads an answer.

use backup_client::{Client, ClientError};

use super::in_time;
use super::scripted::Scripted;

/// One call of each way in which an answer is read, and how each of them ended.
pub async fn every_way(client: &Client) -> Vec<ClientError> {
    let mut errors = vec![
        in_time(client.backups()).await.unwrap_err(),
        in_time(client.assets()).await.unwrap_err(),
        in_time(client.create()).await.unwrap_err(),
        in_time(client.undo()).await.unwrap_err(),
        in_time(client.import("{}")).await.unwrap_err(),
    ];
    errors.extend(every_head(client).await);
    errors
}

/// Those for which the head of an answer is enough.
async fn every_head(client: &Client) -> Vec<ClientError> {
    vec![
        in_time(client.delete("b")).await.unwrap_err(),
        in_time(client.answers_head()).await.unwrap_err(),
        in_time(client.back_up_assets(None)).await.unwrap_err(),
        in_time(client.create_watched())
            .await
            .map(drop)
            .unwrap_err(),
        in_time(client.watch_overview())
            .await
            .map(drop)
            .unwrap_err(),
    ]
}

pub fn assert_asked_once(service: &Scripted) {
    for asked in service.asked() {
        assert_eq!(asked.before, 0, "asked again: {}", asked.what);
    }
}
