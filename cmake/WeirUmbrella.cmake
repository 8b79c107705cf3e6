# weir::weir: all modules at once, with the umbrella header weir/weir.hpp.
get_property(modules GLOBAL PROPERTY WEIR_MODULES)
add_library(weir_weir INTERFACE)
add_library(weir::weir ALIAS weir_weir)
set_target_properties(weir_weir PROPERTIES EXPORT_NAME weir)
list(TRANSFORM modules PREPEND weir_ OUTPUT_VARIABLE targets)
target_link_libraries(weir_weir INTERFACE ${targets})

if(EXISTS ${PROJECT_SOURCE_DIR}/src/weir/weir.hpp)
  set(root ${CMAKE_BINARY_DIR}/modules/umbrella)
  file(MAKE_DIRECTORY ${root}/weir)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src/weir/weir.hpp ${root}/weir/weir.hpp SYMBOLIC)
  target_include_directories(weir_weir INTERFACE $<BUILD_INTERFACE:${root}> $<INSTALL_INTERFACE:include>)
endif()

# Whoever compiles coroutines needs it: without it g++ below -O2 turns their symmetric transfer into calls, and a loop of
# co_await eats the stack.
if(TARGET weir_coro)
  target_compile_options(weir_coro INTERFACE $<$<CXX_COMPILER_ID:GNU>:-foptimize-sibling-calls>)
endif()
