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

        window.click("nav-settings").await;
        window.type_into("address", theirs.address()).await;
        window.click("address-use").await;
        let connected = "one('connection')?.innerText.includes('Holdfast 0.1.0')";
        window.until(connected).await;
        let own = Library::in_folder(&desk.data());
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
        assert_eq!(own.backups().await, [], "the own service was used");

        desk.tray.click("Quit").await;
        desk.tray.program_has_ended().await;
        let window = desk.start_app().await;
        window.until(connected).await;
        window.click("nav-backups").await;
        window.until(&format!("row('{made}')")).await;
    })
    .await;
}
