//! `verify`: proving that backups can be restored.

use backup_api::{Depth, Job, Verify, VerifyReport};
use backup_client::Client;

use super::print;
use crate::arguments;
use crate::fail::Failure;
use crate::progress::{Act, follow_job};
use crate::show;

pub async fn run(client: &Client, wanted: arguments::Verify, as_json: bool) -> Result<(), Failure> {
    let depth = match (wanted.full, wanted.rehearse) {
        (true, _) => Depth::Full,
        (_, true) => Depth::Rehearsal,
        _ => Depth::Quick,
    };
    let request = Verify {
        backup: wanted.id,
        depth,
    };
    let begin = client.begin_verify(&request);
    let line = as_json.then_some(|job: &Job| job.clone());
    let failed = |job: &Job| {
        if let Some(report) = job.report.as_ref().filter(|_| !as_json) {
            eprint!("{}", damage(report));
        }
    };
    let job = follow_job(client, begin, Act::Verify, line, failed).await?;
    match job.report.filter(|_| !as_json) {
        Some(report) => print(false, &(), || sound(&report)),
        None => Ok(()),
    }
}

fn sound(report: &VerifyReport) -> String {
    let backups = show::counted(report.backups, "backup");
    let read = show::size(report.bytes_read);
    match report.depth {
        Depth::Quick => format!("Looked at {backups}: all that they need is there.\n"),
        Depth::Full => format!("Read {backups}, {read}: all is as it was stored.\n"),
        Depth::Rehearsal => format!("Restored {backups}, {read}, for a trial: all is as it was.\n"),
    }
}

fn damage(report: &VerifyReport) -> String {
    let damaged = report.damaged.iter();
    let mut lines: String = damaged
        .map(|damaged| {
            format!(
                "{}  {}\n",
                show::safe(&damaged.backup),
                show::safe(&damaged.reason)
            )
        })
        .collect();
    if report.unreadable > 0 {
        let records = show::counted(report.unreadable, "record");
        lines += &format!("{records} that cannot be read, of backups that are not listed\n");
    }
    lines
}
