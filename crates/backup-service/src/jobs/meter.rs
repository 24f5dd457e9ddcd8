//! From the engine's steps to progress for a person: a percentage that never goes back, a rate and the time left.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use backup_api::Progress;
use backup_engine::Step;

/// The rate is that of this long.
const WINDOW: Duration = Duration::from_secs(4);
/// Before this has passed a rate says little.
const SETTLED: Duration = Duration::from_millis(400);
/// As long as the work is not durable.
const ALMOST: f64 = 99.0;

#[derive(Debug)]
pub(crate) struct Meter {
    progress: Progress,
    /// When how many bytes were done, oldest first.
    samples: VecDeque<(Instant, u64)>,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            progress: Progress::default(),
            samples: VecDeque::new(),
        }
    }

    /// Takes a step at this moment and returns where the job is.
    pub(crate) fn take(&mut self, step: Step, now: Instant) -> Progress {
        let before = &self.progress;
        let done = step.done.max(before.bytes_done);
        let total = if step.total > 0 {
            step.total.max(before.bytes_total)
        } else {
            before.bytes_total
        };
        let share = if total > 0 {
            done.min(total) as f64 / total as f64
        } else {
            0.0
        };
        let percentage = (share * ALMOST).clamp(before.percentage, ALMOST);
        let bytes_per_second = self.rate(now, done);
        let seconds_left = bytes_per_second
            .filter(|rate| *rate > 0.0 && total > done)
            .map(|rate| (total - done) as f64 / rate);
        self.progress = Progress {
            bytes_done: done,
            bytes_total: total,
            percentage,
            bytes_per_second,
            seconds_left,
        };
        self.progress
    }

    fn rate(&mut self, now: Instant, done: u64) -> Option<f64> {
        self.samples.push_back((now, done));
        while self.samples.len() > 2
            && self
                .samples
                .get(1)
                .is_some_and(|(at, _)| now.duration_since(*at) > WINDOW)
        {
            self.samples.pop_front();
        }
        let (start, before) = self.samples.front()?;
        let took = now.duration_since(*start);
        (took >= SETTLED).then(|| (done - before) as f64 / took.as_secs_f64())
    }

    /// The work is durable.
    pub(crate) fn completed(last: Progress) -> Progress {
        let bytes_total = last.bytes_total.max(last.bytes_done);
        Progress {
            bytes_done: bytes_total,
            bytes_total,
            percentage: 100.0,
            bytes_per_second: None,
            seconds_left: None,
        }
    }

    /// It ended in another way, where it was.
    pub(crate) fn stopped(last: Progress) -> Progress {
        Progress {
            bytes_per_second: None,
            seconds_left: None,
            ..last
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backup_engine::Phase;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_the_engine_says_progress_never_goes_back_nor_reaches_the_end(
            steps in proptest::collection::vec((0u64..2_000, 0u64..1_000, 0u64..900), 1..60)
        ) {
            let (mut meter, mut now) = (Meter::new(), Instant::now());
            let mut last = Progress::default();
            for (done, total, passed) in steps {
                now += Duration::from_millis(passed);
                let progress = meter.take(Step { phase: Phase::Storing, done, total }, now);
                prop_assert!(progress.percentage >= last.percentage && progress.percentage <= ALMOST);
                prop_assert!(progress.bytes_done >= last.bytes_done && progress.bytes_total >= last.bytes_total);
                prop_assert!(progress.bytes_per_second.is_none_or(|rate| rate.is_finite() && rate >= 0.0));
                prop_assert!(progress.seconds_left.is_none_or(|left| left.is_finite() && left >= 0.0));
                last = progress;
            }
            prop_assert_eq!(Meter::completed(last).percentage, 100.0);
        }
    }

    #[test]
    fn a_steady_job_is_told_its_rate_and_the_time_that_is_left() {
        let (mut meter, start) = (Meter::new(), Instant::now());
        let mut last = Progress::default();
        for second in 0..=5u64 {
            let step = Step {
                phase: Phase::Storing,
                done: second * 10,
                total: 100,
            };
            last = meter.take(step, start + Duration::from_secs(second));
        }
        assert_eq!(last.bytes_per_second, Some(10.0));
        assert_eq!(last.seconds_left, Some(5.0));
    }
}
