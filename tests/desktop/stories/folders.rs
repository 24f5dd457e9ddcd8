//! A folder beside the library: protected from the window, backed up although one file of it is damaged, which is shown, and
//! one file of it brought back alone.

use std::fs;

use backup_api::{JobKind, JobState};

use crate::desk::{Look, story};
use crate::dialog::Dialog;
use crate::library::Library;

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_protected_and_what_of_it_could_not_be_read_is_shown() {
    story("folders", Look::Light, async |desk| {
        let window = desk.start_app().await;
        window.until("one('connection')?.innerText.trim()").await;
        let library = Library::in_folder(&desk.data());
        library.fill(2).await;
        let notes = desk.data().parent().unwrap().join("Notes");
        fs::create_dir(&notes).unwrap();
        fs::write(notes.join("todo.md"), "as it was").unwrap();
        let mut broken = b"SQLite format 3\0".to_vec();
        broken.resize(8192, 0xff);
        fs::write(notes.join("broken.db"), broken).unwrap();

        window.click("nav-settings").await;
        window.click("source-add").await;
        window.type_into("source-path", "Notes").await;
        window.click("source-save").await;
        let refused = "document.querySelector('#source-path[aria-invalid=true]') && true";
        window.until(refused).await;
        window.painted().await;
        desk.screen.picture("60-no-such-folder");
        window.clear("source-path").await;
        let path = notes.to_str().unwrap();
        window.click("source-path-choose").await;
        let dialog = Dialog::shown(&desk.screen.display, "Choose a folder to protect").await;
        desk.screen.picture("60-choosing-a-folder");
        let back = desk.screen.window().await;
        dialog.answer(path, back).await;
        let filled = format!("one('source-path')?.value === {path:?}");
        window.until(&filled).await;
        window.click("source-save").await;
        window
            .until("one('source')?.innerText.includes('Notes')")
            .await;

        window.click("source-change").await;
        window.type_into("source-excludes", "*.tmp").await;
        window.painted().await;
        desk.screen.picture("60-what-to-leave-out");
        window.click("source-save").await;
        window
            .until("one('source')?.innerText.includes('*.tmp')")
            .await;
        fs::write(notes.join("left.tmp"), "left out").unwrap();

        window.click("nav-overview").await;
        window.click("back-up-now").await;
        library
            .job_ends(JobKind::Creation, JobState::Completed)
            .await;
        window.click("nav-backups").await;
        let told = "one('unread')?.innerText.includes('1 file or folder could not be read whole')";
        window.until(told).await;
        assert!(!window.text("backup-source").await.trim().is_empty());
        window.click("unread-show").await;
        window
            .until("one('unread').innerText.includes('broken.db')")
            .await;
        window.painted().await;
        desk.screen.picture("61-not-read");

        fs::write(notes.join("todo.md"), "spoilt").unwrap();
        window.click("backup-browse").await;
        window.click_entry("notes", "entry-open").await;
        window
            .until("one('browse-sheet').innerText.includes('todo.md')")
            .await;
        let listed = window.text("browse-sheet").await;
        assert!(!listed.contains("left.tmp"), "{listed}");
        window.painted().await;
        desk.screen.picture("62-browsing");
        window.click_entry("notes/todo.md", "entry-restore").await;
        window
            .until("one('restore-sheet').innerText.includes('1 changed')")
            .await;
        window.painted().await;
        desk.screen.picture("63-one-file");
        window.click("restore-confirm").await;
        library
            .job_ends(JobKind::Restoration, JobState::Completed)
            .await;
        let restored = fs::read_to_string(notes.join("todo.md")).unwrap();
        assert_eq!(restored, "as it was");
        window.click("restore-dismiss").await;
        window.click("browse-dismiss").await;
        window.until("!one('browse-sheet')").await;
    })
    .await;
}
