// Elementwise ops, reductions and data movement of TOSA.

func.func @arithmetic() {
  %a = util.unfoldable_constant dense<[1.0, -2.0, 3.0]> : tensor<3xf32>
  %b = util.unfoldable_constant dense<[0.5, 4.0, -1.0]> : tensor<3xf32>
  %shift = tosa.const values(dense<0> : tensor<1xi8>) : () -> tensor<1xi8>
  %sum = tosa.add %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %product = tosa.mul %sum, %b, %shift : (tensor<3xf32>, tensor<3xf32>, tensor<1xi8>) -> tensor<3xf32>
  check.expect_eq_const(%product, dense<[0.75, 8.0, -2.0]> : tensor<3xf32>) : tensor<3xf32>
  %absolute = tosa.abs %a : (tensor<3xf32>) -> tensor<3xf32>
  check.expect_eq_const(%absolute, dense<[1.0, 2.0, 3.0]> : tensor<3xf32>) : tensor<3xf32>
  return
}

func.func @activations() {
  %a = util.unfoldable_constant dense<[0.0, 1.0, -1.0]> : tensor<3xf32>
  %sigmoid = tosa.sigmoid %a : (tensor<3xf32>) -> tensor<3xf32>
  check.expect_almost_eq_const(%sigmoid, dense<[0.5, 0.7310586, 0.26894143]> : tensor<3xf32>, atol 1.0e-6) : tensor<3xf32>
  %tanh = tosa.tanh %a : (tensor<3xf32>) -> tensor<3xf32>
  check.expect_almost_eq_const(%tanh, dense<[0.0, 0.7615942, -0.7615942]> : tensor<3xf32>, atol 1.0e-6) : tensor<3xf32>
  return
}

func.func @broadcast() {
  %a = util.unfoldable_constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %b = util.unfoldable_constant dense<[[10], [20]]> : tensor<2x1xi32>
  %sum = tosa.add %a, %b : (tensor<2x3xi32>, tensor<2x1xi32>) -> tensor<2x3xi32>
  check.expect_eq_const(%sum, dense<[[11, 12, 13], [24, 25, 26]]> : tensor<2x3xi32>) : tensor<2x3xi32>
  return
}

func.func @reduce() {
  %a = util.unfoldable_constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %sum = tosa.reduce_sum %a axis(1) : (tensor<2x3xf32>) -> tensor<2x1xf32>
  check.expect_eq_const(%sum, dense<[[6.0], [15.0]]> : tensor<2x1xf32>) : tensor<2x1xf32>
  %max = tosa.reduce_max %a axis(0) : (tensor<2x3xf32>) -> tensor<1x3xf32>
  check.expect_eq_const(%max, dense<[[4.0, 5.0, 6.0]]> : tensor<1x3xf32>) : tensor<1x3xf32>
  return
}

func.func @movement() {
  %a = util.unfoldable_constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %t = tosa.transpose %a perms([1, 0]) : (tensor<2x3xi32>) -> tensor<3x2xi32>
  check.expect_eq_const(%t, dense<[[1, 4], [2, 5], [3, 6]]> : tensor<3x2xi32>) : tensor<3x2xi32>
  %c = tosa.concat %a, %a axis(0) : (tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<4x3xi32>
  check.expect_eq_const(%c, dense<[[1, 2, 3], [4, 5, 6], [1, 2, 3], [4, 5, 6]]> : tensor<4x3xi32>) : tensor<4x3xi32>
  %r = tosa.reverse %a axis(1) : (tensor<2x3xi32>) -> tensor<2x3xi32>
  check.expect_eq_const(%r, dense<[[3, 2, 1], [6, 5, 4]]> : tensor<2x3xi32>) : tensor<2x3xi32>
  return
}

func.func @select() {
  %a = util.unfoldable_constant dense<[3, 1, 2]> : tensor<3xi32>
  %b = util.unfoldable_constant dense<[2, 2, 2]> : tensor<3xi32>
  %greater = tosa.greater %a, %b : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
  %chosen = tosa.select %greater, %a, %b : (tensor<3xi1>, tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  check.expect_eq_const(%chosen, dense<[3, 2, 2]> : tensor<3xi32>) : tensor<3xi32>
  return
}

func.func @gather() {
  %values = util.unfoldable_constant dense<[[[1.0], [2.0], [3.0]]]> : tensor<1x3x1xf32>
  %indices = util.unfoldable_constant dense<[[2, 0]]> : tensor<1x2xi32>
  %gathered = tosa.gather %values, %indices : (tensor<1x3x1xf32>, tensor<1x2xi32>) -> tensor<1x2x1xf32>
  check.expect_eq_const(%gathered, dense<[[[3.0], [1.0]]]> : tensor<1x2x1xf32>) : tensor<1x2x1xf32>
  return
}
