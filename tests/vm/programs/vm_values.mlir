// Lists, buffers, globals, references, branches and calls of the vm dialect. Every function takes
// and returns numbers, so that IREE's own VM can be asked for the same results.
vm.module @values {
  vm.global.i32 private mutable @counter = 3 : i32
  vm.global.i64 private mutable @wide = 5000000000 : i64
  vm.global.f32 private mutable @single = 1.5 : f32
  vm.global.f64 private mutable @double = 2.25 : f64
  vm.global.ref private mutable @kept : !vm.buffer
  vm.rodata private @bytes dense<[1, 2, 3, 250, 251, 252, 253, 254, 255, 128, 127, 0, 9, 8, 7, 6]> : vector<16xi8>
  vm.rodata private @same dense<[1, 2, 3, 250]> : vector<4xi8>

  vm.export @globals
  vm.func @globals(%a: i32, %b: i64, %c: f32, %d: f64) -> (i32, i64, f32, f64) {
    %0 = vm.global.load.i32 @counter : i32
    %1 = vm.add.i32 %0, %a : i32
    vm.global.store.i32 %1, @counter : i32
    %2 = vm.global.load.i64 @wide : i64
    %3 = vm.sub.i64 %2, %b : i64
    vm.global.store.i64 %3, @wide : i64
    %4 = vm.global.load.f32 @single : f32
    %5 = vm.mul.f32 %4, %c : f32
    vm.global.store.f32 %5, @single : f32
    %6 = vm.global.load.f64 @double : f64
    %7 = vm.add.f64 %6, %d : f64
    vm.global.store.f64 %7, @double : f64
    vm.return %1, %3, %5, %7 : i32, i64, f32, f64
  }

  vm.export @list_i32
  vm.func @list_i32(%index: i32, %value: i32) -> (i32, i32, i64) {
    %c4 = vm.const.i32 4
    %list = vm.list.alloc %c4 : (i32) -> !vm.list<i32>
    vm.list.resize %list, %c4 : (!vm.list<i32>, i32)
    vm.list.set.i32 %list, %index, %value : (!vm.list<i32>, i32, i32)
    %got = vm.list.get.i32 %list, %index : (!vm.list<i32>, i32) -> i32
    %size = vm.list.size %list : (!vm.list<i32>) -> i32
    %wide = vm.list.get.i64 %list, %index : (!vm.list<i32>, i32) -> i64
    vm.return %got, %size, %wide : i32, i32, i64
  }

  vm.export @list_narrow
  vm.func @list_narrow(%value: i32) -> (i32, i32) {
    %c0 = vm.const.i32.zero
    %c1 = vm.const.i32 1
    %bytes = vm.list.alloc %c1 : (i32) -> !vm.list<i8>
    vm.list.resize %bytes, %c1 : (!vm.list<i8>, i32)
    vm.list.set.i32 %bytes, %c0, %value : (!vm.list<i8>, i32, i32)
    %a = vm.list.get.i32 %bytes, %c0 : (!vm.list<i8>, i32) -> i32
    %shorts = vm.list.alloc %c1 : (i32) -> !vm.list<i16>
    vm.list.resize %shorts, %c1 : (!vm.list<i16>, i32)
    vm.list.set.i32 %shorts, %c0, %value : (!vm.list<i16>, i32, i32)
    %b = vm.list.get.i32 %shorts, %c0 : (!vm.list<i16>, i32) -> i32
    vm.return %a, %b : i32, i32
  }

  vm.export @list_float
  vm.func @list_float(%value: f64) -> (f32, f64) {
    %c0 = vm.const.i32.zero
    %c1 = vm.const.i32 1
    %list = vm.list.alloc %c1 : (i32) -> !vm.list<f32>
    vm.list.resize %list, %c1 : (!vm.list<f32>, i32)
    vm.list.set.f64 %list, %c0, %value : (!vm.list<f32>, i32, f64)
    %a = vm.list.get.f32 %list, %c0 : (!vm.list<f32>, i32) -> f32
    %b = vm.list.get.f64 %list, %c0 : (!vm.list<f32>, i32) -> f64
    vm.return %a, %b : f32, f64
  }

  vm.export @list_variant
  vm.func @list_variant(%index: i32, %value: i64) -> (i32, i32, i64) {
    %c0 = vm.const.i32.zero
    %c1 = vm.const.i32 1
    %c3 = vm.const.i32 3
    %bytes = vm.const.ref.rodata @bytes : !vm.buffer
    %list = vm.list.alloc %c3 : (i32) -> !vm.list<?>
    vm.list.resize %list, %c3 : (!vm.list<?>, i32)
    vm.list.set.ref %list, %c0, %bytes : (!vm.list<?>, i32, !vm.buffer)
    vm.list.set.i64 %list, %c1, %value : (!vm.list<?>, i32, i64)
    %wide = vm.list.get.i64 %list, %c1 : (!vm.list<?>, i32) -> i64
    %got = vm.list.get.ref %list, %index : (!vm.list<?>, i32) -> !vm.buffer
    %is_set = vm.cmp.nz.ref %got : !vm.buffer
    %is_same = vm.cmp.eq.ref %got, %bytes : !vm.buffer
    vm.return %is_set, %is_same, %wide : i32, i32, i64
  }

  vm.export @buffer_loads
  vm.func @buffer_loads(%at: i64) -> (i32, i32, i32, i32) {
    %b = vm.const.ref.rodata @bytes : !vm.buffer
    %0 = vm.buffer.load.i8.u %b[%at] : !vm.buffer -> i32
    %1 = vm.buffer.load.i8.s %b[%at] : !vm.buffer -> i32
    %2 = vm.buffer.load.i16.u %b[%at] : !vm.buffer -> i32
    %3 = vm.buffer.load.i16.s %b[%at] : !vm.buffer -> i32
    vm.return %0, %1, %2, %3 : i32, i32, i32, i32
  }

  vm.export @buffer_wide
  vm.func @buffer_wide(%at: i64) -> (i32, i64) {
    %b = vm.const.ref.rodata @bytes : !vm.buffer
    %0 = vm.buffer.load.i32 %b[%at] : !vm.buffer -> i32
    %1 = vm.buffer.load.i64 %b[%at] : !vm.buffer -> i64
    vm.return %0, %1 : i32, i64
  }

  vm.export @buffer_stores
  vm.func @buffer_stores(%value: i32, %wide: i64, %single: f32, %double: f64) -> (i64, i64, i64) {
    %c0 = vm.const.i64.zero
    %c1 = vm.const.i64 1
    %c2 = vm.const.i64 2
    %c3 = vm.const.i64 3
    %c4 = vm.const.i64 4
    %c16 = vm.const.i32 16
    %c40 = vm.const.i64 40
    %c16_64 = vm.const.i64 16
    %b = vm.buffer.alloc %c40, %c16 : !vm.buffer
    vm.buffer.fill.i8 %b, %c0, %c3, %value : i32 -> !vm.buffer
    vm.buffer.store.i16 %value, %b[%c2] : i32 -> !vm.buffer
    vm.buffer.store.i32 %value, %b[%c2] : i32 -> !vm.buffer
    vm.buffer.store.i64 %wide, %b[%c2] : i64 -> !vm.buffer
    vm.buffer.store.f32 %single, %b[%c3] : f32 -> !vm.buffer
    vm.buffer.store.f64 %double, %b[%c3] : f64 -> !vm.buffer
    vm.buffer.fill.i16 %b, %c4, %c1, %value : i32 -> !vm.buffer
    %h0 = vm.buffer.hash %b, %c0, %c40 : !vm.buffer -> i64
    vm.buffer.fill.f32 %b, %c0, %c4, %single : f32 -> !vm.buffer
    %h1 = vm.buffer.hash %b, %c1, %c16_64 : !vm.buffer -> i64
    %clone = vm.buffer.clone %b, %c4, %c16_64, %c16 : !vm.buffer -> !vm.buffer
    vm.buffer.fill.f64 %clone, %c0, %c1, %double : f64 -> !vm.buffer
    vm.buffer.copy %clone, %c0, %b, %c3, %c4 : !vm.buffer -> !vm.buffer
    %h2 = vm.buffer.hash %b, %c0, %c40 : !vm.buffer -> i64
    vm.return %h0, %h1, %h2 : i64, i64, i64
  }

  vm.export @buffer_compare
  vm.func @buffer_compare(%at: i64, %length: i64) -> i32 {
    %c0 = vm.const.i64.zero
    %a = vm.const.ref.rodata @bytes : !vm.buffer
    %b = vm.const.ref.rodata @same : !vm.buffer
    %0 = vm.buffer.compare %a, %at, %b, %c0, %length : !vm.buffer, !vm.buffer
    vm.return %0 : i32
  }

  vm.export @kept_ref
  vm.func @kept_ref(%store: i32) -> i64 {
    %null = vm.const.ref.zero : !vm.buffer
    %bytes = vm.const.ref.rodata @bytes : !vm.buffer
    %value = vm.select.ref %store, %bytes, %null : !vm.buffer
    vm.global.store.ref %value, @kept : !vm.buffer
    %back = vm.global.load.ref @kept : !vm.buffer
    %any = vm.cast.ref.any %back : !vm.buffer -> !vm.ref<?>
    %cast = vm.cast.any.ref %any : !vm.ref<?> -> !vm.buffer
    %length = vm.buffer.length %cast : !vm.buffer -> i64
    vm.return %length : i64
  }

  vm.export @switches
  vm.func @switches(%i: i32, %a: i32, %b: f32, %c: f64) -> (i32, f32, f64) {
    %c7 = vm.const.i32 7
    %f = vm.const.f32 0.5
    %d = vm.const.f64 0.25
    %0 = vm.switch.i32 %i[%a, %c7, %i] else %a : i32
    %1 = vm.switch.f32 %i[%b, %f] else %f : f32
    %2 = vm.switch.f64 %i[%c, %d] else %c : f64
    vm.return %0, %1, %2 : i32, f32, f64
  }
}
