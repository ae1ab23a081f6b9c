"""A person's word on a paper's licence, with where it was read; releases go by it before what the harvest found."""

import re

from covidct.errors import UsageError
from covidct.records import Decision
from covidct.release.read.gate import licence_problem, normal_licence
from covidct.workspace import Workspace

FIELD = "licence"
RESERVED = "all-rights-reserved"
_ADDRESS = re.compile(r"https?://[^\s/]+\.[^\s/]+(?:/\S*)?|doi:10\.\S+", re.IGNORECASE)


def set_licence(workspace: Workspace, paper: str, licence: str, evidence: str, by: str) -> Decision:
    """Write down under which licence ``paper`` (id or DOI) stands, as read at ``evidence``; ``by`` is ``curator:NAME``.

    Raises UsageError for a paper that is not there, a licence that is no code, and evidence that is no address.
    """
    known = workspace.paper_by_doi(paper) or workspace.paper(paper)
    if known is None:
        raise UsageError(f"{paper} is no paper here: see covidct show papers")
    code = normal_licence(licence)
    if code != RESERVED and licence_problem(code, derived=False):
        raise UsageError(f"{licence}: give a code such as cc-by-4.0, cc-by-nc-nd-4.0, cc0, public-domain or {RESERVED}")
    if not _ADDRESS.fullmatch(evidence):
        raise UsageError(f"{evidence}: --evidence is the address of the page that says so, as https://…")
    decision = Decision("paper", known.paper_id, FIELD, code, by, f"read at {evidence}", evidence={"address": evidence})
    workspace.decide([decision])
    return decision
