//! A dialog of the system beside the app's window, and the keys that a person presses in it.

use std::time::Duration;

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ConnectionExt, EventMask, InputFocus, KEY_PRESS_EVENT,
    KEY_RELEASE_EVENT, MapState, Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

const PATIENCE: Duration = Duration::from_secs(30);
const RETURN: u32 = 0xff0d;
const SHIFT: u32 = 0xffe1;

/// A dialog that can be seen. It has the focus.
pub struct Dialog {
    connection: RustConnection,
    root: Window,
    window: Window,
}

impl Dialog {
    /// Waits until a dialog with this title can be seen.
    pub async fn shown(display: &str, title: &'static str) -> Self {
        let display = display.to_owned();
        let found = tokio::task::spawn_blocking(move || Self::wait(&display, title));
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(dialog) => dialog.unwrap(),
            Err(_) => panic!("the dialog {title:?} is not on the screen"),
        }
    }

    fn wait(display: &str, title: &str) -> Self {
        let (connection, number) = x11rb::connect(Some(display)).unwrap();
        let root = connection.setup().roots[number].root;
        let events = ChangeWindowAttributesAux::new().event_mask(EventMask::SUBSTRUCTURE_NOTIFY);
        let selected = connection.change_window_attributes(root, &events);
        selected.unwrap().check().unwrap();
        let window = loop {
            if let Some(window) = find(&connection, root, title) {
                break window;
            }
            connection.wait_for_event().unwrap();
        };
        let dialog = Self {
            connection,
            root,
            window,
        };
        dialog.focus(window);
        dialog
    }

    /// Types a path and presses the return key, and waits until the dialog has gone. `back`: the window that then has the
    /// focus.
    pub async fn answer(self, path: &str, back: Window) {
        for letter in path.chars() {
            self.press(u32::from(letter));
        }
        self.press(RETURN);
        let gone = tokio::task::spawn_blocking(move || {
            while self.is_there() {
                self.connection.wait_for_event().unwrap();
            }
            self.focus(back);
        });
        if tokio::time::timeout(PATIENCE, gone).await.is_err() {
            panic!("the dialog is still on the screen");
        }
    }

    fn is_there(&self) -> bool {
        is_viewable(&self.connection, self.window)
    }

    fn focus(&self, window: Window) {
        let focus =
            self.connection
                .set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME);
        focus.unwrap().check().unwrap();
    }

    /// The letters of Latin-1 have their numbers for key symbols.
    fn press(&self, symbol: u32) {
        let (code, shifted) = self.key(symbol);
        let shift = shifted.then(|| self.key(SHIFT).0);
        let keys = shift.into_iter().chain([code]);
        for key in keys.clone() {
            self.send(KEY_PRESS_EVENT, key);
        }
        for key in keys {
            self.send(KEY_RELEASE_EVENT, key);
        }
    }

    fn send(&self, event: u8, key: u8) {
        let (now, device) = (x11rb::CURRENT_TIME, 0);
        let sent = self
            .connection
            .xtest_fake_input(event, key, now, self.root, 0, 0, device);
        sent.unwrap().check().unwrap();
    }

    /// The key that gives a symbol, and whether it does so with the shift key.
    fn key(&self, symbol: u32) -> (u8, bool) {
        let (first, last) = {
            let setup = self.connection.setup();
            (setup.min_keycode, setup.max_keycode)
        };
        let mapping = self
            .connection
            .get_keyboard_mapping(first, last - first + 1)
            .unwrap()
            .reply()
            .unwrap();
        let rows = mapping.keysyms.chunks(mapping.keysyms_per_keycode as usize);
        for (code, row) in (first..).zip(rows) {
            if let Some(at) = row.iter().take(2).position(|found| *found == symbol) {
                return (code, at == 1);
            }
        }
        panic!("no key gives {symbol:#x}");
    }
}

fn find(connection: &RustConnection, root: Window, title: &str) -> Option<Window> {
    let children = connection.query_tree(root).unwrap().reply().unwrap();
    children.children.into_iter().find(|window| {
        let name = connection
            .get_property(false, *window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 64)
            .unwrap();
        // One that went away meanwhile is none.
        let named = name
            .reply()
            .is_ok_and(|name| name.value == title.as_bytes());
        named && is_viewable(connection, *window)
    })
}

fn is_viewable(connection: &RustConnection, window: Window) -> bool {
    let attributes = connection.get_window_attributes(window).unwrap().reply();
    attributes.is_ok_and(|attributes| attributes.map_state == MapState::VIEWABLE)
}
