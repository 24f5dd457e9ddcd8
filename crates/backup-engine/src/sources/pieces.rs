//! Where PiecesOS keeps its data, and what of it a backup can do without.
//!
//! The documentation of Pieces ("On-Device Storage") names `~/Library/com.pieces.os` on macOS, `~/.local/share/com.pieces.os`
//! on Linux (also for its Flatpak) and, on Windows, a folder below `AppData\Local` or, of older versions,
//! `Documents\com.pieces.os`. The others here follow from how Snap and Flatpak move a program's home folder, and from what
//! users report. An older place may be left with little more than settings, so the one with the data is taken.

use std::path::{Path, PathBuf};

const NAME: &str = "com.pieces.os";

/// Below the home folder, the most likely first.
#[cfg(target_os = "macos")]
const PLACES: [&str; 3] = ["Library", "Documents", "Library/Application Support"];
#[cfg(windows)]
const PLACES: [&str; 3] = [
    "AppData/Local/Mesh Intelligent Technologies, Inc/Pieces OS",
    "Documents",
    "OneDrive/Documents",
];
#[cfg(all(unix, not(target_os = "macos")))]
const PLACES: [&str; 5] = [
    ".local/share",
    ".var/app/com.pieces.os/data",
    "snap/pieces-os/current/.local/share",
    "snap/pieces-os/common/.local/share",
    "Documents",
];

/// What marks the data: the database, in the folder of everything that the user saved.
const DATA: &str = "production/Pieces";

/// The data folder of PiecesOS of the user with this home folder.
pub(crate) fn find(home: &Path) -> Option<PathBuf> {
    let places = PLACES.iter().map(|place| home.join(place).join(NAME));
    places.into_iter().find(|folder| folder.join(DATA).is_dir())
}

/// What is made again, downloaded again, or a copy: backups of PiecesOS's own, models, logs and caches.
///
/// No `*.log`: databases of the LevelDB family keep their newest data in files of that name.
pub(crate) fn default_excludes() -> Vec<String> {
    const LINES: [&str; 13] = [
        "# Made again, downloaded again, or a copy",
        "/Backups/",
        "/production/Backups/",
        "/production/[Mm]odels/",
        "*.gguf",
        "*.onnx",
        "/logs/",
        "/production/logs/",
        "/production/[Ss]upport/",
        "/production/Pieces/[Ss]upport/",
        "/production/vector_db_logs/",
        "[Cc]ache/",
        "[Cc]aches/",
    ];
    LINES.map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::super::excludes::Excludes;
    use super::*;
    use std::fs;

    #[test]
    fn the_folder_with_the_data_is_found_not_an_older_one_with_settings() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(find(home.path()), None);
        let [first, second] = [0, 1].map(|at| home.path().join(PLACES[at]).join(NAME));
        fs::create_dir_all(first.join("production/Config")).unwrap();
        assert_eq!(find(home.path()), None);
        fs::create_dir_all(second.join("production/Pieces/couchbase.cblite2")).unwrap();
        assert_eq!(find(home.path()), Some(second));
        fs::create_dir(first.join("production/Pieces")).unwrap();
        assert_eq!(find(home.path()), Some(first));
    }

    #[test]
    fn what_can_be_had_again_is_left_out_and_the_data_is_not() {
        let rules = Excludes::compile(&default_excludes()).unwrap();
        let out = |path: &str, folder| rules.leave_out(Path::new(path), folder);
        for folder in [
            "production/Backups",
            "production/Models",
            "production/Support",
            "logs",
            "production/Pieces/Support",
            "production/Pieces/Cache",
            "production/vector_db_logs",
        ] {
            assert!(out(folder, true), "{folder}");
        }
        for folder in [
            "production/Pieces",
            "production/Pieces/couchbase.cblite2",
            "production/Pieces/vector_db",
        ] {
            assert!(!out(folder, true), "{folder}");
        }
        assert!(out("production/Pieces/x/model.gguf", false));
        for file in [
            "production/Pieces/couchbase.cblite2/db.sqlite3",
            "production/x/000003.log",
            "production/Config/.port.txt",
        ] {
            assert!(!out(file, false), "{file}");
        }
    }
}
