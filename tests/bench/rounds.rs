//! The rounds: every program does the same with the same content, one after another in an order that is shuffled anew for
//! each round, from the same state of the page cache. What was restored is compared with what it should be.

use std::path::Path;

use rand::seq::SliceRandom;

use crate::child::{self, Cost};
use crate::figures::Figures;
use crate::files::{self, Contents};
use crate::program::{Program, Which};

/// What is backed up.
pub trait Case {
    /// The programs, each with its input in the first state, in folders of their own below `home`.
    fn begin(&mut self, home: &Path) -> Vec<Box<dyn Program>>;

    /// Changes 1% of every input and adds 1%.
    fn change(&mut self, home: &Path, programs: &[Box<dyn Program>], round: u32);

    /// Nothing changes any more after this.
    fn rest(&mut self, _programs: &mut [Box<dyn Program>]) {}

    /// What must come back, of an input or of what was restored from it.
    fn contents(&self, folder: &Path) -> Contents;
}

/// Runs so many rounds and returns their figures.
pub fn run(case: &mut dyn Case, folder: &Path, rounds: u32) -> Figures {
    let mut figures = Figures::default();
    let home = |number| folder.join(format!("round-{number}"));
    for number in 0..rounds {
        let home = home(number);
        let mut programs = case.begin(&home);
        programs.shuffle(&mut rand::rng());
        let order: Vec<_> = programs.iter().map(|program| program.name()).collect();
        println!("  round {} of {rounds}: {}", number + 1, order.join(", "));
        Round {
            case,
            home: &home,
            programs,
            figures: &mut figures,
        }
        .run(number);
    }
    // Only now: removing so many files slows down what comes after.
    for number in 0..rounds {
        std::fs::remove_dir_all(home(number)).unwrap();
    }
    figures
}

struct Round<'a> {
    case: &'a mut dyn Case,
    home: &'a Path,
    programs: Vec<Box<dyn Program>>,
    figures: &'a mut Figures,
}

impl Round<'_> {
    fn run(&mut self, number: u32) {
        let first = self.reference();
        self.first_backup();
        let sizes = self.sizes();
        for (program, size) in self.programs.iter().zip(&sizes) {
            let name = program.name();
            self.figures
                .bytes(name, "repository", "after the first backup", *size);
        }

        self.case.change(self.home, &self.programs, number);
        let changed = self.reference();
        self.back_up("backup after the change", Which::Changed);
        for ((program, before), after) in self.programs.iter().zip(&sizes).zip(self.sizes()) {
            let name = program.name();
            self.figures
                .bytes(name, "repository", "growth by the change", after - before);
        }

        self.case.rest(&mut self.programs);
        self.back_up("unchanged backup", Which::Unchanged);
        self.restore_elsewhere(&first);
        self.step("restore of 1% in place", |program| {
            program.restore_in_place(Which::First)
        });
        self.check_inputs("after a restore in place", &first);
        self.step("undo", |program| program.undo());
        self.check_inputs("after an undo", &changed);
        self.restore_rehearsed(&first);
    }

    /// Of a backup that was rehearsed, the databases need not be checked again.
    fn restore_rehearsed(&mut self, first: &Contents) {
        let can = |program: &mut Box<dyn Program>| {
            let rehearsed = program.rehearse(Which::First);
            rehearsed.map(|()| program.name())
        };
        let rehearsed: Vec<_> = self.programs.iter_mut().filter_map(can).collect();
        self.step("... of a rehearsed backup", |program| {
            let is_rehearsed = rehearsed.contains(&program.name());
            is_rehearsed.then(|| program.restore_in_place(Which::First))?
        });
        for program in &self.programs {
            if rehearsed.contains(&program.name()) {
                let there = self.case.contents(&program.input());
                check(
                    program.name(),
                    "after a rehearsal and a restore",
                    first,
                    &there,
                );
            }
        }
    }

    /// All inputs hold the same, so one is enough.
    fn reference(&self) -> Contents {
        self.case.contents(&self.programs[0].input())
    }

    fn sizes(&self) -> Vec<u64> {
        let repositories = self.programs.iter().map(|program| program.repository());
        repositories.map(|folder| files::bytes(&folder)).collect()
    }

    /// Holdfast makes its repository along the way; the others made theirs before.
    fn first_backup(&mut self) {
        for program in &mut self.programs {
            settle(program.as_ref());
            let cost = program.back_up(Which::First);
            let with_set_up = cost.took + program.set_up();
            let name = program.name();
            self.figures.cost(name, "first backup", cost);
            self.figures.time(name, "... and its set-up", with_set_up);
        }
    }

    fn back_up(&mut self, what: &'static str, which: Which) {
        self.step(what, |program| Some(program.back_up(which)));
    }

    /// Lets each program do one thing, and keeps what it cost.
    fn step(&mut self, what: &'static str, mut work: impl FnMut(&mut dyn Program) -> Option<Cost>) {
        for program in &mut self.programs {
            settle(program.as_ref());
            if let Some(cost) = work(program.as_mut()) {
                self.figures.cost(program.name(), what, cost);
            }
        }
    }

    /// Each into a folder of its own, all of which are removed at the end: a file system that has just removed 20,000 files is
    /// slow for whoever comes next.
    fn restore_elsewhere(&mut self, expected: &Contents) {
        let case = &*self.case;
        for program in &mut self.programs {
            settle(program.as_ref());
            let name = program.name();
            let target = self.home.join(format!("restored-{name}"));
            if let Some((cost, restored)) = program.restore_to(Which::First, &target) {
                self.figures.cost(name, "full restore", cost);
                check(
                    name,
                    "after a full restore",
                    expected,
                    &case.contents(&restored),
                );
            }
        }
    }

    fn check_inputs(&self, when: &str, expected: &Contents) {
        for program in &self.programs {
            let there = self.case.contents(&program.input());
            check(program.name(), when, expected, &there);
        }
    }
}

/// Nothing is left to be written, and all that the next step reads has been read once.
fn settle(program: &dyn Program) {
    child::run(&mut std::process::Command::new("sync"));
    files::warm(&program.input());
    // Holdfast makes its repository at the first backup.
    if program.repository().exists() {
        files::warm(&program.repository());
    }
}

/// Everything expected is there. Files may be there besides: not every program deletes what was added since.
fn check(program: &str, when: &str, expected: &Contents, there: &Contents) {
    let wrong = expected
        .iter()
        .find(|(path, hash)| there.get(*path) != Some(hash));
    if let Some((path, _)) = wrong {
        panic!("{program}, {when}: {} is not what it was", path.display());
    }
    let more = there.len() - expected.len();
    if more > 0 {
        println!("    {program}, {when}: {more} files are left that were not there then");
    }
}
