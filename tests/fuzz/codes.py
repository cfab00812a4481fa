"""Coverage-guided fuzzing of everything that a station does with a text: `make fuzz`.

Ends with status 1 at the first text that raises, takes over 20 ms of processor time (three times
in a row: a busy machine is no finding), or when the process has grown.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import sys
import tempfile
import time
from pathlib import Path

try:
    import atheris
except ModuleNotFoundError:
    sys.exit("fuzzing needs atheris, which has wheels for x86_64 alone")

sys.path.insert(0, str(Path(__file__).parents[1]))
with atheris.instrument_imports(include=["gatepost.codes", "gatepost.packing", "gatepost.trust"]):
    from fuzz import wrapping

from fuzz.seeds import seeds

LIMIT_S = 0.020
MOST_GROWTH = 32 * 1024 * 1024  # bytes, after the first tenth: the fuzzer's own corpus grows too
_LONGEST = 7089  # digits in the largest QR symbol, ISO/IEC 18004
_MOST_BYTES = 4096


class Fuzz:
    """Counts, times and weighs; `runs` texts are judged."""

    def __init__(self, runs: int) -> None:
        self._runs = runs
        self._done = 0
        self._slowest = 0.0
        self._resident = 0
        self._kinds: dict[str, int] = {}
        self._began = time.monotonic()

    def one(self, data: bytes) -> None:
        """What atheris calls."""
        text = wrapping.text_of(data)[:_LONGEST]
        self._done += 1
        took = self._judge(text)
        if took > LIMIT_S:
            took = min(took, *(self._judge(text) for _ in range(3)))
        self._slowest = max(self._slowest, took)
        if took > LIMIT_S:
            raise AssertionError(f"{took * 1000:.1f} ms for {text!r}")
        if self._done == self._runs // 10:
            self._resident = _resident()
        if self._done % max(1, self._runs // 10) == 0:
            self._tell()

    def _judge(self, text: str) -> float:
        before = time.thread_time()
        decision = wrapping.judged(text)
        took = time.thread_time() - before
        self._kinds[decision.reason.value] = self._kinds.get(decision.reason.value, 0) + 1
        return took

    def _tell(self) -> None:
        gc.collect()
        grown = _resident() - self._resident if self._resident else 0
        spent = time.monotonic() - self._began
        _say(
            f"{self._done:>9} texts, {spent:5.0f} s, slowest {self._slowest * 1000:.2f} ms, "
            f"grown {grown / 2**20:.1f} MB, {len(self._kinds)} reasons"
        )
        if self._done >= self._runs:
            for reason, count in sorted(self._kinds.items(), key=lambda each: -each[1]):
                _say(f"{count:>9} {reason}")
            if grown > MOST_GROWTH:
                raise AssertionError(f"grown by {grown} bytes since the first tenth")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _resident() -> int:
    """Bytes of this process in memory, what the allocator holds back given back first."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Run it; atheris ends the process itself."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            Path(folder, f"seed-{number}").write_bytes(seed)
        flags = [f"-runs={options.runs}", f"-seed={options.seed}", f"-max_len={_MOST_BYTES}"]
        flags += ["-print_final_stats=0", "-verbosity=0", f"-artifact_prefix={folder}/"]
        atheris.Setup([sys.argv[0], *flags, folder], Fuzz(options.runs).one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
