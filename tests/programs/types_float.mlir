// Arithmetic in every floating-point type: f16, bf16, f32 (f64: types_f64.mlir).

func.func @f16() {
  %a = util.unfoldable_constant dense<[1.0, -2.5, 0.125, 1024.0]> : tensor<4xf16>
  %b = util.unfoldable_constant dense<[0.5, 4.0, 8.0, 2.0]> : tensor<4xf16>
  %sum = arith.addf %a, %b : tensor<4xf16>
  check.expect_eq_const(%sum, dense<[1.5, 1.5, 8.125, 1026.0]> : tensor<4xf16>) : tensor<4xf16>
  %product = arith.mulf %a, %b : tensor<4xf16>
  check.expect_eq_const(%product, dense<[0.5, -10.0, 1.0, 2048.0]> : tensor<4xf16>) : tensor<4xf16>
  return
}

func.func @f16_overflow() {
  %a = util.unfoldable_constant dense<[65504.0, -65504.0]> : tensor<2xf16>
  %sum = arith.addf %a, %a : tensor<2xf16>
  check.expect_eq_const(%sum, dense<[0x7C00, 0xFC00]> : tensor<2xf16>) : tensor<2xf16>
  return
}

func.func @bf16() {
  %a = util.unfoldable_constant dense<[1.0, -2.5, 0.125, 256.0]> : tensor<4xbf16>
  %b = util.unfoldable_constant dense<[0.5, 4.0, 8.0, 1.0]> : tensor<4xbf16>
  %product = arith.mulf %a, %b : tensor<4xbf16>
  check.expect_eq_const(%product, dense<[0.5, -10.0, 1.0, 256.0]> : tensor<4xbf16>) : tensor<4xbf16>
  // 256 + 1 has nine significant bits: bf16 keeps eight and rounds to even.
  %sum = arith.addf %a, %b : tensor<4xbf16>
  check.expect_eq_const(%sum, dense<[1.5, 1.5, 8.125, 256.0]> : tensor<4xbf16>) : tensor<4xbf16>
  return
}

func.func @f32() {
  %a = util.unfoldable_constant dense<[1.0, -2.5, 3.0, 1.0e30]> : tensor<4xf32>
  %b = util.unfoldable_constant dense<[0.5, 4.0, 8.0, 1.0e-30]> : tensor<4xf32>
  %difference = arith.subf %a, %b : tensor<4xf32>
  check.expect_eq_const(%difference, dense<[0.5, -6.5, -5.0, 1.0e30]> : tensor<4xf32>) : tensor<4xf32>
  %quotient = arith.divf %a, %b : tensor<4xf32>
  check.expect_almost_eq_const(%quotient, dense<[2.0, -0.625, 0.375, 0x7F800000]> : tensor<4xf32>, atol 0.0, rtol 1.0e-6) : tensor<4xf32>
  return
}

func.func @special_values() {
  %a = util.unfoldable_constant dense<[0x7F800000, 0xFF800000, -0.0, 1.0]> : tensor<4xf32>
  %b = util.unfoldable_constant dense<[1.0, 0x7F800000, 0.0, 0x7F800000]> : tensor<4xf32>
  %min = arith.minimumf %a, %b : tensor<4xf32>
  check.expect_eq_const(%min, dense<[1.0, 0xFF800000, -0.0, 1.0]> : tensor<4xf32>) : tensor<4xf32>
  return
}
