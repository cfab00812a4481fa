"""How a key of a configuration is described: its text for people, and what its value must be."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


def entry(
    doc: str,
    *,
    default: Any = ...,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[Any, ...] = (),
    refused: Mapping[str, str] | None = None,
    pattern: str = "",
    place: Literal["", "file", "any", "folder"] = "",
    private: bool = False,
) -> Any:
    """Describe one key: its text for people and what its value must satisfy.

    `place` is what must stand at a path: a file, any thing, or a folder (which may be new).
    Of a list without choices, `least` and `most` are how many entries it may have.
    `refused` are words that one might expect among the choices, and why they are none.
    `private`: what stands there is quoted in no problem, for problems are logged and published.
    """
    rules = {
        "doc": doc,
        "least": least,
        "most": most,
        "choices": choices,
        "refused": refused or {},
        "pattern": pattern,
        "place": place,
        "private": private,
    }
    if default is ...:
        return field(metadata=rules)
    return field(default=default, metadata=rules)
