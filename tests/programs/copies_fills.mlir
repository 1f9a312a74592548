// Transfers on the device: fills of 1, 2, 4 and 8 bytes, copies of parts, updates.

func.func @fills() {
  %one = util.unfoldable_constant 1 : i8
  %two = util.unfoldable_constant 2 : i16
  %three = util.unfoldable_constant 3 : i32
  %four = util.unfoldable_constant 4 : i64
  %a = flow.tensor.splat %one : tensor<7xi8>
  check.expect_eq_const(%a, dense<1> : tensor<7xi8>) : tensor<7xi8>
  %b = flow.tensor.splat %two : tensor<7xi16>
  check.expect_eq_const(%b, dense<2> : tensor<7xi16>) : tensor<7xi16>
  %c = flow.tensor.splat %three : tensor<7xi32>
  check.expect_eq_const(%c, dense<3> : tensor<7xi32>) : tensor<7xi32>
  %d = flow.tensor.splat %four : tensor<7xi64>
  check.expect_eq_const(%d, dense<4> : tensor<7xi64>) : tensor<7xi64>
  return
}

func.func @fill_part() {
  %a = util.unfoldable_constant dense<1> : tensor<4x4xi32>
  %value = util.unfoldable_constant 9 : i32
  %row = flow.tensor.splat %value : tensor<1x4xi32>
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = flow.tensor.update %row, %a[%c2, %c0] : tensor<1x4xi32> -> %a as tensor<4x4xi32>
  check.expect_eq_const(%b, dense<[[1, 1, 1, 1], [1, 1, 1, 1], [9, 9, 9, 9], [1, 1, 1, 1]]> : tensor<4x4xi32>) : tensor<4x4xi32>
  return
}

func.func @copy_part() {
  %a = util.unfoldable_constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %rows = flow.tensor.slice %a[%c1, %c0 for %c2, %c2] : tensor<3x2xi32> -> tensor<2x2xi32>
  check.expect_eq_const(%rows, dense<[[3, 4], [5, 6]]> : tensor<2x2xi32>) : tensor<2x2xi32>
  return
}

func.func @clone_before_write() {
  // The original is still needed after the update: it must not be written in place.
  %a = util.unfoldable_constant dense<[1, 2, 3, 4]> : tensor<4xi32>
  %sum = arith.addi %a, %a : tensor<4xi32>
  %kept = util.optimization_barrier %sum : tensor<4xi32>
  %value = util.unfoldable_constant 0 : i32
  %zero = flow.tensor.splat %value : tensor<2xi32>
  %c1 = arith.constant 1 : index
  %updated = flow.tensor.update %zero, %kept[%c1] : tensor<2xi32> -> %kept as tensor<4xi32>
  check.expect_eq_const(%updated, dense<[2, 0, 0, 8]> : tensor<4xi32>) : tensor<4xi32>
  check.expect_eq_const(%kept, dense<[2, 4, 6, 8]> : tensor<4xi32>) : tensor<4xi32>
  return
}

func.func @store_an_element() {
  // IREE would write into the memory of a constant, and its runtime refuse: compute the operand.
  %half = util.unfoldable_constant dense<[0.5, 1.0, 1.5]> : tensor<3xf32>
  %a = arith.addf %half, %half : tensor<3xf32>
  %where = util.unfoldable_constant 1 : index
  %value = util.unfoldable_constant 20.0 : f32
  %b = tensor.insert %value into %a[%where] : tensor<3xf32>
  check.expect_eq_const(%b, dense<[1.0, 20.0, 3.0]> : tensor<3xf32>) : tensor<3xf32>
  return
}

func.func @from_host_values() {
  %x = util.unfoldable_constant 5 : i32
  %y = util.unfoldable_constant 6 : i32
  %a = tensor.from_elements %x, %y, %x : tensor<3xi32>
  check.expect_eq_const(%a, dense<[5, 6, 5]> : tensor<3xi32>) : tensor<3xi32>
  return
}
