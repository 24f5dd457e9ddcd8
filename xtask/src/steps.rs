//! A run of named steps: each is announced and timed, the first failure ends the run, and a summary closes it.

use std::time::{Duration, Instant};

use crate::command::Failure;

pub struct Steps {
    started: Instant,
    finished: Vec<(String, Duration)>,
}

impl Steps {
    pub fn begin() -> Self {
        Self {
            started: Instant::now(),
            finished: Vec::new(),
        }
    }

    /// Runs one step; what it prints stands between its two lines.
    pub fn step(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        println!("==> {name}");
        let started = Instant::now();
        let result = work();
        let took = started.elapsed();
        match result {
            Ok(()) => {
                println!("    {name}: {}\n", seconds(took));
                self.finished.push((name.to_owned(), took));
                Ok(())
            }
            Err(failure) => {
                self.print_summary();
                Err(Failure::new(format!(
                    "step \"{name}\" failed after {}: {failure}",
                    seconds(took)
                )))
            }
        }
    }

    /// The closing summary of a run without a failure.
    pub fn end(self) {
        self.print_summary();
        println!("All {} steps passed.", self.finished.len());
    }

    fn print_summary(&self) {
        println!("\nSteps that passed:");
        for (name, took) in &self.finished {
            println!("  {:>9}  {name}", seconds(*took));
        }
        println!("  {:>9}  in all", seconds(self.started.elapsed()));
    }
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        whole @ 0..=119 => format!("{whole}.{} s", time.subsec_millis() / 100),
        whole => format!("{} min {:02} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_to_read() {
        assert_eq!(seconds(Duration::from_millis(1_250)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(119)), "119.0 s");
        assert_eq!(seconds(Duration::from_secs(605)), "10 min 05 s");
    }

    #[test]
    fn a_failure_names_its_step() {
        let failure = Steps::begin().step("lint", || Err(Failure::new("three warnings")));
        assert!(failure.is_err_and(|failure| {
            let text = failure.to_string();
            text.starts_with("step \"lint\" failed") && text.ends_with("three warnings")
        }));
    }
}
