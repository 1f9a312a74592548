func.func @holds() {
  %a = util.unfoldable_constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  check.expect_eq_const(%a, dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>) : tensor<2x2xi32>
  %f = util.unfoldable_constant dense<[1.0, 2.001]> : tensor<2xf32>
  check.expect_almost_eq_const(%f, dense<[1.0, 2.0]> : tensor<2xf32>, atol 0.01) : tensor<2xf32>
  %t = util.unfoldable_constant 1 : i32
  check.expect_true(%t) : i32
  return
}
func.func @fails_eq() {
  %a = util.unfoldable_constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  check.expect_eq_const(%a, dense<[[1, 2], [9, 4]]> : tensor<2x2xi32>) : tensor<2x2xi32>
  return
}
func.func @fails_almost_eq() {
  %f = util.unfoldable_constant dense<[1.0, 2.5]> : tensor<2xf32>
  check.expect_almost_eq_const(%f, dense<[1.0, 2.0]> : tensor<2xf32>, atol 0.01) : tensor<2xf32>
  return
}
func.func @fails_all_true() {
  %a = util.unfoldable_constant dense<[1, 2, 0]> : tensor<3xi32>
  check.expect_all_true(%a) : tensor<3xi32>
  return
}
func.func @fails_true() {
  %t = util.unfoldable_constant 0 : i32
  check.expect_true(%t) : i32
  return
}
func.func @fails_false() {
  %t = util.unfoldable_constant 5 : i32
  check.expect_false(%t) : i32
  return
}
