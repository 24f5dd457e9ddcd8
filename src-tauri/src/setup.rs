//! Puts the parts together at the start: the service and the manager first, then what shows them.

use std::sync::Arc;

use backup_manager::{HttpConnector, Manager, Timings};
use tauri::{App, Manager as _};

use crate::embedded::Embedded;
use crate::folders::Folders;
use crate::intents::Intents;
use crate::settings::Settings;
use crate::watching::Watching;
use crate::{notifications, quit, tray, window};

pub fn set_up(app: &App, folders: Folders) -> tauri::Result<()> {
    let settings = Settings::new(folders.settings());
    let embedded = Arc::new(Embedded::new(folders.clone()));
    let connector = Arc::new(HttpConnector::new(embedded.clone()));
    let target = settings.target();
    // The manager's tasks live on the app's runtime.
    let (manager, notices) = tauri::async_runtime::block_on(async {
        Manager::start(connector, target, Timings::default())
    });
    app.manage(folders);
    app.manage(settings);
    app.manage(embedded);
    app.manage(Intents::default());
    app.manage(Watching::default());
    app.manage(window::Opening::default());
    app.manage(quit::Quitting::default());
    app.manage(manager.clone());
    notifications::listen(app.handle(), notices);
    if let Err(error) = tray::show(app.handle(), manager.view()) {
        tracing::error!(%error, "there is no icon in the tray");
    }
    window::open(app.handle());
    quit::when_told(app.handle().clone());
    Ok(())
}
