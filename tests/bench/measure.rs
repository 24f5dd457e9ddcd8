//! Figures of several rounds, and how they are printed.

use std::path::Path;
use std::time::{Duration, Instant};

/// One program's figures, by what was measured, in the order in which they came.
pub struct Rounds {
    name: &'static str,
    figures: Vec<(&'static str, Unit, Vec<f64>)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Seconds,
    Bytes,
}

impl Rounds {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            figures: Vec::new(),
        }
    }

    pub fn time(&mut self, what: &'static str, took: Duration) {
        self.add(what, Unit::Seconds, took.as_secs_f64());
    }

    pub fn bytes(&mut self, what: &'static str, bytes: u64) {
        self.add(what, Unit::Bytes, bytes as f64);
    }

    fn add(&mut self, what: &'static str, unit: Unit, value: f64) {
        match self.figures.iter_mut().find(|figure| figure.0 == what) {
            Some(figure) => figure.2.push(value),
            None => self.figures.push((what, unit, vec![value])),
        }
    }

    fn median(&self, what: &str) -> Option<f64> {
        let mut values = self
            .figures
            .iter()
            .find(|figure| figure.0 == what)?
            .2
            .clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}

/// The medians of both, and ours as a multiple of theirs.
pub fn print(ours: &Rounds, theirs: &Rounds) {
    println!(
        "{:<34}{:>12}{:>12}{:>10}   (medians of {} rounds)",
        "",
        ours.name,
        theirs.name,
        "ratio",
        ours.figures[0].2.len()
    );
    for (what, unit, _) in &ours.figures {
        let mine = ours.median(what).unwrap();
        let shown = |value: f64| match unit {
            Unit::Seconds => format!("{value:.2} s"),
            Unit::Bytes => megabytes(value as u64),
        };
        let (other, ratio) = match theirs.median(what) {
            Some(other) => (shown(other), format!("{:.2}", mine / other)),
            None => ("–".into(), "–".into()),
        };
        println!("  {what:<32}{:>12}{other:>12}{ratio:>10}", shown(mine));
    }
    let share = ours.median("added by the second backup").unwrap()
        / ours.median("stored by the first backup").unwrap();
    println!(
        "  the second backup added {:.1}% of the first one's size\n",
        share * 100.0
    );
}

pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

pub fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times[times.len() / 2]
}

pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

pub fn folder_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|entry| {
            if entry.path().is_dir() {
                folder_bytes(&entry.path())
            } else {
                entry.metadata().unwrap().len()
            }
        })
        .sum()
}

/// The most memory a process has had resident so far, as the kernel counts it. Linux only.
pub fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}
