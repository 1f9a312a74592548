// A dense layer with a dynamic batch: row-wise softmax(x @ w + b) for any number of rows.
//
// Shows: shapes as values. The batch size is read from the argument's shape, sizes of buffers
// and workgroup counts are computed by the VM, and the command buffer is recorded per call.

func.func @main(%x: tensor<?x32xf32>, %w: tensor<32x16xf32>, %b: tensor<16xf32>) -> tensor<?x16xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x32xf32>

  %empty = tensor.empty(%batch) : tensor<?x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x32xf32>, tensor<32x16xf32>)
                           outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  %logits = linalg.generic {
      indexing_maps = [affine_map<(row, col) -> (row, col)>,
                       affine_map<(row, col) -> (col)>,
                       affine_map<(row, col) -> (row, col)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%product, %b : tensor<?x16xf32>, tensor<16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%value: f32, %bias: f32, %unused: f32):
    %biased = arith.addf %value, %bias : f32
    linalg.yield %biased : f32
  } -> tensor<?x16xf32>

  %softmax = linalg.softmax dimension(1) ins(%logits : tensor<?x16xf32>)
                                         outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %softmax : tensor<?x16xf32>
}
