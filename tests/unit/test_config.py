import math
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.config import (
    Config,
    FramesReader,
    GateConfig,
    LightConfig,
    SerialReader,
    V4l2Reader,
    load,
    parse,
)
from gatepost.config.lines import Lines, too_much
from gatepost.config.schema import PLAIN_TEXT_WORDS, READER_TYPES, SPOKEN
from gatepost.demo.authority import make_authority
from gatepost.errors import ConfigError
from gatepost.keys import keys_of

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

GUN = """\
[[reader]]
type = "serial"
name = "{}"
direction = "in"
device = "/dev/ttyUSB0"
"""

CAMERAS = [
    (
        ('path = "."', 'path = "."\nsymbologies = ["qr", "data-matirx"]'),
        "is 'data-matirx'; did you mean 'data-matrix'?",
    ),
    (
        ('path = "."', 'path = "."\nsymbologies = ["qr", "code-39"]'),
        "reader[0].symbologies: 'code-39' is not offered: its check character is optional",
    ),
    (('path = "."', 'path = "."\nsymbologies = []'), "must have 1 to 15 entries, has 0"),
    (('path = "."', 'path = "."\nsymbologies = "qr"'), "must be a list of texts, is 'qr'"),
    (('path = "."', 'path = "."\nsymbologies = ["qr", "qr"]'), "'qr' stands there twice"),
    (
        ('device = "/dev/ttyACM0"', 'device = "/dev/ttyACM0"\nsymbologies = ["qr"]'),
        "reader[1].symbologies: there is no such key",
    ),
    (('type = "frames"', 'type = "v4l2"\nexposure = "cap"'), "exposure: must be one of"),
    (('type = "frames"', 'type = "v4l2"\nmains_hz = 55'), "mains_hz: must be one of 0, 50, 60"),
    (('type = "frames"', 'type = "v4l2"\nfocus = -1'), "focus: must be at least 0, is -1"),
    (('type = "frames"', 'type = "camera"\nexposure_max_us = 10'), "must be at least 100, is 10"),
    (("[central]", "[light]\n[central]"), "light.pin: is missing"),
    (
        ("[central]", "[light]\npin = 5\non_below = 90\n[central]"),
        "light.on_below: must be below off_above, which is 90",
    ),
    (
        ("[central]", "[light]\npin = 5\nreader = 'dor'\n[central]"),
        "light.reader: no camera has the name 'dor'; did you mean 'door'?",
    ),
    (
        ("[central]", "[light]\npin = 5\nreader = 'gun'\n[central]"),
        "light.reader: no camera has the name 'gun'",
    ),
    (
        ("[central]", "[light]\npin = 5\n[relay]\npin = 5\nidle = 'low'\n[central]"),
        "light.pin: pin 5 is already used by relay.pin",
    ),
]
TWO_LINES = [
    (
        """x.toml:19: reader[0].direction: must be one of "in", "out", "none", "auto"; is 'inn'; """
        """did you mean 'in'?"""
    ),
    (
        """x.toml:23: reader[1].type: must be one of camera, v4l2, frames, serial, keyboard; """
        """'seriell'; did you mean 'serial'?"""
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
        (('id = "gp-1"', "id = true"), "station.id: must be a text in quotes, is true"),
        (('ca = "ca.pem"', 'ca = "ca.pem"\nport = 70000'), "broker.port: must be at most 65535"),
        (('ca = "ca.pem"', 'ca = "ca.pem"\nport = 8.5'), "broker.port: must be a whole number"),
        (('ca = "ca.pem"', 'ca = "ca.pem"\ntls = "no"'), "broker.tls: must be true or false"),
        (
            ('name = "gun"', 'name = "door"'),
            "reader[1].name: 'door' is already the name of reader[0]",
        ),
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
        (('path = "."', "path = '.'\nsymbologies = 'all'"), "symbologies: must be a list of"),
        (('path = "."', "path = '.'\nsymbologies = ['qx']"), "symbologies: must be one of"),
        (("[central]", "[gate]\nrules = 'none.toml'\n[central]"), "gate.rules: there is no"),
        (("[central]", "[central]\nsigner = 'a b'"), "central.signer: 'a b' does not fit"),
        (("[central]", "oled = 5\n[central]"), "broker.oled: there is no such key"),
        (("[station]", "oled = 5\n[station]"), "oled: must be a table: write [oled]"),
        (('path = "."', "path = '.'\nsymbologies = [true]"), "symbologies: must be a list of"),
        (('path = "."', "path = '.'\nsymbologies = []"), "must have 1 to 15 entries, has 0"),
        (('path = "."', "path = '.'\nsymbologies = ['qr', 'qr']"), "'qr' stands there twice"),
        (('path = "."', f"path = '.'\nsymbologies = {['qr'] * 16}"), "1 to 15 entries, has 16"),
        (('path = "."', "path = '.'\nfps = nan"), "fps: must be a number, is nan"),
        (('path = "."', "path = '.'\nfps = -inf"), "must be a number, is -inf"),
        (
            ('path = "."', f"path = '.'\nfps = {'9' * 400}"),
            "fps: must be at most 240, is a number with many digits",
        ),
        (('path = "."', "path = '.'\npace = 04:00:00"), "is a date or a time"),
        (("[central]", "[oled]\nrotate = 1\n[central]"), "oled.rotate: must be one of 0, 2; is 1"),
        (('id = "gp-1"', "id = [1]"), "station.id: must be a text in quotes, is a list"),
        (('id = "gp-1"', "id = {a = 1}"), "station.id: must be a text in quotes, is a table"),
        (('id = "gp-1"', "id = 2026-11-24"), "station.id: must be a text in quotes, is a date"),
        (('id = "gp-1"', f"id = 0x{'f' * 5000}"), "is a number with many digits"),
        (('id = "gp-1"', f"id = '{'x' * 5000}'"), f"station.id: '{'x' * 60}'... does not fit"),
        (('"broker.example"', r'"bro\u0000ker"'), r"broker.host: must be without control"),
        (('"broker.example"', '"bro ker"'), "broker.host: 'bro ker' does not fit"),
        (('"station.pem"', r'"station.pem\u0000"'), "station.certificate: must be without control"),
        (('"station.pem"', '""'), "station.certificate: must not be empty"),
        (('"station.pem"', '"."'), "is a folder, not a file: the station's certificate"),
        (('"station.pem"', '"station.pem/x"'), "cannot be used: Not a directory"),
        (('"station.pem"', f'"{"x" * 5000}"'), "cannot be used: File name too long"),
        (('data = "data"', 'data = "station.pem"'), "station.pem is not a folder: folder for the"),
        (('data = "data"', 'data = ""'), "station.data: must not be empty"),
        (('"/dev/ttyACM0"', '""'), "reader[1].device: must not be empty"),
        (
            ("[central]", GUN.format("a") + GUN.format("b") + "[central]"),
            "reader[1].device: /dev/ttyUSB0 is already read by reader[0]",
        ),
        (("[central]", GUN.format("a") * 9 + "[central]"), "at most 8 readers, here are 11"),
        (("[central]", "'a\\nb' = 1\n[central]"), r'broker."a\\nb": there is no such key'),
        (
            ('id = "gp-1"', f"id{'.a' * 3000} = 1"),
            "a name of more than 32 parts",
        ),
        *CAMERAS,
        (("[station]", "[station"), "x.toml:1: not TOML"),
        (("[station]", "reader = 3\n[station]"), "not TOML"),
    ],
)
def test_each_problem_is_named(folder: Path, change: tuple[str, str], told: str) -> None:
    text = "\n".join(problems(folder, good(folder).replace(*change)))
    assert told in text


