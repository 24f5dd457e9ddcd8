//! A power cut at a random moment: what a file system has brought to its disk by then is all that is left. The disk is a file
//! on a file system that can copy one at once, whatever is being written to it; the copy is mounted, as after a power cut.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::jobs::{Job, Worker};
use crate::judge::{End, judge};
use crate::size::{seed, size};
use crate::trials;
use crate::world::World;

/// Where disks can be made. Set for the process that runs the trials.
const DISKS: &str = "HOLDFAST_TORTURE_DISKS";

/// Of a disk, in MiB: a restore leaves 16 free, and a btrfs is not smaller than 109.
const DISK: u64 = 128;

/// What is on a disk: with any file an ext4 syncs all that was made or renamed before, a btrfs only some of it.
const KINDS: [&str; 2] = ["ext4", "btrfs"];

/// How long a process that another trial is just starting may have open what its parent had.
const PATIENCE: Duration = Duration::from_secs(10);

const JOBS: [Job; 8] = [
    Job::First,
    Job::BackUp,
    Job::MendPacks,
    Job::Restore,
    Job::Undo,
    Job::Delete,
    Job::Undelete,
    Job::AddSource,
];

struct Trial {
    job: Job,
    kind: &'static str,
    number: usize,
    /// As a share of the whole job. Much of what is beyond it shows what was said to be done.
    moment: f64,
    /// Some of what is not synced comes to the disk by itself: all of it, at this share of the time until then.
    written_back: Option<f64>,
}

impl fmt::Display for Trial {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            job, kind, moment, ..
        } = self;
        write!(out, "{job:?} on {kind} at {moment:.4}")?;
        if let Some(share) = self.written_back {
            write!(out, ", all written at {share:.4} of that")?;
        }
        write!(out, " (seed {})", seed())
    }
}

fn plan(each: usize) -> Vec<Trial> {
    let mut random = StdRng::seed_from_u64(seed());
    let trial = |number| Trial {
        job: JOBS[number % JOBS.len()],
        kind: KINDS[number / JOBS.len() % KINDS.len()],
        number,
        moment: random.random_range(0.0..2.0),
        written_back: (number / JOBS.len() % 4 > 1).then(|| random.random_range(0.0..1.0)),
    };
    (0..each * JOBS.len()).map(trial).collect()
}

#[test]
fn after_a_power_cut_no_promise_is_broken() {
    match std::env::var_os(DISKS) {
        Some(disks) => {
            cut_power(Path::new(&disks));
            fs::write(done(Path::new(&disks)), "").unwrap();
        }
        None => with_disks("power::after_a_power_cut_no_promise_is_broken"),
    }
}

/// Runs this test once more, in a mount namespace with a file system for disks.
fn with_disks(test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (image, disks) = (folder.path().join("image"), folder.path().join("disks"));
    File::create(&image).unwrap().set_len(8 << 30).unwrap();
    fs::create_dir(&disks).unwrap();
    let inside = |command: &str| {
        let script = format!("mkfs.xfs -q -f \"$0\" && mount -o loop \"$0\" \"$1\" && {command}");
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "sh", "-c", &script]);
        unshare.args([&image, &disks]);
        unshare.arg(std::env::current_exe().unwrap()).arg(test);
        unshare.env(DISKS, &disks).status().unwrap().success()
    };
    let try_out = |kind| {
        let made = format!("truncate -s {DISK}M \"$1/a\" && mkfs.{kind} -q \"$1/a\"");
        format!("{made} && mkdir \"$1/b\" && mount -o loop \"$1/a\" \"$1/b\"")
    };
    if !KINDS.iter().all(|kind| inside(&try_out(kind))) {
        eprintln!("power cut: skipped, as this system does not allow mounting disks of one's own");
        return;
    }
    assert!(inside("\"$2\" \"$3\" --exact --nocapture"));
    assert!(done(&disks).exists(), "there is no test of this name");
}

/// Made at the end of the trials: a test that is not found succeeds as well.
fn done(disks: &Path) -> PathBuf {
    disks.with_file_name("done")
}

