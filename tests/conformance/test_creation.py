"""Making backups: each call that makes one, with and without a body, and what it leaves behind."""

from datetime import datetime, timedelta, timezone

import library
from case import Case
from pieces_os_client.models.seeded_backup import SeededBackup
from sdk import FORMS, WITH_HTTP_INFO


class Creation(Case):
    def test_assets_are_in_the_library_and_in_a_backup(self) -> None:
        for form in FORMS:
            with self.subTest(form):
                names = [f"several{form}-{number}" for number in range(3)]
                sent = library.assets(*names)
                before = self.listed()
                self.succeeds("backup", sent, form=form, code=204)
                held = library.held(self.address)
                for item in sent.iterable:
                    self.assertEqual(held[item.id]["name"], item.name)
                    self.assertEqual(
                        held[item.id]["formats"]["iterable"][0]["fragment"]["string"]["raw"],
                        "fn main() {}\n",
                    )
                self.assertEqual(len(self.listed()), len(before) + 1)

    def test_one_asset_is_in_the_library_and_in_a_backup(self) -> None:
        for form in FORMS:
            with self.subTest(form):
                before = self.listed()
                self.succeeds("backup_asset", library.asset(f"single{form}"), form=form, code=204)
                self.assertIn(f"single{form}", library.held(self.address))
                self.assertEqual(len(self.listed()), len(before) + 1)

    def test_without_a_body_what_is_there_is_backed_up(self) -> None:
        for method in ("backup", "backup_asset"):
            for form in FORMS:
                with self.subTest(method + form):
                    library_before, before = library.digest(self.address), self.listed()
                    self.succeeds(method, form=form, code=204)
                    self.assertEqual(library.digest(self.address), library_before)
                    self.assertEqual(len(self.listed()), len(before) + 1)

    def test_a_creation_answers_with_the_new_backup(self) -> None:
        for form in FORMS:
            for body in ((), (SeededBackup(),)):
                with self.subTest(form, body=body):
                    made = self.succeeds("backups_create_new_backup", *body, form=form).value
                    self.assertRegex(made.id, rf"^{made.version}_\d{{8}}T\d{{9}}Z$")
                    self.assertEqual(made.id, f"{made.version}_{made.timestamp}")
                    self.assertGreater(made.bytes, 0)
                    self.assertTrue(made.device_name)
                    self.assertNotEqual(made.platform.value, "UNKNOWN")
                    age = datetime.now(timezone.utc) - made.created.value
                    self.assertLess(abs(age), timedelta(minutes=2))
                    self.assertEqual(self.listed()[0], made.id)

    def test_a_streamed_creation_answers_with_its_end(self) -> None:
        for form in FORMS:
            for body in ((), (SeededBackup(),)):
                with self.subTest(form, body=body):
                    end = self.succeeds("backups_create_new_backup_streamed", *body, form=form).value
                    self.assertEqual((end.status.value, end.percentage), ("COMPLETED", 100))
                    self.assertEqual(self.listed()[0], end.backup.id)


class Listing(Case):
    def test_backups_are_listed_newest_first_with_their_places(self) -> None:
        made = [self.create() for _ in range(3)]
        for form in FORMS:
            with self.subTest(form):
                backups = self.succeeds("backups_snapshot", form=form).value
                ids = [backup.id for backup in backups.iterable]
                self.assertEqual(ids[:3], made[::-1])
                self.assertEqual(backups.indices, {name: place for place, name in enumerate(ids)})

    def test_one_backup_is_described_as_in_the_list(self) -> None:
        made = self.create()
        listed = self.sdk.raw("backups_snapshot").iterable[0]
        for form in FORMS:
            with self.subTest(form):
                self.assertEqual(self.succeeds("backup_specific_backup_snapshot", made, form=form).value, listed)

    def test_an_unknown_backup_is_refused_with_a_sentence(self) -> None:
        unknown = ("0.1.0_20200101T000000000Z", "11.3.0_1730000000000", "..%2F..", "../../etc/passwd", "x" * 2000)
        for name in unknown:
            for form in FORMS:
                with self.subTest(form, name=name):
                    self.refused(500, "backup_specific_backup_snapshot", name, form=form)
                    self.refused(404, "backup_specific_creation_status", name, form=form)
                    self.refused(404, "backup_specific_restoration_status", name, form=form)

    def test_a_deleted_backup_is_gone(self) -> None:
        kept = self.create()
        for form in FORMS:
            with self.subTest(form):
                made = self.create()
                self.succeeds("backups_delete_specific_backup", made, form=form, code=204)
                self.assertNotIn(made, self.listed())
                self.refused(500, "backup_specific_backup_snapshot", made, form=form)
                self.refused(500, "backup_restore_specific_backup", made, form=form)
        self.assertIn(kept, self.listed())

    def test_a_plain_get_on_a_websocket_starts_nothing(self) -> None:
        made = self.create()
        content, before = library.digest(self.address), self.listed()
        self.sdk.raw("backup_asset", library.asset("after"))
        changed, before = library.digest(self.address), self.listed()
        for form in FORMS:
            with self.subTest(form):
                self.refused(426, "backups_create_new_backup_streamed_websocket", form=form)
                self.refused(426, "backups_streamed_progress", form=form)
                self.refused(426, "backup_restore_specific_backup_streamed_websocket", made, form=form)
        self.assertEqual(self.listed(), before)
        self.assertEqual(library.digest(self.address), changed)
        self.assertNotEqual(changed, content)

    def test_the_code_of_a_success_is_the_documented_one(self) -> None:
        self.assertEqual(self.sdk.call("backups_snapshot", form=WITH_HTTP_INFO).status, 200)
        self.assertEqual(self.sdk.call("backup", form=WITH_HTTP_INFO).status, 204)
