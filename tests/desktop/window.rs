//! The window through WebDriver: clicks, texts, and waiting for what the page shows.

use std::path::Path;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::TimeoutConfiguration;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde::Deserialize;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);
/// Between two questions to a driver about what it does not tell by itself.
const ASK_AGAIN: Duration = Duration::from_millis(10);

/// Answers as soon as EXPRESSION is there, looking again whenever the page, its size or its focus has changed.
const UNTIL: &str = r#"
const limit = arguments[0], done = arguments[arguments.length - 1];
const one = (id) => document.querySelector(`[data-testid="${id}"]`);
const all = (id) => [...document.querySelectorAll(`[data-testid="${id}"]`)];
const row = (backup) => document.querySelector(`[data-testid="backup-row"][data-backup-id="${backup}"]`);
const end = (value) => { observer.disconnect(); over.abort(); clearTimeout(timer); done(value); };
const look = () => { const found = (EXPRESSION); if (found ?? false) end(found); };
const observer = new MutationObserver(look);
const over = new AbortController();
for (const event of ["focus", "blur", "resize"]) window.addEventListener(event, look, { signal: over.signal });
const timer = setTimeout(() => end(null), limit);
observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
look();
"#;

/// Keeps each state of the job that the page has shown, however briefly.
const FOLLOW_JOB: &str = r#"
window.followed?.disconnect();
window.seen = [];
const note = () => {
  const job = document.querySelector('[data-testid="job"]')?.dataset;
  if (!job) return;
  const now = { state: job.state, phase: job.phase, percentage: Number(job.percentage) };
  if (JSON.stringify(now) !== JSON.stringify(window.seen.at(-1))) window.seen.push(now);
};
window.followed = new MutationObserver(note);
window.followed.observe(document, { subtree: true, childList: true, attributes: true });
"#;

/// Keeps what goes wrong in the page from now on.
const NOTE_ERRORS: &str = r#"
window.errors = [];
window.addEventListener("error", (event) => window.errors.push(`${event.message} ${event.error?.stack ?? ""}`));
window.addEventListener("unhandledrejection", (event) => window.errors.push(`${event.reason} ${event.reason?.stack ?? ""}`));
"#;

/// What a person and a developer would see of a page that does not do what it should.
const REPORT: &str =
    r#"return `${document.body.innerText}\n--- errors:\n${(window.errors ?? []).join("\n")}`"#;

/// A picture is of what has been painted, so it waits for some frames: the page is drawn by another process.
const PAINTED: &str = "
const done = arguments[0];
const after = (frames) => (frames ? requestAnimationFrame(() => after(frames - 1)) : done(1));
after(4);
";

/// The job as the page showed it at one moment.
#[derive(Clone, Debug, Deserialize)]
pub struct Seen {
    pub state: String,
    pub phase: String,
    pub percentage: f64,
}

pub struct Window {
    client: Client,
}

