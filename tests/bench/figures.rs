//! Figures of several rounds, and the table that is printed of them.

use std::fmt::Write;
use std::time::Duration;

use crate::child::Cost;

/// Whose figures are divided by those of the others.
pub const OURS: &str = "holdfast";

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Seconds,
    Bytes,
}

struct Figure {
    group: &'static str,
    what: &'static str,
    program: &'static str,
    unit: Unit,
    values: Vec<f64>,
}

/// Of one case: what each program took for what, in the order in which it was measured.
#[derive(Default)]
pub struct Figures(Vec<Figure>);

impl Figures {
    pub fn time(&mut self, program: &'static str, what: &'static str, took: Duration) {
        self.add("time", what, program, Unit::Seconds, took.as_secs_f64());
    }

    pub fn cost(&mut self, program: &'static str, what: &'static str, cost: Cost) {
        self.time(program, what, cost.took);
        self.bytes(program, "peak memory", what, cost.memory);
    }

    pub fn bytes(
        &mut self,
        program: &'static str,
        group: &'static str,
        what: &'static str,
        bytes: u64,
    ) {
        self.add(group, what, program, Unit::Bytes, bytes as f64);
    }

    fn add(
        &mut self,
        group: &'static str,
        what: &'static str,
        program: &'static str,
        unit: Unit,
        value: f64,
    ) {
        let known = self
            .0
            .iter_mut()
            .find(|known| (known.group, known.what, known.program) == (group, what, program));
        match known {
            Some(known) => known.values.push(value),
            None => self.0.push(Figure {
                group,
                what,
                program,
                unit,
                values: vec![value],
            }),
        }
    }

    fn median(&self, group: &str, what: &str, program: &str) -> Option<f64> {
        let figure = self
            .0
            .iter()
            .find(|figure| (figure.group, figure.what, figure.program) == (group, what, program))?;
        Some(median(&figure.values))
    }

    /// The medians of all programs, and ours as a multiple of the best of the others' and of each.
    pub fn table(&self, rivals: &[&'static str]) -> String {
        let mut table = format!("{:<28}", "medians");
        for name in [OURS].iter().chain(rivals) {
            write!(table, "{name:>11}").unwrap();
        }
        write!(table, "  |{:>9}", "ours/best").unwrap();
        for name in rivals {
            write!(table, "{:>9}", format!("/{name}")).unwrap();
        }
        table.push('\n');
        for group in ["time", "peak memory", "repository"] {
            writeln!(table, "{group}").unwrap();
            let mut seen = Vec::new();
            for figure in self.0.iter().filter(|figure| figure.group == group) {
                if !seen.contains(&figure.what) {
                    seen.push(figure.what);
                    self.row(&mut table, figure, rivals);
                }
            }
        }
        table
    }

    fn row(&self, table: &mut String, like: &Figure, rivals: &[&'static str]) {
        let of = |program: &str| self.median(like.group, like.what, program);
        write!(table, "  {:<26}", like.what).unwrap();
        for name in [OURS].iter().chain(rivals) {
            let value = of(name).map_or("–".into(), |value| shown(like.unit, value));
            write!(table, "{value:>11}").unwrap();
        }
        let best = rivals.iter().filter_map(|name| of(name));
        let best = best.min_by(f64::total_cmp);
        let ratio = |other: Option<f64>| match (of(OURS), other) {
            (Some(ours), Some(other)) => format!("{:.2}", ours / other),
            _ => "–".into(),
        };
        write!(table, "  |{:>9}", ratio(best)).unwrap();
        for name in rivals {
            write!(table, "{:>9}", ratio(of(name))).unwrap();
        }
        table.push('\n');
    }
}

fn shown(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Seconds => format!("{value:.2} s"),
        Unit::Bytes => megabytes(value as u64),
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        (values[middle - 1] + values[middle]) / 2.0
    } else {
        values[middle]
    }
}

/// The smallest of the times that so many of 100 do not exceed. `times` is sorted and not empty.
pub fn percentile(times: &[Duration], percent: f64) -> Duration {
    let place = (times.len() as f64 * percent / 100.0).ceil() as usize;
    times[place.clamp(1, times.len()) - 1]
}

pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
