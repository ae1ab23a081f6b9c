"""What a caption is about by its first words: ``Frequency of …`` shows no body, whatever diseases it names.

The words before the first preposition or verb name what the figure shows. Where they name no scan, organ, finding,
person or disease, and nothing later brings a scan of one person, the figure is a chart, a drawing or a photograph.
"""

import re
from collections.abc import Sequence

from covidct.captions.reading import Mention
from covidct.captions.rules import fold_lower
from covidct.captions.text import Span, plain, sentences

_LABEL = re.compile(
    r"\W*(?:(?:supplement\w*|extended data|online|additional) )?(?:fig(?:ure|ures|s)?|image|plate)\b\.?\s*"
    r"(?:[a-z]?\d+)?\s*[.:|)-]*\s*"
)
_END = re.compile(
    r"(?<![-\w])(?:of|in|on|for|with|without|by|from|to|at|into|between|among|during|after|before|following|according|per"
    r"|than|versus|vs|that|which|who|whose|where|is|are|was|were|has|had|have|shows?|showed|showing|demonstrat\w+|reveal\w*"
    r"|depict\w*|illustrat\w+|indicat\w+|obtained|performed|taken|used|using|treated|given|made|seen|presented|presenting"
    r"|reported|recorded|registered|notified|experienced|collected"
    r"|against|across|over|under|through|as|de|del|en|con|du|dans|chez|di|da|do|em|com|des|por|par)(?=\s|$)"
    r"|[.,:;()\[\]]|\s-\s"
)
_LEAD = re.compile(
    r"(?:(?:this|the|each|left|right|upper|lower|top|bottom|first|second|third|middle) ){0,2}"
    r"(?:figure|image|picture|panel|row|column|slide|left|right|upper|lower|top|bottom)s?(?: ?\d+)?"
    r"(?: (?:shows?|showing|illustrates?|depicts?|demonstrates?|presents?|displays?|represents?|is|are)(?: an?| the)?\b"
    r"|\s*[:,])\s*"
)
"""``The figure shows …``, ``Top: …``: what is shown comes behind."""
_NAMES_A_BODY = frozenset({"shown", "person", "infected", "other", "rival", "healthy", "animal", "class"})
ONE_PERSON = re.compile(
    r"\b(?:an?|one|the|this|same|our|his|her) (?:[a-z0-9-]+ ){0,5}?"
    r"(?:patient|case|man|woman|child|boy|girl|infant|neonate|newborn|male|female|nurse|survivor)\b"
    r"|\b(?:patient|case) \d"
)
_CLAUSE = re.compile(
    r"(?:ed|ly|found|shown|be)\s*$|\b(?:cannot|can|could|may|might|should|must|will|would|did|does|do|not|we|it|this)\b"
)
"""A clause, not a name: "COVID-19 cannot be excluded", "Initially"."""
_ABSENT = re.compile(r"\s*(?:no|absence|absent|lack|sin|sem|pas|senza)\b")
"""``No evidence of embolism``: what a scan does not show is said of a scan."""


def without_body(
    text: str, spans: Sequence[Span], mentions: Sequence[Mention], scans: Sequence[Mention]
) -> Span | None:
    """Span of the first words of ``text[spans]`` where they name nothing that a scan shows; None where they do.

    ``scans`` are the mentions that speak of a scan (without those that speak of numbers made from scans).
    """
    folded = fold_lower(text)
    first = next((s for span in spans for s in sentences(plain(text), *span)), None)
    head = _head(folded, first) if first else None
    if first is None or head is None:
        return None
    chart = _ends_in_a_chart(folded, head, mentions, scans)
    if _names_a_body(text, head, mentions, scans) and not chart:
        return None
    clause = re.search(r"[;:]", folded[first[0] : first[1]])
    end = first[0] + clause.start() if clause else first[1]
    if any(m.start >= end for m in scans):
        return None
    if chart:
        return head
    one = ONE_PERSON.search(folded, *first) is not None
    process = any(m.means == "process" and _overlap(m, head) for m in mentions)
    organ = any(m.means == "shown" and m.start < end for m in mentions)
    return None if (scans and (one or process)) or (process and one and organ) else head


_CHARTS = frozenset({"chart", "statistics", "scan-business", "population"})


def _ends_in_a_chart(folded: str, head: Span, mentions: Sequence[Mention], scans: Sequence[Mention]) -> bool:
    """``Chest CT scoring chart``: the last noun is what is shown; ``CT and fever chart`` shows both."""
    charts = [m for m in mentions if m.rule in _CHARTS and _overlap(m, head)]
    if not charts or re.search(r"\b(?:and|with)\b|&|\+", folded[head[0] : head[1]]):
        return False
    return not any(m.end > charts[-1].start and _overlap(m, head) for m in scans)


def _names_a_body(text: str, head: Span, mentions: Sequence[Mention], scans: Sequence[Mention]) -> bool:
    """``COVID-19`` as the last word, not ``COVID-19 mortality``."""
    if any(_overlap(m, head) for m in scans) or any(m.means in _NAMES_A_BODY and _overlap(m, head) for m in mentions):
        return True
    names = [m for m in mentions if m.means == "disease" and _overlap(m, head)]
    return any(not re.search(r"\w", text[m.end : head[1]]) for m in names)


def _head(folded: str, sentence: Span) -> Span | None:
    """The words before the first preposition or verb; None where there are none, or none in Latin letters."""
    start = sentence[0]
    if (label := _LABEL.match(folded, start, sentence[1])) and re.search(r"\d|[.:|]\s*$", label[0]):
        start = label.end()
    if lead := _LEAD.match(folded, start, sentence[1]):
        start = lead.end()
    end = _END.search(folded, start, sentence[1])
    head = (start, end.start() if end else sentence[1])
    words = folded[head[0] : head[1]]
    named = re.search(r"[a-z]{3}", words) and not _CLAUSE.search(words) and not _ABSENT.match(words)
    return head if named else None


def _overlap(mention: Mention, span: Span) -> bool:
    return mention.start < span[1] and span[0] < mention.end
