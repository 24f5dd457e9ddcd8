//! A job that is followed although its service stalls, lies, breaks off or talks nonsense. It ends in time, and whatever
//! happens, it was started once.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use backup_api::Status;
use common::followed::*;
use common::in_time;
use common::scripted::*;

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
