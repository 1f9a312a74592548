// Square roots by Newton's iteration, until the largest change is below a tolerance.
//
// Shows: a loop whose trip count depends on data. Each turn reads one float back from the
// device to decide whether to go on, so the VM waits on a fence in every iteration.
// Returns the roots and the number of iterations.

func.func @main(%a: tensor<8xf32>) -> (tensor<8xf32>, i32) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1 : i32
  %none = arith.constant 0 : i32
  %limit = arith.constant 50 : i32
  %half = arith.constant 0.5 : f32
  %tolerance = arith.constant 1.0e-6 : f32
  %infinite = arith.constant 0x7F800000 : f32
  %empty = tensor.empty() : tensor<8xf32>

  %root, %change, %count = scf.while (%x = %a, %delta = %infinite, %i = %none)
      : (tensor<8xf32>, f32, i32) -> (tensor<8xf32>, f32, i32) {
    %moving = arith.cmpf ogt, %delta, %tolerance : f32
    %allowed = arith.cmpi slt, %i, %limit : i32
    %continue = arith.andi %moving, %allowed : i1
    scf.condition(%continue) %x, %delta, %i : tensor<8xf32>, f32, i32
  } do {
  ^bb0(%x: tensor<8xf32>, %delta: f32, %i: i32):
    // x' = (x + a / x) / 2
    %next = linalg.generic {
        indexing_maps = [affine_map<(n) -> (n)>, affine_map<(n) -> (n)>, affine_map<(n) -> (n)>],
        iterator_types = ["parallel"]}
        ins(%x, %a : tensor<8xf32>, tensor<8xf32>) outs(%empty : tensor<8xf32>) {
    ^bb1(%guess: f32, %value: f32, %unused: f32):
      %quotient = arith.divf %value, %guess : f32
      %sum = arith.addf %guess, %quotient : f32
      %mean = arith.mulf %sum, %half : f32
      linalg.yield %mean : f32
    } -> tensor<8xf32>

    // The largest relative change of this turn.
    %scalar_empty = tensor.empty() : tensor<f32>
    %scalar_init = linalg.fill ins(%zero : f32) outs(%scalar_empty : tensor<f32>) -> tensor<f32>
    %largest = linalg.generic {
        indexing_maps = [affine_map<(n) -> (n)>, affine_map<(n) -> (n)>, affine_map<(n) -> ()>],
        iterator_types = ["reduction"]}
        ins(%next, %x : tensor<8xf32>, tensor<8xf32>) outs(%scalar_init : tensor<f32>) {
    ^bb1(%new: f32, %old: f32, %max: f32):
      %step = arith.subf %new, %old : f32
      %magnitude = math.absf %step : f32
      %relative = arith.divf %magnitude, %new : f32
      %larger = arith.maximumf %max, %relative : f32
      linalg.yield %larger : f32
    } -> tensor<f32>
    %delta_next = tensor.extract %largest[] : tensor<f32>
    %i_next = arith.addi %i, %one : i32
    scf.yield %next, %delta_next, %i_next : tensor<8xf32>, f32, i32
  }
  return %root, %count : tensor<8xf32>, i32
}
