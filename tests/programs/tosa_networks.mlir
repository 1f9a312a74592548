// Layers of TOSA: convolution, pooling, matrix product, a quantised rescale, control flow.

func.func @convolution_and_pool() {
  %image = util.unfoldable_constant dense<1.0> : tensor<1x4x4x1xf32>
  %filter = util.unfoldable_constant dense<1.0> : tensor<1x3x3x1xf32>
  %bias = util.unfoldable_constant dense<0.5> : tensor<1xf32>
  %zp = tosa.const values(dense<0.0> : tensor<1xf32>) : () -> tensor<1xf32>
  %conv = tosa.conv2d %image, %filter, %bias, %zp, %zp pad([1, 1, 1, 1]) stride([1, 1]) dilation([1, 1]) acc_type(f32)
      : (tensor<1x4x4x1xf32>, tensor<1x3x3x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x1xf32>
  check.expect_eq_const(%conv, dense<[[[[4.5], [6.5], [6.5], [4.5]], [[6.5], [9.5], [9.5], [6.5]], [[6.5], [9.5], [9.5], [6.5]], [[4.5], [6.5], [6.5], [4.5]]]]> : tensor<1x4x4x1xf32>) : tensor<1x4x4x1xf32>
  %max = tosa.max_pool2d %conv kernel([2, 2]) stride([2, 2]) pad([0, 0, 0, 0]) : (tensor<1x4x4x1xf32>) -> tensor<1x2x2x1xf32>
  check.expect_eq_const(%max, dense<9.5> : tensor<1x2x2x1xf32>) : tensor<1x2x2x1xf32>
  %mean = tosa.avg_pool2d %conv, %zp, %zp kernel([2, 2]) stride([2, 2]) pad([0, 0, 0, 0]) acc_type(f32) : (tensor<1x4x4x1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2x1xf32>
  check.expect_eq_const(%mean, dense<6.75> : tensor<1x2x2x1xf32>) : tensor<1x2x2x1xf32>
  return
}

func.func @quantised_matmul() {
  %a = util.unfoldable_constant dense<[[[3, 4]]]> : tensor<1x1x2xi8>
  %b = util.unfoldable_constant dense<[[[5], [6]]]> : tensor<1x2x1xi8>
  %a_zp = tosa.const values(dense<1> : tensor<1xi8>) : () -> tensor<1xi8>
  %b_zp = tosa.const values(dense<2> : tensor<1xi8>) : () -> tensor<1xi8>
  // (3 - 1) (5 - 2) + (4 - 1) (6 - 2)
  %c = tosa.matmul %a, %b, %a_zp, %b_zp : (tensor<1x1x2xi8>, tensor<1x2x1xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x1x1xi32>
  check.expect_eq_const(%c, dense<18> : tensor<1x1x1xi32>) : tensor<1x1x1xi32>
  return
}

func.func @while() {
  %start = util.unfoldable_constant dense<1> : tensor<i32>
  %result = tosa.while_loop (%x = %start) : (tensor<i32>) -> tensor<i32> {
    %limit = tosa.const values(dense<100> : tensor<i32>) : () -> tensor<i32>
    %more = tosa.greater %limit, %x : (tensor<i32>, tensor<i32>) -> tensor<i1>
    tosa.yield %more : tensor<i1>
  } do {
  ^bb0(%x: tensor<i32>):
    %next = tosa.add %x, %x : (tensor<i32>, tensor<i32>) -> tensor<i32>
    tosa.yield %next : tensor<i32>
  }
  check.expect_eq_const(%result, dense<128> : tensor<i32>) : tensor<i32>
  return
}
