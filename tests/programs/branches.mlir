// Branches: if and case on values from the device, switches on host values.

func.func private @choose(%condition: tensor<i1>) -> tensor<2xf32> {
  %value = tensor.extract %condition[] : tensor<i1>
  %a = util.unfoldable_constant dense<[1.0, 2.0]> : tensor<2xf32>
  %result = scf.if %value -> tensor<2xf32> {
    %sum = arith.addf %a, %a : tensor<2xf32>
    scf.yield %sum : tensor<2xf32>
  } else {
    %negated = arith.negf %a : tensor<2xf32>
    scf.yield %negated : tensor<2xf32>
  }
  return %result : tensor<2xf32>
}

func.func @if_on_device_value() {
  %true = util.unfoldable_constant dense<true> : tensor<i1>
  %false = util.unfoldable_constant dense<false> : tensor<i1>
  %then = call @choose(%true) : (tensor<i1>) -> tensor<2xf32>
  check.expect_eq_const(%then, dense<[2.0, 4.0]> : tensor<2xf32>) : tensor<2xf32>
  %else = call @choose(%false) : (tensor<i1>) -> tensor<2xf32>
  check.expect_eq_const(%else, dense<[-1.0, -2.0]> : tensor<2xf32>) : tensor<2xf32>
  return
}

func.func private @pick(%which: tensor<i32>) -> tensor<2xi32> {
  %a = util.unfoldable_constant dense<[10, 20]> : tensor<2xi32>
  %picked = "stablehlo.case"(%which) ({
    %sum = stablehlo.add %a, %a : tensor<2xi32>
    stablehlo.return %sum : tensor<2xi32>
  }, {
    %product = stablehlo.multiply %a, %a : tensor<2xi32>
    stablehlo.return %product : tensor<2xi32>
  }, {
    %negated = stablehlo.negate %a : tensor<2xi32>
    stablehlo.return %negated : tensor<2xi32>
  }) : (tensor<i32>) -> tensor<2xi32>
  return %picked : tensor<2xi32>
}

func.func @case() {
  %zero = util.unfoldable_constant dense<0> : tensor<i32>
  %one = util.unfoldable_constant dense<1> : tensor<i32>
  %beyond = util.unfoldable_constant dense<9> : tensor<i32>
  %first = call @pick(%zero) : (tensor<i32>) -> tensor<2xi32>
  check.expect_eq_const(%first, dense<[20, 40]> : tensor<2xi32>) : tensor<2xi32>
  %second = call @pick(%one) : (tensor<i32>) -> tensor<2xi32>
  check.expect_eq_const(%second, dense<[100, 400]> : tensor<2xi32>) : tensor<2xi32>
  // An index out of range takes the last branch.
  %last = call @pick(%beyond) : (tensor<i32>) -> tensor<2xi32>
  check.expect_eq_const(%last, dense<[-10, -20]> : tensor<2xi32>) : tensor<2xi32>
  return
}

func.func @switch_on_host_value() {
  %which = util.unfoldable_constant 2 : index
  %result = scf.index_switch %which -> i32
  case 0 {
    %v = arith.constant 100 : i32
    scf.yield %v : i32
  }
  case 2 {
    %v = arith.constant 102 : i32
    scf.yield %v : i32
  }
  default {
    %v = arith.constant -1 : i32
    scf.yield %v : i32
  }
  %expected = arith.constant 102 : i32
  %equal = arith.cmpi eq, %result, %expected : i32
  check.expect_true(%equal) : i1
  return
}

func.func @unstructured() {
  %value = util.unfoldable_constant 3 : i32
  %limit = arith.constant 10 : i32
  cf.br ^loop(%value : i32)
^loop(%x: i32):
  %double = arith.addi %x, %x : i32
  %done = arith.cmpi sgt, %double, %limit : i32
  cf.cond_br %done, ^exit(%double : i32), ^loop(%double : i32)
^exit(%y: i32):
  %expected = arith.constant 12 : i32
  %equal = arith.cmpi eq, %y, %expected : i32
  check.expect_true(%equal) : i1
  return
}
