//! Whether something shows the icons of the tray. A desktop may have no place for them.

#[cfg(target_os = "linux")]
pub async fn is_there() -> bool {
    match ask().await {
        Ok(is_there) => is_there,
        Err(error) => {
            tracing::info!(%error, "nobody answers for the tray");
            false
        }
    }
}

#[cfg(target_os = "linux")]
async fn ask() -> zbus::Result<bool> {
    const WATCHER: &str = "org.kde.StatusNotifierWatcher";
    let bus = zbus::Connection::session().await?;
    let watcher = zbus::Proxy::new(&bus, WATCHER, "/StatusNotifierWatcher", WATCHER).await?;
    watcher.get_property("IsStatusNotifierHostRegistered").await
}

#[cfg(not(target_os = "linux"))]
pub async fn is_there() -> bool {
    true
}
