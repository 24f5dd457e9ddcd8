"""Cancelling, and what a running job says to others: with a library that keeps a job busy for a moment."""

import json
from collections.abc import Iterator

import library
from case import Case
from sdk import FORMS, WITHOUT_PRELOAD

NDJSON = {"Accept": "application/x-ndjson"}
MEGABYTES = 160


class Cancel(Case):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        library.fill(cls.service.address, MEGABYTES)

    def setUp(self) -> None:
        super().setUp()
        library.change(self.service.address)

    def stream(self, method: str, *arguments: str) -> Iterator[dict]:
        """Starts a job and gives its progress, line by line, while it runs."""
        response = self.sdk.raw(method + WITHOUT_PRELOAD, *arguments, _headers=NDJSON)
        self.assertEqual(response.status, 200)
        rest = b""
        for piece in response.stream(1, decode_content=True):
            rest += piece
            if piece == b"\n":
                yield json.loads(rest)
                rest = b""

    def in_progress(self, stream: Iterator[dict]) -> str:
        """Waits until the job does something, and names its backup."""
        first = next(stream)
        self.assertIn(first["status"], ("INITIALIZED", "IN-PROGRESS"))
        return first["backup"]["id"]

    def ends_canceled(self, stream: Iterator[dict], seen: float = 0) -> None:
        last = None
        for last in stream:
            self.assertGreaterEqual(last.get("percentage", seen), seen)
            seen = last.get("percentage", seen)
        self.assertEqual(last["status"], "CANCELED")
        self.assertLess(seen, 100)

    def test_with_nothing_running_there_is_nothing_to_cancel(self) -> None:
        made = self.listed()[0]
        for form in FORMS:
            for name in (made, "0.1.0_20200101T000000000Z"):
                for method in ("backup_specific_creation_cancel", "backup_specific_restoration_cancel"):
                    with self.subTest(method + form, name=name):
                        self.refused(500, method, name, form=form)

    def test_a_canceled_creation_leaves_nothing(self) -> None:
        saved, before = library.digest(self.address), self.listed()
        for form in FORMS:
            with self.subTest(form):
                stream = self.stream("backups_create_new_backup_streamed")
                name = self.in_progress(stream)
                self.succeeds("backup_specific_creation_cancel", name, form=form, code=204)
                self.ends_canceled(stream)
                status = self.succeeds("backup_specific_creation_status", name, form=form).value
                self.assertEqual(status.value.value, "CANCELED")
                self.assertEqual(self.listed(), before)
                self.refused(500, "backup_specific_creation_cancel", name, form=form)
        self.assertEqual(library.digest(self.address), saved)

    def test_a_canceled_restore_leaves_the_library_as_it_was(self) -> None:
        made = self.create()
        self.sdk.raw("backup_asset", library.asset("after the backup"))
        changed = library.digest(self.address)
        backup = self.sdk.raw("backup_specific_backup_snapshot", made)
        for form in FORMS:
            for body in ((), (backup,)):
                with self.subTest(form, body=bool(body)):
                    stream = self.stream("backup_restore_specific_backup_streamed", made)
                    self.assertEqual(self.in_progress(stream), made)
                    self.succeeds("backup_specific_restoration_cancel", made, *body, form=form, code=204)
                    self.ends_canceled(stream)
                    status = self.succeeds("backup_specific_restoration_status", made, form=form).value
                    self.assertEqual(status.value.value, "CANCELED")
                    self.assertEqual(library.digest(self.address), changed)

    def test_a_second_job_is_refused_and_told_which_one_runs(self) -> None:
        known = self.listed()[0]
        stream = self.stream("backups_create_new_backup_streamed")
        name = self.in_progress(stream)
        seconds = (
            ("backups_create_new_backup",),
            ("backups_create_new_backup_streamed",),
            ("backup",),
            ("backup_restore_specific_backup", known),
            ("backup_restore_specific_backup_streamed", known),
        )
        for method, *arguments in seconds:
            with self.subTest(method):
                self.assertIn(name, self.refused(500, method, *arguments))
        status = self.succeeds("backup_specific_creation_status", name).value
        self.assertIn(status.value.value, ("INITIALIZED", "IN-PROGRESS"))
        self.succeeds("backup_specific_creation_cancel", name, code=204)
        self.ends_canceled(stream)

    def test_progress_rises_to_the_end_and_not_sooner(self) -> None:
        lines = list(self.stream("backups_create_new_backup_streamed"))
        self.assertEqual([line["status"] for line in lines].count("COMPLETED"), 1)
        self.assertEqual((lines[-1]["status"], lines[-1]["percentage"]), ("COMPLETED", 100))
        rising = [line["percentage"] for line in lines if "percentage" in line]
        self.assertEqual(rising, sorted(rising))
        self.assertGreater(len(set(rising)), 3)
        self.assertLess(rising[-2], 100)
