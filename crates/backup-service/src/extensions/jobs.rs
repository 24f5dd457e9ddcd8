//! Jobs: how they stand, cancelling one, and undoing a restore.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use backup_api::{Job, JobState, Problem};

use crate::creation;
use crate::error::{ApiError, JsonError};
use crate::id::Id;
use crate::jobs::{Request, ended, stopping};
use crate::state::App;

/// The jobs since the service started, newest first.
#[utoipa::path(get, path = "/holdfast/jobs", tag = "holdfast", responses((status = 200, body = Vec<Job>)))]
pub(crate) async fn list(State(app): State<App>) -> Json<Vec<Job>> {
    Json(app.jobs().all())
}

/// One job.
#[utoipa::path(get, path = "/holdfast/jobs/{job}", tag = "holdfast",
    params(("job" = String, Path, description = "id of the job")),
    responses((status = 200, body = Job), (status = 404, body = Problem)))]
pub(crate) async fn show(State(app): State<App>, Id(id): Id) -> Result<Json<Job>, JsonError> {
    let found = app.jobs().all().into_iter().find(|job| job.id == id);
    found.map(Json).ok_or_else(unknown)
}

fn unknown() -> JsonError {
    let message = "There is no job with this id since the service started.";
    let fix = "Ask for the list of jobs.";
    ApiError::new(StatusCode::NOT_FOUND, "unknown-job", message, fix).into_json()
}

/// Cancels a job of any kind, and answers with the job as it ended: it says itself whether it was cancelled or had come to
/// its end by then.
#[utoipa::path(post, path = "/holdfast/jobs/{job}/cancel", tag = "holdfast",
    params(("job" = String, Path, description = "id of the job")),
    responses((status = 200, body = Job), (status = 404, body = Problem)))]
pub(crate) async fn cancel(State(app): State<App>, Id(id): Id) -> Result<Json<Job>, JsonError> {
    app.jobs().cancel(&id).await.map(Json).ok_or_else(unknown)
}

/// Brings back what the last restore replaced, and answers when it is done.
#[utoipa::path(post, path = "/holdfast/undo", tag = "holdfast",
    responses((status = 200, body = Job), (status = 404, body = Problem), (status = 500, body = Problem)))]
pub(crate) async fn undo(State(app): State<App>) -> Result<Json<Job>, JsonError> {
    let job = ended(app.jobs().start(Request::Undo)?).await;
    match (job.state, &job.problem) {
        (JobState::Completed, _) => Ok(Json(job)),
        (_, Some(problem)) => Err(crate::streams::failed(problem).into_json()),
        _ if app.jobs().is_closed() => Err(stopping().into_json()),
        _ => {
            let message = "The undoing was cancelled. Everything is as it was.";
            Err(creation::canceled(message).into_json())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use backup_engine::{Outcome, Place, RestoreRequest, Watch, What};

    #[tokio::test]
    async fn an_undo_that_the_end_of_the_service_stops_is_no_success() {
        let (_folder, app) = crate::trial::app();
        let (engine, quiet) = (app.engine(), Watch::unwatched());
        let id = engine.new_backup_id();
        let made = engine.back_up(&id, &quiet).unwrap();
        assert!(matches!(made, Outcome::Completed(_)));
        let request = RestoreRequest {
            backup: id,
            what: What::Everything,
            place: Place::InPlace,
        };
        let restored = engine.restore(&request, &quiet).unwrap();
        assert_eq!(restored, Outcome::Completed(()));
        // One thread: the undo is begun, and cancelled before the engine hears of it.
        let (undone, ()) = tokio::join!(undo(State(app.clone())), app.jobs().close());
        let response = undone.into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await;
        let problem: Problem = serde_json::from_slice(&body.unwrap()).unwrap();
        assert_eq!(problem.code, "stopping");
        let says = problem.message.contains("Nothing was changed.");
        assert!(says, "{problem:?}");
        assert!(engine.undo_record().is_some(), "it was undone after all");
    }
}
