//! The desktop's half of the tray: a watcher with which the app registers its icon, and a hand that clicks its menu.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::watch;
use zbus::fdo::DBusProxy;
use zbus::message::Header;
use zbus::names::BusName;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Structure, Value};
use zbus::{Connection, Proxy};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const PATIENCE: Duration = Duration::from_secs(30);

/// A registered icon: the bus name of its program, and its path there.
type Item = (String, String);

struct Watcher {
    items: watch::Sender<Vec<Item>>,
}

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    /// `service` is a bus name or a path on the caller's own; both are in use.
    async fn register_status_notifier_item(
        &self,
        service: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> zbus::fdo::Result<()> {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let item = if service.starts_with('/') {
            (sender, service.to_owned())
        } else {
            (service.to_owned(), "/StatusNotifierItem".to_owned())
        };
        let name = format!("{}{}", item.0, item.1);
        self.items.send_modify(|items| items.push(item));
        Ok(Self::status_notifier_item_registered(&emitter, &name).await?)
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let items = self.items.borrow();
        items
            .iter()
            .map(|item| format!("{}{}", item.0, item.1))
            .collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(signal)]
    async fn status_notifier_item_registered(
        emitter: &SignalEmitter<'_>,
        service: &str,
    ) -> zbus::Result<()>;
}

/// A part of a menu as it is on the bus: its id, its properties, and the parts in it.
type Node = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// One line of the menu.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    id: i32,
    pub label: String,
    pub enabled: bool,
}

/// The tray on its bus, from the side of the test.
pub struct Tray {
    connection: Connection,
    items: watch::Receiver<Vec<Item>>,
}

impl Tray {
    pub async fn start(bus: &str) -> Self {
        let (sender, items) = watch::channel(Vec::new());
        let connection = zbus::connection::Builder::address(bus)
            .and_then(|builder| {
                builder.serve_at("/StatusNotifierWatcher", Watcher { items: sender })
            })
            .and_then(|builder| builder.name(WATCHER))
            .unwrap()
            .build()
            .await
            .unwrap();
        Self { connection, items }
    }

    /// Clicks the entry with this label, as soon as it is there and enabled.
    pub async fn click(&mut self, label: &str) {
        let entry = self
            .entry(label, |entry| entry.enabled && entry.label == label)
            .await;
        let menu = self.menu().await;
        let arguments = (entry.id, "clicked", Value::from(""), 0_u32);
        menu.call_method("Event", &arguments).await.unwrap();
    }

    /// Waits for an entry that fits; `what` names it if it does not come.
    pub async fn entry(&mut self, what: &str, fits: impl Fn(&Entry) -> bool) -> Entry {
        let menu = self.menu().await;
        let mut changes = menu.receive_all_signals().await.unwrap();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let entries = entries(&menu).await;
            if let Some(entry) = entries.iter().find(|entry| fits(entry)) {
                return entry.clone();
            }
            if tokio::time::timeout_at(deadline, changes.next())
                .await
                .is_err()
            {
                panic!("the tray's menu never had {what:?}; it has {entries:#?}");
            }
        }
    }

    /// Leaves the bus, as on a desktop that has no place for icons.
    pub async fn go_away(&mut self) {
        self.item().await;
        assert!(self.connection.release_name(WATCHER).await.unwrap());
    }

    /// Waits until the program whose icon this is has left the bus.
    pub async fn program_has_ended(&mut self) {
        let (service, _) = self.item().await;
        let bus = DBusProxy::new(&self.connection).await.unwrap();
        let mut changes = bus.receive_name_owner_changed().await.unwrap();
        let name = BusName::try_from(service).unwrap();
        let gone = async {
            while bus.name_has_owner(name.as_ref()).await.unwrap() {
                changes.next().await;
            }
        };
        if tokio::time::timeout(PATIENCE, gone).await.is_err() {
            panic!("the app is still running");
        }
    }

    async fn item(&mut self) -> Item {
        let registered = self.items.wait_for(|items| !items.is_empty());
        match tokio::time::timeout(PATIENCE, registered).await {
            Ok(items) => items.unwrap().last().unwrap().clone(),
            Err(_) => panic!("the app never registered an icon in the tray"),
        }
    }

    async fn menu(&mut self) -> Proxy<'static> {
        let (service, path) = self.item().await;
        let item = Proxy::new(
            &self.connection,
            service.clone(),
            path,
            "org.kde.StatusNotifierItem",
        );
        let menu: OwnedObjectPath = item.await.unwrap().get_property("Menu").await.unwrap();
        Proxy::new(&self.connection, service, menu, "com.canonical.dbusmenu")
            .await
            .unwrap()
    }
}

/// All entries of the menu, whatever submenu they are in.
async fn entries(menu: &Proxy<'_>) -> Vec<Entry> {
    let everything: (i32, i32, Vec<&str>) = (0, -1, Vec::new());
    let (_revision, root): (u32, Node) = menu.call("GetLayout", &everything).await.unwrap();
    let mut found = Vec::new();
    collect(&root, &mut found);
    found
}

fn collect((id, properties, children): &Node, found: &mut Vec<Entry>) {
    let property = |name| {
        properties
            .get(name)
            .and_then(|value| value.try_clone().ok())
    };
    let label = property("label").and_then(|value| String::try_from(value).ok());
    if let Some(label) = label {
        let enabled = property("enabled").and_then(|value| bool::try_from(value).ok());
        found.push(Entry {
            id: *id,
            // An underscore marks the key that chooses the entry.
            label: label.replace('_', ""),
            enabled: enabled.unwrap_or(true),
        });
    }
    for child in children {
        let child = Structure::try_from(child.try_clone().unwrap()).unwrap();
        collect(&child.try_into().unwrap(), found);
    }
}
