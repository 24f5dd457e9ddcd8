//! The main job: the first backup from the window, a restore seen as it happens, and the way back.

use backup_api::{JobKind, JobState};

use super::{progress_moved, sizes};
use crate::desk::{Look, story};
use crate::library::Library;
use crate::window::Window;

#[tokio::test(flavor = "multi_thread")]
async fn a_first_backup_a_restore_and_its_undo() {
    story("main-job", Look::Light, async |desk| {
        let window = desk.start_app().await;
        assert!(!window.text("summary").await.trim().is_empty());
        window.until("one('connection')?.innerText.trim()").await;
        window.painted().await;
        desk.screen.picture("01-first-start");

        let library = Library::in_folder(&desk.data());
        library.fill(600).await;
        let saved = library.digest().await;
        window.follow_job().await;
        window.click("back-up-now").await;
        window.until("one('job')?.dataset.state === 'running' && Number(one('job').dataset.percentage) > 20").await;
        window.painted().await;
        desk.screen.picture("02-backing-up");
        let made = finished(&window, &library, JobKind::Creation).await;
        progress_moved(&window.followed().await);
        desk.screen.picture("03-backed-up");

        window.click("nav-backups").await;
        let listed = listed(&window, &made).await;
        let details = &library.backups().await[0];
        assert_eq!(listed.device, details.backup.device_name);
        assert!(sizes(&listed.size, details.backup.bytes), "{listed:?}");
        assert!(!listed.time.is_empty());
        desk.screen.picture("04-listed");

        library.put("written-after-the-backup", "new").await;
        library.put("filler-00007", "changed").await;
        library.delete("filler-00008").await;
        let changed = library.digest().await;
        assert_ne!(changed, saved);

        window.click_in_row(&made, "backup-restore").await;
        window.until(&format!("one('restore-sheet')?.dataset.backupId === '{made}'")).await;
        window.until("one('restore-sheet').innerText.includes('written-after-the-backup')").await;
        window.painted().await;
        desk.screen.picture("05-restore-sheet");
        window.follow_job().await;
        window.click("restore-confirm").await;
        window.until("one('job')?.dataset.state === 'running' && Number(one('job').dataset.percentage) > 20").await;
        window.painted().await;
        desk.screen.picture("06-restoring");
        assert_eq!(finished(&window, &library, JobKind::Restoration).await, made);
        progress_moved(&window.followed().await);
        assert_eq!(library.digest().await, saved, "the library is not the backup");
        desk.screen.picture("07-restored");

        window.click("undo-restore").await;
        finished(&window, &library, JobKind::Undo).await;
        assert_eq!(library.digest().await, changed, "undo did not bring the change back");
        window.painted().await;
        desk.screen.picture("08-undone");

        fits_a_small_window(&window).await;
        desk.screen.picture("09-small");
    })
    .await;
}

/// Waits for the end of the newest job, in the window and in the service, and gives the id of its backup.
async fn finished(window: &Window, library: &Library, kind: JobKind) -> String {
    let job = library.job_ends(kind, JobState::Completed).await;
    window
        .until("(one('job')?.dataset.state ?? 'completed') === 'completed'")
        .await;
    window.painted().await;
    job.backup
}

#[derive(Debug)]
struct Listed {
    device: String,
    size: String,
    time: String,
}

async fn listed(window: &Window, backup: &str) -> Listed {
    window.until(&format!("row('{backup}')")).await;
    assert_eq!(
        window
            .evaluate("document.querySelectorAll('[data-testid=backup-row]').length")
            .await,
        1
    );
    window.painted().await;
    let column =
        |id: &str| format!("row('{backup}').querySelector('[data-testid={id}]')?.innerText.trim()");
    let text = async |id: &str| {
        let found = window.until(&column(id)).await;
        found.as_str().unwrap().to_owned()
    };
    Listed {
        device: text("backup-device").await,
        size: text("backup-size").await,
        time: text("backup-time").await,
    }
}

async fn fits_a_small_window(window: &Window) {
    window.resize(720, 480).await;
    for place in ["nav-overview", "nav-backups", "nav-settings"] {
        window.click(place).await;
        window.painted().await;
        let spills = window
            .evaluate("document.documentElement.scrollWidth > window.innerWidth")
            .await;
        assert_eq!(spills, false, "{place} is wider than the window");
    }
    window.click("nav-overview").await;
    window.painted().await;
}
