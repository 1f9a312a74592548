"""Makes ``ireelab/listing/spirv_grammar.json`` from Khronos' grammar of SPIR-V.

    scripts/spirv_grammar.py SPIRV-Headers/include/spirv/unified1

Numbers and names only: opcodes with the kinds of their operands, enumerants with theirs. Vendors'
instructions that no Vulkan kernel of IREE has are left out.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parents[1] / "ireelab/listing/spirv_grammar.json"
_LEFT_OUT = re.compile(r"(INTEL|ALTERA|AMDX?|QCOM|ARM|HUAWEI)$")


def _kinds(operands: list[dict[str, Any]]) -> str:
    return " ".join(operand["kind"] + operand.get("quantifier", "") for operand in operands)


def _opcodes(core: dict[str, Any]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for item in core["instructions"]:
        if not _LEFT_OUT.search(item["opname"]):
            entry = [item["opname"], _kinds(item.get("operands", []))]
            found.setdefault(item["opcode"], entry)
    return dict(sorted(found.items()))


def _enums(core: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for kind in core["operand_kinds"]:
        if kind["category"] not in ("BitEnum", "ValueEnum"):
            continue
        values: dict[int, list[str]] = {}
        for item in kind["enumerants"]:
            if not _LEFT_OUT.search(item["enumerant"]):
                entry = [item["enumerant"], _kinds(item.get("parameters", []))]
                values.setdefault(int(str(item["value"]), 0), entry)
        if values:
            found[kind["kind"]] = {"bits": kind["category"] == "BitEnum", "values": values}
    return found


def main(folder: Path) -> None:
    core = json.loads((folder / "spirv.core.grammar.json").read_text())
    glsl = json.loads((folder / "extinst.glsl.std.450.grammar.json").read_text())
    tables = {
        "opcodes": _opcodes(core),
        "enums": _enums(core),
        "glsl.std.450": {i["opcode"]: i["opname"] for i in glsl["instructions"]},
    }
    lines = [
        f'"{name}": {{\n'
        + ",\n".join(
            f'"{key}": {json.dumps(value, separators=(",", ":"))}' for key, value in table.items()
        )
        + "\n}"
        for name, table in tables.items()
    ]
    OUTPUT.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
