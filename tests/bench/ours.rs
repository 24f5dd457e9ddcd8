//! Holdfast in the rounds: a service that runs, and is asked over HTTP.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use crate::figures::OURS;
use crate::holdfast::{Holdfast, What};
use crate::program::{Cost, Program, Which};

pub struct Ours {
    service: Rc<Holdfast>,
    input: PathBuf,
    what: What,
    made: Vec<(Which, String)>,
}

impl Ours {
    /// `input` lies in a source of the service or is the folder of its library.
    pub fn new(service: Rc<Holdfast>, input: &Path, what: What) -> Self {
        Self {
            service,
            input: input.to_owned(),
            what,
            made: Vec::new(),
        }
    }

    fn id(&self, which: Which) -> &str {
        let made = self.made.iter().rfind(|(made, _)| *made == which);
        &made.expect("this backup was made before").1
    }

    fn measured<T>(&self, step: impl FnOnce() -> T) -> (Cost, T) {
        let (memory, (took, result)) = self.service.peak_memory(|| {
            let start = Instant::now();
            let result = step();
            (start.elapsed(), result)
        });
        (Cost { took, memory }, result)
    }
}

impl Program for Ours {
    fn name(&self) -> &'static str {
        OURS
    }

    fn input(&self) -> PathBuf {
        self.input.clone()
    }

    fn repository(&self) -> PathBuf {
        self.service.destination()
    }

    fn back_up(&mut self, which: Which) -> Cost {
        let (cost, id) = self.measured(|| self.service.back_up());
        self.made.push((which, id));
        cost
    }

    fn restore_to(&mut self, which: Which, folder: &Path) -> Option<(Cost, PathBuf)> {
        let (cost, done) = self.measured(|| {
            self.service
                .restore(self.id(which), &self.what, Some(folder))
        });
        done?;
        let restored = match &self.what {
            What::Library => folder.to_owned(),
            What::Source(id) => folder.join(id),
        };
        Some((cost, restored))
    }

    fn restore_in_place(&mut self, which: Which) -> Option<Cost> {
        let (cost, done) = self.measured(|| self.service.restore(self.id(which), &self.what, None));
        done.map(|()| cost)
    }

    fn rehearse(&mut self, which: Which) -> Option<()> {
        self.service.rehearse(self.id(which));
        Some(())
    }

    fn undo(&mut self) -> Option<Cost> {
        Some(self.measured(|| self.service.undo()).0)
    }
}
