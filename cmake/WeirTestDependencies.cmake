# What only our own tests and benchmarks are linked with.
if(WEIR_TESTS)
  find_package(GTest REQUIRED)
  weir_find_pkgconfig(BROTLI_DECODER libbrotlidec)  # what was compressed is read again
endif()
if(WEIR_BENCH)
  find_package(benchmark REQUIRED)
endif()
