"""What the commands of a page find: papers, pictures, tables and releases of the names that pages use, all drawn."""

import dataclasses
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import SimpleITK
from faultserver import FaultServer
from faultserver.archives import MedpixService, PmcArticle, PmcService
from faultserver.server import static
from PIL import Image

from covidct.curate.judge import UNPROVEN
from covidct.demo.corpus import MadePaper, make_papers
from covidct.demo.pdf import write_pdf
from covidct.demo.server import preprint_server
from covidct.imaging.phantoms import phantom
from covidct.records import Decision
from covidct.workspace import Workspace

REPO = Path(__file__).resolve().parents[2]
LENT = ("docs", "benchmarks", "covidct", "tests", "Makefile", "pyproject.toml", "constraints.txt")
"""What pages name of the checkout."""
CLASSES = {"CT_COVID": ("COVID", True), "CT_NonCOVID": ("NonCOVID", False)}
READER = "127.0.0.1:11434"
"""A model server on this machine, as pages print it; the one that answers tests has a port of its own."""
IN_SPLIT = {"train": 10, "val": 6, "test": 6}
NAMED = "10.1101/2020.02.25.20021568"
"""A paper that examples of ``--help`` name."""
SCANS = 16
CORRECTED = "image_id,action,value,evidence,reason"
Covidct = Callable[[str], None]


def build(folder: Path, covidct: Covidct) -> None:
    """Everything but the workspace; ``covidct`` types a command in ``folder``."""
    rng = np.random.default_rng(5)
    for name in LENT:
        (folder / name).symlink_to(REPO / name)
    _papers(folder)
    _pictures(folder, rng)
    _published_set(folder, rng)
    _scans(folder, rng)
    covidct("manifest import-covid-ct COVID-CT")
    first = pd.read_csv(folder / "manifests/covid-ct/1.0.0/images.csv").image_id[0]
    corrections = f"{CORRECTED}\n{first},exclude,,looked at,drawn too small\n"
    (folder / "manifests/covid-ct/corrections-2.0.0.csv").write_text(corrections)
    changed = "--corrections manifests/covid-ct/corrections-2.0.0.csv --version 2.0.0 --date 2026-11-23"
    covidct(f"manifest correct manifests/covid-ct/1.0.0 {changed}")
    covidct("data import luna16 LUNA16 --out LUNA --subjects 3")
    covidct("harvest --from papers -w curated")
    covidct("curate auto -w curated")
    for paper in _made(3):
        covidct(f"curate licence {paper.doi} cc-by-4.0 --evidence https://example.org/{paper.doi} -w curated")


def take_what_waits(folder: Path) -> None:
    """What a person does on the review page, which the tests of printed commands close at once: the curator takes the
    labels whose way is not proven."""
    with Workspace.open(folder) as workspace:
        labels = workspace.current_all("panel", "label")
        waiting = [name for name, label in labels.items() if label.evidence.get("refused") == UNPROVEN]
        workspace.decide([Decision("panel", name, "accept", True, "curator:ann") for name in waiting])


def _made(count: int) -> list[MadePaper]:
    papers = make_papers(count, 7)
    return [*papers[:2], dataclasses.replace(papers[2], doi=NAMED), *papers[3:]]


def _papers(folder: Path) -> None:
    for number, paper in enumerate(_made(4)):
        path = folder / ("papers" if number < 3 else "Downloads") / f"{number}.pdf"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(write_pdf(paper)[0])
    shutil.copy(folder / "papers" / "2.pdf", folder / "another.pdf")


def _pictures(folder: Path, rng: np.random.Generator) -> None:
    for name in ("figure1", "figure2", "slice", "a", "b", "c"):
        Image.fromarray(phantom(rng, size=160)).save(folder / f"{name}.png")
    (folder / "pictures").mkdir()
    rows = []
    for number in range(24):
        covid = number % 2 == 0
        Image.fromarray(phantom(rng, size=96, lesion=covid)).save(folder / "pictures" / f"{number}.png")
        label, facts = "covid" if covid else "non-covid", {"licence": "CC-BY-4.0", "artifacts": "identifying=no"}
        rows.append({"file": f"{number}.png", "label": label, "patient_id": f"p{number}", **facts})
    pd.DataFrame(rows).to_csv(folder / "own.csv", index=False)
    (folder / "list.csv").write_text(f"{CORRECTED}\n0,exclude,,looked at,drawn too small\n")
    captions = [("1", "Axial CT of a patient with confirmed COVID-19.", "title: COVID-19"), ("2", "(A) A. (B) B.", "")]
    pd.DataFrame(captions, columns=["id", "text", "context"]).to_csv(folder / "captions.csv", index=False)


