from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gatepost.drivers.pictures import load_luma, luma_of_picture, natural_key
from gatepost.errors import PictureError
from unit.pictures import rendered, saved


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp", ".tif", ".pgm", ".jpg"])
def test_pictures_are_loaded(tmp_path: Path, suffix: str) -> None:
    luma = rendered("file")
    loaded = load_luma(saved(tmp_path / f"Ảnh 1{suffix}", luma))
    assert loaded.dtype == np.uint8
    assert loaded.shape == luma.shape
    assert np.abs(loaded.astype(int) - luma).mean() < 8


def test_gif_and_the_smallest_webp_are_loaded(tmp_path: Path) -> None:
    for name in ("a.gif", "a.webp"):
        Image.new("L", (1, 1), 7).save(tmp_path / name, lossless=True)
        assert load_luma(tmp_path / name).shape == (1, 1)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    luma = rendered("clear")
    picture = Image.new("RGBA", (luma.shape[1], luma.shape[0]), (0, 0, 0, 0))
    picture.putalpha(Image.fromarray(255 - luma))
    picture.save(tmp_path / "clear.png")
    assert (load_luma(tmp_path / "clear.png") == luma).all()


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    deep = np.full((20, 30), 0x8000, np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert load_luma(tmp_path / "deep.png").mean() == pytest.approx(128, abs=1)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tif", ".pgm"])
def test_a_file_cut_in_half_is_told(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (200, 200), np.uint8)
    path = saved(tmp_path / f"half{suffix}", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(PictureError, match="half"):
        load_luma(path)


def test_what_is_no_picture_is_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "pipe.png")
    for name, what in {
        "text.png": "not a picture",
        "empty.png": "empty file",
        "pipe.png": "not a file",
        "none.png": "no such file",
        ".": "a folder",
    }.items():
        with pytest.raises(PictureError, match=what) as caught:
            load_luma(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)


def test_too_large_is_found_out_before_it_is_decoded(tmp_path: Path) -> None:
    Image.new("1", (15_000, 14_000)).save(tmp_path / "vast.png")
    with pytest.raises(PictureError, match="200 million"):
        load_luma(tmp_path / "vast.png")


def test_a_hundred_million_pixels_are_loaded(tmp_path: Path) -> None:
    Image.new("1", (10_000, 10_000)).save(tmp_path / "large.png")
    assert load_luma(tmp_path / "large.png").shape == (10_000, 10_000)


def test_natural_order() -> None:
    names = ["b1/a", "b10/a", "b2/a", "A3", "a10", "a9", "²", "10", "9"]
    ordered = sorted((Path(name) for name in names), key=natural_key)
    assert [str(path) for path in ordered] == [
        "9", "10", "A3", "a9", "a10", "b1/a", "b2/a", "b10/a", "²",
    ]  # fmt: skip


def test_luma_of_what_opencv_gives() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert (luma_of_picture(grey) == grey).all()
    assert (luma_of_picture(grey[:, :, None]) == grey).all()
    assert (luma_of_picture(np.dstack([grey] * 3)) == grey).all()
