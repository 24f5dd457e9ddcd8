//! A desktop without a place for icons: nobody could reach the app any more, so it ends with its window, and with no job
//! cut off.

use backup_api::{JobKind, JobState};

use crate::desk::{Look, story};
use crate::library::Library;

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_shows_the_icon_the_app_ends_with_its_window_once_its_job_is_done() {
    story("no-tray", Look::Light, async |desk| {
        let window = desk.start_app().await;
        window.until("one('connection')?.innerText.trim()").await;
        let library = Library::in_folder(&desk.data());
        library.fill(60).await;
        desk.tray.go_away().await;
        window.click("back-up-now").await;
        window
            .until("one('job')?.dataset.state === 'running'")
            .await;
        desk.screen.close_window().await;
        library
            .job_ends(JobKind::Creation, JobState::Completed)
            .await;
        desk.tray.program_has_ended().await;
        assert!(!desk.data().join("service.json").exists());
    })
    .await;
}
