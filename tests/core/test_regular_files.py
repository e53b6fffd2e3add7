import os
import socket
from pathlib import Path

import pytest

from motet.core.regular_files import file_bytes, file_size, read_json


def test_a_file_is_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": "\\udc80"}')
    assert file_size(path) == path.stat().st_size == len(file_bytes(path))
    assert read_json(path) == {"a": "\udc80"}  # half of a character, as motet writes the bytes of odd file names


def test_what_is_no_file_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's name may have a hundred characters
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    Path("loop").symlink_to("loop")
    Path("folder").mkdir()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        for name in ("pipe", "link", "socket", "/dev/zero", "/dev/stdin"):
            with pytest.raises(OSError, match="a pipe, socket or device"):
                file_bytes(tmp_path / name)
    for name, message in (
        ("folder", "Is a directory"),
        ("loop", "Too many levels"),
        ("a\0b", "null"),
        ("x", "No such"),
    ):
        with pytest.raises(OSError, match=message):
            file_bytes(tmp_path / name)


def test_what_is_no_json_is_a_value_error(tmp_path):
    path = tmp_path / "a.json"
    for content in (b"\xff", b"[" * 100_000, b"1e", b"9" * 5000):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="want"):
            read_json(path)
