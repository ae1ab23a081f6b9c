"""PubMed Central (esearch, id converter, article bucket), Europe PMC and MedPix, with made-up content."""

import hashlib
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from faultserver.corpus import make_pdf, make_picture
from faultserver.server import Reply

XML = {"Content-Type": "application/xml"}
NO_KEY = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Key>x</Key></Error>'
BUCKET = "pmc-oa-opendata"


@dataclass(frozen=True)
class PmcArticle:
    """One made-up article version."""

    number: int
    version: int = 1
    licence: str | None = "CC BY"
    day: str = "2020/02/10"
    doi: str = ""
    media: bool = True
    pdf: bool = True
    retracted: bool = False
    words: str = "pneumonia computed tomography"

    @property
    def pmcid(self) -> str:
        return f"PMC{self.number}"

    @property
    def key(self) -> str:
        return f"{self.pmcid}.{self.version}"

    def jats(self) -> bytes:
        licence = "https://creativecommons.org/licenses/by/4.0/"
        return f"""<?xml version="1.0"?><!DOCTYPE article PUBLIC "-//NLM//DTD JATS//EN" "JATS.dtd">
<article xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:ali="http://www.niso.org/schemas/ali/1.0/"><front><article-meta>
<article-id pub-id-type="pmc">{self.number}</article-id>
<article-id pub-id-type="doi">{self.doi or self._doi}</article-id>
<title-group><article-title>Bacterial pneumonia in a made-up patient {self.number}</article-title></title-group>
<pub-date><day>3</day><month>2</month><year>2020</year></pub-date>
<permissions><license><ali:license_ref>{licence}</ali:license_ref></license></permissions></article-meta></front>
<body><sec><p>Consolidation was seen (Fig. 1). Another remark stands here.</p>
<fig id="f1"><label>Fig. 1</label><caption><title>Axial CT.</title>
<p>Lobar pneumonia of a <italic>made-up</italic> patient.</p></caption><graphic xlink:href="made-g001.tif"/></fig>
<fig-group><label>Fig. 2</label><caption><p>Follow-up after treatment.</p></caption>
<fig><graphic xlink:href="made-g002"/></fig></fig-group></sec></body></article>""".encode()

    @property
    def _doi(self) -> str:
        return f"10.5555/made.{self.number}"

    def files(self) -> dict[str, bytes]:
        """The files of the version's folder by name."""
        found = {f"{self.key}.xml": self.jats()}
        if self.pdf:
            found[f"{self.key}.pdf"] = make_pdf(self.doi or self._doi, 1)
        if self.media:
            found |= {f"made-g00{n}.jpg": make_picture(self.number + n, 80, "jpeg") for n in (1, 2)}
            found["mmc1.pdf"] = b"%PDF-1.4 supplement %%EOF"
        return found

    def metadata(self) -> dict[str, object]:
        """The JSON of the bucket, in its order of fields."""

        def url(name: str) -> str:
            return f"s3://{BUCKET}/{self.key}/{name}?md5={hashlib.md5(self.files()[name]).hexdigest()}"

        named = [n for n in self.files() if n.startswith(("made", "mmc"))]
        return {
            "pmcid": self.pmcid,
            "version": self.version,
            "pmid": self.number + 1,
            "doi": self.doi or self._doi,
            "mid": None,
            "title": f"Bacterial pneumonia in a made-up patient {self.number}",
            "citation": "J Made Up. 2020 Feb 3;1:1",
            "is_pmc_openaccess": True,
            "is_manuscript": False,
            "is_historical_ocr": False,
            "is_retracted": self.retracted,
            "license_code": self.licence,
            "pdf_url": url(f"{self.key}.pdf") if self.pdf else None,
            "xml_url": url(f"{self.key}.xml"),
            "text_url": None,
            "media_urls": [url(n) for n in named],
        }


