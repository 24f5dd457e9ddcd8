//! Filling a file that is not empty, as it is where files share blocks: what is right stays, and all else is replaced.

use std::fs::{self, File};
use std::path::Path;

use super::bench::*;
use crate::Watch;
use crate::destination::Part;
use crate::restore::chunks::{Zeros, chunks_of};
use crate::restore::fill::Fill;
use crate::restore::local::Local;

const MIB: usize = 1 << 20;

/// Text, zeros, text.
fn backed_up() -> Vec<u8> {
    let mut content = noise(1, 12 * MIB);
    content.resize(30 * MIB, 0);
    content.extend(noise(2, 6 * MIB));
    content
}

#[test]
fn a_file_that_begins_as_another_one_becomes_what_was_backed_up() {
    let wanted = backed_up();
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut content = wanted.clone();
        change(&mut content);
        content
    };
    let contents = [
        ("the same", wanted.clone()),
        ("a byte", changed(&|content| content[5 * MIB] ^= 1)),
        ("longer", changed(&|content| content.extend(noise(3, MIB)))),
        ("shorter", changed(&|content| content.truncate(11 * MIB))),
        (
            "zeros written over",
            changed(&|content| content[14 * MIB..28 * MIB].copy_from_slice(&noise(4, 14 * MIB))),
        ),
        ("another one", noise(5, 40 * MIB)),
        ("nothing", Vec::new()),
    ];
    let bench = Bench::new();
    write(&bench.docs(), "file", &wanted);
    let stored = bench.store();
    let contents_of_backup = bench.contents(&stored);
    let found = contents_of_backup.find(Path::new("docs/file")).unwrap();
    let content = contents_of_backup.of(Part::Files).unwrap();
    let chunks = chunks_of(&found.unwrap().node, content).unwrap();
    let path = bench.folder.path().join("staged");
    for (what, begun) in contents {
        for there in [None, Some(vec![false; chunks.len()])] {
            fs::write(&path, &begun).unwrap();
            let file = File::options().read(true).write(true).open(&path).unwrap();
            let (zeros, watch) = (Zeros::default(), Watch::unwatched());
            let local = Local::new(Some(&file), there.as_deref());
            Fill::new(&file, content, &zeros, &watch)
                .begun(Some(begun.len() as u64))
                .run(&chunks, &local)
                .unwrap();
            assert!(fs::read(&path).unwrap() == wanted, "{what}");
        }
    }
}
