//! A job that is followed although its service stalls, lies, breaks off or talks nonsense. It ends in time with the truth
//! that can be known, and whatever happens, it was started once.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::time::Duration;

use backup_api::{BackupStreamedProgress, Status};
use backup_client::{ClientError, Watched};
use common::in_time;
use common::scripted::*;

const CREATE: &str = "POST /backups/create/streamed";
const SOCKET: &str = "GET /backups/streamed/progress";
const STATUS: &str = "GET /backup/b/creation/status";
const NDJSON: &str = "application/x-ndjson";
const SHORT: Duration = Duration::from_millis(300);

fn running(percentage: f64) -> BackupStreamedProgress {
    step("b", Status::InProgress, percentage)
}

fn done() -> BackupStreamedProgress {
    step("b", Status::Completed, 100.0)
}

fn plain(status: u16) -> Vec<Act> {
    answer(status, "text/plain", "no")
}

/// All that is heard of a job. After an error nothing may follow.
async fn heard(job: &mut Watched) -> (Vec<BackupStreamedProgress>, Option<ClientError>) {
    let mut steps = Vec::new();
    while let Some(step) = in_time(job.next()).await {
        match step {
            Ok(step) => steps.push(step),
            Err(error) => {
                assert!(in_time(job.next()).await.is_none(), "more after {error:?}");
                return (steps, Some(error));
            }
        }
    }
    (steps, None)
}

async fn heard_of_creation(
    service: &Scripted,
) -> (Vec<BackupStreamedProgress>, Option<ClientError>) {
    let client = service.client(|timeouts| timeouts.stall = SHORT);
    let mut job = in_time(client.create_watched()).await.unwrap();
    heard(&mut job).await
}

/// No request but the first may start anything.
fn assert_started_once(service: &Scripted) {
    let asked = service.asked();
    let posts = asked.iter().filter(|asked| asked.what.starts_with("POST"));
    assert_eq!(posts.count(), 1, "{:?}", service.story());
}

#[tokio::test]
async fn progress_is_read_in_every_framing_wherever_the_chunks_end() {
    let steps = [running(0.0), running(50.5), done()];
    let texts = steps
        .clone()
        .map(|step| serde_json::to_string(&step).unwrap());
    let framings = [
        (NDJSON, texts.join("\n") + "\n"),
        (NDJSON, texts.join("\r\n")),
        ("application/json", texts.join("")),
        ("application/json", format!("[{}]", texts.join(", "))),
        (
            "text/event-stream",
            format!(
                ": hello\n\nevent: progress\nid: 1\ndata: {}\n\n",
                texts.join("\n\ndata: ")
            ),
        ),
    ];
    for (kind, text) in framings {
        for size in [1, 2, 3, 7, 100_000] {
            let bytes = text.clone().into_bytes();
            let service = Scripted::start(move |_| {
                let mut acts = vec![stream_head(kind)];
                acts.extend(bytes.chunks(size).map(chunk));
                acts.push(end());
                acts
            })
            .await;
            let (heard, error) = heard_of_creation(&service).await;
            assert_eq!(heard, steps, "{kind} in pieces of {size}");
            assert!(error.is_none(), "{error:?}");
            assert_eq!(service.story(), [CREATE]);
        }
    }
}

#[tokio::test]
async fn one_final_object_is_the_whole_story() {
    let service = Scripted::start(|_| json(&done())).await;
    let (heard, error) = heard_of_creation(&service).await;
    assert_eq!((heard, error.is_none()), (vec![done()], true));
    assert_eq!(service.story(), [CREATE]);
}

#[tokio::test]
async fn what_follows_the_end_is_not_waited_for() {
    let service = Scripted::start(|_| {
        let text = line(&done()) + &line(&running(1.0));
        vec![stream_head(NDJSON), chunk(text), Act::Stall]
    })
    .await;
    let client = service.client(|_| ());
    let mut job = in_time(client.create_watched()).await.unwrap();
    assert_eq!(heard(&mut job).await.0, [done()]);
}

