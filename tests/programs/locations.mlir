// Ops with locations of their own, as front ends write them: names, files, call sites, fusions.

#line = loc("model.py":12:3)
#call = loc("model.py":40:1)

func.func @named() {
  %a = util.unfoldable_constant dense<[1.0, 2.0]> : tensor<2xf32> loc("weights"(#line))
  %b = arith.addf %a, %a : tensor<2xf32> loc(callsite("layer"(#line) at #call))
  %c = arith.mulf %b, %a : tensor<2xf32> loc(fused["first", #line])
  check.expect_eq_const(%c, dense<[2.0, 8.0]> : tensor<2xf32>) : tensor<2xf32> loc(unknown)
  return
} loc("named function")
