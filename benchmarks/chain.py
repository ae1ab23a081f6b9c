"""From papers to accepted pictures without a hand: ``python benchmarks/chain.py [WORKSPACE]``.

Reads the real papers beside the checkout, curates them, and has ``../shared/score/chain.py`` say how many of the
pictures that enter a release unseen are right in box, kind, label and patient, and how many were there to be had. The
truth in ``benchmarks/truth/chain.json`` was read by machine readers, no clinicians: places, kinds, labels, patients.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[1] / "shared"
SOURCES = ("pdfs", "strangers")


def covidct(*words: str) -> str:
    """Run one command; gives its standard output. Exit code 3 (incomplete) is no failure here."""
    done = subprocess.run([sys.executable, "-m", "covidct", *words], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"covidct {' '.join(words)} ended with {done.returncode}")
    return done.stdout


def main(workspace: Path) -> None:
    """Harvest, curate, score; prints the scorer's lines."""
    papers = [word for name in SOURCES for word in ("--from", str(SHARED / "data" / name))]
    print(covidct("harvest", *papers, "-w", str(workspace)))
    print(covidct("curate", "auto", "-w", str(workspace)))
    tables = []
    for name in ("figures", "panels", "images"):
        tables.append(workspace / f"{name}.csv")
        text = covidct("show", name, "--csv", "-w", str(workspace))
        tables[-1].write_text(text.replace("panel_id", "image_id", 1) if name == "images" else text, encoding="utf-8")
    scorer = [sys.executable, str(SHARED / "score" / "chain.py"), str(HERE / "truth" / "chain.json")]
    print("what a release takes unseen:", flush=True)
    subprocess.run([*scorer, *map(str, tables)], check=True)
    print("every slice with a label:", flush=True)
    subprocess.run([*scorer, *map(str, tables[:2]), "-", "--missed"], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("workspace", nargs="?", type=Path, help="folder to keep (default: a temporary one)")
    asked = parser.parse_args()
    if not SHARED.is_dir():
        sys.exit("no ../shared here: the real papers are not part of the repository")
    with tempfile.TemporaryDirectory() as folder:
        main(asked.workspace or Path(folder) / "ws")
