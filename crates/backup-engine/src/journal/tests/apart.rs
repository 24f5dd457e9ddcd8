//! Swaps in more than one folder of which one is away for a time: each is settled by itself, and all in one direction.

use super::*;

/// A data folder with a library, `docs` on its disk and `ext` on one of its own. In each folder `a` is replaced, `gone` goes
/// and `comes` comes.
struct World {
    folder: tempfile::TempDir,
    note: UndoNote,
}

const SWAP: Swap = Swap::new(Incoming::Staged, 7);
const OLD: [&str; 3] = ["old", "old", ""];
const NEW: [&str; 3] = ["new", "", "new"];
const NAMES: [&str; 3] = ["a", "gone", "comes"];

fn world(order: [&str; 2], library: bool) -> World {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    if library {
        for (place, content) in [(data.join(LIBRARY), "old"), (staged(&data), "new")] {
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("library.db"), content).unwrap();
        }
    }
    let mut parts = Vec::new();
    for (number, name) in order.into_iter().enumerate() {
        let base = folder.path().join(name);
        let area = if name == "ext" {
            Area::Target
        } else {
            Area::Data
        };
        let staging = area
            .path(&data, &base)
            .join("restore")
            .join(number.to_string());
        fs::create_dir_all(&base).unwrap();
        fs::create_dir_all(&staging).unwrap();
        let mut part = PartNote::new(name, &base, area);
        for (number, at) in NAMES.into_iter().enumerate() {
            let (take, put) = (at != "comes", at != "gone");
            if take {
                fs::write(base.join(at), "old").unwrap();
            }
            if put {
                fs::write(staging.join(number.to_string()), "new").unwrap();
            }
            part.moves.push(Move {
                number: number as u64,
                at: at.into(),
                take,
                put,
                seen: None,
                comes: None,
            });
        }
        parts.push(part);
    }
    let note = UndoNote {
        library,
        parts,
        mark: Some("mark".into()),
        ..note()
    };
    World { folder, note }
}

impl World {
    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn data(&self) -> PathBuf {
        self.at("data")
    }

    fn library(&self) -> String {
        fs::read_to_string(self.at("data/library/library.db")).unwrap_or_default()
    }

    fn is(&self, folder: &str) -> [String; 3] {
        let read = |name| fs::read_to_string(self.at(folder).join(name));
        NAMES.map(|name| read(name).unwrap_or_default())
    }

    /// As long as the disk of `ext` is not there.
    fn unplug(&self) {
        fs::rename(self.at("ext"), self.at("away")).unwrap();
    }

    fn plug_in(&self) {
        fs::rename(self.at("away"), self.at("ext")).unwrap();
    }

    /// What somebody works with once a start has settled it: other content, and names of the restore used again.
    fn work_in_docs(&self) {
        for name in NAMES {
            fs::write(self.at("docs").join(name), "since").unwrap();
        }
    }

    fn names_in(&self, folder: &str) -> usize {
        fs::read_dir(self.at(folder)).unwrap().count()
    }
}

/// Runs it until it "is killed" after so many steps. Returns whether it was.
fn killed_after(steps: u64, run: impl FnOnce() -> Result<(), Error>) -> bool {
    STEPS_LEFT.set(Some(steps));
    drop(run());
    STEPS_LEFT.take() == Some(0)
}

#[test]
fn what_can_be_reached_is_settled_while_another_folder_is_away() {
    for (order, library) in [
        (["docs", "ext"], true),
        (["ext", "docs"], true),
        (["docs", "ext"], false),
    ] {
        let world = world(order, library);
        let killed = killed_after(8 + u64::from(library), || {
            SWAP.commit(&world.data(), &world.note)
        });
        assert!(killed);
        assert_ne!(world.is("docs"), OLD);
        world.unplug();
        settle(&world.data()).unwrap();
        assert_eq!(world.is("docs"), NEW, "{order:?} {library}");
        assert!(is_pending(&world.data()).unwrap());
        assert_eq!(waits_for(&world.data()).unwrap(), "ext");
        let places = unsettled(&world.data()).unwrap();
        assert_eq!(places, NAMES.map(|name| world.at("ext").join(name)));
    }
}

#[test]
fn what_fails_in_one_folder_is_taken_back_in_the_others() {
    let world = world(["ext", "docs"], false);
    let mut steps = 0;
    let pulled = move || {
        steps += 1;
        // In the middle of what comes, and at once again where that is taken back.
        match steps {
            10 | 11 => Err(io::Error::other("the disk is gone")),
            _ => Ok(()),
        }
    };
    MEANWHILE.set(Some(Box::new(pulled)));
    let ended = SWAP.commit(&world.data(), &world.note);
    MEANWHILE.set(None);
    assert!(ended.is_err());
    assert_eq!(world.is("docs"), OLD);
    assert!(is_pending(&world.data()).unwrap());
}

