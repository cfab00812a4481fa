"""The runs of the decoding bench: everybody looks at the same pictures, one after the other."""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import decoding_clips as films
from decoding_contestants import BUDGETED, OURS, UNION, ZXING, contestants, likened
from decoding_scores import Seen, Sum, total

from gatepost.demo.clips import FPS
from gatepost.drivers.pictures import load_luma

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from decoding_contestants import Contestant, Look, Luma

OPENCV_EVERY, QUICK_PHOTOS = 8, 4
OTHERS_EMPTY = 16  # empty frames of a level for those that are only to be timed
NOISE_FRAMES = 12
_CHEAP = {OURS, BUDGETED, ZXING.name}


@dataclass
class Table:
    """Who made what of the pictures of each category, in the order in which they came."""

    names: tuple[str, ...]
    seen: dict[str, list[dict[str, Seen]]] = field(default_factory=dict)

    def add(self, category: str, results: dict[str, Seen]) -> None:
        self.seen.setdefault(category, []).append(results)

    def sum(self, name: str, wanted: Callable[[str], bool] = lambda _: True) -> Sum:
        """Sum what `name` did in the categories that are `wanted`."""
        chosen = (rows for category, rows in self.seen.items() if wanted(category))
        rows = [row for each in chosen for row in each if name in row]
        return total([row[name] for row in rows], [row.get(UNION.name, Seen()) for row in rows])


def shared_photos() -> Path | None:
    """The folder of real photos, or None where it is not there."""
    beside = Path(__file__).resolve().parents[3] / "shared"
    folder = Path(os.environ.get("GATEPOST_SHARED", beside)) / "data" / "decoding"
    return folder if (folder / "expected.jsonl").is_file() else None


def _play(
    frames: Iterable[Luma], players: Sequence[Contestant], texts: set[str], *, since: int = 0
) -> dict[str, Seen]:
    """Show the same frames to all, from the start; `texts` are shown in those from `since` on."""
    results = {player.name: Seen() for player in players}
    with ExitStack() as stack:
        looks = [stack.enter_context(player.begin()) for player in players]
        for index, frame in enumerate(frames):
            for player, look in zip(players, looks, strict=True):
                if index % player.every == 0:
                    results[player.name].looked += index >= since
                    _look(look, frame, index, texts, results[player.name])
    return results


def _look(look: Look, frame: Luma, index: int, texts: set[str], seen: Seen) -> None:
    children, cpu, wall = children_s(), time.process_time(), time.perf_counter()
    found = look(frame, index / FPS)
    seen.wall_ms.append((time.perf_counter() - wall) * 1000)
    own = time.process_time() - cpu
    seen.cpu_ms.append((own + max(0.0, children_s() - children)) * 1000)
    for read in found:
        if likened(read.text) in texts:
            seen.hit(round(read.taken * FPS), index)
    seen.false += {read.text for read in found if likened(read.text) not in texts}


def children_s() -> float:
    """Processor time of the processes that this one began, seconds: zbar may run in one."""
    used = 0.0
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text("ascii").split():
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                used += int(Path(f"/proc/{child}/schedstat").read_text("ascii").split()[0]) / 1e9
    return used


def run_photos(folder: Path, say: Callable[[str], None], *, quick: bool) -> Table:
    """Let all read the photos; a category is a set of photos."""
    lines = (folder / "expected.jsonl").read_text("utf-8").splitlines()
    lines = lines[:: QUICK_PHOTOS if quick else 1]
    players = contestants(live=False, opencv_every=1)
    table = Table(tuple(player.name for player in players))
    with ExitStack() as stack:
        kept = [_kept(player, stack) for player in players]
        for number, line in enumerate(lines):
            if number % 50 == 0:
                say(f"photos: {number} of {len(lines)}")
            photo = json.loads(line)
            now = kept if number % OPENCV_EVERY == 0 else kept[:-1]
            texts = {likened(text) for text in photo["texts"]}
            seen = _play([load_luma(folder / photo["image"])], now, texts)
            table.add(photo["set"] if texts else f"none: {photo['set']}", seen)
    return table


def _kept(player: Contestant, stack: ExitStack) -> Contestant:
    """`player`, begun once for all photos: they are no clips."""
    return player._replace(begin=partial(nullcontext, stack.enter_context(player.begin())))


def run_clips(clips: Sequence[films.Clip], say: Callable[[str], None]) -> Table:
    """Let all read the clips; a category is "level/what, carrier/trouble"."""
    players = contestants(live=True, opencv_every=OPENCV_EVERY)
    table = Table(tuple(player.name for player in players))
    for number, clip in enumerate(clips, 1):
        say(f"clips: {number} of {len(clips)}: {clip.name}")
        category = f"{clip.level}/{clip.what}, {clip.visitor.carrier}/{clip.trouble}"
        texts = {likened(clip.visitor.text)}
        seen = _play(clip.frames(), players, texts, since=films.BEFORE)
        table.add(category, seen)
    return table


def run_empty(count: int, seed: int, say: Callable[[str], None]) -> Table:
    """Let all look where there is nothing to read; a category is "what/level".

    gatepost and plain zxing-cpp see all `count` frames, those without anybody; the others some.
    """
    players = contestants(live=True, opencv_every=OPENCV_EVERY)
    table = Table(tuple(player.name for player in players))
    each = max(1, count // len(films.LEVELS))
    for level in films.LEVELS:
        say(f"empty: {each} frames, {level}")
        some = max(1, each // OTHERS_EMPTY)
        now = [
            player if player.name in _CHEAP else player._replace(every=max(player.every, some))
            for player in players
        ]
        frames = films.empty(each, seed, level)
        table.add(f"empty/{level}", _play(frames, now, set()))
        frames = films.people(OTHERS_EMPTY, seed, level)
        table.add(f"nobody shows a code/{level}", _play(frames, players, set()))
    say(f"noise: {NOISE_FRAMES} frames")
    table.add("noise/", _play(films.noise(NOISE_FRAMES, seed), players, set()))
    return table
