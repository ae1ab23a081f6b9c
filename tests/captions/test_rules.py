"""The rule table: each rule's own examples, the writing of words, and what a broken table says."""

import re
import time

import pytest

from covidct.captions.context import label_with_context
from covidct.captions.labels import label_caption
from covidct.captions.mentions import find_mentions
from covidct.captions.rules import Boilerplate, Modifier, Term, fold, fold_lower, read_rules, rule_table, to_pattern
from covidct.errors import CovidctError

TABLE = rule_table()


def found(rule: Term | Modifier | Boilerplate, text: str) -> bool:
    if isinstance(rule, Boilerplate):
        return rule.pattern.search(text) is not None
    readable = fold(text) if isinstance(rule, Term) and rule.case else fold_lower(text)
    return rule.pattern.search(readable) is not None


def test_each_rule_is_found_in_its_examples_and_nowhere_else() -> None:
    table = [*TABLE.terms, *TABLE.modifiers, *TABLE.boilerplate]
    assert [rule.rule_id for rule in table if not (rule.yes and rule.no)] == []
    assert [(rule.rule_id, text) for rule in table for text in rule.yes if not found(rule, text)] == []
    assert [(rule.rule_id, text) for rule in table for text in rule.no if found(rule, text)] == []


def test_rule_ids_are_unique() -> None:
    ids = [rule.rule_id for rule in (*TABLE.terms, *TABLE.modifiers, *TABLE.boilerplate)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("words", "yes", "no"),
    [
        ("ground glass*", ["ground-glass", "ground  glasses"], ["groundglass x", "background glass"]),
        ("covid-19", ["covid-19", "covid 19", "covid19"], ["covid-1"]),
        ("no [sign of] cancer", ["no cancer", "no sign of cancer"], ["no signs cancer"]),
        ("(brother|sister) of", ["sister of"], ["sisters of"]),
        ("raise ... concern for", ["raise some real concern for", "raise concern for"], ["raise. concern for"]),
        ("case #", ["case 12"], ["case b"]),
        ("a+b (c)", ["a+b c"], ["aab c"]),
    ],
)
def test_words_are_written_as_the_head_of_the_table_says(words: str, yes: list[str], no: list[str]) -> None:
    pattern = re.compile(to_pattern(words))
    assert [text for text in yes if not pattern.search(text)] == []
    assert [text for text in no if pattern.search(text)] == []


def test_folding_keeps_every_character_at_its_offset() -> None:
    text = "Neumonía\u00a0por COVID\u201119 – Straße İstanbul ﬁ 新冠肺炎"
    assert len(fold_lower(text)) == len(text)
    assert fold_lower(text).startswith("neumonia por covid-19 -")


BROKEN = [
    ("not toml at all [", "cannot be read"),
    ('[stops]\nwords=[]\nmarks=";"\n[[term]]\nid="x"\nmeans="dog"\nwords=["a"]\nyes=[]\nno=[]\n', "'x'"),
    ('[stops]\nwords=[]\nmarks=";"\n[[term]]\nid="y"\nmeans="disease"\nwords=["(a"]\nyes=[]\nno=[]\n', "'y'"),
    ('[stops]\nwords=[]\nmarks=";"\n[[term]]\nid="z"\nmeans="disease"\n', "'z'"),
]


@pytest.mark.parametrize(("toml", "says"), BROKEN)
def test_a_broken_table_names_the_rule(toml: str, says: str) -> None:
    with pytest.raises(CovidctError, match=says):
        read_rules(toml)


@pytest.mark.parametrize("unit", ["-", " - ", "(A) ", "A: ", "e.g. ", "chest - ", "no evidence -"], ids=range(7))
def test_no_caption_takes_long_to_read(unit: str) -> None:
    """Lines of hyphens and hundreds of letters stand in tables that were taken for captions."""
    label_caption("warm")
    begun = time.process_time()
    label_caption((unit * 3_000)[:3_000])
    assert time.process_time() - begun < 3


def test_text_round_a_figure_is_read_once() -> None:
    label_with_context("CT of a man.", "He had fever. ")
    begun = time.process_time()
    label_with_context("CT of a man.", "He had fever. " * 2_000)
    find_mentions("(Figure 1, Fig. 1A-Z; " * 10_000, ["Figure 1"])
    assert time.process_time() - begun < 6
