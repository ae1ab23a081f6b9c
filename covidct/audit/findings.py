"""What an audit says: findings, each with severity, evidence, the images it is about, and what to do."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

SEVERITIES = ("error", "warning", "note")
"""``error``: scores here are not to be trusted; ``warning``: must be said beside them; ``note``: to know."""


@dataclass(frozen=True)
class Finding:
    """One finding; ``images`` and ``papers`` are ids of the release, sorted; ``evidence`` holds no text of a source."""

    kind: str
    severity: str
    evidence: str
    action: str
    images: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many images (or papers, where no image is named) it is about."""
        return len(self.images) or len(self.papers) or 1


def finding(
    kind: str, severity: str, evidence: str, action: str, images: Iterable[str] = (), papers: Iterable[str] = ()
) -> Finding:
    """A finding with its ids sorted."""
    return Finding(kind, severity, evidence, action, tuple(sorted(set(images))), tuple(sorted(set(papers) - {""})))


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then by kind and ids: the same release, the same order."""
    return sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), f.kind, f.images, f.papers, f.evidence))


def as_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The contract's form: ``kind, severity, images, papers, evidence, action``, and ``count``."""
    return [{**asdict(f), "images": list(f.images), "papers": list(f.papers), "count": f.count} for f in findings]
