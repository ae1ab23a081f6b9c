"""Who is in the picture, as far as the caption says: age, sex, case number, dates, day of illness.

``Six days of fever`` is no age, ``aged 6 days`` is one. Words for numbers, English, Spanish, Portuguese, French,
Italian, German and Chinese are read. Every cue is a span of the text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from covidct.captions.rules import fold, fold_lower
from covidct.captions.text import Span, lower, sentences

FEMALE, MALE = "F", "M"
MAX_CHARS = 20_000
MAX_AGE = 120


@dataclass(frozen=True)
class Person:
    """One person of a caption: ``age`` in years (None where not told), ``sex`` F, M or "", ``case`` as numbered."""

    age: float | None
    sex: str
    case: str
    span: Span


@dataclass(frozen=True)
class Moment:
    """When a scan was made: ``date`` as ISO where it has a year, else ``--MM-DD``; or a ``day`` since ``event``."""

    date: str
    day: int | None
    event: str
    span: Span


_ONES = (  # noqa: SIM905
    "zero one two three four five six seven eight nine ten"
    " eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_WORDS = {word: number for number, word in enumerate(_ONES)}
_WORDS |= {word: 10 * (number + 2) for number, word in enumerate(_TENS)}
_WORDS |= {f"{ten}{joint}{_ONES[one]}": _WORDS[ten] + one for ten in _TENS for one in range(1, 10) for joint in "- "}
_NUMBER = rf"(?:\d{{1,3}}(?:\.\d)?|{'|'.join(sorted(_WORDS, key=len, reverse=True))})"
_YEAR = r"(?:years?|yrs?|y|anos?|ans?|anni|jahre?n?|jahrige[rns]?)"
_UNIT = rf"(?P<unit>{_YEAR}|months?|mos?|meses|mois|mesi|weeks?|wks?|semanas|days?|d|dias|jours|giorni)"
_OLD = r"(?:olds?|of age|de edad|de idade|alter?|eta)"
_MALES = (
    r"(?:males?|man|men|boys?|gentleman|father|grandpa|grandfather|husband|brother|son|uncle|homme|garcon|hombre|varon"
    r"|nino|masculino|homem|menino|uomo|maschio|ragazzo|bambino|mann|manner|junge|hijo|padre|paciente masculino)"
)
_FEMALES = (
    r"(?:females?|woman|women|girls?|lady|mother|grandma|grandmother|wife|sister|daughter|aunt|femme|fille|mujer|nina"
    r"|femenin[ao]|mulher|menina|feminin[ao]|donna|femmina|ragazza|bambina|frau|frauen|madchen|hija|madre|pregnant|gravida"
    r"|embarazada)"
)
_SEX = rf"(?:{_FEMALES}|{_MALES})"
_B, _E = r"(?<![a-z0-9.])", r"(?![a-z0-9])"
_AGE = rf"(?P<n>{_NUMBER})[\s-]*{_UNIT}"
_AND_MONTHS = r"(?:[\s-]*(?:and[\s-]+)?(?P<n2>\d{1,2})[\s-]*(?P<unit2>months?|mos?))?"
_PEOPLE = "(?:chinese |white |black |asian )?"
_SOMEBODY = (
    r"(?:mujer|hombre|varon|nin[oa]|paciente|homem|mulher|crianca|homme|femme|patiente?|uomo|donna|paziente|bambin[oa])"
)
_END = r"(?=[\s,;.)]|$)"
_DECADES = {f"{ten[:-1]}ies": _WORDS[ten] for ten in _TENS}
_NO_AGE = r"(?![\s-]*(?:history|follow|ago|later|after|before|prior|survival|course|duration|stay|of (?!age)))"
_AGES = (
    re.compile(
        rf"{_B}(?P<n>\d{{1,3}})[\s-]*(?:{_YEAR}(?:[\s-]*{_OLD})?|y\.?/?o\.?)[\s,;/-]+(?:(?:sex|gender)\s*:?\s*)?"
        rf"(?P<sex>[mf]){_END}"
    ),
    re.compile(rf"{_B}{_AGE}{_AND_MONTHS}[\s-]*{_OLD}{_E}"),
    re.compile(rf"{_B}{_AGE}[\s,-]+{_PEOPLE}(?={_SEX}{_E}|patient|infant|child|p[ae]ziente|paciente)"),
    re.compile(rf"{_B}(?:aged?|age of|edad|idade|agee?)\s*:?\s*(?P<n>{_NUMBER})(?:[\s-]*{_UNIT})?(?![a-z0-9%])"),
    re.compile(rf"(?<![a-z]){_SEX}(?: patient)?[,:;]?\s+\(?{_AGE}{_AND_MONTHS}{_E}{_NO_AGE}"),
    re.compile(
        rf"(?<![a-z]){_SEX}(?: patient)?(?:,| of| de| di)\s+(?:aged )?(?P<n>\d{{1,3}}){_END}"
        rf"(?!\s*(?:cases|patients|days|of|{_SEX}))"
    ),
    re.compile(rf"{_SOMEBODY}[a-z ]{{0,24}}? (?:de|di|d'|da|of) (?P<n>\d{{1,3}}) {_UNIT}{_E}"),
    re.compile(r"(?P<n>\d{1,3})\s?(?P<unit>岁|个月|月龄|天)"),
    re.compile(rf"{_B}(?P<n>\d{{1,3}})[\s/-]?(?P<unit>y)[\s./-]?o\b"),
    re.compile(rf"{_B}(?P<n>\d{{1,3}})\s?/?\s?(?P<sex>[mf]){_END}"),
    re.compile(rf"{_B}(?P<sex>[mf])\s?/\s?(?P<n>\d{{1,3}}){_END}"),
    re.compile(rf"{_B}(?P<sex>[mf])[,;]\s?{_AGE}{_E}"),
    re.compile(rf"in (?:her|his|their) (?:early |mid |late )?(?P<n>[1-9]0(?=s)|{'|'.join(_DECADES)})s?{_E}"),
    re.compile(r"\((?P<sex>[mf])[,;/\s]\s?(?P<n>\d{1,3})\)"),
    re.compile(r"\((?P<n>\d{1,3})[,;/\s]\s?(?P<sex>[mf])\)"),
    re.compile(rf"{_B}aged? \d{{1,3}}(?: years?)?,? and (?P<n>\d{{1,3}})(?:[\s-]*{_UNIT})?{_E}"),
)
_GESTATION = re.compile(r"[\s-]*(?:pregnan|gestation|gravid|embaraz)")
_PER_YEAR = {"m": 12.0, "w": 52.18, "s": 52.18, "d": 365.25, "j": 365.25, "g": 365.25}
_MONTH_NAMES = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_CASE = re.compile(
    r"(?<![A-Za-z])(?i:cases?|patients?|pts?|subjects?|participants?|volunteers?|individual|caso|cas|paciente|paziente"
    r"|patiente?|病例|患者|病人)(?![a-z])\s?(?i:no\.?|nr\.?|number|#|n°)?\s?(?P<list>(?:\d{1,3}|[A-H]|I{1,3}|IV|V)"
    r"(?:\s?(?:,|and|&|-|to)\s?(?i:(?:case|patient)\s?)?(?:\d{1,3}))*)"
    rf"(?![A-Za-z0-9%]|[.,]\d|\s?(?i:\d{{1,3}}[\s-]?y|{_MONTH_NAMES}|years?|yrs?|months?|days?|weeks?|y/o|[a-z]*-year))"
)
_SEX_WORD = re.compile(
    rf"(?<![a-z])(?:(?P<f>{_FEMALES})|(?P<m>{_MALES})|(?P<f2>she|her)|(?P<m2>he|his)){_E}|(?P<f3>女)|(?P<m3>男)"
)


def persons(text: str, spans: Sequence[Span] | None = None) -> list[Person]:
    """The persons told of in ``spans`` of ``text`` (all of it by default), in order, each once.

    An age begins a person; sex and case number beside it belong to it. Without ages each case number is a person,
    without those each sex that is named.
    """
    cased = fold(text[:MAX_CHARS])
    found: list[Person] = []
    for start, end in spans if spans is not None else [(0, len(cased))]:
        found += _persons(cased, (start, min(end, len(cased))))
    return _once(found)


def _persons(cased: str, span: Span) -> list[Person]:
    text = lower(cased)
    ages = _ages(text, span)
    cases = _cases(cased, span)
    if not ages:
        if cases:
            return [replace(case, sex=_only_sex(text, span) if len(cases) == 1 else "") for case in cases]
        return [Person(None, sex, "", place) for sex, place in _first_of_each(_sexes(text, span))]
    people = [replace(age, sex=age.sex or _sex_beside(text, age, span, ages)) for age in ages]
    if len(ages) == len(cases) == 1:
        return [replace(people[0], case=cases[0].case)]
    numbered = [replace(person, case=_case_beside(text, person, cases)) for person in people]
    return numbered + _without_age(cases, people, text)


def _ages(text: str, span: Span) -> list[Person]:
    found: list[Person] = []
    for pattern in _AGES:
        for match in pattern.finditer(text, *span):
            place, groups = (match.start("n"), match.end()), match.groupdict()
            if (groups.get("unit") or "").startswith("w") and _GESTATION.match(text, match.end()):
                continue
            if all(place[1] <= p.span[0] or place[0] >= p.span[1] for p in found):
                age = _years(match["n"], groups.get("unit")) + _years(groups.get("n2") or "0", groups.get("unit2"))
                sex = (groups.get("sex") or "").upper()
                found += [Person(round(age, 2), sex, "", place)] if age <= MAX_AGE else []
    return sorted(found, key=lambda person: person.span)


def _years(number: str, unit: str | None) -> float:
    named = _WORDS | _DECADES
    value = float(named[number]) if number in named else float(number)
    unit = {"岁": "y", "个月": "m", "月龄": "m", "天": "d"}.get(unit or "y", unit or "y")
    return value / _PER_YEAR.get(unit[0], 1.0)


def _sexes(text: str, span: Span) -> list[tuple[str, Span]]:
    found = []
    for match in _SEX_WORD.finditer(text, *span):
        female = match["f"] or match["f2"] or match["f3"]
        found.append((FEMALE if female else MALE, match.span()))
    return found


def _first_of_each(sexes: Sequence[tuple[str, Span]]) -> list[tuple[str, Span]]:
    firsts: dict[str, Span] = {}
    for sex, place in sexes:
        firsts.setdefault(sex, place)
    return list(firsts.items())


def _only_sex(text: str, span: Span) -> str:
    sexes = {sex for sex, _ in _sexes(text, span)}
    return sexes.pop() if len(sexes) == 1 else ""


_MANY_OF_ONE = re.compile(r"\b(?:men|women|males|females|boys|girls|hombres|mujeres)\b")
_NEAR = 45
"""Characters between an age and the word for the sex."""
_FAR = 25
"""A word before the age is believed rather than one this far behind it."""


def _sex_beside(text: str, person: Person, span: Span, ages: Sequence[Person]) -> str:
    """The first word for a sex behind the age, else the last before it, both in reach; else the only one told."""
    start, end = person.span
    after = min([span[1], end + _NEAR, *(a.span[0] for a in ages if a.span[0] > start)])
    before = max([span[0], start - _NEAR, *(a.span[1] for a in ages if a.span[1] <= start)])
    stop = re.search(r"[.;](?:\s|$)", text[end:after])
    behind = _sexes(text, (max(before, start - 1), end + stop.start() if stop else after))
    ahead = _sexes(text, (before, start))
    if behind and not (ahead and behind[0][1][0] - end > _FAR):
        return behind[0][0]
    if ahead:
        return ahead[-1][0]
    return _only_sex(text, span) if len(ages) == 1 or _MANY_OF_ONE.search(text, *span) else ""


def _cases(text: str, span: Span) -> list[Person]:
    found: list[Person] = []
    for match in _CASE.finditer(text, *span):
        for number in _numbers(match["list"]):
            found.append(Person(None, "", number, match.span()))
    return list({person.case: person for person in reversed(found)}.values())[::-1]


def _numbers(listed: str) -> list[str]:
    parts = re.findall(r"\d+|(?<![A-Za-z])[A-HIV]+(?![A-Za-z])|-|to", listed)
    numbers: list[str] = []
    for position, part in enumerate(parts):
        if part in ("-", "to") or not part:
            continue
        if position > 1 and parts[position - 1] in ("-", "to") and part.isdigit() and numbers[-1].isdigit():
            numbers += [str(n) for n in range(int(numbers[-1]) + 1, min(int(part), int(numbers[-1]) + 30))]
        numbers.append(str(int(part)) if part.isdigit() else part)
    return numbers


def _case_beside(text: str, person: Person, cases: Sequence[Person]) -> str:
    """The case number in the person's own sentence, the nearest one."""
    sentence = next((s for s in sentences(text) if s[0] <= person.span[0] < s[1]), (0, len(text)))
    near = [case for case in cases if sentence[0] <= case.span[0] < sentence[1]]
    return min(near, key=lambda case: _apart(text, person.span, case.span)).case if near else ""


