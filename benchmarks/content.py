"""How well the lexicon tells sentences apart, on the labelled sets of tests/content, and how long it takes."""

from collections.abc import Iterable
from pathlib import Path
from time import perf_counter
from typing import Any

from ruamel.yaml import YAML

from shared.content.lexicon import Finding
from shared.content.loading import classify

_SETS = Path(__file__).parent.parent / "tests" / "content"
_ROUNDS = 20


def run() -> None:
    """Print, per language, what is stopped, what is let through, and precision and recall per tag."""
    for path in sorted(_SETS.glob("sentences.*.yaml")):
        labelled = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        _report(labelled["language"], labelled)
    unseen = YAML(typ="safe", pure=True).load((_SETS / "unseen.yaml").read_text(encoding="utf-8"))
    print("\nsentences that the lexicon was not made by")
    for language, said in unseen.items():
        found = {text: classify(text, language) for text in _texts(said)}
        print(
            f"  {language:6} forbidden {_share(said['forbidden'], found, sent=False)} stopped, "
            f"veiled {_share(said['veiled'], found, sent=False)} stopped, "
            f"harmless {_share(said['harmless'], found, sent=True)} sent"
        )


def _report(language: str, labelled: dict[str, Any]) -> None:
    said = [
        (tag, sentence)
        for tag, sentences in labelled["forbidden"].items()
        for sentence in sentences
    ]
    found = {text: classify(text, language) for text in _texts(labelled)}
    bad = [text for _, text in said]
    bad += [text for name in ("more_forbidden", "veiled", "unsure") for text in labelled[name]]
    good = [text for name in ("sent", "more_sent", "fresh_sent") for text in labelled[name]]
    hard = labelled["hard"]
    print(f"\n{language}: {len(found)} sentences, which the lexicon was made by")
    print(f"  not to be sent  {_share(bad, found, sent=False)} stopped (goal: all)")
    print(f"  harmless        {_share(good, found, sent=True)} sent")
    print(f"  hard, harmless  {_share(hard, found, sent=True)} sent, the others unsure")
    print("  tag                          labelled  named  recall  precision")
    for tag in labelled["forbidden"]:
        if tag == "disguised":
            continue
        of_tag = [text for name, text in said if name == tag]
        named = [text for text in of_tag if tag in found[text].forbidden]
        wrongly = [text for text in good + hard if tag in found[text].forbidden]
        precision = len(named) / max(1, len(named) + len(wrongly))
        print(
            f"  {tag:28} {len(of_tag):8} {len(named):6} {len(named) / len(of_tag):7.0%} {precision:10.0%}"
        )
    began = perf_counter()
    for _ in range(_ROUNDS):
        for text in found:
            classify(text, language)
    each = (perf_counter() - began) / (_ROUNDS * len(found))
    print(f"  {each * 1e6:.0f} microseconds a sentence")


def _texts(labelled: dict[str, Any]) -> Iterable[str]:
    for said in labelled.values():
        if isinstance(said, dict):
            for sentences in said.values():
                yield from sentences
        elif isinstance(said, list):
            yield from said


def _share(texts: list[str], found: dict[str, Finding], *, sent: bool) -> str:
    right = sum(found[text].may_be_sent is sent for text in texts)
    return f"{right} of {len(texts)} ({right / len(texts):.0%})"
