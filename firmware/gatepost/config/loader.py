"""TOML text -> Config, or every problem at once, each with its line and a suggestion."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
import types
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from gatepost.config.lines import Lines
from gatepost.config.schema import READER_TYPES, Config, ReaderConfig
from gatepost.errors import ConfigError

_WORDS = {
    str: "a text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path in quotes",
}


def load(path: Path) -> Config:
    """Read the configuration at `path`. Raises ConfigError with every problem in it."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise ConfigError([f"{path}: there is no such file"]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from error
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """Parse a configuration; paths in it are relative to the folder of `path`.

    Raises ConfigError with every problem in it.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: not TOML: {error}"]) from error
    loading = _Loading(path, Lines(text))
    config = loading.config(document)
    if loading.problems or config is None:
        raise ConfigError([line for _, line in sorted(loading.problems)])
    return config


class _Loading:
    def __init__(self, path: Path, lines: Lines) -> None:
        self.path = path
        self.lines = lines
        self.problems: list[tuple[int, str]] = []

    def problem(self, table: str, name: str, text: str) -> None:
        line = self.lines.of(table, name)
        where = ".".join(part for part in (table, name) if part)
        self.problems.append((line, f"{self.path}:{line}: {where}: {text}"))

    def config(self, document: dict[str, Any]) -> Config | None:
        known = [item.name for item in fields(Config)]
        self.unknown("", document, known)
        values: dict[str, Any] = {}
        hints = get_type_hints(Config)
        for item in fields(Config):
            if item.name == "reader":
                values["reader"] = self.readers(document.get("reader"))
            elif item.name in document or item.default is MISSING:
                values[item.name] = self.section(item, _bare(hints[item.name]), document)
        if self.problems:
            return None
        config = Config(**values)
        self.whole(config)
        return config

    def section(self, item: Field[Any], kind: type, document: dict[str, Any]) -> Any:
        if item.name not in document:
            if item.default_factory is not MISSING:
                return item.default_factory()
            self.problem("", item.name, f"the table [{item.name}] is missing")
            return None
        return self.table(item.name, kind, document[item.name])

    def readers(self, value: Any) -> tuple[ReaderConfig, ...]:
        if value is None or value == []:
            self.problem("", "reader", "at least one [[reader]] is needed")
            return ()
        if not isinstance(value, list):
            self.problem("reader", "", "is written [[reader]], with double brackets")
            return ()
        read = [self.reader(f"reader[{index}]", entry) for index, entry in enumerate(value)]
        return tuple(reader for reader in read if reader is not None)

    def reader(self, table: str, entry: Any) -> ReaderConfig | None:
        if not isinstance(entry, dict):
            self.problem(table, "", "must be a table")
            return None
        kind = entry.get("type")
        if not isinstance(kind, str) or kind not in READER_TYPES:
            known = ", ".join(READER_TYPES)
            told = f"{kind!r}{_meant(str(kind), READER_TYPES)}" if kind else "it is missing"
            self.problem(table, "type", f"must be one of {known}; {told}")
            return None
        rest = {name: value for name, value in entry.items() if name != "type"}
        return cast("ReaderConfig | None", self.table(table, READER_TYPES[kind], rest, ("type",)))

    def table(self, table: str, kind: type, value: Any, also: tuple[str, ...] = ()) -> Any:
        if not isinstance(value, dict):
            self.problem(table, "", f"must be a table: write [{table}]")
            return None
        items = fields(kind)
        self.unknown(table, value, [*(item.name for item in items), *also])
        hints = get_type_hints(kind)
        before = len(self.problems)
        values = {}
        for item in items:
            if item.name in value:
                values[item.name] = self.value(table, item, hints[item.name], value[item.name])
            elif item.default is MISSING and item.default_factory is MISSING:
                self.problem(table, item.name, f"is missing: {item.metadata.get('doc', '')}")
        return kind(**values) if len(self.problems) == before else None

    def unknown(self, table: str, value: dict[str, Any], known: list[str]) -> None:
        for name in value:
            if name not in known:
                self.problem(table, name, f"there is no such key{_meant(name, known)}")

    def value(self, table: str, item: Field[Any], hint: Any, value: Any) -> Any:
        if get_origin(hint) is tuple:
            return self.texts(table, item, value)
        kind = _bare(hint)
        wanted = str if kind is Path else kind
        fits = type(value) is wanted or (kind is float and type(value) is int)
        if not fits:
            self.problem(table, item.name, f"must be {_WORDS[kind]}, is {value!r}")
            return None
        self.bounds(table, item, value)
        return self.located(table, item, value) if kind is Path else kind(value)

    def texts(self, table: str, item: Field[Any], value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(type(entry) is str for entry in value):
            self.problem(table, item.name, f"must be a list of texts, is {value!r}")
            return ()
        for entry in value:
            self.bounds(table, item, entry)
        return tuple(value)

    def bounds(self, table: str, item: Field[Any], value: Any) -> None:
        rules = item.metadata
        choices = rules["choices"]
        if choices and value not in choices:
            shown = ", ".join(json.dumps(choice) for choice in choices)
            text = f"must be one of {shown}; is {value!r}{_meant(str(value), choices)}"
            self.problem(table, item.name, text)
        if rules["pattern"] and not re.fullmatch(rules["pattern"], value):
            self.problem(table, item.name, f"{value!r} does not fit {rules['pattern']}")
        if rules["least"] is not None and value < rules["least"]:
            self.problem(table, item.name, f"must be at least {rules['least']}, is {value}")
        if rules["most"] is not None and value > rules["most"]:
            self.problem(table, item.name, f"must be at most {rules['most']}, is {value}")

    def located(self, table: str, item: Field[Any], value: str) -> Path:
        path = self.path.parent / value
        if item.metadata["exists"] and not path.exists():
            self.problem(table, item.name, f"there is no {path}: {item.metadata['doc']}")
        return path

    def whole(self, config: Config) -> None:
        """What no single key can tell."""
        names = [reader.name for reader in config.reader]
        for index, name in enumerate(names):
            if name in names[:index]:
                self.problem(f"reader[{index}]", "name", f"{name!r} is the name of two readers")
        if config.broker.tls and config.broker.ca is None:
            self.problem("broker", "ca", "is missing: without it TLS cannot know the broker")
        central = config.central
        if central.sealing_key is None and not central.plain_text:
            self.problem(
                "central",
                "sealing_key",
                "is missing: without it visitors' data cannot be sealed. Name the central "
                "side's public key, or say plain_text in the words of the documentation",
            )
        elif central.sealing_key is not None and central.plain_text:
            self.problem("central", "plain_text", "contradicts sealing_key: keep one of them")
        self.pins(config)

    def pins(self, config: Config) -> None:
        taken: dict[int, str] = {}
        for table, name, pin in _pins(config):
            if pin in taken:
                self.problem(table, name, f"pin {pin} is already used by {taken[pin]}")
            taken[pin] = f"{table}.{name}"


def _pins(config: Config) -> list[tuple[str, str, int]]:
    pins = []
    if config.lamp:
        pins += [("lamp", name, getattr(config.lamp, name)) for name in ("red", "green", "blue")]
    if config.buzzer:
        pins.append(("buzzer", "pin", config.buzzer.pin))
    if config.relay:
        pins.append(("relay", "pin", config.relay.pin))
    return pins


def _bare(hint: Any) -> type:
    """The type of an optional hint: `Path | None` -> Path."""
    if get_origin(hint) in {Union, types.UnionType}:
        return cast("type", next(part for part in get_args(hint) if part is not type(None)))
    return cast("type", hint)


def _meant(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
