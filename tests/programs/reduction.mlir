// Reductions in linalg: sums, extrema and arg-maximum over rows, columns and everything.

func.func @sums() {
  %a = util.unfoldable_constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %zero2 = arith.constant dense<0.0> : tensor<2xf32>
  %zero3 = arith.constant dense<0.0> : tensor<3xf32>
  %zero = arith.constant dense<0.0> : tensor<f32>
  %rows = linalg.reduce {arith.addf} ins(%a : tensor<2x3xf32>) outs(%zero2 : tensor<2xf32>) dimensions = [1]
  check.expect_eq_const(%rows, dense<[6.0, 15.0]> : tensor<2xf32>) : tensor<2xf32>
  %columns = linalg.reduce {arith.addf} ins(%a : tensor<2x3xf32>) outs(%zero3 : tensor<3xf32>) dimensions = [0]
  check.expect_eq_const(%columns, dense<[5.0, 7.0, 9.0]> : tensor<3xf32>) : tensor<3xf32>
  %all = linalg.reduce {arith.addf} ins(%a : tensor<2x3xf32>) outs(%zero : tensor<f32>) dimensions = [0, 1]
  check.expect_eq_const(%all, dense<21.0> : tensor<f32>) : tensor<f32>
  return
}

func.func @extrema() {
  %a = util.unfoldable_constant dense<[[-1.0, 7.0, 3.0], [4.0, -5.0, 6.0]]> : tensor<2x3xf32>
  %low = arith.constant dense<0xFF800000> : tensor<2xf32>
  %high = arith.constant dense<0x7F800000> : tensor<2xf32>
  %max = linalg.reduce {arith.maximumf} ins(%a : tensor<2x3xf32>) outs(%low : tensor<2xf32>) dimensions = [1]
  check.expect_eq_const(%max, dense<[7.0, 6.0]> : tensor<2xf32>) : tensor<2xf32>
  %min = linalg.reduce {arith.minimumf} ins(%a : tensor<2x3xf32>) outs(%high : tensor<2xf32>) dimensions = [1]
  check.expect_eq_const(%min, dense<[-1.0, -5.0]> : tensor<2xf32>) : tensor<2xf32>
  return
}

func.func @argmax() {
  %a = util.unfoldable_constant dense<[[1.0, 9.0, 3.0, 4.0], [8.0, 5.0, 6.0, 7.0]]> : tensor<2x4xf32>
  %low = arith.constant dense<0xFF800000> : tensor<2xf32>
  %first = arith.constant dense<0> : tensor<2xi32>
  %max:2 = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%a : tensor<2x4xf32>) outs(%low, %first : tensor<2xf32>, tensor<2xi32>) {
  ^bb0(%value: f32, %best: f32, %where: i32):
    %j = linalg.index 1 : index
    %column = arith.index_cast %j : index to i32
    %larger = arith.cmpf ogt, %value, %best : f32
    %next = arith.select %larger, %value, %best : f32
    %next_where = arith.select %larger, %column, %where : i32
    linalg.yield %next, %next_where : f32, i32
  } -> (tensor<2xf32>, tensor<2xi32>)
  check.expect_eq_const(%max#0, dense<[9.0, 8.0]> : tensor<2xf32>) : tensor<2xf32>
  check.expect_eq_const(%max#1, dense<[1, 0]> : tensor<2xi32>) : tensor<2xi32>
  return
}

func.func @long() {
  %one = util.unfoldable_constant dense<1.0> : tensor<64x1000xf32>
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  %sum = linalg.reduce {arith.addf} ins(%one : tensor<64x1000xf32>) outs(%zero : tensor<64xf32>) dimensions = [1]
  check.expect_eq_const(%sum, dense<1000.0> : tensor<64xf32>) : tensor<64xf32>
  return
}

func.func @integer_product() {
  %a = util.unfoldable_constant dense<[1, 2, 3, 4, 5]> : tensor<5xi64>
  %one = arith.constant dense<1> : tensor<i64>
  %product = linalg.reduce {arith.muli} ins(%a : tensor<5xi64>) outs(%one : tensor<i64>) dimensions = [0]
  check.expect_eq_const(%product, dense<120> : tensor<i64>) : tensor<i64>
  return
}
