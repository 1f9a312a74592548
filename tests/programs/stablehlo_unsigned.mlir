// Unsigned integers exist only above IREE's input conversion: ui8, ui16, ui32 in StableHLO.

func.func @division() {
  %a_bits = util.unfoldable_constant dense<[250, 200, 7]> : tensor<3xi8>
  %a = stablehlo.bitcast_convert %a_bits : (tensor<3xi8>) -> tensor<3xui8>
  %b_bits = util.unfoldable_constant dense<[7, 100, 2]> : tensor<3xi8>
  %b = stablehlo.bitcast_convert %b_bits : (tensor<3xi8>) -> tensor<3xui8>
  %quotient = stablehlo.divide %a, %b : tensor<3xui8>
  %signless = stablehlo.bitcast_convert %quotient : (tensor<3xui8>) -> tensor<3xi8>
  check.expect_eq_const(%signless, dense<[35, 2, 3]> : tensor<3xi8>) : tensor<3xi8>
  return
}

func.func @widen() {
  %a_bits = util.unfoldable_constant dense<[255, 128, 1]> : tensor<3xi8>
  %a = stablehlo.bitcast_convert %a_bits : (tensor<3xi8>) -> tensor<3xui8>
  %wide = stablehlo.convert %a : (tensor<3xui8>) -> tensor<3xi32>
  check.expect_eq_const(%wide, dense<[255, 128, 1]> : tensor<3xi32>) : tensor<3xi32>
  %float = stablehlo.convert %a : (tensor<3xui8>) -> tensor<3xf32>
  check.expect_eq_const(%float, dense<[255.0, 128.0, 1.0]> : tensor<3xf32>) : tensor<3xf32>
  return
}

func.func @order() {
  %a_bits = util.unfoldable_constant dense<[4294967295, 1]> : tensor<2xi32>
  %a = stablehlo.bitcast_convert %a_bits : (tensor<2xi32>) -> tensor<2xui32>
  %b_bits = util.unfoldable_constant dense<[1, 2]> : tensor<2xi32>
  %b = stablehlo.bitcast_convert %b_bits : (tensor<2xi32>) -> tensor<2xui32>
  %greater = stablehlo.compare GT, %a, %b : (tensor<2xui32>, tensor<2xui32>) -> tensor<2xi1>
  check.expect_eq_const(%greater, dense<[true, false]> : tensor<2xi1>) : tensor<2xi1>
  return
}

func.func @shift() {
  %a_bits = util.unfoldable_constant dense<[65535, 32768]> : tensor<2xi16>
  %a = stablehlo.bitcast_convert %a_bits : (tensor<2xi16>) -> tensor<2xui16>
  %b_bits = util.unfoldable_constant dense<[4, 15]> : tensor<2xi16>
  %b = stablehlo.bitcast_convert %b_bits : (tensor<2xi16>) -> tensor<2xui16>
  %shifted = stablehlo.shift_right_logical %a, %b : tensor<2xui16>
  %wide = stablehlo.convert %shifted : (tensor<2xui16>) -> tensor<2xi32>
  check.expect_eq_const(%wide, dense<[4095, 1]> : tensor<2xi32>) : tensor<2xi32>
  return
}
