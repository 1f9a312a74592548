// Reductions in StableHLO, with one operand, with two, and over windows.

func.func @sum() {
  %a = util.unfoldable_constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %sum = stablehlo.reduce(%a init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<2x3xi32>, tensor<i32>) -> tensor<3xi32>
  check.expect_eq_const(%sum, dense<[5, 7, 9]> : tensor<3xi32>) : tensor<3xi32>
  return
}

func.func @two_operands() {
  %a = util.unfoldable_constant dense<[3.0, 1.0, 2.0]> : tensor<3xf32>
  %b = util.unfoldable_constant dense<[10, 20, 30]> : tensor<3xi32>
  %low = stablehlo.constant dense<0x7F800000> : tensor<f32>
  %none = stablehlo.constant dense<-1> : tensor<i32>
  %min:2 = stablehlo.reduce(%a init: %low), (%b init: %none) across dimensions = [0]
      : (tensor<3xf32>, tensor<3xi32>, tensor<f32>, tensor<i32>) -> (tensor<f32>, tensor<i32>)
      reducer(%x: tensor<f32>, %y: tensor<f32>) (%i: tensor<i32>, %j: tensor<i32>) {
    %less = stablehlo.compare LT, %x, %y : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %value = stablehlo.select %less, %x, %y : tensor<i1>, tensor<f32>
    %index = stablehlo.select %less, %i, %j : tensor<i1>, tensor<i32>
    stablehlo.return %value, %index : tensor<f32>, tensor<i32>
  }
  check.expect_eq_const(%min#0, dense<1.0> : tensor<f32>) : tensor<f32>
  check.expect_eq_const(%min#1, dense<20> : tensor<i32>) : tensor<i32>
  return
}

func.func @max_pool() {
  %a = util.unfoldable_constant dense<[[[[1.0], [2.0], [3.0], [4.0]], [[8.0], [7.0], [6.0], [5.0]]]]> : tensor<1x2x4x1xf32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %pooled = "stablehlo.reduce_window"(%a, %low) ({
  ^bb0(%x: tensor<f32>, %y: tensor<f32>):
    %max = stablehlo.maximum %x, %y : tensor<f32>
    stablehlo.return %max : tensor<f32>
  }) {window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 1, 2, 1>}
      : (tensor<1x2x4x1xf32>, tensor<f32>) -> tensor<1x1x2x1xf32>
  check.expect_eq_const(%pooled, dense<[[[[8.0], [6.0]]]]> : tensor<1x1x2x1xf32>) : tensor<1x1x2x1xf32>
  return
}
