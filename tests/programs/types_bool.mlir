// i1 tensors: stored as bytes, computed as bits.

func.func @logic() {
  %a = util.unfoldable_constant dense<[true, true, false, false]> : tensor<4xi1>
  %b = util.unfoldable_constant dense<[true, false, true, false]> : tensor<4xi1>
  %and = arith.andi %a, %b : tensor<4xi1>
  check.expect_eq_const(%and, dense<[true, false, false, false]> : tensor<4xi1>) : tensor<4xi1>
  %or = arith.ori %a, %b : tensor<4xi1>
  check.expect_eq_const(%or, dense<[true, true, true, false]> : tensor<4xi1>) : tensor<4xi1>
  %xor = arith.xori %a, %b : tensor<4xi1>
  check.expect_eq_const(%xor, dense<[false, true, true, false]> : tensor<4xi1>) : tensor<4xi1>
  return
}

func.func @widen() {
  %a = util.unfoldable_constant dense<[true, false, true]> : tensor<3xi1>
  %unsigned = arith.extui %a : tensor<3xi1> to tensor<3xi32>
  check.expect_eq_const(%unsigned, dense<[1, 0, 1]> : tensor<3xi32>) : tensor<3xi32>
  %signed = arith.extsi %a : tensor<3xi1> to tensor<3xi8>
  check.expect_eq_const(%signed, dense<[-1, 0, -1]> : tensor<3xi8>) : tensor<3xi8>
  return
}

func.func @any_and_all() {
  %a = util.unfoldable_constant dense<[[true, true], [true, false], [false, false]]> : tensor<3x2xi1>
  %true = arith.constant dense<true> : tensor<3xi1>
  %false = arith.constant dense<false> : tensor<3xi1>
  %all = linalg.reduce {arith.andi} ins(%a : tensor<3x2xi1>) outs(%true : tensor<3xi1>) dimensions = [1]
  check.expect_eq_const(%all, dense<[true, false, false]> : tensor<3xi1>) : tensor<3xi1>
  %any = linalg.reduce {arith.ori} ins(%a : tensor<3x2xi1>) outs(%false : tensor<3xi1>) dimensions = [1]
  check.expect_eq_const(%any, dense<[true, true, false]> : tensor<3xi1>) : tensor<3xi1>
  return
}
