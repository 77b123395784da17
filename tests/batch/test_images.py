from pathlib import Path

import cv2
import numpy as np
import pytest

from pmsgan.batch.images import read_image, write_image
from pmsgan.errors import ImageError


def test_every_format_is_read_as_colour(tmp_path: Path) -> None:
    image = np.full((6, 9, 3), (10, 120, 230), np.uint8)
    for suffix in (".png", ".bmp", ".tif", ".jpg", ".webp"):
        path = tmp_path / f"weird % name \u00e9{suffix}"
        cv2.imencode(suffix, image)[1].tofile(path)
        found = read_image(path)
        assert found.shape == (6, 9, 3)
        assert np.abs(found.astype(int) - image).max() <= 8
    cv2.imwrite(str(tmp_path / "grey.png"), image[:, :, 1])
    assert read_image(tmp_path / "grey.png").shape == (6, 9, 3)


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read: No such file"):
        read_image(tmp_path / "missing.png")
    (tmp_path / "empty.png").touch()
    with pytest.raises(ImageError, match="is empty"):
        read_image(tmp_path / "empty.png")
    (tmp_path / "text.jpg").write_text("this is a text file, not a picture")
    with pytest.raises(ImageError, match="is not a picture, or is damaged"):
        read_image(tmp_path / "text.jpg")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ImageError, match="cannot be read"):
        read_image(tmp_path / "folder.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_written_picture_is_whole_and_alone(tmp_path: Path, suffix: str) -> None:
    image = np.full((8, 8, 3), (10, 120, 230), np.uint8)
    path = tmp_path / "new" / f"a{suffix}"
    write_image(image, path)
    assert np.abs(read_image(path).astype(int) - image).max() <= 8
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_noticed_even_by_a_small_file(tmp_path: Path) -> None:
    temporary = tmp_path / ".a.png.part"
    temporary.symlink_to("/dev/full")
    with pytest.raises(ImageError, match="cannot be written: No space left"):
        write_image(np.zeros((2, 2, 3), np.uint8), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_encoded_says_so(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be encoded"):
        write_image(np.zeros((0, 0, 3), np.uint8), tmp_path / "a.png")


def test_an_empty_encoding_is_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "imencode", lambda *arguments: (False, np.empty(0, np.uint8)))
    with pytest.raises(ImageError, match=r"cannot be encoded as \.png"):
        write_image(np.zeros((2, 2, 3), np.uint8), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    (tmp_path / "file").touch()
    with pytest.raises(ImageError, match="cannot be written"):
        write_image(image, tmp_path / "file" / "a.png")
    (tmp_path / "a.png").mkdir()
    with pytest.raises(ImageError, match="cannot be written"):
        write_image(image, tmp_path / "a.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "file"]
