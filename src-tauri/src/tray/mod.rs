//! The icon in the tray and its menu: how things are, and what can be done without the window.

mod host;
mod status;

use std::sync::{Arc, Mutex, PoisonError};

use backup_manager::{Intent, Manager, Tone, View};
use chrono::Local;
use tauri::image::Image;
use tauri::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager as _, Wry, include_image};
use tokio::sync::watch;

use crate::{quit, window};

const BACK_UP: &str = "back-up-now";
const CANCEL: &str = "cancel";
const OPEN: &str = "open";
const QUIT: &str = "quit";

const PROTECTED: Image = include_image!("../icons/tray/protected.png");
const WORKING: Image = include_image!("../icons/tray/working.png");
const ATTENTION: Image = include_image!("../icons/tray/attention.png");

/// Shows the icon, and keeps it and its menu as the view says.
pub fn show(app: &AppHandle, views: watch::Receiver<View>) -> tauri::Result<()> {
    let shown = Look::of(&views.borrow());
    let tray = Arc::new(Tray::build(app, shown)?);
    tauri::async_runtime::spawn(follow(app.clone(), tray, views));
    Ok(())
}

/// The last window has gone. Where nobody shows the icon, the app could not be reached any more: then it ends, once what
/// runs has ended, unless a window was opened meanwhile.
pub fn stay_or_quit(app: AppHandle) {
    tauri::async_runtime::spawn(async move {
        if host::is_there().await {
            return;
        }
        let mut views = app.state::<Manager>().view();
        let idle = views.wait_for(|view| view.running_job().is_none()).await;
        if idle.is_ok() && app.get_webview_window(window::LABEL).is_none() {
            tracing::info!("nothing shows the icon in the tray, so the app ends with its window");
            quit::quit(app);
        }
    });
}

/// All that changes about the tray.
#[derive(Clone, Debug, PartialEq)]
struct Look {
    status: String,
    tone: Tone,
    can_back_up: bool,
    can_cancel: bool,
}

impl Look {
    fn of(view: &View) -> Self {
        Self {
            status: status::line(view, &Local),
            tone: view.summary.tone,
            can_back_up: view.is_connected() && view.running_job().is_none(),
            can_cancel: view.can_cancel(),
        }
    }

    fn icon(&self) -> Image<'static> {
        match self.tone {
            Tone::Good => PROTECTED,
            Tone::Working => WORKING,
            Tone::Attention | Tone::Bad => ATTENTION,
        }
    }
}

struct Tray {
    icon: TrayIcon,
    status: MenuItem<Wry>,
    back_up: MenuItem<Wry>,
    cancel: MenuItem<Wry>,
    shown: Mutex<Look>,
}

impl Tray {
    fn build(app: &AppHandle, look: Look) -> tauri::Result<Self> {
        let item =
            |id, text: &str, enabled| MenuItem::with_id(app, id, text, enabled, None::<&str>);
        let status = item("status", &look.status, false)?;
        let back_up = item(BACK_UP, "Back up now", look.can_back_up)?;
        let cancel = item(CANCEL, "Cancel", look.can_cancel)?;
        let open = item(OPEN, "Open Holdfast", true)?;
        let quit = item(QUIT, "Quit", true)?;
        let line = || PredefinedMenuItem::separator(app);
        let menu = Menu::with_items(
            app,
            &[&status, &line()?, &back_up, &cancel, &line()?, &open, &quit],
        )?;
        let icon = TrayIconBuilder::with_id("holdfast")
            .icon(look.icon())
            .tooltip("Holdfast")
            .menu(&menu)
            .on_menu_event(clicked)
            .build(app)?;
        let shown = Mutex::new(look);
        Ok(Self {
            icon,
            status,
            back_up,
            cancel,
            shown,
        })
    }

    /// Touches only what is another than before: a menu that is rebuilt while somebody points at it is no use.
    fn change(&self, look: Look) -> tauri::Result<()> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if look.status != shown.status {
            self.status.set_text(&look.status)?;
        }
        if look.can_back_up != shown.can_back_up {
            self.back_up.set_enabled(look.can_back_up)?;
        }
        if look.can_cancel != shown.can_cancel {
            self.cancel.set_enabled(look.can_cancel)?;
        }
        if look.tone != shown.tone {
            self.icon.set_icon(Some(look.icon()))?;
        }
        *shown = look;
        Ok(())
    }
}

async fn follow(app: AppHandle, tray: Arc<Tray>, mut views: watch::Receiver<View>) {
    while views.changed().await.is_ok() {
        let look = Look::of(&views.borrow_and_update());
        let tray = tray.clone();
        let changed = app.run_on_main_thread(move || {
            if let Err(error) = tray.change(look) {
                tracing::warn!(%error, "the tray does not show how things are");
            }
        });
        if changed.is_err() {
            return; // The app is ending.
        }
    }
}

fn clicked(app: &AppHandle, event: MenuEvent) {
    let manager = app.state::<Manager>().inner().clone();
    match event.id().as_ref() {
        BACK_UP => {
            tauri::async_runtime::spawn(async move { manager.back_up_unseen().await });
        }
        CANCEL => {
            let app = app.clone();
            tauri::async_runtime::spawn(async move { cancel(&app, &manager).await });
        }
        OPEN => window::open(app),
        QUIT => quit::quit(app.clone()),
        _ => {}
    }
}

/// A cancel that is refused is shown where the job is.
async fn cancel(app: &AppHandle, manager: &Manager) {
    if let Err(problem) = manager.cancel().await {
        tracing::warn!(code = problem.code, problem = %problem.message, "not cancelled");
        window::show(app, Intent::Overview);
    }
}
