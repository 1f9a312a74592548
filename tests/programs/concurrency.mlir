// Dispatches that do not depend on each other, and one that needs them all.

func.func @fan_out_and_in() {
  %a = util.unfoldable_constant dense<1.0> : tensor<16x16xf32>
  %b = util.unfoldable_constant dense<2.0> : tensor<16x16xf32>
  %zero = arith.constant dense<0.0> : tensor<16x16xf32>
  %aa = linalg.matmul ins(%a, %a : tensor<16x16xf32>, tensor<16x16xf32>) outs(%zero : tensor<16x16xf32>) -> tensor<16x16xf32>
  %ab = linalg.matmul ins(%a, %b : tensor<16x16xf32>, tensor<16x16xf32>) outs(%zero : tensor<16x16xf32>) -> tensor<16x16xf32>
  %bb = linalg.matmul ins(%b, %b : tensor<16x16xf32>, tensor<16x16xf32>) outs(%zero : tensor<16x16xf32>) -> tensor<16x16xf32>
  %left = linalg.matmul ins(%aa, %ab : tensor<16x16xf32>, tensor<16x16xf32>) outs(%zero : tensor<16x16xf32>) -> tensor<16x16xf32>
  %sum = linalg.matmul ins(%left, %bb : tensor<16x16xf32>, tensor<16x16xf32>) outs(%zero : tensor<16x16xf32>) -> tensor<16x16xf32>
  check.expect_eq_const(%sum, dense<8388608.0> : tensor<16x16xf32>) : tensor<16x16xf32>
  return
}

func.func @many_workgroups() {
  %a = util.unfoldable_constant dense<0.5> : tensor<256x64xf32>
  %b = util.unfoldable_constant dense<2.0> : tensor<64x256xf32>
  %zero = arith.constant dense<1.0> : tensor<256x256xf32>
  %c = linalg.matmul ins(%a, %b : tensor<256x64xf32>, tensor<64x256xf32>) outs(%zero : tensor<256x256xf32>) -> tensor<256x256xf32>
  check.expect_eq_const(%c, dense<65.0> : tensor<256x256xf32>) : tensor<256x256xf32>
  return
}

func.func @long_chain() {
  // Each link reads all of the one before, so that none can be fused.
  %a = util.unfoldable_constant dense<1.0> : tensor<8x8xf32>
  %eighth = util.unfoldable_constant dense<0.125> : tensor<8x8xf32>
  %zero = arith.constant dense<0.0> : tensor<8x8xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c20 = arith.constant 20 : index
  %result = scf.for %i = %c0 to %c20 step %c1 iter_args(%x = %a) -> tensor<8x8xf32> {
    %next = linalg.matmul ins(%x, %eighth : tensor<8x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<8x8xf32>) -> tensor<8x8xf32>
    scf.yield %next : tensor<8x8xf32>
  }
  check.expect_eq_const(%result, dense<1.0> : tensor<8x8xf32>) : tensor<8x8xf32>
  return
}
