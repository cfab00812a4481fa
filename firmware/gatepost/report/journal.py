"""The journal's and the kernel's lines: those whose form we know, redacted. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from gatepost.report.redacting import MOST_LINE, redacted, scrubbed

_OURS = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info|warning|error|critical) \S")
_CALL = re.compile(r'\s*File "(?:[^"]*/)?([^"/]+)", line (\d+)(?:,)? in ([\w<>.]+)$')
_NUMBER = 10**8  # one digit less than a citizen's number of old, or a telephone's
_HEADS = ("Current thread 0x", "Thread 0x", "Fatal Python error: ", "Timeout (", "gatepost: ")
_TOLD = re.compile(
    r"(?i)\b(usb|mmc|mmcblk|i2c|ext4|under-?volt|volt|throttl|oom|out of memory|i/o error|"
    r"killed process|watchdog|gpio|gatepost)"
)


def journal_lines(output: str) -> list[str]:
    """Of `journalctl --output=json`: our log, systemd's words on the unit, and calls of stacks.

    What anything else printed (a library, a traceback's last line) is counted and left out: an
    error's text may quote what was read.
    """
    told: list[str] = []
    left_out = 0
    for line in output.splitlines():
        shown = _shown(line)
        if shown is None:
            left_out += 1
            continue
        told.append(shown)
    if left_out:
        told.append(f"[{left_out} lines that are not of the log are left out]")
    return told


def _shown(line: str) -> str | None:
    try:
        entry = json.loads(line)
        message = entry["MESSAGE"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if not isinstance(message, str) or len(message) > 8 * MOST_LINE:
        return None  # bytes that are no text
    if entry.get("SYSLOG_IDENTIFIER") == "systemd" and entry.get("_PID") == "1":
        return f"systemd: {redacted(message[:MOST_LINE])}"
    return _of_the_log(message)


def _of_the_log(message: str) -> str | None:
    if message.startswith("{"):
        return _of_json(message)
    if found := _CALL.match(message):
        return f"  {found[1]}:{found[2]}:{found[3]}"
    if _OURS.match(message) or message.startswith(_HEADS):
        head, rest = message[:24], message[24:MOST_LINE]  # its own time, if it has one
        return head + redacted(rest) if _OURS.match(message) else redacted(message[:MOST_LINE])
    return None


def _of_json(message: str) -> str | None:
    try:
        told: Any = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not {"time", "level", "message"} <= told.keys():
        return None
    time = str(told.pop("time"))[:40]
    time = time if re.fullmatch(r"[\dT:.+Z-]+", time) else ""
    numbers = {key: val for key, val in told.items() if isinstance(val, int) and val < _NUMBER}
    texts = {key: str(val) for key, val in told.items() if key not in numbers}
    return json.dumps({"time": time} | scrubbed(texts) | numbers, ensure_ascii=False)


def kernel_lines(output: str, most: int = 400) -> list[str]:
    """Of `dmesg`: what it says of USB, card, power, memory and buses; without serial numbers."""
    lines = [line for line in output.splitlines() if _TOLD.search(line)]
    return [_kernel(line[:MOST_LINE]) for line in lines[-most:]]


def _kernel(line: str) -> str:
    head = re.match(r"(?:<\d+>)?\[ *\d+\.\d+\] ", line)
    at = head.end() if head else 0
    device = re.search(r"\b(Product|Manufacturer): ", line)  # what a device calls itself
    return line[:at] + redacted(line[at:], names=device is None)
