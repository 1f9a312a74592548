"""The model "execution" of the VM pane: one call of the program, stepped through on a device.

Not among ``ireelab.viz.models``, which run nothing.
"""

from __future__ import annotations

from ireelab.errors import IreelabError
from ireelab.hal.registry import names_of
from ireelab.viz.models import ModelBlob, Subject, pack_model
from ireelab.vm.context import Context
from ireelab.vm.example_inputs import example_inputs
from ireelab.vm.execution import record_execution
from ireelab.widgets.history import inputs_of

EXECUTION = "execution"


def execution_blob(subject: Subject, name: str) -> ModelBlob:
    """Run and record a call: "execution/FUNCTION", or without a function the one of the run.

    The inputs are those of the run where it keeps them, else made up from the signature: a
    program's control flow hardly ever depends on the contents of its tensors.
    """
    program = subject.program or (subject.trace.compiled if subject.trace else None)
    if program is None:
        return ModelBlob(absent="There is no program to step through.")
    run = subject.run
    device = "llvm-cpu" if run is None else names_of(run.device)
    wanted = name.partition("/")[2] or (run.function if run is not None else None)
    try:
        function = program.function(wanted)
        same = run is not None and run.function == function.name
        kept = inputs_of(run) if run is not None and same else ()
        inputs = kept or example_inputs(function)
        with Context(program, device) as context:
            record = record_execution(context, function.name, *inputs)
    except IreelabError as error:
        return ModelBlob(absent=str(error))
    return pack_model(record.to_json() | {"device": device, "made_up": not kept})
