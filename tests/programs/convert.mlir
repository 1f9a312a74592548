// Conversions between element types.

func.func @float_widths() {
  %a = util.unfoldable_constant dense<[1.5, -0.1, 3.14159274, 100000.0]> : tensor<4xf32>
  %half = arith.truncf %a : tensor<4xf32> to tensor<4xf16>
  check.expect_eq_const(%half, dense<[1.5, -0.1, 3.14159274, 0x7C00]> : tensor<4xf16>) : tensor<4xf16>
  %brain = arith.truncf %a : tensor<4xf32> to tensor<4xbf16>
  check.expect_eq_const(%brain, dense<[1.5, -0.1, 3.14159274, 100000.0]> : tensor<4xbf16>) : tensor<4xbf16>
  return
}

func.func @half_round_trip() {
  %a = util.unfoldable_constant dense<[1.5, 0x0001, 0x7C00]> : tensor<3xf16>
  %wide = arith.extf %a : tensor<3xf16> to tensor<3xf32>
  %back = arith.truncf %wide : tensor<3xf32> to tensor<3xf16>
  check.expect_eq(%a, %back) : tensor<3xf16>
  return
}

func.func @float_to_int() {
  %a = util.unfoldable_constant dense<[1.9, -1.9, 0.5, 100.0]> : tensor<4xf32>
  %i32 = arith.fptosi %a : tensor<4xf32> to tensor<4xi32>
  check.expect_eq_const(%i32, dense<[1, -1, 0, 100]> : tensor<4xi32>) : tensor<4xi32>
  %i8 = arith.fptosi %a : tensor<4xf32> to tensor<4xi8>
  check.expect_eq_const(%i8, dense<[1, -1, 0, 100]> : tensor<4xi8>) : tensor<4xi8>
  return
}

func.func @int_to_float() {
  %a = util.unfoldable_constant dense<[-1, 0, 7]> : tensor<3xi32>
  %signed = arith.sitofp %a : tensor<3xi32> to tensor<3xf32>
  check.expect_eq_const(%signed, dense<[-1.0, 0.0, 7.0]> : tensor<3xf32>) : tensor<3xf32>
  %unsigned = arith.uitofp %a : tensor<3xi32> to tensor<3xf32>
  check.expect_eq_const(%unsigned, dense<[4294967296.0, 0.0, 7.0]> : tensor<3xf32>) : tensor<3xf32>
  return
}

func.func @int_widths() {
  %a = util.unfoldable_constant dense<[-1, 127, -128]> : tensor<3xi8>
  %signed = arith.extsi %a : tensor<3xi8> to tensor<3xi64>
  check.expect_eq_const(%signed, dense<[-1, 127, -128]> : tensor<3xi64>) : tensor<3xi64>
  %unsigned = arith.extui %a : tensor<3xi8> to tensor<3xi16>
  check.expect_eq_const(%unsigned, dense<[255, 127, 128]> : tensor<3xi16>) : tensor<3xi16>
  %wide = util.unfoldable_constant dense<[4294967297, -1]> : tensor<2xi64>
  %low = arith.trunci %wide : tensor<2xi64> to tensor<2xi32>
  check.expect_eq_const(%low, dense<[1, -1]> : tensor<2xi32>) : tensor<2xi32>
  return
}

func.func @bitcast() {
  %a = util.unfoldable_constant dense<[1.0, -2.0]> : tensor<2xf32>
  %bits = arith.bitcast %a : tensor<2xf32> to tensor<2xi32>
  check.expect_eq_const(%bits, dense<[0x3F800000, 0xC0000000]> : tensor<2xi32>) : tensor<2xi32>
  return
}
