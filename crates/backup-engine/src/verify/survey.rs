//! Walking all that backups need, each folder once however many of them have it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rustic_core::repofile::{Node, PackId, SnapshotId};
use rustic_core::{DataId, Id, TreeId};

use super::{Found, damage, named, packs, record};
use crate::backup::LIBRARY_FILE;
use crate::destination::{BackupRecord, Content, Location, Part, Session};
use crate::{Engine, Error, Watch};

/// What is wrong, for a person. Shared by all that it concerns.
pub(super) type Reason = Arc<str>;

/// A repository. `None`: nobody needs it. Where it cannot be used at all, the reason.
type Looked = Option<Result<Reach, Reason>>;

/// Both repositories, and what is known of them so far.
pub(super) struct Survey<'a> {
    engine: &'a Engine,
    watch: &'a Watch,
    databases: Looked,
    files: Looked,
}

impl<'a> Survey<'a> {
    /// Opens what these backups need; or `everything` that is there, which the next backup takes for stored also where no
    /// backup needs it.
    pub(super) fn open(
        engine: &'a Engine,
        records: &[BackupRecord],
        everything: bool,
        watch: &'a Watch,
    ) -> Result<Self, Error> {
        let open = |part, is_needed: bool| -> Result<Looked, Error> {
            let wanted = is_needed || (everything && engine.destination.has_part(part));
            wanted.then(|| look_at(engine, part, watch)).transpose()
        };
        let needs_files = records.iter().any(|record| record.files.is_some());
        Ok(Self {
            engine,
            watch,
            databases: open(Part::Databases, !records.is_empty())?,
            files: open(Part::Files, needs_files)?,
        })
    }

    /// What is wrong with a backup, as far as it is known.
    pub(super) fn backup(&mut self, record: &BackupRecord) -> Result<Found, Error> {
        match self.look(record) {
            Ok(None) => Ok(Found::Sound),
            Ok(Some(reason)) => Ok(Found::Damaged(reason.to_string())),
            Err(error) => Found::of(error, self.watch),
        }
    }

    fn look(&mut self, record: &BackupRecord) -> Result<Option<Reason>, Error> {
        let databases = match &mut self.databases {
            Some(Ok(reach)) => reach,
            Some(Err(reason)) => return Ok(Some(reason.clone())),
            None => return Ok(Some("its databases are missing".into())),
        };
        let destination = &self.engine.destination;
        let (snapshot, _) = record::read(destination, &databases.content, &record.id)?;
        if let Some(reason) = databases.tree(&snapshot.tree)? {
            return Ok(Some(reason));
        }
        let root = databases.content.folder(&snapshot.tree)?;
        let is_library = |node: &Node| node.name == LIBRARY_FILE && node.is_file();
        if !root.iter().any(is_library) {
            return Ok(Some("the library is missing in it".into()));
        }
        let reason = match (&record.files, &mut self.files) {
            (None, _) => None,
            (Some(files), Some(Ok(reach))) => {
                let found = reach.snapshot(files)?;
                found.or_else(|| reach.wrong_keys.clone())
            }
            (Some(_), Some(Err(reason))) => Some(reason.clone()),
            (Some(_), None) => Some("its files are missing".into()),
        };
        Ok(reason.or_else(|| databases.wrong_keys.clone()))
    }

    fn parts(&mut self) -> impl Iterator<Item = &mut Reach> {
        let parts = [&mut self.databases, &mut self.files].into_iter();
        parts.flatten().flatten()
    }

    /// Why a part could not be read at all, or will not be after a start.
    pub(super) fn not_read(&self) -> Option<&Reason> {
        let mut parts = [&self.databases, &self.files].into_iter().flatten();
        parts.find_map(|part| match part {
            Ok(reach) => reach.wrong_keys.as_ref(),
            Err(reason) => Some(reason),
        })
    }

