//! The manager over HTTP, against the service itself: a real library, a real destination, real sockets.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use backup_api::{JobKind, JobState, ServiceFile};
use backup_engine::{Engine, EngineOptions, Item};
use backup_manager::{
    Answer, Button, ConnectionStatus, HttpConnector, Manager, Notice, NoticeKind, OwnService,
    Target, View,
};
use backup_service::{ServeError, ServiceOptions, bind, serve};
use common::samples::problem;
use common::{PATIENCE, soon, timings};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The folders of a service, and where it is while it runs.
struct Home {
    folder: tempfile::TempDir,
    file: Mutex<Option<ServiceFile>>,
}

impl OwnService for Home {
    fn reach(&self) -> Answer<'_, ServiceFile> {
        let file = self.file.lock().unwrap().clone();
        Box::pin(async { file.ok_or_else(|| problem("not-running")) })
    }

    fn address(&self) -> futures::future::BoxFuture<'_, Option<String>> {
        let file = self.file.lock().unwrap().clone();
        Box::pin(async { file.map(|file| file.address) })
    }
}

impl Home {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            folder: tempfile::tempdir().unwrap(),
            file: Mutex::default(),
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn start(&self, allow_clients: bool) -> Running {
        let options = EngineOptions {
            data_dir: self.data(),
            destination: self.folder.path().join("destination"),
            passphrase: None,
            use_keychain: false,
            device_name: "Test device".into(),
        };
        let engine = Arc::new(Engine::open(options).unwrap());
        self.serve(engine, allow_clients).await
    }

    async fn serve(&self, engine: Arc<Engine>, allow_clients: bool) -> Running {
        let listeners = bind(Some("127.0.0.1:0".parse().unwrap())).await.unwrap();
        let options = ServiceOptions {
            allow_clients,
            unattended: false,
            data_dir: self.data(),
        };
        let (stop, (told, ready)) = (CancellationToken::new(), oneshot::channel());
        let tell = move |file: ServiceFile| told.send(file).unwrap();
        let serving = serve(listeners, engine.clone(), options, stop.clone(), tell);
        let task = tokio::spawn(serving);
        let file = ready.await.unwrap();
        *self.file.lock().unwrap() = Some(file.clone());
        Running {
            engine,
            stop,
            task,
            file,
        }
    }
}

struct Running {
    engine: Arc<Engine>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), ServeError>>,
    file: ServiceFile,
}

impl Running {
    /// Returns when it has ended.
    async fn end(self, home: &Home) -> Arc<Engine> {
        *home.file.lock().unwrap() = None;
        self.stop.cancel();
        soon(self.task).await.unwrap().unwrap();
        self.engine
    }

    fn put(&self, id: &str, length: usize) {
        let time = "2026-01-02T03:04:05Z".to_owned();
        let item = Item {
            json: format!("{{\"id\":\"{id}\",\"text\":\"{}\"}}", "x".repeat(length)),
            id: id.into(),
            name: Some(id.into()),
            created: time.clone(),
            updated: time,
        };
        self.engine.library().put(&[item]).unwrap();
    }

    fn assets(&self) -> u64 {
        self.engine.library().facts().unwrap().assets
    }
}

struct Desk {
    manager: Manager,
    notices: mpsc::UnboundedReceiver<Notice>,
    views: watch::Receiver<View>,
}

impl Desk {
    fn over(home: &Arc<Home>, target: Target) -> Self {
        let connector = Arc::new(HttpConnector::new(home.clone()));
        let (manager, notices) = Manager::start(connector, target, timings());
        let views = manager.view();
        Self {
            manager,
            notices,
            views,
        }
    }

    async fn shows(&mut self, wanted: impl FnMut(&View) -> bool) -> View {
        let shown = tokio::time::timeout(PATIENCE, self.views.wait_for(wanted)).await;
        match shown {
            Ok(view) => view.unwrap().clone(),
            Err(_) => panic!(
                "not shown; what is shown: {:#?}",
                self.manager.view().borrow()
            ),
        }
    }

