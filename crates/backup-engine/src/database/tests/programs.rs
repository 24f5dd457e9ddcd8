//! Programs that use a database: this test binary again, in a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

const ROLE: &str = "HOLDFAST_TEST_ROLE";
const DATABASE: &str = "HOLDFAST_TEST_DATABASE";

pub struct Program {
    child: Child,
    /// Closed to end it.
    stdin: Option<ChildStdin>,
    lines: BufReader<std::process::ChildStderr>,
}

impl Program {
    /// Starts a program and waits until it says that it is ready.
    pub fn start(role: &str, database: &Path) -> Self {
        let program = std::env::current_exe().unwrap();
        Self::start_as(role, database, Command::new(program))
    }

    pub fn start_as(role: &str, database: &Path, mut command: Command) -> Self {
        command
            .args([
                "--exact",
                "database::tests::programs::program",
                "--ignored",
                "--nocapture",
            ])
            .env(ROLE, role)
            .env(DATABASE, database)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let lines = BufReader::new(child.stderr.take().unwrap());
        let mut program = Self {
            child,
            stdin,
            lines,
        };
        assert_eq!(program.line(), "ready");
        program
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Has a program that runs what it is told run this: the number in the first column, or "done".
    pub fn run(&mut self, sql: &str) -> String {
        writeln!(self.stdin.as_ref().unwrap(), "{sql}").unwrap();
        self.line()
    }

    /// Tells it to end, and returns what it still says.
    pub fn end(mut self) -> String {
        self.stdin = None;
        let mut text = String::new();
        self.lines.read_to_string(&mut text).unwrap();
        self.child.wait().unwrap();
        text.trim_end().to_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Not a test: what [`Program`] runs.
#[test]
#[ignore = "run by other tests, as a program of its own"]
fn program() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let path = std::path::PathBuf::from(std::env::var_os(DATABASE).unwrap());
    match role.as_str() {
        "holds a file" => {
            let _file = std::fs::File::open(path).unwrap();
            ready_and_wait();
        }
        "has it open" => {
            let connection = Connection::open(path).unwrap();
            let _: i64 = connection
                .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
                .unwrap();
            ready_and_wait();
        }
        "locks it" => {
            let connection = Connection::open(path).unwrap();
            connection
                .execute_batch(
                    "PRAGMA locking_mode = EXCLUSIVE; UPDATE t SET name = 'locked' WHERE n = 1;",
                )
                .unwrap();
            ready_and_wait();
        }
        "breaks off" => {
            let connection = Connection::open(path).unwrap();
            connection
                .execute_batch(
                    "PRAGMA cache_size = 5; BEGIN; UPDATE t SET body = randomblob(3000);",
                )
                .unwrap();
            eprintln!("ready");
            // As a crash: nothing is rolled back.
            std::process::abort();
        }
        "leaves its log" => {
            let connection = Connection::open(path).unwrap();
            connection
                .execute_batch("UPDATE t SET name = 'in the log' WHERE n = 1")
                .unwrap();
            eprintln!("ready");
            std::process::abort();
        }
        "reads as a stranger" => super::trouble::read_as_a_stranger(&path),
        "tokens" => {
            let token = super::super::ChangeToken::take(&path).unwrap();
            eprintln!("ready");
            eprintln!("{}", serde_json::to_string(&token).unwrap());
        }
        #[cfg(unix)]
        "asks who reads it" => {
            let holder = super::held::reader_of(&path);
            eprintln!("ready");
            eprintln!("{holder}");
        }
        "runs what it is told" => run_what_is_told(&path),
        "comes and goes" => come_and_go_until_told(&path),
        "commits" => commit_until_told(&path),
        other => panic!("{other}"),
    }
}

fn ready_and_wait() {
    eprintln!("ready");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn run_what_is_told(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::ZERO).unwrap();
    eprintln!("ready");
    for sql in std::io::stdin().lines() {
        let mut statement = connection.prepare(&sql.unwrap()).unwrap();
        if statement.column_count() == 0 {
            statement.execute([]).unwrap();
            eprintln!("done");
        } else {
            let number: i64 = statement.query_row([], |row| row.get(0)).unwrap();
            eprintln!("{number}");
        }
    }
}

/// Set once the program is to end.
fn told() -> Arc<AtomicBool> {
    let told = Arc::new(AtomicBool::new(false));
    let flag = told.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        flag.store(true, Ordering::SeqCst);
    });
    told
}

/// Opens it, gives every row the same new name, and closes it, which brings the log into the file; then a pause, in which
/// nobody has it open.
fn come_and_go_until_told(path: &Path) {
    let told = told();
    let mut round = 0_u32;
    while !told.load(Ordering::SeqCst) {
        let connection = Connection::open(path).unwrap();
        connection
            .execute("UPDATE t SET name = 'round ' || ?1", [round])
            .unwrap();
        drop(connection);
        round += 1;
        if round == 1 {
            eprintln!("ready");
        }
        std::thread::sleep(Duration::from_millis(u64::from(101 + round % 7)));
    }
    eprintln!("{round}");
}

/// How often a commit asks for a lock before it gives up.
const MOST_TRIES: i32 = 500;
/// How often any commit of this program had to ask.
static TRIES: AtomicI32 = AtomicI32::new(0);

/// Each try takes ten milliseconds, and longer on a machine that has other things to do: their number says how long a lock
/// was held, whatever else held the program up.
fn try_again(before: i32) -> bool {
    TRIES.fetch_max(before + 1, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(10));
    before < MOST_TRIES
}

/// Commits without a pause; says how many, how long the longest commit took, in milliseconds, and how often one tried in
/// vain to get a lock.
fn commit_until_told(path: &Path) {
    let mut connection = Connection::open(path).unwrap();
    connection.busy_handler(Some(try_again)).unwrap();
    connection
        .execute_batch("PRAGMA synchronous = OFF")
        .unwrap();
    let told = told();
    let (mut commits, mut longest) = (0_u64, Duration::ZERO);
    while !told.load(Ordering::SeqCst) {
        let started = Instant::now();
        connection
            .execute_batch("BEGIN IMMEDIATE; INSERT INTO t (name, body) VALUES (hex(randomblob(9)), randomblob(500)); UPDATE t SET body = randomblob(100) WHERE n = 1 + abs(random() % 100); COMMIT;")
            .unwrap();
        longest = longest.max(started.elapsed());
        commits += 1;
        if commits == 10 {
            eprintln!("ready");
        }
    }
    let tries = TRIES.load(Ordering::SeqCst);
    eprintln!("{commits} {} {tries}", longest.as_millis());
}
