// Tensors without elements, and tensors of rank zero.

func.func @empty() {
  %a = util.unfoldable_constant dense<> : tensor<0xf32>
  %sum = arith.addf %a, %a : tensor<0xf32>
  check.expect_eq_const(%sum, dense<> : tensor<0xf32>) : tensor<0xf32>
  return
}

func.func @concatenate_with_nothing() {
  %a = util.unfoldable_constant dense<[1, 2]> : tensor<2xi32>
  %b = util.unfoldable_constant dense<> : tensor<0xi32>
  %c = tensor.concat dim(0) %a, %b : (tensor<2xi32>, tensor<0xi32>) -> tensor<2xi32>
  check.expect_eq_const(%c, dense<[1, 2]> : tensor<2xi32>) : tensor<2xi32>
  return
}

func.func @dynamic_zero() {
  %a = util.unfoldable_constant dense<[1, 2, 3]> : tensor<3xi32>
  %size = util.unfoldable_constant 0 : index
  %none = tensor.extract_slice %a[1] [%size] [1] : tensor<3xi32> to tensor<?xi32>
  %double = arith.addi %none, %none : tensor<?xi32>
  %static = tensor.cast %double : tensor<?xi32> to tensor<0xi32>
  check.expect_eq_const(%static, dense<> : tensor<0xi32>) : tensor<0xi32>
  return
}

func.func @rank_zero() {
  %a = util.unfoldable_constant dense<1.5> : tensor<f32>
  %sum = arith.addf %a, %a : tensor<f32>
  check.expect_eq_const(%sum, dense<3.0> : tensor<f32>) : tensor<f32>
  return
}