    /// From now on everything counts as needed that is there, also what no backup has any more: the next one takes for stored
    /// what the index lists, and enters what it does not list.
    pub(super) fn need_everything(&mut self) {
        for reach in self.parts() {
            reach.needed.extend(&reach.listed);
            let unlisted = reach.sizes.keys();
            let unlisted = unlisted.filter(|pack| !reach.listed.contains(pack));
            reach.unlisted = unlisted.copied().collect();
        }
    }

    /// Of the packs that are needed by all that was looked at.
    pub(super) fn bytes_needed(&mut self) -> u64 {
        self.parts().map(|reach| reach.bytes_needed()).sum()
    }

    /// Reads them. True: something is wrong that was not known before.
    pub(super) fn read_all(&mut self, watch: &Watch) -> Result<bool, Error> {
        let mut found = false;
        for reach in self.parts() {
            found |= packs::read_all(reach, watch)?;
            reach.seen.clear();
        }
        Ok(found)
    }

    pub(super) fn bytes_read(&mut self) -> u64 {
        self.parts().map(|reach| reach.bytes_read).sum()
    }
}

/// Errors: what says nothing about the part.
fn look_at(engine: &Engine, part: Part, watch: &Watch) -> Result<Result<Reach, Reason>, Error> {
    let opened = engine.destination.read(part, watch).and_then(|session| {
        let missing = || Error::Unreachable("there are no backups in it".into());
        let session = session.ok_or_else(missing)?;
        let opens = engine.destination.opens_after_a_start(part, watch)?;
        Reach::open(session, opens)
    });
    match opened {
        Ok(reach) => Ok(Ok(reach)),
        Err(error) => {
            let reason = damage(error, watch)?;
            Ok(Err(format!("in {}: {reason}", named(part)).into()))
        }
    }
}

/// One repository: what is in it, what of it is needed, and what is wrong.
pub(super) struct Reach {
    pub(super) content: Content,
    /// What is wrong with the files of its keys. It is open already, and will not be opened any more.
    wrong_keys: Option<Reason>,
    /// The packs that are there.
    sizes: HashMap<PackId, u32>,
    pub(super) needed: HashSet<PackId>,
    /// The packs that are in the index.
    listed: HashSet<PackId>,
    /// Those that are not, where they are to be read too.
    pub(super) unlisted: Vec<PackId>,
    pub(super) bad_packs: HashMap<PackId, Reason>,
    /// Folders and chunks.
    pub(super) bad_blobs: HashMap<Id, Reason>,
    /// The folders that were looked at, with the first thing that is wrong in or below each.
    seen: HashMap<TreeId, Option<Reason>>,
    pub(super) bytes_read: u64,
}

/// A folder on the way down.
struct Level {
    tree: TreeId,
    folders: std::vec::IntoIter<TreeId>,
    reason: Option<Reason>,
}

impl Reach {
    /// Reads the index and lists the packs, and compares the two.
    fn open(session: Session, opens_after_a_start: bool) -> Result<Self, Error> {
        let part = named(session.part());
        let wrong_keys = || format!("in {part}: a key file is damaged or missing").into();
        let mut reach = Self {
            wrong_keys: (!opens_after_a_start).then(wrong_keys),
            sizes: session.packs()?,
            content: Content::open(session)?.noting_damage(),
            needed: HashSet::new(),
            listed: HashSet::new(),
            unlisted: Vec::new(),
            bad_packs: HashMap::new(),
            bad_blobs: HashMap::new(),
            seen: HashMap::new(),
            bytes_read: 0,
        };
        for index in reach.content.session().index()? {
            for pack in index?.packs {
                reach.listed.insert(pack.id);
                let size = reach.sizes.get(&pack.id).copied();
                let name = short(&pack.id);
                let reason = match size {
                    Some(size) if size == pack.pack_size() => continue,
                    Some(size) => {
                        format!("the pack {name} has {size} of {} bytes", pack.pack_size())
                    }
                    None => format!("the pack {name} is missing"),
                };
                reach.bad_packs.insert(pack.id, reason.into());
            }
        }
        Ok(reach)
    }

