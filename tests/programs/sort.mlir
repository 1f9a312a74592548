// Sorting and top-k. IREE sorts in place, even in the memory of a constant (which crashes when
// that is mapped read-only), so the operands are computed.

func.func @ascending() {
  %a_half = util.unfoldable_constant dense<[3, 1, 4, 1, 5, 9, 2, 6]> : tensor<8xi32>
  %a = stablehlo.add %a_half, %a_half : tensor<8xi32>
  %sorted = "stablehlo.sort"(%a) ({
  ^bb0(%x: tensor<i32>, %y: tensor<i32>):
    %less = stablehlo.compare LT, %x, %y : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %less : tensor<i1>
  }) {dimension = 0 : i64, is_stable = false} : (tensor<8xi32>) -> tensor<8xi32>
  check.expect_eq_const(%sorted, dense<[2, 2, 4, 6, 8, 10, 12, 18]> : tensor<8xi32>) : tensor<8xi32>
  return
}

func.func @rows_descending() {
  %a_half = util.unfoldable_constant dense<[[1.5, 3.0, -2.0], [0.0, -1.0, 7.0]]> : tensor<2x3xf32>
  %a = stablehlo.add %a_half, %a_half : tensor<2x3xf32>
  %sorted = "stablehlo.sort"(%a) ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %greater = stablehlo.compare GT, %x, %y : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %greater : tensor<i1>
  }) {dimension = 1 : i64, is_stable = false} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  check.expect_eq_const(%sorted, dense<[[6.0, 3.0, -4.0], [14.0, 0.0, -2.0]]> : tensor<2x3xf32>) : tensor<2x3xf32>
  return
}

func.func @keys_and_values() {
  %keys_half = util.unfoldable_constant dense<[30, 10, 20]> : tensor<3xi32>
  %keys = stablehlo.add %keys_half, %keys_half : tensor<3xi32>
  %values_half = util.unfoldable_constant dense<[3.0, 1.0, 2.0]> : tensor<3xf32>
  %values = stablehlo.add %values_half, %values_half : tensor<3xf32>
  %sorted:2 = "stablehlo.sort"(%keys, %values) ({
  ^bb0(%x: tensor<i32>, %y: tensor<i32>, %v: tensor<f32>, %w: tensor<f32>):
    %less = stablehlo.compare LT, %x, %y : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %less : tensor<i1>
  }) {dimension = 0 : i64, is_stable = true} : (tensor<3xi32>, tensor<3xf32>) -> (tensor<3xi32>, tensor<3xf32>)
  check.expect_eq_const(%sorted#0, dense<[20, 40, 60]> : tensor<3xi32>) : tensor<3xi32>
  check.expect_eq_const(%sorted#1, dense<[2.0, 4.0, 6.0]> : tensor<3xf32>) : tensor<3xf32>
  return
}

func.func @top_2() {
  %a = util.unfoldable_constant dense<[[1.0, 8.0, 3.0, 5.0], [9.0, 2.0, 4.0, 7.0]]> : tensor<2x4xf32>
  %values, %where = chlo.top_k(%a, k = 2) : tensor<2x4xf32> -> (tensor<2x2xf32>, tensor<2x2xi32>)
  check.expect_eq_const(%values, dense<[[8.0, 5.0], [9.0, 7.0]]> : tensor<2x2xf32>) : tensor<2x2xf32>
  check.expect_eq_const(%where, dense<[[1, 3], [0, 3]]> : tensor<2x2xi32>) : tensor<2x2xi32>
  return
}
