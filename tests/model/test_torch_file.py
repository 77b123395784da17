import io
import os
import random
import re
import zipfile
from pathlib import Path

import pytest
import torch

from pmsgan.model.torch_file import read_torch_file


def rewritten(data: bytes, compression: int, copies: int = 1) -> bytes:
    """Pack the members of a file of torch.save again; `copies` lie at the same place."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info), compression)
        largest = max(new.infolist(), key=lambda info: info.file_size)
        new.filelist += [largest] * (copies - 1)
    return packed.getvalue()


@pytest.fixture
def data() -> bytes:
    file = io.BytesIO()
    torch.save({"weights": torch.zeros(1_000_000), "step": 3}, file)
    return file.getvalue()


def test_what_torch_saves_is_read(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    for again in (data, rewritten(data, zipfile.ZIP_STORED)):
        path.write_bytes(again)
        assert read_torch_file(path)["step"] == 3
    torch.save({"step": 4}, path, _use_new_zipfile_serialization=False)
    assert read_torch_file(path) == {"step": 4}


def test_an_archive_that_unpacks_to_more_than_its_size_is_refused(
    data: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.pt"
    for bomb in (rewritten(data, zipfile.ZIP_DEFLATED), rewritten(data, zipfile.ZIP_STORED, 9)):
        path.write_bytes(bomb)
        with pytest.raises(ValueError, match="it is damaged") as caught:
            read_torch_file(path)
        assert "it unpacks to more" in str(caught.value.__cause__)


def test_pipes_devices_and_large_files_are_refused(data: bytes, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(OSError, match="not a regular file"):
            read_torch_file(tmp_path / name)
    (tmp_path / "a.pt").write_bytes(data)
    with pytest.raises(OSError, match=re.escape("more than 1000 bytes")):
        read_torch_file(tmp_path / "a.pt", 1000)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damage_anywhere_is_one_kind_of_error(tmp_path: Path) -> None:
    path, chance, whole = tmp_path / "a.pt", random.Random(0), io.BytesIO()
    torch.save({"a": torch.zeros(3), "b": {"c": [1, "d"]}}, whole)
    with zipfile.ZipFile(whole) as archive:
        members = {it.filename: archive.read(it) for it in archive.infolist()}
    (pickled,) = (name for name in members if name.endswith("data.pkl"))
    for _ in range(300):
        damaged = bytearray(members[pickled])
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in (members | {pickled: bytes(damaged)}).items():
                archive.writestr(name, content)
        try:
            read_torch_file(path)
        except ValueError as error:
            assert "it is damaged" in str(error)
