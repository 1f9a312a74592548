// f64. By default IREE's input conversion turns it into f32, public signatures included.
// flags: --iree-input-demote-f64-to-f32=false

func.func @f64() {
  %a = util.unfoldable_constant dense<[1.0, 1.0e300, 3.0]> : tensor<3xf64>
  %b = util.unfoldable_constant dense<[1.0e-15, 1.0e-300, 7.0]> : tensor<3xf64>
  %sum = arith.addf %a, %b : tensor<3xf64>
  check.expect_eq_const(%sum, dense<[1.000000000000001, 1.0e300, 10.0]> : tensor<3xf64>) : tensor<3xf64>
  %quotient = arith.divf %a, %b : tensor<3xf64>
  check.expect_almost_eq_const(%quotient, dense<[1.0e15, 0x7FF0000000000000, 0.42857142857142855]> : tensor<3xf64>, atol 0.0, rtol 1.0e-7) : tensor<3xf64>
  return
}

func.func @square_root() {
  %a = util.unfoldable_constant dense<[1.0, 2.0]> : tensor<2xf64>
  %root = math.sqrt %a : tensor<2xf64>
  check.expect_almost_eq_const(%root, dense<[1.0, 1.4142135623730951]> : tensor<2xf64>, atol 1.0e-15) : tensor<2xf64>
  return
}

func.func @convert() {
  %a = util.unfoldable_constant dense<[1.5, -0.125, 100000.0]> : tensor<3xf32>
  %double = arith.extf %a : tensor<3xf32> to tensor<3xf64>
  check.expect_eq_const(%double, dense<[1.5, -0.125, 100000.0]> : tensor<3xf64>) : tensor<3xf64>
  %integers = util.unfoldable_constant dense<[-1, 0, 7]> : tensor<3xi32>
  %unsigned = arith.uitofp %integers : tensor<3xi32> to tensor<3xf64>
  check.expect_eq_const(%unsigned, dense<[4294967295.0, 0.0, 7.0]> : tensor<3xf64>) : tensor<3xf64>
  return
}
