//! `sources`: the folders that are in every backup.

use backup_api::{NewSource, SourceChange, SourceKind};
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
            let path = absolute(&path)?;
            let exclude = if pieces && exclude.is_empty() {
                usual_excludes(client, &path).await?
            } else {
                exclude
            };
            let new = NewSource {
                path,
                kind: if pieces {
                    SourceKind::Pieces
                } else {
                    SourceKind::Folder
                },
                excludes: exclude,
            };
            let source = client.add_source(&new).await?;
            print(as_json, &source, || {
                format!(
                    "Added {} as {}.\n",
                    show::safe(&source.path),
                    show::safe(&source.id)
                )
            })
        }
        SourcesAct::Change { id, exclude, .. } => {
            let change = SourceChange { excludes: exclude };
            let source = client.change_source(&id, &change).await?;
            print(as_json, &source, || {
                format!(
                    "Changed {}, from the next backup on.\n",
                    show::safe(&source.id)
                )
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

/// What of the data folder of PiecesOS can be downloaded or made again, where the service knows the folder.
async fn usual_excludes(client: &Client, path: &str) -> Result<Vec<String>, Failure> {
    let suggested = client.sources().await?.suggested;
    let same = suggested.filter(|suggested| suggested.path == path);
    Ok(same.map(|suggested| suggested.excludes).unwrap_or_default())
}
