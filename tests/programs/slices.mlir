// Slices, insertions, padding and concatenation of tensors.

func.func @extract() {
  %a = util.unfoldable_constant dense<[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]> : tensor<3x4xi32>
  %block = tensor.extract_slice %a[1, 1] [2, 2] [1, 1] : tensor<3x4xi32> to tensor<2x2xi32>
  check.expect_eq_const(%block, dense<[[6, 7], [10, 11]]> : tensor<2x2xi32>) : tensor<2x2xi32>
  %strided = tensor.extract_slice %a[0, 0] [2, 2] [2, 3] : tensor<3x4xi32> to tensor<2x2xi32>
  check.expect_eq_const(%strided, dense<[[1, 4], [9, 12]]> : tensor<2x2xi32>) : tensor<2x2xi32>
  %row = tensor.extract_slice %a[1, 0] [1, 4] [1, 1] : tensor<3x4xi32> to tensor<4xi32>
  check.expect_eq_const(%row, dense<[5, 6, 7, 8]> : tensor<4xi32>) : tensor<4xi32>
  return
}

func.func @insert() {
  %a = util.unfoldable_constant dense<0> : tensor<3x4xi32>
  %b = util.unfoldable_constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  %c = tensor.insert_slice %b into %a[1, 2] [2, 2] [1, 1] : tensor<2x2xi32> into tensor<3x4xi32>
  check.expect_eq_const(%c, dense<[[0, 0, 0, 0], [0, 0, 1, 2], [0, 0, 3, 4]]> : tensor<3x4xi32>) : tensor<3x4xi32>
  return
}

func.func @pad() {
  %a = util.unfoldable_constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %value = arith.constant -1.0 : f32
  %padded = tensor.pad %a low[0, 1] high[1, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %value : f32
  } : tensor<2x2xf32> to tensor<3x3xf32>
  check.expect_eq_const(%padded, dense<[[-1.0, 1.0, 2.0], [-1.0, 3.0, 4.0], [-1.0, -1.0, -1.0]]> : tensor<3x3xf32>) : tensor<3x3xf32>
  return
}

func.func @concatenate() {
  %a = util.unfoldable_constant dense<[[1, 2]]> : tensor<1x2xi32>
  %b = util.unfoldable_constant dense<[[3, 4], [5, 6]]> : tensor<2x2xi32>
  %rows = tensor.concat dim(0) %a, %b : (tensor<1x2xi32>, tensor<2x2xi32>) -> tensor<3x2xi32>
  check.expect_eq_const(%rows, dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi32>) : tensor<3x2xi32>
  %columns = tensor.concat dim(1) %b, %b : (tensor<2x2xi32>, tensor<2x2xi32>) -> tensor<2x4xi32>
  check.expect_eq_const(%columns, dense<[[3, 4, 3, 4], [5, 6, 5, 6]]> : tensor<2x4xi32>) : tensor<2x4xi32>
  return
}

func.func @reshape() {
  %a = util.unfoldable_constant dense<[[1, 2, 3, 4], [5, 6, 7, 8]]> : tensor<2x4xi32>
  %flat = tensor.collapse_shape %a [[0, 1]] : tensor<2x4xi32> into tensor<8xi32>
  check.expect_eq_const(%flat, dense<[1, 2, 3, 4, 5, 6, 7, 8]> : tensor<8xi32>) : tensor<8xi32>
  %cube = tensor.expand_shape %flat [[0, 1, 2]] output_shape [2, 2, 2] : tensor<8xi32> into tensor<2x2x2xi32>
  check.expect_eq_const(%cube, dense<[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]> : tensor<2x2x2xi32>) : tensor<2x2x2xi32>
  return
}
