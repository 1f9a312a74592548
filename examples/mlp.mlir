// A two-layer perceptron on linalg tensors: relu(x @ w1 + b1) @ w2.
//
// Shows: two dispatches, the bias and relu fused into the first, one transient buffer,
// a barrier between dependent dispatches. The usual first program to look at.
//
//   ireelab explore mlp.mlir --run

func.func @mlp(%x: tensor<8x64xf32>, %w1: tensor<64x128xf32>, %b1: tensor<128xf32>,
               %w2: tensor<128x10xf32>) -> tensor<8x10xf32> {
  %zero = arith.constant 0.0 : f32

  // Hidden layer: x @ w1.
  %hidden_empty = tensor.empty() : tensor<8x128xf32>
  %hidden_init = linalg.fill ins(%zero : f32) outs(%hidden_empty : tensor<8x128xf32>) -> tensor<8x128xf32>
  %hidden = linalg.matmul ins(%x, %w1 : tensor<8x64xf32>, tensor<64x128xf32>)
                          outs(%hidden_init : tensor<8x128xf32>) -> tensor<8x128xf32>

  // Bias, broadcast over rows, and relu.
  %activated = linalg.generic {
      indexing_maps = [affine_map<(row, col) -> (row, col)>,
                       affine_map<(row, col) -> (col)>,
                       affine_map<(row, col) -> (row, col)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%hidden, %b1 : tensor<8x128xf32>, tensor<128xf32>)
      outs(%hidden_empty : tensor<8x128xf32>) {
  ^bb0(%value: f32, %bias: f32, %unused: f32):
    %biased = arith.addf %value, %bias : f32
    %relu = arith.maximumf %biased, %zero : f32
    linalg.yield %relu : f32
  } -> tensor<8x128xf32>

  // Output layer.
  %logits_empty = tensor.empty() : tensor<8x10xf32>
  %logits_init = linalg.fill ins(%zero : f32) outs(%logits_empty : tensor<8x10xf32>) -> tensor<8x10xf32>
  %logits = linalg.matmul ins(%activated, %w2 : tensor<8x128xf32>, tensor<128x10xf32>)
                          outs(%logits_init : tensor<8x10xf32>) -> tensor<8x10xf32>
  return %logits : tensor<8x10xf32>
}
