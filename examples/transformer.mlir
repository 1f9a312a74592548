// One transformer block, exported by JAX as StableHLO (examples/export_transformer.py):
//   x + attention(layer_norm(x)), then y + mlp(layer_norm(y)).
// 4 heads, 64 tokens, width 128, batch 2. Weights are arguments.
//
// Shows: a real model. A dozen dispatches from a hundred ops, concurrent projections, and
// transients that share memory. Each comment is the line of Python that the ops below came from.

func.func @transformer(
    %x: tensor<2x64x128xf32>,
    %norm1_scale: tensor<128xf32>,
    %norm1_bias: tensor<128xf32>,
    %wq: tensor<128x128xf32>,
    %wk: tensor<128x128xf32>,
    %wv: tensor<128x128xf32>,
    %wo: tensor<128x128xf32>,
    %norm2_scale: tensor<128xf32>,
    %norm2_bias: tensor<128xf32>,
    %w1: tensor<128x512xf32>,
    %b1: tensor<512xf32>,
    %w2: tensor<512x128xf32>,
    %b2: tensor<128xf32>) -> tensor<2x64x128xf32> {
  // layer_norm: mean = x.mean(axis=-1, keepdims=True)
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.reduce(%x init: %cst) applies stablehlo.add across dimensions = [2] : (tensor<2x64x128xf32>, tensor<f32>) -> tensor<2x64xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0, 1] : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
  %cst_0 = stablehlo.constant dense<1.280000e+02> : tensor<f32>
  %2 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<2x64x1xf32>
  %3 = stablehlo.divide %1, %2 : tensor<2x64x1xf32>

  // layer_norm: centred = x - mean
  %4 = stablehlo.broadcast_in_dim %3, dims = [0, 1, 2] : (tensor<2x64x1xf32>) -> tensor<2x64x128xf32>
  %5 = stablehlo.subtract %x, %4 : tensor<2x64x128xf32>

  // layer_norm: variance = (centred * centred).mean(axis=-1, keepdims=True)
  %6 = stablehlo.multiply %5, %5 : tensor<2x64x128xf32>
  %cst_1 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %7 = stablehlo.reduce(%6 init: %cst_1) applies stablehlo.add across dimensions = [2] : (tensor<2x64x128xf32>, tensor<f32>) -> tensor<2x64xf32>
  %8 = stablehlo.broadcast_in_dim %7, dims = [0, 1] : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
  %cst_2 = stablehlo.constant dense<1.280000e+02> : tensor<f32>
  %9 = stablehlo.broadcast_in_dim %cst_2, dims = [] : (tensor<f32>) -> tensor<2x64x1xf32>
  %10 = stablehlo.divide %8, %9 : tensor<2x64x1xf32>
  %cst_3 = stablehlo.constant dense<9.99999974E-6> : tensor<f32>

  // layer_norm: return centred * jax.lax.rsqrt(variance + 1e-5) * scale + bias
  %11 = stablehlo.broadcast_in_dim %cst_3, dims = [] : (tensor<f32>) -> tensor<2x64x1xf32>
  %12 = stablehlo.add %10, %11 : tensor<2x64x1xf32>
  %13 = stablehlo.rsqrt %12 : tensor<2x64x1xf32>
  %14 = stablehlo.broadcast_in_dim %13, dims = [0, 1, 2] : (tensor<2x64x1xf32>) -> tensor<2x64x128xf32>
  %15 = stablehlo.multiply %5, %14 : tensor<2x64x128xf32>
  %16 = stablehlo.broadcast_in_dim %norm1_scale, dims = [2] : (tensor<128xf32>) -> tensor<1x1x128xf32>
  %17 = stablehlo.broadcast_in_dim %16, dims = [0, 1, 2] : (tensor<1x1x128xf32>) -> tensor<2x64x128xf32>
  %18 = stablehlo.multiply %15, %17 : tensor<2x64x128xf32>
  %19 = stablehlo.broadcast_in_dim %norm1_bias, dims = [2] : (tensor<128xf32>) -> tensor<1x1x128xf32>
  %20 = stablehlo.broadcast_in_dim %19, dims = [0, 1, 2] : (tensor<1x1x128xf32>) -> tensor<2x64x128xf32>
  %21 = stablehlo.add %18, %20 : tensor<2x64x128xf32>

  // attention: q = (x @ wq).reshape(heads)
  %22 = stablehlo.dot_general %21, %wq, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<2x64x128xf32>, tensor<128x128xf32>) -> tensor<2x64x128xf32>
  %23 = stablehlo.reshape %22 : (tensor<2x64x128xf32>) -> tensor<2x64x4x32xf32>

  // attention: k = (x @ wk).reshape(heads)
  %24 = stablehlo.dot_general %21, %wk, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<2x64x128xf32>, tensor<128x128xf32>) -> tensor<2x64x128xf32>
  %25 = stablehlo.reshape %24 : (tensor<2x64x128xf32>) -> tensor<2x64x4x32xf32>

  // attention: v = (x @ wv).reshape(heads)
  %26 = stablehlo.dot_general %21, %wv, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<2x64x128xf32>, tensor<128x128xf32>) -> tensor<2x64x128xf32>
  %27 = stablehlo.reshape %26 : (tensor<2x64x128xf32>) -> tensor<2x64x4x32xf32>

  // attention: scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) * (WIDTH // HEADS) ** -0.5
  %28 = stablehlo.dot_general %23, %25, batching_dims = [0, 2] x [0, 2], contracting_dims = [3] x [3], precision = [DEFAULT, DEFAULT] : (tensor<2x64x4x32xf32>, tensor<2x64x4x32xf32>) -> tensor<2x4x64x64xf32>
  %cst_4 = stablehlo.constant dense<0.176776692> : tensor<f32>
  %29 = stablehlo.broadcast_in_dim %cst_4, dims = [] : (tensor<f32>) -> tensor<2x4x64x64xf32>
  %30 = stablehlo.multiply %28, %29 : tensor<2x4x64x64xf32>

  // softmax: exponentials = jnp.exp(x - x.max(axis=-1, keepdims=True))
  %cst_5 = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %31 = stablehlo.reduce(%30 init: %cst_5) applies stablehlo.maximum across dimensions = [3] : (tensor<2x4x64x64xf32>, tensor<f32>) -> tensor<2x4x64xf32>
  %32 = stablehlo.broadcast_in_dim %31, dims = [0, 1, 2] : (tensor<2x4x64xf32>) -> tensor<2x4x64x1xf32>
  %33 = stablehlo.broadcast_in_dim %32, dims = [0, 1, 2, 3] : (tensor<2x4x64x1xf32>) -> tensor<2x4x64x64xf32>
  %34 = stablehlo.subtract %30, %33 : tensor<2x4x64x64xf32>
  %35 = stablehlo.exponential %34 : tensor<2x4x64x64xf32>

  // softmax: return exponentials / exponentials.sum(axis=-1, keepdims=True)
  %cst_6 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %36 = stablehlo.reduce(%35 init: %cst_6) applies stablehlo.add across dimensions = [3] : (tensor<2x4x64x64xf32>, tensor<f32>) -> tensor<2x4x64xf32>
  %37 = stablehlo.broadcast_in_dim %36, dims = [0, 1, 2] : (tensor<2x4x64xf32>) -> tensor<2x4x64x1xf32>
  %38 = stablehlo.broadcast_in_dim %37, dims = [0, 1, 2, 3] : (tensor<2x4x64x1xf32>) -> tensor<2x4x64x64xf32>
  %39 = stablehlo.divide %35, %38 : tensor<2x4x64x64xf32>

  // attention: mixed = jnp.einsum("bhqk,bkhd->bqhd", softmax(scores), v)
  %40 = stablehlo.dot_general %27, %39, batching_dims = [0, 2] x [0, 1], contracting_dims = [1] x [3], precision = [DEFAULT, DEFAULT] : (tensor<2x64x4x32xf32>, tensor<2x4x64x64xf32>) -> tensor<2x4x32x64xf32>
  %41 = stablehlo.transpose %40, dims = [0, 3, 1, 2] : (tensor<2x4x32x64xf32>) -> tensor<2x64x4x32xf32>

  // attention: return mixed.reshape(BATCH, TOKENS, WIDTH) @ wo
  %42 = stablehlo.reshape %41 : (tensor<2x64x4x32xf32>) -> tensor<2x64x128xf32>
  %43 = stablehlo.dot_general %42, %wo, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<2x64x128xf32>, tensor<128x128xf32>) -> tensor<2x64x128xf32>

  // transformer: x = x + attention(layer_norm(x, *norm1), *projections)
  %44 = stablehlo.add %x, %43 : tensor<2x64x128xf32>

  // layer_norm: mean = x.mean(axis=-1, keepdims=True)
  %cst_7 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %45 = stablehlo.reduce(%44 init: %cst_7) applies stablehlo.add across dimensions = [2] : (tensor<2x64x128xf32>, tensor<f32>) -> tensor<2x64xf32>
  %46 = stablehlo.broadcast_in_dim %45, dims = [0, 1] : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
  %cst_8 = stablehlo.constant dense<1.280000e+02> : tensor<f32>
  %47 = stablehlo.broadcast_in_dim %cst_8, dims = [] : (tensor<f32>) -> tensor<2x64x1xf32>
  %48 = stablehlo.divide %46, %47 : tensor<2x64x1xf32>

  // layer_norm: centred = x - mean
  %49 = stablehlo.broadcast_in_dim %48, dims = [0, 1, 2] : (tensor<2x64x1xf32>) -> tensor<2x64x128xf32>
  %50 = stablehlo.subtract %44, %49 : tensor<2x64x128xf32>

  // layer_norm: variance = (centred * centred).mean(axis=-1, keepdims=True)
  %51 = stablehlo.multiply %50, %50 : tensor<2x64x128xf32>
  %cst_9 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %52 = stablehlo.reduce(%51 init: %cst_9) applies stablehlo.add across dimensions = [2] : (tensor<2x64x128xf32>, tensor<f32>) -> tensor<2x64xf32>
  %53 = stablehlo.broadcast_in_dim %52, dims = [0, 1] : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
  %cst_10 = stablehlo.constant dense<1.280000e+02> : tensor<f32>
  %54 = stablehlo.broadcast_in_dim %cst_10, dims = [] : (tensor<f32>) -> tensor<2x64x1xf32>
  %55 = stablehlo.divide %53, %54 : tensor<2x64x1xf32>
  %cst_11 = stablehlo.constant dense<9.99999974E-6> : tensor<f32>

  // layer_norm: return centred * jax.lax.rsqrt(variance + 1e-5) * scale + bias
  %56 = stablehlo.broadcast_in_dim %cst_11, dims = [] : (tensor<f32>) -> tensor<2x64x1xf32>
  %57 = stablehlo.add %55, %56 : tensor<2x64x1xf32>
  %58 = stablehlo.rsqrt %57 : tensor<2x64x1xf32>
  %59 = stablehlo.broadcast_in_dim %58, dims = [0, 1, 2] : (tensor<2x64x1xf32>) -> tensor<2x64x128xf32>
  %60 = stablehlo.multiply %50, %59 : tensor<2x64x128xf32>
  %61 = stablehlo.broadcast_in_dim %norm2_scale, dims = [2] : (tensor<128xf32>) -> tensor<1x1x128xf32>
  %62 = stablehlo.broadcast_in_dim %61, dims = [0, 1, 2] : (tensor<1x1x128xf32>) -> tensor<2x64x128xf32>
  %63 = stablehlo.multiply %60, %62 : tensor<2x64x128xf32>
  %64 = stablehlo.broadcast_in_dim %norm2_bias, dims = [2] : (tensor<128xf32>) -> tensor<1x1x128xf32>
  %65 = stablehlo.broadcast_in_dim %64, dims = [0, 1, 2] : (tensor<1x1x128xf32>) -> tensor<2x64x128xf32>
  %66 = stablehlo.add %63, %65 : tensor<2x64x128xf32>

  // mlp: return gelu(x @ w1 + b1) @ w2 + b2
  %67 = stablehlo.dot_general %66, %w1, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<2x64x128xf32>, tensor<128x512xf32>) -> tensor<2x64x512xf32>
  %68 = stablehlo.broadcast_in_dim %b1, dims = [2] : (tensor<512xf32>) -> tensor<1x1x512xf32>
  %69 = stablehlo.broadcast_in_dim %68, dims = [0, 1, 2] : (tensor<1x1x512xf32>) -> tensor<2x64x512xf32>
  %70 = stablehlo.add %67, %69 : tensor<2x64x512xf32>
  %cst_12 = stablehlo.constant dense<5.000000e-01> : tensor<f32>

  // gelu: return 0.5 * x * (1.0 + jnp.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))
  %71 = stablehlo.broadcast_in_dim %cst_12, dims = [] : (tensor<f32>) -> tensor<2x64x512xf32>
  %72 = stablehlo.multiply %71, %70 : tensor<2x64x512xf32>
  %cst_13 = stablehlo.constant dense<4.471500e-02> : tensor<f32>
  %73 = stablehlo.broadcast_in_dim %cst_13, dims = [] : (tensor<f32>) -> tensor<2x64x512xf32>
  %74 = stablehlo.multiply %73, %70 : tensor<2x64x512xf32>
  %75 = stablehlo.multiply %74, %70 : tensor<2x64x512xf32>
  %76 = stablehlo.multiply %75, %70 : tensor<2x64x512xf32>
  %77 = stablehlo.add %70, %76 : tensor<2x64x512xf32>
  %cst_14 = stablehlo.constant dense<0.797884583> : tensor<f32>
  %78 = stablehlo.broadcast_in_dim %cst_14, dims = [] : (tensor<f32>) -> tensor<2x64x512xf32>
  %79 = stablehlo.multiply %78, %77 : tensor<2x64x512xf32>
  %80 = stablehlo.tanh %79 : tensor<2x64x512xf32>
  %cst_15 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
  %81 = stablehlo.broadcast_in_dim %cst_15, dims = [] : (tensor<f32>) -> tensor<2x64x512xf32>
  %82 = stablehlo.add %81, %80 : tensor<2x64x512xf32>
  %83 = stablehlo.multiply %72, %82 : tensor<2x64x512xf32>

  // mlp: return gelu(x @ w1 + b1) @ w2 + b2
  %84 = stablehlo.dot_general %83, %w2, contracting_dims = [2] x [0], precision = [DEFAULT, DEFAULT] : (tensor<2x64x512xf32>, tensor<512x128xf32>) -> tensor<2x64x128xf32>
  %85 = stablehlo.broadcast_in_dim %b2, dims = [2] : (tensor<128xf32>) -> tensor<1x1x128xf32>
  %86 = stablehlo.broadcast_in_dim %85, dims = [0, 1, 2] : (tensor<1x1x128xf32>) -> tensor<2x64x128xf32>
  %87 = stablehlo.add %84, %86 : tensor<2x64x128xf32>

  // transformer: return x + mlp(layer_norm(x, *norm2), *feed_forward)
  %88 = stablehlo.add %44, %87 : tensor<2x64x128xf32>
  func.return %88 : tensor<2x64x128xf32>
}
