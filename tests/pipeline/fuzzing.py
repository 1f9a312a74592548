"""Mutated sources and pipelines, by seed; ``scripts/fuzz.py`` runs more of them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ireelab import examples, lab
from ireelab.cli.passes import pass_descriptions
from ireelab.errors import IreelabError
from ireelab.pipeline.compile import compile

_TOKEN = re.compile(r"[%@#!]?[\w.$-]+|\S")


@dataclass(frozen=True)
class Attempt:
    """What was tried and how it ended: the error's type, or "compiled"."""

    tried: str
    ended: str


def mutated(text: str, chance: random.Random) -> tuple[str, str]:
    """A damaged source, and how it was damaged."""
    kind = chance.choice(("drop", "swap", "repeat", "truncate", "nest", "bytes"))
    tokens = list(_TOKEN.finditer(text))
    a, b = sorted(chance.sample(tokens, 2), key=lambda token: token.start())
    if kind == "drop":
        return text[: a.start()] + text[a.end() :], kind
    if kind == "swap":
        middle = text[a.end() : b.start()]
        return text[: a.start()] + b[0] + middle + a[0] + text[b.end() :], kind
    if kind == "repeat":
        return text[: a.end()] + f" {a[0]}" * chance.randint(1, 50) + text[a.end() :], kind
    if kind == "truncate":
        return text[: a.start()] or " x", kind
    if kind == "nest":
        depth = chance.choice((10, 500, 20_000))
        return "module {" * depth + "}" * depth, f"{kind} {depth}"
    noise = "".join(chance.choice('\x01{}<>"\\é(%') for _ in range(8))
    return text[: a.start()] + noise + text[a.start() :], kind


def attempts(seed: int, count: int) -> Iterator[Attempt]:
    """Try sources and pipelines in turn; only untyped errors come out as exceptions."""
    chance = random.Random(seed)
    passes = sorted(name for name in pass_descriptions() if name.startswith("iree-"))
    passes += ["canonicalize", "cse", "one-shot-bufferize", "symbol-dce", "inline"]
    steps = lab.pipeline().names()
    small: Path = examples.path("elementwise")
    for number in range(count):
        if number % 2:
            source, what = mutated(small.read_text(), chance)
            yield Attempt(
                f"source: {what}", _ends(source, "lab" if number % 4 == 1 else "upstream")
            )
        else:
            name, at = chance.choice(passes), chance.choice(steps)
            text = chance.choice((name, f"util.func({name})", f"any({name})"))
            pipeline = lab.insert_after(at, text, called="tried")
            yield Attempt(f"{text} after {at}", _ends(small, pipeline))


def _ends(source: str | Path, pipeline: str | lab.Pipeline) -> str:
    try:
        compile(source, pipeline=pipeline)
    except IreelabError as error:
        return type(error).__name__
    return "compiled"
