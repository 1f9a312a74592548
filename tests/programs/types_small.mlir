// Types narrower than a byte or rarely native: i4 packed two to a byte, and 8-bit floats.

func.func @i4() {
  %a = util.unfoldable_constant dense<[1, -2, 7, -8, 3, 0, 5, -1]> : tensor<8xi4>
  %empty = tensor.empty() : tensor<8xi32>
  %wide = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%a : tensor<8xi4>) outs(%empty : tensor<8xi32>) {
  ^bb0(%in: i4, %out: i32):
    %extended = arith.extsi %in : i4 to i32
    linalg.yield %extended : i32
  } -> tensor<8xi32>
  check.expect_eq_const(%wide, dense<[1, -2, 7, -8, 3, 0, 5, -1]> : tensor<8xi32>) : tensor<8xi32>
  return
}

func.func @f8() {
  %a = util.unfoldable_constant dense<[1.0, -2.5, 0.125, 448.0]> : tensor<4xf8E4M3FN>
  %wide = arith.extf %a : tensor<4xf8E4M3FN> to tensor<4xf32>
  check.expect_eq_const(%wide, dense<[1.0, -2.5, 0.125, 448.0]> : tensor<4xf32>) : tensor<4xf32>
  return
}
