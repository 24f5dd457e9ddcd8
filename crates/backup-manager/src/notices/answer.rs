//! What a click on a notification means. It arrives long after the notice was raised, and the window may be gone.

use super::{NoticeKind, Subject};
use crate::Intent;

/// The button of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Button {
    Restore,
    Retry,
    Undo,
}

impl Button {
    pub const ALL: [Self; 3] = [Self::Restore, Self::Retry, Self::Undo];

    pub fn id(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Retry => "retry",
            Self::Undo => "undo",
        }
    }

    /// The dots say that the button only leads to a question.
    pub fn label(self) -> &'static str {
        match self {
            Self::Restore => "Restore…",
            Self::Retry => "Retry",
            Self::Undo => "Undo",
        }
    }
}

/// What is to be done about a click.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    Show(Intent),
    BackUp,
    /// Undo the restore that the notice was about, and no other.
    Undo(Subject),
}

impl Subject {
    /// `button`: the id of the button, or anything else for a click on the text.
    pub fn react(&self, button: &str) -> Reaction {
        let pressed = Button::ALL.into_iter().find(|known| known.id() == button);
        let show = |intent: fn(String) -> Intent| match &self.backup {
            Some(backup) => Reaction::Show(intent(backup.clone())),
            None => Reaction::Show(Intent::Overview),
        };
        match (pressed, self.kind) {
            (Some(Button::Retry), _) => Reaction::BackUp,
            (Some(Button::Undo), _) => Reaction::Undo(self.clone()),
            (Some(Button::Restore), _) => show(|backup| Intent::Restore { backup }),
            (None, NoticeKind::BackupDone) => show(|backup| Intent::ShowBackup { backup }),
            (None, _) => Reaction::Show(Intent::Overview),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(kind: NoticeKind) -> Subject {
        Subject {
            kind,
            backup: Some("b1".into()),
            restored: None,
        }
    }

    #[test]
    fn a_click_on_a_finished_backup_shows_it_and_its_button_leads_to_its_restore() {
        let done = subject(NoticeKind::BackupDone);
        let backup = || "b1".to_owned();
        assert_eq!(
            done.react("tap"),
            Reaction::Show(Intent::ShowBackup { backup: backup() })
        );
        assert_eq!(
            done.react("restore"),
            Reaction::Show(Intent::Restore { backup: backup() })
        );
    }

    #[test]
    fn buttons_act_and_texts_show() {
        assert_eq!(
            subject(NoticeKind::BackupFailed).react("retry"),
            Reaction::BackUp
        );
        let restored = subject(NoticeKind::RestoreDone);
        assert_eq!(restored.react("undo"), Reaction::Undo(restored.clone()));
        for kind in [
            NoticeKind::BackupFailed,
            NoticeKind::RestoreDone,
            NoticeKind::RestoreFailed,
        ] {
            assert_eq!(
                subject(kind).react("default"),
                Reaction::Show(Intent::Overview)
            );
        }
    }

    #[test]
    fn a_subject_survives_as_text() {
        let subject = subject(NoticeKind::RestoreDone);
        let text = serde_json::to_string(&subject).unwrap();
        assert_eq!(serde_json::from_str::<Subject>(&text).unwrap(), subject);
    }
}
