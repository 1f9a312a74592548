// Convolutions in linalg: 2-D, strided, depthwise, and 1-D.

func.func @box_3x3() {
  %image = util.unfoldable_constant dense<1.0> : tensor<1x5x5x2xf32>
  %filter = util.unfoldable_constant dense<0.5> : tensor<3x3x2x4xf32>
  %zero = arith.constant dense<0.0> : tensor<1x3x3x4xf32>
  %out = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
      ins(%image, %filter : tensor<1x5x5x2xf32>, tensor<3x3x2x4xf32>) outs(%zero : tensor<1x3x3x4xf32>) -> tensor<1x3x3x4xf32>
  check.expect_eq_const(%out, dense<9.0> : tensor<1x3x3x4xf32>) : tensor<1x3x3x4xf32>
  return
}

func.func @strided() {
  %image = util.unfoldable_constant dense<[[[[1.0], [2.0], [3.0], [4.0]], [[5.0], [6.0], [7.0], [8.0]], [[9.0], [10.0], [11.0], [12.0]], [[13.0], [14.0], [15.0], [16.0]]]]> : tensor<1x4x4x1xf32>
  %filter = util.unfoldable_constant dense<[[[[1.0]], [[0.0]]], [[[0.0]], [[-1.0]]]]> : tensor<2x2x1x1xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2x2x1xf32>
  %out = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}
      ins(%image, %filter : tensor<1x4x4x1xf32>, tensor<2x2x1x1xf32>) outs(%zero : tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  check.expect_eq_const(%out, dense<-5.0> : tensor<1x2x2x1xf32>) : tensor<1x2x2x1xf32>
  return
}

func.func @depthwise() {
  %image = util.unfoldable_constant dense<2.0> : tensor<1x4x4x3xf32>
  %filter = util.unfoldable_constant dense<[[[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]]> : tensor<2x2x3xf32>
  %zero = arith.constant dense<0.0> : tensor<1x3x3x3xf32>
  %out = linalg.depthwise_conv_2d_nhwc_hwc {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
      ins(%image, %filter : tensor<1x4x4x3xf32>, tensor<2x2x3xf32>) outs(%zero : tensor<1x3x3x3xf32>) -> tensor<1x3x3x3xf32>
  %corner = tensor.extract_slice %out[0, 2, 2, 0] [1, 1, 1, 3] [1, 1, 1, 1] : tensor<1x3x3x3xf32> to tensor<3xf32>
  check.expect_eq_const(%corner, dense<[8.0, 16.0, 24.0]> : tensor<3xf32>) : tensor<3xf32>
  return
}

func.func @one_dimension() {
  %signal = util.unfoldable_constant dense<[[[1.0], [2.0], [4.0], [8.0]]]> : tensor<1x4x1xf32>
  %filter = util.unfoldable_constant dense<[[[1.0]], [[-1.0]]]> : tensor<2x1x1xf32>
  %zero = arith.constant dense<0.0> : tensor<1x3x1xf32>
  %out = linalg.conv_1d_nwc_wcf {dilations = dense<1> : tensor<1xi64>, strides = dense<1> : tensor<1xi64>}
      ins(%signal, %filter : tensor<1x4x1xf32>, tensor<2x1x1xf32>) outs(%zero : tensor<1x3x1xf32>) -> tensor<1x3x1xf32>
  check.expect_eq_const(%out, dense<[[[-1.0], [-2.0], [-4.0]]]> : tensor<1x3x1xf32>) : tensor<1x3x1xf32>
  return
}

func.func @integers() {
  %image = util.unfoldable_constant dense<-3> : tensor<1x3x3x1xi8>
  %filter = util.unfoldable_constant dense<100> : tensor<3x3x1x1xi8>
  %zero = arith.constant dense<0> : tensor<1x1x1x1xi32>
  %out = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
      ins(%image, %filter : tensor<1x3x3x1xi8>, tensor<3x3x1x1xi8>) outs(%zero : tensor<1x1x1x1xi32>) -> tensor<1x1x1x1xi32>
  check.expect_eq_const(%out, dense<-2700> : tensor<1x1x1x1xi32>) : tensor<1x1x1x1xi32>
  return
}
