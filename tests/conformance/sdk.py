"""The SDK as the tests use it: every call in each of its three forms, with a record of what was called."""

import json
import unittest
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from pieces_os_client.api.backup_api import BackupApi
from pieces_os_client.api.backups_api import BackupsApi
from pieces_os_client.api_client import ApiClient
from pieces_os_client.configuration import Configuration
from pieces_os_client.exceptions import ApiException

PLAIN = ""
WITH_HTTP_INFO = "_with_http_info"
WITHOUT_PRELOAD = "_without_preload_content"
FORMS = (PLAIN, WITH_HTTP_INFO, WITHOUT_PRELOAD)

CALLED: dict[type, set[str]] = defaultdict(set)


@dataclass
class Answer:
    """What came back, whatever the form. `status` is None where the form hides a success's code."""

    status: int | None
    value: Any
    text: str

    @property
    def succeeded(self) -> bool:
        return self.status is None or 200 <= self.status < 300


class Sdk:
    """Both classes of the Backup API on one service."""

    def __init__(self, address: str) -> None:
        self.client = ApiClient(Configuration(host=address))
        self.apis = {kind: kind(self.client) for kind in (BackupApi, BackupsApi)}

    def call(self, method: str, *arguments: Any, form: str = PLAIN, **options: Any) -> Answer:
        """Calls `method` in `form`. A refusal is an answer too, not an exception."""
        try:
            returned = self.raw(method + form, *arguments, **options)
        except ApiException as refusal:
            return Answer(refusal.status, None, refusal.body or "")
        if form == PLAIN:
            return Answer(None, returned, "")
        if form == WITH_HTTP_INFO:
            return Answer(returned.status_code, returned.data, "")
        text = returned.data.decode()
        succeeded = 200 <= returned.status < 300
        value = _read(self._returns(method), text) if succeeded and text else None
        return Answer(returned.status, value, text)

    def raw(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Calls the method of exactly this name and returns what it returns."""
        kind = next(kind for kind in self.apis if hasattr(kind, name))
        CALLED[kind].add(name)
        return getattr(self.apis[kind], name)(*arguments, **options)

    def _returns(self, method: str) -> Any:
        kind = next(kind for kind in self.apis if hasattr(kind, method))
        return getattr(kind, method).__annotations__.get("return")


def _read(model: Any, text: str) -> Any:
    return model.from_dict(json.loads(text)) if hasattr(model, "from_dict") else text


def public_methods(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_") and callable(getattr(kind, name))}


class EveryMethodWasCalled(unittest.TestCase):
    """Keeps the tests honest: a method that nothing called is a failure."""

    def runTest(self) -> None:
        for kind in (BackupApi, BackupsApi):
            methods = public_methods(kind)
            self.assertGreaterEqual(len(methods), 18)
            self.assertEqual(methods - CALLED[kind], set(), f"methods of {kind.__name__} that were never called")
