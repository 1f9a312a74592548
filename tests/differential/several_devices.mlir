// Programs that use two devices at once, @a and @b.

util.global private mutable @state = dense<1.0> : tensor<64xf32>

func.func @there_and_back(%x: tensor<64xf32>) -> tensor<64xf32> {
  %two = arith.constant dense<2.0> : tensor<64xf32>
  %on_a = arith.mulf %x, %two : tensor<64xf32>
  %to_b = flow.tensor.transfer %on_a : tensor<64xf32> to #hal.device.promise<@b>
  %on_b = arith.addf %to_b, %to_b : tensor<64xf32>
  %to_a = flow.tensor.transfer %on_b : tensor<64xf32> to #hal.device.promise<@a>
  %last = arith.subf %to_a, %x : tensor<64xf32>
  return %last : tensor<64xf32>
}

// Neither half waits for the other; one constant serves both.
func.func @both_halves(%x: tensor<64x64xf32>) -> (tensor<64x64xf32>, tensor<64x64xf32>) {
  %weights = arith.constant dense<0.5> : tensor<64x64xf32>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %at_a = flow.tensor.transfer %x : tensor<64x64xf32> to #hal.device.promise<@a>
  %w_a = flow.tensor.transfer %weights : tensor<64x64xf32> to #hal.device.promise<@a>
  %z_a = flow.tensor.transfer %zero : tensor<64x64xf32> to #hal.device.promise<@a>
  %at_b = flow.tensor.transfer %x : tensor<64x64xf32> to #hal.device.promise<@b>
  %w_b = flow.tensor.transfer %weights : tensor<64x64xf32> to #hal.device.promise<@b>
  %z_b = flow.tensor.transfer %zero : tensor<64x64xf32> to #hal.device.promise<@b>
  %on_a = linalg.matmul ins(%at_a, %w_a : tensor<64x64xf32>, tensor<64x64xf32>) outs(%z_a : tensor<64x64xf32>) -> tensor<64x64xf32>
  %on_b = linalg.matmul ins(%w_b, %at_b : tensor<64x64xf32>, tensor<64x64xf32>) outs(%z_b : tensor<64x64xf32>) -> tensor<64x64xf32>
  %back = flow.tensor.transfer %on_b : tensor<64x64xf32> to #hal.device.promise<@a>
  return %on_a, %back : tensor<64x64xf32>, tensor<64x64xf32>
}

// Read on both, written on one.
func.func @state_of_both(%x: tensor<64xf32>) -> tensor<64xf32> {
  %state = util.global.load @state : tensor<64xf32>
  %on_a = arith.addf %x, %state : tensor<64xf32>
  %to_b = flow.tensor.transfer %on_a : tensor<64xf32> to #hal.device.promise<@b>
  %state_b = flow.tensor.transfer %state : tensor<64xf32> to #hal.device.promise<@b>
  %on_b = arith.mulf %to_b, %state_b : tensor<64xf32>
  %new = flow.tensor.transfer %on_b : tensor<64xf32> to #hal.device.promise<@a>
  util.global.store %new, @state : tensor<64xf32>
  %last = arith.subf %new, %x : tensor<64xf32>
  return %last : tensor<64xf32>
}

func.func @any_length(%x: tensor<?xf32>) -> tensor<?xf32> {
  %squares = arith.mulf %x, %x : tensor<?xf32>
  %c0 = arith.constant 0 : index
  %size = tensor.dim %x, %c0 : tensor<?xf32>
  %to_b = flow.tensor.transfer %squares : tensor<?xf32>{%size} to #hal.device.promise<@b>
  %sums = arith.addf %to_b, %to_b : tensor<?xf32>
  %to_a = flow.tensor.transfer %sums : tensor<?xf32>{%size} to #hal.device.promise<@a>
  return %to_a : tensor<?xf32>
}

// An argument that the caller leaves on the second device.
func.func @starts_on_b(%x: tensor<64xf32> {iree.abi.affinity = #hal.device.promise<@b>}) -> (tensor<64xf32> {iree.abi.affinity = #hal.device.promise<@a>}) {
  %on_b = arith.addf %x, %x : tensor<64xf32>
  %to_a = flow.tensor.transfer %on_b : tensor<64xf32> to #hal.device.promise<@a>
  %on_a = arith.mulf %to_a, %to_a : tensor<64xf32>
  return %on_a : tensor<64xf32>
}

func.func @check_chain() {
  %x = util.unfoldable_constant dense<1.5> : tensor<16xf32>
  %a1 = arith.addf %x, %x : tensor<16xf32>
  %b0 = flow.tensor.transfer %a1 : tensor<16xf32> to #hal.device.promise<@b>
  %b1 = arith.mulf %b0, %b0 : tensor<16xf32>
  %a2 = flow.tensor.transfer %b1 : tensor<16xf32> to #hal.device.promise<@a>
  %a3 = arith.addf %a2, %a1 : tensor<16xf32>
  %b2 = flow.tensor.transfer %a3 : tensor<16xf32> to #hal.device.promise<@b>
  %b3 = arith.addf %b2, %b1 : tensor<16xf32>
  %a4 = flow.tensor.transfer %b3 : tensor<16xf32> to #hal.device.promise<@a>
  check.expect_eq_const(%a4, dense<21.0> : tensor<16xf32>) : tensor<16xf32>
  return
}

func.func @check_bytes() {
  // Odd lengths: copies between devices are not of whole words.
  %x = util.unfoldable_constant dense<[1, 2, 3, 4, 5, 6, 7]> : tensor<7xi8>
  %a1 = arith.addi %x, %x : tensor<7xi8>
  %b0 = flow.tensor.transfer %a1 : tensor<7xi8> to #hal.device.promise<@b>
  %b1 = arith.addi %b0, %b0 : tensor<7xi8>
  %a2 = flow.tensor.transfer %b1 : tensor<7xi8> to #hal.device.promise<@a>
  check.expect_eq_const(%a2, dense<[4, 8, 12, 16, 20, 24, 28]> : tensor<7xi8>) : tensor<7xi8>
  return
}
