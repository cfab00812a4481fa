"""Documents that can be wrong are tested."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gatepost.config import load
from gatepost.config.reference import reference
from gatepost.demo.authority import make_authority
from gatepost.gate.reference import reference as rules_reference

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = {
    "gatepost": [
        "run",
        "demo",
        "decode",
        "explain",
        "check-config",
        "rules check",
        "rules show",
        "rules apply",
        "trust check",
        "trust show",
        "trust apply",
        "spool status",
        "spool verify",
        "spool export",
        "spool import",
        "selftest",
        "setup",
        "status",
        "readers",
        "wiring",
        "report",
        "reset",
        "clock show",
        "clock raise",
        "stopped",
    ],
    "gatepost-central": [
        "watch",
        "ask",
        "unseal",
        "pass new-key",
        "pass sign",
        "pass revoke",
        "subject-key",
        "list-token",
        "sign",
        "publish",
    ],
}


def told(program: str, *words: str) -> str:
    path = Path(sys.executable).with_name(program)
    return subprocess.run(
        [path, *words], capture_output=True, text=True, check=True, timeout=30
    ).stdout


def test_the_reference_of_the_configuration_is_the_schemas() -> None:
    assert (ROOT / "firmware" / "CONFIGURATION.md").read_text("utf-8") == reference()


def test_the_page_on_rules_is_the_schemas_and_the_gates_order() -> None:
    assert (ROOT / "firmware" / "RULES.md").read_text("utf-8") == rules_reference()


@pytest.mark.parametrize("program", COMMANDS)
def test_every_command_is_in_the_readme_and_has_examples(program: str) -> None:
    listed = re.findall(r"^    (\w[\w-]*)(?:  |$)", told(program, "--help"), re.MULTILINE)
    assert {name.split()[0] for name in COMMANDS[program]} == set(listed)
    for command in COMMANDS[program]:
        assert f"{program} {command}" in README
        assert "example" in told(program, command.split()[0], "--help")


def test_the_readmes_configuration_is_a_good_one(tmp_path: Path) -> None:
    text = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert text is not None
    files = make_authority(tmp_path, "gp-7f3a9c")
    (tmp_path / "central-public.jwk").write_bytes(files.sealing_public.read_bytes())
    (tmp_path / "station.toml").write_text(text[1])
    assert load(tmp_path / "station.toml").oled is not None


def test_every_picture_and_link_of_the_readme_is_there() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / link).exists(), link


def test_the_kits_example_is_python_of_twenty_lines_at_most() -> None:
    text = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert text is not None
    compile(text[1], "README.md", "exec")
    assert len(text[1].splitlines()) <= 20
    for module in re.findall(r"^from (gatepost\S+) import", text[1], re.MULTILINE):
        __import__(module)


def test_every_make_target_of_the_readme_is_one() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE)) <= set(targets)
