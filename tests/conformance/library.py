"""Assets built with the SDK's own models, and the library as the service shows it."""

import hashlib
import json
import random
import urllib.request
from datetime import datetime, timezone

from pieces_os_client.models.application import Application
from pieces_os_client.models.application_name_enum import ApplicationNameEnum
from pieces_os_client.models.asset import Asset
from pieces_os_client.models.assets import Assets
from pieces_os_client.models.byte_descriptor import ByteDescriptor
from pieces_os_client.models.classification import Classification
from pieces_os_client.models.classification_generic_enum import ClassificationGenericEnum
from pieces_os_client.models.classification_specific_enum import ClassificationSpecificEnum
from pieces_os_client.models.flattened_asset import FlattenedAsset
from pieces_os_client.models.flattened_formats import FlattenedFormats
from pieces_os_client.models.flattened_preview import FlattenedPreview
from pieces_os_client.models.format import Format
from pieces_os_client.models.formats import Formats
from pieces_os_client.models.fragment_format import FragmentFormat
from pieces_os_client.models.grouped_timestamp import GroupedTimestamp
from pieces_os_client.models.mechanism_enum import MechanismEnum
from pieces_os_client.models.platform_enum import PlatformEnum
from pieces_os_client.models.preview import Preview
from pieces_os_client.models.privacy_enum import PrivacyEnum
from pieces_os_client.models.referenced_format import ReferencedFormat
from pieces_os_client.models.role import Role
from pieces_os_client.models.transferable_string import TransferableString


def asset(name: str, text: str = "fn main() {}\n") -> Asset:
    """An asset as an editor's plugin would send it: one fragment of code."""
    now = GroupedTimestamp(value=datetime.now(timezone.utc))
    form = f"{name}-format"
    flat = FlattenedAsset(
        id=name,
        created=now,
        updated=now,
        creator="someone",
        mechanism=MechanismEnum.MANUAL,
        original=form,
        formats=FlattenedFormats(iterable=[ReferencedFormat(id=form)]),
        preview=FlattenedPreview(base=form),
    )
    application = Application(
        id="editor",
        name=ApplicationNameEnum.VS_CODE,
        version="1.0.0",
        platform=PlatformEnum.LINUX,
        onboarded=True,
        privacy=PrivacyEnum.CLOSED,
    )
    fragment = Format(
        id=form,
        asset=flat,
        application=application,
        bytes=ByteDescriptor(value=len(text), readable=f"{len(text)} B"),
        classification=Classification(
            generic=ClassificationGenericEnum.CODE, specific=ClassificationSpecificEnum.RS
        ),
        created=now,
        updated=now,
        creator="someone",
        role=Role.BOTH,
        fragment=FragmentFormat(string=TransferableString(raw=text)),
    )
    return Asset(
        id=name,
        name=f"{name} – größer, 日本語",
        created=now,
        updated=now,
        creator="someone",
        mechanism=MechanismEnum.MANUAL,
        original=ReferencedFormat(id=form),
        formats=Formats(iterable=[fragment]),
        preview=Preview(base=ReferencedFormat(id=form)),
    )


def assets(*names: str) -> Assets:
    return Assets(iterable=[asset(name) for name in names])


def fill(address: str, megabytes: int) -> None:
    """Makes the library big enough that a job on it takes a moment: text that hardly compresses."""
    source = random.Random(7)
    for batch in range(0, megabytes, 16):
        numbers = range(batch * 4, min(batch + 16, megabytes) * 4)
        put(address, [filler(f"{number:05}", source.randbytes(128 * 1024).hex()) for number in numbers])


def change(address: str) -> None:
    """Changes the library a little: a backup reads nothing of one that is as the last backup has it."""
    put(address, [filler("changed", random.randbytes(16).hex())])


def filler(name: str, text: str) -> dict:
    moment = {"value": "2026-01-02T03:04:05Z"}
    return {
        "id": f"filler-{name}",
        "created": moment,
        "updated": moment,
        "creator": "someone",
        "mechanism": "MANUAL",
        "original": {"id": "f"},
        "preview": {"base": {"id": "f"}},
        "formats": {"iterable": []},
        "text": text,
    }


def put(address: str, items: list[dict]) -> None:
    body = json.dumps({"iterable": items}).encode()
    request = urllib.request.Request(
        f"{address}/holdfast/library/import", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        assert json.load(response) == {"assets": len(items)}


def held(address: str) -> dict[str, dict]:
    """Every asset that the library holds now, by id."""
    with urllib.request.urlopen(f"{address}/assets", timeout=120) as response:
        return {item["id"]: item for item in json.load(response)["iterable"]}


def digest(address: str) -> str:
    """The same for the same content: a hash of an ordered dump."""
    ordered = json.dumps(held(address), sort_keys=True).encode()
    return hashlib.sha256(ordered).hexdigest()
