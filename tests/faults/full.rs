//! A real disk that is full: a small file system of its own for the destination, in a mount namespace of its own.

use std::process::Command;

use serde_json::Value;

use crate::process::{Service, dump, program};

/// The service, with this folder's `destination` (or `data`) on a disk of this size. `None` where the system does not let us.
fn on_small_disk(home: &std::path::Path, folder: &str, megabytes: u32) -> Option<Service> {
    let folder = home.join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    let script = format!("mount -t tmpfs -o size={megabytes}m none \"$1\" && shift && exec \"$@\"");
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
            .arg(&folder);
        command
    };
    let allowed = unshare(&script.replace("exec \"$@\"", "true"))
        .status()
        .is_ok_and(|status| status.success());
    if !allowed {
        eprintln!("skipped: this system does not allow mounting in a namespace of one's own");
        return None;
    }
    let mut command = unshare(&script);
    command.arg(program());
    Some(Service::start_with(command, home))
}

#[test]
fn a_full_destination_is_said_to_be_full_and_earlier_backups_and_the_library_stay() {
    let home = tempfile::tempdir().unwrap();
    let Some(service) = on_small_disk(home.path(), "destination", 12) else {
        return;
    };
    service.import(0..500, 0);
    let id = service.back_up();
    service.import(0..6_000, 1);
    let before = dump(home.path());

    let (status, text) = service.call("POST", "/backups/create", None).unwrap();
    assert_eq!(status, 500, "{text}");
    assert!(text.contains("full"), "{text}");
    assert!(!text.contains('/'), "a path left the service: {text}");
    assert_eq!(dump(home.path()), before);
    assert_eq!(service.backups(), std::slice::from_ref(&id));

    service.ok("POST", &format!("/backup/{id}/restore"), None);
    let overview: Value =
        serde_json::from_str(&service.ok("GET", "/holdfast/overview", None)).unwrap();
    assert_eq!(overview["library"]["assets"], 500);
    // With the library small again there is room for a backup: nothing has to be removed by hand.
    service.back_up();
}

#[test]
fn a_restore_without_room_beside_the_library_is_refused_before_it_starts() {
    let home = tempfile::tempdir().unwrap();
    let Some(service) = on_small_disk(home.path(), "data", 60) else {
        return;
    };
    service.import(0..4_000, 0);
    let id = service.back_up();
    // The library, and a filler, leave less than the backup needs.
    service.import(4_000..7_000, 0);
    let (status, text) = service
        .call("POST", &format!("/backup/{id}/restore"), None)
        .unwrap();
    assert_eq!(status, 500, "{text}");
    assert!(text.contains("space"), "{text}");
    let overview: Value =
        serde_json::from_str(&service.ok("GET", "/holdfast/overview", None)).unwrap();
    assert_eq!(overview["library"]["assets"], 7_000);
}
