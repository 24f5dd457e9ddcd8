//! What a person does with Holdfast, told from beginning to end, and what several stories look at.

mod another_service;
mod background;
mod cancel;
mod folders;
mod main_job;
mod no_tray;
mod passphrase;

use crate::window::Seen;

/// The page showed several steps, none behind the one before, and no end before the end.
fn progress_moved(seen: &[Seen]) {
    let percentages: Vec<f64> = seen.iter().map(|step| step.percentage).collect();
    assert!(percentages.is_sorted(), "progress ran backwards: {seen:#?}");
    let moving = seen.iter().filter(|step| step.state == "running");
    let steps = moving.filter(|step| step.percentage > 0.0 && step.percentage < 100.0);
    assert!(steps.count() >= 3, "progress did not move: {seen:#?}");
    let phases: Vec<_> = seen.iter().map(|step| &step.phase).collect();
    assert!(phases.iter().any(|phase| *phase != phases[0]), "{phases:?}");
}

/// Whether `text` gives this number of bytes in MB or GB, as powers of ten.
fn sizes(text: &str, bytes: u64) -> bool {
    let (number, unit) = text
        .split_once(['\u{a0}', '\u{202f}', ' '])
        .unwrap_or((text, ""));
    let unit = match unit {
        "GB" => 1e9,
        "MB" => 1e6,
        "kB" => 1e3,
        _ => return false,
    };
    let said = number.parse::<f64>().unwrap_or(-1.0) * unit;
    (said - bytes as f64).abs() <= bytes as f64 * 0.05
}
