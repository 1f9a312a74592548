// Kernels of the conformance suite: who ran (workgroup ids), and what it was given (constants).
#layout1 = #hal.pipeline.layout<bindings = [#hal.pipeline.binding<storage_buffer>]>
#layout2 = #hal.pipeline.layout<constants = 2, bindings = [#hal.pipeline.binding<storage_buffer>, #hal.pipeline.binding<storage_buffer>]>
hal.executable.source public @kernels {
  hal.executable.export public @write_ids ordinal(0) layout(#layout1) count(%arg0: !hal.device, %n: index) -> (index, index, index) {
    hal.return %n, %n, %n : index, index, index  // unknown: ids must not be folded
  }
  hal.executable.export public @scale ordinal(1) layout(#layout2) count(%arg0: !hal.device, %n: index) -> (index, index, index) {
    hal.return %n, %n, %n : index, index, index  // unknown: ids must not be folded
  }
  builtin.module {
    func.func @write_ids() {
      %out = hal.interface.binding.subspan layout(#layout1) binding(0) : memref<64xi32>
      %x = hal.interface.workgroup.id[0] : index
      %y = hal.interface.workgroup.id[1] : index
      %n = arith.constant 8 : index  // a count would be folded to the export's own 1
      %row = arith.muli %y, %n : index
      %i = arith.addi %row, %x : index
      %v = arith.index_cast %i : index to i32
      memref.store %v, %out[%i] : memref<64xi32>
      return
    }
    func.func @scale() {
      %a = hal.interface.constant.load layout(#layout2) ordinal(0) : i32
      %b = hal.interface.constant.load layout(#layout2) ordinal(1) : i32
      %in = hal.interface.binding.subspan layout(#layout2) binding(0) : memref<1024xi32>
      %out = hal.interface.binding.subspan layout(#layout2) binding(1) : memref<1024xi32>
      %x = hal.interface.workgroup.id[0] : index
      %v = memref.load %in[%x] : memref<1024xi32>
      %m = arith.muli %v, %a : i32
      %s = arith.addi %m, %b : i32
      memref.store %s, %out[%x] : memref<1024xi32>
      return
    }
  }
}