    async fn notice(&mut self) -> Notice {
        soon(self.notices.recv()).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_its_restore_and_the_undo_of_that_are_seen_told_and_true() {
    let home = Home::new();
    let service = home.start(false).await;
    service.put("first", 1000);
    let mut desk = Desk::over(&home, Target::Embedded);
    let view = desk.shows(View::is_connected).await;
    assert_eq!(view.connection.name, "Holdfast");
    assert_eq!(view.connection.address, Some(service.file.address.clone()));
    assert!(view.features.iter().any(|feature| feature == "undo"));

    let id = desk.manager.back_up().await.unwrap();
    let notice = desk.notice().await;
    assert_eq!(notice.subject.kind, NoticeKind::BackupDone);
    assert_eq!(notice.subject.backup.as_ref(), Some(&id));
    assert!(notice.body.starts_with("1 item, "), "{}", notice.body);
    let view = desk.shows(|view| view.backups_count == Some(1)).await;
    assert_eq!(view.last_backup.unwrap().backup.id, id);
    let rows = desk.manager.backups().await.unwrap();
    assert_eq!(
        (rows.len(), &rows[0].backup.id, rows[0].assets),
        (1, &id, Some(1))
    );

    service.put("second", 1000);
    let preview = desk.manager.preview(&id).await.unwrap();
    assert_eq!(preview.newer_names, ["second"]);
    desk.manager.restore(&id).await.unwrap();
    let restored = desk.notice().await;
    assert_eq!(restored.subject.kind, NoticeKind::RestoreDone);
    assert_eq!(restored.button, Some(Button::Undo));
    assert!(restored.body.contains("(2 items)"), "{}", restored.body);
    assert_eq!(service.assets(), 1);

    desk.manager.undo_unseen(&restored.subject).await;
    assert_eq!(desk.notice().await.subject.kind, NoticeKind::UndoDone);
    assert_eq!(service.assets(), 2);
    // A second click on the same notification finds nothing to undo.
    desk.shows(|view| view.undo.is_none()).await;
    desk.manager.undo_unseen(&restored.subject).await;
    assert_eq!(desk.notice().await.subject.kind, NoticeKind::UndoFailed);
    assert_eq!(service.assets(), 2);
    service.end(&home).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_of_one_restore_does_not_undo_the_next() {
    let home = Home::new();
    let service = home.start(false).await;
    service.put("first", 1000);
    let mut desk = Desk::over(&home, Target::Embedded);
    desk.shows(View::is_connected).await;
    let id = desk.manager.back_up().await.unwrap();
    desk.notice().await;
    desk.manager.restore(&id).await.unwrap();
    let first = desk.notice().await;
    service.put("second", 1000);
    desk.manager.restore(&id).await.unwrap();
    let second = desk.notice().await;
    assert_eq!(second.subject.kind, NoticeKind::RestoreDone);
    assert_ne!(first.subject, second.subject);
    desk.manager.undo_unseen(&first.subject).await;
    assert_eq!(desk.notice().await.subject.kind, NoticeKind::UndoFailed);
    assert_eq!(service.assets(), 1);
    desk.manager.undo_unseen(&second.subject).await;
    assert_eq!(desk.notice().await.subject.kind, NoticeKind::UndoDone);
    assert_eq!(service.assets(), 2);
    service.end(&home).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_is_refused_as_busy_and_a_cancel_ends_the_first() {
    let home = Home::new();
    let service = home.start(false).await;
    service.put("big", 60_000_000);
    let mut desk = Desk::over(&home, Target::Embedded);
    desk.shows(View::is_connected).await;
    let id = desk.manager.back_up().await.unwrap();
    let refused = desk.manager.back_up().await.unwrap_err();
    assert_eq!(refused.code, "busy", "{refused:?}");
    desk.shows(View::can_cancel).await;
    desk.manager.cancel().await.unwrap();
    let ended = |view: &View| view.job.as_ref().is_some_and(|job| job.state.is_terminal());
    let job = desk.shows(ended).await.job.unwrap();
    assert_eq!((job.backup, job.state), (id, JobState::Canceled));
    assert_eq!(desk.manager.backups().await, Ok(vec![]));
    assert_eq!(
        desk.manager.cancel().await.unwrap_err().code,
        "nothing-to-cancel"
    );
    service.end(&home).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_backup_is_gone_from_the_list_and_can_be_brought_back() {
    let home = Home::new();
    let service = home.start(false).await;
    let mut desk = Desk::over(&home, Target::Embedded);
    desk.shows(View::is_connected).await;
    let id = desk.manager.back_up().await.unwrap();
    let view = desk.shows(|view| view.backups_count == Some(1)).await;
    desk.manager.delete(&id).await.unwrap();
    let gone = desk.shows(|view| view.backups_count == Some(0)).await;
    assert!(gone.backups_revision > view.backups_revision);
    assert_eq!(desk.manager.backups().await, Ok(vec![]));
    desk.manager.undelete(&id).await.unwrap();
    desk.shows(|view| view.backups_count == Some(1)).await;
    assert_eq!(desk.manager.backups().await.unwrap().len(), 1);
    service.end(&home).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_started_again_elsewhere_is_found_again_and_brings_no_old_news() {
    let home = Home::new();
    let service = home.start(false).await;
    let mut desk = Desk::over(&home, Target::Embedded);
    desk.shows(View::is_connected).await;
    desk.manager.back_up().await.unwrap();
    assert_eq!(desk.notice().await.subject.kind, NoticeKind::BackupDone);
    let engine = service.end(&home).await;
    let view = desk
        .shows(|view| view.connection.status == ConnectionStatus::Lost)
        .await;
    assert!(view.connection.problem.is_some());
    assert_eq!(
        desk.manager.back_up().await.unwrap_err().code,
        "disconnected"
    );

    let service = home.serve(engine, false).await;
    let address = Some(service.file.address.clone());
    desk.shows(|view| view.is_connected() && view.connection.address == address)
        .await;
    let id = desk.manager.back_up().await.unwrap();
    assert_eq!(desk.notice().await.subject.backup, Some(id));
    service.end(&home).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_program_does_is_seen_and_told_too() {
    let home = Home::new();
    let service = home.start(false).await;
    let (mut first, mut second) = (
        Desk::over(&home, Target::Embedded),
        Desk::over(&home, Target::Embedded),
    );
    first.shows(View::is_connected).await;
    second.shows(View::is_connected).await;
    let id = first.manager.back_up().await.unwrap();
    let (notice, heard) = (first.notice().await, second.notice().await);
    assert_eq!(notice, heard);
    assert_eq!(notice.subject.backup.as_ref(), Some(&id));
    let job = second.shows(|view| view.job.is_some()).await.job.unwrap();
    assert_eq!((job.kind, job.backup), (JobKind::Creation, id));
    service.end(&home).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_reached_where_the_service_lets_others_in() {
    let home = Home::new();
    let service = home.start(true).await;
    let address = service.file.address.clone();
    let target = Target::Address {
        address: address.clone(),
    };
    let mut desk = Desk::over(&home, target);
    let view = desk.shows(View::is_connected).await;
    assert_eq!(view.connection.address, Some(address));
    assert!(view.connection.name.starts_with("Holdfast "), "{view:?}");
    let id = desk.manager.back_up().await.unwrap();
    desk.shows(|view| view.backups_count == Some(1)).await;
    let refused = desk.manager.restore(&id).await.unwrap_err();
    assert_ne!(refused.message, "", "{refused:?}");
    for nowhere in ["ftp://127.0.0.1/", "no address", ""] {
        let target = Target::Address {
            address: nowhere.into(),
        };
        let refused = desk.manager.connect(target).unwrap_err();
        assert_eq!(refused.code, "bad-address");
    }
    assert!(desk.manager.view().borrow().is_connected());
    service.end(&home).await;
}
