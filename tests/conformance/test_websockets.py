"""The three WebSockets, through the WebSocket client that the SDK itself uses."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import library
import websocket
from case import Case


class WebSockets(Case):
    def connect(self, path: str) -> websocket.WebSocket:
        # Without an Origin, as a program; a web page cannot leave it out.
        connection = websocket.create_connection(
            self.address.replace("http", "ws") + path, timeout=60, suppress_origin=True
        )
        self.addCleanup(connection.close)
        return connection

    def messages(self, path: str) -> Iterator[dict]:
        connection = self.connect(path)
        while text := connection.recv():
            yield json.loads(text)

    def test_a_creation_by_websocket(self) -> None:
        messages = list(self.messages("/backups/create/streamed/websocket"))
        self.assertEqual(messages[-1]["status"], "COMPLETED")
        self.assertEqual(messages[0]["backup"]["id"], messages[-1]["backup"]["id"])
        self.assertEqual(self.listed()[0], messages[-1]["backup"]["id"])

    def test_a_restore_by_websocket(self) -> None:
        made, saved = self.create(), library.digest(self.address)
        self.sdk.raw("backup_asset", library.asset("later"))
        messages = list(self.messages(f"/backup/{quote(made)}/restore/streamed/websocket"))
        self.assertEqual(messages[-1]["status"], "COMPLETED")
        self.assertEqual(library.digest(self.address), saved)

    def test_everything_in_progress_is_told(self) -> None:
        library.fill(self.address, 48)
        watcher = self.connect("/backups/streamed/progress")
        made = self.create()
        told = ""
        while made not in told:
            told = watcher.recv()
        progress = json.loads(told)
        self.assertEqual([entry["backup"]["id"] for entry in progress["backups"]], [made])
