//! Which programs have a file, or any file under a folder, open: what they hold must not be replaced under them.
//!
//! Linux says which files a process has open, as far as it is the same user's. Elsewhere SQLite's locks tell of the
//! databases, though not which program it is, nor of one that has a rollback journal and is not being read or written.

#[cfg(target_os = "linux")]
use std::collections::BTreeMap;
#[cfg(target_os = "linux")]
use std::fs;
use std::io;
use std::path::Path;

/// A program that has files open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Its process, where the operating system says so.
    pub process: Option<u32>,
    /// Its name, for a person.
    pub program: String,
}

/// The other programs that have `path`, or a file under it, open: one for each process. This process does not count.
#[cfg(target_os = "linux")]
pub(crate) fn holders(path: &Path) -> io::Result<Vec<Holder>> {
    let path = fs::canonicalize(path)?;
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let process = name.to_str().and_then(|name| name.parse::<u32>().ok());
        if let Some(process) = process.filter(|process| *process != std::process::id())
            && holds(process, &path)
        {
            let program = fs::read_to_string(format!("/proc/{process}/comm"));
            let program =
                program.map_or_else(|_| "another program".into(), |name| name.trim_end().into());
            found.insert(process, program);
        }
    }
    let holder = |(process, program)| Holder {
        process: Some(process),
        program,
    };
    Ok(found.into_iter().map(holder).collect())
}

/// A process that ended meanwhile holds nothing; one of another user does not say.
#[cfg(target_os = "linux")]
fn holds(process: u32, path: &Path) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{process}/fd")) else {
        return false;
    };
    descriptors
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .any(|open| open.starts_with(path))
}

/// Whether any program holds a lock on `path`, or on a database under it. This process counts as well.
#[cfg(not(target_os = "linux"))]
pub(crate) fn holders(path: &Path) -> io::Result<Vec<Holder>> {
    let held = super::locks::any_locked(path)?;
    Ok(held
        .then(|| Holder {
            process: None,
            program: "another program".into(),
        })
        .into_iter()
        .collect())
}
