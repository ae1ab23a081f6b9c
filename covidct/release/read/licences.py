"""Licences by their SPDX name and their address, as other tools want them."""

import re

from covidct.release.read.gate import normal_licence

SPDX = "https://spdx.org/licenses"
_CC = re.compile(r"cc-(by(?:-nc)?(?:-sa|-nd)?)(?:-(\d\.\d))?")
_OTHER = {
    "cc0": ("CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "cc0-1.0": ("CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "public-domain": ("LicenseRef-public-domain", "https://creativecommons.org/publicdomain/mark/1.0/"),
    "pd": ("LicenseRef-public-domain", "https://creativecommons.org/publicdomain/mark/1.0/"),
    "us-gov": ("LicenseRef-us-government-work", "https://www.usa.gov/government-works"),
}


def spdx(text: str) -> tuple[str, str]:
    """(SPDX id, address) of a licence in any spelling; a version that is not said is not guessed.

    What SPDX does not list gets a ``LicenseRef-`` of its own and no address; nothing at all is ``NOASSERTION``.
    """
    code = normal_licence(text) if text.strip() else ""
    if not code:
        return "NOASSERTION", ""
    if code in _OTHER:
        return _OTHER[code]
    match = _CC.fullmatch(code)
    if match and match[2]:
        return f"CC-{match[1].upper()}-{match[2]}", f"https://creativecommons.org/licenses/{match[1]}/{match[2]}/"
    if match:
        return f"LicenseRef-CC-{match[1].upper()}", f"https://creativecommons.org/licenses/{match[1]}/"
    return f"LicenseRef-{re.sub(r'[^A-Za-z0-9.-]+', '-', code).strip('-') or 'other'}", ""


def licence_address(text: str) -> str:
    """Where a licence can be read: its page at SPDX where that lists it, else its own, else its name."""
    name, address = spdx(text)
    listed = not name.startswith("LicenseRef-") and name != "NOASSERTION"
    return f"{SPDX}/{name}.html" if listed else address or name


def licence_object(text: str) -> dict[str, str]:
    """``name`` and ``url`` of a licence."""
    name, address = spdx(text)
    return {"name": name, "url": address}
