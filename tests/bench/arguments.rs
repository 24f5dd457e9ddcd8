//! What can be asked for on the command line.

use std::path::PathBuf;

#[derive(Clone, Copy, PartialEq)]
pub enum Part {
    Database,
    Library,
    Files,
    Large,
    Cancel,
    List,
}

const PARTS: [(&str, Part); 6] = [
    ("a", Part::Database),
    ("a2", Part::Library),
    ("b", Part::Files),
    ("c", Part::Large),
    ("cancel", Part::Cancel),
    ("list", Part::List),
];

const USAGE: &str = "\
cargo xtask bench [ROUNDS] [--only PART] [--large] [--in FOLDER]

  ROUNDS       of the comparisons, 3 if not said
  --only PART  a: a database in use; a2: the library; b: a folder of files; c: a database of 4 GB;
               cancel: from a cancel to the end; list: 10,000 backups. Can be given more than once
  --large      also c, which takes long and 20 GB of disk
  --in FOLDER  where everything is made, to measure another disk; beside the programs if not said";

pub struct Arguments {
    pub rounds: u32,
    pub parts: Vec<Part>,
    pub folder: Option<PathBuf>,
}

impl Arguments {
    /// Or how it is called.
    pub fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut rounds, mut only, mut large, mut folder) = (3, Vec::new(), false, None);
        while let Some(word) = words.next() {
            if word == "--large" {
                large = true;
            } else if word == "--in" {
                folder = Some(words.next().ok_or(USAGE)?.into());
            } else if word == "--only" {
                let name = words.next();
                let part = PARTS
                    .iter()
                    .find(|(known, _)| Some(*known) == name.as_deref());
                only.push(part.ok_or(USAGE)?.1);
            } else {
                rounds = word
                    .parse()
                    .ok()
                    .filter(|rounds| *rounds > 0)
                    .ok_or(USAGE)?;
            }
        }
        let wanted = |part: Part| match part {
            Part::Large if large => true,
            Part::Large => only.contains(&part),
            _ => only.is_empty() || only.contains(&part),
        };
        let parts = PARTS
            .iter()
            .map(|(_, part)| *part)
            .filter(|part| wanted(*part));
        Ok(Self {
            rounds,
            parts: parts.collect(),
            folder,
        })
    }
}
