// Arithmetic in every signless integer type: i8, i16, i32, i64, with wrap-around.

func.func @i8() {
  %a = util.unfoldable_constant dense<[127, -128, 10, -7]> : tensor<4xi8>
  %b = util.unfoldable_constant dense<[1, -1, 3, 2]> : tensor<4xi8>
  %sum = arith.addi %a, %b : tensor<4xi8>
  check.expect_eq_const(%sum, dense<[-128, 127, 13, -5]> : tensor<4xi8>) : tensor<4xi8>
  %product = arith.muli %a, %b : tensor<4xi8>
  check.expect_eq_const(%product, dense<[127, -128, 30, -14]> : tensor<4xi8>) : tensor<4xi8>
  return
}

func.func @i16() {
  %a = util.unfoldable_constant dense<[32767, -300, 10, -7]> : tensor<4xi16>
  %b = util.unfoldable_constant dense<[1, 100, 3, 2]> : tensor<4xi16>
  %sum = arith.addi %a, %b : tensor<4xi16>
  check.expect_eq_const(%sum, dense<[-32768, -200, 13, -5]> : tensor<4xi16>) : tensor<4xi16>
  %signed = arith.divsi %a, %b : tensor<4xi16>
  check.expect_eq_const(%signed, dense<[32767, -3, 3, -3]> : tensor<4xi16>) : tensor<4xi16>
  return
}

func.func @i32() {
  %a = util.unfoldable_constant dense<[2147483647, -300, 10, -7]> : tensor<4xi32>
  %b = util.unfoldable_constant dense<[1, 7, 3, 2]> : tensor<4xi32>
  %sum = arith.addi %a, %b : tensor<4xi32>
  check.expect_eq_const(%sum, dense<[-2147483648, -293, 13, -5]> : tensor<4xi32>) : tensor<4xi32>
  %remainder = arith.remsi %a, %b : tensor<4xi32>
  check.expect_eq_const(%remainder, dense<[0, -6, 1, -1]> : tensor<4xi32>) : tensor<4xi32>
  %unsigned = arith.divui %a, %b : tensor<4xi32>
  check.expect_eq_const(%unsigned, dense<[2147483647, 613566713, 3, 2147483644]> : tensor<4xi32>) : tensor<4xi32>
  return
}

func.func @i64() {
  %a = util.unfoldable_constant dense<[9223372036854775807, -5000000000, 4294967296]> : tensor<3xi64>
  %b = util.unfoldable_constant dense<[1, 3, 4294967296]> : tensor<3xi64>
  %sum = arith.addi %a, %b : tensor<3xi64>
  check.expect_eq_const(%sum, dense<[-9223372036854775808, -4999999997, 8589934592]> : tensor<3xi64>) : tensor<3xi64>
  %product = arith.muli %a, %b : tensor<3xi64>
  check.expect_eq_const(%product, dense<[9223372036854775807, -15000000000, 0]> : tensor<3xi64>) : tensor<3xi64>
  return
}

func.func @shifts_and_bits() {
  %a = util.unfoldable_constant dense<[-16, 16, 255, 1]> : tensor<4xi32>
  %b = util.unfoldable_constant dense<[2, 3, 4, 31]> : tensor<4xi32>
  %left = arith.shli %a, %b : tensor<4xi32>
  check.expect_eq_const(%left, dense<[-64, 128, 4080, -2147483648]> : tensor<4xi32>) : tensor<4xi32>
  %arithmetic = arith.shrsi %a, %b : tensor<4xi32>
  check.expect_eq_const(%arithmetic, dense<[-4, 2, 15, 0]> : tensor<4xi32>) : tensor<4xi32>
  %logical = arith.shrui %a, %b : tensor<4xi32>
  check.expect_eq_const(%logical, dense<[1073741820, 2, 15, 0]> : tensor<4xi32>) : tensor<4xi32>
  %xor = arith.xori %a, %b : tensor<4xi32>
  check.expect_eq_const(%xor, dense<[-14, 19, 251, 30]> : tensor<4xi32>) : tensor<4xi32>
  return
}

func.func @minimum_and_maximum() {
  %a = util.unfoldable_constant dense<[-1, 5, 0]> : tensor<3xi32>
  %b = util.unfoldable_constant dense<[1, -5, 0]> : tensor<3xi32>
  %signed = arith.maxsi %a, %b : tensor<3xi32>
  check.expect_eq_const(%signed, dense<[1, 5, 0]> : tensor<3xi32>) : tensor<3xi32>
  %unsigned = arith.maxui %a, %b : tensor<3xi32>
  check.expect_eq_const(%unsigned, dense<[-1, -5, 0]> : tensor<3xi32>) : tensor<3xi32>
  return
}
