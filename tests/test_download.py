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

from .versions import posix

CONTENT = np.random.default_rng(0).bytes(700_000)
SHA = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    requests: list[str | None] = []
    cut = 0  # after how many bytes the next answer breaks off
    ranges = True
    shift = 0  # the range that is sent begins so much later than the one that was asked for

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.requests.append(wanted)
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to?"))
            self.end_headers()
            return
        if self.path != "/data.bin":
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start + self.shift}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut, Handler.cut = Handler.cut, 0
        self.wfile.write(body[:cut] if cut else body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.requests, Handler.cut, Handler.ranges, Handler.shift = [], 0, True, 0
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


@posix
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


@posix
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


@pytest.mark.parametrize("name", ["../escaped", "a/b", "/tmp/x", "..", ".", "", "a\\b", "a\0b", "C:x"])
def test_a_name_is_a_plain_name(server: str, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no plain name of a file"):
        download(f"{server}/data.bin", SHA, tmp_path / "cache", name, progress=False)
    assert not list(tmp_path.iterdir()) and not Handler.requests


@pytest.mark.parametrize("path", ["", "/", "/a/.."])
def test_an_address_without_a_name_asks_for_one(server: str, tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="pass one"):
        download(f"{server}{path}", SHA, tmp_path, progress=False)


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "file://localhost/etc/passwd", "ftp://127.0.0.1/x", "http://127.0.0.1.example.org/x", "data:,x",
     "http://127.0.0.1@example.org/x", "http://example.org/127.0.0.1", "https:///x", "x", "//127.0.0.1/x"],
)  # fmt: skip
def test_only_https_is_fetched(tmp_path: Path, address: str) -> None:
    with pytest.raises(ValueError, match="is not an https address"):
        download(address, SHA, tmp_path, "x", progress=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("to", ["http://example.org/data.bin", "ftp://127.0.0.1/data.bin", "file:///etc/passwd"])
def test_a_redirection_leads_to_https_only(server: str, tmp_path: Path, to: str) -> None:
    with pytest.raises((ValueError, OSError), match="is not an https address|not allowed"):
        download(f"{server}/to?{to}", SHA, tmp_path, "x", progress=False)
    assert not list(tmp_path.iterdir())
    path = download(f"{server}/to?{server}/data.bin", SHA, tmp_path, "x", progress=False)
    assert path.read_bytes() == CONTENT


@posix
@pytest.mark.parametrize("part", [b"of another file", CONTENT + b"more", bytes(len(CONTENT))])
def test_a_part_of_another_file_is_fetched_anew(server: str, tmp_path: Path, part: bytes) -> None:
    (tmp_path / ".data.bin.part").write_bytes(part)
    assert download(f"{server}/data.bin", SHA, tmp_path, progress=False).read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == ["data.bin"]


@posix
def test_a_server_that_sends_another_range_is_named(server: str, tmp_path: Path) -> None:
    (tmp_path / ".data.bin.part").write_bytes(CONTENT[:1000])
    Handler.shift = 7
    with pytest.raises(OSError, match="asked for the bytes from 1000 on, the server sends 'bytes 1007-"):
        download(f"{server}/data.bin", SHA, tmp_path, progress=False)
    assert (tmp_path / ".data.bin.part").read_bytes() == CONTENT[:1000]


@pytest.mark.parametrize("checksum", ["", "abc", "z" * 64, SHA + "0"])
def test_a_checksum_that_is_none_is_refused_before_anything_is_fetched(server: str, tmp_path: Path, checksum: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        download(f"{server}/data.bin", checksum, tmp_path, progress=False)
    assert not Handler.requests


@posix
def test_a_part_that_is_a_link_is_not_followed(server: str, tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / ".data.bin.part").symlink_to(tmp_path / "victim")
    download(f"{server}/data.bin", SHA, tmp_path / "cache", progress=False)
    assert (tmp_path / "victim").read_bytes() == b"precious"
