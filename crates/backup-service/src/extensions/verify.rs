//! Proving that backups can be restored.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use backup_api::{Job, Problem, Verify};

use super::needed;
use crate::error::JsonError;
use crate::jobs::Request;
use crate::state::App;
use crate::{backups, convert};

/// Starts a verification of one backup or of all, and answers with its job at once; what it found is in the job when it has
/// ended. One that finds damage fails, so that nobody takes it for good news.
#[utoipa::path(post, path = "/holdfast/verify", tag = "holdfast", request_body = Verify,
    responses((status = 200, body = Job), (status = 400, body = Problem), (status = 404, body = Problem),
              (status = 408, body = Problem), (status = 413, body = Problem), (status = 415, body = String),
              (status = 500, body = Problem), (status = 505, body = Problem), (status = 511, body = Problem)))]
pub(crate) async fn start(State(app): State<App>, body: Body) -> Result<Json<Job>, JsonError> {
    let asked: Verify = needed(&app, body, "This does not say how much to prove.").await?;
    let backup = match &asked.backup {
        Some(id) => Some(backups::find(&app, id).await?.0),
        None => None,
    };
    let depth = convert::depth(asked.depth);
    let job = app.jobs().start(Request::Verification { backup, depth })?;
    let job = job.borrow().clone();
    Ok(Json(job))
}
