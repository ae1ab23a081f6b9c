"""A harvest from files on disk, without a network: collect, read, settle, account for every file."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from covidct.harvest.engine import open_engine
from covidct.harvest.local import collect
from covidct.harvest.pipeline import Pipeline, WorkOptions
from covidct.harvest.report import RunReport
from covidct.harvest.shelf import Shelf
from covidct.workspace import Workspace


def harvest_files(
    paths: Sequence[Path],
    folder: Path,
    *,
    jats: bool = True,
    limit: int | None = None,
    work: WorkOptions | None = None,
    workers: int = 1,
    scheduler: str = "",
    scratch: str = "",
) -> RunReport:
    """Read PDFs, folders, JATS and packages into the workspace in ``folder``, which is made where it is missing.

    The record of the run is kept in the workspace unless nothing could be read. Raises UsageError for a path that is
    not there, and where nothing was found.
    """
    report = RunReport("harvest --from", {"paths": [str(path) for path in paths]})
    with tempfile.TemporaryDirectory(prefix="covidct-meca-") as unpacked:
        inputs = collect(paths, Path(unpacked), folder, jats=jats)
        report.given = inputs.count
        report.failed += [{"file": str(path), "reason": reason} for path, reason in inputs.refused]
        report.notes += inputs.notes
        beyond = inputs.documents[limit:] if limit else []
        for name, reason in [*inputs.left, *((document.source_file, "beyond --limit") for document in beyond)]:
            report.leave(str(name), reason)
        if inputs.documents:
            with Workspace.create(folder) as workspace, workspace.lease("harvest"):
                with open_engine(workers, scheduler, scratch) as engine:
                    pipeline = Pipeline(Shelf(workspace), engine, report, work or WorkOptions())
                    pipeline.documents(inputs.documents[:limit])
                report.write(workspace.folder / "runs")
    return report
