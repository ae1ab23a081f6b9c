"""A source of one's own: preprints that lie in a folder, named after their DOI with ``_`` for ``/``."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from covidct.harvest.sources import Document
from covidct.net.failures import FetchError, Kind
from covidct.records import Paper


@dataclass
class FolderSource:
    """Gives ``folder/10.1101_2020.01.01.20000001.pdf`` for the paper with that DOI."""

    folder: Path
    name: str = "folder"

    def fetch(self, paper: Paper, version: int) -> Document:
        """A copy of the paper's PDF, to be moved away; FetchError where the folder has none."""
        file = self.folder / f"{paper.doi.replace('/', '_')}.pdf"
        if not file.is_file():
            raise FetchError(Kind.NOT_FOUND, "the folder has no PDF of that name", str(file))
        copy = Path(tempfile.mkdtemp(prefix="covidct-folder-")) / file.name
        shutil.copyfile(file, copy)
        return Document(copy, source=self.name, source_file=file.name)
