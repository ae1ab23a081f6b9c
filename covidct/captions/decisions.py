"""What a stretch of text decides: named rules, asked in order; the first that finds its ground gives the way.

The order is the meaning: what says that a picture is no scan comes before any disease, a proof before a name, a name
of the profile's disease before another disease, what is certain before what is suspected.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from covidct.captions.pictures import Reading
from covidct.captions.reading import Mention
from covidct.captions.rules import Role
from covidct.captions.text import Span
from covidct.captions.ways import NOTHING, Verdict, Way, label_of

Ground = Mention | Span | None


@dataclass(frozen=True)
class Rule:
    """``find`` gives the words that a verdict by ``way`` rests on, or None."""

    way: Way
    find: Callable[[Reading], Ground]


def decide(reading: Reading) -> Verdict:
    """The verdict on one stretch of text."""
    return first_of(reading, RULES) or NOTHING


def first_of(reading: Reading, rules: Sequence[Rule]) -> Verdict | None:
    """The verdict of the first of ``rules`` that finds its ground in ``reading``."""
    for rule in rules:
        if (ground := rule.find(reading)) is not None:
            return verdict_of(rule.way, ground)
    return None


def verdict_of(way: Way, ground: Mention | Span) -> Verdict:
    """The verdict that rests on ``ground``."""
    if isinstance(ground, tuple):
        return Verdict(label_of(way), way, _OF_SPAN, ground)
    term = ground.rule + (f"+{ground.by}" if ground.by else "")
    return Verdict(label_of(way), way, term, ground.span, besides=ground.role is not Role.DIAGNOSIS)


_OF_SPAN = "subject"


def _no_scan(reading: Reading) -> Ground:
    """A chart, slide, drawing or photograph."""
    if reading.about_scan is not False:
        return None
    picture = reading.having("noscan") + reading.having("vague")
    if not picture and first_of(reading, AFFIRMED):
        picture = [m for m in reading.mentions if m.rule == "scan-as-number"]
    return _first(picture) or reading.subject


def _no_picture(reading: Reading) -> Ground:
    """A sentence without a word of the body, a picture or a person: drawings and statistics."""
    speaks = reading.about_scan is not None or any(m.means in _SPEAK_OF_PEOPLE for m in reading.mentions)
    speaks = speaks or bool(reading.having("disease", "uncertain", "contact", "negated", "history"))
    return None if speaks or reading.words < _SENTENCE_WORDS else reading.extent


_SPEAK_OF_PEOPLE = ("person", "class", "suspect", "shown", "other", "rival")
_SENTENCE_WORDS = 7
"""Fewer may be all that a caption says of a scan ("Case 2 before and after")."""


def _animal(reading: Reading) -> Ground:
    """An animal, also ``an 11-year-old male cat``, and no person."""
    animals = reading.having("animal")
    people = [p for p in reading.having("person") if not any(0 <= a.start - p.end <= _NEXT_WORDS for a in animals)]
    return None if people else _first(animals)


_NEXT_WORDS = 12
"""Characters from an age and a sex to the animal that they are said of."""


def _stated(reading: Reading) -> Ground:
    """A person has the disease: named with a person or a diagnosis, and not taken back."""
    named = reading.having("disease", "affirmed", "history")
    return _first([m for m in named if not (m.tested and reading.false_positive) and not _long_past(reading, m)])


def _long_past(reading: Reading, mention: Mention) -> bool:
    """``Lung cancer in a man with a history of COVID-19``: what stands first, and is no pattern that it leaves."""
    others = [m for m in _others(reading, "plain", "affirmed") if m.own_role in (Role.DIAGNOSIS, Role.COMORBIDITY)]
    return mention.status == "history" and any(m.start < mention.start for m in others)


def _proven(reading: Reading) -> Ground:
    """A test says so."""
    if reading.false_positive:
        return None
    return _first(reading.having("test", "affirmed") + reading.having("infected", "plain", "affirmed", "history"))


def _final(reading: Reading) -> Ground:
    """Another disease as the final diagnosis."""
    return _first([m for m in _others(reading) if m.final])


def _false_positive(reading: Reading) -> Ground:
    return _first([m for m in reading.mentions if m.rule == "false-positive"])


def _named(reading: Reading) -> Ground:
    """The disease simply named, where nothing else says that it is not meant."""
    return None if reading.false_positive else _first(reading.having("disease", "plain"))


def _two_groups(reading: Reading) -> Ground:
    """``COVID-19 patients had more lesions than non-COVID-19 patients``: of whom is the picture?

    Behind words for what a scan shows the comparison is an aside.
    """
    without = [m for m in reading.having("disease", "negated") if m.by == "non"]
    more = ("affirmed",) if " than " in reading.text else ()
    named = reading.having("disease", "plain", *more)
    aside = named and any(m.means in ("scan", "acute") and m.start < named[0].start for m in reading.mentions)
    return None if not named or aside else _first(without)


def _refuted(reading: Reading) -> Ground:
    """The disease itself denied, or its own test negative."""
    denied = reading.having("disease", "negated") + reading.having("infected", "negated")
    return _first(denied + [m for m in reading.having("test", "negated") if m.rule == "test-named"])


def _diagnosed(reading: Reading) -> Ground:
    """Another disease said to be there, in so many words."""
    return _first(_deciding(reading, "affirmed"))


def _suspected(reading: Reading) -> Ground:
    """The disease under suspicion: outweighs an unnamed test's negative result and what the patient has besides."""
    doubtful = reading.having("disease", "uncertain")
    doubtful += [m for m in reading.having("suspect") if m.rule != _UNNAMED]
    if reading.having("test", "negated"):
        if any(m.means == "rival" or m.rule != "cancer" for m in _others(reading, "plain", "affirmed")):
            return None
        doubtful += reading.having("test", "uncertain")
        doubtful += reading.having("disease", "contact") + reading.having("test", "contact")
    return _first(doubtful)


