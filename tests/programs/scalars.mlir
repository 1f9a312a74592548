// Arithmetic on the host: the VM's own registers, without a device.

func.func @i32() {
  %a = util.unfoldable_constant 7 : i32
  %b = util.unfoldable_constant -3 : i32
  %product = arith.muli %a, %b : i32
  %expected = arith.constant -21 : i32
  %equal = arith.cmpi eq, %product, %expected : i32
  check.expect_true(%equal) : i1
  %quotient = arith.divsi %a, %b : i32
  %minus_two = arith.constant -2 : i32
  %truncated = arith.cmpi eq, %quotient, %minus_two : i32
  check.expect_true(%truncated) : i1
  %shifted = arith.shrui %b, %a : i32
  %high = arith.constant 33554431 : i32
  %logical = arith.cmpi eq, %shifted, %high : i32
  check.expect_true(%logical) : i1
  return
}

func.func @i64() {
  %a = util.unfoldable_constant 5000000000 : i64
  %b = util.unfoldable_constant 3 : i64
  %product = arith.muli %a, %b : i64
  %expected = arith.constant 15000000000 : i64
  %different = arith.cmpi ne, %product, %expected : i64
  check.expect_false(%different) : i1
  %wrapped = arith.trunci %product : i64 to i32
  %low = arith.constant 2115098112 : i32
  %equal = arith.cmpi eq, %wrapped, %low : i32
  check.expect_true(%equal) : i1
  return
}

func.func @f32() {
  %a = util.unfoldable_constant 1.5 : f32
  %b = util.unfoldable_constant -4.0 : f32
  %product = arith.mulf %a, %b : f32
  %root = math.sqrt %a : f32
  %expected = arith.constant -6.0 : f32
  %equal = arith.cmpf oeq, %product, %expected : f32
  check.expect_true(%equal) : i1
  %bound = arith.constant 1.2248 : f32
  %less = arith.cmpf olt, %root, %bound : f32
  check.expect_true(%less) : i1
  %integer = arith.fptosi %b : f32 to i32
  %minus_four = arith.constant -4 : i32
  %converted = arith.cmpi eq, %integer, %minus_four : i32
  check.expect_true(%converted) : i1
  return
}

func.func @select_and_extremum() {
  %a = util.unfoldable_constant 4 : i32
  %b = util.unfoldable_constant 9 : i32
  %max = arith.maxsi %a, %b : i32
  %is_b = arith.cmpi eq, %max, %b : i32
  check.expect_true(%is_b) : i1
  %less = arith.cmpi ult, %b, %a : i32
  check.expect_false(%less) : i1
  %chosen = arith.select %less, %b, %a : i32
  %is_a = arith.cmpi eq, %chosen, %a : i32
  check.expect_true(%is_a) : i1
  return
}

func.func @element_of_a_tensor() {
  %table = util.unfoldable_constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  %i = util.unfoldable_constant 1 : index
  %c0 = arith.constant 0 : index
  %value = tensor.extract %table[%i, %c0] : tensor<2x2xi32>
  %three = arith.constant 3 : i32
  %equal = arith.cmpi eq, %value, %three : i32
  check.expect_true(%equal) : i1
  return
}