fn cut_power(disks: &Path) {
    let whole = |job: Job, kind| {
        let disk = Disk::new(disks, &format!("whole-{job:?}-{kind}"), kind);
        let world = disk.world(job);
        let mut worker = Worker::start(job, world.home(), &[]);
        worker.wait_for_the_job();
        let start = Instant::now();
        assert_eq!(worker.wait().end, End::Completed, "{job:?} on {kind}");
        start.elapsed()
    };
    let whole = JOBS.map(|job| KINDS.map(|kind| whole(job, kind)));
    let plan = plan(size().choose(4, 125));
    let (met, acknowledged) = (AtomicU64::new(0), AtomicU64::new(0));
    trials::run("power cut", &plan, |trial| {
        let mut disk = Disk::new(disks, &trial.number.to_string(), trial.kind);
        let mut world = disk.world(trial.job);
        let mut worker = Worker::start(trial.job, world.home(), &[]);
        worker.wait_for_the_job();
        let whole = whole[trial.number % JOBS.len()][trial.number / JOBS.len() % KINDS.len()];
        let told = wait(&disk, worker.telling(), whole.mul_f64(trial.moment), trial);
        disk.cut();
        worker.kill();
        drop(worker.wait());
        world.quit();
        disk.mount_what_was_cut();
        match &told {
            End::Completed => acknowledged.fetch_add(1, Ordering::Relaxed),
            End::Died => met.fetch_add(1, Ordering::Relaxed),
            end => return Err(format!("nothing was in its way, and it ended with {end:?}")),
        };
        judge(&world, trial.job, &told)
    });
    let (met, acknowledged) = (met.into_inner(), acknowledged.into_inner());
    println!("power cut: {met} met a running job, {acknowledged} one that had said how it ended");
    assert!(met.min(acknowledged) * 8 >= plan.len() as u64);
}

/// Returns what the job has said by the moment of the cut.
fn wait(disk: &Disk, told: Receiver<End>, until: Duration, trial: &Trial) -> End {
    let start = Instant::now();
    if let Some(share) = trial.written_back {
        thread::sleep(until.mul_f64(share));
        disk.write_back();
    }
    let left = until.saturating_sub(start.elapsed());
    match told.recv_timeout(left) {
        Ok(end) => end,
        Err(RecvTimeoutError::Timeout) => End::Died,
        Err(RecvTimeoutError::Disconnected) => panic!("the job ended without a word"),
    }
}

/// A disk, mounted. It is strict: what is renamed over something else is not synced by the file system of itself.
struct Disk {
    kind: &'static str,
    image: PathBuf,
    mounted: PathBuf,
}

impl Disk {
    fn new(disks: &Path, name: &str, kind: &'static str) -> Self {
        let disk = Self {
            kind,
            image: disks.join(format!("{name}.image")),
            mounted: disks.join(name),
        };
        fs::create_dir(&disk.mounted).unwrap();
        let image = File::create(&disk.image).unwrap();
        image.set_len(DISK << 20).unwrap();
        run(Command::new(format!("mkfs.{kind}"))
            .arg("-q")
            .arg(&disk.image));
        disk.mount();
        disk
    }

    /// Everything that is there at first is on the disk.
    fn world(&self, job: Job) -> World {
        let world = job.world().moved_to(&self.mounted.join("home"));
        self.write_back();
        world
    }

    fn write_back(&self) {
        rustix::fs::syncfs(File::open(&self.mounted).unwrap()).unwrap();
    }

    fn cut(&self) {
        copy_at_once(&self.image, &self.left()).unwrap();
    }

    fn left(&self) -> PathBuf {
        self.image.with_extension("left")
    }

    fn mount_what_was_cut(&mut self) {
        self.unmount();
        fs::rename(self.left(), &self.image).unwrap();
        self.mount();
    }

    fn mount(&self) {
        let options = match self.kind {
            "ext4" => "loop,noauto_da_alloc",
            _ => "loop",
        };
        let mut mount = Command::new("mount");
        mount.args(["-t", self.kind, "-o", options]);
        run(mount.args([&self.image, &self.mounted]));
    }

    fn unmount(&self) {
        let start = Instant::now();
        loop {
            let output = Command::new("umount").arg(&self.mounted).output().unwrap();
            if output.status.success() {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{output:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It goes with the namespace, and the failure that is on its way out says more.
        if !thread::panicking() {
            self.unmount();
            fs::remove_file(&self.image).unwrap();
            fs::remove_dir(&self.mounted).unwrap();
        }
    }
}

/// The copy is of one moment, with what was written to the file until then and not what its file system still keeps.
fn copy_at_once(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (File::open(from)?, File::create(to)?);
    Ok(rustix::fs::ioctl_ficlone(to, from)?)
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}
