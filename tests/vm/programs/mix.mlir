// Functions of every kind of argument and result, for this machine's CPU.
util.global private mutable @state = dense<0.0> : tensor<4xf32>

func.func @mlp(%x: tensor<8x64xf32>, %w: tensor<64x32xf32>, %b: tensor<32xf32>) -> tensor<8x32xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<8x32xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%empty : tensor<8x32xf32>) -> tensor<8x32xf32>
  %product = linalg.matmul ins(%x, %w : tensor<8x64xf32>, tensor<64x32xf32>)
      outs(%filled : tensor<8x32xf32>) -> tensor<8x32xf32>
  %result = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%product, %b : tensor<8x32xf32>, tensor<32xf32>) outs(%empty : tensor<8x32xf32>) {
  ^bb0(%p: f32, %q: f32, %unused: f32):
    %sum = arith.addf %p, %q : f32
    %relu = arith.maximumf %sum, %zero : f32
    linalg.yield %relu : f32
  } -> tensor<8x32xf32>
  return %result : tensor<8x32xf32>
}

func.func @dynamic(%a: tensor<?x4xf32>, %b: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %r = arith.mulf %a, %b : tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

func.func @scalars(%a: i32, %b: f32, %c: i64, %d: f64) -> (i32, f32, i64, f64) {
  %w = arith.addi %a, %a : i32
  %x = arith.mulf %b, %b : f32
  %y = arith.muli %c, %c : i64
  %z = arith.divf %d, %d : f64
  return %w, %x, %y, %z : i32, f32, i64, f64
}

func.func @several(%a: tensor<3xi64>, %b: tensor<2x2xf64>) -> (tensor<3xi64>, tensor<2x2xf64>, tensor<i32>) {
  %0 = arith.addi %a, %a : tensor<3xi64>
  %1 = math.sqrt %b : tensor<2x2xf64>
  %2 = arith.constant dense<7> : tensor<i32>
  return %0, %1, %2 : tensor<3xi64>, tensor<2x2xf64>, tensor<i32>
}

func.func @small(%a: tensor<5xf16>, %b: tensor<5xi8>, %c: tensor<5xi1>, %d: tensor<5xbf16>)
    -> (tensor<5xf16>, tensor<5xi8>, tensor<5xi1>, tensor<5xbf16>) {
  %0 = arith.addf %a, %a : tensor<5xf16>
  %1 = arith.muli %b, %b : tensor<5xi8>
  %true = arith.constant dense<true> : tensor<5xi1>
  %2 = arith.xori %c, %true : tensor<5xi1>
  %3 = arith.addf %d, %d : tensor<5xbf16>
  return %0, %1, %2, %3 : tensor<5xf16>, tensor<5xi8>, tensor<5xi1>, tensor<5xbf16>
}

func.func @complex(%a: tensor<3xcomplex<f32>>) -> tensor<3xcomplex<f32>> {
  %e = tensor.empty() : tensor<3xcomplex<f32>>
  %r = linalg.generic {
      indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
      iterator_types = ["parallel"]}
      ins(%a : tensor<3xcomplex<f32>>) outs(%e : tensor<3xcomplex<f32>>) {
  ^bb0(%x: complex<f32>, %unused: complex<f32>):
    %y = complex.mul %x, %x : complex<f32>
    linalg.yield %y : complex<f32>
  } -> tensor<3xcomplex<f32>>
  return %r : tensor<3xcomplex<f32>>
}

func.func @accumulate(%a: tensor<4xf32>) -> tensor<4xf32> {
  %s = util.global.load @state : tensor<4xf32>
  %r = arith.addf %s, %a : tensor<4xf32>
  util.global.store %r, @state : tensor<4xf32>
  return %r : tensor<4xf32>
}

func.func @keep(%a: tensor<4xf32>) {
  util.global.store %a, @state : tensor<4xf32>
  return
}

func.func @identity(%a: tensor<4xf32>) -> tensor<4xf32> {
  return %a : tensor<4xf32>
}

func.func @until_large(%a: tensor<i32>) -> tensor<i32> {
  %limit = arith.constant dense<1000> : tensor<i32>
  %r = scf.while (%x = %a) : (tensor<i32>) -> tensor<i32> {
    %c = arith.cmpi slt, %x, %limit : tensor<i32>
    %go = tensor.extract %c[] : tensor<i1>
    scf.condition(%go) %x : tensor<i32>
  } do {
  ^bb0(%x: tensor<i32>):
    %y = arith.addi %x, %x : tensor<i32>
    scf.yield %y : tensor<i32>
  }
  return %r : tensor<i32>
}