_UNNAMED = "unnamed-virus"
"""``Viral pneumonia`` of a virus that is not named."""


def _negated(reading: Reading) -> Ground:
    """The test negative. A scan without signs of "viral pneumonia" says nothing about the patient."""
    denied = reading.having("test", "negated")
    return _first(denied + [m for m in reading.having("suspect", "negated") if m.rule != _UNNAMED])


def _other_disease(reading: Reading) -> Ground:
    """Another disease named that would explain the picture."""
    return _first([m for m in _deciding(reading, "plain") if m.role is Role.DIAGNOSIS])


def _other_finding(reading: Reading) -> Ground:
    """A pattern, a complication or an accompanying disease named, and no word of the profile's disease."""
    return _first(_deciding(reading, "plain"))


def _likely_other(reading: Reading) -> Ground:
    """Another disease thought likely; what the profile's disease may show or bring as well says nothing then."""
    likely = [m for m in _others(reading, "uncertain") if _LIKELY.search(reading.caption, *m.span)]
    return _first([m for m in likely if m.own_role is Role.DIAGNOSIS or m.rule in _NEVER_SHOWN])


_LIKELY = re.compile(r"likely|probabl|presum|in favou?r", re.IGNORECASE)
"""What could be, is suggested or suspected, or stands in a list of differentials, is not likely yet."""
_NEVER_SHOWN = ("cancer", "metastases", "trauma", "congenital")
"""Accompanying diseases whose picture no pneumonia gives."""


def _healthy(reading: Reading) -> Ground:
    return _first(reading.having("healthy", "plain", "affirmed"))


def _hinted(reading: Reading) -> Ground:
    """A viral pneumonia, a contact, a look-alike: nothing to hold on to."""
    hints = reading.having("suspect") + reading.having("disease", "contact", "compared")
    hints += reading.having("test", "uncertain") + reading.having("infected", "contact", "uncertain")
    return _first(hints)


def _others(reading: Reading, *statuses: str) -> list[Mention]:
    return reading.having("rival", *statuses) + reading.having("other", *statuses)


