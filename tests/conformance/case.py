"""What the test cases share: one service with a small library for each class of tests, and shorthand for its calls."""

import unittest

import library
from sdk import Answer, Sdk
from service import Service


class Case(unittest.TestCase):
    service: Service
    sdk: Sdk

    @classmethod
    def setUpClass(cls) -> None:
        cls.service = Service()
        cls.addClassCleanup(cls.service.close)
        cls.service.start()
        cls.sdk = Sdk(cls.service.address)
        cls.sdk.raw("backup", library.assets("first", "second"))

    @property
    def address(self) -> str:
        return self.service.address

    def succeeds(self, method: str, *arguments: object, code: int = 200, **options: object) -> Answer:
        answer = self.sdk.call(method, *arguments, **options)
        self.assertTrue(answer.succeeded, f"{method}: {answer}")
        if answer.status is not None:
            self.assertEqual(answer.status, code, method)
        return answer

    def refused(self, code: int, method: str, *arguments: object, **options: object) -> str:
        """The call is answered with this code and a sentence, which is returned."""
        answer = self.sdk.call(method, *arguments, **options)
        self.assertEqual(answer.status, code, f"{method}: {answer}")
        self.assertGreater(len(answer.text.split()), 3, f"{method} was refused without a sentence")
        for secret in (str(self.service.home), "/home", "panicked"):
            self.assertNotIn(secret, answer.text)
        return answer.text

    def listed(self) -> list[str]:
        return [backup.id for backup in self.sdk.raw("backups_snapshot").iterable]

    def create(self) -> str:
        return self.sdk.raw("backups_create_new_backup").id
