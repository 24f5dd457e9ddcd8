//! Without the window: the tray, the notifications with their buttons, and a second start.

use backup_api::{JobKind, JobState};

use crate::desk::{Look, story};
use crate::library::Library;
use crate::tray::Entry;

#[tokio::test(flavor = "multi_thread")]
async fn the_tray_and_the_notifications_do_what_they_say() {
    story("background", Look::Light, async |desk| {
        let window = desk.start_app().await;
        window.until("one('connection')?.innerText.trim()").await;
        let library = Library::in_folder(&desk.data());
        library.fill(2).await;
        let saved = library.digest().await;

        // A backup from the tray, with the window closed.
        desk.screen.close_window().await;
        desk.tray.click("Back up now").await;
        let first = library
            .job_ends(JobKind::Creation, JobState::Completed)
            .await
            .backup;
        let first_told = desk.notifications.with_button("Restore…", 0).await;

        // A second one, so that the notification of the first has to know which one it was about.
        library.put("written-after-the-backup", "new").await;
        let changed = library.digest().await;
        let seen = desk.notifications.count();
        desk.tray.click("Back up now").await;
        let second = library
            .job_ends(JobKind::Creation, JobState::Completed)
            .await
            .backup;
        let second_told = desk.notifications.with_button("Restore…", seen).await;
        assert_ne!(second, first);
        assert!(
            !desk.screen.has_window(),
            "a backup in the background opened the window"
        );

        let status = |entry: &Entry| entry.label.starts_with("Protected, last backup");
        desk.tray.entry("the status", status).await;

        for told in [&first_told, &second_told] {
            assert!(!told.title.is_empty() && !told.body.is_empty(), "{told:?}");
        }

        // Restore… in the first opens the sheet of the first, and leads to a restore.
        desk.notifications.press(&first_told, "Restore…").await;
        desk.screen.window().await;
        window.switch_to_new().await;
        window
            .until(&format!(
                "one('restore-sheet')?.dataset.backupId === '{first}'"
            ))
            .await;
        window.painted().await;
        desk.screen.picture("20-sheet-from-notification");
        let seen = desk.notifications.count();
        // Who looks at the window sees the end there, and is not told twice.
        desk.screen.look_away();
        window.until("!document.hasFocus()").await;
        window.click("restore-confirm").await;
        let restored = library
            .job_ends(JobKind::Restoration, JobState::Completed)
            .await;
        assert_eq!(restored.backup, first);
        assert_eq!(library.digest().await, saved);

        // Undo in the notification of the restore.
        let told = desk.notifications.with_button("Undo", seen).await;
        desk.notifications.press(&told, "Undo").await;
        library.job_ends(JobKind::Undo, JobState::Completed).await;
        assert_eq!(library.digest().await, changed);

        // A click on a notification shows the backup it is about.
        desk.screen.close_window().await;
        desk.notifications.tap(&second_told).await;
        desk.screen.window().await;
        window.switch_to_new().await;
        window.until(&format!("row('{second}')")).await;
        window.painted().await;
        desk.screen.picture("21-backup-from-notification");

        // A second start shows the window of the first.
        desk.screen.close_window().await;
        assert_eq!(desk.start_again().await, Some(0));
        desk.screen.window().await;
        assert_eq!(
            Library::in_folder(&desk.data()).process(),
            library.process()
        );
        window.switch_to_new().await;
        assert!(!window.text("summary").await.trim().is_empty());
        window.painted().await;
        desk.screen.picture("22-second-start");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_cancelled_from_the_tray() {
    story("tray-cancel", Look::Light, async |desk| {
        let window = desk.start_app().await;
        window.until("one('connection')?.innerText.trim()").await;
        let library = Library::in_folder(&desk.data());
        library.fill(200).await;
        desk.screen.close_window().await;
        desk.tray.click("Back up now").await;
        desk.tray.click("Cancel").await;
        library
            .job_ends(JobKind::Creation, JobState::Canceled)
            .await;
        assert_eq!(library.backups().await, []);
        let idle = |entry: &Entry| entry.label == "Cancel" && !entry.enabled;
        desk.tray.entry("nothing to cancel", idle).await;
        assert_eq!(desk.notifications.count(), 0, "who cancels knows it");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_backup_can_be_tried_again() {
    story("retry", Look::Light, async |desk| {
        let window = desk.start_app().await;
        window.until("one('connection')?.innerText.trim()").await;
        let library = Library::in_folder(&desk.data());
        library.fill(2).await;
        desk.tray.click("Back up now").await;
        library
            .job_ends(JobKind::Creation, JobState::Completed)
            .await;

        desk.screen.close_window().await;
        let (destination, away) = (desk.data().join("backups"), desk.data().join("away"));
        std::fs::rename(&destination, &away).unwrap();
        std::fs::write(&destination, "a file where the folder was").unwrap();
        desk.tray.click("Back up now").await;
        let told = desk.notifications.with_button("Retry", 0).await;

        std::fs::remove_file(&destination).unwrap();
        std::fs::rename(&away, &destination).unwrap();
        desk.notifications.press(&told, "Retry").await;
        library
            .job_ends(JobKind::Creation, JobState::Completed)
            .await;
        assert_eq!(library.backups().await.len(), 2);

        // Quit in the tray ends the app and leaves no address behind.
        desk.tray.click("Quit").await;
        desk.tray.program_has_ended().await;
        assert!(!desk.data().join("service.json").exists());
    })
    .await;
}
