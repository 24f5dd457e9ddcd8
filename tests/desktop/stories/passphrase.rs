//! A passphrase for the key: set in the window, asked for after the next start, and then everything works as before.

use backup_api::{JobKind, JobState};

use crate::desk::{Look, story};
use crate::library::Library;

const PASSPHRASE: &str = "correct horse battery";

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_protects_the_key_and_opens_it_after_the_next_start() {
    story("passphrase", Look::Light, async |desk| {
        let window = desk.start_app().await;
        window.until("one('connection')?.innerText.trim()").await;
        let library = Library::in_folder(&desk.data());
        library.fill(2).await;
        window.click("back-up-now").await;
        library
            .job_ends(JobKind::Creation, JobState::Completed)
            .await;
        assert!(desk.data().join("key.txt").exists());

        window.click("nav-settings").await;
        window.type_into("passphrase", PASSPHRASE).await;
        window.type_into("passphrase-repeat", PASSPHRASE).await;
        window.painted().await;
        desk.screen.picture("30-set-passphrase");
        window.click("passphrase-send").await;
        window.until("!one('passphrase')").await;
        assert!(desk.data().join("key.age").exists());
        assert!(!desk.data().join("key.txt").exists());
        desk.tray.click("Quit").await;
        desk.tray.program_has_ended().await;

        let window = desk.start_app().await;
        let locked = "one('summary')?.innerText.includes('locked')";
        window.until(locked).await;
        window.painted().await;
        desk.screen.picture("31-locked");
        window.click("nav-settings").await;
        window.type_into("passphrase", PASSPHRASE).await;
        window.click("passphrase-send").await;
        window.until("!one('passphrase')").await;
        window.click("nav-overview").await;
        window
            .until("one('summary')?.innerText.includes('Protected')")
            .await;
        let library = Library::in_folder(&desk.data());
        window.click("back-up-now").await;
        library
            .job_ends(JobKind::Creation, JobState::Completed)
            .await;
        assert_eq!(library.backups().await.len(), 2);
    })
    .await;
}
