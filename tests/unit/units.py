"""Unit files as they are written: sections, keys in their order, nothing made up."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).resolve().parents[2] / "systemd"
UNITS = sorted(path for path in SYSTEMD.iterdir() if path.suffix in {".service", ".mount", ".path"})
needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


@dataclass
class Unit:
    settings: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def all(self, section: str, key: str) -> list[str]:
        return [value for name, value in self.settings[section] if name == key]

    def one(self, section: str, key: str) -> str:
        (value,) = self.all(section, key)
        return value

    def words(self, section: str, key: str) -> list[str]:
        return [word for value in self.all(section, key) for word in value.split()]


def unit(name: str) -> Unit:
    read, section = Unit(), ""
    for line in (SYSTEMD / name).read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
            read.settings[section] = []
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            read.settings[section].append((key, value))
    return read


def lines(path: str) -> list[list[str]]:
    """A file of words: sysusers, tmpfiles, modules, fstab."""
    text = (SYSTEMD / path).read_text("utf-8")
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]
