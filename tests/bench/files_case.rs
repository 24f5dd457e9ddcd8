//! (b) A folder of source files.

use std::path::Path;

use crate::database_case::ours;
use crate::figures::OURS;
use crate::files::{self, Contents, Selection};
use crate::program::Program;
use crate::rounds::Case;

pub struct FilesCase(pub Selection);

impl Case for FilesCase {
    fn begin(&mut self, home: &Path) -> Vec<Box<dyn Program>> {
        let mut programs = crate::rivals(home);
        let folder = home.join("live");
        self.0.lay_out(&folder);
        programs.extend(ours(home, &folder));
        for program in programs.iter().filter(|program| program.name() != OURS) {
            self.0.lay_out(&program.input());
        }
        programs
    }

    fn change(&mut self, _home: &Path, programs: &[Box<dyn Program>], _round: u32) {
        for program in programs {
            self.0.change(&program.input());
        }
    }

    fn contents(&self, folder: &Path) -> Contents {
        files::contents(folder)
    }
}