@dataclass
class PmcService:
    """esearch with history and its limit, the id converter, the bucket."""

    articles: list[PmcArticle]
    most: int = 9_999
    rate_limited: int = 0
    """So many first searches are answered with the rate limit's JSON under HTTP 200."""
    searches: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, path: str) -> Reply | None:
        parts = urlsplit(path)
        words = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path.endswith("/esearch.fcgi"):
            return self._search(words)
        if "/idconv" in parts.path:
            return self._convert(words)
        if parts.path == "/" and "prefix" in words:
            return self._listing(words["prefix"])
        return self._object(parts.path.lstrip("/"))

    def _search(self, words: dict[str, str]) -> Reply:
        self.searches.append(words)
        if self.rate_limited:
            self.rate_limited -= 1
            return _json({"error": "API rate limit exceeded", "api-key": "192.0.2.1", "count": "4", "limit": "3"})
        found = [a for a in {a.pmcid: a for a in self.articles}.values() if self._hit(a, words["term"])]
        start, size = int(words.get("retstart", 0)), int(words.get("retmax", 20))
        ids = [str(a.number) for a in found][: self.most][start : start + size]
        result: dict[str, object] = {"count": str(len(found)), "retmax": str(len(ids)), "retstart": str(start)}
        if words.get("usehistory") == "y":
            result |= {"querykey": "1", "webenv": "MCID_made_up"}
        result |= {"idlist": ids, "translationset": [], "querytranslation": words["term"]}
        return _json({"header": {"type": "esearch", "version": "0.3"}, "esearchresult": result})

    def _hit(self, article: PmcArticle, term: str) -> bool:
        dates = [part for part in term.split() if part.endswith("[pdat]")]
        if dates:
            first, last = dates[0].removesuffix("[pdat]").split(":")
            if not first <= article.day <= last:
                return False
        return all(word in article.words for word in ("pneumonia", "tomography") if word in term)

    def _convert(self, words: dict[str, str]) -> Reply:
        doi = words.get("ids", "")
        hit = next((a for a in self.articles if (a.doi or a._doi) == doi), None)
        if hit is None:
            record = {"requested-id": doi, "status": "error", "errmsg": "Identifier not found in PMC"}
        else:
            record = {"requested-id": doi, "pmid": hit.number + 1, "pmcid": hit.pmcid, "doi": doi}  # type: ignore[dict-item]
        return _json({"status": "ok", "responseDate": "2026-09-01 00:00:00", "records": [record]})

    def _listing(self, prefix: str) -> Reply:
        keys = sorted({f"{a.key}/" for a in self.articles if f"{a.key}/".startswith(prefix)})
        rows = "".join(f"<CommonPrefixes><Prefix>{key}</Prefix></CommonPrefixes>" for key in keys)
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{BUCKET}</Name><Prefix>{prefix}</Prefix><KeyCount>{len(keys)}</KeyCount><MaxKeys>1000</MaxKeys>"
            f"<Delimiter>/</Delimiter><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        )
        return Reply(body.encode(), headers=XML)

    def _object(self, key: str) -> Reply | None:
        for article in self.articles:
            if key == f"metadata/{article.key}.json":
                return _json(article.metadata())
            if key.startswith(f"{article.key}/"):
                data = article.files().get(key.split("/", 1)[1])
                return Reply(data, headers={"Content-Type": "binary/octet-stream"}) if data else None
        return Reply(NO_KEY, 404, XML) if key.startswith(("PMC", "metadata/")) else None


@dataclass
class EuropePmcService:
    """Europe PMC's search: some preprints have a PDF there."""

    site: str
    dois: set[str]

    def __call__(self, path: str) -> Reply | None:
        parts = urlsplit(path)
        if parts.path.startswith("/epmc/render/"):
            doi = parts.path.removeprefix("/epmc/render/").removesuffix(".pdf")
            return Reply(make_pdf(doi, 1), headers={"Content-Type": "application/pdf"})
        if not parts.path.endswith("/search"):
            return None
        doi = parse_qs(parts.query)["query"][0].removeprefix('DOI:"').removesuffix('"')
        link = {
            "availability": "Free",
            "documentStyle": "pdf",
            "site": "Europe_PMC",
            "url": f"{self.site}/epmc/render/{doi}.pdf",
        }
        html = {"documentStyle": "html", "site": "Europe_PMC", "url": "https://europepmc.org/x"}
        hit = {"id": "PPR1", "source": "PPR", "doi": doi, "fullTextUrlList": {"fullTextUrl": [html, link]}}
        return _json({"version": "6.9", "hitCount": 1, "resultList": {"result": [hit] if doi in self.dois else []}})


@dataclass
class MedpixService:
    """The REST paths, with the field names that scrapers have read."""

    cases: int = 3

    def __call__(self, path: str) -> Reply | None:
        parts = urlsplit(path)
        words = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/rest/encounter/diagnosis.json":
            rows = [{"encounterID": f"e-{n}", "diagnosis": "Pneumonia"} for n in range(1, self.cases + 1)]
            return _json([*rows, rows[0]] if "pneumonia" in words.get("diagnosis", "").lower() else [])
        if parts.path == "/rest/encounter.json":
            return self._encounter(words.get("encounterID", ""))
        if parts.path.startswith("/images/full/"):
            seed = int("".join(c for c in parts.path if c.isdigit()) or 0)
            return Reply(make_picture(seed, 72, "jpeg"), headers={"Content-Type": "image/jpeg"})
        return None

    def _encounter(self, identity: str) -> Reply | None:
        number = identity.removeprefix("e-")
        if not number.isdigit() or int(number) > self.cases:
            return _json({"error": "not found"})
        views = [
            ("CT - noncontrast", "Axial"),
            ("CT w/contrast (IV)", "Transverse"),
            ("CT - Montage of Images", "Axial"),
        ]
        views += [("XR - Plain Film", "PA"), ("CT - noncontrast", "Coronal")]
        images = [
            {
                "imageID": f"i-{number}-{n}",
                "imageCaption": f"Made-up picture {n} of lobar pneumonia." if n != 2 else "",
                "imageURL": f"/images/full/synpic{number}{n}.jpg",
                "thumbImageURL": f"/images/thumb/synpic{number}{n}.jpg",
                "modality": modality,
                "plane": plane,
                "acrCode": "-1.-1",
                "authorName": "A Name",
                "authorEmail": "author@example.org",
            }
            for n, (modality, plane) in enumerate(views, 1)
        ]
        about = {
            "encounterID": identity,
            "history": "Cough.",
            "age": "60",
            "sex": "female",
            "diagnosis": "Lobar pneumonia",
        }
        people = {"authorName": "A Name", "authorEmail": "author@example.org", "approverName": "B Name"}
        rest = {"findings": "Consolidation.", "exam": "N/A", "mCaseID": f"10{number}", "error": "", "ddx": ""}
        return _json({**about, **people, **rest, "imageList": images, "mediaList": []})


def _json(value: object) -> Reply:
    return Reply(json.dumps(value).encode())
