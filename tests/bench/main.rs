//! What Holdfast costs beside restic, borg and rustic: time, memory and space, on three kinds of content; how long a cancel
//! takes; and how long the list does. Prints figures and ratios; asserts nothing of them, because a machine's speed is no
//! property of the program.
#![allow(clippy::unwrap_used, clippy::panic)]

mod arguments;
mod assets;
mod borg;
mod cancel;
mod child;
mod corpus;
mod database;
mod database_case;
mod figures;
mod files;
mod files_case;
mod holdfast;
mod large;
mod library_case;
mod list;
mod ours;
mod program;
mod restic;
mod rival;
mod rounds;
mod rustic;
mod service;
mod writer;

use std::path::Path;

use arguments::{Arguments, Part};
use program::Program;
use rival::{Installed, Rival};

fn main() {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(usage) => {
            eprintln!("{usage}");
            std::process::exit(2);
        }
    };
    // Not in the folder for temporary files, which is memory on some machines.
    let programs = std::env::current_exe().unwrap();
    let folder = arguments.folder.as_deref().or(programs.parent());
    let folder = tempfile::tempdir_in(folder.unwrap()).unwrap();
    for part in &arguments.parts {
        run(*part, folder.path(), arguments.rounds);
    }
}

fn run(part: Part, folder: &Path, rounds: u32) {
    match part {
        Part::Database => database_case(folder, rounds),
        Part::Library => library_case(folder, rounds),
        Part::Files => files_case(folder, rounds),
        Part::Large => large::run(folder),
        Part::Cancel => cancel::run(folder),
        Part::List => list::run(folder),
    }
}

fn database_case(folder: &Path, rounds: u32) {
    println!(
        "(a) A SQLite database in use: text, embeddings and a full-text index; 1% of its rows changed, 1% added"
    );
    let mut case = database_case::DatabaseCase::make(folder);
    println!("  {} at first", figures::megabytes(case.bytes()));
    let figures = rounds::run(&mut case, folder, rounds);
    print(&figures);
    println!(
        "A writer writes during the first two backups. Holdfast reads the database while it does; the others cannot, and\n\
         get copies made by SQLite's backup API at the same state, {:.2} s each, which are not in their times. They have\n\
         no undo: theirs is a restore of the later backup.\n",
        case.copy_time().as_secs_f64()
    );
}

fn library_case(folder: &Path, rounds: u32) {
    println!(
        "(a2) The library of the service: {} assets; 1% changed, 1% added",
        library_case::ASSETS
    );
    let mut case = library_case::LibraryCase::make();
    let figures = rounds::run(&mut case, folder, rounds);
    print(&figures);
    println!("The others get copies made by SQLite's backup API.\n");
}

fn files_case(folder: &Path, rounds: u32) {
    println!("(b) A folder of 20,000 source files; 1% changed, 1% added");
    let mut case = files_case::FilesCase(files::Selection::make());
    let figures = rounds::run(&mut case, folder, rounds);
    print(&figures);
    println!(
        "rustic is asked to delete what was added since; restic (before 0.17) and borg cannot.\n"
    );
}

fn print(figures: &figures::Figures) {
    let installed = installed();
    let names: Vec<_> = installed.iter().map(|rival| rival.name()).collect();
    let versions: Vec<_> = installed.iter().flat_map(|rival| rival.version()).collect();
    println!("\n{}", figures.table(&names));
    println!("Beside {}.", versions.join(", "));
}

/// Those of the others that are there: `cargo xtask bench` installs them where it can, and the tables name them.
fn installed() -> Vec<Box<dyn Rival>> {
    let all: [Box<dyn Rival>; 3] = [
        Box::new(restic::Restic),
        Box::new(borg::Borg),
        Box::new(rustic::Rustic),
    ];
    all.into_iter()
        .filter(|rival| rival.version().is_some())
        .collect()
}

/// The others, each with an empty repository and an empty input.
fn rivals(home: &Path) -> Vec<Box<dyn Program>> {
    let programs = installed().into_iter().map(|rival| {
        let home = home.join(rival.name());
        Box::new(Installed::new(rival, &home)) as Box<dyn Program>
    });
    programs.collect()
}
