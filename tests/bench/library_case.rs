//! (a2) The library of the service, in its own format, which the others get as a copy.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::assets::{self, Asset};
use crate::database;
use crate::figures::OURS;
use crate::files::Contents;
use crate::holdfast::{Holdfast, What};
use crate::ours::Ours;
use crate::program::Program;
use crate::rounds::Case;

pub const ASSETS: usize = 100_000;
pub const ASSET_BYTES: usize = 3_000;
const NAME: &str = "library.db";

pub struct LibraryCase {
    assets: Vec<Asset>,
    /// Of the same kind, for the change.
    more: Vec<Asset>,
    service: Option<Rc<Holdfast>>,
}

impl LibraryCase {
    pub fn make() -> Self {
        let mut assets = assets::collect(ASSETS + ASSETS / 100, ASSET_BYTES);
        let more = assets.split_off(ASSETS);
        Self {
            assets,
            more,
            service: None,
        }
    }
}

fn library(home: &Path) -> PathBuf {
    home.join(OURS).join("data/library")
}

fn copy(home: &Path, programs: &[Box<dyn Program>]) {
    for program in programs.iter().filter(|program| program.name() != OURS) {
        let target = program.input().join(NAME);
        if target.exists() {
            std::fs::remove_file(&target).unwrap();
        }
        database::copy(&library(home).join(NAME), &target);
    }
}

impl Case for LibraryCase {
    fn begin(&mut self, home: &Path) -> Vec<Box<dyn Program>> {
        let mut programs = crate::rivals(home);
        let service = Rc::new(Holdfast::start(&home.join(OURS)));
        service.import(&self.assets);
        self.service = Some(Rc::clone(&service));
        copy(home, &programs);
        programs.push(Box::new(Ours::new(service, &library(home), What::Library)));
        programs
    }

    fn change(&mut self, home: &Path, programs: &[Box<dyn Program>], round: u32) {
        let service = self.service.take().expect("it was started");
        service.import(&assets::changed(&self.assets, ASSETS / 100, round));
        service.import(&self.more);
        copy(home, programs);
    }

    fn contents(&self, folder: &Path) -> Contents {
        let path = PathBuf::from(NAME);
        let digest = database::digest(&folder.join(&path), &["assets"]);
        Contents::from([(path, digest.into_bytes())])
    }
}
