// Gather and scatter, with indices from the device.

func.func @gather_rows() {
  %table = util.unfoldable_constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %rows = util.unfoldable_constant dense<[[2], [0], [2], [1]]> : tensor<4x1xi32>
  %gathered = "stablehlo.gather"(%table, %rows) {
    dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>,
    slice_sizes = array<i64: 1, 2>, indices_are_sorted = false
  } : (tensor<3x2xf32>, tensor<4x1xi32>) -> tensor<4x2xf32>
  check.expect_eq_const(%gathered, dense<[[5.0, 6.0], [1.0, 2.0], [5.0, 6.0], [3.0, 4.0]]> : tensor<4x2xf32>) : tensor<4x2xf32>
  return
}

func.func @scatter_update() {
  %target = util.unfoldable_constant dense<0> : tensor<6xi32>
  %where = util.unfoldable_constant dense<[[1], [4], [5]]> : tensor<3x1xi32>
  %what = util.unfoldable_constant dense<[10, 40, 50]> : tensor<3xi32>
  %scattered = "stablehlo.scatter"(%target, %where, %what) ({
  ^bb0(%old: tensor<i32>, %new: tensor<i32>):
    stablehlo.return %new : tensor<i32>
  }) {
    scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>,
    indices_are_sorted = false, unique_indices = true
  } : (tensor<6xi32>, tensor<3x1xi32>, tensor<3xi32>) -> tensor<6xi32>
  check.expect_eq_const(%scattered, dense<[0, 10, 0, 0, 40, 50]> : tensor<6xi32>) : tensor<6xi32>
  return
}

func.func @scatter_add_to_one_place() {
  %target = util.unfoldable_constant dense<1.0> : tensor<3xf32>
  %where = util.unfoldable_constant dense<[[2], [2], [0]]> : tensor<3x1xi32>
  %what = util.unfoldable_constant dense<[10.0, 20.0, 5.0]> : tensor<3xf32>
  %scattered = "stablehlo.scatter"(%target, %where, %what) ({
  ^bb0(%old: tensor<f32>, %new: tensor<f32>):
    %sum = stablehlo.add %old, %new : tensor<f32>
    stablehlo.return %sum : tensor<f32>
  }) {
    scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>,
    indices_are_sorted = false, unique_indices = false
  } : (tensor<3xf32>, tensor<3x1xi32>, tensor<3xf32>) -> tensor<3xf32>
  check.expect_eq_const(%scattered, dense<[6.0, 1.0, 31.0]> : tensor<3xf32>) : tensor<3xf32>
  return
}
