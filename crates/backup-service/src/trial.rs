//! A service's insides over a real engine in a temporary folder, for the tests beside the code.

use std::sync::Arc;

use backup_api::{Job, JobKind, JobState, Phase, Progress};
use backup_engine::{Engine, EngineOptions};

use crate::ServiceOptions;
use crate::state::App;

/// The folder goes with the first.
pub(crate) fn app() -> (tempfile::TempDir, App) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let engine = Engine::open(EngineOptions {
        data_dir: data_dir.clone(),
        destination: folder.path().join("destination"),
        passphrase: None,
        use_keychain: false,
        device_name: "Test device".into(),
    });
    let options = ServiceOptions {
        allow_clients: false,
        unattended: false,
        data_dir,
    };
    let app = App::new(Arc::new(engine.unwrap()), options, "token".into(), 1);
    (folder, app)
}

/// A job that is about to begin.
pub(crate) fn job(kind: JobKind) -> Job {
    Job {
        id: "job-1".into(),
        kind,
        backup: "b".into(),
        state: JobState::Queued,
        phase: Phase::Preparing,
        waits_for: None,
        progress: Progress::default(),
        cancelable: true,
        started: chrono::Utc::now(),
        ended: None,
        problem: None,
        restores: None,
        report: None,
    }
}
