// Values made from positions.

func.func @stablehlo() {
  %columns = stablehlo.iota dim = 1 : tensor<2x3xi32>
  check.expect_eq_const(%columns, dense<[[0, 1, 2], [0, 1, 2]]> : tensor<2x3xi32>) : tensor<2x3xi32>
  %rows = stablehlo.iota dim = 0 : tensor<2x3xf32>
  check.expect_eq_const(%rows, dense<[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]> : tensor<2x3xf32>) : tensor<2x3xf32>
  return
}

func.func @linalg_index() {
  %empty = tensor.empty() : tensor<3x4xi64>
  %table = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%empty : tensor<3x4xi64>) {
  ^bb0(%unused: i64):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %product = arith.muli %i, %j : index
    %value = arith.index_cast %product : index to i64
    linalg.yield %value : i64
  } -> tensor<3x4xi64>
  check.expect_eq_const(%table, dense<[[0, 0, 0, 0], [0, 1, 2, 3], [0, 2, 4, 6]]> : tensor<3x4xi64>) : tensor<3x4xi64>
  return
}

func.func @triangle() {
  %i = stablehlo.iota dim = 0 : tensor<3x3xi32>
  %j = stablehlo.iota dim = 1 : tensor<3x3xi32>
  %lower = stablehlo.compare GE, %i, %j : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
  check.expect_eq_const(%lower, dense<[[true, false, false], [true, true, false], [true, true, true]]> : tensor<3x3xi1>) : tensor<3x3xi1>
  return
}
