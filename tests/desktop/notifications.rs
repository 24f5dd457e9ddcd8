//! A notification daemon that shows nothing: it keeps what arrives, and presses buttons when it is told to.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;
use zbus::Connection;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// One notification as it arrived.
#[derive(Clone, Debug)]
pub struct Shown {
    pub id: u32,
    pub title: String,
    pub body: String,
    /// Action id and label of each button; a click on the body is the action `default`.
    pub actions: Vec<(String, String)>,
}

impl Shown {
    /// The id of the button with this label.
    pub fn button(&self, label: &str) -> Option<&str> {
        let found = self.actions.iter().find(|(_, shown)| shown == label)?;
        Some(&found.0)
    }
}

struct Daemon {
    shown: watch::Sender<Vec<Shown>>,
    next: u32,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Daemon {
    // The eight arguments of the specification.
    #[allow(clippy::too_many_arguments)]
    fn notify(
        &mut self,
        _application: &str,
        replaces: u32,
        _icon: &str,
        title: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let id = if replaces == 0 {
            self.next += 1;
            self.next
        } else {
            replaces
        };
        let actions = actions
            .chunks_exact(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()))
            .collect();
        let shown = Shown {
            id,
            title,
            body,
            actions,
        };
        eprintln!("notification: {shown:?}");
        self.shown.send_modify(|all| all.push(shown));
        id
    }

    async fn close_notification(
        &self,
        id: u32,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> zbus::fdo::Result<()> {
        const CLOSED_BY_CALL: u32 = 3;
        Ok(Self::notification_closed(&emitter, id, CLOSED_BY_CALL).await?)
    }

    fn get_capabilities(&self) -> Vec<&str> {
        vec!["actions", "body"]
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("holdfast-tests", "Holdfast", "1", "1.2")
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str)
    -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(
        emitter: &SignalEmitter<'_>,
        id: u32,
        reason: u32,
    ) -> zbus::Result<()>;
}

/// The daemon on its bus, from the side of the test.
pub struct Notifications {
    connection: Connection,
    shown: watch::Receiver<Vec<Shown>>,
}

impl Notifications {
    pub async fn start(bus: &str) -> Self {
        let (sender, shown) = watch::channel(Vec::new());
        let daemon = Daemon {
            shown: sender,
            next: 0,
        };
        let connection = zbus::connection::Builder::address(bus)
            .and_then(|builder| builder.serve_at(PATH, daemon))
            .and_then(|builder| builder.name(NAME))
            .unwrap()
            .build()
            .await
            .unwrap();
        Self { connection, shown }
    }

    pub fn count(&self) -> usize {
        self.shown.borrow().len()
    }

    /// The next notification after the first `seen` that has a button with this label.
    pub async fn with_button(&mut self, label: &str, seen: usize) -> Shown {
        let found = |all: &Vec<Shown>| {
            let mut newer = all.iter().skip(seen);
            newer.find(|shown| shown.button(label).is_some()).cloned()
        };
        let arrived = self.shown.wait_for(|all| found(all).is_some());
        if let Ok(all) = tokio::time::timeout(Duration::from_secs(30), arrived).await {
            return found(&all.unwrap()).unwrap();
        }
        let all = self.shown.borrow().clone();
        panic!("no notification with a button {label:?} arrived; there are {all:#?}");
    }

    /// The next notification after the first `seen`.
    pub async fn after(&mut self, seen: usize) -> Shown {
        let arrived = self.shown.wait_for(|all| all.len() > seen);
        match tokio::time::timeout(Duration::from_secs(30), arrived).await {
            Ok(all) => all.unwrap()[seen].clone(),
            Err(_) => panic!("no further notification arrived"),
        }
    }

    /// Presses the button, as a person would; the daemon closes the notification with it.
    pub async fn press(&self, shown: &Shown, label: &str) {
        let action = shown.button(label).unwrap();
        self.invoke(shown, action).await;
    }

    /// Clicks on the text of the notification.
    pub async fn tap(&self, shown: &Shown) {
        self.invoke(shown, "default").await;
    }

    async fn invoke(&self, shown: &Shown, action: &str) {
        const DISMISSED_BY_USER: u32 = 2;
        let emitter = SignalEmitter::new(&self.connection, PATH).unwrap();
        Daemon::action_invoked(&emitter, shown.id, action)
            .await
            .unwrap();
        Daemon::notification_closed(&emitter, shown.id, DISMISSED_BY_USER)
            .await
            .unwrap();
    }
}
