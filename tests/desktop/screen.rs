//! A screen of its own (Xvfb), and of a window manager only as much as the tests need: which windows are visible, the
//! focus for a new one, and the close button.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::sync::watch;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt, EventMask, InputFocus,
    MapState, Window,
};
use x11rb::rust_connection::RustConnection;

use crate::process::{Process, installed};

const TITLE: &[u8] = b"Holdfast";
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Screen {
    _server: Process,
    pub display: String,
    connection: RustConnection,
    visible: watch::Receiver<Option<Window>>,
    pictures: PathBuf,
}

impl Screen {
    pub fn start(environment: &[(String, String)], logs: &Path, pictures: PathBuf) -> Self {
        let arguments = [
            "-displayfd",
            "1",
            "-screen",
            "0",
            "1024x768x24",
            "-nolisten",
            "tcp",
        ];
        let (server, output) =
            Process::start_and_listen(&installed("Xvfb"), arguments, environment, logs);
        let mut number = String::new();
        // The number comes when the server is ready for connections.
        BufReader::new(output).read_line(&mut number).unwrap();
        let display = format!(":{}", number.trim());
        let (sender, visible) = watch::channel(None);
        let (watching, root) = connect(&display);
        std::thread::spawn(move || watch_windows(&watching, root, &sender));
        let (connection, _) = connect(&display);
        Self {
            _server: server,
            display,
            connection,
            visible,
            pictures,
        }
    }

    /// Waits until the app's window can be seen.
    pub async fn window(&mut self) -> Window {
        let shown = self.visible.wait_for(Option::is_some);
        match tokio::time::timeout(PATIENCE, shown).await {
            Ok(window) => window.unwrap().unwrap(),
            Err(_) => panic!("the window is not on the screen"),
        }
    }

    pub fn has_window(&self) -> bool {
        self.visible.borrow().is_some()
    }

    /// Takes the focus from the window, as when a person turns to another program.
    pub fn look_away(&self) {
        self.connection
            .set_input_focus(InputFocus::PARENT, x11rb::NONE, x11rb::CURRENT_TIME)
            .unwrap()
            .check()
            .unwrap();
    }

    /// Clicks the close button that a window manager would draw, and waits until the window has gone.
    pub async fn close_window(&mut self) {
        let window = self.window().await;
        let atom = |name: &[u8]| {
            let cookie = self.connection.intern_atom(false, name).unwrap();
            cookie.reply().unwrap().atom
        };
        let data = [atom(b"WM_DELETE_WINDOW"), x11rb::CURRENT_TIME, 0, 0, 0];
        let message = ClientMessageEvent::new(32, window, atom(b"WM_PROTOCOLS"), data);
        self.connection
            .send_event(false, window, EventMask::NO_EVENT, message)
            .unwrap();
        self.connection.flush().unwrap();
        let gone = self.visible.wait_for(Option::is_none);
        if tokio::time::timeout(PATIENCE, gone).await.is_err() {
            panic!("the window is still on the screen");
        }
    }

    /// Takes a picture of the whole screen.
    pub fn picture(&self, name: &str) {
        let status = Command::new(installed("import"))
            .args(["-display", &self.display, "-window", "root"])
            .arg(self.pictures.join(format!("{name}.png")))
            .status()
            .unwrap();
        assert!(status.success(), "no picture of {name}");
    }
}

fn connect(display: &str) -> (RustConnection, Window) {
    let (connection, number) = x11rb::connect(Some(display)).unwrap();
    let root = connection.setup().roots[number].root;
    (connection, root)
}

/// Follows the windows on the screen until the server ends.
fn watch_windows(
    connection: &RustConnection,
    root: Window,
    visible: &watch::Sender<Option<Window>>,
) {
    let events = ChangeWindowAttributesAux::new()
        .event_mask(EventMask::SUBSTRUCTURE_NOTIFY | EventMask::PROPERTY_CHANGE);
    let selected = connection.change_window_attributes(root, &events);
    if selected.is_err() || connection.flush().is_err() {
        return;
    }
    while let Ok(event) = connection.wait_for_event() {
        let Ok(found) = find(connection, root) else {
            continue; // A window went away while it was looked at; another event says so.
        };
        visible.send_if_modified(|known| std::mem::replace(known, found) != found);
        if let (Event::MapNotify(mapped), Some(window)) = (event, found)
            && mapped.window == window
        {
            let focused =
                connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME);
            let _ = focused.map(|cookie| cookie.ignore_error());
            let _ = connection.flush();
        }
    }
}

/// The visible window of the app.
fn find(
    connection: &RustConnection,
    root: Window,
) -> Result<Option<Window>, x11rb::errors::ReplyError> {
    for window in connection.query_tree(root)?.reply()?.children {
        let attributes = connection.get_window_attributes(window)?.reply()?;
        let title = connection
            .get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 64)?
            .reply()?;
        if attributes.map_state == MapState::VIEWABLE && title.value == TITLE {
            return Ok(Some(window));
        }
    }
    Ok(None)
}
