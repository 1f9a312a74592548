// ((a + a) - a) * a on sixteen floats.
//
// Shows: three ops fused into a single dispatch, so that no intermediate ever reaches memory.

func.func @main(%a: tensor<16xf32>) -> tensor<16xf32> {
  %sum = arith.addf %a, %a : tensor<16xf32>
  %difference = arith.subf %sum, %a : tensor<16xf32>
  %product = arith.mulf %difference, %a : tensor<16xf32>
  return %product : tensor<16xf32>
}