#[tokio::test]
async fn a_stream_and_a_socket_that_stall_leave_the_status_to_be_asked() {
    let service = Scripted::start(|asked| match asked.what.as_str() {
        CREATE => vec![stream_head(NDJSON), chunk(line(&running(10.0))), Act::Stall],
        SOCKET => vec![Act::Socket(vec![creations(&[running(20.0)])], After::Stall)],
        _ if asked.before < 3 => json(&status("b", Status::InProgress, 30.0)),
        _ => json(&status("b", Status::Completed, 100.0)),
    })
    .await;
    let (heard, error) = heard_of_creation(&service).await;
    let percentages: Vec<_> = heard.iter().filter_map(|step| step.percentage).collect();
    assert_eq!(percentages, [10.0, 20.0, 30.0, 30.0, 30.0, 100.0]);
    assert_eq!(heard.last().unwrap().status, Some(Status::Completed));
    assert!(error.is_none(), "{error:?}");
    assert_eq!(service.story(), [CREATE, SOCKET, STATUS]);
    assert_started_once(&service);
}

#[tokio::test]
async fn a_restore_is_followed_by_other_means_as_well() {
    let service = Scripted::start(|asked| match asked.what.as_str() {
        "POST /backup/b/restore/streamed" => vec![stream_head(NDJSON), Act::Stall],
        SOCKET => {
            let other = step("a", Status::Completed, 100.0);
            // A message need not speak of restores at all.
            let creation = creations(&[done()]).replace(",\"restorations\":[]", "");
            assert!(!creation.contains("restorations"));
            let texts = [creation, restorations(&[other, running(20.0)])];
            vec![Act::Socket(texts.to_vec(), After::Cut)]
        }
        "GET /backup/b/restoration/status" => json(&status("b", Status::Failed, 20.0)),
        _ => plain(404),
    })
    .await;
    let client = service.client(|timeouts| timeouts.stall = SHORT);
    let mut job = in_time(client.restore_watched("b")).await.unwrap();
    let (heard, error) = heard(&mut job).await;
    assert_eq!(heard[0], running(20.0), "of this job, not of others");
    assert_eq!(heard[1].status, Some(Status::Failed));
    assert!(heard.len() == 2 && error.is_none(), "{heard:?} {error:?}");
    assert_started_once(&service);
}

#[tokio::test]
async fn a_stream_that_is_cut_or_spoilt_anywhere_is_followed_on_a_socket() {
    let (first, second) = (line(&running(10.0)), line(&running(20.0)));
    // In the middle of a value, and of a character.
    let half = &second.as_bytes()[..second.len() / 2];
    assert!(std::str::from_utf8(half).is_err());
    let spoilt = [
        vec![],
        vec![end()],
        vec![Act::Reset],
        vec![chunk(half)],
        vec![chunk(half), end()],
        vec![chunk(b"{\"backup\":17}\n")],
        vec![chunk(b"\xff\xfe{\x00}\n")],
        vec![Act::Send(b"not a chunk\r\n".to_vec())],
        vec![Act::Endless(
            b"400\r\n"
                .iter()
                .chain(&[b' '; 1024])
                .chain(b"\r\n")
                .copied()
                .collect(),
        )],
        vec![Act::Endless(b"4\r\n{\"a\"\r\n".to_vec())],
    ];
    for rest in spoilt {
        let (script, first) = (rest.clone(), first.clone());
        let service = Scripted::start(move |asked| match asked.what.as_str() {
            CREATE => [vec![stream_head(NDJSON), chunk(&first)], script.clone()].concat(),
            SOCKET => {
                let texts = [running(20.0), done()].map(|step| creations(&[step]));
                vec![Act::Socket(texts.to_vec(), After::Stall)]
            }
            _ => plain(500),
        })
        .await;
        let (heard, error) = heard_of_creation(&service).await;
        assert_eq!(heard.last(), Some(&done()), "after {rest:?}");
        assert!(error.is_none() && heard[0] == running(10.0), "{error:?}");
        assert_eq!(service.story(), [CREATE, SOCKET]);
        assert_started_once(&service);
    }
}

