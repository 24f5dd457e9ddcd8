"""505 and 511 really happen, say which of the two is missing, and change nothing."""

import json
import shutil

import library
from case import Case
from sdk import FORMS, Sdk
from service import Service

# What is known of the backups is told while the destination is away.
TOLD_MEANWHILE = ("backups_snapshot", "backup_specific_backup_snapshot")
NEEDS_DESTINATION = (
    "backups_snapshot",
    "backups_create_new_backup",
    "backups_create_new_backup_streamed",
    "backup",
    "backup_asset",
)
NEEDS_BACKUP = (
    "backup_specific_backup_snapshot",
    "backup_restore_specific_backup",
    "backup_restore_specific_backup_streamed",
    "backups_delete_specific_backup",
)


class Unavailable(Case):
    @classmethod
    def setUpClass(cls) -> None:
        """Each test has a service of its own."""

    def setUp(self) -> None:
        self.service = Service()
        self.addCleanup(self.service.close)
        self.service.start(passphrase="correct horse")
        self.sdk = Sdk(self.address)
        self.sdk.raw("backup", library.assets("kept"))
        self.made = self.listed()[0]
        self.saved = library.digest(self.address)
        self.service.stop()

    def everything_is_refused(self, code: int, *words: str, but: tuple[str, ...] = ()) -> None:
        self.sdk = Sdk(self.address)
        for form in FORMS:
            for method in NEEDS_DESTINATION + NEEDS_BACKUP:
                if method in but:
                    continue
                with self.subTest(method + form):
                    arguments = (self.made,) if method in NEEDS_BACKUP else ()
                    said = self.refused(code, method, *arguments, form=form).lower()
                    self.assertTrue(any(word in said for word in words), said)
        self.assertEqual(library.digest(self.address), self.saved)

    def works_again(self) -> None:
        self.service.stop()
        self.service.start(passphrase="correct horse")
        self.sdk = Sdk(self.address)
        self.assertEqual(self.listed(), [self.made])
        self.sdk.raw("backup_restore_specific_backup", self.made)
        self.assertEqual(library.digest(self.address), self.saved)

    def test_locked(self) -> None:
        self.service.start(passphrase=None)
        self.everything_is_refused(511, "passphrase", "locked", "key")
        self.works_again()

    def test_destination_not_reachable(self) -> None:
        away = self.service.home / "away"
        shutil.move(self.service.destination, away)
        self.service.destination.write_text("a file where the folder was")
        self.service.start(passphrase="correct horse")
        self.everything_is_refused(511, "destination", but=TOLD_MEANWHILE)
        self.assertEqual(self.listed(), [self.made])
        self.assertEqual(self.sdk.raw("backup_specific_backup_snapshot", self.made).id, self.made)
        self.service.stop()
        self.service.destination.unlink()
        shutil.move(away, self.service.destination)
        self.works_again()

    def test_written_by_a_newer_version(self) -> None:
        marker = self.service.destination / "holdfast.json"
        original = marker.read_text()
        fields = json.loads(original)
        newer = {key: value + 1000 if isinstance(value, int) else value for key, value in fields.items()}
        self.assertNotEqual(newer, fields)
        marker.write_text(json.dumps(newer))
        self.service.start(passphrase="correct horse")
        self.everything_is_refused(505, "newer")
        self.assertEqual(json.loads(marker.read_text()), newer)
        marker.write_text(original)
        self.works_again()
