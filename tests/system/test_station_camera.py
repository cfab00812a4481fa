"""A daemon whose camera is not there: it goes on with its barcode reader, and says so."""

import importlib.util
import json
import os
import pty
import tty
from pathlib import Path

import pytest
from stations import OTHER, PERSON, configure, film, station

from brokers import mosquitto, needs_mosquitto
from ears import Ear
from gatepost.demo.authority import make_authority

pytestmark = needs_mosquitto


@pytest.mark.skipif(
    importlib.util.find_spec("picamera2") is not None, reason="this computer may have a camera"
)
def test_without_its_camera_a_station_goes_on_with_its_usb_reader_and_says_so(
    tmp_path: Path,
) -> None:
    files = make_authority(tmp_path / "authority", "gp-1")
    gun, plug = pty.openpty()
    tty.setraw(plug)
    more = f"""
[[reader]]
type = "camera"
name = "front"
direction = "auto"
[[reader]]
type = "serial"
name = "gun"
direction = "auto"
device = "{os.ttyname(plug)}"
"""
    with mosquitto(tmp_path, tls=files) as broker, Ear(broker.port, files) as ear:
        config = configure(tmp_path, files, broker.port, film(tmp_path / "film"), more)
        with station(config) as daemon:
            daemon.hear("READY=1")
            for number, text in enumerate((PERSON, OTHER), 1):
                os.write(gun, text.encode() + b"\r")
                ear.until(lambda e, number=number: scans(e) >= number)
            ear.until(says_of_the_camera)
            assert daemon.stop() == 0
        said = [each for each in daemon.logged() if "picamera2" in json.dumps(each)]
    assert len(said) == 1  # once, however often it is looked for
    os.close(gun)
    os.close(plug)


def scans(ear: Ear) -> int:
    return sum(each.topic.endswith("event/scan") for each in ear.got)


def says_of_the_camera(ear: Ear) -> bool:
    healths = [json.loads(e.payload) for e in ear.got if e.topic.endswith("/health") and e.payload]
    return any("reader front" in json.dumps(each) for each in healths)
