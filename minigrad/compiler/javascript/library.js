// Functions of NumPy's that are no loops: f(outs, ins, options), of arrays {dtype, shape, data} in one piece.
