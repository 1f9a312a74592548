// Several transients of run-time size that live at once.

func.func @main(%x: tensor<?x32xf32>, %w: tensor<32x32xf32>, %v: tensor<32x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %rows = tensor.dim %x, %c0 : tensor<?x32xf32>
  %empty32 = tensor.empty(%rows) : tensor<?x32xf32>
  %empty16 = tensor.empty(%rows) : tensor<?x16xf32>
  %zero32 = linalg.fill ins(%zero : f32) outs(%empty32 : tensor<?x32xf32>) -> tensor<?x32xf32>
  %zero16 = linalg.fill ins(%zero : f32) outs(%empty16 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %a = linalg.matmul ins(%x, %w : tensor<?x32xf32>, tensor<32x32xf32>) outs(%zero32 : tensor<?x32xf32>) -> tensor<?x32xf32>
  %b = linalg.matmul ins(%x, %v : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero16 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %c = linalg.matmul ins(%a, %v : tensor<?x32xf32>, tensor<32x16xf32>) outs(%b : tensor<?x16xf32>) -> tensor<?x16xf32>
  %s = linalg.softmax dimension(1) ins(%c : tensor<?x16xf32>) outs(%empty16 : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %s : tensor<?x16xf32>
}