def _published_set(folder: Path, rng: np.random.Generator) -> None:
    """A small COVID-CT in the layout of the published one."""
    home = folder / "COVID-CT"
    people: dict[str, list[dict[str, str]]] = {}
    for images, (lists, covid) in CLASSES.items():
        (home / "Images-processed" / images).mkdir(parents=True)
        (home / "Data-split" / lists).mkdir(parents=True)
        for split, count in IN_SPLIT.items():
            names = [f"2020.02.{n + 1:02d}.{20020000 + n}-p{n + 1}-{split}.png" for n in range(count)]
            (home / "Data-split" / lists / f"{split}{images}.txt").write_text("\n".join(names) + "\n")
            for name in names:
                picture = Image.fromarray(phantom(rng, size=96, lesion=covid))
                picture.save(home / "Images-processed" / images / name)
                people.setdefault(images, []).append({"name": name, "patient": f"{images}_{split}_{name[8:10]}"})
        shutil.make_archive(str(home / "Images-processed" / images), "zip", home / "Images-processed", images)
    covid = pd.DataFrame(people["CT_COVID"]).rename(columns={"name": "File name", "patient": "Patient ID"})
    covid[["Age", "Gender", "DOI", "Captions"]] = ["41", "F", "", "Axial CT of a patient with COVID-19."]
    covid.to_excel(home / "COVID-CT-MetaInfo.xlsx", index=False)
    others = pd.DataFrame(people["CT_NonCOVID"]).rename(columns={"name": "image name", "patient": "patient id"})
    others.to_csv(home / "NonCOVID-CT-MetaInfo.csv", index=False)


def _scans(folder: Path, rng: np.random.Generator) -> None:
    """A few scans as LUNA16 has them, and patches as LNM has them."""
    z, y, x = np.mgrid[:40, :64, :64]
    body = np.where(np.hypot(x - 32, (y - 32) * 1.2) < 26, 40, -1000)
    lungs = (np.hypot(x - 21, (y - 30) * 0.7) < 8) | (np.hypot(x - 43, (y - 30) * 0.7) < 8)
    volume = np.where(lungs & (z > 7) & (z < 37), -800, body)
    (folder / "LUNA16").mkdir()
    lines = ["seriesuid,coordX,coordY,coordZ,diameter_mm"]
    for number in range(SCANS):
        scan = SimpleITK.GetImageFromArray((volume + rng.normal(0, 20, volume.shape)).astype(np.int16))
        scan.SetSpacing((5.0, 5.0, 2.5))
        SimpleITK.WriteImage(scan, str(folder / "LUNA16" / f"1.{number}.mhd"))
        lines.append(f"1.{number},105,150,{40 + 5 * number},6.0")
    (folder / "LUNA16" / "annotations.csv").write_text("\n".join(lines) + "\n")
    with h5py.File(folder / "all_patches.hdf5", "w") as patches:
        patches["ct_slices"] = rng.uniform(-1000, 400, (40, 64, 64)).astype(np.float32)
        patches["slice_class"] = np.arange(40).reshape(-1, 1) % 2


@contextmanager
def services(folder: Path) -> Iterator[dict[str, str]]:
    """Loopback servers in the place of every service, as the variables that lead there."""
    made = _made(8)
    archives = {
        f"/Images-processed/{name}.zip": (
            (folder / "COVID-CT" / "Images-processed" / f"{name}.zip").read_bytes(),
            "application/zip",
        )
        for name in CLASSES
    }
    others = [static(archives), MedpixService(), PmcService([PmcArticle(7000000 + n) for n in range(3)])]
    reader = ThreadingHTTPServer(("127.0.0.1", 0), Reader)
    threading.Thread(target=reader.serve_forever, daemon=True).start()
    with preprint_server(made, {p.doi: write_pdf(p)[0] for p in made}) as preprints, FaultServer(others) as server:
        yield {
            "READER": f"127.0.0.1:{reader.server_port}",
            "COVIDCT_API_URL": preprints,
            "COVIDCT_SITE_URL": preprints,
            **{
                f"COVIDCT_{name}_URL": server.url
                for name in ("EUTILS", "PMC_BUCKET", "EUROPEPMC", "IDCONV", "MEDPIX", "DATA", "WEIGHTS")
            },
        }
    reader.shutdown()
    reader.server_close()


class Reader(BaseHTTPRequestHandler):
    """A model that reads every panel as ill and quotes nothing that stands there."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = json.dumps({"label": "positive", "quote": "words that nobody wrote"})
        data = json.dumps({"choices": [{"message": {"content": answer}}], "usage": {"total_tokens": 7}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        return
