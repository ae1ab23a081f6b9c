"""The audit's shortcut baselines, computed once for a release and its images, as rows beside every score."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from covidct.commands.bench_inputs import cache_folder, images
from covidct.files import write_text


def baselines(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Test-set rows ``name, accuracy, f1, auc, low, high`` of classifiers that never see anatomy."""
    from covidct.audit.pictures import look
    from covidct.audit.shortcut import shortcut_baselines

    release, paths = images(options)
    key = hashlib.sha256("\n".join([release.title, *release.images["sha256"], *release.images["split"]]).encode())
    kept = cache_folder(options) / "baselines" / f"{key.hexdigest()[:16]}.json"
    if not kept.is_file():
        seen, _ = look(paths)
        rows = [
            {
                "name": one.name,
                "accuracy": one.accuracy,
                "f1": one.f1,
                "auc": one.auc.value,
                "low": one.auc.low,
                "high": one.auc.high,
            }
            for one in shortcut_baselines(release.images, seen)
            if one.split == "test"
        ]
        write_text(kept, json.dumps(rows, indent=1))
    found: list[dict[str, Any]] = json.loads(kept.read_text(encoding="utf-8"))
    return found
