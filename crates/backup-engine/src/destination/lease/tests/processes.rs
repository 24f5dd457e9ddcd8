//! The same among real processes: this test program, started again for one of its own tests.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStderr, Command, Stdio};

use super::*;

const PLACES: &str = "HOLDFAST_TEST_PLACES";
const STALE: &str = "HOLDFAST_TEST_STALE";

struct Contender {
    child: Child,
    said: BufReader<ChildStderr>,
}

impl Contender {
    fn start(places: &Path, stale: Duration) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["destination::lease::tests::processes::contend"])
            .args(["--exact", "--ignored", "--nocapture"])
            .env(PLACES, places)
            .env(STALE, stale.as_millis().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        Self { child, said }
    }

    /// One line: the places that it took, or still has.
    fn places(&mut self) -> Vec<String> {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn go_on(&mut self) {
        writeln!(self.child.stdin.as_mut().unwrap(), "go on").unwrap();
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// When told to, tries to take every place, all at once. Says which it took; and, when told to go on, which it still has.
#[test]
#[ignore = "a process of the other tests"]
fn contend() {
    let Some(places) = std::env::var_os(PLACES) else {
        return;
    };
    let stale = Duration::from_millis(std::env::var(STALE).unwrap().parse().unwrap());
    let name = std::process::id().to_string();
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let taken: Vec<(String, Lease)> = thread::scope(|scope| {
        let entries = fs::read_dir(places).unwrap().map(|entry| entry.unwrap());
        let threads: Vec<_> = entries
            .map(|entry| {
                let (path, place) = (entry.path(), entry.file_name());
                let name = &name;
                scope.spawn(move || match take(&path, name, LIVE, stale) {
                    Ok(lease) => Some((place.to_string_lossy().into_owned(), lease)),
                    Err(Error::InUse(_)) => None,
                    Err(error) => panic!("{error}"),
                })
            })
            .collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().unwrap())
            .collect()
    });
    let say = |places: Vec<&str>| eprintln!("{}", places.join(" "));
    say(taken.iter().map(|(place, _)| place.as_str()).collect());
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let kept = taken.iter().filter(|(_, lease)| lease.still_ours().is_ok());
    say(kept.map(|(place, _)| place.as_str()).collect());
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
fn of_processes_that_find_a_lease_stale_exactly_one_takes_it_over() {
    let places = tempfile::tempdir().unwrap();
    let names: Vec<String> = (100..130).map(|number| number.to_string()).collect();
    for name in &names {
        let root = places.path().join(name);
        fs::create_dir(&root).unwrap();
        fs::write(root.join("holdfast.json"), "{}").unwrap();
        let mut file = File::create(record::path(&root, 5)).unwrap();
        let gone = Record::Held(Holder::new(&device("gone")));
        gone.write(&mut file).unwrap();
    }
    let start = |_| Contender::start(places.path(), Duration::from_secs(3));
    let mut contenders: Vec<_> = (0..4).map(start).collect();
    contenders.iter_mut().for_each(Contender::go_on);
    for phase in ["taken", "kept"] {
        let mut all: Vec<String> = contenders.iter_mut().flat_map(Contender::places).collect();
        all.sort();
        assert_eq!(all, names, "{phase}");
        contenders.iter_mut().for_each(Contender::go_on);
    }
}

#[cfg(unix)]
#[test]
fn a_process_that_was_stopped_finds_out_when_it_goes_on() {
    let places = tempfile::tempdir().unwrap();
    let root = places.path().join("place");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("holdfast.json"), "{}").unwrap();
    let mut asleep = Contender::start(places.path(), HOUR);
    asleep.go_on();
    assert_eq!(asleep.places(), ["place"]);
    let id = asleep.child.id().to_string();
    let signal = |signal: &str| {
        let sent = Command::new("kill").args([signal, id.as_str()]).status();
        assert!(sent.unwrap().success());
    };
    signal("-STOP");
    let stopped = || {
        let mut state = Command::new("ps");
        state.args(["-o", "state=", "-p", &id]);
        let state = state.output().unwrap().stdout;
        state.starts_with(b"T")
    };
    while !stopped() {}
    let taker = take(&root, "taker", LIVE, Duration::from_millis(300));
    let taker = taker.ok().unwrap();
    asleep.go_on();
    signal("-CONT");
    assert!(asleep.places().is_empty(), "it knows that it lost");
    assert!(taker.still_ours().is_ok());
}
