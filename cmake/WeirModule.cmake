# weir_module(NAME [DEPS module…] [LIBS target…] [PRIVATE_LIBS target…])
#
# One folder under src/weir is one module is one static library weir_NAME (alias weir::NAME).
#   thing.hpp thing.cpp     the library
#   thing_test.cpp          joined into weir_NAME_test, one ctest entry NAME
#   thing_bench.cpp         joined into weir_NAME_bench (Google Benchmark)
#   thing_fuzz.cpp          a program thing_fuzz: a libFuzzer target in the fuzz preset; elsewhere a driver
#                           that replays fuzz/corpus/thing, which ctest runs as fuzz.thing
#
# Import rules, enforced: DEPS must already be targets (so there is no cycle and the order of src/weir/CMakeLists.txt
# is the import order), and a file that includes "weir/M/…" of a module M that is not declared does not build.
# TEST_DEPS are seen by the module's tests, benchmarks and fuzz targets only.
function(weir_module name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS;PRIVATE_LIBS;TEST_DEPS;TEST_LIBS" ${ARGN})
  set(dir ${CMAKE_CURRENT_SOURCE_DIR}/${name})
  file(GLOB all CONFIGURE_DEPENDS ${dir}/*.cpp ${dir}/*.hpp ${dir}/detail/*.cpp ${dir}/detail/*.hpp)
  if(NOT all)
    return()  # announced, not written yet
  endif()
  foreach(dep IN LISTS arg_DEPS arg_TEST_DEPS)
    if(NOT TARGET weir_${dep})
      message(FATAL_ERROR "module ${name} depends on ${dep}, which stands below it (or does not exist): "
        "a module may import only modules above it in src/weir/CMakeLists.txt")
    endif()
  endforeach()
  set(lib ${all})
  list(FILTER lib EXCLUDE REGEX "_(test|bench|fuzz)\\.cpp$")
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(benches ${all})
  list(FILTER benches INCLUDE REGEX "_bench\\.cpp$")
  set(fuzzers ${all})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")

  # The module's own include root: <build>/modules/NAME/weir/NAME -> src/weir/NAME.
  set(root ${CMAKE_BINARY_DIR}/modules/${name})
  file(MAKE_DIRECTORY ${root}/weir)
  file(CREATE_LINK ${dir} ${root}/weir/${name} SYMBOLIC)

  set(stamp ${CMAKE_BINARY_DIR}/modules/${name}.imports)
  add_custom_command(OUTPUT ${stamp}
    COMMAND ${CMAKE_COMMAND} -DMODULE=${name} "-DALLOWED=${name};${arg_DEPS}" "-DALLOWED_IN_TESTS=${arg_TEST_DEPS}"
      -DDIR=${dir} -DSTAMP=${stamp} -P ${PROJECT_SOURCE_DIR}/cmake/check_imports.cmake
    DEPENDS ${all} ${PROJECT_SOURCE_DIR}/cmake/check_imports.cmake
    COMMENT "Checking the imports of ${name}" VERBATIM)
  add_custom_target(weir_${name}_imports DEPENDS ${stamp})

  add_library(weir_${name} STATIC ${lib})
  add_library(weir::${name} ALIAS weir_${name})
  set_target_properties(weir_${name} PROPERTIES EXPORT_NAME ${name} LINKER_LANGUAGE CXX)
  add_dependencies(weir_${name} weir_${name}_imports)
  target_include_directories(weir_${name} PUBLIC $<BUILD_INTERFACE:${root}> $<INSTALL_INTERFACE:include>)
  target_compile_features(weir_${name} PUBLIC cxx_std_23)
  list(TRANSFORM arg_DEPS PREPEND weir_)
  target_link_libraries(weir_${name} PUBLIC ${arg_DEPS} ${arg_LIBS} PRIVATE ${arg_PRIVATE_LIBS})
  set_property(GLOBAL APPEND PROPERTY WEIR_MODULES ${name})

  list(TRANSFORM arg_TEST_DEPS PREPEND weir_)
  set(extra ${arg_TEST_DEPS} ${arg_TEST_LIBS})
  if(WEIR_TESTS AND tests)
    add_executable(weir_${name}_test ${tests})
    target_link_libraries(weir_${name}_test PRIVATE weir_${name} ${extra} ${arg_PRIVATE_LIBS} GTest::gmock GTest::gtest_main)
    target_compile_definitions(weir_${name}_test PRIVATE WEIR_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME ${name} COMMAND weir_${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS unit)
  endif()
  if(WEIR_BENCH AND benches)
    add_executable(weir_${name}_bench ${benches})
    target_link_libraries(weir_${name}_bench PRIVATE weir_${name} ${extra} ${arg_PRIVATE_LIBS} benchmark::benchmark_main)
  endif()
  if(WEIR_TESTS)
    foreach(source IN LISTS fuzzers)
      get_filename_component(fuzzer ${source} NAME_WE)
      string(REGEX REPLACE "_fuzz$" "" subject ${fuzzer})
      add_executable(${fuzzer} ${source})
      target_link_libraries(${fuzzer} PRIVATE weir_${name} ${extra} ${arg_PRIVATE_LIBS})
      if(WEIR_SANITIZE MATCHES "fuzzer")
        target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
      else()
        target_sources(${fuzzer} PRIVATE ${PROJECT_SOURCE_DIR}/fuzz/replay_main.cpp)
        add_test(NAME fuzz.${subject} COMMAND ${fuzzer} ${PROJECT_SOURCE_DIR}/fuzz/corpus/${subject})
        set_tests_properties(fuzz.${subject} PROPERTIES TIMEOUT 300 LABELS fuzz)
      endif()
      set_property(GLOBAL APPEND PROPERTY WEIR_FUZZERS ${fuzzer})
    endforeach()
  endif()
endfunction()