impl Window {
    /// Starts the app through the driver on the first of `ports`, which hands on to the native driver on the second.
    pub async fn open(ports: [&str; 2], app: &Path) -> Self {
        let address = format!("http://127.0.0.1:{}", ports[0]);
        for port in ports {
            wait_for_driver(port).await;
        }
        let capabilities = json!({
            "browserName": "wry",
            "tauri:options": { "application": app },
        });
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&address)
            .await
            .unwrap();
        let script = Some(PATIENCE * 2);
        let timeouts = TimeoutConfiguration::new(script, Some(PATIENCE), Some(Duration::ZERO));
        client.update_timeouts(timeouts).await.unwrap();
        client.execute(NOTE_ERRORS, vec![]).await.unwrap();
        Self { client }
    }

    /// Goes on in the window that took the place of one that was closed.
    pub async fn switch_to_new(&self) {
        let found = async {
            loop {
                // The driver does not tell of new windows, so this asks until there is one.
                if let Some(handle) = self.client.windows().await.unwrap().pop() {
                    return handle;
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
        };
        let handle = tokio::time::timeout(PATIENCE, found).await;
        let handle = handle.expect("the driver sees no new window");
        self.client.switch_to_window(handle).await.unwrap();
        self.client.execute(NOTE_ERRORS, vec![]).await.unwrap();
    }

    /// Waits for a value of `expression` that is neither null nor false. It may use `one(id)`, `all(id)`, `row(backup)`.
    pub async fn until(&self, expression: &str) -> Value {
        let script = UNTIL.replace("EXPRESSION", expression);
        let limit = json!(PATIENCE.as_millis() as u64);
        let found = self.client.execute_async(&script, vec![limit]).await;
        match found {
            Ok(Value::Null) => {
                let page = self.client.execute(REPORT, vec![]).await;
                let page = page.map_or_else(
                    |error| error.to_string(),
                    |text| text.as_str().unwrap_or_default().to_owned(),
                );
                panic!("the page never fulfilled: {expression}\n--- page:\n{page}")
            }
            Ok(found) => found,
            Err(error) => panic!("{expression}: {error}"),
        }
    }

    /// Waits for the element and clicks it as a pointer would.
    pub async fn click(&self, id: &str) {
        self.click_at(&format!(r#"[data-testid="{id}"]"#)).await;
    }

    /// The same within the row of one backup.
    pub async fn click_in_row(&self, backup: &str, id: &str) {
        let row = format!(r#"[data-testid="backup-row"][data-backup-id="{backup}"]"#);
        self.click_at(&format!(r#"{row} [data-testid="{id}"]"#))
            .await;
    }

    /// The same in the line of one thing in a backup that is looked into.
    pub async fn click_entry(&self, path: &str, id: &str) {
        let line = format!(r#"[data-testid="entry"][data-path="{path}"]"#);
        self.click_at(&format!(r#"{line} [data-testid="{id}"]"#))
            .await;
    }

    /// Waits for the field and types into it.
    pub async fn type_into(&self, id: &str, text: &str) {
        self.until(&format!("one('{id}')")).await;
        let selector = format!(r#"[data-testid="{id}"]"#);
        let field = self.client.find(Locator::Css(&selector)).await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Takes away what was typed into the field.
    pub async fn clear(&self, id: &str) {
        let selector = format!(r#"[data-testid="{id}"]"#);
        let field = self.client.find(Locator::Css(&selector)).await.unwrap();
        field.clear().await.unwrap();
    }

    async fn click_at(&self, selector: &str) {
        let script = format!("document.querySelector(`{selector}:not(:disabled)`) && true");
        self.until(&script).await;
        let element: Element = self.client.find(Locator::Css(selector)).await.unwrap();
        if let Err(error) = element.click().await {
            panic!("{selector} cannot be clicked: {error}");
        }
    }

    pub async fn text(&self, id: &str) -> String {
        let text = self.until(&format!("one('{id}')?.innerText")).await;
        text.as_str().unwrap().to_owned()
    }

    /// Notes from now on how the job is shown.
    pub async fn follow_job(&self) {
        self.client.execute(FOLLOW_JOB, vec![]).await.unwrap();
    }

    /// What [`Window::follow_job`] has noted.
    pub async fn followed(&self) -> Vec<Seen> {
        let seen = self.client.execute("return window.seen", vec![]).await;
        serde_json::from_value(seen.unwrap()).unwrap()
    }

    pub async fn evaluate(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.client.execute(&script, vec![]).await.unwrap()
    }

    pub async fn resize(&self, width: u32, height: u32) {
        self.client.set_window_size(width, height).await.unwrap();
        self.until(&format!("window.innerWidth === {width} || null"))
            .await;
    }

    /// Waits until what the page holds can be seen.
    pub async fn painted(&self) {
        self.client.execute_async(PAINTED, vec![]).await.unwrap();
    }
}

/// A driver says nothing when it is ready, so this asks until it answers.
async fn wait_for_driver(port: &str) {
    let address = format!("127.0.0.1:{port}");
    let answers = async {
        while tokio::net::TcpStream::connect(&address).await.is_err() {
            tokio::time::sleep(ASK_AGAIN).await;
        }
    };
    if tokio::time::timeout(PATIENCE, answers).await.is_err() {
        panic!("no driver answers on port {port}");
    }
}
