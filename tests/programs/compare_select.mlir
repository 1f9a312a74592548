// Comparisons, ordered and unordered, and selection by them.

func.func @integers() {
  %a = util.unfoldable_constant dense<[-1, 0, 1]> : tensor<3xi32>
  %b = util.unfoldable_constant dense<[0, 0, 0]> : tensor<3xi32>
  %signed = arith.cmpi slt, %a, %b : tensor<3xi32>
  check.expect_eq_const(%signed, dense<[true, false, false]> : tensor<3xi1>) : tensor<3xi1>
  %unsigned = arith.cmpi ugt, %a, %b : tensor<3xi32>
  check.expect_eq_const(%unsigned, dense<[true, false, true]> : tensor<3xi1>) : tensor<3xi1>
  return
}

func.func @not_a_number() {
  %a = util.unfoldable_constant dense<[0x7FC00000, 1.0, 2.0]> : tensor<3xf32>
  %b = util.unfoldable_constant dense<[1.0, 1.0, 1.0]> : tensor<3xf32>
  %ordered = arith.cmpf oge, %a, %b : tensor<3xf32>
  check.expect_eq_const(%ordered, dense<[false, true, true]> : tensor<3xi1>) : tensor<3xi1>
  %unordered = arith.cmpf une, %a, %b : tensor<3xf32>
  check.expect_eq_const(%unordered, dense<[true, false, true]> : tensor<3xi1>) : tensor<3xi1>
  return
}

func.func @select() {
  %which = util.unfoldable_constant dense<[[true, false], [false, true]]> : tensor<2x2xi1>
  %a = util.unfoldable_constant dense<1.0> : tensor<2x2xf16>
  %b = util.unfoldable_constant dense<2.0> : tensor<2x2xf16>
  %chosen = arith.select %which, %a, %b : tensor<2x2xi1>, tensor<2x2xf16>
  check.expect_eq_const(%chosen, dense<[[1.0, 2.0], [2.0, 1.0]]> : tensor<2x2xf16>) : tensor<2x2xf16>
  return
}

func.func @clamp() {
  %a = util.unfoldable_constant dense<[-5.0, 0.5, 5.0]> : tensor<3xf32>
  %low = stablehlo.constant dense<0.0> : tensor<f32>
  %high = stablehlo.constant dense<1.0> : tensor<f32>
  %clamped = stablehlo.clamp %low, %a, %high : (tensor<f32>, tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  check.expect_eq_const(%clamped, dense<[0.0, 0.5, 1.0]> : tensor<3xf32>) : tensor<3xf32>
  return
}

func.func @all_true() {
  %a = util.unfoldable_constant dense<[1, -1, 7]> : tensor<3xi32>
  check.expect_all_true(%a) : tensor<3xi32>
  return
}
