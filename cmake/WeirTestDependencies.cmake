# What only our own tests and benchmarks are linked with.
if(WEIR_TESTS)
  find_package(GTest REQUIRED)
endif()
if(WEIR_BENCH)
  find_package(benchmark REQUIRED)
endif()