#[tokio::test]
async fn without_a_socket_the_status_is_asked() {
    let sockets = [
        plain(426),
        plain(404),
        plain(500),
        answer(200, "text/html", "<html>"),
        vec![],
        vec![Act::Reset],
        vec![Act::Send(b"garbage\r\n\r\n".to_vec())],
        vec![Act::Socket(vec![], After::Close)],
        vec![Act::Socket(vec![], After::Cut)],
        vec![Act::Socket(vec!["garbage".into()], After::Stall)],
        vec![Act::Socket(
            vec![creations(&[step("other", Status::Completed, 100.0)])],
            After::Close,
        )],
    ];
    for socket in sockets {
        let script = socket.clone();
        let service = Scripted::start(move |asked| match asked.what.as_str() {
            CREATE => vec![stream_head(NDJSON), chunk(line(&running(10.0)))],
            SOCKET => script.clone(),
            _ => json(&status("b", Status::Canceled, 10.0)),
        })
        .await;
        let (heard, error) = heard_of_creation(&service).await;
        let last = heard.last().unwrap();
        assert_eq!(last.status, Some(Status::Canceled), "after {socket:?}");
        assert!(heard.len() == 2 && error.is_none(), "{error:?}");
        assert_eq!(service.story(), [CREATE, SOCKET, STATUS]);
        assert_started_once(&service);
    }
}

#[tokio::test]
async fn a_job_that_the_service_no_longer_lists_is_asked_about_at_once() {
    let service = Scripted::start(|asked| match asked.what.as_str() {
        CREATE => vec![stream_head(NDJSON), chunk(line(&running(10.0)))],
        SOCKET => vec![Act::Socket(vec![creations(&[])], After::Stall)],
        _ => json(&status("b", Status::Completed, 100.0)),
    })
    .await;
    // No time runs out here: whoever waits for the stall is too late.
    let client = service.client(|timeouts| timeouts.stall = 2 * common::PATIENCE);
    let mut job = in_time(client.create_watched()).await.unwrap();
    let (heard, error) = heard(&mut job).await;
    assert_eq!(heard.last().unwrap().status, Some(Status::Completed));
    assert!(error.is_none(), "{error:?}");
    assert_started_once(&service);
}

#[tokio::test]
async fn a_status_that_never_ends_is_told_step_by_step_until_the_caller_has_enough() {
    for (word, value) in [
        ("\"IN-PROGRESS\"", Status::InProgress),
        ("\"PAUSED-BY-MOON\"", Status::Unknown),
    ] {
        let service = Scripted::start(move |asked| match asked.what.as_str() {
            CREATE => vec![stream_head(NDJSON), chunk(line(&running(10.0)))],
            SOCKET => plain(426),
            _ => {
                let text = serde_json::to_string(&status("b", Status::Reset, 10.0)).unwrap();
                answer(200, "application/json", text.replace("\"RESET\"", word))
            }
        })
        .await;
        let client = service.client(|_| ());
        let mut job = in_time(client.create_watched()).await.unwrap();
        in_time(job.next()).await.unwrap().unwrap();
        for _ in 0..30 {
            let step = in_time(job.next()).await.unwrap().unwrap();
            assert_eq!(step.status, Some(value));
        }
        assert_eq!(service.count(STATUS), 30, "asked when the caller asks");
        assert_started_once(&service);
    }
}

#[tokio::test]
async fn a_status_that_cannot_be_had_is_asked_for_some_times_and_then_the_job_is_unknown() {
    let broken: [(Vec<Act>, &str, usize); 5] = [
        (plain(500), "refused", 10),
        (plain(404), "not-found", 1),
        (answer(200, "text/html", "<html>"), "garbled", 10),
        (answer(200, "application/json", "{}"), "garbled", 10),
        (vec![], "broken-off", 10),
    ];
    for (script, code, times) in broken {
        let service = Scripted::start(move |asked| match asked.what.as_str() {
            CREATE => vec![stream_head(NDJSON), chunk(line(&running(10.0)))],
            SOCKET => plain(426),
            _ => script.clone(),
        })
        .await;
        let (heard, error) = heard_of_creation(&service).await;
        let error = error.unwrap();
        assert_eq!((heard.len(), error.code()), (1, code), "{error:?}");
        assert!(!error.never_arrived());
        assert_eq!(service.count(STATUS), times);
        assert_started_once(&service);
    }
}

