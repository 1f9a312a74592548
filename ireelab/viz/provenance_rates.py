"""How much of a compilation has a known origin: the match rate of each phase."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ireelab.pipeline.provenance_index import ProvenanceIndex, provenance_index
from ireelab.pipeline.provenance_sites import DispatchSites
from ireelab.pipeline.provenance_walk import Module, modules_of, op_name, own_lines
from ireelab.pipeline.step import PHASES
from ireelab.pipeline.trace import Trace

_TENSOR_DIALECTS = ("linalg", "stablehlo", "chlo", "tosa", "torch", "iree_linalg_ext")
_SCALAR_DIALECTS = ("arith", "math")
_NOT_COMPUTE = frozenset(
    {
        "linalg.yield",
        "linalg.index",
        "stablehlo.constant",
        "stablehlo.return",
        "tosa.const",
        "tosa.const_shape",
        "tosa.yield",
        "torch.vtensor.literal",
        "torch.operator_terminator",
        "arith.constant",
        "arith.index_cast",
        "arith.index_castui",
        "iree_linalg_ext.yield",
    }
)
_TORCH_COMPUTE = ("torch.aten.", "torch.prims.", "torch.operator")
_VECTOR = frozenset(
    {"vector.contract", "vector.fma", "vector.multi_reduction", "vector.reduction"}
    | {"vector.outerproduct", "vector.scan"}
)
_LLVM = re.compile(
    r"llvm\.(?:f(?:add|sub|mul|div|rem|neg|cmp)|intr\.(?:fma|fmuladd|maximumf?|\w*exp\w*|vector\.reduce\.\w+))$"
)
_SPIRV = re.compile(
    r"spirv\.(?:F(?:Add|Sub|Mul|Div|Negate)|GL\.\w+|CL\.\w+|Cooperative\w+MulAdd\w*)$"
)
_DISPATCH = re.compile(
    r"\b(?:flow|stream\.async|stream\.cmd)\.dispatch\b(?!\.)|\bhal\.command_buffer\.dispatch\b"
)
_DATA = re.compile(r": .*(?:\b(?:bf16|f\d+\w*)\b|tensor<|vector<)")
_INDEX_TYPE = re.compile(r": index\b")


@dataclass(frozen=True, slots=True)
class PhaseRate:
    """The compute ops at the end of a phase: how many come from and lead to somewhere."""

    phase: str
    ops: int
    from_source: int
    in_program: int

    @property
    def ancestor_rate(self) -> float:
        """Share with an op of the source as ancestor; 1 where there are no ops."""
        return self.from_source / self.ops if self.ops else 1.0

    @property
    def descendant_rate(self) -> float:
        """Share with a descendant in the program; 1 where there are no ops."""
        return self.in_program / self.ops if self.ops else 1.0

    def to_json(self) -> dict[str, object]:
        return {
            "phase": self.phase,
            "ops": self.ops,
            "from_source": self.from_source,
            "in_program": self.in_program,
            "ancestor_rate": self.ancestor_rate,
            "descendant_rate": self.descendant_rate,
        }


@dataclass(frozen=True, slots=True)
class ProvenanceRates:
    """The match rates of a trace, by phase."""

    phases: tuple[PhaseRate, ...]

    def to_json(self) -> dict[str, object]:
        return {"phases": [rate.to_json() for rate in self.phases]}

    def __str__(self) -> str:
        rows = [f"{'phase':20s} {'compute ops':>11s} {'from source':>12s} {'in program':>12s}"]
        rows += [
            f"{r.phase:20s} {r.ops:11d} {r.ancestor_rate:12.1%} {r.descendant_rate:12.1%}"
            for r in self.phases
        ]
        return "\n".join(rows)

    __repr__ = __str__


def is_compute(line: str, *, in_body: bool = False) -> bool:
    """Whether a line of IR is an op that computes data, or dispatches a kernel that does.

    Structured and tensor ops (linalg, StableHLO, TOSA, Torch), arithmetic on tensors, vectors and
    floating-point numbers or in the body of a structured op (``in_body``), vector arithmetic,
    floating-point arithmetic of the LLVM and SPIR-V dialects, and dispatches. Constants,
    terminators, the unpacking of operands and address arithmetic are not.
    """
    name = op_name(line)
    if not name or name in _NOT_COMPUTE:
        return False
    dialect = name.partition(".")[0]
    if dialect == "torch":
        return name.startswith(_TORCH_COMPUTE)
    if dialect in _TENSOR_DIALECTS or name in _VECTOR:
        return True
    if dialect in _SCALAR_DIALECTS:
        return _INDEX_TYPE.search(line) is None and (in_body or _DATA.search(line) is not None)
    if dialect in ("llvm", "spirv"):
        return _LLVM.match(name) is not None or _SPIRV.match(name) is not None
    return _DISPATCH.search(line) is not None and not name.startswith("vm.import")


def provenance_rates(trace: Trace) -> ProvenanceRates:
    """The match rates at the end of each phase that ran.

    An op counts as coming from the source when its location names an op of the source (a whole
    function does not count), and as being in the program when one of these source ops is also
    named in the last module or in a kernel that is dispatched there.

    Raises:
        ProvenanceUnavailable: the source does not compile again as it did.
    """
    index = provenance_index(trace)
    modules = modules_of(trace)
    sites = DispatchSites(index, trace, modules)
    alive = sites.atoms_inside(set(sites.entry_points(sites.kernels)))
    last: dict[str, Module] = {}
    for step, module in modules:
        if step >= 0:
            last[trace.steps[step].phase] = module
    if modules:
        for piece, _, _ in modules[-1][1].pieces:
            for group in set(index.lines(piece)):
                alive.update(index.ops_among(set(index.groups[group])))
    counted = (_count(phase, last[phase], index, alive) for phase in PHASES if phase in last)
    return ProvenanceRates(tuple(counted))


def _count(phase: str, module: Module, index: ProvenanceIndex, alive: set[int]) -> PhaseRate:
    groups = list(_compute_groups(module, index))
    near = {group: index.ops_among(index.atoms_near(group)) for group in set(groups)}
    return PhaseRate(
        phase,
        len(groups),
        sum(bool(near[group]) for group in groups),
        sum(not near[group].isdisjoint(alive) for group in groups),
    )


def _compute_groups(module: Module, index: ProvenanceIndex) -> Iterator[int]:
    for piece, _, _ in module.pieces:
        structured = -1  # indentation of the linalg op whose body this is
        for text, group in zip(own_lines(piece), index.lines(piece), strict=True):
            indent = len(text) - len(text.lstrip(" "))
            if 0 <= indent <= structured and not text.lstrip().startswith("^"):
                structured = -1
            if is_compute(text, in_body=structured >= 0):
                yield group
            if text.endswith("{") and op_name(text).startswith(("linalg.", "iree_linalg_ext.")):
                structured = indent
