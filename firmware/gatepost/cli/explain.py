"""`gatepost explain`: what a code is, whether it is to be believed, and what a gate would say."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.cli.explaining import Explainer

_DESCRIPTION = (
    "What a code is, what of it was checked and why, and what a gate would decide: a line in, "
    "a line out. Without --rules or --config the gate is one that accepts every kind and asks for "
    "a signature where the kind has one. The time is this computer's, taken as right, or --at."
)
_EXAMPLES = """\
examples:
  gatepost explain '******509123|NGUYEN VAN A|1989-**-**|0|QID7f31a2|'
  gatepost explain --trust trust.json --at 2021-05-06T18:00:00Z 'HC1:NCF...'
  zbarimg -q --raw photo.png | gatepost explain - --json
  gatepost explain - --config station.toml < codes.txt        this gate's rules and trust list
  gatepost explain - --input jsonl < vectors.jsonl > told.jsonl

--input jsonl takes an object a line: {"code": "HC1:...", "at": "2021-05-06T18:00:00Z",
"certificates": ["<Base64 DER to trust for this line>"]}; only "code" is needed, and an "id" comes
back. An object that cannot be read gives a line with its "error".

exit status: 0 every line was explained (whatever the verdict), 1 some could not be read, 2 usage
"""
_MOST_LINE = 1024 * 1024


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "explain",
        help="what a code is, and what the gate would say",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("text", nargs="?", default="-", metavar="TEXT", help="the code; - (default): lines of them")
    add("--json", action="store_true", help="an object a line for machines")
    add("--input", choices=("text", "jsonl"), default="text", help="what a line in is")
    add("--trust", type=Path, metavar="FILE", help="trust list: JSON, or signed by the centre")
    add("--rules", type=Path, metavar="FILE", help="the gate's rules (TOML)")
    add("--config", type=Path, metavar="FILE", help="a station's: its rules and its trust list")
    add(
        "--at",
        metavar="TIME",
        help="as if it were TIME: RFC 3339, as 2026-11-24T08:00:00Z; UTC where it names no zone",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Explain; 0 when every line could be read."""
    from gatepost.cli.explaining import Explainer, as_json, as_table

    explainer = Explainer.of(args.trust, args.rules, args.config, args.at)
    objects = args.input == "jsonl"
    status, count = 0, 0
    for line in _lines(args.text):
        if objects and line is not None and not line.strip():
            continue
        told = _explained(explainer, line, objects=objects)
        status = 1 if "error" in told else status
        if args.json or objects:
            print(as_json(told), flush=True)
        elif "error" in told:
            print(f"gatepost: {told['error']}", file=sys.stderr)
        else:
            print(("\n" if count else "") + as_table(told), flush=True)
        count += 1
    return status


def _explained(explainer: Explainer, line: str | None, *, objects: bool) -> dict[str, Any]:
    from gatepost.cli.explaining import failed

    if line is None:
        return failed(f"a line of more than {_MOST_LINE} characters")
    return explainer.of_object(line) if objects else explainer.of_text(line)


def _lines(text: str) -> Iterator[str | None]:
    """The codes; None stands for a line that is too long. A line ends with its newline alone."""
    if text != "-":
        yield text
        return
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")
    while line := sys.stdin.readline(_MOST_LINE):
        if line.endswith("\n"):
            yield line[:-1].removesuffix("\r")
        elif len(line) < _MOST_LINE:
            yield line
        else:
            while (rest := sys.stdin.readline(_MOST_LINE)) and not rest.endswith("\n"):
                pass
            yield None