def _deciding(reading: Reading, status: str) -> list[Mention]:
    """Other diseases that are why the picture was made."""
    return [m for m in _others(reading, status) if not any(beside(reading, m) for beside in BESIDES)]


def _before_something_new(reading: Reading, mention: Mention) -> bool:
    """``A woman with lymphoma in remission: new opacities``: what the patient had before does not explain them."""
    return mention.own_role is Role.COMORBIDITY and bool(reading.having("new"))


def _among_findings(reading: Reading, mention: Mention) -> bool:
    """``Opacities and bronchiectasis``: a pattern among other findings is one of them, unless it is named first."""
    pattern = mention.own_role in (Role.PATTERN, Role.COMPLICATION) and mention.status == "plain"
    late = mention.start - reading.extent[0] >= _FIRST_WORDS
    acute = reading.having("acute")
    return pattern and any(m.start < mention.start or (late and m.rule == "acute-finding") for m in acute)


_FIRST_WORDS = 40
"""Characters: what a caption is about stands within them."""


_ELSEWHERE = re.compile(
    r"\b(?:(?:frontal|temporal|parietal|occipital) (?:lobe|cortex|region|gyr)|intra-?abdom|peritone"
    r"|retroperiton|cerebr|cerebell|thalam|brain|intracranial"
    r"|skull|lumbar|sacr(?:al|um)|hemispher|falx|vertebral arter|carotid|orbit|spinal cord"
    r"|liver|hepat|biliary|renal|kidney|pancrea|splen|spleen"
    r"|bowel|colon|bladder|uter[ui]|ovar|prostat|testi[cs]|thyroid|femur|tibia|knee|hip\b)",
    re.IGNORECASE,
)
_CHEST = re.compile(
    r"pulmon|\b(?:lungs?|chest|thora|pleur|mediast|bronch|alveol|trache|hil(?:ar|um|a)\b|apical|basilar|heart|cardi|coronary"
    r"|aort|oesophag|esophag|diaphragm|airway|lingul|ribs?\b|stern|breast|axill|upper lobe|lower lobe|middle lobe)",
    re.IGNORECASE,
)


def _of_another_organ(reading: Reading, mention: Mention) -> bool:
    """``A mass in the frontal lobe``: a disease of another organ says nothing of the lungs, where no chest is named."""
    alone = any(_ELSEWHERE.search(t) and not _CHEST.search(t) for t in (reading.text, reading.caption))
    return mention.means == "other" and alone


BESIDES = (_before_something_new, _among_findings, _of_another_organ)
"""Why another disease that is named does not decide."""


def _first(mentions: Sequence[Mention]) -> Mention | None:
    return mentions[0] if mentions else None


SAID, PROVEN, NAMED = Rule(Way.SAID, _stated), Rule(Way.PROVEN, _proven), Rule(Way.NAMED, _named)
FINAL, REFUTED, ANIMAL = Rule(Way.FINAL_DIAGNOSIS, _final), Rule(Way.DENIED, _refuted), Rule(Way.ANIMAL, _animal)
OTHERS = (Rule(Way.OTHER_DISEASE, _other_disease), Rule(Way.OTHER_FINDING, _other_finding))
AFFIRMED = (SAID, PROVEN)
RULES: tuple[Rule, ...] = (
    Rule(Way.NOT_A_SCAN, _no_scan),
    ANIMAL,
    Rule(Way.PLACES_DIFFER, _two_groups),
    *AFFIRMED,
    FINAL,
    Rule(Way.FALSE_POSITIVE, _false_positive),
    Rule(Way.NOT_A_SCAN, _no_picture),
    NAMED,
    REFUTED,
    Rule(Way.OTHER_DIAGNOSED, _diagnosed),
    Rule(Way.SUSPECTED, _suspected),
    Rule(Way.DENIED, _negated),
    *OTHERS,
    Rule(Way.LIKELY_OTHER, _likely_other),
    Rule(Way.HEALTHY, _healthy),
    Rule(Way.SUSPECTED, _hinted),
)
"""Asked in this order."""
