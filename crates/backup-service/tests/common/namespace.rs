//! A test in a mount namespace of its own, where it may mount what it likes and nothing of it is seen outside.

use std::path::Path;
use std::process::Command;

/// Set in the process that is inside.
const INSIDE: &str = "HOLDFAST_TEST_NAMESPACE";

/// True inside. Outside, runs this one test inside, in a process of its own, and passes its failure on; where the system
/// does not allow that, it says so and the test is left out.
pub fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount"]);
        command
    };
    let probe = ["sh", "-c", "mount -t tmpfs none /mnt"];
    let allowed = unshare()
        .args(probe)
        .output()
        .is_ok_and(|ran| ran.status.success());
    if !allowed {
        eprintln!("skipped: this system does not allow mounting in a namespace of one's own");
        return false;
    }
    let mut command = unshare();
    command
        .arg(std::env::current_exe().unwrap())
        .env(INSIDE, "1");
    let ran = command
        .args(["--exact", test, "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}{complained}");
    assert!(said.contains("1 passed"), "{said}");
    false
}

/// A file system in memory of this size.
pub fn mount(folder: &Path, kilobytes: u32) {
    std::fs::create_dir_all(folder).unwrap();
    run(
        &["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "none"],
        folder,
    );
}

pub fn make_read_only(folder: &Path) {
    run(&["-o", "remount,ro"], folder);
}

pub fn make_writable(folder: &Path) {
    run(&["-o", "remount,rw"], folder);
}

fn run(arguments: &[&str], folder: &Path) {
    let ran = Command::new("mount")
        .args(arguments)
        .arg(folder)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
}
