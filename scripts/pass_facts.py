"""Write ireelab/pipeline/pass_facts.json: what each pass does and where it is implemented.

    python scripts/pass_facts.py IREE_CHECKOUT

Summaries are those that the installed ``iree-opt --help`` prints; files are found in a checkout of
IREE at the pinned version. Passes that IREE does not implement are MLIR's own.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

OUT = Path(__file__).parents[1] / "ireelab" / "pipeline" / "pass_facts.json"

_HELP = re.compile(r"^ {6}--(?P<name>[\w-]+)(?:=\S+)? +- +(?P<text>.+)$", re.MULTILINE)
_DEF = re.compile(r"^def (?P<def>\w+)\s*:\s*\w*Pass<\s*\"(?P<name>[\w-]+)\"", re.MULTILINE)
_SUMMARY = re.compile(r"let summary =\s*((?:\s*\"[^\"]*\")+|\[\{.*?\}\])", re.DOTALL)
_ARGUMENT = re.compile(r"getArgument\(\)[^{;]*\{\s*return \"(?P<name>[\w-]+)\"", re.DOTALL)


def shown() -> dict[str, str]:
    tool = Path(sys.executable).parent / "iree-opt"
    text = subprocess.run([tool, "--help"], capture_output=True, text=True, check=True).stdout
    return {match["name"]: match["text"].strip() for match in _HELP.finditer(text)}


def declared(checkout: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Summary and C++ file, relative to the checkout, of IREE's passes by name."""
    summaries: dict[str, str] = {}
    files: dict[str, str] = {}
    for table in sorted((checkout / "compiler").rglob("*.td")):
        text = table.read_text()
        matches = list(_DEF.finditer(text))
        if not matches:
            continue
        sources = {path: path.read_text() for path in sorted(table.parent.rglob("*.cpp"))}
        ends = [match.start() for match in matches[1:]] + [len(text)]
        for match, end in zip(matches, ends, strict=True):
            if summary := _SUMMARY.search(text, match.end(), end):
                plain = re.sub(r'"\s*"', "", summary[1].strip().strip("[]{}")).strip().strip('"')
                summaries[match["name"]] = " ".join(plain.split())
            base = re.compile(rf"\b{match['def']}Base\b")
            path = next((path for path, code in sources.items() if base.search(code)), table)
            files[match["name"]] = path.relative_to(checkout).as_posix()
    for path in sorted((checkout / "compiler").rglob("*.cpp")):
        for match in _ARGUMENT.finditer(path.read_text(errors="replace")):
            files.setdefault(match["name"], path.relative_to(checkout).as_posix())
    return summaries, files


def main() -> None:
    summaries, files = declared(Path(sys.argv[1]))
    known = {**summaries, **shown()}
    facts = {name: [known.get(name, ""), files.get(name, "")] for name in sorted({*known, *files})}
    lines = (f"{json.dumps(name)}: {json.dumps(fact)}" for name, fact in facts.items())
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(facts)} passes, {sum(bool(file) for _, file in facts.values())} of them IREE's")


if __name__ == "__main__":
    main()
