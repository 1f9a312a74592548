// A wait for a fence that nobody signals, until a timeout in milliseconds. The other function makes
// the program one whose fences are real on every device.
vm.module @waits {
  vm.import private @hal.devices.get(%index : i32) -> !vm.ref<!hal.device>
  vm.import private @hal.fence.create(%device : !vm.ref<!hal.device>, %flags : i64) -> !vm.ref<!hal.fence>
  vm.import private @hal.fence.await(%timeout : i32, %flags : i64, %fences : !vm.ref<!hal.fence> ...) -> i32 attributes {vm.yield}
  vm.export @waits
  vm.func @waits(%timeout : i32) -> i32 {
    %index = vm.const.i32 0
    %flags = vm.const.i64 0
    %device = vm.call @hal.devices.get(%index) : (i32) -> !vm.ref<!hal.device>
    %fence = vm.call @hal.fence.create(%device, %flags) : (!vm.ref<!hal.device>, i64) -> !vm.ref<!hal.fence>
    %status = vm.call.variadic @hal.fence.await(%timeout, %flags, [%fence]) : (i32, i64, !vm.ref<!hal.fence> ...) -> i32
    vm.return %status : i32
  }
  vm.export @runs_elsewhere
  vm.func @runs_elsewhere(%wait : !vm.ref<!hal.fence>, %signal : !vm.ref<!hal.fence>) attributes {iree.reflection = {iree.abi.model = "coarse-fences"}} {
    vm.return
  }
}
