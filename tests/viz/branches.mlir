// Four branches, each with an intermediate of 64 KiB that a second matmul reduces to 512 bytes.

!big = tensor<128x128xf32>
!small = tensor<128x1xf32>

func.func @main(%x: !big, %v: !small, %w0: !big, %w1: !big, %w2: !big, %w3: !big) -> !small {
  %zero = arith.constant 0.0 : f32
  %big_empty = tensor.empty() : !big
  %big = linalg.fill ins(%zero : f32) outs(%big_empty : !big) -> !big
  %small_empty = tensor.empty() : !small
  %s0 = linalg.fill ins(%zero : f32) outs(%small_empty : !small) -> !small
  %h0 = linalg.matmul ins(%x, %w0 : !big, !big) outs(%big : !big) -> !big
  %s1 = linalg.matmul ins(%h0, %v : !big, !small) outs(%s0 : !small) -> !small
  %h1 = linalg.matmul ins(%x, %w1 : !big, !big) outs(%big : !big) -> !big
  %s2 = linalg.matmul ins(%h1, %v : !big, !small) outs(%s1 : !small) -> !small
  %h2 = linalg.matmul ins(%x, %w2 : !big, !big) outs(%big : !big) -> !big
  %s3 = linalg.matmul ins(%h2, %v : !big, !small) outs(%s2 : !small) -> !small
  %h3 = linalg.matmul ins(%x, %w3 : !big, !big) outs(%big : !big) -> !big
  %s4 = linalg.matmul ins(%h3, %v : !big, !small) outs(%s3 : !small) -> !small
  return %s4 : !small
}
