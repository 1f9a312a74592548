"""What programs hold, as text one can read: machine code, LLVM IR, SPIR-V and VM bytecode.

The bridge between the run path, which knows how to decode and compile, and the models in
``ireelab.viz``, which show.
"""
