// Transposes, alone and fused into what follows.

func.func @matrix() {
  %a = util.unfoldable_constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %empty = tensor.empty() : tensor<3x2xi32>
  %t = linalg.transpose ins(%a : tensor<2x3xi32>) outs(%empty : tensor<3x2xi32>) permutation = [1, 0]
  check.expect_eq_const(%t, dense<[[1, 4], [2, 5], [3, 6]]> : tensor<3x2xi32>) : tensor<3x2xi32>
  return
}

func.func @three_dimensions() {
  %a = util.unfoldable_constant dense<[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]> : tensor<2x2x2xi8>
  %empty = tensor.empty() : tensor<2x2x2xi8>
  %t = linalg.transpose ins(%a : tensor<2x2x2xi8>) outs(%empty : tensor<2x2x2xi8>) permutation = [2, 0, 1]
  check.expect_eq_const(%t, dense<[[[1, 3], [5, 7]], [[2, 4], [6, 8]]]> : tensor<2x2x2xi8>) : tensor<2x2x2xi8>
  return
}

func.func @twice_is_the_identity() {
  %a = flow.tensor.constant #util.byte_pattern<1> : tensor<33x17xf32>
  %empty1 = tensor.empty() : tensor<17x33xf32>
  %t = linalg.transpose ins(%a : tensor<33x17xf32>) outs(%empty1 : tensor<17x33xf32>) permutation = [1, 0]
  %kept = util.optimization_barrier %t : tensor<17x33xf32>
  %empty2 = tensor.empty() : tensor<33x17xf32>
  %back = linalg.transpose ins(%kept : tensor<17x33xf32>) outs(%empty2 : tensor<33x17xf32>) permutation = [1, 0]
  check.expect_eq(%a, %back) : tensor<33x17xf32>
  return
}

func.func @into_matmul() {
  %a = util.unfoldable_constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %empty = tensor.empty() : tensor<2x2xf32>
  %t = linalg.transpose ins(%a : tensor<2x2xf32>) outs(%empty : tensor<2x2xf32>) permutation = [1, 0]
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %gram = linalg.matmul ins(%a, %t : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  check.expect_eq_const(%gram, dense<[[5.0, 11.0], [11.0, 25.0]]> : tensor<2x2xf32>) : tensor<2x2xf32>
  return
}
