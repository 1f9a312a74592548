// Loops, branch tables, nested conditions, calls and failures of the vm dialect.
vm.module @control {
  vm.export @collatz
  vm.func @collatz(%n: i64) -> i32 {
    %zero = vm.const.i32.zero
    vm.br ^head(%n, %zero : i64, i32)
  ^head(%x: i64, %steps: i32):
    %one = vm.const.i64 1
    %more = vm.cmp.lt.i64.s %one, %x : i64
    vm.cond_br %more, ^body, ^done(%steps : i32)
  ^body:
    %bit = vm.and.i64 %x, %one : i64
    %odd = vm.cmp.nz.i64 %bit : i64
    vm.cond_br %odd, ^up, ^down
  ^up:
    %three = vm.const.i64 3
    %tripled = vm.fma.i64 %x, %three, %one : i64
    vm.br ^next(%tripled : i64)
  ^down:
    %shift = vm.const.i32 1
    %halved = vm.shr.i64.s %x, %shift : i64
    vm.br ^next(%halved : i64)
  ^next(%y: i64):
    %increment = vm.const.i32 1
    %count = vm.add.i32 %steps, %increment : i32
    vm.br ^head(%y, %count : i64, i32)
  ^done(%result: i32):
    vm.return %result : i32
  }

  vm.export @table
  vm.func @table(%i: i32, %a: i64) -> i64 {
    %c10 = vm.const.i64 10
    %c20 = vm.const.i64 20
    vm.br_table %i {
      default: ^other(%a : i64),
      0: ^first,
      1: ^other(%c10 : i64),
      2: ^other(%c20 : i64)
    }
  ^first:
    %doubled = vm.add.i64 %a, %a : i64
    vm.return %doubled : i64
  ^other(%x: i64):
    %next = vm.add.i64 %x, %c10 : i64
    vm.return %next : i64
  }

  vm.func private @two(%a: i32, %b: i64) -> (i64, i32) {
    vm.return %b, %a : i64, i32
  }

  vm.export @calls
  vm.func @calls(%a: i32, %b: i64) -> (i64, i32) {
    %0:2 = vm.call @two(%a, %b) : (i32, i64) -> (i64, i32)
    %1 = vm.call @collatz(%0#0) : (i64) -> i32
    %2 = vm.add.i32 %1, %0#1 : i32
    vm.return %0#0, %2 : i64, i32
  }

  vm.export @fails_when_negative
  vm.func @fails_when_negative(%a: i32) -> i32 {
    %zero = vm.const.i32.zero
    %negative = vm.cmp.lt.i32.s %a, %zero : i32
    %code = vm.const.i32 9
    vm.cond_fail %negative, %code, "a is negative"
    vm.return %a : i32
  }

  vm.export @swap_loop
  vm.func @swap_loop(%n: i32, %a: i64, %b: i64) -> (i64, i64) {
    vm.br ^head(%n, %a, %b : i32, i64, i64)
  ^head(%i: i32, %x: i64, %y: i64):
    %left = vm.cmp.nz.i32 %i : i32
    vm.cond_br %left, ^body, ^done
  ^body:
    %c1 = vm.const.i32 1
    %next = vm.sub.i32 %i, %c1 : i32
    vm.br ^head(%next, %y, %x : i32, i64, i64)
  ^done:
    vm.return %x, %y : i64, i64
  }
}
