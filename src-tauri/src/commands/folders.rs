//! The system's own dialog for choosing a folder, so that nobody has to type a path.

use std::path::PathBuf;

use backup_api::Problem;
use tauri::WebviewWindow;
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;

/// The folder that the user chooses; `None` where the dialog is left without one. `title`: in the language of the window.
/// `from`: where it begins; in the user's own folder where that is none.
///
/// Errors: `bad-path` where its name is none that the window can show and send back.
#[tauri::command]
#[specta::specta]
pub async fn choose_folder(
    window: WebviewWindow,
    title: String,
    from: String,
) -> Result<Option<String>, Problem> {
    let (answer, answered) = oneshot::channel();
    let mut dialog = window.dialog().file().set_title(title).set_parent(&window);
    let from = Some(PathBuf::from(from)).filter(|from| from.is_absolute() && from.is_dir());
    if let Some(begin) = from.or_else(std::env::home_dir) {
        dialog = dialog.set_directory(begin);
    }
    dialog.pick_folder(move |chosen| {
        // The window that asked may be gone by now.
        if answer.send(chosen).is_err() {
            tracing::debug!("nobody waits for the chosen folder any more");
        }
    });
    // The dialog went with its window.
    let Ok(Some(chosen)) = answered.await else {
        return Ok(None);
    };
    let path = chosen.into_path().map_err(|_| bad_path())?;
    let path = path.into_os_string().into_string();
    path.map(Some).map_err(|_| bad_path())
}

fn bad_path() -> Problem {
    Problem {
        code: "bad-path".to_owned(),
        message: "The name of this folder cannot be used here: it is not UTF-8.".to_owned(),
        fix: "Choose another folder, or a folder around it.".to_owned(),
    }
}
