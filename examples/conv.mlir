// A small convolutional network in TOSA: conv 3x3 + relu, max pool 2x2, conv 3x3 + relu,
// global average, dense. Images are NHWC, filters are OHWI, as TOSA has them.
//
// Shows: another input dialect, implicit padding becoming its own work, windows, and a reshape
// that costs nothing.

func.func @main(%image: tensor<2x16x16x3xf32>,
                %filter1: tensor<8x3x3x3xf32>, %bias1: tensor<8xf32>,
                %filter2: tensor<16x3x3x8xf32>, %bias2: tensor<16xf32>,
                %dense: tensor<1x16x10xf32>) -> tensor<2x10xf32> {
  %zero_point = tosa.const values(dense<0.0> : tensor<1xf32>) : () -> tensor<1xf32>

  %conv1 = tosa.conv2d %image, %filter1, %bias1, %zero_point, %zero_point
      pad([1, 1, 1, 1]) stride([1, 1]) dilation([1, 1]) acc_type(f32)
      : (tensor<2x16x16x3xf32>, tensor<8x3x3x3xf32>, tensor<8xf32>, tensor<1xf32>, tensor<1xf32>)
      -> tensor<2x16x16x8xf32>
  %relu1 = tosa.clamp %conv1 min_val(0.0 : f32) max_val(3.4028235e38 : f32)
      : (tensor<2x16x16x8xf32>) -> tensor<2x16x16x8xf32>
  %pooled = tosa.max_pool2d %relu1
      kernel([2, 2]) stride([2, 2]) pad([0, 0, 0, 0])
      : (tensor<2x16x16x8xf32>) -> tensor<2x8x8x8xf32>

  %conv2 = tosa.conv2d %pooled, %filter2, %bias2, %zero_point, %zero_point
      pad([1, 1, 1, 1]) stride([1, 1]) dilation([1, 1]) acc_type(f32)
      : (tensor<2x8x8x8xf32>, tensor<16x3x3x8xf32>, tensor<16xf32>, tensor<1xf32>, tensor<1xf32>)
      -> tensor<2x8x8x16xf32>
  %relu2 = tosa.clamp %conv2 min_val(0.0 : f32) max_val(3.4028235e38 : f32)
      : (tensor<2x8x8x16xf32>) -> tensor<2x8x8x16xf32>
  %averaged = tosa.avg_pool2d %relu2, %zero_point, %zero_point
      kernel([8, 8]) stride([1, 1]) pad([0, 0, 0, 0]) acc_type(f32)
      : (tensor<2x8x8x16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x1x1x16xf32>

  %rows = tosa.const_shape values(dense<[1, 2, 16]> : tensor<3xindex>) : () -> !tosa.shape<3>
  %features = tosa.reshape %averaged, %rows : (tensor<2x1x1x16xf32>, !tosa.shape<3>) -> tensor<1x2x16xf32>
  %scores = tosa.matmul %features, %dense, %zero_point, %zero_point
      : (tensor<1x2x16xf32>, tensor<1x16x10xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x10xf32>
  %out = tosa.const_shape values(dense<[2, 10]> : tensor<2xindex>) : () -> !tosa.shape<2>
  %result = tosa.reshape %scores, %out : (tensor<1x2x10xf32>, !tosa.shape<2>) -> tensor<2x10xf32>
  return %result : tensor<2x10xf32>
}
