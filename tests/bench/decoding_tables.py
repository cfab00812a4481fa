"""The tables of the decoding bench: the aims first, then who read what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from decoding_contestants import BUDGETED, LIVE_BUDGET_S, OURS, UNION, ZXING
from decoding_scores import SOON, quantile
from report import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from decoding_runs import Table
    from decoding_scores import Sum

HARDEST = "hardest/"
_PHOTOS = 464  # of the shared folder have a text
AIM_PHOTOS, AIM_COST, AIM_FRAMES, AIM_SOON, AIM_EMPTY, AIM_LONGEST = 450, 1 / 3, 1.6, 0.95, 0.6, 3


def of_photos(table: Table) -> list[Row]:
    """What is aimed at for photos."""
    ours = table.sum(OURS, _with_text)
    false = table.sum(OURS, lambda category: "falsepositives" in category)
    all_ours, all_union = (table.sum(name) for name in (OURS, UNION.name))
    cost = _ratio(all_ours.mean_ms, all_union.mean_ms)
    least = AIM_PHOTOS * ours.looked / _PHOTOS
    others = ", ".join(_read_of(table, name) for name in table.names if name != OURS)
    unexpected = ours.false + table.sum(OURS, lambda c: c.startswith("none: ")).false - false.false
    told = f"{false.false} false; {unexpected} texts that nobody expected elsewhere"
    return [
        Row(
            "photos read",
            f">= {least:.0f}",
            f"{ours.read} of {ours.looked}",
            others,
            ours.read >= least,
        ),
        Row("photos without any code", "0 false", told, f"{false.looked} photos", not false.false),
        Row(
            "mean cost of a photo, of the union's",
            "<= 0.33",
            f"{cost:.2f}",
            f"{all_ours.mean_ms:.1f} and {all_union.mean_ms:.1f} ms, of {all_ours.looked} photos",
            cost <= AIM_COST,
        ),
    ]


def of_clips(table: Table) -> list[Row]:
    """What is aimed at for the clips of the hardest level."""
    names = (OURS, BUDGETED, ZXING.name, UNION.name)
    ours, fast, zxing, union = (table.sum(name, hardest) for name in names)
    more = _ratio(ours.read, zxing.read)
    everywhere, again = table.sum(OURS), table.sum(BUDGETED)
    lags = f"median {quantile(ours.lags, 0.5):g}, p95 {quantile(ours.lags, 0.95):g} frames"
    return [
        Row(
            "frames of the hardest clips read, of zxing-cpp's",
            ">= 1.6",
            f"{more:.2f}",
            f"{ours.read} of {ours.looked}, in 33 ms {fast.read}, zxing-cpp {zxing.read}, "
            f"union {union.read}",
            more >= AIM_FRAMES,
        ),
        Row(
            f"hardest clips read within {SOON} frames of the union",
            ">= 95 %",
            f"{ours.soon:.0%}",
            lags,
            ours.soon >= AIM_SOON,
        ),
        Row(
            "hardest clips read in the end",
            "every one",
            f"{ours.once} of {ours.clips}",
            f"in 33 ms {fast.once}, zxing-cpp {zxing.once}, union {union.once}",
            ours.once == ours.clips,
        ),
        Row(
            "texts in clips that nobody showed",
            "0 false",
            f"{everywhere.false + again.false}",
            f"{everywhere.looked} frames; union {table.sum(UNION.name).false}",
            not everywhere.false + again.false,
        ),
    ]


def of_empty(table: Table, clips: Table | None) -> list[Row]:
    """What is aimed at where there is nothing to read, and the longest frame of all."""
    ours, zxing = (table.sum(name, _empty) for name in (OURS, ZXING.name))
    cost = _ratio(ours.mean_ms, zxing.mean_ms)
    all_ours = table.sum(OURS)
    return [
        Row(
            "mean cost of an empty frame, of zxing-cpp's",
            "<= 0.6",
            f"{cost:.2f}",
            f"{ours.mean_ms:.2f} and {zxing.mean_ms:.2f} ms of {ours.frames} frames",
            cost <= AIM_EMPTY,
        ),
        Row(
            "empty frames, people without a code, noise",
            "0 false",
            f"{all_ours.false}",
            f"{all_ours.frames} frames",
            not all_ours.false,
        ),
        _longest([table] if clips is None else [table, clips]),
    ]


def _longest(tables: Sequence[Table]) -> Row:
    sums = [table.sum(BUDGETED) for table in tables]
    wall, cpu = max(s.longest_ms for s in sums), max(s.longest_cpu_ms for s in sums)
    budget_ms = LIVE_BUDGET_S * 1000
    return Row(
        "longest look of the live decoder, of its budget",
        f"<= {AIM_LONGEST}",
        f"{wall / budget_ms:.1f}",
        f"{wall:.0f} ms, {cpu:.0f} of the processor; budget {budget_ms:.0f} ms",
        wall <= AIM_LONGEST * budget_ms,
    )


def hardest(category: str) -> bool:
    return category.startswith(HARDEST)


def _with_text(category: str) -> bool:
    return not category.startswith("none: ")


def _empty(category: str) -> bool:
    return category.startswith("empty/")


def _ratio(value: float, other: float) -> float:
    return value / other if other else float("nan")


def _read_of(table: Table, name: str) -> str:
    found = table.sum(name, _with_text)
    return f"{name} {found.read}" + (f" of {found.looked}" if found.looked < _all(table) else "")


def _all(table: Table) -> int:
    return table.sum(OURS, _with_text).looked


def photos_grid(table: Table) -> str:
    """Photos read, set by set."""
    sets = [category for category in table.seen if _with_text(category)]
    groups = [(each, _is(each)) for each in sorted(sets)] + [("all with a text", _with_text)]
    return _grid("photos read", table, groups, _share)


def clips_grid(table: Table) -> str:
    """Frames and clips read, by level and code and carrier, then by trouble."""
    levels = dict.fromkeys("/".join(category.split("/")[:2]) for category in table.seen)
    troubles = dict.fromkeys(c.split("/")[2] for c in table.seen if hardest(c))
    groups = [(name, _begins(f"{name}/")) for name in levels]
    groups += [(f"hardest/{name}", _ends(f"/{name}")) for name in troubles]
    groups += [("hardest, all", hardest)]
    frames = _grid("frames read", table, groups, _share)
    once = _grid("clips read at least once", table, groups, lambda s: f"{s.once} of {s.clips}")
    firsts = _grid(
        f"first read after the union's, frames: median, p95, within {SOON}", table, groups, _lags
    )
    return f"{frames}\n\n{once}\n\n{firsts}"


def costs_grid(table: Table, what: str) -> str:
    """Milliseconds of processor time a look, by what comes first in the categories' names."""
    parts = list(dict.fromkeys(category.split("/")[0] for category in table.seen))
    groups = [(part, _begins(f"{part}/")) for part in parts] if len(parts) < 8 else []
    title = f"{what}, ms: median, p95, mean"
    return _grid(title, table, [*groups, ("all", lambda _: True)], _times)


