//! (a) A SQLite database of another program in a folder, while that program keeps writing into it.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::database;
use crate::figures::OURS;
use crate::files::Contents;
use crate::holdfast::{Holdfast, What};
use crate::ours::Ours;
use crate::program::{Program, Which};
use crate::rounds::Case;
use crate::writer::Writer;

/// With their embeddings and the index, about 350 MB.
const NOTES: usize = 75_000;

/// After so long a change of a file is told from the next one by its time.
const SETTLED: Duration = Duration::from_millis(200);

/// What the writer writes is not compared: everybody has another moment of it.
const TABLES: [&str; 2] = ["notes", "embeddings"];

pub struct DatabaseCase {
    template: PathBuf,
    writer: Option<Writer>,
    copies: Vec<Duration>,
}

impl DatabaseCase {
    pub fn make(folder: &Path) -> Self {
        let template = folder.join(database::NAME);
        database::make(&template, NOTES, true);
        Self {
            template,
            writer: None,
            copies: Vec::new(),
        }
    }

    pub fn bytes(&self) -> u64 {
        std::fs::metadata(&self.template).unwrap().len()
    }

    /// What the others need and Holdfast does not, on average.
    pub fn copy_time(&self) -> Duration {
        self.copies.iter().sum::<Duration>() / self.copies.len().max(1) as u32
    }

    fn copy_to(&mut self, home: &Path, programs: &[Box<dyn Program>]) {
        for program in programs.iter().filter(|program| program.name() != OURS) {
            let start = Instant::now();
            let target = program.input().join(database::NAME);
            if target.exists() {
                std::fs::remove_file(&target).unwrap();
            }
            database::copy(&live(home), &target);
            self.copies.push(start.elapsed());
        }
    }
}

fn live(home: &Path) -> PathBuf {
    home.join("live").join(database::NAME)
}

impl Case for DatabaseCase {
    fn begin(&mut self, home: &Path) -> Vec<Box<dyn Program>> {
        let mut programs = crate::rivals(home);
        let live = live(home);
        let folder = live.parent().unwrap();
        std::fs::create_dir_all(folder).unwrap();
        std::fs::copy(&self.template, &live).unwrap();
        self.writer = Some(Writer::start(&live));
        self.copy_to(home, &programs);
        programs.extend(ours(home, folder));
        programs
    }

    fn change(&mut self, home: &Path, programs: &[Box<dyn Program>], round: u32) {
        database::change(&live(home), round);
        self.copy_to(home, programs);
    }

    /// The writer has changed the live database since its last backup, so there is one more before the unchanged one.
    fn rest(&mut self, programs: &mut [Box<dyn Program>]) {
        let writer = self.writer.take().expect("it was started");
        println!("    {} transactions during the backups", writer.stop());
        // A change of this very moment would look like the next one, so what is that fresh is read again.
        std::thread::sleep(SETTLED);
        for program in programs.iter_mut().filter(|program| program.name() == OURS) {
            program.back_up(Which::Unchanged);
        }
    }

    fn contents(&self, folder: &Path) -> Contents {
        let path = PathBuf::from(database::NAME);
        let digest = database::digest(&folder.join(&path), &TABLES);
        Contents::from([(path, digest.into_bytes())])
    }
}

/// With this folder as a source, where this version has sources.
pub fn ours(home: &Path, folder: &Path) -> Option<Box<dyn Program>> {
    let service = Rc::new(Holdfast::start(&home.join(OURS)));
    match service.add_source(folder) {
        Some(source) => Some(Box::new(Ours::new(service, folder, What::Source(source)))),
        None => {
            println!("    this version of holdfast has no sources: the others alone");
            None
        }
    }
}
