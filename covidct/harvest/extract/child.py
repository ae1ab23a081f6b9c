"""The reading process: one JSON request a line in, one JSON answer a line out, until the pipe closes.

It limits its own memory and the size of files it may write, silences the PDF library, and is killed by an alarm
should its parent no longer be there to do so.
"""

import json
import os
import resource
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from covidct.harvest.extract.results import Dropped, Extraction, Limits, to_json
from covidct.processes import die_with

GRACE_SECONDS = 15


def limit_process(limits: Limits) -> None:
    """Bound address space, file size and core dumps of this process from here on."""
    page = os.sysconf("SC_PAGE_SIZE")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * page if Path("/proc/self/statm").exists() else 1 << 30
    space = used + (limits.memory_mb << 20)
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def answer(request: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """The extraction asked for, as JSON values; ``fatal`` marks a process that should not read another paper."""
    from covidct.harvest.extract.document import Unreadable, out_of_memory

    began = time.monotonic()
    fatal = False
    try:
        result = _read({name: Path(path) if path else None for name, path in request.items()}, limits)
    except Unreadable as error:
        result = Extraction(ok=False, reason=str(error))
    except MemoryError:
        result, fatal = Extraction(ok=False, reason=f"memory limit: more than {limits.memory_mb} MB"), True
    except RecursionError:
        result, fatal = Extraction(ok=False, reason="crashed: nested too deeply"), True
    except Exception as error:  # noqa: BLE001  the process boundary: whatever a paper provokes is that paper's reason
        fatal = True
        reason = "memory limit" if out_of_memory(error) else "crashed"
        result = Extraction(ok=False, reason=f"{reason}: {type(error).__name__}: {str(error)[:200]}")
    return {**to_json(result), "seconds": round(time.monotonic() - began, 3), "fatal": fatal}


def _read(files: dict[str, Path | None], limits: Limits) -> Extraction:
    out = files["out"]
    if out is None:
        raise ValueError("no folder for pictures")
    result = Extraction(ok=True)
    if files["pdf"] is not None:
        from covidct.harvest.extract.analyse import analyse

        result = analyse(files["pdf"], out, limits, files["stages"])
    if files["jats"] is None:
        return result
    from covidct.harvest.extract.merge import merge
    from covidct.harvest.webpages import read_words
    from covidct.net.failures import FetchError

    try:
        beside = sorted(p.name for p in files["graphics"].iterdir()) if files["graphics"] else []
        article = read_words(files["jats"].read_bytes(), files["jats"].name, beside)
    except (FetchError, RecursionError) as error:
        reason = getattr(error, "reason", "nested too deeply")
        if files["pdf"] is None:
            return Extraction(ok=False, reason=f"the JATS cannot be used: {reason}")
        note = Dropped(files["jats"].name, f"the JATS cannot be used: {reason}")
        return replace(result, dropped=(*result.dropped, note), article_reason=reason)
    return replace(merge(result, article, files["graphics"], out), article=article)


def serve(source: IO[str], sink: IO[str], limits: Limits) -> None:
    """Answer requests from ``source`` until it ends."""
    for line in source:
        signal.alarm(int(limits.seconds) + GRACE_SECONDS)
        sink.write(json.dumps(answer(json.loads(line), limits)) + "\n")
        sink.flush()
        signal.alarm(0)


def main() -> None:
    """Start: keep the real standard output for answers, send all other printing to nowhere."""
    limits = Limits(**json.loads(sys.argv[1]))
    die_with(int(sys.argv[2]))
    sink = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    from covidct.harvest.extract import analyse

    analyse.prepare_library()
    limit_process(limits)
    sink.write("{}\n")
    sink.flush()
    serve(sys.stdin, sink, limits)


if __name__ == "__main__":
    main()
