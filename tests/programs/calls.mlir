// Functions that call functions, with several results of several types.

func.func private @divide(%a: tensor<3xi32>, %b: tensor<3xi32>) -> (tensor<3xi32>, tensor<3xi32>) attributes {noinline} {
  %quotient = arith.divsi %a, %b : tensor<3xi32>
  %remainder = arith.remsi %a, %b : tensor<3xi32>
  return %quotient, %remainder : tensor<3xi32>, tensor<3xi32>
}

func.func @two_tensors() {
  %a = util.unfoldable_constant dense<[17, 23, -9]> : tensor<3xi32>
  %b = util.unfoldable_constant dense<[5, 4, 2]> : tensor<3xi32>
  %results:2 = call @divide(%a, %b) : (tensor<3xi32>, tensor<3xi32>) -> (tensor<3xi32>, tensor<3xi32>)
  check.expect_eq_const(%results#0, dense<[3, 5, -4]> : tensor<3xi32>) : tensor<3xi32>
  check.expect_eq_const(%results#1, dense<[2, 3, -1]> : tensor<3xi32>) : tensor<3xi32>
  return
}

func.func private @mixed(%a: tensor<2xf32>, %n: i32) -> (tensor<2xf32>, i32, f32, i64) attributes {noinline} {
  %one = arith.constant 1 : i32
  %more = arith.addi %n, %one : i32
  %float = arith.sitofp %n : i32 to f32
  %long = arith.extsi %n : i32 to i64
  %shift = arith.constant 40 : i64
  %large = arith.shli %long, %shift : i64
  %sum = arith.addf %a, %a : tensor<2xf32>
  return %sum, %more, %float, %large : tensor<2xf32>, i32, f32, i64
}

func.func @tensors_and_scalars() {
  %a = util.unfoldable_constant dense<[1.0, 2.0]> : tensor<2xf32>
  %n = util.unfoldable_constant 3 : i32
  %results:4 = call @mixed(%a, %n) : (tensor<2xf32>, i32) -> (tensor<2xf32>, i32, f32, i64)
  check.expect_eq_const(%results#0, dense<[2.0, 4.0]> : tensor<2xf32>) : tensor<2xf32>
  %four = arith.constant 4 : i32
  %integer = arith.cmpi eq, %results#1, %four : i32
  check.expect_true(%integer) : i1
  %three = arith.constant 3.0 : f32
  %float = arith.cmpf oeq, %results#2, %three : f32
  check.expect_true(%float) : i1
  %expected = arith.constant 3298534883328 : i64
  %long = arith.cmpi eq, %results#3, %expected : i64
  check.expect_true(%long) : i1
  return
}
