"""A real `holdfast serve` on a port that the system gives, in folders of its own. Knows nothing of the SDK."""

import os
import select
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

PROGRAM = Path("target/debug/holdfast")
START_SECONDS = 60
STOP_SECONDS = 30
GREETING = "listening on "


class Service:
    """Runs between `start` and `stop`; its folders stay until `close`, so that it can be started again on them."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="holdfast-conformance-"))
        self.data = self.home / "data"
        self.destination = self.home / "destination"
        self.address = ""
        self.process: subprocess.Popen[str] | None = None

    def start(self, passphrase: str | None = None) -> "Service":
        command = [str(PROGRAM), "serve", "--data-dir", str(self.data), "--destination", str(self.destination)]
        command += ["--listen", "127.0.0.1:0", "--allow-clients", "--unattended", "--no-keychain"]
        if passphrase is not None:
            command += ["--passphrase-file", str(self._passphrase_file(passphrase))]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self._environment())
        self.address = self._first_line().removeprefix(GREETING).strip()
        return self

    def stop(self) -> None:
        """Asks the service to end, as Ctrl-C does, and expects that it ends well."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGINT)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the service did not end within {STOP_SECONDS} s") from None
        finally:
            process.stdout.close()
        if code != 0:
            raise AssertionError(f"the service ended with {code}")

    def close(self) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self.home, ignore_errors=True)

    def _first_line(self) -> str:
        ready, _, _ = select.select([self.process.stdout], [], [], START_SECONDS)
        line = self.process.stdout.readline() if ready else ""
        if not line.startswith(GREETING):
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the service did not say where it listens, but {line!r}")
        return line

    def _passphrase_file(self, passphrase: str) -> Path:
        file = self.home / "passphrase"
        file.touch(mode=0o600)
        file.write_text(passphrase)
        return file

    def _environment(self) -> dict[str, str]:
        return os.environ | {"HOME": str(self.home), "RUST_LOG": "off"}
