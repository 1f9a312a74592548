// Elementary functions: polynomial approximations that the code generator inlines.

func.func @exponentials() {
  %a = util.unfoldable_constant dense<[0.0, 1.0, -1.0, 10.0]> : tensor<4xf32>
  %exp = math.exp %a : tensor<4xf32>
  check.expect_almost_eq_const(%exp, dense<[1.0, 2.7182817, 0.36787945, 22026.465]> : tensor<4xf32>, atol 1.0e-6, rtol 1.0e-5) : tensor<4xf32>
  %exp2 = math.exp2 %a : tensor<4xf32>
  check.expect_almost_eq_const(%exp2, dense<[1.0, 2.0, 0.5, 1024.0]> : tensor<4xf32>, atol 1.0e-6, rtol 1.0e-5) : tensor<4xf32>
  %expm1 = math.expm1 %a : tensor<4xf32>
  check.expect_almost_eq_const(%expm1, dense<[0.0, 1.7182817, -0.63212055, 22025.465]> : tensor<4xf32>, atol 1.0e-6, rtol 1.0e-5) : tensor<4xf32>
  return
}

func.func @logarithms() {
  %a = util.unfoldable_constant dense<[1.0, 2.7182817, 10.0, 0.25]> : tensor<4xf32>
  %log = math.log %a : tensor<4xf32>
  check.expect_almost_eq_const(%log, dense<[0.0, 1.0, 2.3025851, -1.3862944]> : tensor<4xf32>, atol 1.0e-6, rtol 1.0e-5) : tensor<4xf32>
  %log1p = math.log1p %a : tensor<4xf32>
  check.expect_almost_eq_const(%log1p, dense<[0.6931472, 1.3132616, 2.3978953, 0.22314355]> : tensor<4xf32>, atol 1.0e-6, rtol 1.0e-5) : tensor<4xf32>
  return
}

func.func @trigonometry() {
  %a = util.unfoldable_constant dense<[0.0, 0.5235988, 1.5707964, 3.1415927]> : tensor<4xf32>
  %sine = math.sin %a : tensor<4xf32>
  check.expect_almost_eq_const(%sine, dense<[0.0, 0.5, 1.0, 0.0]> : tensor<4xf32>, atol 1.0e-6) : tensor<4xf32>
  %cosine = math.cos %a : tensor<4xf32>
  check.expect_almost_eq_const(%cosine, dense<[1.0, 0.8660254, 0.0, -1.0]> : tensor<4xf32>, atol 1.0e-6) : tensor<4xf32>
  %b = util.unfoldable_constant dense<[0.0, 0.5, -1.0, 20.0]> : tensor<4xf32>
  %tanh = math.tanh %b : tensor<4xf32>
  check.expect_almost_eq_const(%tanh, dense<[0.0, 0.46211717, -0.7615942, 1.0]> : tensor<4xf32>, atol 1.0e-6) : tensor<4xf32>
  %erf = math.erf %b : tensor<4xf32>
  check.expect_almost_eq_const(%erf, dense<[0.0, 0.5204999, -0.8427008, 1.0]> : tensor<4xf32>, atol 1.0e-5) : tensor<4xf32>
  return
}

func.func @roots_and_powers() {
  %a = util.unfoldable_constant dense<[1.0, 2.0, 9.0, 0.25]> : tensor<4xf32>
  %root = math.sqrt %a : tensor<4xf32>
  check.expect_almost_eq_const(%root, dense<[1.0, 1.4142135, 3.0, 0.5]> : tensor<4xf32>, atol 0.0, rtol 1.0e-6) : tensor<4xf32>
  %reciprocal = math.rsqrt %a : tensor<4xf32>
  check.expect_almost_eq_const(%reciprocal, dense<[1.0, 0.70710677, 0.33333334, 2.0]> : tensor<4xf32>, atol 0.0, rtol 1.0e-5) : tensor<4xf32>
  %b = util.unfoldable_constant dense<[5.0, 0.5, -1.0, 2.0]> : tensor<4xf32>
  %power = math.powf %a, %b : tensor<4xf32>
  check.expect_almost_eq_const(%power, dense<[1.0, 1.4142135, 0.11111111, 0.0625]> : tensor<4xf32>, atol 0.0, rtol 1.0e-5) : tensor<4xf32>
  return
}

func.func @rounding() {
  %a = util.unfoldable_constant dense<[1.5, -1.5, 2.5, -0.2]> : tensor<4xf32>
  %floor = math.floor %a : tensor<4xf32>
  check.expect_eq_const(%floor, dense<[1.0, -2.0, 2.0, -1.0]> : tensor<4xf32>) : tensor<4xf32>
  %ceil = math.ceil %a : tensor<4xf32>
  check.expect_eq_const(%ceil, dense<[2.0, -1.0, 3.0, -0.0]> : tensor<4xf32>) : tensor<4xf32>
  %even = math.roundeven %a : tensor<4xf32>
  check.expect_eq_const(%even, dense<[2.0, -2.0, 2.0, -0.0]> : tensor<4xf32>) : tensor<4xf32>
  return
}

func.func @bits() {
  %a = util.unfoldable_constant dense<[0, 1, 255, -1]> : tensor<4xi32>
  %ones = math.ctpop %a : tensor<4xi32>
  check.expect_eq_const(%ones, dense<[0, 1, 8, 32]> : tensor<4xi32>) : tensor<4xi32>
  %leading = math.ctlz %a : tensor<4xi32>
  check.expect_eq_const(%leading, dense<[32, 31, 24, 0]> : tensor<4xi32>) : tensor<4xi32>
  return
}
