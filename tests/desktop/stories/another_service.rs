//! Another service behind the same API: chosen by its address, used like the own one, and remembered.

use backup_api::{JobKind, JobState};

use crate::desk::{Look, story};
use crate::library::Library;

#[tokio::test(flavor = "multi_thread")]
async fn another_service_is_chosen_by_its_address_and_used() {
    story("another-service", Look::Light, async |desk| {
        let other = desk.start_service("other");
        let window = desk.start_app().await;
        window.until("one('connection')?.innerText.trim()").await;
        let theirs = Library::in_folder(&other);
        theirs.fill(2).await;

        let own = Library::in_folder(&desk.data());
        own.fill(2).await;
        desk.screen.look_away();
        window.until("!document.hasFocus()").await;
        desk.tray.click("Back up now").await;
        let told = desk.notifications.with_button("Restore…", 0).await;

        window.click("nav-settings").await;
        window.type_into("address", theirs.address()).await;
        window.click("address-use").await;
        let connected = "one('connection')?.innerText.includes('Holdfast 0.1.0')";
        window.until(connected).await;
        let own_address = format!("document.body.innerText.includes('{}')", own.address());
        window.click("nav-overview").await;
        window.click("nav-settings").await;
        window
            .until("!document.body.innerText.includes('Searching for')")
            .await;
        assert_eq!(
            window.evaluate(&own_address).await,
            false,
            "the own service is offered twice"
        );
        window.painted().await;
        desk.screen.picture("40-another-service");
        window.click("nav-overview").await;
        window.click("back-up-now").await;
        let made = theirs
            .job_ends(JobKind::Creation, JobState::Completed)
            .await
            .backup;
        window.click("nav-backups").await;
        window.until(&format!("row('{made}')")).await;
        assert_eq!(own.backups().await.len(), 1, "the own service was used");

        // What a notification offers is for the service that it was about.
        let seen = desk.notifications.count();
        desk.notifications.press(&told, "Restore…").await;
        let answer = desk.notifications.after(seen).await;
        assert_eq!(answer.title, "Nothing was done");
        window.until("one('summary')").await;
        assert_eq!(
            window
                .evaluate("!document.querySelector('[data-testid=restore-sheet]')")
                .await,
            true
        );

        desk.tray.click("Quit").await;
        desk.tray.program_has_ended().await;
        let window = desk.start_app().await;
        window.until(connected).await;
        window.click("nav-backups").await;
        window.until(&format!("row('{made}')")).await;
    })
    .await;
}
