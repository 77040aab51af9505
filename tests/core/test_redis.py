"""Where the embedded Redis listens: in the instance folder where that works, else in a folder of nobody else's."""

from __future__ import annotations

import pytest

from app.core.redis import socket_path


def test_the_socket_lies_in_the_instance_folder(tmp_path):
    assert socket_path(str(tmp_path)) == tmp_path / "redis.sock"


@pytest.mark.parametrize("name", ["a folder", "a=b", "long" * 30], ids=["space", "equals", "long"])
def test_a_folder_that_redis_cannot_name_gets_a_private_one(tmp_path, monkeypatch, name):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = socket_path(str(tmp_path / name))
    assert path.parent.parent == tmp_path and path.parent.stat().st_mode & 0o777 == 0o700
    assert socket_path(str(tmp_path / name)) == path != socket_path(str(tmp_path / f"{name} 2"))


def test_a_temporary_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    socket_path("/a folder").parent.chmod(0o777)
    with pytest.raises(RuntimeError, match="belongs to somebody else"):
        socket_path("/a folder")
