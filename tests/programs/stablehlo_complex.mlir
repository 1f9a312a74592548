// Complex numbers: made from parts, multiplied, taken apart.

func.func @multiply() {
  %real = util.unfoldable_constant dense<[1.0, 0.0, -3.0]> : tensor<3xf32>
  %imaginary = util.unfoldable_constant dense<[2.0, 1.0, 4.0]> : tensor<3xf32>
  %z = stablehlo.complex %real, %imaginary : tensor<3xcomplex<f32>>
  %square = stablehlo.multiply %z, %z : tensor<3xcomplex<f32>>
  %square_real = stablehlo.real %square : (tensor<3xcomplex<f32>>) -> tensor<3xf32>
  %square_imaginary = stablehlo.imag %square : (tensor<3xcomplex<f32>>) -> tensor<3xf32>
  check.expect_almost_eq_const(%square_real, dense<[-3.0, -1.0, -7.0]> : tensor<3xf32>) : tensor<3xf32>
  check.expect_almost_eq_const(%square_imaginary, dense<[4.0, 0.0, -24.0]> : tensor<3xf32>) : tensor<3xf32>
  return
}

func.func @magnitude() {
  %z = util.unfoldable_constant dense<[(3.0, 4.0), (-5.0, 12.0)]> : tensor<2xcomplex<f32>>
  %magnitude = stablehlo.abs %z : (tensor<2xcomplex<f32>>) -> tensor<2xf32>
  check.expect_almost_eq_const(%magnitude, dense<[5.0, 13.0]> : tensor<2xf32>) : tensor<2xf32>
  return
}

func.func @exponential() {
  %z = util.unfoldable_constant dense<[(0.0, 0.0), (1.0, 3.14159265)]> : tensor<2xcomplex<f32>>
  %power = stablehlo.exponential %z : tensor<2xcomplex<f32>>
  %real = stablehlo.real %power : (tensor<2xcomplex<f32>>) -> tensor<2xf32>
  check.expect_almost_eq_const(%real, dense<[1.0, -2.71828183]> : tensor<2xf32>, atol 1.0e-5) : tensor<2xf32>
  return
}
