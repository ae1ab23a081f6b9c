"""The public functions of ``import covidct`` that join several packages; each is a command without its printing."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from covidct.errors import CovidctError

if TYPE_CHECKING:
    from covidct.audit.run import Audit
    from covidct.harvest.report import RunReport
    from covidct.release.read import Release
    from covidct.steps import StepReport
    from covidct.workspace import Workspace


def open_workspace(folder: Path | str, create: bool = False) -> "Workspace":
    """The workspace in ``folder``, to be used in a ``with``; with ``create`` it is made where it is missing.

    Raises CovidctError where there is none, or where the folder holds other things.

    >>> from covidct import open_workspace
    >>> with open_workspace("ws") as workspace:
    ...     print(len(workspace.papers()), len(workspace.figures()), len(workspace.panels()))
    """
    from covidct.workspace import Workspace

    return Workspace.create(Path(folder)) if create else Workspace.open(Path(folder))


def harvest_papers(
    papers: Path | str | Sequence[Path | str], workspace: Path | str, *, jats: bool = True, workers: int = 1
) -> "RunReport":
    """Read PDFs, folders, JATS and packages on disk into a workspace, which is made where it is missing.

    The report accounts for every file; ``report.outcome`` says whether anything is missing. Raises UsageError for a
    path that is not there.

    >>> from covidct import harvest_papers
    >>> report = harvest_papers("papers", "ws")
    >>> print(*report.lines(), sep="\\n")
    """
    from covidct.harvest.disk import harvest_files

    paths = [papers] if isinstance(papers, str | Path) else papers
    return harvest_files([Path(path) for path in paths], Path(workspace), jats=jats, workers=workers)


def curate_workspace(workspace: Path | str, *, workers: int = 1) -> "list[StepReport]":
    """Run every step that is due, in order, on ``workers`` processes; a failed item is in its step's report.

    Raises CovidctError while another process curates the workspace.

    >>> from covidct import curate_workspace
    >>> for report in curate_workspace("ws"):
    ...     print(report.step, report.done, report.failed)
    """
    from covidct.curate.steps import all_steps
    from covidct.steps import drive_all, open_engine

    with open_workspace(workspace) as opened, open_engine(workers) as engine:
        return list(drive_all(opened, all_steps(), engine))


def load_release(release: Path | str) -> "Release":
    """A release by its folder, archive, URL, or the name of one that is shipped (``covid-ct/2.0.0``).

    Raises CovidctError where there is none, or where its tables are not what they must be.

    >>> from covidct import load_release
    >>> release = load_release("covid-ct/2.0.0")
    >>> print(release.images["label"].value_counts())
    """
    from covidct.release.read import read_release

    return read_release(release)


def audit_release(release: Path | str, images: Path | str | None = None, *, read_text: int = 0) -> "Audit":
    """Leaks, contradictions and shortcuts of a release; with ``images`` also what its pictures tell.

    ``read_text``: pictures of each class in which burnt-in text is looked for. Raises CovidctError for a release that
    cannot be read.

    >>> from covidct import audit_release
    >>> audit = audit_release("covid-ct/2.0.0")
    >>> print([finding.kind for finding in audit.findings])
    """
    from covidct.audit.run import Options
    from covidct.audit.run import audit_release as run

    if images is not None and not Path(images).is_dir():
        raise CovidctError(f"{images}: there is no such folder of images")
    return run(release, Options(None if images is None else Path(images), ocr_per_class=read_text))
