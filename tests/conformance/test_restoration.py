"""Restoring: the library equals the backup afterwards, whichever call was used."""

import library
from case import Case
from sdk import FORMS


class Restoration(Case):
    def setUp(self) -> None:
        self.made = self.create()
        self.saved = library.digest(self.address)
        self.backup = self.sdk.raw("backup_specific_backup_snapshot", self.made)

    def change(self) -> None:
        self.sdk.raw("backup_asset", library.asset("later", "only after the backup"))
        self.assertNotEqual(library.digest(self.address), self.saved)

    def test_a_restore_brings_the_library_back(self) -> None:
        for form in FORMS:
            for with_body in (False, True):
                with self.subTest(form, with_body=with_body):
                    self.change()
                    body = (self.backup,) if with_body else ()
                    restored = self.succeeds(
                        "backup_restore_specific_backup", self.made, *body, form=form
                    ).value
                    self.assertEqual(restored, self.backup)
                    self.assertEqual(library.digest(self.address), self.saved)

    def test_a_streamed_restore_brings_the_library_back(self) -> None:
        for form in FORMS:
            for with_body in (False, True):
                with self.subTest(form, with_body=with_body):
                    self.change()
                    body = (self.backup,) if with_body else ()
                    end = self.succeeds(
                        "backup_restore_specific_backup_streamed", self.made, *body, form=form
                    ).value
                    self.assertEqual((end.status.value, end.percentage), ("COMPLETED", 100))
                    self.assertEqual(end.backup, self.backup)
                    self.assertEqual(library.digest(self.address), self.saved)

    def test_the_status_of_what_has_ended_stays(self) -> None:
        self.refused(404, "backup_specific_restoration_status", self.made)
        self.sdk.raw("backup_restore_specific_backup", self.made)
        for form in FORMS:
            for method in ("backup_specific_creation_status", "backup_specific_restoration_status"):
                with self.subTest(method + form):
                    status = self.succeeds(method, self.made, form=form).value
                    self.assertEqual(status.backup, self.backup)
                    self.assertEqual((status.value.value, status.percentage), ("COMPLETED", 100))

    def test_a_restore_of_an_unknown_backup_changes_nothing(self) -> None:
        self.change()
        changed = library.digest(self.address)
        for form in FORMS:
            for method in ("backup_restore_specific_backup", "backup_restore_specific_backup_streamed"):
                with self.subTest(method + form):
                    self.refused(500, method, "0.1.0_20200101T000000000Z", form=form)
        self.assertEqual(library.digest(self.address), changed)

    def test_deleting_an_unknown_backup_is_refused(self) -> None:
        for form in FORMS:
            with self.subTest(form):
                self.refused(500, "backups_delete_specific_backup", "0.1.0_20200101T000000000Z", form=form)