def test_a_light_needs_a_camera(folder: Path) -> None:
    guns = good(folder).replace('type = "frames"', 'type = "serial"').replace("path =", "device =")
    assert [line.split(":", 2)[2] for line in problems(folder, f"{guns}[light]\npin = 5\n")] == [
        " light: needs a camera among the readers: it goes by its picture"
    ]


def test_a_camera_and_its_light(folder: Path) -> None:
    text = good(folder).replace('type = "frames"', 'type = "v4l2"').replace("path =", "device =")
    keys = 'symbologies = ["aztec", "qr"]\nexposure = "fixed"\nfocus = 60\nmains_hz = 60\n'
    text = text.replace('name = "door"', f'name = "door"\n{keys}')
    config = parse(f'{text}[light]\npin = 5\nreader = "door"\n', folder / "x.toml")
    (camera, _) = config.reader
    assert isinstance(camera, V4l2Reader)
    assert camera.symbologies == ("aztec", "qr")
    assert (camera.exposure, camera.exposure_max_us) == ("fixed", 10_000)
    assert (camera.focus, camera.gain_max, camera.mains_hz) == (60, None, 60)
    assert config.light == LightConfig(pin=5, reader="door")


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
    with pytest.raises(ConfigError, match=r"bad\.toml:1: is not UTF-8"):
        load(tmp_path / "bad.toml")


def test_a_folder_a_large_file_and_a_wrong_byte(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder, not a file"):
        load(tmp_path)
    (tmp_path / "x.toml").write_bytes(b"#" * 10_000_000)
    with pytest.raises(ConfigError, match="is larger than 256 KiB"):
        load(tmp_path / "x.toml")
    (tmp_path / "x.toml").write_bytes(b"# one\n# two\n# \xff\n")
    with pytest.raises(ConfigError, match=r"x\.toml:3: is not UTF-8"):
        load(tmp_path / "x.toml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"# x\na = {'9' * 5000}\n", "x.toml:2: a number of more than 4000 digits"),
        (f"# [[[\na = {'[' * 3000}{']' * 3000}\n", "x.toml:2: brackets within brackets"),
        ("a = 1\n" + "b = [\n" + "[\n" * 3000, "x.toml:34: brackets within brackets"),
        (f"a = {'{a = ' * 3000}1{'}' * 3000}", "x.toml:1: brackets within brackets"),
        (f"[a]\n{'b.' * 99}c = 1\n", "x.toml:2: a name of more than 32 parts"),
        (f"[{'b . ' * 99}c]\n", "x.toml:1: a name of more than 32 parts"),
        (f"[{'[b.' * 99}c]\n", "x.toml:1: brackets within brackets"),
        ("a = {c = 1, " + "'b'." * 99 + "b = 2}\n", "x.toml:1: a name of more than 32 parts"),
        ("a = 1\nb = \n", "x.toml:2: not TOML"),
        ("a = 1\nb = [\n", "x.toml:2: not TOML"),
        ("a = 1\na = 2\n", "x.toml:2: not TOML"),
    ],
)
def test_what_cannot_be_parsed_has_its_line(folder: Path, text: str, told: str) -> None:
    (found,) = problems(folder, text)
    assert found.startswith(told)


