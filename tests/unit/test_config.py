from pathlib import Path

import pytest

from gatepost.build import keys_of
from gatepost.config import Config, FramesReader, SerialReader, load, parse
from gatepost.config.schema import PLAIN_TEXT_WORDS
from gatepost.demo.authority import make_authority
from gatepost.errors import ConfigError

GOOD = """\
[station]
id = "gp-1"
site = "ward-7"
data = "data"
certificate = "station.pem"
key = "station.key"

[broker]
host = "broker.example"
ca = "ca.pem"

[central]
sealing_key = "sealing-public.jwk"

[[reader]]
type = "frames"
name = "door"
direction = "auto"
path = "."

[[reader]]
type = "serial"
name = "gun"
direction = "in"
device = "/dev/ttyACM0"
"""

TWO_LINES = [
    (
        """x.toml:19: reader[0].direction: must be one of "in", "out", "none", "auto"; is 'inn'; """
        """did you mean 'in'?"""
    ),
    (
        """x.toml:23: reader[1].type: must be one of camera, v4l2, frames, serial; 'seriell'; """
        """did you mean 'serial'?"""
    ),
]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    files = make_authority(folder, "gp-1")
    text = GOOD.replace("sealing-public.jwk", files.sealing_public.name)
    (folder / "station.toml").write_text(text)
    return folder


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, folder / "x.toml")
    return [line.removeprefix(f"{folder}/") for line in caught.value.problems]


def good(folder: Path) -> str:
    return (folder / "station.toml").read_text()


def test_a_good_one(folder: Path) -> None:
    config = load(folder / "station.toml")
    assert isinstance(config, Config)
    assert config.station.data == folder / "data"
    assert isinstance(config.reader[0], FramesReader)
    assert isinstance(config.reader[1], SerialReader)
    assert (config.broker.port, config.broker.window, config.lamp) == (8883, 20, None)
    keys_of(config)


def test_every_problem_at_once_with_line_and_suggestion(folder: Path) -> None:
    text = good(folder).replace('site = "ward-7"', 'sight = "ward-7"')
    text = text.replace('host = "broker.example"', "host = 5\nprotokol = 1")
    text = text.replace('type = "serial"', 'type = "seriell"')
    text = text.replace('direction = "auto"', 'direction = "inn"')
    found = problems(folder, text)
    assert found == [
        "x.toml:1: station.site: is missing: id of the place it stands in",
        "x.toml:3: station.sight: there is no such key; did you mean 'site'?",
        "x.toml:9: broker.host: must be a text in quotes, is 5",
        "x.toml:10: broker.protokol: there is no such key; did you mean 'protocol'?",
        *TWO_LINES,
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('"station.pem"', '"gone.pem"'), "station.certificate: there is no"),
        (('ca = "ca.pem"', ""), "broker.ca: is missing: without it TLS"),
        (("[station]", "[sation]"), "sation: there is no such key; did you mean 'station'?"),
        (('id = "gp-1"', 'id = "GP 1"'), "station.id: 'GP 1' does not fit"),
        (('id = "gp-1"', "id = true"), "station.id: must be a text in quotes, is True"),
        (('ca = "ca.pem"', 'ca = "ca.pem"\nport = 70000'), "broker.port: must be at most 65535"),
        (('ca = "ca.pem"', 'ca = "ca.pem"\nport = 8.5'), "broker.port: must be a whole number"),
        (('ca = "ca.pem"', 'ca = "ca.pem"\ntls = "no"'), "broker.tls: must be true or false"),
        (('name = "gun"', 'name = "door"'), "reader[1].name: 'door' is the name of two readers"),
        (("[[reader]]", "[[raeder]]"), "reader: at least one [[reader]] is needed"),
        (("[central]", "[central]\nplain_text = 'yes'"), "central.plain_text: must be one of"),
        (
            ("[central]", f"[central]\nplain_text = '{PLAIN_TEXT_WORDS}'"),
            "central.plain_text: contradicts sealing_key",
        ),
        (
            ("[central]", "[lamp]\nred = 5\ngreen = 5\nblue = 6\n[central]"),
            "lamp.green: pin 5 is already used by lamp.red",
        ),
        (("[central]", "[relay]\npin = 5\n[central]"), "relay.idle: is missing: level of the pin"),
        (("[central]", "[gate]\naccept = 'all'\n[central]"), "gate.accept: must be a list of"),
        (("[central]", "[gate]\naccept = ['site']\n[central]"), "gate.accept: must be one of"),
        (("[central]", "oled = 5\n[central]"), "broker.oled: there is no such key"),
        (("[station]", "oled = 5\n[station]"), "oled: must be a table: write [oled]"),
        (("[station]", "[station"), "not TOML"),
        (("[station]", "reader = 3\n[station]"), "not TOML"),
    ],
)
def test_each_problem_is_named(folder: Path, change: tuple[str, str], told: str) -> None:
    text = "\n".join(problems(folder, good(folder).replace(*change)))
    assert told in text


def test_no_sealing_key_is_refused(folder: Path) -> None:
    lines = [line for line in good(folder).splitlines() if not line.startswith("sealing_key")]
    assert "central.sealing_key: is missing" in "\n".join(problems(folder, "\n".join(lines)))


def test_keys_that_do_not_fit_are_all_named(tmp_path: Path) -> None:
    files = make_authority(tmp_path, "gp-2")
    text = GOOD.replace("sealing-public.jwk", files.sealing_private.name)
    (tmp_path / "x.toml").write_text(text)
    files.ca.write_text("no certificate")
    with pytest.raises(ConfigError) as caught:
        keys_of(load(tmp_path / "x.toml"))
    told = "\n".join(caught.value.problems)
    assert "names 'gp-2', not this station 'gp-1'" in told
    assert "this is a PRIVATE key" in told
    assert "broker.ca" in told


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load(tmp_path / "gone.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "bad.toml")
