"""Weights over HTTP, from a server on loopback that breaks off, lies, moves and refuses."""

import hashlib
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from covidct.errors import CovidctError
from covidct.external.weights import fetch
from covidct.models import build
from covidct.train.weights import imagenet_start, read_state

BODY = bytes(range(256)) * 12_000  # some 47 chunks
NAME = f"net-{hashlib.sha256(BODY).hexdigest()[:8]}.pth"


@dataclass
class Play:
    """What the server does: ``cuts`` are numbers of bytes after which its next answers break off."""

    body: bytes = BODY
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    address: str = ""


def handler(play: Play) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            play.asked.append(self.headers.get("Range", ""))
            if self.path.startswith("/old/"):
                self.send_response(302)
                self.send_header("Location", self.path.removeprefix("/old"))
                self.end_headers()
                return
            if play.statuses:
                self.send_error(play.statuses.pop(0))
                return
            begin = int(play.asked[-1][6:-1]) if play.asked[-1] else 0
            if begin and begin >= len(play.body):
                self.send_error(416)
                return
            self.send_response(206 if begin else 200)
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(play.body) - 1}/{len(play.body)}")
            self.send_header("Content-Length", str(len(play.body) - begin))
            self.send_header("ETag", '"made-up"')
            self.end_headers()
            cut = play.cuts.pop(0) if play.cuts else len(play.body)
            self.wfile.write(play.body[begin : begin + cut])

    return Handler


@pytest.fixture
def play() -> Iterator[Play]:
    play = Play()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(play))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    play.address = f"http://127.0.0.1:{server.server_port}"
    yield play
    server.shutdown()
    server.server_close()


def test_a_file_comes_whole_and_is_not_asked_for_again(play: Play, tmp_path: Path) -> None:
    for _ in range(2):
        assert fetch(f"{play.address}/{NAME}", tmp_path).read_bytes() == BODY
    assert play.asked == [""]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_what_came_is_kept_for_the_next_command(play: Play, tmp_path: Path) -> None:
    play.cuts = [15 * 2**16, *[0] * 4]
    with pytest.raises(CovidctError, match="what came is kept"):
        fetch(f"{play.address}/{NAME}", tmp_path)
    play.cuts = []
    assert fetch(f"{play.address}/{NAME}", tmp_path).read_bytes() == BODY
    assert play.asked[-1] == "bytes=983040-"


def test_another_content_is_refused_and_not_kept(play: Play, tmp_path: Path) -> None:
    play.body = b"x" + BODY[1:]
    with pytest.raises(CovidctError, match="sha256 differs"):
        fetch(f"{play.address}/{NAME}", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_spoilt_file_in_the_cache_is_named(play: Play, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"half")
    with pytest.raises(CovidctError, match="remove it and run again"):
        fetch(f"{play.address}/{NAME}", tmp_path)
    assert play.asked == []


def test_busy_servers_are_asked_again_and_missing_files_are_not(play: Play, tmp_path: Path) -> None:
    play.statuses = [503, 429]
    assert fetch(f"{play.address}/{NAME}", tmp_path).read_bytes() == BODY
    assert len(play.asked) == 3
    play.statuses = [404]
    with pytest.raises(CovidctError, match=r"not there \(404\)"):
        fetch(f"{play.address}/other-12345678.pth", tmp_path)
    assert len(play.asked) == 4


def test_a_moved_file_is_followed(play: Play, tmp_path: Path) -> None:
    assert fetch(f"{play.address}/old/{NAME}", tmp_path).read_bytes() == BODY


def test_imagenet_weights_come_through_a_mirror_into_the_cache(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real way of a torchvision network, with made-up weights under a name with their own sha256."""
    import torchvision

    made = torchvision.models.resnet18(weights=None).state_dict()
    out = io.BytesIO()
    torch.save(made, out)
    play.body = out.getvalue()
    name = f"resnet18-{hashlib.sha256(play.body).hexdigest()[:8]}.pth"
    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    monkeypatch.setattr(weights, "_value_", replace(weights.value, url=f"https://nowhere.invalid/{name}"))
    monkeypatch.setenv("COVIDCT_WEIGHTS_URL", play.address)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    start = imagenet_start("resnet18", 64, 0)
    assert (tmp_path / "hub" / "checkpoints" / name).is_file()
    assert torch.equal(start.network.state_dict()["encoder.conv1.weight"], made["conv1.weight"])
    assert capsys.readouterr().out == ""


def test_without_a_network_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVIDCT_WEIGHTS_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(CovidctError, match="with a network and give --weights FILE") as caught:
        imagenet_start("resnet18", 64, 0)
    assert "\n" not in str(caught.value)


def test_densenet_files_with_their_old_layer_names_fit(tmp_path: Path) -> None:
    state = build("densenet121").state_dict()
    old = {}
    for name, value in state.items():
        plain = name.removeprefix("encoder.")
        for kind in ("norm", "conv"):
            for number in "12":
                if "denselayer" in plain:
                    plain = plain.replace(f".{kind}{number}.", f".{kind}.{number}.")
        if name.startswith("encoder."):
            old[plain] = value
    assert any(".norm.1." in name for name in old)
    torch.save(old, tmp_path / "old.pth")
    read, _ = read_state(tmp_path / "old.pth")
    assert set(read) == {name.removeprefix("encoder.") for name in state if name.startswith("encoder.")}
    assert np.array_equal(read["features.conv0.weight"].numpy(), state["encoder.features.conv0.weight"].numpy())