#[test]
fn killed_at_any_step_with_a_folder_away_each_is_the_old_or_the_new() {
    let mut ends = [0, 0];
    for order in [["docs", "ext"], ["ext", "docs"]] {
        for (library, lost) in [(true, false), (true, true), (false, false), (false, true)] {
            for steps in 4.. {
                let mut done = false;
                for again in [1 + steps % 5, 6 + steps % 5] {
                    let world = world(order, library);
                    let commit = || SWAP.commit(&world.data(), &world.note);
                    done = !killed_after(steps, commit);
                    if done {
                        break;
                    }
                    if is_pending(&world.data()).unwrap() {
                        let new = world.settled_apart(again, lost);
                        ends[usize::from(new)] += 1;
                    }
                }
                if done {
                    break;
                }
            }
        }
    }
    assert!(ends[0] > 10 && ends[1] > 10, "{ends:?}");
}

impl World {
    /// Settles all but `ext`, works on, and settles that, with starts that are killed in between. Returns whether it was
    /// carried out.
    fn settled_apart(&self, again: u64, lost: bool) -> bool {
        let data = self.data();
        self.unplug();
        killed_after(again, || settle(&data));
        settle(&data).unwrap();
        assert!(is_pending(&data).unwrap());
        let docs = self.is("docs");
        assert!(docs == OLD || docs == NEW, "{docs:?}");
        let new = docs == NEW;
        if self.note.library {
            assert_eq!(self.library() == "new", new);
            fs::write(self.at("data/library/library.db"), "since").unwrap();
        }
        self.work_in_docs();
        settle(&data).unwrap();
        self.plug_in();
        // Where all has come nothing more can be lost.
        let lost = lost && self.is("ext") != NEW;
        if lost {
            fs::remove_dir_all(self.at("ext/.holdfast/restore")).unwrap();
        }
        killed_after(again, || settle(&data));
        settle(&data).unwrap();
        assert!(!is_pending(&data).unwrap());
        if self.note.library {
            assert_eq!(self.library(), "since");
        }
        assert_eq!(self.is("docs"), ["since"; 3]);
        assert_eq!(self.names_in("docs"), 3);
        self.check_ext(new, lost);
        new
    }

    fn check_ext(&self, new: bool, lost: bool) {
        let ext = self.is("ext");
        let expected = if new && !lost { NEW } else { OLD };
        // What had come where nothing was before stays there: it has no other place any more.
        if lost {
            assert_eq!((&*ext[0], &*ext[1]), ("old", "old"));
        } else {
            assert_eq!(ext, expected);
        }
        let can_be_undone = undo::current(&self.data()).unwrap();
        let sources = can_be_undone.map(|kept| kept.record.sources);
        let mut carried_out = Vec::new();
        if new {
            let parts = self.note.parts.iter().map(|part| part.id.clone());
            carried_out.extend(self.note.library.then(|| LIBRARY.to_owned()));
            carried_out.extend(parts.filter(|id| id == "docs" || !lost));
        }
        assert_eq!(sources.unwrap_or_default(), carried_out);
        let kept = carried_out.iter().any(|id| id == "ext");
        assert_eq!(self.at("ext/.holdfast/undo").exists(), kept);
    }
}

#[test]
fn a_folder_in_which_nothing_is_done_is_not_needed() {
    let mut world = world(["ext", "docs"], false);
    // A disk to which nothing can be written.
    let idle = PartNote::new("ext", &world.at("ext"), Area::Target);
    world.note.parts[0] = idle;
    fs::remove_dir_all(world.at("ext/.holdfast")).unwrap();
    fs::write(world.at("ext/.holdfast"), "no folder").unwrap();
    SWAP.commit(&world.data(), &world.note).unwrap();
    assert_eq!(world.is("docs"), NEW);
    world.unplug();
    let kept = undo::current(&world.data()).unwrap().unwrap();
    assert_eq!(kept.record.sources, ["docs"]);
    let parts = kept.note.parts.iter().enumerate();
    let parts = parts.map(|(at, part)| reversed(&world.data(), at, &kept, part).unwrap());
    let note = UndoNote {
        parts: parts.collect(),
        undone: true,
        ..kept.note.clone()
    };
    let keep = undo::next_number(&world.data(), &note.parts).unwrap();
    let swap = Swap::new(Incoming::Kept(7), keep);
    assert!(killed_after(7, || swap.commit(&world.data(), &note)));
    settle(&world.data()).unwrap();
    assert!(!is_pending(&world.data()).unwrap());
    assert_eq!(world.is("docs"), OLD);
    undo::remove_older(&world.data());
    assert!(!undo::folder(&world.data(), 7).exists());
}
