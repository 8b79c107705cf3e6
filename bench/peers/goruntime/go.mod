module weir.test/peers/goruntime

go 1.23