_BEHIND = 10


def _apart(text: str, person: Span, case: Span) -> int:
    """Characters between a person and a number; one behind the person is less believed unless in brackets."""
    if case[1] <= person[0]:
        return person[0] - case[1]
    between = text[person[1] : case[0]]
    return len(between) + (0 if "(" in between else _BEHIND)


def _without_age(cases: Sequence[Person], people: Sequence[Person], text: str) -> list[Person]:
    taken = {_case_beside(text, person, cases) for person in people}
    return [case for case in cases if case.case not in taken]


def _once(found: Sequence[Person]) -> list[Person]:
    kept: list[Person] = []
    for person in found:
        if not any((k.age, k.sex, k.case) == (person.age, person.sex, person.case) for k in kept):
            kept.append(person)
    return kept


_MONTHS = _MONTH_NAMES.split("|")
_MONTH = rf"(?P<month>{_MONTH_NAMES}|sept)(?:uary|ruary|ch|il|e|y|ust|tember|ober|ember)?\.?"
_DATES = (
    re.compile(r"(?<!\d)(?P<year>20\d\d)\s?[-/.年]\s?(?P<m>\d{1,2})\s?[-/.月]\s?(?P<day>\d{1,2})(?!\d)"),
    re.compile(rf"(?<![a-z0-9])(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)?[\s-]*{_MONTH}[\s,-]*(?P<year>20\d\d)?(?!\d)"),
    re.compile(rf"(?<![a-z]){_MONTH}\s?(?P<day>\d{{1,2}})(?!\d)(?:st|nd|rd|th)?(?:,?\s?(?P<year>20\d\d))?"),
    re.compile(r"(?P<m>\d{1,2})月(?P<day>\d{1,2})日"),
)
_ILL = "symptoms?|disease|illness|fever"
_EVENTS = {
    "onset": rf"(?:{_ILL})?[\s-]*(?:onset|beginning)|onset of (?:the )?(?:{_ILL})|illness|symptoms?",
    "admission": r"(?:hospital )?admission|hospitali[sz]ation|admitted|hospital stay",
    "discharge": r"discharge|release",
    "treatment": r"treatment|therapy|operation|surgery|transplantation|intubation",
    "exposure": r"exposure|contact",
}
_EVENT = "|".join(f"(?P<{name}>{pattern})" for name, pattern in _EVENTS.items())
_SINCE = rf"(?:\s*(?:after|of|from|since|post)\s*(?:the )?(?:{_EVENT}))?"
_LATER = "(?P<later>after|post|since|from|following|later|before|prior to)"
_DAYS = (
    re.compile(rf"(?<![a-z0-9])(?P<kind>illness|hospital|disease)?\s*days?\s?(?P<n>\d{{1,3}})(?!\d){_SINCE}"),
    re.compile(
        rf"(?<![a-z0-9])(?P<n>{_NUMBER})\s*(?P<unit>days?|weeks?|months?)\s*{_LATER}[\s-]*(?:the )?(?:{_EVENT})?"
    ),
    re.compile(rf"(?<![a-z0-9])(?:the )?(?P<n>\d{{1,3}})(?:st|nd|rd|th) day{_SINCE}"),
    re.compile(r"第\s?(?P<n>\d{1,3})\s?天"),
)
_KINDS = {"illness": "onset", "disease": "onset", "hospital": "admission"}
_DAYS_IN = {"w": 7, "m": 30}


