//! stub
use backup_api::*;
use crate::*;
pub struct Manager { views: tokio::sync::watch::Receiver<View> }
fn no<T>() -> Result<T, Problem> { Err(Problem { code: "x".into(), message: "x".into(), fix: "x".into() }) }
impl Manager {
    pub fn view(&self) -> tokio::sync::watch::Receiver<View> { self.views.clone() }
    pub async fn backups(&self) -> Result<Vec<BackupRow>, Problem> { no() }
    pub async fn back_up(&self) -> Result<String, Problem> { no() }
    pub async fn cancel(&self) -> Result<(), Problem> { no() }
    pub async fn preview(&self, _: &str) -> Result<Preview, Problem> { no() }
    pub async fn restore(&self, _: &str) -> Result<(), Problem> { no() }
    pub async fn undo(&self) -> Result<(), Problem> { no() }
    pub async fn delete(&self, _: &str) -> Result<(), Problem> { no() }
    pub async fn undelete(&self, _: &str) -> Result<(), Problem> { no() }
    pub async fn services(&self) -> Result<Vec<FoundService>, Problem> { no() }
    pub fn connect(&self, _: Target) -> Result<(), Problem> { no() }
    pub fn retry(&self) {}
}
