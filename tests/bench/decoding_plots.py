"""The decoding bench, drawn: what is read by category, how soon, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from decoding_clips import BEFORE, LEVELS, MOST
from decoding_contestants import BUDGETED, OURS
from decoding_tables import hardest

mpl.use("Agg")
from matplotlib import pyplot as plt  # after the choice of Agg: there is no display

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from decoding_runs import Table
    from decoding_scores import Sum
    from matplotlib.axes import Axes

Group = tuple[str, "Callable[[str], bool]"]
_COLOURS = {
    OURS: "#0b6e4f",
    BUDGETED: "#5fb894",
    "zxing-cpp": "#3b7dd8",
    "zbar-py": "#e0a030",
    "union": "#8a8f98",
    "OpenCV": "#c46b8f",
}


def draw(folder: Path, photos: Table | None, clips: Table | None, empty: Table | None) -> None:
    """Draw what was measured as PNG and SVG into `folder`, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    if photos is not None:
        _bars(folder / "photos", "photos read", photos, _photo_sets(photos))
    if clips is not None:
        _bars(folder / "clips", "frames of clips read", clips, _clip_groups(clips))
        _curves(folder / "first-read", clips)
    tables = {"photos": photos, "clips": clips, "empty frames": empty}
    _costs(folder / "costs", {name: table for name, table in tables.items() if table is not None})


def _photo_sets(table: Table) -> list[Group]:
    sets = sorted(each for each in table.seen if not each.startswith("none: "))
    return [(each, lambda category, each=each: category == each) for each in sets]


def _clip_groups(table: Table) -> list[Group]:
    easier: list[Group] = [
        (level, lambda category, level=level: category.startswith(f"{level}/")) for level in LEVELS
    ]
    troubles = dict.fromkeys(each.split("/")[2] for each in table.seen if hardest(each))
    return easier + [
        (
            f"hardest/{trouble}",
            lambda category, end=f"/{trouble}": hardest(category) and category.endswith(end),
        )
        for trouble in troubles
    ]


def _bars(path: Path, title: str, table: Table, groups: Sequence[Group]) -> None:
    """Bars that lie: one group for each category, one bar for each contestant."""
    _figure, axes = plt.subplots(figsize=(9, 1.5 + 0.62 * len(groups)), layout="constrained")
    places = np.arange(len(groups))
    high = 0.84 / len(table.names)
    for number, name in enumerate(table.names):
        sums = [table.sum(name, wanted) for _, wanted in groups]
        at = places + (number - (len(table.names) - 1) / 2) * high
        axes.barh(at, [100 * each.share for each in sums], high, label=name, color=_COLOURS[name])
    counts = [table.sum(OURS, wanted).looked for _, wanted in groups]
    labels = [f"{name} ({count})" for (name, _), count in zip(groups, counts, strict=True)]
    axes.set_yticks(places, labels)
    axes.set_ylim(len(groups) - 0.4, -0.6)
    axes.set_xlim(0, 100)
    axes.set_xlabel(f"{title}, %")
    _finish(path, axes)


def _curves(path: Path, table: Table) -> None:
    """How many of the hardest clips have been read by each frame."""
    _figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    rows = [row for category, rows in table.seen.items() if hardest(category) for row in rows]
    frames = np.arange(MOST - BEFORE)
    for name in reversed(table.names):  # ours on top
        firsts = [row[name].first for row in rows]
        read = np.array([MOST if first is None else first - BEFORE for first in firsts])
        shares = [100 * float((read <= frame).mean()) if rows else 0.0 for frame in frames]
        axes.step(frames, shares, where="post", label=name, color=_COLOURS[name], linewidth=2)
    axes.set_ylim(0, 102)
    axes.set_xlim(0, frames[-1])
    axes.set_xlabel("frames since the code came near (30 a second)")
    axes.set_ylabel("hardest clips read, %")
    _finish(path, axes)


def _costs(path: Path, tables: dict[str, Table]) -> None:
    """What a look takes: the bar ends at the mean, a mark stands at the 95th percentile."""
    if not tables:
        return
    _figure, axes = plt.subplots(figsize=(8, 1.5 + len(tables)), layout="constrained")
    names = max((table.names for table in tables.values()), key=len)
    high = 0.84 / len(names)
    places = np.arange(len(tables))
    for number, name in enumerate(names):
        sums: list[Sum] = [
            table.sum(name, lambda category: "nobody" not in category and "noise" not in category)
            for table in tables.values()
        ]
        at = places + (number - (len(names) - 1) / 2) * high
        axes.barh(at, [each.mean_ms for each in sums], high, label=name, color=_COLOURS[name])
        axes.plot([each.p95_ms for each in sums], at, "|", color="black", markersize=8)
    axes.set_yticks(places, list(tables))
    axes.set_ylim(len(tables) - 0.4, -0.6)
    axes.set_xscale("log")
    axes.set_xlabel("ms of processor time a picture: mean; the mark: 95th percentile")
    _finish(path, axes)


def _finish(path: Path, axes: Axes) -> None:
    axes.grid(axis="both", alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.figure.legend(loc="outside upper center", ncols=6, frameon=False)
    for suffix in (".png", ".svg"):
        axes.figure.savefig(path.with_suffix(suffix), dpi=110)
    plt.close(axes.figure)
