"""Assembly -> what its instructions do, counted. x86 (AT&T syntax) and 64-bit Arm."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Mnemonic, without the v of AVX -> class; the first that matches counts.
_X86_VECTOR = (
    (r"cvt.*", "convert"),
    (
        r"(shuf|perm|unpck|insert|extract|blend|palign|align|pshuf|pextr|pinsr|pblend|punpck|"
        r"broadcast|pbroadcast|movhl|movlh|movddup|movshdup|movsldup|compress|expand|pack).*",
        "shuffle",
    ),
    (r"(gather|pgather).*", "load"),
    (r"(scatter|pscatter).*", "store"),
    (r"(xor|and|andn|or)(ps|pd)|pternlog.*|p(and|or|xor|andn)[dq]?", "vector logic"),
    (r"zeroupper|zeroall", "other"),
    (r".*(ps|pd|ph|pbf16)", "vector float"),
    (r"(u?com|.*)(ss|sd|sh)[xz]?", "scalar float"),
    (r"p.*|mpsadbw|gf2.*|aes.*", "vector integer"),
)
_X86_SCALAR = (
    (r"call.*", "call"),
    (r"j.*|ret.*|loop.*", "branch"),
    (r"(push|pop)[a-z]*|leave[a-z]*", "stack"),
    (r"lea[a-z]*", "address"),
    (r"prefetch.*", "prefetch"),
    (r"k(add|and|andn|mov|not|or|ortest|shift|test|unpck|xnor|xor).*", "mask"),
    (r"(cmp|test|set|cmov)[a-z]*", "compare"),
    (r"nop.*|endbr.*|int3|ud2|cld", "other"),
    (r".*", "integer"),
)
_ARM = (
    (r"bl|blr", "call"),
    (r"b|b\..*|br|cbn?z|tbn?z|ret.*", "branch"),
    (r"(ld|ldr|ldp|ldur).*", "load"),
    (r"(st|str|stp|stur).*", "store"),
    (r"prfm.*", "prefetch"),
    (r"fcvt.*|[su]cvtf|[su]xt[a-z]+", "convert"),
    (r"(zip|uzp|trn|ext|tbl|tbx|dup|ins|rev|umov|smov).*", "shuffle"),
    (r"fmov|mov[a-z]*|mvn[a-z]*", "move"),
    (r"(cmp|cmn|tst|ccmp|csel|cset|csinc|fcsel|fcmp)[a-z]*", "compare"),
    (r"adrp?", "address"),
    (r"nop|hint|brk|udf", "other"),
)
_X86_MOVES = re.compile(
    r"v?mov(aps|apd|ups|upd|dqa\d*|dqu\d*|ntps|ntpd|ntdqa?|ss|sd|sh|d|q|lps|hps|lpd|hpd)$"
    r"|mov(abs)?[bwlq]|mov[sz][bwl][wlq]|movslq"
)
_X86_VECTOR_REGISTER = re.compile(r"%([xyz])mm(\d+)")
_X86_GENERAL = re.compile(r"%(?:r(\d+)[dwb]?|[er]?([abcd])[xlh]|[er]?([sd]i)l?|[er]?(bp)l?)\b")
_ARM_VECTOR_REGISTER = re.compile(r"\b([vqdsz])(\d+)\b")
_ARM_GENERAL = re.compile(r"\b[xw](\d+)\b")
_BITS = {"x": 128, "y": 256, "z": 512}
_SCALAR_FLOAT = re.compile(r".*(ss|sd|sh|si|si2s[sdh]l?)[xz]?$")


@dataclass(frozen=True, slots=True)
class InstructionMix:
    """Instructions by what they do, and by mnemonic.

    ``classes`` counts each instruction once; arithmetic on an operand in memory is arithmetic,
    and one of ``memory_operands`` too. ``vector_bits`` is the widest vector register that is
    worked on (0: none), the register counts are of different registers named.
    """

    instructions: int
    classes: Mapping[str, int]
    mnemonics: Mapping[str, int]
    memory_operands: int
    vector_bits: int
    vector_registers: int
    general_registers: int


def instruction_mix(instructions: Iterable[str], *, arm: bool) -> InstructionMix:
    """Count instructions, each ``mnemonic operands`` without comments."""
    classes: Counter[str] = Counter()
    mnemonics: Counter[str] = Counter()
    vectors: set[str] = set()
    generals: set[str] = set()
    bits = memory = 0
    for text in instructions:
        mnemonic, _, operands = text.partition("\t")
        mnemonics[mnemonic] += 1
        classes[_arm(mnemonic, operands) if arm else _x86(mnemonic, operands)] += 1
        memory += ("[" if arm else "(") in operands and not mnemonic.startswith(("lea", "nop"))
        if arm:
            found = _ARM_VECTOR_REGISTER.findall(operands)
            vectors.update(number for _, number in found)
            bits = max(bits, 128 if any(kind in "vqz" for kind, _ in found) else 0)
            generals.update(_ARM_GENERAL.findall(operands))
        else:
            found = _X86_VECTOR_REGISTER.findall(operands)
            vectors.update(number for _, number in found)
            if not _SCALAR_FLOAT.match(mnemonic):
                bits = max([bits, *(_BITS[kind] for kind, _ in found)])
            generals.update("".join(m) for m in _X86_GENERAL.findall(operands))
    return InstructionMix(
        sum(mnemonics.values()),
        dict(classes.most_common()),
        dict(mnemonics.most_common()),
        memory,
        bits,
        len(vectors),
        len(generals),
    )


def _x86(mnemonic: str, operands: str) -> str:
    if _X86_MOVES.match(mnemonic):
        return _x86_move(operands)
    vector = "mm" in operands and _X86_VECTOR_REGISTER.search(operands)
    if vector or mnemonic.startswith("vzero"):
        name = mnemonic.removeprefix("v")
        broadcasts = name.startswith(("broadcast", "pbroadcast")) and "(" in operands
        return "load" if broadcasts else _first(_X86_VECTOR, name)
    return _first(_X86_SCALAR, mnemonic)


def _x86_move(operands: str) -> str:
    """AT&T syntax names the destination last."""
    bare = re.sub(r"\{[^}]*\}", "", operands).rstrip()
    if bare.endswith(")"):
        return "store"
    return "load" if "(" in bare else "move"


def _arm(mnemonic: str, operands: str) -> str:
    found = next((c for pattern, c in _ARM if re.fullmatch(pattern, mnemonic)), "")
    if found:
        return found
    vector = re.search(r"\b[vz]\d+\.", operands)
    if mnemonic.startswith(("f", "bf")):
        return "vector float" if vector else "scalar float"
    return "vector integer" if vector else "integer"


def _first(rules: Iterable[tuple[str, str]], name: str) -> str:
    return next((found for pattern, found in rules if re.fullmatch(pattern, name)), "other")
