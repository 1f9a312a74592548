"""What Tab offers on a line of ``%%iree``, ``%iree_run`` or ``%iree_diff``."""

from __future__ import annotations

from collections.abc import Sequence


def completions(line: str, variables: Sequence[str] = ()) -> list[str]:
    """What may follow at the end of a magic's ``line``; ``variables`` hold traces or programs."""
    words = line.split(" ")
    before, word = (words[-2] if len(words) > 1 else ""), words[-1]
    if "=" in word:  # IPython completes what stands after the "="
        before, _, word = word.partition("=")
    values = _values(variables)
    if before in values:
        return [value for value in values[before] if value.startswith(word)]
    magic = words[0].lstrip("%")
    offered = (*values.get(magic, ()), *_OPTIONS[magic])
    return [text for text in offered if text.startswith(word)]


_OPTIONS = {
    "iree": (
        "--target", "--pipeline", "--until", "--from-step", "--run", "--input", "--device",
        "--flag", "--cache",
    ),
    "iree_run": ("--function", "--input", "--device", "--repeat"),
    "iree_diff": ("--trace",),
}  # fmt: skip


def _values(variables: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The values of the options, and of the magics' own arguments, that are one of a few."""
    from ireelab.hal.registry import devices
    from ireelab.pipeline.compile import PIPELINES
    from ireelab.pipeline.step import PHASES
    from ireelab.pipeline.targets import TARGETS

    return {
        "--target": tuple(TARGETS),
        "--pipeline": PIPELINES,
        "--until": PHASES,
        "--trace": tuple(variables),
        "iree_run": tuple(variables),
        "iree_diff": PHASES,
        "--device": tuple(device.id for device in devices() if device.available),
    }
