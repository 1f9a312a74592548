// Elementwise ops and broadcasts of StableHLO, and a Fourier transform.

func.func @broadcast() {
  %a = util.unfoldable_constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %rows = stablehlo.broadcast_in_dim %a, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
  %columns = stablehlo.broadcast_in_dim %a, dims = [0] : (tensor<3xf32>) -> tensor<3x2xf32>
  check.expect_eq_const(%rows, dense<[[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]> : tensor<2x3xf32>) : tensor<2x3xf32>
  check.expect_eq_const(%columns, dense<[[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]> : tensor<3x2xf32>) : tensor<3x2xf32>
  return
}

func.func @sign_and_remainder() {
  %a = util.unfoldable_constant dense<[-7.5, 0.0, 7.5]> : tensor<3xf32>
  %two = util.unfoldable_constant dense<2.0> : tensor<3xf32>
  %sign = stablehlo.sign %a : tensor<3xf32>
  check.expect_eq_const(%sign, dense<[-1.0, 0.0, 1.0]> : tensor<3xf32>) : tensor<3xf32>
  %away = stablehlo.round_nearest_afz %two : tensor<3xf32>
  check.expect_eq_const(%away, dense<2.0> : tensor<3xf32>) : tensor<3xf32>
  return
}

func.func @logistic() {
  %a = util.unfoldable_constant dense<[[0.0, 2.0], [-2.0, 20.0]]> : tensor<2x2xf32>
  %logistic = stablehlo.logistic %a : tensor<2x2xf32>
  check.expect_almost_eq_const(%logistic, dense<[[0.5, 0.880797], [0.119203, 1.0]]> : tensor<2x2xf32>, atol 1.0e-6) : tensor<2x2xf32>
  return
}

func.func @dot_general() {
  %a = util.unfoldable_constant dense<[[[1.0, 2.0], [3.0, 4.0]]]> : tensor<1x2x2xf32>
  %b = util.unfoldable_constant dense<[[[1.0, 0.0], [1.0, 1.0]]]> : tensor<1x2x2xf32>
  // Contracts the last dimension of both: a b^T.
  %c = stablehlo.dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<1x2x2xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  check.expect_eq_const(%c, dense<[[[1.0, 3.0], [3.0, 7.0]]]> : tensor<1x2x2xf32>) : tensor<1x2x2xf32>
  return
}

func.func @fourier() {
  %a = util.unfoldable_constant dense<[1.0, 0.0, -1.0, 0.0]> : tensor<4xf32>
  %spectrum = stablehlo.fft %a, type = RFFT, length = [4] : (tensor<4xf32>) -> tensor<3xcomplex<f32>>
  %real = stablehlo.real %spectrum : (tensor<3xcomplex<f32>>) -> tensor<3xf32>
  check.expect_almost_eq_const(%real, dense<[0.0, 2.0, 0.0]> : tensor<3xf32>, atol 1.0e-5) : tensor<3xf32>
  return
}
