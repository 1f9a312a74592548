// The torch dialect: what a PyTorch export looks like before IREE lowers it.
// flags: --iree-input-type=torch

func.func @linear_relu() {
  %x = util.unfoldable_constant dense<[[1.0, 2.0], [-3.0, 1.0]]> : tensor<2x2xf32>
  %w = util.unfoldable_constant dense<[[1.0, 0.0], [1.0, 1.0], [0.0, -2.0]]> : tensor<3x2xf32>
  %b = util.unfoldable_constant dense<[0.5, 0.0, 1.0]> : tensor<3xf32>
  %tx = torch_c.from_builtin_tensor %x : tensor<2x2xf32> -> !torch.vtensor<[2,2],f32>
  %tw = torch_c.from_builtin_tensor %w : tensor<3x2xf32> -> !torch.vtensor<[3,2],f32>
  %tb = torch_c.from_builtin_tensor %b : tensor<3xf32> -> !torch.vtensor<[3],f32>
  %linear = torch.aten.linear %tx, %tw, %tb : !torch.vtensor<[2,2],f32>, !torch.vtensor<[3,2],f32>, !torch.vtensor<[3],f32> -> !torch.vtensor<[2,3],f32>
  %relu = torch.aten.relu %linear : !torch.vtensor<[2,3],f32> -> !torch.vtensor<[2,3],f32>
  %y = torch_c.to_builtin_tensor %relu : !torch.vtensor<[2,3],f32> -> tensor<2x3xf32>
  check.expect_eq_const(%y, dense<[[1.5, 3.0, 0.0], [0.0, 0.0, 0.0]]> : tensor<2x3xf32>) : tensor<2x3xf32>
  return
}

func.func @softmax() {
  %x = util.unfoldable_constant dense<[[0.0, 0.0], [0.0, 100.0]]> : tensor<2x2xf32>
  %tx = torch_c.from_builtin_tensor %x : tensor<2x2xf32> -> !torch.vtensor<[2,2],f32>
  %dim = torch.constant.int 1
  %none = torch.constant.none
  %softmax = torch.aten.softmax.int %tx, %dim, %none : !torch.vtensor<[2,2],f32>, !torch.int, !torch.none -> !torch.vtensor<[2,2],f32>
  %y = torch_c.to_builtin_tensor %softmax : !torch.vtensor<[2,2],f32> -> tensor<2x2xf32>
  check.expect_almost_eq_const(%y, dense<[[0.5, 0.5], [0.0, 1.0]]> : tensor<2x2xf32>, atol 1.0e-6) : tensor<2x2xf32>
  return
}
