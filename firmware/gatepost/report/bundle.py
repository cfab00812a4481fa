"""The bundle: a zip of a few JSON and text files, none larger than 256 KiB."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatepost.errors import ConfigError, GatepostError
from gatepost.report import sources
from gatepost.report.journal import journal_lines, kernel_lines
from gatepost.report.redacting import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gatepost.config import Config

MOST_MEMBER = 256 * 1024
_JOURNAL = (
    "journalctl", "--unit=gatepost.service", "--lines=500", "--output=json", "--no-pager", "--quiet"
)  # fmt: skip
_KERNEL = ("dmesg",)
_CUT = "[the beginning is left out]\n"


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the bundle; `what`: for whoever decides whether to send it."""

    name: str
    what: str
    content: bytes


@dataclass(slots=True)
class Bundle:
    """What was gathered. `missing`: what could not be, and why."""

    members: list[Member] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def zipped(self) -> bytes:
        """The zip, with a list of what could not be told."""
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
            for each in self.members:
                file.writestr(each.name, each.content)
            file.writestr("missing.txt", "".join(f"{each}\n" for each in self.missing))
        return made.getvalue()

    def add(self, name: str, what: str, value: Any) -> None:
        """A value as JSON, or lines as a text; of what is too long the end stays."""
        if name.endswith(".txt"):
            content = "".join(f"{line}\n" for line in value).encode()
            if len(content) > MOST_MEMBER:
                content = _CUT.encode() + content[-MOST_MEMBER + len(_CUT) :].partition(b"\n")[2]
        else:
            content = _json(value)
        self.members.append(Member(name, what, content))


def _json(value: Any) -> bytes:
    kept = value
    while True:
        content = json.dumps(kept, ensure_ascii=False, indent=1).encode("utf-8", "replace")
        if len(content) <= MOST_MEMBER:
            return content + b"\n"
        if not isinstance(kept, list) or not kept:
            return json.dumps({"problem": f"{len(content)} bytes: too long"}).encode() + b"\n"
        kept = kept[: len(kept) // 2]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a bundle's content comes from.

    Attributes:
        path: the configuration's file.
        load: reads it; raises ConfigError.
        output: what a command prints, None where it cannot be had.
        findings: those of the self-test, where it is wanted.
    """

    path: Path
    load: Callable[[Path], Config]
    output: Callable[[Sequence[str]], str | None] = sources.output_of
    findings: Callable[[Config], Iterable[Mapping[str, Any]]] | None = None


def gather(wanted: Sources) -> Bundle:
    """Everything that can be had. What cannot is named, and is no reason to give up."""
    bundle = Bundle()
    bundle.add("about.json", "versions, kernel, board", sources.about())
    config, data = _configured(wanted, bundle)
    for name, what, make in _of_the_station(config, data, wanted):
        try:
            bundle.add(name, what, make())
        except (GatepostError, OSError, ValueError) as error:
            bundle.missing.append(_why(name, error))
    for name, what, command, read in _COMMANDS:
        printed = wanted.output(command())
        if not printed:
            bundle.missing.append(f"{name}: {command()[0]} says nothing: not there, or not to us")
        else:
            bundle.add(name, what, read(printed))
    return bundle


def _why(name: str, error: Exception) -> str:
    told = ""
    if isinstance(error, GatepostError):
        told = f": {redacted(str(error))}"
    elif isinstance(error, OSError):
        told = f": {redacted(error.strerror or str(error))}"
    return f"{name}: {type(error).__name__}{told}"


def _configured(wanted: Sources, bundle: Bundle) -> tuple[Config | None, Path | None]:
    try:
        config = wanted.load(wanted.path)
    except ConfigError as error:
        told = sources.problems(error.problems)
        bundle.add("config-problems.json", "what is wrong with the configuration", told)
        bundle.missing.append(f"config.json: {len(error.problems)} problem(s) in it")
        return None, sources.data_of(wanted.path)
    bundle.add("config.json", "settings; of keys the paths alone", sources.settings(config))
    return config, config.station.data


def _of_the_station(
    config: Config | None, data: Path | None, wanted: Sources
) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    if data is not None:
        yield "crashes.json", "crashes: reason, calls, log", lambda: sources.crash_records(data)
        yield "spool.json", "how many events are kept", lambda: sources.spool_counts(data)
    if config is not None:
        yield "status.json", "what the station says of itself", lambda: sources.status(config)
    if config is not None and (look := wanted.findings) is not None:
        yield "selftest.json", "what the self-test found", lambda: sources.findings(look(config))


_COMMANDS: tuple[tuple[str, str, Callable[[], Sequence[str]], Callable[[str], Any]], ...] = (
    ("unit.json", "the service's state", sources.unit_command, sources.unit),
    ("journal.txt", "the last 500 lines of the log", lambda: _JOURNAL, journal_lines),
    ("kernel.txt", "kernel: USB, card, power, memory", lambda: _KERNEL, kernel_lines),
)
