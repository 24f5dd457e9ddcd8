//! Running a program that ends: how long it took, and the most memory it had.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one step of one program cost.
#[derive(Clone, Copy)]
pub struct Cost {
    pub took: Duration,
    pub memory: u64,
}

/// Runs it to its end; an exit code other than 0 ends the bench, because its figure would mean nothing.
pub fn run(command: &mut Command) -> Cost {
    let start = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut errors = child.stderr.take().expect("it is piped");
    let said = std::thread::spawn(move || std::io::read_to_string(&mut errors));
    let mut memory = 0;
    // The kernel forgets a process's peak when it ends, so it is sampled; it only grows, so little is missed.
    let status = loop {
        memory = peak_memory(child.id()).unwrap_or(0).max(memory);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let took = start.elapsed();
    // Said only where it matters: borg gives advice at each repository that it makes.
    let said = said.join().unwrap().unwrap();
    assert!(status.success(), "{command:?}: {status}\n{said}");
    Cost { took, memory }
}

/// The first line that a program says of itself; `None` where it is not installed.
pub fn version(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().map(str::to_owned)
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

/// Lets the kernel count the peak anew from what the process has now: a service lives longer than one step.
pub fn forget_peak_memory(pid: u32) {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
}
