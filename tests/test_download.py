"""Downloads, against a server on this machine: whole files, resuming, wrong checksums, errors."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from nn.data import cache_folder, download

CONTENT = np.random.default_rng(0).bytes(700_000)
SHA = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    requests: list[str | None] = []
    cut = 0  # after how many bytes the next answer breaks off
    ranges = True

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.requests.append(wanted)
        if self.path != "/data.bin":
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut, Handler.cut = Handler.cut, 0
        self.wfile.write(body[:cut] if cut else body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.requests, Handler.cut, Handler.ranges = [], 0, True
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


def test_a_file_is_fetched_once(server: str, tmp_path: Path) -> None:
    path = download(f"{server}/data.bin", SHA, tmp_path / "new", progress=False)
    assert path == tmp_path / "new" / "data.bin"
    assert path.read_bytes() == CONTENT
    assert download(f"{server}/data.bin", SHA.upper(), tmp_path / "new", progress=False) == path
    assert len(Handler.requests) == 1
    path.write_bytes(b"damaged")
    assert download(f"{server}/data.bin", SHA, tmp_path / "new", progress=False).read_bytes() == CONTENT


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_was_cut_off_goes_on(server: str, tmp_path: Path, ranges: bool) -> None:
    Handler.cut, Handler.ranges = 300_000, ranges
    with pytest.raises(OSError, match="cut off after|IncompleteRead|incomplete"):
        download(f"{server}/data.bin", SHA, tmp_path, progress=False)
    assert not (tmp_path / "data.bin").exists()
    have = (tmp_path / ".data.bin.part").stat().st_size
    assert 0 < have <= 300_000
    assert download(f"{server}/data.bin", SHA, tmp_path, progress=False).read_bytes() == CONTENT
    assert Handler.requests[-1] == f"bytes={have}-"
    assert [p.name for p in tmp_path.iterdir()] == ["data.bin"]


def test_a_whole_part_is_only_checked(server: str, tmp_path: Path) -> None:
    (tmp_path / ".data.bin.part").write_bytes(CONTENT)
    assert download(f"{server}/data.bin", SHA, tmp_path, progress=False).read_bytes() == CONTENT


def test_what_goes_wrong_is_named(server: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"has the checksum {SHA}, expected 0000"):
        download(f"{server}/data.bin", "0" * 64, tmp_path, progress=False)
    with pytest.raises(OSError, match="answers 404"):
        download(f"{server}/nothing", SHA, tmp_path, progress=False)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="is not an https address"):
        download("http://example.org/data.bin", SHA, tmp_path)


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MINIGRAD_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("MINIGRAD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "minigrad"
