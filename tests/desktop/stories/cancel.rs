//! Cancelling by the button, in the middle: nothing has changed afterwards, and the job ends as CANCELED.

use backup_api::{JobKind, JobState, Status};

use crate::desk::{Look, story};
use crate::library::Library;
use crate::window::Window;

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_and_a_restore_canceled_midway_change_nothing() {
    story("cancel", Look::Dark, async |desk| {
        let window = desk.start_app().await;
        window.until("one('connection')?.innerText.trim()").await;
        let library = Library::in_folder(&desk.data());
        library.fill(600).await;
        let before = library.digest().await;

        window.click("back-up-now").await;
        midway(&window).await;
        window.click("job-cancel").await;
        let canceled = library
            .job_ends(JobKind::Creation, JobState::Canceled)
            .await;
        assert_eq!(
            library.creation_status(&canceled.backup).await,
            Some(Status::Canceled)
        );
        assert_eq!(library.backups().await, []);
        assert_eq!(library.digest().await, before);
        says_canceled(&window).await;
        desk.screen.picture("10-canceled-backup-dark");

        window.click("back-up-now").await;
        let made = library
            .job_ends(JobKind::Creation, JobState::Completed)
            .await
            .backup;
        library.put("written-after-the-backup", "new").await;
        let changed = library.digest().await;
        window.click("nav-backups").await;
        window.click_in_row(&made, "backup-restore").await;
        window.click("restore-confirm").await;
        midway(&window).await;
        window.click("job-cancel").await;
        library
            .job_ends(JobKind::Restoration, JobState::Canceled)
            .await;
        assert_eq!(
            library.restoration_status(&made).await,
            Some(Status::Canceled)
        );
        assert_eq!(library.digest().await, changed);
        says_canceled(&window).await;
        desk.screen.picture("11-canceled-restore-dark");
    })
    .await;
}

/// No picture here: it would take so long that the job could end before the click. `main_job.rs` takes one.
async fn midway(window: &Window) {
    window
        .until("one('job')?.dataset.state === 'running' && Number(one('job').dataset.percentage) >= 10")
        .await;
}

async fn says_canceled(window: &Window) {
    window
        .until("(one('job')?.dataset.state ?? 'canceled') === 'canceled'")
        .await;
    window.painted().await;
}
