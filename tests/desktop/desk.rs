//! A private desktop: folders, screen, bus, tray and notification daemon that nothing else on the machine sees, and the
//! app on it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use futures::FutureExt;
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::notifications::Notifications;
use crate::process::{Process, installed};
use crate::screen::Screen;
use crate::tray::Tray;
use crate::window::Window;

/// Names no service that the bus could start by itself: whatever the machine has installed stays out.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=RUNTIME</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

#[derive(Clone, Copy, PartialEq)]
pub enum Look {
    Light,
    Dark,
}

// The order of the fields is the order in which they end: the app first, then what it stands on.
pub struct Desk {
    driver: Option<Process>,
    services: Vec<Process>,
    pub tray: Tray,
    pub notifications: Notifications,
    pub screen: Screen,
    _bus: Process,
    environment: Vec<(String, String)>,
    logs: PathBuf,
    home: TempDir,
}

/// Tells one story on a desktop of its own, one at a time: they measure progress, and two would disturb each other.
pub async fn story(name: &str, look: Look, tell: impl AsyncFnOnce(&mut Desk)) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
    let _turn = ONE_AT_A_TIME.lock().await;
    let mut desk = Desk::new(look).await;
    let told = AssertUnwindSafe(tell(&mut desk)).catch_unwind().await;
    if let Err(panic) = told {
        desk.screen.picture(&format!("failed-{name}"));
        desk.print_logs();
        std::panic::resume_unwind(panic);
    }
}

impl Desk {
    async fn new(look: Look) -> Self {
        let home = tempfile::Builder::new()
            .prefix("holdfast-desk-")
            .tempdir()
            .unwrap();
        let logs = home.path().join("logs");
        let pictures = target().join("screenshots");
        for folder in [&logs, &pictures] {
            fs::create_dir_all(folder).unwrap();
        }
        let mut environment = environment(home.path(), look);
        let screen = Screen::start(&environment, &logs, pictures);
        environment.push(("DISPLAY".into(), screen.display.clone()));
        let (bus, address) = start_bus(home.path(), &environment, &logs);
        environment.push(("DBUS_SESSION_BUS_ADDRESS".into(), address.clone()));
        Self {
            driver: None,
            services: Vec::new(),
            tray: Tray::start(&address).await,
            notifications: Notifications::start(&address).await,
            screen,
            _bus: bus,
            environment,
            logs,
            home,
        }
    }

    /// Starts the app under a WebDriver, and waits for its window.
    pub async fn start_app(&mut self) -> Window {
        let [port, native_port] = free_ports().map(|port| port.to_string());
        let driver = target().join("tools/bin/tauri-driver");
        let native = installed("WebKitWebDriver");
        let arguments = [
            "--port",
            &port,
            "--native-port",
            &native_port,
            "--native-driver",
        ];
        let arguments = arguments.into_iter().chain(native.to_str());
        let driver = Process::start(&driver, arguments, &self.environment, &self.logs);
        self.driver = Some(driver);
        let window = Window::open([&port, &native_port], &built("holdfast-app")).await;
        self.screen.window().await;
        window
    }

    /// Starts a service that any program may use, with folders of its own, and gives its data folder.
    pub fn start_service(&mut self, name: &str) -> PathBuf {
        let data = self.home.path().join(name);
        let folder = |name: &str| data.join(name).to_str().unwrap().to_owned();
        let (data_dir, destination) = (folder("data"), folder("backups"));
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &data_dir];
        let more = [
            "--destination",
            &destination,
            "--allow-clients",
            "--unattended",
        ];
        let (service, output) = Process::start_and_listen(
            &built("holdfast"),
            arguments.into_iter().chain(more),
            &self.environment,
            &self.logs,
        );
        let mut line = String::new();
        // The line comes when requests are answered.
        BufReader::new(output).read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on "), "{line}");
        self.services.push(service);
        data_dir.into()
    }

    /// Starts the app once more, as a person who does not know that it runs, and gives its exit code.
    pub async fn start_again(&self) -> Option<i32> {
        let second = Process::start(&built("holdfast-app"), [], &self.environment, &self.logs);
        tokio::task::spawn_blocking(|| second.wait()).await.unwrap()
    }

    /// The app's data folder, where a person's would be too.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data/holdfast")
    }

    fn print_logs(&self) {
        for entry in fs::read_dir(&self.logs).unwrap() {
            let file = entry.unwrap().path();
            let text = fs::read(&file).unwrap();
            let text = String::from_utf8_lossy(&text);
            let lines: Vec<_> = text.lines().collect();
            let last = lines.len().saturating_sub(60);
            eprintln!("--- {}\n{}", file.display(), lines[last..].join("\n"));
        }
    }
}

fn environment(home: &Path, look: Look) -> Vec<(String, String)> {
    let mut environment = vec![
        ("PATH".into(), std::env::var("PATH").unwrap()),
        ("LANG".into(), "C.UTF-8".into()),
        ("GDK_BACKEND".into(), "x11".into()),
        // There is no accessibility bus here; looking for one only costs time.
        ("NO_AT_BRIDGE".into(), "1".into()),
        ("RUST_BACKTRACE".into(), "1".into()),
        ("RUST_LOG".into(), "info".into()),
    ];
    let folders = [
        ("HOME", "home"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_RUNTIME_DIR", "run"),
        ("XDG_STATE_HOME", "state"),
    ];
    for (name, folder) in folders {
        let folder = home.join(folder);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        environment.push((name.into(), folder.to_str().unwrap().into()));
    }
    if look == Look::Dark {
        let settings = home.join("config/gtk-3.0");
        fs::create_dir(&settings).unwrap();
        let dark = "[Settings]\ngtk-application-prefer-dark-theme=1\n";
        fs::write(settings.join("settings.ini"), dark).unwrap();
    }
    environment
}

fn start_bus(home: &Path, environment: &[(String, String)], logs: &Path) -> (Process, String) {
    let runtime = home.join("run");
    let config = home.join("bus.xml");
    fs::write(&config, BUS.replace("RUNTIME", runtime.to_str().unwrap())).unwrap();
    let config = format!("--config-file={}", config.display());
    let arguments = [&config, "--nofork", "--nopidfile", "--print-address=1"];
    let (bus, output) =
        Process::start_and_listen(&installed("dbus-daemon"), arguments, environment, logs);
    let mut address = String::new();
    // The address comes when the bus is ready for connections.
    BufReader::new(output).read_line(&mut address).unwrap();
    (bus, address.trim().to_owned())
}

/// The folder that cargo builds into: this test lies in `debug/deps` there.
fn target() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().to_path_buf()
}

/// A program of this workspace.
fn built(name: &str) -> PathBuf {
    let program = target().join("debug").join(name);
    assert!(
        program.is_file(),
        "{} is missing; `cargo xtask e2e` builds it",
        program.display()
    );
    program
}

fn free_ports() -> [u16; 2] {
    // Both are held until both are known, so that they differ.
    let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}
