// Loops: counted, data-dependent, nested, and with several carried tensors.

func.func @counted() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %turns = util.unfoldable_constant 5 : index
  %start = util.unfoldable_constant dense<1> : tensor<2xi32>
  %power = scf.for %i = %c0 to %turns step %c1 iter_args(%x = %start) -> tensor<2xi32> {
    %double = arith.addi %x, %x : tensor<2xi32>
    scf.yield %double : tensor<2xi32>
  }
  check.expect_eq_const(%power, dense<32> : tensor<2xi32>) : tensor<2xi32>
  return
}

func.func @zero_turns() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %turns = util.unfoldable_constant 0 : index
  %start = util.unfoldable_constant dense<7> : tensor<2xi32>
  %same = scf.for %i = %c0 to %turns step %c1 iter_args(%x = %start) -> tensor<2xi32> {
    %double = arith.addi %x, %x : tensor<2xi32>
    scf.yield %double : tensor<2xi32>
  }
  check.expect_eq_const(%same, dense<7> : tensor<2xi32>) : tensor<2xi32>
  return
}

func.func @collatz() {
  // 27 needs 111 steps to reach 1.
  %start = util.unfoldable_constant dense<27> : tensor<i32>
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %two = stablehlo.constant dense<2> : tensor<i32>
  %three = stablehlo.constant dense<3> : tensor<i32>
  %last, %steps = stablehlo.while(%n = %start, %count = %zero) : tensor<i32>, tensor<i32>
    cond {
      %more = stablehlo.compare GT, %n, %one : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %more : tensor<i1>
    } do {
      %rest = stablehlo.remainder %n, %two : tensor<i32>
      %odd = stablehlo.compare EQ, %rest, %one : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %half = stablehlo.divide %n, %two : tensor<i32>
      %triple = stablehlo.multiply %n, %three : tensor<i32>
      %up = stablehlo.add %triple, %one : tensor<i32>
      %next = stablehlo.select %odd, %up, %half : tensor<i1>, tensor<i32>
      %more_count = stablehlo.add %count, %one : tensor<i32>
      stablehlo.return %next, %more_count : tensor<i32>, tensor<i32>
    }
  check.expect_eq_const(%steps, dense<111> : tensor<i32>) : tensor<i32>
  check.expect_eq_const(%last, dense<1> : tensor<i32>) : tensor<i32>
  return
}

func.func @nested() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %outer = util.unfoldable_constant 3 : index
  %one = util.unfoldable_constant dense<1.0> : tensor<4xf32>
  %zero = util.unfoldable_constant dense<0.0> : tensor<4xf32>
  %sum = scf.for %i = %c0 to %outer step %c1 iter_args(%x = %zero) -> tensor<4xf32> {
    %inner = scf.for %j = %c0 to %i step %c1 iter_args(%y = %x) -> tensor<4xf32> {
      %next = arith.addf %y, %one : tensor<4xf32>
      scf.yield %next : tensor<4xf32>
    }
    scf.yield %inner : tensor<4xf32>
  }
  check.expect_eq_const(%sum, dense<3.0> : tensor<4xf32>) : tensor<4xf32>
  return
}

func.func @fibonacci() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %turns = util.unfoldable_constant 10 : index
  %a0 = util.unfoldable_constant dense<0> : tensor<2xi64>
  %b0 = util.unfoldable_constant dense<1> : tensor<2xi64>
  %ab:2 = scf.for %i = %c0 to %turns step %c1 iter_args(%a = %a0, %b = %b0) -> (tensor<2xi64>, tensor<2xi64>) {
    %next = arith.addi %a, %b : tensor<2xi64>
    scf.yield %b, %next : tensor<2xi64>, tensor<2xi64>
  }
  check.expect_eq_const(%ab#0, dense<55> : tensor<2xi64>) : tensor<2xi64>
  return
}
