"""Counts that tell a curator how far the work is; SQLite counts, so that 50,000 panels cost no list of them."""

from covidct.profiles import current
from covidct.workspace.workspace import Workspace

_IN_FORCE = (
    "EXISTS (SELECT 1 FROM in_force i WHERE i.entity = 'panel' AND i.entity_id = p.panel_id AND i.field = 'mask')"
)
_MASK = (
    "SELECT coalesce(json_extract(d.value, '$.identifying'), 'not-scanned') FROM in_force i JOIN decisions d"
    " USING (decision_id) WHERE i.entity = 'panel' AND i.entity_id = p.panel_id AND i.field = 'mask'"
)
_LABEL = (
    "SELECT json_extract(d.evidence, '$.accepted') FROM in_force i JOIN decisions d USING (decision_id)"
    " WHERE i.entity = 'panel' AND i.entity_id = p.panel_id AND i.field = 'label' AND NOT i.human"
)
_SEEN = (
    "EXISTS (SELECT 1 FROM decisions d WHERE d.entity = 'panel' AND d.entity_id = p.panel_id AND d.field = 'label'"
    " AND d.by >= 'curator:' AND d.by < 'curator;')"
)
OF_PICTURES = {
    "axial lung CT": "1",
    "... without a label": "p.label = ''",
    "... labelled unclear": "p.label = 'unclear'",
    "... kept out of releases": f"({_LABEL}) = 0",
    "... label seen by a person": _SEEN,
    "... without a mask": f"NOT {_IN_FORCE}",
    "... not scanned for identity": f"({_MASK}) = 'not-scanned'",
    "... with identifying text": f"({_MASK}) = 'yes'",
    "... without a patient": "p.patient_id = ''",
}
"""Counts over the panels of the kind that a release takes, each with its condition."""
OF_ALL = {
    "papers": "SELECT count(*) FROM papers",
    "figures": "SELECT count(*) FROM figures",
    "figures not split": "SELECT count(*) FROM figures f WHERE file != ''"
    " AND NOT EXISTS (SELECT 1 FROM panels p WHERE p.figure_id = f.figure_id)",
    "panels": "SELECT count(*) FROM panels",
    "panels without a kind": "SELECT count(*) FROM panels WHERE kind = ''",
}
OF_PAIRS = {
    "duplicate pairs": "SELECT count(*) FROM pairs",
    "... seen by a person": "SELECT count(*) FROM in_force WHERE entity = 'pair' AND field = 'duplicate' AND human",
}


def status_of(workspace: Workspace) -> dict[str, int]:
    """Papers, figures, panels; what still lacks a value; what people must look at."""
    read = workspace.connection.execute
    counts = {name: int(read(query).fetchone()[0]) for name, query in OF_ALL.items()}
    for name, condition in OF_PICTURES.items():
        query = f"SELECT count(*) FROM panels p WHERE p.kind = ? AND {condition}"
        counts[name] = int(read(query, (current().picture,)).fetchone()[0])
    counts |= {name: int(read(query).fetchone()[0]) for name, query in OF_PAIRS.items()}
    counts["conflicts between curators"] = len(workspace.conflicts())
    counts["decisions whose place is gone"] = len(workspace.orphans())
    return counts