def moments(text: str, spans: Sequence[Span] | None = None) -> list[Moment]:
    """Dates and days of illness in ``spans`` of ``text``, in order."""
    folded = fold_lower(text[:MAX_CHARS])
    found: list[Moment] = []
    for start, end in spans if spans is not None else [(0, len(folded))]:
        here = (start, min(end, len(folded)))
        found += _dated(folded, here) + _counted(folded, here)
    return sorted(found, key=lambda moment: moment.span)


def _dated(text: str, span: Span) -> list[Moment]:
    found: list[Moment] = []
    for pattern in _DATES:
        for match in pattern.finditer(text, *span):
            groups = match.groupdict()
            month = int(groups["m"]) if groups.get("m") else _MONTHS.index(groups["month"][:3]) + 1
            day = int(groups["day"])
            fits = 1 <= month <= 12 and 1 <= day <= 31
            if fits and all(match.end() <= m.span[0] or match.start() >= m.span[1] for m in found):
                year = groups.get("year") or "-"
                found.append(Moment(f"{year}-{month:02d}-{day:02d}", None, "", match.span()))
    return found


def _counted(text: str, span: Span) -> list[Moment]:
    found: list[Moment] = []
    for pattern in _DAYS:
        for match in pattern.finditer(text, *span):
            groups = match.groupdict()
            if any(match.start() < m.span[1] and m.span[0] < match.end() for m in found):
                continue
            count = int(float(_WORDS.get(match["n"], 0) or match["n"])) * _DAYS_IN.get(
                (groups.get("unit") or "d")[0], 1
            )
            before = groups.get("later") in ("before", "prior to")
            event = next((name for name in _EVENTS if groups.get(name)), "")
            event = event or _KINDS.get(groups.get("kind") or "", "")
            found.append(Moment("", -count if before else count, event, match.span()))
    return found
