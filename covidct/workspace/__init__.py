"""Work in progress: one SQLite file and files stored by content hash."""

from covidct.workspace.disk import Stored
from covidct.workspace.forget import Tombstone
from covidct.workspace.workspace import Pair, Workspace

__all__ = ["Pair", "Stored", "Tombstone", "Workspace"]
