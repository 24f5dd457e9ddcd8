//! Swaps in folders that are away, changed, on a disk of their own or shared with another data folder.

use super::*;

/// A data folder, a folder with `sub/a` (old) and what is to take its place, and the note of that.
struct Prepared {
    folder: tempfile::TempDir,
    note: UndoNote,
}

fn prepared_folder(area: Area, library: bool) -> Prepared {
    let folder = tempfile::tempdir().unwrap();
    let (data, base) = (folder.path().join("data"), folder.path().join("base"));
    fs::create_dir_all(base.join("sub")).unwrap();
    fs::write(base.join("sub/a"), "old").unwrap();
    let staging = area.path(&data, &base).join("restore/0");
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join("0"), "new").unwrap();
    if library {
        for (place, content) in [(data.join(LIBRARY), "old"), (staged(&data), "new")] {
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("library.db"), content).unwrap();
        }
    }
    let mut part = PartNote::new("docs", &base, area);
    part.moves.push(Move {
        number: 0,
        at: "sub/a".into(),
        take: true,
        put: true,
        seen: None,
    });
    let parts = vec![part];
    let note = UndoNote {
        library,
        parts,
        ..note()
    };
    Prepared { folder, note }
}

impl Prepared {
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn base(&self) -> PathBuf {
        self.folder.path().join("base")
    }

    fn a(&self) -> String {
        fs::read_to_string(self.base().join("sub/a")).unwrap()
    }
}

const SWAP: Swap = SWAPS[0];

#[test]
fn what_came_to_nothing_is_forgotten_without_what_it_keeps() {
    let prepared = prepared_folder(Area::Target, false);
    SWAP.announce(&prepared.data(), &prepared.note).unwrap();
    let kept = [
        undo::folder(&prepared.data(), 7).join("library"),
        prepared.base().join(".holdfast/undo/7/0/0"),
    ];
    for kept in &kept {
        fs::create_dir_all(kept.parent().unwrap()).unwrap();
        fs::write(kept, "the only copy").unwrap();
    }
    undo::forget(&prepared.data(), 7, &prepared.note);
    undo::remove_older(&prepared.data());
    for kept in &kept {
        assert_eq!(fs::read(kept).unwrap(), b"the only copy");
    }
}

#[test]
fn nothing_is_left_of_what_came_to_nothing() {
    let prepared = prepared_folder(Area::Target, false);
    SWAP.announce(&prepared.data(), &prepared.note).unwrap();
    undo::forget(&prepared.data(), 7, &prepared.note);
    assert!(!prepared.base().join(".holdfast/undo").exists());
    assert!(!undo::folder(&prepared.data(), 7).exists());
}
