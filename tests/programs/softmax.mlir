// Softmax: several reductions and elementwise ops that fuse into one dispatch.

func.func @rows() {
  %a = util.unfoldable_constant dense<[[0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0]]> : tensor<2x4xf32>
  %empty = tensor.empty() : tensor<2x4xf32>
  %softmax = linalg.softmax dimension(1) ins(%a : tensor<2x4xf32>) outs(%empty : tensor<2x4xf32>) -> tensor<2x4xf32>
  check.expect_almost_eq_const(%softmax, dense<[[0.25, 0.25, 0.25, 0.25], [0.0320586, 0.0871443, 0.2368828, 0.6439143]]> : tensor<2x4xf32>, atol 1.0e-6) : tensor<2x4xf32>
  return
}

func.func @large_values() {
  // exp(1000) is infinite: the maximum has to be subtracted first.
  %a = util.unfoldable_constant dense<[[1000.0, 1000.0], [-1000.0, 0.0]]> : tensor<2x2xf32>
  %empty = tensor.empty() : tensor<2x2xf32>
  %softmax = linalg.softmax dimension(1) ins(%a : tensor<2x2xf32>) outs(%empty : tensor<2x2xf32>) -> tensor<2x2xf32>
  check.expect_almost_eq_const(%softmax, dense<[[0.5, 0.5], [0.0, 1.0]]> : tensor<2x2xf32>, atol 1.0e-6) : tensor<2x2xf32>
  return
}

func.func @wide() {
  %a = util.unfoldable_constant dense<3.0> : tensor<3x64x128xf32>
  %empty = tensor.empty() : tensor<3x64x128xf32>
  %softmax = linalg.softmax dimension(2) ins(%a : tensor<3x64x128xf32>) outs(%empty : tensor<3x64x128xf32>) -> tensor<3x64x128xf32>
  check.expect_almost_eq_const(%softmax, dense<0.0078125> : tensor<3x64x128xf32>, atol 1.0e-7) : tensor<3x64x128xf32>
  return
}
