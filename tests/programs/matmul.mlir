// Matrix products: float, mixed precision, integer, batched, and with a vector.

func.func @f32() {
  %a = util.unfoldable_constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %b = util.unfoldable_constant dense<[[1.0, 0.0, -1.0], [2.0, 1.0, 0.0]]> : tensor<2x3xf32>
  %zero = arith.constant dense<0.0> : tensor<3x3xf32>
  %c = linalg.matmul ins(%a, %b : tensor<3x2xf32>, tensor<2x3xf32>) outs(%zero : tensor<3x3xf32>) -> tensor<3x3xf32>
  check.expect_eq_const(%c, dense<[[5.0, 2.0, -1.0], [11.0, 4.0, -3.0], [17.0, 6.0, -5.0]]> : tensor<3x3xf32>) : tensor<3x3xf32>
  return
}

func.func @accumulate() {
  %a = util.unfoldable_constant dense<2.0> : tensor<17x33xf32>
  %b = util.unfoldable_constant dense<0.5> : tensor<33x9xf32>
  %init = util.unfoldable_constant dense<100.0> : tensor<17x9xf32>
  %c = linalg.matmul ins(%a, %b : tensor<17x33xf32>, tensor<33x9xf32>) outs(%init : tensor<17x9xf32>) -> tensor<17x9xf32>
  check.expect_eq_const(%c, dense<133.0> : tensor<17x9xf32>) : tensor<17x9xf32>
  return
}

func.func @f16_into_f32() {
  %a = util.unfoldable_constant dense<0.5> : tensor<16x64xf16>
  %b = util.unfoldable_constant dense<3.0> : tensor<64x32xf16>
  %zero = arith.constant dense<0.0> : tensor<16x32xf32>
  %c = linalg.matmul ins(%a, %b : tensor<16x64xf16>, tensor<64x32xf16>) outs(%zero : tensor<16x32xf32>) -> tensor<16x32xf32>
  check.expect_eq_const(%c, dense<96.0> : tensor<16x32xf32>) : tensor<16x32xf32>
  return
}

func.func @bf16_into_f32() {
  %a = util.unfoldable_constant dense<0.5> : tensor<8x64xbf16>
  %b = util.unfoldable_constant dense<3.0> : tensor<64x8xbf16>
  %zero = arith.constant dense<0.0> : tensor<8x8xf32>
  %c = linalg.matmul ins(%a, %b : tensor<8x64xbf16>, tensor<64x8xbf16>) outs(%zero : tensor<8x8xf32>) -> tensor<8x8xf32>
  check.expect_eq_const(%c, dense<96.0> : tensor<8x8xf32>) : tensor<8x8xf32>
  return
}

func.func @i8_into_i32() {
  %a = util.unfoldable_constant dense<[[127, -128], [1, 2]]> : tensor<2x2xi8>
  %b = util.unfoldable_constant dense<[[127, 1], [-128, 1]]> : tensor<2x2xi8>
  %zero = arith.constant dense<0> : tensor<2x2xi32>
  %c = linalg.matmul ins(%a, %b : tensor<2x2xi8>, tensor<2x2xi8>) outs(%zero : tensor<2x2xi32>) -> tensor<2x2xi32>
  check.expect_eq_const(%c, dense<[[32513, -1], [-129, 3]]> : tensor<2x2xi32>) : tensor<2x2xi32>
  return
}

func.func @batched() {
  %a = util.unfoldable_constant dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32>
  %b = util.unfoldable_constant dense<[[[5.0], [6.0]], [[7.0], [8.0]]]> : tensor<2x2x1xf32>
  %zero = arith.constant dense<0.0> : tensor<2x1x1xf32>
  %c = linalg.batch_matmul ins(%a, %b : tensor<2x1x2xf32>, tensor<2x2x1xf32>) outs(%zero : tensor<2x1x1xf32>) -> tensor<2x1x1xf32>
  check.expect_eq_const(%c, dense<[[[17.0]], [[53.0]]]> : tensor<2x1x1xf32>) : tensor<2x1x1xf32>
  return
}

func.func @matrix_vector() {
  %a = util.unfoldable_constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %x = util.unfoldable_constant dense<[1.0, 0.0, -1.0]> : tensor<3xf32>
  %zero = arith.constant dense<0.0> : tensor<2xf32>
  %y = linalg.matvec ins(%a, %x : tensor<2x3xf32>, tensor<3xf32>) outs(%zero : tensor<2xf32>) -> tensor<2xf32>
  check.expect_eq_const(%y, dense<[-2.0, -2.0]> : tensor<2xf32>) : tensor<2xf32>
  return
}

func.func @chain() {
  // Every product depends on the one before: three dispatches with barriers between.
  %a = util.unfoldable_constant dense<[[1.0, 1.0], [1.0, 0.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %a2 = linalg.matmul ins(%a, %a : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %a4 = linalg.matmul ins(%a2, %a2 : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %a8 = linalg.matmul ins(%a4, %a4 : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  check.expect_eq_const(%a8, dense<[[34.0, 21.0], [21.0, 13.0]]> : tensor<2x2xf32>) : tensor<2x2xf32>
  return
}