def test_only_the_dots_of_a_name_make_it_long() -> None:
    text = f"x = '{'.' * 99}'  # {'.' * 99}\ny = [{'1.5, ' * 99}]\n"
    assert too_much(text) is None


def test_a_byte_order_mark_and_carriage_returns_are_taken(folder: Path) -> None:
    text = good(folder).replace("\n", "\r\n")
    (folder / "windows.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load(folder / "windows.toml") == load(folder / "station.toml")
    found = problems(folder, text.replace('host = "broker.example"', "host = 5"))
    assert found == ["x.toml:9: broker.host: must be a text in quotes, is 5"]


def test_contradictions_are_told_beside_other_problems(folder: Path) -> None:
    text = good(folder).replace('name = "gun"', 'name = "door"').replace('"gp-1"', '"GP"')
    assert [line.split(":")[2] for line in problems(folder, text)] == [
        " station.id",
        " reader[1].name",
    ]


WRITTEN = '''\
station.id = "x"        # a dotted key
station . 'si te' = """
[fake]
id = 1
"""
broker = {host = "x",   # an inline table
  port = 1}
"quo\\u0074ed" = 1
many = [
  "[[reader]]",
  1, # ]
]

[central.'a.b']
x = 1
[[reader]]
a = 1
[[reader]]  # the second
  a = 1
[reader.more]
b = 1
'''


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (("station",), 1),
        (("station", "id"), 1),
        (("station", "si te"), 2),
        (("station", "none"), 1),
        (("fake",), 1),
        (("broker", "port"), 6),
        (("quoted",), 8),
        (("many", 1), 9),
        (("central", "a.b", "x"), 15),
        (("central", "y"), 14),
        (("reader",), 16),
        (("reader", 0, "a"), 17),
        (("reader", 1), 18),
        (("reader", 1, "a"), 19),
        (("reader", 1, "b"), 18),
        (("reader", 1, "more", "b"), 21),
        (("reader", 7), 16),
    ],
)
def test_each_key_has_its_line(where: tuple[str | int, ...], line: int) -> None:
    assert Lines(WRITTEN).of(where) == line


def test_every_number_is_bounded() -> None:
    hints = (get_type_hints(Config) | SPOKEN).values()
    kinds = [part for hint in hints for part in (hint, *get_args(hint)) if is_dataclass(part)]
    assert GateConfig in kinds
    for kind in [*kinds, *READER_TYPES.values()]:
        for item in fields(kind):
            if item.type in {"int", "float"} and not item.metadata["choices"]:
                assert math.isfinite(item.metadata["least"]), item.name
                assert math.isfinite(item.metadata["most"]), item.name


MARKS = ("[", "]", "[[reader]]", "[station]", "=", ".", '"', "'''", '"""', "\\", "{", "}", "#", ",")
WORDS = ("id", "reader", "broker", "nan", "inf", "true", "1e999", "٣", "04:00:00", "2026-02-30")
LONG = ("9" * 401, "9" * 5000, "0x" + "f" * 5000, "[" * 40)
ODD = ("\n", "\r", "\x00", "\ud800", "\u2028")
PIECES = st.sampled_from((*MARKS, *WORDS, *LONG, *ODD))
ANY = st.one_of(st.text(), st.lists(PIECES).map("".join), st.lists(PIECES).map(" ".join))


def only_config_errors(text: str, path: Path) -> None:
    found = [f"{path}: a good one"]
    try:
        parse(text, path)
    except ConfigError as error:
        found = error.problems
    assert found
    assert all(line.startswith(str(path)) and "\n" not in line for line in found)


@given(ANY)
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_configuration_or_has_problems(text: str) -> None:
    only_config_errors(text, Path("/nowhere/x.toml"))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_good_one_with_something_changed_is_good_or_has_problems(data: st.DataObject) -> None:
    lines = GOOD.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    name, equals, value = lines[at].partition(" = ")
    value = data.draw(st.one_of(PIECES, ANY, st.just("[1]"), st.just("{a = 1}"), st.just(value)))
    lines[at] = f"{data.draw(st.sampled_from([name, 'x', '[x]', 'a.b']))}{equals}{value}"
    start = data.draw(st.integers(0, len(GOOD)))
    text = "\n".join(lines)
    only_config_errors(text, Path("/nowhere/x.toml"))
    only_config_errors(text[:start] + data.draw(PIECES) + text[start:], Path("/nowhere/x.toml"))
