"""A served copy of the made-up corpus, and a browser to look at it with."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import review_corpus
from playwright.sync_api import Browser, BrowserContext, Page, expect
from serving import READY, Live, Spawned, serving

from covidct.workspace.workspace import Workspace

WAIT = 20_000
VIEWPORT = {"width": 1366, "height": 820}


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up corpus, made once; tests work on copies."""
    folder = tmp_path_factory.mktemp("corpus") / "ws"
    review_corpus.build(folder).close()
    return folder


@pytest.fixture
def folder(corpus: Path, tmp_path: Path) -> Path:
    """A copy of the corpus."""
    return Path(shutil.copytree(corpus, tmp_path / "ws"))


@pytest.fixture
def workspace(folder: Path) -> Iterator[Workspace]:
    with Workspace.open(folder) as opened:
        yield opened


@pytest.fixture
def serve() -> Iterator[Callable[[Path], Live]]:
    """Serve a workspace until the test is over."""
    with ExitStack() as stack:
        yield lambda folder: stack.enter_context(serving(folder))


@pytest.fixture
def live(folder: Path, serve: Callable[[Path], Live]) -> Live:
    return serve(folder)


@pytest.fixture
def spawn() -> Iterator[Callable[..., Spawned]]:
    """Start the command itself; its first line on standard output is the address."""
    processes = []

    def start(folder: Path, *options: str) -> Spawned:
        words = [sys.executable, "-m", "covidct", "curate", "review", "-w", str(folder), "--no-browser", *options]
        # A shell starts what it puts into the background with SIGINT ignored, and children inherit that.
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        )
        processes.append(process)
        assert process.stdout is not None
        return Spawned(process, process.stdout.readline().strip())

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """New browser profiles; a script error or an unexpected console error on any page fails the test."""
    expect.set_options(timeout=WAIT)
    opened: list[BrowserContext] = []
    trouble: list[str] = []

    def new(**options: object) -> BrowserContext:
        made = browser.new_context(**{"viewport": VIEWPORT, "reduced_motion": "reduce", **options})  # type: ignore[arg-type]
        made.set_default_timeout(WAIT)
        made.on("weberror", lambda error: trouble.append(str(error.error)))
        opened.append(made)
        return made

    yield new
    for made in opened:
        made.close()
    assert not trouble, trouble


@pytest.fixture
def visit(context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """Open the address in a new profile and wait until the page is ready."""

    def go(url: str, **options: object) -> Page:
        page = context(**options).new_page()
        page.goto(url)
        page.wait_for_selector(READY)
        return page

    return go
