"""Where the services are: options, then environment, then the public addresses."""

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from covidct.errors import UsageError

PUBLIC = {
    "COVIDCT_API_URL": "https://api.biorxiv.org",
    "COVIDCT_SITE_URL": "",
    "COVIDCT_EUTILS_URL": "https://eutils.ncbi.nlm.nih.gov",
    "COVIDCT_PMC_BUCKET_URL": "https://pmc-oa-opendata.s3.amazonaws.com",
    "COVIDCT_MEDPIX_URL": "https://medpix.nlm.nih.gov",
    "COVIDCT_EUROPEPMC_URL": "https://www.ebi.ac.uk/europepmc/webservices/rest",
    "COVIDCT_IDCONV_URL": "https://pmc.ncbi.nlm.nih.gov/tools/idconv/api/v1/articles",
}
"""``api.medrxiv.org`` ignores paging, so both servers are queried through ``api.biorxiv.org``."""


def checked(name: str, url: str) -> str:
    """``url`` without its last slash; ``UsageError`` where it is no ``scheme://host[:port]``."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{name} {url!r} is no address: write http://host[:port]")
    return url.rstrip("/")


@dataclass(frozen=True)
class Services:
    """Base addresses, without a slash at the end."""

    given: dict[str, str] = field(default_factory=dict)

    @classmethod
    def resolve(cls, api_url: str | None = None, site_url: str | None = None) -> "Services":
        """From the command line's ``api_url`` and ``site_url``, then ``COVIDCT_…_URL``."""
        words = {name: os.environ.get(name, "") for name in PUBLIC}
        words["COVIDCT_API_URL"] = api_url or words["COVIDCT_API_URL"]
        words["COVIDCT_SITE_URL"] = site_url or words["COVIDCT_SITE_URL"]
        return cls({name: checked(name, url) for name, url in words.items() if url})

    def url(self, name: str) -> str:
        """The base of one service, by the name of its variable."""
        return self.given.get(name) or PUBLIC[name]

    def site(self, server: str) -> str:
        """The site of a preprint server; one given address serves all."""
        return self.given.get("COVIDCT_SITE_URL") or f"https://www.{server}.org"

    @property
    def mirrored(self) -> bool:
        """The papers come from another place than the public sites: public copies are then not used by default."""
        return "COVIDCT_SITE_URL" in self.given

    def copies_wanted(self, name: str) -> bool:
        """Whether a source of copies may be used: the public one, or one given together with a mirror."""
        return not self.mirrored or name in self.given
