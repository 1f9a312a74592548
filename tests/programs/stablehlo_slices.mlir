// Slices with offsets known only at run time, clamped to the tensor as StableHLO demands.

func.func @dynamic_slice() {
  %a = util.unfoldable_constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9]]> : tensor<3x3xi32>
  %row = util.unfoldable_constant dense<1> : tensor<i32>
  %column = util.unfoldable_constant dense<7> : tensor<i32>
  %block = stablehlo.dynamic_slice %a, %row, %column, sizes = [2, 2] : (tensor<3x3xi32>, tensor<i32>, tensor<i32>) -> tensor<2x2xi32>
  check.expect_eq_const(%block, dense<[[5, 6], [8, 9]]> : tensor<2x2xi32>) : tensor<2x2xi32>
  return
}

func.func @dynamic_update_slice() {
  %a = util.unfoldable_constant dense<0.0> : tensor<4x3xf32>
  %update = util.unfoldable_constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %row = util.unfoldable_constant dense<2> : tensor<i32>
  %column = util.unfoldable_constant dense<-5> : tensor<i32>
  %updated = stablehlo.dynamic_update_slice %a, %update, %row, %column : (tensor<4x3xf32>, tensor<1x2xf32>, tensor<i32>, tensor<i32>) -> tensor<4x3xf32>
  check.expect_eq_const(%updated, dense<[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.0]]> : tensor<4x3xf32>) : tensor<4x3xf32>
  return
}

func.func @static_slice() {
  %a = util.unfoldable_constant dense<[0, 1, 2, 3, 4, 5, 6, 7]> : tensor<8xi64>
  %odd = stablehlo.slice %a [1:8:2] : (tensor<8xi64>) -> tensor<4xi64>
  check.expect_eq_const(%odd, dense<[1, 3, 5, 7]> : tensor<4xi64>) : tensor<4xi64>
  return
}

func.func @interior_padding() {
  %a = util.unfoldable_constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %padded = stablehlo.pad %a, %zero, low = [1], high = [0], interior = [1] : (tensor<3xf32>, tensor<f32>) -> tensor<6xf32>
  check.expect_eq_const(%padded, dense<[0.0, 1.0, 0.0, 2.0, 0.0, 3.0]> : tensor<6xf32>) : tensor<6xf32>
  return
}

func.func @reverse() {
  %a = util.unfoldable_constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %reversed = stablehlo.reverse %a, dims = [0, 1] : tensor<2x3xi32>
  check.expect_eq_const(%reversed, dense<[[6, 5, 4], [3, 2, 1]]> : tensor<2x3xi32>) : tensor<2x3xi32>
  return
}

func.func @concatenate() {
  %a = util.unfoldable_constant dense<[1, 2]> : tensor<2xi16>
  %b = util.unfoldable_constant dense<[3]> : tensor<1xi16>
  %c = stablehlo.concatenate %a, %b, %a, dim = 0 : (tensor<2xi16>, tensor<1xi16>, tensor<2xi16>) -> tensor<5xi16>
  check.expect_eq_const(%c, dense<[1, 2, 3, 1, 2]> : tensor<5xi16>) : tensor<5xi16>
  return
}
