//! `sources`: the folders that are in every backup.

use backup_api::{NewSource, SourceKind};
use backup_client::Client;
use serde_json::json;

use super::print;
use super::restore::absolute;
use crate::arguments::SourcesAct;
use crate::fail::Failure;
use crate::show;

pub async fn run(client: &Client, act: Option<SourcesAct>, as_json: bool) -> Result<(), Failure> {
    match act.unwrap_or(SourcesAct::List) {
        SourcesAct::List => {
            let sources = client.sources().await?;
            print(as_json, &sources, || show::sources(&sources))
        }
        SourcesAct::Add {
            path,
            exclude,
            pieces,
        } => {
            let new = NewSource {
                path: absolute(&path)?,
                kind: if pieces {
                    SourceKind::Pieces
                } else {
                    SourceKind::Folder
                },
                excludes: exclude,
            };
            let source = client.add_source(&new).await?;
            print(as_json, &source, || {
                format!("Added {} as {}.\n", show::safe(&source.path), source.id)
            })
        }
        SourcesAct::Remove { id } => {
            client.remove_source(&id).await?;
            print(as_json, &json!({"removed": id}), || {
                format!(
                    "Removed {}. The folder and its backups stay as they are.\n",
                    show::safe(&id)
                )
            })
        }
    }
}