#[tokio::test]
async fn a_status_that_fails_now_and_then_does_not_end_the_watching() {
    let service = Scripted::start(|asked| match asked.what.as_str() {
        CREATE => vec![stream_head(NDJSON), chunk(line(&running(10.0)))],
        SOCKET => plain(426),
        _ if asked.before == 40 => json(&status("b", Status::Completed, 100.0)),
        _ if asked.before % 5 == 4 => json(&status("b", Status::InProgress, 50.0)),
        _ => plain(500),
    })
    .await;
    let (heard, error) = heard_of_creation(&service).await;
    assert_eq!(heard.last().unwrap().status, Some(Status::Completed));
    assert!(error.is_none() && heard.len() == 10, "{error:?} {heard:?}");
    assert_started_once(&service);
}

#[tokio::test]
async fn a_service_that_vanishes_leaves_a_job_that_did_begin() {
    let service =
        Scripted::start(|_| vec![stream_head(NDJSON), chunk(line(&running(10.0))), Act::Stall])
            .await;
    let client = service.client(|_| ());
    let mut job = in_time(client.create_watched()).await.unwrap();
    in_time(job.next()).await.unwrap().unwrap();
    drop(service);
    let (steps, error) = heard(&mut job).await;
    let error = error.unwrap();
    assert!(steps.is_empty() && !error.never_arrived(), "{error:?}");
    assert_eq!(error.code(), "broken-off");
}

#[tokio::test]
async fn a_job_that_was_never_named_is_lost_with_its_stream() {
    for (socket, code) in [
        (plain(426), "broken-off"),
        (vec![Act::Socket(vec![], After::Cut)], "broken-off"),
        (vec![Act::Socket(vec![], After::Stall)], "timed-out"),
        // A creation that had ended before anybody looked need not be this one.
        (
            vec![Act::Socket(vec![creations(&[done()])], After::Stall)],
            "timed-out",
        ),
    ] {
        let script = socket.clone();
        let service = Scripted::start(move |asked| match asked.what.as_str() {
            CREATE => vec![stream_head(NDJSON)],
            _ => script.clone(),
        })
        .await;
        let (heard, error) = heard_of_creation(&service).await;
        let error = error.unwrap_or_else(|| panic!("{heard:?} of {socket:?}"));
        assert_eq!((heard.len(), error.code()), (0, code), "{error:?}");
        assert!(!error.never_arrived(), "it may well have begun");
        assert_eq!(service.story(), [CREATE, SOCKET]);
        assert_started_once(&service);
    }
}

#[tokio::test]
async fn a_job_whose_stream_broke_before_its_name_is_named_by_the_socket() {
    let service = Scripted::start(|asked| match asked.what.as_str() {
        CREATE => vec![stream_head(NDJSON)],
        SOCKET => vec![Act::Socket(vec![creations(&[running(20.0)])], After::Cut)],
        _ => json(&status("b", Status::Completed, 100.0)),
    })
    .await;
    let client = service.client(|_| ());
    let mut job = in_time(client.create_watched()).await.unwrap();
    assert_eq!(job.backup_id(), None);
    let (heard, error) = heard(&mut job).await;
    assert_eq!(job.backup_id(), Some("b"));
    assert!(heard.len() == 2 && error.is_none(), "{heard:?} {error:?}");
    assert_eq!(service.story(), [CREATE, SOCKET, STATUS]);
}

#[tokio::test]
async fn a_caller_who_looks_away_while_the_means_change_misses_nothing() {
    let service = Scripted::start(|asked| match asked.what.as_str() {
        CREATE => vec![stream_head(NDJSON), chunk(line(&running(10.0)))],
        SOCKET if asked.before == 0 => vec![Act::Stall],
        SOCKET => plain(426),
        _ => json(&status("b", Status::Completed, 100.0)),
    })
    .await;
    let client = service.client(|_| ());
    let mut job = in_time(client.create_watched()).await.unwrap();
    in_time(job.next()).await.unwrap().unwrap();
    tokio::select! {
        step = job.next() => panic!("the socket answered: {step:?}"),
        () = service.until_asked(SOCKET) => {}
    }
    let (heard, error) = heard(&mut job).await;
    assert_eq!(heard.last().unwrap().status, Some(Status::Completed));
    assert!(error.is_none(), "{error:?}");
    assert_started_once(&service);
}
