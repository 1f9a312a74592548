// Shapes known only at run time: dimensions flow through dispatches, slices and reshapes.

func.func private @sum_rows(%a: tensor<?x?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %rows = tensor.dim %a, %c0 : tensor<?x?xf32>
  %empty = tensor.empty(%rows) : tensor<?xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce {arith.addf} ins(%a : tensor<?x?xf32>) outs(%init : tensor<?xf32>) dimensions = [1]
  return %sum : tensor<?xf32>
}

func.func @reduction() {
  %a = flow.tensor.dynamic_constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32> -> tensor<?x?xf32>
  %sum = call @sum_rows(%a) : (tensor<?x?xf32>) -> tensor<?xf32>
  %static = tensor.cast %sum : tensor<?xf32> to tensor<2xf32>
  check.expect_eq_const(%static, dense<[6.0, 15.0]> : tensor<2xf32>) : tensor<2xf32>
  return
}

func.func private @product(%a: tensor<?x?xf32>, %b: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %a, %c0 : tensor<?x?xf32>
  %n = tensor.dim %b, %c1 : tensor<?x?xf32>
  %empty = tensor.empty(%m, %n) : tensor<?x?xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x?xf32>) -> tensor<?x?xf32>
  %c = linalg.matmul ins(%a, %b : tensor<?x?xf32>, tensor<?x?xf32>) outs(%init : tensor<?x?xf32>) -> tensor<?x?xf32>
  return %c : tensor<?x?xf32>
}

func.func @matmul() {
  %a = flow.tensor.dynamic_constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32> -> tensor<?x?xf32>
  %b = flow.tensor.dynamic_constant dense<[[1.0, 0.0, -1.0], [2.0, 1.0, 0.0]]> : tensor<2x3xf32> -> tensor<?x?xf32>
  %c = call @product(%a, %b) : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %static = tensor.cast %c : tensor<?x?xf32> to tensor<3x3xf32>
  check.expect_eq_const(%static, dense<[[5.0, 2.0, -1.0], [11.0, 4.0, -3.0], [17.0, 6.0, -5.0]]> : tensor<3x3xf32>) : tensor<3x3xf32>
  return
}

func.func @slice() {
  %a = flow.tensor.dynamic_constant dense<[0, 1, 2, 3, 4, 5, 6, 7]> : tensor<8xi32> -> tensor<?xi32>
  %offset = util.unfoldable_constant 3 : index
  %size = util.unfoldable_constant 4 : index
  %slice = tensor.extract_slice %a[%offset] [%size] [1] : tensor<?xi32> to tensor<?xi32>
  %double = arith.addi %slice, %slice : tensor<?xi32>
  %static = tensor.cast %double : tensor<?xi32> to tensor<4xi32>
  check.expect_eq_const(%static, dense<[6, 8, 10, 12]> : tensor<4xi32>) : tensor<4xi32>
  return
}

func.func @pad_by_value() {
  %a = util.unfoldable_constant dense<[1.0, 2.0]> : tensor<2xf32>
  %amount = util.unfoldable_constant 2 : index
  %value = arith.constant 9.0 : f32
  %padded = tensor.pad %a low[%amount] high[1] {
  ^bb0(%i: index):
    tensor.yield %value : f32
  } : tensor<2xf32> to tensor<?xf32>
  %static = tensor.cast %padded : tensor<?xf32> to tensor<5xf32>
  check.expect_eq_const(%static, dense<[9.0, 9.0, 1.0, 2.0, 9.0]> : tensor<5xf32>) : tensor<5xf32>
  return
}

func.func @growing() {
  // The shape changes in every turn of the loop.
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %turns = util.unfoldable_constant 3 : index
  %start = flow.tensor.dynamic_constant dense<[7]> : tensor<1xi32> -> tensor<?xi32>
  %grown = scf.for %i = %c0 to %turns step %c1 iter_args(%x = %start) -> tensor<?xi32> {
    %twice = tensor.concat dim(0) %x, %x : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
    scf.yield %twice : tensor<?xi32>
  }
  %static = tensor.cast %grown : tensor<?xi32> to tensor<8xi32>
  check.expect_eq_const(%static, dense<7> : tensor<8xi32>) : tensor<8xi32>
  return
}
