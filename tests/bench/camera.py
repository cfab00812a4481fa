"""Codes through a real Picamera2: frames a second, the time from frame to symbol, who was read.

    python tests/bench/camera.py                     one minute (some minutes the first time)
    python tests/bench/camera.py --json out/x.json   every number too

Invented visitors are rendered into pictures of 1280x720, which libcamera's virtual camera gives
to Picamera2 as a sensor would, 30 frames a second; the station's own driver and decoder read them,
in a Debian that is built on the first run and kept in the user's cache. The virtual camera shows
each picture four times: the scene moves in steps of 7.5 a second.

At the end the camera stops giving frames, and is restarted in place.

Exit status: 0 it reads 15 frames/s or more and every visitor, and is back within 3 s; 1 it does
not; 2 it cannot be run here (what lacks is told).
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from camera_root import VirtualCamera, lacking, root, run_within
from guest_root import GuestError

from gatepost.demo.clips import Take, render_clip
from gatepost.demo.visitors import make_visitors

SHOWN = 4  # times that libcamera 0.4 shows a picture (image_frame_generator.cpp, frameRepeat)
AIM_FPS, AIM_RESTART_S = 15.0, 3.0
_BOUND_S = 300


def main() -> int:
    """Run it; 0, 1 or 2 as above."""
    asked = _parser().parse_args()
    if why := lacking():
        _say(f"skipped: {why}")
        return 0 if asked.skip_ok else 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    try:
        found = measured(asked.visitors, asked.loops, asked.fps, asked.seed)
    except (GuestError, subprocess.TimeoutExpired) as error:
        _say(f"failed: {error}")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in words(found)))
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    good = (
        found["decoded_fps"] >= AIM_FPS
        and found["restart_s"] <= AIM_RESTART_S
        and found["read"] == found["visits"]
    )
    return 0 if good else 1


def measured(visitors: int, loops: int, fps: int, seed: int) -> dict[str, Any]:
    """Render, read and count. Raises GuestError."""
    files = root(_say)
    people = make_visitors(visitors, seed)
    with tempfile.TemporaryDirectory("-gatepost-pictures") as folder:
        _say("rendering the visitors")
        clip = render_clip(people, seed, Take(fps=fps / SHOWN, gap_s=0.8))
        pictures = sum(_saved(Path(folder) / f"{n}.jpg", each) for n, each in enumerate(clip))
        _say(f"reading: {loops} times {pictures * SHOWN / fps:.0f} s")
        raw = _told(
            files,
            Path(folder),
            "camera_reading",
            f"--frames={pictures * SHOWN}",
            f"--loops={loops}",
            f"--fps={fps}",
        )
    with tempfile.TemporaryDirectory("-gatepost-pictures") as folder:
        _say("stopping the camera")
        # A single one: the virtual camera reads each as it is opened, which no real one does.
        _saved(Path(folder) / "0.jpg", np.full((720, 1280), 128, np.uint8))
        troubles = _told(files, Path(folder), "camera_trouble", "restarted")
    texts = {each.text for each in people}
    latencies, ages = sorted(raw["latency_s"]), sorted(raw["age_s"])
    return {
        "fps": fps,
        "given_fps": raw["given"] / raw["took_s"],
        "decoded_fps": raw["delivered"] / raw["took_s"],
        "frames": raw["delivered"],
        "frames_with_codes": raw["with_codes"],
        "visits": len(texts) * loops,
        "read": sum(len(texts.intersection(loop)) for loop in raw["loops"]),
        "foreign": sum(len(set(loop) - texts) for loop in raw["loops"]),
        "symbol_p50_ms": _quantile(latencies, 0.5),
        "symbol_p99_ms": _quantile(latencies, 0.99),
        "frame_age_p50_ms": _quantile(ages, 0.5),
        "frame_age_p99_ms": _quantile(ages, 0.99),
        "memory_mb": raw["memory_mb"],
        "restart_s": troubles["restarted"]["without_s"],
    }


def _told(files: Path, pictures: Path, module: str, *arguments: str) -> dict[str, Any]:
    told = run_within(files, [VirtualCamera(pictures)], module, *arguments, bound_s=_BOUND_S)
    if told.returncode:
        raise GuestError(f"the camera's Debian: {told.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def words(found: dict[str, Any]) -> list[str]:
    """What was found, for people."""
    memory = found["memory_mb"]
    told = {
        "frames": f"{found['decoded_fps']:.1f}/s decoded of {found['given_fps']:.1f}/s given, "
        f"1280x720 (aim {AIM_FPS:.0f}/s)",
        "visitors": f"{found['read']} of {found['visits']} read, {found['foreign']} others; "
        f"{found['frames_with_codes']} of {found['frames']} frames read",
        "to symbol": f"p50 {found['symbol_p50_ms']:.0f} ms, p99 {found['symbol_p99_ms']:.0f} ms "
        "from the frame's own time",
        "to decoder": f"p50 {found['frame_age_p50_ms']:.0f} ms, p99 "
        f"{found['frame_age_p99_ms']:.0f} ms from the frame's own time",
        "restart": f"{found['restart_s']:.1f} s without a frame when the camera stops giving any "
        f"(aim {AIM_RESTART_S:.0f} s)",
        "memory": f"{memory['closed']:.0f} MB of its own without the camera's pictures; "
        f"{memory['last'] - memory['first']:+.0f} MB from the first frame to the last",
    }
    return [f"{name:<12}{text}" for name, text in told.items()]


def _saved(path: Path, picture: Any) -> bool:
    """Save a picture, in colours: libcamera's JPEG reader wants them."""
    colours = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    return cv2.imwrite(str(path), colours, [cv2.IMWRITE_JPEG_QUALITY, 88])


def _quantile(values: list[float], share: float) -> float:
    return round(values[int((len(values) - 1) * share)] * 1000, 1) if values else float("nan")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    option = parser.add_argument
    option("--visitors", type=int, default=6, metavar="N", help="(default: %(default)s)")
    option("--loops", type=int, default=2, metavar="N", help="how often each comes")
    option("--fps", type=int, default=30, metavar="N", help="of the sensor (default: %(default)s)")
    option("--seed", type=int, default=3, help="of the visitors (default: %(default)s)")
    option("--json", type=Path, metavar="FILE", help="write every number there too")
    option("--skip-ok", action="store_true", help="where it cannot be run, end with status 0")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
