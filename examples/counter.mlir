// A module with state: a mutable global that outlives the call.
//
// Shows: globals as variables of the Stream level, an initializer, a private helper, and two
// exports over the same state. @increment adds to the counter and returns its new value,
// @value reads it, @reset puts it back to zero.

util.global private mutable @counter = dense<0> : tensor<4xi32>

func.func @increment(%amount: tensor<4xi32>) -> tensor<4xi32> {
  %before = util.global.load @counter : tensor<4xi32>
  %after = arith.addi %before, %amount : tensor<4xi32>
  util.global.store %after, @counter : tensor<4xi32>
  return %after : tensor<4xi32>
}

func.func @value() -> tensor<4xi32> {
  %now = util.global.load @counter : tensor<4xi32>
  return %now : tensor<4xi32>
}

func.func @reset() {
  %zero = arith.constant dense<0> : tensor<4xi32>
  util.global.store %zero, @counter : tensor<4xi32>
  return
}
