//! The built program on folders of its own, with a home that is nobody's, and the ways to run it that the tests of this
//! crate share.
#![allow(dead_code)]

pub mod played;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};

use serde_json::{Value, json};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_holdfast");

/// Folders for one library, and a private home.
pub struct Desk(tempfile::TempDir);

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// It failed with this code, and said why in one line that holds all of these.
    pub fn failed(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        assert!(self.err.starts_with("holdfast: "), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in {self:?}");
        }
    }
}

impl Desk {
    pub fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(desk.home()).unwrap();
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Any program, in the private home and without the settings and the keychain of whoever runs the tests.
    pub fn any(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.home())
            .env("TERM", "dumb");
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command.stdin(Stdio::null());
        command
    }

    /// The program with the folders of this desk.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.any(PROGRAM);
        command.arg("--data-dir").arg(self.path("data"));
        command.arg("--destination").arg(self.path("destination"));
        command.arg("--no-keychain").args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// Standard output read as one JSON value.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.run(&[&["--json"], arguments].concat()).ok();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// Writes `count` assets into a file.
    pub fn document(&self, count: u64, length: usize) -> String {
        let assets: Vec<Value> = (0..count).map(|number| asset(number, length)).collect();
        self.file("assets.json", &json!({ "iterable": assets }).to_string())
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    pub fn import(&self, count: u64, length: usize) {
        self.run(&["import", &self.document(count, length)]).ok();
    }

    pub fn back_up(&self) -> String {
        let said = self.run(&["backup"]).ok();
        let id = said.strip_prefix("Backed up as ").unwrap();
        id.split(", ").next().unwrap().to_owned()
    }

    /// The ids of the backups, newest first.
    pub fn backups(&self) -> Vec<String> {
        let list = self.json(&["list"]);
        let ids = list["iterable"].as_array().unwrap().iter();
        ids.map(|backup| backup["id"].as_str().unwrap().to_owned())
            .collect()
    }

    pub fn count(&self) -> u64 {
        self.json(&["status"])["library"]["assets"]
            .as_u64()
            .unwrap()
    }

    /// The undo that is offered, or null.
    pub fn undo(&self) -> Value {
        self.json(&["status"])["undo"].clone()
    }

    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::of(self.command(arguments))
    }

    /// `holdfast serve` on a port that the system gives.
    pub fn serve(&self, more: &[&str]) -> Serving {
        let mut running = self.start(&[&["serve", "--listen", "127.0.0.1:0"], more].concat());
        let line = running.line();
        let address = line.strip_prefix("listening on http://127.0.0.1:");
        let port = address
            .unwrap_or_else(|| panic!("{line:?}"))
            .parse()
            .unwrap();
        Serving { running, port }
    }

    /// The program on a terminal, with what a person types.
    pub fn on_terminal(&self, line: &str, typed: &str) -> (i32, String) {
        let mut command = self.any("script");
        command.args(["-qec", line, "/dev/null"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .expect("script, of bsdutils, gives a terminal");
        child
            .stdin
            .take()
            .unwrap()
            .write_all(typed.as_bytes())
            .unwrap();
        let ran = Ran::from(child.wait_with_output().unwrap());
        (ran.code, ran.out)
    }
}

/// A program that runs; it is killed when this is dropped.
pub struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
}

impl Running {
    pub fn of(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let err = BufReader::new(child.stderr.take().unwrap());
        Self { child, out, err }
    }

    /// The next line of its standard output.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next line of its standard error.
    pub fn said(&mut self) -> String {
        let mut line = String::new();
        self.err.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub fn signal(&self, name: &str) {
        let number = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &number])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub fn end(mut self) -> Ran {
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.err.read_to_string(&mut err).unwrap();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Ran { code, out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Serving {
    pub running: Running,
    pub port: u16,
}

impl Serving {
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn asset(number: u64, length: usize) -> Value {
    let time = json!({"value": "2026-01-02T03:04:05Z"});
    let mut state = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::with_capacity(length + 16);
    while text.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(&format!("{state:016x}"));
    }
    json!({"id": format!("asset-{number:06}"), "name": format!("Snippet {number}"), "created": time, "updated": time,
        "creator": "test", "formats": {}, "mechanism": "MANUAL", "original": "o", "preview": {}, "text": text})
}

/// Where this checkout is.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}
