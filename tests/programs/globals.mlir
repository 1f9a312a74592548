// Globals: initialised, uninitialised, of every kind, and changed by calls.
// Each function leaves its globals as it found them, so that the order of calls does not matter.

util.global private mutable @counter = 0 : i32
util.global private mutable @total = dense<[10, 20]> : tensor<2xi64>
util.global private @table : tensor<4xf32>
util.global private mutable @ratio = 0.5 : f32
ml_program.global private mutable @state(dense<1.0> : tensor<2x2xf32>) : tensor<2x2xf32>

util.initializer {
  %half = util.unfoldable_constant dense<[0.5, 1.0, 1.5, 2.0]> : tensor<4xf32>
  %double = arith.addf %half, %half : tensor<4xf32>
  util.global.store %double, @table : tensor<4xf32>
  util.return
}

func.func @scalar() {
  %before = util.global.load @counter : i32
  %seven = util.unfoldable_constant 7 : i32
  %sum = arith.addi %before, %seven : i32
  util.global.store %sum, @counter : i32
  %after = util.global.load @counter : i32
  %equal = arith.cmpi eq, %after, %seven : i32
  check.expect_true(%equal) : i1
  util.global.store %before, @counter : i32
  return
}

func.func @float_scalar() {
  %ratio = util.global.load @ratio : f32
  %double = arith.addf %ratio, %ratio : f32
  %one = arith.constant 1.0 : f32
  %equal = arith.cmpf oeq, %double, %one : f32
  check.expect_true(%equal) : i1
  util.global.store %ratio, @ratio : f32
  return
}

func.func private @add_to_total(%amount: tensor<2xi64>) attributes {noinline} {
  %before = util.global.load @total : tensor<2xi64>
  %after = arith.addi %before, %amount : tensor<2xi64>
  util.global.store %after, @total : tensor<2xi64>
  return
}

func.func @tensor() {
  %before = util.global.load @total : tensor<2xi64>
  %amount = util.unfoldable_constant dense<[1, 2]> : tensor<2xi64>
  call @add_to_total(%amount) : (tensor<2xi64>) -> ()
  call @add_to_total(%amount) : (tensor<2xi64>) -> ()
  %after = util.global.load @total : tensor<2xi64>
  check.expect_eq_const(%after, dense<[12, 24]> : tensor<2xi64>) : tensor<2xi64>
  util.global.store %before, @total : tensor<2xi64>
  return
}

func.func @from_an_initializer() {
  %table = util.global.load @table : tensor<4xf32>
  check.expect_eq_const(%table, dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>) : tensor<4xf32>
  return
}

func.func @ml_program() {
  %before = ml_program.global_load @state : tensor<2x2xf32>
  %after = arith.addf %before, %before : tensor<2x2xf32>
  ml_program.global_store @state = %after : tensor<2x2xf32>
  %loaded = ml_program.global_load @state : tensor<2x2xf32>
  check.expect_eq_const(%loaded, dense<2.0> : tensor<2x2xf32>) : tensor<2x2xf32>
  ml_program.global_store @state = %before : tensor<2x2xf32>
  return
}