    fn bytes_needed(&self) -> u64 {
        let packs = self.needed.iter().chain(&self.unlisted);
        let sizes = packs.filter_map(|pack| self.sizes.get(pack));
        sizes.map(|size| u64::from(*size)).sum()
    }

    pub(super) fn is_there(&self, pack: &PackId) -> bool {
        self.sizes.contains_key(pack)
    }

    pub(super) fn size(&self, pack: &PackId) -> u64 {
        self.sizes.get(pack).copied().map_or(0, u64::from)
    }

    fn snapshot(&mut self, id: &SnapshotId) -> Result<Option<Reason>, Error> {
        let tree = self.content.session().snapshot(id)?.tree;
        self.tree(&tree)
    }

    /// The first thing that is wrong in or below a folder. Each folder is read once, whatever the number of backups, and
    /// however deep they are: the way down is kept here and not on the stack.
    fn tree(&mut self, root: &TreeId) -> Result<Option<Reason>, Error> {
        if let Some(known) = self.seen.get(root) {
            return Ok(known.clone());
        }
        let mut levels = vec![self.enter(root)?];
        while let Some(level) = levels.last_mut() {
            if let Some(folder) = level.folders.next() {
                match self.seen.get(&folder) {
                    Some(known) => level.reason = level.reason.take().or_else(|| known.clone()),
                    None => {
                        let next = self.enter(&folder)?;
                        levels.push(next);
                    }
                }
                continue;
            }
            let Some(done) = levels.pop() else { break };
            if let Some(above) = levels.last_mut() {
                above.reason = above.reason.take().or_else(|| done.reason.clone());
            }
            self.seen.insert(done.tree, done.reason);
        }
        Ok(self.seen.get(root).cloned().flatten())
    }

    /// Reads a folder, and looks at where the content of its files lies.
    fn enter(&mut self, tree: &TreeId) -> Result<Level, Error> {
        let level = |reason: Option<Reason>, folders: Vec<TreeId>| Level {
            tree: *tree,
            folders: folders.into_iter(),
            reason,
        };
        let place = self.content.place(tree);
        if let Some(reason) = self.wrong_with(tree, place, "a folder") {
            return Ok(level(Some(reason), Vec::new()));
        }
        let watch = self.content.watch().clone();
        let nodes = match self.content.folder(tree) {
            Ok(nodes) => nodes,
            Err(error) => {
                let reason = damage(error, &watch)?;
                return Ok(level(Some(reason.into()), Vec::new()));
            }
        };
        let (mut reason, mut folders) = (None, Vec::new());
        for node in nodes {
            if node.is_dir() {
                match node.subtree {
                    Some(folder) => folders.push(folder),
                    None => reason = Some("a folder has no content".into()),
                }
            }
            for chunk in node.content.iter().flatten() {
                let wrong = self.wrong_with_chunk(chunk);
                reason = reason.or(wrong);
            }
        }
        Ok(level(reason, folders))
    }

    fn wrong_with_chunk(&mut self, chunk: &DataId) -> Option<Reason> {
        let place = self.content.place(chunk);
        self.wrong_with(chunk, place, "a part of a file")
    }

    fn wrong_with(&mut self, id: &Id, place: Option<Location>, what: &str) -> Option<Reason> {
        let Some(place) = place else {
            return Some(format!("{what} is missing in the index").into());
        };
        self.needed.insert(place.pack);
        let wrong = self.bad_blobs.get(id);
        if let Some(reason) = wrong.or_else(|| self.bad_packs.get(&place.pack)) {
            return Some(reason.clone());
        }
        let size = self.size(&place.pack);
        (size < place.end).then(|| {
            let name = short(&place.pack);
            format!("{what} lies behind the end of the pack {name}").into()
        })
    }
}

/// The beginning of a pack's name, as people who look for it need it.
pub(super) fn short(pack: &PackId) -> String {
    pack.to_hex().as_str().chars().take(8).collect()
}