def _is(wanted: str) -> Callable[[str], bool]:
    return lambda category: category == wanted


def _begins(wanted: str) -> Callable[[str], bool]:
    return lambda category: category.startswith(wanted)


def _ends(wanted: str) -> Callable[[str], bool]:
    return lambda category: hardest(category) and category.endswith(wanted)


def _share(found: Sum) -> str:
    return f"{found.read}/{found.looked} ({found.share:.0%})" if found.looked else "-"


def _lags(found: Sum) -> str:
    if not found.lags:
        return "-"
    middle, most = (quantile(found.lags, share) for share in (0.5, 0.95))
    return f"{middle:g}, {most:g}, {found.soon:.0%}".replace("inf", "never")


def _times(found: Sum) -> str:
    if not found.looked:
        return "-"
    return f"{found.median_ms:.1f}, {found.p95_ms:.1f}, {found.mean_ms:.1f}"


def _grid(
    title: str,
    table: Table,
    groups: Sequence[tuple[str, Callable[[str], bool]]],
    cell: Callable[[Sum], str],
) -> str:
    lines = [(title, *table.names)]
    lines += [
        (name, *(cell(table.sum(each, wanted)) for each in table.names)) for name, wanted in groups
    ]
    return "\n".join(_aligned(lines))


def _aligned(lines: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Markdown, its columns aligned."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = tuple("-" * width for width in widths)
    for line in (lines[0], rule, *lines[1:]):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield f"| {' | '.join(cells)} |"


def facts(table: Table) -> dict[str, Any]:
    """Every number behind the tables, by category and contestant."""
    return {
        category: {name: _told(table, name, category) for name in table.names}
        for category in table.seen
    }


def _told(table: Table, name: str, category: str) -> dict[str, Any]:
    found = table.sum(name, _is(category))
    told = {each: getattr(found, each) for each in found.__slots__}
    told["lags"] = [None if lag == float("inf") else lag for lag in found.lags]
    rows = (row[name] for row in table.seen[category] if name in row)
    return told | {"false_texts": sorted({text for row in rows for text in row.false})}
