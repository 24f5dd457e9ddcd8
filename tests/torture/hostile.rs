//! Backups that are made to lead a restore astray: whatever is in them, nothing outside the target changes, and what is
//! live stays usable.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use backup_engine::{Engine, Outcome, Place, Watch};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustic_core::repofile::{Metadata, Node, NodeType};

use crate::by_hand::{Entry, change_files};
use crate::content::hex_of;
use crate::jobs::Job;
use crate::judge::{End, judge};
use crate::size::{seed, size};
use crate::trials;
use crate::world::{Kind, World, options, restore};

struct Trial {
    seed: u64,
    in_place: bool,
}

impl fmt::Display for Trial {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "seed {}, in place: {}", self.seed, self.in_place)
    }
}

#[test]
fn a_hostile_backup_changes_nothing_outside_its_target() {
    let first = seed() * 1_000_000;
    let trial = |number| Trial {
        seed: first + number / 2,
        in_place: number % 2 == 0,
    };
    let plan: Vec<Trial> = (0..size().choose(60_u64, 2_000)).map(trial).collect();
    let ends = Mutex::new(BTreeMap::<String, u32>::new());
    trials::run("hostile backups", &plan, |trial| {
        let mut world = World::new(Kind::BackedUp);
        world.quit();
        let home = world.home().to_owned();
        let outside = home.join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("canary"), "alive").unwrap();
        let newest = world.known.keys().next_back().unwrap().clone();
        let mut random = StdRng::seed_from_u64(trial.seed);
        let entries = entries(&mut random, &home);
        let what = format!("{entries:?}");
        change_files(&home, &newest, entries);
        let (place, target) = if trial.in_place {
            (Place::InPlace, home.join("documents"))
        } else {
            (Place::Folder(home.join("target")), home.join("target"))
        };
        let engine = Engine::open(options(&home)).unwrap();
        let before = state(&home, &target);
        let ended = restore(&engine, &newest, place, &Watch::unwatched());
        let after = state(&home, &target);
        let word = ended
            .as_ref()
            .map_or_else(|error| error.code(), |_| "restored");
        *ends.lock().unwrap().entry(word.to_owned()).or_default() += 1;
        if before != after {
            return Err(format!("{before:?} became {after:?} with {what}"));
        }
        for escaped in ["/dev/shm/evil", "/tmp/evil", "/evil"] {
            if Path::new(escaped).exists() {
                return Err(format!("{escaped} is there with {what}"));
            }
        }
        if has_device_or_setuid(&target) {
            return Err(format!(
                "a device or a program that runs as another was made of {what}"
            ));
        }
        let restored = matches!(ended, Ok(Outcome::Completed(())));
        if restored && trial.in_place {
            engine
                .undo(&Watch::unwatched())
                .map_err(|error| format!("undo: {error:?} with {what}"))?;
        }
        drop(engine);
        // It is not what it was when it was made.
        world.known.remove(&newest);
        let forged = judge(&world, Job::BackUp, &End::Died);
        match forged {
            Err(why) if why.contains(newest.as_str()) => Ok(()),
            judged => judged.map_err(|why| format!("{why} with {what}")),
        }
    });
    println!("hostile backups: {:?}", ends.into_inner().unwrap());
}

const NAMES: [&str; 16] = [
    "..",
    ".",
    "",
    "../evil",
    "/evil",
    "/dev/shm/evil",
    "../outside/canary",
    "a/b",
    "a\\x00b",
    "\\x2e\\x2e",
    "\\xff\\xfe",
    "link",
    "LINK",
    ".holdfast",
    "caf\\u00e9",
    "ordinary",
];

fn entries(random: &mut StdRng, home: &Path) -> Vec<Entry> {
    let outside = home.join("outside");
    // Names that are damage end a restore at once: without them it comes further.
    let wild = random.random_bool(0.4);
    let mut entries = vec![(PathBuf::from("documents"), node(NodeType::Dir), None)];
    for number in 0..random.random_range(1..8) {
        let mut path = PathBuf::from(format!("documents/{number}"));
        let links = [
            Path::new(".."),
            Path::new("../outside"),
            outside.as_path(),
            Path::new("/dev/shm"),
        ];
        let kind = match random.random_range(0..10) {
            0 | 1 => NodeType::from_link(links[random.random_range(0..links.len())]),
            2 => NodeType::Dev { device: 0x0801 },
            3 => NodeType::Chardev { device: 0x0101 },
            4 => NodeType::Fifo,
            5 => NodeType::Socket,
            6 => NodeType::Dir,
            _ => NodeType::File,
        };
        let mut node = node(kind);
        node.name = match random.random_range(0..8) {
            _ if !wild => format!("tame-{}", number % 6),
            0 => "n".repeat(300),
            1 => "long/".repeat(1_000),
            2 => "link".to_owned(),
            _ => NAMES[random.random_range(0..NAMES.len())].to_owned(),
        };
        node.meta.mode = Some(random.random::<u32>());
        node.meta.size = [0, 4, 1 << 40, u64::MAX][random.random_range(0..4)];
        node.meta.uid = Some(random.random());
        node.meta.links = random.random_range(0..3);
        let is_folder = node.is_dir();
        let content = node.is_file().then(|| b"evil".to_vec());
        entries.push((path.clone(), node, content));
        if is_folder {
            path.push("inner");
            let mut inner = self::node(NodeType::File);
            if wild {
                inner.name = NAMES[random.random_range(0..NAMES.len())].to_owned();
            }
            entries.push((path, inner, Some(b"evil".to_vec())));
        }
    }
    entries
}

fn node(kind: NodeType) -> Node {
    Node::new_node("documents".as_ref(), kind, Metadata::default())
}

/// Everything but the target, what the program keeps for itself, and the database that is open.
fn state(home: &Path, target: &Path) -> BTreeMap<PathBuf, String> {
    fn scan(folder: &Path, leave_out: &[PathBuf], found: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if leave_out.contains(&path) {
                continue;
            }
            let meta = fs::symlink_metadata(&path).unwrap();
            let facts = format!("{:?} {:o} {}", meta.file_type(), meta.mode(), meta.uid());
            let content = if meta.is_file() {
                hex_of(&fs::read(&path).unwrap())
            } else {
                String::new()
            };
            found.insert(path.clone(), format!("{facts} {content}"));
            if meta.is_dir() {
                scan(&path, leave_out, found);
            }
        }
    }
    let own = [
        "library",
        "undo",
        "catalog.db",
        "seen.json",
        "copies",
        "machine.json",
    ];
    let mut leave_out = own.map(|name| home.join("data").join(name)).to_vec();
    leave_out.push(target.to_owned());
    let mut found = BTreeMap::new();
    scan(home, &leave_out, &mut found);
    found
}

fn has_device_or_setuid(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.map(|entry| entry.unwrap().path()).any(|path| {
        let meta = fs::symlink_metadata(&path).unwrap();
        let kind = meta.file_type();
        let device = kind.is_block_device() || kind.is_char_device();
        let setuid = meta.is_file() && meta.permissions().mode() & 0o4000 != 0 && meta.uid() != 0;
        device || setuid || meta.is_dir() && has_device_or_setuid(&path)
    })
}
